"""Who we are to HubSpot: a service key that stays, or an app whose access tokens live half an hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from leadrole.crm.auth import Grant, KeyAuth, TokenAuth, TokenStore
from leadrole.crm.client import Client, RateLimiter
from leadrole.crm.hubspot import quirks
from leadrole.crm.hubspot.endpoints import LAYOUTS
from leadrole.run import Run
from leadrole.settings import HubspotSource


def access(
    source: HubspotSource,
    run: Run,
    secrets: list[str],
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> KeyAuth | TokenAuth:
    """The authentication that the config asks for; every token of it becomes one of `secrets`."""
    if not source.is_app:
        token = source.token.get_secret_value()
        secrets.append(token)
        return KeyAuth(token)
    client_id, client_secret = source.client_id.get_secret_value(), source.client_secret.get_secret_value()
    secrets.append(client_secret)
    path = LAYOUTS[source.api_version].token.format(version=source.api_version)

    def ask(refresh_token: str | None) -> Grant:
        fields = {
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token or "",
        }
        with Client(
            source.base_url,
            auth=None,
            secrets=secrets,
            explain=quirks.explain_grant,
            limiter=RateLimiter(source.rate_limit.per_10_seconds, 10, monotonic=monotonic, sleep=sleep),
            clock=clock,
            sleep=sleep,
            monotonic=monotonic,
        ) as door:
            grant = door.post_form(path, fields).body
        newest = grant.get("refresh_token")
        return Grant(grant["access_token"], str(newest) if newest else None)

    return TokenAuth(
        ask,
        secrets=secrets,
        refresh_token=source.refresh_token.get_secret_value(),
        store=TokenStore(run.data_dir / "tokens" / f"{source.name}.json"),
    )
