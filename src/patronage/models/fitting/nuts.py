"""NUTS: draws from any posterior of a few coefficients, by NumPyro over our NumPy derivatives.

Hoffman & Gelman (2014), The No-U-Turn Sampler, JMLR 15. Coefficients are whitened by the maximum
and its Hessian (coefficients = mode + L z), so that trees stay shallow; each leapfrog is one pass
over the compact table. JAX is loaded here and nowhere before.
"""

from typing import Any, Final

import numpy as np
from jaxtyping import Float, UInt32

from patronage.errors import MissingExtraError
from patronage.models.fitting.laplace import drawn, rng_of, root
from patronage.models.fitting.maximum_likelihood import Summit
from patronage.models.fitting.posterior import Posterior

__all__ = ["nuts"]

_WARM_UP: Final = 150
# Why: beyond e^±30 of the unit nothing can be told from infinity, and a flat prior has no end.
_EDGE: Final = 30.0
_N_CHAINS: Final = 2
_OVERDISPERSED: Final = 1.5
_HIGHEST_R_HAT: Final = 1.01
_FEWEST_PER_CHAIN: Final = 100.0


def nuts(
    summit: Summit,
    *,
    n_draws: int = 1000,
    n_chains: int = _N_CHAINS,
    target_accept: float = 0.6,
    seed: int = 0,
) -> Posterior:
    """Draws of equal weight: n_draws / n_chains from each chain, one chain after the other.

    Parameters
    ----------
    target_accept : 0.6 takes three leapfrogs a draw where the posterior is nearly normal (0.7:
        five on CDNOW); nearer to 1, steps are smaller and corners are not missed

    Raises
    ------
    MissingExtraError : JAX and NumPyro are not installed
    """
    try:
        import jax
        from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
        from numpyro.infer import MCMC, NUTS
    except ImportError as error:
        raise MissingExtraError.of(error.name or "numpyro", "bayes") from error
    mode, spread = summit.optimum.theta, root(summit)
    rng = rng_of(summit, seed)
    starts = _OVERDISPERSED * rng.standard_normal((n_chains, len(mode)))
    with jax.enable_x64(True):
        # Why no mass matrix is learned: z has been whitened already.
        kernel = NUTS(
            potential_fn=_potential(summit, mode, spread),
            adapt_mass_matrix=False,
            target_accept_prob=target_accept,
        )
        chains = MCMC(
            kernel,
            num_warmup=_WARM_UP,
            num_samples=-(-n_draws // n_chains),
            num_chains=n_chains,
            chain_method="sequential",
            progress_bar=False,
        )
        chains.run(
            jax.random.PRNGKey(int(rng.integers(2**31))),
            init_params=jax.numpy.asarray(starts),
            extra_fields=("diverging",),
        )
        z = np.asarray(chains.get_samples(group_by_chain=True))
        n_divergent = int(np.asarray(chains.get_extra_fields()["diverging"]).sum())
    coefficients = mode + z @ spread.T
    r_hat = float(np.max(split_gelman_rubin(coefficients)))
    ess = float(np.min(effective_sample_size(coefficients)))
    draws = coefficients.reshape(-1, len(mode))
    return drawn(
        summit,
        draws,
        np.full(len(draws), 1 / len(draws)),
        "nuts",
        ess=ess,
        r_hat=r_hat,
        n_divergent=n_divergent,
        warnings=_doubts(r_hat, ess, n_divergent, n_chains),
    )


def _potential(
    summit: Summit,
    mode: Float[np.ndarray, " coefficients"],
    spread: Float[np.ndarray, "coefficients coefficients"],
) -> Any:
    """Minus the log-density of z, as a function that JAX can differentiate once."""
    import jax

    highest = float(summit.optimum.moments.value)

    def at(bits: Any) -> UInt32[np.ndarray, "more 2"]:
        z = np.asarray(bits).view(np.float64).ravel()
        here, value, gradient = mode + spread @ z, np.inf, np.zeros_like(z)
        if np.abs(here).max() < _EDGE:
            found = summit.objective(here)
            if np.isfinite(found.value) and np.isfinite(found.gradient).all():
                value, gradient = highest - float(found.value), -spread.T @ found.gradient
        return np.concatenate([[value], gradient]).view(np.uint32).reshape(-1, 2)

    struct: Any = jax.ShapeDtypeStruct
    shape = struct((len(mode) + 1, 2), np.uint32)

    def both(z: Any) -> tuple[Any, Any]:
        # Why bits: JAX calls back in a thread of its own, where the context of `enable_x64` does
        # not hold, and would round doubles to floats on the way in and out.
        bits = jax.lax.bitcast_convert_type(z, jax.numpy.uint32)
        told = jax.pure_callback(at, shape, bits)
        told = jax.lax.bitcast_convert_type(told, jax.numpy.float64)
        return told[0], told[1:]

    @jax.custom_vjp
    def potential(z: Any) -> Any:
        return both(z)[0]

    potential.defvjp(both, lambda gradient, above: (above * gradient,))
    return potential


def _doubts(r_hat: float, ess: float, n_divergent: int, n_chains: int) -> tuple[str, ...]:
    found = []
    if not r_hat <= _HIGHEST_R_HAT:
        found.append(f"the chains disagree (R-hat {r_hat:.3f}): draw more, or give a prior")
    if not ess >= _FEWEST_PER_CHAIN * n_chains:
        found.append(f"only {ess:.0f} effective draws: draw more")
    if n_divergent:
        found.append(
            f"{n_divergent} transitions diverged: the posterior has a corner that the chains may "
            "have missed; give a prior, or fit the simpler model that the report names"
        )
    return tuple(found)
