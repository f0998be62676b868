"""The saved queries of the flow log, run on flows as AWS writes them, by a small reader of ours.

It knows the commands that these queries use, as AWS documents them: parse, filter, stats, sort and
limit. That CloudWatch takes their syntax is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

import pytest

from stacks.addons.guardduty.flows import flow_queries
from tests.addons.log_lake.test_transform import FLOW

CIDR = "10.64.16.0/20"
Row = dict[str, str | int]

S3 = FLOW.replace("10.64.16.20", "52.218.0.9").replace(" 3400 ", " 900000 ")
API = FLOW.replace(" S3", " -")
OUT = API.replace("10.64.16.20", "203.0.113.7").replace(" 3400 ", " 50 ")
REFUSED = OUT.replace("ACCEPT", "REJECT")
CLEAN = (API, API, S3)


def holds(condition: str, row: Row) -> bool:
    if found := re.fullmatch(r'(\w+) (=|!=) "([^"]*)"', condition):
        name, operator, wanted = found.groups()
        return (str(row[name]) == wanted) is (operator == "=")
    found = re.fullmatch(r'not isIpv4InSubnet\((\w+), "([\d./]+)"\)', condition)
    assert found, condition
    return ip_address(str(row[found[1]])) not in ip_network(found[2])


def summed(rows: Sequence[Row], what: str) -> Iterator[Row]:
    found = re.fullmatch(r"count\(\*\) as (\w+), sum\((\w+)\) as (\w+) by (.+)", what)
    assert found, what
    count, added, total, by = found.groups()
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row[one]) for one in by.split(", ")), []).append(row)
    for names, group in groups.items():
        told: Row = {count: len(group), total: sum(int(row[added]) for row in group)}
        yield told | dict(zip(by.split(", "), names, strict=True))


def run(query: str, messages: Sequence[str]) -> list[Row]:
    first, *rest = (line.removeprefix("| ") for line in query.strip().splitlines())
    found = re.fullmatch(r'parse @message "([* ]+)" as (.+)', first)
    assert found, first
    stars, names = found[1].split(" "), found[2].split(", ")
    assert len(stars) == len(names)
    rows: list[Row] = [dict(zip(names, message.split(" "), strict=True)) for message in messages]
    for command in rest:
        word, _, what = command.partition(" ")
        if word == "filter":
            rows = [row for row in rows if all(holds(one, row) for one in what.split(" and "))]
        elif word == "stats":
            rows = [*summed(rows, what)]
        elif word == "sort":
            name = what.removesuffix(" desc")
            rows = [row for _, row in sorted(((-int(row[name]), row) for row in rows), key=_first)]
        else:
            assert word == "limit", command
            rows = rows[: int(what)]
    return rows


def _first(found: tuple[int, Row]) -> int:
    return found[0]


def ask(name: str, *messages: str) -> list[Row]:
    return run(flow_queries(CIDR)[name], messages)


def test_what_was_refused_is_told_by_worker() -> None:
    [row] = ask("flows that were refused", *CLEAN, REFUSED, REFUSED, OUT)
    assert (row["interface_id"], row["dstaddr"], row["flows"]) == ("eni-1", "203.0.113.7", 2)


def test_who_sends_most_comes_first() -> None:
    rows = ask("who sends most", *CLEAN, REFUSED, API.replace("egress", "ingress"))
    assert [(row["pkt_dst_aws_service"], row["sent"]) for row in rows] == [
        ("S3", 900_000),
        ("-", 6800),
    ]


def test_what_leaves_for_elsewhere_is_told_whether_it_got_there_or_not() -> None:
    rows = ask("flows to unexpected places", *CLEAN, OUT, OUT, REFUSED)
    assert [(row["action"], row["flows"], row["sent"]) for row in rows] == [
        ("ACCEPT", 2, 100),
        ("REJECT", 1, 50),
    ]


@pytest.mark.parametrize("name", ["flows that were refused", "flows to unexpected places"])
@pytest.mark.parametrize("messages", [(), CLEAN], ids=["empty", "clean"])
def test_ordinary_work_answers_nothing(name: str, messages: Sequence[str]) -> None:
    assert ask(name, *messages) == []


def test_a_query_for_another_network_finds_more() -> None:
    elsewhere = flow_queries("10.99.0.0/20")["flows to unexpected places"]
    assert len(run(elsewhere, CLEAN)) == 1
