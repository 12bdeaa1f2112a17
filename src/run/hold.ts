import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import type { StreamReader } from '../shell/parse.ts';
import { streamReader } from '../shell/parse.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { Problem } from '../model/problem.ts';
import type { Host } from '../ssh/host.ts';
import { MEMBER } from '../steps/facts.ts';
import { plainScript } from './script.ts';

/** Who holds a host, as the one who is refused is told. */
export interface Holder {
  readonly run: string;
  readonly command: string;
  readonly user: string;
  readonly machine: string;
  /** The kernel's boot and the process namespace `pid` counts in: only within the same one can a process be known to be dead. */
  readonly place: string;
  readonly pid: number;
  /** UTC, ISO 8601. */
  readonly since: string;
}

/** Work that goes on on a host without its operator. */
export interface Adrift {
  readonly run: string;
  readonly phase: string;
}

/** A host that is ours until released. */
export interface Hold {
  readonly host: Host;
  /** Work of an earlier operator that still goes on there. */
  readonly adrift: readonly Adrift[];
  /** Whether the host was a member of a cluster when it was taken: from then on nobody but us makes it one or takes it back. */
  readonly isMember: boolean;
  /**
   * Takes the host again when the connection that held it has been lost; nothing when it has not.
   * @throws Problem `run/held` (exit 5) when somebody else has taken it meanwhile; whatever keeps us from asking.
   */
  readonly keep: () => Promise<void>;
  /** Gives the host back and clears what this run left under /run, but for work that goes on. */
  readonly release: () => Promise<void>;
}

function processPlace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Describes this process as a holder. */
export function holderOf(run: string, command: string, now: Date): Holder {
  return {
    run,
    command,
    user: userInfo().username,
    machine: hostname(),
    place: processPlace(),
    pid: process.pid,
    since: now.toISOString(),
  };
}

/**
 * The holding script: takes the host's lock with flock and keeps it as long as the connection lives, telling `alive` each
 * second so that it notices when nobody listens any more. `held HOLDER` and the end when somebody else has it.
 */
export function holdScript(holder: Holder, steal: string): Shell {
  return sh`
    umask 077
    mkdir -p /run/landfall/runs
    exec 9>>/run/landfall/lock
    n=0
    until flock -n 9; do
      { read -r run; read -r pid; who=$(cat); } </run/landfall/holder 2>/dev/null || run= pid= who=
      # Whoever has just taken it may not have said so yet: the file is missing, or that of a holder before.
      if [ ! -d "/proc/\${pid:-none}" ] && [ "$n" -lt 20 ]; then sleep 0.1; n=$((n + 1)); continue; fi
      if [ -n "$run" ] && [ "$run" = ${steal} ]; then kill "$pid" 2>/dev/null; if flock -w 10 9; then break; fi; fi
      say held "$(b64 "$who")"; exit 0
    done
    printf '%s\n%s\n%s\n' ${holder.run} "$$" ${JSON.stringify(holder)} >/run/landfall/holder.new
    mv /run/landfall/holder.new /run/landfall/holder
    for dir in /run/landfall/runs/*/*/; do
      [ -d "$dir" ] || continue
      phase=$(basename "$dir"); run=$(basename "$(dirname "$dir")")
      case $(systemctl show -p ActiveState --value "landfall-$run-$phase.service") in
        active|activating|deactivating) say adrift "$(b64 "$run")" "$(b64 "$phase")" ;;
        *) [ "$run" = ${holder.run} ] || rm -rf "$dir" ;;
      esac
    done
    rmdir /run/landfall/runs/* 2>/dev/null
    if ${MEMBER}; then say member; fi
    say got
    while say alive; do sleep 1 9>&-; done
  `;
}

const ALIVE = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Whether the holder is this very run, or one whose process is known to have ended: a left-over that may be taken. */
export function isGone(holder: Holder, self: Holder, alive: (pid: number) => boolean = ALIVE): boolean {
  return (
    holder.run === self.run || (holder.place !== '' && holder.place === self.place && !alive(holder.pid))
  );
}

type Answer =
  | {
      readonly is: 'got';
      readonly adrift: readonly Adrift[];
      readonly isMember: boolean;
      readonly let: () => Promise<void>;
      readonly isLost: () => boolean;
    }
  | { readonly is: 'held'; readonly by: Holder | undefined };

function ask(host: Host, self: Holder, steal: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const abort = new AbortController();
    const adrift: Adrift[] = [];
    let isMember = false;
    let answered = false;
    let isLost = false;
    const answer = (value: Answer): void => {
      answered = true;
      resolve(value);
    };
    const reader: StreamReader = streamReader(
      (r) => {
        if (r.is !== 'said') return;
        if (r.word === 'adrift') adrift.push({ run: r.texts[0] ?? '', phase: r.texts[1] ?? '' });
        if (r.word === 'member') isMember = true;
        if (r.word === 'held') answer({ is: 'held', by: parseHolder(r.texts[0]) });
        if (r.word === 'got') answer({ is: 'got', adrift, isMember, let: letGo, isLost: () => isLost });
      },
      () => undefined,
    );
    const session = host.run(plainScript(holdScript(self, steal)), {
      signal: abort.signal,
      onData: reader.feed,
    });
    const letGo = async (): Promise<void> => {
      abort.abort();
      await session.catch(() => undefined);
    };
    session.then(
      (out) => {
        isLost = true;
        if (!answered)
          reject(new Error(`the holding script ended with ${out.status}: ${out.stderr.slice(-500)}`));
      },
      (error: unknown) => {
        isLost = true;
        if (!answered) reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** Reads a holder as it was written down; undefined when that is none. */
export function parseHolder(text: string | undefined): Holder | undefined {
  try {
    return JSON.parse(text ?? '') as Holder;
  } catch {
    return undefined;
  }
}

/**
 * Takes a host for this run.
 * @throws Problem `run/held` (exit 5) naming who holds it and since when.
 */
export async function hold(host: Host, self: Holder): Promise<Hold> {
  let got = await take(host, self);
  const { adrift, isMember } = got;
  return {
    host,
    adrift,
    isMember,
    keep: async () => {
      if (got.isLost()) got = await take(host, self);
    },
    release: async () => {
      if (!got.isLost()) await host.run(plainScript(clearScript(self.run))).catch(() => undefined);
      await got.let();
    },
  };
}

async function take(host: Host, self: Holder): Promise<Extract<Answer, { is: 'got' }>> {
  let answer = await ask(host, self, '');
  if (answer.is === 'held' && answer.by !== undefined && isGone(answer.by, self)) {
    answer = await ask(host, self, answer.by.run);
  }
  if (answer.is === 'held') throw held(host.name, answer.by);
  return answer;
}

/**
 * Removes what runs have left under /run, this one and those it has followed to their end, and ends its holding script, so that the
 * next run need not wait for it. What still goes on, because it could not be told to stop, is left for the next run to follow.
 */
function clearScript(run: string): Shell {
  return sh`
    for dir in /run/landfall/runs/*/*/; do
      [ -d "$dir" ] || continue
      case $(systemctl show -p ActiveState --value "landfall-$(basename "$(dirname "$dir")")-$(basename "$dir").service") in
        active|activating|deactivating) ;;
        *) rm -rf "$dir" ;;
      esac
    done
    rmdir /run/landfall/runs/* 2>/dev/null
    { read -r held; read -r pid; } </run/landfall/holder 2>/dev/null || exit 0
    if [ "$held" = ${run} ]; then rm -f /run/landfall/holder; kill "$pid" 2>/dev/null; fi
    exit 0
  `;
}

function held(host: string, by: Holder | undefined): Problem {
  const who = by === undefined ? 'another run' : `${by.user}@${by.machine} (process ${by.pid})`;
  return new Problem({
    code: 'run/held',
    host,
    summary: `${host} is being worked on by ${who}`,
    ...(by === undefined ? {} : { saw: `landfall ${by.command}, run ${by.run}, since ${by.since}` }),
    why: 'two runs on one host would undo each other',
    try: 'wait until that run is over, or end it there; what it has begun on the host is followed by the next apply',
    exit: 5,
  });
}
