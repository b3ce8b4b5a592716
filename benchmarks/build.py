"""How long a build and its checks take at several sizes: `python benchmarks/build.py [--leads 10000 100000 1000000]`.

Each size is a company of its own (large_company.py), built and checked in a fresh process, as a night does; then the
same SQL runs without dbt. Figures and what they mean: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import large_company
from measuring import busy, measured

CONFIG = """
config_version: 1
company:
  name: Benchmark
  language: en
  timezone: Europe/Amsterdam
  country: NL
  reporting_currency: EUR
  employees: 400
  working_hours:
    {days}
sources:
  - name: hubspot
    kind: hubspot
    token_env: HUBSPOT_TOKEN
lead_sources:
  ORGANIC_SEARCH: {{source: organic_search, motion: inbound}}
  OFFLINE: {{source: prospect_list, motion: outbound}}
"""
DAYS = "\n    ".join(f'{day}: ["09:00-17:30"]' for day in ("mon", "tue", "wed", "thu", "fri"))
SLOWEST = 5
GIGABYTE = 1024**3
MOST_TIMES_PLAIN = 1.5
MOST_SLOPE = 1.05  # linear, and room for noise: ten times the leads may take 11 times as long


# --- what is measured, each in a process of its own -----------------------------------------------------------


def ours(home: str) -> dict[str, Any]:
    """Build and check, as a night does after the load."""
    from leadrole import build, check, settings
    from leadrole.run import Run

    path = Path(home) / "config" / "leadrole.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(CONFIG.format(days=DAYS))
    company = settings.load(Path(home), env={"HUBSPOT_TOKEN": "benchmark"})
    run = Run(large_company.RUN_ID, large_company.AS_OF, Path(home))
    began = time.monotonic()
    built = build.build(company, run, as_of=large_company.AS_OF, data_through=large_company.AS_OF)
    done = time.monotonic()
    check.check(run, dbt_tests=built.tests, as_of=large_company.AS_OF, source_kinds=["hubspot"])
    return {
        "build": done - began,
        "check": time.monotonic() - done,
        "models": built.models,
        "tests": built.tests,
        "mart rows": built.mart_rows,
        "peak": _peak(),
    }


def plain(home: str) -> dict[str, Any]:
    """The same SQL without dbt: each model and test once, in the order in which they ended, in one connection."""
    import duckdb

    data = Path(home) / "data"
    target = data / "dbt" / "target"
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    ran = [
        (nodes[result["unique_id"]], result)
        for result in json.loads((target / "run_results.json").read_text())["results"]
        if result["unique_id"] in nodes
    ]
    ran.sort(key=lambda item: item[1]["timing"][-1]["completed_at"])
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set threads = 2")
        connection.execute("set enable_progress_bar = false")
        for name, file in (("raw", "raw"), ("built", "candidate")):
            connection.execute(f"attach '{data / file}.duckdb' as {name} (read_only)")
        connection.execute(f"attach '{data / 'plain.duckdb'}' as candidate")
        made = {node["relation_name"] for node, _ in ran if node["resource_type"] == "model"}
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'built'"
        ).fetchall():
            connection.execute(f"create schema if not exists candidate.{schema}")
            if f'"candidate"."{schema}"."{table}"' not in made:  # written before dbt begins
                connection.execute(f"create table candidate.{schema}.{table} as from built.{schema}.{table}")
        for node in (node for node, _ in ran if node["resource_type"] == "model"):
            connection.execute(f'create schema if not exists candidate."{node["schema"]}"')
        connection.execute("use candidate")
        began = time.monotonic()
        for node, result in ran:
            code = result["compiled_code"]
            if node["resource_type"] == "model":
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                connection.execute(f"create {kind} {node['relation_name']} as ({code})")
            else:
                connection.execute(f"select count(*) from ({code})").fetchall()
        return {"seconds": time.monotonic() - began, "statements": len(ran), "peak": _peak()}


def _peak() -> int:
    return (
        max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        * 1024
    )


# --- the measurements -------------------------------------------------------------------------------------------


def one_size(leads: int) -> tuple[float, bool]:
    """Print the figures of one size; gives the seconds of build and checks, and whether dbt's share is in bounds."""
    with tempfile.TemporaryDirectory() as home:
        raw = Path(home) / "data" / "raw.duckdb"
        raw.parent.mkdir()
        large_company.make(raw, leads)
        found = measured("build.py", "--ours", home)
        bare = measured("build.py", "--plain", home)
        results = json.loads((raw.parent / "dbt" / "target" / "run_results.json").read_text())["results"]
        print(
            f"  {leads:9,} leads: build {found['build']:.0f} s + check {found['check']:.0f} s, at most "
            f"{found['peak'] / GIGABYTE:.1f} GB; {found['models']} models, {found['tests']} tests, "
            f"{found['mart rows']:,} rows of marts; raw {raw.stat().st_size / 1e6:,.0f} MB\n"
            f"            the same SQL without dbt {bare['seconds']:.0f} s: {found['build'] / bare['seconds']:.2f} times "
            f"its time (at most {MOST_TIMES_PLAIN} from a million leads on)"
        )
        slowest = sorted(results, key=lambda result: -result["execution_time"])[:SLOWEST]
        for result in slowest:
            print(f"            {result['execution_time']:7.1f} s  {result['unique_id'].split('.')[2]}")
    return found["build"] + found["check"], leads < 1_000_000 or found["build"] <= MOST_TIMES_PLAIN * bare[
        "seconds"
    ]


def main() -> None:
    """Run every size; exit 1 if a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    for name in ("--ours", "--plain"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours or options.plain:
        print(json.dumps(ours(options.ours) if options.ours else plain(options.plain)))
        return
    print(f"build ({busy()})")
    times: list[tuple[int, float]] = []
    kept = []
    for leads in sorted(options.leads):
        seconds, is_kept = one_size(leads)
        times.append((leads, seconds))
        kept.append(is_kept)
    for (fewer, before), (more, after) in itertools.pairwise(times):
        slope = math.log(after / before) / math.log(more / fewer)
        print(f"  from {fewer:,} to {more:,} leads the time grows with the power {slope:.2f} (at most 1)")
        kept.append(slope <= MOST_SLOPE)
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
