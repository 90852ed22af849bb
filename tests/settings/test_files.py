"""Secrets in files (X_FILE), and the CA bundle."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from fotoweb_middleware.settings import Settings
from tests.settings.samples import CLIENT_SECRET, KEY, OLDER_KEY, environment_refusal, refusal, settings

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_secret_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path, ending: str) -> None:
    """The file's text is the secret; a line break at its end does not count."""
    file = tmp_path / "secret"
    file.write_bytes((CLIENT_SECRET + ending).encode())
    environment.delenv("FOTOWEB_CLIENT_SECRET")
    environment.setenv("FOTOWEB_CLIENT_SECRET_FILE", f" {file} ")

    assert Settings().client_secret.get_secret_value() == CLIENT_SECRET


def test_key_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys may come from a file too, several of them, with an editor's byte order mark."""
    file = tmp_path / "key"
    file.write_text(f"\ufeff{KEY},{OLDER_KEY}\n", encoding="utf-8")
    environment.delenv("FOTOWEB_SECRET_KEY")
    environment.setenv("FOTOWEB_SECRET_KEY_FILE", str(file))

    assert Settings().secret_keys == (KEY, OLDER_KEY)


@pytest.mark.parametrize("name", ["CLIENT_SECRET", "SECRET_KEY"])
def test_both_is_an_error(environment: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """The variable and its file variable together are an error, whatever they hold."""
    environment.setenv(f"FOTOWEB_{name}_FILE", str(tmp_path / "absent"))

    assert f"both FOTOWEB_{name} and FOTOWEB_{name}_FILE are set" in environment_refusal()


def test_empty_variable_beside_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty variable counts as not set, so the file is read."""
    file = tmp_path / "key"
    file.write_text(KEY, encoding="ascii")
    environment.setenv("FOTOWEB_SECRET_KEY", "")
    environment.setenv("FOTOWEB_SECRET_KEY_FILE", str(file))

    assert Settings().secret_keys == (KEY,)


def _unreadable(folder: Path) -> dict[str, Path]:
    (folder / "empty").write_text(" \n", encoding="ascii")
    (folder / "binary").write_bytes(b"planted\xff\xfe")
    (folder / "huge").write_bytes(b"planted" * 20_000)
    return {
        "absent": folder / "absent",
        "folder": folder,
        "empty": folder / "empty",
        "binary": folder / "binary",
        "huge": folder / "huge",
    }


@pytest.mark.parametrize("kind", ["absent", "folder", "empty", "binary", "huge"])
def test_unreadable_file_is_named(environment: pytest.MonkeyPatch, tmp_path: Path, kind: str) -> None:
    """A file that can't be read names the variable and the path, and shows nothing of what it holds."""
    path = _unreadable(tmp_path)[kind]
    environment.delenv("FOTOWEB_CLIENT_SECRET")
    environment.setenv("FOTOWEB_CLIENT_SECRET_FILE", str(path))

    message = environment_refusal()

    assert "FOTOWEB_CLIENT_SECRET_FILE" in message
    assert str(path) in message
    assert "planted" not in message


def test_forbidden_file_is_named(environment: pytest.MonkeyPatch) -> None:
    """A file that this user may not read is an error."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "planted")  # Root may read everything.

    environment.setattr(Path, "open", refuse)
    environment.delenv("FOTOWEB_SECRET_KEY")
    environment.setenv("FOTOWEB_SECRET_KEY_FILE", "/run/secrets/key")

    assert "permission denied" in environment_refusal()


def test_weak_key_in_a_file_names_the_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong value out of a file is reported with the file variable and the path, not with the value."""
    file = tmp_path / "key"
    file.write_text("planted-and-short\n", encoding="ascii")
    environment.delenv("FOTOWEB_SECRET_KEY")
    environment.setenv("FOTOWEB_SECRET_KEY_FILE", str(file))

    message = environment_refusal()

    assert f"FOTOWEB_SECRET_KEY_FILE, the file '{file}', holds ***" in message
    assert "planted" not in message


def test_argument_wins_over_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where an argument gives the secret, neither variable is looked at."""
    environment.setenv("FOTOWEB_SECRET_KEY_FILE", str(tmp_path / "absent"))

    assert Settings(secret_key=OLDER_KEY).secret_keys == (OLDER_KEY,)


@pytest.mark.parametrize("name", ["URL", "CACHE", "CLIENT_ID"])
def test_other_settings_have_no_file_variant(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Only the two secrets can come from a file; the others are warned about as unknown."""
    environment.setenv(f"FOTOWEB_{name}_FILE", "/dev/null")

    Settings()

    assert f"There is no setting FOTOWEB_{name}_FILE." in caplog.text


def test_ca_bundle(tmp_path: Path) -> None:
    """A PEM file is taken, as text or as a path."""
    file = tmp_path / "ca.pem"
    file.write_text(PEM, encoding="ascii")

    assert settings(ca_bundle=str(file)).ca_bundle == str(file)
    assert settings(ca_bundle=file).ca_bundle == str(file)


@pytest.mark.parametrize("kind", ["absent", "folder", "empty", "binary"])
def test_ca_bundle_refused(tmp_path: Path, kind: str) -> None:
    """A file that can't be read or holds no certificate is an error at start-up, not at the first login."""
    path = _unreadable(tmp_path)[kind]

    message = refusal(ca_bundle=str(path))

    assert "FOTOWEB_CA_BUNDLE" in message
    assert str(path) in message


def test_path_with_a_null_character() -> None:
    """A path that no system can open is an error like any other."""
    assert "FOTOWEB_CA_BUNDLE" in refusal(ca_bundle="/ca\x00.pem")
