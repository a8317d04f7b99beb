"""One person, who speaks to the record through each of its APIs."""

from __future__ import annotations

from typing import NamedTuple

from tests.expensicat.world import Expensicat
from tests.growcrm.world import GrowCrm
from tests.studio import Api


class Faces(NamedTuple):
    """An API key acts as the owner, whoever asks."""

    native: Api
    expensicat: Expensicat
    growcrm: GrowCrm
