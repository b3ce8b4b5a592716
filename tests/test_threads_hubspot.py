"""What broke other people's HubSpot connectors in production, each as a test of ours.

T-nn is proved by test_tnn_* in this module; the last column names what else proves it.

| thread | what happened there | also |
|---|---|---|
| T-01 | archiving moves no date, archived records stay live for ever | |
| T-02 | archived records are listed for 90 days only | |
| T-03 | search shows a record minutes late, archived ones never | properties/test_hubspot |
| T-04 | links came with the list and were gone with search | |
| T-05 | a link that changes alone touches no date; half an answer emptied links | properties/test_hubspot |
| T-06 | the wrong cursor property gives 0 rows and no error | expectations: freshness |
| T-07 | search refuses to page beyond 10,000 rows | test_windows |
| T-08 | an import stamps more rows with one instant than the cap | |
| T-09 | a URL with all properties is too long | |
| T-10 | with history a page holds 50 records | |
| T-11 | history came with the newest value only | |
| T-12 | 401 in the middle of a long read | test_access_hubspot: tokens that are renewed |
| T-13 | N/A in numbers, milliseconds in dates, empty text for nothing | test_night_hubspot: how they are cast |
| T-14 | merges left duplicates, chains were missed | test_load: merges of deals |
| T-15 | links and stage history of deals were not offered | |
| T-16 | several leads of one person, an open stage closedlost, tasks of workflows | test_night_hubspot |
| T-17 | the address of the tokens moved | |
| T-18 | a deal with several contacts or companies counted several times | test_night_hubspot |
| T-19 | a deleted stage left history that points at nothing | test_extract_hubspot: open deals in one |
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from leadrole.crm.hubspot.endpoints import ENDPOINTS, LEADS, MAX_HISTORY_BATCH
from leadrole.errors import SourceUnavailableError
from leadrole.landing import manifests, read
from leadrole.sandbox import Faults
from leadrole.sandbox.hubspot import PROPERTIES
from leadrole.sandbox.hubspot.catalog import MODIFIED, URL_LIMIT
from support.homes import hubspot_home, ids, night, query, run_of
from support.stories import DAY, NIGHT, OWNERS, START, story
from test_extract_hubspot import server
from test_resume_hubspot import PORTAL, differences, full_story

pytestmark = pytest.mark.slow

LATER = NIGHT + timedelta(hours=8)
RECORDS = [endpoint for endpoint in ENDPOINTS if not endpoint.is_reference]


def held(config, sql: str) -> list:  # type: ignore[no-untyped-def, type-arg]
    return query(run_of(config.home).raw_path, sql)


def test_t01_an_archived_record_is_gone_though_no_date_of_it_moved(tmp_path: Path) -> None:
    script = full_story()
    script.archive_contact(LATER, "1003")
    script.archive_deal(LATER, "3001")
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        stamps = "select 'contact', updated_at from raw_hubspot.contacts where id = '1003' union all "
        stamps += "select 'deal', updated_at from raw_hubspot.deals where id = '3001' union all "
        stamps += "select 'lead', updated_at from raw_hubspot.leads where id = '1003001' order by 1"
        before = held(config, stamps)
        crm.set_now(NIGHT + DAY)
        assert night(config, 1).deleted == 3
    assert held(config, stamps) == before
    for table, record in (("contacts", "1003"), ("deals", "3001"), ("leads", "1003001")):
        told = held(
            config, f"select _deleted_how, _deleted_at from raw_hubspot.{table} where id = '{record}'"
        )
        assert told == [("archived", LATER)]


def test_t02_after_a_gap_of_95_days_the_walk_finds_what_was_archived(tmp_path: Path) -> None:
    script = full_story()
    script.archive_contact(LATER, "1003")
    later = NIGHT + 95 * DAY
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        crm.set_now(later)
        night(config, 95)
    assert "1003" not in script.history(OWNERS).fold(later).archived["contacts"]
    assert held(config, "select _deleted_how from raw_hubspot.contacts where id = '1003'") == [("vanished",)]
    assert differences(config, script, later) == []


@pytest.mark.parametrize("seed", range(4))
def test_t03_what_search_shows_late_arrives_all_the_same(tmp_path: Path, seed: int) -> None:
    script = story()
    for number in range(12):
        # Half of them in the seconds before a night, when the index does not show them yet.
        at = NIGHT + DAY - timedelta(seconds=20 * number)
        script.status(at, str(1000 + number), "IN_PROGRESS", by="101")
        script.form(at, str(2000 + number))
    with server(script, search_lag_seconds=300, seed=seed) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=5)
        night(config)
        crm.set_now(NIGHT + DAY)
        night(config, 1)
        # What is new and what changed is found by the walk, which lists it at once.
        assert ids(config, "raw_hubspot.contacts") == {
            *(str(1000 + number) for number in range(12)),
            *(str(2000 + number) for number in range(12)),
        }
        crm.set_now(NIGHT + 2 * DAY)
        night(config, 2)
    assert held(config, "select count(*) from raw_hubspot.contacts where hs_lead_status = 'IN_PROGRESS'") == [
        (12,)
    ]
    assert differences(config, script, NIGHT + 2 * DAY, has_leads=False) == []


def test_t04_links_stay_when_nights_change_from_list_to_search(tmp_path: Path) -> None:
    script = full_story()
    script.stage(LATER, "3000", "qualifiedtobuy", by="104")
    script.call(LATER, "5900", "1004", "101", deal="3000")
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        crm.set_now(NIGHT + DAY)
        crm.clear_calls()
        night(config, 1)
        assert crm.count("deals/search") > 1
        assert crm.count("associations=") == 0
    assert held(config, "select to_id from raw_hubspot.deals_contacts where from_id = '3000'") == [("1000",)]
    assert held(config, "select to_id from raw_hubspot.calls_contacts where from_id = '5900'") == [("1004",)]
    assert held(config, "select to_id from raw_hubspot.calls_deals where from_id = '5900'") == [("3000",)]
    assert differences(config, script, NIGHT + DAY) == []


def test_t05_a_link_that_changes_alone_is_followed_on_every_kind_of_record(tmp_path: Path) -> None:
    script = full_story()
    script.stage(NIGHT - timedelta(hours=1), "3001", "closedlost", by="104", reason="Prijs")
    script.link(LATER, "deals", "3000", "contacts", "1005")
    script.unlink(LATER, "deals", "3001", "contacts", "1001")
    script.unlink(LATER, "calls", "5002", "contacts", "1002")
    script.link(LATER, "calls", "5002", "contacts", "1003")
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        stamps = held(config, "select id, updated_at from raw_hubspot.deals order by id")
        crm.set_now(NIGHT + DAY)
        night(config, 1)
    assert held(config, "select id, updated_at from raw_hubspot.deals order by id") == stamps
    assert held(config, "select from_id, to_id from raw_hubspot.deals_contacts order by all") == [
        ("3000", "1000"),
        ("3000", "1005"),
    ]
    assert held(config, "select to_id from raw_hubspot.calls_contacts where from_id = '5002'") == [("1003",)]


def test_t05_a_failed_answer_takes_no_links_away(tmp_path: Path) -> None:
    with server(full_story(), **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        links = "select from_id, to_id from raw_hubspot.deals_contacts order by all"
        before = held(config, links)
        crm.set_now(NIGHT + DAY)
        crm.set_faults(Faults().partial_batch("associations/2026-03/deals/contacts", lose=1))
        with pytest.raises(SourceUnavailableError, match="only part"):
            night(config, 1)
    assert held(config, links) == before != []


def test_t06_each_kind_is_searched_by_the_property_that_moves(tmp_path: Path) -> None:
    """A night after every kind had a record that changed: search finds it, not the walk alone."""
    script = full_story()
    script.form(LATER, "1500")
    script.status(LATER, "1000", "CONNECTED", by="101")
    script.stage(LATER, "3000", "qualifiedtobuy", by="104")
    script.call(LATER, "5900", "1000", "101")
    script.email(LATER, "6900", "1000", "101")
    script.meeting(LATER, "9900", "1000", "101", LATER + timedelta(hours=1))
    script.task(LATER, "7900", "1000", "101", NIGHT)
    script.message(LATER, "8900", "1000", "101")
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        crm.set_now(NIGHT + DAY)
        night(config, 1)
    run = run_of(config.home, 1)
    manifest = manifests(run.landing_dir)[-1]
    for endpoint in RECORDS:
        assert endpoint.cursor == MODIFIED[endpoint.type]
        file = manifest.file(endpoint.name)
        assert file is not None
        found = [line["record"]["id"] for line in read(run.landing_dir, file) if line["window"]]
        assert found, endpoint.name


@pytest.mark.parametrize("changed", [19, 20, 21, 90])
def test_t07_a_window_beyond_the_cap_is_read_whole(tmp_path: Path, changed: int) -> None:
    script = story()
    for number in range(90):
        script.form(START, str(2000 + number))
    for number in range(changed):
        script.status(LATER + timedelta(seconds=number), str(2000 + number), "CONNECTED", by="101")
    with server(script, search_lag_seconds=0, search_cap=20) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=4)
        night(config)
        crm.set_now(NIGHT + DAY)
        crm.clear_calls()
        night(config, 1)
        assert crm.count(status=400) == 0
        searches = crm.count("contacts/search") - 1
        # Pages of eight; the one that shows the end may be empty.
        assert searches <= -(-changed // 8) + 1
    assert held(config, "select count(*) from raw_hubspot.contacts where hs_lead_status = 'CONNECTED'") == [
        (changed,)
    ]


def test_t08_more_rows_of_one_millisecond_than_the_cap(tmp_path: Path) -> None:
    script = story()
    for number in range(150):
        script.list_row(LATER, str(2000 + number), owner="101")
    with server(script, search_lag_seconds=0, search_cap=20) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=5)
        night(config)
        crm.set_now(NIGHT + DAY)
        crm.clear_calls()
        night(config, 1)
        assert crm.count(status=400) == 0
        assert crm.count("contacts/search") <= 3 * 150 // 10
    assert differences(config, script, NIGHT + DAY, has_leads=False) == []


def test_t09_no_url_comes_near_the_limit(tmp_path: Path) -> None:
    faults = Faults()
    for number in range(300):
        faults = faults.property_added("contacts", f"own_property_of_the_portal_{number}", shown="x" * 50)
    with server(full_story(), **PORTAL, faults=faults) as crm:
        night(hubspot_home(tmp_path, crm.base_url))
        assert crm.count(status=414) == 0
        longest = max(len(f"{crm.base_url}{call.path}?{call.query}") for call in crm.calls)
        assert longest < URL_LIMIT / 10
        asked = {
            name
            for call in crm.calls
            for names in parse_qs(call.query).get("properties", [])
            for name in names.split(",")
        }
        for call in crm.calls:
            if call.method == "POST" and call.body:
                asked |= set(json.loads(call.body).get("properties") or [])
    wanted = {name for endpoint in RECORDS for name in endpoint.fields}
    assert asked - {"hs_object_id"} == wanted


def test_t10_no_batch_with_history_asks_for_more_than_fifty(tmp_path: Path) -> None:
    script = full_story()
    for number in range(120):
        script.form(START, str(2000 + number))
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=100)
        night(config)
        bodies = [
            json.loads(call.body) for call in crm.calls if call.path.endswith("batch/read") and call.body
        ]
        sizes = [len(body["inputs"]) for body in bodies if body.get("propertiesWithHistory")]
        assert max(sizes) == MAX_HISTORY_BATCH == 50
        assert crm.count("propertiesWithHistory") == 0
        assert {call.status for call in crm.calls} == {200, 207}
    assert differences(config, script) == []


def test_t11_every_value_is_kept_also_those_hubspot_drops_later(tmp_path: Path) -> None:
    script = story()
    for number, status in enumerate(("OPEN", "IN_PROGRESS", "CONNECTED", "UNQUALIFIED")):
        script.status(NIGHT - DAY + timedelta(hours=number), "1000", status, by="101")
    script.stage(NIGHT - DAY, "3000", "qualifiedtobuy", by="104")
    script.amount(NIGHT - DAY, "3000", "7500", by="104")
    script.status(LATER, "1000", "OPEN", by="101")
    history = "select value from raw_hubspot.contacts_history where id = '1000' and field = 'hs_lead_status' "
    history += "order by changed_at"
    with server(script) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        before = held(config, history)
        crm.set_now(NIGHT + DAY)
        # From now on HubSpot shows the newest value of each property alone.
        crm._settings["history_kept"] = 1
        night(config, 1)
    assert [value for (value,) in before] == ["NEW", "OPEN", "IN_PROGRESS", "CONNECTED", "UNQUALIFIED"]
    assert held(config, history) == [*before, ("OPEN",)]
    amounts = held(
        config,
        "select value from raw_hubspot.deals_history where id = '3000' and field = 'amount' order by changed_at",
    )
    assert amounts == [("5000",), ("7500",)]


def test_t12_a_401_in_the_middle_costs_one_call(tmp_path: Path) -> None:
    with server(full_story(), **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=5)
        crm.set_faults(Faults().expire_token_after(23, times=1))
        night(config)
        refused = [call for call in crm.calls if call.status == 401]
        (again,) = [call for call in crm.calls if call.number == refused[0].number + 1]
        assert (again.path, again.query, again.body) == (refused[0].path, refused[0].query, refused[0].body)
        assert len(refused) == 1
    assert differences(config, full_story()) == []


def test_t13_odd_values_are_kept_as_they_came(tmp_path: Path) -> None:
    faults = Faults().value("calls", "hs_call_duration", "N/A", every=2)
    faults = faults.value("emails", "hs_timestamp", "epoch_ms").value("deals", "closed_lost_reason", "")
    with server(full_story(), **PORTAL, faults=faults) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
    durations = held(config, "select hs_call_duration, count(*) from raw_hubspot.calls group by 1 order by 1")
    assert durations == [("40000", 6), ("N/A", 6)]
    (stamps,) = zip(*held(config, "select hs_timestamp from raw_hubspot.emails"), strict=True)
    assert all(stamp.isdecimal() and len(stamp) == 13 for stamp in stamps)
    assert held(config, "select distinct closed_lost_reason from raw_hubspot.deals") == [(None,)]


@pytest.mark.parametrize("nights", [(0,), (1,), (0, 1), (0, 1, 2)], ids=str)
def test_t14_a_chain_of_merges_is_one_record_whenever_it_was_read(
    tmp_path: Path, nights: tuple[int, ...]
) -> None:
    script = story()
    script.merge(NIGHT - timedelta(hours=2), "1100", ("1007", "1008"))
    script.merge(LATER, "1101", ("1100", "1009"))
    script.merge(LATER + timedelta(hours=2), "1102", ("1101", "1010"))
    script.merge(LATER + DAY, "1103", ("1006", "1102"))
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        for number in (*nights, 3):
            crm.set_now(NIGHT + number * DAY)
            night(config, number)
    live = ids(config, "raw_hubspot.contacts")
    assert live == {*(str(1000 + number) for number in range(6)), "1011", "1103"}
    merged = held(
        config, "select distinct _merged_into from raw_hubspot.contacts where _deleted_how = 'merged'"
    )
    assert merged == [("1103",)]
    # Whoever was never seen is named by the survivor all the same, which the person's touches need.
    assert held(config, "select hs_merged_object_ids from raw_hubspot.contacts where id = '1103'") == [
        ("1006;1007;1008;1009;1010;1100;1101;1102",)
    ]
    primary = held(
        config,
        "select count(*) from raw_hubspot.leads where hs_primary_contact_id = '1103' and _deleted_at is null",
    )
    assert primary == [(5,)]
    assert differences(config, script, NIGHT + 3 * DAY) == []


def test_t15_links_and_stage_history_of_deals_come_the_first_night(tmp_path: Path) -> None:
    script = full_story()
    script.stage(NIGHT - DAY, "3000", "qualifiedtobuy", by="104")
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
    assert held(config, "select from_id, to_id from raw_hubspot.deals_contacts order by 1") == [
        ("3000", "1000"),
        ("3001", "1001"),
    ]
    stages = held(
        config,
        "select value, changed_by from raw_hubspot.deals_history where id = '3000' and field = 'dealstage' "
        "order by changed_at",
    )
    assert [value for value, _ in stages] == ["appointmentscheduled", "qualifiedtobuy"]
    assert all(who for _, who in stages)


def test_t16_one_person_may_have_several_leads(tmp_path: Path) -> None:
    script = story()
    script.status(NIGHT - 2 * DAY, "1005", "UNQUALIFIED", by="101")
    script.form_again(NIGHT - DAY, "1005")
    script.assign(NIGHT - timedelta(hours=3), "1005", "102", by="104")
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
    leads = held(
        config,
        "select id, hs_pipeline_stage, hubspot_owner_id, hs_object_source_label from raw_hubspot.leads "
        "where hs_primary_contact_id = '1005' order by id",
    )
    assert leads == [
        ("1005001", "unqualified-stage-id", "101", "AUTOMATION_PLATFORM"),
        ("1005002", "new-stage-id", "102", "AUTOMATION_PLATFORM"),
    ]
    owners = held(
        config,
        "select value, changed_by from raw_hubspot.leads_history where id = '1005002' "
        "and field = 'hubspot_owner_id' order by changed_at",
    )
    # The workflow copied the owner: nobody is credited with it.
    assert owners == [("101", None), ("102", None)]
    assert held(config, "select count(*) from raw_hubspot.leads_contacts where to_id = '1005'") == [(2,)]
    assert set(LEADS.history) == {
        row[0] for row in held(config, "select distinct field from raw_hubspot.leads_history")
    }


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_t17_one_table_of_paths_decides_every_call(tmp_path: Path, version: str) -> None:
    app = {"client_id": "a", "client_secret": "b" * 12, "refresh_token": "c" * 12}
    from test_access_hubspot import app_home

    env = {"APP_ID": "a", "APP_SECRET": "b" * 12, "APP_REFRESH": "c" * 12}
    with server(full_story(), **PORTAL, **app) as crm:
        config = app_home(tmp_path, crm.base_url, env, api_version=f'"{version}"')
        night(config)
        paths = {call.path for call in crm.calls}
        assert crm.count(status=404) == 0
    marks = {"v3", "v4"} if version == "v3" else {version}
    assert all(marks & set(path.split("/")) for path in paths)
    assert all(
        not ({"v1", "v3", "v4", "2026-03", "2026-09"} - marks) & set(path.split("/")) for path in paths
    )
    assert [path for path in paths if path.startswith("/oauth/")] == [f"/oauth/{version}/token"]


def test_t18_a_deal_with_several_links_is_one_deal(tmp_path: Path) -> None:
    script = story()
    script.deal(NIGHT - DAY, "3100", "104", contacts=("1002", "1003", "1004"), amount="12000.50")
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
    assert held(config, "select id, amount from raw_hubspot.deals where id = '3100'") == [
        ("3100", "12000.50")
    ]
    links = "select count(*), count(distinct to_id) from raw_hubspot.{} where from_id = '3100'"
    assert held(config, links.format("deals_contacts")) == [(3, 3)]
    # The main company has two links to the deal, the plain one and the labelled one.
    companies = held(
        config, "select to_id, type from raw_hubspot.deals_companies where from_id = '3100' order by all"
    )
    assert [link for _, link in companies].count("HUBSPOT_DEFINED/5") == 1
    assert [link for _, link in companies].count("HUBSPOT_DEFINED/341") == len({one for one, _ in companies})


def test_t19_a_deleted_stage_keeps_its_name_for_the_deals_that_were_in_it(tmp_path: Path) -> None:
    script = story()
    script.stage(NIGHT - DAY, "3000", "qualifiedtobuy", by="104")
    script.stage(NIGHT - timedelta(hours=2), "3000", "closedwon", by="104")
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        crm.set_now(NIGHT + DAY)
        crm.set_faults(Faults().stage_unlisted("qualifiedtobuy").stage_unlisted("connected-stage-id"))
        night(config, 1)
    for table, stage in (("deal_stages", "qualifiedtobuy"), ("lead_stages", "connected-stage-id")):
        told = held(
            config,
            f"select label is not null, _deleted_how from raw_hubspot.{table} where stage_id = '{stage}'",
        )
        assert told == [(True, "vanished")]
    visited = held(config, "select distinct value from raw_hubspot.deals_history where field = 'dealstage'")
    assert ("qualifiedtobuy",) in visited


def test_every_property_that_is_asked_for_exists_in_a_portal() -> None:
    """A typo would cost a column and no error."""
    for endpoint in RECORDS:
        assert set(endpoint.fields) <= PROPERTIES[endpoint.type].keys(), endpoint.name
        assert set(endpoint.history) <= set(endpoint.fields)
        assert endpoint.cursor in endpoint.fields


def test_every_thread_is_in_the_table_and_has_its_test() -> None:
    tests = {int(name[6:8]) for name in globals() if name.startswith("test_t") and name[6:8].isdecimal()}
    assert tests == set(range(1, 20))
    assert all(f"| T-{number:02} |" in (__doc__ or "") for number in tests)
