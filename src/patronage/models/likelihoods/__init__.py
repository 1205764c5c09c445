"""What the future is drawn from: one file per likelihood, a pure function of its parameters."""
