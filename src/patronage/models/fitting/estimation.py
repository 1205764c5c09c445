"""Estimation: one door to a fit and, where it is asked for, its posterior."""

from typing import Any, Final, TypeVar

from patronage.errors import SettingsError
from patronage.models.encoders.base import Encoder
from patronage.models.fitting.bootstrap import bootstrap
from patronage.models.fitting.laplace import importance, laplace
from patronage.models.fitting.maximum_likelihood import Summit, climb, report
from patronage.models.fitting.nuts import nuts
from patronage.models.fitting.objective import LogPrior
from patronage.models.fitting.posterior import Posterior, Uncertainty
from patronage.models.fitting.priors import Prior
from patronage.models.fitting.psis import highest_k
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.base import Likelihood, Table

__all__ = ["N_DRAWS", "draw_posterior", "estimate"]

N_DRAWS: Final = 1000
# Why: with a flat prior the likelihood of a few hundred customers does not vanish far away, where
# all of them share one dropout probability, and its integral is infinite.
_BAYESIAN: Final = ("psis", "nuts", "auto")
# Chains take small steps where the posterior is known to be crooked: k̂ says so, or transitions of
# chains with large steps diverged.
_CAREFUL: Final = 0.9

TableT = TypeVar("TableT", bound=Table)


def estimate(
    likelihood: Likelihood[TableT],
    table: TableT,
    *,
    encoder: Encoder[Any] | None = None,
    prior: Prior | None = None,
    penalty: LogPrior | None = None,
    uncertainty: Uncertainty | None = None,
    seed: int = 0,
) -> tuple[FitReport, Posterior | None]:
    """The fit, and its posterior by the method asked for (`draw_posterior`); None: no draws.

    Parameters
    ----------
    prior : None is maximum likelihood; but a posterior needs a prior, and for psis, nuts and auto
        None is the weakly informative `Prior()`
    penalty : added to the log-density of the scaled coefficients, beside the prior
    """
    if prior is None and uncertainty in _BAYESIAN:
        prior = Prior()
    summit = climb(likelihood, table, encoder=encoder, prior=prior, penalty=penalty)
    if uncertainty is None:
        return report(summit), None
    return report(summit), draw_posterior(summit, uncertainty, seed=seed)


def draw_posterior(
    summit: Summit, uncertainty: Uncertainty, *, n_draws: int = N_DRAWS, seed: int = 0
) -> Posterior:
    """Draw around a maximum.

    Parameters
    ----------
    uncertainty : laplace (normal; milliseconds), psis (the same, re-weighted), nuts (chains; JAX),
        bootstrap (other samples of customers; holds where the model is wrong), or auto: psis, and
        nuts where its k̂ is too high. Where nothing but a weak penalty holds the maximum, it is a
        prior to all of them.
    """
    match uncertainty:
        case "laplace":
            return laplace(summit, n_draws=n_draws, seed=seed)
        case "psis":
            return importance(summit, n_draws=n_draws, seed=seed)
        case "nuts":
            chains = nuts(summit, n_draws=n_draws, seed=seed)
            if not chains.n_divergent:
                return chains
            return nuts(summit, n_draws=n_draws, target_accept=_CAREFUL, seed=seed)
        case "bootstrap":
            return bootstrap(summit, n_draws=n_draws, seed=seed)
        case "auto":
            found = importance(summit, n_draws=n_draws, seed=seed)
            assert found.k_hat is not None
            if found.k_hat <= highest_k(n_draws):
                return found
            return nuts(summit, n_draws=n_draws, target_accept=_CAREFUL, seed=seed)
    raise SettingsError(
        f"there is no uncertainty {uncertainty!r}.\n"
        "To mend: laplace, psis, nuts, bootstrap or auto; None for standard errors alone."
    )
