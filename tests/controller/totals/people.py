"""Two workspaces with totals of their own, and sessions of people in them, by the public door."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starburst.contract import ControllerDoor, Limits, SessionKeys, Totals, WorkspaceDocument
from starburst.controller.totals.book import BOOK, Book
from tests.controller.world import ACCOUNT, WORKER_ROLE, World
from tests.manifests import a_manifest

__all__ = ["ALL", "begin", "book_of", "command", "deploy", "error_of", "keys_of", "named"]

ALL = Totals(sessions=1000, workers=1000, usd_per_hour=1e6, usd_per_day=1e6, usd_per_month=1e6)
"""More than any test asks for."""


def deploy(
    world: World, *, workspace: Totals = ALL, person: Totals = ALL, together: Totals = ALL
) -> None:
    """Deploy two workspaces that allow each session much, and all of them so much."""
    one = WorkspaceDocument(
        analyst_role_arn=f"arn:aws:iam::{ACCOUNT}:role/analyst",
        task_definition="starburst-prod-genomics",
        limits=Limits(workers=500, vcpu=1e4, memory_gb=1e5, usd_per_hour=1e4),
        worker_role_arn=WORKER_ROLE,
        scratch_gb=20,
        totals=workspace,
    )
    many = replace(ALL, workers=10_000, vcpu=1e5, memory_gb=1e6)
    world.deploy(
        workspaces={"genomics": one, "imaging": one},
        totals=many if together is ALL else together,
        user_totals=many if person is ALL else person,
    )


def named(number: int) -> str:
    """A session's id."""
    return f"{number:020d}"


def keys_of(number: int, *, workspace: str = "genomics", user: str = "alice") -> SessionKeys:
    return a_manifest(workspace=workspace, user=user, session=named(number)).keys


def begin(
    world: World, number: int, workers: int = 3, *, wait: int | None = None, **fields: Any
) -> dict[str, Any]:
    """Start a session, and let its workers be launched."""
    manifest = a_manifest(session=named(number), workers=workers, wait_seconds=wait, **fields)
    return world.start(manifest)


def error_of(answer: dict[str, Any]) -> tuple[str, str]:
    """The type and the words of a refusal."""
    assert answer["ok"] is False, answer
    return answer["error"]["type"], answer["error"]["message"]


def command(world: World, action: str, **payload: Any) -> dict[str, Any]:
    """Ask as an officer does."""
    with world.history.invocation(seconds=60):
        return world.controller.handle(
            {"action": action, **payload}, door=ControllerDoor.OFFICERS, seconds=60
        )


def book_of(world: World) -> Book:
    return Book.from_json(world.read(BOOK))
