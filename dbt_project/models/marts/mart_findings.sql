with

int_finding_evidence as (
    select * from {{ ref('int_finding_evidence') }}
),

-- What a family has not said itself is said here once for all.
worded as (
    select
        * exclude (text_nl, text_en, estimate, ci_low, ci_high, rows_query),
        case when status in ('found', 'clear') then estimate end as estimate,
        case when status in ('found', 'clear') then ci_low end as ci_low,
        case when status in ('found', 'clear') then ci_high end as ci_high,
        coalesce(rows_query, 'select * from marts.fct_lead_cycle where false') as rows_query,
        case
            when status in ('found', 'clear') then text_nl
            when missing_nl is not null then missing_nl
            when status = 'not_measurable'
                then 'Niet meetbaar: het CRM bevat te weinig vastgelegde activiteiten om dit te zien.'
            else format(
                'Te weinig gegevens: {} waarnemingen {}, er zijn er {} nodig.',
                coalesce(n, 0),
                case when counted_over = 'as_of' then 'op dit moment' else 'in de laatste drie volle maanden' end,
                {{ var('min_n_rate') }}
            )
        end as text_nl,
        case
            when status in ('found', 'clear') then text_en
            when missing_en is not null then missing_en
            when status = 'not_measurable'
                then 'Not measurable: the CRM holds too few logged activities to see this.'
            else format(
                'Too little data: {} observations {}, {} are needed.',
                coalesce(n, 0),
                case when counted_over = 'as_of' then 'at this moment' else 'in the last three full months' end,
                {{ var('min_n_rate') }}
            )
        end as text_en,
        case
            when status = 'found' then found_action_nl
            when status = 'clear' then 'Niets te doen; houd dit zo.'
            when missing_action_nl is not null then missing_action_nl
            when status = 'not_measurable'
                then 'Laat bellen, mailen en afspraken in het CRM vastleggen; na een maand is dit te zien.'
            else 'Niets te doen: wacht tot er meer gegevens zijn.'
        end as action_nl,
        case
            when status = 'found' then found_action_en
            when status = 'clear' then 'Nothing to do; keep it so.'
            when missing_action_en is not null then missing_action_en
            when status = 'not_measurable'
                then 'Have calls, e-mails and meetings logged in the CRM; after a month this can be seen.'
            else 'Nothing to do: wait until there is more data.'
        end as action_en
    from int_finding_evidence
)

select
    finding_id,
    rule_id,
    rule_name,
    cast(sort_no as integer) as sort_no,
    severity,
    scope_type,
    scope_value,
    status,
    since,
    k,
    n,
    estimate,
    ci_low,
    ci_high,
    threshold,
    cast(to_json({
        'rule': rule_name,
        'period_start': cast(window_start as text),
        'period_end': cast(window_end as text),
        'counted': counted_over,
        'unit': unit,
        'k': k,
        'n': n,
        'estimate': estimate,
        'ci_low': ci_low,
        'ci_high': ci_high,
        'threshold': threshold,
        'figure': figure,
        'figure_means': figure_means,
        'rows_are': rows_are,
        'rows_query': rows_query,
        'source_sentence': source_sentence
    }) as text) as evidence,
    rows_query,
    text_nl,
    text_en,
    action_nl,
    action_en,
    state,
    opened_on,
    solved_on,
    suppressed_reason,
    suppressed_by,
    suppressed_until,
    {{ publication_columns() }}
from worded
