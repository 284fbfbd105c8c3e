"""What is planted as a secret or as somebody's address is looked for wherever tdr writes."""

from __future__ import annotations

from pathlib import Path

from stage import CLIENT_SECRET, KEY, REFRESH_TOKEN, SERVICE_KEY, Stage, address, files_below, leaks

SECRETS = (CLIENT_SECRET, REFRESH_TOKEN, KEY, SERVICE_KEY)
PEOPLE = tuple(address(number) for number in range(0, 200, 7))


def places(stage: Stage) -> dict[str, bytes]:
    """Everything written: files apart from the user's own tables and input, and all that was printed."""
    files = {
        path: content
        for path, content in files_below(stage.folder).items()
        if not Path(path).name.startswith("data.duckdb") and not path.startswith("data/")
    }
    home = Path(stage.environ["HOME"])
    files |= {f"~/{path.relative_to(home)}": path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return files | {"what was printed": "\n".join(stage.heard).encode()}


def found(stage: Stage) -> list[str]:
    written = places(stage)
    assert len(written) > 10
    # Addresses may be written in capitals; and results of plain queries are the user's own rows.
    people = {place: content.lower() for place, content in written.items()}
    return leaks(written, SECRETS) + leaks(people, PEOPLE)


def test_a_search_finds_what_is_hidden_in_every_way(tmp_path: Path) -> None:
    import base64  # noqa: PLC0415 - to write the forms down another way than the search does
    import json  # noqa: PLC0415 - as above
    from urllib.parse import quote_plus  # noqa: PLC0415 - as above

    hidden = [
        CLIENT_SECRET,
        quote_plus(CLIENT_SECRET),
        json.dumps({"secret": CLIENT_SECRET}),
        *(base64.b64encode(b"x" * shift + CLIENT_SECRET.encode() + b"tail").decode() for shift in range(3)),
    ]

    assert [bool(leaks({"here": text.encode()}, [CLIENT_SECRET])) for text in hidden] == [True] * 6
    assert leaks({"here": b"nothing at all"}, [CLIENT_SECRET]) == []


def test_after_the_whole_journey_no_secret_and_no_member_is_written_anywhere(applied: Stage) -> None:
    for command in (["plan", "--format", "json"], ["plan", "-v"], ["state", "show"], ["drift"], ["doctor"], ["schema"]):
        applied.tdr(*command)
    applied.load(range(90))
    applied.tdr("run", "activation/spring-buyers-daily")
    applied.edit("manifests/shop.yaml", "mode: replace_on_new_data", "mode: append")
    applied.tdr("plan", "--out", "saved.json")
    applied.tdr("show", "saved.json")
    applied.tdr("apply", "saved.json")
    text = (applied.folder / "data/customers.csv").read_text(encoding="utf-8")
    applied.write("data/customers.csv", text + "no address of jane.doe@example,yes\n")
    applied.tdr("run", "import/customers")
    applied.tdr("run", "activation/spring-buyers-daily")

    assert found(applied) == []


def test_requests_that_fail_tell_no_secret_either(applied: Stage) -> None:
    applied.load(range(90))
    for status in (400, 403):
        message = f"bad request with {CLIENT_SECRET} and {REFRESH_TOKEN} for {address(7)}"
        applied.control.fault("error", status=status, message=message, method="PATCH", count=None)
        applied.tdr("run", "activation/spring-buyers-daily", expect=None)
        applied.control.clear_faults()
    applied.control.end_tokens("access")
    applied.control.fault("error", status=400, message=f"who is {CLIENT_SECRET}", path="/oauth/token", count=None)
    applied.tdr("plan", expect=1)
    applied.tdr("drift", expect=1)
    applied.process("--debug", "plan", expect=1)

    assert found(applied) == []


def test_a_crash_and_its_trace_tell_no_secret(loaded: Stage) -> None:
    loaded.control.fault(
        "error", status=403, message=f"no {CLIENT_SECRET}", method="POST", count=None, path="/ad_accounts/**"
    )
    loaded.process("--debug", "apply", "--yes", expect=None)
    loaded.control.clear_faults()
    loaded.write("state/local/journal.jsonl", "{" + "\n")
    loaded.process("--debug", "apply", "--yes", expect=1)
    loaded.write("data/customers.csv", "email,spring\n" + "\x00" * 10)
    loaded.process("--debug", "run", "import/customers", expect=None)

    assert found(loaded) == []
