"""What a review proposes is proved or withdrawn: wider, in use, untracked and needed are found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stacks.addons.access_review.theorems import review_theorems
from starburst_assurance.proofs import entry
from starburst_assurance.proofs.deployed.standing import Standing
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.review import run as review_run
from starburst_assurance.proofs.review.judging import Judged, judge
from starburst_assurance.proofs.review.record import Proposal, Review, read_review
from starburst_assurance.proofs.review.run import report, told
from starburst_assurance.proofs.review.tracked import Tracked, from_folder
from starburst_assurance.proofs.solving.prove import Verdict
from starburst_assurance.proofs.theorems import ALL
from tests.addons.access_review.world import FakeIam, reference, standing

THEOREMS = {one.name: one for one in (*ALL, *review_theorems())}
READ = "iam:GetRole"
WATCH = "access-analyzer:GetAnalyzer"
LISTED = "cloudwatch:ListMetrics"
CAN = "the_review_can_do_its_work"


@pytest.fixture(scope="module")
def logic() -> Logic:
    return Logic()


@pytest.fixture
def review(
    policy_set: PolicySet, reviewed: Callable[..., Any], tmp_path: Path
) -> Callable[..., Review]:
    """The record of one role, all of whose actions were used but these."""

    def make(*unused: str, purpose: str = "accessreview") -> Review:
        roles = standing(policy_set, purpose)
        [document] = roles[0].managed.values()
        every = {each for one in document["Statement"] for each in one.get("Action", ())}
        roles[0].used = every - set(unused)
        path = tmp_path / "review.json"
        path.write_text(json.dumps(reviewed(FakeIam(*roles), reference())))
        return read_review(path)

    return make


def judged(
    policy_set: PolicySet,
    proposal: Proposal,
    logic: Logic,
    *theorems: str,
    tracked: Callable[[str], bool] | None = None,
) -> tuple[list[Verdict], Judged]:
    asked = [THEOREMS[name] for name in theorems]
    known = tracked or Tracked(reference())
    verdicts, [one] = judge(policy_set, [proposal], asked, tracked=known, logic=logic)
    return verdicts, one


def changed(proposal: Proposal, change: Callable[[Any], Any]) -> Proposal:
    """Return a proposal with its one document changed."""
    [one] = proposal.changes
    return replace(proposal, changes=(replace(one, proposed=change(one.proposed)),))


def test_what_the_job_proposes_is_proved_and_may_be_taken(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    [proposal] = review(WATCH).proposals
    verdicts, one = judged(policy_set, proposal, logic, CAN, "engineers_see_no_data")
    assert [each.answer for each in verdicts] == ["proved", "proved"]
    assert (one.withdrawn, one.back) == ("", [])
    [document] = one.documents.values()
    assert WATCH not in json.dumps(document)
    assert "access-analyzer:ListFindings" in json.dumps(document)


def test_what_an_emergency_needs_is_not_even_proposed(review: Callable[..., Review]) -> None:
    assert review("logs:FilterLogEvents", purpose="platform").proposals == ()
    assert review(LISTED, purpose="platform").proposals != ()


def and_reads_data(document: Any) -> Any:
    more = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}
    return {**document, "Statement": [*document["Statement"], more]}


def without_conditions(document: Any) -> Any:
    return {
        **document,
        "Statement": [
            {**each, "Resource": ["*"]} if each["Effect"] == "Allow" else each
            for each in document["Statement"]
        ],
    }


def without_denials(document: Any) -> Any:
    kept = [each for each in document["Statement"] if each["Effect"] == "Allow"]
    return {**document, "Statement": [*kept, *and_reads_data({"Statement": []})["Statement"]]}


@pytest.mark.parametrize("wider", [and_reads_data, without_conditions, without_denials])
def test_a_proposal_that_widens_is_refuted_with_a_request(
    wider: Callable[[Any], Any],
    policy_set: PolicySet,
    review: Callable[..., Review],
    logic: Logic,
) -> None:
    [proposal] = review(LISTED, purpose="platform").proposals
    _, one = judged(policy_set, changed(proposal, wider), logic)
    assert "nothing_is_newly_allowed is refuted" in one.withdrawn
    assert "starburst-prod-platform" in one.withdrawn
    assert "resource   " in one.withdrawn


def test_a_proposal_that_drops_what_is_on_record_is_refuted(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    [proposal] = review(WATCH).proposals
    recorded = replace(proposal, used=proposal.used | {WATCH.lower()})
    _, one = judged(policy_set, recorded, logic)
    assert "what_is_on_record_stays is refuted" in one.withdrawn
    assert f"action     {WATCH}" in one.withdrawn


def test_a_proposal_that_drops_what_nobody_tracks_is_refuted(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    [proposal] = review(WATCH).proposals
    _, one = judged(policy_set, proposal, logic, tracked=Tracked(reference(untracked=[WATCH])))
    assert "only_tracked_actions_go is refuted" in one.withdrawn
    assert f"action     {WATCH}" in one.withdrawn
    unread = Tracked(reference(gone=["access-analyzer"]))
    _, one = judged(policy_set, proposal, logic, tracked=unread)
    assert "only_tracked_actions_go is refuted" in one.withdrawn
    assert "no way there" in unread.unread["access-analyzer"]


def test_a_proposal_that_narrows_a_resource_loses_what_is_on_record(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    def elsewhere(document: Any) -> Any:
        arn = "arn:aws:iam::222233334444:role/starburst-prod-none"
        return {
            **document,
            "Statement": [
                {**each, "Resource": [arn]} if READ in each["Action"] else each
                for each in document["Statement"]
            ],
        }

    [proposal] = review(WATCH).proposals
    _, one = judged(policy_set, changed(proposal, elsewhere), logic)
    assert "what_is_on_record_stays is refuted" in one.withdrawn


def test_what_a_theorem_needs_comes_back_with_its_sentence_and_the_rest_goes(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    [proposal] = review(READ, WATCH).proposals
    verdicts, one = judged(policy_set, proposal, logic, CAN, "engineers_see_no_data")
    assert {each.answer for each in verdicts} == {"proved"}
    assert one.withdrawn == ""
    assert set(one.back) == {(READ, CAN, THEOREMS[CAN].sentence)}
    [document] = one.documents.values()
    assert READ in json.dumps(document)
    assert WATCH not in json.dumps(document)
    assert document is not None
    sids = [each["Sid"] for each in document["Statement"] if "Sid" in each]
    assert len(sids) == len(set(sids))


def test_where_all_comes_back_nothing_is_left_to_take(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    """As if the job knew nothing of what an emergency needs: the theorem does."""
    [proposal] = review(LISTED, purpose="platform").proposals
    name = "engineers_can_operate"
    [verdict], one = judged(policy_set, proposal, logic, name)
    assert (verdict.answer, one.withdrawn) == ("proved", "all of it came back")
    assert set(one.back) == {(LISTED, name, THEOREMS[name].sentence)}


def test_what_was_changed_since_or_is_nobodys_is_withdrawn(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    [proposal] = review(WATCH).proposals
    [change] = proposal.changes
    today = {**change.today, "Statement": change.today["Statement"][1:]}
    wrong = {"Statement": [{"Effect": "Allow", "Action": ["s3:NoSuch"], "Resource": ["*"]}]}
    for other, said in (
        (replace(proposal, changes=(replace(change, today=today),)), "changed since"),
        (replace(proposal, role=f"{proposal.role}-not"), "none of the environment's roles"),
        (replace(proposal, changes=(replace(change, name="x"),)), "none of the role's policies"),
        (changed(proposal, lambda _: wrong), "no action is called s3:NoSuch"),
        (changed(proposal, lambda _: {"Statement": [1]}), "no policy"),
        (changed(proposal, lambda _: change.today), "changes nothing"),
    ):
        _, one = judged(policy_set, other, logic)
        assert said in one.withdrawn


def test_a_theorem_that_fails_already_is_told_and_blames_no_proposal(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    [proposal] = review(WATCH).proposals
    broken = replace(
        policy_set,
        roles=tuple(
            replace(each, policies=()) if each.purpose == "platform" else each
            for each in policy_set.roles
        ),
    )
    [verdict], one = judged(broken, proposal, logic, "engineers_can_operate")
    assert verdict.answer == "refuted"
    assert one.withdrawn == ""


def test_what_is_told_names_each_and_what_nobody_reviewed(
    policy_set: PolicySet, review: Callable[..., Review], logic: Logic
) -> None:
    found = review(WATCH)
    found = replace(found, verdicts={**found.verdicts, "arn:aws:iam::1:role/x": "not reviewed"})
    known = Tracked(reference())
    verdicts, all_of_them = judge(policy_set, found.proposals, [], tracked=known, logic=logic)
    text = "".join(told(found, all_of_them, known))
    assert "proved    starburst-prod-accessreview" in text
    assert "not reviewed  arn:aws:iam::1:role/x" in text
    assert "1 of 1 proposals may be taken" in text
    written = report(found, all_of_them, verdicts, known)
    assert written["not_reviewed"] == ["arn:aws:iam::1:role/x"]
    assert written["record_sha256"] == found.digest
    assert written["proposals"][0]["may_be_taken"] is True


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "other", "schema": 1}'])
def test_a_file_that_is_no_record_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    path.write_text(text)
    with pytest.raises(ProofError, match="no record of an access review"):
        read_review(path)


def test_a_reference_of_files_answers_as_awss_does(tmp_path: Path) -> None:
    (tmp_path / "sqs.json").write_bytes(reference(untracked=["sqs:SendMessage"])("sqs"))
    known = from_folder(tmp_path)
    assert known("sqs:PurgeQueue")
    assert not known("sqs:SendMessage")
    assert not known("sns:Publish")
    assert list(known.unread) == ["sns"]
    with pytest.raises(ProofError, match="no folder"):
        from_folder(tmp_path / "none")


def test_the_command_refuses_what_makes_no_sense(
    review: Callable[..., Review], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        entry.main(["--reference", str(tmp_path)])
    assert "--reference goes with --review" in capsys.readouterr().err
    review(WATCH)
    record = str(tmp_path / "review.json")
    assert entry.main(["--review", record, "--environment", "dev"]) == 2
    assert "is of prod: name it" in capsys.readouterr().err
    assert entry.main(["--review", str(tmp_path / "none.json"), "--environment", "prod"]) == 2
    words = ["--review", record, "--environment", "prod"]
    capsys.readouterr()
    assert entry.main([*words, "--report", str(tmp_path / "none" / "report.json")]) == 2
    assert "in no folder that is there; nothing was proved" in capsys.readouterr().err


def test_the_command_says_what_may_be_taken_and_leaves_a_report(
    policy_set: PolicySet,
    review: Callable[..., Review],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What reads an account is another's test: here it finds what synthesis says."""
    standing_now = Standing(policy_set=policy_set, unread={}, older=(), closed=())

    class Found:
        def standing(self) -> Standing:
            return standing_now

    monkeypatch.setattr(review_run, "gathered", lambda _: (Found(), [THEOREMS[CAN]]))
    known = tmp_path / "reference"
    known.mkdir()
    (known / "access-analyzer.json").write_bytes(reference()("access-analyzer"))
    review(WATCH)
    record, kept = tmp_path / "review.json", tmp_path / "report.json"
    words = ["--review", str(record), "--environment", "prod", "--reference", str(known)]
    assert entry.main([*words, "--report", str(kept)]) == 0
    assert "1 of 1 proposals may be taken" in capsys.readouterr().out
    found = json.loads(kept.read_text())
    assert found["theorems"] == {CAN: "proved"}
    assert found["proposals"][0]["may_be_taken"] is True
    said = json.loads(record.read_text())
    nothing = "IAM did not say which roles there are (Throttling): none is reviewed."
    record.write_text(json.dumps({**said, "roles": [], "unread": [nothing]}))
    capsys.readouterr()
    assert entry.main([*words, "--report", str(kept)]) == 2, "of no role, nothing is proved"
    assert nothing in capsys.readouterr().out
    assert json.loads(kept.read_text())["not_read"] == [nothing]
    [role] = said["roles"]
    record.write_text(json.dumps({**said, "roles": [{**role, "verdict": "not reviewed"}]}))
    assert entry.main(words) == 2
    for role in said["roles"]:
        for policy in role["policies"]:
            policy["proposed"] = and_reads_data(policy["proposed"])
    record.write_text(json.dumps(said))
    assert entry.main(words) == 1
    told_now = capsys.readouterr().out
    assert "0 of 1 proposals may be taken" in told_now
    assert "nothing_is_newly_allowed is refuted" in told_now
