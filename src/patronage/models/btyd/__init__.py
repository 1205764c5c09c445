"""Buy-till-you-die: customers purchase at a rate of their own until they drop out unseen."""
