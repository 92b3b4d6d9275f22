#!/bin/sh
# Prints the state of the Pi. Changes nothing, has a timeout for each command, and needs root only
# for some of them.
#
# usage: probe.sh PVS_INTERFACE PVS_ADDRESS UPLINK_INTERFACE
#
# Prints each line of an output after a space, and then "@NAME STATUS", so that neither outputs nor
# names of networks can be mistaken for the name of an output.
# shellcheck disable=SC2016 # the inner shell expands the variables
set -u
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export pvs_interface="$1" pvs_address="$2" uplink_interface="$3"
timeout_seconds=5
# A PVS in the home network may be known by its name.
resolved=$(timeout "$timeout_seconds" getent ahostsv4 "$pvs_address" | sed -n '1s/ .*//p')
pvs_address=${resolved:-$pvs_address}

ask() {
    name=$1
    shift
    output=$(timeout -k 1 "$timeout_seconds" "$@" 2>&1 < /dev/null)
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
# With overlayroot, the card's own root is in /media/root-ro.
card=/
[ ! -d /media/root-ro ] || ! mountpoint -q /media/root-ro || card=/media/root-ro
ask space df -P -k "$card"
ask inodes df -P -i "$card"
ask root_memory df -P -k /
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

# The home network.
ask radio sh -c 'for each in /sys/class/rfkill/rfkill*; do
    [ "$(cat "$each/type")" != wlan ] || echo "$(cat "$each/soft") $(cat "$each/hard")"
done'
ask association iw dev "$uplink_interface" link
ask supplicant wpa_cli -i "$uplink_interface" status
ask gateway sh -c 'set -- $(ip -4 route show default dev "$uplink_interface")
    [ "${2-}" = via ] && echo "$3" && ping -n -q -c 1 -W 2 "$3"'
# Time and updates need name resolution; the name is the host of apt's first source.
ask names sh -c 'host=$(grep -rhoE "https?://[^/ ]+" /etc/apt/sources.list /etc/apt/sources.list.d |
    head -n 1)
    host=${host#*://}
    echo "${host:=deb.debian.org}" && getent ahostsv4 "$host"'

# The PVS: the neighbour entry is more reliable than a ping, which a firewall may drop.
ask ping ping -n -q -c 1 -W 1 "$pvs_address"
ask neighbour ip neighbour show to "$pvs_address" dev "$pvs_interface"
