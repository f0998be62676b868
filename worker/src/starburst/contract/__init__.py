"""What the stacks and the runtime agree on: limits, names, the key layout, the runtime document.

This module is pure: nothing outside the standard library stands behind it, so that the CDK app, the
controller's Lambda, the worker image and the analyst's client can all share it and cannot drift
apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from starburst.untrusted.strict_json import fill, read_object

from .areas import CONTROL, SESSIONS

__all__ = [
    "CONTROL_PREFIX",
    "ENVIRONMENT_NAME",
    "MAX_WORKERS",
    "PRINCIPAL_NAME",
    "PROTOCOL",
    "SCHEMA",
    "SESSION_ID",
    "TAMPERING",
    "USER_TAG",
    "WORKER_COMMAND",
    "ControllerDoor",
    "Hosts",
    "Instance",
    "Limits",
    "RuntimeDocument",
    "SessionKeys",
    "WorkerVariable",
    "WorkspaceDocument",
    "capacity_provider",
    "encryption_context",
    "log_group_name",
    "queue_name",
    "queue_prefix",
    "runtime_parameter",
    "speaks_protocol",
    "task_family",
]

PROTOCOL: Final = 1
"""Version of every message, manifest and sealed object; both sides refuse another."""

SCHEMA: Final = 1
"""Version of the runtime document."""

MAX_WORKERS: Final = 500
"""No session of any workspace may have more workers (S20)."""

USER_TAG: Final = "userName"
"""The principal tag that names the analyst; it is also their folder in the bucket (P10)."""

CONTROL_PREFIX: Final = CONTROL.prefix()
"""Keys of the controller's own records."""

TAMPERING: Final = "starburst-tampering"
"""What stands in each line of a log that tells of something that failed verification, and in no
other line of ours: the alarm's filter and the query of ``deploy.events`` look for this word."""

WORKER_COMMAND: Final = ("python", "-m", "starburst.worker")

PRINCIPAL_NAME: Final = re.compile(r"[a-z0-9]{3,32}")
"""Workspace and user names. No slash or dash, so that no prefix can reach into another."""

ENVIRONMENT_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,11}")
SESSION_ID: Final = re.compile(r"[a-z0-9]{20}")


class WorkerVariable:
    """Names of the variables that a worker container starts with. None holds a secret (G4)."""

    ENVIRONMENT: Final = "STARBURST_ENVIRONMENT"
    WORKSPACE: Final = "STARBURST_WORKSPACE"
    BUCKET: Final = "STARBURST_BUCKET"
    KEY_ARN: Final = "STARBURST_KEY_ARN"
    SESSION_PREFIX: Final = "STARBURST_SESSION_PREFIX"
    QUEUE_URL: Final = "STARBURST_QUEUE_URL"
    FIPS: Final = "AWS_USE_FIPS_ENDPOINT"


class ControllerDoor:
    """Names of the controller function's aliases: which one a caller used says who may ask.

    IAM lets each kind of caller invoke its own alias and nobody the function itself.
    """

    ANALYSTS: Final = "analysts"
    SERVICE: Final = "service"


def speaks_protocol(value: object) -> bool:
    """Return whether a field holds our protocol's version, as the whole number that it is."""
    return type(value) is int and value == PROTOCOL


def runtime_parameter(environment: str) -> str:
    """Return the name of the SSM parameter that holds the runtime document.

    Example:
        >>> runtime_parameter("prod")
        '/starburst/prod/runtime'
    """
    return f"/starburst/{environment}/runtime"


def task_family(environment: str, workspace: str, other: str | None = None) -> str:
    """Return the ECS task definition family of a workspace's workers.

    Args:
        environment: its name.
        workspace: its name.
        other: an architecture that the environment offers besides its own.

    Example:
        >>> task_family("prod", "genomics"), task_family("prod", "genomics", "ARM64")
        ('starburst-prod-genomics', 'starburst-prod-genomics-arm64')
    """
    return "-".join(filter(None, ("starburst", environment, workspace, (other or "").lower())))


def capacity_provider(environment: str, workspace: str, *, spot: bool) -> str:
    """Return the ECS capacity provider of a workspace's own EC2 instances.

    Example:
        >>> capacity_provider("prod", "genomics", spot=True)
        'starburst-prod-genomics-spot'
    """
    return f"starburst-{environment}-{workspace}-{'spot' if spot else 'on-demand'}"


def log_group_name(environment: str, workspace: str) -> str:
    """Return the CloudWatch log group of a workspace's workers (S25)."""
    return f"/aws/ecs/starburst/{environment}/{workspace}"


def queue_prefix(environment: str, workspace: str) -> str:
    """Return what every session queue name of a workspace begins with.

    Example:
        >>> queue_prefix("prod", "genomics")
        'starburst-prod-genomics-'
    """
    return f"starburst-{environment}-{workspace}-"


def queue_name(environment: str, workspace: str, session: str) -> str:
    """Return the name of a session's queue: at most 77 of the 80 characters that SQS allows."""
    return queue_prefix(environment, workspace) + session


def encryption_context(workspace: str, user: str, *, session: str, purpose: str) -> dict[str, str]:
    """Return the KMS encryption context that binds a session's key to its place.

    ``purpose`` is ``"data"`` (client and workers) or ``"signing"`` (client only: the worker role's
    policy allows ``"data"`` alone).
    """
    return {"workspace": workspace, "user": user, "session": session, "purpose": purpose}


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionKeys:
    """S3 keys of one session: ``sessions/<workspace>/<user>/<session>/…``.

    Example:
        >>> keys = SessionKeys(workspace="genomics", user="alice", session="a" * 20)
        >>> keys.manifest
        'sessions/genomics/alice/aaaaaaaaaaaaaaaaaaaa/manifest.json'
        >>> SessionKeys.parse(keys.request("0f")) == keys
        True
    """

    workspace: str
    user: str
    session: str

    @property
    def prefix(self) -> str:
        """The folder of the session, with its closing slash."""
        return SESSIONS.prefix(self.workspace, self.user, self.session)

    @property
    def manifest(self) -> str:
        """Written once by the client, read by the controller and by workers."""
        return f"{self.prefix}manifest.json"

    @property
    def status(self) -> str:
        """Written by the controller, read by the client."""
        return f"{self.prefix}status.json"

    @property
    def functions(self) -> str:
        """Prefix of sealed functions."""
        return f"{self.prefix}functions/"

    @property
    def inputs(self) -> str:
        """Prefix of sealed inputs too large for a message."""
        return f"{self.prefix}inputs/"

    @property
    def results(self) -> str:
        """Prefix of sealed results, each written once by a worker."""
        return f"{self.prefix}results/"

    def request(self, nonce: str) -> str:
        """Return the key of a request to the controller; that the user could write it is proof."""
        return f"{self.prefix}requests/{nonce}.json"

    @property
    def control_record(self) -> str:
        """The controller's own record of a session that has not ended."""
        return f"{CONTROL_PREFIX}active/{self.session}.json"

    @property
    def ended_record(self) -> str:
        """The controller's own record of a session that has ended."""
        return f"{CONTROL_PREFIX}ended/{self.session}.json"

    @classmethod
    def parse(cls, key: str) -> SessionKeys | None:
        """Read the session out of any key below it; None if the key has another shape."""
        parts = key.split("/")
        if len(parts) < 5 or parts[0] != SESSIONS.name:  # noqa: PLR2004 - the layout above
            return None
        workspace, user, session = parts[1:4]
        well_formed = (
            PRINCIPAL_NAME.fullmatch(workspace)
            and PRINCIPAL_NAME.fullmatch(user)
            and SESSION_ID.fullmatch(session)
        )
        return cls(workspace=workspace, user=user, session=session) if well_formed else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one session of a workspace may use; the controller enforces it (S20, S22).

    Attributes:
        workers: most workers at once, 1 to 500.
        vcpu: most vCPU over all workers.
        memory_gb: most memory over all workers, GB.
        timeout_seconds: absolute age at which a session is stopped.
        usd_per_hour: most that the workers may cost per hour at list price.
        scratch_gb: most ephemeral storage of one worker.
        pickle_results: whether ``results="pickle"`` may be asked for.
    """

    workers: int = 100
    vcpu: float = 400
    memory_gb: float = 1600
    timeout_seconds: int = 86_400
    usd_per_hour: float = 50
    pickle_results: bool = True
    scratch_gb: int = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One EC2 instance type, as far as workers on it care.

    Attributes:
        name: such as ``c7g.2xlarge``.
        vcpu, memory_gb: of the instance.
        usd_per_hour: what an hour of it costs the account on demand.
    """

    name: str
    vcpu: int
    memory_gb: float
    usd_per_hour: float

    def share(self, cpu: float, memory_gb: float) -> float:
        """Return what part of the instance a worker takes; above 1 where it has no room for it.

        The system and ECS's agent keep a quarter of a GB and some 7 % of the memory.

        Example:
            >>> Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.29).share(2, 3)
            0.25
        """
        usable = self.memory_gb * 0.93 - 0.25
        return max(cpu / self.vcpu, memory_gb / usable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hosts:
    """The EC2 instances of an environment whose workers do not run on Fargate.

    Attributes:
        instances: types that may be started.
        spot: whether a session may ask for Spot instances as well.
    """

    instances: tuple[Instance, ...]
    spot: bool = False

    def usd_per_hour(self, cpu: float, memory_gb: float) -> float | None:
        """Return a worker's share of the dearest instance that holds it; None where none does."""
        shares = ((one.share(cpu, memory_gb), one.usd_per_hour) for one in self.instances)
        return max((share * usd for share, usd in shares if share <= 1), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceDocument:
    """What the runtime knows of one workspace.

    Attributes:
        analyst_role_arn: the role that its analysts assume.
        task_definition: the family of its workers of the environment's own architecture. No
            revision: ECS takes the latest, which only a deployment registers, and each revision
            pins its image by digest.
        limits: what one of its sessions may use.
        worker_role_arn: the workers' task role; the queue's policy lets it in.
        scratch_gb: ephemeral storage of a worker, where a session does not ask for another.
    """

    analyst_role_arn: str
    task_definition: str
    limits: Limits
    worker_role_arn: str = ""
    scratch_gb: int = 21


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeDocument:
    """The JSON of ``/starburst/<environment>/runtime``: all that a client must discover.

    Attributes:
        environment: its name.
        account: twelve digits.
        region: where everything is.
        bucket: the data bucket's name.
        key_arn: the data key (CMK) that wraps session keys.
        controller: ARN of the alias by which analysts ask the controller.
        python: ``major.minor`` of the worker image.
        architecture: of workers, ``X86_64`` or ``ARM64``, where a session does not ask for one.
        workspaces: by name.
        other_architectures: that a session may ask for as well.
        hosts: the EC2 instances that workers run on; None for Fargate.
        fips: whether clients call AWS's FIPS endpoints.
    """

    environment: str
    account: str
    region: str
    bucket: str
    key_arn: str
    controller: str
    python: str
    architecture: str
    workspaces: Mapping[str, WorkspaceDocument]
    other_architectures: tuple[str, ...] = ()
    hosts: Hosts | None = None
    fips: bool = False

    @property
    def architectures(self) -> tuple[str, ...]:
        """All architectures that workers may have, the environment's own first."""
        return (self.architecture, *self.other_architectures)

    def to_json(self) -> str:
        """Return the document's text, its keys sorted."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RuntimeDocument:
        """Read the document; raise ValueError where it has another schema or lacks a field."""
        fields = read_object(text)
        schema = fields.pop("schema", None)
        if type(schema) is not int or schema != SCHEMA:
            raise ValueError(f"runtime document has schema {schema}; this release reads {SCHEMA}")
        try:
            workspaces = {
                name: fill(WorkspaceDocument, {**entry, "limits": fill(Limits, entry["limits"])})
                for name, entry in fields.pop("workspaces").items()
            }
            others = tuple(fields.pop("other_architectures", ()))
            hosts = fields.pop("hosts", None)
            fields |= {
                "workspaces": workspaces,
                "other_architectures": others,
                "hosts": hosts and _hosts(**hosts),
            }
            return fill(cls, fields)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"runtime document is malformed: {error}") from error


def _hosts(*, instances: list[dict[str, Any]], spot: bool) -> Hosts:
    offered = tuple(fill(Instance, one) for one in instances)
    return fill(Hosts, {"instances": offered, "spot": spot})
