"""The one loop that talks to a CRM: ask, wait, retry, bound, redact.

What a library would do and this does not: follow a redirect, read ~/.netrc or proxy variables, send the key to
another host, trust a Content-Length, wait for ever, or put the key in an error text. A CRM supplies how it
authenticates and what its refusals mean; everything else about HTTP is here.

A first load is thousands of calls to one host, so the pool of urllib3 is used as it is: a session of requests
takes more time for a call than the call and its JSON do (benchmarks/README.md).
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec
import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH, requote_uri
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError, TimeoutError

from leadrole import __version__
from leadrole.crm.auth import KeyAuth, TokenAuth
from leadrole.crm.deadline import watched
from leadrole.errors import (
    AuthError,
    LeadroleError,
    MissingPermissionError,
    SourceContractError,
    SourceUnavailableError,
)
from leadrole.privacy import redact

CONNECT_SECONDS = 10
READ_SECONDS = 30
TOTAL_SECONDS = 120
MAX_BODY_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 128 * 1024
RETRIES = 5  # waits of 1, 2, 4, 8 and 16 seconds
RETRIES_A_RUN = 60
LIMITED_A_CALL = 30
LONGEST_WAIT = 300.0
UNKNOWN_WAIT = 10.0
SAME_LATER = "run again later; the last publication stays until then"


@dataclass(frozen=True)
class Reply:
    """A JSON answer, its headers and the two clocks at its arrival."""

    body: Any
    headers: Mapping[str, str]
    received_at: datetime
    server_time: datetime | None


@dataclass(frozen=True)
class Refusal:
    """What an answer that is no answer means; the CRM's module decides, the loop acts on it."""

    kind: Literal["key", "scope", "limit", "quota", "wait", "broken", "fatal"]
    message: str
    wait: float | None = None
    next_step: str = SAME_LATER


# Told the status and the body (None if it is no JSON); None says that the answer is a good one.
Explain = Callable[[int, Any], Refusal | None]
# Told the status and the headers before that, where a vendor says it there and not in the body.
ReadLimits = Callable[[int, Mapping[str, str]], Refusal | None]
# A body that looks as we know it, decoded to no more than what is used; anything else it must refuse.
Shape = msgspec.json.Decoder[Any]
# What a call costs in the vendor's own unit.
Cost = Callable[[str, str], int]


def _one(method: str, path: str) -> int:
    return 1


class RateLimiter:
    """Keeps our calls under `count` in any `seconds`; the wait is told to `sleep`, never spun."""

    def __init__(
        self, count: int, seconds: float, *, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._starts: deque[float] = deque(maxlen=count)
        # The CRM counts arrivals, we count departures; a little room keeps jitter from adding one too many.
        self._seconds = seconds * 1.05
        self._monotonic = monotonic
        self._sleep = sleep

    def wait(self) -> None:
        """Return when one more call is allowed."""
        now = self._monotonic()
        if len(self._starts) == self._starts.maxlen:
            pause = self._starts[0] + self._seconds - now
            if pause > 0:
                self._sleep(pause)
                # A test's clock may stand still while it sleeps; the call counts from when it may start.
                now = max(now + pause, self._monotonic())
        self._starts.append(now)


class _TransientError(Exception):
    """A failure of one attempt; never leaves this module."""


class Client:
    """A session with one CRM at one origin."""

    def __init__(
        self,
        base_url: str,
        *,
        auth: KeyAuth | TokenAuth | None,
        secrets: list[str],
        explain: Explain,
        read_limits: ReadLimits | None = None,
        limiter: RateLimiter,
        search_limiter: RateLimiter | None = None,
        cost: Cost = _one,
        allowance: int | None = None,
        most_share: float = 1.0,
        numbers_as_text: bool = False,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        total_seconds: float = TOTAL_SECONDS,
        read_seconds: float = READ_SECONDS,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._origin = origin(base_url)
        self._auth = auth
        self._secrets = secrets  # the list itself: tokens that come later are secrets too
        self._explain = explain
        self._read_limits = read_limits
        self._limiter = limiter
        self._search_limiter = search_limiter
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._total_seconds = total_seconds
        self._read_seconds = read_seconds
        self._max_body_bytes = max_body_bytes
        self._cost = cost
        self._most_share = most_share
        # Money in a JSON number would lose its last cents as a float.
        self._number = str if numbers_as_text else _float
        self._decoder = msgspec.json.Decoder(float_hook=self._number)
        self._failures = 0
        self._deadline = 0.0
        self.calls = 0
        self.spent = 0
        self.allowance = allowance
        self._host = _place(base_url)
        self._prefix = urllib.parse.urlsplit(self._base_url).path
        self._target = functools.lru_cache(maxsize=64)(self._checked)
        self._pool: urllib3.HTTPConnectionPool | None = None
        self._headers = {
            "User-Agent": f"leadrole/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.close()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        shape: Shape | None = None,
    ) -> Reply:
        """One answer to a GET; a body that fits `shape` is decoded to it, any other to plain dicts and lists."""
        return self._call("GET", path, params, None, headers=headers, shape=shape)

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        params: Mapping[str, str] | None = None,
        shape: Shape | None = None,
    ) -> Reply:
        """One answer to a POST that reads."""
        return self._call("POST", path, params, json.dumps(body).encode(), shape=shape)

    def post_form(
        self, path: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One answer to a form, as token endpoints want it."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._call("POST", path, None, urllib.parse.urlencode(fields).encode(), headers=kind)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """One answer to another method, such as the deletion of a job of ours."""
        return self._call(method, path, None, None if body is None else json.dumps(body).encode())

    def get_text(self, path: str, params: Mapping[str, str] | None = None, *, accept: str) -> Reply:
        """One answer whose body is text of the media type `accept`, given as bytes."""
        return self._call("GET", path, params, None, headers={"Accept": accept}, accept=accept)

    def search(self, path: str, body: Mapping[str, Any]) -> Reply:
        """One answer to a search, which has a limit of its own."""
        return self._call("POST", path, None, json.dumps(body).encode(), is_search=True)

    def check_link(self, link: str) -> None:
        """Refuse a next-page link that leaves the origin, whether or not anyone would follow it."""
        target = urllib.parse.urljoin(self._base_url + "/", link)
        if "\\" in link or origin(target) != self._origin or "@" in urllib.parse.urlsplit(target).netloc:
            raise SourceUnavailableError(
                f"refused: next page points to {_place(target)}, not to {self._host}",
                next_step="nothing was sent there; find out who answers in the CRM's name (proxy, DNS) before running again",
            )

    def _checked(self, path: str) -> str:
        """What is asked of the host for `path`; most calls of a night differ in their parameters only."""
        self.check_link(self._base_url + path)
        return requote_uri(self._prefix + path)

    def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: bytes | None,
        *,
        headers: Mapping[str, str] | None = None,
        accept: str | None = None,
        is_search: bool = False,
        shape: Shape | None = None,
    ) -> Reply:
        target = self._target(path)
        if params:
            target += ("&" if "?" in target else "?") + urllib.parse.urlencode(params)
        failed = limited = refused = 0
        while True:
            self._limiter.wait()
            if is_search and self._search_limiter is not None:
                self._search_limiter.wait()
            self._spend(method, path)
            try:
                status, reply = self._once(method, target, data, headers or {}, accept, shape)
            except _TransientError as error:
                failed = self._failed(failed, path, str(error))
                continue
            refusal = self._refusal(status, reply)
            if refusal is None:
                return reply
            message = redact(refusal.message, self._secrets)
            where = f"{method} {path}"
            if refusal.kind == "key":
                refused += 1
                if refused > 1:
                    raise AuthError(message, where=where, next_step=refusal.next_step)
                if self._auth is None or not self._auth.renew():
                    self._sleep(1.0)
            elif refusal.kind == "scope":
                raise MissingPermissionError(message, where=where, next_step=refusal.next_step)
            elif refusal.kind == "quota":
                raise SourceUnavailableError(message, where=where, next_step=refusal.next_step)
            elif refusal.kind in ("limit", "wait"):
                limited += 1
                pause = self._pause(reply, refusal)
                if pause > LONGEST_WAIT:
                    raise SourceUnavailableError(
                        f"{message}; the limit resets in {pause / 3600:.1f} hours",
                        where=where,
                        next_step="run again after that; the last publication stays until then",
                    )
                if limited > LIMITED_A_CALL:
                    raise SourceUnavailableError(
                        f"{message}; still limited after {limited} tries",
                        where=where,
                        next_step="lower rate_limit in the config or find the program that uses up the account's limit",
                    )
                self._sleep(pause)
            elif refusal.kind == "broken":
                failed = self._failed(failed, path, message)
            else:
                raise SourceUnavailableError(message, where=where, next_step=refusal.next_step)

    def _spend(self, method: str, path: str) -> None:
        """Count a call, unless it would take more of the account's day than we may."""
        cost = self._cost(method, path)
        if self.allowance is not None and self.spent + cost > self.allowance * self._most_share:
            raise SourceUnavailableError(
                f"tonight's calls reached {self._most_share:.0%} of the account's daily {self.allowance:,}; "
                "this night is incomplete",
                next_step="run again tomorrow: a first load goes on where it stopped; or raise max_allowance_share",
            )
        self.calls += 1
        self.spent += cost

    def _failed(self, failed: int, path: str, message: str) -> int:
        """Count a failure and wait, or give up."""
        failed += 1
        self._failures += 1
        if failed > RETRIES or self._failures > RETRIES_A_RUN:
            tries = f"{failed} tries" if failed > RETRIES else f"{self._failures} failures in this run"
            raise SourceUnavailableError(
                f"{redact(message, self._secrets)}; gave up after {tries}", where=path, next_step=SAME_LATER
            )
        self._sleep(2.0 ** (failed - 1))
        return failed

    def _pause(self, reply: Reply, refusal: Refusal) -> float:
        """How long the CRM asks us to wait: its header if it makes sense, else what its policy means."""
        fallback = refusal.wait if refusal.wait is not None else UNKNOWN_WAIT
        told = reply.headers.get("Retry-After", "").strip()
        if told.isdecimal():
            return max(float(told[:9]), 1.0)
        try:
            until = parsedate_to_datetime(told)
        except (ValueError, TypeError):
            return fallback
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max((until - (reply.server_time or self._clock())).total_seconds(), 1.0)

    def _refusal(self, status: int, reply: Reply) -> Refusal | None:
        refusal = self._read_limits(status, reply.headers) if self._read_limits is not None else None
        refusal = refusal or self._explain(status, reply.body)
        if refusal is None and not 200 <= status < 300:
            return Refusal("fatal", f"an answer that is not known ({status})")
        return refusal

    def _connections(self) -> urllib3.HTTPConnectionPool:
        """The pool of the one origin, opened at the first call; the certificates are those of requests."""
        if self._pool is None:
            scheme, host, port = self._origin
            if scheme == "https":
                self._pool = urllib3.HTTPSConnectionPool(
                    host, port, maxsize=1, cert_reqs="CERT_REQUIRED", ca_certs=DEFAULT_CA_BUNDLE_PATH
                )
            else:
                self._pool = urllib3.HTTPConnectionPool(host, port, maxsize=1)
            self._pool.ConnectionCls = watched(self._pool.ConnectionCls, self._check_deadline)
        return self._pool

    def _check_deadline(self) -> None:
        if self._monotonic() > self._deadline:
            raise _TransientError(f"{self._host} took longer than {self._total_seconds:g} s for one answer")

    def _once(
        self,
        method: str,
        target: str,
        data: bytes | None,
        headers: Mapping[str, str],
        accept: str | None,
        shape: Shape | None,
    ) -> tuple[int, Reply]:
        """One attempt; library errors, which may quote the key, are replaced by words of ours."""
        self._deadline = self._monotonic() + self._total_seconds
        kind = {} if data is None else {"Content-Type": "application/json"}
        request = requests.PreparedRequest()
        request.headers = requests.structures.CaseInsensitiveDict({**self._headers, **kind, **headers})
        if self._auth is not None:
            self._auth(request)
        host = self._host
        try:
            with self._connections().urlopen(
                method,
                target,
                body=data,
                headers=dict(request.headers),
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=self._read_seconds),
            ) as response:
                if 300 <= response.status < 400:
                    location = str(response.headers.get("Location", ""))
                    to = urllib.parse.urljoin(urllib.parse.urljoin(self._base_url, target), location)
                    raise SourceUnavailableError(
                        f"refused: {host} redirects to {_place(to)}",
                        next_step="set base_url to the CRM's own address; the key is sent nowhere else",
                    )
                content = self._read(response)
        except LeadroleError:
            raise
        except SSLError:
            raise SourceUnavailableError(
                f"the certificate of {host} can't be trusted",
                next_step="check base_url and this machine's clock and certificates; there is no insecure mode",
            ) from None
        except NewConnectionError as error:
            raise _TransientError(f"the connection with {host} broke ({type(error).__name__})") from None
        except ConnectTimeoutError:
            raise _TransientError(f"{host} did not accept a connection in {CONNECT_SECONDS} s") from None
        except TimeoutError:
            raise _TransientError(f"{host} sent nothing for {self._read_seconds:g} s") from None
        except (HTTPError, OSError, ValueError) as error:
            if "timed out" in str(error).lower():
                raise _TransientError(f"{host} sent nothing for {self._read_seconds:g} s") from None
            raise _TransientError(f"the connection with {host} broke ({type(error).__name__})") from None
        return response.status, self._reply(response, content, accept, shape)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """The decoded body, counted while it comes: neither a drip nor a bomb can hold the night."""
        chunks: list[bytes] = []
        size = 0
        while True:
            # read1 gives what one packet brought; read() would sit out a drip of a byte a second.
            chunk = response.read1(CHUNK_BYTES, decode_content=True)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body_bytes:
                raise SourceUnavailableError(
                    f"a page larger than {self._max_body_bytes // (1024 * 1024)} MiB",
                    where=self._host,
                    next_step="lower page_size in the config",
                )
            self._check_deadline()

    def _reply(
        self,
        response: urllib3.BaseHTTPResponse,
        content: bytes,
        accept: str | None,
        shape: Shape | None,
    ) -> Reply:
        kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        is_good = 200 <= response.status < 300
        body: Any = None
        if accept is not None and kind == accept and is_good:
            body = content
        elif content.strip() and response.status != 204:
            if kind and "json" not in kind and is_good:
                if kind == "text/html":
                    raise AuthError(
                        "the CRM's answer is not JSON (text/html), probably a login page",
                        where=self._host,
                        next_step="check base_url and the key; open the address in a browser to see what it says",
                    )
                raise SourceUnavailableError(
                    f"the CRM's answer is not JSON ({kind[:60]})",
                    where=self._host,
                    next_step=SAME_LATER,
                )
            body = self._parse(content, shape if is_good else None, is_good=is_good)
        return Reply(
            body, response.headers, self._clock(), _server_time(str(response.headers.get("Date", "")))
        )

    def _parse(self, content: bytes, shape: Shape | None, *, is_good: bool) -> Any:
        contract = "report it to the CRM's support; nothing of this night was kept"
        for decoder in (shape, self._decoder):
            with contextlib.suppress(ValueError, RecursionError):
                if decoder is not None:
                    return decoder.decode(content)
        try:
            # The standard module bears with more: a byte order mark, half a surrogate pair, NaN.
            return json.loads(content.decode("utf-8-sig"), parse_float=self._number, parse_constant=str)
        except UnicodeDecodeError:
            if not is_good:
                return None
            raise SourceContractError(
                "an answer is not UTF-8", where=self._host, next_step=contract
            ) from None
        except RecursionError:
            raise SourceContractError(
                "an answer is nested too deep to be a page of records", where=self._host, next_step=contract
            ) from None
        except ValueError:
            if not is_good:
                return None
            raise _TransientError(f"{self._host} sent JSON that ends early or is broken") from None


@functools.lru_cache(maxsize=4)
def _server_time(text: str) -> datetime | None:
    """The Date of an answer; many answers come in one second."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _float(text: str) -> float | str:
    """A number, or its text if it is larger than a float can be."""
    value = float(text)
    return value if math.isfinite(value) else text


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what two URLs must share before the key may go to the second."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, -1)
        return parts.scheme.lower(), (parts.hostname or "").lower(), port
    except ValueError:
        return "", "", -1


def _place(url: str) -> str:
    """Scheme and host of a URL for a message: no user name, path or query, which may hold secrets."""
    scheme, host, port = origin(url)
    shown = f"{scheme}://{host}" if host else f"{scheme}:" if scheme else "an unreadable address"
    return shown if port in (443, 80, -1) else f"{shown}:{port}"
