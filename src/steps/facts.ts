import type { Cluster } from '../model/cluster.ts';
import type { Facts, HostAddress, HostLink } from '../model/facts.ts';
import { KUBERNETES_PACKAGES } from '../model/lock.ts';
import { Problem } from '../model/problem.ts';
import { RUNTIMES, runtimesOf } from '../model/runtime.ts';
import { SAY } from '../shell/compile.ts';
import { parseRecords } from '../shell/parse.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { FETCH_CLUES } from './clues.ts';
import { fetch } from './fetch.ts';
import { minorOf } from './node.ts';
import { crioRepository, dockerRepository, kubernetesRepository } from './packages.ts';
import { ENDPOINT_FILES, FILES, FIREWALL_STATE, RECOVERY, SSH_NOTE, WISHED } from './places.ts';
import { wayOut } from './proxy.ts';
import { RUNTIME_PARTS } from './runtime-parts.ts';
import { listening } from './sshd.ts';

/** What else is asked of the host while its facts are read. */
export interface FactsWish {
  /** A Kubernetes version or minor: what the repositories of its minor hold, and the keys that sign them. */
  readonly available?: string;
  /** The cluster whose ways out the host is perhaps yet to be told of. */
  readonly cluster?: Cluster;
  /** Whether it is asked where sshd listens: which a firewall has to know, and takes a look at every process. */
  readonly doors?: boolean;
}

/** In shell: whether the host has become a member of a cluster, all the way. */
export const MEMBER = sh`[ -s /etc/kubernetes/kubelet.conf ] && [ -e ${FILES.initialised} ]`;

/** The shell that prints each fact, by name. */
const QUESTIONS: Readonly<Record<string, Shell>> = {
  os: sh`cat /etc/os-release`,
  architecture: sh`dpkg --print-architecture 2>/dev/null || uname -m`,
  kernel: sh`uname -r`,
  hostname: sh`hostname`,
  cpus: sh`nproc`,
  memory: sh`awk '$1 == "MemTotal:" { printf "%.0f\n", $2 * 1024 }' /proc/meminfo`,
  cgroup: sh`if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then echo 2; else echo 1; fi`,
  boot: sh`cat /proc/sys/kernel/random/boot_id`,
  machine: sh`cat /etc/machine-id`,
  product: sh`tr A-F a-f </sys/class/dmi/id/product_uuid`,
  addresses: sh`ip -o addr show scope global | awk '{ print $2, $4 }'`,
  // Asked of the kernel and not of /sys, which shows a host made of a container the devices of the machine.
  links: sh`
    for device in $(ip -o addr show scope global | awk '{ print $2 }' | sort -u); do
      ip -o link show dev "$device" | awk -v device="$device" '{ for (i = 1; i < NF; i++) { if ($i == "mtu") mtu = $(i + 1); if ($i ~ /^link[/]/) mac = $(i + 1) } print device, mtu, mac }'
    done`,
  virtualization: sh`systemd-detect-virt || :`,
  routes: sh`ip -4 -o route show | awk '{ for (i = 2; i < NF; i++) if ($i == "dev") print $1, $(i + 1) }'`,
  source: sh`ip -4 -o route get 192.0.2.1 | awk '{ for (i = 1; i < NF; i++) if ($i == "src") print $(i + 1) }'`,
  lab: sh`cat /etc/landfall-lab`,
  member: sh`
    if ${MEMBER}; then echo yes; exit; fi
    if [ -d /var/lib/etcd/member ]; then echo etcd; fi
    if [ -s /etc/kubernetes/kubelet.conf ]; then echo kubelet; fi`,
  servers: sh`for path in /etc/kubernetes/*.conf; do sed -n "s#^ *server: #\${path##*/} #p" "$path"; done 2>/dev/null`,
  // A cluster that was recovered is another one for who joined before: the later of the two is when this host came to the one it is of.
  epoch: sh`cat ${[FILES.initialised, RECOVERY.done]} 2>/dev/null | sort | tail -n 1`,
  recovered: sh`cat ${RECOVERY.done}`,
  recovering: sh`if [ -s ${RECOVERY.begun} ] || [ -n "$(ls ${RECOVERY.manifests})" ]; then echo yes; fi`,
  runtimes: sh`
    if [ -e ${FILES.crioList} ] && [ -e ${RUNTIME_PARTS['cri-o'].program} ]; then echo cri-o; fi
    if [ -e ${FILES.dockerList} ] && [ -e ${RUNTIME_PARTS.containerd.program} ] && grep -qs '^# Written by Landfall' ${FILES.containerd}; then echo containerd; fi`,
  keepalived: sh`if [ -e ${ENDPOINT_FILES.keepalived} ]; then echo yes; fi`,
  firewall: sh`for path in ${WISHED.firewall} ${`${FIREWALL_STATE}/armed`}; do if [ -e "$path" ]; then echo yes; break; fi; done`,
  ssh: sh`
    if systemctl -q is-active ssh.socket; then echo by socket; else echo by service; fi
    echo "login \${SUDO_USER:-root}"
    sed 's/^/before /' ${SSH_NOTE}`,
};

/** Where a repository has its index and its key: as shell, for what only the host knows. */
interface Repository {
  readonly index: Shell;
  readonly key: Shell;
  readonly packages: readonly string[];
}

/** What a repository holds of some packages, and the checksum of its key; on failure the downloader's last words. */
function repository(of: Repository, cluster: Cluster | undefined): Shell {
  const way = cluster === undefined ? undefined : wayOut(cluster, sh`"$dir"`);
  return lines(
    sh`
      dir=$(mktemp -d) || exit 1
      trap 'rm -rf "$dir"' EXIT`,
    ...(way === undefined ? [] : way.before),
    asked(of, way?.options),
  );
}

function asked({ index, key, packages }: Repository, way: Shell | undefined): Shell {
  return sh`
    get() { ${fetch(sh`"$1"`, sh`"$2"`, way)} >"$dir/said" 2>&1 || { grep -v '^W: ' "$dir/said" | tail -n 2; exit 1; }; }
    get ${index} "$dir/packages"
    get ${key} "$dir/key"
    echo "key $(sha256sum <"$dir/key" | cut -c 1-64)"
    awk -v wanted=${packages.join(' ')} -v mine="$(dpkg --print-architecture)" '
      function flush() { if (name in want && (arch == mine || arch == "all")) print name, version; name = version = arch = "" }
      BEGIN { n = split(wanted, list, " "); for (i = 1; i <= n; i++) want[list[i]] = 1 }
      $1 == "Package:" { name = $2 }
      $1 == "Version:" { version = $2 }
      $1 == "Architecture:" { arch = $2 }
      /^$/ { flush() }
      END { flush() }' "$dir/packages"`;
}

function flat(url: string, packages: readonly string[]): Repository {
  return { index: sh`${`${url}Packages`}`, key: sh`${`${url}Release.key`}`, packages };
}

/** Docker's repository of the release the host has. */
const DOCKER: Repository = {
  index: sh`${dockerRepository('')}"$(. /etc/os-release; echo "$ID/dists/$VERSION_CODENAME")/stable/binary-$(dpkg --print-architecture)/Packages"`,
  key: sh`${dockerRepository('')}"$(. /etc/os-release; echo "$ID")/gpg"`,
  packages: ['containerd.io'],
};

/** The repositories that are asked, by the name their key has in a lock. */
function repositories(version: string, cluster: Cluster | undefined): Readonly<Record<string, Shell>> {
  const minor = minorOf(version);
  const runtimes = cluster === undefined ? ['cri-o'] : runtimesOf(cluster);
  const all: Readonly<Record<string, Repository>> = {
    kubernetes: flat(kubernetesRepository(minor), KUBERNETES_PACKAGES),
    ...(runtimes.includes('cri-o') ? { crio: flat(crioRepository(minor), ['cri-o']) } : {}),
    ...(runtimes.includes('containerd') ? { docker: DOCKER } : {}),
  };
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, repository(one, cluster)]));
}

/** Tells `$text`, and with which status it was found: mostly 0, for which no program is to be called thirty times. */
const FACT = String.raw`fact() { if [ "$2" = 0 ]; then set -- "$1" MA==; else set -- "$1" "$(b64 "$2")"; fi; say fact "$1" "$2" "$(b64 "$text")"; }`;

/** The script that asks a host for its facts: read-only, one round trip. */
export function factsScript(wish: FactsWish = {}): string {
  const questions = {
    ...QUESTIONS,
    ...(wish.doors === true ? { doors: listening } : {}),
    ...(wish.available === undefined ? {} : repositories(wish.available, wish.cluster)),
  };
  return [
    '# The facts of a host.',
    SAY.trim(),
    FACT,
    ...Object.entries(questions).map(([name, ask]) => `ask_${name}() { (\n${ask.text}\n) }`),
    'main() {',
    'LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export LC_ALL PATH',
    'cd /',
    'say landfall 1 0',
    ...Object.keys(questions).map(
      (name) => `text=$(ask_${name} 2>/dev/null </dev/null); fact ${btoa(name)} "$?"`,
    ),
    'say end',
    '}',
    'main',
    '',
  ].join('\n');
}

function pairs(text: string): readonly (readonly [string, string])[] {
  return text.split('\n').flatMap((line) => {
    const at = line.indexOf(' ');
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });
}

function addresses(text: string): readonly HostAddress[] {
  return pairs(text).map(([device, cidr]) => {
    const [address = '', prefix = '32'] = cidr.split('/');
    return { device, address, prefix: Number(prefix) };
  });
}

function links(text: string): readonly HostLink[] {
  return pairs(text).map(([device, rest]) => {
    const [mtu = '', mac = ''] = rest.split(' ');
    return { device, mac, mtu: Number(mtu) };
  });
}

function runtimes(text: string): Pick<Facts, 'runtimes'> {
  const there = RUNTIMES.filter((runtime) => text.split('\n').includes(runtime));
  return there.length === 0 ? {} : { runtimes: there };
}

/** How one logs in, of hosts that were asked: those of an older recording were not. */
function login(text: string, doors: string): Pick<Facts, 'ssh'> {
  const said = new Map(pairs(text));
  const user = said.get('login');
  if (user === undefined) return {};
  const numbers = (words: string): readonly number[] =>
    words
      .split(' ')
      .filter((port) => /^\d+$/.test(port))
      .map(Number);
  const before = numbers(said.get('before') ?? '');
  const ports = numbers(doors);
  return {
    ssh: {
      by: said.get('by') === 'socket' ? 'socket' : 'service',
      login: user,
      ...(before.length === 0 ? {} : { before }),
      ...(ports.length === 0 ? {} : { ports }),
    },
  };
}

function osRelease(text: string): (key: string) => string {
  const values = new Map(
    text.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  );
  return (key) => (values.get(key) ?? '').replace(/^(["'])(.*)\1$/, '$2');
}

/** The versions and the key a repository told of; what it said instead when it could not be asked. */
function told(text: string): {
  readonly available: Record<string, string[]>;
  readonly key: string | undefined;
} {
  const available: Record<string, string[]> = {};
  let key: string | undefined;
  for (const [name, value] of pairs(text)) {
    if (name === 'key') key = value;
    else (available[name] ??= []).push(value);
  }
  return { available, key };
}

/**
 * Reads what {@link factsScript} printed.
 * @throws Problem `facts/incomplete` when the script did not come to its end on the host; `facts/repository` (exit 4) when a
 * repository was asked for and could not be reached from there.
 */
export function parseFacts(output: string): Facts {
  const records = parseRecords(output);
  const facts = new Map<string, { status: string; text: string }>();
  for (const r of records) {
    if (r.is === 'said' && r.word === 'fact')
      facts.set(r.texts[0] ?? '', { status: r.texts[1] ?? '', text: (r.texts[2] ?? '').trim() });
  }
  if (!records.some((r) => r.is === 'end')) {
    throw new Problem({
      code: 'facts/incomplete',
      summary: 'the host did not answer all questions about itself',
      saw: output.slice(-400),
      why: 'the script that asks ended early: no POSIX shell, no base64, or the session was ended',
      try: 'log in by hand and run: sh -c "uname -a; printf x | base64 -w0"',
      exit: 4,
    });
  }
  const text = (name: string): string => facts.get(name)?.text ?? '';
  const os = osRelease(text('os'));
  const lab = facts.get('lab');
  return {
    os: os('ID'),
    osVersion: os('VERSION_ID'),
    codename: os('VERSION_CODENAME'),
    osName: os('PRETTY_NAME'),
    architecture: text('architecture'),
    kernel: text('kernel'),
    hostname: text('hostname'),
    cpus: Number(text('cpus')),
    memory: Number(text('memory')),
    cgroup: text('cgroup') === '2' ? 2 : 1,
    bootId: text('boot'),
    machineId: text('machine'),
    ...(text('product') === '' ? {} : { productUuid: text('product') }),
    addresses: addresses(text('addresses')),
    links: links(text('links')),
    virtualization: text('virtualization'),
    routes: pairs(text('routes')).map(([to, device]) => ({ to, device })),
    ...(text('source') === '' ? {} : { defaultAddress: text('source') }),
    ...(lab === undefined || lab.status !== '0'
      ? {}
      : { lab: lab.text.split('\n').filter((line) => line !== '') }),
    ...login(text('ssh'), text('doors')),
    ...membership(text('member')),
    ...servers(text('servers')),
    ...(text('epoch') === '' ? {} : { epoch: text('epoch') }),
    ...(text('recovering') === '' ? {} : { recovering: true as const }),
    ...(text('recovered') === '' ? {} : { recovered: text('recovered') }),
    ...runtimes(text('runtimes')),
    ...(text('keepalived') === 'yes' ? { keepalived: true as const } : {}),
    ...(text('firewall') === 'yes' ? { firewall: true as const } : {}),
    ...availability(facts),
  };
}

function servers(text: string): Pick<Facts, 'servers'> {
  const found = pairs(text);
  return found.length === 0 ? {} : { servers: Object.fromEntries(found) };
}

function membership(text: string): Pick<Facts, 'member' | 'remains'> {
  if (text === 'yes') return { member: true };
  const remains = (['etcd', 'kubelet'] as const).filter((one) => text.split('\n').includes(one));
  return remains.length === 0 ? {} : { remains };
}

/** The host of each repository, by the name its key has in a lock. */
const REPOSITORY_HOSTS = {
  kubernetes: 'pkgs.k8s.io',
  crio: 'download.opensuse.org',
  docker: 'download.docker.com',
} as const;

function availability(
  facts: ReadonlyMap<string, { status: string; text: string }>,
): Pick<Facts, 'available' | 'keys'> {
  const available: Record<string, readonly string[]> = {};
  const keys: Record<string, string> = {};
  for (const [name, host] of Object.entries(REPOSITORY_HOSTS)) {
    const fact = facts.get(name);
    if (fact === undefined) continue;
    const { status, text } = fact;
    if (status !== '0') throw unanswered(host, text);
    const said = told(text);
    Object.assign(available, said.available);
    keys[name] = said.key ?? '';
  }
  return Object.keys(keys).length === 0 ? {} : { available, keys };
}

function unanswered(host: string, text: string): Problem {
  const clue = FETCH_CLUES.find(({ match }) => text.split('\n').some((line) => match.test(line)));
  return new Problem({
    code: 'facts/repository',
    summary: `the host could not ask ${host} which versions there are`,
    saw: text,
    why: `${clue === undefined ? '' : `${clue.means}. `}Exact versions are chosen from what the repository holds now; landfall.lock keeps the choice, and later runs need not ask`,
    try:
      clue?.try ??
      `on the host: curl -fsSI https://${host}/   (name resolution, firewall, proxy, certificates)`,
    exit: 4,
  });
}
