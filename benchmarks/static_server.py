"""A HubSpot whose answers are ready before they are asked for, so that a benchmark measures its client alone.

Run as a process of its own; it prints the address on which it listens. It knows one company by arithmetic:
record number n has an id, dates, an owner and a stage that follow from n. With --keep an answer is made and
compressed (as HubSpot's are) when it is first asked for: a second run over the same calls costs the server a
look-up and a send. Without it, it holds no more for a million records than for a hundred.

It has no limits, no faults and no memory of changes; `leadrole.sandbox` has those, and is slower for it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import urllib.parse
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

FIRST_ID = 20_000_000_001
ID_STEP = 37  # ids of a real account are far apart
FIRST_MOMENT = datetime(2023, 1, 2, 8, 0, tzinfo=UTC)
STAGES = ("lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer")
STATUSES = ("NEW", "OPEN", "IN_PROGRESS", "CONNECTED", "UNQUALIFIED")
OWNERS = 12
# Which kinds hang on which: every record of the first has one link to the second.
LINKED = {("deals", "contacts"), ("calls", "contacts"), ("emails", "contacts"), ("meetings", "contacts")}
ALWAYS_SENT = ("createdate", "hs_object_id", "lastmodifieddate")
OBJECTS = re.compile(r"/crm/(?:v3/objects|objects/[\w-]+)/(\w+)(/search|/batch/read)?")
ASSOCIATIONS = re.compile(r"/crm/(?:v4/associations|associations/[\w-]+)/(\w+)/(\w+)/batch/read")
CALLS_PATH = "/benchmark/calls"


class Company:
    """So many records of each kind, and the answers about them."""

    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = counts
        self.templates: dict[tuple[tuple[str, ...], tuple[str, ...]], bytes] = {}
        self.base_url = ""

    def answer(self, method: str, target: str, body: bytes) -> bytes:
        """The JSON of one answer; an unknown path gives an empty list."""
        path, _, query = target.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        found = ASSOCIATIONS.fullmatch(path)
        if found:
            return self._links(found[1], found[2], json.loads(body))
        found = OBJECTS.fullmatch(path)
        if found and found[2] == "/search":
            return b'{"total":%d,"results":[]}' % self.counts.get(found[1], 0)
        if found and found[2]:
            return self._batch(found[1], json.loads(body))
        if found:
            return self._list(found[1], path, asked)
        if path.startswith("/crm/owners/") or path.endswith("/owners"):
            return self._owners(asked.get("archived") == "true")
        if "/pipelines/" in path:
            return _json({"results": [_pipeline()]})
        return b'{"results":[]}'

    def _list(self, kind: str, path: str, asked: dict[str, str]) -> bytes:
        """One page of live records; nothing is archived in this company."""
        count = 0 if asked.get("archived") == "true" else self.counts.get(kind, 0)
        start, size = int(asked.get("after", "0")), int(asked.get("limit", "10"))
        names = tuple(name for name in asked.get("properties", "").split(",") if name)
        history = tuple(name for name in asked.get("propertiesWithHistory", "").split(",") if name)
        end = min(start + size, count)
        rows = self._records(range(start, end), names, history)
        if end >= count:
            return b'{"results":[%s]}' % rows
        more = urllib.parse.urlencode({**asked, "after": end})
        following = _json({"next": {"after": str(end), "link": f"{self.base_url}{path}?{more}"}})
        return b'{"results":[%s],"paging":%s}' % (rows, following)

    def _batch(self, kind: str, body: dict[str, list[str]]) -> bytes:
        numbers = [_number(item["id"]) for item in body["inputs"]]  # type: ignore[index]
        known = [number for number in numbers if 0 <= number < self.counts.get(kind, 0)]
        rows = self._records(
            known, tuple(body.get("properties", ())), tuple(body.get("propertiesWithHistory", ()))
        )
        return b'{"status":"COMPLETE","results":[%s]}' % rows

    def _records(self, numbers: Iterable[int], names: tuple[str, ...], history: tuple[str, ...]) -> bytes:
        key = (names, history)
        if key not in self.templates:
            self.templates[key] = _template(names, history)
        template = self.templates[key]
        return b",".join([template % _values(number) for number in numbers])

    def _links(self, parent: str, target: str, body: dict[str, list[dict[str, str]]]) -> bytes:
        if (parent, target) not in LINKED or not self.counts.get(target):
            return b'{"status":"COMPLETE","results":[]}'
        results = [
            b'{"from":{"id":"%s"},"to":[{"toObjectId":%d,"associationTypes":'
            b'[{"category":"HUBSPOT_DEFINED","typeId":3,"label":null}]}]}'
            % (item["id"].encode(), _id(_number(item["id"]) % self.counts[target]))
            for item in body["inputs"]
        ]
        return b'{"status":"COMPLETE","results":[%s]}' % b",".join(results)

    def _owners(self, is_archived: bool) -> bytes:
        owners = [
            {
                "id": str(101 + number),
                "email": f"owner{number}@example.com",
                "type": "PERSON",
                "firstName": "Owner",
                "lastName": f"Number {number}",
                "userId": 9101 + number,
                "userIdIncludingInactive": 9101 + number,
                "createdAt": "2022-01-01T00:00:00.000Z",
                "updatedAt": "2022-01-01T00:00:00.000Z",
                "archived": False,
            }
            for number in range(0 if is_archived else OWNERS)
        ]
        return _json({"results": owners})


def _pipeline() -> dict[str, object]:
    stages = [
        {
            "id": stage,
            "label": stage,
            "displayOrder": order,
            "metadata": {"isClosed": str(order == 2).lower(), "probability": str(order / 2)},
            "createdAt": "2022-01-01T00:00:00Z",
            "updatedAt": "2022-01-01T00:00:00Z",
            "archived": False,
        }
        for order, stage in enumerate(("appointmentscheduled", "contractsent", "closedwon"))
    ]
    return {"id": "default", "label": "Sales", "displayOrder": 0, "archived": False, "stages": stages}


def _id(number: int) -> int:
    return FIRST_ID + ID_STEP * number


def _number(record_id: str) -> int:
    return (int(record_id) - FIRST_ID) // ID_STEP


def _values(number: int) -> dict[bytes, bytes]:
    """What differs from record to record."""
    created = FIRST_MOMENT + timedelta(seconds=97 * number % 110_000_000)
    changed = created + timedelta(minutes=1 + number % 9000)
    return {
        b"id": b"%d" % _id(number),
        b"number": b"%d" % (number * 2_654_435_761 % 4_294_967_296),
        b"created": _stamp(created),
        b"changed": _stamp(changed),
        b"owner": b"%d" % (101 + number % OWNERS),
        b"user": b"%d" % (9101 + number % OWNERS),
        b"stage": STAGES[number % len(STAGES)].encode(),
        b"status": STATUSES[number // 3 % len(STATUSES)].encode(),
    }


def _stamp(moment: datetime) -> bytes:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z").encode()


SHAPES = {
    "hs_object_id": b'"%(id)s"',
    "createdate": b'"%(created)s"',
    "hs_createdate": b'"%(created)s"',
    "lastmodifieddate": b'"%(changed)s"',
    "hs_lastmodifieddate": b'"%(changed)s"',
    "hs_timestamp": b'"%(changed)s"',
    "closedate": b'"%(changed)s"',
    "hubspot_owner_id": b'"%(owner)s"',
    "lifecyclestage": b'"%(stage)s"',
    "hs_lead_status": b'"%(status)s"',
    "first_conversion_date": b'"%(created)s"',
    "recent_conversion_date": b'"%(changed)s"',
    "hs_merged_object_ids": b"null",
    "pipeline": b'"default"',
    "dealstage": b'"appointmentscheduled"',
    "amount": b'"%(number)s.50"',
    "hs_is_closed": b'"false"',
    "hs_is_closed_won": b'"false"',
}


def _shape(name: str) -> bytes:
    return SHAPES.get(name, b'"%s %%(number)s"' % name.encode())


def _template(names: Sequence[str], history: Sequence[str]) -> bytes:
    """A record in HubSpot's shape with everything that differs left open."""
    sent = sorted({*names, *ALWAYS_SENT})
    properties = b",".join(b'"%s":%s' % (name.encode(), _shape(name)) for name in sent)
    parts = [b'"id":"%(id)s"', b'"properties":{%s}' % properties]
    if history:
        parts.append(
            b'"propertiesWithHistory":{%s}'
            % b",".join(b'"%s":[%s]' % (name.encode(), _entries(name)) for name in history)
        )
    parts += [b'"createdAt":"%(created)s"', b'"updatedAt":"%(changed)s"', b'"archived":false']
    parts.append(b'"url":"https://app.hubspot.com/contacts/1/record/0-1/%(id)s"')
    return b"{%s}" % b",".join(parts)


# As many entries a field as the made-up company of leadrole.sandbox has on average, to the whole number.
ENTRIES = {"hs_lead_status": 2, "hubspot_owner_id": 2}


def _entries(name: str) -> bytes:
    """The values of a field, newest first: set by a person after a form had made the record."""
    newest = (
        b'{"value":%s,"timestamp":"%%(changed)s","sourceType":"CRM_UI","sourceId":"userId:%%(user)s",'
        b'"sourceLabel":null,"updatedByUserId":%%(user)s}'
    ) % _shape(name)
    oldest = (
        b'{"value":"","timestamp":"%(created)s","sourceType":"FORM","sourceId":"%(number)s",'
        b'"sourceLabel":null,"updatedByUserId":null}'
    )
    return b",".join([newest, oldest][: ENTRIES.get(name, 1)])


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Connection(asyncio.Protocol):
    """HTTP/1.1 with kept connections: as little of it as a client needs."""

    def __init__(self, company: Company, kept: dict[bytes, bytes] | None, calls: list[bytes] | None) -> None:
        self.company = company
        self.kept = kept
        self.calls = calls
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where answers go."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self.buffer += data
        while True:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.buffer = rest[size:]
            self._answer(head.split(b" HTTP/", 1)[0], rest[:size])

    def _answer(self, line: bytes, body: bytes) -> None:
        method, _, target = line.decode().partition(" ")
        request = line + b"\n" + body
        encoding = b""
        if target == CALLS_PATH:
            content = _json([call.decode() for call in self.calls or []])
        elif self.kept is None:
            content = self.company.answer(method, target, body)
        else:
            encoding = b"Content-Encoding: gzip\r\n"
            if request not in self.kept:
                self.kept[request] = gzip.compress(self.company.answer(method, target, body))
            content = self.kept[request]
        if self.calls is not None and target != CALLS_PATH:
            self.calls.append(request)
        self.transport.write(  # type: ignore[attr-defined]
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sDate: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (encoding, format_datetime(datetime.now(UTC), usegmt=True).encode(), len(content), content)
        )


async def _serve(counts: dict[str, int], *, keep: bool, note: bool) -> None:
    company = Company(counts)
    kept: dict[bytes, bytes] | None = {} if keep else None
    calls: list[bytes] | None = [] if note else None
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(company, kept, calls), "127.0.0.1", 0
    )
    company.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(company.base_url, flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    for kind in ("contacts", "deals", "calls", "emails", "meetings"):
        parser.add_argument(f"--{kind}", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep every answer, compressed, once it was made")
    parser.add_argument("--note", action="store_true", help=f"note every call; GET {CALLS_PATH} gives them")
    options = vars(parser.parse_args())
    keep, note = options.pop("keep"), options.pop("note")
    asyncio.run(_serve(options, keep=keep, note=note))


if __name__ == "__main__":
    main()
