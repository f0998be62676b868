"""Where files stand: the data of a workspace or a person's home, and what a refusal there means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst.aws.absence import is_listed
from starburst.aws.calls import DENIED, MISSING, code_of
from starburst.contract import DATA_VARIABLE, WorkspaceKeys
from starburst.errors import AccessDenied, ConfigurationError, DataNotFound

from .names import checked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from starburst._client.access.connection import Connection

__all__ = ["Place", "Where", "data_of", "home_of", "open_data", "open_home"]


class Where(TypedDict, total=False):
    """Whose files are meant, as :func:`starburst.connect` takes it.

    Attributes:
        environment: its name, or a connection.
        workspace: its name.
        user: who to be.
        profile: an AWS profile.
        steward: act as the workspace's steward.
    """

    environment: str | Connection | None
    workspace: str | None
    user: str | None
    profile: str | None
    steward: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A prefix of the bucket that one may be allowed to use.

    Attributes:
        bucket: its name.
        prefix: of keys, with its closing slash.
        s3: a client of boto3's, with the person's credentials or the worker's.
        connection: the person's; None in a task.
        forbids: what a refusal to change something here is about, and who helps.
    """

    bucket: str
    prefix: str
    s3: S3Client
    connection: Connection | None
    forbids: str

    def name(self, name: object, *, whole: bool = False) -> str:
        """Return a name that was checked; see :func:`starburst._files.names.checked`."""
        return checked(name, prefix=self.prefix, bucket=self.bucket, whole=whole)

    def key(self, name: str) -> str:
        """Return the key of a name."""
        return self.prefix + name

    def path(self, name: str) -> str:
        """Return what pandas and others open: ``s3://<bucket>/<key>``."""
        return f"s3://{self.bucket}/{self.prefix}{name}"

    def missing(self, name: str) -> DataNotFound:
        """Return the error for what is not there."""
        return DataNotFound(f"there is nothing at {self.path(name)}; ls() lists what is there")

    def has(self, name: str) -> bool:
        """Whether a file stands there, by a list: a refusal says nothing about that."""
        return is_listed(self.s3, self.bucket, self.key(name))

    @contextmanager
    def errors(self, purpose: str, name: str = "", *, changes: bool = False) -> Iterator[None]:
        """Raise our errors for S3's.

        Args:
            purpose: a verb phrase.
            name: of the file that it is about.
            changes: whether something is written or deleted.

        Raises:
            AccessDenied: S3 refused it, and the file is there.
            DataNotFound: it is not.
        """
        try:
            with aws_errors(purpose):
                yield
        except AccessDenied as error:
            if changes:
                raise AccessDenied(f"cannot {purpose}: {self.forbids}") from error
            if name and self._is_gone(name):
                raise self.missing(name) from error
            raise
        except Exception as error:
            cause = error.__cause__
            if name and isinstance(cause, ClientError) and code_of(cause) in MISSING:
                raise self.missing(name) from error
            raise

    def _is_gone(self, name: str) -> bool:
        try:
            return not self.has(name)
        except ClientError as error:
            if code_of(error) in DENIED:
                return False
            raise


def data_of(connection: Connection) -> Place:
    """Return the data of a connection's workspace."""
    document, workspace = connection.document, connection.workspace
    return Place(
        bucket=document.bucket,
        prefix=WorkspaceKeys(workspace=workspace).data,
        s3=connection.s3,
        connection=connection,
        forbids=_who_writes(connection),
    )


def home_of(connection: Connection) -> Place:
    """Return the home of a connection's user.

    Raises:
        AccessDenied: the connection is a steward's, who has none.
    """
    document, workspace, user = connection.document, connection.workspace, connection.user
    if connection.steward:
        raise AccessDenied(
            f"a steward has no home: {user} acts as steward of {workspace}. Connect without "
            "steward=True, in AWS as an analyst"
        )
    return Place(
        bucket=document.bucket,
        prefix=WorkspaceKeys(workspace=workspace).home(user),
        s3=connection.s3,
        connection=connection,
        forbids=(
            f"AWS refused it, and a home is its user's alone. Is this login {user}'s, as an "
            f"analyst of {workspace}? If so, show this to your platform engineer"
        ),
    )


def open_home(**where: Unpack[Where]) -> Place:
    """Return the home that is meant.

    Raises:
        AccessDenied: this is a task, or the person acts as steward.
    """
    if os.environ.get(DATA_VARIABLE):
        raise AccessDenied(
            "tasks reach no home: what they are to read belongs into the workspace's data"
        )
    return home_of(_connected(**where))


def open_data(*, writes: bool = False, **where: Unpack[Where]) -> Place:
    """Return the data that is meant; in a task, its own workspace's where nothing is said.

    Raises:
        AccessDenied: in a task, something is to be written: tasks read data.
    """
    own = os.environ.get(DATA_VARIABLE)
    if not own:
        return data_of(_connected(**where))
    if any(where.values()):
        raise AccessDenied(
            "a task reads its own workspace's data and no other's: leave out "
            + ", ".join(f"{name}=" for name, value in where.items() if value)
        )
    if writes:
        raise AccessDenied(
            "tasks read data and never change it: return the result, or have the program that "
            "started the session put it there"
        )
    return _in_a_task(own)


def _connected(**where: Unpack[Where]) -> Connection:
    from starburst._client.access.connection import connect  # noqa: PLC0415 - no task needs it

    return connect(
        where.get("environment"),
        where.get("workspace"),
        user=where.get("user"),
        profile=where.get("profile"),
        steward=where.get("steward", False),
    )


def _in_a_task(path: str) -> Place:
    import boto3  # noqa: PLC0415 - slow to import

    from starburst.aws.calls import client_config  # noqa: PLC0415 - likewise

    bucket, _, prefix = path.removeprefix("s3://").partition("/")
    if not path.startswith("s3://") or not prefix.endswith("/"):
        raise ConfigurationError(
            f"{DATA_VARIABLE} is {path!r}, which is no path of a workspace's data"
        )
    return Place(
        bucket=bucket,
        prefix=prefix,
        s3=boto3.session.Session().client("s3", config=client_config()),
        connection=None,
        forbids="tasks read data and never change it",
    )


def _who_writes(connection: Connection) -> str:
    document, workspace = connection.document, connection.workspace
    role = document.steward_role_arn(workspace).rpartition("/")[2]
    if connection.steward:
        return (
            f"AWS refused it to the steward of {workspace}. Is this login the role {role}? If so, "
            "show this to your platform engineer"
        )
    if document.workspaces[workspace].data_writers == "analysts":
        return (
            f"AWS refused it, though analysts of {workspace} write its data. Is this login an "
            "analyst's of this workspace? If so, show this to your platform engineer"
        )
    local = "pass steward=True, or --steward on the command line"
    there = f"log in to the role {role} (profile=, or --profile), and {local}"
    return (
        f"in workspace {workspace} analysts read data, and its steward writes it. If you are the "
        f"steward, {local if connection.local else there}; else ask them, or your platform engineer"
    )
