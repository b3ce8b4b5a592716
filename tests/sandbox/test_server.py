"""The server: its clock, its ledger, and each fault it can be told to make."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import requests

from leadrole.sandbox import Faults, Population

from .conftest import TOKEN, Client

Start = Callable[..., Client]
CONTACTS = "/crm/objects/2026-03/contacts"


def test_the_date_header_and_the_records_follow_the_set_clock(start: Start) -> None:
    client = start()
    reply = client.get(CONTACTS, limit=1)
    assert reply.headers["Date"] == "Tue, 01 Sep 2026 02:00:00 GMT"
    before = len(client.walk(CONTACTS, limit=100))
    client.server.set_now(datetime(2026, 9, 15, 2, tzinfo=UTC))
    assert client.get(CONTACTS, limit=1).headers["Date"] == "Tue, 15 Sep 2026 02:00:00 GMT"
    assert len(client.walk(CONTACTS, limit=100)) > before


def test_a_clock_without_a_zone_is_refused(start: Start) -> None:
    with pytest.raises(ValueError, match="zone"):
        start().server.set_now(datetime(2026, 9, 1))


def test_the_ledger_has_method_path_and_status_and_no_token(start: Start) -> None:
    client = start()
    client.get(CONTACTS, limit=1)
    client.post(CONTACTS + "/search", {"limit": 500})
    assert [(call.method, call.path, call.status) for call in client.server.calls] == [
        ("GET", CONTACTS, 200),
        ("POST", CONTACTS + "/search", 400),
    ]
    assert client.server.calls[1].body == '{"limit": 500}'
    assert TOKEN not in repr(client.server.calls)
    assert client.server.count("search", 400) == 1


def test_a_connection_is_kept_for_the_next_call(start: Start) -> None:
    client = start()
    for _ in range(3):
        reply = client.get(CONTACTS, limit=1)
    assert reply.raw.version == 11
    assert "close" not in reply.headers.get("Connection", "")


def test_a_first_load_takes_seconds(start: Start, company: Population) -> None:
    client = start(company, now=datetime(2026, 11, 1, 2, tzinfo=UTC))
    began = time.process_time()
    for name in ("contacts", "deals", "calls", "emails", "meetings"):
        client.walk(f"/crm/objects/2026-03/{name}", limit=100)
    assert time.process_time() - began < 6


def test_a_status_comes_as_often_as_asked(start: Start) -> None:
    client = start(faults=Faults().status("search", 429, times=2, headers={"Retry-After": "1"}))
    replies = [client.post(CONTACTS + "/search", {}) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert replies[0].headers["Retry-After"] == "1"
    assert replies[0].json()["message"] == "You have reached your secondly limit."
    assert "X-HubSpot-RateLimit-Max" not in replies[0].headers


def test_a_429_of_a_list_names_its_policy(start: Start) -> None:
    body = start(faults=Faults().status("GET .*contacts", 429)).get(CONTACTS).json()
    assert (body["policyName"], body["errorType"]) == ("TEN_SECONDLY_ROLLING", "RATE_LIMIT")


def test_the_daily_limit_is_not_cured_by_waiting(start: Start) -> None:
    client = start(faults=Faults().daily_limit_after(2))
    replies = [client.get(CONTACTS, limit=1) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 429, 429]
    assert replies[-1].json()["policyName"] == "DAILY"


def test_a_token_expires_in_the_middle(start: Start) -> None:
    client = start(faults=Faults().expire_token_after(1, times=1))
    assert [client.get(CONTACTS).status_code for _ in range(3)] == [200, 401, 200]
    client.server.set_faults(Faults().expire_token_after(0))
    assert client.get(CONTACTS).json()["category"] == "EXPIRED_AUTHENTICATION"


def test_a_removed_scope_is_named_in_the_403(start: Start) -> None:
    client = start(faults=Faults().scope_removed("crm.objects.deals.read"))
    reply = client.get("/crm/objects/2026-03/deals")
    assert reply.status_code == 403
    assert reply.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.deals.read"]
    assert client.get(CONTACTS).status_code == 200


def test_a_dropped_connection_gives_no_answer_and_the_next_call_works(start: Start) -> None:
    client = start(faults=Faults().drop_connection("contacts"))
    with pytest.raises(requests.ConnectionError):
        requests.get(
            client.server.base_url + CONTACTS, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5
        )
    assert client.server.calls[0].status == 0
    assert client.get(CONTACTS).status_code == 200


def test_a_truncated_body_is_noticed_by_the_client(start: Start) -> None:
    client = start(faults=Faults().truncate_body("contacts"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get(CONTACTS)


def test_a_garbled_body_is_no_json(start: Start) -> None:
    reply = start(faults=Faults().garble_body("contacts")).get(CONTACTS)
    assert reply.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        reply.json()


def test_a_slow_body_is_whole_in_the_end(start: Start) -> None:
    client = start(faults=Faults().slow_drip("contacts", seconds=0.01))
    began = time.monotonic()
    assert len(client.get(CONTACTS).json()["results"]) == 10
    assert time.monotonic() - began > 0.05


def test_a_login_page_is_no_json(start: Start) -> None:
    reply = start(faults=Faults().html_login_page("contacts")).get(CONTACTS)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html;charset=utf-8")


def test_everything_can_be_empty(start: Start) -> None:
    client = start(faults=Faults().empty_everything())
    assert client.get(CONTACTS).json() == {"results": []}
    assert client.post(CONTACTS + "/search", {}).json() == {"total": 0, "results": []}
    client.server.set_faults(Faults().null_results("contacts"))
    assert client.get(CONTACTS).json()["results"] is None


def test_the_last_page_can_go_missing_without_a_word(start: Start) -> None:
    client = start(max_page=20)
    whole = client.walk(CONTACTS, limit=100)
    client.server.set_faults(Faults().omit_last_page("contacts"))
    short = client.walk(CONTACTS, limit=100)
    assert short == whole[: len(short)]
    assert 0 < len(whole) - len(short) <= 20


def test_the_next_page_can_be_somewhere_else_or_the_same(start: Start) -> None:
    client = start(faults=Faults().next_points_to("contacts", "http://198.51.100.7/next"))
    assert client.get(CONTACTS, limit=5).json()["paging"]["next"]["link"] == "http://198.51.100.7/next"
    client.server.set_faults(Faults().loop_next("contacts"))
    first = client.get(CONTACTS, limit=5).json()
    again = client.get(CONTACTS, limit=5, after=first["paging"]["next"]["after"]).json()
    assert again["results"] == first["results"]
    assert again["paging"]["next"]["after"] == first["paging"]["next"]["after"]


def test_a_page_can_come_twice_over(start: Start) -> None:
    rows = start(faults=Faults().duplicate_page("contacts")).get(CONTACTS, limit=5).json()["results"]
    assert rows[:5] == rows[5:]


def test_a_batch_can_fail_in_part(start: Start) -> None:
    client = start(faults=Faults().partial_batch("batch/read"))
    ids = [row["id"] for row in client.get(CONTACTS, limit=5).json()["results"]]
    reply = client.post(CONTACTS + "/batch/read", {"inputs": [{"id": one} for one in ids]})
    assert reply.status_code == 207
    assert [row["id"] for row in reply.json()["results"]] == ids[:-1]
    assert reply.json()["errors"][0]["context"]["ids"] == ids[-1:]


def test_values_can_be_of_the_wrong_kind(start: Start) -> None:
    faults = Faults().value("deals", "amount", "N/A", every=2).value("deals", "createdate", "epoch_ms")
    rows = (
        start(faults=faults)
        .get("/crm/objects/2026-03/deals", limit=20, properties="amount")
        .json()["results"]
    )
    for row in rows:
        assert (row["properties"]["amount"] == "N/A") == (int(row["id"]) % 2 == 0)
        assert row["properties"]["createdate"].isdigit()


def test_a_property_and_a_stage_can_disappear(start: Start) -> None:
    client = start(faults=Faults().property_removed("deals", "amount").stage_unlisted("contractsent"))
    row = client.get("/crm/objects/2026-03/deals", limit=1, properties="amount,dealstage").json()["results"][
        0
    ]
    assert "amount" not in row["properties"]
    stages = client.get("/crm/pipelines/2026-03/deals").json()["results"][0]["stages"]
    assert "contractsent" not in {stage["id"] for stage in stages}


def test_the_clock_can_move_on_while_a_client_pages(start: Start) -> None:
    client = start(faults=Faults().advance_clock("contacts", seconds=86_400, after=1))
    client.get(CONTACTS, limit=5)
    before = client.server.now
    client.get(CONTACTS, limit=5)
    client.get(CONTACTS, limit=5)
    assert client.server.now == before + timedelta(days=1)


def test_limits_are_kept_when_asked(start: Start) -> None:
    client = start(enforce_limits=True, per_10_seconds=3)
    replies = [client.get(CONTACTS, limit=1) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["X-HubSpot-RateLimit-Remaining"] for reply in replies] == ["2", "1", "0", "0"]
