"""Models that learn a table of rewound snapshots: a learner each, times a form of the cash."""
