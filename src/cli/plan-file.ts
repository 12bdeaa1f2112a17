import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Problem } from '../model/problem.ts';
import type { Finding, Plan } from '../plan/plan.ts';
import type { Choice } from '../plan/work.ts';
import { planSchema } from '../report/schema.ts';

/** Reads a plan that `plan --out` wrote. @throws Problem `plan/file` (exit 2) when it is none. */
export async function readPlan(file: string): Promise<Plan> {
  const refuse = (summary: string, saw?: string): Problem =>
    new Problem({
      code: 'plan/file',
      summary,
      ...(saw === undefined ? {} : { saw }),
      try: 'landfall plan --out FILE writes one',
      exit: 2,
    });
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refuse(
      error.code === 'ENOENT' ? `there is no plan ${file}` : `the plan ${file} cannot be read`,
      error.message,
    );
  });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw refuse(`${file} is not a plan`, error instanceof Error ? error.message : String(error));
  }
  const parsed = planSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 3).map((i) => `${i.path.join('.')}: ${i.message}`);
  throw refuse(`${file} is not a plan of this version of Landfall`, issues.join('\n'));
}

/** The part of the list a plan was made of: its steps, on its hosts. */
export function choiceOfPlan(plan: Plan): Choice {
  return {
    only: [...new Set(plan.hosts.flatMap((host) => host.findings.map((f) => f.step)))],
    nodes: plan.hosts.map((host) => host.host),
  };
}

function stale(summary: string, saw?: string): Problem {
  return new Problem({
    code: 'plan/stale',
    summary,
    ...(saw === undefined ? {} : { saw }),
    why: 'what was agreed to is not what would be made now',
    try: 'landfall plan --out FILE, and look at it again',
    exit: 5,
  });
}

/** @throws Problem `plan/stale` (exit 5) when the plan is of another cluster.yaml. */
export function checkSource(plan: Plan, cluster: string, source: string): void {
  if (plan.cluster !== cluster) throw stale(`this is a plan of ${plan.cluster}, not of ${cluster}`);
  if (plan.source !== createHash('sha256').update(source).digest('hex')) {
    throw stale('cluster.yaml has changed since this plan was made');
  }
}

/** What a finding says, as far as a plan promises it: of what is known only later, it promises nothing. */
function promise(finding: Finding): string {
  const { forecast, reading, want } = finding;
  return forecast === 'unknown' ? forecast : JSON.stringify([forecast, reading, want]);
}

/** @throws Problem `plan/stale` (exit 5) when a reading is not what it was when the plan was made. */
export function checkReadings(plan: Plan, now: Plan): void {
  const keyed = (p: Plan): Map<string, Finding> =>
    new Map(p.hosts.flatMap((host) => host.findings.map((f) => [`${host.host}: ${f.step}`, f])));
  const before = keyed(plan);
  const after = keyed(now);
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter((key) => {
    const [a, b] = [before.get(key), after.get(key)];
    return a === undefined || b === undefined || promise(a) !== promise(b);
  });
  if (changed.length === 0) return;
  const more = changed.length > 8 ? `\nand ${changed.length - 8} more` : '';
  throw stale(
    changed.length === 1
      ? 'a reading has changed since this plan was made'
      : `${changed.length} readings have changed since this plan was made`,
    `${changed.slice(0, 8).join('\n')}${more}`,
  );
}
