"""The gate before publication: tonight's volume, freshness, drift and ranges, judged by Great Expectations.

Each file in ``expectations/`` is one suite over one table. Its measures are computed by DuckDB in one pass
over the table; Great Expectations judges the resulting one-row frame. ``expectations/manifest.yml`` says how
many checks must run: fewer is a failed night, because an empty suite passes everything. This module is the
only one that knows Great Expectations.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import yaml

from leadrole import paths
from leadrole.attach import attach, connect
from leadrole.errors import ChecksFailedError, InternalError
from leadrole.run import Run

if TYPE_CHECKING:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

SuiteProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Suite:
    """One table and what must hold of it tonight. ``expectations`` are Great Expectations' own types."""

    name: str
    table: str
    applies_to: str | None
    alive: str
    measures: Mapping[str, str | Mapping[str, str]]
    expectations: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class FailedCheck:
    """An expectation that did not hold: which, on which table, what was seen, and what to do."""

    name: str
    table: str
    observed: float | None
    limit: str
    next_step: str

    def __str__(self) -> str:
        """One line for the terminal and ``status.json``; it holds counts, never values of rows."""
        seen = "no value" if self.observed is None else f"{self.observed:,.6g}"
        return f"{self.name} on {self.table}: found {seen}, expected {self.limit}"


@dataclass(frozen=True)
class CheckResult:
    """How many expectations and dbt tests ran; all passed, or ``check`` would have raised."""

    suites: int
    expectations: int
    dbt_tests: int


def check(
    run: Run,
    *,
    dbt_tests: int,
    as_of: datetime,
    source_kinds: Sequence[str],
    progress: SuiteProgress = lambda done, total, suite: None,
    directory: Path | None = None,
) -> CheckResult:
    """Run every suite that applies; the number that ran must be the manifest's.

    Raises ``ChecksFailedError`` (exit 6) with every failed check, also when a check could not run.
    """
    directory = directory or paths.expectations()
    manifest = load_manifest(directory)
    shipped = load_suites(directory)
    _compare_with_manifest(manifest, shipped, dbt_tests, source_kinds)
    suites = [suite for suite in shipped if suite.applies_to in (None, *source_kinds)]
    failed: list[FailedCheck] = []
    with _attached(run) as connection:
        validator = _Validator()
        for position, suite in enumerate(suites, start=1):
            progress(position, len(suites), suite.name)
            measures = _measure(connection, suite, as_of, source_kinds)
            failed += validator.validate(suite, measures)
    if failed:
        raise ChecksFailedError(
            "; ".join(str(item) for item in failed[:5])
            + (f"; and {len(failed) - 5} more" if len(failed) > 5 else ""),
            where=failed[0].table,
            next_step=failed[0].next_step,
        )
    return CheckResult(
        suites=len(suites),
        expectations=sum(len(suite.expectations) for suite in suites),
        dbt_tests=dbt_tests,
    )


def warm_up() -> None:
    """Load Great Expectations ahead of time; a failure shows when the checks begin."""
    import contextlib

    with contextlib.suppress(Exception):
        import great_expectations  # noqa: F401


def load_suites(directory: Path) -> list[Suite]:
    """Read every suite file; a file that can't be understood stops the night (exit 6)."""
    suites = []
    for path in sorted(directory.glob("*/*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not content.get("expectations"):
            raise ChecksFailedError(
                "0 checks in this suite",
                where=f"expectations/{path.parent.name}/{path.name}",
                next_step="restore the file: a table without a check can't be published",
            )
        suites.append(
            Suite(
                name=f"{path.parent.name}_{path.stem}",
                table=content["table"],
                applies_to=content.get("applies_to"),
                alive=content.get("alive", "true"),
                measures=content.get("measures", {}),
                expectations=content["expectations"],
            )
        )
    return suites


def load_manifest(directory: Path) -> Mapping[str, Any]:
    """Read how many checks must run, by suite, and how many dbt tests."""
    path = directory / "manifest.yml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ChecksFailedError(
            "the manifest of checks is missing, so nobody can tell whether all of them ran",
            where="expectations/manifest.yml",
            next_step="restore the file from the distribution",
        ) from error
    return dict(content)


def _compare_with_manifest(
    manifest: Mapping[str, Any], suites: Sequence[Suite], dbt_tests: int, source_kinds: Sequence[str]
) -> None:
    expected: Mapping[str, int] = manifest["suites"]
    present = {suite.name: len(suite.expectations) for suite in suites}
    for name in sorted(expected.keys() | present.keys()):
        if present.get(name, 0) != expected.get(name, 0):
            raise ChecksFailedError(
                f"suite {name} holds {present.get(name, 0)} checks, the manifest says {expected.get(name, 0)}",
                where="expectations/manifest.yml",
                next_step="restore the suite's file, or write the new number into the manifest",
            )
    wanted = sum(manifest["dbt_tests"].get(part, 0) for part in {"common", *source_kinds})
    if dbt_tests != wanted:
        raise ChecksFailedError(
            f"{dbt_tests} dbt tests ran, the manifest says {wanted}",
            where="expectations/manifest.yml",
            next_step="find out which test was added or lost, then write the new number into the manifest",
        )


def _attached(run: Run) -> duckdb.DuckDBPyConnection:
    connection = connect()
    attach(connection, run.candidate_path, "candidate")
    attach(connection, run.raw_path, "raw")
    previous = run.published_link / "leadrole.duckdb"
    if previous.exists():
        attach(connection, previous.resolve(), "previous")
    return connection


def _measure(
    connection: duckdb.DuckDBPyConnection, suite: Suite, as_of: datetime, source_kinds: Sequence[str]
) -> dict[str, float | None]:
    measures = {
        "row_count": f"count(*) filter (where {suite.alive})",
        **{name: _of_kinds(measure, source_kinds) for name, measure in suite.measures.items()},
    }
    expressions = ", ".join(f"({expression})::double as {name}" for name, expression in measures.items())
    try:
        cursor = connection.execute(
            f"select {expressions} from {suite.table}, (select ?::timestamptz as as_of) as run", [as_of]
        )
        names = [column[0] for column in cursor.description]
        (values,) = cursor.fetchall()
    except duckdb.Error as error:
        raise ChecksFailedError(
            f"the measures of suite {suite.name} can't be computed ({type(error).__name__})",
            where=suite.table,
            next_step="a column or table that the suite names is gone: mend the suite or the model",
        ) from error
    found = dict(zip(names, values, strict=True))
    found["previous_row_count"] = _previous_rows(connection, suite)
    previous = found["previous_row_count"]
    found["row_count_ratio"] = found["row_count"] / previous if previous else None
    return found


def _of_kinds(measure: str | Mapping[str, str], source_kinds: Sequence[str]) -> str:
    """A measure's SQL; one that is told apart by kind of source is the sum of what applies."""
    if isinstance(measure, str):
        return measure
    return " + ".join(f"({sql})" for part, sql in measure.items() if part in {"common", *source_kinds})


def _previous_rows(connection: duckdb.DuckDBPyConnection, suite: Suite) -> float | None:
    """Rows of the same mart in the publication that stands, or None when there is none."""
    table = suite.table.removeprefix("candidate.")
    try:
        ((rows,),) = connection.execute(f"select count(*) from previous.{table}").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    return float(rows)


class _Validator:
    """Great Expectations over one-row frames; imported when first needed, because it takes seconds."""

    def __init__(self) -> None:
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        try:
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig
        except Exception as error:
            raise ChecksFailedError(
                f"Great Expectations can't be loaded ({type(error).__name__}), so no check ran",
                where="expectations",
                next_step="reinstall from requirements.lock; nothing is published unchecked",
            ) from error
        # It announces its temporary directories at INFO wherever somebody configured logging.
        logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
        self._gx = gx
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = self._context.data_sources.add_pandas("measures")
        self._batch = source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("night")

    def validate(self, suite: Suite, measures: Mapping[str, float | None]) -> list[FailedCheck]:
        import pandas
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        expectations = [
            ExpectationConfiguration(
                type=entry["type"], kwargs=dict(entry["kwargs"]), meta=dict(entry["meta"])
            ).to_domain_obj()
            for entry in suite.expectations
        ]
        definition = self._gx.ValidationDefinition(
            name=suite.name,
            data=self._batch,
            suite=self._context.suites.add(
                self._gx.ExpectationSuite(name=suite.name, expectations=expectations)
            ),
        )
        result = self._context.validation_definitions.add(definition).run(
            batch_parameters={"dataframe": pandas.DataFrame([dict(measures)], dtype="float64")},
            result_format="BOOLEAN_ONLY",
        )
        if len(result.results) != len(suite.expectations):
            raise InternalError(
                f"{len(result.results)} of {len(suite.expectations)} checks of suite {suite.name} ran",
                where=suite.table,
                next_step="nothing is published unchecked; report this line as a fault in Leadrole",
            )
        return [
            _told(suite, measures, item.expectation_config) for item in result.results if not item.success
        ]


def _told(
    suite: Suite, measures: Mapping[str, float | None], broken: ExpectationConfiguration | None
) -> FailedCheck:
    if broken is None or broken.meta is None:
        raise InternalError(
            f"a check of suite {suite.name} failed without saying which",
            where=suite.table,
            next_step="nothing is published unchecked; report this line as a fault in Leadrole",
        )
    return FailedCheck(
        name=broken.meta["name"],
        table=suite.table.removeprefix("candidate."),
        observed=measures.get(broken.kwargs["column"]),
        limit=_limit(broken.kwargs),
        next_step=broken.meta["next_step"],
    )


def _limit(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None:
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"
    if low is not None:
        return f"at least {low:g}"
    if high is not None:
        return f"at most {high:g}"
    return "a value"
