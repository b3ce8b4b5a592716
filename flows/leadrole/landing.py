"""Write-once files of what came, one record a line, and the manifest that lists them.

    landing/<source>/<object>/<run_id>.ndjson.zst    lines {run_id, endpoint, window, received_at, page, record}
    landing/<source>/<run_id>.manifest.json          files with rows and sha256, and what the run knows of itself

A file is written under landing/<source>/.partial, fsynced and renamed; the manifest comes last. So a manifest
that is there lists only whole files, and a run that was killed leaves nothing that anyone reads.

A read of everything may take hours. Each of its pages ends a zstd frame, and a line in .partial/progress.ndjson
says how far each list and each file was then: the next run cuts the files there and goes on.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from leadrole.errors import AuthError, LeadroleError, SourceUnavailableError, StorageError
from leadrole.privacy import private_files

FORMAT = 1
SUFFIX = ".ndjson.zst"
PARTIAL = ".partial"
BEGUN = "begun.json"
PROGRESS = "progress.ndjson"
# Past this, what a CRM still tells of deleted records no longer reaches back to where the read began.
PARTIAL_KEPT = timedelta(days=14)
NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")
# NUL can't live in most SQL text types; a lone surrogate can't be written as UTF-8 at all.
REPLACEMENT = "\ufffd"
NUL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True)
class LandedFile:
    """One file of one run, as the manifest lists it."""

    object: str
    path: str  # relative to the landing directory, so that a home can be moved
    rows: int
    sha256: str


@dataclass(frozen=True)
class Coverage:
    """How far the run's copy of one object reaches."""

    object: str
    is_available: bool
    covers_until: datetime | None


@dataclass(frozen=True)
class Manifest:
    """What one run landed from one source: enough to load it again in another year."""

    run_id: str
    source: str
    kind: str
    started_at: datetime
    high_water: datetime
    is_full: bool
    files: tuple[LandedFile, ...]
    closed_until: Mapping[str, datetime] = field(default_factory=dict)
    crm_totals: Mapping[str, int] = field(default_factory=dict)  # what the source says it holds
    walked: tuple[str, ...] = ()  # objects whose complete list of ids was landed as <object>_ids
    coverage: tuple[Coverage, ...] = ()
    rows_read: Mapping[str, int] = field(default_factory=dict)  # of a CSV, rejected rows included
    calls: int = 0
    budget: Mapping[str, int | None] = field(default_factory=dict)  # calls, needed, spent, allowance
    notes: tuple[str, ...] = ()
    accept_shrink: bool = False  # a person said that most records were removed on purpose

    @property
    def rows(self) -> int:
        """How many lines the run landed."""
        return sum(item.rows for item in self.files)

    def file(self, name: str) -> LandedFile | None:
        """The file of one object, if the run landed any."""
        return next((item for item in self.files if item.object == name), None)


@dataclass(frozen=True)
class Reached:
    """How far a list was read: `following` is where it goes on, None and done at its end."""

    following: str | None
    is_done: bool


class ObjectWriter:
    """One landing file in the making; memory stays flat however many records come."""

    def __init__(self, path: Path, *, name: str, run_id: str, size: int = 0, rows: int = 0) -> None:
        self.name = name
        self.path = path
        self.rows = rows
        self._run_id = run_id
        try:
            with private_files():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (0 if size else os.O_TRUNC)
                self._file = os.fdopen(os.open(path, flags, 0o600), "r+b" if size else "wb")
                self._file.truncate(size)
                self._file.seek(size)
        except OSError as error:
            raise _storage(error, path) from None
        self._is_dirty = False
        self._packer = zstandard.ZstdCompressor(level=3).stream_writer(self._file, closefd=False)

    def write(
        self,
        record: Mapping[str, Any],
        *,
        endpoint: str,
        page: int,
        received_at: datetime,
        window: str | None = None,
    ) -> None:
        """Append one record in its envelope."""
        envelope = {
            "run_id": self._run_id,
            "endpoint": endpoint,
            "window": window,
            "received_at": moment_text(received_at),
            "page": page,
            "record": record,
        }
        try:
            self._packer.write(encode_line(envelope))
        except OSError as error:
            raise _storage(error, self.path) from None
        self._is_dirty = True
        self.rows += 1

    def end_frame(self) -> int:
        """Make what was written readable on its own; gives the size of the file."""
        try:
            if self._is_dirty:
                self._packer.flush(zstandard.FLUSH_FRAME)
                self._is_dirty = False
            self._file.flush()
            return self._file.tell()
        except OSError as error:
            raise _storage(error, self.path) from None

    def close(self, landing_dir: Path, target: Path) -> LandedFile:
        """Make the file whole and durable, then give it its name."""
        try:
            self._packer.close()  # type: ignore[no-untyped-call]
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            digest = file_hash(self.path)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.replace(self.path, target)
            fsync_directory(target.parent)
        except OSError as error:
            raise _storage(error, target) from None
        return LandedFile(self.name, str(target.relative_to(landing_dir)), self.rows, digest)

    def abandon(self) -> None:
        """Let go of an unfinished file."""
        self._file.close()


class LandingWriter:
    """All landing files of one run of one source.

    Leaving it with an error leaves nothing, unless `keep_progress` said that the read may be gone on with.
    `shape` describes what is read: a broken-off read of another shape is dropped.
    """

    def __init__(self, landing_dir: Path, *, source: str, run_id: str, shape: str = "") -> None:
        self._landing_dir = landing_dir
        self._source = source
        self._run_id = run_id
        self._shape = hashlib.sha256(shape.encode()).hexdigest()
        self._directory = landing_dir / source / PARTIAL
        self._writers: dict[str, ObjectWriter] = {}
        self._pages: dict[str, int] = {}
        self._reached: dict[str, Reached] = {}
        self._closed = False
        self._keeps: bool | None = None  # not known before the CRM's clock is
        self.high_water: datetime | None = None
        self.is_resumed = False
        self._resume()

    def __enter__(self) -> LandingWriter:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._closed:
            return
        for writer in self._writers.values():
            writer.abandon()
        # After an outage or a kill the rest can follow. After anything else, what came is in doubt.
        can_follow = not isinstance(error, LeadroleError) or isinstance(
            error, SourceUnavailableError | AuthError
        )
        if not (self._keeps and can_follow):
            _remove_partial(self._directory)

    def object(self, name: str) -> ObjectWriter:
        """The file for the records of `name`, opened when first asked for."""
        if name not in self._writers:
            if not NAME.fullmatch(name):
                raise ValueError(f"not a name for a landing object: {name!r}")
            path = self._directory / f"{name}{SUFFIX}"
            self._writers[name] = ObjectWriter(path, name=name, run_id=self._run_id)
        return self._writers[name]

    def write(
        self,
        name: str,
        endpoint: str,
        rows: Iterable[Mapping[str, Any]],
        received_at: datetime,
        *,
        window: str | None = None,
    ) -> None:
        """Write one page; pages are numbered as they arrive, and a later page is newer."""
        writer = self.object(name)
        page = self._pages[name] = self._pages.get(name, 0) + 1
        for record in rows:
            writer.write(record, endpoint=endpoint, page=page, received_at=received_at, window=window)

    # --- a read that may be gone on with ---

    def keep_progress(self, high_water: datetime) -> None:
        """Let the read be gone on with by the next run, should this one break off."""
        self._keeps = True
        self.high_water = high_water
        if not self.is_resumed:
            begun = {"shape": self._shape, "run_id": self._run_id, "high_water": moment_text(high_water)}
            _write_durably(self._directory / BEGUN, json.dumps(begun) + "\n")

    def forget(self) -> None:
        """Do not go on with this read: it is short, or what it brought is not to be used."""
        self._keeps = False

    def reached(self, key: str) -> Reached | None:
        """How far the list `key` was read; None if it was not begun."""
        return self._reached.get(key)

    def mark(self, key: str, following: str | None) -> None:
        """Put down that everything of `key` up to `following` is landed; None says that the list is at its end."""
        self._reached[key] = Reached(following, following is None)
        if self._keeps is False:
            return
        files = {
            name: [writer.end_frame(), writer.rows, self._pages.get(name, 0)]
            for name, writer in self._writers.items()
        }
        line = json.dumps({"key": key, "following": following, "files": files}) + "\n"
        try:
            with private_files():
                self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
                with os.fdopen(os.open(self._directory / PROGRESS, flags, 0o600), "wb") as file:
                    file.write(line.encode())
        except OSError as error:
            raise _storage(error, self._directory / PROGRESS) from None

    def landed_ids(self, name: str) -> Iterator[str]:
        """The ids of live records that the part read before has in the file `name`; none if it is a new read."""
        if not self.is_resumed or name not in self._writers:
            return
        with self._writers[name].path.open("rb") as packed:
            for envelope in _lines(packed):
                if not envelope["record"].get("archived"):
                    yield str(envelope["record"]["id"])

    def _resume(self) -> None:
        """Take over what a broken-off read of the same shape left, or clear it away."""
        try:
            begun = json.loads((self._directory / BEGUN).read_text(encoding="utf-8"))
            lines = (self._directory / PROGRESS).read_text(encoding="utf-8").splitlines()
            high_water = _moment(begun["high_water"])
            is_ours = begun["shape"] == self._shape and datetime.now(UTC) - _started(begun) < PARTIAL_KEPT
        except (OSError, ValueError, KeyError, TypeError):
            is_ours, lines = False, []
        files: dict[str, list[int]] = {}
        for line in lines if is_ours else ():
            try:
                entry = json.loads(line)
            except ValueError:
                break  # the line that a kill cut short
            self._reached[entry["key"]] = Reached(entry["following"], entry["following"] is None)
            files = entry["files"]
        paths = {name: self._directory / f"{name}{SUFFIX}" for name in files if NAME.fullmatch(name)}
        is_whole = all(
            path.is_file() and path.stat().st_size >= files[name][0] for name, path in paths.items()
        )
        if not files or not is_whole:
            self._reached.clear()
            _remove_partial(self._directory)
            return
        for name, path in paths.items():
            size, rows, page = files[name]
            self._writers[name] = ObjectWriter(path, name=name, run_id=self._run_id, size=size, rows=rows)
            self._pages[name] = page
        self.high_water = high_water
        self.is_resumed = self._keeps = True

    def close(self) -> tuple[LandedFile, ...]:
        """Finish every file."""
        files = tuple(
            writer.close(
                self._landing_dir, self._landing_dir / self._source / name / f"{self._run_id}{SUFFIX}"
            )
            for name, writer in sorted(self._writers.items())
        )
        _remove_partial(self._directory)
        self._closed = True
        return files


def _started(begun: Mapping[str, str]) -> datetime:
    return datetime.strptime(begun["run_id"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _remove_partial(directory: Path) -> None:
    """The header first: without it the rest means nothing to anyone."""
    if not directory.is_dir() or directory.is_symlink():
        return
    (directory / BEGUN).unlink(missing_ok=True)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()


def _write_durably(target: Path, text: str) -> None:
    """A small file, whole or not at all."""
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        with private_files():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, target)
        fsync_directory(target.parent)
    except OSError as error:
        raise _storage(error, target) from None


def encode_line(value: Mapping[str, Any]) -> bytes:
    """One line of JSON as UTF-8, without the two kinds of text that a database can't keep."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "\\u0000" in text:
        text = NUL_ESCAPE.sub(lambda found: found[1] + REPLACEMENT, text)
    try:
        line = text.encode("utf-8")
    except UnicodeEncodeError:
        line = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")
    return line + b"\n"


def write_manifest(landing_dir: Path, manifest: Manifest) -> Path:
    """Write the manifest, which makes the run's files count."""
    target = manifest_path(landing_dir, manifest.source, manifest.run_id)
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, default=_plain, indent=1, sort_keys=True)
    _write_durably(target, text + "\n")
    return target


def manifest_path(landing_dir: Path, source: str, run_id: str) -> Path:
    """Where the manifest of one run of one source lies."""
    return landing_dir / source / f"{run_id}.manifest.json"


def manifests(landing_dir: Path, source: str | None = None) -> list[Manifest]:
    """Every manifest of a home (or of one source), oldest first: the order in which they are replayed."""
    found = landing_dir.glob(f"{source or '*'}/*.manifest.json")
    return sorted((read_manifest(path) for path in found), key=lambda item: (item.run_id, item.source))


def read_manifest(path: Path) -> Manifest:
    """The manifest at `path`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise StorageError(
                "this landing manifest was written by another version of leadrole",
                where=path.name,
                next_step="use the version that wrote it, or remove the run's landing files and read the source again",
            )
        return Manifest(
            run_id=content["run_id"],
            source=content["source"],
            kind=content["kind"],
            started_at=_moment(content["started_at"]),
            high_water=_moment(content["high_water"]),
            is_full=content["is_full"],
            files=tuple(LandedFile(**item) for item in content["files"]),
            closed_until={name: _moment(value) for name, value in content["closed_until"].items()},
            crm_totals=content["crm_totals"],
            walked=tuple(content["walked"]),
            coverage=tuple(
                Coverage(
                    item["object"],
                    item["is_available"],
                    _moment(item["covers_until"]) if item["covers_until"] else None,
                )
                for item in content["coverage"]
            ),
            rows_read=content["rows_read"],
            calls=content["calls"],
            budget=content.get("budget", {}),
            notes=tuple(content["notes"]),
            accept_shrink=content["accept_shrink"],
        )
    except LeadroleError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise StorageError(
            "a landing manifest can't be read", where=path.name, next_step=f"restore {path} from your backup"
        ) from None


def expire(landing_dir: Path, before: datetime) -> list[str]:
    """Remove runs that started before `before` and are not needed to build raw again; gives their ids.

    Needed is the last full run from before that moment, and everything after it: without a full run to start
    from, what is younger could not be replayed. A manifest goes before its files, so no manifest lists a file
    that is gone.
    """
    removed = []
    listed = manifests(landing_dir)
    for source in sorted({manifest.source for manifest in listed}):
        old = [item for item in listed if item.source == source and item.started_at < before]
        start = max((item.run_id for item in old if item.is_full), default="")
        for manifest in old:
            if manifest.run_id < start:
                manifest_path(landing_dir, source, manifest.run_id).unlink(missing_ok=True)
                for file in manifest.files:
                    path = landing_dir / file.path
                    if path.resolve().is_relative_to(landing_dir.resolve()):
                        path.unlink(missing_ok=True)
                removed.append(manifest.run_id)
    return removed


def verify(landing_dir: Path, file: LandedFile) -> Path:
    """The path of a landed file, after making sure that it is the file that was landed."""
    path = landing_dir / file.path
    restore = f"restore {path} from your backup, or remove this run's manifest and read the source again"
    if not path.resolve().is_relative_to(landing_dir.resolve()):
        raise StorageError("a manifest lists a file outside landing", where=file.path, next_step=restore)
    try:
        digest = file_hash(path)
    except OSError as error:
        raise StorageError(
            f"a landed file can't be read: {error.strerror}", where=file.path, next_step=restore
        ) from None
    if digest != file.sha256:
        raise StorageError(
            "a landed file was changed since it was written", where=file.path, next_step=restore
        )
    return path


def read(landing_dir: Path, file: LandedFile) -> Iterator[dict[str, Any]]:
    """The envelopes of a landed file, verified first."""
    path = verify(landing_dir, file)
    with path.open("rb") as packed:
        yield from _lines(packed)


def _lines(packed: BinaryIO) -> Iterator[dict[str, Any]]:
    with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as unpacked:
        for line in io.TextIOWrapper(unpacked, encoding="utf-8", newline="\n"):
            yield json.loads(line)


def file_hash(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync_directory(path: Path) -> None:
    """Make a rename inside `path` survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def moment_text(moment: datetime) -> str:
    """A moment as UTC text with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return moment_text(value)
    raise TypeError(type(value).__name__)


def _storage(error: OSError, path: Path) -> StorageError:
    return StorageError(
        f"can't write: {error.strerror}",
        where=path.name,
        next_step="make room on the disk or the directory writable, then run again; nothing was published",
    )
