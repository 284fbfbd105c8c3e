"""What the environment may say about the way to a vendor, and what is not loaded for nothing."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from reconciler.http.network import network_transport, proxy_for
from reconciler.scrubbing import everything

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "base_url", "proxy"),
    [
        ({}, "https://api.test", ""),
        ({"HTTPS_PROXY": "http://proxy.test:3128"}, "https://api.test", "http://proxy.test:3128"),
        ({"https_proxy": "proxy.test:3128"}, "https://api.test/v3", "http://proxy.test:3128"),
        ({"HTTPS_PROXY": "http://proxy.test:3128"}, "http://api.test", ""),
        ({"ALL_PROXY": "http://proxy.test"}, "http://api.test", "http://proxy.test"),
        ({"ALL_PROXY": "http://proxy.test", "NO_PROXY": "other.test,api.test"}, "http://api.test:80", ""),
        ({"ALL_PROXY": "http://proxy.test", "NO_PROXY": ".test"}, "http://api.test", ""),
        ({"ALL_PROXY": "http://proxy.test", "NO_PROXY": "*"}, "http://api.test", ""),
    ],
)
def test_the_environment_names_the_proxy(
    environment: dict[str, str], base_url: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert proxy_for(base_url) == proxy


def test_the_password_of_a_proxy_is_known_for_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://etl:FAKE%2Fproxy-pw@proxy.test:3128")

    assert proxy_for("https://api.test") == "http://etl:FAKE%2Fproxy-pw@proxy.test:3128"
    assert everything().clean("said FAKE/proxy-pw and FAKE%2Fproxy-pw") == "said *** and ***"


def test_authorities_are_loaded_for_https_only_and_as_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "authorities.pem"
    broken.write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(broken))

    network_transport("http://api.test").close()
    with pytest.raises(ssl.SSLError):
        network_transport("https://api.test")
