"""Servers and disks of a test's own: to stop, to start again, to lose, to fill."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

__all__ = [
    "OwnPostgres",
    "OwnRedis",
    "SmallDisk",
    "free_port",
    "own_cluster",
    "own_postgres",
    "own_redis",
    "small_disk",
]


def free_port() -> int:
    """A free port whose port of the cluster bus, 10 000 above, is free too."""
    while True:
        with socket.socket() as one, socket.socket() as bus:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            # Why: the kernel gives ports above 32 767, and some have no place above them.
            port = 12_000 + port % 20_000
            try:
                bus.bind(("127.0.0.1", port + 10_000))
                with socket.socket() as other:
                    other.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


class OwnRedis:
    """One server in a folder of its own, which keeps nothing."""

    def __init__(self, folder: Path, *settings: str) -> None:
        if shutil.which("redis-server") is None:
            pytest.skip("for want of Redis: run `make test`, or install redis-server")
        self.port, self._folder, self._settings = free_port(), folder, settings
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        told = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder)]
        kept = ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *told, *kept, *self._settings], stdout=subprocess.DEVNULL
        )
        wait_for(self.port)

    def signal(self, number: int) -> None:
        """SIGSTOP: it hangs, with its connections open; SIGCONT: it goes on."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(folder)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def own_cluster(folder: Path) -> Iterator[str]:
    """The address of a Redis Cluster of three."""
    servers: list[OwnRedis] = []
    try:
        while len(servers) < 3:
            servers.append(OwnRedis(folder / str(len(servers)), "--cluster-enabled", "yes"))
        nodes = [f"127.0.0.1:{server.port}" for server in servers]
        subprocess.run(
            ["redis-cli", "--cluster", "create", *nodes, "--cluster-yes"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        for server in servers:
            _wait_for_cluster(server.port)
        yield f"redis+cluster://{nodes[0]}"
    finally:
        for server in servers:
            server.stop()


def _wait_for_cluster(port: int) -> None:
    for _ in range(200):
        asked = ["redis-cli", "-p", str(port), "cluster", "info"]
        if b"cluster_state:ok" in subprocess.run(asked, check=True, capture_output=True).stdout:
            return
        time.sleep(0.05)
    raise TimeoutError(f"the cluster of port {port} did not come together")


class OwnPostgres:
    """A cluster in a folder of its own; `settings` as the server takes them."""

    def __init__(self, folder: Path, binaries: Path, settings: str) -> None:
        self._folder, self._binaries, self.port = folder, binaries, free_port()
        self._settings = settings
        self._run("initdb", "-U", "patronage", "-E", "UTF8", "--no-locale", "-N", "-A", "trust")

    @property
    def url(self) -> str:
        return f"postgresql://patronage@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        log = str(self._folder / "server.log")
        self._run("pg_ctl", "-s", "-w", "-l", log, "-o", f"{settings} {self._settings}", "start")

    def stop(self, how: str = "fast") -> None:
        self._run("pg_ctl", "-s", "-w", "-m", how, "stop")

    def _run(self, program: str, *arguments: str) -> None:
        # Why: PostgreSQL refuses to run as root.
        lent: Sequence[str] = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        told = [*lent, str(self._binaries / program), "-D", str(self._folder), *arguments]
        subprocess.run(told, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=90)


@contextmanager
def own_postgres(settings: str = "-c fsync=off") -> Iterator[OwnPostgres]:
    """A server that has been started."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        pytest.skip("for want of PostgreSQL: run `make test`, or install postgresql")
    # Why not the test's folder: the user postgres may have no way into it.
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as name:
        if os.getuid() == 0:
            shutil.chown(name, "postgres")
        server = OwnPostgres(Path(name), found[-1].parent, settings)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


class SmallDisk:
    """A file system of its own, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Take all the room that there is."""
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while True:
                        ballast.write(b"x" * size)

    def free(self) -> None:
        """Give it back."""
        (self.folder / "ballast").unlink()


@contextmanager
def small_disk(folder: Path, *, mebibytes: int) -> Iterator[SmallDisk]:
    """Mounted at the folder, which is made."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("for want of a disk to fill: only root may mount one, where that is allowed")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
