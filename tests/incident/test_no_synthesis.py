"""What ends an incident waits for no synthesis, no theorem and no gate."""

from __future__ import annotations

import pytest

from tests.repository.imports import needs

COMMANDS = (
    *("contain", "events", "erase", "freeze", "hold", "isolate", "restore", "revoke", "totals"),
    *("credentials.disable", "credentials.rotate"),
)
SYNTHESIS = (
    *("app", "stacks.stage", "deploy.lifecycle.assembly", "deploy.tools.cdk"),
    *("starburst_assurance.gate", "starburst_assurance.proofs"),
)
"""Who synthesizes or judges, or has the CDK do it."""


def below(module: str) -> set[str]:
    """Return all that a module imports at any time, within functions too."""
    known = needs()
    seen, waiting = {module}, [module]
    while waiting:
        for one in known[waiting.pop()] - seen:
            seen.add(one)
            waiting.append(one)
    return seen


def synthesizes(module: str) -> set[str]:
    """Return what of a synthesis a module reaches."""
    return {
        one
        for one in below(module)
        if any(one == each or one.startswith(f"{each}.") for each in SYNTHESIS)
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_an_incidents_command_synthesizes_nothing(command: str) -> None:
    assert synthesizes(f"deploy.{command}") == set()


@pytest.mark.parametrize("command", ["up", "diff"])
def test_a_command_that_synthesizes_would_be_seen(command: str) -> None:
    assert "deploy.lifecycle.assembly" in synthesizes(f"deploy.{command}")
