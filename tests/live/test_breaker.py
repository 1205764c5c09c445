import pytest

from patronage.errors import StoreError
from patronage.live.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def asked(breaker, error=None):
    with breaker.guard():
        if error is not None:
            raise error
        return "answer"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(lambda error: StoreError(f"told: {error}"), (OSError,), clock=clock)


def fail(breaker, times):
    for _ in range(times):
        with pytest.raises(StoreError, match="told: gone"):
            asked(breaker, OSError("gone"))


def test_a_failure_now_and_then_does_not_open_it(breaker):
    for _ in range(5):
        fail(breaker, 2)
        assert asked(breaker) == "answer"

    assert not breaker.is_open


def test_after_three_failures_in_a_row_nobody_asks(breaker):
    fail(breaker, 3)

    assert breaker.is_open
    with pytest.raises(StoreError, match="told: gone"):
        asked(breaker, ZeroDivisionError())


def test_after_a_second_one_caller_finds_out(breaker, clock):
    fail(breaker, 3)
    clock.now += 1.0

    # Another meanwhile does not wait for the answer.
    with breaker.guard(), pytest.raises(StoreError, match="told: gone"):
        asked(breaker)

    assert asked(breaker) == "answer"
    assert not breaker.is_open


def test_where_it_is_still_gone_it_stays_open_for_another_second(breaker, clock):
    fail(breaker, 3)
    clock.now += 1.0
    fail(breaker, 1)
    clock.now += 0.9

    assert breaker.is_open
    clock.now += 0.1
    assert asked(breaker) == "answer"


def test_an_error_of_the_caller_is_none_of_its_business(breaker):
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            asked(breaker, ZeroDivisionError())

    assert asked(breaker) == "answer"
