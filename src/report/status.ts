import { awayLines } from './away.ts';
import { findingsLines } from './finding.ts';
import type { FirewallMode } from '../model/firewall.ts';
import type { PairAnswer } from '../model/pair.ts';
import type { Stranger } from '../model/stranger.ts';
import type { Absence, Finding, HostPlan, Plan } from '../plan/plan.ts';
import type { Entry } from '../model/applied.ts';
import type { Look } from './look.ts';
import { entryText } from './others.ts';
import { hostLine, tally } from './plan.ts';
import { pairsLines } from './pairs.ts';
import { strangersLines } from './strangers.ts';
import { count, moment, span } from './words.ts';
import { pad, width } from './width.ts';

/** A run as it is remembered. */
export interface LastRun {
  readonly run: string;
  readonly command: string;
  readonly at: string;
  /** Absent when it was cut short, or goes on. */
  readonly exit?: number;
  readonly made?: number;
  /** Milliseconds. */
  readonly ms?: number;
}

/** What is told besides the readings. */
export interface StatusOptions {
  /** Titles by phase, in the order of the list. */
  readonly phases: readonly { readonly id: string; readonly title: string }[];
  readonly members: string;
  readonly last?: LastRun;
  /** What the hosts have a firewall for, and whom it has met; absent when they have none. */
  readonly firewall?: { readonly mode: FirewallMode; readonly strangers: readonly Stranger[] };
  /** What the nodes found when they asked each other, and which of them are control planes; absent when they were not told to. */
  readonly pairs?: { readonly answers: readonly PairAnswer[]; readonly planes: readonly string[] };
  readonly full?: boolean;
  readonly program?: string;
}

function phaseLine(title: string, findings: readonly Finding[], column: number, look: Look): string {
  const { paint, signs } = look;
  const t = tally(findings);
  const name = pad(title, column);
  if (t.right === t.all) return `  ${paint.right(signs.right)} ${name}   ${t.all} right`;
  const parts = [
    `${t.right} of ${t.all} right`,
    ...(t.make === 0 ? [] : [paint.differs(`${t.make} ${t.make === 1 ? 'differs' : 'differ'}`)]),
    ...(t.wrong === 0 ? [] : [paint.wrong(`${t.wrong} ${t.wrong === 1 ? 'does' : 'do'} not hold`)]),
    ...(t.unknown === 0 ? [] : [`${t.unknown} known later`]),
  ];
  const sign =
    t.wrong > 0
      ? paint.wrong(signs.wrong)
      : t.make > 0
        ? paint.differs(signs.differs)
        : paint.unknown(signs.unknown);
  return `  ${sign} ${name}   ${parts.join(', ')}`;
}

function hostBlock(host: HostPlan, look: Look, options: StatusOptions): string {
  const titles = options.phases.filter((p) => host.findings.some((f) => f.phase === p.id));
  const column = Math.max(...titles.map((p) => width(p.title)), 0);
  const lines = titles.flatMap((phase) => {
    const findings = host.findings.filter((f) => f.phase === phase.id);
    return [
      phaseLine(phase.title, findings, column, look),
      ...findingsLines(findings, look, options.full ?? false).map((line) => `    ${line}`),
    ];
  });
  return [hostLine([host], look), ...lines].join('\n');
}

/** `20261123-091200-ab12, apply, 23 Nov 09:12: 31 steps made`. */
export function lastRunText(last: LastRun, look: Look): string {
  const when = moment(last.at, look.offset, look.now);
  const end =
    last.exit === undefined
      ? 'cut short, or still going on'
      : `${count(last.made ?? 0, 'step')} made${last.ms === undefined ? '' : ` in ${span(last.ms)}`}, ${last.exit === 0 ? 'ended well' : `ended with ${last.exit}`}`;
  return `${last.run}, ${last.command}, ${when}: ${end}`;
}

/** How a cluster stands: every phase of every host in a line, and under it what differs. */
export function statusText(plan: Plan, look: Look, options: StatusOptions): string {
  const { paint, signs } = look;
  const program = options.program ?? 'landfall';
  const all = tally(plan.hosts.flatMap((host) => host.findings));
  const open = all.all - all.right;
  const dot = ` ${signs.dot} `;
  const silent = plan.away?.length ?? 0;
  const right = silent === 0 ? paint.right('as cluster.yaml says') : 'the others as cluster.yaml says';
  const stand = [
    ...(silent === 0 ? [] : [paint.wrong(`${count(silent, 'host')} cannot be asked`)]),
    open === 0 ? right : paint.differs(`${count(open, 'reading')} not as cluster.yaml says`),
  ].join(dot);
  const head = [
    paint.strong(plan.cluster),
    `Kubernetes ${plan.lock.kubernetes}`,
    options.members,
    `read in ${span(plan.ms)}`,
    stand,
  ].join(dot);
  const applied = plan.applied === undefined ? [] : [`Applied last: ${entryText(plan.applied.last, look)}`];
  const last = options.last === undefined ? [] : [`Last run: ${lastRunText(options.last, look)}`];
  const next =
    open === 0
      ? [`Prove it: ${paint.command(`${program} status --prove`)}`]
      : [
          `What would be made: ${paint.command(`${program} plan`)}        Make it so: ${paint.command(`${program} apply`)}`,
        ];
  const blocks = plan.hosts.map((host) => hostBlock(host, look, options));
  const away = awayLines(plan, look);
  if (away.length > 0) blocks.push(away.join('\n'));
  if (options.firewall !== undefined)
    blocks.push(strangersLines(options.firewall.strangers, options.firewall.mode, look).join('\n'));
  if (options.pairs !== undefined)
    blocks.push(pairsLines(options.pairs.answers, options.pairs.planes, look).join('\n'));
  return look.spell(`${[head, ...blocks, [...applied, ...last, ...next].join('\n')].join('\n\n')}\n`);
}

/** A cluster's status for programs. */
export interface StatusDocument {
  readonly format: '1.0';
  readonly cluster: string;
  readonly kubernetes: string;
  /** UTC, ISO 8601. */
  readonly at: string;
  /** Whether every reading is as wanted. */
  readonly asWanted: boolean;
  readonly hosts: readonly {
    readonly host: string;
    readonly address: string;
    readonly os: string;
    readonly asWanted: boolean;
    readonly right: number;
    readonly all: number;
    /** The findings that are not right. */
    readonly differs: readonly Finding[];
  }[];
  /** Hosts that could not be asked; absent when all answered. */
  readonly away?: readonly Absence[];
  /** Who applied what last; absent when the cluster does not say. */
  readonly applied?: Entry;
  readonly lastRun?: LastRun;
  /** Whom the firewall met and did not let in, or would not, within a day; absent where there is none. */
  readonly strangers?: readonly Stranger[];
  /** What the nodes found when they asked each other; absent when they were not told to. */
  readonly pairs?: readonly PairAnswer[];
  /** Whether the proof held, when it was asked for. */
  readonly proof?: readonly { readonly title: string; readonly holds: boolean; readonly seen: string }[];
}

/** The status of a cluster as one document. */
export function statusDocument(
  plan: Plan,
  more: Pick<StatusDocument, 'lastRun' | 'strangers' | 'pairs' | 'proof'> = {},
): StatusDocument {
  const hosts = plan.hosts.map((host) => {
    const differs = host.findings.filter((f) => f.forecast !== 'right');
    return {
      host: host.host,
      address: host.address,
      os: host.facts.osName,
      asWanted: differs.length === 0,
      right: host.findings.length - differs.length,
      all: host.findings.length,
      differs,
    };
  });
  return {
    format: '1.0',
    cluster: plan.cluster,
    kubernetes: plan.lock.kubernetes,
    at: plan.at,
    asWanted: plan.away === undefined && hosts.every((host) => host.asWanted),
    hosts,
    ...(plan.away === undefined ? {} : { away: plan.away }),
    ...(plan.applied === undefined ? {} : { applied: plan.applied.last }),
    ...(more.lastRun === undefined ? {} : { lastRun: more.lastRun }),
    ...(more.strangers === undefined ? {} : { strangers: more.strangers }),
    ...(more.pairs === undefined ? {} : { pairs: more.pairs }),
    ...(more.proof === undefined ? {} : { proof: more.proof }),
  };
}
