"""The session manifest: what the client asks for, written once, judged by the controller.

Pure: imported by the controller's Lambda, which carries no third-party package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Final, Literal

from starburst.contract import PROTOCOL, RELEASE, SessionKeys, speaks_protocol
from starburst.pricing.prices import Architecture, Capacity
from starburst.untrusted.strict_json import (
    Amount,
    Moment,
    Size,
    Whole,
    Within,
    fill,
    known_fields,
    read_object,
)

__all__ = ["Manifest", "ResultMode"]

ResultMode = Literal["data", "pickle"]
_FORMS: Final = {
    "packages": re.compile(r"[0-9a-f]{64}"),
    "starburst": re.compile(r"[0-9][0-9A-Za-z.+!]{0,63}"),
}
"""What the texts among its fields look like: the controller quotes them."""

Seed = Annotated[int, Within(0, 2**53 - 1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One session as its client asked for it.

    Attributes:
        workspace, user, session: where it lives; they must match the object's own key.
        workers: how many workers at most.
        cpu, memory_gb: the size of each worker.
        timeout_seconds: absolute age at which the controller ends the session.
        idle_seconds: how long a worker waits for work before it exits.
        task_timeout_seconds: most that one call may take, or None.
        retries: how often a task that raised is tried again.
        retry_on: qualified names of the exception types that are worth it; empty for any.
        attempts: how often a task may take its worker down before it is given up.
        results: ``data`` (nothing that can execute) or ``pickle`` (the analyst opted in).
        capacity: on-demand, Spot, or Spot with on-demand workers where Spot lacks.
        architecture: of the workers; None for the environment's own.
        scratch_gb: ephemeral storage of each worker; None for the workspace's own.
        created: seconds since the epoch, by the client's clock.
        python: ``major.minor`` of the client.
        public_key: base64 of the Ed25519 key that signs functions and inputs.
        data_key: base64 of the KMS-wrapped session key.
        signing_key: base64 of the KMS-wrapped private half, for re-attaching clients.
        labels: free text for people, such as the analysis' name.
        signature: base64 of the client's signature of all other fields, so that none who can
            merely write the object turns ``results`` to ``pickle``; the controller's limits do not
            depend on it.
        max_usd: what its workers may cost in all before the controller ends it, or None.
        seed: what the streams of its tasks are made of; None of a session that has none.
        prepared: whether each process begins with what stands in a sealed object.
        wait_seconds: how long it may wait for room in the totals; None to be refused at once.
        packages: hash of the list of wheels that workers unpack first; None for none.
        starburst: version of the client's release; None of an earlier one.
    """

    workspace: str
    user: str
    session: str
    workers: Whole
    cpu: Size
    memory_gb: Size
    timeout_seconds: Whole
    idle_seconds: Whole
    task_timeout_seconds: Amount | None
    retries: Whole
    attempts: Whole
    results: ResultMode
    capacity: Capacity
    created: Moment
    python: str
    public_key: str
    data_key: str
    signing_key: str
    labels: Mapping[str, str] = field(default_factory=dict)
    max_usd: Amount | None = None
    retry_on: Sequence[str] = ()
    signature: str = ""
    architecture: Architecture | None = None
    scratch_gb: Whole | None = None
    seed: Seed | None = None
    prepared: bool = False
    wait_seconds: Whole | None = None
    packages: str | None = None
    starburst: str | None = None

    @property
    def keys(self) -> SessionKeys:
        """Where the session's objects are."""
        return SessionKeys(workspace=self.workspace, user=self.user, session=self.session)

    @property
    def signed_text(self) -> bytes:
        """What the signature is of: everything else."""
        return replace(self, signature="").to_json()

    def to_json(self) -> bytes:
        """Return the manifest as canonical JSON."""
        document = {"protocol": PROTOCOL, **asdict(self)}
        for name in ("wait_seconds", "packages", "starburst"):
            if document[name] is None:  # an earlier release does not know it
                del document[name]
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """Read a manifest; raise ValueError for another protocol, a missing or a wrong field."""
        fields = read_object(text)
        protocol = fields.pop("protocol", None)
        if not speaks_protocol(protocol):
            release = fields.get("starburst")
            of = f" of starburst {release!r:.80}" if release else ""
            raise ValueError(f"manifest has protocol {protocol}{of}; this side speaks {PROTOCOL}")
        # Never left out, as a document's are: the analyst asks for something that would not happen.
        if unknown := fields.keys() - known_fields(cls, fields):
            raise ValueError(
                f"manifest of starburst {fields.get('starburst')!r:.80} asks for "
                f"{', '.join(sorted(unknown))!r:.80}, which this side's release, {RELEASE}, does "
                "not know: install that release"
            )
        try:
            manifest = fill(cls, fields)
        except ValueError as error:
            raise ValueError(f"manifest is malformed: {error}") from error
        for name, form in _FORMS.items():
            value = getattr(manifest, name)
            if value is not None and not form.fullmatch(value):
                raise ValueError(f"manifest field {name} is {value!r:.80}, which it cannot be")
        for name in ("created", "task_timeout_seconds", "max_usd"):
            if getattr(manifest, name) == 0:
                raise ValueError(f"manifest field {name} is 0; it must be more")
        return manifest
