"""Where dbt_project/, expectations/ and config/ are: in a checkout, or inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

from leadrole.errors import InternalError

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The directory `name` that came with this copy of Leadrole."""
    for root in (PACKAGE / "_files", PACKAGE.parent.parent):
        if (root / name).is_dir():
            return root / name
    raise InternalError(
        f"the directory {name}/ that Leadrole ships with is missing",
        where=str(PACKAGE),
        next_step="install leadrole again; the installation is incomplete",
    )


def dbt_project() -> Path:
    """The transformations."""
    return shipped("dbt_project")


def expectations() -> Path:
    """What a night's data must look like."""
    return shipped("expectations")


def config() -> Path:
    """The example configs and the shipped seeds."""
    return shipped("config")
