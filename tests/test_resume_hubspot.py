"""A first load of HubSpot that breaks off anywhere is gone on with: no page comes twice but the one it broke off in.

What HubSpot was asked is judged by the sandbox's ledger of calls, and what came of it by the truth of its log.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from leadrole import load
from leadrole.crm import hubspot
from leadrole.crm.spec import PageProgress, SourceState, no_progress
from leadrole.errors import SourceUnavailableError
from leadrole.landing import Manifest, manifests
from leadrole.sandbox import Faults, Script, Server
from leadrole.sandbox.server import Call
from leadrole.settings import HubspotSource, Settings
from support import hubspot as truth
from support.homes import TOKEN, hubspot_home, night, query, run_of
from support.stories import NIGHT, OWNERS, START, story
from test_extract_hubspot import server

pytestmark = pytest.mark.slow

SETTLE = timedelta(seconds=60)
PORTAL = {"has_leads": True, "search_lag_seconds": 0}
# Owners and pipelines: they say where the window ends, and until then there is nothing to go on with.
REFERENCES = ("/crm/owners/", "/crm/pipelines/")
TESTS = Path(__file__).parent


def full_story() -> Script:
    """Every kind of record, archived ones and a merge among them."""
    script = story()
    script.archive_contact(START + (NIGHT - START) / 2, "1011")
    script.merge(NIGHT - (NIGHT - START) / 8, "1100", ("1008", "1009"))
    for number in range(6):
        contact = str(1000 + number)
        script.email(NIGHT - (NIGHT - START) / 4, str(6000 + number), contact, "101")
        script.task(START, str(7000 + number), contact, "101", NIGHT)
        script.message(NIGHT - (NIGHT - START) / 4, str(8000 + number), contact, "101")
    script.meeting(START, "9000", "1000", "104", START + (NIGHT - START) / 3)
    return script


def differences(config: Settings, script: Script, at: datetime = NIGHT, **portal: object) -> list[str]:
    """What raw holds otherwise than HubSpot does."""
    return truth.differences(config, script.history(OWNERS), at - SETTLE, **{**PORTAL, **portal})


def extract(
    config: Settings,
    number: int = 0,
    *,
    progress: PageProgress = no_progress,
    monotonic: Callable[[], float] = time.monotonic,
) -> Manifest:
    """Extraction alone, as if nothing had been loaded before."""
    (source,) = config.sources
    assert isinstance(source, HubspotSource)
    return hubspot.extract(
        source,
        SourceState(source.name),
        run_of(config.home, number),
        progress,
        clock=lambda: datetime.now(UTC),
        sleep=lambda seconds: None,
        monotonic=monotonic,
    )


def asked(calls: Sequence[Call]) -> list[tuple[str, str, str, str]]:
    return [(call.method, call.path, call.query, call.body) for call in calls]


def assert_gone_on_with(
    first: Sequence[Call], second: Sequence[Call], whole: int, *, unwritten: int = 0
) -> None:
    """Both parts together asked for everything once; only the page in which the first broke off came again.

    A process that is killed also takes with it the page that its thread was just writing.
    """
    twice = [call for call, count in Counter([*asked(first), *asked(second)]).items() if count > 1]
    # A page of ids and the batch with its records are one page.
    last = asked(first)[-2 * (1 + unwritten) :]
    assert [call for call in twice if call not in last and not call[1].startswith(REFERENCES)] == []
    assert len(set(asked(first)) | set(asked(second))) == whole


@pytest.fixture(scope="module")
def portal() -> Iterator[Server]:
    with server(full_story(), **PORTAL) as crm:
        yield crm


@pytest.fixture(scope="module")
def whole(portal: Server, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many calls a first load takes that nobody disturbs."""
    portal.clear_calls()
    extract(hubspot_home(tmp_path_factory.mktemp("whole"), portal.base_url, page_size=5))
    calls = asked(portal.calls)
    assert len(calls) == len(set(calls)) > 60
    return len(calls)


def loaded(config: Settings, number: int) -> Settings:
    """The home after what was landed is loaded."""
    run = run_of(config.home, number)
    (manifest,) = manifests(run.landing_dir)
    load.load(run, config.sources[0], manifest)
    return config


@pytest.mark.parametrize("part", range(8))
def test_a_kill_before_any_call_costs_no_page_but_the_last(
    tmp_path: Path, portal: Server, whole: int, part: int
) -> None:
    """Before each of the calls, an eighth of them in each part: a Ctrl-C while HubSpot has not been asked yet."""
    for number in range(1 + part, whole, 8):
        portal.clear_calls()
        config = hubspot_home(tmp_path / str(number), portal.base_url, page_size=5)

        def stop(number: int = number) -> float:
            if portal.count() == number:
                raise KeyboardInterrupt
            return time.monotonic()

        with pytest.raises(KeyboardInterrupt):
            extract(config, monotonic=stop)
        first = list(portal.calls)
        assert len(first) == number
        portal.clear_calls()
        manifest = extract(config, 1)
        assert_gone_on_with(first, portal.calls, whole)
        assert manifest.is_full
        assert not list(run_of(config.home).landing_dir.rglob(".partial"))
    # Of each part the last home is loaded: what came in two parts is what HubSpot holds.
    assert differences(loaded(config, 1), full_story()) == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_kill_after_any_page_costs_no_page_at_all(
    tmp_path: Path, portal: Server, whole: int, stop: type[BaseException]
) -> None:
    """One read that is stopped after every single page of a list, each time by the one who watches it."""
    config = hubspot_home(tmp_path, portal.base_url, page_size=5)
    portal.clear_calls()
    seen: set[tuple[str, int]] = set()

    def watch(name: str, rows: int, total: int | None) -> None:
        if (name, rows) not in seen:
            seen.add((name, rows))
            raise stop

    stops = 0
    while True:
        try:
            extract(config, progress=watch)
            break
        except stop:
            stops += 1
    assert stops > 20
    twice = [call for call, count in Counter(asked(portal.calls)).items() if count > 1]
    pages = [call for call in twice if not call[1].startswith(REFERENCES)]
    # The watcher is told of a page before it is put down: that one comes again, once.
    assert max(Counter(asked(portal.calls))[call] for call in pages) == 2
    assert len(set(asked(portal.calls))) == whole
    assert differences(loaded(config, 0), full_story()) == []


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from support.homes import hubspot_home
from test_resume_hubspot import extract

def watch(name, rows, total):
    print(name, rows, flush=True)
    # A page takes its time, so that the kill finds the next one on its way.
    import time
    time.sleep(0.05)

extract(hubspot_home(Path(sys.argv[2]), sys.argv[3], page_size=5), progress=watch)
"""


@pytest.mark.parametrize("pages", [1, 4, 9])
def test_a_process_that_is_killed_leaves_what_the_next_one_goes_on_with(
    tmp_path: Path, portal: Server, whole: int, pages: int
) -> None:
    portal.clear_calls()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(TESTS), str(tmp_path), portal.base_url],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for _ in range(pages):
        assert child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    first = list(portal.calls)
    assert 0 < len(first) < whole
    portal.clear_calls()
    config = hubspot_home(tmp_path, portal.base_url, page_size=5)
    extract(config, 1)
    assert_gone_on_with(first, portal.calls, whole, unwritten=1)
    assert differences(loaded(config, 1), full_story()) == []


def test_half_a_line_of_progress_costs_its_page_and_none_that_is_read_after_it(
    tmp_path: Path, portal: Server, whole: int
) -> None:
    """Killed while a line is written, gone on with, killed again: the third read begins where the second ended."""
    config = hubspot_home(tmp_path, portal.base_url, page_size=5)
    calls = []
    for number in range(2):
        portal.clear_calls()

        def stop() -> float:
            if portal.count() == 20:
                raise KeyboardInterrupt
            return time.monotonic()

        with pytest.raises(KeyboardInterrupt):
            extract(config, number, monotonic=stop)
        calls.append(list(portal.calls))
        (progress,) = run_of(config.home).landing_dir.rglob("progress.ndjson")
        if number == 0:
            os.truncate(progress, progress.stat().st_size - 7)
    portal.clear_calls()
    extract(config, 2)
    calls.append(list(portal.calls))
    counted = Counter(call for part in calls for call in asked(part))
    # The page of the half line and the page that the kill came in; each is ids and a batch.
    again = {*asked(calls[0])[-4:], *asked(calls[1])[-2:]}
    assert [
        call
        for call, count in counted.items()
        if count > 1 and call not in again and not call[1].startswith(REFERENCES)
    ] == []
    assert len(counted) == whole
    assert differences(loaded(config, 2), full_story()) == []


def test_another_question_is_not_answered_with_old_pages(tmp_path: Path, portal: Server, whole: int) -> None:
    """A read that broke off before leads were switched off would lack nothing, but its window is another one."""
    portal.clear_calls()

    def stop() -> float:
        if portal.count() == 30:
            raise KeyboardInterrupt
        return time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        extract(hubspot_home(tmp_path, portal.base_url, page_size=5), monotonic=stop)
    portal.clear_calls()
    extract(hubspot_home(tmp_path, portal.base_url, page_size=5, leads_object="never"), 1)
    assert portal.count("objects/2026-03/contacts") > 2
    assert portal.count("leads") == 0


# --- what a night costs


def budget(config: Settings) -> tuple[int, int, int, int]:
    ((*facts,),) = query(
        run_of(config.home).raw_path,
        "select calls, needed, spent, allowance from load.budgets order by run_id desc limit 1",
    )
    calls, needed, spent, allowance = facts
    return calls, needed, spent, allowance


@pytest.mark.parametrize("size", [100, 50])
def test_an_undisturbed_first_load_takes_the_calls_it_needs(tmp_path: Path, size: int) -> None:
    """At HubSpot's largest pages, and one call more: owners who left are a list of their own."""
    script = full_story()
    for number in range(130):
        script.form(START, str(20_000 + number))
    with server(script, **PORTAL) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=size)
        night(config)
        calls, needed, spent, allowance = budget(config)
        assert calls == spent == crm.count()
        assert allowance == 250_000
    # Smaller pages than HubSpot allows show as the waste they are.
    assert (calls - needed <= 1) is (size == 100)
    assert differences(config, script) == []


def test_retries_are_spent_and_not_needed(tmp_path: Path, portal: Server) -> None:
    found = []
    for name, faults in (("calm", Faults()), ("rough", Faults().status("objects", 503, times=4))):
        portal.set_faults(faults)
        config = hubspot_home(tmp_path / name, portal.base_url, page_size=100)
        night(config)
        found.append(budget(config))
    portal.set_faults(Faults())
    assert found[1][0] == found[0][0] + 4
    assert found[1][1] == found[0][1]


def test_a_share_of_the_days_allowance_ends_the_night_and_the_next_goes_on(tmp_path: Path) -> None:
    script = full_story()
    with server(script, **PORTAL, daily_limit=60) as crm:
        config = hubspot_home(tmp_path, crm.base_url, page_size=5, max_allowance_share="0.5")
        calls = []
        for number in range(10):
            crm.clear_calls()
            try:
                night(config, number)
                calls.append(list(crm.calls))
                break
            except SourceUnavailableError as error:
                assert error.exit_code == 4
                assert "reached 50% of the account's daily 60" in str(error)
                assert "goes on where it stopped" in str(error)
                assert TOKEN not in str(error)
                assert crm.count() == 30
                assert query(run_of(config.home).raw_path, "select count(*) from load.runs") == [(0,)]
                calls.append(list(crm.calls))
    assert len(calls) == 3
    for before, after in pairwise(calls):
        assert_gone_on_with(before, after, len(set(asked(before)) | set(asked(after))))
    assert differences(config, script) == []
