"""A page for each kind, of `tdr.yaml`, of environments, and of what became of addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from schema_tables import Schema
from tables import MADE, code, table, words

from reconciler.commands.kinds import kinds
from reconciler.manifest.json_schema import json_schema
from reconciler.model.kinds import KINDS
from reconciler.ports.provider import FieldClass
from reconciler.wiring.supported import Support, supported

_DOCS: Final = Path(__file__).parents[1]
_PERMISSIONS: Final = Path(__file__).with_name("permissions.yaml")
_ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "Activation": ("salesforce", "exports", "segments"),
    "Audience": ("adopting",),
    "Connection": ("imports", "salesforce", "exports"),
    "Dataflow": ("adobe",),
    "Import": ("imports", "source-specs"),
    "ParentSegment": ("segments",),
    "QlikConnection": ("qlik",),
    "QlikTask": ("qlik",),
    "Query": ("exports", "spark"),
    "Segment": ("segments", "tdx"),
    "SegmentFolder": ("segments",),
    "SourceAccount": ("adobe",),
    "SourceRegistration": ("adobe",),
    "SourceSpec": ("source-specs",),
    "Workflow": ("workflows",),
}
"""Kind -> pages that tell of it."""
_COMPARED_AS: Final[Mapping[tuple[str, str], str]] = {("DataflowSpec", "params"): "/source_params"}
"""Model and field -> what its provider compares it as, where that has another name."""
_CHANGED: Final = {FieldClass.IMMUTABLE: "replaces", FieldClass.SET: "in place", FieldClass.WRITE_ONLY: "in place"}


def pages() -> dict[str, str]:
    """Path below `reference/` -> text."""
    made = {f"kinds/{kind.lower()}.md": _of_kind(kind) for kind in KINDS}
    made["kinds/transitions.md"] = _of_settings("Transitions", "What became of addresses and ids, told by a document.")
    made["project.md"] = _of_settings("Project", "What `tdr.yaml` may say.", title="tdr.yaml")
    made["environment.md"] = _of_settings(
        "Environment", "What `manifests/environments/NAME.yaml` may say.", title="Environments"
    )
    made["kinds/document.md"] = _of_document()
    made["kinds/index.md"] = _index()
    return made


def _index() -> str:
    held = kinds(None, 0.0).document["kinds"]
    rows = [
        (
            f"[{one['kind']}]({one['kind'].lower()}.md)",
            one["provider"] or "",
            ", ".join(one["services"]),
            ", ".join(one["verbs"]),
        )
        for one in held
    ]
    listed = "\n".join(f"{kind.lower()}" for kind in ("document", *KINDS, "transitions"))
    lines = [
        MADE,
        "",
        "# Kinds",
        "",
        "Each with all of its fields. `tdr kinds` prints this table, and `tdr schema KIND` a JSON Schema for editors.",
        "",
        table(["Kind", "Held by", "Service", "Verbs"], rows),
        "What stands around the spec is the same in [every document](document.md). [Transitions](transitions.md) tells what",
        "became of addresses.",
        "",
        f"```{{toctree}}\n:hidden:\n\n{listed}\n```",
    ]
    return "\n".join(lines) + "\n"


def _of_kind(kind: str) -> str:
    schema = json_schema(kind)
    read = Schema(schema)
    support = [one for one in supported() if one.kind == kind.lower()]
    spec = schema["properties"]["spec"]
    told = [MADE, "", f"# {kind}", ""]
    told += _held(support)
    if example := _example(kind):
        told += ["", "```yaml", example, "```", ""]
    about = [f"[{page}](../../{page}.md)" for page in _ABOUT.get(kind, ())]
    if about:
        told += [f"More about it: {', '.join(about)}.", ""]
    told += _permissions(kind)
    told += ["## Fields", "", _class_words(support), ""]
    for name in read.models(spec):
        model = read.definition(name)
        told += [f"### {name}", "", words(model.get("description", "")), ""]
        told += [read.fields(model, name, _Changes(support, read, spec))]
    told += ["`metadata`, `lifecycle` and `dependsOn` are those of [every document](document.md).", ""]
    return "\n".join(told).rstrip() + "\n"


def _held(support: list[Support]) -> Iterator[str]:
    if not support:
        yield "Nothing by itself at any vendor; other documents name it."
        return
    for one in kinds(support[0].kind, 0.0).document["kinds"]:
        services = ", ".join(one["services"])
        yield f"- At {code(one['provider'])} ({services}): {', '.join(one['verbs'])}."
        for note in one["notes"]:
            yield f"  - {words(note)}"


def permissions() -> Mapping[str, list[dict[str, Any]]]:
    """Kind in lower case -> what is needed at each vendor."""
    read: Mapping[str, list[dict[str, Any]]] = yaml.safe_load(_PERMISSIONS.read_text(encoding="utf-8"))
    return read


def _permissions(kind: str) -> Iterator[str]:
    needed = permissions().get(kind.lower(), [])
    if not needed:
        return
    yield from ("## Permissions", "")
    if any(one["at"] == "Treasure Data" for one in needed):
        yield from ("The embedded service on this machine needs none in place of Treasure Data's.", "")
    rows = [
        (
            one["at"],
            words(one["look"]),
            words(one["write"]),
            words(one.get("run", "")),
            "" if one["sure"] else "not published; by its answers",
        )
        for one in needed
    ]
    yield table(["At", "To plan and look", "To apply", "To run", ""], rows)


def _class_words(support: list[Support]) -> str:
    if not support:
        return "A change of it changes what names it."
    immutable = sorted(
        {path for one in support for path, its in one.traits.classes.items() if its is FieldClass.IMMUTABLE}
    )
    untold = sorted(
        {path for one in support for path, its in one.traits.classes.items() if its is FieldClass.WRITE_ONLY}
    )
    fixed = all(one.traits.fixed for one in support)
    anew = ", ".join(map(code, immutable))
    if fixed:
        told = f"Nothing of it can be changed in place: another {anew} deletes the object and makes it anew."
    elif immutable:
        told = f"A change is made in place, except of what is compared as {anew}: that deletes the object and makes it anew."
    else:
        told = "A change is made in place."
    if untold:
        names = ", ".join(map(code, untold))
        told += f" {names} may not be told by the vendor, and is then held against what was sent last."
    defaults = {name: value for one in support for name, value in one.traits.defaults.items()}
    if defaults:
        said = ", ".join(
            f"{code(name)} to {code(value if value != '' else chr(34) * 2)}" for name, value in sorted(defaults.items())
        )
        told += f" Declared before and not any more, a field goes back: {said}."
    if removes := sorted({path for one in support for path in one.traits.removes}):
        told += f" Taken away is what was declared and is not any more below {', '.join(map(code, removes))}."
    return told


class _Changes:
    """What a change of a field does, as far as the provider classes it."""

    def __init__(self, support: list[Support], read: Schema, spec: Mapping[str, Any]) -> None:
        self._classes = {path: its for one in support for path, its in one.traits.classes.items()}
        self._fixed = bool(support) and all(one.traits.fixed for one in support)
        self._written = bool(support) and not all(one.traits.referenced for one in support)
        self._top = {str(ref).rpartition("/")[2] for ref in _refs(spec)}
        self._read = read

    def __call__(self, model: str, field: str) -> str:
        if not self._written:
            return ""
        compared = _COMPARED_AS.get((model, field), f"/{field}")
        found = self._classes.get(compared) if model in self._top else self._nested(model, field)
        if found is not None:
            return _CHANGED.get(found, "in place")
        return "" if self._fixed else "in place"

    def _nested(self, model: str, field: str) -> FieldClass | None:
        """The class of a field below a field: by the whole pointer, or by its name where the provider flattens the target."""
        for path, its in self._classes.items():
            above, _, last = path.lstrip("/").rpartition("/")
            if last != field:
                continue
            holders = [
                name
                for top in self._top
                for name, value in self._read.definition(top).get("properties", {}).items()
                if model in {str(ref).rpartition("/")[2] for ref in _refs(value)}
            ]
            if above in holders or (not above and holders):
                return its
        return None


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "$ref":
                yield value
            elif key != "properties":
                yield from _refs(value)
    elif isinstance(schema, list):
        for one in schema:
            yield from _refs(one)


def _of_document() -> str:
    """What every document says around its spec; a database's stands for all."""
    schema = json_schema("Database")
    read = Schema(schema)
    around = {name: its for name, its in schema["properties"].items() if name != "spec"}
    told = [MADE, "", "# Every document", "", "What stands around `spec`, which is the kind's own.", ""]
    around["kind"] = {"type": "string", "description": "What it declares: one of the [kinds](index.md)."}
    told += [read.fields({**schema, "properties": around}, "")]
    for name in read.models(around):
        model = read.definition(name)
        told += [f"## {name}", "", words(model.get("description", "")), "", read.fields(model, name)]
    return "\n".join(told).rstrip() + "\n"


def _of_settings(name: str, told: str, title: str = "") -> str:
    schema = json_schema(name)
    read = Schema(schema)
    lines = [MADE, "", f"# {title or name}", "", told, "", read.fields(schema, name)]
    for model in read.models(schema["properties"]):
        its = read.definition(model)
        lines += [f"## {model}", "", words(its.get("description", "")), "", read.fields(its, model)]
    return "\n".join(lines).rstrip() + "\n"


def _example(kind: str) -> str:
    """The first document of *kind* that an example, this repository or a page has."""
    root = _DOCS.parent
    files = [*sorted(root.glob("examples/*/manifests/*.yaml")), *sorted(root.glob("manifests/*.yaml"))]
    texts = [
        part for file in files for part in re.split(r"^---\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    for page in sorted(_DOCS.glob("*.md")):
        blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        texts += [part for block in blocks for part in re.split(r"^---\n", block, flags=re.MULTILINE)]
    for text in texts:
        if re.search(rf"^kind: {kind}$", text, re.MULTILINE) and isinstance(yaml.safe_load(text), dict):
            return text.strip()
    return ""
