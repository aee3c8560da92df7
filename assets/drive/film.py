"""A scene's film: any of its frames as a picture, and what of the scene is in view in it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..phantoms.streams import stream
from .canvas import HEIGHT, WIDTH, Canvas
from .ground import Ground, railing
from .motion import Pose, Track, track_of
from .palette import Light, light_of
from .people import draw_person
from .plan import Plan
from .sky import GROUND, ground_light, rain_pictures, sky_picture
from .standing import Draw, standing_things
from .truth import Agent, Scene
from .vehicles import HALF_LENGTH_M, draw_vehicle
from .vocabulary import THINGS

FARTHEST_M, FARTHEST_THING_M = 75.0, 95.0
FEWEST_PIXELS = 40  # of a road user or a thing that counts as in view
LEAST_SHOWN = 0.35  # of a road user's outline
LEAST_CONTRAST = 0.22  # what fog leaves
_FIRST_THING = 20  # labels below are road users
_LABELS = {name: _FIRST_THING + i for i, name in enumerate((*THINGS, "signal"))}


@dataclass(frozen=True)
class Standing:
    """A thing at its place, metres from the camera."""

    draw: Draw
    x: float
    z: float


@dataclass(frozen=True)
class Moving:
    """A road user at its place, z in metres from the camera."""

    agent: Agent
    pose: Pose

    @property
    def half(self) -> float:
        """Half of what it measures along the road."""
        return HALF_LENGTH_M.get(self.agent.kind, 0.3) * abs(float(np.cos(self.pose.turn)))


Drawable = tuple[float, int, Standing | Moving]  # metres ahead, label, what


@dataclass(frozen=True)
class Frame:
    """A picture (270, 480, 3) uint8 BGR, the scene as far as it is in view, and each pixel's label.

    A label is 1 + the road user's place in the whole scene's list, or 0, or a thing's.
    """

    picture: NDArray[np.uint8]
    seen: Scene
    labels: NDArray[np.uint8]


class Film:
    """A scene in motion for `seconds`."""

    def __init__(self, scene: Scene, seed: int, seconds: float):
        self.scene, self.seconds = scene, seconds
        self.plan = Plan(scene, seconds)
        self.light: Light = light_of(scene.weather, scene.time)
        rng = stream(seed, "film", scene.name)
        self.sky = sky_picture(scene, self.light, rng)
        self.factor, self.haze = ground_light(self.light)
        self.rain = rain_pictures(self.light, rng) if scene.weather == "rain" else []
        self.tracks: list[Track] = []
        slots: dict[str, int] = {}
        for agent in scene.agents:
            slot = slots.get(agent.action, 0)
            slots[agent.action] = slot + 1
            self.tracks.append(track_of(self.plan, agent, slot, rng))

    def picture(self, seconds: float) -> NDArray[np.uint8]:
        """The frame at this time, (270, 480, 3) uint8 BGR."""
        return self._draw(seconds, labelled=False)[0].picture

    def frame(self, seconds: float) -> Frame:
        """The frame at this time with what is in view."""
        canvas, whole = self._draw(seconds, labelled=True)
        labels = canvas.labels if canvas.labels is not None else np.zeros((HEIGHT, WIDTH), np.uint8)
        counts = np.bincount(labels.ravel(), minlength=256)
        agents = tuple(
            agent
            for i, agent in enumerate(self.scene.agents)
            if i in whole and self._in_view(int(counts[i + 1]), *whole[i])
        )
        things = tuple(t for t in self.scene.things if counts[_LABELS[t]] >= FEWEST_PIXELS)
        signal = self.scene.signal if counts[_LABELS["signal"]] >= FEWEST_PIXELS else "none"
        return Frame(canvas.picture, replace(self.scene, agents=agents, things=things, signal=signal), labels)

    def _in_view(self, shown: int, outline: int, metres: float) -> bool:
        contrast = float(np.exp(-self.light.fog * metres))
        return shown >= max(FEWEST_PIXELS, LEAST_SHOWN * outline) and contrast >= LEAST_CONTRAST

    def _draw(self, seconds: float, *, labelled: bool) -> tuple[Canvas, dict[int, tuple[int, float]]]:
        """The canvas, and each drawn road user's outline in pixels and distance in metres."""
        u = seconds / self.seconds
        ego = self.plan.ego(u)
        canvas = Canvas(self.sky.copy(), self.light, labelled=labelled)
        self._ground(canvas, ego)
        drawables = in_order(self._drawables(u, ego))
        if self.rain:
            self._reflections(canvas, drawables, seconds)
        if self.scene.road in {"highway", "bridge"}:
            self._rails(canvas, ego)
        whole: dict[int, tuple[int, float]] = {}
        for z, label, what in drawables:
            canvas.label = label
            self._put(canvas, what, seconds)
            if canvas.labels is not None and label < _FIRST_THING:
                whole[label - 1] = (int(np.count_nonzero(canvas.labels == label)), z)
        canvas.shine()
        if self.rain:
            number = round(seconds * 10)
            layer = self.rain[number % len(self.rain)]
            cv2.add(canvas.picture, np.roll(layer, (number * 37) % HEIGHT, axis=0), dst=canvas.picture)
        return canvas, whole

    def _ground(self, canvas: Canvas, ego: float) -> None:
        """The ground in its own colours, then the light and the haze of each row on it."""
        bare = Canvas(canvas.picture, _FLAT)
        bare.labels = canvas.labels
        Ground(bare, self.plan, ego, _LABELS).draw()
        below = canvas.picture[GROUND:]
        below[:] = cv2.add(cv2.multiply(below, self.factor, scale=1 / 255), self.haze)

    def _rails(self, canvas: Canvas, ego: float) -> None:
        plan = self.plan
        label = _LABELS["guard rail"] if "guard rail" in self.scene.things else 0
        if self.scene.road == "bridge" or label:
            for x in (plan.kerb_left - 3.2, plan.kerb_right + 3.2) if not label else (plan.kerb_left, plan.kerb_right):
                railing(canvas, x, 4.0 - ego % 4.0, label)

    def _reflections(self, canvas: Canvas, drawables: list[Drawable], seconds: float) -> None:
        """A wet road mirrors what stands on it, smeared upwards and downwards."""
        mirror = Canvas(canvas.picture.copy(), self.light, mirrored=True)
        for _, label, what in drawables:
            if label < _FIRST_THING or label in {_LABELS["signal"], _LABELS["street lamps"]}:
                self._put(mirror, what, seconds)
        mirror.shine()
        below, shown = canvas.picture[GROUND:], cv2.blur(mirror.picture[GROUND:], (3, 13))
        cv2.addWeighted(below, 0.62, shown, 0.38, 0, dst=below)

    def _drawables(self, u: float, ego: float) -> list[Drawable]:
        found: list[Drawable] = []
        for number, (agent, track) in enumerate(zip(self.scene.agents, self.tracks, strict=True)):
            pose = track(u)
            pose = replace(pose, z=pose.z - ego)
            user = Moving(agent, pose)
            if pose.z - user.half > 1.0 and pose.z < FARTHEST_M:
                found.append((pose.z, number + 1, user))
        for x, z, thing, draw in standing_things(self.plan, ego):
            if 1.2 < z - ego < FARTHEST_THING_M:
                found.append((z - ego, _LABELS[thing], Standing(draw, x, z - ego)))
        return found

    def _put(self, canvas: Canvas, what: Standing | Moving, seconds: float) -> None:
        match what:
            case Moving(agent, pose):
                if agent.kind in HALF_LENGTH_M:
                    blink = agent.action in {"stopped on the shoulder", "unloading on the right"}
                    blink &= int(seconds * 2.5) % 2 == 0
                    parked = agent.action.startswith("parked")
                    draw_vehicle(canvas, agent.kind, agent.colour, pose, blink=blink, parked=parked)
                else:
                    draw_person(canvas, agent, pose, seconds)
            case Standing():
                what.draw(canvas, what.x, what.z)


def in_order(found: list[Drawable]) -> list[Drawable]:
    """From far to near. What stands beside a long vehicle, on the side away from us, is behind it."""
    keys = [z for z, _, _ in found]
    for _, _, user in found:
        if isinstance(user, Moving) and user.half > 1.5 and abs(user.pose.x) > 1.2:
            for i, (z, _, other) in enumerate(found):
                x = other.x if isinstance(other, Standing) else other.pose.x
                beside = user.pose.z - user.half < z <= user.pose.z
                if beside and (x - user.pose.x) * np.sign(user.pose.x) > 0.5:
                    keys[i] = max(keys[i], user.pose.z + 0.01)
    return [found[i] for i in sorted(range(len(found)), key=lambda i: -keys[i])]


_FLAT = Light((0, 0, 0), (0, 0, 0), (1.0, 1.0, 1.0), (0, 0, 0), 0.0, lamps=False)
