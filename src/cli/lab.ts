import { createReadStream } from 'node:fs';
import { spawn } from 'node:child_process';
import { breakLab } from '../lab/break.ts';
import { labDown as takeDown } from '../lab/down.ts';
import { FAULTS, parseFault } from '../lab/fault.ts';
import { FORWARDED_PORT } from '../lab/forward.ts';
import { type HostKindSpec, kindText } from '../lab/kind.ts';
import { labNames, requireLab } from '../lab/lab.ts';
import { ensureTools } from '../lab/machine.ts';
import { DEFAULT_LAB, type LabSpec } from '../lab/spec.ts';
import { logFile, sshArgv } from '../lab/ssh.ts';
import { type LabStatus, labStatus as statusOf } from '../lab/status.ts';
import { labUp as bringUp } from '../lab/up.ts';
import { Problem } from '../model/problem.ts';
import { documentText } from '../report/json.ts';
import type { Look } from '../report/look.ts';
import { bytes, count } from '../report/words.ts';
import type { Action } from './command.ts';
import { labView } from './lab-view.ts';
import { lookOf } from './sight.ts';
import { talk } from './talk.ts';

/** What the commands of one lab take. */
export interface LabNameFlags {
  readonly name?: string;
}

/** What lab up takes. */
export interface LabUpFlags extends LabNameFlags, HostKindSpec {
  readonly host: readonly string[];
  readonly disk?: number;
  readonly installTools: boolean;
}

/** What lab down takes. */
export interface LabDownFlags extends LabNameFlags {
  readonly keep: boolean;
}

function statusLines(status: LabStatus, look: Look): string {
  const { lab, state, hosts, depot, forwarding, faults } = status;
  const { paint, signs } = look;
  const sign = {
    up: paint.right(signs.right),
    partly: paint.differs(signs.differs),
    down: paint.wrong(signs.wrong),
  };
  const source = depot.folder ?? (depot.passesThrough ? 'passes through to upstream' : 'empty');
  const column = Math.max(...hosts.map((host) => host.name.length), 0);
  const rows = hosts.map((host) => {
    const memory = host.memory === undefined ? '' : `, ${bytes(host.memory)} of memory`;
    const what =
      host.state === 'up'
        ? `up, booted ${count(host.boots, 'time')}${memory}, ${bytes(host.disk)} of disk`
        : `off, ${bytes(host.disk)} of disk`;
    return `  ${sign[host.state]} ${host.name.padEnd(column)}   ${host.address}   ${kindText(host)}   ${what}`;
  });
  const forwards = hosts.flatMap(({ name, address }) => {
    const port = forwarding.ports[address];
    return port === undefined ? [] : [`127.0.0.1:${port} is ${name}:${FORWARDED_PORT}`];
  });
  return [
    `${paint.strong(lab.name)} is ${state === 'partly' ? 'partly up' : state}`,
    ...rows,
    `  ${sign[depot.up ? 'up' : 'down']} depot ${depot.up ? 'up' : 'off'}: ${source}`,
    `  ${sign[forwarding.up ? 'up' : 'down']} forwarding ${forwarding.up ? 'up' : 'off'}: ${forwards.join(', ')}`,
    ...faults.map((fault) => `  ${paint.wrong('fault')} ${fault}`),
  ].join('\n');
}

/** Boots a lab. */
export const labUp: Action<LabUpFlags> = async (context, flags) => {
  const view = labView(context, flags);
  const { release, sshd, like } = flags;
  const spec: LabSpec = {
    name: flags.name ?? DEFAULT_LAB,
    kind: {
      ...(release === undefined ? {} : { release }),
      ...(sshd === undefined ? {} : { sshd }),
      ...(like === undefined ? {} : { like }),
    },
    ...(flags.host.length === 0 ? {} : { hosts: flags.host.map((name) => ({ name })) }),
    ...(flags.disk === undefined ? {} : { diskGiB: flags.disk }),
  };
  try {
    if (flags.installTools) await ensureTools(true, view.on);
    const lab = await bringUp(spec, view.on);
    view.close();
    if (flags.json || flags.quiet) return 0;
    const look = lookOf(context, context.process.stdout, flags);
    const named = lab.name === DEFAULT_LAB ? '' : ` --name ${lab.name}`;
    const status = await statusOf(lab.name);
    const commands = [
      ['A cluster on it:', `landfall init --lab ${lab.name} && landfall apply`],
      ['A shell on a host:', `landfall lab ssh${named}`],
      ['Away with it:', `landfall lab down${named}`],
    ].map(([label = '', command = '']) => `${label.padEnd(20)}${look.paint.command(command)}`);
    context.process.stdout.write(look.spell(`${statusLines(status, look)}\n\n${commands.join('\n')}\n`));
    return 0;
  } finally {
    view.close();
  }
};

/** Takes a lab away. */
export const labDown: Action<LabDownFlags> = async (context, flags) => {
  const view = labView(context, flags);
  try {
    await takeDown(flags.name ?? DEFAULT_LAB, view.on, flags.keep);
    return 0;
  } finally {
    view.close();
  }
};

/** Shows labs, their hosts and faults. */
export const labStatus: Action<LabNameFlags> = async (context, flags) => {
  const { stdout } = context.process;
  const names = flags.name === undefined ? await labNames() : [flags.name];
  const all = await Promise.all(names.map(statusOf));
  if (flags.json) stdout.write(documentText({ format: '1.0', labs: all }));
  else if (all.length === 0) stdout.write('There is no lab. Make one:   landfall lab up\n');
  else {
    const look = lookOf(context, stdout, flags);
    stdout.write(look.spell(`${all.map((status) => statusLines(status, look)).join('\n\n')}\n`));
  }
  return 0;
};

/** Runs a program with our own streams and gives what it ends with. */
function handOver([program = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/** Logs in to a host of a lab; what its shell ends with is what this ends with. */
export const labSsh: Action<LabNameFlags> = async (context, flags, [host, ...command]) => {
  const lab = await requireLab(flags.name ?? DEFAULT_LAB);
  const name = host ?? lab.hosts[0]?.name ?? '';
  context.process.exitCode = await handOver(
    await sshArgv(lab, name, command.length === 0 ? {} : { command }),
  );
  return context.process.exitCode as never;
};

/** Makes a fault, or heals all; without words, lists the faults there are. */
export const labBreak: Action<LabNameFlags> = async (context, flags, words) => {
  if (words.length === 0) {
    const rows = FAULTS.map(
      (f) => [`${f.is} ${f.takes.map((t) => t.toUpperCase()).join(' ')}`.trim(), f.does] as const,
    );
    const column = Math.max(...rows.map(([left]) => left.length));
    const look = lookOf(context, context.process.stdout, flags);
    context.process.stdout.write(
      look.spell(rows.map(([left, right]) => `${left.padEnd(column)}   ${right}\n`).join('')),
    );
    return 0;
  }
  const lab = await requireLab(flags.name ?? DEFAULT_LAB);
  const said = await breakLab(lab.name, parseFault(lab, words));
  talk(context, flags, `${said}.`);
  return 0;
};

/** Prints a host's console or the depot's log. */
export const labLogs: Action<LabNameFlags> = async (context, flags, [part]) => {
  const lab = await requireLab(flags.name ?? DEFAULT_LAB);
  const file = logFile(lab, part ?? lab.hosts[0]?.name ?? 'depot');
  const stream = createReadStream(file, 'utf8');
  try {
    for await (const chunk of stream) context.process.stdout.write(String(chunk));
  } catch (error) {
    throw new Problem({
      code: 'lab/log',
      summary: 'there is no such log yet',
      saw: error instanceof Error ? error.message : String(error),
      try: 'landfall lab up',
    });
  }
  return 0;
};
