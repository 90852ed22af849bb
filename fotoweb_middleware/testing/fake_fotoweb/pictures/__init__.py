"""Pictures that the simulator draws itself: no image library, no photographs, always the same for the same asset."""

from __future__ import annotations

from random import Random
from typing import Final, Literal

from fotoweb_middleware.testing.fake_fotoweb.pictures.canvas import Canvas
from fotoweb_middleware.testing.fake_fotoweb.pictures.gardens import PLANTS
from fotoweb_middleware.testing.fake_fotoweb.pictures.landscapes import paint_coast, paint_mountains
from fotoweb_middleware.testing.fake_fotoweb.pictures.moods import MOODS
from fotoweb_middleware.testing.fake_fotoweb.pictures.towns import paint_city

__all__ = ["Scene", "draw"]

Scene = Literal["coast", "mountains", "city", "dahlia", "fern", "leaves", "poppies"]
LONG_SIDE: Final = 1200
PAINTERS: Final = {"coast": paint_coast, "mountains": paint_mountains, "city": paint_city}
GARDENERS: Final = dict(zip(("dahlia", "fern", "leaves", "poppies"), PLANTS, strict=True))


def draw(scene: Scene, mood: str, seed: int, shape: tuple[int, int], shown: tuple[int, int]) -> str:
    """Draw a picture as SVG text.

    Args:
        scene: what to paint.
        mood: a name in `moods.MOODS`; plants don't look at it.
        seed: the same one gives the same picture.
        shape: width and height of the whole picture, in any unit.
        shown: width and height in pixels; another shape crops the picture in the middle.
    """
    scale = LONG_SIDE / max(shape)
    canvas = Canvas(shape[0] * scale, shape[1] * scale, Random(seed * 7919))  # noqa: S311 - paint, no secret
    if scene in GARDENERS:
        GARDENERS[scene](canvas)
    else:
        PAINTERS[scene](canvas, MOODS[mood])
    return canvas.finish(*shown)
