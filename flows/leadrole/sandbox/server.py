"""The pretend CRM's server: HTTP on loopback, a clock of its own, a ledger of calls, and faults on order."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from leadrole.sandbox import hubspot
from leadrole.sandbox.faults import Fault, Faults
from leadrole.sandbox.hubspot import Account, Reply, Request
from leadrole.sandbox.log import History

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
        faults: Faults | None = None,
        search_cap: int = 10_000,
        max_page: int = 100,
        search_lag_seconds: int = 300,
        seed: int = 0,
        enforce_limits: bool = False,
        per_10_seconds: int = 100,
        search_per_second: int = 5,
        daily_limit: int = 250_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.history = history
        self.token = token
        self.calls: list[Call] = []
        self._now = _aware(now)
        self._faults = faults or Faults()
        self._settings: dict[str, Any] = {
            "search_cap": search_cap,
            "max_page": max_page,
            "search_lag_seconds": search_lag_seconds,
            "seed": seed,
        }
        self._enforce_limits = enforce_limits
        self._per_10_seconds = per_10_seconds
        self._search_per_second = search_per_second
        self._daily_limit = daily_limit
        self._clock = clock
        self._recent: deque[float] = deque()
        self._recent_searches: deque[float] = deque()
        self._count = 0
        self._seen: Counter[int] = Counter()
        self._lock = threading.RLock()
        self._account: Account | None = None
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
            self._account = None

    def set_faults(self, faults: Faults) -> None:
        """Replace what breaks; counting starts again."""
        with self._lock:
            self._faults = faults
            self._seen.clear()
            self._account = None

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
            self._dress(outcome.reply, number)
            return outcome

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
                replaced.is_search = request.path.endswith("/search")
                return _Outcome(replaced)
        limited = self._limited(request)
        if limited is not None:
            return _Outcome(limited)
        if self._account is None:
            self._account = Account(
                self.history.fold(self._now),
                token=self.token,
                base_url=self.base_url,
                faults=self._faults,
                **self._settings,
            )
        reply = self._account.answer(request)
        for fault in hit:
            _bend(fault, request, reply, self._account)
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
        if fault.kind == "status":
            code, headers, body = fault.values["code"], dict(fault.values["headers"]), fault.values["body"]
            if body is None:
                body = _usual_body(code, request)
            return Reply(code, body, headers)
        if fault.kind == "html_login_page":
            return Reply(fault.values["code"], LOGIN_PAGE, {"Content-Type": "text/html;charset=utf-8"})
        if fault.kind == "daily_limit":
            return Reply(429, hubspot.rate_limited("DAILY"))
        if fault.kind == "expire_token":
            return Reply(401, hubspot.expired())
        return None

    def _limited(self, request: Request) -> Reply | None:
        if not self._enforce_limits:
            return None
        if self._count > self._daily_limit:
            return Reply(429, hubspot.rate_limited("DAILY"))
        moment = self._clock()
        if request.path.endswith("/search"):
            if _is_over(self._recent_searches, moment, 1.0, self._search_per_second):
                return Reply(429, hubspot.rate_limited("SECONDLY"), is_search=True)
        elif _is_over(self._recent, moment, 10.0, self._per_10_seconds):
            return Reply(429, hubspot.rate_limited("TEN_SECONDLY_ROLLING"))
        return None

    def _dress(self, reply: Reply, number: int) -> None:
        headers = reply.headers
        correlation = f"{number:08x}-0000-4000-8000-{number:012x}"
        if reply.status >= 400 and isinstance(reply.body, dict):
            reply.body.setdefault("correlationId", correlation)
            if reply.body.get("errorType") == "RATE_LIMIT":
                reply.body.setdefault("requestId", f"{number:032x}")
        headers.setdefault("Content-Type", "application/json;charset=utf-8")
        headers["X-HubSpot-Correlation-Id"] = correlation
        headers["X-HubSpot-RateLimit-Daily"] = str(self._daily_limit)
        headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(self._daily_limit - number, 0))
        if not reply.is_search:
            # Search says nothing about its own limit, as recorded.
            used = len(self._recent) if self._enforce_limits else 1
            headers["X-HubSpot-RateLimit-Max"] = str(self._per_10_seconds)
            headers["X-HubSpot-RateLimit-Remaining"] = str(max(self._per_10_seconds - used, 0))
            headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
        if reply.status == 530 or reply.status == 414:
            for name in [name for name in headers if name.startswith("X-HubSpot")]:
                del headers[name]


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
    faults: Faults | None = None,
    search_cap: int = 10_000,
    max_page: int = 100,
    search_lag_seconds: int = 300,
    seed: int = 0,
    enforce_limits: bool = False,
    per_10_seconds: int = 100,
    search_per_second: int = 5,
    daily_limit: int = 250_000,
) -> Server:
    """Start a pretend HubSpot on loopback, in a thread of its own; `port=0` takes a free one."""
    return Server(
        population,
        now=now,
        token=token,
        port=port,
        faults=faults,
        search_cap=search_cap,
        max_page=max_page,
        search_lag_seconds=search_lag_seconds,
        seed=seed,
        enforce_limits=enforce_limits,
        per_10_seconds=per_10_seconds,
        search_per_second=search_per_second,
        daily_limit=daily_limit,
    )


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("the sandbox's clock needs a time with a zone")
    return now.astimezone(UTC)


def _is_over(recent: deque[float], moment: float, window: float, most: int) -> bool:
    while recent and recent[0] <= moment - window:
        recent.popleft()
    if len(recent) >= most:
        return True
    recent.append(moment)
    return False


def _usual_body(code: int, request: Request) -> Any:
    if code == 429:
        return hubspot.rate_limited(
            "SECONDLY" if request.path.endswith("/search") else "TEN_SECONDLY_ROLLING"
        )
    if code == 401:
        return hubspot.unauthorized()
    messages = {423: "Resource is locked", 477: "Migration in progress", 500: "internal error"}
    return {"status": "error", "message": messages.get(code, "Service unavailable")}


def _bend(fault: Fault, request: Request, reply: Reply, account: Account) -> None:
    """Change a good answer into a bad one of the same shape."""
    body = reply.body
    if reply.status not in (200, 207) or not isinstance(body, dict) or "results" not in body:
        return
    following = body.get("paging", {}).get("next")
    if fault.kind == "empty_everything":
        body["results"] = []
        body.pop("paging", None)
        if "total" in body:
            body["total"] = 0
    elif fault.kind == "null_results":
        body["results"] = None
    elif fault.kind == "duplicate_page":
        body["results"] = body["results"] * 2
    elif fault.kind == "omit_last_page" and following:
        if "paging" not in account.answer(_after(request, following["after"])).body:
            del body["paging"]
    elif fault.kind == "next_points_to" and following:
        following["link"] = fault.values["url"]
    elif fault.kind == "loop_next":
        is_search = request.path.endswith("/search")
        itself = str(request.json().get("after") or 0) if is_search else request.one("after")
        body["paging"] = {"next": {"after": itself or hubspot._write_after(0)}}
    elif fault.kind == "partial_batch" and body["results"]:
        lose = fault.values["lose"]
        lost = body["results"][-lose:]
        body["results"] = body["results"][:-lose]
        ids = [one["from"]["id"] if "from" in one else one["id"] for one in lost]
        body["numErrors"] = body.get("numErrors", 0) + 1
        body.setdefault("errors", []).append(
            {
                "status": "error",
                "category": "INTERNAL_ERROR",
                "message": "Something went wrong for some of the inputs.",
                "context": {"ids": ids},
            }
        )
        reply.status = 207


def _after(request: Request, after: str) -> Request:
    """The request for the page that follows."""
    if request.path.endswith("/search"):
        return replace(request, body=json.dumps({**request.json(), "after": after}).encode())
    query = {**request.query, "after": [after]}
    return Request.parse(
        request.method, f"{request.path}?{urlencode(query, doseq=True)}", request.headers, request.body
    )


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
        headers = {"Authorization": self.headers["Authorization"]} if "Authorization" in self.headers else {}
        outcome = sandbox._handle(Request.parse(self.command, self.path, headers, body))
        if outcome.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        reply = outcome.reply
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body, separators=(",", ":"))
        data = text.encode()
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
