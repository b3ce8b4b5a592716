"""Everything the page shows, worded and drawn; the template only places it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from leadrole.report import charts
from leadrole.report.marts import ROLES, Marts, Rate, Row
from leadrole.report.numbers import Numbers, wilson
from leadrole.report.texts import Texts
from leadrole.report.verdict import (
    OVER,
    finding_title,
    finding_view,
    found,
    period_words,
    privacy_banner,
    put_aside_words,
    rate_words,
    reason_text,
    role_verdict,
    solved_words,
    speed_of,
    staffing_rows,
    state_words,
    team_verdict,
    volume_words,
)

STAGES = ("lead", "attempted", "contacted", "qualified", "customer")
MONTHS_SHOWN = 13
MIN_N = 10
# (mart, volume column, rate prefix) of each role's trend.
TREND = {
    "inbound": ("mart_inbound_month", "inbound_leads", "lead_to_qualified"),
    "outbound": ("mart_outbound_month", "new_prospects", "prospect_to_qualified"),
    "closer": ("mart_closer_month", "qualified_received", "lead_to_customer"),
}
RESPONSE_BANDS_HOURS = (1.0, 4.0, 8.0, 24.0, 40.0)
SURELY_BETTER = 0.9
COMPARATOR_SIGNS = {">": ">", ">=": "≥", "<": "<", "<=": "≤"}
STAFFING_CHART_RULES = {"inbound": ("R2", "R3"), "closer": ("R6",)}
DEFINITIONS = (
    "inbound_leads",
    "lead_to_qualified",
    "lead_response_time",
    "lead_speed_median",
    "lead_speed_p90",
    "never_answered",
    "new_prospects",
    "prospect_to_qualified",
    "reply_response_time",
    "active_days_share",
    "longest_gap_working_days",
    "qualified_received",
    "lead_to_customer",
    "handover_speed",
    "win_rate",
    "stalled_deals",
    "required_fte",
    "available_fte",
    "p_cross",
)


class Page:
    """Words and draws one publication in one language."""

    def __init__(self, marts: Marts, texts: Texts, numbers: Numbers) -> None:
        self.marts = marts
        self.texts = texts
        self.numbers = numbers

    def build(self) -> dict[str, Any]:
        """All parts of the page in the order of the template."""
        said = (self.marts, self.texts, self.numbers)
        verdicts = [role_verdict(role, *said) for role in ROLES]
        actions = {verdict["role"]: verdict["action"] for verdict in verdicts}
        return {
            "verdicts": verdicts + team_verdict(*said),
            "worst": self._worst(),
            "period": self._period(),
            "banner": privacy_banner(self.marts, self.texts, self.numbers),
            "cards": [self._card(role, actions[role]) for role in ROLES],
            "findings": self._findings(),
            "funnel": self._funnel(),
            "sources": self._sources(),
            "speed": self._speed(),
            "trend": [figure for role in ROLES if (figure := self._trend(role))],
            "staffing": self._staffing(),
            "trust": self._trust(),
            "definitions": self._definitions(),
        }

    # The verdict ---------------------------------------------------------------------------------

    def _worst(self) -> dict[str, Any]:
        rows = found(self.marts)
        if rows:
            return finding_view(rows[0], self.texts, self.numbers)
        every = self.marts.tables["mart_findings"]
        unmeasured = [row for row in every if row["status"] in ("insufficient_data", "not_measurable")]
        if unmeasured:
            values = {
                "count": self.numbers.integer(len(unmeasured)),
                "total": self.numbers.integer(len(every)),
            }
            return {"none": self.texts("verdict.worst_unmeasured", **values)}
        return {"none": self.texts("verdict.worst_none")}

    def _period(self) -> str:
        newest = [rows[0] for role in ROLES if (rows := self.marts.scorecard(role))]
        if not newest:
            return self.numbers.none
        return period_words(max(newest, key=lambda row: row["period_start"]), self.numbers)

    # The three cards -----------------------------------------------------------------------------

    def _card(self, role: str, action: str) -> dict[str, Any]:
        rows = self.marts.scorecard(role)
        card: dict[str, Any] = {
            "role": role,
            "name": self.texts(f"role.{role}"),
            "work": self.texts(f"role.{role}_work"),
            "missing": "" if rows else self.texts("card.no_scorecard"),
            "details": self._card_details(role),
        }
        if rows:
            card["period"] = period_words(rows[0], self.numbers)
            card["result"] = self._result(role, rows)
            card["speed"] = speed_of(rows[0], role, self.texts, self.numbers)
            card["speed_name"] = self._metric_name(rows[0]["speed_metric"], f"speed_{role}")
            card["load"] = self._load(rows[0], is_calm=action in ("leave", "speed"))
            card["rhythm"] = self._rhythm() if role == "outbound" else None
        return card

    def _result(self, role: str, rows: Sequence[Row]) -> dict[str, Any]:
        # Outbound and closer cohorts need months before their outcome is known: the newest one that has an
        # outcome says more than an empty card, as long as its period stands beside it.
        known = next((row for row in rows if Rate.read(row, "result").is_shown), None)
        row = known or rows[0]
        rate = Rate.read(row, "result")
        texts, numbers = self.texts, self.numbers
        view: dict[str, Any] = {"name": self._metric_name(row["result_metric"], f"result_{role}")}
        if known is None:
            status = rows[0]["result_status"] or "not_measurable"
            if status == "measured":
                status = "insufficient"
            view["empty"] = texts(
                "card.not_measurable" if status == "not_measurable" else "card.insufficient"
            )
            view["reason"] = reason_text(texts, rows[0]["result_status_reason"], status)
            if rate.n and status == "insufficient":
                counts = {"k": numbers.integer(rate.k), "n": numbers.integer(rate.n)}
                view["reason"] = texts("card.too_few", **counts) + " " + view["reason"]
            return view
        view["value"] = numbers.percent(rate.estimate)
        view["interval"] = texts("card.range", interval=numbers.interval(rate.low, rate.high))
        view["counts"] = texts("card.n_of", k=numbers.integer(rate.k), n=numbers.integer(rate.n))
        view["gauge"] = {
            "low": 100 * (rate.low or 0),
            "high": 100 * (rate.high or 0),
            "at": 100 * (rate.estimate or 0),
        }
        view["indicative"] = rate.grade == "indicative"
        view["change"] = self._change(row)
        notes = []
        if row is not rows[0]:
            notes.append(texts("card.cohort", period=period_words(row, numbers)))
        if rate.maturity is not None and rate.maturity < 1:
            notes.append(texts("card.maturity", share=numbers.percent(rate.maturity)))
        view["notes"] = notes
        return view

    def _change(self, row: Row) -> str:
        previous, better = row["result_previous_estimate"], row["result_p_better"]
        if previous is None or better is None:
            return self.texts("card.change_none")
        kind = "better" if better >= SURELY_BETTER else "worse" if better <= 1 - SURELY_BETTER else "same"
        return self.texts(
            f"card.change_{kind}", previous=self.numbers.percent(previous), p=self.numbers.percent(better)
        )

    def _load(self, row: Row, *, is_calm: bool) -> dict[str, Any]:
        texts, numbers = self.texts, self.numbers
        rule, volume, threshold = row["load_rule_id"], row["load_volume"], row["load_threshold"]
        available = row["load_available_fte"]
        unit = texts.first(f"unit.{rule}", "unit.default")
        state = row["load_state"] or "not_applicable"
        view: dict[str, Any] = {
            # A passed threshold is no alarm once the people for it are there.
            "state": "calm" if is_calm else state,
            "state_word": state_words(rule, state, None, texts),
            "volume": (
                texts("card.volume_unknown")
                if volume is None
                else texts("card.volume", volume=volume_words(rule, volume, numbers), unit=unit)
            ),
            "threshold": texts("card.no_threshold"),
            "required": numbers.fte(row["load_required_fte"]),
            "available": texts("card.available_unknown") if available is None else numbers.fte(available),
            "has_required": row["load_required_fte"] is not None,
            "has_fte": row["load_required_fte"] is not None or available is not None,
            "bar": None,
        }
        if volume is not None and threshold:
            top = max(volume, threshold) * 1.12
            view["threshold"] = texts("card.threshold", threshold=volume_words(rule, threshold, numbers))
            view["bar"] = {
                "filled": round(100 * volume / top, 2),
                "threshold": round(100 * threshold / top, 2),
                "over": volume >= threshold and not is_calm,
                "label": texts(
                    "card.bar_label",
                    volume=volume_words(rule, volume, numbers),
                    unit=unit,
                    threshold=volume_words(rule, threshold, numbers),
                    required=view["required"],
                    available=view["available"],
                ),
            }
        return view

    def _card_details(self, role: str) -> dict[str, Any] | None:
        """One line of the last complete month that belongs to the role's craft."""
        complete = [row for row in self.marts.months(TREND[role][0]) if row["is_complete"]]
        if not complete:
            return None
        row, texts, numbers = complete[-1], self.texts, self.numbers
        lines = []
        if role == "inbound" and row["never_answered_n"]:
            rate = Rate.read(row, "never_answered")
            if rate.grade != "not_measurable":
                lines.append(texts("card.never_answered", words=rate_words(rate, texts, numbers)))
        if role == "closer":
            rate = Rate.read(row, "win_rate")
            if rate.n and rate.grade != "not_measurable":
                lines.append(texts("card.win_rate", words=rate_words(rate, texts, numbers)))
            if row["open_deals"] and row["stalled_deals"] is not None:
                values = {
                    "stalled": numbers.integer(row["stalled_deals"]),
                    "open": numbers.integer(row["open_deals"]),
                }
                lines.append(texts("card.stalled", **values))
        if not lines:
            return None
        return {"when": texts("card.in_month", month=numbers.month(row["month"])), "lines": lines}

    def _rhythm(self) -> dict[str, str] | None:
        """Outbound's pace of work in the last complete month."""
        complete = [row for row in self.marts.months("mart_outbound_month") if row["is_complete"]]
        if not complete or complete[-1]["active_days"] is None or not complete[-1]["working_days"]:
            return None
        row, texts, numbers = complete[-1], self.texts, self.numbers
        active, days = numbers.integer(row["active_days"]), numbers.integer(row["working_days"])
        return {
            "name": texts("card.rhythm", month=numbers.month(row["month"])),
            "value": texts("card.rhythm_value", active=active, days=days),
            "unit": texts("card.rhythm_unit"),
            "note": texts("card.rhythm_note", gap=numbers.integer(row["longest_gap_working_days"])),
        }

    def _metric(self, metric_id: str | None) -> Row | None:
        """The catalogue's entry of a metric; the catalogue leaves the word conversion to the name."""
        for row in self.marts.tables["dim_metric"]:
            if metric_id and row["metric_id"] in (metric_id, metric_id.removesuffix("_conversion")):
                return row
        return None

    def _metric_name(self, metric_id: str | None, fallback: str) -> str:
        row = self._metric(metric_id)
        return (
            self.texts(f"metric_fallback.{fallback}") if row is None else row[f"name_{self.texts.language}"]
        )

    # Findings ------------------------------------------------------------------------------------

    def _findings(self) -> dict[str, Any]:
        rows = sorted(self.marts.tables["mart_findings"], key=lambda row: (row["sort_no"], row["finding_id"]))
        language = self.texts.language
        said = (self.texts, self.numbers)

        def item(row: Row) -> dict[str, Any]:
            return {
                "title": finding_title(row, self.texts),
                "text": self.numbers.prose(row[f"text_{language}"]),
            }

        return {
            "found": [finding_view(row, *said) for row in found(self.marts)],
            "suppressed": [
                {**item(row), "why": put_aside_words(row, *said)}
                for row in rows
                if row["state"] == "suppressed"
            ],
            "solved": [
                {**item(row), "when": solved_words(row, *said)} for row in rows if row["state"] == "solved"
            ],
            "nothing": [
                {
                    **item(row),
                    "still": self.texts("findings.clear_once") if row["state"] == "open" else "",
                }
                for row in rows
                if row["status"] == "clear" and row["state"] not in ("solved", "suppressed")
            ],
            "unmeasured": [
                {
                    **item(row),
                    "status": self.texts.label("status", row["status"]),
                    "action": self.numbers.prose(row[f"action_{language}"]),
                    "still": self.texts("findings.still_open") if row["state"] in ("new", "open") else "",
                }
                for row in rows
                if row["status"] in ("insufficient_data", "not_measurable") and row["state"] != "suppressed"
            ],
        }

    # Funnel --------------------------------------------------------------------------------------

    def _funnel_rates(self, motion: str) -> list[tuple[str, str, Rate, bool]]:
        """(period, stage, rate, measured) of a motion for all months and for the latest three months."""
        rows = self.marts.rows("mart_funnel_cohort", motion=motion, source="all")
        everything = {row["stage"]: row for row in rows if row["period_type"] == "all"}
        by_month = [row for row in rows if row["period_type"] == "month"]
        newest = self._newest_complete_months({row["period_start"] for row in by_month})
        result = []
        for stage in STAGES:
            if stage not in everything:
                continue
            row = everything[stage]
            measured = row["status"] == "measured"
            result.append(("all", stage, Rate.read(row), measured))
            months = [r for r in by_month if r["stage"] == stage and r["period_start"] in newest]
            k, n = sum(int(r["k"] or 0) for r in months), sum(int(r["n"] or 0) for r in months)
            result.append(("latest3", stage, _summed_rate(k, n, months), measured))
        return result

    def _newest_complete_months(self, months: Iterable[date]) -> set[date]:
        local = self.marts.as_of.astimezone(self.numbers.zone)
        running = date(local.year, local.month, 1)
        return set(sorted(month for month in months if month < running)[-3:])

    def _funnel(self) -> dict[str, Any] | None:
        texts, numbers = self.texts, self.numbers
        names = {stage: texts(f"funnel.stage.{stage}") for stage in STAGES}
        periods = {"all": texts("funnel.all"), "latest3": texts("funnel.latest3")}
        panels, table, summary = [], [], []
        for motion in ("inbound", "outbound"):
            rates = self._funnel_rates(motion)
            if not any(rate.n for _, _, rate, _ in rates):
                continue
            rows = []
            for period, stage, rate, measured in rates:
                shown = measured and rate.is_shown
                # A stage nobody may write a percentage for still has its place, with the reason in it.
                if not measured:
                    text = texts("funnel.not_measurable")
                elif not rate.is_shown:
                    text = f"{texts('trend.too_few')} ({numbers.integer(rate.k)}/{numbers.integer(rate.n)})"
                elif stage == "lead":
                    text = numbers.integer(rate.n)
                else:
                    counts = texts("card.n_of", k=numbers.integer(rate.k), n=numbers.integer(rate.n))
                    text = f"{numbers.percent(rate.estimate)} · {counts}"
                share = rate.estimate if shown else None
                rows.append(
                    {
                        "stage": names[stage],
                        "period": periods[period],
                        "share": share,
                        "place": share or 0,
                        "text": text,
                    }
                )
                table.append(
                    [
                        texts(f"funnel.motion.{motion}"),
                        periods[period],
                        names[stage],
                        f"{numbers.integer(rate.k)} {texts('table.of')} {numbers.integer(rate.n)}",
                        numbers.percent(share) if measured else texts("funnel.not_measurable"),
                        numbers.interval(rate.low, rate.high) if shown else numbers.none,
                        numbers.percent(rate.maturity),
                    ]
                )
                if period == "all" and stage in ("qualified", "customer") and shown:
                    point = texts("funnel.stage_of", stage=names[stage], share=numbers.percent(share))
                    summary.append(f"{texts(f'role.{motion}')}, {point}")
            panels.append((texts(f"funnel.motion.{motion}"), rows))
        if not panels:
            return None
        label = texts("funnel.aria", summary="; ".join(summary) or numbers.none)
        return self._figure(
            "",
            label,
            charts.funnel(panels, periods=list(periods.values()), stages=list(names.values()), label=label),
            [
                texts("funnel.role"),
                texts("page.period"),
                texts("funnel.step"),
                texts("staffing.volume"),
                texts("trust.share"),
                texts("staffing.range"),
                texts("trend.maturity"),
            ],
            table,
        )

    def _sources(self) -> dict[str, Any] | None:
        texts, numbers = self.texts, self.numbers
        rows = [
            row
            for row in self.marts.rows("mart_funnel_cohort", period_type="all", motion="all")
            if row["source"] != "all"
        ]
        by_source: dict[str, dict[str, Row]] = {}
        for row in rows:
            by_source.setdefault(row["source"], {})[row["stage"]] = row
        if not by_source:
            return None
        table = []
        for source, stages in sorted(
            by_source.items(), key=lambda item: (-int(item[1].get("lead", {}).get("n") or 0), item[0])
        ):
            cells = [source.replace("_", " ").capitalize(), numbers.integer(stages.get("lead", {}).get("n"))]
            for stage in ("qualified", "customer"):
                reached = stages.get(stage)
                if reached is None or reached["status"] != "measured":
                    cells.append(texts("funnel.not_measurable"))
                else:
                    cells.append(rate_words(Rate.read(reached), texts, numbers))
            table.append(cells)
        head = [
            texts("funnel.source"),
            texts("funnel.leads"),
            texts("funnel.stage.qualified"),
            texts("funnel.stage.customer"),
        ]
        return {"caption": texts("funnel.by_source"), "head": head, "rows": table}

    # Follow-up speed -----------------------------------------------------------------------------

    def _speed(self) -> dict[str, Any]:
        figures, reasons = [], []
        for role in ("inbound", "closer"):
            figure = self._response(role)
            if figure:
                figures.append(figure)
            else:
                card = next(iter(self.marts.scorecard(role)), None)
                status = (card["speed_status"] if card else None) or "not_measurable"
                reason = reason_text(self.texts, card["speed_status_reason"] if card else None, status)
                text = self.texts("speed.none", reason=reason)
                reasons.append(f"{self.texts(f'role.{role}')}: {text[:1].lower()}{text[1:]}")
        return {"figures": figures, "reasons": reasons}

    def _response(self, role: str) -> dict[str, Any] | None:
        texts, numbers = self.texts, self.numbers
        curves = {
            period: sorted(
                self.marts.rows("mart_response_curve", role=role, period=period), key=lambda row: row["t_wm"]
            )
            for period in ("latest3", "previous3")
        }
        if not curves["latest3"]:
            return None
        names = {period: texts(f"speed.{period}") for period in curves if curves[period]}
        bands = RESPONSE_BANDS_HOURS
        points: list[dict[str, Any]] = []
        for period, name in names.items():
            points += _curve_points(curves[period], name, bands[-1])
        card = next(iter(self.marts.scorecard(role)), None)
        target = card["speed_target_wm"] if card else None
        marks = sorted({*(band * 60 for band in bands), *([target] if target else [])})
        table = []
        for minutes in marks:
            cells = [numbers.duration(minutes)]
            for period in names:
                step = _step_at(curves[period], minutes)
                cells.append(_answered_words(step, numbers) if step else numbers.percent(0.0))
            table.append(cells)
        at_target = _step_at(curves["latest3"], target) if target else None
        share = 1 - at_target["survival"] if at_target else 0.0
        summary = texts("speed.point", share=numbers.percent(share), time=numbers.duration(target or 60))
        label = texts("speed.aria", role=texts(f"role.{role}"), summary=summary)
        drawing = charts.response(
            points,
            periods=list(names.values()),
            bands_hours=bands,
            target_hours=target / 60 if target else None,
            target_text=f"{texts('speed.target')} {numbers.duration(target)}",
            x_title=texts("speed.x"),
            label=label,
        )
        head = [texts("speed.within"), *names.values()]
        return self._figure(texts(f"speed.role.{role}"), label, drawing, head, table)

    # Trend ---------------------------------------------------------------------------------------

    def _trend(self, role: str) -> dict[str, Any] | None:
        texts, numbers = self.texts, self.numbers
        table_name, volume_column, prefix = TREND[role]
        rows = self.marts.months(table_name)[-MONTHS_SHOWN:]
        if not rows:
            return None
        ticks = charts.month_ticks(
            [row["month"] for row in rows], [numbers.month_name(row["month"]) for row in rows]
        )
        points, table = [], []
        for row, tick in zip(rows, ticks, strict=True):
            rate = Rate.read(row, prefix)
            volume = row[volume_column]
            points.append(
                {
                    "month": tick.key,
                    "volume": volume,
                    "complete": bool(row["is_complete"]),
                    "rate": rate.estimate if rate.is_shown else None,
                    "low": rate.low if rate.is_shown else None,
                    "high": rate.high if rate.is_shown else None,
                    "mature": rate.maturity is None or rate.maturity >= 1,
                }
            )
            note = "" if row["is_complete"] else f" ({texts('trend.incomplete')})"
            table.append(
                [
                    numbers.month(row["month"]) + note,
                    numbers.integer(volume),
                    rate_words(rate, texts, numbers),
                    numbers.percent(rate.maturity),
                ]
            )
        complete = [row for row in rows if row["is_complete"]] or rows
        names = {"volume": texts(f"trend.volume.{role}"), "rate": texts(f"trend.rate.{role}")}
        label = texts(
            "trend.aria",
            role=texts(f"role.{role}"),
            month=numbers.month(complete[-1]["month"]),
            value=numbers.integer(complete[-1][volume_column]),
            **names,
        )
        drawing = charts.trend(
            points,
            ticks,
            volume_title=names["volume"],
            rate_title=names["rate"],
            language=texts.language,
            label=label,
        )
        head = [texts("trend.month"), names["volume"], names["rate"], texts("trend.maturity")]
        return self._figure(texts(f"role.{role}"), label, drawing, head, table)

    # Staffing ------------------------------------------------------------------------------------

    def _staffing(self) -> dict[str, Any]:
        figures = [figure for role in STAFFING_CHART_RULES if (figure := self._staffing_chart(role))]
        rules = []
        for role in (*ROLES, "team"):
            for row in staffing_rows(self.marts, role):
                rules.append(self._rule_view(row))
        known = {*ROLES, "team", "all"}
        for row in sorted(self.marts.tables["mart_staffing"], key=lambda row: row["rule_id"]):
            if row["is_latest"] and row["role"] not in known and row["state"] != "not_applicable":
                rules.append(self._rule_view(row))
        return {"figures": figures, "rules": rules}

    def _rule_view(self, row: Row) -> dict[str, Any]:
        texts, numbers = self.texts, self.numbers
        rule = row["rule_id"]
        volume = row["rate_estimate"] if row["rate_estimate"] is not None else row["volume"]
        now = numbers.none
        if volume is not None:
            unit = "" if rule == "R5" else texts.first(f"unit.{rule}", "unit.default")
            now = f"{volume_words(rule, volume, numbers)} {unit}".strip()
        interval = ""
        if row["rate_ci_low"] is not None and row["rate_ci_high"] is not None:
            low_high = numbers.volume_interval(row["rate_ci_low"], row["rate_ci_high"])
            interval = texts("card.range", interval=low_high)
        threshold = numbers.none
        if row["threshold"] is not None:
            sign = COMPARATOR_SIGNS.get(str(row["comparator"]).strip(), "")
            threshold = f"{sign} {volume_words(rule, row['threshold'], numbers)}".strip()
        fte = [row["required_fte"], row["available_fte"]]
        return {
            "name": texts.label("staffing.rule_name", rule),
            "role": texts.label("role", row["role"]),
            "now": now,
            "interval": interval,
            "threshold": threshold,
            "state_word": state_words(rule, row["state"], row["comparator"], texts),
            "fte": " / ".join(numbers.fte(value) for value in fte) if any(v is not None for v in fte) else "",
            "advice": texts.label("staffing.recommendation", row["recommendation"]),
        }

    def _staffing_chart(self, role: str) -> dict[str, Any] | None:
        texts, numbers = self.texts, self.numbers
        rules = STAFFING_CHART_RULES[role]
        series = {
            rule: sorted(
                self.marts.rows("mart_staffing", role=role, rule_id=rule), key=lambda row: row["month"]
            )
            for rule in rules
        }
        rows = next((series[rule][-MONTHS_SHOWN:] for rule in rules if series[rule]), [])
        if not rows or all(row["volume"] is None for row in rows):
            return None
        chief = rows[-1]
        months = [row["month"] for row in rows]
        crossing = None if chief["state"] in OVER else chief["expected_cross_month"]
        ahead = sorted(
            self.marts.rows("mart_staffing_forecast", rule_id=chief["rule_id"]), key=lambda row: row["month"]
        )
        end = max([crossing or months[-1], *(row["month"] for row in ahead)])
        while months[-1] < end and len(months) < MONTHS_SHOWN + 12:
            months.append(_next_month(months[-1]))
        ticks = charts.month_ticks(months, [numbers.month_name(month) for month in months])
        points = [
            {
                "month": f"{row['month']:%Y-%m}",
                "volume": row["volume"],
                "rate": row["rate_estimate"],
                "low": row["rate_ci_low"],
                "high": row["rate_ci_high"],
            }
            for row in rows
        ]
        thresholds = [
            (
                series[rule][-1]["threshold"],
                texts(
                    "staffing.threshold_R3" if rule == "R3" else "staffing.threshold_label",
                    threshold=numbers.volume(series[rule][-1]["threshold"]),
                ),
            )
            for rule in rules
            if series[rule] and series[rule][-1]["threshold"] is not None
        ]
        label = texts(
            "staffing.aria",
            role=texts(f"role.{role}"),
            rate=numbers.volume(
                chief["rate_estimate"] if chief["rate_estimate"] is not None else chief["volume"]
            ),
            unit=texts.first(f"unit.{chief['rule_id']}", "unit.default"),
            threshold=numbers.volume(chief["threshold"]),
            state=texts.label("state", chief["state"]),
        )
        mark = None
        if crossing is not None and crossing in months:
            mark = (f"{crossing:%Y-%m}", texts("staffing.cross_label", month=numbers.month(crossing)))
        drawing = charts.staffing(
            points,
            ticks,
            forecast=[
                {
                    "month": f"{row['month']:%Y-%m}",
                    "rate": row["volume_estimate"],
                    "low": row["volume_pi_low"],
                    "high": row["volume_pi_high"],
                }
                for row in ahead
            ],
            thresholds=thresholds,
            crossing=mark,
            language=texts.language,
            label=label,
        )
        table = [
            [
                numbers.month(row["month"]),
                numbers.volume(row["volume"]),
                numbers.volume(row["rate_estimate"]),
                numbers.volume_interval(row["rate_ci_low"], row["rate_ci_high"]),
                numbers.percent(row["p_cross"]),
                texts.label("state", row["state"]),
            ]
            for row in rows
        ]
        table += [
            [
                numbers.month(row["month"]),
                numbers.none,
                numbers.volume(row["volume_estimate"]),
                numbers.volume_interval(row["volume_pi_low"], row["volume_pi_high"]),
                numbers.percent(row["p_cross"]),
                texts("staffing.forecast"),
            ]
            for row in ahead
        ]
        head = [
            texts("staffing.month"),
            texts("staffing.volume"),
            texts("staffing.estimate"),
            texts("staffing.range"),
            texts("staffing.probability"),
            texts("staffing.state"),
        ]
        figure = self._figure(texts(f"staffing.title.{role}"), label, drawing, head, table)
        figure["facts"] = self._staffing_facts(chief, ahead[-1] if ahead else None)
        return figure

    def _staffing_facts(self, row: Row, furthest: Row | None) -> list[tuple[str, str]]:
        texts, numbers = self.texts, self.numbers
        facts = []
        if row["rate_estimate"] is not None:
            interval = numbers.volume_interval(row["rate_ci_low"], row["rate_ci_high"])
            now = f"{numbers.volume(row['rate_estimate'])} ({interval})"
            facts.append((texts("staffing.now"), now))
        if row["p_cross"] is not None:
            facts.append((texts("staffing.probability"), numbers.percent(row["p_cross"])))
        if furthest is not None:
            interval = numbers.volume_interval(furthest["volume_pi_low"], furthest["volume_pi_high"])
            expected = texts(
                "staffing.expected", volume=numbers.volume(furthest["volume_estimate"]), interval=interval
            )
            facts.append((texts("staffing.expected_in", month=numbers.month(furthest["month"])), expected))
        logged = [
            month
            for month in self.marts.tables["mart_handling_time"]
            if month["is_complete"] and month["status"] != "not_measurable"
        ]
        newest = sorted(logged, key=lambda month: month["month"])[-3:]
        leads = sum(month["inbound_leads"] for month in newest)
        if row["role"] == "inbound" and leads:
            minutes = sum(month["minutes_logged"] for month in newest) / leads
            told = texts(
                "staffing.logged_minutes",
                logged=numbers.volume(minutes),
                rule=numbers.volume(newest[-1]["minutes_per_lead_rule"]),
            )
            facts.append((texts("staffing.logged"), told))
        is_over = row["state"] in OVER
        if row["expected_cross_month"] is not None:
            name = texts("staffing.crossed_since" if is_over else "staffing.cross")
            facts.append((name, numbers.month(row["expected_cross_month"])))
        if row["hire_by"] is not None and not is_over:
            facts.append((texts("staffing.hire_by"), numbers.day(row["hire_by"])))
        facts.append((texts("staffing.state"), texts.label("state", row["state"])))
        return facts

    # The ground it stands on ---------------------------------------------------------------------

    def _trust(self) -> dict[str, Any]:
        texts, numbers = self.texts, self.numbers
        order = {"not_measurable": 0, "warning": 1, "ok": 2}
        rows = sorted(
            self.marts.tables["mart_data_trust"],
            key=lambda row: (order.get(row["verdict"], 3), row["check_id"], row["source_crm"] or ""),
        )
        views = [
            {
                "name": texts.label("trust.name", row["check_id"]),
                "source": row["source_crm"] or numbers.none,
                "verdict": row["verdict"],
                "verdict_word": texts.label("trust", row["verdict"]),
                "share": _trust_share(row, texts, numbers),
                "text": numbers.prose(row[f"text_{texts.language}"]),
            }
            for row in rows
        ]
        return {
            "problems": [view for view in views if view["verdict"] != "ok"],
            "ok": [view for view in views if view["verdict"] == "ok"],
        }

    def _definitions(self) -> list[dict[str, str]]:
        language = self.texts.language
        used = {
            row[column]
            for row in self.marts.tables["mart_role_scorecard"]
            for column in ("result_metric", "volume_metric", "speed_metric")
            if row[column]
        }
        entries: dict[str, Row] = {}
        for metric_id in (*DEFINITIONS, *sorted(used)):
            row = self._metric(metric_id)
            if row is not None:
                entries.setdefault(row["metric_id"], row)
        return [
            {"name": row[f"name_{language}"], "text": row[f"definition_{language}"]}
            for row in entries.values()
        ]

    def _figure(
        self,
        title: str,
        label: str,
        drawing: charts.Drawing,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
    ) -> dict[str, Any]:
        return {
            "title": title,
            "label": label,
            "facts": [],
            "wide": drawing.wide,
            "narrow": drawing.narrow,
            "table": {"caption": label, "head": list(head), "rows": [list(row) for row in rows]},
        }


def _summed_rate(k: int, n: int, months: Sequence[Row]) -> Rate:
    if n < MIN_N:
        return Rate(k, n, None, None, None, None, "insufficient")
    low, high = wilson(k, n)
    weights = [(r["maturity"], int(r["n"] or 0)) for r in months if r["maturity"] is not None]
    weight = sum(count for _, count in weights)
    maturity = sum(share * count for share, count in weights) / weight if weight else None
    return Rate(k, n, k / n, low, high, maturity, "indicative")


def _step_at(curve: Sequence[Row], minutes: float) -> Row | None:
    reached = [row for row in curve if row["t_wm"] <= minutes]
    return reached[-1] if reached else None


def _answered_words(step: Row, numbers: Numbers) -> str:
    share = numbers.percent(1 - step["survival"])
    if step["ci_low"] is None or step["ci_high"] is None:
        return share
    return f"{share} ({numbers.interval(1 - step['ci_high'], 1 - step['ci_low'])})"


def _curve_points(curve: Sequence[Row], name: str, hours: float) -> list[dict[str, Any]]:
    """A survival curve as share answered, from zero to the end of the axis."""
    points = [
        {
            "period": name,
            "hours": row["t_wm"] / 60,
            "share": 1 - row["survival"],
            "low": None if row["ci_high"] is None else 1 - row["ci_high"],
            "high": None if row["ci_low"] is None else 1 - row["ci_low"],
        }
        for row in curve
        if row["t_wm"] / 60 <= hours
    ]
    start = {"period": name, "hours": 0.0, "share": 0.0, "low": 0.0, "high": 0.0}
    if not points or points[0]["hours"] > 0:
        points.insert(0, start)
    # Beyond the last observation nothing is known; the line ends there unless the curve goes on.
    if curve and curve[-1]["t_wm"] / 60 > hours:
        points.append({**points[-1], "hours": hours})
    return points


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _trust_share(row: Mapping[str, Any], texts: Texts, numbers: Numbers) -> str:
    if not row["n"]:
        return numbers.none if row["k"] is None else numbers.integer(row["k"])
    counts = texts("card.n_of", k=numbers.integer(row["k"]), n=numbers.integer(row["n"]))
    return f"{numbers.percent(row['share'])} ({counts})" if row["share"] is not None else counts
