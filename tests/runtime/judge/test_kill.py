"""kill -9 in the middle of a judged batch: what was answered is kept, nothing else is paid for twice."""

import pytest

from benchmarks.judging.judge_faults import phrases
from benchmarks.judging.killed_batch import Batch, killed_batch
from benchmarks.judging.loopback_answers import Truth
from runtime.dataset import read_dataset

QUERIES, KILL_AT, CONCURRENCY = 200, 90, 4


@pytest.mark.slow
def test_a_killed_batch_goes_on_and_pays_twice_for_no_more_than_was_in_flight(
    tmp_path, bundle_folder, small_gallery, phantoms
):
    asked = dict(list(phrases(400).items())[:QUERIES])
    batch = Batch(tmp_path, bundle_folder, small_gallery, list(asked), concurrency=CONCURRENCY)
    truth = Truth.of(read_dataset(phantoms).records, asked)
    counts = killed_batch(batch, truth, [KILL_AT], delay_ms=100)

    (in_flight,) = counts["in_flight_at_kills"]
    assert counts["calls_at_kills"][0] >= KILL_AT
    assert 0 < in_flight <= CONCURRENCY
    assert counts["keys"] == counts["recorded"] == QUERIES
    assert counts["calls"] == QUERIES + counts["paid_twice"]
    assert counts["paid_twice"] <= in_flight
    assert counts["paid_twice_beyond_inflight"] == 0
    assert counts["lost"] == 0
    assert f"{5 * QUERIES} of {5 * QUERIES} judged" in counts["said"]
