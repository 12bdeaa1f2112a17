import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { HARBOUR, inRoot, put, read, runPiece, scene } from '../../test/steps/scene.ts';
import { FACTS } from '../../test/report/sample.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { joinNetworkSteps, joinSteps } from './join.ts';
import { closingSteps, ticketSteps } from './join-ticket.ts';
import type { Scene } from './phase.ts';
import { PHASES } from './phases.ts';
import type { Step } from './step.ts';

const worker = (n: number): Node => ({
  name: `worker-${n}`,
  role: 'worker',
  address: `10.0.0.${21 + n}`,
  workloads: true,
});
const HAVEN: Cluster = { ...HARBOUR, nodes: [...HARBOUR.nodes, worker(0), worker(1)] };

/** A scene of one of its nodes; facts of others say which hosts are members. */
function at(name: string, hosts: Readonly<Record<string, Facts>> = {}): Scene {
  const node = HAVEN.nodes.find((one) => one.name === name) as Node;
  return { ...scene(HAVEN), node, hosts };
}
const memberFacts: Facts = { ...FACTS, member: true };

function one(steps: readonly Step[], id: string): Step {
  const found = steps.find((step) => step.id === id);
  if (found === undefined) throw new Error(`there is no step ${id}`);
  return found;
}

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Programs that come before the machine's own. Each tells its arguments to the file `calls`. */
function programs(own: Readonly<Record<string, string>>): string {
  for (const [name, script] of Object.entries({ timeout: 'shift; exec "$@"', ...own }))
    put(root, `bin/${name}`, `#!/bin/sh\necho "${name} $*" >>'${root}/calls'\n${script}\n`, 0o755);
  return join(root, 'bin');
}
const calls = (): string =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8') : '';
const there = (path: string): boolean => existsSync(join(root, path));
const mine = (): void => put(root, 'etc/kubernetes/landfall/cluster', 'harbour\n');

const CA = 'etc/kubernetes/pki/ca.crt';
const CONF = 'etc/kubernetes/kubelet.conf';
const BOOTSTRAP = 'etc/kubernetes/bootstrap-kubelet.conf';
const JOIN = 'run/landfall/join.yaml';
const DONE = 'etc/kubernetes/landfall/initialised';
const TOKEN = 'abcdef.0123456789abcdef';
const HASH = `sha256:${'5'.repeat(64)}`;

/** What kubeadm and the kubelet it starts leave on a worker. */
const joined: Readonly<Record<string, string>> = {
  [CA]: '-----BEGIN X-----\nAAAA\n-----END X-----\n',
  [CONF]: 'x\n',
  'var/lib/kubelet/config.yaml': 'x\n',
  'var/lib/kubelet/kubeadm-flags.env': 'x\n',
};
const lay = (paths: readonly string[]): void => {
  for (const path of paths) put(root, path, joined[path] ?? 'x\n');
};

const member = (): Step => inRoot(root, one(joinSteps(at('worker-0')), 'join/member'));

/** Makes it with a late value in the place it comes by; a member's file is seen by a kubeadm that keeps a copy. */
function make(ticket: string, kubeadm: string) {
  const step = member();
  const slots = join(root, 'slot');
  writeFileSync(slots, ticket);
  const text = step.make?.text.replaceAll('$(slot join-worker-0)', `$(cat '${slots}')`) ?? '';
  const made: Step = { ...step, make: { ...step.read, text } };
  return runPiece(
    made,
    'make',
    programs({ kubeadm, journalctl: 'echo "error: kubelet says why"', date: 'echo now' }),
  );
}

describe('how far a join has come', () => {
  it('is told from nothing to all', () => {
    expect(read(member())).toBe('no member');
    mine();
    expect(read(member())).toBe('no member');
    put(root, BOOTSTRAP, 'x\n');
    expect(read(member())).toMatch(
      /^half joined, open:.*ca\.crt.*kubelet\.conf.*config\.yaml.*kubeadm-flags\.env$/,
    );
    lay(Object.keys(joined));
    expect(read(member())).toBe('half joined, open: its end');
    rmSync(join(root, BOOTSTRAP));
    expect(read(member())).toBe('half joined, open: its end');
    put(root, DONE, 'x\n');
    expect(read(member())).toBe('member');
    put(root, JOIN, 'x\n');
    expect(read(member())).toBe('half joined, open: its end');
  });

  it('sees an authority’s certificate that was cut short', () => {
    mine();
    lay(Object.keys(joined));
    put(root, DONE, 'x\n');
    put(root, CA, '-----BEGIN X-----\nAA');
    expect(read(member())).toBe(`half joined, open: ${join(root, CA)}`);
  });

  it('is nobody’s business when Landfall did not begin it', () => {
    lay([CONF]);
    expect(read(member())).toBe('not ours: Landfall did not begin this');
    const { status, stdout } = make(`${TOKEN} ${HASH}`, 'exit 0');
    expect([status, stdout]).toEqual([1, expect.stringContaining('nothing is touched')]);
    expect(calls()).not.toContain('kubeadm');
  });
});

describe('joining', () => {
  /** A kubeadm that keeps the file it was given, tells its mode, and does its work. */
  const KUBEADM = `cp "$3" '${'ROOT'}/seen'; stat -c %a "$3" >'${'ROOT'}/mode'`;
  const kubeadm = (): string => KUBEADM.replaceAll('ROOT', root);

  it('tells kubeadm all of it in a file for root alone, which does not stay, and nothing by arguments', () => {
    mine();
    const { status, stdout } = make(`${TOKEN} ${HASH}`, kubeadm());
    expect([status, stdout]).toEqual([0, '']);
    expect(parse(readFileSync(join(root, 'seen'), 'utf8'))).toEqual({
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'JoinConfiguration',
      nodeRegistration: {
        name: 'worker-0',
        criSocket: `unix://${root}/var/run/crio/crio.sock`,
        taints: [],
        kubeletExtraArgs: [{ name: 'node-ip', value: '10.0.0.21' }],
      },
      discovery: {
        bootstrapToken: {
          apiServerEndpoint: 'api.harbour.internal:6443',
          token: TOKEN,
          caCertHashes: [HASH],
        },
      },
    });
    expect(readFileSync(join(root, 'mode'), 'utf8')).toBe('600\n');
    expect(there(JOIN)).toBe(false);
    expect(there(DONE)).toBe(true);
    expect(calls()).toContain(`kubeadm join --config ${join(root, JOIN)}\n`);
    expect(calls() + stdout).not.toContain('0123456789abcdef');
  });

  it('leaves no token behind when it fails, and says why kubelet did not come', () => {
    mine();
    const { status, stdout } = make(`${TOKEN} ${HASH}`, 'exit 3');
    expect([status, stdout.trim()]).toEqual([3, 'error: kubelet says why']);
    expect(there(JOIN)).toBe(false);
    expect(there(DONE)).toBe(false);
  });

  it('goes on from what an earlier one left, and makes a torn certificate anew', () => {
    mine();
    lay([BOOTSTRAP]);
    put(root, CA, '-----BEGIN');
    expect(make(`${TOKEN} ${HASH}`, `[ ! -e '${root}/${CA}' ] || exit 4`).status).toBe(0);
    expect(calls()).toContain('--ignore-preflight-errors=Port-10250,');
    expect(there(BOOTSTRAP)).toBe(false);
  });

  it('needs no token and no kubeadm when kubelet has its certificate', () => {
    mine();
    lay([...Object.keys(joined), BOOTSTRAP, JOIN]);
    expect(make('', 'exit 5').status).toBe(0);
    expect(calls()).not.toContain('kubeadm');
    expect([there(BOOTSTRAP), there(JOIN)]).toEqual([false, false]);
    expect(read(member())).toBe('member');
  });

  it('says so when it was given no token', () => {
    mine();
    const { status, stdout } = make('', 'exit 0');
    expect([status, stdout.trim()]).toEqual([1, 'no token was minted for this host in this run']);
  });
});

describe('the node of a worker', () => {
  const node = (): Step => one(joinSteps(at('worker-0')), 'join/node');
  const kubectl = (said: string, status: number): string =>
    programs({ kubectl: `echo '${said}'; exit ${status}`, systemctl: ':' });

  it('is asked for with kubelet’s own credentials', () => {
    const path = kubectl('worker-0 10.0.0.21 v1.36.3', 0);
    expect(read(node(), path)).toBe(node().want);
    expect(calls()).toContain('--kubeconfig=/etc/kubernetes/kubelet.conf');
    expect(calls()).not.toContain('admin.conf');
  });

  it.each([
    ['Error from server (NotFound): nodes "worker-0" not found', true],
    ['Unable to connect to the server: dial tcp: i/o timeout', false],
  ])('%s: kubelet starts anew: %s', (said, restarts) => {
    expect(read(node(), kubectl(said, 1))).toBe(said);
    expect(runPiece(node(), 'make', kubectl(said, 1)).status).toBe(0);
    expect(calls().includes('systemctl restart kubelet')).toBe(restarts);
  });
});

describe('tokens', () => {
  const PRINTED = `kubeadm join api.harbour.internal:6443 --token ${TOKEN} --discovery-token-ca-cert-hash ${HASH} `;
  const line = (name: string): string => `node|${name}|10.0.0.1|v1.36.3|True|||`;
  /** A cluster in which these nodes are known. */
  const known = (names: readonly string[], kubeadm = `echo '${PRINTED}'`): string =>
    programs({
      kubectl: `case $* in *readyz) echo ok ;; *'get nodes'*) printf '%s\\n' ${names.map((name) => `'${line(name)}'`).join(' ')} ;; esac`,
      kubeadm,
    });
  const everybody = { 'cp-0': memberFacts, 'worker-0': memberFacts, 'worker-1': memberFacts };
  const ticket = (hosts: Readonly<Record<string, Facts>> = everybody): Step =>
    one(ticketSteps(at('cp-0', hosts)), 'join/ticket');

  it('are due for who is not in the cluster', () => {
    expect(read(ticket(), known(['cp-0', 'worker-0', 'worker-1']))).toBe('nobody waits');
    expect(read(ticket(), known(['cp-0', 'worker-0']))).toBe('worker-1');
    expect(read(ticket(), known([]))).toBe('worker-0\nworker-1');
  });

  it('are due for a host without credentials, though the cluster has a node of its name', () => {
    const hosts = { ...everybody, 'worker-1': FACTS };
    expect(read(ticket(hosts), known(['cp-0', 'worker-0', 'worker-1']))).toBe('worker-1');
  });

  /** Makes it, then reads it in the same script, as a run does. */
  function mint(path: string) {
    const step = ticket();
    const both: Step = { ...step, read: { ...step.read, text: `${step.make?.text}\n${step.read.text}` } };
    const piece = {
      ...both,
      read: {
        ...both.read,
        text: `( set -e\n${step.make?.text}\n) 2>&1\necho "ended $?"\n( ${step.read.text} )\nfor f in "$given"/*; do echo "$(basename "$f") $(stat -c %a "$f") $(cat "$f")"; done`,
      },
    };
    return runPiece(
      { ...piece, read: { ...piece.read, text: `given=${root}/given\n${piece.read.text}` } },
      'read',
      path,
    ).stdout;
  }

  it('are minted one a host, for this host alone, and handed over where only root reads', () => {
    const said = mint(known(['cp-0', 'worker-0']));
    expect(said).toBe(`ended 0\nnobody waits\njoin-worker-1 600 ${TOKEN} ${HASH}\n`);
    expect(calls().match(/kubeadm token create/g)).toHaveLength(1);
    expect(calls()).toMatch(/--ttl 30m --description landfall: one join/);
    expect(calls()).not.toContain(TOKEN);
  });

  it('that cannot be minted are not handed over', () => {
    expect(mint(known(['cp-0'], 'echo "timed out" >&2; exit 1'))).toMatch(
      /^timed out\nended 1\nworker-0\nworker-1\n/,
    );
    expect(mint(known(['cp-0'], 'echo "something else"'))).toMatch(/^ended 1\nworker-0\nworker-1\n/);
  });

  it('of Landfall are all taken back, and nobody else’s', () => {
    const [step] = closingSteps(at('cp-0')) as readonly [Step];
    const secrets = [
      `bootstrap-token-ours01 ${btoa('landfall: one join')}`,
      `bootstrap-token-theirs ${btoa('mine')}`,
      'bootstrap-token-plain0 ',
    ];
    const list = `printf '%s\\n' ${secrets.map((s) => `'${s}'`).join(' ')}`;
    const path = programs({ kubectl: `case $* in *readyz) echo ok ;; *'get secrets'*) ${list} ;; esac` });
    expect(read(step, path)).toBe('bootstrap-token-ours01');
    expect(runPiece(step, 'make', path).status).toBe(0);
    expect(
      calls()
        .match(/^kubectl .*delete secret \S+/gm)
        ?.map((call) => call.replace(/.*delete/, 'delete')),
    ).toEqual(['delete secret bootstrap-token-ours01']);
    expect(read(step, programs({ kubectl: 'case $* in *readyz) echo ok ;; esac' }))).toBe('none');
    expect(read(step, programs({ kubectl: 'exit 1' }))).toBe('the API server does not answer');
  });
});

describe('where the steps of a join stand', () => {
  it('nowhere in a cluster of one node', () => {
    const ids = PHASES.flatMap((phase) => phase.steps(scene())).map((step) => step.id);
    expect(ids.filter((id) => id.startsWith('join/'))).toEqual([]);
  });

  it('on the worker without any credential of an administrator', () => {
    const steps = [...joinSteps(at('worker-0')), ...joinNetworkSteps(at('worker-0'))];
    expect(steps.map(({ id }) => id)).toEqual([
      'join/member',
      'join/kubelet',
      'join/node',
      'endpoint/answers',
      'endpoint/kubelet',
      'join/serving-settings',
      'join/serving-asked',
      'endpoint/in-pods',
      'join/conflist',
      'join/bridge',
    ]);
    const shell = steps.flatMap((s) => [s.read, s.make, ...(s.probes ?? []).map(({ run }) => run)]);
    for (const piece of shell) expect(piece?.text ?? '').not.toMatch(/admin\.conf/);
  });

  it('closed behind whatever was opened', () => {
    const closing = PHASES.filter(({ closes }) => closes !== undefined);
    expect(closing.map(({ id, closes }) => [id, closes])).toEqual([['join-end', 'join-ticket']]);
  });
});
