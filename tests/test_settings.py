"""A config file with mistakes is told in full, before anything is asked of any source."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from leadrole import paths, settings
from leadrole.errors import ConfigError
from support.homes import TOKEN, replaced

EXAMPLE = paths.config() / "leadrole.example.yml"
ENV = {"HUBSPOT_TOKEN": TOKEN}
TODAY = date(2026, 11, 24)
CSV = """
  - name: exports
    kind: csv
    timezone: Europe/Amsterdam
    leads:
      file: leads.csv
      columns: {id: a, created_at: b}
"""


def mistakes(home: Path, text: str | bytes, env: dict[str, str] | None = None) -> tuple[str, ...]:
    path = home / "config" / "leadrole.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        settings.load(home, env=ENV if env is None else env, today=TODAY)
    assert caught.value.exit_code == 2
    assert str(caught.value).count("\n") == len(caught.value.mistakes)
    assert TOKEN not in str(caught.value)
    return caught.value.mistakes


def changed(**lines: str) -> str:
    return replaced(EXAMPLE.read_text(encoding="utf-8"), lines)


def with_csv(text: str = CSV) -> str:
    return EXAMPLE.read_text(encoding="utf-8").replace("\nlead_sources:", f"{text}\nlead_sources:")


def test_the_example_is_valid_once_the_token_is_set(tmp_path: Path) -> None:
    config = settings.load(tmp_path, EXAMPLE, ENV, today=TODAY)
    assert config.warnings == ()
    assert config.hubspot is not None
    assert config.hubspot.token.get_secret_value() == TOKEN
    assert TOKEN not in repr(config) + config.model_dump_json()
    assert config.company.working_hours["fri"][1].opens.hour == 13
    with pytest.raises(ValueError, match="frozen"):
        config.home = tmp_path  # type: ignore[misc]


def test_the_olist_example_takes_its_directory_from_the_environment(tmp_path: Path) -> None:
    path = paths.config() / "examples" / "olist.yml"
    config = settings.load(tmp_path, path, {"OLIST_DIR": "/data"}, today=TODAY)
    assert config.csv is not None
    assert config.csv.leads.file == Path("/data/olist_marketing_qualified_leads_dataset.csv")
    with pytest.raises(ConfigError, match="OLIST_DIR is not set"):
        settings.load(tmp_path, path, {}, today=TODAY)


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = changed(language="de", timezone="CET", page_size="500", employees="five", raw_days="0")
    found = mistakes(tmp_path, text, {})
    assert len(found) == 6
    for mistake in found:
        line = int(mistake.split(":")[1].split(" ")[0])
        key = mistake.split(" ")[1].rstrip(":").split(".")[-1]
        assert key in text.splitlines()[line - 1]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ({"country": "no"}, "company.country: found boolean false (from no), expected text; quote it"),
        ({"country": '"QQ"'}, "two-letter country"),
        ({"name": "12"}, 'expected text; quote it: "12"'),
        ({"timezone": "Europe/Amsterdm"}, "Did you mean|such as Europe/Amsterdam"),
        ({"timezone": '"+01:00"'}, "unknown time zone"),
        ({"reporting_currency": "EURO"}, "ISO 4217"),
        ({"mon": '["17:00-09:00"]'}, "closes before it opens"),
        ({"mon": '["09:00-12:00", "11:00-17:00"]'}, "stretches overlap"),
        ({"mon": '["9-17"]'}, "expected opening and closing time"),
        ({"page_size": "0"}, "must be at least 1"),
        ({"per_10_seconds": "500"}, "HubSpot allows at most 250"),
        ({"per_10_seconds": "12:30"}, "number in another notation"),
        ({"per_10_seconds": "1_000"}, "number in another notation"),
        ({"settle_seconds": "0"}, "must be at least 1"),
        ({"overlap_seconds": "-1"}, "must be at least 0"),
        ({"max_clock_skew_minutes": "600"}, "at most 10"),
        ({"base_url": "http://api.hubapi.com"}, "https required (http only for 127.0.0.1)"),
        ({"base_url": "api.hubapi.com"}, "write a full URL"),
        ({"base_url": "https://user@api.hubapi.com"}, "user name"),
        ({"base_url": "https://api.hubapi.com/crm"}, "leave out the path"),
        ({"base_url": "https://10.0.0.8"}, "private address"),
        ({"base_url": "https://x.my.salesforce.com"}, "another CRM"),
        ({"api_version": "v4"}, "allowed: 2026-03, 2026-09, v3"),
        ({"qualified_stages": "[]"}, "at least one"),
        ({"unknown_stage": "wran"}, "Did you mean warn?"),
        ({"prob_cross": "85"}, "must be less than 1"),
        ({"min_n_rate": ".nan"}, "not a number that can be used"),
        ({"sla_bands_working_hours": "[4, 1]"}, "must rise"),
        ({"ramp_curve": "[0.5, 0.25]"}, "must not fall"),
        ({"ramp_curve": "[0, 1]"}, "must be greater than 0"),
        ({"subscriptions": "true"}, "true needs gross_margin as well"),
        ({"gross_margin": "40"}, "must be at most 1"),
        ({"people_metrics": "yes"}, "true needs also legal_basis"),
        ({"raw_days": "10"}, "too short: two full re-reads (14 days)"),
        ({"config_version": "3"}, "3 is newer than this program (1)"),
        ({"kind": "hupspot"}, "Did you mean hubspot?"),
        ({"token_env": TOKEN}, "a value that is not shown"),
        ({"name": "!!python/object:os.system x"}, "only plain values are read"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(tmp_path: Path, lines: dict[str, str], told: str) -> None:
    found = "\n".join(mistakes(tmp_path, changed(**lines)))
    assert any(words in found for words in told.split("|")), found


@pytest.mark.parametrize(
    ("addition", "told"),
    [
        ("compny: {}", "compny: unknown key. Did you mean company?"),
        ("lead_sources: {}", "lead_sources: key given twice (first on line"),
        ("roles: [{person: anna@x.nl, role: closer}]", "not an e-mail"),
        ('roles: [{person: "csv:1", role: closer}]', "there is no source of kind csv"),
        ('roles: [{person: "hubspot:1", role: closer, form: 2025-01-01}]', "Did you mean from?"),
        ('roles: [{person: "hubspot:1", role: closer, from: 2026-02-30}]', "expected a date"),
        (
            'roles: [{person: "hubspot:1", role: closer, from: 2026-02-03, to: 2026-02-03}]',
            "is not after from",
        ),
        (
            'roles: [{person: "hubspot:1", role: closer}, {person: "hubspot:1", role: inbound, share: 0.5}]',
            "add up to 1.5",
        ),
        ('people: {"hubspot:1": {leave: [{to: 2026-02-03}]}}', "leave[0].from"),
        (
            'people: {"hubspot:1": {leave: [{from: 2026-02-03, to: 2026-02-03}]}}',
            "leave[0].to: 2026-02-03 is not after from",
        ),
        (
            'people: {"hubspot:1": {leave: [{from: 2026-03-01}, {from: 2026-02-01, to: 2026-03-02}]}}',
            "periods overlap",
        ),
        ('people: {"hubspot:1": {hired_on: soon}}', "expected a date"),
        ("currency_rates: {USD: [{date: 2026-01-01, rate: 0}]}", "must be greater than 0"),
        ("currency_rates: {USD: [{date: 2031-01-01, rate: 1.1}]}", "lies in the future"),
        ("currency_rates: {EUR: [{date: 2026-01-01, rate: 1}]}", "is the reporting currency itself"),
        (
            "exclusions: [{id: X, field: name, equals: a, reason: b, author: c, added_on: 2026-01-01}]",
            "allowed: source, lead_id, email_domain",
        ),
        *(
            (f"exclusions: [{{id: X, {rule}, reason: b, author: c, added_on: 2026-01-01}}]", told)
            for rule, told in (
                ("field: source", "write either equals or matches"),
                ("field: source, equals: a, matches: b", "write either equals or matches"),
                ('field: source, matches: "**"', "matches everything"),
                ('field: email_domain, matches: "*.nl"', "name a domain with equals"),
                ("field: email_domain, equals: a@b.nl", "expected a domain such as example.nl"),
            )
        ),
        (
            "schedules: [{for: everybody, from: 2026-01-01, hours: {}}]",
            "expected company, team:<name> or an owner",
        ),
        ('schedules: [{for: "csv:1", from: 2026-01-01, hours: {}}]', "there is no source of kind csv"),
        (
            'schedules: [{for: "team:north", from: 2026-01-01, hours: {}}]',
            "nobody under people has this team",
        ),
        ("schedules: [{for: company, from: 2026-01-01, hours: {mon: []}}]", "has no working hours"),
        (
            'schedules: [{for: "hubspot:1", from: 2026-01-01, to: 2026-01-01, hours: {}}]',
            "is not after from",
        ),
        (
            'schedules: [{for: "hubspot:1", from: 2026-01-01, hours: {}}, '
            '{for: "hubspot:1", from: 2025-01-01, to: 2026-01-02, hours: {}}]',
            "hubspot:1 has two schedules on 2026-01-01 (schedules[0] too)",
        ),
        (
            'schedules: [{for: "hubspot:1", from: 2026-01-01, hours: {mon: ["09:00-12:00", "11:00-13:00"]}}]',
            "stretches overlap",
        ),
        ("roles: &a [*a]", "an alias that contains itself"),
        ("roles: {<<: {a: 1}}", "merge keys"),
        (f"note: Bearer {TOKEN}", "looks like a secret (not shown)"),
    ],
)
def test_an_added_mistake_is_told(tmp_path: Path, addition: str, told: str) -> None:
    assert told in "\n".join(mistakes(tmp_path, EXAMPLE.read_text(encoding="utf-8") + addition + "\n"))


@pytest.mark.parametrize("key", ["token", "api_key", "password", "client_secret"])
def test_a_secret_in_the_file_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "    kind: hubspot", f"    kind: hubspot\n    {key}: {TOKEN}"
    )
    (found,) = mistakes(tmp_path, text)
    assert f"sources[0].{key}: looks like a secret (not shown)" in found


SOURCES = {
    "hubspot": "token_env: HUBSPOT_TOKEN",
    "salesforce": "base_url: https://x.my.salesforce.com, client_id_env: SF_ID, client_secret_env: SF_SECRET",
    "pipedrive": "token_env: PIPEDRIVE_TOKEN",
    "odoo": "base_url: https://x.odoo.com, database: x, token_env: ODOO_TOKEN",
}


def with_source(kind: str, key: str, value: str) -> str:
    """The example with one source, in which `key` has this value."""
    text = EXAMPLE.read_text(encoding="utf-8")
    begin, end = text.index("\nsources:"), text.index("\nlead_sources:")
    entries = dict(entry.split(": ", 1) for entry in SOURCES[kind].split(", ")) | {key: value}
    lines = [f"    {name}: {found}" for name, found in entries.items()]
    return "\n".join([text[:begin], "sources:", "  - name: crm", f"    kind: {kind}", *lines, text[end:]])


@pytest.mark.parametrize(
    ("kind", "key", "advice"),
    [
        ("hubspot", "token", "write token_env: HUBSPOT_TOKEN"),
        ("hubspot", "refresh_token", "write refresh_token_env: HUBSPOT_REFRESH_TOKEN"),
        ("salesforce", "client_secret", "write client_secret_env: SALESFORCE_CLIENT_SECRET"),
        ("salesforce", "refresh_token", "write refresh_token_env: SALESFORCE_REFRESH_TOKEN"),
        ("salesforce", "password", "write client_secret_env: SALESFORCE_CLIENT_SECRET"),
        ("salesforce", "private_key", "only you can read (chmod 600) and name that in private_key_file"),
        ("pipedrive", "api_token", "write token_env: PIPEDRIVE_TOKEN"),
        ("pipedrive", "client_secret", "write client_secret_env: PIPEDRIVE_CLIENT_SECRET"),
        ("odoo", "api_key", "write token_env: ODOO_TOKEN"),
        ("odoo", "database", "write token_env: ODOO_TOKEN"),
    ],
)
def test_a_secret_is_sent_to_the_key_of_its_own_source(
    tmp_path: Path, kind: str, key: str, advice: str
) -> None:
    env = dict.fromkeys(("HUBSPOT_TOKEN", "SF_ID", "SF_SECRET", "PIPEDRIVE_TOKEN", "ODOO_TOKEN"), TOKEN)
    (found,) = mistakes(tmp_path, with_source(kind, key, TOKEN), env)
    assert f"sources[0].{key}: looks like a secret (not shown)" in found
    assert found.endswith(advice)


@pytest.mark.parametrize(
    ("kind", "key", "example"),
    [
        ("hubspot", "token_env", "HUBSPOT_TOKEN"),
        ("salesforce", "client_secret_env", "SALESFORCE_CLIENT_SECRET"),
        ("pipedrive", "token_env", "PIPEDRIVE_TOKEN"),
        ("odoo", "token_env", "ODOO_TOKEN"),
    ],
)
def test_a_secret_in_place_of_its_variable_is_told_once_with_a_name_for_it(
    tmp_path: Path, kind: str, key: str, example: str
) -> None:
    env = dict.fromkeys(("HUBSPOT_TOKEN", "SF_ID", "SF_SECRET", "PIPEDRIVE_TOKEN", "ODOO_TOKEN"), TOKEN)
    (found,) = mistakes(tmp_path, with_source(kind, key, TOKEN), env)
    assert f"sources[0].{key}: found a value that is not shown" in found
    assert f"such as {example};" in found


@pytest.mark.parametrize(
    ("token", "told"),
    [
        (None, "is not set"),
        ("", "is empty"),
        (f"{TOKEN}\n", "ends with a line break"),
        (f"\u201c{TOKEN}\u201d", "has quotes"),
        (f'"{TOKEN}"', "has quotes"),
        (f"Bearer {TOKEN}", "has a space"),
        ("changeme", "still holds a placeholder"),
        ("<your token>", "has a space"),
        ("your-token-here", "still holds a placeholder"),
    ],
)
def test_a_token_that_cannot_be_one_is_told_without_showing_it(
    tmp_path: Path, token: str | None, told: str
) -> None:
    (found,) = mistakes(tmp_path, changed(), {} if token is None else {"HUBSPOT_TOKEN": token})
    assert f"sources[0].token_env: the environment variable HUBSPOT_TOKEN {told}" in found


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"company:\n\tname: x\n", ":2 tab used for indentation"),
        (b"company:\n  name: caf\xe9\n", ":2 byte 0xe9 is not UTF-8"),
        ("company: x".encode("utf-16"), "UTF-16"),
        (b"company: [\n", "not valid YAML"),
        (b"- a\n- b\n", "expected keys"),
        (b"a: " + b"[" * 5000 + b"]" * 5000, "nested deeper"),
        (b"a: " + b"x" * 1_000_001, "at most 1,000,000 are read"),
        (b"a: &a x\nb: [" + b"*a, " * 1500 + b"]\n", "at most 1000 are read"),
        (
            b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + b"".join(
                b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 9)
            ),
            "once aliases are followed",
        ),
    ],
    ids=["tab", "cp1252", "UTF-16", "broken", "a list", "deep", "large", "aliases", "alias bomb"],
)
def test_a_file_that_is_no_config_is_told_by_its_form(tmp_path: Path, content: bytes, told: str) -> None:
    assert told in "\n".join(mistakes(tmp_path, content))


def test_a_byte_order_mark_of_an_editor_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.read_bytes())
    assert settings.load(tmp_path, path, ENV, today=TODAY).company.country == "NL"


@pytest.mark.parametrize("make", ["nothing", "directory", "empty"])
def test_a_config_that_is_not_there_says_what_to_copy(tmp_path: Path, make: str) -> None:
    path = tmp_path / "config" / "leadrole.yml"
    path.parent.mkdir()
    if make == "directory":
        path.mkdir()
    if make == "empty":
        path.write_text("\n")
    with pytest.raises(ConfigError, match=r"leadrole.example.yml"):
        settings.load(tmp_path, env=ENV)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("created_at: b", "createdat: b", "Did you mean created_at?"),
        ("{id: a, created_at: b}", "{id: a}", "created_at is missing"),
        ("id: a", "id: {column: a, format: '%Y'}", "only a moment has a format"),
        ("leads.csv", "../leads.csv", "leaves the home directory"),
        ("leads.csv", "${NOPE}/leads.csv", "NOPE is not set"),
        (
            "timezone: Europe/Amsterdam\n    leads",
            "timezone: Europe/Amsterdam\n    encoding: utf-9\n    leads",
            "encoding",
        ),
        (
            "kind: csv",
            "kind: csv\n    exported_at: 2026-10-01T00:00:00",
            "the zone is missing",
        ),
        ("kind: csv", "kind: csv\n    exported_at: 2031-10-01T00:00:00Z", "lies in the future"),
        ("file: leads.csv", "file: leads.csv\n      covers_until: 2031-01-01", "lies in the future"),
        ("name: exports", "name: hubspot", "is also the name of sources[0]"),
        ("name: exports", "name: ../x", "must match"),
    ],
)
def test_a_mistake_in_a_csv_source_is_told(tmp_path: Path, before: str, after: str, told: str) -> None:
    assert before in CSV
    found = "\n".join(mistakes(tmp_path, with_csv(CSV.replace(before, after))))
    assert told in found, found


def test_a_second_source_of_one_kind_is_refused(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, with_csv(CSV + CSV.replace("exports", "more").lstrip("\n")))
    assert "sources[2].kind: a second csv source" in found


def test_a_short_overlap_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(changed(overlap_seconds="60"))
    (warning,) = settings.load(tmp_path, path, ENV, today=TODAY).warnings
    assert "= 120" in warning and "660" in warning


def test_a_csv_file_is_taken_from_the_home(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(with_csv())
    config = settings.load(tmp_path, path, ENV, today=TODAY)
    assert config.csv is not None
    assert config.csv.leads.file == tmp_path / "leads.csv"
    assert config.csv.objects.keys() == {"leads"}
    assert ZoneInfo(config.csv.timezone)


def test_a_command_that_reads_no_source_needs_no_token(tmp_path: Path) -> None:
    config = tmp_path / "config" / "leadrole.yml"
    config.parent.mkdir()
    config.write_text((paths.config() / "leadrole.example.yml").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ConfigError, match="1 mistake"):
        settings.load(tmp_path, env={})
    assert settings.load(tmp_path, env={}, is_offline=True).company.timezone == "Europe/Amsterdam"


def suppressing(*lines: str) -> str:
    listed = "".join(f"    - {line}\n" for line in lines)
    return EXAMPLE.read_text(encoding="utf-8") + f"\nfindings:\n  suppress:\n{listed}"


def test_a_finding_is_put_aside_with_reason_author_and_end(tmp_path: Path) -> None:
    path = tmp_path / "leadrole.yml"
    path.write_text(
        suppressing("{id: S1, rule: F6, reason: no junior yet, by: JB, until: 2026-03-01}"), encoding="utf-8"
    )
    (item,) = settings.load(tmp_path, path, ENV, today=TODAY).findings.suppress
    # One that has ended is no mistake: the finding counts again.
    assert (item.rule, item.scope, item.by, item.until) == ("F6", None, "JB", date(2026, 3, 1))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{id: S1, rule: F11, reason: r, by: JB, until: 2026-12-01}", "rule"),
        ("{id: S1, rule: F4, scope: inbound, reason: r, by: JB, until: 2026-12-01}", "F4 has no scope inbound; it has outbound"),
        ("{id: S1, rule: F4, reason: r, by: JB, until: 2028-12-01}", "more than a year away"),
        ("{id: S1, rule: F4, by: JB, until: 2026-12-01}", "reason"),
        ("{id: S1, rule: F4, reason: r, until: 2026-12-01}", "by"),
        ("{id: S1, rule: F4, reason: r, by: JB}", "until"),
    ],
)  # fmt: skip
def test_a_suppression_that_says_too_little_or_too_much_is_a_mistake(
    tmp_path: Path, line: str, told: str
) -> None:
    (mistake,) = mistakes(tmp_path, suppressing(line))
    assert "findings.suppress[0]" in mistake and told in mistake


def test_two_suppressions_have_two_ids(tmp_path: Path) -> None:
    line = "{id: S1, rule: F4, reason: r, by: JB, until: 2026-12-01}"
    (mistake,) = mistakes(tmp_path, suppressing(line, line))
    assert "S1 is also the id of findings.suppress[0]" in mistake


def test_the_config_knows_the_findings_of_the_catalogue() -> None:
    with (paths.config() / "seeds" / "finding_rules.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    catalogue: dict[str, tuple[str, ...]] = {}
    for row in rows:
        catalogue[row["rule_id"]] = (*catalogue.get(row["rule_id"], ()), row["scope_value"])
    assert catalogue == settings.FINDINGS
    assert get_args(settings.Suppression.model_fields["rule"].annotation) == tuple(settings.FINDINGS)
