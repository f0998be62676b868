"""What IAM would refuse, or never let through, of what is written for a bootstrap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from starburst_assurance.bootstrap.deployer import Deployer
from starburst_assurance.bootstrap.documents import (
    MOST,
    boundary_document,
    execution_documents,
    size,
)
from starburst_assurance.bootstrap.needed import needed
from starburst_assurance.bootstrap.scopes import Scope, scope_of
from starburst_assurance.bootstrap.usage import Usage
from starburst_assurance.proofs.encoding import vocabulary
from starburst_assurance.proofs.reading.policies import Policy

__all__ = ["misplaced", "refused"]


def refused(usage: Usage, deployer: Deployer) -> Iterator[str]:
    """Yield what is wrong with an environment's documents."""
    documents = (*execution_documents(usage, deployer), boundary_document(usage, deployer))
    if len(documents) > 11:
        yield f"{len(documents)} documents"
    for document in documents:
        if size(document) > MOST:
            yield f"{size(document)} characters"
        yield from vocabulary.complaints(Policy.parse("document", document))
        sids = [one["Sid"] for one in document["Statement"]]
        if len(set(sids)) < len(sids) or not all(re.fullmatch("[A-Za-z0-9]+", s) for s in sids):
            yield f"sids {sids}"
    for action in needed(usage, region=deployer.region):
        if "*" not in action and misplaced(action, scope_of(action), deployer):
            yield f"{action} on {scope_of(action).sid}"


def misplaced(action: str, scope: Scope, deployer: Deployer) -> bool:
    """Whether IAM would never let an action through, since it takes no such resource."""
    service, _, name = action.partition(":")
    known: Any = vocabulary._data()[service]
    kinds = [kind for kind in known["privileges"][name]["resource_types"] if kind]
    resources = [deployer.filled(one) for one in scope.resources]
    if resources == ["*"]:
        return False
    shapes = [
        re.sub(r"\\\$\\\{.*?\\\}", ".*", re.escape(known["resources"][kind]["arn"]))
        for kind in kinds
    ]
    return not any(
        re.fullmatch(shape, str(one).replace("*", star))
        for shape in shapes
        for one in resources
        for star in ("x", "x:x")
    )
