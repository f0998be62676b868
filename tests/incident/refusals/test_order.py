"""The checker of orders sees each order that is broken: every rule is broken once, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.incident.refusals.scenes import SCENES
from tests.small_aws.order import Made, broken, is_effect

RULES = [(name, order) for name, scene in SCENES.items() for order in scene.orders]


@pytest.mark.parametrize(("name", "order"), RULES, ids=[f"{n}: {o.rule}" for n, o in RULES])
def test_a_broken_order_is_seen(
    name: str, order: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scene = SCENES[name]
    [rule] = [one for one in scene.orders if one is order]
    aws = scene.prepared()
    assert scene.run(aws) == 0
    good = [Made(call=call, done=True) for call in aws.calls]
    first = next(made for made in good if rule.first(made.call))
    then = next(made for made in good if rule.then(made.call))
    assert is_effect(then.call)
    assert list(broken(good, [rule])) == []
    late = [*(made for made in good if made is not first), first]
    early = [then, *(made for made in good if made is not then)]
    for planted in (late, early):
        found = list(broken(planted, [rule]))
        assert found
        assert all(one.startswith(rule.rule) for one in found)
    without = [made for made in good if not rule.first(made.call)]
    failed = [Made(call=made.call, done=not rule.first(made.call)) for made in good]
    for planted in (without, failed):
        assert bool(list(broken(planted, [rule]))) is rule.needs
