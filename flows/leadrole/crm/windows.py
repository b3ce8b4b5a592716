"""Which stretch of time to read, how to page through it, and what two sets of ids tell: pure functions.

The rules were measured (docs/decisions.md): a closed window [lo, hi) with keyset paging by id, a settle time
behind the CRM's clock, an overlap over the last window and a comparison of ids lost nothing in 1,000
histories; "greater than the last stamp, page by offset" lost records in most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TypeVar

from leadrole.crm.ids import minus
from leadrole.errors import SourceContractError, SourceUnavailableError

Item = TypeVar("Item")
Key = TypeVar("Key", int, str)
ALLOWED_SKEW = timedelta(minutes=10)
# Losing one or two of three records is a normal night of a small team.
SMALLEST_SHRINK = 3


@dataclass(frozen=True)
class Window:
    """From `lo` (in) to `hi` (out)."""

    lo: datetime
    hi: datetime

    def __str__(self) -> str:
        return f"[{_text(self.lo)}, {_text(self.hi)})"

    @property
    def is_empty(self) -> bool:
        """Whether no moment lies in it, as after a clock that stepped back."""
        return self.hi <= self.lo


@dataclass(frozen=True)
class Reconciled:
    """What a walk over all ids shows beside what we know; neither is made before it is asked for."""

    walked: Set[str]
    known: tuple[Set[str], ...]

    @property
    def appeared(self) -> frozenset[str]:
        """The ids that the CRM has and we don't."""
        first, *others = self.known
        new = minus(self.walked, first)
        return frozenset(item for item in new if not any(item in other for other in others))

    @property
    def missing(self) -> frozenset[str]:
        """The ids that we have and the CRM no longer lists."""
        return frozenset(chain.from_iterable(minus(some, self.walked) for some in self.known))


def high_water(server: datetime, ours: datetime, *, settle: timedelta, max_skew: timedelta) -> datetime:
    """The end of tonight's window: behind the earlier of the two clocks by the settle time.

    A sandbox has its own clock; where more than ten minutes are allowed, its stamps and its clock belong
    together and ours says nothing.
    """
    skew = abs(server - ours)
    if skew > max_skew:
        raise SourceContractError(
            f"the clocks differ by {_span(skew)}: the CRM says {_text(server)}, this machine {_text(ours)}",
            next_step="set this machine's clock (NTP); at most max_clock_skew_minutes may lie between them",
        )
    earlier = server if skew > ALLOWED_SKEW else min(server, ours)
    end = (earlier - settle).astimezone(UTC)
    return end.replace(microsecond=end.microsecond // 1000 * 1000)


def next_window(closed_until: datetime, hi: datetime, *, overlap: timedelta) -> Window:
    """Tonight's window: it reads back over the last one, as rows may have become visible late."""
    return Window(closed_until - overlap, hi)


def is_full_due(last_full: datetime | None, now: datetime, *, every: timedelta) -> bool:
    """Whether everything is to be read again, which covers any delay."""
    # Nights never start at the very same second; half a day of grace keeps a weekly rhythm weekly.
    return last_full is None or now - last_full >= every - timedelta(hours=12)


def keyset(
    fetch: Callable[[Key], tuple[Sequence[Item], bool]], key_of: Callable[[Item], Key], start: Key
) -> Iterator[Sequence[Item]]:
    """Pages by "key greater than the last one".

    `fetch(last)` gives the rows after key `last` and whether the CRM says that more follow. An offset into a
    result that changes meanwhile skips records; a key can't.
    """
    last = start
    while True:
        rows, more = fetch(last)
        if rows:
            yield rows
        highest = max((key_of(row) for row in rows), default=last)
        if not rows or (highest <= last and more):
            if more and rows:
                raise SourceUnavailableError(
                    "paging loop: a page holds no id beyond the last page's",
                    next_step="run again later; if it stays, report it to the CRM's support",
                )
            return
        last = highest
        if not more:
            return


def follow(
    fetch: Callable[[str | None], tuple[Item, str | None]], start: str | None = None
) -> Iterator[Item]:
    """Pages by the CRM's own token; a token that comes twice is a loop."""
    seen: set[str] = set()
    token = start
    while True:
        page, token = fetch(token)
        yield page
        if token is None:
            return
        if token in seen:
            raise SourceUnavailableError(
                f"paging loop: the CRM sent the same next page twice after {len(seen)} pages",
                next_step="run again later; if it stays, report it to the CRM's support",
            )
        seen.add(token)


def by_number(record_id: str) -> tuple[int, str]:
    """A key that sorts ids as their CRM does: numbers by value, everything else as text."""
    return (int(record_id), record_id) if record_id.isdecimal() else (0, record_id)


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """`items` in lists of at most `size`."""
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def reconcile(held: Set[str], walked: Set[str], *known: Set[str]) -> Reconciled:
    """Which ids the CRM has and we don't, and which we have and the CRM no longer lists."""
    return Reconciled(walked, (held, *known))


def shrink_guard(object_name: str, before: int, after: int, *, accepted: bool = False) -> None:
    """Refuse a night in which more than half of the records are gone: more likely a fault than a clean-up."""
    lost = before - after
    if accepted or lost < SMALLEST_SHRINK or lost * 2 <= before:
        return
    raise SourceContractError(
        f"{object_name} fell from {before:,} to {after:,} (-{lost / before:.0%}); nothing was deleted",
        next_step="check that the key, the scopes or the export still cover everything; if the records were removed "
        "on purpose, run once with --accept-shrink",
    )


def total_guard(object_name: str, received: int, total: int) -> None:
    """Refuse a walk that ended early: the CRM's own count says there is more.

    Search lags behind the list by minutes, so a few records may differ.
    """
    tolerance = max(10, total // 100)
    if received < total - tolerance:
        raise SourceUnavailableError(
            f"{object_name}: received {received:,} of the {total:,} that the CRM counts",
            next_step="run again later; a partial night is never published",
        )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _span(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 2880 else f"{minutes // 1440} days"
