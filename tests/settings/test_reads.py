"""What workers may read of other buckets: what is refused, and who is asked about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from environments import DEV, PROD
from stacks.risks import risks
from stacks.settings import AcceptedRisk, Environment, Network, Reads, SettingsError, Workspace

PANEL = "arn:aws:s3:::atlas/panel/*"
THEIRS = Reads(objects="arn:aws:s3:::atlas/*", owner="other", account="777788889999")
KEY = "arn:aws:kms:{}:{}:key/0a1b2c3d"


def reading(reads: Any, **changes: Any) -> Environment:
    """Return PROD, whose data are restricted, with a workspace that reads."""
    workspace = replace(PROD.workspaces[0], reads=reads)
    return replace(PROD, workspaces=(workspace, *PROD.workspaces[1:]), **changes)


def key(region: str, account: str, **owner: Any) -> Reads:
    return Reads(objects=PANEL, key_arn=KEY.format(region, account), **owner)


READS: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "a bucket without its objects": (
        reading,
        {"reads": ("arn:aws:s3:::atlas",)},
        "workspace genomics: reads is 'arn:aws:s3:::atlas'; allowed: arn:aws:s3:::<bucket>/",
    ),
    "a pattern of buckets": (
        reading,
        {"reads": ("arn:aws:s3:::at*s/*",)},
        "allowed: arn:aws:s3:::<buck",
    ),
    "a pattern within the prefix": (
        reading,
        {"reads": ("arn:aws:s3:::atlas/*/x/*",)},
        "is 'arn:aws",
    ),
    "a variable of a policy": (
        reading,
        {"reads": ("arn:aws:s3:::atlas/${aws:userid}/*",)},
        "is 'arn:aws",
    ),
    "a name that may have more after it": (
        reading,
        {"reads": ("arn:aws:s3:::atlas/pan*",)},
        "is 'arn:",
    ),
    "reads that are no text": (reading, {"reads": (5,)}, "reads is (5,)"),
    "objects twice": (reading, {"reads": (PANEL, Reads(objects=PANEL))}, "each value once"),
    "more than a policy holds": (
        reading,
        {"reads": tuple(f"arn:aws:s3:::atlas/{n}/*" for n in range(21))},
        "number of reads of workspace genomics is 21; allowed: a whole number, 0 to 20.",
    ),
    "the kit's own data": (
        reading,
        {"reads": ("arn:aws:s3:::starburst-prod-storage-data666c94c7-1a/sessions/markets/*",)},
        "allowed: buckets that neither the kit nor its deployment made",
    ),
    "the kit's own trail": (
        reading,
        {"reads": ("arn:aws:s3:::starburst-prod-audit-files0-x/*",)},
        "nobody's sessions or records are data.",
    ),
    "what a deployment uploads": (
        reading,
        {"reads": ("arn:aws:s3:::cdk-hnb659fds-assets-222233334444-eu-west-1/*",)},
        "allowed: buckets that neither the kit nor its deployment made",
    ),
    "objects that are none": (Reads, {"objects": "atlas"}, "reads: objects is 'atlas'"),
    "an owner that is none": (Reads, {"objects": PANEL, "owner": "us"}, "owner is 'us'; allowed:"),
    "another without an account": (
        Reads,
        {"objects": PANEL, "owner": "other"},
        "reads: account is None; allowed: twelve digits with owner='other'.",
    ),
    "an account of our own": (
        Reads,
        {"objects": PANEL, "account": "777788889999"},
        "reads: account is '777788889999'; allowed: None unless owner='other'.",
    ),
    "a key by its alias": (
        Reads,
        {"objects": PANEL, "key_arn": "arn:aws:kms:eu-west-1:222233334444:alias/atlas"},
        "reads: key_arn is",
    ),
    "an organization that nobody named": (
        reading,
        {"reads": (Reads(objects=PANEL, owner="organization"),)},
        "workspace genomics: reads: owner is 'organization'; allowed: 'account' or 'other' without "
        "the environment's organization_id.",
    ),
    "ourselves as somebody else": (
        reading,
        {"reads": (replace(THEIRS, account=PROD.account),)},
        "reads: account is '222233334444'; allowed: another account's",
    ),
    "a key of another Region": (
        reading,
        {"reads": (key("eu-central-1", PROD.account),)},
        "allowed: a key in eu-west-1, where the objects must be.",
    ),
    "a key of another account than the bucket": (
        reading,
        {"reads": (key("eu-west-1", "777788889999"),)},
        "allowed: a key of account 222233334444, which has the bucket.",
    ),
    "somebody else's bucket beside restricted data": (
        reading,
        {"reads": (THEIRS,)},
        "workspace genomics: reads: owner is 'other'; allowed: 'account' or 'organization' where "
        "data_class is 'restricted': whoever owns the bucket sees each name that is asked for",
    ),
}


@pytest.mark.parametrize(("build", "changes", "said"), READS.values(), ids=READS)
def test_what_workers_cannot_read_is_refused_in_one_sentence(
    build: Callable[..., object], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        build(**changes)
    assert said in str(refusal.value)


def test_a_text_is_of_the_own_account() -> None:
    [named] = reading((PANEL,)).named_reads(reading((PANEL,)).workspaces[0])
    assert named.owner == ("aws:ResourceAccount", PROD.account)
    assert (named.bucket, named.prefix) == ("arn:aws:s3:::atlas", "panel/")


def test_the_organization_has_buckets_and_keys_of_any_account() -> None:
    theirs = key("eu-west-1", "999900001111", owner="organization")
    environment = reading((theirs,), organization_id="o-a1b2c3d4e5")
    [named] = environment.named_reads(environment.workspaces[0])
    assert named.owner == ("aws:ResourceOrgID", "o-a1b2c3d4e5")


def test_restricted_data_take_it_with_a_reason() -> None:
    reason = "The atlas is public and its owner a registry; board of May, M. Roe."
    taken = AcceptedRisk(risk="reads-of-others", reason=reason)
    environment = reading((THEIRS,), accepted_risks=(taken,))
    [found] = [each for each in risks(environment) if each.name == "reads-of-others"]
    assert found.accepted == reason
    assert "arn:aws:s3:::atlas/* of account 777788889999" in found.sentence


def test_every_environment_is_warned_of_it_and_only_of_it() -> None:
    """The data of DEV are internal, of which synthesis says nothing else."""
    workspace = replace(DEV.workspaces[0], reads=(PANEL, THEIRS))
    [found] = risks(replace(DEV, workspaces=(workspace,)))
    assert found.name == "reads-of-others"
    assert PANEL not in found.sentence
    assert "out of reads" in found.sentence


def test_what_is_accepted_must_be_there() -> None:
    taken = AcceptedRisk(risk="reads-of-others", reason="Left over from a bucket that is gone.")
    with pytest.raises(SettingsError, match="accepted_risks is 'reads-of-others'"):
        risks(replace(PROD, accepted_risks=(taken,)))


def test_a_workspace_without_reads_names_nothing() -> None:
    for workspace in PROD.workspaces:
        assert isinstance(workspace, Workspace)
        assert PROD.named_reads(workspace) == ()
    assert replace(PROD, network=Network(zones=3)).named_reads(PROD.workspaces[0]) == ()
