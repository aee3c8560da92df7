"""The pipeline keeps the order, looks no further ahead than it may, and leaves no thread behind however it ends."""

import threading
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from runtime import bulk
from runtime.bulk import BulkPlan, Prepared, encode_in_bulk, in_order, open_for_bulk, session_plan
from runtime.errors import InvalidInputError

PLANS = [
    BulkPlan(preparing=0, runners=0, at_once=16, ahead=1),
    BulkPlan(preparing=0, runners=1, at_once=4, ahead=8),
    BulkPlan(preparing=1, runners=0, at_once=1, ahead=2),
    BulkPlan(preparing=2, runners=1, at_once=4, ahead=8),
    BulkPlan(preparing=3, runners=2, at_once=3, ahead=5),
]
LIMIT_S = 20  # a thread that never comes fails the test instead of hanging it


def alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("bulk")]


@pytest.fixture(autouse=True)
def no_thread_is_left_behind():
    assert alive() == []
    yield
    assert alive() == []


def prepare(item: int) -> Prepared[int]:
    """Every fifth item has no picture; of the others the pixels are the number itself."""
    return Prepared(item, None if item % 5 == 4 else np.full((3, 2, 2), item, np.float32))


def encode(pixels: np.ndarray) -> np.ndarray:
    """(N, 3, 2, 2) → (N, 2, 1): the number and its negative as two folds."""
    return np.stack([pixels[:, 0, 0, :1], -pixels[:, 0, 0, :1]], axis=1)


@pytest.mark.parametrize("plan", PLANS, ids=str)
@pytest.mark.parametrize("batch", [1, 6, 100])
def test_every_plan_gives_the_same_batches_in_order(plan, batch):
    with closing(encode_in_bulk(range(43), prepare, encode, batch=batch, plan=plan)) as batches:
        parts = list(batches)
    rows = [row for part in parts for row in part.rows]
    assert rows == [i for i in range(43) if i % 5 != 4]
    assert sorted(row for part in parts for row in part.passed) == [i for i in range(43) if i % 5 == 4]
    sizes = [len(part.rows) for part in parts if part.rows]
    assert set(sizes[:-1]) <= {batch}
    for part in parts:
        assert part.vectors.shape[0] == len(part.rows)
        if part.rows:
            np.testing.assert_array_equal(part.vectors, encode(np.stack([prepare(row).pixels for row in part.rows])))


def test_nothing_in_nothing_out():
    assert list(encode_in_bulk([], prepare, encode, batch=4, plan=PLANS[3])) == []


def test_a_long_stretch_without_pictures_is_reported_in_steps_while_a_batch_is_waiting():
    def only_the_first_and_last(item: int) -> Prepared[int]:
        return Prepared(item, np.zeros((3, 2, 2), np.float32) if item in {0, 999} else None)

    parts = list(encode_in_bulk(range(1000), only_the_first_and_last, encode, batch=2, plan=PLANS[3]))
    assert [part.rows for part in parts if part.rows] == [[0, 999]]
    assert len(parts) >= 3
    assert max(len(part.passed) for part in parts) <= 2 * bulk._PASSED_AT_ONCE
    assert sum(len(part.passed) for part in parts) == 998


@pytest.mark.parametrize("plan", PLANS[1:], ids=str)
def test_no_more_is_in_flight_than_the_plan_allows_however_slow_the_caller_is(plan):
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for taken in range(1, 1001):
            yield taken - 1

    batch, given = 4, 0
    with closing(encode_in_bulk(items(), prepare, encode, batch=batch, plan=plan)) as batches:
        for part in batches:
            given += len(part.rows) + len(part.passed)
            # prepared ahead, plus what the runners hold (five items make four pictures), plus the batch being filled
            at_most = plan.ahead + (2 * plan.runners + 1) * (min(plan.at_once, batch) * 5 // 4 + 1) + batch
            assert taken - given <= at_most
            if given > 500:
                break


def test_pictures_are_prepared_while_the_model_runs():
    # the model's first run waits until a later picture is prepared: without a pipeline it would wait in vain
    later = threading.Event()

    def prepare_and_tell(item: int) -> Prepared[int]:
        if item == 6:
            later.set()
        return Prepared(item, np.zeros((3, 2, 2), np.float32))

    def wait_and_encode(pixels: np.ndarray) -> np.ndarray:
        assert later.wait(LIMIT_S)
        return encode(pixels)

    plan = BulkPlan(preparing=1, runners=1, at_once=2, ahead=4)
    assert len(list(encode_in_bulk(range(8), prepare_and_tell, wait_and_encode, batch=2, plan=plan))) == 4


def test_runners_work_side_by_side():
    both = threading.Barrier(2, timeout=LIMIT_S)

    def meet_and_encode(pixels: np.ndarray) -> np.ndarray:
        both.wait()
        return encode(pixels)

    plan = BulkPlan(preparing=1, runners=2, at_once=1)
    assert len(list(encode_in_bulk(range(4), lambda i: Prepared(i, np.zeros((3, 2, 2), np.float32)), meet_and_encode,
                                   batch=4, plan=plan))) == 1  # fmt: skip


@pytest.mark.parametrize("plan", PLANS, ids=str)
@pytest.mark.parametrize("stage", ["prepare", "encode"])
def test_an_error_comes_after_every_batch_before_it_and_ends_the_threads(plan, stage):
    def fail_at_22(item: int) -> Prepared[int]:
        if stage == "prepare" and item == 22:
            raise ZeroDivisionError
        return Prepared(item, np.full((3, 2, 2), item, np.float32))

    def fail_from_22(pixels: np.ndarray) -> np.ndarray:
        if stage == "encode" and pixels.max() >= 22:
            raise ZeroDivisionError
        return encode(pixels)

    given: list[int] = []

    def consume() -> None:
        with closing(encode_in_bulk(range(60), fail_at_22, fail_from_22, batch=2, plan=plan)) as batches:
            for part in batches:
                given.extend(part.rows)

    with pytest.raises(ZeroDivisionError):
        consume()
    assert given == list(range(22))
    assert alive() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_an_exception_of_the_caller_ends_the_threads_and_drops_what_has_not_started(plan, error):
    prepared: list[int] = []

    def note(item: int) -> Prepared[int]:
        prepared.append(item)
        return prepare(item)

    def consume() -> None:
        with closing(encode_in_bulk(range(10_000), note, encode, batch=4, plan=plan)) as batches:
            for _ in batches:
                raise error

    with pytest.raises(error):
        consume()
    assert alive() == []
    assert len(prepared) < 100


def test_in_order_gives_results_in_order_although_the_second_is_ready_first():
    second = threading.Event()

    def wait_or_tell(item: int) -> int:
        if item == 0:
            assert second.wait(LIMIT_S)
        else:
            second.set()
        return item

    assert list(in_order(wait_or_tell, range(5), threads=2, window=2)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("wrong", [(-1, 0, 1, 1), (0, -1, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)])
def test_a_plan_that_cannot_work_is_refused(wrong):
    with pytest.raises(InvalidInputError, match="expected 0 or more preparing"):
        BulkPlan(*wrong)


def test_batches_and_threads_below_one_are_refused(bundle_folder):
    with pytest.raises(InvalidInputError, match="batch = 0"):
        list(encode_in_bulk([1], prepare, encode, batch=0, plan=PLANS[0]))
    with pytest.raises(InvalidInputError, match="threads = 0"):
        open_for_bulk(bundle_folder, batch=4, threads=0)


def test_on_a_processor_every_core_runs_the_model_and_batch_mates_change_nothing(bundle_folder):
    encoder, plan = open_for_bulk(bundle_folder, batch=16, threads=2, provider="cpu")
    assert (plan.runners, plan.at_once) == (2, 1)
    size = encoder.preprocess.size
    pixels = np.random.default_rng(3).standard_normal((5, 3, size, size), dtype=np.float32)
    (part,) = encode_in_bulk(range(5), lambda i: Prepared(i, pixels[i]), encoder.encode_pixels, batch=5, plan=plan)
    alone = np.concatenate([encoder.encode_pixels(pixels[i : i + 1]) for i in range(5)])
    np.testing.assert_array_equal(part.vectors, alone)


def test_the_plan_for_a_session_of_all_cores_runs_it_on_one_thread():
    assert session_plan().runners == 1
