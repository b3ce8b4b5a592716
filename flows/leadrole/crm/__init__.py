"""Read a source into landing: one function for every kind of source; no database in here."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from datetime import UTC, datetime

from leadrole.crm.spec import PageProgress, SourceState, no_progress
from leadrole.landing import Manifest
from leadrole.run import Run
from leadrole.settings import ApiSource, CsvSource, SourceSettings

__all__ = ["Manifest", "PageProgress", "SourceState", "extract", "no_progress"]


def _now() -> datetime:
    return datetime.now(UTC)


def extract(
    source: SourceSettings,
    state: SourceState,
    run: Run,
    progress: PageProgress = no_progress,
    *,
    clock: Callable[[], datetime] = _now,
    sleep: Callable[[float], None] = time.sleep,
) -> Manifest:
    """Land what is new in `source` since `state`, and write the manifest; it is complete or it raises."""
    if isinstance(source, ApiSource):
        # A kind is the name of its package, so that a night imports the CRMs it has and no other.
        connector = importlib.import_module(f"leadrole.crm.{source.kind}")
        manifest: Manifest = connector.extract(source, state, run, progress, clock=clock, sleep=sleep)
        return manifest
    if isinstance(source, CsvSource):
        from leadrole.crm import csv

        return csv.extract(source, state, run, progress, clock=clock)
    raise TypeError(f"no connector for {type(source).__name__}")
