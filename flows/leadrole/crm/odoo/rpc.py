"""One way to call a method of a model, over either of Odoo's two protocols.

JSON-2 (Odoo 19 and later) has a path a method, the key in a header and bare answers. JSON-RPC (all versions
until 21) has one path, the key in the body, and an envelope around everything.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import requests

from leadrole.crm.auth import KeyAuth
from leadrole.crm.client import Client, Reply
from leadrole.crm.odoo import quirks
from leadrole.crm.odoo.endpoints import CONTEXT
from leadrole.errors import AuthError, SourceContractError
from leadrole.settings import OdooSource

# Of the methods we call, the argument that has its place; all others go by name.
FIRST = ("domain", "allfields")


class DatabaseAuth(KeyAuth):
    """The key and the database it belongs to: one server may hold several."""

    def __init__(self, token: str, database: str) -> None:
        super().__init__(token, prefix="bearer ")
        self._database = database

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add both to one request."""
        request.headers["X-Odoo-Database"] = self._database
        return super().__call__(request)


class Rpc:
    """Calls to one database."""

    def __init__(self, source: OdooSource, client: Client) -> None:
        self._source = source
        self._client = client
        self._numbers = itertools.count(1)
        self._user_id: int | None = None

    def call(self, model: str, method: str, **named: Any) -> Reply:
        """The answer of a method; its body is what the method gave."""
        named["context"] = CONTEXT
        if self._source.protocol == "json2":
            return self._client.post(f"/json/2/{model}/{method}", named)
        if self._user_id is None:
            self._user_id = self._login()
        key = self._source.token.get_secret_value()
        first = [named.pop(name) for name in FIRST if name in named]
        return self._send(
            "object", "execute_kw", [self._source.database, self._user_id, key, model, method, first, named]
        )

    def _send(self, service: str, method: str, arguments: list[Any]) -> Reply:
        params = {"service": service, "method": method, "args": arguments}
        envelope = {"jsonrpc": "2.0", "method": "call", "id": next(self._numbers), "params": params}
        reply = self._client.post("/jsonrpc", envelope)
        if not isinstance(reply.body, dict) or reply.body.get("id") != envelope["id"]:
            raise SourceContractError(
                "the answer is not Odoo's answer to this call (JSON-RPC)",
                next_step="check base_url; if it stays, report it to Leadrole",
            )
        # A method that gives nothing has no result at all.
        return replace(reply, body=reply.body.get("result"))

    def _login(self) -> int:
        """The number of the key's user; a key that is not known is no error to Odoo, but `false`."""
        source = self._source
        reply = self._send(
            "common", "login", [source.database, source.username, source.token.get_secret_value()]
        )
        user_id: object = reply.body
        if isinstance(user_id, bool) or not isinstance(user_id, int):
            raise AuthError(
                f"Odoo does not let {source.username} in with this key",
                where=f"database {source.database}",
                next_step=f"check username and database in the config, or {quirks.NEW_KEY}",
            )
        return user_id
