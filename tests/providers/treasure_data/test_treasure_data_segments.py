"""Segments and folders among what a vendor lists, also where its lists are odd."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "http"))

from http_doubles import FakeClock, Script

from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.model.address import Address
from reconciler.model.observation import Finding, Unreadable
from reconciler.model.probe import AccountFacts
from reconciler.model.record import Record
from reconciler.model.resource import Origin, Resource
from reconciler.model.segments import ParentSegmentSpec, SegmentFolderSpec, SegmentSpec
from reconciler.model.spec import Lifecycle, Spec
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.treasure_data.parent_segments import ParentSegments
from reconciler.providers.treasure_data.segments import Contents, SegmentTrees

PARENT = {"id": "3", "name": "A/B customers"}
FOLDERS = [
    {"id": "1", "name": "A/B customers", "parentFolderId": None},
    {"id": "2", "name": "EU", "parentFolderId": "1"},
    {"id": "4", "name": "DE", "parentFolderId": "2"},
]


def data(*answers: Any) -> CustomerData:
    replies = [one if isinstance(one, httpx.Response) else httpx.Response(200, json=one) for one in answers]
    return CustomerData(Client("http://vendor.test", Dialect("vendor"), clock=FakeClock(), transport=Script(replies)))


def resource(kind: str, name: str, spec: Spec) -> Resource:
    return Resource(Address(kind, name), spec, Lifecycle(), Origin("manifests/all.yaml", 0))


EU = resource("segmentfolder", "eu", SegmentFolderSpec(parent_segment="A/B customers", name="EU"))
VIP = resource("segment", "vip", SegmentSpec(parent_segment="A/B customers", folder="eu"))
CONTEXT = Context({one.address: one for one in (EU, VIP)})


def segment(entity_id: str, folder_id: str, name: str = "vip") -> dict[str, Any]:
    return {"id": entity_id, "name": name, "kind": 0, "segmentFolderId": folder_id, "rule": {"x": 1}}


def test_one_name_in_two_folders_is_two_segments() -> None:
    family = SegmentTrees(
        data([PARENT], FOLDERS, [segment("7", "1"), segment("8", "2"), segment("9", "4")]), AccountFacts()
    )

    seen = family.observe([Wanted(VIP.address, VIP, None)], CONTEXT)[VIP.address]

    assert isinstance(seen, Finding)
    assert [one.remote_id for one in seen.by_key] == ["3/8"]
    assert seen.by_id is None


def test_a_remembered_segment_is_found_wherever_it_was_moved() -> None:
    family = SegmentTrees(data([PARENT], FOLDERS, [segment("8", "4", "renamed")]), AccountFacts())

    seen = family.observe([Wanted(VIP.address, None, Record("3/8", {}))], Context({}))[VIP.address]

    assert isinstance(seen, Finding)
    assert seen.by_id is not None
    assert (seen.by_id.attributes["name"], seen.by_id.attributes["folder"]) == ("renamed", "3/4")
    assert seen.by_key == ()


def test_the_id_of_another_parent_segment_is_not_taken_for_ones_own() -> None:
    family = SegmentTrees(data([PARENT], FOLDERS, [segment("8", "2")]), AccountFacts())

    seen = family.observe([Wanted(VIP.address, VIP, Record("5/8", {}))], CONTEXT)[VIP.address]

    assert isinstance(seen, Finding)
    assert seen.by_id is None


@pytest.mark.parametrize(
    "status",
    [403, 404],
    ids=["nobody may look", "no such address, as with an account that has no parent segments"],
)
def test_a_list_that_is_refused_says_nothing_of_what_is_there(status: int) -> None:
    parent = resource(
        "parentsegment", "all", ParentSegmentSpec.model_validate({"master": {"database": "shop", "table": "people"}})
    )
    refused = httpx.Response(status, json={"code": "no", "message": "no"})

    for family, one in (
        (SegmentTrees(data(refused), AccountFacts()), VIP),
        (ParentSegments(data(refused)), parent),
    ):
        question = Wanted(one.address, one, None)
        seen = family.observe([question], Context({one.address: one}))[one.address]
        assert isinstance(seen, Unreadable)


def test_what_one_parent_segment_would_not_tell_is_unreadable_and_not_absent() -> None:
    family = SegmentTrees(data([PARENT], httpx.Response(403, json={"code": "no", "message": "no"})), AccountFacts())

    assert isinstance(family.observe([Wanted(VIP.address, VIP, None)], CONTEXT)[VIP.address], Unreadable)


@pytest.mark.parametrize(
    ("folders", "paths"),
    [
        (FOLDERS, {"1": "", "2": "EU/", "4": "EU/DE/"}),
        ([{"id": "2", "name": "a/b", "parentFolderId": "1"}, FOLDERS[0]], {"2": "a%2Fb/", "1": ""}),
        (
            [{"id": "2", "name": "x", "parentFolderId": "4"}, {"id": "4", "name": "y", "parentFolderId": "2"}],
            {"2": "y/x/", "4": "x/y/"},
        ),
        ([{"id": "2", "name": "lost", "parentFolderId": "99"}], {"2": "lost/"}),
    ],
    ids=["as they should be", "a slash in a name", "holding each other", "in one that is not listed"],
)
def test_folders_have_a_path_whatever_the_vendor_says(folders: list[dict[str, Any]], paths: dict[str, str]) -> None:
    assert Contents(PARENT, {one["id"]: one for one in folders}).paths() == paths
