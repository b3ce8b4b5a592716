"""The 32 cases of spec/metrics.md section 10, from HTTP to the published marts (the cases are in torture.py)."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

import torture
from company import TOKEN
from leadrole import crm, load
from leadrole import settings as settings_module
from leadrole.errors import ChecksFailedError
from leadrole.night import night
from leadrole.publish import current
from leadrole.run import Run
from leadrole.sandbox.faults import Faults
from leadrole.sandbox.server import serve
from support import warehouse
from torture import Expect

pytestmark = pytest.mark.slow

HISTORY, CASES = torture.tell()
# Whom a company's settings change; the rest of the warehouse knows nothing of them.
OF_THE_COMPANY = (
    "int_metric_scope",
    "int_lifetime_values",
    "mart_lifetime_value",
    "mart_staffing",
    "int_finding_whole_process",
    "int_finding_self_handover",
    "int_finding_windows",
    "int_finding_states",
    "int_finding_evidence",
    "mart_findings",
)
EXCLUDE_ALL = "exclusions:\n" + "".join(
    f"  - {{id: X{number}, field: source, equals: case_{number}, reason: test, author: me, added_on: 2026-01-05}}\n"
    for number in range(1, 33)
)


@dataclass
class Tortured:
    """The company after its last night."""

    home: Path

    def settings(self) -> settings_module.Settings:
        """Its settings."""
        return settings_module.load(self.home, env={"TEST_TOKEN": TOKEN})

    def reps(self) -> dict[str, str]:
        """The names that owners have in the tables."""
        with duckdb.connect(str(self.home / "data" / "people.duckdb"), read_only=True) as people:
            return dict(people.execute("select crm_id, rep_id from people").fetchall())

    def ask(self, connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query that speaks of owners by their id."""
        reps = self.reps()
        query = re.sub(r"rep:(\d+)", lambda found: reps[f"hubspot:{found[1]}"], query)
        return connection.execute(query).fetchall()

    def published(self) -> duckdb.DuckDBPyConnection:
        """What a reader has."""
        connection = duckdb.connect(str(self.home / "published" / "leadrole.duckdb"), read_only=True)
        connection.execute("set TimeZone = 'UTC'; set search_path = 'main_published'")
        return connection


@pytest.fixture(scope="module")
def tortured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tortured]:
    """Read on 1 August, and read and published on 1 September; between them things were put away."""
    made = Tortured(tmp_path_factory.mktemp("torture"))
    with serve(HISTORY, now=torture.FIRST_NIGHT, token=TOKEN, search_lag_seconds=0) as server:
        write_config(made.home, server.base_url)
        settings = made.settings()
        run = Run(torture.FIRST_NIGHT.strftime("%Y%m%dT%H%M%SZ"), torture.FIRST_NIGHT, made.home)
        load.ensure_raw(run.raw_path)
        (source,) = settings.sources
        landed = crm.extract(source, load.read_state(run, source), run, sleep=lambda seconds: None)
        load.load(run, source, landed)
        server.set_now(torture.LAST_NIGHT)
        server.set_faults(Faults().stage_unlisted("presentationscheduled"))
        night(settings)
        yield made


def write_config(home: Path, url: str, more: str = "") -> None:
    path = home / "config" / "leadrole.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(torture.CONFIG.replace("URL", url) + more, encoding="utf-8")


def shaped(answer: Any) -> list[tuple[Any, ...]]:
    """One value, one row or a list of rows as rows."""
    if not isinstance(answer, list):
        answer = [answer]
    return [row if isinstance(row, tuple) else (row,) for row in answer]


def is_same(found: list[tuple[Any, ...]], told: list[tuple[Any, ...]]) -> bool:
    return len(found) == len(told) and all(
        len(row) == len(other) and all(map(is_equal, row, other))
        for row, other in zip(found, told, strict=True)
    )


def is_equal(found: Any, told: Any) -> bool:
    if isinstance(told, bool) or not isinstance(told, int | float) or found is None:
        return bool(found == told) and (found is None) == (told is None)
    return float(found) == pytest.approx(told, abs=1e-6)


ASKED = [
    pytest.param(expect, id=f"{case.number}-{case.title.replace(' ', '-')}-{number}")
    for case in CASES
    for number, expect in enumerate(case.expects, 1)
]
WITH_OTHER_SETTINGS = [param for param in ASKED if param.values[0].company]


@pytest.mark.parametrize("expect", [param for param in ASKED if not param.values[0].company])
def test_case(tortured: Tortured, expect: Expect) -> None:
    with tortured.published() as connection:
        assert_true(tortured, connection, expect)


def assert_true(tortured: Tortured, connection: duckdb.DuckDBPyConnection, expect: Expect) -> None:
    found = tortured.ask(connection, expect.query)
    assert is_same(found, shaped(expect.true)), f"{expect.what}: {found}, true {expect.true}"
    if expect.naive is not torture.NOT_ASKED:
        assert not is_same(found, shaped(expect.naive)), f"{expect.what}: the naive figure is no other"


@pytest.fixture(scope="module")
def copy(tortured: Tortured, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the last night, to be built on with other settings."""
    path = tmp_path_factory.mktemp("settings") / "candidate.duckdb"
    shutil.copy(tortured.home / "data" / "candidate.duckdb", path)
    return path


@pytest.mark.parametrize("expect", WITH_OTHER_SETTINGS)
def test_case_with_other_settings(tortured: Tortured, copy: Path, expect: Expect) -> None:
    ran = warehouse.ran(tortured.home / "data" / "dbt" / "target")
    statements = {model.name: model.sql for model in ran.models}
    with duckdb.connect(str(copy)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{tortured.home / 'data' / 'raw.duckdb'}' as raw (read_only)")
        connection.execute(
            "update config.company set employees = 19, lifetime_value = 10000, is_startup = false"
        )
        for setting, value in expect.company:
            connection.execute(f"update config.company set {setting} = ?", [value])
        for name in OF_THE_COMPANY:
            connection.execute(statements[name].replace("create ", "create or replace ", 1))
        connection.execute("set search_path = 'marts'")
        assert_true(tortured, connection, expect)


def test_every_case_of_the_page_is_here() -> None:
    told = {int(case.number) for case in CASES}
    # 30 and 32 are about the whole warehouse: the functions below.
    assert told | {30, 32} == set(range(1, 33))
    assert all(case.expects for case in CASES)


def test_30_the_same_raw_at_the_same_moment_gives_the_same_tables(tortured: Tortured, tmp_path: Path) -> None:
    """In memory, in one thread, in another order of work; only the tables' own ids of the run stay as they were."""
    publication = current(tortured.home)
    assert publication is not None
    run = Run(publication.publish_id, torture.LAST_NIGHT, tmp_path)
    run.data_dir.mkdir()
    for name in ("raw.duckdb", "pseudonym.key"):
        shutil.copy(tortured.home / "data" / name, run.data_dir / name)
    as_of, _ = load.as_of(run, tortured.settings())
    ran = warehouse.ran(tortured.home / "data" / "dbt" / "target")
    with ran.build(tortured.settings(), run, as_of) as again, tortured.published() as published:
        names = [name for (name,) in again.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts' order by 1"
        ).fetchall()]  # fmt: skip
        assert len(names) > 30
        for name in names:
            rows = again.execute(f"select * from marts.{name} order by all").fetchall()
            assert rows == published.execute(f"select * from {name} order by all").fetchall(), name


def test_32_the_scorecard_is_a_recount_of_the_facts(tortured: Tortured) -> None:
    with tortured.published() as connection:
        cycles = dicts(connection, "select * from fct_lead_cycle where excluded_reason is null")
        handovers = dicts(connection, "select * from fct_handover")
        cards = dicts(connection, "select * from mart_role_scorecard where period_type = 'month'")
    as_of = cycles[0]["as_of_utc"]
    volume: dict[str, Counter[date]] = defaultdict(Counter)
    k: dict[str, Counter[date]] = defaultdict(Counter)
    n: dict[str, Counter[date]] = defaultdict(Counter)

    def count(role: str, start: Any, end: Any, days: int) -> None:
        month = start.astimezone(torture.ZONE).date().replace(day=1)
        window = timedelta(days=days)
        volume[role][month] += 1
        n[role][month] += start + window <= as_of
        k[role][month] += start + window <= as_of and end is not None and end <= start + window

    for cycle in cycles:
        if cycle["motion_first"] == "inbound" and not cycle["is_bulk_import"]:
            count("inbound", cycle["entered_at"], cycle["qualified_at"], 30)
        elif cycle["motion_first"] == "outbound" and cycle["cycle_no"] == 1 and cycle["first_attempt_at"]:
            count("outbound", cycle["first_attempt_at"], cycle["qualified_at"], 90)
    for handover in handovers:
        count("closer", handover["qualified_at"], handover["customer_at"], 180)
    assert min(len(months) for months in volume.values()) >= 2
    for card in cards:
        role, month = card["role"], card["period_start"]
        recount = (volume[role][month], k[role][month], n[role][month])
        assert (card["volume"], card["result_k"], card["result_n"]) == recount, (role, month)
    assert {card["role"] for card in cards} == set(volume)


def dicts(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_30_after_a_failed_check_the_reader_still_has_the_last_publication(tortured: Tortured) -> None:
    """The settings leave every lead out by a rule: the check on the share of exclusions refuses that."""
    before = current(tortured.home)
    url = tortured.settings().sources[0].base_url  # type: ignore[union-attr]
    write_config(tortured.home, url, EXCLUDE_ALL)
    with pytest.raises(ChecksFailedError):
        night(tortured.settings())
    assert current(tortured.home) == before is not None
    with tortured.published() as connection:
        ids = connection.execute("select distinct publish_id from fct_lead_cycle").fetchall()
    assert ids == [(before.publish_id,)]
    assert json.loads((tortured.home / "status.json").read_text())["state"] == "failed"
