"""Data on local: put once, and opened in tasks by the libraries that analysts have, by ranges."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from ssl import create_default_context
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from botocore.exceptions import ClientError

import starburst
from starburst import AccessDenied, Connection, DataNotFound, data, home
from starburst.local import LocalEnvironment

ROWS = 400_000
MEAN = float(np.arange(ROWS, dtype="float64").mean())


@pytest.fixture(scope="module")
def there(local_environment: LocalEnvironment) -> Connection:
    assert local_environment.endpoint
    return starburst.connect("local", "demo")


@pytest.fixture(scope="module")
def cohort(there: Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A parquet file of many row groups, a CSV file and a zarr store, put as a folder."""
    folder = tmp_path_factory.mktemp("cohort")
    numbers = np.arange(ROWS, dtype="float64")
    noise = np.random.default_rng(7).random((ROWS, 4))
    table = pd.DataFrame({"number": numbers, **{f"n{i}": noise[:, i] for i in range(4)}})
    table.to_parquet(folder / "table.parquet", row_group_size=ROWS // 20)
    table.head(1_000).to_csv(folder / "table.csv", index=False)
    grid = xr.Dataset({"t": (("i", "j"), noise[:900, :1] * np.ones((900, 300)))})
    grid["zero"] = grid.t * 0  # whose chunks hold the fill value, and so are not written
    chunks = {"t": {"chunks": (30, 300)}, "zero": {"chunks": (30, 300)}}
    grid.to_zarr(folder / "grid.zarr", encoding=chunks, zarr_format=2, consolidated=True)
    data.put(folder, "cohort", environment=there, progress=False)
    yield "cohort"
    data.rm("cohort", recursive=True, environment=there)


def pandas_parquet(path: str) -> float:
    import pandas as pd  # noqa: PLC0415 - in the task

    table: Any = pd.read_parquet(path, columns=["number"])
    return float(table["number"].mean())


def pandas_csv(path: str) -> int:
    import pandas as pd  # noqa: PLC0415 - in the task

    return len(pd.read_csv(path))


def polars_read(path: str) -> float:
    import polars as pl  # noqa: PLC0415 - in the task

    column: Any = pl.read_parquet(path, columns=["number"])["number"]
    return float(column.mean())


def polars_scan(path: str) -> int:
    import polars as pl  # noqa: PLC0415 - in the task

    found = pl.scan_parquet(path).filter(pl.col("number") < 10).select("n0").collect()
    return found.height


def pyarrow_parquet(path: str) -> int:
    from pyarrow import parquet  # noqa: PLC0415 - in the task

    return parquet.read_table(path, columns=["number"]).num_rows


def pyarrow_dataset(path: str) -> int:
    from pyarrow import dataset  # noqa: PLC0415 - in the task

    wanted = dataset.field("number") < 10
    return dataset.dataset(path).to_table(columns=["n0"], filter=wanted).num_rows


def xarray_zarr(path: str) -> tuple[float, float]:
    import xarray as xr  # noqa: PLC0415 - in the task

    grid = xr.open_zarr(path)
    return float(grid.t[:1, :1].sum()), float(grid.zero[:5, :5].sum())


def zarr_group(path: str) -> tuple[int, ...]:
    import zarr  # noqa: PLC0415 - in the task

    found: Any = zarr.open_group(path, mode="r")["t"]
    assert found[0, 0] == found[0, 1]
    return tuple(found.shape)


def fsspec_range(path: str) -> bytes:
    import fsspec  # noqa: PLC0415 - in the task

    found: bytes = fsspec.filesystem("s3").cat_file(path, start=-4)
    return found


WAYS: dict[Callable[[str], Any], tuple[str, Any, float]] = {
    pandas_parquet: ("table.parquet", MEAN, 0.5),
    pandas_csv: ("table.csv", 1_000, 1.1),
    polars_read: ("table.parquet", MEAN, 0.5),
    polars_scan: ("table.parquet", 10, 0.3),
    pyarrow_parquet: ("table.parquet", ROWS, 0.5),
    pyarrow_dataset: ("table.parquet", 10, 0.3),
    xarray_zarr: ("grid.zarr", None, 0.3),
    zarr_group: ("grid.zarr", (900, 300), 0.3),
    fsspec_range: ("table.parquet", b"PAR1", 0.001),
}
"""A way to read, with the file, what it finds, and which part of the file's bytes it needs at most.

One column of five equal ones is a fifth; one group of rows of twenty, and one column of it, less.
"""


@pytest.fixture(scope="module")
def session(there: Connection) -> Iterator[starburst.Session]:
    """One worker for all ways: what is read by one is not kept for the next."""
    with starburst.session(there, workers=1, cpu=0.25, memory=0.5, progress=False) as session:
        yield session
        session.cleanup(force=True)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_library_opens_a_path_in_a_task_and_fetches_what_it_needs(
    way: Callable[[str], Any],
    cohort: str,
    there: Connection,
    session: starburst.Session,
    local_environment: LocalEnvironment,
) -> None:
    name, expected, most = WAYS[way]
    [path] = data.glob(f"{cohort}/{name}", environment=there)
    assert path.startswith("s3://")
    size = sum(
        each.size
        for each in data.ls(cohort, recursive=True, environment=there)
        if each.path.startswith(path)
    )
    before = local_environment.bytes_read().get("data", 0)
    found = session.submit(way, path).result()
    fetched = local_environment.bytes_read()["data"] - before
    if expected is not None:
        assert found == pytest.approx(expected)
    assert 0 < fetched <= most * size


def test_a_map_over_a_pattern_reads_each_file(there: Connection) -> None:
    for n in range(3):
        table = pd.DataFrame({"number": [float(n)]})
        with data.open(f"parts/{n}.parquet", "wb", environment=there) as file:
            table.to_parquet(file)
    paths = data.glob("parts/*.parquet", environment=there)
    assert starburst.map(
        pandas_parquet, paths, environment=there, workers=1, cpu=0.25, memory=0.5
    ) == [0, 1, 2]
    assert data.rm("parts", recursive=True, environment=there) == 3


def test_a_pattern_matches_as_s3fs_has_it(cohort: str, there: Connection) -> None:
    files = data.filesystem(environment=there)
    for pattern in (
        "*",
        "**",
        "*.parquet",
        "**/*",
        "grid.zarr/t/0.*",
        "*/.z*",
        "?rid*",
        "table.csv",
    ):
        expected = [
            f"s3://{each}"
            for each in files.glob(data.path(f"{cohort}/{pattern}", environment=there))
        ]
        assert data.glob(f"{cohort}/{pattern}", environment=there) == sorted(expected), pattern


def test_starburst_data_works_in_a_task_and_changes_nothing_there(
    cohort: str, session: starburst.Session
) -> None:
    def reads(folder: str) -> tuple[int, bytes]:
        import starburst  # noqa: PLC0415 - in the task

        with starburst.data.open(f"{folder}/table.csv") as file:
            return len(starburst.data.glob(f"{folder}/*")), file.read(6)

    def writes(folder: str) -> None:
        import starburst  # noqa: PLC0415 - in the task

        starburst.data.put(b"x", f"{folder}/x")

    assert session.submit(reads, cohort).result() == (3, b"number")
    with pytest.raises(PermissionError, match="tasks read data and never change it"):
        session.submit(writes, cohort).result()


def test_what_is_large_arrives_whole_with_the_checksum_of_the_whole(
    there: Connection, tmp_path: Path
) -> None:
    body = np.random.default_rng(1).bytes((33 << 20) + 1)
    (tmp_path / "large").write_bytes(body)
    data.put(tmp_path / "large", environment=there, progress=False)
    head = there.s3.head_object(
        Bucket=there.document.bucket, Key="data/demo/large", ChecksumMode="ENABLED"
    )
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert data.get("large", tmp_path / "back", environment=there).read_bytes() == body
    assert data.rm("large", environment=there) == 1


@pytest.mark.usefixtures("there")
def test_data_are_written_by_whom_the_workspace_names(worker: Callable[..., Any]) -> None:
    analyst, steward = (
        starburst.connect("local", "other", user="carol", steward=acts) for acts in (False, True)
    )
    with pytest.raises(AccessDenied, match="in workspace other analysts read data"):
        data.put(b"x", "x", environment=analyst)
    path = data.put(b"x", "x", environment=steward)
    with pytest.raises(AccessDenied, match="its steward writes it"):
        data.rm("x", environment=analyst)
    with pytest.raises(AccessDenied, match="its steward writes it"):
        data.rm("x", recursive=True, environment=analyst)
    assert [each.path for each in data.ls(environment=analyst)] == [path]
    # A worker reads its own workspace's data, and no other; it changes none.
    bucket = analyst.document.bucket
    own, foreign = worker("s3", "other"), worker("s3", "demo")
    assert own.get_object(Bucket=bucket, Key="data/other/x")["Body"].read() == b"x"
    for call, terms in (
        (foreign.get_object, {"Key": "data/other/x"}),
        (own.put_object, {"Key": "data/other/x", "Body": b"y"}),
        (own.put_object, {"Key": "data/other/new", "Body": b"y"}),
        (own.delete_object, {"Key": "data/other/x"}),
        (own.create_multipart_upload, {"Key": "data/other/new"}),
        (own.get_object, {"Key": "home/other/carol/x"}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(Bucket=bucket, **terms)
    assert data.rm("x", environment=steward) == 1


def test_a_home_is_its_users_alone(there: Connection, local_environment: LocalEnvironment) -> None:
    home.put(b"mine", "notes/a.txt", environment=there)
    bob = starburst.connect("local", "demo", user="bob")
    steward = starburst.connect("local", "demo", steward=True)
    key = "home/demo/analyst/notes/a.txt"
    for other in (bob, steward):
        with pytest.raises(ClientError, match="AccessDenied"):
            other.s3.get_object(Bucket=there.document.bucket, Key=key)
    assert [*home.ls(environment=bob)] == []
    link = home.url("notes/a.txt", 60, environment=there)
    trust = create_default_context(cafile=local_environment.ca_bundle)
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
    with direct.open(link) as answer:
        assert answer.read() == b"mine"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        direct.open(link.replace("a.txt", "b.txt"))
    assert home.rm("notes", recursive=True, environment=there) == 1


def test_a_user_who_is_called_data_reaches_nothing_of_the_data(there: Connection) -> None:
    """The area comes first in every key, so a name is never one."""
    path = data.put(b"x", "shared", environment=there)
    person = starburst.connect("local", "other", user="data")
    for key in ("data/demo/shared", "data/other/x"):
        with pytest.raises(ClientError, match="AccessDenied"):
            person.s3.put_object(Bucket=there.document.bucket, Key=key, Body=b"y")
    with pytest.raises(ClientError, match="AccessDenied"):
        person.s3.get_object(Bucket=there.document.bucket, Key="data/demo/shared")
    home.put(b"mine", "shared", environment=person)
    assert [each.path for each in home.ls(environment=person)] == [
        path.replace("data/demo/", "home/other/data/")
    ]
    home.rm("shared", environment=person)
    data.rm("shared", environment=there)


def test_a_missing_name_is_told(there: Connection) -> None:
    with pytest.raises(DataNotFound):
        data.open("no/such", environment=there)
