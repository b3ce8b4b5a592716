"""How fast and how large a first load is: `python benchmarks/extract.py [speed] [memory] [limits]`.

Each measurement is a process of its own, against a server in another one (static_server.py). Figures and what
they mean: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measuring import HERE, busy, measured

PROPERTIES = 22
AROUND = ("--deals=500", "--calls=1000")  # so that every kind of call is among those measured
DLT_PYTHON = HERE / ".venv" / "bin" / "python"
MEGABYTE = 1024 * 1024


# --- what is measured, each in a process of its own -----------------------------------------------------------


def _connector(*, with_history: bool) -> None:
    """Give contacts as many properties as the comparison asks for; the connector reads what its table says."""
    from leadrole.crm.hubspot import endpoints, reader

    def ours(item: Any) -> Any:
        if item.name != "contacts":
            return item
        more = range(PROPERTIES - len(item.fields))
        longer = replace(item, fields=item.fields + tuple(f"benchmark_{number}" for number in more))
        return longer if with_history else replace(longer, history=(), lists_ids_only=False)

    table = tuple(ours(item) for item in endpoints.ENDPOINTS)
    endpoints.ENDPOINTS = reader.ENDPOINTS = table  # before load takes it for its own tables


def ours(url: str, home: str, history: str, per_10_seconds: str = "1000000") -> dict[str, Any]:
    """Extract, land and load through the connector, as a first night does."""
    _connector(with_history=history == "history")
    from pydantic import SecretStr

    from leadrole import crm, load
    from leadrole.run import Run
    from leadrole.settings import HubspotSource, RateLimit

    source = HubspotSource(
        name="hubspot",
        kind="hubspot",
        base_url=url,
        token_env="HUBSPOT_TOKEN",
        token=SecretStr("benchmark"),
        rate_limit=RateLimit(per_10_seconds=int(per_10_seconds), search_per_second=1_000_000),
    )
    now = datetime.now(UTC).replace(microsecond=0)
    run = Run(now.strftime("%Y%m%dT%H%M%SZ"), now, Path(home))
    began, spent = time.monotonic(), time.process_time()
    manifest = crm.extract(source, load.read_state(run, source), run)
    extracted = time.monotonic()
    peak = _peak()
    result = load.load(run, source, manifest)
    loaded = time.monotonic()
    landed = sum(path.stat().st_size for path in run.landing_dir.rglob("*.zst"))
    return {
        "extract": extracted - began,
        "load": loaded - extracted,
        "processor": time.process_time() - spent,
        "calls": manifest.calls,
        "contacts": result.live_rows["contacts"],
        "history": result.changed,
        "peak of extraction": peak,
        "peak": _peak(),
        "landed": landed,
    }


def bare(url: str, calls_path: str) -> dict[str, Any]:
    """Download the same pages with a session of requests, and do nothing with them."""
    import requests

    calls = [call.partition("\n") for call in json.loads(Path(calls_path).read_text())]
    kind = {"Content-Type": "application/json"}
    began, spent = time.monotonic(), time.process_time()
    size = 0
    with requests.Session() as session:
        for line, _, body in calls:
            method, _, target = line.partition(" ")
            reply = session.request(
                method, url + target, data=body.encode() or None, headers=kind if body else None
            )
            size += len(reply.content)
    return {
        "seconds": time.monotonic() - began,
        "processor": time.process_time() - spent,
        "calls": len(calls),
        "bytes": size,
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# --- the measurements -------------------------------------------------------------------------------------------


@contextmanager
def server(*options: str) -> Iterator[str]:
    """A server in a process of its own; gives its address."""
    command = [sys.executable, str(HERE / "static_server.py"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def one_load(url: str, *more: str, history: bool = True) -> dict[str, Any]:
    """One first load into a home that is thrown away."""
    with tempfile.TemporaryDirectory() as home:
        return measured("extract.py", "--ours", url, home, "history" if history else "fields", *more)


def speed(contacts: int, rounds: int, dlt_contacts: int) -> bool:
    """Ours against a loop that only downloads and against dlt, with the history of contacts and without."""
    print(f"speed: {contacts:,} contacts with {PROPERTIES} properties, {rounds} rounds ({busy()})")
    is_good = _speed(contacts, rounds, dlt_contacts, history=True)
    _speed(contacts, rounds, dlt_contacts, history=False)  # told, not judged: no connector reads contacts so
    return is_good


def _speed(contacts: int, rounds: int, dlt_contacts: int, *, history: bool) -> bool:
    from urllib.request import urlopen

    print(
        "  with the history of 4 properties, as the connector reads contacts: lists of ids, batches of 50"
        if history
        else "  without history, as it reads kinds of record that have none: lists of 100"
    )
    pairs = []
    with (
        tempfile.TemporaryDirectory() as room,
        server(f"--contacts={contacts}", *AROUND, "--keep", "--note") as url,
    ):
        one_load(url, history=history)  # makes every answer, and the list of calls
        calls = Path(room) / "calls.json"
        with urlopen(f"{url}/benchmark/calls") as reply:
            calls.write_bytes(reply.read())
        for _ in range(rounds):
            first, second = measured("extract.py", "--bare", url, str(calls)), one_load(url, history=history)
            pairs.append((first, second))
            print(
                f"    bare loop {first['seconds']:6.2f} s   extract {second['extract']:6.2f} s + load "
                f"{second['load']:5.2f} s = {_ratio(first, second):.2f} times   (processor "
                f"{first['processor']:.2f} s and {second['processor']:.2f} s)"
            )
    with server(f"--contacts={dlt_contacts}", "--keep") as url:
        options = ["--history"] if history else []
        peer = measured("dlt_peer.py", url, *options, python=str(DLT_PYTHON))
    ratio = statistics.median(_ratio(first, second) for first, second in pairs)
    seconds = statistics.median(first["seconds"] for first, _ in pairs)
    rate = contacts / statistics.median(second["extract"] + second["load"] for _, second in pairs)
    times = rate / (peer["rows"] / peer["seconds"])
    first, second = pairs[0]
    print(
        f"    {second['calls']:,} calls, {first['bytes'] / 1e6:.0f} MB of JSON, {second['landed'] / 1e6:.1f} MB landed; "
        f"bare loop {contacts / seconds:,.0f} rows/s, ours {rate:,.0f} rows/s: {ratio:.2f} times its time (at most 2)\n"
        f"    dlt {peer['version']}: {peer['rows'] / peer['seconds']:,.0f} rows/s ({peer['rows']:,} rows in "
        f"{peer['seconds']:.1f} s, processor {peer['processor']:.1f} s); ours is {times:.0f} times as fast (at least 30)"
    )
    return ratio <= 2 and times >= 30


def _ratio(first: dict[str, Any], second: dict[str, Any]) -> float:
    return float((second["extract"] + second["load"]) / first["seconds"])


def memory(records: int) -> bool:
    """The largest size of the process, at a tenth of the records and at all of them."""
    print(f"memory ({busy()})")
    peaks = []
    for count in (records // 10, records):
        with server(f"--contacts={count}", *AROUND) as url:
            found = one_load(url)
        peaks.append(found["peak of extraction"] / MEGABYTE)
        print(
            f"  {count:9,} contacts: extraction at most {peaks[-1]:.0f} MB (at most 200), with the load "
            f"{found['peak'] / MEGABYTE:.0f} MB; {found['extract']:.0f} s + {found['load']:.0f} s"
        )
    return peaks[-1] <= 200


def limits(contacts: int, per_10_seconds: int) -> bool:
    """The wall time of a first load under a vendor's limit, against what the limit allows."""
    print(f"limits: {contacts:,} contacts at {per_10_seconds} calls in any 10 s ({busy()})")
    with server(f"--contacts={contacts}", *AROUND, "--keep") as url:
        found = one_load(url, str(per_10_seconds))
    allowed = (found["calls"] - 1) // per_10_seconds * 10
    total = found["extract"] + found["load"]
    print(
        f"  {found['calls']:,} calls: the limit allows {allowed} s, the load took {total:.1f} s "
        f"({total / allowed - 1:+.1%}, at most +10 %)"
    )
    return total <= 1.1 * allowed


def main() -> None:
    """Run what was asked for, all of it by default; exit 1 if a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="*", choices=["speed", "memory", "limits", []])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dlt-contacts", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=1_000_000, help="for memory")
    for name in ("--ours", "--bare"):
        parser.add_argument(name, nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        print(json.dumps(ours(*options.ours)))
        return
    if options.bare:
        print(json.dumps(bare(*options.bare)))
        return
    which = options.which or ["speed", "memory", "limits"]
    kept = []
    if "speed" in which:
        kept.append(speed(options.contacts, options.rounds, options.dlt_contacts))
    if "memory" in which:
        kept.append(memory(options.records))
    if "limits" in which:
        kept.append(limits(40_000, 100))
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
