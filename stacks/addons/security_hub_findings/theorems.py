"""Who writes reports and who reads them: proved against whatever an identity policy says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import actions_on, every_action, requests
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem
from starburst_assurance.proofs.theorems.data.named_readers import (
    read_by_named_roles,
    strangers,
    unrefused,
)

__all__ = ["findings_theorems"]

GROUP = "Security Hub's findings"
_OPENS: Final = ("kms:Decrypt", "kms:ReEncryptFrom")
_LINKED: Final = ("s3:GetObject", "kms:Decrypt")


def findings_theorems(readers: Sequence[str], *, links: bool) -> Sequence[Theorem]:
    """Return the theorems of the reports.

    Args:
        readers: ARNs of the roles that settings let read.
        links: whether a role opens a report by a link.
    """

    @theorem(GROUP)
    def nobody_else_reads_the_reports(world: World) -> Iterator[Claim]:
        """Nobody but the readers that settings name touches a report, or opens its key.

        No administrator and no root user, whatever their policies say: bucket and key refuse it.
        In a test environment others may delete reports, unread: so it is destroyed.
        """
        linking = world.policy_set.roles_for("findings-link") if links else ()
        yield from read_by_named_roles(
            world,
            bucket="findings/Reports",
            key="findings/Key",
            writer=_writer(world),
            readers=readers,
            through=[role.arn for role in linking],
            what="reports",
        )

    found = (
        nobody_else_reads_the_reports,
        only_its_function_writes_reports,
        who_writes_reports_reads_none,
        findings_are_read_and_never_changed,
    )
    return (*found, a_link_opens_reports_alone) if links else found


@theorem(GROUP)
def only_its_function_writes_reports(world: World) -> Iterator[Claim]:
    """Nobody but the function writes a report: no reader, no link, no break-glass role.

    Whatever a caller's policies say.
    """
    bucket = world.policy_set.at("findings/Reports")
    context, given = strangers(world, [_writer(world)])
    report = world.logic.join(f"{bucket.arn}/", world.logic.text("key"))
    one = Request(context=context, action="s3:PutObject", resource=report)
    yield never(bucket.arn, unrefused(world, bucket.policy, [one]), given=given)


@theorem(GROUP)
def who_writes_reports_reads_none(world: World) -> Iterator[Claim]:
    """The function opens no ciphertext but of messages: never through S3, and with no other key.

    So it cannot read a report, neither today's nor an older one.
    """
    key = world.policy_set.at("findings/Key")
    region = world.policy_set.region
    for role in world.policy_set.roles_for("findings"):
        context = world.session(role)
        resource = world.logic.text("resource")
        mine = world.logic.same(resource, key.arn)
        messages = [
            world.logic.every(
                (mine, context.is_("kms:ViaService", f"{one}.{region}.amazonaws.com"))
            )
            for one in ("sns", "sqs")
        ]
        asked = requests(context, _OPENS, resource)
        yield never(
            role.name,
            [(one, world.allowed(role, one)) for one in asked],
            given=[world.logic.no(one) for one in messages],
        )


@theorem(GROUP)
def findings_are_read_and_never_changed(world: World) -> Iterator[Claim]:
    """The function asks Security Hub for findings, and does nothing else in it.

    Not in another account, and not in any service that watches.
    """
    for role in world.policy_set.roles_for("findings"):
        context = world.session(role)
        others = [
            one
            for service in ("securityhub", "guardduty", "inspector2", "config", "cloudtrail")
            for one in actions_on(world, service)
            if one != "securityhub:GetFindings"
        ]
        asked = requests(context, others, world.logic.text("resource"))
        yield never(role.name, [(one, world.allowed(role, one)) for one in asked])
        elsewhere = world.logic.text("hub")
        inside = world.logic.like(
            elsewhere, f"arn:aws:securityhub:*:{world.policy_set.account}:hub/default"
        )
        for one in requests(context, ("securityhub:GetFindings",), elsewhere):
            yield never(
                f"{role.name}, elsewhere",
                [(one, world.allowed(role, one))],
                given=[world.logic.no(inside)],
            )


@theorem(GROUP)
def a_link_opens_reports_alone(world: World) -> Iterator[Claim]:
    """The session behind a link reads reports, and does nothing else in any service.

    And none but the function takes its role.
    """
    reports = f"{world.policy_set.at('findings/Reports').arn}/reports/"
    for role in world.policy_set.roles_for("findings-link"):
        session, resource = world.session(role), world.logic.text("resource")
        rest = [one for one in every_action(world) if one not in _LINKED]
        asked = requests(session, rest, resource)
        yield never(role.name, [(one, world.allowed(role, one)) for one in asked])
        other = [world.logic.no(world.logic.starts(resource, reports))]
        read = requests(session, ("s3:GetObject",), resource)
        yield never(
            f"{role.name}, other objects",
            [(one, world.allowed(role, one)) for one in read],
            given=other,
        )
        context, given = strangers(world, [_writer(world)])
        one = Request(context=context, action="sts:AssumeRole", resource=role.arn)
        yield never(f"{role.name}, by another", [(one, world.trusted(role, one))], given=given)


def _writer(world: World) -> str:
    return world.policy_set.role("findings").arn
