"""The fold: what a CRM keeps of what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leadrole.sandbox import Population, Script
from leadrole.sandbox.log import iso, parse_iso
from leadrole.sandbox.population import make_owners

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
OWNERS = make_owners(T0.date())
DAY = timedelta(days=1)


def test_history_only_ever_grows(small: Population) -> None:
    earlier = small.fold(datetime(2026, 7, 1, tzinfo=UTC))
    later = small.fold(datetime(2026, 8, 1, tzinfo=UTC))
    for record_id, record in earlier.live["contacts"].items():
        if record_id in later.live["contacts"]:
            for name in ("lifecyclestage", "hs_lead_status", "hubspot_owner_id"):
                was, now = record.history(name), later.live["contacts"][record_id].history(name)
                assert now[len(now) - len(was) :] == was


def test_every_record_of_before_is_still_live_or_has_an_end(small: Population) -> None:
    earlier = small.fold(datetime(2026, 7, 1, tzinfo=UTC))
    later = small.fold(datetime(2026, 8, 1, tzinfo=UTC))
    forgotten = {event.subject for event in small.events if event.kind == "contact_gdpr_deleted"}
    for record_id in earlier.live["contacts"]:
        assert (
            record_id in later.live["contacts"]
            or record_id in later.archived["contacts"]
            or record_id in later.merged
            or record_id in forgotten
        )


def test_archiving_and_associations_leave_the_modified_date_alone() -> None:
    script = Script()
    script.form(T0, "1")
    script.form(T0, "2")
    script.call(T0 + timedelta(hours=1), "40", "1", "101")
    history = script.history(OWNERS)
    before = history.fold(T0 + DAY)
    script.unlink(T0 + 2 * DAY, "calls", "40", "contacts", "1")
    script.link(T0 + 2 * DAY, "calls", "40", "contacts", "2")
    script.archive_contact(T0 + 3 * DAY, "1")
    after = script.history(OWNERS).fold(T0 + 4 * DAY)
    assert before.linked("calls", "40", "contacts") == ["1"]
    assert after.linked("calls", "40", "contacts") == ["2"]
    assert after.live["calls"]["40"].updated_at == before.live["calls"]["40"].updated_at
    assert after.archived["contacts"]["1"].updated_at == before.live["contacts"]["1"].updated_at


def test_an_archived_contact_comes_back_or_is_purged_after_ninety_days() -> None:
    script = Script()
    script.form(T0, "1")
    script.archive_contact(T0 + DAY, "1")
    history = script.history(OWNERS)
    assert list(history.fold(T0 + 90 * DAY).archived["contacts"]) == ["1"]
    assert list(history.fold(T0 + 92 * DAY).archived["contacts"]) == []
    script.restore_contact(T0 + 3 * DAY, "1")
    assert list(script.history(OWNERS).fold(T0 + 4 * DAY).live["contacts"]) == ["1"]


def test_a_forgotten_contact_is_nowhere() -> None:
    script = Script()
    script.form(T0, "1")
    script.forget_contact(T0 + DAY, "1")
    state = script.history(OWNERS).fold(T0 + 2 * DAY)
    assert not state.live["contacts"] and not state.archived["contacts"]


def test_a_chain_of_merges_ends_in_one_record_with_all_ids_and_the_oldest_date() -> None:
    script = Script()
    for number in range(3):
        script.form(T0 + number * DAY, str(number + 1))
    script.call(T0 + timedelta(hours=5), "40", "1", "101")
    script.lifecycle(T0 + DAY, "1", "salesqualifiedlead", by="101")
    script.merge(T0 + 4 * DAY, "70", ("2", "1"), by="101")
    script.merge(T0 + 5 * DAY, "71", ("70", "3"), by="101")
    state = script.history(OWNERS).fold(T0 + 6 * DAY)
    record = state.live["contacts"]["71"]
    assert list(state.live["contacts"]) == ["71"]
    assert not state.archived["contacts"]
    assert record.properties["hs_merged_object_ids"] == "1;2;3;70"
    assert record.properties["createdate"] == iso(T0)
    assert record.properties["lifecyclestage"] == "salesqualifiedlead"
    assert state.survivor("1") == "71"
    assert state.linked("calls", "40", "contacts") == ["71"]
    first = [
        version.at for version, value in record.history("lifecyclestage") if value == "salesqualifiedlead"
    ][-1]
    assert first == T0 + DAY


def test_the_winning_deal_stage_sets_the_close_date() -> None:
    script = Script()
    script.deal(T0, "20", "101", close_date=T0 + 30 * DAY)
    script.stage(T0 + 3 * DAY, "20", "closedwon", by="101")
    record = script.history(OWNERS).fold(T0 + 4 * DAY).live["deals"]["20"]
    assert record.properties["hs_is_closed_won"] == "true"
    assert record.properties["closedate"] == iso(T0 + 3 * DAY)


def test_instants_are_written_without_needless_milliseconds() -> None:
    assert iso(T0) == "2026-03-02T09:00:00Z"
    assert iso(T0 + timedelta(milliseconds=50)) == "2026-03-02T09:00:00.050Z"
    assert parse_iso("2026-03-02T09:00:00.050Z") == T0 + timedelta(milliseconds=50)
