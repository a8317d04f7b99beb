from __future__ import annotations

from collections.abc import Iterator

import pytest

from tallystick.documents import Documents
from tests.documents.judges import Judges


@pytest.fixture(scope="session")
def documents() -> Iterator[Documents]:
    """The renderer, with one helper for the whole session."""
    yield Documents()
    Documents.rules.close()


@pytest.fixture(scope="session")
def judges() -> Judges:
    """Who else says whether an e-invoice conforms."""
    return Judges()
