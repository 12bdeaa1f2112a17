import type { Cluster, Node } from '../model/cluster.ts';
import { controlPlanes } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { led } from '../model/lead.ts';
import type { Lock } from '../model/lock.ts';
import type { Phase, Stage } from '../steps/phase.ts';
import type { Step } from '../steps/step.ts';

/** The name the operator's own machine goes by among the hosts. */
export const OPERATOR = 'here';

/** One phase on one host: the unit of a round trip. */
export interface Work {
  readonly phase: Phase;
  /** The node's name, or {@link OPERATOR}. */
  readonly host: string;
  readonly steps: readonly Step[];
}

/** Which part of the list is meant: `--only` (phases, steps, or the part of a step's id before the slash) and `--node`. */
export interface Choice {
  readonly only?: readonly string[];
  readonly nodes?: readonly string[];
}

/** What is known when work is laid out. */
export interface Ground {
  readonly cluster: Cluster;
  readonly lock: Lock;
  /** Facts by node name; nodes without are left out. */
  readonly facts: Readonly<Record<string, Facts>>;
}

/** The node on which questions about the cluster are asked: its lead, else the first control plane whose facts were just read. */
export function seat(ground: Pick<Ground, 'cluster' | 'facts'>): Node | undefined {
  return controlPlanes(led(ground.cluster, ground.facts)).find(
    (node) => ground.facts[node.name] !== undefined,
  );
}

function stands(stage: Stage, phase: Phase, ground: Ground): readonly { host: string; node: Node }[] {
  const chair = seat(ground);
  if (stage === 'nodes') {
    return phase
      .on(ground.cluster)
      .filter((node) => ground.facts[node.name] !== undefined)
      .map((node) => ({ host: node.name, node }));
  }
  if (chair === undefined) return [];
  return [{ host: stage === 'seat' ? chair.name : OPERATOR, node: chair }];
}

/** Whether a choice means this step. */
export function chosen(choice: Choice, phase: string, step: string): boolean {
  if (choice.only === undefined || choice.only.length === 0) return true;
  return choice.only.some((word) => word === phase || word === step || step.startsWith(`${word}/`));
}

/**
 * Lays out the phases as units of work, in their order.
 * @param when `always`: what belongs to a plan; `changed`: the proof.
 */
export function layOut(
  phases: readonly Phase[],
  known: Ground,
  when: Phase['when'],
  choice: Choice = {},
): readonly Work[] {
  const ground = { ...known, cluster: led(known.cluster, known.facts) };
  const away = known.cluster.nodes.flatMap(({ name }) => (known.facts[name] === undefined ? [name] : []));
  const left = away.length === 0 ? {} : { away };
  return phases
    .filter((phase) => phase.when === when)
    .flatMap((phase) =>
      stands(phase.stage, phase, ground)
        .filter(
          ({ host, node }) =>
            choice.nodes === undefined ||
            choice.nodes.length === 0 ||
            choice.nodes.includes(node.name) ||
            host === OPERATOR,
        )
        .map(({ host, node }) => {
          const facts = ground.facts[node.name] as Facts;
          const { cluster, lock, facts: hosts } = ground;
          const steps = phase.steps({ cluster, lock, node, facts, hosts, ...left });
          return { phase, host, steps: steps.filter((step) => chosen(choice, phase.id, step.id)) };
        }),
    )
    .filter((work) => work.steps.length > 0);
}
