import { sh } from '../shell/sh.ts';
import { apiNames } from './api-certificate.ts';
import { API_CLUES } from './clues.ts';
import { endpointKept } from './endpoint-kept.ts';
import { endpointServers, isMoving } from './endpoint-servers.ts';
import { imageSteps } from './images.ts';
import { KUBELET_CLUES } from './init-clues.ts';
import { initSteps, kubeletsWords } from './init.ts';
import { settingsProbe } from './kept.ts';
import { check } from './kinds/check.ts';
import { file } from './kinds/file.ts';
import { age, YOUNG } from './kinds/unit.ts';
import { keptSettings, superAdmin } from './kept-settings.ts';
import { kubeadmConfig } from './kubeadm-config.ts';
import { leafCertificates, renewal } from './leaf-certificates.ts';
import { apiProbe, nodeAddress, nodesProbe } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import { ownRequestSteps } from './serving.ts';
import type { Step } from './step.ts';
import { heldSteps } from './virtual-address.ts';

/** From kubeadm's file to an API server that answers and knows its node. */
export function controlPlaneSteps(scene: Scene): readonly Step[] {
  return [
    ...heldSteps(scene),
    kubeadmFile(scene),
    ...configSteps(scene),
    ...initSteps(scene),
    ...readySteps(scene),
  ];
}

/** The file kubeadm reads, of any control plane: a joined one needs it for its certificates and its images. */
export function kubeadmFile(scene: Scene): Step {
  return file(
    {
      id: 'control-plane/kubeadm-config',
      title: 'Write the file kubeadm reads',
      why: 'kubeadm fills in whatever it is not told: the newest version it finds on the internet, the address of the default route, networks that may be in use. Told in a file, all of it can be read, compared and used again for the next upgrade.',
      see: ['https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/'],
      long: true,
    },
    { path: FILES.kubeadm, content: kubeadmConfig(scene), mode: '0600' },
  );
}

/** That the file is sound, and the images it asks for. */
export function configSteps(scene: Scene): readonly Step[] {
  return [
    check(
      {
        id: 'control-plane/config-valid',
        title: "Have kubeadm's word that the file is sound",
        why: 'Field names change from version to version. This kubeadm checks every one of them, without a cluster and without the internet.',
        see: ['https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-config/'],
        after: ['control-plane/kubeadm-config', 'packages/installed'],
        clues: [
          {
            match:
              /unknown field|strict decoding error|no kind .* is registered|cannot unmarshal|unknown apiVersion|old API spec/i,
            means: 'the file was written for another version of kubeadm',
            try: 'kubeadm version; compare with kubernetes: in cluster.yaml and landfall.lock',
            diagnosis: 'H30',
          },
        ],
      },
      { read: sh`timeout 20 kubeadm config validate --config ${FILES.kubeadm}`, want: 'ok' },
    ),
    ...imageSteps(scene),
  ];
}

const KUBELET = {
  unit: 'kubelet',
  reads: [
    '/var/lib/kubelet/config.yaml',
    '/var/lib/kubelet/kubeadm-flags.env',
    '/etc/default/kubelet',
    '/etc/systemd/system/kubelet.service.d',
    '/usr/lib/systemd/system/kubelet.service.d',
  ],
  program: '/usr/bin/kubelet',
} as const;

/** The step that keeps kubelet running, of a control plane or of a worker. */
export function kubelet(about: Pick<Step, 'id' | 'why' | 'after'>): Step {
  return {
    ...about,
    title: 'Run kubelet with the settings that lie on the disk',
    see: ['https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/'],
    disturbs: 'service',
    within: 30,
    awaits: 'kubelet',
    // One that stops again right after each start is active in between; one that answers has come up. 10248 is its healthzPort.
    read: sh`
      state=$(systemctl show -p ActiveState ${KUBELET.unit})
      since=$(systemctl show -p ActiveEnterTimestampMonotonic --value ${KUBELET.unit})
      echo "$state"
      ${age(KUBELET)}
      if [ "$state" != ActiveState=active ]; then ${kubeletsWords}
      elif [ $(($(cut -d . -f 1 /proc/uptime) - \${since:-0} / 1000000)) -lt 3 ] && ! curl -fs -m 1 -o /dev/null http://127.0.0.1:10248/healthz; then echo 'started just now'; fi`,
    want: `ActiveState=active\n${YOUNG}`,
    // kubeadm has just started it: then there is only to see whether it stays.
    make: sh`
      if systemctl -q is-active ${KUBELET.unit} && { ${age(KUBELET)}; } | grep -qx ${YOUNG}; then exit; fi
      systemctl daemon-reload
      systemctl restart ${KUBELET.unit}`,
    clues: [
      ...KUBELET_CLUES,
      {
        // What has started just now, at the end of its time, has been started over and over.
        match: /^(ActiveState=|started just now)/,
        means: 'kubelet does not start, or stops again',
        try: 'journalctl -u kubelet -n 50 --no-pager says why: swap, cgroups, a flag, or the runtime',
        diagnosis: 'H31',
      },
    ],
  };
}

/** What must be seen of a control plane that is up. */
function readySteps(scene: Scene): readonly Step[] {
  const { cluster, lock, node, facts } = scene;
  const settings = {
    clusterName: cluster.name,
    dnsDomain: cluster.network.domain,
    kubernetesVersion: `v${lock.kubernetes}`,
    podSubnet: cluster.network.pods,
    serviceSubnet: cluster.network.services,
  };
  return [
    leafCertificates(scene, {
      id: 'control-plane/certificates',
      after: ['control-plane/kubeadm-config', 'control-plane/no-torn-files', 'control-plane/init'],
    }),
    apiNames(scene, {
      id: 'control-plane/api-names',
      after: ['control-plane/kubeadm-config', 'control-plane/init'],
    }),
    kubelet({
      id: 'control-plane/kubelet',
      why: 'kubelet starts every pod of the node, the control plane among them, and starts again what has stopped. Pods go on without it, so its absence shows only when the next one is needed, or when the node is called lost.',
      after: ['control-plane/init'],
    }),
    apiReady(scene, { id: 'control-plane/api-ready', after: ['control-plane/init'] }),
    check(
      {
        id: 'control-plane/node',
        title: 'See the node in its own cluster',
        why: 'kubelet registers the node under its name, with the address others will use, at its own version. A wrong address here shows only when a second node cannot be reached.',
        see: ['https://kubernetes.io/docs/concepts/architecture/nodes/'],
        after: ['control-plane/kubelet', 'control-plane/api-ready'],
        probes: [nodesProbe(scene)],
        within: 60,
        awaits: 'kubelet to register the node',
        clues: [
          {
            match: /nodes .* not found|NotFound/,
            means:
              'kubelet has not registered the node: it does not run, or its certificate carries another name',
            try: 'systemctl status kubelet; journalctl -u kubelet -n 50',
            diagnosis: 'H97',
          },
          ...API_CLUES,
        ],
      },
      {
        read: sh`
          probe nodes | awk -F '|' -v name=${node.name} '$1 == name { print $1, $2, $3; seen = 1 } END { if (!seen) print "not seen" }'`,
        want: `${node.name} ${nodeAddress(node, facts)} v${lock.kubernetes}`,
      },
    ),
    check(
      {
        id: 'control-plane/settings',
        title: 'Run the cluster cluster.yaml describes',
        why: 'Some things are decided once: the name of the cluster, the networks, the domain. kubeadm keeps them in the cluster. Changed in cluster.yaml alone they would be a wish nobody hears, so they are compared.',
        see: ['https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/'],
        after: ['control-plane/api-ready'],
        probes: [settingsProbe(scene)],
        clues: [
          {
            match: /^kubernetesVersion: /,
            means: 'the cluster runs another version than landfall.lock names',
            try: 'an upgrade is a work of its own; until then put the version that runs into cluster.yaml and landfall.lock',
          },
          {
            match: /^(podSubnet|serviceSubnet|dnsDomain|clusterName): /,
            means: 'the cluster was made with another value than cluster.yaml has now',
            try: 'put the old value back into cluster.yaml; to change it, the cluster must be made anew',
          },
          ...API_CLUES,
        ],
      },
      {
        read: sh`
          probe kubeadm_settings | tr -d '"' | sed -n 's/^ *\(\('${Object.keys(settings).join('\\|')}'\): .*\)$/\1/p' | sort`,
        want: Object.entries(settings)
          .map(([key, value]) => `${key}: ${value}`)
          .sort()
          .join('\n'),
      },
    ),
    endpointKept(scene),
    ...keptSettings(scene),
    ...(isMoving(scene) ? [] : endpointServers(scene)),
    ...ownRequestSteps(scene, 'control-plane'),
    ...superAdmin(scene),
    renewal(scene, { id: 'control-plane/renewal', after: ['control-plane/init'] }),
  ];
}

/** The API server of the node asked is ready. */
export function apiReady(scene: Scene, about: Pick<Step, 'id' | 'after'>): Step {
  return check(
    {
      ...about,
      title: 'Have an API server that is ready',
      why: 'Everything from here on is said to the API server. It is ready when it reaches etcd and has finished starting, not when it merely listens.',
      see: ['https://kubernetes.io/docs/reference/using-api/health-checks/'],
      within: 240,
      awaits: 'the API server',
      probes: [apiProbe(scene)],
      clues: API_CLUES,
    },
    { read: sh`probe api | grep . || echo 'not ready'`, want: 'ok' },
  );
}
