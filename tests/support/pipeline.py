"""The published movement of the pipeline beside the true one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from leadrole.sandbox.pipeline_truth import Movement

MOVEMENTS = ("start", "created", "pulled_in", "increased", "decreased", "pushed_out", "lost", "won", "end")
QUERY = "select * from main_published.mart_pipeline_movement where slice_type = 'all' and basis = 'reporting'"


def assert_movements(
    rows: Sequence[Mapping[str, Any]], true: Mapping[date, Movement], movements: Collection[str] = MOVEMENTS
) -> None:
    """Every month, deals and amounts; `movements` are those that the CRM can tell."""
    assert rows, "nothing moved, the test proves nothing"
    for row in rows:
        flow = true[row["month"]]
        for name in movements:
            assert row[f"{name}_deals"] == flow.deals[name], (row["month"], name)
            assert row[f"{name}_amount"] == flow.amounts[name], (row["month"], name)
