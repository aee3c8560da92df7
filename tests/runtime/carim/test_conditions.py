"""Weather from words and time of day from the hour: what is said, what is denied, and where the hours part."""

import pytest

from runtime.carim.conditions import TIMES_OF_DAY, WEATHERS, hour_in, time_of_day, weather_of
from runtime.errors import InvalidInputError


@pytest.mark.parametrize(
    ("caption", "weather"),
    [
        ("A rainy night at a junction.", "rain"),
        ("Drizzle; headlights mirror in the wet road", "rain"),
        ("A bus leaves the stop in dense fog.", "fog"),
        ("Mist lies over the road", "fog"),
        ("It is snowing", "snow"),
        ("The sky is clear and the road is dry.", "clear"),
        ("A sunny morning", "clear"),
        ("rain and fog", "rain"),
        ("fog, then rain", "fog"),
        ("A clear day. Later it rains", "rain"),
    ],
)
def test_what_a_caption_says_is_the_weather(caption: str, weather: str) -> None:
    assert weather in WEATHERS
    assert weather_of(caption) == weather


@pytest.mark.parametrize(
    "caption",
    [
        "no rain",
        "It is not raining",
        "it isn't raining",
        "without any visible rain, snow or fog",
        "no sign of rain or fog",
        "no wind, rain or fog",
        "neither rain nor fog",
        "the view is free of fog",
        "The rain has stopped.",
        "rain and fog are absent",
        "a rain-free road",
        "the sky is not clear",
    ],
)
def test_negated_weather_does_not_count(caption: str) -> None:
    assert weather_of(caption) is None


@pytest.mark.parametrize(
    ("caption", "weather"),
    [
        ("no pedestrians in the rain", "rain"),
        ("No cars, rain falls", "rain"),
        ("There are no cars and it is raining", "rain"),
        ("It is not foggy but raining", "rain"),
        ("there is no rain and the sky is clear", "clear"),
        ("The rain has stopped. Fog remains", "fog"),
    ],
)
def test_a_negation_ends_where_something_else_begins(caption: str, weather: str) -> None:
    assert weather_of(caption) == weather


@pytest.mark.parametrize(
    "caption",
    ["", "A train behind a rainbow mural", "The road ahead is clear", "a man in a rain coat", "a car with fog lights"],
)
def test_words_that_only_look_like_weather_say_nothing(caption: str) -> None:
    assert weather_of(caption) is None


def test_the_day_has_the_published_four_parts() -> None:
    parts = [time_of_day(hour) for hour in range(24)]
    assert set(parts) == set(TIMES_OF_DAY)
    assert {parts[h] for h in (*range(5), *range(20, 24))} == {"night"}
    assert [parts[h] for h in (5, 11, 12, 16, 17, 19)] == [*["morning"] * 2, *["daytime"] * 2, *["evening"] * 2]
    for hour in (-1, 24):
        with pytest.raises(InvalidInputError, match="expected 0 to 23"):
            time_of_day(hour)


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("n015-2018-07-24-11-22-45+0800__CAM_FRONT__1532402927612460.jpg", 11),
        ("drive_20180801_151500.mp4", 15),
        ("2018-07-24T05:22.jpg", 5),
        ("1532402927612460.jpg", None),
        ("2018-07-24-31-22-45.jpg", None),
        ("clip.mp4", None),
    ],
)
def test_the_hour_is_read_from_a_name_that_states_one(name: str, hour: int | None) -> None:
    assert hour_in(name) == hour
