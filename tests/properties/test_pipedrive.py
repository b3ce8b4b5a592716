"""Pipedrive: whatever happens between and during the nights, the warehouse then holds what the company holds."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from hypothesis import given

from leadrole.crm.pipedrive.reader import PipedriveReader
from leadrole.sandbox import History
from leadrole.settings import Settings
from properties.histories import STEPS, Step, Vendor, proved, seeds, wrong_once
from support.pipedrive import assert_raw_is_the_ledger, pipedrive, pipedrive_home

pytestmark = pytest.mark.slow


def differences(config: Settings, history: History, at: datetime) -> list[str]:
    try:
        assert_raw_is_the_ledger(config, history, at)
    except AssertionError as error:
        return [str(error)]
    return []


PIPEDRIVE = Vendor(pipedrive, partial(pipedrive_home, page_size=4), differences)


@seeds
@given(STEPS)
def test_nothing_is_lost_stale_twice_or_a_ghost(steps: list[Step]) -> None:
    proved(PIPEDRIVE, steps)


def test_the_proof_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the list of archived deals they look deleted: the test above would see it."""
    monkeypatch.setattr(PipedriveReader, "removed", lambda self, endpoint, start: iter(()))
    monkeypatch.setattr(PipedriveReader, "child_rows", lambda self, endpoint, child, parent: iter(()))
    assert wrong_once(PIPEDRIVE, 0)
