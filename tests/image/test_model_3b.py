"""The card in a Pi 3B, as far as QEMU has one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

import pytest
from image import model_3b
from image.pi import CARD_MIB

from pvs_lab.flashed_card import FlashedCard
from pvs_lab.process import wait_until

_PATIENCE_SECONDS = 1500


@pytest.mark.core
def test_a_pi_3b_reaches_its_login_prompt_with_the_card_s_own_kernel_initrd_and_device_tree(
    image: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    card = FlashedCard.flash(image, tmp_path / "card.img", CARD_MIB)
    with model_3b.running(card) as console:

        def shown() -> str:
            return console.read_text(errors="replace")

        prompt = re.compile(r"pvs-bridge login: ")
        assert wait_until(lambda: bool(prompt.search(shown())), _PATIENCE_SECONDS), shown()[-4000:]
        assert "Machine model: Raspberry Pi 3 Model B" in shown()
    card.file.unlink()
    record_property("seconds", 0)
