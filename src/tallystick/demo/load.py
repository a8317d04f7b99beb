"""Lets the demo's months happen: every fact comes in by the verb that a person would have used, at its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from tallystick.auth import tokens as token_texts
from tallystick.auth.passwords import hash_password
from tallystick.db.session import Connection, Database
from tallystick.demo import neighbours, nordlicht
from tallystick.demo.books import BILLED_AFTER, BILLS, EXPENSES, Bill, months_end, morning
from tallystick.demo.calendar import TIMER_RUNS, Work, work_until
from tallystick.demo.sign_ins import Neighbour as NeighbourSignIn
from tallystick.demo.sign_ins import SignIn, SignIns
from tallystick.domain import (
    clients,
    contacts,
    expenses,
    members,
    payments,
    projects,
    tasks,
    tax_rates,
    time_entries,
    tokens,
    workspaces,
)
from tallystick.domain.access import Actor, Plan, Role
from tallystick.domain.context import Context, Server, open_workspace
from tallystick.domain.credit_notes import credit
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices import lifecycle
from tallystick.domain.invoices.draft import CustomLine, draft
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.members import Member
from tallystick.domain.recurring import recurring
from tallystick.domain.recurring.recurring import Template
from tallystick.domain.webhooks import endpoints
from tallystick.values.money import round_money

NEVER_EXPIRES: Final = None
Step = Callable[[str], None]


def load(database: Database, server: Server, sign_ins: SignIns, now: datetime, step: Step) -> None:
    """Fill what is not there yet; each workspace comes whole or not at all."""
    _nordlicht(database, server, sign_ins, now, step)
    for one, sign_in in ((neighbours.OTHER, sign_ins.other), (neighbours.FREE, sign_ins.free)):
        _neighbour(database, server, one, sign_in, now)


class Stage:
    """One workspace being filled in one transaction, by different people at different times."""

    def __init__(self, connection: Connection, workspace_id: str, zone: str, server: Server) -> None:
        self.connection = connection
        self.workspace_id = workspace_id
        self.zone = zone
        self.people: dict[str, Member] = {}
        self._server = server

    def at(self, instant: datetime, who: str | None = None) -> Context:
        """A context of one of the people, or of the operator, at an instant."""
        instant = instant.astimezone(UTC)
        person = self.people.get(who or "")
        role: Role = person.role if person is not None else "OWNER"  # type: ignore[assignment]  # the CHECK says so
        user_id = "" if person is None else person.user_id
        actor = Actor(self.workspace_id, user_id, role, time_zone=self.zone)
        return Context(actor, self.connection, lambda: instant, self._server)

    def join(self, ctx: Context, who: str, *, email: str, name: str, role: Role, sign_in: SignIn | None) -> None:
        """A person joins; with a sign-in they get a password and a token."""
        hashed = None if sign_in is None else hash_password(sign_in.password)
        member = self.people[who] = members.add(ctx, email=email, name=name, role=role, password_hash=hashed)
        shape = None if sign_in is None else token_texts.shape(sign_in.token)
        if sign_in is not None and shape is not None:
            tokens.issue(
                ctx,
                user_id=member.user_id,
                name="Demo",
                prefix=shape.prefix,
                digest=token_texts.digest(self._server.key, sign_in.token),
                expires_at=NEVER_EXPIRES,
            )


def _nordlicht(database: Database, server: Server, sign_ins: SignIns, now: datetime, step: Step) -> None:
    with database.transaction() as connection:
        open_workspace(connection, sign_ins.workspace.id)
        if _is_there(connection):
            return
        work = work_until(now)
        began = work[0].begin - timedelta(days=1)
        step("The studio and its people ...")
        stage = _studio(connection, server, sign_ins, began)
        step("Clients, projects and tasks ...")
        client_ids, project_ids, task_ids = _clients(stage, began)
        step(f"{len(work)} stretches of work ...")
        _work(stage, work, project_ids, task_ids)
        step("Expenses ...")
        _expenses(stage, now, client_ids, project_ids)
        step("Invoices and payments ...")
        for bill in BILLS:
            _bill(stage, bill, now, client_ids, project_ids)
        _arrange(stage, now, client_ids)
        _put_away(stage, now, project_ids)
        _timer(stage, now, project_ids, task_ids)


def _studio(connection: Connection, server: Server, sign_ins: SignIns, began: datetime) -> Stage:
    stage = Stage(connection, sign_ins.workspace.id, nordlicht.ZONE, server)
    ctx = stage.at(began)
    workspaces.found(
        ctx, name=nordlicht.NAME, currency="EUR", time_zone=nordlicht.ZONE, plan="agency", **nordlicht.SETTINGS
    )
    given = {
        "owner": sign_ins.owner,
        "admin": sign_ins.admin,
        "manager": sign_ins.manager,
        "member": sign_ins.member,
    }
    for person in nordlicht.PEOPLE:
        sign_in = given.get(person.key)
        stage.join(ctx, person.key, email=person.email, name=person.name, role=person.role, sign_in=sign_in)
    return stage


Ids = dict[str, str]
TaskIds = dict[tuple[str, str], str]


def _clients(stage: Stage, began: datetime) -> tuple[Ids, Ids, TaskIds]:
    """Ids of clients and projects by key, and of tasks by project and name."""
    client_ids: Ids = {}
    project_ids: Ids = {}
    task_ids: TaskIds = {}
    ctx = stage.at(began, "owner")
    first_day = ctx.today()
    for client in nordlicht.CLIENTS:
        client_ids[client.key] = clients.create(ctx, name=client.name, currency=client.currency, **client.facts).id
        for plan in client.projects:
            project = projects.create(
                ctx, client_id=client_ids[client.key], name=plan.name, start_date=first_day, **plan.facts
            )
            project_ids[plan.key] = project.id
            for task in plan.tasks:
                people = [stage.people[who].user_id for who in task.people.split()]
                made = tasks.create(ctx, project_id=project.id, name=task.name, assignee_ids=people, **task.facts)
                task_ids[plan.key, task.name] = made.id
    return client_ids, project_ids, task_ids


def _work(stage: Stage, work: list[Work], project_ids: Ids, task_ids: TaskIds) -> None:
    for one in work:
        end = one.end.astimezone(UTC)
        time_entries.log(
            stage.at(end, one.person),
            project_id=project_ids[one.project],
            task_id=task_ids[one.project, one.task],
            entry_date=one.begin.date(),
            duration_seconds=one.seconds,
            note=one.note,
            started_at=end - timedelta(seconds=one.seconds) if one.timed else None,
            stopped_at=end if one.timed else None,
        )


def _expenses(stage: Stage, now: datetime, client_ids: Ids, project_ids: Ids) -> None:
    for one in EXPENSES:
        ctx = stage.at(now - timedelta(days=one.days_ago), "manager")
        expenses.record(
            ctx,
            client_id=client_ids[one.client],
            project_id=project_ids[one.project] if one.project else None,
            description=one.description,
            amount=one.amount,
            expense_date=ctx.today(),
            category=one.category,
            **one.facts,
        )


def _bill(stage: Stage, bill: Bill, now: datetime, client_ids: Ids, project_ids: Ids) -> None:
    """Draft a month's invoice on its morning, and let happen what happened to it since."""
    today = now.astimezone(ZoneInfo(stage.zone)).date()
    end = months_end(today, bill.month)
    made_at = min(morning(end + BILLED_AFTER), now) if bill.month else now
    invoice = draft(
        stage.at(made_at, "admin"),
        client_id=client_ids[bill.client],
        date_to=end if bill.work else None,
        project_ids=None if bill.work else [],
        include_expenses=bill.expenses,
        lines=bill.custom_lines(project_ids),
        **bill.facts,
    ).invoice
    if bill.state == "draft":
        return
    lifecycle.mark_sent(stage.at(made_at + timedelta(minutes=9), "admin"), invoice.id)
    paid_at = min(morning(end + 5 * BILLED_AFTER, 8), now)
    if bill.state == "paid":
        _pay(stage, invoice, paid_at, invoice.total)
    elif bill.state == "part paid":
        _pay(stage, invoice, paid_at, round_money(invoice.total * Decimal("0.4"), invoice.currency))
    elif bill.state == "part credited":
        _credit(stage, invoice, min(made_at + timedelta(days=2), now))
    elif bill.state == "settled":
        lifecycle.mark_paid(stage.at(paid_at, "owner"), invoice.id)
    elif bill.state in ("cancelled", "restored"):
        lifecycle.cancel(stage.at(made_at + timedelta(minutes=40), "admin"), invoice.id)
    if bill.state == "restored":
        lifecycle.restore(stage.at(made_at + timedelta(minutes=55), "admin"), invoice.id)


def _pay(stage: Stage, invoice: Invoice, at: datetime, amount: Decimal) -> None:
    ctx = stage.at(at, "owner")
    payments.record(ctx, invoice.id, amount=amount, paid_on=ctx.today(), note="Bank transfer")


def _credit(stage: Stage, invoice: Invoice, at: datetime) -> None:
    ctx = stage.at(at, "owner")
    first = invoices.lines(ctx, invoice.id)[0]
    some = round_money(first.total / 10, invoice.currency)
    credit.credit(ctx, invoice.id, reason="A visit was counted twice", lines=[CreditLine(first.id, some)])


def _arrange(stage: Stage, now: datetime, client_ids: Ids) -> None:
    """What an owner sets up once: whom to write to, another tax, what recurs, and a webhook that is still paused."""
    ctx = stage.at(now - timedelta(days=2), "owner")
    for client, first_name, last_name, email, job_position in nordlicht.CONTACTS:
        contacts.create(
            ctx,
            client_id=client_ids[client],
            first_name=first_name,
            last_name=last_name,
            email=email,
            job_position=job_position,
        )
    tax_rates.create(ctx, name="Reduced rate", percent=Decimal(7))
    recurring.create(
        ctx,
        client_id=client_ids["alster"],
        rule="FREQ=MONTHLY",
        start_date=(ctx.today().replace(day=28) + timedelta(days=4)).replace(day=1),
        name="Hosting of the shop",
        template=Template(lines=(CustomLine("Hosting of the shop, {{mm}}/{{yyyy}}", Decimal(1), Decimal(45)),)),
    )
    hook = endpoints.create(
        ctx,
        url="https://books.nordlicht.example/hooks/tallystick",
        events=["invoice.*", "payment.*"],
        description="The bookkeeper's program",
    ).endpoint
    endpoints.change(ctx, hook.id, status="disabled")


def _put_away(stage: Stage, now: datetime, project_ids: Ids) -> None:
    ctx = stage.at(now - timedelta(days=3), "manager")
    for project in (project for client in nordlicht.CLIENTS for project in client.projects):
        if project.status == "ARCHIVED":
            projects.archive(ctx, project_ids[project.key])
        elif project.status != "ACTIVE":
            projects.change(ctx, project_ids[project.key], status=project.status)


def _timer(stage: Stage, now: datetime, project_ids: Ids, task_ids: TaskIds) -> None:
    time_entries.start(
        stage.at(now - TIMER_RUNS, "member"),
        project_id=project_ids["shop"],
        task_id=task_ids["shop", "Shop development"],
        note="Gift cards: partial redemption",
    )


def _neighbour(
    database: Database, server: Server, one: neighbours.Neighbour, sign_in: NeighbourSignIn, now: datetime
) -> None:
    with database.transaction() as connection:
        open_workspace(connection, sign_in.workspace.id)
        if _is_there(connection):
            return
        stage = Stage(connection, sign_in.workspace.id, one.time_zone, server)
        ctx = stage.at(now - timedelta(days=30))
        plan: Plan = one.plan
        workspaces.found(ctx, name=one.name, currency=one.currency, time_zone=one.time_zone, plan=plan)
        stage.join(ctx, "owner", email=one.email, name=one.owner, role="OWNER", sign_in=sign_in.owner)
        ctx = stage.at(now - timedelta(days=29), "owner")
        client = clients.create(ctx, name=one.client, default_rate=Decimal(75))
        project = projects.create(ctx, client_id=client.id, name=one.project)
        for days in range(28, 0, -4):
            ctx = stage.at(now - timedelta(days=days), "owner")
            time_entries.log(
                ctx, project_id=project.id, entry_date=ctx.today(), duration_seconds=9000, note="Sketches and a call"
            )


def _is_there(connection: Connection) -> bool:
    """The workspace that is open: seen only when it was founded."""
    return connection.execute("SELECT 1 FROM workspaces").fetchone() is not None
