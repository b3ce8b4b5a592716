"""Build the candidate warehouse: the company's settings as tables, then one ``dbt build`` over raw.

dbt runs as a process of its own. It can't leave a lock on the candidate, its memory is given back before the
checks begin, and its logging can't take over ours. This module is the only one that knows dbt.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from leadrole import paths
from leadrole.errors import ChecksFailedError, InternalError, StorageError
from leadrole.privacy import domain_key, pseudonym_key, rep_key
from leadrole.run import Run
from leadrole.settings import ApiSource, Exclusion, Settings

NodeProgress = Callable[[int, int, str], None]
# rep_id, pseudonym, label, hours_week, seniority, team, hired_on
_PersonRow = tuple[str, str, str, float | None, str | None, str | None, date | None]

_TIMEOUT_SECONDS = 3600
# dbt, killed by the kernel when this process dies: left alone it would keep raw.duckdb open and stop the next run.
_DBT = (
    "import ctypes, signal, sys\n"
    "if sys.platform == 'linux':\n"
    "    ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"
    "from dbt.cli.main import cli\n"
    "cli()"
)
_ISO_WEEKDAYS = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 7}
_OWNER_COLUMNS = {
    "hubspot": [
        ("owners", "id"),
        ("contacts", "hubspot_owner_id"),
        ("deals", "hubspot_owner_id"),
        ("calls", "hubspot_owner_id"),
        ("emails", "hubspot_owner_id"),
        ("meetings", "hubspot_owner_id"),
        ("leads", "hubspot_owner_id"),
        ("tasks", "hubspot_owner_id"),
        ("communications", "hubspot_owner_id"),
    ],
    "odoo": [
        ("users", "id"),
        ("leads", "user_id"),
        ("meetings", "user_id"),
        ("activities", "user_id"),
    ],
    "pipedrive": [
        ("users", "id"),
        ("leads", "owner_id"),
        ("leads", "creator_id"),
        ("deals", "owner_id"),
        ("deals", "creator_user_id"),
        ("activities", "owner_id"),
    ],
    "salesforce": [
        ("groups", "id"),
        ("leads", "owner_id"),
        ("contacts", "owner_id"),
        ("opportunities", "owner_id"),
        ("tasks", "owner_id"),
        ("events", "owner_id"),
        ("lead_history", "case when data_type = 'EntityId' then new_value end"),
        ("contact_history", "case when data_type = 'EntityId' then new_value end"),
        ("opportunity_field_history", "case when data_type = 'EntityId' then new_value end"),
    ],
    "csv": [
        ("people", "id"),
        ("leads", "owner_id"),
        ("leads", "qualified_by"),
        ("deals", "owner_id"),
        ("deals", "qualified_by"),
        ("deals", "closed_by"),
        ("activities", "owner_id"),
    ],
}
_OWNER_HISTORY = {
    "hubspot": [
        ("contacts_history", "hubspot_owner_id"),
        ("deals_history", "hubspot_owner_id"),
        ("leads_history", "hubspot_owner_id"),
    ],
    "pipedrive": [("leads_history", "owner_id")],
    "salesforce": [
        ("leads_history", "owner_id"),
        ("contacts_history", "owner_id"),
        ("opportunities_history", "owner_id"),
    ],
}
# What a CRM calls the people that own records.
_REP_NAMES = {
    "hubspot": "select id, nullif(trim(concat_ws(' ', first_name, last_name)), '') from raw_hubspot.owners",
    "odoo": "select id, name from raw_odoo.users",
    "pipedrive": "select id, name from raw_pipedrive.users",
    # Most of an org's other users are programs, customers or partners.
    "salesforce": "select id, nullif(trim(concat_ws(' ', first_name, last_name)), '') from raw_salesforce.users "
    "where coalesce(user_type, 'Standard') = 'Standard'",
    "csv": "select id, name from raw_csv.people",
}


@dataclass(frozen=True)
class FailedTest:
    """A dbt test that found rows: its name, the model it guards, and how many rows."""

    name: str
    table: str
    failures: int


@dataclass(frozen=True)
class BuildResult:
    """What dbt built: models and data tests that ran, and marts with their row counts."""

    models: int
    tests: int
    mart_rows: int


def build(
    settings: Settings,
    run: Run,
    *,
    as_of: datetime,
    data_through: datetime,
    progress: NodeProgress = lambda done, total, node: None,
) -> BuildResult:
    """Make ``candidate.duckdb`` anew from raw and the settings.

    Raises ``ChecksFailedError`` (exit 6) when a data test finds rows, ``InternalError`` (exit 9) when a model
    can't be built, ``StorageError`` (exit 7) when the candidate can't be written.
    """
    try:
        write_config(settings, run, as_of=as_of)
    except (OSError, duckdb.Error) as error:
        raise StorageError(
            f"the candidate can't be written ({type(error).__name__})",
            where=str(run.candidate_path),
            next_step="check free disk space and that no other program has this file open, then run again",
        ) from error
    results = _run_dbt(settings, run, as_of, data_through, progress)
    _raise_on_failure(results)
    tests = sum(1 for result in results if _kind(result) == "test")
    models = sum(1 for result in results if _kind(result) == "model")
    with duckdb.connect(str(run.candidate_path), read_only=True) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        rows = sum(
            connection.execute(f'select count(*) from marts."{table}"').fetchall()[0][0]
            for (table,) in tables
        )
    return BuildResult(models=models, tests=tests, mart_rows=rows)


def write_config(settings: Settings, run: Run, *, as_of: datetime) -> None:
    """Start a new candidate that holds the settings as tables in the schema ``config``."""
    run.candidate_path.unlink(missing_ok=True)
    run.candidate_path.with_name(run.candidate_path.name + ".wal").unlink(missing_ok=True)
    with duckdb.connect(str(run.candidate_path)) as connection:
        os.chmod(run.candidate_path, 0o600)
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema config")
        for table in _config_tables(settings, run, as_of):
            columns = ", ".join(table.columns)
            connection.execute(f"create table config.{table.name} ({columns})")
            if table.rows:
                marks = ", ".join("?" * len(table.columns))
                connection.executemany(
                    f"insert into config.{table.name} values ({marks})", [list(row) for row in table.rows]
                )


@dataclass(frozen=True)
class _Table:
    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def _config_tables(settings: Settings, run: Run, as_of: datetime) -> Iterable[_Table]:
    company = settings.company
    key = pseudonym_key(run.pseudonym_key_path)
    yield _Table(
        "company",
        [
            "name varchar",
            "timezone varchar",
            "country varchar",
            "reporting_currency varchar",
            "employees integer",
            "is_startup boolean",
            "lifetime_value double",
            "has_subscriptions boolean",
            "gross_margin double",
            "fte_hours_week double",
            "people_metrics boolean",
        ],
        [
            (
                company.name,
                company.timezone,
                company.country,
                company.reporting_currency,
                company.employees,
                company.startup,
                company.lifetime_value,
                company.subscriptions,
                company.gross_margin,
                company.fte_hours_week,
                settings.privacy.people_metrics,
            )
        ],
    )
    schedules = (
        ("company", date.min, None, company.working_hours),
        *((schedule.of, schedule.from_, schedule.to, schedule.hours) for schedule in settings.schedules),
    )
    yield _Table(
        "schedules",
        ["schedule_no integer", "calendar varchar", "valid_from date", "valid_to date"],
        [(number, of, since, until) for number, (of, since, until, _) in enumerate(schedules)],
    )
    yield _Table(
        "working_hours",
        ["schedule_no integer", "iso_weekday integer", "opens time", "closes time"],
        [
            (number, _ISO_WEEKDAYS[weekday], stretch.opens, stretch.closes)
            for number, (*_, hours) in enumerate(schedules)
            for weekday, stretches in hours.items()
            for stretch in stretches
        ],
    )
    yield _Table(
        "holidays",
        ["calendar varchar", "holiday_date date", "label varchar"],
        [("company", day, label) for day, label in _holidays(company.country, as_of)],
    )
    yield _Table(
        "role_assignments",
        [
            "rep_id varchar",
            "role varchar",
            "share double",
            "valid_from date",
            "valid_to date",
            "seniority varchar",
        ],
        [
            (role.person, role.role, role.share, role.from_, role.to, role.seniority)
            for role in settings.roles
        ],
    )
    yield _Table(
        "people",
        [
            "rep_id varchar",
            "rep_key varchar",
            "label varchar",
            "hours_week double",
            "seniority varchar",
            "team varchar",
            "hired_on date",
        ],
        _people(settings, run, key),
    )
    yield _Table(
        "leave_periods",
        ["rep_id varchar", "valid_from date", "valid_to date", "share double"],
        [
            (rep_id, leave.from_, leave.to, leave.share)
            for rep_id, person in settings.people.items()
            for leave in person.leave
        ],
    )
    yield _Table(
        "lead_sources",
        ["crm_value varchar", "source varchar", "motion varchar"],
        [(value, group.source, group.motion) for value, group in settings.lead_sources.items()],
    )
    milestones: list[tuple[str, str, str, str]] = []
    accepted: list[tuple[str, str]] = []
    kinds: list[tuple[str, str, str, str | None, str | None]] = []
    queues: list[tuple[str, str]] = []
    for source in settings.sources:
        if isinstance(source, ApiSource):
            milestones += [(source.kind, *milestone) for milestone in source.milestones]
            accepted += [(source.kind, stage) for stage in source.accepted_stages]
            kinds += [(source.kind, *meaning) for meaning in source.activity_meanings]
            queues += [(source.kind, f"{source.kind}:{owner}") for owner in source.queues]
    yield _Table(
        "lead_milestones",
        ["source_crm varchar", "field varchar", "value varchar", "milestone varchar"],
        milestones,
    )
    yield _Table("accepted_stages", ["source_crm varchar", "stage_id varchar"], accepted)
    yield _Table(
        "activity_kinds",
        ["source_crm varchar", "type varchar", "kind varchar", "direction varchar", "outcome varchar"],
        kinds,
    )
    yield _Table("queue_owners", ["source_crm varchar", "owner_id varchar"], queues)
    yield _Table(
        "exclusion_rules",
        [
            "rule_id varchar",
            "field varchar",
            "comparator varchar",
            "value varchar",
            "compared_with varchar",
            "reason varchar",
            "author varchar",
            "added_on date",
        ],
        [
            (rule.id, rule.field, *_comparison(rule, key), rule.reason, rule.author, rule.added_on)
            for rule in settings.exclusions
        ],
    )
    yield _Table(
        "finding_suppressions",
        [
            "suppression_id varchar",
            "rule_id varchar",
            "scope_value varchar",
            "reason varchar",
            "suppressed_by varchar",
            "suppressed_until date",
        ],
        [
            (item.id, item.rule, item.scope, item.reason, item.by, item.until)
            for item in settings.findings.suppress
        ],
    )
    yield _Table(
        "currency_rates",
        ["currency_code varchar", "rate_date date", "rate decimal(18,8)"],
        [
            (currency, rate.date, rate.rate)
            for currency, rates in settings.currency_rates.items()
            for rate in rates
        ],
    )
    domains = (str(row[0]) for row in _seed(settings, "freemail_domains", {}).rows)
    yield _Table(
        "freemail_domains",
        ["domain_key varchar"],
        [(one,) for one in sorted({domain_key(key, domain) or "" for domain in domains} - {""})],
    )
    yield _seed(settings, "threshold_rules", {"threshold": "double"})
    yield _seed(settings, "finding_rules", {"threshold": "double", "sort_no": "integer"})
    yield _seed(settings, "metric_catalogue", {"version": "integer", "since": "date"})
    yield _seed(settings, "metric_sources", {})


def _comparison(rule: Exclusion, key: bytes) -> tuple[str, str, str]:
    """How a rule compares, the text of the config, and what a lead's value is compared with.

    A pattern becomes one of LIKE, with ! before what LIKE would read as a sign of its own; a domain its hash.
    """
    if rule.matches is not None:
        pattern = re.sub("[!%_]", lambda found: f"!{found[0]}", rule.matches.lower())
        return "matches", rule.matches, pattern.replace("*", "%").replace("?", "_")
    text = rule.equals or ""
    if rule.field == "email_domain":
        return "equals", text, domain_key(key, text) or ""
    return "equals", text, text.lower()


def _seed(settings: Settings, name: str, types: dict[str, str]) -> _Table:
    own = settings.home / "config" / "seeds" / f"{name}.csv"
    path = own if own.is_file() else paths.config() / "seeds" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as opened:
        reader = csv.reader(opened)
        header = next(reader)
        rows = [[value if value != "" else None for value in row] for row in reader]
    return _Table(name, [f"{column} {types.get(column, 'varchar')}" for column in header], rows)


def _holidays(country: str, as_of: datetime) -> list[tuple[date, str]]:
    import holidays

    years = range(as_of.year - 15, as_of.year + 3)
    calendar = holidays.country_holidays(country, years=years)
    return sorted(calendar.items())


def _people(settings: Settings, run: Run, key: bytes) -> list[_PersonRow]:
    named = _owners_in_raw(run, {source.kind for source in settings.sources})
    for rep_id in (
        *(role.person for role in settings.roles),
        *(
            schedule.of
            for schedule in settings.schedules
            if schedule.of.split(":")[0] not in ("company", "team")
        ),
    ):
        named.setdefault(rep_id, None)
    seniority_in_role = {role.person: role.seniority for role in settings.roles if role.seniority}
    people: list[_PersonRow] = []
    for rep_id in sorted(named):
        configured = settings.people.get(rep_id)
        pseudonym = rep_key(key, rep_id)
        label = f"rep {pseudonym[:4]}"
        if settings.privacy.rep_names:
            label = (configured.label if configured else None) or named[rep_id] or label
        people.append(
            (
                rep_id,
                pseudonym,
                label,
                configured.hours_week if configured else None,
                (configured.seniority if configured else None) or seniority_in_role.get(rep_id),
                configured.team if configured else None,
                configured.hired_on if configured else None,
            )
        )
    _write_names(run, [(rep_id, rep_key(key, rep_id), name) for rep_id, name in named.items()])
    return people


def _owners_in_raw(run: Run, kinds: Collection[str]) -> dict[str, str | None]:
    """Every owner id that raw mentions, with the CRM's name for it where there is one."""
    found: dict[str, str | None] = {}
    with duckdb.connect(str(run.raw_path), read_only=True) as connection:
        for kind in sorted(kinds):
            queries = [
                f"select {column} as owner_id from raw_{kind}.{table}"
                for table, column in _OWNER_COLUMNS[kind]
            ]
            queries += [
                f"select value as owner_id from raw_{kind}.{table} where field = '{field}'"
                for table, field in _OWNER_HISTORY.get(kind, [])
            ]
            union = " union ".join(queries)
            rows = connection.execute(
                f"select distinct owner_id from ({union}) where coalesce(owner_id, '') <> ''"
            ).fetchall()
            found.update({f"{kind}:{owner_id}": None for (owner_id,) in rows})
            named = connection.execute(_REP_NAMES[kind]).fetchall()
            found.update({f"{kind}:{owner_id}": name for owner_id, name in named})
    return found


def _write_names(run: Run, people: Sequence[tuple[str, str, str | None]]) -> None:
    """Keep names apart from the marts, for those who may join them (``people.duckdb``, mode 0600)."""
    run.people_path.unlink(missing_ok=True)
    with duckdb.connect(str(run.people_path)) as connection:
        os.chmod(run.people_path, 0o600)
        connection.execute("create table people (rep_id varchar, crm_id varchar, name varchar)")
        if people:
            connection.executemany(
                "insert into people values (?, ?, ?)", [[key, crm_id, name] for crm_id, key, name in people]
            )


def _run_dbt(
    settings: Settings, run: Run, as_of: datetime, data_through: datetime, progress: NodeProgress
) -> list[dict[str, Any]]:
    work = run.candidate_path.parent / "dbt"
    work.mkdir(mode=0o700, exist_ok=True)
    results_path = work / "target" / "run_results.json"
    results_path.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-c",
        _DBT,
        "--log-format",
        "json",
        "--log-level-file",
        "none",
        "--no-version-check",
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--vars",
        json.dumps(dbt_vars(settings, run.run_id, as_of, data_through)),
    ]
    try:
        process = subprocess.Popen(
            command,
            env={**os.environ, **dbt_environment(run, work)},
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        messages = _follow(process, progress)
        process.wait(timeout=_TIMEOUT_SECONDS)
    finally:
        if "process" in locals() and process.poll() is None:
            process.kill()
            process.wait()
    if not results_path.exists():
        raise InternalError(
            f"dbt stopped before it built anything: {messages[-1] if messages else 'no message'}",
            where="dbt_project",
            next_step="run `leadrole check-config`; if that passes, this is a fault in Leadrole: report it with this line",
        )
    return list(json.loads(results_path.read_text(encoding="utf-8"))["results"])


def dbt_environment(run: Run, work: Path) -> dict[str, str]:
    """The environment in which dbt finds the project, the candidate and raw, and sends nothing anywhere."""
    return {
        "LEADROLE_CANDIDATE": str(run.candidate_path),
        "LEADROLE_RAW": str(run.raw_path),
        "DBT_PROJECT_DIR": str(paths.dbt_project()),
        "DBT_PROFILES_DIR": str(paths.dbt_project()),
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def dbt_vars(settings: Settings, run_id: str, as_of: datetime, data_through: datetime) -> dict[str, Any]:
    """The run's clock and the company's parameters, as dbt variables."""
    return {
        "publish_id": run_id,
        "as_of": _moment(as_of),
        "data_through": _moment(data_through),
        "timezone": settings.company.timezone,
        "source_kinds": sorted(source.kind for source in settings.sources),
        "solved_months": settings.findings.solved_months,
        **settings.parameters.model_dump(mode="json"),
    }


def _moment(value: datetime) -> str:
    return value.isoformat(sep=" ")


def _follow(process: subprocess.Popen[str], progress: NodeProgress) -> list[str]:
    """Report each finished node; answers the errors dbt printed."""
    errors: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        try:
            event = json.loads(line)
        except ValueError:
            # A line outside the log format is a crash before dbt's logging began.
            errors.append(line.strip())
            continue
        data, info = event.get("data", {}), event.get("info", {})
        if info.get("name") in ("LogModelResult", "LogTestResult"):
            node = data.get("node_info", {}).get("node_name", "")
            progress(int(data.get("index", 0)), int(data.get("total", 0)), node)
        if info.get("level") == "error" and info.get("msg"):
            errors.append(" ".join(str(info["msg"]).split()))
    return [message for message in errors if message]


def _kind(result: dict[str, Any]) -> str:
    return str(result["unique_id"]).split(".", 1)[0]


def _raise_on_failure(results: Sequence[dict[str, Any]]) -> None:
    broken = [result for result in results if result["status"] == "error"]
    if broken:
        first = broken[0]
        raise InternalError(
            f"dbt could not build {_name(first)}: {' '.join(str(first.get('message')).split())[:300]}",
            where=_name(first),
            next_step="the last publication is untouched; report this line as a fault in Leadrole",
        )
    failed = [
        FailedTest(_name(result), _guarded(result), int(result.get("failures") or 0))
        for result in results
        if _kind(result) == "test" and result["status"] == "fail"
    ]
    if failed:
        raise ChecksFailedError(
            "; ".join(f"{test.name} found {test.failures} rows in {test.table}" for test in failed[:5])
            + (f"; and {len(failed) - 5} more" if len(failed) > 5 else ""),
            where=failed[0].table,
            next_step="look at these rows in data/candidate.duckdb (the queries are in data/dbt/target/compiled), "
            "mend them in the CRM or in the config, then run again; the last publication stands",
        )


def _name(result: dict[str, Any]) -> str:
    parts = str(result["unique_id"]).split(".")
    return parts[2] if len(parts) > 2 else parts[-1]


def _guarded(result: dict[str, Any]) -> str:
    relation = str(result.get("relation_name") or "")
    if relation:
        return relation.replace('"', "")
    compiled = str(result.get("compiled_code") or "")
    for word in compiled.replace('"', "").split():
        if word.startswith("candidate.marts.") or word.startswith("candidate.intermediate."):
            return word.removeprefix("candidate.")
    return "the marts"
