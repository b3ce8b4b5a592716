"""What is written about the models: nothing without a description, nothing that says another thing than the data."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from leadrole import paths
from leadrole.report import marts as report_marts
from leadrole.settings import API_SOURCES

ROOT = Path(__file__).resolve().parents[1]
MODELS = paths.dbt_project() / "models"
LAYERS = ("staging", "intermediate", "marts")
DOC = re.compile(r"\{\{ doc\('(\w+)'\) \}\}")


@pytest.fixture(scope="module")
def describe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("describe", ROOT / "docs" / "describe.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path: Path) -> dict[str, Any]:
    # The C loader reads the 9,000 lines in a second, the plain one in seven.
    return dict(
        yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    )


@pytest.fixture(scope="module")
def properties() -> list[dict[str, Any]]:
    return [read(path) for path in sorted(MODELS.rglob("*.yml"))]


@pytest.fixture(scope="module")
def models(properties: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {model["name"]: model for content in properties for model in content.get("models", [])}


def described(models: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for name, model in models.items():
        yield name, model.get("description", "")
        for column in model.get("columns", []):
            yield f"{name}.{column['name']}", column.get("description", "")


def test_every_model_and_column_has_a_description(
    models: dict[str, dict[str, Any]], describe: ModuleType
) -> None:
    built = {path.stem for layer in LAYERS for path in (MODELS / layer).rglob("*.sql")}
    assert built == set(models)
    blocks = describe.glossary()
    silent = [
        what
        for what, text in described(models)
        if not text.strip() or not all(blocks.get(block, "").strip() for block in DOC.findall(text))
    ]
    assert silent == []
    assert [name for name, model in models.items() if not model.get("columns")] == []


def test_one_meaning_has_one_text(models: dict[str, dict[str, Any]], describe: ModuleType) -> None:
    used = {block for _, text in described(models) for block in DOC.findall(text)}
    assert used == set(describe.glossary()), "a doc block that no column uses, or the other way round"
    texts = list(describe.glossary().values())
    assert all(text.endswith(".") and "\n" not in text for text in texts)


def test_models_say_their_grain(models: dict[str, dict[str, Any]]) -> None:
    """One row per what: the first thing a reader of a table needs."""
    without = [
        name
        for name, model in models.items()
        if not re.search(r"One (row|per)\b|a row\b|No rows?\b", model["description"])
    ]
    assert without == []


@pytest.mark.parametrize("kind", [*sorted(API_SOURCES), "csv"])
def test_a_shape_has_the_same_columns_in_every_crm(kind: str, models: dict[str, dict[str, Any]]) -> None:
    shapes = [name.removeprefix("int_crm__") for name in models if name.startswith("int_crm__")]
    assert len(shapes) > 10
    for shape in shapes:
        columns = {column["name"] for column in models[f"int_{kind}__{shape}"]["columns"]}
        common = {column["name"] for column in models[f"int_crm__{shape}"]["columns"]}
        assert columns == common, (kind, shape)


def test_metrics_page_is_what_the_catalogue_says(describe: ModuleType) -> None:
    written = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert written == describe.metrics_page(), "run `make docs`"
    for metric in describe.seed("metric_catalogue"):
        assert f"### `{metric['metric_id']}`" in written
        assert metric["definition_nl"] in written and metric["definition_en"] in written


def test_every_consumer_names_what_it_reads(properties: list[dict[str, Any]]) -> None:
    exposures = {item["name"]: item for content in properties for item in content.get("exposures", [])}
    reads = {name: {ref[5:-2] for ref in item["depends_on"]} for name, item in exposures.items()}
    assert reads["sales_manager_report"] == set(report_marts.TABLES)
    known = {path.stem for path in (MODELS / "marts").glob("*.sql")}
    assert set().union(*reads.values()) == known, "a mart that nobody reads, or a consumer of none"
    assert all(item["description"].strip() and item["owner"]["email"] for item in exposures.values())


def test_dbt_metrics_are_those_of_the_catalogue(
    properties: list[dict[str, Any]], models: dict[str, dict[str, Any]], describe: ModuleType
) -> None:
    """Each rate of the monthly marts can be asked, with its parts, and every measure is a column that exists."""
    metrics = {item["name"]: item for content in properties for item in content.get("metrics", [])}
    catalogue = {metric["metric_id"]: metric for metric in describe.seed("metric_catalogue")}
    parts = {f"{metric}_{part}" for metric in catalogue for part in ("k", "n")} | {
        "active_days",
        "working_days",
    }
    assert set(metrics) <= set(catalogue) | parts
    for name in set(metrics) & set(catalogue):
        assert metrics[name]["label"] == catalogue[name]["name_en"]
        assert metrics[name]["description"] == catalogue[name]["definition_en"]
    rates = {
        source["metric_id"]
        for source in describe.seed("metric_sources")
        if re.fullmatch(r"mart_(inbound|outbound|closer)_month", source["table_name"])
        and source["value_column"].endswith("_estimate")
        and not source["value_column"].endswith("_aj_estimate")
    }
    assert rates <= set(metrics), "a rate of a monthly mart that cannot be asked"
    for rate in rates:
        asked = metrics[rate]["type_params"]
        assert (asked["numerator"], asked["denominator"]) == (f"{rate}_k", f"{rate}_n")
    semantic = [item for content in properties for item in content.get("semantic_models", [])]
    measures = {measure["name"] for item in semantic for measure in item["measures"]}
    for item in semantic:
        columns = {column["name"] for column in models[item["model"][5:-2]]["columns"]}
        assert {measure["expr"] for measure in item["measures"]} <= columns, item["name"]
    simple = {item["type_params"]["measure"] for item in metrics.values() if item["type"] == "simple"}
    assert simple == measures, "a measure that no metric uses, or the other way round"


def test_the_night_does_not_import_metricflow() -> None:
    for path in (ROOT / "flows").rglob("*.py"):
        assert "metricflow" not in path.read_text(encoding="utf-8"), path
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "metricflow" not in lock
    pins = (ROOT / "semantic" / "requirements.txt").read_text(encoding="utf-8")
    for package in ("dbt-core", "dbt-duckdb", "duckdb"):
        pin = re.search(rf"(?m)^{package}==\S+", pins)
        assert pin and f"\n{pin.group()} " in f"\n{lock}", package


def test_descriptions_of_marts_go_into_the_file() -> None:
    project = read(paths.dbt_project() / "dbt_project.yml")
    assert project["models"]["leadrole"]["marts"]["+persist_docs"] == {"relation": True, "columns": True}
