"""What this company set up in its Odoo, the ids its records get there, and the settings of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from leadrole.sandbox.log import STAGES

BOT, ADMIN = 1, 2
BOT_PARTNER, ADMIN_PARTNER = 2, 3
TEAM = 1
NOTE_LIMIT = 64
CALL_IS_TALK_MS = 60_000

LEAD_STAGES = ("Nieuw", "In behandeling", "Contact gehad", "Gekwalificeerd")
NEW, WORKING, CONNECTED, QUALIFIED = range(1, 5)
OPEN_STAGES = tuple(stage for stage in STAGES if not stage.is_closed)
DEAL_STAGES = {stage.stage_id: number for number, stage in enumerate(OPEN_STAGES, QUALIFIED + 1)}
WON = QUALIFIED + len(OPEN_STAGES) + 1
STATUS_STAGES = {"NEW": NEW, "OPEN": NEW, "IN_PROGRESS": WORKING, "CONNECTED": CONNECTED}
PROBABILITIES = {NEW: 5.0, WORKING: 7.5, CONNECTED: 10.0, QUALIFIED: 15.0, WON: 100.0} | {
    DEAL_STAGES[stage.stage_id]: round(float(stage.probability) * 100, 2) for stage in OPEN_STAGES
}
QUALIFIED_LIFECYCLES = frozenset({"salesqualifiedlead", "opportunity", "customer"})
# lead status -> the reason a lead is lost for
STATUS_REASONS = {"UNQUALIFIED": "Niet gekwalificeerd", "BAD_TIMING": "Slechte timing"}
SOURCES = {
    "ORGANIC_SEARCH": (1, "Search engine"),
    "PAID_SEARCH": (2, "Paid search"),
    "SOCIAL_MEDIA": (3, "Social media"),
    "REFERRALS": (4, "Referrals"),
    "EMAIL_MARKETING": (5, "Newsletter"),
    "DIRECT_TRAFFIC": (6, "Direct traffic"),
    "OFFLINE": (7, "Offline"),
}
WEBSITE, IMPORT = 1, 2
MEDIUMS = {WEBSITE: "Website", IMPORT: "Import"}
TAGS = {"newbusiness": (1, "New business"), "existingbusiness": (2, "Existing business")}
# Euros are the company's currency; one euro is so many of the others.
RATES = {"EUR": 1.0, "USD": 1.09, "GBP": 0.86}
CURRENCIES = {"EUR": (126, "€"), "USD": (1, "$"), "GBP": (142, "£")}
# id: name, category, icon
ACTIVITY_TYPES = {
    1: ("Email", "default", "fa-envelope"),
    2: ("Call", "phonecall", "fa-phone"),
    3: ("Meeting", "meeting", "fa-users"),
    4: ("To-Do", "default", "fa-check"),
    5: ("Upload Document", "upload_file", "fa-upload"),
    6: ("Call, no answer", "phonecall", "fa-phone"),
    7: ("Call, voicemail", "phonecall", "fa-phone"),
    8: ("Call, busy", "phonecall", "fa-phone"),
    9: ("Call, wrong number", "phonecall", "fa-phone"),
    10: ("Call, message left", "phonecall", "fa-phone"),
    11: ("Call received", "phonecall", "fa-phone"),
    12: ("Call received, missed", "phonecall", "fa-phone"),
}
CALL_TYPES = {"no_answer": 6, "voicemail": 7, "busy": 8, "wrong_number": 9, "live_message": 10}
CALL, MEETING, TO_DO, CALL_IN, CALL_IN_MISSED = 2, 3, 4, 11, 12
# id: name, internal, model
SUBTYPES = {
    1: ("Discussions", False, None),
    2: ("Note", True, None),
    3: ("Activities", True, None),
    4: ("Meeting", True, "crm.lead"),
    5: ("Opportunity Created", False, "crm.lead"),
    6: ("Stage Changed", False, "crm.lead"),
    7: ("Opportunity Won", False, "crm.lead"),
    8: ("Opportunity Lost", False, "crm.lead"),
    9: ("Opportunity Restored", False, "crm.lead"),
}
DISCUSSION, NOTE, ACTIVITIES, CREATED = 1, 2, 3, 5
STAGE_CHANGED, LEAD_WON, LEAD_LOST, RESTORED = 6, 7, 8, 9
# In the order in which one write's values are numbered.
TRACKED = {
    17: ("type", "stage_id", "user_id", "partner_id", "expected_revenue", "lost_reason_id", "active"),
    19: (
        "type", "stage_id", "user_id", "partner_id", "expected_revenue", "active", "lost_reason_id", "won_status",
    ),
}  # fmt: skip
MESSAGE_KINDS = ("calls", "emails", "meetings", "tasks", "communications", "notes")


def lead_id(contact: str) -> str:
    """Give the id of the lead that was made for a contact. Turned into an opportunity it keeps it."""
    return str(int(contact) * 3)


def opportunity_id(deal: str) -> str:
    """Give the id of a deal that got a row of its own. `opportunities` tells which row holds a deal."""
    return str(int(deal) * 3 + 1)


def form_lead_id(place: int) -> str:
    """Give the id of the lead that a known contact's form made; `place` is the event's in the log."""
    return str(place * 3 + 2)


def user_id(owner: str) -> str:
    """Give the id of an owner's user; the queue is none, its leads have no salesperson."""
    return owner


def user_partner_id(owner: str) -> str:
    """Give the id of the partner that an owner's messages name as author."""
    return str(int(owner) * 2)


def contact_partner_id(contact: str) -> str:
    """Give the id of the partner that is made when a contact's lead becomes an opportunity."""
    return str(int(contact) * 2 + 1)


def message_id(kind: str, activity: str) -> str:
    """Give the id of the message a call, e-mail or note is, or that a meeting or task leaves when it is done."""
    return str(int(activity) * 8 + MESSAGE_KINDS.index(kind))


def event_id(meeting: str) -> str:
    """Give the id of a meeting in the calendar."""
    return str(int(meeting))


def activity_id(kind: str, activity: str) -> str:
    """Give the id of the planned activity of a meeting or a task."""
    return str(int(activity) * 2 + ("meetings", "tasks").index(kind))


def stage_id(stage: str) -> str:
    """Give the id of a deal's stage; lost is none, a lost deal stays in the stage it was in."""
    return str(WON if stage == "closedwon" else DEAL_STAGES[stage])


def lead_stage_id(status: str) -> str:
    """Give the id of the stage for a lead status, or for a lifecycle stage that is qualified."""
    return str(QUALIFIED if status in QUALIFIED_LIFECYCLES else STATUS_STAGES[status])


@dataclass(frozen=True, slots=True)
class Settings:
    """How this database differs from the next one."""

    version: int = 17
    database: str = "leadrole"
    has_many_databases: bool = False  # then a call must name one
    login: str = "admin"
    is_admin: bool = True  # whether the key is an administrator's: nobody else reads tracking values
    # what it remembers
    tracks_imports: bool = False
    tracked_since: datetime | None = None  # nothing was tracked before; the rows were brought over then
    # transactions
    bulk_seconds: int = 0  # the longest that a transaction lasts; imports are one transaction then
    seed: int = 0
    # Online refuses calls beyond so many in so many seconds
    throttle_calls: int = 60
    throttle_seconds: float = 60.0
    retry_after: str | None = None
    # the company
    zone: str = "Europe/Amsterdam"

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Make settings of keyword arguments."""
        unknown = sorted(set(given) - {one.name for one in fields(cls)})
        if unknown:
            raise TypeError(f"Odoo's sandbox knows no setting {', '.join(unknown)}")
        settings = cls(**given)
        if settings.version not in TRACKED:
            raise ValueError("Odoo's sandbox speaks version 17 or 19")
        return settings
