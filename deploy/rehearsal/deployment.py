"""Deploys the throw-away environment with the CDK CLI, and takes it away again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from deploy.incident.command import Clients
from deploy.lifecycle.account import Account, Cdk
from deploy.lifecycle.destroy import destroy
from deploy.lifecycle.up import deploy
from deploy.rehearsal.asking.check import Answer, Finding, Verdict
from deploy.rehearsal.asking.clock import Clock
from deploy.rehearsal.asking.subject import stack_prefix, stacks_of
from deploy.rehearsal.left_behind import left_in_the_end
from deploy.rehearsal.probes import clear
from deploy.tools.cdk import cdk_in_terminal
from deploy.tools.image import ImageError, given, push, release_tag
from starburst.aws.calls import words_of
from starburst.errors import StarburstError

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["Deployment", "synthesize"]

_CANCELLED: Final = ("Resource creation cancelled", "Resource update cancelled")
_OPTIONS: Final = ("--require-approval", "never", "--concurrency", "4")
_TROUBLE: Final = (ClientError, BotoCoreError, StarburstError, ImageError)


def synthesize(environment: Environment, outdir: Path) -> Path:
    """Synthesize an environment, judged as every other is, and return where.

    Raises:
        RuntimeError: a judge refuses it; the CDK has written why.
    """
    import app  # noqa: PLC0415 - chooses the Node that jsii starts

    app.build([environment], outdir=str(outdir)).synth()
    return outdir


@dataclass(slots=True, kw_only=True)
class Deployment:
    """A throw-away environment on its way in and out.

    Attributes:
        environment: its settings, with the image's digest once there is one.
        clients: of the credentials.
        assembly: its synthesis. The way out needs no other: an interrupt in a terminal also ends
            the Node process that synthesizes.
        say: is told each step.
        clock: the time.
        cdk: runs the CDK CLI.
    """

    environment: Environment
    clients: Clients
    assembly: Path
    say: Callable[[str], None]
    clock: Clock
    cdk: Cdk = cdk_in_terminal

    def deploy(self, *, workers: bool) -> Finding:
        """Deploy all of it; what failed is a finding like others.

        Args:
            workers: build and push an image for workers first, where they need one.
        """
        start = self.clock.now()
        try:
            if workers and self.environment.lacking_image:
                deploy(
                    self._account(), assembly=self.assembly, parts=["registry"], options=_OPTIONS
                )
                self._push()
            deploy(self._account(), assembly=self.assembly, options=_OPTIONS)
        except _TROUBLE as error:
            return self._told("deployment", start, failed=(_words(error), *self._failures()))
        states = stacks_of(self.environment.name, self.clients)
        held = (f"{len(states)} stacks were deployed",)
        return self._told("deployment", start, held=held, facts=states)

    def destroy(self) -> Finding:
        """Take all of it away; what is left is a finding."""
        start = self.clock.now()
        try:
            clear(self.environment, self.clients, clock=self.clock)
            remains = destroy(self._account(), assembly=self.assembly)
            others = left_in_the_end(self.environment, self.clients, clock=self.clock)
        except Exception as error:  # whatever it is, somebody must hear that it is not gone
            return self._told("destruction", start, failed=(_words(error), *self._failures()))
        told = [line for line in remains.keys if "is deleted on" in line]
        held = ("every stack is gone", *told, *others.told)
        failed = tuple(line for line in remains.lines if line not in told) + others.left
        return self._told("destruction", start, held=held, failed=failed)

    def _account(self) -> Account:
        return Account(
            environment=self.environment,
            client=self.clients,
            cdk=self.cdk,
            say=self.say,
            clock=self.clock.now,
            pause=self.clock.sleep,
        )

    def _push(self) -> None:
        self.say("the worker image is built and pushed; a first build takes minutes")
        digest = push(
            self.environment,
            release_tag(datetime.fromtimestamp(self.clock.wall(), UTC)),
            cloudformation=self.clients("cloudformation"),
            ecr=self.clients("ecr"),
            docker=os.environ.get("CDK_DOCKER", "docker"),
            arguments=given(),
        )
        self.environment = replace(self.environment, image_digest=digest)
        self.assembly = synthesize(self.environment, self.assembly.with_name("with-image"))

    def _failures(self) -> tuple[str, ...]:
        """Return what CloudFormation says of each resource that failed."""
        try:
            return tuple(_failed_events(self.environment.name, self.clients))
        except (ClientError, BotoCoreError) as error:
            return (f"what CloudFormation says of it cannot be read: {_words(error)}",)

    def _told(
        self,
        name: str,
        start: float,
        *,
        held: tuple[str, ...] = (),
        failed: tuple[str, ...] = (),
        facts: dict[str, str] | None = None,
    ) -> Finding:
        verdict: Verdict = "did not hold" if failed else "held"
        return Finding(
            name=name,
            asks=_ASKS[name],
            why="What CloudFormation refuses is known from no synthesis.",
            sources=(
                "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/"
                "API_DescribeStackEvents.html",
            ),
            verdict=verdict,
            answer=Answer(held=held, failed=failed, facts=facts or {}),
            seconds=self.clock.now() - start,
        )


_ASKS: Final = {
    "deployment": "Does CloudFormation make every stack?",
    "destruction": "Does everything go, but what is told to stay?",
}


def _words(error: Exception) -> str:
    return words_of(error) if isinstance(error, ClientError) else f"{type(error).__name__}: {error}"


def _failed_events(environment: str, clients: Clients) -> list[str]:
    formation = clients("cloudformation")
    pages = formation.get_paginator("describe_stack_events")
    return [
        f"{stack.removeprefix(stack_prefix(environment))}: {event['LogicalResourceId']} "
        f"({event['ResourceType']}): {event['ResourceStatus']}: {reason}"
        for stack in stacks_of(environment, clients)
        for page in pages.paginate(StackName=stack)
        for event in page["StackEvents"]
        if event["ResourceStatus"].endswith("_FAILED")
        and (reason := event.get("ResourceStatusReason", ""))
        and not reason.startswith(_CANCELLED)
    ]
