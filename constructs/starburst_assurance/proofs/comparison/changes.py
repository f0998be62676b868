"""What a comparison finds: requests that get another answer, each with an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypeAlias

from starburst_assurance.proofs.comparison.subjects import Kind

__all__ = ["Change", "Turn"]

Turn: TypeAlias = Literal["allowed", "denied", "undecided"]

_NAMED: Final = 5
"""Actions that a sentence names; the rest it counts."""

_TAG: Final = "aws:PrincipalTag/userName"
_CALLER: Final = ("aws:principal", "aws:federatedprovider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One request that is newly allowed or newly denied, and all that are treated like it.

    Attributes:
        turn: newly allowed, newly denied, or not decided in time.
        kind: whether a role asks, somebody takes one, or a resource or an endpoint is asked.
        name: of the role, resource or endpoint.
        place: the resource, by logical name; empty for all without a policy of their own.
        actions: that are treated alike; the example is of the first.
        resource: of the example.
        context: keys without which the example would get the same answer from both, with values.
        because: the statements that decide, each with its policy.
    """

    turn: Turn
    kind: Kind
    name: str
    place: str
    actions: tuple[str, ...]
    resource: str = ""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    because: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """Whom or what the sentence is about."""
        return {
            "role": f"role {self.name}",
            "trust": f"who takes the role {self.name}",
            "resource": f"callers from outside at {self.name}",
            "endpoint": f"the endpoint of {self.name}",
        }[self.kind]

    def __str__(self) -> str:
        """Return the change as a sentence, with the example."""
        shown = self.actions[:_NAMED]
        rest = len(self.actions) - len(shown)
        what = ", ".join(shown) + (f" and {rest} more that are treated alike" if rest else "")
        there = f" at {self.place}" if self.place else ""
        if self.turn == "undecided":
            return f"Not decided in time: whether {self._who} gets another answer to {what}{there}."
        verb = "may now" if self.turn == "allowed" else "may no longer"
        example = f"{self.actions[0]} on {self.resource}{self._with}"
        reason = f" ({'; '.join(self.because)})" if self.because else ""
        return f"{self._who} {verb} {what}{there}: for example {example}{reason}."

    @property
    def _who(self) -> str:
        return {
            "role": f"{self.name}",
            "trust": f"A caller as in the example, who takes {self.name},",
            "resource": f"At {self.name}, by its policy alone, somebody",
            "endpoint": f"Through the endpoint of {self.name}, somebody",
        }[self.kind]

    @property
    def _with(self) -> str:
        mine = self.kind == "role"
        user = ", ".join(self.context.get(_TAG, ())) if mine else ""
        keys = [
            f"{key} = {', '.join(values)}"
            for key, values in self.context.items()
            if not mine or not key.lower().startswith(_CALLER)
        ]
        said = f" as {user}" if user else ""
        return f"{said} with {' and '.join(keys)}" if keys else said

    def as_json(self) -> dict[str, Any]:
        """Return what JSON takes of it."""
        return {
            **asdict(self),
            "context": {key: list(values) for key, values in self.context.items()},
            "sentence": str(self),
        }
