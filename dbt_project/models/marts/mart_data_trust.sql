with

int_data_trust_counts as (
    select * from {{ ref('int_data_trust_counts') }}
),

int_source_capabilities as (
    select * from {{ ref('int_source_capabilities') }}
),

judged as (
    select
        int_data_trust_counts.check_id,
        int_data_trust_counts.source_crm,
        int_data_trust_counts.k,
        int_data_trust_counts.n,
        case when int_data_trust_counts.n > 0 then 1.0 * int_data_trust_counts.k / int_data_trust_counts.n end as share,
        coalesce(int_source_capabilities.has_touches, false) as has_touches,
        coalesce(int_source_capabilities.has_losses, false) as has_losses
    from int_data_trust_counts
    left join int_source_capabilities on int_data_trust_counts.source_crm = int_source_capabilities.source_crm
),

verdicts as (
    select
        *,
        case
            when check_id = 'activities_logged' and not has_touches then 'not_measurable'
            when check_id = 'activities_logged' and coalesce(share, 1.0) < 0.50 then 'warning'
            when check_id = 'qualification_recorded' and k = 0 then 'not_measurable'
            when check_id = 'losses_recorded' and not has_losses then 'not_measurable'
            when check_id = 'amounts_recorded' and k = 0 then 'not_measurable'
            when check_id = 'amounts_recorded' and share < 0.90 then 'warning'
            when check_id = 'unlogged_conversions' and not has_touches then 'not_measurable'
            when check_id = 'unlogged_conversions' and n >= {{ var('min_n_rate') }} and share > 0.30
                then 'not_measurable'
            when check_id = 'unlogged_conversions' and share > 0.10 then 'warning'
            when check_id in ('unlinked_deals', 'missing_source') and share > 0.05 then 'warning'
            when check_id = 'excluded_leads' and share > 0.10 then 'warning'
            when
                check_id in (
                    'impossible_order', 'day_precision', 'rejected_rows', 'bulk_imports', 'open_without_owner',
                    'failed_casts', 'orphaned_leads', 'orphaned_deals', 'unassigned_roles'
                )
                and k > 0
                then 'warning'
            else 'ok'
        end as verdict
    from judged
),

worded as (
    select
        *,
        case check_id
            when 'activities_logged'
                then case
                    when not has_touches
                        then
                            'Er zijn geen activiteiten vastgelegd: opvolgsnelheid is niet te meten. Laat bellen en '
                            || 'mailen in het CRM vastleggen.'
                    else format(
                        '{} van {} leads van 5 werkdagen of ouder hebben een vastgelegde poging '
                        || 'tot contact.', k, n
                    )
                end
            when 'qualification_recorded'
                then case
                    when k = 0
                        then
                            'Nergens staat wanneer een lead gekwalificeerd is: conversie naar SQL en de closer zijn '
                            || 'niet te meten. Wijs in de configuratie de stap aan die kwalificatie betekent.'
                    else format('{} van {} leads hebben een moment van kwalificatie.', k, n)
                end
            when 'losses_recorded'
                then case
                    when not has_losses
                        then
                            'Er staan geen verloren deals naast gewonnen deals: een winstpercentage is niet te '
                            || 'meten. Sluit verloren deals af in plaats van ze te laten staan.'
                    else format('{} van {} afgesloten deals zijn als verloren vastgelegd.', k, n)
                end
            when 'amounts_recorded'
                then case
                    when k = 0
                        then
                            'Geen gewonnen deal heeft een bedrag in de rapportagevaluta: omzet is niet te meten. Vul '
                            || 'bedragen in, en koersen voor andere valuta.'
                    else format('{} van {} gewonnen deals hebben een bedrag in de rapportagevaluta.', k, n)
                end
            when 'impossible_order'
                then format(
                    '{} van {} leads zijn gekwalificeerd of klant voordat ze '
                    || 'binnenkwamen. Controleer de datums van deze leads.', k, n
                )
            when 'day_precision'
                then format(
                    '{} van {} leads hebben alleen een datum, geen tijd: snelheid in '
                    || 'minuten telt voor deze leads niet mee.', k, n
                )
            when 'unlogged_conversions'
                then case
                    when not has_touches
                        then
                            'Zonder vastgelegde activiteiten is niet te zien welke conversies '
                            || 'zonder vastlegging kwamen.'
                    else format(
                        '{} van {} gekwalificeerde leads hebben geen enkele vastgelegde poging; boven 30 % is '
                        || 'snelheid niet te meten.', k, n
                    )
                end
            when 'unlinked_deals'
                then format(
                    '{} van {} deals zijn niet met genoeg zekerheid aan een lead te '
                    || 'koppelen en tellen niet mee in de conversie. Koppel deals aan een contact.', k, n
                )
            when 'missing_source' then format('{} van {} leads hebben geen bekende bron.', k, n)
            when 'excluded_leads'
                then format(
                    '{} van {} leads zijn uitgesloten door de regels in de '
                    || 'configuratie.', k, n
                )
            when 'rejected_rows'
                then format(
                    '{} van {} rijen zijn bij het inlezen geweigerd. De lijst staat in '
                    || 'load.rejects.', k, n
                )
            when 'bulk_imports'
                then format(
                    '{} van {} leads kwamen in een import van 25 of meer tegelijk; ze '
                    || 'tellen niet als inbound lead.', k, n
                )
            when 'open_without_owner' then format('{} van {} open leads hebben geen eigenaar. Wijs ze toe.', k, n)
            when 'failed_casts' then format('{} velden in {} rijen zijn niet te lezen als getal of datum.', k, n)
            when 'orphaned_leads'
                then format(
                    '{} van {} open leads staan op naam van iemand die niet meer actief is. '
                    || 'Wijs ze toe aan een collega.', k, n
                )
            when 'orphaned_deals'
                then format(
                    '{} van {} open deals staan op naam van iemand die niet meer actief is. '
                    || 'Wijs ze toe aan een collega.', k, n
                )
            when 'unassigned_roles'
                then format(
                    '{} van {} pogingen van de laatste 90 dagen zijn van iemand zonder rol in de configuratie; '
                    || 'boven 20 % verschijnt er geen publicatie. Geef iedereen een rol.', k, n
                )
            when 'touched_before_entry'
                then format(
                    '{} van {} opgevolgde leads waren al benaderd voordat ze binnenkwamen; hun opvolgtijd is 0.', k, n
                )
        end as text_nl,
        case check_id
            when 'activities_logged'
                then case
                    when not has_touches
                        then
                            'No activities are logged: follow-up speed cannot be measured. Have calls and e-mails '
                            || 'logged in the CRM.'
                    else format('{} of {} leads of 5 working days or older have a logged attempt at contact.', k, n)
                end
            when 'qualification_recorded'
                then case
                    when k = 0
                        then
                            'Nothing records when a lead was qualified: conversion to SQL and the closer cannot be '
                            || 'measured. Name the step that means qualified in the configuration.'
                    else format('{} of {} leads have a moment of qualification.', k, n)
                end
            when 'losses_recorded'
                then case
                    when not has_losses
                        then
                            'There are no lost deals beside the won ones: a win rate cannot be measured. Close lost '
                            || 'deals instead of leaving them open.'
                    else format('{} of {} closed deals are recorded as lost.', k, n)
                end
            when 'amounts_recorded'
                then case
                    when k = 0
                        then
                            'No won deal has an amount in the reporting currency: revenue cannot be measured. Fill '
                            || 'in amounts, and rates for other currencies.'
                    else format('{} of {} won deals have an amount in the reporting currency.', k, n)
                end
            when 'impossible_order'
                then format(
                    '{} of {} leads were qualified or customer before they came in. '
                    || 'Check the dates of these leads.', k, n
                )
            when 'day_precision'
                then format(
                    '{} of {} leads have a date only, no time: they do not count for '
                    || 'speed in minutes.', k, n
                )
            when 'unlogged_conversions'
                then case
                    when not has_touches
                        then
                            'Without logged activities it cannot be seen which conversions were '
                            || 'not logged.'
                    else format(
                        '{} of {} qualified leads have no logged attempt at all; above 30 % speed cannot '
                        || 'be measured.', k, n
                    )
                end
            when 'unlinked_deals'
                then format(
                    '{} of {} deals cannot be linked to a lead with enough certainty '
                    || 'and do not count in conversion. Link deals to a contact.', k, n
                )
            when 'missing_source' then format('{} of {} leads have no known source.', k, n)
            when 'excluded_leads' then format('{} of {} leads are excluded by the rules in the configuration.', k, n)
            when 'rejected_rows'
                then format(
                    '{} of {} rows were refused while loading. The list is in '
                    || 'load.rejects.', k, n
                )
            when 'bulk_imports'
                then format(
                    '{} of {} leads came in an import of 25 or more at once; they do not '
                    || 'count as inbound leads.', k, n
                )
            when 'open_without_owner' then format('{} of {} open leads have no owner. Assign them.', k, n)
            when 'failed_casts' then format('{} fields in {} rows cannot be read as a number or a date.', k, n)
            when 'orphaned_leads'
                then format(
                    '{} of {} open leads are in the name of somebody who is no longer active. '
                    || 'Assign them to a colleague.', k, n
                )
            when 'orphaned_deals'
                then format(
                    '{} of {} open deals are in the name of somebody who is no longer active. '
                    || 'Assign them to a colleague.', k, n
                )
            when 'unassigned_roles'
                then format(
                    '{} of {} attempts of the last 90 days are by somebody without a role in the configuration; '
                    || 'above 20 % nothing is published. Give everybody a role.', k, n
                )
            when 'touched_before_entry'
                then format(
                    '{} of {} leads followed up had been touched before they came in; their follow-up time is 0.', k, n
                )
        end as text_en
    from verdicts
),

measured as (
    select
        check_id,
        source_crm,
        k,
        n,
        cast(share as double) as share,
        verdict,
        text_nl,
        text_en,
        {{ publication_columns() }}
    from worded
)

select * from measured
