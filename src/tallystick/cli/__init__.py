"""The command `tallystick`: what an operator types."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Final

import typer

from tallystick.cli.console import sentences

MODULES: Final = (
    "serve",
    "worker",
    "jobs",
    "mail",
    "portal",
    "demo",
    "migrate",
    "workspaces",
    "members",
    "reset_link",
    "tokens",
    "api_keys",
    "oauth_apps",
    "webhooks",
    "tax_rates",
    "invoices",
    "sending",
    "rates",
    "milestones",
    "write_offs",
    "time",
    "recurring",
    "audit",
    "automatic_billing",
    "cards",
    "doctor",
    "backup",
    "exports",
)
"""Each has `register(app)`, which adds its commands; `--help` lists them in this order."""


def main() -> None:
    """Run one command; what goes wrong in a way we know is a sentence and exit code 1."""
    with sentences():
        application()()


def application() -> typer.Typer:
    """All commands."""
    app = typer.Typer(
        name="tallystick",
        help="Self-hosted time tracking and invoicing. Settings come from TALLYSTICK_* variables; flags override them.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def tallystick() -> None:  # pyright: ignore[reportUnusedFunction] - typer's; with it one command is still named
        pass

    for name in MODULES:
        if find_spec(f"{__name__}.{name}") is not None:
            importlib.import_module(f"{__name__}.{name}").register(app)
    return app
