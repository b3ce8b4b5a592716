"""The part of SOQL that an extractor needs; the rest is a malformed query.

One FROM, no relationships, no aggregate but COUNT, no date words: a query with any of those is refused.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NoReturn

from leadrole.sandbox.salesforce.ids import lengthen
from leadrole.sandbox.salesforce.schema import UNFILTERABLE_TYPES, Field

Row = Mapping[str, Any]
Test = Callable[[Row], bool]
NO_SUCH_COLUMN = (
    "No such column '{}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' "
    "after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
)
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*')
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)(?![\dT])
    |(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w-])
    |(?P<word>[A-Za-z_]\w*(?:\.\w+)*)
    |(?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
_NUMBERS = frozenset({"double", "currency", "percent", "int"})


class QueryError(Exception):
    """A query the vendor refuses."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Query:
    """A query taken apart."""

    object_type: str
    columns: list[Field]
    test: Test
    order: list[tuple[Field, bool, bool]]
    limit: int | None
    count: str | None = None  # "" for COUNT(), the name of its column for COUNT(field)
    names: list[str] = field(default_factory=list)
    since: datetime | None = None
    until: datetime | None = None
    has_id: bool = False

    def run(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give the rows it finds, in its order."""
        found = [row for row in rows if self.test(row)]
        for column, is_descending, nulls_last in reversed(self.order):
            filled = [row for row in found if row.get(column.name) is not None]
            empty = [row for row in found if row.get(column.name) is None]
            filled.sort(key=_sort_key(column), reverse=is_descending)
            found = filled + empty if nulls_last else empty + filled
        return found if self.limit is None else found[: self.limit]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def parse(
    text: str, known: Callable[[str], Mapping[str, Field] | None], named: Callable[[str], str | None]
) -> Query:
    """Read a query; `known` gives the fields of an object or None, `named` the object of a name."""
    return _Parser(text, known, named).query()


class _Parser:
    def __init__(
        self,
        text: str,
        known: Callable[[str], Mapping[str, Field] | None],
        named: Callable[[str], str | None],
    ) -> None:
        self.text = text
        self.known = known
        self.named = named
        self.tokens = self._tokens()
        self.place = 0
        self.object_type = ""
        self.fields: dict[str, Field] = {}
        self.bounds: dict[str, datetime] = {}
        self.has_id = False

    # --- words

    def _tokens(self) -> list[_Token]:
        tokens, place, text = [], 0, self.text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                raise QueryError("MALFORMED_QUERY", f"unexpected token: '{text[start]}'")
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match.group(kind), match.start(kind)))
            place = match.end()
        return [*tokens, _Token("end", "<EOF>", len(text))]

    @property
    def _next(self) -> _Token:
        return self.tokens[self.place]

    def _take(self) -> _Token:
        token = self._next
        self.place += token.kind != "end"
        return token

    def _is(self, *words: str) -> bool:
        return self._next.kind in ("word", "sign") and self._next.text.upper() in words

    def _accept(self, *words: str) -> bool:
        if self._is(*words):
            self.place += 1
            return True
        return False

    def _expect(self, *words: str) -> None:
        if not self._accept(*words):
            self._malformed()

    def _malformed(self) -> NoReturn:
        token = self._next
        raise QueryError("MALFORMED_QUERY", f"{self._pointer(token)}unexpected token: '{token.text}'")

    def _pointer(self, token: _Token) -> str:
        """The vendor's way of pointing at a place: a piece of the query, a caret, row and column."""
        start = max(token.start - 40, 0)
        piece = self.text[start : token.start + 40].replace("\n", " ")
        return f"\n{piece}\n{' ' * (token.start - start)}^\nERROR at Row:1:Column:{token.start + 1}\n"

    # --- the query

    def query(self) -> Query:
        self._expect("SELECT")
        selected, count = self._selected()
        self._expect("FROM")
        self._from()
        columns = [self._field(token) for token in selected]
        names = [column.name for column in columns]
        for name in names:
            if names.count(name) > 1:
                raise QueryError("INVALID_FIELD", f"duplicate field selected: {name}")
        test: Test = _everything
        if self._accept("WHERE"):
            test = self._any(is_top=True)
        order = self._order() if self._accept("ORDER") else []
        limit = None
        if self._accept("LIMIT"):
            token = self._take()
            if token.kind != "number" or not token.text.isdecimal():
                self.place -= token.kind != "end"
                self._malformed()
            limit = int(token.text)
        if self._next.kind != "end":
            self._malformed()
        return Query(
            self.object_type, columns, test, order, limit, count, names,
            self.bounds.get("since"), self.bounds.get("until"), self.has_id,
        )  # fmt: skip

    def _selected(self) -> tuple[list[_Token], str | None]:
        if self._is("COUNT") and self.tokens[self.place + 1].text == "(":
            self.place += 2
            if self._accept(")"):
                return [], ""
            column = self._word()
            self._expect(")")
            alias = self._word().text if self._next.kind == "word" and not self._is("FROM") else "expr0"
            return [column], alias
        selected = [self._word()]
        while self._accept(","):
            selected.append(self._word())
        return selected, None

    def _word(self) -> _Token:
        if self._next.kind != "word":
            self._malformed()
        return self._take()

    def _from(self) -> None:
        token = self._word()
        object_type = self.named(token.text)
        fields = self.known(object_type) if object_type else None
        if object_type is None or fields is None:
            raise QueryError(
                "INVALID_TYPE",
                f"{self._pointer(token)}sObject type '{token.text}' is not supported. If you are attempting to use a "
                "custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the "
                "describe call for the appropriate names.",
            )
        self.object_type = object_type
        self.fields = {name.lower(): one for name, one in fields.items()}

    def _field(self, token: _Token) -> Field:
        if "." in token.text:
            raise QueryError("MALFORMED_QUERY", f"{self._pointer(token)}unexpected token: '{token.text}'")
        one = self.fields.get(token.text.lower())
        if one is None:
            message = NO_SUCH_COLUMN.format(token.text, self.object_type)
            raise QueryError("INVALID_FIELD", self._pointer(token) + message)
        return one

    def _order(self) -> list[tuple[Field, bool, bool]]:
        self._expect("BY")
        order = []
        while True:
            column = self._usable(self._word(), "sorted")
            is_descending = self._accept("DESC")
            if not is_descending:
                self._accept("ASC")
            nulls_last = False
            if self._accept("NULLS"):
                nulls_last = self._accept("LAST")
                if not nulls_last:
                    self._expect("FIRST")
            order.append((column, is_descending, nulls_last))
            if not self._accept(","):
                return order

    # --- conditions

    def _any(self, *, is_top: bool = False) -> Test:
        before = dict(self.bounds), self.has_id
        tests = [self._condition(is_top)]
        joint = self._next.text.upper() if self._is("AND", "OR") else ""
        if joint == "OR" and is_top:
            # What one side of an OR asks bounds nothing.
            self.bounds, self.has_id = before
        while self._is("AND", "OR"):
            if self._next.text.upper() != joint:
                # Without brackets the vendor refuses to mix the two.
                self._malformed()
            self.place += 1
            tests.append(self._condition(is_top and joint == "AND"))
        if len(tests) == 1:
            return tests[0]
        if joint == "AND":
            return lambda row: all(test(row) for test in tests)
        return lambda row: any(test(row) for test in tests)

    def _condition(self, is_top: bool) -> Test:
        if self._accept("("):
            test = self._any(is_top=is_top)
            self._expect(")")
            return test
        if self._accept("NOT"):
            inner = self._condition(False)
            return lambda row: not inner(row)
        token = self._word()
        column = self._usable(token, "filtered")
        if is_top and column.type == "id":
            self.has_id = True
        if self._accept("IN"):
            return self._in(column, is_wanted=True)
        if self._accept("NOT"):
            self._expect("IN")
            return self._in(column, is_wanted=False)
        sign = self._next.text
        if self._next.kind != "sign" or sign in "(),":
            self._malformed()
        self.place += 1
        value = self._value(column)
        if is_top and column.name in _STAMPS and isinstance(value, datetime):
            self._bound(sign, value)
        return _comparison(column, sign, value)

    def _usable(self, token: _Token, way: str) -> Field:
        column = self._field(token)
        if column.type in UNFILTERABLE_TYPES:
            message = f"field '{column.name}' can not be {way} in a query call"
            raise QueryError("INVALID_FIELD", self._pointer(token) + message)
        return column

    def _bound(self, sign: str, value: datetime) -> None:
        if sign in (">", ">=", "="):
            self.bounds["since"] = value
        if sign in ("<", "<=", "="):
            self.bounds["until"] = value

    def _in(self, column: Field, *, is_wanted: bool) -> Test:
        self._expect("(")
        values = [_folded(column, self._value(column))]
        while self._accept(","):
            values.append(_folded(column, self._value(column)))
        self._expect(")")
        wanted, name = frozenset(values), column.name
        return lambda row: (_folded(column, row.get(name)) in wanted) == is_wanted

    def _value(self, column: Field) -> Any:
        token = self._take()
        word = token.text.lower() if token.kind == "word" else ""
        if word == "null":
            return None
        if word in ("true", "false"):
            value: Any = word == "true"
            kinds: frozenset[str] = frozenset({"boolean"})
        elif token.kind == "string":
            value = re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), token.text[1:-1])
            kinds = frozenset({"id", "reference", "string", "picklist", "email", "phone", "url"})
        elif token.kind == "number":
            value, kinds = float(token.text), _NUMBERS
        elif token.kind in ("datetime", "date"):
            kinds = frozenset({token.kind})
            try:
                value = _instant(token.text) if token.kind == "datetime" else date.fromisoformat(token.text)
            except ValueError:
                raise QueryError("MALFORMED_QUERY", f"invalid date or time: {token.text}") from None
        else:
            self.place -= token.kind != "end"
            self._malformed()
        if column.type not in kinds:
            self._wrong_type(column, token)
        return value

    def _wrong_type(self, column: Field, token: _Token) -> NoReturn:
        wanted = "dateTime" if column.type == "datetime" else column.type
        if column.type in ("datetime", "date", "boolean") or column.type in _NUMBERS:
            rest = f"must be of type {wanted} and should not be enclosed in quotes"
        else:
            rest = f"must be of type {wanted} and should be enclosed in quotes"
        message = f"{self._pointer(token)}value of filter criterion for field '{column.name}' {rest}"
        raise QueryError("INVALID_FIELD", message)


def _everything(row: Row) -> bool:
    return True


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    # The vendor keeps whole seconds and ignores the rest, also in a question.
    return instant.astimezone(UTC).replace(microsecond=0)


def _folded(column: Field, value: Any) -> Any:
    """What two values have in common when the vendor calls them equal."""
    if not isinstance(value, str):
        return value
    if column.type in ("id", "reference"):
        return lengthen(value) if len(value) == 15 else value
    return value.lower()


def _comparison(column: Field, sign: str, value: Any) -> Test:
    name, wanted = column.name, _folded(column, value)
    if sign == "=":
        return lambda row: _folded(column, row.get(name)) == wanted
    if sign in ("!=", "<>"):
        return lambda row: _folded(column, row.get(name)) != wanted
    compare = _COMPARE[sign]
    if wanted is None:
        return lambda row: False

    def test(row: Row) -> bool:
        held = row.get(name)
        return held is not None and compare(_folded(column, held), wanted)

    return test


def _sort_key(column: Field) -> Callable[[Row], Any]:
    name = column.name
    return lambda row: _folded(column, row[name])
