"""What every verb takes: how much it says, how long it may take, and files with values."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from stage import TDR, Stage, ended

# -- how much is said -------------------------------------------------------------------------------------------------------


def test_quiet_leaves_results_and_errors(project: Stage) -> None:
    loud = project.tdr("apply", "--yes")
    assert "database/shop: done create" in loud.err

    quiet = project.tdr("destroy", "--yes", "--env", "local", "--quiet")
    assert quiet.out.endswith("\nApply: 4 done.\n")
    assert quiet.err == ""

    refused = project.tdr("--quiet", "apply", expect=64)
    assert "nobody is there to ask" in refused.err


def test_one_quiet_command_does_not_hush_the_next(project: Stage) -> None:
    project.tdr("-q", "plan")

    assert "database/shop: done create" in project.tdr("apply", "--yes").err


def test_lines_of_the_log_are_objects_when_asked(project: Stage) -> None:
    served = project.process("apply", "--yes", "--quiet", "--log-format", "json", TDR_LOG="debug")

    lines = [json.loads(line) for line in served.err.splitlines()]
    assert lines
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)

    pairs = project.process("plan", TDR_LOG="debug")
    assert "event='" in pairs.err


def test_lines_of_the_log_say_which_run_and_which_operation_they_belong_to(project: Stage) -> None:
    told = project.process("apply", "--yes", "--quiet", "--log-format", "json", TDR_LOG="debug")

    lines = [json.loads(line) for line in told.err.splitlines()]
    (run,) = project.tdr("history", "--format", "json").document["runs"]
    assert {line["run"] for line in lines} == {run["run"]}
    made = [line for line in lines if "/database/create/shop" in line.get("call", "")]
    assert [(line["address"], len(line["op"])) for line in made] == [("database/shop", 12)]
    assert [line for line in lines if "address" not in line], "what is read before belongs to no operation"


def test_runs_have_names_of_their_own(project: Stage) -> None:
    told = [project.process("plan", "--log-format", "json", TDR_LOG="debug").err.splitlines() for _ in range(2)]

    first, second = ({json.loads(line)["run"] for line in lines if line.startswith("{")} for lines in told)
    assert len(first) == len(second) == 1
    assert first != second


def test_an_unknown_form_of_the_log_is_a_wrong_command_line(project: Stage) -> None:
    assert "papyrus" in project.tdr("plan", "--log-format", "papyrus", expect=64).err


# -- how long it may take -----------------------------------------------------------------------------------------------------


@pytest.fixture
def called() -> threading.Event:
    """Set when the silent vendor has been called."""
    return threading.Event()


@pytest.fixture
def silent(project: Stage, called: threading.Event) -> Iterator[Stage]:
    """The project at a vendor that takes every call and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(server.accept()[0])
                    called.set()

        threading.Thread(target=take, daemon=True).start()
        port = server.getsockname()[1]
        project.write(
            "manifests/environments/local.yaml",
            f"treasure_data: {{endpoint: 'http://127.0.0.1:{port}', api_key: '${{secret:env:TD_API_KEY}}'}}\n",
        )
        project.environ["TD_API_KEY"] = "1/0123abcd"
        yield project
        server.shutdown(socket.SHUT_RDWR)
        for one in taken:
            one.close()


SPOILS = """
import signal, sys
from reconciler.cli import looking, main

def compiled(*_, **__):
    try:
        signal.pause()
    except BaseException:
        pass
    raise ImportError("initialization failed")

looking.runtime_of = compiled
main.run()
"""
"""What modules in C do whose loading a signal comes into: they say that they cannot be loaded, and not why."""


def test_a_time_that_is_over_while_something_is_loaded_is_told_as_such(project: Stage) -> None:
    process = project.start([sys.executable, "-c", SPOILS, "status", "--timeout", "1s"])
    _, err = ended(process)

    assert "the time given by --timeout is over" in err
    assert "a bug" not in err
    assert process.returncode == 1


@pytest.mark.parametrize("arguments", [("plan",), ("apply", "--yes"), ("doctor",)])
def test_a_vendor_that_never_answers_is_left_when_the_time_is_over(silent: Stage, arguments: tuple[str, ...]) -> None:
    said = silent.process(*arguments, "--timeout", "1s", expect=1)

    assert "the time given by --timeout is over" in said.err
    silent.tdr("lock", "status")
    assert silent.records() == {}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_anything_is_written_ends_at_once(
    silent: Stage, called: threading.Event, number: int, code: int
) -> None:
    running = subprocess.Popen(
        [TDR, "apply", "--yes"],
        cwd=silent.folder,
        env=silent.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    called.wait()
    running.send_signal(number)
    _, told = running.communicate()

    assert running.returncode == code, told
    assert "interrupted before anything was changed" in told


@pytest.mark.parametrize(("text", "words"), [("0", "leaves no time"), ("soon", "is not a duration")])
def test_a_time_that_cannot_be_meant_is_a_wrong_command_line(project: Stage, text: str, words: str) -> None:
    assert words in project.tdr("plan", "--timeout", text, expect=64).err


def test_a_command_within_its_time_is_as_without(project: Stage) -> None:
    project.tdr("apply", "--yes", "--timeout", "10m")
    project.tdr("plan", "--detailed-exitcode", TDR_TIMEOUT="10m")
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


# -- files with values ---------------------------------------------------------------------------------------------------------


def of_variable(project: Stage, *arguments: str, **environ: str) -> str:
    project.write(
        "manifests/varied.yaml",
        "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: varied}\nspec: {name: '${var:db|built_in}'}\n",
    )
    told = project.tdr("plan", "--format", "json", *arguments, **environ).document
    change = next(one for one in told["changes"] if one["address"] == "database/varied")
    return str(next(one["after"] for one in change["fields"] if one["path"] == "/name"))


def test_values_come_from_files_of_which_the_last_counts_and_from_the_line_before_that(project: Stage) -> None:
    project.write("one.yaml", "db: of_one\nother: x\n")
    project.write("two.yaml", "db: of_two\n")

    assert of_variable(project) == "built_in"
    assert of_variable(project, TDR_VAR_db="of_environment") == "of_environment"
    assert of_variable(project, "--var-file", "one.yaml", TDR_VAR_db="of_environment") == "of_one"
    assert of_variable(project, "--var-file", "one.yaml", "--var-file", "two.yaml") == "of_two"
    assert of_variable(project, "--var-file", "two.yaml", "--var", "db=of_line") == "of_line"
    assert of_variable(project, TDR_VAR_FILE=os.pathsep.join(["one.yaml", "two.yaml"])) == "of_two"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "mapping"),
        ("db: [a]\n", "one.yaml:1:5"),
        ("db: {a: b}\n", "must be a scalar"),
        ("a b: c\n", "cannot be the name of a variable"),
        ("db: '${secret:env:TOKEN}'\n", "holds a reference"),
        ("db: a\ndb: b\n", "one.yaml:2"),
        ("db: [\n", "one.yaml:"),
    ],
)
def test_a_file_that_holds_anything_else_is_refused_with_its_place(project: Stage, text: str, words: str) -> None:
    project.write("one.yaml", text)

    assert words in project.tdr("plan", "--var-file", "one.yaml", expect=7).err


def test_a_file_that_is_not_there_is_told(project: Stage) -> None:
    said = project.tdr("plan", "--var-file", "nowhere.yaml", expect=64)

    assert "nowhere.yaml" in said.err
    assert os.environ.get("TDR_VAR_FILE") is None
