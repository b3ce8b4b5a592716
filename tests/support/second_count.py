"""The marts of a company beside the second count of the same figures: plain Python on the event log, no SQL."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import duckdb

from leadrole.sandbox.truth import Month, Ratio, Truth, kaplan_meier_quantile

Rows = list[dict[str, Any]]
Z = 1.959963984540054
MINUTES = 0.02  # one second and a bit: the CRM keeps whole milliseconds


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    """Rows of a query by name."""
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def wilson(ratio: Ratio) -> tuple[float, float]:
    """The interval as the roots of (p - k/n)^2 = z^2 p (1 - p) / n, the equation it is defined by."""
    share, weight = ratio.k / ratio.n, Z * Z / ratio.n
    a, b, c = 1 + weight, -(2 * share + weight), share * share
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return max((-b - root) / (2 * a), 0.0), min((-b + root) / (2 * a), 1.0)


COUNTS: Mapping[str, Mapping[str, Callable[[Month], int]]] = {
    "inbound": {
        "inbound_leads": lambda m: m.inbound_leads,
        "lead_speed_n": lambda m: m.lead_speed_n,
        "lead_speed_answered": lambda m: m.lead_speed_answered,
        "unlogged_k": lambda m: m.unlogged.k,
    },
    "outbound": {
        "new_prospects": lambda m: m.new_prospects,
        "reactivated_prospects": lambda m: m.reactivated_prospects,
    },
    "closer": {
        "qualified_received": lambda m: m.qualified_received,
        "deals_won": lambda m: m.deals_won,
        "deals_lost": lambda m: m.deals_lost,
    },
}
RATES: Mapping[str, Mapping[str, Callable[[Month], Ratio]]] = {
    "inbound": {
        "lead_to_qualified": lambda m: m.lead_to_qualified,
        "never_answered": lambda m: m.never_answered,
    },
    "outbound": {"prospect_to_qualified": lambda m: m.prospect_to_qualified},
    "closer": {
        "lead_to_customer": lambda m: m.lead_to_customer,
        "win_rate": lambda m: m.win_rate,
        "self_handover": lambda m: m.self_handover,
    },
}
MONTHS = {role: f"select * from marts.mart_{role}_month where slice_type = 'all'" for role in COUNTS}


def differences(connection: duckdb.DuckDBPyConnection, truth: Truth) -> list[str]:
    """Each figure of the marts that the second count has otherwise."""
    return [
        *_cycles(connection, truth),
        *_months(connection, truth),
        *_speed(connection, truth),
    ]


def _cycles(connection: duckdb.DuckDBPyConnection, truth: Truth) -> Iterator[str]:
    found = {
        (row["person_id"].removeprefix("hubspot:"), row["cycle_no"]): row
        for row in rows(connection, "select * from marts.fct_lead_cycle")
    }
    true = {(cycle.person, cycle.number): cycle for cycle in truth.cycles}
    for key in sorted(found.keys() | true.keys()):
        if key not in found or key not in true:
            held = true.get(key) or {name: found[key][name] for name in ("entered_at", "entry_kind", "motion_first")}
            yield f"cycle {key}: only in the {'marts' if key in found else 'count'}: {held}"
            continue
        row, cycle = found[key], true[key]
        pairs = {
            "motion_first": cycle.motion,
            "entered_at": cycle.entered_at,
            "outcome": cycle.outcome,
            "closed_at": cycle.closed_at,
            "qualified_at": cycle.qualified_at,
            "first_attempt_at": cycle.first_attempt_at,
            "first_contact_at": cycle.first_contact_at,
            "ttfa_wm": cycle.ttfa_wm,
            "customer_at": cycle.customer_at,
            "is_hybrid": cycle.is_hybrid,
            "is_pre_touched": cycle.is_pre_touched,
            "is_unlogged": cycle.is_unlogged,
            "is_bulk_import": cycle.is_bulk_import,
        }
        for name, value in pairs.items():
            if not _same(row[name], value):
                yield f"cycle {key} {name}: {row[name]}, counted {value}"


def is_speed_measurable(truth: Truth) -> bool:
    """Whether enough is logged (section 7: not when more than 30 % of the conversions are unlogged)."""
    converted = [cycle for cycle in truth.cycles if cycle.qualified_at or cycle.customer_at]
    return len(converted) < 10 or sum(cycle.is_unlogged for cycle in converted) <= 0.3 * len(converted)


def _unmeasurable(truth: Truth) -> set[str]:
    """The rates that nothing in this company's records can tell."""
    names: set[str] = set()
    statuses = {deal.status for deal in truth.deals}
    if not any(cycle.qualified_at for cycle in truth.cycles):
        names |= {"lead_to_qualified", "prospect_to_qualified", "lead_to_customer", "self_handover"}
    if "won" not in statuses:
        names |= {"lead_to_customer", "win_rate"}
    if "lost" not in statuses:
        names.add("win_rate")
    if not truth.has_attempts:
        names |= {"prospect_to_qualified", "never_answered"}
    if not is_speed_measurable(truth):
        names.add("never_answered")
    return names


def _months(connection: duckdb.DuckDBPyConnection, truth: Truth) -> Iterator[str]:
    unmeasurable = _unmeasurable(truth)
    for role, query in MONTHS.items():
        found = {row["month"]: row for row in rows(connection, query)}
        for month, true in truth.months.items():
            row = found.get(month)
            for name, count in COUNTS[role].items():
                held = row[name] if row else 0
                is_told = is_speed_measurable(truth) or not name.startswith("lead_speed")
                if held != (count(true) if is_told else 0):
                    yield f"{role} {month} {name}: {held}, counted {count(true)}"
            for name, rate in RATES[role].items():
                if row and row[f"{name}_grade"] == "not_measurable":
                    if name not in unmeasurable:
                        yield f"{role} {month} {name}: not measurable, counted {rate(true)}"
                else:
                    yield from (f"{role} {month} {problem}" for problem in _rate(row, name, rate(true)))


def _rate(row: Mapping[str, Any] | None, name: str, true: Ratio) -> Iterator[str]:
    if row is None:
        if true.n:
            yield f"{name}: no row, counted {true}"
        return
    if (row[f"{name}_k"], row[f"{name}_n"]) != (true.k, true.n):
        yield f"{name}: {row[f'{name}_k']} of {row[f'{name}_n']}, counted {true}"
    elif true.n < 10:
        if row[f"{name}_estimate"] is not None or row[f"{name}_grade"] != "insufficient":
            yield f"{name}: an estimate of {true}"
    else:
        low, high = wilson(true)
        shown = (row[f"{name}_estimate"], row[f"{name}_ci_low"], row[f"{name}_ci_high"])
        if not all(_close(one, other, 1e-9) for one, other in zip(shown, (true.estimate, low, high), strict=True)):
            yield f"{name}: {shown}, counted {(true.estimate, low, high)}"


def _speed(connection: duckdb.DuckDBPyConnection, truth: Truth) -> Iterator[str]:
    if not is_speed_measurable(truth):
        return
    query = (
        "select period_start, n, median_wm, p90_wm from intermediate.int_speed_estimates "
        "where role = 'inbound' and period_type = 'month' and slice_type = 'all'"
    )
    found = {row["period_start"]: row for row in rows(connection, query)}
    for month, true in truth.months.items():
        row = found.get(month, {"median_wm": None, "p90_wm": None})
        for name, value in (("median_wm", true.lead_speed_median_wm), ("p90_wm", true.lead_speed_p90_wm)):
            if not _same(row[name], value):
                yield f"speed {month} {name}: {row[name]}, counted {value}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return _close(one, other, MINUTES)
    return bool(one == other)


def _close(one: float | None, other: float | None, within: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= within
