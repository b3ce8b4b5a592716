"""The night as a Prefect flow: the same steps, recorded as tasks. The only importer of Prefect.

The numbers must come out also where Prefect can't: when no server answers and a temporary one can't start, or
one is lost half-way, the night says so and goes on without it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

# Prefect reads these when it is imported; what the user has set stands.
for _name, _value in {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "DO_NOT_TRACK": "1",
}.items():
    os.environ.setdefault(_name, _value)

import prefect  # noqa: E402
from prefect.artifacts import create_markdown_artifact  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402

from leadrole import settings as settings_module  # noqa: E402
from leadrole.errors import NothingNew, SourceUnavailableError  # noqa: E402
from leadrole.events import Silent, Watcher  # noqa: E402
from leadrole.night import NightResult, night  # noqa: E402
from leadrole.summary import markdown, summarise  # noqa: E402

Result = TypeVar("Result")

# A night that an outage or a limit ended is worth another try; a wrong token or a broken contract is not.
_RETRY_DELAY_SECONDS = 600
_HEALTH_TIMEOUT_SECONDS = 5


@dataclass
class _Session:
    """What a caller in this process hands to the flow beside its plain parameters, and what it gets back."""

    watcher: Watcher = field(default_factory=Silent)
    entered_after: float | None = None
    began: float = field(default_factory=time.perf_counter)
    result: NightResult | None = None
    error: BaseException | None = None


# A plain list: `serve` pickles the flow into the process of each run, and a ContextVar can't be pickled.
_handed_in: list[_Session] = []


class TaskCaller:
    """Runs each step as a Prefect task; once Prefect is lost, the remaining steps run without it."""

    def __init__(self, watcher: Watcher, *, extract_retries: int) -> None:
        self._watcher = watcher
        self._extract_retries = extract_retries
        self._lost = False

    def __call__(self, name: str, step: Callable[[], Result]) -> Result:
        """Run the step as the task ``name``; the step's own error is raised as it was."""
        if self._lost:
            return step()
        outcomes: list[tuple[Result | None, BaseException | None]] = []

        def body() -> None:
            try:
                outcomes.append((step(), None))
            except BaseException as error:
                outcomes.append((None, error))
                raise

        task = prefect.task(
            name=name,
            retries=self._extract_retries if name.startswith("extract") else 0,
            retry_delay_seconds=_RETRY_DELAY_SECONDS,
            retry_condition_fn=_is_worth_another_try,
            cache_policy=NO_CACHE,
            persist_result=False,
        )(body)
        try:
            task()
        except Exception as failure:
            if not outcomes or outcomes[-1][1] is None:
                self._lost = True
                self._watcher.noted(
                    f"Prefect was lost during {name} ({type(failure).__name__}); going on without it"
                )
        if not outcomes:
            return step()
        value, error = outcomes[-1]
        if error is not None:
            raise error
        return value  # type: ignore[return-value]


def _is_worth_another_try(task: Any, run: Any, state: Any) -> bool:
    return isinstance(state.result(raise_on_failure=False), SourceUnavailableError)


@prefect.flow(name="nightly", persist_result=False, validate_parameters=True)
def nightly(
    home: str = ".",
    config: str | None = None,
    language: str | None = None,
    extract_retries: int = 2,
    force: bool = False,
    accept_shrink: bool = False,
) -> None:
    """Pull the CRM, build the marts, check them and publish: one night for the company in ``home``."""
    session = _handed_in[-1] if _handed_in else _Session()
    session.entered_after = time.perf_counter() - session.began
    settings = settings_module.load(Path(home), Path(config) if config else None)
    try:
        session.result = night(
            settings,
            watcher=session.watcher,
            call=TaskCaller(session.watcher, extract_retries=extract_retries),
            language=language,
            force=force,
            accept_shrink=accept_shrink,
        )
    except NothingNew as nothing:
        session.error = nothing
        return
    except BaseException as error:
        session.error = error
        raise
    try:
        summary = summarise(settings.home / "published")
        create_markdown_artifact(markdown(summary), key="nightly-summary", description="Tonight's verdicts")
    except Exception as failure:
        session.watcher.noted(
            f"Prefect kept no summary ({type(failure).__name__}); the publication is complete"
        )


def run_with_prefect(
    settings: settings_module.Settings,
    *,
    watcher: Watcher,
    language: str | None,
    force: bool,
    accept_shrink: bool,
    extract_retries: int,
) -> NightResult:
    """Run the flow in this process, without it when Prefect can't start; raises what ended the night."""
    unreachable = _unreachable_server()
    session = _Session(watcher=watcher)

    def plainly() -> NightResult:
        return night(settings, watcher=watcher, language=language, force=force, accept_shrink=accept_shrink)

    if unreachable:
        watcher.noted(f"Prefect's server at {unreachable} does not answer; running without it")
        return plainly()
    failure: Exception | None = None
    _handed_in.append(session)
    try:
        nightly(
            home=str(settings.home),
            config=str(settings.config_path),
            language=language,
            extract_retries=extract_retries,
            force=force,
            accept_shrink=accept_shrink,
        )
    except Exception as caught:
        failure = caught
    finally:
        _handed_in.remove(session)
    if session.error is not None:
        raise session.error
    if session.result is None:
        watcher.noted(f"Prefect can't start here ({type(failure).__name__}); running without it")
        return plainly()
    if session.entered_after is not None:
        total = time.perf_counter() - session.began
        steps = sum(session.result.seconds.values())
        session.result = NightResult(
            publication=session.result.publication,
            previous=session.result.previous,
            seconds={**session.result.seconds, "prefect": max(total - steps, 0.0)},
        )
    return session.result


def serve(home: Path, config: Path | None, *, cron: str, timezone: str, language: str | None) -> None:
    """Run the flow at the hours of ``cron`` (in ``timezone``) until stopped."""
    from prefect.schedules import Cron

    nightly.serve(
        name="nightly",
        schedule=Cron(cron, timezone=timezone),
        parameters={
            "home": str(home.resolve()),
            "config": str(config.resolve()) if config else None,
            "language": language,
        },
        # A second night beside a running one would end with exit 8; Prefect need not start it.
        limit=1,
    )


def _unreachable_server() -> str | None:
    """The address of a configured server that does not answer, or None."""
    import requests

    address = os.environ.get("PREFECT_API_URL")
    if not address:
        return None
    try:
        requests.get(f"{address.rstrip('/')}/health", timeout=_HEALTH_TIMEOUT_SECONDS).raise_for_status()
    except requests.RequestException:
        return address
    return None
