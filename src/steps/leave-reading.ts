import type { Budget, Controller, DrainReading, LocalVolume, Pod } from '../model/drain.ts';
import { Problem } from '../model/problem.ts';
import type { EtcdMember } from '../model/quorum.ts';
import type { Selector } from '../model/selector.ts';
import { parseRecords } from '../shell/parse.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { members } from './etcd-members.ts';
import { kubectl } from './node.ts';
import type { Scene } from './phase.ts';

/** What the cluster knows of a node that is to leave it. */
export interface LeaveReading extends DrainReading {
  readonly members: readonly EtcdMember[];
  /** Absent when the cluster has no node of this name. */
  readonly node?: { readonly ready: boolean; readonly address: string };
}

/** `{FIELD}TAB{FIELD}…`, a line each item. */
function table(...fields: readonly string[]): string {
  return `{range .items[*]}${fields.map((field) => `{${field}}`).join('{"\\t"}')}{"\\n"}{end}`;
}

const OWNER = '.metadata.ownerReferences[?(@.controller==true)]';
const PODS = table(
  '.metadata.namespace',
  '.metadata.name',
  '.status.phase',
  String.raw`.metadata.annotations.kubernetes\.io/config\.mirror`,
  `${OWNER}.kind`,
  `${OWNER}.name`,
  '.spec.volumes[?(@.emptyDir)].name',
  '.metadata.labels',
);
const CONTROLLERS = table(
  '.kind',
  '.metadata.namespace',
  '.metadata.name',
  '.spec.replicas',
  `${OWNER}.kind`,
  `${OWNER}.name`,
);
const BUDGETS = table(
  '.metadata.namespace',
  '.metadata.name',
  '.status.disruptionsAllowed',
  '.spec.selector',
);
const VOLUMES = table(
  '.metadata.name',
  '.spec.claimRef.namespace',
  '.spec.claimRef.name',
  '.spec.local.path',
  '.spec.nodeAffinity.required.nodeSelectorTerms[*].matchExpressions[*].values[*]',
);
const NODES = table(
  '.metadata.name',
  '.status.conditions[?(@.type=="Ready")].status',
  '.spec.unschedulable',
  '.spec.taints[*].effect',
  '.status.addresses[?(@.type=="InternalIP")].address',
);

/** What the seat is asked before a node leaves; read-only, for `plainScript`. @param name of the node that is to leave. */
export function leaveScript(scene: Scene, name: string): Shell {
  const kube = kubectl(scene);
  const there = `spec.nodeName=${name}`;
  const questions: Readonly<Record<string, Shell>> = {
    api: sh`${kube} get --raw /readyz`,
    nodes: sh`${kube} get nodes -o jsonpath=${NODES}`,
    pods: sh`${kube} get pods -A --field-selector ${there} -o jsonpath=${PODS}`,
    controllers: sh`${kube} get replicasets,statefulsets,replicationcontrollers -A -o jsonpath=${CONTROLLERS}`,
    budgets: sh`${kube} get poddisruptionbudgets -A -o jsonpath=${BUDGETS}`,
    volumes: sh`${kube} get persistentvolumes -o jsonpath=${VOLUMES}`,
    members: members(scene).run,
  };
  // Each is asked in a shell of its own: one that says nothing keeps none of the others from being asked.
  return lines(
    ...Object.entries(questions).map(
      ([word, ask]) => sh`
        text=$( {
          ${ask}
        } </dev/null 2>&1); status=$?
        say answer "$(b64 ${word})" "$(b64 "$status")" "$(b64 "$text")"`,
    ),
  );
}

/**
 * Reads what {@link leaveScript} printed.
 * @throws Problem `leave/silent` when the API server or etcd did not answer all of it.
 */
export function parseLeave(output: string, host: string, name: string): LeaveReading {
  const answers = new Map<string, { readonly status: string; readonly text: string }>();
  for (const r of parseRecords(output))
    if (r.is === 'said' && r.word === 'answer')
      answers.set(r.texts[0] ?? '', { status: r.texts[1] ?? '', text: r.texts[2] ?? '' });
  const failed = [...answers].find(([, { status }]) => status !== '0');
  const voters = etcdMembers(answers.get('members')?.text ?? '');
  if (answers.size === 0 || failed !== undefined || voters.length === 0) {
    throw new Problem({
      code: 'leave/silent',
      host,
      summary: `${host} cannot say how the cluster stands without ${name}`,
      saw: (failed?.[1].text ?? output).trim().split('\n').slice(-6).join('\n'),
      why: 'a node is taken out by the cluster itself: with its API server or most of etcd away, nothing can be changed in it',
      try: 'landfall status says what is not well; bring back as many control planes as make a majority first; when they are gone for good: landfall recover',
      exit: 5,
    });
  }
  const rows = (word: string): readonly (readonly string[])[] =>
    (answers.get(word)?.text ?? '')
      .split('\n')
      .filter((line) => line.includes('\t'))
      .map((line) => line.split('\t'));
  const nodes = rows('nodes');
  const own = nodes.find(([node]) => node === name);
  return {
    members: voters,
    ...(own === undefined ? {} : { node: { ready: own[1] === 'True', address: own[4] ?? '' } }),
    room: nodes.some(
      ([node, ready, closed, effects = '']) =>
        node !== name && ready === 'True' && closed !== 'true' && !/No(Schedule|Execute)/.test(effects),
    ),
    pods: rows('pods').map(pod),
    controllers: rows('controllers').map(controller),
    budgets: rows('budgets').map(budget),
    volumes: rows('volumes')
      .filter(([, , , path = '', values = '']) => path !== '' && values.split(' ').includes(name))
      .map(([volume = '', namespace = '', claim = '']): LocalVolume => ({ name: volume, namespace, claim })),
  };
}

const words = (text: string | undefined): readonly string[] =>
  (text ?? '').split(' ').filter((word) => word !== '');

/** An object as kubectl's jsonpath prints it; nothing where the field is not there. */
function json(text: string | undefined): unknown {
  return text === undefined || text === '' ? undefined : JSON.parse(text);
}

function made(kind: string | undefined, name: string | undefined): Pick<Pod, 'owner'> {
  return kind === undefined || kind === '' ? {} : { owner: { kind, name: name ?? '' } };
}

function pod([
  namespace = '',
  name = '',
  phase = '',
  mirror,
  kind,
  owner,
  dirs,
  labels,
]: readonly string[]): Pod {
  return {
    namespace,
    name,
    phase,
    labels: (json(labels) ?? {}) as Pod['labels'],
    mirror: mirror !== undefined && mirror !== '',
    ...made(kind, owner),
    emptyDirs: words(dirs),
  };
}

function controller([
  kind = '',
  namespace = '',
  name = '',
  replicas,
  ownerKind,
  owner,
]: readonly string[]): Controller {
  return { kind, namespace, name, replicas: Number(replicas), ...made(ownerKind, owner) };
}

function budget([namespace = '', name = '', allowed, selector]: readonly string[]): Budget {
  const read = json(selector) as Selector | undefined;
  return { namespace, name, allowed: Number(allowed), ...(read === undefined ? {} : { selector: read }) };
}

/** What {@link members} printed: `ID, started, NAME, PEER, CLIENT, LEARNER` of each, then who is healthy. */
function etcdMembers(text: string): readonly EtcdMember[] {
  const lines = text.split('\n');
  const well = new Set(
    lines.flatMap((line) => {
      const at = line.indexOf(' is healthy: ');
      return at < 0 ? [] : [line.slice(0, at)];
    }),
  );
  return lines.flatMap((line): readonly EtcdMember[] => {
    const [id = '', state, name = '', peer = '', client = '', learner] = line.split(', ');
    if (state !== 'started' && state !== 'unstarted') return [];
    return [{ id, name, peer, learner: learner === 'true', well: state === 'started' && well.has(client) }];
  });
}
