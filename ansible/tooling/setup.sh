#!/bin/sh
# Installs the packages of a target of the Makefile: Debian packages with apt, Python packages from
# requirements.lock into .venv. Returns quickly if everything is installed.
#
# usage: ansible/tooling/setup.sh validate|checkers|controller|lab|radio|arm64|card|repository|image|test-image|test|lint
set -eu

# The daemons that check their files in make validate.
checker_packages='dhcpcd-base dnsmasq-base haproxy network-manager nftables wpasupplicant'
controller_packages='openssh-client python3 python3-venv'
lab_packages="$controller_packages apt-utils curl debian-archive-keyring dnsmasq-base iproute2 \
mmdebstrap openssl socat systemd-container"
radio_packages="$lab_packages e2fsprogs qemu-system-x86"
arm64_packages='cpio debian-archive-keyring mmdebstrap qemu-system-arm'
# For writing cards, also from a backup, and for building images of arm64 packages in a user namespace without root.
card_packages="$controller_packages age mtools xz-utils"
repository_packages="$controller_packages apt-utils gnupg"
image_packages="$card_packages arch-test binfmt-support debian-archive-keyring dosfstools e2fsprogs \
fuse2fs git mmdebstrap qemu-user-static uidmap zstd"
test_image_packages="$lab_packages $image_packages qemu-system-arm"
test_packages="$lab_packages $image_packages bmap-tools chromium chromium-driver cpio dnsutils fdisk \
fonts-dejavu-core gnupg iputils-arping iputils-ping lintian shellcheck"
lint_packages="$controller_packages git shellcheck"

usage='usage: ansible/tooling/setup.sh validate|checkers|controller|lab|radio|arm64|card|repository|image|test-image|test|lint'
case "${1-}" in
    # Python packages only, because CI runners have Python but no root.
    validate) packages= ;;
    checkers) packages=$checker_packages ;;
    controller) packages=$controller_packages ;;
    lab) packages=$lab_packages ;;
    radio) packages=$radio_packages ;;
    arm64) packages=$arm64_packages ;;
    card) packages=$card_packages ;;
    repository) packages=$repository_packages ;;
    image) packages=$image_packages ;;
    test-image) packages=$test_image_packages ;;
    test) packages=$test_packages ;;
    lint) packages=$lint_packages ;;
    *) echo "$usage" >&2 && exit 2 ;;
esac
project=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pvs-bridge

fail() {
    printf 'error: %s\n  hint: %s\n' "$1" "$2" >&2
    exit 1
}

missing_packages() {
    for package in $packages; do
        status=$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2> /dev/null) || status=
        case $status in
            ii*) ;;
            *) printf ' %s' "$package" ;;
        esac
    done
}

install_packages() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif sudo -n true 2> /dev/null || { [ -t 0 ] && command -v sudo > /dev/null; }; then
        as_root=sudo
    else
        fail "Debian packages are missing:$missing" \
            "as root, run: apt-get update && apt-get install --yes --no-install-recommends$missing"
    fi
    echo "installing Debian packages:$missing" >&2
    log=$(mktemp)
    # shellcheck disable=SC2086 # one word per package
    if ! { $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends $missing; } > "$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "apt-get could not install$missing" "read the lines above; the whole log is $log"
    fi
    rm "$log"
}

# A virtual environment is valid for one lock file and one interpreter.
wanted_stamp() {
    "$python" --version
    cksum < "$project/requirements.lock"
}

install_python() {
    command -v "$python" > /dev/null ||
        fail "PYTHON=$python is not installed" "install it, or set PYTHON to an installed interpreter"
    stamp=$project/.venv/pvs-bridge-stamp
    [ "$(cat "$stamp" 2> /dev/null)" != "$(wanted_stamp)" ] || return 0
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$python" --version) is too old" "install Python 3.11 or newer, or set PYTHON=..."
    echo "installing Python packages into .venv (about half a minute)" >&2
    rm -rf "$project/.venv"
    "$python" -I -m venv "$project/.venv"
    PIP_CACHE_DIR=$cache/pip "$project/.venv/bin/pip" install --quiet --quiet \
        --disable-pip-version-check --require-hashes --requirement "$project/requirements.lock" ||
        fail "Python packages could not be installed" "see pip's message above, then try again"
    wanted_stamp > "$stamp"
}

if [ -z "$packages" ]; then
    :
elif command -v dpkg-query > /dev/null; then
    install_packages
else
    command -v ssh > /dev/null || fail "ssh is not installed" "install OpenSSH's client"
fi
install_python
