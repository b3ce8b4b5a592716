"""The true counts behind the findings, in plain Python, straight from the event log.

The second implementation of what `mart_findings` counts (product.md, "the sales model"; spec/metrics.md sections 2 to
5): it reads neither SQL nor the CRM's records. Durations are working minutes of the company, shares are counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from leadrole.sandbox.log import QUEUE_ID, STAGE_BY_ID, Event, History
from leadrole.sandbox.pipeline_truth import Visit, deal_states, visits
from leadrole.sandbox.truth import Cycle, Truth, compute, kaplan_meier_quantile
from leadrole.sandbox.worktime import AMSTERDAM, WorkTime

ROLES = ("inbound", "outbound", "closer", "relationship")
MIN_N = 10
STALLED_DAYS = 90
DUE_WORKING_DAYS = 5
Counts = tuple[int, int]
Window = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Staff:
    """Who has which roles, the largest share first, and who is experienced."""

    roles: Mapping[str, Sequence[str]]
    seniors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Work:
    """A human attempt and what it served (section 2, "role at event")."""

    touch_id: str
    at: datetime
    rep: str
    kind: str
    serves: str
    role: str
    cycle: Cycle | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A prospect's written reply and when we next did something about it."""

    cycle: Cycle
    at: datetime
    answered_at: datetime | None


class FindingsTruth:
    """What the findings count, over any window [first day, day after the last)."""

    def __init__(self, history: History, at: datetime, staff: Staff, zone: ZoneInfo = AMSTERDAM) -> None:
        self.at = at
        self.zone = zone
        self.staff = staff
        self.truth: Truth = compute(history, at, zone=zone)
        self.clock = WorkTime(
            history.events[0].at.date() - timedelta(days=40), at.date() + timedelta(days=40), zone=zone
        )
        self._events = tuple(history.until(at))
        self._survivor: dict[str, str] = {}
        for event in self._events:
            if event.kind == "contacts_merged":
                for loser in event.data["merged"]:
                    self._survivor[self._person(loser)] = event.subject
        self._cycles: dict[str, list[Cycle]] = defaultdict(list)
        for cycle in self.truth.cycles:
            self._cycles[cycle.person].append(cycle)
        self._customer_at: dict[str, datetime] = {}
        for deal in self.truth.deals:
            if deal.status == "won" and deal.closed_at:
                for person in deal.persons:
                    known = self._customer_at.get(person)
                    self._customer_at[person] = min(known, deal.closed_at) if known else deal.closed_at
        self._contacts = self._linked("contacts")
        self._deals = self._linked("deals")
        self.done = {event.subject for event in self._events if _is_held(event)}
        self.work = self._work()
        self._states = deal_states(history, at)

    # --- F1 and F2: who waits for us

    def replies(self, window: Window) -> list[Reply]:
        """Prospects' written replies in a window; a second one before our answer starts no second clock."""
        exchanges: dict[str, list[tuple[datetime, str, bool]]] = defaultdict(list)
        for work in self.work:
            if work.serves == "outbound" and work.cycle is not None:
                exchanges[work.cycle.person].append((work.at, work.touch_id, True))
        for event in self._events:
            if (
                event.kind == "email_logged"
                and event.data["direction"] == "in"
                and not event.data["automated"]
            ):
                at = event.data["happened_at"]
                person, cycle = self._place(event.subject, at)
                if cycle is not None and self._serves(event.subject, at, person, cycle) == "outbound":
                    exchanges[cycle.person].append((at, event.subject, False))
        found = []
        for person, rows in exchanges.items():
            for cycle in self._cycles[person]:
                if cycle.motion == "outbound" and cycle.number == 1:
                    found += self._replies_of(cycle, sorted(rows))
        return [reply for reply in found if self._is_in(reply.at, window)]

    def _replies_of(self, cycle: Cycle, rows: list[tuple[datetime, str, bool]]) -> list[Reply]:
        later = [other.entered_at for other in self._cycles[cycle.person] if other.number > cycle.number]
        ends_at = min(later, default=self.at + timedelta(days=1))
        mine = [row for row in rows if row[0] < ends_at]
        found = []
        for index, (at, _, is_ours) in enumerate(mine):
            if is_ours or (index and not mine[index - 1][2]):
                continue
            answers = [when for when, _, ours in mine[index + 1 :] if ours]
            if cycle.qualified_at is not None and cycle.qualified_at >= at:
                answers.append(cycle.qualified_at)
            found.append(Reply(cycle, at, min(answers, default=None)))
        return found

    def late_replies(self, window: Window) -> tuple[int, int, float | None]:
        """Answered, all, and the Kaplan-Meier median in working minutes of replies to prospects (F1 outbound)."""
        waits = [
            (self.clock.between(reply.at, reply.answered_at or self.at), reply.answered_at is not None)
            for reply in self.replies(window)
        ]
        return sum(answered for _, answered in waits), len(waits), kaplan_meier_quantile(waits, 0.5)

    def unanswered_replies(self, window: Window) -> Counts:
        """F2 outbound."""
        due = [reply for reply in self.replies(window) if self._is_due(reply.at)]
        return sum(reply.answered_at is None for reply in due), len(due)

    def unanswered_leads(self, window: Window) -> Counts:
        """F2 inbound."""
        months = [month for month in self.truth.months.values() if window[0] <= month.month < window[1]]
        return sum(month.never_answered.k for month in months), sum(
            month.never_answered.n for month in months
        )

    def untouched_handovers(self, window: Window) -> Counts:
        """F2 closer: sending a hand-over back is no touch; one that was won unlogged is out."""
        k = n = 0
        for cycle in self._handovers(window):
            assert cycle.qualified_at is not None
            touched = any(
                work.cycle is cycle
                and work.at >= cycle.qualified_at
                and (work.role == "closer" or (work.rep == cycle.closer))
                for work in self.work
            )
            if self._is_due(cycle.qualified_at) and (touched or cycle.customer_at is None):
                n += 1
                k += not touched
        return k, n

    # --- F5: quality

    def poor_leads(self, window: Window) -> Counts:
        """F5 inbound: disqualified within the 30 days in which a lead can qualify, of those old enough."""
        days = timedelta(days=30)
        old = [
            cycle
            for cycle in self.truth.inbound()
            if self._is_in(cycle.entered_at, window) and cycle.entered_at + days <= self.at
        ]
        poor = [
            cycle
            for cycle in old
            if cycle.outcome == "disqualified"
            and cycle.closed_at
            and cycle.closed_at <= cycle.entered_at + days
        ]
        return len(poor), len(old)

    def poor_handovers(self, window: Window) -> Counts:
        """F5 closer: sent back within two weeks."""
        days = timedelta(days=14)
        old = [
            cycle
            for cycle in self._handovers(window)
            if cycle.qualified_at and cycle.qualified_at + days <= self.at
        ]
        return (
            sum(
                cycle.rejected_at is not None
                and cycle.qualified_at is not None
                and cycle.rejected_at <= cycle.qualified_at + days
                for cycle in old
            ),
            len(old),
        )

    # --- F3, F6, F9: a limit for each person

    def relationship_work(self, window: Window) -> tuple[int, int, int]:
        """(k, n, people over the limit) of touches on customers (F3)."""
        return self._by_person(window, 0.5, lambda work: work.serves == "relationship")

    def senior_outbound(self, window: Window) -> tuple[int, int, int]:
        """(k, n, people over the limit) of cold outbound by experienced people (F6, R10)."""
        return self._by_person(window, 0.2, lambda work: work.serves == "outbound", self.staff.seniors)

    def jumps(self, window: Window) -> tuple[int, int, int]:
        """(k, n, people over the limit) of touches followed the same day by one for another role (F9)."""
        per_rep: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        before: dict[tuple[str, date], str] = {}
        for work in self.work:
            if work.serves in ROLES and self._is_in(work.at, window):
                key = work.rep, self._day(work.at)
                if key in before:
                    per_rep[work.rep][0] += before[key] != work.serves
                    per_rep[work.rep][1] += 1
                before[key] = work.serves
        return _over({rep: (k, n) for rep, (k, n) in per_rep.items()}, 0.25)

    def _by_person(
        self, window: Window, limit: float, test: Callable[[Work], bool], who: frozenset[str] | None = None
    ) -> tuple[int, int, int]:
        part: Counter[str] = Counter()
        whole: Counter[str] = Counter()
        for work in self.work:
            if self._is_in(work.at, window) and (who is None or work.rep in who):
                whole[work.rep] += 1
                part[work.rep] += test(work)
        return _over({rep: (part[rep], whole[rep]) for rep in whole}, limit)

    # --- F7

    def whole_process(self, window: Window) -> tuple[int, int, int]:
        """(k, n, people) of touches by who does all three roles, by assignment or by a tenth of the touches in each."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for work in self.work:
            if self._is_in(work.at, window):
                counts[work.rep][work.serves] += 1
        people = {
            rep for rep, roles in self.staff.roles.items() if {"inbound", "outbound", "closer"} <= {*roles}
        }
        for rep, counter in counts.items():
            total = sum(counter.values())
            if total >= MIN_N and min(counter[role] for role in ROLES[:3]) >= 0.1 * total:
                people.add(rep)
        return (
            sum(sum(counts[rep].values()) for rep in people if rep in counts),
            sum(sum(counter.values()) for counter in counts.values()),
            len(people),
        )

    # --- F4 and F8

    def acquisition_days(self, window: Window) -> Counts:
        """Working days with at least five acquisition touches, and all working days (F4)."""
        touches = Counter(self._day(work.at) for work in self.work if work.serves == "outbound")
        days = [window[0] + timedelta(days=number) for number in range((window[1] - window[0]).days)]
        working = [day for day in days if self.clock.is_working_day(day)]
        return sum(touches[day] >= 5 for day in working), len(working)

    def self_handovers(self, window: Window, employees: int) -> Counts:
        """Hand-overs kept by who qualified them (F8); below 20 employees own prospects are allowed (R7)."""
        pairs = [cycle for cycle in self._handovers(window) if cycle.qualifier and cycle.closer]
        kept = [cycle for cycle in pairs if cycle.qualifier == cycle.closer]
        return sum(not (cycle.motion == "outbound" and employees < 20) for cycle in kept), len(pairs)

    # --- F10

    def stalled(self, cut: datetime) -> tuple[set[str], set[str]]:
        """(standing still, open) deals at an instant, by the pace of all stays known at the cut of the run."""
        stays: list[Visit] = []
        for deal, states in self._states.items():
            stays += [
                visit
                for visit in visits(deal, states)
                if not visit.was_skipped and not STAGE_BY_ID[visit.stage].is_closed
            ]
        times: dict[str, list[tuple[float, bool]]] = defaultdict(list)
        for visit in stays:
            waited = (visit.exited_at or self.at) - visit.entered_at
            times[visit.stage].append((waited / timedelta(days=1), visit.exited_at is not None))
        limits = {
            stage: kaplan_meier_quantile(waits, 0.8) if len(waits) >= 20 else None
            for stage, waits in times.items()
        }
        opened, standing = set(), set()
        for visit in stays:
            if visit.entered_at <= cut and (visit.exited_at is None or visit.exited_at > cut):
                opened.add(visit.deal)
                limit = limits[visit.stage] or STALLED_DAYS
                if (cut - visit.entered_at) / timedelta(days=1) > limit:
                    standing.add(visit.deal)
        return standing, opened

    def hours_on(self, deals: Iterable[str]) -> float:
        """Hours of completed calls and held meetings on deals: at least so many were spent on them."""
        wanted = {*deals}
        seconds = 0.0
        for event in self._events:
            if not wanted & self._deals[event.subject].keys() or event.subject not in self.done:
                continue
            if event.kind == "call_logged":
                seconds += float(event.data["duration"] or 0) / 1000
            elif event.kind == "meeting_booked":
                seconds += (event.data["ends_at"] - event.data["starts_at"]).total_seconds()
        return seconds / 3600

    def month_end(self, month: date) -> datetime:
        """The instant at which a local month is over."""
        following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        return datetime.combine(following, time(), self.zone).astimezone(UTC)

    # --- reading the log

    def _person(self, contact: str) -> str:
        while contact in self._survivor:
            contact = self._survivor[contact]
        return contact

    def _linked(self, object_type: str) -> dict[str, dict[str, None]]:
        """The contacts or deals each activity hangs on."""
        singular = object_type.removesuffix("s")
        links: dict[str, dict[str, None]] = defaultdict(dict)
        for event in self._events:
            if event.kind in ("call_logged", "email_logged", "meeting_booked") and event.data.get(singular):
                links[event.subject][event.data[singular]] = None
            elif event.kind == "association_added" and event.data["to_type"] == object_type:
                links[event.subject][event.data["to_id"]] = None
            elif event.kind == "association_removed" and event.data["to_type"] == object_type:
                links[event.subject].pop(event.data["to_id"], None)
        return links

    def _work(self) -> list[Work]:
        found = []
        for event in self._events:
            data = event.data
            if event.kind == "call_logged":
                is_attempt, at = (
                    data["status"] == "COMPLETED" and data["direction"] == "out",
                    data["happened_at"],
                )
            elif event.kind == "email_logged":
                is_attempt, at = data["direction"] == "out" and not data["automated"], data["happened_at"]
            elif event.kind == "meeting_booked":
                is_attempt, at = event.subject in self.done, data["starts_at"]
            else:
                continue
            if not is_attempt or data["rep"] in (None, QUEUE_ID) or at > self.at:
                continue
            person, cycle = self._place(event.subject, at)
            serves = self._serves(event.subject, at, person, cycle)
            role = self._role(data["rep"], serves)
            found.append(Work(event.subject, at, data["rep"], event.kind, serves or role, role, cycle))
        return sorted(found, key=lambda work: (work.at, work.touch_id))

    def _place(self, touch_id: str, at: datetime) -> tuple[str | None, Cycle | None]:
        """The person a touch is shown under and the cycle it belongs to: the last one entered, else the first."""
        persons = sorted({self._person(contact) for contact in self._contacts[touch_id]})
        placed: list[tuple[str, Cycle]] = []
        for person in persons:
            cycles = self._cycles.get(person, [])
            if cycles:
                entered = [cycle for cycle in cycles if cycle.entered_at <= at]
                placed.append((person, entered[-1] if entered else cycles[0]))
        if placed:
            return placed[0]
        return (persons[0] if persons else None), None

    def _serves(self, touch_id: str, at: datetime, person: str | None, cycle: Cycle | None) -> str | None:
        customer_at = self._customer_at.get(person) if person else None
        if customer_at is not None and customer_at < at:
            is_new_cycle = (
                cycle is not None
                and cycle.entered_at > customer_at
                and (cycle.closed_at is None or cycle.closed_at >= at)
            )
            if not is_new_cycle:
                return "relationship"
        if cycle is not None and cycle.qualified_at is not None and at > cycle.qualified_at:
            return "closer"
        if self._deals[touch_id]:
            return "closer"
        return cycle.motion if cycle is not None else None

    def _role(self, rep: str, serves: str | None) -> str:
        held = self.staff.roles.get(rep, ())
        if not held:
            return "unassigned"
        if serves == "relationship" or serves in held:
            return str(serves)
        return held[0]

    def _handovers(self, window: Window) -> list[Cycle]:
        return [
            cycle
            for cycle in self.truth.cycles
            if cycle.qualified_at is not None and self._is_in(cycle.qualified_at, window)
        ]

    def _is_due(self, since: datetime) -> bool:
        return self.clock.between(since, self.at) >= DUE_WORKING_DAYS * self.clock.minutes_per_day

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def _is_in(self, instant: datetime, window: Window) -> bool:
        return window[0] <= self._day(instant) < window[1]


def _is_held(event: Event) -> bool:
    """Whether an event says that a call was completed or a meeting held."""
    if event.kind == "call_logged":
        return bool(event.data["status"] == "COMPLETED")
    return event.kind == "meeting_outcome" and bool(event.data["outcome"] == "COMPLETED")


def _over(people: Mapping[str, Counts], limit: float) -> tuple[int, int, int]:
    """The counts of those over the limit when anybody is, else of all, and how many are over it."""
    over = [(k, n) for k, n in people.values() if n >= MIN_N and k > limit * n]
    shown = over or list(people.values())
    return sum(k for k, _ in shown), sum(n for _, n in shown), len(over)
