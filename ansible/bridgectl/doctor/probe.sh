#!/bin/sh
# What the Pi says about itself, in one go. Changes nothing, needs root for some of it only, and
# asks nothing that could keep it for ever.
#
# usage: probe.sh PVS_INTERFACE PVS_ADDRESS UPLINK_INTERFACE
#
# Prints the lines of each answer with a space before them, and below them "@NAME STATUS": nothing
# that a program or a network's name says can be taken for the name of an answer.
# shellcheck disable=SC2016 # what is quoted, the inner shell fills in
set -u
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export pvs_interface="$1" pvs_address="$2" uplink_interface="$3"
patience_seconds=5

ask() {
    name=$1
    shift
    output=$(timeout -k 1 "$patience_seconds" "$@" 2>&1 < /dev/null)
    status=$?
    printf '%s\n' "$output" | sed 's/^/ /'
    printf '@%s %s\n' "$name" "$status"
}

# The Pi itself.
ask user id -u
ask system sh -c '. /etc/os-release && echo "$PRETTY_NAME"'
ask model cat /proc/device-tree/model
ask uptime cat /proc/uptime
ask clock date -u +%s
ask synchronized timedatectl show --property=NTPSynchronized --value
ask throttled sh -c 'cat /sys/devices/platform/soc/soc:firmware/get_throttled 2> /dev/null ||
    vcgencmd get_throttled'
ask temperature cat /sys/class/thermal/thermal_zone0/temp
ask mounts cat /proc/mounts
# Where memory lies over the root, the card's own is there.
card=/
[ ! -d /media/root-ro ] || ! mountpoint -q /media/root-ro || card=/media/root-ro
ask space df -P -k "$card"
ask inodes df -P -i "$card"
ask root_memory df -P -k /
ask root_lock cat /etc/overlayroot.local.conf
ask boot_options cat /proc/cmdline
ask memory cat /proc/meminfo
ask python python3 -I -c 'print("works")'
ask pending cat /var/lib/pvs-bridge/rollback/pending.json
ask failed systemctl list-units --state=failed --plain --no-legend --no-pager
ask services systemctl show --property=Id,LoadState,ActiveState,SubState,UnitFileState,NRestarts \
    haproxy.service pvs-bridge-compat.service NetworkManager.service dhcpcd.service \
    "wpa_supplicant@$uplink_interface.service" avahi-daemon.service dnsmasq.service

# Both networks.
ask links sh -c 'for each in /sys/class/net/*; do
    wireless=no
    [ ! -e "$each/phy80211" ] || wireless=yes
    echo "${each##*/} $(cat "$each/carrier" 2> /dev/null || echo off) $wireless"
done'
ask addresses ip -json -4 address show
ask routes_ipv4 ip -json -4 route show default
ask routes_ipv6 ip -json -6 route show default

# Home.
ask radio sh -c 'for each in /sys/class/rfkill/rfkill*; do
    [ "$(cat "$each/type")" != wlan ] || echo "$(cat "$each/soft") $(cat "$each/hard")"
done'
ask association iw dev "$uplink_interface" link
ask supplicant wpa_cli -i "$uplink_interface" status
ask gateway sh -c 'set -- $(ip -4 route show default dev "$uplink_interface")
    [ "${2-}" = via ] && echo "$3" && ping -n -q -c 1 -W 2 "$3"'
# Who has no names gets neither the time nor updates; those come from where apt looks.
ask names sh -c 'host=$(grep -rhoE "https?://[^/ ]+" /etc/apt/sources.list /etc/apt/sources.list.d |
    head -n 1)
    host=${host#*://}
    echo "${host:=deb.debian.org}" && getent ahostsv4 "$host"'

# The PVS: its neighbour entry tells more than a ping, which a firewall may swallow.
ask ping ping -n -q -c 1 -W 1 "$pvs_address"
ask neighbour ip neighbour show to "$pvs_address" dev "$pvs_interface"
