"""A ledger's text: the same whichever way it was come to, and read as what was written."""

import random
from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.errors import StoreError
from patronage.live.ledger_text import read_ledger, text_after, written_ledger
from patronage.snapshots import CustomerLedger
from patronage.snapshots.grains import Entries
from snapshots.features.worlds import World, worlds

START = datetime(2022, 1, 1, 9, 30)


@settings(max_examples=15)
@given(worlds(), st.randoms(use_true_random=False))
def test_a_text_after_events_is_that_of_the_ledger_after_them(
    world: World, chance: random.Random
) -> None:
    events = list(world.events)
    chance.shuffle(events)
    whole: dict[Any, CustomerLedger] = defaultdict(lambda: CustomerLedger(0))
    texts: dict[Any, str] = {}
    for event in events:
        who = event["customer_id"]
        if who not in texts:
            whole[who] = CustomerLedger(who, Entries(world.clock))
            texts[who] = written_ledger(whole[who])
        whole[who] = whole[who].after(event)
        texts[who] = text_after(texts[who], [event])

    for who, text in texts.items():
        assert text == written_ledger(whole[who])
        assert read_ledger(text) == whole[who]
        own = [event for event in world.events if event["customer_id"] == who]
        assert text_after(written_ledger(CustomerLedger(who, Entries(world.clock))), own) == text


def test_what_parts_a_text_may_stand_in_a_value() -> None:
    strange = "a\tb\nc\\n[],\u2028é"
    first = {"event_time": START, "amount": 5, "order_id": strange, "text": strange}
    ledger = CustomerLedger(strange).after(first)

    text = text_after(written_ledger(ledger), [first | {"channel": strange}])

    assert text == written_ledger(ledger.after(first | {"channel": strange}))
    assert read_ledger(text) == ledger.after(first | {"channel": strange})


@pytest.mark.parametrize(
    "text",
    [
        '[1,true,[]]\nm["schannel","sx","spurchase"]\t[1,"n5.0000"]',
        '{"customer_id":1,"has_clock":true,"cells":[]}',
        "",
    ],
)
def test_a_ledger_of_another_version_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="another version"):
        read_ledger(text)
