"""From a likelihood, an encoder and a table to parameters and a report of how they were found."""
