"""Whether workers have the libraries that some work names, in versions that fit this process's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starburst.contract.series import series
from starburst.errors import PackagesRefused, VersionMismatch

from .uses import Uses

__all__ = ["Worker"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """What a session's workers have.

    Attributes:
        sent: names and versions that travel.
        image: those of the image; None where nobody has listed them.
        missing_matters: whether it is an error to lack what is named; not where ``packages=()``
            says that nothing shall travel.
        others_matter: whether also the versions matter of what is imported, and not only those of
            what pickles name.
        remedy: what to do about a package that they lack.
    """

    sent: Mapping[str, str] = field(default_factory=dict)
    image: Mapping[str, str] | None = None
    missing_matters: bool = True
    others_matter: bool = False
    remedy: str = "name it in packages="

    @property
    def is_silent(self) -> bool:
        """Whether nothing is known of them that work could be checked by."""
        return self.image is None and not self.sent

    def check(self, uses: Uses) -> None:
        """Refuse work that they could not load.

        Raises:
            PackagesRefused: they lack a package that it needs.
            VersionMismatch: they have one in a version that may read pickles otherwise.
        """
        there = {**(self.image or {}), **self.sent}
        if self.image is not None and self.missing_matters:
            lacking = [
                f"{name} {version}" for name, version in uses.sure.items() if name not in there
            ]
            if lacking:
                raise PackagesRefused(
                    f"workers lack {', '.join(sorted(lacking))}, which your code imports: "
                    f"{self.remedy}; packages=() starts all the same"
                )
        differing = [
            (name, here, there[name])
            for name, here in sorted((uses.sure if self.others_matter else uses.named).items())
            if name in there and series(there[name]) != series(here)
        ]
        if differing:
            what = ", ".join(f"{name} {here} here, {that} there" for name, here, that in differing)
            names = " ".join(f"'{name}=={that}'" for name, _, that in differing)
            raise VersionMismatch(
                f"this process and the workers would not have the same libraries ({what}); what "
                f"one pickles the other may read wrongly. Install theirs here (pip install {names})"
                f"{', or let packages= bring these to them' if self.missing_matters else ''}"
            )
