"""Many pictures at once: threads decode, crop and resize while others run the model; memory stays bounded."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .encoder import DualEncoder, open_encoder
from .errors import InvalidInputError
from .wheels import load_onnxruntime

Floats = NDArray[np.float32]
Item = TypeVar("Item")
Made = TypeVar("Made")
Row = TypeVar("Row")

_PASSED_AT_ONCE = 256  # a long stretch of known images is reported in steps and never held whole


@dataclass(frozen=True)
class BulkPlan:
    """Who does what. `preparing` threads make pixels; `runners` threads run the model on `at_once` pictures each.

    At most `ahead` pictures are prepared, or being prepared, before the model takes them, and two turns of every
    runner lie between the model and the caller: that bounds the memory, however slow the model or the disk is.
    With 0 preparing threads or 0 runners that work is done in the caller's thread, when it asks for the next batch.
    """

    preparing: int
    runners: int
    at_once: int
    ahead: int = 32

    def __post_init__(self) -> None:
        if min(self.preparing, self.runners) < 0 or min(self.at_once, self.ahead) < 1:
            raise InvalidInputError(
                f"{self}: expected 0 or more preparing threads and runners, 1 or more pictures at once and ahead"
            )


@dataclass(frozen=True, eq=False)
class Prepared(Generic[Row]):
    """What became of one item: `pixels` (3, S, S) float32, or None where `row` says why it is passed over."""

    row: Row
    pixels: Floats | None = None


@dataclass(frozen=True, eq=False)
class Encoded(Generic[Row]):
    """`rows` in the items' order with their `vectors` (N, K, D) float32; `passed`: rows without pixels among them."""

    rows: list[Row]
    vectors: Floats
    passed: list[Row]


def open_for_bulk(
    bundle: Path, *, batch: int, threads: int | None = None, provider: str = "auto"
) -> tuple[DualEncoder, BulkPlan]:
    """The encoder of the bundle in `bundle` and the plan that serves it best on `threads` cores (None: all).

    On a GPU: whole batches, two of them ready while one runs, and every core prepares. On a CPU: a model session of
    ONE thread, which every core runs on its own pictures: that takes less processor time than one session that
    splits each picture over the cores, and no batch, since one picture's activations stay in the cache. As many
    threads prepare as there are cores: they rest while enough is prepared, and a circle crop or a large picture
    costs more than the model.
    Raises InvalidInputError for less than one thread, and what `open_encoder` raises.
    """
    if threads is not None and threads < 1:
        raise InvalidInputError(f"threads = {threads}; expected 1 or more, or nothing for all cores")
    cores = threads or os.cpu_count() or 1
    encoder = open_encoder(bundle, threads=1, provider=provider)
    if _on_gpu(encoder, provider):
        return encoder, BulkPlan(preparing=cores, runners=1, at_once=batch, ahead=2 * batch)
    return encoder, BulkPlan(preparing=cores, runners=cores, at_once=1)


def _on_gpu(encoder: DualEncoder, provider: str) -> bool:
    # by the session itself, since auto may have fallen back; but a run that finds nothing new should open no model
    available = load_onnxruntime().get_available_providers()
    if provider in {"cpu", "openvino"} or (provider == "auto" and "CUDAExecutionProvider" not in available):
        return False
    return bool(encoder.image_tower.session().get_providers()[0] != "CPUExecutionProvider")


def session_plan() -> BulkPlan:
    """For a session that already uses every core, as one for queries does: small batches, and threads that prepare."""
    return BulkPlan(preparing=os.cpu_count() or 1, runners=1, at_once=4)


def encode_in_bulk(
    items: Iterable[Item],
    prepare: Callable[[Item], Prepared[Row]],
    encode: Callable[[Floats], Floats],
    *,
    batch: int,
    plan: BulkPlan,
) -> Generator[Encoded[Row], None, None]:
    """Batches of `batch` rows with their vectors, in the items' order; the last may be smaller, none is empty.

    `prepare` and `encode` ((N, 3, S, S) → (N, K, D)) run on the plan's threads and must allow that. `items` is read
    only as far as the plan looks ahead. A stretch of items that are passed over comes as a batch without rows.
    What `prepare` or `encode` raises, is raised here after the batches before it. Closing the generator, or an
    exception at the `yield`, ends every thread before it returns: use `contextlib.closing`.
    """
    if batch < 1:
        raise InvalidInputError(f"batch = {batch}; expected 1 or more images")
    at_once = min(plan.at_once, batch)
    prepared = in_order(prepare, items, threads=plan.preparing, window=plan.ahead)
    chunks = _chunks(prepared, at_once)
    done = in_order(lambda chunk: _run(chunk, encode), chunks, threads=plan.runners, window=2 * plan.runners)
    with closing(prepared), closing(chunks), closing(done):
        yield from _batches(done, batch)


def in_order(
    function: Callable[[Item], Made], items: Iterable[Item], *, threads: int, window: int
) -> Generator[Made, None, None]:
    """`function` of every item on `threads` threads, results in the items' order, at most `window` in flight.

    An exception of `function` or `items` is raised where its result would have come. However it ends, by the last
    item, by an exception or by `close()`, what has not started is dropped and every thread has ended.
    """
    if threads == 0:
        yield from map(function, items)
        return
    flight: deque[Future[Made]] = deque()
    failure: Exception | None = None
    iterator = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="bulk")
    try:
        while True:
            try:
                flight.append(pool.submit(function, next(iterator)))
            except StopIteration:
                break
            except Exception as error:  # raised below: the results before it come first
                failure = error
                break
            if len(flight) >= window:
                yield flight.popleft().result()
        while flight:
            yield flight.popleft().result()
        if failure:
            raise failure
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _chunks(prepared: Iterable[Prepared[Row]], at_once: int) -> Generator[list[Prepared[Row]], None, None]:
    # what the model gets in one run: up to `at_once` pictures, and what was passed over between them
    chunk: list[Prepared[Row]] = []
    pictures = 0
    for one in prepared:
        chunk.append(one)
        pictures += one.pixels is not None
        if pictures == at_once or len(chunk) - pictures == _PASSED_AT_ONCE:
            yield chunk
            chunk, pictures = [], 0
    if chunk:
        yield chunk


def _run(chunk: list[Prepared[Row]], encode: Callable[[Floats], Floats]) -> tuple[list[Prepared[Row]], Floats | None]:
    pixels = [one.pixels for one in chunk if one.pixels is not None]
    return chunk, encode(np.stack(pixels)) if pixels else None


def _batches(done: Iterable[tuple[list[Prepared[Row]], Floats | None]], batch: int) -> Iterator[Encoded[Row]]:
    rows: list[Row] = []
    vectors: list[Floats] = []
    passed: list[Row] = []
    for chunk, encoded in done:
        turn = iter(encoded if encoded is not None else ())
        for one in chunk:
            if one.pixels is None:
                passed.append(one.row)
            else:
                rows.append(one.row)
                vectors.append(next(turn))
            if len(rows) == batch:
                yield Encoded(rows, np.stack(vectors), passed)
                rows, vectors, passed = [], [], []
        if len(passed) >= _PASSED_AT_ONCE:
            yield Encoded([], np.empty((0, 0, 0), np.float32), passed)
            passed = []
    if rows or passed:
        yield Encoded(rows, np.stack(vectors) if vectors else np.empty((0, 0, 0), np.float32), passed)
