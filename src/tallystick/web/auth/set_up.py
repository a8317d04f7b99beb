"""`/setup`: the first workspace of a server and its owner, for whoever reads what `serve` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import falcon

from tallystick.auth.first_run import DONE, FirstRun
from tallystick.values.errors import Conflict, Forbidden, Invalid
from tallystick.web.app.account import zones
from tallystick.web.auth.bodies import read_form
from tallystick.web.auth.entrance import Entrance
from tallystick.web.auth.pages import go, show
from tallystick.web.auth.sign_in_pages import HOME, Page, page

SET_UP: Final = "/setup"
LONGEST: Final = 120
_USUAL: Final = {"currency": "EUR", "time_zone": "UTC"}


def mount(app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance) -> None:
    """Add the page."""
    app.add_route(SET_UP, SetUpPage(entrance))


class SetUpPage(Page):
    """The form. The code stands behind the `#` of the printed address: a browser sends that to nobody, and no log
    has it. A script puts it into the form; without one it is pasted.
    """

    @property
    def _first(self) -> FirstRun:
        assert self.entrance.first_run is not None  # noqa: S101 - mounted with it
        return self.entrance.first_run

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        del request
        if not self._first.is_open():
            raise Conflict(DONE)
        self._form(response, _USUAL)

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        entrance.require_our_page(request)
        entrance.require_few_bad_links(request, counting=False)
        fields = {
            name: value.strip() if "password" not in name else value for name, value in read_form(request).items()
        }
        try:
            self._first.require(fields.get("code", ""))
        except Forbidden as refusal:
            entrance.require_few_bad_links(request, counting=True)
            self._form(response, fields, status=403, problem=refusal.message)
            return
        problem = _problem(fields)
        if problem:
            self._form(response, fields, status=400, problem=problem)
            return
        try:
            with entrance.busy():
                signed = self._first.set_up(
                    fields["code"],
                    workspace=" ".join(fields["workspace"].split()),
                    currency=fields["currency"].upper(),
                    time_zone=fields["time_zone"],
                    name=" ".join(fields["name"].split()),
                    email=fields["email"],
                    password=fields.get("new_password", ""),
                    **entrance.came_with(request),
                )
        except Invalid as refusal:
            self._form(
                response, fields, status=400, problem=_PROBLEMS.get(next(iter(refusal.fields), ""), refusal.message)
            )
            return
        entrance.give_cookies(response, signed)
        go(response, HOME)

    def _form(
        self, response: falcon.Response, given: Mapping[str, str], *, status: int = 200, problem: str = ""
    ) -> None:
        show(
            response,
            "set_up.html",
            status=status,
            problem=problem,
            given={name: given.get(name, "") for name in ("code", *_ASKED)},
            zones=zones(),
            script=self.entrance.asset("setup.js"),
        )


_ASKED: Final = ("workspace", "currency", "time_zone", "name", "email")
_PROBLEMS: Final = {
    "currency": "Enter a currency such as EUR.",
    "time_zone": "Choose a time zone.",
    "email": "Enter your e-mail address.",
}


def _problem(fields: Mapping[str, str]) -> str:
    for name, why in (("workspace", "Enter a name for the workspace."), ("name", "Enter your name.")):
        text = fields.get(name, "")
        if not text or len(text) > LONGEST or not text.isprintable():
            return why
    missing = next((why for name, why in _PROBLEMS.items() if not fields.get(name)), "")
    if missing:
        return missing
    return "" if fields.get("new_password") == fields.get("again") else "The two passwords differ."
