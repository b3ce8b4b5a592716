"""What an answer's JSON becomes: numbers exact, odd texts borne with, a shape only where it fits."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from leadrole.crm.client import Client, RateLimiter
from support.wire import Wire, http

HUGE = "123456789012345678901234567890"


class Named(msgspec.Struct):
    name: str


def body(
    text: str | bytes, *, numbers_as_text: bool = False, shape: Any = None, status: str = "200 OK"
) -> Any:
    limits = RateLimiter(10**6, 10, monotonic=time.monotonic, sleep=time.sleep)
    with (
        Wire([http(text, status=status)]) as wire,
        Client(
            wire.base_url,
            auth=None,
            secrets=[],
            explain=lambda status, body: None,
            limiter=limits,
            numbers_as_text=numbers_as_text,
            clock=lambda: datetime.now(UTC),
        ) as client,
    ):
        return client.get("/x", shape=shape).body


@pytest.mark.parametrize("opening", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
@pytest.mark.parametrize(
    ("text", "plain", "as_text"),
    [
        ("1.10", 1.1, "1.10"),
        ("1E5", 100000.0, "1E5"),
        ("0.1234567890123456789", 0.12345678901234568, "0.1234567890123456789"),
        ("-0.0", -0.0, "-0.0"),
        ("12", 12, 12),
        (HUGE, int(HUGE), int(HUGE)),
        ("-9223372036854775809", -9223372036854775809, -9223372036854775809),
        ("1e400", "1e400", "1e400"),
        ("NaN", "NaN", "NaN"),
        ("-Infinity", "-Infinity", "-Infinity"),
        ('"\\ud800"', "\ud800", "\ud800"),
        ('"a\\u0000b"', "a\x00b", "a\x00b"),
        ("null", None, None),
        ("true", True, True),
    ],
)
def test_a_value_is_what_was_sent(opening: str, text: str, plain: Any, as_text: Any) -> None:
    answer = f'{opening}{{"a": [{text}], "b": {text}}}'
    for expected, wanted in ((plain, False), (as_text, True)):
        found = body(answer, numbers_as_text=wanted)
        assert found == {"a": [expected], "b": expected}
        assert type(found["b"]) is type(expected)


def test_a_body_that_fits_is_decoded_to_its_shape_and_any_other_is_not() -> None:
    shape = msgspec.json.Decoder(Named)
    assert body('{"name": "x", "more": 1}', shape=shape) == Named("x")
    assert body('{"name": 1}', shape=shape) == {"name": 1}
    assert body('\ufeff{"name": "x"}', shape=shape) == {"name": "x"}
    assert body('{"name": "\\ud800"}', shape=shape) == {"name": "\ud800"}
