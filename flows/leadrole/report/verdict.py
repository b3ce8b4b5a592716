"""From the marts to the sentences a sales manager reads first: what to do with each role, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from leadrole.report.marts import ROLES, Marts, Rate, Row, latest
from leadrole.report.numbers import Numbers
from leadrole.report.texts import Texts

# Which recommendation speaks for a role when several rules say something; the first one wins.
URGENCY = (
    "hire_outbound_now",
    "hire_full_time",
    "split_role",
    "two_part_timers",
    "prepare_hire",
    "marketing_first",
    "need_more_data",
    "no_change",
    "combine_closer_outbound",
)
ACTION_OF = {
    "hire_outbound_now": "fill",
    "hire_full_time": "fill",
    "two_part_timers": "fill",
    "split_role": "split",
    "prepare_hire": "prepare",
    "marketing_first": "marketing",
    "combine_closer_outbound": "leave",
    "no_change": "leave",
    "need_more_data": "unknown",
}
# Said beside the main sentence when another rule wins: they ask for something of their own.
WORTH_ADDING = ("split_role", "two_part_timers", "combine_closer_outbound")
SEVERITY_ORDER = {"high": 0, "medium": 1, "low": 2}
RULE_ORDER = ("R6", "R2", "R3", "R5", "R4", "R8", "R9", "R7")
# Whether the role's own figures are known hangs on these; an optional rule without data changes no verdict.
CHIEF_RULES = ("R2", "R4", "R6")
OVER = ("crossed", "crossed_provisional", "receding")


@dataclass(frozen=True)
class Speed:
    """A role's speed beside its target, in words."""

    is_measured: bool
    is_slow: bool
    is_certain: bool
    value: str
    unit: str
    interval: str
    p90: str
    target: str
    judgement: str
    based_on: str
    reason: str
    sentence: str


def reason_text(texts: Texts, code: str | None, status: str) -> str:
    """Why a figure is missing and what to do about it."""
    fallback = "reason.insufficient" if status == "insufficient" else "reason.generic"
    return texts.first(f"reason.{code}", fallback)


def speed_of(card: Row | None, role: str, texts: Texts, numbers: Numbers) -> Speed | None:
    """Read a role's speed; None when the role has no speed figure at all."""
    if card is None or card["speed_metric"] is None:
        return None
    target = card["speed_target_wm"]
    target_words = numbers.duration(target)
    status = card["speed_status"] or "not_measurable"
    if status != "measured":
        reason = reason_text(texts, card["speed_status_reason"], status)
        heading = texts("card.insufficient" if status == "insufficient" else "card.not_measurable")
        return Speed(
            is_measured=False,
            is_slow=False,
            is_certain=False,
            value=heading,
            unit="",
            interval="",
            p90="",
            target=target_words,
            judgement="",
            based_on="",
            reason=reason,
            sentence=texts("verdict.speed_unknown", reason=_lower_first(reason)),
        )
    median, low, high = card["speed_median_wm"], card["speed_ci_low_wm"], card["speed_ci_high_wm"]
    is_slow = median is None or (target is not None and median > target)
    is_certain = median is None or (low is not None and target is not None and (low > target or not is_slow))
    if median is None:
        sentence = texts(f"verdict.slow_unreached.{role}", target=target_words)
    else:
        kind = "slow" if is_slow else "fast"
        # "Within less than a minute" is no sentence; a minute is the finest these words go.
        at_least = numbers.duration(max(median, 1.0))
        sentence = texts(f"verdict.{kind}.{role}", median=at_least, target=target_words)
    interval = numbers.duration_interval(low, high)
    if is_slow and not is_certain and low is not None and high is not None:
        sentence += " " + texts("verdict.slow_unsure", interval=interval)
    judgement = "on_target" if not is_slow else "over_target" if is_certain else "probably_over_target"
    return Speed(
        is_measured=True,
        is_slow=is_slow,
        is_certain=is_certain,
        value=texts("card.median_unreached") if median is None else numbers.split_duration(median)[0],
        unit="" if median is None else numbers.split_duration(median)[1],
        interval="" if low is None or high is None else texts("card.range", interval=interval),
        p90=(
            texts("card.p90_unreached")
            if card["speed_p90_wm"] is None
            else numbers.duration(card["speed_p90_wm"])
        ),
        target=target_words,
        judgement=texts(f"card.{judgement}") if target is not None else "",
        based_on=texts("card.based_on", n=numbers.integer(card["speed_n"])),
        reason="",
        sentence=sentence,
    )


def _lower_first(sentence: str) -> str:
    return (
        sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() or sentence[1:2] == " " else sentence
    )


def _rank(row: Row) -> tuple[int, int]:
    code, rule = row["recommendation"], row["rule_id"]
    is_beside = code == "need_more_data" and rule not in CHIEF_RULES
    return (
        URGENCY.index(code) if code in URGENCY and not is_beside else len(URGENCY),
        RULE_ORDER.index(rule) if rule in RULE_ORDER else len(RULE_ORDER),
    )


def staffing_rows(marts: Marts, role: str) -> list[Row]:
    """The newest row of each staffing rule of a role, the most urgent first."""
    roles = ("team", "all") if role == "team" else (role,)
    rows = [
        row
        for name in roles
        for row in latest(marts.rows("mart_staffing", role=name))
        if row["state"] != "not_applicable"
    ]
    return sorted(rows, key=_rank)


def staffing_sentence(row: Row, texts: Texts, numbers: Numbers) -> str:
    """One staffing rule's advice with the figures it rests on."""
    code, rule = row["recommendation"], row["rule_id"]
    keys = [f"verdict.{code}.{rule}", f"verdict.{code}.default", "verdict.no_change.default"]
    # The mart advises against a change although the threshold is passed when the people are already there.
    if code == "no_change" and row["state"] in OVER and rule in ("R2", "R4", "R5", "R6"):
        keys.insert(0, "verdict.no_change.filled")
    if code == "prepare_hire" and row["state"] == "crossed_provisional":
        keys.insert(0, "verdict.prepare_hire.provisional")
    if row.get("volume_basis") is not None:
        keys.insert(0, f"verdict.{code}.{rule}_{row['volume_basis']}")
    rate = row["rate_estimate"] if row["rate_estimate"] is not None else row["volume"]
    return texts.first(
        *keys,
        rate=numbers.volume(rate),
        interval=numbers.volume_interval(row["rate_ci_low"], row["rate_ci_high"]),
        volume=volume_words(rule, row["volume"], numbers),
        threshold=volume_words(rule, row["threshold"], numbers),
        unit=texts.first(f"unit.{rule}", "unit.default"),
        available=numbers.fte(row["available_fte"]),
    )


def when_sentences(row: Row, today: date, texts: Texts, numbers: Numbers) -> list[str]:
    """When the threshold is expected to be crossed and when recruiting has to start."""
    sentences: list[str] = []
    if row["recommendation"] not in ("prepare_hire", "hire_full_time"):
        return sentences
    crossing = row["expected_cross_month"]
    if crossing is not None:
        # Once the threshold is passed the marts give the month in which that began.
        key = "verdict.when_since" if row["state"] in OVER else "verdict.when_cross"
        sentences.append(texts(key, month=numbers.month(crossing)))
    if row["hire_by"] is not None and row["state"] not in OVER:
        key = "verdict.when_hire" if row["hire_by"] > today else "verdict.when_hire_now"
        sentences.append(texts(key, date=numbers.day(row["hire_by"])))
    return sentences


def state_words(rule_id: str | None, state: str | None, comparator: str | None, texts: Texts) -> str:
    """A rule's state; a rule of fewer-than is spoken of as applying, for "above" would say the opposite."""
    is_less = str(comparator or "").strip().startswith("<") or (
        comparator is None and rule_id in ("R3", "R7")
    )
    if is_less and state is not None and texts.has(f"state_less.{state}"):
        return texts(f"state_less.{state}")
    return texts.label("state", state)


def volume_words(rule_id: str | None, value: float | None, numbers: Numbers) -> str:
    """A rule's volume; money gets its sign."""
    return f"€ {numbers.integer(value)}" if rule_id == "R5" and value is not None else numbers.volume(value)


def role_verdict(role: str, marts: Marts, texts: Texts, numbers: Numbers) -> dict[str, Any]:
    """What to do with one role: an action word and the sentences behind it."""
    rows = staffing_rows(marts, role)
    card = next(iter(marts.scorecard(role)), None)
    speed = speed_of(card, role, texts, numbers)
    action, sentences = "unknown", [texts("verdict.missing")]
    if rows:
        chief = rows[0]
        action = ACTION_OF.get(chief["recommendation"], "leave")
        sentences = [staffing_sentence(chief, texts, numbers)]
        today = marts.as_of.astimezone(numbers.zone).date()
        sentences += when_sentences(chief, today, texts, numbers)
        sentences += [
            staffing_sentence(row, texts, numbers)
            for row in rows[1:]
            if row["recommendation"] in WORTH_ADDING and row["recommendation"] != chief["recommendation"]
        ]
        if action == "fill" and chief["required_fte"] is not None and chief["available_fte"] is not None:
            sentences.append(
                texts(
                    "verdict.fte_gap",
                    required=numbers.fte(chief["required_fte"]),
                    available=numbers.fte(chief["available_fte"]),
                )
            )
    if speed is not None:
        if speed.is_slow and action in ("leave", "unknown"):
            action = "speed"
            sentences.insert(0, speed.sentence)
        else:
            sentences.append(speed.sentence)
    return {
        "role": role,
        "name": texts(f"role.{role}"),
        "action": action,
        "action_word": texts(f"action.{action}"),
        "sentences": sentences,
    }


def team_verdict(marts: Marts, texts: Texts, numbers: Numbers) -> list[dict[str, Any]]:
    """What to do with the team as a whole, only when something has to be done."""
    verdict = role_verdict("team", marts, texts, numbers)
    return [verdict] if verdict["action"] not in ("leave", "unknown") else []


def found(marts: Marts) -> list[Row]:
    """The findings that hold and were not put aside, most serious first."""
    rows = [row for row in marts.rows("mart_findings", status="found") if row["state"] != "suppressed"]
    return sorted(
        rows, key=lambda row: (SEVERITY_ORDER.get(row["severity"], 3), row["sort_no"], row["finding_id"])
    )


def finding_title(row: Row, texts: Texts) -> str:
    """The name of a finding's rule."""
    special = f"findings.title.{row['rule_id']}_{row['scope_value']}"
    return texts(special) if texts.has(special) else texts.label("findings.title", row["rule_id"])


def finding_view(row: Row, texts: Texts, numbers: Numbers) -> dict[str, Any]:
    """A finding as the page shows it."""
    rate = Rate(
        int(row["k"] or 0), int(row["n"] or 0), row["estimate"], row["ci_low"], row["ci_high"], None, "ok"
    )
    is_share = row["estimate"] is not None and 0 <= row["estimate"] <= 1 and rate.n > 0
    counts = texts("card.n_of", k=numbers.integer(rate.k), n=numbers.integer(rate.n))
    evidence = []
    if row["rule_id"] == "F1" and row["estimate"] is not None:
        median = texts("findings.median", median=numbers.duration(row["estimate"]))
        if row["ci_low"] is not None and row["ci_high"] is not None:
            median += f" ({numbers.duration_interval(row['ci_low'], row['ci_high'])})"
        evidence.append(median)
        if row["threshold"] is not None:
            evidence.append(texts("findings.target", target=numbers.duration(row["threshold"])))
        evidence.append(texts("findings.answered", counts=counts))
    elif is_share:
        evidence.append(rate_words(rate, texts, numbers))
        if row["threshold"] is not None and 0 < row["threshold"] <= 1:
            evidence.append(texts("findings.threshold", threshold=numbers.percent(row["threshold"])))
    elif rate.n:
        evidence.append(counts)
    since = _day(row["since"])
    if row["rule_id"] == "F10" and rate.n:
        # Counted at the cut; the windows before only say since when.
        evidence.append(texts("findings.now"))
    language = texts.language
    return {
        "title": finding_title(row, texts),
        "severity": row["severity"],
        "severity_word": texts.label("severity", row["severity"]),
        "scope": _scope(row, texts),
        "text": numbers.prose(row[f"text_{language}"]),
        "action": numbers.prose(row[f"action_{language}"]),
        "evidence": "; ".join(evidence),
        "since": texts("findings.since", date=numbers.day(since)) if since else "",
        "is_new": row["state"] == "new",
        "query": row["rows_query"],
        "status_word": texts.label("status", row["status"]),
    }


def put_aside_words(row: Row, texts: Texts, numbers: Numbers) -> str:
    """Why a finding is suppressed, by whom and until when, in one sentence."""
    return texts(
        "findings.suppressed",
        reason=row["suppressed_reason"],
        by=row["suppressed_by"],
        date=numbers.day(_day(row["suppressed_until"])),
    )


def solved_words(row: Row, texts: Texts, numbers: Numbers) -> str:
    """Since when a solved finding is clear, in a few words."""
    return texts("findings.solved", date=numbers.day(_day(row["solved_on"])))


def _day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _scope(row: Row, texts: Texts) -> str:
    kind, value = row["scope_type"], row["scope_value"]
    if kind == "role" and value in ROLES:
        return texts(f"role.{value}")
    name = texts.label("role", kind)
    return f"{name}: {value}" if kind == "rep" and value else name


def rate_words(rate: Rate, texts: Texts, numbers: Numbers) -> str:
    """A rate in one phrase: 18% (12 to 26%), 23 of 128."""
    counts = texts("card.n_of", k=numbers.integer(rate.k), n=numbers.integer(rate.n))
    if not rate.is_shown:
        word = "card.not_measurable" if rate.grade == "not_measurable" else "trend.too_few"
        return f"{texts(word).lower()} ({counts})" if rate.n else texts(word).lower()
    if rate.low is None or rate.high is None:
        return f"{numbers.percent(rate.estimate)}, {counts}"
    return f"{numbers.percent(rate.estimate)} ({numbers.interval(rate.low, rate.high)}), {counts}"


def privacy_banner(marts: Marts, texts: Texts, numbers: Numbers) -> str:
    """A warning when figures of a role are in fact figures of one or two persons."""
    people = {role: marts.people(role) for role in ROLES}
    few = [texts(f"role.{role}") for role in ROLES if 0 < people[role] < 3]
    unknown = [texts(f"role.{role}") for role in ROLES if people[role] == 0]
    sentences: list[str] = []
    if few:
        sentences.append(
            texts(
                "privacy.banner" if len(few) == 1 else "privacy.banner_many",
                roles=numbers.listing(few),
            )
        )
    if unknown:
        sentences.append(texts("privacy.banner_unknown", roles=numbers.listing([w.lower() for w in unknown])))
    return " ".join(sentences)


def period_words(row: Row, numbers: Numbers) -> str:
    """A scorecard row's period, both ends included."""
    last: date = row["period_end"]
    final = date(last.year - (last.month == 1), 12 if last.month == 1 else last.month - 1, 1)
    return numbers.months(row["period_start"], final)
