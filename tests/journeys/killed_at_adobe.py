"""Runs `tdr` in the current folder and kills itself at the n-th request that changes something at Adobe.

Called as ``python killed_at_adobe.py before|after N ARGUMENTS…``: before the request is sent, or after it was answered and
before anybody here knows that.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

import httpx

from reconciler.cli.main import main

if __name__ == "__main__":
    where, fatal = sys.argv[1], int(sys.argv[2])
    answered = httpx.HTTPTransport.handle_request
    sent: list[str] = []
    counting = threading.Lock()  # several are on their way at once

    def deadly(self: Any, request: Any) -> Any:
        if request.method == "GET" or request.url.path.startswith("/ims/"):
            return answered(self, request)
        with counting:
            sent.append(request.method)
            number = len(sent)
        if number == fatal and where == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = answered(self, request)
        if number == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    httpx.HTTPTransport.handle_request = deadly  # type: ignore[method-assign]
    sys.exit(main(sys.argv[3:]))
