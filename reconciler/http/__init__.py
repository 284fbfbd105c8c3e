"""One careful way to call an API over HTTP, for any vendor.

A `request.Request` goes in; an `answer.Answer`, decoded JSON, or one of the errors of `reconciler.errors` comes out. On the
way `client.Client` keeps the pace (`bucket`), repeats what may be repeated (`retry`, `retry_after`), has refused
credentials renewed once (`credentials`), and judges statuses once (`verdict`), so that nobody above looks at them. What a
vendor says in its own way is told by a `dialect`. Nothing secret or personal passes the scrubber. `in_process` carries requests
to an application in the same process.

httpx is imported when the first request is sent.
"""

import sys

# httpx imports its own command line where click and rich are there: two thirds of its import, and nobody here uses it.
# This is the state in which Python takes a module for not installed; httpx then goes on without.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
