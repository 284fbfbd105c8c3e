"""Who may look: names of other hosts, tokens, passes and forms of other sites."""

from __future__ import annotations

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.errors import UsageError
from reconciler.web.access import COOKIE, Access, Guard, access_for, logged_in
from reconciler.web.serving import Place, place_of

TOKEN = "a token of twenty characters or more"
BEYOND = Access(TOKEN, is_local=False)
HERE = Access()


def behind(access: Access) -> httpx.AsyncClient:
    async def login(request: Request) -> Response:
        return logged_in(access, request)

    async def page(_request: Request) -> Response:
        return PlainTextResponse("seen")

    app = Starlette(routes=[Route("/", page), Route("/login", login, methods=["POST"])])
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=Guard(app, access)), base_url="http://127.0.0.1:8080", trust_env=False
    )


async def asked(access: Access, method: str = "GET", path: str = "/", **headers: str) -> httpx.Response:
    async with behind(access) as client:
        return await client.request(
            method, path, headers={name.replace("_", "-"): told for name, told in headers.items()}
        )


def answer(access: Access, method: str = "GET", path: str = "/", **headers: str) -> httpx.Response:
    async def run() -> httpx.Response:
        return await asked(access, method, path, **headers)

    return anyio.run(run)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:80", "localhost:8080", "LOCALHOST", "[::1]:9"])
def test_people_of_this_machine_look_without_a_token(host: str) -> None:
    assert answer(HERE, host=host).text == "seen"


@pytest.mark.parametrize(
    "host", ["attacker.example", "127.0.0.1.attacker.example:8080", "localhost@attacker.example", "10.0.0.1", "", "[", "::"]
)  # fmt: skip
def test_a_name_that_a_stranger_points_here_is_refused(host: str) -> None:
    refused = answer(HERE, host=host)
    assert (refused.status_code, "seen" in refused.text) == (421, False)


HOLDING_A_PATH = [
    "x/login?",
    "x/login#",
    "x/login/..",
    "x/assets/?",
    "127.0.0.1/login?",
    "x\\login?",
    "a@b",
    "a b",
    "[",
    "x:y",
]


@pytest.mark.parametrize("access", [BEYOND, Access(TOKEN)], ids=["beyond", "here"])
@pytest.mark.parametrize("host", HOLDING_A_PATH)
def test_what_is_no_name_of_a_host_is_refused_and_opens_no_page(access: Access, host: str) -> None:
    refused = answer(access, host=host)
    assert (refused.status_code, "seen" in refused.text) == (421, False)


@pytest.mark.parametrize(
    "path", ["/login/", "/login/../", "/loginx", "/assets/", "/assets/x/y", "//login", "/Login", "/%6cogin/x"]
)
def test_only_the_login_and_the_sheets_themselves_are_open(path: str) -> None:
    assert answer(BEYOND, path=path).status_code == 401


def test_elsewhere_nobody_looks_without_the_token() -> None:
    assert answer(BEYOND).status_code == 401
    assert answer(BEYOND, authorization="Bearer wrong").status_code == 401
    assert answer(BEYOND, authorization=f"Basic {TOKEN}").status_code == 401
    assert answer(BEYOND, authorization=f"Bearer {TOKEN}").text == "seen"
    assert answer(BEYOND, authorization=f"bearer {TOKEN}", host="tdr.acme.example").text == "seen"


def test_a_browser_is_led_to_the_login() -> None:
    led = answer(BEYOND, accept="text/html,*/*")
    assert (led.status_code, led.headers["location"]) == (303, "/login")


def test_a_pass_lets_in_until_it_runs_out_and_does_not_hold_the_token() -> None:
    given = answer(BEYOND, "POST", "/login")
    kept = given.headers["set-cookie"]
    assert TOKEN not in kept
    assert {"HttpOnly", "SameSite=strict"} <= set(kept.split("; "))
    value = kept.split(";")[0].partition("=")[2]
    assert answer(BEYOND, cookie=f"{COOKIE}={value}").text == "seen"
    assert BEYOND.takes(BEYOND.pass_until(1000), now=999)
    assert not BEYOND.takes(BEYOND.pass_until(1000), now=1001)


@pytest.mark.parametrize(
    "kept", ["", ".", "9999999999", "9999999999.", "9999999999.abc", "abc.def", "٩٩.x", "9" * 5000 + ".x"]
)
def test_a_pass_that_was_made_up_lets_nobody_in(kept: str) -> None:
    assert not BEYOND.takes(kept, now=0)


def test_the_pass_of_another_token_lets_nobody_in() -> None:
    other = Access("another token of twenty characters", is_local=False)
    assert not BEYOND.takes(other.pass_until(1000), now=0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:8080"}, 303),
        ({"origin": "http://attacker.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "127.0.0.1:8080"}, 403),
        ({"origin": "https://127.0.0.1:8080"}, 303),
        ({"sec_fetch_site": "same-origin", "origin": "null"}, 303),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({}, 303),
    ],
)
def test_a_form_of_another_site_is_refused(headers: dict[str, str], status: int) -> None:
    given = answer(BEYOND, "POST", "/login", host="127.0.0.1:8080", **headers)
    assert given.status_code == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(method: str) -> None:
    assert answer(HERE, method).status_code == 405


@pytest.mark.parametrize("headers", [{}, {"host": "attacker.example"}], ids=["seen", "refused"])
def test_every_answer_keeps_browsers_in_order(headers: dict[str, str]) -> None:
    given = answer(HERE, **headers).headers
    assert "default-src 'none'" in given["content-security-policy"]
    assert "frame-ancestors 'none'" in given["content-security-policy"]
    assert "unsafe" not in given["content-security-policy"]
    assert given["x-content-type-options"] == "nosniff"
    assert given["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in given


@pytest.mark.parametrize("host", ["::", "192.168.0.1", "tdr.acme.example"])
def test_other_machines_may_reach_it_only_with_a_token_that_cannot_be_guessed(host: str) -> None:
    with pytest.raises(UsageError, match="needs a token in TDR_DASHBOARD_TOKEN"):
        access_for(host, "")
    with pytest.raises(UsageError, match="shorter than 20"):
        access_for(host, "short")
    assert access_for(host, TOKEN) == BEYOND


@pytest.mark.parametrize(
    "token", ["ein Schlüssel aus zwanzig Zeichen", "a token\nof two lines, long enough", "\udcff" * 20]
)
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="characters that a header cannot carry"):
        access_for("0.0.0.0", token)  # noqa: S104 - nothing listens


def test_a_token_is_asked_for_on_this_machine_too_where_there_is_one() -> None:
    assert access_for("127.0.0.1", TOKEN) == Access(TOKEN, is_local=True)
    assert answer(Access(TOKEN)).status_code == 401


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:8080", Place("127.0.0.1", 8080)),
        ("localhost:0", Place("localhost", 0)),
        ("[::1]:80", Place("::1", 80)),
        ("off", None),
    ],
)
def test_places_are_read(text: str, place: Place | None) -> None:
    assert place_of(text) == place


@pytest.mark.parametrize("text", ["", "8080", ":8080", "host:", "host:port", "host:65536", "host:-1", "host:٨"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not HOST:PORT"):
        place_of(text)


def test_an_address_of_the_sixth_version_is_written_in_brackets() -> None:
    assert Place("::1", 0).at(80) == "http://[::1]:80/"
