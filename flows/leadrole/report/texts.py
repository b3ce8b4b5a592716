"""The report's words: one YAML file a language, the same keys in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("nl", "en")


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


@dataclass(frozen=True)
class Texts:
    """All words of one language, looked up by a dotted key and filled with named values."""

    language: str
    words: Mapping[str, str]

    def __call__(self, key: str, **values: str) -> str:
        """The text of a key; a key that does not exist is a mistake of ours and raises KeyError."""
        return self.words[key].format(**values) if values else self.words[key]

    def has(self, key: str) -> bool:
        """Whether a key has words."""
        return key in self.words

    def first(self, *keys: str, **values: str) -> str:
        """The text of the first key that exists: from the special case to the general one."""
        for key in keys:
            if key in self.words:
                return self.words[key].format(**values)
        raise KeyError(keys)

    def label(self, group: str, code: str | None) -> str:
        """The word for a code of the marts; an unknown code is shown readably, never dropped."""
        if not code:
            return self.words["format.none"]
        return self.words.get(f"{group}.{code}", code.replace("_", " "))


@cache
def load_texts(language: str) -> Texts:
    """Read the words of a language."""
    import yaml

    if language not in LANGUAGES:
        raise ValueError(f"language {language!r}: the report exists in {', '.join(LANGUAGES)}")
    source = files("leadrole.report").joinpath("words", f"{language}.yml").read_text(encoding="utf-8")
    return Texts(language, dict(_flatten(yaml.safe_load(source))))


def other_language(language: str) -> str:
    """The language the second file is written in."""
    return next(code for code in LANGUAGES if code != language)
