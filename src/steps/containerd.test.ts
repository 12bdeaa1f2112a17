import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  allSteps,
  HARBOUR,
  inRoot,
  put,
  read,
  runPiece,
  scene,
  standIn,
  step,
} from '../../test/steps/scene.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { clueOf } from '../run/failure.ts';
import { compile } from '../shell/compile.ts';
import { hostsText } from './containerd-registries.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'landfall-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const MIRRORS = [
  { of: 'registry.k8s.io', at: 'one.example/k8s', insecure: false },
  { of: 'docker.io', at: 'two.example:5000', insecure: true },
  { of: 'registry.k8s.io', at: 'two.example', insecure: false },
];
const CLUSTER: Cluster = { ...HARBOUR, runtime: 'containerd' };
const WISHING: Cluster = {
  ...CLUSTER,
  registries: { mirrors: MIRRORS, logins: [{ at: 'one.example', user: 'puller', passwordFile: 'word' }] },
  proxy: { http: 'http://proxy.example:3128', noProxy: [] },
};
const of = (id: string, cluster = WISHING) => inRoot(root, step(id, scene(cluster)));
const file = (path: string): string => readFileSync(join(root, path), 'utf8');

const PAUSE = 'registry.k8s.io/pause:3.10.2';
/** kubeadm, and a containerd that says its configuration is this. */
function bin(dump = ''): string {
  standIn(root, 'kubeadm', `echo registry.k8s.io/kube-apiserver:v1.36.3; echo ${PAUSE}`);
  put(root, 'dump', dump);
  return standIn(root, 'containerd', `cat '${root}/dump'`);
}

describe('a node with containerd', () => {
  it('has steps of its own in the place of those of CRI-O, and says so everywhere', () => {
    const crio = new Set(allSteps(scene(HARBOUR)).map(({ id }) => id));
    const own = allSteps(scene(CLUSTER)).map(({ id }) => id);
    expect(own.filter((id) => !crio.has(id))).toEqual([
      'packages/docker-key',
      'packages/docker-list',
      'runtime/containerd-config',
      'runtime/containerd-last-word',
      'runtime/containerd',
    ]);
    expect([...crio].filter((id) => !own.includes(id))).toEqual([
      'packages/crio-key',
      'packages/crio-list',
      'runtime/programs',
      'runtime/state-folder',
      'runtime/pause-image',
      'runtime/crio',
    ]);
    const text = compile(allSteps(scene(WISHING)), { mode: 'make', title: 'all' });
    expect(text).toContain('criSocket: unix:///run/containerd/containerd.sock');
    expect(text).toContain('containerd.io=2.3.5-1~debian.12~bookworm');
    expect(text).toContain('https://download.docker.com/linux/debian bookworm stable');
    const parts = allSteps(scene(WISHING)).filter(({ id }) =>
      /^(packages|runtime|proxy|control-plane)\//.test(id),
    );
    const said = parts.flatMap(({ id, title, make, undo }) =>
      /crio|CRI-O/.test([title, make?.text, undo?.text].join('\n')) ? [id] : [],
    );
    // What an old package of CRI-O may have left goes on every node.
    expect(said).toEqual(['runtime/no-stray-networks']);
  });

  it.each(['read', 'make', 'undo'] as const)('is POSIX, and satisfies shellcheck (%s)', (mode) => {
    const list = allSteps(scene(WISHING)).filter((s) => mode !== 'undo' || s.undo !== undefined);
    const input = compile(list, { mode, title: 'all' });
    expect(spawnSync('dash', ['-n'], { input, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    if (spawnSync('shellcheck', ['--version']).status !== 0) return;
    const not = 'SC2012,SC2015,SC2016,SC2034,SC2043,SC2086,SC2140,SC2154,SC2209,SC2317';
    const own = list.filter(({ id }) => /containerd|docker|mirrors|logins|other-runtime|init$/.test(id));
    const { stdout } = spawnSync('shellcheck', ['-s', 'sh', '-f', 'gcc', '-e', not, '-'], {
      input: compile(own, { mode, title: 'own' }),
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  });
});

describe("containerd's configuration", () => {
  const config = () => of('runtime/containerd-config');
  const path = 'etc/containerd/config.toml';

  it('is made with the image kubeadm names, is right, and is taken back', () => {
    expect(read(config(), bin())).toBe('absent');
    expect(runPiece(config(), 'make', bin()).status).toBe(0);
    expect(file(path)).toContain(`sandbox = "${PAUSE}"`);
    expect(file(path)).toContain('SystemdCgroup = true');
    expect(read(config(), bin())).toBe(config().want.replaceAll(/\/(etc|opt)\//g, `${root}/$1/`));
    for (let i = 0; i < 2; i++) expect(runPiece(config(), 'undo', bin()).status).toBe(0);
    expect(existsSync(join(root, path))).toBe(false);
  });

  it('is not made of nothing when kubeadm does not say', () => {
    standIn(root, 'kubeadm', 'exit 1');
    const { status, stdout } = runPiece(config(), 'make', join(root, 'bin'));
    expect([status, stdout]).toEqual([1, expect.stringContaining('kubeadm does not say')]);
    expect(existsSync(join(root, path))).toBe(false);
  });

  it('is wrong with another image, and that of the package is told for what it is', () => {
    runPiece(config(), 'make', bin());
    put(root, path, file(path).replace('3.10.2', '3.9'));
    expect(read(config(), bin())).toContain('sandbox = "registry.k8s.io/pause:3.9"');
    put(root, path, 'disabled_plugins = ["cri"]\n');
    const [, line = ''] = read(config(), bin()).split('\n');
    expect(clueOf({ ...FAILED, step: config(), output: [line] })?.diagnosis).toBe('H13');
  });
});

const FAILED = { host: 'cp-0', state: 'failed', reading: '', note: '', output: [], run: '' } as const;

/** What `containerd config dump` prints, as far as it matters here. */
const dump = ({
  cgroup = 'true',
  pause = PAUSE,
  certs = '/etc/containerd/certs.d',
  off = '',
} = {}): string => `version = 4
disabled_plugins = [${off}]
imports = ['/etc/containerd/conf.d/99-lab.toml']

[plugins]
  [plugins.'io.containerd.cri.v1.images']
    snapshotter = 'overlayfs'

    [plugins.'io.containerd.cri.v1.images'.pinned_images]
      sandbox = '${pause}'

    [plugins.'io.containerd.cri.v1.images'.registry]
      config_path = '${certs}'

  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    sandboxer = 'podsandbox'

    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = ''
      SystemdCgroup = ${cgroup}

  [plugins.'io.containerd.transfer.v1.local']
    config_path = ''
`;

describe('what containerd makes of all its files', () => {
  const said = (text: string): string => {
    const one = step('runtime/containerd-last-word', scene(CLUSTER));
    return read(one, bin(text));
  };
  it.each([
    ['as it is written', dump(), undefined],
    ['SystemdCgroup = false', dump({ cgroup: 'false' }), 'counts on systemd’s'],
    [
      'pods are held open by registry.k8s.io/pause:3.8',
      dump({ pause: 'registry.k8s.io/pause:3.8' }),
      'another image',
    ],
    ['mirrors are looked for in /etc/mine', dump({ certs: '/etc/mine' }), 'another place'],
    ["switched off: ['cri']", dump({ off: "'cri'" }), 'switches off'],
  ])('%s', (line, text, means) => {
    expect(said(text)).toBe(line);
    const one = step('runtime/containerd-last-word', scene(CLUSTER));
    if (means !== undefined) expect(clueOf({ ...FAILED, step: one, output: [line] })?.means).toContain(means);
  });
});

describe('mirrors of containerd', () => {
  const mirrors = () => of('runtime/mirrors');
  const at = (host: string): string => `etc/containerd/certs.d/${host}/hosts.toml`;

  it('are asked in their order, with TLS before without, and the registry itself last', () => {
    expect(hostsText('registry.k8s.io', MIRRORS)).toBe(`# Written by Landfall: where images are pulled from.
server = "https://registry.k8s.io"

[host."https://one.example/v2/k8s"]
capabilities = ["pull", "resolve"]
override_path = true

[host."https://two.example/v2"]
capabilities = ["pull", "resolve"]
override_path = true
`);
    expect(hostsText('docker.io', MIRRORS)).toBe(`# Written by Landfall: where images are pulled from.
server = "https://registry-1.docker.io"

[host."https://two.example:5000/v2"]
capabilities = ["pull", "resolve"]
override_path = true
skip_verify = true

[host."http://two.example:5000/v2"]
capabilities = ["pull", "resolve"]
override_path = true
`);
  });

  it('are made, are right, lose who is no longer on the list, and leave what others wrote', () => {
    const old = '# Written by Landfall: where images are pulled from.\nserver = "https://quay.io"\n';
    put(root, at('quay.io'), old);
    put(root, at('mine.example'), 'server = "https://mine.example"\n');
    expect(read(mirrors())).toContain('quay.io');
    expect(runPiece(mirrors(), 'make').status).toBe(0);
    expect(read(mirrors())).toBe(mirrors().want.replaceAll('/etc/', `${root}/etc/`));
    expect([existsSync(join(root, at('quay.io'))), existsSync(join(root, at('mine.example')))]).toEqual([
      false,
      true,
    ]);
    for (let i = 0; i < 2; i++) expect(runPiece(mirrors(), 'undo').status).toBe(0);
    expect(read(mirrors())).toBe('absent');
    expect(existsSync(join(root, at('mine.example')))).toBe(true);
  });
});

describe('logins of containerd', () => {
  it('are compared by their sum, and never shown', () => {
    const text = 'version = 3\n# sesame\n';
    const one = of('runtime/logins');
    const script = (mode: 'read' | 'make'): string =>
      compile([one], {
        mode,
        title: 'a test',
        slots: {
          'containerd-logins': text,
          'containerd-logins-digest': createHash('sha256').update(text).digest('hex'),
        },
      });
    const run = (mode: 'read' | 'make'): string =>
      spawnSync('dash', ['-s'], { input: script(mode), encoding: 'utf8' }).stdout;
    run('make');
    expect(file('etc/containerd/conf.d/30-landfall-logins.toml')).toBe(text);
    expect(run('read')).not.toContain('sesame');
    expect(run('read')).toMatch(/right/);
    put(root, 'etc/containerd/conf.d/30-landfall-logins.toml', 'other\n', 0o600);
    expect(run('read')).not.toMatch(/right/);
  });
});

describe('a runtime that is another', () => {
  const other = (cluster: Cluster, runtimes?: Facts['runtimes']) =>
    inRoot(root, step('preflight/other-runtime', scene(cluster, runtimes === undefined ? {} : { runtimes })));
  const listens = async (path: string, look: () => string): Promise<string> => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const server = createServer();
    await new Promise<void>((ready) => server.listen(join(root, path), ready));
    try {
      return look();
    } finally {
      server.close();
    }
  };
  const CRIO = 'run/crio/crio.sock';
  const CONTAINERD = 'run/containerd/containerd.sock';

  it('is refused unless Landfall has put it there', async () => {
    expect(await listens(CRIO, () => read(other(CLUSTER)))).toBe(`listening: ${root}/${CRIO}`);
    expect(await listens(CRIO, () => read(other(CLUSTER, ['cri-o'])))).toBe('none');
    expect(await listens(CONTAINERD, () => read(other(HARBOUR)))).toBe(`listening: ${root}/${CONTAINERD}`);
    expect(await listens(CONTAINERD, () => read(other(HARBOUR, ['containerd'])))).toBe('none');
  });

  it('is one also when it is of the same name, and was there before', async () => {
    const look = (): string => read(other(CLUSTER));
    expect(await listens(CONTAINERD, look)).toBe(`listening: ${root}/${CONTAINERD}`);
    put(root, 'var/lib/landfall/before/packages', 'containerd\nzstd\n');
    expect(await listens(CONTAINERD, look)).toBe(`listening: ${root}/${CONTAINERD}`);
    put(root, 'var/lib/landfall/before/packages', 'zstd\n');
    expect(await listens(CONTAINERD, look)).toBe('none');
  });
});
