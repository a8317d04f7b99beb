"""`tallystick webhook`: where events go, and what became of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer

from tallystick.cli.console import CommandError, Data, Json, err, open_database, out, print_json, say
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain.webhooks import deliveries, endpoints
from tallystick.domain.webhooks.deliveries import DELIVERIES
from tallystick.domain.webhooks.endpoints import Made, WebhookEndpoint
from tallystick.values.ids import parse_id

Which_endpoint = Annotated[str, typer.Argument(help="Its id, as webhook list shows it.")]
Which_delivery = Annotated[str, typer.Argument(help="Its id, as webhook deliveries shows it.")]
_DELIVERY = ("id", "type", "state", "attempts", "last_status", "last_error", "next_attempt_at", "created_at")
_ID = "0192d3a4-5b6c-7def-8123-456789abcdef"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Webhooks: who is told of what happens.", no_args_is_help=True)
    commands.command(
        "create", epilog="Example: tallystick webhook create https://example.com/hook --event 'invoice.*'"
    )(create)
    commands.command("list", epilog="Example: tallystick webhook list")(list_all)
    commands.command("set", epilog=f"Example: tallystick webhook set {_ID} --pause")(change)
    commands.command("rotate-secret", epilog=f"Example: tallystick webhook rotate-secret {_ID}")(rotate)
    commands.command("delete", epilog=f"Example: tallystick webhook delete {_ID}")(delete)
    commands.command("test", epilog=f"Example: tallystick webhook test {_ID}")(send_test)
    commands.command("deliveries", epilog=f"Example: tallystick webhook deliveries {_ID}")(list_deliveries)
    commands.command("show", epilog=f"Example: tallystick webhook show {_ID}")(show)
    commands.command("replay", epilog=f"Example: tallystick webhook replay {_ID}")(replay)
    commands.command("replay-since", epilog=f"Example: tallystick webhook replay-since {_ID} 24")(replay_since)
    app.add_typer(commands, name="webhook")


def create(
    url: Annotated[str, typer.Argument(help="Where events go.")],
    *,
    event: Annotated[list[str], typer.Option("--event", help="Such as invoice.paid, invoice.* or *; several times.")],
    description: Annotated[str | None, typer.Option("--description", help="For people.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Have events sent to an address. The secret that signs them is shown this one time."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        made = endpoints.create(ctx, url=url, events=event, description=description)
    _tell(made, json=json)


def list_all(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List the endpoints, the newest first."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = endpoints.every(ctx)
    print_rows([_row(one) for one in found], json=json, empty="No webhooks.")


def change(
    endpoint: Which_endpoint,
    *,
    url: Annotated[str | None, typer.Option("--url", help="Where events go.")] = None,
    event: Annotated[list[str] | None, typer.Option("--event", help="All that it wants, anew.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="For people.")] = None,
    pause: Annotated[bool | None, typer.Option("--pause/--enable", help="Send nothing, or send again.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Change an endpoint; what is not named stays."""
    facts: dict[str, Any] = {"url": url, "events": event, "description": description}
    facts = {name: value for name, value in facts.items() if value is not None}
    if pause is not None:
        facts["status"] = "disabled" if pause else "enabled"
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        changed = endpoints.change(ctx, _id(endpoint), **facts)
    say(_row(changed), json=json, text=f"Saved: {changed.url} is {changed.status}.")


def rotate(endpoint: Which_endpoint, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Make a new secret, which is shown this one time. For 24 hours the one until now signs too."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        made = endpoints.rotate(ctx, _id(endpoint))
    _tell(made, json=json)


def delete(endpoint: Which_endpoint, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Send nothing to an endpoint any more."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        gone = endpoints.delete(ctx, _id(endpoint))
    say(_row(gone), json=json, text=f"Nothing is sent to {gone.url} any more.")


def send_test(endpoint: Which_endpoint, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Send a test. A worker does it; `webhook show` tells what came of it."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        sent = deliveries.test(ctx, _id(endpoint))
    say({"id": sent.id, "state": sent.state}, json=json, text=f"On its way: tallystick webhook show {sent.id}")


def list_deliveries(
    endpoint: Which_endpoint,
    *,
    state: Annotated[str | None, typer.Option("--state", help="Only those: pending, delivered or failed.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List what was sent to an endpoint, the newest first, 100 at most."""
    if state is not None and state not in deliveries.STATES:
        raise CommandError(f"--state is one of {', '.join(deliveries.STATES)}.")
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        known = endpoints.read(ctx, _id(endpoint))
        filters = {"endpoint_id": known.id, "state": state}
        found = DELIVERIES.page(ctx, _DELIVERY, filters, sort="-id", limit=100).rows
    rows: list[dict[str, object]] = [dict(zip(_DELIVERY, row, strict=True)) for row in found]
    print_rows(rows, json=json, empty="Nothing was sent there.")


def show(delivery: Which_delivery, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Show a delivery: what was sent, and what each attempt heard."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        told = deliveries.read(ctx, _id(delivery))
    attempts = [
        {
            "number": one.number,
            "attempted_at": one.attempted_at,
            "status": one.status,
            "milliseconds": one.milliseconds,
            "error": one.error,
            "answer": one.answer.decode("utf-8", "replace"),
        }
        for one in told.attempts
    ]
    body = told.message.body.decode()
    if json:
        print_json({"id": told.delivery.id, "state": told.delivery.state, "body": body, "attempts": attempts})
        return
    out.print(f"{told.delivery.type}  {told.delivery.state}", markup=False)
    for one in attempts:
        heard = one["status"] or one["error"]
        out.print(f"{one['number']}.  {one['attempted_at']}  {one['milliseconds']} ms  {heard}", markup=False)
    out.print(msgspec.json.format(told.message.body, indent=2).decode(), markup=False)


def replay(delivery: Which_delivery, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Send an event once more, with the same id and the same bytes."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        again = deliveries.replay(ctx, _id(delivery))
    say({"id": again.id, "state": again.state}, json=json, text=f"{again.type} is sent again.")


def replay_since(
    endpoint: Which_endpoint,
    hours: Annotated[int, typer.Argument(min=1, max=720, help="How far back, in hours.")],
    *,
    undelivered: Annotated[bool, typer.Option("--undelivered", help="Only what did not arrive.")] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Send what happened in the last hours once more, and what an endpoint missed."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        now: datetime = ctx.now
        count = deliveries.replay_range(
            ctx, _id(endpoint), since=now - timedelta(hours=hours), until=now, only_undelivered=undelivered
        )
    say({"deliveries": count}, json=json, text=f"Events that are sent again: {count}.")


def _id(text: str) -> str:
    found = parse_id(text.strip())
    if found is None:
        raise CommandError(f"{text} is no id.")
    return found


def _tell(made: Made, *, json: bool) -> None:
    if json:
        print_json({**_row(made.endpoint), "secret": made.secret})
        return
    out.print(f"id      {made.endpoint.id}", markup=False)
    out.print(f"secret  {made.secret}", markup=False)
    err.print("Keep the secret now: it is not shown again.")


def _row(one: WebhookEndpoint) -> dict[str, object]:
    return {
        "id": one.id,
        "url": one.url,
        "events": ", ".join(one.events),
        "status": one.status,
        "disabled_reason": one.disabled_reason,
        "description": one.description,
        "last_success_at": one.last_success_at,
    }
