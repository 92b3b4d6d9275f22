"""The machine that the bridge runs on."""
