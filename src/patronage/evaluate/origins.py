"""What a choice can be judged on when the horizon asked is longer than history can be rewound."""

from patronage.horizon import Horizon
from patronage.models.training_pairs import RewoundOrigins, rewound_origins
from patronage.snapshots import Snapshot

__all__ = ["JudgedHorizon", "judged_horizon"]

JudgedHorizon = RewoundOrigins
"""horizon, origins, exact, reason: the same rule by which models learn from outcomes."""


def judged_horizon(snapshot: Snapshot, horizon: Horizon, *, n_origins: int = 3) -> JudgedHorizon:
    """The longest horizon, up to the one asked, that leaves `n_origins` origins to judge on."""
    return rewound_origins(snapshot, horizon, n_min=n_origins, n_max=n_origins)
