"""What is tried again, how long it waits, and never sooner than the service asks."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from runtime.judge.retries import RequestFailedError, RetryPolicy, retry_after_s
from runtime.judge.settings import JudgeSettings

SETTINGS = JudgeSettings(attempts=4, retry_delay_s=1.0, max_retry_delay_s=3.0, max_retry_after_s=50.0)


class Time:
    """A clock that sleeping moves."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        if seconds:  # tenacity sleeps for nothing where the gate does the waiting
            self.slept.append(seconds)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def policy(time):
    return RetryPolicy(SETTINGS, time.sleep, time.clock)


def sending(*outcomes):
    """Raises or returns one outcome after the other; counts its calls."""
    left = list(outcomes)

    def send():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return send


def busy(retry_after_s=None):
    return RequestFailedError("busy", transient=True, retry_after_s=retry_after_s)


def test_what_works_at_once_is_one_attempt_without_waiting(policy, time):
    assert policy.call(sending("reply")) == ("reply", 1)
    assert time.slept == []


def test_what_may_pass_is_tried_again_after_growing_delays_with_a_limit(policy, time):
    assert policy.call(sending(busy(), busy(), busy(), "reply")) == ("reply", 4)
    assert len(time.slept) == 3
    for slept, most in zip(time.slept, (1.0, 2.0, 3.0), strict=True):
        assert 0 <= slept <= most


def test_the_last_failure_is_raised_with_all_attempts(policy):
    with pytest.raises(RequestFailedError) as caught:
        policy.call(sending(*[busy() for _ in range(4)]))
    assert caught.value.attempts == 4


def test_what_will_not_pass_is_not_tried_again(policy, time):
    with pytest.raises(RequestFailedError) as caught:
        policy.call(sending(RequestFailedError("HTTP 400")))
    assert (caught.value.attempts, time.slept) == (1, [])


def test_other_errors_are_not_swallowed(policy):
    with pytest.raises(KeyError):
        policy.call(sending(KeyError("a bug")))


def test_what_the_service_asks_for_is_waited_exactly_and_instead_of_the_delay(policy, time):
    assert policy.call(sending(busy(7.0), "reply")) == ("reply", 2)
    assert time.slept == [7.0]


def test_every_request_waits_for_what_one_was_told(policy, time):
    with pytest.raises(RequestFailedError):
        policy.call(sending(*[busy(5.0) for _ in range(4)]))
    assert time.slept == [5.0] * 3
    assert policy.call(sending("reply")) == ("reply", 1)
    assert time.slept == [5.0] * 4, "the last attempt's answer holds for the next request"


def test_one_who_is_told_to_wait_longer_keeps_the_others_waiting_too(time):
    def sleep(seconds):
        time.sleep(seconds)
        if len(time.slept) == 1:  # meanwhile another request was told to wait
            with pytest.raises(RequestFailedError):
                policy.call(sending(RequestFailedError("HTTP 400", retry_after_s=20.0)))

    policy = RetryPolicy(SETTINGS, sleep, time.clock)
    policy._closed_until = time.now + 5.0
    late = []
    policy.call(lambda: late.append(time.now))
    assert late[0] >= 1000.0 + 5.0 + 20.0


def test_a_wait_that_is_too_long_is_not_waited_and_nothing_is_sent_before_it_is_over(policy, time):
    with pytest.raises(RequestFailedError) as caught:
        policy.call(sending(busy(3600.0)))
    assert (caught.value.attempts, time.slept) == (1, [])
    with pytest.raises(RequestFailedError, match="not asked: the service asks to wait 3600 s") as caught:
        policy.call(lambda: pytest.fail("sent"))
    assert (caught.value.attempts, time.slept) == (0, [])
    time.now += 3590
    assert policy.call(sending("reply")) == ("reply", 1)
    assert time.slept == [pytest.approx(10)]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("-3", 0.0), ("nan", 0.0), ("soon", None), ("", None), (None, None)],
)
def test_the_header_in_seconds(said, seconds):
    assert retry_after_s({"retry-after": said}) == seconds


def test_the_header_as_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < retry_after_s({"retry-after": later}) <= 90
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000"}) in {0.0, None}


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ({"error": {"details": [{"@type": "RetryInfo", "retryDelay": "37s"}]}}, 37.0),
        ('"retryDelay": "0.5s"', 0.5),
        ('"retryDelay": "...s"', None),
        ('"retryDelay": "1.2.3s"', None),
        ({"error": {}}, None),
        (None, None),
    ],
)
def test_googles_retry_info(details, seconds):
    assert retry_after_s(None, details) == seconds
