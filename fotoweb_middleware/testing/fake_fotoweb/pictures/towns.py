"""Cities: skylines with lit windows and their mirror image in the river."""

from __future__ import annotations

from fotoweb_middleware.testing.fake_fotoweb.pictures.canvas import Canvas, blend, darker, lighter
from fotoweb_middleware.testing.fake_fotoweb.pictures.landscapes import paint_sky
from fotoweb_middleware.testing.fake_fotoweb.pictures.moods import Mood

__all__ = ["paint_city"]


def paint_city(canvas: Canvas, mood: Mood) -> None:
    """Paint three rows of houses, a river, and everything once more upside down in it."""
    bank = canvas.rng.uniform(0.66, 0.74)
    paint_sky(canvas, mood, bank)
    shore = canvas.height * bank
    start = len(canvas.parts)
    for row in range(3):
        paint_row(canvas, mood, shore, row)
    houses = "".join(canvas.parts[start:])
    del canvas.parts[start:]
    canvas.add(f'<g id="town">{houses}</g>')
    paint_river(canvas, mood, shore)


def paint_row(canvas: Canvas, mood: Mood, shore: float, row: int) -> None:
    """Paint one row of houses; row 0 is the farthest and tallest."""
    colour = blend(blend(mood.far, mood.sky[2], 0.2), mood.near, (0.35, 0.7, 1.0)[row])
    x = -canvas.rng.uniform(0, 30)
    while x < canvas.width:
        wide = canvas.width * canvas.rng.uniform(0.035, 0.085)
        tall = canvas.height * canvas.rng.uniform(0.12, 0.26) * (1.75, 1.15, 0.62)[row]
        tall *= canvas.rng.choice((0.7, 1, 1, 1.25)) if row == 0 else 1
        paint_house(canvas, mood, (x, shore - tall, wide, tall), colour, row)
        x += wide * canvas.rng.uniform(0.95, 1.15)


def paint_house(canvas: Canvas, mood: Mood, box: tuple[float, float, float, float], colour: str, row: int) -> None:
    """Paint one house with roof and windows."""
    x, y, wide, tall = box
    canvas.rect(
        x, y, wide, tall + 2, canvas.gradient((0, blend(colour, mood.sky[2], 0.14), 1), (1, darker(colour, 0.2), 1))
    )
    roof = canvas.rng.random()
    if row == 0 and roof < 0.3:
        canvas.rect(x + wide * 0.48, y - tall * 0.18, wide * 0.05, tall * 0.18, colour)
    elif row > 0 and roof < 0.6:
        canvas.polygon([(x, y), (x + wide / 2, y - wide * 0.45), (x + wide, y)], darker(colour, 0.12))
    pane = canvas.width * 0.0058
    lit = mood.lights or lighter(mood.sky[2], 0.2)
    chance = 0.42 if mood.lights else 0.25
    columns, lines = int(wide / (pane * 2.4)), int(tall / (pane * 3.6))
    for line in range(min(lines, 16)):
        for column in range(columns):
            if canvas.rng.random() < chance:
                left, top = x + pane * (1 + column * 2.4), y + pane * (1.5 + line * 3.6)
                warm = blend(lit, canvas.rng.choice(("#fff4d6", "#ff9f4a", "#bfe3ff")), 0.35)
                canvas.rect(left, top, pane, pane * 1.7, warm, f' opacity="{canvas.rng.uniform(0.45, 1):.2f}"')


def paint_river(canvas: Canvas, mood: Mood, shore: float) -> None:
    """Paint the river with the town's mirror image, broken by ripples."""
    deep = canvas.height - shore
    water = canvas.gradient((0, blend(mood.sky[2], mood.water, 0.55), 1), (1, darker(mood.water, 0.55), 1))
    canvas.rect(0, shore, canvas.width, deep, water)
    canvas.definitions.append('<filter id="ripple"><feGaussianBlur stdDeviation="1.2 5"/></filter>')
    canvas.definitions.append(
        f'<clipPath id="river"><rect y="{shore:.1f}" width="{canvas.width:.0f}" height="{deep:.1f}"/></clipPath>'
    )
    mirror = f'transform="translate(0 {2 * shore:.1f}) scale(1 -1)"'
    canvas.add(f'<g clip-path="url(#river)" opacity=".6"><g filter="url(#ripple)"><use href="#town" {mirror}/></g></g>')
    veil = canvas.gradient((0, darker(mood.water, 0.3), 0), (1, darker(mood.water, 0.6), 0.9))
    canvas.rect(0, shore, canvas.width, deep, veil)
    for _ in range(120):
        depth = canvas.rng.random()
        x, y = canvas.rng.uniform(0, canvas.width), shore + 4 + depth * deep
        paint = canvas.rng.choice((mood.lights or mood.sun, mood.sky[2], darker(mood.water, 0.4)))
        canvas.ellipse(x, y, (canvas.width * (0.008 + 0.03 * depth), 0.8 + 1.4 * depth), paint, 0.22)
    canvas.rect(0, shore - 2, canvas.width, 5, darker(mood.near, 0.35))
