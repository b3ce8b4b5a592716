"""Several database files in one connection, the way every step of ours reads and writes them."""

from __future__ import annotations

from pathlib import Path

import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of its own in UTC, to which files are attached."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    return connection


def attach(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, *, options: str = "read_only"
) -> None:
    """Attach a file under a name; read-only unless ``options`` say otherwise."""
    # ATTACH takes no bound value for its path.
    quoted = str(path).replace("'", "''")
    connection.execute(f"attach '{quoted}' as {name} ({options})")
