import { HOST_DEFAULTS } from '../../src/config/host-defaults.ts';
import type { Cluster, Node } from '../../src/model/cluster.ts';
import { sh } from '../../src/shell/sh.ts';
import type { Host } from '../../src/ssh/host.ts';
import type { Site } from '../../src/run/survey.ts';
import type { Phase, Scene } from '../../src/steps/phase.ts';
import { PHASES } from '../../src/steps/phases.ts';
import type { Step } from '../../src/steps/step.ts';
import { LOCK } from '../report/sample.ts';
import { HARBOUR } from '../steps/scene.ts';
import { CHECK } from './asked.ts';
import { type Operator, operatorsOwn, simulatedHost } from './host.ts';
import { READ_CLOSELY } from './truth.ts';
import type { World } from './world.ts';

/** What is wrong with the engine, on purpose. */
export const BUGS = ['drain skipped', 'quorum off by one', 'lock ignored'] as const;

/** One of {@link BUGS}. */
export type Bug = (typeof BUGS)[number];

const LOCKED = { ...LOCK, images: { pause: `sha256:${'a'.repeat(64)}` } };

/** A node of the simulated cluster. */
export function nodeOf(name: string): Node {
  const [kind = '', n = '0'] = name.split('-');
  const isPlane = kind === 'cp';
  const last = (isPlane ? 11 : 101) + Number(n);
  return {
    name,
    role: isPlane ? 'control-plane' : 'worker',
    address: `10.0.${last >> 8}.${last & 255}`,
    workloads: true,
  };
}

/** The simulated cluster.yaml. */
export function clusterOf(names: readonly string[]): Cluster {
  return {
    ...HARBOUR,
    host: HOST_DEFAULTS,
    endpoint: { ...HARBOUR.endpoint, virtual: { address: '10.0.0.10', routerId: 10 } },
    nodes: names.map(nodeOf),
  };
}

const NOTHING = sh`:`;

/** A step without its shell, where nothing but its being made is modelled: its script is compiled thousands of times. */
function slim(step: Step): Step {
  if (READ_CLOSELY.has(step.id)) return step;
  const { probes: _probes, ...rest } = step;
  return {
    ...rest,
    why: step.title,
    // What is only read does not say whether it could be made; what stands for a check does.
    read: step.make === undefined ? CHECK : NOTHING,
    ...(step.make === undefined ? {} : { make: NOTHING }),
    ...(step.undo === undefined ? {} : { undo: NOTHING }),
  };
}

const KEPT = new Map<string, readonly Step[]>();

/** Lists of steps are worked out once for each scene there can be: they depend on who there is, who is a member and who is away. */
function kept(phase: Phase): Phase {
  return {
    ...phase,
    steps: (scene: Scene) => {
      const { cluster, node, hosts, away } = scene;
      const members = Object.entries(hosts).map(([name, { member, remains }]) => [name, member, remains]);
      const key = JSON.stringify([phase.id, cluster.nodes.map(({ name }) => name), node.name, members, away]);
      const known = KEPT.get(key);
      if (known !== undefined) return known;
      const steps = phase.steps(scene).map(slim);
      KEPT.set(key, steps);
      return steps;
    },
  };
}

const KEPT_PHASES = PHASES.map(kept);

/** The shell with the planted bugs in it. */
function warped(host: Host, bugs: ReadonlySet<Bug>): Host {
  if (bugs.size === 0) return host;
  return {
    ...host,
    run: (script, options) => {
      let text = script;
      if (bugs.has('quorum off by one'))
        text = text.replace('needed = int(voting / 2) + 1\n', 'needed = int(voting / 2)\n');
      if (bugs.has('lock ignored')) text = text.replace('until flock -n 9; do', 'until true; do');
      return host.run(text, options);
    },
  };
}

/** The site an operator works on. */
export function siteOf(world: World, operator: Operator, cluster: Cluster, bugs: ReadonlySet<Bug>): Site {
  return {
    cluster,
    source: '',
    lock: LOCKED,
    hosts: new Map(
      cluster.nodes.map(({ name }) => [name, warped(simulatedHost(world, operator, name), bugs)]),
    ),
    operator: operatorsOwn(),
    phases: KEPT_PHASES,
    resolve: () => LOCKED,
  };
}
