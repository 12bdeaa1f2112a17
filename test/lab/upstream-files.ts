import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { depotDir, cacheDir } from '../../src/lab/place.ts';
import {
  calicoFile,
  ciliumChart,
  HELM_VERSION,
  helmArchive,
  PLUGIN_RELEASES,
} from '../../src/model/plugin-release.ts';

/** The release of the operator that goes with Calico's, as its image in {@link PLUGIN_RELEASES} says. */
const OPERATOR = PLUGIN_RELEASES.calico.images[0]?.split(':')[1] ?? '';

function go(folder: string, ...args: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOBIN: folder };
  return execFileSync('go', args, { cwd: folder, encoding: 'utf8', env });
}

/** The folder of a Go module's published source. */
function source(folder: string, module: string): string {
  return (JSON.parse(go(folder, 'mod', 'download', '-json', module)) as { Dir: string }).Dir;
}

/** A Deployment under the operator's name; its program is built from no module that is published. */
const STAND_IN = `apiVersion: v1
kind: Namespace
metadata: { name: tigera-operator }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: tigera-operator, namespace: tigera-operator }
spec:
  replicas: 0
  selector: { matchLabels: { name: tigera-operator } }
  template:
    metadata: { labels: { name: tigera-operator } }
    spec: { containers: [{ name: tigera-operator, image: 'quay.io/tigera/operator:${OPERATOR}' }] }
`;

/** A depot of a test's own. */
export interface OwnDepot {
  readonly folder: string;
  /** The sums of what it serves in place of upstream's files, by address. */
  readonly sums: Readonly<Record<string, string>>;
  /** Puts a text in the place of what an address serves. */
  readonly serve: (url: string, text: string) => void;
  /** Serves again what the sums are of. */
  readonly restore: () => void;
}

/**
 * The machine's depot, and beside its own things what network plugins are installed from, put together out of published Go
 * modules: the definitions of Calico's release, Cilium's chart, and Helm, which is built once and kept. They are upstream's in all but
 * their wrapping, so their sums are others.
 */
export function depotWithPlugins(): OwnDepot {
  const cache = join(cacheDir(), 'plugins');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'depot-'));
  execFileSync('cp', [
    '-al',
    '-T',
    execFileSync('readlink', ['-f', depotDir()], { encoding: 'utf8' }).trim(),
    folder,
  ]);
  const serve = (url: string, text: string | Buffer): string => {
    const path = join(folder, 'www', url.replace(/^https:\/\//, ''));
    mkdirSync(dirname(path), { recursive: true });
    // What is there may be the machine's own file under a second name.
    rmSync(path, { force: true });
    writeFileSync(path, text);
    return createHash('sha256').update(text).digest('hex');
  };
  const { calico, cilium } = PLUGIN_RELEASES;

  const crds = join(source(cache, `github.com/tigera/operator@${OPERATOR}`), 'pkg/imports/crds');
  const definitions = ['operator', 'calico/v1.crd.projectcalico.org']
    .flatMap((kind) => readdirSync(join(crds, kind)).map((name) => join(crds, kind, name)))
    .filter((path) => path.endsWith('.yaml'))
    .map((path) => readFileSync(path, 'utf8'));

  const helm = join(cache, 'helm');
  if (!existsSync(helm))
    go(cache, 'install', '-trimpath', '-ldflags=-s -w', `helm.sh/helm/v3/cmd/helm@v${HELM_VERSION}`);
  const pack = mkdtempSync(join(cache, 'pack-'));
  cpSync(helm, join(pack, 'linux-amd64/helm'));
  cpSync(
    join(source(cache, `github.com/cilium/cilium@v${cilium.version}`), 'install/kubernetes/cilium'),
    join(pack, 'cilium'),
    { recursive: true },
  );
  const packed = (name: string): Buffer =>
    execFileSync('tar', ['-C', pack, '-cz', name], { maxBuffer: 256 * 1024 ** 2 });

  const files: readonly (readonly [string, string | Buffer])[] = [
    [calicoFile(calico.version, 'v1_crd_projectcalico_org.yaml'), definitions.join('\n---\n')],
    [calicoFile(calico.version, 'tigera-operator.yaml'), STAND_IN],
    [ciliumChart(cilium.version), packed('cilium')],
    [helmArchive('amd64'), packed('linux-amd64')],
  ];
  rmSync(pack, { recursive: true });
  const restore = (): Readonly<Record<string, string>> =>
    Object.fromEntries(files.map(([url, text]) => [url, serve(url, text)]));
  return { folder, serve, restore, sums: restore() };
}
