"""The log's events as database transactions: stamped when they start, seen by others when they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from leadrole.sandbox.log import Event, History
from leadrole.sandbox.odoo.catalog import Settings

BATCH_GAP = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Moment:
    """An event as a transaction: when it started, what it stamps, and from when on others see it."""

    place: int
    event: Event
    started: datetime
    stamp: datetime
    visible: datetime


def transactions(history: History, settings: Settings) -> Iterator[Moment]:
    """Give the events in order with the transactions they are part of.

    Every stamp is the transaction's start. With `bulk_seconds` an import of several rows is one transaction,
    any other event one that may last a while, and one that waits for a row others still write ends after them.
    """
    events = history.events
    ends: dict[str, datetime] = {}
    starts = _batches(history, settings)
    for place, event in enumerate(events):
        first, last = starts.get(place, (place, place))
        started = events[first].at
        stamp = started + timedelta(microseconds=_draw(settings.seed, "us", first, 1000))
        visible = max(
            events[last].at, started + timedelta(seconds=_lasts(settings, first, is_bulk=first != last))
        )
        if settings.bulk_seconds:
            keys = _keys(event)
            visible = max([visible, *(ends[key] for key in keys if key in ends)])
            for key in keys:
                ends[key] = visible
        yield Moment(place, event, event.at, stamp, visible)


def _batches(history: History, settings: Settings) -> dict[int, tuple[int, int]]:
    """Give for every imported row the first and the last event of its import."""
    batches: dict[int, tuple[int, int]] = {}
    if not settings.bulk_seconds:
        return batches
    running: dict[str | None, list[int]] = {}

    def close(places: list[int]) -> None:
        for place in places:
            batches[place] = (places[0], places[-1])

    for place, event in enumerate(history.events):
        if event.kind != "contact_created" or event.data["origin"] != "import":
            continue
        places = running.get(event.by)
        if places and event.at - history.events[places[-1]].at <= BATCH_GAP:
            places.append(place)
        else:
            close(places or [])
            running[event.by] = [place]
    for places in running.values():
        close(places)
    return batches


def _lasts(settings: Settings, place: int, *, is_bulk: bool) -> int:
    """Give how long a transaction lasts: most are over at once, an import is not."""
    if not settings.bulk_seconds or (not is_bulk and _draw(settings.seed, "long", place, 4)):
        return 0
    return _draw(settings.seed, "lasts", place, settings.bulk_seconds + 1)


def _keys(event: Event) -> list[str]:
    data = event.data
    named = [event.subject, *data.get("merged", ()), *data.get("contacts", ())]
    named += [data[name] for name in ("contact", "deal", "to_id") if data.get(name)]
    return named


def _draw(seed: int, name: str, place: int, sides: int) -> int:
    digest = blake2b(f"{seed}:{name}:{place}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) % sides
