"""The difference to the CRM's own figures, judged by the event log. Runs on the night of `test_night`."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from statistics import median_low
from typing import Any

import pytest

from company import ZONE, Company
from leadrole.sandbox.truth import Cycle, Parameters

FIGURES = "select * from main_published.mart_reconciliation where slice_type = 'all'"


def month_of(instant: datetime) -> date:
    return instant.astimezone(ZONE).date().replace(day=1)


def chains(company: Company, metric: str) -> dict[date, dict[str, dict[str, Any]]]:
    """Per month the rows of a metric by their cause."""
    found: dict[date, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in company.rows(f"{FIGURES} and metric_id = '{metric}' order by month, cause_no"):
        found[row["month"]][row["cause"]] = row
    assert len(found) > 10
    return found


def first(chain: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return next(iter(chain.values()))


def ratio(k: int, n: int) -> Decimal | None:
    """k out of n as the mart tells it: six decimals, half away from zero."""
    if n == 0:
        return None
    share = Fraction(k, n) * 1_000_000
    return Decimal(int(share + Fraction(1, 2))) / 1_000_000


def test_reconciliation_of_leads_equals_a_recount_of_the_log(company: Company) -> None:
    """The CRM counts contacts by their creation; we count people who asked, each time anew after a silence."""
    truth = company.truth()
    merged: set[str] = set()
    made: dict[str, datetime] = {}
    gone: set[str] = set()
    for event in company.population.until(company.as_of()):
        if event.kind == "contact_created":
            made[event.subject] = event.at
        elif event.kind == "contacts_merged":
            losers = set(event.data["merged"]) - {event.subject}
            merged |= losers
            made.setdefault(event.subject, event.at)
        elif event.kind in ("contact_archived", "contact_gdpr_deleted"):
            gone.add(event.subject)
        elif event.kind == "contact_restored":
            gone.discard(event.subject)
    created = Counter(month_of(at) for contact, at in made.items() if contact not in merged | gone)
    cycles = [cycle for cycle in truth.cycles if cycle.motion == "inbound"]
    for month, chain in chains(company, "inbound_leads").items():
        row = first(chain)
        entered = [cycle for cycle in cycles if cycle.entered_month == month]
        assert row["crm_k"] == created[month], month
        assert row["our_k"] == truth.months[month].inbound_leads, month
        assert -chain["bulk_import"]["k_contribution"] == sum(cycle.is_bulk_import for cycle in entered)
        assert row["difference"] == row["our_k"] - row["crm_k"]
        assert sum(cause["contribution"] for cause in chain.values()) == row["difference"]
    assert any(chain["outbound"]["k_contribution"] for chain in chains(company, "inbound_leads").values())


def test_reconciliation_of_conversion_is_a_month_against_a_cohort(company: Company) -> None:
    truth = company.truth()
    window = Parameters().w_inbound_days
    inbound = [cycle for cycle in truth.cycles if cycle.motion == "inbound" and not cycle.is_bulk_import]
    checked = 0
    for month, chain in chains(company, "lead_to_qualified_conversion").items():
        row, true = first(chain), truth.months[month]
        assert (row["our_k"], row["our_n"]) == (true.lead_to_qualified.k, true.lead_to_qualified.n), month
        in_month = sum(cycle.qualified_month == month for cycle in inbound)
        of_cohort = [c for c in inbound if c.entered_month == month and c.qualified_at is not None]
        late = sum((c.qualified_at - c.entered_at).total_seconds() > window * 86400 for c in of_cohort)
        assert chain["cohort"]["k_contribution"] == len(of_cohort) - in_month, month
        assert chain["window"]["k_contribution"] == -late, month
        young = true.inbound_leads - true.lead_to_qualified.n
        assert chain["too_young"]["n_contribution"] == -young, month
        if row["status"] == "measured":
            checked += 1
            assert row["our_value"] == ratio(row["our_k"], row["our_n"])
            assert row["crm_value"] == ratio(row["crm_k"], row["crm_n"])
            assert sum(cause["contribution"] for cause in chain.values()) == row["difference"]
    assert checked > 5


def test_reconciliation_of_the_win_rate_starts_at_all_closed_deals(company: Company) -> None:
    truth = company.truth()
    moved = 0
    for month, chain in chains(company, "win_rate").items():
        row = first(chain)
        closed = [deal for deal in truth.deals if deal.closed_month == month]
        won = sum(deal.status == "won" for deal in closed)
        assert (row["crm_k"], row["crm_n"]) == (won, len(closed)), month
        assert row["crm_value"] == ratio(won, len(closed))
        assert (row["our_k"], row["our_n"]) == (
            truth.months[month].win_rate.k,
            truth.months[month].win_rate.n,
        )
        left = -sum(cause["n_contribution"] for cause in chain.values())
        assert left == sum(not deal.is_eligible for deal in closed), month
        assert chain["owner"]["n_contribution"] == 0, "the whole team owns what it owns"
        moved += left
        assert (row["status"] == "measured") is (row["our_n"] >= 10)
    assert moved > 5


def test_reconciliation_of_hand_overs_counts_each_attempt_once(company: Company) -> None:
    """The CRM counts everybody who entered a qualified stage in the month, also who was taken back at once."""
    truth = company.truth()
    stages = Parameters().qualified_stages
    survivor: dict[str, str] = {}
    gone: set[str] = set()
    moves: list[tuple[str, datetime, str]] = []
    for event in company.population.until(company.as_of()):
        if event.kind == "contacts_merged":
            survivor.update(
                {loser: event.subject for loser in event.data["merged"] if loser != event.subject}
            )
        elif event.kind == "lifecycle_changed":
            moves.append((event.subject, event.at, event.data["stage"]))
        elif event.kind in ("contact_archived", "contact_gdpr_deleted"):
            gone.add(event.subject)
        elif event.kind == "contact_restored":
            gone.discard(event.subject)
    entered: dict[date, set[str]] = defaultdict(set)
    before: dict[str, str] = {}
    for contact, at, stage in moves:
        person = contact
        while person in survivor:
            person = survivor[person]
        if stage in stages and before.get(contact) not in stages and person not in gone:
            entered[month_of(at)].add(person)
        before[contact] = stage
    found = chains(company, "qualified_received")
    for month, chain in found.items():
        row = first(chain)
        assert row["our_k"] == truth.months[month].qualified_received, month
        assert row["crm_k"] == len(entered[month]), month
    taken_back = sum(-chain["corrections"]["k_contribution"] for chain in found.values())
    assert taken_back > 0, "no withdrawn qualification: the test proves nothing"


def test_reconciliation_of_speed_goes_from_a_mean_to_a_median(company: Company) -> None:
    """The last three figures against the true waiting times; the naive mean is not the median of all."""
    truth = company.truth()

    def timed(month: date) -> list[Cycle]:
        return [cycle for cycle in truth.inbound(month) if cycle.is_speed_eligible]

    checked = 0
    for month, chain in chains(company, "lead_speed_median").items():
        row = first(chain)
        answered = [cycle for cycle in timed(month) if cycle.ttfa_wm is not None]
        assert row["our_n"] == truth.months[month].lead_speed_n, month
        if row["status"] != "measured":
            continue
        checked += 1
        minutes = [cycle.ttfa_wm for cycle in answered if cycle.ttfa_wm is not None]
        waits = [
            max(0.0, (cycle.first_attempt_at - cycle.entered_at).total_seconds() / 60)
            for cycle in answered
            if cycle.first_attempt_at is not None
        ]
        close = {"abs": 0.02}
        after = {cause: float(entry["value_after"]) for cause, entry in chain.items()}
        assert after["not_clocked"] == pytest.approx(sum(waits) / len(waits), **close), month
        assert after["working_hours"] == pytest.approx(sum(minutes) / len(minutes), **close), month
        assert after["mean_to_median"] == pytest.approx(median_low(minutes), **close), month
        assert after["unanswered"] == pytest.approx(truth.months[month].lead_speed_median_wm, **close), month
        assert sum(cause["contribution"] for cause in chain.values()) == row["our_value"] - row["crm_value"]
    assert checked > 5


def test_reconciliation_of_money_starts_at_every_won_deal(company: Company) -> None:
    for month, chain in chains(company, "won_amount").items():
        row = first(chain)
        ((amount, count),) = [
            (found["amount"], found["count"])
            for found in company.rows(
                "select sum(amount_original) as amount, count(amount_original) as count from main_published.fct_deal"
                f" where status = 'won' and closed_month = '{month}'"
            )
        ]
        # One currency in this company, so the CRM's sum is the plain one.
        assert row["crm_value"] == (amount or 0) and row["crm_k"] == count, month
        assert sum(cause["contribution"] for cause in chain.values()) == row["our_value"] - row["crm_value"]
