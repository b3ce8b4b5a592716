"""Reads the marts of one publication; the report knows no other table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from leadrole.errors import StorageError

Row = Mapping[str, Any]

TABLES = (
    "dim_metric",
    "dim_role_assignment",
    "mart_closer_month",
    "mart_data_trust",
    "mart_findings",
    "mart_funnel_cohort",
    "mart_handling_time",
    "mart_inbound_month",
    "mart_outbound_month",
    "mart_response_curve",
    "mart_role_scorecard",
    "mart_staffing",
    "mart_staffing_forecast",
)
ROLES = ("inbound", "outbound", "closer")


@dataclass(frozen=True)
class Rate:
    """A share with what makes it honest: its counts, its interval, its maturity, its grade."""

    k: int
    n: int
    estimate: float | None
    low: float | None
    high: float | None
    maturity: float | None
    grade: str

    @property
    def is_shown(self) -> bool:
        """Whether a percentage may be written at all."""
        return self.estimate is not None and self.grade not in ("insufficient", "not_measurable")

    @classmethod
    def read(cls, row: Row, prefix: str = "") -> Rate:
        """The eight columns of one rate of a mart row."""
        p = f"{prefix}_" if prefix else ""
        return cls(
            k=int(row[f"{p}k"] or 0),
            n=int(row[f"{p}n"] or 0),
            estimate=row[f"{p}estimate"],
            low=row[f"{p}ci_low"],
            high=row[f"{p}ci_high"],
            maturity=row.get(f"{p}maturity"),
            grade=row.get(f"{p}grade") or "not_measurable",
        )


@dataclass(frozen=True)
class Marts:
    """One publication's marts as rows in a fixed order."""

    publish_id: str
    as_of: datetime
    data_through: datetime
    tables: Mapping[str, tuple[Row, ...]]

    def rows(self, table: str, **equal: object) -> list[Row]:
        """The rows of a table whose columns equal the given values."""
        return [row for row in self.tables[table] if all(row[key] == value for key, value in equal.items())]

    def scorecard(self, role: str) -> list[Row]:
        """A role's complete periods, newest first: three-month rolls, or months while there is no roll."""
        rows = [row for row in self.rows("mart_role_scorecard", role=role) if row["is_complete"]]
        rolls = [row for row in rows if row["period_type"] == "roll3"]
        return sorted(rolls or rows, key=lambda row: row["period_start"], reverse=True)

    def months(self, table: str) -> list[Row]:
        """A role's months over all sources and people, oldest first."""
        return sorted(self.rows(table, slice_type="all"), key=lambda row: row["month"])

    def people(self, role: str) -> int:
        """How many people hold a role at the measuring moment."""
        day = self.as_of.date()
        held = {
            row["rep_id"]
            for row in self.rows("dim_role_assignment", role=role)
            if (row["valid_from"] is None or _day(row["valid_from"]) <= day)
            and (row["valid_to"] is None or _day(row["valid_to"]) >= day)
        }
        return len(held)


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _fetch(con: Any, table: str) -> tuple[Row, ...]:
    # `order by all` makes the order a function of the content, so the same publication gives the same bytes.
    result = con.execute(f'select * from marts."{table}" order by all')
    names = [column[0] for column in result.description]
    return tuple(dict(zip(names, values, strict=True)) for values in result.fetchall())


def read_marts(db_path: Path) -> Marts:
    """Read every mart the report shows; refuse a file that mixes publications or lacks a mart."""
    import duckdb

    try:
        con = duckdb.connect(str(db_path), read_only=True)
    except duckdb.Error as error:
        raise StorageError(
            f"the marts can't be opened ({type(error).__name__})",
            where=str(db_path),
            next_step="check that the file exists and was written by this version",
        ) from error
    try:
        con.execute("set timezone = 'UTC'")
        present = {
            name
            for (name,) in con.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
        }
        missing = sorted(set(TABLES) - present)
        if missing:
            raise StorageError(
                f"the report needs marts that are not there: {', '.join(missing)}",
                where=str(db_path),
                next_step="build the marts again with this version, then render the report",
            )
        tables = {name: _fetch(con, name) for name in TABLES}
    finally:
        con.close()
    return _one_publication(db_path, tables)


def _one_publication(db_path: Path, tables: Mapping[str, tuple[Row, ...]]) -> Marts:
    stamps = {
        (row["publish_id"], row["as_of_utc"], row["data_through_utc"])
        for name in TABLES
        for row in tables[name]
    }
    if len(stamps) != 1:
        found = "no rows at all" if not stamps else f"{len(stamps)} different publication stamps"
        raise StorageError(
            f"the marts hold {found}, and a report shows exactly one publication",
            where=str(db_path),
            next_step="build the marts again in one run",
        )
    publish_id, as_of, data_through = stamps.pop()
    return Marts(publish_id, as_of, data_through, tables)


def latest(rows: Iterable[Row]) -> list[Row]:
    """The rows marked as the newest of their rule."""
    return [row for row in rows if row["is_latest"]]
