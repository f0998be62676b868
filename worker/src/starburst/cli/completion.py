"""``starburst completion``: what has a shell complete our commands, options and their choices.

The script is made of the parser itself, so it knows what this release has, and runs no Python when
a person presses Tab. Completing sessions would ask AWS, so it does not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any, Final

from starburst.untrusted.terminal_text import tell

from .where import add_command

__all__ = ["add_completion"]

_SHELLS: Final = ("bash", "zsh")
_ZSH: Final = """\
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit -i
bashcompinit
"""
"""A start-up file that has loaded completions already does so no second time."""

_SCRIPT: Final = """\
# Completion of starburst {version}. Load it with: {load}
_starburst() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before= path= known= each
    (( COMP_CWORD )) && before=${{COMP_WORDS[COMP_CWORD-1]}}
    for each in "${{COMP_WORDS[@]:1:$((COMP_CWORD-1))}}"; do
        case "$path $each" in
            {paths}) path="$path $each" ;;
        esac
    done
    COMPREPLY=()
    case "$path $before" in
{choices}
    esac
    if [[ -z $known ]]; then
        case "$path" in
{words}
        esac
    fi
    if [[ -z $known || ( $known == -* && $word != -* ) ]]; then
        local IFS=$'\\n'
        COMPREPLY=($(compgen -f -- "$word"))
    else
        COMPREPLY=($(compgen -W "$known" -- "$word"))
    fi
}}
complete -o filenames -F _starburst starburst
"""
_LOADS: Final = {
    "bash": 'eval "$(starburst completion bash)", for example in ~/.bashrc',
    "zsh": 'eval "$(starburst completion zsh)", for example in ~/.zshrc',
}


def add_completion(commands: Any, parser: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the command.

    Args:
        commands: to which it is added.
        parser: of the whole command line.
    """
    command = add_command(
        commands,
        "completion",
        lambda given: _completion(parser, given.shell),
        "print what has a shell complete commands and options",
    )
    command.add_argument("shell", choices=_SHELLS, help="for whose start-up file it is")


def _completion(parser: argparse.ArgumentParser, shell: str) -> None:
    from starburst import __version__  # noqa: PLC0415 - kept together with its use

    known = dict(_known(parser))
    indent = " " * 8
    script = _SCRIPT.format(
        version=__version__,
        load=_LOADS[shell],
        paths="|".join(f'"{path}"' for path in known if path),
        choices="\n".join(
            f'{indent}"{path} {option}") known="{" ".join(values)}" ;;'
            for path, inner in known.items()
            for option, values in _choices(inner)
        ),
        words="\n".join(
            f'{indent}    "{path}") known="{" ".join(_words(inner))}" ;;'
            for path, inner in known.items()
        ),
    )
    tell((_ZSH if shell == "zsh" else "") + script.rstrip("\n"), sys.stdout)


def _known(
    parser: argparse.ArgumentParser, path: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield each command's parser by the words that lead to it, each after a space."""
    yield path, parser
    for name, inner in _commands(parser).items():
        yield from _known(inner, f"{path} {name}")


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """Return the commands of a parser, its choices that need no option, and its options."""
    words = [*_commands(parser)]
    for action in parser._actions:
        if not action.option_strings and not words:
            words += [str(each) for each in action.choices or ()]
    return [*words, *(each for each in _options(parser) if each.startswith("--"))]


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [each for action in parser._actions for each in action.option_strings]


def _choices(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str]]]:
    for action in parser._actions:
        for option in action.option_strings if action.choices else ():
            yield option, [str(each) for each in action.choices or ()]
