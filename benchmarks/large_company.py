"""A large made-up company as raw tables of HubSpot, written by DuckDB itself: the same figures for the same size.

Ten activities a lead, three deals for ten leads, three years of history. It stands in for what a first load brings,
so that the build can be measured at sizes that no sandbox serves; it says nothing about extraction.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from leadrole import load

AS_OF = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
RUN_ID = AS_OF.strftime("%Y%m%dT%H%M%SZ")
DAYS = 3 * 365
ROLES = 3  # a third of the reps each: inbound, outbound, closer

# `chance` is a number from 0 to 1 that depends on its arguments alone.
MACROS = """
create temp macro chance(number, salt) as (hash(number * 31 + salt) % 1000003) / 1000003.0;
create temp macro stamp(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%S.%gZ');
create temp macro owner_of(number, salt, role, reps) as
    cast(101 + role + 3 * (hash(number * 37 + salt) % reps) as varchar);
"""

LEADS = """
create temp table leads as
with drawn as (
    select
        i,
        timestamptz '{as_of}' - to_seconds(cast(chance(i, 1) * {days} * 86400 as bigint)) as created,
        chance(i, 2) < 0.5 as is_inbound,
        chance(i, 3) as fate,
        to_seconds(cast(3600 + (-ln(1 - chance(i, 4) * 0.999)) * 9 * 86400 as bigint)) as until_settled
    from range({leads}) as numbers(i)
)

select
    i,
    cast(1000000 + 37 * i as varchar) as id,
    created,
    is_inbound,
    -- Some are never settled: they stay open, as in every CRM.
    case when fate < 0.30 then 'qualified' when fate < 0.75 then 'disqualified' else 'open' end as fate,
    created + until_settled as settled,
    owner_of(i, 5, case when is_inbound then 0 else 1 end, {reps}) as owner,
    owner_of(i, 6, 2, {reps}) as closer,
    created + until_settled < timestamptz '{as_of}' as is_settled
from drawn
"""

TABLES = {
    "owners": """
        select
            cast(101 + i as varchar) as id, 'PERSON' as type, 'Rep' as first_name, cast(i as varchar) as last_name,
            cast(9101 + i as varchar) as user_id, 'false' as archived, timestamptz '2023-01-01 00:00:00+00' as updated_at
        from range(3 * {reps}) as numbers(i)
    """,
    "deal_stages": """
        select
            'default/' || stage_id as id, 'default' as pipeline_id, 'Sales' as pipeline_label, stage_id,
            stage_id as label, cast(place as varchar) as display_order, closed as is_closed, chance as probability,
            'false' as archived, timestamptz '1970-01-01 00:00:00+00' as updated_at
        from (values
            (0, 'appointmentscheduled', 'false', '0.2'), (1, 'qualifiedtobuy', 'false', '0.4'),
            (2, 'contractsent', 'false', '0.8'), (3, 'closedwon', 'true', '1.0'), (4, 'closedlost', 'true', '0.0')
        ) as stages(place, stage_id, closed, chance)
    """,
    "contacts": """
        select
            id, stamp(created) as createdate, stamp(created) as lastmodifieddate,
            case when fate = 'qualified' and is_settled then 'salesqualifiedlead' else 'lead' end as lifecyclestage,
            case when fate = 'disqualified' and is_settled then 'UNQUALIFIED' else 'OPEN' end as hs_lead_status,
            owner as hubspot_owner_id, case when is_inbound then 'ORGANIC_SEARCH' else 'OFFLINE' end as hs_analytics_source,
            case when is_inbound then 'FORM' else 'CRM_UI' end as hs_object_source_label,
            case when is_inbound then stamp(created) end as first_conversion_date,
            case when is_inbound then stamp(created) end as recent_conversion_date,
            created as updated_at
        from leads
    """,
    "contacts_history": """
        select id, field, value, changed_at, '9101' as changed_by, 'CRM_UI' as source_type, true as seen_live
        from (
            select id, 'lifecyclestage' as field, 'lead' as value, created as changed_at from leads
            union all
            select id, 'hubspot_owner_id', owner, created from leads
            union all
            select id, 'hs_lead_status', 'NEW', created from leads
            union all
            select id, 'recent_conversion_date', stamp(created), created from leads where is_inbound
            union all
            select id, 'hs_lead_status', 'UNQUALIFIED', settled from leads where fate = 'disqualified' and is_settled
            union all
            select id, 'lifecyclestage', 'salesqualifiedlead', settled from leads where fate = 'qualified' and is_settled
        )
    """,
    "deals": """
        select
            id, stamp(made) as createdate, stamp(changed) as hs_lastmodifieddate, 'default' as pipeline, stage as dealstage,
            cast(amount as varchar) as amount, 'EUR' as deal_currency_code, stamp(changed) as closedate,
            closer as hubspot_owner_id, cast(is_closed as varchar) as hs_is_closed,
            cast(stage = 'closedwon' as varchar) as hs_is_closed_won,
            case when stage = 'closedlost' then 'price' end as closed_lost_reason, 'newbusiness' as dealtype,
            changed as updated_at
        from deals_made
    """,
    "deals_history": """
        select id, field, value, changed_at, '9101' as changed_by, 'CRM_UI' as source_type, true as seen_live
        from (
            select id, 'dealstage' as field, 'appointmentscheduled' as value, made as changed_at from deals_made
            union all
            select id, 'dealstage', 'qualifiedtobuy', made + (changed - made) / 3 from deals_made
            union all
            select id, 'dealstage', 'contractsent', made + (changed - made) / 3 * 2 from deals_made
            union all
            select id, 'dealstage', stage, changed from deals_made where is_closed
            union all
            select id, 'pipeline', 'default', made from deals_made
            union all
            select id, 'hubspot_owner_id', closer, made from deals_made
            union all
            select id, 'amount', cast(amount as varchar), made from deals_made
            union all
            select id, 'closedate', stamp(made + interval 60 day), made from deals_made
        )
    """,
    "deals_contacts": "select id as from_id, lead_id as to_id, 'HUBSPOT_DEFINED/3' as type from deals_made",
}

DEALS = """
create temp table deals_made as
with drawn as (
    select
        i, id as lead_id, closer, settled as made, chance(i, 11) as fate,
        settled + to_seconds(cast(86400 * (3 + 80 * chance(i, 12)) as bigint)) as ends
    from leads
    where fate = 'qualified' and is_settled
)

select
    i,
    cast(2000000 + 41 * i as varchar) as id,
    lead_id,
    closer,
    made,
    ends < timestamptz '{as_of}' as is_closed,
    case
        when ends >= timestamptz '{as_of}' then 'contractsent'
        when fate < 0.35 then 'closedwon'
        else 'closedlost'
    end as stage,
    least(ends, timestamptz '{as_of}' - interval 1 minute) as changed,
    500 + cast(20000 * chance(i, 13) as integer) as amount
from drawn
"""

# Ten a lead: calls, e-mails and a meeting for some, first within minutes to days, the others spread over the weeks after.
ACTIVITIES = """
create temp table touches as
select
    leads.i * 10 + number as n,
    leads.id as lead_id,
    case when leads.fate = 'qualified' and number >= 7 then leads.closer else leads.owner end as owner,
    number,
    leads.created + to_seconds(cast(
        case
            when number = 0 then 600 + 40000 * power(chance(leads.i, 21), 3)
            else 86400 * 30 * chance(leads.i * 10 + number, 22)
        end
        as bigint
    )) as done_at
from leads, range(10) as numbers(number)
"""

TOUCHES = {
    "calls": (
        "number in (0, 2, 4, 6, 8)",
        """
            stamp(done_at) as hs_timestamp, stamp(done_at) as hs_createdate, stamp(done_at) as hs_lastmodifieddate,
            owner as hubspot_owner_id, 'OUTBOUND' as hs_call_direction, 'COMPLETED' as hs_call_status,
            cast(20000 + n % 400000 as varchar) as hs_call_duration,
            case when n % 3 = 0 then 'f240bbac-87c9-4f6e-bf70-924b57d47db7' else '73a0d17f-1163-4015-bdd5-ec830791da20' end
                as hs_call_disposition,
            'CRM_UI' as hs_object_source_label, done_at as updated_at
        """,
    ),
    "emails": (
        "number in (1, 3, 5, 7)",
        """
            stamp(done_at) as hs_timestamp, stamp(done_at) as hs_createdate, stamp(done_at) as hs_lastmodifieddate,
            owner as hubspot_owner_id, case when n % 5 = 0 then 'INCOMING_EMAIL' else 'EMAIL' end as hs_email_direction,
            'SENT' as hs_email_status, 'EMAIL_INTEGRATION' as hs_object_source_label, done_at as updated_at
        """,
    ),
    "meetings": (
        "number = 9",
        """
            stamp(done_at) as hs_timestamp, stamp(done_at - interval 2 day) as hs_createdate,
            stamp(done_at) as hs_lastmodifieddate,
            owner as hubspot_owner_id, 'COMPLETED' as hs_meeting_outcome, stamp(done_at) as hs_meeting_start_time,
            stamp(done_at + interval 1 hour) as hs_meeting_end_time, 'CRM_UI' as hs_object_source_label, done_at as updated_at
        """,
    ),
}
FIRST_ID = {"calls": 40_000_000_000, "emails": 50_000_000_000, "meetings": 60_000_000_000}
LINK_TYPES = {"calls": "194", "emails": "198", "meetings": "200"}
OBJECTS = ("contacts", "deals", "calls", "emails", "meetings")


def make(path: Path, leads: int) -> None:
    """Write `raw.duckdb` for a company with so many leads in three years."""
    load.ensure_raw(path)
    figures = {"as_of": AS_OF.isoformat(), "days": DAYS, "leads": leads, "reps": 3 + leads // 50_000}
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(MACROS)
        connection.execute(LEADS.format(**figures))
        connection.execute(DEALS.format(**figures))
        connection.execute(ACTIVITIES)
        for table, query in TABLES.items():
            _insert(connection, table, query.format(**figures))
        for table, (which, columns) in TOUCHES.items():
            ours = f"from touches where {which} and done_at < timestamptz '{AS_OF.isoformat()}'"
            _insert(
                connection, table, f"select cast({FIRST_ID[table]} + n as varchar) as id, {columns} {ours}"
            )
            link = f"cast({FIRST_ID[table]} + n as varchar) as from_id, lead_id as to_id"
            kind = f"'HUBSPOT_DEFINED/{LINK_TYPES[table]}' as type"
            _insert(connection, f"{table}_contacts", f"select {link}, {kind} {ours}")
        _record(connection)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
    # Columns of raw that a company does not fill stay empty, such as the date of a merge.
    stamped = (
        ""
        if "_history" in table or "_contacts" in table
        else f", '{RUN_ID}' as _first_run, '{RUN_ID}' as _last_run"
    )
    connection.execute(f"insert into raw_hubspot.{table} by name select *{stamped} from ({query})")


def _record(connection: duckdb.DuckDBPyConnection) -> None:
    """What a load notes of a run."""
    connection.execute(
        "insert into load.runs values (?, 'hubspot', 'hubspot', ?, ?, true)", [RUN_ID, AS_OF, AS_OF]
    )
    for name in OBJECTS:
        connection.execute("insert into load.watermarks values ('hubspot', ?, ?, ?)", [name, AS_OF, RUN_ID])
        connection.execute(
            "insert into load.coverage values ('hubspot', 'hubspot', ?, true, ?)", [name, AS_OF]
        )
        live = f"(select count(*) from raw_hubspot.{name})"
        connection.execute(
            f"insert into load.counts select ?, 'hubspot', ?, {live}, {live}, {live}, 0", [RUN_ID, name]
        )
