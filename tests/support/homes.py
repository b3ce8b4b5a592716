"""A company's home in a temporary directory, with its config and the steps of a night."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from leadrole import crm, load, paths, settings
from leadrole.load import LoadResult
from leadrole.run import Run
from leadrole.settings import Settings

TOKEN = "pat-eu1-00000000-canary-4711"
# The made-up company of the tests, up to its sources.
COMPANY = """
config_version: 1
company:
  name: Testbedrijf
  language: en
  timezone: Europe/Amsterdam
  country: NL
  reporting_currency: EUR
  employees: 14
  lifetime_value: 12500
  working_hours:
    mon: ["09:00-17:30"]
    tue: ["09:00-17:30"]
    wed: ["09:00-17:30"]
    thu: ["09:00-17:30"]
    fri: ["09:00-17:30"]
"""
FIRST_NIGHT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def hubspot_home(home: Path, base_url: str, *, page_size: int = 20, **lines: str) -> Settings:
    """A home whose one source is a HubSpot on loopback; `lines` replaces single lines of the example config."""
    text = (paths.config() / "leadrole.example.yml").read_text(encoding="utf-8")
    changes = {
        "base_url": base_url,
        "page_size": str(page_size),
        "per_10_seconds": "1000000",
        "search_per_second": "1000000",
        "max_clock_skew_minutes": "52560000",
        **lines,
    }
    return write_config(home, replaced(text, changes), {"HUBSPOT_TOKEN": TOKEN})


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """`text` with other values behind some keys."""
    result = []
    for line in text.splitlines():
        key = line.strip().split(":")[0]
        if key in changes and not line.strip().startswith("#"):
            line = f"{line[: len(line) - len(line.lstrip())]}{key}: {changes[key]}"
        result.append(line)
    return "\n".join(result) + "\n"


def write_config(home: Path, text: str, env: Mapping[str, str] | None = None) -> Settings:
    """Write a config and load it."""
    path = home / "config" / "leadrole.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return settings.load(home, env=env or {})


def run_of(home: Path, night: int = 0) -> Run:
    """The run of one night."""
    moment = FIRST_NIGHT + timedelta(days=night)
    return Run(moment.strftime("%Y%m%dT%H%M%SZ"), moment, home)


def night(
    config: Settings, number: int = 0, *, sleep: Callable[[float], None] = lambda seconds: None, **state: Any
) -> LoadResult:
    """Extract and load the one source of a home."""
    run = run_of(config.home, number)
    source = config.sources[0]
    load.ensure_raw(run.raw_path)
    manifest = crm.extract(source, load.read_state(run, source, **state), run, sleep=sleep)
    return load.load(run, source, manifest)


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a database file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def ids(config: Settings, table: str, where: str = "_deleted_at is null") -> set[str]:
    """Ids in one raw table."""
    return {row[0] for row in query(run_of(config.home).raw_path, f"select id from {table} where {where}")}


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of a database file as sorted rows."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by 1"
        ).fetchall()
        return {
            name: sorted(
                connection.execute(f"select * from {name}").fetchall(),
                key=lambda row: json.dumps(row, default=str),
            )
            for (name,) in names
        }
