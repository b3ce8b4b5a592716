"""Who we are to Pipedrive, where it answers, and when we must not call at all."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from leadrole.crm.auth import Grant, KeyAuth, TokenAuth, TokenStore
from leadrole.crm.client import Client, RateLimiter, origin
from leadrole.crm.pipedrive import quirks
from leadrole.errors import SourceUnavailableError, StorageError
from leadrole.landing import moment_text
from leadrole.privacy import private_files
from leadrole.run import Run
from leadrole.settings import PipedriveSource, is_loopback


@dataclass(frozen=True)
class Access:
    """How the calls of one night are made."""

    auth: KeyAuth | TokenAuth
    base_url: str


def token_access(source: PipedriveSource, secrets: list[str]) -> Access:
    """The API token of one user."""
    token = source.token.get_secret_value()
    secrets.append(token)
    return Access(KeyAuth(token, header="x-api-token", prefix=""), source.base_url)


def app_access(
    source: PipedriveSource,
    run: Run,
    secrets: list[str],
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> Access:
    """The access tokens of an app; its calls go to the host that comes with them."""
    secret = source.client_secret.get_secret_value()
    header = quirks.basic(source.client_id.get_secret_value(), secret)
    secrets += [secret, header.removeprefix("Basic ")]
    domains: list[str] = []

    def ask(refresh_token: str | None) -> Grant:
        with Client(
            source.login_url,
            auth=None,
            secrets=secrets,
            explain=quirks.explain_grant,
            limiter=RateLimiter(1, quirks.BURST_SECONDS, monotonic=monotonic, sleep=sleep),
            cost=quirks.cost,
            clock=clock,
            sleep=sleep,
            monotonic=monotonic,
        ) as client:
            fields = {"grant_type": "refresh_token", "refresh_token": refresh_token or ""}
            body = client.post_form("/oauth/token", fields, headers={"Authorization": header}).body
        domains.append(str(body.get("api_domain") or source.base_url))
        return Grant(str(body["access_token"]), body.get("refresh_token"))

    auth = TokenAuth(
        ask,
        secrets=secrets,
        refresh_token=source.refresh_token.get_secret_value(),
        store=TokenStore(run.data_dir / "tokens" / f"{source.name}.json"),
    )
    auth.renew()
    return Access(auth, _trusted(domains[-1], source))


def _trusted(domain: str, source: PipedriveSource) -> str:
    """The host that a token came with, if it is Pipedrive's: the token is sent nowhere else."""
    host = (urllib.parse.urlsplit(domain).hostname or "").lower()
    is_ours = urllib.parse.urlsplit(domain).scheme == "https" and any(
        host == known or host.endswith(f".{known}") for known in source.HOSTS
    )
    if is_ours or (is_loopback(domain) and origin(domain) == origin(source.base_url)):
        return f"{urllib.parse.urlsplit(domain).scheme}://{urllib.parse.urlsplit(domain).netloc}"
    raise SourceUnavailableError(
        f"refused: the access token names the host {host[:100] or 'nothing'}, which is not Pipedrive's",
        next_step="nothing was sent there; find out who answers in Pipedrive's name (proxy, DNS) before running again",
    )


class CoolDown:
    """The moment before which Pipedrive must be left alone; it outlives the run, as a scheduler may try again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self, now: datetime) -> None:
        """Refuse to call while it lasts."""
        try:
            until = datetime.fromisoformat(json.loads(self._path.read_text(encoding="utf-8"))["until"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if now < until:
            raise SourceUnavailableError(
                f"{quirks.SHUT_OUT}; no call was made",
                next_step=f"run again after {moment_text(until.astimezone(UTC))[:16]}Z: each call makes it longer",
            )
        self._path.unlink(missing_ok=True)

    def start(self, now: datetime) -> None:
        """Put down that it begins."""
        try:
            with private_files():
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._path.write_text(
                    json.dumps({"until": moment_text(now + quirks.SHUT_OUT_FOR)}), encoding="utf-8"
                )
        except OSError as error:
            raise StorageError(
                f"can't write: {error.strerror}",
                where=self._path.name,
                next_step="make room on the disk or the directory writable; run again in 15 minutes",
            ) from None
