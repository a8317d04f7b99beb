"""In which words mail goes: a workspace's own, else ours, with places for facts from a fixed list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from tallystick.db.base import Tenant, one_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.mails.usual import USUAL
from tallystick.values.errors import Invalid

Kind = Literal["invoice", "reminder", "portal"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?", re.ASCII)
PLACES: Final = (
    "client", "studio", "number", "total", "balance", "issue_date", "due_date", "days_overdue", "link",
)  # fmt: skip
"""What may stand in double braces. There is no other template language: it would run whatever a tenant writes."""
LONGEST_SUBJECT: Final = 200
LONGEST_BODY: Final = 10_000
_PLACE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


class MailTemplate(Tenant):
    """The words of one kind of mail in one language."""

    __tablename__ = "mail_templates"
    noun: ClassVar[str] = "mail template"

    kind: Mapped[str]
    language: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            one_of("kind", KINDS),
            UniqueConstraint("workspace_id", "kind", "language"),
            CheckConstraint("language ~ '^[a-z]{2,3}(-[A-Z]{2})?$'", name="language"),
        )


class Template(NamedTuple):
    """Words in force."""

    kind: str
    language: str
    subject: str
    body: str
    own: bool
    """Whether the workspace wrote them."""


def every(ctx: Context) -> list[Template]:
    """The words in force, by kind and language: the workspace's own, and ours where it has none."""
    ctx.require(Permission.READ_WORKSPACE)
    found = {
        (kind, language): Template(kind, language, *usual(kind, language), False)
        for language in USUAL
        for kind in KINDS
    }
    for row in ctx.select(MailTemplate):
        found[row.kind, row.language] = Template(row.kind, row.language, row.subject, row.body, True)  # type: ignore[index]
    return [found[key] for key in sorted(found)]


def set_words(ctx: Context, kind: Kind, language: str, *, subject: str | None, body: str | None) -> Template:
    """Set a workspace's own words; with neither, ours hold again. Unknown places are refused."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    if LANGUAGE.fullmatch(language) is None:
        raise Invalid(fields={"language": "must be a language such as en, de or pt-BR"})
    mine = MailTemplate.kind == kind, MailTemplate.language == language
    found = next(iter(ctx.select(MailTemplate, *mine)), None)
    ours = usual(kind, language)
    if subject is None and body is None:
        if found is not None:
            ctx.write(_FORGET, template_id=found.id)
            ctx.record("deleted", found)
        return Template(kind, language, *ours, False)
    words = {"subject": subject or ours[0], "body": body or ours[1]}
    check(**words)
    if found is None:
        found = ctx.add(MailTemplate(kind=kind, language=language, **words))
        ctx.record("created", found)
    elif ctx.change(found, **words):
        ctx.record("updated", found)
    return Template(kind, language, found.subject, found.body, True)


def words_for(ctx: Context, kind: Kind, language: str) -> Template:
    """The words in a language: the workspace's own, else ours; failing that, those without its country, or English.

    No permission asked.
    """
    rows = {row.language: row for row in ctx.select(MailTemplate, MailTemplate.kind == kind)}
    for one in dict.fromkeys((language, language.partition("-")[0], "en")):
        if one in rows:
            return Template(kind, one, rows[one].subject, rows[one].body, True)
        if one in USUAL:
            return Template(kind, one, *usual(kind, one), False)
    raise AssertionError  # there is English


def usual(kind: Kind, language: str) -> tuple[str, str]:
    """Our own subject and body in a language, or in English."""
    words = USUAL.get(language, USUAL["en"])
    return {"invoice": words.invoice, "reminder": words.reminder, "portal": words.portal}[kind]


def thanks_in(language: str) -> Template:
    """The words after a payment; they are ours in every workspace."""
    known = language.partition("-")[0]
    known = known if known in USUAL else "en"
    return Template("payment", known, *USUAL[known].thanks, own=False)


def button_in(language: str) -> str:
    """What the button to the public page says."""
    return USUAL.get(language.partition("-")[0], USUAL["en"]).button


def portal_button_in(language: str) -> str:
    """What the button to the portal says."""
    return USUAL.get(language.partition("-")[0], USUAL["en"]).portal_button


def check(*, subject: str, body: str) -> None:
    """Refuse words that are too long, or have a place that nobody fills."""
    wrong: dict[str, str] = {}
    for name, text, most in (("subject", subject, LONGEST_SUBJECT), ("body", body, LONGEST_BODY)):
        unknown = [place for place in _PLACE.findall(text) if place not in PLACES]
        if unknown:
            wrong[name] = f"{{{{{unknown[0]}}}}} is not known; there are {', '.join(PLACES)}"
        elif len(text) > most:
            wrong[name] = f"at most {most} characters"
        elif not text.strip():
            wrong[name] = "must not be empty"
    if wrong:
        raise Invalid(fields=wrong)


def filled(text: str, facts: Mapping[str, str]) -> str:
    """The text with its places filled, in one go: what is filled in is not looked at again."""
    return _PLACE.sub(lambda match: facts.get(match[1], match[0]), text)


_FORGET = Prepared("""
    DELETE FROM mail_templates WHERE workspace_id = %(workspace)s::uuid AND id = %(template_id)s::uuid
""")
