"""The closed lists that a scene of the phantom drive is made of, in the words of its elements."""

WEATHERS = ("clear", "rain", "fog")
TIMES = ("morning", "daytime", "evening", "night")
ROADS = ("city street", "residential street", "highway", "junction", "roundabout", "bridge")
SIGNALS = ("red", "yellow", "green", "none")
COLOURS = ("red", "blue", "green", "white", "black", "yellow", "grey", "orange")
# invented districts; a log's location, never a thing that is seen
LOCATIONS = (
    "phantom-harbour",
    "phantom-old-town",
    "phantom-millfield",
    "phantom-station",
    "phantom-north-hill",
    "phantom-riverside",
)

CARS = ("car", "van", "truck", "bus")
VEHICLES = (*CARS, "motorcycle")
RIDERS = ("cyclist", "scooter rider")
WALKERS = ("pedestrian", "child")
PEOPLE = (*RIDERS, *WALKERS, "worker")
KINDS = (*VEHICLES, *PEOPLE)
GARMENTS = {"cyclist": "jacket", "scooter rider": "jacket", "pedestrian": "coat", "child": "jacket", "worker": "vest"}

STREETS = ("city street", "residential street")
# thing → the roads where it may stand
THINGS = {
    "crosswalk": (*STREETS, "junction", "roundabout"),
    "bus stop": STREETS,
    "bike lane": ("city street", "junction", "bridge"),
    "traffic cones": ("city street", "residential street", "highway", "bridge"),
    "road work barrier": ("city street", "highway"),
    "trees": ("city street", "residential street", "junction", "roundabout", "highway"),
    "street lamps": ("city street", "residential street", "junction", "bridge"),
    "tall buildings": ("city street", "junction"),
    "houses": ("residential street", "roundabout"),
    "guard rail": ("highway",),
    "billboard": ("city street", "highway"),
    "speed limit sign": ("residential street", "highway", "bridge"),
    "stop sign": ("residential street",),
    "bench": ("city street", "residential street"),
    "trash bins": ("residential street",),
    "puddles": ROADS,
    "river": ("bridge",),
}
