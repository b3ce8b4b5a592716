"""The little story that the tests of every connector begin with, and the night on which it is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leadrole.sandbox import Owner, Script
from leadrole.sandbox.population import make_owners

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
OWNERS: tuple[Owner, ...] = tuple(make_owners(START.date()))


def story() -> Script:
    """Twelve leads, two of them qualified with a deal each, and a few touches."""
    script = Script()
    for number in range(12):
        contact = str(1000 + number)
        script.form(START + number * HOUR, contact, owner="101")
        script.call(START + number * HOUR + timedelta(minutes=20), str(5000 + number), contact, "101")
    for number in range(2):
        contact = str(1000 + number)
        script.lifecycle(START + DAY, contact, "salesqualifiedlead", by="101")
        script.deal(START + 2 * DAY, str(3000 + number), "104", contacts=(contact,))
    return script
