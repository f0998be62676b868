"""The queues of sessions that run: no template has them, and all of a workspace say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from starburst.contract import queue_prefix
from starburst_assurance.proofs.deployed.reading.account import Account, Document
from starburst_assurance.proofs.reading.assembly import QUEUE_USER
from starburst_assurance.proofs.reading.policies import PolicySet

__all__ = ["session_queues"]

_SESSION: Final = 20
"""Characters of a session's name, which ends its queue's."""

_USER: Final = re.compile(r'"StringNotEquals": \{"aws:PrincipalTag/userName": "([a-z0-9]{3,32})"\}')


def session_queues(
    expected: PolicySet, account: Account
) -> Iterator[tuple[str, tuple[str, Document | None]]]:
    """Yield the queues of sessions that run: ARN, workspace, and policy with its user left open."""
    known = {item.arn for item in expected.guarded} | set(expected.named.values())
    for arn, document in account.queues.items():
        if arn in known:
            continue
        for workspace in expected.workspaces:
            prefix = queue_prefix(expected.name, workspace)
            name = arn.rpartition(":")[2]
            if name.startswith(prefix) and len(name) == len(prefix) + _SESSION:
                general = f"{arn[: -len(name)]}{prefix}{'?' * _SESSION}"
                yield arn, (workspace, _opened(document, arn, general))


def _opened(document: Document | None, arn: str, general: str) -> Document | None:
    """Return a session queue's policy with a variable for its user, and for its own name."""
    if document is None:
        return None
    text = json.dumps(document).replace(arn, general)
    user = _USER.search(text)
    if user is not None:
        text = text.replace(f'"{user[1]}"', f'"${{{QUEUE_USER}}}"')
    found: Document = json.loads(text)
    return found
