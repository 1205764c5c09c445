"""What turns customers into the parameters of a likelihood: one file per encoder."""
