import { type Shell, sh } from '../shell/sh.ts';
import { RECOVERY } from './places.ts';

/** The parts of a control plane that kubelet runs from files, as those are called. */
export const PARTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** Where kubelet looks for them. */
export const MANIFEST_FOLDER = '/etc/kubernetes/manifests';

/** Prints the running container of a part of this node's control plane, by the runtime's own books. */
export function container(part: Shell, node: string): Shell {
  return sh`timeout 20 crictl ps -q --state Running --label io.kubernetes.pod.namespace=kube-system --label io.kubernetes.pod.name=${part}-${node} | head -n 1`;
}

/** etcdctl in the container of this node's etcd: the runtime is asked, so it works while no API server does. */
export function localEtcdctl(node: string): Shell {
  const at = '/etc/kubernetes/pki/etcd';
  return sh`timeout 20 crictl exec "$(
      ${container(sh`etcd`, node)}
    )" etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${`${at}/ca.crt`} --cert=${`${at}/healthcheck-client.crt`} --key=${`${at}/healthcheck-client.key`} --command-timeout=5s`;
}

/**
 * Sets `$minor` to the minor of the etcd this host runs, empty when no manifest says it; and `$etcdutl` to a program of that minor,
 * empty when there is none. It comes with etcd's image, and lies in the runtime's store as an ordinary file that needs nothing else.
 */
export const findEtcdutl = sh`
  minor=$(sed -n 's#^ *image: .*/etcd:v\{0,1\}\([0-9]*\.[0-9]*\)\..*#\1#p' ${[`${MANIFEST_FOLDER}/etcd.yaml`, `${RECOVERY.manifests}/etcd.yaml`]} 2>/dev/null | head -n 1)
  etcdutl=
  for path in /var/lib/containers/storage/overlay/*/diff/usr/local/bin/etcdutl \
    /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs/usr/local/bin/etcdutl /usr/local/bin/etcdutl; do
    if [ -n "$minor" ] && [ -x "$path" ]; then
      case $("$path" version 2>/dev/null) in
        *" $minor".*) etcdutl=$path; break ;;
      esac
    fi
  done`;
