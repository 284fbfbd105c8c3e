"""Files with values for ``${var:NAME}``: one mapping of names to scalars."""

from __future__ import annotations

from pathlib import Path

from reconciler.errors import ManifestError
from reconciler.manifest.findings import Findings
from reconciler.manifest.interpolation import has_reference, is_name
from reconciler.manifest.pointers import pointer
from reconciler.manifest.project import only_mapping


def read_variables(path: Path) -> dict[str, str]:
    """The values in the file at *path*. They are taken as they are: a reference in one stands for nothing.

    Raises:
        ManifestError: it cannot be read, or holds anything but names and scalars.
    """
    findings = Findings()
    tree, place = only_mapping(path, str(path), findings)
    values: dict[str, str] = {}
    for name, value in tree.items():
        where = pointer(name)
        if not is_name(name):
            hint = "letters, digits, _, . and -, as in ${var:NAME}"
            findings.add(
                "invalid-value", f"{name!r} cannot be the name of a variable", place, where, hint=hint, at_key=True
            )
        elif not isinstance(value, str):
            findings.add(
                "wrong-type", f"the variable `{name}` must be a scalar", place, where, hint="write NAME: VALUE"
            )
        elif has_reference(value):
            message = f"the variable `{name}` holds a reference, and none is followed here"
            findings.add("invalid-value", message, place, where, hint="write the value, or refer where it is used")
        else:
            values[name] = value
    if findings.has_errors:
        raise ManifestError(findings.diagnostics)
    return values
