"""Controls that no code can hold: what stays with those who deploy."""

from __future__ import annotations

from typing import Final

from starburst_assurance.controls.model import Area, Control

__all__ = ["YOURS"]

_PAGE: Final = "how-to/do-what-stays-yours.md"

YOURS: Final = (
    Control(
        name="classification",
        title="Data are classified before they come in; test environments refuse restricted data",
        area=Area.YOURS,
        rows=("G5", "S39"),
        cis=("2.1.3",),
        fsbp=("Macie.1",),
        tests=("tests/settings/test_refusals.py::test_a_wrong_value_is_refused_in_one_sentence",),
        yours=(f"{_PAGE}#classify-your-data",),
    ),
    Control(
        name="training",
        title="The team knows how to work with sensitive data here",
        area=Area.YOURS,
        rows=("S39",),
        yours=(f"{_PAGE}#train-the-team",),
    ),
    Control(
        name="incident-response",
        title="What to do when credentials or data are lost is known, and has been tried",
        area=Area.YOURS,
        rows=("S37", "S38", "S39"),
        tests=(
            "tests/incident/test_contain.py::test_a_workspace_is_stopped_denied_and_written_down",
            "tests/incident/test_isolate.py::test_workers_are_cut_off_and_the_way_back_is_exact",
        ),
        yours=(f"{_PAGE}#be-ready-for-an-incident",),
    ),
    Control(
        name="access-review",
        title="Who may do what is reviewed every quarter",
        area=Area.YOURS,
        rows=("S36", "S39", "P17"),
        cis=("1.19",),
        tests=(
            "tests/addons/access_review/test_handling.py::test_a_quarter_is_reviewed_once_and_told_once",
            "tests/addons/access_review/test_judging.py::"
            "test_a_proposal_that_drops_what_is_on_record_is_refuted",
        ),
        yours=(f"{_PAGE}#review-access-every-quarter",),
    ),
    Control(
        name="restore-test",
        title="Getting data back has been tried",
        area=Area.YOURS,
        rows=("S39",),
        nist=("CP-10",),
        tests=(
            "tests/incident/test_versions.py::test_a_deleted_and_a_changed_object_come_back_once",
        ),
        yours=(f"{_PAGE}#try-to-get-data-back",),
    ),
    Control(
        name="baa",
        title="A Business Associate Addendum is signed, and only eligible services are used",
        area=Area.YOURS,
        rows=("S34",),
        yours=(f"{_PAGE}#sign-the-baa-and-stay-with-eligible-services",),
    ),
    Control(
        name="profiles",
        title="Settings that contradict a profile are refused, with the number of who asks",
        area=Area.YOURS,
        rows=("A9", "A25", "A26", "P19", "P20", "S35"),
        tests=(
            "tests/settings/test_profiles.py"
            "::test_what_contradicts_a_rule_is_refused_in_one_sentence",
            "tests/settings/test_profiles.py::test_an_account_of_pci_has_no_neighbour_without_it",
            "tests/compliance/test_pci_matrix.py::test_every_line_of_a_customer_names_what_exists",
        ),
        yours=(f"{_PAGE}#fetch-attestations-and-sign-addenda",),
    ),
    Control(
        name="processing-record",
        title="A record of processing is written from the settings, and says what is yours",
        area=Area.YOURS,
        rows=("A9", "S35"),
        tests=(
            "tests/compliance/test_processing.py"
            "::test_what_a_setting_says_is_in_the_record_and_not_without_it",
            "tests/compliance/test_processing.py::test_what_nobody_said_is_yours",
        ),
        yours=(f"{_PAGE}#keep-the-record-of-processing",),
    ),
    Control(
        name="account-services",
        title="Config, GuardDuty and Security Hub are on in the account",
        area=Area.YOURS,
        rows=("S36", "P18"),
        fsbp=("Config.1", "GuardDuty.1", "GuardDuty.10", "GuardDuty.12"),
        cis=("3.3", "4.16"),
        yours=(f"{_PAGE}#switch-on-what-belongs-to-the-account",),
    ),
    Control(
        name="root-user",
        title="The root user has hardware MFA, no access key and no daily use",
        area=Area.YOURS,
        rows=("S36",),
        fsbp=("IAM.4", "IAM.6", "IAM.9"),
        cis=("1.3", "1.4", "1.5", "1.6"),
        yours=(f"{_PAGE}#lock-the-root-user-away",),
    ),
    Control(
        name="deployed-as-judged",
        title="What is deployed is what was judged",
        area=Area.YOURS,
        yours=("how-to/show-an-auditor-the-evidence.md#compare-with-what-is-deployed",),
    ),
)
"""What stays with you."""
