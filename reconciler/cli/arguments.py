"""Options may stand before the verb or after it; here each is put where its command looks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.errors import UsageError

TELLS_WHAT_WON: Final = ("version",)
"""The verb that takes every option of the others, only to tell what it would be."""


@dataclass(frozen=True, slots=True)
class Line:
    """A command line, put in order.

    verb: the way to the command, such as ``("state", "list")``; () where no command is named.
    arguments: what click reads.
    told: of options that the verb only tells of: name -> value, "true" for a flag.
    """

    verb: tuple[str, ...]
    arguments: tuple[str, ...]
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of one command.

    names: all its spellings.
    opposites: those of them that say no, such as ``--offline`` of ``--online``.
    takes_value: False for a flag.
    """

    names: tuple[str, ...]
    opposites: tuple[str, ...]
    takes_value: bool
    parameter: Any = field(repr=False)

    @property
    def name(self) -> str:
        """The long one; of a pair such as ``--online/--offline`` the first."""
        return str(max(self.parameter.opts, key=len))


def commands(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands below *tree* that do something, with the way to each, sorted."""
    for name, command in sorted(getattr(tree, "commands", {}).items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def options(command: Any) -> Iterator[Option]:
    """The options of one command, help left out."""
    for parameter in command.params:
        if parameter.param_type_name == "option" and "--help" not in parameter.opts:
            opposites = tuple(parameter.secondary_opts)
            yield Option(
                (*parameter.opts, *opposites), opposites, not (parameter.is_flag or parameter.count), parameter
            )


def arranged(tree: Any, arguments: Sequence[str]) -> Line:
    """*arguments* with each option behind the command that knows it.

    Raises:
        UsageError: the verb does not know an option that others know.
    """
    return _Arranging(tree, arguments).line()


class _Arranging:
    """One command line on its way."""

    def __init__(self, tree: Any, arguments: Sequence[str]) -> None:
        self._tree = tree
        self._left = list(arguments)
        self._own = _spellings(tree)
        self._every: dict[str, bool] = {}
        for _, command in commands(tree):
            self._every |= _spellings(command)

    def line(self) -> Line:
        front: list[str] = []
        moved: list[list[str]] = []
        verb: list[str] = []
        command = self._tree
        while self._left and hasattr(command, "commands"):
            if is_option(self._left[0]):
                name, tokens = self._take(self._own | self._every)
                if name in self._every and name not in self._own:
                    moved.append(tokens)
                else:
                    front += tokens
            elif self._left[0] in command.commands:
                verb.append(self._left.pop(0))
                command = command.commands[verb[-1]]
            else:
                break
        if not verb or hasattr(command, "commands"):
            return Line(tuple(verb), (*front, *verb, *self._left))
        known = _spellings(command)
        after: list[list[str]] = []
        while self._left:
            if not is_option(self._left[0]):
                count = len(self._left) if self._left[0] == "--" else 1
                after.append([self._left.pop(0) for _ in range(count)])
                continue
            name, tokens = self._take(self._every | self._own | known)
            if name in self._own and name not in known:
                front += tokens
            else:
                after.append(tokens)
        return self._line(tuple(verb), front, [*moved, *after], known)

    def _line(self, verb: tuple[str, ...], front: list[str], rest: list[list[str]], known: Mapping[str, bool]) -> Line:
        kept: list[str] = []
        told: dict[str, str] = {}
        for tokens in rest:
            name = name_of(tokens[0]) if is_option(tokens[0]) else ""
            if not name or name in known or name not in self._every:
                kept += tokens
            elif verb == TELLS_WHAT_WON:
                told[name] = tokens[0].partition("=")[2] or (tokens[1] if len(tokens) > 1 else "true")
            else:
                raise UsageError(f"`tdr {' '.join(verb)}` has no option {name}", hint=f"it goes with {self._who(name)}")
        return Line(verb, (*front, *verb, *kept), told)

    def _who(self, name: str) -> str:
        return ", ".join(" ".join(verb) for verb, command in commands(self._tree) if name in _spellings(command))

    def _take(self, known: Mapping[str, bool]) -> tuple[str, list[str]]:
        """The next option and its value."""
        token = self._left.pop(0)
        if not wants_next(token, known) or not self._left:
            return name_of(token), [token]
        return name_of(token), [token, self._left.pop(0)]


def _spellings(command: Any) -> dict[str, bool]:
    return {name: one.takes_value for one in options(command) for name in one.names}


def is_option(token: str) -> bool:
    """Whether *token* is an option, of one letter or long."""
    return token.startswith("-") and token not in {"-", "--"}


def name_of(token: str) -> str:
    """The spelling of the option that *token* begins with."""
    return token.partition("=")[0] if token.startswith("--") else token[:2]


def wants_next(token: str, known: Mapping[str, bool]) -> bool:
    """Whether the value of an option is the token after it."""
    if token.startswith("--"):
        return known.get(token, False)
    for place, letter in enumerate(token[1:], start=1):
        takes_value = known.get(f"-{letter}")
        if takes_value is None:
            return False
        if takes_value:
            return place == len(token) - 1
    return False
