"""What the controller acts on: its settings, its AWS clients, the clock, the runtime document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starburst.contract import RuntimeDocument, WorkspaceDocument
from starburst.errors import ConfigurationError
from starburst.pricing.prices import Prices
from starburst.pricing.tariff import environment_prices

from .timings import Timings

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_ecs.client import ECSClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_ssm.client import SSMClient

    from starburst.aws.queue_calls import SessionQueueCalls

__all__ = ["Clients", "Environment", "Settings"]

_DOCUMENT_SECONDS: Final = 300


def _unheard(_line: str) -> None:
    """Nobody counts lines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """The AWS clients of the controller; tests pass their own.

    That of CloudFormation is there where the endpoints come and go.
    """

    s3: S3Client
    sqs: SessionQueueCalls
    ecs: ECSClient
    ssm: SSMClient
    cloudformation: CloudFormationClient | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the function's environment variables say.

    Attributes:
        environment: its name.
        bucket: the data bucket.
        key_arn: the key of the sessions' queues.
        cluster: ARN of the ECS cluster.
        subnets, security_group: where workers run.
        apart: security groups of workspaces whose workers run in a cluster of their own.
        parameter: name of the runtime document.
        wakes: URL of the queue that wakes the controller.
        session_days: no session lives longer, whatever its workspace allows (S21).
        endpoints_stack: the stack of the interface endpoints, where they exist only while sessions
            run; empty where they always do.
        endpoints_role: the role in which CloudFormation opens and closes them.
        role: ARN of the controller's own role.
        budgets: ARN of the topic whose budgets freeze their workspace; empty where none does.
        budgets_end: whether a budget's freeze also ends sessions that run.
        image_gate: name of the parameter of the gate that judges worker images; empty where there
            is none.
        image_gate_strict: whether an image of which the gate knows too little is refused.
    """

    environment: str
    bucket: str
    key_arn: str
    cluster: str
    subnets: tuple[str, ...]
    security_group: str
    parameter: str
    wakes: str
    apart: Mapping[str, str] = field(default_factory=dict)
    session_days: float = 7
    endpoints_stack: str = ""
    endpoints_role: str = ""
    role: str = ""
    budgets: str = ""
    budgets_end: bool = False
    image_gate: str = ""
    image_gate_strict: bool = False

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Settings:
        """Read the settings; raise ConfigurationError naming the variable that is missing."""
        try:
            return cls(
                environment=variables["STARBURST_ENVIRONMENT"],
                bucket=variables["STARBURST_BUCKET"],
                key_arn=variables["STARBURST_KEY_ARN"],
                cluster=variables["STARBURST_CLUSTER"],
                subnets=tuple(filter(None, variables["STARBURST_SUBNETS"].split(","))),
                security_group=variables["STARBURST_SECURITY_GROUP"],
                parameter=variables["STARBURST_PARAMETER"],
                wakes=variables["STARBURST_WAKES"],
                apart=_pairs(variables.get("STARBURST_APART", "")),
                session_days=float(variables.get("STARBURST_SESSION_DAYS", "7")),
                endpoints_stack=variables.get("STARBURST_ENDPOINTS_STACK", ""),
                endpoints_role=variables.get("STARBURST_ENDPOINTS_ROLE", ""),
                role=variables.get("STARBURST_ROLE", ""),
                budgets=variables.get("STARBURST_BUDGETS", ""),
                budgets_end=variables.get("STARBURST_BUDGETS_END") == "true",
                image_gate=variables.get("STARBURST_IMAGE_GATE", ""),
                image_gate_strict=variables.get("STARBURST_IMAGE_GATE_STRICT") == "true",
            )
        except KeyError as error:
            raise ConfigurationError(
                f"the controller's environment lacks {error.args[0]}; deploy the stack again"
            ) from error

    @property
    def clusters(self) -> tuple[str, ...]:
        """ARNs of all clusters with workers of this environment."""
        return (self.cluster, *(self.cluster_of(workspace) for workspace in self.apart))

    def cluster_of(self, workspace: str) -> str:
        """Return the ARN of the cluster in which a workspace's workers run, and nowhere else."""
        return f"{self.cluster}-{workspace}" if workspace in self.apart else self.cluster

    def group_of(self, workspace: str) -> str:
        """Return the security group of a workspace's workers."""
        return self.apart.get(workspace, self.security_group)


def _pairs(text: str) -> dict[str, str]:
    """Read ``workspace=group,workspace=group``.

    Raises:
        ConfigurationError: a workspace without a group: its workers would run among others.
    """
    found: dict[str, str] = {}
    for each in filter(None, text.split(",")):
        workspace, _, group = each.partition("=")
        found[workspace] = group
    if not all(found.values()):
        raise ConfigurationError(
            f"STARBURST_APART is {text!r}, which names no group of some workspace; "
            "deploy the stack again"
        )
    return found


@dataclass(kw_only=True, slots=True)
class Environment:
    """One environment as the controller sees it, for as long as its container lives.

    Attributes:
        settings: of this deployment.
        clients: of AWS.
        clock: seconds since the epoch.
        pause: waits so many seconds; retries with backoff use it.
        timings: what else it waits for.
        tell: takes a line that a metric filter counts; Lambda's entry prints it.
    """

    settings: Settings
    clients: Clients
    clock: Callable[[], float]
    pause: Callable[[float], None]
    timings: Timings = field(default_factory=Timings)
    tell: Callable[[str], None] = _unheard
    _document: RuntimeDocument | None = field(default=None, init=False)
    _read_at: float = field(default=float("-inf"), init=False)

    def document(self, *, naming: str | None = None) -> RuntimeDocument:
        """Return the runtime document, read again every five minutes.

        Args:
            naming: a workspace that somebody names; where the document lacks it, it is read again
                at once, for it may have been deployed since.
        """
        now, known = self.clock(), self._document
        lacks = known is not None and naming is not None and naming not in known.workspaces
        if known is not None and not lacks and now - self._read_at < _DOCUMENT_SECONDS:
            return known
        answer = self.clients.ssm.get_parameter(Name=self.settings.parameter)
        try:
            found = RuntimeDocument.from_json(answer["Parameter"].get("Value", ""))
        except ValueError as error:
            raise ConfigurationError(
                f"the runtime document {self.settings.parameter} cannot be read: {error}; "
                "the platform team must deploy this release's stacks"
            ) from error
        self._document, self._read_at = found, now
        return found

    def workspace(self, name: str) -> WorkspaceDocument | None:
        """Return what the document says of a workspace; None where it has no such workspace."""
        return self.document(naming=name).workspaces.get(name)

    def prices(self) -> Prices:
        """Return the prices that hold in this environment."""
        return environment_prices(self.document())
