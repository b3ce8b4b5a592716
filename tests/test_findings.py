"""Findings: each one's counts against plain Python over the event log, each one's query against its counts.

A company of its own, in which everything goes wrong somewhere: one person keeps customers instead of winning them,
replies of prospects wait, hand-overs lie untouched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from company import FIRST_NIGHT, START, TOKEN, Company
from leadrole.sandbox.findings_truth import FindingsTruth, Staff
from leadrole.sandbox.log import Event, History, Script
from leadrole.sandbox.population import ALLROUNDER, JUNIOR, LEAVER, OUTBOUNDER, SENIOR, Population
from leadrole.sandbox.server import serve
from leadrole.sandbox.truth import compute
from leadrole.summary import summarise

pytestmark = pytest.mark.slow

EMPLOYEES = 14
STAFF = Staff(
    roles={
        ALLROUNDER: ("closer", "inbound", "outbound"),
        JUNIOR: ("inbound",),
        OUTBOUNDER: ("outbound",),
        LEAVER: ("closer",),
        SENIOR: ("closer",),
    },
    seniors=frozenset({ALLROUNDER, LEAVER, SENIOR}),
)
MORE = "\n".join(
    [
        "roles:",
        *(
            f'  - {{person: "hubspot:{rep}", role: {role}, share: {share}, from: 2025-01-01, seniority: {level}}}'
            for rep, role, share, level in (
                (ALLROUNDER, "closer", 0.5, "senior"),
                (ALLROUNDER, "inbound", 0.3, "senior"),
                (ALLROUNDER, "outbound", 0.2, "senior"),
                (JUNIOR, "inbound", 1, "junior"),
                (OUTBOUNDER, "outbound", 1, "junior"),
                (LEAVER, "closer", 1, "senior"),
                (SENIOR, "closer", 1, "senior"),
            )
        ),
        "findings:",
        "  suppress:",
        "    - {id: S1, rule: F7, reason: until the new colleague starts, by: JB, until: 2026-05-06}",
        "    - {id: S2, rule: F8, scope: team, reason: ended, by: JB, until: 2026-05-05}",
    ]
)


def extra_events(population: Population) -> list[Event]:
    """What the population lacks: work on customers, replies of prospects, hand-overs nobody touches."""
    script = Script()
    truth = compute(population, FIRST_NIGHT)
    number = iter(range(8_000_000_001, 8_000_100_000))

    def id_() -> str:
        return str(next(number))

    monday = datetime(2026, 2, 2, 9, 30, tzinfo=UTC)
    customers = sorted({person for deal in truth.deals if deal.status == "won" for person in deal.persons})
    for day in range(0, 84, 7):
        for turn in range(24):
            at = monday + timedelta(days=day + turn % 5, minutes=7 * turn)
            script.call(
                at, id_(), customers[(day + turn) % len(customers)], SENIOR, outcome="connected", seconds=240
            )
    prospects = [
        cycle
        for cycle in truth.cycles
        if cycle.motion == "outbound"
        and cycle.number == 1
        and cycle.first_attempt_at
        and cycle.qualified_at is None
    ]
    for index, cycle in enumerate(prospects):
        assert cycle.first_attempt_at is not None
        at = cycle.first_attempt_at + timedelta(hours=3 + index % 40)
        script.email(at, id_(), cycle.person, OUTBOUNDER, direction="in")
        script.email(at + timedelta(hours=2), id_(), cycle.person, OUTBOUNDER, direction="in")
        if index % 3:
            script.email(at + timedelta(days=index % 4, hours=4), id_(), cycle.person, OUTBOUNDER)
    for index in range(9):
        contact, at = id_(), monday + timedelta(days=30 + 2 * index)
        script.form(at, contact, owner=JUNIOR)
        script.call(at + timedelta(minutes=20), id_(), contact, JUNIOR, outcome="connected", seconds=300)
        script.lifecycle(at + timedelta(days=1), contact, "salesqualifiedlead", by=JUNIOR)
        script.assign(at + timedelta(days=1, minutes=1), contact, SENIOR, by=JUNIOR)
        if index % 2:
            script.status(at + timedelta(days=4 + 5 * index), contact, "UNQUALIFIED", by=SENIOR)
    return script.events


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    population = Population(seed=11, start=START, months=12, scale=0.35)
    history = History([*population.events, *extra_events(population)], population.owners)
    with serve(history, now=FIRST_NIGHT, token=TOKEN, search_lag_seconds=0) as server:
        made = Company(tmp_path_factory.mktemp("home"), server, history)  # type: ignore[arg-type]
        made.write_config(MORE)
        made.night()
        yield made


@pytest.fixture(scope="module")
def truth(company: Company) -> FindingsTruth:
    return FindingsTruth(company.population, company.as_of(), STAFF)


@pytest.fixture(scope="module")
def windows(company: Company) -> list[dict[str, Any]]:
    """Every finding in every window of the history, from the candidate that was published."""
    with duckdb.connect(str(company.home / "data" / "candidate.duckdb"), read_only=True) as connection:
        cursor = connection.execute("select * from intermediate.int_finding_windows")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def published(company: Company) -> dict[str, dict[str, Any]]:
    rows = company.rows("select * from main_published.mart_findings order by sort_no")
    return {row["finding_id"]: {**row, "evidence": json.loads(row["evidence"])} for row in rows}


def true_counts(truth: FindingsTruth, row: dict[str, Any]) -> tuple[float | None, ...]:
    """(k, n), with the figure where it is a count of people, of a finding in a window."""
    window = row["window_start"], row["window_end"]
    match row["rule_id"], row["scope_value"]:
        case "F1", "outbound":
            return truth.late_replies(window)[:2]
        case "F2", "inbound":
            return truth.unanswered_leads(window)
        case "F2", "outbound":
            return truth.unanswered_replies(window)
        case "F2", "closer":
            return truth.untouched_handovers(window)
        case "F3", _:
            return truth.relationship_work(window)
        case "F4", _:
            return truth.acquisition_days(window)
        case "F5", "inbound":
            return truth.poor_leads(window)
        case "F5", "closer":
            return truth.poor_handovers(window)
        case "F6", _:
            return truth.senior_outbound(window)
        case "F7", _:
            return truth.whole_process(window)
        case "F8", _:
            return truth.self_handovers(window, EMPLOYEES)
        case "F9", _:
            return truth.jumps(window)
        case "F10", _:
            cut = truth.at if row["is_newest"] else truth.month_end(row["last_month"])
            standing, opened = truth.stalled(cut)
            return len(standing), len(opened)
    raise AssertionError(row)


WITH_TRUTH = [
    ("F1", "outbound"), ("F2", "inbound"), ("F2", "outbound"), ("F2", "closer"), ("F3", "team"), ("F4", "outbound"),
    ("F5", "inbound"), ("F5", "closer"), ("F6", "team"), ("F7", "team"), ("F8", "team"), ("F9", "team"), ("F10", "closer"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "scope"), WITH_TRUTH)
def test_a_finding_counts_what_truly_happened_in_every_window(
    truth: FindingsTruth, windows: list[dict[str, Any]], rule: str, scope: str
) -> None:
    rows = [row for row in windows if (row["rule_id"], row["scope_value"]) == (rule, scope)]
    assert len(rows) == 10
    for row in rows:
        true = true_counts(truth, row)
        found = (row["k"], row["n"], row["figure"])[: len(true)]
        assert found == true, (row["last_month"], found, true)
    assert any(row["k"] for row in rows) and any(row["k"] != row["n"] for row in rows)


def test_half_of_the_replies_wait_as_long_as_they_truly_do(
    truth: FindingsTruth, published: dict[str, dict[str, Any]]
) -> None:
    row = published["F1:outbound"]
    _, n, median = truth.late_replies((date(2026, 2, 1), date(2026, 5, 1)))
    assert n >= 10
    assert row["estimate"] == (None if median is None else pytest.approx(median, abs=0.02))


def test_stalled_deals_cost_the_hours_that_were_logged_on_them(
    truth: FindingsTruth, published: dict[str, dict[str, Any]]
) -> None:
    standing, _ = truth.stalled(truth.at)
    hours = truth.hours_on(standing)
    assert published["F10:closer"]["evidence"]["figure"] == pytest.approx(hours, abs=1e-6) and hours > 1
    assert f"{hours:.1f} hours" in published["F10:closer"]["text_en"]


def test_the_query_of_a_finding_lists_exactly_what_it_counted(
    company: Company, published: dict[str, dict[str, Any]]
) -> None:
    listed = 0
    for finding_id, row in published.items():
        evidence = row["evidence"]
        assert evidence["rows_query"] == row["rows_query"]
        assert (evidence["k"], evidence["n"], evidence["estimate"]) == (row["k"], row["n"], row["estimate"])
        count = len(company.rows(row["rows_query"]))
        assert count == row[evidence["rows_are"]], finding_id
        listed += count > 0
    assert len(published) == 15 and listed >= 13


def test_the_query_holds_for_earlier_windows_too(company: Company, windows: list[dict[str, Any]]) -> None:
    for row in windows:
        # F10's lists what stands still at the cut, whatever the window.
        if row["rule_id"] != "F10" and row["last_month"].month % 4 == 0:
            count = len(company.rows(row["rows_query"]))
            assert count == row["n" if row["rule_id"] in ("F1", "F4") else "k"], row


def test_each_status_follows_from_its_counts_and_its_limit(published: dict[str, dict[str, Any]]) -> None:
    for finding_id, row in published.items():
        if row["rule_id"] in ("F1", "F3", "F6", "F7", "F9"):
            continue  # a median, or a limit for each person
        is_fault = (
            row["k"] < 0.5 * row["n"] if row["rule_id"] == "F4" else row["k"] > row["threshold"] * row["n"]
        )
        expected = "insufficient_data" if row["n"] < 10 else "found" if is_fault else "clear"
        assert row["status"] == expected, finding_id
    assert {"found", "clear"} <= {row["status"] for row in published.values()}
    assert {"F1:inbound", "F2:outbound", "F2:closer", "F3:team"} <= {
        finding_id for finding_id, row in published.items() if row["status"] == "found"
    }


def test_a_state_is_the_story_of_the_verdicts(
    windows: list[dict[str, Any]], published: dict[str, dict[str, Any]]
) -> None:
    """The same rule, walked through month by month instead of in one query."""
    seen = set()
    for finding_id, row in published.items():
        state, opened, cleared, before = None, None, None, None
        for window in sorted(windows, key=lambda window: window["last_month"]):
            if f"{window['rule_id']}:{window['scope_value']}" != finding_id:
                continue
            age = None if cleared is None else (window["window_end"] - cleared).days // 28
            if window["status"] == "found":
                state = "open" if state in ("new", "open") else "new"
                opened = opened if state == "open" else window["window_end"]
                cleared = None
            elif window["status"] == "clear" and state in ("new", "open") and before == "clear":
                state, cleared = "solved", window["window_end"]
            elif state == "solved" and age is not None and age >= 3:
                state = None
            elif state == "new":
                state = "open"
            before = window["status"] if window["status"] in ("found", "clear") else before
        expected = "suppressed" if finding_id == "F7:team" else state
        assert row["state"] == expected, (finding_id, row["state"], expected)
        if state is not None:
            assert row["opened_on"] == opened, finding_id
        seen.add(row["state"])
    assert {"open", "suppressed"} <= seen and len(seen) >= 3


def test_a_suppression_hides_until_its_day_and_says_why(published: dict[str, dict[str, Any]]) -> None:
    aside, ended = published["F7:team"], published["F8:team"]
    assert (aside["status"], aside["state"]) == ("found", "suppressed")
    assert aside["suppressed_reason"] == "until the new colleague starts"
    assert (aside["suppressed_by"], aside["suppressed_until"]) == ("JB", date(2026, 5, 6))
    assert ended["state"] != "suppressed" and ended["suppressed_reason"] is None


def test_the_summary_of_a_run_leaves_out_what_was_put_aside(
    company: Company, published: dict[str, dict[str, Any]]
) -> None:
    summary = summarise(company.home / "published")
    shown = {
        row["rule_id"]
        for row in published.values()
        if row["state"] in ("new", "open") and row["status"] == "found"
    }
    assert "F7" not in shown and summary.worst is not None and summary.worst.rule_id in shown
    assert summary.findings == sum(
        row["status"] == "found" and row["state"] != "suppressed" for row in published.values()
    )
    page = (company.home / "published" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Put aside until 6 May 2026 by JB: until the new colleague starts" in page


def test_every_finding_is_told_in_both_languages(published: dict[str, dict[str, Any]]) -> None:
    for finding_id, row in published.items():
        for words in ("text", "action"):
            dutch, english = row[f"{words}_nl"], row[f"{words}_en"]
            assert dutch and english and dutch != english, finding_id
            assert "None" not in dutch + english and "{" not in dutch + english
        if row["status"] in ("found", "clear") and row["rule_id"] not in ("F1", "F7"):
            for number in (row["k"], row["n"]):
                assert str(number) in row["text_nl"] and str(number) in row["text_en"], finding_id
