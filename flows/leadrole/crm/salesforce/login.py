"""How we come in: the app's own secret, an assertion signed with its key, or a refresh token.

The SOAP login with a password is retired (T-28). Every way ends at the same token endpoint of the org's own
address, and a token is good for the org that the answer names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from leadrole.crm.auth import Grant, TokenAuth, TokenStore
from leadrole.crm.client import Client, origin
from leadrole.crm.salesforce.endpoints import TOKEN
from leadrole.errors import ConfigError, SourceContractError
from leadrole.run import Run
from leadrole.settings import SalesforceSource

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Salesforce takes assertions that end within five minutes; its clock and ours may differ a little.
ASSERTION_LIFE = timedelta(minutes=3)


def token_auth(
    source: SalesforceSource, run: Run, door: Client, secrets: list[str], clock: Callable[[], datetime]
) -> TokenAuth:
    """The authentication that the config asks for; tokens are fetched through `door`."""
    client_id = source.client_id.get_secret_value()
    client_secret = source.client_secret.get_secret_value()
    refresh_token = source.refresh_token.get_secret_value()
    secrets += [secret for secret in (client_secret, refresh_token) if secret]

    def ask(newest: str | None) -> Grant:
        fields = {"client_id": client_id}
        if source.login == "jwt":
            assertion = _assertion(source, client_id, clock())
            secrets.append(assertion)
            fields = {"grant_type": JWT_GRANT, "assertion": assertion}
        elif source.login == "refresh_token":
            fields |= {"grant_type": "refresh_token", "refresh_token": newest or refresh_token}
        else:
            fields |= {"grant_type": "client_credentials"}
        if client_secret and source.login != "jwt":
            fields["client_secret"] = client_secret
        return _grant(source, door.post_form(TOKEN, fields).body)

    if source.login != "refresh_token":
        return TokenAuth(ask, secrets=secrets)
    store = TokenStore(run.data_dir / "tokens" / f"{source.name}.json")
    return TokenAuth(ask, secrets=secrets, refresh_token=refresh_token, store=store)


def _grant(source: SalesforceSource, body: dict[str, Any]) -> Grant:
    """The grant, if it is for the address that the config names: the token is sent nowhere else."""
    token = str(body["access_token"])
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SourceContractError(
            "Salesforce sent an access token that can't stand in a header",
            next_step="run again; if it stays, report it to Leadrole",
        )
    address = str(body.get("instance_url") or source.base_url)
    if origin(address) != origin(source.base_url):
        scheme, host, _ = origin(address)
        raise ConfigError(
            f"{source.name}: base_url is not the address of this org, which says it is {scheme}://{host}",
            next_step=f"write base_url: {scheme}://{host} if that is your org; nothing was sent there",
        )
    refresh_token = body.get("refresh_token")
    return Grant(token, None if refresh_token is None else str(refresh_token))


def _assertion(source: SalesforceSource, client_id: str, now: datetime) -> str:
    """Who we are and for whom, signed with the app's private key."""
    import jwt

    path = source.private_key_file or Path()
    claims = {
        "iss": client_id,
        "sub": source.username,
        "aud": source.login_audience,
        "exp": round((now + ASSERTION_LIFE).timestamp()),
    }
    try:
        return jwt.encode(claims, path.read_bytes(), algorithm="RS256")
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
    except (ValueError, TypeError, jwt.PyJWTError):
        problem = "holds no private RSA key in PEM form without a passphrase"
    raise ConfigError(
        f"{source.name}: private_key_file {problem}",
        where=str(path),
        next_step="put the key there whose certificate the app in Salesforce has, readable by this user only",
    )
