"""What needs what: as a document, and for Graphviz and Mermaid. The same bytes for the same facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.address import Address
from reconciler.model.resource import Resource
from reconciler.reports.documents import Document, heading

COLOURS = {
    "create": "#1a7f37",
    "update": "#9a6700",
    "pause": "#9a6700",
    "resume": "#9a6700",
    "replace": "#bc4c00",
    "delete": "#cf222e",
    "disable": "#cf222e",
    "adopt": "#0969da",
    "move": "#0969da",
    "forget": "#6e7781",
    "undecided": "#8250df",
}
"""Action -> colour of its node."""


def document(
    resources: Mapping[Address, Resource], plan: Mapping[str, Any] | None, environment: str, created_at: str
) -> Document:
    """Nodes and edges, sorted. *plan*: whose actions the nodes bear; what it deletes is a node too."""
    changes = {str(change["address"]): change for change in plan["changes"]} if plan else {}
    declared = {str(address): resource for address, resource in resources.items()}
    edges = {(name, str(need)) for name, resource in declared.items() for need in resource.depends_on}
    edges |= {
        (name, str(need)) for name, change in changes.items() if name not in declared for need in change["depends_on"]
    }
    names = sorted(declared.keys() | changes.keys() | {need for _, need in edges})
    return heading("graph", created_at) | {
        "environment": environment,
        "nodes": [
            {
                "address": name,
                "kind": name.partition("/")[0],
                "declared": name in declared,
                "action": changes[name]["actions"][0] if name in changes else None,
            }
            for name in names
        ],
        "edges": [{"from": name, "to": need} for name, need in sorted(edges)],
    }


def dot(document: Mapping[str, Any]) -> str:
    """For Graphviz: an arrow goes from what needs to what is needed. Ends with a line break."""
    lines = ["digraph tdr {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for node in document["nodes"]:
        label = node["address"] + (f"\n{node['action']}" if _is_change(node) else "")
        colour = f", color={_dot(COLOURS.get(node['action'], '#000000'))}, penwidth=2" if _is_change(node) else ""
        lines.append(f"  {_dot(node['address'])} [label={_dot(label)}{colour}];")
    lines += [f"  {_dot(edge['from'])} -> {_dot(edge['to'])};" for edge in document["edges"]]
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(document: Mapping[str, Any]) -> str:
    """For Mermaid: nodes are numbered, for their names would be read as its syntax. Ends with a line break."""
    numbers = {node["address"]: f"n{number}" for number, node in enumerate(document["nodes"])}
    lines = ["flowchart LR"]
    for node in document["nodes"]:
        action = f"<br/>{_mermaid(node['action'])}" if _is_change(node) else ""
        lines.append(f'  {numbers[node["address"]]}["{_mermaid(node["address"])}{action}"]')
    lines += [f"  {numbers[edge['from']]} --> {numbers[edge['to']]}" for edge in document["edges"]]
    lines += [
        f"  style {numbers[node['address']]} stroke:{COLOURS[node['action']]},stroke-width:2px"
        for node in document["nodes"]
        if node["action"] in COLOURS
    ]
    return "\n".join(lines) + "\n"


def _is_change(node: Mapping[str, Any]) -> bool:
    return node["action"] not in (None, "noop")


def _dot(text: str) -> str:
    """A quoted DOT string; a backslash would begin an escape of a label. Source: Graphviz, "The DOT Language"."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    """Text in a quoted label. Source: Mermaid, "Entity codes to escape characters"."""
    return "".join(
        character if character.isalnum() or character in "/._- " else f"#{ord(character)};" for character in text
    )
