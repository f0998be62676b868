"""``starburst data`` and ``starburst home``: what their Python modules do, for a shell."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from starburst.untrusted.terminal_text import one_line, tell

from .where import add_command, add_where, connected

if TYPE_CHECKING:
    from starburst._files.moving import Moved
    from starburst._files.places import Place

__all__ = ["add_data", "add_home"]

_USAGE_ERROR: Final = 2
_STDIN: Final = "-"

Run = Callable[["Place", argparse.Namespace], None]


def add_data(commands: Any) -> None:  # noqa: ANN401 - argparse names their type with an underscore
    """Add ``data`` and its commands."""
    own = _group(commands, "data", "list, put, get and remove the workspace's data")
    _add_common(own, _data, steward=True)


def add_home(commands: Any) -> None:  # noqa: ANN401 - likewise
    """Add ``home`` and its commands."""
    own = _group(commands, "home", "list, put, get, remove and link to what is in your own folder")
    _add_common(own, _home, steward=False)
    command = _place_command(own, "url", _url, "make a link that anybody may follow", _home)
    command.add_argument("name", help="of the file; with --console, of a folder too")
    command.add_argument("--seconds", type=int, default=900, help="it is good for (most: 900)")
    command.add_argument(
        "--console", action="store_true", help="print the address in AWS's console instead"
    )
    _finish(command, "the address, as JSON", steward=False)


def _group(commands: Any, name: str, text: str) -> Any:  # noqa: ANN401 - likewise
    group = add_command(commands, name, None, text)

    def explain(_: argparse.Namespace) -> int:
        group.print_help()
        return _USAGE_ERROR

    group.set_defaults(run=explain)
    return group.add_subparsers(title="commands", metavar="COMMAND")


def _add_common(
    commands: Any,  # noqa: ANN401 - likewise
    place: Callable[[argparse.Namespace], Place],
    *,
    steward: bool,
) -> None:
    command = _place_command(commands, "ls", _ls, "list files: size, time and name", place)
    command.add_argument("name", nargs="?", default="", help="of a folder (default: all)")
    command.add_argument("-r", "--recursive", action="store_true", help="files at any depth")
    _finish(command, "a JSON object a line", steward=steward)

    command = _place_command(commands, "put", _put, "put a file or a folder there", place)
    command.add_argument("source", help="file or folder here; - for standard input")
    command.add_argument("name", nargs="?", help="that it is to have (default: its own)")
    _finish(command, "what was put, as JSON", steward=steward)

    command = _place_command(commands, "get", _get, "bring a file or a folder here", place)
    command.add_argument("name", help="of the file or folder; '' for all")
    command.add_argument("target", nargs="?", help="here (default: its own name)")
    _finish(command, "what was brought, as JSON", steward=steward)

    command = _place_command(commands, "rm", _rm, "remove a file, or with -r a folder", place)
    command.add_argument("name", help="of the file or folder; '' with -r for all")
    command.add_argument("-r", "--recursive", action="store_true", help="all that is in it")
    _finish(command, "how many were removed, as JSON", steward=steward)


def _place_command(
    commands: Any,  # noqa: ANN401 - likewise
    name: str,
    run: Run,
    text: str,
    place: Callable[[argparse.Namespace], Place],
) -> argparse.ArgumentParser:
    return add_command(commands, name, lambda given: run(place(given), given), text)


def _finish(command: argparse.ArgumentParser, text: str, *, steward: bool) -> None:
    command.add_argument("--json", action="store_true", help=f"print {text}, and errors as JSON")
    add_where(command, steward=steward)


def _data(arguments: argparse.Namespace) -> Place:
    from starburst._files.places import data_of  # noqa: PLC0415 - slow to import

    return data_of(connected(arguments))


def _home(arguments: argparse.Namespace) -> Place:
    from starburst._files.places import home_of  # noqa: PLC0415 - slow to import

    return home_of(connected(arguments))


def _ls(place: Place, arguments: argparse.Namespace) -> None:
    from starburst._files.listing import Listing  # noqa: PLC0415 - slow to import

    name = place.name(arguments.name, whole=True)
    for entry in Listing(place, name, recursive=arguments.recursive):
        tell(json.dumps(asdict(entry)) if arguments.json else str(entry), sys.stdout)


def _put(place: Place, arguments: argparse.Namespace) -> None:
    from starburst._files import moving  # noqa: PLC0415 - slow to import

    source = sys.stdin.buffer if arguments.source == _STDIN else arguments.source
    moved = moving.put(place, source, arguments.name, progress=None)
    _tell(moved, arguments, was="put")


def _get(place: Place, arguments: argparse.Namespace) -> None:
    from starburst._files import moving  # noqa: PLC0415 - slow to import

    moved = moving.get(place, arguments.name, arguments.target, progress=None)
    _tell(moved, arguments, was="brought")


def _tell(moved: Moved, arguments: argparse.Namespace, *, was: str) -> None:
    if arguments.json:
        tell(json.dumps(asdict(moved)), sys.stdout)
        return
    files = "1 file" if moved.files == 1 else f"{moved.files:,} files"
    tell(one_line(f"{moved.target}: {files} of {moved.nbytes:,} bytes {was}."), sys.stdout)


def _rm(place: Place, arguments: argparse.Namespace) -> None:
    from starburst._files.removing import remove  # noqa: PLC0415 - slow to import

    name = place.name(arguments.name, whole=arguments.recursive)
    count = remove(place, name, recursive=arguments.recursive)
    if arguments.json:
        tell(json.dumps({"removed": count}), sys.stdout)
        return
    were = "1 file is" if count == 1 else f"{count:,} files are"
    tell(f"{were} removed; older versions are kept for a while.", sys.stdout)


def _url(place: Place, arguments: argparse.Namespace) -> None:
    from starburst._files.links import console_link, link  # noqa: PLC0415 - slow to import

    if arguments.console:
        url = console_link(place, place.name(arguments.name, whole=True))
    else:
        url = link(place, place.name(arguments.name), seconds=arguments.seconds)
    tell(json.dumps({"url": url}) if arguments.json else url, sys.stdout)
