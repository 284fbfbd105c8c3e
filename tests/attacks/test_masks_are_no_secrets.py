"""What a vendor shows in the place of a secret is recognised: not stored, not compared, and not taken for the secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import SecretError
from reconciler.manifest.secrets import SecretValues
from reconciler.model.masks import CERTAIN, SUPPOSED, is_mask
from reconciler.providers.treasure_data import results

MASKS = [
    "***",
    "*********",
    "----",
    "--------",
    "[FILTERED]",
    "[filtered]",
    "••••••••",
    "XXXXXXXX",
    "(secret)",
    "<hidden>",
]
SECRETS = [
    "",
    "*",
    "**",
    "--",
    "-----BEGIN KEY-----",
    "***x",
    "x***",
    "[FILTERED",
    "FAKE-secret",
    "xxxx",
    "xylophone",
    "(s)",
]


@pytest.mark.parametrize("text", [*MASKS, *(mask for masks in (CERTAIN | SUPPOSED).values() for mask in masks)])
def test_a_mask_is_recognised(text: str) -> None:
    assert is_mask(text)


@pytest.mark.parametrize("text", SECRETS)
def test_what_may_be_a_secret_is_none(text: str) -> None:
    assert not is_mask(text)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("form", ["env", "file", "cmd"])
def test_a_mask_in_the_place_of_a_secret_is_refused(form: str, mask: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(mask + "\n", encoding="utf-8")
    reference = {"env": "env:S", "file": "file:secret.txt", "cmd": "cmd:cat secret.txt"}[form]

    with pytest.raises(SecretError) as caught:
        SecretValues(tmp_path, ["cat"], {"S": mask, "PATH": "/usr/bin:/bin"})(reference)

    assert caught.value.message == (
        f"the secret `{reference}` is {mask!r}, which vendors show in the place of a secret"
    )
    assert caught.value.hint == "it was copied from a screen or an answer that hides it; set the secret itself"


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_that_is_read_is_no_value_to_compare(mask: str) -> None:
    settings = {"type": "pinterest", "secret_name": mask, "host": mask, "below": {"deep": mask, "kept": "a"}}

    assert results.readable(settings) == {"type": "pinterest", "below": {"kept": "a"}}
