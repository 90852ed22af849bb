"""The easel: colours, soft shapes and the frame of every picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

__all__ = ["Canvas", "Colour", "blend", "darker", "lighter"]

Colour = str
"""`#rrggbb`."""


def blend(first: Colour, second: Colour, share: float) -> Colour:
    """Mix two colours; `share` 0 gives the first, 1 the second."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def darker(colour: Colour, share: float) -> Colour:
    """Mix with a blue-black, which looks more like shade than black does."""
    return blend(colour, "#05080f", share)


def lighter(colour: Colour, share: float) -> Colour:
    """Mix with a warm white."""
    return blend(colour, "#fff8ec", share)


@dataclass(slots=True)
class Canvas:
    """Collects the parts of one SVG picture.

    Args:
        width: in picture units.
        height: in picture units.
        rng: makes each picture different and always the same.
    """

    width: float
    height: float
    rng: Random
    parts: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)

    def add(self, markup: str) -> None:
        """Paint over what is there."""
        self.parts.append(markup)

    def gradient(self, *stops: tuple[float, Colour, float], direction: str = "down") -> str:
        """Define a gradient of (offset, colour, opacity) stops and give its paint.

        Args:
            stops: offset and opacity from 0 to 1.
            direction: "down" or "out" (radial).
        """
        name = f"g{len(self.definitions)}"
        inside = "".join(
            f'<stop offset="{offset:.2f}" stop-color="{colour}" stop-opacity="{opacity:.2f}"/>'
            for offset, colour, opacity in stops
        )
        if direction == "out":
            self.definitions.append(f'<radialGradient id="{name}">{inside}</radialGradient>')
        else:
            self.definitions.append(f'<linearGradient id="{name}" x2="0" y2="1">{inside}</linearGradient>')
        return f"url(#{name})"

    def rect(  # noqa: PLR0913, PLR0917 - a rectangle has four numbers
        self, x: float, y: float, width: float, height: float, paint: str, extra: str = ""
    ) -> None:
        """Paint a rectangle."""
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{paint}"{extra}/>')

    def circle(self, x: float, y: float, radius: float, paint: str, extra: str = "") -> None:
        """Paint a disc."""
        self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{paint}"{extra}/>')

    def ellipse(self, x: float, y: float, radii: tuple[float, float], paint: str, opacity: float = 1) -> None:
        """Paint an ellipse."""
        self.add(
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{radii[0]:.1f}" ry="{radii[1]:.1f}" fill="{paint}" '
            f'opacity="{opacity:.2f}"/>'
        )

    def polygon(self, points: list[tuple[float, float]], paint: str, extra: str = "") -> None:
        """Paint a polygon."""
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.add(f'<polygon points="{text}" fill="{paint}"{extra}/>')

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 0.9) -> None:
        """Paint a soft light."""
        stops = ((0.0, colour, strength), (0.3, colour, strength * 0.4), (1.0, colour, 0.0))
        self.circle(x, y, radius, self.gradient(*stops, direction="out"))

    def ridge(self, base: float, height: float, steps: int = 7, rough: float = 0.55) -> list[tuple[float, float]]:
        """Draw the line of a range of hills by midpoint displacement, from the left edge to the right one.

        Args:
            base: height of the line's mean, from the top.
            height: how far it goes up and down.
            steps: how often it is divided; more is finer.
            rough: 0.4 gives dunes, 0.65 gives crags.
        """
        line = [self.rng.uniform(-0.5, 0.5), self.rng.uniform(-0.5, 0.5)]
        swing = 1.0
        for _ in range(steps):
            swing *= rough
            between = [(a + b) / 2 + self.rng.uniform(-swing, swing) for a, b in pairwise(line)]
            line = [value for pair in zip(line, between, strict=False) for value in pair] + [line[-1]]
        step = self.width / (len(line) - 1)
        return [(index * step, base - value * height) for index, value in enumerate(line)]

    def land(self, line: list[tuple[float, float]], bottom: float, paint: str) -> None:
        """Fill the land under a ridge."""
        self.polygon([(0.0, bottom), *line, (self.width, bottom)], paint)

    def stars(self, count: int, bottom: float) -> None:
        """Scatter stars above a line."""
        for _ in range(count):
            x, y = self.rng.uniform(0, self.width), bottom * self.rng.random() ** 1.4
            self.circle(x, y, self.rng.uniform(0.6, 2.2), "#ffffff", f' opacity="{self.rng.uniform(0.3, 0.95):.2f}"')

    def clouds(self, count: int, top: float, bottom: float, colour: Colour, strength: float = 0.5) -> None:
        """Lay long bands of cloud."""
        paint = self.gradient((0.0, colour, strength), (0.6, colour, strength * 0.5), (1.0, colour, 0), direction="out")
        for _ in range(count):
            x, y = self.rng.uniform(-0.1, 1.1) * self.width, self.rng.uniform(top, bottom)
            span = self.rng.uniform(0.12, 0.42) * self.width
            for _ in range(3):
                offset = self.rng.uniform(-0.5, 0.5) * span
                radii = (span * self.rng.uniform(0.5, 1.0), span * self.rng.uniform(0.03, 0.08))
                self.ellipse(x + offset, y + self.rng.uniform(-8, 8), radii, paint)

    def finish(self, shown_width: int, shown_height: int) -> str:
        """Frame the picture with a little vignette and film grain, and give the SVG text.

        Args:
            shown_width: in pixels. Another shape than the picture's crops it in the middle.
            shown_height: in pixels.
        """
        w, h = self.width, self.height
        reach = math.hypot(w, h) / 2
        dark = self.gradient((0.0, "#000000", 0), (0.62, "#000000", 0), (1.0, "#000000", 0.26), direction="out")
        self.circle(w / 2, h / 2, reach, dark)
        self.definitions.append(
            '<filter id="grain" x="0" y="0" width="1" height="1"><feTurbulence type="fractalNoise" baseFrequency=".8" '
            f'numOctaves="2" seed="{self.rng.randrange(99)}"/><feColorMatrix type="saturate" values="0"/></filter>'
        )
        grain = ' filter="url(#grain)" opacity=".09" style="mix-blend-mode:overlay"'
        self.rect(0, 0, w, h, "#808080", grain)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{shown_width}" height="{shown_height}" viewBox="0 0 {w:.0f} {h:.0f}" '
            f'preserveAspectRatio="xMidYMid slice"><defs>{"".join(self.definitions)}</defs>{"".join(self.parts)}</svg>'
        )
