"""Sealing (R-CS3, R-CS13; T-CS-03, T-CS-11)."""

from __future__ import annotations

import base64
import re
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.sealing import MAX_SEALED_CHARACTERS, Opened, Purpose, Sealer, derive, derive_keys
from tests.core.samples import KEY, OLDER_KEY, a_sealer

PAYLOAD = ["r1", "session", 1, "access-S3CR3T"]
SEALER = a_sealer()
SEALED = SEALER.seal(PAYLOAD, Purpose.SESSION, name="n")
PURPOSES = list(Purpose)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=4))


@given(JSON.filter(lambda value: value is not None), st.sampled_from(PURPOSES), st.text(max_size=20))
def test_round_trip(payload: object, purpose: Purpose, name: str) -> None:
    """What was sealed opens to what went in."""
    assert SEALER.open(SEALER.seal(payload, purpose, name=name), purpose, name=name) == Opened(
        payload, by_newest_key=True
    )


def test_safe_in_cookie() -> None:
    """A sealed value needs no quoting in a cookie, and no mark of a split value stands in it."""
    many = [SEALER.seal(PAYLOAD, Purpose.SESSION, name="n") for _ in range(200)]

    assert all(re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", sealed) for sealed in many)
    assert all(SimpleCookie({"name": sealed})["name"].coded_value == sealed for sealed in many)


def test_encrypted() -> None:
    """Nothing of the payload can be read from the sealed value (R-CS15)."""
    text = SEALED.partition(".")[0]
    assert b"S3CR3T" not in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_nonces_differ() -> None:
    """One payload sealed twice gives two values: no nonce is used again."""
    assert len({SEALER.seal(PAYLOAD, Purpose.SESSION, name="n") for _ in range(100)}) == 100


def test_nonce_is_96_bits() -> None:
    """Each seal asks for twelve random bytes, AES-GCM's own size (NIST SP 800-38D)."""
    asked: list[int] = []

    def entropy(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    sealer = Sealer((KEY,), binding="b", entropy=entropy)
    sealer.seal(PAYLOAD, Purpose.LOGIN, name="n")
    sealer.seal(PAYLOAD, Purpose.LOGIN, name="n")
    assert asked == [12, 12]


@pytest.mark.parametrize("sealed_for", PURPOSES)
@pytest.mark.parametrize("opened_for", PURPOSES)
def test_purposes_apart(sealed_for: Purpose, opened_for: Purpose) -> None:
    """What was sealed for one purpose opens for no other."""
    opened = SEALER.open(SEALER.seal(PAYLOAD, sealed_for, name="n"), opened_for, name="n")
    assert (opened is not None) is (sealed_for is opened_for)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_purpose_bound_into_text(purpose: Purpose, monkeypatch: pytest.MonkeyPatch) -> None:
    """The purpose is bound in as well: even under one and the same key no other purpose opens it."""
    sealer = a_sealer()
    one = [derive_keys(KEY, Purpose.SESSION)]
    monkeypatch.setattr(sealer, "_keys", dict.fromkeys(Purpose, one))
    sealed = sealer.seal(PAYLOAD, purpose, name="n")
    assert [other for other in Purpose if sealer.open(sealed, other, name="n")] == [purpose]


def test_keys_apart() -> None:
    """Every purpose has two keys of its own, one to sign and one to encrypt."""
    usages = [f"{purpose.value}/{usage}" for purpose in Purpose for usage in ("encrypt", "sign")]
    assert len({derive(KEY, usage) for usage in usages}) == len(usages)


def test_key_length() -> None:
    """A derived key has 256 bits and is not the secret."""
    assert (len(derive(KEY, "session/sign")), KEY.encode()[:32] == derive(KEY, "session/sign")) == (32, False)


@pytest.mark.parametrize("name", ["", "session:b", "session:a "])
def test_name_matters(name: str) -> None:
    """A value moved into another slot does not open there."""
    sealed = SEALER.seal(PAYLOAD, Purpose.STORE, name="session:a")
    assert SEALER.open(sealed, Purpose.STORE, name=name) is None


@pytest.mark.parametrize("binding", ["https://other.example\nid\nfotoweb", "https://tenant.example\nid\nother", ""])
def test_binding_matters(binding: str) -> None:
    """A value of another site, client or cookie name does not open, though the key is the same (CVE-2023-48309)."""
    assert a_sealer(binding=binding).open(SEALED, Purpose.SESSION, name="n") is None


def test_other_key() -> None:
    """A value sealed under a key that is not in the list does not open."""
    assert a_sealer(OLDER_KEY).open(SEALED, Purpose.SESSION, name="n") is None


def test_older_key_opens() -> None:
    """After a rotation what the older key sealed still opens, and says so (R-CS13)."""
    sealed = a_sealer(OLDER_KEY).seal(PAYLOAD, Purpose.SESSION, name="n")
    assert a_sealer(KEY, OLDER_KEY).open(sealed, Purpose.SESSION, name="n") == Opened(PAYLOAD, False)


def test_newest_key_seals() -> None:
    """After a rotation the newest key seals: the older one can be removed."""
    sealed = a_sealer(KEY, OLDER_KEY).seal(PAYLOAD, Purpose.SESSION, name="n")
    assert a_sealer(KEY).open(sealed, Purpose.SESSION, name="n") == Opened(PAYLOAD, True)


def test_newest_key_alone_seals() -> None:
    """What a rotated list seals can't be opened by the older key alone."""
    sealed = a_sealer(KEY, OLDER_KEY).seal(PAYLOAD, Purpose.SESSION, name="n")
    assert a_sealer(OLDER_KEY).open(sealed, Purpose.SESSION, name="n") is None


def test_removed_key() -> None:
    """Once the older key is removed its values don't open."""
    sealed = a_sealer(OLDER_KEY).seal(PAYLOAD, Purpose.SESSION, name="n")
    assert a_sealer(KEY).open(sealed, Purpose.SESSION, name="n") is None


def never_or_identical(text: str) -> bool:
    """Return whether a text that was tampered with does not open, or to exactly what was sealed."""
    opened = SEALER.open(text, Purpose.SESSION, name="n")
    return opened is None or opened == Opened(PAYLOAD, True)


@pytest.mark.parametrize("place", range(len(SEALED)))
def test_any_character_changed(place: int) -> None:
    """Whichever character is changed, and to whatever, the value opens to nothing, or to what it was (T-CS-03)."""
    others = "AB_-=.~%;\x00\x7f\u00e9\U0001f600" + chr(ord(SEALED[place]) ^ 1) + chr(ord(SEALED[place]) ^ 32)
    assert all(never_or_identical(SEALED[:place] + other + SEALED[place + 1 :]) for other in others)


@given(st.integers(0, len(SEALED) - 1), st.characters())
def test_character_changed(place: int, other: str) -> None:
    """As above, to any character there is."""
    assert never_or_identical(SEALED[:place] + other + SEALED[place + 1 :])


def test_what_no_encoding_takes() -> None:
    """A text that can't be encoded, as no server hands one over, opens to nothing and raises nothing."""
    assert SEALER.open("\ud800" + SEALED, Purpose.SESSION, name="n") is None


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_truncated(length: int) -> None:
    """A value cut short anywhere does not open (T-CS-03)."""
    assert SEALER.open(SEALED[:length], Purpose.SESSION, name="n") is None


@pytest.mark.parametrize("tail", ["=", "==", "!!!!", "\n", " ", "A", ".", ".A", "\x00", SEALED])
def test_appended(tail: str) -> None:
    """A value with something appended does not open, or to what it was."""
    assert never_or_identical(SEALED + tail)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b", "~", "\u00e9.\u00e9", "\ud800", "=" * 50, "A" * MAX_SEALED_CHARACTERS, "%2e", "null"]
)
def test_garbage(text: str) -> None:
    """Garbage does not open and raises nothing (R-CS14)."""
    assert SEALER.open(text, Purpose.SESSION, name="n") is None


@pytest.mark.parametrize("sealed", [b"", b"short", b"x" * 12, b"x" * 27, b"x" * 28, b"x" * 200])
def test_signed_but_not_encrypted(sealed: bytes) -> None:
    """What is signed rightly and encrypted by nobody does not open, however short."""
    text = derive_keys(KEY, Purpose.SESSION)[1].sign(base64.urlsafe_b64encode(sealed).rstrip(b"=")).decode()
    assert SEALER.open(text, Purpose.SESSION, name="n") is None


def test_signed_but_not_base64() -> None:
    """What is signed rightly and is no base64 does not open."""
    assert SEALER.open(derive_keys(KEY, Purpose.SESSION)[1].sign(b"A").decode(), Purpose.SESSION, name="n") is None


@pytest.mark.parametrize("other", ["A", "_", "-", ".", "=", "~"])
def test_one_separator(other: str) -> None:
    """What stands before the signature is a full stop and nothing else."""
    changed = SEALED[:-44] + other + SEALED[-43:]
    assert (SEALER.open(changed, Purpose.SESSION, name="n") is not None) is (other == ".")


def test_signed_by_one_key_encrypted_by_another() -> None:
    """A value is signed and encrypted under one and the same secret key: parts of two don't open, though both count."""
    rotated = a_sealer(KEY, OLDER_KEY)
    encoded = a_sealer(OLDER_KEY).seal(PAYLOAD, Purpose.SESSION, name="n").rpartition(".")[0]
    mixed = derive_keys(KEY, Purpose.SESSION)[1].sign(encoded).decode()
    assert rotated.open(mixed, Purpose.SESSION, name="n") is None


def test_largest() -> None:
    """A value longer than the limit is not even looked at (R-RL3)."""
    sealed = SEALER.seal("x" * 200_000, Purpose.STORE, name="n")
    assert SEALER.open(sealed, Purpose.STORE, name="n") is None


def test_no_secret_in_repr() -> None:
    """Neither keys nor what was opened stand in a repr."""
    texts = [
        repr(SEALER),
        repr(SEALER.open(SEALED, Purpose.SESSION, name="n")),
        repr([derive_keys(KEY, Purpose.SESSION)]),
    ]
    assert not [text for text in texts if "S3CR3T" in text or KEY in text]
