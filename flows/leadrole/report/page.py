"""Writes the report: one self-contained HTML file a language, linked to each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from leadrole import __version__
from leadrole.report.marts import Marts, read_marts
from leadrole.report.numbers import Numbers
from leadrole.report.texts import Texts, load_texts, other_language
from leadrole.report.view import Page

PRIVACY_FIELDS = ("legal_basis", "purpose", "or_or_pvt", "dpia_ref", "valid_until")


def render(
    db_path: Path,
    out_dir: Path,
    *,
    language: str,
    company_name: str,
    privacy_note: Mapping[str, Any] | None = None,
    timezone: str = "Europe/Amsterdam",
    valid_until: datetime | None = None,
) -> list[Path]:
    """Write ``index.html`` in the company's language and ``index.<other>.html`` in the other one.

    ``privacy_note`` holds the settings' grounds for figures on individuals (legal_basis, purpose, or_or_pvt,
    dpia_ref, valid_until) and is None while those figures are off. ``valid_until`` is until when this
    publication counts as fresh. Raises ``StorageError`` when the file can't be read, lacks a mart, or holds
    more than one publication. The same publication gives the same bytes.
    """
    marts = read_marts(db_path)
    second = other_language(language)
    names = {language: "index.html", second: f"index.{second}.html"}
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = []
    for code, name in names.items():
        text = page_html(
            marts,
            language=code,
            company_name=company_name,
            other_href=names[other_language(code)],
            privacy_note=privacy_note,
            timezone=timezone,
            valid_until=valid_until,
        )
        path = out_dir / name
        path.write_text(text, encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def page_html(
    marts: Marts,
    *,
    language: str,
    company_name: str,
    other_href: str,
    privacy_note: Mapping[str, Any] | None,
    timezone: str,
    valid_until: datetime | None,
) -> str:
    """The whole page in one language."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    texts = load_texts(language)
    numbers = Numbers(texts, ZoneInfo(timezone))
    environment = Environment(
        loader=PackageLoader("leadrole.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        t=texts,
        page=Page(marts, texts, numbers).build(),
        css=files("leadrole.report").joinpath("templates", "report.css").read_text(encoding="utf-8"),
        company=company_name,
        other_href=other_href,
        publish_id=marts.publish_id,
        as_of=numbers.moment(marts.as_of),
        data_through=numbers.moment(marts.data_through),
        fresh_until=numbers.moment(valid_until) if valid_until else "",
        zone=timezone,
        version=__version__,
        privacy=_privacy_lines(privacy_note, texts, numbers),
    )


def _privacy_lines(
    note: Mapping[str, Any] | None, texts: Texts, numbers: Numbers
) -> list[tuple[str, str]] | None:
    if not note:
        return None
    return [
        (texts(f"privacy.{field}"), numbers.prose(str(note[field])))
        for field in PRIVACY_FIELDS
        if note.get(field)
    ]
