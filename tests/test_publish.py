"""Publication: readers see one whole release or the one before it, whatever happens in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from leadrole import publish as publish_module
from leadrole.errors import LeadroleError, StorageError
from leadrole.publish import CheckSummary, Publication, current, publish
from leadrole.run import Run

AS_OF = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)


def a_run(home: Path, second: int = 0) -> Run:
    moment = AS_OF + timedelta(seconds=second)
    return Run(run_id=f"{moment:%Y%m%dT%H%M%SZ}", started_at=moment, home=home)


def write_candidate(run: Run, leads: int = 3, publish_id: str | None = None) -> None:
    run.candidate_path.parent.mkdir(parents=True, exist_ok=True)
    run.candidate_path.unlink(missing_ok=True)
    with duckdb.connect(str(run.candidate_path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.fct_lead_cycle as select 'c' || i as cycle_id, i * 1.5 as ttfa_wm,"
            f" '{publish_id or run.run_id}' as publish_id from range({leads}) as r(i)"
        )
        connection.execute("comment on table marts.fct_lead_cycle is 'It''s one row per lead cycle.'")
        connection.execute("comment on column marts.fct_lead_cycle.ttfa_wm is 'Working minutes.'")


def write_page(database: Path, directory: Path) -> list[Path]:
    directory.mkdir()
    page = directory / "index.html"
    page.write_text("<p>report</p>", encoding="utf-8")
    return [page]


def publish_one(run: Run, *, keep: int = 7, render: publish_module.RenderReport = write_page) -> Publication:
    return publish(
        run,
        as_of=AS_OF,
        data_through=AS_OF,
        checks=CheckSummary(dbt_tests=12, expectations=30),
        valid_until=AS_OF + timedelta(hours=30),
        keep_releases=keep,
        config_sha256="0" * 64,
        render_report=render,
    )


def cycles(home: Path) -> int:
    with duckdb.connect(str(home / "published" / "leadrole.duckdb"), read_only=True) as connection:
        return int(connection.execute("select count(*) from main_published.fct_lead_cycle").fetchall()[0][0])


def test_a_publication_holds_marts_views_parquet_report_and_its_description(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    write_candidate(run)
    publication = publish_one(run)

    assert cycles(tmp_path) == 3
    assert current(tmp_path) == publication
    assert publication.checks_passed == 42
    published = tmp_path / "published"
    assert (published / "report" / "index.html").read_text() == "<p>report</p>"
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select count(*) from '{published / 'parquet' / 'fct_lead_cycle.parquet'}'"
        ).fetchall()
    assert rows == [(3,)]
    assert set(json.loads((published / "publication.json").read_text())["files"]) == {
        "leadrole.duckdb",
        "parquet/fct_lead_cycle.parquet",
        "parquet/mart_publication.parquet",
        "report/index.html",
    }


def test_what_was_deleted_since_the_last_publication_is_told_and_that_one_stands(tmp_path: Path) -> None:
    """Deleted tonight: one known before. A merge is no deletion, and what came and went in between was never shown."""
    first, second = a_run(tmp_path), a_run(tmp_path, 60)
    write_candidate(first)
    publish_one(first)
    before, after = first.run_id, second.run_id
    with duckdb.connect(str(second.raw_path)) as connection:
        connection.execute("create schema raw_hubspot")
        for table, rows in {
            "contacts": [
                ("1", before, before, None, None),
                ("2", before, after, "2026-11-03", "vanished"),
                ("3", before, after, "2026-11-03", "merged"),
                ("4", after, after, "2026-11-03", "vanished"),
                ("5", before, before, "2026-11-02", "archived"),
            ],
            "deals": [("6", before, after, "2026-11-03", "archived"), ("7", before, after, None, None)],
        }.items():
            connection.execute(
                f"create table raw_hubspot.{table} (id text, _first_run text, _last_run text, _deleted_at timestamptz,"
                " _deleted_how text)"
            )
            connection.executemany(f"insert into raw_hubspot.{table} values (?, ?, ?, ?, ?)", rows)
    write_candidate(second, leads=1)
    publish_one(second)
    found = []
    for run in (first, second):
        with duckdb.connect(
            str(run.releases_dir / run.run_id / "leadrole.duckdb"), read_only=True
        ) as connection:
            found += connection.execute(
                "select distinct row_count, deleted_since_last from marts.mart_publication"
            ).fetchall()
    assert found == [(3, None), (1, 2)]


def test_descriptions_travel_with_the_published_tables(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    write_candidate(run)
    publish_one(run)
    with duckdb.connect(str(tmp_path / "published" / "leadrole.duckdb"), read_only=True) as connection:
        table = connection.execute(
            "select comment from duckdb_tables() where table_name = 'fct_lead_cycle'"
        ).fetchall()
        column = connection.execute(
            "select comment from duckdb_columns() where table_name = 'fct_lead_cycle' and column_name = 'ttfa_wm'"
            " and schema_name = 'marts'"
        ).fetchall()
    assert table == [("It's one row per lead cycle.",)]
    assert column == [("Working minutes.",)]


def test_the_published_file_is_readable_by_duckdb_1_4(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    write_candidate(run)
    publish_one(run)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path / 'published' / 'leadrole.duckdb'}' as p (read_only)")
        ((tags,),) = connection.execute(
            "select tags from duckdb_databases() where database_name = 'p'"
        ).fetchall()
    assert tags["storage_version"].startswith("v1.4.0")


def test_a_reader_keeps_the_old_publication_until_it_connects_again(tmp_path: Path) -> None:
    first = a_run(tmp_path)
    write_candidate(first, leads=3)
    publish_one(first)
    reader = duckdb.connect(str((tmp_path / "published" / "leadrole.duckdb").resolve()), read_only=True)
    second = a_run(tmp_path, 1)
    write_candidate(second, leads=5)
    publish_one(second)

    assert reader.execute("select count(*) from main_published.fct_lead_cycle").fetchall() == [(3,)]
    assert cycles(tmp_path) == 5
    reader.close()


def test_a_report_that_fails_leaves_the_last_publication_and_no_leftovers(tmp_path: Path) -> None:
    first = a_run(tmp_path)
    write_candidate(first)
    publish_one(first)
    before = (tmp_path / "published").resolve()
    second = a_run(tmp_path, 1)
    write_candidate(second, leads=9)

    def broken(database: Path, directory: Path) -> list[Path]:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError) as caught:
        publish_one(second, render=broken)
    assert caught.value.exit_code == 7
    assert "No space left" in str(caught.value)
    assert (tmp_path / "published").resolve() == before
    assert cycles(tmp_path) == 3
    assert sorted(path.name for path in (tmp_path / "releases").iterdir()) == [first.run_id]


def test_rows_of_another_run_are_never_published(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    write_candidate(run, publish_id="20200101T000000Z")
    with pytest.raises(StorageError, match="another publication id"):
        publish_one(run)
    assert not (tmp_path / "published").exists()


def test_only_the_newest_releases_stay(tmp_path: Path) -> None:
    for second in range(5):
        run = a_run(tmp_path, second)
        write_candidate(run)
        publish_one(run, keep=3)
    assert [path.name for path in sorted((tmp_path / "releases").iterdir())] == [
        a_run(tmp_path, second).run_id for second in (2, 3, 4)
    ]


def test_the_content_hash_depends_on_rows_and_not_on_their_order_or_run() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table a as select i, 'x' as publish_id from range(9) as r(i) order by i")
        connection.execute("create table b as select i, 'y' as publish_id from range(9) as r(i) order by -i")
        connection.execute("create table c as select i + 1 as i, 'x' as publish_id from range(9) as r(i)")
        hashes = [publish_module.content_hash(connection, table) for table in "abc"]
    assert hashes[0] == hashes[1] != hashes[2]


def test_files_are_for_owner_and_group_only(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    write_candidate(run)
    publish_one(run)
    modes = {
        oct(path.stat().st_mode & 0o777)
        for path in (tmp_path / "published").resolve().rglob("*")
        if path.is_file()
    }
    assert modes == {"0o640"}


def test_a_directory_in_the_links_place_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "notes.txt").write_text("mine")
    run = a_run(tmp_path)
    write_candidate(run)
    with pytest.raises(LeadroleError, match="a directory stands where"):
        publish_one(run)
    assert (tmp_path / "published" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("moment", ["os.rename", "os.replace", "os.fsync"])
def test_a_kill_leaves_the_old_or_the_new_publication(tmp_path: Path, moment: str) -> None:
    first = a_run(tmp_path)
    write_candidate(first, leads=3)
    publish_one(first)
    second = a_run(tmp_path, 1)
    write_candidate(second, leads=5)
    program = f"""
import os, signal, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
import test_publish as t
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
{moment} = die
t.publish_one(t.a_run(Path({str(tmp_path)!r}), 1))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, cwd=Path(__file__).parent, check=False
    )
    assert ended.returncode == -9, ended.stderr.decode()
    assert cycles(tmp_path) == 3

    third = a_run(tmp_path, 2)
    write_candidate(third, leads=7)
    publish_one(third)
    assert cycles(tmp_path) == 7
    assert not list((tmp_path / "releases").glob(".building-*"))
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".new")]
