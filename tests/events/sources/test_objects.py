"""Objects of an S3 server on this machine, brought into a folder."""

import importlib.util
from pathlib import Path

import pytest

from patronage.errors import EventSourceError, MissingExtraError
from patronage.events.sources import fetch

OBJECTS = {
    "2024/01/sales.csv": b"customer_id,time,amount\n1,2024-01-05,10\n",
    "2024/02/sales.csv": b"customer_id,time,amount\n1,2024-02-05,12\n",
    "2024/02/notes.pdf": b"%PDF",
    "2024/02/late.ndjson.gz": b"\x1f\x8b",
    "one.parquet": b"PAR1",
}


CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def s3_server():
    """A server with one bucket, `shop`, that holds OBJECTS."""
    reason = "for want of moto's S3 server"
    moto = pytest.importorskip("moto.server", reason=reason)
    botocore = pytest.importorskip("botocore.session", reason=reason)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = botocore.get_session().create_client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket="shop")
    for name, body in OBJECTS.items():
        client.put_object(Bucket="shop", Key=name, Body=body)
    client.close()
    yield address
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch):
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": s3_server}.items():
        monkeypatch.setenv(name, value)
    return "s3://shop"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("one.parquet", ["one.parquet"]),
        ("2024/*/sales.csv", ["2024/01/sales.csv", "2024/02/sales.csv"]),
        ("2024/", ["2024/01/sales.csv", "2024/02/late.ndjson.gz", "2024/02/sales.csv"]),
        ("2024/02", ["2024/02/late.ndjson.gz", "2024/02/sales.csv"]),
        ("**/*.parquet", ["one.parquet"]),
    ],
)
def test_an_object_a_glob_or_a_folder_arrives_in_order(bucket, tmp_path, place, expected):
    paths = fetch(f"{bucket}/{place}", tmp_path / "in")

    assert [path.read_bytes() for path in paths] == [OBJECTS[name] for name in expected]
    assert [path.name[6:] for path in paths] == [Path(name).name for name in expected]


@pytest.mark.parametrize("place", ["none.csv", "2025/*.csv", "empty/"])
def test_what_matches_nothing_says_so(bucket, tmp_path, place):
    with pytest.raises(EventSourceError, match=r"matches no .*\nTo mend: name an object"):
        fetch(f"{bucket}/{place}", tmp_path)


def test_a_missing_bucket_is_named(bucket, tmp_path):
    missing = bucket.replace("shop", "nowhere")

    with pytest.raises(EventSourceError, match="s3://nowhere/"):
        fetch(f"{missing}/*.csv", tmp_path)


@pytest.mark.parametrize(("scheme", "package"), [("gs", "gcsfs"), ("az", "adlfs")])
def test_a_store_whose_extra_is_absent_names_it(tmp_path, scheme, package):
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed here")

    with pytest.raises(MissingExtraError, match=rf"{package}.*\n.*patronage\[{scheme}\]"):
        fetch(f"{scheme}://shop/sales.csv", tmp_path)


def test_an_unknown_scheme_lists_the_known(tmp_path):
    with pytest.raises(
        EventSourceError, match=r"ann:\*\*\*@db/shop.*\nTo mend: begin it with sqlite"
    ):
        fetch("mysql://ann:hunter2@db/shop", tmp_path)


def test_a_query_is_for_databases(tmp_path):
    with pytest.raises(EventSourceError, match="is not a database"):
        fetch("s3://shop/sales.csv", tmp_path, query="SELECT 1")
