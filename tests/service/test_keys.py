"""Keys are shown once, kept as hashes, and end at once."""

import stat
import time

import pytest

from patronage.errors import SettingsError, StoreError
from patronage.service import KeyStore


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys.json")


def test_the_file_holds_no_secret_and_is_its_owners_alone(store, tmp_path):
    said, key = store.create("crm", ["read", "write"])
    path = tmp_path / "keys.json"

    assert said.split("_", 2)[2] not in path.read_text()
    assert key.hash.startswith("$argon2id$")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_known_by_its_digest_once_it_is_verified(store):
    said, key = store.create("crm", ["read"])

    assert store.known(said) == (False, None)
    assert store.verify(said) == key
    assert store.known(said) == (True, key)


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said[:-1] + ("A" if said[-1] != "A" else "B"),
        lambda said: said.replace("pk_", "sk_"),
        lambda said: "pk_0_" + said.split("_", 2)[2],
        lambda said: said + "x" * 300,
        lambda said: said[:3],
    ],
)
def test_another_text_is_no_key(store, change):
    said, _ = store.create("crm", ["read"])

    assert store.verify(change(said)) is None


def test_a_revoked_key_ends_at_once_here(store):
    said, key = store.create("crm", ["read"])
    store.verify(said)

    assert store.revoke(key.id)

    assert store.known(said) == (False, None)
    assert store.verify(said) is None
    assert not store.revoke(key.id)


def test_a_revoked_key_ends_within_a_second_in_other_processes(store, tmp_path):
    said, key = store.create("crm", ["read"])
    other = KeyStore(tmp_path / "keys.json")
    other.verify(said)

    store.revoke(key.id)

    end = time.monotonic() + 1.0
    while other.known(said)[1] is not None and time.monotonic() < end:
        time.sleep(0.02)
    assert other.known(said)[1] is None
    assert other.verify(said) is None


def test_two_that_write_lose_nothing(store, tmp_path):
    other = KeyStore(tmp_path / "keys.json")
    store.create("a", ["read"])
    other.create("b", ["read"])
    store.create("c", ["read"])

    assert [key.name for key in other.all()] == ["a", "b", "c"]


@pytest.mark.parametrize("scopes", [[], ["root"], ["read", "root"]])
def test_a_scope_that_is_not_there_is_refused(store, scopes):
    with pytest.raises(SettingsError, match="read, write, admin"):
        store.create("crm", scopes)


def test_a_damaged_file_lets_nobody_in(store, tmp_path):
    said, _ = store.create("crm", ["read"])
    (tmp_path / "keys.json").write_text("[{]")

    with pytest.raises(StoreError, match="cannot be read"):
        KeyStore(tmp_path / "keys.json").verify(said)


def test_a_service_forgets_a_revoked_key_at_once(serve):
    served = serve()
    keys = served.app.parts.keys
    said, key = keys.create("gone soon", ["read"])

    assert served.ask("GET", "/v1/models", key=said).status_code == 200

    keys.revoke(key.id)

    assert served.ask("GET", "/v1/models", key=said).status_code == 401
