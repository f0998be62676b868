"""The likeness of an environment is it in all that the emulator can, and says what it is not."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from deploy import __main__ as command
from deploy.tools import local as tool
from deploy.tools.local import DIFFERENCES, Deployment, NoLikeness, changes, likeness
from environments import ALL, DEV, LOCAL, PROD
from stacks.addons.inspector import Inspector
from stacks.settings import Network, Secret, Shared
from starburst.local import LocalEnvironment
from tests.networks import REUSED

TOLD = {
    "it is called local": {"name", "account", "region", "allowed_regions", "identity"},
    "purpose is 'test'": {"purpose", "data_class", "break_glass_role_arn", "data_role_arns"},
    "no EC2 hosts": {
        *("capacity", "fips", "organization_id", "permissions_boundary", "accepted_risks"),
        *("trusted_cidrs", "trusted_vpcs"),
    },
    "no named zones": {"network", "shared"},
    "workers run under": {
        *("architecture", "other_architectures", "python", "image_digest", "workspaces"),
    },
    "no add-ons": {"addons", "processing", "profile", "workspaces"},
    "no rule of Contributor": {"audit"},
    "nothing judges it": {"packs", "without"},
}
"""What each sentence speaks of."""


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_what_is_otherwise_is_told(environment: object) -> None:
    real = next(each for each in ALL if each is environment)
    made = likeness(real.name)
    assert (made.name, made.account, made.region) == (LOCAL.name, LOCAL.account, LOCAL.region)
    otherwise = {
        field.name
        for field in fields(real)
        if getattr(made, field.name) != getattr(real, field.name)
    }
    assert otherwise <= set().union(*TOLD.values())
    assert all(any(said.startswith(begins) for said in DIFFERENCES) for begins in TOLD)
    assert len(DIFFERENCES) == len(TOLD)
    kept = ("limits", "totals", "cpu", "packages", "data_writers", "data_days", "budget_emails")
    for one, other in zip(made.workspaces, real.workspaces, strict=True):
        assert [getattr(one, name) for name in kept] == [getattr(other, name) for name in kept]
    assert (made.totals, made.storage) == (real.totals, real.storage)
    assert (made.network.cidr, made.network.zones) == (real.network.cidr, real.network.zones)


def test_local_is_as_it_is() -> None:
    assert likeness("local") is LOCAL


def test_all_that_aws_alone_has_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = f"arn:aws:secretsmanager:{PROD.region}:{PROD.account}:secret:portal-a1B2c3"
    secret = Secret(variable="PORTAL_TOKEN", arn=arn)
    everything = replace(
        PROD,
        permissions_boundary="arn:aws:iam::222233334444:policy/organization",
        organization_id="o-a1b2c3d4e5",
        trusted_cidrs=("140.107.0.0/16",),
        architecture="ARM64",
        network=replace(PROD.network, egress="nat"),
        shared=Shared(block_public_access=True),
        addons=(Inspector(),),
        profile="gdpr",
        workspaces=tuple(
            replace(one, data_days=365, home_days=365, secrets=(secret,)) for one in PROD.workspaces
        ),
    )
    monkeypatch.setattr(tool, "ALL", (LOCAL, everything))
    made = likeness("prod")
    assert made.network.egress == "nat"
    assert not made.shuts_gateways
    assert (made.permissions_boundary, made.organization_id, made.trusted_cidrs) == (None, None, ())
    assert made.architecture == LOCAL.architecture
    assert (made.addons, made.profile) == ((), None)
    assert not any(one.secrets for one in made.workspaces)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "no environment is called nobody; environments.py has local, theirs"),
        ("theirs", "theirs lives in an existing VPC"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    name: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    theirs = replace(DEV, name="theirs", network=Network(cidr="10.71.0.0/20", existing=REUSED))
    monkeypatch.setattr(tool, "ALL", (LOCAL, theirs))
    monkeypatch.setattr(LocalEnvironment, "start", lambda _: pytest.fail("it was started"))
    for verb in ("up", "redeploy", "diff", "check"):
        words = ["local", verb, "--like", name, "--state", str(tmp_path / "none.json")]
        assert command.main(words) == 1
        assert said in capsys.readouterr().out
    with pytest.raises(NoLikeness, match=said):
        likeness(name)


DIFF = """\
Stack local/foundation (starburst-local-foundation) (aws://111122223333/eu-west-1)
There were no differences

Stack local/storage (starburst-local-storage) (aws://111122223333/eu-west-1)
IAM Statement Changes
│ + │ ${Data.Arn} │ Allow  │ s3:GetObject │ AWS:* │ x │
Resources
[~] AWS::S3::Bucket storage/Data Data666C94C7
 └─ [~] LifecycleConfiguration
[+] Custom::Thing storage/Thing Thing1
Outputs
[+] Output Name Name: {"Ref":"Data666C94C7"}
"""


def test_the_lines_of_a_diff_that_name_resources_are_found() -> None:
    assert changes(DIFF) == [
        "local/storage: [~] AWS::S3::Bucket storage/Data Data666C94C7",
        "local/storage: [+] Custom::Thing storage/Thing Thing1",
    ]
    assert changes("Stack local/storage (x)\nThere were no differences\n") == []


@pytest.mark.parametrize("differs", [True, False])
def test_only_what_changed_is_deployed_again_and_is_told_before(
    differs: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[str] = []
    monkeypatch.setattr(tool, "synthesize", lambda *_, like: told.append(f"synthesized {like}"))
    monkeypatch.setattr(Deployment, "diff", lambda _: (differs, DIFF if differs else ""))
    monkeypatch.setattr(Deployment, "deploy", lambda _: told.append("deployed"))
    local = LocalEnvironment()  # never started
    deployment = Deployment(local=local, outdir=tmp_path, like="dev", report=told.append)
    assert deployment.redeploy() == (changes(DIFF) if differs else [])
    steps = [line for line in told if not line.startswith(("synth:", "deploy:"))]
    assert steps == ["synthesized dev", *([*changes(DIFF), "deployed"] if differs else [])]
