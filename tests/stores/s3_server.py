"""moto's S3 on a free port of the loopback, with one bucket. One request at a time, so that its conditions are atomic.

Prints the port, and ends with its standard input.
"""

from __future__ import annotations

import logging
import sys
import threading

from moto.moto_api._internal import mock_random
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "tdr-state"


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    mock_random.seed(0)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
