"""Whether sessions may start on a worker image: what the image gate's record says of its digest.

The add-on ``inspector`` writes that record; this only reads it. Where it cannot be trusted, because
it is old, lacks the image or cannot be read, a strict environment refuses, and another one warns.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst.aws.calls import MISSING, TROUBLE, code_of, words_of
from starburst.contract.image_gate import UNSCANNED, ImageGateDocument, ImageWaiver
from starburst.controller.state.environment import Environment
from starburst.errors import ImageRefused
from starburst.untrusted.strict_json import read_object

__all__ = ["judge_image"]

_LOG: Final = logging.getLogger(__name__)

STALE_SECONDS: Final = 86_400
"""A record that was checked longer ago says nothing of today."""

_MOST_BYTES: Final = 16_777_216
"""Of what is known of one image; 10,000 findings take three million."""

_CHECKED: Final = "checked.json"
_SEVERITIES: Final = ("CRITICAL", "HIGH")
_DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{64})$")
_PART: Final = re.compile(r"sha256:[0-9a-f]{64}")
_REBUILD: Final = (
    "the platform team builds a new image (make image) and deploys it, or lets the finding through "
    "by Inspector(accepted=…), with a reason and a day on which that ends"
)
_ASK: Final = "ask the platform team to look at the function starburst-…-inspector and its log"


class _Unsure(Exception):
    """The record cannot be trusted, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Finding:
    """One package of an open finding of an image, of which it is known by which digest."""

    image: str
    arn: str
    vulnerability: str
    severity: str
    package: str
    version: str
    fixed: str

    @property
    def words(self) -> str:
        where = f" in {self.package} {self.version}".rstrip() if self.package else ""
        fixed = f", fixed in {self.fixed}" if self.fixed else ", for which there is no fix yet"
        return f"{self.severity} {self.vulnerability}{where}{fixed}"


def judge_image(environment: Environment, family: str, *, workspace: str) -> str:
    """Refuse to start workers of an image that has a finding which nobody waived.

    Args:
        environment: of which one parameter names the gate; nothing happens where it has none.
        family: the task definition; ECS would take its latest revision.
        workspace: for the message.

    Returns:
        what an environment that is not strict warns of; nothing where all is well.

    Raises:
        ImageRefused: names the finding, or why the record cannot be trusted.
    """
    settings = environment.settings
    if not settings.image_gate:
        return ""
    image = "that it has now"
    try:
        image = _digest(environment, family)
        gate = _document(environment)
        _refuse_findings(environment, gate, image, workspace=workspace)
    except TROUBLE as error:
        doubt = f"the image gate's record cannot be read ({words_of(error)}): {_ASK}"
    except ValueError as error:
        doubt = f"the image gate's record cannot be read ({error}): {_ASK}"
    except _Unsure as error:
        doubt = str(error)
    else:
        return ""
    said = f"workspace {workspace}, worker image {image}: {doubt}"
    if settings.image_gate_strict:
        raise ImageRefused(f"no session starts: {said}")
    _LOG.warning("an image is let through: %s", said)
    return f"sessions start all the same, as this environment is not in production: {said}"


def _digest(environment: Environment, family: str) -> str:
    answer = environment.clients.ecs.describe_task_definition(taskDefinition=family)
    named: list[str] = [
        one.get("image", "") for one in answer["taskDefinition"].get("containerDefinitions", [])
    ]
    found = [match[1] for match in map(_DIGEST.search, named) if match]
    if len(found) != len(named) or len(set(found)) != 1:
        raise _Unsure(
            f"task definition {family} names no single image by its digest: deploy the stacks of "
            "this release again"
        )
    return found[0]


def _document(environment: Environment) -> ImageGateDocument:
    name = environment.settings.image_gate
    answer = environment.clients.ssm.get_parameter(Name=name)
    return ImageGateDocument.from_json(answer["Parameter"].get("Value", ""))


def _refuse_findings(
    environment: Environment, gate: ImageGateDocument, image: str, *, workspace: str
) -> None:
    """Refuse what is known first: an old record still tells of findings that were there."""
    known = _read(environment, gate, f"images/{_name(image)}.json")
    parts = _parts(known)
    records = {one: _read(environment, gate, f"images/{_name(one)}.json") for one in parts}
    if not parts:
        records = {image: known}
    now = environment.clock()
    found = sorted(
        (one for digest, record in records.items() for one in _open(digest, record)),
        key=lambda one: (_SEVERITIES.index(one.severity), one.vulnerability, one.package),
    )
    left = [one for one in found if not _waived(gate.waivers, one, image=image, now=now)]
    if left:
        others = len({(one.image, one.arn) for one in left}) - 1
        more = f" and {others} more" if others else ""
        expired = _expired(gate.waivers, left[0], image=image)
        raise ImageRefused(
            f"workspace {workspace} starts no session on its worker image {image}, in which "
            f"Inspector found {left[0].words}{more}{expired}: {_REBUILD}"
        )
    _trust(environment, gate)
    unseen = _Finding(
        image=image, arn="", vulnerability=UNSCANNED, severity="", package="", version="", fixed=""
    )
    lacking = [digest for digest, record in records.items() if not record.get("scanned")]
    if lacking and not _waived(gate.waivers, unseen, image=image, now=now):
        raise _Unsure(
            f"Inspector has not scanned {lacking[0]}, or has stopped to: wait a quarter of an hour "
            "after a push, or see in Inspector's coverage why it does not"
        )
    if found:
        _LOG.info("image %s has findings that are waived: %d", image, len(found))


def _trust(environment: Environment, gate: ImageGateDocument) -> None:
    at = _read(environment, gate, _CHECKED).get("at")
    if not isinstance(at, int | float):
        raise _Unsure(f"the image gate has not compared its record with Inspector yet: {_ASK}")
    if environment.clock() - at > STALE_SECONDS:
        last = dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="minutes")
        raise _Unsure(f"the image gate's record is of {last}, which is more than a day ago: {_ASK}")


def _read(environment: Environment, gate: ImageGateDocument, key: str) -> Mapping[str, Any]:
    """Return an object of the record, empty where there is none.

    The controller may list the bucket's names, so S3 tells what is missing from what is refused.
    """
    try:
        answer = environment.clients.s3.get_object(Bucket=gate.bucket, Key=key)
    except ClientError as error:
        if code_of(error) in MISSING:
            return {}
        raise
    return read_object(answer["Body"].read(_MOST_BYTES + 1), most=_MOST_BYTES)


def _parts(record: Mapping[str, Any]) -> Sequence[str]:
    said = record.get("parts", [])
    if not isinstance(said, list) or not all(
        isinstance(one, str) and _PART.fullmatch(one) for one in said
    ):
        raise ValueError("the parts of an image are no list of digests")
    return said


def _open(digest: str, record: Mapping[str, Any]) -> Iterator[_Finding]:
    said = record.get("findings", {})
    if not isinstance(said, dict):
        raise ValueError(f"the findings of {digest} are no object")
    for arn, one in said.items():
        # What fell below these severities is closed.
        if isinstance(one, dict) and one.get("open") is False:
            continue
        others = one.get("others", []) if isinstance(one, dict) else None
        if (
            not isinstance(others, list)
            or not all(isinstance(other, dict) for other in others)
            or one.get("severity") not in _SEVERITIES
        ):
            raise ValueError(f"a finding of {digest} is malformed")
        for package in (one, *others):
            yield _Finding(
                image=digest,
                arn=arn,
                vulnerability=str(one.get("vulnerability", "")),
                severity=one["severity"],
                package=str(package.get("package", "")),
                version=str(package.get("version", "")),
                fixed=str(package.get("fixed", "")),
            )


def _covering(
    waivers: Sequence[ImageWaiver], one: _Finding, *, image: str
) -> Iterator[ImageWaiver]:
    """Yield what is about a finding; of an index people may name itself, or one of its parts."""
    for waiver in waivers:
        if any(
            waiver.covers(one.vulnerability, package=one.package, image=digest)
            for digest in (image, one.image)
        ):
            yield waiver


def _waived(waivers: Sequence[ImageWaiver], one: _Finding, *, image: str, now: float) -> bool:
    return any(waiver.holds(now) for waiver in _covering(waivers, one, image=image))


def _expired(waivers: Sequence[ImageWaiver], one: _Finding, *, image: str) -> str:
    days = [waiver.expires for waiver in _covering(waivers, one, image=image)]
    return f" (its waiver expired on {max(days)})" if days else ""


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")
