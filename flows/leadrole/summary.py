"""What a publication says in a few lines: three roles, the worst finding, and what changed since the last.

The terminal, Prefect's artifact and ``leadrole status`` show the same summary. Read from the published file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

ROLES = ("inbound", "outbound", "closer")
# The rule whose threshold is the size of each role (`dim_threshold_rule`).
_WORDS = {
    "marketing_first": "too few leads for this role: work on marketing first",
    "no_change": "leave it as it is",
    "prepare_hire": "prepare to hire",
    "hire_full_time": "hire a full-time person",
    "two_part_timers": "staff it with two part-timers",
    "split_role": "split the role",
    "combine_closer_outbound": "closer and outbound may be one person",
    "hire_outbound_now": "hire outbound now",
    "need_more_data": "not enough data to say",
}
_RECOMMENDATION_OF_ROLE = {
    "inbound": ("R2", "R3"),
    "outbound": ("R5", "R4"),
    "closer": ("R6",),
}
_COUNTED = {
    "fct_lead_cycle": "lead cycles",
    "fct_touch": "touches",
    "fct_deal": "deals",
    "fct_handover": "hand-overs",
}


@dataclass(frozen=True)
class RoleVerdict:
    """One role's load, required and available FTE, state and advice, for the latest complete month."""

    role: str
    rule_id: str | None
    month: date | None
    volume: float | None
    threshold: float | None
    unit: str | None
    required_fte: float | None
    available_fte: float | None
    state: str
    advice: str


@dataclass(frozen=True)
class WorstFinding:
    """The most severe finding that was found, in English."""

    rule_id: str
    severity: str
    text: str
    action: str


@dataclass(frozen=True)
class Summary:
    """A publication in a few lines. ``counts`` are rows by kind."""

    publish_id: str
    as_of: str
    roles: tuple[RoleVerdict, ...]
    worst: WorstFinding | None
    findings: int
    counts: Mapping[str, int]


def summarise(publication: Path) -> Summary:
    """Read the summary of the publication in this directory."""
    with duckdb.connect(str(publication / "leadrole.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        ((publish_id, as_of),) = connection.execute(
            "select distinct publish_id, strftime(as_of_utc, '%Y-%m-%d %H:%M UTC') from marts.mart_publication"
        ).fetchall()
        roles = tuple(_verdict(connection, role) for role in ROLES)
        found = connection.execute(
            "select rule_id, severity, text_en, action_en from marts.mart_findings where status = 'found'"
            " and state <> 'suppressed'"
            " order by case severity when 'high' then 1 when 'medium' then 2 else 3 end,"
            " cast(substr(rule_id, 2) as integer), finding_id"
        ).fetchall()
        counts = {
            label: int(connection.execute(f"select count(*) from marts.{table}").fetchall()[0][0])
            for table, label in _COUNTED.items()
        }
    return Summary(
        publish_id=publish_id,
        as_of=as_of,
        roles=roles,
        worst=WorstFinding(*found[0]) if found else None,
        findings=len(found),
        counts=counts,
    )


def _verdict(connection: duckdb.DuckDBPyConnection, role: str) -> RoleVerdict:
    rules = _RECOMMENDATION_OF_ROLE[role]
    cursor = connection.execute(
        "select rule_id, month, volume, threshold, unit, required_fte, available_fte, state, recommendation"
        " from marts.mart_staffing where is_latest and rule_id in (select unnest(?))",
        [list(rules)],
    )
    names = [column[0] for column in cursor.description]
    by_rule = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    ordered = [by_rule[rule] for rule in rules if rule in by_rule]
    if not ordered:
        return RoleVerdict(
            role, None, None, None, None, None, None, None, "insufficient_data", _WORDS["need_more_data"]
        )
    # The first rule sizes the role; the first that asks for something gives the advice.
    sized = ordered[0]
    telling = next(
        (row for row in ordered if row["recommendation"] not in (None, "no_change", "need_more_data")), sized
    )
    return RoleVerdict(
        role=role,
        rule_id=telling["rule_id"],
        month=sized["month"],
        volume=sized["volume"],
        threshold=sized["threshold"],
        unit=sized["unit"],
        required_fte=sized["required_fte"],
        available_fte=sized["available_fte"],
        state=telling["state"],
        advice=_WORDS.get(telling["recommendation"], telling["recommendation"]),
    )


def role_line(verdict: RoleVerdict) -> str:
    """One role in words: load against threshold, FTE needed against available."""
    parts = []
    if verdict.volume is not None and verdict.threshold is not None:
        parts.append(f"{verdict.volume:,.0f} against {verdict.threshold:,.0f} {verdict.unit or ''}".rstrip())
    if verdict.required_fte is not None:
        available = "unknown" if verdict.available_fte is None else f"{verdict.available_fte:.2f}"
        parts.append(f"{verdict.required_fte:.2f} FTE needed, {available} there")
    return ", ".join(parts) or "no volume measured"


def changes(before: Summary | None, after: Summary) -> list[str]:
    """What changed between two publications, a line each."""
    if before is None:
        return []
    lines = [
        f"{label}: {before.counts.get(label, 0):,} → {count:,} ({count - before.counts.get(label, 0):+,})"
        for label, count in after.counts.items()
        if count != before.counts.get(label, 0)
    ]
    earlier = {verdict.role: verdict for verdict in before.roles}
    lines += [
        f"{verdict.role}: {earlier[verdict.role].state} → {verdict.state}"
        for verdict in after.roles
        if verdict.state != earlier[verdict.role].state
    ]
    if before.findings != after.findings:
        lines.append(f"findings: {before.findings} → {after.findings}")
    return lines or ["no counted row changed; the figures are as of a later moment"]


def markdown(summary: Summary) -> str:
    """The summary as a table for Prefect's artifact."""
    lines = [
        f"# Publication {summary.publish_id}",
        "",
        f"As of {summary.as_of}",
        "",
        "| role | load | state | advice |",
        "|---|---|---|---|",
        *(
            f"| {verdict.role} | {role_line(verdict)} | {verdict.state} | {verdict.advice} |"
            for verdict in summary.roles
        ),
        "",
    ]
    if summary.worst:
        lines += [
            f"**Worst finding ({summary.worst.severity})**: {summary.worst.text}",
            "",
            summary.worst.action,
        ]
    return "\n".join(lines) + "\n"
