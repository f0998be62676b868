"""What is proved of a delivery: who takes its roles, what they take, and what a review reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stacks.addons.delivery.settings import GitHub, Target
from stacks.addons.delivery.tables import ISSUER, claims_table
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import actions_on, every_action, requests
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, always, never, theorem

__all__ = ["theorems_for"]

GROUP = "Delivery"

REVIEWING = ("delivery-review", "delivery-tests", "delivery-suite")
WAYS_IN = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
HARMLESS = (
    "codebuild:BatchPutCodeCoverages",
    "codebuild:BatchPutTestCases",
    "codebuild:CreateReport",
    "codebuild:UpdateReport",
    "codeconnections:GetConnection",
    "codeconnections:GetConnectionToken",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
)


def _asked(world: World, role: Role, context: Context) -> list[tuple[Request, Formula]]:
    asked = requests(context, [*actions_on(world, "sts"), *WAYS_IN], role.arn)
    return [(one, world.trusted(role, one)) for one in asked]


def theorems_for(github: GitHub, targets: Sequence[Target]) -> tuple[Theorem, ...]:
    """Return the theorems about the deliveries of one repository to these targets."""
    wanted = {f"delivery-github-{one.name}": one for one in targets}
    deploys = {f"delivery-deploy-{one.name}": one for one in targets} | wanted

    @theorem(GROUP)
    def only_our_workflow_deploys(world: World) -> Iterator[Claim]:
        """No other owner, repository, branch, environment or pull request takes GitHub's roles.

        Nor a fork, nor a token for another audience or of another issuer: each claim of the token
        is asked for by itself, whatever the others say.
        """
        provider = f"arn:aws:iam::{world.policy_set.account}:oidc-provider/{ISSUER}"
        for role in world.policy_set.roles_for(*wanted):
            for claim, value in claims_table(github, wanted[str(role.purpose)]).items():
                context = world.context()
                other = context.is_not(f"{ISSUER}:{claim}", value)
                yield never(
                    f"{role.name}, another {claim}", _asked(world, role, context), given=[other]
                )
            stranger = world.context()
            yield never(
                f"{role.name}, by another provider",
                _asked(world, role, stranger),
                given=[stranger.is_not("aws:FederatedProvider", provider)],
            )
            yield _lets_in(world, role, provider)

    def _lets_in(world: World, role: Role, provider: str) -> Claim:
        context = world.context(closed=True)
        context.put("aws:FederatedProvider", provider)
        for claim, value in claims_table(github, wanted[str(role.purpose)]).items():
            context.put(f"{ISSUER}:{claim}", value)
        one = Request(context=context, action="sts:AssumeRoleWithWebIdentity", resource=role.arn)
        return always(world, f"{role.name}, its own job", [(one, world.trusted(role, one))])

    @theorem(GROUP)
    def deliveries_take_four_roles_each(world: World) -> Iterator[Claim]:
        """Who delivers an environment takes four roles of its bootstrap, never CloudFormation's.

        No role of another environment, and no other role at all.
        """
        for role in world.policy_set.roles_for(*deploys):
            target = deploys[str(role.purpose)]
            resource = world.logic.text("role")
            place = f"{target.account}-{target.region}"
            own = [
                f"arn:aws:iam::{target.account}:role/cdk-{target.qualifier}-{part}-role-{place}"
                for part in ("deploy", "file-publishing", "image-publishing", "lookup")
            ]
            asked = requests(
                world.session(role), [*actions_on(world, "sts"), *WAYS_IN, "iam:PassRole"], resource
            )
            others = [world.logic.no(world.logic.same(resource, one)) for one in own]
            yield never(role.name, [(one, world.allowed(role, one)) for one in asked], given=others)
            for arn in own:
                [one] = requests(world.session(role), ["sts:AssumeRole"], arn)
                yield always(world, f"{role.name}, {arn}", [(one, world.allowed(role, one))])

    @theorem(GROUP)
    def pull_requests_reach_nothing(world: World) -> Iterator[Claim]:
        """Code of a pull request writes its log and reports, clones, and does nothing else in AWS.

        It takes no role, starts no build, and reads and pushes nothing.
        """
        for role in world.policy_set.roles_for(*REVIEWING):
            resource = world.logic.text("resource")
            asked = requests(
                world.session(role),
                [one for one in every_action(world) if one not in HARMLESS],
                resource,
            )
            yield never(role.name, [(one, world.allowed(role, one)) for one in asked])

    @theorem(GROUP)
    def only_the_pipeline_starts_deployments(world: World) -> Iterator[Claim]:
        """No role of the environment starts a build that deploys, but the pipeline's own."""
        place = f"arn:aws:codebuild:{world.policy_set.region}:{world.policy_set.account}"
        for role in world.policy_set.roles:
            if role.purpose == "delivery-pipeline":
                continue
            asked = [
                one
                for target in targets
                for one in requests(
                    world.session(role),
                    ["codebuild:StartBuild", "codebuild:StartBuildBatch", "codebuild:RetryBuild"],
                    f"{place}:project/starburst-{world.policy_set.name}-delivery-deploy-"
                    f"{target.name}",
                )
            ]
            yield never(role.name, [(one, world.allowed(role, one)) for one in asked])

    @theorem(GROUP)
    def each_build_has_its_own_role(world: World) -> Iterator[Claim]:
        """A build's role is taken by CodeBuild for that one project of this account, by no other.

        And the pipeline's by CodePipeline, for that one pipeline.
        """
        place = f"{world.policy_set.region}:{world.policy_set.account}"
        for role in world.policy_set.roles:
            purpose = str(role.purpose)
            if not purpose.startswith("delivery-") or purpose in wanted:
                continue
            name = f"starburst-{world.policy_set.name}"
            service, source = (
                ("codepipeline", f"arn:aws:codepipeline:{place}:{name}-delivery")
                if purpose == "delivery-pipeline"
                else ("codebuild", f"arn:aws:codebuild:{place}:project/{name}-{purpose}")
            )
            for key, value in (
                ("aws:PrincipalServiceName", f"{service}.amazonaws.com"),
                ("aws:SourceArn", source),
                ("aws:SourceAccount", world.policy_set.account),
            ):
                context = world.context()
                yield never(
                    f"{role.name}, another {key}",
                    _asked(world, role, context),
                    given=[context.is_not(key, value)],
                )

    return (
        only_our_workflow_deploys,
        deliveries_take_four_roles_each,
        pull_requests_reach_nothing,
        only_the_pipeline_starts_deployments,
        each_build_has_its_own_role,
    )
