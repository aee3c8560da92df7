"""Colours as BGR, the light of each hour and weather, and how fog and headlights change a colour with distance."""

import math
from dataclasses import dataclass

Colour = tuple[float, float, float]


def bgr(code: str) -> Colour:
    """`#rrggbb` as (blue, green, red), 0 to 255."""
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    return float(blue), float(green), float(red)


PAINT = {
    "red": bgr("#d3202a"),
    "blue": bgr("#1f56c8"),
    "green": bgr("#1d9a46"),
    "white": bgr("#f3f3ef"),
    "black": bgr("#202124"),
    "yellow": bgr("#f4cb16"),
    "grey": bgr("#8f9499"),
    "orange": bgr("#f27b14"),
}
SIGNAL_LAMPS = {"red": bgr("#ff2a20"), "yellow": bgr("#ffc814"), "green": bgr("#21e06a")}
GLASS, RUBBER, METAL = bgr("#31424f"), bgr("#17181a"), bgr("#6d7379")
SKIN, HAIR, TROUSERS = bgr("#dba27e"), bgr("#3a2a1f"), bgr("#2f3a4c")
ASPHALT, PAVEMENT, GRASS, EARTH = bgr("#55585d"), bgr("#a9a49b"), bgr("#6f9a4d"), bgr("#8c8a80")
MARKING, KERB = bgr("#e9e8e2"), bgr("#c9c5bb")

# hour → (top of the sky, horizon, ambient light on things)
_HOURS = {
    "morning": (bgr("#6fa5d8"), bgr("#fbdcb4"), (0.90, 0.96, 1.0)),
    "daytime": (bgr("#3f8bd9"), bgr("#cfe6f5"), (1.0, 1.0, 1.0)),
    "evening": (bgr("#3f4f86"), bgr("#f59a5b"), (0.66, 0.68, 0.80)),
    "night": (bgr("#060a1a"), bgr("#1b2542"), (0.36, 0.30, 0.28)),
}
_GREYS = {"morning": bgr("#b4b8bc"), "daytime": bgr("#a9b0b6"), "evening": bgr("#6d6870"), "night": bgr("#171b25")}
_MISTS = {"morning": bgr("#d9d7d0"), "daytime": bgr("#d3d7d9"), "evening": bgr("#a08f8c"), "night": bgr("#2c313a")}


@dataclass(frozen=True)
class Light:
    """The light of a scene: `ambient` factors (B, G, R); `fog` per metre; `lamps` whether lamps are lit."""

    top: Colour
    horizon: Colour
    ambient: Colour
    haze: Colour
    fog: float
    lamps: bool

    def on(self, colour: Colour, metres: float, shade: float = 1.0, *, shines: bool = False) -> Colour:
        """What a thing of this colour looks like at this distance."""
        through = math.exp(-self.fog * metres)
        beam = 0.72 * math.exp(-metres / 24) if self.lamps else 0.0
        blue, green, red = (
            min(255.0, c * (1.0 if shines else min(1.0, a + beam) * shade) * through + h * (1 - through))
            for c, a, h in zip(colour, self.ambient, self.haze, strict=True)
        )
        return blue, green, red


def light_of(weather: str, time: str) -> Light:
    """The light of an hour in a weather."""
    top, horizon, ambient = _HOURS[time]
    dim, fog, haze = 1.0, 0.0011, horizon
    if weather == "rain":
        grey = _GREYS[time]
        top, horizon, haze = _mixed(top, grey, 0.8), _mixed(horizon, grey, 0.85), grey
        dim, fog = 0.80, 0.006
    elif weather == "fog":
        haze = _MISTS[time]
        top, horizon = _mixed(top, haze, 0.82), haze
        dim, fog = 0.94, 0.034
    blue, green, red = (a * dim for a in ambient)
    return Light(top, horizon, (blue, green, red), haze, fog, time == "night")


def _mixed(a: Colour, b: Colour, share: float) -> Colour:
    blue, green, red = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return blue, green, red
