"""What runs by itself: a piece at a time in a transaction of its own; what fails is kept, told and tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final, TypeVar

import psycopg

from tallystick.domain import sending
from tallystick.domain.context import Context
from tallystick.domain.invoices import lifecycle
from tallystick.domain.mails.settings import sender_of
from tallystick.values.errors import Refusal

Contexts = Callable[[], AbstractContextManager[Context]]
"""Opens a transaction inside one workspace, as the server itself."""
Piece = TypeVar("Piece")
Key = TypeVar("Key")

WAITS: Final = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""How long after each failure it is tried again; the last one for all that follow."""
OURS: Final = "Something went wrong on our side. The server's log says what; it is tried again."
LONGEST: Final = 2_000

log = logging.getLogger("tallystick.recurring")


class Failed(Exception):  # noqa: N818 - a fact about a piece
    """A piece could not be done: `piece` says which, `sentence` why."""

    def __init__(self, piece: object, sentence: str) -> None:
        super().__init__(sentence)
        self.piece = piece
        self.sentence = sentence[:LONGEST]


def attempt(piece: object, work: Callable[[], Piece]) -> Piece:
    """Do a piece. Raises Failed where it is refused or goes wrong, but not for what passes by itself."""
    try:
        return work()
    except Refusal as refusal:
        if refusal.reason == "try_again":
            raise
        raise Failed(piece, sentence_of(refusal)) from refusal
    except psycopg.Error:
        raise  # the database is away, or two at once: nothing is wrong with the piece
    except Exception as error:
        log.exception("%s failed", piece)
        raise Failed(piece, OURS) from error


def work_off(
    contexts: Contexts,
    keys: Sequence[Key],
    run: Callable[[Context, Key], Piece | None],
    fail: Callable[[Context, Key, Failed], None],
) -> list[Piece]:
    """Run all that is due under each key, piece by piece; one that fails stops no other."""
    done: list[Piece] = []
    for key in keys:
        try:
            done += _of(contexts, key, run, fail)
        except Refusal as refusal:
            log.info("%s waits: %s", key, refusal.message)
        except psycopg.Error as error:
            log.warning("%s has to wait: %s", key, error)
    return done


def send(ctx: Context, invoice_id: str) -> None:
    """Issue an invoice by itself, and mail it where mail is set up."""
    if sender_of(ctx) is None:
        lifecycle.mark_sent(ctx, invoice_id)
    else:
        sending.send(ctx, invoice_id)


def retry_at(now: datetime, attempts: int) -> datetime:
    """When a piece that failed so often is tried again."""
    return now + WAITS[min(attempts, len(WAITS)) - 1]


def sentence_of(refusal: Refusal) -> str:
    """A refusal with its fields, for people."""
    wrong = "".join(f" {name}: {why}." for name, why in refusal.fields.items())
    return (refusal.message + wrong)[:LONGEST]


def _of(
    contexts: Contexts,
    key: Key,
    run: Callable[[Context, Key], Piece | None],
    fail: Callable[[Context, Key, Failed], None],
) -> list[Piece]:
    done: list[Piece] = []
    blamed: object = None
    while True:
        try:
            with contexts() as ctx:
                piece = run(ctx, key)
        except Failed as failed:
            if failed.piece == blamed:  # it was not to be kept: nobody waits for it any more
                return done
            blamed = failed.piece
            with contexts() as ctx:
                fail(ctx, key, failed)
            continue
        if piece is None:
            return done
        done.append(piece)
