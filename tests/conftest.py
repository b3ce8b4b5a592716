from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from company import FIRST_NIGHT, START, TOKEN, Company
from leadrole.sandbox.population import Population
from leadrole.sandbox.server import serve

# Prefect reads these when it is first imported; a test run must not touch the user's own Prefect database.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="prefect-of-the-tests-")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")

OLIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "olist"


@pytest.fixture(scope="session")
def olist_dir() -> Path:
    """The real funnel's files, read in place; they are not ours to ship."""
    if not (OLIST / "olist_closed_deals_dataset.csv").is_file():
        pytest.skip(
            f"the Olist files are not at {OLIST} (they are not shipped; see config/examples/olist.yml)"
        )
    return OLIST


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company with a year of history whose first night has run."""
    population = Population(seed=11, start=START, months=12, scale=0.35)
    with serve(population, now=FIRST_NIGHT, token=TOKEN, search_lag_seconds=0) as server:
        made = Company(tmp_path_factory.mktemp("home"), server, population)
        made.write_config()
        made.night()
        yield made
