"""Ids in the vendor's form: fifteen characters that know upper from lower case, and three that check them."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from leadrole.sandbox.salesforce.schema import PREFIXES

# In the order in which the vendor sorts ids.
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "5g0"
_WIDTH = 9


@lru_cache(maxsize=200_000)
def make_id(prefix: str, number: int) -> str:
    """Make an id of 18 characters from a number."""
    digits = ""
    for _ in range(_WIDTH):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    if number:
        raise ValueError("a number too large for an id")
    return lengthen(prefix + _POD + digits)


def lengthen(short: str) -> str:
    """Give the form of 18 characters of an id of 15; each of the last three says which of five are capitals."""
    checks = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, sign in enumerate(short[start : start + 5]) if sign.isupper())
        checks += _CHECKS[bits]
    return short + checks


def number_of(text: str, most: int = 62**_WIDTH) -> int:
    """Give a number below `most` that is always the same for a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) % most


def _from_log(object_type: str, log_id: str) -> str:
    number = int(log_id) if log_id.isdecimal() else number_of(log_id)
    return make_id(PREFIXES[object_type], number)


def lead_id(contact: str) -> str:
    """Give the id of the lead that the log's contact became."""
    return _from_log("Lead", contact)


def contact_id(contact: str) -> str:
    """Give the id of the contact that the lead of the log's contact is converted into."""
    return _from_log("Contact", contact)


def account_id(contact: str) -> str:
    """Give the id of the account that is made with that contact."""
    return _from_log("Account", contact)


def opportunity_id(deal: str) -> str:
    """Give the id of the opportunity of the log's deal."""
    return _from_log("Opportunity", deal)


def task_id(activity: str) -> str:
    """Give the id of the task of the log's call or e-mail."""
    return _from_log("Task", activity)


def event_id(meeting: str) -> str:
    """Give the id of the event of the log's meeting."""
    return _from_log("Event", meeting)


def user_id(owner: str) -> str:
    """Give the id of the user of the log's owner."""
    return _from_log("User", owner)


def group_id(owner: str) -> str:
    """Give the id of the queue of the log's owner that is one."""
    return _from_log("Group", owner)


def contact_role_id(deal: str, contact: str, number: int = 1) -> str:
    """Give the id of the n-th role of a contact on an opportunity; both are ids of the log."""
    return make_id(PREFIXES["OpportunityContactRole"], number_of(f"{deal}:{contact}:{number}"))


AUTOMATED_ID = make_id(PREFIXES["User"], number_of("automated process"))
UNASSIGNED_ID = make_id(PREFIXES["Group"], number_of("unassigned"))
ORGANIZATION_ID = make_id(PREFIXES["Organization"], number_of("organization"))
