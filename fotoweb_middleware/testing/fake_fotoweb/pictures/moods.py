"""Light: the colours of a time of day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fotoweb_middleware.testing.fake_fotoweb.pictures.canvas import Colour

__all__ = ["MOODS", "Mood"]


@dataclass(frozen=True, slots=True)
class Mood:
    """The colours of a time of day.

    Args:
        sky: from the zenith to the horizon.
        sun: sun or moon.
        far: land in the distance.
        near: land in front.
        water: nearest to the viewer.
        lights: colour of lit windows; empty: nobody needs light.
        stars: how many.
        sun_height: 0 at the horizon, 1 at the top.
    """

    sky: tuple[Colour, Colour, Colour]
    sun: Colour
    far: Colour
    near: Colour
    water: Colour
    lights: Colour = ""
    stars: int = 0
    sun_height: float = 0.3


MOODS: Final = {
    "first light": Mood(("#4f6d9c", "#c9a4ad", "#fbd9b0"), "#fff1cf", "#a69ab4", "#28304a", "#4c6488", sun_height=0.12),
    "clear day": Mood(("#2f7fc4", "#7fb8e0", "#dceefa"), "#fffbe8", "#8fb0c9", "#24423f", "#1d5f86", sun_height=0.75),
    "golden hour": Mood(("#3f6a94", "#eda660", "#ffd98c"), "#fff3c4", "#c78a62", "#2f2330", "#7a5a5e", sun_height=0.2),
    "red evening": Mood(
        ("#3a2f5e", "#b8475a", "#ff9d5c"), "#ffe0a0", "#85435f", "#1c1426", "#5a2f52", "#ffcf7a", 0, 0.08
    ),
    "blue hour": Mood(
        ("#0d2148", "#2c5286", "#a4b4cf"), "#fdf3dc", "#3f5f8c", "#0a1428", "#16325c", "#ffc96b", 30, 0.55
    ),
    "northern lights": Mood(
        ("#050c1f", "#0b2537", "#1c4a52"), "#dff7ea", "#17384a", "#04090f", "#0a222e", "#ffcb74", 150, 0.8
    ),
    "morning mist": Mood(("#9fb4bf", "#cfd8d8", "#f1ece0"), "#fffdf2", "#b6c3c4", "#36474a", "#8ea4a8", sun_height=0.4),
    "after the storm": Mood(
        ("#2d3a4a", "#66788a", "#e4d3a8"), "#fff4cf", "#6d7f8e", "#172128", "#3a5361", sun_height=0.25
    ),
}
