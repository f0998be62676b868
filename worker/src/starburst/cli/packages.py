"""``starburst packages``: what would travel to workers, and the wheels that a workspace keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starburst.errors import PackagesRefused

from .saying import add_json, say, say_json
from .where import add_command, add_where, connected

if TYPE_CHECKING:
    import argparse

    from starburst._client.access.connection import Connection
    from starburst._packages.plan import Plan
    from starburst._packages.store import Kept
    from starburst.contract import PackagesDocument

__all__ = ["add_packages"]

_LOCKS: Final = ("uv.lock", "pylock.toml", "requirements.txt")
_SHORTEST: Final = 8
_WHAT: Final = (
    "a uv.lock, a pylock.toml, a requirements.txt with hashes; a program (.py), for what it "
    "imports; or requirements such as 'humanize==4.9.0'"
)


def add_packages(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the command and its own commands."""
    text = "show which packages would travel to workers; keep those of a workspace"
    inner = add_command(commands, "packages", None, text).add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )

    command = add_command(inner, "show", _show, "say what would travel, is missing, and how large")
    command.add_argument("what", nargs="*", help=f"{_WHAT}; by default the lock in this folder")
    command.add_argument("--architecture", choices=("x86_64", "arm64"), help="of the workers")
    add_json(command)
    add_where(command, steward=True)

    command = add_command(
        inner, "publish", _publish, "put wheels into the workspace, for all its sessions"
    )
    command.add_argument("what", nargs="+", help=_WHAT)
    command.add_argument("--architecture", choices=("x86_64", "arm64"), help="of the workers")
    add_json(command)
    add_where(command, steward=True)

    command = add_command(inner, "ls", _ls, "list the wheels that the workspace keeps")
    add_json(command, "a JSON object a line")
    add_where(command, steward=True)

    command = add_command(inner, "rm", _rm, "remove wheels for good; a steward may")
    command.add_argument(
        "wheel", nargs="+", help="the name of its file, or 8 digits of its hash at least"
    )
    add_json(command, "a JSON object a line")
    add_where(command, steward=True)


def _show(arguments: argparse.Namespace) -> None:
    from starburst._client.display.packages_table import plan_lines  # noqa: PLC0415 - slow to import

    connection = connected(arguments)
    document, plan = _planned(connection, arguments)
    if arguments.json:
        say_json(_shown(connection, document, plan))
        return
    where = f"{connection.document.environment}/{connection.workspace}"
    listed = "is not listed" if document.image is None else f"has {len(document.image)} packages"
    say(f"Workspace {where}: packages={document.policy!r}; its image {listed}.")
    if plan is None:
        say("Nothing would travel: workers have all that is named.")
        return
    _say_all(plan_lines(plan))


def _shown(connection: Connection, document: PackagesDocument, plan: Plan | None) -> dict[str, Any]:
    """Return what would travel, and what of it is missing; sizes are null where none is known."""
    packages = [] if plan is None else [*_travelling(plan), *_in_image(plan)]
    return {
        "environment": connection.document.environment,
        "workspace": connection.workspace,
        "policy": document.policy,
        "image_packages": None if document.image is None else len(document.image),
        "python": None if plan is None else plan.target.python,
        "machine": None if plan is None else plan.target.machine,
        "packages": packages,
        "missing": 0 if plan is None else len(plan.missing),
        "missing_bytes": 0 if plan is None else plan.missing_bytes,
    }


def _travelling(plan: Plan) -> Iterator[dict[str, Any]]:
    for each in plan.choices:
        kept = plan.kept.get(each.sha256)
        state = (
            "there" if each.sha256 not in plan.copies else "missing" if kept is None else "renew"
        )
        size = each.size if kept is None else kept.size
        yield {"name": each.name, "version": each.version, "state": state, "nbytes": size}


def _in_image(plan: Plan) -> Iterator[dict[str, Any]]:
    image = dict(plan.in_image) | {name: there for name, (_, there) in plan.left_out.items()}
    for name, version in image.items():
        yield {"name": name, "version": version, "state": "image", "nbytes": None}


def _publish(arguments: argparse.Namespace) -> None:
    from starburst._client.display.packages_table import megabytes  # noqa: PLC0415 - slow to import
    from starburst._client.packages.bringing import send  # noqa: PLC0415 - slow to import

    connection = connected(arguments)
    document, plan = _planned(connection, arguments)
    if plan is None:
        if arguments.json:
            say_json({"workspace": connection.workspace, "put": 0, "wheels": 0, "nbytes": 0})
            return
        say("Nothing is to be put there: workers have all that is named.")
        return
    sent = send(connection, plan, document, progress=None)
    new = {each.sha256 for each in plan.missing}
    size = sum(wheel.size for wheel in sent.wheels if wheel.sha256 in new)
    if arguments.json:
        counts = {"put": len(new), "wheels": len(sent.wheels), "nbytes": size}
        say_json({"workspace": connection.workspace, **counts})
        return
    say(
        f"put {len(new):,} of {len(sent.wheels):,} wheels, {megabytes(size)}, into workspace "
        f"{connection.workspace}; the others were there."
    )


def _planned(
    connection: Connection, arguments: argparse.Namespace
) -> tuple[PackagesDocument, Plan | None]:
    from starburst._client.options import SessionOptions  # noqa: PLC0415 - slow to import
    from starburst._client.packages.bringing import planned  # noqa: PLC0415 - slow to import
    from starburst._client.packages.document import read_document  # noqa: PLC0415 - slow to import
    from starburst._packages.uses import Uses, uses_of_file  # noqa: PLC0415 - slow to import

    what = list(arguments.what) or _found_here()
    document = read_document(connection)
    machine = SessionOptions(architecture=arguments.architecture).machine
    uses, asked = Uses(), None
    if len(what) == 1 and what[0].endswith(".py"):
        if not Path(what[0]).is_file():
            raise PackagesRefused(f"there is no program {what[0]!r}")
        uses = uses_of_file(what[0])
    else:
        asked = what[0] if len(what) == 1 and Path(what[0]).is_file() else what
    plan = planned(connection, asked, uses, document=document, machine=machine, always=True)
    return document, plan


def _found_here() -> list[str]:
    for name in _LOCKS:
        if Path(name).is_file():
            return [name]
    raise PackagesRefused(
        f"this folder has none of {', '.join(_LOCKS)}: name a lock, a program or requirements"
    )


def _ls(arguments: argparse.Namespace) -> None:
    from starburst._client.access.aws_errors import aws_errors  # noqa: PLC0415 - slow to import
    from starburst._client.display.packages_table import kept_lines  # noqa: PLC0415 - slow to import
    from starburst._client.packages.bringing import store_of  # noqa: PLC0415 - slow to import
    from starburst._client.packages.document import read_document  # noqa: PLC0415 - slow to import

    connection = connected(arguments)
    with aws_errors("list the workspace's packages"):
        found = list(store_of(connection, read_document(connection)).listed())
    if arguments.json:
        for each in found:
            say_json({**_wheel(each), "nbytes": each.size, "written": each.written.timestamp()})
        return
    _say_all(kept_lines(found))


def _rm(arguments: argparse.Namespace) -> None:
    from starburst._client.access.aws_errors import aws_errors  # noqa: PLC0415 - slow to import
    from starburst._client.packages.bringing import store_of  # noqa: PLC0415 - slow to import
    from starburst._client.packages.document import read_document  # noqa: PLC0415 - slow to import

    connection = connected(arguments)
    with aws_errors("remove packages from the workspace"):
        store = store_of(connection, read_document(connection))
        found = store.listed()
        for name in arguments.wheel:
            named = [each for each in found if _is_named(name, each.filename, each.sha256)]
            if not named:
                raise PackagesRefused(f"workspace {connection.workspace!r} keeps no wheel {name!r}")
            for each in named:
                store.remove(each)
                if arguments.json:
                    say_json(_wheel(each))
                    continue
                say(f"{each.filename or each.sha256} is removed (copy {each.copy}).")


def _wheel(kept: Kept) -> dict[str, Any]:
    return {"filename": kept.filename or None, "sha256": kept.sha256, "copy": kept.copy}


def _is_named(name: str, filename: str, sha256: str) -> bool:
    return name == filename or (len(name) >= _SHORTEST and sha256.startswith(name.lower()))


def _say_all(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)
