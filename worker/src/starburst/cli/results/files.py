"""Results as files: JSON lines, CSV and Parquet for tables, pickle for anything."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starburst.errors import ConfigurationError, StarburstError, TaskError
from starburst.untrusted.terminal_text import tell

from .formulas import write_csv

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STDOUT", "Count", "Task", "check_out", "write_results"]

STDOUT: Final = "-"

Task = tuple[int, object, BaseException | None, bool]
"""A task's number, its result, why it failed, and whether it is done."""

_FORMS: Final = (".csv", ".jsonl", ".parquet", ".pickle")
_PANDAS: Final = (".csv", ".parquet")


@dataclass(kw_only=True, slots=True)
class Count:
    """How the tasks ended whose results were written.

    Attributes:
        results, failed, cancelled, left: how many did so; left are those not done yet.
        defused: cells of a CSV file that a spreadsheet would have taken for formulas.
    """

    results: int = 0
    failed: int = 0
    cancelled: int = 0
    left: int = 0
    defused: int = 0

    @property
    def total(self) -> int:
        """All tasks of the session."""
        return self.results + self.failed + self.cancelled + self.left

    def to_data(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)

    def __str__(self) -> str:
        """Say what of the tasks is written, and what is not."""
        words = [f"{self.results:,} of {self.total:,} results written"]
        words += [f"{self.failed:,} failed"] * (self.failed > 0)
        words += [f"{self.cancelled:,} cancelled"] * (self.cancelled > 0)
        words += [f"{self.left:,} not done yet"] * (self.left > 0)
        if self.defused:
            several = self.defused != 1
            words.append(
                f"{self.defused:,} text{'s' * several} that a spreadsheet would take for a formula "
                f"begin{'s' * (not several)} with ' now; .parquet and .jsonl keep what it was"
            )
        return ", ".join(words)


def check_out(out: str, *, replace: bool) -> None:
    """Refuse what results cannot be written to, before anything is asked.

    Raises:
        ConfigurationError: it says why.
    """
    if out == STDOUT:
        return
    path = Path(out)
    if path.suffix not in _FORMS:
        raise ConfigurationError(
            f"--out {out}: its name tells the form, so end it with one of {', '.join(_FORMS)}"
        )
    if not path.absolute().parent.is_dir():
        raise ConfigurationError(f"--out {out}: there is no folder {path.parent}; make it first")
    if path.exists() and not replace:
        raise ConfigurationError(f"--out {out} is there already: pass --force to replace it")
    if path.suffix in _PANDAS and find_spec("pandas") is None:
        raise ConfigurationError(
            f"--out {out} needs pandas, which is not installed: pip install 'starburst[arrow]', "
            "or write .jsonl or .pickle"
        )


def write_results(out: str, tasks: Iterable[Task]) -> Count:
    """Write the results of tasks; a file is there as a whole, or not at all.

    Raises:
        ConfigurationError: a result has no form there.
    """
    count = Count()
    counted = _counted(tasks, count)
    if out == STDOUT:
        _json_lines(counted, lambda line: tell(line, sys.stdout))
        return count
    path = Path(out)
    with _replacing(path) as part:
        if path.suffix == ".jsonl":
            with part.open("w", encoding="utf-8") as file:
                _json_lines(counted, lambda line: file.write(line + "\n"))
        elif path.suffix == ".pickle":
            with part.open("wb") as file:
                pickle.dump(
                    [value if error is None else _plain(error) for _, value, error, _ in counted],
                    file,
                    protocol=5,
                )
        else:
            table = _table(counted)
            if path.suffix == ".csv":
                count.defused = write_csv(table, part)
            else:
                table.to_parquet(part, index=False)
    return count


def _counted(tasks: Iterable[Task], count: Count) -> Iterator[Task]:
    """Yield the tasks that are done, and count all."""
    from concurrent.futures import CancelledError  # noqa: PLC0415 - slow to import

    for task in tasks:
        _, _, error, done = task
        if not done:
            count.left += 1
            continue
        if error is None:
            count.results += 1
        elif isinstance(error, CancelledError):
            count.cancelled += 1
        else:
            count.failed += 1
        yield task


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise StarburstError(f"cannot write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _json_lines(tasks: Iterable[Task], write: Callable[[str], object]) -> None:
    for number, value, error, _ in tasks:
        if error is not None:
            said = {"type": _kind(error), "message": str(error)}
            write(json.dumps({"task": number, "error": said}))
            continue
        try:
            write(json.dumps({"task": number, "result": value}, default=_as_json))
        except (TypeError, ValueError) as refused:
            raise ConfigurationError(
                f"the result of task {number} has no form in JSON ({refused}): write it with "
                "--out results.pickle, or frames with --out results.parquet"
            ) from refused


def _as_json(value: Any) -> Any:  # noqa: ANN401 - what json cannot write
    """Return arrays as lists, moments as ISO text, and dataclasses as dictionaries."""
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"it holds a {type(value).__qualname__}")


def _table(tasks: Iterable[Task]) -> pd.DataFrame:
    """Return the rows of all frames, or a row of each dictionary, and the task that each is of."""
    import pandas as pd  # noqa: PLC0415 - optional, and slow to import

    frames = []
    for number, value, error, _ in tasks:
        if error is not None:
            continue
        if isinstance(value, dict):
            value = pd.DataFrame([value])  # noqa: PLW2901 - the same in another form
        if not isinstance(value, pd.DataFrame):
            raise ConfigurationError(
                f"the result of task {number} is a {type(value).__qualname__}, neither a pandas "
                "frame nor a dictionary, so it is no rows of a table: write it with --out "
                "results.jsonl or results.pickle"
            )
        if "task" in value.columns:
            raise ConfigurationError(
                f"the result of task {number} has a column 'task', where the number of its task "
                "is to stand: write it with --out results.pickle"
            )
        frames.append(value.assign(task=number))
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"task": []})
    table.insert(0, "task", table.pop("task"))
    return table


def _kind(error: BaseException) -> str:
    return getattr(error, "type_name", "") or type(error).__qualname__


def _plain(error: BaseException) -> TaskError:
    """Return an error as one that any process with Starburst can load."""
    return TaskError(f"{_kind(error)}: {error}", type_name=_kind(error))
