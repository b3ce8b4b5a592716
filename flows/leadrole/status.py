"""``status.json``: what the last run did, in words, for people and for monitors."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

PUBLISHED = "published"
FAILED = "failed"
RUNNING = "running"
NOTHING_NEW = "nothing_new"


@dataclass(frozen=True)
class Status:
    """The state of the last run and of the publication that readers see. Times are UTC ISO text."""

    state: str
    exit_code: int | None
    run_id: str
    started_at: str
    finished_at: str | None
    message: str
    where: str | None = None
    next_step: str | None = None
    publish_id: str | None = None
    as_of: str | None = None
    valid_until: str | None = None

    def is_stale(self, now: datetime) -> bool:
        """Whether the publication that readers see is older than it promised to be."""
        return self.valid_until is not None and datetime.fromisoformat(self.valid_until) < now


def write(path: Path, status: Status) -> None:
    """Replace ``status.json`` in one step."""
    temporary = path.with_name(f".{path.name}.{status.run_id}")
    temporary.write_text(json.dumps(asdict(status), indent=2) + "\n", encoding="utf-8")
    os.chmod(temporary, 0o640)
    os.replace(temporary, path)


def read(path: Path) -> Status | None:
    """The last run's status, or None before the first run."""
    try:
        return Status(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None


def utc_text(moment: datetime) -> str:
    """ISO text in UTC without fractions of a second."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()
