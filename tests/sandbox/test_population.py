"""The demo company: the same every time, and with the story the report must tell."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

from leadrole.sandbox import Population, Truth

from .conftest import AS_OF


def test_the_same_seed_gives_the_same_events(small: Population) -> None:
    again = Population(seed=7, start=date(2026, 5, 1), months=4, until=date(2026, 9, 20), scale=0.2)
    assert again.events == small.events


def test_another_seed_gives_other_events(small: Population) -> None:
    other = Population(seed=8, start=date(2026, 5, 1), months=4, until=date(2026, 9, 20), scale=0.2)
    assert other.events != small.events


def test_a_day_does_not_depend_on_how_far_the_generation_goes(small: Population) -> None:
    shorter = Population(seed=7, start=date(2026, 5, 1), months=4, until=date(2026, 8, 3), scale=0.2)
    assert shorter.events == small.events[: len(shorter.events)]
    assert len(shorter.events) < len(small.events)


def test_the_company_has_the_size_of_a_real_one(company: Population) -> None:
    live = {name: len(records) for name, records in company.fold(AS_OF).live.items()}
    assert live["contacts"] > 4000
    assert live["calls"] + live["emails"] + live["meetings"] > 15_000
    assert live["deals"] > 400


def test_leads_grow_towards_the_threshold_without_reaching_it(truth: Truth) -> None:
    months = [month for month in truth.months.values() if month.is_complete]
    assert len(months) == 18
    assert 75 <= months[0].inbound_leads <= 105
    assert 320 <= months[-1].inbound_leads <= 375
    assert max(month.inbound_leads for month in months) < 400


def test_a_fifth_to_a_quarter_is_never_answered_and_most_of_it_from_one_source(truth: Truth) -> None:
    k = sum(month.never_answered.k for month in truth.months.values())
    n = sum(month.never_answered.n for month in truth.months.values())
    assert 0.20 <= k / n <= 0.25
    asked, missed = Counter(), Counter()
    for cycle in truth.inbound():
        asked[cycle.source] += 1
        missed[cycle.source] += cycle.first_attempt_at is None
    shares = {source: missed[source] / asked[source] for source in asked}
    assert max(shares, key=lambda source: shares[source]) == "SOCIAL_MEDIA"
    assert shares["SOCIAL_MEDIA"] > 1.5 * shares["ORGANIC_SEARCH"]


def test_fast_answers_convert_better(truth: Truth) -> None:
    answered = [cycle for cycle in truth.inbound() if cycle.is_speed_eligible and cycle.ttfa_wm is not None]
    fast = [cycle for cycle in answered if (cycle.ttfa_wm or 0) <= 60]
    slow = [cycle for cycle in answered if (cycle.ttfa_wm or 0) > 480]

    def share(cycles: list) -> float:
        return sum(cycle.outcome == "qualified" for cycle in cycles) / len(cycles)

    assert share(fast) > 2 * share(slow)


def test_closers_win_a_plausible_share(truth: Truth) -> None:
    k = sum(month.win_rate.k for month in truth.months.values())
    n = sum(month.win_rate.n for month in truth.months.values())
    assert 0.25 <= k / n <= 0.30


def test_one_person_hands_over_to_himself(truth: Truth) -> None:
    own = Counter(
        cycle.qualifier for cycle in truth.cycles if cycle.closer and cycle.qualifier == cycle.closer
    )
    assert own.most_common(1)[0][0] == "101"
    handed = sum(cycle.qualifier == "101" for cycle in truth.cycles)
    assert own["101"] / handed > 0.6


def test_the_senior_closer_spends_more_than_a_fifth_on_cold_outbound(
    company: Population, truth: Truth
) -> None:
    cycles = {cycle.person: cycle for cycle in truth.cycles if cycle.number == 1}
    kinds = Counter()
    for event in company.until(AS_OF):
        data = event.data
        if event.by == "105" and event.kind in ("call_logged", "email_logged") and data["direction"] == "out":
            cycle = cycles.get(data["contact"])
            is_cold = (
                cycle is not None
                and cycle.motion == "outbound"
                and (cycle.qualified_at is None or data["happened_at"] <= cycle.qualified_at)
            )
            kinds["cold" if is_cold else "other"] += 1
    assert 0.20 < kinds["cold"] / kinds.total() < 0.60


def test_outbound_comes_in_bursts_with_weeks_of_silence(truth: Truth) -> None:
    days = sorted({cycle.entered_at.date() for cycle in truth.cycles if cycle.motion == "outbound"})
    gaps = [later - earlier for earlier, later in pairwise(days)]
    assert sum(gap > timedelta(days=20) for gap in gaps) >= 8


def test_every_edge_row_is_there(company: Population, truth: Truth) -> None:
    events = list(company.until(AS_OF))
    kinds = Counter(event.kind for event in events)
    edge_kinds = (
        *(
            "contacts_merged",
            "contact_archived",
            "contact_restored",
            "contact_gdpr_deleted",
            "form_submitted",
        ),
        *("deal_archived", "deal_owner_changed", "deal_amount_changed", "deal_close_date_moved"),
        *("owner_deactivated", "association_removed", "association_added"),
    )
    for kind in edge_kinds:
        assert kinds[kind], kind
    merged = {one for event in events if event.kind == "contacts_merged" for one in event.data["merged"]}
    assert any(event.kind == "contacts_merged" and event.subject in merged for event in events), "no chain"
    at_once = Counter(event.at for event in events if event.kind == "contact_created")
    assert at_once.most_common(1)[0][1] == 400
    assert any(event.at.strftime("%H:%M") == "23:30" and event.kind == "contact_created" for event in events)
    assert any(int(event.subject) > 2**53 for event in events if event.kind == "contact_created")
    amounts = {event.data["amount"] for event in events if event.kind == "deal_created"}
    assert {None, "0"} <= amounts
    assert any(
        event.data.get("reason") == "duplicate" for event in events if event.kind == "deal_stage_changed"
    )
    assert any(not event.data["contacts"] for event in events if event.kind == "deal_created")
    assert any(cycle.deal_count == 2 for cycle in truth.cycles)
    for fact in ("is_unlogged", "is_hybrid", "is_pre_touched"):
        assert any(getattr(cycle, fact) for cycle in truth.cycles), fact
    assert any(cycle.number == 2 and cycle.outcome == "qualified" for cycle in truth.cycles)


def test_the_owner_who_left_keeps_open_deals(company: Population) -> None:
    state = company.fold(AS_OF)
    assert set(state.inactive_owners) == {"104"}
    kept = [
        deal
        for deal in state.live["deals"].values()
        if deal.properties["hubspot_owner_id"] == "104" and deal.properties["hs_is_closed"] == "false"
    ]
    assert kept


def test_nobody_acts_after_leaving(company: Population) -> None:
    left_at = company.fold(AS_OF).inactive_owners["104"]
    late = [
        event for event in company.events if event.by == "104" and event.at > left_at + timedelta(hours=20)
    ]
    assert [event.kind for event in late] == []
