"""Pages that a link in a mail leads to, or that send one: a password forgotten, and an invitation."""

from __future__ import annotations

import falcon

from tallystick.auth import invitations
from tallystick.auth.invitations import Invitee
from tallystick.auth.rate_limits import Policy
from tallystick.auth.session_tokens import count_key
from tallystick.domain import jobs
from tallystick.values.errors import Invalid, NotFound, TooMany
from tallystick.values.letter import is_address
from tallystick.web.auth.bodies import read_form
from tallystick.web.auth.entrance import Entrance
from tallystick.web.auth.pages import go, show
from tallystick.web.auth.sign_in_pages import SIGN_IN, Page, page

FORGOTTEN = Policy(burst=5, burst_window=600, sustained=0, sustained_window=0)
"""Links that one address gets in ten minutes; whoever asks for more hears the same, and nothing is sent."""
ASKED = Policy(burst=20, burst_window=600, sustained=0, sustained_window=0)
"""How often one visitor asks in ten minutes, for whatever addresses."""
SAID = "If somebody signs in here with this address, a mail with a link is on its way to it."


def mount(app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance) -> None:
    """Add the pages."""
    app.add_route("/forgot-password", ForgottenPage(entrance))
    app.add_route("/invitation/{secret}", InvitationPage(entrance))


class ForgottenPage(Page):
    """`/forgot-password`: asks for a link. The answer is the same for every address, and takes the same time."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        del request
        self._form(response)

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        entrance.require_our_page(request)
        email = read_form(request).get("email", "").strip().lower()
        if not is_address(email):
            self._form(response, status=400, problem="Enter your e-mail address.", email=email)
            return
        verdict = entrance.limits.take(f"forgotten-by:{entrance.address_of(request)}", ASKED)
        if not verdict.allowed:
            raise TooMany("Too many requests for links.", retry_after=verdict.retry_after)
        key = count_key(entrance.key, "forgotten", email).hex()
        if entrance.mailing and entrance.limits.take(f"forgotten:{key}", FORGOTTEN).allowed:
            # A worker looks the address up: whoever waits here learns nothing from how long it takes.
            with entrance.database.transaction() as connection:
                jobs.defer_for_nobody(connection, "send_reset_link", email=email)
        self._form(response, notice=SAID)

    def _form(
        self, response: falcon.Response, *, status: int = 200, problem: str = "", notice: str = "", email: str = ""
    ) -> None:
        mailing = self.entrance.mailing
        show(response, "forgotten.html", status=status, problem=problem, notice=notice, email=email, mailing=mailing)


class InvitationPage(Page):
    """`/invitation/{secret}`: joins a workspace, once and in time."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response, secret: str) -> None:
        asked = self._invitee(request, secret)
        self._form(response, asked, name=asked.name or "")

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response, secret: str) -> None:
        entrance = self.entrance
        entrance.require_our_page(request)
        fields = read_form(request)
        asked = self._invitee(request, secret)
        name = " ".join(fields.get("name", "").split())
        password = None
        if not asked.known:
            password = fields.get("new_password", "")
            problem = ""
            if not name or len(name) > 200 or not name.isprintable():
                problem = "Enter your name."
            elif password != fields.get("again"):
                problem = "The two passwords differ."
            if problem:
                self._form(response, asked, status=400, name=name, problem=problem)
                return
        try:
            with entrance.busy():
                invitations.accept(
                    entrance.database, entrance.key, secret, name=name, password=password, now=entrance.clock()
                )
        except Invalid as refusal:
            self._form(response, asked, status=400, name=name, problem=refusal.message)
            return
        go(response, f"{SIGN_IN}?done=joined")

    def _invitee(self, request: falcon.Request, secret: str) -> Invitee:
        entrance = self.entrance
        entrance.require_few_bad_links(request, counting=False)
        try:
            with entrance.database.transaction() as connection:
                return invitations.invitee(connection, entrance.key, secret, entrance.clock())
        except NotFound:
            entrance.require_few_bad_links(request, counting=True)
            raise

    def _form(
        self, response: falcon.Response, asked: Invitee, *, status: int = 200, name: str = "", problem: str = ""
    ) -> None:
        show(response, "invitation.html", status=status, asked=asked, name=name, problem=problem)
