"""The gate: a check that did not run is a failed check, and an empty table is no success."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from leadrole import paths
from leadrole.check import _told, check, load_manifest, load_suites
from leadrole.errors import ChecksFailedError, InternalError
from leadrole.run import Run

AS_OF = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)

SUITE = """
table: candidate.marts.fct_touch
measures:
  late: count(*) filter (where at_utc > as_of)
expectations:
  - type: expect_column_values_to_be_between
    kwargs: {column: row_count, min_value: 1}
    meta: {name: volume, next_step: look at the extraction}
  - type: expect_column_values_to_be_between
    kwargs: {column: late, max_value: 0}
    meta: {name: not from the future, next_step: look at the clock}
  - type: expect_column_values_to_be_between
    kwargs: {column: row_count_ratio, min_value: 0.7}
    meta: {name: drift, next_step: look for deletes}
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(run_id="20261103T030000Z", started_at=AS_OF, home=tmp_path)
    made.data_dir.mkdir()
    duckdb.connect(str(made.raw_path)).close()
    return made


def write_touches(path: Path, moments: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.fct_touch (at_utc timestamptz)")
        for moment in moments:
            connection.execute("insert into marts.fct_touch values (?)", [moment])


def write_suites(directory: Path, suite: str = SUITE, manifest: str | None = None) -> Path:
    (directory / "marts").mkdir(parents=True)
    (directory / "marts" / "fct_touch.yml").write_text(suite)
    (directory / "manifest.yml").write_text(
        manifest or "dbt_tests: {common: 7}\nsuites: {marts_fct_touch: 3}\n"
    )
    return directory


def gate(run: Run, directory: Path, dbt_tests: int = 7) -> int:
    return check(
        run, dbt_tests=dbt_tests, as_of=AS_OF, source_kinds=["hubspot"], directory=directory
    ).expectations


@pytest.mark.slow
def test_good_data_pass_and_the_number_of_checks_is_told(run: Run, tmp_path: Path) -> None:
    write_touches(run.candidate_path, ["2026-11-02 10:00:00+00"])
    assert gate(run, write_suites(tmp_path / "e")) == 3


@pytest.mark.slow
def test_an_empty_table_fails_its_volume_check(run: Run, tmp_path: Path) -> None:
    write_touches(run.candidate_path, [])
    with pytest.raises(ChecksFailedError, match=r"volume on marts.fct_touch: found 0, expected at least 1"):
        gate(run, write_suites(tmp_path / "e"))


@pytest.mark.slow
def test_a_failed_check_names_the_table_the_count_and_the_next_step(run: Run, tmp_path: Path) -> None:
    write_touches(run.candidate_path, ["2026-11-04 10:00:00+00", "2026-11-05 10:00:00+00"])
    with pytest.raises(ChecksFailedError) as caught:
        gate(run, write_suites(tmp_path / "e"))
    assert "not from the future on marts.fct_touch: found 2, expected at most 0" in str(caught.value)
    assert caught.value.next_step == "look at the clock"
    assert "2026-11-04" not in str(caught.value)


@pytest.mark.slow
def test_rows_that_vanish_since_the_last_publication_fail_the_drift_check(run: Run, tmp_path: Path) -> None:
    write_touches(run.candidate_path, ["2026-11-02 10:00:00+00"])
    write_touches(tmp_path / "published" / "leadrole.duckdb", ["2026-11-01 10:00:00+00"] * 2)
    with pytest.raises(
        ChecksFailedError, match=r"drift on marts.fct_touch: found 0.5, expected at least 0.7"
    ):
        gate(run, write_suites(tmp_path / "e"))


def test_a_measure_over_a_missing_column_is_a_failed_night(run: Run, tmp_path: Path) -> None:
    run.candidate_path.unlink(missing_ok=True)
    with duckdb.connect(str(run.candidate_path)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.fct_touch (other integer)")
    with pytest.raises(ChecksFailedError, match="measures of suite marts_fct_touch can't be computed"):
        gate(run, write_suites(tmp_path / "e"))


def test_a_suite_without_checks_is_a_failed_night(run: Run, tmp_path: Path) -> None:
    write_touches(run.candidate_path, [])
    empty = write_suites(tmp_path / "e", "table: candidate.marts.fct_touch\nexpectations: []\n")
    with pytest.raises(ChecksFailedError, match="0 checks"):
        gate(run, empty)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("dbt_tests: {common: 7}\nsuites: {marts_fct_touch: 4}\n", "holds 3 checks, the manifest says 4"),
        ("dbt_tests: {common: 7}\nsuites: {marts_fct_touch: 3, raw_gone: 2}\n", "raw_gone holds 0 checks"),
        ("dbt_tests: {common: 8}\nsuites: {marts_fct_touch: 3}\n", "7 dbt tests ran, the manifest says 8"),
    ],
    ids=["a check fewer", "a suite gone", "a dbt test fewer"],
)
def test_fewer_checks_than_the_manifest_says_are_a_failed_night(
    run: Run, tmp_path: Path, manifest: str, message: str
) -> None:
    write_touches(run.candidate_path, ["2026-11-02 10:00:00+00"])
    with pytest.raises(ChecksFailedError, match=message):
        gate(run, write_suites(tmp_path / "e", manifest=manifest))


def test_a_missing_manifest_is_a_failed_night(run: Run, tmp_path: Path) -> None:
    directory = write_suites(tmp_path / "e")
    (directory / "manifest.yml").unlink()
    with pytest.raises(ChecksFailedError, match="manifest"):
        gate(run, directory)


def test_the_shipped_suites_are_those_of_the_shipped_manifest() -> None:
    manifest = load_manifest(paths.expectations())
    assert {suite.name: len(suite.expectations) for suite in load_suites(paths.expectations())} == manifest[
        "suites"
    ]


def test_every_published_table_has_a_suite_with_volume_and_freshness() -> None:
    marts = {path.stem for path in (paths.dbt_project() / "models" / "marts").glob("*.sql")}
    suites = {
        suite.table.removeprefix("candidate.marts."): suite for suite in load_suites(paths.expectations())
    }
    assert marts <= suites.keys()
    for suite in suites.values():
        names = {entry["meta"]["name"] for entry in suite.expectations}
        assert {"volume", "freshness"} <= names, suite.name


@pytest.mark.slow
def test_every_shipped_expectation_can_fail(tmp_path: Path) -> None:
    """A check that nothing can fail is worth nothing: each bound must reject some number."""
    for suite in load_suites(paths.expectations()):
        for entry in suite.expectations:
            bounds = {entry["kwargs"].get("min_value"), entry["kwargs"].get("max_value")} - {None}
            assert bounds, f"{suite.name}: {entry['meta']['name']} has no bound"
            assert entry["kwargs"]["column"] in {
                "row_count",
                "row_count_ratio",
                "previous_row_count",
                *suite.measures,
            }, f"{suite.name}: {entry['kwargs']['column']} is not measured"
            assert entry["meta"]["next_step"]


def test_a_failed_check_that_can_not_be_named_is_not_dropped() -> None:
    suite = load_suites(paths.expectations())[0]
    with pytest.raises(InternalError, match="failed without saying which"):
        _told(suite, {}, None)


def test_suites_are_plain_data(tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(paths.expectations(), copied)
    for path in copied.glob("*/*.yml"):
        assert isinstance(yaml.safe_load(path.read_text()), dict)
