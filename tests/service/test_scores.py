"""A score is the number that batch gives, by one model, and says where it comes from."""

import asyncio
from datetime import date, datetime

import polars as pl
import pytest

from patronage.errors import StoreError
from patronage.live.live_model import load_live_model
from patronage.registry import load_artifact
from patronage.scoring import score, scoring_of
from patronage.snapshots import take_snapshot
from patronage.value import Economics

NUMBERS = ("clv", "p_alive", "expected_purchases")


class Away:
    """An online store whose machine cannot be reached."""

    def get(self, customer_ids):
        raise StoreError("away")

    def put(self, held):
        raise StoreError("away")

    def clear(self):
        raise StoreError("away")


def in_batch(workspace, as_of: date) -> pl.DataFrame:
    artifact = load_artifact(workspace.folder / workspace.model)
    snapshot = take_snapshot(
        workspace.log().before(as_of), as_of=as_of, features=artifact.fitted.features
    )
    return score(snapshot, scoring_of(artifact, Economics()))


def test_everybody_gets_the_number_of_batch(served, workspace):
    expected = in_batch(workspace, date(2026, 1, 1))

    ids = expected["customer_id"].to_list()
    told = served.ask("POST", "/v1/score:batch", json={"customer_ids": ids}).json()

    assert told["missing"] == {}
    assert [one["customer_id"] for one in told["scores"]] == ids
    for name in NUMBERS:
        assert [one[name] for one in told["scores"]] == pytest.approx(expected[name].to_list())
    bounds = [(one["interval"]["low"], one["interval"]["high"]) for one in told["scores"]]
    assert [low for low, _ in bounds] == pytest.approx(expected["clv_p10"].to_list())
    assert [high for _, high in bounds] == pytest.approx(expected["clv_p90"].to_list())


def test_a_past_day_is_answered_by_what_was_known_then(served, workspace):
    day = date(2025, 7, 1)
    row = in_batch(workspace, day).row(5, named=True)

    path = f"/v1/customers/{row['customer_id']}/score"
    told = served.ask("GET", f"{path}?as_of={day}").json()

    assert told["as_of"] == "2025-07-01"
    assert told["clv"] == pytest.approx(row["clv"])
    assert told["clv"] != pytest.approx(served.ask("GET", path).json()["clv"])


@pytest.mark.parametrize(
    ("day", "status"),
    [("2026-01-02", 422), ("2026-01-01", 200), ("1999-01-01", 404), ("soon", 422)],
)
def test_a_day_must_be_known_and_have_come(served, day, status):
    answer = served.ask("GET", f"/v1/customers/{served.customer}/score?as_of={day}")

    assert answer.status_code == status


def test_prediction_and_score_are_one_answer(served):
    who = served.customer

    asked = served.ask("POST", "/v1/predict_clv", json={"customer_id": who}).json()

    assert asked == served.ask("GET", f"/v1/customers/{who}/score").json()
    assert asked["interval"]["level"] == 0.8
    assert asked["interval"]["low"] <= asked["clv"] or asked["interval"]["high"] == 0


@pytest.mark.parametrize("who", ["nobody", "%00", "a/b", "../..", "🙂", "x" * 5_000])
def test_unknown_customers_are_not_found(served, who):
    for what in ("score", "history", "events", "explanation"):
        answer = served.ask("GET", f"/v1/customers/{who}/{what}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert served.ask("POST", "/v1/predict_clv", json={"customer_id": who}).status_code == 404


def test_unknown_ids_of_a_batch_are_named_beside_the_scores(served):
    ids = [served.customer, "nobody", 17]

    told = served.ask("POST", "/v1/score:batch", json={"customer_ids": ids}).json()

    assert [one["customer_id"] for one in told["scores"]] == [served.customer]
    assert set(told["missing"]) == {"nobody", "17"}


def test_a_batch_has_a_bound(serve):
    served = serve(max_batch_customers=2)

    assert served.ask("POST", "/v1/score:batch", json={"customer_ids": "abc"}).status_code == 422
    for n, status in ((0, 422), (2, 200), (3, 413)):
        body = {"customer_ids": ["x"] * n}
        assert served.ask("POST", "/v1/score:batch", json=body).status_code == status


def test_a_new_day_makes_a_score_anew(served):
    path = f"/v1/customers/{served.customer}/score"
    before = served.ask("GET", path).json()

    served.clock[0] = datetime(2026, 1, 20, 8)

    after = served.ask("GET", path).json()
    assert (before["as_of"], after["as_of"]) == ("2026-01-01", "2026-01-21")
    assert after["clv"] != before["clv"]
    (held,) = served.system.online.get([served.customer])
    assert held.score.as_of == date(2026, 1, 21)


def test_without_the_online_store_the_event_store_answers_and_says_so(serve):
    whole, served = serve(), serve(online=Away())
    who = served.customer

    told = served.ask("GET", f"/v1/customers/{who}/score").json()

    assert told.pop("degraded") is True
    usual = whole.ask("GET", f"/v1/customers/{who}/score").json()
    assert usual.pop("degraded") is False
    assert told == usual
    many = served.ask("POST", "/v1/score:batch", json={"customer_ids": [who]}).json()
    assert many["scores"][0]["degraded"] is True
    assert served.ask("GET", "/ready", key=None).json()["online"] == "degraded"


def test_what_the_online_store_lost_is_put_there_again(served):
    served.system.store.mark("import", now=served.clock[0])
    while served.system.scorer.pass_once():
        pass
    who = served.customer
    (before,) = served.system.online.get([who])

    served.system.online.clear()
    told = served.ask("GET", f"/v1/customers/{who}/score").json()

    assert served.system.online.get([who]) == [before]
    assert (told["clv"], told["degraded"]) == (before.score.clv, False)


def test_with_no_store_at_all_the_client_is_told_to_come_again(serve):
    served = serve(online=Away())
    who = served.customer
    with served.system.store.database.writing() as tx:
        tx.run("DROP TABLE ledgers")

    answer = served.ask("GET", f"/v1/customers/{who}/score")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "ledgers" not in answer.text


def test_another_model_is_put_to_work_without_a_mixed_answer(serve, workspace):
    served = serve(background=True)
    ids = [one.customer_id for one in next(served.system.store.all_held())][:30]
    names = ("everyone_average", "bg_nbd")
    versions = {load_live_model(workspace, model=f"models/{name}").version for name in names}

    async def go(client):
        seen = []

        async def ask():
            told = await client.post("/v1/score:batch", json={"customer_ids": ids})
            seen.append({one["version"] for one in told.json()["scores"]})

        for name in names:
            swapping = client.put("/v1/models/active", json={"model": name})
            answer, *_ = await asyncio.gather(swapping, *(ask() for _ in range(3)))
            assert answer.json()["active"]["model"] == name
            await ask()
        return seen

    seen = served.run(go)

    assert all(len(one) == 1 for one in seen)
    assert set().union(*seen) == versions


def test_other_processes_follow_and_a_restart_remembers(serve):
    here, there = serve(), serve()
    here.ask("PUT", "/v1/models/active", json={"model": "everyone_average"})

    assert there.app.parts.switch.follow() == "everyone_average"
    assert there.app.parts.switch.follow() is None
    assert here.app.parts.switch.follow() is None
    assert there.ask("GET", "/v1/models").json() == here.ask("GET", "/v1/models").json()
    assert serve().app.parts.switch.follow() == "everyone_average"


def test_a_model_that_is_damaged_is_refused_and_the_one_before_stays(served, workspace):
    folder = workspace.folder / "models" / "damaged"
    folder.mkdir()
    for path in (workspace.folder / workspace.model).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "model.json").write_text("{}")

    answer = served.ask("PUT", "/v1/models/active", json={"model": "damaged"})

    assert answer.status_code == 422
    assert served.ask("GET", "/v1/models").json()["active"]["model"] == "bg_nbd"


@pytest.mark.parametrize("name", ["../bg_nbd", "bg_nbd/..", "", "/etc", ".", "nothing"])
def test_a_model_is_named_and_not_a_path(served, name):
    answer = served.ask("PUT", "/v1/models/active", json={"model": name})

    assert answer.status_code in (404, 422)
