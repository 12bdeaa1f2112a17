import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Finding, Plan } from '../../src/plan/plan.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  type Ended,
  landfall,
  put,
  said,
  start,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually } from './live.ts';
import { preparedLab } from './prepared.ts';
import { differences, snapshot } from './snapshot.ts';

/*
 * kubeadm init is killed in each of its phases, one after another on the same host, so that each try finds what the one before
 * has left and comes one phase further. Nothing is ever reset: the authorities made first are those the cluster ends with.
 */

const NAME = 'test-half-done';
const HOST = 'cp-0';
const PKI = '/etc/kubernetes/pki';

let lab: Lab;
let place: Desk;

const onIt = (script: string): Promise<string> => wellOnHost(lab, HOST, script);

/** What the plan says of steps that are not right, by step. */
async function open(...only: readonly string[]): Promise<ReadonlyMap<string, Finding>> {
  const ended = await landfall(place, 'plan', '--json', '--exit-code', ...only.flatMap((o) => ['--only', o]));
  const plan = JSON.parse(ended.stdout) as Plan;
  const findings = plan.hosts.flatMap((h) => h.findings).filter((f) => f.forecast !== 'right');
  expect(ended.status, said(ended)).toBe(findings.length === 0 ? 0 : 3);
  return new Map(findings.map((f) => [f.step, f]));
}

/** Waits until the host is prepared as it should be: after a power cut what keeps the clock asks its servers first. */
async function prepared(): Promise<void> {
  await eventually('the host to be prepared', async () =>
    (await open('prepare')).size === 0 ? true : undefined,
  );
}

/** The checksums of what must never be made anew once it is whole. */
async function authorities(): Promise<ReadonlyMap<string, string>> {
  const text = await onIt(
    `cd ${PKI} 2>/dev/null || exit 0
    whole() { [ -e "$1" ] && tail -n 1 "$1" | grep -q -e '-----END'; }
    for pair in ca.key,ca.crt front-proxy-ca.key,front-proxy-ca.crt etcd/ca.key,etcd/ca.crt sa.key,sa.pub; do
      if whole "\${pair%,*}" && whole "\${pair#*,}"; then sha256sum "\${pair%,*}" "\${pair#*,}"; fi
    done`,
  );
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.split(/\s+/)[1] ?? '', line.split(/\s+/)[0] ?? '']));
}

beforeAll(async () => {
  lab = await preparedLab(NAME);
  place = desk();
  put(place, 'cluster.yaml', clusterYaml(lab));
});

afterAll(() => cleared(NAME, place));

describe('a power cut soon after the first changes', () => {
  test('empties neither the notes of what was there before nor the mark of whose host it is', async () => {
    await onIt('cp /etc/hosts /root/hosts; sync /root/hosts');
    await well(place, 'apply', '--yes', '--only', 'prepare');
    const noted = (): Promise<string> =>
      onIt(`
        cd /var/lib/landfall/before
        cmp etc/hosts /root/hosts
        sha256sum etc/hosts folders packages sysctls /etc/kubernetes/landfall/cluster`);
    // Something that is written later and does reach the disk, as etcd's data do.
    const before = await onIt('dd if=/dev/zero of=/root/later count=1 conv=fsync status=none').then(noted);
    for (const is of ['power-loss', 'start'] as const) await breakLab(NAME, { is, host: HOST });
    expect(await noted()).toBe(before);
    await prepared();
  });
});

describe('half a cluster that Landfall did not begin', () => {
  const parts = [
    'preflight',
    'prepare',
    'packages',
    'runtime',
    'control-plane/kubeadm-config',
    'control-plane/images',
  ];

  beforeAll(async () => {
    await well(place, 'apply', '--yes', ...parts.flatMap((part) => ['--only', part]));
  });

  test('is refused, explained and not touched', async () => {
    const ours = '/etc/kubernetes/landfall';
    await onIt(`
      cp -a ${ours} /root/landfall.kept
      sed 's/clusterName: .*/clusterName: theirs/' ${ours}/kubeadm.yaml >/root/theirs.yaml
      rm -r ${ours}
      for part in 'certs all' 'kubeconfig all' 'etcd local'; do kubeadm init phase $part --config /root/theirs.yaml >/dev/null 2>&1; done`);
    try {
      const before = await snapshot(lab, HOST, false);
      const found = await open();
      expect(found.get('preflight/other-cluster')?.reading).toMatch(
        /^a cluster Landfall did not make: .*admin\.conf/,
      );
      const apply = await landfall(place, 'apply', '--yes');
      expect(apply.status, said(apply)).toBe(1);
      expect(apply.stderr).toContain('kubeadm, k3s, RKE2 or MicroK8s was here before and left its files');
      expect(apply.stderr).toContain('kubeadm reset');
      const init = await landfall(place, 'apply', '--yes', '--only', 'control-plane/init');
      expect(init.status, said(init)).toBe(1);
      expect(init.stderr).toContain('a control plane lies on this host that Landfall did not begin');
      expect(differences(before, await snapshot(lab, HOST, false))).toEqual([]);
    } finally {
      await onIt(
        `cd /etc/kubernetes; rm -rf pki manifests/* ./*.conf; mv /root/landfall.kept ${ours}; rm /root/theirs.yaml`,
      );
    }
    expect((await open('preflight', 'prepare')).size).toBe(0);
  });
});

/** What is killed: kubeadm alone, or with it all that works on the host and landfall; or the host loses its power. */
type Way = 'kubeadm' | 'everything' | 'power';

/** One of kubeadm's phases, the line of its output at which it ends, and how. */
type Death = readonly [phase: string, line: string, way: Way];

/** The phases in their order. */
const FIRST: readonly Death[] = [
  ['preflight', '[preflight] Running pre-flight checks', 'kubeadm'],
  ['certs', '[certs] Generating "apiserver" certificate', 'everything'],
  ['certs', '[certs] Generating "etcd/ca" certificate', 'kubeadm'],
  ['certs', '[certs] Generating "sa" key', 'power'],
  ['kubeconfig', '[kubeconfig] Writing "super-admin.conf"', 'kubeadm'],
];
const TORN: Death = ['etcd', '[etcd] Creating static Pod manifest', 'everything'];
const LATER: readonly Death[] = [
  ['control-plane', '[control-plane] Creating static Pod manifest for "kube-controller-manager"', 'kubeadm'],
  ['kubelet-start', '[kubelet-start] Writing kubelet configuration', 'everything'],
  ['wait-control-plane', '[control-plane-check] Checking kube-', 'kubeadm'],
  ['upload-config', '[upload-config] Storing the configuration', 'everything'],
  ['mark-control-plane', '[mark-control-plane] Marking the node', 'kubeadm'],
  ['bootstrap-token', '[bootstrap-token] Configuring', 'everything'],
  ['kubelet-finalize', '[kubelet-finalize] Updating', 'kubeadm'],
  ['addon', '[addons] Applied essential addon: CoreDNS', 'everything'],
];

/**
 * Stands before kubeadm on the host: kills it with the line in /run/kill-at, then waits to be killed itself if it is told so.
 * What kubeadm had said until then is in /run/killed.
 */
const GUARD = String.raw`#!/usr/bin/perl
exec '/usr/bin/kubeadm.guarded', @ARGV if $ARGV[0] ne 'init' || !open(my $f, '<', '/run/kill-at');
my ($line, $way) = map { chomp; $_ } <$f>;
unlink '/run/kill-at';
$| = 1;
my $pid = open(my $said, '-|', '/usr/bin/kubeadm.guarded', @ARGV) or die $!;
my ($all, @real) = ('');
while (<$said>) {
  $all .= $_;
  # On a lab host kubeadm is a child of a script that gives it a flag more.
  if (!@real) { open(my $c, '<', "/proc/$pid/task/$pid/children"); @real = split ' ', <$c> // ''; @real = (0) if !@real; }
  if (index($_, $line) >= 0) {
    kill 'KILL', grep({ $_ } @real), $pid;
    print;
    open(my $out, '>', '/run/killed.new'); print $out $all; close $out;
    rename '/run/killed.new', '/run/killed';
    sleep 600 if $way ne 'kubeadm';
    exit 137;
  }
  print;
}
close $said;
exit $? >> 8;
`;

/** Runs landfall until kubeadm prints a line, and kills what is to be killed. Gives what kubeadm had printed. */
async function killAt(line: string, way: Way): Promise<{ printed: string; ended: Ended }> {
  await onIt(`rm -f /run/killed; printf '%s\\n' '${line}' '${way}' >/run/kill-at`);
  const { child, ended } = start(place, ['apply', '--yes', '--json', '--only', 'control-plane']);
  if (way === 'kubeadm') return { ended: await ended, printed: await onIt('cat /run/killed') };
  const printed = await onIt(
    'timeout 300 sh -c "until [ -e /run/killed ]; do sleep 0.1; done"; cat /run/killed',
  );
  child.kill('SIGKILL');
  if (way === 'everything') await onIt("systemctl kill --kill-whom=all --signal=KILL 'landfall-*'");
  else for (const is of ['power-loss', 'start'] as const) await breakLab(NAME, { is, host: HOST });
  return { ended: await ended, printed };
}

describe('kubeadm init', () => {
  let whole: ReadonlyMap<string, string> = new Map();

  beforeAll(async () => {
    await onIt(`
      mv /usr/bin/kubeadm /usr/bin/kubeadm.guarded
      cat >/usr/bin/kubeadm <<'END'
${GUARD}END
      chmod 0755 /usr/bin/kubeadm; sync`);
  });

  /** Has kubeadm killed, and sees that its half of the work is recognised for what it is and that no authority has changed. */
  async function dies(...[phase, line, way]: Death): Promise<void> {
    const { ended, printed } = await killAt(line, way);
    expect(ended.status, said(ended)).toBe(way === 'kubeadm' ? 1 : null);
    expect(printed.trimEnd().split('\n').at(-1)).toContain(line);
    if (way === 'power') await prepared();
    const found = await open('preflight', 'prepare', 'control-plane');
    // What comes after it, the endpoint’s steps among them, cannot be known yet.
    const others = [...found].filter(
      ([step, f]) => !step.startsWith('control-plane/') && f.forecast !== 'unknown',
    );
    expect(others.map(([step]) => step)).toEqual([]);
    const init = found.get('control-plane/init');
    if (found.has('control-plane/no-torn-files')) expect(init?.forecast).toBe('unknown');
    else expect(init?.reading).toMatch(phase === 'preflight' ? /^no cluster$/ : /^half-done, open: \S/);
    const now = await authorities();
    // What had not reached the disk when the power went may be made again: nothing has used it yet.
    if (way !== 'power') for (const [path, sum] of whole) expect([path, now.get(path)]).toEqual([path, sum]);
    whole = now;
    console.log(`${phase}, ${way}: ${found.get('control-plane/no-torn-files')?.reading ?? init?.reading}`);
  }

  test.each(FIRST)('killed in its phase %s, at %s, %s', dies);

  test('killed in its phase etcd after files were torn: only these are made again', async () => {
    await onIt(
      `cd /etc/kubernetes; truncate -s 100 pki/apiserver.key; : >pki/etcd/peer.crt; truncate -s 300 admin.conf`,
    );
    const others = (): Promise<string> =>
      onIt(
        `cd ${PKI}; find . -type f ! -path './apiserver.*' ! -path './etcd/peer.*' -exec sha256sum {} + | sort`,
      );
    const [before, found] = [await others(), await open('control-plane')];
    expect(found.get('control-plane/no-torn-files')?.reading.split(/\s+/).sort()).toEqual([
      'admin.conf',
      'apiserver',
      'etcd/peer',
    ]);
    await dies(...TORN);
    expect(await others()).toBe(before);
    expect((await open('control-plane')).has('control-plane/no-torn-files')).toBe(false);
  });

  test.each(LATER)('killed in its phase %s, at %s, %s', dies);

  test('killed in all of them comes to its end, with the authorities it began with', async () => {
    await onIt('mv /usr/bin/kubeadm.guarded /usr/bin/kubeadm');
    await well(place, 'apply', '--yes', '--no-proof');
    expect((await open()).size).toBe(0);
    expect(await authorities()).toEqual(whole);
    expect(whole.size).toBe(8);
  });
});
