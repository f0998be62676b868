"""A session's packages: decided before anything is created, signed, and checked by functions."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_core
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._packages.closure import of_starburst
from starburst._protocol.packages import PackageList, package_list_key
from starburst.contract import PackagesDocument, packages_parameter
from starburst.errors import ConfigurationError, PackagesRefused, VersionMismatch
from tests.packages.wheels import installed, only_offered, sha256, wheel
from tests.runtime.fleet import BUCKET, Fleet


class Parameters:
    """SSM, with one document."""

    def __init__(self, **document: Any) -> None:
        self.document = PackagesDocument(**document)

    def get_parameter(self, *, Name: str) -> Any:
        assert Name == packages_parameter("test", "study")
        return {"Parameter": {"Value": self.document.to_json()}}


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return only_offered(tmp_path, monkeypatch)


def says(connection: Connection, **document: Any) -> Connection:
    ssm: Any = Parameters(**document)
    return replace(connection, ssm=ssm)


@pytest.fixture
def anything(connection: Connection, fleet: Fleet) -> Connection:
    fleet.launch = False
    return says(connection, policy="any")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Installs a wheel here, and returns its module."""
    loaded: list[str] = []

    def install(path: Path) -> Any:
        monkeypatch.syspath_prepend(installed(tmp_path, path))
        name = path.name.partition("-")[0]
        loaded.append(name)
        return importlib.import_module(name)

    yield install
    for name in loaded:
        sys.modules.pop(name, None)


def opened(connection: Connection, packages: Any = None, **options: Any) -> Session:
    return open_session(
        connection, SessionOptions(workers=1, packages=packages, **options), progress=False
    )


def listed(connection: Connection, session: Session) -> PackageList:
    text = connection.read(package_list_key(session.manifest.keys), purpose="look")
    assert text is not None
    assert session.manifest.packages is not None
    return PackageList.from_json(text, digest=session.manifest.packages)


def keys(connection: Connection, prefix: str = "") -> list[str]:
    found = connection.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [each["Key"] for each in found.get("Contents", [])]


FUNCTION = "VERSION = {0!r}\n\nclass Kind:\n    pass\n\ndef work(x):\n    return x\n"


def small(folder: Path, version: str = "1.0", name: str = "small") -> Path:
    return wheel(folder, name, version, files={f"{name}.py": FUNCTION.format(version)})


def test_what_is_asked_for_is_signed(anything: Connection, offered: Path) -> None:
    path = small(offered)
    with opened(anything, ["small==1.0"]) as session:
        found = listed(anything, session)
        assert [each.sha256 for each in found.wheels] == [sha256(path)]
        assert keys(anything, "packages/") == [f"packages/study/{sha256(path)}.00"]
        assert session.manifest.starburst == starburst.__version__


def test_nothing_is_created_where_packages_are_refused(
    anything: Connection, offered: Path, fleet: Fleet
) -> None:
    for packages in (["missing"], "gone.lock"):
        with pytest.raises(PackagesRefused):
            starburst.map(abs, [1], environment=anything, packages=packages)
    assert not keys(anything)
    assert not fleet.requests


@pytest.mark.parametrize("packages", [3, [3], {"small": 1}, b"small"])
def test_what_is_no_packages_at_all(packages: Any) -> None:
    with pytest.raises(ConfigurationError, match="packages="):
        SessionOptions(packages=packages)


def test_what_code_imports_travels_by_itself(
    anything: Connection, offered: Path, here: Callable[..., Any]
) -> None:
    path = wheel(offered, "small", needs=("other",), files={"small.py": FUNCTION.format("1.0")})
    module = here(path)
    here(small(offered, name="other"))
    small(offered, "2.0")  # is newer, and not what is installed
    with starburst.Executor(anything, workers=1, progress=False) as pool:
        pool.submit(module.work, 1).cancel()
        assert pool.session is not None
        found = listed(anything, pool.session)
        assert [(each.name, each.version) for each in found.wheels] == [
            ("other", "1.0"),
            ("small", "1.0"),
        ]
        pool.shutdown(cancel_futures=True)


def test_what_own_modules_import_travels_too(
    anything: Connection,
    offered: Path,
    here: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here(small(offered))
    here(small(offered, name="perhaps"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "mine.py").write_text(
        "import small\n\ndef work(x):\n    import perhaps\n    return x\n"
    )
    monkeypatch.syspath_prepend(project)
    mine = importlib.import_module("mine")
    shown: Any = starburst.map(mine.work, [1], environment=anything, dry_run=True)
    assert shown.packages == ("perhaps 1.0", "small 1.0")
    assert "perhaps 1.0" in repr(shown)
    assert not keys(anything)
    with starburst.Executor(anything, workers=1, progress=False) as pool:
        pool.submit(mine.work, 1).cancel()
        assert pool.session is not None
        found = listed(anything, pool.session)
        assert [each.name for each in found.wheels] == ["perhaps", "small"]
        pool.shutdown(cancel_futures=True)
    sys.modules.pop("mine")


def test_what_the_image_has_stays(
    connection: Connection, fleet: Fleet, offered: Path, here: Callable[..., Any]
) -> None:
    fleet.launch = False
    module = here(small(offered))
    image = {"small": "1.0", **of_starburst()}
    with starburst.Executor(
        says(connection, policy="any", image=image), workers=1, progress=False
    ) as pool:
        pool.submit(module.work, 1).cancel()
        assert pool.session is not None
        assert pool.session.manifest.packages is None
        pool.shutdown(cancel_futures=True)
    assert not keys(connection, "packages/")


def test_what_was_installed_from_a_repository_is_refused_by_name(
    anything: Connection, offered: Path, here: Callable[..., Any], tmp_path: Path
) -> None:
    module = here(small(offered))
    info = tmp_path / "site-packages/small-1.0.dist-info/direct_url.json"
    info.write_text('{"url": "https://x/small", "vcs_info": {"vcs": "git", "commit_id": "0"}}')
    with pytest.raises(PackagesRefused, match="small was installed from a repository"):
        starburst.map(module.work, [1], environment=anything)
    info.write_text('{"url": "file:///x", "dir_info": {}}')
    with pytest.raises(PackagesRefused, match="small was installed from a folder"):
        starburst.map(module.work, [1], environment=anything)
    assert not keys(anything)


def test_workers_that_lack_a_package_are_told_of_first(
    connection: Connection, offered: Path, here: Callable[..., Any]
) -> None:
    module = here(small(offered))
    alone = says(connection, policy="image", image=of_starburst())
    with pytest.raises(PackagesRefused, match=r"workers lack small 1\.0, which your code imports"):
        starburst.map(module.work, [1], environment=alone)
    other = says(connection, policy="image", image={**of_starburst(), "small": "1.1"})
    with pytest.raises(VersionMismatch, match=r"small 1\.0 here, 1\.1 there"):
        starburst.map(module.work, [1], environment=other)
    with pytest.raises(VersionMismatch, match=r"small 1\.0 here, 1\.1 there"):
        starburst.map(module.work, [1], environment=other, packages=())
    assert not keys(connection)


def test_a_list_that_gives_workers_another_version_is_told_of(
    anything: Connection, offered: Path, here: Callable[..., Any]
) -> None:
    module = here(small(offered))
    small(offered, "2.0")
    with pytest.raises(VersionMismatch, match=r"small 1\.0 here, 2\.0 there"):
        starburst.map(module.work, [1], environment=anything, packages=["small>=2"])
    assert not keys(anything)


def test_a_function_that_comes_later_is_checked_too(
    connection: Connection, fleet: Fleet, offered: Path, here: Callable[..., Any]
) -> None:
    fleet.launch = False
    place = says(connection, policy="any", image=of_starburst())
    module = here(small(offered))
    with opened(place, ()) as session:
        session.submit(module.work, 1)  # packages=() says that it may fail
    small(offered, name="another")
    with opened(place, ["another"]) as session, pytest.raises(PackagesRefused, match=r"small 1\.0"):
        session.submit(module.work, 1)


def test_who_finds_a_session_again_puts_back_what_is_gone(
    anything: Connection, offered: Path, tmp_path: Path
) -> None:
    path = small(offered)
    session = opened(anything, ["small"])
    (key,) = keys(anything, "packages/")
    anything.s3.delete_object(Bucket=BUCKET, Key=key)
    attach_core(anything, session.id, progress=False).detach(RuntimeError())
    assert keys(anything, "packages/") == [key]
    anything.s3.delete_object(Bucket=BUCKET, Key=key)
    for each in (tmp_path / "cache/wheels").rglob(f"{sha256(path)}*"):
        each.unlink()
    with pytest.warns(match=r"small 1\.0 is no longer in workspace 'study'"):
        attach_core(anything, session.id, progress=False).detach(RuntimeError())
    session.cleanup(force=True)


def test_what_the_image_has_is_not_brought_in_another_version(
    connection: Connection, fleet: Fleet, offered: Path, here: Callable[..., Any]
) -> None:
    fleet.launch = False
    module = here(wheel(offered, "small", needs=("other",), files={"small.py": FUNCTION.format(1)}))
    here(small(offered, name="other"))
    small(offered, "2.0", name="other")  # is newer than what is installed and in the image
    place = says(connection, policy="any", image={**of_starburst(), "other": "1.0"})
    with starburst.Executor(place, workers=1, progress=False) as pool:
        pool.submit(module.work, 1).cancel()
        assert pool.session is not None
        assert [each.name for each in listed(connection, pool.session).wheels] == ["small"]
        pool.shutdown(cancel_futures=True)


def test_arrays_need_numpy_whoever_works_on_them(connection: Connection) -> None:
    import numpy as np  # noqa: PLC0415 - for this one test

    shown: Any = starburst.map(len, [np.ones(3)], environment=connection, dry_run=True)
    assert shown.packages == (f"numpy {np.__version__}",)
    shown = starburst.map(len, [[1, "text"]], environment=connection, dry_run=True)
    assert shown.packages == ()
    alone = says(connection, policy="image", image=of_starburst())
    with pytest.raises(PackagesRefused, match="workers lack numpy"):
        starburst.map(len, [np.ones(3)], environment=alone)
