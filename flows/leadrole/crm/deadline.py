"""A deadline for a whole answer, its headers included.

A timeout of a socket begins anew with each byte: a server that sends one a second is never late. The body is
counted while it comes, but what http.client reads before it can only be watched below, at the socket.
"""

from __future__ import annotations

import functools
import http.client
import io
from collections.abc import Callable
from typing import Any


class _WatchedSocket(io.RawIOBase):
    """The bytes of a connection; `check` is called before each wait for more, and may raise."""

    def __init__(self, raw: Any, check: Callable[[], None]) -> None:
        self._raw = raw
        self._check = check

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._check()
        count: int | None = self._raw.readinto(buffer)
        return count

    def fileno(self) -> int:
        number: int = self._raw.fileno()
        return number

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _WatchedResponse(http.client.HTTPResponse):
    def __init__(self, *args: Any, check: Callable[[], None], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fp = io.BufferedReader(_WatchedSocket(self.fp.detach(), check))


def watched(connections: type[Any], check: Callable[[], None]) -> type[Any]:
    """A kind of connection that calls `check` before each wait for bytes."""
    response = functools.partial(_WatchedResponse, check=check)
    return type(f"Watched{connections.__name__}", (connections,), {"response_class": staticmethod(response)})
