"""Where two plans part, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plan_diff(document: Mapping[str, Any]) -> str:
    """What the first would do and the second would not, or otherwise. Ends with a line break."""
    a, b = document["environments"]
    if document["equal"]:
        return f"The plans do the same. {document['plan_digests'][0][:15]}\n"
    lines = [f"The plans are of different environments: {a} and {b}."] if a != b else []
    for entry in document["operations"]:
        field = f" {entry['path'].strip('/').replace('/', '.')}" if entry["path"] else ""
        lines += [f"~ {entry['address']}{field}", f"    a: {entry['a']}", f"    b: {entry['b']}"]
    lines += [f"  only in {entry['in']}: {entry['what']} {entry['text']}" for entry in document["only"]]
    count = len(document["operations"])
    lines.append(f"{count} difference{'' if count == 1 else 's'} in what the plans would do.")
    return "\n".join(lines) + "\n"
