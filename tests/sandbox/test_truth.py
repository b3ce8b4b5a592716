"""The truth on histories small enough to work out by hand (spec/metrics.md section 10)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from leadrole.sandbox import Script, Truth, compute
from leadrole.sandbox.population import make_owners
from leadrole.sandbox.truth import Cycle, Ratio, kaplan_meier_quantile

ZONE = ZoneInfo("Europe/Amsterdam")
OWNERS = make_owners(date(2026, 1, 1))
LATER = datetime(2026, 12, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def local(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def truth_of(script: Script, at: datetime = LATER) -> Truth:
    return compute(script.history(OWNERS), at)


def only_cycle(script: Script, at: datetime = LATER) -> Cycle:
    (cycle,) = truth_of(script, at).cycles
    return cycle


@pytest.mark.parametrize(
    ("entered_at", "called_at", "minutes"),
    [
        pytest.param(local(2, 6, 17, 25), local(2, 9, 9, 10), 15, id="12: over a weekend"),
        # 30 March 2026 does not change the clock; 29 March, a Sunday, does. The hours worked stay the same.
        pytest.param(local(3, 27, 17, 25), local(3, 30, 9, 10), 15, id="13: over the change to summer time"),
        pytest.param(local(4, 24, 17, 25), local(4, 28, 9, 10), 15, id="13: over King's Day, a Monday"),
        pytest.param(local(2, 7, 11), local(2, 7, 12), 0, id="14: Saturday to Saturday"),
        pytest.param(local(2, 3, 10), local(2, 4, 10), 510, id="one whole working day"),
        pytest.param(local(2, 3, 7), local(2, 3, 9, 30), 30, id="before opening"),
    ],
)
def test_a_response_is_measured_in_working_minutes(
    entered_at: datetime, called_at: datetime, minutes: float
) -> None:
    script = Script()
    script.form(entered_at, "1")
    script.call(called_at, "40", "1", "101")
    cycle = only_cycle(script)
    assert cycle.ttfa_wm == pytest.approx(minutes)
    assert cycle.first_attempt_at == called_at


def test_calendar_time_loses_an_hour_when_summer_time_starts() -> None:
    assert local(3, 30, 9, 10) - local(3, 27, 17, 25) == timedelta(hours=62, minutes=45)
    assert local(2, 9, 9, 10) - local(2, 6, 17, 25) == timedelta(hours=63, minutes=45)


def test_9_a_reassigned_lead_keeps_its_clock() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.assign(local(2, 3, 10, 1), "1", "102")
    script.assign(local(2, 6, 10), "1", "103", by="101")
    script.call(local(2, 6, 10, 5), "40", "1", "103")
    assert only_cycle(script).ttfa_wm == pytest.approx(3 * 510 + 5)


def test_10_an_automatic_reply_is_no_response() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.email(local(2, 3, 10) + timedelta(seconds=10), "50", "1", None, automated=True)
    assert only_cycle(script).ttfa_wm is None
    script.call(local(2, 3, 11), "40", "1", "101", status="CANCELED", outcome=None)
    script.email(local(2, 3, 11), "51", "1", "101", direction="in")
    assert only_cycle(script).ttfa_wm is None
    script.email(local(2, 3, 12), "52", "1", "101")
    assert only_cycle(script).ttfa_wm == pytest.approx(120)


def test_a_meeting_counts_when_it_was_held_and_only_then() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.meeting(local(2, 3, 10, 5), "60", "1", "101", local(2, 4, 10), outcome="NO_SHOW")
    assert only_cycle(script).ttfa_wm is None
    script.meeting(local(2, 4, 11), "61", "1", "101", local(2, 5, 10))
    assert only_cycle(script, local(2, 5, 10, 30)).ttfa_wm is None
    assert only_cycle(script).ttfa_wm == pytest.approx(2 * 510)


def test_15_closing_a_lead_nobody_called_makes_speed_worse() -> None:
    script = Script()
    for number in (1, 2, 3):
        script.form(local(2, 3, 10), str(number))
    script.call(local(2, 3, 11), "40", "1", "101")
    script.status(local(2, 3, 12), "2", "UNQUALIFIED", by="101")
    script.status(local(2, 3, 12), "3", "UNQUALIFIED", by="101")
    month = truth_of(script).months[date(2026, 2, 1)]
    assert month.never_answered == Ratio(2, 3)
    assert (month.lead_speed_n, month.lead_speed_answered) == (3, 1)
    assert month.lead_speed_median_wm is None
    assert month.lead_to_qualified == Ratio(0, 3)


def test_16_a_conversion_without_activity_counts_but_has_no_speed() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.lifecycle(local(2, 5, 10), "1", "salesqualifiedlead", by="101")
    script.call(local(2, 5, 11), "40", "1", "105")
    truth = truth_of(script)
    month = truth.months[date(2026, 2, 1)]
    assert truth.cycles[0].is_unlogged
    assert month.lead_to_qualified == Ratio(1, 1)
    assert month.unlogged == Ratio(1, 1)
    assert month.lead_speed_n == 0
    assert month.never_answered == Ratio(0, 0)


def test_17_a_form_of_a_prospect_stays_outbound_until_the_cycle_is_closed() -> None:
    script = Script()
    script.list_row(local(2, 2, 9), "1")
    script.call(local(2, 3, 10), "40", "1", "103")
    script.form_again(local(2, 10, 10), "1")
    truth = truth_of(script)
    (cycle,) = truth.cycles
    assert (cycle.motion, cycle.is_hybrid, cycle.entered_at) == ("outbound", True, local(2, 3, 10))
    assert truth.months[date(2026, 2, 1)].new_prospects == 1
    assert truth.months[date(2026, 2, 1)].inbound_leads == 0


def test_a_call_before_the_form_makes_the_response_time_nothing() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.call(local(2, 3, 9, 30), "40", "1", "101", logged_at=local(2, 3, 10, 5))
    cycle = only_cycle(script)
    assert (cycle.motion, cycle.ttfa_wm, cycle.is_pre_touched) == ("inbound", 0.0, True)


@pytest.mark.parametrize(
    ("source", "new_prospects"), [("REFERRALS", 0), ("OFFLINE", 0)], ids=["inbound source", "cold list"]
)
def test_18_an_import_of_400_rows_is_no_inbound_lead_and_no_prospect(source: str, new_prospects: int) -> None:
    script = Script()
    for number in range(400):
        script.list_row(local(2, 3, 10), str(number + 1), source=source)
    truth = truth_of(script)
    month = truth.months[date(2026, 2, 1)]
    assert month.inbound_leads == 0
    assert month.lead_speed_n == 0
    assert month.new_prospects == new_prospects
    assert month.bulk_imported == (400 if source == "REFERRALS" else 0)
    assert truth.live["contacts"] == 400


def test_18_twenty_four_rows_are_not_a_bulk_import() -> None:
    script = Script()
    for number in range(24):
        script.list_row(local(2, 3, 10) + timedelta(seconds=number), str(number + 1), source="REFERRALS")
    assert truth_of(script).months[date(2026, 2, 1)].inbound_leads == 24
    script.list_row(local(2, 3, 10, 1), "25", source="REFERRALS")
    assert truth_of(script).months[date(2026, 2, 1)].inbound_leads == 0


def test_22_half_past_eleven_utc_on_31_january_is_february() -> None:
    script = Script()
    script.form(datetime(2026, 1, 31, 22, 59, tzinfo=UTC), "1")
    script.form(datetime(2026, 1, 31, 23, 30, tzinfo=UTC), "2")
    months = truth_of(script).months
    assert months[date(2026, 1, 1)].inbound_leads == 1
    assert months[date(2026, 2, 1)].inbound_leads == 1


@pytest.mark.parametrize(("days", "cycles"), [(29, 1), (31, 2)])
def test_8_a_form_opens_a_new_cycle_thirty_days_after_closing(days: int, cycles: int) -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.status(local(2, 4, 10), "1", "UNQUALIFIED", by="101")
    script.form_again(local(2, 4, 10) + timedelta(days=days), "1")
    found = truth_of(script).cycles
    assert len(found) == cycles
    assert found[0].outcome == "disqualified"


def test_a_lead_in_which_nothing_happens_for_180_days_expires() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    assert only_cycle(script, local(2, 3, 10) + 179 * DAY).outcome == "open"
    cycle = only_cycle(script, local(2, 3, 10) + 181 * DAY)
    assert (cycle.outcome, cycle.closed_at) == ("expired", local(2, 3, 10) + 180 * DAY)


def test_5_a_chain_of_merges_counts_once_and_keeps_its_touches() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.form(local(2, 4, 10), "2")
    script.form(local(2, 5, 10), "3")
    script.call(local(2, 3, 10, 30), "40", "1", "101")
    script.lifecycle(local(2, 6, 10), "1", "salesqualifiedlead", by="101")
    script.merge(local(2, 9, 10), "70", ("1", "2"), by="101")
    script.merge(local(2, 10, 10), "71", ("70", "3"), by="101")
    assert truth_of(script, local(2, 8, 12)).months[date(2026, 2, 1)].inbound_leads == 3
    cycle = only_cycle(script)
    assert (cycle.person, cycle.ttfa_wm, cycle.qualified_at) == ("71", pytest.approx(30), local(2, 6, 10))


def test_a_moved_call_counts_for_the_contact_it_was_moved_to() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.form(local(2, 3, 10), "2")
    script.call(local(2, 3, 11), "40", "1", "101")
    script.unlink(local(2, 4, 10), "calls", "40", "contacts", "1")
    script.link(local(2, 4, 10), "calls", "40", "contacts", "2")
    answered = {cycle.person: cycle.ttfa_wm for cycle in truth_of(script).cycles}
    assert answered == {"1": None, "2": pytest.approx(60)}


def test_23_archived_and_forgotten_people_are_out_from_the_moment_it_is_known() -> None:
    script = Script()
    for number in (1, 2, 3):
        script.form(local(2, 3, 10), str(number))
    script.archive_contact(local(2, 10, 10), "1")
    script.forget_contact(local(2, 11, 10), "2")
    script.restore_contact(local(2, 12, 10), "1")
    month = date(2026, 2, 1)
    assert truth_of(script, local(2, 9, 0)).months[month].inbound_leads == 3
    assert truth_of(script, local(2, 11, 0)).months[month].inbound_leads == 2
    assert truth_of(script, local(2, 11, 12)).months[month].inbound_leads == 1
    assert truth_of(script, local(2, 13, 0)).months[month].inbound_leads == 2


@pytest.mark.parametrize(
    ("withdrawn_after", "by", "is_qualified"),
    [
        (timedelta(hours=2), "101", False),
        (timedelta(hours=2), "105", True),
        (timedelta(hours=25), "101", True),
    ],
    ids=["same user within a day", "someone else", "after a day"],
)
def test_an_sql_withdrawn_within_a_day_by_the_same_user_never_was_one(
    withdrawn_after: timedelta, by: str, is_qualified: bool
) -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.lifecycle(local(2, 5, 10), "1", "salesqualifiedlead", by="101")
    script.lifecycle(local(2, 5, 10) + withdrawn_after, "1", "lead", by=by)
    assert (only_cycle(script).qualified_at is not None) == is_qualified


def test_conversion_counts_mature_leads_and_qualifications_within_the_window() -> None:
    script = Script()
    for number, days in ((1, 30), (2, 31), (3, 1)):
        script.form(local(2, 3, 10), str(number))
        script.lifecycle(local(2, 3, 10) + timedelta(days=days), str(number), "salesqualifiedlead", by="101")
    script.form(local(2, 20, 10), "4")
    month = truth_of(script, local(3, 10, 0)).months[date(2026, 2, 1)]
    assert month.lead_to_qualified == Ratio(2, 3)
    assert month.lead_to_qualified_maturity == pytest.approx(0.75)


def test_19_two_won_deals_of_one_hand_over_are_one_customer() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1")
    script.lifecycle(local(2, 5, 10), "1", "salesqualifiedlead", by="101")
    for number in (1, 2):
        script.deal(local(2, 6, 10), f"2{number}", "101", contacts=("1",))
        script.stage(local(3, 6, 10 + number), f"2{number}", "closedwon", by="101")
    script.deal(local(2, 6, 10), "29", "101")
    script.stage(local(3, 6, 10), "29", "closedwon", by="101")
    truth = truth_of(script)
    month = truth.months[date(2026, 2, 1)]
    assert (month.qualified_received, month.lead_to_customer) == (1, Ratio(1, 1))
    assert month.self_handover == Ratio(1, 1)
    assert truth.cycles[0].deal_count == 2
    assert truth.cycles[0].customer_at == local(3, 6, 11)
    assert truth.months[date(2026, 3, 1)].win_rate == Ratio(3, 3)


def test_the_closer_is_the_owner_of_the_deal_at_its_start() -> None:
    script = Script()
    script.form(local(2, 3, 10), "1", owner="102")
    script.lifecycle(local(2, 5, 10), "1", "salesqualifiedlead", by="102")
    script.assign(local(2, 5, 11), "1", "105", by="102")
    cycle = only_cycle(script)
    assert (cycle.qualifier, cycle.closer) == ("102", "105")
    script.deal(local(2, 6, 10), "20", "104", contacts=("1",))
    script.deal_owner(local(2, 9, 10), "20", "105")
    assert only_cycle(script).closer == "104"


@pytest.mark.parametrize(
    ("changes", "won", "lost"),
    [
        pytest.param({}, Ratio(1, 1), Ratio(0, 1), id="plain"),
        pytest.param({"amount": None}, Ratio(1, 1), Ratio(0, 1), id="21: amount missing"),
        pytest.param({"amount": "0"}, Ratio(0, 0), Ratio(0, 0), id="21: amount zero"),
        pytest.param({"amount": "-100"}, Ratio(0, 0), Ratio(0, 0), id="21: amount negative"),
        pytest.param({"deal_type": "existingbusiness"}, Ratio(0, 0), Ratio(0, 0), id="renewal"),
    ],
)
def test_win_rate_counts_eligible_closed_deals(changes: dict, won: Ratio, lost: Ratio) -> None:
    for end, expected in (("closedwon", won), ("closedlost", lost)):
        script = Script()
        script.deal(local(2, 3, 10), "20", "105", **changes)
        script.deal(local(2, 3, 10), "21", "105", **changes)
        script.stage(local(2, 10, 10), "20", "qualifiedtobuy", by="105")
        script.stage(local(2, 20, 10), "20", end, by="105")
        assert truth_of(script).months[date(2026, 2, 1)].win_rate == expected


def test_4_a_duplicate_and_a_deal_lost_before_it_was_accepted_are_no_loss() -> None:
    script = Script()
    script.deal(local(2, 3, 10), "20", "105", stage="qualifiedtobuy")
    script.stage(local(2, 20, 10), "20", "closedlost", by="105", reason="duplicate")
    script.deal(local(2, 3, 10), "21", "105")
    script.stage(local(2, 20, 10), "21", "closedlost", by="105", reason="Prijs")
    month = truth_of(script).months[date(2026, 2, 1)]
    assert (month.deals_lost, month.win_rate) == (2, Ratio(0, 0))


def test_a_reopened_deal_counts_where_it_closed_last() -> None:
    script = Script()
    script.deal(local(2, 3, 10), "20", "105", stage="contractsent")
    script.stage(local(2, 20, 10), "20", "closedlost", by="105", reason="Timing")
    script.stage(local(3, 3, 10), "20", "contractsent", by="105")
    script.stage(local(3, 20, 10), "20", "closedwon", by="105")
    months = truth_of(script).months
    assert months[date(2026, 2, 1)].win_rate == Ratio(0, 0)
    assert months[date(2026, 3, 1)].win_rate == Ratio(1, 1)
    assert truth_of(script, local(2, 25, 0)).months[date(2026, 2, 1)].win_rate == Ratio(0, 1)


def test_a_prospect_tried_again_after_half_a_year_is_reactivated_and_not_new() -> None:
    script = Script()
    script.list_row(local(1, 5, 9), "1")
    script.call(local(1, 6, 10), "40", "1", "103")
    script.call(local(9, 1, 10), "41", "1", "103")
    months = truth_of(script).months
    assert (months[date(2026, 1, 1)].new_prospects, months[date(2026, 9, 1)].new_prospects) == (1, 0)
    assert months[date(2026, 9, 1)].reactivated_prospects == 1


@pytest.mark.parametrize(("leads", "hours", "fte"), [(80, 8.0, 0.2), (400, 40.0, 1.0)])
def test_26_eighty_leads_are_eight_hours_a_week(leads: int, hours: float, fte: float) -> None:
    script = Script()
    for number in range(leads):
        script.form(local(2, 3, 10) + timedelta(minutes=7 * number), str(number + 1))
    month = truth_of(script).months[date(2026, 2, 1)]
    assert (month.inbound_hours_week, month.inbound_fte) == (pytest.approx(hours), pytest.approx(fte))


def test_the_kaplan_meier_median_by_hand() -> None:
    # Five leads: 10, 20 answered; 25 censored; 30 answered; 90 censored. S = .8, .6, then .6 x 1/2 = .3.
    times = [(10.0, True), (20.0, True), (25.0, False), (30.0, True), (90.0, False)]
    assert kaplan_meier_quantile(times, 0.5) == 30.0
    assert kaplan_meier_quantile(times, 0.9) is None
    assert kaplan_meier_quantile([], 0.5) is None
    # At equal times the answers come before the censored ones: S(10) = 1/2 exactly.
    assert kaplan_meier_quantile([(10.0, True), (10.0, False)], 0.5) == 10.0


def test_the_truth_counts_the_records_the_crm_shows(truth: Truth, company) -> None:  # type: ignore[no-untyped-def]
    state = company.fold(truth.as_of)
    assert truth.live == {name: len(records) for name, records in state.live.items()}


def test_every_lead_of_the_demo_company_is_in_one_month(truth: Truth) -> None:
    assert sum(month.inbound_leads for month in truth.months.values()) == len(truth.inbound())
    assert all(cycle.ttfa_wm is None or cycle.ttfa_wm >= 0 for cycle in truth.inbound())
