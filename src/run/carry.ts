import { Problem } from '../model/problem.ts';
import { type ScriptRecord, streamReader } from '../shell/parse.ts';
import { lines, sh } from '../shell/sh.ts';
import { Disconnected, type Host } from '../ssh/host.ts';
import { passing, patiently } from './patience.ts';
import {
  collectScript,
  deliverScript,
  followScript,
  forgetScript,
  plainScript,
  runFolder,
  stopScript,
} from './script.ts';

/** A phase's script and how it is carried out on a host. */
export interface Errand {
  readonly host: Host;
  /** Makes sure that the host is still ours. @throws Problem `run/held` when somebody else has it. */
  readonly keep: () => Promise<void>;
  readonly run: string;
  /** The command the run is of: how to go on after a loss. */
  readonly command: string;
  readonly phase: string;
  /** Compiles the script for the folder it will have on the host; none when it runs attached. */
  readonly script: (folder?: string) => string;
  /** False for hosts without systemd or that cannot be lost (the operator's machine): the script runs in the session itself. */
  readonly detached: boolean;
  readonly onRecord: (record: ScriptRecord) => void;
  readonly onOutput: (line: string) => void;
  /** Something worth telling: a connection lost, found again, a host that rebooted. */
  readonly onNotice: (code: string, text: string) => void;
  /** The script begins again from its first step: what was told of its steps before is void. */
  readonly onAgain?: () => void;
  readonly stop: StopSignals;
  /** How long a lost host is waited for, in seconds. */
  readonly patience: number;
}

/** The operator's wish to stop: first after the current step, then at once. The reason of an abort is the exit code, 130 or 143. */
export interface StopSignals {
  readonly soon: AbortSignal;
  readonly now: AbortSignal;
}

type End = 'over' | 'gone' | 'cut' | 'lost';

interface Session {
  readonly end: End;
  /** How many lines of the detached script were heard whole. */
  readonly heard: number;
  /** What it was lost by. */
  readonly cause?: unknown;
}

/** How a session is watched. */
interface Watch {
  /** Ends the session; the script goes on. */
  readonly signal?: AbortSignal;
  /** Told when the host has answered, and is not on its way down. */
  readonly onAnswer?: () => void;
}

/** One session that follows a detached script. */
async function session(errand: Errand, script: string, { signal, onAnswer }: Watch = {}): Promise<Session> {
  let heard = 0;
  let following = false;
  let end: End | undefined;
  let isLeaving = false;
  const reader = streamReader(
    (r) => {
      if (r.is === 'said') {
        if (r.word === 'following') following = true;
        if (r.word === 'following' || r.word === 'gone') onAnswer?.();
        if (r.word === 'leaving') isLeaving = true;
        else if (r.word === 'over' || r.word === 'gone' || r.word === 'cut') end = r.word;
      } else if (following) errand.onRecord(r);
    },
    (line) => {
      if (following) errand.onOutput(line);
    },
    () => {
      if (following && !isLeaving) heard += 1;
    },
  );
  try {
    await errand.keep();
    const out = await errand.host.run(script, {
      onData: reader.feed,
      ...(signal === undefined ? {} : { signal }),
    });
    const said = out.stderr.trim().split('\n').at(-1) ?? '';
    // A host that goes down has ended the script; it is lost until it is back, however often it is asked meanwhile.
    const why = isLeaving ? 'it is going down' : said === '' ? `status ${out.status}` : said;
    const cause = new Disconnected(errand.host.name, why);
    return end === undefined ? { end: 'lost', heard, cause } : { end, heard };
  } catch (error) {
    if (signal?.aborted !== true && passing(error) === undefined) throw error;
    return { end: 'lost', heard, cause: error };
  }
}

/** The host stayed away, or does not let us in any more, while work goes on there. */
function away({ host, command, patience }: Errand, cause: unknown): Problem {
  const reason = cause instanceof Problem ? cause : undefined;
  const goOn = `landfall ${command} follows that work to its end, then goes on from there`;
  const waited = passing(cause) !== undefined;
  return new Problem(
    {
      code: 'run/away',
      host: host.name,
      summary: waited
        ? `${host.name} was lost and did not answer for ${patience} s; the work begun there goes on without us`
        : `${host.name} was lost and does not let us in any more; the work begun there goes on without us`,
      ...(reason === undefined
        ? {}
        : { saw: reason.saw === undefined ? reason.summary : `${reason.summary}\n${reason.saw}` }),
      why: reason?.why ?? 'a script that was started on a host does not hang on the connection',
      try:
        waited || reason?.try === undefined
          ? `when it answers again: ${goOn}`
          : `${reason.try}; then ${goOn}`,
      exit: 4,
    },
    { cause },
  );
}

/**
 * Follows a script from a line on once its host answers again. It brings the wish to stop along, which may have been lost.
 * @throws Problem `run/away` when the host stays away longer than the patience or refuses us; `run/held` when somebody else has taken it.
 */
async function again(errand: Errand, phase: string, from: number, watch: Watch): Promise<Session> {
  const { run, stop } = errand;
  try {
    return await patiently({ seconds: errand.patience, stop: stop.now }, async () => {
      const wish = stop.soon.aborted && watch.signal === undefined ? stopScript(run, phase, false) : sh`:`;
      const s = await session(errand, plainScript(lines(wish, followScript(run, phase, from))), watch);
      if (s.end === 'lost' && s.heard === 0 && watch.signal?.aborted !== true) throw s.cause;
      return s;
    });
  } catch (error) {
    if (stop.now.aborted && passing(error) !== undefined) return { end: 'lost', heard: 0 };
    const isOfHost =
      passing(error) !== undefined || (error instanceof Problem && error.code.startsWith('ssh/'));
    throw isOfHost ? away(errand, error) : error;
  }
}

/**
 * Carries a phase's script out on its host, to its end: started detached, followed, found again after a lost connection,
 * begun anew when the host has rebooted meanwhile (its steps are read before they are made, so nothing is done twice).
 * @returns the name the phase had on the host in the end: where its late values lie.
 * @throws Problem `run/away` when the host stays away longer than the patience; `run/held` when somebody else has taken it
 * meanwhile; `run/lost` when the script was ended from outside.
 */
export async function carry(errand: Errand): Promise<string> {
  if (!errand.detached) {
    await attached(errand);
    return errand.phase;
  }
  const stopping = watchStop(errand);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const phase = attempt === 1 ? errand.phase : `${errand.phase}-${attempt}`;
      stopping.phase = phase;
      const end = await once(errand, phase);
      if (end === 'over' || errand.stop.soon.aborted || errand.stop.now.aborted) return phase;
      if (attempt === 4) {
        throw new Problem({
          code: 'run/lost',
          host: errand.host.name,
          summary: `the work of phase ${errand.phase} was ended from outside ${attempt} times on ${errand.host.name}`,
          why: 'its unit was killed, or the host went down each time',
          try: `look at journalctl -u 'landfall-*' on ${errand.host.name}, then landfall ${errand.command}`,
        });
      }
      errand.onNotice(
        'run/again',
        `the script was cut short (${end === 'gone' ? 'the host rebooted' : 'its unit was ended'}); beginning the phase again`,
      );
      errand.onAgain?.();
    }
  } finally {
    stopping.done();
  }
}

function deliver(errand: Errand, phase: string): string {
  return plainScript(deliverScript(errand.run, phase, errand.script(runFolder(errand.run, phase))));
}

async function once(errand: Errand, phase: string): Promise<End> {
  const { name } = errand.host;
  let heard = 0;
  let s = await session(errand, deliver(errand, phase));
  while (s.end === 'lost' && !errand.stop.now.aborted) {
    heard += s.heard;
    errand.onNotice(
      'run/lost',
      `lost ${name} (${passing(s.cause) ?? ''}); the work goes on there, looking for it again`,
    );
    const onAnswer = (): void => errand.onNotice('run/found', `${name} answers again`);
    s = await again(errand, phase, heard + 1, { onAnswer });
    // It was lost before anything was heard: perhaps the script never arrived. Delivered twice it starts once.
    if (s.end === 'gone' && heard === 0) s = await session(errand, deliver(errand, phase));
  }
  return s.end;
}

async function attached(errand: Errand): Promise<void> {
  const { now } = errand.stop;
  let isOver = false;
  const reader = streamReader((r) => {
    isOver ||= r.is === 'end';
    errand.onRecord(r);
  }, errand.onOutput);
  try {
    await errand.host.run(errand.script(), { onData: reader.feed, signal: now });
  } catch (error) {
    if (!now.aborted) throw error;
  }
  reader.end();
  if (isOver || now.aborted) return;
  throw new Problem({
    code: 'run/lost',
    host: errand.host.name,
    summary: `the work of phase ${errand.phase} was ended from outside on ${errand.host.name}`,
    why: 'the shell it ran in was killed before its end; a machine that runs out of memory does so',
    try: `landfall ${errand.command}   goes on from there`,
  });
}

function watchStop(errand: Errand): { phase: string; done: () => void } {
  const watch = { phase: errand.phase, done: () => undefined as void };
  // What does not arrive now is brought along when the host is found again.
  const send = (now: boolean) => (): void => {
    void errand.host.run(plainScript(stopScript(errand.run, watch.phase, now))).catch(() => undefined);
  };
  const soon = send(false);
  const now = send(true);
  if (errand.stop.soon.aborted) soon();
  errand.stop.soon.addEventListener('abort', soon);
  errand.stop.now.addEventListener('abort', now);
  watch.done = () => {
    errand.stop.soon.removeEventListener('abort', soon);
    errand.stop.now.removeEventListener('abort', now);
  };
  return watch;
}

/**
 * Follows work another operator left going on, to its end or until the operator wishes to stop; its records mean nothing to us.
 * @throws Problem `run/away` or `run/held`, as {@link carry} does.
 */
export async function followAdrift(errand: Omit<Errand, 'script' | 'detached'>): Promise<void> {
  const full: Errand = { ...errand, script: () => '', detached: true };
  const signal = errand.stop.soon;
  let heard = 0;
  for (;;) {
    const s = await again(full, errand.phase, heard + 1, { signal });
    if (s.end !== 'lost' || signal.aborted) return;
    heard += s.heard;
  }
}

/** Fetches the late values a phase left, and removes them from the host once they have arrived; may be done twice until then. */
export async function collect(
  host: Host,
  run: string,
  phase: string,
  names: readonly string[],
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const reader = streamReader(
    (r) => {
      if (r.is === 'said' && r.word === 'given' && r.texts[0] !== undefined)
        found[r.texts[0]] = r.texts[1] ?? '';
    },
    () => undefined,
  );
  await host.run(plainScript(collectScript(run, phase, names)), { onData: reader.feed });
  reader.end();
  await host.run(plainScript(forgetScript(run, phase))).catch(() => undefined);
  return found;
}
