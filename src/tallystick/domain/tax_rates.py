"""Tax rates with names: how the studio taxes what it sells, written down once and chosen by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, NamedTuple

from msgspec import UNSET, UnsetType
from sqlalchemy import CheckConstraint, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Money, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import numbers
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, cast_rows, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.workspaces import check_percent
from tallystick.values.errors import Absent, Conflict, Invalid
from tallystick.values.tax import NO_TAX, REASONED, TAX_CATEGORIES, UNTAXED, TaxCategory, Treatment, of_rate, untaxed

PERCENT: Final = (
    "CASE {category} WHEN 'STANDARD' THEN {rate} > 0 AND {rate} <= 100 "
    "WHEN 'OUTSIDE_SCOPE' THEN {rate} IS NULL ELSE {rate} = 0 END IS TRUE"
)
"""What a rate is in each category, as a condition; see `values.tax.Treatment`."""


class TaxRate(Tenant):
    """A rate with a name. Once it is on an invoice it is archived, not deleted; invoices keep what they were given."""

    __tablename__ = "tax_rates"
    noun: ClassVar[str] = "tax rate"

    number: Mapped[int]
    """For APIs that call it by a whole number; 1 is none, it stands there for whichever rate is usual."""
    name: Mapped[str]
    category: Mapped[str]
    percent: Mapped[Money | None]
    reason: Mapped[str | None]
    """Why it is not taxed, as the paper says it; None: the usual text in the document's language."""
    is_default: Mapped[bool] = mapped_column(default=False)
    """What is taxed so when neither invoice nor client say otherwise."""
    archived: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        live = "deleted_at IS NULL"
        return (
            *super().constraints(),
            within_workspace("created_by", "members.user_id"),
            UniqueConstraint("workspace_id", "number"),
            CheckConstraint("number >= 2", name="number"),
            one_of("category", TAX_CATEGORIES),
            CheckConstraint(PERCENT.format(category="category", rate="percent"), name="percent"),
            CheckConstraint("reason IS NULL OR category NOT IN ('STANDARD', 'ZERO')", name="reason"),
            CheckConstraint("NOT is_default OR (NOT archived AND deleted_at IS NULL)", name="default_is_live"),
            Index("uq_tax_rates_name", "workspace_id", text("lower(name)"), unique=True, postgresql_where=live),
            Index("uq_tax_rates_default", "workspace_id", unique=True, postgresql_where="is_default"),
        )

    @property
    def treatment(self) -> Treatment:
        """What it says."""
        category: TaxCategory = self.category  # type: ignore[assignment]  # the CHECK says so
        return Treatment(category, self.percent, self.reason, self.id)


_table = table_of(TaxRate)

TAX_RATES = Listing(
    TaxRate,
    sorts=("created_at", "id", "name", "number"),
    search=("name",),
    exact=("category",),
    choices={"category": TAX_CATEGORIES},
    extra={"archived": Filter("flag", _table.c.archived)},
)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says about the tax of an invoice or of a line. What is not said is as usual."""

    tax_rate: Decimal | UnsetType | None = UNSET
    """In percent; None: no tax is shown."""
    tax_category: TaxCategory | None = None
    tax_reason: str | UnsetType | None = UNSET
    """None: the usual words."""
    tax_rate_id: str | None = None
    usual: bool = False
    """As client and workspace have it, where the invoice says something else."""

    @property
    def nothing(self) -> bool:
        return self == AS_USUAL


AS_USUAL: Final = Said()
NO_USUAL: Final = "no tax rate is set for the client or the workspace"


class Taxing(NamedTuple):
    """By what it is decided how a supply is taxed."""

    usual: Treatment
    """Where nobody says anything."""
    standard: Decimal | None
    """The rate of a STANDARD supply of which nobody says the rate."""
    named: Mapping[str, TaxRate]
    """The rates that can be chosen, by id."""

    def of(self, said: Said, otherwise: Treatment | None = None) -> Treatment:
        """The treatment of what is said; of what is not, `otherwise`, else the usual. Raises Invalid by field."""
        base = self.usual if otherwise is None or said.usual else otherwise
        if said.nothing:
            return base
        if said.usual and base == NO_TAX:
            raise Absent(fields={"tax_rate": NO_USUAL})
        if said.tax_rate_id is not None:
            made = self._named(said)
        elif said.tax_category is None and said.tax_rate is UNSET:
            made = base
        else:
            made = self._spelled(said, base)
        if made.category in REASONED and made.reason is None:
            made = made._replace(reason=self._own_reason(made.category))
        if said.tax_reason is not UNSET:
            if said.tax_reason is not None and made.category not in REASONED:
                raise Invalid(fields={"tax_reason": f"is for what is not taxed; this is {made.category}"})
            made = made._replace(reason=said.tax_reason)
        return made

    def _named(self, said: Said) -> Treatment:
        if said.tax_category is not None or said.tax_rate is not UNSET:
            raise Invalid(fields={"tax_rate_id": "give either a named rate, or rate and category"})
        named = self.named.get(said.tax_rate_id or "")
        if named is None:
            raise Absent(fields={"tax_rate_id": "no such tax rate, or it is archived"})
        return named.treatment

    def _spelled(self, said: Said, base: Treatment) -> Treatment:
        rate, category = said.tax_rate, said.tax_category
        if rate is not UNSET and rate is not None:
            check_rate(rate)
        if category is None:
            same = rate is not UNSET and rate == base.rate and (rate is None) == (base.rate is None)
            made = of_rate(None if rate is UNSET else rate)
            return base if same and base.category in UNTAXED else made
        if category == "STANDARD":
            if rate is UNSET:
                rate = base.rate if base.category == "STANDARD" else self.standard
            if not rate:
                raise Invalid(fields={"tax_rate": "a STANDARD supply has a rate of more than 0; for 0 there is ZERO"})
            return Treatment(category, rate)
        if rate is not UNSET and rate:
            raise Invalid(fields={"tax_rate": f"must be 0 or left out: what is {category} is not taxed"})
        return base if category == base.category else untaxed(category)

    def _own_reason(self, category: TaxCategory) -> str | None:
        """The workspace's words for a category: those of its only named rate of that category."""
        found = [one.reason for one in self.named.values() if one.category == category]
        return found[0] if len(found) == 1 else None


def create(
    ctx: Context, *, name: str, category: TaxCategory | None = None, percent: Decimal | None = None, **facts: Any
) -> TaxRate:
    """Add a rate. Without a category the percentage says it: more than 0 is STANDARD, 0 ZERO, none OUTSIDE_SCOPE."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    if facts.keys() - {"reason", "is_default"}:
        raise TypeError("Beside name, category and percent a tax rate has reason and is_default.")
    category = category or of_rate(percent).category
    _check_reason(category, facts.get("reason"))
    row = TaxRate(
        number=max(numbers.draw(ctx, TaxRate), 2),  # under the lock of the workspace: one default at a time
        name=_name(name),
        category=category,
        percent=_percent(category, percent),
        **facts,
    )
    _refuse_taken(ctx, row.name)
    if facts.get("is_default"):
        _no_default(ctx)
    ctx.add(row)
    ctx.record("created", row)
    return row


def read(ctx: Context, tax_rate_id: str) -> TaxRate:
    """One rate, archived or not."""
    ctx.require(Permission.READ_WORKSPACE)
    return ctx.find(TaxRate, tax_rate_id)


def change(ctx: Context, tax_rate_id: str, **facts: Any) -> TaxRate:
    """Change a rate's name, category, percentage, reason; make it the default; archive it or bring it back.

    Invoices keep what they were given, drafts too.
    """
    ctx.require(Permission.CHANGE_WORKSPACE)
    if facts.keys() - {"name", "category", "percent", "reason", "is_default", "archived"}:
        raise TypeError("A tax rate has name, category, percent, reason, is_default and archived to change.")
    numbers.queue_up(ctx)
    row = ctx.find(TaxRate, tax_rate_id, lock="update")
    if "name" in facts:
        facts["name"] = _name(facts["name"])
        if facts["name"].lower() != row.name.lower():
            _refuse_taken(ctx, facts["name"])
    if facts.keys() & {"category", "percent"}:
        category = facts.get("category") or row.category
        if category not in TAX_CATEGORIES:
            raise Invalid(fields={"category": f"one of {', '.join(TAX_CATEGORIES)}"})
        was = row.percent if (category == "STANDARD") == (row.category == "STANDARD") else None
        facts["category"], facts["percent"] = category, _percent(category, facts.get("percent", was))
        if category not in REASONED and "reason" not in facts:
            facts["reason"] = None
    _check_reason(facts.get("category", row.category), facts.get("reason"))
    if facts.get("archived"):
        facts["is_default"] = False
    elif facts.get("is_default"):
        if facts.get("archived", row.archived):
            raise Conflict("This rate is archived. Bring it back before you make it the default.")
        if not row.is_default:
            _no_default(ctx)
    if ctx.change(row, **facts):
        ctx.record("updated", row)
    return row


def delete(ctx: Context, tax_rate_id: str) -> TaxRate:
    """Delete a rate that no invoice has; one that is in use is archived."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    row = ctx.find(TaxRate, tax_rate_id, lock="update")
    if ctx.row(_USED, id=row.id) is not None:
        if ctx.change(row, archived=True, is_default=False):
            ctx.record("updated", row)
        return row
    ctx.change(row, is_default=False, deleted_at=ctx.now)
    ctx.record("deleted", row)
    return row


def choices(ctx: Context, *, reading: bool = False) -> dict[str, TaxRate]:
    """The rates that can be chosen, by id, as they are until the transaction ends: none is deleted meanwhile.

    `reading`: for who only looks; then one may be.
    """
    return {one.id: one for one in cast_rows(ctx.rows(_SHOWN if reading else _CHOICES), TaxRate)}


def default_of(named: Mapping[str, TaxRate]) -> TaxRate | None:
    """The default among them."""
    return next((one for one in named.values() if one.is_default), None)


def check_rate(rate: Decimal, field: str = "tax_rate") -> None:
    """A tax rate is a percentage with at most four decimals."""
    check_percent(rate, field)
    if rate != round(rate, 4):
        raise Invalid(fields={field: "at most 4 decimals"})


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 100:
        raise Invalid(fields={"name": "must have 1 to 100 characters"})
    return name


def _percent(category: str, percent: Decimal | None) -> Decimal | None:
    """The percentage as the category has it."""
    if category not in TAX_CATEGORIES:
        raise Invalid(fields={"category": f"one of {', '.join(TAX_CATEGORIES)}"})
    if percent is not None:
        check_rate(percent, "percent")
    if category == "STANDARD":
        if not percent:
            raise Invalid(fields={"percent": "a STANDARD rate is more than 0; for 0 there is ZERO"})
        return percent
    if percent:
        raise Invalid(fields={"percent": f"must be 0 or left out: what is {category} is not taxed"})
    return None if category == "OUTSIDE_SCOPE" else Decimal(0)


def _check_reason(category: str, reason: str | None) -> None:
    if reason is not None and category not in REASONED:
        raise Invalid(fields={"reason": f"is for what is not taxed; this is {category}"})


def _refuse_taken(ctx: Context, name: str) -> None:
    if ctx.row(_BY_NAME, name=name) is not None:
        raise _TAKEN


def _no_default(ctx: Context) -> None:
    ctx.write(_UNSET_DEFAULT, now=ctx.now)


_TAKEN = Conflict("There is a tax rate of this name already.")
_OPEN = (
    select(_table)
    .where(_table.c.workspace_id == workspace(), _table.c.deleted_at.is_(None), ~_table.c.archived)
    .order_by(_table.c.number)
)
_CHOICES, _SHOWN = Prepared(_OPEN.with_for_update(read=True)), Prepared(_OPEN)
_BY_NAME = Prepared(
    text(
        "SELECT 1 FROM tax_rates WHERE workspace_id = :workspace AND lower(name) = lower(:name) AND deleted_at IS NULL"
    )
)
_UNSET_DEFAULT = Prepared(
    text("UPDATE tax_rates SET is_default = false, updated_at = :now WHERE workspace_id = :workspace AND is_default")
)
_USED = Prepared(
    # By table, not by class: invoices are above this noun.
    text("""
        SELECT 1 FROM invoice_lines WHERE workspace_id = :workspace AND tax_rate_id = :id
        UNION ALL SELECT 1 FROM invoices WHERE workspace_id = :workspace AND default_tax_rate_id = :id
        LIMIT 1
    """)
)

SENTENCES["uq_tax_rates_name"] = _TAKEN
SENTENCES["uq_tax_rates_default"] = Conflict(
    "Somebody made another rate the default at this moment. Try again.", reason="try_again"
)
