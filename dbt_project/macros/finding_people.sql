{#- Counts of a finding whose limit holds for each person: `part` out of `whole` of a person's work, of those for whom
    `who` holds. When anybody is over the limit, k and n are theirs, else everybody's; figure is how many are over it.
    A person with fewer than min_n_rate pieces of work is over no limit. Needs CTEs int_finding_spans,
    int_finding_rep_spans and stg_config__finding_rules. -#}
{% macro finding_people(rule_id, part, whole, who='true') -%}
(
    select
        '{{ rule_id }}' as rule_id,
        'team' as scope_value,
        int_finding_spans.last_month,
        count(case when judged.is_over then 1 end) as figure,
        count(judged.rep_id) as person_count,
        case
            when coalesce(bool_or(judged.is_over), false) then sum(case when judged.is_over then judged.part else 0 end)
            else coalesce(sum(judged.part), 0)
        end as k,
        case
            when coalesce(bool_or(judged.is_over), false) then sum(case when judged.is_over then judged.whole else 0 end)
            else coalesce(sum(judged.whole), 0)
        end as n
    from int_finding_spans
    left join (
        select
            int_finding_rep_spans.last_month,
            int_finding_rep_spans.rep_id,
            {{ part }} as part,
            {{ whole }} as whole,
            {{ whole }} >= {{ var('min_n_rate') }} and {{ part }} > rules.threshold * ({{ whole }}) as is_over
        from int_finding_rep_spans
        inner join stg_config__finding_rules as rules on rules.rule_id = '{{ rule_id }}'
        where {{ who }}
    ) as judged on int_finding_spans.last_month = judged.last_month
    group by int_finding_spans.last_month
)
{%- endmacro %}
