"""A process that kills itself at the n-th request that changes something at a vendor.

Its command line is ``before|after N ARGUMENTS…``: before the request is sent, or after it was answered and before anybody here
knows that.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from reconciler.cli.main import main


def run(transport: type[Any], is_counted: Callable[[Any], bool]) -> int:
    """Run `tdr` in the current folder; returns its exit code, where it lives. *transport*: class that carries requests."""
    where, fatal = sys.argv[1], int(sys.argv[2])
    answered = transport.handle_request
    sent: list[str] = []
    counting = threading.Lock()  # several are on their way at once

    def deadly(self: Any, request: Any) -> Any:
        if not is_counted(request):
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

    transport.handle_request = deadly
    return main(sys.argv[3:])
