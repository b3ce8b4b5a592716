"""What every failure tells, and the number that a scheduler sees."""

from __future__ import annotations

import re

import pytest

from leadrole import errors
from leadrole.errors import ConfigError, LeadroleError

CLASSES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, LeadroleError)
]


def test_each_error_has_an_exit_code_of_its_own() -> None:
    codes = {cls.__name__: cls.exit_code for cls in CLASSES if cls is not LeadroleError}
    assert codes == {
        "ConfigError": 2,
        "AuthError": 3,
        "MissingPermissionError": 3,
        "SourceUnavailableError": 4,
        "SourceContractError": 5,
        "ChecksFailedError": 6,
        "StorageError": 7,
        "AlreadyRunningError": 8,
        "InternalError": 9,
        "NothingNew": 10,
    }


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+)\s+(\d+)", errors.__doc__ or ""))
    assert drawn == {cls.__name__: str(cls.exit_code) for cls in CLASSES if cls is not LeadroleError}


def test_an_error_without_a_next_step_cannot_be_made() -> None:
    with pytest.raises(TypeError):
        LeadroleError("it broke")  # type: ignore[call-arg]


def test_an_error_is_one_line_with_what_where_and_what_next() -> None:
    error = errors.StorageError("the disk\nis full", where="/data", next_step="make\nroom")
    assert str(error) == "the disk is full (/data) -> make room"


def test_a_config_error_is_one_line_a_mistake() -> None:
    error = ConfigError("2 mistakes", next_step="correct them", mistakes=("a:1 x", "a:2 y\nz"))
    assert str(error).splitlines() == ["2 mistakes -> correct them", "  a:1 x", "  a:2 y z"]
