{#- Whether an entry of a history is on one of Salesforce's own fields. Only one field of a company's own is followed
    in each history, so every other entry is on that one. -#}
{% macro salesforce_is_standard_entry(field) -%}
    {{ field }} in (
        'created', 'leadConverted', 'leadMerged', 'contactCreatedFromLead', 'contactMerged', 'opportunityCreatedFromLead',
        'Owner', 'ownerAssignment', 'ownerAccepted', 'Status', 'StageName', 'Amount', 'CloseDate'
    )
{%- endmacro %}
