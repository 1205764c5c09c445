"""MODELS: every model by name, as strings, so that naming one loads nothing heavy."""

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from patronage.errors import SettingsError
from patronage.models.base import Model
from patronage.models.entry import Entry

__all__ = ["DISCRETE", "MODELS", "Entry", "make_model"]

_CONTINUOUS: Final = "noncontractual continuous"
DISCRETE: Final = "noncontractual discrete"

MODELS: Final[Mapping[str, Entry]] = {
    "bayesian_average": Entry(
        "patronage.models.ensembles.bayesian_average:BayesianAverage",
        "ensemble",
        "forecast",
        "any with enough history",
        "Several models, each as probable as it was at earlier days; close to the best of them.",
        4,
        ("lightgbm",),
        {"members": ("pareto_nbd", "hurdle_lightgbm", "tweedie_lightgbm")},
        by_default=False,
    ),
    "best_spend": Entry(
        "patronage.models.btyd.best_spend:BestSpend",
        "btyd",
        "spend",
        _CONTINUOUS,
        "Gamma-Gamma or log-normal, by a test on the amounts; ties go to Gamma-Gamma.",
        2,
        by_default=False,
    ),
    "bg_bb": Entry(
        "patronage.models.btyd.bg_bb:BGBB",
        "btyd",
        "forecast",
        DISCRETE,
        "One chance to buy in each period, such as yearly gifts or monthly boxes; set the period.",
        2,
        by_default=False,
    ),
    "bg_cnbd_k": Entry(
        "patronage.models.btyd.bg_cnbd_k:BGCNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "As BG/NBD, where customers buy more regularly than at random.",
        2,
        by_default=False,
    ),
    "bg_nbd": Entry(
        "patronage.models.btyd.bg_nbd:BGNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "Repeat buyers who leave unseen after some purchase; few one-time buyers.",
        2,
    ),
    "blend": Entry(
        "patronage.models.ensembles.blend:Blend",
        "ensemble",
        "forecast",
        "any with enough history",
        "Whole distributions of several models, weighted by how likely they held what came.",
        4,
        ("lightgbm",),
        {"members": ("pareto_nbd", "hurdle_lightgbm", "tweedie_lightgbm")},
        by_default=False,
    ),
    "count_value_lightgbm": Entry(
        "patronage.models.tabular.count_value:CountValue",
        "tabular",
        "forecast",
        "any with enough history",
        "Counts and values that differ for reasons of their own; any quantile; losses have a part.",
        3,
        ("lightgbm",),
        {"carry": "pareto_nbd"},
        by_default=False,
    ),
    "elastic_net": Entry(
        "patronage.models.tabular.hurdle:Hurdle",
        "tabular",
        "forecast",
        "any with enough history",
        "The hurdle with linear predictors: few rows, or a forecast that extrapolates.",
        3,
        (),
        {"carry": "pareto_nbd"},
        learner="patronage.models.learners.elastic_net:ElasticNet",
        by_default=False,
    ),
    "everyone_average": Entry(
        "patronage.models.baselines.everyone_average:EveryoneAverage",
        "baseline",
        "forecast",
        "any",
        "The total of the base, shared equally; the floor for every ranking.",
        0,
    ),
    "gamma_gamma": Entry(
        "patronage.models.btyd.gamma_gamma:GammaGamma",
        "btyd",
        "spend",
        _CONTINUOUS,
        "The money of a purchase, where it does not depend on how often a customer buys.",
        2,
    ),
    "ggompertz_nbd": Entry(
        "patronage.models.btyd.ggompertz_nbd:GGompertzNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "As Pareto/NBD, where the dropout rate may rise or fall with a customer's age.",
        2,
        by_default=False,
    ),
    "gradient_boosting": Entry(
        "patronage.models.tabular.hurdle:Hurdle",
        "tabular",
        "forecast",
        "any with enough history",
        "The hurdle with trees boosted by scikit-learn.",
        3,
        ("sklearn",),
        {"carry": "pareto_nbd"},
        learner="patronage.models.learners.gradient_boosting:GradientBoosting",
        by_default=False,
    ),
    "hurdle_lightgbm": Entry(
        "patronage.models.tabular.hurdle:Hurdle",
        "tabular",
        "forecast",
        "any with enough history",
        "Enough history to rewind, and behaviour beyond recency and frequency that tells.",
        3,
        ("lightgbm",),
        {"carry": "pareto_nbd"},
    ),
    "log_normal_spend": Entry(
        "patronage.models.btyd.log_normal_spend:LogNormalSpend",
        "btyd",
        "spend",
        _CONTINUOUS,
        "As Gamma-Gamma, where the logarithms of amounts are normal: few very large orders.",
        2,
        by_default=False,
    ),
    "mbg_cnbd_k": Entry(
        "patronage.models.btyd.mbg_cnbd_k:MBGCNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "As MBG/NBD, where customers buy more regularly than at random.",
        2,
        by_default=False,
    ),
    "mbg_nbd": Entry(
        "patronage.models.btyd.mbg_nbd:MBGNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "As BG/NBD, where many customers leave after the first purchase.",
        2,
    ),
    "mlp": Entry(
        "patronage.models.tabular.hurdle:Hurdle",
        "tabular",
        "forecast",
        "any with enough history",
        "The hurdle with small neural networks: smooth where trees take steps.",
        3,
        ("sklearn",),
        {"carry": "pareto_nbd"},
        learner="patronage.models.learners.mlp:MLP",
        by_default=False,
    ),
    "nbd": Entry(
        "patronage.models.btyd.nbd:NBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "Repeat buyers whom nobody loses, such as over a short time; shows what dropout adds.",
        2,
        by_default=False,
    ),
    "newcomer_blend": Entry(
        "patronage.models.ensembles.newcomer_blend:NewcomerBlend",
        "ensemble",
        "forecast",
        "any with enough history",
        "New customers whose first basket, session or channel tells more than their few purchases.",
        4,
        (),
        {"regular": "pareto_nbd"},
        by_default=False,
    ),
    "normal_spend": Entry(
        "patronage.models.btyd.normal_spend:NormalSpend",
        "btyd",
        "spend",
        _CONTINUOUS,
        "Net money of a purchase that may be negative: returns, restocking, contribution.",
        2,
        by_default=False,
    ),
    "nothing": Entry(
        "patronage.models.baselines.nothing:Nothing",
        "baseline",
        "forecast",
        "any",
        "The floor: a model that does not beat it is worth nothing.",
        0,
    ),
    "pareto_ggg": Entry(
        "patronage.models.btyd.pareto_ggg:ParetoGGG",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "As Pareto/NBD, where some customers buy by the clock and others at random; slower.",
        2,
        by_default=False,
    ),
    "pareto_nbd": Entry(
        "patronage.models.btyd.pareto_nbd:ParetoNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "Customers who leave unseen at any time; the reference for irregular repeat purchases.",
        2,
    ),
    "quantile_lightgbm": Entry(
        "patronage.models.tabular.quantiles:Quantiles",
        "tabular",
        "forecast",
        "any with enough history",
        "Intervals matter more than the total, or some customers cost more than they pay.",
        3,
        ("lightgbm",),
        {"carry": "pareto_nbd"},
        by_default=False,
    ),
    "random_forest": Entry(
        "patronage.models.tabular.hurdle:Hurdle",
        "tabular",
        "forecast",
        "any with enough history",
        "The hurdle with averaged deep trees: hard to mislead, slower to score.",
        3,
        ("sklearn",),
        {"carry": "pareto_nbd"},
        learner="patronage.models.learners.random_forest:RandomForest",
        by_default=False,
    ),
    "same_again": Entry(
        "patronage.models.baselines.same_again:SameAgain",
        "baseline",
        "forecast",
        "any",
        "What a spreadsheet does: the last period once more, customer by customer.",
        0,
    ),
    "stack": Entry(
        "patronage.models.ensembles.stack:Stack",
        "ensemble",
        "forecast",
        "any with enough history",
        "The best of several models at once, weighted by how they did at earlier days.",
        4,
        ("lightgbm",),
        {"members": ("pareto_nbd", "hurdle_lightgbm", "tweedie_lightgbm")},
    ),
    "textbook_lifetime": Entry(
        "patronage.models.baselines.textbook_lifetime:TextbookLifetime",
        "baseline",
        "forecast",
        "any",
        "Order value × frequency × lifetime, the formula of the textbooks, to see what it costs.",
        1,
    ),
    "textbook_retention": Entry(
        "patronage.models.baselines.textbook_retention:TextbookRetention",
        "baseline",
        "forecast",
        "any",
        "Constant retention, m·r / (1 + d − r), to see what it costs.",
        1,
    ),
    "tuned_tweedie": Entry(
        "patronage.models.tabular.tweedie:Tweedie",
        "tabular",
        "forecast",
        "any with enough history",
        "As tweedie_lightgbm, its cuts and leaves chosen by unseen customers, for four times the "
        "work.",
        3,
        ("lightgbm",),
        {"carry": "pareto_nbd"},
        learner="patronage.models.learners.tuned:Tuned",
        by_default=False,
    ),
    "tweedie_lightgbm": Entry(
        "patronage.models.tabular.tweedie:Tweedie",
        "tabular",
        "forecast",
        "any with enough history",
        "As the hurdle, with one forest for money: steadier where few customers buy.",
        3,
        ("lightgbm",),
        {"carry": "pareto_nbd"},
    ),
    "vote": Entry(
        "patronage.models.ensembles.vote:Vote",
        "ensemble",
        "forecast",
        "any with enough history",
        "Several models with an equal say; hard to beat where history is short.",
        4,
        ("lightgbm",),
        {"members": ("pareto_nbd", "hurdle_lightgbm", "tweedie_lightgbm")},
        by_default=False,
    ),
    "xgboost": Entry(
        "patronage.models.tabular.hurdle:Hurdle",
        "tabular",
        "forecast",
        "any with enough history",
        "The hurdle with trees grown by XGBoost.",
        3,
        ("xgboost",),
        {"carry": "pareto_nbd"},
        learner="patronage.models.learners.xgboost:XGBoost",
        by_default=False,
    ),
    "zero_inflated_spend": Entry(
        "patronage.models.btyd.zero_inflated_spend:ZeroInflatedSpend",
        "btyd",
        "spend",
        _CONTINUOUS,
        "Some purchases cost nothing (samples, rewards, trials) and are to be counted.",
        2,
        by_default=False,
    ),
    "ziln_lightgbm": Entry(
        "patronage.models.tabular.ziln:ZILN",
        "tabular",
        "forecast",
        "any with enough history",
        "The literature's zero-inflated log-normal, with bounded spread and honest totals.",
        3,
        ("lightgbm",),
        {"carry": "pareto_nbd"},
        by_default=False,
    ),
    "ziln_linear": Entry(
        "patronage.models.tabular.ziln:ZILN",
        "tabular",
        "forecast",
        "any with enough history",
        "As ziln_lightgbm, linear in logarithms: few customers, or one mailing to learn from.",
        3,
        (),
        {"carry": "pareto_nbd"},
        by_default=False,
        learner="patronage.models.learners.linear_scores:LinearScores",
    ),
}


def make_model(name: str, *, member: Callable[[str], Model] | None = None) -> Model:
    """The model of that name with its default settings.

    Parameters
    ----------
    member : makes the models that it is made of; by default this function

    Raises
    ------
    SettingsError : no such model
    """
    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise SettingsError(
            f"there is no model {name!r}.\nTo mend: {hint}Known models: {', '.join(MODELS)}."
        )
    entry = MODELS[name]
    make = member or make_model
    given: dict[str, Any] = {
        setting: make(one) if isinstance(one, str) else {part: make(part) for part in one}
        for setting, one in entry.members.items()
    }
    if entry.learner is not None:
        given["learner"] = _named(entry.learner)()
    made: Model = _named(entry.target)(**given)
    return made


def _named(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
