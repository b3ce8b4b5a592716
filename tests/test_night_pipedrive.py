"""A company on Pipedrive, night after night, judged by truth that no SQL computed.

Pipedrive can't express all of the log, so the truth is computed from the log as Pipedrive tells it (`as_told`):

- lifecycle stages: a lead has none; that it became a deal is what says that it is qualified
- who qualified: the one who made the deal, who also owns it; a hand-over to another person can't be seen
- a lead status that writes a lead off archives it; on a person without a live lead it leaves no trace
- e-mails that a workflow sends, and meetings that were called off, leave no activity
- activities and deals tell whole seconds
- a lead that was made and converted between two nights: its age is lost. The nights here are set so that one of
  them sees each lead; test_extract_pipedrive has the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from company import published_rows
from leadrole import settings
from leadrole.build import dbt_environment, dbt_vars
from leadrole.night import night as whole_night
from leadrole.run import new_run
from leadrole.sandbox import Event, History, Population
from leadrole.sandbox.pipedrive import ledger
from leadrole.sandbox.pipedrive.records import DEAL_TYPE, DISQUALIFIED, Company, Settings
from leadrole.sandbox.pipeline_truth import deal_states, movements
from leadrole.sandbox.truth import Truth, compute
from published_columns import *  # noqa: F403  (a test of every night)
from support.homes import night, query, run_of
from support.pipedrive import ENV, pipedrive, pipedrive_home
from support.pipeline import QUERY, assert_movements
from test_night import CLOSER, INBOUND, OUTBOUND, assert_month_by_month

pytestmark = pytest.mark.slow

START = date(2025, 9, 1)
NIGHT = datetime(2026, 5, 5, 2, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=60)
# Archiving a contact is deleting its leads here: a lead that Pipedrive archives is one that was written off.
WORLD: dict[str, Any] = {"archived_as": "deleted"}
SOURCE = f"    queue_users: ['190']\n    deal_type_field: {DEAL_TYPE}\n"
TOP = """
lead_sources:
  "Organic search": {source: organic_search, motion: inbound}
  "Offline": {source: prospect_list, motion: outbound}
"""
# A conversion has one author, who owns the deal as well; and here each lead was called before it was converted.
CANT_SEE = {"self_handover_k", "unlogged_k"}


def as_told(history: History, at: datetime) -> History:
    """The log as far as Pipedrive can tell it."""
    company = Company(history, at, Settings.of(dict(WORLD)))
    deals = {key: deal.source_lead for key, deal in company.deals.items() if deal.source_lead}
    canceled = {
        event.subject
        for event in history.events
        if event.kind == "meeting_outcome" and event.data["outcome"] == "CANCELED"
    }
    archived_at = {lead.archived_at for lead in company.leads.values()}
    kept: list[Event] = []
    for event in history.events:
        if event.kind == "lifecycle_changed" or (event.kind == "email_logged" and event.data["automated"]):
            continue
        if event.kind in ("meeting_booked", "meeting_outcome") and event.subject in canceled:
            continue
        if (
            event.kind == "lead_status_changed"
            and event.data["status"] in DISQUALIFIED
            and event.at not in archived_at
        ):
            continue
        kept.append(_in_seconds(event))
        if event.kind == "deal_created" and event.subject in deals:
            contact = event.data["contacts"][0]
            lead = replace(_in_seconds(event), kind="lifecycle_changed", subject=contact, by=None)
            kept += [
                replace(lead, data={"stage": "lead"}),
                replace(lead, by=event.by, data={"stage": "salesqualifiedlead"}),
            ]
    return History(kept, history.owners)


def _in_seconds(event: Event) -> Event:
    """The event with the moments of an activity or a deal cut to the second."""
    cut = {
        name: value.replace(microsecond=0)
        for name, value in event.data.items()
        if isinstance(value, datetime)
    }
    at = event.at.replace(microsecond=0) if event.kind.startswith("deal_") else event.at
    return replace(event, at=at, data={**event.data, **cut})


def nights_that_see_each_lead(history: History) -> list[datetime]:
    """As few nights as will do: one between the making of each lead and its conversion."""
    company = Company(history, NIGHT, Settings.of(dict(WORLD)))
    spans = sorted(
        (lead.gone_at, lead.added) for lead in company.leads.values() if lead.gone_at and lead.gone_at < NIGHT
    )
    nights: list[datetime] = []
    for gone_at, added in spans:
        if not nights or nights[-1] < added:
            nights.append(gone_at - timedelta(seconds=1))
    return nights


class Told:
    """A home whose warehouse holds what the nights saw."""

    def __init__(self, home: Path, history: History, truth: Truth) -> None:
        self.home = home
        self.history = history
        self.truth = truth

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the publication."""
        return published_rows(self.home, sql)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    history = Population(seed=11, start=START, months=8, scale=0.2)
    home = tmp_path_factory.mktemp("home")
    with pipedrive(history, NIGHT, **WORLD) as crm:
        config = pipedrive_home(home, crm.base_url, SOURCE, page_size=500, top=TOP)
        nights = nights_that_see_each_lead(history)
        for number, moment in enumerate(nights):
            crm.set_now(moment)
            night(config, number - len(nights) - 1)
        crm.set_now(NIGHT)
        whole_night(config)
    as_of = NIGHT - SETTLE
    yield Told(home, history, compute(as_told(history, as_of), as_of))


@pytest.mark.parametrize("column", sorted(set(INBOUND) - CANT_SEE))
def test_inbound_months_equal_the_truth(company: Told, column: str) -> None:
    rows = company.rows("select * from main_published.mart_inbound_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth, column, INBOUND[column])


@pytest.mark.parametrize("column", OUTBOUND)
def test_outbound_months_equal_the_truth(company: Told, column: str) -> None:
    rows = company.rows("select * from main_published.mart_outbound_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth, column, OUTBOUND[column])


@pytest.mark.parametrize("column", sorted(set(CLOSER) - CANT_SEE))
def test_closer_months_equal_the_truth(company: Told, column: str) -> None:
    rows = company.rows("select * from main_published.mart_closer_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth, column, CLOSER[column])


def test_every_lead_cycle_has_the_true_entry_and_response(company: Told) -> None:
    found = Counter(
        (row["entered_at"], None if row["ttfa_wm"] is None else round(row["ttfa_wm"]))
        for row in company.rows("select entered_at, ttfa_wm from main_published.fct_lead_cycle")
    )
    true = Counter(
        (cycle.entered_at, None if cycle.ttfa_wm is None else round(cycle.ttfa_wm))
        for cycle in company.truth.cycles
    )
    assert found == true


def test_every_unit_test_of_the_models_passes(company: Told) -> None:
    as_of = NIGHT - SETTLE
    run = new_run(company.home, as_of)
    config = settings.load(company.home, env=ENV)
    ended = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "--quiet", "test", "--select", "int_pipedrive__*,test_type:unit",
            "--vars", json.dumps(dbt_vars(config, run.run_id, as_of, as_of)),
        ],
        env={**os.environ, **dbt_environment(run, company.home / "data" / "dbt")},
        cwd=company.home,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:]


def test_the_pipeline_moved_as_it_truly_did(company: Told) -> None:
    as_of = NIGHT - SETTLE
    deals = deal_states(as_told(company.history, as_of), as_of)
    assert_movements(company.rows(QUERY), movements(deals, as_of))


def test_every_live_record_is_in_the_warehouse(company: Told) -> None:
    live = ledger(company.history, NIGHT, **WORLD)
    raw = run_of(company.home).raw_path
    for name in ("leads", "deals", "persons", "organizations", "activities"):
        held = query(raw, f"select id from raw_pipedrive.{name} where _deleted_at is null")
        assert {row[0] for row in held} == set(live[name]), name


def test_a_converted_lead_is_still_a_lead_with_its_age(company: Told) -> None:
    raw = run_of(company.home).raw_path
    converted = query(
        raw, "select count(*), count(add_time) from raw_pipedrive.leads where _deleted_how = 'converted'"
    )
    assert converted[0][0] == converted[0][1] > 20
    cycles = company.rows(
        "select count(*) as n from main_published.fct_lead_cycle where qualified_at is not null"
    )
    assert cycles[0]["n"] > 20
