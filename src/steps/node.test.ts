import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scene } from '../../test/steps/scene.ts';
import { compile } from '../shell/compile.ts';
import { parseRecords, type ScriptRecord } from '../shell/parse.ts';
import { PHASES } from './phases.ts';
import type { Probe, Step } from './step.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A probe, and those it asks. */
const asking = (probe: Probe): readonly Probe[] => [
  probe,
  ...[probe.needs?.probe, probe.partOf?.probe].flatMap((other) => (other === undefined ? [] : asking(other))),
];

/** Every step of a plan whose reading may ask the API server. */
const STEPS: readonly Step[] = PHASES.filter((phase) => phase.when === 'always')
  .flatMap((phase) => phase.steps(scene()))
  .filter(({ read, probes = [] }) =>
    [read, ...probes.flatMap(asking).map((p) => p.run)].some(({ text }) =>
      text.includes('kubectl --kubeconfig='),
    ),
  );

/** Looks at them all in one script, as a plan does, with an API server of which `kubectl` says this. */
function look(kubectl: string): {
  readonly calls: readonly string[];
  readonly records: readonly ScriptRecord[];
} {
  const calls = join(dir, 'calls');
  writeFileSync(calls, '');
  writeFileSync(join(dir, 'timeout'), '#!/bin/sh\nshift\nexec "$@"\n');
  writeFileSync(join(dir, 'kubectl'), `#!/bin/sh\nprintf '%s\\n' "$*" >>'${calls}'\n${kubectl}\n`);
  // The machine of the tests may well run labs, and etcd in them.
  writeFileSync(join(dir, 'pgrep'), '#!/bin/sh\nexit 1\n');
  for (const name of ['timeout', 'kubectl', 'pgrep']) chmodSync(join(dir, name), 0o755);
  const script = compile(STEPS, { mode: 'read', title: 'a test' }).replace(/^PATH=/m, `PATH=${dir}:`);
  const { stdout } = spawnSync('dash', ['-s'], { input: script, encoding: 'utf8' });
  return { calls: readFileSync(calls, 'utf8').trimEnd().split('\n'), records: parseRecords(stdout) };
}

const isReady = (call: string): boolean => call.endsWith('get --raw /readyz');
const SILENT = 'Unable to connect to the server: context deadline exceeded';

describe('an API server', () => {
  it('that is ready is asked by every reading, and whether it is only once', () => {
    const { calls } = look('case $* in *readyz) echo ok ;; esac');
    expect(calls.filter(isReady)).toHaveLength(1);
    for (const what of [
      'get nodes,daemonsets,deployments,namespaces',
      'ConfigMap/kubeadm-config',
      // It lies in another namespace.
      'configmap cluster-info',
      'diff ',
    ])
      expect(
        calls.filter((call) => call.includes(what)),
        what,
      ).toHaveLength(1);
    expect(calls).toHaveLength(5);
    expect(STEPS).toHaveLength(25);
  });

  it.each([
    ['hangs', `echo '${SILENT}' >&2; exit 1`, SILENT],
    ['is not ready', `echo 'Error from server (InternalError): etcd failed' >&2; exit 1`, 'etcd failed'],
  ])('that %s is waited for once in a script, and every reading says so', (_, kubectl, says) => {
    const { calls, records } = look(kubectl);
    expect(calls.map(isReady)).toEqual([true]);
    // These look at files and processes first, and here those say that there is no cluster.
    const other = [
      'preflight/same-data',
      'control-plane/init',
      'endpoint/answers',
      'serving/insisted',
      'control-plane/api-ends',
      'etcd/settings',
    ];
    const expected = STEPS.filter((s) => !other.includes(s.id));
    expect(records.filter((r) => r.is === 'differs' && r.note.includes(says))).toHaveLength(expected.length);
  });
});
