from __future__ import annotations

import pytest

from tallystick.values.countries import code_of, name_of


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Germany", "DE"), ("deutschland", "DE"), (" DE ", "DE"), ("de", "DE"), ("Allemagne", "DE"),
        ("France", "FR"), ("United  States", "US"), ("USA", "US"), ("UK", "GB"), ("日本", "JP"), ("Österreich", "AT"),
        ("Europe", None), ("EU", None), ("Atlantis", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_code_or_by_its_name_in_many_languages(name: str | None, code: str | None) -> None:
    assert code_of(name) == code


def test_a_country_has_a_name_in_many_languages() -> None:
    assert [name_of("DE"), name_of("DE", "fr"), name_of("DE", "xx")] == ["Germany", "Allemagne", "Germany"]
    assert [name_of(None), name_of("QQ")] == [None, None]
