"""The loop that talks to a CRM, against real sockets."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from leadrole.crm.auth import KeyAuth
from leadrole.crm.client import Client, RateLimiter, Reply
from leadrole.crm.hubspot import quirks
from leadrole.errors import AuthError, SourceContractError, SourceUnavailableError
from leadrole.privacy import redact
from support.wire import Answer, Wire, chunked_cut, drip, http, silence, without_length

TOKEN = "pat-eu1-secret-canary-0815"
GOOD = http('{"results": []}')
NOW = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
LIMITED = "429 Too Many Requests"


def client(base_url: str, waits: list[float], **more: Any) -> Client:
    clock = time.monotonic
    limits = RateLimiter(10**6, 10, monotonic=clock, sleep=waits.append)
    return Client(
        base_url,
        auth=KeyAuth(TOKEN),
        secrets=[TOKEN],
        explain=quirks.explain,
        limiter=limits,
        search_limiter=limits,
        clock=lambda: NOW,
        sleep=waits.append,
        **more,
    )


def ask(answers: Sequence[Answer], **more: Any) -> tuple[Reply, list[float], list[bytes]]:
    waits: list[float] = []
    with Wire(answers) as wire, client(wire.base_url, waits, **more) as session:
        return session.get("/crm/owners/2026-03"), waits, wire.requests


def refusal(
    answers: Sequence[Answer], error: type[Exception], **more: Any
) -> tuple[str, list[float], list[bytes]]:
    waits: list[float] = []
    with Wire(answers) as wire, client(wire.base_url, waits, **more) as session:
        with pytest.raises(error) as caught:
            session.get("/crm/owners/2026-03")
        return str(caught.value), waits, wire.requests


def limited(policy: str | None = None, **headers: str) -> bytes:
    body = {"status": "error", "message": "limit", "errorType": "RATE_LIMIT"}
    return http(json.dumps(body | ({"policyName": policy} if policy else {})), status=LIMITED, **headers)


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        pytest.param(limited(Retry_After="3"), 3.0, id="seconds"),
        pytest.param(
            limited(Date="Sun, 01 Nov 2026 02:00:00 GMT", Retry_After="Sun, 01 Nov 2026 02:00:07 GMT"),
            7.0,
            id="date",
        ),
        pytest.param(limited(), 10.0, id="absent"),
        pytest.param(limited(Retry_After="-5"), 10.0, id="negative"),
        pytest.param(limited(Retry_After="abc"), 10.0, id="not a number"),
        pytest.param(limited("SECONDLY"), 1.0, id="policy of a second"),
        pytest.param(limited("TEN_SECONDLY_ROLLING"), 10.0, id="policy of ten seconds"),
    ],
)
def test_a_limited_call_waits_as_long_as_it_is_told(answer: bytes, pause: float) -> None:
    reply, waits, requests = ask([answer, GOOD])
    assert reply.body == {"results": []}
    assert waits == [pause]
    assert len(requests) == 2


def test_a_wait_of_a_day_ends_the_night() -> None:
    text, waits, requests = refusal([limited(Retry_After="86400")], SourceUnavailableError)
    assert "24.0 hours" in text
    assert (waits, len(requests)) == ([], 1)


def test_the_daily_limit_ends_the_night_at_once() -> None:
    text, _, requests = refusal([limited("DAILY")], SourceUnavailableError)
    assert "daily limit" in text
    assert len(requests) == 1


def test_a_limit_that_never_ends_is_given_up() -> None:
    text, _, requests = refusal([limited()], SourceUnavailableError)
    assert "rate_limit" in text
    assert len(requests) == 31


@pytest.mark.parametrize("status", ["401 Unauthorized", "530 Origin"])
def test_a_refused_key_is_tried_twice_and_named(status: str) -> None:
    text, waits, requests = refusal([http('{"status":"error"}', status=status)], AuthError)
    assert "token_env" in text
    assert len(requests) == 2
    assert sum(waits) < 5
    assert TOKEN not in text


def test_a_401_in_the_middle_is_retried_once() -> None:
    reply, _, requests = ask([http("{}", status="401 Unauthorized"), GOOD])
    assert reply.body == {"results": []}
    assert len(requests) == 2


def test_a_missing_scope_is_named() -> None:
    body = {
        "status": "error",
        "category": "MISSING_SCOPES",
        "errors": [{"context": {"requiredGranularScopes": ["crm.objects.deals.read"]}}],
    }
    text, _, requests = refusal([http(json.dumps(body), status="403 Forbidden")], AuthError)
    assert "crm.objects.deals.read" in text
    assert len(requests) == 1


@pytest.mark.parametrize("status", ["500 Error", "502 Bad Gateway", "503 Busy", "504 Timeout", "521 Down"])
def test_a_broken_server_is_asked_again_until_it_answers(status: str) -> None:
    broken = http("<html>oops</html>", status=status, kind="text/html")
    reply, waits, _ = ask([broken, broken, broken, GOOD])
    assert reply.body == {"results": []}
    assert waits == [1.0, 2.0, 4.0]


def test_a_server_that_stays_broken_is_given_up() -> None:
    text, waits, requests = refusal([http("{}", status="500 Error")], SourceUnavailableError)
    assert "gave up after 6 tries" in text
    assert len(requests) == 6
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(http('{"results": [', length=5000), id="shorter than its length"),
        pytest.param(chunked_cut(b'{"results": []'), id="chunks without an end"),
        pytest.param(without_length(b'{"results": [{"id": "1"}'), id="no length, cut inside"),
        pytest.param(lambda connection: None, id="closed without a word"),
    ],
)
def test_a_body_that_ends_early_is_asked_for_again(cut: Answer) -> None:
    reply, waits, requests = ask([cut, GOOD])
    assert reply.body == {"results": []}
    assert (waits, len(requests)) == ([1.0], 2)


def test_a_drip_meets_the_total_deadline() -> None:
    began = time.monotonic()
    text, _, _ = refusal([drip], SourceUnavailableError, total_seconds=0.1)
    assert "longer than 0.1 s" in text
    assert time.monotonic() - began < 5


def test_a_silent_server_meets_the_read_timeout() -> None:
    text, _, _ = refusal([silence], SourceUnavailableError, read_seconds=0.1)
    assert "sent nothing" in text


def test_nobody_listening_is_told_as_unavailable() -> None:
    with Wire([GOOD]) as wire:
        url = wire.base_url
    with client(url, []) as session, pytest.raises(SourceUnavailableError, match="connection with"):
        session.get("/crm/owners/2026-03")


def test_a_gzip_bomb_is_stopped_while_it_comes() -> None:
    bomb = gzip.compress(b" " * 80_000_000)
    answer = http(bomb, Content_Encoding="gzip")
    text, _, requests = refusal([answer], SourceUnavailableError, max_body_bytes=8 * 1024 * 1024)
    assert "larger than 8 MiB" in text
    assert len(requests) == 1


def test_a_login_page_is_a_matter_of_the_key() -> None:
    text, _, _ = refusal([http("<html>Log in</html>", kind="text/html; charset=utf-8")], AuthError)
    assert "text/html" in text


@pytest.mark.parametrize(
    "answer", [http(""), b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"], ids=["200", "204"]
)
def test_an_empty_answer_is_no_answer(answer: bytes) -> None:
    text, _, _ = refusal([answer], SourceUnavailableError)
    assert "empty" in text


def test_an_error_with_status_200_is_an_error() -> None:
    body = '{"status": "error", "message": "Internal problem", "category": "VALIDATION_ERROR"}'
    text, _, _ = refusal([http(body)], SourceUnavailableError)
    assert "Internal problem" in text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 200_000 + b"]" * 200_000, id="nested too deep"),
        pytest.param(b'{"a": "\xff\xfe"}', id="not UTF-8"),
    ],
)
def test_a_body_that_cannot_be_records_breaks_the_contract(body: bytes) -> None:
    refusal([http(body)], SourceContractError)


def test_a_byte_order_mark_is_no_fault() -> None:
    reply, _, _ = ask([http(b"\xef\xbb\xbf" + b'{"results": []}')])
    assert reply.body == {"results": []}


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/crm",
        "//evil.example/crm",
        "http://127.0.0.1:1/crm",
        "https://127.0.0.1/crm",
        "http://127.0.0.1@evil.example/",
        "file:///etc/passwd",
        "http://127.0.0.1\\@evil.example/",
    ],
)
def test_a_next_link_that_leaves_the_origin_is_refused(link: str) -> None:
    with (
        client("http://127.0.0.1:8080", []) as session,
        pytest.raises(SourceUnavailableError, match="refused: next"),
    ):
        session.check_link(link)


def test_a_relative_next_link_stays_home() -> None:
    with client("http://127.0.0.1:8080", []) as session:
        session.check_link("/crm/owners?after=1")
        session.check_link("http://127.0.0.1:8080/crm/owners?after=1")


def test_a_redirect_is_refused_and_the_other_host_is_never_asked() -> None:
    with Wire([GOOD]) as evil:
        text, _, _ = refusal(
            [http("", status="302 Found", Location=evil.base_url + "/x")], SourceUnavailableError
        )
        assert evil.requests == []
    assert "redirects to http://127.0.0.1" in text


def test_netrc_and_proxies_of_the_machine_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / ".netrc").write_text("default login evil password evil\n")
    with Wire([GOOD]) as proxy:
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base_url)
        monkeypatch.delenv("no_proxy", raising=False)
        _, _, requests = ask([GOOD])
        assert proxy.requests == []
    assert f"Authorization: Bearer {TOKEN}".encode() in requests[0]


def test_the_key_stands_in_no_message_in_any_shape() -> None:
    body = json.dumps({"status": "error", "message": f"bad key Bearer {TOKEN}", "category": "X"})
    text, _, _ = refusal([http(body, status="400 Bad Request")], SourceUnavailableError)
    assert TOKEN not in text
    for shape in (TOKEN, TOKEN[::-1], json.dumps(TOKEN), TOKEN[-8:], TOKEN[:8]):
        assert shape not in redact(f"x {shape} y", [TOKEN]) or shape.startswith('"')
    assert TOKEN not in repr(KeyAuth(TOKEN))


def test_calls_never_go_over_the_limit() -> None:
    now = [0.0]
    starts: list[float] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    limiter = RateLimiter(5, 10, monotonic=lambda: now[0], sleep=sleep)
    for _ in range(23):
        limiter.wait()
        starts.append(now[0])
        now[0] += 0.01
    assert all(later - earlier > 10 for earlier, later in zip(starts, starts[5:], strict=False))
    assert now[0] < 50
