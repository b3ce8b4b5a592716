"""How Pipedrive differs from what one would expect; each function says where that is written and who proves it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from leadrole.crm.client import SAME_LATER, Refusal
from leadrole.crm.pipedrive.endpoints import CHANGE_KEYS, DEAREST, TOKENS
from leadrole.crm.spec import Endpoint

NEW_TOKEN = (
    "take a token in Pipedrive (Personal preferences > API) of a user who sees everything, "
    "and put it in the variable that token_env names"
)
CONNECT_AGAIN = "connect Leadrole to Pipedrive again and put the new refresh token in its variable"
GONE = "Pipedrive has no such record or path (404)"
BAD_CURSOR = "Pipedrive no longer takes the mark where its list was left"
SHUT_OUT = "Pipedrive's gatekeeper has shut the whole company out of the API (403)"
SHUT_OUT_FOR = timedelta(minutes=15)
BURST_SECONDS = 2.0
# The gatekeeper comes after some ten refusals in a minute; we are gone long before.
MAX_REFUSALS = 5


def cost(method: str, path: str) -> int:
    """The tokens of a call (OpenAPI document, `x-token-cost`): by path, whatever it brings.

    No header tells what is left of the day, so we count. Proved by test_extract_pipedrive.
    """
    return next((tokens for pattern, tokens in TOKENS if re.fullmatch(pattern, path)), DEAREST)


def _shut_out() -> Refusal:
    return Refusal(
        "quota",
        SHUT_OUT,
        next_step="run again in 15 minutes and not before: each call makes it longer. Find the program that "
        "keeps calling although Pipedrive says 429",
    )


def explain(status: int, body: Any) -> Refusal | None:
    """What a refusal means; None for an answer.

    OpenAPI document, `BaseResponse`, and airbyte's and singer's connectors for what is not in there: a 403 in
    HTML is Cloudflare's and meant for the whole company, one in JSON is a missing scope. Proved by
    test_extract_pipedrive.
    """
    error = body if isinstance(body, dict) else {}
    if 200 <= status < 300 and error.get("success") is not False:
        return None
    said = _short(error.get("error"))
    if status == 401 or error.get("errorCode") == 401:
        return Refusal("key", f"Pipedrive refuses the token ({status}{said})", next_step=NEW_TOKEN)
    if status == 402:
        return Refusal(
            "fatal",
            "the Pipedrive account is not paid, so its API is closed (402)",
            next_step="pay or re-open the account in Pipedrive; the last publication stays until then",
        )
    if status == 403 and body is None:
        return _shut_out()
    if status == 403:
        return Refusal(
            "scope",
            f"the token may not read this ({status}{said})",
            next_step="give the app the scopes deals:read, leads:read, contacts:read, activities:read, users:read, "
            "recents:read and base, and connect it again; or use the token of an admin",
        )
    if status == 404:
        return Refusal("fatal", GONE, next_step="report this message to Leadrole")
    if status == 400 and "cursor" in said.lower():
        return Refusal("fatal", BAD_CURSOR, next_step="run again; the list is then read from its start")
    if status == 410:
        return Refusal(
            "fatal",
            "Pipedrive has closed this part of its API for good (410)",
            next_step="update Leadrole to a version that no longer needs it",
        )
    if status == 429:
        return Refusal("limit", "Pipedrive limits the calls", wait=BURST_SECONDS)
    if status >= 500:
        return Refusal("broken", f"Pipedrive is broken at the moment ({status})")
    return Refusal(
        "fatal", f"Pipedrive refuses the call ({status}{said})", next_step="report this message to Leadrole"
    )


def explain_grant(status: int, body: Any) -> Refusal | None:
    """What a refused renewal means: `invalid_grant` is a refresh token that was used, or 60 days old, or revoked.

    OAuth documentation, "Refreshing the tokens". Proved by test_extract_pipedrive.
    """
    error = body if isinstance(body, dict) else {}
    if 200 <= status < 300 and error.get("access_token"):
        return None
    if status == 403 and body is None:
        return _shut_out()
    if status >= 500:
        return Refusal("broken", f"Pipedrive's login is broken at the moment ({status})")
    if status == 429:
        return Refusal("limit", "Pipedrive limits the logins", wait=10.0)
    if error.get("error") == "invalid_client":
        return Refusal(
            "key",
            "Pipedrive refuses the app (invalid_client)",
            next_step="check client_id and the client secret in its variable",
        )
    return Refusal(
        "key",
        f"Pipedrive refuses the refresh token ({status}{_short(error.get('error'))})",
        next_step=CONNECT_AGAIN,
    )


class Limits:
    """What the headers of a 429 say: nothing left of the burst, or else of the day.

    There is no Retry-After, and the body is the same for both (code of singer-io/tap-pipedrive). The wait
    doubles, as hammering is what gets a company shut out. Proved by test_extract_pipedrive.
    """

    def __init__(self) -> None:
        self._refusals = 0

    def __call__(self, status: int, headers: Mapping[str, str]) -> Refusal | None:
        """The refusal, where the headers can tell."""
        if status != 429:
            self._refusals = 0
            return None
        self._refusals += 1
        left = headers.get("x-ratelimit-remaining", "").strip()
        if left.isdecimal() and int(left) >= 1:
            return Refusal(
                "quota",
                "Pipedrive's tokens of this day are used up; this night is incomplete",
                next_step="run again tomorrow: a first load goes on where it stopped; or find the program that uses "
                "them up (Pipedrive: Company settings > API usage)",
            )
        if self._refusals > MAX_REFUSALS:
            return Refusal(
                "quota",
                f"Pipedrive still limits the calls after {MAX_REFUSALS} tries",
                next_step=SAME_LATER,
            )
        reset = headers.get("x-ratelimit-reset", "").strip()
        wait = float(reset) if re.fullmatch(r"\d{1,2}([.]\d+)?", reset) else BURST_SECONDS
        return Refusal(
            "limit",
            "Pipedrive limits the calls a second",
            wait=max(wait, BURST_SECONDS) * 2.0 ** (self._refusals - 1),
        )


def basic(client_id: str, secret: str) -> str:
    """The header with which an app shows who it is when it renews (OAuth documentation)."""
    return f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"


def text(value: Any) -> str | None:
    """A value as text: booleans in lower case, numbers as they came, the rest as compact JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def trimmed(
    record: Mapping[str, Any],
    endpoint: Endpoint,
    *,
    custom: Mapping[str, str] | None = None,
    archived: bool = False,
) -> dict[str, Any]:
    """The record with nothing but what is on the list; a field that is not there is null.

    Names, addresses and titles come along unasked. `custom` names the keys of the company's own fields: version 2
    has them under `custom_fields`, version 1 at the root. Proved by test_extract_pipedrive.
    """
    own = record.get("custom_fields")
    own = own if isinstance(own, dict) else record
    values = {name: record.get(name) for name in endpoint.fields}
    for name, key in (custom or {}).items():
        if name in values:
            values[name] = own.get(key)
    for name in ("person_id", "org_id", "organization_id", "owner_id", "user_id"):
        value = values.get(name)
        if isinstance(value, dict):
            values[name] = value.get("value", value.get("id"))
    if "participants" in values:
        values["participants"] = _participants(values["participants"])
    kept: dict[str, Any] = {
        "id": str(record["id"]),
        "updatedAt": text(record.get("update_time")),
        "fields": {name: text(value) for name, value in values.items()},
        "archived": archived or record.get("is_deleted") is True or record.get("status") == "deleted",
    }
    if kept["archived"]:
        # Deleting is the last thing that happens to a record.
        kept["archivedAt"] = kept["updatedAt"]
    if endpoint.history:
        kept["history"] = {
            name: [_seen(kept["fields"][name], kept["updatedAt"])] for name in endpoint.history
        }
    return kept


def _seen(value: str | None, at: str | None) -> dict[str, Any]:
    return {"value": value, "timestamp": at, "sourceType": "SEEN", "changedBy": None}


def _participants(found: Any) -> list[dict[str, Any]] | None:
    if not isinstance(found, list):
        return None
    return [
        {"person_id": item.get("person_id"), "primary": item.get("primary")}
        for item in found
        if isinstance(item, dict)
    ]


def participant(record: Mapping[str, Any]) -> dict[str, str] | None:
    """A person of a deal, the main one among them, as a link; the person comes as an object (recorded traffic).

    Proved by test_extract_pipedrive.
    """
    person = record.get("person_id")
    number = person.get("value") if isinstance(person, dict) else person
    return None if number is None else {"id": str(number), "type": "participant"}


def is_alone(fields: Mapping[str, str | None]) -> bool:
    """Whether a deal has nobody but its main person: the count has that one in it. Untold, there may be others."""
    count = fields.get("participants_count")
    return count is not None and count.isdecimal() and int(count) <= (fields.get("person_id") is not None)


def fingerprint(fields: Iterable[str | None]) -> str:
    """A record's fields as one short text, to tell whether any of them differs; null and empty are one."""
    joined = "\x1f".join(value or "" for value in fields)
    return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest()


def change(entry: Mapping[str, Any], endpoint: Endpoint) -> dict[str, Any] | None:
    """One entry of a deal's flow; None if it is something else, or of a field that is not followed.

    The flow gives an id to each change, the changelog does not (OpenAPI document). Proved by
    test_extract_pipedrive.
    """
    data = entry.get("data")
    if entry.get("object") != "dealChange" or not isinstance(data, dict) or "id" not in data:
        return None
    if data.get("field_key") not in CHANGE_KEYS:
        return None
    return {
        "id": str(data["id"]),
        "updatedAt": text(data.get("log_time")),
        "fields": {name: text(data.get(name)) for name in endpoint.fields},
        "archived": False,
    }


def reference(record: Mapping[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """An entry of a short list. Sources of leads have a name and no id (OpenAPI document)."""
    return {
        "id": str(record.get("id", record.get("name"))),
        "updatedAt": text(record.get("update_time") or record.get("modified")),
        "fields": {name: text(record.get(name)) for name in endpoint.fields},
    }


def options(field: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options of one field. Records hold their ids; labels are renamed and options removed at any time."""
    code = str(field.get("field_code"))
    return [
        {
            "id": f"{code}/{option.get('id')}",
            "updatedAt": None,
            "fields": {
                "field_code": code,
                "option_id": text(option.get("id")),
                "label": text(option.get("label")),
            },
        }
        for option in field.get("options") or []
        if isinstance(option, dict)
    ]


def next_cursor(body: Mapping[str, Any]) -> str | None:
    """Where a list of version 2 goes on; at its end `additional_data` may be null or missing (code of airbyte)."""
    more = body.get("additional_data")
    found = more.get("next_cursor") if isinstance(more, dict) else None
    return str(found) if found else None


def has_more(body: Mapping[str, Any], rows: int, limit: int) -> bool:
    """Whether a list of version 1 goes on: it says so flat, under `pagination`, or not at all (code of airbyte)."""
    told = None
    more = body.get("additional_data")
    if isinstance(more, dict):
        nested = more.get("pagination")
        place = nested if isinstance(nested, dict) else more
        told = place.get("more_items_in_collection")
    return bool(told) if told is not None else rows >= limit


def _short(message: object) -> str:
    return f", {str(message)[:160]}" if message else ""
