"""The parts of a report that are read and not looked at: tables, errors, what was asked. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starburst.untrusted.page_text import escaped

from .words import count, dollars, duration, memory, percent, several

if TYPE_CHECKING:
    from starburst._client.history.course import WorkerCourse

    from .facts import Facts

__all__ = ["again", "asked", "errors", "slowest", "workers"]

_SHOWN: Final = 10
_WORKERS: Final = 40
_TRACEBACK: Final = 6_000


def slowest(facts: Facts) -> str:
    """Return the tasks that took longest, with what they were called with."""
    shown = facts.slowest[:_SHOWN]
    places = {place: row for row, (place, _) in enumerate(facts.workers)}
    rows = []
    for each in shown:
        tone = "bad" if each.failed else "slow" if facts.is_straggler(each.seconds) else "ok"
        row = places.get(each.worker)
        times = f"{each.seconds / facts.median:.1f} &times;" if facts.median else ""
        failed = ' <span class="tag bad">failed</span>' if each.failed else ""
        said = f"<code>{escaped(each.input)}</code>" if each.input else ""
        rows.append(
            f'<tr><td class="n">{count(each.number)}</td><td>{said}{failed}</td>'
            f'<td class="n">{duration(each.seconds)}<span class="meter {tone}" '
            f'style="width:{100 * each.seconds / shown[0].seconds:.0f}%"></span></td>'
            f'<td class="n wide">{times}</td>'
            f'<td class="n wide">{memory(each.peak) if each.peak else ""}</td>'
            f'<td class="n wide">{"" if row is None else f"w{row + 1}"}</td></tr>'
        )
    return (
        '<div class="scroll"><table><thead><tr><th class="n">Task</th><th>Called with</th>'
        '<th class="n">Took</th><th class="n wide">Median</th><th class="n wide">Peak</th>'
        f'<th class="n wide">Worker</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def errors(facts: Facts) -> str:
    """Return failures by kind, the most frequent first; each opens to the first one's traceback."""
    kinds = sorted(facts.story.kinds.values(), key=lambda kind: -kind.count)
    found = []
    for number, kind in enumerate(kinds):
        trace = escaped(kind.traceback.strip() or kind.text, most=_TRACEBACK, lines=True)
        said = " ".join(kind.text.split()) or "no message"
        found.append(
            f"<details{' open' * (number == 0)}><summary><b>{_breaking(kind.name)}</b>"
            f'<span class="n">{count(kind.count)}<span class="meter bad" '
            f'style="width:{100 * kind.count / kinds[0].count:.0f}%"></span></span>'
            f'<span class="said">{escaped(said)}</span></summary>'
            f'<p class="note">The first is task {count(kind.number)}:</p><pre>{trace}</pre>'
            "</details>"
        )
    return "".join(found)


def _breaking(name: str) -> str:
    """Return a dotted name that may go on in a new line after each of its dots."""
    return escaped(name, most=120).replace(".", ".<wbr>")


def workers(facts: Facts) -> str:
    """Return what each worker did, and its name in ECS."""
    shown = facts.workers[:_WORKERS]
    rows = "".join(
        f'<tr><td class="n">w{row + 1}</td><td class="n">{count(worker.tasks)}</td>'
        f'<td class="n">{duration(worker.busy)}</td>'
        f'<td class="n wide">{_of_its_time(worker)}</td>'
        f'<td class="n wide">{memory(worker.peak) if worker.peak else ""}</td>'
        f'<td class="n">{count(worker.failed) if worker.failed else ""}</td>'
        f'<td class="n">{count(worker.retries) if worker.retries else ""}</td>'
        f'<td class="wide"><code>{escaped(worker.name, most=40)}</code></td></tr>'
        for row, (_, worker) in enumerate(shown)
    )
    more = len(facts.workers) - len(shown)
    rest = f'<p class="note">And {several(more, "worker")} more.</p>' if more > 0 else ""
    return (
        '<details class="plain"><summary><b>'
        f"{several(len(facts.workers), 'worker')} one by one</b></summary>"
        '<div class="scroll"><table><thead><tr><th class="n">Worker</th><th class="n">Tasks</th>'
        '<th class="n">At work</th><th class="n wide">Of its time</th><th class="n wide">Peak</th>'
        '<th class="n">Failed</th><th class="n">Again</th><th class="wide">Name</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{rest}</details>"
    )


def _of_its_time(worker: WorkerCourse) -> str:
    return escaped(percent(worker.busy / max(worker.last - worker.first, 1e-9)))


def asked(facts: Facts) -> str:
    """Return what the session was asked to be."""
    wanted = facts.manifest
    size = f"{wanted.cpu:g} vCPU and {wanted.memory_gb:g} GB"
    words = [
        ("Workers", f"{wanted.workers}, each with {size}"),
        ("Bought", wanted.capacity + (f", {wanted.architecture}" if wanted.architecture else "")),
        ("Python", wanted.python),
        ("Results", wanted.results),
        ("Ends after", duration(wanted.timeout_seconds)),
    ]
    if wanted.retries:
        kinds = f" on {', '.join(wanted.retry_on)}" if wanted.retry_on else ""
        words.append(("Retries", f"{wanted.retries}{kinds}"))
    if wanted.task_timeout_seconds is not None:
        words.append(("A call may take", duration(wanted.task_timeout_seconds)))
    if wanted.max_usd is not None:
        words.append(("May cost", dollars(wanted.max_usd)))
    if wanted.scratch_gb is not None:
        words.append(("Disk", f"{wanted.scratch_gb} GB"))
    if wanted.seed is not None:
        words.append(("Seed", str(wanted.seed)))
    words += [(key, value) for key, value in wanted.labels.items()]
    rows = "".join(
        f"<dt>{escaped(name, most=60)}</dt><dd>{escaped(said)}</dd>" for name, said in words
    )
    return f'<dl class="facts">{rows}</dl>'


def again(facts: Facts) -> str:
    """Return what the same work would cost, bought in other ways; empty where no price is known."""
    if facts.hour_usd is None or not facts.billed:
        return ""
    hours, (certain, spot) = facts.billed / 3600, facts.hour_usd
    rows = [("This time", facts.usd / hours), ("The same, on demand", certain)]
    rows.append(("The same, on Spot", spot))
    if facts.smaller is not None:
        rows.append((f"On demand, with memory={facts.smaller[0]:g}", facts.smaller[1]))
    lines = "".join(
        f'<tr><td>{escaped(said)}</td><td class="n">{escaped(dollars(usd * hours))}</td></tr>'
        for said, usd in rows
    )
    return (
        f"<table><tbody>{lines}</tbody></table>"
        f'<p class="note">For the same {duration(facts.billed)} of workers\' time, at list price, '
        "without tax and discounts. Spot's price varies; a careful share of the on-demand price "
        "is counted.</p>"
    )
