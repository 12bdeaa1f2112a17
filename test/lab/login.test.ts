import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readCluster } from '../../src/config/load.ts';
import { asText } from '../../src/config/text.ts';
import { setLink } from '../../src/lab/cut.ts';
import { fromOutside } from '../../src/lab/host.ts';
import { namespacePath, namesOf } from '../../src/lab/names.ts';
import { reboot } from '../../src/lab/power.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { RunEvent } from '../../src/run/event.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  type Ended,
  freshLab,
  landfall,
  onHost,
  put,
  well,
  wellOnHost,
} from './harness.ts';
import { after, eventually, live } from './live.ts';

/*
 * sshd is moved to another port on a real host, and every part of that is cut short: whoever could log in can, through one of the two
 * ports cluster.yaml knows, at every moment; and the next apply ends what was begun.
 */

const NAME = 'test-login';
const HOST = 'cp-0';
const NEW = 22322;
const UNIT = 'landfall-ssh-back';

let lab: Lab;
let place: Desk;

const wish = (more = '', ssh = ''): string =>
  clusterYaml(lab, `${ssh}host:\n  ssh: { port: ${NEW}${more} } # another door\n`);
const file = (): string => readFileSync(join(place.dir, 'cluster.yaml'), 'utf8');
const portInFile = (): number | undefined => readCluster(asText('cluster.yaml', file())).cluster.ssh.port;
const login = (...more: readonly string[]): Promise<Ended> =>
  landfall(place, 'apply', '--yes', '--only', 'login', ...more);

/** What was said, in one line: messages are broken to the width of a terminal. */
const flat = ({ stderr }: Ended): string => stderr.replaceAll(/\s+/g, ' ');

/** A command in the host's own network, whatever sshd does. */
const inNetwork = (...argv: readonly string[]): string =>
  execFileSync('nsenter', [`--net=${namespacePath(namesOf(NAME).host(HOST))}`, ...argv], {
    encoding: 'utf8',
  });

/** Whether an sshd greets on a port, seen from outside. */
function answers(port: number): boolean {
  const knock = `use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => "$ARGV[0]:$ARGV[1]", Timeout => 2) or exit 1; $s->read(my $b, 4); exit($b eq "SSH-" ? 0 : 1)`;
  const [program = '', ...args] = fromOutside(lab, [
    'timeout',
    '5',
    'perl',
    '-e',
    knock,
    lab.hosts[0]?.address ?? '',
    String(port),
  ]);
  try {
    execFileSync(program, args);
    return true;
  } catch {
    return false;
  }
}
const doors = (): readonly number[] => [22, NEW].filter(answers);

/** Drops what comes to a port, as a firewall would; nothing any more without one. */
function firewall(port: number | undefined): void {
  const chain = `type filter hook input priority 0; policy accept;\ntcp dport ${port ?? 0} ct state new drop\n`;
  const rules = `table inet hand\ndelete table inet hand\n${port === undefined ? '' : `table inet hand {\nchain in {\n${chain}}\n}\n`}`;
  execFileSync('nsenter', [`--net=${namespacePath(namesOf(NAME).host(HOST))}`, 'nft', '-f', '-'], {
    input: rules,
  });
}

/** The three minutes are over, and the host has done by itself what it does then: for a moment of that sshd takes nobody. */
async function timeIsUp(): Promise<void> {
  await wellOnHost(
    lab,
    HOST,
    `if systemctl is-active -q ${UNIT}.timer; then
      systemctl start ${UNIT}.service; systemctl stop ${UNIT}.timer || true
      while systemctl -q is-active ${UNIT}.service; do sleep 0.1; done
    fi`,
  );
  await after(1000);
}

/** The host as it came, on port 22; and a cluster.yaml that wishes for another. */
async function anew(): Promise<void> {
  firewall(undefined);
  await wellOnHost(
    lab,
    HOST,
    `systemctl stop ${UNIT}.timer 2>/dev/null || :
    rm -rf /etc/ssh/sshd_config.d/* /etc/systemd/system/ssh.socket.d /var/lib/landfall /run/landfall-ssh /etc/kubernetes
    systemctl daemon-reload
    if systemctl -q is-enabled ssh.socket; then systemctl disable --now ssh.socket; systemctl enable ssh.service; fi
    systemctl restart ssh.service`,
  );
  put(place, 'cluster.yaml', wish());
}

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
  put(place, 'cluster.yaml', wish());
  // Versions are known, so that nobody has to be asked for them again.
  await well(place, 'apply', '--yes', '--only', 'prepare');
});

afterAll(() => cleared(NAME, place));

beforeEach(anew);

const NOTHING = /as cluster\.yaml says/;

describe('a move', () => {
  test('ends with the new port alone, and cluster.yaml following; holds after a reboot; and goes back', async () => {
    const before = file();
    await well(place, 'apply', '--yes', '--only', 'prepare', '--only', 'login');
    expect(doors()).toEqual([NEW]);
    expect(portInFile()).toBe(NEW);
    for (const line of before.trim().split('\n')) expect(file()).toContain(line);
    expect((await login()).stdout).toMatch(NOTHING);
    await reboot(NAME, HOST);
    expect(doors()).toEqual([NEW]);
    expect((await login()).stdout).toMatch(NOTHING);
    await well(place, 'reset', '--yes', '--cluster', NAME);
    expect([doors(), portInFile()]).toEqual([[22], 22]);
    await reboot(NAME, HOST);
    expect(doors()).toEqual([22]);
    expect(
      (await onHost(lab, HOST, 'ls -A /etc/ssh/sshd_config.d; ls -d /var/lib/landfall 2>/dev/null')).stdout,
    ).toBe('');
  });

  test('where systemd listens for sshd, as on Ubuntu: with a drop-in of its generator, each family apart', async () => {
    await wellOnHost(
      lab,
      HOST,
      `mkdir -p /etc/systemd/system/ssh.socket.d
      printf '[Socket]\\nListenStream=\\nListenStream=0.0.0.0:22\\nListenStream=[::]:22\\nBindIPv6Only=ipv6-only\\n' >/etc/systemd/system/ssh.socket.d/addresses.conf
      systemctl daemon-reload
      systemctl disable ssh.service; systemctl stop ssh.service; systemctl enable --now ssh.socket`,
    );
    expect(doors()).toEqual([22]);
    await well(place, 'apply', '--yes', '--only', 'prepare', '--only', 'login');
    expect([doors(), portInFile()]).toEqual([[NEW], NEW]);
    await reboot(NAME, HOST);
    expect(doors()).toEqual([NEW]);
    expect((await login()).stdout).toMatch(NOTHING);
    await well(place, 'reset', '--yes', '--cluster', NAME);
    expect([doors(), portInFile()]).toEqual([[22], 22]);
    await reboot(NAME, HOST);
    expect(doors()).toEqual([22]);
  });

  test('by a user whose sudo asks for no password, with the key pinned in cluster.yaml', async () => {
    const key = (await wellOnHost(lab, HOST, 'cut -d " " -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim();
    put(
      place,
      'cluster.yaml',
      wish('', 'ssh:\n  user: ops # not root\n').replace(
        ' workloads: true',
        ` workloads: true, hostKey: ${key}`,
      ),
    );
    expect((await login()).status).toBe(0);
    expect([doors(), portInFile()]).toEqual([[NEW], NEW]);
    expect(file()).toContain('  user: ops # not root\n');
    expect((await onHost(lab, HOST, 'cat /run/landfall-ssh/proven')).stdout).toBe(`ops ${NEW}\n`);
    expect((await login()).stdout).toMatch(NOTHING);
  });
});

describe('a move that cannot be', () => {
  test('because a firewall blocks the new port: the old one stays, and the host takes the new one back by itself', async () => {
    firewall(NEW);
    const ended = await login();
    expect(ended.status).toBe(1);
    expect(flat(ended)).toMatch(/a firewall, on the host or before it/);
    expect(flat(ended)).toMatch(/The old port is still open/);
    expect([doors(), portInFile()]).toEqual([[22], undefined]);
    // Not helped along: the host's own three minutes.
    await eventually(
      'the host to take the new port back',
      () => (inNetwork('ss', '-Hltn', `sport = :${NEW}`) === '' ? true : undefined),
      240_000,
    );
    expect(doors()).toEqual([22]);
    expect((await onHost(lab, HOST, 'ls /etc/ssh/sshd_config.d')).stdout).toBe('');
    firewall(undefined);
    expect((await login()).status).toBe(0);
    expect([doors(), portInFile()]).toEqual([[NEW], NEW]);
  });

  test('because another program has the port: before anything is touched, and also when it came since', async () => {
    await wellOnHost(
      lab,
      HOST,
      `systemd-run -q --unit=squatter perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalPort => ${NEW}, Listen => 1, ReuseAddr => 1) or die; sleep 600'
      n=0; until ss -Hltn 'sport = :${NEW}' | grep -q .; do n=$((n + 1)); [ $n -lt 100 ]; sleep 0.1; done`,
    );
    const looked = await landfall(place, 'apply', '--yes', '--only', 'preflight/ssh-port');
    expect([looked.status, looked.stderr]).toEqual([
      1,
      expect.stringContaining(`another program listens on port ${NEW}`),
    ]);
    const ended = await login();
    expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining(`port ${NEW} is held by perl`)]);
    expect((await onHost(lab, HOST, 'ls /etc/ssh/sshd_config.d; systemctl stop squatter')).stdout).toBe('');
    expect(doors()).toEqual([22]);
  });

  test('because a part of the list alone was asked for: nothing is closed without a login from outside', async () => {
    const ended = await landfall(
      place,
      'apply',
      '--yes',
      '--only',
      'login/port-beside',
      '--only',
      'login/port',
    );
    expect([ended.status, ended.stderr]).toEqual([
      1,
      expect.stringContaining('nobody has just logged in from outside'),
    ]);
    expect(doors()).toEqual([22, NEW]);
    expect((await landfall(place, 'plan', '--only', 'login')).status).toBe(0);
  });

  test('back, because the old port does not answer any more: both stay open, and nobody is locked out', async () => {
    await well(place, 'apply', '--yes', '--only', 'prepare', '--only', 'login');
    firewall(22);
    const ended = await landfall(place, 'reset', '--yes', '--cluster', NAME);
    expect([ended.status, ended.stderr]).toEqual([
      1,
      expect.stringContaining('the new one stays open beside it'),
    ]);
    expect([doors(), portInFile()]).toEqual([[NEW], NEW]);
    firewall(undefined);
    expect(doors()).toEqual([22, NEW]);
    await well(place, 'reset', '--yes', '--cluster', NAME);
    expect([doors(), portInFile()]).toEqual([[22], 22]);
  });
});

type Moment = readonly [name: string, which: (event: RunEvent) => boolean];

const told = (step: string, state: string): Moment => [
  `${step} ${state}`,
  (e) => e.is === 'step' && e.step === step && e.state === state,
];
const MOMENTS: readonly Moment[] = [
  told('login/port-beside', 'making'),
  told('login/port-beside', 'made'),
  told('login/answers', 'making'),
  told('login/answers', 'made'),
  told('login/port', 'making'),
  told('login/port', 'made'),
];

describe('a move in the middle of which', () => {
  test.each(MOMENTS)('the operator is killed: %s', async (_, which) => {
    const run = live(place, NAME, 'apply', '--yes', '--only', 'login');
    await run.first(which);
    run.child.kill('SIGKILL');
    await run.ended;
    // What goes on on the host goes on to its end; whatever that is, one door is open, and Landfall finds it.
    await after(3000);
    expect(doors()).not.toEqual([]);
    expect((await landfall(place, 'plan', '--only', 'login')).status).toBe(0);
    await timeIsUp();
    expect(doors()).not.toEqual([]);
    expect((await landfall(place, 'plan', '--only', 'login')).status).toBe(0);
    expect((await login()).status).toBe(0);
    expect([doors(), portInFile()]).toEqual([[NEW], NEW]);
    expect((await login()).stdout).toMatch(NOTHING);
  });

  test.each(MOMENTS)('the host reboots: %s', async (_, which) => {
    const run = live(place, NAME, 'apply', '--yes', '--only', 'login');
    await run.first(which);
    await reboot(NAME, HOST);
    await run.ended;
    expect(doors()).not.toEqual([]);
    expect((await login()).status).toBe(0);
    expect([doors(), portInFile()]).toEqual([[NEW], NEW]);
  });

  test.each(MOMENTS)('the connection is cut for a while: %s', async (_, which) => {
    const host = lab.hosts[0];
    if (host === undefined) throw new Error('no host');
    const run = live(place, NAME, 'apply', '--yes', '--only', 'login');
    await run.first(which);
    await setLink(lab, host, false);
    await after(8000);
    await setLink(lab, host, true);
    const { status } = await run.ended;
    // The second login may have fallen into the gap: then that is said, and the old door is open.
    if (status !== 0) expect(doors()).toContain(22);
    expect(doors()).not.toEqual([]);
    expect((await login()).status).toBe(0);
    expect([doors(), portInFile()]).toEqual([[NEW], NEW]);
  });
});

describe('passwords and root', () => {
  const settings = (more: string, ssh = ''): string => clusterYaml(lab, `${ssh}host:\n  ssh: { ${more} }\n`);
  const effective = async (): Promise<string> =>
    (await onHost(lab, HOST, 'sshd -T | grep -e ^passwordauth -e ^kbdinter -e ^permitroot | sort')).stdout;

  test('are closed whatever a cloud image says later, and stay so after a reboot; reset opens them again', async () => {
    const cloud = 'PasswordAuthentication yes\\nPermitRootLogin yes\\n';
    await wellOnHost(
      lab,
      HOST,
      `printf '${cloud}' >/etc/ssh/sshd_config.d/50-cloud-init.conf; systemctl restart ssh.service`,
    );
    const before = await effective();
    put(place, 'cluster.yaml', settings('passwords: false, rootLogin: keys'));
    await well(place, 'apply', '--yes', '--only', 'prepare', '--only', 'login');
    const closed =
      'kbdinteractiveauthentication no\npasswordauthentication no\npermitrootlogin without-password\n';
    expect(await effective()).toBe(closed);
    await reboot(NAME, HOST);
    expect(await effective()).toBe(closed);
    expect((await login()).stdout).toMatch(NOTHING);
    await well(place, 'reset', '--yes', '--cluster', NAME);
    expect(await effective()).toBe(before);
  });

  test('are not closed where an earlier file says otherwise, and the file is named; nor is paper taken for the thing', async () => {
    put(place, 'cluster.yaml', settings('passwords: false'));
    await wellOnHost(
      lab,
      HOST,
      `echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-a.conf; systemctl restart ssh.service`,
    );
    const ended = await login();
    expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining('00-a.conf')]);
    expect(ended.stderr).toMatch(/comes before ours/);
    // The file is gone and sshd has not been told: it still takes passwords.
    await wellOnHost(lab, HOST, 'rm /etc/ssh/sshd_config.d/00-a.conf');
    expect((await landfall(place, 'plan', '--only', 'login')).stdout).toMatch(/has not read .* yet/);
    expect((await login()).status).toBe(0);
    expect((await login()).stdout).toMatch(NOTHING);
  });

  test('root is not shut out while Landfall comes as root; it is when another has been proven to come in', async () => {
    put(place, 'cluster.yaml', settings('rootLogin: never'));
    const looked = await landfall(place, 'apply', '--yes', '--only', 'preflight/own-login');
    expect([looked.status, looked.stderr]).toEqual([
      1,
      expect.stringContaining('root is who Landfall logs in as'),
    ]);
    const tried = await login();
    expect([tried.status, tried.stderr]).toEqual([1, expect.stringContaining('came in as root')]);
    expect(await effective()).toContain('permitrootlogin without-password');
    put(place, 'cluster.yaml', settings('rootLogin: never', 'ssh: { user: ops }\n'));
    expect((await login()).status).toBe(0);
    expect((await onHost(lab, HOST, 'true')).status).toBe(255);
    expect((await onHost(lab, HOST, 'sudo -n id -u', 'ops')).stdout).toBe('0\n');
    expect((await login()).stdout).toMatch(NOTHING);
    await onHost(
      lab,
      HOST,
      'sudo -n sh -c "rm /etc/ssh/sshd_config.d/*; systemctl restart ssh.service"',
      'ops',
    );
  });
});
