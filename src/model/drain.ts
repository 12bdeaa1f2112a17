import { matches, type Selector } from './selector.ts';

/** A pod as the cluster tells it, as far as a drain is concerned. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly phase: string;
  readonly labels: Readonly<Record<string, string>>;
  /** kubelet's own, from a file on the node: it ends with the node. */
  readonly mirror: boolean;
  /** Who made it and would make another one. */
  readonly owner?: { readonly kind: string; readonly name: string };
  /** The names of its volumes that live and die with it on this node. */
  readonly emptyDirs: readonly string[];
}

/** What makes pods, and how many of a sort. */
export interface Controller {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  /** Who made it in turn: the Deployment of a ReplicaSet. */
  readonly owner?: { readonly kind: string; readonly name: string };
}

/** A PodDisruptionBudget. */
export interface Budget {
  readonly namespace: string;
  readonly name: string;
  readonly selector?: Selector;
  /** How many pods it would let go now. */
  readonly allowed: number;
}

/** A volume that lies on one node, and the claim it is bound to. */
export interface LocalVolume {
  readonly name: string;
  readonly namespace: string;
  readonly claim: string;
}

/** What is read of a cluster before a node is drained. */
export interface DrainReading {
  /** The pods on the node. */
  readonly pods: readonly Pod[];
  readonly controllers: readonly Controller[];
  readonly budgets: readonly Budget[];
  /** Those that lie on the node. */
  readonly volumes: readonly LocalVolume[];
  /** Whether another node is Ready and takes ordinary pods. */
  readonly room: boolean;
}

/**
 * What may stand against a drain. `budget`: it would wait for a PodDisruptionBudget; `unmanaged`: nobody makes the pod again; `emptydir`
 * and `volume`: data that lies on the node alone; `nowhere`: no other node takes the pods; `single`: the only pod of its sort is away
 * while it starts elsewhere.
 */
export type ConcernKind = 'budget' | 'unmanaged' | 'emptydir' | 'volume' | 'nowhere' | 'single';

/** The concerns a drain is refused for, unless they are named: all but a short absence. */
export const GRAVE = ['budget', 'unmanaged', 'emptydir', 'volume', 'nowhere'] as const;

/** One of {@link GRAVE}. */
export type Grave = (typeof GRAVE)[number];

/** One thing that stands against a drain. */
export interface Concern {
  readonly kind: ConcernKind;
  /** `namespace/name` of the pod or volume; empty when it is about the node. */
  readonly what: string;
  /** Who made it: `Deployment default/web`. */
  readonly owner?: string;
  /** The budgets, or the volumes' names. */
  readonly by: readonly string[];
}

/** The pods a drain would move: not those of DaemonSets and of kubelet itself, nor what has ended. */
export function movable({ pods }: Pick<DrainReading, 'pods'>): readonly Pod[] {
  return pods.filter(
    ({ phase, mirror, owner }) =>
      !mirror && owner?.kind !== 'DaemonSet' && phase !== 'Succeeded' && phase !== 'Failed',
  );
}

/** Says what stands against a drain, before any of it is done. Pure. */
export function forecastDrain(reading: DrainReading): readonly Concern[] {
  const pods = movable(reading);
  const nowhere = pods.length > 0 && !reading.room ? [{ kind: 'nowhere' as const, what: '', by: [] }] : [];
  const concerns = pods.flatMap((pod) => concernsOf(pod, reading));
  const volumes = reading.volumes.map(({ name, namespace, claim }) => ({
    kind: 'volume' as const,
    what: `${namespace}/${claim}`,
    by: [name],
  }));
  return [...nowhere, ...concerns, ...volumes];
}

function concernsOf(pod: Pod, reading: DrainReading): readonly Concern[] {
  const what = `${pod.namespace}/${pod.name}`;
  const controller = controllerOf(pod, reading.controllers);
  const owner = ownerText(pod, controller);
  const base = { what, ...(owner === undefined ? {} : { owner }) };
  const over = reading.budgets.filter(
    ({ namespace, selector }) =>
      namespace === pod.namespace && selector !== undefined && matches(selector, pod.labels),
  );
  // The API server evicts no pod that two budgets are about.
  const blocking = over.length > 1 ? over : over.filter(({ allowed }) => allowed < 1);
  return [
    ...(blocking.length === 0
      ? []
      : [{ kind: 'budget' as const, ...base, by: blocking.map((b) => `${b.namespace}/${b.name}`) }]),
    ...(pod.owner === undefined ? [{ kind: 'unmanaged' as const, ...base, by: [] }] : []),
    ...(pod.emptyDirs.length === 0 ? [] : [{ kind: 'emptydir' as const, ...base, by: pod.emptyDirs }]),
    ...(controller?.replicas === 1 ? [{ kind: 'single' as const, ...base, by: [] }] : []),
  ];
}

function controllerOf(pod: Pod, controllers: readonly Controller[]): Controller | undefined {
  return controllers.find(
    ({ kind, namespace, name }) =>
      kind === pod.owner?.kind && namespace === pod.namespace && name === pod.owner.name,
  );
}

function ownerText(pod: Pod, controller: Controller | undefined): string | undefined {
  const owner = controller?.owner ?? pod.owner;
  return owner === undefined ? undefined : `${owner.kind} ${pod.namespace}/${owner.name}`;
}

/** The grave concerns that nobody has said yes to. */
export function unanswered(concerns: readonly Concern[], accepted: readonly Grave[]): readonly Concern[] {
  return concerns.filter(({ kind }) => kind !== 'single' && !accepted.includes(kind));
}
