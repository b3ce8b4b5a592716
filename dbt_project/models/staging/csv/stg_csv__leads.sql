with

source as (
    select * from {{ source('raw_csv', 'leads') }}
),

renamed as (
    select
        {{ source_key('csv', 'id') }} as lead_id,
        {{ source_key('csv', 'coalesce(nullif(trim(person_id), \'\'), id)') }} as person_source_id,
        {{ source_key('csv', 'owner_id') }} as owner_id,
        {{ source_key('csv', 'qualified_by') }} as qualified_by_id,
        nullif(trim(source), '') as source_value,
        nullif(trim(disqualified_reason), '') as disqualified_reason,
        {{ csv_precision('created_at') }} as created_precision,
        {{ csv_precision('qualified_at') }} as qualified_precision,
        {{ csv_precision('disqualified_at') }} as disqualified_precision,
        nullif(trim(email_key), '') as email_key,
        coalesce(nullif(trim(domain_key), ''), nullif(trim(email_domain_key), '')) as domain_key,
        _deleted_how as deleted_how,
        _deleted_at is not null as is_deleted,
        updated_at,
        _deleted_at as deleted_at,
        {{ csv_instant('created_at') }} as created_at,
        {{ csv_instant('qualified_at') }} as qualified_at,
        {{ csv_instant('disqualified_at') }} as disqualified_at,
        {{ failed_casts([
            ['created_at', csv_instant('created_at')],
            ['qualified_at', csv_instant('qualified_at')],
            ['disqualified_at', csv_instant('disqualified_at')],
        ]) }} as failed_casts
    from source
)

select * from renamed
