"""A real funnel through the CSV source: 8,000 leads and 842 customers of a company that logged little else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from company import published_rows
from leadrole import paths, settings
from leadrole.night import night
from published_columns import assert_listed_columns_are_the_built_ones

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def olist(olist_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("olist")
    config = home / "config" / "leadrole.yml"
    config.parent.mkdir()
    config.write_text(
        (paths.config() / "examples" / "olist.yml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    night(settings.load(home, env={"OLIST_DIR": str(olist_dir)}))
    return home


def funnel(home: Path, source: str) -> dict[str, Any]:
    (row,) = published_rows(
        home,
        "select k, n, estimate, status from main_published.mart_funnel_cohort where period_type = 'all'"
        f" and motion = 'all' and source = '{source}' and stage = 'customer'",
    )
    return row


def test_the_whole_funnel_is_842_of_8000(olist: Path) -> None:
    row = funnel(olist, "all")
    assert (row["k"], row["n"]) == (842, 8000)
    assert row["estimate"] == pytest.approx(0.10525)


@pytest.mark.parametrize(
    ("source", "k", "n"),
    [("organic_search", 271, 2296), ("paid_search", 195, 1586), ("social", 75, 1350), ("email", 15, 493)],
)
def test_each_origin_has_its_customers(olist: Path, source: str, k: int, n: int) -> None:
    row = funnel(olist, source)
    assert (row["k"], row["n"]) == (k, n)


def test_what_the_data_lack_is_not_measurable(olist: Path) -> None:
    stages = published_rows(
        olist,
        "select stage, status, estimate from main_published.mart_funnel_cohort where period_type = 'all'"
        " and motion = 'all' and source = 'all' and stage in ('attempted', 'contacted', 'qualified')",
    )
    assert {row["status"] for row in stages} == {"not_measurable"}
    assert {row["estimate"] for row in stages} == {None}
    speeds = published_rows(olist, "select distinct lead_speed_status from main_published.mart_inbound_month")
    assert speeds == [{"lead_speed_status": "not_measurable"}]
    wins = published_rows(
        olist, "select distinct win_rate_grade, win_rate_estimate from main_published.mart_closer_month"
    )
    assert wins == [{"win_rate_grade": "not_measurable", "win_rate_estimate": None}]


def test_one_win_before_its_lead_is_reported_and_not_averaged_in(olist: Path) -> None:
    (trust,) = published_rows(
        olist, "select k, verdict from main_published.mart_data_trust where check_id = 'impossible_order'"
    )
    assert trust == {"k": 1, "verdict": "warning"}


def test_inbound_staffing_is_volume_divided_by_400(olist: Path) -> None:
    rows = published_rows(
        olist, "select month, volume, required_fte from main_published.mart_staffing where rule_id = 'R2'"
    )
    # Whole months of the export, counted by hand from the file: June 2017 to May 2018.
    assert len(rows) == 12
    assert sum(row["volume"] for row in rows) == 8000
    for row in rows:
        assert row["required_fte"] == pytest.approx(row["volume"] / 400)


def test_every_built_column_is_listed_for_csv_too(olist: Path) -> None:
    assert_listed_columns_are_the_built_ones(olist)
