"""Stages, movements, forecasts and the team's work, judged by plain Python that no SQL computed."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from statistics import quantiles, stdev
from typing import Any

import duckdb
import pytest

from company import ZONE, Company
from leadrole.sandbox.log import QUEUE_ID, STAGE_BY_ID, History, Script
from leadrole.sandbox.pipeline_truth import (
    Movement,
    State,
    deal_states,
    movements,
    snapshot,
    stage_chances,
    visits,
)
from leadrole.sandbox.truth import kaplan_meier_quantile
from support.pipeline import MOVEMENTS, QUERY, assert_movements

DAY = timedelta(days=1)


# --- the truth itself, on stories small enough to check by hand


def at(day: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, 8, tzinfo=UTC)


def story(*steps: tuple[str, dict[str, Any]]) -> dict[str, list[State]]:
    script = Script()
    for name, arguments in steps:
        getattr(script, name)(**arguments)
    return deal_states(History(script.events, ()), at(28, 11))


def balance(flow: Movement) -> Decimal:
    amounts = flow.amounts
    came = amounts["start"] + amounts["created"] + amounts["pulled_in"] + amounts["increased"]
    went = amounts["decreased"] + amounts["pushed_out"] + amounts["lost"] + amounts["won"]
    return came - went - amounts["end"]


def test_a_jump_a_way_back_and_a_return_are_four_different_stays() -> None:
    deals = story(
        ("deal", {"at": at(1), "deal": "1", "owner": "101"}),
        ("stage", {"at": at(2), "deal": "1", "stage": "presentationscheduled"}),
        ("stage", {"at": at(3), "deal": "1", "stage": "appointmentscheduled"}),
        ("stage", {"at": at(4), "deal": "1", "stage": "closedwon"}),
    )
    found = [(v.stage, v.outcome, v.was_skipped, v.visit_no) for v in visits("1", deals["1"])]
    assert found == [
        ("appointmentscheduled", "advanced", False, 1),
        ("qualifiedtobuy", "advanced", True, 1),
        ("presentationscheduled", "moved_back", False, 1),
        ("appointmentscheduled", "advanced", False, 2),
        ("qualifiedtobuy", "advanced", True, 2),
        ("contractsent", "won", True, 1),
        ("closedwon", "won", False, 1),
    ]


def test_a_deal_that_comes_grows_and_goes_leaves_the_month_in_balance() -> None:
    deals = story(
        ("deal", {"at": at(1, 9), "deal": "1", "owner": "101", "amount": "100", "close_date": at(20)}),
        ("amount", {"at": at(5), "deal": "1", "amount": "150"}),
        ("stage", {"at": at(15), "deal": "1", "stage": "closedwon"}),
        ("deal", {"at": at(2), "deal": "2", "owner": "101", "amount": "70", "close_date": at(10, 11)}),
        ("close_date", {"at": at(7), "deal": "2", "close_date": at(30)}),
        ("close_date", {"at": at(21), "deal": "2", "close_date": at(10, 11)}),
    )
    months = movements(deals, at(28, 11))
    october, november = months[date(2026, 10, 1)], months[date(2026, 11, 1)]
    assert {name: october.amounts[name] for name in MOVEMENTS if october.amounts[name]} == {
        "start": 100, "increased": 50, "won": 150, "pulled_in": 70, "pushed_out": 70,
    }  # fmt: skip
    assert {name: november.amounts[name] for name in MOVEMENTS if november.amounts[name]} == {
        "start": 70, "end": 70,
    }  # fmt: skip
    assert balance(october) == balance(november) == 0


def test_a_deal_given_away_leaves_one_owner_and_comes_to_the_other() -> None:
    deals = story(
        ("deal", {"at": at(1), "deal": "1", "owner": "101", "amount": "10", "close_date": at(20)}),
        ("deal_owner", {"at": at(4), "deal": "1", "owner": "105"}),
    )
    month = date(2026, 10, 1)
    assert movements(deals, at(28), owner="101")[month].deals == Counter(created=1, pushed_out=1)
    assert movements(deals, at(28), owner="105")[month].deals == Counter(pulled_in=1, end=1)
    assert movements(deals, at(28))[month].deals == Counter(created=1, end=1)


# --- the published tables against the event log


@pytest.fixture(scope="module")
def deals(company: Company) -> dict[str, list[State]]:
    return deal_states(company.population, company.as_of())


def plain(key: str) -> str:
    return key.removeprefix("hubspot:")


def month_of(instant: datetime) -> date:
    return instant.astimezone(ZONE).date().replace(day=1)


@pytest.mark.slow
def test_every_stay_in_a_stage_is_the_true_one(company: Company, deals: dict[str, list[State]]) -> None:
    found = {
        (plain(row["deal_id"]), row["stage_id"], row["visit_no"], row["was_skipped"]): (
            row["entered_at"],
            row["exited_at"],
            row["outcome"],
        )
        for row in company.rows("select * from main_published.fct_deal_stage_interval")
    }
    true = {
        (visit.deal, visit.stage, visit.visit_no, visit.was_skipped): (
            visit.entered_at,
            visit.exited_at,
            visit.outcome,
        )
        for deal, states in deals.items()
        for visit in visits(deal, states)
    }
    assert found == true
    assert {outcome for _, _, outcome in true.values()} >= {"advanced", "moved_back", "still_there", "won"}
    assert any(was_skipped for *_, was_skipped in true)


@pytest.mark.slow
def test_a_stay_has_the_true_working_minutes(company: Company, deals: dict[str, list[State]]) -> None:
    from leadrole.sandbox.worktime import WorkTime

    work = WorkTime(date(2025, 1, 1), date(2026, 12, 31))
    for row in company.rows("select * from main_published.fct_deal_stage_interval where not is_closed"):
        ends_at = row["exited_at"] or company.as_of()
        assert row["working_minutes"] == pytest.approx(work.between(row["entered_at"], ends_at), abs=0.02)
        assert row["days"] == pytest.approx((ends_at - row["entered_at"]) / DAY)


@pytest.mark.slow
def test_what_enters_a_stage_goes_where_it_truly_goes(
    company: Company, deals: dict[str, list[State]]
) -> None:
    true: dict[tuple[str, date], Counter[str]] = defaultdict(Counter)
    for deal, states in deals.items():
        for visit in visits(deal, states):
            if not STAGE_BY_ID[visit.stage].is_closed:
                cell = true[visit.stage, month_of(visit.entered_at)]
                cell.update(entries=1, skipped=visit.was_skipped, **{visit.outcome: 1})
    rows = company.rows("select * from main_published.mart_stage_flow")
    assert {(row["stage_id"], row["month"]) for row in rows} == true.keys()
    for row in rows:
        cell = true[row["stage_id"], row["month"]]
        for column in (
            "entries",
            "advanced",
            "lost",
            "won",
            "moved_back",
            "handed_off",
            "still_there",
            "skipped",
        ):
            assert row[column] == cell[column], (row["stage_id"], row["month"], column)


@pytest.mark.slow
def test_time_in_a_stage_is_kaplan_meier(company: Company, deals: dict[str, list[State]]) -> None:
    times: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for deal, states in deals.items():
        for visit in visits(deal, states):
            if not visit.was_skipped and not STAGE_BY_ID[visit.stage].is_closed:
                ends_at = visit.exited_at or company.as_of()
                times[visit.stage].append(((ends_at - visit.entered_at) / DAY, visit.exited_at is not None))
    rows = company.rows("select * from main_published.mart_time_in_stage where period_type = 'all'")
    assert {row["stage_id"] for row in rows} == times.keys()
    for row in rows:
        waits = times[row["stage_id"]]
        assert (row["n"], row["left_count"]) == (len(waits), sum(has_left for _, has_left in waits))
        assert row["median_days"] == pytest.approx(kaplan_meier_quantile(waits, 0.5))
        assert row["p80_days"] == pytest.approx(kaplan_meier_quantile(waits, 0.8))


@pytest.mark.slow
def test_the_pipeline_of_every_month_moves_as_it_truly_did(
    company: Company, deals: dict[str, list[State]]
) -> None:
    true = movements(deals, company.as_of())
    rows = company.rows(QUERY)
    assert {row["month"] for row in rows} == {month for month, flow in true.items() if flow.deals}
    assert_movements(rows, true)
    assert not any(balance(flow) for flow in true.values())
    assert sum(row["pushed_out_deals"] + row["decreased_deals"] for row in rows) > 0


@pytest.mark.slow
def test_each_owners_pipeline_moves_as_it_truly_did(company: Company, deals: dict[str, list[State]]) -> None:
    with duckdb.connect(str(company.home / "data" / "people.duckdb"), read_only=True) as people:
        crm_ids = {
            rep: plain(crm) for rep, crm in people.execute("select rep_id, crm_id from people").fetchall()
        }
    with duckdb.connect(str(company.home / "data" / "candidate.duckdb"), read_only=True) as candidate:
        moves = candidate.execute(
            "select slice_value, month, movement, count(*), sum(to_amount - coalesce(from_amount, 0))"
            " from intermediate.int_pipeline_moves where slice_type = 'rep' group by all"
        ).fetchall()
    found: dict[str, dict[tuple[date, str], int]] = defaultdict(dict)
    for rep, month, movement, count, _ in moves:
        if movement != "changed":
            found[crm_ids.get(rep, rep)][month, movement] = count
    assert len(found) >= 3
    for owner, cells in found.items():
        true = movements(deals, company.as_of(), owner=owner)
        assert cells == {
            (month, name): flow.deals[name]
            for month, flow in true.items()
            for name in MOVEMENTS
            if flow.deals[name] and name not in ("increased", "decreased")
        }, owner


@pytest.mark.slow
def test_every_days_open_pipeline_is_what_was_known_that_day(
    company: Company, deals: dict[str, list[State]]
) -> None:
    found: dict[date, dict[str, Any]] = defaultdict(dict)
    for row in company.rows("select * from main_published.fct_deal_snapshot_daily"):
        found[row["snapshot_date"]][plain(row["deal_id"])] = (
            row["stage_id"],
            row["amount_original"],
            row["expected_close_date"],
        )
    today = company.as_of().astimezone(ZONE).date()
    assert (min(found), max(found)) == (date(2026, 2, 1), today)
    for day, open_deals in found.items():
        assert open_deals == {
            deal: (
                state.stage,
                state.amount,
                state.expected_close and state.expected_close.astimezone(ZONE).date(),
            )
            for deal, state in snapshot(deals, day, company.as_of()).items()
        }, day


@pytest.mark.slow
def test_a_stages_chance_is_what_became_of_its_deals(company: Company, deals: dict[str, list[State]]) -> None:
    true = stage_chances(deals, company.as_of())
    rows = {row["stage_id"]: row for row in company.rows("select * from main_published.dim_stage")}
    assert rows.keys() == STAGE_BY_ID.keys()
    for stage_id, (won, settled) in true.items():
        row = rows[stage_id]
        assert (row["won_k"], row["won_n"]) == (won, settled)
        assert row["win_probability"] == pytest.approx(won / settled)
        assert row["win_probability_basis"] == "own_history"
        assert row["crm_probability"] == float(STAGE_BY_ID[stage_id].probability)


def cut_of(company: Company, months_ago: int) -> datetime:
    """The same point of an earlier month."""
    now = company.as_of()
    this_month = datetime.combine(month_of(now), time(), ZONE).astimezone(UTC)
    index = month_of(now).year * 12 + month_of(now).month - 1 - months_ago
    month = datetime(index // 12, index % 12 + 1, 1, tzinfo=ZONE).astimezone(UTC)
    return month + (now - this_month)


def months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def standing(deals: dict[str, list[State]], cut: datetime) -> dict[str, State]:
    known = {deal: [state for state in states if state.at <= cut] for deal, states in deals.items()}
    return {deal: states[-1] for deal, states in known.items() if states and states[-1].status == "open"}


def won_at(states: list[State]) -> datetime | None:
    return next((state.at for state in states if state.stage == states[-1].stage == "closedwon"), None)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["close_date", "crm"])
def test_a_forecast_is_the_sum_of_chances_times_amounts(
    company: Company, deals: dict[str, list[State]], scenario: str
) -> None:
    now = company.as_of()
    misses: list[tuple[float, float]] = []
    expected: dict[date, float] = defaultdict(float)
    for months_ago in range(13):
        cut = cut_of(company, months_ago)
        chances = stage_chances(deals, cut)
        total = defaultdict(float)
        opened = standing(deals, cut)
        for state in opened.values():
            won, settled = chances.get(state.stage, (0, 0))
            chance = float(STAGE_BY_ID[state.stage].probability)
            if scenario == "close_date" and settled >= 30:
                chance = won / settled
            if state.expected_close is not None:
                ahead = max(months_between(month_of(cut), month_of(state.expected_close)), 0)
                total[ahead] += chance * float(state.amount or 0)
        if not months_ago:
            first = month_of(now)
            expected = defaultdict(
                float,
                {
                    date(
                        (first.year * 12 + first.month - 1 + ahead) // 12,
                        (first.month - 1 + ahead) % 12 + 1,
                        1,
                    ): value
                    for ahead, value in total.items()
                },
            )
        elif opened:
            actual = sum(
                float(deals[deal][-1].amount or 0)
                for deal in opened
                if (ended := won_at(deals[deal])) is not None
                and cut < ended
                and month_of(ended) == month_of(cut)
            )
            misses.append((total[0], actual))
    rows = company.rows(
        f"select * from main_published.mart_forecast where scenario = '{scenario}' order by month"
    )
    assert len(rows) == 6
    for row in rows:
        assert float(row["expected_amount"]) == pytest.approx(expected[row["month"]], abs=0.01), row["month"]
        assert row["p10_amount"] <= row["p50_amount"] <= row["p90_amount"]
    assert rows[0]["expected_amount"] > 0
    assert rows[0]["backtest_n"] == len(misses)
    came = sum(actual for _, actual in misses)
    assert rows[0]["backtest_bias"] == pytest.approx(sum(forecast for forecast, _ in misses) / came - 1)
    assert rows[0]["backtest_error"] == pytest.approx(sum(abs(f - a) for f, a in misses) / came)


@pytest.mark.slow
def test_the_forecasts_quantiles_are_those_of_many_throws(
    company: Company, deals: dict[str, list[State]]
) -> None:
    """Another generator, another shape of the same model: they agree within what a thousand throws can say."""
    generator = random.Random(7)
    chances = stage_chances(deals, company.as_of())
    lines = [
        (state.stage, float(state.amount))
        for state in standing(deals, company.as_of()).values()
        if state.amount is not None
        and state.expected_close is not None
        and month_of(state.expected_close) <= month_of(company.as_of())
    ]
    sums = []
    for _ in range(4000):
        drawn = {
            stage: generator.betavariate(won + 0.5, settled - won + 0.5)
            for stage, (won, settled) in chances.items()
        }
        sums.append(sum(amount for stage, amount in lines if generator.random() < drawn[stage]))
    tenths = quantiles(sums, n=10)
    (row,) = company.rows(
        "select * from main_published.mart_forecast where scenario = 'close_date' and months_ahead = 0"
    )
    spread = stdev(sums)
    for column, true in (("p10_amount", tenths[0]), ("p50_amount", tenths[4]), ("p90_amount", tenths[8])):
        assert abs(float(row[column]) - true) < 0.25 * spread, column


@pytest.mark.slow
def test_what_customers_bought_is_what_was_won(company: Company) -> None:
    """Deals with one contact; the few with none have no customer."""
    true: Counter[date] = Counter()
    for deal in company.truth().deals:
        if deal.status == "won" and deal.persons and deal.closed_month:
            true[deal.closed_month] += 1
    rows = company.rows(
        "select month, sum(won_deal_count) as won from main_published.fct_customer_month group by month"
    )
    assert {row["month"]: row["won"] for row in rows if row["won"]} == dict(true)


@pytest.mark.slow
def test_every_deals_owners_are_the_true_ones(company: Company, deals: dict[str, list[State]]) -> None:
    with duckdb.connect(str(company.home / "data" / "people.duckdb"), read_only=True) as people:
        crm_ids = {
            rep: plain(crm) for rep, crm in people.execute("select rep_id, crm_id from people").fetchall()
        }
    found: dict[str, list[tuple[datetime, str | None]]] = defaultdict(list)
    for row in company.rows(
        "select * from main_published.fct_owner_interval where object_kind = 'deal' order by valid_from"
    ):
        found[plain(row["object_id"])].append((row["valid_from"], crm_ids.get(row["rep_id"] or "")))
    true: dict[str, list[tuple[datetime, str | None]]] = {}
    for deal, states in deals.items():
        owners: list[tuple[datetime, str | None]] = []
        for state in states:
            owner = None if state.owner == QUEUE_ID else state.owner
            if not owners or owners[-1][1] != owner:
                owners.append((state.at, owner))
        true[deal] = owners
    assert found == true


@pytest.mark.slow
def test_dimensions_hold_everybody_and_every_opening(company: Company) -> None:
    persons = company.rows("select * from main_published.dim_person")
    assert len(persons) == company.truth().live["contacts"]
    customers = {plain(row["person_id"]) for row in persons if row["is_customer"]}
    assert customers == {
        person for deal in company.truth().deals if deal.status == "won" for person in deal.persons
    }
    (hours,) = company.rows(
        "select sum(working_minutes) as minutes from main_published.dim_working_interval"
        " where date_day between '2026-03-23' and '2026-04-05'"
    )
    # Two weeks over the change to summer time, without Good Friday.
    assert hours["minutes"] == pytest.approx(9 * 510)


# --- the closer's new figures and the team's work, counted again from the published facts


def won_cycle_median(times: Iterable[tuple[float, str]]) -> float | None:
    """Aalen-Johansen by hand: the day on which half of those who will ever be won had been."""
    rows = sorted(times)
    still_open, won_share, steps = 1.0, 0.0, []
    at_risk = len(rows)
    for moment in sorted({moment for moment, _ in rows}):
        here = [status for when, status in rows if when == moment]
        won = here.count("won")
        settled = won + here.count("lost")
        won_share += still_open * won / at_risk
        still_open *= 1 - settled / at_risk
        at_risk -= len(here)
        steps.append((moment, won_share))
    return next((moment for moment, share in steps if won_share and share >= won_share / 2 - 1e-9), None)


@pytest.mark.slow
def test_sales_velocity_is_the_product_and_its_interval_a_bootstrap(company: Company) -> None:
    now = company.as_of()
    rows = company.rows("select * from main_published.fct_deal")
    qualified = {
        row["stage_id"]
        for row in company.rows("select * from main_published.dim_stage where class = 'qualified'")
    }
    opened = sum(row["status"] == "open" and row["stage_id"] in qualified for row in rows)
    since = now - timedelta(days=180)
    sample = []
    for row in rows:
        ended = (
            row["won_at"] if row["status"] == "won" else row["lost_at"] if row["status"] == "lost" else None
        )
        is_closed = bool(ended and ended > since and row["is_eligible_win_rate"])
        days = ((ended or now) - row["created_at"]) / DAY
        is_made = row["created_at"] > since and days >= 0
        if is_closed or is_made:
            sample.append((row["status"], row["amount_reporting"], days, is_closed, is_made))

    def velocity(drawn: list[tuple[str, Decimal | None, float, bool, bool]]) -> float | None:
        closed = [deal for deal in drawn if deal[3]]
        amounts = [float(deal[1]) for deal in closed if deal[0] == "won" and deal[1] is not None]
        median = won_cycle_median((deal[2], deal[0]) for deal in drawn if deal[4])
        if not closed or not amounts or not median:
            return None
        won = sum(deal[0] == "won" for deal in closed)
        return opened * (won / len(closed)) * (sum(amounts) / len(amounts)) / median

    (found,) = company.rows(
        "select * from main_published.mart_closer_month"
        " where slice_type = 'all' and sales_velocity_status is not null"
    )
    assert found["sales_velocity"] == pytest.approx(velocity(sample))
    generator = random.Random(3)
    drawn = [velocity(generator.choices(sample, k=len(sample))) for _ in range(400)]
    cuts = quantiles([value for value in drawn if value is not None], n=40)
    for column, true in (("sales_velocity_ci_low", cuts[0]), ("sales_velocity_ci_high", cuts[-1])):
        assert found[column] == pytest.approx(true, rel=0.2), column


@pytest.mark.slow
def test_open_deals_that_wait_are_counted(company: Company, deals: dict[str, list[State]]) -> None:
    now = company.as_of()
    today = now.astimezone(ZONE).date()
    opened = {deal: states for deal, states in deals.items() if states[-1].status == "open"}
    times: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for deal, states in deals.items():
        for visit in visits(deal, states):
            if not visit.was_skipped and not STAGE_BY_ID[visit.stage].is_closed:
                times[visit.stage].append(
                    (((visit.exited_at or now) - visit.entered_at) / DAY, visit.exited_at is not None)
                )
    stalled = 0
    for deal, states in opened.items():
        last = visits(deal, states)[-1]
        limit = kaplan_meier_quantile(times[last.stage], 0.8) if len(times[last.stage]) >= 20 else None
        stalled += (now - last.entered_at) / DAY > (limit or 90)
    planned = {
        event.data["deal"]
        for event in company.population.until(now)
        if event.kind == "meeting_booked" and event.data["starts_at"] > now and event.data["deal"]
    }
    overdue = sum(
        state.expected_close is not None and state.expected_close.astimezone(ZONE).date() < today
        for state in (states[-1] for states in opened.values())
    )
    (row,) = company.rows(
        "select * from main_published.mart_closer_month where slice_type = 'all' and stalled_deals is not null"
    )
    assert row["stalled_deals"] == stalled > 0
    assert row["close_date_in_past_deals"] == overdue > 0
    assert row["no_next_step_deals"] == len(opened.keys() - planned)


def work_of(company: Company) -> list[dict[str, Any]]:
    """Human attempts with what they served (spec section 2, "role at event"), from the published facts."""
    cycles = {row["cycle_id"]: row for row in company.rows("select * from main_published.fct_lead_cycle")}
    found = []
    for touch in company.rows("select * from main_published.fct_touch where is_human_attempt"):
        cycle = cycles.get(touch["cycle_id"])
        if touch["role_at_event"] == "relationship":
            serves = "relationship"
        elif touch["deal_id"] or (
            cycle and cycle["qualified_at"] and touch["at_utc"] > cycle["qualified_at"]
        ):
            serves = "closer"
        else:
            serves = cycle["motion_first"] if cycle else touch["role_at_event"]
        found.append({**touch, "serves": serves, "is_excluded": bool(cycle and cycle["excluded_reason"])})
    return sorted(found, key=lambda touch: (touch["at_utc"], touch["touch_id"]))


@pytest.mark.slow
def test_the_weeks_of_acquisition_are_counted_right(company: Company) -> None:
    today = company.as_of().astimezone(ZONE).date()
    working = [
        row["date_day"]
        for row in company.rows(
            "select * from main_published.dim_date where is_working_day order by date_day"
        )
        if row["date_day"] <= today
    ]
    touches = [
        touch for touch in work_of(company) if touch["serves"] == "outbound" and not touch["is_excluded"]
    ]
    per_day = Counter(touch["at_local_date"] for touch in touches)
    prospects: Counter[date] = Counter()
    for cycle in company.truth().cycles:
        if cycle.motion == "outbound" and cycle.number == 1:
            day = cycle.entered_at.astimezone(ZONE).date()
            prospects[day - timedelta(days=day.weekday())] += 1
    first = min(per_day)
    first -= timedelta(days=first.weekday())
    rows = company.rows(
        "select * from main_published.mart_rhythm where scope_type = 'role' order by week_start"
    )
    assert [row["week_start"] for row in rows] == [
        first + timedelta(weeks=number) for number in range((today - first).days // 7 + 1)
    ]
    idle = 0
    for row in rows:
        week = [day for day in working if row["week_start"] <= day < row["week_start"] + timedelta(days=7)]
        longest = 0
        for day in week:
            idle = 0 if per_day[day] >= 5 else idle + 1
            longest = max(longest, idle)
        assert row["working_days"] == len(week)
        assert row["active_days"] == sum(per_day[day] >= 5 for day in week)
        assert row["longest_gap_working_days"] == longest, row["week_start"]
        assert row["new_prospects"] == prospects[row["week_start"]], row["week_start"]
    assert max(row["longest_gap_working_days"] for row in rows) > 5


@pytest.mark.slow
def test_who_does_what_is_counted_right(company: Company) -> None:
    roles = ("inbound", "outbound", "closer", "relationship")
    counts: dict[date, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    switches: Counter[date] = Counter()
    days: dict[date, set[tuple[str, date]]] = defaultdict(set)
    before: dict[tuple[str, date], str] = {}
    for touch in work_of(company):
        rep, day = touch["rep_id"], touch["at_local_date"]
        if rep is None:
            continue
        month = day.replace(day=1)
        counts[month][rep][touch["serves"]] += 1
        if touch["serves"] in roles:
            days[month].add((rep, day))
            switches[month] += before.get((rep, day), touch["serves"]) != touch["serves"]
            before[rep, day] = touch["serves"]
    rows = {
        row["month"]: row
        for row in company.rows("select * from main_published.mart_team_design where slice_type = 'all'")
    }
    for month, per_rep in counts.items():
        row = rows[month]
        total = sum((counter for counter in per_rep.values()), Counter[str]())
        assert row["touches"] == sum(total.values())
        for role in roles:
            assert row[f"{role}_k"] == total[role], (month, role)
        known = sum(total[role] for role in roles)
        purity = sum(
            sum(counter[role] ** 2 for role in roles) / own
            for counter in per_rep.values()
            if (own := sum(counter[role] for role in roles))
        )
        if known >= 10:
            assert row["purity"] == pytest.approx(purity / known)
        assert (row["role_switches"], row["active_days"]) == (switches[month], len(days[month]))
    handed = {month: true.self_handover for month, true in company.truth().months.items()}
    for month, true in handed.items():
        if month in rows:
            assert (rows[month]["self_handover_k"], rows[month]["self_handover_n"]) == (true.k, true.n), month
