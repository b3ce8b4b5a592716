"""A home whose one source is a Pipedrive on loopback."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from leadrole.crm.pipedrive.endpoints import CHANGE_KEYS, ENDPOINTS
from leadrole.sandbox import Faults, History, Server, serve
from leadrole.sandbox.pipedrive import Account, ledger
from leadrole.settings import Settings
from support.homes import COMPANY, query, run_of, write_config

FIELDS = {item.name: [name for name in item.fields if not name.startswith("custom_")] for item in ENDPOINTS}
REFERENCES = [item.name for item in ENDPOINTS if item.is_reference and item.name != "field_options"]
RECORDS = ("leads", "deals", "persons", "organizations", "activities")
TOKEN = "0123456789abcdef0123456789abcdef01234567"
CLIENT_ID = "a1b2c3d4e5f60718"
CLIENT_SECRET = "0123456789abcdef0123456789abcdef01234567"
REFRESH_TOKEN = "1000001:2000001:first-refresh-token"
ENV = {
    "PIPEDRIVE_TOKEN": TOKEN,
    "PIPEDRIVE_CLIENT_ID": CLIENT_ID,
    "PIPEDRIVE_CLIENT_SECRET": CLIENT_SECRET,
    "PIPEDRIVE_REFRESH_TOKEN": REFRESH_TOKEN,
}
USER = "    token_env: PIPEDRIVE_TOKEN\n"
APP = (
    "    client_id_env: PIPEDRIVE_CLIENT_ID\n"
    "    client_secret_env: PIPEDRIVE_CLIENT_SECRET\n"
    "    refresh_token_env: PIPEDRIVE_REFRESH_TOKEN\n"
)
# What the sandbox's company calls its activities: Pipedrive itself has neither direction nor outcome.
ACTIVITY_KINDS = """
    activity_kinds:
      call: {kind: call, reached: true}
      call_no_answer: {kind: call, reached: false}
      call_voicemail: {kind: call, reached: false}
      call_busy: {kind: call, reached: false}
      call_wrong_number: {kind: call, reached: false}
      call_live_message: {kind: call, reached: false}
      call_in: {kind: call, direction: in, reached: true}
      call_in_missed: {kind: call, direction: in, reached: false}
      email_in: {kind: email, direction: in}
      meeting_no_show: {kind: meeting, reached: false}
"""
CONFIG = (
    COMPANY
    + """\
sources:
  - name: pipedrive
    kind: pipedrive
    base_url: {url}
{login}    plan: ultimate
    seats: 1000
    max_clock_skew_minutes: 52560000
{more}
"""
)


def pipedrive(history: History, now: Any, *, faults: Faults | None = None, **settings: Any) -> Server:
    """A pretend Pipedrive."""
    return serve(history, now=now, token=TOKEN, dialect=Account, faults=faults, **settings)


def pipedrive_home(
    home: Path, url: str, more: str = "", *, login: str = USER, page_size: int = 20, top: str = ""
) -> Settings:
    """A home; `more` is YAML of the source, `top` of the config."""
    lines = f"    page_size: {page_size}\n{ACTIVITY_KINDS}{more}"
    text = CONFIG.format(url=url, login=login, more=lines)
    return write_config(home, text + top, ENV)


def raw_rows(config: Settings, name: str, where: str = "_deleted_at is null") -> dict[str, dict[str, Any]]:
    fields = FIELDS[name]
    held = query(
        run_of(config.home).raw_path,
        f"select id, {', '.join(fields)} from raw_pipedrive.{name} where {where}",
    )
    return {row[0]: dict(zip(fields, row[1:], strict=True)) for row in held}


def assert_raw_is_the_ledger(config: Settings, history: History, at: datetime, **settings: Any) -> None:
    """Every live record is in raw with every field as Pipedrive writes it, and nothing else is live."""
    truth = ledger(history, at, **settings)
    for name in (*RECORDS, *REFERENCES):
        expected = {
            key: {field: row.get(field) or None for field in FIELDS[name]} for key, row in truth[name].items()
        }
        assert raw_rows(config, name) == expected, name
    live = set(truth["deals"])
    expected = {
        key: {field: row.get(field) or None for field in FIELDS["deal_changes"]}
        for key, row in truth["deal_changes"].items()
        if row["field_key"] in CHANGE_KEYS and row["item_id"] in live
    }
    held = raw_rows(config, "deal_changes")
    assert {key: row for key, row in held.items() if row["item_id"] in live} == expected
