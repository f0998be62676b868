"""What wheels are for: the workers' Python and machine."""

from __future__ import annotations

import functools
import platform
import sys
from dataclasses import dataclass
from typing import Final

from packaging.markers import Environment, default_environment
from packaging.tags import Tag, compatible_tags, cpython_tags

from starburst.pricing.prices import Architecture

__all__ = ["Target"]

_MACHINES: Final = {"X86_64": "x86_64", "ARM64": "aarch64"}
_GLIBC: Final = 28
"""Workers' images have glibc 2.28 at least."""

_OLDEST: Final = {"X86_64": 5, "ARM64": 17}
_LEGACY: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_KERNEL: Final = "5.10.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The Python and the machine of workers.

    Attributes:
        python: ``major.minor``.
        architecture: of the machine, as AWS spells it.

    Example:
        >>> Target(python="3.11", architecture="ARM64").platform
        'aarch64-manylinux_2_28'
    """

    python: str
    architecture: Architecture

    @property
    def machine(self) -> str:
        """The architecture as Linux spells it."""
        return _MACHINES[self.architecture]

    @property
    def platform(self) -> str:
        """What uv calls it."""
        return f"{self.machine}-manylinux_2_{_GLIBC}"

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The tags of wheels that run there, best first."""
        return _tags(self.python, self.architecture, self.machine)

    @property
    def environment(self) -> Environment:
        """What markers are judged by."""
        full = platform.python_version()
        if not full.startswith(f"{self.python}."):
            full = f"{self.python}.0"
        here = default_environment()
        return {
            **here,
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": _KERNEL,
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": self.python,
            "sys_platform": "linux",
        }

    @property
    def is_here(self) -> bool:
        """Whether this interpreter is of the same kind."""
        return (
            sys.platform == "linux"
            and platform.machine() == self.machine
            and platform.python_version().startswith(f"{self.python}.")
        )


@functools.cache
def _tags(python: str, architecture: str, machine: str) -> tuple[Tag, ...]:
    platforms: list[str] = []
    for minor in range(_GLIBC, _OLDEST[architecture] - 1, -1):
        platforms.append(f"manylinux_2_{minor}_{machine}")
        if minor in _LEGACY:
            platforms.append(f"{_LEGACY[minor]}_{machine}")
    platforms.append(f"linux_{machine}")
    major, minor = map(int, python.split("."))
    version = (major, minor)
    return (
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, interpreter=f"cp{major}{minor}", platforms=platforms),
    )
