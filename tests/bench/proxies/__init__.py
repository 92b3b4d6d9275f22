"""The parts of ``make bench-proxy``: proxies side by side before the same simulated PVS."""
