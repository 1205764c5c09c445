"""Models put to work back and forth under load: no answer mixes two."""

import argparse
import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from shop import MODELS, Service, Shop, make_shop
from steady import PHASE_HEAD, Steady, phase_row
from verdict import arguments, named, stores_asked, verdict

from patronage.config import serve_settings
from patronage.live.ledger_text import read_ledger
from patronage.live.live_model import load_live_model
from patronage.live.scorer import coming_midnight, utc_now
from patronage.service.opening import open_store

_EVERY = 2.0
_AT_ONCE = 50


def study(folder: Path, told: argparse.Namespace) -> tuple[str, list[str]]:
    """Half of the customers have no new events: their numbers are known for both models."""
    with ExitStack() as stack:
        postgres, redis = stores_asked(stack, folder, told.stores)
        shop = make_shop(folder / "shop")
        workers = 2 if postgres else 1
        service = Service(shop, [*arguments(postgres, redis), "--workers", str(workers)])
        service.wait_until_scored()
        address = postgres.url if postgres else ""
        expected = numbers(shop, address)
        half = len(shop.ids) // 2
        swaps, answers, whole, mixed = 0, list[dict[str, Any]](), 0, 0
        with Steady(service, "swap", ids=shop.ids[:half]) as load:
            began, due = load.for_(0.0)[0], 0.0
            while time.monotonic() - began < 4 * told.seconds:
                if time.monotonic() >= due:
                    body = {"model": MODELS[(swaps + 1) % 2]}
                    status, text = service.ask("PUT", "/v1/models/active", body)
                    if status != 200:
                        raise RuntimeError(text)
                    swaps, due = swaps + 1, time.monotonic() + _EVERY
                asked = {"customer_ids": shop.ids[half : half + _AT_ONCE]}
                status, text = service.ask("POST", "/v1/score:batch", asked)
                told_ = json.loads(text)["scores"]
                whole += 1
                mixed += status != 200 or len({one["version"] for one in told_}) != 1
                answers += told_
            row = phase_row(f"{swaps} swaps", load, (began, time.monotonic()))
        answers += load.scores
        service.wait_until_scored()
        service.stop()
        found = verdict(service, load.acknowledged, events=address, redis=redis)
    versions = {(name, version) for name, (version, _) in expected.items()}
    strange = sum((one["model"], one["version"]) not in versions for one in answers)
    quiet = [one for one in answers if one["customer_id"] in set(shop.ids[half:])]
    other = sum(
        abs(one["clv"] - expected[one["model"]][1][one["customer_id"]])
        > 1e-9 * max(1.0, abs(one["clv"]))
        for one in quiet
    )
    shares = ", ".join(
        f"{sum(one['model'] == name for one in answers):,} {name}" for name in MODELS
    )
    return f"Models swapped, {named(postgres, redis)}, {workers} worker{'s' * (workers > 1)}", [
        PHASE_HEAD,
        row,
        "",
        "| | |",
        "|---|---|",
        f"| scores answered | {shares} |",
        f"| with the version of another model | {strange} |",
        f"| of customers without new events | {len(quiet):,} |",
        f"| of these other than the batch number of the model told | {other} |",
        f"| answers of {_AT_ONCE} scores at once | {whole:,} |",
        f"| of these by two models, or none | {mixed} |",
        *found,
        f"| faults in the log | {service.errors()} |",
    ]


def numbers(shop: Shop, address: str) -> dict[str, tuple[str, dict[str, float]]]:
    """Model → its version, and everybody's value by it."""
    store = open_store(
        serve_settings({"workspace": shop.folder, "events": address or None}), shop.workspace
    )
    held = [one for some in store.all_held() for one in some]
    ledgers = [read_ledger(one.ledger) for one in held]
    found = {}
    for name in MODELS:
        model = load_live_model(shop.workspace, store=store, model=f"models/{name}")
        scores = model.score(ledgers, coming_midnight(utc_now()))
        found[name] = (model.version, {who: one.clv for who, one in scores.items()})
    store.close()
    return found
