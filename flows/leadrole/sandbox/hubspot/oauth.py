"""OAuth: refresh tokens and client credentials for access tokens that live half an hour of the CRM's clock.

What was given out is in the memory that the server keeps while its clock moves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from leadrole.sandbox.hubspot.catalog import PORTAL_ID, VERSIONS
from leadrole.sandbox.wire import Reply, Request

ACCESS_SECONDS = 1800
USER_ID = 9101


@dataclass(frozen=True, slots=True)
class App:
    """The app that was installed, and how its refresh tokens behave."""

    client_id: str | None = None
    client_secret: str | None = None
    refresh_token: str | None = None
    rotates: bool = False


class Tokens:
    """The tokens of one account."""

    def __init__(self, app: App, memory: dict[str, Any], now: datetime, scopes: list[str]) -> None:
        self.app = app
        self.now = now
        self.scopes = scopes
        self._kept: dict[str, Any] = memory.setdefault(
            "oauth", {"access": {}, "refresh": {app.refresh_token} - {None}, "given": 0}
        )

    def left(self, token: str) -> float | None:
        """Seconds for which an access token is still good, below zero once it expired; None if unknown."""
        issued_at: datetime | None = self._kept["access"].get(token)
        return None if issued_at is None else ACCESS_SECONDS - (self.now - issued_at).total_seconds()

    def answer(self, request: Request) -> Reply | None:
        """Answer a call to one of the token endpoints; None if it is none of theirs."""
        for pattern, method, handle in _ROUTES:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return handle(self, request, **match.groupdict())
        return None

    def _token(self, request: Request, version: str) -> Reply:
        form = request.form()
        refused = self._refuse_client(form)
        if refused is not None:
            return refused
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return Reply(200, self._issue(version, None))
        if grant != "refresh_token":
            return _bad("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type")
        used = form.get("refresh_token")
        if used not in self._kept["refresh"]:
            return _bad("BAD_REFRESH_TOKEN", "missing or invalid refresh token", "invalid_grant")
        if self.app.rotates:
            # The old one is dead before the answer is read.
            self._kept["refresh"].discard(used)
            used = self._new("refresh")
            self._kept["refresh"].add(used)
        return Reply(200, self._issue(version, used))

    def _refuse_client(self, form: Mapping[str, str]) -> Reply | None:
        if self.app.client_id is None or form.get("client_id") != self.app.client_id:
            return _bad("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
        if form.get("client_secret") != self.app.client_secret:
            return _bad("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_client")
        return None

    def _new(self, kind: str) -> str:
        self._kept["given"] += 1
        name = f"{kind}:{self.app.client_id}:{self._kept['given']}"
        digest = blake2b(name.encode(), digest_size=16).hexdigest()
        return f"CN{digest}" if kind == "access" else f"eu1-{digest[:4]}-{digest[4:]}"

    def _issue(self, version: str, refresh_token: str | None) -> dict[str, Any]:
        access = self._new("access")
        self._kept["access"][access] = self.now
        body: dict[str, Any] = {
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "token_type": "bearer",
        }
        if refresh_token is not None:
            body["refresh_token"] = refresh_token
        if version != "v1":
            body |= {"token_use": "access_token", "hub_id": PORTAL_ID, "scopes": self.scopes}
            if refresh_token is not None:
                body["user_id"] = USER_ID
        return body

    def _introspect(self, request: Request, version: str) -> Reply:
        form = request.form()
        refused = self._refuse_client(form)
        if refused is not None:
            return refused
        token = form.get("token", "")
        left = self.left(token)
        if token in self._kept["refresh"]:
            return Reply(200, self._about("refresh_token"))
        if left is None or left <= 0:
            return Reply(200, {"active": False})
        return Reply(200, self._about("access_token") | {"expires_in": int(left)})

    def _about(self, use: str) -> dict[str, Any]:
        return {
            "active": True,
            "token_use": use,
            "token_type": "bearer",
            "client_id": self.app.client_id,
            "hub_id": PORTAL_ID,
            "user_id": USER_ID,
            "scopes": self.scopes,
        }

    def _revoke(self, request: Request, version: str) -> Reply:
        form = request.form()
        refused = self._refuse_client(form)
        if refused is not None:
            return refused
        self._kept["access"].pop(form.get("token", ""), None)
        self._kept["refresh"].discard(form.get("token", ""))
        return Reply(204, "")

    def _about_access(self, request: Request, token: str) -> Reply:
        left = self.left(token)
        if left is None or left <= 0:
            return Reply(404, {"status": "error", "message": "access token not found"})
        about = {"token": token, "expires_in": int(left), "app_id": 1, "hub_domain": "installaties.example"}
        return Reply(200, self._old(about))

    def _about_refresh(self, request: Request, token: str) -> Reply:
        if token not in self._kept["refresh"]:
            return Reply(404, {"status": "error", "message": "refresh token not found"})
        return Reply(200, self._old({"token": token, "client_id": self.app.client_id}))

    def _old(self, about: dict[str, Any]) -> dict[str, Any]:
        common = {"hub_id": PORTAL_ID, "user_id": USER_ID, "scopes": self.scopes, "token_type": "access"}
        return {**about, **common}

    def _forget_refresh(self, request: Request, token: str) -> Reply:
        self._kept["refresh"].discard(token)
        return Reply(204, "")


def _bad(status: str, message: str, error: str) -> Reply:
    return Reply(400, {"status": status, "message": message, "error": error, "error_description": message})


def _routes() -> tuple[tuple[re.Pattern[str], str, Callable[..., Reply]], ...]:
    version = "(?P<version>v1|v3|" + "|".join(VERSIONS) + ")"
    token = r"(?P<token>[\w.-]+)"
    table: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
        (rf"/oauth/{version}/token", "POST", Tokens._token),
        (rf"/oauth/{version}/token/introspect", "POST", Tokens._introspect),
        (rf"/oauth/{version}/token/revoke", "POST", Tokens._revoke),
        (rf"/oauth/v1/access-tokens/{token}", "GET", Tokens._about_access),
        (rf"/oauth/v1/refresh-tokens/{token}", "GET", Tokens._about_refresh),
        (rf"/oauth/v1/refresh-tokens/{token}", "DELETE", Tokens._forget_refresh),
    )
    return tuple((re.compile(pattern), method, handle) for pattern, method, handle in table)


_ROUTES = _routes()
