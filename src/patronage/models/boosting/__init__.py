"""Gradient-boosted trees trained on rewound snapshots, carried on to long horizons."""
