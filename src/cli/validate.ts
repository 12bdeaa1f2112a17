import { documentText } from '../report/json.ts';
import type { Action } from './command.ts';
import { members } from './members.ts';
import { lookOf } from './sight.ts';
import { load } from './source.ts';

/** Checks cluster.yaml and landfall.lock; asks no host. */
export const validate: Action<object> = async (context, flags) => {
  const { cluster, file, lock, held } = await load(context, flags);
  const { stdout } = context.process;
  if (flags.json) {
    stdout.write(documentText({ format: '1.0', exit: 0, problems: [] }));
    return 0;
  }
  if (flags.quiet) return 0;
  const look = lookOf(context, stdout, flags);
  const version =
    lock === undefined
      ? `Kubernetes ${cluster.kubernetes}, to be resolved by the first plan`
      : `Kubernetes ${lock.kubernetes}`;
  const kept = held === undefined ? '' : ', landfall.lock agrees';
  stdout.write(
    look.spell(
      `${file === '-' ? 'standard input' : file} is right: ${cluster.name}, ${members(cluster)}, ${version}${lock === undefined ? '' : kept}.\n`,
    ),
  );
  return 0;
};
