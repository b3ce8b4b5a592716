"""Salesforce: whatever happens between and during the nights, the warehouse then holds what the org holds."""

from __future__ import annotations

import pytest
from hypothesis import given

from leadrole.crm import windows
from leadrole.sandbox.salesforce import ledger
from properties.histories import STEPS, Step, Vendor, nothing_to_reconcile, proved, seeds, wrong_once
from support.salesforce import differences, home, pretend_org

pytestmark = pytest.mark.slow

# A third of the records shows up to ten minutes after its stamp; pages are of four.
LATE = {"late_seconds": 600, "late_share": 0.3}
SALESFORCE = Vendor(
    lambda history, now: pretend_org(history, now=now, max_page=4, **LATE),
    home,
    lambda config, history, at: differences(config, ledger(history, at, **LATE)),
)


@seeds
@given(STEPS)
def test_nothing_is_lost_stale_twice_or_a_ghost(steps: list[Step]) -> None:
    proved(SALESFORCE, steps)


def test_the_proof_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the overlap and the walk, a record that shows late is lost: the test above would see it."""
    monkeypatch.setattr(windows, "next_window", lambda closed, hi, overlap: windows.Window(closed, hi))
    monkeypatch.setattr(windows, "reconcile", nothing_to_reconcile)
    assert wrong_once(SALESFORCE, 8)
