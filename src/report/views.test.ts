import { describe, expect, test } from 'vitest';
import { kept } from '../../test/report/golden.ts';
import type { Finding } from '../plan/plan.ts';
import {
  badStory,
  CROWD_PLAN,
  crowdStory,
  EMPTY_PLAN,
  goodEnd,
  goodStory,
  IN_THE_WAY,
  LOCK,
  PLAN,
  planOf,
  STEPS,
} from '../../test/report/sample.ts';
import { doneText, failedFooter, proofLines } from './done.ts';
import { diagnosisText, explainText } from './explain.ts';
import { look } from './look.ts';
import { runReport } from './markdown.ts';
import { failureText, plainView } from './plain.ts';
import { planText } from './plan.ts';
import { problemText } from './problem.ts';
import { finishedLine, liveLines } from './progress.ts';
import { runbookText } from './runbook.ts';
import { NOTHING_TOLD, reduce } from './state.ts';
import { statusDocument, statusText } from './status.ts';
import { type View } from './view.ts';

const LOOK = look({ columns: 110, now: Date.parse('2026-11-23T10:00:00Z') });
const golden = (name: string, text: string): string =>
  kept(new URL(`./__golden__/${name}`, import.meta.url), text);

const PHASE_TITLES = [
  { id: 'prepare', title: 'Prepare the host' },
  { id: 'packages', title: 'Packages' },
  { id: 'runtime', title: 'Container runtime' },
  { id: 'control-plane', title: 'Control plane' },
];

describe('the views, as they are kept for reading', () => {
  test('a plan', () => {
    const text = planText(PLAN, LOOK, { members: '1 control plane' });
    expect(text).toBe(golden('plan.txt', text));
  });
  test('a plan in full', () => {
    const text = planText(PLAN, LOOK, { full: true });
    expect(text).toBe(golden('plan-full.txt', text));
  });
  test('a plan of several hosts', () => {
    const text = planText(CROWD_PLAN, LOOK);
    expect(text).toBe(golden('plan-hosts.txt', text));
  });
  test('a plan without UTF-8', () => {
    const text = planText(CROWD_PLAN, look({ columns: 110, utf8: false }));
    expect(text).toBe(golden('plan-ascii.txt', text));
  });
  test('an empty plan is one line', () => {
    expect(planText(EMPTY_PLAN, LOOK)).toBe(
      'harbour is as cluster.yaml says (63 readings on 1 host, 0.9 s).\n',
    );
  });

  test('status', () => {
    const text = statusText(PLAN, LOOK, {
      phases: PHASE_TITLES,
      members: '1 control plane',
      last: {
        run: '20261123-091200-ab12',
        command: 'apply',
        at: '2026-11-23T09:12:00Z',
        exit: 0,
        made: 31,
      },
    });
    expect(text).toBe(golden('status.txt', text));
  });
  test('status of a cluster that is as wanted', () => {
    const text = statusText(EMPTY_PLAN, LOOK, { phases: PHASE_TITLES, members: '1 control plane' });
    expect(text).toBe(golden('status-right.txt', text));
  });
  test('status of a cluster of which a host cannot be asked is not called right', () => {
    const away = [{ host: 'cp-1', address: '10.0.0.12', code: 'ssh/unreachable', summary: 'no answer' }];
    const [head = ''] = statusText({ ...EMPTY_PLAN, away }, LOOK, {
      phases: PHASE_TITLES,
      members: 'two',
    }).split('\n');
    expect(head).toMatch(/ · 1 host cannot be asked · the others as cluster\.yaml says$/);
  });
  test('hosts of which the same is to be made are one block, whatever of them is known later', () => {
    const host = PLAN.hosts[0]!;
    const later = (want: string): Finding => ({ ...host.findings[0]!, forecast: 'unknown', want, until: [] });
    const hosts = ['a', 'b'].map((name) => ({
      ...host,
      host: name,
      findings: [...host.findings, later(name)],
    }));
    expect(planText({ ...PLAN, hosts }, LOOK)).toContain('a and b  2 hosts');
  });
  test('what got no answer is not forecast: neither what it would do nor what that would disturb', () => {
    const host = PLAN.hosts[0]!;
    const silent: Finding = {
      ...host.findings[0]!,
      phase: 'join',
      step: 'join/node',
      forecast: 'unknown',
      reading: '',
      note: 'error: the server was unable to return a response in the time allotted (no answer in time)',
      disturbs: 'service',
    };
    const text = planText({ ...PLAN, hosts: [{ ...host, findings: [silent] }] }, LOOK);
    expect(text).toMatch(/join\/node +not known: the API server gave no answer/);
    expect(text).not.toContain('Disturbs');
  });
  test('status as a document', () => {
    const text = `${JSON.stringify(statusDocument(planOf([{ ...PLAN.hosts[0]!, findings: [IN_THE_WAY] }])), null, 2)}\n`;
    expect(text).toBe(golden('status.json', text));
  });

  test('a run that goes well, live', () => {
    const t = goodStory();
    const state = t.events.reduce(reduce, NOTHING_TOLD);
    const text = `${liveLines(state, t.now, { columns: 120, rows: 24 }, LOOK).join('\n')}\n`;
    expect(text).toBe(golden('live.txt', text));
  });
  test('a run on a hundred hosts, live', () => {
    const t = crowdStory(Array.from({ length: 100 }, (_, i) => `worker-${i}`));
    t.wait(12);
    const state = t.events.reduce(reduce, NOTHING_TOLD);
    const text = `${liveLines(state, t.now, { columns: 120, rows: 24 }, LOOK).join('\n')}\n`;
    expect(text).toBe(golden('live-hosts.txt', text));
  });
  test('a run without a terminal', () => {
    const text = plainOf(goodEnd(goodStory()).events);
    expect(text).toBe(golden('plain.txt', text));
  });
  test('a run that fails, without a terminal', () => {
    const text = plainOf(badStory().events);
    expect(text).toBe(golden('plain-failed.txt', text));
  });
  test('a host that is lost is not told as one at work, until it is found or given up', () => {
    const story = (...codes: readonly string[]): string => {
      const t = crowdStory(['w-0', 'w-1']);
      for (const code of codes) {
        t.tell({ is: 'notice', code, host: 'w-1', text: code });
        t.wait(12);
      }
      const state = t.events.reduce(reduce, NOTHING_TOLD);
      return liveLines(state, t.now, { columns: 120, rows: 24 }, LOOK).join('\n');
    };
    expect(story()).toMatch(/1 of 2 hosts at work/);
    const lost = story('run/lost', 'run/lost');
    expect(lost).toMatch(/0 of 2 hosts at work[^\n]*, 1 lost\n/);
    expect(lost).toMatch(/w-1 +lost 24 s ago, looking for it/);
    expect(story('run/lost', 'run/found')).toMatch(/1 of 2 hosts at work(?!.*lost)/);
    const given = story('run/lost', 'run/given-up');
    expect(given).toMatch(/0 of 2 hosts at work(?!.*lost)/);
    expect(given).not.toMatch(/w-1/);
  });
  test('a phase that was cut short is not told as one that is done', () => {
    const { events } = goodStory();
    const cut = events.map((e) =>
      e.is === 'phase-end' && e.phase === 'packages' ? { ...e, made: 2, left: 4 } : e,
    );
    expect(plainOf(cut)).toContain('~ Packages: 2 made, 4 not done, 0:21\n');
    const state = cut.reduce(reduce, NOTHING_TOLD);
    const packages = state.phases.find((p) => p.id === 'packages');
    expect(packages && finishedLine(packages, state, LOOK)).toBe(
      '  ~ Packages           2 made, 4 not done   0:21',
    );
  });

  test('a run that is done', () => {
    const state = goodEnd(goodStory()).events.reduce(reduce, NOTHING_TOLD);
    const proof = state.phases.find((p) => p.id === 'proof');
    const text = doneText(
      {
        cluster: 'harbour',
        members: '1 control plane Ready',
        parts: [`Kubernetes ${LOCK.kubernetes}`, 'CRI-O 1.36.1', 'flannel'],
        made: 31,
        ms: 72_000,
        partial: false,
        proof: proofLines(proof?.results ?? [], { 'proof/node': '200 OK' }),
        program: 'landfall',
      },
      LOOK,
    );
    expect(text).toBe(golden('done.txt', text));
  });
  test('a run that failed', () => {
    const state = badStory().events.reduce(reduce, NOTHING_TOLD);
    const text = problemText(state.problems, LOOK, { footer: failedFooter(state) });
    expect(text).toBe(golden('failed.txt', text));
  });
  test('a failed step', () => {
    const state = badStory().events.reduce(reduce, NOTHING_TOLD);
    const failure = state.phases.find((p) => p.id === 'runtime')?.failures[0];
    expect(failure?.tail).toHaveLength(20);
    expect(failure === undefined ? '' : failureText(failure, LOOK)).toContain('crio[2114]: line 29');
  });
  test("a run's report", () => {
    const text = runReport(goodEnd(goodStory()).events);
    expect(text).toBe(golden('report.md', text));
  });
  test("a failed run's report", () => {
    const text = runReport(badStory().events);
    expect(text).toBe(golden('report-failed.md', text));
  });

  test('a step explained', () => {
    const here = [
      { host: 'cp-0', stands: 'right' as const, text: 'since 23 Nov 09:12' },
      { host: 'worker-3', stands: 'differs' as const, text: '0 (changed after our last run)' },
    ];
    const text = explainText({ step: STEPS[0]!, phase: 'Prepare the host', on: 'every node', here }, LOOK);
    expect(text).toBe(golden('explain.txt', text));
  });
  test('a diagnosis', () => {
    const step = STEPS[0]!;
    const text = diagnosisText('H18', [{ step, phase: 'Prepare the host', clue: step.clues![0]! }], LOOK);
    expect(text).toBe(golden('diagnosis.txt', text));
  });
  test('a runbook', () => {
    const steps = STEPS;
    const other = { ...steps[0]!, want: '1\nnet.ipv4.ip_forward = 1 # worker' };
    const text = runbookText({
      cluster: 'harbour',
      parts: ['Kubernetes 1.36.3', 'CRI-O 1.36.1', 'flannel'],
      nodes: [
        { name: 'cp-0', role: 'control-plane', address: '10.0.0.11' },
        { name: 'worker-0', role: 'worker', address: '10.0.0.21' },
      ],
      phases: [
        {
          phase: {
            id: 'prepare',
            title: 'Prepare the host',
            why: 'What comes before all else.',
            stage: 'nodes',
            when: 'always',
          },
          hosts: [
            { host: 'cp-0', steps },
            { host: 'worker-0', steps: [other, ...steps.slice(1)] },
          ],
        },
      ],
    });
    expect(text).toBe(golden('runbook.md', text));
  });
});

function plainOf(events: Parameters<View['onEvent']>[0][]): string {
  let out = '';
  let now = 0;
  let tick: () => void = () => undefined;
  const view = plainView(LOOK, {
    write: (text) => {
      out += text;
    },
    clock: () => now,
    every: (_, call) => {
      tick = call;
      return () => undefined;
    },
  });
  for (const event of events) {
    if ('at' in event) {
      const at = Date.parse(event.at);
      // The clock runs second by second between two events, as it would.
      for (now = now === 0 ? at : now; now < at; now += 1000) tick();
      now = at;
    }
    view.onEvent(event);
  }
  view.close();
  return out;
}
