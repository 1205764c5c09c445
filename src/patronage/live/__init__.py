"""Live: events taken in exactly once, and scores that follow them; the same number as in batch."""
