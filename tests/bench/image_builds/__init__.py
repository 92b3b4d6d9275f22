"""What the benchmark and the reproducibility test of the image builder share."""
