"""What learns a table: one protocol, a learner per file; each serves every tabular model."""
