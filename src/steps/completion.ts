import { type Shell, sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { distributionPackage } from './kinds/distribution-package.ts';
import { file } from './kinds/file.ts';
import { lineIn, lineOut } from './kinds/line.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Step } from './step.ts';

const MARK = '# kept by Landfall';
const LINE = `shopt -oq posix || ! [ -r /usr/share/bash-completion/bash_completion ] || . /usr/share/bash-completion/bash_completion ${MARK}`;

const PROGRAMS = [
  ['kubectl', FILES.kubectlCompletion],
  ['kubeadm', FILES.kubeadmCompletion],
  ['crictl', FILES.crictlCompletion],
] as const;

/** Words that complete themselves, for whoever works on a node by hand. */
export function completionSteps({ cluster }: Scene): readonly Step[] {
  if (!cluster.host.completion) return [];
  return [
    distributionPackage(
      {
        id: 'completion/package',
        title: 'Have bash complete words',
        why: 'Names of units, pods and files are long. Whoever looks for a fault on a node types them at the worst of times.',
        see: ['https://github.com/scop/bash-completion'],
      },
      'bash-completion',
    ),
    enabled(),
    ...PROGRAMS.map(([program, path]) => completionOf(program, path)),
  ];
}

function enabled(): Step {
  const path = FILES.bashrc;
  const pattern = `${MARK}$`;
  return {
    id: 'completion/enabled',
    title: 'Complete words in every shell',
    why: 'The package is there on most servers and does nothing in a shell that is not a login: the lines that load it are commented out in /etc/bash.bashrc.',
    see: ['man 1 bash'],
    after: ['completion/package'],
    // What a shell ends up with, whoever has switched it on.
    read: sh`
      bash --norc -c ${`PS1=x; . ${path}; complete -p -D`} 2>/dev/null </dev/null | grep -q . && echo enabled || echo 'not enabled'`,
    want: 'enabled',
    make: lineIn(path, pattern, LINE),
    undo: lineOut(path, pattern),
    writes: [path],
    clues: [
      {
        match: /^not enabled$/,
        means: `something in ${path} ends it, or switches completion off, before its last line`,
        try: `bash -x ${path} shows where; move that further down or take it out`,
        diagnosis: 'H05',
      },
      ...DISK_CLUES,
    ],
  };
}

/** bash-completion looks into this folder when the program's name is first completed; so it is always the installed version's. */
function completionOf(program: string, path: string): Step {
  const one = file(
    {
      id: `completion/${program}`,
      title: `Complete the words of ${program}`,
      why: `${program} knows its own words, and prints how bash is to complete them. It is asked when they are first wanted in a shell, so that they are always those of the version that is installed.`,
      see: ['https://kubernetes.io/docs/reference/kubectl/generated/kubectl_completion/'],
      clues: DISK_CLUES,
    },
    { path, content: `# Written by Landfall.\n. <(${program} completion bash 2>/dev/null)\n` },
  );
  return {
    ...one,
    undo: sh`
      ${one.undo as Shell}
      rmdir /usr/local/share/bash-completion/completions /usr/local/share/bash-completion 2>/dev/null || :`,
  };
}
