"""Paginated JSON from a local server that pages, stumbles and breaks off."""

import json
import logging

import pytest

from patronage.errors import EventSourceError
from patronage.events.sources import fetch
from patronage.events.sources.http import fetch_http
from patronage.events.sources.transport import Patience

EVENTS = [
    {"customer": {"id": n % 4}, "time": f"2024-01-{n + 1:02d}", "amount": 1.1 * n}
    for n in range(10)
]
FLAT = [
    {"customer.id": e["customer"]["id"], "time": e["time"], "amount": e["amount"]} for e in EVENTS
]
QUICK = Patience(attempts=3, first_wait=0.001, longest_wait=0.01, timeout=5.0)


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("PATRONAGE_HTTP_KEY", raising=False)


def read(paths):
    (path,) = paths
    return [json.loads(line) for line in path.read_text().splitlines()]


def by_cursor(answer, parameter, broken=lambda _: None):
    """Three events a page; the cursor is the number of the next event."""

    def respond(path, _headers):
        start = int(parameter(path, "cursor") or 0)
        following = str(start + 3) if start + 3 < len(EVENTS) else None
        page = {"data": EVENTS[start : start + 3], "meta": {"next_cursor": following}}
        return broken(start) or answer(page)

    return respond


def test_pages_by_cursor_become_one_file_of_flat_rows(serve, answer, parameter, tmp_path):
    shop = serve(by_cursor(answer, parameter))

    assert read(fetch(f"{shop.url}/sales?shop=7", tmp_path / "in")) == FLAT
    assert [path for path, _ in shop.asked] == [
        "/sales?shop=7",
        *(f"/sales?shop=7&cursor={n}" for n in (3, 6, 9)),
    ]


def test_pages_by_link_header_are_followed(serve, answer, parameter, tmp_path):
    def respond(path, _headers):
        start = int(parameter(path, "from") or 0)
        more = start + 4 < len(EVENTS)
        links = f'</sales?from=0>; rel="first", </sales?from={start + 4}>; rel="next"'
        return answer(EVENTS[start : start + 4], **({"Link": links} if more else {}))

    assert read(fetch(f"{serve(respond).url}/sales", tmp_path / "in")) == FLAT


def test_pages_by_next_link_keep_to_our_scheme_and_port(serve, answer, parameter, tmp_path):
    def respond(path, _headers):
        start = int(parameter(path, "from") or 0)
        following = f"https://127.0.0.1/sales?from={start + 5}" if start < 5 else None
        return answer({"count": 10, "results": EVENTS[start : start + 5], "next": following})

    assert read(fetch(f"{serve(respond).url}/sales", tmp_path / "in")) == FLAT


def test_names_of_its_own_are_given_behind_the_hash(serve, answer, parameter, tmp_path):
    def respond(path, _headers):
        assert "#" not in path
        start = int(parameter(path, "after") or 0)
        token = start + 5 if start < 5 else None
        sales = EVENTS[start : start + 5]
        return answer({"result": {"sales": sales, "tags": []}, "page": {"token": token}})

    hint = "#records=result.sales&cursor=page.token&parameter=after"

    assert read(fetch(f"{serve(respond).url}/sales{hint}", tmp_path / "in")) == FLAT


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(serve, answer, parameter, tmp_path, status):
    refusals = [answer({}, status=status, Retry_After="0"), answer({}, status=status)]
    shop = serve(
        by_cursor(answer, parameter, lambda at: refusals.pop() if at == 3 and refusals else None)
    )

    paths = fetch_http(f"{shop.url}/sales", tmp_path, patience=QUICK)

    assert read(paths) == FLAT
    assert len(shop.asked) == 4 + 2


def test_an_answer_that_breaks_off_is_asked_for_again(serve, answer, parameter, tmp_path):
    cut = [(200, {"Content-Length": "500"}, b'{"data": [{"custo')]
    shop = serve(by_cursor(answer, parameter, lambda at: cut.pop() if at == 6 and cut else None))

    assert read(fetch_http(f"{shop.url}/sales", tmp_path, patience=QUICK)) == FLAT


def test_a_broken_download_continues_where_it_stopped(serve, answer, parameter, tmp_path):
    down = [True]
    shop = serve(
        by_cursor(
            answer, parameter, lambda at: answer({}, status=503) if at == 6 and down else None
        )
    )
    kept = tmp_path / "kept"
    with pytest.raises(EventSourceError, match="The 2 pages read so far are kept"):
        fetch_http(f"{shop.url}/sales", tmp_path, resume=kept, patience=QUICK)
    # A page written in half before a power cut is no page.
    with (kept / "rows.ndjson").open("ab") as rows:
        rows.write(b'{"customer.id": 1, "ti')
    down.clear()
    shop.asked.clear()

    paths = fetch_http(f"{shop.url}/sales", tmp_path, resume=kept, patience=QUICK)

    assert read(paths) == FLAT
    assert [path for path, _ in shop.asked] == ["/sales?cursor=6", "/sales?cursor=9"]
    assert not list(kept.iterdir())


def test_the_same_command_continues_without_being_told_where(serve, answer, parameter, tmp_path):
    down = [True]
    shop = serve(
        by_cursor(
            answer, parameter, lambda at: answer({}, status=500) if at == 9 and down else None
        )
    )
    with pytest.raises(EventSourceError, match="continues after them"):
        fetch_http(f"{shop.url}/sales", tmp_path / "in", patience=QUICK)
    down.clear()
    shop.asked.clear()
    (tmp_path / "in").mkdir()

    assert read(fetch_http(f"{shop.url}/sales", tmp_path / "in")) == FLAT
    assert [path for path, _ in shop.asked] == ["/sales?cursor=9"]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_cursor_that_has_expired_starts_anew(serve, answer, parameter, tmp_path):
    statuses = [503, 503, 503, 410]
    shop = serve(
        by_cursor(
            answer,
            parameter,
            lambda at: answer({}, status=statuses.pop(0)) if at == 6 and statuses else None,
        )
    )
    with pytest.raises(EventSourceError):
        fetch_http(f"{shop.url}/sales", tmp_path, resume=tmp_path / "kept", patience=QUICK)
    shop.asked.clear()

    paths = fetch_http(f"{shop.url}/sales", tmp_path, resume=tmp_path / "kept", patience=QUICK)

    assert read(paths) == FLAT
    assert [path for path, _ in shop.asked][:2] == ["/sales?cursor=6", "/sales"]


def test_the_key_goes_to_its_host_alone_and_is_never_shown(
    serve, answer, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("PATRONAGE_HTTP_KEY", "s3cret-key")
    elsewhere = serve(lambda _path, _headers: answer(EVENTS))
    shop = serve(lambda _path, _headers: (302, {"Location": f"{elsewhere.url}/sales"}, b""))

    assert read(fetch(f"{shop.url}/sales", tmp_path / "in")) == FLAT
    assert shop.asked[0][1]["authorization"] == "Bearer s3cret-key"
    assert "authorization" not in elsewhere.asked[0][1]
    assert "s3cret-key" not in caplog.text


def test_a_key_is_not_sent_unencrypted(tmp_path, monkeypatch):
    monkeypatch.setenv("PATRONAGE_HTTP_KEY", "s3cret-key")

    with pytest.raises(EventSourceError, match=r"unencrypted.\nTo mend: use https://") as caught:
        fetch("http://shop.example/sales", tmp_path)

    assert "s3cret-key" not in str(caught.value)


def test_a_missing_key_is_named(serve, answer, tmp_path):
    shop = serve(lambda _path, _headers: answer({}, status=401))

    with pytest.raises(EventSourceError, match="PATRONAGE_HTTP_KEY, which is not set"):
        fetch(f"{shop.url}/sales?api_key=hush", tmp_path)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"data": EVENTS, "next": "https://evil.example/sales"}, "another host, 'evil.example'"),
        ({"data": EVENTS, "has_more": True}, "says that there is more, but not where"),
        ({"data": EVENTS, "next_cursor": "7"}, "leads back to an earlier one"),
        ({"orders": [], "refunds": []}, r"has no list of rows; it has \['orders', 'refunds'\]"),
        ({"data": [1, 2]}, "rows that are not objects"),
        ("hello", "has no list of rows"),
    ],
)
def test_pages_that_cannot_be_trusted_are_refused(serve, answer, tmp_path, body, said):
    shop = serve(lambda _path, _headers: answer(body))

    with pytest.raises(EventSourceError, match=said) as caught:
        fetch(f"{shop.url}/sales?token=hush", tmp_path)

    assert "To mend:" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_page_that_is_not_json_says_so(serve, tmp_path):
    shop = serve(lambda _path, _headers: (200, {}, b"<html>"))

    with pytest.raises(EventSourceError, match="not JSON: b'<html>'"):
        fetch(f"{shop.url}/sales", tmp_path)


def test_a_misspelt_hint_is_refused(tmp_path):
    with pytest.raises(EventSourceError, match=r"says \['record'\] behind its #"):
        fetch("https://shop.example/sales#record=data", tmp_path)


def test_a_server_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EventSourceError, match="did not answer in 3 attempts"):
        fetch_http("http://127.0.0.1:9/sales", tmp_path, patience=QUICK)
