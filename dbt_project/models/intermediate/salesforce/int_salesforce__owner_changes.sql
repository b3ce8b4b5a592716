with

lead_turns as (
    {{ salesforce_owner_turns(
        'lead', 'lead_id', 'stg_salesforce__leads', 'stg_salesforce__lead_history', 'stg_salesforce__lead_snapshots'
    ) }}
),

contact_turns as (
    {{ salesforce_owner_turns(
        'lead', 'contact_id', 'stg_salesforce__contacts', 'stg_salesforce__contact_history',
        'stg_salesforce__contact_snapshots'
    ) }}
),

deal_turns as (
    {{ salesforce_owner_turns(
        'deal', 'deal_id', 'stg_salesforce__opportunities', 'stg_salesforce__opportunity_field_history',
        'stg_salesforce__opportunity_snapshots'
    ) }}
)

select * from lead_turns
union all by name
select * from contact_turns
union all by name
select * from deal_turns
