"""The marts of random companies equal a second count that knows neither SQL nor the CRM's records.

What happened is written down as events; a pretend HubSpot makes records of them, which are read over HTTP, landed and
loaded as every night does it; then the models' own SQL makes the marts. The second count (sandbox/truth.py) reads
the events. All tests of the data that end a real night are run on these companies too.

`make campaign` does 200 companies; LEADROLE_COMPANIES says how many, LEADROLE_COMPANY the first of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest

from company import TOKEN
from leadrole import crm, load, settings
from leadrole.run import Run
from leadrole.sandbox.server import serve
from leadrole.sandbox.truth import compute
from leadrole.settings import Settings
from support.random_companies import ALL_RATES, RandomCompany, random_company
from support.second_count import differences
from support.warehouse import Warehouse, compiled

pytestmark = pytest.mark.slow

FIRST = int(os.environ.get("LEADROLE_COMPANY", "0"))
COMPANIES = range(FIRST, FIRST + int(os.environ.get("LEADROLE_COMPANIES", "6")))


def read(company: RandomCompany, home: Path) -> tuple[Settings, Run, datetime]:
    """Read a company's nights into its raw; gives the last run and its cut."""
    with serve(company.history, now=company.nights[0], token=TOKEN, search_lag_seconds=0) as server:
        (home / "config").mkdir(parents=True)
        (home / "config" / "leadrole.yml").write_text(company.config(server.base_url), encoding="utf-8")
        config = settings.load(home, env={"TEST_TOKEN": TOKEN})
        (source,) = config.sources
        for at in company.nights:
            server.set_now(at)
            run = Run(at.strftime("%Y%m%dT%H%M%SZ"), at, home)
            load.ensure_raw(run.raw_path)
            state = load.read_state(run, source, accept_shrink=True)
            load.load(run, source, crm.extract(source, state, run, sleep=lambda seconds: None))
        return config, run, load.as_of(run, config)[0]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    config, run, _ = read(random_company(FIRST), tmp_path_factory.mktemp("compiled") / "home")
    yield compiled(config, run, run.raw_path)


@pytest.mark.parametrize("seed", COMPANIES)
def test_the_marts_equal_the_second_count(warehouse: Warehouse, seed: int) -> None:
    company = random_company(seed)
    with TemporaryDirectory() as directory:
        config, run, as_of = read(company, Path(directory) / "home")
        truth = compute(company.history, as_of, work=company.work(), zone=ZoneInfo(company.zone))
        with warehouse.build(config, run, as_of) as connection:
            found = differences(connection, truth, zone=ZoneInfo(company.zone), rates=ALL_RATES)
            assert not found, f"company {seed}: " + "\n".join(found)
            assert not warehouse.broken(connection, config, run, as_of)


def test_the_companies_are_not_empty() -> None:
    """What the comparison is about happens in them, or it would prove nothing."""
    seen: set[str] = set()
    for seed in range(20):
        company = random_company(seed)
        truth = compute(company.history, company.as_of, work=company.work(), zone=ZoneInfo(company.zone))
        for cycle in truth.cycles:
            seen |= {cycle.motion, cycle.outcome, cycle.entry_kind, f"cycle {min(cycle.number, 2)}"}
            seen |= {
                name
                for name in ("is_hybrid", "is_pre_touched", "is_unlogged", "is_bulk_import", "customer_at")
                if getattr(cycle, name)
            }
        seen |= {deal.status for deal in truth.deals}
        seen |= {event.kind for event in company.history.events}
    assert seen >= {
        *("inbound", "outbound", "open", "qualified", "disqualified", "expired", "form", "created"),
        *("outbound_touch", "inbound_touch", "cycle 2", "is_hybrid", "is_pre_touched", "is_unlogged"),
        *("is_bulk_import", "customer_at", "won", "lost", "contacts_merged", "contact_archived"),
        *("contact_restored", "contact_gdpr_deleted", "communication_logged", "deal_owner_changed"),
    }
