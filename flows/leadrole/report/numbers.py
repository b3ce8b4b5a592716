"""How a figure is written for a reader: Dutch or English, never more precise than it is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from leadrole.report.texts import Texts

MONTHS = {
    "nl": (
        *("januari", "februari", "maart", "april", "mei", "juni"),
        *("juli", "augustus", "september", "oktober", "november", "december"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
SHORT_MONTHS = {
    "nl": ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_ISO_DATE = re.compile(r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b(?!T)")
_SPACED_PERCENT = re.compile(r"(\d)[ \u00a0]%")
Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Numbers:
    """Writes numbers, durations and dates in one language and one time zone."""

    texts: Texts
    zone: ZoneInfo

    @property
    def _nl(self) -> bool:
        return self.texts.language == "nl"

    @property
    def none(self) -> str:
        """The sign for a figure that does not exist."""
        return self.texts("format.none")

    def decimal(self, value: float | None, digits: int = 1) -> str:
        """1234.5 as 1.234,5 or 1,234.5, without needless zeros behind the mark."""
        if value is None or not math.isfinite(value):
            return self.none
        text = f"{float(value):,.{digits}f}"
        if digits and "." in text:
            text = text.rstrip("0").rstrip(".")
        if text == "-0":
            text = "0"
        return text.translate(str.maketrans(",.", ".,")) if self._nl else text

    def integer(self, value: float | None) -> str:
        """A count, with the language's mark between thousands."""
        return self.decimal(value, 0)

    def volume(self, value: float | None) -> str:
        """A monthly volume: one decimal below ten, whole above."""
        return self.decimal(value, 1 if value is not None and abs(value) < 10 else 0)

    def percent(self, share: float | None, *, mark: bool = True) -> str:
        """A share of one as a percentage; one decimal only where a whole number would say nothing."""
        if share is None or not math.isfinite(share):
            return self.none
        percent = float(share) * 100
        edge = 0 < percent < 1 or 99 < percent < 100
        return self.decimal(percent, 1 if edge else 0) + ("%" if mark else "")

    def interval(self, low: float | None, high: float | None) -> str:
        """An interval of shares: 12 to 26%."""
        if low is None or high is None:
            return self.none
        return f"{self.percent(low, mark=False)} {self.texts('format.to')} {self.percent(high)}"

    def volume_interval(self, low: float | None, high: float | None) -> str:
        """An interval of volumes: 48 to 61."""
        if low is None or high is None:
            return self.none
        return f"{self.volume(low)} {self.texts('format.to')} {self.volume(high)}"

    def split_duration(self, minutes: float) -> tuple[str, str]:
        """Working minutes as a figure and its unit."""
        if minutes < 1:
            return "< 1", self.texts("format.minutes")
        if minutes < 90 and round(minutes) != 60:
            return self.integer(minutes), self.texts("format.minutes")
        hours = self.decimal(minutes / 60, 1 if minutes < 6000 else 0)
        return hours, self.texts("format.working_hour_one" if hours == "1" else "format.working_hours")

    def duration(self, minutes: float | None) -> str:
        """Working minutes for a reader: 42 min, or 6.5 working hours."""
        if minutes is None or not math.isfinite(minutes):
            return self.none
        if minutes < 1:
            return self.texts("format.under_minute")
        return " ".join(self.split_duration(float(minutes)))

    def duration_interval(self, low: float | None, high: float | None) -> str:
        """An interval of working time; the unit is written once when both ends share it."""
        if low is None or high is None:
            return self.none
        low_unit, high_unit = self.split_duration(low)[1], self.split_duration(high)[1]
        shared = low_unit == high_unit and low_unit
        first = self.split_duration(low)[0] if shared else self.duration(low)
        if low < 1:
            first = "0"
        return f"{first} {self.texts('format.to')} {self.duration(high)}"

    def fte(self, value: float | None) -> str:
        """Full-time equivalents, one decimal (two below a tenth)."""
        if value is None:
            return self.none
        small = 0 < abs(value) < 0.1
        return f"{self.decimal(value, 2 if small else 1)} {self.texts('format.fte')}"

    def day(self, day: date | None) -> str:
        """1 November 2026."""
        if day is None:
            return self.none
        return f"{day.day} {MONTHS[self.texts.language][day.month - 1]} {day.year}"

    def moment(self, at: datetime | None) -> str:
        """An instant in the company's own time: 1 November 2026, 04:00."""
        if at is None:
            return self.none
        local = at.astimezone(self.zone)
        return f"{self.day(local.date())}, {local:%H:%M}"

    def month(self, day: date | None) -> str:
        """November 2026."""
        if day is None:
            return self.none
        return f"{MONTHS[self.texts.language][day.month - 1]} {day.year}"

    def month_name(self, day: date) -> str:
        """The three-letter month of an axis."""
        return SHORT_MONTHS[self.texts.language][day.month - 1]

    def months(self, first: date, last: date) -> str:
        """A run of whole months, both ends included: August to October 2026."""
        if (first.year, first.month) == (last.year, last.month):
            return self.month(first)
        start = MONTHS[self.texts.language][first.month - 1] if first.year == last.year else self.month(first)
        return f"{start} {self.texts('format.through')} {self.month(last)}"

    def prose(self, text: str | None) -> str:
        """A sentence written by the marts, with its ISO dates and percentages in the language's own form."""
        written = _ISO_DATE.sub(lambda found: self.day(date.fromisoformat(found[0])), text or "")
        return _SPACED_PERCENT.sub(r"\1%", written)

    def listing(self, words: Sequence[str]) -> str:
        """a, b and c."""
        if len(words) < 2:
            return "".join(words)
        return f"{', '.join(words[:-1])} {self.texts('format.and')} {words[-1]}"


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval, for sums over months that the marts hold month by month."""
    if n <= 0:
        raise ValueError("an interval needs at least one case")
    share, z2 = k / n, Z_95 * Z_95
    centre = share + z2 / (2 * n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    scale = 1 + z2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
