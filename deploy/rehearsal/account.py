"""The account of a first day: whose credentials these are, and what must be there before."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError

from deploy.incident.command import Clients
from deploy.rehearsal.asking.subject import emulated, stacks_of
from deploy.tools.idle_cost import templates_by_environment
from starburst.aws.calls import client_config, code_of

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = [
    "Account",
    "Refused",
    "bootstrap_parameter",
    "find_account",
    "require_ready",
    "reserved_executions",
]

_SETTINGS: Final = Path(__file__).resolve().parents[2] / "cdk.json"
_QUALIFIER: Final = "@aws-cdk/core:bootstrapQualifier"
_DEFAULT_QUALIFIER: Final = "hnb659fds"

SERVICE_ROLE: Final = "AWSServiceRoleForECS"
UNRESERVED: Final = 100
"""Lambda keeps so many of an account's executions from being reserved.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

_HOW_TO: Final = "docs/how-to/deploy-the-first-time.md"


class Refused(RuntimeError):
    """Nothing was created; says why, and what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a first day is.

    Attributes:
        session: of the credentials.
        role_arn: what these are: who may become the analyst.
    """

    session: boto3.Session
    role_arn: str
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    def clients(self, service: str) -> Any:  # noqa: ANN401 - boto3 overloads it by literals
        """Return the client of a service."""
        if service not in self._made:
            make: Any = self.session.client
            self._made[service] = make(service, config=client_config())
        return self._made[service]


def find_account(chosen: Environment) -> Account:
    """Return the account that the shell's credentials are of.

    Raises:
        Refused: it is another than the environment's, or they are no role's.
    """
    session = boto3.Session(region_name=chosen.region)
    caller = session.client("sts", config=client_config()).get_caller_identity()
    if caller["Account"] != chosen.account:
        raise Refused(
            f"the credentials are of account {caller['Account']}, {chosen.name} is in "
            f"{chosen.account}; nothing was created. Sign in to that account"
        )
    kind, _, rest = caller["Arn"].rpartition(":")[2].partition("/")
    if kind != "assumed-role":
        raise Refused(
            "the credentials are no role's, and only a role can become the analyst of a first "
            "day. Sign in through a role, as with aws sso login"
        )
    # The caller's ARN has no path, as a role of single sign-on has; a trust policy wants it.
    name = rest.partition("/")[0]
    role = session.client("iam", config=client_config()).get_role(RoleName=name)["Role"]
    return Account(session=session, role_arn=role["Arn"])


def reserved_executions(assembly: Path) -> int:
    """Return how many of Lambda's executions the functions of a synthesis reserve."""
    return sum(
        int(resource.get("Properties", {}).get("ReservedConcurrentExecutions", 0))
        for templates in templates_by_environment(assembly).values()
        for template in templates
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    )


def require_ready(environment: Environment, clients: Clients, *, reserved: int) -> None:
    """Look for what would stop the deployment, before anything is created.

    Args:
        environment: that will be deployed.
        clients: of the account.
        reserved: executions of Lambda that it reserves.

    Raises:
        Refused: a stack of the environment exists, or the account lacks something.
    """
    there = stacks_of(environment.name, clients)
    if there:
        raise Refused(
            f"{', '.join(sorted(there))}: such stacks exist, so {environment.name} is no name for "
            "a throw-away environment; nothing was created. Run it again for another name, or with "
            "--destroy-only where they are of an earlier first day"
        )
    missing = _missing(environment, clients, needed=UNRESERVED + reserved)
    if missing:
        raise Refused(f"{'; '.join(missing)}. Nothing was created; {_HOW_TO} says how to fix it")


def bootstrap_parameter(settings: Path = _SETTINGS) -> str:
    """Return where cdk bootstrap says what it made, under the qualifier that ``cdk.json`` names.

    Every deployment reads it: https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html

    Args:
        settings: the app's ``cdk.json``.
    """
    context = json.loads(settings.read_text())["context"]
    return f"/cdk-bootstrap/{context.get(_QUALIFIER, _DEFAULT_QUALIFIER)}/version"


def _missing(environment: Environment, clients: Clients, *, needed: int) -> list[str]:
    found = []
    parameter = bootstrap_parameter()
    try:
        clients("ssm").get_parameter(Name=parameter)
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
        found.append(f"there is no parameter {parameter}: {environment.region} is not bootstrapped")
    if emulated(environment):
        # The local environment has neither quotas nor roles of services.
        return found
    limit = clients("lambda").get_account_settings()["AccountLimit"]
    free = limit["UnreservedConcurrentExecutions"]
    if free < needed:
        found.append(f"Lambda has {free} unreserved executions, and {needed} are needed")
    try:
        clients("iam").get_role(RoleName=SERVICE_ROLE)
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        found.append(f"there is no role {SERVICE_ROLE}")
    return found
