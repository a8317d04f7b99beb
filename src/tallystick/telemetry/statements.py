"""What goes to the database: counted for who is at work, told where it is slow, never with its values."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tallystick.telemetry import spans
from tallystick.telemetry.numbers import numbers
from tallystick.telemetry.work import current

LONGEST: Final = 2000
"""Characters of a text that are told."""
_BLANKS: Final = re.compile(r"\s+")

log = logging.getLogger("tallystick.slow")


@dataclass
class Limit:
    """From how many seconds on a round trip is slow."""

    seconds: float = float("inf")


limit: Final = Limit()


def slow_from(milliseconds: int) -> None:
    """Tell of round trips that take so long; 0: of none."""
    limit.seconds = milliseconds / 1000 if milliseconds else float("inf")


def ran(number: int, seconds: float, texts: Callable[[], Sequence[Any]]) -> None:
    """So many statements went to the database together, and it took so long. `texts` says which, where that matters."""
    work = current.get()
    if work is not None:
        work.statements += number
        work.trips += 1
        work.database_seconds += seconds
        if work.span is not None:
            spans.statements(work.span, _shown(texts()), number, seconds)
    if seconds >= limit.seconds:
        numbers.count("tallystick_slow_statements")
        log.warning(
            "slow statement: %s", _shown(texts()), extra={"milliseconds": round(seconds * 1000), "statements": number}
        )


def _shown(texts: Sequence[Any]) -> str:
    """As the program wrote them, with placeholders; what is put together at run time might hold a value."""
    plain = [one if isinstance(one, str) else one.decode() if isinstance(one, bytes) else "(composed)" for one in texts]
    return _BLANKS.sub(" ", "; ".join(plain)).strip()[:LONGEST]
