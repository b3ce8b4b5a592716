"""The command line: one line per error, exit codes, and the same night with and without Prefect."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from company import CONFIG, TOKEN, Company
from leadrole import status as status_module
from leadrole.cli import main


def leadrole(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from leadrole.cli import main; main(prog_name='leadrole')", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def write_config(home: Path, url: str = "http://127.0.0.1:9", more: str = "") -> None:
    path = home / "config" / "leadrole.yml"
    path.parent.mkdir(parents=True)
    path.write_text(CONFIG.format(url=url, more=more), encoding="utf-8")


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for command in ("run", "demo", "serve", "status", "report", "replay", "check-config", "init"):
        assert f"  {command} " in result.output


def test_the_command_starts_without_loading_anything_heavy() -> None:
    program = (
        "import sys; import leadrole.cli; "
        "print([m for m in ('prefect', 'dbt', 'great_expectations', 'altair', 'pandas', 'duckdb') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_every_config_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    write_config(tmp_path, more="thresholds: {a: 1}\nretention: {releases: 0}\n")
    ended = leadrole("check-config", "--home", str(tmp_path), TEST_TOKEN="")
    assert ended.returncode == 2
    assert (
        "thresholds" in ended.stderr and "retention.releases" in ended.stderr and "TEST_TOKEN" in ended.stderr
    )
    assert "Traceback" not in ended.stderr


def test_init_writes_a_config_that_only_lacks_its_token(tmp_path: Path) -> None:
    assert leadrole("init", "--home", str(tmp_path)).returncode == 0
    ended = leadrole(
        "check-config", "--home", str(tmp_path), HUBSPOT_TOKEN="a-token-that-is-long-enough-0123456789"
    )
    assert ended.returncode == 0, ended.stderr
    without = leadrole("check-config", "--home", str(tmp_path), HUBSPOT_TOKEN="")
    assert without.returncode == 2
    assert "HUBSPOT_TOKEN" in without.stderr


def test_init_leaves_an_existing_config_alone(tmp_path: Path) -> None:
    write_config(tmp_path)
    before = (tmp_path / "config" / "leadrole.yml").read_text()
    assert leadrole("init", "--home", str(tmp_path)).returncode == 0
    assert (tmp_path / "config" / "leadrole.yml").read_text() == before


def test_a_crm_that_is_down_ends_the_run_with_exit_4_and_one_line(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write_config(tmp_path, url=f"http://127.0.0.1:{port}")
    ended = leadrole(
        "run", "--home", str(tmp_path), "--no-prefect", TEST_TOKEN="a-token-that-is-long-enough-0123456789"
    )
    assert ended.returncode == 4, ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert json.loads((tmp_path / "status.json").read_text())["exit_code"] == 4
    assert not (tmp_path / "published").exists()


def a_status(valid_until: datetime) -> status_module.Status:
    return status_module.Status(
        state=status_module.FAILED,
        exit_code=4,
        run_id="20261103T030000Z",
        started_at="2026-11-03T03:00:00+00:00",
        finished_at="2026-11-03T03:01:00+00:00",
        message="the CRM is down",
        where="hubspot",
        next_step="wait",
        publish_id="20261102T030000Z",
        as_of="2026-11-02T03:00:00+00:00",
        valid_until=valid_until.isoformat(),
    )


@pytest.mark.parametrize(("hours", "code"), [(1, 0), (-1, 6)], ids=["fresh", "stale"])
def test_status_tells_the_last_run_and_whether_the_publication_is_stale(
    tmp_path: Path, hours: int, code: int
) -> None:
    status_module.write(tmp_path / "status.json", a_status(datetime.now(UTC) + timedelta(hours=hours)))
    result = CliRunner().invoke(main, ["status", "--home", str(tmp_path)])
    assert result.exit_code == code
    assert "the CRM is down" in result.output
    assert ("stale" in result.output) == (code == 6)


@pytest.mark.slow
def test_the_demo_publishes_and_two_more_nights_show_what_changed(tmp_path: Path) -> None:
    first = leadrole("demo", "--home", str(tmp_path / "demo"), "--lang", "en")
    assert first.returncode == 0, first.stdout + first.stderr
    for role in ("inbound", "outbound", "closer"):
        assert role in first.stdout
    assert "prefect" in first.stdout
    assert "running without it" not in first.stdout
    assert 'lang="en"' in (tmp_path / "demo" / "published" / "report" / "index.html").read_text()

    second = leadrole("demo", "--home", str(tmp_path / "demo"), "--no-prefect")
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("Publication ") == 2
    assert "changed  lead cycles:" in second.stdout
    assert 'lang="nl"' in (tmp_path / "demo" / "published" / "report" / "index.html").read_text()

    out = tmp_path / "again"
    again = leadrole(
        "report",
        "--home",
        str(tmp_path / "demo"),
        "--lang",
        "en",
        "--out",
        str(out),
        LEADROLE_DEMO_TOKEN="x" * 32,
    )
    assert again.returncode == 0, again.stderr
    assert 'lang="en"' in (out / "index.html").read_text()


def start_run(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable, "-c", "from leadrole.cli import main; main(prog_name='leadrole')",
            "run", "--home", str(home), "--no-prefect", "--force",
        ],
        env={**os.environ, "TEST_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the run ended without {text!r}")


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def test_a_run_that_is_stopped_in_the_build_leaves_the_publication_and_the_next_run_works(
    company: Company, end: signal.Signals
) -> None:
    before = (company.home / "published").resolve()
    process = start_run(company.home)
    wait_for(process, "load")
    # The line is printed when the load is done: dbt starts right after it.
    time.sleep(4)
    process.send_signal(end)
    process.wait(timeout=10)

    assert (company.home / "published").resolve() == before
    assert company.rows("select count(*) > 0 as has_rows from main_published.fct_lead_cycle") == [
        {"has_rows": True}
    ]
    told = CliRunner().invoke(main, ["status", "--home", str(company.home)])
    if end == signal.SIGTERM:
        assert process.returncode == 143
        assert "the run was stopped" in told.output
    else:
        assert "killed: run" in told.output
    again = company.night(force=True)
    assert (company.home / "published").resolve().name == again.publication.publish_id
