import { type Shell, sh } from '../../shell/sh.ts';
import { BEFORE, NOTES } from '../places.ts';
import type { Probe } from '../step.ts';

/** A package, at a version or at whichever the distribution has. */
export interface WantedPackage {
  readonly name: string;
  readonly version?: string;
}

/** Waits for another program's lock, keeps configuration files as they are, and asks nobody. */
export const APT = sh`apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold`;

/** `NAME VERSION WANT STATUS`, a line each of these packages that dpkg knows. */
export function packagesProbe(names: readonly string[]): Probe {
  const format = '${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\\n';
  return { name: 'packages', run: sh`dpkg-query -W -f ${format} ${names} 2>/dev/null` };
}

/** Runs dpkg, and again each second while another program holds its lock, for two minutes. */
export function patientDpkg(...words: readonly (string | Shell)[]): Shell {
  const args = words.reduce<Shell>((all, word) => sh`${all} ${word}`, sh``);
  return sh`
    tries=0
    until said=$(dpkg${args} 2>&1); do
      case $said in
        *'locked by another process'*) tries=$((tries + 1)); [ "$tries" -lt 120 ] || { printf '%s\n' "$said"; exit 1; }; sleep 1 ;;
        *) printf '%s\n' "$said"; exit 1 ;;
      esac
    done
    printf '%s\n' "$said"`;
}

/** Installs packages at their versions in one go, moving held ones and going back a version where that is what is wanted. */
export function install(packages: readonly WantedPackage[]): Shell {
  const words = packages.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`));
  return sh`${APT} install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages ${words}`;
}

/**
 * Purges these packages, and those that came only with them, as far as they were not there before; what another package
 * of the host needs by now is kept. Without notes of what was there before, nothing is removed.
 */
export function uninstall(names: readonly string[], notes: string = NOTES.packages): Shell {
  const installed = sh`dpkg-query -W -f ${'${Package}\\n'}`;
  return sh`
    if [ -e ${notes} ]; then
      mine=$(${installed} ${names} 2>/dev/null | grep -vxFf ${notes}) || :
      if [ -n "$mine" ]; then
        # dpkg, unlike apt, takes nothing away that something else depends on.
        ( ${patientDpkg('--purge', sh`$mine`)} ) || echo 'what is still needed by others was kept'
      fi
      rest=$(apt-get -s autoremove | sed -n 's/^Remv \([^ ]*\).*/\1/p' | grep -vxFf ${notes}) || :
      if [ -n "$rest" ]; then ${APT} purge $rest; fi
      left=$(dpkg-query -W -f ${'${db:Status-Status} ${Package}\\n'} | sed -n 's/^config-files //p' | grep -vxFf ${notes}) || :
      if [ -n "$left" ]; then ( ${patientDpkg('--purge', sh`$left`)} ); fi
    else
      echo ${`there are no notes in ${BEFORE} of what was installed before; packages are left as they are`}
    fi`;
}
