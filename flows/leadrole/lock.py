"""One run per company at a time, by a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from leadrole.errors import AlreadyRunningError


@contextlib.contextmanager
def single_run(data_dir: Path) -> Iterator[None]:
    """Hold the company's run lock; raises ``AlreadyRunningError`` (exit 8) at once when another run has it."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / "run.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            raise AlreadyRunningError(
                f"another run is under way (process {holder or 'unknown'})",
                where=str(path),
                next_step="wait until it ends, or end that process; its lock goes with it",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_running(data_dir: Path) -> bool:
    """Whether a run holds the company's lock now; False also when its holder was killed."""
    try:
        with (data_dir / "run.lock").open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
