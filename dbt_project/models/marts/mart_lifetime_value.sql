with

int_lifetime_values as (
    select * from {{ ref('int_lifetime_values') }}
)

select
    basis,
    is_decisive,
    cast(estimate as double) as lifetime_value,
    basis = 'observed' as is_lower_bound,
    cast(ci_low as double) as lifetime_value_ci_low,
    cast(ci_high as double) as lifetime_value_ci_high,
    cast(case when ci_low is not null then 0.95 end as double) as ci_level,
    case
        when ci_low is null then null
        when basis = 'subscription' then 'jeffreys_churn'
        else 'student_t'
    end as ci_method,
    cast(threshold as double) as threshold,
    cast(p_above as double) as p_above,
    cast(churn_k as bigint) as churn_k,
    cast(churn_n as bigint) as churn_n,
    cast(case when has_churn then churn_k / churn_n end as double) as churn_estimate,
    cast(churn_ci_low as double) as churn_ci_low,
    cast(churn_ci_high as double) as churn_ci_high,
    case when basis = 'subscription' then 'jeffreys' end as churn_ci_method,
    cast(case when basis = 'subscription' then 1.0 end as double) as churn_maturity,
    case when basis = 'subscription' then {{ rate_grade('churn_k', 'churn_n') }} end as churn_grade,
    cast(arpa_year as double) as arpa_year,
    cast(gross_margin as double) as gross_margin,
    cast(customer_count as integer) as customers,
    cast(unvalued_count as integer) as unvalued_customers,
    {{ publication_columns() }}
from int_lifetime_values
