"""Windows, paging and sets of ids, without any CRM."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadrole.crm import windows
from leadrole.errors import SourceContractError, SourceUnavailableError

NOON = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEN = timedelta(minutes=10)


@pytest.mark.parametrize("ahead", [-5, 0, 5])
def test_the_window_ends_behind_the_earlier_clock(ahead: int) -> None:
    server = NOON + timedelta(minutes=ahead)
    end = windows.high_water(server, NOON, settle=MINUTE, max_skew=TEN)
    assert end == min(server, NOON) - MINUTE - timedelta(microseconds=456)


def test_clocks_that_are_a_day_apart_are_told_with_both_times() -> None:
    with pytest.raises(SourceContractError, match=r"2026-11-02T12:00:00Z.*2026-11-01T12:00:00Z"):
        windows.high_water(NOON + timedelta(days=1), NOON, settle=MINUTE, max_skew=TEN)


@pytest.mark.parametrize("days", [-300, 300])
def test_a_sandbox_is_read_by_its_own_clock(days: int) -> None:
    server = NOON + timedelta(days=days)
    end = windows.high_water(server, NOON, settle=MINUTE, max_skew=timedelta(days=1000))
    assert end == (server - MINUTE).replace(microsecond=123000)


def test_a_clock_that_stepped_back_gives_an_empty_window() -> None:
    assert windows.next_window(NOON, NOON - timedelta(hours=1), overlap=15 * MINUTE).is_empty
    assert not windows.next_window(NOON, NOON + MINUTE, overlap=15 * MINUTE).is_empty


def test_a_weekly_full_read_stays_weekly_when_nights_start_a_little_early() -> None:
    week = timedelta(days=7)
    assert windows.is_full_due(None, NOON, every=week)
    assert windows.is_full_due(NOON, NOON + week - MINUTE, every=week)
    assert not windows.is_full_due(NOON, NOON + timedelta(days=6), every=week)


@given(st.sets(st.integers(1, 10**18), max_size=80), st.integers(1, 30), st.integers(0, 200))
def test_paging_by_id_gives_every_record_that_stays_whatever_leaves(
    held: set[int], size: int, seed: int
) -> None:
    live = set(held)
    leaving = {number for index, number in enumerate(sorted(held)) if (index * 7 + seed) % 5 == 0}

    def fetch(last: int) -> tuple[Sequence[int], Sequence[int], bool]:
        rows = sorted(number for number in live if number > last)
        live.difference_update(leaving)  # touched while we read: they leave the window
        return rows[:size], rows[:size], len(rows) > size

    found = {row for page, _ in windows.keyset(fetch, 0) for row in page}
    assert held - leaving <= found <= held


def test_a_page_without_a_new_id_is_a_loop() -> None:
    with pytest.raises(SourceUnavailableError, match="paging loop"):
        list(windows.keyset(lambda last: ([5], [5], True), 0))


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"]], ids=["itself", "a cycle"])
def test_a_next_page_that_comes_twice_is_a_loop(tokens: list[str]) -> None:
    answers = iter(tokens * 3)
    with pytest.raises(SourceUnavailableError, match="paging loop"):
        list(windows.follow(lambda token: (token, next(answers))))


def test_an_empty_page_with_a_next_one_is_followed() -> None:
    pages = {None: ([], "a"), "a": ([1], None)}
    assert list(windows.follow(lambda token: pages[token])) == [[], [1]]  # type: ignore[index]


def test_a_walk_tells_what_appeared_and_what_is_gone() -> None:
    told = windows.reconcile({"1", "2"}, {"2", "3"})
    assert (told.appeared, told.missing) == ({"3"}, {"1"})


@pytest.mark.parametrize(("before", "after"), [(18_204, 7_611), (4, 1), (10, 0)])
def test_losing_more_than_half_is_refused(before: int, after: int) -> None:
    with pytest.raises(SourceContractError, match=f"fell from {before:,} to {after:,}"):
        windows.shrink_guard("deals", before, after)
    windows.shrink_guard("deals", before, after, accepted=True)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 50), (10, 5), (2, 0), (100, 120)])
def test_a_normal_night_passes_the_guard(before: int, after: int) -> None:
    windows.shrink_guard("deals", before, after)


def test_a_walk_that_is_shorter_than_the_crms_own_count_is_partial() -> None:
    with pytest.raises(SourceUnavailableError, match="7,611 of the 18,204"):
        windows.total_guard("deals", 7_611, 18_204)
    windows.total_guard("deals", 18_199, 18_204)  # search lags
    windows.total_guard("deals", 18_300, 18_204)


def test_chunks_hold_everything_in_order() -> None:
    assert list(windows.chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
