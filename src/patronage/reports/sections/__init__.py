"""A file per section of the report: inputs in, what the template shows out."""
