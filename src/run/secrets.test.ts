import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ETCD_DEFAULTS } from '../config/etcd-defaults.ts';
import { CERTIFICATE_DEFAULTS } from '../config/certificate-defaults.ts';
import { HOST_DEFAULTS } from '../config/host-defaults.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Lock } from '../model/lock.ts';
import { sh } from '../shell/sh.ts';
import type { Host, Output } from '../ssh/host.ts';
import type { Phase } from '../steps/phase.ts';
import type { Step } from '../steps/step.ts';
import { apply } from './apply.ts';
import type { RunEvent } from './event.ts';
import { type Site, survey } from './survey.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-secrets-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const cluster: Cluster = {
  name: 'harbour',
  kubernetes: '1.36',
  endpoint: { host: 'api.harbour.internal', port: 6443, kept: true },
  network: {
    plugin: 'none',
    kubeProxy: 'keep',
    pods: '10.244.0.0/16',
    services: '10.96.0.0/16',
    domain: 'cluster.local',
  },
  certificates: CERTIFICATE_DEFAULTS,
  runtime: 'cri-o',
  etcd: ETCD_DEFAULTS,
  ssh: {},
  host: HOST_DEFAULTS,
  nodes: [{ name: 'cp-0', role: 'control-plane', address: '192.0.2.1', workloads: true }],
};
const lock = {
  kubernetes: '1.36.3',
  packages: {},
  keys: {},
  network: { plugin: 'none', files: {}, images: [] },
  images: {},
} as unknown as Lock;

/** Just enough of systemd for a script to run detached below a folder of our own. */
function furnish(): void {
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'units'));
  const put = (name: string, text: string): void => {
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\necho "$0 $*" >>${dir}/argv\n${text}`);
    chmodSync(join(dir, 'bin', name), 0o755);
  };
  put(
    'systemd-run',
    `while :; do
      case $1 in
        --unit=*) unit=\${1#--unit=} ;;
        --property=StandardOutput=append:*) out=\${1#*append:} ;;
        --*) ;;
        *) break ;;
      esac
      shift
    done
    setsid "$@" >>"$out" 2>&1 </dev/null &
    echo $! >${dir}/units/"$unit"`,
  );
  put(
    'systemctl',
    `pid=$(cat ${dir}/units/"$5" 2>/dev/null)
    if [ -z "$pid" ] || ! kill -0 "$pid" 2>/dev/null; then echo "$3" | sed 's/MainPID/0/; s/ActiveState/inactive/'
    else echo "$3" | sed "s/MainPID/$pid/; s/ActiveState/active/"; fi`,
  );
}

/** This machine's dash in the place of a host, with /run/landfall in our folder. `look` is called before each script. */
function dash(look: () => void = () => undefined): Host {
  let trips = 0;
  return {
    name: 'cp-0',
    address: 'this machine',
    trips: () => trips,
    close: () => Promise.resolve(),
    run: (script, { onData, signal } = {}) => {
      trips += 1;
      look();
      const child = spawn('dash', ['-s'], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}` },
      });
      signal?.addEventListener('abort', () => child.kill());
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        if (onData === undefined) stdout += chunk;
        else onData(chunk);
      });
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
      child.stdin.on('error', () => undefined);
      child.stdin.end(script.replaceAll('/run/landfall', join(dir, 'landfall')));
      return new Promise<Output>((done) =>
        child.on('close', (status) => done({ status: status ?? 143, stdout, stderr })),
      );
    },
  };
}

function step(id: Step['id'], more: Partial<Step>): Step {
  const path = join(dir, `state-${id.replace('/', '-')}`);
  const read = sh`cat ${path} 2>/dev/null || echo absent`;
  return { id, title: id, why: 'w', read, want: 'there', make: sh`echo there >${path}`, ...more };
}

function phase(id: string, steps: readonly Step[], stage: Phase['stage'] = 'nodes'): Phase {
  return { id, title: id, why: 'w', stage, on: (c) => c.nodes, when: 'always', steps: () => steps };
}

/** Files below our folder that hold the text, with their modes. */
function holding(text: string, below = dir): readonly { path: string; mode: number }[] {
  return readdirSync(below, { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    if (entry.isDirectory()) return holding(text, path);
    return entry.isFile() && readFileSync(path, 'utf8').includes(text)
      ? [{ path, mode: statSync(path).mode & 0o777 }]
      : [];
  });
}

const secret = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9]{12,20}$/), fc.string({ unit: 'grapheme-ascii', maxLength: 20 }))
  .map(([core, odd]) => ({ core, whole: `${odd.replaceAll(/\s+$/g, '')}'${core}` }));

describe('a late value, and a secret of the operator’s', () => {
  it('reaches the steps that take it, and is nowhere else: not in events, plans, arguments or files others can read', async () => {
    furnish();
    await fc.assert(
      fc.asyncProperty(secret, async ({ core, whole }) => {
        for (const name of readdirSync(dir)) if (/^(state-|argv|seen)/.test(name)) rmSync(join(dir, name));
        const [source, seen] = [join(dir, 'source'), join(dir, 'seen-by-operator')];
        writeFileSync(source, whole, { mode: 0o600 });
        const spilt: string[] = [];
        const look = (): void => {
          for (const { path, mode } of holding(core))
            if (mode !== 0o600 && path !== seen) spilt.push(`${path} ${mode.toString(8)}`);
        };
        const take = (path: string): Partial<Step> => ({
          takes: ['planted'],
          read: sh`if [ "$(cat ${path} 2>/dev/null)" = "$(slot planted)" ]; then echo there; else echo absent; fi`,
          make: sh`( umask 077; slot planted >${path}; echo making )`,
        });
        const ofOwn = step('c/own', {
          secrets: [{ slot: 'own', is: 'a secret of the operator’s' }],
          read: sh`if [ "$(cat ${join(dir, 'state-c-own')} 2>/dev/null)" = "$(slot own)" ]; then echo there; else echo absent; fi`,
          make: sh`( umask 077; slot own >${join(dir, 'state-c-own')}; echo making )`,
        });
        const asked: string[] = [];
        const failing = step('c/fails', {
          ...take(join(dir, 'state-never')),
          make: sh`slot planted | wc -c; echo 'it fails'; exit 3`,
        });
        const giving = step('a/gives', { gives: ['planted'] });
        const make = sh`give planted "$(cat ${source})"; echo there >${join(dir, 'state-a-gives')}`;
        const host = dash(look);
        const site: Site = {
          cluster,
          source: '',
          lock,
          hosts: new Map([['cp-0', host]]),
          operator: dash(look),
          phases: [
            phase('one', [{ ...giving, make }]),
            phase('two', [step('b/takes', take(seen))], 'operator'),
            phase('three', [step('c/takes', take(join(dir, 'state-c-takes'))), ofOwn, failing]),
          ],
          secret: (slot) => {
            asked.push(slot);
            return slot === 'own' ? whole : undefined;
          },
          resolve: () => lock,
        };
        const events: RunEvent[] = [];
        const never = new AbortController().signal;
        const before = await survey(site);
        const outcome = await apply({
          site,
          run: 'r1',
          command: 'apply',
          version: '0',
          on: (event) => events.push(event),
          stop: { soon: never, now: never },
          patience: 1,
          detached: true,
          survey: before,
          choice: {},
          proof: 'never',
        });
        look();
        expect(spilt).toEqual([]);
        expect(outcome.problems.map((p) => p.code)).toEqual(['c/fails']);
        expect(new Set(asked)).toEqual(new Set(['own']));
        for (const path of [seen, join(dir, 'state-c-takes'), join(dir, 'state-c-own')])
          expect(readFileSync(path, 'utf8').replace(/\n$/, '')).toBe(whole);
        const told = [JSON.stringify(events), JSON.stringify(before), JSON.stringify(outcome)].join('\n');
        expect(told).not.toContain(core);
        expect(readFileSync(join(dir, 'argv'), 'utf8')).not.toContain(core);
        expect(
          holding(core)
            .map((f) => f.path.slice(dir.length + 1))
            .sort(),
        ).toEqual(['seen-by-operator', 'source', 'state-c-own', 'state-c-takes']);
      }),
      { numRuns: 2, endOnFailure: true },
    );
  });
});
