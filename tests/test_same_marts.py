"""However a company came to be read, its marts are the same: night by night, at once, in any pages, or replayed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from company import TOKEN, Company
from leadrole import crm, load, settings
from leadrole.build import build
from leadrole.run import Run
from leadrole.sandbox.population import Population
from leadrole.sandbox.server import serve

pytestmark = pytest.mark.slow

NIGHTS = 30
LAST = datetime(2025, 8, 1, 2, 0, tzinfo=UTC)
# What names the run and not the data.
OF_THE_RUN = ("publish_id", "_first_run", "_last_run")
# HubSpot forgets the record that a merge swallowed. Who read it before knows that a lead came in on it; who reads
# everything afterwards knows the survivor only. A cycle's key hangs on that record.
OF_THE_RECORD = ("lead_id", "cycle_id")


@dataclass
class Read:
    """A home that was read in some way, before anything was built."""

    home: Path
    run: Run
    config: settings.Settings
    merged: dict[str, str]  # ids that a merge swallowed, and of whom they are now


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(seed=5, start=datetime(2025, 5, 1).date(), months=3, scale=0.5)


@pytest.fixture(scope="module")
def night_by_night(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    with serve(population, now=LAST, token=TOKEN) as server:
        yield read(tmp_path_factory.mktemp("nights"), server, population, range(NIGHTS))


@pytest.fixture(scope="module")
def at_once(
    population: Population, night_by_night: Read, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Read]:
    home = tmp_path_factory.mktemp("at_once")
    # Pseudonyms hang on a key of the installation, which would else differ.
    (home / "data").mkdir()
    shutil.copy(night_by_night.home / "data" / "pseudonym.key", home / "data" / "pseudonym.key")
    with serve(population, now=LAST, token=TOKEN, max_page=11) as server:
        yield read(home, server, population, [NIGHTS - 1], page_size=7)


def read(home: Path, server: Any, population: Population, nights: Any, *, page_size: int = 37) -> Read:
    company = Company(home, server, population)
    company.write_config()
    path = home / "config" / "leadrole.yml"
    path.write_text(path.read_text().replace("page_size: 37", f"page_size: {page_size}"))
    config = company.settings()
    (source,) = config.sources
    for number in nights:
        moment = LAST - timedelta(days=NIGHTS - 1 - number)
        server.set_now(moment)
        run = Run(moment.strftime("%Y%m%dT%H%M%SZ"), moment, home)
        manifest = crm.extract(source, load.read_state(run, source), run, sleep=lambda seconds: None)
        load.load(run, source, manifest)
    as_of, through = load.as_of(run, config)
    build(config, run, as_of=as_of, data_through=through)
    return Read(home, run, config, population.fold(as_of).merged)


def tables(path: Path, schemas: str, *left_out: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, sorted, without some columns."""
    with duckdb.connect(str(path), read_only=True) as connection:
        listed = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            f"where regexp_matches(schema_name, '{schemas}') order by 1"
        ).fetchall()
        return {name: rows(connection, name, left_out) for (name,) in listed}


def rows(connection: duckdb.DuckDBPyConnection, table: str, left_out: Sequence[str]) -> list[tuple[Any, ...]]:
    names = ", ".join(f"'{column}'" for column in left_out)
    return connection.execute(
        f"select columns(lambda c: c not in ({names})) from {table} order by all"
    ).fetchall()


def test_thirty_nights_equal_one_full_load_in_other_pages(night_by_night: Read, at_once: Read) -> None:
    left_out = (*OF_THE_RUN, *OF_THE_RECORD)
    nightly = tables(night_by_night.run.candidate_path, "^marts$", *left_out)
    whole = tables(at_once.run.candidate_path, "^marts$", *left_out)
    assert len(nightly) >= 19 and sum(map(len, nightly.values())) > 1000
    assert {name: len(found) for name, found in nightly.items()} == {
        name: len(found) for name, found in whole.items()
    }
    for name, found in nightly.items():
        assert found == whole[name], name


def test_only_merged_leads_are_booked_on_another_record(night_by_night: Read, at_once: Read) -> None:
    query = "select lead_id, cycle_id from marts.fct_lead_cycle where person_id not in (select unnest(?))"
    merged = [f"hubspot:{survivor}" for survivor in set(night_by_night.merged.values())]
    assert merged
    found = []
    for home in (night_by_night, at_once):
        with duckdb.connect(str(home.run.candidate_path), read_only=True) as connection:
            found.append(connection.execute(f"{query} order by all", [merged]).fetchall())
    assert found[0] == found[1] and len(found[0]) > 100


def test_landing_replayed_into_an_empty_warehouse_is_the_same(night_by_night: Read, tmp_path: Path) -> None:
    fresh = tmp_path / "replayed.duckdb"
    load.replay(night_by_night.run, night_by_night.config.sources, fresh)
    held = tables(night_by_night.run.raw_path, "^raw_|^load$", "")
    replayed = tables(fresh, "^raw_|^load$", "")
    assert sum(map(len, held.values())) > 1000
    for name, found in held.items():
        assert found == replayed[name], name
