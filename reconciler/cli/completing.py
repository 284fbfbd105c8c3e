"""What may stand where the cursor is: verbs, options, what an option takes, and what the project names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Final, get_args

from reconciler.cli import glance, reporting
from reconciler.cli.arguments import Option, commands, is_option, name_of, options, wants_next
from reconciler.cli.precedence import value_of
from reconciler.reports.formats import Format

_SETTINGS_KINDS: Final = ("Project", "Environment")
"""What `tdr schema` knows beside kinds."""
_FIRST_SENTENCE: Final = re.compile(r"(.+?)(?:[.;:](?:\s|$)|$)")


class Paths(StrEnum):
    """What of the disk may stand there too."""

    NONE = "none"
    FILES = "files"
    FOLDERS = "folders"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a word may be.

    words: each whole word -> what it means, "" where it says so itself. One that ends in ``=`` goes on.
    before: how many characters of the word stand before a path, such as 5 of ``json=``.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    paths: Paths = Paths.NONE
    before: int = 0


def offer(tree: Any, words: Sequence[str], current: str) -> Offer:
    """What may stand in the place of *current*, of which a part may be written, after *words* (`tdr` itself left out)."""
    line = _Line(tree, words)
    if line.awaited is not None:
        found = line.values(line.awaited, current)
    elif not line.only_arguments and current.startswith("--") and "=" in current:
        found = _behind_equals(line, current)
    elif not line.only_arguments and current.startswith("-"):
        found = Offer(dict(line.spellings(current)))
    else:
        found = line.arguments(current)
    return Offer(
        {word: about for word, about in found.words.items() if word.startswith(current)}, found.paths, found.before
    )


def _behind_equals(line: _Line, current: str) -> Offer:
    name, _, value = current.partition("=")
    option = line.known.get(name)
    if option is None or not option.takes_value:
        return Offer()
    found = line.values(option, value)
    within = {f"{name}={word}": about for word, about in found.words.items()}
    return Offer(within, found.paths, found.before + len(name) + 1)


class _Line:
    """A command line up to the cursor.

    verb: the way to the command. known: spelling -> option that may stand here. awaited: the option whose value comes next.
    given: spellings of the options that are there. arguments_before: how many arguments are. only_arguments: after ``--``.
    """

    def __init__(self, tree: Any, words: Sequence[str]) -> None:
        self.words = words
        self.command = tree
        self.verb: tuple[str, ...] = ()
        self.awaited: Option | None = None
        self.given: set[str] = set()
        self.arguments_before = 0
        self.only_arguments = False
        self._own = _by_spelling([tree])
        self._every = _by_spelling(command for _, command in commands(tree))
        for word in words:
            self._go_past(word)

    @property
    def known(self) -> Mapping[str, Option]:
        """Before the verb that of every verb, for they may stand there; then its own, and those of all."""
        theirs = self._every if self._has_verbs else _by_spelling([self.command])
        return {**self._own, **theirs}

    @property
    def _has_verbs(self) -> bool:
        return hasattr(self.command, "commands")

    def _go_past(self, word: str) -> None:
        if self.awaited is not None:
            self.awaited = None
        elif self.only_arguments:
            self.arguments_before += 1
        elif word == "--":
            self.only_arguments = True
        elif is_option(word):
            known, name = self.known, name_of(word)
            self.given.add(name)
            if wants_next(word, {spelling: one.takes_value for spelling, one in known.items()}):
                # Of letters that stand together the last takes the value.
                self.awaited = known.get(name) if word.startswith("--") else known.get(f"-{word[-1]}")
        elif self._has_verbs and word in self.command.commands:
            self.command = self.command.commands[word]
            self.verb = (*self.verb, word)
        else:
            self.arguments_before += 1

    def spellings(self, current: str) -> Iterator[tuple[str, str]]:
        """The long names of options that may still come. A bare dash before the verb asks for those of all verbs only."""
        bare = current in {"-", "--"} and self._has_verbs
        for spelling, option in sorted((self._own if bare else self.known).items()):
            again = option.parameter.multiple or option.parameter.count
            if (
                spelling.startswith("--")
                and not option.parameter.hidden
                and (again or self.given.isdisjoint(option.names))
            ):
                yield spelling, _first_sentence(option.parameter.help)
        yield "--help", "Show what there is, and exit"

    def arguments(self, current: str) -> Offer:
        """What an argument may be: a verb, where one is missing."""
        if self._has_verbs:
            if self.arguments_before:
                return Offer()
            return Offer(
                {
                    name: _first_sentence(command.help)
                    for name, command in sorted(self.command.commands.items())
                    if not command.hidden
                }
            )
        wanted = [one for one in self.command.params if one.param_type_name == "argument"]
        if not wanted:
            return Offer() if self.only_arguments else Offer(dict(self.spellings(current)))
        if self.arguments_before < len(wanted):
            return self._values(wanted[self.arguments_before], "", current)
        return self._values(wanted[-1], "", current) if wanted[-1].nargs == -1 else Offer()

    def values(self, option: Option, current: str) -> Offer:
        """What *option* takes."""
        return self._values(option.parameter, option.name, current)

    def _values(self, parameter: Any, name: str, current: str) -> Offer:
        shape, enumerated = parameter.metavar or "", _enumerated(parameter)
        if name == "--report":
            return self._report(current)
        if enumerated is not None:
            made = reporting.formats_of(" ".join(self.verb))
            return _of(str(one.value) for one in enumerated if not isinstance(one, Format) or one in made)
        if name in _LISTED:
            return _of(_LISTED[name](self._start))
        if ("ADDRESS" in shape or shape == "FROM") and not current.startswith("@"):
            return _of(glance.addresses(self._start))
        if shape == "[KIND]":
            return _of((*_kinds(self._start), *(_SETTINGS_KINDS if self.verb == ("schema",) else ())))
        return _paths(parameter, shape)

    def _report(self, current: str) -> Offer:
        made, equals, _ = current.partition("=")
        if equals:
            return Offer(paths=Paths.FILES, before=len(made) + 1)
        return _of(f"{name}=" for name in reporting.reports_of(" ".join(self.verb)))

    @property
    def _start(self) -> Path:
        given = value_of(self.words, ("--directory", "-C")) or os.environ.get("TDR_DIRECTORY")
        return Path(given or ".")


def _by_spelling(several: Iterable[Any]) -> dict[str, Option]:
    return {name: one for command in several for one in options(command) for name in one.names}


def _of(words: Iterable[str]) -> Offer:
    """Words that say themselves what they mean."""
    return Offer(dict.fromkeys(words, ""))


def _paths(parameter: Any, shape: str) -> Offer:
    """Files or folders, where it is one of them; and the words that may stand instead, such as ``local`` of ``local|FILE``."""
    if "ADDRESS" in shape:
        return Offer(paths=Paths.FILES, before=len("@"))
    if "DIR" in shape or "FOLDER" in shape:
        return Offer(paths=Paths.FOLDERS)
    instead = dict.fromkeys((word for word in shape.split("|") if word.islower()), "")
    annotation = parameter.type_descriptor.annotation
    is_path = Path in {annotation, *get_args(annotation)} or any(one in shape for one in ("FILE", "PLAN_", "PATH"))
    return Offer(instead, Paths.FILES if is_path else Paths.NONE)


def _enumerated(parameter: Any) -> type[Enum] | None:
    annotation = parameter.type_descriptor.annotation
    return next(
        (one for one in (annotation, *get_args(annotation)) if isinstance(one, type) and issubclass(one, Enum)), None
    )


def _first_sentence(text: str | None) -> str:
    told = " ".join((text or "").split())
    found = _FIRST_SENTENCE.match(told)
    return found[1] if found else told


def _kinds(_start: Path) -> Iterable[str]:
    from reconciler.model.kinds import KINDS

    return KINDS


def _zones(_start: Path) -> Iterable[str]:
    from zoneinfo import available_timezones

    return sorted(available_timezones())


_LISTED: Final[Mapping[str, Callable[[Path], Iterable[str]]]] = {
    "--env": glance.environments,
    "--kind": lambda start: (kind.lower() for kind in _kinds(start)),
    "--timezone": _zones,
    "--dialect": lambda _start: ("classic", "documented"),
}
"""Option -> what it may be in the project around a folder."""
