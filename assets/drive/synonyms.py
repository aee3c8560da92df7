"""The same things in other words: what captions say, and what queries say.

Each entry is (caption wordings, query wordings). The two overlap in part; a query wording that no caption and no
element uses is `unseen`: a model trained on captions has never read it for this thing.
"""

Wordings = tuple[tuple[str, ...], tuple[str, ...]]

COLOURS: dict[str, Wordings] = {
    "red": (("red", "bright red", "dark red"), ("red", "bright red", "crimson", "scarlet")),
    "blue": (("blue", "dark blue", "light blue"), ("blue", "dark blue", "navy blue", "azure")),
    "green": (("green", "dark green", "light green"), ("green", "dark green", "emerald")),
    "white": (("white", "plain white"), ("white", "snow-white", "ivory")),
    "black": (("black", "all-black"), ("black", "jet-black", "ebony")),
    "yellow": (("yellow", "bright yellow"), ("yellow", "bright yellow", "golden yellow", "lemon-coloured")),
    "grey": (("grey", "silver"), ("silver", "gray", "ash-coloured")),
    "orange": (("orange", "bright orange"), ("orange", "tangerine", "bright orange")),
}

KINDS: dict[str, Wordings] = {
    "car": (
        ("{c} car", "{c} sedan", "{c} passenger car", "{c} hatchback"),
        ("{c} sedan", "{c} hatchback", "{c} automobile", "{c} saloon car"),
    ),
    "van": (("{c} van", "{c} delivery van", "{c} minivan"), ("{c} minivan", "{c} panel van", "{c} people carrier")),
    "truck": (("{c} truck", "{c} lorry", "{c} box truck"), ("{c} lorry", "{c} heavy goods vehicle", "{c} hauler")),
    "bus": (("{c} bus", "{c} city bus", "{c} coach"), ("{c} coach", "{c} transit vehicle for passengers")),
    "motorcycle": (
        ("{c} motorcycle", "{c} motorbike", "rider on a {c} motorcycle"),
        ("{c} motorbike", "biker on a {c} machine"),
    ),
    "cyclist": (
        ("cyclist in a {c} jacket", "person on a bicycle wearing a {c} jacket", "bike rider with a {c} jacket"),
        ("person on a bicycle wearing a {c} jacket", "bike rider in a {c} top", "bicyclist dressed in {c}"),
    ),
    "scooter rider": (
        ("scooter rider in a {c} jacket", "person on a kick scooter wearing a {c} jacket"),
        ("person on a kick scooter wearing a {c} jacket", "e-scooter user dressed in {c}"),
    ),
    "pedestrian": (
        ("pedestrian in a {c} coat", "person wearing a {c} coat", "person on foot in a {c} coat"),
        ("person wearing a {c} coat", "adult on foot in a {c} overcoat", "passer-by in a {c} coat"),
    ),
    "child": (
        ("child in a {c} jacket", "kid wearing a {c} jacket", "young child in a {c} jacket"),
        ("kid wearing a {c} jacket", "youngster in a {c} anorak", "schoolchild dressed in {c}"),
    ),
    "worker": (
        ("worker in a {c} vest", "construction worker wearing a {c} vest"),
        ("construction worker wearing a {c} vest", "labourer in a {c} hi-vis waistcoat"),
    ),
}

ACTIONS: dict[str, Wordings] = {
    "driving ahead": (
        ("driving ahead", "travelling in front", "moving along ahead of the ego vehicle"),
        ("travelling in front", "going the same way in front of us", "leading the way"),
    ),
    "oncoming": (
        ("coming towards the camera in the opposite lane", "approaching from the other direction"),
        ("approaching from the other direction", "heading towards us"),
    ),
    "braking ahead": (
        ("braking ahead", "slowing down in front", "slowing down with its brake lights on"),
        ("slowing down in front", "decelerating ahead of us", "stepping on the brakes ahead"),
    ),
    "overtaking on the left": (
        ("overtaking on the left", "passing on the left side"),
        ("passing on the left side", "going past us on the left"),
    ),
    "changing lanes": (
        ("changing lanes", "moving over into the next lane"),
        ("moving over into the next lane", "switching to another lane", "cutting across lanes"),
    ),
    "merging from the right": (
        ("merging from the right", "joining the traffic from the right"),
        ("joining the traffic from the right", "coming in from the on-ramp", "filtering in on the right"),
    ),
    "stopped on the shoulder": (
        ("stopped on the shoulder", "standing still on the hard shoulder"),
        ("standing still on the hard shoulder", "broken down at the edge of the motorway"),
    ),
    "parked on the left": (
        ("parked on the left", "parked at the left kerb"),
        ("left standing at the left-hand kerb", "parked at the left kerb"),
    ),
    "parked on the right": (
        ("parked on the right", "parked at the right kerb"),
        ("left standing at the right-hand kerb", "parked at the right kerb"),
    ),
    "unloading on the right": (
        ("unloading on the right", "making a delivery at the right kerb", "stopped on the right with open rear doors"),
        ("dropping off goods on the right", "making a delivery at the right kerb"),
    ),
    "stopped at the bus stop": (
        ("stopped at the bus stop", "halting at the bus stop"),
        ("halting at the bus stop", "picking up passengers at its stop"),
    ),
    "crossing the junction": (
        ("crossing the junction", "going across the intersection", "driving across the junction from the side"),
        ("going across the intersection", "traversing the crossroads", "passing straight through the intersection"),
    ),
    "turning left": (
        ("turning left", "making a left turn"),
        ("making a left turn", "swinging round to the left", "taking the left-hand road"),
    ),
    "turning right": (
        ("turning right", "making a right turn"),
        ("making a right turn", "swinging round to the right", "taking the right-hand road"),
    ),
    "waiting at the light": (
        ("waiting at the light", "stopped at the traffic light", "standing at the signal"),
        ("stopped at the traffic light", "held up by the stop light", "queueing at the signal"),
    ),
    "entering the roundabout": (
        ("entering the roundabout", "driving into the roundabout"),
        ("driving into the roundabout", "joining the traffic circle"),
    ),
    "circling the roundabout": (
        ("circling the roundabout", "going round the roundabout"),
        ("going round the roundabout", "rounding the traffic circle"),
    ),
    "riding ahead": (
        ("riding ahead", "riding along the road in front"),
        ("riding along the road in front", "rolling along ahead of us"),
    ),
    "riding in the bike lane": (
        ("riding in the bike lane", "using the bicycle lane"),
        ("using the bicycle lane", "keeping to the cycle path"),
    ),
    "riding on the sidewalk": (
        ("riding on the sidewalk", "rolling along the pavement"),
        ("rolling along the pavement", "riding on the footpath"),
    ),
    "crossing at the crosswalk": (
        ("crossing at the crosswalk", "going over the zebra crossing"),
        ("going over the zebra crossing", "using the pedestrian crossing", "making it over the stripes"),
    ),
    "waiting at the crosswalk": (
        ("waiting at the crosswalk", "standing at the zebra crossing"),
        ("standing at the zebra crossing", "about to cross at the pedestrian crossing"),
    ),
    "crossing the road": (
        ("crossing the road", "walking across the street"),
        ("walking across the street", "stepping onto the carriageway to get across"),
    ),
    "walking on the left sidewalk": (
        ("walking on the left sidewalk", "walking along the pavement on the left"),
        ("walking along the pavement on the left", "strolling on the left-hand footpath"),
    ),
    "walking on the right sidewalk": (
        ("walking on the right sidewalk", "walking along the pavement on the right"),
        ("walking along the pavement on the right", "strolling on the right-hand footpath"),
    ),
    "running on the sidewalk": (
        ("running on the sidewalk", "jogging along the pavement"),
        ("jogging along the pavement", "sprinting along the footpath"),
    ),
    "waiting at the bus stop": (
        ("waiting at the bus stop", "standing at the bus stop"),
        ("standing at the bus stop", "expecting a bus at the shelter"),
    ),
    "walking a dog": (
        ("walking a dog", "out with a dog on a leash"),
        ("out with a dog on a leash", "taking a pet for a walk"),
    ),
    "pushing a stroller": (
        ("pushing a stroller", "pushing a pram"),
        ("pushing a pram", "walking with a baby carriage"),
    ),
    "holding an umbrella": (
        ("holding an umbrella", "sheltering under an umbrella"),
        ("sheltering under an umbrella", "keeping dry under a brolly"),
    ),
    "sitting on the bench": (
        ("sitting on the bench", "resting on a bench"),
        ("resting on a bench", "seated at the side of the street"),
    ),
    "working at the cones": (
        ("working at the cones", "working beside the traffic cones"),
        ("working beside the traffic cones", "busy with the road repairs"),
    ),
}
