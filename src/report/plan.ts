import type { Facts } from '../model/facts.ts';
import type { Finding, HostPlan, Plan } from '../plan/plan.ts';
import { isUnanswered } from '../plan/unanswered.ts';
import type { Disturbs } from '../steps/step.ts';
import { awayLines } from './away.ts';
import { findingsLines } from './finding.ts';
import type { Look } from './look.ts';
import { bytes, count, listed, span } from './words.ts';
import { pad, printable, width } from './width.ts';

/** How a plan is shown. */
export interface PlanOptions {
  /** Every difference whole, and every finding that is known only later. */
  readonly full?: boolean;
  /** `1 control plane, 3 workers`; how many hosts there are when absent. */
  readonly members?: string;
  /** As the user called it, for the commands that are proposed: `landfall`, `landfall -C infra`. */
  readonly program?: string;
  /** It is what a command of its own is about to do: nothing else is proposed. */
  readonly own?: boolean;
}

/** How many findings of a plan, or of one host, are of each sort. */
export interface Tally {
  readonly right: number;
  readonly make: number;
  readonly wrong: number;
  readonly unknown: number;
  readonly all: number;
}

/** Counts findings by their forecast. */
export function tally(findings: readonly Finding[]): Tally {
  const n = (forecast: Finding['forecast']): number => findings.filter((f) => f.forecast === forecast).length;
  return {
    right: n('right'),
    make: n('make'),
    wrong: n('wrong'),
    unknown: n('unknown'),
    all: findings.length,
  };
}

/** `Debian 12, 4 CPU, 8 GiB`. */
export function machine(facts: Facts): string {
  const os = `${facts.os.charAt(0).toUpperCase()}${facts.os.slice(1)} ${facts.osVersion}`.trim();
  return printable(`${os}, ${facts.cpus} CPU, ${bytes(facts.memory)}`);
}

/** `41 of 63 right · 19 to make · 3 known later`. */
export function tallyText(t: Tally, look: Look): string {
  const parts = [
    t.right === t.all ? `all ${t.all} right` : `${t.right} of ${t.all} right`,
    ...(t.wrong === 0 ? [] : [look.paint.wrong(`${t.wrong} in the way`)]),
    ...(t.make === 0 ? [] : [look.paint.differs(`${t.make} to make`)]),
    ...(t.unknown === 0 ? [] : [`${t.unknown} known later`]),
  ];
  return parts.join(` ${look.signs.dot} `);
}

/** Hosts of which the same is to be told are told together: a hundred workers are one block. */
function groups(
  hosts: readonly HostPlan[],
): { readonly first: HostPlan; readonly hosts: readonly HostPlan[] }[] {
  const known = new Map<string, HostPlan[]>();
  for (const host of hosts) {
    const open = host.findings.filter((f) => f.forecast !== 'right');
    const key = JSON.stringify([
      // Of what is known later nothing is shown but which step it is.
      open.map((f) =>
        f.forecast === 'unknown'
          ? [f.step, f.until, isUnanswered(f)]
          : [f.step, f.forecast, f.reading, f.want],
      ),
      host.findings.length,
    ]);
    const group = known.get(key);
    if (group === undefined) known.set(key, [host]);
    else group.push(host);
  }
  return [...known.values()].map((group) => ({ first: group[0] as HostPlan, hosts: group }));
}

/** `cp-0  10.0.0.11   Debian 12, 4 CPU, 8 GiB`, and on the right how it stands. */
export function hostLine(hosts: readonly HostPlan[], look: Look): string {
  const first = hosts[0] as HostPlan;
  const isOperator = first.host === 'here';
  const name = isOperator
    ? 'here'
    : listed(
        hosts.map((h) => h.host),
        4,
      );
  const about =
    hosts.length > 1 || isOperator
      ? isOperator
        ? 'this machine'
        : count(hosts.length, 'host')
      : `${printable(first.address)}   ${machine(first.facts)}`;
  const left = `${look.paint.strong(name)}  ${about}`;
  const right = tallyText(tally(first.findings), look);
  return `${pad(left, Math.max(width(left) + 2, look.columns - width(right)))}${right}`;
}

/** What stands between two commands on one line. */
const GAP = '            ';

const RISKS: Readonly<Record<Disturbs, readonly [one: string, several: string]>> = {
  service: ['restarts a service', 'restart services'],
  node: ['stops what runs on the node', 'stop what runs on the node'],
  data: ['puts data at risk', 'put data at risk'],
};

function disturbance(plan: Plan, look: Look): string {
  const found = plan.hosts.flatMap((host) =>
    host.findings.filter((f) => f.forecast === 'make' && f.disturbs !== undefined).map((f) => ({ host, f })),
  );
  if (found.length === 0) return 'Disturbs: nothing that runs.';
  const parts = (['service', 'node', 'data'] as const).flatMap((risk) => {
    const those = found.filter(({ f }) => f.disturbs === risk);
    if (those.length === 0) return [];
    const steps = [...new Set(those.map(({ f }) => f.step))];
    const hosts = [...new Set(those.map(({ host }) => host.host))];
    return [`${listed(steps, 3)} ${RISKS[risk][steps.length === 1 ? 0 : 1]} (${listed(hosts, 3)})`];
  });
  return `${look.paint.differs('Disturbs:')} ${parts.join('; ')}.`;
}

function inTheWay(plan: Plan, look: Look): string[] {
  const wrong = plan.hosts.flatMap((host) => host.findings.filter((f) => f.forecast === 'wrong'));
  const steps = [...new Set(wrong.map((f) => f.step))];
  const first = steps[0];
  if (first === undefined) return [];
  const word = steps.length === 1 ? 'a check that does not hold' : `${steps.length} checks that do not hold`;
  return [
    `${look.paint.wrong('In the way:')} ${word}. Why, and what to do: ${look.paint.command(`landfall explain ${first}`)}`,
  ];
}

/** `63 readings on 1 host, 0.9 s`. */
export function effort(plan: Plan): string {
  const readings = plan.hosts.reduce((n, host) => n + host.findings.length, 0);
  return `${count(readings, 'reading')} on ${count(plan.hosts.filter((h) => h.host !== 'here').length, 'host')}, ${span(plan.ms)}`;
}

/** A plan as people read it: a host a block, what differs under each, what it disturbs, and the next command. */
export function planText(plan: Plan, look: Look, options: PlanOptions = {}): string {
  const { paint, signs } = look;
  const full = options.full ?? false;
  const program = options.program ?? 'landfall';
  const all = tally(plan.hosts.flatMap((host) => host.findings));
  if (all.right === all.all)
    return look.spell(
      [`${plan.cluster} is as cluster.yaml says (${effort(plan)}).`, ...awayLines(plan, look), ''].join('\n'),
    );
  const nodes = plan.hosts.filter((host) => host.host !== 'here').length;
  const head = [
    paint.strong(plan.cluster),
    `Kubernetes ${plan.lock.kubernetes}`,
    options.members ?? count(nodes, 'host'),
    `read in ${span(plan.ms)}, ${count(plan.trips, 'round trip')}`,
  ].join(` ${signs.dot} `);
  const blocks = groups(plan.hosts).map(({ first, hosts }) =>
    [hostLine(hosts, look), ...findingsLines(first.findings, look, full)].join('\n'),
  );
  const hidden =
    !full && plan.hosts.some((host) => host.findings.some((f) => f.forecast === 'make' && f.long));
  const next = [
    ...(all.make + all.unknown === 0 ? [] : [['Make it so:', `${program} apply`]]),
    ...(hidden ? [['All of it:', `${program} plan --full`]] : []),
    ['Save it:', `${program} plan --out ${plan.cluster}.plan`],
  ].map(([label, command]) => `${label}   ${paint.command(command ?? '')}`);
  const foot = [
    ...inTheWay(plan, look),
    ...(all.make === 0 ? [] : [disturbance(plan, look)]),
    ...(options.own === true ? [] : width(next.join(GAP)) <= look.columns ? [next.join(GAP)] : next),
  ];
  const away = awayLines(plan, look);
  const missing = away.length === 0 ? [] : [away.join('\n')];
  return look.spell(`${[head, ...blocks, ...missing, foot.join('\n')].join('\n\n')}\n`);
}
