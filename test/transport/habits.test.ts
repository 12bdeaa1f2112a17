import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../../src/shell/compile.ts';
import { sh } from '../../src/shell/sh.ts';
import { parseRecords, type ScriptRecord } from '../../src/shell/parse.ts';
import { type Program, spawned, start } from '../../src/ssh/spawned.ts';
import { factsScript, parseFacts } from '../../src/steps/facts.ts';
import { PHASES } from '../../src/steps/phases.ts';
import { scene } from '../steps/scene.ts';
import { targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { eventually } from './wait.ts';

/*
 * What people and administrators are used to: an ssh_config with files in it and rules about whom they hold for, a shell that greets,
 * a language of one's own, a /tmp nothing may be started from.
 */

/** All that is read of a node for a plan. */
const STEPS = PHASES.filter(({ stage, when }) => stage === 'nodes' && when === 'always').flatMap(
  ({ steps }) => steps(scene()),
);

/** A record whose complaints do not name the script's own folder, which is another each time. */
function nameless(r: ScriptRecord): ScriptRecord {
  return 'note' in r ? { ...r, note: r.note.replaceAll(/landfall\.\w{6}/g, 'landfall.FOLDER') } : r;
}

let sshd: Sshd;
let bastion: Sshd;
let agent: Program;
let socket: string;

const GREETING = 'Wed, 25. Nov: Willkommen auf cp-0!\\n\\036landfall 1 9\\n\\0361 right\\n';

beforeAll(async () => {
  [sshd, bastion] = await Promise.all([
    startSshd({
      users: [
        { name: 'ops', sudo: 'free', rc: `printf '${GREETING}'; printf '${GREETING}' >&2` },
        { name: 'greeted', sudo: 'free', shell: '/usr/local/bin/greeter' },
      ],
      config: ['Banner /etc/test/banner', 'PrintMotd yes'],
      prepare: `
        echo 'Zutritt nur für Befugte' >/etc/test/banner
        echo 'Heute ist Wartung.' >/etc/motd
        printf '#!/bin/sh\\necho "Guten Tag, $USER"\\necho "Heute ist $(date +%%A)" >&2\\nexec /bin/bash "$@"\\n' >/usr/local/bin/greeter
        chmod 0755 /usr/local/bin/greeter
        echo /usr/local/bin/greeter >>/etc/shells
        mount -o remount,noexec,nosuid,nodev /tmp
        localedef -i de_DE -f UTF-8 de_DE.UTF-8
        printf 'LANG=de_DE.UTF-8\\nLANGUAGE=de\\nLC_ALL=de_DE.UTF-8\\n' | tee /etc/environment >/etc/default/locale`,
    }),
    startSshd({ users: [{ name: 'jump' }] }),
  ]);
  socket = join(sshd.folder, 'agent');
  agent = start(['ssh-agent', '-D', '-a', socket]);
  await eventually('the agent', async () =>
    (await spawned(['ssh-add', '-q', sshd.identityFile], { env: { SSH_AUTH_SOCK: socket } })).status === 0
      ? true
      : undefined,
  );
});

afterAll(async () => {
  agent.kill();
  await Promise.all([sshd.stop(), bastion.stop()]);
});

/** An ssh_config that sends the operator's language along, as Debian's own does. */
async function german(user: string): Promise<Parameters<typeof targetOf>[1]> {
  const config = join(sshd.folder, `german-${user}`);
  await writeFile(config, `SendEnv LANG LC_*\nSetEnv LC_ALL=de_DE.UTF-8\nInclude ${sshd.config}\n`);
  return { user, config };
}

describe('a host that speaks German, greets, and lets nothing be started from /tmp', () => {
  test('does so, seen by ssh alone: or what follows would prove nothing', async () => {
    const { config = '' } = (await german('greeted')) ?? {};
    const ask = async (command: string): Promise<string> =>
      (
        await spawned(['ssh', '-F', config, '-p', String(sshd.port), 'greeted@127.0.0.1', command], {
          env: { LC_ALL: undefined },
        })
      ).stdout;
    expect(await ask('printf "%.1f\\n" "1,5"')).toBe('Guten Tag, greeted\n1,5\n');
    expect(
      await ask(
        'printf "#!/bin/sh\\necho started\\n" >/tmp/x; chmod 0755 /tmp/x; /tmp/x || echo not started',
      ),
    ).toContain('not started');
  });

  const asked = (target: ReturnType<typeof targetOf>) =>
    using(target, async (host) => {
      const facts = parseFacts((await host.run(factsScript())).stdout);
      const script = compile(STEPS, { mode: 'read', title: 'a test' });
      const records = parseRecords((await host.run(script)).stdout).map(nameless);
      return { facts: { ...facts, ssh: undefined }, records };
    });

  test('gives its facts and readings to everybody as to one who sends no language along', async () => {
    const wanted = await asked(targetOf(sshd));
    expect(wanted.records.length).toBe(STEPS.length + 2);
    const users = ['root', 'ops', 'greeted'];
    const found = await Promise.all(users.map(async (user) => asked(targetOf(sshd, await german(user)))));
    users.forEach((user, i) => expect([user, found[i]]).toEqual([user, wanted]));
  });

  test('makes a step as any other does, records and all', async () => {
    const step = {
      id: 'a/b',
      title: 'Write a number',
      why: 'A test.',
      read: sh`cat /run/number 2>/dev/null || echo none`,
      want: '1.5',
      make: sh`
        printf '%.1f\n' 1.5 >"$tmp/number"
        mv "$tmp/number" /run/number
        cat /nonexistent || :`,
    };
    const out = await using(targetOf(sshd, await german('greeted')), (host) =>
      host.run(compile([step], { mode: 'make', title: 'a test' })),
    );
    expect(parseRecords(out.stdout).map((r) => r.is)).toEqual(['begin', 'differs', 'made', 'end']);
    expect(out.stdout).toContain('No such file or directory');
  });
});

describe('the ssh_configs of several people', () => {
  const who = userInfo().username;

  /** One file a team shares, one of one's own that includes it; rules for whom and from where. */
  async function team(): Promise<string> {
    const folder = join(sshd.folder, 'team');
    await mkdir(join(folder, 'conf.d'), { recursive: true });
    const keys = `UserKnownHostsFile ${sshd.knownHosts} ${bastion.knownHosts}\n  GlobalKnownHostsFile /dev/null`;
    await writeFile(
      join(folder, 'conf.d/10-bastion'),
      `Host door\n  HostName 127.0.0.1\n  Port ${bastion.port}\n  User jump\n  IdentityFile ${bastion.identityFile}\n  IdentitiesOnly yes\n  ${keys}\n`,
    );
    await writeFile(
      join(folder, 'conf.d/20-nodes'),
      [
        'Host cp-*',
        '  HostName 127.0.0.1',
        '  ProxyJump door',
        `Match originalhost cp-0 localuser ${who}`,
        '  User ops',
        'Match originalhost cp-0 localuser somebody-else',
        '  User nobody-there',
        `Match host 127.0.0.1 exec "test -S ${socket}"`,
        `  IdentityAgent ${socket}`,
        'Match all',
        '  IdentityFile none',
        `  Port ${sshd.port}`,
        `  ${keys}`,
        '',
      ].join('\n'),
    );
    const own = join(folder, 'config');
    await writeFile(own, `# mine\nInclude ${folder}/conf.d/*\nHost *\n  User wrong\n`);
    return own;
  }

  test('Include, Match (host, user, exec), ProxyJump and IdentityAgent together lead in', async () => {
    const target = { name: 'cp-0', address: 'cp-0', config: await team() };
    const out = await using(target, (host) => host.run('printf "%s %s" "$(id -u)" "$SUDO_USER"'));
    expect(out.stdout).toBe('0 ops');
    expect((await bastion.log()).match(/Accepted publickey for jump/g)?.length).toBeGreaterThan(0);
  });

  test('cluster.yaml outranks them where it says so, and only there', async () => {
    const target = { name: 'cp-0', address: 'cp-0', config: await team(), user: 'root' };
    const out = await using(target, (host) => host.run('printf "%s%s" "$(id -u)" "$SUDO_USER"'));
    expect(out.stdout).toBe('0');
  });
});
