import { isFirstControlPlane, workers } from '../model/cluster.ts';
import { etcdFlags } from '../model/etcd.ts';
import { sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { settingsProbe } from './kept.ts';
import { PKI } from './key-files.ts';
import { check } from './kinds/check.ts';
import { apiServerFlags, days, sharedNames, WATCHES_END } from './kubeadm-config.ts';
import { apiProbe, type At } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Step } from './step.ts';

/** On the first control plane: what kubeadm keeps in the cluster for nodes that join later, and for upgrades. */
export function keptSettings(scene: Scene): readonly Step[] {
  const { certificates } = scene.cluster;
  const wanted = [
    `certificateValidityPeriod: ${days(certificates.validity)}`,
    ...sharedNames(scene.cluster).map((name) => `- ${name}`),
    ...apiServerFlags(scene.cluster).map(({ name }) => `- name: ${name}`),
    ...etcdFlags(scene.cluster.etcd).flatMap(({ name, value }) => [`- name: ${name}`, `value: ${value}`]),
    ...(certificates.kubelets === 'signed' ? ['serverTLSBootstrap: true'] : []),
  ];
  return [
    ...tokenIssuer(scene),
    {
      id: 'control-plane/kept-settings',
      title: 'Keep in the cluster what later nodes are made by',
      why: 'A node that joins is made by what kubeadm keeps in the cluster, not by cluster.yaml, and so is what an upgrade makes. What is wished for later is written there, too.',
      see: ['https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/'],
      after: ['control-plane/api-ready', 'control-plane/settings', 'endpoint/kept'],
      probes: [settingsProbe(scene)],
      read: sh`
        probe kubeadm_settings | awk -v wanted=${wanted.join('|')} '
          { gsub(/^ +|"/, ""); there[$0] = 1 }
          END {
            n = split(wanted, w, "|")
            for (i = 1; i <= n; i++) if (!(w[i] in there)) { print "lacks " w[i]; bad = 1 }
            if (!bad) print "all of it"
          }'`,
      want: 'all of it',
      make: sh`kubeadm init phase upload-config all --config ${FILES.kubeadm}`,
      clues: API_CLUES,
    },
  ];
}

/** Who signs tokens is decided once: changed later, every token that is out would be worthless. */
function tokenIssuer({ cluster }: Scene): readonly Step[] {
  const { tokenIssuer: wish } = cluster.certificates;
  const usual = `https://kubernetes.default.svc.${cluster.network.domain}`;
  return [
    check(
      {
        id: 'control-plane/token-issuer',
        title: 'Sign tokens in the name cluster.yaml gives the cluster',
        why: 'Whoever trusts the tokens of service accounts knows the cluster by this name. It is in every token that is out, so it is decided when the cluster is made, and compared from then on.',
        see: ['https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/'],
        after: ['control-plane/init'],
        clues: [
          {
            match: /^https:/,
            means: 'the cluster was made with another issuer than cluster.yaml has now',
            try: 'put the old value of certificates.tokenIssuer back into cluster.yaml; to change it, the cluster must be made anew',
          },
        ],
      },
      {
        read: sh`sed -n 's/^ *- --service-account-issuer=//p' /etc/kubernetes/manifests/kube-apiserver.yaml 2>/dev/null | head -n 1 | grep . || echo 'none'`,
        want: wish ?? usual,
      },
    ),
  ];
}

/** The credentials above all rules go once the cluster is made: whoever has root here can make them anew. */
export function superAdmin({ cluster }: Scene): readonly Step[] {
  if (cluster.certificates.superAdmin === 'keep') return [];
  const path = '/etc/kubernetes/super-admin.conf';
  return [
    {
      id: 'control-plane/super-admin',
      title: 'Leave no super-admin.conf behind',
      why: 'kubeadm needs it while it makes the cluster, and never after. It may do everything, whatever the rules of the cluster say, for a year, and cannot be taken back but with the authority itself. A copy in a backup is enough. When it is needed, root makes it anew: kubeadm init phase kubeconfig super-admin.',
      see: ['https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/create-cluster-kubeadm/'],
      after: ['control-plane/init'],
      read: sh`if [ -e ${path} ]; then echo 'lies there'; else echo gone; fi`,
      want: 'gone',
      make: sh`rm -f ${path}`,
    },
  ];
}

const MANIFEST = '/etc/kubernetes/manifests/kube-apiserver.yaml';

/** The API server's manifest made anew by kubeadm, and the API server with it. */
const toldAnew = sh`
  running() { crictl ps -q --name '^kube-apiserver$'; }
  before=$(running)
  kubeadm init phase control-plane apiserver --config ${FILES.kubeadm}
  sync -f /etc/kubernetes/manifests
  tries=0
  until [ -n "$(running)" ] && [ "$(running)" != "$before" ]; do
    tries=$((tries + 1))
    if [ "$tries" -ge 120 ]; then echo 'the API server was not started anew within two minutes'; exit 1; fi
    sleep 1
  done`;

/** On each control plane, when every kubelet has its certificate: the API server insists on it; and it ends when it is to end. */
export function insistingSteps(scene: Scene): readonly Step[] {
  const { cluster, node } = scene;
  const at = isFirstControlPlane(cluster, node) ? 'control-plane' : 'join';
  return [...(cluster.certificates.kubelets === 'signed' ? [insisted(scene, at)] : []), endsSoon(scene, at)];
}

/** The API server has a flag, and is ready with it. */
function flagged(
  scene: Scene,
  flag: { readonly name: string; readonly value: string },
  told: Pick<Step, 'id' | 'title' | 'why' | 'after' | 'want'> & { readonly lacking: string },
): Step {
  const { lacking, ...step } = told;
  const has = sh`grep -qxE ${` *- --${flag.name}=${flag.value}`} ${MANIFEST} 2>/dev/null`;
  return {
    ...step,
    see: ['https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/'],
    disturbs: 'service',
    within: 240,
    awaits: 'the API server',
    probes: [apiProbe(scene)],
    read: sh`
      if ! ${has}; then echo ${lacking}
      elif [ "$(probe api)" = ok ]; then echo ${step.want}
      else echo 'the API server is not ready'; fi`,
    make: sh`
      if ${has}; then exit; fi
      ${toldAnew}`,
    clues: API_CLUES,
  };
}

function insisted(scene: Scene, at: At): Step {
  return flagged(
    scene,
    { name: 'kubelet-certificate-authority', value: `${PKI}/ca.crt` },
    {
      id: 'serving/insisted',
      title: 'Have the API server insist on who kubelets are',
      why: 'The API server takes any certificate of a kubelet unless it is told whose to take. It is told only now: before every kubelet has one, logs and exec would end on those that have none.',
      after: [
        `${at}/api-ready`,
        `${at}/serving`,
        ...(workers(scene.cluster).length === 0 ? [] : (['serving/signed'] as const)),
      ],
      lacking: 'takes any',
      want: 'insists',
    },
  );
}

/**
 * Seen with 1.36.3: told to end, the API server answers nobody new, and waits a minute for watches that nobody ends; kubelet kills it
 * after half of that. With the flag it ends them itself and is gone within two seconds.
 */
function endsSoon(scene: Scene, at: At): Step {
  return flagged(scene, WATCHES_END, {
    id: 'control-plane/api-ends',
    title: 'Have the API server end when it is told to',
    why: 'Whoever watches the cluster holds a connection to the API server for ever. Left to itself, an API server that is to end closes its door, waits for these to go away by themselves, and is killed half a minute later: at each renewal of its certificates, each upgrade, each change of a flag nobody can ask it anything all that time. Told how long they may stay, it ends them itself, and whoever watched goes on with the next one.',
    after: [`${at}/api-ready`],
    lacking: 'ends watches at another time, or never',
    want: 'ends watches in time',
  });
}
