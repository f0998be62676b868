"""From an environment's name to clients that may act in it: discovery, credentials, identity."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from starburst.aws.absence import is_absent
from starburst.aws.calls import client_config, code_of
from starburst.aws.jitter import own_jitter
from starburst.contract import (
    DATA_VARIABLE,
    PRINCIPAL_NAME,
    USER_TAG,
    Limits,
    RuntimeDocument,
    SessionKeys,
    runtime_parameter,
    unserved,
)
from starburst.errors import (
    AccessDenied,
    ConfigurationError,
    EnvironmentNotFound,
    VersionMismatch,
    WorkspaceNotFound,
)
from starburst.untrusted.terminal_text import one_line

from .aws_errors import aws_errors
from .renewal import renewing_session
from .timings import Timings

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

__all__ = ["LOCAL", "Connection", "check_place", "connect", "region"]

LOCAL: Final = "local"
_LOCAL_WORKSPACE: Final = "demo"
_LOCAL_USER: Final = "analyst"


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """One person's way into one workspace of one environment. Made by :func:`starburst.connect`.

    Attributes:
        document: what the environment publishes of itself.
        workspace: its name.
        user: who the person is there.
        s3, sqs, kms, functions: clients (boto3's) that hold the person's credentials.
        timings: how long what acts over this connection waits; not for users.
        renews: whether a login that ended is read anew from where it came, so that it is worth
            while to wait for a new one.
        ssm: a client that reads what the workspace says of packages; None to take its policy from
            the document.
        steward: whether the person acts as the workspace's steward, who looks after its packages
            and data and has no sessions.
        aws: what the clients were made of; None where somebody else made them.
        ca_bundle: the file with the authority that they trust, where it is not the usual ones.
    """

    document: RuntimeDocument
    workspace: str
    user: str
    s3: S3Client
    sqs: SQSClient
    kms: KMSClient
    functions: LambdaClient
    timings: Timings = field(default_factory=Timings)
    renews: bool = False
    ssm: SSMClient | None = None
    steward: bool = False
    aws: boto3.session.Session | None = field(default=None, repr=False, compare=False)
    ca_bundle: str | None = None

    @property
    def limits(self) -> Limits:
        """The workspace's limits, as published."""
        return self.document.workspaces[self.workspace].limits

    @property
    def local(self) -> bool:
        """Whether this is the local environment."""
        return self.document.environment == LOCAL

    def keys(self, session: str) -> SessionKeys:
        """Return where a session of this analyst keeps its objects."""
        return SessionKeys(workspace=self.workspace, user=self.user, session=session)

    def read(self, key: str, *, purpose: str) -> bytes | None:
        """Return an object, or None where there is none.

        Args:
            key: where.
            purpose: what for, as an error says it.
        """
        with aws_errors(purpose):
            try:
                answer = self.s3.get_object(Bucket=self.document.bucket, Key=key)
            except ClientError as error:
                if is_absent(error, self.s3, self.document.bucket, key=key):
                    return None
                raise
            return answer["Body"].read()


def connect(
    environment: str | Connection | None = None,
    workspace: str | None = None,
    *,
    user: str | None = None,
    profile: str | None = None,
    aws: boto3.session.Session | None = None,
    steward: bool = False,
) -> Connection:
    """Find an environment. Arguments win over ``STARBURST_*`` variables, those over discovery.

    Args:
        environment: ``STARBURST_ENVIRONMENT``, else ``local``. A connection is returned as it is,
            so that it can be passed wherever an environment is asked for.
        workspace: ``STARBURST_WORKSPACE``, else the only one that the environment has.
        user: ``STARBURST_USER``, else the name of the role session that is logged in.
        profile: an AWS profile; ``AWS_PROFILE`` else (S3).
        aws: credentials of your own, such as :func:`starburst.login` returns. They are yours to
            renew; those of a profile are read anew when they have expired.
        steward: act as the steward of the workspace, who puts packages and data there and has no
            sessions. In AWS the profile, or ``aws``, must be logged in to the steward's role;
            locally, everybody may be one.

    Raises:
        EnvironmentNotFound: no runtime document of that name in this account and region.
        VersionMismatch: the environment serves other releases; it says which to install.
        WorkspaceNotFound: the environment has no such workspace.
        AccessDenied: these credentials are not an analyst's, or not the steward's.
        ConfigurationError: no credentials, no region, or no usable user name.

    Example:
        >>> here = starburst.connect("local")                    # doctest: +SKIP
        >>> starburst.map(abs, [-1], environment=here)           # doctest: +SKIP
        [1]
    """
    if isinstance(environment, Connection):
        if steward and not environment.steward:
            raise ConfigurationError(
                "steward=True beside a connection that is not a steward's: pass steward=True to "
                "starburst.connect"
            )
        return environment
    check_place(environment, workspace, user, profile)
    name = environment or os.environ.get("STARBURST_ENVIRONMENT") or LOCAL
    wanted = workspace or os.environ.get("STARBURST_WORKSPACE")
    person = user or os.environ.get("STARBURST_USER")
    if name == LOCAL:
        # Which local environment is meant is part of the question, so of the cache's key.
        shared = os.environ.get("STARBURST_LOCAL_STATE")
        return _connect_locally(
            wanted or _LOCAL_WORKSPACE, person or _LOCAL_USER, shared, steward=steward
        )
    if aws is not None:
        return _connect(aws, name, workspace=wanted, user=person, steward=steward)
    with aws_errors("log in to AWS"):
        aws = renewing_session(profile, region())
    found = _connect(aws, name, workspace=wanted, user=person, steward=steward)
    return replace(found, renews=True)


def check_place(
    environment: object, workspace: object, user: object = None, profile: object = None
) -> None:
    """Refuse what cannot say where to go or who to be, without asking anyone.

    Raises:
        ConfigurationError: an argument is of another type, or this is a task.
    """
    if os.environ.get(DATA_VARIABLE):  # also in a program that a task has started
        raise ConfigurationError(
            "this is a task, and tasks start no tasks: they may ask AWS for nothing but their data "
            "(here there would be a second local environment). Return what is to be mapped over, "
            "and map over it in the program that started the session; within a task, "
            "concurrent.futures and joblib use the cores of its worker"
        )
    if not isinstance(environment, str | Connection | None):
        count = isinstance(environment, int) and not isinstance(environment, bool)
        raise ConfigurationError(
            f"environment={environment!r} is neither the name of an environment nor a connection; "
            + (f"say workers={environment}: " if count else "")
            + "options such as workers= go by name"
        )
    for name, value in (("workspace", workspace), ("user", user), ("profile", profile)):
        if not isinstance(value, str | None):
            raise ConfigurationError(f"{name}={value!r} is no name (text)")


def region() -> str | None:
    """Return the region that the person's environment names; None leaves it to their profile.

    boto3 itself reads ``AWS_DEFAULT_REGION`` only; every other AWS tool reads ``AWS_REGION`` too.
    """
    return os.environ.get("STARBURST_REGION") or os.environ.get("AWS_REGION")


def _connect(
    aws: boto3.session.Session, name: str, *, workspace: str | None, user: str | None, steward: bool
) -> Connection:
    document = _discover(aws, name, endpoint=None, verify=None)
    chosen = _choose(document, workspace)
    if user is None or steward:
        arn = _who(aws, fips=document.fips)
        role = document.steward_role_arn(chosen)
        acts = _is_of(arn, role)
        if steward and not acts:
            raise AccessDenied(
                f"cannot act as steward of {chosen}: this login is {one_line(arn)}, and its "
                f"steward logs in to {role}. Pass a profile= with that role (`--profile`), or ask "
                "your platform engineer who the steward is"
            )
        steward = acts
        user = user or arn.rsplit("/", 1)[-1].partition("@")[0].lower()
    return _connection(
        aws, document, chosen, _checked(user), endpoint=None, verify=None, steward=steward
    )


@functools.lru_cache(maxsize=16)
def _connect_locally(
    workspace: str, user: str, _shared: str | None, *, steward: bool
) -> Connection:
    from starburst.local import ensure  # noqa: PLC0415 - an optional extra, and slow to import

    local = ensure()
    become = local.steward_session if steward else local.analyst_session
    aws = become(user=_checked(user), workspace=workspace)
    verify = str(local.ca_bundle)
    document = _discover(aws, LOCAL, endpoint=local.endpoint, verify=verify)
    return _connection(
        aws,
        document,
        _choose(document, workspace),
        user,
        endpoint=local.endpoint,
        verify=verify,
        steward=steward,
    )


def _discover(
    aws: boto3.session.Session, name: str, *, endpoint: str | None, verify: str | None
) -> RuntimeDocument:
    if aws.region_name is None:
        raise ConfigurationError(
            f"no AWS region is set, so environment {name!r} cannot be looked up. Set AWS_REGION, "
            "STARBURST_REGION, or the region of your profile"
        )
    parameter = runtime_parameter(name)
    with aws_errors(f"read {parameter}"):
        ssm = own_jitter(
            aws.client("ssm", config=_config(endpoint), endpoint_url=endpoint, verify=verify)
        )
        try:
            value = ssm.get_parameter(Name=parameter)["Parameter"].get("Value", "")
        except ClientError as error:
            if code_of(error) == "ParameterNotFound":
                raise EnvironmentNotFound(
                    f"there is no environment {name!r} in {aws.region_name}: {parameter} does not "
                    "exist. Is it deployed, and are account and region right?"
                ) from error
            raise
    try:
        refused = unserved(value)
        if refused is None:
            return RuntimeDocument.from_json(value)
    except ValueError as error:
        raise EnvironmentNotFound(
            f"{parameter} cannot be used: {error}. Update starburst, or redeploy the environment"
        ) from error
    raise VersionMismatch(f"{name}: {refused}")


def _choose(document: RuntimeDocument, workspace: str | None) -> str:
    names = sorted(document.workspaces)
    if workspace is None and len(names) == 1:
        return names[0]
    if workspace in document.workspaces and workspace is not None:
        return workspace
    asked = "no workspace was named" if workspace is None else f"there is no {workspace!r}"
    raise WorkspaceNotFound(
        f"{asked}; environment {document.environment!r} has {', '.join(names)}. Pass workspace= "
        "or set STARBURST_WORKSPACE"
    )


def _who(aws: boto3.session.Session, *, fips: bool) -> str:
    with aws_errors("ask AWS who is logged in"):
        sts = own_jitter(aws.client("sts", config=client_config(fips=fips)))
        return sts.get_caller_identity()["Arn"]


def _is_of(arn: str, role: str) -> bool:
    """Whether who is logged in is a session of a role: ``…:assumed-role/<role>/<session>``."""
    kind, _, session = arn.rpartition(":")[2].partition("/")
    account, name = role.removeprefix("arn:aws:iam::").partition(":")[0], role.rpartition("/")[2]
    return (arn.split(":")[4], kind, session.partition("/")[0]) == (account, "assumed-role", name)


def _checked(user: str) -> str:
    if not PRINCIPAL_NAME.fullmatch(user):
        raise ConfigurationError(
            f"user {user!r} is not 3 to 32 lower-case letters and digits. It must equal the "
            f"{USER_TAG!r} tag that your login sets: pass user= or set STARBURST_USER"
        )
    return user


def _connection(
    aws: boto3.session.Session,
    document: RuntimeDocument,
    workspace: str,
    user: str,
    *,
    endpoint: str | None,
    verify: str | None,
    steward: bool = False,
) -> Connection:
    config = _config(endpoint, fips=document.fips)
    return Connection(
        document=document,
        workspace=workspace,
        user=user,
        s3=own_jitter(aws.client("s3", config=config, endpoint_url=endpoint, verify=verify)),
        sqs=own_jitter(aws.client("sqs", config=config, endpoint_url=endpoint, verify=verify)),
        kms=own_jitter(aws.client("kms", config=config, endpoint_url=endpoint, verify=verify)),
        functions=own_jitter(
            aws.client("lambda", config=config, endpoint_url=endpoint, verify=verify)
        ),
        ssm=own_jitter(aws.client("ssm", config=config, endpoint_url=endpoint, verify=verify)),
        steward=steward,
        aws=aws,
        ca_bundle=verify,
    )


def _config(endpoint: str | None, *, fips: bool = False) -> Config:
    """Return clients' configuration; the local environment is reached past any proxy."""
    config = client_config(fips=fips)
    return config if endpoint is None else config.merge(Config(proxies={}))
