"""The report in a real browser: it fits a phone, asks nothing of the network and can be read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadrole.report import render
from support_report import growing_inbound, without_activities, write_marts

CHROMIUM = shutil.which("chromium", path="/usr/bin")
DRIVER = shutil.which("chromedriver", path="/usr/bin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs /usr/bin/chromium and /usr/bin/chromedriver"),
]

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Text against the nearest opaque background behind it, by WCAG's formula.
CONTRAST = """
const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
const lum = ([r, g, b]) => [r, g, b].map(v => { v /= 255;
  return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); })
  .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = e => { for (; e; e = e.parentElement) {
  const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
const poor = [];
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.getClientRects().length || e.classList.contains('skip')) continue;
  const style = getComputedStyle(e);
  const ink = parse(e.closest('svg') ? style.fill : style.color);
  const [a, b] = [lum(ink), lum(behind(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.push(e.tagName + '.' + (e.getAttribute('class') || '') + ' '
    + ratio.toFixed(2) + ' ' + e.textContent.trim().slice(0, 30));
}
return poor;
"""
# Rendered height of the letters in the drawings that show.
SMALLEST_CHART_TEXT = """
return Math.min(...[...document.querySelectorAll('.chart svg')].filter(s => s.getClientRects().length)
  .map(s => 12 * s.getBoundingClientRect().width / s.viewBox.baseVal.width));
"""
CUT_OFF = """
return [...document.querySelectorAll('.chart svg')].filter(s => s.getClientRects().length).flatMap(s => {
  const box = s.getBoundingClientRect();
  return [...s.querySelectorAll('text')].filter(t => { const r = t.getBoundingClientRect();
    return r.width && (r.left < box.left - 2 || r.right > box.right + 2 || r.top < box.top - 2
      || r.bottom > box.bottom + 2); }).map(t => t.textContent); });
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rendered companies: one with everything, one without activities."""
    home = tmp_path_factory.mktemp("site")
    for name, tables in (("full", growing_inbound()), ("bare", without_activities())):
        database = write_marts(home / f"{name}.duckdb", tables)
        render(database, home / name, language="nl", company_name="Van Dijk Installaties")
    return home


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One headless browser that keeps its network and console log."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


def show(browser: Any, page: Path, width: int, scheme: str = "light") -> None:
    """Open a page at a width and in a colour scheme."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(page.as_uri())


@pytest.mark.parametrize("name", ["full", "bare"])
@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_scrolls_sideways_and_the_charts_stay_readable(
    browser: Any, site: Path, name: str, width: int
) -> None:
    show(browser, site / name / "index.html", width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(SMALLEST_CHART_TEXT) >= 10
    assert browser.execute_script(CUT_OFF) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_three_cards_show_and_each_has_something_to_say(browser: Any, site: Path, width: int) -> None:
    show(browser, site / "full" / "index.html", width)
    for role in ("inbound", "outbound", "closer"):
        card = browser.find_element("id", f"card-{role}")
        assert card.is_displayed()
        assert len(card.text) > 120


def test_each_figure_shows_one_drawing_at_every_width(browser: Any, site: Path) -> None:
    for width in (390, 768, 1280):
        show(browser, site / "full" / "index.html", width)
        shown = browser.execute_script(
            "return [...document.querySelectorAll('figure')].map(f =>"
            " [...f.querySelectorAll('svg')].filter(s => s.getClientRects().length).length)"
        )
        assert shown == [1] * len(shown) and len(shown) == 8


def test_the_page_asks_nothing_of_the_network_and_the_console_is_silent(browser: Any, site: Path) -> None:
    browser.get_log("performance"), browser.get_log("browser")
    show(browser, site / "full" / "index.html", 1280)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) <= 1
    assert browser.get_log("browser") == []


def test_the_language_link_leads_to_the_other_language_and_back(browser: Any, site: Path) -> None:
    show(browser, site / "full" / "index.html", 1280)
    for language in ("en", "nl"):
        browser.find_element("css selector", "a.language").click()
        assert browser.find_element("css selector", "html").get_attribute("lang") == language


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["full", "bare"])
def test_text_stands_out_from_its_ground(browser: Any, site: Path, name: str, scheme: str) -> None:
    show(browser, site / name / "index.html", 1280, scheme)
    assert browser.execute_script(CONTRAST) == []
