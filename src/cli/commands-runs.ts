import { command } from './command.ts';
import { text } from './flags.ts';
import { runNames } from './names.ts';
import type { RunsFlags } from './runs.ts';

const run = {
  placeholder: 'RUN',
  brief: 'A run’s name or how it begins; the last one when absent',
  optional: true,
  propose: runNames,
};
const cluster = text('The cluster’s name, where there is no cluster.yaml', 'NAME');

export const runsList = command<RunsFlags>({
  brief: 'List the runs of the cluster, the newest last',
  examples: [
    ['runs list', 'when, what, how it ended'],
    ['runs list --json', 'the same for programs'],
  ],
  flags: { cluster },
  load: async () => (await import('./runs.ts')).runsList,
});

export const runsShow = command<RunsFlags>({
  brief: 'Show a run as it was seen',
  examples: [
    ['runs show', 'the last run: its phases, notices, failures'],
    ['runs show 20261123-0912 --verbose', 'with all that its programs printed'],
  ],
  flags: { cluster },
  args: [run],
  load: async () => (await import('./runs.ts')).runsShow,
});

export const runsReport = command<RunsFlags>({
  brief: 'Print a run as Markdown: what was made, what differed before, what went wrong',
  examples: [
    ['runs report >run.md', 'the last run'],
    ['runs report 20261123-0912', 'an earlier one'],
  ],
  flags: { cluster },
  args: [run],
  load: async () => (await import('./runs.ts')).runsReport,
});
