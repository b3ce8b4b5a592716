"""Pipedrive's JSON: the records of `records.py` in the words of version 2 and of version 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from leadrole.sandbox.log import Owner
from leadrole.sandbox.pipedrive.records import (
    ACTIVITY_TYPES,
    CHANNELS,
    DEAL_FIELDS,
    DEAL_LIFECYCLE,
    DEAL_ORIGINS,
    DEAL_QUOTED,
    DEAL_TYPE,
    DEAL_TYPE_OPTION,
    LEAD_SOURCES,
    LIFECYCLE_OPTION,
    OPEN_STAGES,
    ORIGIN_OPTION,
    PERSON_FIELDS,
    PERSON_LIFECYCLE,
    PERSON_ORIGINS,
    PIPELINE,
    STATUS_LABELS,
    Activity,
    Change,
    Company,
    CustomField,
    Deal,
    Item,
    Lead,
    Organization,
    Person,
    label_id,
)

Shape = dict[str, Any]
V1_TIME = "%Y-%m-%d %H:%M:%S"
V2_TIME = "%Y-%m-%dT%H:%M:%SZ"
EPOCH = datetime(2020, 1, 6, 8, tzinfo=UTC)
# Real records lack these or have them as null, though the published schema requires some.
SOMETIMES_ABSENT = frozenset(
    {
        "won_time", "lost_time", "close_time", "local_won_date", "local_lost_date", "local_close_date",
        "expected_close_date", "lost_reason", "archive_time", "stage_change_time", "probability", "marked_as_done_time",
        "channel", "channel_id", "origin_id", "acv", "arr", "mrr", "org_id", "lead_id",
    }
)  # fmt: skip


def number(text: str | None) -> int | float | None:
    """Give an amount as JSON writes it: a whole one without a point."""
    if text is None:
        return None
    value = float(text)
    return int(value) if value.is_integer() else value


def _reference(key: str | None) -> int | None:
    return None if key is None else int(key)


class Shapes:
    """Writes the records of a company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.settings = company.settings

    # --- times

    def time2(self, instant: datetime | None) -> str | None:
        """A time as version 2 tells it: whole seconds."""
        if instant is None:
            return None
        text = instant.astimezone(UTC).strftime(V2_TIME)
        return f"{text[:-1]}.000000Z" if self.settings.microseconds else text

    def stamp(self, item: Item) -> datetime:
        """When a record says it was changed last."""
        instant = item.updated.replace(microsecond=0)
        if self.settings.early_stamps and item.updated == item.added and sum(map(ord, item.key)) % 3 == 0:
            return instant - timedelta(seconds=1)
        return instant

    def _local(self, instant: datetime | None) -> str | None:
        return None if instant is None else instant.astimezone(self.company.zone).date().isoformat()

    def _without(self, shape: Shape, key: str) -> Shape:
        """Leave fields out that have no value, as the account does."""
        drops = self.settings.absent == "dropped" or (
            self.settings.absent == "mixed" and sum(map(ord, key)) % 2 == 0
        )
        if not drops:
            return shape
        return {
            name: value for name, value in shape.items() if value is not None or name not in SOMETIMES_ABSENT
        }

    # --- version 2

    def write(self, item: Item) -> Shape:
        """Write a record of any kind as its list shows it."""
        return self._without(self.whole(item), item.key)

    def whole(self, item: Item) -> Shape:
        """Write a record with all its fields, also those without a value."""
        return _WRITERS[type(item)](self, item)

    def _deal(self, item: Item) -> Shape:
        deal = cast(Deal, item)
        return {
            "id": int(deal.key),
            "title": deal.title,
            "creator_user_id": int(deal.creator),
            "owner_id": int(deal.owner),
            "value": number(deal.value),
            "currency": deal.currency,
            "person_id": _reference(deal.person),
            "org_id": _reference(deal.org),
            "pipeline_id": PIPELINE,
            "stage_id": deal.stage,
            "status": deal.status if deal.is_live else "deleted",
            "add_time": self.time2(deal.added),
            "update_time": self.time2(self.stamp(deal)),
            "stage_change_time": self.time2(deal.stage_changed),
            "won_time": self.time2(deal.won),
            "lost_time": self.time2(deal.lost),
            "close_time": self.time2(deal.closed),
            "local_won_date": self._local(deal.won),
            "local_lost_date": self._local(deal.lost),
            "local_close_date": self._local(deal.closed),
            "expected_close_date": None if deal.expected is None else deal.expected.isoformat(),
            "probability": None,
            "lost_reason": deal.lost_reason,
            "visible_to": 3,
            "is_deleted": not deal.is_live,
            "is_archived": deal.archived_at is not None,
            "archive_time": self.time2(deal.archived_at),
            "label_ids": [],
            "origin": deal.origin,
            "origin_id": None,
            "channel": _channel(deal.source),
            "channel_id": None,
            "acv": None,
            "arr": None,
            "mrr": None,
            "source_lead_id": deal.source_lead,
            "participants_count": len(deal.participants),
            "custom_fields": self.custom(deal),
        }

    def _person(self, item: Item) -> Shape:
        person = cast(Person, item)
        label = STATUS_LABELS.get(person.label or "")
        return {
            "id": int(person.key),
            "name": f"{person.first_name} {person.last_name}",
            "first_name": person.first_name,
            "last_name": person.last_name,
            "owner_id": int(person.owner),
            "org_id": _reference(person.org),
            "add_time": self.time2(person.added),
            "update_time": self.time2(self.stamp(person)),
            "emails": [{"value": person.email, "primary": True, "label": "work"}],
            "phones": [],
            "is_deleted": not person.is_live,
            "visible_to": 3,
            "label_ids": [] if label is None else [label[0]],
            "picture_id": None,
            "custom_fields": self.custom(person),
        }

    def _organization(self, item: Item) -> Shape:
        company = cast(Organization, item)
        return {
            "id": int(company.key),
            "name": company.name,
            "owner_id": int(company.owner),
            "add_time": self.time2(company.added),
            "update_time": self.time2(self.stamp(company)),
            "is_deleted": not company.is_live,
            "visible_to": 3,
            "address": None,
            "label_ids": [],
            "custom_fields": {},
        }

    def _activity(self, item: Item) -> Shape:
        activity = cast(Activity, item)
        due = activity.due.astimezone(UTC)
        minutes, seconds = divmod(activity.seconds, 60)
        persons = [
            {"person_id": int(one), "primary": place == 0} for place, one in enumerate(activity.persons)
        ]
        return {
            "id": int(activity.key),
            "subject": activity.subject,
            "type": activity.type,
            "owner_id": int(activity.owner),
            "creator_user_id": int(activity.creator),
            "is_deleted": not activity.is_live,
            "add_time": self.time2(activity.added),
            "update_time": self.time2(self.stamp(activity)),
            "deal_id": _reference(activity.deal),
            "lead_id": activity.lead,
            "person_id": _reference(activity.persons[0] if activity.persons else None),
            "org_id": _reference(activity.org),
            "project_id": None,
            "due_date": due.date().isoformat(),
            "due_time": due.strftime("%H:%M:%S"),
            "duration": f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}" if activity.seconds else "",
            "busy": activity.kind == "meetings",
            "done": activity.done_at is not None,
            "marked_as_done_time": self.time2(activity.done_at),
            "participants": persons,
            "attendees": [],
            "priority": None,
            "note": None,
        }

    def custom(self, item: Item) -> Shape:
        """Give the custom fields of a deal, lead or person that have a value, as version 2 writes them."""
        found: Shape = {}
        if isinstance(item, Person):
            found = {
                PERSON_LIFECYCLE: LIFECYCLE_OPTION.get(item.lifecycle or ""),
                PERSON_ORIGINS: list(item.origins),
            }
        elif isinstance(item, Lead):
            found = {
                DEAL_LIFECYCLE: LIFECYCLE_OPTION.get(item.lifecycle or ""),
                DEAL_ORIGINS: [ORIGIN_OPTION[item.origin]],
            }
        elif isinstance(item, Deal):
            quoted = (
                None if item.quoted is None else {"value": number(item.quoted), "currency": item.currency}
            )
            found = {
                DEAL_LIFECYCLE: LIFECYCLE_OPTION.get(item.lifecycle or ""),
                DEAL_TYPE: DEAL_TYPE_OPTION.get(item.deal_type),
                DEAL_ORIGINS: list(item.origins),
                DEAL_QUOTED: quoted,
            }
        return {key: value for key, value in found.items() if value not in (None, [])}

    # --- version 1

    def _lead(self, item: Item) -> Shape:
        lead = cast(Lead, item)
        source_name, origin = LEAD_SOURCES[lead.origin]
        shape: Shape = {
            "id": lead.key,
            "title": lead.title,
            "owner_id": int(lead.owner),
            "creator_id": int(lead.creator),
            "label_ids": [label_id(lead.label)] if lead.label in STATUS_LABELS else [],
            "person_id": _reference(lead.person),
            "organization_id": _reference(lead.org),
            "source_name": source_name,
            "origin": origin,
            "origin_id": None,
            "channel": _channel(lead.source),
            "channel_id": None,
            "source_deal_id": None,
            "is_archived": lead.archived_at is not None,
            "was_seen": lead.updated != lead.added,
            "value": None,
            "expected_close_date": None,
            "next_activity_id": None,
            "add_time": lead_time(lead.added),
            "update_time": lead_time(lead.updated),
            "visible_to": "3",
            "cc_email": f"installaties+{lead.key}@pipedrivemail.example",
        }
        return {**shape, **flat(self.custom(lead))}

    def old(self, item: Item) -> Shape:
        """Write a record as version 1 did: other times, custom fields at the root."""
        shape = self.whole(item)
        custom = shape.pop("custom_fields", {})
        for name, value in shape.items():
            if isinstance(value, str) and name.endswith("_time") and value.endswith("Z"):
                shape[name] = value[:19].replace("T", " ")
        return {**shape, **flat(custom)}

    def change(self, change: Change) -> Shape:
        """Write an entry of a changelog: it has no id."""
        return {
            "field_key": change.key,
            "old_value": change.old,
            "new_value": change.new,
            "actor_user_id": int(change.by),
            "time": change.at.strftime(V1_TIME),
            "change_source": "automation" if change.is_automatic else "app",
            "change_source_user_agent": None,
            "is_bulk_update_flag": False,
        }

    def flow_data(self, change: Change) -> Shape:
        """Write what the flow says of the same change."""
        return {
            "id": int(change.number),
            "item_id": int(change.item),
            "user_id": int(change.by),
            "field_key": change.key,
            "old_value": change.old,
            "new_value": change.new,
            "is_bulk_update_flag": None,
            "log_time": change.at.strftime(V1_TIME),
            "change_source": "automation" if change.is_automatic else "app",
            "change_source_user_agent": None,
            "additional_data": {},
        }

    def user(self, owner: Owner) -> Shape:
        """Write a user; one who left is still listed."""
        left_at = self.company.left.get(owner.owner_id)
        is_admin = owner.owner_id == self.company.admin
        return {
            "id": int(owner.owner_id),
            "name": f"{owner.first_name} {owner.last_name}",
            "default_currency": self.settings.currency,
            "locale": "nl_NL",
            "lang": 8,
            "email": owner.email,
            "phone": None,
            "activated": True,
            "last_login": owner.created_at.strftime(V1_TIME),
            "created": owner.created_at.strftime(V1_TIME),
            "modified": (left_at or owner.created_at).strftime(V1_TIME),
            "has_created_company": is_admin,
            "access": [{"app": "sales", "admin": is_admin, "permission_set_id": "00000000-0000-4000-8000-000000000001"}],
            "active_flag": left_at is None,
            "timezone_name": self.settings.zone,
            "timezone_offset": self.company.at.astimezone(self.company.zone).strftime("%z"),
            "role_id": 1,
            "icon_url": None,
            "is_you": is_admin,
            "is_deleted": False,
            "is_admin": 1 if is_admin else 0,
        }  # fmt: skip

    def stages(self, unlisted: frozenset[str] = frozenset()) -> list[Shape]:
        """Write the open stages of the pipeline; deleted ones are not among them."""
        return [
            {
                "id": order,
                "order_nr": order,
                "name": stage.label,
                "is_deleted": False,
                "deal_probability": round(float(stage.probability) * 100),
                "pipeline_id": PIPELINE,
                "is_deal_rot_enabled": False,
                "days_to_rotten": None,
                "add_time": self.time2(EPOCH),
                "update_time": self.time2(EPOCH),
            }
            for order, stage in enumerate(OPEN_STAGES, 1)
            if not unlisted & {stage.stage_id, str(order)}
        ]

    def pipelines(self) -> list[Shape]:
        """Write the only pipeline."""
        return [
            {
                "id": PIPELINE,
                "name": "Verkoop",
                "order_nr": 1,
                "is_deleted": False,
                "is_deal_probability_enabled": True,
                "add_time": self.time2(EPOCH),
                "update_time": self.time2(EPOCH),
            }
        ]

    def activity_types(self) -> list[Shape]:
        """Write the types of activities, the company's own among them."""
        return [
            {
                "id": order,
                "order_nr": order,
                "name": name,
                "key_string": key,
                "icon_key": icon,
                "active_flag": True,
                "color": "FFFFFF",
                "is_custom_flag": is_custom,
                "add_time": EPOCH.strftime(V1_TIME),
                "update_time": None,
            }
            for order, (key, name, icon, is_custom) in enumerate(ACTIVITY_TYPES, 1)
        ]

    def lead_labels(self) -> list[Shape]:
        """Write the labels of leads."""
        return [
            {
                "id": label_id(status),
                "name": name,
                "color": color,
                "add_time": lead_time(EPOCH),
                "update_time": lead_time(EPOCH),
            }
            for status, (_, name, color) in STATUS_LABELS.items()
        ]

    def lead_sources(self) -> list[Shape]:
        """Write where leads can come from: names and nothing else."""
        names = ("Manually created", "Deal", "Web forms", "Prospector", "Live chat", "Import", "API")
        return [{"name": name} for name in names]

    def currencies(self) -> list[Shape]:
        """Write the currencies."""
        known = (("EUR", "Euro", "€"), ("GBP", "Pound Sterling", "£"), ("USD", "US Dollar", "$"))
        return [
            {
                "id": order,
                "code": code,
                "name": name,
                "decimal_points": 2,
                "symbol": symbol,
                "active_flag": True,
                "is_custom_flag": False,
            }
            for order, (code, name, symbol) in enumerate(known, 1)
        ]

    # --- fields

    def fields(self, kind: str, removed: frozenset[str] = frozenset()) -> list[Shape]:
        """Write the definitions of the fields of deals, persons, organizations or activities."""
        standard, own = {
            "deals": (_DEAL_TYPES, DEAL_FIELDS),
            "persons": (_PERSON_TYPES, PERSON_FIELDS),
            "organizations": (_ORGANIZATION_TYPES, ()),
            "activities": (_ACTIVITY_TYPES, ()),
        }[kind]
        shown = [
            self._field(code, code.replace("_", " ").capitalize(), type_, self._standard_options(kind, code))
            for code, type_ in standard.items()
        ]
        shown += [self._own_field(one) for one in own]
        return [one for one in shown if one["field_code"] not in removed]

    def _standard_options(self, kind: str, code: str) -> list[tuple[int, str]] | None:
        if code == "channel":
            return list(CHANNELS.values())
        if code == "label_ids" and kind == "persons":
            return [(option, name) for option, name, _ in STATUS_LABELS.values()]
        return None

    def _own_field(self, one: CustomField) -> Shape:
        options = list(one.options) if one.kind in ("enum", "set") else None
        return self._field(one.key, one.label, one.kind, options, is_custom=True)

    def _field(
        self,
        code: str,
        name: str,
        kind: str,
        options: list[tuple[int, str]] | None = None,
        *,
        is_custom: bool = False,
    ) -> Shape:
        changed = dict(self.settings.options)
        shown = None
        if options is not None:
            shown = [
                {"id": option, "label": label, "color": None, "add_time": None, "update_time": None}
                for option, label in ((one, changed.get(one, old)) for one, old in options)
                if label is not None
            ]
        return {
            "field_name": name,
            "field_code": code,
            "description": "",
            "field_type": kind,
            "is_custom_field": is_custom,
            "is_optional_response_field": code == "source_lead_id",
            "options": shown,
            "subfields": None,
        }

    def option_labels(self, custom: Shape) -> Shape:
        """Write the options of custom fields with their labels, as `include_option_labels` asks."""
        changed = dict(self.settings.options)
        known = {
            one.key: {option: changed.get(option, label) for option, label in one.options}
            for one in (*DEAL_FIELDS, *PERSON_FIELDS)
            if one.options
        }
        shown: Shape = {}
        for key, value in custom.items():
            labels = known.get(key)
            if labels is None:
                shown[key] = value
            elif isinstance(value, list):
                shown[key] = [{"id": one, "label": labels.get(one)} for one in value]
            else:
                shown[key] = {"id": value, "label": labels.get(value)}
        return shown


def lead_time(instant: datetime) -> str:
    """Give a time as leads tell it: with milliseconds."""
    instant = instant.astimezone(UTC)
    return f"{instant.strftime('%Y-%m-%dT%H:%M:%S')}.{instant.microsecond // 1000:03d}Z"


def flat(custom: Shape) -> Shape:
    """Give custom fields as version 1 does: at the root, sets as text, money in two keys."""
    return dict(_flat(custom))


def _flat(custom: Shape) -> Iterator[tuple[str, Any]]:
    for key, value in custom.items():
        if isinstance(value, list):
            yield key, ",".join(map(str, value))
        elif isinstance(value, dict):
            yield key, value["value"]
            yield f"{key}_currency", value["currency"]
        else:
            yield key, str(value)


def _channel(source: str | None) -> int | None:
    return CHANNELS[source][0] if source in CHANNELS else None


_WRITERS: dict[type[Item], Callable[[Shapes, Item], Shape]] = {
    Deal: Shapes._deal,
    Person: Shapes._person,
    Organization: Shapes._organization,
    Activity: Shapes._activity,
    Lead: Shapes._lead,
}
_DEAL_TYPES = {
    "id": "int", "title": "varchar", "creator_user_id": "user", "owner_id": "user", "value": "monetary",
    "currency": "varchar", "person_id": "people", "org_id": "org", "pipeline_id": "double", "stage_id": "stage",
    "status": "status", "add_time": "date", "update_time": "date", "stage_change_time": "date", "won_time": "date",
    "lost_time": "date", "close_time": "date", "expected_close_date": "date", "probability": "int",
    "lost_reason": "varchar_options", "visible_to": "visible_to", "label_ids": "set", "origin": "varchar",
    "origin_id": "varchar", "channel": "enum", "channel_id": "varchar", "source_lead_id": "lead",
}  # fmt: skip
_PERSON_TYPES = {
    "id": "int", "name": "varchar", "first_name": "varchar", "last_name": "varchar", "owner_id": "user",
    "org_id": "org", "add_time": "date", "update_time": "date", "emails": "varchar", "phones": "phone",
    "label_ids": "set", "visible_to": "visible_to",
}  # fmt: skip
_ORGANIZATION_TYPES = {
    "id": "int", "name": "varchar", "owner_id": "user", "add_time": "date", "update_time": "date",
    "address": "address", "label_ids": "set", "visible_to": "visible_to",
}  # fmt: skip
_ACTIVITY_TYPES = {
    "id": "int", "subject": "varchar", "type": "varchar", "owner_id": "user", "due_date": "date", "due_time": "time",
    "duration": "time", "done": "boolean", "marked_as_done_time": "date", "add_time": "date", "update_time": "date",
    "deal_id": "deal", "lead_id": "lead", "person_id": "people", "org_id": "org",
}  # fmt: skip
