"""How we show who we are: a key that stays, or access tokens that are fetched and renewed.

Some vendors give a new refresh token with each renewal and forget the old one at once. Such a token is on the
disk before anything else happens with it: a run that dies right after would else lock the company out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
from requests.auth import AuthBase

from leadrole.errors import StorageError
from leadrole.landing import write_durably


class KeyAuth(AuthBase):
    """The key, in an object that is asked per request and never stands in session headers or URLs."""

    def __init__(self, token: str, *, header: str = "Authorization", prefix: str = "Bearer ") -> None:
        self._token = token
        self._header = header
        self._prefix = prefix

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key to one request."""
        request.headers[self._header] = f"{self._prefix}{self._token}"
        return request

    def renew(self) -> bool:
        """A key that stays can't be renewed."""
        return False

    def __repr__(self) -> str:
        return f"{type(self).__name__}([hidden])"


@dataclass(frozen=True)
class Grant:
    """What a vendor answers when it is asked for access."""

    access_token: str
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return "Grant([hidden])"


class TokenAuth(AuthBase):
    """Access tokens: one is fetched at the first call, and another when the vendor no longer takes it.

    `ask` gets the refresh token to use (None where the vendor has none) and answers with a grant. Every token
    is added to `secrets`, so that no message can hold one.
    """

    def __init__(
        self,
        ask: Callable[[str | None], Grant],
        *,
        secrets: list[str],
        refresh_token: str | None = None,
        store: TokenStore | None = None,
    ) -> None:
        self._ask = ask
        self._secrets = secrets
        self._store = store
        self._access_token: str | None = None
        self._refresh_token = (
            store.read(refresh_token) if store and refresh_token else None
        ) or refresh_token
        self._given = refresh_token
        if self._refresh_token:
            secrets.append(self._refresh_token)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the access token to one request, after fetching it if need be."""
        if self._access_token is None:
            self.renew()
        request.headers["Authorization"] = f"Bearer {self._access_token}"
        return request

    def renew(self) -> bool:
        """Fetch an access token; a new refresh token is kept before it is used."""
        grant = self._ask(self._refresh_token)
        if grant.refresh_token and grant.refresh_token != self._refresh_token:
            if self._store is not None and self._given is not None:
                self._store.write(self._given, grant.refresh_token)
            self._refresh_token = grant.refresh_token
            self._secrets.append(grant.refresh_token)
        self._access_token = grant.access_token
        self._secrets.append(grant.access_token)
        return True

    def __repr__(self) -> str:
        return "TokenAuth([hidden])"


class TokenStore:
    """The newest refresh token of one source, in a file of its own (0600).

    It belongs to the token that the environment gave: a company that sets a new one is not held to the old.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, given: str) -> str | None:
        """The newest token that came of `given`, if any did."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return str(kept["token"]) if kept["of"] == _fingerprint(given) else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise StorageError(
                "the stored refresh token can't be read",
                where=self._path.name,
                next_step="connect Leadrole to the CRM again and put the new refresh token in the environment, "
                f"then remove {self._path}",
            ) from None

    def write(self, given: str, token: str) -> None:
        """Keep `token`, on the disk when this returns."""
        try:
            write_durably(self._path, json.dumps({"of": _fingerprint(given), "token": token}))
        except OSError as error:
            raise StorageError(
                f"can't keep the CRM's new refresh token: {error.strerror}",
                where=self._path.name,
                next_step="make room on the disk or the directory writable; then connect Leadrole to the CRM again, "
                "as the old token no longer works",
            ) from None


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
