"""What is deployed into the local environment changes and goes as in AWS, by the same rules."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.tools.local import Deployment, likeness
from environments import LOCAL

from .account import Account
from .deployed import deployed
from .destroy import destroy
from .diff import refuse
from .remains import Remains

__all__ = ["account_of", "redeploy", "take_down"]


def account_of(deployment: Deployment) -> Account:
    """Return the local account, in the hands of the role that deploys."""
    local = deployment.local
    session = local.platform_session()

    def cdk(arguments: Sequence[str]) -> None:
        deployment.cdk(*arguments)

    return Account(
        environment=LOCAL if deployment.like is None else likeness(deployment.like),
        client=lambda service: local.client(session, service),
        cdk=cdk,
        say=lambda _line: None,
    )


def redeploy(deployment: Deployment) -> list[str]:
    """Take changed settings into a local deployment; return what changed.

    Raises:
        CdkFailed: a step failed.
        LifecycleError: ``deploy.up`` would refuse it; nothing was done.
    """
    account = account_of(deployment)
    return deployment.redeploy(
        before=lambda: refuse(account, deployment.outdir, existing=deployed(account))
    )


def take_down(deployment: Deployment) -> Remains:
    """End, empty and destroy everything of a local deployment."""
    return deployment.timed(
        "destroy", lambda: destroy(account_of(deployment), assembly=deployment.outdir)
    )
