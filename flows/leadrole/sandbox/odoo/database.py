"""The database itself: tables of rows, who wrote them when, and what the company set up before its first lead."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from leadrole.sandbox.log import STAGES, History, Owner
from leadrole.sandbox.odoo.catalog import (
    ACTIVITY_TYPES,
    ADMIN,
    ADMIN_PARTNER,
    BOT,
    BOT_PARTNER,
    CURRENCIES,
    DEAL_STAGES,
    LEAD_STAGES,
    MEDIUMS,
    OPEN_STAGES,
    RATES,
    SOURCES,
    STATUS_REASONS,
    SUBTYPES,
    TAGS,
    TEAM,
    WON,
    Settings,
    user_id,
    user_partner_id,
)
from leadrole.sandbox.odoo.schema import field_ids, schema

Row = dict[str, Any]


class Database:
    """Tables with the reference rows in them."""

    def __init__(self, history: History, at: datetime, settings: Settings) -> None:
        self.at = at
        self.settings = settings
        self.models = schema(settings.version)
        self.tables: dict[str, dict[int, Row]] = {name: {} for name in self.models}
        self._zone = ZoneInfo(settings.zone)
        self._fields = field_ids(settings.version)
        self._reasons = _lost_reasons(history)
        self._users: dict[str, Owner] = {}
        self._stamp = at
        self._references(history)

    @property
    def today(self) -> date:
        """The day on the company's wall."""
        return self.at.astimezone(self._zone).date()

    def label(self, model: str, number: int) -> str | None:
        """Give the name under which a row is shown where another one refers to it."""
        row = self.tables[model].get(number)
        if row is None:
            return None
        if model == "ir.model.fields":
            return f"{row['field_description']} ({self.models[row['model']].label})"
        shown = row[self.models[model].rec_name]
        if model == "mail.tracking.value":
            return self.label("ir.model.fields", shown)
        return str(shown) if shown is not None else None

    # --- references

    def _references(self, history: History) -> None:
        owners = [one for one in history.owners if one.created_at <= self.at]
        started = min((one.created_at for one in owners), default=self.at).astimezone(UTC)
        self._stamp = started
        self._user(BOT, BOT_PARTNER, "OdooBot", "__system__", "odoobot@example.com", False)
        self._user(ADMIN, ADMIN_PARTNER, "Mitchell Admin", self.settings.login, "admin@example.com", True)
        for owner in owners:
            if owner.kind != "PERSON":
                continue
            if int(owner.owner_id) <= ADMIN:
                raise ValueError("owners 1 and 2 would be Odoo's own users")
            self._users[owner.owner_id] = owner
            self._stamp = owner.created_at.astimezone(UTC)
            name = f"{owner.first_name} {owner.last_name}"
            number, partner = int(user_id(owner.owner_id)), int(user_partner_id(owner.owner_id))
            self._user(number, partner, name, owner.email, owner.email, True)
        self._stamp = started
        for number, name in enumerate(LEAD_STAGES, 1):
            self._stage(number, name, number, False)
        for stage in OPEN_STAGES:
            number = DEAL_STAGES[stage.stage_id]
            self._stage(number, stage.label, number, False)
        self._stage(WON, next(one.label for one in STAGES if one.is_won), 70, True)
        sellers = [int(user_id(one)) for one in self._users]
        self._add("crm.team", TEAM, name="Verkoop", sequence=1, active=True, user_id=None, member_ids=sellers,
                  use_leads=True, use_opportunities=True)  # fmt: skip
        for number, (name, category, icon) in ACTIVITY_TYPES.items():
            self._add("mail.activity.type", number, name=name, sequence=number, active=True, category=category,
                      icon=icon, res_model=None)  # fmt: skip
        for number, (name, is_internal, model) in SUBTYPES.items():
            self._add(
                "mail.message.subtype", number, name=name, internal=is_internal, res_model=model, sequence=1
            )
        for reason, number in self._reasons.items():
            self._add("crm.lost.reason", number, name=reason, active=True)
        for number, name in SOURCES.values():
            self._add("utm.source", number, name=name)
        for number, name in MEDIUMS.items():
            self._add("utm.medium", number, name=name, active=True)
        for number, name in TAGS.values():
            self._add("crm.tag", number, name=name, color=0)
        for code, (number, symbol) in CURRENCIES.items():
            self._add("res.currency", number, name=code, symbol=symbol, rate=RATES[code], rounding=0.01,
                      decimal_places=2, active=True)  # fmt: skip
        told = "19.0.1.9" if self.settings.version >= 19 else "17.0.1.8"
        self._add("ir.module.module", 54, name="crm", latest_version=told, state="installed")
        for number, described in enumerate(self.models.values(), 60):
            self._add("ir.model", number, name=described.label, model=described.name)
            for one in described.fields.values():
                self._add("ir.model.fields", self._fields[described.name, one.name], name=one.name,
                          field_description=one.string, model=described.name, ttype=one.type, relation=one.relation,
                          state="base", store=one.is_stored, required=one.is_required, readonly=one.is_readonly)  # fmt: skip

    def _user(self, number: int, partner: int, name: str, login: str, email: str, is_active: bool) -> None:
        self._partner(partner, name, email, "Leadrole", users=[number])
        self._add("res.users", number, name=name, login=login, email=email, active=is_active, share=False,
                  partner_id=partner)  # fmt: skip

    def _partner(
        self,
        number: int,
        name: str,
        email: str,
        company: str,
        *,
        users: list[int] | None = None,
        by: int = BOT,
    ) -> int:
        self._add("res.partner", number, by, name=name, complete_name=name, active=True, email=email,
                  email_normalized=email.lower(), phone=None, is_company=False, commercial_company_name=company,
                  user_ids=users or [])  # fmt: skip
        return number

    def _stage(self, number: int, name: str, sequence: int, is_won: bool) -> None:
        team: Row = {"team_ids": []} if self.settings.version >= 19 else {"team_id": None}
        self._add("crm.stage", number, name=name, sequence=sequence, is_won=is_won, fold=is_won, requirements=None,
                  **team)  # fmt: skip

    # --- rows

    def _add(self, model: str, number: int, by: int = BOT, /, **values: Any) -> Row:
        row: Row = dict.fromkeys(self.models[model].fields)
        row.update(values)
        row["id"] = number
        row["create_uid"] = row["write_uid"] = by
        row["create_date"] = row["write_date"] = self._stamp
        self.tables[model][number] = row
        return row

    def _touch(self, row: Row, by: int, **values: Any) -> None:
        row.update(values)
        row["write_uid"], row["write_date"] = by, self._stamp


def _lost_reasons(history: History) -> dict[str, int]:
    """Give every reason by name, with its id: those of the lead statuses first, then as the log names them."""
    names = dict.fromkeys(STATUS_REASONS.values())
    for event in history.events:
        if event.kind == "deal_stage_changed" and event.data.get("reason"):
            names[event.data["reason"]] = None
    return {name: number for number, name in enumerate(names, 1)}
