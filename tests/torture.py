"""The torture CRM: the 32 cases of spec/metrics.md section 10 as one small company.

A case is one function: it writes what happened and gives back what must be true, with the calculation in words.
All of them happen in one company; a case has its own lead source, so that the marts show it apart. To add a case is
to add a function. What a night must say is asked of the published tables; `naive` is what the usual formula makes
of the same records, and must differ.

The company works from 09:00 to 17:30 on weekdays, in Amsterdam. All hours here are local, of 2026 if nothing else
is said. The last night reads it on Tuesday 1 September 2026 at 04:00.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from leadrole.sandbox.log import QUEUE_ID, History, Script
from leadrole.sandbox.population import make_owners

ZONE = ZoneInfo("Europe/Amsterdam")
FIRST_NIGHT: Final = datetime(2026, 8, 1, 4, tzinfo=ZONE)
LAST_NIGHT: Final = datetime(2026, 9, 1, 4, tzinfo=ZONE)
ANNA, BAS, CARO, DIRK, ELS = "101", "102", "103", "104", "105"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOT_ASKED: Final = object()

# Lead sources that are lists of names; all other ones are buyers who came by themselves.
LISTS = ("LIST_17", "LIST_27")
CONFIG = """
config_version: 1
company:
  name: Martelbedrijf
  timezone: Europe/Amsterdam
  country: NL
  reporting_currency: EUR
  employees: 19
  lifetime_value: 10000
  working_hours: {mon: ["09:00-17:30"], tue: ["09:00-17:30"], wed: ["09:00-17:30"], thu: ["09:00-17:30"], fri: ["09:00-17:30"]}
sources:
  - name: hubspot
    kind: hubspot
    base_url: URL
    token_env: TEST_TOKEN
    rate_limit: {per_10_seconds: 1000000, search_per_second: 1000000}
    max_clock_skew_minutes: 52560000
lead_sources:
  LIST_17: {source: list_17, motion: outbound}
  LIST_27: {source: list_27, motion: outbound}
currency_rates:
  USD: [{date: 2026-01-01, rate: 0.9}, {date: 2026-06-01, rate: 0.8}]
privacy: {people_metrics: true, legal_basis: test, purpose: test, or_or_pvt: test, dpia_ref: test, valid_until: 2999-12-31}
"""


@dataclass(frozen=True)
class Expect:
    """What a query of the published tables answers: one value, one row, or a list of rows.

    In a query `rep:102` stands for the name under which the tables know that owner. With `company` the question is
    asked of the same company with other settings.
    """

    what: str
    query: str
    true: Any
    naive: Any = NOT_ASKED
    company: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Case:
    """One of the 32, with what must be true of it."""

    number: str
    title: str
    expects: tuple[Expect, ...]


class Story(Script):
    """Writes one case after the other; ids are the case's number and a running one."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.used = 0

    def new(self) -> str:
        """An id that nothing has yet."""
        self.used += 1
        return str(self.number * 10_000 + self.used)

    @property
    def source(self) -> str:
        """The lead source of this case alone."""
        return f"CASE_{self.number}"

    def lead(self, at: datetime, *, owner: str | None = ANNA, **more: Any) -> str:
        """A form, by somebody new."""
        contact = self.new()
        self.form(at, contact, source=self.source, owner=owner, **more)
        return contact

    def rings(self, at: datetime, contact: str, rep: str = ANNA, *, outcome: str = "no_answer") -> None:
        """A call to somebody."""
        self.call(at, self.new(), contact, rep, outcome=outcome)

    def qualifies(self, at: datetime, contact: str, by: str = ANNA) -> None:
        """Somebody becomes an SQL."""
        self.lifecycle(at, contact, "salesqualifiedlead", by=by)

    def sql(self, at: datetime, *, by: str = ANNA, owner: str | None = None) -> str:
        """A lead that is called after an hour and qualified after a day."""
        contact = self.lead(at, owner=owner or by)
        self.rings(at + HOUR, contact, by, outcome="connected")
        self.qualifies(at + DAY, contact, by)
        return contact

    def opportunity(self, at: datetime, contact: str | None, owner: str = ELS, **more: Any) -> str:
        """A deal that reaches the second stage, which is the accepted one, after an hour."""
        deal = self.new()
        self.deal(at, deal, owner, contacts=(contact,) if contact else (), **more)
        self.stage(at + HOUR, deal, "qualifiedtobuy", by=owner)
        return deal

    def wins(self, at: datetime, deal: str, by: str = ELS) -> None:
        """A deal is won."""
        self.stage(at, deal, "closedwon", by=by)

    def loses(self, at: datetime, deal: str, reason: str = "Prijs", by: str = ELS) -> None:
        """A deal is lost."""
        self.stage(at, deal, "closedlost", by=by, reason=reason)


def on(
    month: int, day: int, hour: int = 10, minute: int = 0, second: int = 0, *, year: int = 2026
) -> datetime:
    """A moment on the company's wall."""
    return datetime(year, month, day, hour, minute, second, tzinfo=ZONE).astimezone(UTC)


def cycle(contact: str, columns: str) -> str:
    """The lead cycles of one person."""
    return f"select {columns} from fct_lead_cycle where person_id = 'hubspot:{contact}' order by cycle_no"


def month_of(role: str, number: int, month: int, columns: str, year: int = 2026) -> str:
    """The month of a case's own source."""
    return (
        f"select {columns} from mart_{role}_month where slice_type = 'source' and slice_value = 'case_{number}' "
        f"and month = '{year}-{month:02}-01'"
    )


def deals_of(deal: str, columns: str) -> str:
    """One deal."""
    return f"select {columns} from fct_deal where deal_id = 'hubspot:{deal}'"


Teller = Callable[[Story], Iterator[Expect]]
_TELLERS: list[tuple[str, Teller]] = []


def case(number: str) -> Callable[[Teller], Teller]:
    """Make a function a case."""

    def register(teller: Teller) -> Teller:
        _TELLERS.append((number, teller))
        return teller

    return register


@case("1")
def a_rep_who_won_two_and_lost_none(story: Story) -> Iterator[Expect]:
    for day in (4, 5):
        contact = story.sql(on(5, day))
        story.wins(on(5, day + 14), story.opportunity(on(5, day + 2), contact))
    yield Expect(
        "2 won of 2 closed is 100 %; won : lost would be divided by nothing",
        month_of("closer", 1, 5, "win_rate_k, win_rate_n, deals_won, deals_lost, win_rate_k / win_rate_n"),
        (2, 2, 2, 0, 1.0),
        naive=(2, 2, 2, 0, None),
    )
    yield Expect(
        "two deals are no rate yet: the share is not shown",
        month_of("closer", 1, 5, "win_rate_estimate, win_rate_grade"),
        (None, "insufficient"),
        naive=(1.0, "ok"),
    )


@case("2")
def the_days_to_won_are_positive(story: Story) -> Iterator[Expect]:
    deal = story.opportunity(on(5, 11, 9), story.sql(on(5, 4)))
    story.wins(on(5, 25, 9), deal)
    # Somebody tidies up and puts the expected date back before the deal was there.
    story.close_date(on(5, 26), deal, on(5, 8, 9), by=ELS)
    yield Expect(
        "made 11 May 09:00, moved to won 25 May 09:00: 14 days; close date minus create date says -3",
        deals_of(deal, "date_diff('second', created_at, won_at) / 86400"),
        14.0,
        naive=-3.0,
    )


@case("3")
def open_deals_are_not_in_the_win_rate(story: Story) -> Iterator[Expect]:
    story.wins(on(6, 15), story.opportunity(on(6, 2), story.sql(on(6, 1))))
    story.loses(on(6, 16), story.opportunity(on(6, 2), story.sql(on(6, 1))))
    for _ in range(3):
        story.opportunity(on(6, 2), story.sql(on(6, 1)))
    yield Expect(
        "1 won of 2 closed; the 3 open ones are not lost: 1 of 5 would be 20 %",
        month_of("closer", 3, 6, "win_rate_k, win_rate_n, open_deals"),
        (1, 2, 3),
        naive=(1, 5, 3),
    )


@case("4")
def lost_as_duplicate_or_merged_is_not_lost(story: Story) -> Iterator[Expect]:
    story.wins(on(6, 15), story.opportunity(on(6, 2), story.sql(on(6, 1))))
    for reason in ("Prijs", "duplicate", "merged"):
        story.loses(on(6, 16), story.opportunity(on(6, 2), story.sql(on(6, 1))), reason)
    yield Expect(
        "1 won, 1 lost on price, 2 that were never deals: 1 of 2, not 1 of 4",
        month_of("closer", 4, 6, "win_rate_k, win_rate_n"),
        (1, 2),
        naive=(1, 4),
    )


@case("5")
def a_chain_of_merges_counts_once_and_by_the_first_record(story: Story) -> Iterator[Expect]:
    first = story.lead(on(2, 3, 10))
    story.rings(on(2, 3, 11, 30), first)
    second, third = story.lead(on(2, 5, 10)), story.lead(on(2, 10, 10))
    between, last = story.new(), story.new()
    story.merge(on(2, 12), between, (first, second), by=ANNA)
    story.merge(on(2, 16), last, (between, third), by=ANNA)
    yield Expect(
        "form of A on 3 February 10:00, called 11:30 on A: 90 minutes, told of C; C's own call is missing",
        cycle(last, "entered_at, ttfa_wm, cycle_no"),
        [(on(2, 3, 10), 90.0, 1)],
        naive=[(on(2, 10, 10), None, 1)],
    )
    yield Expect("one person, not three", month_of("inbound", 5, 2, "inbound_leads"), 1, naive=3)


@case("6")
def a_merge_that_makes_a_new_id_makes_no_new_lead(story: Story) -> Iterator[Expect]:
    early, late = story.lead(on(2, 17)), story.lead(on(3, 10))
    new_id = story.new()
    story.merge(on(4, 1), new_id, (late, early), by=ANNA)
    yield Expect(
        "one lead, in the month of the earlier form, under the id the merge made",
        "select person_id, cast(entered_month as varchar) from fct_lead_cycle where source = 'case_6'",
        [(f"hubspot:{new_id}", "2026-02-01")],
        naive=[(f"hubspot:{new_id}", "2026-04-01")],
    )


@case("7")
def a_merge_after_the_sql_keeps_the_day_of_the_right_record(story: Story) -> Iterator[Expect]:
    qualified, other = story.lead(on(3, 2)), story.lead(on(3, 10))
    story.rings(on(3, 2, 11), qualified, outcome="connected")
    story.qualifies(on(3, 3, 11), qualified)
    new_id = story.new()
    # The primary record never was an SQL: HubSpot stamps the furthest stage on the day of the merge.
    story.merge(on(3, 20), new_id, (other, qualified), by=ANNA)
    yield Expect(
        "qualified on 3 March on the record that was merged away, not on 20 March when the merge wrote it again",
        cycle(new_id, "qualified_at"),
        on(3, 3, 11),
        naive=on(3, 20),
    )
    yield Expect("and that once", month_of("closer", 7, 3, "qualified_received"), 1)


@case("8")
def a_lead_that_comes_back_after_31_or_29_days(story: Story) -> Iterator[Expect]:
    for gap, cycles in ((31, 2), (29, 1)):
        contact = story.lead(on(3, 9))
        story.rings(on(3, 9, 11), contact)
        story.status(on(3, 10), contact, "UNQUALIFIED", by=ANNA)
        again_at = on(3, 10) + gap * DAY
        story.form_again(again_at, contact)
        story.status(again_at + MINUTE, contact, "OPEN")
        story.rings(again_at + 30 * MINUTE, contact)
        yield Expect(
            f"written off on 10 March, back after {gap} days: {cycles} (a new one from 30 days on)",
            f"select count(*) from fct_lead_cycle where person_id = 'hubspot:{contact}'",
            cycles,
            naive=3 - cycles,
        )
        if cycles == 2:
            yield Expect(
                "the second has a clock of its own: back on Friday 10 April 11:00, called 11:30",
                cycle(contact, "ttfa_wm"),
                [(60.0,), (30.0,)],
            )


@case("9")
def a_reassigned_lead_keeps_its_clock(story: Story) -> Iterator[Expect]:
    contact = story.lead(on(2, 3, 10), owner=BAS)
    story.assign(on(2, 6, 10), contact, CARO, by=ANNA)
    story.rings(on(2, 6, 10, 5), contact, CARO)
    yield Expect(
        "Tuesday 10:00 to Friday 10:05: 3 x 510 + 5 working minutes, 3 x 1440 + 5 by the clock; since the new "
        "owner has it, only 5",
        cycle(contact, "ttfa_wm, ttfa_cm"),
        (1535.0, 4325.0),
        naive=(5.0, 5.0),
    )


@case("10")
def an_automatic_reply_is_no_response(story: Story) -> Iterator[Expect]:
    at = on(2, 3, 10)
    contact = story.lead(at)
    story.email(at + timedelta(seconds=10), story.new(), contact, None, automated=True)
    story.rings(on(2, 3, 12), contact)
    yield Expect(
        "the mail after 10 seconds was a machine's; the call at 12:00 makes it 120 minutes",
        cycle(contact, "ttfa_wm"),
        120.0,
        naive=10 / 60,
    )


@case("11")
def a_task_is_no_response(story: Story) -> Iterator[Expect]:
    contact = story.lead(on(2, 3, 10))
    story.task(on(2, 3, 10, 1), story.new(), contact, ANNA, on(2, 4))
    done = story.lead(on(2, 3, 10))
    story.task(on(2, 3, 10, 1), story.new(), done, ANNA, on(2, 4), done_at=on(2, 4))
    for person in (contact, done):
        yield Expect(
            "a plan, ticked off or not, reached nobody",
            cycle(person, "is_answered, ttfa_wm"),
            (False, None),
            naive=(True, 1.0),
        )


@case("12")
def from_friday_evening_to_monday_morning(story: Story) -> Iterator[Expect]:
    contact = story.lead(on(2, 6, 17, 25))
    story.rings(on(2, 9, 9, 10), contact)
    yield Expect(
        "Friday 17:25 to 17:30 is 5, Monday 09:00 to 09:10 is 10; by the clock 63 h 45 min",
        cycle(contact, "ttfa_wm, ttfa_cm"),
        (15.0, 63.75 * 60),
        naive=(63.75 * 60, 63.75 * 60),
    )


@case("13")
def over_the_change_to_summer_time_and_over_kings_day(story: Story) -> Iterator[Expect]:
    summer = story.lead(on(3, 27, 17, 25))
    story.rings(on(3, 30, 9, 10), summer)
    yield Expect(
        "the same 15 working minutes; by the clock an hour less, as the night of 29 March lacks one",
        cycle(summer, "ttfa_wm, ttfa_cm"),
        (15.0, 62.75 * 60),
        naive=(15.0, 63.75 * 60),
    )
    king = story.lead(on(4, 24, 17, 25))
    story.rings(on(4, 28, 9, 10), king)
    yield Expect(
        "Friday 24 April to Tuesday 28 April: Monday was King's Day; a plain Monday would add 510",
        cycle(king, "ttfa_wm"),
        15.0,
        naive=525.0,
    )


@case("14")
def answered_on_the_saturday_it_came(story: Story) -> Iterator[Expect]:
    contact = story.lead(on(2, 7, 11))
    story.rings(on(2, 7, 12), contact)
    yield Expect(
        "an hour by the clock, none of it working time, and answered",
        cycle(contact, "ttfa_wm, ttfa_cm, is_answered, is_speed_event"),
        (0.0, 60.0, True, True),
        naive=(60.0, 60.0, True, True),
    )


@case("15")
def closing_unanswered_leads_makes_speed_worse(story: Story) -> Iterator[Expect]:
    for number in range(12):
        contact = story.lead(on(4, 7, 10))
        if number < 5:
            story.rings(on(4, 7, 11), contact)
        else:
            story.status(on(4, 8), contact, "UNQUALIFIED", by=ANNA)
    yield Expect(
        "5 of 12 were called after 60 minutes, 7 closed unheard: the median is not reached, though that of the "
        "answered is 60",
        month_of(
            "inbound", 15, 4, "lead_speed_n, lead_speed_answered, lead_speed_median_wm, never_answered_k"
        ),
        (12, 5, None, 7),
        naive=(5, 5, 60.0, 0),
    )


@case("16")
def a_conversion_without_activity_counts_and_has_no_speed(story: Story) -> Iterator[Expect]:
    contact = story.lead(on(4, 7))
    story.qualifies(on(4, 9), contact)
    yield Expect(
        "1 qualified of 1; not timed, and not called never answered either",
        month_of(
            "inbound", 16, 4,
            "lead_to_qualified_k, lead_to_qualified_n, unlogged_k, lead_speed_n, never_answered_k, never_answered_n",
        ),
        (1, 1, 1, 0, 0, 0),
        naive=(1, 1, 0, 1, 1, 1),
    )  # fmt: skip


@case("17")
def touched_before_the_form(story: Story) -> Iterator[Expect]:
    prospect = story.new()
    story.list_row(on(4, 1), prospect, source="LIST_17", owner=BAS, by=BAS)
    story.rings(on(4, 2, 10), prospect, BAS)
    story.form_again(on(4, 14, 10), prospect)
    story.rings(on(4, 14, 11), prospect, BAS)
    yield Expect(
        "a prospect who sends a form stays a prospect, and a hybrid; one cycle, from the first call",
        cycle(prospect, "motion_first, is_hybrid, entered_at"),
        [("outbound", True, on(4, 2, 10))],
        naive=[("inbound", False, on(4, 14, 10))],
    )
    called = story.lead(on(4, 14, 10))
    story.rings(on(4, 14, 9, 30), called)
    yield Expect(
        "called half an hour before the lead was there: 0 and flagged, not -30",
        cycle(called, "ttfa_wm, ttfa_cm, is_pre_touched"),
        (0.0, 0.0, True),
        naive=(-30.0, -30.0, False),
    )


@case("18")
def an_import_of_400_rows_is_not_400_leads(story: Story) -> Iterator[Expect]:
    story.rings(on(4, 14, 11), story.lead(on(4, 14)))
    rows = [story.new() for _ in range(400)]
    for row in rows:
        story.list_row(on(4, 15, 14), row, source=story.source, owner=ANNA, by=ANNA)
    story.rings(on(4, 16), rows[0], outcome="connected")
    story.qualifies(on(4, 17), rows[0])
    yield Expect(
        "one person asked; 400 were put in at one instant",
        month_of("inbound", 18, 4, "inbound_leads, lead_speed_n, lead_to_qualified_k, lead_to_qualified_n"),
        (1, 1, 0, 1),
        naive=(401, 401, 1, 401),
    )
    yield Expect(
        "the rows are there and marked",
        "select count(*), count(*) filter (where is_bulk_import) from fct_lead_cycle where source = 'case_18'",
        (401, 400),
    )


@case("19")
def deals_and_leads_that_do_not_match_one_to_one(story: Story) -> Iterator[Expect]:
    contact = story.sql(on(2, 2))
    story.wins(on(2, 20), story.opportunity(on(2, 4), contact, amount="1000"))
    story.wins(on(2, 24), story.opportunity(on(2, 5), contact, amount="500"))
    yield Expect(
        "two won deals of one lead are one customer: 1 of 1, with both amounts",
        month_of("closer", 19, 2, "lead_to_customer_k, lead_to_customer_n, deals_won, won_amount"),
        (1, 1, 2, 1500),
        naive=(2, 1, 2, 1500),
    )
    alone = story.opportunity(on(2, 6), None)
    story.wins(on(2, 25), alone)
    yield Expect(
        "a deal without a lead enters no conversion",
        deals_of(alone, "cycle_id, link_method"),
        (None, "unlinked"),
    )
    colleagues = [story.lead(on(3, 9), email=f"{name}@samen19.example") for name in ("een", "twee")]
    shared = story.opportunity(on(3, 12), None)
    company = str(int(colleagues[0]) * 10 + 2)
    story.link(on(3, 12, 12), "deals", shared, "companies", company)
    yield Expect(
        "two leads at the deal's company: nobody knows which, so neither",
        deals_of(shared, "cycle_id, link_method, link_confidence"),
        (None, "unlinked", 0.0),
    )
    strangers = [story.lead(on(3, 9), email=f"{name}19@gmail.com") for name in ("een", "twee")]
    story.rings(on(3, 10), strangers[0], outcome="connected")
    story.qualifies(on(3, 11), strangers[0])
    theirs = story.opportunity(on(3, 13), strangers[1])
    story.wins(on(3, 26), theirs)
    yield Expect(
        "two strangers with a gmail address stay two: the deal of the one is no customer of the other",
        cycle(strangers[0], "outcome, customer_at"),
        ("qualified", None),
        naive=("qualified", on(3, 26)),
    )
    yield Expect("and it hangs on the other", deals_of(theirs, "person_id"), f"hubspot:{strangers[1]}")


@case("20")
def three_currencies_of_which_one_has_no_rate(story: Story) -> Iterator[Expect]:
    for amount, currency in (("1000", "EUR"), ("2000", "USD"), ("300000", "JPY")):
        deal = story.opportunity(on(6, 2), story.sql(on(6, 1)), amount=amount, currency=currency)
        story.wins(on(6, 15), deal)
        if currency == "USD":
            yield Expect(
                "2000 dollars at 0.80, the rate of the day of closing in June; at January's it would be 1800",
                deals_of(deal, "amount_reporting, cast(fx_date as varchar)"),
                (1600, "2026-06-01"),
                naive=(1800, "2026-01-01"),
            )
        if currency == "JPY":
            yield Expect(
                "yen have no rate: no amount, and not 300000 euros",
                deals_of(deal, "amount_reporting, amount_original, currency_code"),
                (None, 300000, "JPY"),
                naive=(300000, 300000, "JPY"),
            )
    yield Expect(
        "counts are untouched, the share in money is blocked",
        month_of("closer", 20, 6, "deals_won, win_rate_k, win_rate_n, win_rate_value"),
        (3, 3, 3, None),
        naive=(3, 3, 3, 1.0),
    )


@case("21")
def amounts_that_are_missing_nought_or_negative(story: Story) -> Iterator[Expect]:
    reasons = {}
    for amount in (None, "0", "-100", "500"):
        deal = story.opportunity(on(6, 2), story.sql(on(6, 1)), amount=amount)
        if amount == "500":
            story.loses(on(6, 16), deal)
        else:
            story.wins(on(6, 15), deal)
        reasons[amount] = deal
    yield Expect(
        "missing is not nought: it stays in, 0 and -100 are out; 1 of 2 where all closed ones make 3 of 4",
        month_of("closer", 21, 6, "win_rate_k, win_rate_n, deals_won"),
        (1, 2, 3),
        naive=(3, 4, 3),
    )
    for amount, is_eligible in ((None, True), ("0", False), ("-100", False)):
        yield Expect(
            f"won for {amount}: {'counts' if is_eligible else 'is listed with its reason'}",
            deals_of(reasons[amount], "is_eligible_win_rate, ineligible_reason is not null"),
            (is_eligible, not is_eligible),
        )


@case("22")
def half_past_eleven_utc_on_the_last_of_january_is_february(story: Story) -> Iterator[Expect]:
    contact = story.lead(datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    yield Expect(
        "00:30 on 1 February in Amsterdam",
        cycle(contact, "cast(entered_month as varchar), cast(entered_local_date as varchar)"),
        ("2026-02-01", "2026-02-01"),
        naive=("2026-01-01", "2026-01-31"),
    )
    yield Expect("its month", month_of("inbound", 22, 2, "inbound_leads"), 1)


@case("23")
def archived_deals_forgotten_people_and_stages_that_are_gone(story: Story) -> Iterator[Expect]:
    contact = story.sql(on(7, 1))
    archived = story.opportunity(on(7, 6), contact)
    story.wins(on(7, 20), archived)
    # Read in the first night; then archived, and in no search any more.
    story.archive_deal(on(8, 10), archived, by=ELS)
    forgotten = story.lead(on(7, 2))
    story.rings(on(7, 2, 11), forgotten)
    story.forget_contact(on(8, 11), forgotten, by=ANNA)
    yield Expect("no deal", deals_of(archived, "count(*)"), 0, naive=1)
    yield Expect(
        "won in July, archived in August: not won",
        month_of("closer", 23, 7, "deals_won, win_rate_n, qualified_received"),
        (0, 0, 1),
        naive=(1, 1, 1),
    )
    yield Expect(
        "of the two leads of July one is left", month_of("inbound", 23, 7, "inbound_leads"), 1, naive=2
    )
    yield Expect(
        "nothing of the forgotten one is anywhere",
        f"select (select count(*) from fct_lead_cycle where person_id = 'hubspot:{forgotten}') "
        f"+ (select count(*) from fct_touch where person_id = 'hubspot:{forgotten}')",
        0,
        naive=2,
    )
    passing = story.opportunity(on(6, 9), story.sql(on(6, 3)))
    story.stage(on(6, 16), passing, "presentationscheduled", by=ELS)
    story.stage(on(6, 23), passing, "contractsent", by=ELS)
    yield Expect(
        "the stage that the pipeline no longer lists keeps its label",
        "select stage_label, is_deleted from dim_stage where stage_id = 'presentationscheduled'",
        ("Demo gepland", True),
        naive=(None, True),
    )
    yield Expect(
        "and its visits: 16 to 23 June",
        "select stage_label, days from fct_deal_stage_interval "
        f"where deal_id = 'hubspot:{passing}' and stage_id = 'presentationscheduled'",
        ("Demo gepland", 7.0),
    )


@case("24")
def stages_skipped_entered_again_and_gone_back_to(story: Story) -> Iterator[Expect]:
    deal = story.new()
    story.deal(on(5, 4), deal, ELS, contacts=(story.sql(on(5, 1)),))
    for day, stage in (
        (6, "presentationscheduled"), (11, "qualifiedtobuy"), (13, "presentationscheduled"), (18, "contractsent"),
        (20, "closedwon"),
    ):  # fmt: skip
        story.stage(on(5, day), deal, stage, by=ELS)
    yield Expect(
        "each visit for itself; the stage that was jumped over has one of no length",
        "select stage_id, visit_no, days, was_skipped, outcome from fct_deal_stage_interval "
        f"where deal_id = 'hubspot:{deal}' and not is_closed order by step_no",
        [
            ("appointmentscheduled", 1, 2.0, False, "advanced"),
            ("qualifiedtobuy", 1, 0.0, True, "advanced"),
            ("presentationscheduled", 1, 5.0, False, "moved_back"),
            ("qualifiedtobuy", 2, 2.0, False, "advanced"),
            ("presentationscheduled", 2, 5.0, False, "advanced"),
            ("contractsent", 1, 2.0, False, "won"),
        ],
    )
    yield Expect(
        "10 days at the demo in two visits; last entry to last exit says 5",
        "select sum(days) from fct_deal_stage_interval "
        f"where deal_id = 'hubspot:{deal}' and stage_id = 'presentationscheduled'",
        10.0,
        naive=5.0,
    )


@case("25")
def a_young_month_is_read_by_incidence(story: Story) -> Iterator[Expect]:
    # Four leads a day, 1 to 30 August at 10:00. Of each four one qualifies after 10 days, one is written off
    # after 20: the truth is 25 %.
    for day in range(1, 31):
        for number in range(4):
            at = on(8, day)
            contact = story.lead(at)
            story.rings(at + HOUR, contact, outcome="connected")
            if number == 0 and at + 10 * DAY < LAST_NIGHT:
                story.qualifies(at + 10 * DAY, contact)
            if number == 1 and at + 20 * DAY < LAST_NIGHT:
                story.status(at + 20 * DAY, contact, "UNQUALIFIED", by=ANNA)
    yield Expect(
        "21 days x 1 had 10 days' time: 21 of 120 = 17.5 % so far. Of the 84 seen for 10 days 21 qualified: 25 %, and "
        "nobody after that",
        month_of("inbound", 25, 8, "lead_to_qualified_aj_n, lead_to_qualified_aj_estimate"),
        (120, 0.25),
        naive=(120, 21 / 120),
    )
    yield Expect(
        "only the 4 of 1 August are 30 days old",
        month_of(
            "inbound", 25, 8, "lead_to_qualified_n, lead_to_qualified_maturity, lead_to_qualified_estimate"
        ),
        (4, 4 / 120, None),
        naive=(120, 1.0, 21 / 120),
    )


# Of 2025, so that nothing else is in these months.
VOLUMES = {3: 1, 4: 80, 5: 399, 6: 400, 7: 401}
HAND_OVERS = {8: 50, 9: 51}


def staffing(rule: str, month: str, columns: str) -> str:
    """A rule in a month of 2025; or as things are now."""
    when = f"month = '{month}'" if month else "is_latest"
    return f"select {columns} from mart_staffing where rule_id = '{rule}' and {when}"


@case("26")
def thresholds_at_their_edge(story: Story) -> Iterator[Expect]:
    for month, count in VOLUMES.items():
        for number in range(count):
            story.lead(on(month, 1 + number % 28, 10, number // 28, year=2025))
    for month, count in HAND_OVERS.items():
        for number in range(count):
            story.sql(on(month, 1 + number % 25, 10, number // 25, year=2025))
    yield Expect(
        "80 leads: 80 x 26 minutes a month = 8.0 hours a week = 0.2 of 40",
        staffing("R2", "2025-04-01", "volume, hours_week_needed, required_fte"),
        (80, 8.0, 0.2),
    )
    for month, count, is_met in ((5, 399, False), (6, 400, True), (7, 401, True)):
        yield Expect(
            f"at least 400: {count}",
            staffing("R2", f"2025-0{month}-01", "volume, is_threshold_met"),
            (count, is_met),
            naive=(count, count > 400) if count == 400 else NOT_ASKED,
        )
    for month, count, is_met in ((8, 50, False), (9, 51, True)):
        yield Expect(
            f"more than 50: {count}",
            staffing("R6", f"2025-0{month}-01", "volume, is_threshold_met, required_fte"),
            (count, is_met, count / 50),
            naive=(count, count >= 50, count / 50) if count == 50 else NOT_ASKED,
        )

    for rule, setting, value, is_met in (
        ("R4", "employees", 8, False),
        ("R4", "employees", 9, True),
        ("R7", "employees", 19, True),
        ("R7", "employees", 20, False),
        ("R5", "lifetime_value", 10_000, False),
        ("R5", "lifetime_value", 10_000.01, True),
    ):
        yield Expect(
            f"{setting} {value}: the limit itself is on one side only",
            staffing(rule, "", "volume, is_threshold_met"),
            (value, is_met),
            company=((setting, value),),
        )


@case("27")
def one_person_does_it_all(story: Story) -> Iterator[Expect]:
    # Of Caro's 12 calls of June 4 are to prospects, 4 to leads and 4 to people who were qualified.
    for day in (2, 3, 4, 5):
        prospect = story.new()
        story.list_row(on(6, 1), prospect, source="LIST_27", owner=CARO, by=CARO)
        story.rings(on(6, day), prospect, CARO)
        lead = story.sql(on(6, day, 11), by=CARO)
        story.rings(on(6, day + 7, 11), lead, CARO)
    finding = "select status, severity, k from mart_findings where rule_id = 'F7'"
    yield Expect("all three roles in one hand, with 12 touches", finding, ("found", "high", 12))
    yield Expect(
        "for a start-up that is advice", finding, ("found", "low", 12), naive=("found", "high", 12),
        company=(("is_startup", True),),
    )  # fmt: skip


@case("28")
def a_rep_with_three_leads_has_no_rate_and_no_rank(story: Story) -> Iterator[Expect]:
    for day in (1, 2, 3):
        story.sql(on(6, day), by=DIRK)
    yield Expect(
        "3 of 3 is no 100 %: too few to say",
        "select k, n, estimate, shrunken_estimate, p_above_team, grade from mart_rep_month where rep_id = 'rep:104' "
        "and role = 'inbound' and period_type = 'month' and period_start = '2026-06-01'",
        (3, 3, None, None, None, "insufficient"),
        naive=(3, 3, 1.0, 1.0, 1.0, "ok"),
    )
    yield Expect(
        "and nobody is ranked anywhere",
        "select count(*) from information_schema.columns where column_name similar to '.*rank.*'",
        0,
    )


@case("29")
def a_team_that_logs_nothing_is_not_slow(story: Story) -> Iterator[Expect]:
    for number in range(12):
        contact = story.lead(on(5, 5, 10, number))
        if number < 10:
            story.qualifies(on(5, 7), contact)
    story.rings(on(5, 6), story.lead(on(5, 5, 11)))
    yield Expect(
        "10 of 10 conversions without a call on record: speed is not measurable, not bad",
        month_of("inbound", 29, 5, "lead_speed_status, lead_speed_median_wm, unlogged_k"),
        ("not_measurable", None, 10),
        naive=("measured", None, 0),
    )


@case("31")
def the_waterfall_closes(story: Story) -> Iterator[Expect]:
    won, moved, open_ = story.new(), story.new(), story.new()
    story.deal(on(3, 2), won, CARO, amount="5000", close_date=on(3, 31))
    story.amount(on(3, 10), won, "6000", by=CARO)
    story.wins(on(3, 20), won, CARO)
    story.deal(on(3, 3), moved, CARO, amount="4000", close_date=on(3, 25))
    story.close_date(on(3, 15), moved, on(4, 20), by=CARO)
    story.loses(on(4, 15), moved, by=CARO)
    story.deal(on(3, 4), open_, CARO, amount="1000", close_date=on(3, 30))
    story.amount(on(3, 5), open_, "800", by=CARO)
    flow = (
        "select start_amount, created_amount, increased_amount, decreased_amount, pushed_out_amount, lost_amount, "
        "won_amount, end_amount from mart_pipeline_movement where slice_value = 'rep:103' and basis = 'reporting' "
        "and month = '2026-0{}-01'"
    )
    yield Expect(
        "March: 0 + (5000 + 4000 + 1000) + 1000 - 200 - 4000 - 0 - 6000 = 800",
        flow.format(3),
        (0, 10_000, 1000, 200, 4000, 0, 6000, 800),
    )
    yield Expect("April: 4000 - 4000 lost = 0", flow.format(4), (4000, 0, 0, 0, 0, 4000, 0, 0))
    yield Expect(
        "of every month, owner and currency: what came less what went is what is left",
        "select count(*) > 20, count(*) filter (where start_deals + created_deals + pulled_in_deals - pushed_out_deals "
        "- lost_deals - won_deals <> end_deals or start_amount + created_amount + pulled_in_amount + increased_amount "
        "- decreased_amount - pushed_out_amount - lost_amount - won_amount <> end_amount) from mart_pipeline_movement",
        (True, 0),
    )
    yield Expect(
        "of every stage and month: whoever came in went one of six ways, and nobody is left over",
        "select sum(entries) = (select count(*) from fct_deal_stage_interval where not is_closed), "
        "count(*) filter (where entries <> advanced + lost + won + moved_back + handed_off + still_there) "
        "from mart_stage_flow",
        (True, 0),
    )


def tell() -> tuple[History, tuple[Case, ...]]:
    """The company's log, and what must be true of each case."""
    story = Story()
    cases = []
    for number, teller in _TELLERS:
        story.number, story.used = int(number), 0
        title = teller.__name__.replace("_", " ")
        cases.append(Case(number, title, tuple(teller(story))))
    # The rest of the company still works in this CRM, or the checks would say that it stands still.
    story.number, story.used = 99, 0
    contact = story.lead(on(8, 27))
    story.email(on(8, 27, 11), story.new(), contact, ANNA)
    story.deal(on(8, 28), story.new(), ELS, contacts=(contact,))
    owners = make_owners(date(2025, 1, 1))
    assert {owner.owner_id for owner in owners} == {ANNA, BAS, CARO, DIRK, ELS, QUEUE_ID}
    return story.history(owners), tuple(cases)
