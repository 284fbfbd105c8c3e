"""Documents are written whole or not at all, and never over what is there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.adoption.writing import File, write
from reconciler.errors import TdrError

SIZE = 200_000
WRITER = """\
import sys
from pathlib import Path
from reconciler.adoption.writing import File, write
for number in range(100_000):
    write(Path(sys.argv[1]), [File(f"manifests/queries/{number}.yaml", "x" * int(sys.argv[2]))])
    if number == 0:
        print("begun", flush=True)
"""


@pytest.mark.parametrize("attempt", range(3))
def test_a_writer_that_is_killed_leaves_whole_documents_only(tmp_path: Path, attempt: int) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(SIZE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        while len(list(tmp_path.glob("manifests/queries/*.yaml"))) < 20 * (attempt + 1):
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)

    written = list(tmp_path.glob("manifests/queries/*.yaml"))
    assert written
    assert {path.stat().st_size for path in written} == {SIZE}


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "taken.yaml").write_text("mine")

    with pytest.raises(TdrError, match=r"'taken\.yaml' cannot be written"):
        write(tmp_path, [File("new.yaml", "new"), File("taken.yaml", "theirs"), File("later.yaml", "later")])

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"new.yaml": "new", "taken.yaml": "mine"}


def test_one_of_two_writers_of_a_document_wins_and_the_other_is_told(tmp_path: Path) -> None:
    assert write(tmp_path, [File("a/b.yaml", "first")]) == ["a/b.yaml"]

    with pytest.raises(TdrError, match="cannot be written"):
        write(tmp_path, [File("a/b.yaml", "second")])

    assert (tmp_path / "a/b.yaml").read_text() == "first"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.yaml"]
