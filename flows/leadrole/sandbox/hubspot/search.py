"""HubSpot's search: filters, one sort, and an index that lags behind the records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from leadrole.sandbox.hubspot.answers import Refusal, is_number, milliseconds, object_type_of
from leadrole.sandbox.hubspot.catalog import MODIFIED, OPERATORS
from leadrole.sandbox.hubspot.world import World
from leadrole.sandbox.log import Record, iso, parse_iso

Test = Callable[[Record], bool]


class Search:
    """The search index of an account at one instant."""

    def __init__(self, world: World, *, lag_seconds: int, seed: int) -> None:
        self.world = world
        self.lag_seconds = lag_seconds
        self.seed = seed
        self._index: dict[str, list[Record]] = {}

    def find(self, object_type: str, body: dict[str, Any]) -> list[Record]:
        """Give the records that fit a search, sorted."""
        test = self._filter(object_type, body.get("filterGroups") or [])
        query = str(body.get("query") or "").lower()
        found = [one for one in self._indexed(object_type) if test(one) and self._mentions(one, query)]
        return self._sort(object_type, found, body.get("sorts") or [])

    def _indexed(self, object_type: str) -> list[Record]:
        """Give what the search index holds: each record as it was some seconds ago, by a lag of its own."""
        if object_type not in self._index:
            seen = []
            for record in self.world.rows(object_type)[1]:
                seen_until = self.world.at - timedelta(seconds=self._lag(record))
                shown = record if record.updated_at <= seen_until else record.as_it_was(seen_until)
                if shown is not None:
                    seen.append(shown)
            self._index[object_type] = seen
        return self._index[object_type]

    def _lag(self, record: Record) -> int:
        """Seconds until this version of this record can be searched; the list endpoint shows it at once."""
        if not self.lag_seconds:
            return 0
        name = f"{self.seed}:{record.object_type}:{record.record_id}:{iso(record.updated_at)}"
        return int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) % (self.lag_seconds + 1)

    def _mentions(self, record: Record, query: str) -> bool:
        if not query:
            return True
        names = ("email", "lastname", "dealname", "name", "domain", "hs_lead_name")
        return any(query in (record.properties.get(name) or "").lower() for name in names)

    def _sort(self, object_type: str, found: list[Record], sorts: list[Any]) -> list[Record]:
        if len(sorts) > 1:
            raise Refusal(400, "A maximum of 1 sort is allowed.")
        name, descending = "hs_object_id", False
        if sorts and isinstance(sorts[0], dict):
            name = str(sorts[0].get("propertyName") or "")
            descending = str(sorts[0].get("direction") or "").upper() == "DESCENDING"
        elif sorts:
            name = str(sorts[0]).lstrip("-")
            descending = str(sorts[0]).startswith("-")
        if name == "hs_object_id":
            return found[::-1] if descending else found
        self._must_know(object_type, name)
        keys = {
            id(record): self._comparable(object_type, name, self.world.value(record, name))
            for record in found
        }
        with_value = [record for record in found if keys[id(record)] is not None]
        without = [record for record in found if keys[id(record)] is None]
        with_value.sort(key=lambda record: keys[id(record)], reverse=descending)
        return with_value + without

    def _must_know(self, object_type: str, name: str) -> None:
        if not self.world.knows(object_type, name):
            raise Refusal(
                400,
                "There was a problem with the request.",
                errors=[{"message": f"Property '{name}' does not exist", "code": "PROPERTY_DOESNT_EXIST"}],
            )

    def _kind(self, object_type: str, name: str) -> str:
        return self.world.properties(object_type)[name].rstrip("*")

    def _comparable(self, object_type: str, name: str, value: str | None) -> Any:
        if value is None:
            return None
        kind = self._kind(object_type, name)
        if kind == "number":
            return _number(value)
        if kind == "datetime":
            return milliseconds(parse_iso(value))
        return value.lower()

    def _filter(self, object_type: str, groups: list[dict[str, Any]]) -> Test:
        if len(groups) > 5:
            raise Refusal(400, "A maximum of 5 filterGroups is allowed.")
        if any(len(group.get("filters") or []) > 6 for group in groups):
            raise Refusal(400, "A maximum of 6 filters per filterGroup is allowed.")
        if sum(len(group.get("filters") or []) for group in groups) > 18:
            raise Refusal(400, "A maximum of 18 filters is allowed.")
        compiled = [[self._test(object_type, one) for one in group.get("filters") or []] for group in groups]
        if not compiled:
            return lambda record: True
        return lambda record: any(all(test(record) for test in tests) for tests in compiled)

    def _test(self, object_type: str, given: dict[str, Any]) -> Test:
        name, operator = str(given.get("propertyName") or ""), str(given.get("operator") or "")
        if operator not in OPERATORS:
            raise Refusal(
                400, f"Invalid input JSON: Cannot deserialize value of type `OperatorEnum` from '{operator}'"
            )
        if name.startswith("associations."):
            return self._association_test(object_type, name.partition(".")[2], operator, given)
        self._must_know(object_type, name)
        read = self._reader(object_type, name)
        if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
            wanted_there = operator == "HAS_PROPERTY"
            return lambda record: (read(record) is not None) == wanted_there
        if operator in ("IN", "NOT_IN"):
            # Values are compared as HubSpot compares them: the record's in lower case, the filter's as given.
            values = {
                self._given(object_type, name, one, keep_case=True) for one in given.get("values") or []
            }
            if operator == "IN":
                return lambda record: read(record) in values
            return lambda record: read(record) is not None and read(record) not in values
        if given.get("value") is None:
            raise Refusal(400, f"operator {operator} requires a value")
        value = self._given(object_type, name, given["value"])
        if operator == "BETWEEN":
            high = self._given(object_type, name, given.get("highValue"))
            return lambda record: (found := read(record)) is not None and value <= found <= high
        if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
            token, wanted_there = str(value).strip("*"), operator == "CONTAINS_TOKEN"
            return lambda record: (
                (found := read(record)) is not None and (token in str(found)) == wanted_there
            )
        if operator == "NEQ":
            return lambda record: (found := read(record)) is not None and found != value
        compare: Callable[[Any], bool] = {
            "EQ": lambda found: found == value,
            "LT": lambda found: found < value,
            "LTE": lambda found: found <= value,
            "GT": lambda found: found > value,
            "GTE": lambda found: found >= value,
        }[operator]
        return lambda record: (found := read(record)) is not None and compare(found)

    def _association_test(self, object_type: str, kind: str, operator: str, given: dict[str, Any]) -> Test:
        to_type = object_type_of(kind)
        wanted = {str(one) for one in given.get("values") or [given.get("value")]}
        negative = operator in ("NEQ", "NOT_IN")
        return lambda record: (
            bool(wanted & set(self.world.linked(object_type, record.record_id, to_type))) != negative
        )

    def _reader(self, object_type: str, name: str) -> Callable[[Record], Any]:
        if name == "hs_object_id":
            return lambda record: int(record.record_id)
        if name == MODIFIED[object_type]:
            return lambda record: milliseconds(record.updated_at)
        return lambda record: self._comparable(object_type, name, self.world.value(record, name))

    def _given(self, object_type: str, name: str, value: Any, *, keep_case: bool = False) -> Any:
        kind, text = self._kind(object_type, name), str(value)
        try:
            if kind == "number":
                return int(text) if is_number(text) else float(text)
            if kind == "datetime":
                return int(text) if is_number(text) else milliseconds(parse_iso(text))
        except ValueError:
            raise Refusal(400, f"{text} was not a valid {kind} for {name}.") from None
        return text if keep_case else text.lower()


def _number(value: str) -> int | float | None:
    try:
        # An id beyond 2^53 would lose its last digits as a float.
        return int(value) if is_number(value) else float(value)
    except ValueError:
        return None
