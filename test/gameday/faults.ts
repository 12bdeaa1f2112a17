import { breakLab } from '../../src/lab/break.ts';
import { start, wellOnHost } from '../lab/harness.ts';
import { after } from '../lab/live.ts';
import { byHand, HOSTS, PLANES, type Site, SPARE, WORKERS } from './site.ts';

/** Something that goes wrong on a game day; everything a lab can heal by itself is healed afterwards. */
export interface Trouble {
  readonly title: string;
  /** Does it. @param random from 0 to 1. Gives what has become of it, in words. */
  readonly strike: (site: Site, random: () => number) => Promise<string>;
}

const pick = <T>(from: readonly [T, ...T[]], random: () => number): T =>
  from[Math.floor(random() * from.length)] ?? from[0];
const MEMBERS = [...PLANES, ...WORKERS] as const;

/** How long a fault is left alone: from 5 to 25 seconds. */
const while_ = (random: () => number): Promise<void> => after(5000 + 20_000 * random());

const SIDES: readonly [readonly string[], ...(readonly string[])[]] = [
  [PLANES[0], WORKERS[0]],
  [PLANES[1], WORKERS[1]],
  [PLANES[2], WORKERS[0]],
];

/** A landfall that is killed in the middle, and one more that goes on. @param undo what else is done so that the next day begins as this one. */
async function killed(site: Site, random: () => number, ...words: readonly string[]): Promise<string> {
  const { child, ended } = start(site.place, words);
  const ms = Math.round(2000 + 40_000 * random());
  const isOver = await Promise.race([ended.then(() => true), after(ms).then(() => false)]);
  child.kill('SIGKILL');
  await ended;
  return isOver ? `it had ended before ${ms} ms` : `killed after ${ms} ms`;
}

async function again(site: Site, words: readonly string[]): Promise<string> {
  for (let tries = 1; tries <= 3; tries++) {
    const { ended } = start(site.place, words);
    const { status, stdout, stderr } = await ended;
    // What the first one had brought to its end is refused the second time: there is no such node, or it is there already.
    if (status === 0 || /no node|is not in|already/.test(stderr)) return `then ${tries} more`;
    if (tries === 3)
      throw new Error(`landfall ${words.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
  }
  return '';
}

/** Every fault of a game day. */
export const TROUBLES: readonly [Trouble, ...Trouble[]] = [
  {
    title: 'a host loses its power, and comes back',
    async strike(site, random) {
      const host = pick(MEMBERS, random);
      await breakLab(site.lab.name, { is: 'power-loss', host });
      await while_(random);
      await breakLab(site.lab.name, { is: 'start', host });
      return host;
    },
  },
  {
    title: 'the host with the virtual address loses its power',
    async strike(site, random) {
      for (const host of PLANES) {
        if ((await byHand(site, host, `ip -4 -o addr show to ${site.address}/32`)) === '') continue;
        await breakLab(site.lab.name, { is: 'power-cut', host });
        await while_(random);
        return host;
      }
      return 'nobody had it';
    },
  },
  {
    title: 'a host reboots',
    async strike(site, random) {
      const host = pick(MEMBERS, random);
      await breakLab(site.lab.name, { is: 'reboot', host });
      return host;
    },
  },
  {
    title: 'a cable is pulled',
    async strike(site, random) {
      const host = pick(MEMBERS, random);
      await breakLab(site.lab.name, { is: 'link-down', host });
      await while_(random);
      return host;
    },
  },
  {
    title: 'two hosts no longer hear the other three',
    async strike(site, random) {
      const side = pick(SIDES, random);
      const others = HOSTS.filter((host) => !side.includes(host));
      for (const a of side) for (const b of others) await breakLab(site.lab.name, { is: 'partition', a, b });
      await while_(random);
      return side.join(' and ');
    },
  },
  {
    title: 'kubelet is stopped',
    async strike(site, random) {
      const host = pick(MEMBERS, random);
      await byHand(site, host, 'systemctl stop kubelet');
      await while_(random);
      return host;
    },
  },
  {
    title: 'CRI-O is stopped',
    async strike(site, random) {
      const host = pick(MEMBERS, random);
      await byHand(site, host, 'systemctl stop crio');
      await while_(random);
      return host;
    },
  },
  {
    title: 'etcd is killed',
    async strike(site, random) {
      const host = pick(PLANES, random);
      await byHand(site, host, 'kill -KILL $(pgrep -xo etcd)');
      return host;
    },
  },
  {
    title: 'etcd’s manifest is taken away',
    async strike(site, random) {
      const host = pick(PLANES, random);
      await byHand(site, host, 'mv /etc/kubernetes/manifests/etcd.yaml /root/');
      await while_(random);
      await byHand(site, host, 'mv /root/etcd.yaml /etc/kubernetes/manifests/');
      return host;
    },
  },
  {
    title: 'a disk is full to its last megabyte',
    async strike(site, random) {
      const host = pick(MEMBERS, random);
      await breakLab(site.lab.name, { is: 'disk-full', host });
      await while_(random);
      return host;
    },
  },
  {
    title: 'landfall is killed while it adds a worker, and later while it takes it out',
    async strike(site, random) {
      const add = ['node', 'add', SPARE, '--address', site.addressOf(SPARE), '--yes'];
      const remove = ['node', 'remove', SPARE, '--yes', SPARE];
      const came = await killed(site, random, ...add);
      const added = await again(site, ['apply', '--yes', '--no-proof']);
      const hasCome = (await wellOnHost(site.lab, SPARE, 'ls /etc/kubernetes/kubelet.conf || :')) !== '';
      if (!hasCome) return `${came}, before anything had begun; ${added}`;
      const went = await killed(site, random, ...remove);
      return `${came}, ${added}; ${went}, ${await again(site, remove)}`;
    },
  },
  {
    title: 'landfall is killed while it replaces a control plane',
    async strike(site, random) {
      const host = pick(PLANES, random);
      const words = ['node', 'replace', host, '--yes', host];
      return `${host}: ${await killed(site, random, ...words)}, ${await again(site, words)}`;
    },
  },
];
