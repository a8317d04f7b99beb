"""Files that people bring: what each is, and its bytes in a table of their own, below the same walls as every row.

Nothing here is opened or run: a file is told by its first bytes, measured, kept, and given back to be saved.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, get_args

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped

from tallystick.db.base import Blob, Id, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, hydrate
from tallystick.domain.workspaces import locked
from tallystick.values.errors import Invalid, NotFound
from tallystick.values.pictures import Picture, read_picture, without_metadata

FileKind = Literal["LOGO", "RECEIPT"]
FILE_KINDS: Final[tuple[FileKind, ...]] = get_args(FileKind)
MOST_FILES: Final = 10
"""On one expense."""
LOGO_BYTES: Final = 2 * 1024 * 1024
RECEIPT_BYTES: Final = 10 * 1024 * 1024
LOGO_PIXELS: Final = 16_000_000
RECEIPT_PIXELS: Final = 120_000_000
LOGOS: Final = ("image/png", "image/jpeg", "image/svg+xml")
RECEIPTS: Final = ("application/pdf", "image/png", "image/jpeg", "image/webp", "image/gif", "image/heic")
SUFFIXES: Final = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/svg+xml": ".svg",
}
HEIF: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})


class File(Tenant):
    """What is known of a file."""

    __tablename__ = "files"
    noun: ClassVar[str] = "file"

    kind: Mapped[str]
    expense_id: Mapped[Id | None]
    position: Mapped[int]
    """Its place among the receipts of an expense, from 1."""
    name: Mapped[str]
    """What it is saved as."""
    media: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("expense_id", "expenses.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("kind", FILE_KINDS),
            CheckConstraint("(kind = 'RECEIPT') = (expense_id IS NOT NULL)", name="expense_id"),
            CheckConstraint(f"position BETWEEN 1 AND {MOST_FILES}", name="position"),
            CheckConstraint(f"size BETWEEN 1 AND {RECEIPT_BYTES}", name="size"),
            UniqueConstraint("workspace_id", "expense_id", "position"),
            Index("uq_files_logo", "workspace_id", unique=True, postgresql_where=text("kind = 'LOGO'")),
        )


class FileContent(Tenant):
    """The bytes of a file, apart from it: they are read by nobody who only lists."""

    __tablename__ = "file_contents"
    noun: ClassVar[str] = "file"

    file_id: Mapped[Id]
    content: Mapped[Blob]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("file_id", "files.id"),
            UniqueConstraint("workspace_id", "file_id"),
        )


# --- the logo


def set_logo(ctx: Context, *, content: bytes, media: str) -> File:
    """Put a logo on the documents to come; what was issued keeps its own. Raises Invalid for what is no picture."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    if len(content) > LOGO_BYTES:
        raise Invalid(fields={"body": f"at most {LOGO_BYTES // 1024} KiB"})
    _picture(content, media, LOGO_PIXELS)
    _remove_logo(ctx)
    logo = keep(ctx, "LOGO", name=f"logo{SUFFIXES[media]}", content=without_metadata(content), media=media)
    ctx.record_facts("changed", logo, kind="LOGO", sha256=logo.sha256)
    return logo


def remove_logo(ctx: Context) -> None:
    """Documents to come have no logo."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    found = _logo(ctx)
    if found is None:
        raise NotFound("The workspace has no logo.")
    _remove_logo(ctx)
    ctx.record_facts("deleted", found, kind="LOGO")


def read_logo(ctx: Context) -> tuple[File, bytes]:
    """The logo, for everybody in the workspace."""
    ctx.require(Permission.READ_SELF)
    found = _logo(ctx)
    if found is None:
        raise NotFound("The workspace has no logo.")
    return found, content_of(ctx, found.id)


def logo(ctx: Context) -> bytes | None:
    """The logo's bytes, for documents: no permission asked."""
    found = _logo(ctx)
    return None if found is None else content_of(ctx, found.id)


# --- for the nouns that have files


def keep(
    ctx: Context,
    kind: FileKind,
    *,
    name: str,
    content: bytes,
    media: str,
    expense_id: str | None = None,
    position: int = 1,
) -> File:
    """Store a file whose content was checked."""
    row = ctx.add(
        File(
            kind=kind,
            expense_id=expense_id,
            position=position,
            name=name,
            media=media,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        ),
    )
    ctx.add(FileContent(file_id=row.id, content=content))
    return row


def content_of(ctx: Context, file_id: str) -> bytes:
    """The bytes of a file that was found."""
    ((content,),) = ctx.rows(_CONTENT, file_id=file_id)
    return content


def discard(ctx: Context, file_id: str) -> None:
    """Delete a file and its bytes for good."""
    ctx.write(_DROP_CONTENT, id=file_id)
    ctx.write(_DROP, id=file_id)


def check_receipt(content: bytes, media: str) -> None:
    """Refuse what is not what it says it is, or could harm whoever opens it by its size alone. Raises Invalid."""
    if not content:
        raise Invalid(fields={"body": "the file is empty"})
    if len(content) > RECEIPT_BYTES:
        raise Invalid(fields={"body": f"at most {RECEIPT_BYTES // 1024 // 1024} MiB"})
    if media == "application/pdf":
        if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:]:
            raise Invalid(fields={"body": "this is no PDF, or it is cut off"})
    elif media == "image/heic":
        if content[4:8] != b"ftyp" or content[8:12] not in HEIF:
            raise Invalid(fields={"body": "this is no HEIC picture"})
    else:
        _picture(content, media, RECEIPT_PIXELS)


def file_name(given: str | None, media: str) -> str:
    """A name to save a file by: the last part of what was given, without what no file system likes."""
    name = unicodedata.normalize("NFC", given or "").replace("\\", "/").rpartition("/")[2]
    name = "".join(one for one in name if unicodedata.category(one)[0] != "C" and one not in '"*:<>?|')
    name = re.sub(r"\s+", " ", name).strip(" .")
    suffix = SUFFIXES[media]
    stem = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    if media == "image/jpeg" and name.lower().endswith(".jpeg"):
        stem = name[:-5]
    return f"{stem.strip(' .')[:100] or 'receipt'}{suffix}"


def _picture(content: bytes, media: str, most: int) -> Picture:
    try:
        found = read_picture(content, most)
    except ValueError as error:
        raise Invalid(fields={"body": str(error)}) from None
    if found.media != media:
        raise Invalid(fields={"body": f"this is {found.media}, not {media} as its Content-Type says"})
    return found


def _logo(ctx: Context) -> File | None:
    found = ctx.row(_LOGO)
    return None if found is None else hydrate(File, found)


def _remove_logo(ctx: Context) -> None:
    locked(ctx)  # whoever else changes the logo waits
    found = _logo(ctx)
    if found is not None:
        discard(ctx, found.id)


_LOGO = Prepared(select(table_of(File)).where(text("files.workspace_id = :workspace"), File.kind == "LOGO"))
_CONTENT = Prepared(text("SELECT content FROM file_contents WHERE workspace_id = :workspace AND file_id = :file_id"))
_DROP_CONTENT = Prepared(text("DELETE FROM file_contents WHERE workspace_id = :workspace AND file_id = :id"))
_DROP = Prepared(text("DELETE FROM files WHERE workspace_id = :workspace AND id = :id"))
