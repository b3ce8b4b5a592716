"""Write-once files of what came, one record a line, and the manifest that lists them.

    landing/<source>/<object>/<run_id>.ndjson.zst    lines {run_id, endpoint, window, received_at, page, record}
    landing/<source>/<run_id>.manifest.json          files with rows and sha256, and what the run knows of itself

A file is written under a temporary name, fsynced and renamed; the manifest comes last. So a manifest that is
there lists only whole files, and a run that was killed leaves nothing that anyone reads.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from leadrole.errors import LeadroleError, StorageError
from leadrole.privacy import private_files

FORMAT = 1
SUFFIX = ".ndjson.zst"
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
    notes: tuple[str, ...] = ()
    accept_shrink: bool = False  # a person said that most records were removed on purpose

    @property
    def rows(self) -> int:
        """How many lines the run landed."""
        return sum(item.rows for item in self.files)

    def file(self, name: str) -> LandedFile | None:
        """The file of one object, if the run landed any."""
        return next((item for item in self.files if item.object == name), None)


class ObjectWriter:
    """One landing file in the making; memory stays flat however many records come."""

    def __init__(self, target: Path, *, name: str, run_id: str) -> None:
        self.name = name
        self.rows = 0
        self._run_id = run_id
        self._target = target
        self._temporary = target.with_name(f".{run_id}{SUFFIX}.tmp")
        try:
            with private_files():
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
                self._file = os.fdopen(os.open(self._temporary, flags, 0o600), "wb")
        except OSError as error:
            raise _storage(error, self._temporary) from None
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
            raise _storage(error, self._temporary) from None
        self.rows += 1

    def close(self, landing_dir: Path) -> LandedFile:
        """Make the file whole and durable, then give it its name."""
        try:
            self._packer.close()  # type: ignore[no-untyped-call]
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            digest = file_hash(self._temporary)
            os.replace(self._temporary, self._target)
            fsync_directory(self._target.parent)
        except OSError as error:
            raise _storage(error, self._target) from None
        return LandedFile(self.name, str(self._target.relative_to(landing_dir)), self.rows, digest)

    def discard(self) -> None:
        """Drop an unfinished file."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)


class LandingWriter:
    """All landing files of one run of one source; leaving it with an error leaves no file behind."""

    def __init__(self, landing_dir: Path, *, source: str, run_id: str) -> None:
        self._landing_dir = landing_dir
        self._source = source
        self._run_id = run_id
        self._writers: dict[str, ObjectWriter] = {}
        self._closed = False

    def __enter__(self) -> LandingWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._closed:
            for writer in self._writers.values():
                writer.discard()

    def object(self, name: str) -> ObjectWriter:
        """The file for the records of `name`, opened when first asked for."""
        if name not in self._writers:
            if not NAME.fullmatch(name):
                raise ValueError(f"not a name for a landing object: {name!r}")
            target = self._landing_dir / self._source / name / f"{self._run_id}{SUFFIX}"
            self._writers[name] = ObjectWriter(target, name=name, run_id=self._run_id)
        return self._writers[name]

    def close(self) -> tuple[LandedFile, ...]:
        """Finish every file."""
        files = tuple(writer.close(self._landing_dir) for _, writer in sorted(self._writers.items()))
        self._closed = True
        return files


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
    temporary = target.with_name(f".{target.name}.tmp")
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, default=_plain, indent=1, sort_keys=True)
    try:
        with private_files():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, target)
        fsync_directory(target.parent)
    except OSError as error:
        raise _storage(error, target) from None
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
    with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as unpacked:
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
