"""Models of dbt_project run on hand-made tables, without dbt and without a night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml
from jinja2 import Environment, Template

PROJECT = Path(__file__).parents[2] / "dbt_project"


@cache
def _defaults() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    return read


@cache
def _template(model: str) -> Template:
    (path,) = (PROJECT / "models").rglob(f"{model}.sql")
    macros = "\n".join(
        file.read_text(encoding="utf-8") for file in sorted((PROJECT / "macros").glob("*.sql"))
    )
    return Environment(autoescape=False).from_string(macros + path.read_text(encoding="utf-8"))


def sql_of(model: str, **variables: Any) -> str:
    """The SQL of a model with dbt's defaults and these variables; ``ref`` answers the bare name of a table."""
    values = {"as_of": "2026-10-12 06:00:00+00", "data_through": "2026-10-12 06:00:00+00"}
    values |= _defaults() | variables
    return _template(model).render(
        var=values.__getitem__, ref=lambda name: name, config=lambda **_: "", this=model
    )


def build(database: duckdb.DuckDBPyConnection, model: str, **variables: Any) -> None:
    """Make the table of a model from the tables of its inputs, which must be there."""
    database.execute(f"create or replace table {model} as {sql_of(model, **variables)}")


def table(
    database: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """A table of these rows; a column that a row does not name is NULL."""
    database.execute(
        f"create or replace table {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})"
    )
    if rows:
        database.executemany(
            f"insert into {name} values ({', '.join('?' for _ in columns)})",
            [[row.get(column) for column in columns] for row in rows],
        )


def records(database: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The rows of a query, a mapping each."""
    cursor = database.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
