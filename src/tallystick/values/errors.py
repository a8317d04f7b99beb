"""The family of refusals: a stable code, a sentence that says what to do, and the fields at fault."""

from collections.abc import Mapping
from typing import Any, ClassVar


class Refusal(Exception):  # noqa: N818 - the domain refuses; each API decides what kind of error that is
    """A request the domain declines; `code` and `reason` are machine words, `message` is for people."""

    code: ClassVar[str] = "refused"
    usual: ClassVar[str] = "This cannot be done."

    message: str
    fields: dict[str, str]
    reason: str | None
    text: str
    """The sentence before its facts stand in it, for whoever says it in another language."""
    facts: dict[str, Any]

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Mapping[str, str] | None = None,
        reason: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.text = self.usual if message is None else message
        self.facts = dict(facts or {})
        self.message = self.text.format_map(self.facts) if self.facts else self.text
        self.fields = dict(fields or {})
        self.reason = reason
        super().__init__(self.message)


class Unauthenticated(Refusal):
    """Nobody we know is asking: the credential is missing, malformed, expired or revoked."""

    code = "unauthenticated"
    usual = "Sign in, or send a valid token."


class PlanForbids(Refusal):
    """The workspace's plan does not include the feature."""

    code = "forbidden_plan"
    usual = "Your plan does not include this."

    required_plan: str
    feature: str

    def __init__(
        self, message: str | None = None, *, required_plan: str, feature: str, reason: str | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.required_plan = required_plan
        self.feature = feature


class Forbidden(Refusal):
    """The actor is known, and may not do this."""

    code = "forbidden_scope"
    usual = "You do not have permission to do this."


class NotFound(Refusal):
    """It does not exist, or the actor may not see it: the two must look the same."""

    code = "not_found"
    usual = "Not found."


class Invalid(Refusal):
    """The facts given cannot be; `fields` names each one and why."""

    code = "validation_error"
    usual = "Request validation failed."


class Absent(Invalid):
    """A fact names something that does not exist, or that the actor may not see: the two must look the same."""


class Conflict(Refusal):
    """The state of things forbids it now, whoever asks."""

    code = "conflict"
    usual = "This conflicts with the current state."


class Changed(Refusal):
    """It is no longer what the caller knew it as: somebody changed it meanwhile."""

    code = "precondition_failed"
    usual = "This was changed since you read it. Read it again, and decide with what it is now."


class TooMany(Refusal):
    """Asked too often; worth asking again after `retry_after` seconds."""

    code = "rate_limited"
    usual = "Too many requests."

    retry_after: int

    def __init__(self, message: str | None = None, *, retry_after: int, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class Busy(Exception):  # noqa: N818 - a fact about the server
    """The server does as much of this at once as it does; worth asking again in a moment."""
