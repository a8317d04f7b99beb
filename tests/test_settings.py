"""Settings: what an operator may write, and the sentence for what they may not."""

import ipaddress
from dataclasses import fields
from pathlib import Path

import pytest

from tallystick.settings import Settings, SettingsError, variable

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"


def settings(**given: str) -> Settings:
    return Settings.from_environment(
        {"HOME": "/home/ada", **{f"TALLYSTICK_{name}": value for name, value in given.items()}}
    )


def test_nothing_has_to_be_set():
    found = settings()
    assert (found.host, found.port, found.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert found.data == Path("/home/ada/.local/share/tallystick")
    assert found.database_url is None
    assert found.trusted_proxies == ()
    assert found.env == "live"
    assert (found.rate_limit_burst, found.rate_limit_sustained, found.rate_limit_address) == (None, None, 10)
    assert found.workers >= 1
    assert found.threads == 32
    assert found.log_level == "info"


def test_an_empty_variable_counts_as_not_set():
    assert settings(PORT="", DATABASE_URL=" ", WORKERS="", TRUSTED_PROXIES="") == settings()


def test_the_data_home_of_the_user_is_respected():
    found = Settings.from_environment({"XDG_DATA_HOME": "/srv/share", "HOME": "/home/ada"})
    assert found.data == Path("/srv/share/tallystick")


def test_without_a_home_the_account_says_where_it_is():
    assert Settings.from_environment({}).data.is_absolute()


def test_variables_of_others_are_nobody_s_business_here():
    assert Settings.from_environment({"HOME": "/home/ada", "PORT": "x", "TALLY_PORT": "y"}).port == 8000


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("PORT", "65535", "port", 65535),
        ("PORT", " 80 ", "port", 80),
        ("DATA", "/srv/tally", "data", Path("/srv/tally")),
        ("DATABASE_URL", "postgres://u@h/db", "database_url", "postgres://u@h/db"),
        ("PUBLIC_URL", "https://time.example.com", "public_url", "https://time.example.com"),
        ("PUBLIC_URL", "https://Time.Example.com/", "public_url", "https://time.example.com"),
        ("PUBLIC_URL", "HTTP://[::1]:8080", "public_url", "http://[::1]:8080"),
        ("ENV", "test", "env", "test"),
        ("OIDC_ROLES", "a=b=admin, staff=MEMBER", "oidc_roles", "a=b=admin, staff=MEMBER"),
        ("OIDC_STRANGERS", "JOIN", "oidc_strangers", "join"),
        ("OIDC_SCOPES", "openid groups", "oidc_scopes", "openid groups"),
        ("ENV", "LIVE", "env", "live"),
        ("RATE_LIMIT_BURST", "0", "rate_limit_burst", 0),
        ("RATE_LIMIT_SUSTAINED", "600", "rate_limit_sustained", 600),
        ("RATE_LIMIT_ADDRESS", "0", "rate_limit_address", 0),
        ("LOG_LEVEL", "DEBUG", "log_level", "debug"),
    ],
)
def test_a_value_is_read(name: str, value: str, field: str, expected: object):
    assert getattr(settings(**{name: value}), field) == expected


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"HOST": "10.0.0.7", "PORT": "9000"}, "http://10.0.0.7:9000"),
        ({"HOST": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"HOST": "::1"}, "http://[::1]:8000"),
        ({"HOST": "0.0.0.0", "PUBLIC_URL": "https://t.example"}, "https://t.example"),
    ],
)
def test_the_public_address_follows_the_listening_one_where_it_is_not_given(given: dict[str, str], url: str):
    assert settings(**given).public_url == url


def test_proxies_are_addresses_and_networks():
    assert settings(TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8,::1").trusted_proxies == (
        ipaddress.ip_network("127.0.0.1/32"),
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("::1/128"),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "8000.0"),
        ("PORT", "-1"),
        ("PORT", "８０"),
        ("PORT", "9" * 5000),
        ("DATA", "data"),
        ("DATABASE_URL", "mysql://h/db"),
        ("DATABASE_URL", "tallystick"),
        ("PUBLIC_URL", "time.example.com"),
        ("PUBLIC_URL", "ftp://time.example.com"),
        ("PUBLIC_URL", "https://time.example.com/app"),
        ("PUBLIC_URL", "https://time.example.com?x=1"),
        ("PUBLIC_URL", "https://time.example.com?"),
        ("PUBLIC_URL", "https://time.example.com#x"),
        ("PUBLIC_URL", "https://ada@time.example.com"),
        ("PUBLIC_URL", "https://time.example.com:99999"),
        ("PUBLIC_URL", "https://time example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://[::1"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("ENV", "production"),
        ("RATE_LIMIT_BURST", "off"),
        ("RATE_LIMIT_ADDRESS", "-1"),
        ("WORKERS", "0"),
        ("THREADS", "1000000"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_value_that_cannot_be_meant_stops_with_the_name_of_the_variable(name: str, value: str):
    with pytest.raises(SettingsError, match=rf"^TALLYSTICK_{name} .*\.$"):
        settings(**{name: value})


def test_an_unknown_variable_stops_and_the_nearest_is_named():
    with pytest.raises(SettingsError, match="Did you mean TALLYSTICK_DATABASE_URL"):
        settings(DATABSE_URL="postgresql://h/db")


def test_the_password_of_the_database_is_in_no_sentence_and_no_repr():
    with pytest.raises(SettingsError) as refused:
        settings(DATABASE_URL="mysql://u:hunter2@h/db")
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(settings(DATABASE_URL="postgresql://u:hunter2@h/db"))


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_is_described_to_the_operator(name: str):
    assert f"| `{variable(name)}` |" in OPERATIONS.read_text(encoding="utf-8")
