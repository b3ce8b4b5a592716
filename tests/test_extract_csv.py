"""CSV exports: what is mapped arrives, what is broken is counted, and a wrong export stops the night."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadrole import landing, load, paths, settings
from leadrole.crm.csv.reader import moment
from leadrole.errors import LeadroleError, SourceContractError, SourceUnavailableError
from leadrole.privacy import domain_key, email_key, pseudonym_key
from leadrole.settings import Settings
from support.homes import ids, night, query, run_of, write_config

OLIST = paths.PACKAGE.parents[2] / "shared" / "data" / "olist"
CONFIG = """
config_version: 1
company: {{name: X, timezone: Europe/Amsterdam, country: NL, reporting_currency: EUR, employees: 5}}
sources:
  - name: exports
    kind: csv
    timezone: Europe/Amsterdam
    exported_at: 2026-11-01T00:00:00+01:00
    max_reject_share: {share}
    delimiter: "{delimiter}"
    encoding: {encoding}
    leads:
      file: leads.csv
      columns: {columns}
{more}
"""
COLUMNS = "{id: lead, created_at: made, source: origin}"
LEADS = "lead,made,origin,phone\n1,2026-01-05 09:30,web,06-1\n2,2026-01-06,,06-2\n3,2026-07-01T10:00:00Z,unknown,06-3\n"


def home(
    path: Path,
    leads: str | bytes = LEADS,
    *,
    columns: str = COLUMNS,
    share: str = "0.5",
    delimiter: str = ",",
    encoding: str = "utf-8",
    more: str = "",
) -> Settings:
    config = write_config(
        path, CONFIG.format(columns=columns, share=share, delimiter=delimiter, encoding=encoding, more=more)
    )
    (path / "leads.csv").write_bytes(leads.encode() if isinstance(leads, str) else leads)
    return config


def leads(config: Settings) -> list[tuple[object, ...]]:
    return query(run_of(config.home).raw_path, "select id, created_at, source from raw_csv.leads order by id")


def test_mapped_columns_arrive_and_the_others_are_not_kept(tmp_path: Path) -> None:
    config = home(tmp_path)
    result = night(config)
    assert leads(config) == [
        ("1", "2026-01-05T08:30:00Z", "web"),
        ("2", "2026-01-06", None),
        ("3", "2026-07-01T10:00:00Z", "unknown"),
    ]
    assert (result.changed, result.rejected, result.live_rows) == (3, 0, {"leads": 3})
    run = run_of(tmp_path)
    (manifest,) = landing.manifests(run.landing_dir)
    file = manifest.file("leads")
    assert file is not None
    line = next(landing.read(run.landing_dir, file))
    assert line["record"]["raw"] == {"lead": "1", "made": "2026-01-05 09:30", "origin": "web"}
    assert manifest.high_water == datetime(2026, 10, 31, 23, tzinfo=UTC)


def test_of_an_address_only_keyed_hashes_are_landed(tmp_path: Path) -> None:
    config = home(
        tmp_path,
        "lead,made,mail,site\n1,2026-01-05,Zoe\u0301@Voorbeeld.nl ,\n2,2026-01-06,zo\u00e9@voorbeeld.nl,https://www.voorbeeld.nl/over\n"
        "3,2026-01-07,geen,Voorbeeld BV\n",
        columns="{id: lead, created_at: made, email: mail, company_domain: site}",
    )
    night(config)
    run = run_of(tmp_path)
    rows = query(
        run.raw_path, "select email_key, email_domain_key, domain_key from raw_csv.leads order by id"
    )
    key = pseudonym_key(run.pseudonym_key_path)
    domain = domain_key(key, "voorbeeld.nl")
    assert rows == [
        (email_key(key, "zo\u00e9@voorbeeld.nl"), domain, None),
        (email_key(key, "zo\u00e9@voorbeeld.nl"), domain, domain),
        (None, None, None),
    ]
    (manifest,) = landing.manifests(run.landing_dir)
    text = "".join(str(line) for file in manifest.files for line in landing.read(run.landing_dir, file))
    assert "oorbeeld" not in text and "geen" not in text


def test_another_home_has_other_hashes_and_a_domain_is_no_address() -> None:
    one, other = b"k" * 32, b"o" * 32
    assert email_key(one, "a@voorbeeld.nl") != email_key(other, "a@voorbeeld.nl")
    assert domain_key(one, "a@voorbeeld.nl") == domain_key(one, "http://WWW.voorbeeld.nl:80/x")
    assert domain_key(one, "a@voorbeeld.nl") != domain_key(other, "a@voorbeeld.nl")
    assert domain_key(one, "voorbeeld.nl") != email_key(one, "voorbeeld.nl")
    assert [domain_key(one, text) for text in ("", "x", "a@b", "twee woorden.nl")] == [None] * 4


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""], ids=["with", "without"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path, mark: bytes) -> None:
    config = home(tmp_path, mark + LEADS.encode())
    night(config)
    assert len(leads(config)) == 3


def test_another_delimiter_encoding_and_date_form_are_read(tmp_path: Path) -> None:
    config = home(
        tmp_path,
        'lead;made;origin\n1;05-01-2026 09:30;"café; terras"\n'.encode("cp1252"),
        columns='{id: lead, created_at: {column: made, format: "%d-%m-%Y %H:%M", timezone: UTC}, source: origin}',
        delimiter=";",
        encoding="cp1252",
    )
    night(config)
    assert leads(config) == [("1", "2026-01-05T09:30:00Z", "café; terras")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(
            "lead,made,orgin\n1,2026-01-05,x\n",
            "no column origin.*lead, made, orgin.*mean orgin",
            id="missing",
        ),
        pytest.param("lead;made;origin\n1;2026-01-05;x\n", "separated by ';'", id="delimiter"),
        pytest.param("lead,made,origin,made\n1,2,3,4\n", "made is there 2 times", id="twice"),
        pytest.param("", "no rows for leads", id="empty"),
        pytest.param("lead,made,origin\n", "no rows for leads", id="header only"),
        pytest.param(
            b"lead,made,origin\n1,2026-01-05,ok\n2,2026-01-05,caf\xe9\n", "line 3 is not utf-8", id="encoding"
        ),
        pytest.param('lead,made,origin\n1,2026-01-05,"x"y\n', "line 2 is not CSV", id="quotes"),
        pytest.param("lead,made,origin\n1,soon,x\n2,05/01/2026,x\n", "2 of 2 rows can't be used", id="dates"),
    ],
)
def test_an_export_that_breaks_the_mapping_stops_the_night(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    config = home(tmp_path, content)
    with pytest.raises(SourceContractError, match=words) as caught:
        night(config)
    assert caught.value.exit_code == 5
    assert not list(run_of(tmp_path).landing_dir.rglob("*.zst*"))


def test_a_file_that_is_not_there_is_a_source_that_is_not_there(tmp_path: Path) -> None:
    config = home(tmp_path)
    (tmp_path / "leads.csv").unlink()
    with pytest.raises(SourceUnavailableError, match=r"no file leads\.csv"):
        night(config)


def test_broken_rows_are_counted_by_reason_and_never_by_value(tmp_path: Path) -> None:
    config = home(
        tmp_path,
        "lead,made,origin\n1,2026-01-05,a\n2,2026-13-45,a\n,2026-01-05,a\n4,,a\n5,9999-12-31,a\n6,2026-01-05\n"
        "1,2026-01-05,a\n1,2026-01-07,b\n7,2026-01-08,a\n",
        share="0.9",
    )
    result = night(config)
    assert ids(config, "raw_csv.leads") == {"1", "7"}
    assert leads(config)[0] == ("1", "2026-01-07", "b")
    rejects = query(run_of(tmp_path).raw_path, "select record_id, field, reason from load.rejects")
    assert sorted(rejects) == [
        ("1", "id", "given twice with different values; the later row is kept"),
        ("2", "created_at", "not a date or moment (ISO 8601)"),
        ("4", "created_at", "empty"),
        ("5", "created_at", "before 1970 or after the export was made"),
        ("line 4", "id", "empty"),
        ("line 7", None, "the row has 2 cells, the header 3"),
    ]
    assert result.rejected == 6
    assert "2026-13-45" not in str(rejects) + result.notes[0]


def test_values_of_activities_and_deals_are_checked(tmp_path: Path) -> None:
    more = """
    deals: {file: deals.csv, columns: {id: id, amount: amount, currency: cur, won_at: won}}
    activities: {file: acts.csv, columns: {id: id, kind: kind, direction: dir, completed_at: at}}
    people: {file: people.csv, columns: {id: id, name: name, active: active}}
"""
    config = home(tmp_path, more=more)
    (tmp_path / "deals.csv").write_text(
        'id,amount,cur,won\nd1,1200.50,eur,2026-02-01\nd2,"1.234,56",EUR,2026-02-01\nd3,1e400,EUR,\n'
        "d4,NaN,EUR,\nd5,99999999999999999999.10,EUR,\nd6,,,\nd7,-5,USD,2026-02-01 10:00\nd8,1,EUR,2026-02-02\n"
    )
    (tmp_path / "acts.csv").write_text(
        "id,kind,dir,at\na1,Call,out,2026-02-01 10:00\na2,fax,out,2026-02-01\n"
    )
    (tmp_path / "people.csv").write_text("id,name,active\np1,Anna,yes\np2,Bo,0\n")
    night(config)
    raw = run_of(tmp_path).raw_path
    assert query(raw, "select id, amount, currency, won_at from raw_csv.deals order by id") == [
        ("d1", "1200.50", "EUR", "2026-02-01"),
        ("d5", "99999999999999999999.10", "EUR", None),
        ("d6", None, None, None),
        ("d7", "-5", "USD", "2026-02-01T09:00:00Z"),
        ("d8", "1", "EUR", "2026-02-02"),
    ]
    assert query(raw, "select id, kind from raw_csv.activities") == [("a1", "call")]
    assert query(raw, "select id, active from raw_csv.people order by id") == [
        ("p1", "true"),
        ("p2", "false"),
    ]


def test_an_id_that_left_the_export_is_tombstoned_and_may_come_back(tmp_path: Path) -> None:
    config = home(tmp_path)
    night(config)
    (tmp_path / "leads.csv").write_text("\n".join(LEADS.splitlines()[:-1]))
    assert night(config, 1).deleted == 1
    assert ids(config, "raw_csv.leads") == {"1", "2"}
    assert query(run_of(tmp_path).raw_path, "select id, _deleted_how from raw_csv.leads where id = '3'") == [
        ("3", "vanished")
    ]
    (tmp_path / "leads.csv").write_text(LEADS)
    result = night(config, 2)
    assert (result.changed, result.deleted) == (1, 0)
    assert ids(config, "raw_csv.leads") == {"1", "2", "3"}


def test_the_same_export_again_changes_nothing(tmp_path: Path) -> None:
    config = home(tmp_path)
    night(config)
    result = night(config, 1)
    assert (result.changed, result.deleted) == (0, 0)


def test_an_export_with_less_than_half_is_refused_unless_someone_says_so(tmp_path: Path) -> None:
    rows = "".join(f"{number},2026-01-05,web\n" for number in range(10))
    config = home(tmp_path, "lead,made,origin\n" + rows)
    night(config)
    (tmp_path / "leads.csv").write_text("lead,made,origin\n0,2026-01-05,web\n")
    with pytest.raises(SourceContractError, match="fell from 10 to 1 "):
        night(config, 1)
    assert len(ids(config, "raw_csv.leads")) == 10
    night(config, 2, accept_shrink=True)
    assert ids(config, "raw_csv.leads") == {"0"}


def test_an_older_export_than_the_last_one_is_refused(tmp_path: Path) -> None:
    config = home(tmp_path)
    night(config)
    path = tmp_path / "config" / "leadrole.yml"
    older = write_config(tmp_path, path.read_text().replace("2026-11-01T00", "2026-10-01T00"))
    with pytest.raises(SourceContractError, match="older than the ones already loaded"):
        night(older, 1)


def test_the_newest_file_tells_when_the_export_was_made(tmp_path: Path) -> None:
    text = home(tmp_path).config_path.read_text().replace("    exported_at: 2026-11-01T00:00:00+01:00\n", "")
    config = write_config(tmp_path, text)
    os.utime(tmp_path / "leads.csv", (1_790_000_000, 1_790_000_000))
    night(config)
    assert load.as_of(run_of(tmp_path), config)[0] == datetime.fromtimestamp(1_790_000_000, UTC)


@pytest.mark.parametrize(
    ("text", "form", "zone", "expected"),
    [
        ("2026-01-05 09:30", None, "Europe/Amsterdam", "2026-01-05T08:30:00Z"),
        ("2026-07-05 09:30", None, "Europe/Amsterdam", "2026-07-05T07:30:00Z"),
        ("2026-01-05T09:30:00+05:00", None, "Europe/Amsterdam", "2026-01-05T04:30:00Z"),
        ("2026-01-05", None, "UTC", "2026-01-05"),
        ("05.01.26", "%d.%m.%y", "UTC", "2026-01-05"),
        ("05.01.26 23:59", "%d.%m.%y %H:%M", "America/Sao_Paulo", "2026-01-06T02:59:00Z"),
        ("2018-02-26 19:58:54", None, "UTC", "2018-02-26T19:58:54Z"),
    ],
)
def test_a_moment_is_read_in_its_zone(text: str, form: str | None, zone: str, expected: str) -> None:
    assert moment(text, form, zone, datetime(2026, 11, 1, tzinfo=UTC)) == expected


def test_hostile_text_is_kept_as_text(tmp_path: Path) -> None:
    values = [
        "'; drop table x; --",
        "{{ 7*7 }}",
        "=HYPERLINK(1)",
        "<script>",
        "../../etc/passwd",
        "😀\u202e",
        "0012",
    ]
    rows = "".join(f'{number},2026-01-05,"{value}"\n' for number, value in enumerate(values))
    config = home(tmp_path, "lead,made,origin\n" + rows)
    night(config)
    assert [row[2] for row in leads(config)] == values


@pytest.mark.skipif(
    not OLIST.is_dir(),
    reason=f"the Olist files are not shipped: put them in {OLIST.parent.name}/{OLIST.name} beside the repo",
)
def test_the_olist_funnel_loads_whole(tmp_path: Path) -> None:
    example = paths.config() / "examples" / "olist.yml"
    config = settings.load(tmp_path, example, {"OLIST_DIR": str(OLIST)})
    result = night(config)
    assert result.live_rows == {"leads": 8000, "deals": 842}
    assert result.rejected == 0
    raw = run_of(tmp_path).raw_path
    assert query(raw, "select count(*) from raw_csv.leads where source is null") == [(60,)]
    assert query(raw, "select count(*) from raw_csv.leads where source = 'unknown'") == [(1099,)]
    assert query(raw, "select count(*) from raw_csv.deals where won_at not like '%Z'") == [(0,)]
    assert query(
        raw, "select object, is_available, covers_until::text from load.coverage order by object"
    ) == [
        ("activities", False, None),
        ("deals", True, "2018-12-01 03:00:00+00"),
        ("leads", True, "2018-06-01 03:00:00+00"),
        ("people", False, None),
    ]
    assert load.as_of(run_of(tmp_path), config) == (datetime(2018, 12, 1, 3, tzinfo=UTC),) * 2


def test_an_error_names_no_person(tmp_path: Path) -> None:
    config = home(tmp_path, "lead,made,origin\nanna@example.org,soon,06-12345678\n")
    with pytest.raises(LeadroleError) as caught:
        night(config)
    assert "anna" not in str(caught.value) and "0612" not in str(caught.value).replace("-", "")
