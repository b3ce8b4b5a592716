with

int_finding_evidence as (
    select * from {{ ref('int_finding_evidence') }}
),

-- The same sentence for each reason why there is no verdict; the finding itself speaks only when it is found.
worded as (
    select
        *,
        case
            when status = 'not_measurable' and rule_id = 'F8'
                then 'Niet meetbaar: nergens staat wanneer een lead gekwalificeerd is en door wie.'
            when status = 'not_measurable' and rule_id = 'F1' and scope_value = 'closer'
                then 'Niet meetbaar: er is geen overdracht met een vastgelegde eerste actie van de closer.'
            when status = 'not_measurable'
                then 'Niet meetbaar: het CRM bevat te weinig vastgelegde activiteiten om dit te zien.'
            when status = 'insufficient_data' and rule_id = 'F6' and n >= {{ var('min_n_rate') }}
                then 'Niet te beoordelen: van niemand in het team is de ervaring ingesteld.'
            when status = 'insufficient_data'
                then format(
                    'Te weinig gegevens: {} waarnemingen in de laatste drie volle maanden, er zijn '
                    || 'er {} nodig.', coalesce(n, 0), {{ var('min_n_rate') }}
                )
            when rule_id = 'F1' and estimate is null
                then
                    case
                        when scope_value = 'inbound'
                            then format('Minder dan de helft van de {} inbound leads kreeg een reactie', n)
                        else format('Minder dan de helft van de {} overgedragen leads hoorde iets van de closer', n)
                    end
                    || '; het doel is de helft binnen '
                    || {{ working_time_text('threshold', 'nl') }} || ' (' || period_nl || ').'
            when rule_id = 'F1' and scope_value = 'inbound'
                then
                    'De helft van de ' || n || ' inbound leads krijgt binnen '
                    || {{ working_time_text('estimate', 'nl') }}
                    || ' een eerste reactie; het doel is ' || {{ working_time_text('threshold', 'nl') }}
                    || '. Leads zonder reactie tellen mee (' || period_nl || ').'
            when rule_id = 'F1'
                then
                    'De helft van de ' || n || ' overgedragen leads hoort binnen '
                    || {{ working_time_text('estimate', 'nl') }}
                    || ' van de closer; het doel is '
                    || {{ working_time_text('threshold', 'nl') }}
                    || ' (' || period_nl || ').'
            when rule_id = 'F2'
                then format(
                    '{} van {} inbound leads ({}) van 5 werkdagen of ouder kregen nooit een '
                    || 'reactie ({}).', k, n, {{ percent_text('estimate') }}, period_nl
                )
            when rule_id = 'F4'
                then format(
                    'Op {} van {} werkdagen ({}) waren er minstens {} acquisitiecontacten; de langste '
                    || 'stilte duurde {:.0f} werkdagen ({}).',
                    k, n, {{ percent_text('estimate') }}, {{ var('min_new_touches') }}, figure, period_nl
                )
            when rule_id = 'F6' and coalesce(n, 0) = 0
                then 'Er is in deze periode geen werk van ervaren mensen vastgelegd.'
            when rule_id = 'F6'
                then case
                    when status = 'found'
                        then format(
                            '{:.0f} ervaren {} meer dan {} van de contacten aan '
                            || 'koude acquisitie. ',
                            figure,
                            case when figure = 1 then 'persoon besteedt' else 'mensen besteden' end,
                            {{ percent_text('threshold') }}
                        )
                    else ''
                end
                || format(
                    '{} {} van {} contacten ({}) aan koude acquisitie; hooguit {} is '
                    || 'verstandig ({}).',
                    case when status = 'found' then 'Het gaat om' else 'Ervaren mensen besteedden' end,
                    k, n, {{ percent_text('estimate') }}, {{ percent_text('threshold') }}, period_nl
                )
            when rule_id = 'F7' and status = 'found'
                then format(
                    '{:.0f} {} acquisitie, opvolging en sluiten tegelijk, samen {} van {} '
                    || 'contacten ({}).',
                    figure,
                    case when figure = 1 then 'persoon doet' else 'personen doen' end, k, n, period_nl
                )
            when rule_id = 'F7'
                then format('Niemand doet het hele verkoopproces alleen, gezien {} contacten ({}).', n, period_nl)
            else format(
                '{} van {} gekwalificeerde leads ({}) werden gesloten door wie ze ook '
                || 'kwalificeerde ({}).', k, n, {{ percent_text('estimate') }}, period_nl
            )
            || case
                when figure > 0
                    then format(
                        ' Nog {:.0f} uit eigen acquisitie tellen niet mee: onder 20 '
                        || 'medewerkers mag dat.', figure
                    )
                else ''
            end
        end as text_nl,
        case
            when status = 'not_measurable' and rule_id = 'F8'
                then 'Not measurable: nothing records when a lead was qualified and by whom.'
            when status = 'not_measurable' and rule_id = 'F1' and scope_value = 'closer'
                then 'Not measurable: no hand-over has a logged first action by the closer.'
            when status = 'not_measurable'
                then 'Not measurable: the CRM holds too few logged activities to see this.'
            when status = 'insufficient_data' and rule_id = 'F6' and n >= {{ var('min_n_rate') }}
                then 'Cannot be judged: nobody''s seniority is set in the configuration.'
            when status = 'insufficient_data'
                then format(
                    'Too little data: {} observations in the last three full months, {} '
                    || 'are needed.', coalesce(n, 0), {{ var('min_n_rate') }}
                )
            when rule_id = 'F1' and estimate is null
                then
                    case
                        when scope_value = 'inbound'
                            then format('Fewer than half of the {} inbound leads got a response', n)
                        else format('Fewer than half of the {} leads handed over heard from the closer', n)
                    end
                    || '; the target is half within '
                    || {{ working_time_text('threshold', 'en') }} || ' (' || period_en || ').'
            when rule_id = 'F1' and scope_value = 'inbound'
                then
                    'Half of the ' || n || ' inbound leads get a first '
                    || 'response within ' || {{ working_time_text('estimate', 'en') }}
                    || '; the target is ' || {{ working_time_text('threshold', 'en') }}
                    || '. Leads without a response count (' || period_en || ').'
            when rule_id = 'F1'
                then
                    'Half of the ' || n || ' leads handed over hear from the '
                    || 'closer within ' || {{ working_time_text('estimate', 'en') }}
                    || '; the target is ' || {{ working_time_text('threshold', 'en') }} || ' (' || period_en || ').'
            when rule_id = 'F2'
                then format(
                    '{} of {} inbound leads ({}) of 5 working days or older never got a '
                    || 'response ({}).', k, n, {{ percent_text('estimate') }}, period_en
                )
            when rule_id = 'F4'
                then format(
                    'On {} of {} working days ({}) there were at least {} acquisition touches; the '
                    || 'longest silence was {:.0f} '
                    || 'working days ({}).',
                    k, n, {{ percent_text('estimate') }}, {{ var('min_new_touches') }}, figure, period_en
                )
            when rule_id = 'F6' and coalesce(n, 0) = 0
                then 'No work of experienced people is logged in this period.'
            when rule_id = 'F6'
                then case
                    when status = 'found'
                        then format(
                            '{:.0f} experienced {} more than {} of the touches on '
                            || 'cold outbound. ',
                            figure,
                            case when figure = 1 then 'person spends' else 'people spend' end,
                            {{ percent_text('threshold') }}
                        )
                    else ''
                end
                || format(
                    '{} spent {} of {} touches ({}) on cold outbound; at most {} '
                    || 'is wise ({}).',
                    case when status = 'found' then 'Together they' else 'Experienced people' end,
                    k, n, {{ percent_text('estimate') }}, {{ percent_text('threshold') }}, period_en
                )
            when rule_id = 'F7' and status = 'found'
                then format(
                    '{:.0f} {} acquisition, follow-up and closing alike, together {} of {} '
                    || 'touches ({}).',
                    figure,
                    case when figure = 1 then 'person does' else 'people do' end, k, n, period_en
                )
            when rule_id = 'F7'
                then format('Nobody does the whole sales process alone, judged on {} touches ({}).', n, period_en)
            else format(
                '{} of {} qualified leads ({}) were closed by whoever also '
                || 'qualified them ({}).', k, n, {{ percent_text('estimate') }}, period_en
            )
            || case
                when figure > 0
                    then format(
                        ' Another {:.0f} from own acquisition do not count: below 20 '
                        || 'employees that is allowed.', figure
                    )
                else ''
            end
        end as text_en,
        case
            when status = 'not_measurable' and rule_id = 'F8'
                then 'Stel in welke stap in het CRM kwalificatie betekent en laat de overdracht vastleggen.'
            when status = 'not_measurable'
                then 'Laat bellen, mailen en afspraken in het CRM vastleggen; na een maand is dit te zien.'
            when status = 'insufficient_data' and rule_id = 'F6' and n >= {{ var('min_n_rate') }}
                then 'Zet bij iedere verkoper in de configuratie of hij of zij senior of junior is.'
            when status = 'insufficient_data' then 'Niets te doen: wacht tot er meer volle maanden zijn.'
            when status = 'clear' then 'Niets te doen; houd dit zo.'
            when rule_id = 'F1' and scope_value = 'inbound'
                then 'Spreek af wie elk uur nieuwe leads belt, en regel vervanging; begin met wie het langst wacht.'
            when rule_id = 'F1'
                then
                    'Plan bij de overdracht meteen een afspraak in de agenda van de closer; begin met de langst '
                    || 'wachtenden.'
            when rule_id = 'F2'
                then
                    'Bel deze leads deze week alsnog, en spreek af wie een lead oppakt als de '
                    || 'eigenaar niet kan.'
            when rule_id = 'F4'
                then
                    'Reserveer elke werkdag een vast blok voor acquisitie, ook als er veel leads '
                    || 'binnenkomen.'
            when rule_id = 'F6'
                then
                    'Geef de koude acquisitie aan een junior of parttimer, zodat ervaren mensen '
                    || 'kunnen sluiten.'
            when rule_id = 'F7' and is_startup
                then 'Voor een start-up is dit gewoon; splits als eerste het werven van leads af van de opvolging.'
            when rule_id = 'F7'
                then
                    'Splits ten minste het werven van leads van de opvolging, liefst over twee '
                    || 'parttimers.'
            else
                'Laat een ander de kwalificatie bevestigen voor het eerste gesprek, zodat de kwaliteit '
                || 'gecontroleerd blijft.'
        end as action_nl,
        case
            when status = 'not_measurable' and rule_id = 'F8'
                then 'Set which step in the CRM means qualified, and have the hand-over recorded.'
            when status = 'not_measurable'
                then 'Have calls, e-mails and meetings logged in the CRM; after a month this can be seen.'
            when status = 'insufficient_data' and rule_id = 'F6' and n >= {{ var('min_n_rate') }}
                then 'Set in the configuration whether each salesperson is senior or junior.'
            when status = 'insufficient_data' then 'Nothing to do: wait until there are more full months.'
            when status = 'clear' then 'Nothing to do; keep it so.'
            when rule_id = 'F1' and scope_value = 'inbound'
                then 'Agree who calls new leads every hour, and who stands in; start with those who wait longest.'
            when rule_id = 'F1'
                then
                    'Book a slot in the closer''s diary at the moment of hand-over; start with those '
                    || 'waiting longest.'
            when rule_id = 'F2'
                then
                    'Call these leads this week after all, and agree who takes a lead when its '
                    || 'owner cannot.'
            when rule_id = 'F4'
                then
                    'Reserve a fixed block for acquisition every working day, also when many '
                    || 'leads come in.'
            when rule_id = 'F6'
                then
                    'Give cold outbound to a junior or part-timer, so that experienced '
                    || 'people can close.'
            when rule_id = 'F7' and is_startup
                then 'For a start-up this is usual; split lead generation from follow-up first.'
            when rule_id = 'F7' then 'Split at least lead generation from follow-up, preferably over two part-timers.'
            else
                'Have somebody else confirm the qualification before the first meeting, so that quality '
                || 'stays checked.'
        end as action_en
    from int_finding_evidence
),

measured as (
    select
        rule_id || ':' || scope_value as finding_id,
        rule_id,
        case
            when status <> 'found' then 'low'
            -- R9: a start-up may let one person do everything for a while.
            when rule_id = 'F7' and is_startup then 'low'
            when is_certain and rule_id in ('F1', 'F2', 'F7') then 'high'
            when rule_id = 'F4' and is_certain and figure >= 10 then 'high'
            else 'medium'
        end as severity,
        scope_type,
        scope_value,
        status,
        coalesce(since, window_start) as since,
        k,
        n,
        case when status in ('found', 'clear') then estimate end as estimate,
        case when status in ('found', 'clear') then ci_low end as ci_low,
        case when status in ('found', 'clear') then ci_high end as ci_high,
        threshold,
        cast(to_json({
            'rule': rule_name,
            'period_start': cast(window_start as text),
            'period_end': cast(window_end as text),
            'unit': case when rule_id = 'F1' then 'working_minutes' else 'share' end,
            'k': k,
            'n': n,
            'estimate': case when status in ('found', 'clear') then estimate end,
            'ci_low': case when status in ('found', 'clear') then ci_low end,
            'ci_high': case when status in ('found', 'clear') then ci_high end,
            'threshold': threshold,
            'figure': figure,
            'figure_means': case rule_id
                when 'F1' then 'p90_working_minutes'
                when 'F4' then 'longest_gap_working_days'
                when 'F6' then 'senior_people'
                when 'F7' then 'people_in_all_roles'
                when 'F8' then 'allowed_by_R7'
            end,
            'rows_query': rows_query
        }) as text) as evidence,
        rows_query,
        text_nl,
        text_en,
        action_nl,
        action_en,
        case when is_change then 'new' else 'open' end as state,
        {{ publication_columns() }}
    from worded
)

select * from measured
