"""The report: what it says, in two languages, from the marts alone and the same bytes every time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import duckdb
import pytest

from leadrole.errors import StorageError
from leadrole.report import charts, render
from leadrole.report.marts import Rate, read_marts
from leadrole.report.numbers import Numbers, wilson
from leadrole.report.texts import load_texts
from leadrole.report.verdict import (
    ACTION_OF,
    privacy_banner,
    role_verdict,
    staffing_sentence,
    team_verdict,
)
from support_report import (
    PUBLISH_ID,
    first_night,
    growing_inbound,
    rate,
    without_activities,
    write_marts,
)

REPORT = Path(charts.__file__).parent
FRESH_UNTIL = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
CASES = {
    "growing_inbound": growing_inbound,
    "without_activities": without_activities,
    "first_night": first_night,
}


class Reader(HTMLParser):
    """The visible text, the tags and the attributes of a page."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "title"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Every case in both languages, Dutch first."""
    written = {}
    for case, tables in CASES.items():
        home = tmp_path_factory.mktemp(case)
        paths = render(
            write_marts(home / "leadrole.duckdb", tables()),
            home / "report",
            language="nl",
            company_name="Van Dijk <Installaties> & Zn",
            valid_until=FRESH_UNTIL,
        )
        assert [path.name for path in paths] == ["index.html", "index.en.html"]
        written[case, "nl"] = paths[0].read_text(encoding="utf-8")
        written[case, "en"] = paths[1].read_text(encoding="utf-8")
    return written


@pytest.fixture
def dutch() -> Numbers:
    return Numbers(load_texts("nl"), ZoneInfo("Europe/Amsterdam"))


@pytest.fixture
def english() -> Numbers:
    return Numbers(load_texts("en"), ZoneInfo("Europe/Amsterdam"))


def test_both_languages_have_the_same_keys_and_the_same_values_to_fill_in() -> None:
    nl, en = load_texts("nl").words, load_texts("en").words
    assert set(nl) == set(en)
    for key in nl:
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (nl[key], en[key])]
        assert fields[0] == fields[1], key
        assert nl[key].strip() and en[key].strip(), key


def test_every_key_the_code_names_exists() -> None:
    words = load_texts("nl").words
    for source in [*REPORT.glob("*.py"), *REPORT.glob("templates/*.j2")]:
        text = source.read_text(encoding="utf-8")
        for key in re.findall(r"""\b(?:texts|t)\(\s*['"]([a-z_.0-9A-Z]+)['"]\s*[,)]""", text):
            assert key in words, f"{source.name}: {key}"


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    database = write_marts(tmp_path / "m.duckdb", first_night())
    with pytest.raises(ValueError, match="nl, en"):
        render(database, tmp_path, language="nl", company_name="x") and load_texts("de")


@pytest.mark.parametrize(
    ("value", "nl", "en"),
    [
        (0.5, "minder dan 1 min", "under 1 min"),
        (42, "42 min", "42 min"),
        (60, "1 werkuur", "1 working hour"),
        (89, "89 min", "89 min"),
        (390, "6,5 werkuren", "6.5 working hours"),
        (480, "8 werkuren", "8 working hours"),
        (None, "–", "–"),
        (float("nan"), "–", "–"),
    ],
)
def test_working_time_is_written_in_minutes_or_working_hours(
    value: float | None, nl: str, en: str, dutch: Numbers, english: Numbers
) -> None:
    assert dutch.duration(value) == nl
    assert english.duration(value) == en


def test_an_interval_names_its_unit_once_when_both_ends_share_it(dutch: Numbers) -> None:
    assert dutch.duration_interval(310, 466) == "5,2 tot 7,8 werkuren"
    assert dutch.duration_interval(42, 200) == "42 min tot 3,3 werkuren"
    assert dutch.duration_interval(0.2, 53) == "0 tot 53 min"
    assert dutch.interval(0.123, 0.256) == "12 tot 26%"


def test_numbers_follow_the_language(dutch: Numbers, english: Numbers) -> None:
    assert (dutch.integer(1234567), english.integer(1234567)) == ("1.234.567", "1,234,567")
    assert (dutch.decimal(6.5), english.decimal(6.5)) == ("6,5", "6.5")
    assert (dutch.decimal(-0.01), dutch.decimal(100)) == ("0", "100")
    assert (dutch.percent(0.18), dutch.percent(0.004), dutch.percent(0.996)) == ("18%", "0,4%", "99,6%")
    assert (dutch.percent(0), dutch.percent(1), dutch.percent(None)) == ("0%", "100%", "–")
    assert (dutch.fte(0.8), english.fte(1.0), dutch.fte(0.05)) == ("0,8 fte", "1 FTE", "0,05 fte")
    assert (dutch.volume(57.6), dutch.volume(6.54)) == ("58", "6,5")


def test_moments_are_local_and_in_24_hours(dutch: Numbers, english: Numbers) -> None:
    winter = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
    assert dutch.moment(winter) == "2 november 2026, 00:30"
    assert english.moment(datetime(2026, 7, 1, 12, 0, tzinfo=UTC)) == "1 July 2026, 14:00"
    assert dutch.months(date(2026, 8, 1), date(2026, 10, 1)) == "augustus t/m oktober 2026"
    assert english.months(date(2025, 12, 1), date(2026, 2, 1)) == "December 2025 to February 2026"
    assert dutch.listing(["a", "b", "c"]) == "a, b en c"


def test_sentences_of_the_marts_get_the_language_own_dates_and_percentages(dutch: Numbers) -> None:
    assert (
        dutch.prose("13 % tussen 2026-08-01 en 2026-10-31") == "13% tussen 1 augustus 2026 en 31 oktober 2026"
    )
    assert dutch.prose("run 2026-13-45 en 20261101T030000Z") == "run 2026-13-45 en 20261101T030000Z"


def test_wilson_equals_the_published_table() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    expected = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (k, n), interval in expected.items():
        assert wilson(k, n) == pytest.approx(interval, abs=6e-5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_page_is_whole_and_reaches_nothing_outside_itself(
    pages: dict[tuple[str, str], str], case: str, language: str
) -> None:
    html = pages[case, language]
    reader = Reader(html)
    assert not reader.open
    assert ("html", {"lang": language}) in reader.tags
    assert not {tag for tag, _ in reader.tags} & {"script", "img", "iframe", "object", "form", "base"}
    policy = next(a for _, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    links = [attrs["href"] or "" for tag, attrs in reader.tags if tag in ("a", "link")]
    other = "index.en.html" if language == "nl" else "index.html"
    assert set(link for link in links if not link.startswith("#")) == {other, "data:,"}
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert "url(" not in html and "@import" not in html and " on" + "load" not in html
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert "None" not in reader.text and "nan" not in reader.text.split() and "{" not in reader.text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_figure_says_its_message_and_has_a_table(
    pages: dict[tuple[str, str], str], language: str
) -> None:
    html = pages["growing_inbound", language]
    figures = re.findall(r"<figure.*?</figure>", html, flags=re.DOTALL)
    assert len(figures) == 8
    for figure in figures:
        reader = Reader(figure)
        drawings = [attrs for tag, attrs in reader.tags if tag == "svg"]
        assert len(drawings) == 2
        assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in drawings)
        assert next(attrs["aria-label"] for tag, attrs in reader.tags if tag == "figure")
        assert "<caption>" in figure and '<th scope="col">' in figure and '<th scope="row">' in figure
        assert "NaN" not in figure and "undefined" not in figure


def test_the_same_publication_gives_the_same_bytes(pages: dict[tuple[str, str], str], tmp_path: Path) -> None:
    tables = growing_inbound()
    # The order in which rows were written is no part of a publication.
    database = write_marts(
        tmp_path / "again.duckdb", {name: list(reversed(rows)) for name, rows in tables.items()}
    )
    paths = render(
        database,
        tmp_path / "again",
        language="nl",
        company_name="Van Dijk <Installaties> & Zn",
        valid_until=FRESH_UNTIL,
    )
    assert paths[0].read_text(encoding="utf-8") == pages["growing_inbound", "nl"]
    assert paths[1].read_text(encoding="utf-8") == pages["growing_inbound", "en"]


def test_the_first_file_is_in_the_company_language(tmp_path: Path) -> None:
    database = write_marts(tmp_path / "m.duckdb", first_night())
    paths = render(database, tmp_path / "r", language="en", company_name="Acme")
    assert [path.name for path in paths] == ["index.html", "index.nl.html"]
    assert '<html lang="en">' in paths[0].read_text(encoding="utf-8")
    assert 'href="index.html"' in paths[1].read_text(encoding="utf-8")


def test_the_verdict_comes_first_and_says_what_to_do_with_each_role(
    pages: dict[tuple[str, str], str],
) -> None:
    text = Reader(pages["growing_inbound", "nl"]).text
    verdict = text[text.index("Het oordeel") : text.index("Op deze") if "Op deze" in text else None]
    assert "Voorbereiden" in verdict and "Bereid een aanname voor" in verdict
    assert "Begin nu met werven; dat had uiterlijk 1 september 2026 gemoeten." in verdict
    assert "Versnel de opvolging: de helft van de leads wacht langer dan 6,5 werkuren" in verdict
    assert "Vul deze rol nu in: bij 14 medewerkers" in verdict
    assert verdict.index("Het oordeel") < verdict.index("Late opvolging") < verdict.index("Conversie lead")


def test_a_card_shows_result_speed_and_load_in_words(pages: dict[tuple[str, str], str]) -> None:
    nl = Reader(pages["growing_inbound", "nl"]).text
    assert "18% marge 15 tot 21% 110 van 610" in nl
    assert "Slechter dan in de periode ervoor (21%); kans op verbetering 8%." in nl
    assert "6,5 werkuren marge 5,2 tot 7,8 werkuren boven de norm" in nl
    assert "318 leads per maand drempel 400" in nl
    assert "Laatste periode waarvan de uitkomst bekend is: mei t/m juli 2026." in nl
    en = Reader(pages["growing_inbound", "en"]).text
    assert "18% range 15 to 21% 110 of 610" in en
    assert "6.5 working hours range 5.2 to 7.8 working hours over target" in en


def test_a_company_without_activities_is_called_not_measurable_never_slow(
    pages: dict[tuple[str, str], str],
) -> None:
    text = Reader(pages["without_activities", "nl"]).text
    assert "Niet meetbaar Er zijn geen telefoontjes, e-mails of afspraken vastgelegd." in text
    assert "Inbound: reactietijden zijn niet te meten." in text
    assert "3 van 7 is te weinig voor een percentage." in text
    assert "boven de norm" not in text and "Versnel" not in text
    assert "Er is niets gevonden, maar 7 van de 7 controles konden niet worden uitgevoerd" in text
    assert "Het is niet ingevuld wie inbound, outbound en closer doet." in text


def test_a_first_night_without_leads_still_makes_a_page(pages: dict[tuple[str, str], str]) -> None:
    text = Reader(pages["first_night", "en"]).text
    assert "No verdict yet" in text
    assert "Nothing that counts came in during this period." in text
    assert "No leads have come in yet." in text


def test_an_immature_month_and_the_running_month_are_drawn_hollow(
    pages: dict[tuple[str, str], str],
) -> None:
    html = pages["growing_inbound", "nl"]
    trend = html[html.index('id="trend"') : html.index('id="staffing"')]
    assert f'fill="{charts.PAPER}"' in trend
    assert "stroke-dasharray" in trend
    assert "november 2026 (lopende maand)" in Reader("<div>" + re.search(r"<table>.*?</table>", trend, re.S)[0] + "</div>").text  # type: ignore[index]  # fmt: skip


def test_the_privacy_banner_names_roles_of_fewer_than_three_people(tmp_path: Path, dutch: Numbers) -> None:
    tables = first_night()
    tables["dim_role_assignment"] = [
        {"rep_id": f"p{n}", "role": role, "share": 1.0, "valid_from": date(2024, 1, 1), "valid_to": until}
        for role, count, until in [
            ("inbound", 3, None),
            ("outbound", 3, date(2026, 6, 1)),
            ("closer", 2, None),
        ]
        for n in range(count)
    ]
    tables["dim_role_assignment"].append({"rep_id": "p9", "role": "outbound", "share": 1.0})
    database = write_marts(tmp_path / "m.duckdb", tables)
    banner = privacy_banner(read_marts(database), dutch.texts, dutch)
    assert "herleidbaar tot personen: Outbound en Closer (minder dan drie mensen)" in banner


def test_the_grounds_for_figures_on_individuals_stand_in_the_footer(tmp_path: Path) -> None:
    database = write_marts(tmp_path / "m.duckdb", first_night())
    note = {"legal_basis": "gerechtvaardigd belang", "dpia_ref": "DPIA-7", "valid_until": "2027-01-31"}
    page = render(database, tmp_path / "on", language="nl", company_name="x", privacy_note=note)[0]
    text = Reader(page.read_text(encoding="utf-8")).text
    assert "DPIA-7" in text and "gerechtvaardigd belang" in text and "31 januari 2027" in text
    off = Reader(
        render(database, tmp_path / "off", language="nl", company_name="x")[0].read_text("utf-8")
    ).text
    assert "Cijfers over afzonderlijke verkopers staan uit." in off


def test_what_was_put_aside_or_solved_is_told_apart_from_what_was_found(tmp_path: Path) -> None:
    tables = growing_inbound()
    found_again = [row for row in tables["mart_findings"] if row["finding_id"] == "F10"]
    for language, aside, solved in (
        (
            "nl",
            "Opzijgezet tot 27 december 2026 door JB: de overname loopt tot kerst <b>",
            "in orde sinds 1 september 2026",
        ),
        (
            "en",
            "Put aside until 27 December 2026 by JB: de overname loopt tot kerst <b>",
            "clear since 1 September 2026",
        ),
    ):
        database = write_marts(tmp_path / f"{language}.duckdb", tables)
        text = Reader(
            render(database, tmp_path / language, language=language, company_name="x")[0].read_text("utf-8")
        ).text
        assert text.count(aside) == 1
        assert text.count(solved) == 1
        # Neither the list of what is to be done nor the verdict holds it.
        assert found_again[0][f"action_{language}"] not in text
    for status, note in (
        ("insufficient_data", "It was found before and has not been seen solved."),
        ("clear", "It was found a month before; it counts as solved when the next month confirms this."),
    ):
        rows = [{**found_again[0], "status": status, "state": "open"}]
        again = write_marts(tmp_path / f"{status}.duckdb", {**tables, "mart_findings": rows})
        page = render(again, tmp_path / status, language="en", company_name="x")[0]
        assert note in Reader(page.read_text("utf-8")).text


def test_text_from_the_crm_stays_text(tmp_path: Path) -> None:
    hostile = '<script>alert(1)</script>"\'{{ 7*7 }}=HYPERLINK("http://evil")'
    tables = growing_inbound()
    for row in tables["mart_findings"]:
        row["text_nl"] = row["rows_query"] = row["action_nl"] = hostile
    for row in tables["mart_funnel_cohort"]:
        if row["source"] == "unknown":
            row["source"] = hostile
    for row in tables["dim_metric"]:
        row["name_nl"] = hostile
    database = write_marts(tmp_path / "m.duckdb", tables)
    html = render(database, tmp_path, language="nl", company_name=hostile)[0].read_text(encoding="utf-8")
    reader = Reader(html)
    assert not reader.open
    assert "script" not in {tag for tag, _ in reader.tags}
    assert "{{ 7*7 }}" in reader.text


def test_the_footer_and_header_carry_publication_and_freshness(pages: dict[tuple[str, str], str]) -> None:
    text = Reader(pages["growing_inbound", "nl"]).text
    assert text.count(PUBLISH_ID) == 2
    assert "Actueel tot 2 november 2026, 10:00" in text
    assert "Gegevens tot en met 1 november 2026, 04:00" in text
    assert "augustus t/m oktober 2026" in text


def test_a_passed_threshold_with_enough_people_asks_for_nothing(tmp_path: Path, dutch: Numbers) -> None:
    tables = growing_inbound()
    for row in tables["mart_staffing"]:
        if row["rule_id"] == "R4":
            row.update(recommendation="no_change", available_fte=1.2)
    marts = read_marts(write_marts(tmp_path / "m.duckdb", tables))
    verdict = role_verdict("outbound", marts, dutch.texts, dutch)
    assert verdict["action"] == "leave"
    assert "met 1,2 fte is de rol al bezet" in verdict["sentences"][0]


def test_the_months_ahead_and_the_logged_time_stand_with_the_rule(pages: dict[tuple[str, str], str]) -> None:
    staffing = " ".join(Reader(pages["growing_inbound", "nl"]).text.split())
    # 365 leads in the first month ahead and 8 more each month; 9 minutes a lead against the rule's 26.
    assert "Verwacht in april 2027 405 (vier van de vijf keer 380 tot 435)" in staffing
    assert "minstens 9 min vastgelegd; de regel rekent met 26" in staffing
    # The crossing of February and the furthest month ahead are both on the axis.
    assert staffing.count("verwachting") >= 12


def test_a_value_of_a_customer_says_how_it_is_known(dutch: Numbers) -> None:
    row = {
        "rule_id": "R5", "recommendation": "hire_outbound_now", "state": "crossed", "volume": 12500.0,
        "threshold": 10000.0, "rate_estimate": 12500.0, "rate_ci_low": None, "rate_ci_high": None,
        "available_fte": 0.2,
    }  # fmt: skip
    said = {
        basis: staffing_sentence({**row, "volume_basis": basis}, dutch.texts, dutch)
        for basis in ("assumed", "subscription", "lower_bound")
    }
    assert "volgens de instellingen" in said["assumed"] and "tot nu toe gemiddeld" in said["lower_bound"]
    assert len(set(said.values())) == 3 and all("€ 12.500" in sentence for sentence in said.values())
    unknown = {
        **row,
        "recommendation": "need_more_data",
        "state": "insufficient_data",
        "volume_basis": "lower_bound",
    }
    assert "wordt meer waard" in staffing_sentence(unknown, dutch.texts, dutch)


def test_an_optional_rule_without_data_takes_no_verdict_away(tmp_path: Path, dutch: Numbers) -> None:
    tables = growing_inbound()
    tables["mart_staffing"] = [
        {**row, "state": "below", "volume": 6.0, "recommendation": "no_change"}
        if row["rule_id"] == "R4"
        else row
        for row in tables["mart_staffing"]
    ]
    marts = read_marts(write_marts(tmp_path / "m.duckdb", tables))
    verdict = role_verdict("outbound", marts, dutch.texts, dutch)
    assert verdict["action"] == "leave"
    assert "bij 6 medewerkers" in verdict["sentences"][0]


def test_too_few_salespeople_is_said_of_the_team(tmp_path: Path, dutch: Numbers) -> None:
    tables = growing_inbound()
    for row in tables["mart_staffing"]:
        if row["rule_id"] == "R8":
            row.update(volume=1.0, state="below", recommendation="two_part_timers")
    marts = read_marts(write_marts(tmp_path / "m.duckdb", tables))
    (verdict,) = team_verdict(marts, dutch.texts, dutch)
    assert verdict["name"] == "Team" and "twee deeltijders" in verdict["sentences"][0]


@pytest.mark.parametrize(
    "state", ["insufficient_data", "below", "approaching", "crossed_provisional", "crossed", "receding"]
)
def test_every_recommendation_of_every_rule_has_a_sentence(state: str, english: Numbers) -> None:
    for rule in [f"R{number}" for number in range(1, 10)]:
        for code in ACTION_OF:
            row = {
                "rule_id": rule,
                "recommendation": code,
                "state": state,
                "volume": 12.0,
                "threshold": 8.0,
                "rate_estimate": None,
                "rate_ci_low": None,
                "rate_ci_high": None,
                "available_fte": None,
            }
            sentence = staffing_sentence(row, english.texts, english)
            assert sentence.endswith(".") and "{" not in sentence, (rule, code)


def test_a_bare_percentage_is_never_written_without_its_counts() -> None:
    assert not Rate.read(rate("x", 2, 9), "x").is_shown
    assert Rate.read(rate("x", 2, 12), "x").is_shown
    assert not Rate.read(rate("x", 0, 0, grade="not_measurable"), "x").is_shown


def test_mixed_publications_and_missing_marts_are_refused(tmp_path: Path) -> None:
    tables = first_night()
    tables["mart_findings"] = [{"finding_id": "F1", "publish_id": "20200101T000000Z"}]
    with pytest.raises(StorageError, match="different publication stamps"):
        read_marts(write_marts(tmp_path / "mixed.duckdb", tables))
    with pytest.raises(StorageError, match="no rows at all"):
        read_marts(write_marts(tmp_path / "empty.duckdb", {}))
    database = write_marts(tmp_path / "short.duckdb", first_night())
    with duckdb.connect(str(database)) as con:
        con.execute("drop table marts.mart_staffing")
    with pytest.raises(StorageError, match="mart_staffing"):
        read_marts(database)
    with pytest.raises(StorageError, match="can't be opened"):
        read_marts(tmp_path / "nowhere.duckdb")


def test_rendering_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    database = write_marts(tmp_path / "m.duckdb", first_night())
    database.chmod(0o444)
    before = database.read_bytes()
    render(database, tmp_path / "r", language="nl", company_name="x")
    assert database.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.duckdb", "r"]


def test_every_colour_of_the_charts_has_a_dark_counterpart() -> None:
    css = (REPORT / "templates" / "report.css").read_text(encoding="utf-8")
    for colour in (
        charts.INK,
        charts.MUTED,
        charts.GRID,
        charts.MAIN,
        charts.BEFORE,
        charts.LIMIT,
        charts.PAPER,
    ):
        assert f'[fill="{colour}"]' in css and f'[stroke="{colour}"]' in css
