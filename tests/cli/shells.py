"""Shells as a person has them: on a terminal, with a line being written and a key that completes it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent
LONGEST_S = 60.0
BASH = """\
PS1='ready> '
bind 'set enable-bracketed-paste off'
bind 'set completion-query-items -1'
bind -x '"\\C-t": printf "%s" "$READLINE_LINE" >"$SEEN"'
source <(tdr completion bash)
"""
ZSH = """\
PS1='ready> '
unsetopt zle_bracketed_paste list_beep
autoload -Uz compinit
compinit -u -D
seen() { print -rn -- "$BUFFER" >"$SEEN" }
zle -N seen
bindkey '^T' seen
zle -C every complete-word _generic
bindkey '^[*' every
zstyle ':completion:every::::' completer _all_matches _complete
zstyle ':completion:every:*' insert yes
source <(tdr completion zsh)
"""


def has(shell: str) -> None:
    """Skip, where *shell* is not there."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def offered(shell: str, folder: Path, line: str) -> list[str]:
    """All whole words that may stand at the end of *line*, sorted, as *shell* in *folder* completes it; folders without a slash."""
    return sorted(word.rstrip("/") for word in _offered(shell, folder, line))


def completed(shell: str, folder: Path, line: str) -> str:
    """*line* after the key that completes it; of fish, which has no line without a screen, with the only word there is."""
    if shell != "fish":
        return _typed(shell, folder, line, "\t")
    (only,) = offered(shell, folder, line)
    return line[: line.rfind(" ") + 1] + only


def _offered(shell: str, folder: Path, line: str) -> list[str]:
    if shell == "fish":
        return [text.partition("\t")[0] for text in _fish(folder, line).splitlines()]
    before = line[: max(line.rfind(" "), line.rfind("=")) + 1]
    word = before[before.rfind(" ") + 1 :]
    found = _typed(shell, folder, line, "\033*")
    if found == line:
        return []
    # zsh puts whole words in the place of one, bash what is behind the last `=`.
    assert found.startswith(before if shell == "bash" else before.removesuffix(word)), found
    if shell == "bash":
        return [word + one for one in found[len(before) :].split()]
    return found[len(before) - len(word) :].split()


def environment(folder: Path) -> dict[str, str]:
    """What a shell in *folder* is started with."""
    return {
        "HOME": str(folder),
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        **{name: os.environ[name] for name in ("LD_LIBRARY_PATH", "COVERAGE_PROCESS_START") if name in os.environ},
    }


def _fish(folder: Path, line: str) -> str:
    done = subprocess.run(
        ["fish", "--no-config", "-c", "tdr completion fish | source; complete --do-complete=$argv[1]", line],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=LONGEST_S,
    )
    assert done.stderr == ""
    return done.stdout


def _typed(shell: str, folder: Path, line: str, key: str) -> str:
    """What stands on the line of *shell* after *line* and *key* were typed."""
    seen = folder.parent / "seen"
    seen.unlink(missing_ok=True)
    start = folder.parent / "start"
    start.write_text(BASH if shell == "bash" else ZSH, encoding="utf-8")
    program = ["bash", "--norc", "--noprofile", "-i"] if shell == "bash" else ["zsh", "-f", "-i"]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        wanted = environment(folder) | {"SEEN": str(seen), "PS1": "started> "}
        os.execvpe(program[0], program, wanted)  # noqa: S606 - a shell, on purpose
    try:
        _wait_for(terminal, b"started> ")
        os.write(terminal, f". '{start}'\r".encode())
        _wait_for(terminal, b"ready> ")
        os.write(terminal, (line + key).encode())
        os.write(terminal, b"\x14")
        deadline = time.monotonic() + LONGEST_S
        while not seen.exists() and time.monotonic() < deadline:
            _heard(terminal)
        _heard(terminal)
        return seen.read_text(encoding="utf-8")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


def _wait_for(terminal: int, prompt: bytes) -> None:
    heard = b""
    deadline = time.monotonic() + LONGEST_S
    while prompt not in heard and time.monotonic() < deadline:
        heard += _heard(terminal)
    assert prompt in heard, heard


def _heard(terminal: int) -> bytes:
    if not select.select([terminal], [], [], 0.1)[0]:
        return b""
    return os.read(terminal, 65536)
