"""Deciding, before a session begins, what its workers get beside their image, and sending that."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

from starburst._client.access.aws_errors import aws_errors
from starburst._client.display.packages_bar import PackagesBar
from starburst._client.display.progress import wants_progress
from starburst._functions.caller import warn
from starburst._functions.capturing import named_of, needs_of, uses_of
from starburst._packages.agreeing import Worker
from starburst._packages.extras import check_installed
from starburst._packages.uses import Uses, loaded_uses, uses_of_work
from starburst._protocol.packages import PackageList
from starburst.contract import PackagesDocument
from starburst.contract.series import series
from starburst.errors import PackagesRefused
from starburst.pricing.prices import Architecture

from .document import is_lax, read_document
from .lax import tell_once

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._packages.plan import Plan
    from starburst._packages.sources import Source
    from starburst._packages.store import PackageStore

__all__ = ["Packages", "Work", "bring", "planned", "send", "store_of"]

Asked = str | os.PathLike[str] | Sequence[str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is to run: names of modules that it needs.

    Attributes:
        needs: of one's own.
        uses: of others.
        named: those of others that pickles name.
    """

    needs: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pickles: Iterable[bytes]) -> Self:
        """Return what some pickles need."""
        listed = list(pickles)
        return cls(
            needs=frozenset().union(*map(needs_of, listed)),
            uses=frozenset().union(*map(uses_of, listed)),
            named=frozenset().union(*map(named_of, listed)),
        )

    def __or__(self, other: Work) -> Work:
        """Return both."""
        return Work(
            needs=self.needs | other.needs,
            uses=self.uses | other.uses,
            named=self.named | other.named,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Packages:
    """What a session's workers have.

    Attributes:
        sent: the list that its manifest names; None where nothing travels.
        worker: what they have in all, to check more work by.
    """

    sent: PackageList | None
    worker: Worker


def bring(
    connection: Connection,
    asked: Asked,
    work: Work | None,
    *,
    machine: Architecture | None,
    progress: bool | None,
) -> Packages:
    """Have what some work needs in the workspace's bucket; return what its workers will have.

    Args:
        connection: where.
        asked: as of ``packages=``.
        work: what is to run first; None where that is not known yet.
        machine: of the workers; None for the environment's own.
        progress: draw a bar; None for only where a person watches.

    Raises:
        PackagesRefused: something may not travel, or cannot, or workers would lack what the work
            needs. Nothing was sent.
        VersionMismatch: workers would have a library in another version than this process.
        IntegrityError: an index, or the bucket, holds another file than was locked.
    """
    document = read_document(connection)
    lax = is_lax(connection, document)
    if lax:
        tell_once()
    known = document.image is not None or document.policy != "image" or asked is not None
    uses = _uses(work) if known and not (lax and asked is None) else Uses()
    plan = planned(connection, asked, uses, document=document, machine=machine)
    worker = Worker(
        sent={} if plan is None else {each.name: each.version for each in plan.choices},
        image=document.image,
        missing_matters=asked is None or _is_some(asked),
        others_matter=document.policy == "image",
        remedy=_remedy(document, connection.workspace, asked),
    )
    worker.check(uses)
    if plan is None:
        return Packages(sent=None, worker=worker)
    _tell(plan)
    return Packages(sent=send(connection, plan, document, progress=progress), worker=worker)


def _uses(work: Work | None) -> Uses:
    return loaded_uses() if work is None else uses_of_work(work.needs, work.uses, work.named)


def _is_some(asked: Asked) -> bool:
    return isinstance(asked, str | os.PathLike) or bool(asked)


def _remedy(document: PackagesDocument, workspace: str, asked: Asked) -> str:
    if document.policy == "image":
        return (
            f"workspace {workspace!r} lets nothing travel, so ask the platform team for an image "
            "that has them, or for packages='allowed' or 'any' in this workspace"
        )
    return "name them in packages=" if asked is None else f"add them to {_called(asked)}"


def _called(asked: Asked) -> str:
    return os.fspath(asked) if isinstance(asked, str | os.PathLike) else "packages="


def planned(
    connection: Connection,
    asked: Asked,
    uses: Uses,
    *,
    document: PackagesDocument,
    machine: Architecture | None,
    always: bool = False,
) -> Plan | None:
    """Return what would travel; None where nothing is to.

    Args:
        connection: where.
        asked: as of ``packages=``.
        uses: what code imports, where nothing was asked for.
        document: what the workspace says of packages.
        machine: of the workers; None for the environment's own.
        always: also where workers have this interpreter's packages.

    Raises:
        PackagesRefused: something may not travel, or cannot.
        IntegrityError: the bucket holds another file under a wheel's hash.
    """
    if asked is not None and not _is_some(asked):
        return None
    if asked is None:
        if document.policy == "image" or (is_lax(connection, document) and not always):
            return None
        if not _lacking(uses.all, document):
            return None
    check_installed()
    from starburst._packages.plan import make_plan  # noqa: PLC0415 - the extra brings what it needs
    from starburst._packages.target import Target  # noqa: PLC0415 - likewise

    architecture = machine or cast("Architecture", connection.document.architecture)
    target = Target(python=connection.document.python, architecture=architecture)
    store = store_of(connection, document)

    def plan_of(source: Source) -> Plan:
        with aws_errors("look at the workspace's packages"):
            return make_plan(
                source,
                target,
                document,
                store,
                workspace=connection.workspace,
                steward=connection.steward,
            )

    if asked is not None:
        from starburst._packages.sources import read_source  # noqa: PLC0415 - likewise

        return plan_of(read_source(asked))
    return _installed(uses, target, document, plan_of)


def _lacking(names: Any, document: PackagesDocument) -> list[str]:  # noqa: ANN401 - a mapping
    image = document.image or {}
    return [name for name, version in names.items() if image.get(name) != version]


def _installed(uses: Uses, target: Any, document: PackagesDocument, plan_of: Any) -> Plan | None:  # noqa: ANN401
    from starburst._packages.closure import installed_closure  # noqa: PLC0415 - likewise
    from starburst._packages.sources import Source  # noqa: PLC0415 - likewise

    def of(names: Any) -> Plan | None:  # noqa: ANN401 - a mapping
        pins, there = installed_closure(names, target, without=document.image or {})
        return plan_of(Source(kind="installed", texts=pins, excludes=there)) if pins else None

    try:
        return of(uses.all)
    except PackagesRefused as error:
        if not uses.maybe:
            raise
        found = of(uses.sure) if uses.sure else None
        warn(
            f"workers get what your code imports as it is loaded, and not all that it may import "
            f"later ({', '.join(sorted(uses.maybe))}): {error}",
            UserWarning,
        )
        return found


def store_of(connection: Connection, document: PackagesDocument) -> PackageStore:
    """Return the wheels of the connection's workspace."""
    from starburst._packages.store import PackageStore  # noqa: PLC0415 - the extra brings its needs

    return PackageStore(
        connection.s3, connection.document.bucket, connection.workspace, days=document.days
    )


def _tell(plan: Plan) -> None:
    """Say what is there and not quite what was asked for."""
    other = [
        f"{name} {there} (not {asked})"
        for name, (asked, there) in sorted(plan.left_out.items())
        if series(there) != series(asked)
    ]
    if other and plan.source.kind != "installed":
        warn(
            f"workers keep what Starburst itself needs there, whatever {plan.source.name} says: "
            f"{', '.join(other)}",
            UserWarning,
        )
    if plan.aging:
        names = ", ".join(each.name for each in plan.aging)
        warn(
            f"{names} may expire in the workspace while this session runs, and only a steward may "
            "renew them: ask for `starburst packages publish` with the same lock",
            UserWarning,
        )


def send(
    connection: Connection, plan: Plan, document: PackagesDocument, *, progress: bool | None
) -> PackageList:
    """Write what is missing in the workspace; return the list for its workers.

    Raises:
        PackagesRefused: a wheel cannot be had.
        IntegrityError: an index sends another file than was locked.
        AccessDenied: these credentials may not write there.
    """
    watched = bool(plan.missing) and (wants_progress() if progress is None else progress)
    fetched = PackagesBar("starburst packages: fetched", plan.missing_bytes, watched=watched)
    sent = PackagesBar("starburst packages: sent", plan.missing_bytes, watched=watched)
    try:
        with aws_errors("send packages to the workspace"):
            return plan.send(store_of(connection, document), fetched=fetched.moved, sent=sent.moved)
    finally:
        fetched.finish()
        sent.finish()
