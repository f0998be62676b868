"""What would travel to a session's workers, and what of it is missing in the bucket.

Nothing is fetched, and nothing written, before all that can be refused is known not to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement

from starburst._functions.own.places import OURS
from starburst._protocol.packages import PackageList, Wheel
from starburst.contract import PackagesDocument
from starburst.errors import PackagesRefused

from .allowed import unlisted
from .cache import forget_answer, keep_answer, known_answer, wheel_path
from .choosing import Choice, choose
from .closure import of_starburst
from .fetching import fetch
from .resolving import resolve
from .sources import Source
from .store import Kept, PackageStore
from .target import Target
from .uses import normalized

__all__ = ["Plan", "make_plan"]

_SOME: Final = 6
_ONE_DAY: Final = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The wheels of a session.

    Attributes:
        target: what they are for.
        choices: the wheels, in the order of names.
        kept: those that are in the bucket, by hash.
        copies: of those that are to be written: which copy, by hash.
        in_image: names and versions that a lock has and the image too, so that they stay.
        left_out: names of what Starburst itself needs, so that the workers' own are used, with the
            version that was asked for and that which they have.
        image: what the image has.
        aging: wheels that may expire while sessions that begin now go on, and that the asker may
            not write anew.
        source: where they come from.
    """

    target: Target
    choices: tuple[Choice, ...]
    kept: Mapping[str, Kept]
    copies: Mapping[str, int]
    in_image: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    image: Mapping[str, str] = field(default_factory=dict, repr=False)
    aging: tuple[Choice, ...] = ()
    source: Source

    @property
    def missing(self) -> tuple[Choice, ...]:
        """The wheels that are to be written."""
        return tuple(each for each in self.choices if each.sha256 in self.copies)

    @property
    def missing_bytes(self) -> int:
        """Of them, as far as that is known."""
        return sum(each.size or 0 for each in self.missing)

    def package_list(self, sizes: Mapping[str, int]) -> PackageList:
        """Return the list for the workers, once the size of each wheel is known."""
        wheels = (
            Wheel(
                name=each.name,
                version=each.version,
                filename=each.filename,
                sha256=each.sha256,
                size=sizes[each.sha256],
                copy=self.copies.get(each.sha256, self._copy(each.sha256)),
            )
            for each in self.choices
        )
        return PackageList(
            python=self.target.python, architecture=self.target.architecture, wheels=tuple(wheels)
        )

    def _copy(self, sha256: str) -> int:
        found = self.kept.get(sha256)
        return 0 if found is None else found.copy

    def send(
        self,
        store: PackageStore,
        *,
        fetched: Callable[[int], None] = lambda _: None,
        sent: Callable[[int], None] = lambda _: None,
    ) -> PackageList:
        """Write what is missing; return the list for the workers.

        Args:
            store: where.
            fetched: takes how many bytes more have come from an index, or the cache.
            sent: takes how many bytes more are in the bucket.

        Raises:
            PackagesRefused: a wheel cannot be had.
            IntegrityError: an index sends another file than was locked.
            ClientError: as boto3 does.
        """
        missing = self.missing
        sizes = {sha256: each.size for sha256, each in self.kept.items()}
        if missing:
            files = self._files(missing, fetched)
            names = {each.sha256: each.filename for each in missing}
            store.put(files, copies=self.copies, names=names, told=sent)
            sizes |= {sha256: path.stat().st_size for sha256, path in files.items()}
        return self.package_list(sizes)

    def _files(
        self, missing: tuple[Choice, ...], fetched: Callable[[int], None]
    ) -> dict[str, Path]:
        if any(each.url is None and not wheel_path(each.sha256).is_file() for each in missing):
            # Where they are is not kept, so it is asked again.
            forget_answer(_question(self.source, self.target, self.image))
            found = {e.sha256: e for e in _choices(self.source, self.target, self.image)}
            missing = tuple(found.get(each.sha256, each) for each in missing)
        return fetch(missing, self.target, told=fetched)


def make_plan(
    source: Source,
    target: Target,
    document: PackagesDocument,
    store: PackageStore,
    *,
    workspace: str,
    steward: bool = False,
) -> Plan:
    """Return what a source means for a workspace's workers.

    Args:
        source: what was asked for.
        target: the workers.
        document: what the workspace allows, and what its image has.
        store: its wheels.
        workspace: its name.
        steward: whether a steward asks, who may put what is on the list.

    Raises:
        PackagesRefused: the workspace does not allow it, or there is no wheel; it says why.
        IntegrityError: what is kept in the bucket is another file.
    """
    image = document.image or {}
    ours = of_starburst()
    there = {**ours, **{name: image[name] for name in ours if name in image}}
    _check_ours(source, there)
    chosen = _choices(source, target, image)
    left_out = {each.name: (each.version, there[each.name]) for each in chosen if each.name in ours}
    in_image = {
        each.name: each.version
        for each in chosen
        if each.name not in ours and image.get(each.name) == each.version
    }
    choices = tuple(each for each in chosen if each.name not in {*left_out, *in_image})
    if choices and document.policy == "image":
        raise PackagesRefused(
            f"workspace {workspace!r} lets nothing travel, and its image lacks "
            f"{_named(choices)}: ask the platform team for an image that has them, or for "
            "packages='allowed' or 'any' in this workspace"
        )
    if document.policy == "allowed":
        _check_allowed(choices, document.allowed, workspace, source, steward=steward)
    kept = store.look(each.sha256 for each in choices)
    missing = [each for each in choices if each.sha256 not in kept]
    may_write = document.policy == "any" or steward
    if missing and not may_write:
        raise PackagesRefused(
            f"no steward has put {_named(missing)} into workspace {workspace!r}, though its list "
            f"allows it: ask one for `starburst packages publish {_published(source)} -w "
            f"{workspace}`"
        )
    copies = {each.sha256: 0 for each in missing}
    old = {sha256: each for sha256, each in kept.items() if store.is_old(each)}
    if may_write:
        copies |= {sha256: each.copy + 1 for sha256, each in old.items()}
    return Plan(
        target=target,
        choices=choices,
        kept=kept,
        copies=copies,
        in_image=in_image,
        left_out=left_out,
        image=image,
        aging=() if may_write else tuple(each for each in choices if each.sha256 in old),
        source=source,
    )


def _choices(source: Source, target: Target, image: Mapping[str, str]) -> tuple[Choice, ...]:
    question = _question(source, target, image)
    # What has several answers, such as ["numpy"], is asked for again after a day.
    known = known_answer(question, seconds=None if source.pinned else _ONE_DAY)
    if known is not None:
        with suppress(TypeError):  # another release's
            return tuple(Choice(**each) for each in known)
    ours = of_starburst()
    found = choose(
        resolve(source, target),
        source,
        target,
        there=lambda name, version: name in ours or image.get(name) == version,
    )
    rows = [{k: v for k, v in asdict(each).items() if k != "url"} for each in found]
    keep_answer(question, rows)  # but for the addresses, which may hold credentials
    return found


def _question(source: Source, target: Target, image: Mapping[str, str]) -> list[Any]:
    return [source.digest, target.python, target.architecture, sorted(image.items())]


def _check_ours(source: Source, there: Mapping[str, str]) -> None:
    """Refuse another version, asked for by name, of what Starburst itself needs."""
    if source.kind != "names":
        return
    for text in source.texts:
        try:
            found = Requirement(text)
        except InvalidRequirement:
            continue
        name = normalized(found.name)
        if name not in there:
            continue
        version = there[name]
        if found.url is not None or not found.specifier.contains(version, prereleases=True):
            needs = (
                "is Starburst" if name == OURS else f"has {name} {version}, which Starburst needs"
            )
            raise PackagesRefused(
                f"packages= asks for {text!r}, and what runs tasks {needs}: it cannot have another "
                "version. Leave it out, or have the platform team build an image with that one"
            )


def _check_allowed(
    choices: Iterable[Choice],
    allowed: Iterable[str],
    workspace: str,
    source: Source,
    *,
    steward: bool,
) -> None:
    wrong = unlisted(choices, tuple(allowed))
    if wrong:
        raise PackagesRefused(
            f"{_named(wrong)} {'is' if len(wrong) == 1 else 'are'} not on the list of workspace "
            f"{workspace!r} (allowed_packages): ask the platform team to allow "
            f"{'it' if len(wrong) == 1 else 'them'}"
            + (
                ""
                if steward
                else f", and then a steward for `starburst packages publish {_published(source)} "
                f"-w {workspace}`"
            )
        )


def _published(source: Source) -> str:
    if source.path is not None:
        return str(source.path)
    return " ".join(f"'{text}'" for text in source.texts)


def _named(choices: Iterable[Choice]) -> str:
    names = [f"{each.name} {each.version}" for each in choices]
    more = f" and {len(names) - _SOME} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more
