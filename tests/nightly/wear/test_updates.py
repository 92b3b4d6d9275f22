"""A security update comes by itself, and the bridge says how it is afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from nightly.wear.counted import CountedPi

Record = Callable[[str, object], None]

_FOLDER = "/var/lib/pvs-bridge-wear-updates"
_SOURCES = "/etc/apt/sources.list.d/pvs-bridge-wear.list"
_PACKAGE = "pvs-bridge-wear"
# Debian's own archive of security updates calls itself so.
_PUBLISH = f"""set -e
. /etc/os-release
mkdir -p {_FOLDER}/archive && cd {_FOLDER}
for version in 1 2; do
    mkdir -p build/DEBIAN
    printf '%s\\n' 'Package: {_PACKAGE}' "Version: $version" 'Architecture: all' \
        'Maintainer: nobody <nobody@example.org>' 'Description: has a flaw' > build/DEBIAN/control
    dpkg-deb --build --root-owner-group build $version.deb
done
dpkg --install 1.deb
mv 2.deb archive
cd archive
{{
    cat ../build/DEBIAN/control
    printf '%s\\n' 'Filename: ./2.deb' "Size: $(stat --format=%s 2.deb)" \
        "SHA256: $(sha256sum 2.deb | cut -d ' ' -f 1)"
}} > Packages
printf '%s\\n' 'Origin: Debian' 'Label: Debian-Security' 'Suite: stable-security' \
    "Codename: $VERSION_CODENAME-security" "Date: $(date --utc --rfc-email)" 'SHA256:' \
    " $(sha256sum Packages | cut -d ' ' -f 1) $(stat --format=%s Packages) Packages" > Release
echo 'deb [trusted=yes] file:{_FOLDER}/archive ./' > {_SOURCES}
"""
_REMOVE = f"dpkg --purge {_PACKAGE}; rm -rf {_FOLDER} {_SOURCES}"
# In this order their timers start them.
_UPDATE = "systemctl start apt-daily && systemctl start apt-daily-upgrade"
_REPORT = "tail -n 1 /var/lib/pvs-bridge/updates.log"


@pytest.fixture
def published(counted: CountedPi) -> Iterator[CountedPi]:
    """A bridge with a package that has a flaw, which is mended in the archive."""
    counted.work(_PUBLISH)
    yield counted
    counted.work(_REMOVE)


def test_a_security_update_is_installed_and_the_bridge_says_how_it_is(
    published: CountedPi, record_property: Record
) -> None:
    record_property("KiB", published.kib_of(_UPDATE))
    version = published.work(f"dpkg-query --show --showformat='${{Version}}' {_PACKAGE}")
    assert version == "2"
    assert published.work(_REPORT).endswith(f" updates: {_PACKAGE}; the bridge is healthy\n")
    # apt's two caches, which would be the most of what an update writes.
    assert published.work(f"find /var/cache/apt -name '*.bin' -newer {_SOURCES}") == ""

    published.work(_UPDATE)
    assert published.work(_REPORT).endswith(" updates: none; the bridge is healthy\n")
