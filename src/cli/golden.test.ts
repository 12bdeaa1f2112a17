import { readdirSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kept } from '../../test/report/golden.ts';
import { stepListText } from '../report/step-list.ts';
import type { Facts } from '../model/facts.ts';
import type { Lock } from '../model/lock.ts';
import { layOut } from '../plan/work.ts';
import { compile } from '../shell/compile.ts';
import { PHASES } from '../steps/phases.ts';
import { listOf, SUPPOSED, supposedFacts } from './list.ts';
import { runbookOf } from './runbook.ts';

/*
 * golden/harbour is the article's cluster, one node, as Landfall makes it: the runbook, and the script of each phase, word for
 * word as it reaches the host. It is there to be read in review: a change of a step shows as a change of its script.
 * UPDATE_GOLDEN=1 npx vitest run --project unit src/cli/golden.test.ts writes it anew.
 */

const LOCK: Lock = {
  kubernetes: '1.36.3',
  packages: {
    kubeadm: '1.36.3-1.1',
    kubelet: '1.36.3-1.1',
    kubectl: '1.36.3-1.1',
    'cri-tools': '1.36.0-1.1',
    'kubernetes-cni': '1.9.0-1.1',
    'cri-o': '1.36.1-1.1',
  },
  keys: { kubernetes: 'a'.repeat(64), crio: 'b'.repeat(64) },
  images: {},
};

const FACTS: Readonly<Record<string, Facts>> = Object.fromEntries(
  SUPPOSED.nodes.map((node) => [node.name, supposedFacts(node)]),
);
const GROUND = { cluster: SUPPOSED, lock: LOCK, facts: FACTS };
const FOLDER = new URL('../../golden/harbour/', import.meta.url);

const scripts = PHASES.flatMap((phase, i) =>
  layOut([phase], GROUND, phase.when).map((work) => {
    const taken = work.steps.flatMap((step) => step.takes ?? []);
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

describe('golden/harbour', () => {
  test('holds the runbook', () => {
    const text = runbookOf(GROUND);
    expect(text).toBe(kept(new URL('runbook.md', FOLDER), text));
  });

  for (const { name, text } of scripts) {
    test(`holds ${name}`, () => {
      expect(text).toBe(kept(new URL(name, FOLDER), text));
    });
  }

  test('holds nothing else', () => {
    const wanted = ['runbook.md', ...scripts.map((s) => s.name)];
    const there = readdirSync(FOLDER);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      for (const name of there.filter((n) => !wanted.includes(n))) rmSync(new URL(name, FOLDER));
    }
    expect(readdirSync(FOLDER).toSorted()).toEqual(wanted.toSorted());
  });
});

describe('docs/steps.md', () => {
  test('is what the steps say', () => {
    const node = SUPPOSED.nodes[0]!;
    const list = listOf({ cluster: SUPPOSED, lock: LOCK, node, facts: supposedFacts(node), hosts: {} });
    const text = stepListText(
      PHASES.map((phase) => ({
        phase,
        steps: list.filter((l) => l.phase === phase).map(({ step }) => step),
      })),
    );
    expect(text).toBe(kept(new URL('../../docs/steps.md', import.meta.url), text));
  });
});
