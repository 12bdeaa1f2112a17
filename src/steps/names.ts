import type { Node } from '../model/cluster.ts';
import { isIPv4 } from '../model/network.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { draft, folder, inPlace, putBack } from './kinds/file.ts';
import { left } from './kinds/left.ts';
import { nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES, NOTES } from './places.ts';
import type { Step } from './step.ts';

/** A name of a node and the address it leads to on every node. */
export interface NodeName {
  readonly name: string;
  readonly address: string;
}

/** What the host and its neighbours are called, and that it stays so. */
export function nameSteps(scene: Scene): readonly Step[] {
  const { cluster, node } = scene;
  const { hostname, nodeNames } = cluster.host;
  return [
    cloudInit(hostname === 'node-name', nodeNames || cluster.endpoint.kept),
    nodeNames ? nodeLines(namesOf(scene), node.name) : noNodeLines(),
    hostname === 'node-name' ? hostnameOf(node) : ownHostname(node),
  ];
}

/** The address inside the cluster that cluster.yaml gives a node. */
const written = (node: Node): string | undefined =>
  node.internalAddress ?? (isIPv4(node.address) ? node.address : undefined);

/** The nodes whose address inside the cluster is written; worked out once a cluster, as all of them are told the same. */
const WRITTEN = new WeakMap<readonly Node[], readonly NodeName[]>();

function writtenNames(nodes: readonly Node[]): readonly NodeName[] {
  const known = WRITTEN.get(nodes);
  if (known !== undefined) return known;
  const names = nodes.flatMap((node) => {
    const address = written(node);
    return address === undefined ? [] : [{ name: node.name, address }];
  });
  WRITTEN.set(nodes, names);
  return names;
}

/** The nodes whose address inside the cluster is known here: a node that is reached by name alone is left to whoever knows that name. */
function namesOf({ cluster, node, facts }: Scene): readonly NodeName[] {
  const own = nodeAddress(node, facts);
  if (written(node) === own) return writtenNames(cluster.nodes);
  return cluster.nodes.flatMap((one) => {
    const address = one.name === node.name ? own : written(one);
    return address === undefined ? [] : [{ name: one.name, address }];
  });
}

/** What cloud-init reads in turn, the last word winning: its own files, then what the provider and the user gave with the machine. */
const CLOUD_WORDS = sh`/etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/*.cfg /var/lib/cloud/instance/vendor-cloud-config.txt /var/lib/cloud/instance/cloud-config.txt`;

function cloudInit(hostname: boolean, hosts: boolean): Step {
  const path = FILES.cloudInit;
  const words = [
    ...(hostname ? ['preserve_hostname: true'] : []),
    ...(hosts ? ['manage_etc_hosts: false'] : []),
  ];
  return {
    id: 'names/cloud-init',
    title: 'Keep cloud-init from naming the host anew',
    why: 'On a cloud image cloud-init may write the hostname and /etc/hosts at every boot, as they were on the first day. What is set below would last until then.',
    see: ['https://docs.cloud-init.io/en/latest/reference/modules.html'],
    read: sh`
      if [ ! -e /etc/cloud/cloud.cfg ] || [ -e /etc/cloud/cloud-init.disabled ]; then echo 'keeps away'
      else
        set --
        for path in ${CLOUD_WORDS}; do if [ -e "$path" ]; then set -- "$@" "$path"; fi; done
        awk -v hostname=${hostname ? 1 : 0} -v hosts=${hosts ? 1 : 0} '
          /^(preserve_hostname|manage_etc_hosts):/ {
            key = $1; value = tolower($2); gsub(/["\047,]/, "", value); last[key] = value; from[key] = FILENAME
          }
          END {
            if (hostname && last["preserve_hostname:"] !~ /^(true|yes|on|1)$/) { print "sets the hostname at each boot" says("preserve_hostname:"); bad = 1 }
            if (hosts && last["manage_etc_hosts:"] !~ /^(|false|no|off|0)$/) { print "writes /etc/hosts at each boot" says("manage_etc_hosts:"); bad = 1 }
            if (!bad) print "keeps away"
          }
          function says(key) { return from[key] == "" ? "" : ", says " from[key] }' "$@"
      fi`,
    want: 'keeps away',
    make: sh`
      mkdir -p ${folder(path)}
      printf '%s\n' '# Written by Landfall.' ${words} >${draft(path)}
      ${inPlace(path)}`,
    undo: sh`if [ -d ${folder(path)} ]; then ${putBack(path)}; fi`,
    writes: [path],
    clues: [
      {
        match: /, says \/var\/lib\/cloud\/instance\//,
        means:
          'the machine was given its own data when it was made, and that outranks every file of the system',
        try: 'touch /etc/cloud/cloud-init.disabled when nothing on this host needs cloud-init any more; or set preserve_hostname: true and manage_etc_hosts: false in the user data of the machine',
      },
      ...DISK_CLUES,
    ],
  };
}

const KEPT = '# node kept by Landfall';
const ASIDE = '# set aside by Landfall';

/** The file of names as it would be without Landfall. */
function withoutOurs(path: string): Shell {
  return sh`awk -v kept=${KEPT} -v aside=${ASIDE} '
    function ends(text) { return substr($0, length($0) - length(text) + 1) == text }
    ends(kept) { next }
    ends(aside) { $0 = substr($0, 3, length($0) - length(aside) - 3) }
    { print }' ${path}`;
}

function takeOut(path: string): Shell {
  return sh`
    rm -f ${draft(path)}
    if grep -q -e ${`${KEPT}$`} -e ${`${ASIDE}$`} ${path} 2>/dev/null; then
      cp -p ${path} ${draft(path)}
      ${withoutOurs(path)} >${draft(path)}
      ${inPlace(path)}
    fi`;
}

/** The names as awk takes them and as it prints them; worked out once, as a thousand hosts with a thousand lines each would hold a million. */
const TEXTS = new WeakMap<readonly NodeName[], { readonly list: string; readonly want: string }>();

function textsOf(names: readonly NodeName[]): { readonly list: string; readonly want: string } {
  const known = TEXTS.get(names);
  if (known !== undefined) return known;
  const wanted = names.map(({ name, address }) => `${name} ${address}`);
  const texts = { list: wanted.join('|'), want: wanted.join('\n') };
  TEXTS.set(names, texts);
  return texts;
}

/**
 * Each node's name with its address. What the installer writes, the host's own name beside 127.0.1.1, is set aside, and the
 * longer names that stand there move along.
 */
export function nodeLines(names: readonly NodeName[], own: string, path: string = FILES.hosts): Step {
  const { list, want } = textsOf(names);
  return {
    id: 'names/hosts',
    title: 'Let the nodes know each other by name',
    why: `A node must find its neighbours, and itself, while DNS is away or does not know them; kubeadm warns when the name of a node leads nowhere. And ${own} must lead to the address the cluster knows, not to 127.0.1.1, where installers put it: there nobody else can follow.`,
    see: ['man 5 hosts'],
    read: sh`
      { cat ${path} 2>/dev/null || :; } | awk -v wanted=${list} '
        BEGIN { n = split(wanted, pairs, "|"); for (i = 1; i <= n; i++) { split(pairs[i], p, " "); order[i] = p[1]; address[p[1]] = p[2] } }
        { sub(/#.*/, "") }
        { for (i = 2; i <= NF; i++) if ($i in address && index(found[$i] " ", " " $1 " ") == 0) found[$i] = found[$i] " " $1 }
        END {
          for (i = 1; i <= n; i++) {
            to = found[order[i]]
            print order[i] (to == " " address[order[i]] ? to : to == "" ? " leads nowhere" : " leads to" to)
          }
        }'`,
    want,
    make: sh`
      [ -e ${path} ] || : >${path}
      cp -p ${path} ${draft(path)}
      ${withoutOurs(path)} | awk -v wanted=${list} -v kept=${KEPT} -v aside=${ASIDE} '
        BEGIN { n = split(wanted, pairs, "|"); for (i = 1; i <= n; i++) { split(pairs[i], p, " "); order[i] = p[1]; address[p[1]] = p[2] } }
        {
          line = $0; text = $0; sub(/#.*/, "", text); fields = split(text, field, /[ \t]+/)
          first = (field[1] == "") ? 2 : 1
          mine = ""
          for (i = first + 1; i <= fields; i++) if (field[i] in address) {
            if (field[first] ~ /^(127\.|::1$)/) mine = field[i]; else if (field[first] == address[field[i]]) there[field[i]] = 1
          }
          if (mine == "") { print line; next }
          print "# " line " " aside
          rest = ""
          for (i = first + 1; i <= fields; i++) {
            if (field[i] ~ /^(localhost|ip6-)/) rest = rest " " field[i]
            else if (field[i] != "" && !(field[i] in address)) others[mine] = others[mine] field[i] " "
          }
          if (rest != "") print field[first] rest " " kept
        }
        END {
          for (i = 1; i <= n; i++) if (!(order[i] in there) || others[order[i]] != "") print address[order[i]] " " others[order[i]] order[i] " " kept
        }' >${draft(path)}
      ${inPlace(path)}`,
    undo: takeOut(path),
    writes: [path],
    clues: [
      {
        match: /^\S+ leads to /,
        means: `another line of ${path} gives the name of a node another address`,
        try: `remove that line from ${path}; when the address in cluster.yaml is the wrong one, correct it there`,
        diagnosis: 'H23',
      },
      ...DISK_CLUES,
    ],
  };
}

function noNodeLines(path: string = FILES.hosts): Step {
  return left(
    {
      id: 'names/hosts',
      title: 'Leave the names of the nodes to DNS',
      why: 'cluster.yaml says nodeNames: false: your DNS knows the nodes. What Landfall may have written before is taken out.',
    },
    sh`grep -q -e ${`${KEPT}$`} -e ${`${ASIDE}$`} ${path} 2>/dev/null`,
    takeOut(path),
  );
}

/** Back to the name that was noted, unless somebody has given the host another one since. */
function nameBack(node: Node): Shell {
  return sh`
    if [ -e ${NOTES.hostname} ] && [ "$(cat ${FILES.hostname} 2>/dev/null)" = ${node.name} ]; then
      ${putBack(FILES.hostname)}
      hostname "$(cat ${NOTES.hostname})"
    fi`;
}

function hostnameOf(node: Node): Step {
  const path = FILES.hostname;
  return {
    id: 'names/hostname',
    title: `Call the host ${node.name}`,
    why: `In the cluster it goes by ${node.name}. Logs, metrics and the prompt speak of the hostname; two names for one machine are confused in the very hour in which it matters. A domain behind the name is left alone.`,
    see: ['man 5 hostname'],
    read: sh`
      now=$(hostname); echo "now: \${now%%.*}"
      boot=$(sed -n -e 's/^[ \t]*//' -e '/^[^#]/{p;q;}' ${path} 2>/dev/null); echo "at boot: \${boot%%.*}"`,
    want: `now: ${node.name}\nat boot: ${node.name}`,
    make: sh`
      printf '%s\n' ${node.name} >${draft(path)}
      ${inPlace(path)}
      hostname ${node.name}`,
    undo: nameBack(node),
    writes: [path],
    clues: DISK_CLUES,
  };
}

function ownHostname(node: Node): Step {
  return {
    ...check(
      {
        id: 'names/hostname',
        title: 'Have a hostname of its own',
        why: `In the cluster the host goes by ${node.name}, whatever its hostname; but logs, leases and certificates made before that name is known carry the hostname, so it must be a real one and the host's own.`,
        clues: [
          {
            match: /cannot be the name of a node/,
            means: 'the hostname is a placeholder, or has letters no DNS name may have',
            try: `hostnamectl hostname ${node.name}, or host: { hostname: node-name } in cluster.yaml`,
            diagnosis: 'H97',
          },
        ],
      },
      {
        read: sh`
          name=$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)
          case $name in
            '' | localhost | localhost.* | '(none)' | *[!A-Za-z0-9.-]* | -* | *-) echo "'$name' cannot be the name of a node" ;;
            *) echo usable ;;
          esac`,
        want: 'usable',
      },
    ),
    undo: nameBack(node),
  };
}
