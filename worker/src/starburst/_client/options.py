"""What an analyst may ask of a session, checked before anything is created."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from typing import Any, Final, Literal, Self, TypedDict, get_args

from starburst._functions.ordinary.streams import MAX_SEED
from starburst._protocol.manifest import ResultMode
from starburst._protocol.sealed.failure import qualified_name
from starburst.contract import MAX_WORKERS, Limits, RuntimeDocument
from starburst.contract.times import (
    MAX_ATTEMPTS,
    MAX_IDLE_SECONDS,
    MAX_RETRIES,
    MAX_WAIT_SECONDS,
)
from starburst.errors import ConfigurationError, VersionMismatch
from starburst.pricing.fargate import MEMORY_GB, SCRATCH_GB, describe_memory, is_size
from starburst.pricing.prices import Architecture, Capacity

from .numbers import above_zero, number, whole
from .preparing import check_environment, check_initializer

__all__ = ["CallOptionNames", "Machine", "SessionOptionNames", "SessionOptions"]

Machine = Literal["x86_64", "arm64"]
"""An architecture as Python's ``platform.machine()`` and people spell it."""

_MEMORY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:(G|GB|GiB|M|MB|MiB)\s*)?", re.IGNORECASE)
_MIB_PER_GB: Final = 1024
_DEFAULT_WORKERS: Final = 10
_WHOLE: Final[Mapping[str, tuple[int, int]]] = {
    "workers": (1, MAX_WORKERS),
    "retries": (0, MAX_RETRIES),
    "attempts": (1, MAX_ATTEMPTS),
    "idle_timeout": (1, MAX_IDLE_SECONDS),
    "session_timeout": (1, 14 * 86_400),
    "wait": (0, MAX_WAIT_SECONDS),
    "scratch_gb": SCRATCH_GB,
    "seed": (0, MAX_SEED),
}
_MAY_BE_NONE: Final = frozenset({"workers", "session_timeout", "scratch_gb", "seed", "wait"})
_ABOVE_ZERO: Final = {"timeout": "seconds", "max_usd": "US dollars"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionOptions:
    """How a session's workers are to be.

    Attributes:
        workers: how many at most; None for 10, or fewer where the tasks or the limits are fewer
            (in the local environment: one for each core).
        cpu: vCPU of each.
        memory: of each, GB as a number, or text such as ``"8GB"`` or ``"512MB"``.
        timeout: seconds that one task may take; None for no limit but the session's.
        retries: how often a task that raised is run again before its exception counts: after 0.5,
            1, 2, 4, then 8 seconds.
        retry_on: the exception types worth running again for, subclasses included, as types or as
            qualified names; empty for any.
        results: ``"data"``, or ``"pickle"`` to allow results that can run code when loaded.
        capacity: ``"on-demand"``; ``"spot"``, which is cheaper, may be taken away, and waits where
            Spot lacks; or ``"mixed"``, which takes on-demand workers wherever Spot lacks, and one
            in ten from the start.
        architecture: of the workers, ``"x86_64"`` or ``"arm64"``; None for the environment's own.
            Packages with compiled code must be in the image for it.
        scratch_gb: disk of each worker, 21 to 200 GB; None for the workspace's own.
        session_timeout: seconds after which the controller ends the session, come what may; None
            for the workspace's limit.
        max_usd: what the workers may cost in all, at list price; the controller ends a session
            that has cost more. None for no cap but the workspace's limits.
        wait: seconds that the session may wait for its start where its workspace, the environment
            or you yourself use all that they may in total; a day at most. It stands in a queue,
            first come first served, and ``status()`` gives its place. None refuses it at once.
        idle_timeout: seconds without work after which a worker leaves.
        attempts: how often a task may take its worker down before it is given up.
        labels: free text for people.
        include: what of your own files travels beside the modules that are reached: files, folders
            and names of modules.
        packages: what workers have beside their image: a ``uv.lock``, a ``pylock.toml`` or a
            ``requirements.txt`` with hashes by its path, or requirements such as
            ``["humanize==4.9.0"]``; ``()`` for nothing. None sends what your code imports and the
            image lacks, in the versions that are installed here, where the workspace allows it.
        seed: what :func:`starburst.rng` makes the tasks' random numbers of, 0 to 2**53 - 1; None
            for one by chance, which ``session.manifest.seed`` tells.
        env: environment variables of the processes that run tasks, names and texts; sealed with the
            session and erased with it. ``OMP_NUM_THREADS`` and its like are set to the worker's
            vCPU unless they are named here.
        initializer: called once in each process of a worker, before its first task.
        initargs: its arguments.
    """

    workers: int | None = None
    cpu: float = 1
    memory: float | str = 4
    timeout: float | None = None
    retries: int = 0
    retry_on: Sequence[type[BaseException] | str] = ()
    results: ResultMode = "data"
    capacity: Capacity = "on-demand"
    architecture: Machine | None = None
    scratch_gb: int | None = None
    session_timeout: int | None = None
    max_usd: float | None = None
    wait: int | None = None
    idle_timeout: int = 120
    attempts: int = 3
    labels: Mapping[str, str] = field(default_factory=dict)
    include: Sequence[str | os.PathLike[str]] = ()
    packages: str | os.PathLike[str] | Sequence[str] | None = None
    seed: int | None = None
    env: Mapping[str, str] | None = field(default=None, repr=False)
    initializer: Callable[..., object] | None = None
    initargs: Sequence[Any] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse what no workspace could grant; the controller judges the rest."""
        for name, (least, most) in _WHOLE.items():
            value = getattr(self, name)
            if value is not None or name not in _MAY_BE_NONE:
                object.__setattr__(self, name, whole(name, value, least=least, most=most))
        for name, unit in _ABOVE_ZERO.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, above_zero(name, value, unit=unit))
        for name in ("cpu", "memory"):
            found = number(getattr(self, name))
            if found is not None:
                object.__setattr__(self, name, found)
        _exception_names(self.retry_on)
        _one_of("results", self.results, get_args(ResultMode))
        _one_of("capacity", self.capacity, get_args(Capacity))
        _one_of("architecture", self.architecture, (None, *get_args(Machine)))
        _check_labels(self.labels)
        _check_include(self.include)
        _check_packages(self.packages)
        if self.env is not None:
            check_environment(self.env)
        check_initializer(self.initializer, self.initargs)
        if number(self.cpu) is None or self.cpu not in MEMORY_GB:
            sizes = ", ".join(f"{cpu:g}" for cpu in MEMORY_GB)
            raise ConfigurationError(f"cpu={self.cpu!r}: Fargate sells {sizes} vCPU")
        if not is_size(self.cpu, self.memory_gb):
            raise ConfigurationError(
                f"memory={self.memory!r} with cpu={self.cpu:g}: Fargate sells "
                f"{describe_memory(self.cpu)} with that many vCPU"
            )

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Self:
        """Return the options of these names; one that does not exist is named.

        Raises:
            ConfigurationError: as when made directly.
        """
        names = [each.name for each in fields_of(cls)]
        for name in options:
            if name not in names:
                close = difflib.get_close_matches(name.removeprefix("max_"), names, n=1)
                meant = f"; did you mean {close[0]!r}?" if close else "."
                raise ConfigurationError(
                    f"there is no option {name!r}{meant} There are {', '.join(names)}"
                )
        values: Mapping[str, Any] = options
        return cls(**values)

    @property
    def machine(self) -> Architecture | None:
        """The architecture as AWS spells it; None for the environment's own."""
        match self.architecture:
            case "x86_64":
                return "X86_64"
            case "arm64":
                return "ARM64"
            case None:
                return None

    @property
    def included(self) -> tuple[str, ...]:
        """What ``include`` holds, as text."""
        return tuple(os.fspath(each) for each in self.include)

    @property
    def retry_names(self) -> tuple[str, ...]:
        """What ``retry_on`` holds, as qualified names."""
        return _exception_names(self.retry_on)

    @property
    def memory_gb(self) -> float:
        """Memory of each worker, GB."""
        if not isinstance(self.memory, str) and number(self.memory) is not None:
            return self.memory
        match = _MEMORY.fullmatch(self.memory) if isinstance(self.memory, str) else None
        if match is None:
            raise ConfigurationError(
                f"memory={self.memory!r} is neither a number of GB nor text such as '8GB'"
            )
        amount, unit = float(match[1]), (match[2] or "G").upper()
        return amount / _MIB_PER_GB if unit.startswith("M") else amount

    def worker_count(self, limits: Limits, *, tasks: int | None, local: bool) -> int:
        """Return how many workers to ask for."""
        if self.workers is not None:
            return self.workers if tasks is None else min(self.workers, max(1, tasks))
        usual = (os.cpu_count() or 1) if local else _DEFAULT_WORKERS
        affordable = min(limits.workers, int(limits.vcpu / self.cpu))
        affordable = min(affordable, int(limits.memory_gb / self.memory_gb))
        return max(1, min(usual, affordable, usual if tasks is None else tasks))

    def check_offer(self, document: RuntimeDocument) -> None:
        """Refuse what the environment does not offer, before anything is created.

        Raises:
            ConfigurationError: it has no such workers.
        """
        if self.machine not in (None, *document.architectures):
            offered = " and ".join(name.lower() for name in document.architectures)
            raise ConfigurationError(
                f"architecture={self.architecture!r}: the workers of environment "
                f"{document.environment!r} are {offered}. Leave it out, or ask the platform team "
                "to offer it (other_architectures)"
            )
        hosts = document.hosts
        if hosts is None:
            return
        if hosts.usd_per_hour(self.cpu, self.memory_gb) is None:
            raise ConfigurationError(
                f"cpu={self.cpu:g} with memory={self.memory!r}: no instance of environment "
                f"{document.environment!r} ({', '.join(one.name for one in hosts.instances)}) has "
                "room for such a worker; ask for a smaller one"
            )
        if self.capacity != "on-demand" and not hosts.spot:
            raise ConfigurationError(
                f"capacity={self.capacity!r}: environment {document.environment!r} has on-demand "
                "instances only"
            )
        if self.scratch_gb is not None:
            raise ConfigurationError(
                f"scratch_gb={self.scratch_gb}: workers of environment {document.environment!r} "
                "share the disk of their EC2 instance; leave it out"
            )

    def check_python(self, document: RuntimeDocument) -> str:
        """Return this Python's ``major.minor``; it must be the worker image's.

        Raises:
            VersionMismatch: pickled code does not travel between Python versions.
        """
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        if here != document.python:
            raise VersionMismatch(
                f"this is Python {here}; the workers of environment {document.environment!r} run "
                f"{document.python}, and pickled functions do not travel between the two. Use "
                f"Python {document.python} here, or have the worker image built with {here}"
            )
        return here


class CallOptionNames(TypedDict, total=False):
    """The fields of :class:`SessionOptions` that a session of one call may have."""

    workers: int | None
    cpu: float
    memory: float | str
    timeout: float | None
    retries: int
    retry_on: Sequence[type[BaseException] | str]
    results: ResultMode
    capacity: Capacity
    architecture: Machine | None
    scratch_gb: int | None
    max_usd: float | None
    wait: int | None
    include: Sequence[str | os.PathLike[str]]
    packages: str | os.PathLike[str] | Sequence[str] | None
    seed: int | None
    env: Mapping[str, str] | None
    initializer: Callable[..., object] | None
    initargs: Sequence[Any]


class SessionOptionNames(CallOptionNames, total=False):
    """The fields of :class:`SessionOptions`, for functions that take them as keywords.

    Editors and type checkers see them through ``**options: Unpack[SessionOptionNames]``.
    """

    session_timeout: int | None
    idle_timeout: int
    attempts: int
    labels: Mapping[str, str]


def _exception_names(kinds: Sequence[type[BaseException] | str]) -> tuple[str, ...]:
    if isinstance(kinds, type | str):
        raise ConfigurationError(f"retry_on={kinds!r} is one type; put it into a tuple or a list")
    if not isinstance(kinds, Sequence):
        raise ConfigurationError(f"retry_on={kinds!r} is no tuple or list of exception types")
    return tuple(_exception_name(kind) for kind in kinds)


def _exception_name(kind: object) -> str:
    if isinstance(kind, str) and kind:
        return kind
    if isinstance(kind, type) and issubclass(kind, BaseException):
        return qualified_name(kind)
    raise ConfigurationError(f"retry_on names {kind!r}, which is no exception type")


def _check_labels(labels: object) -> None:
    texts = isinstance(labels, Mapping) and all(
        isinstance(text, str) for pair in labels.items() for text in pair
    )
    if not texts:
        raise ConfigurationError(f"labels={labels!r} is no dictionary of text by text")


def _check_include(include: object) -> None:
    if isinstance(include, str | os.PathLike):
        raise ConfigurationError(f"include={include!r} is one; put it into a tuple or a list")
    if not isinstance(include, Sequence) or not all(
        isinstance(each, str | os.PathLike) for each in include
    ):
        raise ConfigurationError(f"include={include!r} is no tuple or list of paths and modules")


def _check_packages(packages: object) -> None:
    if packages is None or isinstance(packages, str | os.PathLike):
        return
    if not isinstance(packages, Sequence) or not all(isinstance(each, str) for each in packages):
        raise ConfigurationError(
            f"packages={packages!r} is neither the path of a lock nor a list of requirements (text)"
        )


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise ConfigurationError(f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}")
