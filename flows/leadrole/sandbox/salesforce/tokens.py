"""The token endpoint: client credentials, a signed assertion, or a refresh token that may be used only once."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from leadrole.sandbox.salesforce.ids import AUTOMATED_ID, ORGANIZATION_ID
from leadrole.sandbox.salesforce.refusal import token_error
from leadrole.sandbox.wire import Reply, Request

CLIENT_ID = "3MVG9demo.consumer"
CLIENT_SECRET = "9F3Cdemo"
REFRESH_TOKEN = "5Aep861demo"
USERNAME = "koppeling@installaties.example"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFE = timedelta(minutes=5)


@dataclass(frozen=True)
class Door:
    """Who may come in, and for how long; assertions and tokens grow old by the org's clock."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    username: str = USERNAME
    public_key: str | None = None  # PEM, of a key or a certificate
    is_approved: bool = True
    allows_client_credentials: bool = True
    refresh_token: str = REFRESH_TOKEN
    rotates: bool = False
    token_seconds: int = 7200


class Tokens:
    """The tokens that were given out; they live in the server's memory."""

    def __init__(self, door: Door, *, at: datetime, base_url: str, memory: dict[str, Any]) -> None:
        self.door = door
        self.at = at
        self.base_url = base_url
        self._given: dict[str, datetime] = memory.setdefault("tokens", {})
        self._refresh: dict[str, None] = memory.setdefault("refresh_tokens", {door.refresh_token: None})
        self._killed: set[str] = memory.setdefault("killed_tokens", set())
        self._memory = memory

    def knows(self, token: str, lasting: str) -> bool:
        """Whether a token is good now; the lasting one is good until it is killed."""
        if token in self._killed:
            return False
        return token == lasting or self._given.get(token, self.at) > self.at

    def kill(self, lasting: str) -> None:
        """End every session there is; a new login gives a new one."""
        self._killed.update(self._given, [lasting])

    def answer(self, request: Request) -> Reply:
        """Answer a request for a token."""
        form = request.form()
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            return self._client_credentials(request, form)
        if grant == JWT_GRANT:
            return self._assertion(form)
        if grant == "refresh_token":
            return self._refreshed(request, form)
        if grant == "password":
            return token_error("invalid_grant", "authentication failure")
        return token_error("unsupported_grant_type", "grant type not supported")

    def _client_credentials(self, request: Request, form: dict[str, str]) -> Reply:
        refused = self._wrong_client(request, form, needs_secret=True)
        if refused is not None:
            return refused
        if not self.door.allows_client_credentials:
            return token_error("invalid_grant", "no client credentials user enabled")
        return self._give()

    def _refreshed(self, request: Request, form: dict[str, str]) -> Reply:
        refused = self._wrong_client(request, form, needs_secret=False)
        if refused is not None:
            return refused
        token = form.get("refresh_token", "")
        if token not in self._refresh:
            return token_error("invalid_grant", "expired access/refresh token")
        if not self.door.rotates:
            return self._give()
        del self._refresh[token]
        successor = f"{self.door.refresh_token}.{self._count('rotations')}"
        self._refresh[successor] = None
        return self._give(refresh_token=successor)

    def _wrong_client(self, request: Request, form: dict[str, str], *, needs_secret: bool) -> Reply | None:
        client, secret = form.get("client_id"), form.get("client_secret")
        header = request.headers.get("Authorization", "")
        if header.startswith("Basic "):
            try:
                client, _, secret = base64.b64decode(header[6:]).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return token_error("invalid_client", "invalid client credentials")
        if client != self.door.client_id:
            return token_error("invalid_client_id", "client identifier invalid")
        if secret != self.door.client_secret and (needs_secret or secret is not None):
            return token_error("invalid_client", "invalid client credentials")
        return None

    def _assertion(self, form: dict[str, str]) -> Reply:
        try:
            head, claims, signed, signature = _take_apart(form.get("assertion", ""))
        except (ValueError, binascii.Error):
            return token_error("invalid_grant", "invalid assertion")
        if claims.get("iss") != self.door.client_id:
            return token_error("invalid_client_id", "client identifier invalid")
        if head.get("alg") != "RS256" or not self._is_signed(signed, signature):
            return token_error("invalid_grant", "invalid assertion")
        audiences = ("https://login.salesforce.com", "https://test.salesforce.com", self.base_url)
        if claims.get("aud") not in audiences:
            return token_error("invalid_grant", "audience is invalid")
        try:
            left = float(claims["exp"]) - self.at.timestamp()
        except (KeyError, TypeError, ValueError):
            return token_error("invalid_grant", "invalid assertion")
        if not 0 < left <= ASSERTION_LIFE.total_seconds():
            return token_error("invalid_grant", "expired authorization code")
        if claims.get("sub") != self.door.username or not self.door.is_approved:
            return token_error("invalid_grant", "user hasn't approved this consumer")
        return self._give()

    def _is_signed(self, signed: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
        from cryptography.x509 import load_pem_x509_certificate

        if self.door.public_key is None:
            return False
        pem = self.door.public_key.encode()
        is_certificate = b"BEGIN CERTIFICATE" in pem
        key: object = (
            load_pem_x509_certificate(pem).public_key()
            if is_certificate
            else serialization.load_pem_public_key(pem)
        )
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        try:
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def _give(self, **more: str) -> Reply:
        number = self._count("logins")
        secret = sha256(f"{self.door.client_id}:{number}".encode()).hexdigest()
        token = f"{ORGANIZATION_ID[:15]}!AQ{secret}"
        self._given[token] = self.at + timedelta(seconds=self.door.token_seconds)
        body = {
            "access_token": token,
            "signature": base64.b64encode(bytes.fromhex(secret)).decode(),
            "scope": "api refresh_token" if more else "api",
            "instance_url": self.base_url,
            "id": f"{self.base_url}/id/{ORGANIZATION_ID}/{AUTOMATED_ID}",
            "token_type": "Bearer",
            "issued_at": str(round(self.at.timestamp() * 1000)),
            **more,
        }
        return Reply(200, body, {"Cache-Control": "no-store", "Pragma": "no-cache"})

    def _count(self, name: str) -> int:
        counts: dict[str, int] = self._memory.setdefault("counts", {})
        counts[name] = counts.get(name, 0) + 1
        return counts[name]


def _take_apart(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    head, claims, signature = assertion.split(".")
    decoded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (head, claims, signature)]
    parts = json.loads(decoded[0]), json.loads(decoded[1])
    if not all(isinstance(part, dict) for part in parts):
        raise ValueError("not an assertion")
    return parts[0], parts[1], f"{head}.{claims}".encode(), decoded[2]
