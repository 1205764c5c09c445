"""API keys: shown once, kept as hashes, revoked at once."""

import fcntl
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from patronage.errors import SettingsError, StoreError
from patronage.service.routes import SCOPES

__all__ = ["ApiKey", "KeyStore"]

# Why so light: a secret holds 256 random bits, and cannot be guessed as a password can.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_LOOK_EVERY: Final = 0.25
_MOST_KNOWN: Final = 10_000
_LONGEST: Final = 200


class ApiKey(msgspec.Struct, frozen=True):
    """A key without its secret.

    Attributes
    ----------
    id : stands in the key and in logs
    name : whom it was given to
    scopes : of read, write, admin; none implies another
    hash : argon2 of the secret
    created, revoked : UTC
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    hash: str
    created: datetime
    revoked: datetime | None = None


@final
class KeyStore:
    """The keys of a file, which several processes read and write.

    Parameters
    ----------
    path : written whole and readable by its owner alone
    known_seconds : how long a verified key is known by its SHA-256, so that argon2 is not on the
        path of every request. A change of the file ends it within a quarter of a second
    """

    def __init__(self, path: Path, *, known_seconds: float = 60.0) -> None:
        self._path, self._known_seconds = path, known_seconds
        self._lock = threading.Lock()
        self._keys: dict[str, ApiKey] = {}
        # SHA-256 of a key → what it was found to be (None: wrong), and until when that holds.
        self._known: dict[bytes, tuple[ApiKey | None, float]] = {}
        self._seen: tuple[int, int, int] | None = None
        self._looked = float("-inf")

    def create(self, name: str, scopes: Sequence[str]) -> tuple[str, ApiKey]:
        """A new key, and what is kept of it; the key itself is told this once.

        Raises
        ------
        SettingsError : there is no such scope
        """
        strange = [scope for scope in scopes if scope not in SCOPES]
        if strange or not scopes:
            raise SettingsError(
                f"no such scope: {', '.join(strange) or 'none given'}.\n"
                f"To mend: give some of {', '.join(SCOPES)}."
            )
        secret = secrets.token_urlsafe(32)
        key = ApiKey(
            id=secrets.token_hex(6),
            name=name,
            scopes=tuple(dict.fromkeys(scopes)),
            hash=_HASHER.hash(secret),
            created=datetime.now(UTC),
        )
        with self._writing() as keys:
            keys[key.id] = key
        return f"pk_{key.id}_{secret}", key

    def revoke(self, key_id: str) -> bool:
        """End a key; False where there is none of that id that holds."""
        with self._writing() as keys:
            key = keys.get(key_id)
            if key is None or key.revoked is not None:
                return False
            keys[key_id] = msgspec.structs.replace(key, revoked=datetime.now(UTC))
        return True

    def all(self) -> list[ApiKey]:
        """Every key, also those revoked, oldest first."""
        self._look(now=True)
        return sorted(self._keys.values(), key=lambda key: key.created)

    def known(self, said: str) -> tuple[bool, ApiKey | None]:
        """Whether this text was verified lately, and what it was found to be; it never waits."""
        self._look()
        found = self._known.get(hashlib.sha256(said.encode()).digest())
        if found is None or found[1] < time.monotonic():
            return False, None
        return True, found[0]

    def verify(self, said: str) -> ApiKey | None:
        """The key of this text, or None; takes as long as argon2 does."""
        self._look()
        mark, _, rest = said.partition("_")
        key_id, _, secret = rest.partition("_")
        if mark != "pk" or not secret or len(said) > _LONGEST:
            return None
        seen, key = self._seen, self._keys.get(key_id)
        if key is None or key.revoked is not None:
            return None
        try:
            _HASHER.verify(key.hash, secret)
            found: ApiKey | None = key
        except (Argon2Error, InvalidHashError):
            found = None
        with self._lock:
            # Why: the file may have changed meanwhile, and what was verified be revoked.
            if self._seen == seen:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                until = time.monotonic() + self._known_seconds
                self._known[hashlib.sha256(said.encode()).digest()] = found, until
        return found

    def _look(self, *, now: bool = False) -> None:
        """Read the file again where it is another one; all that was known is forgotten then."""
        if not now and time.monotonic() - self._looked < _LOOK_EVERY:
            return
        with self._lock:
            self._looked = time.monotonic()
            try:
                stat = self._path.stat()
            except FileNotFoundError:
                self._keys, self._seen = {}, None
                self._known.clear()
                return
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen != self._seen:
                self._keys, self._seen = _read(self._path), seen
                self._known.clear()

    @contextmanager
    def _writing(self) -> Iterator[dict[str, ApiKey]]:
        """The keys as they are in the file, written again at the end; one process at a time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        guard = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            keys = _read(self._path) if self._path.exists() else {}
            yield keys
            beside = self._path.with_suffix(".new")
            with os.fdopen(
                os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb"
            ) as f:
                f.write(msgspec.json.format(msgspec.json.encode(list(keys.values())), indent=1))
                f.flush()
                os.fsync(f.fileno())
            beside.replace(self._path)
        finally:
            os.close(guard)
        self._look(now=True)


def _read(path: Path) -> dict[str, ApiKey]:
    try:
        return {key.id: key for key in msgspec.json.decode(path.read_bytes(), type=list[ApiKey])}
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"the keys of {path} cannot be read: {error}.") from error
