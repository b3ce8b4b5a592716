"""The Salesforce dialect: shapes, quirks, limits and errors of spec/crm-apis.md section 2, over real HTTP."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from leadrole.sandbox import Faults, History, Population, Script
from leadrole.sandbox.population import make_owners
from leadrole.sandbox.salesforce import (
    CLIENT_ID,
    CLIENT_SECRET,
    JWT_GRANT,
    REFRESH_TOKEN,
    USERNAME,
    Org,
    account_id,
    contact_id,
    event_id,
    group_id,
    lead_id,
    ledger,
    opportunity_id,
    task_id,
    user_id,
)
from leadrole.sandbox.salesforce.schema import NAMES, all_fields

from .conftest import TOKEN, Client

Start = Callable[..., Client]
T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
BASE = "/services/data/v67.0"
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "recordings" / "salesforce.jsonl"


@pytest.fixture
def org(start: Start) -> Start:
    return partial(start, dialect=Org)


def recorded(path_part: str, status: int = 200) -> Iterator[dict[str, Any]]:
    if not RECORDINGS.exists():
        pytest.skip(
            "the recorded traffic (shared/data/recordings/salesforce.jsonl) is not beside the repository"
        )
    with RECORDINGS.open() as lines:
        for line in lines:
            exchange = json.loads(line)
            if path_part in exchange["path"] and exchange["status"] == status and exchange["method"] == "GET":
                yield exchange


def written(script: Script) -> History:
    return script.history(make_owners(T0.date()))


def ask(client: Client, soql: str, *, everything: bool = False, **headers: str) -> requests.Response:
    url = f"{client.server.base_url}{BASE}/{'queryAll' if everything else 'query'}"
    return client.session.get(url, params={"q": soql}, headers=headers, timeout=10)


def rows(client: Client, soql: str, *, everything: bool = False) -> list[dict[str, Any]]:
    """Every row of a query, over all its pages, without the attributes."""
    page = ask(client, soql, everything=everything).json()
    found = list(page["records"])
    while not page["done"]:
        page = client.get(page["nextRecordsUrl"]).json()
        found += page["records"]
    return [{name: value for name, value in row.items() if name != "attributes"} for row in found]


def ids(client: Client, soql: str, *, everything: bool = False) -> list[str]:
    return [row["Id"] for row in rows(client, soql, everything=everything)]


def error(reply: requests.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()[0]["errorCode"]


def run_job(client: Client, soql: str, operation: str = "queryAll", **more: str) -> str:
    made = client.post(f"{BASE}/jobs/query", {"operation": operation, "query": soql, **more})
    assert made.status_code == 200, made.text
    job = f"{BASE}/jobs/query/{made.json()['id']}"
    while client.get(job).json()["state"] not in ("JobComplete", "Failed"):
        pass
    return job


def read_csv(text: str, **more: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), **more))  # type: ignore[arg-type]


# --- shapes beside real traffic


def test_a_query_answer_has_the_shape_of_a_recorded_one(org: Start) -> None:
    real = next(one["response"] for one in recorded("/query") if one["response"]["records"])
    reply = ask(org(), "SELECT Id FROM Lead LIMIT 1")
    ours = reply.json()
    assert set(ours) == set(real)
    assert {name: type(value) for name, value in ours.items()} == {
        name: type(value) for name, value in real.items()
    }
    assert set(ours["records"][0]) == set(real["records"][0])
    assert set(ours["records"][0]["attributes"]) == set(real["records"][0]["attributes"])
    url = ours["records"][0]["attributes"]["url"]
    assert url == f"{BASE}/sobjects/Lead/{ours['records'][0]['Id']}"
    none = next(one["response"] for one in recorded("/query") if not one["response"]["records"])
    assert ask(org(), "SELECT Id FROM Lead WHERE Id = null").json() == none


def test_the_headers_are_the_recorded_ones(org: Start) -> None:
    real = dict(next(recorded("/query"))["headers"])
    ours = ask(org(), "SELECT Id FROM Lead LIMIT 1").headers
    for name in ("Cache-Control", "Content-Type", "Strict-Transport-Security", "X-Content-Type-Options"):
        assert ours[name] == real[name]
    assert ours["Sforce-Limit-Info"].startswith("api-usage=1/")
    assert real["Sforce-Limit-Info"].startswith("api-usage=")


def test_a_record_has_the_fields_and_forms_of_a_recorded_one(org: Start) -> None:
    real = next(one["response"] for one in recorded("/sobjects/Contact/") if "Id" in one["response"])
    client = org()
    one = ids(client, "SELECT Id FROM Contact LIMIT 1")[0]
    reply = client.get(f"{BASE}/sobjects/Contact/{one}")
    ours = reply.json()
    assert {name for name in ours if not name.endswith("__c")} - {"MailingAddress"} <= set(real)
    for name in ("CreatedDate", "SystemModstamp", "LastModifiedDate"):
        assert len(ours[name]) == len(real[name])
        assert ours[name].endswith(".000+0000") and real[name].endswith(".000+0000")
    assert len(ours["Id"]) == len(real["Id"]) == 18
    assert ours["IsDeleted"] is real["IsDeleted"] is False
    assert "Last-Modified" in reply.headers


def test_an_error_is_a_list_as_recorded(org: Start) -> None:
    real = next(recorded("/sobjects/Account/", 404))["response"]
    ours = org().get(f"{BASE}/sobjects/Account/{account_id('5')}")
    assert (ours.status_code, ours.json()) == (404, real)


def test_a_description_has_the_keys_of_a_recorded_one(org: Start) -> None:
    for kind in ("Account", "Contact"):
        real = next(recorded(f"/{kind}/describe"))["response"]
        ours = org().get(f"{BASE}/sobjects/{kind}/describe").json()
        assert set(ours) - {"actionOverrides"} == set(real) - {
            "actionOverrides", "extendedBy", "extendsInterfaces", "implementedBy", "implementsInterfaces",
            "isInterface", "associateEntityType", "associateParentEntity", "dataTranslationEnabled",
            "deepCloneable", "defaultImplementation", "layoutable ",
        }  # fmt: skip
        theirs = {one["name"]: one for one in real["fields"]}
        for one in ours["fields"]:
            if one["name"] in theirs:
                other = theirs[one["name"]]
                assert set(one) >= set(other) - {"aiPredictionField"}
                for name in ("type", "soapType", "custom", "calculated"):
                    assert one[name] == other[name], (one["name"], name)


def test_ids_carry_the_check_of_recorded_ones() -> None:
    from leadrole.sandbox.salesforce.ids import lengthen

    for exchange in recorded("/query"):
        for record in exchange["response"]["records"]:
            assert lengthen(record["Id"][:15]) == record["Id"]


# --- tokens


def token(client: Client, **form: str) -> requests.Response:
    url = client.server.base_url + "/services/oauth2/token"
    return requests.post(url, data=form, timeout=10)


def works_with(client: Client, access_token: str) -> int:
    client.session.headers["Authorization"] = f"Bearer {access_token}"
    return ask(client, "SELECT COUNT() FROM Lead").status_code


def test_client_credentials_give_a_token_with_the_secret_in_header_or_body(org: Start) -> None:
    client = org()
    url = client.server.base_url + "/services/oauth2/token"
    grant = {"grant_type": "client_credentials"}
    by_header = requests.post(url, data=grant, auth=(CLIENT_ID, CLIENT_SECRET), timeout=10)
    by_body = token(client, **grant, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    for reply in (by_header, by_body):
        body = reply.json()
        assert reply.status_code == 200
        assert set(body) == {
            "access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at",
        }  # fmt: skip
        assert body["instance_url"] == client.server.base_url
        assert "refresh_token" not in body
        assert works_with(client, body["access_token"]) == 200
    assert by_header.json()["access_token"] != by_body.json()["access_token"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": "x"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "x"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": CLIENT_ID}, "invalid_client"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": JWT_GRANT, "assertion": "a.b"}, "invalid_grant"),
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)  # fmt: skip
def test_a_refused_token_is_an_object_not_a_list(org: Start, form: dict[str, str], expected: str) -> None:
    reply = token(org(), **form)
    assert reply.status_code == 400
    assert set(reply.json()) == {"error", "error_description"}
    assert reply.json()["error"] == expected


def test_a_token_lives_two_hours_and_the_login_by_soap_is_gone(org: Start) -> None:
    client = org()
    body = token(
        client, grant_type="client_credentials", client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    ).json()
    client.server.set_now(client.server.now + timedelta(minutes=119))
    assert works_with(client, body["access_token"]) == 200
    client.server.set_now(client.server.now + timedelta(minutes=1))
    reply = ask(client, "SELECT COUNT() FROM Lead")
    assert error(reply) == (401, "INVALID_SESSION_ID")
    assert reply.json()[0]["message"] == "Session expired or invalid"
    soap = requests.post(client.server.base_url + "/services/Soap/u/66.0", data="<x/>", timeout=10)
    assert (soap.status_code, "INVALID_OPERATION" in soap.text) == (500, True)


def test_with_rotation_a_refresh_token_is_good_once(org: Start) -> None:
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID}
    client = org(rotates=True)
    first = token(client, **form, refresh_token=REFRESH_TOKEN).json()
    assert first["refresh_token"] != REFRESH_TOKEN
    dead = token(client, **form, refresh_token=REFRESH_TOKEN)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    client.server.set_now(client.server.now + DAY)
    second = token(client, **form, refresh_token=first["refresh_token"])
    assert works_with(client, second.json()["access_token"]) == 200
    assert token(client, **form, refresh_token=first["refresh_token"]).status_code == 400
    plain = org()
    for _ in range(2):
        assert "refresh_token" not in token(plain, **form, refresh_token=REFRESH_TOKEN).json()


def test_an_assertion_is_believed_when_its_signature_and_claims_are_right(org: Start) -> None:
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    client = org(public_key=public.decode())
    now = client.server.now.timestamp()
    claims = {"iss": CLIENT_ID, "sub": USERNAME, "aud": "https://login.salesforce.com", "exp": int(now) + 180}

    def answer(client: Client, signer: Any = key, algorithm: str = "RS256", **changed: Any) -> dict[str, str]:
        assertion = jwt.encode({**claims, **changed}, signer, algorithm=algorithm)
        return token(client, grant_type=JWT_GRANT, assertion=assertion).json()

    good = answer(client)
    assert works_with(client, good["access_token"]) == 200
    assert "access_token" in answer(client, aud="https://test.salesforce.com")
    assert answer(client, signer=other)["error"] == "invalid_grant"
    assert answer(client, signer="x" * 40, algorithm="HS256")["error"] == "invalid_grant"
    assert answer(client, aud="https://example.org")["error_description"] == "audience is invalid"
    assert answer(client, exp=int(now))["error"] == "invalid_grant"
    assert answer(client, exp=int(now) + 900)["error"] == "invalid_grant"
    assert answer(client, iss="x")["error"] == "invalid_client_id"
    for reply in (answer(client, sub="x"), answer(org(public_key=public.decode(), is_approved=False))):
        assert reply["error_description"] == "user hasn't approved this consumer"
    assert answer(org())["error"] == "invalid_grant"


def test_sessions_that_end_are_cured_by_a_new_login(org: Start) -> None:
    client = org(faults=Faults().expire_token_after(1))
    assert ask(client, "SELECT COUNT() FROM Lead").status_code == 200
    assert error(ask(client, "SELECT COUNT() FROM Lead")) == (401, "INVALID_SESSION_ID")
    assert error(ask(client, "SELECT COUNT() FROM Lead")) == (401, "INVALID_SESSION_ID")
    body = token(client, grant_type="client_credentials", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    assert works_with(client, body.json()["access_token"]) == 200


def test_versions_are_told_without_a_token_and_others_are_not_served(org: Start) -> None:
    client = org()
    listed = requests.get(client.server.base_url + "/services/data/", timeout=10).json()
    assert listed[-2:] == [
        {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"},
        {"label": "Summer '26", "url": BASE, "version": "67.0"},
    ]
    assert listed[0]["label"] == "Summer '14"
    assert "queryAll" in client.get(BASE).json()
    assert client.get("/services/data/v59.0/limits").status_code == 200
    assert error(client.get("/services/data/v68.0/limits")) == (404, "NOT_FOUND")
    assert error(client.get("/services/data/v20.0/limits")) == (410, "UNSUPPORTED_API_VERSION")
    assert error(client.post(f"{BASE}/limits", {})) == (405, "METHOD_NOT_ALLOWED")
    assert error(client.get(f"{BASE}/nothing")) == (404, "NOT_FOUND")
    assert error(client.get(f"{BASE}/sobjects/Starship/describe")) == (404, "NOT_FOUND")


# --- SOQL


def five_deals() -> History:
    script = Script()
    for number, amount in enumerate(("100", "900", "2000", None, "900"), 1):
        script.deal(T0 + timedelta(hours=number), str(number), "101", amount=amount, name=f"O'Brien {number}")
    script.stage(T0 + timedelta(hours=9), "3", "closedwon", by="101")
    return written(script)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Amount > 900", "3"), ("Amount >= 900", "235"), ("Amount < 900", "1"), ("Amount<=900", "125"),
        ("Amount = 900.00", "25"), ("Amount != 900", "134"), ("Amount <> 900", "134"), ("Amount = null", "4"),
        ("Amount != NULL", "1235"), ("IsWon = true", "3"), ("IsClosed = FALSE", "1245"),
        ("Name = 'o\\'brien 2'", "2"), ("Name IN ('O\\'Brien 1', 'nobody', 'O\\'BRIEN 4')", "14"),
        ("StageName NOT IN ('Gewonnen')", "1245"), ("AccountId = null", "12345"),
        ("CreatedDate >= 2026-03-02T12:00:00Z", "345"), ("CreatedDate = 2026-03-02T13:00:00+02:00", "2"),
        ("CreatedDate > 2026-03-02T11:00:00.000Z AND CreatedDate < 2026-03-02T14:00:00Z", "34"),
        ("CloseDate = 2026-03-02", "3"), ("CloseDate > 2026-03-02 AND (Amount = 100 OR Amount = null)", "14"),
        ("(Amount = 900 AND CreatedDate < 2026-03-02T12:00:00Z) OR Amount = 2000", "23"),
        (f"OwnerId = '{user_id('101')}'", "12345"), (f"Id = '{opportunity_id('2')[:15]}'", "2"),
        (f"Id > '{opportunity_id('3')}'", "45"),
        ("systemmodstamp >= 2026-03-02T18:00:00Z", "3"),
    ],
)  # fmt: skip
def test_conditions_mean_what_they_say(org: Start, where: str, expected: str) -> None:
    client = org(five_deals(), now=T0 + DAY)
    found = ids(client, f"SELECT Id FROM Opportunity WHERE {where} ORDER BY Id")
    assert found == [opportunity_id(number) for number in expected], where


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("Amount, Id", "41253"), ("Amount DESC NULLS LAST, Id DESC", "35214"), ("Amount ASC NULLS LAST, Id", "12534"),
        ("IsWon DESC, CreatedDate DESC LIMIT 2", "35"), ("CreatedDate LIMIT 0", ""),
    ],
)  # fmt: skip
def test_order_and_limit(org: Start, order: str, expected: str) -> None:
    client = org(five_deals(), now=T0 + DAY)
    found = ids(client, f"SELECT Id FROM Opportunity ORDER BY {order}")
    assert found == [opportunity_id(number) for number in expected]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("DELETE FROM Lead", "MALFORMED_QUERY"),
        ("SELECT * FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id, FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE IsConverted", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Status IS NULL", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Status LIKE 'O%'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE CreatedDate = TODAY", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Status = 'A' AND Name = 'B' OR Email = 'C'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE (Status = 'A'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Id IN (SELECT ConvertedContactId FROM Lead)", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-02-30T00:00:00Z", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead LIMIT -1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead ORDER Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead GROUP BY Status", "MALFORMED_QUERY"),
        ("SELECT Owner.Name FROM Lead", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Lead LIMIT 200", "MALFORMED_QUERY"),
        ("SELECT MAX(CreatedDate) FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Status = \"A\"", "MALFORMED_QUERY"),
        ("SELECT Id, id FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Status = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Amount = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Task WHERE Description = 'NA'", "INVALID_FIELD"),
        ("SELECT Id FROM Task ORDER BY Description", "INVALID_FIELD"),
        ("SELECT Id FROM LeadHistory WHERE NewValue = 'Qualified'", "INVALID_FIELD"),
        ("SELECT CurrencyIsoCode FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Starship", "INVALID_TYPE"),
        ("SELECT Id FROM CurrencyType", "INVALID_TYPE"),
    ],
)  # fmt: skip
def test_what_is_no_such_query_is_refused(org: Start, soql: str, code: str) -> None:
    assert error(ask(org(), soql)) == (400, code), soql


def test_an_unknown_field_is_told_in_the_vendors_sentence(org: Start) -> None:
    message = ask(org(), "SELECT Id, Shoe__c FROM Lead").json()[0]["message"]
    assert "ERROR at Row:1:Column:12\nNo such column 'Shoe__c' on entity 'Lead'. If you are" in message
    piece, caret = message.split("\n")[1:3]
    assert piece[caret.index("^") :].startswith("Shoe__c")


def test_names_come_back_as_the_vendor_spells_them(org: Start) -> None:
    page = ask(org(), "select id, isCONVERTED from lead limit 1").json()
    assert list(page["records"][0]) == ["attributes", "Id", "IsConverted"]
    assert page["records"][0]["attributes"]["type"] == "Lead"


def test_counting(org: Start) -> None:
    client = org(five_deals(), now=T0 + DAY)
    assert ask(client, "SELECT COUNT() FROM Opportunity").json() == {
        "totalSize": 5, "done": True, "records": [],
    }  # fmt: skip
    counted = ask(client, "SELECT COUNT(Id) FROM Opportunity WHERE Amount = 900").json()
    assert counted["records"] == [{"attributes": {"type": "AggregateResult"}, "expr0": 2}]
    named = ask(client, "SELECT COUNT(Amount) filled FROM Opportunity").json()
    assert named["records"][0]["filled"] == 4


def test_numbers_dates_and_nulls_have_the_vendors_forms(org: Start) -> None:
    client = org(five_deals(), now=T0 + DAY)
    names = "Amount, Probability, CloseDate, CreatedDate, IsWon, Loss_Reason__c"
    text = ask(client, f"SELECT {names} FROM Opportunity WHERE Amount = 2000").text
    assert text.endswith(
        '"Amount":2000.0,"Probability":100.0,"CloseDate":"2026-03-02",'
        '"CreatedDate":"2026-03-02T12:00:00.000+0000","IsWon":true,"Loss_Reason__c":null}]}'
    )


def test_pages_follow_the_address_and_the_hint_is_kept_within_limits(org: Start) -> None:
    script = Script()
    for number in range(501):
        script.list_row(T0, str(number + 1))
    client = org(written(script), now=T0 + DAY)
    soql = "SELECT Id FROM Lead ORDER BY Id"
    page = ask(client, soql, **{"Sforce-Query-Options": "batchSize=250"}).json()
    assert (page["totalSize"], page["done"], len(page["records"])) == (501, False, 250)
    assert page["nextRecordsUrl"].startswith(f"{BASE}/query/01g")
    assert len(ask(client, soql, **{"Sforce-Query-Options": "batchSize=5"}).json()["records"]) == 200
    assert len(ask(client, soql).json()["records"]) == 501
    small = org(written(script), now=T0 + DAY, max_page=167)
    expected = [lead_id(str(number + 1)) for number in range(501)]
    assert ids(small, soql) == expected == sorted(expected)
    assert small.server.count("/query/") == 2  # 501 is three pages exactly


def test_a_locator_dies_after_two_days(org: Start) -> None:
    client = org(max_page=10)
    following = ask(client, "SELECT Id FROM Lead").json()["nextRecordsUrl"]
    client.server.set_now(client.server.now + timedelta(hours=47))
    assert len(client.get(following).json()["records"]) == 10
    client.server.set_now(client.server.now + timedelta(hours=1))
    assert error(client.get(following)) == (400, "INVALID_QUERY_LOCATOR")
    assert error(client.get(f"{BASE}/query/01g000000000001AAA-10")) == (400, "INVALID_QUERY_LOCATOR")


def test_a_keyset_over_tied_stamps_gives_every_record_once(org: Start) -> None:
    script = Script()
    for number in range(60):
        script.list_row(T0 + timedelta(seconds=number // 25), str(number + 1))
    client = org(written(script), now=T0 + DAY, max_page=7)
    found: list[dict[str, Any]] = []
    where = "SystemModstamp >= 2026-03-01T00:00:00Z"
    while True:
        soql = f"SELECT Id, SystemModstamp FROM Lead WHERE {where} ORDER BY SystemModstamp, Id LIMIT 7"
        page = ask(client, soql, everything=True).json()["records"]
        if not page:
            break
        found += page
        stamp, last = page[-1]["SystemModstamp"].replace(".000+0000", "Z"), page[-1]["Id"]
        where = f"(SystemModstamp = {stamp} AND Id > '{last}') OR SystemModstamp > {stamp}"
    assert [row["Id"] for row in found] == [lead_id(str(number + 1)) for number in range(60)]
    assert len({row["SystemModstamp"] for row in found}) == 3


def test_a_uri_of_more_than_sixteen_thousand_bytes_is_refused(org: Start) -> None:
    client = org()
    listed = ",".join(f"'{lead_id(str(number))}'" for number in range(1000))
    reply = ask(client, f"SELECT Id FROM Lead WHERE Id IN ({listed})")
    assert reply.status_code == 414
    assert "json" not in reply.headers["Content-Type"]
    assert ask(client, f"SELECT Id FROM Lead WHERE Id IN ({listed[:10_000].rpartition(',')[0]})").ok


# --- what is seen of a record, and when


def test_late_records_are_in_no_answer_until_they_are_and_bear_an_older_stamp(org: Start) -> None:
    script = Script()
    for number in range(1, 41):
        script.form(T0 - DAY, str(number))
        script.status(T0, str(number), "OPEN", by="101")
    for number in range(41, 81):
        script.form(T0, str(number))
    history = written(script)
    settings: dict[str, Any] = {"late_seconds": 600, "late_share": 0.5, "seed": 4}
    client = org(history, now=T0 + timedelta(seconds=200), **settings)
    soql = "SELECT Id, Status FROM Lead"
    early = rows(client, soql, everything=True)
    assert 40 < len(early) < 80
    old = [row for row in early if row["Id"] <= lead_id("40")]
    assert {row["Status"] for row in old} == {"Open - Not Contacted", "Open"}
    assert ask(client, "SELECT COUNT() FROM Lead").json()["totalSize"] == len(early)
    unseen = {lead_id(str(number)) for number in range(41, 81)} - {row["Id"] for row in early}
    assert {client.get(f"{BASE}/sobjects/Lead/{one}").status_code for one in unseen} == {404}
    span = {"start": (T0 - DAY).isoformat(), "end": (T0 + DAY).isoformat()}
    assert not unseen & set(client.get(f"{BASE}/sobjects/Lead/updated", **span).json()["ids"])
    assert not unseen & {
        row["LeadId"] for row in rows(client, "SELECT LeadId FROM LeadHistory", everything=True)
    }
    assert ledger(history, client.server.now, **settings)["leads"].keys() == {row["Id"] for row in early}
    again = rows(client, soql, everything=True)
    assert again == early
    client.server.set_now(T0 + timedelta(seconds=600))
    late = rows(client, "SELECT Id, Status, SystemModstamp FROM Lead", everything=True)
    assert len(late) == 80
    stamps = {row["SystemModstamp"] for row in late}
    assert stamps == {"2026-03-02T09:00:00.000+0000"}
    assert {row["Status"] for row in late if row["Id"] <= lead_id("40")} == {"Open"}


def life() -> Script:
    script = Script()
    for number in range(1, 6):
        script.form(T0, str(number))
    script.archive_contact(T0 + DAY, "1", by="101")
    script.forget_contact(T0 + DAY, "2", by="101")
    script.merge(T0 + 2 * DAY, "70", ("3", "4"), by="101")
    script.call(T0 + timedelta(hours=1), "40", "4", "101")
    script.call(T0 + timedelta(hours=2), "41", "2", "101")
    return script


def test_a_deleted_lead_is_in_query_all_for_fifteen_days(org: Start) -> None:
    client = org(written(life()), now=T0 + 3 * DAY)
    soql = "SELECT Id, IsDeleted, MasterRecordId, SystemModstamp, LastModifiedById FROM Lead ORDER BY Id"
    assert [row["Id"] for row in rows(client, soql)] == [lead_id("3"), lead_id("5")]
    everything = {row["Id"]: row for row in rows(client, soql, everything=True)}
    assert everything.keys() == {lead_id(one) for one in "1345"}
    assert everything[lead_id("1")]["IsDeleted"] is True
    assert everything[lead_id("1")]["MasterRecordId"] is None
    assert everything[lead_id("1")]["SystemModstamp"] == "2026-03-03T09:00:00.000+0000"
    assert everything[lead_id("1")]["LastModifiedById"] == user_id("101")
    assert ids(client, "SELECT Id FROM Lead WHERE IsDeleted = true", everything=True) == [
        lead_id("1"), lead_id("4"),
    ]  # fmt: skip
    assert error(client.get(f"{BASE}/sobjects/Lead/{lead_id('1')}")) == (404, "ENTITY_IS_DELETED")
    assert error(client.get(f"{BASE}/sobjects/Lead/{lead_id('2')}")) == (404, "NOT_FOUND")
    client.server.set_now(T0 + 16 * DAY)
    assert lead_id("1") not in ids(client, soql, everything=True)
    assert error(client.get(f"{BASE}/sobjects/Lead/{lead_id('1')}")) == (404, "NOT_FOUND")
    span = {"start": (T0 - DAY).isoformat(), "end": (T0 + 16 * DAY).isoformat()}
    body = client.get(f"{BASE}/sobjects/Lead/deleted", **span).json()
    assert body["deletedRecords"] == [
        {"deletedDate": "2026-03-03T09:00:00.000+0000", "id": lead_id("1")},
        {"deletedDate": "2026-03-04T09:00:00.000+0000", "id": lead_id("4")},
    ]
    assert body["latestDateCovered"] == "2026-03-18T09:00:00.000+0000"
    assert set(body) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}


def test_the_span_of_deleted_and_updated_is_thirty_days(org: Start) -> None:
    client = org(written(life()), now=T0 + 40 * DAY)
    path = f"{BASE}/sobjects/Lead/updated"

    def answer(start: datetime, end: datetime, path: str = path) -> tuple[int, str]:
        reply = client.get(path, start=start.isoformat(), end=end.isoformat())
        return (200, "") if reply.ok else error(reply)

    now = client.server.now
    assert answer(now - 30 * DAY, now) == (200, "")
    assert answer(now - 31 * DAY, now) == (400, "INVALID_REPLICATION_DATE")
    assert answer(now, now - DAY) == (400, "INVALID_REPLICATION_DATE")
    assert answer(now - DAY, now, f"{BASE}/sobjects/LeadHistory/updated")[0] == 400
    assert client.get(path, start="yesterday", end="today").status_code == 400


def test_a_merge_keeps_the_first_record_and_moves_what_hung_on_the_other(org: Start) -> None:
    script = life()
    script.form_again(T0 + 3 * DAY, "70")
    client = org(written(script), now=T0 + 4 * DAY)
    lost = rows(
        client, f"SELECT MasterRecordId, IsDeleted FROM Lead WHERE Id = '{lead_id('4')}'", everything=True
    )
    assert lost == [{"MasterRecordId": lead_id("3"), "IsDeleted": True}]
    (left,) = rows(client, f"SELECT Last_Form__c FROM Lead WHERE Id = '{lead_id('3')}'")
    assert left["Last_Form__c"] == "2026-03-05T09:00:00.000+0000"
    (task,) = rows(
        client, f"SELECT WhoId, SystemModstamp, LastModifiedDate FROM Task WHERE Id = '{task_id('40')}'"
    )
    assert task["WhoId"] == lead_id("3")
    # Moving it is the system's doing: only one of the stamps tells.
    assert task["SystemModstamp"] == "2026-03-04T09:00:00.000+0000"
    assert task["LastModifiedDate"] < task["SystemModstamp"]
    told = [
        row["Field"] for row in rows(client, f"SELECT Field FROM LeadHistory WHERE LeadId = '{lead_id('3')}'")
    ]
    assert told == ["created", "leadMerged", "Last_Form__c"]
    hidden = f"SELECT Field, IsDeleted FROM LeadHistory WHERE LeadId = '{lead_id('4')}'"
    assert rows(client, hidden) == []
    assert rows(client, hidden, everything=True) == [{"Field": "created", "IsDeleted": True}]


def test_an_erased_person_leaves_nothing_but_the_activity(org: Start) -> None:
    client = org(written(life()), now=T0 + 3 * DAY)
    for kind, one in (("Lead", lead_id("2")), ("LeadHistory", lead_id("2"))):
        name = "Id" if kind == "Lead" else "LeadId"
        assert rows(client, f"SELECT Id FROM {kind} WHERE {name} = '{one}'", everything=True) == []
    assert rows(client, f"SELECT WhoId FROM Task WHERE Id = '{task_id('41')}'") == [{"WhoId": None}]
    span = {"start": (T0 - DAY).isoformat(), "end": (T0 + 3 * DAY).isoformat()}
    assert lead_id("2") not in client.get(f"{BASE}/sobjects/Lead/deleted", **span).text


def test_a_restored_lead_is_back_with_a_new_stamp_unless_the_bin_was_emptied(org: Start) -> None:
    script = life()
    script.restore_contact(T0 + 5 * DAY, "1", by="101")
    soql = f"SELECT IsDeleted, SystemModstamp FROM Lead WHERE Id = '{lead_id('1')}'"
    expected = [{"IsDeleted": False, "SystemModstamp": "2026-03-07T09:00:00.000+0000"}]
    assert rows(org(written(script), now=T0 + 6 * DAY), soql) == expected
    emptied = org(written(script), now=T0 + 6 * DAY, bin_days=3)
    assert rows(emptied, soql, everything=True) == []


def conversion() -> Script:
    script = Script()
    script.form(T0, "1")
    script.assign(T0 + timedelta(minutes=1), "1", "102")
    script.call(T0 + timedelta(minutes=5), "40", "1", "102", outcome="connected", seconds=95)
    script.status(T0 + timedelta(minutes=8), "1", "CONNECTED", by="102")
    script.lifecycle(T0 + timedelta(minutes=9), "1", "salesqualifiedlead", by="102")
    script.status(T0 + timedelta(minutes=10), "1", "UNQUALIFIED", by="102")
    # 23:30 UTC on 2 March is 3 March in Amsterdam.
    script.deal(datetime(2026, 3, 2, 23, 30, tzinfo=UTC), "20", "105", contacts=("1",))
    script.lifecycle(datetime(2026, 3, 2, 23, 31, tzinfo=UTC), "1", "opportunity")
    script.deal(T0 + 2 * DAY, "21", "105", contacts=("1",))
    script.form_again(T0 + 3 * DAY, "1")
    script.form(T0, "2")
    script.lifecycle(T0 + DAY, "2", "customer", by="105")
    return script


def test_a_deal_converts_the_lead_of_its_contact(org: Start) -> None:
    client = org(written(conversion()), now=T0 + 4 * DAY)
    names = (
        "Status, IsConverted, ConvertedDate, ConvertedContactId, ConvertedAccountId, ConvertedOpportunityId"
    )
    (lead,) = rows(client, f"SELECT {names} FROM Lead WHERE Id = '{lead_id('1')}'")
    assert lead == {
        "Status": "Converted", "IsConverted": True, "ConvertedDate": "2026-03-03",
        "ConvertedContactId": contact_id("1"), "ConvertedAccountId": account_id("1"),
        "ConvertedOpportunityId": opportunity_id("20"),
    }  # fmt: skip
    (contact,) = rows(
        client, f"SELECT AccountId, OwnerId, Last_Form__c FROM Contact WHERE Id = '{contact_id('1')}'"
    )
    assert contact == {
        "AccountId": account_id("1"), "OwnerId": user_id("102"), "Last_Form__c": "2026-03-05T09:00:00.000+0000",
    }  # fmt: skip
    soql = "SELECT OpportunityId, ContactId, IsPrimary FROM OpportunityContactRole ORDER BY CreatedDate"
    assert rows(client, soql) == [
        {"OpportunityId": opportunity_id(deal), "ContactId": contact_id("1"), "IsPrimary": True}
        for deal in ("20", "21")
    ]
    assert rows(client, "SELECT WhoId, AccountId FROM Task") == [
        {"WhoId": contact_id("1"), "AccountId": account_id("1")}
    ]
    assert rows(client, "SELECT AccountId FROM Opportunity") == [{"AccountId": account_id("1")}] * 2


def test_a_conversion_without_an_opportunity_names_none(org: Start) -> None:
    client = org(written(conversion()), now=T0 + 4 * DAY)
    (lead,) = rows(
        client,
        f"SELECT IsConverted, ConvertedOpportunityId, ConvertedContactId FROM Lead WHERE Id = '{lead_id('2')}'",
    )
    assert lead == {
        "IsConverted": True, "ConvertedOpportunityId": None, "ConvertedContactId": contact_id("2"),
    }  # fmt: skip
    owner = rows(client, f"SELECT OwnerId FROM Contact WHERE Id = '{contact_id('2')}'")[0]["OwnerId"]
    assert owner == user_id("105")  # a queue can own a lead and no contact


def test_the_history_of_a_lead_tells_its_whole_way(org: Start) -> None:
    client = org(written(conversion()), now=T0 + 4 * DAY)
    names = "Field, DataType, OldValue, NewValue, CreatedById"
    told = rows(
        client, f"SELECT {names} FROM LeadHistory WHERE LeadId = '{lead_id('1')}' ORDER BY CreatedDate, Id"
    )
    assert [(row["Field"], row["OldValue"], row["NewValue"]) for row in told] == [
        ("created", None, None),
        ("ownerAssignment", "Nieuwe aanvragen", "Joost Terpstra"),
        ("ownerAssignment", group_id("190"), user_id("102")),
        ("Status", "Open - Not Contacted", "Connected"),
        ("Status", "Connected", "Qualified"),
        ("Status", "Qualified", "Converted"),
        ("leadConverted", None, None),
    ]
    assert [row["DataType"] for row in told[1:3]] == ["Text", "EntityId"]
    assert told[4]["CreatedById"] == user_id("102")
    forms = rows(
        client, f"SELECT Field, OldValue, NewValue FROM ContactHistory WHERE ContactId = '{contact_id('1')}'"
    )
    assert forms[1:] == [{
        "Field": "Last_Form__c", "OldValue": "2026-03-02T09:00:00.000+0000",
        "NewValue": "2026-03-05T09:00:00.000+0000",
    }]  # fmt: skip


def test_without_tracking_the_history_objects_are_there_and_empty(org: Start) -> None:
    history = written(conversion())
    client = org(history, now=T0 + 4 * DAY, tracking=())
    for kind in ("LeadHistory", "ContactHistory", "OpportunityFieldHistory"):
        assert rows(client, f"SELECT Id FROM {kind}", everything=True) == []
    assert len(rows(client, "SELECT Id FROM OpportunityHistory")) == 2
    since = org(history, now=T0 + 4 * DAY, tracked_since=T0 + timedelta(minutes=9))
    assert "Connected" not in {row["NewValue"] for row in rows(since, "SELECT NewValue FROM LeadHistory")}
    assert ledger(history, T0 + 4 * DAY, tracking=("Opportunity",))["lead_history"] == {}


def test_field_history_is_kept_eighteen_months_and_stage_history_for_ever(org: Start) -> None:
    history = written(conversion())
    now = datetime(2027, 9, 2, 12, tzinfo=UTC)
    client = org(history, now=now)
    kept = rows(client, "SELECT CreatedDate FROM LeadHistory")
    assert kept and min(row["CreatedDate"] for row in kept) > "2026-03-02T12"
    assert len(rows(client, "SELECT Id FROM OpportunityHistory")) == 2
    unbound = org(history, now=now, history_months=None)
    assert len(rows(unbound, "SELECT Id FROM LeadHistory")) > len(kept)


def test_a_stage_history_row_follows_each_change_of_stage_amount_or_date(org: Start) -> None:
    script = Script()
    script.deal(T0, "20", "105", amount="5000")
    script.stage(T0 + timedelta(hours=1), "20", "contractsent", by="105")
    script.amount(T0 + timedelta(hours=2), "20", "6000", by="105")
    script.close_date(T0 + timedelta(hours=3), "20", T0 + 30 * DAY, by="105")
    script.deal_owner(T0 + timedelta(hours=4), "20", "101", by="105")
    script.stage(T0 + timedelta(hours=5), "20", "closedlost", by="101", reason="Prijs")
    client = org(written(script), now=T0 + DAY)
    names = "StageName, Amount, ExpectedRevenue, CloseDate, Probability, CreatedById"
    told = rows(client, f"SELECT {names} FROM OpportunityHistory ORDER BY CreatedDate, Id")
    assert [(row["StageName"], row["Amount"], row["CloseDate"]) for row in told] == [
        ("Afspraak gepland", 5000.0, "2026-05-31"), ("Offerte verstuurd", 5000.0, "2026-05-31"),
        ("Offerte verstuurd", 6000.0, "2026-05-31"), ("Offerte verstuurd", 6000.0, "2026-04-01"),
        ("Verloren", 6000.0, "2026-03-02"),
    ]  # fmt: skip
    assert [row["ExpectedRevenue"] for row in told] == [1000.0, 4000.0, 4800.0, 4800.0, 0.0]
    fields = [row["Field"] for row in rows(client, "SELECT Field FROM OpportunityFieldHistory ORDER BY Id")]
    assert fields == [
        "created", "StageName", "Amount", "CloseDate", "Owner", "Owner", "StageName", "CloseDate", "Loss_Reason__c",
    ]  # fmt: skip
    (deal,) = rows(client, "SELECT IsClosed, IsWon, Loss_Reason__c, OwnerId FROM Opportunity")
    assert deal == {"IsClosed": True, "IsWon": False, "Loss_Reason__c": "Prijs", "OwnerId": user_id("101")}


def test_a_rejected_lead_shows_the_status_that_was_hidden_while_it_was_qualified(org: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.lifecycle(T0 + timedelta(hours=1), "1", "salesqualifiedlead", by="101")
    script.status(T0 + timedelta(hours=2), "1", "UNQUALIFIED", by="105")
    script.lifecycle(T0 + timedelta(hours=3), "1", "lead", by="105")
    client = org(written(script), now=T0 + DAY)
    told = rows(client, "SELECT NewValue, CreatedDate FROM LeadHistory WHERE Field = 'Status' ORDER BY Id")
    assert told == [
        {"NewValue": "Qualified", "CreatedDate": "2026-03-02T10:00:00.000+0000"},
        {"NewValue": "Unqualified", "CreatedDate": "2026-03-02T12:00:00.000+0000"},
    ]


def test_a_lead_that_is_merged_with_a_contact_is_converted_into_it(org: Start) -> None:
    script = Script()
    for number in ("1", "2", "3"):
        script.form(T0, number)
    script.deal(T0 + timedelta(hours=1), "20", "105", contacts=("2",))
    script.deal(T0 + timedelta(hours=2), "21", "105", contacts=("3",))
    script.call(T0 + timedelta(hours=3), "40", "1", "101")
    script.merge(T0 + timedelta(hours=4), "70", ("1", "2"), by="101")
    script.merge(T0 + timedelta(hours=5), "71", ("70", "3"), by="101")
    client = org(written(script), now=T0 + DAY)
    (lead,) = rows(
        client, f"SELECT ConvertedContactId, ConvertedOpportunityId FROM Lead WHERE Id = '{lead_id('1')}'"
    )
    assert lead == {"ConvertedContactId": contact_id("2"), "ConvertedOpportunityId": None}
    contacts = rows(client, "SELECT Id, IsDeleted, MasterRecordId FROM Contact ORDER BY Id", everything=True)
    assert contacts == [
        {"Id": contact_id("2"), "IsDeleted": False, "MasterRecordId": None},
        {"Id": contact_id("3"), "IsDeleted": True, "MasterRecordId": contact_id("2")},
    ]
    assert rows(client, "SELECT WhoId FROM Task") == [{"WhoId": contact_id("2")}]
    roles = rows(client, "SELECT OpportunityId, ContactId FROM OpportunityContactRole ORDER BY CreatedDate")
    assert [row["ContactId"] for row in roles] == [contact_id("2")] * 2


def test_an_association_changed_alone_makes_and_ends_roles_and_moves_calls(org: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.form(T0, "2")
    script.deal(T0, "20", "105")
    script.call(T0, "40", "1", "101")
    script.link(T0 + timedelta(hours=1), "deals", "20", "contacts", "1")
    script.unlink(T0 + timedelta(hours=2), "calls", "40", "contacts", "1")
    script.link(T0 + timedelta(hours=2), "calls", "40", "contacts", "2")
    script.unlink(T0 + timedelta(hours=3), "deals", "20", "contacts", "1")
    history = written(script)
    client = org(history, now=T0 + timedelta(hours=2))
    (lead,) = rows(client, f"SELECT ConvertedOpportunityId FROM Lead WHERE Id = '{lead_id('1')}'")
    assert lead["ConvertedOpportunityId"] == opportunity_id("20")
    assert rows(client, "SELECT WhoId, SystemModstamp FROM Task") == [
        {"WhoId": lead_id("2"), "SystemModstamp": "2026-03-02T11:00:00.000+0000"}
    ]
    assert len(rows(client, "SELECT Id FROM OpportunityContactRole")) == 1
    client.server.set_now(T0 + timedelta(hours=3))
    assert rows(client, "SELECT Id FROM OpportunityContactRole") == []
    assert rows(client, "SELECT IsDeleted FROM OpportunityContactRole", everything=True) == [
        {"IsDeleted": True}
    ]


def test_a_deleted_opportunity_takes_its_roles_and_history_along(org: Start) -> None:
    script = conversion()
    script.archive_deal(T0 + 3 * DAY, "20", by="105")
    script.restore_deal(T0 + 5 * DAY, "20", by="105")
    client = org(written(script), now=T0 + 4 * DAY)
    for kind in ("OpportunityContactRole", "OpportunityHistory", "OpportunityFieldHistory"):
        soql = f"SELECT IsDeleted FROM {kind} WHERE OpportunityId = '{opportunity_id('20')}'"
        assert rows(client, soql) == []
        assert {row["IsDeleted"] for row in rows(client, soql, everything=True)} == {True}
    client.server.set_now(T0 + 5 * DAY)
    for kind in ("OpportunityContactRole", "OpportunityHistory", "OpportunityFieldHistory"):
        assert rows(client, f"SELECT IsDeleted FROM {kind} WHERE OpportunityId = '{opportunity_id('20')}'")


def test_activities_are_tasks_and_events(org: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.call(T0, "40", "1", "101", outcome="voicemail", seconds=31, logged_at=T0 + timedelta(hours=7))
    script.call(T0, "41", "1", "101", outcome=None, seconds=0, status="CANCELED", direction="in")
    script.email(T0, "50", "1", "102", direction="in")
    script.email(T0, "51", "1", None, automated=True)
    script.deal(T0, "20", "105")
    script.meeting(T0, "60", "1", "105", T0 + DAY, outcome="NO_SHOW", deal="20")
    client = org(written(script), now=T0 + 2 * DAY)
    names = (
        "TaskSubtype, Status, IsClosed, CallType, CallDisposition, CallDurationInSeconds, Happened_At__c, CreatedDate, "
        "ActivityDate, OwnerId, Direction__c, WhoId, WhatId"
    )
    called, planned, mail, automatic = rows(client, f"SELECT {names} FROM Task ORDER BY Id")
    assert called == {
        "TaskSubtype": "Call", "Status": "Completed", "IsClosed": True, "CallType": "Outbound",
        "CallDisposition": "Left Voicemail", "CallDurationInSeconds": 31,
        "Happened_At__c": "2026-03-02T09:00:00.000+0000", "CreatedDate": "2026-03-02T16:00:00.000+0000",
        "ActivityDate": "2026-03-02", "OwnerId": user_id("101"), "Direction__c": "Outbound",
        "WhoId": lead_id("1"), "WhatId": None,
    }  # fmt: skip
    assert (planned["Status"], planned["CallType"], planned["CallDisposition"]) == (
        "Canceled",
        "Inbound",
        None,
    )
    assert (mail["TaskSubtype"], mail["Direction__c"], mail["CallType"]) == ("Email", "Inbound", None)
    robot = rows(client, "SELECT Id FROM User WHERE UserType = 'AutomatedProcess'")[0]["Id"]
    assert automatic["OwnerId"] == robot
    names = (
        "Id, StartDateTime, EndDateTime, DurationInMinutes, Outcome__c, WhoId, WhatId, OwnerId, IsAllDayEvent"
    )
    assert rows(client, f"SELECT {names} FROM Event") == [{
        "Id": event_id("60"), "StartDateTime": "2026-03-03T09:00:00.000+0000",
        "EndDateTime": "2026-03-03T10:00:00.000+0000", "DurationInMinutes": 60, "Outcome__c": "No Show",
        "WhoId": lead_id("1"), "WhatId": opportunity_id("20"), "OwnerId": user_id("105"), "IsAllDayEvent": False,
    }]  # fmt: skip


def test_something_to_do_is_an_open_task_and_a_message_a_closed_one(org: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.task(T0, "80", "1", "101", T0 + DAY, priority="HIGH", done_at=T0 + 3 * DAY)
    script.message(T0, "90", "1", "102")
    client = org(written(script), now=T0 + 2 * DAY)
    names = "TaskSubtype, Subject, Status, IsClosed, ActivityDate, CompletedDateTime, IsHighPriority, WhoId"
    soql = f"SELECT {names} FROM Task ORDER BY Id"
    planned, sent = rows(client, soql)
    assert planned == {
        "TaskSubtype": "Call", "Subject": "Terugbellen", "Status": "Not Started", "IsClosed": False,
        "ActivityDate": "2026-03-03", "CompletedDateTime": None, "IsHighPriority": True, "WhoId": lead_id("1"),
    }  # fmt: skip
    assert (sent["TaskSubtype"], sent["Subject"], sent["IsClosed"]) == ("Task", "Whats App", True)
    client.server.set_now(T0 + 3 * DAY)
    done = rows(client, soql)[0]
    assert (done["Status"], done["IsClosed"]) == ("Completed", True)
    assert done["CompletedDateTime"] == "2026-03-05T09:00:00.000+0000"


def test_a_task_older_than_a_year_is_archived_without_a_stamp(org: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.call(T0, "40", "1", "101")
    script.call(T0 + 300 * DAY, "41", "1", "101")
    script.meeting(T0, "60", "1", "101", T0 + DAY)
    history = written(script)
    client = org(history, now=T0 + 370 * DAY)
    assert ids(client, "SELECT Id FROM Task") == [task_id("41")]
    assert ids(client, "SELECT Id FROM Event") == []
    soql = "SELECT Id, IsArchived, SystemModstamp FROM Task ORDER BY Id"
    everything = rows(client, soql, everything=True)
    assert [row["IsArchived"] for row in everything] == [True, False]
    assert everything[0]["SystemModstamp"] == "2026-03-02T09:00:55.000+0000"
    assert ask(client, "SELECT COUNT() FROM Task").json()["totalSize"] == 1
    assert ledger(history, client.server.now)["tasks"].keys() == {row["Id"] for row in everything}
    assert len(ids(org(history, now=T0 + 370 * DAY, archive_after_days=None), "SELECT Id FROM Task")) == 2


def test_a_formula_changes_without_a_stamp(org: Start) -> None:
    client = org(five_deals(), now=T0 + DAY)
    soql = f"SELECT Age_Days__c, SystemModstamp FROM Opportunity WHERE Id = '{opportunity_id('3')}'"
    (before,) = rows(client, soql)
    client.server.set_now(T0 + 5 * DAY)
    (after,) = rows(client, soql)
    assert (before["Age_Days__c"], after["Age_Days__c"]) == (0.0, 4.0)
    assert before["SystemModstamp"] == after["SystemModstamp"]
    fields = client.get(f"{BASE}/sobjects/Opportunity/describe").json()["fields"]
    assert [one["name"] for one in fields if one["calculated"]] == ["Age_Days__c"]
    assert all("Age_Days__c" not in row for row in ledger(five_deals(), T0 + DAY)["opportunities"].values())


# --- users, queues, picklists, money


def test_a_lead_can_be_owned_by_a_queue_and_who_left_is_inactive(org: Start) -> None:
    script = Script()
    script.form(T0, "1")
    script.list_row(T0, "2", by="103")
    script.deactivate(T0 + timedelta(hours=1), "104")
    client = org(written(script), now=T0 + DAY)
    queued, unowned = rows(client, "SELECT OwnerId, CreatedById FROM Lead ORDER BY Id")
    assert queued["OwnerId"] == group_id("190") and queued["OwnerId"].startswith("00G")
    groups = {row["Id"]: row["Type"] for row in rows(client, "SELECT Id, Type FROM Group")}
    assert groups[queued["OwnerId"]] == groups[unowned["OwnerId"]] == "Queue"
    assert queued["OwnerId"] != unowned["OwnerId"]
    assert unowned["CreatedById"] == user_id("103")
    left = rows(client, "SELECT Id, SystemModstamp FROM User WHERE IsActive = false")
    assert left == [{"Id": user_id("104"), "SystemModstamp": "2026-03-02T10:00:00.000+0000"}]
    assert len(rows(client, "SELECT Id FROM User WHERE UserType = 'Standard' AND IsActive = true")) == 4


def test_stages_and_statuses_say_what_they_are(org: Start) -> None:
    faults = (
        Faults().stage_unlisted("qualifiedtobuy").stage_renamed("contractsent", label="Voorstel", order=0)
    )
    client = org(faults=faults)
    soql = "SELECT ApiName, MasterLabel, IsClosed, IsWon, SortOrder FROM OpportunityStage ORDER BY SortOrder"
    stages = rows(client, soql)
    assert [row["ApiName"] for row in stages if row["IsClosed"]] == ["Gewonnen", "Verloren"]
    assert [row["ApiName"] for row in stages if row["IsWon"]] == ["Gewonnen"]
    assert "Offerte verstuurd" in [row["ApiName"] for row in stages[:2]]
    assert ("Offerte verstuurd", "Voorstel") in {(row["ApiName"], row["MasterLabel"]) for row in stages}
    used = {row["StageName"] for row in rows(client, "SELECT StageName FROM OpportunityHistory")}
    assert used - {row["ApiName"] for row in stages} == {"Behoefte bevestigd"}
    statuses = rows(client, "SELECT ApiName FROM LeadStatus WHERE IsConverted = true")
    assert statuses == [{"ApiName": "Converted"}]


def test_only_an_org_with_several_currencies_has_them(org: Start) -> None:
    script = Script()
    script.deal(T0, "20", "105", currency="USD")
    history = written(script)
    client = org(history, now=T0 + DAY, multi_currency=True)
    assert rows(client, "SELECT CurrencyIsoCode FROM Opportunity") == [{"CurrencyIsoCode": "USD"}]
    soql = "SELECT IsoCode, ConversionRate, IsCorporate, IsActive FROM CurrencyType ORDER BY IsoCode"
    types = {row["IsoCode"]: row for row in rows(client, soql)}
    assert [code for code, row in types.items() if row["IsCorporate"]] == ["EUR"]
    assert [code for code, row in types.items() if not row["IsActive"]] == ["CHF"]
    soql = "SELECT StartDate, NextStartDate FROM DatedConversionRate WHERE IsoCode = 'USD' ORDER BY StartDate"
    dated = rows(client, soql)
    assert len(dated) == 15
    assert [row["NextStartDate"] for row in dated] == [*(row["StartDate"] for row in dated[1:]), "9999-12-31"]
    listed = {one["name"] for one in client.get(f"{BASE}/sobjects").json()["sobjects"]}
    assert {"CurrencyType", "DatedConversionRate"} <= listed
    single = org(history, now=T0 + DAY)
    listed = {one["name"] for one in single.get(f"{BASE}/sobjects").json()["sobjects"]}
    assert not {"CurrencyType", "DatedConversionRate"} & listed
    assert ledger(history, T0 + DAY)["currency_types"] == {}
    assert len(ledger(history, T0 + DAY, multi_currency=True)["currency_types"]) == 4


def test_a_deactivated_currency_is_listed_as_deleted(org: Start) -> None:
    script = Script()
    script.deal(datetime(2025, 3, 10, tzinfo=UTC), "20", "105")
    client = org(written(script), now=datetime(2025, 3, 15, tzinfo=UTC), multi_currency=True)
    span = {"start": "2025-02-20T00:00:00Z", "end": "2025-03-15T00:00:00Z"}
    listed = client.get(f"{BASE}/sobjects/CurrencyType/deleted", **span).json()["deletedRecords"]
    gone = rows(client, "SELECT Id FROM CurrencyType WHERE IsActive = false")
    assert [one["id"] for one in listed] == [row["Id"] for row in gone]


# --- descriptions


def test_a_field_taken_away_is_gone_from_descriptions_and_queries(org: Start) -> None:
    by_setting = org(removed_fields=[("leads", "Phone")])
    by_fault = org(faults=Faults().property_removed("Lead", "Phone"))
    for client in (by_setting, by_fault):
        described = client.get(f"{BASE}/sobjects/Lead/describe").json()
        names = {one["name"] for one in described["fields"]}
        assert names == set(all_fields("Lead")) - {"Phone", "CurrencyIsoCode"}
        assert error(ask(client, "SELECT Phone FROM Lead")) == (400, "INVALID_FIELD")
        assert ask(client, "SELECT Phone FROM Contact").ok


def test_descriptions_come_twenty_five_at_once(org: Start) -> None:
    client = org()
    one = {"method": "GET", "url": "v67.0/sobjects/Lead/describe"}
    none = {"method": "GET", "url": "v67.0/sobjects/Starship/describe"}
    reply = client.post(f"{BASE}/composite/batch", {"batchRequests": [one, none]}).json()
    assert reply["hasErrors"] is True
    assert [result["statusCode"] for result in reply["results"]] == [200, 404]
    assert reply["results"][0]["result"]["name"] == "Lead"
    assert client.post(f"{BASE}/composite/batch", {"batchRequests": [one] * 25}).json()["hasErrors"] is False
    assert client.post(f"{BASE}/composite/batch", {"batchRequests": [one] * 26}).status_code == 400
    assert client.post(f"{BASE}/composite/batch", {"batch": []}).status_code == 400


def test_one_record_can_be_asked_for_some_fields(org: Start) -> None:
    client = org(five_deals(), now=T0 + DAY)
    path = f"{BASE}/sobjects/Opportunity/{opportunity_id('3')[:15]}"
    reply = client.get(path, fields="Id,stagename").json()
    assert reply.pop("attributes")["type"] == "Opportunity"
    assert reply == {"Id": opportunity_id("3"), "StageName": "Gewonnen"}
    assert error(client.get(path, fields="Shoe__c")) == (400, "INVALID_FIELD")


# --- bulk


def test_a_job_takes_its_time_and_gives_its_rows_in_pages(org: Start) -> None:
    client = org(five_deals(), now=T0 + DAY, bulk_polls=2, bulk_page=2)
    made = client.post(
        f"{BASE}/jobs/query",
        {"operation": "query", "query": "SELECT Id, Amount, CreatedDate, IsWon FROM Opportunity"},
    ).json()
    assert (made["state"], made["object"], made["apiVersion"]) == ("UploadComplete", "Opportunity", 67.0)
    job = f"{BASE}/jobs/query/{made['id']}"
    assert error(client.get(f"{job}/results"))[0] == 400
    states = [client.get(job).json() for _ in range(3)]
    assert [one["state"] for one in states] == ["InProgress", "InProgress", "JobComplete"]
    assert [one["numberRecordsProcessed"] for one in states] == [0, 0, 5]
    found, locator, sizes = [], "", []
    while locator != "null":
        reply = client.get(f"{job}/results", maxRecords=50_000, **({"locator": locator} if locator else {}))
        assert reply.headers["Content-Type"] == "text/csv"
        assert reply.text.splitlines()[0] == '"Id","Amount","CreatedDate","IsWon"'
        found += read_csv(reply.text)
        sizes.append(reply.headers["Sforce-NumberOfRecords"])
        locator = reply.headers["Sforce-Locator"]
    assert sizes == ["2", "2", "1"]
    assert [row["Id"] for row in found] == [opportunity_id(str(number)) for number in range(1, 6)]
    assert found[2] == {
        "Id": opportunity_id("3"), "Amount": "2000.0", "CreatedDate": "2026-03-02T12:00:00.000Z", "IsWon": "true",
    }  # fmt: skip
    assert found[3]["Amount"] == ""
    assert error(client.get(f"{job}/results", locator="!"))[1] == "INVALID_QUERY_LOCATOR"


def test_the_addresses_of_the_pages_come_five_at_once(org: Start) -> None:
    client = org(bulk_page=20)
    job = run_job(client, "SELECT Id FROM Task")
    total = client.get(job).json()["numberRecordsProcessed"]
    assert total > 100
    listed = client.get(f"{job}/resultPages").json()
    assert (len(listed["resultPages"]), listed["done"]) == (5, False)
    found: list[dict[str, str]] = []
    while True:
        for one in listed["resultPages"]:
            found += read_csv(client.get(one["resultLink"]).text)
        if listed["done"]:
            break
        listed = client.get(listed["nextRecordsUrl"]).json()
    assert len({row["Id"] for row in found}) == len(found) == total


def test_results_are_gzip_when_asked_and_keep_awkward_texts(org: Start) -> None:
    client = org()
    job = run_job(client, "SELECT Id, Description FROM Task")
    url = client.server.base_url + f"{job}/results"
    packed = client.session.get(url, stream=True, timeout=10)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.request.headers["Accept-Encoding"]
    text = gzip.decompress(packed.raw.read()).decode()
    plain = client.session.get(url, headers={"Accept-Encoding": "identity"}, timeout=10)
    assert "Content-Encoding" not in plain.headers
    assert plain.content.decode() == text
    found = {row["Id"]: row["Description"] or None for row in read_csv(text)}
    by_rest = {
        row["Id"]: row["Description"]
        for row in rows(client, "SELECT Id, Description FROM Task", everything=True)
    }
    assert found == by_rest
    texts = set(found.values())
    assert {"NA", "null", "None"} <= texts
    assert any(value and "\n" in value and '"' in value for value in texts)


def test_other_delimiters_and_line_endings(org: Start) -> None:
    client = org(five_deals(), now=T0 + DAY)
    job = run_job(client, "SELECT Id, Name FROM Opportunity", columnDelimiter="SEMICOLON", lineEnding="CRLF")
    text = client.get(f"{job}/results").content.decode()
    assert text.startswith('"Id";"Name"\r\n')
    assert len(read_csv(text, delimiter=";")) == 5


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM OpportunityStage", "INVALIDENTITY"),
        ("SELECT Id, Address FROM Lead", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT COUNT() FROM Lead", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Shoe__c FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY"),
    ],
)
def test_what_bulk_does_not_do_is_refused_when_the_job_is_made(org: Start, soql: str, code: str) -> None:
    client = org()
    assert error(client.post(f"{BASE}/jobs/query", {"operation": "query", "query": soql})) == (400, code)
    assert client.get(f"{BASE}/jobs/query").json()["records"] == []


def test_a_job_can_fail_be_aborted_and_be_deleted(org: Start) -> None:
    client = org(bulk_failing=("Task",))
    failed = client.get(run_job(client, "SELECT Id FROM Task")).json()
    assert (failed["state"], bool(failed["errorMessage"])) == ("Failed", True)
    made = client.post(f"{BASE}/jobs/query", {"operation": "query", "query": "SELECT Id FROM Lead"}).json()
    url = f"{client.server.base_url}{BASE}/jobs/query/{made['id']}"
    assert error(client.session.delete(url, timeout=10))[1] == "INVALIDJOBSTATE"
    aborted = client.session.patch(url, json={"state": "Aborted"}, timeout=10)
    assert aborted.json()["state"] == "Aborted"
    assert client.session.patch(url, json={"state": "Aborted"}, timeout=10).status_code == 400
    deleted = client.session.delete(url, timeout=10)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.session.get(url, timeout=10).status_code == 404
    again = client.post(f"{BASE}/jobs/query", {"operation": "query", "query": "SELECT Id FROM Lead"}).json()
    assert again["id"] not in (made["id"], failed["id"])
    assert client.get(f"{BASE}/limits").json()["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 9_998}
    none = org(bulk=False)
    assert (
        error(none.post(f"{BASE}/jobs/query", {"operation": "query", "query": "SELECT Id FROM Lead"}))[0]
        == 400
    )


def test_a_job_shows_what_query_or_query_all_shows(org: Start) -> None:
    client = org(written(life()), now=T0 + 3 * DAY)
    for operation, expected in (("query", 2), ("queryAll", 4)):
        job = run_job(client, "SELECT Id FROM Lead", operation)
        assert len(read_csv(client.get(f"{job}/results").text)) == expected
    client.server.set_now(T0 + 10 * DAY)
    assert client.get(job).status_code == 404  # results are kept seven days


# --- limits and faults


def test_usage_rises_with_every_answer_and_the_allowance_has_no_retry_after(org: Start) -> None:
    client = org(enforce_limits=True, daily_allowance=103, used_before=100)
    infos = [ask(client, "SELECT COUNT() FROM Lead").headers["Sforce-Limit-Info"] for _ in range(3)]
    assert infos == ["api-usage=101/103", "api-usage=102/103", "api-usage=103/103"]
    reply = ask(client, "SELECT COUNT() FROM Lead")
    assert error(reply) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert reply.json()[0]["message"] == "TotalRequests Limit exceeded."
    assert not [name for name in reply.headers if "retry" in name.lower() or "ratelimit" in name.lower()]
    body = token(client, grant_type="client_credentials", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    assert body.ok
    client.server.set_now(client.server.now + DAY)
    assert works_with(client, body.json()["access_token"]) == 401
    client.session.headers["Authorization"] = f"Bearer {TOKEN}"
    assert ask(client, "SELECT COUNT() FROM Lead").ok
    remaining = client.get(f"{BASE}/limits").json()["DailyApiRequests"]
    assert remaining == {"Max": 103, "Remaining": 1}


def test_the_edge_answers_with_a_page_and_faults_with_the_vendors_words(org: Start) -> None:
    faults = (
        Faults().status("query", 420).status("query", 503, after=1).status("query", 500, after=2)
        .status("query", 429, after=3).daily_limit_after(4)
    )  # fmt: skip
    client = org(faults=faults)
    page = ask(client, "SELECT Id FROM Lead")
    assert (page.status_code, "setting things up" in page.text) == (420, True)
    assert "html" in page.headers["Content-Type"]
    assert error(ask(client, "SELECT Id FROM Lead")) == (503, "SERVER_UNAVAILABLE")
    assert error(ask(client, "SELECT Id FROM Lead")) == (500, "UNKNOWN_EXCEPTION")
    assert ask(client, "SELECT Id FROM Lead").status_code == 429
    assert error(ask(client, "SELECT Id FROM Lead")) == (403, "REQUEST_LIMIT_EXCEEDED")


def test_a_window_too_wide_times_out(org: Start) -> None:
    client = org(timeout_seconds=86_400)

    def answer(where: str) -> int:
        reply = ask(client, f"SELECT Id FROM Lead{where}", everything=True)
        assert reply.ok or error(reply) == (400, "QUERY_TIMEOUT")
        return reply.status_code

    start = "SystemModstamp >= 2026-08-01T00:00:00Z"
    assert answer("") == 400
    assert answer(f" WHERE {start} AND SystemModstamp < 2026-08-03T00:00:00Z") == 400
    assert answer(f" WHERE {start} AND SystemModstamp < 2026-08-02T00:00:00Z") == 200
    assert answer(f" WHERE ({start} AND SystemModstamp < 2026-08-02T00:00:00Z) AND Status = 'Open'") == 200
    assert answer(f" WHERE {start} OR SystemModstamp < 2026-08-02T00:00:00Z") == 400
    assert answer(" WHERE SystemModstamp >= 2026-08-31T12:00:00Z") == 200
    assert answer(f" WHERE Id > '{lead_id('1')}'") == 200
    assert ask(client, "SELECT COUNT() FROM Lead").ok
    assert ask(client, "SELECT Id FROM User").ok


def test_without_view_all_data_activities_are_too_many(org: Start) -> None:
    for client in (org(view_all_data=False), org(faults=Faults().scope_removed("view_all_data"))):
        reply = ask(client, "SELECT Id FROM Task")
        assert error(reply) == (400, "OPERATION_TOO_LARGE")
        assert reply.json()[0]["message"] == "exceeded 100000 distinct who/what's"
        job = client.post(f"{BASE}/jobs/query", {"operation": "query", "query": "SELECT Id FROM Event"})
        assert error(job) == (400, "API_ERROR")
        assert "Implementation restriction" in job.text
        assert ask(client, "SELECT Id FROM Lead").ok


def test_a_user_without_the_api_or_an_object_is_told_so(org: Start) -> None:
    client = org(faults=Faults().scope_removed("api"))
    assert error(ask(client, "SELECT Id FROM Lead")) == (403, "API_DISABLED_FOR_ORG")
    client = org(faults=Faults().scope_removed("Event"))
    assert error(ask(client, "SELECT Id FROM Event")) == (400, "INVALID_TYPE")
    assert client.get(f"{BASE}/sobjects/Event/describe").status_code == 404
    assert ask(client, "SELECT Id FROM Task").ok


def test_pages_can_be_bent(org: Start) -> None:
    soql = "SELECT Id FROM Lead"

    def first(faults: Faults) -> dict[str, Any]:
        return ask(org(faults=faults, max_page=60), soql).json()

    whole = first(Faults())
    assert whole["totalSize"] > 120 and not whole["done"]
    assert first(Faults().empty_everything()) == {"totalSize": 0, "done": True, "records": []}
    assert first(Faults().null_results("query"))["records"] is None
    assert len(first(Faults().duplicate_page("query"))["records"]) == 120
    assert first(Faults().next_points_to("query", "/elsewhere"))["nextRecordsUrl"] == "/elsewhere"
    client = org(faults=Faults().omit_last_page("query"), max_page=60)
    assert len(rows(client, soql)) < whole["totalSize"] <= len(rows(client, soql)) + 60
    client = org(faults=Faults().loop_next("query"), max_page=60)
    following = ask(client, soql).json()["nextRecordsUrl"]
    assert client.get(following).json()["nextRecordsUrl"] == following
    client = org(faults=Faults().value("opportunities", "Amount", "N/A"))
    assert {row["Amount"] for row in rows(client, "SELECT Amount FROM Opportunity")} == {"N/A"}


def test_results_can_be_bent(org: Start) -> None:
    def pages(faults: Faults) -> list[requests.Response]:
        client = org(faults=faults, bulk_page=60)
        job = run_job(client, "SELECT Id FROM Lead")
        found = [client.get(f"{job}/results")]
        while found[-1].headers["Sforce-Locator"] != "null" and len(found) < 9:
            found.append(client.get(f"{job}/results", locator=found[-1].headers["Sforce-Locator"]))
        return found

    whole = pages(Faults())
    assert 2 < len(whole) < 9
    assert len(pages(Faults().omit_last_page("results"))) == len(whole) - 1
    assert len(pages(Faults().loop_next("results"))) == 9
    assert [len(read_csv(one.text)) for one in pages(Faults().duplicate_page("results"))][:2] == [120, 60]
    assert [len(read_csv(one.text)) for one in pages(Faults().empty_everything("results"))] == [0]


def test_a_partly_failed_batch_says_which(org: Start) -> None:
    client = org(faults=Faults().partial_batch("composite"))
    one = {"method": "GET", "url": "v67.0/sobjects/Lead/describe"}
    body = client.post(f"{BASE}/composite/batch", {"batchRequests": [one, one]}).json()
    assert body["hasErrors"] is True
    assert [result["statusCode"] for result in body["results"]] == [200, 503]


def test_an_unknown_setting_is_an_error_of_the_test(org: Start) -> None:
    client = org(late_second=5)
    with pytest.raises(requests.ConnectionError):
        ask(client, "SELECT Id FROM Lead")


# --- the whole company, and a public client


def as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"multi_currency": True, "bin_days": 5, "history_months": 2},
        {"late_seconds": 900, "late_share": 0.9},
    ],
    ids=["plain", "several currencies", "late"],
)
def test_query_shows_what_the_ledger_says(org: Start, small: Population, settings: dict[str, Any]) -> None:
    now = next(event.at for event in small.events if event.at > datetime(2026, 8, 20, 10, tzinfo=UTC))
    client = org(now=now, max_page=97, **settings)
    truth = ledger(small, now, **settings)
    assert set(truth) == set(NAMES.values())
    assert (truth == ledger(small, now)) == (not settings)
    for kind, name in NAMES.items():
        described = client.get(f"{BASE}/sobjects/{kind}/describe")
        if not truth[name]:
            assert not described.ok or rows(client, f"SELECT Id FROM {kind}") == []
            continue
        names = next(iter(truth[name].values())).keys()
        assert {one["name"] for one in described.json()["fields"]} >= names
        found = rows(client, f"SELECT {', '.join(names)} FROM {kind} WHERE Id != null", everything=True)
        told = {
            row["Id"]: {column: as_text(value) for column, value in row.items()}
            for row in found
            if row.get("IsDeleted") is not True
        }
        assert told == truth[name], kind


def test_the_ledger_grows_and_never_changes_what_was_not_touched(small: Population) -> None:
    before, after = (ledger(small, datetime(2026, 8, day, tzinfo=UTC)) for day in (10, 11))
    moved = 0
    for name in ("leads", "opportunities", "tasks", "events"):
        for record_id, row in before[name].items():
            if record_id in after[name] and after[name][record_id] != row:
                moved += 1
                assert after[name][record_id]["SystemModstamp"] >= "2026-08-10"
        for record_id in after[name].keys() - before[name].keys():
            assert after[name][record_id]["SystemModstamp"] >= "2026-08-10"
    assert moved > 5
    for record_id, row in before["opportunity_history"].items():
        assert after["opportunity_history"].get(record_id, row) == row


class _ToSandbox(HTTPAdapter):
    """Sends what is meant for the vendor's addresses to the sandbox; the client can't speak plain HTTP."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base_url = base_url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        request.url = self.base_url + "/" + request.url.split("/", 3)[3]
        return super().send(request, *args, **kwargs)


def public_client(client: Client, **login: Any) -> Any:
    from simple_salesforce import Salesforce

    session = requests.Session()
    session.mount("https://", _ToSandbox(client.server.base_url))
    return Salesforce(session=session, version="67.0", **login)


def test_a_public_client_reads_the_whole_company(
    org: Start, small: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    import simple_salesforce.bulk2

    monkeypatch.setattr(simple_salesforce.bulk2, "sleep", lambda seconds: None)
    client = org(max_page=150, bulk_page=400)
    public = public_client(client, instance_url=client.server.base_url, session_id=TOKEN)
    truth = ledger(small, client.server.now)
    assert {one["name"] for one in public.describe()["sobjects"]} >= {"Lead", "Opportunity", "Task"}
    for kind, name in (("Lead", "leads"), ("Task", "tasks"), ("OpportunityHistory", "opportunity_history")):
        names = list(next(iter(truth[name].values())))
        described = {one["name"] for one in getattr(public, kind).describe()["fields"]}
        assert described >= set(names)
        soql = f"SELECT {', '.join(names)} FROM {kind}"
        found = public.query_all(soql, include_deleted=True)
        assert found["totalSize"] == len(found["records"])
        by_rest = {
            row["Id"]: {column: as_text(row[column]) for column in names}
            for row in found["records"]
            if not row["IsDeleted"]
        }
        assert by_rest == truth[name]
        by_bulk: dict[str, dict[str, str | None]] = {}
        pages = list(getattr(public.bulk2, kind).query_all(soql, max_records=10_000))
        assert len(pages) > 1 or len(by_rest) < 400
        for page in pages:
            for row in read_csv(page):
                if row["IsDeleted"] == "false":
                    by_bulk[row["Id"]] = {
                        column: (value[:-1] + "+0000" if value.endswith(".000Z") else value) or None
                        for column, value in row.items()
                    }
        assert by_bulk == truth[name]
    start, end = client.server.now - 20 * DAY, client.server.now
    assert public.Lead.deleted(start, end)["deletedRecords"]
    assert len(public.Lead.updated(start, end)["ids"]) > 10
    public.query("SELECT COUNT() FROM Lead")
    assert public.api_usage["api-usage"].used == len(client.server.calls)


def test_a_public_client_logs_in_and_understands_the_errors(org: Start) -> None:
    from simple_salesforce.exceptions import (
        SalesforceAuthenticationFailed,
        SalesforceExpiredSession,
        SalesforceMalformedRequest,
        SalesforceRefusedRequest,
        SalesforceResourceNotFound,
    )

    client = org(daily_allowance=3, enforce_limits=True)
    login = {"consumer_key": CLIENT_ID, "domain": "installaties.my"}
    public = public_client(client, consumer_secret=CLIENT_SECRET, **login)
    assert public.query("SELECT COUNT() FROM Lead")["totalSize"] > 100
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        public.query("SELECT FROM Lead")
    with pytest.raises(SalesforceResourceNotFound):
        public.Lead.get(lead_id("5"))
    with pytest.raises(SalesforceRefusedRequest, match="REQUEST_LIMIT_EXCEEDED"):
        public.query("SELECT Id FROM Lead")
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        public_client(client, consumer_secret="wrong", **login)
    direct = public_client(org(), instance_url="https://x.my.salesforce.com", session_id="wrong")
    with pytest.raises(SalesforceExpiredSession):
        direct.query("SELECT Id FROM Lead")


def test_a_public_client_logs_in_with_an_assertion(org: Start) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public_key = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # The client dates its assertion by the machine's clock, so the org's clock has to agree.
    client = org(now=datetime.fromtimestamp(time.time(), UTC), public_key=public_key.decode())
    login = {"username": USERNAME, "consumer_key": CLIENT_ID, "privatekey": private}
    assert public_client(client, **login).query("SELECT COUNT() FROM Lead")["done"] is True
