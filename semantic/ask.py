"""Ask a publication for metrics through MetricFlow: `python semantic/ask.py <home> query --metrics win_rate ...`.

Everything after the home goes to `mf`. The published file is opened read-only; the dbt project is linked into a
folder of the home, since `mf` looks for its manifest in the project it runs in. A call costs about 15 seconds, most
of it imports; the first one after a change of the models 15 more.
Exit 2 when there is no publication or no MetricFlow, else that of dbt or `mf`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"
LINKED = ("dbt_project.yml", "macros", "models", "tests")
# dbt wants a moment to parse with; no figure depends on it here, as the tables are made already.
VARS = {"as_of": "2000-01-01 00:00:00+00", "data_through": "2000-01-01 00:00:00+00"}


def profile(database: Path) -> str:
    """A dbt profile that knows the published file and nothing else."""
    output = {
        "type": "duckdb",
        "path": str(database),
        "schema": "marts",
        "config_options": {"access_mode": "READ_ONLY"},
    }
    return json.dumps({"leadrole": {"target": "published", "outputs": {"published": output}}}, indent=2)


def main(arguments: list[str]) -> int:
    """Prepare the folder, parse when the models are newer than the manifest, hand over to `mf`."""
    if len(arguments) < 2:
        print("usage: python semantic/ask.py <home> query --metrics <ids> --group-by metric_time__month")
        return 2
    home = Path(arguments[0]).resolve()
    database = (home / "published" / "leadrole.duckdb").resolve()
    tools = Path(sys.executable).parent
    if not database.is_file():
        print(f"no publication in {home}: run a night first (leadrole run)")
        return 2
    if not (tools / "mf").is_file():
        print(
            "MetricFlow is not installed for this Python: run `make semantic` and use .venv-semantic/bin/python"
        )
        return 2
    work = home / "data" / "semantic"
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in LINKED:
        link = work / name
        link.unlink(missing_ok=True)
        link.symlink_to(PROJECT / name)
    (work / "profiles.yml").write_text(profile(database), encoding="utf-8")
    environment = {
        **os.environ,
        "DBT_PROFILES_DIR": str(work),
        "DBT_PROJECT_DIR": str(work),
        "DO_NOT_TRACK": "1",
    }
    environment.pop("DBT_TARGET_PATH", None)
    manifest = work / "target" / "semantic_manifest.json"
    newest = max(path.stat().st_mtime for path in (PROJECT / "models").rglob("*.yml"))
    if not manifest.is_file() or manifest.stat().st_mtime < newest:
        parse = [str(tools / "dbt"), "--quiet", "--no-version-check", "parse", "--vars", json.dumps(VARS)]
        parsed = subprocess.run(parse, cwd=work, env=environment, check=False)
        if parsed.returncode:
            return parsed.returncode
    return subprocess.run(
        [str(tools / "mf"), *arguments[1:]], cwd=work, env=environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
