"""Who we are to Pipedrive, where it answers, and when we must not call at all."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from leadrole.crm.auth import Grant, KeyAuth, TokenAuth, TokenStore
from leadrole.crm.client import Client, RateLimiter, origin
from leadrole.crm.pipedrive import quirks
from leadrole.errors import SourceUnavailableError, StorageError
from leadrole.landing import moment_text, write_durably
from leadrole.run import Run
from leadrole.settings import PipedriveSource, is_loopback

# Tokens that are put down before they are spent: a run that is killed counts for at most this much too many.
PUT_DOWN_AHEAD = 1000


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
        store=TokenStore(run.token_path(source.name)),
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
        _remember(
            self._path, {"until": moment_text(now + quirks.SHUT_OUT_FOR)}, then="; run again in 15 minutes"
        )


class DayBudget:
    """The tokens that this home spent today, all its runs together: Pipedrive tells nobody what is left.

    A day lasts from midnight to midnight in `budget_timezone`. Used as a context; a day that is over counts for nothing.
    """

    def __init__(self, path: Path, source: PipedriveSource, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._allowance = source.daily_tokens
        self._share = source.max_allowance_share
        self._zone = ZoneInfo(source.budget_timezone)
        self._clock = clock
        self._day = ""
        self._spent = 0
        self._put_down = 0

    def __enter__(self) -> DayBudget:
        self._begin(self._today())
        return self

    def __exit__(self, *_: object) -> None:
        if self._put_down != self._spent:
            self._write(self._spent)

    def cost(self, method: str, path: str) -> int:
        """The tokens of a call that is about to be made, which count from now on; refuses one beyond our share."""
        tokens = quirks.cost(method, path)
        today = self._today()
        if today != self._day:
            self._begin(today)
        if self._spent + tokens > self._allowance * self._share:
            raise SourceUnavailableError(
                f"today's calls reached {self._share:.0%} of the account's daily {self._allowance:,} tokens; "
                "this night is incomplete",
                next_step=f"run again after midnight ({self._zone.key}): a first load goes on where it stopped; "
                "or raise max_allowance_share",
            )
        self._spent += tokens
        if self._spent > self._put_down:
            self._write(self._spent + PUT_DOWN_AHEAD)
        return tokens

    def _today(self) -> str:
        return self._clock().astimezone(self._zone).date().isoformat()

    def _begin(self, today: str) -> None:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            spent = int(told["spent"]) if told["day"] == today else 0
        except (OSError, ValueError, KeyError, TypeError):
            spent = 0
        self._day, self._spent, self._put_down = today, spent, spent

    def _write(self, spent: int) -> None:
        _remember(self._path, {"day": self._day, "spent": spent}, then=", and run again")
        self._put_down = spent


def _remember(path: Path, told: Mapping[str, Any], *, then: str) -> None:
    """Put down what the next run must know; `then` ends the advice when that fails."""
    try:
        write_durably(path, json.dumps(told))
    except OSError as error:
        raise StorageError(
            f"can't write: {error.strerror}",
            where=path.name,
            next_step=f"make room on the disk or the directory writable{then}",
        ) from None
