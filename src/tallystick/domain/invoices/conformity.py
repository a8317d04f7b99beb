"""Conformity: what the official rules of e-invoices say against an invoice, before and when it goes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, cast

from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices import issued, papers
from tallystick.domain.invoices.issued import IssuedDocument
from tallystick.values.document import PROFILES, Document, Problem, Profile
from tallystick.values.errors import Invalid

USUAL: Final[Profile] = "cii"


class Data(NamedTuple):
    """An invoice as data, made when it is called for: in the transaction only its facts are read."""

    number: str
    profile: Profile
    make: Callable[[], bytes]


class Readiness(NamedTuple):
    """Whether a client's invoices would conform to a profile, and what is in the way."""

    profile: Profile
    chosen: bool
    """Whether it is the client's own."""
    problems: list[Problem]

    @property
    def ready(self) -> bool:
        return not any(problem.fatal for problem in self.problems)


def profile_of(client: Client) -> Profile | None:
    """In which profile a client's invoices are data; None: in none."""
    return cast("Profile | None", client.einvoice_profile)


def xml(ctx: Context, invoice_id: str, profile: Profile | None = None) -> Data:
    """An invoice in a profile; none said: the client's, else EN 16931 in CII. What was issued is as it was issued."""
    invoice = invoices.read(ctx, invoice_id)
    kept = issued.of_invoice(ctx, invoice)
    document = papers.of_invoice(ctx, invoice_id) if kept is None else issued.document_of(kept)
    return as_data(ctx, invoice.client_id, kept, document, profile)


def as_data(
    ctx: Context, client_id: str, kept: IssuedDocument | None, document: Document, profile: Profile | None
) -> Data:
    """A document in a profile, for the verbs of what it is of."""
    if kept is not None and kept.xml is not None and profile in (None, kept.profile):
        content = kept.xml
        return Data(kept.number, cast("Profile", kept.profile), lambda: content)
    profile = profile or profile_of(ctx.find(Client, client_id)) or USUAL
    renderer = ctx.server.renderer
    return Data(document.number, profile, lambda: renderer.xml(document, profile))


def readiness(ctx: Context, client_id: str) -> Callable[[], list[Readiness]]:
    """What each profile would say of an invoice of this client. It is asked when the answer is called for.

    The rules take longer than a transaction should last: only the sample is read in it.
    """
    ctx.require(Permission.READ_INVOICES)
    client = ctx.find(Client, client_id)
    sample, chosen, renderer = papers.sample(ctx, client), profile_of(client), ctx.server.renderer
    return lambda: [Readiness(profile, profile == chosen, renderer.problems(sample, profile)) for profile in PROFILES]


def problems_of(ctx: Context, invoice_id: str) -> Callable[[], list[Problem]]:
    """What the profile of its client says against a draft; asked when the answer is called for. No profile: nothing."""
    ctx.require(Permission.READ_INVOICES)
    invoice = invoices.read(ctx, invoice_id)
    profile = profile_of(ctx.find(Client, invoice.client_id))
    if profile is None:
        return list
    document, renderer = papers.of_invoice(ctx, invoice.id), ctx.server.renderer
    return lambda: renderer.problems(document, profile)


def gate(ctx: Context, client: Client, document: Callable[[], Document]) -> None:
    """Let a document out only where it conforms to the profile of its client, if they have one.

    It is asked before a number is drawn: the rules take their time, and who draws keeps others waiting.
    """
    profile = profile_of(client)
    if profile is not None:
        check(ctx, document(), profile)


def check(ctx: Context, document: Document, profile: Profile) -> None:
    """Refuse a document that breaks rules of the profile, with each rule, field and remedy."""
    broken = [problem for problem in ctx.server.renderer.problems(document, profile) if problem.fatal]
    if not broken:
        return
    fields: dict[str, str] = {}
    for problem in broken:
        said = f"{problem.remedy} ({problem.rule}: {problem.message})"
        fields[problem.field] = f"{fields[problem.field]} {said}" if problem.field in fields else said
    rules = ", ".join(dict.fromkeys(problem.rule for problem in broken))
    noun = "invoice" if document.kind == "INVOICE" else "credit note"
    raise Invalid(
        f"This {noun} breaks rules of the client's e-invoice profile, {profile}: {rules}. "
        "What is wrong, and what to do about it, is said for each field.",
        fields=fields,
        reason="einvoice_rules",
    )
