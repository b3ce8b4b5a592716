"""The night under Prefect: its tasks, its retries, and a night that goes on when Prefect is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leadrole.errors import AuthError, SourceUnavailableError
from leadrole.events import Silent

pytestmark = pytest.mark.slow


class Listening(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def noted(self, message: str) -> None:
        self.notes.append(message)


def test_the_deployment_names_a_flow_that_loads() -> None:
    import yaml
    from prefect.flows import load_flow_from_entrypoint

    described = yaml.safe_load((Path(__file__).resolve().parents[1] / "prefect.yaml").read_text())
    (deployment,) = described["deployments"]
    flow = load_flow_from_entrypoint(deployment["entrypoint"])
    assert flow.name == "nightly"
    assert set(deployment["parameters"]) <= set(flow.parameters.properties)


def test_the_flow_can_be_sent_to_the_process_that_serve_starts_for_a_run() -> None:
    import cloudpickle

    from leadrole import nightly

    sent = cloudpickle.loads(cloudpickle.dumps(nightly.nightly))
    assert sent.name == "nightly"


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (SourceUnavailableError("down", next_step="wait"), True),
        (AuthError("no", next_step="look"), False),
        (ValueError("bug"), False),
    ],
    ids=["an outage", "a wrong token", "a fault"],
)
def test_only_an_outage_is_worth_another_try(error: Exception, again: bool) -> None:
    from leadrole.nightly import _is_worth_another_try

    class State:
        def result(self, raise_on_failure: bool) -> Any:
            return error

    assert _is_worth_another_try(None, None, State()) is again


def test_when_prefect_is_lost_the_remaining_steps_run_once_each_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from leadrole import nightly

    def lost(*args: Any, **options: Any) -> Any:
        def decorate(body: Any) -> Any:
            def call() -> None:
                raise ConnectionError("the server went away")

            return call

        return decorate

    monkeypatch.setattr(nightly.prefect, "task", lost)
    watcher = Listening()
    caller = nightly.TaskCaller(watcher, extract_retries=0)
    ran: list[str] = []
    assert caller("extract hubspot", lambda: ran.append("extract") or 1) == 1
    assert caller("load hubspot", lambda: ran.append("load") or 2) == 2
    assert ran == ["extract", "load"]
    assert len(watcher.notes) == 1 and "Prefect was lost during extract hubspot" in watcher.notes[0]


def test_a_step_that_prefect_could_not_record_is_not_run_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    from leadrole import nightly

    def fails_after(*args: Any, **options: Any) -> Any:
        def decorate(body: Any) -> Any:
            def call() -> None:
                body()
                raise ConnectionError("the state could not be stored")

            return call

        return decorate

    monkeypatch.setattr(nightly.prefect, "task", fails_after)
    caller = nightly.TaskCaller(Listening(), extract_retries=0)
    ran: list[str] = []
    assert caller("publish", lambda: ran.append("publish") or 3) == 3
    assert ran == ["publish"]


def test_a_steps_own_error_comes_out_as_it_was() -> None:
    from prefect import flow

    from leadrole import nightly

    caller = nightly.TaskCaller(Listening(), extract_retries=0)

    def broken() -> int:
        raise AuthError("the token is wrong", next_step="set HUBSPOT_TOKEN")

    @flow(name="probe")
    def probe() -> str:
        with pytest.raises(AuthError) as caught:
            caller("extract hubspot", broken)
        return str(caught.value)

    assert probe() == "the token is wrong -> set HUBSPOT_TOKEN"


def test_a_configured_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from leadrole.nightly import _unreachable_server

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert _unreachable_server() == "http://127.0.0.1:9/api"
    monkeypatch.delenv("PREFECT_API_URL")
    assert _unreachable_server() is None
