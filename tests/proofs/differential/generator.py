"""Random policies, and requests that they are likely to speak of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.proofs.differential.decisions import Policies
from tests.proofs.differential.statements import Asked, Caller
from tests.proofs.differential.universe import (
    ACTIONS,
    AL,
    KEYS,
    LEVELS,
    OTHER,
    OURS,
    PRINCIPALS,
    PROVIDER,
    ROLE,
    SERVICE,
    SESSION,
    STRANGER,
    TAG,
    USER,
)

__all__ = ["CALLERS", "Case", "cases"]

VERSION = "2012-10-17"
EVERYTHING = {
    "Version": VERSION,
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
REQUESTS = 4
"""For each set of policies: random policies cost more than another request."""

CALLERS = (
    Caller(kind="session", account=OURS, arn=ROLE, name=SESSION),
    Caller(
        kind="session", account=OTHER, arn=STRANGER, name=f"arn:aws:sts::{OTHER}:assumed-role/s/x"
    ),
    Caller(kind="user", account=OURS, arn=USER),
    Caller(kind="service", name=SERVICE),
    Caller(kind="federated", name=PROVIDER),
    Caller(kind="nobody"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Policies, and several requests that they are asked about.

    Attributes:
        kind: of the resource: bucket, key or role.
        policies: that speak of it.
        requests: all by the same caller.
    """

    kind: str
    policies: Policies
    requests: tuple[Asked, ...]


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield cases that have so many requests together.

    Args:
        count: of requests.
        seed: the same cases for the same.
    """
    for number in range(-(-count // REQUESTS)):
        made = _Maker(Random(f"{seed}-{number}")).case()  # noqa: S311 - no secret is made
        left = count - number * REQUESTS
        yield replace(made, requests=made.requests[:left])


class _Maker:
    def __init__(self, random: Random) -> None:
        self._random = random

    def case(self) -> Case:
        random = self._random
        kind = random.choices(("bucket", "key", "role"), (6, 2, 2))[0]
        caller = random.choices(CALLERS, (12, 3, 2, 3, 3 if kind == "role" else 1, 1))[0]
        requests = tuple(self._request(kind, caller) for _ in range(REQUESTS))
        asked = requests[0]
        outside = caller.account != OURS
        alone = not caller.account or (outside and random.random() < 0.5)
        guarded = outside or kind == "role" or random.random() < 0.6
        policies = Policies(
            identity=(EVERYTHING,)
            if alone
            else tuple(self._document(asked) for _ in range(random.choice((1, 1, 2)))),
            boundary=None if alone else self._perhaps(0.4, asked),
            session=None if alone else self._perhaps(0.15, asked),
            resource=self._document(asked, of_resource=True) if guarded else None,
            strict=guarded and kind != "bucket",
            gates=() if outside else tuple(filter(None, [self._perhaps(0.25, asked)])),
        )
        return Case(kind=kind, policies=policies, requests=requests)

    def _request(self, kind: str, caller: Caller) -> Asked:
        random = self._random
        keys: dict[str, tuple[str, ...]] = {}
        for name, key in KEYS.items():
            if random.random() < 0.5:
                continue
            count = random.randint(1, 3) if key.several else 1
            keys[name.lower()] = tuple(random.sample(key.said, count))
        if random.random() < 0.7:
            keys[TAG.lower()] = (random.choice((AL, AL, "bo")),)
        return Asked(
            caller=caller,
            action=random.choice(ACTIONS[kind]),
            resource=random.choice(LEVELS[kind]),
            owner=OURS,
            keys=keys | _principal_keys(caller),
        )

    def _perhaps(self, chance: float, asked: Asked) -> dict[str, Any] | None:
        """Return a policy that narrows others: mostly a wide one."""
        if self._random.random() >= chance:
            return None
        found = self._document(asked)
        if self._random.random() < 0.6:
            found["Statement"] += EVERYTHING["Statement"]
        return found

    def _document(self, asked: Asked, *, of_resource: bool = False) -> dict[str, Any]:
        count = self._random.choice((1, 2, 2, 3))
        return {
            "Version": VERSION,
            "Statement": [self._statement(asked, of_resource=of_resource) for _ in range(count)],
        }

    def _statement(self, asked: Asked, *, of_resource: bool) -> dict[str, Any]:
        random = self._random
        made: dict[str, Any] = {"Effect": random.choices(("Allow", "Deny"), (5, 2))[0]}
        word = random.choices(("Action", "NotAction"), (5, 1))[0]
        made[word] = self._few(lambda: self._action(asked))
        word = random.choices(("Resource", "NotResource"), (5, 1))[0]
        if not (of_resource and asked.action.startswith("sts:")):
            made[word] = self._few(lambda: self._pattern(asked.resource))
        for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
            operator, key, values = self._condition(asked)
            made.setdefault("Condition", {}).setdefault(operator, {})[key] = values
        if of_resource:
            word = random.choices(("Principal", "NotPrincipal"), (6, 1))[0]
            made[word] = self._principal(asked.caller)
        return made

    def _few(self, one: Any) -> Any:
        """Return one thing, or a list of two or three."""
        count = self._random.choice((1, 1, 1, 2, 3))
        return one() if count == 1 else [one() for _ in range(count)]

    def _action(self, asked: Asked) -> str:
        random = self._random
        service = asked.action.partition(":")[0]
        return random.choice(
            (
                "*",
                asked.action,
                asked.action,
                asked.action.swapcase(),
                f"{service}:*",
                f"{asked.action[:-2]}*",
                f"{asked.action[:6]}?{asked.action[7:]}",
                f"{asked.action}?",
                "s3:Get*",
                "*:*e*",
                "sqs:SendMessage",
            )
        )

    def _pattern(self, text: str) -> str:
        """Return a pattern that a text matches, or that it just does not match."""
        random = self._random
        cut, end = sorted(random.sample(range(3, len(text) + 1), 2))
        made = random.choice(
            (
                "*",
                text,
                text,
                f"{text[:cut]}*",
                f"{text[:cut]}*{text[end:]}",
                f"{text[:cut]}*{text[end:]}*",
                f"{text[: end - 1]}?{text[end:]}",
                f"{text[: end - 1]}?*{text[end:]}",
                f"*{text[end - 1 :]}",
                f"{text}?",
                f"{text[:cut]}x{text[end:]}",
                "arn:aws:s3:::b/*",
                "arn:aws:*:*:*:*",
            )
        )
        if AL in made and random.random() < 0.4:
            name = random.choice((TAG, TAG.upper()))
            default = random.choice(("", "", ", 'al'", ", 'bo'"))
            made = made.replace(AL, f"${{{name}{default}}}", 1)
        return made

    def _condition(self, asked: Asked) -> tuple[str, str, Any]:
        random = self._random
        present = [name for name in KEYS if name.lower() in asked.keys]
        among = present if present and random.random() < 0.6 else [*KEYS]
        key = random.choices(among, [KEYS[name].weight for name in among])[0]
        known = KEYS[key]
        written = random.choice((key, key, key.lower(), key.swapcase()))
        if random.random() < 0.15:
            return "Null", written, random.choice(("true", "false", True, False))
        operator = random.choice(known.operators) + random.choice(("", "", "IfExists"))
        if known.several:
            operator = f"{random.choice(('ForAllValues', 'ForAnyValue'))}:{operator}"
        wanted = list(known.wanted)
        if "Like" not in operator and not operator.startswith("Arn"):
            wanted = [one for one in wanted if not set("*?") & set(str(one))]
        return operator, written, self._few(lambda: random.choice(wanted))

    def _principal(self, caller: Caller) -> Any:
        random = self._random
        if random.random() < 0.1:
            return "*"
        own = [one for one in PRINCIPALS if one[1] in (caller.arn, caller.name, caller.account)]
        own += [one for one in PRINCIPALS if caller.account and f":{caller.account}:root" in one[1]]
        made: dict[str, list[str]] = {}
        for _ in range(random.choice((1, 2, 3))):
            kind, text = random.choice(own if own and random.random() < 0.6 else PRINCIPALS)
            if text not in made.setdefault(kind, []):
                made[kind].append(text)
        return {
            kind: texts[0] if len(texts) == 1 and random.random() < 0.5 else texts
            for kind, texts in made.items()
        }


def _principal_keys(caller: Caller) -> dict[str, tuple[str, ...]]:
    """Return what AWS says of a caller in every request."""
    said = {"aws:principalisawsservice": "true" if caller.kind == "service" else "false"}
    if caller.account:
        said |= {
            "aws:principalarn": caller.arn,
            "aws:principalaccount": caller.account,
            "aws:principaltype": "User" if caller.kind == "user" else "AssumedRole",
        }
    if caller.kind == "session":
        said["sts:sessionarn"] = caller.name
    if caller.kind == "service":
        said["aws:principalservicename"] = caller.name
    if caller.kind == "federated":
        said["aws:federatedprovider"] = caller.name
    return {name: (value,) for name, value in said.items()}
