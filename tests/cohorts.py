"""Incidence and comparisons in plain Python, one subject after the other: what the SQL is judged by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Fate = Literal["event", "competing", "censored"]
Sample = Sequence[tuple[float, Fate]]
Z = 1.959963984540054


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


def share(values: Iterable[bool]) -> float:
    """How many of them are true, out of all."""
    listed = list(values)
    return sum(listed) / len(listed)
