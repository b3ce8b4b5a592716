"""HubSpot over real HTTP: everything arrives, changes and losses are followed, half a night is refused."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadrole import landing
from leadrole.crm.hubspot import quirks
from leadrole.errors import AuthError, LeadroleError, SourceContractError, SourceUnavailableError
from leadrole.sandbox import Faults, Population, Script, Server, serve
from leadrole.sandbox.hubspot import ledger
from support.homes import TOKEN, hubspot_home, ids, night, query, run_of, tables
from support.hubspot import differences
from support.stories import DAY, NIGHT, OWNERS, START, story
from support.wire import Wire, http

OBJECTS = (
    "contacts",
    "companies",
    "leads",
    "deals",
    "calls",
    "emails",
    "meetings",
    "tasks",
    "communications",
)


def server(script: Script, **more: object) -> Server:
    return serve(script.history(OWNERS), now=NIGHT, token=TOKEN, **more)  # type: ignore[arg-type]


@pytest.fixture
def told() -> Iterator[Server]:
    with server(story()) as running:
        yield running


@pytest.mark.parametrize("has_leads", [True, False], ids=["with leads", "without"])
def test_every_record_of_the_crm_arrives_with_its_history_and_links(tmp_path: Path, has_leads: bool) -> None:
    population = Population(months=2, scale=0.2)
    now = datetime(2025, 7, 1, 1, 0, tzinfo=UTC)
    portal = {"has_leads": has_leads, "search_lag_seconds": 0}
    with serve(population, now=now, token=TOKEN, **portal) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        result = night(config)
    raw = run_of(tmp_path).raw_path
    assert differences(config, population, now - timedelta(seconds=60), **portal) == []
    truth = ledger(population, now, **portal)
    assert result.live_rows["contacts"] == len(truth["contacts"]) > 50
    assert result.live_rows["leads"] == len(truth["leads"])
    assert bool(truth["leads"]) is has_leads
    counted = query(
        raw, "select object, live_rows from load.counts where crm_total is not null order by object"
    )
    objects = sorted(name for name in OBJECTS if has_leads or name != "leads")
    assert counted == [(name, len(truth[name])) for name in objects]
    entries = query(raw, "select count(*) from raw_hubspot.contacts_history")
    assert entries == [(len(truth["contacts_history"]),)]


def test_leads_are_left_alone_when_nobody_wants_them(tmp_path: Path) -> None:
    with server(story(), has_leads=True) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        crm.clear_calls()
        crm.set_now(NIGHT + DAY)
        night(hubspot_home(tmp_path, crm.base_url, leads_object="never"), 1)
        assert crm.count("leads") == 0
        raw = run_of(tmp_path).raw_path
        covered = query(raw, "select object from load.coverage where is_available order by object")
        assert [name for (name,) in covered] == sorted(name for name in OBJECTS if name != "leads")
        # They stay where they are, and are followed again from where they were left.
        assert len(ids(config, "raw_hubspot.leads")) == 12
        crm.set_now(NIGHT + 2 * DAY)
        assert night(hubspot_home(tmp_path, crm.base_url), 2).live_rows["leads"] == 12


def test_any_page_size_gives_the_same_tables(tmp_path: Path, told: Server) -> None:
    found = []
    for size in (3, 100):
        config = hubspot_home(tmp_path / str(size), told.base_url, page_size=size)
        night(config)
        held = tables(run_of(config.home).raw_path)
        found.append({name: rows for name, rows in held.items() if name.startswith("raw_hubspot")})
    assert found[0] == found[1]


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_each_version_of_the_api_is_spoken(tmp_path: Path, told: Server, version: str) -> None:
    config = hubspot_home(tmp_path, told.base_url, api_version=f'"{version}"')
    night(config)
    assert len(ids(config, "raw_hubspot.contacts")) == 12


def test_a_night_picks_up_changes_archives_restores_merges_and_what_vanished(tmp_path: Path) -> None:
    script = story()
    later = NIGHT + timedelta(hours=8)
    script.archive_contact(NIGHT - DAY, "1011")
    script.lifecycle(later, "1005", "salesqualifiedlead", by="101")
    script.archive_contact(later, "1006")
    script.forget_contact(later, "1007")
    script.merge(later, "1100", ("1008", "1009"))
    script.merge(later + timedelta(hours=1), "1101", ("1100", "1010"))
    script.restore_contact(later, "1011")
    script.form(later, "1012")
    script.archive_deal(later, "3001")
    with server(script) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        assert ids(config, "raw_hubspot.contacts") == {str(1000 + number) for number in range(11)}
        crm.set_now(NIGHT + DAY)
        crm.clear_calls()
        result = night(config, 1)
        expected = script.history(OWNERS).fold(NIGHT + DAY)
        assert not crm.count("archived=false&properties=createdate")
    assert ids(config, "raw_hubspot.contacts") == set(expected.live["contacts"])
    assert {"1005", "1011", "1012", "1101"} <= ids(config, "raw_hubspot.contacts")
    raw = run_of(tmp_path).raw_path
    gone = dict(
        (row[0], row[1:])
        for row in query(
            raw,
            "select id, _deleted_how, _merged_into from raw_hubspot.contacts where _deleted_at is not null",
        )
    )
    assert gone["1006"] == ("archived", None)
    assert gone["1007"] == ("vanished", None)
    # The middle of the chain lived between two nights only; those who were seen point to the last survivor.
    assert {gone[name] for name in ("1008", "1009", "1010")} == {("merged", "1101")}
    assert query(raw, "select lifecyclestage from raw_hubspot.contacts where id = '1005'") == [
        ("salesqualifiedlead",)
    ]
    assert ids(config, "raw_hubspot.deals") == {"3000"}
    assert result.deleted == 6
    assert query(raw, "select is_full from load.runs order by run_id") == [(True,), (False,)]


def test_a_chain_of_merges_over_two_nights_ends_at_the_last_survivor(tmp_path: Path) -> None:
    script = story()
    script.merge(NIGHT + timedelta(hours=8), "1100", ("1008", "1009"))
    script.merge(NIGHT + DAY + timedelta(hours=8), "1101", ("1100", "1010"))
    with server(script) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        for number in range(3):
            crm.set_now(NIGHT + number * DAY)
            night(config, number)
    merged = query(
        run_of(tmp_path).raw_path,
        "select id, _merged_into from raw_hubspot.contacts where _deleted_how = 'merged' order by id",
    )
    assert merged == [("1008", "1101"), ("1009", "1101"), ("1010", "1101"), ("1100", "1101")]


def test_a_quiet_night_changes_nothing(tmp_path: Path, told: Server) -> None:
    config = hubspot_home(tmp_path, told.base_url)
    night(config)
    told.set_now(NIGHT + DAY)
    result = night(config, 1)
    assert (result.changed, result.deleted) == (0, 0)


def test_a_link_that_moves_alone_is_followed_on_an_open_deal(tmp_path: Path) -> None:
    script = story()
    script.unlink(NIGHT + timedelta(hours=8), "deals", "3000", "contacts", "1000")
    script.link(NIGHT + timedelta(hours=8), "deals", "3000", "contacts", "1004")
    with server(script) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
        crm.set_now(NIGHT + DAY)
        assert night(config, 1).changed == 2
    raw = run_of(tmp_path).raw_path
    assert query(raw, "select to_id, type from raw_hubspot.deals_contacts where from_id = '3000'") == [
        ("1004", "HUBSPOT_DEFINED/3")
    ]


def test_everything_is_read_again_after_a_week(tmp_path: Path, told: Server) -> None:
    config = hubspot_home(tmp_path, told.base_url)
    for number, day in enumerate((0, 3, 7)):
        told.set_now(NIGHT + day * DAY)
        night(config, number)
    assert query(run_of(tmp_path).raw_path, "select is_full from load.runs order by run_id") == [
        (True,),
        (False,),
        (True,),
    ]


def test_the_world_may_change_while_we_page(tmp_path: Path) -> None:
    script = story()
    for number in range(12):
        script.status(NIGHT + DAY + timedelta(seconds=30), str(1000 + number), "OPEN", by="101")
    with server(script) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=2)
        night(config)
        crm.set_now(NIGHT + DAY)
        crm.set_faults(Faults().advance_clock("contacts/search", seconds=120, after=1))
        night(config, 1)
        crm.set_faults(Faults())
        crm.set_now(NIGHT + 2 * DAY)
        night(config, 2)
    statuses = query(run_of(tmp_path).raw_path, "select distinct hs_lead_status from raw_hubspot.contacts")
    assert statuses == [("OPEN",)]


def test_a_refused_key_ends_the_night_in_seconds(tmp_path: Path, told: Server) -> None:
    told.token = "another"
    config = hubspot_home(tmp_path, told.base_url)
    began = time.monotonic()
    with pytest.raises(AuthError) as caught:
        night(config)
    assert caught.value.exit_code == 3
    assert time.monotonic() - began < 5
    assert told.count() == 2
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("faults", "error", "words"),
    [
        pytest.param(
            Faults().scope_removed("crm.objects.deals.read"), AuthError, "crm.objects.deals.read", id="scope"
        ),
        pytest.param(Faults().daily_limit_after(5), SourceUnavailableError, "daily limit", id="daily limit"),
        pytest.param(
            Faults().status("objects", 500, times=None), SourceUnavailableError, "gave up", id="500 forever"
        ),
        pytest.param(
            Faults().empty_everything(), SourceUnavailableError, "holds not one of contacts", id="empty"
        ),
        pytest.param(Faults().html_login_page("contacts"), AuthError, "text/html", id="login page"),
        pytest.param(
            Faults().omit_last_page("GET .*objects/2026-03/contacts"),
            SourceUnavailableError,
            "of the 60 that",
            id="last page missing",
        ),
        pytest.param(
            Faults().loop_next("GET .*objects/2026-03/contacts"),
            SourceUnavailableError,
            "paging loop",
            id="loop",
        ),
        pytest.param(
            Faults().partial_batch("associations/2026-03/calls/contacts"),
            SourceUnavailableError,
            "only part",
            id="half the links",
        ),
        pytest.param(
            Faults().status("associations", 500, times=None), SourceUnavailableError, "gave up", id="no links"
        ),
        pytest.param(
            Faults().property_removed("deals", "dealtype"),
            SourceContractError,
            "dealtype",
            id="property gone",
        ),
        pytest.param(
            Faults().null_results("GET .*contacts"),
            SourceContractError,
            "no list of results",
            id="null results",
        ),
    ],
)
def test_a_night_that_is_not_whole_leaves_nothing(
    tmp_path: Path, faults: Faults, error: type[LeadroleError], words: str
) -> None:
    script = story()
    for number in range(48):
        script.form(START, str(2000 + number))
    with server(script, search_lag_seconds=0, max_page=20) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        crm.set_faults(faults)
        with pytest.raises(error, match=words):
            night(config)
        run = run_of(tmp_path)
        # What came may wait in .partial for the next run; nothing of it counts.
        assert all(path.parent.name == ".partial" for path in run.landing_dir.rglob("*.zst*"))
        assert not list(run.landing_dir.rglob("*.manifest.json"))
        assert query(run.raw_path, "select count(*) from load.runs") == [(0,)]
        crm.set_faults(Faults())
        night(config)
    assert len(ids(config, "raw_hubspot.contacts")) == 60
    assert not list(run.landing_dir.rglob(".partial"))


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults().status("objects", 502, times=3), id="502 three times"),
        pytest.param(Faults().status("search", 429, times=3), id="429 on search"),
        pytest.param(Faults().truncate_body("batch/read", times=2), id="half a body"),
        pytest.param(Faults().garble_body("batch/read", times=2), id="broken JSON"),
        pytest.param(Faults().drop_connection("owners"), id="connection dropped"),
        pytest.param(Faults().expire_token_after(7, times=1), id="401 once"),
        pytest.param(Faults().duplicate_page("contacts"), id="a page twice"),
        pytest.param(Faults().value("calls", "hs_call_duration", "N/A", every=2), id="text for a number"),
    ],
)
def test_a_passing_fault_is_survived(tmp_path: Path, faults: Faults) -> None:
    with server(story(), faults=faults) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=5)
        night(config)
    assert len(ids(config, "raw_hubspot.contacts")) == 12
    assert len(ids(config, "raw_hubspot.calls")) == 12


def test_a_next_page_on_another_host_is_never_asked(tmp_path: Path) -> None:
    with Wire([http("{}")]) as evil, server(story()) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=5)
        crm.set_faults(Faults().next_points_to("contacts", f"{evil.base_url}/x"))
        with pytest.raises(SourceUnavailableError, match="refused: next page points to"):
            night(config)
        assert evil.requests == []


def test_a_truncated_id_list_deletes_nothing(tmp_path: Path, told: Server) -> None:
    config = hubspot_home(tmp_path, told.base_url, page_size=5)
    night(config)
    told.set_faults(Faults().empty_everything("GET .*objects/2026-03/calls"))
    with pytest.raises(LeadroleError) as caught:
        night(config, 1)
    assert caught.value.exit_code in (4, 5)
    assert len(ids(config, "raw_hubspot.calls")) == 12


def test_a_stage_that_no_pipeline_has_stops_the_night_or_warns(tmp_path: Path) -> None:
    with server(story(), faults=Faults().stage_unlisted("appointmentscheduled")) as crm:
        config = hubspot_home(tmp_path / "fail", crm.base_url)
        with pytest.raises(SourceContractError, match="appointmentscheduled") as caught:
            night(config)
        assert caught.value.exit_code == 5
        assert ids(config, "raw_hubspot.contacts") == set()
        warned = night(hubspot_home(tmp_path / "warn", crm.base_url, unknown_stage="warn"))
    assert "appointmentscheduled (2)" in warned.notes[-1]


def test_deals_of_another_pipeline_are_not_ours(tmp_path: Path, told: Server) -> None:
    with pytest.raises(SourceContractError, match="write default"):
        night(hubspot_home(tmp_path / "typo", told.base_url, deal_pipelines="[defualt]"))
    config = hubspot_home(tmp_path / "right", told.base_url, deal_pipelines="[default]")
    night(config)
    assert len(ids(config, "raw_hubspot.deals")) == 2


def test_clocks_that_differ_are_told_before_anything_is_read(tmp_path: Path, told: Server) -> None:
    config = hubspot_home(tmp_path, told.base_url, max_clock_skew_minutes="10")
    with pytest.raises(SourceContractError, match="the clocks differ"):
        night(config)


def test_only_what_was_asked_for_is_landed(tmp_path: Path, told: Server) -> None:
    config = hubspot_home(tmp_path, told.base_url)
    night(config)
    run = run_of(tmp_path)
    (manifest,) = landing.manifests(run.landing_dir)
    lines = [json.dumps(line) for file in manifest.files for line in landing.read(run.landing_dir, file)]
    assert len(lines) == manifest.rows > 50
    text = "\n".join(lines)
    assert "example" not in text.lower() and "@" not in text
    assert "Voorbeeld" not in text
    for path in run.landing_dir.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    for path in run.data_dir.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes()


def test_deactivated_owners_keep_their_user_id(tmp_path: Path) -> None:
    script = story()
    script.deactivate(START + DAY, "103")
    with server(script) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        night(config)
    held = query(
        run_of(tmp_path).raw_path,
        "select archived, user_id is not null from raw_hubspot.owners where id = '103'",
    )
    assert held == [("true", True)]


@pytest.mark.parametrize(
    ("entry", "who"),
    [
        ({"updatedByUserId": 9101}, "9101"),
        ({"sourceId": "userId:9102"}, "9102"),
        ({"sourceId": "form-7"}, None),
        ({}, None),
    ],
)
def test_a_change_is_credited_to_the_user_who_made_it(entry: dict[str, object], who: str | None) -> None:
    assert quirks.changed_by(entry) == who
