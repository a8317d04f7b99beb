"""A valid request for each operation of the table, and every place in it where an id may stand."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from falcon import testing
from msgspec import inspect

from tallystick.api.fields import Uuid
from tallystick.api.native.operations import OPERATIONS
from tallystick.api.native.wire import camel, parameters_of
from tallystick.api.wire import Nothing, Operation
from tallystick.values.ids import new_id
from tests.documents.papers import png
from tests.matrix.world import DAY, FREE_WEEK, World

BY_ID = {operation.id: operation for operation in OPERATIONS}

LINE = {"description": "Concept", "quantity": "1", "rate": "10"}
BODIES: dict[str, dict[str, Any]] = {
    "updateOrganization": {"legalName": "Studio South GmbH"},
    "createClient": {"name": "Umbrella"},
    "updateClient": {"name": "Umbrella"},
    "createProject": {"clientId": "client", "name": "Relaunch"},
    "updateProject": {"clientId": "client", "name": "Relaunch"},
    "createTask": {"projectId": "project", "name": "Type", "assigneeIds": ["user.member"]},
    "updateTask": {"name": "Type"},
    "createTimeEntry": {"projectId": "project", "entryDate": DAY.isoformat(), "durationSeconds": 60},
    "updateTimeEntry": {"note": "Corrected"},
    "startTimer": {"projectId": "project"},
    "pinWork": {"position": 1},
    "updateNotificationSettings": {"kind": "timer_forgotten", "inApp": False},
    "createExpense": {"clientId": "client", "description": "Train", "amount": "9.50", "expenseDate": DAY.isoformat()},
    "updateExpense": {"description": "Bus"},
    "createInvoice": {"clientId": "client", "projectIds": ["project"], "lines": [{**LINE, "projectId": "project"}]},
    "updateInvoiceLine": {"heading": "Design"},
    "createTaxRate": {"name": "Reduced", "percent": "7"},
    "updateTaxRate": {"name": "Reduced"},
    "updateInvoice": {"notes": "Thank you", "lines": [LINE]},
    "createRate": {"clientId": "client", "amount": "95", "effectiveFrom": DAY.isoformat()},
    "previewRate": {"clientId": "client", "amount": "95", "effectiveFrom": DAY.isoformat()},
    "applyRate": {"clientId": "client", "amount": "95", "effectiveFrom": DAY.isoformat(), "reRate": True},
    "createRecurringInvoice": {
        "clientId": "client",
        "rule": "FREQ=MONTHLY",
        "startDate": "2026-06-30",
        "lines": [{**LINE, "projectId": "project"}],
    },
    "updateRecurringInvoice": {"name": "Care", "lines": [LINE]},
    "putAutomaticBilling": {"every": "WEEK", "mode": "SEND"},
    "createMilestone": {"projectId": "project", "title": "Launch day"},
    "updateMilestone": {"title": "Launch day"},
    "reachMilestone": {"reachedOn": DAY.isoformat()},
    "writeOffTimeEntry": {"reason": "goodwill"},
    "writeOffTimeEntries": {"entryIds": ["entry"], "reason": "goodwill"},
    "undoTimeEntriesWriteOff": {"entryIds": ["entry.written_off"]},
    "writeOffExpense": {"reason": "goodwill"},
    "writeOffExpenses": {"expenseIds": ["expense"], "reason": "goodwill"},
    "undoExpensesWriteOff": {"expenseIds": ["expense.written_off"]},
    "createReportView": {"name": "Last month", "report": "time", "query": "group=project"},
    "updateReportView": {"name": "This month"},
    "updateCardSettings": {"method": "CARD", "feePercent": "2.5"},
    "setClientPaymentMethod": {"method": "BANK"},
    "setInvoicePaymentMethod": {"method": "CARD"},
    "createOauthApp": {"name": "Chart Room", "redirectUris": ["https://app.example/callback"]},
    "createWebhookEndpoint": {"url": "https://hooks.example/in", "events": ["invoice.*"]},
    "updateWebhookEndpoint": {"description": "Ledger"},
    "replayWebhookRange": {"from": "2026-06-01T00:00:00Z"},
    "sendInvoice": {"to": ["ada@client.example"]},
    "remindOfInvoice": {"to": ["ada@client.example"]},
    "setInvoiceReminders": {"enabled": False},
    "setClientReminders": {"enabled": False},
    "setMailTemplate": {"kind": "reminder", "language": "en", "subject": "{{number}}", "body": "{{link}}"},
    "sendPortalLink": {},
    "updateMember": {"weeklyCapacityHours": "32"},
    "inviteMember": {"email": "lin@new.example", "role": "MEMBER"},
    "updateMailSettings": {"host": "smtp.studio.example", "fromAddress": "billing@studio.example"},
    "createInvoicePayment": {"amount": "10", "paidOn": DAY.isoformat()},
    "applyClientCredit": {"amount": "10"},
    "creditInvoice": {"reason": "Too much", "lines": [{"lineId": "billed_line", "amount": "1"}]},
    "refundInvoicePayment": {"amount": "10", "refundedOn": DAY.isoformat()},
    "writeInvoiceOff": {"reason": "Insolvent"},
    "updateInvoiceSeries": {"prefix": "N-", "digits": 6},
    "updateCreditNoteSeries": {"next": 70},
    "submitWeek": {"firstDay": FREE_WEEK.isoformat()},
    "approveWeeks": {"weekIds": ["week.submitted"]},
    "returnWeek": {"reason": "A day is missing"},
    "reopenWeek": {"reason": "A day too many"},
}
"""Values that are names of the world stand for its ids."""

UPLOADS: dict[str, tuple[str, bytes]] = {
    "setLogo": ("image/png", png(8, 8)),
    "addReceipt": ("application/pdf", b"%PDF-1.4\n%%EOF\n"),
}
"""A file for each operation that takes one."""

NOUNS = {
    "receipts": "receipt",
    "clients": "client", "projects": "project", "tasks": "task", "time-entries": "entry", "expenses": "expense",
    "lines": "line", "tax-rates": "tax_rate",
    "invoices": "invoice", "rates": "rate", "milestones": "milestone", "members": "member", "payments": "payment",
    "refunds": "refund", "credit-notes": "credit_note",
    "report-views": "view", "weeks": "week", "pinned-work": "project", "notifications": "notification",
    "exports": "export", "mails": "mail", "invitations": "invitation",
    "webhook-endpoints": "endpoint", "deliveries": "delivery",
    "oauth-apps": "app", "oauth-grants": "grant", "recurring-invoices": "recurring",
}  # fmt: skip
"""The collection in a path → the noun of the id behind it."""

NAMED = {
    "clientId": "client", "projectId": "project", "projectIds": "project", "taskId": "task", "userId": "user",
    "taxRateId": "tax_rate",
    "assigneeId": "user", "assigneeIds": "user", "actorId": "user",
    "resourceId": "client", "invoiceId": "invoice", "lineId": "billed_line",
    "weekIds": "week", "entryIds": "entry", "expenseIds": "expense", "receiptIds": "receipt",
}  # fmt: skip
"""The name of a field or a filter → the noun of the id in it."""

NO_IDS = {"taxId"}
"""Fields whose name ends so, and which the tax office gives out."""

TARGETS = {
    "deleteClient": "client.free",
    "stopTimeEntry": "running",
    "updateInvoice": "invoice.draft",
    "updateInvoiceLine": "invoice.draft",
    "deleteInvoice": "invoice.draft",
    "markInvoiceSent": "invoice.draft",
    "markInvoicePaid": "invoice.sent",
    "cancelInvoice": "invoice.draft",
    "restoreInvoice": "invoice.cancelled",
    "sendInvoice": "invoice.draft",
    "takeWriteOffBack": "invoice.written_off",
    "undoTimeEntryWriteOff": "entry.written_off",
    "undoExpenseWriteOff": "expense.written_off",
    "reopenMilestone": "milestone.reached",
    "retryMail": "mail.failed",
    "approveWeek": "week.submitted",
    "returnWeek": "week.submitted",
    "reopenWeek": "week.approved",
    "remindOfInvoice": "invoice.overdue",
    "resumeRecurringInvoice": "recurring.paused",
    "listRecurringRuns": "recurring.ended",
}
"""Operations that ask for an object in a certain state; the others take the plain one of their noun."""


@dataclass(frozen=True)
class Slot:
    """One place for an id."""

    operation: Operation
    where: str
    """`path`, `filter`, `body` or `cursor`."""
    at: tuple[str | int, ...]
    noun: str

    def __str__(self) -> str:
        return f"{self.operation.id} {self.where} {'.'.join(map(str, self.at))}"

    @property
    def name(self) -> str:
        """What the place is called."""
        return _name(self.at)


def fields_of(operation: Operation, kind: str) -> Iterator[str]:
    """The fields of a body whose type is, or holds, one of this name."""
    if operation.body is not None:
        body = inspect.type_info(operation.body)
        assert isinstance(body, inspect.StructType)
        yield from (member.encode_name for member in body.fields if kind in repr(member.type))


def slots(operation: Operation) -> list[Slot]:
    """Every place of an operation where an id may stand. A KeyError: a name that these tests do not know yet."""
    found: list[Slot] = []
    parts = operation.path.strip("/").split("/")
    for place, part in enumerate(parts):
        if part.startswith("{"):
            found.append(Slot(operation, "path", (part.strip("{}"),), NOUNS[parts[place - 1]]))
    for name, rule in parameters_of(operation).items():
        if rule.kind == "id":
            found.append(Slot(operation, "filter", (camel(name),), NAMED[camel(name)]))
    if operation.listing is not None:
        found.append(Slot(operation, "cursor", ("cursor",), ""))
    if operation.body is not None:
        found += [Slot(operation, "body", at, NAMED[_name(at)]) for at in _ids_in(inspect.type_info(operation.body))]
    return found


def _name(at: tuple[str | int, ...]) -> str:
    return next(part for part in reversed(at) if isinstance(part, str))


def _ids_in(kind: inspect.Type, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    match kind:
        case inspect.StructType():
            for one in kind.fields:
                plain = [part for part in _alternatives(one.type) if isinstance(part, inspect.StrType)]
                named_so = re.search(r"Ids?$", one.encode_name) and one.encode_name not in NO_IDS
                assert not (plain and named_so), f"{one.encode_name} should be a Uuid"
                yield from _ids_in(one.type, (*at, one.encode_name))
        case inspect.UnionType():
            for part in kind.types:
                yield from _ids_in(part, at)
        case inspect.Metadata():
            yield from _ids_in(kind.type, at)
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType():
            yield from _ids_in(kind.item_type, (*at, 0))
        case inspect.CustomType() if issubclass(kind.cls, Uuid):
            yield at
        case inspect.DictType():
            yield from _ids_in(kind.value_type, (*at, "*"))
        case _:
            return


def _alternatives(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


@dataclass
class Request:
    """A request that can be changed before it is sent."""

    operation: Operation
    ids: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any] | None
    file: tuple[str, bytes] | None = None
    """A media type and bytes, in place of a JSON body."""

    def put(self, slot: Slot, value: str) -> Request:
        """The same request with another id in one place."""
        made = copy.deepcopy(self)
        name = str(slot.at[0])
        if slot.where == "path":
            made.ids[name] = value
        elif slot.where in ("filter", "cursor"):
            made.query[name] = value
        else:
            assert made.body is not None
            _put(made.body, slot.at, value)
        return made

    def send(self, client: testing.TestClient, token: str | None, **headers: str) -> testing.Result:
        path = self.operation.path
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", value)
        given = {} if token is None else {"Authorization": f"Bearer {token}"}
        if self.operation.method == "POST":
            given["Idempotency-Key"] = new_id()
        text: str | bytes | None = None
        if self.file is not None:
            given["Content-Type"], text = self.file
        elif self.body is not None:
            given["Content-Type"] = "application/json"
            text = json.dumps(self.body)
        return client.simulate_request(
            self.operation.method, f"/api/v1{path}", params=self.query, params_csv=False, body=text,
            headers={**given, **headers},
        )  # fmt: skip


def _put(body: Any, at: tuple[str | int, ...], value: str) -> None:
    """Set a place in a body; a list on the way gets one item, a struct in it the example's other fields."""
    here, *rest = at
    if not rest:
        body[here] = value
        return
    if rest == [0]:
        body[here] = [value]
        return
    if isinstance(here, str) and here not in body:
        assert here == "lines", f"{here} needs an example"
        body[here] = [dict(LINE)]
    _put(body[here], tuple(rest), value)


def example(operation: Operation, world: World, who: str = "owner") -> Request:
    """A request with which the operation succeeds for the owner."""
    parts = operation.path.strip("/").split("/")
    ids: dict[str, str] = {}
    for place, part in enumerate(parts):
        if part.startswith("{"):
            noun = NOUNS[parts[place - 1]]
            noun = TARGETS.get(operation.id, noun) if place == 1 else noun
            ids[part.strip("{}")] = world.own(noun, who)
    body: dict[str, Any] | None = None
    if operation.body is not None and operation.body is not Nothing:
        body = _with_ids(BODIES[operation.id], world)
    elif operation.method == "POST":
        body = {}
    return Request(operation, ids, {}, body, UPLOADS.get(operation.id))


def _with_ids(value: Any, world: World) -> Any:
    if isinstance(value, dict):
        return {name: _with_ids(part, world) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_ids(part, world) for part in value]
    return world.ids.get(value, value) if isinstance(value, str) else value


def told(result: testing.Result) -> tuple[int, bytes, tuple[tuple[str, str], ...]]:
    """An answer without what differs from request to request: its id."""
    request_id = result.headers.get("x-request-id", "")
    headers = tuple(sorted((name, value) for name, value in result.headers.items() if name != "x-request-id"))
    return result.status_code, result.content.replace(request_id.encode(), b"-"), headers


def said(result: testing.Result) -> bytes:
    """Every byte of an answer."""
    return repr(sorted(result.headers.items())).encode() + result.content


def wire_names(kind: Any) -> dict[str, str]:
    """The fields of an answer's type: wire name → domain name."""
    return dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))


def data_of(result: testing.Result) -> Any:
    """What an answer holds: its data, or the rows of a table; None where it is empty, or another file."""
    if result.content and result.headers["content-type"].startswith("text/csv"):
        return list(csv.reader(io.StringIO(result.text)))[1:]
    if not result.content or result.headers["content-type"] != "application/json":
        return None
    return msgspec.json.decode(result.content)["data"]
