import { Problem } from '../model/problem.ts';
import { attempt, exec } from './exec.ts';
import { awaitLogin, bootCount, initPid, loopPid, startHost } from './host.ts';
import { requireHost, requireLab } from './lab.ts';
import { namesOf, portOf } from './names.ts';
import { SIGRTMIN, signal, until } from './processes.ts';
import type { Lab } from './spec.ts';

/** Starts a stopped host of a lab and waits for its login. Gives the milliseconds it took. */
export async function labHostStart(name: string, hostName: string): Promise<number> {
  const lab = await requireLab(name);
  const host = requireHost(lab, hostName);
  await startHost(lab, host);
  return awaitLogin(lab, host);
}

/** Shuts a host down as `poweroff` on it would, and waits for its end; after `limit` milliseconds cuts its power. */
export async function labHostStop(name: string, hostName: string, limit = 100_000): Promise<void> {
  const lab = await requireLab(name);
  requireHost(lab, hostName);
  const init = await initPid(lab, hostName);
  if (init !== undefined) signal(init, SIGRTMIN.poweroff);
  if (await ended(lab, hostName, limit)) return;
  await powerCut(name, hostName);
}

/**
 * Cuts a host's power: takes its link down, so that its address answers nothing at all, and kills its first process,
 * and every other with it. What the host had written reaches its disk all the same, synced or not: gentler than a real
 * cut. With `losing`, as in a real one, what was not yet synced is lost.
 */
export async function powerCut(name: string, hostName: string, losing = false): Promise<void> {
  const lab = await requireLab(name);
  const host = requireHost(lab, hostName);
  await attempt(['ip', '-n', namesOf(lab.name).bridge, 'link', 'set', portOf(host.address), 'down']);
  if (losing) await stopWrites(lab, hostName);
  await until(async () => {
    if ((await loopPid(lab, hostName)) === undefined) return true;
    const init = await initPid(lab, hostName);
    if (init !== undefined) signal(init, 'SIGKILL');
    return undefined;
  }, 30_000);
}

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (linux/ext4.h): from now on nothing reaches the disk, not even the journal. */
const SHUT_DOWN =
  'open(my $d, "<", $ARGV[0]) or die "$!\\n"; my $how = pack("L", 2); ioctl($d, 0x8004587D, $how) or die "$!\\n"';

async function stopWrites(lab: Lab, host: string): Promise<void> {
  const init = await initPid(lab, host);
  if (init !== undefined) await exec(['perl', '-e', SHUT_DOWN, `/proc/${init}/root/`]);
}

/** Reboots a host as `reboot` on it would, and waits for the next boot's login. Gives the milliseconds it took. */
export async function reboot(name: string, hostName: string): Promise<number> {
  const lab = await requireLab(name);
  const host = requireHost(lab, hostName);
  const start = performance.now();
  const before = await bootCount(lab, hostName);
  const init = await initPid(lab, hostName);
  if (init === undefined)
    throw new Problem({
      code: 'lab/host-down',
      summary: `${hostName} is not up`,
      host: hostName,
      try: 'landfall lab break start ' + hostName,
    });
  signal(init, SIGRTMIN.reboot);
  await until(async () => ((await bootCount(lab, hostName)) > before ? true : undefined), 120_000);
  await awaitLogin(lab, host);
  return Math.round(performance.now() - start);
}

async function ended(lab: Lab, host: string, limit: number): Promise<boolean> {
  return (
    (await until(async () => ((await loopPid(lab, host)) === undefined ? true : undefined), limit)) === true
  );
}
