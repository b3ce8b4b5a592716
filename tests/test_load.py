"""raw.duckdb: the newest state per id, in one transaction, the same from the same landing."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leadrole import landing, load
from leadrole.crm.hubspot.endpoints import ENDPOINTS
from leadrole.errors import InternalError, LeadroleError, SourceContractError, StorageError
from leadrole.landing import LandingWriter, Manifest
from leadrole.privacy import pseudonym_key, rep_key
from leadrole.run import Run, new_run
from leadrole.settings import HubspotSource
from support.homes import FIRST_NIGHT, query, run_of, tables

SOURCE = HubspotSource(name="hubspot", kind="hubspot", token_env="HUBSPOT_TOKEN")
DAY = timedelta(days=1)
T1 = "2026-10-01T10:00:00.000Z"
T2 = "2026-10-02T10:00:00.000Z"


def contact(
    record_id: str, modified: str | None = T1, *, archived: str | None = None, **fields: Any
) -> dict[str, Any]:
    history = fields.pop("history", None)
    record: dict[str, Any] = {
        "id": record_id,
        "properties": {"createdate": T1, "lastmodifieddate": modified, **fields},
        "updatedAt": modified,
        "archived": archived is not None,
    }
    if archived:
        record["archivedAt"] = archived
    if history:
        record["propertiesWithHistory"] = history
    return record


def deal(record_id: str, stage: str, pipeline: str = "default") -> dict[str, Any]:
    fields = {"hs_lastmodifieddate": T1, "dealstage": stage, "pipeline": pipeline, "hs_is_closed": "false"}
    return {"id": record_id, "properties": fields, "updatedAt": T1, "archived": False}


STAGES = [
    {"id": f"{pipeline}/{stage}", "updatedAt": T1, "fields": {"pipeline_id": pipeline, "stage_id": stage}}
    for pipeline in ("default", "other")
    for stage in ("new", "won")
]


def land(
    home: Path, number: int, pages: Mapping[str, Sequence[Sequence[dict[str, Any]]]], **more: Any
) -> tuple[Run, Manifest]:
    """A landed run of hand-written pages; live contacts are walked unless `<object>_ids` says otherwise."""
    run = run_of(home, number)
    walked = more.pop("walked", ())
    with LandingWriter(run.landing_dir, source="hubspot", run_id=run.run_id) as writer:
        for name, listed in {"deal_stages": [STAGES], **pages}.items():
            writer.object(name)
            for page, records in enumerate(listed, start=1):
                for record in records:
                    writer.object(name).write(record, endpoint="batch", page=page, received_at=run.started_at)
        for name in walked:
            writer.object(f"{name}_ids")
        manifest = Manifest(
            run_id=run.run_id,
            source="hubspot",
            kind="hubspot",
            started_at=run.started_at,
            high_water=run.started_at - timedelta(minutes=1),
            is_full=number == 0,
            files=writer.close(),
            closed_until={
                endpoint.name: run.started_at for endpoint in ENDPOINTS if not endpoint.is_reference
            },
            walked=tuple(walked),
            **more,
        )
    landing.write_manifest(run.landing_dir, manifest)
    return run, manifest


def loaded(
    home: Path, number: int, pages: Mapping[str, Sequence[Sequence[dict[str, Any]]]], **more: Any
) -> load.LoadResult:
    run, manifest = land(home, number, pages, **more)
    return load.load(run, SOURCE, manifest)


def contacts(home: Path, columns: str = "id, lifecyclestage") -> list[tuple[Any, ...]]:
    return query(run_of(home).raw_path, f"select {columns} from raw_hubspot.contacts order by id")


def test_raw_has_every_table_of_the_contract_before_anything_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "data" / "raw.duckdb"
    load.ensure_raw(path)
    load.ensure_raw(path)
    columns = query(
        path,
        "select schema_name || '.' || table_name, list(column_name || ' ' || lower(data_type) order by column_index) "
        "from duckdb_columns() where not internal group by 1",
    )
    found = dict(columns)
    tail = [
        "updated_at timestamp with time zone",
        "_deleted_at timestamp with time zone",
        "_deleted_how varchar",
        "_merged_into varchar",
        "_first_run varchar",
        "_last_run varchar",
    ]
    assert found["raw_hubspot.contacts"][-6:] == tail
    assert found["raw_csv.leads"][:3] == ["id varchar", "created_at varchar", "source varchar"]
    assert found["raw_hubspot.contacts_history"] == [
        "id varchar",
        "field varchar",
        "value varchar",
        "changed_at timestamp with time zone",
        "changed_by varchar",
        "source_type varchar",
        "seen_live boolean",
    ]
    assert found["raw_hubspot.calls_deals"] == ["from_id varchar", "to_id varchar", "type varchar"]
    assert {name for name in found if name.startswith("load.")} == {
        "load.budgets",
        "load.counts",
        "load.coverage",
        "load.rejects",
        "load.runs",
        "load.schema_version",
        "load.watermarks",
    }
    assert len([name for name in found if name.startswith("raw_hubspot.")]) == 29
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_newest_version_of_a_record_wins_wherever_it_stands(tmp_path: Path) -> None:
    newer, older = contact("1", T2, lifecyclestage="customer"), contact("1", T1, lifecyclestage="lead")
    tie = [contact("2", T1, lifecyclestage="lead")], [contact("2", T1, lifecyclestage="customer")]
    loaded(tmp_path, 0, {"contacts": [[newer, older], [older], *tie]})
    assert contacts(tmp_path) == [("1", "customer"), ("2", "customer")]
    loaded(tmp_path, 1, {"contacts": [[older]]})
    assert contacts(tmp_path)[0] == ("1", "customer")


def test_the_last_of_equal_versions_wins_also_in_a_file_that_several_threads_load(tmp_path: Path) -> None:
    rest = [contact(f"9{number}") for number in range(130_000)]
    first, last = (
        [contact(f"{n}", lifecyclestage=stage) for n in range(50)] for stage in ("lead", "customer")
    )
    loaded(tmp_path, 0, {"contacts": [[*first, *rest, *last]]})
    live = query(
        run_of(tmp_path).raw_path,
        "select lifecyclestage, count(*) from raw_hubspot.contacts where lifecyclestage is not null group by all",
    )
    assert live == [("customer", 50)]


def test_ids_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    names = ["007", "9007199254740993", "18446744073709551616"]
    loaded(tmp_path, 0, {"contacts": [[contact(name) for name in names]]})
    assert [row[0] for row in contacts(tmp_path)] == sorted(names)


def test_a_field_that_first_appears_late_is_not_lost(tmp_path: Path) -> None:
    rows = [contact(str(number)) for number in range(3000)]
    loaded(tmp_path, 0, {"contacts": [[*rows, contact("9999", lifecyclestage="customer")]]})
    assert contacts(tmp_path)[-1] == ("9999", "customer")


def test_hostile_text_goes_round_unharmed(tmp_path: Path) -> None:
    values = ["'; drop table x", "😀\u202eabc", 'a"b\\n', "x" * 5_000_000, "{{ 7*7 }}"]
    loaded(
        tmp_path, 0, {"contacts": [[contact(str(n), lifecyclestage=value) for n, value in enumerate(values)]]}
    )
    assert [row[1] for row in contacts(tmp_path)] == values


def test_text_that_no_database_keeps_is_replaced_by_a_mark(tmp_path: Path) -> None:
    loaded(
        tmp_path,
        0,
        {"contacts": [[contact("1", lifecyclestage="a\x00b"), contact("2", lifecyclestage="a\ud800b")]]},
    )
    assert [row[1] for row in contacts(tmp_path)] == ["a\ufffdb", "a\ufffdb"]


def test_an_empty_value_is_no_value(tmp_path: Path) -> None:
    loaded(tmp_path, 0, {"contacts": [[contact("1", lifecyclestage="")]]})
    assert contacts(tmp_path) == [("1", None)]


def test_a_deal_that_swallowed_others_names_what_became_of_them(tmp_path: Path) -> None:
    parts = [deal(str(number), "new") for number in range(1, 8)]
    loaded(tmp_path, 0, {"deals": [parts], "deals_ids": [[{"id": str(number)} for number in range(1, 8)]]})
    survivor = deal("20", "new")
    survivor["properties"]["hs_merged_object_ids"] = "1;2;10"
    last = deal("21", "new")
    last["properties"]["hs_merged_object_ids"] = "1;2;10;20;3"
    live = [{"id": number} for number in ("4", "5", "6", "7", "21")]
    loaded(tmp_path, 1, {"deals": [[survivor], [last]], "deals_ids": [live]}, walked=("deals",))
    held = query(
        run_of(tmp_path).raw_path,
        "select id, _deleted_how, _merged_into from raw_hubspot.deals where _deleted_at is not null order by id",
    )
    assert held == [(number, "merged", "21") for number in ("1", "2", "20", "3")]


def test_milliseconds_of_older_records_are_moments_too(tmp_path: Path) -> None:
    loaded(tmp_path, 0, {"contacts": [[contact("1", "1572480000000"), contact("2", "1572480000000.0")]]})
    moments = {row[0].astimezone(UTC) for row in contacts(tmp_path, "updated_at")}
    assert moments == {datetime(2019, 10, 31, tzinfo=UTC)}


def test_records_without_a_usable_date_are_put_aside_and_counted(tmp_path: Path) -> None:
    good = [contact(str(number)) for number in range(400)]
    broken = [contact("900", None), contact("901", "9999-12-31T00:00:00Z"), contact("902", "soon")]
    result = loaded(tmp_path, 0, {"contacts": [[*good, *broken]]})
    assert len(contacts(tmp_path)) == 400
    assert query(run_of(tmp_path).raw_path, "select record_id, reason from load.rejects order by 1") == [
        ("900", "no date of change"),
        ("901", "changed in the future"),
        ("902", "no date of change"),
    ]
    assert result.rejected == 3
    assert "3 of 403 contacts" in result.notes[0]


def test_more_than_one_in_a_hundred_without_a_date_stops_the_night(tmp_path: Path) -> None:
    rows = [contact(str(number), None if number < 3 else T1) for number in range(100)]
    with pytest.raises(SourceContractError, match="3 of 100 contacts have no usable lastmodifieddate"):
        loaded(tmp_path, 0, {"contacts": [rows]})
    assert contacts(tmp_path) == []


def test_an_archived_record_is_tombstoned_and_a_restored_one_lives(tmp_path: Path) -> None:
    columns = "id, _deleted_how, _deleted_at is not null"
    loaded(tmp_path, 0, {"contacts": [[contact("1")]]})
    loaded(tmp_path, 1, {"contacts": [[contact("1", archived="2026-10-05T00:00:00Z")]]})
    assert contacts(tmp_path, columns) == [("1", "archived", True)]
    again = loaded(tmp_path, 2, {"contacts": [[contact("1", archived="2026-10-05T00:00:00Z")]]})
    assert (again.changed, again.deleted) == (0, 0)
    loaded(tmp_path, 3, {"contacts": [[contact("1", archived="2026-10-05T00:00:00Z")], [contact("1")]]})
    assert contacts(tmp_path, columns) == [("1", None, False)]


def test_history_only_grows(tmp_path: Path) -> None:
    def entry(value: str, moment: str) -> dict[str, Any]:
        return {"value": value, "timestamp": moment, "sourceType": "CRM_UI", "changedBy": "9101"}

    first = [entry("lead", T1), entry("lead", T1), entry("customer", T2)]
    loaded(tmp_path, 0, {"contacts": [[contact("1", history={"lifecyclestage": first})]]})
    # The CRM has forgotten its oldest entry; we have not.
    later = [entry("customer", T2), entry("", "2026-10-03T10:00:00.000Z")]
    result = loaded(tmp_path, 1, {"contacts": [[contact("1", history={"lifecyclestage": later})]]})
    held = query(
        run_of(tmp_path).raw_path,
        "select field, value, changed_by, seen_live from raw_hubspot.contacts_history order by changed_at",
    )
    assert held == [
        ("lifecyclestage", "lead", "9101", True),
        ("lifecyclestage", "customer", "9101", True),
        ("lifecyclestage", None, "9101", True),
    ]
    assert result.changed == 1


def test_links_are_replaced_for_the_parents_that_were_asked_for(tmp_path: Path) -> None:
    def link(parent: str, *targets: str) -> dict[str, Any]:
        return {"id": parent, "to": [{"id": target, "type": "HUBSPOT_DEFINED/194"} for target in targets]}

    loaded(tmp_path, 0, {"calls_contacts": [[link("c1", "1", "1", "2"), link("c2", "3"), link("c3", "4")]]})
    result = loaded(tmp_path, 1, {"calls_contacts": [[link("c1", "2", "5"), link("c2")]]})
    held = query(
        run_of(tmp_path).raw_path, "select from_id, to_id from raw_hubspot.calls_contacts order by 1, 2"
    )
    assert held == [("c1", "2"), ("c1", "5"), ("c3", "4")]
    assert result.changed == 3


def test_the_same_manifest_twice_changes_no_row(tmp_path: Path) -> None:
    run, manifest = land(tmp_path, 0, {"contacts": [[contact("1"), contact("2")]]})
    load.load(run, SOURCE, manifest)
    before = tables(run.raw_path)
    result = load.load(run, SOURCE, manifest)
    assert result.is_repeat and (result.changed, result.deleted) == (0, 0)
    assert tables(run.raw_path) == before


def test_replaying_landing_gives_the_same_tables(tmp_path: Path) -> None:
    loaded(
        tmp_path,
        0,
        {"contacts": [[contact(str(number)) for number in range(9)]], "deals": [[deal("d1", "new")]]},
    )
    changed = [contact("1", T2, lifecyclestage="customer"), contact("2", T2, archived=T2)]
    loaded(tmp_path, 1, {"contacts": [changed, [contact("20", hs_merged_object_ids="3;4")]]})
    with pytest.raises(SourceContractError):
        loaded(tmp_path, 2, {"contacts": [[]]}, walked=["contacts"])
    loaded(tmp_path, 3, {"contacts": [[contact("5", T2)]]})
    run = run_of(tmp_path, 4)
    load.replay(run, [SOURCE], tmp_path / "again.duckdb")
    assert tables(tmp_path / "again.duckdb") == tables(run.raw_path)
    with pytest.raises(StorageError, match="exists already"):
        load.replay(run, [SOURCE], tmp_path / "again.duckdb")


def test_raw_made_anew_takes_the_place_of_a_damaged_file_and_of_its_log(tmp_path: Path) -> None:
    loaded(tmp_path, 0, {"contacts": [[contact(str(number)) for number in range(9)]]})
    run = run_of(tmp_path, 1)
    before = tables(run.raw_path)
    log = run.raw_path.with_name("raw.duckdb.wal")
    run.raw_path.write_bytes(b"damaged")
    log.write_bytes(b"the log of another file")
    assert load.remake(run, [SOURCE])
    assert tables(run.raw_path) == before
    assert not log.exists()
    assert run.raw_path.with_name("raw.duckdb.old").read_bytes() == b"damaged"
    assert run.raw_path.with_name("raw.duckdb.old.wal").read_bytes() == b"the log of another file"


def test_raw_is_not_replaced_by_an_empty_one_when_landing_holds_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    load.ensure_raw(run.raw_path)
    before = run.raw_path.read_bytes()
    with pytest.raises(StorageError, match="no night to replay"):
        load.remake(run, [SOURCE])
    assert run.raw_path.read_bytes() == before
    assert sorted(path.name for path in run.data_dir.glob("*.duckdb*")) == ["raw.duckdb"]


def test_a_night_without_most_records_deletes_nothing(tmp_path: Path) -> None:
    loaded(tmp_path, 0, {"contacts": [[contact(str(number)) for number in range(9)]]})
    before = tables(run_of(tmp_path).raw_path)
    with pytest.raises(SourceContractError, match="contacts fell from 9 to 0"):
        loaded(tmp_path, 1, {"contacts": [[]]}, walked=["contacts"])
    assert tables(run_of(tmp_path).raw_path) == before
    result = loaded(tmp_path, 2, {"contacts": [[]]}, walked=["contacts"], accept_shrink=True)
    assert result.deleted == 9


def test_a_failed_load_moves_no_watermark(tmp_path: Path) -> None:
    with pytest.raises(SourceContractError, match=r"no pipeline has: attic \(1\)"):
        loaded(tmp_path, 0, {"contacts": [[contact("1")]], "deals": [[deal("d1", "attic")]]})
    raw = run_of(tmp_path).raw_path
    assert contacts(tmp_path) == []
    assert query(raw, "select count(*) from load.watermarks") == [(0,)]
    assert load.read_state(run_of(tmp_path), SOURCE).closed_until == {}


def test_a_deleted_stage_matters_only_while_a_deal_is_open_in_it(tmp_path: Path) -> None:
    closed = deal("d1", "won")
    closed["properties"]["hs_is_closed"] = "true"
    loaded(tmp_path, 0, {"deals": [[closed, deal("d2", "new")]]})
    loaded(tmp_path, 1, {"deal_stages": [[STAGES[0]]]})
    with pytest.raises(SourceContractError, match=r"new \(1\)"):
        loaded(tmp_path, 2, {"deal_stages": [[STAGES[1]]]})


def test_deals_outside_our_pipelines_do_not_live_and_are_known(tmp_path: Path) -> None:
    ours = SOURCE.model_copy(update={"deal_pipelines": ("default",)})
    pages = {"deals": [[deal("d1", "new"), deal("d2", "new", "other"), deal("d3", "new")]]}
    run, manifest = land(tmp_path, 0, pages)
    load.load(run, ours, manifest)
    state = load.read_state(run, ours)
    assert state.live_ids["deals"] == {"d1", "d3"}
    assert state.ignored_ids["deals"] == {"d2"}
    run, manifest = land(tmp_path, 1, pages)
    assert load.load(run, ours, manifest).changed == 0


def test_a_watermark_never_moves_back(tmp_path: Path) -> None:
    loaded(tmp_path, 1, {"contacts": [[contact("1")]]})
    loaded(tmp_path, 0, {"contacts": [[contact("2")]]})
    state = load.read_state(run_of(tmp_path), SOURCE)
    assert state.closed_until["contacts"] == FIRST_NIGHT + DAY


def test_what_is_needed_to_replay_outlives_its_retention(tmp_path: Path) -> None:
    for number, is_full in enumerate([True, False, True, False, False]):
        run, manifest = land(tmp_path, number, {"contacts": [[contact("1")]]})
        landing.write_manifest(run.landing_dir, replace(manifest, is_full=is_full))
    run = run_of(tmp_path, 5)
    assert landing.expire(run.landing_dir, FIRST_NIGHT + 4 * DAY) == [
        run_of(tmp_path, 0).run_id,
        run_of(tmp_path, 1).run_id,
    ]
    kept = landing.manifests(run.landing_dir)
    assert [item.run_id for item in kept] == [run_of(tmp_path, number).run_id for number in (2, 3, 4)]
    assert len(list((run.landing_dir / "hubspot" / "contacts").iterdir())) == 3
    assert landing.expire(run.landing_dir, FIRST_NIGHT + 4 * DAY) == []


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_landed_file_that_changed_is_not_loaded(tmp_path: Path, damage: str) -> None:
    run, manifest = land(tmp_path, 0, {"contacts": [[contact("1")]]})
    file = manifest.file("contacts")
    assert file is not None
    path = run.landing_dir / file.path
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[:-3] if damage == "cut" else content[:10] + b"x" + content[11:])
    with pytest.raises(StorageError, match="landed file"):
        load.load(run, SOURCE, manifest)


def test_a_manifest_cannot_name_a_file_outside_landing(tmp_path: Path) -> None:
    run, manifest = land(tmp_path, 0, {"contacts": [[contact("1")]]})
    outside = replace(manifest.files[0], path="../../secret")
    with pytest.raises(StorageError, match="outside landing"):
        load.load(run, SOURCE, replace(manifest, files=(outside,)))


def test_a_manifest_reads_back_as_it_was_written(tmp_path: Path) -> None:
    run, manifest = land(tmp_path, 0, {"contacts": [[contact("1")]]}, crm_totals={"contacts": 1}, calls=7)
    assert landing.manifests(run.landing_dir) == [manifest]
    path = landing.manifest_path(run.landing_dir, "hubspot", run.run_id)
    path.write_text("{")
    with pytest.raises(StorageError, match="manifest can't be read"):
        landing.manifests(run.landing_dir)


def test_a_night_that_breaks_off_leaves_no_landing_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), LandingWriter(tmp_path, source="hubspot", run_id="r") as writer:
        writer.object("contacts").write({"id": "1"}, endpoint="x", page=1, received_at=FIRST_NIGHT)
        raise ZeroDivisionError
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "content",
    [b"not a database at all, only text of some length" * 400, b"\x00" * 20_000],
    ids=["text", "zeros"],
)
def test_a_damaged_file_is_told_with_the_way_back(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data" / "raw.duckdb"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"damaged.*restore"):
        load.ensure_raw(path)


def test_a_planted_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_text("mine")
    path = tmp_path / "data" / "raw.duckdb"
    path.parent.mkdir()
    path.symlink_to(target)
    with pytest.raises(StorageError, match="symbolic link"):
        load.ensure_raw(path)
    assert target.read_text() == "mine"


def test_an_analyst_in_the_working_file_is_named_by_process(tmp_path: Path) -> None:
    path = tmp_path / "data" / "raw.duckdb"
    load.ensure_raw(path)
    script = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as analyst:
        assert analyst.stdout is not None
        assert analyst.stdout.readline() == "open\n"
        with pytest.raises(StorageError, match=rf"open in another program \(process {analyst.pid}\)"):
            load.ensure_raw(path)
        analyst.communicate("")


def test_a_file_of_a_newer_leadrole_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "raw.duckdb"
    load.ensure_raw(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update load.schema_version set version = 99")
    with pytest.raises(StorageError, match="newer version"):
        load.ensure_raw(path)


def test_figures_of_a_source_that_was_never_loaded_cannot_be_dated(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    load.ensure_raw(run.raw_path)

    class Config:
        sources = (SOURCE,)

    with pytest.raises(InternalError, match="hubspot"):
        load.as_of(run, Config())  # type: ignore[arg-type]


def test_run_ids_only_grow_even_if_the_clock_steps_back(tmp_path: Path) -> None:
    first = new_run(tmp_path, FIRST_NIGHT)
    (tmp_path / "releases" / first.run_id).mkdir(parents=True)
    second = new_run(tmp_path, FIRST_NIGHT - timedelta(hours=1))
    assert second.run_id == "20261101T020001Z"
    assert new_run(tmp_path, FIRST_NIGHT + DAY).run_id == "20261102T020000Z"


def test_the_pseudonym_key_is_made_once_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "data" / "pseudonym.key"
    key = pseudonym_key(path)
    assert pseudonym_key(path) == key
    assert len(key) == 32
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert len(rep_key(key, "hubspot:101")) == 12
    assert rep_key(key, "hubspot:101") == rep_key(key, "hubspot:101") != rep_key(b"other" * 8, "hubspot:101")
    path.write_text("00ff\n")
    with pytest.raises(LeadroleError, match="2 bytes"):
        pseudonym_key(path)
