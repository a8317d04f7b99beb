"""Every operation that changes something is told once: one entry of the audit log, with its events."""

from __future__ import annotations

import pytest

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Operation
from tests.matrix.requests import example
from tests.matrix.stage import Stage

EVENTS: dict[str, tuple[str, ...]] = {
    "updateOrganization": ("workspace.updated",),
    "updateMember": ("member.updated",),
    "createClient": ("client.created",),
    "updateClient": ("client.updated",),
    "deleteClient": ("client.deleted",),
    "createProject": ("project.created", "milestone.created"),
    "updateProject": ("project.updated",),
    "archiveProject": ("project.archived",),
    "deleteProject": ("project.archived",),
    "createTask": ("task.created",),
    "updateTask": ("task.updated",),
    "archiveTask": ("task.archived",),
    "deleteTask": ("task.archived",),
    "createMilestone": ("milestone.created",),
    "updateMilestone": ("milestone.updated",),
    "deleteMilestone": ("milestone.deleted",),
    "reachMilestone": ("milestone.reached",),
    "reopenMilestone": ("milestone.reopened",),
    "createTimeEntry": ("time_entry.created",),
    "startTimer": ("time_entry.stopped", "time_entry.started"),
    "stopTimer": ("time_entry.stopped",),
    "stopTimeEntry": ("time_entry.stopped",),
    "updateTimeEntry": ("time_entry.updated",),
    "deleteTimeEntry": ("time_entry.deleted",),
    "submitWeek": ("week.submitted",),
    "approveWeeks": ("week.approved",),
    "withdrawWeek": ("week.withdrawn",),
    "approveWeek": ("week.approved",),
    "returnWeek": ("week.returned",),
    "reopenWeek": ("week.reopened",),
    "createExpense": ("expense.created",),
    "updateExpense": ("expense.updated",),
    "deleteExpense": ("expense.deleted",),
    "setLogo": ("file.changed",),
    "deleteLogo": ("file.deleted",),
    "addReceipt": ("file.created",),
    "deleteReceipt": ("file.deleted",),
    "writeOffTimeEntries": ("time_entry.written_off",),
    "undoTimeEntriesWriteOff": ("time_entry.write_off_undone",),
    "writeOffTimeEntry": ("time_entry.written_off",),
    "undoTimeEntryWriteOff": ("time_entry.write_off_undone",),
    "writeOffExpenses": ("expense.written_off",),
    "undoExpensesWriteOff": ("expense.write_off_undone",),
    "writeOffExpense": ("expense.written_off",),
    "undoExpenseWriteOff": ("expense.write_off_undone",),
    "createRate": ("rate.created",),
    "previewRate": (),
    "applyRate": ("rate.created",),
    "deleteRate": ("rate.deleted",),
    "createInvoice": ("invoice.created",),
    "updateInvoice": ("invoice.updated",),
    "deleteInvoice": ("invoice.deleted",),
    "updateInvoiceLine": ("invoice.updated",),
    "markInvoiceSent": ("invoice_link.made", "invoice.sent"),
    "markInvoicePaid": ("invoice.paid",),
    "cancelInvoice": ("invoice.cancelled",),
    "restoreInvoice": ("invoice.restored",),
    "duplicateInvoice": ("invoice.created",),
    "createInvoicePayment": ("payment.recorded", "invoice.updated"),
    "deleteInvoicePayment": ("refund.deleted", "payment.deleted", "invoice.updated"),
    "applyClientCredit": ("payment.recorded", "credit_entry.booked", "invoice.updated"),
    "refundInvoicePayment": ("refund.recorded", "payment.updated", "invoice.updated"),
    "deleteInvoiceRefund": ("refund.deleted", "payment.updated", "invoice.updated"),
    "writeInvoiceOff": ("invoice.written_off",),
    "takeWriteOffBack": ("invoice.write_off_taken_back",),
    "sendInvoice": ("invoice_link.made", "invoice.sent", "mail.queued"),
    "remindOfInvoice": ("mail.queued",),
    "regenerateInvoiceLink": ("invoice_link.made",),
    "setInvoiceReminders": ("reminder_pause.created",),
    "setClientReminders": ("reminder_pause.created",),
    "setMailTemplate": ("mail_template.updated",),
    "inviteMember": ("invitation.made", "mail.queued"),
    "takeBackInvitation": ("invitation.ended",),
    "creditInvoice": ("credit_note.issued", "invoice.updated"),
    "updateInvoiceSeries": ("workspace.updated",),
    "updateCreditNoteSeries": ("number_series.changed",),
    "updateMailSettings": ("mail_settings.updated",),
    "testMailSettings": ("mail.queued",),
    "retryMail": ("mail.retried",),
    "sendPortalLink": ("mail.queued", "portal_link.sent"),
    "endPortalSessions": ("portal_session.ended",),
    "createRecurringInvoice": ("recurring_invoice.created",),
    "updateRecurringInvoice": ("recurring_invoice.updated",),
    "deleteRecurringInvoice": ("recurring_invoice.deleted",),
    "pauseRecurringInvoice": ("recurring_invoice.paused",),
    "resumeRecurringInvoice": ("recurring_invoice.resumed",),
    "skipRecurringInvoice": ("recurring_invoice.skipped",),
    "cancelRecurringInvoice": ("recurring_invoice.cancelled",),
    "runRecurringInvoice": ("invoice.created", "recurring_invoice.run"),
    "createTaxRate": ("tax_rate.created",),
    "updateTaxRate": ("tax_rate.updated",),
    "deleteTaxRate": ("tax_rate.deleted",),
    "putAutomaticBilling": ("automatic_billing.updated",),
    "deleteAutomaticBilling": ("automatic_billing.deleted",),
    "updateCardSettings": ("card_settings.updated",),
    "setClientPaymentMethod": ("client.payment_method_changed",),
    "setInvoicePaymentMethod": ("invoice.payment_method_changed",),
    "createInvoiceCheckout": (),
    "createReportView": ("report_view.created",),
    "updateReportView": ("report_view.updated",),
    "deleteReportView": ("report_view.deleted",),
    "createOauthApp": ("oauth_app.created",),
    "revokeOauthApp": ("oauth_app.revoked",),
    "revokeOauthGrant": ("oauth_grant.ended",),
    "requestExport": ("export.asked",),
}
"""Operation → the events of its example."""


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.writes], ids=lambda one: one.id)
def test_a_write_is_told_once_by_its_events(operation: Operation, stage: Stage) -> None:
    result, told = stage.told_by(lambda: stage.ask(example(operation, stage.world)))
    assert result.status_code == operation.status, result.text
    assert told == EVENTS[operation.id]


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if not one.writes], ids=lambda one: one.id)
def test_reading_is_not_told(operation: Operation, stage: Stage) -> None:
    result, told = stage.told_by(lambda: stage.ask(example(operation, stage.world)))
    assert (result.status_code, told) == (operation.status, ())
