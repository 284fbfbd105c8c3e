"""`deadly`, by requests to the service in the same process."""

from __future__ import annotations

import sys

import deadly

from reconciler.http.in_process import InProcessTransport

if __name__ == "__main__":
    sys.exit(deadly.run(InProcessTransport, lambda request: request.method != "GET"))
