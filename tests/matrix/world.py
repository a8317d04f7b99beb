"""A furnished studio: of every noun one that is the person's own, one of somebody else, one hidden, one deleted."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from tallystick.auth import api_keys as key_texts
from tallystick.auth import tokens as token_texts
from tallystick.auth.invitations import invite
from tallystick.db.base import Row
from tallystick.db.session import Connection, Database, owner_connection
from tallystick.domain import (
    api_keys,
    approvals,
    categories,
    checklists,
    clients,
    comments,
    contacts,
    device_actions,
    expenses,
    exports,
    files,
    invitations,
    members,
    milestones,
    notes,
    oauth,
    payments,
    pins,
    portal,
    projects,
    rates,
    receipts,
    refunds,
    reminders,
    task_statuses,
    tasks,
    tax_rates,
    time_entries,
    tokens,
    workspaces,
    write_offs,
)
from tallystick.domain.access import SCOPES, Scope
from tallystick.domain.cards import settings as card_settings
from tallystick.domain.cards.checkouts import CardCheckout, CardEvent
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, Transactions
from tallystick.domain.credit_notes import credit
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.invoices import balance, draft, invoice, lifecycle, links, series
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails import settings as mail_settings
from tallystick.domain.mails import templates
from tallystick.domain.notifications import choices, notification
from tallystick.domain.notifications.notification import Notification
from tallystick.domain.projects import Project
from tallystick.domain.recurring import automatic_billing, recurring, runs
from tallystick.domain.recurring.automatic_billing import BillingRun
from tallystick.domain.recurring.recurring import Template
from tallystick.domain.reports import views
from tallystick.domain.sending import Message
from tallystick.domain.task_statuses import TaskPriority, TaskStatus
from tallystick.domain.webhooks import deliveries as webhook_deliveries
from tallystick.domain.webhooks import endpoints as webhook_endpoints
from tallystick.values.errors import NotFound
from tallystick.values.ids import new_id
from tests.documents.papers import LOGO
from tests.studio import KEY, Person, Studio, found_studio

DAY = date(2026, 6, 12)
FREE_WEEK = date(2026, 3, 2)
"""A Monday whose week nobody submitted."""
PEOPLE = ("owner", "admin", "manager", "member", "second")
MONEY = ("77.31", "66.42", "5500.93", "333.17", "41.19")
"""Amounts that occur nowhere else: a Member must never read one of them."""


@dataclass
class World:
    """A studio and the ids of what is in it: `project`, `project.hidden`, `task.deleted`, `entry.member` …"""

    studio: Studio
    ids: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.ids[name]

    def own(self, noun: str, who: str) -> str:
        """The person's own one of a noun, where it depends on the person; else the one there is."""
        return self.ids.get(f"{noun}.{who}") or self.ids[noun]


def furnish(database: Database, *, name: str = "Studio North", word: str = "Plain") -> World:
    """Found a studio and fill it. `word` is in every text."""
    studio = found_studio(database, KEY, name=name)
    ids = {"client": studio.ids["client"], "client.hidden": studio.ids["other_client"]}
    ids |= {"project": studio.ids["project"], "project.hidden": studio.ids["hidden_project"]}
    ids |= {f"member.{who}": person.member_id for who, person in studio.people.items()}
    ids |= {f"user.{who}": person.user_id for who, person in studio.people.items()}
    world = World(studio, ids)
    with studio.context() as ctx:
        for key in ("client", "client.hidden"):
            client = ctx.find(Client, ids[key])
            clients.change(
                ctx, client.id, name=f"{word} {client.name}", notes=word,
                default_rate=Decimal(MONEY[0]), default_tax_rate=Decimal("18.77"),
            )  # fmt: skip
        for key in ("project", "project.hidden"):
            project = ctx.find(Project, ids[key])
            projects.change(
                ctx, project.id, name=f"{word} {project.name}", hourly_rate=Decimal(MONEY[1]),
                budget_amount=Decimal(MONEY[2]),
            )  # fmt: skip
        ids["client.deleted"] = clients.create(ctx, name=f"{word} Gone").id
        clients.delete(ctx, ids["client.deleted"])
        ids["client.free"] = clients.create(ctx, name=f"{word} Free").id
        gone = projects.create(ctx, client_id=ids["client.hidden"], name=f"{word} gone")
        projects.delete(ctx, gone.id)
        ids["project.deleted"] = gone.id
        for key, amount in (("rate", "88.17"), ("rate.hidden", "88.18"), ("rate.deleted", "88.19")):
            where = "client.hidden" if key == "rate.hidden" else "client"
            day = DAY.replace(year=2031 if key == "rate" else 2032)
            ids[key] = rates.begin(ctx, client_id=ids[where], amount=Decimal(amount), effective_from=day).id
        rates.remove(ctx, ids["rate.deleted"])
        _people(world, word)
        website, rollout = ctx.find(Project, ids["project"]), ids["project.hidden"]
        projects.put_on(ctx, website, members.active(ctx, ids["user.second"]))
        every = [ids[f"user.{who}"] for who in PEOPLE]
        ids["task"] = tasks.create(ctx, project_id=website.id, name=f"{word} design", assignee_ids=every).id
        for place in ("project", "task"):
            rates.begin(
                ctx, amount=Decimal("88.20"), effective_from=DAY.replace(year=2033), **{f"{place}_id": ids[place]}
            )
        ids["task.others"] = tasks.create(ctx, project_id=website.id, name=f"{word} copy").id
        ids["task.hidden"] = tasks.create(ctx, project_id=rollout, name=f"{word} migrate").id
        ids["task.deleted"] = tasks.create(ctx, project_id=website.id, name=f"{word} drop").id
        tasks.archive(ctx, ids["task.deleted"])
        spent = {"description": f"{word} train", "amount": Decimal(MONEY[3]), "expense_date": DAY}
        for key, where in (("expense", ""), ("expense.hidden", ".hidden")):
            # A project with expenses stays with its client: the hidden one is moved by a test.
            project_id = None if where else ids["project"]
            ids[key] = expenses.record(ctx, client_id=ids[f"client{where}"], project_id=project_id, **spent).id
            proof = {"content": b"%PDF-1.4\n" + word.encode() + b"\n%%EOF\n", "media": "application/pdf"}
            ids[f"receipt{where}"] = receipts.add(ctx, ids[key], **proof, name=word).id
        ids["receipt.elsewhere"] = ids["receipt.hidden"]
        ids["receipt.deleted"] = receipts.add(ctx, ids["expense"], **proof).id
        receipts.delete(ctx, ids["expense"], ids["receipt.deleted"])
        files.set_logo(ctx, content=LOGO, media="image/svg+xml")
        ids["expense.deleted"] = expenses.record(ctx, client_id=ids["client"], **spent).id
        expenses.delete(ctx, ids["expense.deleted"])
    _time(world, word)
    _weeks(world, word)
    _written_off(world, word)
    _invoices(world, word)
    _recurring(world, word)
    _cards(world, word)
    _apps(world, word)
    _mails(world, word)
    _beside_work(world, word)
    _told(world, word)
    ids["user"], ids["member"] = ids["user.second"], ids["member.second"]
    return world


def _people(world: World, word: str) -> None:
    """Somebody who left, and their token."""
    studio = world.studio
    with studio.context() as ctx:
        left = members.add(ctx, email=f"{word}.{studio.workspace_id[-12:]}@left.example", name=word, role="MEMBER")
        world.ids |= {"member.deleted": left.id, "user.deleted": left.user_id}
    studio.people["left"] = mint(world, "left", user_id=left.user_id)
    with studio.context() as ctx:
        time_entries.let_go(ctx, members.active(ctx, left.user_id))


def _mails(world: World, word: str) -> None:
    """Settings, a letter that waits, and one that failed; somebody invited; an invoice that is overdue."""
    line = CustomLine(f"{word} concept", Decimal(1), Decimal(5000))
    with world.studio.context() as ctx:
        late = {"issue_date": DAY - timedelta(days=40), "due_date": DAY - timedelta(days=10)}
        overdue = draft.draft(ctx, client_id=world["client"], project_ids=[], lines=[line], **late)  # type: ignore[arg-type]
        world.ids["invoice.overdue"] = lifecycle.mark_sent(ctx, overdue.invoice.id).id
        reminders.switch(ctx, "client", world["client.hidden"], on=False)
        templates.set_words(ctx, "reminder", "en", subject=word, body=word)
        link = links.of_invoice(ctx, world["invoice.sent"])
        assert link is not None
        links.count_view(ctx, link.id, b"visitor")
        reminded = ctx.find(Invoice, world["invoice.sent"])
        remembered = reminders.write_reminder(ctx, reminded, Message(to=["a@client.example"]))
        step = {"invoice_id": reminded.id, "due_date": late["due_date"], "step": 7, "mail_id": remembered.id}
        ctx.add(reminders.Reminder(**step))
        for key in ("invitation", "invitation.deleted"):
            email = f"{word.lower()}.{key}@new.example"
            world.ids[key] = invite(ctx, email=email, role="MEMBER").id
        invitations.take_back(ctx, world["invitation.deleted"])
        secret = {"client_id": world["client"], "email": f"{word.lower()}@client.example", "digest": new_id().encode()}
        until = {"expires_at": ctx.now + timedelta(days=1)}
        ctx.add(portal.PortalLink(**secret, **until))
        ctx.add(portal.PortalSession(**secret, **until, user_agent=word, address="192.0.2.1", last_seen_at=ctx.now))
        world.ids["export"] = exported(ctx, word).id
        world.ids["export.deleted"] = new_id()  # nobody deletes one
        mail_settings.change(ctx, from_name=word, reminder_days=[7])
        for key in ("mail", "mail.failed", "mail.hidden"):
            letter = {"to": [f"{word.lower()}@client.example"], "subject": word, "words": mails.Words(text=word)}
            sent = mails.enqueue(ctx, "invoice", invoice_id=world["invoice.sent"], **letter)  # type: ignore[arg-type]
            world.ids[key] = sent.id
        world.ids["mail.deleted"] = new_id()  # nobody deletes one
        ctx.change(ctx.find(mails.Mail, world["mail.failed"]), state="failed", last_error=word)


def _apps(world: World, word: str) -> None:
    """Everybody granted something to an app; one took it back, and one app ended."""
    ids, studio = world.ids, world.studio
    with studio.context() as ctx:
        made = {"name": f"{word} charts", "redirect_uris": [f"https://{word.lower()}.example/callback"]}
        app, gone = oauth.create_app(ctx, **made), oauth.create_app(ctx, **made)
        ids |= {"app": app.id, "app.deleted": oauth.revoke_app(ctx, gone.id).id}
        where, wanted = f"https://{word.lower()}.example/hook", {"events": ["invoice.*"], "description": word}
        endpoint, gone = (webhook_endpoints.create(ctx, url=where, **wanted).endpoint for _ in range(2))
        ids |= {"endpoint": endpoint.id, "endpoint.deleted": webhook_endpoints.delete(ctx, gone.id).id}
        ids |= {"delivery": webhook_deliveries.test(ctx, endpoint.id).id, "delivery.deleted": new_id()}
    for who in PEOPLE:
        with studio.context(who) as ctx:
            ids[f"grant.{who}"] = oauth.grant(ctx, app, ["entries:read"]).id
    with studio.context() as ctx:
        ids["grant.deleted"] = oauth.grant(ctx, app, ["entries:read"]).id
        oauth.revoke_grant(ctx, ids["grant.deleted"])
    ids["grant"] = ids["grant.second"]
    for who in PEOPLE:
        with studio.context(who) as ctx:
            ids[f"view.{who}"] = views.save(ctx, name=f"{word} view", report="time", query="group=day").id
            gone = views.save(ctx, name=f"{word} gone", report="time")
            views.delete(ctx, gone.id)
            ids["view.deleted"] = gone.id
    ids["view"] = ids["view.second"]
    for who in PEOPLE:
        with studio.context(who) as ctx, contextlib.suppress(NotFound):
            pins.pin(ctx, ids["project"])
            pins.pin(ctx, ids["task"])
            pins.pin(ctx, ids["project.hidden"])
        with studio.context(who) as ctx:
            device_actions.remember(ctx, f"{word} on the train", "start", None)


def _told(world: World, word: str) -> None:
    """Everybody is told of a timer, and was once told of a budget: the members when they had another role."""
    ids, studio = world.ids, world.studio
    timer = {"project": word, "task": None, "started_at": DAY, "limit_minutes": 480}
    budget = {
        "project": word, "level": 80, "percent": 84, "measure": "money", "used": MONEY[2], "budget": MONEY[1],
        "currency": "EUR",
    }  # fmt: skip
    with studio.context() as ctx:
        for who in PEOPLE:
            user_id, kept = studio.people[who].user_id, {"occasion": "", "user_id": studio.people[who].user_id}
            notification.tell(ctx, "timer_forgotten", ids[f"running.{who}"], "", timer, to=user_id)
            about = {"kind": "budget_threshold", "subject_id": ids["project"], **kept}
            ctx.add(Notification(**about, facts=msgspec.json.encode(budget).decode()))
    for who in PEOPLE:
        with studio.context(who) as ctx:
            ids[f"notification.{who}"] = notification.page(ctx)[0][-1].id
            choices.choose(ctx, "timer_forgotten", by_mail=False)
    ids |= {"notification": ids["notification.second"], "notification.deleted": new_id()}  # nobody deletes one


def _beside_work(world: World, word: str) -> None:
    """Of each noun that APIs call by a number: one that is seen, one that Members do not see, one deleted."""
    ids, studio = world.ids, world.studio
    with studio.context() as ctx:
        for key, where in (("", ""), (".hidden", ".hidden")):
            ids[f"milestone{key}"] = milestones.create(
                ctx, project_id=ids[f"project{where}"], title=f"{word} launch"
            ).id
            step = checklists.create(ctx, task_id=ids[f"task{where}"], text=f"{word} sketch").id
            ids[f"checklist{key}"] = step
            ids[f"comment{key}"] = comments.create(ctx, task_id=ids[f"task{where}"], text=f"{word} idea").id
            ids[f"remark{key}"] = comments.create(ctx, checklist_item_id=step, text=f"{word} paper").id
            about = {"resource_type": "project", "resource_id": ids[f"project{where}"]}
            ids[f"note{key}"] = notes.create(ctx, title=word, description=word, **about).id
        reached = milestones.create(ctx, project_id=ids["project"], title=f"{word} sketches")
        ids["milestone.reached"] = milestones.reach(ctx, reached.id).id
        projects.set_managers(ctx, ids["project"], [studio.people["manager"].user_id])
        for kind in categories.TYPES:
            made = categories.create(ctx, name=f"{word} {kind}", type=kind)
            ids[f"category.{kind}"] = categories.set_team(ctx, made.id, [studio.owner.user_id]).id
        ids["category"] = ids["category.project"]
        people = {"first_name": word, "last_name": "Sato"}
        for number, key in enumerate(("contact", "contact.second", "contact.deleted")):
            email = f"{word}.{number}.{studio.workspace_id[-12:]}@client.example"
            ids[key] = contacts.create(ctx, client_id=ids["client"], email=email, **people).id
        contacts.delete(ctx, ids["contact.deleted"])
        ids["status"] = task_statuses.create(ctx, TaskStatus, title=f"{word} review", means="IN_PROGRESS").id
        ids["priority"] = task_statuses.create(ctx, TaskPriority, title=f"{word} someday", means="LOW").id
        gone = {
            "milestone": (milestones.delete, milestones.create(ctx, project_id=ids["project"], title=f"{word} gone")),
            "checklist": (checklists.delete, checklists.create(ctx, project_id=ids["project"], text=word)),
            "note": (notes.delete, notes.create(ctx, title=word, description=word)),
            "category": (categories.delete, categories.create(ctx, name=f"{word} gone", type="project")),
        }
        for noun, (delete, row) in gone.items():
            delete(ctx, row.id)
            ids[f"{noun}.deleted"] = row.id
        ids["comment.deleted"] = comments.create(ctx, task_id=ids["task"], text=word).id
        comments.delete(ctx, ids["comment.deleted"], task_id=ids["task"])
        checklists.create(ctx, project_id=ids["project"], text=f"{word} contract")
        text = key_texts.mint()
        ids["api_key"] = api_keys.issue(
            ctx, name=word, prefix=str(key_texts.prefix_of(text)), digest=key_texts.digest(KEY, text)
        ).id
    studio.people["key"] = Person(studio.owner.user_id, "", "OWNER", "", text)


def mint(world: World, who: str, *, user_id: str | None = None, scopes: tuple[Scope, ...] = SCOPES,
         env: token_texts.Env = "live", lifetime: timedelta | None = None) -> Person:  # fmt: skip
    """A further token of somebody."""
    text = token_texts.mint(env)
    shape = token_texts.shape(text)
    assert shape is not None
    user_id = user_id or world.studio.people[who].user_id
    with world.studio.context() as ctx:
        expires_at = None if lifetime is None else ctx.now + lifetime
        tokens.issue(
            ctx, user_id=user_id, name=who, prefix=shape.prefix, digest=token_texts.digest(KEY, text),
            scopes=scopes, expires_at=expires_at,
        )  # fmt: skip
    return Person(user_id, "", "MEMBER", "", text)


def _time(world: World, word: str) -> None:
    """Everybody has an entry and a running timer; the owner has an entry on the project that Members do not see."""
    ids, studio = world.ids, world.studio
    for who in PEOPLE:
        with studio.context(who) as ctx:
            note = f"{word} work of {who}"
            entry = time_entries.log(
                ctx, project_id=ids["project"], task_id=ids["task"], entry_date=DAY, duration_seconds=3600, note=note
            )
            running = time_entries.start(ctx, project_id=ids["project"], note=note)
            ids |= {f"entry.{who}": entry.id, f"running.{who}": running.id}
    with studio.context() as ctx:
        logged = {"entry_date": DAY, "duration_seconds": 60, "note": word}
        ids["entry.hidden"] = time_entries.log(ctx, project_id=ids["project.hidden"], **logged).id
        ids["entry.deleted"] = time_entries.log(ctx, project_id=ids["project"], **logged).id
        time_entries.delete(ctx, ids["entry.deleted"])
    ids["entry"], ids["running"] = ids["entry.second"], ids["running.second"]


def _weeks(world: World, word: str) -> None:
    """Everybody has a week that waits; one of the owner is hidden, one approved, one returned. None is ever deleted."""
    ids, studio = world.ids, world.studio
    with studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
        for weeks_ago, who in enumerate(PEOPLE, start=1):
            first_day = FREE_WEEK - timedelta(days=7 * weeks_ago)
            ids[f"week.{who}"] = approvals.submit(ctx, first_day, user_id=studio.people[who].user_id).id
        ids["week.hidden"] = ids["week.owner"]
        second = studio.people["second"].user_id
        for key, day in (("approved", 70), ("returned", 77)):
            ids[f"week.{key}"] = approvals.submit(ctx, FREE_WEEK - timedelta(days=day), user_id=second).id
        approvals.approve(ctx, ids["week.approved"])
        approvals.return_(ctx, ids["week.returned"], word)
    ids |= {"week": ids["week.second"], "week.submitted": ids["week.second"], "week.deleted": new_id()}


def _written_off(world: World, word: str) -> None:
    """Work that will not be billed."""
    ids = world.ids
    with world.studio.context() as ctx:
        logged = {"entry_date": DAY, "duration_seconds": 60, "note": word}
        entry = time_entries.log(ctx, project_id=ids["project"], **logged)
        spent = {"description": f"{word} bus", "amount": Decimal(MONEY[3]), "expense_date": DAY}
        expense = expenses.record(ctx, client_id=ids["client.hidden"], **spent)
        for kind, one in ((time_entries.TimeEntry, entry), (expenses.Expense, expense)):
            write_offs.write_off(ctx, kind, [one.id], word)
        ids |= {"entry.written_off": entry.id, "expense.written_off": expense.id}


def _invoices(world: World, word: str) -> None:
    """An invoice in every state, and payments of two of them; rates with names."""
    ids = world.ids
    with world.studio.context() as ctx:
        for key in ("tax_rate", "tax_rate.second", "tax_rate.deleted"):
            ids[key] = tax_rates.create(ctx, name=f"{word} {key}", percent=Decimal(19)).id
        tax_rates.delete(ctx, ids["tax_rate.deleted"])
    line = CustomLine(f"{word} concept", Decimal(1), Decimal(5000))
    with world.studio.context() as ctx:

        def new(client: str = "client", **facts: object) -> str:
            made = draft.draft(ctx, client_id=ids[client], project_ids=[], lines=[line], notes=word, **facts)  # type: ignore[arg-type]
            return made.invoice.id

        for state in ("draft", "sent", "paid", "cancelled", "deleted"):
            ids[f"invoice.{state}"] = new()
        ids["invoice.hidden"] = new("client.hidden")
        ids["invoice.emptied"] = new()
        for state in ("sent", "paid", "hidden", "emptied"):
            lifecycle.mark_sent(ctx, ids[f"invoice.{state}"])
        lifecycle.cancel(ctx, ids["invoice.cancelled"])
        draft.delete(ctx, ids["invoice.deleted"])
        paid = {"amount": Decimal(MONEY[4]), "paid_on": DAY, "note": word}
        for key, state in (("payment", "sent"), ("payment.elsewhere", "hidden"), ("payment.deleted", "emptied")):
            ids[key] = payments.record(ctx, ids[f"invoice.{state}"], **paid)[0].id
        payments.delete(ctx, ids["invoice.emptied"], ids["payment.deleted"])
        lifecycle.mark_paid(ctx, ids["invoice.paid"])
        series.change(ctx, "credit_note", next=7)
        ids["invoice.overpaid"] = new()
        ids["invoice.written_off"] = new()
        for state in ("overpaid", "written_off"):
            lifecycle.mark_sent(ctx, ids[f"invoice.{state}"])
        more, _ = payments.record(
            ctx, ids["invoice.overpaid"], amount=Decimal(7000), paid_on=DAY, note=word, overpayment="credit"
        )
        back, _, _ = refunds.record(
            ctx, ids["invoice.sent"], ids["payment"], amount=Decimal("1.19"), refunded_on=DAY, note=word
        )
        some = invoices.lines(ctx, ids["invoice.hidden"])[0].id
        taken = [CreditLine(some, Decimal("2.5"))]
        note, _ = (credit.credit(ctx, ids["invoice.hidden"], reason=word, lines=taken)[0] for _ in range(2))
        # No credit note is ever deleted; a line of another invoice is as good as none.
        ids |= {
            "credit_note": note.id,
            "credit_note.deleted": new_id(),
            "billed_line.deleted": some,
            "billed_line": invoices.lines(ctx, ids["invoice.sent"])[0].id,
        }
        other, gone = (
            refunds.record(ctx, ids[f"invoice.{state}"], ids[payment], amount=Decimal(1), refunded_on=DAY)[0].id
            for state, payment in (("hidden", "payment.elsewhere"), ("sent", "payment"))
        )
        refunds.delete(ctx, ids["invoice.sent"], ids["payment"], gone)
        ids |= {"payment.overpaid": more.id, "refund": back.id, "refund.elsewhere": other, "refund.deleted": gone}
        balance.write_off(ctx, ids["invoice.written_off"], reason=word)
        for key, state in (("line", "draft"), ("line.elsewhere", "sent"), ("line.deleted", "deleted")):
            ids[key] = invoice.lines(ctx, ids[f"invoice.{state}"])[0].id
    ids["invoice"] = ids["invoice.sent"]
    _billed(world, word)


def _billed(world: World, word: str) -> None:
    """An invoice with work on it, of a project of its own."""
    ids = world.ids
    with world.studio.context() as ctx:
        project = projects.create(ctx, client_id=ids["client.hidden"], name=f"{word} support").id
        spent = {"description": f"{word} taxi", "amount": Decimal(MONEY[3]), "expense_date": DAY}
        ids |= {
            "project.billed": project,
            "task.billed": tasks.create(ctx, project_id=project, name=f"{word} support").id,
            "expense.billed": expenses.record(ctx, client_id=ids["client.hidden"], project_id=project, **spent).id,
        }
        logged = {"task_id": ids["task.billed"], "entry_date": DAY, "duration_seconds": 1800, "note": word}
        ids["entry.billed"] = time_entries.log(ctx, project_id=project, **logged).id
        made = draft.draft(ctx, client_id=ids["client.hidden"], project_ids=[project], include_expenses=True)
        ids["invoice.billed"] = made.invoice.id
        lifecycle.mark_sent(ctx, made.invoice.id)


def _recurring(world: World, word: str) -> None:
    """A recurring invoice that is due, one of each other state, and runs of one."""
    ids = world.ids
    template = Template(lines=(CustomLine(f"{word} retainer", Decimal(1), Decimal(MONEY[3])),), notes=word)
    with world.studio.context() as ctx:

        def new(client: str = "client", rule: str = "FREQ=DAILY") -> str:
            return recurring.create(
                ctx, client_id=ids[client], rule=rule, start_date=DAY, template=template, name=f"{word} care"
            ).id

        for state in ("", ".paused", ".cancelled", ".deleted", ".ended"):
            ids[f"recurring{state}"] = new(rule="FREQ=DAILY;UNTIL=20260615" if state == ".ended" else "FREQ=DAILY")
        ids["recurring.hidden"] = new("client.hidden")
        recurring.pause(ctx, ids["recurring.paused"])
        recurring.cancel(ctx, ids["recurring.cancelled"])
        recurring.delete(ctx, ids["recurring.deleted"])
        recurring.skip(ctx, ids["recurring.hidden"])
        for client in ("client", "client.hidden"):
            automatic_billing.arrange(
                ctx, ids[client], every="AMOUNT", amount=Decimal(MONEY[2]), minimum_amount=Decimal(MONEY[3])
            )  # fmt: skip
            ctx.add(BillingRun(client_id=ids[client], every="AMOUNT", period_to=DAY, outcome="NOTHING", note=word))
        ids["invoice.recurring"] = runs.run_now(ctx, ids["recurring.ended"])[0].invoice_id or ""


def _cards(world: World, word: str) -> None:
    """Cards are taken, and checkouts are open: nobody asks Stripe for another one."""
    ids = world.ids
    with world.studio.context() as ctx:
        card_settings.change(ctx, secret_key=f"sk_test_{word}", webhook_secret=f"whsec_{word}", method="BOTH")
        card_settings.choose(ctx, "client", ids["client.hidden"], "CARD")
        card_settings.choose(ctx, "invoice", ids["invoice.hidden"], "BOTH")
        for key in ("invoice.sent", "invoice.hidden"):
            invoice = ctx.find(Invoice, ids[key])
            session = f"cs_{word}_{key}"
            ctx.add(
                CardCheckout(
                    invoice_id=invoice.id, status="OPEN", session_id=session, url=f"https://checkout.example/{session}",
                    amount=invoice.balance, fee=Decimal(0), currency=invoice.currency, note=word,
                    expires_at=ctx.now + timedelta(days=1),
                )
            )  # fmt: skip
        ctx.add(CardEvent(event_id=f"evt_{word}", type="charge.refunded", outcome="NOTHING", note=word))


_EVENTS = b"""
    SELECT array_agg(event.type ORDER BY event.id) FROM change_queue AS queued JOIN events AS event
    ON event.workspace_id = queued.workspace_id AND event.id = queued.resource_id
    WHERE queued.resource = 'event' AND queued.transaction = pg_current_xact_id()::text::bigint
"""
"""What would enter the audit log, as one entry, if the transaction were committed."""


class Rehearsal:
    """Transactions that are always rolled back: each request meets the world as it was made."""

    def __init__(self, database: Transactions, *opening: str) -> None:
        self._database = database
        self._opening = opening
        """What each transaction starts with."""
        self.heard: list[tuple[str, ...]] = []
        """Of each transaction that told of something: its events, which enter the audit log as one entry."""

    @contextlib.contextmanager
    def transaction(self, **how: Any) -> Generator[Connection]:
        with self._database.transaction(**how) as connection:
            for statement in self._opening:
                connection.execute(statement.encode())
            yield connection
            # What waits for the commit is sent with it, and refused where it would be.
            connection.execute(b"SET CONSTRAINTS ALL IMMEDIATE")
            connection.execute(b"SET LOCAL ROLE NONE")
            (told,) = connection.execute(_EVENTS).fetchone() or (None,)
            if told:
                self.heard.append(tuple(told))
            connection.rollback()

    def ping(self) -> bool:
        return True


def contents(url: str, workspace_id: str, *, without: frozenset[str] = frozenset()) -> dict[str, str]:
    """A digest of each table's rows of a workspace, as the owner role sees them: all of them."""
    found: dict[str, str] = {}
    with owner_connection(url) as connection:
        for table in Row.metadata.sorted_tables:
            name = table.name
            if name in without:
                continue
            if "workspace_id" in table.c:
                where = "workspace_id = %s"
            elif name == "workspaces":
                where = "id = %s"
            elif name == "people":
                where = "id IN (SELECT user_id FROM members WHERE workspace_id = %s)"
            else:
                continue  # nobody's: sign-ins that failed, counted before a workspace is known
            rows = connection.execute(
                f"SELECT t::text FROM {name} t WHERE {where} ORDER BY 1".encode(), [workspace_id]
            ).fetchall()
            found[name] = f"{len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"
    return found


def identities(url: str, workspace_id: str) -> frozenset[str]:
    """Every id that occurs in a workspace, and the e-mails of its people."""
    found: set[str] = {workspace_id}
    with owner_connection(url) as connection:
        for table in Row.metadata.sorted_tables:
            if "workspace_id" not in table.c:
                continue
            for column in table.c:
                if column.type.__class__.__name__.upper() == "UUID":
                    rows = connection.execute(
                        f"SELECT DISTINCT {column.name} FROM {table.name} WHERE workspace_id = %s".encode(),
                        [workspace_id],
                    ).fetchall()
                    found |= {str(UUID(str(value))) for (value,) in rows if value is not None}
        people = "SELECT email FROM people WHERE id IN (SELECT user_id FROM members WHERE workspace_id = %s)"
        found |= {email for (email,) in connection.execute(people.encode(), [workspace_id]).fetchall()}
    return frozenset(found)


def exported(ctx: Context, word: str) -> exports.Export:
    """An export that is ready, of one piece."""
    export = ctx.add(exports.Export(state="failed", failure=word, finished_at=ctx.now))
    exports.keep_piece(ctx, export.id, 0, b"PK")
    return export
