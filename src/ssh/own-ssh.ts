import { lines, type Shell, sh } from '../shell/sh.ts';
import { checkTarget, type Target } from './target.ts';
import { oneLoginOptions } from './words.ts';

/**
 * A shell function `ssh` for scripts on this machine: to hosts of ours it goes as Landfall does, with the settings of
 * cluster.yaml and their pinned keys; a port named on its command line outranks the usual one. To others it is ssh as ever.
 * @param pinned the known_hosts file of a host whose key is pinned, if it is.
 */
export function ownSsh(targets: readonly Target[], pinned: (target: Target) => string | undefined): Shell {
  const cases = targets.map((target) => {
    checkTarget(target);
    const { port, ...rest } = target;
    const usual =
      port === undefined ? sh`` : sh`case " $* " in *' -p '*) ;; *) set -- -p ${port} "$@" ;; esac; `;
    return sh`    *${` -- ${target.address} `}*) ${usual}command ssh ${oneLoginOptions(rest, pinned(target))} "$@" ;;`;
  });
  return lines(
    sh`ssh() {`,
    sh`  case " $* " in`,
    ...cases,
    sh`    *) command ssh "$@" ;;`,
    sh`  esac`,
    sh`}`,
  );
}
