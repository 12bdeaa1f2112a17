import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allSteps, HARBOUR, inRoot, put, read, runPiece, scene, step } from '../../test/steps/scene.ts';
import type { Cluster } from '../model/cluster.ts';
import { compile } from '../shell/compile.ts';
import { factsScript } from './facts.ts';
import { sh } from '../shell/sh.ts';
import { exceptions, unwanted } from './proxy.ts';
import { mirrorsText } from './registries.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n';
const WISHING: Cluster = {
  ...HARBOUR,
  registries: {
    mirrors: [
      { of: 'registry.k8s.io', at: 'one.example/k8s', insecure: false },
      { of: 'ghcr.io', at: 'two.example', insecure: true },
      { of: 'registry.k8s.io', at: 'two.example:5000', insecure: false },
    ],
    logins: [{ at: 'one.example', user: 'puller', passwordFile: 'word' }],
  },
  trust: [{ file: 'root-12345678.crt', pem: PEM, sha256: createHash('sha256').update(PEM).digest('hex') }],
  proxy: {
    http: 'http://proxy.example:3128',
    https: 'http://proxy.example:3128',
    noProxy: ['one.example', '.lan', '10.0.0.0/8'],
  },
};
const of = (id: string) => inRoot(root, step(id, scene(WISHING)));

describe('a cluster that wishes nothing of the outside', () => {
  it('has none of the steps', () => {
    const own = new Set(allSteps().map(({ id }) => id));
    const more = allSteps(scene(WISHING)).filter(({ id }) => !own.has(id));
    expect(more.map(({ id }) => id)).toEqual([
      'trust/authorities',
      'trust/known',
      'proxy/apt',
      'runtime/mirrors',
      'runtime/mirrors-last-word',
      'runtime/logins',
      'runtime/logins-named',
      'proxy/runtime',
      'proxy/kubelet',
      'proxy/not-in-pods',
    ]);
  });

  it('is asked for its facts as one that has never heard of it', () => {
    expect(factsScript({ available: '1.36', cluster: HARBOUR })).toBe(factsScript({ available: '1.36' }));
    expect(factsScript({ available: '1.36', cluster: WISHING })).toContain('Acquire::https::CAInfo=');
  });
});

describe('the shell of what is wished', () => {
  it.each(['read', 'make', 'undo'] as const)('is POSIX, and satisfies shellcheck (%s)', (mode) => {
    const own = new Set(allSteps().map(({ id }) => id));
    const list = allSteps(scene(WISHING)).filter(
      (s) =>
        !own.has(s.id) ||
        ['preflight/registries', 'preflight/reachable', 'control-plane/init'].includes(s.id),
    );
    const input = compile(mode === 'undo' ? list.filter((s) => s.undo !== undefined) : list, {
      mode,
      title: 'all',
    });
    expect(spawnSync('dash', ['-n'], { input, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    if (spawnSync('shellcheck', ['--version']).status !== 0) return;
    const args = [
      '-s',
      'sh',
      '-f',
      'gcc',
      '-e',
      'SC2012,SC2015,SC2016,SC2034,SC2043,SC2086,SC2140,SC2154,SC2209',
      '-',
    ];
    expect(spawnSync('shellcheck', args, { input, encoding: 'utf8' }).stdout).toBe('');
  });
});

describe('mirrors', () => {
  it('stand by registry, those of one in their order, and only the one that may is insecure', () => {
    expect(mirrorsText(WISHING.registries ?? { mirrors: [], logins: [] })).toBe(
      `# Written by Landfall: where images are pulled from.

[[registry]]
prefix = "registry.k8s.io"
location = "registry.k8s.io"

[[registry.mirror]]
location = "one.example/k8s"

[[registry.mirror]]
location = "two.example:5000"

[[registry]]
prefix = "ghcr.io"
location = "ghcr.io"

[[registry.mirror]]
location = "two.example"
insecure = true
`,
    );
  });

  it('are asked beforehand in place of the registry, but for one of which nothing can be said', () => {
    const asks = (cluster: Cluster): readonly string[] =>
      [...step('preflight/registries', scene(cluster)).read.text.matchAll(/https:\/\/(\S+)\/v2\//g)].map(
        ([, host = '']) => host,
      );
    expect(asks(HARBOUR)).toEqual(['registry.k8s.io', 'ghcr.io']);
    expect(asks(WISHING)).toEqual(['one.example', 'two.example:5000']);
    const proxy = { https: 'http://p:1', noProxy: ['.example'] };
    const text = step('preflight/registries', scene({ ...WISHING, proxy })).read.text;
    expect(text).toContain('-o Acquire::https::Proxy::two.example=DIRECT');
  });

  it('have the last word unless a file that comes later speaks of the same', () => {
    const dir = 'etc/containers/registries.conf.d';
    const last = of('runtime/mirrors-last-word');
    const said = (): string => read(last).replaceAll(root, '');
    expect(said()).toBe('none');
    put(root, `${dir}/10-a.conf`, 'prefix = "ghcr.io"\n');
    put(root, `${dir}/99-landfall.conf`, 'prefix = "ghcr.io"\n');
    put(root, `${dir}/zz.conf`, 'prefix = "quay.io"\n');
    expect(said()).toBe('none');
    put(root, `${dir}/zz.conf`, '[[registry]]\n  location="ghcr.io"\n');
    expect(said()).toBe(`/${dir}/zz.conf`);
  });
});

describe('logins', () => {
  it('are one file for root alone, and are told from others without being shown', () => {
    const text = '{"auths":{"one.example":{"auth":"c2VzYW1l"}}}\n';
    const digest = createHash('sha256').update(text).digest('hex');
    const logins = of('runtime/logins');
    const path = join(root, 'etc/kubernetes/landfall/registry-logins.json');
    const look = (): string => {
      const script = compile([logins], {
        mode: 'read',
        title: 't',
        slots: { 'registry-logins-digest': digest },
      });
      return spawnSync('dash', ['-s'], { input: script, encoding: 'utf8' }).stdout;
    };
    const differs = (): string => atob(/ differs (\S+)/.exec(look())?.[1] ?? '');
    expect(differs()).toBe('absent');
    const script = compile(
      [{ ...logins, make: { ...logins.make!, text: logins.make!.text.replace(/^chown.*$/m, '') } }],
      {
        mode: 'make',
        title: 't',
        slots: { 'registry-logins': text, 'registry-logins-digest': digest },
      },
    );
    const { stdout } = spawnSync('dash', ['-s'], { input: script, encoding: 'utf8' });
    expect(stdout).not.toContain('c2VzYW1l');
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(look()).toContain('1 right');
    put(root, 'etc/kubernetes/landfall/registry-logins.json', `${text} `, 0o600);
    expect(differs()).toMatch(/^0600 .*\nother logins than cluster\.yaml names, or other passwords$/);
    chmodSync(path, 0o644);
    runPiece(logins, 'undo');
    expect(existsSync(path)).toBe(false);
  });
});

describe('authorities', () => {
  it('are laid down alone, and taken away with whatever else lies there', () => {
    const trust = step('trust/authorities', scene(WISHING));
    const move = (text = ''): string =>
      text.replaceAll('/usr/local/share', `${root}/share`).replace(/update-ca-certificates.*/, ':');
    const moved = {
      ...trust,
      read: { ...trust.read, text: move(trust.read.text) },
      make: { ...trust.read, text: move(trust.make?.text) },
      undo: { ...trust.read, text: move(trust.undo?.text) },
    };
    expect(read(moved)).toBe('none');
    for (let twice = 0; twice < 2; twice += 1) expect(runPiece(moved, 'make').status).toBe(0);
    expect(read(moved)).toBe(trust.want);
    put(root, 'share/ca-certificates/landfall/other.crt', PEM);
    expect(read(moved)).not.toBe(trust.want);
    expect(runPiece(moved, 'make').status).toBe(0);
    expect(read(moved)).toBe(trust.want);
    for (let twice = 0; twice < 2; twice += 1) expect(runPiece(moved, 'undo').status).toBe(0);
    expect(existsSync(join(root, 'share/ca-certificates/landfall'))).toBe(false);
  });
});

describe('a proxy', () => {
  it('is never in the way of what the cluster needs by itself, whatever else is excepted', () => {
    const entry = fc.stringMatching(/^\.?[a-z]{1,8}(\.[a-z]{2,4})?$/);
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), fc.nat(3), (noProxy, more) => {
        const nodes = [
          ...HARBOUR.nodes,
          ...Array.from({ length: more }, (_, n) => ({
            name: `worker-${n}`,
            role: 'worker' as const,
            address: `w${n}.example`,
            internalAddress: `10.1.0.${n + 1}`,
            workloads: true,
          })),
        ];
        const cluster: Cluster = { ...HARBOUR, nodes, proxy: { https: 'http://p:1', noProxy } };
        const found = exceptions(cluster, {});
        for (const own of [
          'localhost',
          '127.0.0.0/8',
          cluster.network.pods,
          cluster.network.services,
          '.svc',
          `.${cluster.network.domain}`,
          cluster.endpoint.host,
          ...nodes.flatMap((n) => [n.name, n.address, n.internalAddress ?? n.address]),
          ...noProxy,
        ])
          expect(found).toContain(own);
        expect(new Set(found).size).toBe(found.length);
      }),
    );
  });

  it('is told to apt for both schemes, without what apt does not know', () => {
    expect(step('proxy/apt', scene(WISHING)).want).toBe(`0644 root:root
// Written by Landfall: how apt reaches the outside.
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::http::Proxy::one.example "DIRECT";
Acquire::https::Proxy "http://proxy.example:3128";
Acquire::https::Proxy::one.example "DIRECT";`);
  });

  it('is in no environment that kubeadm has', () => {
    const text = step('control-plane/init', scene(WISHING)).make?.text ?? '';
    expect(text.indexOf('unset http_proxy HTTP_PROXY')).toBeGreaterThan(0);
    expect(text.indexOf('unset http_proxy HTTP_PROXY')).toBeLessThan(text.indexOf('kubeadm init'));
    expect(step('control-plane/init').make?.text).not.toContain('PROXY');
  });

  it('reaches no program of a script, whatever the environment has', () => {
    const print = { ...of('proxy/not-in-pods'), read: sh`env | grep -ic _proxy`, want: '0' };
    const said = (cluster: Cluster): string =>
      spawnSync('dash', ['-s'], {
        input: compile([print], { mode: 'read', title: 't', unset: unwanted(cluster) }),
        env: { ...process.env, HTTPS_PROXY: 'http://p:1', all_proxy: 'http://p:1' },
        encoding: 'utf8',
      }).stdout;
    expect(said(WISHING)).toContain('1 right');
    expect(said(HARBOUR)).toContain('1 differs');
  });

  it('is found in the pods of the control plane', () => {
    const inPods = of('proxy/not-in-pods');
    expect(read(inPods)).toBe('none');
    put(
      root,
      'etc/kubernetes/manifests/a.yaml',
      '    - name: etcd\n    - name: HTTPS_PROXY\n      value: x\n',
    );
    expect(read(inPods)).toBe('a.yaml HTTPS_PROXY');
  });
});
