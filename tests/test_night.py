"""The whole night over real HTTP, judged by truth that no SQL computed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from company import TOKEN, Company
from leadrole.build import dbt_environment, dbt_vars
from leadrole.errors import (
    AuthError,
    ChecksFailedError,
    NothingNew,
    SourceContractError,
    SourceUnavailableError,
)
from leadrole.night import night
from leadrole.publish import current
from leadrole.run import new_run
from leadrole.sandbox.faults import Faults
from leadrole.sandbox.truth import Month, Truth

pytestmark = pytest.mark.slow

Pick = Callable[[Month], Any]


def by_month(rows: list[dict[str, Any]], column: str) -> dict[date, Any]:
    return {row["month"]: row[column] for row in rows}


def assert_month_by_month(rows: list[dict[str, Any]], truth: Truth, column: str, pick: Pick) -> None:
    seen = by_month(rows, column)
    for month, true in truth.months.items():
        expected = pick(true)
        found = seen.get(month, 0)
        if isinstance(expected, float):
            assert found == pytest.approx(expected, abs=0.02), f"{column} of {month}"
        else:
            assert (found or 0) == (expected or 0), f"{column} of {month}: {found}, truth {expected}"
    assert any(pick(true) for true in truth.months.values()), (
        f"{column}: the truth is empty, the test proves nothing"
    )


INBOUND: dict[str, Pick] = {
    "inbound_leads": lambda m: m.inbound_leads,
    "lead_to_qualified_k": lambda m: m.lead_to_qualified.k,
    "lead_to_qualified_n": lambda m: m.lead_to_qualified.n,
    "never_answered_k": lambda m: m.never_answered.k,
    "never_answered_n": lambda m: m.never_answered.n,
    "lead_speed_n": lambda m: m.lead_speed_n,
    "lead_speed_answered": lambda m: m.lead_speed_answered,
    "lead_speed_median_wm": lambda m: m.lead_speed_median_wm,
    "unlogged_k": lambda m: m.unlogged.k,
}
OUTBOUND: dict[str, Pick] = {
    "new_prospects": lambda m: m.new_prospects,
    "prospect_to_qualified_k": lambda m: m.prospect_to_qualified.k,
    "prospect_to_qualified_n": lambda m: m.prospect_to_qualified.n,
}
CLOSER: dict[str, Pick] = {
    "qualified_received": lambda m: m.qualified_received,
    "lead_to_customer_k": lambda m: m.lead_to_customer.k,
    "lead_to_customer_n": lambda m: m.lead_to_customer.n,
    "deals_won": lambda m: m.deals_won,
    "deals_lost": lambda m: m.deals_lost,
    "win_rate_k": lambda m: m.win_rate.k,
    "win_rate_n": lambda m: m.win_rate.n,
    "self_handover_k": lambda m: m.self_handover.k,
}


@pytest.mark.parametrize("column", INBOUND)
def test_inbound_months_equal_the_truth(company: Company, column: str) -> None:
    rows = company.rows("select * from main_published.mart_inbound_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth(), column, INBOUND[column])


@pytest.mark.parametrize("column", OUTBOUND)
def test_outbound_months_equal_the_truth(company: Company, column: str) -> None:
    rows = company.rows("select * from main_published.mart_outbound_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth(), column, OUTBOUND[column])


@pytest.mark.parametrize("column", CLOSER)
def test_closer_months_equal_the_truth(company: Company, column: str) -> None:
    rows = company.rows("select * from main_published.mart_closer_month where slice_type = 'all'")
    assert_month_by_month(rows, company.truth(), column, CLOSER[column])


def test_every_lead_cycle_has_the_true_entry_and_response(company: Company) -> None:
    found = {
        (row["person_id"].removeprefix("hubspot:"), row["entered_at"]): row["ttfa_wm"]
        for row in company.rows("select person_id, entered_at, ttfa_wm from main_published.fct_lead_cycle")
    }
    true = {(cycle.person, cycle.entered_at): cycle.ttfa_wm for cycle in company.truth().cycles}
    assert found.keys() == true.keys()
    for key, minutes in true.items():
        assert found[key] == (None if minutes is None else pytest.approx(minutes, abs=0.02)), key


def test_every_dbt_unit_test_passes(company: Company) -> None:
    run = new_run(company.home, company.as_of())
    ended = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "--quiet", "test", "--select", "test_type:unit",
            "--vars", json.dumps(dbt_vars(company.settings(), run.run_id, company.as_of(), company.as_of())),
        ],
        env={**os.environ, **dbt_environment(run, company.home / "data" / "dbt")},
        cwd=company.home,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:]


def test_every_live_record_is_in_the_warehouse(company: Company) -> None:
    live = company.truth().live
    with duckdb.connect(str(company.home / "data" / "raw.duckdb"), read_only=True) as raw:
        for name in ("contacts", "deals", "calls", "emails", "meetings"):
            held = raw.execute(
                f"select count(*) from raw_hubspot.{name} where _deleted_at is null"
            ).fetchall()
            assert held == [(live[name],)], name


def test_the_status_and_the_publication_tell_the_same(company: Company) -> None:
    status = json.loads((company.home / "status.json").read_text())
    publication = current(company.home)
    assert publication is not None
    assert status["publish_id"] == publication.publish_id
    assert status["valid_until"] == publication.valid_until
    ids = company.rows("select distinct publish_id from main_published.mart_role_scorecard")
    assert ids == [{"publish_id": publication.publish_id}]
    assert publication.publish_id in (company.home / "published" / "report" / "index.html").read_text()


def test_working_files_are_private_and_the_token_is_on_no_disk(company: Company) -> None:
    for path in company.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert TOKEN.encode() not in path.read_bytes(), path
            if "releases" not in path.parts and path.suffix == ".duckdb":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_same_data_at_the_same_as_of_give_the_same_tables(company: Company) -> None:
    before = current(company.home)
    again = company.night(force=True).publication
    assert before is not None and again.publish_id > before.publish_id
    assert again.content_hashes == before.content_hashes


def test_a_night_without_changes_has_nothing_to_publish(company: Company) -> None:
    before = current(company.home)
    with pytest.raises(NothingNew) as caught:
        company.night()
    assert caught.value.exit_code == 10
    assert current(company.home) == before


def test_a_failed_check_leaves_the_last_publication_and_says_what_to_do(company: Company) -> None:
    before = current(company.home)
    company.write_config(
        "exclusions:\n"
        + "".join(
            f"  - {{id: X{i}, field: source, equals: {source}, reason: test, author: me, added_on: 2026-01-01}}\n"
            for i, source in enumerate(
                [
                    "organic_search",
                    "paid_search",
                    "social_media",
                    "referrals",
                    "direct_traffic",
                    "email_marketing",
                ]
            )
        )
    )
    with pytest.raises(ChecksFailedError) as caught:
        company.night()
    company.write_config()
    assert caught.value.exit_code == 6
    assert "marts.fct_lead_cycle" in str(caught.value)
    assert current(company.home) == before
    status = json.loads((company.home / "status.json").read_text())
    assert (status["state"], status["exit_code"]) == ("failed", 6)
    assert "exclusion" in status["message"] + status["next_step"]


def test_a_wrong_token_ends_the_night_with_exit_3(company: Company) -> None:
    before = current(company.home)
    with pytest.raises(AuthError) as caught:
        night(company.settings(token="wrong-token-of-the-tests-9876543210"))
    assert caught.value.exit_code == 3
    assert "wrong-token" not in str(caught.value)
    assert current(company.home) == before


def test_a_crm_that_answers_nothing_ends_the_night_with_exit_4(company: Company) -> None:
    company.server.set_faults(Faults().daily_limit_after(3))
    try:
        with pytest.raises(SourceUnavailableError) as caught:
            company.night()
    finally:
        company.server.set_faults(Faults())
    assert caught.value.exit_code == 4


def test_a_stage_the_pipeline_does_not_list_ends_the_night_with_exit_5(company: Company) -> None:
    company.server.set_faults(Faults().stage_unlisted("qualifiedtobuy"))
    try:
        with pytest.raises(SourceContractError) as caught:
            company.night()
    finally:
        company.server.set_faults(Faults())
    assert caught.value.exit_code == 5
    assert "qualifiedtobuy" in str(caught.value)


def test_after_two_more_nights_the_warehouse_equals_the_crm_again(company: Company) -> None:
    held_open = duckdb.connect(
        str((company.home / "published" / "leadrole.duckdb").resolve()), read_only=True
    )
    rows_before = held_open.execute("select count(*) from main_published.fct_lead_cycle").fetchall()
    company.server.set_now(company.server.now + timedelta(days=1))
    company.night()
    company.server.set_now(company.server.now + timedelta(days=1))
    company.night()

    assert held_open.execute("select count(*) from main_published.fct_lead_cycle").fetchall() == rows_before
    held_open.close()
    truth = company.truth()
    for mart, columns in (("inbound", INBOUND), ("outbound", OUTBOUND), ("closer", CLOSER)):
        rows = company.rows(f"select * from main_published.mart_{mart}_month where slice_type = 'all'")
        for column, pick in columns.items():
            assert_month_by_month(rows, truth, column, pick)
    test_every_live_record_is_in_the_warehouse(company)
