"""Every page of the app. The routes come from here, the menu of commands, and the tests that open each as each role."""

from __future__ import annotations

from typing import Final

from tallystick.web.app import (
    account,
    approvals,
    apps_and_keys,
    audit_log,
    billing,
    builder,
    calendar,
    clients,
    credit_notes,
    expenses,
    exports,
    home,
    invoice_settings,
    invoices,
    mail_settings,
    payment_settings,
    payments,
    projects,
    rates,
    recurring_invoices,
    reports,
    sending,
    settings,
    tasks,
    time,
    timer,
)
from tallystick.web.app.visit import Page

PAGES: Final[tuple[Page, ...]] = (
    *home.PAGES,
    *timer.PAGES,
    *calendar.PAGES,
    *approvals.PAGES,
    *time.PAGES,
    *projects.PAGES,
    *tasks.PAGES,
    *clients.PAGES,
    *invoices.PAGES,
    *builder.PAGES,
    *sending.PAGES,
    *payments.PAGES,
    *credit_notes.PAGES,
    *recurring_invoices.PAGES,
    *billing.PAGES,
    *rates.PAGES,
    *expenses.PAGES,
    *reports.PAGES,
    *settings.PAGES,
    *invoice_settings.PAGES,
    *mail_settings.PAGES,
    *payment_settings.PAGES,
    *account.PAGES,
    *apps_and_keys.PAGES,
    *audit_log.PAGES,
    *exports.PAGES,
)
