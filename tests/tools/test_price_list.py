"""AWS's price lists are read for what they say beyond doubt; the rest is told, never guessed."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import urllib.error
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.tools.price_list import SERVICES, WANTED, PriceListError, read
from deploy.tools.prices import PRICES, main, merge
from starburst.contract.rates import PLAUSIBLE

EXAMPLE = Path(__file__).parent / "price_lists" / "AmazonECS-eu-west-1.csv"
"""AWS's form: its head, its columns, and what stands beside what is wanted. SKUs are made up."""

REGION = "eu-west-1"
FARGATE = {
    **{"x86_vcpu_hour": 0.04048, "x86_gb_hour": 0.004445},
    **{"arm_vcpu_hour": 0.03238, "arm_gb_hour": 0.00356, "scratch_gb_hour": 0.000122},
}


def example() -> list[str]:
    return EXAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)


def changed(old: str, new: str, *, line: str = "") -> list[str]:
    lines = [each.replace(old, new) if line in each else each for each in example()]
    assert lines != example()
    return lines


def listing(service: str, *products: Mapping[str, str], date: str = "2026-10-01") -> str:
    """Return a list with these products, with the columns that every service's has."""
    columns = [
        *("SKU", "OfferTermCode", "RateCode", "TermType", "PriceDescription", "EffectiveDate"),
        *("StartingRange", "EndingRange", "Unit", "PricePerUnit", "Currency", "Product Family"),
        *("serviceCode", "Location", "usageType", "Region Code"),
    ]
    usual = {"SKU": "ABC", "TermType": "OnDemand", "StartingRange": "0", "Currency": "USD"}
    text = io.StringIO()
    rows = csv.writer(text, quoting=csv.QUOTE_ALL)
    rows.writerows(
        [
            ("FormatVersion", "v1.0"),
            ("Disclaimer", "For informational purposes only, says AWS."),
            ("Publication Date", f"{date}T12:00:00Z"),
            ("Version", f"{date.replace('-', '')}120000"),
            ("OfferCode", service),
            columns,
            *([{**usual, **product}.get(name, "") for name in columns] for product in products),
        ]
    )
    return text.getvalue()


def product(name: str, **changes: str) -> dict[str, str]:
    [one] = [one for one in WANTED if one.rate == name]
    price = (PLAUSIBLE[name][0] + PLAUSIBLE[name][1]) / 2 / one.each
    sound = {"Unit": one.unit, "PricePerUnit": f"{price:.14f}", "usageType": f"EU-{one.usage}"}
    return {**sound, "Product Family": one.family, **changes}


def test_a_piece_in_the_form_of_awss_lists_is_read() -> None:
    found = read(example(), service="AmazonECS", region=REGION)
    assert found.rates == FARGATE
    assert (found.version, found.date, found.troubles) == ("20260131124601", "2026-01-31", ())


def test_every_rate_is_looked_for_in_one_list() -> None:
    assert [one.rate for one in WANTED] == [*PLAUSIBLE]
    for service in SERVICES:
        wanted = [one for one in WANTED if one.service == service]
        lines = listing(service, *(product(one.rate) for one in wanted)).splitlines(keepends=True)
        found = read(lines, service=service, region=REGION)
        assert found.rates.keys() == {one.rate for one in wanted}
        assert found.troubles == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "trouble"),
    [
        (
            ",GB-Hours,",
            ",GB-Mo,",
            "EphemeralStorage",
            "scratch_gb_hour: it is counted in GB-Mo in USD, not in GB-Hours in USD",
        ),
        (
            ",USD,",
            ",CNY,",
            "EphemeralStorage",
            "scratch_gb_hour: it is counted in GB-Hours in CNY, not in GB-Hours in USD",
        ),
        (
            "EU-Fargate-EphemeralStorage-GB-Hours",
            "EU-Fargate-Disk-GB-Hours",
            "",
            "scratch_gb_hour: no product of AmazonECS has the usage type "
            "Fargate-EphemeralStorage-GB-Hours",
        ),
        (
            "OnDemand",
            "Reserved",
            "EphemeralStorage",
            "scratch_gb_hour: no product of AmazonECS has the usage type "
            "Fargate-EphemeralStorage-GB-Hours",
        ),
        (
            "eu-west-1",
            "eu-west-2",
            "EphemeralStorage",
            "scratch_gb_hour: no product of AmazonECS has the usage type "
            "Fargate-EphemeralStorage-GB-Hours",
        ),
        (
            "0.0001220000",
            "0.0878400000",
            "",
            "scratch_gb_hour: 0.08784 is not between 1e-05 and 0.001",
        ),
        ("0.0001220000", "free", "", "scratch_gb_hour: free is no price"),
        ("0.0001220000", "NaN", "", "scratch_gb_hour: nan is not between 1e-05 and 0.001"),
    ],
)
def test_what_is_not_beyond_doubt_is_told_and_left_out(
    old: str, new: str, line: str, trouble: str
) -> None:
    found = read(changed(old, new, line=line), service="AmazonECS", region=REGION)
    assert found.troubles == (trouble,)
    assert found.rates == {name: FARGATE[name] for name in FARGATE if name != "scratch_gb_hour"}


def test_two_products_with_one_price_agree_and_with_two_prices_do_not() -> None:
    one = product("nat_hour", PricePerUnit="0.0480000000")
    other = {**one, "SKU": "DEF"}
    beside = [
        product("nat_hour", usageType="EU-RegionalNatGateway-Hours", PricePerUnit="0.06"),
        product("nat_hour", **{"Product Family": "Other", "PricePerUnit": "0.07"}),
        product("nat_hour", PricePerUnit="0.03", StartingRange="100"),
        product("nat_hour", PricePerUnit="0.02", TermType="Reserved"),
    ]
    lines = listing("AmazonEC2", one, other, *beside).splitlines(keepends=True)
    assert read(lines, service="AmazonEC2", region=REGION).rates == {"nat_hour": 0.048}
    lines = listing("AmazonEC2", one, {**other, "PricePerUnit": "0.05"}).splitlines(keepends=True)
    found = read(lines, service="AmazonEC2", region=REGION)
    assert found.rates == {}
    assert found.troubles == (
        "nat_hour: 2 products match and differ: ABC at 0.0480000000, DEF at 0.05",
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "it has no line of columns"),
        (["<html>\n", "<body>Access denied</body>\n"], "it has no line of columns"),
        (["SKU,TermType\n"], "no version or no publication date"),
        (changed("2026-01-31T12:46:01Z", "yesterday"), "no version or no publication date"),
        (changed("20260131124601", "current"), "no version or no publication date"),
        (changed('"AmazonECS"', '"AmazonEC2"'), "the list of AmazonEC2, not of AmazonECS"),
        (changed(",PricePerUnit,", ",Price,"), "lacks the columns PricePerUnit"),
        ([*example(), "CUT,JRTC"], "has 2 fields, not 27"),
    ],
)
def test_another_file_than_a_price_list_is_refused(lines: list[str], words: str) -> None:
    with pytest.raises(PriceListError, match=words):
        read(lines, service="AmazonECS", region=REGION)


def test_a_list_is_read_line_by_line() -> None:
    """That of EC2 has hundreds of megabytes in some Regions."""
    first = listing("AmazonEC2", product("nat_hour")).splitlines(keepends=True)
    box = listing("AmazonEC2", product("nat_hour", usageType="EU-BoxUsage:m7i.large"))
    line = box.splitlines(keepends=True)[-1]
    count, passed = 20_000, 0

    def lines() -> Iterator[str]:
        nonlocal passed
        yield from first
        for number in range(count):
            passed += len(line)
            yield line.replace("ABC", f"{number:05}")

    tracemalloc.start()
    try:
        found = read(lines(), service="AmazonEC2", region=REGION)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.rates.keys() == {"nat_hour"}
    assert peak < passed / 4


class Lists:
    """AWS's host, with the lists that a test gives it."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.asked: list[str] = []

    @contextmanager
    def __call__(self, url: str) -> Iterator[Iterable[str]]:
        self.asked.append(url)
        service = url.split("/")[-4]
        if service not in self.texts:
            raise urllib.error.URLError("no such list")
        yield io.StringIO(self.texts[service])


def test_the_command_writes_what_it_read_and_says_what_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prices.json"
    before = json.loads(PRICES.read_text(encoding="utf-8"))
    file.write_text(PRICES.read_text(encoding="utf-8"), encoding="utf-8")
    ecs = "".join(example()).replace("0.0001220000", "0.0001230000")
    keys = listing("awskms", product("key_month", PricePerUnit="1.0000000000"))
    alarms = listing("AmazonCloudWatch", product("alarm_month", Unit="Metrics"))
    lists = Lists(AmazonECS=ecs, awskms=keys, AmazonCloudWatch=alarms)

    assert main([REGION, "--file", str(file)], opened=lists) == 1

    out, err = capsys.readouterr()
    changes = "eu-west-1 scratch_gb_hour: 0.000122 -> 0.000123 (AmazonECS 2026-01-31)\n"
    assert out == changes
    assert "eu-west-1 alarm_month: it is counted in Metrics in USD" in err
    assert "eu-west-1 nat_hour: left as it was; https://pricing.us-east-1.amazonaws.com/" in err
    assert "no such list" in err
    assert lists.asked == [
        f"https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service}/current/{REGION}"
        "/index.csv"
        for service in SERVICES
    ]
    after = json.loads(file.read_text(encoding="utf-8"))
    others = {name: row for name, row in before["regions"].items() if name != REGION}
    assert {name: row for name, row in after["regions"].items() if name != REGION} == others
    row = after["regions"][REGION]
    assert row["AmazonECS 20260131124601"] == {**FARGATE, "scratch_gb_hour": 0.000123}
    assert after["sources"]["AmazonECS 20260131124601"] == {
        "url": "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonECS/20260131124601/"
        "{region}/index.csv",
        "date": "2026-01-31",
        "read": "list",
    }
    assert row["awskms 20261001120000"] == {"key_month": 1.0}
    # What was not read has its old source; a source that nothing is from any more is gone.
    assert row["AmazonEC2 2026-08-21"] == before["regions"][REGION]["AmazonEC2 2026-08-21"]
    assert row["AmazonCloudWatch 2026-08-06"] == {"alarm_month": 0.1}
    assert "AmazonECS 2026-07-07" not in after["sources"]
    used = {source for each in after["regions"].values() for source in each}
    assert used == {*after["sources"]}
    # A second run changes nothing.
    text = file.read_text(encoding="utf-8")
    assert main([REGION, "--file", str(file)], opened=lists) == 1
    assert capsys.readouterr().out == ""
    assert file.read_text(encoding="utf-8") == text


def test_a_region_that_was_not_there_comes_in_and_all_lists_together_leave_nothing_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"sources": {}, "regions": {}}), encoding="utf-8")
    texts = {
        service: listing(service, *(product(one.rate) for one in WANTED if one.service == service))
        for service in SERVICES
    }
    assert main(["eu-north-2", "--file", str(file)], opened=Lists(**texts)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("eu-north-2 ") == len(PLAUSIBLE) == out.count("unknown -> ")
    row: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["regions"]["eu-north-2"]
    assert {name for rates in row.values() for name in rates} == {*PLAUSIBLE}


def test_a_list_that_says_nothing_changes_nothing() -> None:
    found = read(listing("awskms").splitlines(keepends=True), service="awskms", region="eu-north-2")
    document: dict[str, Any] = {"sources": {}, "regions": {}}
    assert merge(document, found, service="awskms", region="eu-north-2") == []
    assert document == {"sources": {}, "regions": {}}
