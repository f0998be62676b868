"""Destroying what was deployed into the local environment, as a test environment in AWS goes."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.tools.local import Deployment
from environments import LOCAL

from .account import Account
from .destroy import destroy
from .remains import Remains

__all__ = ["account_of", "take_down"]


def account_of(deployment: Deployment) -> Account:
    """Return the local account, in the hands of the role that deploys."""
    local = deployment.local
    session = local.platform_session()

    def cdk(arguments: Sequence[str]) -> None:
        deployment.cdk(*arguments)

    return Account(
        environment=LOCAL,
        client=lambda service: local.client(session, service),
        cdk=cdk,
        say=lambda _line: None,
    )


def take_down(deployment: Deployment) -> Remains:
    """End, empty and destroy everything of a local deployment."""
    return deployment.timed(
        "destroy", lambda: destroy(account_of(deployment), assembly=deployment.outdir)
    )
