"""Requests that wait together: each gets its own answer, in order where that was asked for."""

import asyncio
import random
import threading

import pytest

pytest.importorskip("fastapi", reason="for want of fastapi, of the extra live")

from patronage.service.together import Together


def together(work, *, calls=1, at_once=3):
    return Together(work, name="test", calls=calls, at_once=at_once, most=10_000)


@pytest.mark.parametrize("calls", [1, 2, 4])
def test_everyone_gets_their_own_answer(calls):
    chance, done = random.Random(1), []

    def work(items):
        done.extend(items)
        return [item * 10 if item % 7 else ValueError(str(item)) for item in items]

    async def one(doing, item):
        # Why: some come while nothing is under way, or as the last call ends.
        await asyncio.sleep(chance.random() / 50)
        return await doing(item)

    async def go():
        doing = together(work, calls=calls)
        asked = [one(doing, item) for item in range(500)]
        told = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 30)
        assert doing.expected_wait == 0
        doing.close()
        return told

    told = asyncio.run(go())

    assert sorted(done) == list(range(500))
    for item, answer in enumerate(told):
        assert answer == item * 10 if item % 7 else str(answer) == str(item)


def test_several_calls_are_under_way_at_a_time():
    both = threading.Barrier(2)

    def work(items):
        both.wait(timeout=30)
        return items

    async def go():
        doing = together(work, calls=2, at_once=1)
        told = await asyncio.gather(*(doing(item) for item in range(6)))
        doing.close()
        return told

    assert asyncio.run(go()) == list(range(6))


def test_one_call_at_a_time_keeps_the_order():
    order, under_way = [], threading.Lock()

    def work(items):
        assert under_way.acquire(blocking=False)
        order.extend(items)
        under_way.release()
        return items

    async def go():
        doing = together(work)
        await asyncio.gather(*(doing(item) for item in range(200)))
        doing.close()

    asyncio.run(go())

    assert order == list(range(200))


def test_what_an_ended_loop_left_holds_nobody_up():
    doing = together(list, calls=2)

    async def some():
        return await asyncio.wait_for(asyncio.gather(doing(1), doing(2)), 30)

    assert [asyncio.run(some()) for _ in range(10)] == [[1, 2]] * 10
    doing.close()
