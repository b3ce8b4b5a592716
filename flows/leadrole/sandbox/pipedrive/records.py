"""The company's log as Pipedrive keeps it: its records with their own ids, and the changes it remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from hashlib import blake2b, sha1
from typing import Any, TypeVar, cast
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from leadrole.sandbox.log import LIFECYCLE_ORDER, QUEUE_ID, STAGES, Event, History, Owner

DELETED_SHOWN = timedelta(days=30)
PIPELINE = 1
_SPACE = UUID("6b2f5a9e-3f0c-4c55-9a59-0c1d6a0d7c11")


def field_key(name: str) -> str:
    """Give the 40-digit key of a custom field."""
    return sha1(name.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field the company made itself; leads have those of deals."""

    name: str
    label: str
    kind: str
    options: tuple[tuple[int, str], ...] = ()

    @property
    def key(self) -> str:
        """The key under which records hold it."""
        return field_key(self.name)


_LIFECYCLE = tuple((11 + place, stage) for place, stage in enumerate(LIFECYCLE_ORDER))
_ORIGINS = ((31, "Form"), (32, "List"), (33, "By hand"))
ORIGIN_OPTION = {"form": 31, "import": 32, "manual": 33}
DEAL_TYPE_OPTION = {"newbusiness": 21, "existingbusiness": 22}
LIFECYCLE_OPTION = {stage: option for option, stage in _LIFECYCLE}
DEAL_FIELDS = (
    CustomField("deal.lifecycle", "Lifecycle", "enum", _LIFECYCLE),
    CustomField("deal.type", "Deal type", "enum", ((21, "New business"), (22, "Existing business"))),
    CustomField("deal.origins", "Came by", "set", _ORIGINS),
    CustomField("deal.quoted", "Amount quoted", "monetary"),
)
PERSON_FIELDS = (
    CustomField("person.lifecycle", "Lifecycle", "enum", _LIFECYCLE),
    CustomField("person.origins", "Came by", "set", _ORIGINS),
)
DEAL_LIFECYCLE, DEAL_TYPE, DEAL_ORIGINS, DEAL_QUOTED = (one.key for one in DEAL_FIELDS)
PERSON_LIFECYCLE, PERSON_ORIGINS = (one.key for one in PERSON_FIELDS)

# log's source -> the option of `channel`
CHANNELS = {
    "ORGANIC_SEARCH": (41, "Organic search"),
    "PAID_SEARCH": (42, "Paid search"),
    "SOCIAL_MEDIA": (43, "Social media"),
    "REFERRALS": (44, "Referrals"),
    "EMAIL_MARKETING": (45, "Email marketing"),
    "DIRECT_TRAFFIC": (46, "Direct traffic"),
    "OFFLINE": (47, "Offline"),
}
# log's lead status -> label of a lead (by uuid) and of a person (by number)
STATUS_LABELS = {
    "NEW": (51, "New", "blue"),
    "OPEN": (52, "Open", "yellow"),
    "IN_PROGRESS": (53, "In progress", "orange"),
    "CONNECTED": (54, "Connected", "green"),
    "UNQUALIFIED": (55, "Unqualified", "red"),
    "BAD_TIMING": (56, "Bad timing", "gray"),
}
DISQUALIFIED = frozenset({"UNQUALIFIED", "BAD_TIMING"})
# what made a lead -> source_name, origin
LEAD_SOURCES = {
    "form": ("Web forms", "WebForm"),
    "import": ("Import", "Import"),
    "manual": ("Manually created", "ManuallyCreated"),
}
# key_string, name, icon, made by the company
ACTIVITY_TYPES = (
    ("call", "Call", "call", False),
    ("meeting", "Meeting", "meeting", False),
    ("task", "Task", "task", False),
    ("deadline", "Deadline", "deadline", False),
    ("email", "Email", "email", False),
    ("lunch", "Lunch", "lunch", False),
    ("call_no_answer", "Call, no answer", "smartphone", True),
    ("call_voicemail", "Call, voicemail", "sound", True),
    ("call_busy", "Call, busy", "smartphone", True),
    ("call_wrong_number", "Call, wrong number", "smartphone", True),
    ("call_live_message", "Call, message left", "bubble", True),
    ("call_in", "Call received", "downarrow", True),
    ("call_in_missed", "Call received, missed", "downarrow", True),
    ("email_in", "Email received", "downarrow", True),
    ("meeting_no_show", "Meeting, no show", "calendar", True),
)
CALL_IS_TALK_MS = 60_000
OPEN_STAGES = tuple(stage for stage in STAGES if not stage.is_closed)
_STAGE_IDS = {stage.stage_id: number for number, stage in enumerate(OPEN_STAGES, 1)}
_ACTIVITY_PLACE = {"calls": 0, "emails": 1, "meetings": 2}


def person_id(contact: str) -> str:
    """Give the id of a contact's person. After a merge the first contact's is left."""
    return str(int(contact))


def organization_id(contact: str) -> str:
    """Give the id of the organization that was made along with a contact."""
    return str(int(contact))


def lead_id(contact: str, number: int = 0) -> str:
    """Give the id of a contact's first lead, or of the one its n-th further form made."""
    return str(uuid5(_SPACE, f"lead:{contact}:{number}"))


def deal_id(deal: str) -> str:
    """Give the id of a deal."""
    return str(int(deal))


def activity_id(kind: str, activity: str) -> str:
    """Give the id of a call, an e-mail or a meeting: Pipedrive numbers them all as activities."""
    return str(int(activity) * len(_ACTIVITY_PLACE) + _ACTIVITY_PLACE[kind])


def user_id(owner: str) -> str:
    """Give the id of an owner's user."""
    return str(int(owner))


def stage_id(stage: str) -> str:
    """Give the id of an open stage; won and lost are none."""
    return str(_STAGE_IDS[stage])


def label_id(status: str) -> str:
    """Give the id of the lead label of a lead status."""
    return str(uuid5(_SPACE, f"label:{status}"))


def change_id(place: int, number: int) -> str:
    """Give the id of the n-th change by the event at a place in the log."""
    return str((place + 1) * 4096 + number)


@dataclass(frozen=True, slots=True)
class Settings:
    """How this account differs from the next one: sizes, limits, and the oddities that are switched on."""

    # paging and shapes
    page_cap: int = 500  # no page is longer, whatever the limit asked for
    end_of_list: str = "null"  # additional_data at the end: null cursor, "no_cursor", "null_data", "no_data"
    absent: str = "mixed"  # fields without a value: "null", "dropped", or the one or the other by record
    microseconds: bool = False  # v2 tells times as `…:00.000000Z`, as some accounts did
    shuffle_ties: bool = False  # changelog entries of one second come in any order
    # what the account remembers
    source_lead_ids: bool = True  # deals name the lead they came of
    archived_as: str = "archived"  # what archiving in the log means here: "archived" or "deleted"
    silent_updates: bool = False  # amounts (products) and moves between records leave update_time alone
    early_stamps: bool = False  # an untouched record's update_time may lie a second before its add_time
    lag_seconds: int = 0  # a list shows a version of a record at most this long after its stamp
    seed: int = 0
    # who asks
    hidden_owners: tuple[str, ...] = ()  # owners (of the log) whose records the token's user can't see
    client_id: str = "a1b2c3d4e5f60718"
    client_secret: str = "0123456789abcdef0123456789abcdef01234567"
    code: str = "auth-code-0001"
    refresh_token: str = "1000001:2000001:first-refresh-token"
    rotate_refresh: bool = False
    access_seconds: int = 3599
    # limits
    plan: str = "lite"
    seats: int = 5
    daily_tokens: int | None = None  # in place of what plan and seats give
    top_up: int = 0
    others_spent: int = 0  # tokens other integrations spend soon after the reset
    others_per_hour: int = 0
    reset_zone: str = "America/New_York"  # nobody says which one it is
    burst: int | None = None  # calls per 2 s, in place of the plan's
    hammer: int = 10  # so many 429s in a minute, and the edge shuts the company out
    shut_out_seconds: float = 900.0
    # the company
    zone: str = "Europe/Amsterdam"
    currency: str = "EUR"
    # option id -> new label; None: the option was removed while records still hold it
    options: tuple[tuple[int, str | None], ...] = ()

    @classmethod
    def of(cls, given: dict[str, Any]) -> Settings:
        """Make settings of keyword arguments; lists and mappings become what can be compared."""
        names = {one.name for one in fields(cls)}
        unknown = sorted(set(given) - names)
        if unknown:
            raise TypeError(f"Pipedrive's sandbox knows no setting {', '.join(unknown)}")
        if isinstance(given.get("options"), dict):
            given = {**given, "options": tuple(given["options"].items())}
        if "hidden_owners" in given:
            given = {**given, "hidden_owners": tuple(given["hidden_owners"])}
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a record that got another value."""

    number: str
    item: str
    key: str
    old: str | None
    new: str | None
    at: datetime
    by: str
    is_automatic: bool
    is_custom: bool


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """What all records have."""

    key: str
    owner: str
    creator: str
    added: datetime
    updated: datetime
    gone_at: datetime | None = None
    archived_at: datetime | None = None
    earlier: list[Any] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        """Whether it was neither deleted nor swallowed."""
        return self.gone_at is None


@dataclass(slots=True, kw_only=True, eq=False)
class Organization(Item):
    """A company."""

    name: str


@dataclass(slots=True, kw_only=True, eq=False)
class Person(Item):
    """A person."""

    first_name: str
    last_name: str
    email: str
    org: str | None
    label: str | None = None
    lifecycle: str | None = None
    origins: tuple[int, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class Lead(Item):
    """A lead: open, archived or gone."""

    title: str
    person: str | None
    org: str | None
    origin: str
    source: str
    label: str | None = None
    lifecycle: str | None = None
    archived_for: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Deal(Item):
    """A deal."""

    title: str
    person: str | None
    org: str | None
    stage: int
    status: str
    stage_changed: datetime | None = None
    value: str | None
    currency: str
    expected: date | None
    won: datetime | None = None
    lost: datetime | None = None
    lost_reason: str | None = None
    origin: str = "ManuallyCreated"
    source: str | None = None
    source_lead: str | None = None
    deal_type: str = "newbusiness"
    lifecycle: str | None = None
    origins: tuple[int, ...] = ()
    quoted: str | None = None
    participants: tuple[tuple[str, datetime], ...] = ()

    @property
    def closed(self) -> datetime | None:
        """When it was won or lost."""
        return self.won or self.lost


@dataclass(slots=True, kw_only=True, eq=False)
class Activity(Item):
    """A call, an e-mail or a meeting."""

    kind: str
    type: str
    subject: str
    due: datetime
    seconds: int
    done_at: datetime | None
    persons: tuple[str, ...] = ()
    org: str | None = None
    deal: str | None = None
    lead: str | None = None


_AnyItem = TypeVar("_AnyItem", bound=Item)
KINDS = ("leads", "deals", "persons", "organizations", "activities")


class Company:
    """Everything Pipedrive holds at an instant."""

    def __init__(self, history: History, at: datetime, settings: Settings) -> None:
        self.at = at
        self.settings = settings
        self.zone = ZoneInfo(settings.zone)
        self.owners: dict[str, Owner] = {one.owner_id: one for one in history.owners if one.created_at <= at}
        self.left: dict[str, datetime] = {}
        people = [one.owner_id for one in history.owners if one.kind == "PERSON"]
        self.admin = people[0] if people else QUEUE_ID
        self.queue = QUEUE_ID if any(one.owner_id == QUEUE_ID for one in history.owners) else self.admin
        self.leads: dict[str, Lead] = {}
        self.deals: dict[str, Deal] = {}
        self.persons: dict[str, Person] = {}
        self.organizations: dict[str, Organization] = {}
        self.activities: dict[str, Activity] = {}
        self._alias: dict[str, str] = {}
        self._forms: Counter[str] = Counter()
        self._leads_of: dict[str, list[Lead]] = {}
        self._deals_of: dict[str, list[Deal]] = {}
        self._activities_of: dict[str, list[Activity]] = {}
        self._activities_on: dict[str, list[Activity]] = {}
        self._horizon = at - timedelta(seconds=settings.lag_seconds)
        self._number = 0
        self._place = 0
        for place, event in enumerate(history.until(at)):
            self._place, self._number = place, 0
            handle = getattr(self, f"_{event.kind}", None)
            if handle is not None:  # other CRMs have kinds of events of their own
                handle(event)

    # --- what is asked

    def all(self, kind: str) -> dict[str, Item]:
        """Give every record of a kind there ever was, by id."""
        return cast(dict[str, Item], getattr(self, kind))

    def live(self, kind: str) -> Iterator[Item]:
        """Give the records of a kind that were neither deleted nor swallowed and that the user may see."""
        return (item for item in self.all(kind).values() if item.is_live and self.sees(item))

    def sees(self, item: Item) -> bool:
        """Whether the token's user may see a record."""
        return item.owner not in self.settings.hidden_owners

    def shows_deleted(self, item: Item) -> bool:
        """Whether it is a deal that was deleted so short ago that it can still be asked for."""
        if not isinstance(item, Deal) or item.gone_at is None:
            return False
        return item.gone_at > self.at - DELETED_SHOWN and self.sees(item)

    def as_listed(self, item: _AnyItem) -> _AnyItem | None:
        """Give the newest version of a record that lists show by now; None while none is."""
        if not self.settings.lag_seconds:
            return item
        for version in (item, *reversed(item.earlier)):
            if version.updated + timedelta(seconds=self._lag(version)) <= self.at:
                return cast(_AnyItem, version)
        return None

    def _lag(self, item: Item) -> int:
        name = f"{self.settings.seed}:{type(item).__name__}:{item.key}:{item.updated.isoformat()}"
        return int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) % (
            self.settings.lag_seconds + 1
        )

    # --- what every change goes through

    def _set(self, item: Item, at: datetime, *, is_silent: bool = False, **values: Any) -> None:
        if all(getattr(item, name) == value for name, value in values.items()):
            return
        if at > self._horizon:
            item.earlier.append(copy(item))
        for name, value in values.items():
            setattr(item, name, value)
        if not is_silent:
            item.updated = at

    def _move(self, item: Item, at: datetime, **values: Any) -> None:
        """Change what hangs on a record because another one changed."""
        self._set(item, at, is_silent=self.settings.silent_updates, **values)

    def _note(self, item: Item, event: Event, key: str, old: Any, new: Any) -> None:
        if old == new:
            return
        change = Change(
            change_id(self._place, self._number),
            item.key,
            key,
            None if old is None else str(old),
            None if new is None else str(new),
            event.at,
            event.by or self.admin,
            event.by is None,
            len(key) == 40,
        )
        self._number += 1
        item.changes.append(change)

    def _user(self, owner: str | None) -> str:
        return owner or self.queue

    # --- contacts

    def _person(self, contact: str) -> Person | None:
        while contact in self._alias:
            contact = self._alias[contact]
        person = self.persons.get(person_id(contact))
        return person if person is not None and person.is_live else None

    def _current(self, person: Person) -> Lead | None:
        live = [lead for lead in self._leads_of.get(person.key, ()) if lead.is_live]
        return live[-1] if live else None

    def _contact_created(self, event: Event) -> None:
        data, contact = event.data, event.subject
        creator, owner = event.by or self.admin, self._user(data.get("owner"))
        company = Organization(
            key=organization_id(contact), owner=owner, creator=creator, added=event.at, updated=event.at,
            name=data["email"].partition("@")[2],
        )  # fmt: skip
        self.organizations[company.key] = company
        person = Person(
            key=person_id(contact), owner=owner, creator=creator, added=event.at, updated=event.at,
            first_name=data["first_name"], last_name=data["last_name"], email=data["email"], org=company.key,
            label=data.get("status"), lifecycle="lead", origins=(ORIGIN_OPTION[data["origin"]],),
        )  # fmt: skip
        self.persons[person.key] = person
        self._lead(event, person, lead_id(contact), data["origin"], data["source"], data.get("status"))

    def _lead(
        self, event: Event, person: Person, key: str, origin: str, source: str, status: str | None
    ) -> None:
        lead = Lead(
            key=key, owner=person.owner, creator=event.by or self.admin, added=event.at, updated=event.at,
            title=f"{person.first_name} {person.last_name} lead", person=person.key, org=person.org,
            origin=origin, source=source, label=status, lifecycle=person.lifecycle,
        )  # fmt: skip
        self.leads[key] = lead
        self._leads_of.setdefault(person.key, []).append(lead)

    def _form_submitted(self, event: Event) -> None:
        person = self._person(event.subject)
        self._forms[event.subject] += 1
        if person is None:
            return
        before = self._leads_of.get(person.key, [])
        source = before[-1].source if before else "DIRECT_TRAFFIC"
        key = lead_id(event.subject, self._forms[event.subject])
        self._lead(event, person, key, "form", source, None)
        self._set(person, event.at, origins=tuple(sorted({*person.origins, ORIGIN_OPTION["form"]})))

    def _owner_assigned(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None:
            return
        owner = self._user(event.data["owner"])
        self._note(person, event, "owner_id", person.owner, owner)
        self._set(person, event.at, owner=owner)
        lead = self._current(person)
        if lead is not None:
            self._set(lead, event.at, owner=owner)

    def _lifecycle_changed(self, event: Event) -> None:
        person, stage = self._person(event.subject), event.data["stage"]
        if person is None:
            return
        old = LIFECYCLE_OPTION.get(person.lifecycle or "")
        self._note(person, event, PERSON_LIFECYCLE, old, LIFECYCLE_OPTION.get(stage))
        self._set(person, event.at, lifecycle=stage)
        lead = self._current(person)
        if lead is not None:
            self._set(lead, event.at, lifecycle=stage)

    def _lead_status_changed(self, event: Event) -> None:
        person, status = self._person(event.subject), event.data["status"]
        if person is None:
            return
        old, new = (STATUS_LABELS.get(one or "", (None,))[0] for one in (person.label, status))
        self._note(person, event, "label_ids", old, new)
        self._set(person, event.at, label=status)
        lead = self._current(person)
        if lead is None:
            return
        if status in DISQUALIFIED:
            self._set(
                lead, event.at, label=status, archived_at=lead.archived_at or event.at,
                archived_for=lead.archived_for or "status",
            )  # fmt: skip
        elif lead.archived_for == "status":
            self._set(lead, event.at, label=status, archived_at=None, archived_for=None)
        else:
            self._set(lead, event.at, label=status)

    def _contact_archived(self, event: Event) -> None:
        person = self._person(event.subject)
        for lead in self._leads_of.get(person.key, ()) if person else ():
            if not lead.is_live:
                continue
            if self.settings.archived_as == "deleted":
                self._set(lead, event.at, gone_at=event.at, archived_for="contact")
            elif lead.archived_at is None:
                self._set(lead, event.at, archived_at=event.at, archived_for="contact")

    def _contact_restored(self, event: Event) -> None:
        person = self._person(event.subject)
        for lead in self._leads_of.get(person.key, ()) if person else ():
            if lead.archived_for == "contact":
                self._set(lead, event.at, archived_at=None, gone_at=None, archived_for=None)

    def _contact_gdpr_deleted(self, event: Event) -> None:
        person = self._person(event.subject)
        if person is None:
            return
        self._set(person, event.at, gone_at=event.at)
        for lead in self._leads_of.pop(person.key, ()):
            if lead.is_live:
                self._set(lead, event.at, gone_at=event.at)
        self._hand_on(event, person.key, None)

    def _contacts_merged(self, event: Event) -> None:
        winner, *losers = (self._person(one) for one in event.data["merged"])
        if winner is None:
            return
        self._alias[event.subject] = winner.key
        for loser in losers:
            if loser is None or loser is winner:
                continue
            self._alias[loser.key] = winner.key
            for lead in self._leads_of.pop(loser.key, []):
                if lead.is_live:
                    self._move(lead, event.at, person=winner.key)
                self._leads_of.setdefault(winner.key, []).append(lead)
            self._leads_of.get(winner.key, []).sort(key=lambda lead: lead.added)
            self._hand_on(event, loser.key, winner.key)
            self._set(loser, event.at, gone_at=event.at)
            self._set(
                winner, event.at, org=winner.org or loser.org, label=winner.label or loser.label,
                lifecycle=winner.lifecycle or loser.lifecycle,
                origins=tuple(sorted({*winner.origins, *loser.origins})),
            )  # fmt: skip
        winner.updated = max(winner.updated, event.at)

    def _hand_on(self, event: Event, old: str, new: str | None) -> None:
        """Let deals and activities point at another person, or at nobody."""
        for deal in self._deals_of.pop(old, []):
            person = new if deal.person == old else deal.person
            participants = _replaced(deal.participants, old, new)
            self._note(deal, event, "person_id", deal.person, person)
            self._move(deal, event.at, person=person, participants=participants)
            if new is not None:
                self._deals_of.setdefault(new, []).append(deal)
        for activity in self._activities_of.pop(old, []):
            pairs = _replaced(tuple((one, activity.added) for one in activity.persons), old, new)
            self._move(activity, event.at, persons=tuple(one for one, _ in pairs))
            if new is not None:
                self._activities_of.setdefault(new, []).append(activity)

    # --- deals

    def _deal_created(self, event: Event) -> None:
        data = event.data
        persons = [one for one in map(self._person, data.get("contacts") or ()) if one is not None]
        first = persons[0] if persons else None
        lead = self._current(first) if first else None
        stage, status = self._stage_of(data["stage"], _STAGE_IDS[OPEN_STAGES[0].stage_id])
        deal = Deal(
            key=deal_id(event.subject), owner=self._user(data["owner"]), creator=event.by or self.admin,
            added=event.at, updated=event.at, title=data["name"],
            person=first.key if first else None, org=first.org if first else None, stage=stage, status=status,
            value=data.get("amount"), currency=data.get("currency") or self.settings.currency,
            expected=self._day(data.get("close_date")), deal_type=data.get("deal_type") or "newbusiness",
            participants=tuple((one.key, event.at) for one in persons),
            won=event.at if status == "won" else None, lost=event.at if status == "lost" else None,
        )  # fmt: skip
        self.deals[deal.key] = deal
        self._note(deal, event, "add_time", None, event.at.strftime("%Y-%m-%d %H:%M:%S"))
        for person in persons:
            self._deals_of.setdefault(person.key, []).append(deal)
        if lead is not None:
            self._convert(event, lead, deal)

    def _convert(self, event: Event, lead: Lead, deal: Deal) -> None:
        self._set(lead, event.at, gone_at=event.at)
        deal.origin, deal.source = LEAD_SOURCES[lead.origin][1], lead.source
        deal.lifecycle, deal.origins = lead.lifecycle, (ORIGIN_OPTION[lead.origin],)
        if self.settings.source_lead_ids:
            deal.source_lead = lead.key
        for activity in self._activities_on.pop(lead.key, []):
            self._move(activity, event.at, lead=None, deal=deal.key)

    def _stage_of(self, stage: str, current: int) -> tuple[int, str]:
        if stage in _STAGE_IDS:
            return _STAGE_IDS[stage], "open"
        return current, "won" if stage == "closedwon" else "lost"

    def _day(self, instant: datetime | None) -> date | None:
        return None if instant is None else instant.astimezone(self.zone).date()

    def _deal(self, event: Event) -> Deal | None:
        deal = self.deals.get(deal_id(event.subject))
        return deal if deal is not None and deal.is_live else None

    def _deal_stage_changed(self, event: Event) -> None:
        deal = self._deal(event)
        if deal is None:
            return
        stage, status = self._stage_of(event.data["stage"], deal.stage)
        reason = event.data.get("reason") if status == "lost" else None
        self._note(deal, event, "stage_id", deal.stage, stage)
        self._note(deal, event, "status", deal.status, status)
        self._note(deal, event, "lost_reason", deal.lost_reason, reason)
        quoted = deal.quoted
        if event.data["stage"] == OPEN_STAGES[-1].stage_id and quoted is None and deal.value is not None:
            quoted = deal.value
            self._note(deal, event, DEAL_QUOTED, None, quoted)
        moved: dict[str, Any] = {} if stage == deal.stage else {"stage_changed": event.at}
        self._set(
            deal, event.at, stage=stage, status=status, lost_reason=reason, quoted=quoted,
            won=event.at if status == "won" else None, lost=event.at if status == "lost" else None, **moved,
        )  # fmt: skip

    def _deal_amount_changed(self, event: Event) -> None:
        deal = self._deal(event)
        if deal is not None:
            self._note(deal, event, "value", deal.value, event.data["amount"])
            self._move(deal, event.at, value=event.data["amount"])

    def _deal_close_date_moved(self, event: Event) -> None:
        deal = self._deal(event)
        if deal is not None:
            expected = self._day(event.data["close_date"])
            self._note(deal, event, "expected_close_date", deal.expected, expected)
            self._set(deal, event.at, expected=expected)

    def _deal_owner_changed(self, event: Event) -> None:
        deal = self._deal(event)
        if deal is not None:
            owner = self._user(event.data["owner"])
            self._note(deal, event, "user_id", deal.owner, owner)
            self._set(deal, event.at, owner=owner)

    def _deal_archived(self, event: Event) -> None:
        deal = self._deal(event)
        if deal is None:
            return
        if event.data.get("how", self.settings.archived_as) == "deleted":
            self._note(deal, event, "status", deal.status, "deleted")
            self._set(deal, event.at, gone_at=event.at)
        else:
            self._set(deal, event.at, archived_at=event.at)

    def _deal_restored(self, event: Event) -> None:
        deal = self.deals.get(deal_id(event.subject))
        if deal is not None and (deal.is_live or event.at - DELETED_SHOWN < (deal.gone_at or event.at)):
            if not deal.is_live:
                self._note(deal, event, "status", "deleted", deal.status)
            self._set(deal, event.at, archived_at=None, gone_at=None)

    # --- activities

    def _call_logged(self, event: Event) -> None:
        data = event.data
        milliseconds = int(data.get("duration") or 0)
        outcome = data.get("outcome") or ("connected" if milliseconds >= CALL_IS_TALK_MS else "no_answer")
        if data["direction"] == "in":
            kind = "call_in" if outcome == "connected" else "call_in_missed"
        else:
            kind = "call" if outcome == "connected" else f"call_{outcome}"
        is_done = data.get("status", "COMPLETED") == "COMPLETED"
        done_at = event.at if is_done else None
        self._activity(
            event, "calls", kind if is_done else "call", data["happened_at"], milliseconds // 1000, done_at
        )

    def _email_logged(self, event: Event) -> None:
        data = event.data
        if not data.get("automated"):
            kind = "email" if data["direction"] == "out" else "email_in"
            self._activity(event, "emails", kind, data["happened_at"], 0, event.at)

    def _meeting_booked(self, event: Event) -> None:
        starts_at, ends_at = event.data["starts_at"], event.data["ends_at"]
        seconds = int((ends_at - starts_at).total_seconds())
        self._activity(event, "meetings", "meeting", starts_at, seconds, None)

    def _meeting_outcome(self, event: Event) -> None:
        activity = self.activities.get(activity_id("meetings", event.subject))
        if activity is None:
            return
        outcome = event.data["outcome"]
        if outcome == "CANCELED":
            self._set(activity, event.at, gone_at=event.at)
        elif outcome == "NO_SHOW":
            self._set(activity, event.at, type="meeting_no_show", done_at=event.at)
        elif outcome == "COMPLETED":
            self._set(activity, event.at, type="meeting", done_at=event.at)

    def _activity(
        self, event: Event, kind: str, type_: str, due: datetime, seconds: int, done_at: datetime | None
    ) -> None:
        data = event.data
        person = self._person(data["contact"]) if data.get("contact") else None
        deal = self.deals.get(deal_id(data["deal"])) if data.get("deal") else None
        if deal is not None and not deal.is_live:
            deal = None
        lead = self._current(person) if person is not None and deal is None else None
        activity = Activity(
            key=activity_id(kind, event.subject), owner=self._user(data.get("rep")),
            creator=event.by or self.admin, added=event.at, updated=event.at, kind=kind, type=type_,
            subject=next(name for key, name, _, _ in ACTIVITY_TYPES if key == type_), due=due, seconds=seconds,
            done_at=done_at, persons=(person.key,) if person else (), org=person.org if person else None,
            deal=deal.key if deal else None, lead=lead.key if lead else None,
        )  # fmt: skip
        self.activities[activity.key] = activity
        if person is not None:
            self._activities_of.setdefault(person.key, []).append(activity)
        if lead is not None:
            self._activities_on.setdefault(lead.key, []).append(activity)

    # --- the rest

    def _owner_deactivated(self, event: Event) -> None:
        self.left[event.subject] = event.at

    def _association_added(self, event: Event) -> None:
        self._associate(event, is_added=True)

    def _association_removed(self, event: Event) -> None:
        self._associate(event, is_added=False)

    def _associate(self, event: Event, *, is_added: bool) -> None:
        ends = [(event.data["from_type"], event.subject), (event.data["to_type"], event.data["to_id"])]
        if ends[0][0] == "contacts" or (ends[0][0] == "deals" and ends[1][0] in _ACTIVITY_PLACE):
            ends.reverse()
        (from_type, from_id), (to_type, to_id) = ends
        person = self._person(to_id) if to_type == "contacts" else None
        if from_type == "deals":
            deal = self.deals.get(deal_id(from_id))
            if deal is not None and deal.is_live and person is not None:
                self._participant(event, deal, person, is_added=is_added)
        elif from_type in _ACTIVITY_PLACE:
            activity = self.activities.get(activity_id(from_type, from_id))
            if activity is None or not activity.is_live:
                return
            if to_type == "deals":
                self._set(activity, event.at, deal=deal_id(to_id) if is_added else None)
            elif person is not None:
                self._attendee(event, activity, person, is_added=is_added)

    def _participant(self, event: Event, deal: Deal, person: Person, *, is_added: bool) -> None:
        """A person joins or leaves a deal. Only the loss of its own person is a change of the deal."""
        known = dict(deal.participants)
        if is_added:
            known.setdefault(person.key, event.at)
            deals = self._deals_of.setdefault(person.key, [])
            if deal not in deals:
                deals.append(deal)
        else:
            known.pop(person.key, None)
        self._set(deal, event.at, is_silent=True, participants=tuple(known.items()))
        if not is_added and deal.person == person.key:
            self._note(deal, event, "person_id", deal.person, None)
            self._set(deal, event.at, person=None)

    def _attendee(self, event: Event, activity: Activity, person: Person, *, is_added: bool) -> None:
        persons = [one for one in activity.persons if one != person.key]
        if is_added:
            persons.append(person.key)
            self._activities_of.setdefault(person.key, []).append(activity)
        else:
            kept = [one for one in self._activities_of.get(person.key, []) if one is not activity]
            self._activities_of[person.key] = kept
        if activity.lead is not None:
            kept = [one for one in self._activities_on.get(activity.lead, []) if one is not activity]
            self._activities_on[activity.lead] = kept
        lead = None
        if persons and activity.deal is None:
            lead = self._current(self.persons[persons[0]])
        if lead is not None:
            self._activities_on.setdefault(lead.key, []).append(activity)
        self._set(activity, event.at, persons=tuple(persons), lead=lead.key if lead else None)


def _replaced(
    pairs: Iterable[tuple[str, datetime]], old: str, new: str | None
) -> tuple[tuple[str, datetime], ...]:
    """The persons with one in place of another, none of them twice."""
    kept: dict[str, datetime] = {}
    for person, since in pairs:
        name = new if person == old else person
        if name is not None:
            kept.setdefault(name, since)
    return tuple(kept.items())
