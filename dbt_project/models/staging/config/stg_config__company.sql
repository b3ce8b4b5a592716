with

source as (
    select * from {{ source('config', 'company') }}
),

renamed as (
    select
        name as company_name,
        timezone,
        country,
        reporting_currency,
        employees as employee_count,
        lifetime_value,
        has_subscriptions,
        gross_margin,
        fte_hours_week,
        is_startup,
        people_metrics as has_people_metrics
    from source
)

select * from renamed
