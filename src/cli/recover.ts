import { isAbsolute } from 'node:path/posix';
import { type ExitCode, Problem } from '../model/problem.ts';
import { planText } from '../report/plan.ts';
import type { RunProgress } from '../report/state.ts';
import { count, listed, span } from '../report/words.ts';
import { planRecover, recover as recoverFrom, type RecoverPlan } from '../run/recover.ts';
import { carryOut } from './carry-out.ts';
import type { Action } from './command.ts';
import { checkMeant, isMeant, type MeantFlags, RECOVER } from './meant.ts';
import { program } from './place.ts';
import { recoverForecast } from './recover-forecast.ts';
import { lookOf } from './sight.ts';
import { withSite } from './site.ts';
import { load } from './source.ts';
import { during, talk } from './talk.ts';

/** What may stand against a recovery and be overruled. */
export type RecoverConcern = 'majority';

/** What recover takes. */
export interface RecoverFlags extends MeantFlags {
  readonly from?: string;
  readonly snapshot?: string;
  readonly despite: readonly RecoverConcern[];
  readonly patience?: number;
}

/** Begins etcd anew out of what is left of it, and has the other control planes join what comes of it. */
export const recover: Action<RecoverFlags> = async (context, flags) => {
  const { from, snapshot } = flags;
  if (snapshot !== undefined && !isAbsolute(snapshot)) {
    throw new Problem({
      code: 'recover/path',
      summary: `${snapshot} is not a path on a host`,
      why: 'a snapshot may be as large as 8 GiB: it is read where it is used, on the control plane etcd is begun anew on',
      try: `copy it there first: scp ${snapshot} NODE:/root/etcd.db; then --from NODE --snapshot /root/etcd.db`,
      exit: 2,
    });
  }
  const loaded = await load(context, flags);
  const { cluster } = loaded;
  checkMeant(context, flags, cluster.name, RECOVER);
  return withSite(loaded, async (site): Promise<ExitCode> => {
    const wish = {
      despiteMajority: flags.despite.includes('majority'),
      ...(from === undefined ? {} : { from }),
      ...(snapshot === undefined ? {} : { snapshot }),
    };
    const plan = await during(context, flags, 'reading what is left of etcd', () => planRecover(site, wish));
    const { stderr } = context.process;
    if (!flags.json && !flags.quiet)
      stderr.write(planText(plan.plan, lookOf(context, stderr, flags), { own: true }));
    talk(context, flags, recoverForecast(plan));
    if (!(await isMeant(context, flags, cluster.name, RECOVER))) {
      talk(context, flags, 'Nothing was changed.');
      return 2;
    }
    const exit = await carryOut(context, flags, {
      command: 'recover',
      loaded,
      lock: plan.plan.lock,
      plan: plan.plan,
      partial: true,
      ...(flags.patience === undefined ? {} : { patience: flags.patience }),
      run: (options) => recoverFrom({ ...options, site }, plan),
      farewell: (state) =>
        lookOf(context, context.process.stdout, flags).spell(
          farewell(plan, cluster.name, program(flags), state),
        ),
    });
    // Where one does not answer, it is for whoever puts a new host there to go on.
    if (exit !== 0 || plan.away.length > 0 || plan.others.length === 0) return exit;
    const { applying } = await import('./applying.ts');
    // What others have applied since the snapshot is gone by the wish of whoever typed the name.
    const asked = { ...flags, yes: true, olderFile: true, only: [], node: [], prove: false, noProof: false };
    return applying(context, asked, { loaded, site, wish: { choice: {} } });
  });
};

function farewell(plan: RecoverPlan, name: string, command: string, state: RunProgress): string {
  const { survivor, away, others } = plan;
  const { made = 0, ms = 0 } = state.end ?? {};
  const gone = others.filter((node) => away.some(({ host }) => host === node.name)).map((node) => node.name);
  const next =
    gone.length === 0
      ? ''
      : `It bears no loss until others have joined. With new hosts in the place of ${listed(gone, 6)}:   ${command} apply\n`;
  return `${name} answers again, on ${survivor.name}: ${count(made, 'step')} in ${span(ms)}.\n${next}`;
}
