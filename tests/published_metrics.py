"""The long table against the wide marts, and what a reader of the file is told. Runs on the night of `test_night`."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

from company import Company
from leadrole import paths

# The keys of each mart, written down once more: the long table must not judge itself.
KEYS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "dim_stage": ("'now'", "null", ("stage_key",)),
    "mart_conversion_by_age": ("'month'", "cohort_month", ("age_days",)),
    "mart_data_trust": ("'now'", "null", ("check_id", "source_crm")),
    "mart_followup_days": ("'month'", "month", ("band_days",)),
    "mart_forecast": ("'month'", "month", ("scenario",)),
    "mart_funnel_cohort": ("period_type", "period_start", ("motion", "source", "stage")),
    "mart_funnel_period": ("'month'", "month", ("motion", "stage")),
    "mart_handling_time": ("'month'", "month", ()),
    "mart_lifetime_value": ("'now'", "null", ("basis",)),
    "mart_rep_month": ("period_type", "period_start", ("rep_id", "role")),
    "mart_response_curve": ("period", "period_start", ("role", "t_wm")),
    "mart_role_scorecard": ("period_type", "period_start", ("role",)),
    "mart_sla": ("period_type", "period_start", ("band_unit", "band")),
    "mart_speed_conversion": ("period_type", "period_start", ("band",)),
    "mart_staffing": ("'month'", "month", ("rule_id",)),
    "mart_staffing_forecast": ("'month'", "month", ("rule_id",)),
    "mart_stage_flow": ("'month'", "month", ("stage_key",)),
    "mart_time_in_stage": ("period_type", "period_start", ("stage_key",)),
}
PAIRED = {
    "mart_closer_month": ("'month'", "month", "slice", ()),
    "mart_inbound_month": ("'month'", "month", "slice", ()),
    "mart_outbound_month": ("'month'", "month", "slice", ()),
    "mart_pipeline_movement": ("'month'", "month", "slice", ("basis", "currency_code")),
    "mart_rhythm": ("'week'", "week_start", "scope", ()),
    "mart_team_design": ("'month'", "month", "slice", ()),
}
RATE = ("k", "n", "ci_low", "ci_high", "ci_method", "maturity", "grade")


def seed(name: str) -> list[dict[str, str]]:
    with (paths.config() / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def wide_rows(company: Company, table: str) -> list[tuple[tuple[str, str, str, Any], dict[str, Any]]]:
    """Each row of a mart with what the long table must call it: slice type, slice, period type, period."""
    found = []
    kind, start, keys = KEYS.get(table) or (*PAIRED[table][:2], PAIRED[table][3])
    pair = PAIRED[table][2] if table in PAIRED else None
    for row in company.rows(
        f"select *, {kind} as its_kind, {start} as its_start from main_published.{table}"
    ):
        names, values = list(keys), ["" if row[key] is None else str(row[key]) for key in keys]
        if pair:
            names.insert(0, row[f"{pair}_type"])
            values.insert(0, row[f"{pair}_value"])
        slices = (" x ".join(names) or "all", " | ".join(values) or "all")
        found.append(((*slices, row["its_kind"], row["its_start"]), row))
    return found


def as_number(value: Any) -> float | None:
    return None if value is None or isinstance(value, date) else float(value)


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def test_the_long_table_equals_the_wide_marts_cell_by_cell(company: Company) -> None:
    long = {
        (
            row["metric_id"], row["measure"], row["table_name"],
            row["slice_type"], row["slice_value"], row["period_type"], row["period_start"],
        ): row
        for row in company.rows("select * from main_published.mart_metric_long")
    }  # fmt: skip
    compared: Counter[str] = Counter()
    wide = {table: wide_rows(company, table) for table in {*KEYS, *PAIRED}}
    for source in seed("metric_sources"):
        table, column, metric = source["table_name"], source["value_column"], source["metric_id"]
        if table.startswith("fct_"):
            continue
        is_rate = column.endswith("estimate") and not (source["k_column"] or source["ci_low_column"])
        for key, row in wide[table]:
            if source["metric_column"] and row[source["metric_column"]] != metric:
                continue
            cell = long.pop((metric, column, table, *key))
            assert cell["estimate"] == as_number(row[column]), (source, key)
            assert cell["value_date"] == (row[column] if isinstance(row[column], date) else None), key
            for figure in RATE:
                prefix = column.removesuffix("estimate")
                other = f"{prefix}{figure}" if is_rate else source.get(f"{figure}_column", "")
                if figure == "ci_method" and (cell["ci_low"] is None or source["ci_method"]):
                    continue
                assert cell[figure] == (plain(row[other]) if other else None), (source, key, figure)
            if row[column] is not None and not source["status_column"]:
                assert cell["status"] == "measured", (source, key)
            if is_rate and row[column] is None:
                grade = row[f"{column.removesuffix('estimate')}grade"]
                assert cell["status"] == (grade or "not_known"), (source, key)
            compared[table] += 1
    assert not long, f"{len(long)} cells that no wide mart has"
    # Figures on people are off in this company, so its reps have no rows.
    assert set(compared) == set(wide) - {"mart_rep_month"}


def test_every_metric_of_the_catalogue_says_where_it_is(company: Company) -> None:
    published = {row["metric_id"] for row in company.rows("select metric_id from main_published.dim_metric")}
    sources = seed("metric_sources")
    assert published == {source["metric_id"] for source in sources}
    in_marts = {s["metric_id"] for s in sources if not s["table_name"].startswith("fct_")}
    long = {row["metric_id"] for row in company.rows("select metric_id from main_published.mart_metric_long")}
    assert in_marts == long


def test_every_table_and_column_is_described_in_the_published_file(company: Company) -> None:
    silent = company.rows(
        "select table_name, column_name from duckdb_columns()"
        " where schema_name = 'marts' and coalesce(trim(comment), '') = ''"
        " union all select table_name, null from duckdb_tables()"
        " where schema_name = 'marts' and coalesce(trim(comment), '') = ''"
    )
    assert silent == []
    described = company.rows("select count(*) as n from duckdb_columns() where schema_name = 'marts'")
    assert described[0]["n"] > 500
