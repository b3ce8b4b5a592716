"""Incidence and comparisons in plain Python, one subject after the other: what the SQL is judged by."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from leadrole.sandbox.truth import Cycle, Truth

Fate = Literal["event", "competing", "censored"]
Sample = Sequence[tuple[float, Fate]]
Z = 1.959963984540054
ZONE = ZoneInfo("Europe/Amsterdam")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """The curve right after one distinct time."""

    t: float
    at_risk: int
    events: int
    competing: int
    survival: float
    incidence: float
    low: float | None
    high: float | None


def aalen_johansen(sample: Sample) -> list[Step]:
    """The textbook estimate; its variance as the double sum over earlier times that it is."""
    steps: list[Step] = []
    survival, incidence = 1.0, 0.0
    past: list[tuple[int, int, int, float, float]] = []
    for t in sorted({time for time, _ in sample}):
        at_risk = sum(time >= t for time, _ in sample)
        events = sum(time == t and fate == "event" for time, fate in sample)
        competing = sum(time == t and fate == "competing" for time, fate in sample)
        incidence += survival * events / at_risk
        past.append((at_risk, events, events + competing, survival, incidence))
        survival *= 1 - (events + competing) / at_risk
        variance = 0.0
        for n, own, settled, before, then in past:
            if settled < n:
                variance += (incidence - then) ** 2 * settled / (n * (n - settled))
            variance += before**2 * own * (n - own) / n**3
            variance -= 2 * (incidence - then) * before * own / n**2
        low = high = None
        if 0 < incidence < 1 - 1e-12:
            width = Z * math.sqrt(max(variance, 0.0)) / (incidence * abs(math.log(incidence)))
            low, high = incidence ** math.exp(width), incidence ** math.exp(-width)
        steps.append(Step(t, at_risk, events, competing, survival, incidence, low, high))
    return steps


def incidence_at(sample: Sample, horizon: float) -> Step | None:
    """The last step up to the horizon; None when nobody was followed that far and some still waited."""
    steps = aalen_johansen(sample)
    seen = [step for step in steps if step.t <= horizon]
    is_followed = any(time >= horizon for time, _ in sample) or (bool(seen) and seen[-1].survival < 1e-12)
    if not is_followed:
        return None
    return seen[-1] if seen else Step(0.0, len(sample), 0, 0, 1.0, 0.0, None, None)


def days(start: datetime, end: datetime) -> float:
    """Days between two moments; nothing happens before the start."""
    return max(0.0, (end - start) / DAY)


def month_of(moment: datetime) -> date:
    """The local month of a moment."""
    return moment.astimezone(ZONE).date().replace(day=1)


def fate(start: datetime, event: datetime | None, loss: datetime | None, cut: datetime) -> tuple[float, Fate]:
    """How long, and what came of it."""
    if event is not None:
        return days(start, event), "event"
    if loss is not None:
        return days(start, loss), "competing"
    return days(start, cut), "censored"


def unqualified_at(cycle: Cycle) -> datetime | None:
    """When a cycle ended without success."""
    return cycle.closed_at if cycle.outcome in ("disqualified", "expired") else None


def qualified_sample(cycles: Iterable[Cycle], cut: datetime) -> Sample:
    """From entry to qualification; for an outbound cycle entry is the first touch."""
    return [fate(cycle.entered_at, cycle.qualified_at, unqualified_at(cycle), cut) for cycle in cycles]


def customer_sample(cycles: Iterable[Cycle], cut: datetime) -> Sample:
    """From entry to customer."""
    return [
        fate(cycle.entered_at, cycle.customer_at, unqualified_at(cycle) or cycle.lost_at, cut)
        for cycle in cycles
    ]


def handover_sample(cycles: Iterable[Cycle], cut: datetime) -> Sample:
    """From qualification to customer."""
    return [
        fate(cycle.qualified_at, cycle.customer_at, cycle.lost_at, cut)
        for cycle in cycles
        if cycle.qualified_at is not None
    ]


def cohorts(truth: Truth) -> dict[str, dict[date, Sample]]:
    """The sample of each month and metric."""
    groups: dict[tuple[str, date], list[Cycle]] = defaultdict(list)
    for cycle in truth.cycles:
        if cycle.motion == "inbound" and not cycle.is_bulk_import:
            groups["lead_to_qualified", cycle.entered_month].append(cycle)
        elif cycle.motion == "outbound" and cycle.number == 1:
            groups["prospect_to_qualified", cycle.entered_month].append(cycle)
        if cycle.qualified_month is not None:
            groups["lead_to_customer", cycle.qualified_month].append(cycle)
    made: dict[str, dict[date, Sample]] = defaultdict(dict)
    for (metric, month), cycles in groups.items():
        sample = handover_sample if metric == "lead_to_customer" else qualified_sample
        made[metric][month] = sample(cycles, truth.as_of)
    return made


def funnel(truth: Truth, motion: str) -> list[Cycle]:
    """The cycles of the funnel: no bulk imports of leads."""
    return [
        cycle
        for cycle in truth.cycles
        if motion in ("all", cycle.motion) and not (cycle.motion == "inbound" and cycle.is_bulk_import)
    ]


def funnel_events(truth: Truth, motion: str) -> Mapping[tuple[date, str], int]:
    """Events of each stage by the month in which they happened."""
    moments: dict[str, Callable[[Cycle], datetime | None]] = {
        "lead": lambda cycle: cycle.entered_at,
        "attempted": lambda cycle: cycle.first_attempt_at,
        "contacted": lambda cycle: cycle.first_contact_at,
        "qualified": lambda cycle: cycle.qualified_at,
        "customer": lambda cycle: cycle.customer_at,
    }
    return Counter(
        (month_of(at), stage)
        for cycle in funnel(truth, motion)
        for stage, moment in moments.items()
        if (at := moment(cycle)) is not None
    )


@dataclass(frozen=True)
class Wait:
    """How long an inbound lead waited for its first attempt, by both clocks."""

    cycle: Cycle
    calendar_minutes: float
    working_hours: float
    is_answered: bool


def waits(truth: Truth, between: Callable[[datetime, datetime], float]) -> list[Wait]:
    """The waits of the leads whose follow-up can be clocked; ``between`` gives working minutes."""
    made = []
    for cycle in truth.inbound():
        if cycle.is_speed_eligible:
            is_answered = cycle.ttfa_wm is not None
            end = cycle.first_attempt_at if is_answered and cycle.first_attempt_at else truth.as_of
            working = cycle.ttfa_wm if is_answered else between(cycle.entered_at, truth.as_of)
            calendar = days(cycle.entered_at, end) * 1440
            made.append(Wait(cycle, calendar, (working or 0.0) / 60, is_answered))
    return made
