"""Random small companies: what happened in each, from one seed, in words of the event log.

They are not likely companies. Leads come back, are merged, imported by the hundred, qualified without a call,
called before they wrote, archived and restored; deals jump over stages, go back, are lost and taken up again.
Two kinds of events are left out because the CRM itself forgets what happened, so that no reader could know:
of merged contacts that were typed in by hand all but the oldest, and a restoration after the CRM's 90 days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from leadrole.sandbox.log import QUEUE_ID, History, Script
from leadrole.sandbox.population import make_owners
from leadrole.sandbox.worktime import WorkTime

REPS = ("101", "102", "103", "104", "105")
PLACES = (
    ("Europe/Amsterdam", "NL"),
    ("Europe/Amsterdam", "NL"),
    ("America/New_York", "US"),
    ("Asia/Kolkata", "IN"),
    ("Australia/Sydney", "AU"),
    ("Europe/London", "GB"),
    ("America/Sao_Paulo", "BR"),
    ("UTC", "NL"),
)
Stretches = tuple[tuple[time, time], ...]
LONG: Stretches = ((time(9), time(17, 30)),)
LUNCH: Stretches = ((time(8, 15), time(12)), (time(13), time(17)))
WEEKS: tuple[Mapping[int, Stretches], ...] = (
    dict.fromkeys(range(5), LONG),
    dict.fromkeys(range(5), LUNCH),
    dict.fromkeys((0, 1, 3), ((time(10), time(14)),)),
    dict.fromkeys(range(6), ((time(7), time(22)),)),
    dict.fromkeys(range(1, 5), LONG),
)
INBOUND_SOURCES = ("ORGANIC_SEARCH", "PAID_SEARCH", "SOCIAL_MEDIA")
STAGES = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "contractsent")
# Euros for one; of yen nobody wrote down a rate.
RATES = {"USD": ((date(2024, 1, 1), 0.5), (date(2025, 3, 1), 0.75)), "GBP": ((date(2025, 1, 1), 1.25),)}
ALL_RATES = {**RATES, "EUR": ((date.min, 1.0),)}


@dataclass(frozen=True)
class RandomCompany:
    """A company: what happened, when it is read, and where and when it works."""

    seed: int
    history: History
    nights: tuple[datetime, ...]
    zone: str
    country: str
    week: Mapping[int, Stretches]

    @property
    def as_of(self) -> datetime:
        """The cut of the last night."""
        return self.nights[-1] - timedelta(seconds=60)

    def work(self) -> WorkTime:
        """The company's working time, from before its first event until after the cut."""
        first = self.history.events[0].at.date() - timedelta(days=40)
        last = self.as_of.date() + timedelta(days=40)
        return WorkTime(first, last, hours=self.week, zone=ZoneInfo(self.zone), country=self.country)

    def config(self, url: str) -> str:
        """The company's config file."""
        hours = "\n".join(f"    {day:%a}: {stretches}".lower() for day, stretches in self._written_hours())
        rates = "\n".join(
            f"  {currency}: [" + ", ".join(f"{{date: {day}, rate: {rate}}}" for day, rate in dated) + "]"
            for currency, dated in RATES.items()
        )
        return f"""
config_version: 1
company:
  name: Company {self.seed}
  timezone: {self.zone}
  country: {self.country}
  reporting_currency: EUR
  employees: 9
  working_hours:
{hours}
sources:
  - name: hubspot
    kind: hubspot
    base_url: {url}
    token_env: TEST_TOKEN
    rate_limit: {{per_10_seconds: 1000000, search_per_second: 1000000}}
    max_clock_skew_minutes: 52560000
lead_sources:
  OFFLINE: {{source: offline, motion: outbound}}
currency_rates:
{rates}
"""

    def _written_hours(self) -> Iterator[tuple[date, list[str]]]:
        """A date of each weekday that is worked, and its hours as the config has them."""
        for number, stretches in self.week.items():
            written = [f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in stretches]
            yield date(2024, 1, 1 + number), written


@dataclass
class _Deal:
    deal: str
    contacts: list[str]
    stage: str
    has_touches: bool = False


@dataclass
class _Lead:
    contact: str
    born_at: datetime
    origin: str
    source: str
    at: datetime
    is_qualified: bool = False
    is_put_away: bool = False
    owner: str = QUEUE_ID
    merged_at: datetime | None = None
    deals: list[_Deal] = field(default_factory=list)

    def owner_or(self, rng: Random) -> str:
        """Whose hand it is: mostly the owner's."""
        return self.owner if self.owner != QUEUE_ID and rng.random() < 0.8 else rng.choice(REPS)


def random_company(seed: int) -> RandomCompany:
    """The company of a seed."""
    return _Maker(seed).make()


class _Maker:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = Random(f"company {seed}")
        self.script = Script()
        self.zone, self.country = self.rng.choice(PLACES)
        self.week = self.rng.choice(WEEKS)
        self.start = datetime(2024, 3, 1, 8, tzinfo=UTC) + timedelta(days=self.rng.randrange(500))
        self.end = self.start + timedelta(
            days=self.rng.randrange(50, 460), seconds=self.rng.randrange(86_400)
        )
        self.next_id = 0
        self.leads: list[_Lead] = []

    def make(self) -> RandomCompany:
        rng = self.rng
        inbound_share = rng.choice((0.0, 0.5, 0.8, 1.0))
        reopening = rng.random() * 0.3
        # A CRM that holds nothing at all is refused as a wrong account, so one lead stays whatever happens.
        self._lead(rng.random() < inbound_share, self.start)
        for _ in range(rng.randrange(4, 45)):
            lead = self._lead(rng.random() < inbound_share)
            self._life(lead, reopening)
        if rng.random() < 0.35:
            self._import()
        self._merges()
        if rng.random() < 0.3:
            self.script.deactivate(self._between(self.start, self.end), rng.choice(REPS))
        early = sorted(
            self._between(self.start + timedelta(days=2), self.end) for _ in range(rng.choice((0, 0, 1, 2)))
        )
        events = [event for event in self.script.events if event.at < self.end]
        nights = [night for night in early if any(event.at < night for event in events)]
        return RandomCompany(
            self.seed,
            History(events, make_owners(self.start.date() - timedelta(days=90))),
            (*nights, self.end + timedelta(minutes=5)),
            self.zone,
            self.country,
            self.week,
        )

    # --- small things

    def _new(self) -> str:
        self.next_id += 1
        return str(1000 + self.next_id)

    def _between(self, first: datetime, last: datetime) -> datetime:
        return first + timedelta(
            milliseconds=self.rng.randrange(int((last - first) / timedelta(milliseconds=1)))
        )

    def _gap(self) -> timedelta:
        """Seconds to most of a year, most often hours or days."""
        low, high = self.rng.choices(
            (
                (5, 90),
                (120, 7200),
                (7200, 90_000),
                (86_400, 900_000),
                (2_000_000, 4_000_000),
                (13_000_000, 22_000_000),
            ),
            (10, 30, 30, 20, 7, 3),
        )[0]
        return timedelta(seconds=self.rng.randrange(low, high), milliseconds=self.rng.randrange(1, 999))

    # --- leads

    def _lead(self, is_inbound: bool, at: datetime | None = None) -> _Lead:
        rng = self.rng
        at = at or self._between(self.start, self.end)
        contact = self._new()
        source = rng.choice(INBOUND_SOURCES) if is_inbound else "OFFLINE"
        if not is_inbound:
            origin = "list"
            owner = rng.choice(REPS)
            self.script.list_row(at, contact, owner=owner, by=rng.choice(REPS))
        elif rng.random() < 0.8:
            origin = "form"
            owner = rng.choice((*REPS, QUEUE_ID, QUEUE_ID))
            self.script.form(at, contact, source=source, owner=owner)
        else:
            origin = "manual"
            owner = rng.choice(REPS)
            self.script.create(at, contact, by=owner, source=source)
        lead = _Lead(contact, at, origin, source, at, owner=owner)
        self.leads.append(lead)
        return lead

    def _life(self, lead: _Lead, reopening: float) -> None:
        rng = self.rng
        if rng.random() < 0.05:
            # Called before the record was there.
            called_at = lead.born_at - self._gap()
            if called_at > self.start:
                outcome = rng.choice(("connected", "no_answer"))
                self.script.call(
                    called_at, self._new(), lead.contact, lead.owner_or(rng), outcome=outcome,
                    logged_at=lead.born_at + timedelta(seconds=1),
                )  # fmt: skip
        acts: Sequence[tuple[Callable[[_Lead], None], float]] = (
            (self._attempt, 5.0),
            (self._automatic, 1.5),
            (self._answer, 1.2),
            (self._meeting, 0.6),
            (self._plan, 0.8),
            (self._assign, 1.2),
            (self._status, 1.5),
            (self._form_again, 0.2 + 3 * reopening),
            (self._qualify, 1.4),
            (self._withdraw, 0.3),
            (self._deal, 0.9),
            (self._deal_step, 3.0),
            (self._put_away, 0.12),
        )
        for _ in range(rng.choice((0, 1, 2, 3, 5, 8, 13, 20))):
            lead.at += self._gap()
            if lead.at >= self.end or lead.is_put_away:
                return
            rng.choices([act for act, _ in acts], [weight for _, weight in acts])[0](lead)

    def _attempt(self, lead: _Lead) -> None:
        rng = self.rng
        rep = lead.owner_or(rng)
        deal = self._open_deal(lead) if rng.random() < 0.3 else None
        if deal:
            deal.has_touches = True
        on = deal.deal if deal else None
        draw = rng.random()
        if draw < 0.5:
            outcome = rng.choice(("connected", "no_answer", "voicemail", "busy", None))
            seconds = rng.choice((0, 12, 59, 60, 61, 400))
            status = "CANCELED" if rng.random() < 0.08 else "COMPLETED"
            logged_at = lead.at + timedelta(hours=rng.randrange(1, 30)) if rng.random() < 0.15 else None
            self.script.call(
                lead.at, self._new(), lead.contact, rep, outcome=outcome, seconds=seconds, status=status,
                logged_at=logged_at, deal=on,
            )  # fmt: skip
        elif draw < 0.8:
            self.script.email(lead.at, self._new(), lead.contact, rep, deal=on)
        else:
            channel = rng.choice(("WHATS_APP", "LINKEDIN_MESSAGE", "SMS"))
            self.script.message(lead.at, self._new(), lead.contact, rep, channel=channel, deal=on)

    def _automatic(self, lead: _Lead) -> None:
        self.script.email(lead.at, self._new(), lead.contact, None, automated=True)

    def _answer(self, lead: _Lead) -> None:
        rng = self.rng
        if rng.random() < 0.7:
            self.script.email(lead.at, self._new(), lead.contact, lead.owner_or(rng), direction="in")
        else:
            self.script.call(
                lead.at, self._new(), lead.contact, lead.owner_or(rng), direction="in",
                outcome=rng.choice(("connected", "no_answer", None)), seconds=rng.choice((5, 75)),
            )  # fmt: skip

    def _meeting(self, lead: _Lead) -> None:
        rng = self.rng
        starts_at = lead.at + timedelta(hours=rng.randrange(1, 200))
        outcome = rng.choice(("COMPLETED", "COMPLETED", "NO_SHOW", "CANCELED", None))
        self.script.meeting(
            lead.at, self._new(), lead.contact, lead.owner_or(rng), starts_at, outcome=outcome
        )

    def _plan(self, lead: _Lead) -> None:
        rng = self.rng
        if rng.random() < 0.5:
            self.script.note(lead.at, self._new(), lead.contact, lead.owner_or(rng))
        else:
            done_at = lead.at + timedelta(hours=3) if rng.random() < 0.5 else None
            due_at = lead.at + timedelta(days=1)
            self.script.task(
                lead.at, self._new(), lead.contact, lead.owner_or(rng), due_at, done_at=done_at,
                workflow=rng.choice((None, "Nieuwe lead")),
            )  # fmt: skip

    def _assign(self, lead: _Lead) -> None:
        lead.owner = self.rng.choice([owner for owner in (*REPS, QUEUE_ID) if owner != lead.owner])
        self.script.assign(lead.at, lead.contact, lead.owner, by=self.rng.choice((None, "101")))

    def _status(self, lead: _Lead) -> None:
        status = self.rng.choice(
            ("UNQUALIFIED", "UNQUALIFIED", "BAD_TIMING", "IN_PROGRESS", "OPEN", "CONNECTED")
        )
        self.script.status(lead.at, lead.contact, status, by=lead.owner_or(self.rng))

    def _form_again(self, lead: _Lead) -> None:
        if lead.origin != "list" or self.rng.random() < 0.5:
            self.script.form_again(lead.at, lead.contact)

    def _qualify(self, lead: _Lead) -> None:
        by = self.rng.choice((None, lead.owner_or(self.rng)))
        self.script.lifecycle(lead.at, lead.contact, "salesqualifiedlead", by=by)
        lead.is_qualified = True
        if by and self.rng.random() < 0.12:
            # Withdrawn: at once by the same person it was a mistake, later or by another it was refused.
            lead.at += timedelta(minutes=self.rng.choice((20, 1200, 1500, 9000)))
            other = by if self.rng.random() < 0.6 else self.rng.choice(REPS)
            self.script.lifecycle(lead.at, lead.contact, "lead", by=other)
            lead.is_qualified = False

    def _withdraw(self, lead: _Lead) -> None:
        if lead.is_qualified:
            self.script.lifecycle(lead.at, lead.contact, "lead", by=lead.owner_or(self.rng))
            lead.is_qualified = False

    def _put_away(self, lead: _Lead) -> None:
        """Archive, perhaps restore in time, or forget for good; the rest of the story is then over."""
        if self.rng.random() < 0.3:
            self.script.forget_contact(lead.at, lead.contact, by="101")
        else:
            self.script.archive_contact(lead.at, lead.contact, by="101")
            if self.rng.random() < 0.5:
                back_at = lead.at + timedelta(days=self.rng.randrange(1, 60))
                self.script.restore_contact(back_at, lead.contact, by="101")
        lead.is_put_away = True

    # --- deals

    def _open_deal(self, lead: _Lead) -> _Deal | None:
        return self.rng.choice(lead.deals) if lead.deals else None

    def _deal(self, lead: _Lead) -> None:
        rng = self.rng
        if len(lead.deals) >= 3:
            return
        deal = _Deal(self._new(), [lead.contact] if rng.random() < 0.9 else [], rng.choice(STAGES[:2]))
        if deal.contacts and rng.random() < 0.1:
            others = [
                other.contact
                for other in self.leads
                if other is not lead and other.born_at < lead.at and not other.is_put_away
            ]
            deal.contacts += rng.sample(others, min(1, len(others)))
        self.script.deal(
            lead.at, deal.deal, rng.choice(REPS), contacts=tuple(deal.contacts),
            stage=deal.stage, amount=rng.choice(("5000", "1200.50", "800", None, "0", "-100")),
            currency=rng.choice(("EUR", "EUR", "EUR", "USD", "GBP", "JPY")),
            close_date=lead.at + timedelta(days=rng.randrange(5, 90)),
            deal_type=rng.choice(("newbusiness", "newbusiness", "newbusiness", "existingbusiness")),
        )  # fmt: skip
        lead.deals.append(deal)
        if rng.random() < 0.5:
            self.script.lifecycle(lead.at + timedelta(seconds=2), lead.contact, "opportunity")
            lead.is_qualified = True

    def _deal_step(self, lead: _Lead) -> None:
        rng, script = self.rng, self.script
        deal = self._open_deal(lead)
        if deal is None:
            return
        by = rng.choice(REPS)
        draw = rng.random()
        if draw < 0.75:
            others = (*STAGES, "closedwon", "closedwon", "closedlost", "closedlost")
            stage = deal.stage = rng.choice([other for other in others if other != deal.stage])
            reason = (
                rng.choice((None, "Prijs", "duplicate", "Duplicate", "test"))
                if stage == "closedlost"
                else None
            )
            script.stage(lead.at, deal.deal, stage, by=by, reason=reason)
        elif draw < 0.85:
            script.amount(lead.at, deal.deal, rng.choice(("4000", "90.25", None, "0")), by=by)
        elif draw < 0.9:
            script.close_date(lead.at, deal.deal, lead.at + timedelta(days=rng.randrange(40)), by=by)
        elif draw < 0.94:
            script.deal_owner(lead.at, deal.deal, by, by="101")
        elif draw < 0.96 and not deal.has_touches and lead.contact in deal.contacts:
            script.unlink(lead.at, "deals", deal.deal, "contacts", lead.contact)
            deal.contacts.remove(lead.contact)
            lead.deals.remove(deal)
        elif draw < 0.98:
            script.archive_deal(lead.at, deal.deal, by=by)
            if rng.random() < 0.5:
                script.restore_deal(lead.at + timedelta(days=rng.randrange(1, 60)), deal.deal, by=by)
            lead.deals.remove(deal)

    # --- what happens to many

    def _import(self) -> None:
        """A list at one instant or row by row; just too few or just enough to be one."""
        rng = self.rng
        at = self._between(self.start, self.end)
        size = rng.choice((24, 25, 40))
        step = rng.choice((timedelta(0), timedelta(seconds=2), timedelta(seconds=5.5)))
        is_list = rng.random() < 0.5
        for number in range(size):
            contact, made_at = self._new(), at + number * step
            if is_list:
                self.script.list_row(made_at, contact, by="101")
            else:
                self.script.create(made_at, contact, by="101", source="REFERRALS")
            lead = _Lead(contact, made_at, "import", "", made_at, owner="101")
            if rng.random() < 0.4:
                for act in (self._attempt, self._status, self._qualify)[: rng.randrange(1, 4)]:
                    lead.at += self._gap()
                    if lead.at < self.end:
                        act(lead)

    def _merges(self) -> None:
        rng = self.rng
        able = [lead for lead in self.leads if not lead.is_put_away]
        for _ in range(rng.choice((0, 1, 2, 3))):
            # Only the oldest may have been typed in: of the others the CRM keeps no creation.
            forms = [lead for lead in able if lead.origin == "form"]
            if not forms:
                return
            later = rng.choice(forms)
            earlier = [lead for lead in able if lead.born_at < later.born_at and lead.source == later.source]
            if not earlier:
                continue
            first = rng.choice(earlier)
            at = max(later.born_at, first.merged_at or later.born_at) + self._gap()
            if at >= self.end:
                continue
            survivor = self._new()
            self.script.merge(at, survivor, (first.contact, later.contact), by="101")
            able = [lead for lead in able if lead not in (first, later)]
            if rng.random() < 0.4:
                able.append(_Lead(survivor, first.born_at, "merged", first.source, at, merged_at=at))
