"""How Odoo differs from what one would expect; each function says where that is written and who proves it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from datetime import UTC, datetime
from typing import Any

from leadrole.crm.client import Refusal
from leadrole.crm.odoo.endpoints import BOOLEANS, HASHED
from leadrole.crm.spec import Endpoint
from leadrole.errors import SourceContractError
from leadrole.privacy import domain_key, email_key

NEW_KEY = (
    "make a new API key in Odoo (your user > Preferences > Account Security) and put it in the variable that "
    "token_env names; a key belongs to one user of one database"
)
LIMITED_SECONDS = 5.0
# Exceptions that the same call raises again, however often.
FAULTS_OF_OURS = frozenset(
    {"UserError", "ValidationError", "MissingError", "ValueError", "TypeError", "KeyError", "AttributeError"}
)


def explain(status: int, body: Any) -> Refusal | None:
    """What a refusal means; None for an answer.

    Over JSON-RPC every refusal is a 200 with `error`; JSON-2 has statuses, and a body of the same words without
    an envelope (recorded on Odoo 17 and 19). An unknown field is a 500 there, which no retry cures. Both carry a
    traceback in `debug`, which is not looked at. Proved by test_extract_odoo.
    """
    error = _error(status, body)
    if error is None:
        return None
    name = str(error.get("name") or "").rsplit(".", 1)[-1]
    said = " ".join(str(error.get("message") or "").split())
    unknown = _unknown_field(said)
    if unknown:
        raise SourceContractError(
            unknown,
            next_step="update Leadrole, or undo the change of Odoo that took the field away",
        )
    if status in (401, 407) or name in ("AccessDenied", "Unauthorized", "SessionExpiredException"):
        return Refusal("key", f"Odoo refuses the key ({status} {name})", next_step=NEW_KEY)
    if status == 403 or name in ("AccessError", "Forbidden"):
        # The text of an AccessError names people and records; the model in it is all that helps.
        return Refusal(
            "scope",
            f"the key's user has no right to read {_model(said) or 'this'}",
            next_step="use the key of a user with that right; an administrator's reads everything",
        )
    if status == 429 or name == "TooManyRequests":
        return Refusal("limit", "Odoo limits the calls", wait=LIMITED_SECONDS)
    if name in ("NotFound", "UserError") and (lacks := _lacks(said)):
        return Refusal("scope", lacks, next_step="install that app in Odoo, or update Leadrole")
    if "database" in said and "does not exist" in said:
        return Refusal("fatal", "Odoo has no such database", next_step="correct database in the config")
    if status == 404 and not name:
        return Refusal(
            "fatal",
            "there is no such address (404): Odoo before version 19 does not speak JSON-2",
            next_step="write protocol: jsonrpc in the config, or correct base_url and database",
        )
    if status in (400, 404, 422) or name in FAULTS_OF_OURS:
        return Refusal(
            "fatal", f"Odoo refuses the call ({status} {name})", next_step="report this message to Leadrole"
        )
    return Refusal("broken", f"Odoo is broken at the moment ({status}{f' {name}' if name else ''})")


def _error(status: int, body: Any) -> Mapping[str, Any] | None:
    """The part of an answer that says what is wrong; None if nothing is."""
    if isinstance(body, dict) and "jsonrpc" in body and body.get("error"):
        error = body["error"]
        data = error.get("data") if isinstance(error, dict) else None
        return data if isinstance(data, dict) else {}
    if 200 <= status < 300:
        return None
    return body if isinstance(body, dict) else {}


def _unknown_field(said: str) -> str | None:
    """What Odoo says of a field that it does not have: among the fields asked for (17, 19) or in a condition."""
    found = re.match(r"Invalid field '(\w+)' on (?:model )?'([\w.]+)'", said)
    if found:
        return f"Odoo's {found[2]} has no field {found[1]}"
    found = re.match(r"Invalid field ([\w.]+)\.(\w+) in (?:leaf|condition)", said)
    return f"Odoo's {found[1]} has no field {found[2]}" if found else None


def _model(said: str) -> str | None:
    found = re.search(r"\(([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)\)", said)
    return found[1] if found else None


def _lacks(said: str) -> str | None:
    """What an Odoo without the app, or of another version, says of a model or a method."""
    found = re.fullmatch(
        r"(?:the model '([\w.]+)' does not exist|Object ([\w.]+) doesn't exist|The method '([\w.]+)' does not exist)\.?",
        said,
    )
    return f"Odoo has no {found[1] or found[2] or found[3]}" if found else None


def text(name: str, value: Any) -> str | None:
    """A value as text.

    `false` is Odoo's empty value of every type; a link to one record comes as `[id, label]`, of which the id is
    kept: the label is a name, in whatever language. Proved by test_extract_odoo.
    """
    if value is None or (value is False and name not in BOOLEANS):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str | bool):
        return str(value[0])
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def landed(record: Mapping[str, Any], endpoint: Endpoint, key: bytes) -> dict[str, Any]:
    """The record as it is landed, with nothing but what was asked for, and of an address its pseudonyms.

    Each form makes a lead of its own, and a customer is made only when one is converted: the address is all
    that says that two leads are one person. Odoo tells moments in UTC without saying so. Proved by
    test_extract_odoo.
    """
    values = {name: text(name, record.get(HASHED.get(name, name))) for name in endpoint.fields}
    for name in HASHED.keys() & values.keys():
        address = values[name]
        pseudonym = domain_key if name == "email_domain_key" else email_key
        values[name] = pseudonym(key, address) if address else None
    stamp = text("write_date", record.get("write_date"))
    return {
        "id": str(record["id"]),
        "updatedAt": f"{stamp.replace(' ', 'T')}Z" if stamp else None,
        "fields": values,
        "archived": False,  # its archive is a field of ours (active), and what is deleted is gone
    }


def moment(at: datetime) -> str:
    """A moment as a condition wants it.

    Seconds are told and microseconds kept: both ends are cut to whole seconds, so that neighbouring windows
    meet. Measured on Odoo 17; proved by test_extract_odoo.
    """
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def asked(endpoint: Endpoint, known: Set[str]) -> list[str]:
    """The fields to ask for: those that this version has, and the key's user may see.

    One unknown field would fail the whole call. Proved by test_extract_odoo.
    """
    wanted = names(endpoint)
    lost = [name for name in wanted if name not in known and name not in endpoint.may_lack]
    if lost:
        raise SourceContractError(
            f"Odoo's {endpoint.type} has no field {', '.join(lost)}, which the marts need",
            next_step="give the key's user the right to see it, or update Leadrole",
        )
    return [name for name in wanted if name in known]


def names(endpoint: Endpoint) -> list[str]:
    """Odoo's names of an endpoint's fields."""
    return list(dict.fromkeys(HASHED.get(name, name) for name in endpoint.fields))
