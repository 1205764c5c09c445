"""Where results go: found out before the work, not after it."""

import os
from pathlib import Path

from patronage.errors import SettingsError

__all__ = ["make_folder"]


def make_folder(path: Path) -> Path:
    """Make the folder where it does not exist.

    Raises
    ------
    SettingsError : it is a file, or cannot be made or written to
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"cannot make the folder {path}: {error.strerror or error}.\n"
            "To mend: name a folder that does not exist yet, in a place where you may write."
        ) from error
    if not os.access(path, os.W_OK):
        raise SettingsError(
            f"cannot write to the folder {path}.\nTo mend: name a folder where you may write."
        )
    return path
