"""`tallystick recurring`: invoices that recur, and making those that are due."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, NamedTuple, cast

import typer
from msgspec import UNSET
from sqlalchemy import bindparam

from tallystick.cli.console import CommandError, Data, Json, Operator, err, open_database, say
from tallystick.cli.invoices import day, decimal, discount, find_client, find_project
from tallystick.cli.tax_rates import find_tax_rate
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.recurring import automatic_billing, recurring, runs
from tallystick.domain.recurring.automatic_billing import AutomaticBilling, BillingRun
from tallystick.domain.recurring.recurring import CatchUp, RecurringInvoice, RecurringRun, Template
from tallystick.domain.tax_rates import Said
from tallystick.values.ids import parse_id
from tallystick.values.recurrence import MonthEnd
from tallystick.values.tax import TAX_CATEGORIES, TaxCategory


class TypedLine(NamedTuple):
    """A line as it was typed: project and tax rate by their names, which only a workspace knows."""

    line: CustomLine
    project: str | None
    named_rate: str | None


FACTS: Final = ("unit", "heading", "discount", "project", "tax-rate", "tax-category", "tax-reason")
"""What may be said of a line behind its price."""
_FACT: Final = re.compile(rf"\s*\|\s*({'|'.join(FACTS)})=")


def _line(words: str) -> TypedLine:
    """`2 x Hosting @ 19.90 | unit=month | discount=5%`; without a quantity it is one."""
    plain, *said = _FACT.split(words)
    what, at, rate = plain.rpartition("@")
    count, times, described = what.partition(" x ")
    if not at or not what.strip():
        raise typer.BadParameter(f"{words} is no line; write it as 'Retainer @ 1500' or '2 x Hosting @ 19.90'.")
    facts = dict(zip(said[::2], (value.strip() for value in said[1::2]), strict=True))
    if len(facts) < len(said) // 2:
        raise typer.BadParameter(f"{words} says the same thing twice.")
    taken_off, category, tax = facts.get("discount"), facts.get("tax-category"), facts.get("tax-rate")
    if category is not None and category.upper() not in TAX_CATEGORIES:
        raise typer.BadParameter(f"{category} is no tax category; there are {', '.join(TAX_CATEGORIES)}.")
    by_number = tax is not None and tax[:1].isdigit()
    made = CustomLine(
        described.strip() if times else what.strip(),
        decimal(count) if times else Decimal(1),
        decimal(rate),
        unit=facts.get("unit"),
        heading=facts.get("heading"),
        discount=None if taken_off is None else discount(taken_off),
        tax=Said(
            decimal(tax) if tax is not None and by_number else None if tax == "none" else UNSET,
            None if category is None else cast("TaxCategory", category.upper()),
            facts.get("tax-reason", UNSET),
        ),
    )
    return TypedLine(made, facts.get("project"), None if by_number or tax == "none" else tax)


Named = Annotated[str, typer.Argument(help="The recurring invoice, by its name or id.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Invoices that recur, and making those that are due.", no_args_is_help=True)
    commands.command(
        "create",
        epilog="Example: tallystick recurring create Globex --rule 'FREQ=MONTHLY;BYMONTHDAY=-1' "
        "--line 'Retainer {{mm}}/{{yyyy}} @ 1500' --send",
    )(create)
    commands.command("list")(list_all)
    commands.command("days", epilog="Example: tallystick recurring days Retainer")(days)
    commands.command("pause", epilog="Example: tallystick recurring pause Retainer")(pause)
    commands.command("resume", epilog="Example: tallystick recurring resume Retainer")(resume)
    commands.command("skip", epilog="Example: tallystick recurring skip Retainer")(skip)
    commands.command("cancel", epilog="Example: tallystick recurring cancel Retainer")(cancel)
    commands.command("run", epilog="Example: tallystick recurring run")(run)
    app.add_typer(commands, name="recurring")


def create(
    client: Annotated[str, typer.Argument(help="Whom to bill, by name or id.")],
    *,
    rule: Annotated[str, typer.Option("--rule", help="When, as iCalendar writes it: FREQ=MONTHLY;BYMONTHDAY=-1.")],
    line: Annotated[
        list[TypedLine],
        typer.Option(
            "--line",
            parser=_line,
            metavar="LINE",
            help="'2 x Hosting @ 19.90', and if you like ' | unit=month | heading=Care | discount=5%' and so on; "
            "may be said again.",
        ),
    ],
    start: Annotated[
        date | None,
        typer.Option("--start", parser=day, metavar="DATE", help="The first day it may fall on; else today."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What you call it; else its first line.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Issue each invoice; else it is left as a draft.")] = False,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="Where its days begin; else the workspace's.")
    ] = None,
    month_end: Annotated[
        MonthEnd, typer.Option("--month-end", case_sensitive=False, help="What the 31st is in a shorter month.")
    ] = "LAST_DAY",
    catch_up: Annotated[
        CatchUp, typer.Option("--catch-up", case_sensitive=False, help="What becomes of days that were missed.")
    ] = "ALL",
    taken_off: Annotated[
        Discount | None,
        typer.Option("--discount", parser=discount, metavar="AMOUNT|PERCENT%", help="Taken off: 100 or 5%."),
    ] = None,
    tax_rate: Annotated[
        Decimal | None,
        typer.Option("--tax-rate", parser=decimal, metavar="PERCENT", help="Else the client's or the workspace's."),
    ] = None,
    tax_category: Annotated[
        TaxCategory | None,
        typer.Option("--tax-category", case_sensitive=False, help="By the rate unless told.", show_default=False),
    ] = None,
    tax_reason: Annotated[
        str | None, typer.Option("--tax-reason", help="Why it is not taxed, in your own words.", show_default=False)
    ] = None,
    prices_include_tax: Annotated[
        bool | None,
        typer.Option(
            "--gross/--net",
            help="Whether prices have the tax in them; else as client or workspace say.",
            show_default=False,
        ),
    ] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="Else the workspace's.", show_default=False)] = None,
    po_number: Annotated[str | None, typer.Option("--po-number", help="The client's order number.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Let an invoice recur. Texts may hold the day: {{yyyy}}, {{yy}}, {{mm}}, {{dd}}."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        billed = find_client(ctx, client)
        template = Template(
            lines=tuple(_meant(ctx, billed, one) for one in line),
            discount=taken_off,
            tax_rate=tax_rate,
            tax_category=tax_category,
            tax_reason=tax_reason,
            prices_include_tax=prices_include_tax,
            notes=notes,
            po_number=po_number,
        )
        made = recurring.create(
            ctx,
            client_id=billed.id,
            rule=rule,
            start_date=start or ctx.today(),
            template=template,
            name=name,
            mode="SEND" if send else "DRAFT",
            time_zone=time_zone,
            month_end=month_end,
            catch_up=catch_up,
        )
        row = _row(made, billed.name)
    say(row, json=json, text=f"{made.name} recurs for {billed.name}, next on {made.next_run_on}.")


def list_all(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List recurring invoices, by the day on which they are next."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = ctx.select(RecurringInvoice, RecurringInvoice.deleted_at.is_(None))
        found.sort(key=lambda one: (one.next_run_on or date.max, one.name, one.id))
        rows = [_row(one, ctx.find(Client, one.client_id).name) for one in found]
    print_rows(rows, json=json, empty="No recurring invoices.")


def days(
    name: Named,
    count: Annotated[int, typer.Option("--count", min=1, max=200, help="So many.")] = 12,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show the days to come, and those of which something became."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = _find(ctx, name)
        rows: list[dict[str, object]] = [
            {"day": one.occurs_on, "outcome": one.outcome, "invoice": one.invoice_id, "failure": one.failure}
            for one in reversed(recurring.runs(ctx, found.id))
            if one.outcome != "FAILED"
        ]
        failed = {one.occurs_on: one.failure for one in recurring.failed_runs(ctx, found)}
        for one in recurring.occurrences(ctx, found.id, count):
            outcome = "FAILED" if one.occurs_on in failed else "DUE" if one.due else None
            rows.append(
                {"day": one.occurs_on, "outcome": outcome, "invoice": None, "failure": failed.get(one.occurs_on)}
            )
    print_rows(rows, json=json, empty="No day is left.")


def pause(name: Named, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Make nothing until it is resumed."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = recurring.pause(ctx, _find(ctx, name).id)
    say(_row(found), json=json, text=f"{found.name} is paused.")


def resume(name: Named, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Go on from today; days that went by meanwhile are passed over."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = recurring.resume(ctx, _find(ctx, name).id)
    following = "no day is left" if found.status == "ENDED" else f"next on {found.next_run_on}"
    say(_row(found), json=json, text=f"{found.name} goes on, {following}.")


def skip(name: Named, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Leave out the next day, or one that failed before."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = recurring.skip(ctx, _find(ctx, name).id)
    following = "has ended" if found.status == "ENDED" else f"is next on {found.next_run_on}"
    say(_row(found), json=json, text=f"{found.name} {following}.")


def cancel(name: Named, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """End it. Its invoices stay."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = recurring.cancel(ctx, _find(ctx, name).id)
    say(_row(found), json=json, text=f"{found.name} is cancelled.")


def run(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Make all that is due, automatic billing too, in every workspace or in one. Nothing is made twice."""
    made: list[dict[str, object]] = []
    failed: list[str] = []
    with open_database(data=data) as operator:
        for workspace_id, studio in _workspaces(operator, workspace):

            @contextlib.contextmanager
            def contexts(workspace_id: str = workspace_id) -> Generator[Context]:
                with operator.transaction(workspace_id) as ctx:
                    yield ctx

            recurred = runs.run_due(contexts)
            billed = automatic_billing.run_due(contexts)
            with contexts() as ctx:
                made += [{"workspace": studio, **_made(ctx, one), "day": one.occurs_on} for one in recurred]
                made += [{"workspace": studio, **_billed(ctx, one), "day": one.period_to} for one in billed]
                failed += [f"{studio}: {one}" for one in _failing(ctx)]
    print_rows(made, json=json, empty="Nothing was due.")
    for sentence in failed:
        err.print(sentence, style="red", markup=False)
    if failed:
        raise typer.Exit(1)


def _meant(ctx: Context, client: Client, typed: TypedLine) -> CustomLine:
    line = typed.line
    if typed.project is not None:
        line = replace(line, project_id=find_project(ctx, client, typed.project).id)
    if typed.named_rate is not None:
        line = replace(line, tax=replace(line.tax, tax_rate_id=find_tax_rate(ctx, typed.named_rate).id))
    return line


def _workspaces(operator: Operator, which: str | None) -> list[tuple[str, str]]:
    """Id and name of the workspace that was named, or of all."""
    if which is not None:
        found = operator.find_workspace(which)
        return [(found[0], found[1])]
    return [(identity, name) for identity, name, _ in operator.workspaces()]


def _made(ctx: Context, run: RecurringRun) -> dict[str, object]:
    found = ctx.select(RecurringInvoice, RecurringInvoice.id == bindparam("id"), id=run.recurring_id)[0]
    return {"client": ctx.find(Client, found.client_id).name, "what": found.name, "outcome": run.outcome}


def _billed(ctx: Context, run: BillingRun) -> dict[str, object]:
    return {"client": ctx.find(Client, run.client_id).name, "what": "tracked work", "outcome": run.outcome}


def _failing(ctx: Context) -> Iterator[str]:
    """What waits to be tried again, and why."""
    for one in ctx.select(
        RecurringInvoice, RecurringInvoice.failure.is_not(None), RecurringInvoice.deleted_at.is_(None)
    ):
        if one.status == "ACTIVE":
            yield f"{one.name} fails: {one.failure}"
    for one in ctx.select(AutomaticBilling, AutomaticBilling.failure.is_not(None)):
        yield f"the work for {ctx.find(Client, one.client_id).name} cannot be billed: {one.failure}"


def _find(ctx: Context, named: str) -> RecurringInvoice:
    if (identity := parse_id(named)) is not None:
        return ctx.find(RecurringInvoice, identity)
    found = ctx.select(
        RecurringInvoice,
        RecurringInvoice.name == bindparam("name"),
        RecurringInvoice.deleted_at.is_(None),
        name=named,
    )
    if not found:
        raise CommandError(f"There is no recurring invoice called {named}.")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise CommandError(f"More than one recurring invoice is called {named}. Name it by its id: {ids}.")
    return found[0]


def _row(found: RecurringInvoice, client: str | None = None) -> dict[str, object]:
    return {
        "name": found.name,
        **({} if client is None else {"client": client}),
        "status": found.status,
        "mode": found.mode,
        "rule": found.rule,
        "next_run_on": found.next_run_on,
        "failure": found.failure,
        "id": found.id,
    }
