"""Raw beside what a pretend HubSpot holds: records, every value they had, and links."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb

from leadrole.crm.hubspot.endpoints import ENDPOINTS
from leadrole.crm.spec import Endpoint
from leadrole.sandbox.hubspot import ledger
from leadrole.sandbox.log import History
from leadrole.settings import Settings
from support.homes import run_of

Ledger = Mapping[str, Mapping[str, Mapping[str, Any]]]


def differences(config: Settings, history: History, at: datetime, **settings: Any) -> list[str]:
    """What raw holds otherwise than the account: lost, stale, twice, or gone there and live here."""
    truth = ledger(history, at, **settings)
    found: list[str] = []
    with duckdb.connect(str(run_of(config.home).raw_path), read_only=True) as connection:
        for endpoint in ENDPOINTS:
            found += _records(endpoint, truth[endpoint.name], connection)
            if endpoint.history:
                found += _history(endpoint, truth, connection)
            for target in endpoint.links:
                found += _links(endpoint.name, target, truth, connection)
    return found


def _records(
    endpoint: Endpoint, truth: Mapping[str, Mapping[str, Any]], connection: duckdb.DuckDBPyConnection
) -> list[str]:
    name = endpoint.name
    rows = connection.execute(
        f"select id, {', '.join(endpoint.fields)} from raw_hubspot.{name} where _deleted_at is null"
    ).fetchall()
    held = {row[0]: dict(zip(endpoint.fields, row[1:], strict=True)) for row in rows}
    found = [f"{name}: {len(rows) - len(held)} rows twice"] if len(held) < len(rows) else []
    # Archived owners are listed too; the ledger's are those that are there.
    if not endpoint.is_reference:
        found += [f"{name} {one}: lost" for one in sorted(truth.keys() - held.keys())]
        found += [f"{name} {one}: gone in the CRM" for one in sorted(held.keys() - truth.keys())]
    for one in sorted(truth.keys() & held.keys()):
        for field in truth[one].keys() & held[one].keys():
            if (truth[one][field] or None) != held[one][field]:
                found.append(f"{name} {one}.{field}: {held[one][field]!r}, in the CRM {truth[one][field]!r}")
    return found


def _history(endpoint: Endpoint, truth: Ledger, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Every value that a live record ever had; what the CRM no longer shows may be held all the same."""
    name = f"{endpoint.name}_history"
    rows = connection.execute(
        f"select id, field, value, epoch_ms(changed_at) from raw_hubspot.{name}"
    ).fetchall()
    wanted = {
        (*key.split("/")[:2], entry["value"] or None, _milliseconds(entry["timestamp"]))
        for key, entry in truth.get(name, {}).items()
        if key.split("/")[1] in endpoint.history
    }
    found = [f"{name} {item}: lost" for item in sorted(wanted - set(rows), key=str)]
    return found + ([f"{name}: entries twice"] if len(set(rows)) < len(rows) else [])


def _links(name: str, target: str, truth: Ledger, connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(f"select from_id, to_id from raw_hubspot.{name}_{target}").fetchall()
    # A link to or from a record that is gone leads nowhere, whether or not it is still held.
    held = {f"{one}/{other}" for one, other in rows if one in truth[name] and other in truth[target]}
    wanted = set(truth[f"{name}_{target}"])
    return [
        *(f"{name}_{target} {item}: lost" for item in sorted(wanted - held)),
        *(f"{name}_{target} {item}: gone in the CRM" for item in sorted(held - wanted)),
    ]


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
