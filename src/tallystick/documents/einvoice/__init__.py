"""An invoice as data: EN 16931 in both its syntaxes, the official rules of each profile, and what to do about them."""

from __future__ import annotations

from tallystick.documents.einvoice import cii, ubl
from tallystick.documents.einvoice.remedies import not_installed, problem_of
from tallystick.documents.einvoice.rules import SCHEMA, NotInstalled, Rules
from tallystick.values.document import Document, Problem, Profile


def xml(document: Document, profile: Profile) -> bytes:
    """The document in the syntax of the profile."""
    syntax = ubl if profile in ("ubl", "peppol") else cii
    return syntax.invoice(document, profile)


def problems(rules: Rules, document: Document, profile: Profile) -> list[Problem]:
    """What the official rules of the profile say against it, each once; what forbids it comes first."""
    try:
        found = rules.findings(xml(document, profile), profile, document.kind)
    except NotInstalled as lack:
        return [not_installed(profile, str(lack))]
    if any(finding.fatal and finding.rule != SCHEMA for finding in found):
        found = [finding for finding in found if finding.rule != SCHEMA]  # the rules say the same, in better words
    told = list(dict.fromkeys(problem_of(finding) for finding in found))
    return sorted(told, key=lambda problem: not problem.fatal)
