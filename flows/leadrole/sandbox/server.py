"""The pretend CRM's server: HTTP on loopback, a clock of its own, a ledger of calls, and faults on order."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

from leadrole.sandbox.faults import Fault, Faults
from leadrole.sandbox.hubspot import Account
from leadrole.sandbox.log import History
from leadrole.sandbox.wire import Dialect, Reply, Request

LOGIN_PAGE = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form>Log in to go on</form></body></html>\n"
UNSENT = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One call in the ledger. A status of 0 means that no answer was sent. Headers are not kept."""

    number: int
    method: str
    path: str
    query: str
    status: int
    body: str
    now: datetime


class Server:
    """A running pretend CRM."""

    def __init__(
        self,
        history: History,
        *,
        now: datetime,
        token: str,
        port: int = 0,
        dialect: type[Dialect] = Account,
        faults: Faults | None = None,
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.monotonic,
        **settings: Any,
    ) -> None:
        self.history = history
        self.token = token
        self.calls: list[Call] = []
        self._now = _aware(now)
        self._dialect = dialect
        self._faults = faults or Faults()
        self._settings = settings
        self._enforce_limits = enforce_limits
        self._clock = clock
        self._count = 0
        self._seen: Counter[int] = Counter()
        self._lock = threading.RLock()
        self._crm_now: Dialect | None = None
        self._memory: dict[str, Any] = {}
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.sandbox = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._http.server_address[1])

    @property
    def base_url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def now(self) -> datetime:
        """The CRM's clock. It stands still until it is set."""
        return self._now

    def set_now(self, now: datetime) -> None:
        """Set the CRM's clock; records are folded anew at the next call."""
        with self._lock:
            self._now = _aware(now)
            self._crm_now = None

    def set_faults(self, faults: Faults) -> None:
        """Replace what breaks; counting starts again."""
        with self._lock:
            self._faults = faults
            self._seen.clear()
            self._crm_now = None

    def clear_calls(self) -> None:
        """Forget the calls so far, also for the daily limit and the faults that count calls."""
        with self._lock:
            self.calls.clear()
            self._seen.clear()
            self._count = 0

    def count(self, part: str = "", status: int | None = None) -> int:
        """Count the calls whose method and path hold a text, and that had a status."""
        return sum(
            part in f"{call.method} {call.path}" and status in (None, call.status)
            for call in list(self.calls)
        )

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Server:
        """Give the running server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self.close()

    # --- one call

    def _handle(self, request: Request) -> _Outcome:
        with self._lock:
            self._count += 1
            number = self._count
            outcome = self._outcome(request, number)
            parts = urlsplit(request.target)
            status = UNSENT if outcome.drop else outcome.reply.status
            body = request.body.decode("utf-8", "replace")
            self.calls.append(Call(number, request.method, parts.path, parts.query, status, body, self._now))
            outcome.reply.headers.setdefault("Content-Type", "application/json;charset=utf-8")
            self._crm().dress(outcome.reply, request, number)
            return outcome

    def _crm(self) -> Dialect:
        if self._crm_now is None:
            self._crm_now = self._dialect(
                self.history.fold(self._now),
                history=self.history,
                token=self.token,
                base_url=self.base_url,
                faults=self._faults,
                memory=self._memory,
                **self._settings,
            )
        return self._crm_now

    def _outcome(self, request: Request, number: int) -> _Outcome:
        hit = self._hit(request, number)
        for fault in hit:
            if fault.kind == "advance_clock":
                self.set_now(self._now + timedelta(seconds=fault.values["seconds"]))
        for fault in hit:
            if fault.kind == "drop_connection":
                return _Outcome(Reply(200, None), drop=True)
            replaced = self._replaced(fault, request)
            if replaced is not None:
                return _Outcome(replaced)
        if self._enforce_limits:
            limited = self._crm().limited(request, self._clock(), number)
            if limited is not None:
                return _Outcome(limited)
        reply = self._crm().answer(request)
        for fault in hit:
            self._crm().bend(fault, request, reply)
        ways = {fault.kind: fault for fault in hit}
        drip = ways.get("slow_drip")
        return _Outcome(
            reply,
            truncate="truncate_body" in ways,
            garble="garble_body" in ways,
            pause=float(drip.values["seconds"]) if drip else 0.0,
        )

    def _hit(self, request: Request, number: int) -> list[Fault]:
        hit = []
        for index, fault in enumerate(self._faults.items):
            if not fault.fits(request.method, request.target):
                continue
            self._seen[index] += 1
            seen = number if fault.kind in ("daily_limit", "expire_token") else self._seen[index]
            if seen > fault.after and (fault.times is None or seen <= fault.after + fault.times):
                hit.append(fault)
        return hit

    def _replaced(self, fault: Fault, request: Request) -> Reply | None:
        if fault.kind == "html_login_page":
            return Reply(fault.values["code"], LOGIN_PAGE, {"Content-Type": "text/html;charset=utf-8"})
        if fault.kind in ("status", "daily_limit", "expire_token"):
            return self._crm().fault(fault, request)
        return None


@dataclass(slots=True)
class _Outcome:
    reply: Reply
    drop: bool = False
    truncate: bool = False
    garble: bool = False
    pause: float = 0.0


def serve(
    population: History,
    *,
    now: datetime,
    token: str,
    port: int = 0,
    dialect: type[Dialect] = Account,
    faults: Faults | None = None,
    enforce_limits: bool = False,
    **settings: Any,
) -> Server:
    """Start a pretend CRM on loopback, in a thread of its own; `port=0` takes a free one.

    `dialect` says which vendor's words it speaks; `settings` are the dialect's own (page sizes, limits, lags).
    """
    return Server(
        population,
        now=now,
        token=token,
        port=port,
        dialect=dialect,
        faults=faults,
        enforce_limits=enforce_limits,
        **settings,
    )


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("the sandbox's clock needs a time with a zone")
    return now.astimezone(UTC)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    sandbox: Server

    def handle_error(self, *_: object, **__: object) -> None:
        """Say nothing of clients that hang up; that is what the fault tests make them do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    do_PUT = do_PATCH = do_DELETE = do_POST

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        sandbox = cast(_Http, self.server).sandbox
        headers = {name.title(): value for name, value in self.headers.items()}
        outcome = sandbox._handle(Request.parse(self.command, self.path, headers, body))
        if outcome.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        reply = outcome.reply
        is_written = isinstance(reply.body, str | bytes)
        text = reply.body if is_written else json.dumps(reply.body, separators=(",", ":"))
        data = text if isinstance(text, bytes) else text.encode()
        if outcome.garble:
            data = data[: len(data) // 2]
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if outcome.truncate:
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif outcome.pause:
            size = max(len(data) // 8, 1)
            for start in range(0, len(data), size):
                self.wfile.flush()
                time.sleep(outcome.pause)
                self.wfile.write(data[start : start + size])
        else:
            self.wfile.write(data)
        self.wfile.flush()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Give the CRM's time, not the machine's."""
        return format_datetime(cast(_Http, self.server).sandbox.now, usegmt=True)

    def log_message(self, *_: object, **__: object) -> None:
        """Keep quiet: the ledger has it all."""
