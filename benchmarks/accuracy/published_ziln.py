"""The published linear ZILN model, made again: Wang, Liu & Miao (2019), arXiv 1912.07753.

One linear layer from the features to three scores, the zero-inflated log-normal loss, Adam at
0.001 on batches of 2,048 until the loss of customers held out of training has not fallen for some
epochs. The mean is p exp(mu + sigma² / 2). Differences: the published notebook stops on the
customers that it then judges, here a tenth of the training customers stop it. Numbers are taken as
logarithms above their minimum, kept within the range seen in training, and standardised: with raw
numbers the exponential of a few customers outgrew the total of all others by orders of magnitude.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from patronage.forecast import ZeroInflatedForecast
from patronage.horizon import Horizon
from patronage.models.tabular.design import Design
from patronage.models.training_pairs import rewound_origins, training_pairs
from patronage.snapshots import Snapshot
from patronage.snapshots.attributes import profile_attributes

BATCH, RATE, EPOCHS, PATIENCE = 2_048, 1e-3, 400, 20


@dataclass(frozen=True)
class Fitted:
    categories: tuple[tuple[str, tuple[str, ...]], ...]
    numbers: tuple[str, ...]
    least: np.ndarray
    most: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    features: tuple[str, ...]

    def table(self, customers: pl.DataFrame) -> np.ndarray:
        logs = _logs(customers, self.numbers, self.least, self.most)
        scaled = (np.where(np.isnan(logs), self.centre, logs) - self.centre) / self.spread
        words = [
            (customers[name].cast(pl.String) == level).fill_null(False).to_numpy().astype(float)
            for name, levels in self.categories
            for level in levels
        ]
        return np.column_stack([scaled, *words, np.ones(len(customers))])

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> ZeroInflatedForecast:
        known = snapshot.with_features(self.features)
        p, mu, sigma = _meaning(self.table(known.customers) @ self.weights)
        n = len(p)
        return ZeroInflatedForecast(
            known.customers["customer_id"].to_numpy(),
            known.as_of,
            horizon,
            np.clip(p, 1e-9, 1 - 1e-9),
            np.exp(np.minimum(mu + sigma**2 / 2, 50.0)),
            np.expm1(np.minimum(sigma**2, 50.0)),
            np.full((n, horizon.n_periods), 1.0 / horizon.n_periods),
        )


@dataclass(frozen=True)
class PublishedLinearZILN:
    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> Fitted:
        attributes = profile_attributes(snapshot.events)
        features = ("rhythm", "money", "windows", *attributes)
        found = rewound_origins(snapshot, horizon, n_min=1)
        pairs = training_pairs(snapshot, found.origins, found.horizon, features)
        customers, cash = pairs.customers, np.maximum(pairs.total, 0.0)
        design = Design.learn(customers, attributes=attributes)
        behaviour = ("frequency", "recency", "T", "monetary_value", "spend")
        asked = (*behaviour, *design.numbers)
        numbers = tuple(name for name in asked if customers[name].drop_nulls().n_unique() > 1)
        known = customers.select(pl.col(numbers).cast(pl.Float64)).to_numpy().astype(float)
        least, most = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
        logs = _logs(customers, numbers, least, most)
        centre, spread = np.nanmean(logs, axis=0), np.nanstd(logs, axis=0)
        fitted = Fitted(
            tuple((one.feature, one.levels) for one in design.categories),
            numbers,
            least,
            most,
            centre,
            np.where(spread > 0, spread, 1.0),
            np.empty(0),
            features,
        )
        table = fitted.table(customers)
        weights = _adam(table, cash, np.random.default_rng(seed))
        return Fitted(*list(fitted.__dict__.values())[:6], weights, features)


def _logs(
    customers: pl.DataFrame, numbers: tuple[str, ...], least: np.ndarray, most: np.ndarray
) -> np.ndarray:
    known = customers.select(pl.col(numbers).cast(pl.Float64)).to_numpy().astype(float)
    return np.log1p(np.clip(known, least, most) - least)


def _adam(table: np.ndarray, cash: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n, k = table.shape
    held = rng.permutation(n) < n // 10
    x, y, x_held, y_held = table[~held], cash[~held], table[held], cash[held]
    limit = np.sqrt(6.0 / (k + 3))
    weights = rng.uniform(-limit, limit, (k, 3))
    weights[-1] = 0.0
    first, second, step = np.zeros_like(weights), np.zeros_like(weights), 0
    best, kept, waited = np.inf, weights.copy(), 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            gradient = x[rows].T @ _loss(x[rows] @ weights, y[rows])[1] / len(rows)
            step += 1
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            scale = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            weights = weights - RATE * scale * first / (np.sqrt(second) + 1e-7)
        loss = float(_loss(x_held @ weights, y_held)[0].mean())
        if loss < best - 1e-5:
            best, kept, waited = loss, weights.copy(), 0
        else:
            waited += 1
            if waited >= PATIENCE:
                break
    return kept


def _meaning(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P(cash > 0), mu, and sigma = max(softplus, a small number)."""
    p = 1.0 / (1.0 + np.exp(-np.clip(scores[:, 0], -500, 500)))
    return p, scores[:, 1], np.maximum(np.logaddexp(0.0, scores[:, 2]), 3e-4)


def _loss(scores: np.ndarray, cash: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, mu, sigma = _meaning(scores)
    paid = (cash > 0).astype(float)
    logs = np.log(np.where(cash > 0, cash, 1.0))
    z = (logs - mu) / sigma
    amount = logs + np.log(sigma) + 0.5 * np.log(2 * np.pi) + 0.5 * z * z
    value = np.logaddexp(0.0, scores[:, 0]) - paid * scores[:, 0] + paid * amount
    slope = 1.0 / (1.0 + np.exp(-scores[:, 2]))
    gradient = np.column_stack([p - paid, -paid * z / sigma, paid * (1 - z * z) / sigma * slope])
    return value, gradient
