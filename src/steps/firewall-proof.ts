import { controlPlanes, type Node } from '../model/cluster.ts';
import { heredoc, lines, sh } from '../shell/sh.ts';
import { CAME_IN } from './firewall-state.ts';
import { wishedFirewall } from './firewall.ts';
import { AS_ROOT, login } from './login-way.ts';
import { wishedPort } from './login.ts';
import { answering, apiPort, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { FIREWALL_STATE } from './places.ts';
import { ROLLBACK_SECONDS } from './rollback.ts';
import type { Step } from './step.ts';

/** What a node must reach on the others: the API server, and from a control plane also etcd. `address port` each. */
function needed({ cluster, hosts, away }: Scene, node: Node): readonly string[] {
  const ports = [apiPort(cluster), ...(node.role === 'control-plane' ? [2379, 2380] : [])];
  return controlPlanes(cluster)
    .filter(({ name }) => name !== node.name && away?.includes(name) !== true)
    .flatMap((other) => ports.map((port) => `${nodeAddress(other, hosts[other.name])} ${port}`));
}

/**
 * Run on a host by who has come in: what is not reached from there, and whether word was left; with `$note`, who comes as root leaves it,
 * where nothing is missing. What refuses has been reached.
 */
const LOOK = sh`
  unreached=$(
    for target; do
      [ -n "$target" ] || continue
      (
        said=$(timeout 5 bash -c ': </dev/tcp/$0/$1' \${target% *} \${target#* } 2>&1)
        case $?,$said in 0,* | *refused*) ;; *) echo "$target" | tr ' ' : ;; esac
      ) &
    done
    wait
  )
  unreached=$(printf '%s\n' "$unreached" | sort | tr '\n' ' ')
  case $unreached in *[0-9]*) note= ;; esac
  if [ -n "$note" ]; then ( umask 022; mkdir -p ${FIREWALL_STATE}; : >${CAME_IN} ); fi
  if [ -n "$(find ${CAME_IN} -mmin -5 2>/dev/null)" ]; then noted='and noted there'; else noted='not noted there lately'; fi
  case $unreached in *[0-9]*) noted="\${unreached}not reached from there" ;; esac
  echo "landfall: in, $noted"
  `.text;

/** On the operator's machine: a new login to every node under the new rules, from where it looks whether the others are reached. */
export function firewallProof(scene: Scene): readonly Step[] {
  if (wishedFirewall(scene) === undefined) return [];
  const nodes = answering(scene);
  const wish = wishedPort(scene);
  // A run that was cut short may have moved sshd already.
  const ways = ['', ...(wish === undefined ? [] : [`-p ${wish}`])];
  const seen = sh`
    # ADDRESS COMMAND: what is on standard input goes to the first port that lets somebody in.
    inside() {
      words=$(cat)
      for way in ${ways}; do
        status=0
        printf '%s\n' "$words" | ${login(sh`$way`)} "$1" "$2" 2>&1 || status=$?
        [ "$status" -eq 255 ] || return "$status"
      done
      return 255
    }
    look_there() {
      printf "note='%s'; set --" "$note"; printf " '%s'" "$@"; echo
      cat ${heredoc(LOOK)}
    }
    # NAME ADDRESS TARGET...
    seen() {
      name=$1 at=$2; shift 2
      said=$(look_there "$@" | inside "$at" "$as") || :
      echo "$name: $(printf '%s\n' "$said" | sed -n 's/^landfall: //p' | grep . || printf '%s\n' "$said" | tail -n 1)"
    }`;
  const each = lines(...nodes.map((n) => sh`seen ${n.name} ${n.address} ${needed(scene, n)}`));
  return [
    {
      id: 'firewall/answers',
      title: 'Come in once more under the new rules',
      why: 'The connection that loaded them is let through because it was there before. Whether anybody else is shows only by a new one from here; and whether nodes still reach each other, from there.',
      see: ['man 1 ssh'],
      read: sh`
        note='' as='exec sh -s'
        ${seen}
        ${each}`,
      want: nodes.map(({ name }) => `${name}: in, and noted there`).join('\n'),
      make: sh`
        note=yes as=${AS_ROOT}
        ${seen}
        ${each}`,
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
