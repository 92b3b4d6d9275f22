#!/bin/sh
# Prints logs and configuration for `make doctor ARGS=--bundle`. The controller removes secrets before
# it stores anything. Files that contain only secrets, such as SSH host keys and cloud-init's
# user-data, are not read.
#
# usage: collect.sh UPLINK_INTERFACE
#
# Prints in the format of probe.sh. The names are paths in the bundle.
set -u
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
uplink_interface="$1"
timeout_seconds=20
most_bytes=400000

ask() {
    name=$1
    shift
    output=$(timeout -k 1 "$timeout_seconds" "$@" 2>&1 < /dev/null | tail -c "$most_bytes")
    printf '%s\n' "$output" | sed 's/^/ /'
    printf '@output/%s 0\n' "$name"
}

keep() {
    for file in "$@"; do
        if [ -f "$file" ]; then
            head -c "$most_bytes" "$file" | sed 's/^/ /'
            printf '\n@files%s 0\n' "$file"
        fi
    done
}

keep /etc/os-release /etc/hostname /etc/hosts /etc/fstab /etc/resolv.conf /etc/resolvconf.conf \
    /etc/pvs-bridge/*.json /etc/pvs-bridge/*.nft /etc/pvs-bridge/*.yml \
    /etc/haproxy/haproxy.cfg /etc/dnsmasq.conf /etc/dnsmasq.d/* /etc/default/dnsmasq \
    /etc/NetworkManager/NetworkManager.conf /etc/NetworkManager/conf.d/* \
    /etc/NetworkManager/system-connections/* /run/NetworkManager/system-connections/* \
    /etc/netplan/* /run/netplan/* /etc/dhcpcd.conf /etc/wpa_supplicant/*.conf \
    /etc/network/interfaces /etc/network/interfaces.d/* \
    /etc/avahi/avahi-daemon.conf /etc/avahi/services/* /etc/nftables.conf \
    /etc/sysctl.conf /etc/sysctl.d/* /etc/modprobe.d/* \
    /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* \
    /etc/systemd/system/pvs-bridge-* /etc/systemd/system/haproxy.service \
    /etc/overlayroot.local.conf /run/initramfs/overlayroot.log \
    /etc/systemd/journald.conf.d/* /etc/systemd/system.conf.d/* /etc/systemd/timesyncd.conf.d/* \
    /boot/firmware/cmdline.txt /boot/firmware/config.txt /boot/firmware/network-config \
    /boot/firmware/wpa_supplicant.conf /boot/firmware/pvs-bridge.yml \
    /boot/firmware/pvs-bridge-report.txt /boot/cmdline.txt /boot/config.txt \
    /var/lib/pvs-bridge/*.json* /var/lib/pvs-bridge/*.log /var/lib/pvs-bridge/rollback/*.json \
    /var/lib/pvs-bridge-*/*.json* /run/pvs-bridge-*/*.json \
    /var/log/unattended-upgrades/unattended-upgrades.log

ask journal journalctl --boot --no-pager --output short-iso --lines 4000
ask journal-of-the-boot-before journalctl --boot=-1 --no-pager --output short-iso --lines 500
ask kernel dmesg
ask units systemctl list-units --all --plain --no-legend --no-pager --full
ask timers systemctl list-timers --all --no-pager --full
ask status-of-the-bridge systemctl status --no-pager --full --lines 20 \
    haproxy "pvs-bridge-*"
ask boot systemd-analyze critical-chain --no-pager
ask addresses ip address
ask links ip -statistics link
ask routes sh -c 'ip -4 route show table all; ip -6 route show table all; ip rule'
ask neighbours ip neighbour
ask firewall nft list ruleset
ask sockets ss -tulpn
ask connections ss -tn
ask sysctl sysctl net.ipv4 net.ipv6
ask radio sh -c "iw dev; iw reg get; iw dev $uplink_interface link; rfkill list"
ask networkmanager sh -c 'nmcli --terse device show; nmcli --terse connection show'
ask wpa-supplicant sh -c "wpa_cli -i $uplink_interface status; \
    wpa_cli -i $uplink_interface list_networks"
ask packages dpkg-query --show
ask processes ps -e -o pid,user,pcpu,rss,etime,stat,comm
ask memory cat /proc/meminfo
ask space df
ask mounts cat /proc/mounts
ask clock timedatectl
ask rollback pvs-bridge rollback status
ask firmware sh -c 'vcgencmd get_throttled; vcgencmd measure_temp; vcgencmd version'
