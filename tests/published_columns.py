"""The models' YAML lists what was built, for each CRM. Runs on the nights of the files that import it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import yaml

from leadrole import paths


def listed_columns(layer: str) -> dict[str, list[str]]:
    """Columns of each model of a layer as its YAML lists them."""
    found: dict[str, list[str]] = {}
    for path in sorted((paths.dbt_project() / "models" / layer).rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            found[model["name"]] = [column["name"] for column in model.get("columns", [])]
    return found


def assert_listed_columns_are_the_built_ones(home: Path) -> None:
    listed = {**listed_columns("staging"), **listed_columns("intermediate")}
    with duckdb.connect(str(home / "data" / "candidate.duckdb"), read_only=True) as connection:
        built = connection.execute(
            "select table_name, list(column_name) from duckdb_columns()"
            " where schema_name in ('staging', 'intermediate') and not internal group by table_name"
        ).fetchall()
    assert len(built) > 90
    wrong = {
        table: sorted(set(columns) ^ set(listed.get(table, [])))
        for table, columns in built
        if sorted(columns) != sorted(listed.get(table, []))
    }
    assert not wrong, (
        "not listed, or listed and not built: run `python docs/describe.py --columns data/candidate.duckdb`"
        f" in the home of that night: {wrong}"
    )


def test_every_built_column_is_listed_and_no_other(company: Any) -> None:
    assert_listed_columns_are_the_built_ones(company.home)
