"""What the archives hold: made-up pictures with believable names."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from random import Random
from typing import Final

from fotoweb_middleware.testing.fake_fotoweb.pictures import Scene

__all__ = ["ARCHIVES", "Archive", "Asset", "assets_of"]

Shape = tuple[int, int]
LANDSCAPE: Final = (6000, 4000)
WIDE: Final = (6000, 3375)
PORTRAIT: Final = (4000, 6000)


@dataclass(frozen=True, slots=True)
class Asset:
    """One picture."""

    archive_id: int
    number: int
    filename: str
    title: str
    description: str
    tags: tuple[str, ...]
    author: str
    created: str
    shape: Shape
    filesize: int
    scene: Scene
    mood: str


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive.

    Args:
        archive_id: FotoWeb's number.
        name: as people see it.
        description: one line.
        subjects: (what, scene), each taken in several moods.
        moods: the times of day.
        takes: how many pictures of each subject; each in another mood.
        authors: who took the pictures.
        tags: of every picture.
    """

    archive_id: int
    name: str
    description: str
    subjects: tuple[tuple[str, Scene], ...]
    moods: tuple[str, ...]
    takes: int
    authors: tuple[str, ...]
    tags: tuple[str, ...]


def _all(scene: Scene, *names: str) -> tuple[tuple[str, Scene], ...]:
    return tuple((name, scene) for name in names)


ARCHIVES: Final = {
    archive.archive_id: archive
    for archive in (
        Archive(
            5001,
            "Nordic coast",
            "Islands, harbours and lighthouses",
            _all(
                "coast", "Reine", "Senja", "Runde", "Ålesund", "Bulandet", "Fedje", "Utsira", "Lista", "Færder", "Træna"
            ),
            ("golden hour", "blue hour", "clear day", "red evening", "after the storm", "first light"),
            3,
            ("Ingrid Solheim", "Jonas Eide"),
            ("coast", "sea", "Norway"),
        ),
        Archive(
            5002,
            "Cities after dark",
            "Skylines and rivers",
            _all("city", "Oslo", "Göteborg", "Hamburg", "Rotterdam", "Porto", "Lyon", "Gdańsk"),
            ("blue hour", "red evening"),
            2,
            ("Marek Nowak", "Sofia Lind"),
            ("city", "skyline", "river"),
        ),
        Archive(
            5003,
            "Garden and greenhouse",
            "Flowers and leaves, close up",
            (
                *_all("dahlia", "Dahlia Karma", "Dahlia Thomas", "Dahlia Linnea"),
                *_all("fern", "Male fern", "Lady fern", "Bracken"),
                *_all("leaves", "Magnolia leaves", "Beech hedge", "Rubber plant"),
                *_all("poppies", "Poppy field", "Icelandic poppies", "Welsh poppies"),
            ),
            ("morning mist",),
            1,
            ("Elena Fischer",),
            ("garden", "plants", "close-up"),
        ),
        Archive(
            5004,
            "High country",
            "Mountains through the year",
            _all("mountains", "Rondane", "Jotunheimen", "Sarek", "Abisko", "Dovre", "Lyngen"),
            ("first light", "northern lights", "morning mist", "golden hour", "clear day"),
            2,
            ("Ingrid Solheim", "Piet de Vries"),
            ("mountains", "hiking"),
        ),
    )
}


@functools.cache
def assets_of(archive_id: int) -> tuple[Asset, ...]:
    """Give the pictures of an archive, always the same ones."""
    archive = ARCHIVES[archive_id]
    pairs = [
        (subject, archive.moods[(index + take) % len(archive.moods)])
        for take in range(archive.takes)
        for index, subject in enumerate(archive.subjects)
    ]
    return tuple(_make(archive, number, *pair) for number, pair in enumerate(pairs))


def _make(archive: Archive, number: int, subject: tuple[str, Scene], mood: str) -> Asset:
    rng = Random(archive.archive_id * 1000 + number)  # noqa: S311 - made-up data, no secret
    what, scene = subject
    garden = len(archive.moods) == 1
    title = what if garden else f"{what}, {mood}"
    shape = PORTRAIT if rng.random() < 0.25 else rng.choice((LANDSCAPE, LANDSCAPE, WIDE))
    return Asset(
        archive_id=archive.archive_id,
        number=number,
        filename=f"{title.replace(', ', ' ').replace(' ', '_')}_{number + 1:03}.jpg",
        title=title,
        description=f"{what}. {archive.description}."
        if garden
        else f"{what} in Europe, {mood}. {archive.description}.",
        tags=(*archive.tags, scene if garden else mood),
        author=rng.choice(archive.authors),
        created=_made_up_date(rng),
        shape=shape,
        filesize=rng.randint(4_000_000, 19_000_000),
        scene=scene,
        mood=mood,
    )


def _made_up_date(rng: Random) -> str:
    day, hour, minute = rng.randint(1, 28), rng.randint(4, 21), rng.randint(0, 59)
    return f"2025-{rng.randint(1, 12):02}-{day:02}T{hour:02}:{minute:02}:00Z"
