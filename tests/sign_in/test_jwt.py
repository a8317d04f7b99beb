"""Promise B4: of all that looks like a JWT of ours, only ours is one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from falcon import testing

from tallystick.auth import session_tokens
from tallystick.auth.session_tokens import SKEW_SECONDS, claims_of
from tallystick.auth.sessions import SignedIn
from tallystick.values.ids import new_id
from tallystick.values.seal import derive
from tests.sign_in.conftest import ISSUER, bearer, signed_in
from tests.studio import KEY, Studio

HEADER = {"alg": "EdDSA", "typ": "at+jwt"}
OURS = Ed25519PrivateKey.from_private_bytes(derive(KEY, "session-jwt/v1"))
THEIRS = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = OURS.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
PUBLIC_PEM = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

Claims = dict[str, Any]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def text_of(value: Any) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


def signed(claims: Any, header: Any = HEADER, key: Ed25519PrivateKey = OURS) -> str:
    """A token signed in good order over any header and claims."""
    body = f"{text_of(header)}.{text_of(claims)}"
    return f"{body}.{b64(key.sign(body.encode()))}"


def hs256(claims: Claims, secret: bytes, **more: Any) -> str:
    body = f"{text_of({'alg': 'HS256', 'typ': 'at+jwt', **more})}.{text_of(claims)}"
    return f"{body}.{b64(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    x = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(x)}


def unsigned(alg: str) -> Callable[[Claims], str]:
    return lambda claims: f"{text_of({'alg': alg, 'typ': 'at+jwt'})}.{text_of(claims)}."


def headed(key: Ed25519PrivateKey = OURS, **more: Any) -> Callable[[Claims], str]:
    return lambda claims: signed(claims, {**HEADER, **more}, key)


def claiming(**more: Any) -> Callable[[Claims], str]:
    return lambda claims: signed({**claims, **more})


def without(name: str) -> Callable[[Claims], str]:
    return lambda claims: signed({key: value for key, value in claims.items() if key != name})


def at(**offsets: int) -> Callable[[Claims], str]:
    """Times moved against those of the token, in seconds."""
    return lambda claims: signed({**claims, **{name: claims[name] + offset for name, offset in offsets.items()}})


def es256(claims: Claims) -> str:
    body = f"{text_of({'alg': 'ES256', 'typ': 'at+jwt'})}.{text_of(claims)}"
    return f"{body}.{b64(ec.generate_private_key(ec.SECP256R1()).sign(body.encode(), ec.ECDSA(SHA256())))}"


def rs256(claims: Claims) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    body = f"{text_of({'alg': 'RS256', 'typ': 'at+jwt'})}.{text_of(claims)}"
    key = rsa.generate_private_key(65537, 2048)
    return f"{body}.{b64(key.sign(body.encode(), PKCS1v15(), SHA256()))}"


def parts(claims: Claims) -> list[str]:
    return signed(claims).split(".")


def cut(claims: Claims, left: int) -> str:
    head, body, signature = parts(claims)
    return f"{head}.{body}.{signature[:left]}"


def spare_bits(claims: Claims) -> str:
    """64 bytes leave four bits of the last character over: with them set it is the same signature, written wrongly."""
    token = signed(claims)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + letters[letters.index(token[-1]) + 1]


def swapped(claims: Claims) -> str:
    """A signature that has a - or _, with + and / instead."""
    token = next(token for number in range(100) if set("-_") & set((token := signed({**claims, "n": number}))[-86:]))
    return token[:-86] + token[-86:].replace("-", "+").replace("_", "/")


def signed_as(claims: Claims, written: Callable[[str], str]) -> str:
    """Signed rightly over a payload that is not written as base64url writes it."""
    head, body, _ = parts(claims)
    text = f"{head}.{written(body)}"
    return f"{text}.{b64(OURS.sign(text.encode()))}"


VECTORS: dict[str, Callable[[Claims], str]] = {
    # no signature
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg NONE": unsigned("NONE"),
    "alg nOnE": unsigned("nOnE"),
    "alg none with our signature": lambda claims: signed(claims, {"alg": "none", "typ": "at+jwt"}),
    "alg empty": lambda claims: signed(claims, {"alg": "", "typ": "at+jwt"}),
    "alg null": lambda claims: signed(claims, {"alg": None, "typ": "at+jwt"}),
    "alg a list": lambda claims: signed(claims, {"alg": ["EdDSA"], "typ": "at+jwt"}),
    "alg missing": lambda claims: signed(claims, {"typ": "at+jwt"}),
    "alg in small letters": lambda claims: signed(claims, {"alg": "eddsa", "typ": "at+jwt"}),
    "alg twice": lambda claims: signed(claims, b'{"alg":"EdDSA","alg":"none","typ":"at+jwt"}'),
    "signature empty": lambda claims: ".".join([*parts(claims)[:2], ""]),
    "signature missing": lambda claims: ".".join(parts(claims)[:2]),
    "signature cut by one": lambda claims: cut(claims, -1),
    "signature cut by half": lambda claims: cut(claims, 43),
    "signature of zeros": lambda claims: ".".join([*parts(claims)[:2], b64(bytes(64))]),
    "signature of another token": lambda claims: ".".join([*parts(claims)[:2], parts({**claims, "jti": "x"})[2]]),
    "signature with more behind": lambda claims: signed(claims) + "AAAA",
    "signature with its spare bits set": spare_bits,
    "signature in base64's other letters": swapped,
    "payload with what base64 skips": lambda claims: signed_as(claims, lambda body: body[:8] + "****" + body[8:]),
    "payload with padding": lambda claims: signed_as(claims, lambda body: body + "="),
    "signature with padding": lambda claims: signed(claims) + "==",
    # another algorithm
    "HS256 with the public key": lambda claims: hs256(claims, PUBLIC),
    "HS256 with the public key as PEM": lambda claims: hs256(claims, PUBLIC_PEM),
    "HS256 with the public JWK": lambda claims: hs256(claims, json.dumps(jwk(OURS)).encode()),
    "HS256 with nothing": lambda claims: hs256(claims, b""),
    "HS256 with the kid of a file": lambda claims: hs256(claims, b"", kid="../../../dev/null"),
    "ES256": es256,
    "RS256": rs256,
    "Ed25519 by its new name": lambda claims: signed(claims, {"alg": "Ed25519", "typ": "at+jwt"}),
    # a key of the caller's
    "another key": lambda claims: signed(claims, key=THEIRS),
    "another server's key": lambda claims: signed(
        claims, key=Ed25519PrivateKey.from_private_bytes(derive(bytes(32), "session-jwt/v1"))
    ),
    "a key of another label": lambda claims: signed(
        claims, key=Ed25519PrivateKey.from_private_bytes(derive(KEY, "pat/v1"))
    ),
    "jwk of the caller": headed(THEIRS, jwk=jwk(THEIRS)),
    "jwk of the caller, signed by us": headed(jwk=jwk(THEIRS)),
    "jku": headed(THEIRS, jku="https://evil.example/jwks.json"),
    "jku, signed by us": headed(jku="https://evil.example/jwks.json"),
    "x5u": headed(THEIRS, x5u="https://evil.example/cert.pem"),
    "x5c": headed(THEIRS, x5c=["MIIB"]),
    "kid a path": headed(THEIRS, kid="../../../../proc/sys/kernel/randomize_va_space"),
    "kid SQL": headed(THEIRS, kid="x' UNION SELECT 'a' --"),
    "kid a command": headed(THEIRS, kid="|/usr/bin/id"),
    "kid, signed by us": headed(kid="1"),
    "crit": headed(crit=["exp"]),
    "crit unknown": headed(crit=["http://example.com/unknown"], **{"http://example.com/unknown": True}),
    "b64 false": headed(b64=False, crit=["b64"]),
    # another kind of token
    "typ JWT": headed(typ="JWT"),
    "typ missing": lambda claims: signed(claims, {"alg": "EdDSA"}),
    "typ of an ID token": headed(typ="id+jwt"),
    "typ with application": headed(typ="application/at+jwt"),
    "cty JWT": headed(cty="JWT"),
    # another server, another use
    "iss another": claiming(iss="https://evil.example"),
    "iss with a slash": claiming(iss=ISSUER + "/"),
    "iss missing": without("iss"),
    "iss a list": claiming(iss=[ISSUER]),
    "aud another": claiming(aud="https://evil.example/api"),
    "aud the issuer": claiming(aud=ISSUER),
    "aud missing": without("aud"),
    "aud a list": claiming(aud=[ISSUER + "/api", "https://evil.example"]),
    # times
    "expired": at(exp=-3600 - SKEW_SECONDS),
    "expired long ago": at(exp=-100_000),
    "exp missing": without("exp"),
    "exp text": claiming(exp="9999999999"),
    "exp true": claiming(exp=True),
    "exp with a fraction": lambda claims: signed({**claims, "exp": claims["exp"] + 0.5}),
    "exp null": claiming(exp=None),
    "exp beyond numbers": lambda claims: signed(json.dumps(claims).replace(str(claims["exp"]), "1e400").encode()),
    "nbf to come": at(nbf=SKEW_SECONDS + 1),
    "nbf missing": without("nbf"),
    "iat to come": at(iat=SKEW_SECONDS + 1),
    "iat missing": without("iat"),
    # whose
    "sid missing": without("sid"),
    "sid of nobody": lambda claims: signed({**claims, "sid": new_id()}),
    "sid no id": claiming(sid="' OR 1=1 --"),
    "sub of somebody else": lambda claims: signed({**claims, "sub": new_id()}),
    "sub missing": without("sub"),
    "org another": lambda claims: signed({**claims, "org": new_id()}),
    "org missing": without("org"),
    # shapes
    "claims no object": lambda _: signed([1, 2]),
    "claims no JSON": lambda _: signed(b"{"),
    "claims no UTF-8": lambda _: signed(b'{"iss":"\xff"}'),
    "claims a million brackets": lambda _: signed(b"[" * 100_000),
    "claims changed": lambda claims: ".".join(
        [parts(claims)[0], text_of({**claims, "sub": new_id()}), parts(claims)[2]]
    ),
    "four parts": lambda claims: signed(claims) + ".AAAA",
    "five parts, like a JWE": lambda claims: signed(claims) + ".AAAA.AAAA",
    "one part": lambda claims: parts(claims)[0],
    "only dots": lambda _: "..",
    "empty": lambda _: "",
    "a header of a megabyte": lambda claims: signed(claims, {**HEADER, "x": "A" * 1_000_000}),
    "a token of a megabyte": lambda claims: signed({**claims, "x": "A" * 1_000_000}),
    "not ASCII": lambda claims: signed(claims)[:-1] + "\u00e9",
    "a line break inside": lambda claims: signed(claims).replace(".", ".\t", 1),
}


@pytest.fixture
def session(with_password: Studio) -> SignedIn:
    return signed_in(with_password)


@pytest.fixture
def claims(session: SignedIn) -> Claims:
    body = session.jwt.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def asked(door: testing.TestClient, token: str) -> int:
    answer = door.simulate_get("/api/auth/token", headers=bearer(token))
    if answer.status_code == 401:
        assert answer.json["error"]["code"] == "UNAUTHORIZED"
    return answer.status_code


@pytest.mark.parametrize("name", VECTORS)
def test_a_jwt_that_is_not_ours_is_refused(door: testing.TestClient, claims: Claims, name: str) -> None:
    assert asked(door, VECTORS[name](claims)) == 401


def test_there_are_as_many_vectors_as_promised() -> None:
    assert len(VECTORS) >= 60


def test_a_token_made_by_hand_like_ours_is_accepted(door: testing.TestClient, claims: Claims) -> None:
    # What the vectors change one thing of.
    assert asked(door, signed(claims)) == 200
    assert THEIRS.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) != PUBLIC


@pytest.mark.parametrize(
    "token", [at(exp=-3600 + 1), at(exp=-3600 - SKEW_SECONDS + 1), at(nbf=SKEW_SECONDS), at(iat=SKEW_SECONDS)]
)
def test_clocks_that_are_a_little_apart_do_no_harm(
    door: testing.TestClient, claims: Claims, token: Callable[[Claims], str]
) -> None:
    assert asked(door, token(claims)) == 200


def test_it_says_what_a_client_may_rely_on(session: SignedIn, claims: Claims, with_password: Studio) -> None:
    head = session.jwt.split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "EdDSA", "typ": "at+jwt"}
    assert set(claims) == {"iss", "aud", "sub", "org", "sid", "jti", "iat", "nbf", "exp"}
    assert (claims["iss"], claims["aud"]) == (ISSUER, ISSUER + "/api")
    assert (claims["sub"], claims["org"]) == (with_password.owner.user_id, with_password.workspace_id)
    assert claims["exp"] - claims["iat"] == 3600


def test_a_token_seen_before_expires_all_the_same(
    door: testing.TestClient, session: SignedIn, with_password: Studio
) -> None:
    assert asked(door, session.jwt) == 200
    with_password.clock.now += timedelta(hours=1, seconds=SKEW_SECONDS)
    assert asked(door, session.jwt) == 401


def test_a_wrong_signature_is_not_remembered_as_right(claims: Claims, with_password: Studio) -> None:
    token = signed(claims)
    now = with_password.clock()
    assert claims_of(KEY, token, now, ISSUER) is not None
    assert claims_of(KEY, token[:-4] + "AAAA", now, ISSUER) is None
    assert claims_of(bytes(32), token, now, ISSUER) is None  # remembered for its own key only


def test_a_signature_is_checked_once_and_then_known(
    claims: Claims, with_password: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed({**claims, "jti": new_id()})
    now = with_password.clock()
    assert claims_of(KEY, token, now, ISSUER) is not None
    monkeypatch.setattr(session_tokens, "_decoded", None)
    assert claims_of(KEY, token, now, ISSUER) is not None
