"""What can go wrong between us and a CRM, as data the server applies to the calls it fits.

`Faults` is frozen; each method gives a new one with a fault more, so a test reads as a list of what breaks:

    Faults().status("/search", 429, times=2).omit_last_page("objects/contacts")
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what it does, which calls it fits, how many it lets pass first, and how many it hits."""

    kind: str
    path: str = ""
    after: int = 0
    times: int | None = 1
    values: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, method: str, target: str) -> bool:
        """Whether the call is one this fault looks at; the pattern is searched in `METHOD path?query`."""
        return re.search(self.path, f"{method} {target}") is not None


@dataclass(frozen=True, slots=True)
class Faults:
    """Everything that breaks. Empty: nothing does."""

    items: tuple[Fault, ...] = ()

    def _with(self, kind: str, path: str, after: int, times: int | None, **values: Any) -> Faults:
        return replace(self, items=(*self.items, Fault(kind, path, after, times, values)))

    def of(self, *kinds: str) -> tuple[Fault, ...]:
        """Give the faults of these kinds."""
        return tuple(fault for fault in self.items if fault.kind in kinds)

    def status(
        self,
        path: str,
        code: int,
        *,
        times: int | None = 1,
        after: int = 0,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Faults:
        """Answer with a status; a 429 without a body of its own says its policy (search: SECONDLY)."""
        return self._with("status", path, after, times, code=code, headers=dict(headers or {}), body=body)

    def drop_connection(self, path: str, *, times: int | None = 1, after: int = 0) -> Faults:
        """Close the connection without an answer."""
        return self._with("drop_connection", path, after, times)

    def truncate_body(self, path: str, *, times: int | None = 1, after: int = 0) -> Faults:
        """Promise the whole body and send half of it."""
        return self._with("truncate_body", path, after, times)

    def garble_body(self, path: str, *, times: int | None = 1, after: int = 0) -> Faults:
        """Send half the body with a length that fits: valid HTTP, broken JSON."""
        return self._with("garble_body", path, after, times)

    def slow_drip(self, path: str, *, seconds: float = 0.02, times: int | None = 1, after: int = 0) -> Faults:
        """Send the body in small pieces, with a pause before each."""
        return self._with("slow_drip", path, after, times, seconds=seconds)

    def html_login_page(self, path: str, *, code: int = 200, times: int | None = 1, after: int = 0) -> Faults:
        """Answer with a web page, as a proxy or a single sign-on does."""
        return self._with("html_login_page", path, after, times, code=code)

    def empty_everything(self, path: str = "", *, times: int | None = None, after: int = 0) -> Faults:
        """Answer lists, searches and batches with no rows and no error."""
        return self._with("empty_everything", path, after, times)

    def null_results(self, path: str, *, times: int | None = 1, after: int = 0) -> Faults:
        """Answer with `results: null`."""
        return self._with("null_results", path, after, times)

    def scope_removed(self, *scopes: str) -> Faults:
        """Answer 403 wherever one of these scopes is needed."""
        faults = self
        for scope in scopes:
            faults = faults._with("scope_removed", "", 0, None, scope=scope)
        return faults

    def daily_limit_after(self, calls: int) -> Faults:
        """Answer 429 with policy DAILY to every call after this many."""
        return self._with("daily_limit", "", calls, None)

    def expire_token_after(self, calls: int, *, times: int | None = None) -> Faults:
        """Answer 401 to every call after this many, or to `times` of them."""
        return self._with("expire_token", "", calls, times)

    def omit_last_page(self, path: str, *, times: int | None = None, after: int = 0) -> Faults:
        """Leave `paging` out of the page before the last, so its rows never come and nothing says so."""
        return self._with("omit_last_page", path, after, times)

    def next_points_to(self, path: str, url: str, *, times: int | None = None, after: int = 0) -> Faults:
        """Let `paging.next.link` name another address."""
        return self._with("next_points_to", path, after, times, url=url)

    def loop_next(self, path: str, *, times: int | None = None, after: int = 0) -> Faults:
        """Let every page name itself as the next one."""
        return self._with("loop_next", path, after, times)

    def duplicate_page(self, path: str, *, times: int | None = 1, after: int = 0) -> Faults:
        """Give the rows of a page twice over."""
        return self._with("duplicate_page", path, after, times)

    def partial_batch(self, path: str, *, times: int | None = 1, after: int = 0, lose: int = 1) -> Faults:
        """Answer a batch with 207: the last `lose` rows failed for a reason of the server's own."""
        return self._with("partial_batch", path, after, times, lose=lose)

    def value(self, object_type: str, name: str, shown: str, *, every: int = 1, path: str = "") -> Faults:
        """Show a value in place of a property on every n-th record of a type: "N/A" in a number, "" for null.

        The text `epoch_ms` shows the real instant as milliseconds since 1970, as older records do.
        """
        return self._with("value", path, 0, None, object=object_type, name=name, shown=shown, every=every)

    def property_removed(self, object_type: str, name: str) -> Faults:
        """Let the account no longer know a property: asked for, it is dropped in silence."""
        return self._with("property_removed", "", 0, None, object=object_type, name=name)

    def property_added(
        self, object_type: str, name: str, kind: str = "string", *, shown: str | None = None
    ) -> Faults:
        """Let the account have a property more, with one value for all; null says that nobody filled it in."""
        return self._with(
            "property_added", "", 0, None, object=object_type, name=name, type=kind, shown=shown
        )

    def property_renamed(self, object_type: str, old: str, new: str) -> Faults:
        """Let a property go by another name, values and history with it; the old name is unknown from then on."""
        return self._with("property_renamed", "", 0, None, object=object_type, old=old, new=new)

    def stage_renamed(self, stage_id: str, *, label: str | None = None, order: int | None = None) -> Faults:
        """Let a stage of a pipeline have another label or place; its id stays."""
        return self._with("stage_renamed", "", 0, None, stage_id=stage_id, label=label, order=order)

    def stage_unlisted(self, stage_id: str) -> Faults:
        """Let a stage be deleted from its pipeline while deals still carry its id."""
        return self._with("stage_unlisted", "", 0, None, stage_id=stage_id)

    def advance_clock(self, path: str, *, seconds: float, after: int = 0) -> Faults:
        """Move the CRM's clock on before it answers such a call: the world changes while we page."""
        return self._with("advance_clock", path, after, 1, seconds=seconds)
