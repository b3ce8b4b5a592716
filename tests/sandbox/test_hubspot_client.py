"""HubSpot's own Python client reads the whole company through the sandbox, and finds what the log says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from leadrole.sandbox import Faults, Population
from leadrole.sandbox.hubspot import lead_id, ledger

from .conftest import TOKEN, Client

hubspot = pytest.importorskip("hubspot", reason="hubspot-api-client is not installed")

Start = Callable[..., Client]
Held = dict[str, dict[str, Any]]
NOW = datetime(2026, 9, 1, 2, tzinfo=UTC)
FIELDS = {
    "contacts": ["lifecyclestage", "hs_lead_status", "hubspot_owner_id", "lastmodifieddate", "email"],
    "deals": ["dealstage", "amount", "closedate", "hs_is_closed_won", "hs_lastmodifieddate"],
    "companies": ["domain", "lifecyclestage", "hs_lastmodifieddate"],
    "leads": ["hs_pipeline_stage", "hs_primary_contact_id", "hubspot_owner_id", "hs_lastmodifieddate"],
    "calls": ["hs_call_direction", "hs_call_duration", "hs_timestamp"],
    "emails": ["hs_email_direction", "hs_timestamp"],
    "meetings": ["hs_meeting_outcome", "hs_meeting_start_time"],
}
LIVE = ("contacts", "deals", "companies", "leads", "calls", "emails", "meetings")


@pytest.fixture
def held(small: Population) -> Held:
    return ledger(small, NOW, has_leads=True)  # type: ignore[return-value]


def api(client: Client, token: str = TOKEN) -> Any:
    return hubspot.HubSpot(access_token=token, host=client.server.base_url)


def part(rows: dict[str, Any], name: str) -> dict[str, dict[str, str | None]]:
    """The asked-for fields of what the ledger holds."""
    return {one: {field: row[field] for field in FIELDS[name]} for one, row in rows.items()}


def read(rows: Any, name: str) -> dict[str, dict[str, str | None]]:
    return {row.id: {field: row.properties[field] for field in FIELDS[name]} for row in rows}


def endpoint(reader: Any, name: str) -> Any:
    crm = reader.crm
    return getattr(crm, name) if name in ("contacts", "deals", "companies") else getattr(crm.objects, name)


@pytest.mark.parametrize("name", LIVE)
def test_a_list_of_all_pages_is_the_ledger(start: Start, held: Held, name: str) -> None:
    reader = endpoint(api(start(has_leads=True, max_page=37)), name)
    rows = (
        reader.get_all(properties=FIELDS[name]) if hasattr(reader, "get_all") else pages(reader, FIELDS[name])
    )
    assert read(rows, name) == part(held[name], name)
    assert held[name]


def batched(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    every = list(ids)
    for first in range(0, len(every), size):
        yield every[first : first + size]


def pages(reader: Any, fields: list[str]) -> Iterator[Any]:
    after = None
    while True:
        page = reader.basic_api.get_page(limit=100, properties=fields, after=after)
        yield from page.results
        if page.paging is None:
            return
        after = page.paging.next.after


def test_an_object_is_read_by_the_number_of_its_type_too(start: Start, held: Held) -> None:
    basic = api(start(has_leads=True)).crm.objects.basic_api
    page = basic.get_page("0-136", limit=100, properties=FIELDS["leads"])
    rows = list(page.results)
    while page.paging is not None:
        page = basic.get_page("0-136", limit=100, properties=FIELDS["leads"], after=page.paging.next.after)
        rows += page.results
    assert read(rows, "leads") == part(held["leads"], "leads")


@pytest.mark.parametrize("name", ["contacts", "deals", "leads"])
def test_a_search_by_pages_of_ids_is_the_ledger(start: Start, held: Held, name: str) -> None:
    reader = endpoint(api(start(has_leads=True, search_lag_seconds=0, search_cap=50)), name)
    module = __import__(reader.search_api.__module__.rpartition(".api")[0], fromlist=["models"])
    cursor = "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
    since = "2026-07-01T00:00:00Z"
    found: dict[str, dict[str, str | None]] = {}
    last = "0"
    while True:
        request = module.PublicObjectSearchRequest(
            filter_groups=[
                {
                    "filters": [
                        {"propertyName": cursor, "operator": "GTE", "value": since},
                        {"propertyName": "hs_object_id", "operator": "GT", "value": last},
                    ]
                }
            ],
            sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}],  # type: ignore[list-item]
            properties=FIELDS[name],
            limit=40,
        )
        page = reader.search_api.do_search(public_object_search_request=request)
        if not page.results:
            break
        found |= read(page.results, name)
        last = page.results[-1].id
    assert found == part({one: row for one, row in held[name].items() if row[cursor] >= since}, name)
    assert len(found) > 5


@pytest.mark.parametrize(
    ("name", "field"),
    [("contacts", "lifecyclestage"), ("deals", "dealstage"), ("leads", "hs_pipeline_stage")],
)
def test_a_batch_with_history_is_the_ledger(start: Start, held: Held, name: str, field: str) -> None:
    reader = endpoint(api(start(has_leads=True)), name)
    found = set()
    for ids in batched(held[name], 50):
        body = {"inputs": [{"id": one} for one in ids], "properties": [], "propertiesWithHistory": [field]}
        reply = reader.batch_api.read(batch_read_input_simple_public_object_id=body)
        assert reply.status == "COMPLETE"
        for row in reply.results:
            for entry in row.properties_with_history[field]:
                user = None if entry.updated_by_user_id is None else str(entry.updated_by_user_id)
                found.add((row.id, entry.value or None, entry.timestamp, user))
    assert found == {
        (row["id"], row["value"], datetime.fromisoformat(row["timestamp"]), row["updatedByUserId"])
        for row in held[f"{name}_history"].values()
        if row["property"] == field
    }


def test_a_missing_id_of_a_batch_is_told_as_an_error(start: Start) -> None:
    contacts = api(start()).crm.contacts
    body = {"inputs": [{"id": "5"}], "properties": [], "propertiesWithHistory": []}
    reply = contacts.batch_api.read(batch_read_input_simple_public_object_id=body)
    assert reply.num_errors == 1
    assert reply.errors[0].context == {"ids": ["5"]}


def test_owners_are_the_ledgers_also_those_who_left(start: Start, company: Population) -> None:
    now = datetime(2026, 11, 1, 2, tzinfo=UTC)
    owners = api(start(company, now=now, max_page=2)).crm.owners.owners_api
    rows = []
    for archived in (False, True):
        page = owners.get_page(archived=archived)
        rows += page.results
        while page.paging is not None:
            page = owners.get_page(archived=archived, after=page.paging.next.after)
            rows += page.results
    found = {
        row.id: {
            "type": row.type,
            "email": row.email,
            "firstName": row.first_name,
            "lastName": row.last_name,
            "userId": None if row.user_id is None else str(row.user_id),
            "userIdIncludingInactive": (
                None if row.user_id_including_inactive is None else str(row.user_id_including_inactive)
            ),
            "archived": str(row.archived).lower(),
        }
        for row in rows
    }
    assert found == ledger(company, now)["owners"]
    assert [row.id for row in rows if row.archived] == ["104"]


@pytest.mark.parametrize(("kind", "name"), [("deals", "deal_stages"), ("leads", "lead_stages")])
def test_pipelines_and_their_stages_are_the_ledgers(start: Start, held: Held, kind: str, name: str) -> None:
    pipelines = api(start(has_leads=True)).crm.pipelines
    found = {
        f"{pipeline.id}/{stage.id}": {
            "pipelineId": pipeline.id,
            "pipelineLabel": pipeline.label,
            "stageId": stage.id,
            "label": stage.label,
            "displayOrder": str(stage.display_order),
            "archived": str(stage.archived).lower(),
            **stage.metadata,
        }
        for pipeline in pipelines.pipelines_api.get_all(object_type=kind).results
        for stage in pipelines.pipeline_stages_api.get_all(object_type=kind, pipeline_id=pipeline.id).results
    }
    assert found == held[name]


def test_the_audit_of_a_pipeline_tells_of_a_deleted_stage(start: Start) -> None:
    client = start(faults=Faults().stage_unlisted("contractsent"))
    # The client's call for one stage's audit leaves the pipeline out of its path and can't work anywhere.
    audits = api(client).crm.pipelines.pipeline_audits_api
    entries = audits.get_audit(object_type="deals", pipeline_id="default").results
    assert [entry.action for entry in entries] == ["UPDATE", "CREATE"]
    assert "contractsent" in entries[0].message


@pytest.mark.parametrize(
    ("from_type", "to_type"),
    [
        ("deals", "contacts"),
        ("deals", "companies"),
        ("calls", "contacts"),
        ("emails", "deals"),
        ("leads", "contacts"),
    ],
)
def test_associations_in_batches_are_the_ledgers(
    start: Start, held: Held, from_type: str, to_type: str
) -> None:
    batches = api(start(has_leads=True)).crm.associations.v4.batch_api
    found = {}
    for ids in batched(held[from_type], 1000):
        reply = batches.get_page(
            from_object_type=from_type,
            to_object_type=to_type,
            batch_input_public_fetch_associations_batch_request={"inputs": [{"id": one} for one in ids]},
        )
        for row in reply.results:
            for end in row.to:
                types = ";".join(str(kind.type_id) for kind in end.association_types)
                found[f"{row._from.id}/{end.to_object_id}"] = types
    assert found == {one: row["types"] for one, row in held[f"{from_type}_{to_type}"].items()}
    assert found


def test_associations_of_one_record_carry_the_label(start: Start, held: Held) -> None:
    basic = api(start()).crm.associations.v4.basic_api
    deal, company = next(iter(held["deals_companies"])).split("/")
    (end,) = basic.get_page("deals", deal, "companies").results
    assert str(end.to_object_id) == company
    assert {(kind.type_id, kind.label) for kind in end.association_types} == {(5, "Primary"), (341, None)}


def test_without_leads_the_client_gets_a_403_that_names_the_scope(start: Start) -> None:
    leads = api(start()).crm.objects.leads
    with pytest.raises(Exception, match=r"crm\.objects\.leads\.read") as refused:
        leads.basic_api.get_by_id(lead_id("1001"))
    assert refused.value.status == 403  # type: ignore[attr-defined]


def test_properties_are_listed_with_what_is_calculated(start: Start) -> None:
    rows = api(start(multi_currency=False)).crm.properties.core_api.get_all("deals").results
    known = {row.name: row.calculated for row in rows}
    assert known["hs_is_closed_won"] is True
    assert known["dealstage"] is False
    assert "deal_currency_code" not in known


def test_a_token_of_the_oauth_endpoint_opens_the_account(start: Start, held: Held) -> None:
    client = start(client_id="app-1", client_secret="geheim-1", refresh_token="eu1-first")
    tokens = api(client, "none").oauth.tokens_api
    grant = tokens.create(
        grant_type="refresh_token", client_id="app-1", client_secret="geheim-1", refresh_token="eu1-first"
    )
    assert grant.expires_in == 1800
    rows = api(client, grant.access_token).crm.deals.get_all(properties=FIELDS["deals"])
    assert read(rows, "deals") == part(held["deals"], "deals")
