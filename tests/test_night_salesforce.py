"""A whole night over a Salesforce org, judged by the truth of the event log.

What Salesforce can't tell, and the truth knows (see `sandbox/salesforce/__init__.py`):

- fractions of a second: moments are compared to the second, working minutes to a few hundredths;
- what a lead that was merged away did before: its history goes with it, and the bin is emptied after 15 days. A first
  load after that sees the survivor only. In this company the survivor is the older one, so no figure differs;
- queues as owners of contacts and deals, statuses of converted leads, a second person of a call.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import pytest

from company import FIRST_NIGHT, START, Company
from leadrole import settings as settings_module
from leadrole.build import dbt_environment, dbt_vars
from leadrole.run import new_run
from leadrole.sandbox.pipeline_truth import deal_states, movements
from leadrole.sandbox.population import Population
from leadrole.sandbox.salesforce import (
    CLIENT_ID,
    CLIENT_SECRET,
    Org,
    contact_id,
    lead_id,
    ledger,
    opportunity_id,
)
from leadrole.sandbox.server import serve
from published_columns import *  # noqa: F403  (a test of every night)
from support.homes import COMPANY
from support.pipeline import QUERY, assert_movements
from test_night import assert_every_month_equals_the_truth

pytestmark = pytest.mark.slow

SETTLE_SECONDS = 300
CONFIG = (
    COMPANY
    + """\
sources:
  - name: salesforce
    kind: salesforce
    base_url: {url}
    client_id_env: SALESFORCE_CLIENT_ID
    client_secret_env: SALESFORCE_CLIENT_SECRET
    rate_limit: {{per_10_seconds: 100000}}
    max_clock_skew_minutes: 5256000
    bulk_threshold: 1500
    disqualified_statuses: [Unqualified, Bad Timing]
    currency: EUR
    last_form_field: Last_Form__c
    lost_reason_field: Loss_Reason__c
    happened_at_field: Happened_At__c
    direction_field: Direction__c
    meeting_outcome_field: Outcome__c
lead_sources:
  Organic Search: {{source: organic_search, motion: inbound}}
  Purchased List: {{source: prospect_list, motion: outbound}}
{more}
"""
)


@dataclass
class SalesforceCompany(Company):
    """The same company, with another CRM."""

    def write_config(self, more: str = "") -> None:
        path = self.home / "config" / "leadrole.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIG.format(url=self.server.base_url, more=more), encoding="utf-8")

    def settings(self, token: str = CLIENT_SECRET) -> settings_module.Settings:
        env = {"SALESFORCE_CLIENT_ID": CLIENT_ID, "SALESFORCE_CLIENT_SECRET": token}
        return settings_module.load(self.home, env=env)

    def as_of(self) -> datetime:
        return self.server.now - timedelta(seconds=SETTLE_SECONDS)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SalesforceCompany]:
    population = Population(seed=11, start=START, months=12, scale=0.35)
    with serve(population, now=FIRST_NIGHT, token="unused", dialect=Org) as server:
        made = SalesforceCompany(tmp_path_factory.mktemp("home"), server, population)
        made.write_config()
        made.night()
        yield made


def assert_every_cycle_equals_the_truth(company: SalesforceCompany) -> None:
    truth = company.truth()
    leads_of: dict[str, list[str]] = defaultdict(list)
    for event in company.population.until(company.as_of()):
        if event.kind == "contact_created":
            leads_of[event.subject].append(event.subject)
        elif event.kind == "contacts_merged":
            leads_of[event.subject] = [lead for one in event.data["merged"] for lead in leads_of[one]]
    rows = company.rows("select lead_id, entered_at, ttfa_wm from main_published.fct_lead_cycle")
    found = {(row["lead_id"].removeprefix("salesforce:"), row["entered_at"]): row["ttfa_wm"] for row in rows}
    assert len(found) == len(truth.cycles) > 1000
    for cycle in truth.cycles:
        at = cycle.entered_at.replace(microsecond=0)
        ids = [make(lead) for lead in leads_of[cycle.person] for make in (lead_id, contact_id)]
        (key,) = [(one, at) for one in ids if (one, at) in found]
        expected = None if cycle.ttfa_wm is None else pytest.approx(cycle.ttfa_wm, abs=0.05)
        assert found[key] == expected, key


def test_every_month_equals_the_truth(company: SalesforceCompany) -> None:
    assert_every_month_equals_the_truth(company)


def test_every_lead_cycle_has_the_true_entry_and_response(company: SalesforceCompany) -> None:
    assert_every_cycle_equals_the_truth(company)


def test_every_deal_has_its_true_outcome_and_its_lead(company: SalesforceCompany) -> None:
    truth = company.truth()
    rows = company.rows("select deal_id, status, link_method, link_confidence from main_published.fct_deal")
    found = {row["deal_id"].removeprefix("salesforce:"): row for row in rows}
    assert {one: row["status"] for one, row in found.items()} == {
        opportunity_id(deal.deal_id): deal.status for deal in truth.deals
    }
    # A lead names the deal that it was converted into; a later deal of the same person names the contact.
    without_person = {opportunity_id(deal.deal_id) for deal in truth.deals if not deal.persons}
    assert {one for one, row in found.items() if row["link_method"] == "unlinked"} == without_person
    methods = [row["link_method"] for row in found.values()]
    assert set(methods) == {"native", "association", "unlinked"}
    assert methods.count("native") > 100
    assert all(row["link_confidence"] == 1 for row in found.values() if row["link_method"] == "native")


def test_the_pipeline_moved_as_it_truly_did(company: SalesforceCompany) -> None:
    deals = deal_states(company.population, company.as_of())
    assert_movements(company.rows(QUERY), movements(deals, company.as_of()))


def test_raw_holds_what_the_org_holds(company: SalesforceCompany) -> None:
    truth = ledger(company.population, company.server.now)
    with duckdb.connect(str(company.home / "data" / "raw.duckdb"), read_only=True) as raw:
        for name in ("leads", "contacts", "opportunities", "tasks", "events", "lead_history"):
            held = raw.execute(f"select id from raw_salesforce.{name} where _deleted_at is null").fetchall()
            assert {one for (one,) in held} == set(truth[name]), name


def test_the_unit_tests_of_its_models_pass(company: SalesforceCompany) -> None:
    run = new_run(company.home, company.as_of())
    ended = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "test",
            "--select", "int_salesforce__lead_states,test_type:unit", "int_salesforce__owner_changes,test_type:unit",
            "int_salesforce__deal_stage_changes,test_type:unit",
            "--vars", json.dumps(dbt_vars(company.settings(), run.run_id, company.as_of(), company.as_of())),
        ],
        env={**os.environ, **dbt_environment(run, company.home / "data" / "dbt")},
        cwd=company.home,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "PASS=4" in ended.stdout


def test_three_days_later_the_figures_are_true_again(company: SalesforceCompany) -> None:
    company.server.set_now(company.server.now + timedelta(days=3))
    result = company.night()
    assert result.publication.dbt_tests_passed > 200
    assert_every_month_equals_the_truth(company)
    assert_every_cycle_equals_the_truth(company)
    test_raw_holds_what_the_org_holds(company)
