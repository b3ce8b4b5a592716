"""What is landed: odd text, packing behind the reading, and a failure there that is not lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadrole import landing
from leadrole.errors import SourceUnavailableError, StorageError
from leadrole.landing import Helper, LandingWriter

NOW = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
ODD = st.sampled_from(
    ["\x00", "\\u0000", "\\\x00", "\ud800", "\udc00\ud800", "\n", "\u2028", '"', "\x7f", "€"]
)
VALUE = st.one_of(st.none(), st.booleans(), st.integers(-(2**80), 2**80), TEXT, ODD)
ROWS = st.lists(st.dictionaries(st.sampled_from(["id", "a", "b"]), VALUE, max_size=3), max_size=6)


def bearable(value: Any) -> Any:
    """What of a value can be kept: no NUL and no half of a surrogate pair."""
    if not isinstance(value, str):
        return value
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\x00", "\ufffd")


@given(ROWS)
def test_every_line_is_one_record_and_holds_it_to_the_letter(rows: list[dict[str, Any]]) -> None:
    lines = landing.encode_lines(rows).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == [
        {name: bearable(value) for name, value in row.items()} for row in rows
    ]
    assert lines == [landing.encode(row) for row in rows]


def writer(directory: Path, run_id: str = "20261101T020000Z") -> LandingWriter:
    return LandingWriter(directory, source="crm", run_id=run_id, shape="a")


def test_pages_keep_their_order_and_their_envelope(tmp_path: Path) -> None:
    with writer(tmp_path) as landed:
        for page in range(50):
            rows = [{"id": str(page * 100 + number), "text": "line\nend" * 50} for number in range(100)]
            landed.write("contacts", "list", rows, NOW, window="w")
        landed.object("contacts").write({"id": "last"}, endpoint="one", page=51, received_at=NOW)
        files = landed.close()
    assert files[0].rows == 5001
    found = list(landing.read(tmp_path, files[0]))
    assert [line["record"]["id"] for line in found] == [*map(str, range(5000)), "last"]
    assert {(line["endpoint"], line["window"], line["run_id"]) for line in found[:-1]} == {
        ("list", "w", "20261101T020000Z")
    }
    assert [line["page"] for line in found[::100]] == list(range(1, 52))


def test_what_breaks_off_is_gone_on_with_after_its_last_mark(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError), writer(tmp_path) as landed:
        landed.keep_progress(NOW)
        for page in range(3):
            rows = [{"id": str(page), "text": "x" * 5000 * (page == 1)}]
            landed.write("contacts", "list", rows, NOW)
            landed.mark("contacts/walk", str(page))
        landed.write("contacts", "list", [{"id": "lost"}] * 5000, NOW)
        raise SourceUnavailableError("gone", next_step="later")
    with writer(tmp_path, "20261102T020000Z") as landed:
        assert landed.is_resumed
        reached = landed.reached("contacts/walk")
        assert reached is not None and reached.following == "2"
        assert list(landed.landed_ids("contacts")) == ["0", "1", "2"]
        landed.write("contacts", "list", [{"id": "3"}], NOW)
        files = landed.close()
    assert [line["record"]["id"] for line in landing.read(tmp_path, files[0])] == ["0", "1", "2", "3"]
    assert files[0].longest > 5000  # of the part that another run read, too


def test_no_line_is_longer_than_the_manifest_says(tmp_path: Path) -> None:
    with writer(tmp_path) as landed:
        for length in (10, 3000, 20):
            landed.write("contacts", "list", [{"id": "1"}, {"id": "2", "text": "é" * length}], NOW)
        file = landed.close()[0]
    longest = max(len(landing.encode(line)) for line in landing.read(tmp_path, file))
    assert longest < file.longest < 2 * longest


def test_a_disk_that_is_full_ends_the_read_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"), writer(tmp_path) as landed:
        landed.write("contacts", "list", [{"id": "1"}], NOW)
        monkeypatch.setattr(landed.object("contacts"), "_packer", type("Full", (), {"write": full})())
        landed.write("contacts", "list", [{"id": "2"}], NOW)
        landed.close()
    assert not list(tmp_path.rglob("*.zst"))


def test_nothing_is_done_after_a_failure() -> None:
    done: list[int] = []
    helper = Helper()
    helper.do(lambda: done.append(1))
    helper.do(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        for _ in range(10_000):
            helper.do(lambda: done.append(2))
    with pytest.raises(ZeroDivisionError):
        helper.finish()
    assert done == [1]
