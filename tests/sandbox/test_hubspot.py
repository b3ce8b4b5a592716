"""The dialect: shapes, limits and errors of spec/crm-apis.md section 1, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from leadrole.sandbox import Population, Script
from leadrole.sandbox.hubspot import ASSOCIATION_TYPES
from leadrole.sandbox.log import OBJECTS, parse_iso
from leadrole.sandbox.population import make_owners

from .conftest import TOKEN, Client

Start = Callable[..., Client]
T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
LAYOUTS = ("/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09")
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "recordings" / "hubspot.jsonl"


def recorded(path_end: str, status: int) -> Iterator[dict[str, Any]]:
    if not RECORDINGS.exists():
        pytest.skip(
            "the recorded traffic (shared/data/recordings/hubspot.jsonl) is not beside the repository"
        )
    with RECORDINGS.open() as lines:
        for line in lines:
            exchange = json.loads(line)
            if exchange["path"].endswith(path_end) and exchange["status"] == status and exchange["response"]:
                yield exchange


def search(*filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"filterGroups": [{"filters": list(filters)}] if filters else [], **more}


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **({} if value is None else {"value": value}), **more}


# --- shapes beside real traffic


def test_a_search_answer_has_the_shape_of_a_recorded_one(start: Start) -> None:
    real = next(one for one in recorded("/search", 200) if one["response"]["results"])["response"]
    ours = start(search_lag_seconds=0).post("/crm/v3/objects/CONTACT/search", search(limit=2)).json()
    assert set(ours) - {"paging"} == set(real)
    assert type(ours["total"]) is type(real["total"])
    assert set(ours["results"][0]) == set(real["results"][0])
    for name in ("id", "createdAt", "updatedAt", "archived"):
        assert type(ours["results"][0][name]) is type(real["results"][0][name])
    assert ours["results"][0]["createdAt"][-1] == real["results"][0]["createdAt"][-1] == "Z"


def test_asked_but_unset_is_null_here_as_it_is_there(start: Start) -> None:
    fates = set()
    for exchange in recorded("/CONTACT/search", 200):
        for row in exchange["response"]["results"]:
            for name in exchange["request"]["properties"]:
                fate = type(row["properties"][name]).__name__ if name in row["properties"] else "dropped"
                fates.add((name, fate))
    # In the recorded account `number_field` is defined and often unset, `grouparoo_custom_text` is unknown.
    assert ("number_field", "NoneType") in fates
    assert ("grouparoo_custom_text", "dropped") in fates
    names = ["hs_merged_object_ids", "no_such_property"]
    row = start(search_lag_seconds=0).post(LAYOUTS[0] + "/contacts/search", search(properties=names)).json()
    assert row["results"][0]["properties"]["hs_merged_object_ids"] is None
    assert "no_such_property" not in row["results"][0]["properties"]


def test_a_batch_answer_has_the_shape_of_a_recorded_one(start: Start) -> None:
    real = next(recorded("/batch/update", 200))["response"]
    client = start()
    one = client.get(LAYOUTS[1] + "/deals").json()["results"][0]["id"]
    ours = client.post(LAYOUTS[1] + "/deals/batch/read", {"properties": [], "inputs": [{"id": one}]}).json()
    assert set(ours) == set(real)
    assert set(ours["results"][0]) == set(real["results"][0])


def test_a_secondly_429_has_the_body_and_headers_of_a_recorded_one(start: Start) -> None:
    real = next(recorded("/search", 429))
    client = start(enforce_limits=True, search_per_second=1)
    client.post(LAYOUTS[0] + "/contacts/search", search())
    reply = client.post(LAYOUTS[0] + "/contacts/search", search())
    assert reply.status_code == 429
    body = reply.json()
    assert {**body, "correlationId": ""} == {**real["response"], "correlationId": ""}
    headers = {name for name, _ in real["headers"] if name.startswith("X-HubSpot")}
    assert {name for name in reply.headers if name.startswith("X-HubSpot")} == headers


def test_the_headers_of_other_answers_are_among_the_recorded_ones(start: Start) -> None:
    real = {name for name, _ in next(recorded("/batch/update", 200))["headers"]}
    reply = start().get(LAYOUTS[0] + "/deals")
    assert {name for name in reply.headers if name.startswith("X-HubSpot")} <= real
    assert {"X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Remaining"} <= set(reply.headers)


def test_an_error_has_the_fields_of_a_recorded_one(start: Start) -> None:
    real = next(recorded("/profile", 404))["response"]
    ours = start().get(LAYOUTS[0] + "/contacts/123456").json()
    assert {"status", "message", "correlationId", "category"} <= set(ours) & set(real)
    assert ours["category"] == real["category"] == "OBJECT_NOT_FOUND"


# --- lists, one record, batches


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["contacts", "0-1", "CONTACT"])
def test_both_layouts_and_all_names_of_a_type_answer_alike(start: Start, layout: str, kind: str) -> None:
    client = start()
    plain = client.get("/crm/v3/objects/contacts", limit=3).json()["results"]
    assert client.get(f"{layout}/{kind}", limit=3).json()["results"] == plain


def test_a_walk_gives_every_live_record_once_by_id(start: Start, small: Population) -> None:
    client = start(max_page=17)
    state = small.fold(client.server.now)
    for name in OBJECTS:
        ids = [row["id"] for row in client.walk(f"/crm/objects/2026-03/{name}", limit=100)]
        assert ids == list(state.live[name]), name


def test_the_link_of_the_next_page_leads_there(start: Start) -> None:
    client = start()
    page = client.get(LAYOUTS[0] + "/contacts", limit=2, properties="createdate,email").json()
    by_link = client.session.get(page["paging"]["next"]["link"], timeout=10).json()
    by_after = client.get(LAYOUTS[0] + "/contacts", limit=2, properties="createdate,email",
                          after=page["paging"]["next"]["after"]).json()  # fmt: skip
    assert by_link == by_after


def test_values_are_text_or_null(start: Start) -> None:
    client = start()
    for name in OBJECTS:
        asked = "amount,hs_is_closed,hs_call_duration,hs_timestamp,hubspot_owner_id,hs_email_direction"
        for row in client.get(f"{LAYOUTS[0]}/{name}", limit=100, properties=asked).json()["results"]:
            assert all(value is None or isinstance(value, str) for value in row["properties"].values())
            assert row["properties"]["hs_object_id"] == row["id"]


def test_the_page_limits_are_a_hundred_and_fifty_with_history(start: Start) -> None:
    client = start()
    path = LAYOUTS[1] + "/deals"
    assert client.get(path, limit=100).status_code == 200
    assert client.get(path, limit=101).status_code == 400
    assert client.get(path, limit=50, propertiesWithHistory="dealstage").status_code == 200
    refused = client.get(path, limit=51, propertiesWithHistory="dealstage")
    assert refused.status_code == 400
    assert "at most 50 objects" in refused.json()["message"]
    assert len(client.get(path).json()["results"]) == 10


def test_the_batch_limits_are_a_hundred_fifty_and_a_thousand(start: Start) -> None:
    client = start()
    path = LAYOUTS[1] + "/contacts/batch/read"

    def batch(size: int, **more: Any) -> int:
        return client.post(path, {"inputs": [{"id": str(n)} for n in range(size)], **more}).status_code

    assert (batch(100), batch(101)) == (207, 400)
    history = {"propertiesWithHistory": ["lifecyclestage"]}
    assert (batch(50, **history), batch(51, **history)) == (207, 400)
    links = "/crm/associations/2026-03/calls/contacts/batch/read"
    for size, status in ((1000, 207), (1001, 400)):
        assert client.post(links, {"inputs": [{"id": str(n)} for n in range(size)]}).status_code == status


def test_a_batch_with_a_missing_id_is_a_207_that_names_it(start: Start) -> None:
    client = start()
    known = client.get(LAYOUTS[0] + "/contacts", limit=1).json()["results"][0]["id"]
    reply = client.post(LAYOUTS[0] + "/contacts/batch/read", {"inputs": [{"id": known}, {"id": "5"}]})
    body = reply.json()
    assert reply.status_code == 207
    assert [row["id"] for row in body["results"]] == [known]
    assert body["numErrors"] == 1
    assert body["errors"][0]["context"]["ids"] == ["5"]


def test_history_is_newest_first_and_names_the_user_not_the_owner(start: Start) -> None:
    client = start()
    ids = [row["id"] for row in client.get(LAYOUTS[1] + "/contacts", limit=50).json()["results"]]
    body = {"properties": ["email"], "propertiesWithHistory": ["hs_lead_status", "nonsense"]}
    rows = client.post(
        LAYOUTS[1] + "/contacts/batch/read", {**body, "inputs": [{"id": one} for one in ids]}
    ).json()
    users = set()
    for row in rows["results"]:
        assert set(row["propertiesWithHistory"]) == {"hs_lead_status"}
        entries = row["propertiesWithHistory"]["hs_lead_status"]
        moments = [parse_iso(entry["timestamp"]) for entry in entries]
        assert moments == sorted(moments, reverse=True)
        for entry in entries:
            assert {"value", "timestamp", "sourceType"} <= set(entry)
            if "updatedByUserId" in entry:
                assert entry["sourceId"] == f"userId:{entry['updatedByUserId']}"
                users.add(entry["updatedByUserId"])
    assert users and users <= {9101, 9102, 9103, 9104, 9105}


def test_a_url_of_more_than_eight_thousand_characters_is_refused(start: Start) -> None:
    client = start()
    names = ",".join(f"property_{number}" for number in range(700))
    assert client.get(LAYOUTS[0] + "/contacts", properties=names).status_code == 414
    assert client.get(LAYOUTS[0] + "/contacts", properties=names[:6000]).status_code == 200


# --- archived, merged, forgotten


def life(*, until: int = 10) -> Script:
    script = Script()
    for number in range(1, 6):
        script.form(T0, str(number))
    script.archive_contact(T0 + timedelta(days=1), "1")
    script.forget_contact(T0 + timedelta(days=1), "2")
    script.merge(T0 + timedelta(days=2), "70", ("3", "4"), by="101")
    script.call(T0, "40", "3", "101")
    return script


def test_archived_records_are_in_a_list_of_their_own_and_never_in_search(start: Start) -> None:
    history = life().history(make_owners(T0.date()))
    client = start(history, now=T0 + timedelta(days=3))
    live = client.get(LAYOUTS[1] + "/contacts").json()["results"]
    archived = client.get(LAYOUTS[1] + "/contacts", archived="true").json()["results"]
    found = client.post(LAYOUTS[1] + "/contacts/search", search()).json()["results"]
    assert [row["id"] for row in live] == ["5", "70"]
    assert [row["id"] for row in archived] == ["1"]
    assert archived[0]["archived"] is True
    assert parse_iso(archived[0]["archivedAt"]) == T0 + timedelta(days=1)
    assert [row["id"] for row in found] == ["5", "70"]
    client.server.set_now(T0 + timedelta(days=92))
    assert client.get(LAYOUTS[1] + "/contacts", archived="true").json()["results"] == []


def test_an_id_that_was_merged_away_leads_to_the_survivor(start: Start) -> None:
    client = start(life().history(make_owners(T0.date())), now=T0 + timedelta(days=3))
    reply = client.get(LAYOUTS[1] + "/contacts/3", properties="hs_merged_object_ids").json()
    assert reply["id"] == "70"
    assert reply["properties"]["hs_merged_object_ids"] == "3;4"
    assert client.get(LAYOUTS[1] + "/contacts/2").status_code == 404
    assert client.get(LAYOUTS[1] + "/contacts/1").status_code == 404
    links = client.post("/crm/v4/associations/calls/contacts/batch/read", {"inputs": [{"id": "40"}]}).json()
    assert links["results"][0]["to"][0]["toObjectId"] == 70


# --- search


def test_keyset_paging_over_search_gives_every_record_of_a_window_once(
    start: Start, small: Population
) -> None:
    client = start(search_lag_seconds=0, max_page=10)
    since = "2026-08-01T00:00:00Z"
    expected = [
        record_id
        for record_id, record in small.fold(client.server.now).live["contacts"].items()
        if record.updated_at >= parse_iso(since)
    ]
    ids: list[str] = []
    while True:
        window = where("lastmodifieddate", "GTE", since)
        last = where("hs_object_id", "GT", ids[-1] if ids else "0")
        body = search(
            window, last, limit=200, sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        )
        page = client.post("/crm/objects/2026-03/contacts/search", body).json()
        if not ids:
            assert page["total"] == len(expected)
        if not page["results"]:
            break
        ids += [row["id"] for row in page["results"]]
    assert ids == expected and len(ids) > 40


def test_search_pages_by_offset_up_to_the_cap_and_refuses_beyond(start: Start) -> None:
    client = start(search_cap=20, search_lag_seconds=0)
    path = LAYOUTS[0] + "/contacts/search"
    page = client.post(path, search(limit=15)).json()
    assert page["paging"] == {"next": {"after": "15"}}
    assert page["total"] > 20
    page = client.post(path, search(limit=15, after=15)).json()
    assert len(page["results"]) == 5
    assert page["paging"]["next"]["after"] == "20"
    assert client.post(path, search(limit=15, after="20")).status_code == 400


def test_search_refuses_what_hubspot_refuses(start: Start) -> None:
    client = start()
    path = LAYOUTS[0] + "/contacts/search"
    one = where("email", "HAS_PROPERTY")
    refused = [
        search(limit=201),
        {"filterGroups": [{"filters": [one]}] * 6},
        {"filterGroups": [{"filters": [one] * 7}]},
        {"filterGroups": [{"filters": [one] * 4}] * 5},
        search(sorts=["email", "lastname"]),
        search(where("no_such_property", "EQ", "x")),
        search(where("email", "LIKE", "x")),
        search(where("email", "EQ")),
        search(properties=["x" * 3000]),
    ]
    for body in refused:
        assert client.post(path, body).status_code == 400, body
    assert client.post(path, search(limit=200)).status_code == 200
    assert "associations" not in client.post(path, search()).json()["results"][0]


def test_the_wrong_cursor_property_finds_nothing_and_says_nothing(start: Start) -> None:
    client = start(search_lag_seconds=0)
    for kind, right, wrong in (
        ("contacts", "lastmodifieddate", "hs_lastmodifieddate"),
        ("deals", "hs_lastmodifieddate", "lastmodifieddate"),
    ):
        path = f"{LAYOUTS[1]}/{kind}/search"
        assert client.post(path, search(where(right, "GTE", "0"))).json()["total"] > 0
        assert client.post(path, search(where(wrong, "GTE", "0"))).json()["total"] == 0


def test_the_operators_mean_what_they_say(start: Start) -> None:
    script = Script()
    for number, amount in enumerate(("100", "900", "2000", None), 1):
        script.deal(T0 + timedelta(hours=number), str(number), "101", amount=amount)
    client = start(script.history(make_owners(T0.date())), now=T0 + timedelta(days=1))

    def ids(*filters: dict[str, Any]) -> list[str]:
        body = search(*filters)
        return [row["id"] for row in client.post(LAYOUTS[1] + "/deals/search", body).json()["results"]]

    assert ids(where("amount", "GT", "900")) == ["3"]
    assert ids(where("amount", "GTE", "900")) == ["2", "3"]
    assert ids(where("amount", "LT", "900")) == ["1"]
    assert ids(where("amount", "LTE", "900")) == ["1", "2"]
    assert ids(where("amount", "EQ", "900")) == ["2"]
    assert ids(where("amount", "NEQ", "900")) == ["1", "3"]
    assert ids(where("amount", "BETWEEN", "100", highValue="900")) == ["1", "2"]
    assert ids(where("amount", "HAS_PROPERTY")) == ["1", "2", "3"]
    assert ids(where("amount", "NOT_HAS_PROPERTY")) == ["4"]
    assert ids(where("dealstage", "IN", values=["appointmentscheduled"])) == ["1", "2", "3", "4"]
    assert ids(where("dealstage", "NOT_IN", values=["appointmentscheduled"])) == []
    assert ids(where("createdate", "GTE", str(int((T0 + timedelta(hours=3)).timestamp() * 1000)))) == [
        "3",
        "4",
    ]
    assert ids(where("createdate", "GTE", "2026-03-02T12:00:00Z")) == ["3", "4"]
    assert ids(where("dealname", "CONTAINS_TOKEN", "install*")) == ["1", "2", "3", "4"]


def test_search_sees_a_record_late_and_shows_what_it_was_before(start: Start) -> None:
    script = Script()
    for number in range(1, 41):
        script.form(T0 - timedelta(days=1), str(number))
        script.status(T0, str(number), "OPEN", by="101")
    for number in range(41, 81):
        script.form(T0, str(number))
    history = script.history(make_owners(T0.date()))
    client = start(history, now=T0 + timedelta(seconds=120), max_page=100)
    body = search(properties=["hs_lead_status"], limit=200)
    seen = client.post(LAYOUTS[1] + "/contacts/search", body).json()["results"]
    assert len(client.walk(LAYOUTS[1] + "/contacts", limit=100)) == 80
    assert 40 < len(seen) < 80
    assert {row["properties"]["hs_lead_status"] for row in seen if int(row["id"]) <= 40} == {"NEW", "OPEN"}
    again = client.post(LAYOUTS[1] + "/contacts/search", body).json()["results"]
    assert again == seen
    client.server.set_now(T0 + timedelta(seconds=301))
    late = client.post(LAYOUTS[1] + "/contacts/search", body).json()["results"]
    assert len(late) == 80
    assert {row["properties"]["hs_lead_status"] for row in late if int(row["id"]) <= 40} == {"OPEN"}


# --- associations, owners, the rest


@pytest.mark.parametrize(
    ("from_type", "to_type"), [pair for pair in ASSOCIATION_TYPES if pair[0] != "contacts"]
)
def test_associations_are_those_of_the_log(
    start: Start, small: Population, from_type: str, to_type: str
) -> None:
    client = start()
    state = small.fold(client.server.now)
    inputs = [{"id": one} for one in list(state.live[from_type])[:400]]
    for base in ("/crm/v4/associations", "/crm/associations/2026-03"):
        body = client.post(f"{base}/{from_type}/{to_type}/batch/read", {"inputs": inputs}).json()
        found = {row["from"]["id"]: [str(end["toObjectId"]) for end in row["to"]] for row in body["results"]}
        expected = {one["id"]: state.linked(from_type, one["id"], to_type) for one in inputs}
        assert found == {one: ends for one, ends in expected.items() if ends}
        type_ids = {
            kind["typeId"] for row in body["results"] for end in row["to"] for kind in end["associationTypes"]
        }
        assert type_ids == {ASSOCIATION_TYPES[from_type, to_type]}
        alone = [error["context"]["fromObjectId"][0] for error in body.get("errors", [])]
        assert sorted(alone) == sorted(one for one, ends in expected.items() if not ends)


def test_more_than_five_hundred_associations_are_paged(start: Start) -> None:
    script = Script()
    script.form(T0, "1")
    for number in range(620):
        script.call(T0 + timedelta(minutes=number), str(1000 + number), "1", "101")
    client = start(script.history(make_owners(T0.date())), now=T0 + timedelta(days=1))
    row = client.post("/crm/v4/associations/contacts/calls/batch/read", {"inputs": [{"id": "1"}]}).json()[
        "results"
    ][0]
    again = {"inputs": [{"id": "1", "after": row["paging"]["next"]["after"]}]}
    rest = client.post("/crm/v4/associations/contacts/calls/batch/read", again).json()["results"][0]
    assert (len(row["to"]), len(rest["to"]), "paging" in rest) == (500, 120, False)
    assert len(client.walk("/crm/objects/2026-03/contacts/1/associations/calls")) == 620


def test_owners_have_both_ids_and_the_one_who_left_is_in_the_archive(
    start: Start, company: Population
) -> None:
    client = start(company, now=datetime(2026, 11, 1, 2, tzinfo=UTC))
    live = client.get("/crm/owners/2026-03").json()["results"]
    gone = client.get("/crm/v3/owners", archived="true").json()["results"]
    assert [owner["id"] for owner in live] == ["101", "102", "103", "105", "190"]
    assert [(owner["type"], owner["userId"]) for owner in live][-1] == ("QUEUE", None)
    assert [(owner["id"], owner["userId"], owner["userIdIncludingInactive"]) for owner in gone] == [
        ("104", None, 9104)
    ]


def test_the_pipeline_says_as_text_which_stages_are_closed(start: Start) -> None:
    (pipeline,) = start().get("/crm/pipelines/2026-03/deals").json()["results"]
    assert pipeline["id"] == "default"
    closed = {
        stage["id"]: stage["metadata"]
        for stage in pipeline["stages"]
        if stage["metadata"]["isClosed"] == "true"
    }
    assert closed == {
        "closedwon": {"isClosed": "true", "probability": "1.0"},
        "closedlost": {"isClosed": "true", "probability": "0.0"},
    }


def test_the_account_gives_its_zone_and_currency(start: Start) -> None:
    for path in ("/account-info/v3/details", "/account-info/2026-03/details"):
        account = start().get(path).json()
        assert (account["timeZone"], account["companyCurrency"]) == ("Europe/Amsterdam", "EUR")
        assert account["utcOffset"] == "+02:00"


def test_property_definitions_say_which_are_calculated(start: Start) -> None:
    client = start()
    for path in ("/crm/v3/properties/deals", "/crm/properties/2026-09/0-3"):
        definitions = {one["name"]: one for one in client.get(path).json()["results"]}
        assert definitions["hs_is_closed_won"]["calculated"] is True
        assert definitions["dealstage"]["calculated"] is False
        assert definitions["amount"]["type"] == "number"


# --- the door


def test_a_wrong_token_is_a_401_and_a_malformed_one_a_530(start: Start) -> None:
    url = start().server.base_url + LAYOUTS[1] + "/contacts"
    wrong = requests.get(url, headers={"Authorization": "Bearer pat-eu1-other"}, timeout=10)
    assert wrong.status_code == 401
    assert wrong.json()["category"] == "INVALID_AUTHENTICATION"
    assert requests.get(url, timeout=10).status_code == 401
    for header in ("Bearer with space", TOKEN, 'Bearer "quoted"'):
        malformed = requests.get(url, headers={"Authorization": header}, timeout=10)
        assert malformed.status_code == 530
        assert "json" not in malformed.headers["Content-Type"]


def test_an_unknown_path_or_method_is_no_json(start: Start) -> None:
    client = start()
    assert client.get("/crm/v3/nothing").status_code == 404
    assert client.post(LAYOUTS[0] + "/contacts", {}).status_code == 405
    assert client.get(LAYOUTS[0] + "/starships").status_code == 400
