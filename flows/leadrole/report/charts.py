"""The report's charts as plain SVG text: no script, no identifiers of chance, one wide and one narrow drawing.

The colours below are the light ones. In the dark the style sheet replaces them by attribute selectors, so a
drawing that is mailed or printed on its own stays legible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

INK = "#1d2733"
MUTED = "#56616d"
GRID = "#e1e5e8"
MAIN = "#1f6379"
BEFORE = "#9aa4ae"
LIMIT = "#a8431f"
PAPER = "#fefefe"
# One font size everywhere: a drawing is scaled with its box, and 12 stays readable at a phone's 0.95.
FONT_SIZE = 12
BAND_OPACITY = 0.16


@dataclass(frozen=True)
class Drawing:
    """One chart, drawn for a wide and for a narrow page."""

    wide: str
    narrow: str


@dataclass(frozen=True)
class Month:
    """A tick of a month axis: its key, its month and how that is called."""

    key: str
    month: date
    name: str


def month_ticks(months: Sequence[date], names: Sequence[str]) -> list[Month]:
    """Month ticks in order."""
    return [Month(f"{month:%Y-%m}", month, name) for month, name in zip(months, names, strict=True)]


def _config() -> dict[str, Any]:
    text = {"font": "Liberation Sans", "fontSize": FONT_SIZE}
    return {
        "font": "Liberation Sans",
        "aria": False,
        "background": "transparent",
        "view": {"stroke": None},
        "axis": {
            "labelColor": MUTED,
            "labelFontSize": FONT_SIZE,
            "titleColor": MUTED,
            "titleFontSize": FONT_SIZE,
            "titleFontWeight": "normal",
            "domain": False,
            "ticks": False,
            "gridColor": GRID,
            "labelPadding": 6,
        },
        "title": {"color": INK, "anchor": "start", "offset": 8, "fontWeight": "bold", **text},
        "text": {"color": INK, **text},
        "legend": {
            "orient": "top",
            "title": None,
            "labelColor": INK,
            "labelFontSize": FONT_SIZE,
            "symbolStrokeWidth": 2,
            "labelLimit": 260,
        },
        "concat": {"spacing": 14},
    }


def to_svg(chart: Any, label: str) -> str:
    """A chart as SVG text that scales with its box and says its message to a screen reader."""
    import altair
    import vl_convert

    spec = chart.configure(**_config()).to_dict()
    version = ".".join(altair.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    return tidy_svg(vl_convert.vegalite_to_svg(spec, vl_version=version), label)


def tidy_svg(svg: str, label: str) -> str:
    """Drop the fixed size, number the clip paths from one, give the drawing its role and label."""
    opening, rest = svg[: svg.index(">") + 1], svg[svg.index(">") + 1 :]
    box = re.search(r'viewBox="([^"]+)"', opening)
    if box is None:
        raise ValueError("a drawing without a viewBox can't be scaled")
    # The renderer counts clip paths over the life of the process; several drawings share one page.
    rest = re.sub(r"<defs>.*?</defs>|\s*clip-path=\"url\(#[^)]*\)\"", "", rest, flags=re.DOTALL)
    rest = re.sub(r'\s(?:aria-[a-z]+|role|class)="[^"]*"', "", rest)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box[1]}" role="img" '
        f'aria-label="{escape(label, quote=True)}">{rest}'
    )


def _month_axis(altair: Any, ticks: Sequence[Month], *, every: int, labels: bool = True) -> Any:
    if not labels:
        return altair.Axis(labels=False, title=None)
    # Counted from January, so that January, which carries the year, is always written.
    shown = [tick for tick in ticks if (tick.month.month - 1) % every == 0]
    lines = {
        tick.key: (tick.name, str(tick.month.year) if tick is shown[0] or tick.month.month == 1 else "")
        for tick in shown
    }
    lookup = ",".join(f"'{key}':['{name}','{year}']" for key, (name, year) in lines.items())
    return altair.Axis(
        title=None,
        labelAngle=0,
        labelOverlap=False,
        labelExpr=f"{{{lookup}}}[datum.value] || ''",
    )


def _percent_axis(altair: Any, **kwargs: Any) -> Any:
    return altair.Axis(labelExpr="format(datum.value * 100, '.0f') + '%'", tickCount=4, title=None, **kwargs)


def _count_axis(altair: Any, language: str, **kwargs: Any) -> Any:
    mark = "." if language == "nl" else ","
    return altair.Axis(
        labelExpr=f"replace(format(datum.value, ',.0f'), regexp(',', 'g'), '{mark}')",
        tickCount=4,
        tickMinStep=1,
        title=None,
        **kwargs,
    )


def _data(altair: Any, values: Sequence[Mapping[str, Any]]) -> Any:
    return altair.Data(values=[dict(value) for value in values])


def funnel(
    panels: Sequence[tuple[str, Sequence[Mapping[str, Any]]]],
    *,
    periods: Sequence[str],
    stages: Sequence[str],
    label: str,
) -> Drawing:
    """Bars of the share that reached each stage; a row: stage, period, share (or null), text."""
    import altair

    def panel(title: str, rows: Sequence[Mapping[str, Any]], width: int, *, legend: bool) -> Any:
        y = altair.Y(
            "stage:N", sort=list(stages), title=None, axis=altair.Axis(labelColor=INK, labelLimit=120)
        )
        offset = altair.YOffset(
            "period:N", sort=list(periods), scale=altair.Scale(domain=list(periods), paddingInner=0.12)
        )
        # The room right of 100 % is for the figures behind the bars.
        scale = altair.Scale(domain=[0, 1.9], nice=False)
        color = altair.Color(
            "period:N",
            scale=altair.Scale(domain=list(periods), range=[BEFORE, MAIN]),
            sort=list(periods),
            legend=altair.Legend(symbolType="square", symbolStrokeWidth=0) if legend else None,
        )
        base = altair.Chart(_data(altair, rows)).encode(y=y, yOffset=offset)
        bars = base.mark_bar(cornerRadiusEnd=2).encode(
            x=altair.X("share:Q", scale=scale, axis=None), color=color
        )
        texts = base.mark_text(align="left", dx=6, baseline="middle").encode(
            x=altair.X("place:Q", scale=scale, axis=None), text="text:N"
        )
        return (bars + texts).properties(width=width, height=altair.Step(19), title=title)

    def draw(width: int, *, across: bool) -> str:
        parts = [
            panel(title, rows, width, legend=index == 0 and not across)
            for index, (title, rows) in enumerate(panels)
        ]
        if across:
            parts = [panel(title, rows, width, legend=True) for title, rows in panels]
            return to_svg(altair.hconcat(*parts, spacing=36), label)
        return to_svg(altair.vconcat(*parts, spacing=22), label)

    wide_width = 330 if len(panels) > 1 else 700
    return Drawing(draw(wide_width, across=True), draw(225, across=False))


def response(
    rows: Sequence[Mapping[str, Any]],
    *,
    periods: Sequence[str],
    bands_hours: Sequence[float],
    target_hours: float | None,
    target_text: str,
    x_title: str,
    label: str,
) -> Drawing:
    """Share answered by working hours; a row: period, hours, share, low, high."""
    import altair

    def draw(width: int, height: int) -> str:
        x = altair.X(
            "hours:Q",
            # A root scale gives the first hours, where follow-up is won or lost, the room they need.
            scale=altair.Scale(type="sqrt", domain=[0, max(bands_hours)], nice=False),
            axis=altair.Axis(
                values=[0, *bands_hours], title=x_title, grid=True, format="~f", labelFlush=False
            ),
        )
        y_scale = altair.Scale(domain=[0, 1])
        color = altair.Color(
            "period:N",
            sort=list(periods),
            scale=altair.Scale(domain=list(periods), range=[MAIN, BEFORE]),
            legend=altair.Legend(symbolType="stroke"),
        )
        base = altair.Chart(_data(altair, rows)).encode(x=x)
        band = (
            base.transform_filter(altair.datum.period == periods[0])
            .mark_area(interpolate="step-after", color=MAIN, opacity=BAND_OPACITY)
            .encode(y=altair.Y("low:Q", scale=y_scale, axis=_percent_axis(altair)), y2="high:Q")
        )
        lines = base.mark_line(interpolate="step-after", strokeWidth=2.2).encode(
            y=altair.Y("share:Q", scale=y_scale, axis=_percent_axis(altair)), color=color
        )
        layers = [band, lines]
        if target_hours is not None and target_hours <= max(bands_hours):
            # At the foot: past the target the curves have left it.
            mark = [{"hours": target_hours, "text": target_text, "foot": 0}]
            target = altair.Chart(_data(altair, mark)).encode(x=x)
            layers += [
                target.mark_rule(color=LIMIT, strokeWidth=1.5, strokeDash=[4, 3]),
                target.mark_text(color=LIMIT, align="left", dx=5, dy=-6, baseline="bottom").encode(
                    y=altair.Y("foot:Q", scale=y_scale), text="text:N"
                ),
            ]
        return to_svg(altair.layer(*layers).properties(width=width, height=height), label)

    return Drawing(draw(760, 240), draw(275, 220))


def trend(
    rows: Sequence[Mapping[str, Any]],
    ticks: Sequence[Month],
    *,
    volume_title: str,
    rate_title: str,
    language: str,
    label: str,
) -> Drawing:
    """Volume above, conversion below; a row: month, volume, complete, rate, low, high, mature."""
    import altair

    keys = [tick.key for tick in ticks]

    def draw(width: int, height: int, every: int, *, across: bool) -> str:
        def x(*, labels: bool) -> Any:
            return altair.X(
                "month:O",
                scale=altair.Scale(domain=keys, paddingInner=0.25, paddingOuter=0.1),
                axis=_month_axis(altair, ticks, every=every, labels=labels),
            )

        data = _data(altair, rows)
        volumes = altair.Chart(data).encode(
            x=x(labels=across), y=altair.Y("volume:Q", axis=_count_axis(altair, language))
        )
        bars = altair.layer(
            volumes.transform_filter("datum.complete").mark_bar(cornerRadiusEnd=2, color=MAIN),
            volumes.transform_filter("!datum.complete").mark_bar(
                fill=PAPER, stroke=MAIN, strokeWidth=1.2, strokeDash=[3, 2]
            ),
        ).properties(width=width, height=height, title=volume_title)
        measured = altair.Chart(data).transform_filter("datum.rate != null").encode(x=x(labels=True))
        highest = max([row["high"] for row in rows if row["high"] is not None], default=0.1)
        y_scale = altair.Scale(domain=[0, min(1.0, max(0.1, highest * 1.1))], nice=True)
        y = altair.Y("rate:Q", scale=y_scale, axis=_percent_axis(altair))
        # The frame keeps every month on the axis, measured or not.
        frame = altair.Chart(data).mark_point(opacity=0).encode(x=x(labels=True))
        band = measured.mark_rule(color=MAIN, opacity=0.35, strokeWidth=6, strokeCap="round").encode(
            y=altair.Y("low:Q", scale=y_scale, axis=_percent_axis(altair)), y2="high:Q"
        )
        line = measured.mark_line(color=MAIN, strokeWidth=1.4, opacity=0.7).encode(y=y)
        points = measured.mark_point(size=58, opacity=1, stroke=MAIN, strokeWidth=1.8).encode(
            y=y, fill=altair.condition("datum.mature", altair.value(MAIN), altair.value(PAPER))
        )
        rates = altair.layer(frame, band, line, points).properties(
            width=width, height=height, title=rate_title
        )
        both = (
            altair.hconcat(bars, rates, spacing=64, bounds="flush")
            if across
            else altair.vconcat(bars, rates, spacing=16)
        )
        return to_svg(both, label)

    every = 3 if len(ticks) > 7 else 1
    return Drawing(draw(455, 150, 1, across=True), draw(270, 115, every, across=False))


def staffing(
    rows: Sequence[Mapping[str, Any]],
    ticks: Sequence[Month],
    *,
    forecast: Sequence[Mapping[str, Any]],
    thresholds: Sequence[tuple[float, str]],
    crossing: tuple[str, str] | None,
    language: str,
    label: str,
) -> Drawing:
    """Volume and its estimate against the thresholds; a row: month, volume, rate, low, high.

    A month of the forecast has the same without a volume.
    """
    import altair

    keys = [tick.key for tick in ticks]
    top = max(
        [value for value, _ in thresholds]
        + [row["high"] or row["volume"] or 0 for row in rows]
        + [row["high"] for row in forecast]
    )

    def draw(width: int, height: int, every: int) -> str:
        x = altair.X(
            "month:O",
            scale=altair.Scale(domain=keys, type="point", padding=0.4),
            axis=_month_axis(altair, ticks, every=every),
        )
        scale = altair.Scale(domain=[0, top * 1.12], nice=True)

        def y(field: str) -> Any:
            return altair.Y(f"{field}:Q", scale=scale, axis=_count_axis(altair, language))

        data = _data(altair, rows)
        frame = altair.Chart(_data(altair, [{"month": key} for key in keys]))
        estimated = altair.Chart(data).transform_filter("datum.rate != null").encode(x=x)
        layers = [
            frame.mark_point(opacity=0).encode(x=x),
            estimated.mark_area(color=MAIN, opacity=BAND_OPACITY).encode(y=y("low"), y2="high:Q"),
            estimated.mark_line(color=MAIN, strokeWidth=2.2).encode(y=y("rate")),
            altair.Chart(data)
            .mark_point(size=36, fill=PAPER, stroke=MAIN, strokeWidth=1.4, opacity=1)
            .encode(x=x, y=y("volume")),
        ]
        if forecast:
            # The line goes on from the newest estimate.
            newest = [row for row in rows if row["rate"] is not None][-1:]
            ahead = altair.Chart(_data(altair, forecast)).encode(x=x)
            going_on = altair.Chart(_data(altair, [*newest, *forecast])).encode(x=x)
            layers += [
                ahead.mark_area(color=MAIN, opacity=BAND_OPACITY / 2).encode(y=y("low"), y2="high:Q"),
                going_on.mark_line(color=MAIN, strokeWidth=1.6, strokeDash=[5, 4]).encode(y=y("rate")),
            ]
        first = next((row["volume"] for row in rows if row["volume"] is not None), 0)
        for value, text in thresholds:
            # The label stands on the side of the line where the series does not begin.
            above = first <= value
            limit = altair.Chart(_data(altair, [{"limit": value, "text": text}]))
            layers += [
                limit.mark_rule(color=LIMIT, strokeWidth=1.4, strokeDash=[4, 3]).encode(y=y("limit")),
                limit.mark_text(
                    color=LIMIT,
                    align="left",
                    dy=-5 if above else 5,
                    baseline="bottom" if above else "top",
                ).encode(x=altair.value(2), y=y("limit"), text="text:N"),
            ]
        if crossing is not None:
            mark = altair.Chart(_data(altair, [{"month": crossing[0], "text": crossing[1]}])).encode(x=x)
            layers += [
                mark.mark_rule(color=INK, strokeWidth=1.2, strokeDash=[2, 3]),
                mark.mark_text(align="right", dx=-5, baseline="bottom").encode(
                    y=altair.value(height * 0.62), text="text:N"
                ),
            ]
        return to_svg(altair.layer(*layers).properties(width=width, height=height), label)

    every = 1 if len(ticks) <= 14 else 2
    return Drawing(draw(470, 210, every), draw(270, 200, 3 if len(ticks) > 7 else 1))
