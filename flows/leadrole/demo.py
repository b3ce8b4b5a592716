"""The demo: a made-up Dutch company of five sellers, its CRM on this machine, and a clock that moves on."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from leadrole import paths
from leadrole import settings as settings_module
from leadrole.errors import StorageError

SEED = 20261124
START = date(2025, 5, 1)
MONTHS = 18
_ZONE = ZoneInfo("Europe/Amsterdam")
# The first night is the one after eighteen whole months of history, at the hour a nightly run would start.
FIRST_NIGHT = datetime(2026, 11, 3, 4, 0, tzinfo=_ZONE)
_LAST_NIGHT = FIRST_NIGHT + timedelta(days=56)
_MORE_NIGHTS = 2
_TOKEN_ENV = "LEADROLE_DEMO_TOKEN"
_URL_MARK = "__BASE_URL__"


def run(home: Path, *, nights: int | None, console: Console, night: Callable[[Any], Any]) -> None:
    """Run the next nights of the demo company: one at first, two each time after that, or ``nights``."""
    from leadrole.sandbox.population import Population
    from leadrole.sandbox.server import serve

    state_path = home / "sandbox.json"
    last = _last_night(state_path)
    coming = [
        (last + timedelta(days=day) if last else FIRST_NIGHT + timedelta(days=day - 1))
        for day in range(1, (nights or (_MORE_NIGHTS if last else 1)) + 1)
    ]
    if coming[-1] > _LAST_NIGHT:
        raise StorageError(
            f"the demo company's story ends on {_LAST_NIGHT:%d %B %Y}",
            where=str(home),
            next_step="start it anew with `leadrole demo --reset`",
        )
    token = secrets.token_hex(16)
    os.environ[_TOKEN_ENV] = token
    console.print(
        f"demo company in {home}: {len(coming)} night(s) from {coming[0]:%d %B %Y %H:%M}", highlight=False
    )
    population = Population(seed=SEED, start=START, months=MONTHS)
    with serve(population, now=coming[0], token=token) as sandbox:
        _write_config(home, sandbox.base_url)
        for moment in coming:
            sandbox.set_now(moment)
            console.rule(f"night of {moment:%A %d %B %Y}")
            night(settings_module.load(home))
            state_path.write_text(json.dumps({"seed": SEED, "last_night": moment.isoformat()}) + "\n")


def _last_night(state_path: Path) -> datetime | None:
    try:
        state = json.loads(state_path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return datetime.fromisoformat(state["last_night"]).astimezone(_ZONE)


def _write_config(home: Path, base_url: str) -> None:
    target = home / "config" / "leadrole.yml"
    target.parent.mkdir(parents=True, exist_ok=True)
    template = (paths.config() / "examples" / "demo.yml").read_text(encoding="utf-8")
    temporary = target.with_suffix(".new")
    temporary.write_text(template.replace(_URL_MARK, base_url), encoding="utf-8")
    shutil.move(temporary, target)
