"""The whole night over real HTTP, judged by truth that no SQL computed."""

from __future__ import annotations

import json
import math
import os
import shutil
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from scipy.stats import beta, binomtest

from cohorts import (
    Sample,
    cohorts,
    customer_sample,
    funnel,
    funnel_events,
    incidence_at,
    qualified_sample,
    waits,
)
from company import TOKEN, Company
from leadrole.build import dbt_environment, dbt_vars
from leadrole.errors import (
    AuthError,
    ChecksFailedError,
    NothingNew,
    SourceContractError,
    SourceUnavailableError,
)
from leadrole.night import night
from leadrole.publish import current
from leadrole.run import new_run
from leadrole.sandbox.faults import Faults
from leadrole.sandbox.truth import Cycle, Month, Truth, kaplan_meier_quantile
from leadrole.sandbox.worktime import WorkTime
from published_columns import *  # noqa: F403  (tests that share this file's night)
from published_metrics import *  # noqa: F403  (tests that share this file's night)
from published_reconciliation import *  # noqa: F403  (tests that share this file's night)
from published_semantic import *  # noqa: F403
from staffing import THRESHOLDS, ahead, p_cross, posterior, story

pytestmark = pytest.mark.slow

Pick = Callable[[Month], Any]


def by_month(rows: list[dict[str, Any]], column: str) -> dict[date, Any]:
    return {row["month"]: row[column] for row in rows}


def assert_month_by_month(rows: list[dict[str, Any]], truth: Truth, column: str, pick: Pick) -> None:
    seen = by_month(rows, column)
    for month, true in truth.months.items():
        expected = pick(true)
        found = seen.get(month, 0)
        if isinstance(expected, float):
            assert found == pytest.approx(expected, abs=0.02), f"{column} of {month}"
        else:
            assert (found or 0) == (expected or 0), f"{column} of {month}: {found}, truth {expected}"
    assert any(pick(true) for true in truth.months.values()), (
        f"{column}: the truth is empty, the test proves nothing"
    )


INBOUND: dict[str, Pick] = {
    "inbound_leads": lambda m: m.inbound_leads,
    "lead_to_qualified_k": lambda m: m.lead_to_qualified.k,
    "lead_to_qualified_n": lambda m: m.lead_to_qualified.n,
    "never_answered_k": lambda m: m.never_answered.k,
    "never_answered_n": lambda m: m.never_answered.n,
    "lead_speed_n": lambda m: m.lead_speed_n,
    "lead_speed_answered": lambda m: m.lead_speed_answered,
    "lead_speed_median_wm": lambda m: m.lead_speed_median_wm,
    "unlogged_k": lambda m: m.unlogged.k,
}
OUTBOUND: dict[str, Pick] = {
    "new_prospects": lambda m: m.new_prospects,
    "prospect_to_qualified_k": lambda m: m.prospect_to_qualified.k,
    "prospect_to_qualified_n": lambda m: m.prospect_to_qualified.n,
}
CLOSER: dict[str, Pick] = {
    "qualified_received": lambda m: m.qualified_received,
    "lead_to_customer_k": lambda m: m.lead_to_customer.k,
    "lead_to_customer_n": lambda m: m.lead_to_customer.n,
    "deals_won": lambda m: m.deals_won,
    "deals_lost": lambda m: m.deals_lost,
    "win_rate_k": lambda m: m.win_rate.k,
    "win_rate_n": lambda m: m.win_rate.n,
    "self_handover_k": lambda m: m.self_handover.k,
}


def assert_every_month_equals_the_truth(company: Company) -> None:
    """Every column of the three month marts; for a CRM whose marts are compared in one go."""
    truth = company.truth()
    for mart, columns in (("inbound", INBOUND), ("outbound", OUTBOUND), ("closer", CLOSER)):
        rows = company.rows(f"select * from main_published.mart_{mart}_month where slice_type = 'all'")
        for column, pick in columns.items():
            seen = {row["month"]: row[column] or 0 for row in rows}
            true = {month: pick(figures) or 0 for month, figures in truth.months.items()}
            assert any(true.values()), f"{column}: the truth is empty, the test proves nothing"
            for month, figure in true.items():
                assert seen.get(month, 0) == pytest.approx(figure, abs=0.05), f"{column} of {month}"


@pytest.mark.parametrize("column", INBOUND)
def test_inbound_months_equal_the_truth(company: Company, column: str) -> None:
    rows = company.rows("select * from main_published.mart_inbound_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth(), column, INBOUND[column])


@pytest.mark.parametrize("column", OUTBOUND)
def test_outbound_months_equal_the_truth(company: Company, column: str) -> None:
    rows = company.rows("select * from main_published.mart_outbound_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth(), column, OUTBOUND[column])


@pytest.mark.parametrize("column", CLOSER)
def test_closer_months_equal_the_truth(company: Company, column: str) -> None:
    rows = company.rows("select * from main_published.mart_closer_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth(), column, CLOSER[column])


@pytest.mark.parametrize("rule", THRESHOLDS)
def test_staffing_is_judged_and_forecast_from_the_true_volumes(company: Company, rule: str) -> None:
    _, comparator, threshold = THRESHOLDS[rule]
    truth = company.truth()
    months = {month: true for month, true in sorted(truth.months.items()) if true.is_complete}
    volumes = [true.qualified_received if rule == "R6" else true.inbound_leads for true in months.values()]
    rows = company.rows(f"select * from main_published.mart_staffing where rule_id = '{rule}' order by month")
    assert [(row["month"], row["volume"]) for row in rows] == list(zip(months, volumes, strict=True))
    assert [row["state"] for row in rows] == [state for state, _ in story(volumes, comparator, threshold)]
    now = posterior(volumes)
    assert now is not None
    assert rows[-1]["p_cross"] == pytest.approx(p_cross(now, comparator, threshold), abs=1e-8)
    forecast = company.rows(
        f"select * from main_published.mart_staffing_forecast where rule_id = '{rule}' order by month"
    )
    assert [row["months_ahead"] for row in forecast] == [1, 2, 3, 4, 5, 6]
    for row in forecast:
        then = ahead(volumes, row["months_ahead"])
        assert then is not None and row["method"] == then.method
        assert row["volume_estimate"] == pytest.approx(then.rate.mean(), rel=1e-6)
        assert row["volume_pi_low"] == then.volume.ppf(0.1) and row["volume_pi_high"] == then.volume.ppf(0.9)
        assert (row["expected_cross_month"], row["hire_by"]) == (
            rows[-1]["expected_cross_month"],
            rows[-1]["hire_by"],
        )


WINDOWS = {
    "lead_to_qualified": ("inbound", 30),
    "prospect_to_qualified": ("outbound", 90),
    "lead_to_customer": ("closer", 180),
}


def assert_incidence(row: dict[str, Any], prefix: str, sample: Sample, window: float) -> bool:
    """The counts and the estimate of a row; answers whether it has an estimate of a young cohort."""
    reached = incidence_at(sample, window)
    assert row[f"{prefix}n"] == len(sample), row
    assert row[f"{prefix}k"] == sum(fate == "event" and t <= window for t, fate in sample), row
    if reached is None or len(sample) < 10:
        assert (row[f"{prefix}estimate"], row[f"{prefix}grade"]) == (None, "insufficient"), row
        return False
    assert row[f"{prefix}estimate"] == pytest.approx(reached.incidence, abs=1e-9), row
    if reached.low is not None:
        band = (row[f"{prefix}ci_low"], row[f"{prefix}ci_high"])
        assert band == pytest.approx((reached.low, reached.high), abs=1e-9), row
    return bool(row[f"{prefix}maturity"] < 1)


@pytest.mark.parametrize("metric", WINDOWS)
def test_young_months_are_the_incidence_of_their_true_cohort(company: Company, metric: str) -> None:
    mart, window = WINDOWS[metric]
    rows = company.rows(f"select * from main_published.mart_{mart}_month where slice_type = 'all'")
    samples = cohorts(company.truth())[metric]
    young = [assert_incidence(row, f"{metric}_aj_", samples.get(row["month"], []), window) for row in rows]
    assert {row["month"] for row in rows} >= samples.keys()
    # Everybody sold to or lost within months: the closers' cohorts here are known or too young.
    assert any(young) or metric != "lead_to_qualified"


def test_the_curve_by_age_is_the_incidence_at_each_day(company: Company) -> None:
    rows = company.rows("select * from main_published.mart_conversion_by_age where age_days % 7 in (0, 2)")
    truth = cohorts(company.truth())
    for row in rows:
        sample = truth[row["metric_id"].removesuffix("_aj")][row["cohort_month"]]
        assert incidence_at(sample, row["age_days"]) is not None, row
        assert_incidence(row, "", sample, row["age_days"])
        assert row["at_risk"] == sum(t >= row["age_days"] for t, _ in sample), row
    last = {(row["metric_id"], row["cohort_month"]): row["age_days"] for row in rows}
    assert last.keys() == {(f"{metric}_aj", month) for metric in truth for month in truth[metric]}


@pytest.mark.parametrize("stage", ["qualified", "customer"])
def test_the_funnel_of_young_months_is_the_incidence_of_its_true_leads(company: Company, stage: str) -> None:
    truth = company.truth()
    sample_of = qualified_sample if stage == "qualified" else customer_sample
    rows = company.rows(
        f"select * from main_published.mart_funnel_cohort where source = 'all' and stage = '{stage}'"
    )
    assert len(rows) > 20
    for row in rows:
        cycles = [
            cycle
            for cycle in funnel(truth, row["motion"])
            if row["period_type"] == "all" or cycle.entered_month == row["period_start"]
        ]
        assert_incidence(row, "aj_", sample_of(cycles, truth.as_of), row["aj_window_days"])


@pytest.mark.parametrize("motion", ["all", "inbound", "outbound"])
def test_a_period_counts_the_true_events_of_its_month(company: Company, motion: str) -> None:
    rows = company.rows(f"select * from main_published.mart_funnel_period where motion = '{motion}'")
    events = funnel_events(company.truth(), motion)
    assert {(row["month"], row["stage"]): row["event_count"] for row in rows if row["event_count"]} == events
    for row in rows:
        assert row["previous_count"] == events.get((row["month"], row["previous_stage"]), 0)
        if row["throughput_ratio"] is not None:
            assert row["throughput_ratio"] == row["event_count"] / row["previous_count"]
            total = row["event_count"] + row["previous_count"]
            share = binomtest(row["event_count"], total).proportion_ci(0.95, method="wilson")
            odds = share.low / (1 - share.low), share.high / (1 - share.high)
            assert (row["throughput_ci_low"], row["throughput_ci_high"]) == pytest.approx(odds)


def in_period(row: dict[str, Any], month: date) -> bool:
    first = row["period_start"]
    behind = (month.year - first.year) * 12 + month.month - first.month
    return row["period_type"] == "all" or 0 <= behind < {"month": 1, "roll3": 3}[row["period_type"]]


def test_service_levels_equal_the_truth(company: Company) -> None:
    truth = company.truth()
    true_waits = waits(truth, working_minutes(company))
    rows = company.rows("select * from main_published.mart_sla")
    assert len({(row["band_unit"], row["band"]) for row in rows}) == 7
    compared = Counter()
    for row in rows:
        sample: Sample = [
            (getattr(wait, row["band_unit"]), "event" if wait.is_answered else "censored")
            for wait in true_waits
            if in_period(row, wait.cycle.entered_month)
        ]
        assert row["n"] == len(sample)
        assert row["k"] == sum(fate == "event" and t <= row["band"] for t, fate in sample), row
        reached = incidence_at(sample, row["band"]) if len(sample) >= 10 else None
        assert row["estimate"] == (reached and pytest.approx(reached.incidence, abs=1e-9)), row
        months = [month for month in truth.months.values() if in_period(row, month.month)]
        assert row["never_answered_k"] == sum(month.never_answered.k for month in months)
        assert row["never_answered_n"] == sum(month.never_answered.n for month in months)
        compared[row["ci_method"]] += row["estimate"] is not None
    assert compared["wilson"] > 20 and compared["kaplan_meier_log_log"] > 2


def test_conversion_by_speed_equals_the_truth_and_calls_itself_an_association(company: Company) -> None:
    truth = company.truth()
    between = working_minutes(company)
    rows = company.rows("select * from main_published.mart_speed_conversion")
    bands = {1: (-1, 1), 2: (1, 4), 3: (4, 8), 4: (8, 24), 5: (24, math.inf)}
    counted = 0
    for row in rows:
        old = [
            wait
            for wait in waits(truth, between)
            if in_period(row, wait.cycle.entered_month)
            and wait.cycle.entered_at + timedelta(days=30) <= truth.as_of
            and (
                bands[row["band_no"]][0] < wait.working_hours <= bands[row["band_no"]][1]
                if wait.is_answered and row["band_no"] in bands
                else not wait.is_answered and row["band"] == "never"
            )
        ]
        assert row["n"] == len(old), row
        assert row["k"] == sum(within(wait.cycle, 30) for wait in old), row
        assert "association" in row["note_nl"] and "association" in row["note_en"]
        counted += row["n"] if row["period_type"] == "all" else 0
    assert counted > 500


def test_unlogged_conversions_bound_the_median(company: Company) -> None:
    truth = company.truth()
    between = working_minutes(company)
    rows = company.rows("select * from main_published.mart_inbound_month where slice_type = 'all'")
    moved = 0
    for row in rows:
        if row["lead_speed_status"] != "measured":
            continue
        answered = [
            (wait.working_hours * 60, wait.is_answered)
            for wait in waits(truth, between)
            if wait.cycle.entered_month == row["month"]
        ]
        late = [
            (between(cycle.entered_at, cycle.qualified_at), True)
            for cycle in truth.inbound(row["month"])
            if cycle.is_unlogged and cycle.qualified_at
        ]
        for column, sample in (
            ("lead_speed_median_wm", answered),
            ("lead_speed_median_if_at_once_wm", answered + [(0.0, True)] * len(late)),
            ("lead_speed_median_if_at_conversion_wm", answered + late),
        ):
            true = kaplan_meier_quantile(sample, 0.5)
            assert row[column] == (None if true is None else pytest.approx(true, abs=0.02)), (row, column)
        moved += bool(late)
    assert moved


def test_people_appear_only_when_figures_on_people_are_on(company: Company, tmp_path: Path) -> None:
    """Raw and shrunken rates of each rep, against the counts of the truth and SciPy's beta distribution."""
    assert company.rows("select count(*) as reps from main_published.mart_rep_month") == [{"reps": 0}]
    candidate = with_people(company, tmp_path)
    with duckdb.connect(str(candidate), read_only=True) as built:
        frame = built.execute("select * from marts.mart_rep_month").df().replace({float("nan"): None})
    rows = frame.to_dict("records")
    with duckdb.connect(str(company.home / "data" / "people.duckdb"), read_only=True) as people:
        crm_ids = dict(people.execute("select rep_id, crm_id from people").fetchall())
    truth = company.truth()
    shown = 0
    for row in rows:
        if row["role"] == "closer":
            rep = crm_ids[row["rep_id"]].removeprefix("hubspot:")
            old = [
                cycle
                for cycle in truth.cycles
                if cycle.closer == rep
                and cycle.qualified_at
                and cycle.qualified_month
                and in_period({**row, "period_start": row["period_start"].date()}, cycle.qualified_month)
                and cycle.qualified_at + timedelta(days=180) <= truth.as_of
            ]
            assert row["n"] == len(old), row
        if row["n"] < 10:
            assert row["estimate"] is row["shrunken_estimate"] is row["p_above_team"] is None, row
            continue
        prior = (row["team_k"] + 0.5) / (row["team_n"] + 1)
        posterior = beta(row["k"] + 10 * prior, row["n"] - row["k"] + 10 * (1 - prior))
        assert row["shrunken_estimate"] == pytest.approx(posterior.mean())
        assert row["shrunken_ci_low"] == pytest.approx(posterior.ppf(0.025), abs=1e-8)
        assert row["shrunken_ci_high"] == pytest.approx(posterior.ppf(0.975), abs=1e-8)
        if row["p_above_team"] is not None:
            assert row["p_above_team"] == pytest.approx(posterior.sf(prior), abs=1e-8)
            shown += 1
    assert shown > 20
    assert not [column for column in frame.columns if "rank" in column]


def test_every_lead_cycle_has_the_true_entry_and_response(company: Company) -> None:
    found = {
        (row["person_id"].removeprefix("hubspot:"), row["entered_at"]): row["ttfa_wm"]
        for row in company.rows("select person_id, entered_at, ttfa_wm from main_published.fct_lead_cycle")
    }
    true = {(cycle.person, cycle.entered_at): cycle.ttfa_wm for cycle in company.truth().cycles}
    assert found.keys() == true.keys()
    for key, minutes in true.items():
        assert found[key] == (None if minutes is None else pytest.approx(minutes, abs=0.02)), key


def run_dbt(company: Company, *arguments: str, candidate: Path | None = None) -> None:
    run = new_run(company.home, company.as_of())
    environment = dbt_environment(run, company.home / "data" / "dbt")
    if candidate is not None:
        environment["LEADROLE_CANDIDATE"] = str(candidate)
    ended = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "--quiet", *arguments,
            "--vars", json.dumps(dbt_vars(company.settings(), run.run_id, company.as_of(), company.as_of())),
        ],
        env={**os.environ, **environment},
        cwd=company.home,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:]


def with_people(company: Company, directory: Path) -> Path:
    """A copy of the candidate in which figures on people are on."""
    candidate = directory / "candidate.duckdb"
    shutil.copy(company.home / "data" / "candidate.duckdb", candidate)
    with duckdb.connect(str(candidate)) as connection:
        connection.execute("update config.company set people_metrics = true")
    months = [f"mart_{role}_month" for role in ("inbound", "outbound", "closer", "rep")]
    run_dbt(company, "run", "--select", "int_metric_scope", *months, candidate=candidate)
    return candidate


def working_minutes(company: Company) -> Callable[[datetime, datetime], float]:
    """The clock of the company, from before its first lead until after the cut."""
    truth = company.truth()
    first = min(cycle.entered_at for cycle in truth.cycles).date()
    return WorkTime(first - timedelta(days=40), truth.as_of.date() + timedelta(days=40)).between


def within(cycle: Cycle, window: int) -> bool:
    return cycle.qualified_at is not None and cycle.qualified_at <= cycle.entered_at + timedelta(days=window)


def test_every_dbt_unit_test_passes(company: Company) -> None:
    run_dbt(company, "test", "--select", "test_type:unit")


def test_every_live_record_is_in_the_warehouse(company: Company) -> None:
    live = company.truth().live
    with duckdb.connect(str(company.home / "data" / "raw.duckdb"), read_only=True) as raw:
        for name in ("contacts", "deals", "calls", "emails", "meetings"):
            held = raw.execute(
                f"select count(*) from raw_hubspot.{name} where _deleted_at is null"
            ).fetchall()
            assert held == [(live[name],)], name


def test_the_status_and_the_publication_tell_the_same(company: Company) -> None:
    status = json.loads((company.home / "status.json").read_text())
    publication = current(company.home)
    assert publication is not None
    assert status["publish_id"] == publication.publish_id
    assert status["valid_until"] == publication.valid_until
    ids = company.rows("select distinct publish_id from main_published.mart_role_scorecard")
    assert ids == [{"publish_id": publication.publish_id}]
    assert publication.publish_id in (company.home / "published" / "report" / "index.html").read_text()


def test_working_files_are_private_and_the_token_is_on_no_disk(company: Company) -> None:
    for path in company.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert TOKEN.encode() not in path.read_bytes(), path
            if "releases" not in path.parts and path.suffix == ".duckdb":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_same_data_at_the_same_as_of_give_the_same_tables(company: Company) -> None:
    before = current(company.home)
    again = company.night(force=True).publication
    assert before is not None and again.publish_id > before.publish_id
    assert again.content_hashes == before.content_hashes


def test_a_night_without_changes_has_nothing_to_publish(company: Company) -> None:
    before = current(company.home)
    with pytest.raises(NothingNew) as caught:
        company.night()
    assert caught.value.exit_code == 10
    assert current(company.home) == before


def test_a_failed_check_leaves_the_last_publication_and_says_what_to_do(company: Company) -> None:
    before = current(company.home)
    company.write_config(
        "exclusions:\n"
        + "".join(
            f"  - {{id: X{i}, field: source, equals: {source}, reason: test, author: me, added_on: 2026-01-01}}\n"
            for i, source in enumerate(
                [
                    "organic_search",
                    "paid_search",
                    "social_media",
                    "referrals",
                    "direct_traffic",
                    "email_marketing",
                ]
            )
        )
    )
    with pytest.raises(ChecksFailedError) as caught:
        company.night()
    company.write_config()
    assert caught.value.exit_code == 6
    assert "marts.fct_lead_cycle" in str(caught.value)
    assert current(company.home) == before
    status = json.loads((company.home / "status.json").read_text())
    assert (status["state"], status["exit_code"]) == ("failed", 6)
    assert "exclusion" in status["message"] + status["next_step"]


def test_a_wrong_token_ends_the_night_with_exit_3(company: Company) -> None:
    before = current(company.home)
    with pytest.raises(AuthError) as caught:
        night(company.settings(token="wrong-token-of-the-tests-9876543210"))
    assert caught.value.exit_code == 3
    assert "wrong-token" not in str(caught.value)
    assert current(company.home) == before


def test_a_crm_that_answers_nothing_ends_the_night_with_exit_4(company: Company) -> None:
    company.server.set_faults(Faults().daily_limit_after(3))
    try:
        with pytest.raises(SourceUnavailableError) as caught:
            company.night()
    finally:
        company.server.set_faults(Faults())
    assert caught.value.exit_code == 4


def test_a_stage_the_pipeline_does_not_list_ends_the_night_with_exit_5(company: Company) -> None:
    company.server.set_faults(Faults().stage_unlisted("qualifiedtobuy"))
    try:
        with pytest.raises(SourceContractError) as caught:
            company.night()
    finally:
        company.server.set_faults(Faults())
    assert caught.value.exit_code == 5
    assert "qualifiedtobuy" in str(caught.value)


def test_after_two_more_nights_the_warehouse_equals_the_crm_again(company: Company) -> None:
    held_open = duckdb.connect(
        str((company.home / "published" / "leadrole.duckdb").resolve()), read_only=True
    )
    rows_before = held_open.execute("select count(*) from main_published.fct_lead_cycle").fetchall()
    company.server.set_now(company.server.now + timedelta(days=1))
    company.night()
    company.server.set_now(company.server.now + timedelta(days=1))
    company.night()

    assert held_open.execute("select count(*) from main_published.fct_lead_cycle").fetchall() == rows_before
    held_open.close()
    truth = company.truth()
    for mart, columns in (("inbound", INBOUND), ("outbound", OUTBOUND), ("closer", CLOSER)):
        rows = company.rows(f"select * from main_published.mart_{mart}_month where slice_type = 'all'")
        for column, pick in columns.items():
            assert_month_by_month(rows, truth, column, pick)
    test_every_live_record_is_in_the_warehouse(company)
