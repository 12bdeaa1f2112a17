import { controlPlanes, type Node } from '../model/cluster.ts';
import { heredoc, lines, type Shell, sh } from '../shell/sh.ts';
import { CAME_IN } from './firewall-state.ts';
import { wishedFirewall } from './firewall.ts';
import { AS_ROOT, login } from './login-way.ts';
import { wishedPort } from './login.ts';
import { answering, apiPort, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { FIREWALL_STATE } from './places.ts';
import { ROLLBACK_SECONDS } from './rollback.ts';
import type { Step } from './step.ts';

const NOTE = `umask 022
mkdir -p ${FIREWALL_STATE}
: >${CAME_IN}
`;

/** What a node must reach on the others: the API server, and from a control plane also etcd. `address port` each. */
function needed({ cluster, hosts, away }: Scene, node: Node): readonly string[] {
  const ports = [apiPort(cluster), ...(node.role === 'control-plane' ? [2379, 2380] : [])];
  return controlPlanes(cluster)
    .filter(({ name }) => name !== node.name && away?.includes(name) !== true)
    .flatMap((other) => ports.map((port) => `${nodeAddress(other, hosts[other.name])} ${port}`));
}

/** Run on a host by who has come in: what is not reached from there, and whether word was left. What refuses has been reached. */
function look(targets: readonly string[]): string {
  return sh`
    unreached=$(
      while read -r address port; do
        (
          said=$(timeout 5 bash -c ': </dev/tcp/$0/$1' "$address" "$port" 2>&1)
          status=$?
          case $status,$said in 0,* | *refused*) ;; *) echo " $address:$port" ;; esac
        ) &
      done ${heredoc(targets.join('\n'))}
      wait
    )
    unreached=$(echo $(printf '%s\n' "$unreached" | sort))
    if [ -n "$(find ${CAME_IN} -mmin -5 2>/dev/null)" ]; then noted='and noted there'; else noted='not noted there lately'; fi
    echo "landfall: in, \${unreached:+$unreached not reached from there, }$noted"
    `.text;
}

/** Pieces of shell, line by line; nothing when there are none. */
const joined = (pieces: readonly Shell[]): Shell => (pieces.length === 0 ? sh`:` : lines(...pieces));

const lookAs = ({ name }: Node, script: string): Shell => sh`
  ${name})
  inside "$2" 'exec sh -s' ${heredoc(script)}
  ;;`;

/** On the operator's machine: a new login to every node under the new rules, from where it looks whether the others are reached. */
export function firewallProof(scene: Scene): readonly Step[] {
  if (wishedFirewall(scene) === undefined) return [];
  const nodes = answering(scene);
  const wish = wishedPort(scene);
  // A run that was cut short may have moved sshd already.
  const ways = ['', ...(wish === undefined ? [] : [`-p ${wish}`])];
  const inside = sh`
    # ADDRESS COMMAND: what is on standard input goes to the first port that lets somebody in.
    inside() {
      words=$(cat)
      for way in ${ways}; do
        status=0
        printf '%s\n' "$words" | ${login(sh`$way`)} "$1" "$2" 2>&1 || status=$?
        [ "$status" -eq 255 ] || return "$status"
      done
      return 255
    }`;
  const each = (call: string): Shell => joined(nodes.map((n) => sh`${call} ${n.name} ${n.address}`));
  const seen = sh`
    ${inside}
    from_there() {
      case $1 in
      ${joined(nodes.map((node) => lookAs(node, look(needed(scene, node)))))}
      esac
    }
    seen() {
      said=$(from_there "$1" "$2") || :
      echo "$1: $(printf '%s\n' "$said" | sed -n 's/^landfall: //p' | grep . || printf '%s\n' "$said" | tail -n 1)"
    }`;
  return [
    {
      id: 'firewall/answers',
      title: 'Come in once more under the new rules',
      why: 'The connection that loaded them is let through because it was there before. Whether anybody else is shows only by a new one from here; and whether nodes still reach each other, from there.',
      see: ['man 1 ssh'],
      read: sh`
        ${seen}
        ${each('seen')}`,
      want: nodes.map(({ name }) => `${name}: in, and noted there`).join('\n'),
      make: sh`
        ${seen}
        leave_word() {
          inside "$2" ${AS_ROOT} ${heredoc(NOTE)}
        }
        all=$(${each('seen')})
        printf '%s\n' "$all"
        if printf '%s\n' "$all" | grep -v ': in, and noted there$' | grep -qv ': in, not noted there lately$'; then exit 1; fi
        ${each('leave_word')}`,
      clues: [
        {
          match: /timed out|No route to host|Connection refused/i,
          means: `a new connection from here does not come in under the new rules. In ${ROLLBACK_SECONDS / 60} minutes the host takes them back by itself`,
          try: 'firewall.admins must hold the address you come from, as the host sees it: on the host, ss -Htn state established sport = :22 shows it',
        },
        {
          match: / not reached from there/,
          means:
            'a node that reached the other before, or should, does not do so under the new rules. They are taken back by the hosts themselves',
          try: 'nodes are let in by the addresses in cluster.yaml: internalAddress must be the one a node sends from; on it, ip -4 route get ADDRESS shows that as src',
        },
      ],
    },
  ];
}
