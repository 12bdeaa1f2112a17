import { sh } from '../../shell/sh.ts';
import { APT_CLUES } from '../clues.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';
import { install, uninstall, updateWhatAnswers } from './packages.ts';

/** A package of the distribution, at whichever version it has. It goes again when it was not there before. */
export function distributionPackage(about: About, name: string): Step {
  return {
    ...about,
    after: ['prepare/dpkg', ...(about.after ?? [])],
    read: sh`
      case $(dpkg-query -W -f ${'${db:Status-Status}'} ${name} 2>/dev/null) in installed) echo installed ;; *) echo 'not installed' ;; esac`,
    want: 'installed',
    make: sh`
      ${updateWhatAnswers}
      ${install([{ name }])}`,
    undo: uninstall([name]),
    clues: [...(about.clues ?? []), ...APT_CLUES],
  };
}
