import { RUNTIME_PACKAGES } from '../model/lock.ts';
import type { Runtime } from '../model/runtime.ts';
import { lines, sh } from '../shell/sh.ts';
import { APT_CLUES } from './clues.ts';
import { lineIn } from './kinds/line.ts';
import { uninstall } from './kinds/packages.ts';
import { removeFolders, removePods } from './leftovers.ts';
import { runtimeRepository } from './packages.ts';
import type { Scene } from './phase.ts';
import { FILES, RUNTIME_FOLDERS } from './places.ts';
import { runtimeSteps } from './runtime.ts';
import { criSocket, RUNTIME_PARTS } from './runtime-parts.ts';
import type { Step } from './step.ts';

/** What both runtimes have, and is as the new one wants it. */
const SHARED: readonly string[] = [
  'runtime/no-stray-networks',
  'runtime/crictl',
  'runtime/kubelet-enabled',
  'proxy/kubelet',
];

/** A runtime of an earlier choice goes as it came, by the undos of its own steps. */
export function formerGone(scene: Scene, former: Runtime): Step {
  const { title, program, unit } = RUNTIME_PARTS[former];
  const other: Scene = { ...scene, node: { ...scene.node, runtime: former } };
  const undos = [...runtimeRepository(other), ...runtimeSteps(other)]
    .filter(({ id }) => !SHARED.includes(id))
    .toReversed()
    .flatMap(({ undo }) => (undo === undefined ? [] : [undo]));
  const name = RUNTIME_PACKAGES[former];
  // What lives beside its pods by now is the other runtime's.
  const takeAway = sh`
    ${removePods(former, sh`:`)}
    ${lines(
      ...undos.map(
        (undo) => sh`
          (
            ${undo}
          )`,
      ),
    )}
    apt-mark unhold ${name} >/dev/null 2>&1 || :
    ${uninstall([name])}
    # CRI-O's package has the file, and takes it along whatever is in it.
    if ! [ -e ${FILES.crictl} ]; then
      ${lineIn(FILES.crictl, '^runtime-endpoint:', `runtime-endpoint: ${criSocket(scene)}`)}
    fi
    ${removeFolders(RUNTIME_FOLDERS[former])}`;
  return {
    id: 'exchange/former',
    title: `Take ${title} away`,
    why: 'A runtime that nobody uses still starts at every boot, holds the images it has, and is one more thing to patch. It goes as it came.',
    see: ['https://kubernetes.io/docs/setup/production-environment/container-runtimes/'],
    after: scene.facts.member === true ? ['exchange/open'] : ['runtime/answers'],
    disturbs: 'service',
    read: sh`if [ -e ${program} ] || systemctl -q is-active ${unit}; then echo ${`${title} is still here`}; else echo gone; fi`,
    want: 'gone',
    make: takeAway,
    undo: takeAway,
    clues: APT_CLUES,
  };
}
