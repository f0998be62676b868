"""Releases get on: old documents are read, old clients read new ones, and who cannot is told.

What each release published, and its client's reader, are in ``recorded/``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import starburst
from starburst._client.access import connection
from starburst.contract import PackagesDocument, RuntimeDocument, protocol, unserved
from starburst.errors import EnvironmentNotFound, VersionMismatch
from tests.contract.releases import RELEASES, full, full_packages, read_by
from tests.manifests import a_manifest
from tests.some import some

RECORDED = sorted(RELEASES.iterdir())
CHANGELOG = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()


def agrees(read: Any, recorded: Any) -> bool:
    """Whether all that was recorded is still read so; a later release may read more."""
    if isinstance(recorded, dict):
        return all(name in read and agrees(read[name], recorded[name]) for name in recorded)
    if isinstance(recorded, list):
        pairs = zip(read, recorded, strict=False)
        return len(read) == len(recorded) and all(agrees(*pair) for pair in pairs)
    return bool(read == recorded)


def reading(document: Any) -> Any:
    return json.loads(json.dumps(asdict(document)))


def newer(**said: object) -> str:
    return json.dumps({**json.loads(full().to_json()), **said})


@pytest.fixture(params=RECORDED, ids=lambda each: each.name)
def release(request: pytest.FixtureRequest) -> Path:
    return cast("Path", request.param)


def test_each_release_is_recorded() -> None:
    dated = re.findall(r"^## \[(\d[\w.]*)\]", CHANGELOG, re.MULTILINE)
    # What comes between two releases is no release; its documents change until it is one.
    here = {starburst.__version__} if ".dev" not in starburst.__version__ else set[str]()
    assert {each.name for each in RECORDED} >= here | {*some(dated)}, (
        "python -m tests.contract.releases"
    )


def test_every_place_says_the_same_version() -> None:
    assert protocol.RELEASE == starburst.__version__ == version("starburst")


def test_documents_of_older_releases_are_read(release: Path) -> None:
    for name, kind in (("runtime", RuntimeDocument), ("packages", PackagesDocument)):
        read = reading(kind.from_json((release / f"{name}.json").read_text()))
        assert agrees(read, json.loads((release / f"{name}.read.json").read_text())), name
    assert unserved((release / "runtime.json").read_text()) is None


def test_a_reading_that_says_something_else_is_noticed(release: Path) -> None:
    recorded = json.loads((release / "runtime.read.json").read_text())
    assert agrees(recorded, recorded)
    for wrong in (
        {**recorded, "fips": False},
        {name: value for name, value in recorded.items() if name != "totals"},
        {**recorded, "hosts": {**recorded["hosts"], "instances": []}},
        {**recorded, "totals": {**recorded["totals"], "workers": 121}},
    ):
        assert not agrees(wrong, recorded)


def test_a_document_without_releases_is_of_the_first() -> None:
    fields = json.loads(full().to_json())
    text = json.dumps({name: fields[name] for name in fields.keys() - {"release", "oldest_client"}})
    read = RuntimeDocument.from_json(text)
    assert (read.release, read.oldest_client) == ("0.1.0", "0.1.0")
    assert unserved(text) is None


def test_the_clients_that_are_served_read_what_is_published_now(release: Path) -> None:
    text = full().to_json()
    said = read_by(release, text)
    older, oldest = (tuple(map(int, each.split("."))) for each in (release.name, OLDEST))
    if older < oldest:
        assert "install starburst" in said
        return
    known = json.loads((release / "runtime.json").read_text())
    assert agrees(json.loads(said), {**known, "release": starburst.__version__})


def test_the_readers_of_older_clients_are_really_asked(release: Path) -> None:
    assert json.loads(read_by(release, newer(colour="red")))["fips"] is True
    assert "malformed" in read_by(release, newer(fips="yes"))
    told = read_by(release, newer(oldest_client="9.0.0", release="9.1.0"))
    assert told.endswith("install starburst 9.1.0, which is the environment's own")


OLDEST = protocol.OLDEST_CLIENT


def test_what_a_later_release_knows_is_left_out_in_every_part() -> None:
    fields = json.loads(full().to_json())
    workspace = fields["workspaces"]["genomics"]
    places = [
        *(fields, workspace, workspace["limits"], fields["hosts"]),
        *(fields["hosts"]["instances"][0], fields["prices"]),
    ]
    for place in places:
        place["from_the_future"] = {"a": [1]}
    fields["totals"] = {**asdict(full().totals), "from_the_future": 1}
    assert RuntimeDocument.from_json(json.dumps(fields)) == full()
    text = json.dumps({**json.loads(full_packages().to_json()), "from_the_future": 1})
    assert PackagesDocument.from_json(text) == full_packages()


@pytest.mark.parametrize(
    ("client", "served"),
    [("0.9.9", False), ("1.2.0", True), ("1.2.0rc1", True), ("1.2.1", True), ("1.10.0", True)],
)
def test_a_client_is_served_from_the_stated_release_on(client: str, served: bool) -> None:
    told = unserved(newer(oldest_client="1.2.0", release="1.4.0", schema=2), client=client)
    assert (told is None) == served
    if told:
        assert told == (
            "the environment serves starburst 1.2.0 and newer, and this is 0.9.9: install "
            "starburst 1.4.0, which is the environment's own"
        )


def test_a_client_that_needs_a_newer_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_OLDEST_ENVIRONMENT", "2.0.0")
    told = unserved(newer(release="1.9.0"), client="2.1.0")
    assert told == (
        "the environment is of release 1.9.0, and starburst 2.1.0 uses those of 2.0.0 and newer: "
        "install starburst 1.9.0, or have the environment upgraded"
    )
    assert unserved(newer(release="2.0.0"), client="2.1.0") is None


@pytest.mark.parametrize("wrong", ["", "1", "1.2", "\x1b[2J1.2.0", "1.2.0 or so", 7, None, [1, 2]])
def test_what_is_no_release_is_no_document(wrong: object) -> None:
    for field in ("release", "oldest_client"):
        with pytest.raises(ValueError, match="is no release"):
            unserved(newer(**{field: wrong}))


def discover(text: str) -> RuntimeDocument:
    ssm = SimpleNamespace(
        get_parameter=lambda **_: {"Parameter": {"Value": text}},
        meta=SimpleNamespace(events=SimpleNamespace(register_first=lambda *_: None)),
    )
    aws: Any = SimpleNamespace(region_name="eu-west-1", client=lambda *_, **__: ssm)
    return connection._discover(aws, "prod", endpoint=None, verify=None)


def test_connecting_tells_which_version_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "own_jitter", lambda client: client)
    assert discover(full().to_json()) == full()
    with pytest.raises(VersionMismatch, match=r"^prod: .*: install starburst 9\.1\.0, which"):
        discover(newer(oldest_client="9.0.0", release="9.1.0", schema=7, workspaces="sealed"))
    with pytest.raises(EnvironmentNotFound, match="cannot be used"):
        discover(newer(release="soon"))


def test_what_a_newer_client_asks_for_is_refused_by_name() -> None:
    manifest = a_manifest()
    fields: Mapping[str, object] = json.loads(manifest.to_json())
    text = json.dumps({**fields, "starburst": "9.1.0", "gpus": 4}).encode()
    with pytest.raises(ValueError, match=r"starburst '9\.1\.0' asks for 'gpus', which .* not know"):
        type(manifest).from_json(text)
