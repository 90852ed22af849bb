"""Which variables are read, which may come from a file, which are missing or unknown (R-CF6, T-CF-01, T-CF-06)."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import pytest

from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.describe import describe
from tests.settings.samples import CLIENT_SECRET, ENVIRONMENT, KEY, OLDER_KEY, environment_refusal, refusal, settings

LOGGER = "fotoweb_middleware.settings"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


def _from_file(environment: pytest.MonkeyPatch, name: str, path: Path | str) -> None:
    environment.delenv(name)
    environment.setenv(f"{name}_FILE", str(path))


# ------------------------------------------------------------------------------------------------ the required ones


def test_all_four_are_enough(environment: pytest.MonkeyPatch) -> None:
    """With the four required variables set, everything else has a default."""
    value = Settings()

    assert (value.url, value.client_id) == ("https://tenant.example", ENVIRONMENT["FOTOWEB_CLIENT_ID"])
    assert value.client_secret.get_secret_value() == CLIENT_SECRET
    assert value.secret_keys == (KEY,)


@pytest.mark.parametrize("variable", sorted(ENVIRONMENT))
def test_unset_is_named(environment: pytest.MonkeyPatch, variable: str) -> None:
    """A required variable that is not set, or holds only white space, is named (R-CF1; T-CF-01)."""
    environment.delenv(variable)
    assert f"{variable} is not set" in environment_refusal()

    for blank in ("", " ", "\t\n"):
        environment.setenv(variable, blank)
        assert f"{variable} is empty" in environment_refusal()


def test_all_missing_ones_are_in_one_message() -> None:
    """With nothing set, one message names all four, which may come from a file, and where to get them."""
    message = environment_refusal()

    assert [name for name in ENVIRONMENT if f"{name} is not set" in message] == list(ENVIRONMENT)
    assert [name for name in ENVIRONMENT if f"{name}_FILE" in message] == [
        "FOTOWEB_CLIENT_SECRET",
        "FOTOWEB_SECRET_KEY",
    ]
    assert "Site Configuration > Integrations > Applications" in message
    assert "fotoweb-middleware secret" in message


def test_message_points_at_a_misspelled_variable(environment: pytest.MonkeyPatch) -> None:
    """Where a variable of nearly the right name is set, the message asks whether that was meant."""
    environment.delenv("FOTOWEB_CLIENT_ID")
    environment.setenv("FOTOWEB_CLEINT_ID", "planted-value")

    message = environment_refusal()

    assert "FOTOWEB_CLEINT_ID is set" in message
    assert "planted-value" not in message


@pytest.mark.parametrize("name", ["url", "client_id", "client_secret", "secret_key"])
@pytest.mark.parametrize("value", ["", "  ", None, 3, b"bytes"])
def test_arguments_must_hold_text(name: str, value: object) -> None:
    """A required argument that holds no text is refused, and both its name and its variable are in the message."""
    assert f"Settings({name}=...), the argument for FOTOWEB_{name.upper()}" in refusal(**{name: value})


# ------------------------------------------------------------------------------------------------------ what is read


def test_argument_wins_over_the_variable(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An argument wins over the variable and over its file; the rest still comes from the environment."""
    environment.setenv("FOTOWEB_SECRET_KEY_FILE", str(tmp_path / "absent"))

    value = Settings(secret_key=OLDER_KEY)

    assert (value.secret_keys, value.url) == ((OLDER_KEY,), "https://tenant.example")


def test_nothing_else_is_read(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a variable in lower case nor a .env file in the working directory has an effect."""
    (tmp_path / ".env").write_text("FOTOWEB_PATH_PREFIX=/from-file\n", encoding="ascii")
    environment.chdir(tmp_path)
    environment.setenv("fotoweb_path_prefix", "/lower")

    assert Settings().path_prefix == "/oauth2"


# --------------------------------------------------------------------------------------------------- unknown variables


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("FOTOWEB_CLEINT_ID", "Did you mean FOTOWEB_CLIENT_ID?"),
        ("FOTOWEB_SECRET_KEYS", "Did you mean FOTOWEB_SECRET_KEY?"),
        ("FOTOWEB_REDIRECT_URL", "Did you mean FOTOWEB_REDIRECT_URI?"),
        ("fotoweb_cache_size", "Did you mean FOTOWEB_CACHE_SIZE?"),
        ("FOTOWEB_URL_FILE", "Did you mean FOTOWEB_URL?"),
        ("FOTOWEB_ZZZZZZZZZZZZZZZZZZZZ", "It has no effect."),
    ],
)
def test_unknown_name_is_warned_about(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, advice: str
) -> None:
    """An unknown name gets one warning with the nearest known name, and its value is not logged (T-CF-06)."""
    environment.setenv(name, "planted-value")

    Settings()

    assert _warnings(caplog) == [f"There is no setting {name}. {advice}"]
    assert [record.levelno for record in caplog.records if record.name == LOGGER] == [logging.WARNING]
    assert "planted-value" not in caplog.text


def test_unknown_name_can_forge_no_line(environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A name with control characters is logged escaped."""
    environment.setenv("FOTOWEB_X\n\x1b[2J", "1")

    Settings()

    assert all(warning.isprintable() for warning in _warnings(caplog))


def test_unknown_names_are_warned_about_before_an_error(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the settings are wrong, the warnings come too: they often name the cause."""
    environment.setenv("FOTOWEB_CACHES", "memory://")

    with pytest.raises(Exception, match="FOTOWEB_URL"):
        Settings(url="no address")

    assert _warnings(caplog) == ["There is no setting FOTOWEB_CACHES. Did you mean FOTOWEB_CACHE?"]


def test_known_names_cause_no_warning(environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Good settings are silent."""
    environment.setenv("FOTOWEB_CACHE", "memory://")
    environment.setenv("NOT_FOTOWEB_X", "1")

    Settings()

    assert caplog.records == []


# ----------------------------------------------------------------------------------------------------- quotation marks

QUOTED = "it has quotation marks around it."


@pytest.mark.parametrize("name", sorted(DECLARED))
@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotation_marks_are_named(environment: pytest.MonkeyPatch, name: str, quote: str) -> None:
    """Whatever the setting, quotation marks that a tool handed on as a part of it are what is wrong."""
    environment.setenv(f"FOTOWEB_{name.upper()}", f" {quote}planted{quote}")

    message = environment_refusal()

    assert message.count("    Wrong: ") == 1
    assert f"    Wrong: {QUOTED}\n" in message
    assert "    To do: Remove them: not every tool does, such as docker --env-file." in message
    assert not DECLARED[name].secret or "planted" not in message


def test_quotation_marks_in_an_argument() -> None:
    """The same for an argument, which may come from a variable of the app's own."""
    assert QUOTED in refusal(url='"https://tenant.example"')


def test_quotation_marks_in_and_around_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same for what a file holds, and for its path."""
    (tmp_path / "key").write_text(f'"{KEY}"\n', encoding="ascii")
    _from_file(environment, "FOTOWEB_SECRET_KEY", tmp_path / "key")
    assert QUOTED in environment_refusal()

    environment.setenv("FOTOWEB_SECRET_KEY_FILE", f'"{tmp_path / "key"}"')
    assert QUOTED in environment_refusal()


# --------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_secret_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path, ending: str) -> None:
    """The file's text is the secret; a line break at its end does not count."""
    (tmp_path / "secret").write_bytes((CLIENT_SECRET + ending).encode())
    _from_file(environment, "FOTOWEB_CLIENT_SECRET", f" {tmp_path / 'secret'} ")

    assert Settings().client_secret.get_secret_value() == CLIENT_SECRET


def test_key_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys may come from a file too, several of them, with an editor's byte order mark, beside an empty variable."""
    (tmp_path / "key").write_text(f"\ufeff{KEY},{OLDER_KEY}\n", encoding="utf-8")
    environment.setenv("FOTOWEB_SECRET_KEY", "")
    environment.setenv("FOTOWEB_SECRET_KEY_FILE", str(tmp_path / "key"))

    assert Settings().secret_keys == (KEY, OLDER_KEY)


@pytest.mark.parametrize("name", ["CLIENT_SECRET", "SECRET_KEY", "CACHE"])
def test_both_is_an_error(environment: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """The variable and its file variable together are an error, whatever they hold."""
    environment.setenv("FOTOWEB_CACHE", "memory://")
    environment.setenv(f"FOTOWEB_{name}_FILE", str(tmp_path / "absent"))

    assert f"both FOTOWEB_{name} and FOTOWEB_{name}_FILE are set" in environment_refusal()


def test_cache_address_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The session store's address may come from a file, since it may hold a password; the listing masks that."""
    pytest.importorskip("redis")
    (tmp_path / "cache").write_text("redis://app:planted@cache.example:6379/0\n", encoding="ascii")
    environment.setenv("FOTOWEB_CACHE_FILE", str(tmp_path / "cache"))

    value = Settings()

    assert value.cache == "redis://app:planted@cache.example:6379/0"
    assert ("FOTOWEB_CACHE", "redis://app:***@cache.example:6379/0", f"file {tmp_path / 'cache'}") in describe(value)
    assert "planted" not in repr(value)


def test_wrong_cache_address_in_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong address out of a file is reported with the file, and shows no password."""
    (tmp_path / "cache").write_text("redis://app:planted@cache.example/x/y\n", encoding="ascii")
    environment.setenv("FOTOWEB_CACHE_FILE", str(tmp_path / "cache"))

    message = environment_refusal()

    assert f"FOTOWEB_CACHE_FILE, the file '{tmp_path / 'cache'}', holds 'redis://...'" in message
    assert "planted" not in message


def _unreadable(folder: Path, kind: str) -> Path:
    content = {"empty": b" \n", "binary": b"planted\xff\xfe"}
    if kind in content:
        (folder / kind).write_bytes(content[kind])
    return folder if kind == "folder" else folder / kind


@pytest.mark.parametrize("kind", ["absent", "folder", "empty", "binary"])
def test_unreadable_file_is_named(environment: pytest.MonkeyPatch, tmp_path: Path, kind: str) -> None:
    """A file that can't be read names the variable and the path, and shows nothing of what it holds."""
    path = _unreadable(tmp_path, kind)
    _from_file(environment, "FOTOWEB_CLIENT_SECRET", path)

    message = environment_refusal()

    assert "FOTOWEB_CLIENT_SECRET_FILE can't be used." in message
    assert str(path) in message
    assert "planted" not in message


def test_forbidden_file_is_named(environment: pytest.MonkeyPatch) -> None:
    """A file that this user may not read is an error."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "planted")  # Root may read everything.

    environment.setattr(Path, "read_bytes", refuse)
    _from_file(environment, "FOTOWEB_SECRET_KEY", "/run/secrets/key")

    assert "permission denied" in environment_refusal()


def test_weak_key_in_a_file_names_the_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong value out of a file is reported with the file variable and the path, not with the value."""
    file = tmp_path / "key"
    file.write_text("planted-and-short\n", encoding="ascii")
    _from_file(environment, "FOTOWEB_SECRET_KEY", file)

    message = environment_refusal()

    assert f"FOTOWEB_SECRET_KEY_FILE, the file '{file}', holds ***" in message
    assert "planted" not in message


def test_ca_bundle(tmp_path: Path) -> None:
    """A PEM file is taken, as text or as a path."""
    file = tmp_path / "ca.pem"
    file.write_text(PEM, encoding="ascii")

    assert settings(ca_bundle=str(file)).ca_bundle == str(file)
    assert settings(ca_bundle=file).ca_bundle == str(file)


@pytest.mark.parametrize("kind", ["absent", "folder", "empty", "binary"])
def test_ca_bundle_refused(tmp_path: Path, kind: str) -> None:
    """A file that can't be read or holds no certificate is an error at start-up, not at the first login."""
    path = _unreadable(tmp_path, kind)

    message = refusal(ca_bundle=str(path))

    assert "FOTOWEB_CA_BUNDLE" in message
    assert str(path) in message


def test_path_with_a_null_character() -> None:
    """A path that no system can open is an error like any other."""
    assert "FOTOWEB_CA_BUNDLE" in refusal(ca_bundle="/ca\x00.pem")


PNG = b"\x89PNG\r\n\x1a\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.mark.parametrize("image", [PNG + b"x", SVG, b'<?xml version="1.0"?>\n' + SVG, PNG.ljust(65_536)])
def test_logo(tmp_path: Path, image: bytes) -> None:
    """A PNG or SVG file of up to 64 KiB is taken."""
    file = tmp_path / "logo"
    file.write_bytes(image)

    assert settings(logo=file).logo == str(file)


@pytest.mark.parametrize("image", [b"", b"GIF89a", b"<svg/>", b"<html>", PNG.ljust(65_537), None])
def test_logo_refused(tmp_path: Path, image: bytes | None) -> None:
    """A file that browsers show as no image, is too large or is not there is an error at start-up."""
    file = tmp_path / "logo"
    if image is not None:
        file.write_bytes(image)

    assert "FOTOWEB_LOGO" in refusal(logo=str(file))


def test_pages_folder(tmp_path: Path) -> None:
    """A folder is taken, as text or as a path."""
    assert settings(pages=tmp_path).pages == settings(pages=str(tmp_path)).pages == str(tmp_path)


@pytest.mark.parametrize("name", ["absent", "file", "\0"])
def test_pages_folder_refused(tmp_path: Path, name: str) -> None:
    """What is no folder is an error at start-up."""
    (tmp_path / "file").touch()

    assert "FOTOWEB_PAGES" in refusal(pages=f"{tmp_path}/{name}")
