import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import { labDown } from '../../src/lab/down.ts';
import { initPid } from '../../src/lab/host.ts';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { RunEvent } from '../../src/run/event.ts';
import { historyFolder } from '../../src/run/history.ts';
import { PHASES } from '../../src/steps/phases.ts';
import { clusterYaml, type Desk, desk, type Ended, freshLab, landfall, put, wellOnHost } from './harness.ts';
import { after, descendants, eventually, historyFiles, type Live, live, processes, random } from './live.ts';
import { filesHolding, foundIn, rootOf, type Sampler, sampler, type Secrets, secretsOf } from './secrets.ts';
import { differences, type Snapshot, snapshot } from './snapshot.ts';

/*
 * Two hosts, each made a cluster of while somebody does his worst, and a third made in peace to compare them with. On the
 * first landfall itself is killed and stopped, on the second its connections are cut, and the host is rebooted in between.
 */

const NAME = 'test-interrupt';
const SEED = Number(process.env['LANDFALL_TEST_SEED'] ?? Date.now() % 100_000);
const ORDER = PHASES.map((p) => p.id);

let lab: Lab;
const desks = new Map<string, Desk>();

/** What happened to one landfall. */
interface Act {
  readonly what: string;
  /** The phase that went on when it happened. */
  readonly phase: string;
  readonly ended: Ended;
  readonly events: readonly RunEvent[];
  /** Whether the host worked on, or was just done, after landfall was gone. */
  readonly wentOn?: boolean;
  /** Processes of landfall's that were still there five seconds later. */
  readonly lingering?: readonly string[];
}

/** A host's whole story. */
interface Story {
  readonly acts: readonly Act[];
  readonly snapshot: Snapshot;
  /** The plan after it all. */
  readonly plan: Ended;
}

const desk_ = (host: string): Desk => {
  const found = desks.get(host);
  if (found === undefined) throw new Error(`no desk for ${host}`);
  return found;
};

const clusterOf = (host: string): string => `${NAME}-${host}`;

/** The phase an event tells of: of the run's own, or of the work it follows. */
function phaseOf(event: RunEvent): string | undefined {
  if (event.is === 'phase') return event.phase;
  if (event.is === 'notice' && event.code === 'run/adrift')
    return /\(([a-z-]+?)(-\d+)?\)/.exec(event.text)?.[1];
  return undefined;
}

/** Waits until landfall works on this phase or a later one; gives which, or undefined when it ends before. */
async function within(run: Live, phase: string): Promise<string | undefined> {
  const event = await run.first((e) => ORDER.indexOf(phaseOf(e) ?? '') >= ORDER.indexOf(phase));
  return event === undefined ? undefined : phaseOf(event);
}

/** The file a host's detached work of this phase tells its events to, looked at from outside. */
async function eventsFile(host: string): Promise<string | undefined> {
  const root = `/proc/${await initPid(lab, host)}/root/run/landfall/runs`;
  const files = existsSync(root)
    ? readdirSync(root, { recursive: true })
        .map((name) => join(root, String(name)))
        .filter((name) => name.endsWith('/events'))
    : [];
  return files.sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs).at(-1);
}

/** Has the detached work on a host stand still or go on: however fast the host is, it is then still at work when the next run comes. */
async function work(host: string, signal: 'STOP' | 'CONT'): Promise<void> {
  await wellOnHost(lab, host, `systemctl kill --kill-whom=all --signal=${signal} 'landfall-*.service'`);
}

/** Ends landfall without a word, and sees what goes on without it; that stands still then. */
async function kill(run: Live, host: string): Promise<Pick<Act, 'wentOn' | 'lingering'>> {
  const own = descendants(run.child.pid ?? 0);
  run.child.kill('SIGKILL');
  await run.ended;
  const file = await eventsFile(host);
  const size = file === undefined ? 0 : statSync(file).size;
  const isOver = async (): Promise<boolean> =>
    (
      await wellOnHost(lab, host, `systemctl list-units 'landfall-*.service' --no-legend --plain | wc -l`)
    ).trim() === '0';
  const wentOn =
    file !== undefined &&
    (await eventually('the work to go on', async () => {
      if (!existsSync(file) || statSync(file).size > size) return true;
      return (await isOver()) ? statSync(file).size > size : undefined;
    }));
  await work(host, 'STOP');
  const lingering = await eventually(
    'children to end',
    () => {
      const left = own.flatMap((pid) => processes().get(pid)?.args ?? []).filter((args) => args !== '');
      return left.length === 0 ? left : undefined;
    },
    5000,
  ).catch(() => own.flatMap((pid) => processes().get(pid)?.args ?? []));
  return { wentOn, lingering };
}

/** Has work that stands still go on as soon as this run follows it, or has found nothing to follow. */
async function goingOn(run: Live, host: string): Promise<void> {
  await run.first((e) => e.is === 'run' || (e.is === 'notice' && e.code === 'run/adrift'));
  await work(host, 'CONT');
}

type Death = 'SIGKILL' | 'SIGINT' | 'SIGINT SIGINT' | 'SIGTERM';

/** One landfall that is ended by a signal a while after a phase has begun; undefined when it came to its end before. */
async function death(
  host: string,
  how: Death,
  phase: string,
  ms: number,
  flags: readonly string[],
): Promise<Act> {
  const run = live(desk_(host), clusterOf(host), 'apply', '--yes', ...flags);
  await goingOn(run, host);
  const found = await within(run, phase);
  await after(ms);
  if (how === 'SIGKILL') {
    const seen = await kill(run, host);
    return { what: how, phase: found ?? 'none', ended: await run.ended, events: run.events(), ...seen };
  }
  for (const signal of how.split(' ')) {
    run.child.kill(signal as NodeJS.Signals);
    await after(200);
  }
  return { what: how, phase: found ?? 'none', ended: await run.ended, events: run.events() };
}

async function toTheEnd(host: string, flags: readonly string[] = []): Promise<Act> {
  const run = live(desk_(host), clusterOf(host), 'apply', '--yes', ...flags);
  await goingOn(run, host);
  const ended = await run.ended;
  return { what: 'left alone', phase: 'none', ended, events: run.events() };
}

async function endOf(host: string, acts: readonly Act[]): Promise<Story> {
  const plan = await landfall(desk_(host), 'plan', '--exit-code');
  return { acts, plan, snapshot: await snapshot(lab, host) };
}

/** Landfall itself is killed and stopped, again and again. */
async function killed(host: string, chance: () => number): Promise<Story> {
  const upTo = (ms: number): number => Math.round(chance() * ms);
  const acts: Act[] = [];
  const die = async (how: Death, phase: string, ms: number, ...flags: string[]): Promise<void> => {
    console.log(`${host}: ${how} in ${phase} + ${ms} ms`);
    acts.push(await death(host, how, phase, ms, flags));
  };
  await die('SIGKILL', 'prepare', upTo(500), '--json');
  await die('SIGINT SIGINT', 'packages', upTo(6000), '--verbose');
  await die('SIGKILL', 'packages', upTo(6000));
  await die('SIGINT', 'runtime', upTo(300));
  // At once: the wish to stop may come before the script does.
  await die('SIGTERM', 'control-plane', 0);
  await die('SIGTERM', 'control-plane', upTo(6000));
  await die('SIGKILL', 'control-plane', upTo(12_000), '--quiet');
  await die('SIGKILL', 'network', upTo(5000), '--verbose');
  await die('SIGKILL', 'proof', upTo(3000));
  acts.push(await toTheEnd(host));
  return endOf(host, acts);
}

/** The ssh processes of a landfall. */
const connections = (run: Live): readonly number[] => {
  const all = processes();
  return descendants(run.child.pid ?? 0).filter((pid) => all.get(pid)?.args.startsWith('ssh ') === true);
};

/** Ends, on the host, every session of sshd but the one that asks for it. */
const SESSIONS = `
own=$$; while [ "$own" -gt 1 ]; do spared="$spared $own "; own=$(awk '/^PPid:/ { print $2 }' /proc/$own/status); done
main=$(systemctl show -p MainPID --value ssh)
for pid in $(pgrep -P "$main"); do case $spared in *" $pid "*) ;; *) kill -9 "$pid" ;; esac; done`;

/** Kills processes, of which some may just have ended. */
function killAll(pids: readonly number[]): void {
  for (const pid of pids)
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
}

type Cut = 'cable' | 'session' | 'both';

/** Cuts the connection: the cable for some seconds, the session at the host's end, or the cable with our own end of it. */
async function cut(run: Live, host: string, how: Cut, ms: number): Promise<void> {
  if (how === 'session') {
    await wellOnHost(lab, host, SESSIONS);
    return;
  }
  await breakLab(NAME, { is: 'link-down', host });
  if (how === 'both') killAll(connections(run));
  await after(ms);
  await breakLab(NAME, { is: 'link-up', host });
}

/** Connections are cut, but landfall is left alone; once the host is rebooted. */
async function cutOff(host: string, chance: () => number): Promise<Story> {
  const upTo = (ms: number): number => Math.round(chance() * ms);
  const impatient = live(desk_(host), clusterOf(host), 'apply', '--yes', '--patience', '3');
  const phase = (await within(impatient, 'packages')) ?? 'none';
  await after(upTo(4000));
  await work(host, 'STOP');
  await breakLab(NAME, { is: 'link-down', host });
  killAll(connections(impatient));
  const ended = await impatient.ended;
  await breakLab(NAME, { is: 'link-up', host });
  const acts: Act[] = [{ what: 'patience over', phase, ended, events: impatient.events() }];

  const run = live(desk_(host), clusterOf(host), 'apply', '--yes');
  await goingOn(run, host);
  const meet = async (how: Cut | 'reboot', at: string, ms: number, forMs = 0): Promise<void> => {
    console.log(`${host}: ${how} in ${at} + ${ms} ms${forMs === 0 ? '' : ` for ${forMs} ms`}`);
    await within(run, at);
    await after(ms);
    await (how === 'reboot' ? reboot(NAME, host) : cut(run, host, how, forMs));
  };
  await meet('cable', 'packages', upTo(3000), 1000 + upTo(3000));
  await meet('session', 'runtime', upTo(500));
  await meet('session', 'control-plane', upTo(3000));
  await meet('reboot', 'control-plane', 2000 + upTo(8000));
  await meet('both', 'network', upTo(4000), 2000 + upTo(3000));
  await meet('session', 'proof', upTo(2000));
  acts.push({ what: 'cut off', phase: 'all', ended: await run.ended, events: run.events() });
  return endOf(host, acts);
}

async function inPeace(host: string): Promise<Story> {
  return endOf(host, [await toTheEnd(host)]);
}

let stories: Readonly<Record<'killed' | 'cut' | 'peace', PromiseSettledResult<Story>>>;

/** A story that was told to its end. @throws what kept it from that. */
function story(name: keyof typeof stories): Story {
  const settled = stories[name];
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/** What every process was called with while all this went on. */
let called = '';

beforeAll(async () => {
  console.log(`LANDFALL_TEST_SEED=${SEED}`);
  const watch: Sampler = sampler();
  lab = await freshLab(NAME, ['cp-0', 'cp-1', 'cp-2']);
  for (const host of lab.hosts) {
    const place = desk();
    const yaml = clusterYaml({ ...lab, hosts: [host] });
    put(place, 'cluster.yaml', yaml.replace(/^name: .*/m, `name: ${clusterOf(host.name)}`));
    desks.set(host.name, place);
  }
  const [one, two, three] = await Promise.allSettled([
    killed('cp-0', random(SEED)),
    cutOff('cp-1', random(SEED + 1)),
    inPeace('cp-2'),
  ]);
  stories = { killed: one, cut: two, peace: three };
  called = await watch.end();
});

afterAll(async () => {
  await labDown(NAME, () => undefined);
  for (const [host, { dir }] of desks)
    for (const path of [dir, join(historyFolder(clusterOf(host)), '..')])
      rmSync(path, { recursive: true, force: true });
});

const said = ({ stdout, stderr }: Ended): string => `${stdout}\n${stderr}`;
const notices = ({ events }: Act): readonly string[] =>
  events.flatMap((e) => (e.is === 'notice' ? [e.code] : []));
const acts = (what: string): readonly Act[] => story('killed').acts.filter((a) => a.what === what);

/** Makes two hosts comparable: their own names, addresses, keys and what these are written into are left out. */
function common(lines: Snapshot, host: string): Snapshot {
  const address = lab.hosts.find((h) => h.name === host)?.address ?? '';
  const own = (line: string): string =>
    line.replaceAll(clusterOf(host), 'CLUSTER').replaceAll(host, 'NODE').replaceAll(address, 'ADDRESS');
  const PERSONAL =
    /^file\t(\/etc\/(hostname|hosts|machine-id|ssh\/|kubernetes\/|resolv\.conf|systemd\/system\/(timers\.target\.wants\/)?landfall-renew\.timer)|\/var\/lib\/(landfall\/|dbus\/machine-id)|\/usr\/local\/(sbin|lib)\/landfall|\/home\/)/;
  return lines
    .map((line) => {
      const words = own(line).split('\t');
      if (words[0] === 'file' && PERSONAL.test(line)) return words.slice(0, 5).join('\t');
      if (words[0] === 'object')
        return [words[1], words[2]?.replace(/(-[a-z0-9]{8,10})?-[a-z0-9]{5}$|-[a-z0-9]{9,10}$/, '')].join(
          '\t',
        );
      return words.join('\t');
    })
    .sort();
}

describe('landfall killed', () => {
  test('five times, each run goes on where the work has come to, and the end is an empty plan', () => {
    expect(acts('SIGKILL').map((a) => a.ended.status === null || said(a.ended))).toEqual(Array(5).fill(true));
    expect(story('killed').acts.at(-1)?.ended.status, said(story('killed').acts.at(-1)?.ended as Ended)).toBe(
      0,
    );
    expect(story('killed').plan.status, said(story('killed').plan)).toBe(0);
  });

  test('leaves nothing of itself running here', () => {
    expect(acts('SIGKILL').flatMap((a) => a.lingering ?? ['?'])).toEqual([]);
  });

  test('does not end the work on the host, and the next run follows it before it does anything', () => {
    expect(acts('SIGKILL').filter((a) => a.wentOn === true).length).toBeGreaterThanOrEqual(2);
    const following = story('killed').acts.filter((a) => notices(a).includes('run/adrift'));
    expect(following.length).toBeGreaterThanOrEqual(2);
    for (const { events } of following) {
      const [adrift, begin] = ['notice', 'run'].map((is) => events.findIndex((e) => e.is === is));
      expect(adrift).toBeGreaterThanOrEqual(0);
      if (begin !== undefined && begin >= 0) expect(adrift).toBeLessThan(begin);
    }
  });
});

describe('landfall stopped', () => {
  test('by Ctrl-C once, finishes the step at hand, begins no other, and says so', () => {
    const [act] = acts('SIGINT');
    expect(act?.ended.status, said(act?.ended as Ended)).toBe(130);
    expect(act?.ended.stderr).toContain('stopping after the current step; again to stop now');
    expect(act?.ended.stderr).toContain('Stopped.');
    const states = act?.events.flatMap((e) => (e.is === 'step' ? [e.state] : [])) ?? [];
    const skipped = states.indexOf('skipped');
    expect(skipped === -1 ? [] : states.slice(skipped).filter((s) => s !== 'skipped')).toEqual([]);
    expect(states.filter((s) => s === 'failed')).toEqual([]);
    expect(act?.events.at(-1)).toMatchObject({ is: 'end', exit: 130 });
  });

  test('by Ctrl-C twice or a request to terminate, ends at once and tells which', () => {
    for (const [what, status] of [
      ['SIGINT SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      expect(acts(what).length).toBeGreaterThan(0);
      for (const { ended, events } of acts(what)) {
        expect(ended.status, said(ended)).toBe(status);
        expect(said(ended)).toContain('Stopped.');
        expect(events.at(-1)).toMatchObject({ is: 'end', exit: status });
      }
    }
  });
});

describe('a connection that is cut', () => {
  const run = (): Act => story('cut').acts.at(-1) as Act;

  test('five times, and a reboot in between, is found again in the same run, which comes to its end', () => {
    expect(run().ended.status, said(run().ended)).toBe(0);
    expect(story('cut').plan.status, said(story('cut').plan)).toBe(0);
    expect(notices(run()).filter((n) => n === 'run/lost').length).toBeGreaterThanOrEqual(4);
    expect(notices(run()).filter((n) => n === 'run/found').length).toBeGreaterThanOrEqual(4);
    expect(notices(run())).toContain('run/again');
  });

  test('has nothing made twice', () => {
    const made = run().events.flatMap((e) => (e.is === 'step' && e.state === 'made' ? [e.step] : []));
    expect(made.filter((step, i) => made.indexOf(step) !== i)).toEqual([]);
    // What was at hand when the host went down is begun again; all else is begun once.
    const making = run().events.flatMap((e) =>
      e.is === 'step' && e.state === 'making' && e.phase !== 'control-plane' ? [e.step] : [],
    );
    expect(making.filter((step, i) => making.indexOf(step) !== i)).toEqual([]);
  });

  test('for longer than the patience ends the run, says that the work goes on and how to follow it; the next run does', () => {
    const [act] = story('cut').acts;
    expect(act?.ended.status, said(act?.ended as Ended)).toBe(4);
    expect(act?.ended.stderr).toContain('the work begun there goes on without us');
    expect(act?.ended.stderr).toContain('landfall apply follows that work to its end');
    expect(notices(run())[0]).toBe('run/adrift');
  });
});

describe('a host made amid all that', () => {
  test.each([
    ['cp-0', 'killed'],
    ['cp-1', 'cut'],
  ] as const)('%s is the one it would have been in peace', (host, name) => {
    const peace = common(story('peace').snapshot, 'cp-2');
    expect(story('peace').plan.status).toBe(0);
    expect(differences(peace, common(story(name).snapshot, host))).toEqual([]);
    expect(peace.filter((line) => line.startsWith('package\t')).length).toBeGreaterThan(100);
  });
});

describe('secrets', () => {
  const hosts = ['cp-0', 'cp-1', 'cp-2'];
  let secrets: Secrets = new Map();

  beforeAll(async () => {
    const all = await Promise.all(hosts.map((host) => secretsOf(lab, host)));
    secrets = new Map(all.flatMap((one) => [...one]));
  });

  test('are those of three clusters: keys of authorities, servers and people, and tokens', () => {
    const sources = new Set(
      [...secrets.values()].map((s) => s.replace(/-[a-z0-9]{6}$/, '').replace(/\d{4}-.*\.pem/, 'DATE')),
    );
    expect([...sources].sort()).toEqual(
      expect.arrayContaining([
        'pki/ca.key',
        'pki/etcd/ca.key',
        'pki/sa.key',
        'admin.conf',
        'secret/bootstrap-token',
      ]),
    );
    expect(secrets.size).toBeGreaterThan(1000);
    for (const part of [0, 500, 1000]) {
      const secret = [...secrets.keys()][part] ?? '';
      // No character of a key stands around it: that would be the one cut off, once in sixty-four.
      expect(foundIn(`<${secret}>`, secrets)).toHaveLength(1);
      expect(foundIn(`<${secret.slice(1, 16)}>`, secrets)).toEqual([]);
    }
  });

  test('are in no argument of any process, here or on a host', () => {
    expect(called).toMatch(/kubeadm(\.real)? init --config/);
    expect(called).toContain('landfall_mark');
    expect(called).toMatch(/kubectl .*--server-side/);
    expect(foundIn(called, secrets)).toEqual([]);
  });

  test('are in nothing that was shown or written down here: events, plans, the lock, what was said in every manner', () => {
    const texts = ([...Object.values(stories)] as const).flatMap((s) =>
      s.status === 'fulfilled' ? [s.value.plan, ...s.value.acts.map((a) => a.ended)].map(said) : [],
    );
    for (const host of hosts) {
      const files = historyFiles(desk_(host), clusterOf(host));
      expect(files.some((f) => f.path.endsWith('events.jsonl') && f.text.includes('"is":"output"'))).toBe(
        true,
      );
      expect(files.some((f) => f.path.endsWith('plan.json'))).toBe(true);
      texts.push(...files.map((f) => f.text));
      expect(filesHolding(desk_(host).dir, secrets)).toEqual([]);
    }
    expect(foundIn(texts.join('\n'), secrets)).toEqual([]);
    for (const folder of readdirSync(tmpdir()).filter((name) => /^landfall-\d+$/.test(name)))
      expect(filesHolding(join(tmpdir(), folder), secrets)).toEqual([]);
  });

  test.each(hosts)('on %s are in their own files, which only root can read, and in no log', async (host) => {
    const root = await rootOf(lab, host);
    const folders = ['etc', 'home', 'opt', 'root', 'run', 'srv', 'tmp', 'var'].map((name) =>
      join(root, name),
    );
    const leftOut = ['var/lib/containers', 'var/lib/etcd', 'run/systemd/nspawn'].map((path) =>
      join(root, path),
    );
    const holding = folders.flatMap((folder) => filesHolding(folder, secrets, leftOut));
    const OWN =
      /^\/(etc\/kubernetes\/(pki\/.*\.key|[a-z-]+\.conf)|var\/lib\/kubelet\/pki\/.*\.(key|pem)|var\/backups\/landfall\/etcd\/[^/]*\.db)$/;
    const paths = holding.map(({ path, mode }) => ({
      path: path.slice(root.length),
      mode: mode.toString(8),
    }));
    expect(paths.filter(({ path }) => !OWN.test(path))).toEqual([]);
    expect(paths.filter(({ mode }) => mode !== '600')).toEqual([]);
    expect(paths.map(({ path }) => path)).toContain('/etc/kubernetes/pki/ca.key');
    expect(await wellOnHost(lab, host, 'stat -c %a /var/lib/etcd /var/lib/landfall')).toBe('700\n700\n');
    const journal = await wellOnHost(lab, host, 'journalctl --no-pager -o cat');
    expect(journal).toContain('kubelet');
    expect(foundIn(journal, secrets)).toEqual([]);
  });
});
