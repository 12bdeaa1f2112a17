import { endpointOf, endpointServer } from '../model/cluster.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { proxiedProbe, PROXY_MARK, settingsProbe } from './kept.ts';
import { PKI } from './key-files.ts';
import { asked, kubectl, SILENT } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Step } from './step.ts';

/*
 * Where the cluster itself keeps its endpoint: what kubeadm makes nodes by, what whoever joins is told, and what kube-proxy goes by.
 */

/** On the first control plane: what kubeadm is told, at the next join and the next upgrade. This is where a move is written down first. */
export function endpointKept(scene: Scene): Step {
  return {
    id: 'endpoint/kept',
    title: 'Keep the endpoint where kubeadm looks for it',
    why: 'A node that joins, and every kubeconfig kubeadm makes from now on, is given the endpoint that is kept in the cluster. Where none is kept it is the address of one machine, and with that machine all of them would be lost.',
    see: ['https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/high-availability/'],
    after: ['control-plane/api-ready', 'control-plane/api-names'],
    probes: [settingsProbe(scene)],
    read: sh`
      said=$(probe kubeadm_settings)
      if [ -z "$said" ]; then echo ${SILENT}
      else printf '%s\n' "$said" | tr -d '"' | sed -n 's/^ *controlPlaneEndpoint: *//p' | grep . || echo none; fi`,
    want: endpointOf(scene.cluster),
    make: sh`kubeadm init phase upload-config kubeadm --config ${FILES.kubeadm}`,
    clues: [
      {
        match: /^none$/,
        means: 'the cluster was made without an endpoint: kubeadm lets no second control plane join it',
        try: 'landfall apply gives it the one of cluster.yaml, when that is confirmed',
        diagnosis: 'H64',
      },
      ...API_CLUES,
    ],
  };
}

/** Another server in a kubeconfig; all else in it stays. */
const renamed = (server: string): Shell => sh`sed ${`s#^\\( *server: \\).*#\\1${server}#`}`;

/** On the seat, before anybody is invited: what a host is told that knows nothing but a token. */
export function clusterInfo(scene: Scene): Step {
  const server = endpointServer(scene.cluster);
  const kube = sh`${kubectl(scene)} -n kube-public`;
  const ask = sh`${kube} get configmap cluster-info --ignore-not-found -o jsonpath='{.data.kubeconfig}'`;
  return {
    id: 'endpoint/cluster-info',
    title: 'Tell whoever joins where the API server is',
    why: 'A host that joins asks one object of the cluster that may be read without a login where the API server is, and goes there from then on. kubeadm writes it once.',
    see: ['https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/'],
    after: ['control-plane/api-ready', 'endpoint/kept'],
    probes: [asked(scene, 'cluster_info', sh`${ask} && echo && echo answered`)],
    read: sh`
      case $(probe cluster_info) in
        *answered) probe cluster_info | sed -n 's/^ *server: //p' | grep . || echo 'it says nothing' ;;
        *) echo ${SILENT} ;;
      esac`,
    want: server,
    // The signatures beside it, one for each token, are made anew by the cluster itself.
    make: sh`
      said=$(${ask})
      at=$(mktemp -d)
      if [ -n "$said" ]; then printf '%s\n' "$said" | ${renamed(server)} >"$at/kubeconfig"
      else
        kubectl config --kubeconfig="$at/kubeconfig" set-cluster kubernetes --server=${server} --certificate-authority=${`${PKI}/ca.crt`} --embed-certs >/dev/null
        sed -i 's/^  name: kubernetes$/  name: ""/' "$at/kubeconfig"
      fi
      ${kube} create configmap cluster-info --from-file="$at/kubeconfig" --dry-run=client -o yaml |
        ${kube} apply --server-side --force-conflicts --field-manager=landfall -f -
      rm -rf "$at"`,
    clues: API_CLUES,
  };
}

/** On the seat, when every kubelet goes to the right one: what the pods of kube-proxy go by. */
export function proxyServer(scene: Scene): readonly Step[] {
  if (scene.cluster.network.kubeProxy === 'replace') return [];
  const server = endpointServer(scene.cluster);
  const kube = sh`${kubectl(scene)} -n kube-system`;
  const mark = PROXY_MARK.replaceAll('.', '\\.');
  const template = `{"spec":{"template":{"metadata":{"annotations":{"${PROXY_MARK}":"%s"}}}}}`;
  return [
    {
      id: 'endpoint/kube-proxy',
      title: 'Have kube-proxy go to the right API server',
      why: 'kube-proxy hears of Services and their pods from the API server, by a kubeconfig of its own in the cluster, which it reads when it starts. One that is not told of another endpoint goes on with what it knew until the old one is gone, and then its rules grow old on every node.',
      see: ['https://kubernetes.io/docs/reference/command-line-tools-reference/kube-proxy/'],
      after: ['control-plane/api-ready', 'endpoint/kept'],
      disturbs: 'service',
      probes: [proxiedProbe(scene)],
      read: sh`
        said=$(probe kube_proxy)
        if [ -z "$said" ]; then echo ${SILENT}
        else
          printf '%s\n' "$said" | sed -n 's/^ *server: //p' | grep . || echo 'it is told nothing'
          printf '%s\n' "$said" | awk -F '|' '$1 == "written" && $2 != $3 { print "its pods are yet to be started anew" }'
        fi`,
      want: server,
      // What was written is marked with the moment, and so are the pods that are to read it: cut short in between, the two differ.
      make: lines(
        sh`
          said=$(${kube} get configmap kube-proxy -o ${'jsonpath={.data.kubeconfig\\.conf}'})
          if [ -z "$said" ]; then echo 'there is no kubeconfig of kube-proxy in the cluster'; exit 1; fi
          if ! printf '%s\n' "$said" | grep -qE ${`^ *server: ${server.replaceAll('.', '\\.')}$`}; then
            at=$(mktemp -d)
            printf '%s\n' "$said" | ${renamed(server)} >"$at/kubeconfig.conf"
            ${kube} create configmap kube-proxy --from-file="$at/kubeconfig.conf" --dry-run=client -o yaml |
              ${kube} annotate --local -f - ${PROXY_MARK}="$(date -u +%FT%T.%NZ)" -o yaml |
              ${kube} apply --server-side --force-conflicts --field-manager=landfall -f -
            rm -rf "$at"
          fi`,
        sh`
          written=$(${kube} get configmap kube-proxy -o ${`jsonpath={.metadata.annotations.${mark}}`})
          ${kube} patch daemonset kube-proxy -p "$(printf ${template} "$written")"`,
      ),
      clues: API_CLUES,
    },
  ];
}
