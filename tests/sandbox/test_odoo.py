"""Odoo's dialect: shapes, searches, traces and errors of spec/crm-apis.md sections 4.4 and 4.7, over real HTTP."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests

from leadrole.sandbox import Faults, History, Population, Script, Server, serve
from leadrole.sandbox.log import QUEUE_ID
from leadrole.sandbox.odoo import (
    OBJECTS,
    Account,
    Settings,
    activity_id,
    contact_partner_id,
    contacts,
    event_id,
    field_ids,
    form_lead_id,
    lead_id,
    lead_stage_id,
    ledger,
    message_id,
    opportunities,
    opportunity_id,
    schema,
    stage_id,
    transactions,
    user_id,
)
from leadrole.sandbox.population import make_owners

KEY = "5f1d0c3a9b7e4d2f8a6c1e0b3d5f7a9c2e4b6d80"
DATABASE = "leadrole"
T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = T0 + timedelta(days=60)
REP, CLOSER = "101", "105"
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "recordings"
ALL = {"active_test": False}


class Odoo:
    """A caller with the right key, in either protocol."""

    def __init__(self, server: Server, *, is_json_2: bool) -> None:
        self.server = server
        self.is_json_2 = is_json_2
        self.session = requests.Session()

    def json_2(
        self, model: str, method: str, body: Any = None, *, key: str = KEY, **headers: str
    ) -> requests.Response:
        return self.session.post(
            f"{self.server.base_url}/json/2/{model}/{method}",
            json=body or {},
            headers={"Authorization": f"bearer {key}", **headers},
            timeout=10,
        )

    def rpc(self, service: str, method: str, *arguments: Any) -> requests.Response:
        params = {"service": service, "method": method, "args": list(arguments)}
        body = {"jsonrpc": "2.0", "method": "call", "id": 11, "params": params}
        return self.session.post(f"{self.server.base_url}/jsonrpc", json=body, timeout=10)

    def execute(self, model: str, method: str, *places: Any, **names: Any) -> dict[str, Any]:
        reply = self.rpc("object", "execute_kw", DATABASE, 2, KEY, model, method, list(places), names)
        assert reply.status_code == 200
        return reply.json()

    def call(self, model: str, method: str, **names: Any) -> Any:
        if self.is_json_2:
            reply = self.json_2(model, method, names)
            assert reply.status_code == 200, reply.text
            return reply.json()
        if method == "read":
            said = self.execute(model, method, names.pop("ids"), **names)
        else:
            said = self.execute(model, method, **names)
        assert "error" not in said, said
        return said["result"]

    def rows(self, model: str, domain: Any = (), **names: Any) -> list[dict[str, Any]]:
        names = {"order": "id", "context": ALL, **names}
        return self.call(model, "search_read", domain=list(domain), **names)

    def lead(self, number: str, *fields: str) -> dict[str, Any]:
        (row,) = self.rows(
            "crm.lead", [["id", "=", int(number)]], **({"fields": list(fields)} if fields else {})
        )
        return row

    def walk(self, model: str, size: int) -> list[dict[str, Any]]:
        """Read a table page by page, on from the last id."""
        rows: list[dict[str, Any]] = []
        last = 0
        while page := self.rows(model, [["id", ">", last]], limit=size):
            rows += page
            last = page[-1]["id"]
        return rows


@pytest.fixture
def odoo() -> Iterator[Callable[..., Odoo]]:
    servers: list[Server] = []

    def run(history: History, *, version: int = 17, now: datetime = NOW, **settings: Any) -> Odoo:
        server = serve(history, now=now, token=KEY, dialect=Account, version=version, **settings)
        servers.append(server)
        return Odoo(server, is_json_2=version >= 19)

    yield run
    for server in servers:
        server.close()


def owners() -> tuple[Any, ...]:
    return make_owners(T0.date())


def story() -> Script:
    """One lead that is called, qualified and won; one that is lost; one of a list."""
    script = Script()
    script.form(T0, "1001", name=("Anna", "Bos"))
    script.assign(T0 + HOUR, "1001", REP, by=REP)
    script.call(T0 + 2 * HOUR, "4001", "1001", REP, outcome="connected", seconds=125)
    script.status(T0 + 2 * HOUR + timedelta(minutes=5), "1001", "CONNECTED", by=REP)
    script.lifecycle(T0 + DAY, "1001", "salesqualifiedlead", by=REP)
    script.deal(T0 + 2 * DAY, "2001", CLOSER, contacts=("1001",), amount="5000", close_date=T0 + 40 * DAY)
    script.stage(T0 + 3 * DAY, "2001", "qualifiedtobuy", by=CLOSER)
    script.stage(T0 + 9 * DAY, "2001", "closedwon", by=CLOSER)
    script.form(T0 + HOUR, "1002", name=("Bart", "Kok"))
    script.assign(T0 + 2 * HOUR, "1002", REP, by=REP)
    script.status(T0 + 3 * DAY, "1002", "UNQUALIFIED", by=REP)
    script.list_row(T0 + DAY, "1003", owner=REP, by=REP, name=("Cees", "Smit"))
    return script


def told(script: Script) -> History:
    return script.history(owners())


@cache
def recorded(name: str) -> tuple[dict[str, Any], ...]:
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"the recorded traffic (shared/data/recordings/{name}) is not beside the repository")
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def exchange(name: str, note: str) -> dict[str, Any]:
    (one,) = (one for one in recorded(name) if one["note"] == note)
    return one


def kind(value: Any) -> str:
    if isinstance(value, list):
        is_reference = len(value) == 2 and (value[1] is False or isinstance(value[1], str))
        return f"[id, {type(value[1]).__name__}]" if is_reference else "ids"
    return type(value).__name__


def kinds(rows: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The types that each field's values have; a reference with a name is a kind of its own."""
    return {name: {kind(row[name]) for row in rows} for name in rows[0]}


def same_shape(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert ours and theirs
    assert {tuple(row) for row in ours} == {tuple(row) for row in theirs}
    known = kinds(theirs)
    for name, found in kinds(ours).items():
        # Demo data fill a few fields in every row; empty is false for every type.
        assert found <= known[name] | {"bool"}, name


# --- recorded traffic


def test_json_rpc_answers_have_the_recorded_shapes(odoo: Callable[..., Odoo], small: Population) -> None:
    name = "odoo17.jsonl"
    client = odoo(small, now=datetime(2026, 9, 1, 2, tzinfo=UTC))
    version = exchange(name, "version")
    said = client.session.post(client.server.base_url + version["path"], json=version["request"], timeout=10)
    assert said.json() == version["response"]
    login = exchange(name, "login")
    reply = client.rpc("common", "login", DATABASE, "admin", KEY)
    assert reply.json() == {**login["response"], "id": 11}
    assert reply.headers["Content-Type"] == login["headers"]["Content-Type"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    refused = exchange(name, "login refused: HTTP 200, result false")
    assert client.rpc("common", "login", DATABASE, "admin", "x").json() == {**refused["response"], "id": 11}

    described = exchange(name, "field description")
    arguments = described["request"]["params"]["args"]
    ours = client.execute("crm.lead", "fields_get", *arguments[5], **arguments[6])["result"]
    assert ours == described["response"]["result"]

    pages = [one for one in recorded(name) if one["note"].startswith("page ")]
    theirs = [row for page in pages for row in page["response"]["result"]]
    names = pages[0]["request"]["params"]["args"][6]["fields"]
    same_shape(client.rows("crm.lead", [["id", ">", 0]], fields=names, limit=500), theirs)
    for note, model in (
        ("stages", "crm.stage"),
        ("users", "res.users"),
        ("teams", "crm.team"),
        ("lost reasons", "crm.lost.reason"),
        ("messages of the probe leads", "mail.message"),
        ("tracking values: the stage history", "mail.tracking.value"),
    ):
        one = exchange(name, note)
        names = one["request"]["params"]["args"][6]["fields"]
        same_shape(client.rows(model, fields=names), one["response"]["result"])


@pytest.mark.parametrize(
    ("note", "call"),
    [
        ("wrong password on a call: HTTP 200, error AccessDenied", ("x", "crm.lead", "search", [[]])),
        (
            "unknown field: HTTP 200, error ValueError",
            (KEY, "crm.lead", "search_read", [[]], {"fields": ["nope"], "limit": 1}),
        ),
        ("unknown model: HTTP 200, error", (KEY, "crm.nope", "search", [[]], {})),
    ],
)
def test_json_rpc_errors_are_those_recorded(
    odoo: Callable[..., Odoo], note: str, call: tuple[Any, ...]
) -> None:
    theirs = exchange("odoo17.jsonl", note)["response"]
    reply = odoo(told(story())).rpc("object", "execute_kw", DATABASE, 2, *call)
    ours = reply.json()
    assert reply.status_code == 200
    assert list(ours) == list(theirs) and list(ours["error"]["data"]) == list(theirs["error"]["data"])
    debug = ours["error"]["data"].pop("debug")
    assert (
        debug.startswith("Traceback")
        and debug.splitlines()[-1] == theirs["error"]["data"]["debug"].splitlines()[-1]
    )
    assert ours["error"]["data"] == {
        key: one for key, one in theirs["error"]["data"].items() if key != "debug"
    }
    assert (ours["error"]["code"], ours["error"]["message"]) == (200, "Odoo Server Error")


def test_json_2_answers_have_the_recorded_shapes(odoo: Callable[..., Odoo], small: Population) -> None:
    name = "odoo19_json2.jsonl"
    client = odoo(small, version=19, now=datetime(2026, 9, 1, 2, tzinfo=UTC))
    version = exchange(name, "version")
    assert client.json_2("ir.module.module", "search_read", version["request"]).json() == version["response"]
    described = exchange(name, "fields")
    assert client.json_2("crm.lead", "fields_get", described["request"]).json() == described["response"]
    assert client.json_2("crm.lead", "read").json() == exchange(name, "missing argument")["response"] == []
    for note, model in (
        ("stages", "crm.stage"),
        ("page", "crm.lead"),
        ("messages", "mail.message"),
        ("tracking", "mail.tracking.value"),
    ):
        one = exchange(name, note)
        rows = client.rows(model, fields=one["request"]["fields"])
        more = exchange(name, "read back")["response"] if note == "page" else []
        same_shape(rows, one["response"] + more)
        assert {type(row["id"]) for row in rows} == {int}
    planned = story()  # none of those recorded is done
    planned.meeting(T0, "6001", "1003", REP, NOW + DAY, outcome=None)
    one = exchange(name, "activities incl. done")
    ours = odoo(told(planned), version=19).rows("mail.activity", fields=one["request"]["fields"])
    same_shape(ours, one["response"])


@pytest.mark.parametrize(
    ("note", "model", "method", "key"),
    [
        ("bad key", "crm.lead", "search_count", "x"),
        ("unknown field", "crm.lead", "search_read", KEY),
        ("unknown model", "crm.nope", "search", KEY),
        ("unknown method", "crm.lead", "nope", KEY),
    ],
)
def test_json_2_errors_are_those_recorded(
    odoo: Callable[..., Odoo], note: str, model: str, method: str, key: str
) -> None:
    theirs = exchange("odoo19_json2.jsonl", note)
    reply = odoo(told(story()), version=19).json_2(model, method, theirs["request"], key=key)
    ours = reply.json()
    assert reply.status_code == theirs["status"]
    assert list(ours) == list(theirs["response"])
    assert ours.pop("debug").splitlines()[-1] == theirs["response"]["debug"].splitlines()[-1]
    assert ours == {name: value for name, value in theirs["response"].items() if name != "debug"}
    assert reply.headers["Content-Type"] == theirs["headers"]["Content-Type"]
    assert reply.headers.get("WWW-Authenticate") == theirs["headers"].get("WWW-Authenticate")


def test_a_lost_restored_and_won_lead_leaves_the_recorded_trace(odoo: Callable[..., Odoo]) -> None:
    messages = exchange("odoo17.jsonl", "messages of the probe leads")["response"]["result"]
    values = exchange("odoo17.jsonl", "tracking values: the stage history")["response"]["result"]
    script = Script()
    script.deal(T0, "2001", CLOSER, stage="appointmentscheduled")
    script.stage(T0 + DAY, "2001", "closedlost", by=CLOSER, reason="Too expensive")
    script.stage(T0 + 2 * DAY, "2001", "closedwon", by=CLOSER)
    script.stage(T0 + 3 * DAY, "2001", "appointmentscheduled", by=CLOSER)
    client = odoo(told(script))

    def trace(messages: list[dict[str, Any]], values: list[dict[str, Any]]) -> list[Any]:
        by_id = {row["id"]: row for row in values}
        seen = []
        for message in messages:
            if message["message_type"] != "notification":
                continue
            tracked = [by_id[number] for number in message["tracking_value_ids"]]
            said = [
                (
                    row["field_id"][1],
                    bool(row["old_value_integer"]),
                    bool(row["new_value_integer"]),
                    type(row["old_value_char"]),
                    bool(row["old_value_char"]),
                    type(row["new_value_char"]),
                    bool(row["new_value_char"]),
                    row["mail_message_id"][1] is not False,
                )
                for row in tracked
            ]
            seen.append((message["subtype_id"], said))
        return seen

    ours = trace(client.rows("mail.message"), client.rows("mail.tracking.value"))
    theirs = trace([row for row in messages if row["res_id"] == 49], values)
    assert ours == theirs


# --- the doors


def test_both_protocols_tell_the_same(odoo: Callable[..., Odoo]) -> None:
    client = odoo(told(story()), version=19)
    by_json_2 = client.json_2("crm.lead", "search_read", {"domain": [], "context": ALL}).json()
    by_rpc = client.execute("crm.lead", "search_read", [], context=ALL)["result"]
    assert by_json_2 == by_rpc and len(by_rpc) == 3
    assert client.json_2("crm.lead", "read", {"ids": [3003], "fields": ["name"]}).json() == [
        {"id": 3003, "name": "Installatie"}
    ]
    assert client.execute("crm.lead", "read", [3003, 1], ["stage_id"], load=None)["result"] == [
        {"id": 3003, "stage_id": 9}
    ]


def test_17_has_no_json_2(odoo: Callable[..., Odoo]) -> None:
    reply = odoo(told(story())).json_2("crm.lead", "search_count")
    assert reply.status_code == 404 and reply.text.startswith("<!doctype html>")


def test_a_call_must_reach_the_database(odoo: Callable[..., Odoo]) -> None:
    client = odoo(told(story()), version=19)
    headers = {"X-Odoo-Database": DATABASE}
    assert client.json_2("crm.lead", "search_count", **headers).json() == 2
    assert client.json_2("crm.lead", "search_count", **{"X-Odoo-Database": "other"}).status_code == 404
    among = odoo(told(story()), version=19, has_many_databases=True)
    assert among.json_2("crm.lead", "search_count").status_code == 404
    assert among.json_2("crm.lead", "search_count", **headers).json() == 2
    said = client.rpc("common", "login", "other", "admin", KEY).json()
    assert said["error"]["data"]["name"] == "psycopg2.OperationalError"


def test_login_and_authenticate_give_the_uid_or_false(odoo: Callable[..., Odoo]) -> None:
    client = odoo(told(story()), login="koppeling")
    assert client.rpc("common", "authenticate", DATABASE, "koppeling", KEY, {}).json()["result"] == 2
    assert client.rpc("common", "authenticate", DATABASE, "admin", KEY, {}).json()["result"] is False
    assert client.rpc("common", "version").json()["result"]["server_version"] == "17.0"
    denied = client.rpc("object", "execute_kw", DATABASE, 3, KEY, "crm.lead", "search", [[]]).json()
    assert denied["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"


@pytest.mark.parametrize(
    ("body", "status"),
    [("[1]", 400), ("{", 400), ('{"nope": 1}', 422), ('{"ids": [1], "domain": []}', 422)],
)
def test_json_2_refuses_what_it_can_not_read(odoo: Callable[..., Odoo], body: str, status: int) -> None:
    client = odoo(told(story()), version=19)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    url = f"{client.server.base_url}/json/2/crm.lead/search"
    assert requests.post(url, data=body, headers=headers, timeout=10).status_code == status
    headers["Content-Type"] = "text/plain"
    assert requests.post(url, data="{}", headers=headers, timeout=10).status_code == 415
    assert requests.get(url, headers=headers, timeout=10).status_code == 404
    assert requests.post(url, timeout=10).status_code == 401


def test_nothing_can_be_written(odoo: Callable[..., Odoo]) -> None:
    reply = odoo(told(story()), version=19).json_2("crm.lead", "unlink", {"ids": [3003]})
    assert reply.status_code == 403 and reply.json()["name"] == "odoo.exceptions.AccessError"
    said = odoo(told(story())).execute("crm.lead", "write", [3003], {"name": "x"})
    assert said["error"]["data"]["name"] == "odoo.exceptions.AccessError"


# --- searches


DOMAINS: list[tuple[Any, set[str]]] = [
    ([], {"won", "lost", "list"}),
    ([["id", "=", 3003]], {"won"}),
    ([["type", "!=", "lead"]], {"won"}),
    ([["active", "=", False]], {"lost"}),
    ([["active", "in", [True]]], {"won", "list"}),
    (["|", ["active", "=", False], ["type", "=", "opportunity"]], {"won", "lost"}),
    (["!", "|", ["active", "=", False], ["type", "=", "opportunity"]], {"list"}),
    (["&", ["id", ">", 3003], ["id", "<=", 3006]], {"lost"}),
    ([["id", ">=", 3006], ["id", "<", 3009]], {"lost"}),
    ([["stage_id", "in", [1, 9]]], {"won", "lost", "list"}),
    ([["stage_id", "not in", [1]]], {"won"}),
    ([["stage_id", "=", "Gewonnen"]], {"won"}),
    ([["stage_id", "ilike", "NIEUW"]], {"lost", "list"}),
    ([["stage_id.is_won", "=", True]], {"won"}),
    (["!", ["stage_id.is_won", "=", True]], {"lost", "list"}),
    ([["date_closed", "=", False]], {"list"}),
    ([["date_closed", "!=", False]], {"won", "lost"}),
    ([["lost_reason_id", "!=", 99]], {"won", "lost", "list"}),
    ([["lost_reason_id", "not in", [1]]], {"won", "list"}),
    ([["lost_reason_id", "in", [1, False]]], {"won", "lost", "list"}),
    ([["date_conversion", "<", "2030-01-01"]], {"won"}),
    (["!", ["date_conversion", "<", "2030-01-01"]], set()),
    ([["create_date", "<=", "2026-03-02"]], {"won", "lost"}),
    ([["create_date", ">", "2026-03-02"]], {"list"}),
    ([["date_deadline", ">=", "2026-04-11"]], {"won"}),
    ([["contact_name", "like", "anna"]], set()),
    ([["contact_name", "ilike", "anna"]], {"won"}),
    ([["contact_name", "=like", "Anna%"]], {"won"}),
    ([["contact_name", "not like", "B%s"]], {"lost", "list"}),
    ([["probability", "=", 0]], {"lost"}),
    ([["probability", ">", 4.5]], {"won", "list"}),
    ([["expected_revenue", "=", 0]], {"lost", "list"}),
    ([["tag_ids", "in", [1]]], {"won"}),
    ([["tag_ids", "=", False]], {"lost", "list"}),
    ([[1, "=", 1]], {"won", "lost", "list"}),
    ([[0, "=", 1]], set()),
]


@pytest.mark.parametrize(("domain", "expected"), DOMAINS, ids=[json.dumps(one) for one, _ in DOMAINS])
def test_domains(odoo: Callable[..., Odoo], domain: Any, expected: set[str]) -> None:
    client = odoo(told(story()))
    names = {3003: "won", 3006: "lost", 3009: "list"}
    found = client.call("crm.lead", "search", domain=domain, context=ALL)
    assert {names[number] for number in found} == expected
    assert client.call("crm.lead", "search_count", domain=domain, context=ALL) == len(expected)


@pytest.mark.parametrize(
    "domain",
    [
        [["nope", "=", 1]],
        [["name", "near", "x"]],
        ["|", ["id", "=", 1]],
        [["id", "="]],
        "id > 3",
        [["state.x", "=", 1]],
    ],
)
@pytest.mark.parametrize("version", [17, 19])
def test_a_wrong_domain_is_a_value_error(odoo: Callable[..., Odoo], domain: Any, version: int) -> None:
    client = odoo(told(story()), version=version)
    said = client.execute("crm.lead", "search", domain)
    assert said["error"]["data"]["name"] == "builtins.ValueError"
    if version >= 19:
        assert client.json_2("crm.lead", "search", {"domain": domain}).status_code == 500


def test_order_limit_and_offset(odoo: Callable[..., Odoo]) -> None:
    client = odoo(told(story()))

    def ids(**names: Any) -> list[int]:
        return client.call("crm.lead", "search", domain=[], context=ALL, **names)

    assert ids() == [3009, 3006, 3003]  # priority desc, id desc
    assert ids(order="id") == [3003, 3006, 3009]
    assert ids(order="id", limit=2) == [3003, 3006]
    assert ids(order="id", limit=2, offset=2) == [3009]
    assert ids(order="date_conversion, id desc") == [3003, 3009, 3006]  # empty is the greatest
    assert ids(order="date_conversion DESC, id") == [3006, 3009, 3003]
    assert ids(order="stage_id desc, id") == [3003, 3006, 3009]
    assert client.call("crm.lead", "search_count", domain=[], context=ALL, limit=2) == 2
    for order in ("nope", "id; drop table", "day_open sideways"):
        assert "error" in client.execute("crm.lead", "search", [], order=order)


def test_the_default_search_hides_lost_leads(odoo: Callable[..., Odoo]) -> None:
    client = odoo(told(story()))
    assert client.call("crm.lead", "search_count", domain=[]) == 2
    assert client.call("crm.lead", "search_count", domain=[], context=ALL) == 3
    assert client.call("crm.lead", "search_count", domain=[["active", "in", [True, False]]]) == 3
    assert client.call("crm.lead", "search_count", domain=[["id", "=", 3006]]) == 0


def test_times_are_told_to_the_second_and_compared_to_the_microsecond(odoo: Callable[..., Odoo]) -> None:
    script = Script()
    script.form(T0 + timedelta(milliseconds=400), "1001")
    client = odoo(told(script))
    shown = client.lead("3003", "write_date")["write_date"]
    assert shown == "2026-03-02 09:00:00"
    assert client.call("crm.lead", "search_count", domain=[["write_date", ">", shown]]) == 1
    assert client.call("crm.lead", "search_count", domain=[["write_date", "<=", shown]]) == 0
    assert client.call("crm.lead", "search_count", domain=[["write_date", ">", "2026-03-02 09:00:01"]]) == 0


def test_what_is_empty_is_false_and_a_number_nought(odoo: Callable[..., Odoo]) -> None:
    row = odoo(told(story())).lead(lead_id("1003"))
    for name in (
        "user_id",
        "phone",
        "partner_id",
        "date_closed",
        "date_deadline",
        "lost_reason_id",
        "campaign_id",
    ):
        assert row[name] is False or name == "user_id"
    assert row["user_id"] == [101, "Marieke van Vliet"]
    assert (row["expected_revenue"], row["day_close"], row["tag_ids"]) == (0.0, 0.0, [])


# --- what the CRM does with its rows


def test_a_deal_turns_its_contacts_lead_into_the_opportunity(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.deal(T0 + 20 * DAY, "2002", CLOSER, contacts=("1001",), amount="900", deal_type="existingbusiness")
    script.deal(T0 + 21 * DAY, "2003", CLOSER)
    history = told(script)
    client = odoo(history)
    first, second = client.lead(lead_id("1001")), client.lead(opportunity_id("2002"))
    assert (first["type"], first["name"], first["create_date"]) == (
        "opportunity",
        "Installatie",
        "2026-03-02 09:00:00",
    )
    assert first["date_conversion"] == "2026-03-04 09:00:00"
    assert (first["expected_revenue"], first["date_deadline"]) == (5000.0, "2026-04-11")
    assert first["user_id"] == [105, "Hendrik Zijlstra"]
    assert first["partner_id"] == second["partner_id"] == [int(contact_partner_id("1001")), "Anna Bos"]
    assert first["email_from"] == second["email_from"] == "anna.bos@bedrijf1001.example"
    assert (first["tag_ids"], second["tag_ids"]) == ([1], [2])
    assert opportunities(history, NOW) == {
        "2001": lead_id("1001"),
        "2002": opportunity_id("2002"),
        "2003": opportunity_id("2003"),
    }
    assert contacts(history, NOW)["1001"] == [lead_id("1001"), opportunity_id("2002")]
    assert client.lead(opportunity_id("2003"), "partner_id", "email_from")["partner_id"] is False


def test_lost_is_inactive_with_no_probability_and_the_stage_stays(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.deal(T0 + DAY, "2005", CLOSER, stage="contractsent")
    script.stage(T0 + 5 * DAY, "2005", "closedlost", by=CLOSER, reason="Prijs")
    row = odoo(told(script)).lead(opportunity_id("2005"))
    assert (row["active"], row["probability"]) == (False, 0.0)
    assert row["stage_id"] == [int(stage_id("contractsent")), "Offerte verstuurd"]
    assert row["lost_reason_id"][1] == "Prijs"
    assert row["date_closed"] == row["write_date"] == "2026-03-07 09:00:00"


def test_archiving_is_no_loss_though_its_message_says_so(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.archive_contact(T0 + 5 * DAY, "1003", by=REP)
    script.archive_contact(T0 + 5 * DAY, "1002", by=REP)
    script.restore_contact(T0 + 8 * DAY, "1002", by=REP)
    script.deal(T0 + DAY, "2005", CLOSER)
    script.archive_deal(T0 + 6 * DAY, "2005", by=CLOSER)
    client = odoo(told(script))
    row = client.lead(lead_id("1003"))
    assert (row["active"], row["lost_reason_id"], row["probability"]) == (False, False, 5.0)
    (message,) = client.rows(
        "mail.message", [["res_id", "=", row["id"]], ["subtype_id", "=", "Opportunity Lost"]]
    )
    assert message["date"] == row["write_date"] == row["date_closed"]
    assert client.lead(opportunity_id("2005"))["active"] is False
    assert (
        client.lead(lead_id("1002"))["active"] is False
    )  # it was lost before, and restoring leaves that alone


def test_won_then_moved_back_wipes_the_closed_date(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.stage(T0 + 12 * DAY, "2001", "contractsent", by=CLOSER)
    history = told(script)
    before = odoo(history, now=T0 + 10 * DAY).lead(lead_id("1001"))
    assert (before["date_closed"], before["probability"]) == ("2026-03-11 09:00:00", 100.0)
    client = odoo(history)
    after = client.lead(lead_id("1001"))
    assert (after["date_closed"], after["probability"]) == (False, 80.0)
    seen = client.rows(
        "mail.tracking.value",
        [["field_id.name", "=", "stage_id"], ["mail_message_id.res_id", "=", 3003]],
        fields=["old_value_char", "new_value_char", "create_date"],
    )
    assert [(row["old_value_char"], row["new_value_char"]) for row in seen] == [
        ("Nieuw", "Contact gehad"),
        ("Contact gehad", "Gekwalificeerd"),
        ("Gekwalificeerd", "Afspraak gepland"),
        ("Afspraak gepland", "Behoefte bevestigd"),
        ("Behoefte bevestigd", "Gewonnen"),
        ("Gewonnen", "Offerte verstuurd"),
    ]


def test_19_says_won_or_lost_and_tracks_it(odoo: Callable[..., Odoo]) -> None:
    client = odoo(told(story()), version=19)
    states = {row["id"]: row["won_status"] for row in client.rows("crm.lead")}
    assert states == {3003: "won", 3006: "lost", 3009: "pending"}
    won = client.rows("mail.tracking.value", [["field_id.name", "=", "won_status"]])
    assert [(row["old_value_char"], row["new_value_char"]) for row in won] == [
        ("Pending", "Lost"),
        ("Pending", "Won"),
    ]
    assert "won_status" not in odoo(told(story())).lead("3003")


def test_tracking_names_the_field_by_an_id(odoo: Callable[..., Odoo]) -> None:
    client = odoo(told(story()))
    numbers = {row["field_id"][0] for row in client.rows("mail.tracking.value")}
    fields = client.rows("ir.model.fields", [["id", "in", sorted(numbers)]])
    assert {(row["model"], row["name"]) for row in fields} == {
        ("crm.lead", name)
        for name in (
            "stage_id",
            "user_id",
            "type",
            "partner_id",
            "expected_revenue",
            "active",
            "lost_reason_id",
        )
    }
    assert field_ids(17)["crm.lead", "stage_id"] == 3419
    (amount,) = client.rows("mail.tracking.value", [["field_id.name", "=", "expected_revenue"]])
    assert (amount["new_value_float"], amount["currency_id"][1]) == (5000.0, "EUR")


def test_an_import_leaves_no_trace_and_nothing_was_tracked_before_the_move(odoo: Callable[..., Odoo]) -> None:
    history = told(story())
    on_import = [["res_id", "=", int(lead_id("1003"))]]
    assert odoo(history).rows("mail.message", on_import) == []
    assert len(odoo(history, tracks_imports=True).rows("mail.message", on_import)) == 1
    moved = odoo(history, tracked_since=T0 + 5 * DAY)
    assert [row["new_value_char"] for row in moved.rows("mail.tracking.value")] == ["Gewonnen"]
    assert moved.lead(lead_id("1001"))["stage_id"][1] == "Gewonnen"
    calls = moved.rows("mail.message", [["mail_activity_type_id", "!=", False]])
    assert len(calls) == 1  # what is no tracking was brought over


def test_only_an_administrator_reads_tracking_values(odoo: Callable[..., Odoo]) -> None:
    client = odoo(told(story()), version=19, is_admin=False)
    for method in ("search", "search_read", "search_count"):
        reply = client.json_2("mail.tracking.value", method)
        assert reply.status_code == 403 and reply.json()["name"] == "odoo.exceptions.AccessError"
    assert "tracking_value_ids" not in client.rows("mail.message")[0]
    assert "tracking_value_ids" not in client.call("mail.message", "fields_get")
    assert client.json_2("mail.message", "search_read", {"fields": ["tracking_value_ids"]}).status_code == 403
    said = client.execute("mail.tracking.value", "search", [])
    assert said["error"]["data"]["name"] == "odoo.exceptions.AccessError"
    assert client.rows("crm.lead")
    assert ledger(told(story()), NOW, version=19, is_admin=False)["tracking_values"] == {}


def test_a_form_of_a_known_contact_makes_one_more_lead(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.form_again(T0 + 15 * DAY, "1002")
    script.assign(T0 + 15 * DAY + HOUR, "1002", REP, by=REP)
    history = told(script)
    place = next(place for place, event in enumerate(history.events) if event.kind == "form_submitted")
    client = odoo(history)
    old, new = client.lead(lead_id("1002")), client.lead(form_lead_id(place))
    assert new["email_from"] == old["email_from"] and new["medium_id"] == [1, "Website"]
    assert (new["type"], new["active"], old["active"]) == ("lead", True, False)
    assert (new["create_uid"], new["user_id"]) == ([1, "OdooBot"], [101, "Marieke van Vliet"])


def test_lead_status_and_lifecycle_are_stages(odoo: Callable[..., Odoo]) -> None:
    script = Script()
    script.form(T0, "1001")
    for hours, status in ((1, "IN_PROGRESS"), (2, "UNQUALIFIED"), (5, "OPEN"), (6, "CONNECTED")):
        script.status(T0 + hours * HOUR, "1001", status, by=REP)
    script.lifecycle(T0 + 7 * HOUR, "1001", "salesqualifiedlead", by=REP)
    script.status(T0 + 8 * HOUR, "1001", "IN_PROGRESS", by=REP)
    script.lifecycle(T0 + 9 * HOUR, "1001", "lead", by=REP)
    history = told(script)

    def stands(hours: float) -> tuple[Any, ...]:
        row = odoo(history, now=T0 + hours * HOUR).lead("3003")
        return row["stage_id"][0], row["active"], row["lost_reason_id"] and row["lost_reason_id"][1]

    assert stands(1) == (int(lead_stage_id("IN_PROGRESS")), True, False)
    assert stands(2) == (2, False, "Niet gekwalificeerd")
    assert stands(5) == (int(lead_stage_id("OPEN")), True, False)
    assert stands(7) == stands(8) == (int(lead_stage_id("salesqualifiedlead")), True, False)
    assert stands(9) == (2, True, False)


def test_a_merge_and_a_deletion_leave_no_trace(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.form(T0 + 4 * DAY, "1004")
    script.call(T0 + 5 * DAY, "4004", "1004", REP)
    script.meeting(T0 + 5 * DAY, "6004", "1004", REP, T0 + 90 * DAY)
    script.merge(T0 + 6 * DAY, "1900", ("1004", "1003"), by=REP)
    script.call(T0 + 7 * DAY, "4005", "1004", REP)
    script.deal(T0 + 8 * DAY, "2007", CLOSER)
    script.delete_deal(T0 + 9 * DAY, "2007", by=CLOSER)
    script.forget_contact(T0 + 10 * DAY, "1002", by=REP)
    script.forget_contact(T0 + 10 * DAY, "1001", by=REP)
    history = told(script)
    client = odoo(history)
    left = int(contacts(history, NOW)["1004"][0])
    assert contacts(history, NOW)["1003"] == contacts(history, NOW)["1900"] == [str(left)]
    assert {row["id"] for row in client.rows("crm.lead")} == {left, int(lead_id("1001"))}
    for call in ("4004", "4005"):
        (message,) = client.rows("mail.message", [["id", "=", int(message_id("calls", call))]])
        assert message["res_id"] == left
    (event,) = client.rows("calendar.event", [["id", "=", int(event_id("6004"))]])
    assert event["opportunity_id"][0] == left
    (planned,) = client.rows("mail.activity")
    assert (planned["res_id"], planned["id"]) == (left, int(activity_id("meetings", "6004")))
    numbers = {left, int(lead_id("1001"))}
    assert {row["res_id"] for row in client.rows("mail.message")} == numbers
    assert client.rows("crm.lead", [["email_from", "ilike", "anna"]]) == []
    assert client.call("res.partner", "search_count", domain=[["email", "ilike", "anna"]], context=ALL) == 0


def test_the_winner_of_a_merge_is_the_surest_row(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.form(T0 + 10 * DAY, "1005")
    script.call(T0 + 10 * DAY + HOUR, "4009", "1005", REP)
    script.merge(T0 + 11 * DAY, "1901", ("1005", "1001"), by=REP)
    history = told(script)
    client = odoo(history)
    assert contacts(history, NOW)["1005"] == [lead_id("1001")]
    row = client.lead(lead_id("1001"))
    assert (row["type"], row["email_from"]) == ("opportunity", "anna.bos@bedrijf1001.example")
    (message,) = client.rows("mail.message", [["id", "=", int(message_id("calls", "4009"))]])
    assert message["res_id"] == row["id"] and message["subject"].startswith("From Aanvraag")
    assert message["write_date"] == "2026-03-13 09:00:00" > message["create_date"]


# --- activities


def test_a_call_leaves_a_message_of_its_kind_and_nothing_when_called_off(odoo: Callable[..., Odoo]) -> None:
    script = Script()
    script.form(T0, "1001")
    late = script.call(T0 + HOUR, "4001", "1001", REP, outcome="connected", logged_at=T0 + 5 * HOUR)
    script.call(T0 + 2 * HOUR, "4002", "1001", REP, outcome="voicemail")
    script.call(T0 + 3 * HOUR, "4003", "1001", REP, direction="in", outcome=None, seconds=70)
    script.call(T0 + 3 * HOUR, "4004", "1001", REP, direction="in", outcome="no_answer")
    script.call(T0 + 4 * HOUR, "4005", "1001", REP, outcome=None, seconds=0, status="CANCELED")
    client = odoo(told(script))
    rows = client.rows("mail.message", [["mail_activity_type_id.category", "=", "phonecall"]])
    assert [(row["id"], row["mail_activity_type_id"][1]) for row in rows] == [
        (int(message_id("calls", "4001")), "Call"),
        (int(message_id("calls", "4002")), "Call, voicemail"),
        (int(message_id("calls", "4003")), "Call received"),
        (int(message_id("calls", "4004")), "Call received, missed"),
    ]
    assert (rows[0]["date"], rows[0]["create_date"]) == ("2026-03-02 10:00:00", f"{late:%Y-%m-%d %H:%M:%S}")
    assert {row["author_id"][1] for row in rows} == {"Marieke van Vliet"}
    assert client.rows("mail.activity") == []


def test_an_activity_leaves_the_write_date_of_its_lead_alone(odoo: Callable[..., Odoo]) -> None:
    script = Script()
    script.form(T0, "1001")
    script.call(T0 + DAY, "4001", "1001", REP)
    script.note(T0 + DAY, "7001", "1001", REP)
    client = odoo(told(script))
    assert client.lead("3003")["write_date"] == "2026-03-02 09:00:00"
    assert len(client.rows("mail.message", [["create_date", ">", "2026-03-02 12:00:00"]])) == 2


def test_mail_says_which_way_it_went(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.email(T0 + 20 * DAY, "5001", "1001", REP)
    script.email(T0 + 21 * DAY, "5002", "1001", REP, direction="in")
    script.email(T0 + 22 * DAY, "5003", "1001", None, automated=True)
    script.message(T0 + 23 * DAY, "8001", "1001", REP)
    script.message(T0 + 23 * DAY, "8002", "1001", REP, channel="LINKEDIN_MESSAGE")
    script.note(T0 + 24 * DAY, "7001", "1001", REP)
    rows = odoo(told(script)).rows(
        "mail.message", [["message_type", "not in", ["notification", "user_notification"]]], order="date, id"
    )
    assert [(row["message_type"], row["subtype_id"][1], row["author_id"][1]) for row in rows] == [
        ("comment", "Discussions", "Marieke van Vliet"),
        ("email", "Discussions", "Anna Bos"),
        ("auto_comment", "Note", "OdooBot"),
        ("whatsapp_message", "Discussions", "Marieke van Vliet"),
        ("comment", "Note", "Marieke van Vliet"),
        ("comment", "Note", "Marieke van Vliet"),
    ]
    assert rows[1]["partner_ids"] == [202]  # who it came to


@pytest.mark.parametrize("version", [17, 19])
def test_a_done_activity_is_deleted_in_17_and_archived_in_19(odoo: Callable[..., Odoo], version: int) -> None:
    script = Script()
    script.form(T0, "1001")
    starts = {"6001": "COMPLETED", "6002": "NO_SHOW", "6003": "CANCELED", "6004": None}
    for number, (meeting, outcome) in enumerate(starts.items()):
        script.meeting(T0 + HOUR, meeting, "1001", REP, T0 + (1 + number) * DAY, outcome=outcome)
    script.task(T0 + HOUR, "9001", "1001", REP, T0 + 2 * DAY, done_at=T0 + 3 * DAY)
    client = odoo(told(script), version=version)
    done = client.rows("mail.message", [["subtype_id", "=", "Activities"]], order="date")
    assert [row["mail_activity_type_id"][1] for row in done] == ["Meeting", "To-Do"]
    assert done[0]["date"] == "2026-03-03 10:04:00"
    events = {row["id"]: row for row in client.rows("calendar.event")}
    assert {number: row["active"] for number, row in events.items()} == {6001: True, 6002: False, 6004: True}
    assert events[6001]["description"] == "<p>Feedback: Gehouden</p>"
    assert client.call("calendar.event", "search_count", domain=[]) == 2
    left = {row["id"]: row for row in client.rows("mail.activity")}
    open_one = int(activity_id("meetings", "6004"))
    finished = {int(activity_id("meetings", "6001")), int(activity_id("tasks", "9001"))}
    assert set(left) == ({open_one} | finished if version == 19 else {open_one})
    assert left[open_one]["state"] == "overdue"
    if version == 19:
        row = left[int(activity_id("meetings", "6001"))]
        assert (row["active"], row["date_done"], row["state"]) == (False, "2026-03-03", "done")
        assert client.call("mail.activity", "search", domain=[]) == [open_one]
    else:
        assert "active" not in left[open_one] and "date_done" not in left[open_one]


def test_a_call_can_be_moved_to_another_lead(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.call(T0 + 20 * DAY, "4008", "1002", REP)
    script.unlink(T0 + 21 * DAY, "calls", "4008", "contacts", "1002")
    script.link(T0 + 21 * DAY + HOUR, "calls", "4008", "contacts", "1003")
    history = told(script)
    ask = [["id", "=", int(message_id("calls", "4008"))]]
    (between,) = odoo(history, now=T0 + 21 * DAY + timedelta(minutes=9)).rows("mail.message", ask)
    assert (between["model"], between["res_id"]) == (False, 0)
    (row,) = odoo(history).rows("mail.message", ask)
    assert (row["res_id"], row["write_date"]) == (int(lead_id("1003")), "2026-03-23 10:00:00")


def test_an_owner_who_left_keeps_his_leads(odoo: Callable[..., Odoo]) -> None:
    script = story()
    script.deactivate(T0 + 20 * DAY, CLOSER)
    client = odoo(told(script))
    assert int(user_id(CLOSER)) not in client.call("res.users", "search", domain=[])
    (user,) = client.rows("res.users", [["id", "=", 105]])
    assert (user["active"], user["write_date"]) == (False, "2026-03-22 09:00:00")
    assert client.lead("3003")["user_id"] == [105, "Hendrik Zijlstra"]
    assert QUEUE_ID not in {str(row["id"]) for row in client.rows("res.users")}


# --- transactions


def bulk(rows: int = 12) -> History:
    script = Script()
    for number in range(rows):
        script.list_row(T0 + timedelta(seconds=number), str(1100 + number), owner=REP, by=REP)
    script.form(T0 + timedelta(seconds=3), "1001")
    for number in range(60):
        script.form(T0 + timedelta(minutes=5, seconds=5 * number), str(1200 + number))
        script.assign(T0 + timedelta(minutes=5, seconds=5 * number + 2), str(1200 + number), REP, by=REP)
    return told(script)


def test_a_bulk_import_is_seen_at_once_and_behind_the_cursor(odoo: Callable[..., Odoo]) -> None:
    client = odoo(bulk(), now=T0 + timedelta(seconds=5), bulk_seconds=20, seed=0)
    seen = client.rows("crm.lead")
    assert [row["id"] for row in seen] == [3003]
    cursor = seen[0]["write_date"]
    client.server.set_now(T0 + timedelta(seconds=40))
    rows = client.rows("crm.lead")
    assert len(rows) == 13
    imported = [row for row in rows if row["id"] != 3003]
    assert {row["write_date"] for row in imported} == {"2026-03-02 09:00:00"}
    assert (
        client.call("crm.lead", "search_count", domain=[["write_date", ">", cursor]]) == 1
    )  # the form alone
    back = "2026-03-02 08:59:43"  # the cursor, less the longest transaction
    assert client.call("crm.lead", "search_count", domain=[["write_date", ">=", back]]) == 13


def test_a_transaction_lasts_no_longer_than_said_and_waits_for_the_one_before() -> None:
    settings = Settings(bulk_seconds=30, seed=5)
    moments = list(transactions(bulk(), settings))
    lasts = [(moment.visible - moment.stamp).total_seconds() for moment in moments]
    assert max(lasts) > 15 and sum(last > 0 for last in lasts) < len(lasts) / 2
    ends: dict[str, datetime] = {}
    waited = 0
    for moment in moments:
        subject = moment.event.subject
        if subject in ends:
            assert moment.visible >= ends[subject]
            waited += moment.visible > moment.event.at
        ends[subject] = moment.visible
    assert waited
    assert all(moment.visible == moment.event.at for moment in transactions(bulk(), Settings()))


@pytest.mark.parametrize("seconds", [7, 200, 330, 460])
def test_the_ledger_holds_what_is_visible(odoo: Callable[..., Odoo], seconds: int) -> None:
    at = T0 + timedelta(seconds=seconds)
    client = odoo(bulk(), now=at, bulk_seconds=40, seed=1)
    held = ledger(bulk(), at, bulk_seconds=40, seed=1)
    assert {str(row["id"]) for row in client.rows("crm.lead")} == set(held["leads"])
    later = ledger(bulk(), T0 + DAY, bulk_seconds=40, seed=1)
    assert set(held["leads"]) < set(later["leads"]) and len(later["leads"]) == 73


def test_a_row_changed_while_paging_is_not_lost_to_a_walk_by_id(odoo: Callable[..., Odoo]) -> None:
    faults = Faults().advance_clock("/jsonrpc", seconds=60, after=2)
    client = odoo(bulk(), now=T0 + timedelta(minutes=6), faults=faults)
    before = {row["id"] for row in client.rows("crm.lead")}
    client.server.clear_calls()
    assert before <= {row["id"] for row in client.walk("crm.lead", 5)}


# --- limits and faults


def test_online_refuses_too_many_calls_and_a_server_of_ones_own_does_not(odoo: Callable[..., Odoo]) -> None:
    moments = iter(range(1000))
    options = {"throttle_calls": 3, "throttle_seconds": 10, "clock": lambda: float(next(moments))}
    online = odoo(told(story()), version=19, enforce_limits=True, retry_after="7", **options)
    codes = [online.json_2("crm.lead", "search_count").status_code for _ in range(12)]
    assert codes == [200] * 3 + [429] * 7 + [200] * 2
    refused = Counter(codes)[429]
    assert refused == 7
    own = odoo(told(story()), version=19, throttle_calls=3)
    assert {own.json_2("crm.lead", "search_count").status_code for _ in range(12)} == {200}
    silent = odoo(told(story()), enforce_limits=True, throttle_calls=0)
    reply = silent.rpc("common", "version")
    assert reply.status_code == 429 and "Retry-After" not in reply.headers
    assert reply.headers["Content-Type"].startswith("text/html")


def test_faults_speak_odoos_words(odoo: Callable[..., Odoo]) -> None:
    faults = Faults().status("search_count", 503).status("search_read", 401).status("/search$", 500)
    client = odoo(told(story()), version=19, faults=faults)
    page = client.json_2("crm.lead", "search_count")
    assert page.status_code == 503 and "upgrading this database" in page.text
    refused = client.json_2("crm.lead", "search_read")
    assert (refused.status_code, refused.json()["message"]) == (401, "Invalid apikey")
    broken = client.json_2("crm.lead", "search")
    assert (broken.status_code, broken.json()["name"]) == (500, "werkzeug.exceptions.InternalServerError")
    expired = odoo(told(story()), version=19, faults=Faults().expire_token_after(0, times=1))
    assert expired.json_2("crm.lead", "search").status_code == 401
    by_rpc = odoo(told(story()), faults=Faults().expire_token_after(0, times=1))
    said = by_rpc.execute("crm.lead", "search", [])
    assert said["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"
    assert (
        odoo(told(story()), faults=Faults().daily_limit_after(0)).rpc("common", "version").status_code == 429
    )


@pytest.mark.parametrize("version", [17, 19])
def test_faults_bend_answers(odoo: Callable[..., Odoo], version: int) -> None:
    path = "/jsonrpc" if version == 17 else "/json/2/crm.lead"

    def ids(faults: Faults, **names: Any) -> Any:
        client = odoo(told(story()), version=version, faults=faults)
        return client.call("crm.lead", "search", domain=[], context=ALL, order="id", **names)

    assert ids(Faults().empty_everything(path)) == []
    assert ids(Faults().null_results(path)) is None
    assert ids(Faults().duplicate_page(path)) == [3003, 3006, 3009] * 2
    assert ids(Faults().omit_last_page(path), limit=2, offset=2) == []
    assert ids(Faults().omit_last_page(path), limit=2) == [3003, 3006]


def test_faults_change_what_there_is(odoo: Callable[..., Odoo]) -> None:
    faults = (
        Faults()
        .property_removed("leads", "expected_revenue")
        .property_added("leads", "x_region", shown="Noord")
        .property_renamed("leads", "contact_name", "x_contact")
        .value("leads", "probability", "N/A")
        .stage_renamed("9", label="Binnen", order=99)
        .stage_unlisted("1")
        .scope_removed("meetings")
    )
    client = odoo(told(story()), version=19, faults=faults)
    row = client.lead("3003")
    assert "expected_revenue" not in row and "contact_name" not in row
    assert (row["x_region"], row["x_contact"], row["probability"]) == ("Noord", "Anna Bos", "N/A")
    assert row["stage_id"] == [9, "Binnen"] and client.lead("3006")["stage_id"] == [1, False]
    assert client.json_2("crm.lead", "search_read", {"fields": ["expected_revenue"]}).status_code == 500
    assert client.json_2("calendar.event", "search").status_code == 403
    assert "x_region" in client.call("crm.lead", "fields_get")
    assert "x_region" not in schema(19)["crm.lead"].fields


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(TypeError, match="nope"):
        ledger(told(story()), NOW, nope=1)
    with pytest.raises(ValueError, match="17 or 19"):
        ledger(told(story()), NOW, version=12)


# --- the whole company


def as_held(row: dict[str, Any], described: dict[str, Any]) -> dict[str, str | None]:
    """A row as text, the way one keeps it who loses nothing."""
    held: dict[str, str | None] = {}
    for name, field in described.items():
        if not field["store"] or field["type"] == "one2many":
            continue
        value = row[name]
        if field["type"] == "many2one" and value:
            value = value[0]
        if value is False and field["type"] != "boolean":
            value = None
        if value is not None and not isinstance(value, str):
            value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        held[name] = value
    return held


@pytest.mark.parametrize("version", [17, 19])
def test_a_walk_by_id_reads_the_whole_company(
    odoo: Callable[..., Odoo], small: Population, version: int
) -> None:
    at = datetime(2026, 9, 1, 2, tzinfo=UTC)
    client = odoo(small, version=version, now=at)
    truth = ledger(small, at, version=version)
    assert set(truth) == set(OBJECTS)
    for name, model in OBJECTS.items():
        described = client.call(model, "fields_get")
        read = {str(row["id"]): as_held(row, described) for row in client.walk(model, 97)}
        assert read == truth[name], name
        assert client.call(model, "search_count", domain=[], context=ALL) == len(truth[name])
    assert len(truth["leads"]) > 3 * 97


def test_everything_of_the_log_is_somewhere(small: Population) -> None:
    at = datetime(2026, 9, 1, 2, tzinfo=UTC)
    truth = ledger(small, at)
    events = Counter(event.kind for event in small.until(at))
    state = small.fold(at)
    rows_of = contacts(small, at)
    live = {*state.live["contacts"], *state.archived["contacts"]}
    assert live <= set(rows_of) and all(rows_of[contact] for contact in live)
    merged = sum(len(event.data["merged"]) for event in small.until(at) if event.kind == "contacts_merged")
    erased = events["contact_gdpr_deleted"]
    deals = opportunities(small, at)
    assert set(deals) == {event.subject for event in small.until(at) if event.kind == "deal_created"}
    assert len(set(deals.values())) == len(deals)
    fresh = sum(number == opportunity_id(deal) for deal, number in deals.items())
    made = events["contact_created"] + events["form_submitted"] + fresh
    lost = made - len(truth["leads"])
    assert events["contacts_merged"] <= lost <= 2 * (merged + erased) and lost
    calls = [
        event
        for event in small.until(at)
        if event.kind == "call_logged" and event.data["status"] == "COMPLETED"
    ]
    kept = sum(message_id("calls", event.subject) in truth["messages"] for event in calls)
    assert len(calls) - kept <= 3 * erased and kept > 300
    opposite = Counter(row["active"] for row in truth["leads"].values())
    assert opposite["true"] and opposite["false"]


def test_odoorpc_reads_the_whole_company(odoo: Callable[..., Odoo], small: Population) -> None:
    odoorpc = pytest.importorskip("odoorpc")
    at = datetime(2026, 9, 1, 2, tzinfo=UTC)
    port = odoo(small, now=at).server.port
    with pytest.raises(odoorpc.error.RPCError, match="Wrong login"):
        odoorpc.ODOO("127.0.0.1", protocol="jsonrpc", port=port).login(DATABASE, "admin", "wrong")
    client = odoorpc.ODOO("127.0.0.1", protocol="jsonrpc", port=port)
    assert client.version == "17.0"
    client.login(DATABASE, "admin", KEY)
    client.env.context["active_test"] = False
    truth = ledger(small, at)
    for name, model in OBJECTS.items():
        table = client.env[model]
        ids = table.search([], order="id")
        described = table.fields_get()
        read = {str(row["id"]): as_held(row, described) for row in table.read(ids)}
        assert read == truth[name], name
    lead = client.env["crm.lead"].browse(int(next(iter(opportunities(small, at).values()))))
    assert lead.type == "opportunity" and lead.stage_id.name and lead.user_id.partner_id.email
    with pytest.raises(odoorpc.error.RPCError, match="nope"):
        client.env["crm.lead"].search([("nope", "=", 1)])


@pytest.mark.parametrize("version", [17, 19])
def test_no_row_changes_without_its_write_date(small: Population, version: int) -> None:
    before = ledger(small, datetime(2026, 6, 1, tzinfo=UTC), version=version)
    changed = 0
    for month in (7, 8, 9):
        at = datetime(2026, month, 1, tzinfo=UTC)
        since = f"{datetime(2026, month - 1, 1):%Y-%m-%d %H:%M:%S}"
        after = ledger(small, at, version=version)
        for name, rows in after.items():
            for number, row in rows.items():
                if before[name].get(number) != row:
                    assert (row["write_date"] or "") >= since, (name, number)
                    changed += number in before[name]
        before = after
    assert changed > 20
