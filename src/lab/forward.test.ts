import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firstChoice, forwardedPort, forwarding, startForwarder } from './forward.ts';
import { findProcesses, killAll } from './processes.ts';
import type { Lab } from './spec.ts';

const NETWORK = 254;
const address = (last: number): string => `10.77.${NETWORK}.${last}`;

let lab: Lab;

beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-'));
  lab = {
    name: 'none',
    dir,
    network: NETWORK,
    hosts: [{ name: 'cp-0', address: address(11), release: 'bookworm' }],
    sshConfig: join(dir, 'ssh_config'),
    operatorNamespace: '/run/netns/landfall.none.operator',
  };
});

const processes = (): Promise<readonly number[]> =>
  findProcesses({ commandHas: [join(lab.dir, 'forward.json')], namespaces: [] });

afterEach(async () => {
  await killAll(processes);
  rmSync(lab.dir, { recursive: true });
});

describe('the port that is asked for first', () => {
  it('is another for each of 50 hosts of any network, and none the kernel gives away', () => {
    const addresses = [0, 1, 255].flatMap((network) =>
      Array.from({ length: 50 }, (_, index) => `10.77.${network}.${11 + index}`),
    );
    const ports = addresses.map(firstChoice);
    expect(new Set(ports).size).toBe(addresses.length);
    expect(firstChoice('10.77.0.11')).toBe(19_000);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(19_000);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });
});

describe('the forwarding of a lab', () => {
  it('is off before it is first started', async () => {
    expect(await forwarding(lab)).toEqual({ up: false, ports: {} });
  });

  it('is started once', async () => {
    await startForwarder(lab);
    const [pid] = await processes();
    await startForwarder(lab);
    expect(await processes()).toEqual([pid]);
    expect(await forwarding(lab)).toEqual({ up: true, ports: { [address(11)]: expect.any(Number) } });
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain(
      `${firstChoice(address(11))}:${address(11)}:6443`,
    );
  });

  it('has the ports it had when it is started again, whoever wanted them first', async () => {
    const other = createServer();
    await new Promise<void>((done) =>
      // Where somebody has the port already, so much the better.
      other.on('error', () => done()).listen(firstChoice(address(11)), '127.0.0.1', done),
    );
    await startForwarder(lab);
    const { ports } = await forwarding(lab);
    expect(ports[address(11)]).not.toBe(firstChoice(address(11)));
    await new Promise((done) => other.close(done));

    await killAll(processes);
    expect(await forwarding(lab)).toEqual({ up: false, ports });
    await startForwarder(lab);
    expect(await forwarding(lab)).toEqual({ up: true, ports });
  });

  it('gets to know a host that is added', async () => {
    await startForwarder(lab);
    const before = await forwarding(lab);
    const more: Lab = {
      ...lab,
      hosts: [...lab.hosts, { name: 'cp-1', address: address(12), release: 'bookworm' }],
    };
    await startForwarder(more);
    expect((await processes()).length).toBe(1);
    const { up, ports } = await forwarding(more);
    expect([up, Object.keys(ports)]).toEqual([true, [address(11), address(12)]]);
    expect(ports).toMatchObject(before.ports);
  });

  it('forgets what a broken file says', async () => {
    writeFileSync(join(lab.dir, 'forward.json'), '{"pid":');
    await startForwarder(lab);
    expect((await forwarding(lab)).up).toBe(true);
  });

  it('says why when it does not come up', async () => {
    // Where its state is to be put, there is a folder that cannot be replaced.
    mkdirSync(join(lab.dir, 'forward.json', 'x'), { recursive: true });
    await expect(startForwarder(lab)).rejects.toMatchObject({
      code: 'lab/forward',
      saw: expect.stringContaining('Is a directory'),
    });
  });
});

describe('forwardedPort', () => {
  it('is of the lab’s own hosts, and of the API server’s usual port', async () => {
    await startForwarder(lab);
    expect(await forwardedPort(lab, address(11), 6443)).toBe((await forwarding(lab)).ports[address(11)]);
    expect(await forwardedPort(lab, address(11), 8443)).toBeUndefined();
    expect(await forwardedPort(lab, '10.0.0.11', 6443)).toBeUndefined();
  });

  it('is missed when nothing listens', async () => {
    await startForwarder(lab);
    await killAll(processes);
    await expect(forwardedPort(lab, address(11), 6443)).rejects.toMatchObject({
      code: 'lab/forward',
      try: expect.stringContaining('landfall lab up --name none'),
    });
  });
});
