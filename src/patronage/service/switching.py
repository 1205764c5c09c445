"""Which model is at work: chosen in one process, followed by all that serve the workspace."""

import re
import threading
from pathlib import Path
from typing import Final, final

from patronage.errors import PatronageError
from patronage.live.ledger_text import read_ledger
from patronage.live.live_model import LiveModel, load_live_model
from patronage.live.scorer import coming_midnight
from patronage.live.system import LiveSystem
from patronage.live.workspace import Workspace
from patronage.service.problems import Problem

__all__ = ["ModelSwitch", "chosen_model"]

_FOLDER: Final = "models"
_FILE: Final = "active-model"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@final
class ModelSwitch:
    """Puts models to work. The choice is kept in the workspace, so that it outlasts a restart."""

    def __init__(self, system: LiveSystem, *, signing_key: bytes | None) -> None:
        self._system, self._signing_key = system, signing_key
        self._path = system.workspace.folder / _FOLDER / _FILE
        self._lock = threading.Lock()
        self._followed = ""

    def names(self) -> list[str]:
        """Models of the workspace."""
        folder = self._system.workspace.folder / _FOLDER
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(path.name for path in found if (path / "manifest.json").is_file())

    def put_to_work(self, name: str) -> None:
        """Load a model, try it on a customer, and put it to work, here and then elsewhere.

        Raises
        ------
        Problem, PatronageError : there is no such model, or it cannot score; the one before stays
        """
        if not _NAME.fullmatch(name) or name not in self.names():
            raise Problem(404, f"There is no model {name[:100]!r}; GET /v1/models names all.")
        with self._lock:
            self._swap(name)
            _write(self._path, name)

    def follow(self) -> str | None:
        """Put to work what another process chose; its name where that was needed."""
        name = _chosen(self._path)
        if name is None or name == self._followed:
            return None
        with self._lock:
            # Why first: one that cannot be loaded is told once, not every second.
            self._followed, before = name, self._system.scorer.model
            self._swap(name)
            return name if self._system.scorer.model is not before else None

    def _swap(self, name: str) -> None:
        model = load_live_model(
            self._system.workspace,
            store=self._system.store,
            model=f"{_FOLDER}/{name}",
            signing_key=self._signing_key,
        )
        if model.fingerprint != self._system.scorer.model.fingerprint:
            self._try(model)
            self._system.scorer.swap(model)
        self._followed = name

    def _try(self, model: LiveModel) -> None:
        """Score somebody with it."""
        for held in self._system.store.all_held(batch=1):
            ledgers = [read_ledger(one.ledger) for one in held]
            try:
                model.score(ledgers, coming_midnight(self._system.now()))
            except (PatronageError, ValueError, KeyError) as error:
                raise Problem(
                    422, f"The model cannot score a customer of today: {error}"
                ) from error
            return


def chosen_model(workspace: Workspace) -> str:
    """Folder of the model that is put to work in the workspace, below its own."""
    name = _chosen(workspace.folder / _FOLDER / _FILE)
    return workspace.model if name is None else f"{_FOLDER}/{name}"


def _chosen(path: Path) -> str | None:
    name = path.read_text().strip() if path.is_file() else ""
    return name if _NAME.fullmatch(name) else None


def _write(path: Path, name: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(name + "\n")
    beside.replace(path)
