"""A shop's HTTP server that fails where it is told to, and the rows it sells."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

Answer = tuple[int, dict[str, str], bytes]
Respond = Callable[[str, dict[str, str]], Answer]


class Shop:
    """A local server; `respond(path with query, headers)` gives status, headers and body."""

    def __init__(self, respond: Respond) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                shop.asked.append((self.path, headers))
                status, extra, body = respond(self.path, headers)
                self.send_response(status)
                if "Content-Length" not in extra:
                    self.send_header("Content-Length", str(len(body)))
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], Shop]]:
    shops: list[Shop] = []

    def start(respond: Respond) -> Shop:
        shops.append(Shop(respond))
        return shops[-1]

    yield start
    for shop in shops:
        shop.close()


@pytest.fixture
def answer() -> Callable[..., Answer]:
    """A JSON answer; header names are written with underscores."""

    def build(body: object, *, status: int = 200, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return status, named, json.dumps(body).encode()

    return build


@pytest.fixture
def parameter() -> Callable[[str, str], str | None]:
    """One parameter of a path's query."""
    return lambda path, name: parse_qs(urlsplit(path).query).get(name, [None])[0]
