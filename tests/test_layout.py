"""Every CRM is in every place that CONTRIBUTING.md ("Adding a CRM") names."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadrole import build, load, paths
from leadrole.settings import API_SOURCES, CRM_HOSTS, ApiSource

ROOT = Path(__file__).resolve().parents[1]
MODELS = paths.dbt_project() / "models"
SHAPES = sorted(
    path.stem.removeprefix("int_crm__") for path in (MODELS / "intermediate" / "crm").glob("*.sql")
)
KINDS = sorted(API_SOURCES)


def yaml_of(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("kind", KINDS)
def test_a_crm_has_its_sandbox_and_its_tests(kind: str) -> None:
    dialect = importlib.import_module(f"leadrole.sandbox.{kind}")
    assert callable(dialect.ledger)
    for name in (f"sandbox/test_{kind}.py", f"test_extract_{kind}.py"):
        assert (ROOT / "tests" / name).is_file(), name
    assert list((ROOT / "tests").glob(f"test_night_{kind}*.py")), kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_connector_is_tables_quirks_and_a_reader(kind: str) -> None:
    package = importlib.import_module(f"leadrole.crm.{kind}")
    assert package.__all__ == ["extract"]
    folder = Path(str(package.__file__)).parent
    assert not re.search(r"(?m)^\s*def ", (folder / "endpoints.py").read_text(encoding="utf-8"))
    assert (folder / "quirks.py").is_file() and (folder / "reader.py").is_file()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    independent = next(item for item in contracts["contracts"] if item["type"] == "independence")
    assert f"leadrole.crm.{kind}" in independent["modules"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_crm_has_its_settings_and_an_example(kind: str) -> None:
    source = API_SOURCES[kind]
    assert issubclass(source, ApiSource)
    assert set(source.HOSTS) <= set(CRM_HOSTS) and source.SECRETS and source.EXAMPLE_URL
    example = (paths.config() / "leadrole.example.yml").read_text(encoding="utf-8")
    assert re.search(rf"(?m)^\s*(# +)?kind: {kind}$", example)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_crm_lands_is_loaded_and_its_people_are_known(kind: str) -> None:
    assert kind in load.ENDPOINTS and kind in load.STAGE_CHECKS
    tables = {table.name: {"id", *table.fields} for table in load.TABLES[kind]}
    for name, column in build._OWNER_COLUMNS[kind]:
        assert name in tables or name.endswith("_history"), name
        assert not re.fullmatch(r"\w+", column) or column in tables[name], (name, column)
    assert f"raw_{kind}." in build._REP_NAMES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_crm_is_built_in_every_shape(kind: str) -> None:
    project = yaml_of(paths.dbt_project() / "dbt_project.yml")
    assert kind in project["vars"]["source_kinds"]
    for layer in ("staging", "intermediate"):
        assert f"'{kind}' in var('source_kinds'" in project["models"]["leadrole"][layer][kind]["+enabled"]
    sources = {item["name"]: item for item in yaml_of(MODELS / "staging" / "_sources.yml")["sources"]}
    listed = {table["name"] for table in sources[f"raw_{kind}"]["tables"]}
    used = set()
    for path in (MODELS / "staging" / kind).glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(rf"source\('raw_{kind}', '(\w+)'\)", text))
    assert used <= listed
    made = {path.stem for path in (MODELS / "intermediate" / kind).glob("*.sql")}
    assert {f"int_{kind}__{shape}" for shape in SHAPES} <= made


@pytest.mark.parametrize("kind", KINDS)
def test_a_crm_is_checked(kind: str) -> None:
    folder = paths.expectations()
    suites = {
        path.stem: yaml_of(path)
        for path in (folder / "raw").glob("*.yml")
        if path.stem.startswith(f"{kind}_")
    }
    assert suites
    assert all(suite["applies_to"] == kind for suite in suites.values())
    manifest = yaml_of(folder / "manifest.yml")
    assert manifest["dbt_tests"][kind] > 0
    for name, suite in suites.items():
        assert manifest["suites"][f"raw_{name}"] == len(suite["expectations"]), name
    for mart in ("fct_deal", "fct_touch"):
        assert kind in yaml_of(folder / "marts" / f"{mart}.yml")["measures"]["unlike_raw"]
