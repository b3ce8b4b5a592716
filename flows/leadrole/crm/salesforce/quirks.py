"""How Salesforce differs from what one would expect; each function says where that is written and who proves it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from leadrole.crm.client import Refusal
from leadrole.crm.spec import Endpoint
from leadrole.errors import SourceContractError

CONCURRENT_WAIT = 10.0
EDGE_WAIT = 30.0
ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OTHER_APP = (
    "check the app in Salesforce (Setup > External Client Apps) and the variables that the config names; "
    "the app's user must be allowed to use it"
)
NO_BULK = frozenset(
    {
        "INVALIDENTITY", "FUNCTIONALITY_NOT_ENABLED", "FEATURENOTENABLED", "FEATURE_NOT_ENABLED", "API_ERROR",
        "LIMIT_EXCEEDED", "INVALIDJOB", "NOT_FOUND", "INSUFFICIENT_ACCESS", "FAILED",
    }
)  # fmt: skip


def code_of(body: Any) -> str:
    """The vendor's word for a refusal, or nothing.

    The API answers an error with a list of objects, the token endpoint with one object. Proved by
    test_extract_salesforce.
    """
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return ""
    return re.sub(r"[^A-Za-z_]", "", str(first.get("errorCode") or first.get("error") or ""))[:60]


class Explain:
    """What a refusal of the API means; remembers the vendor's word for the last one.

    REST guide "Status Codes and Error Responses". There is no Retry-After, and REQUEST_LIMIT_EXCEEDED means the
    day's allowance or too many calls at once: only the message tells. Proved by test_extract_salesforce.
    """

    def __init__(self) -> None:
        self.code = ""

    def __call__(self, status: int, body: Any) -> Refusal | None:
        """A refusal, or None for an answer."""
        if status == 204:
            return None
        if 200 <= status < 300:
            return Refusal("fatal", "Salesforce sent an empty answer") if body is None else None
        self.code = code = code_of(body)
        said = _said(body)
        if status == 401 or code == "INVALID_SESSION_ID":
            return Refusal("key", f"Salesforce refuses the login ({status}{said})", next_step=OTHER_APP)
        if code == "REQUEST_LIMIT_EXCEEDED":
            return _limit(body)
        if code == "OPERATION_TOO_LARGE":
            return Refusal(
                "scope",
                "Salesforce does not list activities to a user who may see only some of them (OPERATION_TOO_LARGE)",
                next_step="give the app's user the permission View All Data (a permission set that only reads is enough)",
            )
        if code == "INVALID_TYPE" or (code == "NOT_FOUND" and status == 404):
            return Refusal(
                "scope",
                f"the app's user can't see this object ({code})",
                next_step="give the app's user read access to it in Salesforce (a permission set)",
            )
        if status == 403:
            return Refusal("scope", f"Salesforce forbids this call ({status}{said})", next_step=OTHER_APP)
        if status in (406, 420, 429):
            # The edge answers so, often with a web page, while an instance is being moved or set up.
            return Refusal("wait", f"Salesforce asks to wait ({status})", wait=EDGE_WAIT)
        if status >= 500:
            return Refusal("broken", f"Salesforce is broken at the moment ({status})")
        if status == 410 or code == "UNSUPPORTED_API_VERSION":
            return Refusal(
                "fatal",
                f"Salesforce no longer speaks this api_version ({code})",
                next_step="set a newer api_version",
            )
        return Refusal(
            "fatal",
            f"Salesforce refuses the call ({status}{said})",
            next_step="report this message to Leadrole",
        )


def _limit(body: Any) -> Refusal:
    if "concurrent" in _message(body).lower():
        return Refusal("limit", "Salesforce answers too many long calls at once", wait=CONCURRENT_WAIT)
    return Refusal(
        "quota",
        "the org's calls of 24 hours are used up (REQUEST_LIMIT_EXCEEDED); this night is incomplete",
        next_step="run again when they are free again, or find the program that uses them up (Setup > System Overview)",
    )


def _message(body: Any) -> str:
    first = body[0] if isinstance(body, list) and body else body
    return str(first.get("message") or "") if isinstance(first, dict) else ""


def _said(body: Any) -> str:
    """The vendor's word and its sentence, without the piece of the query that it quotes."""
    code = code_of(body)
    message = re.sub(r"(?s)^.*ERROR at Row:\d+:Column:\d+\s*", "", _message(body))
    return "".join(f", {part}" for part in (code, " ".join(message.split())[:160]) if part)


def explain_login(status: int, body: Any) -> Refusal | None:
    """What a refusal of the token endpoint means.

    OAuth errors are an object {error, error_description}; "user hasn't approved this consumer" needs a person in
    Salesforce, not another key. Proved by test_extract_salesforce.
    """
    error = body if isinstance(body, dict) else {}
    if 200 <= status < 300 and error.get("access_token"):
        return None
    code = code_of(body)
    said = " ".join(str(error.get("error_description") or "").split())[:120]
    if status >= 500 or code in ("server_error", "temporarily_unavailable"):
        return Refusal("broken", f"Salesforce's login is broken at the moment ({status})")
    if status in (420, 429) or code in ("rate_limit_exceeded", "slow_down"):
        return Refusal("wait", f"Salesforce limits the logins ({status})", wait=EDGE_WAIT)
    if code:
        return Refusal("key", f"Salesforce refuses to log in ({code}, {said})", next_step=OTHER_APP)
    return Refusal(
        "fatal",
        f"no login at this address ({status})",
        next_step="set base_url to your My Domain, such as https://mycompany.my.salesforce.com",
    )


def usage(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Calls of the last 24 hours, all programs together, and how many the org may make.

    In each answer as `Sforce-Limit-Info: api-usage=18/100000` (REST guide "Limit Info Header"), at times followed
    by a share per app. Proved by test_extract_salesforce.
    """
    found = re.search(r"(?<![\w-])api-usage=(\d+)/(\d+)", headers.get("Sforce-Limit-Info", ""))
    return (int(found[1]), int(found[2])) if found and int(found[2]) else None


def literal(moment: datetime) -> str:
    """A moment in SOQL: unquoted, UTC, whole seconds, as stamps have no more.

    TODAY and its kin use the user's zone (T-29), so no query holds one. Proved by test_extract_salesforce.
    """
    return moment.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def record_id(value: object) -> str:
    """An id that may stand in a query; it came from outside.

    Ids have 18 characters, of which the last three make the first fifteen safe where case is lost.
    """
    text = str(value)
    if not ID.fullmatch(text):
        raise SourceContractError(
            "Salesforce sent a record with an id that is none",
            next_step="run again; if it stays, report it to Leadrole: Salesforce's API has changed",
        )
    return text


def text_of(value: object) -> str | None:
    """A value of a REST answer as text; an empty string does not exist in Salesforce (REST guide "null")."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None or value == "" else str(value)


def cell_text(value: str, kind: str) -> str | None:
    """A cell of a Bulk result as REST would have told it.

    An empty cell is null, `NA` and `null` are data, and moments end in Z instead of +0000 (Bulk 2.0 guide "Valid
    CSV Record Rows"). Proved by test_extract_salesforce.
    """
    if value == "":
        return None
    # The values of a history have the type "anyType" and may be moments too.
    if kind in ("datetime", "anyType") and MOMENT.fullmatch(value):
        return f"{value[:-1]}+0000"
    return value


def csv_rows(content: bytes, names: Sequence[str], told: int | None) -> list[list[str]]:
    """The rows of one page of a Bulk result; newlines inside quotes belong to a value.

    Each page repeats the header. The number of rows stands in Sforce-NumberOfRecords (T-22): a page that was cut
    at the end of a row looks whole otherwise. Proved by test_extract_salesforce.
    """
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        raise ValueError("not CSV to its end") from None
    if not rows or rows[0] != list(names):
        raise ValueError("another header than asked for")
    del rows[0]
    if any(len(row) != len(names) for row in rows):
        raise ValueError("a row with another number of cells")
    if told is not None and told != len(rows):
        raise ValueError(f"{len(rows)} rows of {told}")
    return rows


def trimmed(
    values: Mapping[str, str | None], endpoint: Endpoint, *, identity: str, is_deleted: bool
) -> dict[str, Any]:
    """A record as it is landed: the fields that were asked for, and the snapshots of those whose values we keep.

    Deleting stamps a record, so the stamp of a deleted one is when that happened.
    """
    stamp = values.get(endpoint.cursor or "system_modstamp")
    row: dict[str, Any] = {
        "id": identity,
        "updatedAt": stamp,
        "fields": {name: values.get(name) for name in endpoint.fields},
    }
    if endpoint.is_reference:
        return row
    row["archived"] = is_deleted
    if is_deleted:
        row["archivedAt"] = stamp
    elif endpoint.history:
        row["history"] = {name: _snapshot(values, name) for name in endpoint.history}
    return row


def _snapshot(values: Mapping[str, str | None], name: str) -> list[dict[str, str | None]]:
    """What a field held when the record was last changed by somebody; who set it is not known."""
    if values.get(name) is None:
        return []
    at = values.get("last_modified_date")
    return [{"value": values[name], "timestamp": at, "sourceType": "SNAPSHOT", "changedBy": None}]


def quoted(values: Iterable[str]) -> str:
    """Names and ids as a list in SOQL; whatever could end a string is refused before it comes here."""
    return ", ".join(f"'{value}'" for value in values)
