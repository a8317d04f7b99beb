"""Task statuses and priorities: a studio's own words and colours for how far a task is, and how much it presses."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final, Literal, TypeVar, get_args

from sqlalchemy import CheckConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Tenant, one_of, table_of
from tallystick.db.session import Prepared
from tallystick.domain import numbers
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Listing
from tallystick.values.errors import Conflict, Invalid

Kind = Literal["TODO", "IN_PROGRESS", "DONE"]
Level = Literal["LOW", "MEDIUM", "HIGH"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LEVELS: Final[tuple[Level, ...]] = get_args(Level)

LONGEST_TITLE: Final = 100
LONGEST_COLOR: Final = 30


def _numbered() -> tuple[Any, ...]:
    return (
        UniqueConstraint("workspace_id", "number"),
        UniqueConstraint("workspace_id", "id", "kind"),
        CheckConstraint("number >= 1", name="number"),
    )


class TaskStatus(Tenant):
    """How far a task can be. Its kind is what a task's `status` says, and never changes."""

    __tablename__ = "task_statuses"
    noun: ClassVar[str] = "task status"

    number: Mapped[int]
    title: Mapped[str]
    color: Mapped[str] = mapped_column(default="default")
    kind: Mapped[str]
    position: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (*super().constraints(), *_numbered(), one_of("kind", KINDS))


class TaskPriority(Tenant):
    """How much a task can press. Its kind is what a task's `priority` says, and never changes."""

    __tablename__ = "task_priorities"
    noun: ClassVar[str] = "task priority"

    number: Mapped[int]
    title: Mapped[str]
    color: Mapped[str] = mapped_column(default="default")
    kind: Mapped[str]
    position: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (*super().constraints(), *_numbered(), one_of("kind", LEVELS))


Word = TypeVar("Word", TaskStatus, TaskPriority)

STATUSES_OF_ALL: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("To do", "default", "TODO"),
    ("In progress", "info", "IN_PROGRESS"),
    ("Completed", "success", "DONE"),
)
"""Title, color and kind of the statuses that every workspace has, numbered from 1; they are never deleted."""
PRIORITIES_OF_ALL: Final[tuple[tuple[str, str, Level], ...]] = (
    ("Low", "success", "LOW"),
    ("Normal", "default", "MEDIUM"),
    ("High", "warning", "HIGH"),
    ("Urgent", "danger", "HIGH"),
)

TASK_STATUSES = Listing(
    TaskStatus, sorts=("position", "number", "title", "created_at"), search=("title",), names=("title",)
)
TASK_PRIORITIES = Listing(
    TaskPriority, sorts=("position", "number", "title", "created_at"), search=("title",), names=("title",)
)


def found(ctx: Context) -> None:
    """Give a new workspace the statuses and priorities that every workspace has."""
    for kind, words in ((TaskStatus, STATUSES_OF_ALL), (TaskPriority, PRIORITIES_OF_ALL)):
        for number, (title, color, means) in enumerate(words, 1):
            word = kind(number=number, title=title, color=color, kind=means, position=number)
            ctx.add(word, later=True)
            ctx.record("created", word)


def create(ctx: Context, kind: type[Word], *, title: str, means: str, color: str = "default") -> Word:
    """Add a status or priority behind the others. `means` is its kind: which of the three it counts as."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    allowed = KINDS if kind is TaskStatus else LEVELS
    if means not in allowed:
        raise Invalid(fields={"kind": f"one of {', '.join(allowed)}"})
    _check(title, color)
    number = numbers.draw(ctx, kind)
    word = ctx.add(kind(number=number, title=title.strip(), color=color, kind=means, position=number))
    ctx.record("created", word)
    return word


def read(ctx: Context, kind: type[Word], word_id: str) -> Word:
    """One status or priority."""
    ctx.require(Permission.READ_TASKS)
    return ctx.find(kind, word_id)


def change(ctx: Context, kind: type[Word], word_id: str, **facts: Any) -> Word:
    """Change title, color or position. Its kind stays: tasks count by it."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    if facts.keys() - {"title", "color", "position"}:
        raise TypeError("Only title, color and position change.")
    word = ctx.find(kind, word_id, lock="update")
    _check(facts.get("title", word.title), facts.get("color", word.color))
    if ctx.change(word, **facts):
        ctx.record("updated", word)
    return word


def delete(ctx: Context, kind: type[Word], word_id: str) -> None:
    """Delete a status or priority that no task has. Those that every workspace has stay."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    word = ctx.find(kind, word_id, lock="update")
    if word.number <= len(STATUSES_OF_ALL if kind is TaskStatus else PRIORITIES_OF_ALL):
        raise Conflict(f"Every workspace has the {kind.noun} {word.title}. It can be renamed, not deleted.")
    if ctx.row(_IN_USE[table_of(kind).name], id=word.id) is not None:
        raise Conflict(f"Tasks have the {kind.noun} {word.title}. Give them another one first.")
    ctx.change(word, deleted_at=ctx.now)
    ctx.record("deleted", word)


def of_kind(ctx: Context, kind: type[Word], means: str) -> str:
    """The id of the one that stands for a kind where nobody chose: the first of it."""
    found = ctx.row(_FIRST[table_of(kind).name], kind=means)
    assert found is not None  # noqa: S101 - every workspace has one of each, and they are never deleted
    return found[0]


def _check(title: str, color: str) -> None:
    wrong: dict[str, str] = {}
    if not 1 <= len(title.strip()) <= LONGEST_TITLE:
        wrong["title"] = f"1 to {LONGEST_TITLE} characters"
    if not 1 <= len(color) <= LONGEST_COLOR:
        wrong["color"] = f"1 to {LONGEST_COLOR} characters"
    if wrong:
        raise Invalid(fields=wrong)


_FIRST = {
    table: Prepared(
        text(f"""
            SELECT id FROM {table}
            WHERE workspace_id = :workspace AND kind = :kind AND deleted_at IS NULL ORDER BY number LIMIT 1
        """)
    )
    for table in ("task_statuses", "task_priorities")
}
_IN_USE = {
    # By table, not by class: tasks are a noun above these.
    table: Prepared(
        text(f"""
            SELECT 1 FROM tasks WHERE workspace_id = :workspace AND {column} = :id AND deleted_at IS NULL LIMIT 1
        """)
    )
    for table, column in (("task_statuses", "status_id"), ("task_priorities", "priority_id"))
}
