"""A folder that lives as long as anything made in it is in use."""

import shutil
import tempfile
import weakref
from pathlib import Path

__all__ = ["Workspace"]


class Workspace:
    """A folder for what one log writes; a temporary one goes when its last user does.

    Parameters
    ----------
    path : a folder to keep; None: a new temporary one
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            self.path = Path(tempfile.mkdtemp(prefix="patronage-"))
            weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        else:
            path.mkdir(parents=True, exist_ok=True)
            self.path = path
