"""A worker that holds the data key can neither forge nor replace what a client's tasks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from starburst import Handle, Session
from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._protocol.sealed.code.parcels import Parcel, object_header
from starburst._protocol.sealed.envelope import seal
from starburst._protocol.sealed.signing import SigningKey
from starburst.errors import IntegrityError
from tests.attacks.test_tampering import flipped, ringing, worked
from tests.runtime.conftest import connection, fleet, forked, sdk
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE
from tests.session_internals import data_key, flush

__all__ = ["connection", "fleet", "forked", "sdk"]


def sealed(session: Session, name: str, of: str = "") -> bytearray:
    """Return what somebody with the data key could make of other content."""
    evil = [*Parcel(sections=(b"cos\nsystem\n(S'true'\ntR.",)).parts()]
    header = object_header(of or session.id, name)
    return seal(evil, key=data_key(session), header=header)


def signed_by_another(session: Session, name: str) -> bytes:
    return SigningKey.generate().sign(sealed(session, name))


def unsigned(session: Session, name: str) -> bytes:
    return bytes(sealed(session, name)) + bytes(64)


def empty(session: Session, name: str) -> bytes:
    return b""


@pytest.fixture
def began(connection: Connection, fleet: Fleet, forked: None) -> Iterator[Session]:
    fleet.launch = False
    session = open_session(connection, ONE, progress=False)
    yield session
    session.cleanup(force=True)


def objects(session: Session, fleet: Fleet) -> list[str]:
    """Return the keys of what tasks share, in the order in which it was put."""
    prefix = f"{session.manifest.keys.functions}o"
    found = fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    return [each["Key"] for each in sorted(found, key=lambda each: each["LastModified"])]


def put_two(session: Session, fleet: Fleet) -> tuple[Handle[str], Handle[str], str, str]:
    """Put two values; return their handles and the keys of what was stored."""
    one = session.put("one")
    [first] = objects(session, fleet)
    two = session.put("two")
    [second] = {*objects(session, fleet)} - {first}
    return one, two, first, second


def told(word: str, number: int) -> str:
    return f"{word} {number}"


@pytest.mark.parametrize("forge", [signed_by_another, unsigned, empty, None])
def test_what_was_forged_is_read_by_none_and_fails_those_that_need_it(
    began: Session,
    fleet: Fleet,
    forge: Callable[[Session, str], bytes] | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two, first, second = put_two(began, fleet)
    shared = [began.submit(told, handle, n) for n in range(2) for handle in (one, two)]
    code = began.map(lambda n: one.value, range(2))
    other = began.submit(told, "none", 0)
    flush(began)
    if forge is None:  # one that the client signed, under another name
        body = fleet.s3.get_object(Bucket=BUCKET, Key=second)["Body"].read()
    else:
        body = forge(began, first.rpartition("/")[2])
    fleet.s3.put_object(Bucket=BUCKET, Key=first, Body=body)
    capsys.readouterr()
    worked(began, fleet)
    for future in (*shared[::2], *code):
        with pytest.raises(IntegrityError, match="cannot be used"):
            future.result(60)
    assert [future.result(60) for future in shared[1::2]] == ["two 0", "two 1"]
    assert other.result(60) == "none 0"
    assert ringing(capsys.readouterr().out)
    with pytest.raises(IntegrityError):  # nor is it by the client that put it
        assert one.value
    assert two.value == "two"


def test_one_byte_less_or_other_is_seen_too(began: Session, fleet: Fleet) -> None:
    one, _, first, _ = put_two(began, fleet)
    flipped(fleet, first)
    future = began.submit(told, one, 1)
    flush(began)
    worked(began, fleet)
    with pytest.raises(IntegrityError, match="shares with others"):
        future.result(60)
