"""Working time of the pretend company: spec/metrics.md section 7, row "working time"."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
OFFICE_HOURS: Mapping[int, Sequence[tuple[time, time]]] = {
    weekday: ((time(9, 0), time(17, 30)),) for weekday in range(5)
}


def public_holidays(country: str, years: Collection[int]) -> frozenset[date]:
    """Give the public holidays of a country, as the `holidays` package knows them."""
    return frozenset(holidays.country_holidays(country, years=years))


class WorkTime:
    """Opening hours as UTC ranges, with the minutes worked before each of them.

    Ranges are made from the local wall clock, day by day, so a change of daylight saving time needs no rule
    of its own: the hours in UTC move, their number does not.
    """

    def __init__(
        self,
        first: date,
        last: date,
        *,
        hours: Mapping[int, Sequence[tuple[time, time]]] = OFFICE_HOURS,
        zone: ZoneInfo = AMSTERDAM,
        country: str = "NL",
    ) -> None:
        self.zone = zone
        self.closed_dates = public_holidays(country, range(first.year, last.year + 1))
        self._hours = hours
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []
        self._before: list[float] = []
        self._day: list[
            tuple[int, float, float]
        ] = []  # days before, minutes earlier that day, minutes of that day
        worked = 0.0
        days = 0
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if not self.is_working_day(day):
                continue
            earlier, whole = (
                0.0,
                float(sum(_minutes(one[1]) - _minutes(one[0]) for one in hours[day.weekday()])),
            )
            for opens, closes in hours[day.weekday()]:
                start = datetime.combine(day, opens, zone).astimezone(UTC)
                end = datetime.combine(day, closes, zone).astimezone(UTC)
                self._starts.append(start)
                self._ends.append(end)
                self._before.append(worked)
                self._day.append((days, earlier, whole))
                worked += (end - start).total_seconds() / 60
                earlier += (end - start).total_seconds() / 60
            days += 1
        self._worked = worked
        week = [
            sum(_minutes(closes) - _minutes(opens) for opens, closes in ranges) for ranges in hours.values()
        ]
        self.minutes_per_day = sum(week) / len(week)

    def is_working_day(self, day: date) -> bool:
        """Tell whether the company is open on this local date."""
        return bool(self._hours.get(day.weekday())) and day not in self.closed_dates

    def worked_until(self, instant: datetime) -> float:
        """Minutes the company has worked from the first date up to this instant."""
        index = bisect_right(self._starts, instant) - 1
        if index < 0:
            return 0.0
        inside = min(instant, self._ends[index]) - self._starts[index]
        return self._before[index] + inside.total_seconds() / 60

    def between(self, start: datetime, end: datetime) -> float:
        """Working minutes from start to end; negative when end is the earlier one."""
        return self.worked_until(end) - self.worked_until(start)

    def days_until(self, instant: datetime) -> float:
        """Working days from the first date up to this instant, the current one by the share of its hours that has passed."""
        index = bisect_right(self._starts, instant) - 1
        if index < 0:
            return 0.0
        days, earlier, whole = self._day[index]
        inside = min(instant, self._ends[index]) - self._starts[index]
        return days + (earlier + inside.total_seconds() / 60) / whole

    def days_between(self, start: datetime, end: datetime) -> float:
        """Working days from start to end."""
        return self.days_until(end) - self.days_until(start)

    def add(self, start: datetime, minutes: float) -> datetime:
        """Give the instant in working time at which this many working minutes have passed since start."""
        target = min(self.worked_until(start) + max(minutes, 0.0), self._worked)
        index = max(bisect_right(self._before, target) - 1, 0)
        instant = self._starts[index] + timedelta(minutes=target - self._before[index])
        return max(instant, start)


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute
