"""Bank accounts: whether an IBAN or a BIC can be one, in the form in which they are kept."""

from __future__ import annotations

import re
from typing import Final

from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum.exceptions import InvalidChecksum, ValidationError

_BLANKS: Final = re.compile(r"[\s.\-]")


def iban(text: str) -> str:
    """The IBAN without its blanks. Raises ValueError that says what is wrong with it."""
    bare = _BLANKS.sub("", text).upper()
    try:
        return str(ibans.validate(bare))
    except InvalidChecksum as error:
        raise ValueError("this IBAN has a typing error: its check digits do not fit") from error
    except ValidationError as error:
        raise ValueError("must be an IBAN such as DE89 3704 0044 0532 0130 00") from error


def bic(text: str) -> str:
    """The BIC without its blanks. Raises ValueError that says what it must be."""
    try:
        return str(bics.validate(_BLANKS.sub("", text).upper()))
    except ValidationError as error:
        raise ValueError("must be a BIC of 8 or 11 letters and digits, such as COBADEFFXXX") from error
