import hashlib

import numpy as np
import pytest

from assets.drive.casting import cast
from assets.drive.facts import elements_of
from assets.drive.film import Film
from assets.drive.palette import PAINT, SIGNAL_LAMPS, light_of
from assets.drive.truth import Agent, Scene
from assets.drive.vocabulary import TIMES, WEATHERS

SEED, SECONDS = 7, 20.0


def street(*agents, road="city street", weather="clear", time="daytime", signal="none", things=(), lanes=2):
    return Scene("made-up", road, lanes, "phantom-harbour", weather, time, signal, things, agents)


def frame(scene, seconds=8.0):
    return Film(scene, SEED, SECONDS).frame(seconds)


def test_a_frame_is_the_same_each_time_and_whatever_was_drawn_before():
    scene = cast(SEED, 2)[1]
    film = Film(scene, SEED, SECONDS)
    film.picture(3.0)
    digest = hashlib.sha256(film.picture(7.5).tobytes()).hexdigest()
    assert digest == hashlib.sha256(Film(scene, SEED, SECONDS).frame(7.5).picture.tobytes()).hexdigest()
    assert digest != hashlib.sha256(film.picture(7.6).tobytes()).hexdigest()


@pytest.mark.parametrize("colour", ["red", "blue", "green", "white", "yellow", "orange"])
@pytest.mark.parametrize("kind", ["car", "truck", "bus", "van"])
def test_a_vehicle_has_the_colour_that_truth_says_where_truth_says(kind, colour):
    shot = frame(street(Agent(kind, colour, "driving ahead")))
    assert painted(shot, 1) == colour
    rows, columns = np.nonzero(shot.labels == 1)
    assert 200 < columns.mean() < 280, "ahead is in the middle"
    assert rows.max() > 126, "it stands on the road"


@pytest.mark.parametrize("colour", ["red", "blue", "green", "yellow"])
@pytest.mark.parametrize(("kind", "action"), [("pedestrian", "waiting at the crosswalk"), ("cyclist", "riding ahead")])
def test_people_wear_what_truth_says(kind, action, colour):
    shot = frame(street(Agent(kind, colour, action), things=("crosswalk",)), seconds=14.0)
    assert painted(shot, 1) == colour


def painted(shot, label):
    """The paint that is nearest to most of a road user's pixels, glass and rubber aside."""
    pixels = shot.picture[shot.labels == label].astype(float)
    named = {name: np.array(paint) for name, paint in PAINT.items() if name not in {"black", "grey"}}
    distance = np.stack([np.linalg.norm(pixels - paint, axis=1) for paint in named.values()])
    close = distance.min(0) < 70
    return list(named)[int(np.bincount(distance.argmin(0)[close], minlength=len(named)).argmax())]


def test_left_and_right_are_where_truth_says():
    agents = Agent("car", "red", "parked on the left"), Agent("car", "blue", "parked on the right")
    shot = frame(street(*agents, things=("crosswalk",)), seconds=2.0)
    assert np.nonzero(shot.labels == 1)[1].mean() < 200
    assert np.nonzero(shot.labels == 2)[1].mean() > 280


def test_road_users_move_by_their_action():
    def middle(action, seconds, road="junction", signal="none"):
        shot = frame(street(Agent("car", "red", action), road=road, signal=signal), seconds)
        rows, columns = np.nonzero(shot.labels == 1)
        return columns.mean(), len(rows)

    assert middle("crossing the junction", 4.0)[0] < middle("crossing the junction", 9.0)[0]
    assert middle("turning left", 11.0)[0] < 200
    assert middle("turning right", 11.0)[0] > 280
    assert middle("oncoming", 9.0, road="city street")[1] > 2 * middle("oncoming", 6.0, road="city street")[1]
    assert middle("braking ahead", 18.0, road="city street")[1] > middle("braking ahead", 2.0, road="city street")[1]


@pytest.mark.parametrize("state", ["red", "yellow", "green"])
def test_the_signal_shows_its_state(state):
    shot = frame(street(road="junction", signal=state), seconds=18.0)
    assert shot.seen.signal == state
    lamps = {name: count_near(shot.picture[:126], lamp) for name, lamp in SIGNAL_LAMPS.items()}
    assert lamps[state] > 15
    assert max(lamps, key=lamps.get) == state


def count_near(picture, colour):
    return int((np.linalg.norm(picture.astype(float) - np.array(colour), axis=2) < 40).sum())


def test_hours_and_weathers_look_different():
    bright = {time: frame(street(time=time)).picture.mean() for time in TIMES}
    assert bright["night"] < 0.5 * bright["evening"] < 0.5 * bright["daytime"]
    trees = {w: frame(street(weather=w, things=("trees",))).picture[60:135] for w in WEATHERS}
    contrast = {weather: picture.std() for weather, picture in trees.items()}
    assert contrast["fog"] < 0.6 * contrast["clear"]
    shots = [Film(street(weather=w), SEED, SECONDS).picture(8.0).astype(int) for w in ("clear", "rain")]
    edges = [np.abs(np.diff(shot[:100].mean(2), axis=1)).mean() for shot in shots]
    assert edges[1] > 3 * edges[0], "streaks across the sky"


def test_fog_hides_what_is_far_and_a_truck_what_is_behind_it():
    far = street(Agent("car", "red", "oncoming"), weather="fog")
    assert not frame(far, 0.2).seen.agents
    assert frame(far, 8.5).seen.agents
    alone = street(Agent("motorcycle", "blue", "oncoming"), road="residential street")
    assert len(frame(alone, 6.5).seen.agents) == 1
    hidden = street(Agent("bus", "red", "driving ahead"), Agent("pedestrian", "blue", "crossing the road"))
    seen = [frame(hidden, seconds).seen.agents for seconds in np.arange(2.0, 11.0, 0.5)]
    assert {len(agents) for agents in seen} == {1, 2}, "the pedestrian comes out from behind the bus"


def test_what_is_told_of_a_frame_is_part_of_the_scene_and_changes_with_the_view():
    changed = 0
    for scene in cast(SEED, 7):
        film = Film(scene, SEED, SECONDS)
        told = [film.frame(seconds).seen for seconds in (1.0, 8.0, 15.0)]
        assert all(set(elements_of(seen)) <= set(elements_of(scene)) for seen in told)
        assert any(seen.agents for seen in told)
        changed += len({seen.agents for seen in told}) > 1
    assert changed >= 4


def test_twelve_scenes_in_a_row_have_every_weather_at_every_hour():
    scenes = cast(SEED, 24)
    for twelve in (scenes[:12], scenes[12:]):
        assert {(scene.weather, scene.time) for scene in twelve} == {(w, t) for w in WEATHERS for t in TIMES}
    assert not [s for s in scenes if s.signal == "red" and any(a.action == "driving ahead" for a in s.agents)]


def test_light_never_makes_a_colour_brighter_than_white():
    for weather in WEATHERS:
        for time in TIMES:
            lit = light_of(weather, time).on((255.0, 255.0, 255.0), 1.0, 1.3, shines=True)
            assert max(lit) <= 255
