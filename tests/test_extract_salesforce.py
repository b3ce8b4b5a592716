"""Salesforce over real HTTP: everything arrives, changes and losses are followed, half a night is refused."""

from __future__ import annotations

import json
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadrole import crm, landing, load
from leadrole.crm.salesforce import quirks
from leadrole.errors import (
    AuthError,
    ConfigError,
    LeadroleError,
    MissingPermissionError,
    SourceContractError,
    SourceUnavailableError,
)
from leadrole.landing import Manifest
from leadrole.run import Run
from leadrole.sandbox import Faults, History, Population, Script, Server
from leadrole.sandbox.salesforce import (
    CLIENT_SECRET,
    REFRESH_TOKEN,
    USERNAME,
    contact_id,
    lead_id,
    ledger,
    opportunity_id,
    task_id,
    user_id,
)
from leadrole.settings import Settings
from support.homes import ids, night, query, run_of, tables
from support.salesforce import SECRETS, differences, home, pretend_org
from support.stories import DAY, NIGHT, OWNERS, START, story
from support.wire import Wire, http

pytestmark = pytest.mark.slow


def org(history: History | Script, *, now: datetime = NIGHT, **more: Any) -> Server:
    told = history.history(OWNERS) if isinstance(history, Script) else history
    return pretend_org(told, now=now, **more)


def long_story() -> Script:
    """Five nights in which everything happens that can."""
    script = story()
    for number in range(12, 40):
        script.list_row(START + timedelta(days=1, seconds=7), str(1000 + number))  # one stamp for all
    for night_no in range(4):
        day = NIGHT + night_no * DAY + timedelta(hours=8)
        base = 1012 + 6 * night_no
        script.form(day, str(2000 + night_no))
        script.form_again(day, "1000")
        script.form_again(day, str(base))
        script.assign(day, str(base), "102", by="101")
        script.status(day, str(base + 1), "IN_PROGRESS", by="102")
        script.lifecycle(day, str(base + 2), "salesqualifiedlead", by="102")
        script.deal(day, str(3100 + night_no), "105", contacts=(str(base + 2),), amount="1234.56")
        script.deal(day + timedelta(hours=1), str(3200 + night_no), "105", contacts=(str(base + 2),))
        script.stage(day + timedelta(hours=2), str(3100 + night_no), "qualifiedtobuy", by="105")
        script.stage(day + timedelta(hours=2), str(3100 + night_no), "presentationscheduled", by="105")
        script.amount(day + timedelta(hours=3), str(3100 + night_no), "99.99", by="105")
        script.close_date(day + timedelta(hours=3), str(3200 + night_no), day + 60 * DAY, by="105")
        script.deal_owner(day + timedelta(hours=4), str(3200 + night_no), "103", by="101")
        script.call(day, str(5100 + night_no), str(base), "101", outcome="connected", seconds=90)
        script.email(day, str(6100 + night_no), str(base), None, automated=True)
        script.email(day, str(6200 + night_no), str(base), "102", direction="in")
        script.meeting(day, str(7100 + night_no), "1000", "104", day + timedelta(hours=30), deal="3000")
        script.unlink(day + timedelta(hours=5), "deals", str(3200 + night_no), "contacts", str(base + 2))
    first = NIGHT + timedelta(hours=9)
    script.archive_contact(first, "1003")
    script.archive_contact(first, "1004")
    script.forget_contact(first, "1005")
    script.merge(first, "9001", ("1006", "1007"), by="101")
    script.merge(first + DAY, "9002", ("9001", "1008"), by="101")
    script.merge(first + DAY, "9003", ("1009", "1000"), by="101")
    script.restore_contact(first + 2 * DAY, "1003")
    script.lifecycle(first + 2 * DAY, "1010", "customer", by="101")
    script.archive_deal(first + 2 * DAY, "3001")
    script.stage(first + 2 * DAY, "3000", "closedwon", by="104")
    script.stage(first + 2 * DAY, "3100", "closedlost", by="105", reason="Prijs")
    script.deactivate(first + 2 * DAY, "103")
    script.restore_deal(first + 3 * DAY, "3001")
    return script


def now_run(home: Path, number: int) -> Run:
    """A run of today: what an old one left is not gone on with."""
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12 - number)
    return Run(moment.strftime("%Y%m%dT%H%M%SZ"), moment, home)


def extract(config: Settings, number: int = 0, *, run: Run | None = None, **more: Any) -> Manifest:
    """The extraction alone."""
    run, source = run or run_of(config.home, number), config.sources[0]
    load.ensure_raw(run.raw_path)
    return crm.extract(source, load.read_state(run, source), run, sleep=lambda _: None, **more)


def raw_tables(config: Settings) -> dict[str, list[tuple[Any, ...]]]:
    held = tables(run_of(config.home).raw_path)
    return {name: rows for name, rows in held.items() if name.startswith("raw_salesforce")}


# --- everything arrives ------------------------------------------------------------------------------------


def test_every_record_of_the_org_arrives_as_the_org_holds_it(tmp_path: Path) -> None:
    population = Population(months=2, scale=0.2)
    now = datetime(2025, 7, 1, 1, 0, tzinfo=UTC)
    with org(population, now=now) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        result = night(config)
        truth = ledger(population, now)
    assert differences(config, truth) == []
    assert result.live_rows["leads"] == len(truth["leads"]) > 100
    assert result.live_rows["lead_history"] > 300
    counted = query(
        run_of(tmp_path).raw_path, "select object, live_rows from load.counts where crm_total is not null"
    )
    assert dict(counted)["opportunity_history"] == len(truth["opportunity_history"])


@pytest.mark.parametrize("late_seconds", [0, 3000], ids=["at once", "up to 50 minutes late"])
def test_after_each_night_raw_is_what_the_org_holds(tmp_path: Path, late_seconds: int) -> None:
    """T-20, T-21, T-24: late rows, tied stamps, deletes; every kind of change there is."""
    history = long_story().history(OWNERS)
    with org(history, late_seconds=late_seconds, late_share=0.5, max_page=7) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        for number in range(6):
            crm_server.set_now(NIGHT + number * DAY)
            night(config, number)
            truth = ledger(history, crm_server.now, late_seconds=late_seconds, late_share=0.5)
            assert differences(config, truth) == [], f"night {number}"
    runs = query(run_of(tmp_path).raw_path, "select is_full from load.runs order by run_id")
    assert runs == [(True,)] + [(False,)] * 5


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """Raw after a first load in the largest pages."""
    with org(long_story(), now=NIGHT + 3 * DAY) as crm_server:
        config = home(tmp_path_factory.mktemp("plain"), crm_server.base_url)
        night(config)
    return raw_tables(config)


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        pytest.param({"max_page": 1}, {}, id="a row a page"),
        pytest.param({"max_page": 7}, {}, id="seven rows a page"),
        pytest.param({"bulk_page": 5}, {"bulk_threshold": "0"}, id="bulk, five rows a page"),
        pytest.param({"bulk_page": 5, "compresses": False}, {"bulk_threshold": "0"}, id="bulk, not packed"),
        pytest.param({}, {"bulk_threshold": "0", "bulk_page_size": "1"}, id="bulk, a row a page"),
        pytest.param({"bulk": False}, {"bulk_threshold": "0"}, id="an org without bulk"),
        pytest.param(
            {"bulk_failing": ("Lead", "Task", "LeadHistory")}, {"bulk_threshold": "0"}, id="jobs that fail"
        ),
        pytest.param({"timeout_seconds": 1.0}, {}, id="every wide query times out"),
        pytest.param({"cursor_days": 0, "max_page": 7}, {}, id="no place in a query lives to the next page"),
    ],
)
def test_any_way_to_read_gives_the_same_tables(
    tmp_path: Path, plain: dict[str, list[tuple[Any, ...]]], settings: dict[str, Any], lines: dict[str, str]
) -> None:
    with org(long_story(), now=NIGHT + 3 * DAY, **settings) as crm_server:
        config = home(tmp_path, crm_server.base_url, **lines)
        night(config)
    assert raw_tables(config) == plain
    assert len(plain["raw_salesforce.leads"]) > 40


def test_the_first_load_has_no_lower_bound(tmp_path: Path) -> None:
    """T-23: a connector with a default start date loses what is older."""
    script = story()
    script.form(datetime(2021, 1, 4, 9, tzinfo=UTC), "900")
    with org(script) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
    assert lead_id("900") in ids(config, "raw_salesforce.leads")


def test_activities_that_were_archived_are_still_there(tmp_path: Path) -> None:
    with org(story(), now=NIGHT + 40 * DAY, archive_after_days=30) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        assert night(config).live_rows["tasks"] == 12
    assert ids(config, "raw_salesforce.tasks") == {task_id(str(5000 + number)) for number in range(12)}


def test_equal_stamps_over_page_and_night_borders_are_all_read(tmp_path: Path) -> None:
    """T-21: thirty leads of one second, and an edge of the window in that very second."""
    script = story()
    edge = NIGHT - timedelta(seconds=300)
    for number in range(30):
        script.list_row(edge, str(1100 + number))
    with org(script, max_page=4) as crm_server:
        config = home(tmp_path, crm_server.base_url, overlap_seconds="1", settle_seconds="300")
        crm_server.set_now(NIGHT - timedelta(hours=1))
        night(config)
        for number in (1, 2):
            crm_server.set_now(NIGHT + (number - 1) * timedelta(minutes=10))
            night(config, number)
    assert len(ids(config, "raw_salesforce.leads")) == 42


def test_the_world_may_change_while_we_page(tmp_path: Path) -> None:
    script = story()
    for number in range(2, 12):
        script.status(NIGHT + DAY + timedelta(seconds=30), str(1000 + number), "OPEN", by="101")
    script.forget_contact(NIGHT + DAY + timedelta(seconds=30), "1011")
    with org(script, max_page=2) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
        crm_server.set_now(NIGHT + DAY)
        crm_server.set_faults(Faults().advance_clock("query/01g", seconds=120, after=1))
        night(config, 1)
        crm_server.set_faults(Faults())
        crm_server.set_now(NIGHT + 2 * DAY)
        night(config, 2)
        truth = ledger(script.history(OWNERS), crm_server.now)
    assert differences(config, truth) == []


# --- deletes, merges, conversions --------------------------------------------------------------------------


def test_merged_leads_name_their_survivor_over_several_nights(tmp_path: Path) -> None:
    script = story()
    script.merge(NIGHT + timedelta(hours=8), "9001", ("1006", "1007"))
    script.merge(NIGHT + DAY + timedelta(hours=8), "9002", ("1005", "9001"))
    with org(script) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        for number in range(3):
            crm_server.set_now(NIGHT + number * DAY)
            night(config, number)
    merged = query(
        run_of(tmp_path).raw_path,
        "select id, _merged_into from raw_salesforce.leads where _deleted_how = 'merged' order by id",
    )
    # The first of the names is the master and keeps its id.
    assert merged == [(lead_id("1006"), lead_id("1005")), (lead_id("1007"), lead_id("1005"))]


def test_what_was_merged_before_the_first_night_is_found_in_the_bin(tmp_path: Path) -> None:
    script = story()
    script.merge(NIGHT - DAY, "9001", ("1006", "1007"))
    with org(script) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
    raw = run_of(tmp_path).raw_path
    assert query(
        raw, "select id, _deleted_how, _merged_into from raw_salesforce.leads where _deleted_at is not null"
    ) == [(lead_id("1007"), "merged", lead_id("1006"))]
    # Its history lies there too, and tells what it was before.
    gone = f"select count(*) from raw_salesforce.lead_history where lead_id = '{lead_id('1007')}'"
    assert query(raw, f"{gone} and _deleted_at is not null")[0][0] > 0
    assert query(raw, f"{gone} and _deleted_at is null") == [(0,)]


def test_deleted_leads_are_told_from_those_whose_bin_was_emptied(tmp_path: Path) -> None:
    """T-24: the bin is shown by queryAll alone; what left it, only by its absence."""
    script = story()
    script.archive_contact(NIGHT + timedelta(hours=8), "1006")
    script.forget_contact(NIGHT + timedelta(hours=8), "1007")
    with org(script) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
        crm_server.set_now(NIGHT + DAY)
        assert night(config, 1).deleted > 0
        how = "select id, _deleted_how, _deleted_at from raw_salesforce.leads where _deleted_at is not null"
        held = {row[0]: row[1:] for row in query(run_of(tmp_path).raw_path, how)}
        assert held[lead_id("1006")][0] == "archived"
        assert held[lead_id("1006")][1].astimezone(UTC) == NIGHT + timedelta(hours=8)
        assert held[lead_id("1007")][0] == "vanished"
        crm_server.set_now(NIGHT + 20 * DAY)
        night(config, 2)
        assert len(ids(config, "raw_salesforce.leads")) == 10


def test_a_conversion_is_a_link_and_its_date_stays_a_date(tmp_path: Path) -> None:
    """T-29: a date has no zone, so nothing may shift it."""
    script = story()
    late = datetime(2026, 3, 9, 22, 59, tzinfo=UTC)  # 23:59 in Amsterdam
    script.deal(late, "3005", "104", contacts=("1005",))
    script.lifecycle(late, "1006", "customer")
    with org(script) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
    told = "select converted_date, converted_contact_id, converted_opportunity_id from raw_salesforce.leads where id = "
    raw = run_of(tmp_path).raw_path
    assert query(raw, f"{told} '{lead_id('1005')}'") == [
        ("2026-03-09", contact_id("1005"), opportunity_id("3005"))
    ]
    assert query(raw, f"{told} '{lead_id('1006')}'") == [("2026-03-09", contact_id("1006"), None)]


def test_a_status_that_nobody_tracks_is_kept_by_the_nights_themselves(tmp_path: Path) -> None:
    script = story()
    for number in range(3):
        script.status(
            NIGHT + number * DAY + timedelta(hours=8),
            "1005",
            ("IN_PROGRESS", "CONNECTED", "UNQUALIFIED")[number],
        )
    with org(script, tracking=()) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        for number in range(4):
            crm_server.set_now(NIGHT + number * DAY)
            night(config, number)
    raw = run_of(tmp_path).raw_path
    assert query(raw, "select count(*) from raw_salesforce.lead_history") == [(0,)]
    seen = query(
        raw,
        "select value, changed_at from raw_salesforce.leads_history "
        f"where id = '{lead_id('1005')}' and field = 'status' order by changed_at",
    )
    assert [value for value, _ in seen] == ["Open - Not Contacted", "Working", "Connected", "Unqualified"]
    assert seen[-1][1].astimezone(UTC) == NIGHT + 2 * DAY + timedelta(hours=8)


def test_a_deactivated_currency_is_not_deleted(tmp_path: Path) -> None:
    """T-29: the vendor lists it among the deleted."""
    with org(story(), multi_currency=True) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
        truth = ledger(story().history(OWNERS), NIGHT, multi_currency=True)
    assert differences(config, truth) == []
    raw = run_of(tmp_path).raw_path
    held = query(raw, "select iso_code, is_active from raw_salesforce.currency_types order by iso_code")
    assert held == [("CHF", "false"), ("EUR", "true"), ("GBP", "true"), ("USD", "true")]
    assert query(raw, "select distinct currency_iso_code from raw_salesforce.opportunities") == [("EUR",)]


def test_an_org_with_one_currency_has_the_one_of_the_config(tmp_path: Path) -> None:
    with org(story()) as crm_server:
        for currency in ("GBP", None):
            config = home(tmp_path / str(currency), crm_server.base_url, currency=currency)
            night(config)
            raw = run_of(config.home).raw_path
            assert query(raw, "select distinct currency_iso_code from raw_salesforce.opportunities") == [
                (currency,)
            ]


# --- half a night is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "error", "words"),
    [
        pytest.param(
            Faults().scope_removed("Opportunity"), AuthError, "has no Opportunity", id="no opportunities"
        ),
        pytest.param(Faults().scope_removed("api"), AuthError, "API_DISABLED_FOR_ORG", id="no API"),
        pytest.param(
            Faults().scope_removed("view_all_data"), AuthError, "OPERATION_TOO_LARGE", id="T-26 too large"
        ),
        pytest.param(
            Faults().daily_limit_after(9), SourceUnavailableError, "REQUEST_LIMIT_EXCEEDED", id="T-25 quota"
        ),
        pytest.param(
            Faults().status("queryAll", 500, times=None), SourceUnavailableError, "gave up", id="500"
        ),
        pytest.param(
            Faults().empty_everything(), SourceUnavailableError, "no page of users|holds not one", id="empty"
        ),
        pytest.param(Faults().html_login_page("queryAll"), AuthError, "text/html", id="login page"),
        pytest.param(Faults().loop_next("query"), SourceUnavailableError, "paging loop", id="loop"),
        pytest.param(
            Faults().null_results("queryAll", times=None),
            SourceContractError,
            "no list of records",
            id="null",
        ),
        pytest.param(
            Faults().property_removed("Lead", "Status"), SourceContractError, "no field Status", id="field"
        ),
        pytest.param(
            Faults().stage_unlisted("appointmentscheduled"),
            SourceContractError,
            "Afspraak",
            id="unknown stage",
        ),
    ],
)
def test_a_night_that_is_not_whole_leaves_nothing(
    tmp_path: Path, faults: Faults, error: type[LeadroleError], words: str
) -> None:
    with org(long_story(), max_page=9) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        crm_server.set_faults(faults)
        with pytest.raises(error, match=words):
            night(config)
        run = run_of(tmp_path)
        manifests = list(run.landing_dir.rglob("*.manifest.json"))
        assert manifests == [] or "Afspraak" in words
        assert query(run.raw_path, "select count(*) from load.runs") == [(0,)]
        assert ids(config, "raw_salesforce.leads") == set()
        for manifest in manifests:
            manifest.unlink()
        crm_server.set_faults(Faults())
        night(config)
        truth = ledger(long_story().history(OWNERS), NIGHT)
    assert differences(config, truth) == []


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults().status("queryAll", 503, times=3), id="503 three times"),
        pytest.param(Faults().status("queryAll", 420, times=2), id="420, a web page of the edge"),
        pytest.param(Faults().truncate_body("queryAll", times=2), id="half a body"),
        pytest.param(Faults().garble_body("queryAll", times=2), id="broken JSON"),
        pytest.param(Faults().drop_connection("queryAll", times=2), id="connection dropped"),
        pytest.param(Faults().drop_connection("oauth2/token"), id="connection dropped at the door"),
        pytest.param(Faults().expire_token_after(9), id="the session ends in the middle"),
        pytest.param(Faults().duplicate_page("query", times=None), id="each page twice over"),
        pytest.param(Faults().omit_last_page("query", times=None), id="the last page never told of"),
        pytest.param(Faults().partial_batch("composite/batch", lose=3), id="some descriptions fail"),
        pytest.param(Faults().value("Lead", "Last_Form__c", "N/A", every=2), id="text for a date"),
        pytest.param(
            Faults().status(
                "queryAll",
                403,
                times=2,
                body=[
                    {
                        "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
                        "errorCode": "REQUEST_LIMIT_EXCEEDED",
                    }
                ],
            ),
            id="too many at once",
        ),
    ],
)
def test_a_passing_fault_is_survived(tmp_path: Path, faults: Faults) -> None:
    with org(long_story(), now=NIGHT + 3 * DAY, max_page=6, faults=faults) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
    truth = ledger(long_story().history(OWNERS), NIGHT + 3 * DAY)
    unlike = [line for line in differences(config, truth) if "N/A" not in line]
    assert unlike == []


def test_text_that_looks_like_nothing_and_newlines_survive_bulk(tmp_path: Path) -> None:
    value = 'NA\nnull "None", N/A;'
    with org(story(), faults=Faults().value("Lead", "LeadSource", value), bulk_page=4) as crm_server:
        config = home(tmp_path, crm_server.base_url, bulk_threshold="0")
        night(config)
    assert query(run_of(tmp_path).raw_path, "select distinct lead_source from raw_salesforce.leads") == [
        (value,)
    ]


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        pytest.param(
            Faults().omit_last_page("results", times=None), "found 40 rows and gave 36", id="T-22 last page"
        ),
        pytest.param(
            Faults().duplicate_page("results", times=None), "not whole .18 rows of 9", id="T-22 rows twice"
        ),
        pytest.param(Faults().empty_everything("results"), "found 40 rows and gave 0", id="T-22 nothing"),
        pytest.param(Faults().loop_next("results", times=None), "paging loop", id="the same place twice"),
    ],
)
def test_a_bulk_job_that_gives_other_rows_than_it_found_fails_the_night(
    tmp_path: Path, faults: Faults, words: str
) -> None:
    with org(long_story(), bulk_page=9, faults=faults) as crm_server:
        config = home(tmp_path, crm_server.base_url, bulk_threshold="30")
        with pytest.raises(SourceUnavailableError, match=words):
            night(config)
    assert ids(config, "raw_salesforce.leads") == set()


def test_a_page_of_a_bulk_job_that_was_cut_is_asked_for_again(tmp_path: Path) -> None:
    faults = Faults().duplicate_page("results", times=1).garble_body("results", times=1, after=2)
    with org(long_story(), bulk_page=9, compresses=False, faults=faults) as crm_server:
        config = home(tmp_path, crm_server.base_url, bulk_threshold="30")
        night(config)
        assert crm_server.count("DELETE") == crm_server.count("POST /services/data/v67.0/jobs/query") > 0
    assert differences(config, ledger(long_story().history(OWNERS), NIGHT)) == []


def test_bulk_is_for_large_objects_only(tmp_path: Path) -> None:
    with org(long_story()) as crm_server:
        night(home(tmp_path / "small", crm_server.base_url))
        assert crm_server.count("jobs/query") == 0
        night(home(tmp_path / "large", crm_server.base_url, bulk_threshold="39"))
        made = [
            call for call in crm_server.calls if call.method == "POST" and call.path.endswith("jobs/query")
        ]
    jobs = [json.loads(call.body) for call in made]
    assert {job["query"].split(" FROM ")[1].split(" ")[0] for job in jobs} == {"Lead", "LeadHistory"}
    assert {job["operation"] for job in jobs} == {"queryAll"}


def test_a_bulk_job_that_never_ends_is_left_for_pages(tmp_path: Path) -> None:
    with org(long_story(), bulk_polls=10_000) as crm_server:
        config = home(tmp_path, crm_server.base_url, bulk_threshold="39", bulk_wait_minutes="1")
        night(config)
        assert crm_server.count("PATCH") == 2
    assert differences(config, ledger(long_story().history(OWNERS), NIGHT)) == []


@pytest.mark.parametrize(("hours", "seconds"), [(24, 7200.0), (24, 3600.0), (1, 61.0)])
def test_a_window_that_takes_too_long_is_halved(tmp_path: Path, hours: int, seconds: float) -> None:
    """T-26: down to one minute if need be."""
    now = NIGHT + timedelta(hours=10.5 - hours)
    with org(long_story(), now=now) as crm_server:
        night(home(tmp_path, crm_server.base_url))
    now += timedelta(hours=hours)
    with org(long_story(), now=now, timeout_seconds=seconds) as crm_server:
        config = home(tmp_path, crm_server.base_url, overlap_seconds="600")
        night(config, 1)
        assert crm_server.count("queryAll", 400) > 100
    assert differences(config, ledger(long_story().history(OWNERS), now)) == []


def test_a_minute_that_takes_too_long_ends_the_night(tmp_path: Path) -> None:
    with org(story()) as crm_server:
        night(home(tmp_path, crm_server.base_url))
    with org(story(), now=NIGHT + DAY, timeout_seconds=10.0) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        with pytest.raises(SourceUnavailableError, match="changes of one minute"):
            night(config, 1)


def test_the_quota_is_a_failed_night_and_the_next_one_has_it_all(tmp_path: Path) -> None:
    """T-25: nothing of a half night is loaded, and its window stays open."""
    with org(long_story()) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
        raw = run_of(tmp_path).raw_path
        before = query(raw, "select object, closed_until from load.watermarks order by object")
        crm_server.set_now(NIGHT + DAY)
        crm_server.clear_calls()
        crm_server.set_faults(Faults().daily_limit_after(25))
        with pytest.raises(SourceUnavailableError) as caught:
            night(config, 1)
        assert caught.value.exit_code == 4
        assert query(raw, "select object, closed_until from load.watermarks order by object") == before
        crm_server.set_faults(Faults())
        crm_server.set_now(NIGHT + 2 * DAY)
        night(config, 2)
        truth = ledger(long_story().history(OWNERS), crm_server.now)
    assert differences(config, truth) == []


def test_the_calls_of_the_org_are_counted_and_its_other_programs_spared(tmp_path: Path) -> None:
    with org(story(), used_before=100, daily_allowance=1000) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        manifest = extract(config)
        assert manifest.budget["allowance"] == 1000
        assert manifest.budget["spent"] == manifest.calls == crm_server.count("/services/data/")
        tight = home(tmp_path / "tight", crm_server.base_url, max_allowance_share="0.01")
        with pytest.raises(SourceUnavailableError, match="reached 1% of the account's daily 1,000"):
            night(tight)
    with org(story(), used_before=850, daily_allowance=1000) as crm_server:
        config = home(tmp_path / "busy", crm_server.base_url)
        with pytest.raises(SourceUnavailableError, match=r"851 of the 1,000 calls .* more than 80%"):
            night(config)
        assert crm_server.count("/services/data/") == 1


def test_a_night_takes_few_calls_more_than_it_must(tmp_path: Path) -> None:
    with org(Population(months=2, scale=0.2), now=datetime(2025, 7, 1, 1, tzinfo=UTC)) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        first = extract(config)
        load.load(run_of(tmp_path), config.sources[0], first)
        crm_server.set_now(crm_server.now + DAY)
        second = extract(config, 1)
    for manifest in (first, second):
        assert manifest.calls <= 1.2 * (manifest.budget["needed"] or 0)


# --- a read that breaks off is gone on with ----------------------------------------------------------------


class Killed(BaseException):
    """What a kill looks like from inside."""


@pytest.mark.parametrize("page", [1, 2, 3, 7, 12, 15])
@pytest.mark.parametrize("bulk", [False, True], ids=["pages", "bulk"])
def test_a_first_load_that_was_killed_goes_on_where_it_was(tmp_path: Path, page: int, bulk: bool) -> None:
    lines = {"bulk_threshold": "0"} if bulk else {}
    with org(long_story(), max_page=10, bulk_page=10) as crm_server:
        config = home(tmp_path, crm_server.base_url, **lines)
        seen = 0

        def kill(*_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == page:
                raise Killed

        with pytest.raises(Killed):
            extract(config, run=now_run(tmp_path, 0), progress=kill)
        crm_server.set_now(NIGHT + 3 * DAY)
        jobs = crm_server.count("POST /services/data/v67.0/jobs")
        again = now_run(tmp_path, 1)
        manifest = extract(config, run=again)
        if bulk and page in (2, 3):
            # The job of leads was under way: its rows are read on, not asked for again.
            made = [call.body for call in crm_server.calls if call.method == "POST" and "jobs" in call.path]
            assert sum(" FROM Lead " in body for body in made) == 1 <= jobs
        load.load(again, config.sources[0], manifest)
        assert manifest.high_water == NIGHT - timedelta(seconds=300)
        rows = {file.object: file.rows for file in manifest.files}
        landed = landing.read(again.landing_dir, manifest.file("leads"))  # type: ignore[arg-type]
        listed = [line["record"]["id"] for line in landed if line["endpoint"] == "list"]
        # The page that was under way is the only one that was fetched twice.
        assert len(listed) <= len(set(listed)) + 10
        assert rows["leads_ids"] <= len(set(listed)) + 10
        crm_server.set_now(NIGHT + 4 * DAY)
        last = now_run(tmp_path, 2)
        load.load(last, config.sources[0], extract(config, run=last))
        truth = ledger(long_story().history(OWNERS), crm_server.now)
    assert differences(config, truth) == []


def test_a_job_that_is_gone_when_we_come_back_is_made_anew(tmp_path: Path) -> None:
    with org(long_story(), bulk_page=10) as crm_server:
        config = home(tmp_path, crm_server.base_url, bulk_threshold="0")
        crm_server.set_faults(Faults().status("results", 503, times=None, after=2))
        with pytest.raises(SourceUnavailableError):
            extract(config, run=now_run(tmp_path, 0))
        crm_server.set_faults(Faults())
        crm_server.set_now(NIGHT + 8 * DAY)  # results are kept for seven days
        for number in (1, 2):
            run = now_run(tmp_path, number)
            load.load(run, config.sources[0], extract(config, run=run))
            made = [call.body for call in crm_server.calls if call.method == "POST" and "jobs" in call.path]
            # The last one belongs to the night that reads everything again.
            assert sum(" FROM Lead " in body for body in made) == number + 1
        truth = ledger(long_story().history(OWNERS), crm_server.now)
    assert differences(config, truth) == []


# --- who comes in ------------------------------------------------------------------------------------------


def key_pair() -> tuple[bytes, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, public.decode()


def test_an_assertion_signed_with_the_apps_key_lets_us_in(tmp_path: Path) -> None:
    """T-28."""
    private, public = key_pair()
    key = tmp_path / "keys" / "app.pem"
    key.parent.mkdir()
    key.write_bytes(private)
    key.chmod(0o600)
    lines = {
        "login": "jwt",
        "username": USERNAME,
        "private_key_file": "keys/app.pem",
        "client_secret_env": None,
    }
    with org(story(), public_key=public) as crm_server:
        config = home(tmp_path, crm_server.base_url, **lines)
        extract(config, clock=lambda: crm_server.now)
        other = home(tmp_path, crm_server.base_url, **{**lines, "username": "else@installaties.example"})
        with pytest.raises(AuthError, match="hasn't approved this consumer") as caught:
            extract(other, clock=lambda: crm_server.now)
        assert "eyJ" not in str(caught.value)
        key.write_text("not a key")
        with pytest.raises(ConfigError, match="no private RSA key"):
            extract(config, clock=lambda: crm_server.now)
    key.chmod(0o640)
    with pytest.raises(ConfigError) as refused:
        home(tmp_path, "https://mycompany.my.salesforce.com", **lines)
    assert "private_key_file: keys/app.pem can be read by others; run chmod 600 on it" in str(refused.value)
    with pytest.raises(ConfigError, match="No such file"):
        home(
            tmp_path, "https://mycompany.my.salesforce.com", **{**lines, "private_key_file": "keys/none.pem"}
        )


def test_a_refresh_token_that_is_used_up_has_left_its_successor(tmp_path: Path) -> None:
    lines = {"login": "refresh_token", "refresh_token_env": "SALESFORCE_REFRESH_TOKEN"}
    with org(story(), rotates=True) as crm_server:
        config = home(tmp_path, crm_server.base_url, **lines)
        night(config)
        crm_server.set_now(NIGHT + DAY)
        night(config, 1)
        crm_server.set_now(NIGHT + 2 * DAY)
        crm_server.set_faults(Faults().expire_token_after(crm_server.count() + 9))
        night(config, 2)
        kept = run_of(tmp_path).data_dir / "tokens" / "salesforce.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert json.loads(kept.read_text())["token"].endswith(".4")
        kept.unlink()
        with pytest.raises(AuthError, match="expired access/refresh token") as caught:
            night(config, 3)
    assert REFRESH_TOKEN not in str(caught.value)


def test_a_refused_app_ends_the_night_in_seconds(tmp_path: Path) -> None:
    with org(story()) as crm_server:
        config = home(
            tmp_path, crm_server.base_url, {**SECRETS, "SALESFORCE_CLIENT_SECRET": "wrong-secret-4711"}
        )
        began = time.monotonic()
        with pytest.raises(AuthError, match="invalid_client") as caught:
            night(config)
        assert crm_server.count() == 2
    assert caught.value.exit_code == 3
    assert time.monotonic() - began < 5
    assert "wrong-secret" not in str(caught.value)


def test_a_token_for_another_org_is_sent_nowhere(tmp_path: Path) -> None:
    grant = {
        "access_token": "00D!canary",
        "instance_url": "https://other.my.salesforce.com",
        "token_type": "Bearer",
    }
    with Wire([http(json.dumps(grant))]) as door:
        config = home(tmp_path, door.base_url)
        with pytest.raises(ConfigError, match=r"says it is https://other.my.salesforce.com") as caught:
            night(config)
        assert len(door.requests) == 1
    assert "canary" not in str(caught.value)


def test_a_next_page_on_another_host_is_never_asked(tmp_path: Path) -> None:
    with Wire([http("{}")]) as evil, org(story(), max_page=5) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        for link in (f"{evil.base_url}/x", f"//{evil.base_url.split('//')[1]}/x"):
            crm_server.set_faults(Faults().next_points_to("query", link))
            with pytest.raises(SourceUnavailableError, match="refused: next page points to"):
                night(config)
        crm_server.set_faults(Faults().next_points_to("query", "/services/apexrest/x"))
        with pytest.raises(SourceContractError, match="no page of a query"):
            night(config)
        assert evil.requests == []


def test_only_what_was_asked_for_is_landed(tmp_path: Path) -> None:
    with org(long_story(), now=NIGHT + 3 * DAY, bulk_page=9) as crm_server:
        config = home(tmp_path, crm_server.base_url, bulk_threshold="30")
        night(config)
    run = run_of(tmp_path)
    (manifest,) = landing.manifests(run.landing_dir)
    lines = [json.dumps(line) for file in manifest.files for line in landing.read(run.landing_dir, file)]
    text = "\n".join(lines)
    assert len(lines) == manifest.rows > 200
    # Neither the people and companies of the leads, nor what was said to them.
    assert "@" not in text and "Voorbeeld" not in text and "Bedrijf" not in text and "Installatie" not in text
    for path in run.data_dir.rglob("*"):
        if path.is_file():
            assert CLIENT_SECRET.encode() not in path.read_bytes()
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- what an org has ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        pytest.param(
            {"last_form_field": "Last_From__c"},
            SourceContractError,
            "no field Last_From__c, which last_form_field names; did you mean Last_Form__c",
            id="a slip",
        ),
        pytest.param(
            {"lost_reason_field": "Age_Days__c"},
            ConfigError,
            "lost_reason_field names Age_Days__c, a formula",
            id="T-27 a formula",
        ),
    ],
)
def test_a_field_that_can_not_be_used_is_told_before_anything_is_read(
    tmp_path: Path, lines: dict[str, str], error: type[LeadroleError], words: str
) -> None:
    with org(story()) as crm_server:
        config = home(tmp_path, crm_server.base_url, **lines)
        with pytest.raises(error, match=words):
            night(config)
        assert crm_server.count("query") == 0


def test_a_field_of_less_weight_is_left_out_with_a_note(tmp_path: Path) -> None:
    with org(story(), removed_fields=(("Task", "CallDisposition"),)) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        result = night(config)
    assert [note for note in result.notes if "CallDisposition" in note] == [
        "Task has no field CallDisposition, or the app's user can't see it; it is left out"
    ]
    assert query(run_of(tmp_path).raw_path, "select distinct call_disposition from raw_salesforce.tasks") == [
        (None,)
    ]


def test_fields_that_nobody_named_are_not_asked_for(tmp_path: Path) -> None:
    keys = (
        "last_form_field",
        "lost_reason_field",
        "happened_at_field",
        "direction_field",
        "meeting_outcome_field",
    )
    with org(story()) as crm_server:
        config = home(tmp_path, crm_server.base_url, **dict.fromkeys(keys))
        night(config)
        asked = " ".join(call.query for call in crm_server.calls)
    assert "__c" not in asked
    assert query(run_of(tmp_path).raw_path, "select distinct last_form from raw_salesforce.leads") == [
        (None,)
    ]


def test_an_object_that_we_never_held_may_be_missing_one_that_we_hold_may_not(tmp_path: Path) -> None:
    with org(story(), faults=Faults().scope_removed("LeadHistory", "Account")) as crm_server:
        config = home(tmp_path / "never", crm_server.base_url)
        result = night(config)
    assert [note.split(":")[0] for note in result.notes] == [
        "accounts are left out",
        "lead_history are left out",
    ]
    covered = query(run_of(config.home).raw_path, "select object from load.coverage where not is_available")
    assert {name for (name,) in covered} >= {"lead_history", "accounts"}
    with org(story()) as crm_server:
        config = home(tmp_path / "held", crm_server.base_url)
        night(config)
        crm_server.set_faults(Faults().scope_removed("LeadHistory"))
        with pytest.raises(MissingPermissionError, match="LeadHistory"):
            night(config, 1)


def test_a_deactivated_user_is_still_a_person(tmp_path: Path) -> None:
    script = story()
    script.deactivate(START + DAY, "103")
    with org(script) as crm_server:
        config = home(tmp_path, crm_server.base_url)
        night(config)
    held = query(
        run_of(tmp_path).raw_path,
        f"select is_active, user_type, _deleted_at from raw_salesforce.users where id = '{user_id('103')}'",
    )
    assert held == [("false", "Standard", None)]


# --- the vendor's words ------------------------------------------------------------------------------------


def told(code: str, message: str = "") -> list[dict[str, str]]:
    return [{"message": message, "errorCode": code}]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"records": []}, None),
        (204, None, None),
        (200, None, "fatal"),
        (401, told("INVALID_SESSION_ID"), "key"),
        (403, told("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "quota"),
        (403, told("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), "limit"),
        (403, told("INSUFFICIENT_ACCESS"), "scope"),
        (403, None, "scope"),
        (400, told("OPERATION_TOO_LARGE", "exceeded 100000 distinct who/what's"), "scope"),
        (400, told("INVALID_TYPE"), "scope"),
        (404, told("NOT_FOUND"), "scope"),
        (400, told("QUERY_TIMEOUT"), "fatal"),
        (400, told("INVALID_QUERY_LOCATOR"), "fatal"),
        (404, told("INVALID_QUERY_LOCATOR"), "fatal"),
        (420, None, "wait"),
        (429, None, "wait"),
        (406, None, "wait"),
        (503, told("SERVER_UNAVAILABLE"), "broken"),
        (410, told("UNSUPPORTED_API_VERSION"), "fatal"),
    ],
)
def test_each_refusal_has_its_meaning(status: int, body: object, kind: str | None) -> None:
    refusal = quirks.Explain()(status, body)
    assert (refusal and refusal.kind) == kind


def test_a_refusal_does_not_repeat_the_query() -> None:
    message = (
        "\nSELECT Id FROM Lead WHERE Id = '00Qsecret'\n       ^\nERROR at Row:1:Column:8\nNo such column 'X'"
    )
    refusal = quirks.Explain()(400, told("INVALID_FIELD", message))
    assert refusal is not None
    assert refusal.message == "Salesforce refuses the call (400, INVALID_FIELD, No such column 'X')"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"access_token": "x"}, None),
        (200, {}, "fatal"),
        (400, {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}, "key"),
        (400, {"error": "invalid_client_id"}, "key"),
        (404, None, "fatal"),
        (503, None, "broken"),
        (429, None, "wait"),
    ],
)
def test_each_refusal_at_the_door_has_its_meaning(status: int, body: object, kind: str | None) -> None:
    refusal = quirks.explain_login(status, body)
    assert (refusal and refusal.kind) == kind


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("api-usage=18/100000", (18, 100_000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=x)", (25, 5000)),
        ("per-app-api-usage=17/250(appName=x)", None),
        ("", None),
    ],
)
def test_the_orgs_usage_is_read_from_each_answer(header: str, found: tuple[int, int] | None) -> None:
    assert quirks.usage({"Sforce-Limit-Info": header}) == found


def test_a_moment_in_a_query_is_utc_and_whole_seconds() -> None:
    moment = datetime(2026, 7, 1, 2, 3, 4, 567_000, tzinfo=UTC).astimezone()
    assert quirks.literal(moment) == "2026-07-01T02:03:04Z"


@pytest.mark.parametrize(
    "value", ["00Q' OR Id != '", "00Q5g0000000001", "short", "", None, "00Q5g0000000001AA/"]
)
def test_what_stands_in_a_query_is_an_id(value: object) -> None:
    if value == "00Q5g0000000001":
        assert quirks.record_id(value) == value
        return
    with pytest.raises(SourceContractError, match="an id that is none"):
        quirks.record_id(value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'"Id","Name"\n"1","a"', id="a row less than told"),
        pytest.param(b'"Id","Name"\n"1","a"\n"2","b', id="cut in a cell"),
        pytest.param(b'"Id","Name"\n"1","a"\n"2"', id="cut in a row"),
        pytest.param(b'"Id","Other"\n"1","a"\n"2","b"\n', id="another header"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'"Id","Name"\n"1","\xff"\n"2","b"\n', id="not UTF-8"),
    ],
)
def test_a_page_of_a_bulk_job_that_is_not_whole_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"row|CSV|header"):
        quirks.csv_rows(content, ["Id", "Name"], 2)


def test_cells_keep_what_other_readers_lose() -> None:
    content = '\ufeff"Id","Name"\n"1","NA"\n"2","two\nlines, ""quoted"""\n"3",""\n'.encode()
    rows = quirks.csv_rows(content, ["Id", "Name"], 3)
    assert rows == [["1", "NA"], ["2", 'two\nlines, "quoted"'], ["3", ""]]
    assert [quirks.cell_text(cell, "string") for _, cell in rows] == ["NA", 'two\nlines, "quoted"', None]
    assert quirks.cell_text("2026-01-01T00:00:00.000Z", "datetime") == "2026-01-01T00:00:00.000+0000"
    assert quirks.cell_text("2026-01-01T00:00:00.000Z", "string") == "2026-01-01T00:00:00.000Z"


# --- the config --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"login": "jwt"}, "login: jwt needs username as well"),
        ({"login": "refresh_token"}, "login: refresh_token needs refresh_token_env as well"),
        ({"client_secret_env": None}, "login: client_credentials needs client_secret_env as well"),
        ({"base_url": "https://login.salesforce.com"}, "is no org; write your My Domain"),
        ({"base_url": "https://api.hubapi.com"}, "belongs to another CRM"),
        ({"last_form_field": "Account.Name"}, "expected the API name of a field"),
        ({"disqualified_statuses": "[Qualified]"}, "Qualified is also in qualified_statuses"),
        ({"page_size": "100"}, "must be at least 200"),
        ({"api_version": '"v67"'}, "must match"),
        ({"client_id": "3MVG9abcdef"}, "Did you mean client_id_env"),
    ],
)
def test_mistakes_in_the_config_are_told(tmp_path: Path, lines: dict[str, str | None], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        home(
            tmp_path,
            **{"base_url": "https://mycompany.my.salesforce.com", "max_clock_skew_minutes": "10", **lines},
        )
    assert words in str(caught.value)


def test_the_secrets_are_not_in_the_settings_that_travel(tmp_path: Path) -> None:
    config = home(tmp_path, "https://mycompany.my.salesforce.com", max_clock_skew_minutes="10")
    told_of = repr(config) + config.model_dump_json()
    assert CLIENT_SECRET not in told_of and REFRESH_TOKEN not in told_of
    assert config.sources[0].milestones[0] == ("converted", "true", "qualified")  # type: ignore[union-attr]
