"""The card in QEMU's Pi 3B."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from nightly.image import qemu_pi_3b
from nightly.image.flashed_pi import TIMEOUT_SECONDS

from pvs_lab.process import wait_until

# The prompt can be missing on the serial line, because the emulated line is slow.
_PROMPT = re.compile(r"\bpvs-bridge login: |Reached target .*Login Prompts")


@pytest.mark.core
def test_the_card_boots_on_a_pi_3b_to_its_login_prompt(
    image: Path, record_property: Callable[[str, object], None]
) -> None:
    started = time.monotonic()
    with qemu_pi_3b.running(image) as console:

        def shown() -> str:
            return console.read_text(errors="replace")

        assert wait_until(lambda: bool(_PROMPT.search(shown())), TIMEOUT_SECONDS), shown()[-4000:]
        record_property("seconds of this machine", round(time.monotonic() - started))
        assert "Machine model: Raspberry Pi 3 Model B" in shown()
