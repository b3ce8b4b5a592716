"""The marts of a company beside the second count of the same figures: plain Python on the event log, no SQL."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from cohorts import Fate, aalen_johansen
from leadrole.sandbox.truth import Month, Ratio, Truth

Rates = Mapping[str, Sequence[tuple[date, float]]]
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


def differences(
    connection: duckdb.DuckDBPyConnection, truth: Truth, *, zone: ZoneInfo, rates: Rates
) -> list[str]:
    """Each figure of the marts that the second count has otherwise; `rates` are euros for one of a currency."""
    return [
        *_cycles(connection, truth),
        *_months(connection, truth),
        *_speed(connection, truth),
        *_handovers(connection, truth),
        *_funnel(connection, truth),
        *_money(connection, truth, zone, rates),
        *_sales_cycles(connection, truth, zone),
    ]


def _cycles(connection: duckdb.DuckDBPyConnection, truth: Truth) -> Iterator[str]:
    found = {
        (row["person_id"].removeprefix("hubspot:"), row["cycle_no"]): row
        for row in rows(connection, "select * from marts.fct_lead_cycle")
    }
    true = {(cycle.person, cycle.number): cycle for cycle in truth.cycles}
    for key in sorted(found.keys() | true.keys()):
        if key not in found or key not in true:
            held = true.get(key) or {
                name: found[key][name] for name in ("entered_at", "entry_kind", "motion_first")
            }
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
        if not all(
            _close(one, other, 1e-9) for one, other in zip(shown, (true.estimate, low, high), strict=True)
        ):
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


def _handovers(connection: duckdb.DuckDBPyConnection, truth: Truth) -> Iterator[str]:
    found = {
        (row["person_id"].removeprefix("hubspot:"), row["qualified_at"]): row["is_self_handover"]
        for row in rows(
            connection, "select person_id, qualified_at, is_self_handover from marts.fct_handover"
        )
    }
    true = {
        (cycle.person, cycle.qualified_at): cycle.qualifier is not None and cycle.qualifier == cycle.closer
        for cycle in truth.cycles
        if cycle.qualified_at
    }
    for key in sorted(found.keys() | true.keys(), key=str):
        if found.get(key) != true.get(key):
            yield f"handover {key}: by oneself {found.get(key)}, counted {true.get(key)}"


def _funnel(connection: duckdb.DuckDBPyConnection, truth: Truth) -> Iterator[str]:
    """Who got how far, of each entry month: whoever reached a step reached those before it."""
    found = {
        (row["period_start"], row["motion"], row["stage"]): row["k"]
        for row in rows(
            connection,
            "select * from marts.mart_funnel_cohort where period_type = 'month' and source = 'all' "
            "and status = 'measured' and k > 0",
        )
    }
    true: Counter[tuple[date, str, str]] = Counter()
    for cycle in truth.cycles:
        if cycle.motion == "inbound" and cycle.is_bulk_import:
            continue
        is_customer = cycle.customer_at is not None
        is_qualified = is_customer or cycle.qualified_at is not None
        is_contacted = is_qualified or cycle.first_contact_at is not None
        steps = {
            "lead": True,
            "attempted": is_contacted or cycle.first_attempt_at is not None,
            "contacted": is_contacted,
            "qualified": is_qualified,
            "customer": is_customer,
        }
        true.update(
            (cycle.entered_month, motion, step)
            for motion in ("all", cycle.motion)
            for step, is_reached in steps.items()
            if is_reached
        )
    unmeasured = set() if truth.has_attempts else {"attempted", "contacted"}
    if not any(cycle.qualified_at for cycle in truth.cycles):
        unmeasured.add("qualified")
    for key in sorted(found.keys() | {key for key in true if key[2] not in unmeasured}, key=str):
        if found.get(key) != true[key]:
            yield f"funnel {key}: {found.get(key)}, counted {true[key]}"


def _money(
    connection: duckdb.DuckDBPyConnection, truth: Truth, zone: ZoneInfo, rates: Rates
) -> Iterator[str]:
    true: dict[date, float] = defaultdict(float)
    for deal in truth.deals:
        if (
            deal.is_eligible
            and deal.status == "won"
            and deal.amount is not None
            and deal.closed_at
            and deal.currency
        ):
            day = deal.closed_at.astimezone(zone).date()
            known = [rate for since, rate in rates.get(deal.currency, ()) if since <= day]
            if known and deal.closed_month:
                true[deal.closed_month] += deal.amount * known[-1]
    query = "select month, won_amount from marts.mart_closer_month where slice_type = 'all'"
    found = {row["month"]: float(row["won_amount"]) for row in rows(connection, query)}
    for month in truth.months:
        # Every deal is rounded to a cent.
        if abs(found.get(month, 0.0) - true[month]) > 0.05:
            yield f"closer {month} won_amount: {found.get(month)}, counted {true[month]}"


def _sales_cycles(connection: duckdb.DuckDBPyConnection, truth: Truth, zone: ZoneInfo) -> Iterator[str]:
    """Days from the deal to won with lost competing: when half of those who will be won had been."""
    if not {"won", "lost"} <= {deal.status for deal in truth.deals}:
        return
    samples: dict[date, list[tuple[float, Fate]]] = defaultdict(list)
    fates: Mapping[str, Fate] = {"won": "event", "lost": "competing", "open": "censored"}
    for deal in truth.deals:
        month = deal.created_at.astimezone(zone).date().replace(day=1)
        end = deal.closed_at or truth.as_of
        # Whole seconds are enough for a figure in days.
        seconds = int(end.timestamp()) - int(deal.created_at.timestamp())
        samples[month].append((seconds / 86_400, fates[deal.status]))
    query = (
        "select month, deal_count, median_days from intermediate.int_sales_cycles "
        "where clock = 'created' and slice_type = 'all'"
    )
    found = {row["month"]: (row["deal_count"], row["median_days"]) for row in rows(connection, query)}
    for month in sorted(found.keys() | samples.keys()):
        steps = aalen_johansen(samples[month])
        last = steps[-1].incidence if steps else 0.0
        median = next((step.t for step in steps if last > 0 and step.incidence >= last / 2 - 1e-9), None)
        count, held = found.get(month, (0, None))
        if count != len(samples[month]) or not _close(held, median, 1e-4):
            yield f"sales cycle {month}: {count}, {held}, counted {len(samples[month])}, {median}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return _close(one, other, MINUTES)
    return bool(one == other)


def _close(one: float | None, other: float | None, within: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= within
