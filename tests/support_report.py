"""Small made-up publications for the report's tests: the marts' columns, filled with plausible rows."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

PUBLISH_ID = "20261101T030000Z"
AS_OF = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
STAMP = {"publish_id": PUBLISH_ID, "as_of_utc": AS_OF, "data_through_utc": AS_OF}
STAMP_COLUMNS = "publish_id varchar, as_of_utc timestamptz, data_through_utc timestamptz"

Row = dict[str, Any]


def _rate_columns(prefix: str) -> str:
    return (
        f"{prefix}_k bigint, {prefix}_n bigint, {prefix}_estimate double, {prefix}_ci_low double,"
        f" {prefix}_ci_high double, {prefix}_ci_method varchar, {prefix}_maturity double, {prefix}_grade varchar"
    )


COLUMNS = {
    "dim_metric": (
        "metric_id varchar, name_nl varchar, name_en varchar, definition_nl varchar, definition_en varchar,"
        " time_vector varchar, value_vector varchar, grain varchar, unit varchar, direction varchar,"
        " role varchar, standard_term varchar, owner varchar, version integer, since date"
    ),
    "dim_role_assignment": (
        "rep_id varchar, role varchar, share double, valid_from date, valid_to date, seniority varchar,"
        " origin varchar"
    ),
    "mart_inbound_month": (
        "slice_type varchar, slice_value varchar, month date, is_complete boolean, inbound_leads integer,"
        f" excluded_leads integer, {_rate_columns('lead_to_qualified')}, {_rate_columns('lead_to_customer')},"
        " lead_speed_n bigint, lead_speed_answered bigint, lead_speed_median_wm double,"
        " lead_speed_median_ci_low double, lead_speed_median_ci_high double, lead_speed_p90_wm double,"
        " lead_speed_mean_restricted_wm double, lead_speed_status varchar,"
        f" {_rate_columns('never_answered')}, {_rate_columns('contacted')}, attempts_per_lead double,"
        f" {_rate_columns('unlogged')}, inbound_hours_needed double, customers integer"
    ),
    "mart_outbound_month": (
        "slice_type varchar, slice_value varchar, month date, is_complete boolean, outbound_touches integer,"
        f" new_prospects integer, reactivated_prospects integer, {_rate_columns('prospect_to_qualified')},"
        f" {_rate_columns('contacted')}, touches_per_prospect double, active_days integer,"
        " working_days integer, active_days_share double, longest_gap_working_days integer"
    ),
    "mart_closer_month": (
        "slice_type varchar, slice_value varchar, month date, is_complete boolean, qualified_received integer,"
        f" {_rate_columns('lead_to_customer')}, deals_won integer, deals_lost integer,"
        f" {_rate_columns('win_rate')}, won_amount decimal(18,2), closed_amount decimal(18,2),"
        " win_rate_value double, handover_n bigint, handover_answered bigint, handover_median_wm double,"
        " handover_p90_wm double, handover_status varchar, cycle_n bigint, cycle_median_days double,"
        f" cycle_status varchar, {_rate_columns('self_handover')}, open_deals integer, stalled_deals integer"
    ),
    "mart_role_scorecard": (
        "role varchar, period_type varchar, period_start date, period_end date, is_complete boolean,"
        f" volume_metric varchar, volume double, result_metric varchar, {_rate_columns('result')},"
        " result_status varchar, result_status_reason varchar, result_previous_estimate double,"
        " result_p_better double, speed_metric varchar, speed_n bigint, speed_median_wm double,"
        " speed_ci_low_wm double, speed_ci_high_wm double, speed_p90_wm double, speed_target_wm double,"
        " speed_status varchar, speed_status_reason varchar, load_rule_id varchar, load_volume double,"
        " load_threshold double, load_required_fte double, load_available_fte double, load_state varchar"
    ),
    "mart_staffing": (
        "rule_id varchar, role varchar, month date, volume double, rate_estimate double, rate_ci_low double,"
        " rate_ci_high double, rate_ci_method varchar, phi double, months_used integer, threshold double,"
        " comparator varchar, unit varchar, p_cross double, state varchar, hours_week_needed double,"
        " volume_basis varchar, assigned_fte double,"
        " required_fte double, available_fte double, gap_fte double, expected_cross_month date, hire_by date,"
        " recommendation varchar, is_latest boolean"
    ),
    "mart_handling_time": (
        "month date, is_complete boolean, inbound_leads integer, minutes_logged double,"
        " minutes_per_lead_rule double, status varchar"
    ),
    "mart_staffing_forecast": (
        "rule_id varchar, role varchar, month date, months_ahead integer, volume_estimate double,"
        " volume_pi_low double, volume_pi_high double, p_cross double"
    ),
    "mart_findings": (
        "finding_id varchar, rule_id varchar, severity varchar, scope_type varchar, scope_value varchar,"
        " status varchar, since date, k bigint, n bigint, estimate double, ci_low double, ci_high double,"
        " threshold double, evidence varchar, rows_query varchar, text_nl varchar, text_en varchar,"
        " action_nl varchar, action_en varchar, state varchar, sort_no integer, opened_on date, solved_on date,"
        " suppressed_reason varchar, suppressed_by varchar, suppressed_until date"
    ),
    "mart_funnel_cohort": (
        "period_type varchar, period_start date, motion varchar, source varchar, stage varchar,"
        " stage_no integer, k bigint, n bigint, estimate double, ci_low double, ci_high double,"
        " ci_method varchar, maturity double, grade varchar, status varchar"
    ),
    "mart_response_curve": (
        "role varchar, period varchar, period_start date, t_wm double, survival double, ci_low double,"
        " ci_high double, at_risk bigint, events bigint"
    ),
    "mart_data_trust": (
        "check_id varchar, source_crm varchar, k bigint, n bigint, share double, verdict varchar,"
        " text_nl varchar, text_en varchar"
    ),
}


def write_marts(path: Path, tables: Mapping[str, Sequence[Row]]) -> Path:
    """Write a DuckDB file whose schema ``marts`` holds the given rows; columns not named are null."""
    with duckdb.connect(str(path)) as con:
        con.execute("set timezone = 'UTC'")
        con.execute("create schema marts")
        for name, columns in COLUMNS.items():
            con.execute(f"create table marts.{name} ({columns}, {STAMP_COLUMNS})")
            rows = [{**STAMP, **row} for row in tables.get(name, ())]
            for start in range(0, len(rows), 100):
                _insert(con, name, rows[start : start + 100])
    return path


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    names = sorted({name for row in rows for name in row})
    marks = f"({', '.join('?' for _ in names)})"
    con.execute(
        f"insert into marts.{table} ({', '.join(names)}) values {', '.join(marks for _ in rows)}",
        [row.get(name) for row in rows for name in names],
    )


def rate(prefix: str, k: int, n: int, maturity: float = 1.0, grade: str | None = None) -> Row:
    """The columns of one rate, with Wilson's interval and the grade its numbers deserve."""
    p = f"{prefix}_" if prefix else ""
    row: Row = {f"{p}k": k, f"{p}n": n, f"{p}ci_method": "wilson", f"{p}maturity": maturity}
    if grade is None:
        grade = "insufficient" if n < 10 else "indicative" if n < 70 else "ok"
    row[f"{p}grade"] = grade
    row.update({f"{p}estimate": None, f"{p}ci_low": None, f"{p}ci_high": None})
    if grade in ("ok", "indicative"):
        share, z2 = k / n, 1.96**2
        half = 1.96 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        row[f"{p}estimate"] = share
        row[f"{p}ci_low"] = max(0.0, (share + z2 / (2 * n) - half) / (1 + z2 / n))
        row[f"{p}ci_high"] = min(1.0, (share + z2 / (2 * n) + half) / (1 + z2 / n))
    return row


def _share(k: int, n: int) -> Row:
    """A finding's share: counts, estimate and interval, without the columns only rates have."""
    return {
        key: value for key, value in rate("", k, n).items() if key not in ("ci_method", "maturity", "grade")
    }


def months(count: int, last: date = date(2026, 11, 1)) -> list[date]:
    """The given number of months up to and with the last."""
    index = last.year * 12 + last.month - 1
    return [date((index - back) // 12, (index - back) % 12 + 1, 1) for back in reversed(range(count))]


def metrics() -> list[Row]:
    """A few entries of the metric catalogue."""
    texts = [
        ("inbound_leads", "Binnengekomen leads", "Incoming leads"),
        ("lead_to_qualified", "Conversie lead naar SQL", "Lead to SQL conversion"),
        ("prospect_to_qualified", "Conversie prospect naar SQL", "Prospect to SQL conversion"),
        ("lead_to_customer", "Conversie SQL naar klant", "SQL to customer conversion"),
        ("lead_response_time", "Opvolgtijd van leads", "Lead response time"),
        ("reply_response_time", "Antwoordtijd aan prospects", "Reply time to prospects"),
        ("handover_speed", "Overdrachtstijd naar de closer", "Hand-over time to the closer"),
        ("new_prospects", "Nieuwe prospects", "New prospects"),
        ("qualified_received", "Ontvangen gekwalificeerde leads", "Qualified leads received"),
    ]
    return [
        {
            "metric_id": key,
            "name_nl": nl,
            "name_en": en,
            "definition_nl": f"Wat {nl.lower()} precies telt.",
            "definition_en": f"What {en.lower()} counts exactly.",
            "version": 1,
        }
        for key, nl, en in texts
    ]


def growing_inbound() -> dict[str, list[Row]]:
    """A company whose inbound stream grows towards a full-time job, with leads that nobody calls."""
    chance = random.Random(7)
    tables: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    tables["dim_metric"] = metrics()
    tables["dim_role_assignment"] = [
        {"rep_id": rep, "role": role, "share": share, "valid_from": date(2024, 1, 1), "origin": "config"}
        for rep, role, share in [
            ("p1", "inbound", 0.5),
            ("p2", "inbound", 0.3),
            ("p3", "outbound", 0.8),
            ("p3", "closer", 0.2),
            ("p4", "closer", 0.6),
        ]
    ]
    calendar = months(16)
    volumes: list[int] = []
    for index, month in enumerate(calendar):
        complete = month < date(2026, 11, 1)
        leads = round(180 * 1.045**index + chance.gauss(0, 14)) if complete else 6
        maturity = 1.0 if month < date(2026, 10, 1) else 0.06 if complete else 0.0
        volumes.append(leads)
        aged = round(leads * maturity)
        tables["mart_inbound_month"].append(
            {
                "slice_type": "all",
                "slice_value": "all",
                "month": month,
                "is_complete": complete,
                "inbound_leads": leads,
                "excluded_leads": 3,
                **rate("lead_to_qualified", round(aged * (0.19 + 0.03 * math.sin(index))), aged, maturity),
                **rate("lead_to_customer", round(leads * 0.04), leads, maturity),
                **rate("never_answered", round(leads * 0.13), leads),
                **rate("contacted", round(leads * 0.5), round(leads * 0.87)),
                **rate("unlogged", round(leads * 0.02), leads),
            }
        )
        prospects = round(70 + chance.gauss(0, 9)) if complete else 2
        out_maturity = 1.0 if month < date(2026, 8, 1) else 0.3 if month < date(2026, 9, 1) else 0.0
        out_aged = round(prospects * out_maturity)
        tables["mart_outbound_month"].append(
            {
                "slice_type": "all",
                "slice_value": "all",
                "month": month,
                "is_complete": complete,
                "outbound_touches": prospects * 4,
                "new_prospects": prospects,
                **rate("prospect_to_qualified", round(out_aged * 0.06), out_aged, out_maturity),
                **rate("contacted", 20, 60),
                "active_days": 9,
                "working_days": 22,
                "active_days_share": 9 / 22,
                "longest_gap_working_days": 6,
            }
        )
        received = round(leads * 0.19 + prospects * 0.06)
        close_maturity = 1.0 if month < date(2026, 5, 1) else 0.0
        close_aged = round(received * close_maturity)
        tables["mart_closer_month"].append(
            {
                "slice_type": "all",
                "slice_value": "all",
                "month": month,
                "is_complete": complete,
                "qualified_received": received,
                **rate("lead_to_customer", round(close_aged * 0.26), close_aged, close_maturity),
                **rate("win_rate", 11, 37),
                **rate("self_handover", 12, received),
                "deals_won": 11,
                "deals_lost": 26,
                "open_deals": 64,
                "stalled_deals": 17,
            }
        )
    tables["mart_role_scorecard"] = _growing_scorecard()
    tables["mart_staffing"] = _growing_staffing(calendar[:-1], volumes[:-1])
    tables["mart_handling_time"] = [
        {
            "month": at, "is_complete": True, "inbound_leads": volume, "minutes_logged": 9.0 * volume,
            "minutes_per_lead_rule": 26.0, "status": "measured",
        }
        for at, volume in zip(calendar[:-1], volumes[:-1], strict=True)
    ]  # fmt: skip
    tables["mart_staffing_forecast"] = [
        {
            "rule_id": rule,
            "role": role,
            "month": date(2026 + (10 + ahead) // 12, (10 + ahead) % 12 + 1, 1),
            "months_ahead": ahead + 1,
            "volume_estimate": level + 8.0 * ahead,
            "volume_pi_low": level + 8.0 * ahead - 25,
            "volume_pi_high": level + 8.0 * ahead + 30,
            "p_cross": 0.1 * ahead,
        }
        for rule, role, level in (("R2", "inbound", 365.0), ("R6", "closer", 55.0))
        for ahead in range(6)
    ]
    tables["mart_findings"] = _findings()
    tables["mart_funnel_cohort"] = _funnel(calendar)
    tables["mart_response_curve"] = _curves()
    tables["mart_data_trust"] = [
        {
            "check_id": check,
            "source_crm": "hubspot",
            "k": k,
            "n": n,
            "share": k / n,
            "verdict": verdict,
            "text_nl": nl,
            "text_en": en,
        }
        for check, k, n, verdict, nl, en in [
            ("activities_logged", 11832, 4102, "ok", "Activiteiten zijn vastgelegd.", "Activities are logged."),
            ("losses_recorded", 310, 421, "ok", "Verloren deals zijn vastgelegd.", "Losses are recorded."),
            ("unlinked_deals", 61, 421, "warning", "Deze deals hangen aan geen lead.", "These deals belong to no lead."),
            ("missing_source", 240, 4102, "warning", "Deze leads hebben geen bron.", "These leads have no source."),
        ]
    ]  # fmt: skip
    return tables


def _growing_scorecard() -> list[Row]:
    rows: list[Row] = []
    starts = months(7, date(2026, 8, 1))
    for index, start in enumerate(starts):
        end = months(4, date(start.year + (start.month + 3 > 12), (start.month + 2) % 12 + 1, 1))[-1]
        base = {
            "period_type": "roll3",
            "period_start": start,
            "period_end": end,
            "is_complete": True,
            "result_status": "measured",
        }
        inbound_n = 430 + 30 * index
        rows.append(
            {
                **base,
                "role": "inbound",
                "volume_metric": "inbound_leads",
                "volume": 900.0,
                "result_metric": "lead_to_qualified_conversion",
                **rate("result", round(inbound_n * 0.18), inbound_n, 0.67 if index == 6 else 1.0),
                "result_previous_estimate": 0.21,
                "result_p_better": 0.08,
                "speed_metric": "lead_response_time",
                "speed_n": 880,
                "speed_median_wm": 390.0,
                "speed_ci_low_wm": 310.0,
                "speed_ci_high_wm": 466.0,
                "speed_p90_wm": None,
                "speed_target_wm": 60.0,
                "speed_status": "measured",
                "load_rule_id": "R2",
                "load_volume": 318.0,
                "load_threshold": 400.0,
                "load_required_fte": 0.8,
                "load_available_fte": 0.5,
                "load_state": "approaching",
            }
        )
        immature = index > 3
        rows.append(
            {
                **base,
                "role": "outbound",
                "volume_metric": "new_prospects",
                "volume": 210.0,
                "result_metric": "prospect_to_qualified_conversion",
                **rate("result", 0 if immature else 13, 4 if immature else 214, 0.02 if immature else 1.0),
                "result_status": "insufficient" if immature else "measured",
                "result_status_reason": "too_young" if immature else None,
                "result_previous_estimate": 0.055,
                "result_p_better": 0.62,
                "load_rule_id": "R4",
                "load_volume": 14.0,
                "load_threshold": 8.0,
                "load_required_fte": 1.0,
                "load_available_fte": 0.8,
                "load_state": "crossed",
            }
        )
        rows.append(
            {
                **base,
                "role": "closer",
                "volume_metric": "qualified_received",
                "volume": 168.0,
                "result_metric": "lead_to_customer_conversion",
                **rate("result", 0 if index else 34, 0 if index else 131, 0.0 if index else 1.0),
                "result_status": "insufficient" if index else "measured",
                "result_status_reason": "too_young" if index else None,
                "result_previous_estimate": None if index else 0.24,
                "result_p_better": None if index else 0.66,
                "speed_metric": "handover_speed",
                "speed_n": 168,
                "speed_median_wm": 270.0,
                "speed_ci_low_wm": 210.0,
                "speed_ci_high_wm": 348.0,
                "speed_p90_wm": 1530.0,
                "speed_target_wm": 480.0,
                "speed_status": "measured",
                "load_rule_id": "R6",
                "load_volume": 56.0,
                "load_threshold": 50.0,
                "load_required_fte": 1.1,
                "load_available_fte": 0.8,
                "load_state": "crossed_provisional",
            }
        )
    return rows


def _growing_staffing(calendar: Sequence[date], volumes: Sequence[int]) -> list[Row]:
    rows: list[Row] = []

    def series(
        rule: str, role: str, threshold: float, scale: float, last: Row, comparator: str = ">="
    ) -> None:
        for index, month in enumerate(calendar):
            used = [volume * scale for volume in volumes[max(0, index - 2) : index + 1]]
            mean = sum(used) / len(used)
            newest = index == len(calendar) - 1
            rows.append(
                {
                    "rule_id": rule,
                    "role": role,
                    "month": month,
                    "volume": float(round(volumes[index] * scale)),
                    "rate_estimate": mean if index >= 2 else None,
                    "rate_ci_low": mean - 1.96 * math.sqrt(mean / 3) if index >= 2 else None,
                    "rate_ci_high": mean + 1.96 * math.sqrt(mean / 3) if index >= 2 else None,
                    "threshold": threshold,
                    "comparator": comparator,
                    "unit": "per month",
                    "p_cross": 0.01 if index >= 2 else None,
                    "state": "below" if index >= 2 else "insufficient_data",
                    "recommendation": "no_change",
                    "is_latest": newest,
                    **(last if newest else {}),
                }
            )

    hire = {
        "state": "approaching",
        "p_cross": 0.04,
        "recommendation": "prepare_hire",
        "required_fte": 0.8,
        "available_fte": 0.5,
        "gap_fte": 0.3,
        "expected_cross_month": date(2027, 2, 1),
        "hire_by": date(2026, 9, 1),
    }
    series("R2", "inbound", 400.0, 1.0, hire)
    series("R3", "inbound", 40.0, 1.0, {}, "<")
    closer = {
        "state": "crossed_provisional",
        "p_cross": 0.88,
        "recommendation": "hire_full_time",
        "required_fte": 1.1,
        "available_fte": 0.8,
        "gap_fte": 0.3,
    }
    series("R6", "closer", 50.0, 0.18, closer, ">")
    newest = {"month": calendar[-1], "is_latest": True}
    rows += [
        {**newest, "rule_id": "R4", "role": "outbound", "volume": 14.0, "threshold": 8.0, "comparator": ">",
         "state": "crossed", "recommendation": "hire_outbound_now", "required_fte": 1.0, "available_fte": 0.8},
        {**newest, "rule_id": "R5", "role": "outbound", "threshold": 10000.0, "comparator": ">",
         "state": "insufficient_data", "recommendation": "need_more_data"},
        {**newest, "rule_id": "R7", "role": "closer", "volume": 14.0, "threshold": 20.0, "comparator": "<",
         "state": "crossed", "recommendation": "combine_closer_outbound"},
        {**newest, "rule_id": "R8", "role": "all", "volume": 4.0, "threshold": 2.0, "comparator": ">=",
         "state": "crossed", "recommendation": "no_change"},
    ]  # fmt: skip
    return rows


def _findings() -> list[Row]:
    query = (
        "select cycle_id, entered_at, ttfa_wm\nfrom marts.fct_lead_cycle\n"
        "where motion_first = 'inbound' and not is_answered and age_working_days >= 5\norder by entered_at"
    )
    return [
        {"finding_id": "F1", "rule_id": "F1", "sort_no": 10, "severity": "high", "scope_type": "role", "scope_value": "inbound",
         "status": "found", "since": date(2026, 3, 1), "k": 610, "n": 880, "estimate": 390.0, "ci_low": 310.0,
         "ci_high": 466.0, "threshold": 60.0, "rows_query": query, "state": "open",
         "text_nl": "De helft van de leads wacht langer dan 6,5 werkuren op een eerste poging; de norm is 1 werkuur.",
         "text_en": "Half of the leads wait longer than 6.5 working hours for a first attempt; the target is 1 working hour.",
         "action_nl": "Spreek af wie binnenkomende leads binnen het uur belt en toon onbeantwoorde leads elke ochtend.",
         "action_en": "Agree who calls incoming leads within the hour, and show unanswered leads every morning."},
        {"finding_id": "F2", "rule_id": "F2", "sort_no": 20, "severity": "high", "scope_type": "role", "scope_value": "inbound",
         "status": "found", "since": date(2026, 8, 1), **_share(118, 901), "threshold": 0.05,
         "rows_query": query, "state": "new",
         "text_nl": "118 van de 901 leads van minstens vijf werkdagen oud zijn nooit benaderd.",
         "text_en": "118 of the 901 leads at least five working days old were never attempted.",
         "action_nl": "Bel deze leads alsnog, de nieuwste eerst.", "action_en": "Call these leads now, newest first."},
        {"finding_id": "F4", "rule_id": "F4", "sort_no": 40, "severity": "medium",
         "scope_type": "role", "scope_value": "outbound",
         "status": "found", "since": date(2026, 6, 1), "k": 9, "n": 22, "estimate": 9 / 22, "threshold": 0.6,
         "rows_query": query, "state": "open",
         "text_nl": "Op 9 van de 22 werkdagen is aan acquisitie gewerkt; de langste stilte duurde 6 werkdagen.",
         "text_en": "Acquisition happened on 9 of 22 working days; the longest gap was 6 working days.",
         "action_nl": "Zet vaste belblokken in de agenda.", "action_en": "Put fixed calling blocks in the diary."},
        {"finding_id": "F6", "rule_id": "F6", "sort_no": 60, "severity": "low", "scope_type": "team", "scope_value": "team",
         "status": "insufficient_data", "text_nl": "Van niemand is de ervaring ingevuld.",
         "text_en": "Nobody's seniority has been entered.", "action_nl": "Vul de ervaring in bij de instellingen.",
         "action_en": "Enter seniority in the settings."},
        {"finding_id": "F7", "rule_id": "F7", "sort_no": 70, "severity": "high", "scope_type": "team", "scope_value": "team",
         "status": "clear", "k": 0, "n": 4, "text_nl": "Niemand doet het hele traject.",
         "text_en": "Nobody carries the whole process.", "action_nl": "", "action_en": "",
         "state": "solved", "opened_on": date(2026, 3, 1),
         "solved_on": date(2026, 9, 1)},
        {"finding_id": "F8", "rule_id": "F8", "sort_no": 80, "severity": "medium", "scope_type": "role", "scope_value": "closer",
         "status": "clear", **_share(12, 168), "text_nl": "12 van de 168 overdrachten gingen naar dezelfde persoon.",
         "text_en": "12 of 168 hand-overs went to the same person.", "action_nl": "", "action_en": ""},
        {"finding_id": "F10", "rule_id": "F10", "sort_no": 100, "severity": "high", "scope_type": "role",
         "scope_value": "closer", "status": "found", **_share(30, 48), "threshold": 0.4, "since": date(2026, 5, 1),
         "rows_query": query, "state": "suppressed", "opened_on": date(2026, 8, 1),
         "suppressed_reason": "de overname loopt tot kerst <b>", "suppressed_by": "JB",
         "suppressed_until": date(2026, 12, 27),
         "text_nl": "30 van 48 open deals staan stil.", "text_en": "30 of 48 open deals stand still.",
         "action_nl": "Loop deze deals na.", "action_en": "Go through these deals."},
    ]  # fmt: skip


FUNNEL_SHARES = {
    "inbound": {"lead": 1.0, "attempted": 0.87, "contacted": 0.55, "qualified": 0.19, "customer": 0.045},
    "outbound": {"lead": 1.0, "attempted": 1.0, "contacted": 0.31, "qualified": 0.055, "customer": 0.012},
}


def _funnel(calendar: Sequence[date], unmeasured: Sequence[str] = ()) -> list[Row]:
    rows: list[Row] = []
    sources = {"all": 1.0, "organic_search": 0.4, "referrals": 0.2, "paid_search": 0.35, "unknown": 0.002}

    def add(
        period_type: str, start: date | None, motion: str, source: str, n: int, shares: Mapping[str, float]
    ) -> None:
        for number, (stage, share) in enumerate(shares.items(), start=1):
            measured = stage not in unmeasured
            late = period_type == "month" and start is not None and start >= date(2026, 8, 1)
            values = rate("", round(n * share * (0.6 if late and number > 3 else 1)), n, 0.6 if late else 1.0)
            if not measured:
                values = rate("", 0, n, grade="not_measurable")
            rows.append(
                {
                    "period_type": period_type,
                    "period_start": start,
                    "motion": motion,
                    "source": source,
                    "stage": stage,
                    "stage_no": number,
                    "status": "measured" if measured else "not_measurable",
                    **values,
                }
            )

    for motion, n in (("inbound", 4102), ("outbound", 1108)):
        add("all", calendar[0], motion, "all", n, FUNNEL_SHARES[motion])
        for month in calendar:
            add("month", month, motion, "all", n // len(calendar), FUNNEL_SHARES[motion])
    for source, share in sources.items():
        add("all", calendar[0], "all", source, round(4102 * share), FUNNEL_SHARES["inbound"])
    return rows


def _curves() -> list[Row]:
    rows: list[Row] = []
    for role, period, scale, floor, n in [
        ("inbound", "latest3", 400.0, 0.13, 880),
        ("inbound", "previous3", 260.0, 0.1, 790),
        ("closer", "latest3", 390.0, 0.02, 168),
        ("closer", "previous3", 420.0, 0.03, 150),
    ]:
        for step in range(0, 60):
            minutes = 4.0 * 1.135**step
            survival = floor + (1 - floor) * math.exp(-((minutes / scale) ** 0.8))
            half = 1.96 * math.sqrt(survival * (1 - survival) / n)
            rows.append(
                {
                    "role": role,
                    "period": period,
                    "period_start": date(2026, 8, 1) if period == "latest3" else date(2026, 5, 1),
                    "t_wm": minutes,
                    "survival": survival,
                    "ci_low": max(0.0, survival - half),
                    "ci_high": min(1.0, survival + half),
                    "at_risk": round(n * survival),
                    "events": 5,
                }
            )
    return rows


def without_activities() -> dict[str, list[Row]]:
    """A company that delivers files of leads and deals only: no activities, no times of day, no roles."""
    tables = growing_inbound()
    tables["dim_role_assignment"] = []
    tables["mart_response_curve"] = []
    calendar = months(12, date(2026, 10, 1))
    tables["mart_funnel_cohort"] = [
        row for row in _funnel(calendar, unmeasured=("attempted", "contacted")) if row["motion"] != "outbound"
    ]
    tables["mart_outbound_month"] = []
    for row in tables["mart_inbound_month"]:
        row.update(lead_speed_status="not_measurable", **rate("never_answered", 0, 0, grade="not_measurable"))
    cards = []
    for row in tables["mart_role_scorecard"]:
        if row["role"] == "outbound":
            row.update(rate("result", 0, 0, grade="not_measurable"))
            row.update(
                volume=0.0,
                result_status="not_measurable",
                result_status_reason="activities_not_logged",
                result_previous_estimate=None,
                result_p_better=None,
                load_volume=None,
                load_threshold=None,
                load_required_fte=None,
                load_available_fte=None,
                load_state="insufficient_data",
            )
        elif row["role"] == "closer":
            row.update(rate("result", 3, 7))
            row.update(
                result_status="insufficient",
                result_status_reason="too_few",
                result_previous_estimate=None,
                result_p_better=None,
                load_available_fte=None,
            )
        if row["role"] != "outbound":
            row.update(
                speed_status="not_measurable",
                speed_status_reason="activities_not_logged",
                speed_n=0,
                speed_median_wm=None,
                speed_ci_low_wm=None,
                speed_ci_high_wm=None,
                speed_p90_wm=None,
                load_available_fte=None,
            )
        cards.append(row)
    tables["mart_role_scorecard"] = cards
    tables["mart_staffing"] = [
        {**row, "available_fte": None, "gap_fte": None}
        for row in tables["mart_staffing"]
        if row["rule_id"] in ("R2", "R3", "R6")
    ]
    tables["mart_findings"] = [
        {
            **row,
            "status": "not_measurable",
            "k": 0,
            "n": 0,
            "estimate": None,
            "state": None,
            "text_nl": "Zonder vastgelegde activiteiten is dit niet te zien.",
            "text_en": "Without logged activities this can't be seen.",
            "action_nl": "Lever een bestand met activiteiten aan.",
            "action_en": "Supply an activities file.",
        }
        for row in tables["mart_findings"]
    ]
    tables["mart_data_trust"] = [
        {
            "check_id": "activities_logged",
            "source_crm": "csv",
            "k": 0,
            "n": 8000,
            "share": 0.0,
            "verdict": "not_measurable",
            "text_nl": "Er zijn geen activiteiten aangeleverd, dus snelheid is niet te meten.",
            "text_en": "No activities were supplied, so speed can't be measured.",
        },
        {
            "check_id": "day_precision",
            "source_crm": "csv",
            "k": 8000,
            "n": 8000,
            "share": 1.0,
            "verdict": "warning",
            "text_nl": "Alle datums hebben geen tijdstip.",
            "text_en": "No date carries a time of day.",
        },
    ]
    return tables


def first_night() -> dict[str, list[Row]]:
    """A company whose first night found no lead at all: scorecard rows without figures, nothing else."""
    cards = [
        {
            "role": role,
            "period_type": "month",
            "period_start": date(2026, 10, 1),
            "period_end": date(2026, 11, 1),
            "is_complete": True,
            "result_metric": None,
            **rate("result", 0, 0, grade="insufficient"),
            "result_status": "insufficient",
            "result_status_reason": "no_volume",
            "speed_metric": "lead_response_time",
            "speed_status": "insufficient",
            "speed_target_wm": 60.0,
        }
        for role in ("inbound", "outbound", "closer")
    ]
    return {"mart_role_scorecard": cards}
