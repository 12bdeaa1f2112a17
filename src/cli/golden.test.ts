import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kept } from '../../test/report/golden.ts';
import { prose } from '../report/markup.ts';
import { stepListText } from '../report/step-list.ts';
import { resolveNetwork } from '../config/network-lock.ts';
import type { Cluster, Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock } from '../model/lock.ts';
import { type Ground, layOut } from '../plan/work.ts';
import { compile } from '../shell/compile.ts';
import { API_CLUES } from '../steps/clues.ts';
import type { Phase } from '../steps/phase.ts';
import { PHASES } from '../steps/phases.ts';
import { allSteps, alternatives, type Listed, placeOf, SUPPOSED, supposedFacts } from './list.ts';
import { runbookOf } from './runbook.ts';

/*
 * golden/harbour is the article's cluster, one node, as Landfall makes it: the runbook, and the script of each phase, word for
 * word as it reaches the host. It is there to be read in review: a change of a step shows as a change of its script. The
 * others are the same cluster with workers, or with another network plugin; of them only the scripts that differ are kept, each
 * as it is for the first host it is for. Where there is a proxy, each has one line more, which takes it out of the environment.
 * UPDATE_GOLDEN=1 npx vitest run --project unit src/cli/golden.test.ts writes it anew.
 */

interface Model {
  readonly network?: Partial<Cluster['network']>;
  readonly nodes?: Cluster['nodes'];
  readonly endpoint?: Cluster['endpoint'];
  readonly runtime?: Cluster['runtime'];
  readonly outside?: Pick<Cluster, 'registries' | 'trust' | 'proxy' | 'firewall'>;
}

const worker = (n: number): Node => ({
  name: `worker-${n}`,
  role: 'worker',
  address: `10.0.0.${21 + n}`,
  workloads: true,
});

const MODELS: Readonly<Record<string, Model>> = {
  harbour: {},
  'harbour-workers': {
    nodes: [...SUPPOSED.nodes.map((node) => ({ ...node, workloads: false })), worker(0), worker(1)],
  },
  'harbour-three': {
    nodes: [
      ...[0, 1, 2].map(
        (n): Node => ({
          name: `cp-${n}`,
          role: 'control-plane',
          address: `10.0.0.${11 + n}`,
          workloads: false,
        }),
      ),
      worker(0),
    ],
    endpoint: { ...SUPPOSED.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } },
    outside: {
      firewall: {
        mode: 'enforce',
        admins: ['192.0.2.0/24'],
        allow: [{ port: 9100, protocol: 'tcp', from: ['nodes'] }],
      },
    },
  },
  'harbour-calico': { network: { plugin: 'calico' } },
  'harbour-cilium': { network: { plugin: 'cilium', kubeProxy: 'replace', mtu: 8950 } },
  'harbour-containerd': { runtime: 'containerd' },
  'harbour-outside': {
    endpoint: { host: 'api.example.com', port: 6443, kept: false },
    outside: {
      registries: {
        mirrors: [{ of: 'registry.k8s.io', at: 'mirror.example.com/k8s', insecure: false }],
        logins: [{ at: 'mirror.example.com', user: 'puller', passwordFile: '~/.secrets/mirror' }],
      },
      trust: [{ file: 'corporate-root-1a2b3c4d.crt', pem: 'the certificate\n', sha256: 'c'.repeat(64) }],
      proxy: {
        http: 'http://proxy.example.com:3128',
        https: 'http://proxy.example.com:3128',
        noProxy: ['mirror.example.com'],
      },
    },
  },
};

/** What machines with jumbo frames are like. */
const LINKS: Facts['links'] = [{ device: 'eth0', mac: '', mtu: 9000 }];

function groundOf({
  network = {},
  nodes = SUPPOSED.nodes,
  endpoint = SUPPOSED.endpoint,
  runtime = SUPPOSED.runtime,
  outside = {},
}: Model): Ground {
  const cluster: Cluster = {
    ...SUPPOSED,
    network: { ...SUPPOSED.network, ...network },
    nodes,
    endpoint,
    runtime,
    ...outside,
  };
  const facts: Readonly<Record<string, Facts>> = Object.fromEntries(
    cluster.nodes.map((node) => {
      const own = supposedFacts(node);
      return [node.name, network.mtu === undefined ? own : { ...own, links: LINKS }];
    }),
  );
  const resolved = resolveNetwork(cluster, facts, undefined);
  if ('field' in resolved) throw new Error(resolved.summary);
  const lock: Lock = {
    kubernetes: '1.36.3',
    packages: {
      kubeadm: '1.36.3-1.1',
      kubelet: '1.36.3-1.1',
      kubectl: '1.36.3-1.1',
      'cri-tools': '1.36.0-1.1',
      'kubernetes-cni': '1.9.0-1.1',
      'cri-o': '1.36.1-1.1',
      'containerd.io': '2.3.5-1',
    },
    keys: { kubernetes: 'a'.repeat(64), crio: 'b'.repeat(64), docker: 'd'.repeat(64) },
    network: resolved,
    images: {},
  };
  return { cluster, lock, facts };
}

function scriptsOf(ground: Ground): readonly { readonly name: string; readonly text: string }[] {
  return PHASES.flatMap((phase, i) =>
    layOut([phase], ground, phase.when)
      .slice(0, 1)
      .map((work) => {
        const taken = work.steps.flatMap((step) => [
          ...(step.takes ?? []),
          ...(step.secrets ?? []).map(({ slot }) => slot),
        ]);
        const folder = `/run/landfall/runs/RUN/${phase.id}`;
        return {
          name: `${String(i + 1).padStart(2, '0')}-${phase.id}.sh`,
          text: compile(work.steps, {
            mode: 'make',
            title: `${SUPPOSED.name} · ${work.host} · ${phase.title}`,
            slots: Object.fromEntries(taken.map((slot) => [slot, `the value of ${slot}`])),
            given: `${folder}/given`,
            stopFile: `${folder}/stop`,
          }),
        };
      }),
  );
}

const first = new Map(scriptsOf(groundOf({})).map(({ name, text }) => [name, text]));

describe.each(Object.entries(MODELS))('golden/%s', (model, choices) => {
  const folder = new URL(`../../golden/${model}/`, import.meta.url);
  const ground = groundOf(choices);
  const scripts = scriptsOf(ground).filter(
    ({ name, text }) => model === 'harbour' || first.get(name) !== text,
  );

  test('holds the runbook', () => {
    const text = runbookOf(ground);
    expect(text).toBe(kept(new URL('runbook.md', folder), text));
  });

  test('tells of every trouble a step knows, and of a shared one once', () => {
    const text = runbookOf(ground);
    // What differs by the node's name alone is told of the first.
    const clues = PHASES.flatMap((phase) => layOut([phase], ground, phase.when).slice(0, 1))
      .flatMap(({ steps }) => steps)
      .flatMap((step) => step.clues ?? []);
    expect(clues.length).toBeGreaterThan(100);
    const untold = clues.filter(
      ({ means, try: what }) => !text.includes(prose(means)) || !text.includes(prose(what)),
    );
    expect(untold).toEqual([]);
    const [first] = API_CLUES;
    expect(text.split(prose(first?.try ?? '')).length - 1).toBe(1);
  });

  for (const { name, text } of scripts) {
    test(`holds ${name}`, () => {
      expect(text).toBe(kept(new URL(name, folder), text));
    });
  }

  test('holds nothing else', () => {
    const wanted = ['runbook.md', ...scripts.map((s) => s.name)];
    const there = readdirSync(folder);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      for (const name of there.filter((n) => !wanted.includes(n))) rmSync(new URL(name, folder));
    }
    expect(readdirSync(folder).toSorted()).toEqual(wanted.toSorted());
  });
});

/** The choices whose steps a model's runbook shows. */
const RUNBOOKS: Readonly<Record<string, keyof typeof MODELS>> = {
  'nodes[].role: worker': 'harbour-workers',
  'endpoint.address': 'harbour-outside',
  'three control planes': 'harbour-three',
  'endpoint.virtualIP': 'harbour-three',
  'network.plugin: calico': 'harbour-calico',
  'network.plugin: cilium': 'harbour-cilium',
  'runtime: containerd': 'harbour-containerd',
  'firewall.mode: enforce': 'harbour-three',
  registries: 'harbour-outside',
  trust: 'harbour-outside',
  proxy: 'harbour-outside',
};

/** The phases with their steps; after them those of other choices, a phase a chapter too. */
function stepList(): Parameters<typeof stepListText>[0] {
  const chapter = (phase: Phase, list: readonly Listed[], choice?: string) => {
    const model = choice === undefined ? 'harbour' : RUNBOOKS[choice];
    return {
      phase: choice === undefined ? phase : { ...phase, title: `${phase.title}, with ${choice}` },
      on: placeOf(phase),
      ...(model === undefined ? {} : { runbook: `../golden/${model}/runbook.md` }),
      steps: list.filter((l) => l.phase === phase).map(({ step }) => step),
    };
  };
  const list = allSteps();
  const others = alternatives().flatMap(({ choice, steps }) =>
    [...new Set(steps.map(({ phase }) => phase))].map((phase) => chapter(phase, steps, choice)),
  );
  return [...PHASES.map((phase) => chapter(phase, list)), ...others].filter(({ steps }) => steps.length > 0);
}

describe('docs/steps.md', () => {
  test('is what the steps say', () => {
    const text = stepListText(stepList());
    const page = new URL('../../docs/steps.md', import.meta.url);
    expect(text).toBe(kept(page, text));
    for (const [, file = '', id = ''] of text.matchAll(/\]\(([^)#]+)#([^)]+)\)/g))
      expect(readFileSync(new URL(file, page), 'utf8')).toContain(`<a id="${id}"></a>`);
  });
});
