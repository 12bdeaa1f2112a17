import { Disconnected, type Host } from '../ssh/host.ts';
import { Problem } from '../model/problem.ts';
import { type ScriptRecord, streamReader } from '../shell/parse.ts';
import { collectScript, deliverScript, followScript, plainScript, runFolder, stopScript } from './script.ts';

/** A phase's script and how it is carried out on a host. */
export interface Errand {
  readonly host: Host;
  readonly run: string;
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

/** The operator's wish to stop: first after the current step, then at once. */
export interface StopSignals {
  readonly soon: AbortSignal;
  readonly now: AbortSignal;
}

type End = 'over' | 'gone' | 'cut' | 'lost';

/** One session that follows a detached script from a line on; tells how it ended and how many lines were heard. */
async function session(errand: Errand, script: string): Promise<{ end: End; lines: number; why: string }> {
  let lines = 0;
  let following = false;
  let end: End | undefined;
  const reader = streamReader(
    (r) => {
      if (r.is === 'said' && r.word === 'following') following = true;
      else if (r.is === 'said' && (r.word === 'over' || r.word === 'gone' || r.word === 'cut')) end = r.word;
      else if (following) {
        lines += 1;
        errand.onRecord(r);
      }
    },
    (line) => {
      if (!following) return;
      lines += 1;
      errand.onOutput(line);
    },
  );
  try {
    const out = await errand.host.run(script, { onData: reader.feed });
    if (end === undefined) return { end: 'lost', lines, why: out.stderr.trim().slice(-500) };
    return { end, lines, why: out.stderr.trim().slice(-500) };
  } catch (error) {
    if (error instanceof Disconnected) return { end: 'lost', lines, why: error.message };
    throw error;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Follows until it answers again, or the patience is over. */
async function again(
  errand: Errand,
  phase: string,
  from: number,
): Promise<Awaited<ReturnType<typeof session>>> {
  const until = Date.now() + errand.patience * 1000;
  for (let wait = 500; ; wait = Math.min(wait * 2, 5000)) {
    try {
      const s = await session(errand, plainScript(followScript(errand.run, phase, from)));
      if (s.end !== 'lost' || s.lines > 0 || Date.now() > until) return s;
    } catch (error) {
      // While a host reboots it is unreachable: that is what is being waited for. Any other refusal is told at once.
      const passing = error instanceof Problem && error.code === 'ssh/unreachable';
      if (!passing || Date.now() > until || errand.stop.now.aborted) throw error;
    }
    await pause(wait);
  }
}

/**
 * Carries a phase's script out on its host, to its end: started detached, followed, found again after a lost connection,
 * begun anew when the host has rebooted meanwhile (its steps are read before they are made, so nothing is done twice).
 * @returns the name the phase had on the host in the end: where its late values lie.
 * @throws Problem `ssh/…` when the host stays away longer than the patience; `run/lost` when the script was ended from outside.
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
      if (end === 'over' || errand.stop.now.aborted) return phase;
      if (attempt === 4) {
        throw new Problem({
          code: 'run/lost',
          host: errand.host.name,
          summary: `the work of phase ${errand.phase} was ended from outside ${attempt} times on ${errand.host.name}`,
          why: 'its unit was killed, or the host went down each time',
          try: `look at journalctl -u 'landfall-*' on ${errand.host.name}, then landfall apply`,
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

async function once(errand: Errand, phase: string): Promise<'over' | 'gone' | 'cut'> {
  let heard = 0;
  let s = await session(errand, deliver(errand, phase));
  for (;;) {
    heard += s.lines;
    if (s.end !== 'lost') return s.end;
    errand.onNotice(
      'run/lost',
      `lost ${errand.host.name}${s.why === '' ? '' : ` (${s.why.split('\n').at(-1) ?? ''})`}; the work goes on there, looking for it again`,
    );
    const before = heard;
    s = await again(errand, phase, heard + 1);
    if (before === 0 && s.end === 'gone') {
      // It was lost before anything was heard: perhaps the script never arrived. Delivering twice starts it once.
      s = await session(errand, deliver(errand, phase));
    }
    if (s.end !== 'lost') errand.onNotice('run/found', `${errand.host.name} answers again`);
  }
}

async function attached(errand: Errand): Promise<void> {
  const reader = streamReader(errand.onRecord, errand.onOutput);
  await errand.host.run(errand.script(), { onData: reader.feed, signal: errand.stop.now });
  reader.end();
}

function watchStop(errand: Errand): { phase: string; done: () => void } {
  const watch = { phase: errand.phase, done: () => undefined as void };
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

/** Follows work another operator left going on, to its end, telling its output; its records mean nothing to us. */
export async function followAdrift(errand: Omit<Errand, 'script' | 'detached'>): Promise<void> {
  const full: Errand = { ...errand, script: () => '', detached: true };
  for (let s = await again(full, errand.phase, 1); s.end === 'lost'; ) s = await again(full, errand.phase, 1);
}

/** Fetches the late values a phase left, and removes them from the host. */
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
  return found;
}
