"""A small made-up company behind a real HTTP server, and its nights, for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from leadrole import settings as settings_module
from leadrole.night import NightResult, night
from leadrole.sandbox.population import Population
from leadrole.sandbox.server import Server
from leadrole.sandbox.truth import Truth, compute
from support.homes import COMPANY

ZONE = ZoneInfo("Europe/Amsterdam")
TOKEN = "sandbox-token-of-the-tests-0123456789"
START = date(2025, 5, 1)
FIRST_NIGHT = datetime(2026, 5, 5, 4, 0, tzinfo=ZONE)
SETTLE_SECONDS = 60

CONFIG = (
    COMPANY
    + """\
sources:
  - name: hubspot
    kind: hubspot
    base_url: {url}
    token_env: TEST_TOKEN
    rate_limit: {{per_10_seconds: 100000, search_per_second: 100000}}
    page_size: 37
    max_clock_skew_minutes: 5256000
lead_sources:
  ORGANIC_SEARCH: {{source: organic_search, motion: inbound}}
  OFFLINE: {{source: prospect_list, motion: outbound}}
{more}
"""
)


@dataclass
class Company:
    """A home, its CRM and the history from which the CRM answers."""

    home: Path
    server: Server
    population: Population

    def write_config(self, more: str = "") -> None:
        """Write the config; ``more`` is YAML at the top level."""
        path = self.home / "config" / "leadrole.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIG.format(url=self.server.base_url, more=more), encoding="utf-8")

    def settings(self, token: str = TOKEN) -> settings_module.Settings:
        """Load the config with this token in the environment."""
        return settings_module.load(self.home, env={"TEST_TOKEN": token})

    def night(self, **options: Any) -> NightResult:
        """Run one night without an orchestrator."""
        return night(self.settings(), **options)

    def as_of(self) -> datetime:
        """The cut of a night that runs at the server's present."""
        now = self.server.now.astimezone(UTC)
        return datetime.fromtimestamp(now.timestamp() - SETTLE_SECONDS, tz=UTC)

    def truth(self) -> Truth:
        """The true figures at the cut, from the event log."""
        return compute(self.population, self.as_of())

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of the current publication."""
        return published_rows(self.home, query)


def published_rows(home: Path, query: str) -> list[dict[str, Any]]:
    """Rows of the publication that stands in this home."""
    with duckdb.connect(str(home / "published" / "leadrole.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
