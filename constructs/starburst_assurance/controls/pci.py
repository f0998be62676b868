"""The matrix of PCI DSS 4.0: 464 tests as AWS counts them, and what answers yours here (P19).

Counts are those of an example of AWS's, a serverless payment application: nobody publishes which
test is whose, so nothing here numbers one. Sections are those that the same post, or AWS Security
Hub's guide to its standard of 4.0.1, names. The standard's text is the PCI Security Standards
Council's, and not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from starburst_assurance.controls.matrix import MANUAL, Line, Party

__all__ = ["PCI_LINES"]

_POST: Final = (
    "https://aws.amazon.com/blogs/security/"
    "transforming-transactions-streamlining-pci-compliance-using-aws-serverless-architecture/"
)
_HUB: Final = "https://docs.aws.amazon.com/securityhub/latest/userguide/pci-standard.html"
_NO_VPC: Final = (
    "AWS's example has no VPC; workers on Fargate run in one, which is yours: judge each of these "
    "tests as your own"
)
_IMAGE: Final = "AWS patches Fargate's hosts; what is in the worker image is yours"


class _Requirement(NamedTuple):
    title: str
    tests: int
    customer: int
    aws: int
    neither: int
    answers: tuple[str, ...]
    aws_here: Party = "AWS"
    note: str = ""


class _Section(NamedTuple):
    number: str
    party: Party
    here: Party
    answers: tuple[str, ...] = ()
    note: str = ""
    source: str = _POST


_NETWORK: Final = (
    *("control:no-internet", "control:closed-groups", "control:default-group"),
    *("control:endpoints", "control:flow-logs", MANUAL),
)
_REQUIREMENTS: Final = (
    _Requirement(
        "Install and maintain network security controls",
        *(35, 13, 22, 0, _NETWORK, "customer", _NO_VPC),
    ),
    _Requirement(
        "Apply secure configurations to all system components",
        *(27, 16, 11, 0),
        ("control:least-privilege", "control:locked-container", "control:pinned-image", MANUAL),
    ),
    _Requirement(
        "Protect stored account data",
        *(55, 24, 29, 2),
        (
            *("control:encrypted-with-our-key", "control:sealed-in-transit"),
            *("control:keys-rotate", "control:erasure", "theorem:only_our_key", MANUAL),
        ),
    ),
    _Requirement(
        "Protect cardholder data with strong cryptography during transmission over open, public "
        "networks",
        *(12, 7, 5, 0),
        ("control:tls-only", "theorem:nothing_in_the_clear", MANUAL),
    ),
    _Requirement(
        "Protect all systems and networks from malicious software",
        *(25, 4, 21, 0, ("control:scanned-image", MANUAL), "shared", _IMAGE),
    ),
    _Requirement(
        "Develop and maintain secure systems and software",
        *(35, 31, 4, 0, ("control:scanned-image", "control:deployed-as-judged", MANUAL)),
    ),
    _Requirement(
        "Restrict access to system components and cardholder data by business need-to-know",
        *(22, 19, 3, 0),
        (
            *("control:least-privilege", "control:named-principals", "control:own-folder"),
            *("control:own-workspace", "theorem:every_role_keeps_to_its_duty", MANUAL),
        ),
    ),
    _Requirement(
        "Identify users and authenticate access to system components",
        *(52, 43, 6, 3),
        (
            *("control:people-are-federated", "control:no-long-lived-keys"),
            *("control:credentials-end", "control:names-are-plain", MANUAL),
        ),
    ),
    _Requirement(
        "Restrict physical access to cardholder data", *(56, 3, 53, 0, ("addon:pci", MANUAL))
    ),
    _Requirement(
        "Log and monitor all access to system components and cardholder data",
        *(38, 17, 19, 2),
        (
            *("control:trail", "control:data-events", "control:logs-are-kept"),
            *("control:alarms", "theorem:no_role_weakens_the_record", MANUAL),
        ),
    ),
    _Requirement(
        "Test security of systems and networks regularly",
        *(51, 22, 23, 6, ("control:scanned-image", "control:audited", "addon:pci", MANUAL)),
    ),
    _Requirement(
        "Support information security with organizational policies",
        *(56, 44, 2, 10, (MANUAL,)),
    ),
)
_SECTIONS: Final = (
    _Section("1.2", "AWS", "customer", _NETWORK, _NO_VPC),
    _Section("1.3", "AWS", "customer", _NETWORK, _NO_VPC),
    _Section("1.3.1", "customer", "customer", ("control:closed-groups",), source=_HUB),
    _Section(
        *("1.4.4", "customer", "customer"),
        ("control:no-public-bucket", "control:no-internet"),
        source=_HUB,
    ),
    _Section(
        *("2.2", "AWS", "shared"),
        ("control:locked-container", "control:pinned-image", "control:least-privilege"),
        _IMAGE,
    ),
    _Section("2.2.7", "AWS", "shared", ("theorem:nothing_in_the_clear",)),
    _Section("2.3", "not applicable", "not applicable", note="no wireless network"),
    _Section(
        *("3.2", "customer", "customer"),
        ("addon:pci", "control:erasure", "control:versions"),
        "AWS destroys what expires; that each table and bucket says when is yours",
    ),
    _Section("3.5", "customer", "customer", ("control:encrypted-with-our-key",)),
    _Section("3.5.1", "customer", "customer", ("theorem:only_our_key",), source=_HUB),
    _Section("3.6", "AWS", "AWS", note="KMS"),
    _Section("3.7", "AWS", "AWS", note="KMS"),
    _Section("3.7.4", "customer", "customer", ("control:keys-rotate",), source=_HUB),
    _Section("3.7.6", "not applicable", "not applicable", note="no cleartext keys"),
    _Section(
        *("4.2", "customer", "customer"),
        ("control:tls-only", "theorem:nothing_under_tls_1_2"),
    ),
    _Section("4.2.1.2", "not applicable", "not applicable", note="no wireless network"),
    _Section("4.2.2", "not applicable", "not applicable", note="no end-user messaging"),
    _Section("5.2", "AWS", "shared", ("control:scanned-image", MANUAL), _IMAGE),
    _Section("5.3", "AWS", "shared", ("control:scanned-image", MANUAL), _IMAGE),
    _Section("6.2", "customer", "customer", (MANUAL,)),
    _Section("6.3", "customer", "customer", ("control:scanned-image", MANUAL)),
    _Section(
        *("6.4.2", "customer", "customer"),
        (MANUAL,),
        "the kit has no page on the internet; one of yours needs a web application firewall",
    ),
    _Section(
        *("7.2.1", "customer", "customer"),
        ("theorem:every_role_keeps_to_its_duty", "theorem:no_chain_leads_beyond_the_duty"),
        source=_HUB,
    ),
    _Section(
        *("8.4.2", "customer", "customer"),
        (
            "theorem:users_come_with_a_second_factor",
            "test:tests/settings/test_profiles.py::test_what_a_profile_lets_pass_is_a_risk_with_its_reason",
            MANUAL,
        ),
        "proved with MfaUsers; with an identity provider it asks, and the reason names who",
        _HUB,
    ),
    _Section(
        *("9.4.7", "customer", "customer"),
        (
            "test:tests/addons/test_pci.py::test_a_table_that_keeps_its_rows_for_ever_is_refused",
            "control:erasure",
        ),
    ),
    _Section("10.2", "customer", "customer", ("control:trail", "control:data-events")),
    _Section(
        "10.2.1", "customer", "customer", ("control:data-events", "control:access-logs"), "", _HUB
    ),
    _Section("10.4", "customer", "customer", ("control:alarms", "control:security-contact")),
    _Section("10.4.2", "customer", "customer", ("addon:pci", MANUAL), "people read the findings"),
    _Section(
        *("10.5.1", "customer", "customer"),
        (
            *("control:logs-are-kept", "control:evidence-is-locked"),
            "test:tests/settings/test_profiles.py::test_logs_of_each_kind_are_held_to_a_year",
        ),
        source=_HUB,
    ),
    _Section("10.6", "AWS", "AWS", note="time of Fargate and of AWS's services"),
    _Section("11.2", "AWS", "AWS", note="wireless; that of your own offices is yours"),
    _Section("11.3.1", "AWS", "shared", ("control:scanned-image", MANUAL), _IMAGE),
    _Section(
        *("11.5.1", "customer", "customer"),
        ("addon:pci",),
        "GuardDuty, by the add-on of that name or by the organization",
    ),
    _Section(
        *("11.5.2", "customer", "customer"),
        ("control:weakenings", "control:openings", "control:account-services", MANUAL),
        "Config is yours to switch on",
    ),
    _Section("11.6.1", "customer", "customer", (MANUAL,), "the kit has no payment page"),
    _Section(
        *("12.8.5", "customer", "customer"),
        (MANUAL,),
        "fetch the Attestation of Compliance and the Responsibility Summary from AWS Artifact",
    ),
)


def _lines() -> Iterator[Line]:
    for number, one in enumerate(_REQUIREMENTS, start=1):
        counted: tuple[tuple[int, Party, Party], ...] = (
            (one.customer, "customer", "customer"),
            (one.aws, "AWS", one.aws_here),
            (one.neither, "not applicable", "not applicable"),
        )
        for tests, party, here in counted:
            if tests:
                yield Line(
                    requirement=number,
                    title=one.title,
                    tests=tests,
                    party=party,
                    here=here,
                    answers=one.answers if here in ("customer", "shared") else (),
                    note=one.note if party != here else "",
                    source=_POST,
                )
        for section in _SECTIONS:
            if section.number.partition(".")[0] == str(number):
                yield Line(
                    requirement=number,
                    title=one.title,
                    section=section.number,
                    party=section.party,
                    here=section.here,
                    answers=section.answers,
                    note=section.note,
                    source=section.source,
                )


PCI_LINES: Final = tuple(_lines())
"""Of each requirement its counts, then the sections that a source names."""
