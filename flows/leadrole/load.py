"""Landing -> raw.duckdb: the newest state per id, tombstones, merges, history, links and the watermark.

This module owns raw's tables. One run of one source is one transaction: either all of it is there, with its
watermark and its entry in load.runs, or nothing. Whatever arrives twice changes nothing, so landing can be
loaded again into an empty file and gives the same tables.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from leadrole import landing
from leadrole.attach import attach
from leadrole.crm.hubspot.endpoints import ENDPOINTS as HUBSPOT
from leadrole.crm.ids import AT_ONCE, Ids
from leadrole.crm.odoo.endpoints import ENDPOINTS as ODOO
from leadrole.crm.pipedrive.endpoints import ENDPOINTS as PIPEDRIVE
from leadrole.crm.salesforce.endpoints import ENDPOINTS as SALESFORCE
from leadrole.crm.spec import Endpoint, SourceState
from leadrole.crm.windows import shrink_guard
from leadrole.errors import InternalError, LeadroleError, SourceContractError, StorageError
from leadrole.landing import LandedFile, Manifest
from leadrole.privacy import private_files
from leadrole.run import Run
from leadrole.settings import CSV_FIELDS, ApiSource, HubspotSource, Settings, SourceSettings

SCHEMA_VERSION = 3
MAX_QUARANTINE_SHARE = 0.01
# A thread packs one group of rows at a time, and by default everything but a large company's activities is one group.
ROW_GROUP_ROWS = 61_440
LEAST_OBJECT_BYTES = 4 * 1024 * 1024
MOST_OBJECT_BYTES = 64 * 1024 * 1024
ROW_COLUMNS = (
    "updated_at timestamptz",
    "_deleted_at timestamptz",
    "_deleted_how text",
    "_merged_into text",
    "_first_run text",
    "_last_run text",
)
LOAD_TABLES = {
    "watermarks": "source text, object text, closed_until timestamptz, run_id text",
    "runs": (
        "run_id text, source text, kind text, started_at timestamptz, high_water timestamptz, is_full boolean"
    ),
    "rejects": "run_id text, source text, object text, record_id text, field text, reason text",
    "counts": (
        "run_id text, source text, object text, crm_total bigint, live_rows bigint, changed_rows bigint, "
        "deleted_rows bigint"
    ),
    "coverage": "source text, kind text, object text, is_available boolean, covers_until timestamptz",
    # What a night cost the account; spent and allowance are in the vendor's unit (calls, or Pipedrive's tokens).
    "budgets": "run_id text, source text, calls bigint, needed bigint, spent bigint, allowance bigint",
    "schema_version": "version integer",
}


@dataclass(frozen=True)
class LoadResult:
    """What one load did; all zeros if the manifest was loaded before."""

    run_id: str
    source: str
    changed: int  # records, history entries and links that are new or different
    deleted: int
    rejected: int
    live_rows: dict[str, int]
    notes: tuple[str, ...] = ()
    is_repeat: bool = False


@dataclass(frozen=True)
class _Table:
    """One raw table and how its landed records are read."""

    kind: str  # of the source
    name: str
    fields: tuple[str, ...]
    endpoint: Endpoint | None = None  # None: read from a file, or a list that is read whole
    is_reference: bool = False  # listed whole each night; its dates are not to be relied on

    @property
    def full_name(self) -> str:
        return f"raw_{self.kind}.{self.name}"

    @property
    def body(self) -> str:
        """Where a landed record holds its fields: HubSpot's own word, or ours."""
        return "properties" if self.kind == "hubspot" and self.endpoint is not None else "fields"

    @property
    def history(self) -> tuple[str, ...]:
        """Fields whose every value is kept."""
        return self.endpoint.history if self.endpoint else ()


@dataclass(frozen=True)
class _StageCheck:
    """How a CRM's deals name their stages: two tables, and SQL over `deals` and `stages`."""

    deals: str
    stages: str
    stage: str  # the field of deals
    same: str  # is true of a deal and its stage
    closed: str  # is true of a closed deal


def _of_endpoints(kind: str, endpoints: Iterable[Endpoint]) -> tuple[_Table, ...]:
    """The tables of a CRM: one an endpoint, references first."""
    return tuple(
        _Table(kind, item.name, item.fields, None if item.is_reference else item, item.is_reference)
        for item in sorted(endpoints, key=lambda item: not item.is_reference)
    )


ENDPOINTS: dict[str, tuple[Endpoint, ...]] = {
    "hubspot": HUBSPOT,
    "odoo": ODOO,
    "pipedrive": PIPEDRIVE,
    "salesforce": SALESFORCE,
}
TABLES = {
    **{kind: _of_endpoints(kind, endpoints) for kind, endpoints in ENDPOINTS.items()},
    "csv": tuple(
        _Table("csv", name, tuple(field for field in fields if field != "id"))
        for name, fields in CSV_FIELDS.items()
    ),
}
LINKS = {
    kind: tuple(f"{item.name}_{target}" for item in endpoints for target in item.links)
    for kind, endpoints in ENDPOINTS.items()
}
STAGE_CHECKS = {
    "hubspot": _StageCheck(
        deals="raw_hubspot.deals",
        stages="raw_hubspot.deal_stages",
        stage="dealstage",
        same="stages.stage_id = deals.dealstage and stages.pipeline_id = deals.pipeline",
        closed="deals.hs_is_closed is not distinct from 'true'",
    ),
    "odoo": _StageCheck(
        deals="raw_odoo.leads",
        stages="raw_odoo.stages",
        stage="stage_id",
        same="stages.id = deals.stage_id",
        closed="deals.active is not distinct from 'false' or deals.date_closed is not null",
    ),
    "pipedrive": _StageCheck(
        deals="raw_pipedrive.deals",
        stages="raw_pipedrive.stages",
        stage="stage_id",
        same="stages.id = deals.stage_id",
        closed="coalesce(deals.status in ('won', 'lost') or deals.is_archived = 'true', false)",
    ),
    "salesforce": _StageCheck(
        deals="raw_salesforce.opportunities",
        stages="raw_salesforce.opportunity_stages",
        stage="stage_name",
        same="stages.api_name = deals.stage_name",
        closed="deals.is_closed is not distinct from 'true'",
    ),
}


# --- the file ----------------------------------------------------------------------------------------------


def ensure_raw(path: Path) -> None:
    """Make raw.duckdb (0600) with every schema and table, also of kinds that this company does not use.

    dbt reads them all; a source that is not configured is an empty table, not a missing one.
    """
    with _connection(path) as connection:
        known = _number(
            connection, "select count(*) from duckdb_tables() where table_name = 'schema_version'"
        )
        versions = _rows(connection, "select version from load.schema_version") if known else []
        if versions == [(SCHEMA_VERSION,)]:
            return
        if versions and versions[0][0] > SCHEMA_VERSION:
            raise StorageError(
                f"raw.duckdb was written by a newer version of leadrole (schema {versions[0][0]}, "
                f"this one knows {SCHEMA_VERSION})",
                where=str(path),
                next_step="install the newer leadrole again, or restore the backup from before it",
            )
        connection.execute("begin")
        _create_tables(connection)
        connection.execute("delete from load.schema_version")
        connection.execute("insert into load.schema_version values (?)", [SCHEMA_VERSION])
        connection.execute("commit")


def _create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for schema in (*(f"raw_{kind}" for kind in TABLES), "load"):
        connection.execute(f"create schema if not exists {schema}")
    held = {
        row[0] for row in _rows(connection, "select schema_name || '.' || table_name from duckdb_tables()")
    }
    for table in (table for tables in TABLES.values() for table in tables):
        columns = ", ".join(["id text not null", *(f"{field} text" for field in table.fields), *ROW_COLUMNS])
        connection.execute(f"create table if not exists {table.full_name} ({columns})")
        # A version that asks for another field finds the table of the last one.
        for field in table.fields if table.full_name in held else ():
            connection.execute(f"alter table {table.full_name} add column if not exists {field} text")
        if table.history:
            connection.execute(
                f"create table if not exists {table.full_name}_history (id text, field text, value text, "
                "changed_at timestamptz, changed_by text, source_type text, seen_live boolean)"
            )
    for kind, names in LINKS.items():
        for name in names:
            connection.execute(
                f"create table if not exists raw_{kind}.{name} (from_id text, to_id text, type text)"
            )
    for name, columns in LOAD_TABLES.items():
        connection.execute(f"create table if not exists load.{name} ({columns})")


@contextmanager
def _connection(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose failures are told in our words: DuckDB's texts quote values."""
    connection: duckdb.DuckDBPyConnection | None = None
    try:
        with private_files():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.is_symlink():
                raise StorageError(
                    "the working file is a symbolic link",
                    where=str(path),
                    next_step="put the file itself there",
                )
            connection = duckdb.connect(
                config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
            )
            options = "read_only" if read_only else f"row_group_size {ROW_GROUP_ROWS}"
            attach(connection, path, "warehouse", options=options)
            connection.execute("use warehouse")
        if not read_only:
            path.chmod(0o600)
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    except duckdb.Error as error:
        raise _told(error, path) from None
    except OSError as error:
        raise StorageError(
            f"can't use {path.name}: {error.strerror}",
            where=str(path.parent),
            next_step="make room on the disk or the directory writable, then run again; nothing was published",
        ) from None
    finally:
        if connection is not None:
            connection.close()  # rolls back what was not committed


def _told(error: duckdb.Error, path: Path) -> LeadroleError:
    text = str(error)
    if isinstance(error, duckdb.IOException) and "lock" in text.lower():
        holder = re.search(r"PID (\d+)", text)
        return StorageError(
            f"{path.name} is open in another program" + (f" (process {holder[1]})" if holder else ""),
            where=str(path),
            next_step="close that program and run again; analysts read published/, not the working file",
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return StorageError(
            "not enough memory to load",
            where=path.name,
            next_step="close other programs or use a larger machine",
        )
    if (
        "no space left" in text.lower()
        or "could not write" in text.lower()
        or "file too large" in text.lower()
    ):
        return StorageError(
            "the disk is full", where=path.name, next_step="make room and run again; nothing was published"
        )
    damaged = (
        duckdb.FatalException,
        duckdb.SerializationException,
        duckdb.IOException,
        duckdb.InternalException,
    )
    if isinstance(error, damaged):
        return StorageError(
            f"{path.name} is damaged or was written by another version of DuckDB",
            where=str(path),
            next_step="restore it from your backup, or move it away and load landing again (docs/operations.md)",
        )
    return InternalError(
        f"the database refused a step ({type(error).__name__})",
        where=path.name,
        next_step="report it with the version of leadrole; the last publication is untouched",
    )


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    return connection.execute(query, list(values)).fetchall()


def _number(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any] = ()) -> int:
    return int(_rows(connection, query, values)[0][0] or 0)


# --- what we hold ------------------------------------------------------------------------------------------


def read_state(run: Run, source: SourceSettings, *, accept_shrink: bool = False) -> SourceState:
    """What the warehouse holds of `source`: watermarks, live ids, open deals, the last full read."""
    if not run.raw_path.exists():
        return SourceState(source.name, accept_shrink=accept_shrink)
    with _connection(run.raw_path, read_only=True) as connection:
        closed_until = dict(
            _rows(
                connection, "select object, closed_until from load.watermarks where source = ?", [source.name]
            )
        )
        live_ids: dict[str, Ids] = {}
        fingerprints: dict[str, dict[str, str]] = {}
        for table in TABLES[source.kind]:
            if table.endpoint is not None and table.endpoint.children:
                fields = _list(f"coalesce({name}, '')" for name in table.fields)
                told = f"select id, md5(concat_ws(chr(31), {fields})) from {table.full_name}"
                found = _rows(connection, f"{told} where _deleted_at is null")
                fingerprints[table.name] = {row[0]: row[1] for row in found}
            if not table.is_reference:
                connection.execute(f"select id from {table.full_name} where _deleted_at is null")
                live = live_ids[table.name] = Ids()
                while found := connection.fetchmany(AT_ONCE):
                    live.update(row[0] for row in found)
        last_full = _rows(
            connection, "select max(high_water) from load.runs where source = ? and is_full", [source.name]
        )
        open_deals: frozenset[str] = frozenset()
        ignored: dict[str, frozenset[str]] = {}
        if isinstance(source, HubspotSource):
            found = _rows(
                connection,
                "select id from raw_hubspot.deals where _deleted_at is null and hs_is_closed is distinct from 'true'",
            )
            open_deals = frozenset(row[0] for row in found)
            if source.deal_pipelines:
                found = _rows(
                    connection,
                    "select id from raw_hubspot.deals where _deleted_how = 'vanished' "
                    "and not list_contains(?::text[], pipeline)",
                    [list(source.deal_pipelines)],
                )
                ignored["deals"] = frozenset(row[0] for row in found)
    return SourceState(
        source=source.name,
        closed_until={name: moment.astimezone(UTC) for name, moment in closed_until.items()},
        live_ids=live_ids,
        ignored_ids=ignored,
        open_deal_ids=open_deals,
        fingerprints=fingerprints,
        last_full=last_full[0][0].astimezone(UTC) if last_full[0][0] else None,
        accept_shrink=accept_shrink,
    )


def as_of(run: Run, settings: Settings) -> tuple[datetime, datetime]:
    """The moment that tonight's figures describe, twice: as of, and data complete through.

    With several sources it is the earliest of their high-water marks: after that, one of them knows nothing.
    """
    with _connection(run.raw_path, read_only=True) as connection:
        marks = dict(_rows(connection, "select source, max(high_water) from load.runs group by source"))
    missing = [source.name for source in settings.sources if source.name not in marks]
    if missing:
        raise InternalError(
            f"nothing was ever loaded from {', '.join(missing)}",
            next_step="run the whole night, not a single step",
        )
    earliest = min(marks[source.name] for source in settings.sources).astimezone(UTC)
    return earliest, earliest


# --- one run -----------------------------------------------------------------------------------------------


def load(run: Run, source: SourceSettings, manifest: Manifest) -> LoadResult:
    """Load one landed run into raw.duckdb: all of it in one transaction, or nothing."""
    ensure_raw(run.raw_path)
    return _load(run.raw_path, run.landing_dir, source, manifest)


def replay(run: Run, sources: Iterable[SourceSettings], into: Path) -> list[LoadResult]:
    """Load everything in landing into a new file: the way back after a damaged or mistaken raw.duckdb.

    A night that the guards refused then is refused again, and left out as it was then.
    """
    if into.exists():
        raise StorageError(
            f"{into.name} exists already",
            where=str(into.parent),
            next_step="name a file that is not there yet",
        )
    ensure_raw(into)
    by_name = {source.name: source for source in sources}
    results = []
    for manifest in landing.manifests(run.landing_dir):
        if manifest.source in by_name:
            try:
                results.append(_load(into, run.landing_dir, by_name[manifest.source], manifest))
            except SourceContractError:
                continue
    return results


def remake(run: Run, sources: Iterable[SourceSettings]) -> list[LoadResult]:
    """Put a raw.duckdb replayed from landing in the place of the one that is there, which stays as .old."""
    fresh = run.raw_path.with_name("raw.new.duckdb")
    fresh.unlink(missing_ok=True)
    _wal(fresh).unlink(missing_ok=True)
    results = replay(run, sources, fresh)
    if not results:
        fresh.unlink()
        raise StorageError(
            "landing holds no night to replay",
            where=str(run.landing_dir),
            next_step="move raw.duckdb away instead: the next run is a full first load",
        )
    old = run.raw_path.with_name(f"{run.raw_path.name}.old")
    # A log left beside the new file would make it unopenable; with the old file it keeps its meaning.
    _wal(old).unlink(missing_ok=True)
    for source, target in ((run.raw_path, old), (_wal(run.raw_path), _wal(old))):
        if source.exists():
            os.replace(source, target)
    os.replace(fresh, run.raw_path)
    landing.fsync_directory(run.raw_path.parent)
    return results


def _wal(database: Path) -> Path:
    return database.with_name(f"{database.name}.wal")


def _load(path: Path, landing_dir: Path, source: SourceSettings, manifest: Manifest) -> LoadResult:
    for file in manifest.files:
        landing.verify(landing_dir, file)
    with _connection(path) as connection:
        repeated = _number(
            connection,
            "select count(*) from load.runs where run_id = ? and source = ?",
            [manifest.run_id, manifest.source],
        )
        if repeated:
            return LoadResult(manifest.run_id, manifest.source, 0, 0, 0, {}, is_repeat=True)
        connection.execute("begin")
        result = _Loader(connection, landing_dir, source, manifest).run()
        connection.execute("commit")
        return result


class _Loader:
    """The statements of one load, inside one transaction."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        landing_dir: Path,
        source: SourceSettings,
        manifest: Manifest,
    ) -> None:
        self.connection = connection
        self.landing_dir = landing_dir
        self.source = source
        self.manifest = manifest
        self.notes: list[str] = list(manifest.notes)
        self.extra_changes = 0
        self.live_before: dict[str, int] = {}

    def run(self) -> LoadResult:
        """Everything in order."""
        self._csv_rejects()
        for table in TABLES[self.source.kind]:
            self.live_before[table.name] = self._live(table)
            self._table(table)
        for table in TABLES[self.source.kind]:
            if table.endpoint is not None and (table.endpoint.swallowed or table.endpoint.survivor):
                self._merges(table, table.endpoint)
            if table.endpoint is not None and table.endpoint.became is not None:
                self._conversions(table, *table.endpoint.became)
        for name in LINKS.get(self.source.kind, ()):
            self._links(name)
        self.verify_contract()
        return self._record()

    # --- records ---

    def _table(self, table: _Table) -> None:
        file = self.manifest.file(table.name)
        if file is None:
            if table.name in self.manifest.walked:
                raise StorageError(
                    f"the manifest lists no file for {table.name}, which the run has read",
                    where=f"{self.manifest.run_id}.manifest.json",
                    next_step="restore the manifest from your backup, or remove it and read the source again",
                )
            return
        if not file.rows and not _number(self.connection, f"select count(*) from {table.full_name}"):
            return
        self._incoming(table, file)
        if not table.is_reference and table.endpoint is not None:
            self._quarantine(table)
        self._merge_rows(table)
        if table.is_reference or table.name in self.manifest.walked:
            self._vanish(table)
        if table.history:
            self._history(table)
        self.connection.execute("drop table incoming")

    def _incoming(self, table: _Table, file: LandedFile) -> None:
        """The landed records as a table; explicit columns, so that nothing is guessed from the first rows."""
        body, history_body = table.body, "propertiesWithHistory" if table.body == "properties" else "history"
        fields = f"{body} struct({_list(f'{name} text' for name in table.fields)})"
        columns = f'id text, "updatedAt" text, {fields}'
        cursor, archived, archived_at, history = "null::text", "false", "null::text", "null"
        if table.endpoint is None:
            stamp = (
                f"coalesce({_moment('_updated')}, timestamptz '1970-01-01 00:00:00+00')"
                if table.is_reference
                else "?::timestamptz"
            )
        else:
            columns += ', archived boolean, "archivedAt" text'
            cursor = f"record.{body}.{table.endpoint.cursor}" if table.endpoint.cursor else cursor
            stamp = f"coalesce({_moment('_cursor')}, {_moment('_updated')})"
            archived, archived_at = "coalesce(record.archived, false)", "record.archivedAt"
        if table.history:
            entry = 'struct(value text, "timestamp" text, "sourceType" text, "changedBy" text)[]'
            columns += f', "{history_body}" struct({_list(f"{name} {entry}" for name in table.history)})'
            history = f'record."{history_body}"'
        values = f"record.{body}"
        # Fields first, dates after: a cast that looks into `record` would copy the whole of it, row by row. Rows keep
        # the order of the file, so that `rowid` tells which arrived last; to number them would take one thread.
        query = f"""
            create temp table incoming as
            with landed as (
                select
                    record.id as id,
                    {_list(f"nullif({values}.{name}, '') as {name}" for name in table.fields)},
                    {cursor} as _cursor,
                    record."updatedAt" as _updated,
                    {archived} as _is_archived,
                    {archived_at} as _archived,
                    received_at as _received,
                    endpoint as _endpoint,
                    page as _page,
                    {history} as _history
                from read_ndjson(
                    ?,
                    columns = {{endpoint: 'text', page: 'bigint', received_at: 'text', record: 'struct({columns})'}},
                    compression = 'zstd',
                    maximum_object_size = {_object_bytes(file)}
                )
            )

            select
                id,
                {_list(table.fields)},
                {stamp} as updated_at,
                _is_archived,
                {_moment("_archived")} as _archived_at,
                _received::timestamptz as received_at,
                _endpoint as endpoint,
                _page as page,
                _history as history
            from landed
        """
        bound: list[Any] = [str(self.landing_dir / file.path)]
        if "?::timestamptz" in stamp:
            bound.append(self.manifest.high_water)
        self.connection.execute(query, bound)

    def _quarantine(self, table: _Table) -> None:
        """Put records without a usable date of change aside: they could never be told old from new."""
        broken = "updated_at is null or updated_at > ?::timestamptz + interval 2 day"
        # A read that was gone on with ends its window where it was begun, and still brings what is new.
        now = max(self.manifest.high_water, self.manifest.started_at)
        bad = _number(
            self.connection,
            f"select count(distinct id) from incoming where {broken}",
            [now],
        )
        if not bad:
            return
        cursor = table.endpoint.cursor if table.endpoint else "updated_at"
        self.connection.execute(
            f"""
            insert into load.rejects
            select distinct
                ?,
                ?,
                ?,
                id,
                ?,
                case when updated_at is null then 'no date of change' else 'changed in the future' end
            from incoming
            where {broken}
            """,
            [self.manifest.run_id, self.manifest.source, table.name, cursor, now],
        )
        held = max(
            _number(self.connection, "select count(distinct id) from incoming"),
            self.manifest.crm_totals.get(table.name, 0),
        )
        told = f"{bad:,} of {held:,} {table.name} have no usable {cursor}"
        if bad > MAX_QUARANTINE_SHARE * held:
            raise SourceContractError(
                told, next_step="see load.rejects after correcting the records in the CRM, and run again"
            )
        self.notes.append(f"{told}; they are left out (load.rejects)")
        self.connection.execute(f"delete from incoming where {broken}", [now])

    def _merge_rows(self, table: _Table) -> None:
        """The newest version per id by (date of change, arrival); whether it lives by its last arrival.

        Both matter: an archived record is listed with its old date of change, and a restored one too.
        """
        compared = [*table.fields, *(["updated_at"] if table.endpoint is not None else [])]
        bound: list[Any] = []
        if table.name == "deals" and isinstance(self.source, HubspotSource) and self.source.deal_pipelines:
            bound = [list(self.source.deal_pipelines)]
        foreign = "not list_contains(?::text[], coalesce(pipeline, ''))" if bound else "false"
        arrived = f"select *, {foreign} as is_foreign from ({self._one_each(table)})"
        # A pipeline that is no longer ours takes its deals along, also those that did not change tonight.
        if bound:
            self.connection.execute(
                "update raw_hubspot.deals set _deleted_at = ?, _deleted_how = 'vanished', _last_run = ? "
                "where _deleted_at is null and not list_contains(?::text[], coalesce(pipeline, ''))",
                [self.manifest.started_at, self.manifest.run_id, *bound],
            )
        how = """
            case
                when held._deleted_how = 'merged' and arrived._is_archived then 'merged'
                when arrived._is_archived then 'archived'
                when arrived.is_foreign then 'vanished'
            end
        """
        # A date that the CRM does not tell is the one on which we first noticed.
        deleted_at = f"""
            case
                when {how} is null then null
                when {how} = 'archived' and arrived._archived_at is not null then arrived._archived_at
                when held._deleted_how = {how} then held._deleted_at
                else arrived.received_at
            end
        """
        wanted = f"""
            select
                arrived.* exclude (_is_archived, _archived_at, received_at, is_foreign),
                {how} as _deleted_how,
                {deleted_at} as _deleted_at,
                case when {how} = 'merged' then held._merged_into end as _merged_into,
                coalesce(arrived.updated_at >= held.updated_at, true) as is_newer
            from ({arrived}) as arrived
            left join {table.full_name} as held using (id)
        """
        values = [*table.fields, "updated_at", "_deleted_at", "_deleted_how", "_merged_into"]
        if not _number(self.connection, f"select count(*) from {table.full_name}"):
            # What a merge into an empty table does, without its comparisons: a first load is all of that.
            self.connection.execute(
                f"insert into {table.full_name} (id, {_list(values)}, _first_run, _last_run) "
                f"select id, {_list(values)}, ?, ? from ({wanted})",
                [*[self.manifest.run_id] * 2, *bound],
            )
            return
        self.connection.execute(f"create temp table wanted as {wanted}", bound)
        self.connection.execute(
            f"""
            merge into {table.full_name} as held
            using wanted
            on held.id = wanted.id
            when matched and wanted.is_newer and (
                row({_list(f"held.{name}" for name in compared)})
                is distinct from row({_list(f"wanted.{name}" for name in compared)})
                or row(held._deleted_at, held._deleted_how) is distinct from row(wanted._deleted_at, wanted._deleted_how)
            ) then update set
                {_list(f"{name} = wanted.{name}" for name in values)},
                _last_run = ?
            when matched and not wanted.is_newer and (
                row(held._deleted_at, held._deleted_how) is distinct from row(wanted._deleted_at, wanted._deleted_how)
            ) then update set
                _deleted_at = wanted._deleted_at,
                _deleted_how = wanted._deleted_how,
                _merged_into = wanted._merged_into,
                _last_run = ?
            when not matched then insert (id, {_list(values)}, _first_run, _last_run)
                values (wanted.id, {_list(f"wanted.{name}" for name in values)}, ?, ?)
            """,
            [self.manifest.run_id] * 4,
        )
        self.connection.execute("drop table wanted")

    def _one_each(self, table: _Table) -> str:
        """SQL for one row an id. Sorting costs more than all the rest, and most nights no id comes twice."""
        row, arrival = f"id, {_list(table.fields)}, updated_at", "_is_archived, _archived_at, received_at"
        if not _number(self.connection, "select count(*) - count(distinct id) from incoming"):
            return f"select {row}, {arrival} from incoming"
        return f"""
            with newest as (
                select {row}
                from incoming
                qualify row_number() over (partition by id order by updated_at desc, page desc, rowid desc) = 1
            ),

            last_arrival as (
                select id, {arrival}
                from incoming
                qualify row_number() over (partition by id order by page desc, rowid desc) = 1
            )

            select *
            from newest
            inner join last_arrival using (id)
        """

    def _vanish(self, table: _Table) -> None:
        """Tombstone what a complete list of ids no longer names: erased, merged away, or purged."""
        ids = self.manifest.file(f"{table.name}_ids")
        if table.is_reference:
            present, bound = "select id from incoming", []
        elif ids is not None:
            present = """
                select record.id
                from read_ndjson(?, columns = {record: 'struct(id text)'}, compression = 'zstd')
                union
                select id from incoming where endpoint = 'walk' and not _is_archived
            """
            bound = [str(self.landing_dir / ids.path)]
        else:
            return
        self.connection.execute(
            f"""
            update {table.full_name}
            set _deleted_at = ?, _deleted_how = 'vanished', _last_run = ?
            where _deleted_at is null and id not in ({present})
            """,
            [self.manifest.started_at, self.manifest.run_id, *bound],
        )

    def _history(self, table: _Table) -> None:
        """Add every entry not seen before; nothing is ever removed, as the CRM may drop its oldest ones."""
        entries = " union all ".join(
            f"select id, '{field}' as field, _is_archived, unnest(history.{field}) as entry from incoming"
            for field in table.history
        )
        self.connection.execute(
            f"""
            create temp table entries as
            select
                id,
                field,
                nullif(entry.value, '') as value,
                {_moment("entry.timestamp")} as changed_at,
                entry.changedBy as changed_by,
                entry.sourceType as source_type,
                not _is_archived as seen_live
            from ({entries})
            """
        )
        same = "id, field, value, changed_at"
        if _number(self.connection, f"select count(*) - count(distinct hash({same})) from entries"):
            self.connection.execute(
                f"""
                create or replace temp table entries as
                select *
                from entries
                qualify row_number() over (
                    partition by {same}
                    order by seen_live desc, changed_by nulls last, source_type nulls last
                ) = 1
                """
            )
        self.connection.execute(
            "insert into load.rejects select ?, ?, ?, id, field, 'history entry without a date' from entries "
            "where changed_at is null",
            [self.manifest.run_id, self.manifest.source, f"{table.name}_history"],
        )
        unseen = f"""
            and not exists (
                select 1
                from {table.full_name}_history as held
                where
                    held.id = entries.id
                    and held.field = entries.field
                    and held.changed_at = entries.changed_at
                    and held.value is not distinct from entries.value
            )
        """
        is_first = not _number(self.connection, f"select count(*) from {table.full_name}_history")
        self.extra_changes += self._count_changes(
            f"{table.full_name}_history",
            f"""
            insert into {table.full_name}_history
            select id, field, value, changed_at, changed_by, source_type, seen_live
            from entries
            where changed_at is not null {"" if is_first else unseen}
            """,
        )
        self.connection.execute("drop table entries")

    def _count_changes(self, table: str, statement: str, values: Sequence[Any] = ()) -> int:
        before = _number(self.connection, f"select count(*) from {table}")
        self.connection.execute(statement, list(values))
        return abs(_number(self.connection, f"select count(*) from {table}") - before)

    def _merges(self, table: _Table, endpoint: Endpoint) -> None:
        """Point merged-away records to who they are now, over any number of merges.

        HubSpot's survivor names them, and they vanish without having been archived; elsewhere they name it.
        """
        pairs = (
            f"select id as survivor, trim(unnest(string_split({endpoint.swallowed}, ';'))) as loser "
            f"from {table.full_name} where {endpoint.swallowed} is not null"
            if endpoint.swallowed
            else f"select {endpoint.survivor} as survivor, id as loser from {table.full_name} "
            f"where {endpoint.survivor} is not null"
        )
        self.connection.execute(
            f"""
            update {table.full_name} as held
            set
                _deleted_how = 'merged',
                _merged_into = roots.survivor,
                _last_run = ?
            from (
                with recursive pairs as ({pairs}),

                chain as (
                    select loser, survivor, 1 as hops
                    from pairs
                    where loser <> survivor and loser <> ''
                    union
                    select chain.loser, pairs.survivor, chain.hops + 1
                    from chain
                    inner join pairs on chain.survivor = pairs.loser
                    where pairs.survivor <> chain.loser and pairs.survivor <> pairs.loser and chain.hops < 50
                )

                select loser, arg_max(survivor, (hops, survivor)) as survivor
                from chain
                group by loser
            ) as roots
            where
                held.id = roots.loser
                and held._deleted_at is not null
                and row(held._deleted_how, held._merged_into) is distinct from row('merged', roots.survivor)
            """,
            [self.manifest.run_id],
        )

    def _conversions(self, table: _Table, into: str, field: str) -> None:
        """Tell a record that became another one from a record that was deleted: the other one names it."""
        self.connection.execute(
            f"""
            update {table.full_name} as held
            set
                _deleted_how = 'converted',
                _merged_into = made.id,
                _last_run = ?
            from (
                select {field} as origin, min(id) as id
                from raw_{table.kind}.{into}
                where {field} is not null
                group by {field}
            ) as made
            where held.id = made.origin and held._deleted_at is not null and held._deleted_how <> 'converted'
            """,
            [self.manifest.run_id],
        )

    def _links(self, name: str) -> None:
        """Replace the links of each parent that was asked for, and of no other."""
        file = self.manifest.file(name)
        if file is None or not file.rows:
            return
        table = f"raw_{self.source.kind}.{name}"
        self.connection.execute(
            f"""
            create temp table incoming as
            select record.id as from_id, record."to" as links
            from read_ndjson(
                ?,
                columns = {{page: 'bigint', record: 'struct(id text, "to" struct(id text, "type" text)[])'}},
                compression = 'zstd',
                maximum_object_size = {_object_bytes(file)}
            )
            qualify row_number() over (partition by record.id order by page desc) = 1
            """,
            [str(self.landing_dir / file.path)],
        )
        self.connection.execute(
            """
            create temp table wanted as
            select distinct from_id, link.id as to_id, link."type" as type
            from (select from_id, unnest(links) as link from incoming)
            """
        )
        self.extra_changes += self._count_changes(
            table,
            f"delete from {table} where from_id in (select from_id from incoming) and not exists (select 1 from wanted "
            f"where wanted.from_id = {name}.from_id and wanted.to_id = {name}.to_id and wanted.type = {name}.type)",
        )
        self.extra_changes += self._count_changes(
            table,
            f"insert into {table} select from_id, to_id, type from wanted where not exists (select 1 from {table} as held "
            "where held.from_id = wanted.from_id and held.to_id = wanted.to_id and held.type = wanted.type)",
        )
        self.connection.execute("drop table wanted")
        self.connection.execute("drop table incoming")

    def _csv_rejects(self) -> None:
        file = self.manifest.file("rejects")
        if file is None:
            return
        self.connection.execute(
            """
            insert into load.rejects
            select ?, ?, record.object, record.record_id, record.field, record.reason
            from read_ndjson(
                ?,
                columns = {record: 'struct(object text, record_id text, field text, reason text)'},
                compression = 'zstd'
            )
            """,
            [self.manifest.run_id, self.manifest.source, str(self.landing_dir / file.path)],
        )

    # --- what must hold ---

    def verify_contract(self) -> None:
        """Refuse the night, before anything is committed, if the source no longer is what the config says."""
        for table in TABLES[self.source.kind]:
            if not table.is_reference and table.name in self.manifest.walked:
                shrink_guard(
                    table.name,
                    self.live_before[table.name],
                    self._live(table) + self._converted(table),
                    accepted=self.manifest.accept_shrink,
                )
        check = STAGE_CHECKS.get(self.source.kind)
        if check is not None and isinstance(self.source, ApiSource):
            self._unknown_stages(self.source, check)

    def _unknown_stages(self, source: ApiSource, check: _StageCheck) -> None:
        """Deals in a stage that no pipeline has, or open deals in one that was deleted.

        Closed deals keep the id of a deleted stage for ever; that is history, not a fault.
        """
        found = _rows(
            self.connection,
            f"""
            select deals.{check.stage}, count(*)
            from {check.deals} as deals
            left join {check.stages} as stages on {check.same}
            where
                deals._deleted_at is null
                and deals.{check.stage} is not null
                and (stages.id is null or (stages._deleted_at is not null and not ({check.closed})))
            group by deals.{check.stage}
            order by count(*) desc, deals.{check.stage}
            """,
        )
        if not found:
            return
        stages = ", ".join(
            f"{re.sub(r'[^A-Za-z0-9_-]', '?', stage)[:60]} ({count:,})" for stage, count in found[:5]
        )
        told = f"deals are in stages that no pipeline has: {stages}"
        if source.unknown_stage == "fail":
            raise SourceContractError(
                told,
                next_step="move those deals or restore the stage in the CRM, or set unknown_stage: warn in the config",
            )
        self.notes.append(told)

    # --- the record of the run ---

    def _live(self, table: _Table) -> int:
        return _number(self.connection, f"select count(*) from {table.full_name} where _deleted_at is null")

    def _converted(self, table: _Table) -> int:
        """How many records became something else in this run: they are gone, and nothing was lost."""
        return _number(
            self.connection,
            f"select count(*) from {table.full_name} where _deleted_how = 'converted' and _last_run = ?",
            [self.manifest.run_id],
        )

    def _record(self) -> LoadResult:
        manifest = self.manifest
        key = [manifest.run_id, manifest.source]
        changed = deleted = 0
        live_rows: dict[str, int] = {}
        for table in TABLES[self.source.kind]:
            if manifest.file(table.name) is None and table.name not in manifest.walked:
                continue
            live_rows[table.name] = self._live(table)
            counted = _rows(
                self.connection,
                "select count(*) filter (_deleted_at is null), count(*) filter (_deleted_at is not null) "
                f"from {table.full_name} where _last_run = ?",
                [manifest.run_id],
            )[0]
            changed += counted[0]
            deleted += counted[1]
            self.connection.execute(
                "insert into load.counts values (?, ?, ?, ?, ?, ?, ?)",
                [*key, table.name, manifest.crm_totals.get(table.name), live_rows[table.name], *counted],
            )
        for name, moment in manifest.closed_until.items():
            held = _rows(
                self.connection,
                "select max(closed_until) from load.watermarks where source = ? and object = ?",
                [manifest.source, name],
            )[0][0]
            self.connection.execute(
                "delete from load.watermarks where source = ? and object = ?", [manifest.source, name]
            )
            self.connection.execute(
                "insert into load.watermarks values (?, ?, ?, ?)",
                [manifest.source, name, max(moment, held) if held else moment, manifest.run_id],
            )
        self.connection.execute("delete from load.coverage where source = ?", [manifest.source])
        for item in manifest.coverage:
            self.connection.execute(
                "insert into load.coverage values (?, ?, ?, ?, ?)",
                [manifest.source, manifest.kind, item.object, item.is_available, item.covers_until],
            )
        self.connection.execute(
            "insert into load.runs values (?, ?, ?, ?, ?, ?)",
            [*key, manifest.kind, manifest.started_at, manifest.high_water, manifest.is_full],
        )
        self.connection.execute(
            "insert into load.budgets values (?, ?, ?, ?, ?, ?)",
            [
                *key,
                manifest.calls,
                *(manifest.budget.get(part) for part in ("needed", "spent", "allowance")),
            ],
        )
        rejected = _number(
            self.connection, "select count(*) from load.rejects where run_id = ? and source = ?", key
        )
        return LoadResult(
            run_id=manifest.run_id,
            source=manifest.source,
            changed=changed + self.extra_changes,
            deleted=deleted,
            rejected=rejected,
            live_rows=live_rows,
            notes=tuple(self.notes),
        )


def _object_bytes(file: LandedFile) -> int:
    """Room for the longest line of a file: each thread of DuckDB reads in blocks of twice that."""
    return max(file.longest, LEAST_OBJECT_BYTES) if file.longest else MOST_OBJECT_BYTES


def _list(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _moment(expression: str) -> str:
    """SQL for a moment: ISO text, or milliseconds since 1970 as older HubSpot records still hold them."""
    return (
        f"case when regexp_full_match({expression}, '-?[0-9]{{9,16}}([.][0-9]+)?') "
        f"then to_timestamp(try_cast({expression} as double) / 1000) else try_cast({expression} as timestamptz) end"
    )
