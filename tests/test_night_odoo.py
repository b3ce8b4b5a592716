"""A whole night over an Odoo database, judged by the truth of the event log.

What Odoo can't tell, and the truth knows (see `sandbox/odoo/__init__.py`):

- fractions of a second: moments are compared to the second, working minutes to a few hundredths;
- an amount of nought: it reads like one that nobody filled in, and we take it for that. The truth is that of a
  company that left such amounts open;
- dates of closing that were moved: Odoo does not track them, so no deal was ever put off;
- what an address's owner did under another one before both were merged into one record, beyond the messages, which
  go along. In this company the surviving record is the older one, so no figure differs;
- calls that were called off, which leave nothing behind. They are no touches either.

A form of somebody who is known makes a second lead: the address says that both are one person.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from types import MappingProxyType

import duckdb
import pytest

from company import FIRST_NIGHT, START, TOKEN, Company
from leadrole import settings as settings_module
from leadrole.build import dbt_environment, dbt_vars
from leadrole.run import new_run
from leadrole.sandbox import odoo as sandbox
from leadrole.sandbox.log import Event, History
from leadrole.sandbox.population import Population
from leadrole.sandbox.server import serve
from leadrole.sandbox.truth import Cycle, Truth, compute
from published_columns import *  # noqa: F403  (a test of every night)
from support.homes import COMPANY
from support.pipeline import QUERY
from test_night import assert_every_month_equals_the_truth

pytestmark = pytest.mark.slow

VERSION = 17
CONFIG = (
    COMPANY
    + """\
sources:
  - name: odoo
    kind: odoo
    base_url: {url}
    database: leadrole
    username: admin
    protocol: jsonrpc
    token_env: TEST_TOKEN
    rate_limit: {{per_10_seconds: 100000}}
    page_size: 237
    max_clock_skew_minutes: 5256000
    qualified_from_stage: Gekwalificeerd
    accepted_stages: [Behoefte bevestigd, Demo gepland, Offerte verstuurd]
    activity_kinds:
      Call: {{kind: call, reached: true}}
      Call, no answer: {{kind: call, reached: false}}
      Call, voicemail: {{kind: call, reached: false}}
      Call, busy: {{kind: call, reached: false}}
      Call, wrong number: {{kind: call, reached: false}}
      Call, message left: {{kind: call, reached: false}}
      Call received: {{kind: call, direction: in, reached: true}}
      Call received, missed: {{kind: call, direction: in, reached: false}}
lead_sources:
  Search engine: {{source: organic_search, motion: inbound}}
  Offline: {{source: prospect_list, motion: outbound}}
{more}
"""
)


def without_noughts(history: History) -> History:
    """The company as Odoo can tell it: an amount of nought is one that nobody filled in."""

    def told(event: Event) -> Event:
        if event.data.get("amount") != "0":
            return event
        return replace(event, data=MappingProxyType({**event.data, "amount": None}))

    return History([told(event) for event in history.events], history.owners)


@dataclass
class OdooCompany(Company):
    """The same company, with another CRM."""

    def write_config(self, more: str = "") -> None:
        path = self.home / "config" / "leadrole.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIG.format(url=self.server.base_url, more=more), encoding="utf-8")

    def settings(self, token: str = TOKEN) -> settings_module.Settings:
        return settings_module.load(self.home, env={"TEST_TOKEN": token})

    def truth(self) -> Truth:
        return compute(without_noughts(self.population), self.as_of())

    def persons(self) -> dict[str, str]:
        """The person of the truth behind each of Odoo's leads."""
        survivors = {
            loser: event.subject
            for event in self.population.until(self.as_of())
            if event.kind == "contacts_merged"
            for loser in event.data["merged"]
        }
        persons = {}
        for contact, rows in sandbox.contacts(self.population, self.server.now, version=VERSION).items():
            while contact in survivors:
                contact = survivors[contact]
            persons |= {f"odoo:{row}": contact for row in rows}
        return persons


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OdooCompany]:
    population = Population(seed=11, start=START, months=12, scale=0.35)
    with serve(population, now=FIRST_NIGHT, token=TOKEN, dialect=sandbox.Account, version=VERSION) as server:
        made = OdooCompany(tmp_path_factory.mktemp("home"), server, population)
        made.write_config()
        made.night()
        yield made


def test_every_month_equals_the_truth(company: OdooCompany) -> None:
    assert_every_month_equals_the_truth(company)


def test_every_lead_cycle_has_the_true_entry_response_and_qualification(company: OdooCompany) -> None:
    persons = company.persons()
    rows = company.rows(
        "select person_id, entered_at, motion_first, ttfa_wm, qualified_at, customer_at from main_published.fct_lead_cycle"
    )
    found = {(persons[row["person_id"]], row["entered_at"]): row for row in rows}
    true: dict[tuple[str, object], Cycle] = {
        (cycle.person, cycle.entered_at.replace(microsecond=0)): cycle for cycle in company.truth().cycles
    }
    assert len(found) == len(rows)
    assert found.keys() == true.keys()
    for key, cycle in true.items():
        row = found[key]
        assert row["motion_first"] == cycle.motion, key
        assert row["ttfa_wm"] == (
            None if cycle.ttfa_wm is None else pytest.approx(cycle.ttfa_wm, abs=0.05)
        ), key
        for name in ("qualified_at", "customer_at"):
            true_at = getattr(cycle, name)
            assert row[name] == (None if true_at is None else true_at.replace(microsecond=0)), (key, name)


def test_every_deal_has_its_true_status_times_and_people(company: OdooCompany) -> None:
    rows = sandbox.opportunities(company.population, company.server.now, version=VERSION)
    found = {row["deal_id"]: row for row in company.rows("select * from main_published.fct_deal")}
    truth = company.truth()
    assert len(found) == len(truth.deals) > 100
    persons = company.persons()
    for deal in truth.deals:
        row = found[f"odoo:{rows[deal.deal_id]}"]
        assert row["status"] == deal.status, deal
        assert row["created_at"] == deal.created_at.replace(microsecond=0), deal
        closed_at = row["won_at"] or row["lost_at"]
        assert closed_at == (None if deal.closed_at is None else deal.closed_at.replace(microsecond=0)), deal
        if deal.persons:
            assert persons[row["person_id"]] == deal.persons[0], deal


def test_every_closing_is_in_the_movement_of_its_month(company: OdooCompany) -> None:
    """Without expected close dates nothing else moves; a loss that was taken back is no stage here and leaves no trace."""
    months = company.truth().months
    rows = company.rows(QUERY)
    assert sum(row["won_deals"] for row in rows) > 20
    for row in rows:
        true = months[row["month"]]
        assert (row["won_deals"], row["lost_deals"]) == (true.deals_won, true.deals_lost), row["month"]


def test_every_stage_that_a_deal_was_in_is_known_with_its_moment(company: OdooCompany) -> None:
    """The first one too, which Odoo tells only as what the first change came from."""
    rows = sandbox.opportunities(company.population, company.server.now, version=VERSION)
    true: dict[str, list[tuple[str, object]]] = defaultdict(list)
    for event in company.population.until(company.as_of()):
        # A lost deal stays in the stage it was in.
        if event.kind not in ("deal_created", "deal_stage_changed") or event.data["stage"] == "closedlost":
            continue
        if event.subject in rows:
            stage = sandbox.stage_id(event.data["stage"])
            visits = true[f"odoo:{rows[event.subject]}"]
            if not visits or visits[-1][0] != stage:
                visits.append((stage, event.at.replace(microsecond=0)))
    found: dict[str, list[tuple[str, object]]] = defaultdict(list)
    with duckdb.connect(str(company.home / "data" / "candidate.duckdb"), read_only=True) as candidate:
        held = candidate.execute(
            "select deal_id, stage_id, entered_at from intermediate.int_deal_stage_intervals "
            "order by deal_id, visit_no"
        ).fetchall()
    for deal, stage, entered_at in held:
        found[deal].append((stage, entered_at.astimezone(UTC)))
    live = {row["deal_id"] for row in company.rows("select deal_id from main_published.fct_deal")}
    assert found == {deal: visits for deal, visits in true.items() if deal in live}
    assert sum(len(visits) > 2 for visits in found.values()) > 50


def test_who_qualified_and_who_closed_is_who_it_was(company: OdooCompany) -> None:
    with duckdb.connect(str(company.home / "data" / "people.duckdb"), read_only=True) as people:
        known = dict(people.execute("select rep_id, crm_id from people").fetchall())
    persons = company.persons()
    rows = company.rows(
        "select cycles.person_id, cycles.entered_at, qualifier_rep_id, closer_rep_id "
        "from main_published.fct_handover inner join main_published.fct_lead_cycle as cycles using (cycle_id)"
    )
    found = {
        (persons[row["person_id"]], row["entered_at"]): (
            known.get(row["qualifier_rep_id"]),
            known.get(row["closer_rep_id"]),
        )
        for row in rows
    }
    true = {
        (cycle.person, cycle.entered_at.replace(microsecond=0)): (
            cycle.qualifier and f"odoo:{cycle.qualifier}",
            cycle.closer and f"odoo:{cycle.closer}",
        )
        for cycle in company.truth().cycles
        if cycle.qualified_at is not None
    }
    assert len(true) > 50
    assert found == true


def test_no_name_or_address_is_in_the_warehouse(company: OdooCompany) -> None:
    for path in (company.home / "data").rglob("*.duckdb"):
        if path.name != "people.duckdb":
            assert b"@bedrijf" not in path.read_bytes(), path.name
    assert TOKEN.encode() not in (company.home / "data" / "raw.duckdb").read_bytes()


def test_every_dbt_unit_test_of_this_crm_passes(company: OdooCompany) -> None:
    run = new_run(company.home, company.as_of())
    ended = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "--quiet", "test",
            "--select", "test_type:unit,path:models/intermediate/odoo",
            "--vars", json.dumps(dbt_vars(company.settings(), run.run_id, company.as_of(), company.as_of())),
        ],
        env={**os.environ, **dbt_environment(run, company.home / "data" / "dbt")},
        cwd=company.home,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:]
    results = json.loads((company.home / "data" / "dbt" / "target" / "run_results.json").read_text())[
        "results"
    ]
    assert len(results) == 6


def test_some_days_later_the_marts_equal_the_truth_again(company: OdooCompany) -> None:
    company.server.set_now(company.server.now + timedelta(days=6))
    company.night()
    with duckdb.connect(str(company.home / "data" / "raw.duckdb"), read_only=True) as raw:
        full = raw.execute("select is_full from load.runs order by run_id").fetchall()
    assert full == [(True,), (False,)]
    assert_every_month_equals_the_truth(company)
