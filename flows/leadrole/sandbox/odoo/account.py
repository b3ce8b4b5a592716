"""Odoo's answers: JSON-2 and JSON-RPC over the same tables, with the limits and errors of each."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from leadrole.sandbox.faults import Fault, Faults
from leadrole.sandbox.log import History, State
from leadrole.sandbox.odoo.catalog import ADMIN, Settings
from leadrole.sandbox.odoo.database import Row
from leadrole.sandbox.odoo.domain import Search
from leadrole.sandbox.odoo.refusal import OdooError
from leadrole.sandbox.odoo.schema import EMPTY_NUMBERS, MANY, Field, Model
from leadrole.sandbox.odoo.world import World
from leadrole.sandbox.wire import Reply, Request, is_over

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
MAINTENANCE = (
    "<!DOCTYPE html>\n<html><head><title>Odoo</title></head><body><h1>We are upgrading this database</h1>"
    "<p>Please come back in a few minutes.</p></body></html>\n"
)
# What the models are called in the landing zone and in tests.
OBJECTS = {
    "leads": "crm.lead",
    "messages": "mail.message",
    "tracking_values": "mail.tracking.value",
    "meetings": "calendar.event",
    "activities": "mail.activity",
    "stages": "crm.stage",
    "users": "res.users",
    "teams": "crm.team",
    "lost_reasons": "crm.lost.reason",
    "activity_types": "mail.activity.type",
    "currencies": "res.currency",
    "tracked_fields": "ir.model.fields",
    "partners": "res.partner",
    "lead_sources": "utm.source",
    "lead_mediums": "utm.medium",
    "tags": "crm.tag",
}
# Arguments in their order; the first of `read` are the ids.
_METHODS = {
    "search": ("domain", "offset", "limit", "order"),
    "search_read": ("domain", "fields", "offset", "limit", "order"),
    "search_count": ("domain", "limit"),
    "read": ("ids", "fields", "load"),
    "fields_get": ("allfields", "attributes"),
    "context_get": (),
}
_WRITES = ("create", "write", "unlink", "copy", "action_set_lost", "action_set_won", "message_post")
_JSON_2 = re.compile(r"^/json/2/(?P<model>[^/]+)/(?P<method>[^/]+)$")


class Account:
    """An Odoo database at one instant. Its settings are those of `world.Settings`."""

    def __init__(
        self,
        state: State,
        *,
        history: History,
        token: str,
        base_url: str,
        faults: Faults,
        memory: dict[str, Any],
        **settings: Any,
    ) -> None:
        self.settings = Settings.of(settings)
        self.token = token
        self.memory = memory
        self.world = World(history, state.at, self.settings)
        self.models = dict(self.world.models)
        self._today = self.world.today
        self._shown: dict[tuple[str, str], tuple[str, int]] = {}
        self._closed: set[str] = set()
        self._apply(faults)
        self.search = Search(self.world)

    # --- the server's questions

    def limited(self, request: Request, moment: float, calls: int) -> Reply | None:
        """Refuse a call too many, as Online does; a server of one's own has no limit."""
        recent = self.memory.setdefault("recent", deque())
        if not is_over(recent, moment, self.settings.throttle_seconds, self.settings.throttle_calls):
            return None
        return self._page(429, self._retry_after())

    def answer(self, request: Request) -> Reply:
        """Answer a call of either protocol, or with the page of a wrong address."""
        if request.path == "/jsonrpc":
            return self._json_rpc(request, self._dispatch)
        if request.path == "/web/webclient/version_info":
            return self._json_rpc(request, lambda params: self._version())
        if request.path.startswith("/json/2") and self.settings.version >= 19 and self._is_known(request):
            try:
                return Reply(200, self._json_2(request), {"Content-Type": JSON})
            except OdooError as error:
                return self._refused(error)
        return self._page(404)

    def fault(self, fault: Fault, request: Request) -> Reply | None:
        """Say what a fault says: a proxy's page, or the server's own words in either protocol."""
        values = fault.values
        if fault.kind == "daily_limit":
            return self._page(429, self._retry_after())
        is_rpc = request.path == "/jsonrpc"
        if fault.kind == "expire_token":
            if is_rpc:
                return Reply(200, self._envelope(request, error=OdooError.denied()), {"Content-Type": JSON})
            return self._refused(self._unauthorized())
        code, headers = values["code"], values["headers"]
        if values["body"] is not None:
            kind = HTML if isinstance(values["body"], str) else JSON
            return Reply(code, values["body"], {"Content-Type": kind, **headers})
        if code >= 502 or code == 429 or is_rpc:
            return self._page(code, headers)
        error = (
            self._unauthorized()
            if code == 401
            else OdooError.http(_phrase(code).title().replace(" ", ""), code, _phrase(code))
        )
        reply = self._refused(error)
        reply.headers.update(headers)
        return reply

    def bend(self, fault: Fault, request: Request, reply: Reply) -> None:
        """Change a good answer into a bad one of the same shape."""
        if reply.status != 200 or isinstance(reply.body, str):
            return
        is_rpc = isinstance(reply.body, dict) and "jsonrpc" in reply.body
        result = reply.body.get("result") if is_rpc else reply.body
        bent = self._bent(fault, request, result)
        if is_rpc and "result" in reply.body:
            reply.body["result"] = bent
        elif not is_rpc:
            reply.body = bent

    def _bent(self, fault: Fault, request: Request, result: Any) -> Any:
        is_count = isinstance(result, int) and not isinstance(result, bool)
        if fault.kind == "empty_everything" and (isinstance(result, list) or is_count):
            return 0 if is_count else []
        if not isinstance(result, list):
            return result
        if fault.kind == "null_results":
            return None
        if fault.kind == "duplicate_page":
            return result * 2
        if fault.kind == "omit_last_page":
            limit = _limit_of(request)
            return [] if limit and len(result) < limit else result
        return result

    def dress(self, reply: Reply, request: Request, number: int) -> None:
        """Add what answers of the server itself carry."""
        if reply.status == 200:
            reply.headers.setdefault("X-Content-Type-Options", "nosniff")

    # --- JSON-2

    def _json_2(self, request: Request) -> Any:
        found = _JSON_2.match(request.path)
        if found is None or request.method != "POST":
            raise OdooError.http("NotFound", 404, "Did you mean POST /json/2/<model>/<method>?")
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            said = "User not authenticated, use an API Key with a Bearer Authorization header."
            raise OdooError.http("Unauthorized", 401, said)
        if key.strip() != self.token:
            raise self._unauthorized()
        given = self._body(request)
        model = self.models.get(found["model"])
        if model is None:
            raise OdooError.http("NotFound", 404, f"the model {found['model']!r} does not exist")
        method = found["method"]
        if method in _WRITES:
            raise self._forbidden(model, "modify")
        if method not in _METHODS or (method == "context_get" and model.name != "res.users"):
            raise OdooError.http("NotFound", 404, f"The method '{model.name}.{method}' does not exist")
        ids, context = given.pop("ids", []), given.pop("context", {})
        if ids and method != "read":
            raise OdooError.http("UnprocessableEntity", 422, f"cannot call {model.name}.{method} with ids")
        for name in given:
            if name not in _METHODS[method]:
                said = f"got an unexpected keyword argument {name!r}"
                raise OdooError.http("UnprocessableEntity", 422, said)
        if method == "read":
            given["ids"] = ids
        return self._call(model, method, given, context)

    def _is_known(self, request: Request) -> bool:
        """Whether the call reaches a database: the one it names, or the only one there is."""
        named = request.headers.get("X-Odoo-Database")
        return not self.settings.has_many_databases if named is None else named == self.settings.database

    def _body(self, request: Request) -> dict[str, Any]:
        if request.body and "json" not in request.headers.get("Content-Type", ""):
            raise OdooError.http("UnsupportedMediaType", 415, "Request inferred type is not compatible")
        try:
            return request.json()
        except ValueError as error:
            raise OdooError.http("BadRequest", 400, f"could not parse the body as json: {error}") from None

    def _unauthorized(self) -> OdooError:
        return OdooError.http("Unauthorized", 401, "Invalid apikey")

    def _refused(self, error: OdooError) -> Reply:
        headers = {"Content-Type": JSON}
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer "
        return Reply(error.status, error.said(self.settings.version), headers)

    # --- JSON-RPC

    def _json_rpc(self, request: Request, handle: Callable[[Mapping[str, Any]], Any]) -> Reply:
        if request.method != "POST":
            return self._page(405)
        try:
            body = request.json()
        except ValueError:
            return self._page(400)
        try:
            result = handle(body.get("params") or {})
            return Reply(200, self._envelope(request, result=result), {"Content-Type": JSON})
        except OdooError as error:
            return Reply(200, self._envelope(request, error=error), {"Content-Type": JSON})

    def _envelope(self, request: Request, *, result: Any = None, error: OdooError | None = None) -> Any:
        try:
            number = request.json().get("id")
        except ValueError:
            number = None
        envelope: dict[str, Any] = {"jsonrpc": "2.0", "id": number}
        if error is not None:
            envelope["error"] = error.said_rpc(self.settings.version)
        elif result is not None:
            envelope["result"] = result
        return envelope

    def _dispatch(self, params: Mapping[str, Any]) -> Any:
        service, method, arguments = params.get("service"), params.get("method"), params.get("args") or []
        if service == "common":
            if method == "version":
                return self._version()
            if method in ("login", "authenticate"):
                return self._login(arguments)
        elif service == "object" and method in ("execute_kw", "execute"):
            return self._execute(arguments, has_names=method == "execute_kw")
        raise OdooError("builtins.Exception", f"Method not found: {method}")

    def _version(self) -> dict[str, Any]:
        version = self.settings.version
        return {
            "server_version": f"{version}.0",
            "server_version_info": [version, 0, 0, "final", 0, ""],
            "server_serie": f"{version}.0",
            "protocol_version": 1,
        }

    def _login(self, arguments: list[Any]) -> Any:
        database, login, key = (*arguments, None, None, None)[:3]
        self._know(database)
        return ADMIN if login == self.settings.login and key == self.token else False

    def _know(self, database: Any) -> None:
        if database != self.settings.database:
            message = f'connection to server failed: FATAL:  database "{database}" does not exist\n'
            raise OdooError("psycopg2.OperationalError", message)

    def _execute(self, arguments: list[Any], *, has_names: bool) -> Any:
        if len(arguments) < 5:
            raise OdooError.type("execute_kw() missing required positional arguments")
        database, uid, key, name, method, *rest = arguments
        self._know(database)
        if uid != ADMIN or key != self.token:
            raise OdooError.denied()
        model = self.models.get(name)
        if model is None:
            raise OdooError.user(f"Object {name} doesn't exist")
        if method in _WRITES:
            raise self._forbidden(model, "modify")
        if method not in _METHODS or (method == "context_get" and model.name != "res.users"):
            said = f"type object '{name}' has no attribute '{method}'"
            if self.settings.version >= 19:
                said = f"The method '{name}.{method}' does not exist"
            raise OdooError("builtins.AttributeError", said)
        places = rest[0] if has_names and rest else [] if has_names else rest
        given = dict(rest[1]) if has_names and len(rest) > 1 and rest[1] else {}
        context = given.pop("context", None) or {}
        names = _METHODS[method]
        unknown = [one for one in given if one not in (*names, "args")]
        if len(places) > len(names) or unknown:
            raise OdooError.type(f"{method}() got an unexpected argument")
        if "args" in given:  # the old name of a domain
            given["domain"] = given.pop("args")
        return self._call(model, method, dict(zip(names, places, strict=False)) | given, context)

    # --- methods

    def _call(self, model: Model, method: str, given: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        if method == "context_get":
            return {"lang": "nl_NL", "tz": self.settings.zone}
        if method == "fields_get":
            return self._fields_get(model, given)
        if (model.admin_only and not self.settings.is_admin) or model.name in self._closed:
            raise self._forbidden(model, "access")
        fields = self._fields(model, given.get("fields")) if method in ("search_read", "read") else []
        if method == "read":
            ids = given.get("ids") or []
            table = self.world.tables[model.name]
            rows = [table[one] for one in ([ids] if isinstance(ids, int) else ids) if one in table]
            return [self._row(model, row, fields, given.get("load", "_classic_read")) for row in rows]
        active_test = context.get("active_test", True) is not False
        found = self.search.find(
            model, given.get("domain"), order=given.get("order") or None, active_test=active_test
        )
        limit, offset = _whole(given.get("limit")), _whole(given.get("offset"))
        if method == "search_count":
            return min(len(found), limit) if limit else len(found)
        found = found[offset : offset + limit] if limit else found[offset:]
        if method == "search":
            return [row["id"] for row in found]
        return [self._row(model, row, fields, "_classic_read") for row in found]

    def _fields_get(self, model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted, attributes = given.get("allfields"), given.get("attributes")
        said = {}
        for name, field in model.fields.items():
            if (wanted and name not in wanted) or (field.admin_only and not self.settings.is_admin):
                continue
            described = field.described()
            if attributes:
                described = {key: value for key, value in sorted(described.items()) if key in attributes}
            said[name] = described
        return said

    def _fields(self, model: Model, names: Any) -> list[Field]:
        if not names:
            return [one for one in model.fields.values() if self.settings.is_admin or not one.admin_only]
        fields = []
        for name in names:
            field = model.fields.get(name)
            if field is None:
                where = f"'{model.name}'" if self.settings.version >= 19 else f"model '{model.name}'"
                raise OdooError.value(f"Invalid field {name!r} on {where}")
            if field.admin_only and not self.settings.is_admin:
                raise OdooError.access(
                    f'You do not have enough rights to access the fields "{name}" on {model.label} ({model.name}). '
                    "Please contact your system administrator."
                )
            fields.append(field)
        return fields

    def _forbidden(self, model: Model, what: str) -> OdooError:
        return OdooError.access(
            f"You are not allowed to {what} '{model.label}' ({model.name}) records.\n\n"
            "This operation is allowed for the following groups:\n\t- Administration/Settings\n\n"
            "Contact your administrator to request access if necessary."
        )

    # --- rows

    def _row(self, model: Model, row: Row, fields: list[Field], load: str | None) -> dict[str, Any]:
        shown = {"id": row["id"]}
        for field in fields:
            shown[field.name] = self._value(model, row, field, load)
        return shown

    def _value(self, model: Model, row: Row, field: Field, load: str | None) -> Any:
        fault = self._shown.get((model.name, field.name))
        if fault is not None and row["id"] % fault[1] == 0:
            return fault[0] if fault[0] != "" else False
        if not field.is_stored:
            return self._computed(model, row, field)
        value = row[field.name]
        if field.type == "boolean":
            return bool(value)
        if value is None:
            return EMPTY_NUMBERS.get(field.type, False)
        if field.type == "many2one":
            if load != "_classic_read":
                return value
            return [value, self.world.label(field.relation or "", value) or False]
        return told(field, value)

    def _computed(self, model: Model, row: Row, field: Field) -> Any:
        if field.name == "display_name":
            return self.world.label(model.name, row["id"]) or False
        if field.name == "state":
            if self.settings.version >= 19 and not row["active"]:
                return "done"
            due = row["date_deadline"]
            return "overdue" if due < self._today else "today" if due == self._today else "planned"
        if field.name == "record_name":
            lead = self.world.tables["crm.lead"].get(row["res_id"] or 0)
            return lead["name"] if lead else False
        return row[field.name] if row[field.name] is not None else EMPTY_NUMBERS.get(field.type, False)

    # --- faults that change what there is

    def _apply(self, faults: Faults) -> None:
        for fault in faults.items:
            values = fault.values
            if fault.kind == "scope_removed":
                self._closed.add(OBJECTS.get(values["scope"], values["scope"]))
            elif fault.kind == "stage_renamed":
                stage = self.world.tables["crm.stage"].get(int(values["stage_id"]))
                if stage is not None:
                    stage["name"] = values["label"] or stage["name"]
                    stage["sequence"] = stage["sequence"] if values["order"] is None else values["order"]
            elif fault.kind == "stage_unlisted":
                self.world.tables["crm.stage"].pop(int(values["stage_id"]), None)
            elif "object" in values:
                self._apply_to(fault, OBJECTS.get(values["object"], values["object"]))

    def _apply_to(self, fault: Fault, name: str) -> None:
        model, values = self.models[name], fault.values
        fields = dict(model.fields)
        if fault.kind == "value":
            self._shown[name, values["name"]] = (values["shown"], values["every"])
        elif fault.kind == "property_removed":
            fields.pop(values["name"], None)
        elif fault.kind == "property_added":
            kind = {"string": "char", "number": "float", "bool": "boolean"}.get(
                values["type"], values["type"]
            )
            fields[values["name"]] = Field(values["name"], kind, values["name"])
            for row in self.world.tables[name].values():
                row[values["name"]] = values["shown"]
        elif fault.kind == "property_renamed" and values["old"] in fields:
            old = fields.pop(values["old"])
            fields[values["new"]] = Field(values["new"], old.type, old.string, old.relation, old.selection)
            for row in self.world.tables[name].values():
                row[values["new"]] = row[values["old"]]
        self.models[name] = Model(name, model.label, fields, model.order, model.rec_name, model.admin_only)
        self.world.models = self.models

    # --- pages

    def _retry_after(self) -> dict[str, str]:
        return {"Retry-After": self.settings.retry_after} if self.settings.retry_after else {}

    def _page(self, status: int, headers: Mapping[str, str] | None = None) -> Reply:
        title = f"{status} {_phrase(status)}"
        body = MAINTENANCE if status in (502, 503) else (
            f"<!doctype html>\n<html lang=en>\n<title>{title}</title>\n<h1>{_phrase(status)}</h1>\n"
        )  # fmt: skip
        return Reply(status, body, {"Content-Type": HTML, **(headers or {})})


def told(field: Field, value: Any) -> Any:
    """Give a value as JSON holds it: times to the whole second, without a zone."""
    if field.type in ("datetime", "date"):
        return str(value)[: 19 if isinstance(value, datetime) else 10]
    if field.type in MANY:
        return list(value)
    return value


def _whole(value: Any) -> int:
    if value in (None, False):
        return 0
    if not isinstance(value, int) or value < 0:
        raise OdooError.database(f'invalid input syntax for type bigint: "{value}"')
    return value


def _phrase(status: int) -> str:
    return next((one.phrase for one in HTTPStatus if one == status), "Unknown Error")


def _limit_of(request: Request) -> int:
    """Give the page size a call asked for, in either protocol."""
    body = json.loads(request.body or b"{}")
    if "params" in body:
        arguments = body["params"].get("args", [])
        body = arguments[6] if len(arguments) > 6 else {}
    return int(body.get("limit") or 0)
