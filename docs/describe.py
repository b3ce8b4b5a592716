"""Write the pages and the lists that are made from data: `make docs`.

docs/metrics.md comes from the metric catalogue (config/seeds). With the path of a candidate database the columns of
the staging and intermediate models are listed in the models' YAML too, each described by the doc block of its name
in dbt_project/models/_columns.md, so that one meaning has one text; columns that are listed already stay as they are.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "config" / "seeds"
MODELS = ROOT / "dbt_project" / "models"
GLOSSARY = MODELS / "_columns.md"
LAYERS = ("staging", "intermediate")

ROLES = {
    "inbound": "Inbound",
    "outbound": "Outbound",
    "closer": "Closer",
    "all": "The whole team",
}
DIRECTIONS = {
    "higher_is_better": "more is better",
    "lower_is_better": "less is better",
    "neutral": "neither more nor less is better",
}
BASES = {
    "cohort": "by entry of what is counted",
    "period": "events of the period",
    "state": "as it stood",
}


def seed(name: str) -> list[dict[str, str]]:
    """Rows of a table of the catalogue."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def metrics_page() -> str:
    """The text of docs/metrics.md."""
    sources: dict[str, list[dict[str, str]]] = defaultdict(list)
    for source in seed("metric_sources"):
        sources[source["metric_id"]].append(source)
    lines = [
        "# Metrics",
        "",
        "What every figure means and where it is. Made by `make docs` from `config/seeds/metric_catalogue.csv` and",
        "`metric_sources.csv`; the same definitions are in `dim_metric`. Change those, never this page.",
        "",
    ]
    catalogue = seed("metric_catalogue")
    unknown = {metric["role"] for metric in catalogue} - set(ROLES)
    if unknown:
        raise SystemExit(
            f"metric_catalogue.csv: role {', '.join(sorted(unknown))} is none of {', '.join(ROLES)}"
        )
    for role, title in ROLES.items():
        lines += [f"## {title}", ""]
        for metric in catalogue:
            if metric["role"] == role:
                lines += _section(metric, sources[metric["metric_id"]])
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(metric: dict[str, str], sources: list[dict[str, str]]) -> list[str]:
    term = f" (in the field: {metric['standard_term']})" if metric["standard_term"] else ""
    lines = [
        f"### `{metric['metric_id']}`",
        f"**{metric['name_en']}**{term}. {metric['definition_en']}",
        "",
        f"*{metric['name_nl']}*. {metric['definition_nl']}",
        "",
        f"- Unit: {metric['unit']}; {DIRECTIONS[metric['direction']]}. Grain: {metric['grain']}.",
        f"- Dated by: {metric['time_vector']}. Counts: {metric['value_vector']}.",
    ]
    for source in sources:
        lines.append(
            f"- In `{source['table_name']}.{source['value_column']}`, {BASES[source['time_basis']]}."
        )
    lines += [f"- Version {metric['version']}, since {metric['since']}; kept by {metric['owner']}.", ""]
    return lines


def glossary() -> dict[str, str]:
    """The text of each doc block."""
    text = GLOSSARY.read_text(encoding="utf-8")
    blocks = re.findall(r"\{% docs (\w+) %\}\n(.*?)\n\{% enddocs %\}", text, flags=re.DOTALL)
    return dict(blocks)


def list_columns(candidate: Path) -> list[str]:
    """List the columns of every staging and intermediate model of a candidate; answers those without a doc block."""
    import duckdb

    with duckdb.connect(str(candidate), read_only=True) as connection:
        rows = connection.execute(
            "select table_name, list(column_name order by column_index) from duckdb_columns()"
            " where schema_name in ('staging', 'intermediate', 'private') and not internal group by table_name"
        ).fetchall()
    columns = dict(rows)
    known = glossary()
    for layer in LAYERS:
        for path in sorted((MODELS / layer).rglob("*.yml")):
            before = path.read_text(encoding="utf-8")
            after = _with_columns(before, columns, known)
            if after != before:
                path.write_text(after, encoding="utf-8")
    return sorted(
        {f"{table}.{name}" for table, names in columns.items() for name in names if name not in known}
    )


def _with_columns(text: str, columns: dict[str, list[str]], known: dict[str, str]) -> str:
    lines = text.split("\n")
    starts = [
        (number, match.group(1))
        for number, line in enumerate(lines)
        if (match := re.match(r"  - name: (\w+)$", line)) and match.group(1) in columns
    ]
    for start, model in reversed(starts):
        end = start + 1
        while end < len(lines) and (lines[end].startswith("    ") or not lines[end]):
            end += 1
        while not lines[end - 1]:
            end -= 1
        block = lines[start:end]
        listed = {match.group(1) for line in block if (match := re.match(r"      - \{?name: (\w+)\b", line))}
        added = [
            f"      - {{name: {name}, description: \"{{{{ doc('{name}') }}}}\"}}"
            for name in columns[model]
            if name not in listed and name in known
        ]
        if not added:
            continue
        if "    columns:" in block:
            at = start + block.index("    columns:") + 1
            while at < end and lines[at].startswith("      "):
                at += 1
            lines[at:at] = added
        else:
            lines[end:end] = ["    columns:", *added]
    return "\n".join(lines)


def main() -> None:
    """Write what is asked for; exit 1 when a column has no doc block."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=Path, metavar="CANDIDATE", help="list the models' columns too")
    asked = parser.parse_args()
    (ROOT / "docs" / "metrics.md").write_text(metrics_page(), encoding="utf-8")
    missing = list_columns(asked.columns) if asked.columns else []
    for column in missing:
        print(f"{column} has no doc block in {GLOSSARY.relative_to(ROOT)}: add one, then run this again")
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
