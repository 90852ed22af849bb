"""What each setting may hold: a function takes what was set, and returns the clean value or raises ``WrongValue``.

Each looks at its own value alone. What settings mean together stands in ``combinations``.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fotoweb_middleware.settings.secret import Secret

LONGEST_SESSION_SECONDS = 400 * 86_400
"""Browsers cut a cookie's life to 400 days (RFC 6265bis, 5.6.2)."""


class WrongValue(ValueError):
    """A value that a rule does not accept.

    The words must never hold the value of a secret: they go into logs.

    Args:
        reason: What is wrong with it, a full sentence that starts with "it".
        hint: What to do about it, where the setting's own hint would not fit.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def require(condition: object, reason: str, hint: str = "") -> None:
    """Raise ``WrongValue`` with these words unless the condition holds."""
    if not condition:
        raise WrongValue(reason, hint)


# ------------------------------------------------------------------------------- text, switches, numbers, words, lists

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,20})?", re.ASCII)


def _reveal(value: Any) -> Any:
    """Return what a secret of any library holds, and anything else as it is."""
    return value.get_secret_value() if hasattr(type(value), "get_secret_value") else value


def refuse_quotes(value: Any) -> None:
    """Refuse text in quotation marks, which a shell would have taken off; no setting's value has any around it."""
    text = _reveal(value)
    text = text.strip() if isinstance(text, str) else ""
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    hint = "Remove them: not every tool does, such as docker --env-file."
    require(not is_quoted, "it has quotation marks around it.", hint)


def read_text(value: Any, which: str = "it") -> str:
    """Return the text in ``value`` without the white space around it. Refuses anything but text, and empty text."""
    value = _reveal(value)
    if not isinstance(value, str):
        raise WrongValue(f"{which} is of the type {type(value).__name__}, not text.")
    require(value.strip(), f"{which} is empty.")
    return value.strip()


def read_flag(value: Any) -> bool:
    """Read a switch: true/false, 1/0, yes/no, on/off in any case."""
    if isinstance(value, bool):
        return value
    word = read_text(value).lower()
    require(word in _FLAGS, "it is not true or false.")
    return _FLAGS[word]


def read_number(value: Any, smallest: float, largest: float, *, is_whole: bool = False) -> float:
    """Read a number within these limits: the digits 0 to 9 and at most one point; no sign, no exponent, no "inf"."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    text = repr(value) if is_number else read_text(value)
    require(_DECIMAL.fullmatch(text), "it is not a number written with the digits 0 to 9 and at most one point.")
    number = float(text)
    require(number >= smallest, "it is too small.")
    require(number <= largest, "it is too large.")
    require(number.is_integer() or not is_whole, "it is not a whole number.")
    return int(number) if is_whole else number


def read_word(value: Any, words: tuple[str, ...]) -> str:
    """Read one of ``words``, in any case."""
    word = read_text(value).lower()
    require(word in words, "it is not one of the accepted words.")
    return word


def read_list(value: Any) -> tuple[str, ...]:
    """Split text at its commas, or take a list as it is; every piece must hold something."""
    value = _reveal(value)
    if isinstance(value, str):
        value = value.split(",") if value.strip() else ()
    if not isinstance(value, Iterable) or isinstance(value, (bytes, dict)):
        raise WrongValue(f"it is of the type {type(value).__name__}, not a list.")
    pieces = tuple(value)
    is_last_empty = len(pieces) > 1 and isinstance(pieces[-1], str) and not pieces[-1].strip()
    require(not is_last_empty, f"piece {len(pieces)} of the list is empty.", "Remove the comma at the list's end.")
    return tuple(read_text(piece, f"piece {number} of the list") for number, piece in enumerate(pieces, start=1))


# ----------------------------------------------------------------------- client id and secret, keys, app, users, cookie

_ACCENT_COLOR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
_LONGEST_APP_NAME_CHARACTERS = 60
_LARGEST_LOGO_BYTES = 64 * 1024
_COOKIE_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}", re.ASCII)

_PLACEHOLDERS = (
    "changeme", "replaceme", "yoursecret", "yourkey", "secretkey", "secretsecret", "password", "passwort", "insecure",
    "placeholder", "example", "12345678", "01234567", "abcdefgh", "qwertyui", "qwertzui", "letmein",
)  # fmt: skip
"""Words of sample files, eight letters or so: none turns up in a random key in practice."""


def _read_ascii(value: Any, longest: int) -> str:
    text = read_text(value)
    is_printable = text.isascii() and text.isprintable()
    require(is_printable, "it has a line break or a letter that is not ASCII; was something else copied along?")
    require(len(text) <= longest, f"it is {len(text)} characters long; {longest} is the most.")
    return text


def read_client_id(value: Any) -> str:
    """Read a client id: printable ASCII, spaces inside included (RFC 6749, appendix A.1: VSCHAR).

    A space at an end is an error, not ignored: FotoWeb compares every character, and a space that was copied along
    can't be told from one that belongs to the id.
    """
    text = _read_ascii(value, longest=256)
    require(text == _reveal(value), "it has white space at its start or end.")
    return text


def read_client_secret(value: Any) -> Secret:
    """Read a client secret: printable ASCII (RFC 6749, appendix A.2), and no spaces: FotoWeb makes none with any."""
    text = _read_ascii(value, longest=1024)
    require(" " not in text, "it has a space inside; was something else copied along?")
    return Secret(text)


def read_secret_keys(value: Any) -> Secret:
    """Read one or several keys, newest first, and return them joined by commas.

    Raises:
        WrongValue: When one is short, guessable or there twice. Names the key by its place, never by its text.
    """
    keys = read_list(value)
    require(keys, "it is empty.")
    for number, key in enumerate(keys, start=1):
        which = f"key {number} of {len(keys)}" if len(keys) > 1 else "it"
        require(key.isprintable(), f"{which} has a line break or control character; commas go between several keys.")
        require("," not in key, f"{which} has a comma inside; commas go between keys.")
        require(len(key) >= 32, f"{which} is {len(key)} characters long; the minimum is 32.")
        # Once in 10**7 times, a random key of 32 hexadecimal digits has fewer than eight different ones.
        repeats = len(set(key)) < 8 or any(key.startswith(key[length:]) for length in range(1, len(key) // 2 + 1))
        require(not repeats, f"{which} repeats itself, so it is easy to guess.")
        letters = "".join(filter(str.isalnum, key.lower()))
        is_sample = any(word in letters for word in _PLACEHOLDERS)
        require(not is_sample, f"{which} looks like a sample, not like a random key.")
        require(key not in keys[: number - 1], f"{which} is there twice; remove one of the two.")
    return Secret(",".join(keys))


_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*")


def read_allowed_users(value: Any) -> tuple[str, ...]:
    """Read user names and e-mail domains, and return domains in lower case, as ``authorization.email_domain`` does."""
    entries = []
    for entry in read_list(value):
        name, at, domain = entry.rpartition("@")
        is_domain = bool(at) and not name
        fits = _DOMAIN.fullmatch(domain) if is_domain else entry.isprintable() and domain and "@" not in name
        require(fits, f"{entry!a} is neither a user name nor an e-mail domain.")
        entries.append(entry.lower() if is_domain and entry.isascii() else entry)
    return tuple(entries)


def read_app(value: Any) -> str:
    """Read ``module:attribute``; both may have dots. The module is not imported here."""
    text = read_text(value)
    module, _, attribute = text.partition(":")
    names = [*module.split("."), *attribute.split(".")]
    require(all(map(str.isidentifier, names)), "it is not a module and an attribute with a colon between them.")
    return text


def read_cookie_name(value: Any) -> str:
    """Read a cookie name: a token (RFC 9110, 5.6.2) without a prefix that has a meaning (RFC 6265bis, 4.1.3)."""
    name = read_text(value)
    is_token = _COOKIE_NAME.fullmatch(name)
    require(is_token, "it has a character that no cookie name may have, or more than 64 characters.")
    has_prefix = name.lower().startswith(("__host-", "__secure-", "__http-"))
    require(not has_prefix, "leave the prefix out: __Host- is put before the name wherever the cookie is Secure.")
    return name


def read_cookie_secure(value: Any) -> str:
    """Read ``auto`` or a switch, and return ``auto``, ``true`` or ``false``."""
    if isinstance(value, str) and value.strip().lower() == "auto":
        return "auto"
    return "true" if read_flag(value) else "false"


# ----------------------------------------------------------------------------------------------------------- addresses

DEFAULT_PORTS = {"https": 443, "http": 80}
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>.*)")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_URI_CHARACTERS = re.compile(r"[!#-;=?-\[\]_a-z~]*")
"""What an address may be written with (RFC 3986, 2): printable ASCII without the space and " < > \\ ^ ` { | }."""


def read_address(text: str) -> tuple[str, str, str]:
    """Take an http or https address apart; it may have no user name and no fragment.

    Returns:
        Its origin as browsers write it (RFC 6454, 6.2), and as they were written, its path and its query with the "?".
    """
    require(
        _URI_CHARACTERS.fullmatch(text),
        "it has a space, a line break, a backslash or a letter that is not ASCII.",
        "Write such a host name in its xn-- form, and percent-encode other letters.",
    )
    parts = _ADDRESS.fullmatch(text)
    scheme = parts["scheme"].lower() if parts else ""
    if parts is None or scheme not in DEFAULT_PORTS:
        raise WrongValue("it does not start with https://.")
    require("@" not in parts["authority"], "it has a user name or password in it.")
    require("#" not in parts["query"], "it has a fragment (#…).")
    host, port = read_host_and_port(parts["authority"])
    origin = f"{scheme}://[{host}]" if ":" in host else f"{scheme}://{host}"
    if port not in {None, DEFAULT_PORTS[scheme]}:
        origin = f"{origin}:{port}"
    return origin, parts["path"], parts["query"]


def read_host_and_port(authority: str) -> tuple[str, int | None]:
    """Take ``host[:port]`` apart; the host in lower case, an IPv6 address compressed and without brackets."""
    parts = _AUTHORITY.fullmatch(authority.lower())
    if parts is None:
        raise WrongValue("it names no host, or one that can't be read.")
    host, port = parts["host"], int(parts["port"]) if parts["port"] else None
    require(port is None or 1 <= port <= 65535, "its port is not between 1 and 65535.")
    try:
        if host.startswith("["):
            return str(ipaddress.IPv6Address(host[1:-1])), port
        if host.rpartition(".")[2].isdigit():
            return str(ipaddress.IPv4Address(host)), port
    except ValueError:
        raise WrongValue("its host is not a proper IP address.") from None
    require(len(host) <= 253 and all(map(_LABEL.fullmatch, host.split("."))), "its host is not a proper name.")
    return host, port


def is_loopback(host: str) -> bool:
    """Return whether a host name or address (no port) is this machine, as browsers see it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def read_site(value: Any) -> str:
    """Read the address of a FotoWeb site and return its origin; a trailing ``/fotoweb`` or ``/`` is dropped."""
    origin, path, query = read_address(read_text(value))
    require(path.lower() in {"", "/", "/fotoweb", "/fotoweb/"} and not query, "it has a path or a query.")
    return origin


def read_redirect_uri(value: Any) -> str:
    """Read the callback address and return it letter for letter: FotoWeb compares it with the registered one."""
    text = read_text(value)
    _, path, query = read_address(text)
    require(not query, "it has a query (?…); register an address without one.")
    _check_canonical(path)
    return text


def read_trusted_origins(value: Any) -> tuple[str, ...]:
    """Read a list of origins and return them as browsers write them into the ``Origin`` header."""
    origins = []
    for text in read_list(value):
        require(text not in {"*", "null"}, f"{text!a} stands for more than one site; name each origin.")
        origin, path, query = read_address(text)
        is_origin = path in {"", "/"} and not query
        require(is_origin, f"{text!a} is more than an origin; write only scheme, host and port.")
        origins.append(origin)
    return tuple(origins)


def read_post_logout_url(value: Any) -> str:
    """Read where logout leads: a path on this origin (``/bye``), or a whole address."""
    text = read_text(value)
    if text.startswith("/"):
        is_plain = _URI_CHARACTERS.fullmatch(text) and not text.startswith("//")
        require(is_plain, "it is not a plain path: browsers could read another host into it.")
    else:
        is_address = "://" in text
        require(is_address, "it is no path and no address.", "Begin a path with a slash, an address with https://.")
        read_address(text.partition("#")[0])
    return text


# --------------------------------------------------------------------------------------------------------------- paths

_AMBIGUOUS = re.compile(r"//|/\.{1,2}(/|$)|[ \\;%#?]")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)
_PATTERN_SIGNS = frozenset("*?[]{}()^|\\")
"""What a shell pattern or a regular expression is made of: who writes one expects it to be one."""


def _check_canonical(path: str) -> None:
    """Refuse a path that servers and proxies may read in two ways."""
    require(path.isprintable(), "it has a line break or a control character.")
    found = _AMBIGUOUS.search(path)
    require(not found, f"servers read {found and found[0]!r} in a path in different ways.")


def read_path_prefix(value: Any) -> str:
    """Read the path under which the middleware's own pages lie: absolute, canonical, no slash at its end."""
    path = read_text(value)
    meant = f"/{path.strip('/')}"
    require(
        _PREFIX.fullmatch(path),
        "it does not start with a slash, ends in one, or has a character that none may have.",
        f"Write {meant if _PREFIX.fullmatch(meant) else 'a path that the app itself does not use, such as /oauth2'}.",
    )
    _check_canonical(path)
    return path


def read_public_paths(value: Any) -> tuple[str, ...]:
    """Read paths that need no login: exact, or a prefix of whole folders ending in ``/*``. Never all paths."""
    paths = read_list(value)
    for path in paths:
        require(
            path not in {"/", "/*", "*"},
            f"{path!r} would make the whole app public.",
            "Name the paths one by one. To let anonymous visitors in everywhere, set FOTOWEB_LOGIN=optional.",
        )
        meant = re.sub(r"\Ahttps?://[^/]*", "", path).lstrip("/")
        require(path.startswith("/"), f"{path!a} does not start with a slash.", f"Write /{ascii(meant)[1:-1]}.")
        require(" " not in path, f"{path!a} has a space inside.", "Write commas between paths.")
        exact = path.removesuffix("/*")
        hint = "Write a path letter for letter; for everything under a folder, write /static/*."
        is_pattern = not _PATTERN_SIGNS.isdisjoint(exact) or exact.endswith("$")
        require(not is_pattern, f"{path!a} looks like a pattern; only '/*' at the end has a meaning.", hint)
        _check_canonical(path)
    return paths


# --------------------------------------------------------------------------------------------------------------- pages


def read_app_name(value: Any) -> str:
    """Read a name that fits the head of a page."""
    name = read_text(value)
    require(name.isprintable(), "it holds a character that can't be shown.")
    require(len(name) <= _LONGEST_APP_NAME_CHARACTERS, f"it is longer than {_LONGEST_APP_NAME_CHARACTERS} characters.")
    return name


def read_accent_color(value: Any) -> str:
    """Read a colour, ``#rrggbb``."""
    color = read_text(value).lower()
    require(_ACCENT_COLOR.fullmatch(color), "it is not '#' and six hexadecimal digits.")
    return color


# --------------------------------------------------------------------------------------------------------------- files


def read_secret_file(path: str) -> str:
    """Return what the file at ``path`` holds, without the white space around it (editors add a line break).

    Raises:
        WrongValue: When it can't be read, is empty or is no text.
    """
    try:
        text = _read_file(path).decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise WrongValue(f"the file {path!a} is not UTF-8 text.") from None
    require(text, f"the file {path!a} is empty.")
    return text


def read_ca_bundle(value: Any) -> str:
    """Read the path of a PEM file and make sure that it can be read and holds a certificate."""
    path = _read_path(value)
    is_pem = b"CERTIFICATE-----" in _read_file(path)
    require(is_pem, "that file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).")
    return path


def read_logo(value: Any) -> str:
    """Read the path of a PNG or SVG file and make sure that browsers will show it as an image."""
    path = _read_path(value)
    image = _read_file(path)
    require(len(image) <= _LARGEST_LOGO_BYTES, "that file is larger than 64 KiB, and becomes part of every page.")
    is_svg = b"<svg" in image and b"http://www.w3.org/2000/svg" in image  # Without its namespace it is no image.
    require(image.startswith(b"\x89PNG\r\n\x1a\n") or is_svg, "that file is neither a PNG nor an SVG with its xmlns.")
    return path


def read_pages_folder(value: Any) -> str:
    """Read the path of a folder."""
    path = _read_path(value)
    require("\0" not in path and Path(path).is_dir(), "that is not a folder.")
    return path


def _read_path(value: Any) -> str:
    return read_text(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _read_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "no proper path").lower()
        raise WrongValue(
            f"the file {path!a} can't be read: {reason}.",
            "Check the path, that it is mounted into this container, and that this user may read it.",
        ) from None
