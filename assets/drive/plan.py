"""The ground plan of a drawn scene: where lanes, kerbs, the stop line and the standing things are; and the ego's way.

x is metres to the right of the ego's lane, z metres ahead of where the ego starts.
"""

from dataclasses import dataclass

from .truth import Scene
from .vocabulary import STREETS

LANE_M = 3.5
WALK_M = 3.4
STANDING_M, APPROACH_M = 14.0, 26.0  # metres to the line where the ego stands; how far it comes before
CROSS_ROAD_M = 13.0  # from the crosswalk to the far edge of a junction
_SPEED = {"highway": 19.0, "bridge": 9.0, "city street": 7.5, "residential street": 6.0}  # metres a second


@dataclass(frozen=True)
class Plan:
    """Measures of a scene's ground; `line` is the stop line, or None where the ego drives on."""

    scene: Scene
    seconds: float

    @property
    def own(self) -> int:
        """Lanes in the ego's direction; the ego is in the rightmost."""
        return self.scene.lanes // 2

    @property
    def right(self) -> float:
        """The right edge of the rightmost lane."""
        return LANE_M / 2

    @property
    def centre(self) -> float:
        """The line between the directions."""
        return LANE_M / 2 - LANE_M * self.own

    @property
    def left(self) -> float:
        """The left edge of the leftmost lane."""
        return self.centre - LANE_M * self.own

    @property
    def bike(self) -> float:
        """The width of the bike lane, which is on the right."""
        return 1.8 if "bike lane" in self.scene.things else 0.0

    @property
    def strip(self) -> float:
        """The width of the parking strip or hard shoulder on either side."""
        return {"highway": 3.0}.get(self.scene.road, 2.4 if self.scene.road in STREETS else 0.0)

    @property
    def kerb_right(self) -> float:
        """Where the right sidewalk begins."""
        return self.right + self.bike + self.strip

    @property
    def kerb_left(self) -> float:
        """Where the left sidewalk begins."""
        return self.left - self.strip

    @property
    def standing(self) -> bool:
        """Whether the ego waits at a red light."""
        return self.scene.signal == "red"

    @property
    def line(self) -> float | None:
        """Where the ego stops in the end."""
        s = self.scene
        if s.road in {"junction", "roundabout"} or "crosswalk" in s.things or s.signal != "none":
            return STANDING_M if self.standing else STANDING_M + APPROACH_M
        return None

    def ego(self, u: float) -> float:
        """Metres that the ego has come at the share `u` of the scene."""
        if self.standing:
            return 0.0
        if self.line is not None:
            return APPROACH_M * float(1 - (1 - min(u, 1.0)) ** 1.5)
        return _SPEED[self.scene.road] * self.seconds * u

    def own_lane(self, number: int) -> float:
        """The middle of an own lane, 0 the ego's."""
        return -LANE_M * (number % self.own)

    def other_lane(self, number: int) -> float:
        """The middle of an oncoming lane, 0 the nearest."""
        return self.centre - LANE_M * (number % self.own + 0.5)
