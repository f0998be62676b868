"""The ways into a deployed throw-away environment: its analyst, and sessions of workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError

from deploy.rehearsal.asking.clock import Clock
from deploy.rehearsal.asking.subject import USER, WORKSPACE
from deploy.rehearsal.derive import CPU, MEMORY_GB
from starburst.aws.calls import client_config, code_of
from starburst.contract import USER_TAG
from starburst_constructs.naming import role_arn

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["Sessions"]

_PATIENCE: Final = 120.0
_EVERY: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """How the analyst of a first day signs in and opens sessions.

    Attributes:
        environment: where.
        session: of the credentials that deployed it; their role may become the analyst.
        clock: the time.
    """

    environment: Environment
    session: boto3.Session
    clock: Clock

    def analyst(self) -> boto3.Session:
        """Sign in as the analyst; a role that was just made is not known everywhere for a while.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (eventual consistency)
        """
        sts = self.session.client("sts", config=client_config())
        arn = role_arn(
            self.environment.name, "analyst", WORKSPACE, account=self.environment.account
        )
        start = self.clock.now()
        while True:
            try:
                keys = sts.assume_role(
                    RoleArn=arn, RoleSessionName=USER, Tags=[{"Key": USER_TAG, "Value": USER}]
                )["Credentials"]
            except ClientError as error:
                late = self.clock.now() - start >= _PATIENCE
                if code_of(error) != "AccessDenied" or late:
                    raise
                self.clock.sleep(_EVERY)
            else:
                return boto3.Session(
                    aws_access_key_id=keys["AccessKeyId"],
                    aws_secret_access_key=keys["SecretAccessKey"],
                    aws_session_token=keys["SessionToken"],
                    region_name=self.environment.region,
                )

    def opens(self, workers: int, seconds: int) -> Any:  # noqa: ANN401 - the client's session
        """Open a session of the smallest workers, which ends by itself.

        Args:
            workers: how many.
            seconds: after which the controller ends it, come what may.
        """
        import starburst  # noqa: PLC0415 - slow to import, and --help does not need it

        connection = starburst.connect(
            self.environment.name, WORKSPACE, user=USER, aws=self.analyst()
        )
        return starburst.session(
            connection,
            workers=workers,
            cpu=CPU,
            memory=MEMORY_GB,
            session_timeout=seconds,
            idle_timeout=300,
            progress=False,
        )
