"""The systems that can be put to the checks; each runs in an environment of its own."""
