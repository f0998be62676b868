"""What one command does besides containing: ``deploy.contain --isolate --hold`` (S37, S38).

In an incident nobody types three commands. Each of the others keeps its own record and permission,
and what fails of one stops none of the rest.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import deploy.incident.hold
import deploy.incident.isolate
from deploy.incident.command import Clients, IncidentError, Scope, runtime
from deploy.incident.records import locker
from starburst_constructs.policies.incident_response import holder_document, isolator_document
from starburst_constructs.policies.incident_statements import document

__all__ = ["also", "also_documents", "also_options", "merged", "refuse_apart"]

Main = Callable[..., int]

_MAINS: Final[Mapping[str, Main]] = {
    # The network first: it is what still lets data out.
    "isolate": deploy.incident.isolate.main,
    "hold": deploy.incident.hold.main,
}


def also_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of what is done besides."""
    parser.add_argument(
        "--isolate",
        action="store_true",
        help="also cut all workers of the environment off the network, as deploy.isolate does",
    )
    parser.add_argument(
        "--hold",
        action="store_true",
        help="also put what they stored on hold, as deploy.hold does; --undo lifts it",
    )


def refuse_apart(words: argparse.Namespace) -> None:
    """Refuse what cannot be asked for together.

    Raises:
        IncidentError: who has stored nothing has nothing to hold.
    """
    if words.hold and words.in_advance:
        raise IncidentError(
            "--in-advance is for a user who has stored nothing, so there is nothing to --hold; "
            "nothing was done. Leave one of them out"
        )


def also(words: argparse.Namespace, about: Scope, clients: Clients) -> list[str]:
    """Do or show what was asked for besides, each by its own command; return what failed of it.

    Args:
        words: of the command line.
        about: which users and workspaces; to isolate is about the environment.
        clients: of a role that may.
    """
    environment = ["--environment", about.environment.name]
    names = [] if about.whole else [f"--workspace={name}" for name in about.workspaces]
    names += [f"--user={about.user}"] if about.user else []
    names += [f"--session={about.session}"] if about.session else []
    how = [*(["--undo"] if words.undo else []), *(["--apply"] if words.apply else [])]
    given = {"isolate": [*environment, *how], "hold": [*environment, *names, *how]}
    return [
        f"{command}: it says above what it lacks, and ended with exit code {code}"
        for command, main in _MAINS.items()
        if getattr(words, command)
        if (code := main(given[command], clients=clients))
    ]


def also_documents(
    words: argparse.Namespace, about: Scope, clients: Clients
) -> list[dict[str, Any]]:
    """Return the permissions of what was asked for besides."""
    environment, where = about.environment, locker(about.environment, clients)
    documents = []
    if words.isolate:
        documents.append(
            isolator_document(environment.name, locker=where, placement=about.placement)
        )
    if words.hold:
        documents.append(
            holder_document(
                environment.name,
                about.prefixes,
                bucket=runtime(environment, clients).bucket,
                locker=where,
                placement=about.placement,
            )
        )
    return documents


def merged(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one policy that allows what several do: each statement once, and no name twice.

    Example:
        >>> one, other = {"Sid": "A", "Action": "x"}, {"Sid": "A", "Action": "y"}
        >>> [each["Sid"] for each in merged([document(one), document(one, other)])["Statement"]]
        ['A', 'A2']
    """
    found: list[dict[str, Any]] = []
    for one in documents:
        statements: Sequence[dict[str, Any]] = one["Statement"]
        for statement in statements:
            name = statement["Sid"]
            bare = {**statement, "Sid": ""}
            alike = [each for each in found if each["Sid"].rstrip("0123456789") == name]
            if bare in [{**each, "Sid": ""} for each in alike]:
                continue
            found.append({**statement, "Sid": f"{name}{len(alike) + 1}" if alike else name})
    return document(*found)
