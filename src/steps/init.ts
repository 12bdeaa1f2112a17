import { controlPlanes } from '../model/cluster.ts';
import { runtimeOf } from '../model/runtime.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { ANEW, ANEW_CLUES, findAnew, refuseAnew } from './identity.ts';
import { INIT_CLUES } from './init-clues.ts';
import { AUTHORITIES, CONFIGS, tornFiles } from './key-files.ts';
import { objectsProbe, wantedObjects } from './kept.ts';
import { draft, inPlace } from './kinds/file.ts';
import {
  removeLinks,
  removePods,
  removePrograms,
  removeRoutes,
  removeRules,
  removeState,
} from './leftovers.ts';
import { apiPort, apiProbe, kubectl } from './node.ts';
import { owner } from './prepare.ts';
import { withoutProxy } from './proxy.ts';
import type { Scene } from './phase.ts';
import { FILES, RECOVERY } from './places.ts';
import { pluginFiles } from './plugin.ts';
import { criSocket, runtimeParts } from './runtime-parts.ts';
import type { Step } from './step.ts';

export const PAIRS = Object.entries(AUTHORITIES).flatMap(([authority, signed]) => [authority, ...signed]);
export const MANIFESTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
  (n) => `manifests/${n}.yaml`,
);

/** What kubelet last complained about. */
export const kubeletsWords = sh`journalctl -u kubelet -n 40 -o cat --no-pager 2>/dev/null | grep -i -e error -e failed -e unknown | tail -n 2`;

/** kubeadm init, from whatever an earlier try has left. */
export function initSteps(scene: Scene): readonly Step[] {
  return [tornFiles(), init(scene)];
}

/** What takes a member back, whichever way it became one: by init or by a join. */
export function takeBack(scene: Scene): Shell {
  const { cluster } = scene;
  return sh`
    begun=
    if [ -e /etc/kubernetes/kubelet.conf ] || [ -d /etc/kubernetes/pki ] || [ -d /var/lib/etcd/member ]; then begun=yes; fi
    if [ -n "$begun" ]; then
      if kubeadm version >/dev/null 2>&1; then
        systemctl start ${runtimeParts(scene).unit} 2>/dev/null || :
        config=/etc/kubernetes/admin.conf
        ${
          controlPlanes(cluster).length > 1
            ? // Where others vote too, who leaves is taken off their list by them: asked one after the other they would wait in vain.
              sh`config=/nonexistent`
            : sh`${kubectl(scene)} get --raw /readyz >/dev/null 2>&1 || config=/nonexistent`
        }
        kubeadm reset --force --cri-socket ${criSocket(scene)} --cleanup-tmp-dir --kubeconfig "$config" || echo 'what kubeadm has left is taken away without it'
      else echo 'kubeadm is gone: what it would take away is taken away without it'; fi
      systemctl stop kubelet 2>/dev/null || :
    fi
    ${removePods(runtimeOf(cluster, scene.node))}
    if [ -n "$begun" ]; then
      ${removeState(pluginFiles(cluster.network.plugin))}
    fi
    ${removePrograms}
    ${removeLinks}
    ${removeRoutes(cluster.network.pods)}
    ${removeRules}
    rm -rf ${RECOVERY.folder}
    rm -f ${[FILES.initialised, FILES.clusterUid, RECOVERY.done]}`;
}

function init(scene: Scene): Step {
  const { cluster } = scene;
  const ports = [apiPort(cluster), 10250, 10257, 10259, 2379, 2380];
  const met = [
    ...ports.map((port) => `Port-${port}`),
    'DirAvailable--var-lib-etcd',
    ...MANIFESTS.map((path) => `FileAvailable--etc-kubernetes-${path.replaceAll('/', '-')}`),
  ].join(',');
  return {
    id: 'control-plane/init',
    title: 'Make the cluster',
    why: 'kubeadm makes the keys and certificates, starts etcd and the control plane as pods that kubelet runs by itself, and writes into the new cluster what later nodes need to know. Its phases keep what they find whole, so an init that was cut short anywhere is brought to its end by running it again.',
    see: ['https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/'],
    after: ['control-plane/no-torn-files', 'preflight/same-data'],
    disturbs: 'service',
    within: 30,
    awaits: 'the API server to show what kubeadm has written',
    probes: [apiProbe(scene), objectsProbe(scene)],
    read: sh`
      part() { # NAME FILE...: whole, begun or absent
        name=$1; shift; there=0
        for path; do if [ -s "$path" ]; then there=$((there + 1)); fi; done
        if [ "$there" -eq 0 ]; then open="$open $name"; return; fi
        begun=yes
        if [ "$there" -lt $# ]; then open="$open $name"; fi
      }
      open=; begun=
      cd /etc/kubernetes 2>/dev/null || cd /
      for pair in ${PAIRS}; do set -- "$@" "pki/$pair.crt" "pki/$pair.key"; done
      part certificates "$@" pki/sa.key pki/sa.pub
      part kubeconfigs ${CONFIGS.filter((name) => name !== 'super-admin.conf')}
      part manifests ${MANIFESTS}
      part kubelet /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env
      ${owner}
      if [ -z "$begun" ]; then echo 'no cluster'
      elif [ "$owner" != ${cluster.name} ]; then echo 'not ours: Landfall did not begin this'
      elif [ -n "$open" ]; then echo "half-done, open:$open"
      else
        anew=
        found=" $(probe cluster_objects 2>/dev/null | tr '\n' ' ')"
        case $found in
          *'answered ')
            for name in ${wantedObjects(scene)}; do case $found in *" $name "*) ;; *) open="$open $name" ;; esac; done ;;
          *)
            # One that is ready and tells nothing may be another cluster's, in which we have no rights.
            if [ "$(probe api)" = ok ]; then
              ${findAnew(scene)}
            fi
            [ -e ${FILES.initialised} ] || open=' what only the API server knows' ;;
        esac
        if [ -n "$anew" ]; then echo ${ANEW}
        elif [ -n "$open" ]; then echo "half-done, open:$open"; else echo initialised; fi
      fi`,
    want: 'initialised',
    make: sh`
      ${owner}
      if [ "$owner" != ${cluster.name} ]; then
        echo 'this host is not marked as one of the cluster; nothing is touched'; exit 1
      fi
      ${refuseAnew(scene)}
      met=
      if [ -n "$(ls /etc/kubernetes/manifests 2>/dev/null)" ] || [ -e /var/lib/kubelet/config.yaml ]; then
        # An earlier try has come this far: that its own files and processes are there is no error.
        met=--ignore-preflight-errors=${met}
      fi
      ${withoutProxy(cluster, sh`kubeadm init --config ${FILES.kubeadm} --skip-token-print --skip-certificate-key-print --skip-phases=show-join-command $met`)} || {
        status=$?
        # kubeadm waits for kubelet and knows no more than that it does not come.
        ${kubeletsWords}
        exit "$status"
      }
      # kubeadm leaves them to the page cache, where a power cut would take them from a cluster that has data by now.
      find /etc/kubernetes -type f -exec sync {} +
      date -u +%FT%TZ >${draft(FILES.initialised)}
      ${inPlace(FILES.initialised)}`,
    undo: takeBack(scene),
    writes: [FILES.initialised],
    clues: [
      {
        match: /^not ours: |is not marked as one of the cluster/,
        means: 'a control plane lies on this host that Landfall did not begin',
        try: 'take another host; or, when nothing of it is needed any more, kubeadm reset on this one',
        diagnosis: 'H21',
      },
      ...ANEW_CLUES,
      ...INIT_CLUES,
    ],
  };
}
