"""What an instance stores under names: in its dictionary, and in slots of any of its classes."""

from __future__ import annotations

import types
from typing import Any

__all__ = ["is_special", "slot_of", "stored"]


def stored(value: Any, dictionary: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ANN401
    """Return what an instance of a class written in Python holds, fields and attributes.

    Args:
        value: the instance.
        dictionary: its own, where that was read without asking its class.
    """
    held = dict(getattr(value, "__dict__", {}) if dictionary is None else dictionary)
    for cls in type(value).__mro__:
        for name, slot in vars(cls).items():
            if type(slot) is types.MemberDescriptorType and cls.__module__ != "builtins":
                try:
                    held[name] = slot.__get__(value)
                except AttributeError:  # not set
                    continue
    held.pop("__orig_class__", None)  # how typing remembers the brackets of Box[int](…)
    return held


def slot_of(cls: type, name: str) -> types.MemberDescriptorType | None:
    """Return the slot that holds a name in instances of a class; None where none does."""
    for base in cls.__mro__:
        slot = vars(base).get(name)
        if type(slot) is types.MemberDescriptorType and base.__module__ != "builtins":
            return slot
    return None


def is_special(name: object) -> bool:
    """Whether a name is no text, or one that Python itself looks up in instances."""
    return type(name) is not str or (name.startswith("__") and name.endswith("__"))
