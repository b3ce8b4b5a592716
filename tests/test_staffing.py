"""The staffing models against SciPy, against plain Python and against cases counted by hand."""

from __future__ import annotations

import csv
import importlib.util
import itertools
import math
import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats

from staffing import THRESHOLDS, ahead, p_cross, posterior, story
from support.models import build, records, table

BEYOND: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda volume, limit: volume >= limit,
    ">": lambda volume, limit: volume > limit,
    "<": lambda volume, limit: volume < limit,
    "<=": lambda volume, limit: volume <= limit,
}


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    """An empty in-memory DuckDB."""
    return duckdb.connect()


def month(number: int) -> date:
    """The first day of the month, counted from January 2024 as 1."""
    return date(2024 + (number - 1) // 12, (number - 1) % 12 + 1, 1)


def measure(
    database: duckdb.DuckDBPyConnection, leads: Sequence[int], qualified: Sequence[int], **variables: Any
) -> None:
    """Build rates, forecasts, states and the forecast mart of a company with these volumes a month."""
    table(
        database,
        "dim_threshold_rule",
        {"rule_id": "text", "role": "text", "comparator": "text", "threshold": "double", "unit": "text"},
        [
            {
                "rule_id": rule,
                "role": role,
                "comparator": comparator,
                "threshold": threshold,
                "unit": "a month",
            }
            for rule, (role, comparator, threshold) in THRESHOLDS.items()
        ]
        + [{"rule_id": "R1", "role": "inbound", "comparator": "=", "threshold": 0.1, "unit": "hours"}],
    )
    months = [month(number) for number in range(1, len(leads) + 1)]
    counts = {"month": "date", "slice_type": "text"}
    table(
        database, "mart_inbound_month", {**counts, "inbound_leads": "integer"},
        [{"month": at, "slice_type": "all", "inbound_leads": n} for at, n in zip(months, leads, strict=True)],
    )  # fmt: skip
    table(
        database, "mart_closer_month", {**counts, "qualified_received": "integer"},
        [
            {"month": at, "slice_type": "all", "qualified_received": n}
            for at, n in zip(months, qualified, strict=True)
        ],
    )  # fmt: skip
    # The month under way counts for nothing.
    under_way = {"month": month(len(leads) + 1), "is_complete": False}
    table(
        database, "int_months", {"month": "date", "is_complete": "boolean"},
        [*({"month": at, "is_complete": True} for at in months), under_way],
    )  # fmt: skip
    table(
        database, "int_source_capabilities", {"has_qualification": "boolean"}, [{"has_qualification": True}]
    )
    table(
        database,
        "int_metric_scope",
        {"latest_complete_month": "date", "fte_hours_week": "double"},
        [{"latest_complete_month": months[-1], "fte_hours_week": 40.0}],
    )
    table(database, "int_role_capacity", {"month": "date", "role": "text", "fte": "double"}, [])
    for model in (
        "int_staffing_rates",
        "int_staffing_forecasts",
        "int_staffing_states",
        "mart_staffing_forecast",
    ):
        build(database, model, **variables)


def company(number: int) -> tuple[list[int], list[int]]:
    """Leads and qualified leads a month: growing, shrinking or level, near a threshold, some with busy months."""
    chance = random.Random(number)
    months = chance.choice([2, 4, 11, 12, 13, 20, 30])
    noise = np.random.default_rng(number)

    def volumes(level: float) -> list[int]:
        growth, phi = chance.choice([-0.06, 0.0, 0.0, 0.05, 0.12]), chance.choice([1.0, 3.0])
        means = [level * math.exp(growth * (at - months)) for at in range(months)]
        return [
            int(noise.poisson(mean) if phi == 1 else noise.negative_binomial(mean / (phi - 1), 1 / phi))
            for mean in means
        ]

    return volumes(chance.choice([35, 45, 300, 390, 420])), volumes(chance.choice([0.4, 20, 45, 52, 60]))


def test_rates_forecasts_and_states_agree_with_scipy(database: duckdb.DuckDBPyConnection) -> None:
    """Fourteen companies, three rules each: every month's chance and state, every month ahead and its range."""
    methods: set[str] = set()
    states: set[str] = set()
    for number in range(14):
        leads, qualified = company(number)
        measure(database, leads, qualified)
        rates = records(database, "select * from int_staffing_rates order by rule_id, month")
        found = records(database, "select * from int_staffing_states order by rule_id, month")
        ahead_rows = records(database, "select * from mart_staffing_forecast order by rule_id, month")
        for rule, (_, comparator, threshold) in THRESHOLDS.items():
            volumes = qualified if rule == "R6" else leads
            told = story(volumes, comparator, threshold)
            mine = [row for row in found if row["rule_id"] == rule]
            assert [(row["state"], row["expected_cross_month"]) for row in mine] == [
                (state, None if at is None else month(at)) for state, at in told
            ], (number, rule, volumes)
            states.update(state for state, _ in told)
            for at, row in enumerate((row for row in rates if row["rule_id"] == rule), start=1):
                now = posterior(volumes[:at])
                expected = None if now is None else p_cross(now, comparator, threshold)
                assert row["p_cross"] == (None if expected is None else pytest.approx(expected, abs=1e-8))
            forecast = [row for row in ahead_rows if row["rule_id"] == rule]
            assert len(forecast) == (0 if len(volumes) < 3 else 6)
            for step, row in enumerate(forecast, start=1):
                then = ahead(volumes, step)
                assert then is not None
                methods.add(then.method)
                where = (number, rule, step)
                assert (row["month"], row["method"]) == (month(len(volumes) + step), then.method), where
                assert row["volume_estimate"] == pytest.approx(then.rate.mean(), rel=1e-6), where
                assert row["p_cross"] == pytest.approx(p_cross(then, comparator, threshold), abs=1e-6), where
                limits = [float(then.volume.ppf(p)) for p in (0.1, 0.9)]
                assert [row["volume_pi_low"], row["volume_pi_high"]] == limits, where
                below = float(then.volume.cdf(threshold if comparator == ">" else threshold - 1))
                met = below if comparator == "<" else 1 - below
                assert row["p_threshold_met"] == pytest.approx(met, abs=1e-6), where
    assert methods == {"trend", "flat"}
    assert states == {
        "insufficient_data", "below", "approaching", "crossed_provisional", "crossed", "receding",
    }  # fmt: skip


def test_four_of_five_months_ahead_fall_in_their_range(database: duckdb.DuckDBPyConnection) -> None:
    """The range is for the month itself: that of the rate alone (naive) would hold far fewer."""
    noise = np.random.default_rng(8)
    hits = naive_hits = total = 0
    for _ in range(20):
        volumes = [int(n) for n in noise.poisson(45, 14)]
        measure(database, volumes[:8], volumes[:8])
        rows = records(database, "select * from mart_staffing_forecast where rule_id = 'R6' order by month")
        for row, truth in zip(rows, volumes[8:], strict=True):
            rate = posterior(volumes[:8])
            assert rate is not None
            total += 1
            hits += row["volume_pi_low"] <= truth <= row["volume_pi_high"]
            naive_hits += rate.rate.ppf(0.1) <= truth <= rate.rate.ppf(0.9)
    assert 0.75 < hits / total < 0.92, hits / total
    assert naive_hits / total < 0.6


def test_growth_is_forecast_and_hired_for_in_time(database: duckdb.DuckDBPyConnection) -> None:
    """30 a month growing 5 %: the naive flat line never crosses 50; the damped trend does within half a year."""
    volumes = [round(30 * math.exp(0.05 * at)) for at in range(12)]
    measure(database, volumes, volumes, hire_months=2, ramp_months=1)
    rows = records(database, "select * from mart_staffing_forecast where rule_id = 'R6' order by month")
    flat = posterior(volumes)
    assert flat is not None and p_cross(flat, ">", 50.0) < 0.5
    (crossing,) = {row["expected_cross_month"] for row in rows}
    assert crossing == next(row["month"] for row in rows if row["p_cross"] >= 0.5)
    assert month(13) <= crossing <= month(18)
    (hire_by,) = {row["hire_by"] for row in rows}
    assert (crossing.year - hire_by.year) * 12 + crossing.month - hire_by.month == 3
    # Damped: less is added each month than the month before; undamped growth would add more.
    means = [row["volume_estimate"] for row in rows]
    steps = [math.log(later / earlier) for earlier, later in itertools.pairwise(means)]
    assert all(later < earlier for earlier, later in itertools.pairwise(steps))


def test_one_busy_month_after_empty_ones_is_no_trend(database: duckdb.DuckDBPyConnection) -> None:
    """Twelve months of which five had volume: a fit would send 12 qualified leads to hundreds."""
    volumes = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 12]
    measure(database, volumes, volumes)
    rows = records(database, "select * from mart_staffing_forecast where rule_id = 'R6'")
    assert {row["method"] for row in rows} == {"flat"}
    assert max(row["volume_estimate"] for row in rows) < 10


# --- who is there to do it


def test_capacity_agrees_with_a_day_by_day_count(database: duckdb.DuckDBPyConnection) -> None:
    """Ten people with random contracts, roles, leave and first days: each role and month, six months ahead too."""
    chance = random.Random(4)
    first, days = date(2026, 1, 1), [date(2026, 1, 1) + timedelta(n) for n in range(365)]
    holidays = {date(2026, 1, 1), date(2026, 4, 27)}
    work = [day for day in days if day.weekday() < 5 and day not in holidays]
    reps, leave, roles = [], [], []
    for number in range(10):
        rep = f"r{number}"
        reps.append(
            {
                "rep_id": rep,
                "is_active": True,
                "hours_week": chance.choice([None, 24.0, 36.0]),
                "hired_on": chance.choice([None, date(2025, 11, 30), date(2026, 2, 10), date(2026, 8, 3)]),
            }
        )
        starts = sorted(chance.sample(days, 4))
        leave += [
            {
                "rep_id": rep,
                "valid_from": starts[0],
                "valid_to": starts[1],
                "share": chance.choice([1.0, 0.4]),
            },
            {
                "rep_id": rep,
                "valid_from": starts[2],
                "valid_to": chance.choice([None, starts[3]]),
                "share": 0.5,
            },
        ]
        if starts[1] == starts[2]:
            leave.pop()
        until = chance.choice(days[100:])
        roles += [
            {
                "rep_id": rep,
                "role": "closer",
                "share": 0.6,
                "valid_from": date(2020, 1, 1),
                "valid_to": until,
            },
            {
                "rep_id": rep,
                "role": "inbound",
                "share": 0.4,
                "valid_from": chance.choice(days),
                "valid_to": None,
            },
        ]
    table(
        database, "dim_rep",
        {"rep_id": "text", "is_active": "boolean", "hours_week": "double", "hired_on": "date"}, reps,
    )  # fmt: skip
    period = {"valid_from": "date", "valid_to": "date", "share": "double"}
    table(database, "int_rep_leave", {"rep_id": "text", **period}, leave)
    table(
        database, "dim_role_assignment", {"rep_id": "text", "role": "text", "origin": "text", **period},
        [{**role, "origin": "config"} for role in roles],
    )  # fmt: skip
    table(
        database, "dim_date", {"date_day": "date", "month_start": "date", "is_working_day": "boolean"},
        [{"date_day": day, "month_start": day.replace(day=1), "is_working_day": day in work} for day in days],
    )  # fmt: skip
    table(
        database, "int_metric_scope",
        {"first_month": "date", "current_month": "date", "latest_complete_month": "date", "fte_hours_week": "double"},
        [
            {
                "first_month": first, "current_month": date(2026, 5, 1), "latest_complete_month": date(2026, 4, 1),
                "fte_hours_week": 40.0,
            }
        ],
    )  # fmt: skip
    build(database, "int_role_capacity")

    def is_within(day: date, row: dict[str, Any]) -> bool:
        return row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"])

    def load(rep: dict[str, Any], day: date) -> float:
        """The share of a full load that somebody can carry, by counting birthdays of the contract."""
        hired = rep["hired_on"]
        if hired is None:
            return 1.0
        months = (day.year - hired.year) * 12 + day.month - hired.month - (day.day < hired.day)
        # A contract of the 30th has its birthday on the last day of February.
        if hired.day > 28 and day.month == 2 and day.day == 28 and day.day < hired.day:
            months += 1
        return (0.25, 0.5, 0.75, 1.0)[min(months, 3)]

    true: dict[tuple[date, str, str], list[float]] = {}
    for role, day in itertools.product(roles, work):
        rep = next(rep for rep in reps if rep["rep_id"] == role["rep_id"])
        at = day.replace(day=1)
        if at > date(2026, 10, 1) or not is_within(day, role) or (rep["hired_on"] and day < rep["hired_on"]):
            continue
        missed = sum(
            item["share"] for item in leave if item["rep_id"] == rep["rep_id"] and is_within(day, item)
        )
        fte = (
            role["share"] * (rep["hours_week"] or 40) / 40 / sum(other.replace(day=1) == at for other in work)
        )
        cell = true.setdefault((at, role["role"], rep["rep_id"]), [0.0, 0.0])
        cell[0] += fte
        cell[1] += fte * load(rep, day) * (1 - missed)
    found = {
        (row["month"], row["role"], row["rep_id"]): [row["assigned_fte"], row["fte"]]
        for row in records(database, "select * from int_role_capacity")
    }
    assert found.keys() == true.keys()
    for key, cell in true.items():
        assert found[key] == pytest.approx(cell, abs=1e-8), key
    assert sum(cell[1] for cell in true.values()) < 0.8 * sum(cell[0] for cell in true.values())


# --- what a customer is worth


def value_customers(
    database: duckdb.DuckDBPyConnection,
    wins: dict[str, list[tuple[date, float | None]]],
    *,
    as_of: str,
    **company: Any,
) -> dict[str, dict[str, Any]]:
    """Lifetime values by basis, from won deals: person, month, amount."""
    table(
        database, "fct_deal",
        {
            "person_id": "text", "source_crm": "text", "status": "text", "closed_month": "date",
            "amount_reporting": "decimal(18, 2)", "link_confidence": "double",
        },
        [
            {
                "person_id": person, "source_crm": "x", "status": "won", "closed_month": at,
                "amount_reporting": amount, "link_confidence": 1.0,
            }
            for person, deals in wins.items()
            for at, amount in deals
        ],
    )  # fmt: skip
    table(
        database, "stg_config__company",
        {"lifetime_value": "double", "has_subscriptions": "boolean", "gross_margin": "double"}, [company],
    )  # fmt: skip
    rule = {"rule_id": "R5", "comparator": ">", "threshold": 10000.0}
    table(
        database,
        "dim_threshold_rule",
        {"rule_id": "text", "comparator": "text", "threshold": "double"},
        [rule],
    )
    for model in ("fct_customer_month", "int_lifetime_values", "mart_lifetime_value"):
        build(database, model, as_of=as_of)
    return {row["basis"]: row for row in records(database, "select * from mart_lifetime_value")}


def test_the_value_of_a_subscriber_is_the_true_one(database: duckdb.DuckDBPyConnection) -> None:
    """Five years of 1,000 customers who renew with a chance of 0.8 at 4,000 a year, of which 60 % is margin: 12,000.

    Naive: what they paid to date is far less, and churn by month counts months in which nobody could leave.
    """
    chance = random.Random(5)
    wins: dict[str, list[tuple[date, float | None]]] = {}
    for number in range(1000):
        start, deals = chance.randint(1, 60), []
        for at in range(start, 61, 12):
            deals.append((month(at), 4000.0))
            if chance.random() >= 0.8:
                break
        wins[f"p{number}"] = [*deals]
    found = value_customers(
        database, wins, as_of="2029-01-05 06:00:00+00", has_subscriptions=True, gross_margin=0.6
    )
    row = found["subscription"]
    assert row["is_decisive"] and not found["observed"]["is_decisive"]
    assert row["arpa_year"] == pytest.approx(4000)
    assert row["lifetime_value"] == pytest.approx(12000, rel=0.12)
    assert row["lifetime_value_ci_low"] < 12000 < row["lifetime_value_ci_high"]
    assert found["observed"]["lifetime_value"] < 11000
    # The years by hand: customers at the end of one December, and of these the ones at the end of the next.
    at_risk = churned = 0
    for year in range(4):
        begin, end = 12 * (year + 1), 12 * (year + 2)
        for deals in wins.values():
            months = [12 * (at.year - 2024) + at.month for at, _ in deals]
            if any(begin - 12 < at <= begin for at in months):
                at_risk += 1
                churned += not any(end - 12 < at <= end for at in months)
    assert (row["churn_k"], row["churn_n"]) == (churned, at_risk)
    churn = stats.beta(churned + 0.5, at_risk - churned + 0.5)
    assert [row["churn_ci_low"], row["churn_ci_high"]] == pytest.approx(churn.ppf([0.025, 0.975]), abs=1e-8)
    assert row["p_above"] == pytest.approx(churn.cdf(row["arpa_year"] * 0.6 / 10000), abs=1e-9)


def test_revenue_to_date_is_a_lower_bound_with_the_range_of_a_mean(
    database: duckdb.DuckDBPyConnection,
) -> None:
    """Fifteen customers with an amount and one without: Student's t, as SciPy has it; the config's value wins."""
    chance = random.Random(6)
    amounts = [round(chance.lognormvariate(9.5, 0.6), 2) for _ in range(15)]
    wins: dict[str, list[tuple[date, float | None]]] = {
        f"p{number}": [(month(1 + number % 9), amount)] for number, amount in enumerate(amounts)
    }
    wins["p0"].append((month(9), 500.0))
    wins["unknown"] = [(month(2), None)]
    amounts[0] += 500
    row = value_customers(database, wins, as_of="2024-12-05 06:00:00+00")["observed"]
    assert row["is_decisive"] and row["is_lower_bound"]
    assert (row["customers"], row["unvalued_customers"]) == (15, 1)
    assert row["lifetime_value"] == pytest.approx(np.mean(amounts))
    interval = stats.ttest_1samp(amounts, 0).confidence_interval(0.95)
    assert [row["lifetime_value_ci_low"], row["lifetime_value_ci_high"]] == pytest.approx(
        list(interval), rel=1e-6
    )
    above = stats.ttest_1samp(amounts, 10000, alternative="greater").pvalue
    assert row["p_above"] == pytest.approx(1 - above, abs=1e-9)
    few = dict(list(wins.items())[:9])
    assert (
        value_customers(database, few, as_of="2024-12-05 06:00:00+00")["observed"]["lifetime_value"] is None
    )
    for value, chance_above in ((10000.0, 0.0), (10000.01, 1.0)):
        found = value_customers(database, wins, as_of="2024-12-05 06:00:00+00", lifetime_value=value)
        assert found["assumed"]["is_decisive"] and found["assumed"]["p_above"] == chance_above
        assert not found["observed"]["is_decisive"]


# --- the rules themselves

SEED = Path(__file__).parents[1] / "config" / "seeds" / "threshold_rules.csv"
# The definition's table; a rule that is about something else than a number has none.
DEFINITION: dict[str, tuple[str, str, float | None]] = {
    "R1": ("inbound_hours_week", "=", 0.1),
    "R2": ("inbound_leads", ">=", 400),
    "R3": ("inbound_leads", "<", 40),
    "R4": ("employees", ">", 8),
    "R5": ("lifetime_value", ">", 10_000),
    "R6": ("qualified_received", ">", 50),
    "R7": ("employees", "<", 20),
    "R8": ("salespeople", ">=", 2),
    "R9": ("roles_per_person", "<", 3),
    "R10": ("cold_outbound_share_of_seniors", "<=", 0.2),
    "R11": ("lead_response_time", "<=", None),
}


def seed() -> list[dict[str, Any]]:
    """The rules as they are shipped."""
    with SEED.open(encoding="utf-8", newline="") as opened:
        return [{**row, "threshold": float(row["threshold"] or "nan")} for row in csv.DictReader(opened)]


def judge(
    database: duckdb.DuckDBPyConnection,
    *,
    leads: int = 100,
    qualified: int = 10,
    employees: int = 14,
    value: float | None = None,
    team: Sequence[tuple[str, str]] = (("a", "inbound"), ("b", "closer")),
    is_startup: bool = False,
    fte_hours_week: float = 40.0,
) -> dict[str, dict[str, Any]]:
    """The newest row of each rule of a company with the same volumes in each of four months."""
    measure(database, [leads] * 4, [qualified] * 4)
    rules = [
        {**rule, "threshold": None if math.isnan(rule["threshold"]) else rule["threshold"]} for rule in seed()
    ]
    kinds = {"rule_id": "text", "role": "text", "comparator": "text", "threshold": "double", "unit": "text"}
    table(database, "dim_threshold_rule", kinds, rules)
    scope = {
        "latest_complete_month": month(4), "employee_count": employees, "is_startup": is_startup,
        "fte_hours_week": fte_hours_week,
    }  # fmt: skip
    table(
        database, "int_metric_scope",
        {
            "latest_complete_month": "date", "employee_count": "integer", "is_startup": "boolean",
            "fte_hours_week": "double",
        },
        [scope],
    )  # fmt: skip
    table(
        database, "int_role_capacity",
        {
            "month": "date", "role": "text", "rep_id": "text", "is_configured": "boolean", "assigned_fte": "double",
            "fte": "double",
        },
        [
            {
                "month": month(4), "role": role, "rep_id": rep, "is_configured": True, "assigned_fte": 0.4,
                "fte": 0.2,
            }
            for rep, role in team
        ],
    )  # fmt: skip
    table(database, "int_source_capabilities", {"has_qualification": "boolean", "has_touches": "boolean"}, [])
    value_customers(database, {}, as_of="2026-01-01 00:00:00+00", lifetime_value=value)
    table(database, "dim_threshold_rule", kinds, rules)
    build(database, "mart_staffing")
    rows = records(database, "select * from mart_staffing where is_latest")
    return {row["rule_id"]: row for row in rows}


def test_the_shipped_rules_are_those_of_the_definition() -> None:
    """Every rule with its metric, exact comparator, threshold, and the sentence of the document it comes from."""
    found = {rule["rule_id"]: rule for rule in seed()}
    assert found.keys() == DEFINITION.keys()
    for name, (metric, comparator, threshold) in DEFINITION.items():
        rule = found[name]
        assert (rule["metric"], rule["comparator"]) == (metric, comparator)
        assert math.isnan(rule["threshold"]) if threshold is None else rule["threshold"] == threshold
        assert rule["source_sentence"].endswith(".") and rule["effect"].endswith(".")


@pytest.mark.parametrize(
    ("rule", "edge", "is_met"),
    [
        ("R2", {"leads": 399}, False),
        ("R2", {"leads": 400}, True),
        ("R2", {"leads": 401}, True),
        ("R3", {"leads": 39}, True),
        ("R3", {"leads": 40}, False),
        ("R4", {"employees": 8}, False),
        ("R4", {"employees": 9}, True),
        ("R5", {"value": 10_000.0}, False),
        ("R5", {"value": 10_000.01}, True),
        ("R6", {"qualified": 50}, False),
        ("R6", {"qualified": 51}, True),
        ("R7", {"employees": 19}, True),
        ("R7", {"employees": 20}, False),
        ("R8", {"team": [("a", "inbound"), ("a", "closer")]}, False),
        ("R8", {"team": [("a", "inbound"), ("b", "closer")]}, True),
        ("R9", {"team": [("a", "inbound"), ("a", "closer")]}, True),
        ("R9", {"team": [("a", "inbound"), ("a", "closer"), ("a", "outbound")]}, False),
    ],
)
def test_a_rule_holds_at_its_exact_edge(
    database: duckdb.DuckDBPyConnection, rule: str, edge: dict[str, Any], is_met: bool
) -> None:
    row = judge(database, **edge)[rule]
    assert row["is_threshold_met"] is is_met
    assert BEYOND[row["comparator"]](row["volume"], row["threshold"]) is is_met
    if rule in ("R4", "R5", "R7", "R8", "R9"):
        assert row["state"] == ("crossed" if is_met else "below")
        assert row["p_cross"] == float(is_met)


def test_eighty_leads_take_a_day_a_week(database: duckdb.DuckDBPyConnection) -> None:
    """R1: 8.0 hours and 0.2 FTE, exactly; of a week of 32 hours that is a quarter."""
    row = judge(database, leads=80)["R2"]
    assert (row["hours_week_needed"], row["required_fte"]) == (8.0, 0.2)
    row = judge(database, leads=80, fte_hours_week=32.0)["R2"]
    assert (row["hours_week_needed"], row["required_fte"]) == (8.0, 0.25)


@pytest.mark.parametrize(
    ("leads", "qualified", "team", "advice"),
    [
        # 200 / 400 + 25 / 50 is one full-time job exactly, and one person has it: two part-timers.
        (200, 25, ["a"], "two_part_timers"),
        (204, 25, ["a"], "hire_full_time"),
        (200, 25, ["a", "b"], "no_change"),
    ],
)
def test_one_full_time_job_is_for_two_part_timers(
    database: duckdb.DuckDBPyConnection, leads: int, qualified: int, team: list[str], advice: str
) -> None:
    row = judge(database, leads=leads, qualified=qualified, team=[(rep, "closer") for rep in team])["R8"]
    assert row["recommendation"] == advice


def test_advice_on_who_may_do_what(database: duckdb.DuckDBPyConnection) -> None:
    """R7 permits one pair below 20 employees, R9 forbids all three at once but to a start-up, R4 looks at outbound."""
    pair = [("a", "closer"), ("a", "outbound"), ("b", "inbound")]
    assert judge(database, employees=19, team=pair)["R7"]["recommendation"] == "combine_closer_outbound"
    assert judge(database, employees=20, team=pair)["R7"]["recommendation"] == "split_role"
    everything = [("a", "closer"), ("a", "outbound"), ("a", "inbound"), ("b", "inbound")]
    assert judge(database, team=pair)["R9"]["recommendation"] == "no_change"
    assert judge(database, team=everything)["R9"]["recommendation"] == "split_role"
    startup = judge(database, team=everything, is_startup=True)["R9"]
    assert (startup["recommendation"], startup["state"], startup["volume"]) == ("no_change", "below", 3)
    nobody = judge(database, team=[])
    assert {nobody[rule]["recommendation"] for rule in ("R4", "R8", "R9")} == {"need_more_data"}


def test_who_has_the_people_is_not_told_to_hire(database: duckdb.DuckDBPyConnection) -> None:
    """60 qualified a month need 1.2 closers. Three of 0.4 are there, half of each on leave: a gap, and nobody to hire."""
    closers = [(rep, "closer") for rep in "abc"]
    row = judge(database, qualified=60, team=closers)["R6"]
    assert row["state"] == "crossed" and row["recommendation"] == "no_change"
    assert (row["assigned_fte"], row["available_fte"]) == pytest.approx((1.2, 0.6))
    assert row["gap_fte"] == pytest.approx(0.6)
    assert judge(database, qualified=60, team=closers[:2])["R6"]["recommendation"] == "hire_full_time"


# --- the simulation of benchmarks/


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    """The program behind `make bench-staffing`."""
    path = Path(__file__).parents[1] / "benchmarks" / "staffing_simulation.py"
    spec = importlib.util.spec_from_file_location("staffing_simulation", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_simulated_rule_is_the_one_in_the_warehouse(
    database: duckdb.DuckDBPyConnection, simulation: ModuleType
) -> None:
    """The same chance each month from the same counts, overdispersed ones and a month of nothing among them."""
    noise = np.random.default_rng(3)
    for sample in (
        noise.poisson(46, 14),
        noise.negative_binomial(46, 0.5, 14),
        np.array([0, 0, 0, 5, 60, 52]),
    ):
        volumes = [int(n) for n in sample]
        measure(database, volumes, volumes)
        rows = records(
            database,
            "select phi, p_cross from int_staffing_rates where rule_id = 'R6' and p_cross is not null order by month",
        )
        assert len(rows) == len(volumes) - 2
        for end, row in enumerate(rows, start=3):
            counts = np.array([volumes[:end]], dtype=float)
            assert row["phi"] == pytest.approx(simulation.dispersion(counts[:, -12:])[0], rel=1e-12)
            assert row["p_cross"] == pytest.approx(simulation.p_above(counts, 50.0)[0], abs=1e-9)


def test_the_simulation_gives_the_chances_of_the_definition(simulation: ModuleType) -> None:
    """A tenth of the years of the benchmark, so within four points; phi makes false alarms rarer, never commoner."""
    for mean, rows in simulation.simulate(2000, 1).items():
        for measured, defined in zip(rows, simulation.DEFINED[mean], strict=True):
            assert measured[:2] == pytest.approx(defined, abs=0.04), mean
            assert measured[2] <= measured[0] and measured[3] <= measured[1], mean
