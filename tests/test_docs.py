"""The pages keep up with the code: what exists is on its page, what a page names exists, and links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from msgspec import Struct

from tallystick.api.fields import hints_of
from tallystick.api.native import (
    automatic_billing,
    cards,
    clients,
    credit_notes,
    expenses,
    exports,
    invitations,
    invoices,
    mails,
    milestones,
    notifications,
    oauth,
    people,
    portal,
    projects,
    rates,
    recurring_invoices,
    series,
    tasks,
    tax_rates,
    time_entries,
    webhooks,
    weeks,
)
from tallystick.api.native.operations import OPERATIONS
from tallystick.api.native.wire import REASONS, STATUS, camel, parameters_of
from tallystick.api.wire import Operation
from tallystick.auth.rate_limits import QuotaName
from tallystick.db.base import Row
from tallystick.domain.access import ENTITLEMENTS
from tallystick.domain.invoices.invoice import GROUPINGS
from tests.live import live_server
from tests.studio import Studio

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCES = [path for top in ("src", "tests", "bin", "docs") for path in (ROOT / top).rglob("*") if path.is_file()]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
NATIVE = (DOCS / "native-api.md").read_text()
BY_ID = {operation.id: operation for operation in OPERATIONS}

RESOURCES: dict[str, tuple[type[Struct], str | None]] = {
    "Me": (people.Me, None),
    "Organization": (people.Organization, "updateOrganization"),
    "Members": (people.MemberJson, "updateMember"),
    "Clients": (clients.ClientJson, "createClient"),
    "Projects": (projects.ProjectJson, "createProject"),
    "Rates": (rates.RateJson, "createRate"),
    "Tasks": (tasks.TaskJson, "createTask"),
    "Milestones": (milestones.MilestoneJson, "createMilestone"),
    "Time entries": (time_entries.TimeEntryJson, "createTimeEntry"),
    "Weeks": (weeks.WeekJson, "submitWeek"),
    "Notifications": (notifications.NotificationJson, None),
    "Notification settings": (notifications.NotificationSettingJson, "updateNotificationSettings"),
    "Expenses": (expenses.ExpenseJson, "createExpense"),
    "Invoices": (invoices.InvoiceJson, "createInvoice"),
    "Lines": (invoices.LineJson, None),
    "Taxes": (invoices.TaxJson, None),
    "Explanations": (invoices.StepJson, None),
    "Tax rates": (tax_rates.TaxRateJson, "createTaxRate"),
    "Payments": (invoices.PaymentJson, "createInvoicePayment"),
    "Credit notes": (credit_notes.CreditNoteJson, "creditInvoice"),
    "Credit note lines": (credit_notes.CreditNoteLineJson, None),
    "Refunds": (invoices.RefundJson, "refundInvoicePayment"),
    "Number series": (series.SeriesJson, "updateInvoiceSeries"),
    "Invitations": (invitations.InvitationJson, "inviteMember"),
    "Mail settings": (mails.MailSettingsJson, "updateMailSettings"),
    "Mails": (mails.MailJson, None),
    "Exports": (exports.ExportJson, None),
    "Portal": (portal.PortalSessionJson, None),
    "Recurring invoices": (recurring_invoices.RecurringInvoiceJson, "createRecurringInvoice"),
    "Recurring runs": (recurring_invoices.RecurringRunJson, None),
    "Automatic billing": (automatic_billing.AutomaticBillingJson, "putAutomaticBilling"),
    "Billing runs": (automatic_billing.BillingRunJson, None),
    "Card payments": (cards.CardSettingsJson, "updateCardSettings"),
    "Payment methods": (cards.PaymentMethodJson, "setClientPaymentMethod"),
    "Checkouts": (cards.CheckoutJson, None),
    "Webhook endpoints": (webhooks.WebhookEndpointJson, "createWebhookEndpoint"),
    "Webhook deliveries": (webhooks.WebhookDeliveryJson, None),
    "OAuth apps": (oauth.OAuthAppJson, "createOauthApp"),
    "OAuth grants": (oauth.OAuthGrantJson, None),
}
"""Heading of the page → what an answer holds, and the operation whose body says what can be written."""

LISTS = {
    "Members": "listMembers",
    "Clients": "listClients",
    "Projects": "listProjects",
    "Rates": "listRates",
    "Tasks": "listTasks",
    "Milestones": "listMilestones",
    "Time entries": "listTimeEntrys",
    "Weeks": "listWeeks",
    "Expenses": "listExpenses",
    "Invoices": "listInvoices",
    "Credit notes": "listCreditNotes",
    "Tax rates": "listTaxRates",
    "Mails": "listMails",
    "Recurring invoices": "listRecurringInvoices",
}


def section(heading: str) -> str:
    """What the page of the native API says below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##+ |\Z)", NATIVE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/native-api.md has no section {heading}"
    return found[1]


def rows(text: str, header: str) -> list[list[str]]:
    """The cells of the table that begins with a header, code marks removed."""
    table = text[text.index(header) :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in table]


def written(operation: Operation | None) -> set[str]:
    if operation is None or operation.body is None:
        return set()
    return set(operation.body.__struct_encode_fields__)


# --- links and names


def slugs(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        if anchor:
            assert anchor in slugs(there), target


def texts() -> Iterator[tuple[Path, str]]:
    for path in SOURCES:
        if path.suffix in {".py", ".md", ".sql", ".html", ""} and "__pycache__" not in path.parts:
            yield path, path.read_text()


def test_every_decision_that_is_named_has_its_page() -> None:
    pages = {page.name[:4] for page in (DOCS / "decisions").glob("[0-9]*.md")}
    for path, text in texts():
        for number in re.findall(r"decisions?[/ ](\d{4})", text):
            assert number in pages, f"{path.relative_to(ROOT)} names decision {number}"


def test_every_page_that_is_named_in_the_code_exists() -> None:
    for path, text in texts():
        for name in re.findall(r"\bdocs/[\w/-]+\.(?:md|svg)\b", text):
            assert (ROOT / name).exists(), f"{path.relative_to(ROOT)} names {name}"


def test_the_list_of_all_pages_has_every_page() -> None:
    listed = set(re.findall(r"\]\(([\w/.-]+)\)", (DOCS / "README.md").read_text()))
    there = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"}
    assert there <= listed, there - listed


def test_every_file_that_the_life_of_a_request_names_exists() -> None:
    text = (DOCS / "life-of-a-request.md").read_text()
    for name in re.findall(r"[*` ]((?:api|auth|db|domain|server|values)/[\w/]*(?:\.py)?|\w+\.py)[*`]", text):
        place = ROOT / "src/tallystick" / name
        assert place.exists(), name


def test_every_table_is_on_the_page_of_the_data_model() -> None:
    page = (DOCS / "data-model.md").read_text()
    for table in Row.metadata.tables:
        assert f"`{table}`" in page, table


def test_the_picture_of_the_data_model_is_drawn_from_the_rows() -> None:
    drawing = runpy.run_path(str(DOCS / "images/draw.py"))
    assert drawing["PICTURE"].read_text() == drawing["picture"](), "run .venv/bin/python docs/images/draw.py"


def test_every_constraint_that_the_data_model_names_exists() -> None:
    named = set(re.findall(r"`((?:uq|ck|fk|ix)_\w+)`", (DOCS / "data-model.md").read_text()))
    migration = "".join(path.read_text() for path in (ROOT / "src/tallystick/db/migrations/versions").glob("*.py"))
    assert named
    for name in named:
        assert name in migration, name


# --- the native API


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_every_operation_is_on_the_page(operation: Operation) -> None:
    assert f"| `{operation.id}` | `{operation.method} {operation.path}` |" in NATIVE


def test_the_page_names_no_operation_that_does_not_exist() -> None:
    for name, route in re.findall(r"^\| `(\w+)` \| `([A-Z]+ /[^`]*)` \|", NATIVE, re.MULTILINE):
        assert route == f"{BY_ID[name].method} {BY_ID[name].path}"


@pytest.mark.parametrize("heading", RESOURCES)
def test_the_fields_of_a_resource_are_those_of_the_page(heading: str) -> None:
    shape, create = RESOURCES[heading]
    operation = BY_ID[create] if create else None
    can_write = written(operation)
    required = {camel(name) for name in operation.required} if operation else set()
    told = {name: (write, null) for name, _, write, null, *_ in rows(section(heading), "| field | type |")}
    shown = {name: told.pop(name) for name in shape.__struct_encode_fields__ if name in told}
    assert list(shown) == list(shape.__struct_encode_fields__)
    for name, (write, null) in shown.items():
        assert write == ("required" if name in required else "yes" if name in can_write else ""), name
        assert null == ("yes" if nullable(shape, name) else ""), name
    for name, (write, null) in told.items():  # what is only written
        assert name in can_write, name
        assert (write, null) == ("yes", "–"), name


def nullable(shape: type[Struct], name: str) -> bool:
    by_wire = dict(zip(shape.__struct_encode_fields__, shape.__struct_fields__, strict=True))
    return type(None) in get_args(hints_of(shape)[by_wire[name]])


@pytest.mark.parametrize(("heading", "name"), LISTS.items())
def test_the_sorts_and_filters_of_a_list_are_those_of_the_page(heading: str, name: str) -> None:
    operation = BY_ID[name]
    assert operation.listing is not None
    said = section(heading)
    sorts = re.search(r"^Sort: (.*)\.$", said, re.MULTILINE)
    filters = re.search(r"^Filters: (.*)\.$", said, re.MULTILINE)
    assert sorts
    assert filters
    assert re.findall(r"`(\w+)`", sorts[1]) == [camel(one) for one in operation.listing.sorts]
    assert re.findall(r"`(\w+)`", filters[1]) == [camel(one) for one in list(parameters_of(operation))[3:]]


def test_every_list_has_its_sorts_and_filters_on_the_page() -> None:
    assert set(LISTS.values()) == {operation.id for operation in OPERATIONS if operation.listing is not None}


def test_every_fact_of_a_draft_is_on_the_page() -> None:
    said = section("A draft")
    for name in invoices.InvoiceFields.__struct_encode_fields__:
        assert f"`{name}`" in said, name
    for name in (*invoices.LineFields.__struct_encode_fields__, *invoices.DiscountFields.__struct_encode_fields__):
        assert re.search(rf"[`\"]{name}[`\"]", said), name
    assert {name.split(" ")[0] for name, _ in rows(said, "| grouping |")} == set(GROUPINGS)


def test_every_fact_of_a_timer_is_on_the_page() -> None:
    for name in time_entries.TimerFields.__struct_encode_fields__:
        assert f"`{name}`" in section("Timers"), name


def literals(pattern: str, *, but: str | None = None) -> set[str]:
    """What the code says somewhere, but for the package that another page describes."""
    files = [path for path in (ROOT / "src").rglob("*.py") if but not in path.parts]
    return {found for path in files for found in re.findall(pattern, path.read_text())}


def test_every_reason_of_an_error_is_on_the_page_and_no_other() -> None:
    known = literals(r'reason="([a-z_]+)"', but="expensicat") | set(REASONS.values()) | set(get_args(QuotaName))
    told = {name.strip() for names, *_ in rows(section("Errors"), "| reason |") for name in names.split(",")}
    assert told == known


def test_every_reason_of_the_expensicat_api_is_on_its_page() -> None:
    page = (DOCS / "expensicat-api.md").read_text()
    for reason in literals(r'reason="([a-z_]+)"') - literals(r'reason="([a-z_]+)"', but="expensicat"):
        assert f"`{reason}`" in page, reason


def test_every_warning_of_a_draft_is_on_the_page_and_no_other() -> None:
    known = literals(r'Warned\(\s*"([a-z_]+)"')
    assert {name for name, _ in rows(section("A draft"), "| warning |")} == known


def test_the_statuses_of_errors_are_those_of_the_page() -> None:
    told = {(int(status), code) for status, code, _ in rows(section("Errors"), "| status | code |")}
    assert told == {*STATUS.values(), (500, "internal")}


def test_the_rate_limits_are_those_of_the_page() -> None:
    told = {
        row[0].split(" ")[0]: [int(cell.replace(",", "")) for cell in row[1:]]
        for row in rows(section("Rate limits"), "| plan |")
    }
    for plan, given in ENTITLEMENTS.items():
        assert told.get(plan, told["studio"]) == [given.burst, given.sustained], plan


# --- the first page


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_of_the_readme_work_as_they_are_typed(studio: Studio, database_url: str, tmp_path: Path) -> None:
    script = next(
        block
        for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        if "api()" in block
    )
    with live_server(database_url, tmp_path / "data") as url:
        said = subprocess.run(
            ["sh", "-eu", "-c", script],
            env={**os.environ, "URL": url, "TOKEN": studio.owner.token},
            check=True,
            capture_output=True,
            text=True,
        )
    answers = [json.loads(line)["data"] for line in said.stdout.splitlines()]
    logged, started, running, stopped, month, sent, unpaid = answers
    assert logged["durationSeconds"] == 5400
    assert [one["id"] for one in running] == [started["id"]] == [stopped["id"]]
    assert [one["id"] for one in month] == [logged["id"]]
    assert (sent["status"], sent["subtotal"], sent["total"]) == ("SENT", "135.00", "160.65")
    assert [one["id"] for one in unpaid] == [sent["id"]]
