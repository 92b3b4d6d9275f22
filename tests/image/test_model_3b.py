"""The card in a Pi 3B, as far as QEMU has one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from image import model_3b
from image.pi import PATIENCE_SECONDS

from pvs_lab.process import wait_until

# On the serial line, or on the screen that nobody sees: translated, the line may come too late for
# its own prompt.
_PROMPT = re.compile(r"\bpvs-bridge login: |Reached target .*Login Prompts")


@pytest.mark.core
def test_a_pi_3b_reaches_its_login_prompt_with_the_card_s_own_kernel_initrd_and_device_tree(
    image: Path, record_property: Callable[[str, object], None]
) -> None:
    started = time.monotonic()
    with model_3b.running(image) as console:

        def shown() -> str:
            return console.read_text(errors="replace")

        assert wait_until(lambda: bool(_PROMPT.search(shown())), PATIENCE_SECONDS), shown()[-4000:]
        record_property("seconds of this machine", round(time.monotonic() - started))
        assert "Machine model: Raspberry Pi 3 Model B" in shown()
