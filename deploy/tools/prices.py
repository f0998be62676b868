"""``make prices``: read AWS's price lists and write ``prices.json`` again.

It needs the internet and no credentials: https://pricing.us-east-1.amazonaws.com. What a list does
not tell beyond doubt stays as it was, and is said. What changed is said as well, so that a limit on
money does not move unseen; commit the file after a look at it.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from deploy.tools.price_list import SERVICES, WANTED, Found, PriceListError, read
from stacks.settings.zones import FARGATE_ZONES

__all__ = ["PRICES", "main", "merge"]

PRICES: Final = Path("worker/src/starburst/pricing/prices.json")
HOST: Final = "https://pricing.us-east-1.amazonaws.com"
_SECONDS: Final = 60

Document = dict[str, Any]
Open = Callable[[str], AbstractContextManager[Iterable[str]]]


@contextmanager
def _download(url: str) -> Iterator[Iterable[str]]:
    with (
        urllib.request.urlopen(url, timeout=_SECONDS) as answer,  # noqa: S310 - HOST's, https
        io.TextIOWrapper(answer, encoding="utf-8", newline="") as lines,
    ):
        yield lines


def merge(document: Document, found: Found, *, service: str, region: str) -> list[str]:
    """Put what a list says into the document; return a line for each figure that is another now.

    A figure that is the same as before has the newer source as well. Sources that no figure is from
    any more go.

    Args:
        document: of ``prices.json``; it is changed.
        found: what the list says.
        service: whose list.
        region: likewise.
    """
    row: dict[str, dict[str, float]] = document["regions"].setdefault(region, {})
    before = {name: rate for rates in row.values() for name, rate in rates.items()}
    source = f"{service} {found.version}"
    for rates in row.values():
        for name in found.rates:
            rates.pop(name, None)
    if found.rates:
        row.setdefault(source, {}).update(found.rates)
        document["sources"][source] = {
            "url": f"{HOST}/offers/v1.0/aws/{service}/{found.version}/{{region}}/index.csv",
            "date": found.date,
            "read": "list",
        }
    left = {source: rates for source, rates in sorted(row.items()) if rates}
    document["regions"] |= {region: left}
    if not left:
        del document["regions"][region]
    used = {source for one in document["regions"].values() for source in one}
    document["sources"] = {
        name: source for name, source in sorted(document["sources"].items()) if name in used
    }
    document["regions"] = dict(sorted(document["regions"].items()))
    return [
        f"{region} {name}: {before.get(name, 'unknown')} -> {rate}"
        for name, rate in found.rates.items()
        if before.get(name) != rate
    ]


def main(arguments: Sequence[str] | None = None, *, opened: Open = _download) -> int:
    """Read the lists of Regions; return 1 where one of them leaves a figure open.

    Args:
        arguments: of the command.
        opened: opens a list by its address.
    """
    chosen = _options().parse_args(arguments)
    document: Document = json.loads(chosen.file.read_text(encoding="utf-8"))
    open_ends = 0
    for region in chosen.regions or FARGATE_ZONES:
        for service in SERVICES:
            url = f"{HOST}/offers/v1.0/aws/{service}/current/{region}/index.csv"
            try:
                with opened(url) as lines:
                    found = read(lines, service=service, region=region)
            except (OSError, HTTPException, UnicodeError, csv.Error, PriceListError) as error:
                open_ends += 1
                rates = ", ".join(one.rate for one in WANTED if one.service == service)
                sys.stderr.write(f"{region} {rates}: left as it was; {url}: {error}\n")
                continue
            for line in merge(document, found, service=service, region=region):
                sys.stdout.write(f"{line} ({service} {found.date})\n")
            for trouble in found.troubles:
                open_ends += 1
                sys.stderr.write(f"{region} {trouble}; left as it was\n")
            # After each list: what was read is not lost where a later one breaks off.
            chosen.file.write_text(f"{json.dumps(document, indent=2)}\n", encoding="utf-8")
    return min(open_ends, 1)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.tools.prices", description=__doc__)
    parser.add_argument(
        "regions", nargs="*", metavar="REGION", help="default: all in which Fargate runs"
    )
    parser.add_argument("--file", type=Path, default=PRICES, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
