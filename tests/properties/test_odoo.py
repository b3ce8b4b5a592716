"""Odoo: whatever happens between and during the nights, the warehouse then holds what the database holds."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from hypothesis import given

from leadrole.crm import windows
from leadrole.sandbox import History, odoo, serve
from leadrole.settings import Settings
from properties.histories import STEPS, Step, Vendor, nothing_to_reconcile, proved, seeds, wrong_once
from support.odoo import TOKEN, assert_raw_is, odoo_home

pytestmark = pytest.mark.slow

# Records are stamped with the start of transactions of up to ten minutes; pages are of four.
TRANSACTIONS = {"version": 19, "bulk_seconds": 600}


def differences(config: Settings, history: History, at: datetime) -> list[str]:
    try:
        assert_raw_is(config.home, odoo.ledger(history, at, **TRANSACTIONS))
    except AssertionError as error:
        return [str(error)]
    return []


ODOO = Vendor(
    lambda history, now: serve(history, now=now, token=TOKEN, dialect=odoo.Account, **TRANSACTIONS),
    partial(odoo_home, page_size=4),
    differences,
)


@seeds
@given(STEPS)
def test_nothing_is_lost_stale_twice_or_a_ghost(steps: list[Step]) -> None:
    proved(ODOO, steps)


def test_the_proof_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the overlap and the walk, what a long transaction wrote is lost: the test above would see it."""
    monkeypatch.setattr(windows, "reconcile", nothing_to_reconcile)
    monkeypatch.setattr(windows, "next_window", lambda closed, hi, overlap: windows.Window(closed, hi))
    assert wrong_once(ODOO, 12)
