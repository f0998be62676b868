"""What each shipped environment is made of, and what deploys it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import environments
from starburst_assurance.bootstrap.deployer import Deployer
from starburst_assurance.bootstrap.documents import deployer_of
from starburst_assurance.bootstrap.usage import Usage, usage_of
from starburst_constructs.naming import boundary_arn

REGION = "eu-west-1"


def deployer_for(name: str, usage: Usage, *, account: str = "222233334444") -> Deployer:
    """The execution role of an environment of that name."""
    return deployer_of(
        usage,
        environment=name,
        account=account,
        region=REGION,
        qualifier="hnb659fds",
        boundary=boundary_arn(name, account=account),
    )


@pytest.fixture(scope="session")
def usages(templates: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Usage]:
    """What the stacks of each environment use."""
    return {
        one.name: usage_of(
            template for name, template in templates.items() if name.startswith(f"{one.name}/")
        )
        for one in environments.ALL
    }
