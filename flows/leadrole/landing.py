"""Write-once files of what came, one record a line, and the manifest that lists them.

    landing/<source>/<object>/<run_id>.ndjson.zst    lines {run_id, endpoint, window, received_at, page, record}
    landing/<source>/<run_id>.manifest.json          files with rows and sha256, and what the run knows of itself

A file is written under landing/<source>/.partial, fsynced and renamed; the manifest comes last. So a manifest
that is there lists only whole files, and a run that was killed leaves nothing that anyone reads.

A read of everything may take hours. Each of its pages ends a zstd frame, and a line in .partial/progress.ndjson
says how far each list and each file was then: the next run cuts the files there and goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import zstandard

from leadrole.errors import AuthError, LeadroleError, SourceUnavailableError, StorageError
from leadrole.privacy import private_files

FORMAT = 1
SUFFIX = ".ndjson.zst"
PARTIAL = ".partial"
BEGUN = "begun.json"
PROGRESS = "progress.ndjson"
PROGRESS_FORMAT = 2
# Past this, what a CRM still tells of deleted records no longer reaches back to where the read began.
PARTIAL_KEPT = timedelta(days=14)
BLOCK_BYTES = 64 * 1024
WAITING_TASKS = 4
NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")
# NUL can't live in most SQL text types; a lone surrogate can't be written as UTF-8 at all.
REPLACEMENT = "\ufffd".encode()
ENCODER = msgspec.json.Encoder()
NUL_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True)
class LandedFile:
    """One file of one run, as the manifest lists it."""

    object: str
    path: str  # relative to the landing directory, so that a home can be moved
    rows: int
    sha256: str
    longest: int = 0  # no line has more bytes; 0: not known


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
    # needed: calls that the same rows need at the vendor's largest pages, without one retry; spent: calls, or tokens
    # where the vendor counts those; allowance: of the vendor, a day, None if it is not known.
    budget: Mapping[str, int | None] = field(default_factory=dict)
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


class Helper:
    """A thread that does what it is given, one thing after the other, while we go on reading.

    Packing and writing need no Python, so they cost the reading nothing. What fails there fails here, at the
    next thing that is given or at the end; nothing after it is done.
    """

    def __init__(self) -> None:
        self._tasks: queue.Queue[tuple[Callable[[], object], threading.Event] | None] = queue.Queue(
            maxsize=WAITING_TASKS
        )
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def do(self, task: Callable[[], object]) -> threading.Event:
        """Have `task` done after everything that was given before; gives what is set when it is."""
        if self._error is not None:
            raise self._error
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="landing", daemon=True)
            self._thread.start()
        done = threading.Event()
        self._tasks.put((task, done))
        return done

    def finish(self) -> None:
        """Wait until all is done."""
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join()
            self._thread = None
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (given := self._tasks.get()) is not None:
            task, done = given
            try:
                if self._error is None:
                    task()
            except BaseException as error:
                self._error = error
            finally:
                done.set()


class ObjectWriter:
    """One landing file in the making; memory stays flat however many records come."""

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        run_id: str,
        helper: Helper,
        size: int = 0,
        rows: int = 0,
        longest: int = 0,
    ) -> None:
        self.name = name
        self.path = path
        self.rows = rows
        self.longest = longest  # of all pages, which no line in them can exceed
        self._run_id = run_id
        self._helper = helper
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        try:
            with private_files():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (0 if size else os.O_TRUNC)
                self._file = os.fdopen(os.open(path, flags, 0o600), "r+b" if size else "wb")
                self._file.truncate(size)
                self._file.seek(size)
        except OSError as error:
            raise _storage(error, path) from None
        self._size = size  # up to the end of the last whole frame
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
        self.write_page((record,), endpoint=endpoint, page=page, received_at=received_at, window=window)

    def write_page(
        self,
        records: Iterable[Mapping[str, Any]],
        *,
        endpoint: str,
        page: int,
        received_at: datetime,
        window: str | None = None,
    ) -> None:
        """Append one page of records, each in its envelope, which is the same for all of them."""
        envelope = {
            "run_id": self._run_id,
            "endpoint": endpoint,
            "window": window,
            "received_at": moment_text(received_at),
            "page": page,
        }
        rows = list(records)
        if not rows:
            return
        opening = encode(envelope)[:-1] + b',"record":'
        lines = opening + encode_lines(rows)[:-1].replace(b"\n", b"}\n" + opening) + b"}\n"
        self.rows += len(rows)
        self.longest = max(self.longest, len(lines))
        self._waiting.append(lines)
        self._waiting_bytes += len(lines)
        if self._waiting_bytes >= BLOCK_BYTES:
            self.hand_over()

    def hand_over(self) -> None:
        """Have what was written packed."""
        if self._waiting:
            self._helper.do(partial(self._pack, b"".join(self._waiting)))
            self._waiting.clear()
            self._waiting_bytes = 0

    def _pack(self, lines: bytes) -> None:
        try:
            self._packer.write(lines)
        except OSError as error:
            raise _storage(error, self.path) from None
        self._is_dirty = True

    def end_frame(self) -> int:
        """Make what was packed readable on its own; gives the size of the file."""
        if not self._is_dirty:
            return self._size
        try:
            self._packer.flush(zstandard.FLUSH_FRAME)
            self._file.flush()
            self._size = self._file.tell()
        except OSError as error:
            raise _storage(error, self.path) from None
        self._is_dirty = False
        return self._size

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
        return LandedFile(self.name, str(target.relative_to(landing_dir)), self.rows, digest, self.longest)

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
        self._shape = hashlib.sha256(f"{PROGRESS_FORMAT} {shape}".encode()).hexdigest()
        self._directory = landing_dir / source / PARTIAL
        self._writers: dict[str, ObjectWriter] = {}
        self._pages: dict[str, int] = {}
        self._reached: dict[str, Reached] = {}
        self._closed = False
        self._helper = Helper()
        self._progress: int | None = None  # the open file
        self._last_mark = threading.Event()
        self._last_mark.set()
        self._keeps: bool | None = None  # not known before the CRM's clock is
        self.high_water: datetime | None = None
        self.is_resumed = False
        self._resume()

    def __enter__(self) -> LandingWriter:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._closed:
            return
        with contextlib.suppress(Exception):  # the read ends with the error that it has
            self._helper.finish()
        self._end_progress()
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
            self._writers[name] = ObjectWriter(path, name=name, run_id=self._run_id, helper=self._helper)
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
        writer.write_page(rows, endpoint=endpoint, page=page, received_at=received_at, window=window)

    # --- a read that may be gone on with ---

    def keep_progress(self, high_water: datetime) -> None:
        """Let the read be gone on with by the next run, should this one break off."""
        self._keeps = True
        self.high_water = high_water
        if not self.is_resumed:
            begun = {"shape": self._shape, "run_id": self._run_id, "high_water": moment_text(high_water)}
            _write(self._directory / BEGUN, json.dumps(begun) + "\n")

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
        # A kill may cost the page that is being put down, and none before it.
        self._last_mark.wait()
        reached = []
        for name, writer in self._writers.items():
            writer.hand_over()
            reached.append((writer, [writer.rows, self._pages.get(name, 0), writer.longest]))
        self._last_mark = self._helper.do(partial(self._put_down, key, following, reached))

    def _put_down(
        self, key: str, following: str | None, reached: Sequence[tuple[ObjectWriter, list[int]]]
    ) -> None:
        """A line of progress, after all that it tells of is in the files."""
        files = {writer.name: [writer.end_frame(), *counted] for writer, counted in reached}
        line = ENCODER.encode({"key": key, "following": following, "files": files}) + b"\n"
        try:
            if self._progress is None:
                with private_files():
                    self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
                    self._progress = os.open(self._directory / PROGRESS, flags, 0o600)
            os.write(self._progress, line)
        except OSError as error:
            raise _storage(error, self._directory / PROGRESS) from None

    def _end_progress(self) -> None:
        if self._progress is not None:
            os.close(self._progress)
            self._progress = None

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
            age = _started(self._run_id) - _started(begun["run_id"])
            is_ours = begun["shape"] == self._shape and age < PARTIAL_KEPT
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
            size, rows, page, longest = files[name]
            self._writers[name] = ObjectWriter(
                path,
                name=name,
                run_id=self._run_id,
                helper=self._helper,
                size=size,
                rows=rows,
                longest=longest,
            )
            self._pages[name] = page
        self.high_water = high_water
        self.is_resumed = self._keeps = True

    def close(self) -> tuple[LandedFile, ...]:
        """Finish every file."""
        for writer in self._writers.values():
            writer.hand_over()
        self._helper.finish()
        self._end_progress()
        files = tuple(
            writer.close(
                self._landing_dir, self._landing_dir / self._source / name / f"{self._run_id}{SUFFIX}"
            )
            for name, writer in sorted(self._writers.items())
        )
        _remove_partial(self._directory)
        self._closed = True
        return files


def _started(run_id: str) -> datetime:
    return datetime.strptime(run_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _remove_partial(directory: Path) -> None:
    """The header first: without it the rest means nothing to anyone."""
    if not directory.is_dir() or directory.is_symlink():
        return
    (directory / BEGUN).unlink(missing_ok=True)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()


def write_durably(target: Path, text: str) -> None:
    """A small private file (0600), whole and on the disk when this returns; raises OSError."""
    temporary = target.with_name(f".{target.name}.tmp")
    with private_files():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    os.replace(temporary, target)
    fsync_directory(target.parent)


def _write(target: Path, text: str) -> None:
    try:
        write_durably(target, text)
    except OSError as error:
        raise _storage(error, target) from None


def encode_lines(values: Sequence[Mapping[str, Any]]) -> bytes:
    """Each value as `encode` gives it, and a line end after it."""
    try:
        lines = ENCODER.encode_lines(values)
    except UnicodeEncodeError:
        return b"".join(encode(value) + b"\n" for value in values)
    return _kept(lines)


def encode(value: Mapping[str, Any]) -> bytes:
    """JSON as UTF-8 on one line, without the two kinds of text that a database can't keep."""
    try:
        line = ENCODER.encode(value)
    except UnicodeEncodeError:  # half a surrogate pair
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        line = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")
    return _kept(line)


def _kept(text: bytes) -> bytes:
    # One byte is looked for far faster than six.
    return NUL_ESCAPE.sub(_without_nul, text) if b"\\" in text and b"\\u0000" in text else text


def _without_nul(found: re.Match[bytes]) -> bytes:
    return found[1] + REPLACEMENT


def write_manifest(landing_dir: Path, manifest: Manifest) -> Path:
    """Write the manifest, which makes the run's files count."""
    target = manifest_path(landing_dir, manifest.source, manifest.run_id)
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, default=_plain, indent=1, sort_keys=True)
    _write(target, text + "\n")
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
