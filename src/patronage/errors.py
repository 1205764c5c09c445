"""Every error that Patronage raises on purpose.

PatronageError
├── EventSourceError (OSError)      the place named cannot be read
├── EventSchemaError (ValueError)   the table read is not a table of events (or of RFM rows)
├── FutureEventError (ValueError)   somebody asks a snapshot for what was not yet known
├── HorizonError (ValueError)       a horizon that cannot be read, judged or served
├── SettingsError (ValueError)      an argument or option outside its range
├── NotEnoughDataError (ValueError) too little history or too few customers to learn from
├── FitError (ArithmeticError)      the optimum was not found, or does not exist
├── ArtifactError (ValueError)      a saved model that is damaged, foreign or tampered with
├── DatasetError (OSError)          a public data set that is not here and cannot be had
├── StoreError (OSError)            an event store or online store that cannot be reached or written
├── ServiceError (RuntimeError)     a service that was asked refused, or did not answer
└── MissingExtraError (ImportError) an optional dependency that is not installed

Each message says what is wrong, what was seen, and how to mend it.
"""

__all__ = [
    "ArtifactError",
    "DatasetError",
    "EventSchemaError",
    "EventSourceError",
    "FitError",
    "FutureEventError",
    "HorizonError",
    "MissingExtraError",
    "NotEnoughDataError",
    "PatronageError",
    "ServiceError",
    "SettingsError",
    "StoreError",
]


class PatronageError(Exception):
    """The base of all; the command line turns it into exit code 2 and one clear message."""


class EventSourceError(PatronageError, OSError):
    """The file, folder, address or query named cannot be read."""


class EventSchemaError(PatronageError, ValueError):
    """The table given is not a table of customer events."""


class FutureEventError(PatronageError, ValueError):
    """A snapshot was asked for what was not yet known."""


class HorizonError(PatronageError, ValueError):
    """A horizon that cannot be read, judged or served."""


class SettingsError(PatronageError, ValueError):
    """An argument or option is outside its range."""


class NotEnoughDataError(PatronageError, ValueError):
    """Too little history, or too few customers, to learn from."""


class FitError(PatronageError, ArithmeticError):
    """The optimum was not found, or does not exist."""


class ArtifactError(PatronageError, ValueError):
    """A saved model is damaged, foreign or tampered with."""


class DatasetError(PatronageError, OSError):
    """A public data set is not here and cannot be had."""


class StoreError(PatronageError, OSError):
    """An event store or an online store cannot be reached, or does not take what is written."""


class ServiceError(PatronageError, RuntimeError):
    """A service that was asked refused (`status` is its HTTP status), or did not answer (0)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class MissingExtraError(PatronageError, ImportError):
    """An optional dependency is not installed."""

    @classmethod
    def of(cls, package: str, extra: str) -> "MissingExtraError":
        """Name the extra that brings `package`."""
        return cls(
            f"this needs the package {package!r}, which is not installed.\n"
            f"To mend: pip install 'patronage[{extra}]'."
        )
