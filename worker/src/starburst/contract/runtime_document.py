"""The runtime document: all that a client must discover of an environment."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from starburst.untrusted.strict_json import MAX_BYTES, fill, known_fields, read_object

from .hosts import Hosts, Instance
from .limits import Limits
from .packages_document import PackagePolicy
from .protocol import FIRST_RELEASE, OLDEST_CLIENT, RELEASE
from .rates import Rates
from .totals import Totals

__all__ = ["SCHEMA", "DataWriters", "RuntimeDocument", "WorkspaceDocument"]

DataWriters = Literal["analysts", "steward"]
"""Who writes data of a workspace: its analysts too, or a steward alone."""

_TOTALS: Final = ("totals", "user_totals")
_USUAL: Final = {
    **{"packages": "image", "data_writers": "steward", "home_links": False},
    "draining": False,
    "prices": None,
}
"""What the document leaves out."""

_KEPT: Final = object()

SCHEMA: Final = 1
"""Version of the runtime document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceDocument:
    """What the runtime knows of one workspace.

    Attributes:
        analyst_role_arn: the role that its analysts assume.
        task_definition: the family of its workers of the environment's own architecture. No
            revision: ECS takes the latest, which only a deployment registers, and each revision
            pins its image by digest.
        limits: what one of its sessions may use.
        worker_role_arn: the workers' task role; the queue's policy lets it in.
        scratch_gb: ephemeral storage of a worker, where a session does not ask for another.
        totals: what all its sessions may use together.
        packages: which packages its workers may have; ``PackagesDocument`` says more.
        data_writers: who writes below ``data/``.
        home_links: whether its analysts may make links to what is in their homes.
        draining: whether it takes no new session, because it is to be retired.
    """

    analyst_role_arn: str
    task_definition: str
    limits: Limits
    worker_role_arn: str = ""
    scratch_gb: int = 21
    totals: Totals = field(default_factory=Totals)
    packages: PackagePolicy = "image"
    data_writers: DataWriters = "steward"
    home_links: bool = False
    draining: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeDocument:
    """The JSON of ``/starburst/<environment>/runtime``: all that a client must discover.

    Attributes:
        environment: its name.
        account: twelve digits.
        region: where everything is.
        bucket: the data bucket's name.
        key_arn: the data key (CMK) that wraps session keys.
        controller: ARN of the alias by which analysts ask the controller.
        python: ``major.minor`` of the worker image.
        architecture: of workers, ``X86_64`` or ``ARM64``, where a session does not ask for one.
        workspaces: by name.
        other_architectures: that a session may ask for as well.
        hosts: the EC2 instances that workers run on; None for Fargate.
        fips: whether clients call AWS's FIPS endpoints.
        totals: what all sessions of the environment may use together.
        user_totals: what all sessions of one person may, whatever their workspaces.
        prices: what the account pays where it is not AWS's list price; None for that everywhere.
        release: of the stacks that wrote the document.
        oldest_client: the oldest release whose clients the environment serves.
    """

    environment: str
    account: str
    region: str
    bucket: str
    key_arn: str
    controller: str
    python: str
    architecture: str
    workspaces: Mapping[str, WorkspaceDocument]
    other_architectures: tuple[str, ...] = ()
    hosts: Hosts | None = None
    fips: bool = False
    totals: Totals = field(default_factory=Totals)
    user_totals: Totals = field(default_factory=Totals)
    prices: Rates | None = None
    release: str = RELEASE
    oldest_client: str = OLDEST_CLIENT

    @property
    def architectures(self) -> tuple[str, ...]:
        """All architectures that workers may have, the environment's own first."""
        return (self.architecture, *self.other_architectures)

    def steward_role_arn(self, workspace: str) -> str:
        """Return the role of who looks after a workspace's packages and data."""
        roles = self.workspaces[workspace].analyst_role_arn.rpartition("/")[0]
        return f"{roles}/starburst-{self.environment}-steward-{workspace}"

    def to_json(self, *, packed: bool = False) -> str:
        """Return the document's text, its keys sorted.

        A parameter holds 8 KiB. So totals are the list of their numbers in the order of their
        fields, and are left out where they are as :class:`Totals` is by itself.

        Args:
            packed: write the workspaces as one compressed text, for an environment of which a
                parameter would not hold them otherwise. They are all alike, so little is left.
        """
        document = _short(asdict(self))
        workspaces = {name: _short(entry) for name, entry in document["workspaces"].items()}
        document |= {"schema": SCHEMA, "workspaces": workspaces}
        if packed:
            document["workspaces"] = _packed(workspaces)
        if self.prices is not None:
            document["prices"] = self.prices.known()
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RuntimeDocument:
        """Read the document; raise ValueError where it has another schema or lacks a field.

        What only a later release knows is left out; ``unserved`` says whether one may do so.
        """
        fields = read_object(text)
        schema = fields.pop("schema", None)
        if type(schema) is not int or schema != SCHEMA:
            raise ValueError(f"runtime document has schema {schema}; this release reads {SCHEMA}")
        try:
            workspaces = {
                name: _workspace(entry) for name, entry in _unpacked(fields["workspaces"]).items()
            }
            hosts, prices = fields.get("hosts"), fields.get("prices")
            known = {
                **{"release": FIRST_RELEASE, "oldest_client": FIRST_RELEASE},
                **known_fields(cls, fields),
                **_totals(fields, *_TOTALS),
                "workspaces": workspaces,
                "other_architectures": tuple(fields.get("other_architectures", ())),
                "hosts": hosts and _hosts(hosts),
                "prices": None if prices is None else fill(Rates, known_fields(Rates, prices)),
            }
            return fill(cls, known)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"runtime document is malformed: {error}") from error


def _packed(workspaces: Mapping[str, Any]) -> str:
    text = json.dumps(workspaces, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _unpacked(said: Any) -> Any:  # noqa: ANN401 - of a document that was parsed
    """Return the workspaces of a document, which may be packed; refuse what expands too far."""
    if not isinstance(said, str):
        return said
    reader = zlib.decompressobj()
    try:
        text = reader.decompress(base64.b64decode(said, validate=True), MAX_BYTES)
    except zlib.error as error:
        raise ValueError(f"packed workspaces cannot be read: {error}") from error
    if not reader.eof:
        raise ValueError(f"packed workspaces end early, or take more than {MAX_BYTES} bytes")
    return read_object(text)


def _short(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the document as it is written."""
    usual = asdict(Totals())
    kept = {
        name: value
        for name, value in entry.items()
        if value != (usual if name in _TOTALS else _USUAL.get(name, _KEPT))
    }
    return {name: [*value.values()] if name in _TOTALS else value for name, value in kept.items()}


def _workspace(entry: Mapping[str, Any]) -> WorkspaceDocument:
    limits = fill(Limits, known_fields(Limits, entry["limits"]))
    known = known_fields(WorkspaceDocument, entry)
    return fill(WorkspaceDocument, {**known, "limits": limits, **_totals(entry, "totals")})


def _totals(entry: Mapping[str, Any], *names: str) -> dict[str, Totals]:
    """Return the totals that a part gives: as a list, or as an object; others are the usual."""
    said = {name: _named(entry[name]) for name in names if name in entry}
    return {name: fill(Totals, known_fields(Totals, value)) for name, value in said.items()}


def _named(said: Any) -> Any:  # noqa: ANN401 - of a document that was parsed
    if not isinstance(said, list):
        return said
    # What a later release adds comes last, and is not for this one.
    return dict(zip(asdict(Totals()), said, strict=False))


def _hosts(said: Mapping[str, Any]) -> Hosts:
    offered = tuple(fill(Instance, known_fields(Instance, one)) for one in said["instances"])
    return fill(Hosts, {**known_fields(Hosts, said), "instances": offered})
