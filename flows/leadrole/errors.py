"""Every error of Leadrole, one exit code each, so that a scheduler and a person read the same thing.

LeadroleError                    what happened, where, and what to do next
├── ConfigError             2    you: the config file or the environment is wrong
├── AuthError               3    you: the CRM refuses the key
│   └── MissingPermissionError 3 the key is good and lacks a permission
├── SourceUnavailableError  4    the CRM: down, limited, or it answered only in part
├── SourceContractError     5    the source: it no longer holds what the mapping expects
├── ChecksFailedError       6    the data: tonight's figures did not pass, yesterday's stay
├── StorageError            7    the disk: full, locked, damaged, or not ours
├── AlreadyRunningError     8    another run works in this home
├── InternalError           9    us: a fault in Leadrole
└── NothingNew             10    nobody: nothing changed and the last publication is still fresh
"""

from __future__ import annotations

from typing import ClassVar


class LeadroleError(Exception):
    """A failure that a person can act on; its text is one line (ConfigError: one line a mistake)."""

    exit_code: ClassVar[int] = 9

    def __init__(self, message: str, *, next_step: str, where: str | None = None) -> None:
        self.message = message
        self.next_step = next_step
        self.where = where
        super().__init__(message)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return " ".join(f"{self.message}{place} -> {self.next_step}".split())


class ConfigError(LeadroleError):
    """The config file or the environment is wrong; carries all mistakes, not only the first."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        next_step: str,
        where: str | None = None,
        mistakes: tuple[str, ...] = (),
    ) -> None:
        self.mistakes = mistakes
        super().__init__(message, next_step=next_step, where=where)

    def __str__(self) -> str:
        return "\n".join(
            [super().__str__(), *(f"  {' '.join(mistake.split())}" for mistake in self.mistakes)]
        )


class AuthError(LeadroleError):
    """The CRM refuses the key, or the key lacks a permission."""

    exit_code = 3


class MissingPermissionError(AuthError):
    """The CRM knows the key and does not let it read this."""


class SourceUnavailableError(LeadroleError):
    """The CRM can't be reached, limits us, or gave only part of what was asked."""

    exit_code = 4


class SourceContractError(LeadroleError):
    """The source answered, but not with what the mapping expects."""

    exit_code = 5


class ChecksFailedError(LeadroleError):
    """The candidate did not pass its checks; the last publication stays."""

    exit_code = 6


class StorageError(LeadroleError):
    """A file can't be read, written or trusted."""

    exit_code = 7


class AlreadyRunningError(LeadroleError):
    """Another run holds this home."""

    exit_code = 8


class InternalError(LeadroleError):
    """A fault in Leadrole itself."""

    exit_code = 9


class NothingNew(LeadroleError):
    """Nothing changed since the last publication, which is still fresh."""

    exit_code = 10
