"""No line of the log and no trace tells a secret or somebody's address, in whatever form and wherever in the event."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from urllib.parse import quote, quote_plus

import pytest

from reconciler import logs
from reconciler.model.secret import Secret
from reconciler.ports.tokens import Tokens

ADDRESS = "jane.doe+club@example.com"
DIGEST = hashlib.sha256(ADDRESS.encode()).hexdigest()
ONE_LINE = Secret("env:A", 'FAKE-s3cret/+="&').reveal()
LINES = Secret("env:B", "FAKE-first of two\nFAKE-second/of=two").reveal()
TOKEN = Tokens("pina.FAKE-access/token", "pinr.FAKE-refresh+token").refresh_token

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "url": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "json": lambda text: json.dumps({"value": text}),
    "json in json": lambda text: json.dumps({"value": json.dumps(text)}),
}
HIDDEN = {
    "secret": ONE_LINE,
    "secret of lines": LINES,
    "one of the lines": LINES.splitlines()[1],
    "token": TOKEN,
    "address": ADDRESS,
    "digest": DIGEST,
}
PLACES: dict[str, Callable[[str], dict[str, object]]] = {
    "value": lambda text: {"body": text},
    "deep in a value": lambda text: {"body": {"rows": [{"x": (text, 1)}]}},
    "bytes": lambda text: {"body": text.encode()},
    "error": lambda text: {"body": RuntimeError(f"the vendor said {text}")},
    "name": lambda text: {text: 1},
}


def logged(values: dict[str, object]) -> str:
    heard = io.StringIO()
    with redirect_stderr(heard):
        logs.logger("test").warning("answer read", **values)
    return heard.getvalue()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", HIDDEN)
def test_an_event_tells_nothing_that_is_hidden(what: str, form: str, place: str) -> None:
    written = FORMS[form](HIDDEN[what])

    line = logged(PLACES[place](f"before {written} after"))

    assert "event='answer read'" in line
    assert "before" in line
    assert "after" in line
    for piece in (written, HIDDEN[what], repr(written)[1:-1], "FAKE", "jane", DIGEST[:20], "RkFLR", "amFuZS"):
        assert piece not in line


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("audience", "'audience'"),
        (42, "42"),
        (0.5, "0.5"),
        (None, "None"),
        (["a", 1], "['a', 1]"),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_what_is_not_hidden_is_told_as_it_is(value: object, shown: str) -> None:
    assert f"value={shown}" in logged({"value": value})


def test_a_failure_in_the_log_is_its_kind_and_places() -> None:
    heard = io.StringIO()
    with redirect_stderr(heard):
        try:
            int(ADDRESS)
        except ValueError:
            logs.logger("test").exception("it failed")

    assert "error='ValueError'" in heard.getvalue()
    assert "test_what_a_log_tells.py:" in heard.getvalue()
    assert "jane" not in heard.getvalue()


CRASHES = {
    "main thread": "raise RuntimeError(text)",
    "another thread": "import threading; t = threading.Thread(target=boom); t.start(); t.join()",
    "with a cause": "\ntry:\n    boom()\nexcept RuntimeError as error:\n    raise ValueError(text) from error",
}


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_is_told_without_what_is_hidden(crash: str) -> None:
    code = (
        "import sys\nfrom reconciler import logs\nfrom reconciler.model.secret import Secret\n"
        "logs.guard_crashes()\ntext = Secret('env:S', sys.argv[1]).reveal() + ' of ' + sys.argv[2]\n"
        f"def boom():\n    raise RuntimeError(text)\n{CRASHES[crash]}\n"
    )

    done = subprocess.run([sys.executable, "-c", code, ONE_LINE, ADDRESS], capture_output=True, text=True, check=False)

    assert "*** of ***" in done.stderr
    assert "FAKE" not in done.stderr
    assert "jane" not in done.stderr


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_is_one_line_for_who_did_not_ask_for_its_trace(crash: str) -> None:
    code = (
        "import sys\nfrom reconciler import logs\nfrom reconciler.model.secret import Secret\n"
        "logs.guard_crashes(logs.one_line)\ntext = Secret('env:S', sys.argv[1]).reveal() + ' of ' + sys.argv[2]\n"
        f"def boom():\n    raise RuntimeError(text)\n{CRASHES[crash]}\n"
    )

    done = subprocess.run([sys.executable, "-c", code, ONE_LINE, ADDRESS], capture_output=True, text=True, check=False)

    (line,) = done.stderr.splitlines()
    kind = "ValueError" if crash == "with a cause" else "RuntimeError"
    assert line == f"error: this is a bug in tdr ({kind}); run the same command with --debug and report it"


LIBRARIES = {
    "a logged warning": "logging.getLogger('driver').warning('cannot reach %s', text)",
    "a logged error with its exception": (
        "\ntry:\n    raise RuntimeError(text)\nexcept RuntimeError:\n    logging.getLogger('driver').exception(text)"
    ),
    "a warning": "warnings.warn(text, UserWarning)",
}


@pytest.mark.parametrize("way", LIBRARIES)
def test_what_a_library_says_is_told_as_a_line_of_ours(way: str) -> None:
    code = (
        "import logging, sys, warnings\nfrom reconciler import logs\nfrom reconciler.model.secret import Secret\n"
        "logs.guard_crashes()\nlogs.guard_libraries()\n"
        f"text = Secret('env:S', sys.argv[1]).reveal() + ' of ' + sys.argv[2]\n{LIBRARIES[way]}\n"
        "logging.getLogger('driver').info('said to nobody')\n"
    )

    done = subprocess.run([sys.executable, "-c", code, ONE_LINE, ADDRESS], capture_output=True, text=True, check=True)

    (line,) = done.stderr.splitlines()
    assert line.startswith("timestamp='")
    assert "*** of ***" in line
    assert "FAKE" not in line
    assert "jane" not in line


def test_what_cannot_be_raised_is_told_without_what_is_hidden() -> None:
    code = (
        "import sys\nfrom reconciler import logs\nfrom reconciler.model.secret import Secret\nlogs.guard_crashes()\n"
        "text = Secret('env:S', sys.argv[1]).reveal() + ' of ' + sys.argv[2]\n"
        "class Left:\n    def __del__(self):\n        raise RuntimeError(text)\nleft = Left()\ndel left\n"
    )

    done = subprocess.run([sys.executable, "-c", code, ONE_LINE, ADDRESS], capture_output=True, text=True, check=True)

    assert "RuntimeError: *** of ***" in done.stderr
    assert "FAKE" not in done.stderr
