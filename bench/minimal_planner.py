"""The least that a planner could do, as a bound: cached manifests, one list call, compare dicts.

    python bench/minimal_planner.py FOLDER URL

It checks nothing, remembers nothing, follows no reference, knows no time zone and explains nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import orjson

declared = orjson.loads((Path(sys.argv[1]) / "manifests.json").read_bytes())
listed = {query["name"]: query for query in orjson.loads(httpx.get(sys.argv[2]).content)["schedules"]}
changed = [
    name for name, wanted in declared.items() if any(listed[name].get(key) != value for key, value in wanted.items())
]
print(f"{len(declared)} declared, {len(changed)} changed")
