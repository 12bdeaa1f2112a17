/**
 * The program that keeps one lab host running from boot to boot. A shell script and not TypeScript, because one of them
 * runs for every host for as long as the host is up, and must outlive the command that started it: it takes 1 MB, not 50.
 *
 * All it is told comes in its environment: HOST_DIR (holds disk.img, seed/, flags), HOST_NAME, MACHINE (a name no other
 * container on this machine has), NETNS, BRIDGE_NETNS, PORT,
 * MAC, ADDRESS (with prefix length), GATEWAY, CGROUP (path below each hierarchy's root), DROP (capabilities withheld).
 * `sh host.sh loop DIR` runs the host; `enter` and `inside` are the same script again, one step further in.
 */
export const HOST_LOOP = String.raw`#!/bin/sh
# Keeps one lab host running, from boot to boot. Made by landfall; see its environment for what it is told.
set -u
say() { echo "landfall $(date -u +%FT%TZ) $*"; }

# The mount points of the cgroup v1 hierarchies, one a line; none on a machine with cgroup v2.
hierarchies() {
  while read -r _ mount type _; do
    if [ "$type" = cgroup ]; then echo "$mount"; fi
  done </proc/self/mounts
}

# A fresh network namespace for every boot: no address, link or rule of the last one remains in it.
plug() {
  unplug
  ip netns add "$NETNS" &&
    ip -n "$BRIDGE_NETNS" link add "$PORT" type veth peer name eth0 address "$MAC" netns "$NETNS" &&
    ip -n "$BRIDGE_NETNS" link set "$PORT" master br0 &&
    ip -n "$NETNS" link set lo up &&
    ip -n "$NETNS" addr add "$ADDRESS" dev eth0 &&
    ip -n "$NETNS" link set eth0 up &&
    ip -n "$NETNS" route add default via "$GATEWAY" || return 1
  [ -e "$HOST_DIR/link-down" ] || ip -n "$BRIDGE_NETNS" link set "$PORT" up
}
unplug() {
  ip -n "$BRIDGE_NETNS" link del "$PORT" 2>/dev/null
  ip netns del "$NETNS" 2>/dev/null
  true
}

# Its own subtree in every hierarchy: kubelets that shared one would delete each other's pods' cgroups.
grow() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    path=/sys/fs/cgroup
    for part in "" $(echo "$CGROUP" | tr / ' '); do
      path=$path$part/
      mkdir -p "$path"
      [ "$path" = "/sys/fs/cgroup/$CGROUP/" ] && break
      for controller in cpuset cpu io memory hugetlb pids; do
        echo "+$controller" 2>/dev/null >"$path/cgroup.subtree_control"
      done
    done
    return 0
  fi
  hierarchies | while read -r mount; do
    path=$mount
    for part in $(echo "$CGROUP" | tr / ' '); do
      above=$path path=$path/$part
      mkdir -p "$path"
      [ -e "$path/cpuset.cpus" ] || continue
      cat "$above/cpuset.cpus" >"$path/cpuset.cpus"
      cat "$above/cpuset.mems" >"$path/cpuset.mems"
    done
  done
}
wither() {
  for top in $(hierarchies) /sys/fs/cgroup; do
    [ -d "$top/$CGROUP" ] || continue
    find "$top/$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null
  done
  true
}

# The disk is mounted in a mount namespace that ends with the host's last process, and its loop device goes with it.
settle() {
  tries=0
  while [ -n "$(losetup -j "$HOST_DIR/disk.img")" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
  # nspawn leaves this behind where /run is on a disk.
  rmdir "/run/systemd/nspawn/propagate/$MACHINE" 2>/dev/null
  wither
}

case $1 in
  loop)
    echo $$ >"$HOST_DIR/loop.pid"
    boots=0
    while :; do
      boots=$((boots + 1))
      say "boot $boots"
      wither
      if ! plug; then say "its network cannot be made"; break; fi
      grow
      sh "$0" enter "$HOST_DIR" </dev/null &
      pid=$!
      echo $pid >"$HOST_DIR/nspawn.pid"
      echo $boots >"$HOST_DIR/boots"
      wait $pid
      status=$?
      rm -f "$HOST_DIR/nspawn.pid"
      say "ended with status $status"
      unplug
      settle
      # 133: the host asked for a reboot; 0: for power-off; anything else: the power was cut, or it never came up.
      [ $status = 133 ] || break
    done
    echo $status >"$HOST_DIR/ended"
    rm -f "$HOST_DIR/loop.pid"
    ;;
  enter)
    # Only the v1 hierarchies: with the unified one too, systemd fails with "Failed to move process: Not a directory".
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
      echo $$ >"/sys/fs/cgroup/$CGROUP/cgroup.procs"
      own=
    else
      hierarchies | while read -r mount; do echo $$ >"$mount/$CGROUP/cgroup.procs"; done
      own=--cgroup
    fi
    exec unshare $own --mount --propagation slave sh "$0" inside "$2"
    ;;
  inside)
    root=$HOST_DIR/root
    mount -o loop "$HOST_DIR/disk.img" "$root" || exit 90
    # What makes this clone itself: its name, its machine-id, its host key. Laid down once, at the first boot.
    if [ -d "$HOST_DIR/seed" ]; then cp -a "$HOST_DIR/seed/." "$root/" && sync -f "$root" && rm -rf "$HOST_DIR/seed" || exit 91; fi
    if ! [ -e /sys/fs/cgroup/cgroup.controllers ]; then
      export SYSTEMD_NSPAWN_USE_CGNS=1 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0
    fi
    export SYSTEMD_NSPAWN_API_VFS_WRITABLE=1
    modules=/lib/modules/$(uname -r)
    set -- --quiet --directory="$root" --machine="$MACHINE" --hostname="$HOST_NAME" --register=no --keep-unit --console=pipe
    set -- "$@" --network-namespace-path="/run/netns/$NETNS" --kill-signal=SIGRTMIN+3
    set -- "$@" --capability=all --drop-capability="$DROP" --system-call-filter='@known bpf perf_event_open'
    set -- "$@" --bind=/dev/kmsg --bind=/dev/fuse --resolv-conf=off --timezone=off --link-journal=no
    if [ -d "$modules" ]; then set -- "$@" --bind-ro="$modules"; fi
    exec systemd-nspawn "$@" /usr/local/sbin/lab-init
    ;;
esac
`;
