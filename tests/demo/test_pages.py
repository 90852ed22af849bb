"""Small texts of the gallery's pages."""

from __future__ import annotations

import pytest

from fotoweb_middleware.demo.pages import grouped, initials, machine_time, percent, time_left, time_of_day
from fotoweb_middleware.demo.pictures import Picture, Preview


@pytest.mark.parametrize(
    ("seconds", "expected"), [(42.9, "0:42"), (60, "1:00"), (28_799, "7:59:59"), (0, "0:00"), (-5, "0:00")]
)
def test_time_left(seconds: float, expected: str) -> None:
    """It reads as a clock does, and never runs below nothing."""
    assert time_left(1000 + seconds, 1000) == expected


def test_time_left_of_an_unending_token() -> None:
    """FotoWeb may tell no end."""
    assert (time_left(None, 0), time_of_day(None), machine_time(None)) == ("no end known", "", "")


@pytest.mark.parametrize(
    ("name", "expected"), [("Alice Berg", "AB"), ("bob", "B"), ("Anna Maria de Vries", "AV"), ("  ", "")]
)
def test_initials(name: str, expected: str) -> None:
    """First and last word."""
    assert initials(name) == expected


@pytest.mark.parametrize(
    ("width", "height", "expected"), [(400, 267, 150), (267, 400, 67), (400, 10, 250), (10, 400, 50)]
)
def test_percent(width: int, height: int, expected: int) -> None:
    """A picture's shape, within limits that look well in a row."""
    assert percent(Picture("t", "d", "", Preview("", width, height), None)) == expected


def test_percent_without_preview() -> None:
    """A picture that can't be shown takes the room of a usual one."""
    assert percent(Picture("t", "d", "", None, None)) == 150


def test_grouped() -> None:
    """Groups of four can be compared by eye."""
    assert grouped("0123456789ab") == "0123 4567 89ab"
