"""What a question is read as, in two languages; and that nothing typed in breaks the parser."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import InvalidInputError
from runtime.nodule.interval import Interval
from runtime.nodule.prompts import prompts
from runtime.nodule.query import parse_query

# deterministic, without a clock and without a folder of examples in the checkout
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")

OVER_10, FROM_6_TO_10 = Interval(10, low_closed=False), Interval(6, 10)

READ = {
    "> 3 mm": Interval(3, low_closed=False),
    "<= 6 mm": Interval(high_mm=6),
    "≤6mm": Interval(high_mm=6),
    ">=6 mm": Interval(6),
    "6-10 mm": FROM_6_TO_10,
    "6 mm–10 mm": FROM_6_TO_10,
    "10-6 mm": FROM_6_TO_10,
    "between 6 and 10 mm": FROM_6_TO_10,
    "nodule from 0.6 to 1 cm": FROM_6_TO_10,
    "từ 6 đến 10 mm": FROM_6_TO_10,
    "có đường kính trong khoảng 6 đến 10 mm": FROM_6_TO_10,
    "over 10 mm": OVER_10,
    "larger than 1 cm": OVER_10,
    "nốt lớn hơn 10 mm": OVER_10,
    "trên 1 phân": OVER_10,
    "10 mm or more": Interval(10),
    "từ 10 mm trở lên": Interval(10),
    "greater than or equal to 10 mm": Interval(10),
    "no larger than 6 mm": Interval(high_mm=6),
    "không quá 6 mm": Interval(high_mm=6),
    "dưới 1 cm": Interval(high_mm=10, high_closed=False),
    "larger than 6 and smaller than 10 mm": Interval(6, 10, False, False),
    "1 cm": Interval(9.5, 10.5),
    "5mm": Interval(4.5, 5.5),
    "a 7-mm nodule": Interval(6.5, 7.5),
    "6,5 mm": Interval(6, 7),
    "about 8 mm": Interval(7, 9),
    "khoảng 8 milimét": Interval(7, 9),
    "small": Interval(high_mm=6),
    "medium-size nodule": Interval(6, 10, low_closed=False),
    "nốt phổi trung bình": Interval(6, 10, low_closed=False),
    "nốt lớn": OVER_10,
    "not large": Interval(high_mm=10),
    "large nodule over 12 mm": Interval(12, low_closed=False),
}


@pytest.mark.parametrize(("text", "interval"), READ.items())
def test_a_question_is_read_as_the_interval_it_means(text: str, interval: Interval) -> None:
    assert parse_query(text) == interval


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spiculated nodule", "no size understood"),
        ("", "no size understood"),
        ("small nodule over 12 mm", "understood “small” as ≤ 6 mm and “over 12 mm” as > 12 mm"),
        ("< 0 mm", "understood “< 0 mm”"),
        ("not medium", "two intervals"),
        ("x" * 501, "at most 500"),
    ],
)
def test_an_error_shows_what_was_understood(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        parse_query(text)


sizes = st.integers(1, 800).map(lambda tenths: tenths / 10)
units = st.sampled_from([(" mm", 1.0), ("mm", 1.0), (" cm", 10.0), ("cm", 10.0), (" millimetres", 1.0)])


@given(sizes, sizes, units, st.sampled_from(["{}-{}", "between {} and {}", "from {} to {}", "từ {} đến {}"]))
def test_a_range_keeps_its_ends_whatever_the_words_and_the_unit(a, b, unit, form) -> None:
    interval = parse_query(form.format(f"{a / unit[1]:.3g}", f"{b / unit[1]:.3g}{unit[0]}"))
    low, high = sorted(float(f"{v / unit[1]:.3g}") * unit[1] for v in (a, b))
    assert (interval.low_mm, interval.high_mm) == pytest.approx((low, high))


@given(sizes, st.sampled_from([(">", "≤"), ("over", "at most"), ("trên", "không quá"), ("larger than", "up to")]))
def test_a_comparison_and_its_opposite_part_all_diameters(size, words) -> None:
    more, most = (parse_query(f"{word} {size:g} mm") for word in words)
    diameters = np.append(np.linspace(0, 100, 501), size)
    assert (more.contains(diameters) ^ most.contains(diameters)).all()


@settings(max_examples=300)
@given(st.text(max_size=60) | st.text("0123456789.,-–<>=≥ mcđến từorvà+~", max_size=40))
def test_any_text_gives_an_interval_or_a_sentence(text: str) -> None:
    try:
        interval = parse_query(text)
    except InvalidInputError:
        return
    assert 0 <= interval.low_mm <= interval.high_mm
    assert not math.isnan(interval.high_mm)


@given(sizes, sizes, sizes)
def test_an_intersection_holds_what_both_hold(a, b, size) -> None:
    first, second = Interval(min(a, b)), Interval(high_mm=max(a, b), high_closed=False)
    d = np.array([size])
    if min(a, b) < max(a, b):
        assert first.intersect(second).contains(d) == (first.contains(d) & second.contains(d))
    else:
        with pytest.raises(InvalidInputError):
            first.intersect(second)


def test_prompts_are_seeded_distinct_and_ask_for_what_they_say() -> None:
    drawn = prompts(300, 3)
    assert [p.text for p in drawn] == [p.text for p in prompts(300, 3)]
    assert len({p.text for p in drawn}) == 300
    assert all(parse_query(p.text) == p.interval for p in drawn)
    assert sum(not p.text.isascii() for p in drawn) > 40
