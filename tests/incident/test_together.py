"""One command contains, isolates and holds; what fails of one stops none of the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.incident import together
from deploy.incident.command import Clients
from deploy.incident.contain import main
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_response import (
    container_document,
    holder_document,
    isolator_document,
)
from starburst_constructs.policies.incident_statements import Locker
from tests.incident.environments import AUDIT, BUCKET, LOGS_KEY
from tests.incident.test_contain import GENOMICS, PROD, clients, denied, running

__all__ = ["clients"]

ALL_THREE = ["--isolate", "--hold"]
PLACEMENT = Placement(account="222233334444", region="eu-west-1")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Stand in for both commands; return what each was asked, in the order of asking."""
    asked: dict[str, list[str]] = {}

    def of(command: str) -> Callable[..., int]:
        def run(words: Sequence[str], *, clients: Clients) -> int:
            asked[command] = list(words)
            return 0

        return run

    monkeypatch.setattr(together, "_MAINS", {name: of(name) for name in together._MAINS})
    return asked


def test_of_one_session_its_objects_alone_are_held(
    clients: Clients, tmp_path: Path, typed: dict[str, list[str]]
) -> None:
    one = ["--user", "alice", "--session", "z" * 20]
    assert main([*GENOMICS, *one, "--hold", "--apply", "--record", "a.json"], clients=clients) == 0
    expected = [*PROD, "--workspace=genomics", "--user=alice", f"--session={'z' * 20}", "--apply"]
    assert sorted(typed["hold"]) == sorted(expected)


@pytest.mark.parametrize("how", [[], ["--apply"], ["--undo", "--apply"]])
def test_the_others_are_asked_for_the_same_user_and_as_seriously(
    clients: Clients, tmp_path: Path, typed: dict[str, list[str]], how: list[str]
) -> None:
    words = [*GENOMICS, "--user", "alice", *ALL_THREE, "--record", str(tmp_path / "a")]
    assert main([*words, *how], clients=clients) == 0
    serious = sorted(how)
    assert sorted(typed["isolate"]) == sorted([*PROD, *serious])
    expected = [*PROD, "--workspace=genomics", "--user=alice", *serious]
    assert sorted(typed["hold"]) == sorted(expected)
    assert list(typed) == ["isolate", "hold"], "what still lets data out comes first"


def test_a_whole_environment_is_held_as_a_whole(
    clients: Clients, tmp_path: Path, typed: dict[str, list[str]]
) -> None:
    words = [*PROD, "--hold", "--record", str(tmp_path / "a"), "--apply"]
    assert main(words, clients=clients) == 0
    assert typed == {"hold": [*PROD, "--apply"]}


def test_nothing_else_is_done_unless_asked(
    clients: Clients, tmp_path: Path, typed: dict[str, list[str]]
) -> None:
    assert main([*GENOMICS, "--record", str(tmp_path / "a"), "--apply"], clients=clients) == 0
    assert typed == {}


@pytest.mark.parametrize("broken", ["isolate", "hold"])
def test_what_fails_is_told_and_stops_nothing_else(
    clients: Clients,
    typed: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: str,
) -> None:
    monkeypatch.setitem(together._MAINS, broken, lambda *_, **__: 2)  # type: ignore[arg-type]
    assert main([*GENOMICS, *ALL_THREE, "--record", "a", "--apply"], clients=clients) == 2
    assert f"{broken}: it says above what it lacks" in capsys.readouterr().err
    assert list(typed) == [name for name in ("isolate", "hold") if name != broken]
    assert running(clients) == ["carol"]
    assert denied(clients)


def test_a_mistyped_name_isolates_and_holds_nothing(
    clients: Clients, typed: dict[str, list[str]]
) -> None:
    assert main([*GENOMICS, "--user", "alcie", *ALL_THREE, "--apply"], clients=clients) == 2
    assert typed == {}


def test_who_has_stored_nothing_is_not_held(
    clients: Clients, typed: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*GENOMICS, "--user", "newcomer", "--in-advance", "--hold", "--apply"]
    assert main(words, clients=clients) == 2
    assert "nothing to --hold" in capsys.readouterr().err
    assert not denied(clients)
    assert typed == {}


def test_the_permission_is_that_of_all_three_and_no_more(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*GENOMICS, *ALL_THREE, "--permission"], clients=clients) == 0
    printed = json.loads(capsys.readouterr().out)
    locker = Locker(bucket=AUDIT, key_arn=LOGS_KEY)
    areas = [f"{area}/genomics/" for area in ("sessions", "packages", "data", "home")]
    single = (
        container_document("prod", ["genomics"], bucket=BUCKET, locker=locker, placement=PLACEMENT),
        isolator_document("prod", locker=locker, placement=PLACEMENT),
        holder_document("prod", areas, bucket=BUCKET, locker=locker, placement=PLACEMENT),
    )
    assert said(printed) == set().union(*(said(each) for each in single))
    names = [statement["Sid"] for statement in printed["Statement"]]
    assert len(names) == len(set(names)), "IAM takes each name once"
    assert list(complaints(Policy.parse("p", printed))) == []


def said(policy: dict[str, Any]) -> set[str]:
    """Return the statements of a policy, whatever they are called."""
    return {
        json.dumps({**statement, "Sid": ""}, sort_keys=True) for statement in policy["Statement"]
    }
