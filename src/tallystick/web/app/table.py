"""Every page of the app. The routes come from here, the menu of commands, and the tests that open each as each role."""

from __future__ import annotations

from typing import Final

from tallystick.web.app import (
    account,
    clients,
    expenses,
    home,
    invoices,
    projects,
    reports,
    settings,
    tasks,
    time,
    timer,
)
from tallystick.web.app.visit import Page

PAGES: Final[tuple[Page, ...]] = (
    *home.PAGES,
    *timer.PAGES,
    *time.PAGES,
    *projects.PAGES,
    *tasks.PAGES,
    *clients.PAGES,
    *invoices.PAGES,
    *expenses.PAGES,
    *reports.PAGES,
    *settings.PAGES,
    *account.PAGES,
)
