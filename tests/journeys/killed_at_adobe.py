"""`deadly`, by requests to Adobe but those for a token."""

from __future__ import annotations

import sys

import deadly
import httpx

if __name__ == "__main__":
    sys.exit(
        deadly.run(
            httpx.HTTPTransport,
            lambda request: request.method != "GET" and not request.url.path.startswith("/ims/"),
        )
    )
