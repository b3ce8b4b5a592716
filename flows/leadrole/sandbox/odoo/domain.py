"""What a search asks: Odoo's domains, orders and the values it compares."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import cmp_to_key
from typing import Any

from leadrole.sandbox.odoo.database import Row
from leadrole.sandbox.odoo.refusal import OdooError
from leadrole.sandbox.odoo.schema import MANY, Field, Model
from leadrole.sandbox.odoo.world import World

Test = Callable[[Row], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_LIKE = ("like", "ilike", "not like", "not ilike", "=like", "=ilike")
OPERATORS = ("=", "!=", "in", "not in", *_COMPARE, *_LIKE)
_PAIRS = (
    ("=", "!="),
    ("in", "not in"),
    ("<", ">="),
    (">", "<="),
    ("like", "not like"),
    ("ilike", "not ilike"),
)
_NOT = {**dict(_PAIRS), **{other: one for one, other in _PAIRS}}
_ORDER = re.compile(r"^\s*([a-z0-9_]+)(?:\s+(asc|desc))?\s*$", re.IGNORECASE)
_EMPTY = (None, False)


class Search:
    """Searches one world's tables."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._sorted: dict[str, list[Row]] = {}
        self._places: dict[str, dict[int, int]] = {}

    def find(self, model: Model, domain: Any, *, order: str | None, active_test: bool) -> list[Row]:
        """Give the rows that a domain fits, in order."""
        leaves = self._leaves(model, domain)
        names_active = any(isinstance(one, list) and one[0] == "active" for one in leaves)
        test = self._compile(model, leaves)
        rows: Iterable[Row] = self._within(model, leaves)
        if model.has_active and active_test and not names_active:
            rows = (row for row in rows if row["active"])
        found = [row for row in rows if test(row)]
        return self.sort(model, found, order)

    def _by_id(self, model: Model) -> list[Row]:
        if model.name not in self._sorted:
            table = self.world.tables[model.name]
            self._sorted[model.name] = [table[number] for number in sorted(table)]
        return self._sorted[model.name]

    def _within(self, model: Model, leaves: list[Any]) -> list[Row]:
        """Give the rows by id, without those that a plain list of conditions rules out by their id."""
        rows = self._by_id(model)
        if any(one in ("|", "!") for one in leaves if isinstance(one, str)):
            return rows
        low, high = 0, len(rows)
        for leaf in leaves:
            if not isinstance(leaf, list) or leaf[0] != "id" or isinstance(leaf[2], (list, bool)):
                continue
            if leaf[1] in (">", ">="):
                cut = bisect_right if leaf[1] == ">" else bisect_left
                low = max(low, cut(rows, leaf[2], key=lambda row: row["id"]))
            elif leaf[1] in ("<", "<="):
                cut = bisect_left if leaf[1] == "<" else bisect_right
                high = min(high, cut(rows, leaf[2], key=lambda row: row["id"]))
        return rows[low:high]

    # --- order

    def sort(self, model: Model, rows: list[Row], order: str | None) -> list[Row]:
        """Put rows, which come by id, in an order; what is empty counts as the greatest."""
        terms = []
        for term in (order or model.order).split(","):
            said = _ORDER.match(term)
            if said is None:
                raise OdooError.user(
                    f'Invalid "order" specified ({order}). A valid "order" specification is a comma-separated list '
                    "of valid field names (optionally followed by asc/desc for the direction)"
                )
            name, is_down = said[1], (said[2] or "").lower() == "desc"
            field = model.fields.get(name)
            if field is None or not field.is_stored:
                raise self._no_field(model, name)
            terms.append((field, is_down))
            if name == "id":
                break
        if len(terms) == 1 and terms[0][0].name == "id":
            return rows[::-1] if terms[0][1] else rows
        for field, is_down in reversed(terms):
            rows = sorted(rows, key=self._key(field), reverse=is_down)
        return rows

    def _key(self, field: Field) -> Callable[[Row], Any]:
        if field.type == "many2one" and field.relation:
            places = self._ranks(self.world.models[field.relation])
            return lambda row: (row[field.name] is None, places.get(row[field.name] or 0, 0))
        if field.type in MANY:
            return lambda row: 0
        return lambda row: (row[field.name] is None, _Low if row[field.name] is None else row[field.name])

    def _ranks(self, model: Model) -> dict[int, int]:
        if model.name not in self._places:
            self._places[model.name] = {}  # an order that leads back to itself ends here
            rows = self.sort(model, self._by_id(model), None)
            self._places[model.name] = {row["id"]: place for place, row in enumerate(rows)}
        return self._places[model.name]

    # --- domains

    def _leaves(self, model: Model, domain: Any) -> list[Any]:
        if domain in (None, False):
            return []
        if not isinstance(domain, list):
            raise OdooError.value(f"Domain() invalid item in domain: {domain!r}")
        leaves: list[Any] = []
        for one in domain:
            if isinstance(one, str) and one in ("&", "|", "!"):
                leaves.append(one)
            elif isinstance(one, (list, tuple)) and len(one) == 3:
                leaves.append(list(one))
            else:
                raise self._bad_leaf(one)
        return leaves

    def _bad_leaf(self, leaf: Any) -> OdooError:
        shown = tuple(leaf) if isinstance(leaf, list) else leaf
        if self.world.settings.version >= 19:
            return OdooError.value(f"Domain() invalid item in domain: {shown!r}")
        return OdooError.value(f"Invalid leaf {shown!r}")

    def _no_field(self, model: Model, name: str) -> OdooError:
        where = f"'{model.name}'" if self.world.settings.version >= 19 else f"model '{model.name}'"
        return OdooError.value(f"Invalid field {name!r} on {where}")

    def _compile(self, model: Model, leaves: list[Any]) -> Test:
        rest = list(reversed(leaves))
        tests = []
        try:
            while rest:
                tests.append(self._next(model, rest, is_not=False))
        except IndexError:
            raise OdooError.value(f"Domain {leaves!r} is syntactically not correct.") from None
        return lambda row: all(test(row) for test in tests)

    def _next(self, model: Model, rest: list[Any], *, is_not: bool) -> Test:
        """Read one condition. A "not" is carried down to the operators, so what is empty fits neither side."""
        one = rest.pop()
        if one == "!":
            return self._next(model, rest, is_not=not is_not)
        if one in ("&", "|"):
            first = self._next(model, rest, is_not=is_not)
            second = self._next(model, rest, is_not=is_not)
            if (one == "&") is not is_not:
                return lambda row: first(row) and second(row)
            return lambda row: first(row) or second(row)
        name, operator, value = one
        if is_not and isinstance(operator, str) and isinstance(name, str) and "." not in name:
            return self._leaf(model, [name, _NOT.get(operator.lower(), operator), value])
        test = self._leaf(model, one)
        return (lambda row: not test(row)) if is_not else test

    def _leaf(self, model: Model, leaf: list[Any]) -> Test:
        name, operator, value = leaf
        if name in (0, 1) and operator == "=" and value == 1:
            return lambda row: name == 1
        if not isinstance(name, str) or not isinstance(operator, str):
            raise self._bad_leaf(leaf)
        operator = {"==": "=", "<>": "!="}.get(operator.lower(), operator.lower())
        if operator not in OPERATORS:
            raise self._bad_leaf(leaf)
        head, _, rest = name.partition(".")
        field = model.fields.get(head)
        if field is None or not field.is_stored:
            word = "condition" if self.world.settings.version >= 19 else "leaf"
            raise OdooError.value(f"Invalid field {model.name}.{head} in {word} {(name, operator, value)!r}")
        if rest:
            return self._through(field, [rest, operator, value], leaf)
        if field.type in MANY:
            return self._of_many(field, operator, value)
        if field.type == "many2one":
            return self._of_one(field, operator, value)
        return self._plain(field, operator, value)

    def _through(self, field: Field, rest: list[Any], leaf: list[Any]) -> Test:
        if field.relation is None:
            raise self._bad_leaf(leaf)
        other = self.world.models[field.relation]
        table, test = self.world.tables[field.relation], self._leaf(other, rest)
        fits: dict[int, bool] = {}

        def is_fit(number: int) -> bool:
            if number not in fits:
                fits[number] = number in table and test(table[number])
            return fits[number]

        if field.type in MANY:
            return lambda row: any(is_fit(number) for number in row[field.name])
        return lambda row: row[field.name] is not None and is_fit(row[field.name])

    def _of_one(self, field: Field, operator: str, value: Any) -> Test:
        """Compare a reference: with numbers by id, with texts by the name shown."""
        relation = field.relation or ""
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(one, str) for one in texts):
            named = Field("name", "char", "Name")
            by_name = self._plain(named, operator, value)
            return lambda row: by_name(
                {"name": None if row[field.name] is None else self.world.label(relation, row[field.name])}
            )
        return self._plain(field, operator, value)

    def _of_many(self, field: Field, operator: str, value: Any) -> Test:
        wanted = set(value) if isinstance(value, list) else {value}
        wants_empty = (bool(wanted & {False}) and not wanted & {0}) or value is False
        if operator in ("=", "in"):
            return lambda row: bool(wanted & set(row[field.name])) or (wants_empty and not row[field.name])
        if operator in ("!=", "not in"):
            return lambda row: not (wanted & set(row[field.name]) or (wants_empty and not row[field.name]))
        raise self._bad_leaf([field.name, operator, value])

    def _plain(self, field: Field, operator: str, value: Any) -> Test:
        name = field.name
        if operator in ("in", "not in", "=", "!="):
            listed = value if isinstance(value, list) else [value]
            if any(isinstance(one, (list, dict)) for one in listed):
                raise self._bad_leaf([name, operator, value])
            wants_empty = any(one in _EMPTY and not _is_number(one) for one in listed)
            wanted = {_as(field, "=", one) for one in listed if not (one in _EMPTY and not _is_number(one))}
            if field.type == "boolean":
                wanted = {bool(one) for one in listed}
                wants_empty = False in wanted
            elif field.type in ("integer", "float", "monetary", "many2one_reference") and 0 in wanted:
                wants_empty = True  # an empty number is nought
            is_in = operator in ("in", "=")
            return lambda row: (
                (row[name] in wanted or (wants_empty and row[name] in _EMPTY and not _is_number(row[name])))
                is is_in
            )
        if operator in _COMPARE:
            if field.type == "boolean" or (value in _EMPTY and not _is_number(value)):
                return lambda row: False
            compare, wanted_value = _COMPARE[operator], _as(field, operator, value)
            try:
                return _ordered(name, compare, wanted_value)
            except TypeError:
                raise self._bad_leaf([name, operator, value]) from None
        return _like(name, operator, str(value))


def _ordered(name: str, compare: Callable[[Any, Any], bool], wanted: Any) -> Test:
    return lambda row: row[name] is not None and compare(row[name], wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _as(field: Field, operator: str, value: Any) -> Any:
    """Read a value of a domain as the column holds it. A time's zone is passed over, as the database does."""
    if field.type not in ("datetime", "date"):
        if field.type in ("integer", "float", "monetary", "many2one", "many2one_reference"):
            if isinstance(value, str):
                raise OdooError.database(f'invalid input syntax for type integer: "{value}"')
            return value
        return value
    text = str(value)
    try:
        if field.type == "date":
            return date.fromisoformat(text[:10])
        if len(text) == 10:
            text += " 23:59:59" if operator in (">", "<=") else " 00:00:00"
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise OdooError.database(f'invalid input syntax for type timestamp: "{text}"') from None


def _like(name: str, operator: str, value: str) -> Test:
    is_not, is_exact = operator.startswith("not "), operator.startswith("=")
    flags = re.IGNORECASE if operator.endswith("ilike") else re.NOFLAG
    parts = (".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in value)
    pattern = re.compile("".join(parts), flags | re.DOTALL)
    look = pattern.fullmatch if is_exact else pattern.search

    def test(row: Row) -> bool:
        if row[name] is None:
            return is_not
        return (look(str(row[name])) is not None) is not is_not

    return test


# Stands for a value where there is none; never compared with one, since "is empty" is compared first.
_Low = cmp_to_key(lambda one, other: 0)(None)
