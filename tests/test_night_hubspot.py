"""A night of a portal as odd as the real ones: the same company gives the same figures.

- It has the Leads object. The sandbox makes a lead with each contact, and another one when somebody comes back after
  the last was closed. What the company did is the same, so the truth is that of the event log: a lead made with its
  contact is no second lead, and a later lead opens a cycle by the rule that holds for every later sign of life.
- Workflows put a task on each new contact, and salespeople tick some off: not one of them is a touch (T-16).
- An open stage has the id closedlost, and the lost one a number (T-16). Ids need more digits than a float has.
- Durations are sometimes N/A, and the moments of e-mails milliseconds since 1970 (T-13).
- Deals have several contacts, and a company that is linked twice (T-18).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pytest

from company import FIRST_NIGHT, START, TOKEN, Company
from leadrole.build import dbt_environment, dbt_vars
from leadrole.run import new_run
from leadrole.sandbox.faults import Faults
from leadrole.sandbox.log import History, Script
from leadrole.sandbox.population import Population
from leadrole.sandbox.server import serve
from test_night import CLOSER, INBOUND, OUTBOUND, assert_month_by_month

pytestmark = pytest.mark.slow

OFFSET = 2**53 + 1
ODD_CALL = 41


def made_odd(population: Population) -> History:
    """The company, with a workflow's task on every new contact, every third ticked off; some deals have two people."""
    script = Script()
    made = [event for event in population.events if event.kind == "contact_created"]
    for number, event in enumerate(made):
        done_at = event.at + timedelta(minutes=50) if number % 3 == 0 else None
        rep = event.data["owner"]
        due_at = event.at + timedelta(days=1)
        task = str(90_000_000 + number)
        script.task(event.at, task, event.subject, rep, due_at, workflow="Nieuwe lead", done_at=done_at)
    deals = [event for event in population.events if event.kind == "deal_created" and event.data["contacts"]]
    # The second person had a deal before: what is logged on a deal alone is work on everybody who is on it.
    for event, other in zip(deals[3::5], deals[::5], strict=False):
        at = event.at + timedelta(minutes=1)
        script.link(at, "deals", event.subject, "contacts", other.data["contacts"][0])
    return History((*population.events, *script.events), population.owners)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    population = Population(seed=11, start=START, months=12, scale=0.35)
    history = made_odd(population)
    faults = Faults().value("emails", "hs_timestamp", "epoch_ms")
    faults = faults.value("calls", "hs_call_duration", "N/A", every=ODD_CALL)
    with serve(
        history,
        now=FIRST_NIGHT,
        token=TOKEN,
        faults=faults,
        search_lag_seconds=0,
        has_leads=True,
        id_offset=OFFSET,
        stage_ids={"qualifiedtobuy": "closedlost", "closedlost": "1234567890"},
    ) as server:
        made = Company(tmp_path_factory.mktemp("home"), server, history)  # type: ignore[arg-type]
        made.write_config()
        made.night()
        yield made


def test_the_portal_has_leads_and_some_people_have_several(portal: Company) -> None:
    with duckdb.connect(str(portal.home / "data" / "raw.duckdb"), read_only=True) as raw:
        leads, people = raw.execute(
            "select count(*), count(distinct hs_primary_contact_id) from raw_hubspot.leads"
        ).fetchall()[0]
        tasks = raw.execute("select count(*) from raw_hubspot.tasks").fetchall()[0][0]
    assert leads > people > 100
    assert tasks > 100


@pytest.mark.parametrize(("mart", "column"), [
    *(("inbound", column) for column in INBOUND),
    *(("outbound", column) for column in OUTBOUND),
    *(("closer", column) for column in CLOSER),
])  # fmt: skip
def test_months_equal_the_truth(portal: Company, mart: str, column: str) -> None:
    rows = portal.rows(f"select * from main_published.mart_{mart}_month where slice_type = 'all'")
    pick = {**INBOUND, **OUTBOUND, **CLOSER}[column]
    assert_month_by_month(rows, portal.truth(), column, pick)


def test_every_lead_cycle_has_the_true_entry_and_response(portal: Company) -> None:
    found = {
        (str(int(row["person_id"].removeprefix("hubspot:")) - OFFSET), row["entered_at"]): row["ttfa_wm"]
        for row in portal.rows("select person_id, entered_at, ttfa_wm from main_published.fct_lead_cycle")
    }
    true = {(cycle.person, cycle.entered_at): cycle.ttfa_wm for cycle in portal.truth().cycles}
    assert found.keys() == true.keys()
    for key, minutes in true.items():
        assert found[key] == (None if minutes is None else pytest.approx(minutes, abs=0.02)), key


def test_a_task_is_shown_and_counts_for_nothing(portal: Company) -> None:
    rows = portal.rows(
        "select actor, result, is_human_attempt, count(*) as n from main_published.fct_touch "
        "where kind = 'task' group by all"
    )
    assert [(row["actor"], row["result"], row["is_human_attempt"]) for row in rows] == [
        ("automated", "none", False)
    ]


def test_every_deal_is_there_once_with_its_amount_and_outcome(portal: Company) -> None:
    found = {
        int(row["deal_id"].removeprefix("hubspot:")) - OFFSET: row["status"]
        for row in portal.rows("select deal_id, status from main_published.fct_deal")
    }
    true = {int(deal.deal_id): deal.status for deal in portal.truth().deals}
    assert found == true
    assert {"open", "won", "lost"} <= set(true.values())
    with duckdb.connect(str(portal.home / "data" / "raw.duckdb"), read_only=True) as raw:
        several = raw.execute(
            "select count(*) from (select from_id from raw_hubspot.deals_contacts group by 1 having count(*) > 1)"
        ).fetchall()
        twice = raw.execute(
            "select count(*) from raw_hubspot.deals_companies where type = 'HUBSPOT_DEFINED/5'"
        ).fetchall()
    assert several[0][0] > 0
    assert twice[0][0] > 0


def test_what_could_not_be_cast_is_counted_and_nothing_else(portal: Company) -> None:
    with duckdb.connect(str(portal.home / "data" / "candidate.duckdb"), read_only=True) as candidate:
        candidate.execute("attach ? as raw (read_only)", [str(portal.home / "data" / "raw.duckdb")])
        counted = candidate.execute(
            "select object_name, field, count(*) from intermediate.int_hubspot__failed_casts group by all"
        ).fetchall()
        odd = candidate.execute(
            "select count(*) from raw.raw_hubspot.calls where hs_call_duration = 'N/A'"
        ).fetchall()
    assert counted == [("calls", "hs_call_duration", odd[0][0])]
    assert odd[0][0] > 3


def test_every_unit_test_of_hubspot_passes(portal: Company) -> None:
    run = new_run(portal.home, portal.as_of())
    ended = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "--quiet", "test",
            "--select", "models/staging/hubspot,test_type:unit", "models/intermediate/hubspot,test_type:unit",
            "--vars", json.dumps(dbt_vars(portal.settings(), run.run_id, portal.as_of(), portal.as_of())),
        ],
        env={**os.environ, **dbt_environment(run, portal.home / "data" / "dbt")},
        cwd=portal.home,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:]
    results = json.loads((portal.home / "data" / "dbt" / "target" / "run_results.json").read_text())[
        "results"
    ]
    assert len(results) >= 7
    assert {result["status"] for result in results} == {"pass"}
