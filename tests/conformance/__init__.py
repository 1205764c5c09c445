"""Published numbers of purchase and spend models, as checks that any system can be put to."""
