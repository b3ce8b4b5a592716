-- Nothing is lost or counted twice between the sources and the whole team.
with

counted as (
    {%- for mart, columns in [
        ('mart_inbound_month', ['inbound_leads', 'excluded_leads', 'lead_to_qualified_k', 'lead_to_qualified_n',
            'lead_to_customer_n', 'never_answered_n', 'contacted_n', 'unlogged_n', 'lead_speed_n', 'customers']),
        ('mart_outbound_month', ['outbound_touches', 'new_prospects', 'reactivated_prospects',
            'prospect_to_qualified_k', 'prospect_to_qualified_n', 'contacted_n']),
        ('mart_closer_month', ['qualified_received', 'lead_to_customer_k', 'lead_to_customer_n', 'deals_won',
            'deals_lost', 'win_rate_n', 'self_handover_n', 'open_deals', 'handover_n', 'cycle_n']),
    ] %}
        {%- set mart_loop = loop %}
        {%- for column in columns %}
            select
                '{{ mart }}.{{ column }}' as figure,
                cast(month as text) as slice,
                sum(case when slice_type = 'all' then {{ column }} else 0 end) as whole,
                sum(case when slice_type = 'source' then {{ column }} else 0 end) as parts
            from {{ ref(mart) }}
            group by month
            union all by name
        {%- endfor %}
    {%- endfor %}
    select
        'mart_funnel_cohort.k' as figure,
        period_type || ' ' || cast(period_start as text) || ' ' || motion || ' ' || stage as slice,
        sum(case when source = 'all' then k else 0 end) as whole,
        sum(case when source <> 'all' then k else 0 end) as parts
    from {{ ref('mart_funnel_cohort') }}
    group by period_type, period_start, motion, stage
)

select * from counted
where whole <> parts
