"""What is true of the deal pipeline, in plain Python, straight from the event log.

The second implementation of the facts and marts on stages, forecasts and movements (spec/metrics.md sections 5 and
8). It replays events one by one and reads neither SQL nor the CRM's records.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from leadrole.sandbox.log import QUEUE_ID, STAGE_BY_ID, STAGES, Event, History
from leadrole.sandbox.worktime import AMSTERDAM

OPEN_PATH = tuple(
    stage.stage_id for stage in sorted(STAGES, key=lambda stage: stage.order) if not stage.is_closed
)


@dataclass(frozen=True, slots=True)
class State:
    """What was known of a deal at one instant."""

    at: datetime
    stage: str
    amount: Decimal | None
    expected_close: datetime | None
    owner: str | None

    @property
    def status(self) -> str:
        """Give open, won or lost."""
        stage = STAGE_BY_ID[self.stage]
        return "won" if stage.is_won else "lost" if stage.is_closed else "open"


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay of a deal in a stage."""

    deal: str
    stage: str
    entered_at: datetime
    exited_at: datetime | None
    outcome: str
    was_skipped: bool = False
    visit_no: int = 1


@dataclass(slots=True)
class Movement:
    """The pipeline of one month: deals and amounts by kind of movement."""

    deals: Counter[str] = field(default_factory=Counter)
    amounts: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, movement: str, amount: Decimal | None) -> None:
        """Count one deal and its amount."""
        self.deals[movement] += 1
        self.amounts[movement] += amount or Decimal(0)


def deal_states(history: History, at: datetime) -> dict[str, list[State]]:
    """Give every live deal's states up to an instant, in order of time."""
    deals: dict[str, list[State]] = {}
    archived: set[str] = set()
    for event in history.until(at):
        if event.kind == "deal_created":
            deals[event.subject] = [
                State(
                    event.at,
                    event.data["stage"],
                    _decimal(event.data["amount"]),
                    event.data["close_date"],
                    event.data["owner"],
                )
            ]
        elif event.kind == "deal_archived":
            archived.add(event.subject)
        elif event.kind == "deal_restored":
            archived.discard(event.subject)
        elif event.subject in deals:
            changed = _changed(deals[event.subject][-1], event)
            if changed is not None:
                deals[event.subject].append(changed)
    return {deal: states for deal, states in deals.items() if deal not in archived}


def _changed(state: State, event: Event) -> State | None:
    if event.kind == "deal_stage_changed":
        # The CRM writes the day of closing over the date that was expected.
        is_closed = STAGE_BY_ID[event.data["stage"]].is_closed
        expected = event.at if is_closed else state.expected_close
        return replace(state, at=event.at, stage=event.data["stage"], expected_close=expected)
    if event.kind == "deal_amount_changed":
        return replace(state, at=event.at, amount=_decimal(event.data["amount"]))
    if event.kind == "deal_close_date_moved":
        return replace(state, at=event.at, expected_close=event.data["close_date"])
    if event.kind == "deal_owner_changed":
        return replace(state, at=event.at, owner=event.data["owner"])
    return None


def visits(deal: str, states: Iterable[State]) -> list[Visit]:
    """Give the stays of one deal, with a stay of no length for each open stage it jumped over."""
    entries: list[tuple[datetime, str]] = []
    for state in states:
        if not entries or entries[-1][1] != state.stage:
            entries.append((state.at, state.stage))
    found: list[Visit] = []
    seen: set[str] = set()
    for position, (entered_at, stage_id) in enumerate(entries):
        seen.add(stage_id)
        stage = STAGE_BY_ID[stage_id]
        if position + 1 == len(entries):
            ending = "won" if stage.is_won else "lost" if stage.is_closed else "still_there"
            found.append(Visit(deal, stage_id, entered_at, None, ending))
            break
        exited_at, next_id = entries[position + 1]
        following = STAGE_BY_ID[next_id]
        if following.is_won:
            outcome = "won"
        elif following.is_closed:
            outcome = "lost"
        else:
            outcome = "moved_back" if following.order < stage.order else "advanced"
        jumped: list[str] = []
        if not stage.is_closed and outcome in ("advanced", "won"):
            last = len(OPEN_PATH) if following.is_won else following.order
            jumped = [name for name in OPEN_PATH[stage.order + 1 : last] if name not in seen]
        path = [
            (stage_id, entered_at, exited_at, False),
            *((name, exited_at, exited_at, True) for name in jumped),
        ]
        for index, (name, starts_at, ends_at, was_skipped) in enumerate(path):
            ending = outcome if index + 1 == len(path) else "advanced"
            found.append(Visit(deal, name, starts_at, ends_at, ending, was_skipped))
    times: Counter[str] = Counter()
    numbered = []
    for visit in found:
        times[visit.stage] += 1
        numbered.append(replace(visit, visit_no=times[visit.stage]))
    return numbered


def movements(
    deals: Mapping[str, list[State]], at: datetime, zone: ZoneInfo = AMSTERDAM, owner: str | None = None
) -> dict[date, Movement]:
    """Give what happened in each month to the pipeline that was to close in it (section 8, torture case 31).

    With an owner: of the deals while they were hers or his; to get one is to pull it in, to lose it to push it out.
    """
    months: dict[date, Movement] = defaultdict(Movement)
    for states in deals.values():
        _walk(states, at, zone, owner, months)
    return dict(months)


def _walk(
    states: list[State], at: datetime, zone: ZoneInfo, owner: str | None, months: dict[date, Movement]
) -> None:
    """Follow one deal; the beginning of each month is a moment of its own."""
    inside: State | None = None  # the deal as it stands in the pipeline of the running month
    month = _month(states[0].at, zone)
    previous: State | None = None
    for state in states:
        while (following := _next(month)) <= _month(state.at, zone):
            if inside is not None:
                months[month].add("end", inside.amount)
            month = following
            inside = previous if previous is not None and _belongs(previous, month, zone, owner) else None
            if inside is not None:
                months[month].add("start", inside.amount)
        flow = months[month]
        is_mine = owner is None or state.owner == owner
        is_closing = state.status not in ("open", previous.status if previous else "open") and is_mine
        if is_closing or _belongs(state, month, zone, owner):
            if inside is None:
                flow.add("created" if previous is None else "pulled_in", state.amount)
            else:
                change = (state.amount or Decimal(0)) - (inside.amount or Decimal(0))
                if change:
                    flow.add("increased" if change > 0 else "decreased", abs(change))
            inside = state
            if is_closing:
                flow.add(state.status, state.amount)
                inside = None
        elif inside is not None:
            flow.add("pushed_out", inside.amount)
            inside = None
        previous = state
    while month < _month(at, zone):
        if inside is not None:
            months[month].add("end", inside.amount)
        month = _next(month)
        inside = previous if previous is not None and _belongs(previous, month, zone, owner) else None
        if inside is not None:
            months[month].add("start", inside.amount)
    if inside is not None:
        months[month].add("end", inside.amount)


def _belongs(state: State, month: date, zone: ZoneInfo, owner: str | None) -> bool:
    return (
        state.status == "open"
        and state.expected_close is not None
        and _month(state.expected_close, zone) == month
        and (owner is None or state.owner == owner)
    )


def snapshot(
    deals: Mapping[str, list[State]], day: date, at: datetime, zone: ZoneInfo = AMSTERDAM
) -> dict[str, State]:
    """Give the deals that were open at the end of a local day, as they were known then."""
    ends_at = min(
        datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC),
        at + timedelta(microseconds=1),
    )
    found = {}
    for deal, states in deals.items():
        known = [state for state in states if state.at < ends_at]
        if known and known[-1].status == "open":
            found[deal] = known[-1]
    return found


def stage_chances(deals: Mapping[str, list[State]], cut: datetime) -> dict[str, tuple[int, int]]:
    """Give (won, settled) of the visits to each open stage by deals that had ended for good by an instant."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for deal, states in deals.items():
        ended = _ended_at(states)
        if ended is None or ended > cut:
            continue
        for visit in visits(deal, states):
            if not visit.was_skipped and not STAGE_BY_ID[visit.stage].is_closed:
                counts[visit.stage][0] += states[-1].status == "won"
                counts[visit.stage][1] += 1
    return {stage: (won, settled) for stage, (won, settled) in counts.items()}


def _ended_at(states: list[State]) -> datetime | None:
    """Give the instant of the last stage change when that one closed the deal."""
    if states[-1].status == "open":
        return None
    ended = states[-1].at
    for state in reversed(states):
        if state.stage != states[-1].stage:
            break
        ended = state.at
    return ended


def days_between(first: date, last: date) -> Iterator[date]:
    """Give each day from the first to the last."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def owner_or_none(owner: str | None) -> str | None:
    """A queue owns nothing."""
    return None if owner == QUEUE_ID else owner


def _month(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date().replace(day=1)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _decimal(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None
