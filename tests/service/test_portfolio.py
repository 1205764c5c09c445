"""Totals are those of the scores; an explanation adds up to its score."""

import pytest


def test_totals_are_sums_of_the_scores_of_the_model_at_work(served):
    served.system.store.mark("import", now=served.clock[0])
    while served.system.scorer.pass_once():
        pass
    scores = [one.score for some in served.system.store.all_held() for one in some]

    told = served.ask("GET", "/v1/segments").json()
    total = served.ask("GET", "/v1/forecasts").json()

    assert told["waiting"] == total["waiting"] == 0
    assert {one["segment"] for one in told["segments"]} == {one.segment for one in scores}
    for one in told["segments"]:
        mine = [score.clv for score in scores if score.segment == one["segment"]]
        assert (one["customers"], one["clv"]) == (len(mine), pytest.approx(sum(mine)))
    assert total["customers"] == len(scores)
    assert total["clv"] == pytest.approx(sum(score.clv for score in scores))
    expected = sum(score.expected_purchases for score in scores)
    assert total["expected_purchases"] == pytest.approx(expected)


def test_scores_that_are_still_to_be_made_are_not_counted(served):
    told = served.ask("GET", "/v1/forecasts").json()

    assert (told["customers"], told["clv"]) == (0, 0.0)
    assert told["waiting"] == served.system.store.counts()["customers"]


def test_another_model_is_counted_anew(served):
    first = served.ask("GET", "/v1/segments").json()["model"]

    served.ask("PUT", "/v1/models/active", json={"model": "everyone_average"})

    assert (first, served.ask("GET", "/v1/segments").json()["model"]) == (
        "bg_nbd",
        "everyone_average",
    )


def test_an_explanation_adds_up_to_the_score(served):
    who = served.customer
    clv = served.ask("GET", f"/v1/customers/{who}/score").json()["clv"]

    told = served.ask("GET", f"/v1/customers/{who}/explanation").json()

    parts = [reason["contribution"] for reason in told["reasons"]]
    assert told["clv"] == pytest.approx(clv)
    assert told["base"] + sum(parts) == pytest.approx(clv)
    assert max(map(abs, parts)) > 0.01
    assert told["compared_with"] == served.system.store.counts()["customers"] > 50


def test_the_log_is_told_and_bounded(served):
    who = served.customer
    served.ask("POST", "/v1/events", json=served.event("e1"))

    told = served.ask("GET", f"/v1/customers/{who}/events").json()["events"]

    assert told[0]["event_id"] == "e1"
    assert told[0]["event_time"].endswith("Z")
    assert len(served.ask("GET", f"/v1/customers/{who}/events?limit=1").json()["events"]) == 1
    for limit in (0, 1_001, "x"):
        answer = served.ask("GET", f"/v1/customers/{who}/events?limit={limit}")
        assert answer.status_code == 422
        assert answer.json()["errors"]
