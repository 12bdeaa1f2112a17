import { type Shell, sh } from '../../shell/sh.ts';
import { install, updateWhatAnswers } from './packages.ts';

/** Installs a package of the distribution, at whichever version it has; asks the repositories first when apt knows of none. */
export function fromDistribution(name: string): Shell {
  return sh`
    if ! apt-cache madison ${name} 2>/dev/null | grep -q .; then ${updateWhatAnswers}; fi
    ${install([{ name }])}`;
}
