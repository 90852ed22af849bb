"""The rules of the settings: each takes what was set, and returns the clean value or raises ``WrongValue``.

A rule whose setting is declared with ``needs_others=True`` also gets the clean values of the settings above it.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Others = Mapping[str, Any]
"""The clean values of the settings declared above, without those that were wrong."""

LONGEST_SESSION_SECONDS = 400 * 86_400
"""Browsers cut a cookie's life to 400 days (RFC 6265bis, 5.6.2)."""


class WrongValue(ValueError):
    """A value that a rule does not accept.

    The words must never hold the value of a secret: they go into logs.

    Args:
        reason: What is wrong with it, a full sentence that starts with "it".
        hint: What to do about it, where the setting's own hint would not fit.
        variable: The variable that is to blame, where it gives no value that could be shown.
    """

    def __init__(self, reason: str, *, hint: str = "", variable: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.variable = variable


# ------------------------------------------------------------------------------------------------------------- secrets


class HoldsSecret(Protocol):
    """What tells its secret when it is asked by this name: our own ``Secret``, and pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """Return the secret."""
        ...


class Secret:
    """A text that shows itself only to ``get_secret_value()``, never in a repr or a log line.

    Not a dataclass: test reports and serialisers walk through those, and would walk through this one.

    Args:
        text: The secret.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __str__(self) -> str:
        return "**********"

    def __eq__(self, other: object) -> bool:
        """Compare the texts, not in constant time: nothing that a client sends is compared here."""
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def _reveal(value: Any) -> Any:
    """Return what a secret of any library holds, and anything else as it is."""
    return value.get_secret_value() if hasattr(type(value), "get_secret_value") else value


# ------------------------------------------------------------------------------- text, switches, numbers, words, lists

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_LARGEST_NUMBER = 1e15
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)


def _read_text(value: Any) -> str:
    """Return the text in ``value`` without the white space around it. Refuses anything but text, and empty text."""
    value = _reveal(value)
    if value is None:
        raise WrongValue("it is None.")
    if not isinstance(value, str):
        raise WrongValue(f"it is of the type {type(value).__name__}, not text.")
    text = value.strip()
    if not text:
        raise WrongValue("it is empty.")
    return text


def read_flag(value: Any) -> bool:
    """Read a switch: true/false, 1/0, yes/no, on/off in any case."""
    if isinstance(value, bool):
        return value
    flag = _FLAGS.get(_read_text(value).lower())
    if flag is None:
        raise WrongValue("it is none of the words a switch knows.")
    return flag


def read_number(smallest: float, largest: float) -> Callable[[Any], float]:
    """Return a rule for a number from ``smallest`` to ``largest``, both included."""

    def read(value: Any) -> float:
        number = _read_decimal(value)
        if not smallest <= number <= largest:
            raise WrongValue("it is too small." if number < smallest else "it is too large.")
        return number

    return read


def read_whole_number(smallest: int, largest: int) -> Callable[[Any], int]:
    """Return a rule for a whole number from ``smallest`` to ``largest``, both included."""

    def read(value: Any) -> int:
        number = read_number(smallest, largest)(value)
        if not number.is_integer():
            raise WrongValue("it is not a whole number.")
        return int(number)

    return read


def _read_decimal(value: Any) -> float:
    """Read a number written with the digits 0 to 9 and at most one point; no sign, no exponent, no "inf"."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not abs(value) < _LARGEST_NUMBER:
            raise WrongValue("it is too large, or not a finite number.")
        return float(value)
    text = _read_text(value)
    if not _DECIMAL.fullmatch(text):
        raise WrongValue("it is not a number written with the digits 0 to 9 (and a point at most).")
    return float(text)


def read_word(*words: str) -> Callable[[Any], str]:
    """Return a rule for one of ``words``, in any case."""

    def read(value: Any) -> str:
        word = _read_text(value).lower()
        if word not in words:
            raise WrongValue("it is none of the words known here.")
        return word

    return read


def _read_list(value: Any) -> tuple[str, ...]:
    """Split text at its commas, or take a list as it is; every piece must hold something."""
    value = _reveal(value)
    if isinstance(value, str):
        value = value.split(",") if value.strip() else ()
    if not isinstance(value, Iterable) or isinstance(value, (bytes, dict)):
        raise WrongValue(f"it is of the type {type(value).__name__}, not a list.")
    pieces = []
    for number, piece in enumerate(value, start=1):
        if isinstance(piece, str) and not piece.strip():
            raise WrongValue(f"piece {number} between the commas is empty.")
        pieces.append(_read_text(piece))
    return tuple(pieces)


# ------------------------------------------------------------------------------- client id, client secret, names, keys

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}", re.ASCII)
_RESERVED_COOKIE_PREFIXES = ("__host-", "__secure-", "__http-")
_SHORTEST_KEY_CHARACTERS = 32

_FEWEST_DISTINCT_CHARACTERS = 8
"""A random key of 32 hexadecimal digits has fewer than that once in 10**7 times."""

_PLACEHOLDERS = (
    "changeme", "replaceme", "yoursecret", "yourkey", "secretkey", "secretsecret", "password", "passwort", "insecure",
    "placeholder", "example", "12345678", "01234567", "abcdefgh", "qwertyui", "qwertzui", "letmein",
)  # fmt: skip
"""Words of sample files, eight letters or so: none turns up in a random key in practice."""


def read_client_id(value: Any) -> str:
    """Read a client id: printable ASCII, spaces inside included (RFC 6749, appendix A.1: VSCHAR).

    A space at an end is an error, not ignored: FotoWeb compares every character, and a space that was copied along
    can't be told from one that belongs to the id.
    """
    text = _read_text(value)
    if text != _reveal(value):
        raise WrongValue("it has white space at its start or end.", hint="Remove it, and any quotes around the id.")
    if not (text.isascii() and text.isprintable()):
        raise WrongValue("it has a line break or a letter that is not ASCII; was something else copied along?")
    if len(text) > 256:
        raise WrongValue(f"it is {len(text)} characters long; 256 is the most.")
    return text


def read_client_secret(value: Any) -> Secret:
    """Read a client secret: printable ASCII (RFC 6749, appendix A.2), and no spaces: FotoWeb makes none with any."""
    text = _read_text(value)
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise WrongValue("it has a space, a line break or a letter that is not ASCII; was something else copied along?")
    if len(text) > 1024:
        raise WrongValue(f"it is {len(text)} characters long; 1024 is the most.")
    return Secret(text)


def split_keys(text: str) -> tuple[str, ...]:
    """Return the keys of an accepted value, newest first."""
    return tuple(piece.strip() for piece in text.split(","))


def read_secret_keys(value: Any) -> Secret:
    """Read one or several keys, newest first, and return them joined by commas.

    Raises:
        WrongValue: When one is short, guessable or there twice. Names the key by its place, never by its text.
    """
    keys = _read_list(value)
    if not keys:
        raise WrongValue("it is empty.")
    for number, key in enumerate(keys, start=1):
        which = f"key {number} of {len(keys)}" if len(keys) > 1 else "it"
        _check_key(key, which)
        if key in keys[: number - 1]:
            raise WrongValue(f"{which} is there twice.", hint="Remove one of the two.")
    return Secret(",".join(keys))


def _check_key(key: str, which: str) -> None:
    if not key.isprintable():
        raise WrongValue(f"{which} has a line break or control character inside; commas go between several keys.")
    if "," in key:
        raise WrongValue(f"{which} has a comma inside; commas go between keys.")
    if len(key) < _SHORTEST_KEY_CHARACTERS:
        raise WrongValue(f"{which} is {len(key)} characters long; {_SHORTEST_KEY_CHARACTERS} is the least.")
    repeats = any(key.startswith(key[length:]) for length in range(1, len(key) // 2 + 1))
    if repeats or len(set(key)) < _FEWEST_DISTINCT_CHARACTERS:
        raise WrongValue(f"{which} repeats itself, so it is easy to guess.")
    letters = "".join(filter(str.isalnum, key.lower()))
    if any(word in letters for word in _PLACEHOLDERS):
        raise WrongValue(f"{which} looks like a sample, not like a random key.")


def read_app(value: Any) -> str:
    """Read ``module:attribute``; both may have dots. The module is not imported here."""
    text = _read_text(value)
    module, _, attribute = text.partition(":")
    if not all(name.isidentifier() for name in [*module.split("."), *attribute.split(".")]):
        raise WrongValue("it is not a module and an attribute with a colon between them.")
    return text


# ------------------------------------------------------------------------------------------------------------- cookies


def read_cookie_name(value: Any) -> str:
    """Read a cookie name: a token (RFC 9110, 5.6.2) without a prefix that has a meaning (RFC 6265bis, 4.1.3)."""
    name = _read_text(value)
    if not _TOKEN.fullmatch(name):
        raise WrongValue("it has a character that no cookie name may have, or more than 64 characters.")
    if name.lower().startswith(_RESERVED_COOKIE_PREFIXES):
        raise WrongValue(
            "it starts with a prefix that browsers treat in a way of their own.",
            hint="Leave the prefix out: __Host- is put before the name wherever the cookie is Secure.",
        )
    return name


def read_cookie_secure(value: Any, others: Others) -> str:
    """Read ``auto`` or a switch, and return ``auto``, ``true`` or ``false``.

    ``auto`` takes the public origin from the redirect URI or, where that is not set, from the request. Behind a proxy
    on the same machine a request may name the app's own http address. FotoWeb would refuse that as a redirect URI, but
    where none is sent, nobody would notice that the cookies of a public https site are not Secure.
    """
    if not (isinstance(value, str) and value.strip().lower() == "auto"):
        return "true" if read_flag(value) else "false"
    if others.get("send_redirect_uri") is False and others.get("redirect_uri", "wrong") is None:
        raise WrongValue(
            "with FOTOWEB_SEND_REDIRECT_URI=false and no FOTOWEB_REDIRECT_URI, nothing reliable says whether the app's "
            "public address is https, and the cookies of a public site could go without Secure.",
            hint="Set FOTOWEB_REDIRECT_URI to the registered address (it is not sent). Or set "
            "FOTOWEB_COOKIE_SECURE=true; false only where the app is used over plain http.",
        )
    return "auto"


def read_samesite(value: Any, others: Others) -> str:
    """Read ``lax``, ``strict`` or ``none``; ``none`` only where the cookies can be Secure (RFC 6265bis, 5.7)."""
    samesite = read_word("lax", "strict", "none")(value)
    secure = others.get("cookie_secure")
    is_plain = (others.get("redirect_uri") or "").lower().startswith("http:")
    if samesite == "none" and (secure == "false" or (secure != "true" and is_plain)):
        raise WrongValue(
            "'none' needs the Secure attribute, and these cookies won't have it.",
            hint="Set FOTOWEB_COOKIE_SECURE=true, or use lax.",
        )
    return samesite


# ----------------------------------------------------------------------------------------------------------- addresses

_DEFAULT_PORTS = {"https": 443, "http": 80}
_SHAPE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)


class Address(NamedTuple):
    """An http or https address: its origin as browsers write it (RFC 6454, 6.2), and the rest as it was written."""

    origin: str
    path: str
    query: str


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine itself: ``localhost``, a name under it, 127.0.0.0/8 or ::1."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_address(text: str, *, allow_http: bool) -> Address:
    """Take an https address apart; plain http only for loopback hosts or with ``allow_http``.

    Raises:
        WrongValue: When it is none, has a user name, a fragment or a control character, or is plain http elsewhere.
    """
    if not (text.isascii() and text.isprintable()) or any(sign in text for sign in ' \\"<>^`{|}'):
        raise WrongValue(
            "it has a space, a line break, a backslash or a letter that is not ASCII.",
            hint="Write such a host name in its xn-- form, and percent-encode other letters.",
        )
    shape = _SHAPE.fullmatch(text)
    scheme = shape["scheme"].lower() if shape else ""
    if shape is None or scheme not in _DEFAULT_PORTS:
        raise WrongValue("it does not start with https://.")
    if "@" in shape["authority"]:
        raise WrongValue("it has a user name or password in it.", hint="Remove everything up to the @, and the @.")
    if "#" in shape["rest"]:
        raise WrongValue("it has a fragment (#…).", hint="Remove the # and everything behind it.")
    host, port = _read_host_and_port(shape["authority"])
    if scheme == "http" and not allow_http and not is_loopback(host):
        raise WrongValue(
            "it is plain http, and the host is not this machine: tokens and passwords would travel in the open.",
            hint="Use https. On a network that you trust, set FOTOWEB_ALLOW_HTTP=true.",
        )
    origin = f"{scheme}://[{host}]" if ":" in host else f"{scheme}://{host}"
    if port not in {None, _DEFAULT_PORTS[scheme]}:
        origin = f"{origin}:{port}"
    return Address(origin, shape["path"], shape["rest"])


def _read_host_and_port(authority: str) -> tuple[str, int | None]:
    """Take ``host[:port]`` apart; the host in lower case, an IPv6 address compressed and without brackets."""
    parts = _AUTHORITY.fullmatch(authority.lower())
    if parts is None:
        raise WrongValue("it names no host, or one that can't be read.")
    port = int(parts["port"]) if parts["port"] else None
    if port is not None and not 1 <= port <= 65535:
        raise WrongValue("its port is not between 1 and 65535.")
    host = parts["host"]
    try:
        if host.startswith("["):
            return str(ipaddress.IPv6Address(host[1:-1])), port
        if host.rpartition(".")[2].isdigit():
            return str(ipaddress.IPv4Address(host)), port
    except ValueError:
        raise WrongValue("its host is not a proper IP address.") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise WrongValue("its host is not a proper name.")
    return host, port


def _allows_http(others: Others) -> bool:
    """Whether plain http is fine anywhere; also where that switch is wrong itself, to report one cause once."""
    return bool(others.get("allow_http", True))


def read_site(value: Any, others: Others) -> str:
    """Read the address of a FotoWeb site and return its origin; a trailing ``/fotoweb`` or ``/`` is dropped."""
    address = read_address(_read_text(value), allow_http=_allows_http(others))
    if address.query:
        raise WrongValue("it has a query (?…).", hint="Remove the ? and everything behind it.")
    if address.path.rstrip("/").lower() not in {"", "/fotoweb"} or "//" in address.path:
        raise WrongValue("it has a path.", hint="Write only https:// and the host, as in https://tenant.example.")
    return address.origin


def read_redirect_uri(value: Any, others: Others) -> str:
    """Read the callback address and return it letter for letter: FotoWeb compares it with the registered one."""
    text = _read_text(value)
    address = read_address(text, allow_http=_allows_http(others))
    if address.query:
        raise WrongValue("it has a query (?…).", hint="Register a callback address without a query.")
    _check_canonical(address.path)
    prefix = others.get("path_prefix")  # None where it is wrong itself, and nothing can be compared.
    if prefix is not None and not address.path.endswith(f"{prefix}/callback"):
        raise WrongValue(
            f"its path does not end in {prefix}/callback, where the middleware listens.",
            hint=f"Make it end in {prefix}/callback, in the registration too, or change FOTOWEB_PATH_PREFIX.",
        )
    return text


def read_trusted_origins(value: Any, others: Others) -> tuple[str, ...]:
    """Read a list of origins and return them as browsers write them into the ``Origin`` header."""
    return tuple(_read_origin(text, others) for text in _read_list(value))


def _read_origin(text: str, others: Others) -> str:
    if text in {"*", "null"}:
        raise WrongValue(f"{text!r} stands for more than one site.", hint="Name each origin.")
    address = read_address(text, allow_http=_allows_http(others))
    if address.path not in {"", "/"} or address.query:
        raise WrongValue(f"{text!a} is more than an origin.", hint="Write only scheme, host and port.")
    return address.origin


def read_post_logout_url(value: Any, others: Others) -> str:
    """Read where logout leads: a path on this origin (``/bye``), or a whole address."""
    text = _read_text(value)
    if not text.startswith("/"):
        read_address(text.partition("#")[0], allow_http=_allows_http(others))
        return text
    if text.startswith("//") or not (text.isascii() and text.isprintable()) or any(sign in text for sign in ' \\"<>'):
        raise WrongValue("it is not a plain path: browsers could read another host into it.")
    return text


# --------------------------------------------------------------------------------------------------------------- paths

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)
_PATTERN_SIGNS = frozenset("*?[]{}()^|\\")
"""What a shell pattern or a regular expression is made of: who writes one expects it to be one."""


def read_path_prefix(value: Any) -> str:
    """Read the path under which the middleware's own pages lie: absolute, canonical, no slash at its end."""
    path = _read_text(value)
    if not path.startswith("/"):
        raise WrongValue("it does not start with a slash.")
    if path.endswith("/"):
        raise WrongValue("it ends in a slash.", hint="Leave the slash at the end out, and name at least one folder.")
    if not _PREFIX.fullmatch(path):
        raise WrongValue("it has an empty folder, or a character other than A-Z, a-z, 0-9, '.', '_', '~' and '-'.")
    _check_canonical(path)
    return path


def _check_canonical(path: str) -> None:
    """Refuse a path that servers and proxies may read in two ways."""
    if not path.isprintable() or " " in path:
        raise WrongValue("it has a space, a line break or a control character.")
    if "//" in path or any(segment in {".", ".."} for segment in path.split("/")):
        raise WrongValue("it has an empty, '.' or '..' folder in it.")
    ambiguous = sorted(set(path) & set("\\;%#?"))
    if ambiguous:
        raise WrongValue(f"it has the character {ambiguous[0]!r}, which servers read in different ways.")


def read_public_paths(value: Any) -> tuple[str, ...]:
    """Read paths that need no login: exact, or a prefix of whole folders ending in ``/*``. Never all paths."""
    return tuple(_read_public_path(path) for path in _read_list(value))


def _read_public_path(path: str) -> str:
    if path in {"/", "/*", "*"}:
        raise WrongValue(
            f"{path!r} is no small exemption.",
            hint="Name the paths one by one. To let anonymous visitors in everywhere, set FOTOWEB_LOGIN=optional.",
        )
    if not path.startswith("/"):
        raise WrongValue(f"{path!a} does not start with a slash.")
    exact = path.removesuffix("/*")
    if _PATTERN_SIGNS & set(exact) or exact.endswith("$"):
        raise WrongValue(f"{path!a} looks like a pattern; only '/*' at the end has a meaning here.")
    _check_canonical(path)
    return path


# ------------------------------------------------------------------------------------------------ the server cache

_CACHE_SCHEMES = ("local", "memory", "sqlite", "redis", "rediss")
_REDIS = re.compile(r"[^/?#]*(?P<path>/[0-9]*)?(?P<query>\?[^#]*)?")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./-]{1,40}", re.ASCII)


def read_cache_address(value: Any) -> str:
    """Read the address of the server cache. Nothing is opened here, but what must be there for it is looked for.

    Raises:
        WrongValue: When the scheme is unknown or the rest does not fit it. Never repeats a part of the address.
    """
    text = _read_text(value)
    if not text.isprintable() or " " in text:
        raise WrongValue("it has a space, a line break or a control character.")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _CACHE_SCHEMES:
        raise WrongValue("it starts with none of " + ", ".join(f"{known}://" for known in _CACHE_SCHEMES) + ".")
    if scheme in {"local", "memory"} and rest:
        raise WrongValue(f"something stands behind {scheme}://.", hint=f"Write {scheme}:// and nothing behind it.")
    if scheme == "sqlite":
        _check_sqlite(rest)
    elif scheme in {"redis", "rediss"}:
        _check_redis(rest)
    return text


def _check_sqlite(rest: str) -> None:
    if not rest.startswith("/"):
        raise WrongValue(
            "it needs three slashes before a relative path, four before an absolute one.",
            hint="Write sqlite:///sessions.db or sqlite:////var/lib/app/sessions.db.",
        )
    if rest.endswith("/"):
        raise WrongValue("it names no file.")
    if rest == "/:memory:":
        raise WrongValue("it names no file.", hint="For memory alone, write memory://.")
    if "?" in rest or "#" in rest:
        raise WrongValue("the file name has a ? or # in it; options are not taken here.")
    folder = Path(rest.removeprefix("/")).absolute().parent
    if not folder.is_dir():
        raise WrongValue(
            f"there is no folder {str(folder)!a}.",
            hint="Make it, writable for the user that runs the app. On one machine the variable can be left out.",
        )


def _check_redis(rest: str) -> None:
    if not _REDIS.fullmatch(rest):
        raise WrongValue(
            "what stands behind the host is not a database number.",
            hint="Percent-encode the signs / ? # @ : in a password (a slash is %2F); the database is a number, as /0.",
        )
    if importlib.util.find_spec("redis") is None:
        raise WrongValue("redis-py is not installed.", hint="Run: pip install 'fotoweb-middleware[redis]'")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    _read_host_and_port(authority.rpartition("@")[2])


def mask_cache_address(address: str) -> str:
    """Return an accepted address with password and options masked: ``redis://user:***@host:6379/0``."""
    scheme, separator, rest = address.partition("://")
    if not scheme.startswith("redis"):
        return address
    rest, question, _ = rest.partition("?")
    credentials, at, place = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    masked = (f"{user}:***@" if colon else "***@") if at else ""
    return f"{scheme}{separator}{masked}{place}{'?***' if question else ''}"


def mask_wrong_cache_address(address: str) -> str:
    """Return of a refused address only what can't be a password: its scheme, or the name of a file."""
    scheme, separator, _ = address.partition("://")
    if separator and _PLAIN_WORD.fullmatch(scheme):
        return f"{scheme}://..."
    is_file_name = address.endswith((".db", ".sqlite", ".sqlite3")) and _PLAIN_WORD.fullmatch(address)
    return address if is_file_name or address in _CACHE_SCHEMES else "***"


# --------------------------------------------------------------------------------------------------------------- files

_LARGEST_SECRET_BYTES = 64 * 1024
_LARGEST_BUNDLE_BYTES = 16 * 1024 * 1024
_PEM_BEGINNINGS = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN TRUSTED CERTIFICATE-----")


def read_secret_file(path: str) -> str:
    """Return what the file at ``path`` holds, without the white space around it (editors add a line break).

    Raises:
        WrongValue: When it can't be read, is empty, is no text, or is far too large for a secret.
    """
    content = _read_file(path, most_bytes=_LARGEST_SECRET_BYTES)
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = None
    # Raised out here so that no exception in the chain holds the file's bytes.
    if text is None:
        raise WrongValue(f"the file {path!a} is not UTF-8 text.")
    if not text:
        raise WrongValue(f"the file {path!a} is empty.")
    return text


def read_ca_bundle(value: Any) -> str:
    """Read the path of a PEM file and make sure that it can be read and holds a certificate."""
    path = _read_text(os.fspath(value) if isinstance(value, os.PathLike) else value)
    content = _read_file(path, most_bytes=_LARGEST_BUNDLE_BYTES)
    if not any(beginning in content for beginning in _PEM_BEGINNINGS):
        raise WrongValue("that file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).")
    return path


def _read_file(path: str, *, most_bytes: int) -> bytes:
    reason = ""
    content = b""
    try:
        with Path(path).open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "no proper path").lower()
    if reason:
        raise WrongValue(
            f"the file {path!a} can't be read: {reason}.",
            hint="Check the path, that it is mounted into this container, and that this user may read it.",
        )
    if len(content) > most_bytes:
        raise WrongValue(f"the file {path!a} is larger than {most_bytes} bytes; is it the right one?")
    return content
