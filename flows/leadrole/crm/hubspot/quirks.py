"""How HubSpot differs from what one would expect; each function says where that is written and who proves it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from datetime import UTC
from typing import Any

from leadrole.crm.client import Refusal
from leadrole.crm.spec import Endpoint
from leadrole.crm.windows import Window
from leadrole.errors import SourceUnavailableError

NEW_KEY = "make a new service key in HubSpot (Settings > Integrations) and put it in the variable that token_env names"
USER = "userId:"
CHECK_APP = "check the app's id and secret in the variables that client_id_env and client_secret_env name"
CONNECT_AGAIN = "install the app in HubSpot again and put the new refresh token in the variable that refresh_token_env names"
LOCKED_SECONDS = 2.0
SECOND = len("2026-03-01T12:00:00")  # what all forms of a moment in text have in common
MIGRATION_SECONDS = 60.0


def explain(status: int, body: Any) -> Refusal | None:
    """What a refusal means; None for an answer.

    HubSpot docs "Usage guidelines" and "Error handling": 429 names a policy and often no Retry-After; 423 is a
    lock, 477 a migration; 530 comes from the edge for a malformed key. Proved by test_client.
    """
    if status == 204 or (200 <= status < 300 and body is None):
        return Refusal("fatal", "HubSpot sent an empty answer")
    error = body if isinstance(body, dict) else {}
    if 200 <= status < 300 and error.get("status") != "error":
        return None
    said = _short(error.get("message"))
    category = str(error.get("category") or error.get("errorType") or "")
    if status in (401, 530) or category in ("INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION"):
        return Refusal("key", f"HubSpot refuses the key ({status}{said})", next_step=NEW_KEY)
    if status == 403 or category == "MISSING_SCOPES":
        scopes = _scopes(error)
        if scopes:
            message = f"the key lacks the scope {' or '.join(scopes)}"
            return Refusal(
                "scope", message, next_step="tick that scope on the service key in HubSpot and run again"
            )
        return Refusal("scope", f"HubSpot forbids this call ({status}{said})", next_step=NEW_KEY)
    if status == 429 or category in ("RATE_LIMITS", "RATE_LIMIT"):
        return _limit(error)
    if status == 423:
        return Refusal("wait", f"HubSpot has locked the records ({status})", wait=LOCKED_SECONDS)
    if status == 477:
        return Refusal("wait", f"HubSpot is moving the account ({status})", wait=MIGRATION_SECONDS)
    if status >= 500:
        return Refusal("broken", f"HubSpot is broken at the moment ({status})")
    return Refusal(
        "fatal", f"HubSpot refuses the call ({status}{said})", next_step="report this message to Leadrole"
    )


def explain_grant(status: int, body: Any) -> Refusal | None:
    """What a refused access token means: a refresh token that was used or revoked, or another app's secret.

    OAuth guide, "Refresh an access token"; refusals are 400 with `error` beside HubSpot's own `status`. Proved by
    test_extract_hubspot.
    """
    grant = body if isinstance(body, dict) else {}
    token = grant.get("access_token")
    if 200 <= status < 300 and isinstance(token, str):
        if re.fullmatch(r"[!-~]+", token):
            return None
        return Refusal("fatal", "HubSpot sent an access token that can't stand in a header")
    if status == 429:
        return _limit(grant)
    if status >= 500:
        return Refusal("broken", f"HubSpot's login is broken at the moment ({status})")
    reason = str(grant.get("status") or grant.get("error") or "")
    told = reason if re.fullmatch(r"[\w.-]{1,60}", reason) else "no reason given"
    if "CLIENT" in told.upper():
        return Refusal("key", f"HubSpot refuses the app ({status}, {told})", next_step=CHECK_APP)
    return Refusal("key", f"HubSpot refuses the refresh token ({status}, {told})", next_step=CONNECT_AGAIN)


def _limit(error: Mapping[str, Any]) -> Refusal:
    policy = str(error.get("policyName") or "").upper()
    message = str(error.get("message") or "").lower()
    if policy == "DAILY" or "daily limit" in message:
        return Refusal(
            "quota",
            "HubSpot's daily limit of calls is used up; this night is incomplete",
            next_step="run again after midnight in the account's time zone, or find the program that uses the limit up",
        )
    if policy.startswith("SECONDLY") or "secondly limit" in message.replace("ten_secondly", ""):
        return Refusal("limit", "HubSpot limits the calls a second", wait=1.0)
    return Refusal("limit", "HubSpot limits the calls", wait=10.0)


def _scopes(error: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for entry in [error, *(error.get("errors") or [])]:
        context = entry.get("context") if isinstance(entry, dict) else None
        if isinstance(context, dict):
            for key in ("requiredGranularScopes", "requiredScopes"):
                found += [str(scope) for scope in context.get(key) or []]
    return sorted({scope for scope in found if re.fullmatch(r"[\w.:-]{1,80}", scope)})


def _short(message: object) -> str:
    return f", {str(message)[:160]}" if message else ""


def trimmed(record: Mapping[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """The record with nothing but what was asked for.

    HubSpot adds properties that nobody named (hs_object_id, and whatever a portal forces); what is not on the
    list is not kept, not even in landing. Proved by test_extract_hubspot.
    """
    properties = record.get("properties") or {}
    kept: dict[str, Any] = {
        "id": str(record["id"]),
        "properties": {name: properties.get(name) for name in endpoint.fields},
        "createdAt": record.get("createdAt"),
        "updatedAt": record.get("updatedAt"),
        "archived": bool(record.get("archived", False)),
    }
    if record.get("archivedAt"):
        kept["archivedAt"] = record["archivedAt"]
    history = record.get("propertiesWithHistory")
    if endpoint.history and history is not None:
        kept["propertiesWithHistory"] = {
            name: [_entry(entry) for entry in history.get(name) or []] for name in endpoint.history
        }
    return kept


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "value": entry.get("value"),
        "timestamp": entry.get("timestamp"),
        "sourceType": entry.get("sourceType"),
        "changedBy": changed_by(entry),
    }


def changed_by(entry: Mapping[str, Any]) -> str | None:
    """The userId of who changed a value, or None for a program.

    It stands in updatedByUserId, or as `userId:123` in sourceId (hubspot-api-nodejs#154). It is not the owner's
    id: owners carry both. Proved by test_extract_hubspot.
    """
    return user(entry.get("updatedByUserId"), entry.get("sourceId"))


def user(direct: object, source: object) -> str | None:
    """The same of the two fields by themselves."""
    if direct is not None and str(direct).isdecimal():
        return str(direct)
    number = source[len(USER) :] if isinstance(source, str) and source.startswith(USER) else ""
    return number if number.isdecimal() else None


def owner(record: Mapping[str, Any]) -> dict[str, Any]:
    """An owner without the e-mail address, which nobody needs.

    userId is null once a person is deactivated; userIdIncludingInactive then still holds it (owners API).
    """
    user = record.get("userId") or record.get("userIdIncludingInactive")
    return {
        "id": str(record["id"]),
        "updatedAt": record.get("updatedAt"),
        "fields": {
            "type": record.get("type"),
            "first_name": record.get("firstName"),
            "last_name": record.get("lastName"),
            "user_id": None if user is None else str(user),
            "archived": str(bool(record.get("archived", False))).lower(),
        },
    }


def stages(pipeline: Mapping[str, Any], endpoint: Endpoint) -> list[dict[str, Any]]:
    """A pipeline's stages, each with what the endpoint asks for.

    metadata values are strings, and a stage's id says nothing: a portal has an open stage with id closedlost.
    """
    rows = []
    for stage in pipeline.get("stages") or []:
        metadata = stage.get("metadata") or {}
        known = {
            "pipeline_id": str(pipeline["id"]),
            "pipeline_label": pipeline.get("label"),
            "stage_id": str(stage["id"]),
            "label": stage.get("label"),
            "display_order": _text(stage.get("displayOrder")),
            "is_closed": _text(metadata.get("isClosed")),
            "probability": _text(metadata.get("probability")),
            "archived": str(bool(stage.get("archived") or pipeline.get("archived"))).lower(),
        }
        rows.append(
            {
                "id": f"{pipeline['id']}/{stage['id']}",
                "updatedAt": stage.get("updatedAt"),
                "fields": {name: known[name] for name in endpoint.fields},
            }
        )
    return rows


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def links(
    body: Mapping[str, Any], asked: Iterable[str]
) -> tuple[dict[str, list[dict[str, str]]], dict[str, str]]:
    """Links by parent, and where the next page of a parent starts.

    Parents without a link are left out or named in `errors` of a 207 (associations v4 guide). Any other error
    means that a parent's links are unknown, and half a graph is worse than none. Proved by test_extract_hubspot.
    """
    found: dict[str, list[dict[str, str]]] = {parent: [] for parent in asked}
    following: dict[str, str] = {}
    failed = [error for error in body.get("errors") or [] if not _is_no_link(error)]
    if failed or (body.get("numErrors") and not body.get("errors")):
        said = _short(failed[0].get("message")) if failed and isinstance(failed[0], dict) else ""
        raise SourceUnavailableError(
            f"HubSpot gave the links of only part of the records ({len(failed) or body['numErrors']} failed{said})",
            next_step="run again later; a partial night is never published",
        )
    for result in body.get("results") or []:
        parent = str((result.get("from") or {}).get("id"))
        for target in result.get("to") or []:
            for kind in target.get("associationTypes") or [{}]:
                link = f"{kind.get('category', 'UNKNOWN')}/{kind.get('typeId', 0)}"
                found.setdefault(parent, []).append({"id": str(target["toObjectId"]), "type": link})
        after = ((result.get("paging") or {}).get("next") or {}).get("after")
        if after:
            following[parent] = str(after)
    return found, following


def _is_no_link(error: object) -> bool:
    if not isinstance(error, dict):
        return False
    told = f"{error.get('subCategory')} {error.get('category')} {error.get('message')}".lower()
    return "no_associations_found" in told or "object_not_found" in told or "no associations" in told


def unseen_changes(listed: Iterable[Any], window: Window, shown: Set[str]) -> list[str]:
    """The ids of a list whose last change lies in the window and which search did not show.

    Measured on recorded traffic: most records are not in search in the first seconds, and nobody promises an end to
    it; the list has no such delay. A change that has no time in the usual form is left to the next full read. Proved
    by test_faults.
    """
    lo, hi = (moment.astimezone(UTC).isoformat()[:SECOND] for moment in (window.lo, window.hi))
    return [
        str(record["id"])
        for record in listed
        if lo <= _changed(record)[:SECOND] < hi and str(record["id"]) not in shown
    ]


def _changed(record: Any) -> str:
    found = record.get("updatedAt") if isinstance(record, dict) else record.updatedAt
    return found if isinstance(found, str) else ""
