"""What a change of each setting does to what is deployed; ``python -m deploy.changing.fields``.

The rows are held to what syntheses before and after show: ``tests/lifecycle/test_fields.py``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

__all__ = ["FIELDS", "Row", "changing_page", "main"]

Verdict = Literal["in place", "replaces", "needs", "immutable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a change of some settings does.

    Attributes:
        fields: ``Class.field``, or ``Class.*`` for all of a class.
        verdict: ``in place``: no deployment loses anything or stops. ``replaces``: what holds no
            state is made anew. ``needs``: something else first. ``immutable``: refused.
        sentence: more of it.
    """

    fields: tuple[str, ...]
    verdict: Verdict
    sentence: str


def _row(verdict: Verdict, sentence: str, *fields: str) -> Row:
    return Row(fields=fields, verdict=verdict, sentence=sentence)


_E: Final = "Environment."
_W: Final = "Workspace."
_N: Final = "Network."

FIELDS: Final = (
    _row(
        "immutable",
        "Another value is another environment: this one's stacks stay as they are, and are paid "
        "for. Make it beside this one, move people to it, retire this one.",
        *(f"{_E}{name}" for name in ("name", "account", "region")),
    ),
    _row(
        "in place",
        "From `test` to `production`: buckets, keys and images are kept from then on, and stacks "
        "protected by the next `deploy.up`. The way back lifts that, except what is locked: the "
        "trail's files stay until their time is over.",
        f"{_E}purpose",
    ),
    _row(
        "in place",
        "What may be entered changes with the next session; nothing that is there is looked at.",
        *(f"{_E}{name}" for name in ("data_class", "allowed_regions", "packs", "accepted_risks")),
    ),
    _row(
        "in place",
        "A profile asks more of the settings, and changes nothing else: synthesis names the first "
        "that contradicts it. The record of processing is a document.",
        f"{_E}profile",
        f"{_E}processing",
        "Processing.*",
        "Activity.*",
    ),
    _row(
        "needs",
        "One more is added in place. One that goes needs its sessions ended before; its data stay "
        "in the bucket, and nobody can read them then. Another name is another workspace.",
        f"{_E}workspaces",
        f"{_W}name",
    ),
    _row(
        "needs",
        "End the workspace's sessions before, by `draining`: the controller looks for its workers "
        "in the new place alone. It is refused while some of them run.",
        f"{_W}own_cluster",
    ),
    _row(
        "in place",
        "Holds for sessions that start afterwards, and for totals at once.",
        f"{_E}totals",
        f"{_E}user_totals",
        f"{_E}end_at_budget",
        f"{_E}prices",
        f"{_W}limits",
        f"{_W}totals",
        "Limits.*",
        "Totals.*",
        "Rates.*",
    ),
    _row(
        "in place",
        "Roles keep their names, so whoever the new value vouches for comes in at once, and nobody "
        "else; sessions of people who are logged in go on until they end.",
        f"{_E}identity",
        *(f"{kind}.*" for kind in ("BrokerRole", "SamlProvider", "MfaUsers")),
    ),
    _row(
        "needs",
        "Deploy the template that `deploy.credentials.identity_center` writes as well, in the "
        "account of the instance.",
        "IdentityCenter.*",
        "WorkspaceGroups.*",
    ),
    _row(
        "in place",
        "",
        *(
            f"{_E}{name}"
            for name in (
                "trusted_cidrs",
                "trusted_vpcs",
                "log_retention_days",
                "task_output",
                "break_glass_role_arn",
                "data_role_arns",
                "organization_id",
                "tags",
            )
        ),
    ),
    _row(
        "replaces",
        "Subscriptions of topics, and budgets: each new address confirms once.",
        f"{_E}alert_emails",
        f"{_E}security_emails",
        f"{_W}budget_emails",
    ),
    _row(
        "replaces",
        "The budgets, which begin to count anew where AWS had counted: no money is forgotten.",
        f"{_E}freeze_at_budget",
    ),
    _row(
        "replaces",
        "Task definitions: a session that runs keeps the one that it began with.",
        f"{_E}architecture",
        f"{_E}other_architectures",
        f"{_E}python",
        f"{_E}image_digest",
        f"{_W}cpu",
        f"{_W}memory_gb",
        f"{_W}scratch_gb",
        f"{_W}image_digest",
    ),
    _row(
        "needs",
        "While no session runs: instances of the former kind are ended with their groups. Taken "
        "out, the stack `hosts` is deleted first, as `deploy.diff` says.",
        f"{_E}capacity",
        "Ec2Capacity.*",
        "Instance.*",
    ),
    _row(
        "replaces",
        "Interface endpoints, of which the FIPS ones are others: for minutes no worker starts.",
        f"{_E}fips",
    ),
    _row(
        "in place",
        "What it set stays set when it is taken back, or left to another environment of the "
        "account and Region, whichever of the two is deployed first: it is the account's.",
        f"{_E}shared",
        "Shared.*",
    ),
    _row(
        "needs",
        "From the kit's own to another: IAM keeps the former one while roles of later stacks have "
        "it, so delete it by hand afterwards, and before the way back, for its name is fixed.",
        f"{_E}permissions_boundary",
    ),
    _row(
        "needs",
        "One more is added in place. The stacks of one that is taken out stay, and are paid for, "
        "until they are deleted; they go first where they import anything: `deploy.diff` names "
        "them.",
        f"{_E}addons",
    ),
    _row("in place", "What only an emulator's environment goes without.", f"{_E}without"),
    _row(
        "in place",
        "See its parts.",
        f"{_E}network",
        f"{_E}storage",
        f"{_E}audit",
    ),
    _row(
        "immutable",
        "VPC, subnets and security groups would be made anew while others stand on them.",
        f"{_N}cidr",
        f"{_N}existing",
        f"{_N}grows",
        "ExistingVpc.vpc_id",
    ),
    _row(
        "in place",
        "More are added beside what there is, with `grows`; with `grows=False` subnets would "
        "overlap, and it is refused. Fewer need two deployments, of which `deploy.diff` names the "
        "first.",
        f"{_N}zones",
    ),
    _row(
        "immutable",
        "One more at the end is in place; another order, or other zones, move subnets.",
        f"{_N}named_zones",
    ),
    _row(
        "in place",
        "With `grows`; with `grows=False` subnets would overlap, and it is refused.",
        f"{_N}egress",
    ),
    _row(
        "needs",
        "To `reuse`, what `deploy.diff` names comes first. To `create`, the owner's endpoints go "
        "before ours come: a VPC has each name once.",
        "ExistingVpc.endpoints",
    ),
    _row(
        "needs",
        "From `None` to a group and back: what imports the kit's own goes first, of which "
        "`deploy.diff` names it. Another group of theirs is in place, while no session runs.",
        "ExistingVpc.worker_security_group_id",
    ),
    _row(
        "in place",
        "While no session runs: workers reach nothing while the routes change.",
        "ExistingVpc.subnet_ids",
        "ExistingVpc.route_table_ids",
        "ExistingVpc.endpoints_security_group_id",
        "ExistingVpc.s3_endpoint_id",
        f"{_N}s3_prefix_list",
    ),
    _row(
        "needs",
        "To `while_bursting`, two deployments, of which `deploy.diff` names the first: the "
        "controller leaves the VPC. The way back is in place.",
        f"{_N}endpoints",
    ),
    _row("in place", "", f"{_N}peers", f"{_N}client_groups"),
    _row(
        "in place",
        "Objects that are there keep the encryption that they were written with.",
        "Storage.encryption",
    ),
    _row(
        "in place",
        "Shorter times hold for what is there too: S3 deletes it within days.",
        *(
            f"Storage.{name}"
            for name in ("session_days", "noncurrent_days", "access_log_days", "packages_days")
        ),
    ),
    _row(
        "in place",
        "Without it, the stack `audit` stays, with its trail and its files, until somebody deletes "
        "it: `deploy.diff` names it.",
        "Audit.trail",
    ),
    _row(
        "in place",
        "A lock holds for files that are written afterwards; what is locked stays so.",
        "Audit.lock",
        "Audit.log_days",
    ),
    _row(
        "in place",
        "",
        "Audit.data_events",
        "Audit.person_gb_per_hour",
        "Audit.person_objects_per_hour",
    ),
    _row(
        "in place",
        "",
        *(
            f"{_W}{name}"
            for name in ("monthly_budget_usd", "packages", "allowed_packages", "data_writers")
        ),
        *(f"{_W}{name}" for name in ("data_days", "draining", "home_days", "home_links", "reads")),
        "Reads.*",
        "AcceptedRisk.*",
    ),
    _row(
        "in place",
        "Workers that start afterwards have it; those that run keep what they started with. The "
        "first secret of an environment adds an endpoint, which exists before any worker asks.",
        f"{_W}secrets",
        "Secret.*",
    ),
)
"""Every field of the settings, once."""

_HEAD: Final = """\
# What a change of each setting does

<!-- Generated by `python -m deploy.changing.fields`. -->

For an environment that is deployed. [Live with an environment](how-to/live-with-an-environment.md)
says how a change is looked at before it is made; tests hold these rows to syntheses before and
after.

- **in place**: nothing is lost, and no deployment stops.
- **replaces**: what holds no state is made anew.
- **needs**: something else comes first.
- **immutable**: `deploy.diff` and `deploy.up` refuse it.

| setting | a change is | |
|---|---|---|
"""


def changing_page() -> str:
    """Return the text of ``docs/changing.md``."""
    return _HEAD + "".join(
        f"| {_named(row.fields)} | {row.verdict} | {row.sentence} |\n" for row in FIELDS
    )


def _named(fields: Sequence[str]) -> str:
    """Return the fields by class; a class alone stands for all of its own."""
    own: dict[str, list[str]] = {}
    for name in fields:
        kind, _, field = name.partition(".")
        own.setdefault(kind, []).extend([] if field == "*" else [f"`{field}`"])
    return "; ".join(
        f"`{kind}`: {', '.join(names)}" if names else f"`{kind}`" for kind, names in own.items()
    )


def main(folder: Path = Path(__file__).parents[2] / "docs") -> int:
    """Write the page; return the exit code."""
    (folder / "changing.md").write_text(changing_page(), encoding="utf-8")
    sys.stdout.write(f"Wrote changing.md in {folder}\n")
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m deploy.changing.fields", description=__doc__
    ).parse_args()
    sys.exit(main())
