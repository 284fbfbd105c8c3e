"""Runs one process and tells its time and peak memory as JSON.

    python -S -E bench/launcher.py OUTPUT COMMAND…

The kernel counts a process's peak from before it became another program, so that a large parent would be measured in place
of a small child. This parent is as small as Python gets.
"""

import os
import sys
import time

output = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
started = time.perf_counter()
child = os.posix_spawnp(
    sys.argv[2],
    sys.argv[2:],
    os.environ,
    file_actions=[(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)],
)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - started
cpu_s = usage.ru_utime + usage.ru_stime
peak_mib = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
print(
    f'{{"seconds": {seconds}, "cpu_s": {cpu_s}, "peak_mib": {peak_mib}, "code": {os.waitstatus_to_exitcode(status)}}}'
)
