"""One run of one home: its id, its start, and where everything of it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

RUN_ID = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True)
class Run:
    """A night's work: the id that names its files, and the paths of its home."""

    run_id: str
    started_at: datetime
    home: Path

    @property
    def config_dir(self) -> Path:
        """What the company edits."""
        return self.home / "config"

    @property
    def data_dir(self) -> Path:
        """Private working data (0700)."""
        return self.home / "data"

    @property
    def landing_dir(self) -> Path:
        """Write-once files, one record a line, as received."""
        return self.data_dir / "landing"

    @property
    def raw_path(self) -> Path:
        """The newest state per id of every source (0600)."""
        return self.data_dir / "raw.duckdb"

    @property
    def candidate_path(self) -> Path:
        """Where dbt builds, before anything is published (0600)."""
        return self.data_dir / "candidate.duckdb"

    @property
    def people_path(self) -> Path:
        """Names of reps, apart from every mart (0600)."""
        return self.data_dir / "people.duckdb"

    @property
    def pseudonym_key_path(self) -> Path:
        """The key that turns a rep's id into a pseudonym (0600)."""
        return self.data_dir / "pseudonym.key"

    def token_path(self, source: str) -> Path:
        """Where a source keeps what it must remember of its access beyond this run (0600)."""
        return self.data_dir / "tokens" / f"{source}.json"

    @property
    def releases_dir(self) -> Path:
        """One directory a publication."""
        return self.home / "releases"

    @property
    def release_dir(self) -> Path:
        """This run's publication."""
        return self.releases_dir / self.run_id

    @property
    def published_link(self) -> Path:
        """The symlink that readers follow."""
        return self.home / "published"

    @property
    def status_path(self) -> Path:
        """What happened last, in words."""
        return self.home / "status.json"


def new_run(home: Path, now: datetime) -> Run:
    """A run whose id is greater than any this home has seen, so that publications only grow.

    A clock that stepped back would give an old id; it is bumped by a second until it is the greatest.
    """
    started_at = now.astimezone(UTC).replace(microsecond=0)
    last = max(_ids_seen(home), default="")
    moment = started_at
    if last and _format(moment) <= last:
        moment = datetime.strptime(last, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + timedelta(seconds=1)
    return Run(run_id=_format(moment), started_at=started_at, home=home)


def _format(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _ids_seen(home: Path) -> list[str]:
    names = [path.name for path in (home / "releases").glob("*")]
    names += [path.name.split(".")[0] for path in (home / "data" / "landing").glob("*/*.manifest.json")]
    names += [path.name.split(".")[0] for path in (home / "data" / "landing").glob("*/*/*.ndjson.zst")]
    return [name for name in names if RUN_ID.fullmatch(name)]
