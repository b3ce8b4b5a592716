"""What surrounds the records: owners, pipelines, properties, the account, its currencies and its use."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from leadrole.sandbox.hubspot.answers import (
    Refusal,
    limit_of,
    not_found,
    object_type_of,
    read_after,
    wants_archived,
    write_after,
)
from leadrole.sandbox.hubspot.catalog import CURRENCIES_SCOPE, PORTAL_ID, SCHEMA_SCOPES, SCOPES
from leadrole.sandbox.hubspot.world import StageRow, epoch
from leadrole.sandbox.log import Owner, iso, parse_iso
from leadrole.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from leadrole.sandbox.hubspot.account import Account

# --- owners


def owners(account: Account, request: Request) -> Reply:
    """List the owners, by id."""
    account.need(SCOPES["owners"])
    archived = wants_archived(request)
    limit = limit_of(request.one("limit"), 500, 100)
    email = request.one("email")
    shown = [
        owner
        for owner in sorted(account.state.owners.values(), key=lambda owner: int(owner.owner_id))
        if (owner.owner_id in account.state.inactive_owners) == archived and email in (None, owner.email)
    ]
    after = request.one("after")
    start = bisect_right([int(owner.owner_id) for owner in shown], read_after(after)) if after else 0
    page = shown[start : start + min(limit, account.max_page)]
    body: dict[str, Any] = {"results": [_owner(account, owner) for owner in page]}
    if start + len(page) < len(shown):
        body["paging"] = {"next": account.next(request, write_after(int(page[-1].owner_id)))}
    return Reply(200, body)


def owner_by_id(account: Account, request: Request, record_id: str) -> Reply:
    """Give one owner, by owner id or by user id."""
    account.need(SCOPES["owners"])
    owner = account.state.owners.get(record_id)
    if request.one("idProperty") == "userId":
        owner = next((one for one in account.state.owners.values() if one.user_id == record_id), None)
    archived = wants_archived(request)
    if owner is None or (owner.owner_id in account.state.inactive_owners) != archived:
        raise not_found()
    return Reply(200, _owner(account, owner))


def _owner(account: Account, owner: Owner) -> dict[str, Any]:
    left_at = account.state.inactive_owners.get(owner.owner_id)
    user_id = int(owner.user_id) if owner.user_id else None
    return {
        "id": owner.owner_id,
        "email": owner.email,
        "type": owner.kind,
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": None if left_at else user_id,
        "userIdIncludingInactive": user_id,
        "createdAt": iso(owner.created_at),
        "updatedAt": iso(left_at or owner.created_at),
        "archived": left_at is not None,
    }


# --- pipelines


def pipelines(account: Account, request: Request, kind: str) -> Reply:
    """List the pipelines of a type with their stages."""
    object_type = _pipeline_type(account, kind)
    return Reply(
        200,
        {"results": [_pipeline(account, object_type, one) for one in account.world.pipelines(object_type)]},
    )


def one_pipeline(account: Account, request: Request, kind: str, pipeline_id: str) -> Reply:
    """Give one pipeline."""
    object_type = _pipeline_type(account, kind)
    return Reply(200, _pipeline(account, object_type, pipeline_id))


def stages(account: Account, request: Request, kind: str, pipeline_id: str) -> Reply:
    """List the stages of one pipeline."""
    object_type = _pipeline_type(account, kind)
    return Reply(200, {"results": _pipeline(account, object_type, pipeline_id)["stages"]})


def one_stage(account: Account, request: Request, kind: str, pipeline_id: str, stage_id: str) -> Reply:
    """Give one stage."""
    object_type = _pipeline_type(account, kind)
    for stage in _pipeline(account, object_type, pipeline_id)["stages"]:
        if stage["id"] == stage_id:
            return Reply(200, stage)
    raise not_found()


def pipeline_audit(account: Account, request: Request, kind: str, pipeline_id: str) -> Reply:
    """Tell what happened to a pipeline, newest first: a deleted stage is only to be found here."""
    object_type = _pipeline_type(account, kind)
    pipeline = _pipeline(account, object_type, pipeline_id)
    once = {stage.stage_id for stage in account.world.stages_once(object_type)}
    changes = [
        _audit(account, pipeline_id, "UPDATE", f"Stage {fault.values['stage_id']} changed", account.state.at)
        for fault in account.world.portal.faults.of("stage_unlisted", "stage_renamed")
        if fault.values["stage_id"] in once
    ]
    made = _audit(account, pipeline_id, "CREATE", "Pipeline created", epoch(), pipeline)
    return Reply(200, {"results": [*changes, made]})


def stage_audit(account: Account, request: Request, kind: str, pipeline_id: str, stage_id: str) -> Reply:
    """Tell what happened to a stage, newest first, also to one that was deleted."""
    object_type = _pipeline_type(account, kind)
    pipeline = _pipeline(account, object_type, pipeline_id)
    faults = account.world.portal.faults
    lost = [fault for fault in faults.of("stage_unlisted") if fault.values["stage_id"] == stage_id]
    there = [stage for stage in pipeline["stages"] if stage["id"] == stage_id]
    if not lost and not there:
        raise not_found()
    renamed = [fault for fault in faults.of("stage_renamed") if fault.values["stage_id"] == stage_id]
    results = [_audit(account, stage_id, "DELETE", "Stage deleted", account.state.at) for _ in lost]
    results += [_audit(account, stage_id, "UPDATE", "Stage changed", account.state.at) for _ in renamed]
    results.append(_audit(account, stage_id, "CREATE", "Stage created", epoch(), *there))
    return Reply(200, {"results": results})


def _audit(
    account: Account,
    identifier: str,
    action: str,
    message: str,
    at: datetime,
    raw: dict[str, Any] | None = None,
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "portalId": PORTAL_ID,
        "identifier": identifier,
        "action": action,
        "message": message,
        "timestamp": iso(at),
    }
    return entry if raw is None else {**entry, "rawObject": raw}


def _pipeline_type(account: Account, kind: str) -> str:
    object_type = object_type_of(kind)
    account.need(SCOPES[object_type])
    return object_type


def _pipeline(account: Account, object_type: str, pipeline_id: str) -> dict[str, Any]:
    found = account.world.pipelines(object_type).get(pipeline_id)
    if found is None:
        raise not_found()
    label, rows = found
    return {
        "id": pipeline_id,
        "label": label,
        "displayOrder": 0,
        "stages": [_stage(row) for row in sorted(rows, key=lambda row: row.order)],
        "createdAt": iso(epoch()),
        "updatedAt": iso(epoch()),
        "archived": False,
    }


def _stage(row: StageRow) -> dict[str, Any]:
    return {
        "id": row.stage_id,
        "label": row.label,
        "displayOrder": row.order,
        "metadata": dict(row.metadata),
        "createdAt": iso(epoch()),
        "updatedAt": iso(epoch()),
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


# --- properties


def properties(account: Account, request: Request, kind: str) -> Reply:
    """List the definitions of a type's properties."""
    object_type = object_type_of(kind)
    account.need(SCHEMA_SCOPES[object_type])
    known = account.world.properties(object_type)
    return Reply(200, {"results": [_definition(name, kind) for name, kind in known.items()]})


def one_property(account: Account, request: Request, kind: str, record_id: str) -> Reply:
    """Give the definition of one property."""
    object_type = object_type_of(kind)
    account.need(SCHEMA_SCOPES[object_type])
    known = account.world.properties(object_type)
    if record_id not in known:
        raise Refusal(404, f"Property {record_id} does not exist", "OBJECT_NOT_FOUND")
    return Reply(200, _definition(record_id, known[record_id]))


def _definition(name: str, kind: str) -> dict[str, Any]:
    calculated, kind = kind.endswith("*"), kind.rstrip("*")
    field_type = {"datetime": "date", "number": "number", "bool": "booleancheckbox", "enumeration": "select"}
    return {
        "updatedAt": iso(epoch()),
        "createdAt": iso(epoch()),
        "name": name,
        "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
        "type": kind,
        "fieldType": field_type.get(kind, "text"),
        "description": "",
        "groupName": "information",
        "options": [],
        "displayOrder": -1,
        "calculated": calculated,
        "externalOptions": name == "hubspot_owner_id",
        "hasUniqueValue": name == "hs_object_id",
        "hidden": False,
        "hubspotDefined": True,
        "modificationMetadata": {"archivable": True, "readOnlyDefinition": True, "readOnlyValue": calculated},
        "formField": False,
    }


# --- the account


def details(account: Account, request: Request) -> Reply:
    """Give the account's zone and currencies."""
    portal = account.world.portal
    offset = account.state.at.astimezone(ZoneInfo(account.zone)).utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    sign = "+" if minutes >= 0 else "-"
    others = list(dict.fromkeys(code for code, _, _ in portal.rates)) if portal.multi_currency else []
    return Reply(
        200,
        {
            "portalId": PORTAL_ID,
            "accountType": "STANDARD",
            "timeZone": account.zone,
            "companyCurrency": portal.currency,
            "additionalCurrencies": others,
            "utcOffset": f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}",
            "utcOffsetMilliseconds": minutes * 60_000,
            "uiDomain": "app-eu1.hubspot.com",
            "dataHostingLocation": "eu1",
        },
    )


def usage(account: Account, request: Request) -> Reply:
    """Tell how many calls of today's are used; the day is the account's."""
    tomorrow = account.local_date() + timedelta(days=1)
    resets_at = datetime.combine(tomorrow, time(), ZoneInfo(account.zone)).astimezone(UTC)
    return Reply(
        200,
        {
            "results": [
                {
                    "name": "private-apps-api-calls-daily",
                    "usageLimit": account.daily_limit,
                    "currentUsage": account.used_today(),
                    "collectedAt": iso(account.state.at),
                    "fetchStatus": "SUCCESS",
                    "resetsAt": iso(resets_at),
                }
            ]
        },
    )


def company_currency(account: Account, request: Request) -> Reply:
    """Give the account's own currency."""
    account.need(CURRENCIES_SCOPE)
    return Reply(
        200,
        {
            "id": "1",
            "currencyCode": account.world.portal.currency,
            "createdAt": iso(epoch()),
            "updatedAt": iso(epoch()),
        },
    )


def exchange_rates(account: Account, request: Request) -> Reply:
    """List every rate that was ever set, by page."""
    account.need(CURRENCIES_SCOPE)
    rates = _rates(account)
    limit = limit_of(request.one("limit"), 100, 100)
    after = request.one("after")
    start = read_after(after) if after else 0
    page = rates[start : start + min(limit, account.max_page)]
    body: dict[str, Any] = {"results": page}
    if start + len(page) < len(rates):
        body["paging"] = {"next": account.next(request, write_after(start + len(page)))}
    return Reply(200, body)


def current_rates(account: Account, request: Request) -> Reply:
    """Give the rate that holds now, one a currency."""
    account.need(CURRENCIES_SCOPE)
    current: dict[str, dict[str, Any]] = {}
    for rate in _rates(account):
        held = current.get(rate["fromCurrencyCode"])
        if parse_iso(rate["effectiveAt"]) <= account.state.at and (
            held is None or parse_iso(held["effectiveAt"]) <= parse_iso(rate["effectiveAt"])
        ):
            current[rate["fromCurrencyCode"]] = rate
    return Reply(200, {"results": list(current.values())})


def _rates(account: Account) -> list[dict[str, Any]]:
    portal = account.world.portal
    if not portal.multi_currency:
        return []
    return [
        {
            "id": str(number),
            "fromCurrencyCode": code,
            "toCurrencyCode": portal.currency,
            "conversionRate": float(rate),
            "effectiveAt": since,
            "createdAt": since,
            "updatedAt": since,
            "visibleInUI": True,
        }
        for number, (code, since, rate) in enumerate(portal.rates, 1)
    ]
