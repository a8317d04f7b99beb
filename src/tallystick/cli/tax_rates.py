"""`tallystick tax-rate`: how the studio taxes what it sells, with names."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer
from sqlalchemy import bindparam

from tallystick.cli.console import CommandError, Data, Json, open_database, say
from tallystick.cli.invoices import decimal
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain import tax_rates
from tallystick.domain.context import Context
from tallystick.domain.tax_rates import TaxRate
from tallystick.values.ids import parse_id
from tallystick.values.money import decimal_text
from tallystick.values.tax import TaxCategory

Named = Annotated[str, typer.Argument(help="The tax rate, by its name or id.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="How the studio taxes what it sells, with names.", no_args_is_help=True)
    commands.command("create", epilog="Example: tallystick tax-rate create Normal --percent 19 --default")(create)
    commands.command("list")(list_all)
    commands.command("default", epilog="Example: tallystick tax-rate default Reduced")(default)
    commands.command("delete", epilog="Example: tallystick tax-rate delete Reduced")(delete)
    app.add_typer(commands, name="tax-rate")


def create(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    *,
    percent: Annotated[
        Decimal | None, typer.Option("--percent", parser=decimal, metavar="PERCENT", help="19 is nineteen percent.")
    ] = None,
    category: Annotated[
        TaxCategory | None,
        typer.Option("--category", case_sensitive=False, help="By the percentage unless told.", show_default=False),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why it is not taxed, as the paper says it.", show_default=False)
    ] = None,
    is_default: Annotated[
        bool, typer.Option("--default", help="Taxed so where neither invoice nor client say otherwise.")
    ] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Give a tax rate a name."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        rate = tax_rates.create(
            ctx, name=name, category=category, percent=percent, reason=reason, is_default=is_default
        )
    say(_row(rate), json=json, text=f"{rate.name} is {_percent(rate)}.")


def list_all(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List tax rates."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = ctx.select(TaxRate, TaxRate.deleted_at.is_(None))
    rows = [_row(rate) for rate in sorted(found, key=lambda rate: rate.number)]
    print_rows(rows, json=json, empty="No tax rates have names.")


def default(named: Named, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Tax so where neither invoice nor client say otherwise."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        rate = tax_rates.change(ctx, find_tax_rate(ctx, named).id, is_default=True)
    say(_row(rate), json=json, text=f"{rate.name} is the default.")


def delete(named: Named, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Delete a tax rate; one that is on an invoice is archived."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        rate = tax_rates.delete(ctx, find_tax_rate(ctx, named).id)
    say(_row(rate), json=json, text=f"{rate.name} is {'archived' if rate.archived else 'deleted'}.")


def find_tax_rate(ctx: Context, named: str) -> TaxRate:
    """A tax rate by its name or its id."""
    if (identity := parse_id(named)) is not None:
        return ctx.find(TaxRate, identity)
    found = ctx.select(TaxRate, TaxRate.name == bindparam("name"), TaxRate.deleted_at.is_(None), name=named)
    if not found:
        raise CommandError(f"There is no tax rate called {named}.")
    return found[0]


def _percent(rate: TaxRate) -> str:
    return rate.category if rate.percent is None else f"{decimal_text(rate.percent)} % ({rate.category})"


def _row(rate: TaxRate) -> dict[str, object]:
    return {
        "name": rate.name,
        "category": rate.category,
        "percent": None if rate.percent is None else decimal_text(rate.percent),
        "reason": rate.reason,
        "default": rate.is_default,
        "archived": rate.archived,
        "id": rate.id,
    }
