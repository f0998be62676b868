"""An officer at a terminal: who types a command, where, and what came of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3

from deploy.incident.command import Clients
from deploy.tools.cdk import ROOT, base_environment
from starburst.local import LocalEnvironment

__all__ = ["Officer", "Ran", "Terminal", "shell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Somebody who may what a command prints with ``--permission``, and no more.

    Attributes:
        role: the name of their role.
        session: their credentials.
        clients: makes clients of them.
    """

    role: str
    session: boto3.Session
    clients: Clients


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that has ended.

    Attributes:
        words: what was typed.
        code: its exit code.
        seconds: from the return key to the prompt.
        text: what it wrote.
    """

    words: str
    code: int
    seconds: float
    text: str


Terminal = Callable[[Officer, str, Sequence[str]], Ran]
"""Runs a command, such as ``deploy.contain``, with its words, as an officer."""


def shell(local: LocalEnvironment, folder: Path) -> Terminal:
    """Return a terminal that starts each command as a process of its own, as a person does.

    Args:
        local: the environment that its AWS is.
        folder: where commands leave their records.
    """

    def run(officer: Officer, command: str, words: Sequence[str]) -> Ran:
        credentials = officer.session.get_credentials()
        if credentials is None:  # pragma: no cover - the session is made of them
            raise RuntimeError(f"{officer.role} has no credentials")
        keys = credentials.get_frozen_credentials()
        start = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", command, *words],
            cwd=folder,
            env={
                **base_environment(),
                "PYTHONPATH": str(ROOT),
                "AWS_ACCESS_KEY_ID": str(keys.access_key),
                "AWS_SECRET_ACCESS_KEY": str(keys.secret_key),
                "AWS_SESSION_TOKEN": str(keys.token),
                "AWS_REGION": local.region,
                "AWS_ENDPOINT_URL": local.endpoint,
                "AWS_CA_BUNDLE": local.ca_bundle,
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return Ran(
            words=" ".join(("python -m", command, *words)),
            code=done.returncode,
            seconds=time.perf_counter() - start,
            text=done.stdout,
        )

    return run
