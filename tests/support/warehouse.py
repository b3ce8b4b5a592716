"""The warehouse without dbt's start-up: its SQL is compiled once and then run in DuckDB for one company after another.

The statements are those that a night runs, in the same order and as the same tables and views. Only the moment
of the run, its id and the time zone are put in afterwards; all else that differs by company is data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from leadrole.build import dbt_environment, dbt_vars, write_config
from leadrole.run import Run
from leadrole.settings import Settings

# Stand for what differs by run; neither occurs anywhere else in the SQL.
AS_OF = datetime(1999, 9, 9, 9, 9, 9, tzinfo=UTC)
ZONE = "Antarctica/Troll"
RUN_ID = "19990909T090909Z"


@dataclass(frozen=True)
class Statement:
    """A model, or a test of data, as DuckDB gets it."""

    name: str
    sql: str


@dataclass(frozen=True)
class Warehouse:
    """The models in the order in which they can be built, and the tests of what they hold."""

    models: tuple[Statement, ...]
    tests: tuple[Statement, ...]

    def build(self, settings: Settings, run: Run, as_of: datetime) -> duckdb.DuckDBPyConnection:
        """Build every model of a company whose raw is loaded; gives a connection to the candidate, in memory."""
        write_config(settings, run, as_of=as_of)
        # In memory: hundreds of small tables cost more on a disk than they do to make.
        connection = duckdb.connect(":memory:")
        connection.execute("set TimeZone = 'UTC'; set threads = 1")
        connection.execute("attach ':memory:' as candidate")
        connection.execute(f"attach '{run.raw_path}' as raw (read_only)")
        connection.execute(f"attach '{run.candidate_path}' as written (read_only)")
        connection.execute("use candidate")
        for schema in ("config", "staging", "intermediate", "marts", "private"):
            connection.execute(f"create schema {schema}")
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'written'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"create table config.{table} as from written.config.{table}")
        for model in self.models:
            connection.execute(_placed(model.sql, settings, run, as_of))
        return connection

    def broken(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings, run: Run, as_of: datetime
    ) -> list[str]:
        """The tests of the data that find rows."""
        return [
            test.name
            for test in self.tests
            if connection.execute(_placed(test.sql, settings, run, as_of)).fetchone() is not None
        ]


def _placed(sql: str, settings: Settings, run: Run, as_of: datetime) -> str:
    moment = as_of.isoformat(sep=" ")
    sql = sql.replace(AS_OF.isoformat(sep=" "), moment).replace(RUN_ID, run.run_id)
    return sql.replace(f"'{ZONE}'", f"'{settings.company.timezone}'")


def compiled(settings: Settings, run: Run, raw_path: Path) -> Warehouse:
    """Let dbt compile the models of a company's kinds of sources, with its parameters."""
    work = run.data_dir / "dbt"
    work.mkdir(parents=True, exist_ok=True)
    variables = {**dbt_vars(settings, RUN_ID, AS_OF, AS_OF), "timezone": ZONE}
    ended = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "--quiet", "compile", "--no-introspect", "--threads", "2",
            "--vars", json.dumps(variables),
        ],
        env={**os.environ, **dbt_environment(run, work), "LEADROLE_RAW": str(raw_path)},
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:]
    return _read(json.loads((work / "target" / "manifest.json").read_text(encoding="utf-8"))["nodes"])


def ran(target: Path) -> Warehouse:
    """The SQL that a night has run, with its moment, id and time zone in it; `target` is where dbt left it."""
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    for result in results:
        if result["unique_id"] in nodes:
            nodes[result["unique_id"]]["compiled_code"] = result["compiled_code"]
    return _read(nodes)


def _read(nodes: dict[str, Any]) -> Warehouse:
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    ordered: dict[str, Statement] = {}

    def place(key: str) -> None:
        if key in ordered or key not in models:
            return
        node = models[key]
        for needed in node["depends_on"]["nodes"]:
            place(needed)
        kind = "view" if node["config"]["materialized"] == "view" else "table"
        ordered[key] = Statement(
            node["name"], f"create {kind} {node['relation_name']} as {node['compiled_code']}"
        )

    for key in models:
        place(key)
    tests = tuple(
        Statement(node["name"], node["compiled_code"])
        for node in nodes.values()
        if node["resource_type"] == "test" and is_built(node, models)
    )
    return Warehouse(tuple(ordered.values()), tests)


def is_built(test: dict[str, Any], models: dict[str, Any]) -> bool:
    """Whether all that a test looks at belongs to this company's sources."""
    return "compiled_code" in test and all(
        key in models for key in test["depends_on"]["nodes"] if key.startswith("model.")
    )
