"""Pages for people, carried out: commands are run, files are written, and what is printed is held against what is shown.

A page of Markdown is read from above. In a block of ``console``, a line after ``$`` is a command, `# exits N` promises its exit
code (else 0), and the lines below it, up to the next command, are what it prints: ``…`` stands for anything, on a line of its own
for any lines. A block of another language is a file where the line above ends in its path and a colon, as in ``Write `a.yaml`:``.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from stage import Stage, environment

from reconciler.commands.serving import SANDBOX_ORGANISATION, SANDBOX_TOKEN
from reconciler.emulators.adobe.gate import Application
from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.emulators.intercom.knobs import Knobs as IntercomKnobs
from reconciler.emulators.intercom.sample import fill
from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.sandbox import Sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
MAKEFILE = (CHECKOUT / "Makefile").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Command:
    """One command line, the exit code that it promises, and what it shows below; None when it shows nothing."""

    line: str
    code: int
    shown: str | None


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that the page shows."""

    path: str
    text: str


_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"`(?P<path>[\w./-]+\.\w+|tdr\.yaml)`:$")


def steps(page: str) -> Iterator[Command | WrittenFile]:
    """What *page* has its reader do, in order."""
    for block in _BLOCK.finditer(page):
        text = re.sub(rf"^{block['indent']}", "", block["text"], flags=re.MULTILINE)
        if block["language"] == "console":
            yield from _commands(text)
            continue
        above = page[: block.start()].rstrip().rpartition("\n")[2]
        if named := _NAMED.search(above):
            yield WrittenFile(named["path"], text)


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        promised = re.search(r"# exits (\d+)", line)
        yield Command(line, int(promised[1]) if promised else 0, shown.strip("\n") or None)


def fits(shown: str, printed: str) -> bool:
    """Whether *printed* is what *shown* says; blanks at ends of lines are nobody's business."""
    lines = [re.escape(line.rstrip()).replace("…", ".*?") + r"\n" for line in shown.splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line == r".*?\n" else line for line in lines)
    tidy = "".join(line.rstrip() + "\n" for line in printed.strip("\n").splitlines())
    return re.fullmatch(pattern, tidy) is not None


class Reader(AbstractContextManager["Reader"]):
    """Somebody who does what a page says. Sandboxes that it starts end with it."""

    def __init__(self, folder: Path) -> None:
        """Begin in *folder*, which a page fills, with nothing of a vendor in the environment."""
        seen = {key: value for key, value in environment(folder).items() if "PINTEREST" not in key}
        self.stage = Stage(folder, None, seen)
        self._home = folder
        self._running = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def follow(self, page: str, *, files: Mapping[str, str] | None = None) -> int:
        """Do all that *page* says; returns how many commands that were. *files* are written before the first."""
        for path, text in (files or {}).items():
            self.stage.write(path, text)
        done = 0
        for step in steps(page):
            if isinstance(step, WrittenFile):
                self.stage.write(step.path, step.text)
                continue
            self._run(step)
            done += 1
        return done

    def _run(self, command: Command) -> None:
        match shlex.split(command.line, comments=True):
            case ["export", *pairs]:
                self.stage.environ |= dict(pair.split("=", 1) for pair in pairs)
            case ["cd", place]:
                self._go(place)
            case ["make", *targets]:
                assert set(targets) <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)), command.line
            case ["." | "source", ".venv/bin/activate"]:
                pass  # this is the environment that it is about
            case ["rm", "-rf", path]:
                shutil.rmtree(self.stage.folder / path, ignore_errors=True)
            case [("cat" | "mv" | "rm") as verb, *paths]:
                self._holds(command, self._with_files(verb, [self.stage.folder / path for path in paths]))
            case ["tdr", "sandbox", *options]:
                self._sandbox(options)
            case ["python3", file, *_]:
                program = self._running.enter_context(Program(self.stage.folder / file))
                self.stage.environ["TDR_VAR_api"] = program.address
            case ["tdr", *arguments]:
                said = self.stage.tdr(*map(self._with_digest, arguments), expect=command.code)
                self._holds(command, said.out if said.out.strip() else said.err)
            case _:
                raise AssertionError(f"nothing here runs {command.line}")

    @staticmethod
    def _with_files(verb: str, paths: list[Path]) -> str:
        """What `cat`, `mv` and `rm` print."""
        if verb == "cat":
            return "".join(path.read_text(encoding="utf-8") for path in paths)
        if verb == "mv":
            paths[0].rename(paths[1])
        else:
            for path in paths:
                path.unlink()
        return ""

    def _holds(self, command: Command, printed: str) -> None:
        if command.shown is not None:
            assert fits(command.shown, printed), f"$ {command.line}\n{printed}"

    def _go(self, place: str) -> None:
        """Into a copy of an example, or into a folder of the page's own project."""
        if place.startswith("examples/"):
            target = self._home / Path(place).name
            shutil.copytree(CHECKOUT / place, target, ignore=shutil.ignore_patterns("state"))
            self.stage.folder = target
        else:
            self.stage.folder = self.stage.folder / place

    def _sandbox(self, options: list[str]) -> None:
        """At a port of its own in place of the page's, so that pages can run side by side."""
        if "intercom" in options:
            intercom = IntercomSandbox(SANDBOX_TOKEN["INTERCOM_TOKEN"], knobs=IntercomKnobs(calls_per_window=0))
            fill(intercom.intercom.world)
            self.stage.environ["TDR_VAR_intercom"] = self._running.enter_context(intercom).base_url
        elif "adobe" in options:
            org_id, client_id, client_secret = SANDBOX_ORGANISATION.values()
            adobe = AdobeSandbox(Application(client_id, client_secret), org_id=org_id)
            self.stage.environ["TDR_VAR_adobe"] = self._running.enter_context(adobe).base_url
        else:
            accepted = AppCredentials("1234567", "sandbox-client-secret", "pinr.sandbox-refresh-token")
            sandbox = Sandbox(accepted, knobs=Knobs(rate_tier="off"))
            self.stage.sandbox = self._running.enter_context(sandbox)
            self.stage.environ["TDR_VAR_pinterest"] = sandbox.base_url
            self.stage.environ["TDR_VAR_pinterest_port"] = str(urlsplit(sandbox.base_url).port)

    def _with_digest(self, word: str) -> str:
        """*word* with the digest that the newest plan printed, where the page leaves it out."""
        if "sha256:…" not in word:
            return word
        printed = re.findall(r"sha256:[0-9a-f]{64}", "".join(self.stage.heard))
        return word.replace("sha256:…", printed[-1])


class Program(AbstractContextManager["Program"]):
    """A program of an example that serves, at a port of its own; it prints where."""

    def __init__(self, file: Path) -> None:
        """Start it."""
        command = [sys.executable, str(file), "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.address = self._process.stdout.readline().strip() if self._process.stdout else ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
