"""A home whose CRM is a pretend Salesforce, and raw beside what that org holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from leadrole.crm.salesforce.endpoints import CUSTOM, FIELDS, TRACKED
from leadrole.sandbox import History, Server, serve
from leadrole.sandbox.salesforce import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, Org
from leadrole.settings import Settings
from support.homes import query, run_of, write_config

SECRETS = {
    "SALESFORCE_CLIENT_ID": CLIENT_ID,
    "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
    "SALESFORCE_REFRESH_TOKEN": REFRESH_TOKEN,
}
CONFIG = """
config_version: 1
company: {name: Test, timezone: Europe/Amsterdam, country: NL, reporting_currency: EUR, employees: 14}
sources:
  - name: salesforce
    kind: salesforce
"""
LINES: Mapping[str, str] = {
    "client_id_env": "SALESFORCE_CLIENT_ID",
    "client_secret_env": "SALESFORCE_CLIENT_SECRET",
    "rate_limit": "{per_10_seconds: 1000000}",
    "max_clock_skew_minutes": "52560000",
    "currency": "EUR",
    "last_form_field": "Last_Form__c",
    "lost_reason_field": "Loss_Reason__c",
    "happened_at_field": "Happened_At__c",
    "direction_field": "Direction__c",
    "meeting_outcome_field": "Outcome__c",
}


def pretend_org(history: History, *, now: datetime, **more: Any) -> Server:
    """A pretend org."""
    return serve(history, now=now, token="a-lasting-session-id", dialect=Org, **more)


def home(
    path: Path, base_url: str, env: Mapping[str, str] = SECRETS, *, top: str = "", **lines: str | None
) -> Settings:
    """A home whose one source is a Salesforce on loopback; a line that is None is left out, `top` is of the config."""
    wanted = {"base_url": base_url, **LINES, **lines}
    text = "".join(f"    {key}: {value}\n" for key, value in wanted.items() if value is not None)
    return write_config(path, CONFIG + text + top, env)


def differences(config: Settings, truth: Mapping[str, Mapping[str, Mapping[str, str | None]]]) -> list[str]:
    """What raw holds otherwise than the truth: every object, every live record, every field that is asked for."""
    found = []
    source = config.sources[0]
    for name, fields in FIELDS.items():
        if name not in truth:
            continue
        columns = ", ".join(fields)
        sql = f"select id, {columns} from raw_salesforce.{name} where _deleted_at is null"
        held = {row[0]: row[1:] for row in query(run_of(config.home).raw_path, sql)}
        expected = truth[name]
        if name in TRACKED:
            wanted = {*TRACKED[name], source.last_form_field, source.lost_reason_field}  # type: ignore[union-attr]
            expected = {one: row for one, row in expected.items() if row["Field"] in wanted}
        found += [f"{name} {one}: missing" for one in expected.keys() - held.keys()]
        found += [f"{name} {one}: not in the org" for one in held.keys() - expected.keys()]
        for one in expected.keys() & held.keys():
            for (ours, theirs), value in zip(fields.items(), held[one], strict=True):
                vendor = theirs or getattr(source, CUSTOM[name, ours])
                if vendor in expected[one] and expected[one][vendor] != value:
                    found.append(f"{name} {one} {vendor}: {value}, in the org {expected[one][vendor]}")
    return found
