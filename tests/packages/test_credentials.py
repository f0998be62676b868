"""Credentials of an index open it, and are in no list, no bucket, no file, no error and no log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from starburst._packages.indexes import authorization, bare
from starburst.errors import PackagesRefused
from tests.packages.conftest import BUCKET, Desk
from tests.packages.wheels import Index, entry, index_of, lock, wheel


@pytest.fixture
def index(offered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.delenv("PIP_NO_INDEX")
    with index_of(tmp_path / "theirs") as index:
        wheel(index.folder, "small")
        yield index


def everything(desk: Desk, tmp_path: Path) -> bytes:
    files = [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    objects = [desk.s3.get_object(Bucket=BUCKET, Key=key) for key in desk.stored()]
    said = [repr({**each, "Body": each["Body"].read()}).encode() for each in objects]
    return b"\n".join((*files, *said))


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "PIP_INDEX_URL", "netrc", "named"])
def test_they_open_the_index_and_stay_here(
    desk: Desk,
    index: Index,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tmp_path = Path.cwd()
    plain = f"http://{index.host}/simple"
    if variable == "netrc":
        (tmp_path / "netrc").write_text(
            f"machine 127.0.0.1 login {index.user} password {index.word}\n"
        )
        (tmp_path / "netrc").chmod(0o600)
        monkeypatch.setenv("UV_DEFAULT_INDEX", plain)
    elif variable == "named":
        monkeypatch.setenv("UV_INDEX", f"our-own={plain}")
        monkeypatch.setenv("UV_INDEX_OUR_OWN_USERNAME", index.user)
        monkeypatch.setenv("UV_INDEX_OUR_OWN_PASSWORD", index.word)
    else:
        monkeypatch.setenv(variable, index.url)
    with caplog.at_level(logging.DEBUG):
        plan = desk.plan(["small"])
        sent = plan.send(desk.store)
    assert ("/files/small-1.0-py3-none-any.whl", True) in index.asked
    seen = everything(desk, tmp_path) + sent.to_json() + repr(plan).encode()
    seen += caplog.text.encode()
    assert index.word.encode() not in seen
    assert index.user.encode() + b":" not in seen


def test_no_error_says_them(
    desk: Desk, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    with pytest.raises(PackagesRefused) as refused:
        desk.plan(["nothere"])
    said = [str(refused.value)]
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url.replace(index.word, "wrong-one"))
    with pytest.raises(PackagesRefused) as refused:
        desk.plan(["small"])
    said.append(str(refused.value))
    url = f"http://{index.user}:wrong-one@{index.host}/files/small-1.0-py3-none-any.whl?sig=hidden"
    path = lock(tmp_path, entry(index.folder / "small-1.0-py3-none-any.whl", url=url))
    with pytest.raises(PackagesRefused, match="credentials") as refused:
        desk.plan(path).send(desk.store)
    said.append(str(refused.value))
    for text in said:
        assert "small" in text or "nothere" in text
        for secret in (index.word, "wrong-one", "hidden", f"{index.user}:"):
            assert secret not in text
    with pytest.raises(PackagesRefused) as refused:
        desk.plan([f"!! @ http://{index.user}:pw-of-bob@host/a"])
    assert "pw-of-bob" not in str(refused.value)


def test_they_go_to_their_host_alone(monkeypatch: pytest.MonkeyPatch, offered: Path) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://bob:p%40w@host:8443/simple")
    assert authorization("https://host:8443/files/a.whl") == ("bob", "p@w")
    for other in ("https://host/a.whl", "http://host:8443/a.whl", "https://host.evil:8443/a.whl"):
        assert authorization(other) is None
    assert bare("password p@w, p%40w and https://bob:x@host/?t=1") == (
        "password ***, *** and https://host/"
    )


def test_a_download_goes_on_where_it_was_cut(
    desk: Desk, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    wheel(index.folder, "large", files={"large.py": f"TEXT = {'x' * 300_000!r}"})
    plan = desk.plan(["large"])
    index.cut = 200_000
    before = len(index.asked)
    sent = plan.send(desk.store)
    body = desk.s3.get_object(Bucket=BUCKET, Key=desk.stored()[0])["Body"].read()
    assert body == (index.folder / sent.wheels[0].filename).read_bytes()
    assert len(index.asked) == before + 2
