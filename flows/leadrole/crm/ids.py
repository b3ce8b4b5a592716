"""Sets of record ids in an eighth of the memory that Python's own take.

A night compares the ids that a CRM lists with those that we hold, so all of them are in memory at once. A
million of them as text in a `set` are 100 MB, and there are two or three such sets. Nearly all CRMs count
their records, and a number needs eight bytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, MutableSet, Set
from itertools import islice

CHUNK = 4096
LARGEST = 2**63
AT_ONCE = 10_000


class Ids(MutableSet[str]):
    """A set of ids that iterates in the order of their CRM: numbers by value, after everything else as text.

    Numbers lie in sorted chunks that do not overlap, so that a late one moves a few kilobytes and not all.
    Other ids, such as Salesforce's, are kept as they are.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._chunks: list[array[int]] = []
        self._highest: list[int] = []  # of each chunk
        self._texts: set[str] = set()
        self._count = 0
        self.update(ids)

    def update(self, ids: Iterable[str]) -> None:
        """Add all of `ids`."""
        several = iter(ids)
        while batch := list(islice(several, AT_ONCE)):
            numbers = _numbers(batch)
            if numbers is None:
                for item in batch:
                    self.add(item)
            else:
                self._add_numbers(sorted(set(numbers)))

    def add(self, value: str) -> None:
        """Add one id."""
        numbers = _numbers((value,))
        if numbers is None:
            self._texts.add(value)
        else:
            self._add_numbers(numbers)

    def discard(self, value: str) -> None:
        """Take one id out, if it is there."""
        numbers = _numbers((value,))
        if numbers is None:
            self._texts.discard(value)
            return
        at, place = self._place(numbers[0])
        if place is not None:
            chunk = self._chunks[at]
            del chunk[place]
            self._count -= 1
            if chunk:
                self._highest[at] = chunk[-1]
            else:
                del self._chunks[at], self._highest[at]

    def without(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that are not in the set, in their order."""
        batch = list(ids)
        numbers = _numbers(batch)
        # The usual case: a page of a list that goes up.
        if numbers and (not self._highest or min(numbers) > self._highest[-1]):
            return batch
        return [item for item in batch if item not in self]

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        numbers = _numbers((value,))
        if numbers is None:
            return value in self._texts
        return self._place(numbers[0])[1] is not None

    def __len__(self) -> int:
        return self._count + len(self._texts)

    def __iter__(self) -> Iterator[str]:
        yield from sorted(self._texts)
        for chunk in self._chunks:
            yield from map(str, chunk)

    def __repr__(self) -> str:
        return f"Ids({len(self)})"

    def _place(self, number: int) -> tuple[int, int | None]:
        """The chunk in which a number lies or would lie, and where it lies in it."""
        at = bisect_left(self._highest, number)
        if at == len(self._chunks):
            return at, None
        chunk = self._chunks[at]
        place = bisect_left(chunk, number)
        return at, place if chunk[place] == number else None

    def _add_numbers(self, numbers: list[int]) -> None:
        """Add numbers that go up."""
        if self._highest and numbers and numbers[0] <= self._highest[-1]:
            for number in numbers:
                self._insert(number)
            return
        for start in range(0, len(numbers), CHUNK):
            piece = array("Q", numbers[start : start + CHUNK])
            if self._chunks and len(self._chunks[-1]) + len(piece) <= CHUNK:
                self._chunks[-1].extend(piece)
                self._highest[-1] = piece[-1]
            else:
                self._chunks.append(piece)
                self._highest.append(piece[-1])
        self._count += len(numbers)

    def _insert(self, number: int) -> None:
        at = min(bisect_left(self._highest, number), len(self._chunks) - 1)
        chunk = self._chunks[at]
        place = bisect_left(chunk, number)
        if place < len(chunk) and chunk[place] == number:
            return
        chunk.insert(place, number)
        self._count += 1
        if len(chunk) > 2 * CHUNK:
            self._chunks[at : at + 1] = [chunk[:CHUNK], chunk[CHUNK:]]
            self._highest[at : at + 1] = [chunk[CHUNK - 1], chunk[-1]]
        else:
            self._highest[at] = chunk[-1]

    def _minus(self, other: Ids) -> Iterator[str]:
        """What is in this set alone, without looking at one id after the other where both are alike."""
        yield from self._texts - other._texts
        for chunk in self._chunks:
            first = bisect_left(other._highest, chunk[0])
            last = bisect_left(other._highest, chunk[-1])
            near = other._chunks[first : last + 1]
            if chunk not in near:
                yield from map(str, sorted(set(chunk).difference(*near)))


def minus(these: Set[str], those: Set[str]) -> Iterable[str]:
    """Which of `these` are not among `those`."""
    if isinstance(these, Ids) and isinstance(those, Ids):
        return these._minus(those)
    return (item for item in these if item not in those)


def _numbers(ids: list[str] | tuple[str, ...]) -> list[int] | None:
    """The ids as numbers, if every one of them is nothing but a number, written as numbers are."""
    try:
        numbers = list(map(int, ids))
    except ValueError:
        return None
    # "007" and "1_0" are texts: they must come out as they went in.
    if "".join(map(str, numbers)) != "".join(ids) or (
        numbers and not 0 <= min(numbers) <= max(numbers) < LARGEST
    ):
        return None
    return numbers
