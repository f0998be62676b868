"""Both lock files are asked about, a weakness fails, and what could not be asked is said (A18)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.delivery.audit import CLEAN, UNASKED, WEAK, ask_npm, ask_uv, main
from tests.delivery.registries import Known, registries

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "http://127.0.0.1:9"


def test_a_weakness_of_either_lock_fails_and_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    known = Known(pypi={"jinja2": "99.0"}, npm={"aws-cdk": "99"})
    with registries(known) as url:
        assert main(["--osv", url, "--npm", url]) == WEAK
    said = capfd.readouterr().err
    assert "uv.lock: jinja2 3." in said
    assert "has TEST-jinja2; fixed in 99.0" in said
    assert "package-lock.json: aws-cdk is high: aws-cdk is weak" in said


def test_without_a_weakness_it_passes() -> None:
    with registries(Known(pypi={"nobody": "1"}, npm={})) as url:
        assert main(["--osv", url, "--npm", url]) == CLEAN


def test_where_nobody_answers_it_says_so_in_a_sentence_and_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["--osv", NOBODY, "--npm", NOBODY]) == UNASKED
    uv, npm = capfd.readouterr().err.splitlines()
    for line, lock in ((uv, "uv.lock"), (npm, "package-lock.json")):
        assert line.startswith(f"{lock}: nobody could be asked, so nothing is known of it: ")
        assert line.endswith("or run this where it is open")


@pytest.mark.parametrize("ask", [ask_uv, ask_npm])
def test_a_folder_without_a_lock_is_no_clean_one(ask: object, tmp_path: Path) -> None:
    answer = ask_uv(tmp_path) if ask is ask_uv else ask_npm(tmp_path)
    assert answer.code == UNASKED


def test_newer_versions_are_asked_for_in_groups_of_each_ecosystem() -> None:
    """Dependabot's file names every lock there is, and waits a week with each version."""
    read = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    assert read["version"] == 2
    updates = {one["package-ecosystem"]: one for one in read["updates"]}
    assert set(updates) == {"github-actions", "npm", "uv"}
    for one in updates.values():
        assert one["schedule"] == {"interval": "weekly"}
        assert one["cooldown"] == {"default-days": 7}
        [group] = one["groups"].values()
        assert group["patterns"] == ["*"]
        assert (ROOT / one["directory"].lstrip("/")).is_dir()
    for ecosystem, lock in (("uv", "uv.lock"), ("npm", "package-lock.json")):
        assert (ROOT / updates[ecosystem]["directory"].lstrip("/") / lock).is_file()
