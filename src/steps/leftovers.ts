import type { Runtime } from '../model/runtime.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { CONFIGS } from './key-files.ts';
import { BEFORE, NOTES } from './places.ts';
import { RUNTIME_PARTS } from './runtime-parts.ts';

/** What of a runtime is left when it is stopped without having ended its pods, and is taken away by hand. */
const UNENDED: Readonly<Record<Runtime, Shell>> = {
  // CRI-O's pins are named by a UUID. Without its note of this boot it clears its books at its next start.
  'cri-o': sh`
    for pin in /run/netns/* /run/ipcns/* /run/utsns/* /run/userns/* /run/pidns/*; do
      case \${pin##*/} in
        ????????-????-????-????-????????????) umount -l "$pin" 2>/dev/null || :; rm -f "$pin" ;;
      esac
    done
    rm -f /run/crio/version`,
  // Its shims go on without it, each with a container; kubelet takes out of its books what does not run any more.
  containerd: sh`
    pkill -KILL -f ${'^[^ ]*containerd-shim-runc-v2 .*-namespace k8s[.]io'} 2>/dev/null || :
    for pin in /run/netns/cni-*; do
      if [ -e "$pin" ]; then umount -l "$pin" 2>/dev/null || :; rm -f "$pin"; fi
    done`,
};

/** The part of the process tree that pods live in, of whichever runtime. */
const ALL_PODS = sh`systemctl stop kubepods.slice 2>/dev/null || :`;

/**
 * Pods that kubeadm reset did not stop, and the part of the process tree they lived in. A runtime that cannot be asked any more,
 * or is gone, still has them in its books, and their networks live on with no process inside: installed again it would take
 * them up as they are. So these go by hand.
 * @param rest ends what lives where pods do, whoever has started it.
 */
export function removePods(runtime: Runtime, rest: Shell = ALL_PODS): Shell {
  const { socket, unit } = RUNTIME_PARTS[runtime];
  return sh`
  if [ -S ${socket} ] && timeout 120 crictl --runtime-endpoint ${`unix://${socket}`} --timeout 60s rmp --force --all >/dev/null 2>&1; then
    ${rest}
  else
    systemctl stop ${unit} 2>/dev/null || :
    ${rest}
    ${UNENDED[runtime]}
  fi`;
}

/**
 * What kubeadm reset takes away besides the pods, for when kubeadm is gone or does not come to its end; and the files by which
 * the runtime would take the network plugin of a cluster that is no more for there. What is still mounted below kubelet's folder
 * may be somebody's data: while anything is, nothing is removed.
 */
export function removeState(more: readonly string[]): Shell {
  const files = [...CONFIGS, 'bootstrap-kubelet.conf'].map((name) => `/etc/kubernetes/${name}`);
  return sh`
    mounts() { cut -d ' ' -f 2 /proc/mounts | grep '^/var/lib/kubelet/' | sort -r; }
    mounts | while read -r mount; do umount "$mount" 2>/dev/null || umount -l "$mount" || :; done
    left=$(mounts)
    if [ -n "$left" ]; then printf '%s\n' "$left" 'still mounted: what kubelet and etcd have written is left as it is'; exit 1; fi
    for path in /etc/kubernetes/manifests /etc/kubernetes/pki /etc/kubernetes/tmp /var/lib/etcd /var/lib/kubelet; do
      if [ -d "$path" ]; then find "$path/" -xdev -mindepth 1 -delete; fi
    done
    rm -f ${[...files, ...more]}`;
}

/**
 * The network devices of the pods' network, whichever plugin made it; those of the pods themselves went with the pods, or
 * are taken here. `tunl0` belongs to the kernel and can only be taken down.
 */
export const removeLinks = sh`
  ip -o link show | awk '{ sub(/[:@].*/, "", $2); print $2 }' |
    grep -E '^(cni0|flannel\.1|vxlan\.calico|vxlan-v6\.calico|wireguard\.cali|wg-v6\.cali|cali[0-9a-f]{11}|cilium_[a-z0-9]+|lxc[0-9a-f]{12}|lxc_health|tunl0)$' | while read -r link; do
    if [ "$link" = tunl0 ]; then ip addr flush dev tunl0 && ip link set tunl0 down
    # The other end of a pair goes with the first.
    else ip link delete "$link" 2>/dev/null || ! ip link show "$link" >/dev/null 2>&1; fi
  done`;

/**
 * The routes into the pods' network that lead to no device of its own: to nothing, or to other nodes; and Cilium's rules of
 * routing. Cilium moves the kernel's own first rule behind its own: it is put back before anything else is taken.
 */
export function removeRoutes(pods: string): Shell {
  return sh`
    ip -4 route show root ${pods} 2>/dev/null | awk '{ print $1 ~ /^[0-9]/ ? $1 : $1 " " $2 }' | while read -r route; do
      ip -4 route delete $route 2>/dev/null || :
    done
    for family in -4 -6; do
      if ip $family rule show 2>/dev/null | grep -q '^100:.*lookup local'; then
        ip $family rule show | grep -q '^0:.*lookup local' || ip $family rule add pref 0 lookup local
        ip $family rule delete pref 100 lookup local
      fi
      for table in 2004 2005; do
        while ip $family rule show 2>/dev/null | grep -q "lookup $table"; do ip $family rule delete lookup "$table" || break; done
        ip $family route flush table "$table" 2>/dev/null || :
      done
    done`;
}

/**
 * The programs Cilium or Calico left in the kernel: they hang on the host's own devices and at the root of its cgroups, and stay
 * there as long as their names lie in the bpf file system.
 */
export const removePrograms = sh`
  for at in /sys/fs/bpf/cilium /sys/fs/bpf/calico /sys/fs/bpf/tc/globals/cilium_* /sys/fs/bpf/tc/globals/cali_*; do
    if [ -e "$at" ]; then rm -rf "$at"; fi
  done
  if command -v tc >/dev/null 2>&1; then
    ip -o link show | awk '{ sub(/[:@].*/, "", $2); print $2 }' | while read -r link; do
      for way in ingress egress; do
        tc filter show dev "$link" "$way" 2>/dev/null | grep -o -e 'pref [0-9]* bpf.*cil_' -e 'pref [0-9]* bpf.*calico_' | cut -d ' ' -f 2 | sort -u |
          while read -r pref; do tc filter delete dev "$link" "$way" pref "$pref"; done
      done
    done
  fi
  for mount in /run/cilium/cgroupv2 /run/calico/cgroup; do
    if grep -q " $mount " /proc/mounts; then umount "$mount" || umount -l "$mount"; fi
  done`;

/**
 * The rules kube-proxy, kubelet, the network plugin and the port mapper wrote, and theirs alone. A table in which nothing
 * else is left goes whole, as it came with them. Sets can go only when no rule names them any more.
 */
export const removeRules = sh`
  if command -v nft >/dev/null 2>&1; then
    nft delete table arp calico-arp 2>/dev/null || :
    for family in ip ip6; do
      for table in kube-proxy calico; do nft delete table "$family" "$table" 2>/dev/null || :; done
      case $family in ip) tool=iptables-nft ;; *) tool=ip6tables-nft ;; esac
      command -v "$tool-save" >/dev/null 2>&1 || continue
      for table in filter nat mangle raw; do
        nft list table "$family" "$table" >/dev/null 2>&1 || continue
        kept=$("$tool-save" -t "$table" 2>/dev/null | grep -v -e KUBE- -e FLANNEL- -e CNI- -e flanneld -e cali- -e cali: -e CILIUM_) || :
        if printf '%s\n' "$kept" | grep -q -e '^-A' -e '^:[A-Z]* DROP'; then printf '%s\n' "$kept" | "$tool-restore"
        else nft delete table "$family" "$table"; fi
      done
    done
  fi
  if command -v ipset >/dev/null 2>&1; then
    ipset list -n 2>/dev/null | grep -e '^cali[46]0' -e '^cilium_' | while read -r set; do ipset destroy "$set" 2>/dev/null || :; done
  fi`;

/** Kernel settings that kubelet and kube-proxy changed while they ran, back to what was noted. */
export const restoreSettings = sh`
  if [ -e ${NOTES.sysctls} ]; then
    while read -r line; do sysctl -q -e -w "$(echo "$line" | sed 's/ = /=/')" 2>/dev/null || :; done <${NOTES.sysctls}
  fi`;

/** Folders that filled while the cluster ran and were not there before, whatever is still mounted in them. */
export function removeFolders(folders: readonly string[]): Shell {
  return sh`
  if [ -e ${NOTES.folders} ]; then
    for path in ${folders}; do
      if grep -qxF "$path" ${NOTES.folders}; then continue; fi
      cut -d ' ' -f 2 /proc/mounts | grep -e "^$path\$" -e "^$path/" | sort -r | while read -r mount; do
        umount "$mount" 2>/dev/null || umount -l "$mount"
      done
      rm -rf --one-file-system "$path"
    done
  else
    echo ${`there are no notes in ${BEFORE} of what was there before; folders are left as they are`}
  fi`;
}
