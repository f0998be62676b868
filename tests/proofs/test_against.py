"""``starburst-prove --against`` says what changed, in three formats; otherwise it is silent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from starburst_assurance.proofs import entry
from starburst_assurance.proofs.comparison import against
from starburst_assurance.proofs.comparison.report import (
    FORMATS,
    Finding,
    as_json,
    as_markdown,
    as_text,
)
from starburst_assurance.proofs.reading.policies import PolicySet

NAME = "access/AnalystgenomicsAnalysis"


@pytest.fixture
def assemblies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, PolicySet]:
    """Policy sets by folder; put one in, and the command reads it from there."""
    known: dict[str, PolicySet] = {}

    def read(app: object, assembly: Path, *, only: Sequence[str]) -> Iterator[PolicySet]:
        del app, only
        yield known["before" if assembly == tmp_path / "before" else "after"]

    def write(name: str, folder: Path, *, wanted: object = None) -> None:
        del name, wanted
        _assembly(folder, "prod")

    monkeypatch.setattr(against, "policy_sets_of", read)
    monkeypatch.setattr(against, "synthesized", write)
    _assembly(tmp_path / "before", "prod")
    return known


def _assembly(folder: Path, *environments: str) -> None:
    for name in environments:
        (folder / f"assembly-{name}").mkdir(parents=True, exist_ok=True)
        (folder / f"assembly-{name}" / "manifest.json").write_text("{}")
    (folder / "manifest.json").write_text("{}")


def _wider(policy_set: PolicySet) -> tuple[PolicySet, PolicySet]:
    """Return a policy set without a statement, and as it is."""
    policy = policy_set.policies[NAME]
    allows = [one for one in policy.statements if one.effect == "Allow"]
    kept = tuple(one for one in policy.statements if one is not allows[0])
    return policy_set.with_policy(replace(policy, statements=kept)), policy_set


def test_silence_where_nothing_changed(
    assemblies: dict[str, PolicySet],
    policy_sets: Mapping[str, PolicySet],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assemblies["before"] = assemblies["after"] = policy_sets["prod"]
    assert entry.main(["--against", str(tmp_path / "before")]) == 0
    assert capsys.readouterr() == ("", "")


def test_each_request_is_a_sentence_in_every_format(
    assemblies: dict[str, PolicySet],
    policy_sets: Mapping[str, PolicySet],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assemblies["before"], assemblies["after"] = _wider(policy_sets["prod"])
    arguments = ["--against", str(tmp_path / "before"), "--format"]
    assert entry.main([*arguments, "text"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("prod: Newly allowed - starburst-prod-analyst-genomics may now ")
    assert entry.main([*arguments, "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {one["section"] for one in found} == {"allowed"}
    assert all(one["sentence"] in text for one in found)
    assert all(one["detail"]["resource"] and one["detail"]["actions"] for one in found)
    assert entry.main([*arguments, "markdown"]) == 1
    assert "### prod: Newly allowed" in capsys.readouterr().out


def test_environments_that_come_and_go_are_named(
    assemblies: dict[str, PolicySet],
    policy_sets: Mapping[str, PolicySet],
    tmp_path: Path,
) -> None:
    assemblies["before"] = assemblies["after"] = policy_sets["prod"]
    _assembly(tmp_path / "before", "old")
    _assembly(tmp_path / "after", "prod", "next")
    found = list(against.requests_between(None, tmp_path / "before", tmp_path / "after"))
    assert [(one.section, one.environment) for one in found] == [
        ("environments", "old"),
        ("environments", "next"),
    ]


def test_what_cannot_be_compared_is_not_passed_over(
    assemblies: dict[str, PolicySet],
    policy_sets: Mapping[str, PolicySet],
    tmp_path: Path,
) -> None:
    assemblies["before"] = policy_sets["prod"]
    assemblies["after"] = replace(policy_sets["prod"], account="999988887777")
    _assembly(tmp_path / "after", "prod")
    (found,) = against.requests_between(None, tmp_path / "before", tmp_path / "after")
    assert found.section == "undecided"
    assert "moves from 222233334444" in found.sentence


@pytest.mark.usefixtures("assemblies")
def test_a_folder_without_a_synthesis_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(["--against", str(tmp_path / "nothing")]) == 2
    assert "is no cloud assembly" in capsys.readouterr().err


def test_a_comment_holds_no_markup_of_the_change() -> None:
    nasty = "@everybody may now [x](https://evil.example) `a` <img> #1 *"
    comment = as_markdown([Finding(section="allowed", sentence=nasty)])
    assert "@" not in comment
    assert "\\[x\\](https://evil.example) \\`a\\` \\<img\\> \\#1 \\*" in comment


def test_a_comment_is_never_longer_than_github_takes() -> None:
    many = [Finding(section="allowed", sentence=f"{n} {'x' * 90}") for n in range(2000)]
    comment = as_markdown(many)
    assert len(comment) < 65_536
    told = comment.count("\n- ")
    assert f"{2000 - told} more do not fit here" in comment


def test_nothing_is_nothing_in_each_format() -> None:
    assert as_text([]) == as_markdown([]) == ""
    assert json.loads(as_json([])) == []
    assert set(FORMATS) == {"text", "json", "markdown"}
