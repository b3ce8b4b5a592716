"""How often a hiring rule raises its flag in a year: simulated, beside the figures of the definition.

A company whose true monthly volume never changes is counted for twelve months. Four rules read the counts; the last is
ours, with the formula of ``dbt_project/models/intermediate/metrics/int_staffing_rates.sql`` (a test compares the two).
Run with ``make bench-staffing``; exit 1 when a figure is further from the definition's than two points.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

Volumes = NDArray[np.float64]
Flags = NDArray[np.bool_]

MONTHS = 12
THRESHOLD = 50.0
CERTAINTY = 0.8
# Monte Carlo's own error at 20,000 years is 0.7 points at most (two standard errors); the definition gives two digits.
TOLERANCE = 0.02
RULES = ("one month > 50", "3-month mean > 50", "P > .8 once", "P > .8 twice")
# True mean a month -> rule -> chance of at least one flag (Poisson, variance = 2 x mean). Section 9 of the definition,
# whose posterior had no correction for overdispersion.
DEFINED: dict[int, tuple[tuple[float, float], ...]] = {
    35: ((0.08, 0.39), (0.00, 0.02), (0.00, 0.00), (0.00, 0.00)),
    42: ((0.71, 0.90), (0.12, 0.36), (0.01, 0.13), (0.00, 0.04)),
    46: ((0.97, 0.99), (0.62, 0.76), (0.20, 0.45), (0.07, 0.22)),
    50: ((1.00, 1.00), (0.97, 0.97), (0.72, 0.83), (0.45, 0.59)),
    55: ((1.00, 1.00), (1.00, 1.00), (0.99, 0.99), (0.96, 0.93)),
    60: ((1.00, 1.00), (1.00, 1.00), (1.00, 1.00), (1.00, 1.00)),
}


def dispersion(volumes: Volumes) -> Volumes:
    """Variance over mean of each row (a company, its months oldest first), at least 1; no unit.

    Of a single month, or of months without anything, it is 1.
    """
    if volumes.shape[1] < 2:
        return np.ones(volumes.shape[0])
    mean = volumes.mean(axis=1)
    variance = volumes.var(axis=1, ddof=1)
    ratio = np.divide(variance, mean, out=np.ones_like(mean), where=mean > 0)
    return np.maximum(1.0, ratio)


def p_above(volumes: Volumes, threshold: float, *, corrected: bool = True) -> Volumes:
    """P(true monthly rate > threshold) of each row, from its last three months (at least three columns).

    ``corrected`` counts the overdispersion over at most twelve months, as the warehouse does.
    """
    phi = dispersion(volumes[:, -12:]) if corrected else np.ones(volumes.shape[0])
    shape = 0.5 + volumes[:, -3:].sum(axis=1) / phi
    return np.asarray(1.0 - gammainc(shape, threshold * 3.0 / phi))


def flags(volumes: Volumes, *, corrected: bool) -> list[Flags]:
    """Whether each of the four rules raises its flag at least once in each row's months."""
    months = volumes.shape[1]
    chances = np.stack(
        [p_above(volumes[:, :end], THRESHOLD, corrected=corrected) for end in range(3, months + 1)], axis=1
    )
    means = np.stack([volumes[:, end - 3 : end].mean(axis=1) for end in range(3, months + 1)], axis=1)
    is_high = chances > CERTAINTY
    return [
        (volumes > THRESHOLD).any(axis=1),
        (means > THRESHOLD).any(axis=1),
        is_high.any(axis=1),
        (is_high[:, 1:] & is_high[:, :-1]).any(axis=1),
    ]


def draw(generator: np.random.Generator, mean: float, years: int, *, doubled: bool) -> Volumes:
    """``years`` independent years of monthly counts; ``doubled`` has a variance of twice the mean."""
    size = (years, MONTHS)
    # A negative binomial of size = mean has variance mean + mean^2 / mean.
    counts = generator.negative_binomial(mean, 0.5, size) if doubled else generator.poisson(mean, size)
    return counts.astype(np.float64)


def simulate(years: int, seed: int) -> dict[int, list[tuple[float, float, float, float]]]:
    """Of each true mean and rule the chance of a flag: Poisson and doubled, without and with the correction."""
    result: dict[int, list[tuple[float, float, float, float]]] = {}
    for mean in DEFINED:
        generator = np.random.default_rng([seed, mean])
        samples = [draw(generator, mean, years, doubled=doubled) for doubled in (False, True)]
        columns = [
            [float(flag.mean()) for flag in flags(sample, corrected=corrected)]
            for corrected in (False, True)
            for sample in samples
        ]
        result[mean] = list(zip(*columns, strict=True))
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; answer 1 when it does not reproduce the definition's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--years", type=int, default=20_000, help="simulated years a row (default 20000)")
    parser.add_argument("--seed", type=int, default=50, help="of the random numbers (default 50)")
    options = parser.parse_args(arguments)
    print(
        f"{options.years:,} years of {MONTHS} months a row, seed {options.seed}; Poisson / variance = 2 x mean"
    )
    print(f"{'mean':>4}  {'rule':<18}  {'defined':>10}  {'measured':>12}  {'with phi (ours)':>15}")
    furthest = 0.0
    for mean, rows in simulate(options.years, options.seed).items():
        for name, defined, (poisson, doubled, ours_poisson, ours_doubled) in zip(
            RULES, DEFINED[mean], rows, strict=True
        ):
            furthest = max(furthest, abs(poisson - defined[0]), abs(doubled - defined[1]))
            # The first two rules have no posterior, so nothing in them to correct.
            ours = f"{ours_poisson:.3f} / {ours_doubled:.3f}" if name.startswith("P") else ""
            print(
                f"{mean:>4}  {name:<18}  {defined[0]:.2f} / {defined[1]:.2f}  {poisson:.3f} / {doubled:.3f}  {ours:>15}"
            )
    is_kept = furthest <= TOLERANCE
    print(
        f"furthest from the definition: {furthest:.3f} (bound {TOLERANCE}): {'kept' if is_kept else 'NOT KEPT'}"
    )
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
