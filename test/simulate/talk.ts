import { record } from './asked.ts';
import { answers, isReady, isWell, type Machine, type Member, type World } from './world.ts';

/** When every story begins, by the hosts' clocks. */
const BEGINNING = Date.UTC(2026, 0, 1);

const said = (name: string, text: string, status = 0): string => record('fact', name, String(status), text);

/** What the script of the facts prints on a machine. */
export function factsOf(world: World, { id, name, address, boot, member, came, etcd }: Machine): string {
  const isNode = world.nodes.get(name)?.machine === id && member !== 'none';
  const remains = [...(etcd === undefined ? [] : ['etcd']), ...(isNode ? ['kubelet'] : [])];
  const facts: Readonly<Record<string, string>> = {
    os: 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
    architecture: 'amd64',
    kernel: '6.1.0-28-amd64',
    hostname: name,
    cpus: '4',
    memory: '8589934592',
    cgroup: '2',
    boot: `boot-${id}-${boot}`,
    machine: String(id).padStart(32, '0'),
    addresses: `eth0 ${address}/24`,
    links: `eth0 1500 52:54:00:00:00:${String(id % 100).padStart(2, '0')}`,
    virtualization: 'none',
    routes: 'default eth0',
    source: address,
    member: member === 'whole' ? 'yes' : remains.join('\n'),
    epoch: member === 'whole' ? new Date(BEGINNING + came).toISOString() : '',
    ssh: 'by service\nlogin root',
  };
  const lines = Object.entries(facts).map(([fact, text]) => said(fact, text));
  return [record('landfall 1 0'), ...lines, said('lab', '', 1), record('end'), ''].join('\n');
}

/** The list of members as etcdctl writes it, and who of them is well. */
function membersOf(world: World): string {
  const client = ({ peer }: Member): string => peer.replace(':2380', ':2379');
  return [
    ...world.members.map((one) =>
      [
        one.id,
        one.started ? 'started' : 'unstarted',
        one.name,
        one.peer,
        one.started ? client(one) : '',
        one.learner,
      ].join(', '),
    ),
    ...world.members
      .filter(({ started, learner }) => started && !learner)
      .map((one) =>
        isWell(world, one) ? `${client(one)} is healthy: took 2ms` : `${client(one)} is unhealthy: timeout`,
      ),
  ].join('\n');
}

/** What the seat answers when it is asked what it means that a node leaves. */
export function leaveOf(world: World, machine: Machine, script: string): string {
  const [, name = ''] = /spec\.nodeName=(\S+)/.exec(script) ?? [];
  const isUp = answers(world, machine);
  const pods = world.nodes.get(name)?.pods ?? 0;
  const address = (node: string): string =>
    world.machines.findLast((one) => one.name === node)?.address ?? '';
  const answered: Readonly<Record<string, string>> = {
    api: 'ok',
    nodes: [...world.nodes.values()]
      .map((one) =>
        [
          one.name,
          isReady(world, one) ? 'True' : 'Unknown',
          one.cordoned ? 'true' : '',
          '',
          address(one.name),
        ].join('\t'),
      )
      .join('\n'),
    pods: Array.from({ length: pods }, (_, i) =>
      ['default', `web-${i}`, 'Running', '', 'ReplicaSet', 'web', '', '{"app":"web"}'].join('\t'),
    ).join('\n'),
    controllers: ['ReplicaSet', 'default', 'web', '3', '', ''].join('\t'),
    budgets: '',
    volumes: '',
    members: membersOf(world),
  };
  const lines = Object.entries(answered).map(([word, text]) =>
    record('answer', word, isUp ? '0' : '1', isUp ? text : 'connection refused'),
  );
  return [record('landfall 1 0'), ...lines, ''].join('\n');
}
