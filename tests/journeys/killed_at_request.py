"""Runs `tdr` in the current folder and kills itself at the n-th request that changes something at the vendor.

Called as ``python killed_at_request.py before|after N ARGUMENTS…``: before the request is sent, or after it was answered and
before anybody here knows that.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from reconciler.cli.main import main
from reconciler.http import in_process

if __name__ == "__main__":
    where, fatal = sys.argv[1], int(sys.argv[2])
    answered = in_process.InProcessTransport.handle_request
    sent: list[str] = []
    counting = threading.Lock()  # several are on their way at once

    def deadly(self: Any, request: Any) -> Any:
        if request.method == "GET":
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

    in_process.InProcessTransport.handle_request = deadly  # type: ignore[method-assign]
    sys.exit(main(sys.argv[3:]))
