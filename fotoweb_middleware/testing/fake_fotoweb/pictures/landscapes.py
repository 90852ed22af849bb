"""Landscapes: coasts and mountains."""

from __future__ import annotations

from fotoweb_middleware.testing.fake_fotoweb.pictures.canvas import Canvas, blend, darker, lighter
from fotoweb_middleware.testing.fake_fotoweb.pictures.moods import Mood

__all__ = ["paint_coast", "paint_mountains", "paint_sky"]


def paint_sky(canvas: Canvas, mood: Mood, horizon: float) -> float:
    """Paint sky, stars, sun and clouds, and give where the sun stands (x)."""
    top, middle, low = mood.sky
    canvas.rect(
        0, 0, canvas.width, canvas.height, canvas.gradient((0, top, 1), (horizon * 0.62, middle, 1), (horizon, low, 1))
    )
    canvas.stars(mood.stars, canvas.height * horizon * 0.85)
    sun_x = canvas.width * canvas.rng.uniform(0.22, 0.78)
    sun_y = canvas.height * horizon * (1 - mood.sun_height)
    radius = min(canvas.width, canvas.height) * (0.032 if mood.stars else 0.05)
    canvas.glow(sun_x, sun_y, radius * 11, mood.sun, 0.55 if mood.stars else 0.8)
    canvas.circle(sun_x, sun_y, radius, lighter(mood.sun, 0.4))
    if mood.stars < 100:
        colour = blend(middle, mood.sun, 0.6)
        canvas.clouds(canvas.rng.randint(3, 6), canvas.height * 0.08, canvas.height * horizon * 0.8, colour, 0.45)
    else:
        paint_aurora(canvas, canvas.height * horizon)
    return sun_x


def paint_aurora(canvas: Canvas, bottom: float) -> None:
    """Hang curtains of northern lights."""
    canvas.definitions.append('<filter id="soft"><feGaussianBlur stdDeviation="14 26"/></filter>')
    for colour, strength in (("#3ff0a0", 0.75), ("#57e6c9", 0.55), ("#9a7bff", 0.4)):
        paint = canvas.gradient((0, colour, 0), (0.45, colour, strength * 0.5), (0.9, colour, strength), (1, colour, 0))
        line = canvas.ridge(bottom * canvas.rng.uniform(0.5, 0.8), bottom * 0.55, 5, 0.6)
        curtain = bottom * canvas.rng.uniform(0.35, 0.6)
        line = [(-150.0, line[0][1]), *line, (canvas.width + 150, line[-1][1])]
        upper = [(x + 30, y - curtain) for x, y in reversed(line)]
        canvas.polygon([*line, *upper], paint, ' filter="url(#soft)"')


def paint_water(canvas: Canvas, mood: Mood, top: float, sun_x: float) -> None:
    """Paint water from the horizon down, with the sun's path on it."""
    height = canvas.height - top
    near_sky = blend(mood.sky[2], mood.water, 0.35)
    canvas.rect(
        0,
        top,
        canvas.width,
        height,
        canvas.gradient((0, near_sky, 1), (0.35, mood.water, 1), (1, darker(mood.water, 0.45), 1)),
    )
    for _ in range(150):
        depth = canvas.rng.random() ** 1.6
        y = top + 3 + depth * height
        length = canvas.width * (0.01 + 0.09 * depth) * canvas.rng.uniform(0.4, 1)
        x = canvas.rng.uniform(0, canvas.width)
        paint = lighter(mood.water, 0.25) if canvas.rng.random() < 0.5 else darker(mood.water, 0.3)
        canvas.ellipse(x, y, (length, 0.8 + 2.2 * depth), paint, 0.22)
    for _ in range(90):
        depth = canvas.rng.random() ** 1.3
        x = sun_x + canvas.rng.gauss(0, 1) * canvas.width * (0.012 + 0.05 * depth)
        length = canvas.width * (0.006 + 0.03 * depth)
        canvas.ellipse(x, top + 2 + depth * height, (length, 0.8 + 2 * depth), mood.sun, 0.55 * (1 - 0.6 * depth))


def paint_coast(canvas: Canvas, mood: Mood) -> None:
    """Paint islands in the sea, and something on the shore."""
    horizon = canvas.rng.uniform(0.52, 0.62)
    sun_x = paint_sky(canvas, mood, horizon)
    sea = canvas.height * horizon
    for share, height in ((0.25, 0.34), (0.5, 0.24)):
        line = [
            (x, min(y, sea + 6)) for x, y in canvas.ridge(sea - canvas.height * height * 0.1, canvas.height * height)
        ]
        colour = blend(blend(mood.far, mood.sky[2], 0.35), mood.near, share * 0.6)
        canvas.land(line, sea + 3, canvas.gradient((0, colour, 1), (1, blend(colour, mood.sky[2], 0.45), 1)))
    paint_water(canvas, mood, sea, sun_x)
    shore = canvas.rng.choice((paint_lighthouse, paint_cabins, paint_boats))
    shore(canvas, mood, sea)
    paint_rocks(canvas, mood)


def paint_rocks(canvas: Canvas, mood: Mood) -> None:
    """Paint smooth rocks in the foreground, higher at one side."""
    slope = canvas.rng.choice((-1, 1)) * canvas.height * 0.16
    line = canvas.ridge(canvas.height * 0.97, canvas.height * 0.06, 6, 0.5)
    tilted = [(x, y - slope * (x / canvas.width - 0.5)) for x, y in line]
    paint = canvas.gradient(
        (0, blend(mood.near, mood.sun, 0.22), 1), (0.25, mood.near, 1), (1, darker(mood.near, 0.5), 1)
    )
    canvas.land(tilted, canvas.height, paint)


def paint_islet(canvas: Canvas, mood: Mood, x: float, sea: float, span: float) -> float:
    """Paint a small island, and give the height of its top."""
    rise = span * 0.16
    colour = darker(mood.near, 0.1)
    canvas.add(
        f'<path d="M{x - span:.1f} {sea + 4:.1f}Q{x - span * 0.5:.1f} {sea - rise * 1.1:.1f} {x:.1f} {sea - rise:.1f}'
        f'T{x + span:.1f} {sea + 4:.1f}Z" fill="{colour}"/>'
    )
    canvas.ellipse(x, sea + 7, (span, 5), colour, 0.45)
    return sea - rise


def paint_lighthouse(canvas: Canvas, mood: Mood, sea: float) -> None:
    """Put a lighthouse on an island, lit when it is dark."""
    x = canvas.width * canvas.rng.choice((0.2, 0.3, 0.7, 0.8))
    top = paint_islet(canvas, mood, x, sea + 8, canvas.width * 0.13) + 4
    tall = canvas.height * 0.16
    wide = tall * 0.13
    white = blend("#f4efe6", mood.near, 0.25 if not mood.lights else 0.5)
    red = blend("#b8322a", mood.near, 0.2 if not mood.lights else 0.4)
    body = [(x - wide, top), (x - wide * 0.65, top - tall), (x + wide * 0.65, top - tall), (x + wide, top)]
    canvas.polygon(body, white)
    for low, high in ((0.2, 0.42), (0.64, 0.86)):
        inner, outer = wide * (1 - 0.35 * high), wide * (1 - 0.35 * low)
        band = [(x - outer, top - tall * low), (x - inner, top - tall * high)]
        canvas.polygon([*band, (x + inner, top - tall * high), (x + outer, top - tall * low)], red)
    lamp = top - tall * 1.07
    canvas.rect(x - wide * 0.9, top - tall - 2, wide * 1.8, 4, darker(red, 0.5))
    canvas.rect(x - wide * 0.5, top - tall * 1.13, wide, tall * 0.13, mood.lights or "#e9f3f7")
    canvas.polygon(
        [(x - wide * 0.7, top - tall * 1.12), (x, top - tall * 1.24), (x + wide * 0.7, top - tall * 1.12)], red
    )
    if mood.lights:
        canvas.glow(x, lamp, tall * 0.9, mood.lights, 0.9)


def paint_cabins(canvas: Canvas, mood: Mood, sea: float) -> None:
    """Line up fishermen's cabins at the waterside, with their mirror images."""
    size = canvas.width * 0.052
    x = canvas.width * canvas.rng.uniform(0.08, 0.42)
    ground = sea + canvas.height * 0.045
    canvas.ellipse(x + size * 3, ground + 3, (size * 4.6, size * 0.22), darker(mood.near, 0.2))
    for index in range(canvas.rng.randint(3, 5)):
        wall = blend(
            canvas.rng.choice(("#a8322a", "#a8322a", "#c98a2c", "#ece6da")),
            mood.near,
            0.22 if not mood.lights else 0.45,
        )
        left, tall = x + index * size * 1.35, size * canvas.rng.uniform(0.62, 0.85)
        canvas.rect(left, ground, size, tall * 1.2, canvas.gradient((0, wall, 0.5), (1, wall, 0)))
        canvas.rect(left, ground - tall, size, tall, wall)
        roof = [
            (left - 4, ground - tall),
            (left + size / 2, ground - tall - size * 0.42),
            (left + size + 4, ground - tall),
        ]
        canvas.polygon(roof, darker(blend("#3a4046", mood.near, 0.4), 0.1))
        for offset in (0.18, 0.6):
            pane = (left + size * offset, ground - tall * 0.66)
            canvas.rect(*pane, size * 0.22, tall * 0.3, mood.lights or "#e8eef0")
            if mood.lights:
                canvas.glow(pane[0] + size * 0.11, pane[1] + tall * 0.15, size * 0.6, mood.lights, 0.5)


def paint_boats(canvas: Canvas, mood: Mood, sea: float) -> None:
    """Let one or two boats sail."""
    for _ in range(canvas.rng.randint(1, 2)):
        x = canvas.width * canvas.rng.uniform(0.18, 0.82)
        y = sea + canvas.height * canvas.rng.uniform(0.04, 0.14)
        tall = canvas.height * 0.05 + (y - sea) * 0.9
        sail = blend("#fbf6ea", mood.sky[1], 0.25)
        canvas.polygon([(x, y - tall), (x, y - 5), (x + tall * 0.48, y - 5)], sail)
        canvas.polygon([(x - 3, y - tall * 0.86), (x - 3, y - 5), (x - tall * 0.3, y - 5)], darker(sail, 0.12))
        hull = [(x - tall * 0.4, y - 3), (x + tall * 0.55, y - 3), (x + tall * 0.38, y + tall * 0.1)]
        canvas.polygon([*hull, (x - tall * 0.3, y + tall * 0.1)], darker(mood.near, 0.15))
        canvas.ellipse(x, y + tall * 0.16, (tall * 0.5, 3), sail, 0.35)


def paint_mountains(canvas: Canvas, mood: Mood) -> None:
    """Paint ranges one behind the other, mist between them, and a forest in front."""
    paint_sky(canvas, mood, 0.72)
    layers = 5
    for index in range(layers):
        share = index / (layers - 1)
        base = canvas.height * (0.46 + 0.36 * share)
        line = canvas.ridge(base, canvas.height * (0.42 - 0.27 * share), 8, 0.56 - 0.06 * share)
        colour = blend(mood.far, mood.near, share**1.2)
        snow = blend("#ffffff", mood.sky[1], 0.25)
        peak = snow if index == 0 else blend(colour, mood.sun, 0.12)
        foot = blend(colour, mood.sky[2], 0.6 * (1 - share))
        paint = canvas.gradient((0, peak, 1), (0.22 if index == 0 else 0.08, colour, 1), (0.75, foot, 1))
        canvas.land(line, canvas.height, paint)
    paint_forest(canvas, mood)


def paint_forest(canvas: Canvas, mood: Mood) -> None:
    """Plant two rows of spruces along the lower edge."""
    for row, count in ((0, 46), (1, 26)):
        colour = darker(blend(mood.near, mood.far, 0.22 if row == 0 else 0), 0.1 + 0.25 * row)
        ground = canvas.ridge(canvas.height * (0.93 + 0.07 * row), canvas.height * 0.05, 5, 0.5)
        canvas.land(ground, canvas.height, colour)
        for _ in range(count):
            x, y = canvas.rng.choice(ground)
            tall = canvas.height * canvas.rng.uniform(0.07, 0.13) * (1 + 0.7 * row)
            paint_spruce(canvas, x + canvas.rng.uniform(-12, 12), y + 8, tall, colour)


def paint_spruce(canvas: Canvas, x: float, y: float, tall: float, colour: str) -> None:
    """Plant one spruce."""
    tiers = 6
    left, right = [], []
    for tier in range(tiers):
        low = y - tall * (1 - (tier + 1) / tiers) * 1.0
        spread = tall * 0.2 * (tier + 1) / tiers * canvas.rng.uniform(0.85, 1.15)
        left += [(x - spread, low), (x - spread * 0.5, low - tall * 0.02)]
        right += [(x + spread, low), (x + spread * 0.5, low - tall * 0.02)]
    canvas.polygon([(x, y - tall), *left, *reversed(right)], colour)
