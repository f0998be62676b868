"""What an add-on is: a frozen setting that says everything the kit must know of an optional stack.

A new one is a subclass in ``stacks/addons/<name>.py`` or ``stacks/addons/<name>/``. It names itself
and builds its stacks; every other method has a default, which says that there is nothing of the
kind. Stage, boundary, gates, proofs, evidence and prices ask these methods of each add-on that an
environment names, so nothing else has to know of it. ``tests/addons/toy`` is a complete example.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_iam as iam

    from stacks.settings import Environment
    from stacks.settings.once import Holding, Single
    from starburst.pricing.prices import Prices
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.identities.reaching import Taker
    from starburst_assurance.proofs.theorems.perimeter.deputies import Job
    from starburst_assurance.proofs.theorems.roles.tables import Duty
    from starburst_assurance.waivers import Waiver

__all__ = ["FREE", "Addon", "AddonError", "Price"]


class AddonError(ValueError):
    """An add-on breaks a promise of its interface; nothing was synthesized."""


def _one(_: Mapping[str, Any]) -> int | None:
    return 1


def _nothing(_: Prices) -> float:
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """How a resource type is billed for existing.

    Attributes:
        what: as people name it, in the plural.
        month: what a unit costs a month, in US dollars, by the Region's prices; None where those
            do not tell.
        units: how many one resource counts for, by its properties; None where they do not tell.
    """

    what: str
    month: Callable[[Prices], float | None] = _nothing
    units: Callable[[Mapping[str, Any]], int | None] = _one


FREE: Final = Price(what="")
"""Of a type that is never billed for existing."""


@dataclass(frozen=True, kw_only=True)
class Addon(ABC):
    """One optional part of an environment; its fields are its settings.

    Subclasses are frozen, keyword-only dataclasses that check their fields in ``__post_init__``
    and raise ``stacks.settings.SettingsError``.

    Attributes:
        name: ``[a-z][a-z0-9]+``; its stacks are called ``<name>`` or ``<name>-<part>``, and roles
            that it makes have purposes that begin with it.
        summary: one sentence for the list of add-ons.
        page: its how-to, a path below the repository.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    page: ClassVar[str]

    @abstractmethod
    def build(self, stage: cdk.Stage) -> None:
        """Add its stacks to ``stage``, whose own stacks are all there.

        Args:
            stage: their scope. ``stacks.addons.core.Core.of(stage)`` has the stacks to refer to,
                and names each new one by ``stack_options(part)``.
        """

    def check(self, environment: Environment) -> None:  # noqa: B027 - a default: nothing to refuse
        """Refuse an environment in which it could not work.

        Raises:
            SettingsError: says what is wrong, and which setting ends it.
        """

    def once(self, environment: Environment) -> Mapping[Single, Holding]:
        """Return what it has to do with that an account has once in a Region, and who has that.

        Settings with two makers of one thing are refused, and one that counts on a neighbour's
        where none has it, or has less of it than is needed (decision 0046).

        Args:
            environment: that has the add-on.
        """
        del environment
        return {}

    def ceilings(self, environment: Environment) -> Sequence[iam.PolicyStatement]:
        """Return what the permissions boundary must allow beyond the core's.

        Made by ``starburst_constructs.policies.boundary.ceiling``. Without it, a role of the add-on
        does no more than the boundary allows to the core's roles.
        """
        del environment
        return ()

    def regionless(self, environment: Environment) -> Sequence[str]:
        """Return those actions of ``ceilings`` whose service has no Region."""
        del environment
        return ()

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions to the gates, at its own resources.

        Those of packs that do not judge ``environment`` are left out by themselves. Wildcards are
        no waivers: they are declared in their statement, by ``policies.wildcards.Allow``.
        """
        del environment
        return ()

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what each of its roles is for, by the role's purpose: the table to prove against.

        Written down apart from the policies. A role of an AWS service, which has no purpose, is
        named ``<stack>/<logical name>``. Patterns hold what ``theorems.roles.tables`` allows, and
        ``{<stack>/<logical name>}`` for the ARN of a resource.
        """
        return {}

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that its roles may ever be given beyond the core's, as a table as well.

        Its own boundary, where it has one, may allow that; the environment's, where its roles carry
        that; another add-on's never.
        """
        return ()

    def data_roles(self, environment: Environment) -> Sequence[str]:
        """Return ARNs of those of its roles that the data bucket and its key let to data (A7).

        They refuse every role that is neither the kit's own for data nor named; each one more
        weakens that, so most add-ons have none.
        """
        del environment
        return ()

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return what AWS services do to its resources, by ``<stack>/<logical name>``.

        Such as EventBridge, which invokes a function for one of its rules.
        """
        return {}

    def takers(self) -> Mapping[str, Sequence[Taker]]:
        """Return who takes its roles, by the role's purpose: nobody without it.

        Written down apart from the roles' trust. Of another account, by an identity provider, or
        another of its roles; AWS services that take its roles need not be said.
        """
        return {}

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved of an environment that has it, beside the core theorems."""
        return ()

    def prices(self) -> Mapping[str, Price]:
        """Return how its resource types are billed for existing, those that the kit does not know.

        ``FREE`` for a type that costs nothing.
        """
        return {}

    def local_gaps(self) -> Sequence[str]:
        """Return what the ``local`` environment cannot do of it, one sentence each."""
        return ()
