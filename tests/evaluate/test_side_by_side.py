"""Threads change no number and no order."""

import threading
import time
from datetime import date, timedelta

import pytest

from patronage.evaluate import backtest, side_by_side
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.catalog import make_model
from patronage.snapshots import take_snapshot

ORIGINS = [date(2024, 1, 1) + timedelta(days=day) for day in (120, 148)]


def test_results_come_in_the_order_of_the_tasks_whatever_ends_first():
    def work(k: int) -> int:
        time.sleep(0.001 * (k % 3))
        return k * k

    assert side_by_side.side_by_side(work, range(20)) == [k * k for k in range(20)]


def test_the_last_task_is_begun_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(side_by_side, "N_THREADS", 1)
    begun: list[int] = []

    side_by_side.side_by_side(begun.append, range(5))

    assert begun == [4, 3, 2, 1, 0]


def test_an_error_of_one_task_is_raised():
    def work(k: int) -> int:
        return 1 // k

    with pytest.raises(ZeroDivisionError):
        side_by_side.side_by_side(work, [1, 0, 2])


@pytest.mark.slow
def test_a_board_judged_by_one_thread_is_that_of_four(
    shop: EventLog, monkeypatch: pytest.MonkeyPatch
):
    names = ("everyone_average", "mbg_nbd", "pareto_nbd", "hurdle_lightgbm", "tweedie_lightgbm")
    threads: set[int] = set()
    boards = []
    for n in (1, 4):
        monkeypatch.setattr(side_by_side, "N_THREADS", n)
        known = take_snapshot(shop)
        models = {name: make_model(name) for name in names}
        card = backtest(
            known if n == 1 else known.remembering(),
            models,
            origins=ORIGINS,
            horizon=Horizon(6, "week"),
            progress=lambda _: threads.add(threading.get_ident()),
        )
        boards.append(card)

    one, four = boards
    assert one.predictions.equals(four.predictions)
    assert one.frame.equals(four.frame)
    assert one.failures == four.failures
    assert len(threads) > 1
