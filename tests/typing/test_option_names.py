"""What editors are told of options is what the options are."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any, get_type_hints

import starburst
from starburst import SessionOptions
from starburst._client.options import SessionOptionNames

CALLS = Path(__file__).with_name("calls.py")

MAP_DOES_NOT_TAKE = {"session_timeout", "idle_timeout", "attempts", "labels"}
"""They are for sessions that outlive a call."""


def defaults() -> dict[str, Any]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(SessionOptions).parameters.items()
    }


def test_keywords_of_sessions_and_executors_are_the_fields_of_their_options() -> None:
    assert get_type_hints(SessionOptionNames) == get_type_hints(SessionOptions)
    assert not SessionOptionNames.__required_keys__


def test_map_takes_options_under_the_names_types_and_defaults_of_a_session() -> None:
    hints, fields = get_type_hints(starburst.map), get_type_hints(SessionOptions)
    parameters = inspect.signature(starburst.map).parameters
    shared = set(fields) - MAP_DOES_NOT_TAKE
    assert not MAP_DOES_NOT_TAKE & set(parameters)
    assert {name: hints[name] for name in shared} == {name: fields[name] for name in shared}
    assert {name: parameters[name].default for name in shared} == {
        name: default for name, default in defaults().items() if name in shared
    }


def test_checkers_are_asked_about_everything_public_that_is_called() -> None:
    """Exceptions are caught, not called."""
    tree = ast.parse(CALLS.read_text())
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    asked |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    public = {
        name
        for name in starburst.__all__
        if callable(found := getattr(starburst, name))
        and not (isinstance(found, type) and issubclass(found, BaseException))
    }
    assert len(public) > 10
    assert public - asked == set()
