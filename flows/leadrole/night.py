"""One night, step by step: extract > load > build > check > publish. Plain functions, no orchestrator.

``nightly.py`` runs the same steps as Prefect tasks by handing in another ``call``.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from leadrole import __version__, check, crm, landing, load, publish, status
from leadrole import build as build_step
from leadrole.errors import InternalError, LeadroleError, NothingNew
from leadrole.events import Silent, Watcher
from leadrole.lock import single_run
from leadrole.run import Run, new_run
from leadrole.settings import Settings, SourceSettings

Result = TypeVar("Result")

# What a shell reports of a process that Ctrl+C ended.
_INTERRUPTED = 130


class Caller(Protocol):
    """Runs one named step; an orchestrator's version records it as a task and may try it again."""

    def __call__(self, name: str, step: Callable[[], Result]) -> Result:
        """Run the step and answer what it answers."""


def directly(name: str, step: Callable[[], Result]) -> Result:
    """Run a step without an orchestrator."""
    return step()


@dataclass(frozen=True)
class NightResult:
    """What a night did: the publication, rows by object, and seconds by step."""

    publication: publish.Publication
    previous: publish.Publication | None
    seconds: Mapping[str, float]


class _Stopwatch:
    """Times steps and tells the watcher."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.seconds: dict[str, float] = {}

    def run(
        self,
        name: str,
        label: str,
        step: Callable[[], Result],
        facts: Callable[[Result], Mapping[str, int | str]],
    ) -> Result:
        self._watcher.started(name, label)
        began = time.perf_counter()
        result = step()
        self.seconds[name] = time.perf_counter() - began
        self._watcher.finished(name, self.seconds[name], facts(result))
        return result


def night(
    settings: Settings,
    *,
    watcher: Watcher | None = None,
    call: Caller = directly,
    language: str | None = None,
    force: bool = False,
    accept_shrink: bool = False,
) -> NightResult:
    """Run one night for one company and leave its outcome in ``status.json``.

    Raises the ``LeadroleError`` that ended the night; its ``exit_code`` is the process's. ``NothingNew``
    (exit 10) means that nothing changed since the last publication of the same local day. ``force`` publishes
    all the same. ``accept_shrink`` says that a person removed most records on purpose.
    """
    os.umask(0o077)
    with single_run(settings.home / "data"):
        run = new_run(settings.home, datetime.now(UTC))
        previous = publish.current(settings.home)
        _tell(run, status.RUNNING, previous, None, "a run is under way")
        try:
            result = _steps(
                settings, run, previous, watcher or Silent(), call, language, force, accept_shrink
            )
        except NothingNew as nothing:
            _tell(run, status.NOTHING_NEW, previous, nothing, nothing.message)
            raise
        except LeadroleError as error:
            _tell(run, status.FAILED, previous, error, error.message)
            raise
        except (KeyboardInterrupt, SystemExit) as stopped:
            code = stopped.code if isinstance(stopped, SystemExit) else _INTERRUPTED
            message = "the run was stopped; the last publication is untouched"
            _tell(
                run, status.FAILED, previous, None, message, exit_code=code if isinstance(code, int) else None
            )
            raise
        except Exception as error:
            wrapped = InternalError(
                f"an unforeseen {type(error).__name__}",
                where=_where(error),
                next_step="run again with -v to see where, and report it; the last publication is untouched",
            )
            _tell(run, status.FAILED, previous, wrapped, wrapped.message)
            raise wrapped from error
        _tell(run, status.PUBLISHED, result.publication, None, "published", exit_code=0)
        return result


def _steps(
    settings: Settings,
    run: Run,
    previous: publish.Publication | None,
    watcher: Watcher,
    call: Caller,
    language: str | None,
    force: bool,
    accept_shrink: bool,
) -> NightResult:
    watch = _Stopwatch(watcher)
    for warning in settings.warnings:
        watcher.noted(warning)
    load.ensure_raw(run.raw_path)
    changed = sum(
        _pull(source, run, watch, watcher, call, accept_shrink=accept_shrink) for source in settings.sources
    )
    as_of, data_through = load.as_of(run, settings)
    config_sha256 = _config_hash(settings)
    if not changed and not force and _is_fresh(previous, as_of, config_sha256, settings.company.timezone):
        raise NothingNew(
            f"nothing changed in the CRM since publication {previous.publish_id if previous else ''}",
            next_step="nothing to do; --force publishes all the same",
        )
    # Loading Great Expectations takes seconds of one core while dbt works in a process of its own.
    threading.Thread(target=check.warm_up, daemon=True).start()
    built = watch.run(
        "build",
        "dbt: build the marts",
        lambda: call(
            "build",
            lambda: build_step.build(
                settings,
                run,
                as_of=as_of,
                data_through=data_through,
                progress=lambda done, total, node: watcher.advanced("build", done, total, node),
            ),
        ),
        lambda result: {"models": result.models, "tests": result.tests, "mart rows": result.mart_rows},
    )
    checked = watch.run(
        "check",
        "Great Expectations: check",
        lambda: call(
            "check",
            lambda: check.check(
                run,
                dbt_tests=built.tests,
                as_of=as_of,
                source_kinds=[source.kind for source in settings.sources],
                progress=lambda done, total, suite: watcher.advanced("check", done, total, suite),
            ),
        ),
        lambda result: {"suites": result.suites, "checks": result.expectations},
    )

    valid_until = run.started_at + timedelta(hours=settings.publish.valid_hours)

    def render(database: Path, directory: Path) -> list[Path]:
        return watch.run(
            "report",
            "report",
            lambda: call(
                "report", lambda: render_report(settings, database, directory, language, valid_until)
            ),
            lambda pages: {"pages": len(pages)},
        )

    publication = watch.run(
        "publish",
        "publish",
        lambda: call(
            "publish",
            lambda: publish.publish(
                run,
                as_of=as_of,
                data_through=data_through,
                checks=publish.CheckSummary(checked.dbt_tests, checked.expectations),
                valid_until=valid_until,
                keep_releases=settings.retention.releases,
                config_sha256=config_sha256,
                render_report=render,
            ),
        ),
        lambda result: {"tables": len(result.row_counts), "rows": sum(result.row_counts.values())},
    )
    landing.expire(run.landing_dir, run.started_at - timedelta(days=settings.retention.raw_days))
    # The report is written inside the publication; its time is shown on its own line and counted once.
    watch.seconds["publish"] -= watch.seconds.get("report", 0.0)
    return NightResult(publication=publication, previous=previous, seconds=watch.seconds)


def _pull(
    source: SourceSettings,
    run: Run,
    watch: _Stopwatch,
    watcher: Watcher,
    call: Caller,
    *,
    accept_shrink: bool,
) -> int:
    """Extract one source into landing and load it into raw; answers how many rows changed."""
    extracting, loading = f"extract {source.name}", f"load {source.name}"

    def extract() -> crm.Manifest:
        return crm.extract(
            source,
            load.read_state(run, source, accept_shrink=accept_shrink),
            run,
            lambda name, rows, total: watcher.advanced(extracting, rows, total, name),
        )

    manifest = watch.run(
        extracting,
        f"{source.name}: extract",
        lambda: call(extracting, extract),
        _cost,
    )
    loaded = watch.run(
        loading,
        f"{source.name}: load",
        lambda: call(loading, lambda: load.load(run, source, manifest)),
        lambda result: {"changed": result.changed, "deleted": result.deleted, "rejected": result.rejected},
    )
    for note in loaded.notes:
        watcher.noted(note)
    return loaded.changed + loaded.deleted


def _cost(landed: crm.Manifest) -> dict[str, int | str]:
    """What the extraction brought, and what it cost the account."""
    facts: dict[str, int | str] = {"records": landed.rows, "calls": landed.calls}
    spent, allowance = landed.budget.get("spent"), landed.budget.get("allowance")
    if landed.budget.get("needed"):
        facts["calls at least"] = landed.budget["needed"] or 0
    if spent and allowance:
        facts["of the day's allowance"] = f"{spent / allowance:.2%}"
    return facts


def render_report(
    settings: Settings, database: Path, directory: Path, language: str | None, valid_until: datetime
) -> list[Path]:
    """Write the report of a published database in both languages, the asked one as ``index.html``."""
    from leadrole import report

    return report.render(
        database,
        directory,
        language=language or settings.company.language,
        company_name=settings.company.name,
        privacy_note=_privacy_note(settings),
        timezone=settings.company.timezone,
        valid_until=valid_until,
    )


def _privacy_note(settings: Settings) -> dict[str, Any] | None:
    if not settings.privacy.people_metrics:
        return None
    return settings.privacy.model_dump(mode="json", exclude={"people_metrics", "rep_names"})


def _is_fresh(
    previous: publish.Publication | None, as_of: datetime, config_sha256: str, timezone: str
) -> bool:
    if previous is None or previous.config_sha256 != config_sha256:
        return False
    zone = ZoneInfo(timezone)
    published = datetime.fromisoformat(previous.as_of).astimezone(zone).date()
    return previous.leadrole_version == __version__ and published == as_of.astimezone(zone).date()


def _config_hash(settings: Settings) -> str:
    digest = hashlib.sha256(settings.config_path.read_bytes())
    for seed in sorted((settings.home / "config" / "seeds").glob("*.csv")):
        digest.update(seed.read_bytes())
    return digest.hexdigest()


def _tell(
    run: Run,
    state: str,
    publication: publish.Publication | None,
    error: LeadroleError | None,
    message: str,
    *,
    exit_code: int | None = None,
) -> None:
    status.write(
        run.status_path,
        status.Status(
            state=state,
            exit_code=error.exit_code if error else exit_code,
            run_id=run.run_id,
            started_at=status.utc_text(run.started_at),
            finished_at=None if state == status.RUNNING else status.utc_text(datetime.now(UTC)),
            message=message,
            where=error.where if error else None,
            next_step=error.next_step if error else None,
            publish_id=publication.publish_id if publication else None,
            as_of=publication.as_of if publication else None,
            valid_until=publication.valid_until if publication else None,
        ),
    )


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace is None:
        return "leadrole"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
