import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, put, read, scene } from '../../test/steps/scene.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Scene } from './phase.ts';
import { approverText } from './serving-approval.ts';
import { askingSteps, ownServingSteps, grantingSteps, ownRequestSteps, servedSteps } from './serving.ts';

const worker = (n: number): Node => ({
  name: `worker-${n}`,
  role: 'worker',
  address: `10.0.0.${21 + n}`,
  workloads: true,
});
const CLUSTER: Cluster = { ...HARBOUR, nodes: [...HARBOUR.nodes, worker(0), worker(1)] };
const seat = (): Scene => scene(CLUSTER);

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const openssl = (...args: readonly string[]): string =>
  execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], cwd: root });

/** A request for a certificate, as base64 of its PEM. */
function request(subject: string, names: string): string {
  const ask = [
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'key',
  ];
  const text = openssl(
    ...ask,
    '-subj',
    subject,
    ...(names === '' ? [] : ['-addext', `subjectAltName=${names}`]),
  );
  return Buffer.from(text).toString('base64');
}

interface Asked {
  readonly name: string;
  readonly signer?: string;
  readonly who?: string;
  readonly state?: string;
  readonly usages?: string;
  readonly request?: string;
}

const NAMES = 'DNS:worker-0,IP:10.0.0.21';
const SUBJECT = '/O=system:nodes/CN=system:node:worker-0';
const USAGES = '["digital signature","server auth"]';

/** Runs the program against an API server that holds these requests; gives those it has granted and what it says. */
function approve(asked: readonly Asked[], ...args: readonly string[]) {
  const lines = [
    ...CLUSTER.nodes.map(({ name, address }) => `node|${name}|${address}`),
    'node|stranger|',
    ...asked.map((one) =>
      [
        'request',
        one.name,
        one.signer ?? 'kubernetes.io/kubelet-serving',
        one.who ?? 'system:node:worker-0',
        one.state ?? '',
        one.usages ?? USAGES,
        one.request ?? request(SUBJECT, NAMES),
      ].join('|'),
    ),
  ];
  put(root, 'seen', `${lines.join('\n')}\n`);
  put(
    root,
    'bin/kubectl',
    `#!/bin/sh\ncase "$*" in *approve*) for last; do :; done; echo "$last" >>'${root}/granted' ;; *) cat '${root}/seen' ;; esac\n`,
    0o755,
  );
  const text = approverText(seat()).replace('PATH=', `PATH=${root}/bin:`);
  const { status, stdout, stderr } = spawnSync('dash', ['-s', ...args], { input: text, encoding: 'utf8' });
  const path = join(root, 'granted');
  const granted = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  return { status, stdout, stderr, granted };
}

describe('what a kubelet asks for', () => {
  it('is granted when it is exactly what cluster.yaml says of its node', () => {
    const rsa = '["digital signature","key encipherment","server auth"]';
    const { status, granted, stderr } = approve([{ name: 'csr-1' }, { name: 'csr-2', usages: rsa }]);
    expect([status, granted, stderr]).toEqual([0, ['csr-1', 'csr-2'], '']);
  });

  it('is only named when that is all that is wished', () => {
    const { stdout, granted } = approve([{ name: 'csr-1' }], 'list');
    expect([stdout, granted]).toEqual(['worker-0\n', []]);
  });

  it.each<readonly [why: string, asked: Partial<Asked> | (() => Partial<Asked>), says: RegExp]>([
    [
      'another name besides',
      () => ({ request: request(SUBJECT, `${NAMES},DNS:evil`) }),
      /it names DNS:evil DNS:worker-0/,
    ],
    ['another address besides', () => ({ request: request(SUBJECT, `${NAMES},IP:10.0.0.11`) }), /it names/],
    [
      'the address of another node',
      () => ({ request: request(SUBJECT, 'DNS:worker-0,IP:10.0.0.11') }),
      /it names/,
    ],
    ['no address', () => ({ request: request(SUBJECT, 'DNS:worker-0') }), /it names DNS:worker-0,/],
    ['no name at all', () => ({ request: request(SUBJECT, '') }), /it names ,/],
    ['a URI besides', () => ({ request: request(SUBJECT, `${NAMES},URI:spiffe://x`) }), /it names/],
    [
      'another subject',
      () => ({ request: request('/O=system:masters/CN=system:node:worker-0', NAMES) }),
      /it is for CN=system:node:worker-0,O=system:masters/,
    ],
    [
      'the name of another node',
      () => ({ request: request('/O=system:nodes/CN=system:node:cp-0', NAMES) }),
      /it is for CN=system:node:cp-0/,
    ],
    [
      'the use of a client',
      { usages: '["digital signature","client auth"]' },
      /it is for \["digital signature","client auth"\]/,
    ],
    ['something that is no request', { request: 'bm90aGluZw==' }, /it cannot be read/],
    ['a node Landfall does not know', { who: 'system:node:stranger' }, /no node Landfall knows/],
    ['somebody who is no node', { who: 'kubernetes-admin' }, /no node Landfall knows.* kubernetes-admin/],
    ['another node than it is for', { who: 'system:node:worker-1' }, /it is for CN=system:node:worker-0/],
  ])('is left alone when it is for, or from, %s', (_why, asked, says) => {
    const one = typeof asked === 'function' ? asked() : asked;
    const { status, granted, stderr } = approve([{ name: 'csr-1', ...one }, { name: 'csr-2' }]);
    expect([status, granted]).toEqual([0, ['csr-2']]);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^csr-1 .*is not granted/);
  });

  it.each<Partial<Asked>>([{ state: 'Approved' }, { state: 'Denied' }, { signer: 'example.com/mine' }])(
    'is nothing to speak of when it is %s',
    (one) => {
      const { granted, stderr } = approve([{ name: 'csr-1', ...one }]);
      expect([granted, stderr]).toEqual([[], '']);
    },
  );

  it('is not granted when it was changed after it was signed', () => {
    const der = Buffer.from(
      Buffer.from(request(SUBJECT, NAMES), 'base64')
        .toString()
        .replaceAll(/-----[^-]+-----|\n/g, ''),
      'base64',
    );
    // 10.0.0.22 becomes 10.0.0.21.
    const other = Buffer.from(
      Buffer.from(request(SUBJECT, 'DNS:worker-0,IP:10.0.0.22'), 'base64')
        .toString()
        .replaceAll(/-----[^-]+-----|\n/g, ''),
      'base64',
    );
    const at = other.indexOf(Buffer.from([10, 0, 0, 22]));
    other[at + 3] = 21;
    const pem = (bytes: Buffer): string =>
      Buffer.from(
        `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64').replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE REQUEST-----\n`,
      ).toString('base64');
    const { granted, stderr } = approve([
      { name: 'csr-1', request: pem(other) },
      { name: 'csr-2', request: pem(der) },
    ]);
    expect([granted, stderr]).toEqual([['csr-2'], expect.stringContaining('not signed with its own key')]);
  });
});

/** An authority, and a certificate of it for these names, where kubelet keeps what it serves. */
function serve(names: string, more: readonly string[] = []): void {
  const pki = join(root, 'var/lib/kubelet/pki');
  for (const dir of [pki, join(root, 'etc/kubernetes/pki')]) mkdirSync(dir, { recursive: true });
  const ca = join(root, 'etc/kubernetes/pki/ca');
  if (!existsSync(`${ca}.crt`))
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '9',
      '-subj',
      '/CN=kubernetes',
      '-keyout',
      `${ca}.key`,
      '-out',
      `${ca}.crt`,
    );
  const signer = more.length > 0 ? more : ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`];
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '9',
    '-subj',
    SUBJECT,
    '-addext',
    `subjectAltName=${names}`,
    '-addext',
    'extendedKeyUsage=serverAuth',
    '-addext',
    'basicConstraints=CA:FALSE',
    '-keyout',
    'key',
    '-out',
    'kubelet-server-current.pem',
    ...signer,
  );
  put(
    root,
    'var/lib/kubelet/pki/kubelet-server-current.pem',
    readFileSync(join(root, 'kubelet-server-current.pem'), 'utf8'),
  );
}

describe('what a kubelet serves', () => {
  const at = (): Scene => ({ ...seat(), node: worker(0) });
  const served = (): string => {
    const [one] = servedSteps(at());
    if (one === undefined) throw new Error('there is no such step');
    return read(inRoot(root, one));
  };

  it('is right when the cluster has signed it for its name and its address', () => {
    expect(served()).toBe('none yet');
    serve(NAMES);
    expect(served()).toBe(servedSteps(at())[0]?.want);
  });

  it.each([
    ['DNS:worker-0,IP:10.0.0.22', 'IP address mismatch'],
    ['DNS:other,IP:10.0.0.21', 'hostname mismatch'],
  ])('is not right for %s', (names, says) => {
    serve(names);
    expect(served().toLowerCase()).toContain(says.toLowerCase());
  });

  it('is not right when kubelet has signed it itself', () => {
    serve(NAMES);
    serve(NAMES, ['-set_serial', '7']);
    expect(served()).toMatch(/self[- ]signed certificate|unable to get local issuer/);
  });
});

describe('where kubelets make their own', () => {
  it('nothing of it is asked', () => {
    const cluster: Cluster = {
      ...CLUSTER,
      certificates: { ...CLUSTER.certificates, kubelets: 'self-signed' },
    };
    const at = scene(cluster);
    const own = { ...at, node: worker(0) };
    expect([
      ownRequestSteps(at, 'control-plane'),
      ownServingSteps(at, 'control-plane'),
      grantingSteps(at),
      askingSteps(own),
      servedSteps(own),
    ]).toEqual([[], [], [], [], []]);
  });
});
