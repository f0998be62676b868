"""Workspaces that are deployed and no longer in the settings: only a retired one may go.

Settings alone cannot tell what is deployed. So this asks the runtime document, in which every
deployment says what it has, and the parameter by which ``python -m deploy.retire`` says that
nothing is left of a workspace. That word holds until the document changes: a workspace that is
opened again, or made anew under an old name, is not retired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deploy.changing.stops import Stop
from deploy.lifecycle.account import LifecycleError
from starburst.aws.calls import code_of
from starburst.contract import RuntimeDocument, runtime_parameter
from starburst_constructs.naming import retired_parameter

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["dropped", "refuse_dropped", "retired_at", "what_goes"]

_UNKNOWN: Final = "ParameterNotFound"


def refuse_dropped(environment: Environment, client: Callable[[str], Any]) -> tuple[str, ...]:
    """Refuse settings without a workspace that is deployed and not retired.

    Args:
        environment: as its settings are now.
        client: makes the client of a service.

    Returns:
        The workspaces that go, all of them retired.

    Raises:
        LifecycleError: one is not; says what to do instead.
    """
    going, stops = what_goes(environment, client)
    for stop in stops:
        raise LifecycleError(f"{stop.sentence}. Nothing was done. {stop.way}")
    return going


def what_goes(
    environment: Environment, client: Callable[[str], Any]
) -> tuple[tuple[str, ...], tuple[Stop, ...]]:
    """Return the retired workspaces that the settings no longer have, and what stops for others.

    Args:
        environment: as its settings are now.
        client: makes the client of a service.

    Raises:
        LifecycleError: nobody can tell what is deployed.
    """
    gone, new, changed = dropped(environment, client)
    going: list[str] = []
    found: list[Stop] = []
    for name in gone:
        retired = retired_at(client("ssm"), environment.name, name)
        if retired is not None and changed <= retired:
            going.append(name)
        else:
            found.append(_stop(environment.name, name, new=new, late=retired is not None))
    return tuple(going), tuple(found)


def _stop(environment: str, name: str, *, new: Sequence[str], late: bool) -> Stop:
    why = "was deployed anew since it was retired" if late else "is deployed and is not retired"
    renamed = (
        f". If it is to be called {' or '.join(new)}: no name can be changed, for it stands in "
        "every key; keep both, move what people need, then retire the old one"
    )
    return Stop(
        stack=f"starburst-{environment}-access",
        reason="workspace",
        sentence=f"the settings of {environment} no longer have workspace {name}, which {why}: its "
        "sessions would be cut off, and its data would stay where nobody may read them",
        way="Put it back with draining=True, deploy, run python -m deploy.retire "
        f"--environment {environment} --workspace {name}, and then take it away"
        f"{renamed if new else ''}. See docs/how-to/retire-a-workspace.md",
    )


def dropped(
    environment: Environment, client: Callable[[str], Any]
) -> tuple[tuple[str, ...], tuple[str, ...], datetime]:
    """Return the workspaces that only the deployment has, those that only the settings have.

    And when the runtime document was written last; nothing is dropped where there is none.

    Raises:
        LifecycleError: the document cannot be read.
    """
    here = {workspace.name for workspace in environment.workspaces}
    try:
        answer = client("ssm").get_parameter(Name=runtime_parameter(environment.name))
    except ClientError as error:
        if code_of(error) == _UNKNOWN:
            return (), (), datetime.min
        raise
    try:
        there = RuntimeDocument.from_json(answer["Parameter"]["Value"]).workspaces
    except ValueError as error:
        raise LifecycleError(
            f"the runtime document of {environment.name} cannot be read ({error}), so nobody can "
            "tell which workspaces are deployed. Deploy from a checkout of the release that wrote "
            "it, or of a later one"
        ) from error
    changed: datetime = answer["Parameter"]["LastModifiedDate"]
    gone = tuple(sorted(there.keys() - here))
    return gone, tuple(sorted(here - there.keys())), changed


def retired_at(ssm: Any, environment: str, workspace: str) -> datetime | None:  # noqa: ANN401 - any client of boto3
    """Return when a workspace was said to be retired; None where it was not."""
    try:
        answer = ssm.get_parameter(Name=retired_parameter(environment, workspace))
    except ClientError as error:
        if code_of(error) == _UNKNOWN:
            return None
        raise
    when: datetime = answer["Parameter"]["LastModifiedDate"]
    return when
