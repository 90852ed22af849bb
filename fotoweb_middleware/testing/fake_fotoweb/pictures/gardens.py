"""Gardens: flowers and leaves, close up, in front of a soft background."""

from __future__ import annotations

import math

from fotoweb_middleware.testing.fake_fotoweb.pictures.canvas import Canvas, blend, darker, lighter

__all__ = ["PLANTS", "paint_dahlia", "paint_fern", "paint_leaves", "paint_poppies"]

GREENS = ("#1f4a38", "#2e6244", "#3f7a4c", "#5b9155", "#86ab5e")


def paint_background(canvas: Canvas, dark: str, bright: str) -> None:
    """Paint a garden out of focus."""
    canvas.rect(
        0,
        0,
        canvas.width,
        canvas.height,
        canvas.gradient((0, bright, 1), (0.5, blend(dark, bright, 0.45), 1), (1, dark, 1)),
    )
    for _ in range(34):
        x, y = canvas.rng.uniform(0, canvas.width), canvas.rng.uniform(0, canvas.height)
        radius = canvas.width * canvas.rng.uniform(0.02, 0.09)
        colour = blend(canvas.rng.choice((bright, dark, *GREENS)), "#fff3c9", canvas.rng.uniform(0, 0.5))
        canvas.glow(x, y, radius * 1.6, colour, canvas.rng.uniform(0.15, 0.5))
        if canvas.rng.random() < 0.4:
            canvas.circle(x, y, radius * 0.8, lighter(colour, 0.3), ' opacity=".13"')


def petal(reach: float, width: float) -> str:
    """Give the path of a petal that starts at the origin and points up."""
    return (
        f"M0 0C{-width:.1f} {-reach * 0.3:.1f} {-width * 0.9:.1f} {-reach * 0.85:.1f} 0 {-reach:.1f}"
        f"C{width * 0.9:.1f} {-reach * 0.85:.1f} {width:.1f} {-reach * 0.3:.1f} 0 0Z"
    )


def paint_dahlia(canvas: Canvas) -> None:
    """Paint one large dahlia, ring by ring."""
    tint = canvas.rng.choice(("#d4495f", "#e9894a", "#b04a9a", "#e8c15a", "#8a5bd0", "#f0a7b0"))
    paint_background(canvas, "#12281f", "#6c8f5a")
    x, y = canvas.width * canvas.rng.uniform(0.4, 0.6), canvas.height * canvas.rng.uniform(0.42, 0.55)
    size = min(canvas.width, canvas.height) * canvas.rng.uniform(0.36, 0.43)
    stem = f"M{x:.0f} {y:.0f}Q{x + 20:.0f} {canvas.height * 0.8:.0f} {x - 30:.0f} {canvas.height + 20:.0f}"
    canvas.add(f'<path d="{stem}" stroke="#2c5a38" stroke-width="{size * 0.06:.0f}" fill="none"/>')
    rings = 8
    for ring in range(rings):
        share = ring / (rings - 1)
        reach = size * (1 - 0.84 * share)
        count = round(20 - 9 * share)
        outer, inner = (
            blend(tint, "#fff0e2", 0.3 - 0.3 * share),
            darker(blend(tint, "#7a1030", 0.15), 0.2 + 0.25 * share),
        )
        paint = canvas.gradient((0, outer, 1), (0.55, blend(outer, tint, 0.7), 1), (1, inner, 1))
        shape = petal(reach, reach * (0.15 + 0.07 * share))
        for index in range(count):
            angle = 360 / count * (index + 0.5 * (ring % 2)) + canvas.rng.uniform(-3, 3)
            canvas.add(
                f'<path d="{shape}" fill="{paint}" stroke="{darker(inner, 0.3)}" stroke-opacity=".35" '
                f'transform="translate({x:.1f} {y:.1f}) rotate({angle:.1f})"/>'
            )
    canvas.glow(x, y, size * 0.25, lighter(tint, 0.5), 0.5)


def paint_fern(canvas: Canvas) -> None:
    """Paint arching fronds of fern."""
    paint_background(canvas, "#0b1f1a", canvas.rng.choice(("#5d8a55", "#8aa55a", "#4f8573")))
    for index in range(9):
        depth = index / 8
        colour = blend(blend(GREENS[0], "#0d2b22", 0.4), canvas.rng.choice(GREENS[2:]), 0.2 + 0.75 * depth)
        start = (canvas.width * canvas.rng.uniform(-0.05, 1.05), canvas.height * canvas.rng.uniform(0.95, 1.12))
        lean = (0.5 - start[0] / canvas.width) * 70 + canvas.rng.uniform(-38, 38)
        paint_frond(canvas, start, lean, canvas.height * canvas.rng.uniform(0.75, 1.0), colour)


def paint_frond(canvas: Canvas, start: tuple[float, float], lean: float, length: float, colour: str) -> None:
    """Paint one frond: leaflets along a bending stem, shorter towards the tip."""
    x, y = start
    angle, parts = math.radians(lean - 90), 30
    bend = math.radians(math.copysign(canvas.rng.uniform(1.2, 2.6), lean))
    for index in range(parts):
        share = index / parts
        leaflet = length * 0.3 * math.sin(math.pi * min(1, 0.22 + share * 0.78)) * (1 - share * 0.55)
        tone = blend(colour, lighter(colour, 0.45), share * 0.7)
        for side in (-1, 1):
            turn = math.degrees(angle) + 90 + side * (66 - 22 * share)
            shape = petal(leaflet, leaflet * 0.12)
            shade = tone if side < 0 else darker(tone, 0.16)
            canvas.add(f'<path d="{shape}" fill="{shade}" transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f})"/>')
        x, y = x + math.cos(angle) * length / parts, y + math.sin(angle) * length / parts
        angle += bend


def paint_leaves(canvas: Canvas) -> None:
    """Paint large overlapping leaves with veins."""
    paint_background(canvas, "#0c231c", canvas.rng.choice(("#3f7a5c", "#7a9a4f")))
    tints = canvas.rng.choice(
        (
            GREENS,
            ("#6d2f2a", "#a8512f", "#cf8434", "#e0b04a", "#8a3b3b"),
            ("#1d4f52", "#2f7a74", "#58a08a", "#9cc7a0", "#2a6a5a"),
        )
    )
    for index in range(17):
        depth = index / 16
        tint = darker(canvas.rng.choice(tints), 0.45 * (1 - depth))
        x, y = canvas.width * canvas.rng.uniform(-0.05, 1.05), canvas.height * canvas.rng.uniform(0.15, 1.15)
        reach = min(canvas.width, canvas.height) * canvas.rng.uniform(0.42, 0.7)
        paint_leaf(canvas, (x, y), reach, canvas.rng.uniform(-75, 75), tint)


def paint_leaf(canvas: Canvas, foot: tuple[float, float], reach: float, angle: float, tint: str) -> None:
    """Paint one leaf with a light half, a dark half, and veins."""
    wide = reach * 0.36
    bright = canvas.gradient((0, lighter(tint, 0.28), 1), (1, tint, 1))
    dark = canvas.gradient((0, lighter(tint, 0.08), 1), (1, darker(tint, 0.3), 1))
    halves = [
        f'<path d="M0 0C{side * wide:.0f} {-reach * 0.25:.0f} {side * wide:.0f} {-reach * 0.72:.0f} 0 {-reach:.0f}Z" '
        f'fill="{paint}"/>'
        for side, paint in ((-1, bright), (1, dark))
    ]
    veins = "".join(
        f"M0 {-reach * (0.12 + step * 0.11):.0f}q{side * wide * 0.4:.0f} {-reach * 0.05:.0f} "
        f"{side * wide * 0.66 * math.sin(math.pi * (0.2 + step * 0.1)):.0f} {-reach * 0.15:.0f}"
        for step in range(7)
        for side in (-1, 1)
    )
    pen = f'fill="none" stroke="{lighter(tint, 0.5)}" stroke-opacity=".5" stroke-width="2"'
    lines = f'<path d="M0 0V{-reach:.0f}{veins}" {pen}/>'
    place = f"translate({foot[0]:.0f} {foot[1]:.0f}) rotate({angle:.0f})"
    shadow = f'<path d="{petal(reach, wide)}" transform="translate(7 12)" opacity=".22"/>'
    canvas.add(f'<g transform="{place}">{shadow}{"".join(halves)}{lines}</g>')


def paint_poppies(canvas: Canvas) -> None:
    """Paint a meadow of poppies."""
    tint = canvas.rng.choice(("#e2432f", "#ef7a3a", "#f2c14a", "#e78aa6"))
    paint_background(canvas, "#2c4a30", canvas.rng.choice(("#cfdcae", "#a9c9d6", "#f0d9a8")))
    for _ in range(130):
        x, tall = canvas.rng.uniform(0, canvas.width), canvas.height * canvas.rng.uniform(0.12, 0.5)
        bend, lean = canvas.rng.uniform(-20, 20), canvas.rng.uniform(-45, 45)
        blade = f"M{x:.0f} {canvas.height:.0f}q{bend:.0f} {-tall * 0.6:.0f} {lean:.0f} {-tall:.0f}"
        canvas.add(
            f'<path d="{blade}" fill="none" stroke="{canvas.rng.choice(GREENS)}" stroke-width="3" opacity=".6"/>'
        )
    for index in range(13):
        depth = (index + 1) / 13
        x, y = canvas.width * canvas.rng.uniform(0.03, 0.97), canvas.height * (0.28 + 0.45 * canvas.rng.random())
        size = canvas.width * (0.022 + 0.062 * depth)
        bend = x + canvas.rng.uniform(-40, 40)
        stem = f"M{x:.0f} {y:.0f}Q{bend:.0f} {canvas.height * 0.8:.0f} {x:.0f} {canvas.height:.0f}"
        canvas.add(f'<path d="{stem}" fill="none" stroke="{GREENS[1]}" stroke-width="{2 + 3 * depth:.0f}"/>')
        paint_poppy(canvas, (x, y), size, blend(blend(tint, "#fff0dc", 0.35), tint, depth))


def paint_poppy(canvas: Canvas, middle: tuple[float, float], size: float, tint: str) -> None:
    """Paint one poppy: four wide petals around a dark eye."""
    x, y = middle
    paint = canvas.gradient((0, lighter(tint, 0.25), 1), (1, darker(tint, 0.25), 1))
    turn = canvas.rng.uniform(0, 90)
    for index in range(4):
        shape = petal(size, size * 0.78)
        angle = turn + 90 * index + canvas.rng.uniform(-10, 10)
        place = f"translate({x:.1f} {y:.1f}) scale(1 .82) rotate({angle:.1f})"
        canvas.add(
            f'<path d="{shape}" fill="{paint}" stroke="{darker(tint, 0.4)}" stroke-opacity=".3" transform="{place}"/>'
        )
    canvas.circle(x, y, size * 0.2, "#1d1a22")
    canvas.circle(x, y, size * 0.1, "#5a6b3c")


PLANTS = (paint_dahlia, paint_fern, paint_leaves, paint_poppies)
