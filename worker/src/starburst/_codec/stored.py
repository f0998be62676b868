"""What an instance stores under names: in its dictionary, and in slots of any of its classes."""

from __future__ import annotations

import types
import weakref
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["extra_attribute", "is_special", "slots_of", "stored"]

_slots: weakref.WeakKeyDictionary[type, Mapping[str, types.MemberDescriptorType]] = (
    weakref.WeakKeyDictionary()
)
_NOTHING: Final[dict[str, Any]] = {}


def stored(value: Any, dictionary: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ANN401
    """Return what an instance of a class written in Python holds, fields and attributes.

    Args:
        value: the instance.
        dictionary: its own, where that was read without asking its class.
    """
    held = dict(getattr(value, "__dict__", _NOTHING) if dictionary is None else dictionary)
    for name, slot in slots_of(type(value)).items():
        try:
            held[name] = slot.__get__(value)
        except AttributeError:  # not set
            continue
    held.pop("__orig_class__", None)  # how typing remembers the brackets of Box[int](…)
    return held


def slots_of(cls: type) -> Mapping[str, types.MemberDescriptorType]:
    """Return the slots of a class by name, those of its bases too but of none of Python's own."""
    known = _slots.get(cls)
    if known is None:
        known = _slots[cls] = {
            name: slot
            for base in reversed(cls.__mro__)
            for name, slot in vars(base).items()
            if type(slot) is types.MemberDescriptorType and base.__module__ != "builtins"
        }
    return known


def extra_attribute(value: object, *known: str) -> str:
    """Return an attribute that somebody set on a value of a library; no text where there is none.

    Args:
        value: the value; libraries keep what is theirs under names that begin with an underscore.
        known: other names of the library's.
    """
    held = getattr(value, "__dict__", _NOTHING)
    return next((name for name in held if not name.startswith("_") and name not in known), "")


def is_special(name: object) -> bool:
    """Whether a name is no text, or one that Python itself looks up in instances."""
    return type(name) is not str or (name.startswith("__") and name.endswith("__"))
