"""Pipedrive's dialect: shapes, limits and errors of spec/crm-apis.md section 3, over real HTTP."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from leadrole.sandbox import Faults, History, Population, Script, Server
from leadrole.sandbox.log import OBJECTS
from leadrole.sandbox.pipedrive import (
    Account,
    activity_id,
    cost,
    deal_id,
    label_id,
    lead_id,
    ledger,
    organization_id,
    person_id,
    stage_id,
    user_id,
)
from leadrole.sandbox.population import make_owners

TOKEN = "0123456789abcdef0123456789abcdef01234567"
T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "recordings" / "pipedrive.jsonl"
V2 = {
    "deals": "/api/v2/deals",
    "persons": "/api/v2/persons",
    "organizations": "/api/v2/organizations",
    "activities": "/api/v2/activities",
    "pipelines": "/api/v2/pipelines",
    "stages": "/api/v2/stages",
}
HASH = re.compile(r"[0-9a-f]{40}")


class Client:
    """A caller with the right token."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.headers["x-api-token"] = TOKEN

    def get(self, path: str, **parameters: Any) -> requests.Response:
        return self.session.get(self.server.base_url + path, params=parameters, timeout=10)

    def data(self, path: str, **parameters: Any) -> Any:
        reply = self.get(path, **parameters)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]

    def walk(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """Follow cursors to the end."""
        rows: list[dict[str, Any]] = []
        while True:
            body = self.get(path, **parameters).json()
            rows += body["data"]
            parameters["cursor"] = (body.get("additional_data") or {}).get("next_cursor")
            if not parameters["cursor"]:
                return rows

    def pages(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """Count on from `start`, wherever the answer says that there is more."""
        rows: list[dict[str, Any]] = []
        while True:
            body = self.get(path, **parameters).json()
            rows += body["data"]
            place = body["additional_data"].get("pagination", body["additional_data"])
            if not place["more_items_in_collection"]:
                return rows
            parameters["start"] = place["start"] + place["limit"]

    def ids(self, path: str, **parameters: Any) -> list[str]:
        walk = self.pages if path.startswith("/v1/") else self.walk
        return [str(row["id"]) for row in walk(path, **parameters)]


Start = Callable[..., Client]


@pytest.fixture
def start(small: Population) -> Iterator[Start]:
    servers: list[Server] = []

    def run(history: History | None = None, **settings: Any) -> Client:
        options: dict[str, Any] = {"now": datetime(2026, 9, 1, 2, tzinfo=UTC), "token": TOKEN, **settings}
        server = Server(history or small, dialect=Account, **options)
        servers.append(server)
        return Client(server)

    yield run
    for server in servers:
        server.close()


def told(script: Script) -> History:
    return script.history(make_owners(T0.date()))


def at(days: float) -> datetime:
    return T0 + timedelta(days=days)


def text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def recorded(method: str, path: str, status: int) -> Iterator[dict[str, Any]]:
    if not RECORDINGS.exists():
        pytest.skip(
            "the recorded traffic (shared/data/recordings/pipedrive.jsonl) is not beside the repository"
        )
    with RECORDINGS.open() as lines:
        for line in lines:
            exchange = json.loads(line)
            fits = exchange["method"] == method and re.fullmatch(path, exchange["path"])
            if fits and exchange["status"] == status:
                yield exchange


# --- beside real traffic


def test_the_headers_of_the_burst_are_the_recorded_ones(start: Start) -> None:
    real = dict(next(recorded("GET", r"/v1/persons/\d+", 200))["headers"])
    ours = start(enforce_limits=True).get("/api/v2/persons").headers
    for name in ("X-RateLimit-Limit", "X-RateLimit-Reset", "Content-Type"):
        assert ours[name].split(";")[0] == real[name]
    assert 0 < int(ours["X-RateLimit-Remaining"]) < int(ours["X-RateLimit-Limit"])
    # What is left of the day is told to those who write, and to nobody else.
    assert not {name for name in real if "daily" in name.lower()}
    assert not {name for name in ours if "daily" in name.lower()}
    writes = dict(next(recorded("POST", "/v1/persons", 201))["headers"])
    assert "x-daily-requests-left" in writes


def test_version_1_writes_times_and_custom_fields_as_recorded(start: Start) -> None:
    real = next(recorded("GET", r"/v1/persons/\d+", 200))["response"]["data"]
    money = next(name.removesuffix("_currency") for name in real if name.endswith("_currency"))
    assert HASH.fullmatch(money) and money in real
    client = start()
    recent = client.pages("/v1/recents", since_timestamp="2026-08-20 00:00:00", limit=500)
    found = {kind: [row["data"] for row in recent if row["item"] == kind] for kind in ("person", "deal")}
    shape = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
    assert shape.fullmatch(real["add_time"]) and shape.fullmatch(real["update_time"])
    for row in (*found["person"], *found["deal"]):
        assert shape.fullmatch(row["add_time"]) and shape.fullmatch(row["update_time"])
        assert "custom_fields" not in row
    assert {"id", "name", "first_name", "last_name", "visible_to", "picture_id"} <= set(real) & set(
        found["person"][0]
    )
    priced = [row for row in found["deal"] if any(name.endswith("_currency") for name in row)]
    assert priced
    for row in priced:
        (name,) = (name.removesuffix("_currency") for name in row if name.endswith("_currency"))
        assert HASH.fullmatch(name) and name in row


def test_options_of_a_field_have_the_keys_of_recorded_ones(start: Start) -> None:
    fields = next(recorded("GET", "/v1/personFields", 200))["response"]["data"]
    real = next(field["options"] for field in fields if field["field_type"] == "enum")
    custom = {field["key"] for field in fields if HASH.fullmatch(field["key"])}
    ours = {field["field_code"]: field for field in start().walk("/api/v2/personFields")}
    assert custom
    for field in ours.values():
        assert field["is_custom_field"] == bool(HASH.fullmatch(field["field_code"]))
        for option in field["options"] or ():
            assert set(real[0]) <= set(option)
            assert type(option["id"]) is type(real[0]["id"])


def test_an_answer_has_the_recorded_envelope(start: Start) -> None:
    real = next(recorded("GET", r"/v1/organizations/\d+", 200))["response"]
    client = start()
    one = client.ids(V2["organizations"], limit=1)[0]
    ours = client.get(f"{V2['organizations']}/{one}").json()
    assert {"success", "data"} == set(ours) & set(real)
    assert ours["success"] is real["success"] is True


# --- the ledger


@pytest.mark.parametrize("absent", ["null", "dropped", "mixed"])
@pytest.mark.parametrize("end", ["null", "no_cursor", "null_data", "no_data"])
def test_a_whole_walk_gives_what_the_ledger_holds(
    start: Start, small: Population, absent: str, end: str
) -> None:
    client = start(page_cap=97, absent=absent, end_of_list=end)
    truth = ledger(small, client.server.now, absent=absent)
    held = {name: client.walk(path, limit=500) for name, path in V2.items()}
    held["deals"] = [
        row
        for path in (V2["deals"], V2["deals"] + "/archived")
        for row in client.walk(path, limit=500, include_fields="source_lead_id,participants_count")
    ]
    held["leads"] = [
        row for path in ("/v1/leads", "/v1/leads/archived") for row in client.pages(path, limit=500)
    ]
    held["users"] = client.data("/v1/users")
    held["activity_types"] = client.data("/v1/activityTypes")
    held["lead_labels"] = client.data("/v1/leadLabels")
    held["currencies"] = client.data("/v1/currencies")
    for name, rows in held.items():
        assert [str(row["id"]) for row in rows] == list(dict.fromkeys(str(row["id"]) for row in rows)), name
        assert {str(row["id"]) for row in rows} == set(truth[name]), name
        for row in rows:
            expected = truth[name][str(row["id"])]
            assert set(row) <= set(expected), name
            assert {field: text(row.get(field)) for field in expected} == expected, (name, row["id"])
    assert {row["name"] for row in client.data("/v1/leadSources")} == set(truth["lead_sources"])
    assert min(map(len, held.values())) > 0 and len(held["leads"]) > 97


def test_the_flow_of_all_deals_is_the_ledgers_history(start: Start, small: Population) -> None:
    client = start(page_cap=3)
    truth = ledger(small, client.server.now)
    changes = {}
    for deal in list(truth["deals"])[::3]:
        for row in client.pages(f"/v1/deals/{deal}/flow", items="dealChange", all_changes=1):
            assert row["object"] == "dealChange"
            changes[str(row["data"]["id"])] = {name: text(value) for name, value in row["data"].items()}
    chosen = set(list(truth["deals"])[::3])
    assert changes == {one: row for one, row in truth["deal_changes"].items() if row["item_id"] in chosen}
    keys = {row["field_key"] for row in truth["deal_changes"].values()}
    assert {"add_time", "stage_id", "status", "value", "expected_close_date"} <= keys


def test_the_ledger_agrees_with_the_log_counted_by_hand(small: Population) -> None:
    now = datetime(2026, 9, 1, 2, tzinfo=UTC)
    truth = ledger(small, now)
    events = list(small.until(now))

    def of(kind: str) -> list[Any]:
        return [event for event in events if event.kind == kind]

    swallowed = sum(len(event.data["merged"]) - 1 for event in of("contacts_merged"))
    erased = {event.subject for event in of("contact_gdpr_deleted")}
    assert len(truth["persons"]) == len(of("contact_created")) - swallowed - len(erased)
    assert len(truth["organizations"]) == len(of("contact_created"))
    assert len(truth["deals"]) == len(of("deal_created"))
    called_off = sum(event.data["outcome"] == "CANCELED" for event in of("meeting_outcome"))
    human = sum(not event.data["automated"] for event in of("email_logged"))
    touches = len(of("call_logged")) + len(of("meeting_booked")) + human - called_off
    assert len(truth["activities"]) == touches
    # Every lead was made by a first or a further form, a list or a hand; deals took theirs, erasures all.
    converted = sum(row["source_lead_id"] is not None for row in truth["deals"].values())
    made = {lead_id(event.subject) for event in of("contact_created")}
    forms: dict[str, int] = {}
    for event in of("form_submitted"):
        forms[event.subject] = forms.get(event.subject, 0) + 1
        if event.subject not in erased:
            made.add(lead_id(event.subject, forms[event.subject]))
    gone = {lead_id(one) for one in erased} | {row["source_lead_id"] for row in truth["deals"].values()}
    assert set(truth["leads"]) == made - gone
    assert converted > 10


def test_the_same_log_gives_the_same_people_as_the_other_dialect(small: Population) -> None:
    """Names, owners and amounts are those of the folded records the other dialects show."""
    now = datetime(2026, 9, 1, 2, tzinfo=UTC)
    truth, state = ledger(small, now), small.fold(now)
    for deal, record in state.live["deals"].items():
        row = truth["deals"][deal_id(deal)]
        amount = record.properties.get("amount")
        assert (row["value"] or None) == amount
        assert row["owner_id"] == user_id(record.properties["hubspot_owner_id"] or "")
        stage = record.properties["dealstage"] or ""
        assert row["status"] == {"closedwon": "won", "closedlost": "lost"}.get(stage, "open")
        if row["status"] == "open":
            assert row["stage_id"] == stage_id(stage)
    for kind in OBJECTS[2:]:
        for one, record in state.live[kind].items():
            row = truth["activities"].get(activity_id(kind, one))
            if row is not None:
                assert row["owner_id"] == user_id(record.properties["hubspot_owner_id"] or "")


# --- version 2: cursors and filters


def script_of(count: int) -> Script:
    script = Script()
    for number in range(1, count + 1):
        script.deal(T0 + timedelta(hours=number), str(number), "101", amount=str(100 * number))
    return script


def test_a_cursor_is_a_keyset_marker_that_outlives_changes(start: Start) -> None:
    script = script_of(6)
    script.amount(at(1), "2", "999", by="101")
    script.delete_deal(at(1), "3", by="101")
    script.deal(at(1), "7", "101")
    client = start(told(script), now=at(0.5), page_cap=3)
    body = client.get(V2["deals"], limit=500).json()
    cursor = body["additional_data"]["next_cursor"]
    padded = cursor + "=" * (-len(cursor) % 4)
    assert json.loads(base64.urlsafe_b64decode(padded)) == {
        "field": "id",
        "fieldValue": 3,
        "sortDirection": "asc",
        "id": 3,
    }
    client.server.set_now(at(2))
    assert [row["id"] for row in client.data(V2["deals"], cursor=cursor)] == [4, 5, 6]
    for bad in ("nonsense", base64.urlsafe_b64encode(b'{"field":"id"}').decode(), padded[:-3]):
        assert client.get(V2["deals"], cursor=bad).status_code == 400


def test_sorted_by_update_time_a_row_changed_meanwhile_moves_to_the_end(start: Start) -> None:
    script = script_of(6)
    script.amount(at(1), "2", "999", by="101")
    client = start(told(script), now=at(0.5), page_cap=3)
    body = client.get(V2["deals"], sort_by="update_time").json()
    assert [row["id"] for row in body["data"]] == [1, 2, 3]
    client.server.set_now(at(2))
    cursor = body["additional_data"]["next_cursor"]
    rest = client.ids(V2["deals"], sort_by="update_time", cursor=cursor)
    assert rest == ["4", "5", "6", "2"]
    newest = client.ids(V2["deals"], sort_by="update_time", sort_direction="desc")
    assert newest == ["2", "6", "5", "4", "3", "1"]
    assert client.get(V2["deals"], sort_by="value").status_code == 400


@pytest.mark.parametrize(("rows", "pages"), [(5, 1), (6, 1), (7, 2), (12, 2), (13, 3)])
def test_a_list_that_fills_its_last_page_ends_there(start: Start, rows: int, pages: int) -> None:
    client = start(told(script_of(rows)), now=at(3), page_cap=6)
    assert len(client.walk(V2["deals"])) == rows
    assert client.server.count(V2["deals"]) == pages


def test_equal_stamps_over_a_page_border_lose_nothing(start: Start) -> None:
    script = Script()
    for number in range(1, 12):
        script.deal(T0, str(number), "101")
        script.form(T0, str(number))
    client = start(told(script), now=at(1), page_cap=4)
    for direction in ("asc", "desc"):
        ids = client.ids(V2["deals"], sort_by="update_time", sort_direction=direction)
        assert sorted(ids, key=int) == [str(number) for number in range(1, 12)]
    assert len(set(client.ids("/v1/leads", sort="update_time ASC"))) == 11


def test_updated_since_is_inclusive_and_updated_until_is_not(start: Start) -> None:
    client = start(told(script_of(5)), now=at(1))
    since, until = ((T0 + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in (2, 4))
    assert client.ids(V2["deals"], updated_since=since, updated_until=until) == ["2", "3"]
    assert client.ids(V2["deals"], updated_since=until) == ["4", "5"]


@pytest.mark.parametrize(
    "wrong", ["2026-03-02T09:00:00.000Z", "2026-03-02 09:00:00", "2026-03-02T09:00:00+00:00", "2026-3-2T9:0:0Z", ""]
)  # fmt: skip
def test_any_other_form_of_a_time_is_refused(start: Start, wrong: str) -> None:
    client = start(told(script_of(1)), now=at(1))
    for path in (V2["deals"], V2["persons"], "/v1/leads"):
        reply = client.get(path, updated_since=wrong)
        assert reply.status_code == 400
        assert set(reply.json()) == {"success", "error", "error_info", "data", "additional_data"}


def test_stages_and_pipelines_refuse_updated_since(start: Start) -> None:
    client = start()
    for path in (V2["stages"], V2["pipelines"]):
        assert client.get(path).status_code == 200
        assert client.get(path, updated_since="2026-01-01T00:00:00Z").status_code == 400
    # It pages with cursors as the other lists do.
    assert client.ids(V2["stages"], limit=1) == ["1", "2", "3", "4"]


def test_the_limits_of_a_page_and_of_ids(start: Start) -> None:
    client = start(told(script_of(120)), now=at(9))
    assert len(client.data(V2["deals"])) == 100
    assert len(client.data(V2["deals"], limit=500)) == 120
    assert client.get(V2["deals"], limit=501).status_code == 400
    assert client.get("/v1/leads", limit=501).status_code == 400
    assert client.ids(V2["deals"], ids="7,3,999") == ["3", "7"]
    assert len(client.data(V2["deals"], limit=500, ids=",".join(map(str, range(1, 101))))) == 100
    assert client.get(V2["deals"], ids=",".join(map(str, range(1, 102)))).status_code == 400


def test_the_end_of_a_list_has_no_cursor_in_four_ways(start: Start) -> None:
    history = told(script_of(2))
    ends = {"null": {"next_cursor": None}, "no_cursor": {}, "null_data": None}
    for name, expected in ends.items():
        body = start(history, now=at(1), end_of_list=name).get(V2["deals"]).json()
        assert body["additional_data"] == expected
    assert "additional_data" not in start(history, now=at(1), end_of_list="no_data").get(V2["deals"]).json()


def test_the_source_lead_is_told_to_those_who_ask(start: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.deal(at(1), "5", "101", contacts=("1",))
    client = start(told(script), now=at(2))
    assert "source_lead_id" not in client.data(V2["deals"])[0]
    (deal,) = client.data(V2["deals"], include_fields="source_lead_id")
    assert deal["source_lead_id"] == lead_id("1")
    silent = start(told(script), now=at(2), source_lead_ids=False)
    (deal,) = silent.data(V2["deals"], include_fields="source_lead_id")
    assert deal["source_lead_id"] is None
    # The lead is gone either way; only the channel and the origin show that there was one.
    assert silent.pages("/v1/leads") == silent.pages("/v1/leads/archived") == []
    assert (deal["origin"], deal["channel"]) == ("WebForm", 41)


# --- archived, deleted, merged, converted


def test_archived_and_deleted_deals_are_in_lists_of_their_own(start: Start) -> None:
    script = script_of(5)
    script.stage(at(1), "1", "closedwon", by="101")
    script.archive_deal(at(2), "1", by="101")
    script.archive_deal(at(2), "2", by="101")
    script.delete_deal(at(2), "3", by="101")
    script.stage(at(2), "4", "closedlost", by="101", reason="Prijs")
    client = start(told(script), now=at(3))
    assert client.ids(V2["deals"]) == ["4", "5"]
    assert client.ids(V2["deals"] + "/archived") == ["1", "2"]
    assert client.ids(V2["deals"], status="deleted") == ["3"]
    assert client.ids(V2["deals"], status="open,won,lost,deleted") == ["3", "4", "5"]
    assert client.ids(V2["deals"], status="lost") == ["4"]
    assert client.ids(V2["deals"] + "/archived", status="won") == ["1"]
    assert client.get(V2["deals"], status="all").status_code == 400
    (gone,) = client.data(V2["deals"], status="deleted")
    assert (gone["is_deleted"], gone["status"], gone["update_time"]) == (
        True,
        "deleted",
        "2026-03-04T09:00:00Z",
    )
    assert client.data("/v1/deals/summary")["total_count"] == 2
    assert client.data("/v1/deals/summary/archived")["total_count"] == 2
    client.server.set_now(at(2) + timedelta(days=29, hours=23))
    assert client.ids(V2["deals"], status="deleted") == ["3"]
    client.server.set_now(at(2) + timedelta(days=30))
    assert client.ids(V2["deals"], status="deleted") == []
    assert client.get("/v1/deals/3/flow").status_code == 404


def test_a_setting_makes_deletions_of_what_was_archived(start: Start) -> None:
    script = script_of(2)
    script.archive_deal(at(1), "1")
    script.restore_deal(at(3), "1")
    client = start(told(script), now=at(2), archived_as="deleted")
    assert client.ids(V2["deals"]) == ["2"]
    assert client.ids(V2["deals"] + "/archived") == []
    client.server.set_now(at(4))
    assert client.ids(V2["deals"]) == ["1", "2"]


def test_leads_are_open_archived_or_gone(start: Start) -> None:
    script = Script()
    for number in range(1, 6):
        script.form(T0, str(number))
    script.archive_contact(at(1), "1")
    script.status(at(1), "2", "UNQUALIFIED", by="101")
    script.forget_contact(at(1), "3")
    script.deal(at(1), "50", "101", contacts=("4",))
    client = start(told(script), now=at(2))
    assert client.ids("/v1/leads") == [lead_id("5")]
    assert set(client.ids("/v1/leads/archived")) == {lead_id("1"), lead_id("2")}
    labels = {row["id"]: row["label_ids"] for row in client.pages("/v1/leads/archived")}
    assert labels == {lead_id("1"): [label_id("NEW")], lead_id("2"): [label_id("UNQUALIFIED")]}
    # Two leads vanished. A deal points at one of them: the other was deleted, not lost.
    pointed = {row["source_lead_id"] for row in client.data(V2["deals"], include_fields="source_lead_id")}
    assert pointed == {lead_id("4")}
    assert client.get(f"/v1/leads/{lead_id('4')}").status_code == 404
    assert person_id("3") not in client.ids(V2["persons"])
    assert organization_id("3") in client.ids(V2["organizations"])


def test_a_further_form_is_a_further_lead_and_a_deal_takes_the_newest(start: Start) -> None:
    script = Script()
    script.form(T0, "1", source="PAID_SEARCH")
    script.status(at(1), "1", "BAD_TIMING", by="101")
    script.form_again(at(40), "1")
    script.status(at(41), "1", "OPEN", by="101")
    script.form_again(at(50), "1")
    script.deal(at(60), "9", "101", contacts=("1",))
    client = start(told(script), now=at(55))
    assert client.ids("/v1/leads") == [lead_id("1", 1), lead_id("1", 2)]
    assert client.ids("/v1/leads/archived") == [lead_id("1")]
    assert {row["channel"] for row in client.pages("/v1/leads")} == {42}
    client.server.set_now(at(61))
    assert client.ids("/v1/leads") == [lead_id("1", 1)]
    (deal,) = client.data(V2["deals"], include_fields="source_lead_id")
    assert deal["source_lead_id"] == lead_id("1", 2)


def test_a_merge_leaves_the_first_person_and_moves_what_hung_on_the_other(start: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.form(T0, "2")
    script.form(T0, "3")
    script.deal(at(0.1), "9", "101", contacts=("2",))
    script.call(at(0.2), "40", "2", "101")
    script.merge(at(1), "70", ("1", "2"), by="101")
    script.merge(at(2), "71", ("70", "3"), by="101")
    script.assign(at(3), "71", "105")
    client = start(told(script), now=at(4))
    (person,) = client.data(V2["persons"])
    assert (person["id"], person["owner_id"]) == (1, 105)
    assert client.get(f"{V2['persons']}/2").status_code == 404
    (deal,) = client.data(V2["deals"])
    (call,) = client.data(V2["activities"])
    assert deal["person_id"] == call["person_id"] == 1
    assert deal["update_time"] == "2026-03-03T09:00:00Z"
    assert {row["person_id"] for row in client.pages("/v1/leads")} == {1}
    assert len(client.data(V2["organizations"])) == 3


def test_activities_of_a_lead_move_to_its_deal(start: Start) -> None:
    script = Script()
    script.form(T0, "1")
    called_at = script.call(at(0.2), "40", "1", "101", outcome="connected", seconds=200)
    script.deal(at(1), "9", "101", contacts=("1",))
    client = start(told(script), now=at(0.5))
    (call,) = client.data(V2["activities"])
    assert (call["lead_id"], call["deal_id"]) == (lead_id("1"), None)
    assert client.ids(V2["activities"], lead_id=lead_id("1")) == [activity_id("calls", "40")]
    assert (call["due_date"], call["due_time"], call["duration"]) == ("2026-03-02", "13:48:00", "00:03:20")
    assert call["marked_as_done_time"] == called_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    client.server.set_now(at(2))
    (call,) = client.data(V2["activities"])
    assert (call.get("lead_id"), call["deal_id"], call["update_time"]) == (None, 9, "2026-03-03T09:00:00Z")
    silent = start(told(script), now=at(2), silent_updates=True)
    assert silent.data(V2["activities"])[0]["deal_id"] == 9
    assert silent.data(V2["activities"])[0]["update_time"] == call["marked_as_done_time"]


def test_calls_mails_and_meetings_are_activities_of_types_the_company_knows(start: Start) -> None:
    script = Script()
    script.form(T0, "1")
    for number, (direction, outcome, status) in enumerate(
        (("out", "connected", "COMPLETED"), ("out", "voicemail", "COMPLETED"), ("in", "connected", "COMPLETED"),
         ("out", None, "COMPLETED"), ("out", None, "CANCELED"))
    ):  # fmt: skip
        script.call(at(1), str(number), "1", "101", direction=direction, outcome=outcome, status=status)
    script.email(at(2), "10", "1", "101")
    script.email(at(2), "11", "1", "101", direction="in")
    script.email(at(2), "12", "1", None, automated=True)
    for number, outcome in enumerate(("COMPLETED", "NO_SHOW", "CANCELED", None), 20):
        script.meeting(at(3), str(number), "1", "101", at(4), outcome=outcome)
    client = start(told(script), now=at(5))
    rows = {row["id"]: (row["type"], row["done"]) for row in client.data(V2["activities"])}

    def of(kind: str, number: int) -> tuple[str, bool] | None:
        return rows.get(int(activity_id(kind, str(number))))

    assert [of("calls", number) for number in range(5)] == [
        ("call", True), ("call_voicemail", True), ("call_in", True), ("call_no_answer", True), ("call", False),
    ]  # fmt: skip
    assert [of("emails", number) for number in (10, 11, 12)] == [("email", True), ("email_in", True), None]
    assert [of("meetings", number) for number in range(20, 24)] == [
        ("meeting", True), ("meeting_no_show", True), None, ("meeting", False),
    ]  # fmt: skip
    known = {row["key_string"] for row in client.data("/v1/activityTypes")}
    assert {kind for kind, _ in rows.values()} <= known
    assert len(client.ids(V2["activities"], done="true")) == len(rows) - 2


# --- history


def test_changes_of_one_second_share_a_time_and_differ_in_their_id(start: Start) -> None:
    script = script_of(1)
    for milliseconds, stage in (
        (100, "qualifiedtobuy"),
        (400, "presentationscheduled"),
        (900, "contractsent"),
    ):
        script.stage(at(1) + timedelta(milliseconds=milliseconds), "1", stage, by="102")
    client = start(told(script), now=at(2))
    log = [row for row in client.walk("/v1/deals/1/changelog") if row["field_key"] == "stage_id"]
    assert [(row["old_value"], row["new_value"]) for row in log] == [("3", "4"), ("2", "3"), ("1", "2")]
    assert {row["time"] for row in log} == {"2026-03-03 09:00:00"}
    assert {row["actor_user_id"] for row in log} == {102}
    flow = [row["data"] for row in client.pages("/v1/deals/1/flow", items="dealChange", all_changes=1)]
    stages = sorted((row for row in flow if row["field_key"] == "stage_id"), key=lambda row: row["id"])
    assert [row["new_value"] for row in stages] == ["2", "3", "4"]
    assert {row["log_time"] for row in stages} == {"2026-03-03 09:00:00"}
    orders = set()
    for seed in range(6):
        shuffled = start(told(script), now=at(2), shuffle_ties=True, seed=seed)
        log = [row for row in shuffled.walk("/v1/deals/1/changelog") if row["field_key"] == "stage_id"]
        orders.add(tuple(row["new_value"] for row in log))
    assert len(orders) > 1


def test_the_changelog_pages_newest_first_with_a_cursor(start: Start) -> None:
    script = script_of(1)
    for day in range(1, 8):
        script.amount(at(day), "1", str(day), by="101")
    client = start(told(script), now=at(9), page_cap=3)
    first = client.get("/v1/deals/1/changelog").json()
    assert len(first["data"]) == 3 and first["additional_data"]["next_cursor"]
    rows = client.walk("/v1/deals/1/changelog")
    assert [row["new_value"] for row in rows[:-1]] == ["7", "6", "5", "4", "3", "2", "1"]
    assert rows[-1]["field_key"] == "add_time" and rows[-1]["old_value"] is None
    assert set(rows[0]) == {
        "field_key", "old_value", "new_value", "actor_user_id", "time", "change_source",
        "change_source_user_agent", "is_bulk_update_flag",
    }  # fmt: skip


def test_won_then_lost_then_open_is_all_in_the_history_and_nowhere_else(start: Start) -> None:
    script = script_of(1)
    script.stage(at(1), "1", "contractsent", by="101")
    script.stage(at(2), "1", "closedlost", by="101", reason="Prijs")
    script.stage(at(3), "1", "contractsent", by="101")
    client = start(told(script), now=at(2.5), absent="null")
    (deal,) = client.data(V2["deals"])
    assert (deal["status"], deal["stage_id"], deal["lost_reason"]) == ("lost", 4, "Prijs")
    assert deal["lost_time"] == deal["close_time"] == "2026-03-04T09:00:00Z"
    client.server.set_now(at(4))
    (deal,) = client.data(V2["deals"])
    assert (deal["status"], deal["lost_time"], deal["close_time"], deal["lost_reason"]) == (
        "open",
        None,
        None,
        None,
    )
    statuses = [
        row["new_value"] for row in client.walk("/v1/deals/1/changelog") if row["field_key"] == "status"
    ]
    assert statuses == ["open", "lost"]


def test_custom_fields_are_in_the_flow_only_when_all_changes_are_asked(start: Start) -> None:
    script = script_of(1)
    script.stage(at(1), "1", "contractsent", by="101")
    client = start(told(script), now=at(2))

    def keys(**more: Any) -> set[str]:
        rows = client.pages("/v1/deals/1/flow", items="dealChange", **more)
        return {row["data"]["field_key"] for row in rows}

    assert (
        keys(all_changes=1) - keys() == {key for key in keys(all_changes=1) if HASH.fullmatch(key)} != set()
    )


def test_a_persons_changelog_tells_when_a_lead_was_qualified(start: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.status(at(1), "1", "CONNECTED", by="101")
    script.lifecycle(at(2), "1", "salesqualifiedlead", by="101")
    client = start(told(script), now=at(3))
    rows = {row["field_key"]: row for row in client.walk("/v1/persons/1/changelog")}
    (lifecycle,) = (key for key in rows if HASH.fullmatch(key))
    assert (rows[lifecycle]["old_value"], rows[lifecycle]["new_value"]) == ("12", "14")
    assert rows[lifecycle]["time"] == "2026-03-04 09:00:00"
    assert rows["label_ids"]["new_value"] == "54"
    assert client.data(V2["persons"])[0]["custom_fields"][lifecycle] == 14
    # Leads have no changelog: a snapshot of the label is all there is.
    assert client.get(f"/v1/leads/{lead_id('1')}/changelog").status_code == 404


def test_products_and_participants_leave_update_time_alone(start: Start) -> None:
    script = Script()
    for number in ("1", "2"):
        script.form(T0, number)
    script.deal(at(1), "9", "101", contacts=("1",), amount="100")
    script.link(at(2), "deals", "9", "contacts", "2")
    script.amount(at(3), "9", "250", by="101")
    client = start(told(script), now=at(2.5), silent_updates=True)
    assert client.data(V2["deals"])[0]["update_time"] == "2026-03-03T09:00:00Z"
    people = client.pages("/v1/deals/9/participants")
    assert [(row["person_id"]["value"], row["primary"]) for row in people] == [(1, True), (2, False)]
    client.server.set_now(at(4))
    (deal,) = client.data(V2["deals"])
    assert (deal["value"], deal["update_time"]) == (250, "2026-03-03T09:00:00Z")
    plain = start(told(script), now=at(4)).data(V2["deals"])[0]
    assert (plain["value"], plain["update_time"]) == (250, "2026-03-05T09:00:00Z")


# --- values


def test_custom_fields_are_keyed_by_hash_and_hold_options_by_number(start: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.deal(at(1), "9", "101", contacts=("1",), amount="800.50", deal_type="existingbusiness")
    script.stage(at(2), "9", "contractsent", by="101")
    client = start(told(script), now=at(3))
    fields = {field["field_name"]: field for field in client.walk("/api/v2/dealFields")}
    (deal,) = client.data(V2["deals"])
    custom = deal["custom_fields"]
    assert deal["value"] == 800.5
    assert custom[fields["Deal type"]["field_code"]] == 22
    assert custom[fields["Came by"]["field_code"]] == [31]
    assert custom[fields["Amount quoted"]["field_code"]] == {"value": 800.5, "currency": "EUR"}
    (shown,) = client.data(V2["deals"], include_option_labels="true")
    assert shown["custom_fields"][fields["Deal type"]["field_code"]] == {
        "id": 22,
        "label": "Existing business",
    }
    one = fields["Deal type"]["field_code"]
    (some,) = client.data(V2["deals"], custom_fields=one)
    assert some["custom_fields"] == {one: 22}
    client.server.set_now(at(0.5))
    (lead,) = client.pages("/v1/leads")
    # Leads have the fields of deals, at the root and as text; those without a value are not there.
    assert lead[fields["Came by"]["field_code"]] == "31"
    assert fields["Deal type"]["field_code"] not in lead


def test_an_option_can_be_renamed_or_removed_while_records_hold_it(start: Start) -> None:
    script = Script()
    script.deal(T0, "1", "101", deal_type="newbusiness")
    script.deal(T0, "2", "101", deal_type="existingbusiness")
    client = start(told(script), now=at(1), options={21: "Nova", 22: None})
    fields = {field["field_name"]: field for field in client.walk("/api/v2/dealFields")}
    kind = fields["Deal type"]
    assert [(option["id"], option["label"]) for option in kind["options"]] == [(21, "Nova")]
    held = [row["custom_fields"][kind["field_code"]] for row in client.data(V2["deals"])]
    assert held == [21, 22]


def test_what_has_no_value_is_null_or_absent(start: Start) -> None:
    history = told(script_of(20))
    whole = start(history, now=at(2), absent="null").data(V2["deals"])
    assert all(row["won_time"] is None and row["expected_close_date"] is None for row in whole)
    bare = start(history, now=at(2), absent="dropped").data(V2["deals"])
    assert not any({"won_time", "lost_time", "close_time", "expected_close_date"} & set(row) for row in bare)
    mixed = start(history, now=at(2)).data(V2["deals"])
    assert {"won_time" in row for row in mixed} == {True, False}


def test_times_are_whole_seconds_in_three_ways_of_writing(start: Start) -> None:
    script = Script()
    script.form(T0 + timedelta(milliseconds=345), "1")
    client = start(told(script), now=at(1))
    assert client.data(V2["persons"])[0]["update_time"] == "2026-03-02T09:00:00Z"
    assert client.pages("/v1/leads")[0]["update_time"] == "2026-03-02T09:00:00.345Z"
    recent = client.pages("/v1/recents", since_timestamp="2026-03-02 09:00:00", items="person")
    assert recent[0]["data"]["update_time"] == "2026-03-02 09:00:00"
    # Inclusive in the stamp's own resolution, although the change came 0.345 s later.
    assert client.ids(V2["persons"], updated_since="2026-03-02T09:00:00Z") == ["1"]
    other = start(told(script), now=at(1), microseconds=True)
    assert other.data(V2["persons"])[0]["update_time"] == "2026-03-02T09:00:00.000000Z"


def test_a_stamp_can_lie_before_the_record_was_made(start: Start) -> None:
    client = start(told(script_of(9)), now=at(1), early_stamps=True)
    rows = client.data(V2["deals"])
    early = [row for row in rows if row["update_time"] < row["add_time"]]
    assert 0 < len(early) < len(rows)
    since = early[0]["add_time"]
    assert early[0]["id"] not in [row["id"] for row in client.data(V2["deals"], updated_since=since)]


def test_lists_show_a_version_late_when_a_seed_says_so(start: Start) -> None:
    script = Script()
    for number in range(1, 41):
        script.deal(T0, str(number), "101", amount="1")
        script.amount(at(1), str(number), "2", by="101")
    for number in range(41, 61):
        script.deal(at(1), str(number), "101", amount="2")
    now = at(1) + timedelta(seconds=60)
    client = start(told(script), now=now, lag_seconds=120, seed=3)
    rows = client.walk(V2["deals"])
    assert 40 < len(rows) < 60
    assert {row["value"] for row in rows if row["id"] <= 40} == {1, 2}
    assert client.walk(V2["deals"]) == rows
    since = at(1).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(client.ids(V2["deals"], updated_since=since)) < 60
    client.server.set_now(at(1) + timedelta(seconds=121))
    assert {row["value"] for row in client.walk(V2["deals"])} == {2}
    assert len(client.ids(V2["deals"], updated_since=since)) == 60
    assert len(ledger(told(script), now)["deals"]) == 60


def test_who_may_not_see_a_record_is_not_told_that_it_exists(start: Start) -> None:
    script = Script()
    for number, owner in enumerate(("101", "105", "101"), 1):
        script.form(T0, str(number), owner=owner)
        script.deal(at(1), str(number), owner)
    hidden = {"hidden_owners": ("105",)}
    client = start(told(script), now=at(2), **hidden)
    assert client.ids(V2["deals"]) == client.ids(V2["persons"]) == ["1", "3"]
    assert client.data("/v1/deals/summary")["total_count"] == 2
    assert client.get(f"{V2['deals']}/2").status_code == client.get("/v1/deals/2/flow").status_code == 404
    assert len(client.pages("/v1/leads")) == 2
    assert set(ledger(told(script), at(2), **hidden)["deals"]) == {"1", "3"}
    assert set(ledger(told(script), at(2))["deals"]) == {"1", "2", "3"}


# --- version 1: paging in three shapes, short lists, what is gone


def test_version_1_pages_in_three_shapes(start: Start) -> None:
    client = start(page_cap=2)
    flat = client.get("/v1/leads", limit=2).json()["additional_data"]
    assert flat == {"start": 0, "limit": 2, "more_items_in_collection": True}
    deal = client.ids(V2["deals"])[0]
    nested = client.get(f"/v1/deals/{deal}/flow", all_changes=1).json()["additional_data"]["pagination"]
    assert nested == {"start": 0, "limit": 2, "more_items_in_collection": True, "next_start": 2}
    assert "additional_data" not in client.get("/v1/leadLabels").json()
    assert client.get("/v1/leads", start=-1).status_code == 400
    assert client.get("/v1/leads", start="x").status_code == 400


def test_counting_on_loses_a_lead_when_another_one_is_converted_meanwhile(start: Start) -> None:
    script = Script()
    for number in range(1, 7):
        script.form(T0 + timedelta(hours=number), str(number))
    script.deal(at(1), "9", "101", contacts=("1",))
    client = start(told(script), now=at(0.5), page_cap=3)
    first = [row["id"] for row in client.data("/v1/leads", sort="add_time ASC")]
    client.server.set_now(at(2))
    second = [row["id"] for row in client.data("/v1/leads", sort="add_time ASC", start=3)]
    assert first == [lead_id(one) for one in "123"]
    assert second == [lead_id(one) for one in "56"]


def test_archived_leads_do_not_know_updated_since(start: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.form(T0, "2")
    script.status(at(1), "1", "UNQUALIFIED", by="101")
    script.assign(at(2), "2", "102")
    client = start(told(script), now=at(3))
    late = "2026-03-04T00:00:00Z"
    assert client.ids("/v1/leads", updated_since=late) == [lead_id("2")]
    assert client.ids("/v1/leads/archived", updated_since=late) == [lead_id("1")]
    assert client.ids("/v1/leads", updated_since="2026-03-05T00:00:00Z") == []


def test_recents_reach_back_a_month_and_say_nothing_of_it(start: Start) -> None:
    script = script_of(2)
    script.amount(at(50), "2", "7", by="101")
    client = start(told(script), now=at(60))
    rows = client.pages("/v1/recents", since_timestamp="2026-01-01 00:00:00", items="deal")
    assert [row["id"] for row in rows] == [2]
    assert client.get("/v1/recents", since_timestamp="2026-01-01T00:00:00Z").status_code == 400


def test_users_are_listed_when_they_have_left(start: Start, company: Population) -> None:
    client = start(company, now=datetime(2026, 11, 1, 2, tzinfo=UTC))
    users = {row["id"]: row for row in client.data("/v1/users")}
    assert [one for one, row in users.items() if not row["active_flag"]] == [104]
    assert users[104]["is_deleted"] is False
    assert client.data("/v1/users/me")["is_admin"] == 1


def test_a_deleted_stage_is_no_longer_listed_while_deals_carry_its_id(start: Start) -> None:
    client = start(told(script_of(1)), now=at(1), faults=Faults().stage_unlisted("appointmentscheduled"))
    assert client.ids(V2["stages"]) == ["2", "3", "4"]
    assert client.data(V2["deals"])[0]["stage_id"] == 1


def test_old_endpoints_are_gone_and_leads_answer_under_one_prefix(start: Start) -> None:
    client = start()
    for path in ("/v1/deals", "/api/v1/persons", "/v1/stages"):
        reply = client.get(path)
        assert (reply.status_code, reply.json()["success"]) == (410, False)
    assert client.get("/api/v1/users").json() == client.get("/v1/users").json()
    for path in ("/api/v1/leads", "/api/v1/leadLabels", "/api/v2/leads", "/nothing"):
        reply = client.get(path)
        assert reply.status_code == 404
        assert set(reply.json()) == {"success", "error", "error_info", "data", "additional_data"}


# --- tokens


def test_a_wrong_token_is_a_401_with_their_body(start: Start) -> None:
    url = start().server.base_url + V2["deals"]
    for headers in ({}, {"x-api-token": "f" * 40}, {"Authorization": f"Bearer {TOKEN}"}):
        reply = requests.get(url, headers=headers, timeout=10)
        assert reply.status_code == 401
        assert reply.json() == {"success": False, "error": "unauthorized access", "errorCode": 401}
    assert requests.get(url, params={"api_token": TOKEN}, timeout=10).status_code == 200


CLIENT = {"client_id": "abc", "client_secret": "s3cret"}


def grant(client: Client, secret: str = "s3cret", **form: str) -> requests.Response:
    return requests.post(client.server.base_url + "/oauth/token", data=form, auth=("abc", secret), timeout=10)


def bearer(client: Client, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(client.server.base_url + V2["deals"], headers=headers, timeout=10).status_code


def test_a_refresh_gives_a_token_that_lasts_an_hour(start: Start) -> None:
    client = start(**CLIENT, refresh_token="r1")
    reply = grant(client, grant_type="refresh_token", refresh_token="r1").json()
    assert set(reply) == {"access_token", "token_type", "refresh_token", "scope", "expires_in", "api_domain"}
    assert (reply["refresh_token"], reply["api_domain"]) == ("r1", client.server.base_url)
    assert {"deals:read", "leads:read", "recents:read"} <= set(reply["scope"].split())
    assert bearer(client, reply["access_token"]) == 200
    client.server.set_now(client.server.now + timedelta(seconds=reply["expires_in"]))
    assert bearer(client, reply["access_token"]) == 401
    again = grant(client, grant_type="refresh_token", refresh_token="r1").json()
    assert bearer(client, again["access_token"]) == 200


def test_a_refresh_token_can_rotate_and_the_old_one_is_dead(start: Start) -> None:
    client = start(**CLIENT, refresh_token="r1", rotate_refresh=True)
    first = grant(client, grant_type="refresh_token", refresh_token="r1").json()
    assert first["refresh_token"] != "r1"
    dead = grant(client, grant_type="refresh_token", refresh_token="r1")
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert grant(client, grant_type="refresh_token", refresh_token=first["refresh_token"]).status_code == 200


def test_the_token_endpoint_knows_its_client_and_its_grants(start: Start) -> None:
    client = start(**CLIENT, code="c1")
    assert grant(client, secret="other", grant_type="refresh_token").status_code == 401
    assert grant(client, grant_type="password").status_code == 400
    assert grant(client, grant_type="authorization_code", code="c1").status_code == 200
    assert grant(client, grant_type="authorization_code", code="c1").status_code == 400


def test_a_token_that_a_fault_expires_stays_dead_until_it_is_renewed(start: Start) -> None:
    client = start(**CLIENT, refresh_token="r1", faults=Faults().expire_token_after(2, times=1))
    first = grant(client, grant_type="refresh_token", refresh_token="r1").json()["access_token"]
    assert [bearer(client, first) for _ in range(3)] == [200, 401, 401]
    second = grant(client, grant_type="refresh_token", refresh_token="r1").json()["access_token"]
    assert bearer(client, second) == 200


def test_a_missing_scope_is_a_403_that_says_so(start: Start) -> None:
    client = start(faults=Faults().scope_removed("recents:read"))
    deal = client.ids(V2["deals"])[0]
    reply = client.get(f"/v1/deals/{deal}/flow")
    assert (reply.status_code, reply.json()["error"]) == (403, "Scope and URL mismatch")
    assert client.get(f"/v1/deals/{deal}/changelog").status_code == 200


# --- limits


@pytest.mark.parametrize(
    ("path", "tokens"),
    [
        ("/api/v2/deals", 10), ("/api/v2/deals/archived", 20), ("/api/v2/persons", 10),
        ("/api/v2/organizations", 10), ("/api/v2/activities", 10), ("/api/v2/pipelines", 5), ("/api/v2/stages", 5),
        ("/api/v2/dealFields", 10), ("/v1/leads", 20), ("/v1/leads/archived", 40), ("/v1/leadLabels", 10),
        ("/v1/leadSources", 2), ("/v1/users", 20), ("/v1/deals/7/changelog", 20), ("/v1/deals/7/flow", 40),
        ("/v1/deals/7/participants", 10), ("/v1/recents", 20), ("/v1/deals/summary", 40), ("/nothing", 0),
    ],
)  # fmt: skip
def test_each_call_costs_what_the_table_says(path: str, tokens: int) -> None:
    assert cost("GET", path) == tokens


class Ticks:
    """A clock for the limits that goes on when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_burst_is_counted_per_token_over_two_rolling_seconds(start: Start) -> None:
    ticks = Ticks()
    client = start(enforce_limits=True, clock=ticks, **CLIENT, refresh_token="r1")
    assert [client.get(V2["stages"]).status_code for _ in range(20)] == [200] * 20
    reply = client.get(V2["stages"])
    assert reply.status_code == 429
    assert "Retry-After" not in reply.headers
    assert (reply.headers["X-RateLimit-Remaining"], reply.headers["x-ratelimit-reset"]) == ("0", "2")
    assert set(reply.json()) >= {"success", "error", "error_info", "data", "additional_data"}
    # An OAuth token has a burst of its own, four times as long.
    access = grant(client, grant_type="refresh_token", refresh_token="r1").json()["access_token"]
    assert [bearer(client, access) for _ in range(81)] == [200] * 80 + [429]
    ticks.now += 2.0
    assert client.get(V2["stages"]).status_code == 200


def test_the_days_tokens_are_the_companys_and_no_header_tells_of_them(start: Start) -> None:
    settings = {"daily_tokens": 100, "others_spent": 60, "burst": 1000}
    client = start(enforce_limits=True, now=datetime(2026, 9, 1, 12, tzinfo=UTC), **settings)
    assert [client.get(V2["deals"]).status_code for _ in range(5)] == [200] * 4 + [429]
    reply = client.get(V2["stages"])
    assert reply.status_code == 429
    assert int(reply.headers["X-RateLimit-Remaining"]) >= 1
    assert "Retry-After" not in reply.headers
    # Midnight is New York's by default, not ours.
    client.server.set_now(datetime(2026, 9, 2, 3, 59, tzinfo=UTC))
    assert client.get(V2["stages"]).status_code == 429
    client.server.set_now(datetime(2026, 9, 2, 4, 0, tzinfo=UTC))
    assert client.get(V2["stages"]).status_code == 200


def test_others_spend_while_the_clock_goes_on(start: Start) -> None:
    midnight = datetime(2026, 9, 1, 4, tzinfo=UTC)
    client = start(enforce_limits=True, now=midnight, daily_tokens=100, others_per_hour=30)
    assert client.get(V2["deals"]).status_code == 200
    client.server.set_now(midnight + timedelta(hours=3, minutes=2))
    assert client.get(V2["deals"]).status_code == 429


def test_plans_and_seats_make_the_budget(start: Start) -> None:
    client = start(plan="growth", seats=3, top_up=500)
    account = Account(
        client.server.history.fold(T0), history=client.server.history, token=TOKEN, base_url="", plan="growth",
        seats=3, top_up=500,
    )  # fmt: skip
    assert account.daily_tokens() == 2 * 3 * 30_000 + 500
    assert client.get(V2["stages"]).headers["X-RateLimit-Limit"] == "40"
    with pytest.raises(TypeError, match="no setting sets"):
        Account(
            client.server.history.fold(T0), history=client.server.history, token=TOKEN, base_url="", sets=3
        )


def test_hammering_shuts_the_whole_company_out_with_a_web_page(start: Start) -> None:
    ticks = Ticks()
    client = start(
        enforce_limits=True, clock=ticks, burst=1, hammer=5, **CLIENT, refresh_token="r1",
    )  # fmt: skip
    access = grant(client, grant_type="refresh_token", refresh_token="r1").json()["access_token"]
    statuses = [client.get(V2["stages"]).status_code for _ in range(7)]
    assert statuses == [200] + [429] * 5 + [403]
    ticks.now += 10
    page = client.get(V2["stages"])
    assert page.status_code == 403 and page.headers["Content-Type"].startswith("text/html")
    assert page.text.startswith("<!DOCTYPE html>") and "X-RateLimit-Limit" not in page.headers
    assert bearer(client, access) == 403
    ticks.now += 900
    assert client.get(V2["stages"]).status_code == 200


# --- faults


def test_faults_speak_this_vendors_words(start: Start) -> None:
    client = start(told(script_of(1)), now=at(1))
    for code in (402, 410, 500, 503):
        client.server.set_faults(Faults().status("deals", code))
        reply = client.get(V2["deals"])
        assert (reply.status_code, reply.json()["success"]) == (code, False)
    client.server.set_faults(Faults().status("deals", 524))
    reply = client.get(V2["deals"])
    assert reply.status_code == 524 and "html" in reply.headers["Content-Type"]
    client.server.set_faults(Faults().status("deals", 429))
    assert client.get(V2["deals"]).headers["X-RateLimit-Remaining"] == "0"
    client.server.set_faults(Faults().daily_limit_after(0))
    reply = client.get(V2["deals"])
    assert reply.status_code == 429 and int(reply.headers["X-RateLimit-Remaining"]) > 0


def test_a_flow_can_be_a_200_with_null(start: Start) -> None:
    client = start(told(script_of(1)), now=at(1), faults=Faults().null_results("/flow|/leads|v2/deals"))
    assert client.get("/v1/deals/1/flow").text == "null"
    client.server.set_faults(Faults().null_results("v2/deals"))
    assert client.get(V2["deals"]).json()["data"] is None
    body = {"success": True, "data": None}
    client.server.set_faults(Faults().status("/flow", 200, body=body))
    assert client.get("/v1/deals/1/flow").json() == body


@pytest.mark.parametrize("path", [V2["persons"], "/v1/leads"])
def test_pages_can_be_lost_repeated_emptied_or_endless(start: Start, small: Population, path: str) -> None:
    client = start(page_cap=100)
    whole = client.ids(path)
    client.server.set_faults(Faults().omit_last_page(path))
    assert client.ids(path) == whole[: (len(whole) - 1) // 100 * 100]
    client.server.set_faults(Faults().duplicate_page(path))
    assert client.ids(path)[:200] == whole[:100] * 2
    client.server.set_faults(Faults().empty_everything(path))
    assert client.ids(path) == []
    client.server.set_faults(Faults().loop_next(path))
    name = "start" if path.startswith("/v1/") else "cursor"
    first = client.get(path).json()
    given = 100 if name == "start" else first["additional_data"]["next_cursor"]
    second = client.get(path, **{name: given}).json()
    assert second["data"] == (
        first["data"] if name == "start" else client.get(path, cursor=given).json()["data"]
    )
    more = second["additional_data"]
    assert more["more_items_in_collection"] if name == "start" else more["next_cursor"] == given


def test_a_value_can_have_the_wrong_type_and_a_field_can_go(start: Start) -> None:
    faults = Faults().value("deals", "status", "nova", every=1).value("activities", "due_time", "")
    script = script_of(1)
    script.form(T0, "1")
    script.call(at(0.5), "40", "1", "101")
    client = start(told(script), now=at(1), faults=faults.property_removed("persons", "label_ids"))
    assert client.data(V2["deals"])[0]["status"] == "nova"
    assert client.data(V2["activities"])[0]["due_time"] == ""
    assert "label_ids" not in client.data(V2["persons"])[0]
    assert "label_ids" not in {field["field_code"] for field in client.walk("/api/v2/personFields")}


def test_the_world_can_change_between_two_pages(start: Start) -> None:
    script = script_of(6)
    script.amount(at(1), "2", "999", by="101")
    client = start(
        told(script), now=at(0.5), page_cap=3, faults=Faults().advance_clock("cursor", seconds=86400)
    )
    assert client.ids(V2["deals"], sort_by="update_time") == ["1", "2", "3", "4", "5", "6", "2"]
