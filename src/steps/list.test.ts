import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BREAKS } from '../../test/lab/breaks.ts';
import { allSteps, HARBOUR, harbourWith, scene } from '../../test/steps/scene.ts';
import { alternatives, listOf } from '../cli/list.ts';
import { type Cluster, NETWORK_PLUGINS, type Node } from '../model/cluster.ts';
import { compile, type ScriptMode } from '../shell/compile.ts';
import { PHASES } from './phases.ts';
import { BEFORE, ENDPOINT_FILES, FILES } from './places.ts';
import type { Step } from './step.ts';

/** The model clusters: each plugin, with and without kube-proxy, and one that is closed to workloads. */
const CALICO = harbourWith({ plugin: 'calico' });
const CILIUM = harbourWith({ plugin: 'cilium', kubeProxy: 'replace' });
const worker = (n: number): Node => ({
  name: `worker-${n}`,
  role: 'worker',
  address: `10.0.0.${21 + n}`,
  workloads: true,
});
const WORKERS = { ...HARBOUR, nodes: [...HARBOUR.nodes, worker(0), worker(1)] };
const control = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.${11 + n}`,
  workloads: false,
});
const THREE = { ...HARBOUR, nodes: [control(0), control(1), control(2), worker(0)] };
const VIRTUAL = {
  ...THREE,
  endpoint: { ...HARBOUR.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } },
};
const GUARDED: Cluster = {
  ...VIRTUAL,
  firewall: {
    mode: 'enforce',
    admins: ['192.0.2.0/24'],
    allow: [{ port: 9100, protocol: 'tcp', from: ['nodes', 'pods', '198.51.100.7'] }],
  },
};
const UNGUARDED: Cluster = { ...HARBOUR, firewall: { mode: 'none', allow: [] } };
const LISTS = [
  ...[HARBOUR, CALICO, CILIUM, UNGUARDED].map((cluster) => allSteps(scene(cluster))),
  ...[WORKERS, THREE, VIRTUAL, GUARDED].map((cluster) =>
    listOf(cluster, scene(cluster).lock).map((listed) => listed.step),
  ),
];
/** What landfall recover does. */
const RECOVERY = alternatives()
  .filter(({ choice }) => choice === 'landfall recover')
  .flatMap(({ steps: of }) => of.map((listed) => listed.step));
const plugins = fc.constantFrom(...NETWORK_PLUGINS);

/** Every step of every list, each once. */
const steps = [...new Map(LISTS.flat().map((s) => [s.id, s])).values()];
const ids = allSteps().map((s) => s.id);
const closed: Cluster = {
  ...HARBOUR,
  network: { ...HARBOUR.network, plugin: 'none' },
  nodes: HARBOUR.nodes.map((n) => ({ ...n, workloads: false })),
};

function script(list: readonly Step[], mode: ScriptMode): string {
  const chosen = mode === 'undo' ? list.filter((s) => s.undo !== undefined) : list;
  return compile(chosen, { mode, title: 'all', slots: { 'proof-node-port': '30080' } });
}

describe('the list of steps', () => {
  it.each(LISTS)('gives each step an id of its own', (...list) => {
    const own = list.map((s) => s.id);
    expect(own.filter((id, i) => own.indexOf(id) !== i)).toEqual([]);
    for (const id of own) expect(id).toMatch(/^[a-z][a-z0-9-]*\/[a-z0-9][a-z0-9-]*$/);
  });

  it.each(steps.map((s) => [s.id, s] as const))(
    '%s says what, why, how to look and what to see',
    (_id, s) => {
      expect(s.title).toMatch(/^[A-Z].*[^.!]$/);
      expect(s.title.length).toBeLessThan(90);
      expect(s.why).toMatch(/^[A-Za-z].*\.$/s);
      expect(s.why.length).toBeGreaterThan(60);
      expect(s.read.text.trim()).not.toBe('');
      expect(s.want).not.toMatch(/\n$/);
      for (const text of [s.read.text, s.make?.text, s.undo?.text, s.want]) {
        expect(text ?? '').not.toMatch(/\bundefined\b|\[object /);
        // What a template would have meant for JavaScript and the shell never sees.
        expect(text ?? '').not.toContain('\\${');
      }
      expect((s.within ?? 0) > 0 && s.awaits === undefined).toBe(false);
    },
  );

  it('leads on to further reading, wherever a step is of more than Landfall alone', () => {
    const own = ['preflight/tools', 'prepare/note', 'prepare/owner', 'workloads/no-proof', 'record/applied'];
    expect(steps.filter((s) => (s.see ?? []).length === 0).map((s) => s.id)).toEqual(own);
    for (const { see = [] } of steps)
      for (const at of see) expect(at).toMatch(/^(https:\/\/[^ ]+|man [1-8] [a-z][\w.-]*)$/);
  });

  it.each(LISTS)('leans only on what comes before', (...list) => {
    const own = list.map((s) => s.id);
    for (const { id, after = [] } of list) {
      for (const other of after) {
        expect(own).toContain(other);
        expect([id, own.indexOf(other) < own.indexOf(id)]).toEqual([id, true]);
      }
    }
  });

  it.each(steps.map((s) => [s.id, s] as const))('%s declares the probes it reads', (_id, s) => {
    const text = `${s.read.text}\n${s.make?.text ?? ''}`;
    const used = [...text.matchAll(/\bprobe ([a-z_]+)/g)].map((m) => m[1] as string);
    expect([...new Set(used)].sort()).toEqual((s.probes ?? []).map((p) => p.name).sort());
  });

  it.each(steps.map((s) => [s.id, s] as const))('%s explains its clues', (_id, s) => {
    for (const clue of s.clues ?? []) {
      expect(clue.match.global).toBe(false);
      expect(clue.means).toMatch(/\S.*[^.]$/);
      expect(clue.try).not.toBe('');
      expect(clue.diagnosis ?? 'H00').toMatch(/^H\d{2,3}$/);
    }
  });

  it('names one probe for one thing, in all that is asked of a host', () => {
    const hosts = [WORKERS, THREE, VIRTUAL, GUARDED].flatMap((cluster) =>
      cluster.nodes.map((node) => allSteps({ ...scene(cluster), node })),
    );
    for (const list of [...LISTS.slice(0, 3), ...hosts]) {
      const texts = new Map<string, Set<string>>();
      for (const probe of list.flatMap((s) => s.probes ?? []))
        texts.set(probe.name, (texts.get(probe.name) ?? new Set()).add(probe.run.text));
      for (const [name, variants] of texts) expect([name, variants.size]).toEqual([name, 1]);
    }
  });

  it('notes every file before it is written', () => {
    const noted = new Set<string>(Object.values(FILES));
    const writable = [...noted, ...Object.values(ENDPOINT_FILES)];
    for (const path of steps.flatMap((s) => s.writes ?? [])) expect(writable).toContain(path);
    const note = ids.indexOf('prepare/note');
    const first = allSteps().findIndex((s) => s.make !== undefined);
    expect(note).toBe(first);
    for (const path of noted) expect(steps[note]?.make?.text).toContain(path);
    expect(steps[note]?.want).toBe('noted');
    expect(BEFORE).toMatch(/^\/var\/lib\//);
  });

  it('looks before it touches: no make in the first phase', () => {
    expect(PHASES[0]?.steps(scene()).filter((s) => s.make !== undefined)).toEqual([]);
  });

  it('asks inside no pod before the first kubelet has the certificate that this goes by', () => {
    const asks = ({ read, make, probes = [] }: Step): boolean =>
      [read, ...(make === undefined ? [] : [make]), ...probes.map(({ run }) => run)].some(({ text }) =>
        / exec '?etcd-/.test(text),
      );
    let found = 0;
    for (const list of LISTS) {
      const served = list.findIndex(({ id }) => id === 'control-plane/serving');
      if (served === -1) continue;
      expect(list.slice(0, served).filter(asks)).toEqual([]);
      found += list.slice(served).filter(asks).length;
    }
    expect(found).toBeGreaterThan(3);
  });

  it('prints nothing secret, and lets nobody print a token', () => {
    // What is kept in a variable is not printed.
    const kept = /^ *said=\$\(kubeadm (token create|init phase upload-certs) .*\) \|\| return$/gm;
    const text = script(steps, 'make').replaceAll(kept, '');
    expect(text).toContain('--skip-token-print');
    expect(text).not.toMatch(/token create|upload-certs|kubeadm certs certificate-key|--print-join-command/);
    expect(text).not.toMatch(/\bcat [^\n|;&]*\/etc\/kubernetes\/(pki|[a-z-]+\.conf)/);
  });

  it('has a way to break each step, or a reason for none', () => {
    const kept = PHASES.filter((p) => p.when === 'always').flatMap((p) => p.steps(scene()));
    expect(Object.keys(BREAKS).sort()).toEqual(kept.map((s) => s.id as string).sort());
  });

  it('takes hands over and back by the same names', () => {
    const given = new Set(steps.flatMap((s) => s.gives ?? []));
    for (const slot of steps.flatMap((s) => s.takes ?? [])) expect(given).toContain(slot);
  });
});

describe('the shell of the steps', () => {
  const modes: readonly ScriptMode[] = ['read', 'make', 'undo'];

  it.each(modes)('is POSIX: dash reads all of it (%s)', (mode) => {
    for (const list of [...LISTS, allSteps(scene(closed))]) {
      const { status, stderr } = spawnSync('dash', ['-n'], {
        input: script(list, mode),
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      expect(status).toBe(0);
    }
  });

  /** What is left out, and why. */
  const EXCLUDED = {
    SC1091: '/etc/os-release is read on the host',
    SC2012: 'ls of files whose names are ours, or that are only shown',
    SC2015: 'A && B || C where B cannot fail',
    SC2016: 'jsonpath and awk programs are meant to stay as they are',
    SC2034: 'want_N is read by eval',
    SC2041: 'a list that happens to hold one text of two words',
    SC2043: 'a list that happens to hold one word',
    SC2086: 'lists of package names are meant to fall into words',
    SC2140: 'quoted and unquoted pieces side by side are how values are put in',
    SC2154: 'assigned by eval, or by the piece before',
    SC2209: 'stopped=make is a word, not a command',
  };
  const shellcheck = spawnSync('shellcheck', ['--version'], { encoding: 'utf8' }).status === 0;

  it.runIf(shellcheck).each(modes)('satisfies shellcheck (%s)', (mode) => {
    const args = ['-s', 'sh', '-f', 'gcc', '-e', Object.keys(EXCLUDED).join(','), '-'];
    const seen = new Set<string>();
    const textOf = (s: Step): string =>
      JSON.stringify([
        s.id,
        s.want,
        s.read.text,
        s.make?.text,
        s.undo?.text,
        s.probes?.map((p) => p.run.text),
      ]);
    for (const list of [...LISTS, allSteps(scene(closed)), RECOVERY]) {
      // What another list has just so was looked at there: to look takes its time.
      const fresh = list.filter((s) => !seen.has(textOf(s)));
      for (const s of fresh) seen.add(textOf(s));
      const { stdout } = spawnSync('shellcheck', args, {
        input: script(fresh, mode),
        encoding: 'utf8',
      });
      expect(stdout).toBe('');
    }
  });

  it('keeps hostile values inside quotes, whatever they hold', () => {
    const nasty = fc
      .array(
        fc.constantFrom(
          "'",
          '"',
          '$(HOSTILE)',
          '`HOSTILE`',
          '\n',
          ';',
          '|',
          '&',
          '\\',
          '-o',
          '*',
          '#',
          ' ',
          '{',
          '$x',
          '<<E',
        ),
        { minLength: 1, maxLength: 6 },
      )
      .map((parts) => `x${parts.join('')}$(HOSTILE)`);
    fc.assert(
      fc.property(
        nasty,
        nasty,
        nasty,
        nasty,
        nasty,
        fc.boolean(),
        plugins,
        (name, host, domain, cidr, node, kept, plugin) => {
          const cluster: Cluster = {
            ...HARBOUR,
            name,
            endpoint: {
              host,
              port: 6443,
              kept,
              ...(kept ? { virtual: { address: node, interface: domain, routerId: 10 } } : {}),
            },
            network: {
              plugin,
              kubeProxy: plugin === 'cilium' ? 'replace' : 'keep',
              pods: cidr,
              services: cidr,
              domain,
            },
            firewall: { mode: 'enforce', admins: [cidr], allow: [] },
            nodes: [
              { name: node, role: 'control-plane', address: node, internalAddress: host, workloads: true },
              { name: host, role: 'worker', address: host, internalAddress: node, workloads: true },
              { name: cidr, role: 'control-plane', address: host, internalAddress: node, workloads: false },
            ],
          };
          const at = {
            ...scene(cluster),
            lock: {
              ...scene(harbourWith({ plugin })).lock,
              kubernetes: cidr,
              images: { [name]: host },
            },
          };
          for (const mode of modes) {
            const list = cluster.nodes.flatMap((own) => allSteps({ ...at, node: own }));
            const text = script(list, mode);
            const { status } = spawnSync('dash', ['-n'], { input: text, encoding: 'utf8' });
            expect(status).toBe(0);
            expect(outsideQuotes(text)).not.toContain('HOSTILE');
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('sees a value that is not quoted', () => {
    expect(outsideQuotes("echo 'x$(HOSTILE)'\n")).not.toContain('HOSTILE');
    expect(outsideQuotes("cat <<'END'\n$(HOSTILE) '\nEND\n")).not.toContain('HOSTILE');
    expect(outsideQuotes('echo x$(HOSTILE)\n')).toContain('HOSTILE');
    expect(outsideQuotes('echo "x$(HOSTILE)"\n')).toContain('HOSTILE');
    expect(outsideQuotes(`echo 'a'"'"'$(HOSTILE)'\n`)).not.toContain('HOSTILE');
    expect(outsideQuotes(`echo 'a'\\''$(HOSTILE)'\n`)).not.toContain('HOSTILE');
  });
});

/** A script without comments, quoted here-documents and single-quoted words: what the shell would act on. */
function outsideQuotes(text: string): string {
  let out = '';
  let i = 0;
  // One entry a level of nesting: whether we are within double quotes there.
  const double: boolean[] = [false];
  let ends: string[] = [];
  while (i < text.length) {
    const c = text[i] as string;
    const inside = double.at(-1) === true;
    if (c === '\\') {
      out += text.slice(i, i + 2);
      i += 2;
    } else if (!inside && c === "'") {
      i = text.indexOf("'", i + 1) + 1;
    } else if (c === '"') {
      double[double.length - 1] = !inside;
      i += 1;
    } else if (c === '$' && text[i + 1] === '(') {
      double.push(false);
      out += '$(';
      i += 2;
    } else if (!inside && c === '(') {
      double.push(false);
      out += c;
      i += 1;
    } else if (!inside && c === ')') {
      // A pattern of `case` closes what was never opened.
      if (double.length > 1) double.pop();
      out += c;
      i += 1;
    } else if (!inside && c === '#' && /(^|[\s;])$/.test(text.slice(0, i).slice(-1))) {
      i = text.indexOf('\n', i);
    } else if (!inside && text.startsWith("<<'", i)) {
      const end = text.indexOf("'", i + 3);
      ends = [...ends, text.slice(i + 3, end)];
      i = end + 1;
    } else if (c === '\n' && ends.length > 0) {
      const end = ends.shift() as string;
      i = text.indexOf(`\n${end}`, i) + end.length + 1;
      out += '\n';
    } else {
      out += c;
      i += 1;
    }
  }
  return out;
}
