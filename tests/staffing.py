"""The staffing rules in plain Python and SciPy: rate, forecast and state of a volume, as no SQL computed them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

# Rule -> role, comparator, threshold a month.
THRESHOLDS: dict[str, tuple[str, str, float]] = {
    "R2": ("inbound", ">=", 400.0),
    "R3": ("inbound", "<", 40.0),
    "R6": ("closer", ">", 50.0),
}


@dataclass(frozen=True)
class Ahead:
    """A month ahead: the gamma distribution of its rate, and the spread of its own volume."""

    shape: float
    exposure: float
    phi: float
    method: str

    @property
    def rate(self) -> Any:
        return stats.gamma(self.shape, scale=1 / self.exposure)

    @property
    def volume(self) -> Any:
        """Negative binomial with the mean of the rate, and phi times that mean plus the rate's variance."""
        mean, variance = self.rate.mean(), self.phi * self.rate.mean() + self.rate.var()
        return stats.nbinom(mean**2 / (variance - mean), mean / variance)


def posterior(volumes: Sequence[int]) -> Ahead | None:
    """The rate of the last three months, or nothing before there are three."""
    if len(volumes) < 3:
        return None
    phi = 1.0
    if sum(volumes[-12:]):
        phi = max(1.0, float(np.var(volumes[-12:], ddof=1) / np.mean(volumes[-12:])))
    return Ahead(0.5 + sum(volumes[-3:]) / phi, 3 / phi, phi, "flat")


@cache
def trend(last: tuple[int, ...]) -> tuple[Any, Any, float]:
    """Coefficients, covariance and overdispersion of a log-linear quasi-Poisson fit, by Newton's method."""
    counts = np.array(last, dtype=float)
    design = np.column_stack([np.ones(12), np.arange(1.0, 13.0)])
    beta = np.array([math.log(counts.mean()), 0.0])
    for _ in range(25):
        fit = np.exp(design @ beta)
        beta = beta + np.linalg.solve(design.T * fit @ design, design.T @ (counts - fit))
    fit = np.exp(design @ beta)
    phi = max(1.0, float(((counts - fit) ** 2 / fit).sum() / 10))
    return beta, phi * np.linalg.inv(design.T * fit @ design), phi


def ahead(volumes: Sequence[int], months: int) -> Ahead | None:
    """The rate so many months ahead: the fit's, with its error by the delta method, or else the rate of today."""
    now, last = posterior(volumes), tuple(volumes[-12:])
    if now is None or len(last) < 12 or np.count_nonzero(last) < 6:
        return now
    beta, covariance, phi = trend(last)
    point = np.array([1.0, 12 + sum(0.9**step for step in range(1, months + 1))])
    precision = 1 / float(point @ covariance @ point)
    return Ahead(0.5 + precision, precision / math.exp(float(point @ beta)), phi, "trend")


def p_cross(distribution: Ahead, comparator: str, threshold: float) -> float:
    """How likely the rate is past the threshold."""
    below = float(stats.gamma.cdf(threshold * distribution.exposure, distribution.shape))
    return below if comparator == "<" else 1 - below


def story(volumes: Sequence[int], comparator: str, threshold: float) -> list[tuple[str, int | None]]:
    """State and crossing month (its number) at the end of each month, told with if and else."""
    told: list[tuple[str, int | None]] = []
    is_held, since, was_high, was_low = False, None, False, False
    for number in range(1, len(volumes) + 1):
        known = volumes[:number]
        now = posterior(known)
        chance = None if now is None else p_cross(now, comparator, threshold)
        is_high, is_low = chance is not None and chance > 0.8, chance is not None and chance < 0.35
        crossings = [
            step
            for step in range(1, 7)
            if (then := ahead(known, step)) and p_cross(then, comparator, threshold) >= 0.5
        ]
        first = crossings[0] if crossings else None
        if is_held and is_low and was_low:
            is_held, since = False, None
        if not is_held:
            if not is_high:
                since = None
            elif not was_high or since is None:
                since = number
            is_held = is_high and was_high
        if chance is None:
            told.append(("insufficient_data", None))
        elif is_held:
            told.append(("receding" if is_low else "crossed", since))
        elif is_high:
            told.append(("crossed_provisional", since))
        else:
            is_near = first is not None and first <= 5
            told.append(("approaching" if is_near else "below", None if first is None else number + first))
        was_high, was_low = is_high, is_low
    return told
