"""Buy-till-you-die models: customers purchase for a while, and leave without a word."""
