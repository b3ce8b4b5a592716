"""MetricFlow asked about the published file, against the marts. Runs on the night of `test_night`."""

from __future__ import annotations

import csv
import os
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from company import Company

ROOT = Path(__file__).resolve().parents[1]
SEMANTIC_PYTHON = Path(os.environ.get("LEADROLE_SEMANTIC_PYTHON", ROOT / ".venv-semantic" / "bin" / "python"))

# Metric: its mart, its numerator, its denominator; an open count is that of the last month.
ASKED: dict[str, tuple[str, str, str | None]] = {
    "inbound_leads": ("inbound", "inbound_leads", None),
    "lead_to_qualified_conversion": ("inbound", "lead_to_qualified_k", "lead_to_qualified_n"),
    "never_answered": ("inbound", "never_answered_k", "never_answered_n"),
    "contacted": ("inbound", "contacted_k", "contacted_n"),
    "new_prospects": ("outbound", "new_prospects", None),
    "prospect_to_qualified_conversion": ("outbound", "prospect_to_qualified_k", "prospect_to_qualified_n"),
    "active_days_share": ("outbound", "active_days", "working_days"),
    "qualified_received": ("closer", "qualified_received", None),
    "win_rate": ("closer", "win_rate_k", "win_rate_n"),
    "self_handover": ("closer", "self_handover_k", "self_handover_n"),
    "won_amount": ("closer", "won_amount", None),
    "open_deals": ("closer", "open_deals", None),
}


def ask(home: Path, metrics: Sequence[str], by: str, answer: Path) -> list[dict[str, str]]:
    """The rows that MetricFlow gives for these metrics."""
    done = subprocess.run(
        [
            str(SEMANTIC_PYTHON), str(ROOT / "semantic" / "ask.py"), str(home),
            "query", "--metrics", ",".join(metrics), "--group-by", by, "--csv", str(answer),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    with answer.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def quarter_of(month: date) -> date:
    return month.replace(month=3 * ((month.month - 1) // 3) + 1)


def test_metrics_asked_through_metricflow_equal_the_marts(company: Company, tmp_path: Path) -> None:
    """Quarters, which no mart has: the parts are added and then divided, not the months' rates averaged."""
    if not SEMANTIC_PYTHON.is_file():
        pytest.skip("MetricFlow is not installed: `make semantic` installs it beside the pins")
    quarters: dict[date, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for mart in ("inbound", "outbound", "closer"):
        for row in company.rows(
            f"select * from main_published.mart_{mart}_month where slice_type = 'all' order by month"
        ):
            quarters[quarter_of(row["month"])][mart].append(row)
    answers = ask(company.home, list(ASKED), "metric_time__quarter", tmp_path / "answer.csv")
    told = {date.fromisoformat(row["metric_time__quarter"][:10]): row for row in answers}
    assert set(told) == set(quarters) and len(told) >= 4
    unlike_the_mean = 0
    for quarter, months in quarters.items():
        for metric, (mart, k, n) in ASKED.items():
            rows = months[mart]
            if metric == "open_deals":
                expected: float | None = float(rows[-1][k])
            elif n is None:
                expected = float(sum(row[k] for row in rows))
            else:
                whole = sum(row[n] or 0 for row in rows)
                expected = sum(row[k] or 0 for row in rows) / whole if whole else None
                monthly = [row[k] / row[n] for row in rows if row[n]]
                if expected is not None and abs(sum(monthly) / len(monthly) - expected) > 1e-6:
                    unlike_the_mean += 1
            found = told[quarter][metric]
            if expected is None:
                assert found == "", (quarter, metric)
            else:
                assert float(found or 0) == pytest.approx(expected, rel=1e-9), (quarter, metric)
    assert unlike_the_mean > 5, "the mean of the months' rates would do: the test proves nothing"
