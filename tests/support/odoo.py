"""A home whose CRM is a pretend Odoo, and raw beside what that database holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from leadrole import paths
from leadrole.crm.odoo.endpoints import ENDPOINTS, HASHED, TRACKED_FIELDS, TRACKING_VALUES
from leadrole.crm.spec import Endpoint
from leadrole.privacy import domain_key, email_key, pseudonym_key
from leadrole.sandbox import odoo as sandbox
from leadrole.settings import Settings
from support.homes import query, run_of, write_config

TOKEN = "9f2c51d07be84a6f8f3d-canary-4711"
SANDBOX_NAMES = {model: name for name, model in sandbox.OBJECTS.items()}


def odoo_home(
    home: Path, base_url: str, *, token: str = TOKEN, page_size: int = 20, **keys: object
) -> Settings:
    """A home whose one source is an Odoo on loopback, after the commented example in the config."""
    example = (paths.config() / "leadrole.example.yml").read_text(encoding="utf-8")
    head, _, rest = example.partition("sources:\n")
    found = re.search(r"(?m)^  # - name: odoo\n(?:  # .*\n)+", rest)
    assert found is not None, "the example config has lost its Odoo"
    block = re.sub(r"(?m)^  # ", "  ", found[0])
    changes: dict[str, object] = {
        "base_url": base_url,
        "database": "leadrole",
        "username": "admin",
        "page_size": page_size,
        "rate_limit": "{per_10_seconds: 1000000}",
        "max_clock_skew_minutes": 52560000,
        **keys,
    }
    for key, value in changes.items():
        assert re.search(rf"(?m)^    {key}:", block), key
        block = re.sub(rf"(?m)^    {key}:.*$", f"    {key}: {value}", block)
    return write_config(home, f"{head}sources:\n{block}", {"ODOO_TOKEN": token})


def assert_raw_is(home: Path, truth: Mapping[str, Mapping[str, Mapping[str, str | None]]]) -> None:
    """Every object, row by row and field by field."""
    run = run_of(home)
    key = pseudonym_key(run.pseudonym_key_path)
    tracked = set(ids_of(home, "tracked_fields"))
    for endpoint in ENDPOINTS:
        names = ", ".join(f'"{name}"' for name in endpoint.fields)
        rows = query(
            run.raw_path, f"select id, {names} from raw_odoo.{endpoint.name} where _deleted_at is null"
        )
        held = {row[0]: dict(zip(endpoint.fields, row[1:], strict=True)) for row in rows}
        true: dict[str, dict[str, str | None]] = {}
        for record_id, row in truth[SANDBOX_NAMES[endpoint.type]].items():
            if not is_ours(endpoint, record_id, row, tracked):
                continue
            values = {name: row.get(HASHED.get(name, name)) or None for name in endpoint.fields}
            for name in HASHED.keys() & values.keys():
                address = values[name]
                pseudonym = domain_key if name == "email_domain_key" else email_key
                values[name] = pseudonym(key, address) if address else None
            true[record_id] = values
        assert held.keys() == true.keys(), endpoint.name
        for record_id, row in true.items():
            assert held[record_id] == row, f"{endpoint.name} {record_id}"


def is_ours(endpoint: Endpoint, record_id: str, row: Mapping[str, str | None], tracked: set[str]) -> bool:
    """Whether a record of a model is one of those that hang on leads."""
    if endpoint is TRACKED_FIELDS:
        return record_id in tracked
    if endpoint is TRACKING_VALUES:
        return row["field_id"] in tracked
    condition = {
        "messages": row.get("model") == "crm.lead",
        "activities": row.get("res_model") == "crm.lead",
        "meetings": row.get("opportunity_id") is not None,
        "users": row.get("share") == "false",
    }
    return condition.get(endpoint.name, True)


def ids_of(home: Path, name: str) -> list[str]:
    found = query(
        run_of(home).raw_path, f"select id from raw_odoo.{name} where _deleted_at is null order by 1"
    )
    return [row[0] for row in found]
