"""A session whose controller and client die with its workers at work: these must end themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._protocol.status import StatusDocument
from starburst.contract.times import GONE_SECONDS
from tests.runtime.fleet import BUCKET
from tests.session_internals import flush, in_one_pack

from .order.notes import What
from .workload import perform

if TYPE_CHECKING:
    from .world import World

__all__ = ["abandon"]

_USER: Final = "carol"
_LIFE_SECONDS: Final = 90
_LOOK_SECONDS: Final = 5.0
_TIDIED_SECONDS: Final = 1800.0


def abandon(world: World, *, busy: bool = True) -> tuple[list[str], list[float]]:
    """Play it; return what was wrong, and how long each worker outlived its session's deadline.

    The controller is back once all should be over.

    Args:
        world: where.
        busy: whether one of two workers is in the midst of a task, which never ends, or ends once
            its worker hears SIGTERM; else both wait for work.
    """
    sky, cloud = world.sky, world.cloud
    place = world.directory / "abandoned"
    place.mkdir()
    options = SessionOptions(workers=2, idle_timeout=3600, session_timeout=_LIFE_SECONDS)
    session = open_session(world.connection(user=_USER), options, progress=False)
    with in_one_pack(session):
        session.map(perform, [(0, "held" if busy else "square", str(place))])
        session.map(perform, [(1, "square", str(place))])
    flush(session)

    def noted(what: What) -> bool:
        return any(note.what is what and note.session == session.id for note in sky.notes.all)

    while not noted(What.GIVEN):
        sky.clock.sleep(_LOOK_SECONDS)
    sky.clock.sleep(2 * _LOOK_SECONDS)
    cloud.dead = True
    session.detach()
    text = sky.s3.get_object(Bucket=BUCKET, Key=session.manifest.keys.status)["Body"].read()
    deadline = StatusDocument.from_json(text).deadline
    mine = [task for task in cloud.tasks.values() if task["startedBy"] == session.id]
    hears = world.plan.number("hears SIGTERM") < 0.5
    while _left(mine) and sky.clock.time() < deadline + GONE_SECONDS + _LOOK_SECONDS:
        sky.clock.sleep(_LOOK_SECONDS)
        if hears and noted(What.SIGTERM):
            (place / "go").touch()
    wrong = [
        f"{name} still runs {sky.clock.time() - deadline:.0f} s after its session's deadline"
        for name in _left(mine)
    ]
    # Whoever is left is for the controller, which is there again.
    (place / "go").touch()
    cloud.dead = False
    back = sky.clock.monotonic()
    cloud.sweep()
    while _left(mine) and sky.clock.monotonic() - back < _TIDIED_SECONDS:
        sky.clock.sleep(_LOOK_SECONDS)
        cloud.sweep()
    began = sky.clock.time() - sky.clock.monotonic()
    ends = [n for n in sky.notes.all if n.what is What.ENDED and n.session == session.id]
    late = [began + note.at - deadline for note in ends]
    wrong += [f"{n.who} ended {-s:.0f} s early" for n, s in zip(ends, late, strict=True) if s < 0]
    return wrong, late


def _left(tasks: list[dict[str, object]]) -> list[object]:
    return [task["taskArn"] for task in tasks if task["lastStatus"] != "STOPPED"]
