"""The invented company: five sellers, eighteen months, and the faults the report must find.

The story. Leads grow from about 90 to about 340 a month, so the 400 that ask for a full-time inbound rep come
near. A fifth to a quarter of them is never answered, most of those from social media, given to owner 102.
Owner 101 qualifies, prospects and closes, and hands most leads to himself. Owner 105, the senior closer,
spends a good part of his touches on cold prospects. Outbound comes in bursts with weeks of silence between.

Every lead draws from a random stream of its own (seed, kind, day, number), so the events of a day do not
depend on how far the generation goes, and a clock that moves on only ever adds events.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final

from leadrole.sandbox.log import QUEUE_ID, Event, History, Owner, Script
from leadrole.sandbox.worktime import AMSTERDAM, WorkTime

DEFAULT_SEED: Final = 20251101
ALLROUNDER, JUNIOR, OUTBOUNDER, LEAVER, SENIOR = "101", "102", "103", "104", "105"
SOURCES = (
    ("ORGANIC_SEARCH", 0.30),
    ("PAID_SEARCH", 0.21),
    ("SOCIAL_MEDIA", 0.21),
    ("REFERRALS", 0.10),
    ("EMAIL_MARKETING", 0.10),
    ("DIRECT_TRAFFIC", 0.08),
)
FIRST_NAMES = (
    "Anouk", "Bram", "Carlijn", "Daan", "Esmee", "Floris", "Gijs", "Hanneke", "Ilse", "Jasper", "Karin", "Lotte",
    "Maarten", "Nienke", "Olivier", "Pieter", "Roos", "Sander", "Tess", "Willem", "Yvonne", "Zoë", "Thijs", "Fenna",
)  # fmt: skip
LAST_NAMES = (
    "van Dijk", "de Boer", "Jansen", "Mulder", "van den Berg", "Smit", "Visser", "Bos", "Kuipers", "Hoekstra",
    "Dekker", "van Leeuwen", "Postma", "Schouten", "de Wit", "Brouwer", "Veenstra", "Kok", "van Beek", "Meijer",
)  # fmt: skip
STAGE_PATH = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "contractsent")
STAGE_DAYS = (2.5, 5.0, 6.0, 5.0)
STAGE_LOSS = (0.09, 0.35, 0.36, 0.35)
LOST_REASONS = ("Prijs", "Concurrent gekozen", "Geen budget", "Timing", "Geen reactie meer")
BIG_ID = 9_007_199_254_740_993  # one above 2^53: a reader that makes floats of ids loses these


class Population(History):
    """The event log of the demo company, from `start` for `months`, and further on until `until`."""

    def __init__(
        self,
        seed: int = DEFAULT_SEED,
        start: date = date(2025, 5, 1),
        months: int = 18,
        until: date | None = None,
        scale: float = 1.0,
    ) -> None:
        self.seed = seed
        self.start = start
        self.months = months
        self.end = month_after(start, months)
        self.until_date = until or self.end + timedelta(days=60)
        self.scale = scale
        writer = _Writer(seed, start, months, self.until_date, scale)
        last = datetime.combine(self.until_date, time(), AMSTERDAM).astimezone(UTC)
        events = (event for event in writer.write() if event.at < last)
        super().__init__(events, make_owners(start))


def month_after(day: date, months: int) -> date:
    """Give the first day of the month that lies this many months after the month of a day."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def make_owners(start: date) -> tuple[Owner, ...]:
    """Give the five sellers and the queue of the demo company."""
    made = datetime.combine(start, time(8), UTC) - timedelta(days=400)
    people = (
        (ALLROUNDER, "Marieke", "van Vliet"),
        (JUNIOR, "Joost", "Terpstra"),
        (OUTBOUNDER, "Femke", "Hofstra"),
        (LEAVER, "Ruben", "Kramer"),
        (SENIOR, "Hendrik", "Zijlstra"),
    )
    sellers = tuple(
        Owner(owner_id, f"9{owner_id}", first, last, f"{first.lower()}@installaties.example", made)
        for owner_id, first, last in people
    )
    queue = Owner(QUEUE_ID, None, "Nieuwe", "aanvragen", "wachtrij@installaties.example", made, "QUEUE")
    return (*sellers, queue)


class _Ids:
    """Ids of one story. They come from its place in the log, so no counter runs from day to day."""

    def __init__(self, stream: int, day: int, number: int) -> None:
        self._place = stream * 1_000_000_000 + day * 100_000 + number * 100
        self._used: dict[str, int] = {}
        big = stream == 1 and day % 30 == 7
        self.contact = str((BIG_ID if big else 11_000_000_000) + self._place // 100)

    def new(self, kind: str) -> str:
        base = {"deal": 20, "call": 40, "email": 50, "meeting": 60}[kind] * 1_000_000_000
        used = self._used.get(kind, 0)
        self._used[kind] = used + 1
        return str(base + self._place + used)


class _Writer:
    """Writes the stories, each with a random stream of its own."""

    def __init__(self, seed: int, start: date, months: int, until: date, scale: float) -> None:
        self.seed = seed
        self.start = start
        self.months = months
        self.until = until
        self.scale = scale
        self.script = Script()
        self.work = WorkTime(start - timedelta(days=40), month_after(until, 30))
        self.leaves_on = month_after(start, 14) + timedelta(days=17)

    def write(self) -> list[Event]:
        for day in range((self.until - self.start).days):
            for number in range(self._leads_on(day)):
                self._inbound_lead(day, number)
        self._outbound()
        month = 0
        while month_after(self.start, month) < self.until:
            self._special_month(month)
            month += 1
        leaves_at = self._local(self.leaves_on, 17, 45)
        self.script.deactivate(leaves_at, LEAVER)
        return self.script.events

    # --- small things

    def _random(self, *place: object) -> Random:
        return Random(":".join(str(part) for part in (self.seed, *place)))

    def _local(self, day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute, second), AMSTERDAM).astimezone(UTC)

    def _date(self, day: int) -> date:
        return self.start + timedelta(days=day)

    def _progress(self, day: int) -> float:
        """0 at the start, 1 at the end of the planned months; it stays there."""
        return min(day / ((month_after(self.start, self.months) - self.start).days - 15), 1.0)

    def _name(self, rng: Random) -> tuple[str, str]:
        return rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)

    def _after_hours(self, rng: Random, start: datetime, median_minutes: float, sigma: float) -> datetime:
        """An instant in working time, a log-normal number of working minutes after another."""
        minutes = min(rng.lognormvariate(math.log(median_minutes), sigma), 40 * 510)
        return self.work.add(start, minutes) + timedelta(
            seconds=rng.randrange(1, 59), milliseconds=rng.randrange(1000)
        )

    def _gone(self, owner: str, at: datetime) -> bool:
        return owner == LEAVER and at >= self._local(self.leaves_on, 17, 45)

    # --- inbound

    def _leads_on(self, day: int) -> int:
        monthly = 88 + (350 - 88) * self._progress(day)
        weight = (1.0, 1.0, 1.0, 1.0, 1.0, 0.45, 0.40)[self._date(day).weekday()]
        mean = self.scale * monthly * weight / (30.44 * 5.85 / 7)
        return _poisson(self._random("leads", day), mean)

    def _arrival(self, rng: Random, day: int) -> datetime:
        if self._date(day).weekday() >= 5:
            hour = rng.uniform(9, 22.5)
        else:
            hour = rng.triangular(8, 18.5, 11) if rng.random() < 0.8 else rng.uniform(18, 23.4)
        return self._local(self._date(day), 0) + timedelta(
            hours=int(hour),
            minutes=rng.randrange(60),
            seconds=rng.randrange(60),
            milliseconds=rng.randrange(1000),
        )

    def _inbound_lead(self, day: int, number: int) -> None:
        rng = self._random("in", day, number)
        ids = _Ids(1, day, number)
        at = self._arrival(rng, day)
        source = rng.choices([name for name, _ in SOURCES], [weight for _, weight in SOURCES])[0]
        name = self._name(rng)
        if source == "REFERRALS" and rng.random() < 0.25:
            self._referral_by_hand(rng, ids, at, name)
            return
        self.script.form(at, ids.contact, source=source, name=name)
        self._auto_reply(rng, ids, at)
        if rng.random() < 0.005:
            called_at = at - timedelta(minutes=rng.randrange(5, 40))
            self.script.call(
                called_at, ids.new("call"), ids.contact, ALLROUNDER, outcome="connected", seconds=150,
                logged_at=at + timedelta(minutes=3),
            )  # fmt: skip
        closed_at = self._follow_up(rng, ids, at, source, day)
        if rng.random() < 0.06:
            again_at = at + timedelta(days=rng.uniform(0.2, 20))
            self.script.form_again(again_at, ids.contact)
            self._auto_reply(rng, ids, again_at)
        elif closed_at is not None and rng.random() < 0.05:
            self._come_back(rng, ids, closed_at, source, day)

    def _auto_reply(self, rng: Random, ids: _Ids, at: datetime) -> None:
        if rng.random() < 0.92:
            self.script.email(at + timedelta(seconds=10), ids.new("email"), ids.contact, None, automated=True)
        if rng.random() < 0.25:
            self.script.email(at + timedelta(days=3), ids.new("email"), ids.contact, None, automated=True)

    def _referral_by_hand(self, rng: Random, ids: _Ids, at: datetime, name: tuple[str, str]) -> None:
        at = self._after_hours(rng, at, 20, 0.8)
        self.script.create(at, ids.contact, by=ALLROUNDER, name=name)
        self._work_lead(rng, ids, at, ALLROUNDER, self._after_hours(rng, at, 90, 1.2))

    def _follow_up(self, rng: Random, ids: _Ids, at: datetime, source: str, day: int) -> datetime | None:
        """Route the lead, and let its owner answer it or not; give the instant of disqualification, if any."""
        script, contact = self.script, ids.contact
        if rng.random() < 0.008:
            self._convert_without_log(rng, ids, at)
            return None
        if rng.random() < 0.03:
            # Nobody ever takes it from the queue.
            return None
        owner = self._route(rng, source)
        by = None if rng.random() < 0.6 else ALLROUNDER
        assigned_at = (
            at + timedelta(seconds=rng.randrange(30, 120))
            if by is None
            else self._after_hours(rng, at, 50, 1)
        )
        script.assign(assigned_at, contact, owner, by=by)
        load = 0.85 + 0.3 * self._progress(day)
        neglect = {JUNIOR: 0.15, ALLROUNDER: 0.09, OUTBOUNDER: 0.10}[owner]
        if source == "SOCIAL_MEDIA":
            neglect = 0.38
        if rng.random() < 0.05:
            # Closed by the rep without ever being called: the lead stays unanswered.
            closed_at = self._after_hours(rng, assigned_at, 700, 0.9)
            script.status(closed_at, contact, "UNQUALIFIED", by=owner)
            return closed_at
        if rng.random() < neglect * load:
            return None
        if rng.random() < 0.04:
            taken_at = assigned_at + timedelta(days=3)
            other = rng.choice([one for one in (ALLROUNDER, JUNIOR, OUTBOUNDER) if one != owner])
            taken_at = self.work.add(taken_at, 1)
            script.assign(taken_at, contact, other, by=ALLROUNDER)
            return self._work_lead(rng, ids, at, other, self.work.add(taken_at, 5))
        if rng.random() < 0.03:
            # In the evening or the weekend, soon after the form.
            answered_at = assigned_at + timedelta(minutes=rng.randrange(15, 160))
            return self._work_lead(rng, ids, at, owner, answered_at)
        median = {ALLROUNDER: 110.0, JUNIOR: 330.0, OUTBOUNDER: 180.0}[owner] * load
        answered_at = max(self._after_hours(rng, at, median, 1.45), assigned_at + timedelta(minutes=2))
        return self._work_lead(rng, ids, at, owner, answered_at)

    def _route(self, rng: Random, source: str) -> str:
        if source == "SOCIAL_MEDIA":
            return JUNIOR if rng.random() < 0.85 else ALLROUNDER
        return rng.choices((ALLROUNDER, JUNIOR, OUTBOUNDER), (0.50, 0.28, 0.22))[0]

    def _convert_without_log(self, rng: Random, ids: _Ids, at: datetime) -> None:
        owner = rng.choice((ALLROUNDER, OUTBOUNDER))
        self.script.assign(at + timedelta(minutes=1), ids.contact, owner)
        qualified_at = self._after_hours(rng, at, 900, 0.6)
        self._hand_over(rng, ids, qualified_at, owner)

    def _work_lead(
        self, rng: Random, ids: _Ids, t0: datetime, owner: str, first_at: datetime
    ) -> datetime | None:
        """Attempts, contact and outcome; give the instant of disqualification, if any."""
        script, contact = self.script, ids.contact
        waited = self.work.between(t0, first_at)
        attempt_at, contacted_at = first_at, None
        for attempt in range(rng.choices(range(1, 8), (22, 24, 20, 14, 10, 6, 4))[0]):
            if attempt:
                attempt_at = self._after_hours(rng, attempt_at, 560, 0.5)
            logged_at, answer_at = self._attempt(rng, ids, owner, attempt_at)
            if attempt == 0:
                script.status(logged_at + timedelta(seconds=5), contact, "IN_PROGRESS", by=owner)
            if answer_at is not None:
                contacted_at = max(answer_at, logged_at)
                script.status(contacted_at + timedelta(seconds=20), contact, "CONNECTED", by=owner)
                break
            attempt_at = max(attempt_at, logged_at)
        if contacted_at is None:
            if rng.random() < 0.5:
                closed_at = self._after_hours(rng, attempt_at, 2000, 0.5)
                script.status(closed_at, contact, "UNQUALIFIED", by=owner)
                return closed_at
            return None
        chance = 0.31 if waited <= 60 else 0.225 if waited <= 480 else 0.15 if waited <= 1530 else 0.10
        if rng.random() < chance:
            qualified_at = self._after_hours(rng, contacted_at + timedelta(minutes=1), 700, 1.25)
            self._hand_over(rng, ids, qualified_at, owner)
            return None
        if rng.random() < 0.75:
            closed_at = self._after_hours(rng, contacted_at + timedelta(minutes=1), 900, 1)
            script.status(closed_at, contact, "UNQUALIFIED" if rng.random() < 0.8 else "BAD_TIMING", by=owner)
            return closed_at
        return None

    def _attempt(
        self, rng: Random, ids: _Ids, rep: str, at: datetime, *, contact_chance: float = 0.44
    ) -> tuple[datetime, datetime | None]:
        """One call or e-mail; give when it was logged and when the other side answered."""
        script, contact = self.script, ids.contact
        if rng.random() < 0.30:
            script.email(at, ids.new("email"), contact, rep)
            if rng.random() < contact_chance * 0.6:
                answer_at = self._after_hours(rng, at, 150, 0.9)
                script.email(answer_at, ids.new("email"), contact, rep, direction="in")
                return at + timedelta(seconds=2), answer_at + timedelta(seconds=2)
            return at + timedelta(seconds=2), None
        if rng.random() < 0.01:
            # Planned, never made: it is no attempt.
            script.call(at, ids.new("call"), contact, rep, outcome=None, seconds=0, status="CANCELED")
            at += timedelta(minutes=2)
        late = at + timedelta(hours=rng.uniform(2, 20)) if rng.random() < 0.06 else None
        if rng.random() < contact_chance:
            seconds = int(rng.lognormvariate(math.log(210), 0.6)) + 20
            logged_at = script.call(
                at, ids.new("call"), contact, rep, outcome="connected", seconds=seconds, logged_at=late
            )
            return logged_at, at + timedelta(seconds=seconds)
        outcome = rng.choices(("no_answer", "voicemail", "busy", "wrong_number"), (60, 28, 9, 3))[0]
        seconds = rng.randrange(12, 50)
        return (
            script.call(at, ids.new("call"), contact, rep, outcome=outcome, seconds=seconds, logged_at=late),
            None,
        )

    def _come_back(self, rng: Random, ids: _Ids, closed_at: datetime, source: str, day: int) -> None:
        """A second form after disqualification: within the gap it changes nothing, after it a new cycle opens."""
        if rng.random() < 0.4:
            self.script.form_again(closed_at + timedelta(days=rng.uniform(3, 28)), ids.contact)
            return
        again_at = closed_at + timedelta(days=rng.uniform(32, 140))
        self.script.form_again(again_at, ids.contact)
        self.script.status(again_at + timedelta(seconds=4), ids.contact, "OPEN")
        self._auto_reply(rng, ids, again_at)
        if rng.random() < 0.8:
            owner = self._route(rng, source)
            self.script.assign(again_at + timedelta(minutes=2), ids.contact, owner)
            first_at = max(self._after_hours(rng, again_at, 200, 1.2), again_at + timedelta(minutes=4))
            self._work_lead(rng, ids, again_at, owner, first_at)

    # --- from hand-over to won or lost

    def _hand_over(self, rng: Random, ids: _Ids, at: datetime, qualifier: str) -> None:
        script, contact = self.script, ids.contact
        script.lifecycle(at, contact, "salesqualifiedlead", by=qualifier)
        if qualifier == ALLROUNDER and rng.random() < 0.72:
            closer = ALLROUNDER
        else:
            closer = rng.choices((ALLROUNDER, LEAVER, SENIOR), (0.18, 0.42, 0.40))[0]
        if closer == LEAVER and at >= self._local(self.leaves_on - timedelta(days=14), 9):
            closer = SENIOR
        if closer != qualifier:
            script.assign(at + timedelta(minutes=rng.randrange(1, 30)), contact, closer, by=qualifier)
        touched_at = self._after_hours(rng, at + timedelta(minutes=30), 420, 1.0)
        if rng.random() < 0.07:
            # The closer does not want it.
            self._closer_touch(rng, ids, closer, touched_at, None)
            rejected_at = self._after_hours(rng, touched_at + timedelta(hours=1), 1600, 0.5)
            script.status(rejected_at, contact, "UNQUALIFIED", by=closer)
            script.lifecycle(rejected_at + timedelta(seconds=30), contact, "lead", by=closer)
            return
        created_at = self._after_hours(rng, touched_at, 200, 0.8)
        if rng.random() < 0.94:
            self._closer_touch(rng, ids, closer, touched_at, None)
        self._deal(rng, ids, created_at, closer, contacts=(contact,))
        if rng.random() < 0.04:
            second_at = self._after_hours(rng, created_at, 6000, 0.6)
            self._deal(rng, ids, second_at, closer, contacts=(contact,), first=False)

    def _closer_touch(self, rng: Random, ids: _Ids, rep: str, at: datetime, deal: str | None) -> None:
        if self._gone(rep, at):
            rep = SENIOR
        if rng.random() < 0.55:
            outcome = "connected" if rng.random() < 0.65 else "no_answer"
            seconds = rng.randrange(90, 900) if outcome == "connected" else 30
            self.script.call(
                at, ids.new("call"), ids.contact, rep, outcome=outcome, seconds=seconds, deal=deal
            )
        else:
            self.script.email(at, ids.new("email"), ids.contact, rep, deal=deal)

    def _deal(
        self,
        rng: Random,
        ids: _Ids,
        at: datetime,
        owner: str,
        *,
        contacts: tuple[str, ...],
        first: bool = True,
        deal_type: str = "newbusiness",
    ) -> None:
        script, deal = self.script, ids.new("deal")
        if self._gone(owner, at):
            owner = SENIOR
        amount = _amount(rng)
        script.deal(
            at, deal, owner, contacts=contacts, amount=amount, deal_type=deal_type,
            close_date=at + timedelta(days=rng.randrange(25, 75)), name=f"Installatie {rng.choice(LAST_NAMES)}",
        )  # fmt: skip
        if first and contacts:
            script.lifecycle(at + timedelta(seconds=2), ids.contact, "opportunity")
        moment, position = at, 0
        stays_open = rng.random() < 0.07
        while True:
            moment = self._after_hours(rng, moment, STAGE_DAYS[position] * 510, 0.65)
            if self._gone(owner, moment):
                if rng.random() < 0.5 or at >= self._local(self.leaves_on, 17):
                    # Nobody takes the deal over: it stays open with someone who left.
                    return
                handed_at = max(self._local(self.leaves_on + timedelta(days=5), 10), at)
                owner = SENIOR
                script.deal_owner(handed_at, deal, owner, by=ALLROUNDER)
                moment = max(moment, handed_at + timedelta(hours=1))
            if contacts:
                self._stage_touches(rng, ids, deal, owner, moment, position)
            if stays_open and position >= rng.randrange(4):
                return
            if rng.random() < 0.28:
                script.close_date(
                    moment - timedelta(minutes=9),
                    deal,
                    moment + timedelta(days=rng.randrange(10, 50)),
                    by=owner,
                )
            if rng.random() < 0.10 and amount is not None:
                amount = str(int(float(amount) * rng.uniform(0.7, 1.2)))
                script.amount(moment - timedelta(minutes=7), deal, amount, by=owner)
            if rng.random() < STAGE_LOSS[position]:
                reason = "duplicate" if rng.random() < 0.05 else rng.choice(LOST_REASONS)
                script.stage(moment, deal, "closedlost", by=owner, reason=reason)
                if rng.random() < 0.02:
                    # Lost, then not lost after all.
                    moment = self._after_hours(rng, moment, 5000, 0.4)
                    script.stage(moment, deal, "contractsent", by=owner)
                    moment = self._after_hours(rng, moment, 2500, 0.4)
                    script.stage(moment, deal, "closedwon", by=owner)
                return
            if position == len(STAGE_PATH) - 1:
                script.stage(moment, deal, "closedwon", by=owner)
                if first and contacts:
                    script.lifecycle(moment + timedelta(seconds=2), ids.contact, "customer")
                    self._care(rng, ids, owner, moment)
                return
            step = rng.random()
            if step < 0.10 and position < len(STAGE_PATH) - 2:
                position += 2
            elif step < 0.15 and position > 0:
                position -= 1
            else:
                position += 1
            script.stage(moment, deal, STAGE_PATH[position], by=owner)

    def _stage_touches(
        self, rng: Random, ids: _Ids, deal: str, owner: str, moment: datetime, position: int
    ) -> None:
        if position in (0, 2) and rng.random() < 0.7:
            starts_at = self.work.add(moment - timedelta(hours=30), 1).replace(
                minute=0, second=0, microsecond=0
            )
            outcome = rng.choices(("COMPLETED", "NO_SHOW", "CANCELED"), (85, 9, 6))[0]
            booked_at = starts_at - timedelta(hours=rng.randrange(3, 40))
            self.script.meeting(
                booked_at, ids.new("meeting"), ids.contact, owner, starts_at, outcome=outcome, deal=deal
            )
        for _ in range(rng.randrange(0, 3)):
            touched_at = self.work.add(moment - timedelta(hours=rng.uniform(1, 70)), 1)
            if touched_at < moment:
                self._closer_touch(rng, ids, owner, touched_at, deal)

    def _care(self, rng: Random, ids: _Ids, owner: str, moment: datetime) -> None:
        for _ in range(rng.randrange(0, 3)):
            moment = self._after_hours(rng, moment, 9000, 0.5)
            self._closer_touch(rng, ids, SENIOR if self._gone(owner, moment) else owner, moment, None)

    # --- outbound

    def _outbound(self) -> None:
        block = 0
        while self.start + timedelta(weeks=7 * block) < self.until:
            rng = self._random("bursts", block)
            first_week = rng.randrange(0, 4)
            for week in range(first_week, first_week + 2):
                monday = self.start + timedelta(weeks=7 * block + week)
                monday -= timedelta(days=monday.weekday())
                if self.start < monday < self.until:
                    self._burst(monday)
            block += 1

    def _burst(self, monday: date) -> None:
        """One busy week: a list is imported on Monday and called until Friday."""
        week = (monday - self.start).days
        rng = self._random("burst", week)
        imported_at = self._local(monday, 8, 12, 5)
        days = [monday + timedelta(days=one) for one in range(5)]
        days = [one for one in days if self.work.is_working_day(one)]
        for number in range(max(3, round(rng.randrange(52, 72) * self.scale))):
            ids = _Ids(2, week, number)
            story = self._random("out", week, number)
            rep = story.choices((ALLROUNDER, OUTBOUNDER, SENIOR), (0.25, 0.53, 0.22))[0]
            self.script.list_row(imported_at, ids.contact, owner=rep, by=OUTBOUNDER, name=self._name(story))
            if story.random() < 0.15 or not days:
                continue
            day = story.choice(days)
            first_at = self._local(day, 9) + timedelta(seconds=story.randrange(1800, 28000))
            self._prospect(story, ids, rep, max(first_at, imported_at + timedelta(hours=1)))

    def _prospect(self, rng: Random, ids: _Ids, rep: str, at: datetime) -> None:
        for attempt in range(rng.choices((1, 2, 3, 4), (35, 35, 20, 10))[0]):
            if attempt:
                at = self._after_hours(rng, at, 500, 0.3)
            logged_at, answer_at = self._attempt(rng, ids, rep, at, contact_chance=0.20)
            at = max(at, logged_at)
            if answer_at is not None:
                at = max(answer_at, at)
                if rng.random() < 0.17:
                    self._hand_over(
                        rng, ids, self._after_hours(rng, at + timedelta(minutes=1), 3500, 1.0), rep
                    )
                elif rng.random() < 0.5:
                    closed_at = self._after_hours(rng, at, 600, 0.7)
                    self.script.status(closed_at, ids.contact, "UNQUALIFIED", by=rep)
                return
        if rng.random() < 0.04:
            # Tried again after more than half a year of silence.
            again_at = self.work.add(at + timedelta(days=rng.randrange(216, 260)), 30)
            self._attempt(rng, ids, rep, again_at, contact_chance=0.0)
        elif rng.random() < 0.03:
            # The prospect sends a form in the same cycle: it stays outbound.
            self.script.form_again(at + timedelta(days=rng.uniform(2, 20)), ids.contact)

    # --- rows that every month has, because each of them once broke a real pipeline

    def _special_month(self, month: int) -> None:
        first = month_after(self.start, month)
        day = (first - self.start).days
        rng = self._random("special", month)
        stories = self._numbered(3, day)
        self._month_end(rng, next(stories), first)
        self._reopened(rng, stories, first)
        self._merges(rng, stories, first, month)
        self._archives(rng, stories, first, month)
        self._deals_apart(rng, stories, first)
        self._corrected(rng, next(stories), first)
        self._moved_call(rng, next(stories), next(stories), first)
        if month == 9:
            self._big_import(first)
        if month % 3 == 2:
            self._customer_returns(rng, next(stories), first)

    def _numbered(self, stream: int, day: int) -> Iterator[_Ids]:
        for number in range(990):
            yield _Ids(stream, day, number)

    def _month_end(self, rng: Random, ids: _Ids, first: date) -> None:
        # 23:30 UTC is already the next month in Amsterdam.
        at = datetime.combine(month_after(first, 1) - timedelta(days=1), time(23, 30), UTC)
        self.script.form(at, ids.contact, source="DIRECT_TRAFFIC", name=self._name(rng))
        self.script.assign(at + timedelta(minutes=1), ids.contact, ALLROUNDER)
        self._work_lead(rng, ids, at, ALLROUNDER, self._after_hours(rng, at, 60, 1))

    def _plain_lead(self, rng: Random, ids: _Ids, day: date, *, answered: bool = True) -> datetime:
        """A lead with one call and no outcome, for the stories below."""
        at = self._local(day, 10) + timedelta(seconds=rng.randrange(14_000))
        self.script.form(at, ids.contact, source="ORGANIC_SEARCH", name=self._name(rng))
        self.script.assign(at + timedelta(minutes=1), ids.contact, ALLROUNDER)
        if answered:
            self.script.call(self._after_hours(rng, at, 90, 0.8), ids.new("call"), ids.contact, ALLROUNDER)
        return at

    def _reopened(self, rng: Random, stories: Iterator[_Ids], first: date) -> None:
        for gap in (29, 31):
            ids = next(stories)
            at = self._plain_lead(rng, ids, first + timedelta(days=1))
            closed_at = self.work.add(at, 3000)
            self.script.status(closed_at, ids.contact, "UNQUALIFIED", by=ALLROUNDER)
            again_at = closed_at + timedelta(days=gap)
            self.script.form_again(again_at, ids.contact)
            if gap > 30:
                self.script.status(again_at + timedelta(seconds=3), ids.contact, "OPEN")
                called_at = self.work.add(again_at, 120)
                self.script.call(
                    called_at, ids.new("call"), ids.contact, JUNIOR, outcome="connected", seconds=120
                )

    def _merges(self, rng: Random, stories: Iterator[_Ids], first: date, month: int) -> None:
        one, two, three = next(stories), next(stories), next(stories)
        third, fifth = str(70_000_000_000 + month * 10), str(70_000_000_000 + month * 10 + 1)
        self._plain_lead(rng, one, first + timedelta(days=2), answered=False)
        self._plain_lead(rng, two, first + timedelta(days=4))
        merged_at = self._local(first + timedelta(days=8), 11, 5)
        self.script.merge(merged_at, third, (one.contact, two.contact), by=ALLROUNDER)
        if month % 4 == 1:
            # The survivor is merged once more; touches and the hand-over belong to the last record.
            self._plain_lead(rng, three, first + timedelta(days=5), answered=False)
            chained_at = merged_at + timedelta(days=3)
            self.script.merge(chained_at, fifth, (third, three.contact), by=ALLROUNDER)
            two.contact = fifth
            self._hand_over(rng, two, self._after_hours(rng, chained_at, 900, 0.3), ALLROUNDER)

    def _archives(self, rng: Random, stories: Iterator[_Ids], first: date, month: int) -> None:
        archived, other = next(stories), next(stories)
        self._plain_lead(rng, archived, first + timedelta(days=3))
        gone_at = self._local(first + timedelta(days=12), 15, 20)
        self.script.archive_contact(gone_at, archived.contact, by=ALLROUNDER)
        if month % 3 == 1:
            self.script.restore_contact(gone_at + timedelta(days=9), archived.contact, by=ALLROUNDER)
        if month % 4 == 2:
            self._plain_lead(rng, other, first + timedelta(days=6))
            self.script.forget_contact(gone_at + timedelta(days=2), other.contact, by=ALLROUNDER)

    def _deals_apart(self, rng: Random, stories: Iterator[_Ids], first: date) -> None:
        """Deals without a contact, renewals, amounts of nothing, and one that is thrown away."""
        at = self._local(first + timedelta(days=rng.randrange(1, 8)), 13, 40)
        owner = SENIOR
        self._deal(rng, next(stories), at, owner, contacts=())
        self._deal(
            rng, next(stories), at + timedelta(days=4), owner, contacts=(), deal_type="existingbusiness"
        )
        free = next(stories)
        script = self.script
        deal = free.new("deal")
        script.deal(at, deal, owner, amount=rng.choice(("0", "-100", None)))
        script.stage(self._after_hours(rng, at, 2000, 0.3), deal, "contractsent", by=owner)
        won_at = self._after_hours(rng, at, 9000, 0.3)
        script.stage(won_at, deal, "closedwon", by=owner)
        thrown = free.new("deal")
        script.deal(at + timedelta(days=1), thrown, owner)
        script.archive_deal(at + timedelta(days=5), thrown, by=owner)

    def _corrected(self, rng: Random, ids: _Ids, first: date) -> None:
        at = self._plain_lead(rng, ids, first + timedelta(days=7))
        wrong_at = self.work.add(at, 800)
        self.script.lifecycle(wrong_at, ids.contact, "salesqualifiedlead", by=ALLROUNDER)
        self.script.lifecycle(wrong_at + timedelta(minutes=25), ids.contact, "lead", by=ALLROUNDER)

    def _moved_call(self, rng: Random, wrong: _Ids, right: _Ids, first: date) -> None:
        """A call logged on the wrong contact and moved later: only the association changes."""
        self._plain_lead(rng, wrong, first + timedelta(days=9), answered=False)
        at = self._plain_lead(rng, right, first + timedelta(days=9), answered=False)
        call = wrong.new("call")
        called_at = self._after_hours(rng, at, 60, 0.5)
        self.script.call(called_at, call, wrong.contact, ALLROUNDER)
        moved_at = called_at + timedelta(days=2)
        self.script.unlink(moved_at, "calls", call, "contacts", wrong.contact)
        self.script.link(moved_at, "calls", call, "contacts", right.contact)

    def _big_import(self, first: date) -> None:
        day = (first - self.start).days
        rng = self._random("import", day)
        imported_at = self._local(first + timedelta(days=10), 14, 2, 7)
        for number in range(max(25, round(400 * self.scale))):
            ids = _Ids(4, day, number)
            self.script.list_row(imported_at, ids.contact, by=ALLROUNDER, name=self._name(rng))

    def _customer_returns(self, rng: Random, ids: _Ids, first: date) -> None:
        at = self._plain_lead(rng, ids, first + timedelta(days=2))
        qualified_at = self.work.add(at, 1500)
        script = self.script
        script.lifecycle(qualified_at, ids.contact, "salesqualifiedlead", by=ALLROUNDER)
        created_at = self.work.add(qualified_at, 300)
        deal = ids.new("deal")
        script.deal(created_at, deal, ALLROUNDER, contacts=(ids.contact,), amount="8200")
        script.lifecycle(created_at + timedelta(seconds=2), ids.contact, "opportunity")
        script.stage(self.work.add(created_at, 900), deal, "contractsent", by=ALLROUNDER)
        won_at = self.work.add(created_at, 2400)
        script.stage(won_at, deal, "closedwon", by=ALLROUNDER)
        script.lifecycle(won_at + timedelta(seconds=2), ids.contact, "customer")
        script.form_again(won_at + timedelta(days=45), ids.contact)


def _amount(rng: Random) -> str | None:
    draw = rng.random()
    if draw < 0.07:
        return None
    if draw < 0.085:
        return "0"
    return str(max(600, int(rng.lognormvariate(math.log(6500), 0.7)) // 50 * 50))


def _poisson(rng: Random, mean: float) -> int:
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
