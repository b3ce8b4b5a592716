"""Odoo over real HTTP, in both its protocols: raw equals the ledger after every night, half a night is refused."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadrole import crm, landing, load
from leadrole.crm.odoo import quirks
from leadrole.crm.odoo.endpoints import ENDPOINTS, LEADS
from leadrole.errors import AuthError, ConfigError, LeadroleError, SourceContractError, SourceUnavailableError
from leadrole.run import Run
from leadrole.sandbox import Faults, Population, Script, Server, serve
from leadrole.sandbox import odoo as sandbox
from support import stories
from support.homes import ids, night, query, run_of, tables
from support.odoo import TOKEN, assert_raw_is, ids_of, odoo_home
from support.stories import DAY, HOUR, NIGHT, OWNERS, START
from support.wire import Wire, http

pytestmark = pytest.mark.slow

PROTOCOLS = {"json2": 19, "jsonrpc": 17}
# Every record that is read through windows; the rest are short lists.
RECORDS = [endpoint for endpoint in ENDPOINTS if not endpoint.is_reference]


def story() -> Script:
    """The story, and a meeting."""
    script = stories.story()
    script.meeting(START + DAY, "6000", "1002", "101", START + 2 * DAY)
    return script


def server(script: Script, *, protocol: str = "json2", **more: Any) -> Server:
    more.setdefault("version", PROTOCOLS[protocol])
    return serve(script.history(OWNERS), now=NIGHT, token=TOKEN, dialect=sandbox.Account, **more)


@pytest.fixture
def told() -> Iterator[Server]:
    with server(story()) as running:
        yield running


# --- everything arrives -------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_record_of_the_crm_arrives(tmp_path: Path, protocol: str) -> None:
    population = Population(months=2, scale=0.2)
    now = datetime(2025, 7, 1, 1, 0, tzinfo=UTC)
    version = PROTOCOLS[protocol]
    with serve(population, now=now, token=TOKEN, dialect=sandbox.Account, version=version) as crm_server:
        config = odoo_home(tmp_path, crm_server.base_url, protocol=protocol)
        result = night(config)
    assert_raw_is(tmp_path, sandbox.ledger(population, now, version=version))
    assert result.live_rows["leads"] > 100
    assert result.live_rows["tracking_values"] > 100
    counted = query(
        run_of(tmp_path).raw_path,
        "select object, crm_total - live_rows from load.counts where crm_total is not null order by object",
    )
    assert counted == sorted((endpoint.name, 0) for endpoint in RECORDS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_nights_after_follow_every_kind_of_event(tmp_path: Path, protocol: str) -> None:
    script = story()
    script.archive_contact(NIGHT - DAY, "1011")
    later = NIGHT + timedelta(hours=8)
    script.lifecycle(later, "1005", "salesqualifiedlead", by="101")
    script.lifecycle(later + HOUR, "1005", "lead", by="101")
    script.status(later, "1003", "UNQUALIFIED", by="101")
    script.status(later, "1004", "BAD_TIMING", by="101")
    script.status(later + HOUR, "1004", "OPEN", by="101")
    script.assign(later, "1002", "103", by="101")
    script.form_again(later, "1002")
    script.archive_contact(later, "1006")
    script.forget_contact(later, "1007")
    script.merge(later, "1100", ("1008", "1009"))
    script.merge(later + HOUR, "1101", ("1100", "1010"))
    script.restore_contact(later, "1011")
    script.form(later, "1012")
    script.list_row(later, "1013", by="103")
    script.create(later, "1014", by="101")
    script.email(later, "5100", "1002", "103")
    script.email(later + HOUR, "5101", "1002", "103", direction="in")
    script.unlink(later, "calls", "5002", "contacts", "1002")
    script.link(later, "calls", "5002", "contacts", "1003")
    script.meeting(later, "6001", "1003", "101", later + HOUR)
    script.meeting(later, "6002", "1004", "101", later + HOUR, outcome="CANCELED")
    script.task(later, "6003", "1005", "101", later + DAY, done_at=later + 2 * HOUR)
    script.stage(later, "3000", "presentationscheduled", by="104")
    script.amount(later + HOUR, "3000", "7250.50", by="104")
    script.stage(later, "3001", "closedlost", by="104", reason="Prijs")
    script.deal(later, "3002", "105", contacts=("1000",))
    script.deal(later, "3003", "105")
    script.deactivate(later, "103")
    second = NIGHT + DAY + timedelta(hours=8)
    script.stage(second, "3000", "closedwon", by="104")
    script.stage(second, "3001", "contractsent", by="104")
    script.deal_owner(second, "3002", "104")
    script.delete_deal(second, "3003")
    script.archive_deal(second + HOUR, "3002")
    history = script.history(OWNERS)
    version = PROTOCOLS[protocol]
    with server(script, protocol=protocol) as crm_server:
        for number in range(4):
            now = NIGHT + number * DAY
            crm_server.set_now(now)
            config = odoo_home(tmp_path, crm_server.base_url, protocol=protocol, page_size=7)
            night(config, number)
            assert_raw_is(tmp_path, sandbox.ledger(history, now, version=version))
    assert query(run_of(tmp_path).raw_path, "select is_full from load.runs order by run_id") == [
        (True,),
        (False,),
        (False,),
        (False,),
    ]


def test_any_page_size_gives_the_same_tables(tmp_path: Path, told: Server) -> None:
    found = []
    for size in (1, 3, 1000):
        config = odoo_home(tmp_path / str(size), told.base_url, page_size=size)
        # The pseudonyms of two homes differ; those of one key do not.
        key = run_of(config.home).pseudonym_key_path
        key.parent.mkdir(parents=True)
        key.write_text("ab" * 32)
        night(config)
        held = tables(run_of(config.home).raw_path)
        found.append({name: rows for name, rows in held.items() if name.startswith("raw_odoo")})
    assert found[0] == found[1] == found[2]


def test_a_quiet_night_changes_nothing(tmp_path: Path, told: Server) -> None:
    config = odoo_home(tmp_path, told.base_url)
    night(config)
    told.set_now(NIGHT + DAY)
    result = night(config, 1)
    assert (result.changed, result.deleted) == (0, 0)


# --- what only Odoo does ------------------------------------------------------------------------------------


def test_lost_and_archived_records_are_never_left_out(tmp_path: Path) -> None:
    """A search without a word about it hides what is not active, and its count hides it too."""
    script = story()
    script.status(START + 3 * DAY, "1003", "UNQUALIFIED", by="101")
    script.archive_contact(START + 3 * DAY, "1004")
    with server(script) as crm_server:
        night(odoo_home(tmp_path, crm_server.base_url))
        bodies = [json.loads(call.body) for call in crm_server.calls]
    inactive = "active = 'false' and _deleted_at is null"
    assert ids(odoo_home(tmp_path, "http://127.0.0.1:9"), "raw_odoo.leads", inactive) == {
        sandbox.lead_id("1003"),
        sandbox.lead_id("1004"),
    }
    assert all(body["context"] == {"active_test": False} for body in bodies)


def test_a_long_import_that_is_stamped_with_its_start_is_not_lost(tmp_path: Path) -> None:
    """4.7.1: the rows of a transaction carry its start, and show when it ends: behind the cursor."""
    script = story()
    for number in range(40):
        script.list_row(
            NIGHT - timedelta(minutes=20) + timedelta(seconds=40 * number), str(2000 + number), by="103"
        )
    history = script.history(OWNERS)
    more = {"bulk_seconds": 1, "version": 19}
    with server(script, **more) as crm_server:
        night(odoo_home(tmp_path, crm_server.base_url))
        assert len(ids_of(tmp_path, "leads")) == 12  # the import runs on
        crm_server.set_now(NIGHT + timedelta(hours=12))
        crm_server.clear_calls()
        night(odoo_home(tmp_path, crm_server.base_url), 1)
        by_id = [
            call for call in crm_server.calls if "crm.lead/search_read" in call.path and '"in"' in call.body
        ]
        assert_raw_is(tmp_path, sandbox.ledger(history, NIGHT + timedelta(hours=12), **more))
    assert len(ids_of(tmp_path, "leads")) == 52
    # The overlap of an hour found them; the walk over all ids had nothing left to find.
    assert by_id == []


def test_a_transaction_longer_than_the_overlap_is_found_by_the_walk(tmp_path: Path) -> None:
    script = story()
    for number in range(40):
        script.list_row(
            NIGHT - timedelta(minutes=20) + timedelta(seconds=40 * number), str(2000 + number), by="103"
        )
    more = {"bulk_seconds": 1, "version": 19}
    with server(script, **more) as crm_server:
        night(odoo_home(tmp_path, crm_server.base_url, overlap_seconds=0))
        crm_server.set_now(NIGHT + timedelta(hours=12))
        night(odoo_home(tmp_path, crm_server.base_url, overlap_seconds=0), 1)
    assert len(ids_of(tmp_path, "leads")) == 52


def test_neighbouring_windows_meet_although_odoo_hides_its_microseconds(tmp_path: Path) -> None:
    script = story()
    edge = NIGHT - timedelta(seconds=60)
    for number in range(12):
        script.status(
            edge + timedelta(milliseconds=200 * number - 1200), str(1000 + number), "IN_PROGRESS", by="101"
        )
    history = script.history(OWNERS)
    now = NIGHT + timedelta(milliseconds=640)
    with server(script) as crm_server:
        crm_server.set_now(now)
        config = odoo_home(tmp_path, crm_server.base_url, overlap_seconds=0)
        night(config)
        crm_server.set_now(now + DAY)
        night(config, 1)
        assert_raw_is(tmp_path, sandbox.ledger(history, now + DAY, version=19))


def test_what_is_unlinked_or_merged_away_vanishes(tmp_path: Path) -> None:
    script = story()
    later = NIGHT + timedelta(hours=8)
    script.forget_contact(later, "1007")
    script.merge(later, "1100", ("1008", "1009"))
    with server(script) as crm_server:
        config = odoo_home(tmp_path, crm_server.base_url)
        night(config)
        crm_server.set_now(NIGHT + DAY)
        night(config, 1)
    raw = run_of(tmp_path).raw_path
    gone = query(raw, "select id, _deleted_how from raw_odoo.leads where _deleted_at is not null order by id")
    assert gone == [(sandbox.lead_id("1007"), "vanished"), (sandbox.lead_id("1009"), "vanished")]
    # The loser's messages go on at the survivor, whose id they now name.
    moved = query(
        raw,
        "select res_id from raw_odoo.messages where _deleted_at is null "
        f"and id = '{sandbox.message_id('calls', '5009')}'",
    )
    assert moved == [(sandbox.lead_id("1008"),)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_an_administrators_key_history_is_unknown_and_said_to_be(
    tmp_path: Path, protocol: str
) -> None:
    with server(story(), protocol=protocol, is_admin=False) as crm_server:
        result = night(odoo_home(tmp_path, crm_server.base_url, protocol=protocol))
    raw = run_of(tmp_path).raw_path
    covered = query(
        raw, "select is_available, covers_until from load.coverage where object = 'tracking_values'"
    )
    assert covered == [(False, None)]
    assert (
        "tracking_values are left out: the key's user has no right to read mail.tracking.value"
        in result.notes
    )
    assert len(ids_of(tmp_path, "leads")) == 12


def test_changes_whose_fields_may_not_be_read_are_unknown_too(tmp_path: Path) -> None:
    with server(story(), faults=Faults().scope_removed("ir.model.fields")) as crm_server:
        result = night(odoo_home(tmp_path, crm_server.base_url))
    lacking = query(
        run_of(tmp_path).raw_path, "select object from load.coverage where not is_available order by object"
    )
    assert lacking == [("tracked_fields",), ("tracking_values",)]
    assert "tracking_values are left out: the key's user has no right to read ir.model.fields" in result.notes


def test_a_key_that_loses_the_right_to_history_fails_the_night(tmp_path: Path, told: Server) -> None:
    config = odoo_home(tmp_path, told.base_url)
    night(config)
    told.set_faults(Faults().scope_removed("tracking_values"))
    with pytest.raises(AuthError, match=r"no right to read mail\.tracking\.value") as caught:
        night(config, 1)
    assert caught.value.exit_code == 3
    assert ids_of(tmp_path, "tracking_values")


def test_addresses_and_names_are_not_kept(tmp_path: Path) -> None:
    script = story()
    script.form_again(START + 3 * DAY, "1003")
    with server(script) as crm_server:
        config = odoo_home(tmp_path, crm_server.base_url)
        night(config)
    run = run_of(tmp_path)
    (manifest,) = landing.manifests(run.landing_dir)
    lines = [json.dumps(line) for file in manifest.files for line in landing.read(run.landing_dir, file)]
    assert len(lines) == manifest.rows > 50
    text = "\n".join(lines)
    assert "Voorbeeld" not in text and "@" not in text and "example" not in text
    # Two leads of one person share a pseudonym, which is nobody else's.
    keys = Counter(row[0] for row in query(run.raw_path, "select email_key from raw_odoo.leads"))
    assert sorted(keys.values()) == [1] * 11 + [2]


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_key_ends_the_night_with_exit_3(tmp_path: Path, protocol: str) -> None:
    """JSON-RPC says it with a 200 and `false`, JSON-2 with a 401."""
    with server(story(), protocol=protocol) as crm_server:
        crm_server.token = "another"
        config = odoo_home(tmp_path, crm_server.base_url, protocol=protocol)
        with pytest.raises(AuthError) as caught:
            night(config)
        assert crm_server.count() <= 2
    assert caught.value.exit_code == 3
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("protocol", "keys", "settings", "error", "words"),
    [
        ("jsonrpc", {"username": "nobody"}, {}, AuthError, "nobody"),
        ("jsonrpc", {"database": "other"}, {}, SourceUnavailableError, "no such database"),
        ("json2", {"database": "other"}, {"has_many_databases": True}, SourceUnavailableError, "404"),
        ("json2", {}, {"version": 17}, SourceUnavailableError, "protocol: jsonrpc"),
    ],
)
def test_a_wrong_place_is_told(
    tmp_path: Path,
    protocol: str,
    keys: dict[str, str],
    settings: dict[str, Any],
    error: type[LeadroleError],
    words: str,
) -> None:
    with (
        server(story(), protocol=protocol, **settings) as crm_server,
        pytest.raises(error, match=words) as caught,
    ):
        night(odoo_home(tmp_path, crm_server.base_url, protocol=protocol, **keys))
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (Faults().property_removed("leads", "date_conversion"), "crm.lead has no field date_conversion"),
        (Faults().property_renamed("leads", "probability", "probabilities"), "renamed to probabilities"),
        (Faults().property_removed("messages", "write_date"), "mail.message has no field write_date"),
    ],
)
def test_a_field_that_is_gone_is_named_before_anything_is_kept(
    tmp_path: Path, protocol: str, faults: Faults, words: str
) -> None:
    with server(story(), protocol=protocol, faults=faults) as crm_server:
        config = odoo_home(tmp_path, crm_server.base_url, protocol=protocol)
        with pytest.raises(SourceContractError, match=words) as caught:
            night(config)
    assert caught.value.exit_code == 5
    assert ids(config, "raw_odoo.leads") == set()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        pytest.param(
            500,
            {
                "name": "builtins.ValueError",
                "message": "Invalid field 'nope' on 'crm.lead'",
                "debug": "Traceback ...",
            },
            "Odoo's crm.lead has no field nope",
            id="asked for (19)",
        ),
        pytest.param(
            200,
            {
                "jsonrpc": "2.0",
                "id": 5,
                "error": {
                    "code": 200,
                    "message": "Odoo Server Error",
                    "data": {
                        "name": "builtins.ValueError",
                        "debug": "Traceback ...",
                        "message": "Invalid field 'nope' on model 'crm.lead'",
                    },
                },
            },
            "Odoo's crm.lead has no field nope",
            id="asked for (17)",
        ),
        pytest.param(
            500,
            {
                "name": "builtins.ValueError",
                "message": "Invalid field crm.lead.nope in condition ('nope', '=', 'Jan')",
            },
            "Odoo's crm.lead has no field nope",
            id="in a condition",
        ),
    ],
)
def test_an_unknown_field_is_a_broken_contract_and_not_a_broken_server(
    status: int, body: dict[str, Any], words: str
) -> None:
    with pytest.raises(SourceContractError) as caught:
        quirks.explain(status, body)
    assert caught.value.message == words


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"name": "werkzeug.exceptions.Unauthorized", "message": "Invalid apikey"}, "key", "refuses the key"),
        (403, {"name": "odoo.exceptions.AccessDenied", "message": "Access Denied"}, "key", "refuses the key"),
        (
            403,
            {
                "name": "odoo.exceptions.AccessError",
                "message": "Sorry, Jan Jansen (id=7) doesn't have 'read' access to:\n- Lead (crm.lead)",
            },
            "scope",
            "the key's user has no right to read crm.lead",
        ),
        (404, {"name": "werkzeug.exceptions.NotFound", "message": "the model 'crm.nope' does not exist"}, "scope", "no crm.nope"),
        (404, None, "fatal", "protocol: jsonrpc"),
        (422, {"name": "odoo.exceptions.UserError", "message": "Object crm.nope doesn't exist"}, "scope", "no crm.nope"),
        (422, {"name": "odoo.exceptions.UserError", "message": "Jan Jansen is sick"}, "fatal", "UserError"),
        (500, {"name": "psycopg2.errors.SerializationFailure", "message": "could not serialize"}, "broken", "broken"),
        (500, {"name": "builtins.TypeError", "message": "search() got an unexpected argument"}, "fatal", "TypeError"),
        (503, None, "broken", "broken at the moment (503)"),
        (429, None, "limit", "limits"),
    ],
)  # fmt: skip
def test_each_refusal_is_understood_without_its_traceback_or_names(
    status: int, body: dict[str, Any] | None, kind: str, words: str
) -> None:
    if body is not None:
        body["debug"] = "Traceback (most recent call last)"
    for told_status, told_body in (
        (status, body),
        *([(200, {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "data": body}})] if body else []),
    ):
        refusal = quirks.explain(told_status, told_body)
        assert refusal is not None
        assert refusal.kind == kind
        assert words in f"{refusal.message} {refusal.next_step}"
        assert "Traceback" not in refusal.message and "Jan" not in refusal.message


def test_a_good_answer_is_no_refusal() -> None:
    for body in ([], 0, True, None, {"active": {"type": "boolean"}}, {"error": {"type": "char"}}):
        assert quirks.explain(200, body) is None
        assert quirks.explain(200, {"jsonrpc": "2.0", "id": 1, "result": body}) is None


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("stage_id", [4, "Gewonnen"], "4"),
        ("mail_message_id", [119, False], "119"),
        ("stage_id", False, None),
        ("date_closed", False, None),
        ("active", False, "false"),
        ("active", True, "true"),
        ("tag_ids", [3, 7], "[3,7]"),
        ("tag_ids", [], "[]"),
        ("sequence", 0, "0"),
        ("expected_revenue", "28945.10", "28945.10"),
        ("name", "Négociation", "Négociation"),
    ],
)
def test_false_is_empty_and_a_link_is_its_id(name: str, value: object, kept: str | None) -> None:
    assert quirks.text(name, value) == kept


def test_versions_may_lack_what_came_later(tmp_path: Path) -> None:
    with server(story(), protocol="jsonrpc") as crm_server:
        night(odoo_home(tmp_path, crm_server.base_url, protocol="jsonrpc"))
        asked = [json.loads(call.body)["params"]["args"] for call in crm_server.calls]
    fields = next(args[6]["fields"] for args in asked if args[3:5] == ["mail.activity", "search_read"])
    assert "date_done" not in fields and "user_id" in fields


def test_settings_that_contradict_one_another_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="jsonrpc needs username"):
        odoo_home(tmp_path, "http://127.0.0.1:9", protocol="jsonrpc", username="null")
    with pytest.raises(ConfigError, match="needs also qualified_from_stage"):
        odoo_home(tmp_path, "http://127.0.0.1:9", opportunities_are_leads="true")
    with pytest.raises(ConfigError, match=r"belongs to another CRM; odoo is https://mycompany\.odoo\.com"):
        odoo_home(tmp_path, "https://api.hubapi.com", max_clock_skew_minutes=10)


# --- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("faults", "error", "words"),
    [
        pytest.param(Faults().scope_removed("leads"), AuthError, "no right to read crm.lead", id="no rights"),
        pytest.param(
            Faults().daily_limit_after(5), SourceUnavailableError, "still limited", id="429 for ever"
        ),
        pytest.param(
            Faults().status("", 503, times=None, after=5), SourceUnavailableError, "gave up", id="maintenance"
        ),
        pytest.param(
            Faults().empty_everything(after=1), SourceUnavailableError, "holds not one of leads", id="empty"
        ),
        pytest.param(Faults().html_login_page("", after=5), AuthError, "text/html", id="login page"),
        pytest.param(
            Faults().omit_last_page("", after=30),
            SourceUnavailableError,
            "that the CRM counts",
            id="last page missing",
        ),
        pytest.param(
            Faults().null_results("", after=40, times=None),
            SourceContractError,
            "is no list",
            id="null for a list",
        ),
    ],
)
def test_a_night_that_is_not_whole_leaves_nothing(
    tmp_path: Path, protocol: str, faults: Faults, error: type[LeadroleError], words: str
) -> None:
    script = story()
    for number in range(48):
        script.form(START, str(2000 + number))
    with server(script, protocol=protocol) as crm_server:
        config = odoo_home(tmp_path, crm_server.base_url, protocol=protocol)
        crm_server.set_faults(faults)
        with pytest.raises(error, match=words) as caught:
            night(config)
        assert "Traceback" not in str(caught.value) and TOKEN not in str(caught.value)
        run = run_of(tmp_path)
        assert all(path.parent.name == ".partial" for path in run.landing_dir.rglob("*.zst*"))
        assert not list(run.landing_dir.rglob("*.manifest.json"))
        assert query(run.raw_path, "select count(*) from load.runs") == [(0,)]
        crm_server.set_faults(Faults())
        night(config)
    assert len(ids_of(tmp_path, "leads")) == 60
    assert not list(run.landing_dir.rglob(".partial"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults().status("", 503, times=3, after=9), id="maintenance that passes"),
        pytest.param(Faults().status("", 500, times=3, after=9), id="500 three times"),
        pytest.param(Faults().status("", 429, times=3, after=9), id="429"),
        pytest.param(
            Faults().status("", 429, after=9, headers={"Retry-After": "7"}), id="429 that says how long"
        ),
        pytest.param(Faults().truncate_body("", times=2, after=30), id="half a body"),
        pytest.param(Faults().garble_body("", times=2, after=30), id="broken JSON"),
        pytest.param(Faults().drop_connection("", after=12), id="connection dropped"),
        pytest.param(Faults().expire_token_after(7, times=1), id="key refused once"),
        pytest.param(Faults().duplicate_page("", after=30), id="a page twice"),
        pytest.param(Faults().value("leads", "probability", "N/A", every=2), id="text for a number"),
    ],
)
def test_a_passing_fault_is_survived(tmp_path: Path, protocol: str, faults: Faults) -> None:
    with server(story(), protocol=protocol, faults=faults) as crm_server:
        config = odoo_home(tmp_path, crm_server.base_url, protocol=protocol, page_size=5)
        night(config)
    assert len(ids_of(tmp_path, "leads")) == 12


def test_odoo_online_is_asked_no_faster_than_it_allows(tmp_path: Path) -> None:
    waited: list[float] = []
    with server(
        story(), enforce_limits=True, throttle_calls=60, throttle_seconds=60.0, retry_after="30",
        clock=lambda: sum(waited),
    ) as crm_server:  # fmt: skip
        config = odoo_home(tmp_path, crm_server.base_url, rate_limit="{per_10_seconds: 10000}", page_size=3)
        night(config, sleep=waited.append)
        assert crm_server.count(status=429) > 0
    assert len(ids_of(tmp_path, "leads")) == 12
    assert 30.0 in waited


def test_the_world_may_change_while_we_page(tmp_path: Path) -> None:
    script = story()
    for number in range(12):
        script.status(NIGHT + DAY + timedelta(seconds=30), str(1000 + number), "IN_PROGRESS", by="101")
    history = script.history(OWNERS)
    with server(script) as crm_server:
        config = odoo_home(tmp_path, crm_server.base_url, page_size=2)
        night(config)
        crm_server.set_now(NIGHT + DAY)
        crm_server.set_faults(Faults().advance_clock("crm.lead/search_read", seconds=120, after=1))
        night(config, 1)
        crm_server.set_faults(Faults())
        crm_server.set_now(NIGHT + 2 * DAY)
        night(config, 2)
        assert_raw_is(tmp_path, sandbox.ledger(history, NIGHT + 2 * DAY, version=19))


class _KilledError(Exception):
    """What a kill looks like from inside."""


@pytest.mark.parametrize("page", [1, 2, 5, 9, 14, 20])
def test_a_first_load_that_was_killed_goes_on_where_it_was(tmp_path: Path, told: Server, page: int) -> None:
    config = odoo_home(tmp_path, told.base_url, page_size=3)
    source, seen = config.sources[0], 0

    def kill(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == page:
            raise _KilledError

    for moment in (datetime.now(UTC) - DAY, datetime.now(UTC)):
        run = Run(moment.strftime("%Y%m%dT%H%M%SZ"), moment, tmp_path)
        load.ensure_raw(run.raw_path)
        state = load.read_state(run, source)
        if not seen:
            with pytest.raises(_KilledError):
                crm.extract(source, state, run, kill, sleep=lambda _: None)
        else:
            manifest = crm.extract(source, state, run, sleep=lambda _: None)
            load.load(run, source, manifest)
    assert_raw_is(tmp_path, sandbox.ledger(story().history(OWNERS), NIGHT, version=19))
    records = {endpoint.type for endpoint in RECORDS}
    pages = Counter(
        (call.path, call.body)
        for call in told.calls
        if call.path.endswith("/search_read") and call.path.split("/")[3] in records
    )
    # The page that was being kept when it died may come again, and no other.
    assert sum(count - 1 for count in pages.values()) <= 1


def test_a_truncated_list_deletes_nothing(tmp_path: Path, told: Server) -> None:
    config = odoo_home(tmp_path, told.base_url, page_size=5)
    night(config)
    told.set_faults(Faults().empty_everything("mail.message"))
    with pytest.raises(LeadroleError) as caught:
        night(config, 1)
    assert caught.value.exit_code in (4, 5)
    assert ids_of(tmp_path, "messages")


def test_a_stage_that_is_gone_stops_the_night_or_warns(tmp_path: Path) -> None:
    stage = sandbox.stage_id("appointmentscheduled")
    with server(story(), faults=Faults().stage_unlisted(stage)) as crm_server:
        with pytest.raises(SourceContractError, match=f"{stage} \\(2\\)"):
            night(odoo_home(tmp_path / "fail", crm_server.base_url))
        warned = night(odoo_home(tmp_path / "warn", crm_server.base_url, unknown_stage="warn"))
    assert any(f"{stage} (2)" in note for note in warned.notes)


def test_an_answer_to_another_call_is_refused(tmp_path: Path) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 77, "result": 2})
    with Wire([http(body)]) as wire, pytest.raises(SourceContractError, match="not Odoo's answer"):
        night(odoo_home(tmp_path, wire.base_url, protocol="jsonrpc"))


def test_nothing_is_asked_for_that_is_not_kept() -> None:
    assert not set(LEADS.fields) & {
        "name",
        "email_from",
        "phone",
        "contact_name",
        "partner_name",
        "description",
    }
    for endpoint in ENDPOINTS:
        assert all(re.fullmatch(r"[a-z_][a-z0-9_]*", name) for name in endpoint.fields)
