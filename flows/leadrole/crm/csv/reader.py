"""Read mapped columns of CSV exports into landing.

A row lands as {"id", "raw": {their column: text}, "fields": {our field: text}}: `raw` is what stood in the file,
`fields` is the mapping of that day's config. The mapping is done here, not at load, because only here can a
broken value be named with its line; keeping both means that landing can be loaded again without the file and
without the config that was in force. Columns that nobody mapped are not kept. Of addresses and domains only keyed
hashes land, in `fields` alone.

Moments become UTC text with a Z; a date without a time stays a date (of the company's zone, day precision).
Files are full exports: ids that are no longer in them are tombstoned by the load.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from leadrole.crm.spec import PageProgress, SourceState
from leadrole.crm.windows import shrink_guard
from leadrole.errors import SourceContractError, SourceUnavailableError
from leadrole.landing import Coverage, LandingWriter, Manifest, write_manifest
from leadrole.privacy import domain_key, email_key, pseudonym_key
from leadrole.run import Run
from leadrole.settings import (
    CSV_FIELDS,
    CSV_HASHED,
    CSV_MOMENTS,
    CSV_REQUIRED,
    CsvColumn,
    CsvObject,
    CsvSource,
)

MAX_CELL = 16 * 1024 * 1024
PROGRESS_ROWS = 1000
VALUES = {
    "kind": ("call", "email", "meeting", "linkedin", "message", "task", "note"),
    "direction": ("in", "out"),
    "actor": ("human", "automated", "unknown"),
    "result": ("attempt", "contact", "none"),
    "active": ("true", "false"),
}
NUMBERS = frozenset({"amount", "duration_seconds"})
NUMBER = re.compile(r"[-+]?\d{1,20}(\.\d{1,30})?")
YES_NO = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


class _BrokenError(ValueError):
    """A cell that can't be used; its text is the reason and never the value."""


def extract(
    source: CsvSource,
    state: SourceState,
    run: Run,
    progress: PageProgress,
    *,
    clock: Callable[[], datetime],
) -> Manifest:
    """Land every configured file, or raise; nothing is landed of a night that raises."""
    for name, item in source.objects.items():
        if not item.file.is_file():
            raise SourceUnavailableError(
                f"{name}: there is no file {item.file.name}",
                where=str(item.file.parent),
                next_step="put the export there, or correct file: in the config",
            )
    exported_at = source.exported_at or _newest(item.file for item in source.objects.values())
    exported_at = exported_at.astimezone(UTC)
    previous = max(state.closed_until.values(), default=None)
    if previous is not None and exported_at < previous:
        raise SourceContractError(
            f"these exports ({exported_at:%Y-%m-%d}) are older than the ones already loaded ({previous:%Y-%m-%d})",
            next_step="put the newest exports there, or correct exported_at in the config",
        )
    received_at = clock()
    key = pseudonym_key(run.pseudonym_key_path)
    rows_read: dict[str, int] = {}
    notes: list[str] = []
    with LandingWriter(run.landing_dir, source=source.name, run_id=run.run_id) as landing:
        landing.object("rejects")
        for name, item in source.objects.items():
            file = _File(name, item, source, exported_at, key)
            rows, rejected = _land(file, landing, received_at, progress)
            rows_read[name] = rows
            _guard(file, state, rows, rejected, notes)
        until = _covers_until(source, exported_at)
        manifest = Manifest(
            run_id=run.run_id,
            source=source.name,
            kind=source.kind,
            started_at=run.started_at,
            high_water=exported_at,
            is_full=True,
            files=landing.close(),
            closed_until={name: exported_at for name in source.objects},
            crm_totals=rows_read,
            walked=tuple(source.objects),
            coverage=tuple(
                Coverage(
                    name,
                    name in source.objects,
                    (until if name == "leads" else exported_at) if name in source.objects else None,
                )
                for name in CSV_FIELDS
            ),
            rows_read=rows_read,
            notes=tuple(notes),
            accept_shrink=state.accept_shrink,
        )
    write_manifest(run.landing_dir, manifest)
    return manifest


def _newest(files: Iterator[Path]) -> datetime:
    return datetime.fromtimestamp(max(int(path.stat().st_mtime) for path in files), UTC)


def _covers_until(source: CsvSource, exported_at: datetime) -> datetime:
    if source.leads.covers_until is None:
        return exported_at
    local = datetime.combine(source.leads.covers_until, datetime.min.time(), ZoneInfo(source.timezone))
    return min(local.astimezone(UTC), exported_at)


@dataclass(frozen=True)
class _File:
    """One export with everything that its rows are read by."""

    name: str
    item: CsvObject
    source: CsvSource
    exported_at: datetime
    key: bytes  # of the pseudonyms that are landed in the place of addresses

    @property
    def label(self) -> str:
        return self.item.file.name

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The header and the rows with their lines; text that is not in the configured encoding is named."""
        csv.field_size_limit(MAX_CELL)
        encoding = self.source.encoding
        if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            encoding = "utf-8-sig"  # Excel's byte order mark is no part of the first column's name
        line = 0
        try:
            with self.item.file.open(encoding=encoding, newline="") as text:
                reader = csv.reader(text, delimiter=self.source.delimiter, strict=True)
                for row in reader:
                    line = reader.line_num
                    if row:
                        yield line, row
        except UnicodeDecodeError:
            raise SourceContractError(
                f"{self.label}: line {self._first_bad_line(encoding)} is not {self.source.encoding} text",
                next_step="set encoding: in the config (cp1252 is usual for exports from Windows), or export as UTF-8",
            ) from None
        except csv.Error as error:
            raise SourceContractError(
                f"{self.label}: line {line + 1} is not CSV ({error})",
                next_step="check delimiter: in the config and the quotes in that line",
            ) from None
        except OSError as error:
            raise SourceUnavailableError(
                f"{self.label}: can't be read: {error.strerror}",
                next_step="give the user that runs leadrole read access to the file",
            ) from None

    def _first_bad_line(self, encoding: str) -> int:
        """The line that does not decode; the error's own offset counts from where a buffer began."""
        decoder = codecs.getincrementaldecoder(encoding)()
        line = 0
        with self.item.file.open("rb") as content:
            for chunk in content:
                line += 1
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    break
        return line


def _land(
    file: _File, landing: LandingWriter, received_at: datetime, progress: PageProgress
) -> tuple[int, Counter[str]]:
    """Land one file's rows; gives how many were read and why some were rejected."""
    lines = file.rows()
    try:
        _, header = next(lines)
    except StopIteration:
        raise _empty(file) from None
    positions = _positions(file, header)
    records, ids, rejects = (
        landing.object(file.name),
        landing.object(f"{file.name}_ids"),
        landing.object("rejects"),
    )
    seen: dict[str, int] = {}  # id -> hash of its row: the whole row would not fit for a million of them
    reasons: Counter[str] = Counter()
    count = 0

    def reject(record_id: str | None, line: int, field: str | None, reason: str) -> None:
        reasons[f"{field}: {reason}" if field else reason] += 1
        entry = {
            "object": file.name,
            "record_id": record_id or f"line {line}",
            "field": field,
            "reason": reason,
        }
        rejects.write(entry, endpoint="csv", page=line, received_at=received_at)

    for line, row in lines:
        count += 1
        if count % PROGRESS_ROWS == 0:
            progress(file.name, count, None)
        if len(row) != len(header):
            reject(None, line, None, f"the row has {len(row)} cells, the header {len(header)}")
            continue
        raw = {
            file.item.columns[ours].column: row[position]
            for ours, position in positions.items()
            if ours not in CSV_HASHED
        }
        record_id = row[positions["id"]].strip()
        if not record_id:
            reject(None, line, "id", "empty")
            continue
        if record_id not in seen:
            ids.write({"id": record_id}, endpoint="csv", page=line, received_at=received_at)
        digest = hash(tuple(row))
        if seen.get(record_id) == digest:
            continue  # the same row twice is one row
        try:
            fields = {
                ours: _value(ours, file.item.columns[ours], row[position].strip(), file)
                for ours, position in positions.items()
                if ours != "id" and ours not in CSV_HASHED
            }
        except _FieldError as error:
            seen.setdefault(record_id, digest)
            reject(record_id, line, error.field, str(error))
            continue
        if record_id in seen:
            reject(record_id, line, "id", "given twice with different values; the later row is kept")
        seen[record_id] = digest
        for ours in CSV_HASHED.keys() & positions.keys():
            fields |= _pseudonyms(ours, row[positions[ours]].strip(), file.key)
        record = {"id": record_id, "raw": raw, "fields": fields}
        records.write(record, endpoint="csv", page=line, received_at=received_at)
    if not count:
        raise _empty(file)
    progress(file.name, count, count)
    return count, reasons


def _empty(file: _File) -> SourceContractError:
    return SourceContractError(
        f"{file.label}: no rows for {file.name}",
        where=str(file.item.file.parent),
        next_step="make the export again; an empty file is taken for a failed export, not for an empty company",
    )


def _positions(file: _File, header: list[str]) -> dict[str, int]:
    """Where each mapped column stands."""
    names = [name.strip() for name in header]
    positions: dict[str, int] = {}
    for ours, column in file.item.columns.items():
        found = [index for index, name in enumerate(names) if name == column.column]
        if len(found) == 1:
            positions[ours] = found[0]
            continue
        listed = ", ".join(names[:30])
        if found:
            raise SourceContractError(
                f"{file.label}: the column {column.column} is there {len(found)} times",
                next_step="rename one of them in the export",
            )
        near = difflib.get_close_matches(column.column, names, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]}?" if near else ""
        other = next((mark for mark in ";\t|," if mark != file.source.delimiter and mark in names[0]), None)
        if len(names) == 1 and other:
            hint = f"; the file seems to be separated by {other!r}, set delimiter: in the config"
        raise SourceContractError(
            f"{file.label} has no column {column.column}, which {file.name}.columns.{ours} names "
            f"(columns found: {listed}){hint}",
            next_step="correct the mapping in the config, or export that column",
        )
    return positions


def _guard(file: _File, state: SourceState, rows: int, reasons: Counter[str], notes: list[str]) -> None:
    rejected = sum(reasons.values())
    if rejected:
        worst = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
        told = f"{file.label}: {rejected:,} of {rows:,} rows can't be used ({worst})"
        if rejected > file.source.max_reject_share * rows:
            raise SourceContractError(
                f"{told}, more than max_reject_share {file.source.max_reject_share:g}",
                next_step="correct the format or the time zone of that column in the config, or the export itself",
            )
        notes.append(told)
    held = len(state.live_ids.get(file.name, frozenset()))
    shrink_guard(f"{file.name} ({file.label})", held, rows, accepted=state.accept_shrink)


# --- values ---


class _FieldError(_BrokenError):
    """A broken cell and the field that it was meant for."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(reason)


def _value(ours: str, column: CsvColumn, text: str, file: _File) -> str | None:
    """A cell as ours; an empty cell is nothing, which is not the same as the word unknown."""
    if not text:
        if ours in CSV_REQUIRED[file.name]:
            raise _FieldError(ours, "empty")
        return None
    try:
        if ours in CSV_MOMENTS:
            return moment(text, column.format, column.timezone or file.source.timezone, file.exported_at)
        if ours in NUMBERS:
            return _number(text)
        if ours == "active":
            text = YES_NO.get(text.lower(), text)
        if ours in VALUES:
            return _one_of(text.lower(), VALUES[ours])
        if ours == "currency" and not re.fullmatch(r"[A-Za-z]{3}", text):
            raise _BrokenError("not a three-letter currency")
    except _BrokenError as error:
        raise _FieldError(ours, str(error)) from None
    return text.upper() if ours == "currency" else text


def _pseudonyms(ours: str, text: str, key: bytes) -> dict[str, str | None]:
    """What is landed of an address or a domain; text without an @ is no address, and its domain none."""
    if ours == "company_domain":
        return {"domain_key": domain_key(key, text)}
    is_address = "@" in text
    return {
        "email_key": email_key(key, text) if is_address else None,
        "email_domain_key": domain_key(key, text) if is_address else None,
    }


def moment(text: str, form: str | None, zone: str, exported_at: datetime) -> str:
    """A cell as UTC text with a Z, or as a bare date if it holds no time."""
    parsed: datetime | date
    try:
        if form is not None:
            parsed = found = datetime.strptime(text, form)
            if not re.search("%[HIMSXcTsfp]", form):
                parsed = found.date()
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            parsed = date.fromisoformat(text)
        else:
            parsed = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise _BrokenError(
            f"not a moment in the form {form}" if form else "not a date or moment (ISO 8601)"
        ) from None
    day = parsed.date() if isinstance(parsed, datetime) else parsed
    if day.year < 1970 or day > (exported_at + timedelta(days=2)).date():
        raise _BrokenError("before 1970 or after the export was made")
    if not isinstance(parsed, datetime):
        return parsed.isoformat()
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=ZoneInfo(zone))
    return parsed.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _number(text: str) -> str:
    if not NUMBER.fullmatch(text):
        raise _BrokenError("not a number with a decimal point")
    return text


def _one_of(text: str, allowed: Mapping[str, str] | tuple[str, ...]) -> str:
    if text not in allowed:
        raise _BrokenError(f"not one of {', '.join(allowed)}")
    return text
