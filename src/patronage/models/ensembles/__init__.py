"""Models made of models: members come in as arguments."""
