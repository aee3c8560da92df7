"""What road users do, who may do it, and what the place must offer for it."""

from dataclasses import dataclass

from .vocabulary import CARS, PEOPLE, ROADS, SIGNALS, STREETS, VEHICLES, WALKERS


@dataclass(frozen=True)
class Action:
    """One action: its words in an element, who does it, and where it makes sense."""

    name: str
    who: tuple[str, ...]
    roads: tuple[str, ...] = ROADS
    needs: str = ""  # a thing that must be there
    signals: tuple[str, ...] = SIGNALS
    weathers: tuple[str, ...] = ()  # empty: any
    fewest_lanes: int = 2
    weight: float = 1.0


_WALK = ("city street", "residential street", "junction", "roundabout", "bridge")
_CALM = (*STREETS, "junction", "roundabout", "bridge")
_FLOWING = ("green", "yellow", "none")

ACTIONS = {
    action.name: action
    for action in (
        Action("driving ahead", VEHICLES, ("city street", "residential street", "highway", "bridge")),
        Action("oncoming", VEHICLES, ("city street", "residential street", "highway", "bridge", "junction")),
        Action("braking ahead", VEHICLES, ("city street", "residential street", "highway", "bridge"), weight=0.6),
        Action("overtaking on the left", VEHICLES, ("city street", "highway", "bridge"), fewest_lanes=4),
        Action("changing lanes", VEHICLES, ("city street", "highway", "bridge"), fewest_lanes=4, weight=0.7),
        Action("merging from the right", VEHICLES, ("highway",)),
        Action("stopped on the shoulder", ("car", "van", "truck"), ("highway",), weight=0.7),
        Action("parked on the left", VEHICLES, STREETS),
        Action("parked on the right", VEHICLES, STREETS),
        Action("unloading on the right", ("truck", "van"), STREETS, weight=0.8),
        Action("stopped at the bus stop", ("bus",), STREETS, needs="bus stop", weight=3.0),
        Action("crossing the junction", (*VEHICLES, "cyclist"), ("junction",), signals=("red", "none"), weight=2.0),
        Action("turning left", (*VEHICLES, "cyclist"), ("junction",), signals=_FLOWING, weight=1.6),
        Action("turning right", (*VEHICLES, "cyclist"), ("junction",), signals=_FLOWING, weight=1.6),
        Action("waiting at the light", (*VEHICLES, "cyclist"), ("junction", "city street"), signals=("red",)),
        Action("entering the roundabout", VEHICLES, ("roundabout",), weight=1.5),
        Action("circling the roundabout", (*VEHICLES, "cyclist"), ("roundabout",), weight=1.5),
        Action("riding ahead", ("cyclist", "scooter rider"), ("city street", "residential street", "bridge")),
        Action("riding in the bike lane", ("cyclist", "scooter rider"), needs="bike lane", weight=2.0),
        Action("riding on the sidewalk", ("scooter rider", "child"), _CALM, weight=0.7),
        Action("crossing at the crosswalk", (*WALKERS, "scooter rider"), _CALM, needs="crosswalk", weight=2.0),
        Action("waiting at the crosswalk", WALKERS, _CALM, needs="crosswalk", weight=1.5),
        Action("crossing the road", WALKERS, STREETS, weight=0.8),
        Action("walking on the left sidewalk", WALKERS, _WALK),
        Action("walking on the right sidewalk", WALKERS, _WALK),
        Action("running on the sidewalk", WALKERS, _WALK, weight=0.7),
        Action("waiting at the bus stop", WALKERS, STREETS, needs="bus stop", weight=2.0),
        Action("walking a dog", ("pedestrian",), (*STREETS, "roundabout"), weight=0.8),
        Action("pushing a stroller", ("pedestrian",), (*STREETS, "junction"), weight=0.8),
        Action("holding an umbrella", WALKERS, _WALK, weathers=("rain",), weight=2.5),
        Action("sitting on the bench", WALKERS, STREETS, needs="bench", weight=1.5),
        Action("working at the cones", ("worker",), needs="traffic cones", weight=2.0),
    )
}
ACTORS = {kind: tuple(a for a in ACTIONS.values() if kind in a.who) for kind in (*CARS, "motorcycle", *PEOPLE)}
