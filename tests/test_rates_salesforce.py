"""Deals in dollars and pounds are worth what the org's dated rate of their day of closing says.

The truth is the org's own list of rates with their first and last day, read past the API; the naive figures are the
rate of today, and the org's rate taken for euros a dollar while it is dollars a euro.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from leadrole.build import dbt_environment, dbt_vars, write_config
from leadrole.sandbox import Owner, Script
from leadrole.sandbox.population import make_owners
from leadrole.sandbox.salesforce import ledger, opportunity_id
from leadrole.settings import Settings
from support.homes import night, run_of
from support.salesforce import home, pretend_org

pytestmark = pytest.mark.slow

START = datetime(2025, 1, 7, 9, 0, tzinfo=UTC)
NIGHT = datetime(2025, 9, 10, 2, 0, tzinfo=UTC)
OWNERS: tuple[Owner, ...] = tuple(make_owners(START.date()))
ZONE = ZoneInfo("Europe/Amsterdam")
# Number, currency, amount and moment of winning.
DEALS: tuple[tuple[str, str, str, datetime | None], ...] = (
    ("3000", "EUR", "1000", datetime(2025, 2, 10, 12, tzinfo=UTC)),
    ("3001", "USD", "1000", datetime(2025, 2, 10, 12, tzinfo=UTC)),
    ("3002", "USD", "1000", datetime(2025, 6, 10, 12, tzinfo=UTC)),
    ("3003", "USD", "1000", datetime(2025, 7, 31, 22, 30, tzinfo=UTC)),
    ("3004", "GBP", "2500.50", datetime(2025, 3, 31, 12, tzinfo=UTC)),
    ("3005", "GBP", "2500.50", datetime(2025, 4, 30, 22, 30, tzinfo=UTC)),
    ("3006", "GBP", "800", None),
)
# In the config are the dollars from 1 August on; the deal of that day in Amsterdam was won in July by UTC.
CONFIGURED = "currency_rates: {USD: [{date: 2025-08-01, rate: 0.5}]}\n"


def story() -> Script:
    script = Script()
    for number, currency, amount, won_at in DEALS:
        contact = str(int(number) - 2000)
        script.form(START, contact, owner="101")
        script.deal(
            START + timedelta(days=1), number, "104", contacts=(contact,), amount=amount, currency=currency
        )
        if won_at is not None:
            script.stage(won_at, number, "closedwon", by="104")
    return script


def true_rates(row: dict[str, str | None]) -> tuple[str | None, date, date, Decimal]:
    """Currency, first day, day after the last, and units for one euro."""
    return (
        row["IsoCode"],
        date.fromisoformat(row["StartDate"] or ""),
        date.fromisoformat(row["NextStartDate"] or ""),
        Decimal(row["ConversionRate"] or ""),
    )


def build(config: Settings) -> None:
    """The amounts of deals and all that they come from, with the unit tests of those models."""
    run = run_of(config.home)
    write_config(config, run, as_of=NIGHT)
    work = config.home / "data" / "dbt"
    work.mkdir()
    variables = json.dumps(dbt_vars(config, run.run_id, NIGHT, NIGHT))
    what = ["build", "--select", "+int_deal_amounts", "--exclude-resource-type", "test", "--vars", variables]
    ended = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *what],
        env={**os.environ, **dbt_environment(run, work)},
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    for name in (
        "rates_of_a_crm_cross_over_its_base",
        "a_rate_of_a_day_beats",
        "a_currency_is_never_assumed",
    ):
        assert name in ended.stdout


def amounts(config: Settings) -> dict[str, tuple[Decimal, date]]:
    with duckdb.connect(str(run_of(config.home).candidate_path), read_only=True) as connection:
        found = connection.execute(
            "select deal_id, amount_reporting, fx_date from intermediate.int_deal_amounts"
        ).fetchall()
    return {deal.removeprefix("salesforce:"): (amount, day) for deal, amount, day in found}


def test_a_deal_is_worth_what_the_rate_of_its_day_of_closing_says(tmp_path: Path) -> None:
    history = story().history(OWNERS)
    with pretend_org(history, now=NIGHT, multi_currency=True) as org:
        config = home(tmp_path, org.base_url, top=CONFIGURED)
        night(config)
    rates = [
        true_rates(row)
        for row in ledger(history, NIGHT, multi_currency=True)["dated_conversion_rates"].values()
    ]
    assert len(rates) > 10
    build(config)
    found = amounts(config)
    for number, currency, amount, won_at in DEALS:
        day = (won_at or NIGHT).astimezone(ZONE).date()
        units = [rate for code, first, after, rate in rates if code == currency and first <= day < after]
        true = Decimal(amount) if currency == "EUR" else Decimal(amount) / units[0]
        if number == "3003":
            true = Decimal(500)  # the config's
        assert found[opportunity_id(number)][0] == true.quantize(Decimal("0.01")), number
    # The same sum of the same currency is worth another one each month: the rate of today would make them equal.
    for same in (("3001", "3002"), ("3004", "3005")):
        worth = {found[opportunity_id(number)] for number in same}
        assert len({amount for amount, _ in worth}) == len({day for _, day in worth}) == 2
    assert found[opportunity_id("3005")][1] == date(2025, 5, 1)
