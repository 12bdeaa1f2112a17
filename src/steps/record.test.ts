import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allSteps, HARBOUR, put, scene, standIn, step } from '../../test/steps/scene.ts';
import { KEPT_ENTRIES, parseEntries } from '../model/applied.ts';
import type { Cluster } from '../model/cluster.ts';
import { LOGINS, LOGINS_DIGEST } from '../model/registries.ts';
import { specText } from '../model/spec-text.ts';
import { appliedOf } from '../plan/applied.ts';
import { compile, type ScriptMode } from '../shell/compile.ts';
import { parseRecords } from '../shell/parse.ts';
import { APPLIED, recordSteps } from './record.ts';
import type { Step } from './step.ts';

/**
 * A kubectl that keeps one ConfigMap as files of a folder. Asked for many things it answers as for a cluster kubeadm has made;
 * `silent` in the folder makes it refuse.
 */
const KUBECTL = `
if [ -e "$CLUSTER/silent" ]; then echo 'The connection was refused' >&2; exit 1; fi
echo asked >>"$CLUSTER/asked"
there=; if [ -e "$CLUSTER/history" ]; then there=yes; fi
case $* in
  *readyz) echo ok ;;
  *'apply --server-side'*) for file; do :; done; cp "$(cat "$file")"/* "$CLUSTER/" ;;
  *'create configmap landfall-applied --from-file='*) from=\${*#*--from-file=}; echo "\${from%% *}" ;;
  *'get configmap landfall-applied'*history*) [ -z "$there" ] || cat "$CLUSTER/history" ;;
  *'-n kube-system get --ignore-not-found '*)
    echo ConfigMap/kubeadm-config; echo answered; echo 'podSubnet: 10.244.0.0/16'; echo; echo recorded
    [ -z "$there" ] || cat "$CLUSTER/history"
    echo; echo spec
    [ -z "$there" ] || cat "$CLUSTER/cluster.yaml" ;;
  *) echo "nobody has heard of $*" >&2; exit 1 ;;
esac`;

let root = '';
let path = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-record-'));
  path = standIn(root, 'kubectl', KUBECTL);
  standIn(root, 'timeout', 'shift; exec "$@"');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const record = (cluster: Cluster = HARBOUR): readonly Step[] => recordSteps(scene(cluster));

/** Runs steps as a host does. */
function run(steps: readonly Step[], mode: ScriptMode, by = 'anna@laptop', name = 'one') {
  const script = compile(steps, {
    mode,
    title: 'a test',
    slots: { signature: `20261123-091200-${name} 0.1.0 ${by}` },
  }).replace(/^PATH=/m, `PATH=${path}:`);
  const { stdout } = spawnSync('dash', ['-s'], {
    input: script,
    encoding: 'utf8',
    env: { ...process.env, CLUSTER: root },
  });
  return parseRecords(stdout);
}

const ends = (records: ReturnType<typeof run>): readonly string[] =>
  records.flatMap((r) => (['right', 'made', 'differs', 'failed'].includes(r.is) ? [r.is] : []));

const OTHER = { ...HARBOUR, kubernetes: '1.36.3' };
const applied = (cluster: Cluster = HARBOUR) => {
  const steps = record(cluster);
  const phase = { id: 'record', title: '', why: '', stage: 'seat', when: 'always' } as const;
  const works = [{ phase: { ...phase, on: () => [], steps: () => [] }, host: 'cp-0', steps }];
  return appliedOf(works, run(steps, 'read'));
};

describe('what was applied', () => {
  it('is written down with who did it, and read back; the same again is nothing to do', () => {
    expect(applied()).toBeUndefined();
    expect(ends(run(record(), 'make'))).toEqual(['differs', 'made']);
    expect(ends(run(record(), 'make'))).toEqual(['right']);
    expect(ends(run(record(), 'make', 'ben@desk', 'two'))).toEqual(['right']);
    const text = specText(HARBOUR);
    expect(applied()).toMatchObject({
      last: {
        digest: createHash('sha256').update(text).digest('hex'),
        run: '20261123-091200-one',
        landfall: '0.1.0',
        by: 'anna@laptop',
      },
      text,
      earlier: [],
    });
    expect(readFileSync(join(root, 'cluster.yaml'), 'utf8')).toBe(text);
  });

  it('comes before what was applied before, of which so many are kept', () => {
    for (let i = 0; i < KEPT_ENTRIES + 3; i += 1)
      run(record({ ...HARBOUR, kubernetes: `1.36.${i}` }), 'make', 'anna@laptop', `run-${i}`);
    const entries = parseEntries(readFileSync(join(root, 'history'), 'utf8'));
    expect(entries.map(({ run: name }) => name.slice(16))).toEqual(
      Array.from({ length: KEPT_ENTRIES }, (_, i) => `run-${KEPT_ENTRIES + 2 - i}`),
    );
  });

  it('is told with the text that was applied, also to who has another file', () => {
    run(record(), 'make');
    expect(applied(OTHER)?.text).toBe(specText(HARBOUR));
    run(record(OTHER), 'make', 'ben@desk', 'two');
    const { last, earlier = [] } = applied() ?? {};
    expect([last?.by, earlier.map(({ by }) => by)]).toEqual(['ben@desk', ['anna@laptop']]);
  });

  it('is kept when the API server does not answer', () => {
    run(record(), 'make');
    const before = readFileSync(join(root, 'history'), 'utf8');
    writeFileSync(join(root, 'silent'), '');
    expect(ends(run(record(OTHER), 'make'))).toEqual(['differs', 'failed']);
    expect(applied()).toBeUndefined();
    rmSync(join(root, 'silent'));
    expect(readFileSync(join(root, 'history'), 'utf8')).toBe(before);
  });

  it('is asked for together with what kubeadm has left: a plan calls kubectl no more often for it', () => {
    run(record(), 'make');
    const asks = (steps: readonly Step[]): number => {
      put(root, 'asked', '');
      run(steps, 'read');
      return readFileSync(join(root, 'asked'), 'utf8').split('\n').length - 1;
    };
    const settings = step('control-plane/settings');
    expect(asks([settings])).toBe(2);
    expect(asks([settings, ...record()])).toBe(2);
  });
});

describe('secrets', () => {
  it('are in no slot it knows, and in no text it writes', () => {
    const [own] = record();
    expect(own?.secrets?.map(({ slot }) => slot)).toEqual(['signature']);
    const planted: Cluster = {
      ...HARBOUR,
      registries: {
        mirrors: [],
        logins: [{ at: 'registry.example.com', user: 'puller', passwordFile: '/root/planted' }],
      },
    };
    const steps = allSteps(scene(planted));
    const slots = [
      ...new Set(steps.flatMap((s) => [...(s.secrets ?? []).map((one) => one.slot), ...(s.takes ?? [])])),
    ];
    expect(slots).toEqual(expect.arrayContaining([LOGINS, LOGINS_DIGEST]));
    const script = compile(recordSteps(scene(planted)), {
      mode: 'make',
      title: 'a test',
      slots: Object.fromEntries(
        slots.map((slot) => [slot, slot === 'signature' ? 'one 0.1.0 anna@laptop' : `PLANTED ${slot}`]),
      ),
    }).replace(/^PATH=/m, `PATH=${path}:`);
    spawnSync('dash', ['-s'], { input: script, env: { ...process.env, CLUSTER: root } });
    const written = ['cluster.yaml', 'history']
      .map((name) => readFileSync(join(root, name), 'utf8'))
      .join('\n');
    expect(written).toContain('registry.example.com');
    expect(written).toContain('anna@laptop');
    expect(written).not.toContain('PLANTED');
  });

  it('is the last step of a plan', () => {
    const ids = allSteps().map(({ id }) => id);
    expect(ids.slice(ids.indexOf(APPLIED) + 1).filter((id) => !id.startsWith('proof/'))).toEqual([]);
  });
});
