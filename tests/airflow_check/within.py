"""What is tried within an Airflow's own environment and a local one: every DAG, and a restart."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow import __version__
from parts import Found, kill, outcome, page, said, services, state, until, waits_in

import starburst
from starburst.local.sharing import current

NEW = __version__.startswith("3.")
SERVICES = ("api-server", "scheduler", "dag-processor") if NEW else ("scheduler",)
SMALL = {"workers": 1, "cpu": 0.25, "memory": 0.5}
TRIPLED = {"burst": {"-1": [3 * x for x in range(10)]}}
REPORTED = "https://reports.example.com/restarted"


def main() -> None:
    """Try everything, and write what came of each: no text where all was as it should be."""
    said("db", "migrate")
    print(f"Airflow {__version__}, Python {sys.version.split()[0]}", flush=True)
    found: dict[str, str] = {}

    def tried(what: str, check: Callable[[], object]) -> None:
        if os.environ["STARBURST_CHECK_ONLY"] not in what:
            return
        try:
            check()
        # Whatever a check meets is what it found.
        except Exception:
            found[what] = traceback.format_exc()
        else:
            found[what] = ""
        print(f"  {what}: {found[what] or 'as it should be'}", flush=True)

    for name, check in DAGS.items():
        doc = str(check.__doc__)
        what = f"{name}: {doc[0].lower()}{doc[1:-1]}"
        tried(what, lambda name=name, check=check: run(name, check))
    tried("no session goes on after its DAG", none_is_left)
    tried("the connection's form and the provider are known", is_known)
    with services(*SERVICES):
        tried("a triggerer is killed (-9): one session, all results, a link", restarted)
        tried("a careless trigger starts a second one, which is seen", careless)
    Path(os.environ["STARBURST_CHECK_REPORT"]).write_text(
        json.dumps({"airflow": __version__, "found": found})
    )


def run(name: str, check: Callable[[Found, Found], None]) -> None:
    """Run a DAG to its end, and check what is left of it."""
    log = said("dags", "test", name, may_fail=True)
    states, results = outcome(name)
    assert states, log
    check(states, results)


def deferred(states: Found, results: Found) -> None:
    """A burst that the triggerer waits for, of a function that uses its DAG's file."""
    assert states == {"burst": {"-1": "success"}}, states
    assert results == {"burst": {"-1": [3 * x for x in range(20)]}}, results


def waiting(states: Found, results: Found) -> None:
    """A burst that Airflow's worker waits for, whose results become one value."""
    assert states == {"burst": {"-1": "success"}}, states
    assert results == {"burst": {"-1": 18}}, results


def mapped(states: Found, results: Found) -> None:
    """Mapped tasks have a session each."""
    assert states == {"burst": {"0": "success", "1": "success"}}, states
    assert results == {"burst": {"0": [3, 6], "1": [9]}}, results


def shared(states: Found, results: Found) -> None:
    """A session of setup and teardown, which ends although a burst in it fails."""
    done = {name: state["-1"] for name, state in states.items()}
    assert done == {
        **{"start": "success", "first": "success", "broken": "failed"},
        "end": "success",
    }, done
    assert results["first"] == {"-1": [3, 6]}, results
    started = results["start"]["-1"]
    assert started in begun(), (started, begun())
    assert started not in {each.id for each in starburst.sessions()}


DAGS: dict[str, Callable[[Found, Found], None]] = {
    "deferred": deferred,
    "waiting": waiting,
    "mapped": mapped,
    "shared": shared,
}


def none_is_left() -> None:
    """Look for a session that the DAGs so far have forgotten."""
    left = [each.id for each in starburst.sessions() if each.state in ("starting", "running")]
    assert not left, left


def is_known() -> None:
    """Look at what Airflow makes its list of providers and its form for a connection of."""
    assert "starburst" in said("providers", "list")
    assert "starburst_conn_id" in said("providers", "hooks")
    if NEW:
        return  # the form is looked at where the server runs
    from airflow.providers_manager import ProvidersManager  # noqa: PLC0415 - of Airflow 2
    from airflow.www.forms import create_connection_form_class  # noqa: PLC0415

    choices = create_connection_form_class().conn_type.kwargs["choices"]
    assert ("starburst", "Starburst") in choices, choices
    fields = ProvidersManager().field_behaviours["starburst"]
    assert fields["relabeling"]["host"] == "Environment", fields
    assert fields["hidden_fields"] == ["port"], fields


def restarted() -> None:
    """Kill the triggerer while a burst is deferred; another takes it up, and starts nothing."""
    with burst_through_a_kill("slow") as (before, after):
        assert len(before) == 1, before
        assert after == before, (before, after)
    assert outcome("slow") == ({"burst": {"-1": "success"}}, TRIPLED), outcome("slow")
    assert "<svg" in Path("restarted.html").read_text()
    if not NEW:
        return
    where = "/api/v2/dags/slow/dagRuns/restarted/taskInstances/burst/links"
    links = page(where)["extra_links"]
    assert links == {"Starburst report": REPORTED}, links
    (form,) = [x for x in page("/ui/connections/hook_meta") if x["connection_type"] == "starburst"]
    assert form["hook_name"] == "Starburst", form
    assert form["standard_fields"]["host"]["title"] == "Environment", form


def careless() -> None:
    """Do the same with a trigger that begins a session of its own: the count must see it."""
    with burst_through_a_kill("careless") as (before, after):
        assert after - before, (before, after)


@contextmanager
def burst_through_a_kill(dag: str) -> Iterator[tuple[set[str], set[str]]]:
    """Run a deferred burst whose triggerer is killed; yield the sessions begun until then, and all.

    Sessions are counted by the controller's own records, which stay when a session is erased.
    """
    known = begun()
    with services("triggerer") as (triggerer,):
        until("the DAG is known", lambda: dag in said("dags", "list"))
        said("dags", "unpause", dag)
        said("dags", "trigger", dag, "--run-id", "restarted")
        until("the triggerer waits for it", lambda: has_ended(dag) or waits_in(dag))
        assert not has_ended(dag), outcome(dag)
        first = waits_in(dag)
        if dag == "careless":
            until("its trigger has begun", lambda: has_ended(dag) or len(begun() - known) > 1)
        kill(triggerer)
        before = begun() - known
        assert outcome(dag)[0] == {"burst": {"-1": "deferred"}}, outcome(dag)
    with services("triggerer"):
        until("another triggerer has it", lambda: has_ended(dag) or waits_in(dag) - first)
        if dag == "careless":
            until("its trigger has begun again", lambda: has_ended(dag) or begun() - known > before)
        Path(f"{dag}.open").touch()  # the calls of the burst wait for it
        until("the task has ended", lambda: has_ended(dag))
    yield before, begun() - known


def has_ended(dag: str) -> bool:
    """Whether a DAG's one run is over."""
    return state(dag) in ("success", "failed")


def begun() -> set[str]:
    """Return the sessions that the controller was ever asked to begin, erased or not."""
    local = current()
    assert local is not None
    s3 = local.client(local.root_session(), "s3")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=starburst.connect().document.bucket, Prefix="_control/"
    )
    names = (each["Key"] for page in pages for each in page.get("Contents", ()))
    found = (re.fullmatch(r"_control/(?:active|ended)/([a-z0-9]+)\.json", name) for name in names)
    return {each[1] for each in found if each}


if __name__ == "__main__":
    main()
