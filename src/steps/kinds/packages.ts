import { type Shell, sh } from '../../shell/sh.ts';
import { BEFORE, NOTES } from '../places.ts';
import type { Probe } from '../step.ts';

/** A package, at a version or at whichever the distribution has. */
export interface WantedPackage {
  readonly name: string;
  readonly version?: string;
}

/** Keeps configuration files as they are, and asks nobody. */
export const APT = sh`apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold`;

/** A sed program: out of what apt-get or dpkg says of a lock that is taken, who has it. */
const WAITING = [
  String.raw`/is held by process/{s/^E: Could not get lock \([^ ]*\)\. It is held by process \([0-9]* ([^)]*)\).*/waiting for process \2, which holds \1/p;q}`,
  String.raw`/locked by another process with pid/{s/.*with pid \([0-9]*\).*/waiting for process \1, which holds the lock of dpkg/p;q}`,
].join(';');

/** `NAME VERSION WANT STATUS`, a line each of these packages that dpkg knows. */
export function packagesProbe(names: readonly string[]): Probe {
  const format = '${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\\n';
  return { name: 'packages', run: sh`dpkg-query -W -f ${format} ${names} 2>/dev/null` };
}

/**
 * Runs apt-get or dpkg, and again each second while another program holds a lock it needs, for two minutes; says each time
 * which does. (apt-get can wait by itself, but not for every lock, and says for whom only when that is over.)
 */
export function patient(command: Shell): Shell {
  return sh`
    tries=0 said="\${tmp:-/run}/said"
    until ${command} 2>"$said"; do
      if [ "$tries" -ge 120 ] || ! grep -q -e 'Could not get lock' -e 'locked by another process' "$said"; then
        cat "$said"; exit 1
      fi
      who=$(sed -n ${WAITING} "$said")
      echo "\${who:-waiting for another program that installs packages}"
      tries=$((tries + 1)); sleep 1
    done
    cat "$said"`;
}

/** Fetches the indexes of all repositories anew. */
export const updateIndexes = patient(sh`apt-get -q update -o Acquire::Retries=3`);

/**
 * The same for what comes from the distribution: a repository of somebody else's that does not answer, or whose key is gone, is
 * no reason to do without. What is missing then, the installation says.
 */
export const updateWhatAnswers = sh`( ${updateIndexes} ) || echo 'not all repositories could be asked; what the others have is installed'`;

/** Installs packages at their versions in one go, and has them on the disk: moving held ones and going back a version where that is what is wanted. */
export function install(packages: readonly WantedPackage[]): Shell {
  const words = packages.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`));
  const now = patient(
    sh`${APT} install --no-install-recommends -o APT::Keep-Downloaded-Packages=false --allow-downgrades --allow-change-held-packages ${words}`,
  );
  // dpkg has its own files on the disk when it ends; what scripts of packages have written (ucf's configurations) is not.
  return sh`
    ${now}
    sync -f /etc`;
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
        ( ${patient(sh`dpkg --purge $mine`)} ) || echo 'what is still needed by others was kept'
      fi
      # apt keeps what others merely suggest; what came only with these goes all the same.
      rest=$(apt-get -s autoremove -o APT::AutoRemove::SuggestsImportant=false | sed -n 's/^Remv \([^ ]*\).*/\1/p' | grep -vxFf ${notes}) || :
      if [ -n "$rest" ]; then ( ${patient(sh`${APT} purge $rest`)} ); fi
      left=$(dpkg-query -W -f ${'${db:Status-Status} ${Package}\\n'} | sed -n 's/^config-files //p' | grep -vxFf ${notes}) || :
      if [ -n "$left" ]; then ( ${patient(sh`dpkg --purge $left`)} ); fi
    else
      echo ${`there are no notes in ${BEFORE} of what was installed before; packages are left as they are`}
    fi`;
}
