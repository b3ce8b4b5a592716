"""Config file and environment -> one frozen Settings, or a ConfigError that lists every mistake at once.

The file is read as YAML nodes, so that each value keeps its line and its text as written: a mistake is told
as `file:line key: what was found, what is allowed`. Each section is validated on its own, so that one bad
section does not hide the mistakes of the others. Nothing here touches the network.
"""

from __future__ import annotations

import difflib
import functools
import ipaddress
import itertools
import math
import os
import re
import stat
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)

from leadrole.errors import ConfigError

CONFIG_VERSION = 1
MAX_BYTES = 1_000_000
MAX_ALIASES = 1_000
MAX_VALUES = 100_000
MAX_DEPTH = 40
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
EXAMPLE = "copy config/leadrole.example.yml to config/leadrole.yml and fill it in"

CURRENCIES = frozenset(
    re.findall(
        "[A-Z]{3}",
        """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK
    LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
    OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
    SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG
    XOF XPF YER ZAR ZMW ZWG
    """,
    )
)

# --- values ------------------------------------------------------------------------------------------------


def _as_date(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("expected a date such as 2026-01-31") from None
    return value


def _as_moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("expected a moment with its zone, such as 2026-11-01T00:00:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError("the zone is missing; write for example 2026-11-01T00:00:00+01:00")
    return moment


def _as_decimal(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    return value


@functools.cache
def _zones() -> frozenset[str]:
    """Names with a place in them; CET and EST are no places, and their clocks ignore summer time in part."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def _is_zone(value: str) -> str:
    if value in _zones():
        return value
    near = difflib.get_close_matches(value, sorted(_zones()), n=1, cutoff=0.7)
    raise ValueError(f"unknown time zone; use an IANA name such as {near[0] if near else 'Europe/Amsterdam'}")


def _is_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("expected an ISO 4217 currency such as EUR")
    return value


def _is_country(value: str) -> str:
    import holidays

    if not re.fullmatch(r"[A-Z]{2}", value) or value not in holidays.list_supported_countries():
        raise ValueError("expected a two-letter country with known holidays, such as NL")
    return value


def _variable(kind: object, key: str) -> str:
    """A name for the environment variable that the key `key` of a source of this kind names."""
    return f"{kind}_{key.removesuffix('_env')}".upper()


def _is_env_name(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and not ENV_NAME.fullmatch(value):
        raise ValueError(
            "expected the NAME of an environment variable (capitals, digits, _), such as "
            f"{_variable(info.data.get('kind', 'crm'), info.field_name or 'token_env')}; "
            "what is secret belongs in that variable"
        )
    return value


def _is_rep(value: str) -> str:
    if "@" in value:
        raise ValueError("expected an owner id such as hubspot:101, not an e-mail address")
    if not re.fullmatch(rf"({'|'.join(KINDS)}):[^\s:]{{1,80}}", value):
        raise ValueError("expected <kind>:<owner id>, such as hubspot:101 or csv:anna")
    return value


Zone = Annotated[str, BeforeValidator(lambda value: _is_zone(value) if isinstance(value, str) else value)]
Currency = Annotated[
    str, BeforeValidator(lambda value: _is_currency(value) if isinstance(value, str) else value)
]
Country = Annotated[
    str, BeforeValidator(lambda value: _is_country(value) if isinstance(value, str) else value)
]
EnvName = Annotated[str, BeforeValidator(_is_env_name)]
RepId = Annotated[str, BeforeValidator(lambda value: _is_rep(value) if isinstance(value, str) else value)]
Day = Annotated[date, BeforeValidator(_as_date)]
Moment = Annotated[datetime, BeforeValidator(_as_moment)]
Money = Annotated[Decimal, BeforeValidator(_as_decimal)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Motion = Literal["inbound", "outbound"]
Role = Literal["inbound", "outbound", "closer"]
Seniority = Literal["junior", "medior", "senior"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of the config file: frozen, exact in its types, with no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class OpenHours(Section):
    """One stretch of a working day."""

    opens: time
    closes: time


def _as_open_hours(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", value.strip())
    if not found:
        raise ValueError('expected opening and closing time such as "09:00-17:30" (00:00 to 23:59)')
    opens = time(int(found[1]), int(found[2]))
    closes = time(int(found[3]), int(found[4]))
    if closes <= opens:
        raise ValueError("closes before it opens; a shift over midnight is two stretches on two days")
    return OpenHours(opens=opens, closes=closes)


def _is_schedule_of(value: object) -> object:
    if not isinstance(value, str) or value == "company" or re.fullmatch(r"team:[a-z][a-z0-9_]{0,39}", value):
        return value
    try:
        return _is_rep(value)
    except ValueError:
        raise ValueError(
            "expected company, team:<name> or an owner id such as hubspot:101, whose hours these are"
        ) from None


Stretch = Annotated[OpenHours, BeforeValidator(_as_open_hours)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OFFICE_HOURS: dict[Weekday, tuple[OpenHours, ...]] = {
    "mon": (OpenHours(opens=time(9), closes=time(17, 30)),),
    "tue": (OpenHours(opens=time(9), closes=time(17, 30)),),
    "wed": (OpenHours(opens=time(9), closes=time(17, 30)),),
    "thu": (OpenHours(opens=time(9), closes=time(17, 30)),),
    "fri": (OpenHours(opens=time(9), closes=time(17, 30)),),
}


class Company(Section):
    """Whose warehouse this is, and when it works."""

    name: Text
    language: Literal["nl", "en"] = "en"
    timezone: Zone
    country: Country
    reporting_currency: Currency
    employees: Annotated[int, Field(ge=1, le=1_000_000)]
    startup: bool = False
    lifetime_value: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    # Customers buy anew at least once a year, and each time is a won deal: then who stopped can be told.
    subscriptions: bool = False
    gross_margin: Annotated[float, Field(gt=0, le=1)] | None = None
    working_hours: dict[Weekday, tuple[Stretch, ...]] = OFFICE_HOURS
    fte_hours_week: Annotated[float, Field(gt=0, le=80)] = 40


class CallLimit(Section):
    """How fast we may ask; other programs share the account's limit."""

    per_10_seconds: Annotated[int, Field(ge=1, le=1_000_000)] = 100


class RateLimit(CallLimit):
    """How fast we may ask where searches have a limit of their own."""

    search_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = 4


class ApiSource(Section):
    """What every CRM that is read through an API has in common."""

    name: Name
    kind: str
    base_url: str
    page_size: Annotated[int, Field(ge=1, le=2000)] = 100
    settle_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    overlap_seconds: Annotated[int, Field(ge=0, le=86400)] = 900
    full_reread_days: Annotated[int, Field(ge=1, le=90)] = 7
    max_clock_skew_minutes: Annotated[int, Field(ge=1, le=60_000_000)] = 10
    # Other programs live from the same account's day.
    max_allowance_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    accepted_stages: tuple[Text, ...] = ()
    unknown_stage: Literal["fail", "warn"] = "fail"

    # Which key names the environment variable of which secret.
    SECRETS: ClassVar[Mapping[str, str]] = {}
    # The vendor's own hosts, and an address to show as an example.
    HOSTS: ClassVar[tuple[str, ...]] = ()
    EXAMPLE_URL: ClassVar[str] = ""
    # Keys that name a file which nobody but this user may read.
    PRIVATE_FILES: ClassVar[tuple[str, ...]] = ()

    @property
    def milestones(self) -> tuple[tuple[str, str, str], ...]:
        """Field, value and milestone of each value of a lead that means qualified or disqualified."""
        return ()

    @property
    def activity_meanings(self) -> tuple[tuple[str, str, str | None, str | None], ...]:
        """Type of activity, kind, direction and outcome, where the CRM lets each company name its own types."""
        return ()

    @property
    def queues(self) -> tuple[str, ...]:
        """Ids of owners that are no person, where the CRM doesn't tell them apart."""
        return ()

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What this kind of source forbids beyond its types: the key, and what is wrong."""
        return iter(())


class HubspotSource(ApiSource):
    """A HubSpot account, read through its API."""

    SECRETS = {
        "token_env": "token",
        "client_id_env": "client_id",
        "client_secret_env": "client_secret",
        "refresh_token_env": "refresh_token",
    }
    HOSTS = ("hubapi.com", "hubspot.com")
    EXAMPLE_URL = "https://api.hubapi.com"

    kind: Literal["hubspot"]
    base_url: str = "https://api.hubapi.com"
    api_version: Literal["2026-03", "2026-09", "v3"] = "2026-03"
    token_env: EnvName | None = None
    token: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    client_id_env: EnvName | None = None
    client_id: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    client_secret_env: EnvName | None = None
    client_secret: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    refresh_token_env: EnvName | None = None
    refresh_token: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    rate_limit: RateLimit = RateLimit()
    page_size: Annotated[int, Field(ge=1, le=100)] = 100
    deal_pipelines: tuple[Text, ...] = ()
    qualified_stages: tuple[Text, ...] = ("salesqualifiedlead", "opportunity", "customer")
    disqualified_statuses: tuple[Text, ...] = ("UNQUALIFIED", "BAD_TIMING")
    leads_object: Literal["auto", "never"] = "auto"
    qualified_lead_stages: tuple[Text, ...] = ("qualified-stage-id",)
    disqualified_lead_stages: tuple[Text, ...] = ("unqualified-stage-id",)

    @property
    def is_app(self) -> bool:
        """Whether we come as an app and not with a service key."""
        return self.token_env is None

    @property
    def milestones(self) -> tuple[tuple[str, str, str], ...]:
        """What a contact's life-cycle stage and lead status mean, and a lead's stage."""
        return (
            *(("lifecyclestage", value, "qualified") for value in self.qualified_stages),
            *(("hs_lead_status", value, "disqualified") for value in self.disqualified_statuses),
            *(("hs_pipeline_stage", value, "qualified") for value in self.qualified_lead_stages),
            *(("hs_pipeline_stage", value, "disqualified") for value in self.disqualified_lead_stages),
        )

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """No way in or two, limits above HubSpot's, lists that are empty, stages that mean two things."""
        yield from _ways_in(self, "service key")
        for limit, allowed in (("per_10_seconds", 250), ("search_per_second", 5)):
            found = getattr(self.rate_limit, limit)
            if found > allowed and not is_loopback(self.base_url):
                yield (
                    f"rate_limit.{limit}",
                    f"found {found}; HubSpot allows at most {allowed} (more only on loopback)",
                )
        if not self.qualified_stages:
            yield "qualified_stages", "empty; name at least one lifecycle stage that counts as qualified"
        for stage in sorted(set(self.qualified_lead_stages) & set(self.disqualified_lead_stages)):
            yield "disqualified_lead_stages", f"{stage} is also one of qualified_lead_stages"


def _ways_in(source: HubspotSource | PipedriveSource, key_name: str) -> Iterator[tuple[str, str]]:
    """A key or an app, and all of it: anything else leaves open which is meant."""
    app = ("client_id_env", "client_secret_env", "refresh_token_env")
    missing = [key for key in app if getattr(source, key) is None]
    if source.token_env is not None and len(missing) < len(app):
        named = next(key for key in app if key not in missing)
        yield named, "token_env is given as well; write either token_env or the three keys of an app"
    elif source.token_env is None and len(missing) == len(app):
        yield "token_env", f"missing; name the variable with the {key_name}, or {', '.join(app)} of an app"
    elif source.token_env is None and missing:
        yield missing[0], "missing; an app needs all of " + ", ".join(app)


def _is_field_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,79}", value):
        raise ValueError("expected the API name of a field of that object, such as Last_Form__c")
    return value


FieldName = Annotated[
    str, BeforeValidator(lambda value: _is_field_name(value) if isinstance(value, str) else value)
]
ApiVersion = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]\.0$")]


class SalesforceSource(ApiSource):
    """A Salesforce org, read through its REST API and, where it is large, its Bulk API 2.0."""

    SECRETS = {
        "client_id_env": "client_id",
        "client_secret_env": "client_secret",
        "refresh_token_env": "refresh_token",
    }
    HOSTS = ("salesforce.com", "force.com")
    EXAMPLE_URL = "https://mycompany.my.salesforce.com"
    PRIVATE_FILES = ("private_key_file",)

    kind: Literal["salesforce"]
    api_version: ApiVersion = "67.0"
    login: Literal["client_credentials", "jwt", "refresh_token"] = "client_credentials"
    client_id_env: EnvName
    client_id: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    client_secret_env: EnvName | None = None
    client_secret: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    refresh_token_env: EnvName | None = None
    refresh_token: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    username: Text | None = None
    private_key_file: Path | None = None
    login_audience: Literal["https://login.salesforce.com", "https://test.salesforce.com"] = (
        "https://login.salesforce.com"
    )
    rate_limit: CallLimit = CallLimit()
    page_size: Annotated[int, Field(ge=200, le=2000)] = 2000
    # A long transaction shows its records long after their stamp.
    settle_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    overlap_seconds: Annotated[int, Field(ge=0, le=86400)] = 3600
    max_allowance_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    max_account_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    bulk_threshold: Annotated[int, Field(ge=0)] = 20_000
    bulk_page_size: Annotated[int, Field(ge=1, le=1_000_000)] = 50_000
    bulk_wait_minutes: Annotated[int, Field(ge=1, le=600)] = 60
    qualified_statuses: tuple[Text, ...] = ("Qualified", "Closed - Converted", "Converted")
    disqualified_statuses: tuple[Text, ...] = ("Unqualified", "Closed - Not Converted")
    currency: Currency | None = None
    last_form_field: FieldName | None = None
    lost_reason_field: FieldName | None = None
    happened_at_field: FieldName | None = None
    direction_field: FieldName | None = None
    meeting_outcome_field: FieldName | None = None

    @property
    def milestones(self) -> tuple[tuple[str, str, str], ...]:
        """Statuses that mean qualified or disqualified; a conversion always means qualified."""
        return (
            ("converted", "true", "qualified"),
            *(("status", value, "qualified") for value in self.qualified_statuses),
            *(("status", value, "disqualified") for value in self.disqualified_statuses),
        )

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What a way to log in needs, an address that is no org's, and a status that means two things."""
        needed = {
            "client_credentials": ("client_secret_env",),
            "jwt": ("username", "private_key_file"),
            "refresh_token": ("refresh_token_env",),
        }
        for key in needed[self.login]:
            if getattr(self, key) is None:
                yield "login", f"{self.login} needs {key} as well"
        host = urllib.parse.urlsplit(self.base_url).hostname or ""
        if host in ("login.salesforce.com", "test.salesforce.com"):
            yield "base_url", f"{host} is no org; write your My Domain, such as {self.EXAMPLE_URL}"
        for value in self.qualified_statuses:
            if value in self.disqualified_statuses:
                yield "disqualified_statuses", f"{value} is also in qualified_statuses"


# Tokens a seat and day, and calls in two seconds, by plan.
PIPEDRIVE_PLANS = {"lite": (1, 20), "growth": (2, 40), "premium": (5, 100), "ultimate": (7, 120)}
PIPEDRIVE_TOKENS = 30_000
# An app may call this many times as fast as a user's token.
PIPEDRIVE_APP_SPEED = 4
PIPEDRIVE_FIELDS = frozenset({"source_field", "deal_type_field"})


class ActivityKind(Section):
    """What one of the company's types of activity is; done, it has been one of these."""

    kind: Literal["call", "email", "meeting", "message", "linkedin", "task", "note"]
    direction: Literal["in", "out"] = "out"
    # Whether somebody was spoken to. Left out: a call of at least a minute reached somebody.
    reached: bool | None = None

    @property
    def meaning(self) -> tuple[str, str, str | None]:
        """Kind, direction and outcome in the words of the marts."""
        return self.kind, self.direction, {True: "reached", False: "not_reached", None: None}[self.reached]


CustomField = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
# What Pipedrive gives every company; a type that is not named here or in the config is a task.
PIPEDRIVE_TYPES = {
    "call": ActivityKind(kind="call"),
    "email": ActivityKind(kind="email"),
    "meeting": ActivityKind(kind="meeting", reached=True),
    "lunch": ActivityKind(kind="meeting", reached=True),
    "task": ActivityKind(kind="task"),
    "deadline": ActivityKind(kind="task"),
}


class OwnTypesSource(ApiSource):
    """A CRM in which each company names its own types of activity, and tells queues from people by nothing."""

    activity_kinds: dict[Text, ActivityKind] = {}
    queue_users: tuple[Text, ...] = ()

    # Types that the CRM itself gives every company, where they are known by their names.
    GIVEN_TYPES: ClassVar[Mapping[str, ActivityKind]] = {}

    @property
    def activity_meanings(self) -> tuple[tuple[str, str, str | None, str | None], ...]:
        """The types that the CRM gives, and those of the company."""
        return tuple(
            (name, *item.meaning) for name, item in {**self.GIVEN_TYPES, **self.activity_kinds}.items()
        )

    @property
    def queues(self) -> tuple[str, ...]:
        """Users that are no person."""
        return self.queue_users


class PipedriveSource(OwnTypesSource):
    """A Pipedrive company, read through its API with a user's token or as an app."""

    SECRETS = {
        "token_env": "token",
        "client_id_env": "client_id",
        "client_secret_env": "client_secret",
        "refresh_token_env": "refresh_token",
    }
    HOSTS = ("pipedrive.com",)
    EXAMPLE_URL = "https://api.pipedrive.com"
    GIVEN_TYPES = PIPEDRIVE_TYPES

    kind: Literal["pipedrive"]
    base_url: str = "https://api.pipedrive.com"
    token_env: EnvName | None = None
    token: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    client_id_env: EnvName | None = None
    client_id: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    client_secret_env: EnvName | None = None
    client_secret: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    refresh_token_env: EnvName | None = None
    refresh_token: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    plan: Literal["lite", "growth", "premium", "ultimate"] = "lite"
    seats: Annotated[int, Field(ge=1, le=10_000)] = 1
    top_up: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    # Where the day of the tokens begins at midnight.
    budget_timezone: Zone = "UTC"
    page_size: Annotated[int, Field(ge=1, le=500)] = 500
    qualified_stages: tuple[Text, ...] = ()
    lead_stages: tuple[Text, ...] = ()
    qualified_labels: tuple[Text, ...] = ()
    disqualified_labels: tuple[Text, ...] = ()
    archived_is_disqualified: bool = True
    source_field: CustomField | None = None
    deal_type_field: CustomField | None = None

    @property
    def login_url(self) -> str:
        """Where an app renews its access; a sandbox on loopback does it itself."""
        return self.base_url if is_loopback(self.base_url) else "https://oauth.pipedrive.com"

    @property
    def is_app(self) -> bool:
        """Whether we come as an app and not with a user's token."""
        return self.token_env is None

    @property
    def daily_tokens(self) -> int:
        """What the company may spend a day, all its programs together."""
        return PIPEDRIVE_TOKENS * PIPEDRIVE_PLANS[self.plan][0] * self.seats + self.top_up

    @property
    def burst(self) -> int:
        """How many calls we may make in two seconds."""
        calls = PIPEDRIVE_PLANS[self.plan][1]
        return calls * PIPEDRIVE_APP_SPEED if self.is_app else calls

    @property
    def milestones(self) -> tuple[tuple[str, str, str], ...]:
        """A lead has no stage: becoming a deal means qualified, unless stages of deals are named for it."""
        return (
            *(() if self.qualified_stages else (("conversion", "converted", "qualified"),)),
            *(("stage", value, "qualified") for value in self.qualified_stages),
            *(("stage", value, "lead") for value in self.lead_stages),
            *(("label", value, "qualified") for value in self.qualified_labels),
            *(("label", value, "disqualified") for value in self.disqualified_labels),
            *((("archived", "true", "disqualified"),) if self.archived_is_disqualified else ()),
        )

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """No way in, two ways in, half a way in, and lists that contradict one another."""
        yield from _ways_in(self, "token")
        if self.lead_stages and not self.qualified_stages:
            yield (
                "lead_stages",
                "needs qualified_stages as well: the stages in which such a deal counts as qualified",
            )
        for name, one, other in (
            ("lead_stages", self.lead_stages, self.qualified_stages),
            ("disqualified_labels", self.disqualified_labels, self.qualified_labels),
        ):
            both = sorted(set(one) & set(other))
            if both:
                yield name, f"{both[0]} is listed as qualified too"


class OdooSource(OwnTypesSource):
    """An Odoo database, read through JSON-2 (Odoo 19 and later) or JSON-RPC (until 21).

    Odoo's own types of activity are known by their category or their picture, not by a name.
    """

    SECRETS = {"token_env": "token"}
    HOSTS = ("odoo.com",)
    EXAMPLE_URL = "https://mycompany.odoo.com"

    kind: Literal["odoo"]
    database: Text
    username: Text | None = None
    protocol: Literal["json2", "jsonrpc"] = "json2"
    token_env: EnvName
    token: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)
    rate_limit: CallLimit = CallLimit()
    page_size: Annotated[int, Field(ge=1, le=2000)] = 1000
    # A record is stamped with the start of its transaction: an import of an hour shows an hour late.
    overlap_seconds: Annotated[int, Field(ge=0, le=86400)] = 3600
    qualified_from_stage: Text | None = None
    opportunities_are_leads: bool = False

    @property
    def milestones(self) -> tuple[tuple[str, str, str], ...]:
        """Becoming an opportunity means qualified, and so does this stage; a lost lead is disqualified."""
        return (
            ("type", "opportunity", "qualified"),
            *((("stage", self.qualified_from_stage, "qualified"),) if self.qualified_from_stage else ()),
            ("lost", "true", "disqualified"),
            *((("made_as", "opportunity", "lead"),) if self.opportunities_are_leads else ()),
        )

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """JSON-RPC without its user, and leads that nothing could qualify."""
        if self.protocol == "jsonrpc" and self.username is None:
            yield "protocol", "jsonrpc needs username as well: the login of the user to whom the key belongs"
        if self.opportunities_are_leads and self.qualified_from_stage is None:
            yield (
                "opportunities_are_leads",
                "true needs also qualified_from_stage: what never was a lead is not qualified by becoming an opportunity",
            )


class CsvColumn(Section):
    """Where one of our fields stands in a CSV file, and how a moment is written there."""

    column: Text
    format: Text | None = None
    timezone: Zone | None = None


def _as_column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


Column = Annotated[CsvColumn, BeforeValidator(_as_column)]


class CsvObject(Section):
    """One CSV file and its columns; `file` is absolute after loading."""

    file: Path
    columns: dict[str, Column]


class CsvLeads(CsvObject):
    """The leads' export; it may end before the other files do."""

    covers_until: Day | None = None


# What each CSV object may and must map. Kept beside the models because a config mistake is told from it.
CSV_FIELDS: dict[str, tuple[str, ...]] = {
    "leads": (
        "id", "created_at", "source", "person_id", "owner_id", "qualified_at", "disqualified_at",
        "disqualified_reason", "qualified_by", "email", "company_domain",
    ),
    "deals": (
        "id", "lead_id", "created_at", "won_at", "lost_at", "lost_reason", "stage", "amount", "currency",
        "owner_id", "qualified_by", "closed_by", "deal_type", "email", "company_domain",
    ),
    "activities": (
        "id", "lead_id", "deal_id", "kind", "direction", "actor", "result", "completed_at", "duration_seconds",
        "owner_id",
    ),
    "people": ("id", "name", "active"),
}  # fmt: skip
CSV_REQUIRED: dict[str, tuple[str, ...]] = {
    "leads": ("id", "created_at"),
    "deals": ("id",),
    "activities": ("id", "kind", "completed_at"),
    "people": ("id",),
}
# What is landed of an address or a domain: keyed hashes, never the text.
CSV_HASHED: dict[str, tuple[str, ...]] = {
    "email": ("email_key", "email_domain_key"),
    "company_domain": ("domain_key",),
}
CSV_MOMENTS = frozenset(
    {"created_at", "qualified_at", "disqualified_at", "won_at", "lost_at", "completed_at"}
)


class CsvSource(Section):
    """Full exports of any other CRM, one file an object."""

    name: Name
    kind: Literal["csv"]
    timezone: Zone
    exported_at: Moment | None = None
    max_reject_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    leads: CsvLeads
    deals: CsvObject | None = None
    activities: CsvObject | None = None
    people: CsvObject | None = None

    @property
    def objects(self) -> dict[str, CsvObject]:
        """The configured files by object."""
        found = {
            "leads": self.leads,
            "deals": self.deals,
            "activities": self.activities,
            "people": self.people,
        }
        return {name: item for name, item in found.items() if item is not None}


SourceSettings = ApiSource | CsvSource
API_SOURCES: dict[str, type[ApiSource]] = {
    "hubspot": HubspotSource,
    "odoo": OdooSource,
    "salesforce": SalesforceSource,
    "pipedrive": PipedriveSource,
}
KINDS = (*API_SOURCES, "csv")


class LeadSource(Section):
    """What one of the CRM's source values means to us."""

    source: Name
    motion: Motion


class RoleAssignment(Section):
    """Which role a person has, for which share of the week, from when to when (`to` is exclusive)."""

    person: RepId
    role: Role
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None
    seniority: Seniority | None = None


class Leave(Section):
    """Days on which a person works less, or not at all (`to` is exclusive); `share` of the hours is missed."""

    from_: Day = Field(alias="from")
    to: Day | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 1.0


class Person(Section):
    """What we say of one person."""

    label: Text | None = None
    hours_week: Annotated[float, Field(gt=0, le=80)] | None = None
    seniority: Seniority | None = None
    team: Name | None = None
    # A new person carries part of a load at first: parameters.ramp_curve.
    hired_on: Day | None = None
    leave: tuple[Leave, ...] = ()


class Schedule(Section):
    """Working hours that hold for some days, `to` exclusive: of the company, a team or a person.

    A person's schedule goes before the team's, the team's before the company's; on days without any the
    company's `working_hours` hold. No hours at all is leave.
    """

    of: Annotated[str, BeforeValidator(_is_schedule_of)] = Field(alias="for")
    from_: Day = Field(alias="from")
    to: Day | None = None
    hours: dict[Weekday, tuple[Stretch, ...]]


class Exclusion(Section):
    """A reviewed reason to leave leads out: what a field of theirs equals or matches, and who decided.

    Of addresses only a keyed hash of the domain is held, so a domain can be named and no pattern of it.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")]
    field: Literal["source", "lead_id", "email_domain"]
    equals: Text | None = None
    # With * for any text and ? for any one character; capitals make no difference.
    matches: Text | None = None
    reason: Text
    author: Text
    added_on: Day


# What mart_findings looks for, with the scopes of each; config/seeds/finding_rules.csv says what they mean.
FINDINGS: dict[str, tuple[str, ...]] = {
    "F1": ("inbound", "outbound", "closer"),
    "F2": ("inbound", "outbound", "closer"),
    "F3": ("team",),
    "F4": ("outbound",),
    "F5": ("inbound", "closer"),
    "F6": ("team",),
    "F7": ("team",),
    "F8": ("team",),
    "F9": ("team",),
    "F10": ("closer",),
}
# A finding is put aside for a time, not for good: within a year somebody looks again.
MAX_SUPPRESSION_DAYS = 366


class Suppression(Section):
    """A finding that a company puts aside: why, by whom, and the first day on which it counts again (`until`)."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")]
    rule: Literal["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10"]
    scope: Literal["inbound", "outbound", "closer", "team"] | None = None
    reason: Text
    by: Text
    until: Day


class Findings(Section):
    """What a company says about its findings, and how long a solved one stays in sight."""

    suppress: tuple[Suppression, ...] = ()
    solved_months: Annotated[int, Field(ge=1, le=24)] = 3


class CurrencyRate(Section):
    """One unit of the foreign currency in the reporting currency, from `date` on."""

    date: Day
    rate: Annotated[Money, Field(gt=0, allow_inf_nan=False)]


class SpeedTargets(Section):
    """Working minutes within which a role should follow up."""

    inbound: Positive = 60
    outbound: Positive = 480
    closer: Positive = 480


Bands = Annotated[tuple[Positive, ...], Field(min_length=1, max_length=10)]
Days = Annotated[int, Field(ge=1, le=3650)]
Ramp = Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1, max_length=24)]


class Parameters(Section):
    """The windows and limits inside the metrics' definitions."""

    w_inbound_days: Days = 30
    w_outbound_days: Days = 90
    w_close_days: Days = 180
    reopen_gap_days: Days = 30
    expire_days: Days = 180
    reactivate_days: Days = 180
    link_window_days: Days = 180
    sla_bands_minutes_calendar: Bands = (5, 15, 60)
    sla_bands_working_hours: Bands = (1, 4, 8, 24)
    min_n_rate: Annotated[int, Field(ge=1, le=1000)] = 10
    prob_cross: Annotated[float, Field(gt=0.5, lt=1)] = 0.80
    hire_months: Annotated[int, Field(ge=0, le=24)] = 2
    ramp_months: Annotated[int, Field(ge=0, le=24)] = 3
    # Share of a full load in somebody's first month, second month and so on; after the last, all of it.
    ramp_curve: Ramp = (0.25, 0.5, 0.75, 1.0)
    min_new_touches: Annotated[int, Field(ge=1, le=1000)] = 5
    never_answered_working_days: Annotated[int, Field(ge=1, le=60)] = 5
    stalled_days: Days = 90
    snapshot_months: Annotated[int, Field(ge=0, le=36)] = 3
    speed_target_working_minutes: SpeedTargets = SpeedTargets()


class Privacy(Section):
    """Two switches on figures about individual employees, and why they may be on."""

    people_metrics: bool = False
    rep_names: bool = False
    legal_basis: Text | None = None
    purpose: Text | None = None
    or_or_pvt: Text | None = None
    dpia_ref: Text | None = None
    valid_until: Day | None = None


class Retention(Section):
    """How long things are kept."""

    releases: Annotated[int, Field(ge=1, le=366)] = 7
    raw_days: Annotated[int, Field(ge=1, le=3650)] = 35


class Publish(Section):
    """How long a publication counts as fresh."""

    valid_hours: Annotated[float, Field(gt=0, le=720)] = 30


class Settings(Section):
    """Everything a run needs to know, checked."""

    home: Path
    config_path: Path
    config_version: int
    company: Company
    sources: tuple[SourceSettings, ...]
    lead_sources: dict[str, LeadSource] = {}
    roles: tuple[RoleAssignment, ...] = ()
    people: dict[RepId, Person] = {}
    schedules: tuple[Schedule, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    currency_rates: dict[Currency, tuple[CurrencyRate, ...]] = {}
    findings: Findings = Findings()
    parameters: Parameters = Parameters()
    privacy: Privacy = Privacy()
    retention: Retention = Retention()
    publish: Publish = Publish()
    warnings: tuple[str, ...] = ()

    @property
    def hubspot(self) -> HubspotSource | None:
        """The HubSpot source, if there is one."""
        return next((source for source in self.sources if isinstance(source, HubspotSource)), None)

    @property
    def csv(self) -> CsvSource | None:
        """The CSV source, if there is one."""
        return next((source for source in self.sources if isinstance(source, CsvSource)), None)


# --- YAML nodes --------------------------------------------------------------------------------------------

Path_ = tuple[str | int, ...]
SECRET_KEY = re.compile(
    r"(^|_)(token|secret|password|passwd|pwd|api_?key|apikey|private_?key|access_?key|credential)s?$", re.I
)
SECRET_VALUE = re.compile(
    r"\bpat-[a-z]{2,4}\d*-|\bBearer\s|\beyJ[A-Za-z0-9_-]{10}|\bgh[pousr]_\w{16}|\bsk[-_]\w{16}|\bxox[abp]-"
    r"|-----BEGIN|^(?=[^/\\.]*[A-Za-z])(?=[^/\\.]*\d)[A-Za-z0-9+=_-]{40,}$"
)


@dataclass
class Document:
    """A YAML file as Python values, with the line and the text of each value and what is wrong with it."""

    label: str
    lines: dict[Path_, int] = field(default_factory=dict)
    texts: dict[Path_, str] = field(default_factory=dict)
    secret: set[Path_] = field(default_factory=set)
    mistakes: list[tuple[int, str]] = field(default_factory=list)
    value: object = None
    count: int = 0
    aliases: int = 0
    is_offline: bool = False  # nothing will be read from a source: neither tokens nor export files are needed

    def line(self, path: Path_) -> int:
        """The line of the value at `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def add(self, path: Path_, message: str) -> None:
        """Note a mistake at `path`."""
        key = _key(path)
        self.mistakes.append((self.line(path), f"{key}: {message}" if key else message))

    def found(self, path: Path_, value: object) -> str:
        """The value as the user wrote it, or nothing that could be a secret."""
        if path in self.secret or any(path[:length] in self.secret for length in range(len(path))):
            return "a value that is not shown"
        if isinstance(value, bool):
            written = self.texts.get(path, str(value).lower())
            return f"boolean {str(value).lower()}" + (
                f" (from {written})" if written.lower() != str(value).lower() else ""
            )
        if value is None:
            return "nothing"
        if isinstance(value, Mapping):
            return "a mapping"
        if isinstance(value, tuple):
            return "a list"
        written = self.texts.get(path, str(value))
        written = written if len(written) <= 60 else written[:57] + "..."
        return f'"{written}"' if isinstance(value, str) else written


def _key(path: Path_) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


def read_yaml(text: bytes, label: str) -> Document:
    """Parse `text` into values and lines; mistakes of form are noted, not raised."""
    document = Document(label=label)
    if len(text) > MAX_BYTES:
        document.mistakes.append((1, f"the file has {len(text):,} bytes, at most {MAX_BYTES:,} are read"))
        return document
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        document.mistakes.append((1, "the file is UTF-16; save it as UTF-8"))
        return document
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        document.mistakes.append(
            (line, f"byte 0x{text[error.start]:02x} is not UTF-8; save the file as UTF-8")
        )
        return document
    for number, line_text in enumerate(decoded.splitlines(), start=1):
        if "\t" in line_text[: len(line_text) - len(line_text.lstrip())]:
            document.mistakes.append((number, "tab used for indentation; use spaces"))
    if document.mistakes:
        return document
    try:
        # Counting stars is cheap and never too low; only a file with very many of them is scanned for real.
        if len(re.findall(r"\*\S", decoded)) > MAX_ALIASES:
            tokens = yaml.scan(decoded, yaml.SafeLoader)
            document.aliases = sum(isinstance(token, yaml.AliasToken) for token in tokens)
        if document.aliases > MAX_ALIASES:
            document.mistakes.append((1, f"{document.aliases} aliases, at most {MAX_ALIASES} are read"))
            return document
        node = yaml.compose(decoded, yaml.SafeLoader)
        if node is not None:
            document.value = _value(node, (), document, frozenset())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not YAML"
        document.mistakes.append((mark.line + 1 if mark else 1, f"not valid YAML: {problem}"))
    except yaml.reader.ReaderError as error:
        line = decoded.count("\n", 0, error.position) + 1
        document.mistakes.append((line, "a character that YAML does not allow; remove it"))
    except RecursionError:
        document.mistakes.append((1, f"nested deeper than {MAX_DEPTH} levels"))
    except _TooBigError:
        document.mistakes.append(
            (1, f"more than {MAX_VALUES:,} values once aliases are followed; write them out")
        )
    return document


class _TooBigError(ValueError):
    """More values than a config file has; raised and caught in this module only."""


def _value(node: yaml.Node, path: Path_, document: Document, above: frozenset[int]) -> object:
    document.lines.setdefault(path, node.start_mark.line + 1)
    document.count += 1
    if document.count > MAX_VALUES:
        raise _TooBigError
    if id(node) in above:
        document.add(path, "an alias that contains itself")
        return None
    if len(path) > MAX_DEPTH:
        document.add(path, f"nested deeper than {MAX_DEPTH} levels")
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document, above | {id(node)})
    if isinstance(node, yaml.SequenceNode):
        inside = above | {id(node)}
        return tuple(_value(item, (*path, index), document, inside) for index, item in enumerate(node.value))
    return _scalar(node, path, document)


def _mapping(
    node: yaml.MappingNode, path: Path_, document: Document, above: frozenset[int]
) -> dict[str, object]:
    result: dict[str, object] = {}
    first: dict[str, int] = {}
    if node.tag != "tag:yaml.org,2002:map":
        document.add(path, f"the tag {node.tag} is refused; only plain values are read")
        return result
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            document.mistakes.append((line, f"{_key(path)}: a key must be plain text"))
            continue
        if key_node.tag == "tag:yaml.org,2002:merge":
            document.mistakes.append(
                (line, f"{_key(path)}: merge keys (<<) are refused; write the values out")
            )
            continue
        key = str(key_node.value)
        if key in first:
            document.mistakes.append(
                (line, f"{_key((*path, key))}: key given twice (first on line {first[key]})")
            )
            continue
        first[key] = line
        document.lines[(*path, key)] = line
        if SECRET_KEY.search(key) and isinstance(value_node, yaml.ScalarNode) and value_node.value:
            document.secret.add((*path, key))
        result[key] = _value(value_node, (*path, key), document, above)
    return result


def _scalar(node: yaml.Node, path: Path_, document: Document) -> object:
    text = str(node.value)
    document.texts[path] = text
    tag = node.tag.removeprefix("tag:yaml.org,2002:")
    # Pipedrive's fields are named by 40 hexadecimal digits, as its tokens are.
    if SECRET_VALUE.search(text) and not (path and path[-1] in PIPEDRIVE_FIELDS):
        document.secret.add(path)
    if tag in ("str", "timestamp"):  # dates stay text: each field says what it takes
        return text
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in ("true", "yes", "on")
    if tag == "int":
        if re.fullmatch(r"[-+]?(0|[1-9]\d{0,17})", text):
            return int(text)
        document.add(
            path, f'"{text[:40]}" is a number in another notation to YAML; quote it or write it in decimals'
        )
        return None
    if tag == "float":
        try:
            number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            document.add(path, f'"{text[:40]}" is a number in another notation to YAML; quote it')
            return None
        if not math.isfinite(number):
            document.add(path, f"{text[:40]} is not a number that can be used")
            return None
        return number
    document.add(path, f"the tag {node.tag} is refused; only plain values are read")
    return None


# --- validation --------------------------------------------------------------------------------------------

Model = TypeVar("Model")
ALLOWED = {
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "bool_type": "expected true or false",
    "tuple_type": "expected a list",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "path_type": "expected a path",
    "decimal_type": "expected a number",
    "is_instance_of": "expected text",
    "date_type": "expected a date such as 2026-01-31",
    "datetime_type": "expected a moment with its zone, such as 2026-11-01T00:00:00+01:00",
}


def _validate(adapter: TypeAdapter[Model], value: object, path: Path_, document: Document) -> Model | None:
    """`value` as a model, or None with each mistake noted."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _note(detail, path, adapter, document)
        return None


def _note(detail: Any, path: Path_, adapter: TypeAdapter[Any], document: Document) -> None:
    location = (*path, *(part for part in detail["loc"] if part != "[key]"))
    kind, found = detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if location in document.secret and kind != "extra_forbidden" and not _is_env_key(location):
        return  # told once, as a secret
    if kind == "extra_forbidden":
        if location in document.secret:
            return
        document.add(
            location, f"unknown key{_suggest(str(location[-1]), _keys_near(adapter, detail['loc']))}"
        )
    elif kind == "missing":
        document.add(location, "missing; it is required")
    elif kind == "literal_error":
        allowed = [
            part.strip("'") for part in re.findall(r"'[^']*'|[^\s,]+", context["expected"]) if part != "or"
        ]
        near = difflib.get_close_matches(str(found).lower(), allowed, n=1, cutoff=0.6)
        hint = f". Did you mean {near[0]}?" if near else ""
        document.add(
            location, f"found {document.found(location, found)}, allowed: {', '.join(allowed)}{hint}"
        )
    elif kind == "value_error":
        document.add(location, f"found {document.found(location, found)}; {context['error']}")
    elif kind == "string_type" and isinstance(found, bool | int | float):
        written = document.texts.get(location, str(found))
        document.add(
            location, f'found {document.found(location, found)}, expected text; quote it: "{written}"'
        )
    elif kind in ALLOWED:
        document.add(location, f"found {document.found(location, found)}, {ALLOWED[kind]}")
    else:
        document.add(
            location, f"found {document.found(location, found)}; {_range(kind, context, detail['msg'])}"
        )


def _range(kind: str, context: Mapping[str, Any], fallback: str) -> str:
    words = {
        "greater_than": "must be greater than {gt}",
        "greater_than_equal": "must be at least {ge}",
        "less_than": "must be less than {lt}",
        "less_than_equal": "must be at most {le}",
        "string_too_short": "must not be empty",
        "string_too_long": "must have at most {max_length} characters",
        "too_short": "must have at least {min_length} values",
        "too_long": "must have at most {max_length} values",
        "string_pattern_mismatch": "must match {pattern} (a-z, 0-9 and _, at most 40 characters)",
    }
    return words[kind].format(**context) if kind in words else fallback


def _suggest(found: str, allowed: Iterable[str]) -> str:
    names = list(allowed)
    folded = {name.replace("_", "").lower(): name for name in names}
    near = difflib.get_close_matches(found.replace("_", "").lower(), folded, n=1, cutoff=0.6)
    if near:
        return f". Did you mean {folded[near[0]]}?"
    return f"; allowed: {', '.join(names)}" if names and len(names) <= 16 else ""


def _keys_near(adapter: TypeAdapter[Any], location: tuple[str | int, ...]) -> list[str]:
    """The keys that the model at `location` has: what an unknown key was probably meant to be."""
    schema = adapter.json_schema(mode="validation")
    definitions = schema.get("$defs", {})
    for part in location[:-1]:
        schema = _step(_resolved(schema, definitions), part, definitions)
    return [name for name in _resolved(schema, definitions).get("properties", {}) if name != "token"]


def _resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:
    while True:
        if "$ref" in schema:
            schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        elif "anyOf" in schema:
            schema = next((item for item in schema["anyOf"] if item.get("type") != "null"), {})
        elif "allOf" in schema:
            schema = schema["allOf"][0]
        else:
            return schema


def _step(schema: Any, part: str | int, definitions: Mapping[str, Any]) -> Any:
    if isinstance(part, int):
        return schema.get("items", schema.get("prefixItems", [{}])[0] if "prefixItems" in schema else {})
    return schema.get("properties", {}).get(part, schema.get("additionalProperties") or {})


SOURCE_MODELS: dict[str, TypeAdapter[Any]] = {
    **{kind: TypeAdapter(model) for kind, model in API_SOURCES.items()},
    "csv": TypeAdapter(CsvSource),
}
SECTIONS: dict[str, tuple[TypeAdapter[Any], bool]] = {
    "company": (TypeAdapter(Company), True),
    "lead_sources": (TypeAdapter(dict[str, LeadSource]), False),
    "roles": (TypeAdapter(tuple[RoleAssignment, ...]), False),
    "people": (TypeAdapter(dict[RepId, Person]), False),
    "schedules": (TypeAdapter(tuple[Schedule, ...]), False),
    "exclusions": (TypeAdapter(tuple[Exclusion, ...]), False),
    "currency_rates": (TypeAdapter(dict[Currency, tuple[CurrencyRate, ...]]), False),
    "findings": (TypeAdapter(Findings), False),
    "parameters": (TypeAdapter(Parameters), False),
    "privacy": (TypeAdapter(Privacy), False),
    "retention": (TypeAdapter(Retention), False),
    "publish": (TypeAdapter(Publish), False),
}


def load(
    home: Path,
    config: Path | None = None,
    env: Mapping[str, str] = os.environ,
    *,
    today: date | None = None,
    is_offline: bool = False,
) -> Settings:
    """Read and check the config of `home`; raises one ConfigError with every mistake.

    `is_offline` is for commands that read no source: tokens and variables in file names may then be unset.
    """
    home = home.absolute()
    path = config.absolute() if config else home / "config" / "leadrole.yml"
    label = _label(path, home)
    document = read_yaml(_read(path, label), label)
    document.is_offline = is_offline
    values: dict[str, Any] = {}
    warnings: list[str] = []
    if not document.mistakes or document.value is not None:
        values = _check(document, home, env, today or datetime.now(UTC).date(), warnings)
    if document.mistakes:
        lines = [f"{label}:{line} {text}" for line, text in sorted(set(document.mistakes))]
        count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        raise ConfigError(
            f"{count} in the configuration",
            where=label,
            next_step=f"correct {'it' if len(lines) == 1 else 'them'} and run again; nothing was read from any source",
            mistakes=tuple(lines),
        )
    return Settings(home=home, config_path=path, warnings=tuple(warnings), **values)


def _label(path: Path, home: Path) -> str:
    try:
        return str(path.relative_to(home))
    except ValueError:
        return str(path)


def _read(path: Path, label: str) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{label}: not found", next_step=EXAMPLE) from None
    except IsADirectoryError:
        raise ConfigError(f"{label}: is a directory, not a file", next_step=EXAMPLE) from None
    except OSError as error:
        raise ConfigError(
            f"{label}: can't be read: {error.strerror}",
            next_step="give the user that runs leadrole read access",
        ) from None
    if not text.strip():
        raise ConfigError(f"{label}: empty", next_step=EXAMPLE)
    return text


def _check(
    document: Document, home: Path, env: Mapping[str, str], today: date, warnings: list[str]
) -> dict[str, Any]:
    raw = document.value
    if not isinstance(raw, dict):
        document.add((), "expected keys such as company: and sources:")
        return {}
    values: dict[str, Any] = {}
    _secrets(document, raw.get("sources"))
    version = raw.get("config_version")
    if "config_version" not in raw:
        document.add((), f"config_version: missing; write config_version: {CONFIG_VERSION}")
    elif not isinstance(version, int) or isinstance(version, bool) or version < 1:
        document.add(
            ("config_version",),
            f"found {document.found(('config_version',), version)}, expected {CONFIG_VERSION}",
        )
    elif version > CONFIG_VERSION:
        document.add(
            ("config_version",), f"{version} is newer than this program ({CONFIG_VERSION}); upgrade leadrole"
        )
    values["config_version"] = version
    known = ["config_version", "sources", *SECTIONS]
    for key in raw:
        if key not in known and (key,) not in document.secret:
            document.add((key,), f"unknown key{_suggest(key, known)}")
    for key, (adapter, is_required) in SECTIONS.items():
        if raw.get(key) is None:
            if is_required or key in raw:
                document.add(
                    (key,), "missing; it is required" if is_required else "empty; fill it in or leave it out"
                )
            continue
        section = _validate(adapter, raw[key], (key,), document)
        if section is not None:
            values[key] = section
    values["sources"] = tuple(_sources(document, raw, home, env, today, warnings))
    for path, message in _cross(values, today):
        document.add(path, message)
    return values


def _is_env_key(path: Path_) -> bool:
    """Whether the value at `path` should be the name of a variable; a secret there is told as a wrong name."""
    return str(path[-1]).endswith("_env")


def _secrets(document: Document, sources: object) -> None:
    for path in sorted(document.secret, key=str):
        if not _is_env_key(path):
            document.add(path, f"looks like a secret (not shown). {_where_it_belongs(path, sources)}")


def _where_it_belongs(path: Path_, sources: object) -> str:
    """What to do with a secret that was found at `path`: each kind of source has keys of its own for it."""
    item = sources[int(path[1])] if path[0] == "sources" and isinstance(sources, tuple) else None
    kind = item.get("kind") if isinstance(item, dict) else None
    source = API_SOURCES.get(kind) if isinstance(kind, str) else None
    if source is None:
        return "Put it in the environment and name its variable in that key of the source that ends in _env"
    file = f"{path[-1]}_file"
    if file in source.PRIVATE_FILES:
        return f"Put it in a file that only you can read (chmod 600) and name that in {file}"
    # An id is the least of secrets: a password under a name of its own is rather the next one.
    keys = sorted(source.SECRETS, key=lambda key: (source.SECRETS[key] != path[-1], key.endswith("id_env")))
    return f"Put it in the environment and write {keys[0]}: {_variable(kind, keys[0])}"


def _sources(
    document: Document,
    raw: Mapping[str, Any],
    home: Path,
    env: Mapping[str, str],
    today: date,
    warnings: list[str],
) -> Iterator[SourceSettings]:
    listed = raw.get("sources")
    if not isinstance(listed, tuple) or not listed:
        document.add(
            ("sources",), f"expected a list with at least one source (kind: {' or kind: '.join(KINDS)})"
        )
        return
    names: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for index, item in enumerate(listed):
        path: Path_ = ("sources", index)
        if not isinstance(item, dict):
            document.add(path, f"found {document.found(path, item)}, expected a mapping")
            continue
        kind = item.get("kind")
        if kind not in SOURCE_MODELS:
            found = document.found((*path, "kind"), kind)
            near = (
                _suggest(str(kind), SOURCE_MODELS)
                if isinstance(kind, str)
                else f"; allowed: {', '.join(KINDS)}"
            )
            document.add((*path, "kind"), f"found {found}{near}")
            continue
        if kind in kinds:
            document.add(
                (*path, "kind"),
                f"a second {kind} source; this version reads one (first: sources[{kinds[kind]}])",
            )
        kinds.setdefault(kind, index)
        name = item.get("name")
        if isinstance(name, str):
            if name in names:
                document.add((*path, "name"), f"{name} is also the name of sources[{names[name]}]")
            names.setdefault(name, index)
        secrets: dict[str, SecretStr] = {}
        if kind in API_SOURCES:
            for key, secret in API_SOURCES[kind].SECRETS.items():
                if secret in item and (*path, secret) not in document.secret:
                    document.add((*path, secret), f"unknown key{_suggest(secret, [key])}")
                item = {name: value for name, value in item.items() if name != secret}
                if item.get(key) is not None:
                    secrets[secret] = _secret(item[key], (*path, key), env, document)
            item = _with_private_files(item, path, home, API_SOURCES[kind].PRIVATE_FILES, document)
        else:
            item = _expanded(item, path, home, env, document)
            for where, message in _column_mistakes(item):
                document.add((*path, *where), message)
        source = _validate(SOURCE_MODELS[kind], item, path, document)
        if isinstance(source, ApiSource):
            for key, message in (*_api_mistakes(source), *source.mistakes()):
                document.add((*path, *key.split(".")), message)
            covered = source.overlap_seconds + source.settle_seconds
            if covered < 660:
                warnings.append(
                    f"{document.label}:{document.line((*path, 'overlap_seconds'))} sources[{index}]: overlap_seconds + "
                    f"settle_seconds = {covered}; a change that the CRM shows more than {covered} s late is missed until "
                    f"the next full re-read ({source.full_reread_days} days); 660 or more is advised"
                )
            yield source.model_copy(update=secrets)
        elif isinstance(source, CsvSource):
            for where, message in _csv_mistakes(source, today):
                document.add((*path, *where), message)
            yield source


def _with_private_files(
    item: Mapping[str, Any], path: Path_, home: Path, keys: Iterable[str], document: Document
) -> dict[str, Any]:
    """The source with absolute paths of the files that hold its keys, which only this user may read."""
    result = dict(item)
    for key in keys:
        if not isinstance(item.get(key), str):
            continue
        result[key] = file = Path(home, item[key])
        if document.is_offline:
            continue
        try:
            mode = file.stat().st_mode
        except OSError as error:
            document.add((*path, key), f"{item[key][:120]} can't be read: {error.strerror}")
            continue
        if not stat.S_ISREG(mode):
            document.add((*path, key), f"{item[key][:120]} is no file")
        elif mode & 0o077:
            document.add((*path, key), f"{item[key][:120]} can be read by others; run chmod 600 on it")
    return result


def _secret(name: object, path: Path_, env: Mapping[str, str], document: Document) -> SecretStr:
    if not isinstance(name, str) or not ENV_NAME.fullmatch(name):
        return SecretStr("")  # told as a mistake of the key itself
    if document.is_offline:
        return SecretStr("")
    token = env.get(name)
    problem = None
    if token is None:
        problem = "is not set"
    elif not token.strip():
        problem = "is empty"
    elif token.endswith(("\n", "\r")):
        problem = "ends with a line break"
    elif any(character in token for character in "\r\n"):
        problem = "has a line break in it"
    elif any(character in token for character in "\"'`\u2018\u2019\u201c\u201d"):
        problem = "has quotes in it; set the bare token"
    elif not token.isascii() or not token.isprintable():
        problem = "has characters that no token has"
    elif " " in token:
        problem = "has a space in it; set the bare token, without Bearer"
    elif re.fullmatch(
        r"(?i)<.*>|x+|\*+|\.+|change_?-?me|placeholder|your[-_]?.*|token|secret|todo|none|null", token
    ):
        problem = "still holds a placeholder"
    if problem:
        document.add(path, f"the environment variable {name} {problem}")
    return SecretStr(token or "")


CRM_HOSTS = (
    "hubapi.com", "hubspot.com", "salesforce.com", "force.com", "pipedrive.com", "odoo.com", "zoho.com",
    "zohoapis.com", "dynamics.com",
)  # fmt: skip


def is_loopback(url: str) -> bool:
    """Whether `url` points to this machine, where plain http and a clock of its own are allowed."""
    host = urllib.parse.urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _api_mistakes(source: ApiSource) -> Iterator[tuple[str, str]]:
    for message in _url_mistakes(source):
        yield "base_url", message
    if source.max_clock_skew_minutes > 10 and not is_loopback(source.base_url):
        yield (
            "max_clock_skew_minutes",
            f"found {source.max_clock_skew_minutes}; at most 10 (more only on loopback)",
        )
    for key in type(source).model_fields:
        values = getattr(source, key)
        if isinstance(values, tuple):
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                yield key, f"{twice[0]} is listed twice"


def _url_mistakes(source: ApiSource) -> Iterator[str]:
    url, example = source.base_url, source.EXAMPLE_URL
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        yield f"not a URL; write {example}"
        return
    if "@" in parts.netloc:
        yield f"a user name in the URL is refused; write {example}"
        return
    if parts.scheme not in ("http", "https") or not host or port == 0:
        yield f'found "{url[:60]}"; write a full URL such as {example}'
        return
    if parts.scheme == "http" and not is_loopback(url):
        yield "https required (http only for 127.0.0.1)"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        yield "only scheme, host and port; leave out the path"
    others = [known for known in CRM_HOSTS if known not in source.HOSTS]
    if any(host == known or host.endswith(f".{known}") for known in others):
        yield f"{host} belongs to another CRM; {source.kind} is {example}"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    if not address.is_loopback and (address.is_private or address.is_link_local or address.is_unspecified):
        yield f"{host} is a private address; write {example}"


def _expanded(
    item: Mapping[str, Any], path: Path_, home: Path, env: Mapping[str, str], document: Document
) -> dict[str, Any]:
    """The source with absolute file paths; only `file:` values may name an environment variable."""
    result = dict(item)
    for name in CSV_FIELDS:
        entry = item.get(name)
        if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
            continue
        where = (*path, name, "file")
        if document.is_offline:
            result[name] = {**entry, "file": Path(home, entry["file"])}
            continue
        text, unset = _substitute(entry["file"], env)
        for variable in unset:
            document.add(where, f"the environment variable {variable} is not set")
        if not unset and "$" in text:
            document.add(where, 'a "$" that is not ${NAME}')
        if not Path(text).is_absolute() and ".." in Path(text).parts:
            document.add(where, "leaves the home directory with ..; write an absolute path")
        result[name] = {**entry, "file": Path(home, text)}
    return result


def _substitute(text: str, env: Mapping[str, str]) -> tuple[str, list[str]]:
    unset: list[str] = []

    def replace(found: re.Match[str]) -> str:
        value = env.get(found[1], "")
        if not value:
            unset.append(found[1])
        return value

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", replace, text), unset


def _column_mistakes(item: Mapping[str, Any]) -> Iterator[tuple[Path_, str]]:
    """What is wrong with the mapped columns, told even when another key of the source is wrong too."""
    for name, allowed in CSV_FIELDS.items():
        entry = item.get(name)
        columns = entry.get("columns") if isinstance(entry, dict) else None
        if not isinstance(columns, dict):
            continue
        for ours, column in columns.items():
            if ours not in allowed:
                yield (name, "columns", ours), f"unknown key{_suggest(ours, allowed)}"
            elif isinstance(column, dict) and ours not in CSV_MOMENTS:
                for extra in sorted({"format", "timezone"} & set(column)):
                    yield (name, "columns", ours, extra), "only a moment has a format and a time zone"
        for ours in CSV_REQUIRED[name]:
            if ours not in columns:
                yield (name, "columns"), f"{ours} is missing; it is required"


def _csv_mistakes(source: CsvSource, today: date) -> Iterator[tuple[Path_, str]]:
    if _known_encoding(source.encoding) == "":
        yield ("encoding",), f'"{source.encoding[:40]}" is not a known encoding; use utf-8 or cp1252'
    if source.delimiter in '"\r\n':
        yield ("delimiter",), "a quote or a line break can't separate columns"
    until = source.leads.covers_until
    if source.exported_at is not None:
        local = source.exported_at.astimezone(ZoneInfo(source.timezone)).date()
        if local > today:
            yield ("exported_at",), f"{source.exported_at.isoformat()} lies in the future"
        if until is not None and until > local:
            yield ("leads", "covers_until"), f"{until} lies after exported_at ({local})"
    elif until is not None and until > today:
        yield ("leads", "covers_until"), f"{until} lies in the future"


def _known_encoding(name: str) -> str:
    import codecs

    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""


# --- what spans several keys -------------------------------------------------------------------------------


def _cross(values: Mapping[str, Any], today: date) -> Iterator[tuple[Path_, str]]:
    checks: dict[str, Callable[[Any, Mapping[str, Any], date], Iterator[tuple[Path_, str]]]] = {
        "company": _cross_company,
        "roles": _cross_roles,
        "people": _cross_people,
        "schedules": _cross_schedules,
        "exclusions": _cross_exclusions,
        "currency_rates": _cross_rates,
        "findings": _cross_findings,
        "parameters": _cross_parameters,
        "privacy": _cross_privacy,
        "retention": _cross_retention,
    }
    for key, check in checks.items():
        if key in values:
            yield from check(values[key], values, today)


def _overlapping(hours: Mapping[Weekday, tuple[OpenHours, ...]]) -> Iterator[Weekday]:
    for day, stretches in hours.items():
        ordered = sorted(stretches, key=lambda stretch: stretch.opens)
        if any(later.opens < earlier.closes for earlier, later in itertools.pairwise(ordered)):
            yield day


def _cross_company(company: Company, _: Mapping[str, Any], __: date) -> Iterator[tuple[Path_, str]]:
    for day in _overlapping(company.working_hours):
        yield ("company", "working_hours", day), "stretches overlap"
    if not any(company.working_hours.values()):
        yield ("company", "working_hours"), "the week has no working hours"
    if company.subscriptions and company.gross_margin is None:
        yield (
            ("company", "subscriptions"),
            "true needs gross_margin as well: a lifetime value is a margin, not revenue",
        )


def _ends_early(path: Path_, since: date | None, until: date | None) -> Iterator[tuple[Path_, str]]:
    if since and until and until <= since:
        yield (*path, "to"), f"{until} is not after from ({since})"


def _kinds(values: Mapping[str, Any]) -> set[str]:
    return {source.kind for source in values.get("sources", ())}


def _cross_roles(
    roles: tuple[RoleAssignment, ...], values: Mapping[str, Any], _: date
) -> Iterator[tuple[Path_, str]]:
    kinds = _kinds(values)
    for index, role in enumerate(roles):
        yield from _ends_early(("roles", index), role.from_, role.to)
        kind = role.person.split(":")[0]
        if kinds and kind not in kinds:
            yield ("roles", index, "person"), f"{role.person}: there is no source of kind {kind}"
        start, end = role.from_ or date.min, role.to or date.max
        total = sum(
            other.share
            for other in roles
            if other.person == role.person and (other.from_ or date.min) <= start < (other.to or date.max)
        )
        if start < end and total > 1 + 1e-9:
            yield (
                ("roles", index, "share"),
                f"the shares of {role.person} add up to {total:g} on {role.from_ or 'day one'}",
            )


def _cross_people(
    people: Mapping[str, Person], values: Mapping[str, Any], _: date
) -> Iterator[tuple[Path_, str]]:
    kinds = _kinds(values)
    for person, told in people.items():
        kind = person.split(":")[0]
        if kinds and kind not in kinds:
            yield ("people", person), f"there is no source of kind {kind}"
        for index, leave in enumerate(told.leave):
            yield from _ends_early(("people", person, "leave", index), leave.from_, leave.to)
        ordered = sorted(told.leave, key=lambda leave: leave.from_)
        if any(later.from_ < (earlier.to or date.max) for earlier, later in itertools.pairwise(ordered)):
            yield ("people", person, "leave"), "periods overlap; write one with the share of both"


def _cross_schedules(
    schedules: tuple[Schedule, ...], values: Mapping[str, Any], _: date
) -> Iterator[tuple[Path_, str]]:
    kinds = _kinds(values)
    people: Mapping[str, Person] = values.get("people", {})
    teams = {f"team:{person.team}" for person in people.values() if person.team}
    for index, schedule in enumerate(schedules):
        yield from _ends_early(("schedules", index), schedule.from_, schedule.to)
        for day in _overlapping(schedule.hours):
            yield ("schedules", index, "hours", day), "stretches overlap"
        if schedule.of == "company" and not any(schedule.hours.values()):
            yield ("schedules", index, "hours"), "the company's week has no working hours"
        kind = schedule.of.split(":")[0]
        if kind == "team" and schedule.of not in teams:
            yield ("schedules", index, "for"), f"{schedule.of}: nobody under people has this team"
        elif kind not in ("company", "team") and kinds and kind not in kinds:
            yield ("schedules", index, "for"), f"{schedule.of}: there is no source of kind {kind}"
        for earlier, other in enumerate(schedules[:index]):
            if (
                other.of == schedule.of
                and other.from_ < (schedule.to or date.max)
                and schedule.from_ < (other.to or date.max)
            ):
                yield (
                    ("schedules", index, "from"),
                    f"{schedule.of} has two schedules on {max(other.from_, schedule.from_)} (schedules[{earlier}] too)",
                )


def _cross_exclusions(
    exclusions: tuple[Exclusion, ...], _: Mapping[str, Any], today: date
) -> Iterator[tuple[Path_, str]]:
    seen: dict[str, int] = {}
    for index, rule in enumerate(exclusions):
        if rule.id in seen:
            yield ("exclusions", index, "id"), f"{rule.id} is also the id of exclusions[{seen[rule.id]}]"
        seen.setdefault(rule.id, index)
        if (rule.equals is None) == (rule.matches is None):
            yield ("exclusions", index, "equals"), "write either equals or matches"
        if rule.field == "email_domain":
            if rule.matches is not None:
                yield (
                    ("exclusions", index, "matches"),
                    "addresses are held as keyed hashes; name a domain with equals",
                )
            elif rule.equals is not None and ("@" in rule.equals or "." not in rule.equals):
                yield ("exclusions", index, "equals"), "expected a domain such as example.nl"
        elif rule.matches is not None and not rule.matches.strip("*?"):
            yield ("exclusions", index, "matches"), "matches everything"
        if rule.added_on > today:
            yield ("exclusions", index, "added_on"), f"{rule.added_on} lies in the future"


def _cross_findings(findings: Findings, _: Mapping[str, Any], today: date) -> Iterator[tuple[Path_, str]]:
    """A suppression that has ended is no mistake: the finding counts again, and the line may stay for the record."""
    ids: dict[str, int] = {}
    for index, item in enumerate(findings.suppress):
        path: Path_ = ("findings", "suppress", index)
        if item.id in ids:
            yield (*path, "id"), f"{item.id} is also the id of findings.suppress[{ids[item.id]}]"
        ids.setdefault(item.id, index)
        scopes = FINDINGS[item.rule]
        if item.scope is not None and item.scope not in scopes:
            yield (*path, "scope"), f"{item.rule} has no scope {item.scope}; it has {', '.join(scopes)}"
        if (item.until - today).days > MAX_SUPPRESSION_DAYS:
            yield (
                (*path, "until"),
                f"{item.until} is more than a year away; set an earlier day, on which somebody looks again",
            )


def _cross_rates(
    rates: Mapping[str, tuple[CurrencyRate, ...]], values: Mapping[str, Any], today: date
) -> Iterator[tuple[Path_, str]]:
    company: Company | None = values.get("company")
    for currency, entries in rates.items():
        if company and currency == company.reporting_currency:
            yield ("currency_rates", currency), "is the reporting currency itself; leave it out"
        days = [entry.date for entry in entries]
        if len(set(days)) < len(days):
            yield ("currency_rates", currency), "two rates for one date"
        for index, entry in enumerate(entries):
            if entry.date > today:
                yield ("currency_rates", currency, index, "date"), f"{entry.date} lies in the future"


def _cross_parameters(parameters: Parameters, _: Mapping[str, Any], __: date) -> Iterator[tuple[Path_, str]]:
    for key in ("sla_bands_minutes_calendar", "sla_bands_working_hours"):
        bands = getattr(parameters, key)
        if any(later <= earlier for earlier, later in itertools.pairwise(bands)):
            yield ("parameters", key), "must rise from band to band"
    if any(later < earlier for earlier, later in itertools.pairwise(parameters.ramp_curve)):
        yield ("parameters", "ramp_curve"), "must not fall from month to month"


def _cross_privacy(privacy: Privacy, _: Mapping[str, Any], today: date) -> Iterator[tuple[Path_, str]]:
    needed = ("legal_basis", "purpose", "or_or_pvt", "dpia_ref", "valid_until")
    for switch in ("people_metrics", "rep_names"):
        missing = [key for key in needed if getattr(privacy, key) is None]
        if getattr(privacy, switch) and missing:
            yield (
                ("privacy", switch),
                f"true needs also {', '.join(missing)} (figures about employees; docs on privacy)",
            )
    if privacy.valid_until and privacy.valid_until < today and (privacy.people_metrics or privacy.rep_names):
        yield (
            ("privacy", "valid_until"),
            f"{privacy.valid_until} has passed; review the switches and set a new date",
        )


def _cross_retention(retention: Retention, values: Mapping[str, Any], _: date) -> Iterator[tuple[Path_, str]]:
    for source in values.get("sources", ()):
        if isinstance(source, ApiSource) and retention.raw_days < 2 * source.full_reread_days:
            yield (
                ("retention", "raw_days"),
                f"{retention.raw_days} is too short: two full re-reads ({2 * source.full_reread_days} days) must be kept, "
                "so that the warehouse can be rebuilt from them",
            )
