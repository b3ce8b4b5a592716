{#- Per metric the changes that lead from the CRM's figure to ours, in the order in which they are made: rows of
    (metric_id, cause_no, cause, cause_nl, cause_en). Number 0 is the CRM's way. -#}
{% macro reconciliation_causes() -%}
    {%- set record = ('same_person', 'Records van één persoon zijn één lead.', 'Records of one person are one lead.') %}
    {%- set outbound = ('outbound', 'Outbound: wij benaderden de persoon, niet andersom.', 'Outbound: we approached the person, not the other way round.') %}
    {%- set owner = ('owner', 'Geteld bij wie er toen eigenaar van was, niet bij de eigenaar van nu.', 'Counted for who owned it then, not for the owner of today.') %}
    {%- set excluded = ('excluded', 'Een uitsluitingsregel haalde de lead eruit.', 'An exclusion rule took the lead out.') %}
    {%- set bulk = ('bulk_import', 'Bulkimport: niemand vroeg iets.', 'Bulk import: nobody asked anything.') %}
    {%- set repeats = ('once_per_cycle', 'Eén kwalificatiepoging telt één keer, hoe vaak de fase ook gezet werd.', 'One attempt to qualify counts once, however often the stage was set.') %}
    {%- set corrections = ('corrections', 'Binnen 24 uur teruggedraaid, of geschreven door een samenvoeging.', 'Undone within 24 hours, or written by a merge.') %}
    {%- set renewals = ('renewals', 'Verlenging: geen nieuwe klant.', 'Renewal: no new business.') %}
    {%- set amounts = ('amount_not_positive', 'Bedrag nul of negatief.', 'Amount of zero or less.') %}
    {%- set other = ('other_rules', 'Om een andere reden niet geschikt.', 'Not eligible for another reason.') %}
    {%- set changes = {
        'inbound_leads': [
            record,
            outbound,
            ('entry_moment', 'Geteld in de maand van het signaal, niet in die van het record.',
                'Counted in the month of the signal, not in that of the record.'),
            ('reopened', 'Heropend na een stilte: een nieuwe lead op een oud record.',
                'Re-opened after a silence: a new lead on an old record.'),
            owner,
            excluded,
            bulk
        ],
        'lead_to_qualified_conversion': [
            record,
            corrections,
            repeats,
            outbound,
            ('entry_moment', 'Geteld in de maand van het signaal, niet in die van het record.',
                'Counted in the month of the signal, not in that of the record.'),
            ('reopened', 'Heropend na een stilte: een nieuwe lead op een oud record.',
                'Re-opened after a silence: a new lead on an old record.'),
            owner,
            excluded,
            bulk,
            ('cohort', 'Teller van de leads van deze maand, niet van wat deze maand gekwalificeerd werd.',
                'Numerator from the leads of this month, not from what was qualified in it.'),
            ('window', 'Alleen gekwalificeerd binnen de termijn.', 'Only what was qualified within the window.'),
            ('too_young', 'Leads die de termijn nog niet vol hebben blijven buiten beschouwing.',
                'Leads that have not had the whole window yet are left out.'),
            ('unrecorded', 'Leads uit een bron die geen kwalificatie vastlegt.',
                'Leads of a source that records no qualification.')
        ],
        'qualified_received': [corrections, repeats, excluded, owner],
        'win_rate': [
            owner,
            renewals,
            amounts,
            ('duplicate_merged_or_test', 'Verloren als dubbel, samengevoegd of test.', 'Lost as duplicate, merged or test.'),
            ('not_accepted', 'Verloren voordat de closer de deal accepteerde.', 'Lost before the closer accepted the deal.'),
            other,
            ('unrecorded', 'Deals uit een bron die geen verlies vastlegt.', 'Deals of a source that records no losses.')
        ],
        'won_amount': [
            owner,
            ('no_rate', 'Zonder valuta of koers is er geen bedrag; het CRM rekent dan alsof het de eigen valuta is.',
                'Without a currency or a rate there is no amount; the CRM takes it as its own currency.'),
            ('dated_rate', 'Koers van de dag van winst, niet die van nu.', 'Rate of the day it was won, not that of now.'),
            renewals,
            amounts,
            other
        ],
        'lead_speed_median': [
            owner,
            ('automatic_answers', 'Een automatisch bericht is geen antwoord; wie al benaderd was wachtte niet.',
                'An automatic message is no answer; who had been approached already did not wait.'),
            ('reassignment', 'De klok loopt vanaf het signaal, ook als de lead een andere eigenaar kreeg.',
                'The clock runs from the signal, also when the lead got another owner.'),
            ('not_clocked', 'Uitgesloten leads, bulkimports en leads zonder kloktijd.',
                'Excluded leads, bulk imports and leads without a time of day.'),
            ('working_hours', 'Werkminuten, geen kalenderminuten.', 'Working minutes, not calendar minutes.'),
            ('mean_to_median', 'De mediaan: een paar zeer late antwoorden bepalen het gemiddelde.',
                'The median: a few very late answers make the mean.'),
            ('unanswered', 'Onbeantwoorde leads tellen mee zolang zij wachten.',
                'Unanswered leads count for as long as they wait.')
        ]
    } %}
    values
    {%- for metric_id, causes in changes.items() %}
        ('{{ metric_id }}', 0, 'crm', 'Zoals het CRM telt.', 'As the CRM counts.')
        {%- for cause, cause_nl, cause_en in causes -%}
            ,
        ('{{ metric_id }}', {{ loop.index }}, '{{ cause }}', '{{ cause_nl }}', '{{ cause_en }}')
        {%- endfor -%}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}
