"""Other words for what is around the road users: things, signals, weather, hour and road (see synonyms.py)."""

from .synonyms import Wordings

THINGS: dict[str, Wordings] = {
    "crosswalk": (("a crosswalk", "a zebra crossing"), ("a zebra crossing", "a pedestrian crossing")),
    "bus stop": (("a bus stop", "a bus shelter"), ("a bus shelter", "a place where buses halt")),
    "bike lane": (("a bike lane", "a bicycle lane"), ("a bicycle lane", "a cycle path")),
    "traffic cones": (("traffic cones", "a row of orange cones"), ("a row of orange cones", "striped pylons")),
    "road work barrier": (
        ("a road work barrier", "a red and white barrier"),
        ("a red and white barrier", "a construction barricade"),
    ),
    "trees": (("trees", "trees along the road"), ("leafy greenery", "trees along the road")),
    "street lamps": (("street lamps", "lamp posts"), ("lamp posts", "lantern poles")),
    "tall buildings": (("tall buildings", "high-rise buildings"), ("high-rise buildings", "tower blocks")),
    "houses": (("houses", "low houses with pitched roofs"), ("low houses with pitched roofs", "family homes")),
    "guard rail": (("a guard rail", "a metal crash barrier"), ("a metal crash barrier", "steel railings")),
    "billboard": (("a billboard", "a large advertising board"), ("a large advertising board", "an outdoor poster")),
    "speed limit sign": (("a speed limit sign", "a round speed sign"), ("a round speed sign", "a posted speed limit")),
    "stop sign": (("a stop sign", "an octagonal stop sign"), ("an octagonal stop sign", "a sign that says to halt")),
    "bench": (("a bench", "a wooden bench"), ("a wooden bench", "a seat at the roadside")),
    "trash bins": (("trash bins", "waste containers"), ("waste containers", "rubbish bins")),
    "puddles": (("puddles", "standing water on the road"), ("standing water on the road", "pools of water")),
    "river": (("a river", "water below the bridge"), ("water below the bridge", "a broad stream")),
    "wet road": (("a wet road", "a wet and shiny road surface"), ("slippery tarmac", "a wet and shiny road surface")),
}
SIGNALS: dict[str, Wordings] = {
    "red": (("a red traffic light", "a signal showing red"), ("a signal showing red", "a stop light")),
    "yellow": (("a yellow traffic light", "a signal showing yellow"), ("a signal showing yellow", "an amber light")),
    "green": (("a green traffic light", "a signal showing green"), ("a signal showing green", "a go light")),
}
WEATHERS: dict[str, Wordings] = {
    "clear": (("in clear weather", "under a clear sky", "in dry weather"), ("under a clear sky", "in fine weather")),
    "rain": (("in the rain", "in rainy weather", "while it rains"), ("in rainy weather", "during a downpour")),
    "fog": (("in the fog", "in foggy weather", "in thick fog"), ("in foggy weather", "in dense mist")),
}
TIMES: dict[str, Wordings] = {
    "morning": (("in the morning", "in early morning light"), ("in early morning light", "soon after sunrise")),
    "daytime": (("during the day", "in daylight"), ("in daylight", "in the middle of the day")),
    "evening": (("in the evening", "at dusk"), ("at dusk", "around sunset")),
    "night": (("at night", "after dark"), ("after dark", "late at night with lights on")),
}
ROADS: dict[str, Wordings] = {
    "city street": (("on a city street", "on an urban street"), ("on an urban street", "downtown")),
    "residential street": (
        ("on a residential street", "in a residential area"),
        ("in a residential area", "in a quiet neighbourhood"),
    ),
    "highway": (("on a highway", "on a motorway"), ("on a motorway", "on an expressway")),
    "junction": (("at a junction", "at an intersection"), ("at an intersection", "at a crossroads")),
    "roundabout": (("at a roundabout", "at a traffic circle"), ("at a traffic circle", "at a rotary")),
    "bridge": (("on a bridge", "on a road bridge"), ("on a road bridge", "on a viaduct")),
}
# as the elements say them, to stand in a query
PLAIN_WEATHERS = {"clear": "in clear weather", "rain": "in rain", "fog": "in fog"}
PLAIN_TIMES = {
    "morning": "in the morning",
    "daytime": "in the daytime",
    "evening": "in the evening",
    "night": "at night",
}
PLAIN_ROADS = {
    "city street": "on a city street",
    "residential street": "on a residential street",
    "highway": "on a highway",
    "junction": "at a junction",
    "roundabout": "at a roundabout",
    "bridge": "on a bridge",
}
