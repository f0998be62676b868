"""Mistakes that an encoder could have: one line of ours changed, to see that it is noticed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

__all__ = ["FAULTS", "Fault", "made"]

_ROOM: Final = "starburst_assurance.proofs.encoding"
_KEEPING: Final = ("encode", "logic", "patterns", "relations", "request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One text of a module in the place of another.

    Attributes:
        what: is wrong.
        module: of the encoding.
        text: that stands there once.
        instead: what stands there by mistake.
        seen: the first case that shows it, so that it is tried first; any other is tried as well.
    """

    what: str
    module: str
    text: str
    instead: str
    seen: int = 0


@contextmanager
def made(fault: Fault) -> Iterator[None]:
    """Have a fault in the encoder for a while.

    Functions keep their identity and get another body, so whoever imported one has it too.

    Raises:
        LookupError: the text stands there never, or more than once.
    """
    module = import_module(f"{_ROOM}.{fault.module}")
    source = inspect.getsource(module)
    if source.count(fault.text) != 1:
        raise LookupError(f"{fault.module} has {source.count(fault.text)} times {fault.text!r}")
    scratch = ModuleType(module.__name__)
    scratch.__file__ = module.__file__
    changed = compile(source.replace(fault.text, fault.instead), str(module.__file__), "exec")
    exec(changed, scratch.__dict__)  # noqa: S102 - our own source
    wrong = dict(_functions(scratch))
    before: dict[FunctionType, CodeType] = {}
    for name, function in _functions(module):
        if wrong[name].__code__ != function.__code__:
            before[function] = function.__code__
            function.__code__ = wrong[name].__code__
    _forget(module)
    try:
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code
        _forget(module)


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        inner = vars(value).items() if inspect.isclass(value) else [("", value)]
        for method, each in inner:
            function = inspect.unwrap(each) if callable(each) else each
            if isinstance(function, FunctionType):
                yield f"{name}.{method}", function


def _forget(module: ModuleType) -> None:
    """Empty the caches of every module that may have kept an answer."""
    for room in (module, *(import_module(f"{_ROOM}.{name}") for name in _KEEPING)):
        for value in vars(room).values():
            clear: Any = getattr(value, "cache_clear", None)
            if clear is not None:
                clear()


FAULTS: Final = (
    Fault(
        what="an absent key fails a negated operator",
        module="encode",
        text='if if_exists or "Not" in base else held',
        instead="if if_exists else held",
    ),
    Fault(
        what="IfExists means nothing",
        module="encode",
        text='if if_exists or "Not" in base else held',
        instead='if "Not" in base else held',
    ),
    Fault(
        what="NotAction is Action",
        module="encode",
        text="action) is not bool(statement.not_actions)",
        instead="action)",
    ),
    Fault(
        what="case matters in an action",
        module="encode",
        text="tuple(glob(pattern.lower()) for",
        instead="tuple(glob(pattern) for",
    ),
    Fault(
        what="ForAnyValue takes IfExists for nothing",
        module="encode",
        text="return logic.some((logic.no(present), held)) if if_exists else held",
        instead="return held",
    ),
    Fault(
        what="ForAllValues is ForAnyValue",
        module="encode",
        text='if qualifier == "ForAllValues":',
        instead='if qualifier == "ForAll":',
    ),
    Fault(
        what="Null is turned round",
        module="encode",
        text='if condition.values[0] == "true" else present',
        instead='if condition.values[0] == "false" else present',
    ),
    Fault(
        what="a network ends before its last address",
        module="encode",
        text='"LessThanEquals", slot.number, address_number(block[-1])',
        instead='"LessThan", slot.number, address_number(block[-1])',
    ),
    Fault(
        what="one value of a negated operator is enough",
        module="encode",
        text="_equal(logic, slot.text, value, request, negated=negated) for value in values\n"
        "        )",
        instead="_equal(logic, slot.text, value, request, negated=negated) for value in values\n"
        "        ) if not negated else logic.every(\n"
        "            _equal(logic, slot.text, value, request, negated=True) for value in values\n"
        "        )",
        seen=270,
    ),
    Fault(
        what="a variable's default is never used",
        module="encode",
        text="values.append(default)",
        instead='values.append("")',
        seen=185,
    ),
    Fault(
        what="a variable without a value is an empty text",
        module="encode",
        text="    if known is False:\n        return False\n    return logic.every((known, ",
        instead="    return logic.every((True, ",
        seen=818,
    ),
    Fault(
        what="ARN operators compare like strings",
        module="encode",
        text='segments = positive.startswith("Arn")',
        instead="segments = False",
    ),
    Fault(
        what="a grant to a role is one to its session",
        module="encode",
        text='way = "direct" if _USER in text else "role"',
        instead='way = "direct"',
    ),
    Fault(
        what="an account is the same whatever its number",
        module="encode",
        text='return "account", context.is_("aws:PrincipalAccount", account)',
        instead='return "account", context.has("aws:PrincipalAccount")',
        seen=202,
    ),
    Fault(
        what="one service is as good as another",
        module="encode",
        text='context.is_("aws:PrincipalServiceName", text)',
        instead='context.has("aws:PrincipalServiceName")',
        seen=675,
    ),
    Fault(
        what="NotPrincipal names whom it excepts",
        module="encode",
        text="return _not_excepted(logic, statement.not_principals, request)",
        instead="return logic.no(_not_excepted(logic, statement.not_principals, request))",
    ),
    Fault(
        what="a boundary does not limit what a role is granted",
        module="decision",
        text="logic.every((grant.role, ceiling))",
        instead="grant.role",
    ),
    Fault(
        what="a boundary does not limit what a role's policies allow",
        module="decision",
        text="by_identity = logic.every((identity, ceiling))",
        instead="by_identity = identity",
    ),
    Fault(
        what="a key needs no word for the account",
        module="decision",
        text="by_identity = logic.every((by_identity, grant.account))",
        instead="pass",
    ),
    Fault(
        what="what an endpoint denies is allowed",
        module="decision",
        text="*limits, *guards, *gates]",
        instead="*limits, *guards]",
    ),
    Fault(
        what="an endpoint need not allow",
        module="decision",
        text="return logic.every((granted, gate, logic.no(denied)))",
        instead="return logic.every((granted, logic.no(denied)))",
        seen=193,
    ),
    Fault(
        what="a key that was asked as one value stays one",
        module="request",
        text="self.keys[folded] = self._widened(self.keys[folded])",
        instead="pass",
        seen=508,
    ),
    Fault(
        what="? takes nothing as well",
        module="patterns",
        text='"?": "."',
        instead='"?": ".?"',
    ),
    Fault(
        what="a word may not be as long as it may be",
        module="patterns",
        text="range(1, high + 1)",
        instead="range(1, high)",
    ),
    Fault(
        what="a pattern covers what ends after it",
        module="relations",
        text="            if not _ends(states, wide):\n                return False\n",
        instead="",
    ),
    Fault(
        what="what is known of a text takes one mark only",
        module="relations",
        text="            found.add(step)\n            step += 1",
        instead="            step += 1",
    ),
    Fault(
        what="two unknown words are the same",
        module="alignment",
        text=" and one == other:",
        instead=":",
    ),
    Fault(
        what="a number of characters is a least one",
        module="logic",
        text="Kind.EQUAL if exactly else Kind.GEQ",
        instead="Kind.GEQ",
    ),
    Fault(
        what="the solver's order is another than ours",
        module="logic",
        text='"LessThanEquals": Kind.LEQ',
        instead='"LessThanEquals": Kind.LT',
    ),
    Fault(
        what="an unknown ARN's wildcards reach over colons",
        module="segments",
        text='(";", "\\U0002ffff")',
        instead='(":", "\\U0002ffff")',
        seen=272,
    ),
)
"""Each of another kind; most are of one line."""
