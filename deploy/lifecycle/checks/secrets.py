"""Secrets that workspaces name: whether each ARN is a secret's whole one, and opens by its key.

A name may itself end in a hyphen and six characters, so that an ARN without those that Secrets
Manager adds passes for whole, and no worker starts with it. Only Secrets Manager can tell; so
``deploy.up`` asks it before it deploys. Nobody reads a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deploy.lifecycle.account import LifecycleError
from starburst.aws.calls import code_of

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["refuse_secrets"]

_GONE: Final = ("ResourceNotFoundException",)
_REFUSED: Final = ("AccessDenied", "AccessDeniedException")
_PAGE: Final = "docs/how-to/start-workers-with-secrets.md"

Described = Mapping[str, Any]


def refuse_secrets(
    environment: Environment, client: Callable[[str], Any], say: Callable[[str], None]
) -> None:
    """Refuse secrets with which no worker could start.

    Args:
        environment: as its settings are now.
        client: makes the client of a service; nothing is asked where no secret is named.
        say: is told which secrets could not be looked at.

    Raises:
        LifecycleError: says which secret of which workspace, and what to write instead; nothing
            was done.
    """
    named = {
        (one.arn, one.key_arn): workspace.name
        for workspace in environment.workspaces
        for one in workspace.secrets
    }
    if not named:
        return
    manager = client("secretsmanager")
    for (arn, key), workspace in named.items():
        about = f"workspace {workspace}: secret {arn}"
        try:
            wrong = next(_wrong(manager, arn, key), None)
        except ClientError as error:
            if code_of(error) not in _REFUSED:
                raise
            say(
                f"{about} was not looked at: secretsmanager:DescribeSecret is refused. A wrong ARN "
                "shows when the first worker does not start"
            )
            continue
        if wrong is not None:
            raise LifecycleError(f"{about} {wrong}; nothing was done. See {_PAGE}")


def _wrong(manager: Any, arn: str, key: str | None) -> Iterator[str]:  # noqa: ANN401 - any client of boto3
    found = _described(manager, arn)
    if found is None:
        by_name = _described(manager, arn.split(":secret:", 1)[1])
        yield (
            "does not exist in this account and Region: make it, or name it as `aws "
            "secretsmanager describe-secret` prints its ARN"
            if by_name is None
            else f"has a name that ends like an ARN; its own is {by_name['ARN']}: write that"
        )
        return
    if found["ARN"] != arn:
        yield f"is not whole: its ARN is {found['ARN']}; write that"
    if "DeletedDate" in found:
        yield "is scheduled for deletion: restore it, or take it out of secrets="
    used = str(found.get("KmsKeyId") or "")
    if key is None and used and not used.endswith("alias/aws/secretsmanager"):
        yield f"is encrypted by {used}, and key_arn does not say so: name that key's ARN"
    # An alias says nothing of the key behind it.
    if key is not None and "alias/" not in used and used.rpartition("/")[2] != _id(key):
        yield f"is encrypted by {used or 'aws/secretsmanager'}, and not by {key}: mend key_arn"


def _id(key: str) -> str:
    return key.rpartition("/")[2]


def _described(manager: Any, name: str) -> Described | None:  # noqa: ANN401 - any client of boto3
    try:
        found: Described = manager.describe_secret(SecretId=name)
    except ClientError as error:
        if code_of(error) in _GONE:
            return None
        raise
    return found
