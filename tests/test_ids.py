"""The compact set of ids behaves as Python's own does, for numbers in any order and for everything else."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadrole.crm import windows
from leadrole.crm.ids import CHUNK, Ids, minus

NUMBER = st.integers(min_value=0, max_value=2**64).map(str)
ODD = st.sampled_from(["", "007", "1_0", " 5", "-3", "٣", "003x", "00Q5g00000ABCDE", "a1b2", "1.0", "+1"])
LISTS = st.lists(st.one_of(NUMBER, st.integers(0, 30).map(str), ODD), max_size=60)


@given(LISTS, LISTS)
def test_it_holds_what_a_set_holds(first: list[str], second: list[str]) -> None:
    ids, plain = Ids(first), set(first)
    assert (ids, len(ids)) == (plain, len(plain))
    numbers = _plain_numbers(plain)
    assert list(ids) == [*sorted(plain - numbers), *sorted(numbers, key=int)]
    assert all((item in ids) == (item in plain) for item in [*first, *second])
    assert ids.without(second) == [item for item in second if item not in plain]
    for other in (Ids(second), set(second)):
        assert set(minus(ids, other)) == plain - set(second)
        assert set(minus(other, ids)) == set(second) - plain
    for item in second:
        ids.discard(item)
    assert ids == plain - set(second)
    ids.update(second)
    assert ids == plain | set(second)


def _plain_numbers(ids: set[str]) -> set[str]:
    return {item for item in ids if item.isdecimal() and str(int(item)) == item and int(item) < 2**63}


@pytest.mark.parametrize("order", ["up", "down", "shuffled"])
def test_many_chunks_in_any_order(order: str) -> None:
    numbers = [str(7 * number) for number in range(5 * CHUNK)]
    arriving = {
        "up": numbers,
        "down": numbers[::-1],
        "shuffled": random.Random(3).sample(numbers, len(numbers)),
    }
    ids = Ids()
    for page in windows.chunks(arriving[order], 100):
        ids.update(page)
        ids.update(page[:3])
    assert list(ids) == numbers
    assert len(ids) == len(numbers)
    others = Ids([*numbers[:CHUNK], "3", "999999999", *numbers[CHUNK + 1 :]])
    assert (list(minus(others, ids)), list(minus(ids, others))) == (["3", "999999999"], [numbers[CHUNK]])


def test_a_million_ids_take_ten_megabytes() -> None:
    tracemalloc.start()
    ids = Ids(str(20_000_000_000 + 37 * number) for number in range(1_000_000))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ids) == 1_000_000
    assert held < 10_000_000
