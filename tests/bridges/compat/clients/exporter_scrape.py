"""The package sunpower-pvs-exporter, scraped once: prints a line for each sample of /metrics.

usage: exporter_scrape.py HOST
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sunpower_pvs_exporter.exporter import SunPowerPVSupervisorCollector


def scrape(host: str) -> Iterator[dict[str, Any]]:
    """Register the collector, which scrapes the PVS, and scrape it again as Prometheus does."""
    registry = CollectorRegistry()
    registry.register(SunPowerPVSupervisorCollector(hostname=host, timeout=10))
    text = generate_latest(registry).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # JSON does not have NaN, which the exporter writes for a key that is left out.
            value = None if math.isnan(sample.value) else sample.value
            yield {"name": sample.name, "labels": sample.labels, "value": value}


if __name__ == "__main__":
    for each in scrape(sys.argv[1]):
        print(json.dumps(each))
