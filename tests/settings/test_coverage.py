"""No setting is one that nothing of ours ever used: each is in an environment or a variant."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from environments import ALL, DEV
from stacks.settings import Addon, Environment, Network
from tests.variants import VARIANTS

ELSEWHERE = {
    "Environment.addons": "tests/addons gates and proves the toy",
    "Environment.accepted_risks": "tests/settings/test_risks.py; it changes no template",
    "Environment.profile": "tests/settings/test_profiles.py; it changes no template",
    "Environment.processing": "tests/compliance/test_processing.py; it changes no template",
    "AcceptedRisk.risk": "the same",
    "AcceptedRisk.reason": "the same",
}


def kinds_in(annotation: Any) -> Iterator[Any]:
    """Yield the classes and literals that an annotation allows."""
    inside = () if get_origin(annotation) is Literal else get_args(annotation)
    if inside:
        for one in inside:
            yield from kinds_in(one)
    else:
        yield annotation


def is_setting(kind: Any) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind) and not issubclass(kind, Addon)


def settings_below(kind: type, known: set[type]) -> set[type]:
    """Return the dataclass and all that its fields may hold, at any depth."""
    if kind not in known:
        known.add(kind)
        for hint in get_type_hints(kind).values():
            for one in filter(is_setting, kinds_in(hint)):
                settings_below(one, known)
    return known


def values_in(setting: Any) -> Iterator[tuple[str, Any]]:
    """Yield what each field holds, of a setting and of all within it."""
    for field in dataclasses.fields(setting):
        value = getattr(setting, field.name)
        yield f"{type(setting).__name__}.{field.name}", value
        for one in value if isinstance(value, tuple) else (value,):
            if is_setting(type(one)):
                yield from values_in(one)


def unused(environments: Iterable[Environment]) -> set[str]:
    """Return the fields that hold their default alone, and the choices that nobody takes."""
    seen: dict[str, list[Any]] = {}
    for environment in environments:
        for name, value in values_in(environment):
            seen.setdefault(name, []).append(value)
    found = set()
    for kind in settings_below(Environment, set()):
        hints = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            name = f"{kind.__name__}.{field.name}"
            made = field.default_factory
            default = field.default if made is dataclasses.MISSING else made()
            if all(value == default for value in seen.get(name, [])):
                found.add(name)
            taken = [one for value in seen.get(name, []) for one in _each(value)]
            for literal in (one for one in kinds_in(hints[field.name]) if get_origin(one)):
                found.update(f"{name}={one}" for one in get_args(literal) if one not in taken)
    return {name for name in found if not _is_elsewhere(name.partition("=")[0])}


def _is_elsewhere(name: str) -> bool:
    return name in ELSEWHERE or name.startswith(("Activity.", "Processing."))


def _each(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def test_every_setting_is_used_by_an_environment_or_a_variant() -> None:
    assert unused((*ALL, *VARIANTS)) == set()


def test_a_setting_that_nobody_uses_is_named() -> None:
    plain = [replace(DEV, name=f"plain{number}") for number in range(2)]
    named = unused(plain)
    for name in ("Environment.fips", "Network.egress", "Network.egress=nat", "Ec2Capacity.spot"):
        assert name in named
    nat = replace(DEV, network=Network(egress="nat"))
    assert {"Network.egress", "Network.egress=nat"} & unused((nat, DEV)) == set()
    assert "Environment.region" not in named, "it has no default"
