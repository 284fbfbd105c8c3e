from __future__ import annotations

import threading
from collections.abc import Mapping

import duckdb
import pytest

from reconciler.dataplane.exporter import TypedExporter, columns_of_rows
from reconciler.errors import Permanent
from reconciler.ports.exports import ExportReport, ExportRequest, Progress


class Recorder:
    """A destination that remembers what it was asked."""

    def __init__(self) -> None:
        self.checked: list[dict[str, str]] = []
        self.exported = 0

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        self.checked.append(dict(columns))
        if "email" not in columns:
            raise Permanent("no email")

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        self.exported += 1
        return ExportReport(rows=1)


def export(recorder: Recorder, view: str, kind: str = "pinterest") -> ExportReport:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW rows AS {view}")
        request = ExportRequest(kind, {}, "job")
        return TypedExporter({"pinterest": recorder}).export(request, connection, lambda *_: None, threading.Event())


def test_an_export_goes_to_the_destination_of_its_type_after_its_check() -> None:
    recorder = Recorder()
    assert export(recorder, "SELECT 'x' AS email, 1 AS n") == ExportReport(rows=1)
    assert recorder.checked == [{"email": "VARCHAR", "n": "INTEGER"}]
    with pytest.raises(Permanent, match="no email"):
        export(recorder, "SELECT 1 AS n")
    assert recorder.exported == 1


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    with pytest.raises(Permanent, match="there is no export of type 'pintrest' here") as caught:
        export(Recorder(), "SELECT 1", "pintrest")
    assert caught.value.hint == "did you mean `pinterest`?"
    with pytest.raises(Permanent) as caught:
        TypedExporter({}).check(ExportRequest("x", {}, "job"), {})
    assert caught.value.hint == "known types: none"


def test_a_missing_view_is_told_without_the_engines_words() -> None:
    with (
        duckdb.connect() as connection,
        pytest.raises(Permanent, match="the result cannot be described: CatalogException"),
    ):
        columns_of_rows(connection)
