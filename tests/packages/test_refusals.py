"""What may not travel, or cannot, is refused by name, in one sentence, and nothing is written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from starburst._packages import extras
from starburst._packages.target import Target
from starburst.contract import PackagesDocument
from starburst.errors import IntegrityError, PackagesRefused
from tests.packages.conftest import Desk
from tests.packages.wheels import entry, lock, sha256, wheel

NEXT = f">={sys.version_info.major}.{sys.version_info.minor + 1}"


def refusal(desk: Desk, packages: Any) -> str:
    with pytest.raises(PackagesRefused) as refused:
        desk.plan(packages)
    assert not desk.stored()
    said = str(refused.value)
    assert "\n" not in said
    return said


def test_what_has_only_a_source_distribution(desk: Desk, offered: Path) -> None:
    (offered / "onlysource-1.0.tar.gz").write_bytes(b"no matter")
    assert "onlysource has no wheel for workers" in refusal(desk, ["onlysource"])


def test_a_lock_of_a_source_distribution(desk: Desk, tmp_path: Path) -> None:
    text = 'name = "old"\nversion = "1.0"\nsdist = { url = "https://x/old-1.0.tar.gz", hashes = '
    path = lock(tmp_path, text + f'{{ sha256 = "{"0" * 64}" }} }}')
    assert "old 1.0 has no wheel at all" in refusal(desk, path)


def test_what_comes_from_a_repository(desk: Desk, tmp_path: Path) -> None:
    path = lock(
        tmp_path,
        'name = "fresh"\nvcs = { type = "git", url = "https://x/fresh", commit-id = "00" }',
    )
    assert "fresh comes from a repository of its source" in refusal(desk, path)
    assert "fresh is asked for from a repository" in refusal(desk, ["fresh @ git+https://x/fresh"])


def test_a_folder_that_is_no_project_of_ones_own(desk: Desk, tmp_path: Path) -> None:
    path = lock(tmp_path, 'name = "theirs"\ndirectory = { path = "theirs" }')
    assert "theirs comes from a folder" in refusal(desk, path)


def test_an_editable_project_that_is_not_here(desk: Desk, tmp_path: Path) -> None:
    path = lock(tmp_path, 'name = "gone"\ndirectory = { path = "gone", editable = true }')
    assert "gone is an editable project that is not on this machine" in refusal(desk, path)


def test_an_archive_of_a_source(desk: Desk, tmp_path: Path) -> None:
    hashes = f'hashes = {{ sha256 = "{"0" * 64}" }}'
    path = lock(tmp_path, f'name = "arch"\narchive = {{ url = "https://x/a.zip", {hashes} }}')
    assert "arch comes from an archive of its source" in refusal(desk, path)
    assert "arch is asked for by a URL that is no wheel's" in refusal(
        desk, ["arch @ https://x/a.zip"]
    )


def test_all_that_has_no_wheel_is_named_at_once(desk: Desk, tmp_path: Path) -> None:
    path = lock(
        tmp_path,
        'name = "one"\ndirectory = { path = "one" }',
        'name = "two"\nvcs = { type = "git", url = "https://x/two", commit-id = "00" }',
    )
    said = refusal(desk, path)
    assert "one comes" in said
    assert "two comes" in said


def test_a_wheel_of_another_machine(desk: Desk, offered: Path, tmp_path: Path) -> None:
    tag = f"cp3{sys.version_info.minor}-cp3{sys.version_info.minor}-win_amd64"
    path = lock(tmp_path, entry(wheel(offered, "windy", tag=tag)))
    assert "windy 1.0 has no wheel for Python" in refusal(desk, path)


def test_a_lock_for_another_python(desk: Desk, tmp_path: Path) -> None:
    said = refusal(desk, lock(tmp_path, requires_python=NEXT))
    assert "workers run Python" in said
    assert NEXT in said


def test_another_hash_than_a_requirements_file_allows(
    desk: Desk, offered: Path, tmp_path: Path
) -> None:
    wheel(offered, "small")
    path = tmp_path / "requirements.txt"
    path.write_text(f"small==1.0 --hash=sha256:{'1' * 64}\n")
    assert "allows other hashes than those of small-1.0-py3-none-any.whl" in refusal(desk, path)


def test_a_requirements_file_without_hashes(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("small==1.0\nother==2  # why\n")
    assert "gives no sha256 for other, small" in refusal(desk, path)


@pytest.mark.parametrize("line", ["-r more.txt", "./small-1.0-py3-none-any.whl", "what is this"])
def test_a_line_that_would_be_passed_over(desk: Desk, tmp_path: Path, line: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(f"{line}\n")
    assert line.partition(" ")[2] in refusal(desk, path)


def test_a_wheel_that_is_another_file_than_was_locked(
    desk: Desk, offered: Path, tmp_path: Path
) -> None:
    path = lock(tmp_path, entry(wheel(offered, "small"), digest="2" * 64))
    plan = desk.plan(path)
    with pytest.raises(
        IntegrityError, match=r"small-1.0-py3-none-any.whl from file:.* another file"
    ):
        plan.send(desk.store)
    assert not desk.stored()


def test_a_package_that_no_index_has(desk: Desk) -> None:
    said = refusal(desk, ["condaonly"])
    assert "condaonly is on no index" in said
    assert "conda" in said


def test_an_unlisted_package(desk: Desk, offered: Path) -> None:
    wheel(offered, "small", needs=("other",))
    wheel(offered, "other")
    desk.document = PackagesDocument(policy="allowed", allowed=("small>=1",))
    said = refusal(desk, ["small"])
    assert said.startswith("other 1.0 is not on the list of workspace 'study'")
    assert "starburst packages publish 'small' -w study" in said
    desk.steward = True
    assert "not on the list" in refusal(desk, ["small"])


def test_a_listed_package_that_no_steward_put_there(desk: Desk, offered: Path) -> None:
    path = wheel(offered, "small")
    for allowed in ("small", "small>=1,<2", f"sha256:{sha256(path)}"):
        desk.document = PackagesDocument(policy="allowed", allowed=(allowed,))
        assert "no steward has put small 1.0 into workspace 'study'" in refusal(desk, ["small"])
    desk.document = PackagesDocument(policy="allowed", allowed=("small<1", f"sha256:{'0' * 64}"))
    assert "small 1.0 is not on the list" in refusal(desk, ["small"])


def test_anything_where_the_image_is_all(desk: Desk, offered: Path) -> None:
    wheel(offered, "small")
    desk.document = PackagesDocument(policy="image", image={"other": "1.0"})
    assert "lets nothing travel, and its image lacks small 1.0" in refusal(desk, ["small"])
    desk.document = PackagesDocument(policy="image", image={"small": "1.0"})
    assert desk.plan(["small"]).choices == ()


def test_another_version_of_what_starburst_needs(desk: Desk) -> None:
    assert "packages= asks for 'cloudpickle<1'" in refusal(desk, ["cloudpickle<1"])
    assert "packages= asks for 'starburst==99'" in refusal(desk, ["starburst==99"])


@pytest.mark.parametrize(
    "packages", ["gone.lock", "numpy>=2", Path("pyproject.toml"), ["no such; thing"]]
)
def test_what_is_neither_a_lock_nor_requirements(desk: Desk, packages: Any) -> None:
    said = refusal(desk, packages)
    assert ("packages=['numpy>=2']" in said) == (packages == "numpy>=2")


def test_a_machine_without_uv(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "uv", None)
    assert "pip install 'starburst[packages]'" in refusal(desk, ["small"])
    with pytest.raises(PackagesRefused, match=r"starburst\[packages\]"):
        extras.check_installed()


def test_wheels_for_another_architecture(desk: Desk, offered: Path) -> None:
    minor = sys.version_info.minor
    wheel(offered, "fast", tag=f"cp3{minor}-cp3{minor}-manylinux_2_28_x86_64")
    assert [each.name for each in desk.plan(["fast"]).choices] == ["fast"]
    desk.target = Target(python=desk.target.python, architecture="ARM64")
    assert "fast" in refusal(desk, ["fast"])
