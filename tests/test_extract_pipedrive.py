"""Pipedrive over real HTTP: everything arrives, leads that become deals keep their age, the day's tokens are minded."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadrole import crm, landing, load
from leadrole.crm.pipedrive import quirks
from leadrole.crm.pipedrive.access import DayBudget
from leadrole.crm.spec import SourceState
from leadrole.errors import (
    AuthError,
    LeadroleError,
    MissingPermissionError,
    SourceContractError,
    SourceUnavailableError,
)
from leadrole.sandbox import Faults, History, Population, Script, Server
from leadrole.sandbox.pipedrive import cost, deal_id, lead_id, ledger, person_id
from leadrole.settings import PipedriveSource
from support.homes import ids, night, query, run_of, tables
from support.pipedrive import (
    APP,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    TOKEN,
    assert_raw_is_the_ledger,
    pipedrive,
    pipedrive_home,
    raw_rows,
)
from support.stories import DAY, HOUR, NIGHT, OWNERS, START

pytestmark = pytest.mark.slow


def story() -> Script:
    """Twelve leads, two of which became deals, and a few touches."""
    script = Script()
    for number in range(12):
        contact = str(1000 + number)
        script.form(START + number * HOUR, contact, owner="101")
        script.call(
            START + number * HOUR + timedelta(minutes=20), str(5000 + number), contact, "101", seconds=90
        )
    for number in range(2):
        script.deal(START + 2 * DAY, str(3000 + number), "104", contacts=(str(1000 + number),))
    return script


def busy_nights() -> Script:
    """Every kind of event that Pipedrive can show, before and between three nights."""
    script = story()
    for number in range(12, 20):
        script.create(START + number * HOUR, str(1000 + number), by="102")
    script.list_row(START + 30 * HOUR, "1020", by="103")
    script.stage(START + 3 * DAY, "3000", "qualifiedtobuy", by="104")
    script.meeting(START + 3 * DAY, "7000", "1000", "104", START + 4 * DAY, deal="3000")
    script.meeting(START + 3 * DAY, "7001", "1002", "104", START + 12 * DAY, outcome="CANCELED")
    script.email(START + 3 * DAY, "6000", "1003", "101", direction="in")
    for day in range(3):
        at = NIGHT + day * DAY + 7 * HOUR
        script.form(at, str(1100 + day), owner="101")
        script.form_again(at + timedelta(minutes=5), str(1002 + day))
        script.assign(at, str(1004 + day), "102", by="101")
        script.status(at, str(1005 + day), "UNQUALIFIED", by="101")
        script.archive_contact(at, str(1008 + day))
        script.forget_contact(at + HOUR, str(1012 + day))
        script.deal(at + 2 * HOUR, str(3100 + day), "104", contacts=(str(1015 + day),))
        script.stage(at + 2 * HOUR, str(3100 + day), "presentationscheduled", by="104")
        script.amount(at + 3 * HOUR, "3000", str(6000 + day), by="104")
        script.close_date(at + 3 * HOUR, "3001", at + (20 + day) * DAY, by="104")
        script.deal_owner(at + 4 * HOUR, "3001", str(101 + day), by="104")
        script.call(at + 5 * HOUR, str(5100 + day), str(1004 + day), "101", outcome="connected")
    later = NIGHT + 9 * HOUR
    script.restore_contact(later + DAY, "1008")
    script.status(later + DAY, "1005", "OPEN", by="101")
    script.merge(later, "1900", ("1002", "1003"))
    script.merge(later + DAY, "1901", ("1900", "1018"))
    script.archive_deal(later, "3000")
    script.restore_deal(later + DAY, "3000")
    script.deal(later, "3200", "104", amount="12.50")
    script.delete_deal(later + DAY, "3200")
    script.stage(later + DAY, "3001", "closedlost", by="104", reason="Te duur")
    script.stage(later + 2 * DAY, "3001", "contractsent", by="104")
    script.stage(later + 2 * DAY + HOUR, "3001", "closedwon", by="104")
    script.unlink(later, "calls", "5004", "contacts", "1004")
    script.link(later, "calls", "5004", "contacts", "1006")
    script.deactivate(later, "103")
    return script


def of(script: Script) -> History:
    return script.history(OWNERS)


def server(script: Script, **settings: Any) -> Server:
    return pipedrive(of(script), NIGHT, **settings)


@pytest.fixture
def told() -> Iterator[Server]:
    with server(story()) as running:
        yield running


# --- everything arrives ---


@pytest.mark.parametrize("size", [2, 7, 500])
def test_every_night_leaves_what_the_crm_holds(tmp_path: Path, size: int) -> None:
    history = of(busy_nights())
    with pipedrive(history, NIGHT) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=size)
        for number in range(4):
            now = NIGHT + number * DAY
            running.set_now(now)
            night(config, number)
            assert_raw_is_the_ledger(config, history, now)


@pytest.mark.parametrize(
    "settings",
    [
        {"absent": "null", "end_of_list": "no_cursor"},
        {"absent": "dropped", "end_of_list": "null_data"},
        {"microseconds": True, "end_of_list": "no_data"},
        {"early_stamps": True, "shuffle_ties": True},
        {"source_lead_ids": False},
        {"archived_as": "deleted"},
        {"page_cap": 3},
        {"hidden_owners": ("102",)},
    ],
    ids=str,
)
def test_accounts_differ_and_nothing_is_lost(tmp_path: Path, settings: dict[str, Any]) -> None:
    history = of(busy_nights())
    with pipedrive(history, NIGHT, **settings) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=5)
        for number in (0, 3):
            now = NIGHT + number * DAY
            running.set_now(now)
            night(config, number)
            assert_raw_is_the_ledger(config, history, now, **settings)


def test_a_made_up_company_arrives_whole_over_several_nights(tmp_path: Path) -> None:
    history = Population(months=2, scale=0.2)
    now = datetime(2025, 6, 20, 1, 0, tzinfo=UTC)
    with pipedrive(history, now) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=37)
        for number in range(3):
            at = now + number * 5 * DAY
            running.set_now(at)
            night(config, number)
            assert_raw_is_the_ledger(config, history, at)
    assert len(raw_rows(config, "leads")) > 50


def test_what_shows_late_arrives_with_the_next_night(tmp_path: Path) -> None:
    history = of(busy_nights())
    last = NIGHT + 4 * DAY
    with pipedrive(history, NIGHT + 9 * HOUR + timedelta(seconds=30), lag_seconds=300) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=5)
        night(config)
        running.set_now(NIGHT + DAY + 9 * HOUR + timedelta(seconds=1))
        night(config, 1)
        running.set_now(last)
        night(config, 2)
        assert_raw_is_the_ledger(config, history, last, lag_seconds=300)


def test_a_quiet_night_changes_nothing_and_reads_no_history(tmp_path: Path, told: Server) -> None:
    config = pipedrive_home(tmp_path, told.base_url)
    night(config)
    assert told.count("/flow") == 2
    told.set_now(NIGHT + DAY)
    told.clear_calls()
    result = night(config, 1)
    assert (result.changed, result.deleted) == (0, 0)
    assert told.count("/flow") == 0


def test_the_history_is_read_of_deals_that_moved_and_of_no_other(tmp_path: Path) -> None:
    script = story()
    script.stage(NIGHT + HOUR, "3001", "qualifiedtobuy", by="104")
    with server(script) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
        running.set_now(NIGHT + DAY)
        running.clear_calls()
        night(config, 1)
        assert [call.path for call in running.calls if "/flow" in call.path] == ["/v1/deals/3001/flow"]


# --- the ten tests of Pipedrive's section ---


def test_t30_deals_older_than_a_month_arrive_and_recents_is_never_asked(tmp_path: Path) -> None:
    with server(story()) as running:
        running.set_now(NIGHT + 90 * DAY)
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
        assert running.count("recents") == 0
    assert ids(config, "raw_pipedrive.deals") == {"3000", "3001"}


def test_t31_a_change_that_moves_no_update_time_arrives_with_its_history(tmp_path: Path) -> None:
    history = of(busy_nights())
    with pipedrive(history, NIGHT, silent_updates=True) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        for number in range(4):
            running.set_now(NIGHT + number * DAY)
            night(config, number)
        assert_raw_is_the_ledger(config, history, NIGHT + 3 * DAY, silent_updates=True)
    values = query(
        run_of(tmp_path).raw_path,
        "select new_value from raw_pipedrive.deal_changes where item_id = '3000' and field_key = 'value' order by id",
    )
    assert [row[0] for row in values] == ["6000", "6001", "6002"]


def test_t32_a_flow_of_null_is_a_deal_without_changes(tmp_path: Path) -> None:
    with server(story(), faults=Faults().null_results("3000/flow")) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
    held = query(run_of(tmp_path).raw_path, "select distinct item_id from raw_pipedrive.deal_changes")
    assert held == [("3001",)]
    assert ids(config, "raw_pipedrive.deals") == {"3000", "3001"}


def test_t33_deleted_deals_are_told_for_thirty_days_and_missed_after_that(tmp_path: Path) -> None:
    script = story()
    script.deal(START, "3300", "104")
    script.delete_deal(NIGHT + HOUR, "3001")
    script.archive_deal(NIGHT + HOUR, "3300")
    script.delete_deal(NIGHT + 2 * HOUR, "3300")
    script.delete_deal(NIGHT + 3 * HOUR, "3000")
    with server(script) as running:
        config = pipedrive_home(tmp_path / "soon", running.base_url)
        late = pipedrive_home(tmp_path / "late", running.base_url)
        night(config)
        night(late)
        running.set_now(NIGHT + DAY)
        night(config, 1, accept_shrink=True)
        running.set_now(NIGHT + 40 * DAY)
        night(late, 40, accept_shrink=True)
    found = "select id, _deleted_how, _deleted_at from raw_pipedrive.deals order by id"
    held = query(run_of(config.home).raw_path, found)
    assert [row[:2] for row in held] == [("3000", "archived"), ("3001", "archived"), ("3300", "archived")]
    assert held[1][2].astimezone(UTC) == NIGHT + HOUR
    assert {row[1] for row in query(run_of(late.home).raw_path, found)} == {"vanished"}


def test_t34_a_value_that_nobody_knew_goes_to_raw(tmp_path: Path) -> None:
    faults = Faults().value("deals", "status", "nova").value("activities", "type", "hologram", every=2)
    with server(story(), faults=faults) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
    assert {row["status"] for row in raw_rows(config, "deals").values()} == {"nova"}
    assert "hologram" in {row["type"] for row in raw_rows(config, "activities").values()}


def test_t35_version_1_is_asked_only_for_what_it_still_has(tmp_path: Path, told: Server) -> None:
    config = pipedrive_home(tmp_path, told.base_url)
    night(config)
    old = {call.path for call in told.calls if not call.path.startswith("/api/v2/")}
    assert old == {
        "/v1/users", "/v1/activityTypes", "/v1/leadLabels", "/v1/leadSources", "/v1/currencies",
        "/v1/leads", "/v1/leads/archived", "/v1/deals/summary", "/v1/deals/summary/archived",
        "/v1/deals/3000/flow", "/v1/deals/3001/flow",
    }  # fmt: skip
    assert {call.status for call in told.calls} == {200}


def test_t36_two_changes_in_one_second_are_both_kept_and_in_order(tmp_path: Path) -> None:
    script = story()
    at = NIGHT - DAY
    for place, stage in enumerate(("qualifiedtobuy", "presentationscheduled", "contractsent")):
        script.stage(at + timedelta(milliseconds=200 * place), "3000", stage, by="104")
    with server(script, shuffle_ties=True) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
    held = query(
        run_of(tmp_path).raw_path,
        "select new_value, log_time from raw_pipedrive.deal_changes where item_id = '3000' and field_key = 'stage_id' "
        "order by try_cast(id as bigint)",
    )
    assert [row[0] for row in held] == ["2", "3", "4"]
    assert len({row[1] for row in held}) == 1


def test_t31_everybody_on_a_deal_is_known_though_nothing_of_the_deal_moves(tmp_path: Path) -> None:
    """A second person joins, is swapped for a third, and leaves: Pipedrive's update_time stays where it was."""
    script = story()
    at = NIGHT + 8 * HOUR
    script.link(at, "deals", "3000", "contacts", "1005")
    script.unlink(at + DAY, "deals", "3000", "contacts", "1005")
    script.link(at + DAY, "deals", "3000", "contacts", "1006")
    script.unlink(at + 2 * DAY, "deals", "3000", "contacts", "1006")
    script.stage(NIGHT - HOUR, "3001", "closedwon", by="104")
    script.link(NIGHT - HOUR, "deals", "3001", "contacts", "1007")
    deal, won = deal_id("3000"), deal_id("3001")
    linked, asked = [], []
    with server(script) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        for day in range(4):
            running.set_now(NIGHT + day * DAY)
            running.clear_calls()
            night(config, day)
            rows = query(run_of(tmp_path).raw_path, "select from_id, to_id from raw_pipedrive.deals_persons")
            linked.append({(one, other) for one, other in rows if one == deal})
            assert {other for one, other in rows if one == won} == {person_id("1001"), person_id("1007")}
            asked.append(
                Counter(call.path.split("/")[3] for call in running.calls if "participants" in call.path)
            )
    main = (deal, person_id("1000"))
    assert linked == [set(), {main, (deal, person_id("1005"))}, {main, (deal, person_id("1006"))}, set()]
    # A deal that has nobody else costs nothing, a closed one nothing once it is known.
    assert asked == [{won: 1}, {deal: 1}, {deal: 1}, {}]


def test_t37_tokens_are_counted_as_pipedrive_counts_them(tmp_path: Path) -> None:
    history = Population(months=1, scale=0.2)
    with pipedrive(history, datetime(2025, 6, 1, tzinfo=UTC)) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=50)
        night(config)
        metered = sum(cost(call.method, call.path) for call in running.calls)
    raw = run_of(tmp_path).raw_path
    (budget,) = query(raw, "select calls, spent, allowance from load.budgets")
    assert budget == (len(running.calls), metered, 30_000 * 7 * 1000)
    assert metered > 500


def test_t37_a_night_stops_at_our_share_of_the_day(tmp_path: Path, told: Server) -> None:
    more = "    max_allowance_share: 0.000001\n"
    config = pipedrive_home(tmp_path, told.base_url, more)
    with pytest.raises(SourceUnavailableError, match="of the account's daily 210,000,000") as caught:
        night(config)
    assert caught.value.exit_code == 4
    assert sum(cost(call.method, call.path) for call in told.calls) <= 210


def test_t37_the_runs_of_one_day_count_together(tmp_path: Path, told: Server) -> None:
    """Each night is under our share; the naive count of one run would let them all through."""
    now = [NIGHT]

    def spend() -> int:
        told.clear_calls()
        crm.extract(
            config.sources[0],
            SourceState(config.sources[0].name),
            run_of(config.home),
            clock=lambda: now[0],
            sleep=lambda seconds: None,
        )
        return sum(cost(call.method, call.path) for call in told.calls)

    config = pipedrive_home(tmp_path / "whole", told.base_url)
    whole = spend()
    share = 2.5 * whole / 210_000_000
    config = pipedrive_home(tmp_path, told.base_url, f"    max_allowance_share: {share:.9f}\n")
    assert [spend(), spend()] == [whole, whole]
    with pytest.raises(
        SourceUnavailableError, match=r"today's calls reached .* run again after midnight \(UTC\)"
    ):
        spend()
    part = sum(cost(call.method, call.path) for call in told.calls)
    assert 0 < part <= whole // 2
    now[0] = NIGHT.replace(hour=23, minute=59)
    with pytest.raises(SourceUnavailableError, match="today's calls"):
        spend()
    assert told.count() == 0
    now[0] = (NIGHT + DAY).replace(hour=0, minute=0)
    # The read goes on where it stopped; short lists that say where its window ends come again.
    assert whole - part <= spend() <= whole


def day_budget(path: Path, now: datetime, **keys: Any) -> DayBudget:
    """A home that may spend 3,000 tokens a day."""
    return DayBudget(path, source(token_env="A", max_allowance_share=0.1, **keys), lambda: now)


def spend(budget: DayBudget, calls: int) -> None:
    for _ in range(calls):
        budget.cost("GET", "/v1/users")  # 20 tokens


def test_t37_what_a_killed_run_spent_counts_with_what_it_was_about_to(tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "pipedrive.spent.json"
    budget = day_budget(path, NIGHT)
    budget.__enter__()
    spend(budget, 30)  # and no __exit__, as after a kill
    assert json.loads(path.read_text()) == {"day": "2026-03-10", "spent": 1020}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with day_budget(path, NIGHT) as budget:
        spend(budget, 99)  # 3,000 - 1,020
        with pytest.raises(SourceUnavailableError):
            spend(budget, 1)
    assert json.loads(path.read_text())["spent"] == 3000
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_t37_a_run_over_midnight_spends_of_two_days(tmp_path: Path) -> None:
    path = tmp_path / "pipedrive.spent.json"
    now = [datetime(2026, 3, 10, 22, 59, tzinfo=UTC)]
    keys = {"token_env": "A", "max_allowance_share": 0.1, "budget_timezone": "Europe/Tallinn"}
    with DayBudget(path, source(**keys), lambda: now[0]) as budget:
        spend(budget, 150)
        with pytest.raises(SourceUnavailableError, match=r"midnight \(Europe/Tallinn\)"):
            spend(budget, 1)
        now[0] = datetime(2026, 3, 11, 22, 0, tzinfo=UTC)
        spend(budget, 2)
    assert json.loads(path.read_text()) == {"day": "2026-03-12", "spent": 40}


def test_t37_a_day_used_up_ends_the_night_and_the_next_goes_on(tmp_path: Path) -> None:
    with pipedrive(
        of(busy_nights()), NIGHT, enforce_limits=True, plan="ultimate", daily_tokens=200
    ) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=10)
        with pytest.raises(SourceUnavailableError, match="tokens of this day are used up") as caught:
            night(config)
        assert caught.value.exit_code == 4
        assert running.count(status=429) == 1
        assert query(run_of(tmp_path).raw_path, "select count(*) from load.watermarks") == [(0,)]
        for day in range(1, 9):
            running.set_now(NIGHT + day * DAY)
            running.clear_calls()
            try:
                night(config, day)
            except SourceUnavailableError:
                continue
            break
    assert day > 1
    assert len(ids(config, "raw_pipedrive.leads")) > 10


def test_t37_a_burst_is_waited_out(tmp_path: Path) -> None:
    waits: list[float] = []
    with server(story(), faults=Faults().status("/v2/", 429, times=3)) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config, sleep=waits.append)
    assert [wait for wait in waits if wait >= 2] == [2.0, 4.0, 8.0]
    assert len(ids(config, "raw_pipedrive.leads")) == 10


def test_t37_we_are_gone_before_pipedrive_shuts_the_company_out(tmp_path: Path) -> None:
    with server(story(), faults=Faults().status("/v2/", 429, times=None)) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        with pytest.raises(SourceUnavailableError, match="still limits the calls after 5 tries"):
            night(config)
        assert running.count(status=429) == 6


def test_t37_a_page_of_the_gatekeeper_ends_the_night_at_once(tmp_path: Path, told: Server) -> None:
    config = pipedrive_home(tmp_path, told.base_url)
    told.set_faults(Faults().html_login_page("/v2/persons", code=403))
    with pytest.raises(SourceUnavailableError, match="shut the whole company out") as caught:
        night(config)
    assert caught.value.exit_code == 4
    assert told.count(status=403) == 1
    told.set_faults(Faults())
    told.clear_calls()
    # A scheduler that tries again makes no call until a quarter of an hour is over.
    with pytest.raises(SourceUnavailableError, match="no call was made"):
        night(config)
    assert told.count() == 0
    run = run_of(tmp_path, 1)
    source = config.sources[0]
    later = datetime.now(UTC) + quirks.SHUT_OUT_FOR + timedelta(seconds=1)
    manifest = crm.extract(
        source, load.read_state(run, source), run, clock=lambda: later, sleep=lambda seconds: None
    )
    assert load.load(run, source, manifest).live_rows["leads"] == 10


def test_t38_a_lead_that_became_a_deal_keeps_its_age(tmp_path: Path) -> None:
    script = story()
    script.deal(NIGHT + 8 * HOUR, "3002", "104", contacts=("1002",))
    script.forget_contact(NIGHT + 8 * HOUR, "1003")
    script.form(NIGHT + 8 * HOUR, "1500", owner="101")
    script.deal(NIGHT + 9 * HOUR, "3003", "104", contacts=("1500",))
    with server(script) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
        running.set_now(NIGHT + DAY)
        night(config, 1)
        running.set_now(NIGHT + 2 * DAY)
        night(config, 2)
    raw = run_of(tmp_path).raw_path
    gone = query(
        raw,
        "select id, _deleted_how, _merged_into, add_time from raw_pipedrive.leads where _deleted_at is not null "
        "order by _deleted_how",
    )
    assert [row[:3] for row in gone] == [
        (lead_id("1002"), "converted", deal_id("3002")),
        (lead_id("1003"), "vanished", None),
    ]
    assert gone[0][3] == "2026-03-02T11:00:00.000Z"
    # Made and converted between two nights: only the deal knows of it.
    named = query(raw, "select source_lead_id from raw_pipedrive.deals where id = '3003'")
    assert named == [(lead_id("1500"),)]
    assert lead_id("1500") not in {row[0] for row in query(raw, "select id from raw_pipedrive.leads")}


def test_t38_a_team_may_convert_all_its_leads_in_one_day_but_not_lose_them(tmp_path: Path) -> None:
    converted, lost = story(), story()
    for number in range(2, 12):
        converted.deal(NIGHT + HOUR, str(3100 + number), "104", contacts=(str(1000 + number),))
        lost.forget_contact(NIGHT + HOUR, str(1000 + number))
        lost.form(NIGHT + HOUR, str(1100 + number), owner="101")
    with server(converted) as running:
        config = pipedrive_home(tmp_path / "converted", running.base_url)
        night(config)
        running.set_now(NIGHT + DAY)
        night(config, 1)
    assert len(raw_rows(config, "leads", "_deleted_how = 'converted'")) == 10
    lost.events = [event for event in lost.events if not event.subject.startswith("11")]
    with server(lost) as running:
        config = pipedrive_home(tmp_path / "lost", running.base_url)
        night(config)
        running.set_now(NIGHT + DAY)
        with pytest.raises(LeadroleError) as caught:
            night(config, 1)
    assert caught.value.exit_code == 5
    assert "fell from 10 to 0" in str(caught.value) or "fell from 12 to 2" in str(caught.value)
    assert len(raw_rows(config, "leads")) == 10


def test_leads_are_remembered_as_each_night_saw_them(tmp_path: Path) -> None:
    script = story()
    script.assign(NIGHT + HOUR, "1004", "102", by="101")
    script.status(NIGHT + DAY + HOUR, "1004", "UNQUALIFIED", by="102")
    with server(script) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        for number in range(3):
            running.set_now(NIGHT + number * DAY)
            night(config, number)
    held = query(
        run_of(tmp_path).raw_path,
        "select field, value, changed_at from raw_pipedrive.leads_history "
        f"where id = '{lead_id('1004')}' and field in ('owner_id', 'is_archived') order by field, changed_at",
    )
    assert [(row[0], row[1]) for row in held] == [
        *[("is_archived", value) for value in ("false", "false", "true")],
        *[("owner_id", value) for value in ("101", "102", "102")],
    ]
    assert held[2][2].astimezone(UTC) == NIGHT + DAY + HOUR


# --- paging ---


def test_leads_that_go_while_we_page_take_nobody_along(tmp_path: Path) -> None:
    script = story()
    for number in range(40):
        script.form(START + 20 * HOUR + timedelta(minutes=number), str(2000 + number), owner="101")
    for number in range(4):
        script.deal(NIGHT + HOUR, str(3100 + number), "104", contacts=(str(2000 + number),))
    with server(script) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=10)
        # Four leads of the first pages become deals between the third page and the fourth.
        running.set_faults(Faults().advance_clock("GET /v1/leads[?]start", seconds=7200, after=3))
        night(config)
        held = ids(config, "raw_pipedrive.leads")
        expected = set(ledger(of(script), NIGHT + 2 * HOUR)["leads"])
    assert expected <= held


def test_more_leads_may_go_at_once_than_two_pages_share(tmp_path: Path) -> None:
    script = story()
    for number in range(40):
        script.form(START + 20 * HOUR + timedelta(minutes=number), str(2000 + number), owner="101")
    for number in range(20):
        script.deal(NIGHT + HOUR, str(3100 + number), "104", contacts=(str(2000 + number),))
    with server(script) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=10)
        running.set_faults(Faults().advance_clock("GET /v1/leads[?]start", seconds=7200, after=4))
        night(config)
        expected = set(ledger(of(script), NIGHT + 2 * HOUR)["leads"])
    assert expected <= ids(config, "raw_pipedrive.leads")


@pytest.mark.parametrize("calls", [3, 14, 17, 20, 26, 33, 41, 44])
def test_a_first_load_that_broke_off_goes_on_and_asks_no_page_twice(tmp_path: Path, calls: int) -> None:
    history = of(busy_nights())
    with pipedrive(history, NIGHT) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=5)
        running.set_faults(Faults().daily_limit_after(calls))
        with pytest.raises(SourceUnavailableError):
            night(config)
        good = [call for call in running.calls if call.status == 200]
        running.set_faults(Faults())
        running.clear_calls()
        night(config)
        again = Counter(
            (call.path, call.query)
            for call in [*good, *running.calls]
            # What a list must reach, and what was deleted, is looked up anew.
            if "limit=1&" not in call.query
            and not call.query.endswith("limit=1")
            and "status=deleted" not in call.query
        )
        if calls > 13:  # before that the read of everything has not begun
            assert sum(count - 1 for count in again.values()) <= 1, again.most_common(3)
        assert_raw_is_the_ledger(config, history, NIGHT)


def test_a_weekly_read_that_broke_off_reads_no_history_again(tmp_path: Path, told: Server) -> None:
    config = pipedrive_home(tmp_path, told.base_url)
    night(config)
    told.set_now(NIGHT + 8 * DAY)
    told.clear_calls()
    told.set_faults(Faults().status("persons", 500, times=None))
    with pytest.raises(SourceUnavailableError):
        night(config, 8)
    told.set_faults(Faults())
    told.clear_calls()
    result = night(config, 9)
    assert (result.changed, result.deleted) == (0, 0)
    # Whether a deal moved is asked of the deal, for a token; its history would be forty.
    assert told.count("/api/v2/deals/3000") == told.count("/api/v2/deals/3001") == 1
    assert told.count("/flow") == 0


def test_a_mark_that_pipedrive_forgot_starts_the_list_anew(tmp_path: Path) -> None:
    history = of(busy_nights())
    with pipedrive(history, NIGHT) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=5)
        running.set_faults(Faults().status("persons.*cursor", 500, times=None, after=1))
        with pytest.raises(SourceUnavailableError):
            night(config)
        body = {"success": False, "error": "cursor is invalid", "data": None, "additional_data": None}
        running.set_faults(Faults().status("persons.*cursor", 400, body=body))
        night(config)
        assert_raw_is_the_ledger(config, history, NIGHT)


# --- half a night is no night ---


@pytest.mark.parametrize(
    ("faults", "error", "words"),
    [
        pytest.param(
            Faults().scope_removed("deals:read"), MissingPermissionError, "may not read", id="scope"
        ),
        pytest.param(
            Faults().scope_removed("recents:read"), MissingPermissionError, "flow", id="scope of flow"
        ),
        pytest.param(Faults().daily_limit_after(5), SourceUnavailableError, "used up", id="daily limit"),
        pytest.param(
            Faults().status("persons", 500, times=None), SourceUnavailableError, "gave up", id="500 forever"
        ),
        pytest.param(
            Faults().status("persons", 524, times=None), SourceUnavailableError, "gave up", id="524 in HTML"
        ),
        pytest.param(Faults().status("deals", 402), SourceUnavailableError, "is not paid", id="402"),
        pytest.param(Faults().status("users", 410), SourceUnavailableError, "closed this part", id="410"),
        pytest.param(Faults().html_login_page("leads"), AuthError, "text/html", id="login page"),
        pytest.param(
            Faults().omit_last_page("v2/persons"),
            SourceUnavailableError,
            "ended before its newest",
            id="last page missing",
        ),
        pytest.param(
            Faults().omit_last_page("v1/leads"),
            SourceUnavailableError,
            "ended before its newest",
            id="last page of leads missing",
        ),
        pytest.param(Faults().loop_next("v2/persons"), SourceUnavailableError, "paging loop", id="loop"),
        pytest.param(
            Faults().loop_next("v1/leads"), SourceUnavailableError, "paging loop", id="loop of leads"
        ),
        pytest.param(
            Faults().null_results("v2/persons.*limit=5", after=1),
            SourceContractError,
            "no list of records",
            id="null results",
        ),
        pytest.param(
            Faults().property_removed("deals", "stage_id"), SourceContractError, "stage_id", id="field gone"
        ),
        pytest.param(
            Faults().empty_everything("v[12]/(leads|deals|persons|organizations|activities)"),
            SourceUnavailableError,
            "holds not one of",
            id="empty",
        ),
        pytest.param(Faults().status("summary", 404, times=None), SourceUnavailableError, "404", id="404"),
    ],
)
def test_a_night_that_is_not_whole_leaves_nothing(
    tmp_path: Path, faults: Faults, error: type[LeadroleError], words: str
) -> None:
    history = of(busy_nights())
    with pipedrive(history, NIGHT) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=5)
        running.set_faults(faults)
        with pytest.raises(error, match=words) as caught:
            night(config)
        assert TOKEN not in str(caught.value)
        run = run_of(tmp_path)
        assert all(path.parent.name == ".partial" for path in run.landing_dir.rglob("*.zst*"))
        assert not list(run.landing_dir.rglob("*.manifest.json"))
        assert query(run.raw_path, "select count(*) from load.runs") == [(0,)]
        running.set_faults(Faults())
        night(config)
        assert_raw_is_the_ledger(config, history, NIGHT)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults().status("v2", 502, times=3), id="502 three times"),
        pytest.param(Faults().status("flow", 429, times=2), id="429 on flow"),
        pytest.param(Faults().truncate_body("persons", times=2), id="half a body"),
        pytest.param(Faults().garble_body("leads", times=2), id="broken JSON"),
        pytest.param(Faults().drop_connection("users"), id="connection dropped"),
        pytest.param(Faults().duplicate_page("v2/deals"), id="a page twice"),
        pytest.param(Faults().duplicate_page("v1/leads"), id="a page of leads twice"),
        pytest.param(Faults().expire_token_after(7, times=1), id="401 once"),
        pytest.param(Faults().value("deals", "value", "N/A", every=2), id="text for a number"),
    ],
)
def test_a_passing_fault_is_survived(tmp_path: Path, faults: Faults) -> None:
    with server(story(), faults=faults) as running:
        config = pipedrive_home(tmp_path, running.base_url, page_size=5)
        night(config)
    assert len(ids(config, "raw_pipedrive.leads")) == 10
    assert len(ids(config, "raw_pipedrive.activities")) == 12
    assert ids(config, "raw_pipedrive.deals") == {"3000", "3001"}


def test_a_list_that_ends_early_deletes_nothing(tmp_path: Path, told: Server) -> None:
    config = pipedrive_home(tmp_path, told.base_url, page_size=5)
    night(config)
    told.set_faults(Faults().empty_everything("v2/activities"))
    with pytest.raises(LeadroleError) as caught:
        night(config, 1)
    assert caught.value.exit_code in (4, 5)
    assert len(ids(config, "raw_pipedrive.activities")) == 12


def test_a_stage_that_is_not_listed_stops_the_night_or_warns(tmp_path: Path) -> None:
    with server(story(), faults=Faults().stage_unlisted("appointmentscheduled")) as running:
        config = pipedrive_home(tmp_path / "fail", running.base_url)
        with pytest.raises(SourceContractError, match=r"stages that no pipeline has: 1 \(2\)"):
            night(config)
        warned = night(pipedrive_home(tmp_path / "warn", running.base_url, "    unknown_stage: warn\n"))
    assert "1 (2)" in warned.notes[0]


def test_a_stage_that_was_deleted_keeps_its_name(tmp_path: Path) -> None:
    script = story()
    for deal in ("3000", "3001"):
        script.stage(NIGHT + HOUR, deal, "qualifiedtobuy", by="104")
    with server(script) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
        running.set_now(NIGHT + DAY)
        running.set_faults(Faults().stage_unlisted("appointmentscheduled"))
        night(config, 1)
    held = query(
        run_of(tmp_path).raw_path, "select name, _deleted_how from raw_pipedrive.stages where id = '1'"
    )
    assert held == [("Afspraak gepland", "vanished")]


# --- who we are ---


def test_a_refused_token_ends_the_night(tmp_path: Path, told: Server) -> None:
    told.token = "another"
    config = pipedrive_home(tmp_path, told.base_url)
    with pytest.raises(AuthError, match="Pipedrive refuses the token") as caught:
        night(config)
    assert caught.value.exit_code == 3
    assert TOKEN not in str(caught.value)
    assert told.count() == 2


def test_the_token_goes_in_a_header_and_nowhere_else(tmp_path: Path, told: Server) -> None:
    config = pipedrive_home(tmp_path, told.base_url)
    night(config)
    assert not [call for call in told.calls if "api_token" in call.query or TOKEN in call.query]
    for path in run_of(tmp_path).data_dir.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes()


def test_an_app_renews_its_access_in_the_middle_of_a_night(tmp_path: Path) -> None:
    history = of(busy_nights())
    with pipedrive(history, NIGHT) as running:
        config = pipedrive_home(tmp_path, running.base_url, login=APP, page_size=5)
        running.set_faults(Faults().expire_token_after(20, times=1))
        night(config)
        assert running.count("/oauth/token") == 2
        assert_raw_is_the_ledger(config, history, NIGHT)


def test_a_refresh_token_that_is_replaced_is_kept_from_night_to_night(tmp_path: Path) -> None:
    with server(story(), rotate_refresh=True) as running:
        config = pipedrive_home(tmp_path, running.base_url, login=APP)
        night(config)
        kept = tmp_path / "data" / "tokens" / "pipedrive.json"
        first = json.loads(kept.read_text())["token"]
        assert first != REFRESH_TOKEN and kept.stat().st_mode & 0o777 == 0o600
        # A night that breaks off right after the renewal must not lock the company out.
        running.set_faults(Faults().status("users", 500, times=None))
        with pytest.raises(SourceUnavailableError):
            night(config, 1)
        running.set_faults(Faults())
        night(config, 2)
        assert json.loads(kept.read_text())["token"] not in (first, REFRESH_TOKEN)


def test_the_gatekeeper_before_the_login_is_left_alone_too(tmp_path: Path, told: Server) -> None:
    told.set_faults(Faults().html_login_page("/oauth/token", code=403))
    config = pipedrive_home(tmp_path, told.base_url, login=APP)
    for words in ("shut the whole company out", "no call was made"):
        with pytest.raises(SourceUnavailableError, match=words):
            night(config)
    assert told.count() == 1


def test_a_dead_refresh_token_is_told_without_showing_it(tmp_path: Path) -> None:
    with server(story(), refresh_token="another") as running:
        config = pipedrive_home(tmp_path, running.base_url, login=APP)
        with pytest.raises(AuthError, match="refuses the refresh token") as caught:
            night(config)
    assert caught.value.exit_code == 3
    assert REFRESH_TOKEN not in str(caught.value) and CLIENT_SECRET not in str(caught.value)


def test_an_app_with_a_wrong_secret_is_told_so(tmp_path: Path) -> None:
    with server(story(), client_secret="another-secret-of-the-app") as running:
        config = pipedrive_home(tmp_path, running.base_url, login=APP)
        with pytest.raises(AuthError, match="refuses the app"):
            night(config)


def test_an_access_token_for_a_foreign_host_is_not_used(tmp_path: Path, told: Server) -> None:
    body = {"access_token": "a-token", "refresh_token": REFRESH_TOKEN, "api_domain": "https://evil.example"}
    told.set_faults(Faults().status("/oauth/token", 200, body=body))
    config = pipedrive_home(tmp_path, told.base_url, login=APP)
    with pytest.raises(SourceUnavailableError, match="the access token names the host evil"):
        night(config)
    assert told.count() == 1


# --- what is kept ---


def test_only_what_is_on_the_list_is_landed(tmp_path: Path) -> None:
    with server(busy_nights()) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
    run = run_of(tmp_path)
    (manifest,) = landing.manifests(run.landing_dir)
    text = "\n".join(
        json.dumps(line)
        for file in manifest.files
        if not file.object.startswith("users")
        for line in landing.read(run.landing_dir, file)
    )
    assert manifest.rows > 100
    assert "example" not in text.lower() and "@" not in text
    assert "Voorbeeld" not in text and "Installatie" not in text


def test_a_field_of_the_company_gives_source_and_kind_of_deal(tmp_path: Path) -> None:
    from leadrole.sandbox.pipedrive.records import DEAL_ORIGINS, DEAL_TYPE

    script = story()
    script.deal(START, "3900", "104", deal_type="existingbusiness")
    more = f"    source_field: {DEAL_ORIGINS}\n    deal_type_field: {DEAL_TYPE}\n"
    with server(script, options={22: "Bestaande klant", 41: None}) as running:
        config = pipedrive_home(tmp_path, running.base_url, more)
        night(config)
        wrong = pipedrive_home(tmp_path / "wrong", running.base_url, f"    source_field: {'f' * 40}\n")
        with pytest.raises(SourceContractError, match="source_field names the field ffff"):
            night(wrong)
    raw = run_of(tmp_path).raw_path
    kinds = query(
        raw,
        "select deals.id, options.label from raw_pipedrive.deals left join raw_pipedrive.field_options as options "
        "on options.option_id = deals.custom_type order by 1",
    )
    assert kinds == [("3000", "New business"), ("3001", "New business"), ("3900", "Bestaande klant")]
    assert {row[0] for row in query(raw, "select distinct custom_source from raw_pipedrive.leads")} == {"31"}
    channels = query(raw, "select option_id from raw_pipedrive.field_options where field_code = 'channel'")
    assert ("42",) in channels and ("41",) not in channels


def test_landing_gives_the_same_raw_when_it_is_loaded_again(tmp_path: Path) -> None:
    with pipedrive(of(busy_nights()), NIGHT) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        for number in range(3):
            running.set_now(NIGHT + number * DAY)
            night(config, number)
    again = tmp_path / "again.duckdb"
    load.replay(run_of(tmp_path), config.sources, again)
    assert tables(again) == tables(run_of(tmp_path).raw_path)


def test_merged_persons_are_gone_and_their_leads_are_the_survivors(tmp_path: Path) -> None:
    script = story()
    script.merge(NIGHT + HOUR, "1900", ("1004", "1005"))
    with server(script) as running:
        config = pipedrive_home(tmp_path, running.base_url)
        night(config)
        running.set_now(NIGHT + DAY)
        night(config, 1)
    raw = run_of(tmp_path).raw_path
    assert person_id("1005") not in ids(config, "raw_pipedrive.persons")
    held = query(
        raw,
        f"select distinct value from raw_pipedrive.leads_history where id = '{lead_id('1005')}' "
        "and field = 'person_id' order by 1",
    )
    assert held == [(person_id("1004"),), (person_id("1005"),)]


# --- settings ---


def source(**keys: Any) -> PipedriveSource:
    return PipedriveSource(name="pipedrive", kind="pipedrive", **keys)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "missing; name the variable with the token"),
        ({"token_env": "A", "client_id_env": "B"}, "token_env is given as well"),
        ({"client_id_env": "A", "client_secret_env": "B"}, "an app needs all of"),
        ({"token_env": "A", "lead_stages": ("1",)}, "needs qualified_stages as well"),
        ({"token_env": "A", "lead_stages": ("1",), "qualified_stages": ("1",)}, "is listed as qualified too"),
        (
            {"token_env": "A", "qualified_labels": ("Hot",), "disqualified_labels": ("Hot",)},
            "is listed as qualified too",
        ),
    ],
)
def test_a_config_that_contradicts_itself_is_told(keys: dict[str, Any], words: str) -> None:
    assert any(words in message for _, message in source(**keys).mistakes())


def test_the_allowance_follows_plan_seats_and_what_was_bought() -> None:
    assert source(token_env="A").daily_tokens == 30_000
    assert source(token_env="A", plan="premium", seats=4, top_up=1000).daily_tokens == 601_000
    assert source(token_env="A", plan="growth").burst == 40
    app = {"client_id_env": "A", "client_secret_env": "B", "refresh_token_env": "C"}
    assert source(**app, plan="growth").burst == 160


def test_becoming_a_deal_qualifies_a_lead_unless_stages_are_named() -> None:
    assert ("conversion", "converted", "qualified") in source(token_env="A").milestones
    named = source(token_env="A", qualified_stages=("3",), archived_is_disqualified=False).milestones
    assert named == (("stage", "3", "qualified"),)


def test_every_call_has_the_price_that_the_sandbox_asks() -> None:
    paths = [
        "/api/v2/deals", "/api/v2/deals/archived", "/api/v2/persons", "/api/v2/organizations", "/api/v2/activities",
        "/api/v2/pipelines", "/api/v2/stages", "/api/v2/dealFields", "/api/v2/deals/12", "/v1/leads",
        "/v1/leads/archived", f"/v1/leads/{lead_id('1')}", "/v1/users", "/v1/leadLabels", "/v1/leadSources",
        "/v1/currencies", "/v1/activityTypes", "/v1/deals/summary", "/v1/deals/summary/archived", "/v1/deals/7/flow",
    ]  # fmt: skip
    assert [quirks.cost("GET", path) for path in paths] == [cost("GET", path) for path in paths]
