"""What a night tells whoever watches it: a terminal, a test, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Watcher(Protocol):
    """Receives the steps of a night as they happen. Implementations must not raise."""

    def started(self, step: str, label: str) -> None:
        """A step begins."""

    def advanced(self, step: str, done: int, total: int | None, detail: str) -> None:
        """A step has done so much of so much; ``total`` is None where nobody knows it beforehand."""

    def finished(self, step: str, seconds: float, facts: Mapping[str, int | str]) -> None:
        """A step ended well; ``facts`` are its counts, in the order in which they read best."""

    def noted(self, message: str) -> None:
        """Something a person should know that stops nothing."""


class Silent:
    """A watcher that tells nobody."""

    def started(self, step: str, label: str) -> None:
        """Ignore it."""

    def advanced(self, step: str, done: int, total: int | None, detail: str) -> None:
        """Ignore it."""

    def finished(self, step: str, seconds: float, facts: Mapping[str, int | str]) -> None:
        """Ignore it."""

    def noted(self, message: str) -> None:
        """Ignore it."""
