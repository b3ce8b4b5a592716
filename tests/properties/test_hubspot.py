"""HubSpot: whatever happens between and during the nights, the warehouse then holds what HubSpot holds."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given

from leadrole.crm import loop, windows
from leadrole.crm.hubspot.reader import HubspotReader
from leadrole.sandbox.server import serve
from properties.histories import STEPS, Step, Vendor, nothing_to_reconcile, proved, seeds, wrong_once
from support.homes import TOKEN, hubspot_home
from support.hubspot import differences

pytestmark = pytest.mark.slow

# Search shows a record up to five minutes late; pages are of four.
HUBSPOT = Vendor(
    lambda history, now: serve(history, now=now, token=TOKEN, search_lag_seconds=300, seed=3, has_leads=True),
    partial(hubspot_home, page_size=4),
    partial(differences, has_leads=True),
)


@seeds
@given(STEPS)
def test_nothing_is_lost_stale_twice_or_a_ghost(steps: list[Step]) -> None:
    proved(HUBSPOT, steps)


@pytest.mark.parametrize(
    ("fault", "first"), [("no walk", 8), ("no overlap", 2), ("no archived list", 0), ("no links of all", 3)]
)
def test_the_proof_can_fail(fault: str, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one part of the design, some history goes wrong: the test above would see it."""
    if fault == "no walk":
        monkeypatch.setattr(windows, "reconcile", nothing_to_reconcile)
    elif fault == "no overlap":
        monkeypatch.setattr(windows, "next_window", lambda closed, hi, overlap: windows.Window(hi, hi))
        monkeypatch.setattr(windows, "reconcile", nothing_to_reconcile)
    elif fault == "no archived list":
        monkeypatch.setattr(HubspotReader, "removed", lambda self, endpoint, start: iter(()))
        monkeypatch.setattr(HubspotReader, "walk", lambda self, endpoint, start, *, with_rows: iter(()))
    else:
        monkeypatch.setattr(loop, "LINKS_OF_ALL", -1)
    assert wrong_once(HUBSPOT, first)
