import type { Rule } from './attempt.ts';
import { line } from './attempt.ts';

/** A line of ssh_config that ssh does not take. */
const badLine: Rule = ({ status }, { words }) => {
  if (
    status !== 255 ||
    !words.some((word) => /bad configuration option|^Missing argument|no argument after keyword/i.test(word))
  ) {
    return undefined;
  }
  const found = words
    .map(
      (word) =>
        /^(?!command-line)(.+?):? line (\d+): (.+)$/.exec(word) ?? /^(.+?) line (\d+): ?(.+)$/.exec(word),
    )
    .find((m) => m !== null);
  if (found === undefined) return undefined;
  const [, file = '', number = '1', what = ''] = found;
  return {
    code: 'ssh/config',
    summary: `ssh refuses its configuration: ${what.replace(/\.$/, '')}`,
    where: { file, line: Number(number), column: 1 },
    saw: words.join('\n'),
    why: 'ssh reads the whole file before it does anything, for every host',
    try: `correct line ${number} of ${file}, or name another file as ssh.config in cluster.yaml`,
  };
};

/** The file named in cluster.yaml is not there. */
const noFile: Rule = (_, { words }) => {
  const said = line(words, /^Can't open user config file /);
  if (said === undefined) return undefined;
  return {
    code: 'ssh/config',
    summary: 'the ssh_config file named in cluster.yaml cannot be read',
    saw: said,
    why: 'with a file named, ssh reads that one alone',
    try: 'correct ssh.config in cluster.yaml; a path there is relative to cluster.yaml',
  };
};

/** The file may be written by others, so ssh does not trust it. */
const looseFile: Rule = (_, { words }) => {
  const said = line(words, /^Bad owner or permissions on /);
  if (said === undefined) return undefined;
  const file = said.replace(/^Bad owner or permissions on /, '');
  return {
    code: 'ssh/config',
    summary: 'ssh refuses its configuration because others could have written it',
    saw: said,
    try: `chmod go-w ${file}   (and it must be yours or root's: ls -l ${file})`,
  };
};

/** A setting of ours that this ssh does not know. */
const oldSsh: Rule = (attempt, { words }) => {
  const said = line(
    [...words, ...attempt.stderr.split('\n')],
    /^command-line: line \d+: Bad configuration option/,
  );
  if (said === undefined) return undefined;
  return {
    code: 'ssh/too-old',
    summary: "this machine's ssh is too old for Landfall",
    saw: said,
    why: 'Landfall holds ssh to a few settings, whatever ssh_config says, and this one it does not know',
    try: 'ssh -V should say OpenSSH 7.6 or later',
  };
};

/** Troubles of this machine's own ssh, before any connection. */
export const SETUP: readonly Rule[] = [oldSsh, badLine, noFile, looseFile];
