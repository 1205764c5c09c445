"""Log-likelihoods by the textbook formulas: one judge of everybody's parameters.

As a program it reads {"model", "file", "parameters": {side: [r, alpha, a|s, b|beta] in weeks}}
from standard input and prints {side: log-likelihood with times in weeks}.
"""

import json
import sys

import numpy as np
from places import data_file
from scipy.special import betaln, gammaln, hyp2f1

__all__ = ["bg_nbd", "pareto_nbd"]


def bg_nbd(r, alpha, a, b, x, t_x, T):  # type: ignore[no-untyped-def]
    """Fader, Hardie & Lee (2005), equation 6."""
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + T)
    gone = np.where(
        x > 0,
        betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x),
        -np.inf,
    )
    return float(np.sum(common + np.logaddexp(alive, gone)))


def pareto_nbd(r, alpha, s, beta, x, t_x, T):  # type: ignore[no-untyped-def]
    """Fader & Hardie (2005), A note on deriving the Pareto/NBD model, equation 22."""
    high, low = max(alpha, beta), min(alpha, beta)
    second = s + 1 if alpha >= beta else r + x
    power = r + s + x

    def part(t):  # type: ignore[no-untyped-def]
        return np.log(hyp2f1(power, second, power + 1, (high - low) / (high + t))) - power * np.log(
            high + t
        )

    at_last, at_end = part(t_x), part(T)
    gone = at_last + np.log1p(-np.exp(np.minimum(at_end - at_last, -1e-300)))
    alive = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return float(np.sum(common + np.logaddexp(alive, np.log(s / power) + gone)))


if __name__ == "__main__":
    import polars as pl

    asked = json.load(sys.stdin)
    table = pl.read_parquet(data_file(asked["file"]))
    x = table["frequency"].to_numpy()
    t_x, T = table["recency"].to_numpy() / 7, table["T"].to_numpy() / 7
    judge = {"bg_nbd": bg_nbd, "pareto_nbd": pareto_nbd}[asked["model"]]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {side: judge(*p, x, t_x, T) for side, p in asked["parameters"].items()}
    print(json.dumps(found))
