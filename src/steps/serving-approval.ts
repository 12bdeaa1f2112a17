import { type Shell, sh } from '../shell/sh.ts';
import { timer } from './kinds/timer.ts';
import { PROGRAM_HEAD } from './leaf-certificates.ts';
import { kubectl } from './node.ts';
import type { Scene } from './phase.ts';
import { WISHED } from './places.ts';
import type { Step } from './step.ts';

/**
 * The label that says at which address cluster.yaml has a node. The API server lets no kubelet set labels of this prefix, not even
 * on its own node: so it can be held against what a kubelet says of itself.
 */
export const ADDRESS_LABEL = 'node-restriction.kubernetes.io/landfall-address';

/** Who signs what kubelets serve. */
export const SERVING_SIGNER = 'kubernetes.io/kubelet-serving';

/** On each control plane: what grants the certificates kubelets serve, and when it looks. */
export function approver(scene: Scene, about: Pick<Step, 'id' | 'after'>): Step {
  const { approval } = scene.cluster.certificates;
  return timer(
    {
      ...about,
      title:
        approval === 'timer'
          ? 'Grant kubelets the certificates of their own names'
          : 'Leave it to apply to grant kubelets their certificates',
      why: 'Kubernetes grants no certificate of the kind a kubelet serves, for whoever may ask for any name may stand in for any node. What is granted here is asked for by a node itself, and for exactly the name and the address that node has in cluster.yaml. Everything else is left to you.',
      see: [
        'https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/',
        'man 5 systemd.timer',
      ],
    },
    {
      unit: 'landfall-approve',
      does: 'Grant kubelets the certificates of their own names',
      program: {
        path: WISHED.approve,
        content: approverText(scene),
      },
      ...(approval === 'timer'
        ? { when: ['OnBootSec=1min', 'OnUnitActiveSec=5min', 'AccuracySec=30s'] }
        : {}),
    },
  );
}

/** The program's text. */
export function approverText(scene: Scene): string {
  return `${PROGRAM_HEAD}# Grants the serving certificates that kubelets wait for, each for its own name and address and nothing else.
# "landfall-approve list" names the nodes whose requests it would grant, and grants none.
${program(scene).text}
`;
}

/**
 * A request is granted when a node asks for itself, signed with the key it asks for, as `system:node:NAME` of `system:nodes`, for
 * no other use than a server's, and for no other names than its own.
 */
function program(scene: Scene): Shell {
  const kube = kubectl(scene);
  const label = ADDRESS_LABEL.replaceAll('.', String.raw`\.`);
  const path = [
    `{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.metadata.labels.${label}}{"\\n"}{end}`,
    '{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.metadata.name}|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}|{.spec.usages}|{.spec.request}{"\\n"}{end}',
  ].join('');
  return sh`
    right() { # NODE ADDRESS USAGES REQUEST
      case $3 in
        '["digital signature","server auth"]' | '["digital signature","key encipherment","server auth"]') ;;
        *) echo "it is for $3"; return 1 ;;
      esac
      said=$(printf '%s' "$4" | base64 -d | openssl req -verify -noout -subject -nameopt RFC2253 -text 2>&1) || { echo 'it cannot be read'; return 1; }
      case $said in *'verify OK'*) ;; *) echo 'it is not signed with its own key'; return 1 ;; esac
      subject=$(printf '%s\n' "$said" | sed -n 's/^subject= *//p')
      if [ "$subject" != "CN=system:node:$1,O=system:nodes" ]; then echo "it is for $subject"; return 1; fi
      names=$(printf '%s\n' "$said" | awk '/X509v3 Subject Alternative Name:/ { getline; print }' | tr ',' '\n' | sed 's/^ *//' | sort | paste -sd ' ' -)
      if [ "$names" != "DNS:$1 IP Address:$2" ]; then echo "it names $names, and cluster.yaml $1 at $2"; return 1; fi
    }

    seen=$(${kube} get nodes,certificatesigningrequests -o jsonpath=${path})
    printf '%s\n' "$seen" | awk -F '|' -v signer=${SERVING_SIGNER} '
      $1 == "node" && $3 != "" { address["system:node:" $2] = $2 "|" $3 }
      $1 == "request" && $3 == signer && $5 == "" { print $2 "|" ($4 in address ? address[$4] : "|") "|" $4 "|" $6 "|" $7 }' |
      while IFS='|' read -r request node address who usages text; do
        if [ -z "$node" ]; then echo "$request is not granted: no node Landfall knows asks for it, but $who" >&2
        elif why=$(right "$node" "$address" "$usages" "$text"); then
          if [ "\${1:-}" = list ]; then echo "$node"; else ${kube} certificate approve "$request"; fi
        else echo "$request of $node is not granted: $why" >&2; fi
      done`;
}
