import { sh } from '../shell/sh.ts';
import { BEFORE, FOLDERS, NOTES } from './places.ts';

/** Pods that kubeadm reset did not stop, and the part of the process tree they lived in. */
export const removePods = sh`
  if [ -S /var/run/crio/crio.sock ]; then timeout 120 crictl rmp --force --all >/dev/null 2>&1 || :; fi
  systemctl stop kubepods.slice 2>/dev/null || :`;

/** The network devices of the pods' network; those of the pods themselves went with the pods. */
export const removeLinks = sh`
  for link in cni0 flannel.1; do
    if ip link show "$link" >/dev/null 2>&1; then ip link delete "$link"; fi
  done`;

/**
 * The rules kube-proxy, kubelet, flannel and the port mapper wrote, and theirs alone. A table in which nothing else is left
 * goes whole, as it came with them.
 */
export const removeRules = sh`
  if command -v nft >/dev/null 2>&1; then
    for family in ip ip6; do
      nft delete table "$family" kube-proxy 2>/dev/null || :
      case $family in ip) tool=iptables-nft ;; *) tool=ip6tables-nft ;; esac
      command -v "$tool-save" >/dev/null 2>&1 || continue
      for table in filter nat mangle raw; do
        nft list table "$family" "$table" >/dev/null 2>&1 || continue
        kept=$("$tool-save" -t "$table" 2>/dev/null | grep -v -e KUBE- -e FLANNEL- -e CNI- -e flanneld) || :
        if printf '%s\n' "$kept" | grep -q -e '^-A' -e '^:[A-Z]* DROP'; then printf '%s\n' "$kept" | "$tool-restore"
        else nft delete table "$family" "$table"; fi
      done
    done
  fi`;

/** Kernel settings that kubelet and kube-proxy changed while they ran, back to what was noted. */
export const restoreSettings = sh`
  if [ -e ${NOTES.sysctls} ]; then
    while read -r line; do sysctl -q -e -w "$(echo "$line" | sed 's/ = /=/')" 2>/dev/null || :; done <${NOTES.sysctls}
  fi`;

/** The folders that filled while the cluster ran and were not there before, whatever is still mounted in them. */
export const removeFolders = sh`
  if [ -e ${NOTES.folders} ]; then
    for path in ${FOLDERS}; do
      if grep -qxF "$path" ${NOTES.folders}; then continue; fi
      cut -d ' ' -f 2 /proc/mounts | grep -e "^$path\$" -e "^$path/" | sort -r | while read -r mount; do
        umount "$mount" 2>/dev/null || umount -l "$mount"
      done
      rm -rf --one-file-system "$path"
    done
  else
    echo ${`there are no notes in ${BEFORE} of what was there before; folders are left as they are`}
  fi`;
