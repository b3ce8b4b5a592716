"""Turn a checked candidate into the publication that readers see, or leave yesterday's untouched.

A release is made whole in a hidden directory (marts copied into a fresh database file, Parquet, report,
``publication.json``), verified by reading it back, flushed to disk, renamed, and only then does one symlink
swap make it the publication. A kill at any point leaves readers on the old or on the new one, never between.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from leadrole import __version__
from leadrole.attach import attach, connect
from leadrole.errors import StorageError
from leadrole.landing import file_hash, fsync_directory
from leadrole.run import Run

# Readers with DuckDB 1.4 and 1.5 drivers can open this format; the writer's own default they can not.
STORAGE_VERSION = "v1.4.0"
DATABASE_NAME = "leadrole.duckdb"
READER_SCHEMA = "main_published"
# The one column that differs between two publications of the same data and as-of.
_RUN_COLUMN = "publish_id"
_KEEP_AT_LEAST = 1

# mart_publication is written here, since dbt does not know what was published: name, type, meaning.
_PUBLICATION_COLUMNS = (
    ("publish_id", "varchar", "The run that published the row."),
    ("table_name", "varchar", "Table of the schema marts, and of the views in main_published."),
    ("row_count", "bigint", "Rows that the table holds."),
    ("started_at", "timestamptz", "Instant (UTC) at which the run began."),
    ("as_of_utc", "timestamptz", "Instant (UTC) the run is cut at; nothing after it is counted."),
    ("data_through_utc", "timestamptz", "Instant (UTC) up to which every source is complete."),
    ("previous_publish_id", "varchar", "The publication before this one; NULL for the first."),
    ("dbt_tests_passed", "integer", "Tests of dbt that ran, all of which passed."),
    ("expectations_passed", "integer", "Checks of Great Expectations that ran, all of which passed."),
    ("leadrole_version", "varchar", "Version of Leadrole that made the publication."),
    (
        "deleted_since_last",
        "bigint",
        "Records of all sources that the previous publication counted and that were deleted in the CRM since, merges"
        " and conversions not among them; NULL for the first publication. The earlier one stands as it was published.",
    ),
)

RenderReport = Callable[[Path, Path], Sequence[Path]]


@dataclass(frozen=True)
class CheckSummary:
    """How many checks ran before this publication, by engine."""

    dbt_tests: int
    expectations: int

    @property
    def total(self) -> int:
        """All checks that ran and passed."""
        return self.dbt_tests + self.expectations


@dataclass(frozen=True)
class Publication:
    """One publication as ``publication.json`` describes it. Times are UTC ISO text."""

    publish_id: str
    as_of: str
    data_through: str
    started_at: str
    valid_until: str
    previous_publish_id: str | None
    checks_passed: int
    dbt_tests_passed: int
    expectations_passed: int
    leadrole_version: str
    config_sha256: str
    row_counts: dict[str, int]
    content_hashes: dict[str, str]
    files: dict[str, str]


def publish(
    run: Run,
    *,
    as_of: datetime,
    data_through: datetime,
    checks: CheckSummary,
    valid_until: datetime,
    keep_releases: int,
    config_sha256: str,
    render_report: RenderReport,
) -> Publication:
    """Copy the candidate's marts into a release, verify it and swap it in.

    Raises ``StorageError`` (exit 7) when the release can't be written or reads back different; the current
    publication then stays.
    """
    previous = current(run.home)
    building = run.releases_dir / f".building-{run.run_id}"
    try:
        run.releases_dir.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(run.releases_dir)
        building.mkdir(mode=0o750)
        database = building / DATABASE_NAME
        row_counts = _copy_marts(run, database, as_of, data_through, checks, previous)
        hashes = _verify(run, database, row_counts)
        _write_parquet(database, building / "parquet", row_counts)
        render_report(database, building / "report")
        publication = Publication(
            publish_id=run.run_id,
            as_of=as_of.isoformat(),
            data_through=data_through.isoformat(),
            started_at=run.started_at.isoformat(),
            valid_until=valid_until.isoformat(),
            previous_publish_id=previous.publish_id if previous else None,
            checks_passed=checks.total,
            dbt_tests_passed=checks.dbt_tests,
            expectations_passed=checks.expectations,
            leadrole_version=__version__,
            config_sha256=config_sha256,
            row_counts=row_counts,
            content_hashes=hashes,
            files=_file_hashes(building),
        )
        (building / "publication.json").write_text(
            json.dumps(asdict(publication), indent=2, sort_keys=True) + "\n", encoding="utf-8"
        )
        _protect_and_flush(building)
        release = run.releases_dir / run.run_id
        os.rename(building, release)
        fsync_directory(run.releases_dir)
        _swap(run.published_link, release)
        _prune(run.releases_dir, keep=max(keep_releases, _KEEP_AT_LEAST), current_id=run.run_id)
    except (OSError, duckdb.Error) as error:
        shutil.rmtree(building, ignore_errors=True)
        raise StorageError(
            f"publication {run.run_id} could not be written ({_kind_of(error)})",
            where=str(run.releases_dir),
            next_step="check free disk space and the rights on this directory, then run again; "
            "the last publication is untouched",
        ) from error
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return publication


def current(home: Path) -> Publication | None:
    """The publication that readers see now, or None before the first one."""
    described = home / "published" / "publication.json"
    try:
        content = json.loads(described.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise StorageError(
            "the description of the current publication can't be read",
            where=str(described),
            next_step="run again: the next publication replaces it",
        ) from error
    return Publication(**content)


def mart_tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """Names of the tables in the schema ``marts`` of an attached database, in order."""
    rows = connection.execute(
        "select table_name from information_schema.tables"
        " where table_catalog = ? and table_schema = 'marts' order by table_name",
        [database],
    ).fetchall()
    return [str(name) for (name,) in rows]


def _copy_marts(
    run: Run,
    database: Path,
    as_of: datetime,
    data_through: datetime,
    checks: CheckSummary,
    previous: Publication | None,
) -> dict[str, int]:
    with connect() as connection:
        attach(connection, run.candidate_path, "candidate")
        attach(connection, database, "release", options=f"storage_version '{STORAGE_VERSION}'")
        connection.execute("create schema release.marts")
        connection.execute(f"create schema release.{READER_SCHEMA}")
        row_counts: dict[str, int] = {}
        for table in mart_tables(connection, "candidate"):
            connection.execute(f"create table release.marts.{table} as from candidate.marts.{table}")
            _copy_comments(connection, table)
            row_counts[table] = _scalar(connection, f"select count(*) from release.marts.{table}")
        _write_publication_table(connection, run, as_of, data_through, checks, previous, row_counts)
        row_counts["mart_publication"] = len(row_counts)
        connection.execute("use release")
        for table in row_counts:
            connection.execute(f"create view {READER_SCHEMA}.{table} as from marts.{table}")
        connection.execute("use memory")
        connection.execute("checkpoint release")
        connection.execute("detach release")
    return row_counts


def _write_publication_table(
    connection: duckdb.DuckDBPyConnection,
    run: Run,
    as_of: datetime,
    data_through: datetime,
    checks: CheckSummary,
    previous: Publication | None,
    row_counts: Mapping[str, int],
) -> None:
    columns = ", ".join(f"{name} {data_type}" for name, data_type, _ in _PUBLICATION_COLUMNS)
    connection.execute(f"create table release.marts.mart_publication ({columns})")
    connection.execute(
        "comment on table release.marts.mart_publication is"
        " 'What this publication holds and which checks it passed. One row per published table.'"
    )
    for name, _, meaning in _PUBLICATION_COLUMNS:
        connection.execute(f"comment on column release.marts.mart_publication.{name} is {_literal(meaning)}")
    deleted = _deleted_since(connection, run, previous)
    connection.executemany(
        f"insert into release.marts.mart_publication values ({', '.join('?' for _ in _PUBLICATION_COLUMNS)})",
        [
            [
                run.run_id,
                table,
                rows,
                run.started_at,
                as_of,
                data_through,
                previous.publish_id if previous else None,
                checks.dbt_tests,
                checks.expectations,
                __version__,
                deleted,
            ]
            for table, rows in row_counts.items()
        ],
    )


def _deleted_since(
    connection: duckdb.DuckDBPyConnection, run: Run, previous: Publication | None
) -> int | None:
    """Records deleted in a run after the previous publication that had come before it."""
    if previous is None or not run.raw_path.is_file():
        return None
    attach(connection, run.raw_path, "raw")
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_columns()"
        " where database_name = 'raw' and column_name = '_deleted_how' order by all"
    ).fetchall()
    deleted = 0
    for (table,) in tables:
        deleted += _scalar(
            connection,
            f"select count(*) from raw.{table} where _deleted_at is not null"
            f" and coalesce(_deleted_how, '') not in ('merged', 'converted')"
            f" and _first_run <= '{previous.publish_id}' and _last_run > '{previous.publish_id}'",
        )
    connection.execute("detach raw")
    return deleted


def _copy_comments(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    (described,) = connection.execute(
        "select max(comment) from duckdb_tables()"
        " where database_name = 'candidate' and schema_name = 'marts' and table_name = ?",
        [table],
    ).fetchall()
    if described[0]:
        connection.execute(f"comment on table release.marts.{table} is {_literal(described[0])}")
    columns = connection.execute(
        "select column_name, comment from duckdb_columns()"
        " where database_name = 'candidate' and schema_name = 'marts' and table_name = ? and comment is not null",
        [table],
    ).fetchall()
    for column, comment in columns:
        connection.execute(f'comment on column release.marts.{table}."{column}" is {_literal(comment)}')


def _verify(run: Run, database: Path, row_counts: Mapping[str, int]) -> dict[str, str]:
    """Read the release back as a reader would; answers the content hash of every mart."""
    if database.with_name(database.name + ".wal").exists():
        raise _unlike("a write-ahead log was left beside it", database)
    with connect() as connection:
        attach(connection, database, "release")
        attach(connection, run.candidate_path, "candidate")
        hashes: dict[str, str] = {}
        for table, expected in row_counts.items():
            published = _scalar(connection, f"select count(*) from release.{READER_SCHEMA}.{table}")
            if published != expected:
                raise _unlike(f"{table} holds {published} rows, {expected} were written", database)
            if table == "mart_publication":
                continue
            ids = connection.execute(
                f"select distinct publish_id from release.marts.{table} where publish_id is distinct from ?",
                [run.run_id],
            ).fetchall()
            if ids:
                raise _unlike(f"{table} carries another publication id", database)
            hashes[table] = content_hash(connection, f"release.marts.{table}")
            if hashes[table] != content_hash(connection, f"candidate.marts.{table}"):
                raise _unlike(f"{table} differs from the checked candidate", database)
    return hashes


def content_hash(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """A hash of a table's rows that depends neither on their order nor on the run that wrote them."""
    row_hashes = (
        "select md5(to_json(row_of)::varchar) as h"
        f" from (select * exclude ({_RUN_COLUMN}) from {table}) as row_of"
    )
    return str(
        _scalar(connection, f"select coalesce(md5(string_agg(h, '' order by h)), '') from ({row_hashes})")
    )


def _write_parquet(database: Path, directory: Path, row_counts: Mapping[str, int]) -> None:
    directory.mkdir(mode=0o750)
    with connect() as connection:
        attach(connection, database, "release")
        for table in row_counts:
            target = _literal(str(directory / f"{table}.parquet"))
            connection.execute(f"copy release.marts.{table} to {target} (format parquet, compression zstd)")


def _file_hashes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): file_hash(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def _protect_and_flush(directory: Path) -> None:
    for path in sorted(directory.rglob("*"), reverse=True):
        os.chmod(path, 0o750 if path.is_dir() else 0o640)
        if path.is_file():
            with path.open("rb") as opened:
                os.fsync(opened.fileno())
        else:
            fsync_directory(path)
    os.chmod(directory, 0o750)
    fsync_directory(directory)


def _swap(link: Path, release: Path) -> None:
    """Point readers at the release in one step."""
    target = os.path.relpath(release, link.parent)
    if link.exists() and not link.is_symlink():
        raise StorageError(
            "a directory stands where the link to the current publication belongs",
            where=str(link),
            next_step="move it away, then run again",
        )
    new_link = link.with_name(f".{link.name}.new")
    new_link.unlink(missing_ok=True)
    os.symlink(target, new_link)
    os.replace(new_link, link)
    fsync_directory(link.parent)


def _release_ids(releases_dir: Path) -> list[str]:
    if not releases_dir.is_dir():
        return []
    return sorted(
        path.name for path in releases_dir.iterdir() if path.is_dir() and not path.name.startswith(".")
    )


def _prune(releases_dir: Path, *, keep: int, current_id: str) -> None:
    for release_id in _release_ids(releases_dir)[:-keep]:
        if release_id != current_id:
            shutil.rmtree(releases_dir / release_id)


def _clear_leftovers(releases_dir: Path) -> None:
    for path in releases_dir.glob(".building-*"):
        shutil.rmtree(path, ignore_errors=True)


def _unlike(reason: str, database: Path) -> StorageError:
    return StorageError(
        f"the release does not read back as written: {reason}",
        where=database.name,
        next_step="run again; if it happens twice, check the disk. The last publication is untouched",
    )


def _kind_of(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # DuckDB's messages quote values from the rows; its class names do not.
    return type(error).__name__


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    ((value,),) = connection.execute(query).fetchall()
    return value


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
