"""The true value of the metrics, in plain Python, straight from the event log.

This is the second implementation the published marts are compared with: it reads neither SQL nor the CRM's
records. Every rule names the section of spec/metrics.md it comes from. Where that page leaves a choice, the
choice is marked "Reading:".
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

from leadrole.sandbox.log import OBJECTS, QUEUE_ID, STAGE_BY_ID, Event, History
from leadrole.sandbox.worktime import AMSTERDAM, WorkTime

HUMAN_CALL_STATUS = "COMPLETED"
_Thing = TypeVar("_Thing")
TOUCH_OBJECTS = {
    "call_logged": "calls",
    "email_logged": "emails",
    "meeting_booked": "meetings",
    "communication_logged": "communications",
}
INELIGIBLE_REASONS = frozenset({"duplicate", "merged", "test"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of section 1, and the mapping of CRM values the contract's config gives by default."""

    w_inbound_days: int = 30
    w_outbound_days: int = 90
    w_close_days: int = 180
    reopen_gap_days: int = 30
    expire_days: int = 180
    reactivate_days: int = 180
    never_answered_working_days: int = 5
    fte_hours_week: float = 40.0
    qualified_stages: frozenset[str] = frozenset({"salesqualifiedlead", "opportunity", "customer"})
    disqualified_statuses: frozenset[str] = frozenset({"UNQUALIFIED", "BAD_TIMING"})
    outbound_sources: frozenset[str] = frozenset({"OFFLINE"})
    bulk_size: int = 25
    bulk_seconds: int = 120


@dataclass(frozen=True, slots=True)
class Ratio:
    """A count out of a count."""

    k: int
    n: int

    @property
    def estimate(self) -> float | None:
        """Give k out of n; nothing out of nothing is unknown."""
        return self.k / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Touch:
    """One activity as section 2 classifies it."""

    touch_id: str
    at: datetime
    rep: str | None
    is_attempt: bool
    is_contact: bool
    is_automated: bool
    is_buyers: bool = False

    @property
    def is_sign(self) -> bool:
        """Whether it shows that buyer and seller were in touch, or that the seller tried."""
        return self.is_attempt or (self.is_contact and self.is_buyers)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One attempt to qualify one person (section 2, "lead cycle")."""

    person: str
    number: int
    motion: str
    source: str
    entry_kind: str
    entered_at: datetime
    entered_month: date
    outcome: str = "open"
    closed_at: datetime | None = None
    qualified_at: datetime | None = None
    qualified_month: date | None = None
    qualifier: str | None = None
    closer: str | None = None
    first_attempt_at: datetime | None = None
    first_attempt_rep: str | None = None
    first_contact_at: datetime | None = None
    ttfa_wm: float | None = None
    customer_at: datetime | None = None
    lost_at: datetime | None = None
    rejected_at: datetime | None = None
    deal_count: int = 0
    is_hybrid: bool = False
    is_pre_touched: bool = False
    is_unlogged: bool = False
    is_bulk_import: bool = False

    @property
    def is_speed_eligible(self) -> bool:
        """Whether the cycle counts for speed (section 7: unlogged conversions and bulk imports do not)."""
        return not (self.is_unlogged or self.is_bulk_import)


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal that exists at the instant, with what win rate needs (section 5)."""

    deal_id: str
    status: str
    created_at: datetime
    closed_at: datetime | None
    closed_month: date | None
    is_eligible: bool
    persons: tuple[str, ...]
    owner_settled: str
    accepted_at: datetime | None
    amount: float | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """The true figures of one local month."""

    month: date
    is_complete: bool
    inbound_leads: int
    bulk_imported: int
    lead_to_qualified: Ratio
    lead_to_qualified_maturity: float | None
    lead_to_customer_inbound: Ratio
    lead_speed_n: int
    lead_speed_answered: int
    lead_speed_median_wm: float | None
    lead_speed_p90_wm: float | None
    never_answered: Ratio
    unlogged: Ratio
    new_prospects: int
    reactivated_prospects: int
    prospect_to_qualified: Ratio
    qualified_received: int
    lead_to_customer: Ratio
    deals_won: int
    deals_lost: int
    win_rate: Ratio
    self_handover: Ratio
    inbound_hours_week: float
    inbound_fte: float
    closer_fte: float


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything that is true at one instant."""

    as_of: datetime
    cycles: tuple[Cycle, ...]
    deals: tuple[Deal, ...]
    months: Mapping[date, Month]
    live: Mapping[str, int]
    has_attempts: bool = True

    def inbound(self, month: date | None = None) -> tuple[Cycle, ...]:
        """Give the inbound leads (section 3: bulk imports are none), of one month or of all."""
        return tuple(
            cycle
            for cycle in self.cycles
            if cycle.motion == "inbound"
            and not cycle.is_bulk_import
            and (month is None or cycle.entered_month == month)
        )


def compute(
    history: History,
    at: datetime,
    *,
    parameters: Parameters | None = None,
    work: WorkTime | None = None,
    zone: ZoneInfo = AMSTERDAM,
) -> Truth:
    """Compute the truth at an instant from what had been logged by then."""
    return _Computation(history, at.astimezone(UTC), parameters or Parameters(), work, zone).run()


def kaplan_meier_quantile(times: Iterable[tuple[float, bool]], share: float) -> float | None:
    """Give the first time at which at least `share` has happened, by Kaplan-Meier (section 3, `lead_speed_median`).

    Each time comes with whether the thing happened then (True) or had not happened by then (False). Of equal
    times those that happened go first. None when the curve does not come down that far.
    """
    steps: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    at_risk = 0
    for moment, happened in times:
        steps[moment][0 if happened else 1] += 1
        at_risk += 1
    survival = 1.0
    for moment in sorted(steps):
        events, censored = steps[moment]
        if events:
            survival *= 1 - events / at_risk
            if survival <= 1 - share + 1e-9:
                return moment
        at_risk -= events + censored
    return None


@dataclass(slots=True)
class _Person:
    """What happened to one person, over all the contact records merged into them."""

    key: str
    created: list[tuple[datetime, str, str, str]] = field(default_factory=list)  # at, origin, source, contact
    forms: list[datetime] = field(default_factory=list)
    stages: list[tuple[datetime, str, str | None]] = field(default_factory=list)
    statuses: list[tuple[datetime, str, str | None]] = field(default_factory=list)
    owners: list[tuple[datetime, str | None]] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The source of the oldest record."""
        return min(self.created)[2] if self.created else ""

    def owner_at(self, instant: datetime) -> str | None:
        """Give who owned the person's record at an instant."""
        owner = None
        for at, who in sorted(self.owners, key=lambda entry: entry[0]):
            if at <= instant:
                owner = who
        return owner


class _Computation:
    def __init__(
        self, history: History, at: datetime, parameters: Parameters, work: WorkTime | None, zone: ZoneInfo
    ) -> None:
        self.at = at
        self.zone = zone
        self.parameters = parameters
        self.events = tuple(history.until(at))
        first = self.events[0].at.date() if self.events else at.date()
        self.work = work or WorkTime(first - timedelta(days=40), at.date() + timedelta(days=40))
        self.survivor: dict[str, str] = {}
        self.gone: set[str] = set()
        self.touches: dict[str, Touch] = {}
        self.touch_object: dict[str, str] = {}
        self.touch_contacts: dict[str, dict[str, None]] = defaultdict(dict)
        self.deal_touches: dict[str, list[str]] = defaultdict(list)

    def run(self) -> Truth:
        self._follow_merges()
        self._read_touches()
        deals = self._read_deals()
        persons = self._read_persons(deals)
        bulk = self._bulk_contacts()
        cycles: list[Cycle] = []
        for person in persons.values():
            cycles.extend(self._cycles(person, bulk))
        cycles.sort(key=lambda cycle: (cycle.entered_at, cycle.person))
        reactivated = self._reactivated(persons.values(), cycles)
        months = {month: self._month(month, cycles, deals, reactivated) for month in self._all_months()}
        has_attempts = any(touch.is_attempt for person in persons.values() for touch in person.touches)
        return Truth(self.at, tuple(cycles), tuple(deals), months, self._live(persons, deals), has_attempts)

    # --- identity (section 2 "person", section 7 "merged contacts" and "deleted/archived")

    def _follow_merges(self) -> None:
        for event in self.events:
            if event.kind == "contacts_merged":
                for loser in event.data["merged"]:
                    self.survivor[self._person_of(loser)] = event.subject
            elif event.kind in ("contact_archived", "contact_gdpr_deleted"):
                self.gone.add(self._person_of(event.subject))
            elif event.kind == "contact_restored":
                self.gone.discard(self._person_of(event.subject))

    def _person_of(self, contact: str) -> str:
        while contact in self.survivor:
            contact = self.survivor[contact]
        return contact

    def _read_persons(self, deals: list[Deal]) -> dict[str, _Person]:
        persons: dict[str, _Person] = {}
        readers: dict[str, Callable[[_Person, Event], None]] = {
            "contact_created": self._read_created,
            "form_submitted": lambda person, event: person.forms.append(event.at),
            "lifecycle_changed": lambda person, event: person.stages.append(
                (event.at, event.data["stage"], event.by)
            ),
            "lead_status_changed": lambda person, event: person.statuses.append(
                (event.at, event.data["status"], event.by)
            ),
            "owner_assigned": lambda person, event: person.owners.append((event.at, event.data["owner"])),
        }
        for event in self.events:
            reader = readers.get(event.kind)
            key = self._person_of(event.subject)
            if reader is not None and key not in self.gone:
                reader(persons.setdefault(key, _Person(key)), event)
        for at, survivor, owner in self._owners_after_merges():
            person = persons.get(self._person_of(survivor))
            if person is not None and person.owner_at(at) != owner:
                person.owners.append((at, owner))
        for touch_id, touch in self.touches.items():
            for key in {self._person_of(contact) for contact in self.touch_contacts[touch_id]}:
                if key in persons:
                    persons[key].touches.append(touch)
        for deal in deals:
            for key in deal.persons:
                if key in persons:
                    persons[key].deals.append(deal)
        return persons

    def _owners_after_merges(self) -> list[tuple[datetime, str, str | None]]:
        """Who has a person after a merge: the owner of the primary record, else of another one that had any."""
        merged_into: dict[str, str] = {}
        owners: dict[str, str | None] = {}
        found: list[tuple[datetime, str, str | None]] = []

        def holder(contact: str) -> str:
            while contact in merged_into:
                contact = merged_into[contact]
            return contact

        for event in self.events:
            if event.kind == "contact_created":
                owners[event.subject] = event.data["owner"]
            elif event.kind == "owner_assigned":
                owners[holder(event.subject)] = event.data["owner"]
            elif event.kind == "contacts_merged":
                records = [holder(contact) for contact in event.data["merged"]]
                owners[event.subject] = next((owners[one] for one in records if owners.get(one)), None)
                merged_into.update(dict.fromkeys(records, event.subject))
                found.append((event.at, event.subject, owners[event.subject]))
        return found

    def _read_created(self, person: _Person, event: Event) -> None:
        data = event.data
        person.created.append((event.at, data["origin"], data["source"], event.subject))
        person.owners.append((event.at, data["owner"]))
        if data["origin"] == "form":
            person.forms.append(event.at)

    def _bulk_contacts(self) -> set[str]:
        """Section 7, "bulk import": at least 25 records of one source within two minutes.

        Reading: records made by a form are buyers' signals, however many come at once.
        """
        by_source: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for event in self.events:
            if event.kind == "contact_created" and event.data["origin"] != "form":
                by_source[event.data["source"]].append((event.at, event.subject))
        bulk: set[str] = set()
        window = timedelta(seconds=self.parameters.bulk_seconds)
        for rows in by_source.values():
            left = 0
            for right, (made_at, _) in enumerate(rows):
                while made_at - rows[left][0] > window:
                    left += 1
                if right - left + 1 >= self.parameters.bulk_size:
                    bulk.update(contact for _, contact in rows[left : right + 1])
        return bulk

    # --- touches (section 2, "touch")

    def _read_touches(self) -> None:
        meetings: dict[str, Event] = {}
        for event in self.events:
            data = event.data
            if event.kind == "call_logged":
                is_done = data["status"] == HUMAN_CALL_STATUS
                is_out = data["direction"] == "out"
                is_long = (_number(data["duration"]) or 0) >= 60_000
                is_contact = data["outcome"] == "connected" if data["outcome"] else is_long
                self._touch(event, data["happened_at"], is_done and is_out, is_done and is_contact)
            elif event.kind == "email_logged":
                is_human = not data["automated"]
                is_out = data["direction"] == "out"
                self._touch(event, data["happened_at"], is_human and is_out, is_human and not is_out)
            elif event.kind == "meeting_booked":
                meetings[event.subject] = event
                self._touch(event, data["starts_at"], False, False)
            elif event.kind == "meeting_outcome":
                booked = meetings[event.subject]
                held = data["outcome"] == "COMPLETED"
                self._touch(booked, booked.data["starts_at"], held, held)
            elif event.kind == "communication_logged":
                # Nobody sees which way a message went; who logs one has sent it.
                self._touch(event, data["happened_at"], True, False)
            elif event.kind == "association_added" and event.subject in self.touches:
                if data["to_type"] == "contacts":
                    self.touch_contacts[event.subject][data["to_id"]] = None
            elif event.kind == "association_removed" and data["to_type"] == "contacts":
                self.touch_contacts[event.subject].pop(data["to_id"], None)

    def _touch(self, event: Event, at: datetime, is_attempt: bool, is_contact: bool) -> None:
        automated = bool(event.data.get("automated"))
        if event.subject not in self.touches:
            if event.data["contact"]:
                self.touch_contacts[event.subject][event.data["contact"]] = None
            if event.data["deal"]:
                self.deal_touches[event.data["deal"]].append(event.subject)
        self.touch_object[event.subject] = TOUCH_OBJECTS[event.kind]
        self.touches[event.subject] = Touch(
            event.subject, at, event.data["rep"], is_attempt, is_contact, automated, _is_buyers(event)
        )

    # --- deals (section 5)

    def _read_deals(self) -> list[Deal]:
        created: dict[str, Event] = {}
        contacts: dict[str, dict[str, None]] = {}
        visits: dict[str, list[tuple[datetime, str, str | None]]] = {}
        amounts: dict[str, str | None] = {}
        archived: set[str] = set()
        owners: dict[str, list[tuple[datetime, str]]] = {}
        for event in self.events:
            data, deal = event.data, event.subject
            if event.kind == "deal_created":
                created[deal] = event
                contacts[deal] = dict.fromkeys(data["contacts"])
                visits[deal] = [(event.at, data["stage"], None)]
                amounts[deal] = data["amount"]
                owners[deal] = [(event.at, data["owner"])]
            elif event.kind == "deal_owner_changed":
                owners[deal].append((event.at, data["owner"]))
            elif event.kind == "deal_stage_changed":
                visits[deal].append((event.at, data["stage"], data["reason"]))
            elif event.kind == "deal_amount_changed":
                amounts[deal] = data["amount"]
            elif event.kind == "deal_archived":
                archived.add(deal)
            elif event.kind == "deal_restored":
                archived.discard(deal)
            elif event.kind == "association_added" and data["from_type"] == "deals":
                contacts[deal][data["to_id"]] = None
            elif event.kind == "association_removed" and data["from_type"] == "deals":
                contacts[deal].pop(data["to_id"], None)
        deals = []
        for deal_id, event in created.items():
            if deal_id in archived:
                continue
            # The real instant of the stage change (section 5), of the last one when a closed deal was re-opened.
            closed_at, stage_id, reason = visits[deal_id][-1]
            stage = STAGE_BY_ID[stage_id]
            status = "won" if stage.is_won else "lost" if stage.is_closed else "open"
            # Accepted: the second stage or later; being lost is not a stage one reaches.
            accepted_at = min(
                (
                    at
                    for at, visited, _ in visits[deal_id]
                    if STAGE_BY_ID[visited].order >= 1
                    and (STAGE_BY_ID[visited].is_won or not STAGE_BY_ID[visited].is_closed)
                ),
                default=None,
            )
            amount = _number(amounts[deal_id])
            is_eligible = (
                stage.is_closed
                and accepted_at is not None
                and (amount is None or amount > 0)
                and not (status == "lost" and (reason or "").lower() in INELIGIBLE_REASONS)
                and (event.data["deal_type"] or "newbusiness") == "newbusiness"
            )
            # Who owns the deal a day after it was made took it over; later owners are another story.
            settled_at = event.at + timedelta(days=1)
            if stage.is_closed:
                settled_at = min(settled_at, closed_at)
            deals.append(
                Deal(
                    deal_id,
                    status,
                    event.at,
                    closed_at if stage.is_closed else None,
                    self._month_of(closed_at) if stage.is_closed else None,
                    is_eligible,
                    self._persons_on(deal_id, contacts[deal_id]),
                    [owner for at, owner in owners[deal_id] if at <= settled_at][-1],
                    accepted_at,
                    amount,
                    event.data["currency"],
                )
            )
        return deals

    def _persons_on(self, deal_id: str, contacts: Iterable[str]) -> tuple[str, ...]:
        """The link ladder of section 7: association (0.95), else the one person with whom the deal shares activities (0.9)."""
        persons = dict.fromkeys(self._person_of(contact) for contact in contacts)
        shared = {
            person
            for touch in self.deal_touches[deal_id]
            for person in map(self._person_of, self.touch_contacts[touch])
            if person not in self.gone
        }
        return tuple(persons | dict.fromkeys(shared if len(shared) == 1 else ()))

    # --- lead cycles (section 2; edge cases of section 7)

    def _cycles(self, person: _Person, bulk: set[str]) -> list[Cycle]:
        return _CycleWalk(self, person, bulk).run()

    def is_qualified_entry(self, stages: list[tuple[datetime, str, str | None]], index: int) -> bool:
        """Whether this change of stage is an entry into the qualified ones (section 3, `qualified_definition`).

        A move from one qualified stage to another is none. An SQL withdrawn within 24 hours by the same user
        was a correction and never happened.
        """
        return _is_entry(stages, index, self.parameters.qualified_stages)

    def is_disqualified_entry(self, statuses: list[tuple[datetime, str, str | None]], index: int) -> bool:
        """Whether this change of status wrote the lead off.

        Reading: what was undone within 24 hours by the same user was a correction here too.
        """
        return _is_entry(statuses, index, self.parameters.disqualified_statuses)

    # --- figures by month

    def _month_of(self, instant: datetime) -> date:
        """Section 7, "timezone": a month is a month on the company's wall."""
        return instant.astimezone(self.zone).date().replace(day=1)

    def _all_months(self) -> list[date]:
        if not self.events:
            return []
        month, months = self._month_of(self.events[0].at), []
        while month <= self._month_of(self.at):
            months.append(month)
            month = _next_month(month)
        return months

    def _old_enough(self, instant: datetime, days: int) -> bool:
        return instant + timedelta(days=days) <= self.at

    def _month(
        self, month: date, all_cycles: list[Cycle], deals: list[Deal], reactivated: Mapping[date, int]
    ) -> Month:
        parameters = self.parameters
        ends_at = datetime.combine(_next_month(month), time(), self.zone).astimezone(UTC)
        entered = [cycle for cycle in all_cycles if cycle.entered_month == month]
        inbound = [cycle for cycle in entered if cycle.motion == "inbound" and not cycle.is_bulk_import]
        mature = [cycle for cycle in inbound if self._old_enough(cycle.entered_at, parameters.w_inbound_days)]
        speed = [cycle for cycle in inbound if cycle.is_speed_eligible]
        times = [self._speed_time(cycle) for cycle in speed]
        answerable = [
            cycle
            for cycle in speed
            if self.work.days_between(cycle.entered_at, self.at) >= parameters.never_answered_working_days
        ]
        # Section 4: a prospect is new when nobody had touched the person before and no buyer's signal came first.
        prospects = [
            (cycle, cycle.first_attempt_at)
            for cycle in all_cycles
            if cycle.motion == "outbound"
            and cycle.number == 1
            and cycle.first_attempt_at
            and self._month_of(cycle.first_attempt_at) == month
        ]
        prospect_days = timedelta(days=parameters.w_outbound_days)
        old_prospects = [
            (cycle, at) for cycle, at in prospects if self._old_enough(at, parameters.w_outbound_days)
        ]
        qualified = [cycle for cycle in all_cycles if cycle.qualified_month == month]
        old_qualified = [
            cycle
            for cycle in qualified
            if cycle.qualified_at and self._old_enough(cycle.qualified_at, parameters.w_close_days)
        ]
        handed = [cycle for cycle in qualified if cycle.qualifier and cycle.closer]
        closed = [deal for deal in deals if deal.closed_month == month]
        eligible = [deal for deal in closed if deal.is_eligible]
        return Month(
            month=month,
            is_complete=ends_at <= self.at,
            inbound_leads=len(inbound),
            bulk_imported=sum(cycle.motion == "inbound" and cycle.is_bulk_import for cycle in entered),
            lead_to_qualified=_ratio(mature, lambda cycle: _within(cycle, parameters.w_inbound_days)),
            lead_to_qualified_maturity=len(mature) / len(inbound) if inbound else None,
            lead_to_customer_inbound=_ratio(inbound, lambda cycle: cycle.customer_at is not None),
            lead_speed_n=len(speed),
            lead_speed_answered=sum(happened for _, happened in times),
            lead_speed_median_wm=kaplan_meier_quantile(times, 0.5),
            lead_speed_p90_wm=kaplan_meier_quantile(times, 0.9),
            never_answered=_ratio(answerable, lambda cycle: cycle.first_attempt_at is None),
            unlogged=_ratio(inbound, lambda cycle: cycle.is_unlogged),
            new_prospects=len(prospects),
            reactivated_prospects=reactivated.get(month, 0),
            prospect_to_qualified=_ratio(
                old_prospects,
                lambda row: row[0].qualified_at is not None and row[0].qualified_at <= row[1] + prospect_days,
            ),
            qualified_received=len(qualified),
            lead_to_customer=_ratio(
                old_qualified,
                lambda cycle: (
                    cycle.customer_at is not None
                    and cycle.qualified_at is not None
                    and cycle.customer_at <= cycle.qualified_at + timedelta(days=parameters.w_close_days)
                ),
            ),
            deals_won=sum(deal.status == "won" for deal in closed),
            deals_lost=sum(deal.status == "lost" for deal in closed),
            win_rate=_ratio(eligible, lambda deal: deal.status == "won"),
            self_handover=_ratio(handed, lambda cycle: cycle.qualifier == cycle.closer),
            # Section 6, R1: hours a week = leads a month x 0.1; R6: one full-time closer for fifty hand-overs.
            inbound_hours_week=len(inbound) * 0.1,
            inbound_fte=len(inbound) / 400 * 40 / parameters.fte_hours_week,
            closer_fte=len(qualified) / 50,
        )

    def _speed_time(self, cycle: Cycle) -> tuple[float, bool]:
        """Section 3: censored at as_of; closing a lead nobody called does not stop its clock."""
        if cycle.ttfa_wm is not None:
            return cycle.ttfa_wm, True
        return self.work.between(cycle.entered_at, self.at), False

    def _reactivated(self, persons: Iterable[_Person], cycles: list[Cycle]) -> dict[date, int]:
        """Section 4: an attempt to prospect after at least 180 days without any touch, on someone attempted before.

        Reading: only while the person is not qualified; later touches are a closer's.
        """
        by_person: dict[str, list[Cycle]] = defaultdict(list)
        for cycle in cycles:
            by_person[cycle.person].append(cycle)
        gap = timedelta(days=self.parameters.reactivate_days)
        found: set[tuple[date, str]] = set()
        for person in persons:
            # A newsletter does not break a silence.
            touches = sorted(
                (touch for touch in person.touches if not touch.is_automated), key=lambda touch: touch.at
            )
            first = next((touch for touch in touches if touch.is_attempt), None)
            for before, touch in pairwise(touches):
                if not touch.is_attempt or touch is first or touch.at - before.at < gap:
                    continue
                begun = [cycle for cycle in by_person[person.key] if cycle.entered_at <= touch.at]
                newest = max(begun, key=lambda one: one.number, default=None)
                if newest is None or newest.motion != "outbound":
                    continue
                if newest.qualified_at is None or touch.at <= newest.qualified_at:
                    found.add((self._month_of(touch.at), person.key))
        counts: dict[date, int] = defaultdict(int)
        for month, _ in found:
            counts[month] += 1
        return counts

    def _live(self, persons: Mapping[str, _Person], deals: list[Deal]) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int, dict.fromkeys(OBJECTS, 0))
        counts["contacts"] = sum(1 for person in persons.values() if person.created)
        counts["deals"] = len(deals)
        for object_type in self.touch_object.values():
            counts[object_type] += 1
        return counts


class _CycleWalk:
    """Walks through one person's life and cuts it into cycles."""

    # At one instant a signal comes before a touch and a touch before a milestone.
    ENTRY, TOUCH, QUALIFIED, DISQUALIFIED, OTHER = range(5)

    def __init__(self, computation: _Computation, person: _Person, bulk: set[str]) -> None:
        self.computation = computation
        self.parameters = computation.parameters
        self.person = person
        self.bulk = bulk
        self.cycles: list[Cycle] = []
        self.attempts: list[list[Touch]] = []
        self.contacts: list[list[Touch]] = []
        self.early: list[Touch] = []
        self.quiet: set[str] = set()
        self.before: list[tuple[datetime, int, str | None]] = []
        self.last_event_at: datetime | None = None

    def run(self) -> list[Cycle]:
        for at, what, payload in self._timeline():
            self._expire(at)
            if what == self.ENTRY:
                self._entry(at, str(payload))
            elif what == self.TOUCH and isinstance(payload, Touch):
                self._touch(payload)
            elif what in (self.QUALIFIED, self.DISQUALIFIED):
                self._milestone(at, what, payload if isinstance(payload, str) else None)
            # Automatic mail keeps nothing alive: a newsletter would do so for ever. Nor does a cancelled call.
            if not isinstance(payload, Touch) or payload.is_sign:
                self.last_event_at = at
        self._expire(self.computation.at)
        return [self._finish(index) for index in range(len(self.cycles))]

    def _timeline(self) -> list[tuple[datetime, int, Touch | str | None]]:
        person = self.person
        now = self.computation.at
        rows: list[tuple[datetime, int, Touch | str | None]] = []
        for at, origin, source, contact in person.created:
            # A row of an outbound list is no entry: its person is a prospect when first touched (section 4).
            if source in self.parameters.outbound_sources:
                rows.append((at, self.OTHER, None))
            elif origin != "form":
                rows.append((at, self.ENTRY, "bulk" if contact in self.bulk else "created"))
        rows.extend((at, self.ENTRY, "form") for at in person.forms)
        # A meeting that is still to come is no event yet.
        rows.extend((touch.at, self.TOUCH, touch) for touch in person.touches if touch.at <= now)
        stages = sorted(person.stages, key=lambda entry: entry[0])
        for index, (at, _, by) in enumerate(stages):
            if self.computation.is_qualified_entry(stages, index):
                owner = person.owner_at(at)
                rows.append((at, self.QUALIFIED, by or (None if owner == QUEUE_ID else owner)))
            else:
                rows.append((at, self.OTHER, None))
        statuses = sorted(person.statuses, key=lambda entry: entry[0])
        for index, (at, _, _) in enumerate(statuses):
            is_end = self.computation.is_disqualified_entry(statuses, index)
            rows.append((at, self.DISQUALIFIED if is_end else self.OTHER, None))
        rows.extend((at, self.OTHER, None) for at, _ in person.owners)
        for deal in person.deals:
            rows.append((deal.created_at, self.OTHER, None))
            if deal.closed_at:
                rows.append((deal.closed_at, self.OTHER, None))
        rows.sort(key=lambda row: (row[0], row[1]))
        self._read_quiet_touches(rows)
        rows.extend(self._unlogged_entry(rows))
        rows.sort(key=lambda row: (row[0], row[1]))
        return rows

    def _read_quiet_touches(self, rows: list[tuple[datetime, int, Touch | str | None]]) -> None:
        """Find the touches that come out of the blue (section 2: the first outbound touch; a buyer who calls).

        Reading: out of the blue is without any signal, qualification, deal or touch in the 180 days before (section 4
        takes as many for a prospect who is approached again). Anything sooner is an answer, or goes on with what was.
        A customer, or somebody with an open deal, is no prospect.
        """
        # Writing a name off is no contact with it: the first call after that is still the first.
        signs = {at for at, what, _ in rows if what in (self.ENTRY, self.QUALIFIED)}
        for deal in self.person.deals:
            signs.add(deal.created_at)
            if deal.closed_at:
                signs.add(deal.closed_at)
        touches = [payload for _, _, payload in rows if isinstance(payload, Touch) and payload.is_sign]
        signs.update(touch.at for touch in touches)
        ordered = sorted(signs)
        first = min(self.person.created)[0] if self.person.created else None
        is_prospect = self.person.source in self.parameters.outbound_sources
        gap = timedelta(days=self.parameters.reactivate_days)
        for touch in touches:
            index = bisect_left(ordered, touch.at)
            if index and touch.at - ordered[index - 1] < gap:
                continue
            if any(
                deal.created_at <= touch.at
                and (deal.status == "won" or deal.closed_at is None or deal.closed_at > touch.at)
                for deal in self.person.deals
            ):
                continue
            # A call before an inbound lead was typed in is that lead's answer (section 7, "touch before t0").
            if touch.is_buyers or is_prospect or (first is not None and touch.at >= first):
                self.quiet.add(touch.touch_id)

    def _unlogged_entry(
        self, rows: list[tuple[datetime, int, Touch | str | None]]
    ) -> list[tuple[datetime, int, Touch | str | None]]:
        """Section 7, "converted without any activity": a prospect nobody logged a touch of was still qualified.

        Reading: the cycle begins with the record.
        """
        qualified = min((at for at, what, _ in rows if what == self.QUALIFIED), default=None)
        if qualified is None or self.person.source not in self.parameters.outbound_sources:
            return []
        entries = [
            at
            for at, what, payload in rows
            if what == self.ENTRY or (isinstance(payload, Touch) and payload.touch_id in self.quiet)
        ]
        if entries and min(entries) <= qualified:
            return []
        return [(min(min(self.person.created)[0], qualified), self.ENTRY, "unlogged")]

    def _expire(self, now: datetime) -> None:
        """Section 2: a cycle in which nothing at all happens for 180 days expires."""
        if self.last_event_at is None or not self.cycles or self.cycles[-1].outcome != "open":
            return
        expires_at = self.last_event_at + timedelta(days=self.parameters.expire_days)
        if expires_at <= now:
            self._change(outcome="expired", closed_at=expires_at)

    def _change(self, **changes: object) -> None:
        self.cycles[-1] = replace(self.cycles[-1], **changes)  # type: ignore[arg-type]

    def _open(self, at: datetime, motion: str, entry_kind: str) -> None:
        self.cycles.append(
            Cycle(
                person=self.person.key,
                number=len(self.cycles) + 1,
                motion=motion,
                source=self.person.source,
                entry_kind="created" if entry_kind in ("bulk", "unlogged") else entry_kind,
                entered_at=at,
                entered_month=self.computation._month_of(at),
                is_bulk_import=entry_kind == "bulk",
            )
        )
        self.attempts.append([])
        self.contacts.append([])
        # Reading: what became of a lead before its first sign became of it right after.
        before, self.before = self.before, []
        for reached_at, what, by in before:
            self._close(at, what, by, reached_at)

    def _enter(self, at: datetime, motion: str, kind: str) -> bool:
        """Section 2: a new cycle when there is none, 30 days after the last one closed, or when it comes from elsewhere."""
        if self.cycles:
            last = self.cycles[-1]
            if last.outcome == "open":
                if last.motion != motion:
                    self._change(is_hybrid=True)
                return False
            gap = timedelta(days=self.parameters.reopen_gap_days)
            if last.motion == motion and last.closed_at and at - last.closed_at < gap:
                return False
        self._open(at, motion, kind)
        return True

    def _entry(self, at: datetime, kind: str) -> None:
        self._enter(at, "outbound" if kind == "unlogged" else "inbound", kind)

    def _touch(self, touch: Touch) -> None:
        """Section 2: a touch out of the blue is an entry; other touches belong to the newest cycle.

        Readings: a touch before the first entry belongs to the cycle it opens (section 7, "touch before t0");
        after qualification touches are the closer's.
        """
        is_question = False
        if touch.touch_id in self.quiet:
            motion = "inbound" if touch.is_buyers else "outbound"
            kind = "inbound_touch" if touch.is_buyers else "outbound_touch"
            is_question = self._enter(touch.at, motion, kind) and touch.is_buyers
        if touch.is_attempt:
            if self.cycles:
                self.attempts[-1].append(touch)
            else:
                self.early.append(touch)
        # The message that opened the cycle is the question, not the answer.
        if touch.is_contact and self.cycles and not is_question:
            self.contacts[-1].append(touch)

    def _milestone(self, at: datetime, what: int, by: str | None) -> None:
        if self.cycles:
            self._close(at, what, by, at)
        else:
            self.before.append((at, what, by))

    def _close(self, at: datetime, what: int, by: str | None, reached_at: datetime) -> None:
        cycle = self.cycles[-1]
        if what == self.DISQUALIFIED:
            if cycle.outcome == "open":
                self._change(outcome="disqualified", closed_at=at)
        elif cycle.qualified_at is None:
            # What was written off or had expired and is qualified after all was that cycle's.
            month = self.computation._month_of(reached_at)
            self._change(
                outcome="qualified",
                closed_at=at,
                qualified_at=reached_at,
                qualified_month=month,
                qualifier=by,
            )

    def _finish(self, index: int) -> Cycle:
        cycle = self.cycles[index]
        attempts = self.attempts[index]
        contacts = self.contacts[index]
        if cycle.qualified_at is not None:
            attempts = [touch for touch in attempts if touch.at <= cycle.qualified_at]
            contacts = [touch for touch in contacts if touch.at <= cycle.qualified_at]
        early = self.early if index == 0 else []
        first = min([*early, *attempts], key=lambda touch: touch.at, default=None)
        # Section 3: working minutes from the buyer's signal to the first attempt by anyone; section 7: a touch
        # before the signal makes it nothing.
        ttfa_wm = None
        if first is not None:
            ttfa_wm = 0.0 if early else self.computation.work.between(cycle.entered_at, first.at)
        deals = self._deals(index)
        won = [deal.closed_at for deal in deals if deal.status == "won" and deal.closed_at]
        is_converted = cycle.qualified_at is not None or bool(won)
        return replace(
            cycle,
            first_attempt_at=first.at if first else None,
            first_attempt_rep=first.rep if first else None,
            first_contact_at=min((touch.at for touch in contacts), default=None),
            ttfa_wm=ttfa_wm,
            is_pre_touched=bool(early),
            # Section 7: converted without any activity.
            is_unlogged=is_converted and first is None and not contacts,
            closer=self._closer(cycle, deals),
            customer_at=min(won) if won else None,
            lost_at=self._lost_at(index, deals),
            rejected_at=self._refused_at(index, deals, min(won) if won else None),
            deal_count=len(deals),
        )

    def _lost_at(self, index: int, deals: list[Deal]) -> datetime | None:
        """Section 5, `lead_to_customer`: lost and disqualified compete with won.

        Reading: a cycle is lost when its last deal is, or when it was sent back and has no deal left.
        """
        if any(deal.status != "lost" for deal in deals):
            return None
        ends = [deal.closed_at for deal in deals if deal.closed_at]
        rejected_at = self._rejected_at(index)
        accepted = [deal.accepted_at for deal in deals if deal.accepted_at]
        if rejected_at and not (accepted and min(accepted) <= rejected_at):
            ends.append(rejected_at)
        return max(ends, default=None)

    def _refused_at(self, index: int, deals: list[Deal], customer_at: datetime | None) -> datetime | None:
        """When a hand-over was sent back (section 3, `sao_rate`): what was accepted before was not."""
        rejected_at = self._rejected_at(index)
        accepted = [deal.accepted_at for deal in deals if deal.accepted_at]
        if customer_at is not None:
            accepted.append(customer_at)
        if rejected_at is None or (accepted and min(accepted) <= rejected_at):
            return None
        return rejected_at

    def _rejected_at(self, index: int) -> datetime | None:
        """When a qualified lead was sent back: its stage undone (section 3), or disqualified after all."""
        qualified_at = self.cycles[index].qualified_at
        if qualified_at is None:
            return None
        ends_at = self.cycles[index + 1].entered_at if index + 1 < len(self.cycles) else None
        undone = [
            at
            for at, stage, _ in sorted(self.person.stages, key=lambda entry: entry[0])
            if at > qualified_at and stage not in self.parameters.qualified_stages
        ][:1]
        refused = [
            at
            for at, status, _ in self.person.statuses
            if status in self.parameters.disqualified_statuses
            and at > qualified_at
            and (ends_at is None or at < ends_at)
        ]
        return min(undone + refused, default=None)

    def _deals(self, index: int) -> list[Deal]:
        """The person's deals made in the time of this cycle (section 7, link ladder: association is 0.95)."""
        starts_at = self.cycles[index].entered_at if index else None
        ends_at = self.cycles[index + 1].entered_at if index + 1 < len(self.cycles) else None
        return sorted(
            (
                deal
                for deal in self.person.deals
                if (starts_at is None or deal.created_at >= starts_at)
                and (ends_at is None or deal.created_at < ends_at)
            ),
            key=lambda deal: (deal.created_at, deal.deal_id),
        )

    def _closer(self, cycle: Cycle, deals: list[Deal]) -> str | None:
        """Section 5: the owner after hand-over; of the first deal, or of the person when no deal came.

        Reading: handing over takes a fortnight at most.
        """
        if cycle.qualified_at is None:
            return None
        settled_at = cycle.qualified_at + timedelta(days=14)
        owner = deals[0].owner_settled if deals else self.person.owner_at(settled_at)
        return None if owner == QUEUE_ID else owner


def _within(cycle: Cycle, days: int) -> bool:
    return cycle.qualified_at is not None and cycle.qualified_at <= cycle.entered_at + timedelta(days=days)


def _ratio(things: list[_Thing], test: Callable[[_Thing], bool]) -> Ratio:
    return Ratio(sum(1 for thing in things if test(thing)), len(things))


def _is_entry(changes: list[tuple[datetime, str, str | None]], index: int, values: frozenset[str]) -> bool:
    """Whether this change enters a group of values and was no slip of the pen."""
    at, value, by = changes[index]
    if value not in values or (index > 0 and changes[index - 1][1] in values):
        return False
    for later_at, later_value, later_by in changes[index + 1 :]:
        if later_value not in values:
            return not (by is not None and later_by == by and later_at - at <= timedelta(hours=24))
    return True


def _is_buyers(event: Event) -> bool:
    return event.kind in ("call_logged", "email_logged") and event.data["direction"] == "in"


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
