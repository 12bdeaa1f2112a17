import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../src/cli/app.ts';
import type { CliProcess, StopSignal } from '../../src/cli/context.ts';

/** What a fake process is given. */
export interface FakeOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Lines somebody types; with them both ends are a terminal. */
  readonly typed?: readonly string[];
  readonly isTerminal?: boolean;
  readonly columns?: number;
}

/** A process with streams of its own, whose signals and clock are in the test's hands. */
export interface Fake {
  readonly process: CliProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly code: () => number | string | null | undefined;
  readonly signal: (name: StopSignal) => void;
  /** Lets the clock run, with everything that is due meanwhile. */
  readonly pass: (ms: number) => void;
  readonly exited: () => number | undefined;
}

/** Makes a fake process. */
export function fake(options: FakeOptions = {}): Fake {
  let out = '';
  let err = '';
  let exited: number | undefined;
  let now = Date.parse('2026-11-23T09:12:00Z');
  const typed = [...(options.typed ?? [])];
  const isTTY = options.isTerminal ?? options.typed !== undefined;
  const columns = options.columns ?? 100;
  const listeners = new Map<StopSignal, Set<() => void>>();
  const timers = new Set<{ every: number; next: number; call: () => void }>();
  const process: CliProcess = {
    stdout: { write: (text) => (out += text), isTTY, columns, rows: 24 },
    stderr: { write: (text) => (err += text), isTTY, columns, rows: 24 },
    stdin: {
      isTTY,
      text: () => Promise.resolve(typed.join('\n')),
      line: () => Promise.resolve(typed.shift()),
    },
    env: { LANG: 'C.UTF-8', NO_COLOR: '1', ...options.env },
    cwd: options.cwd ?? '/nowhere',
    exitCode: null,
    now: () => now,
    offset: 0,
    every: (ms, call) => {
      const timer = { every: ms, next: now + ms, call };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    onSignal: (signal, call) => {
      const calls = listeners.get(signal) ?? new Set();
      listeners.set(signal, calls.add(call));
      return () => void calls.delete(call);
    },
    exit: (code) => {
      exited ??= code;
    },
  };
  return {
    process,
    out: () => out,
    err: () => err,
    code: () => process.exitCode,
    signal: (name) => {
      for (const call of Array.from(listeners.get(name) ?? [])) call();
    },
    pass: (ms) => {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter((t) => t.next <= end).toSorted((a, b) => a.next - b.next)[0];
        if (due === undefined) break;
        now = due.next;
        due.next += due.every;
        due.call();
      }
      now = end;
    },
    exited: () => exited,
  };
}

/** Runs a command line in a fake process, to its end. */
export async function landfall(inputs: readonly string[], options: FakeOptions = {}): Promise<Fake> {
  const it = fake(options);
  await runCli(inputs, it.process);
  return it;
}

/** A folder of its own with these files, and what removes it. */
export function folder(files: Readonly<Record<string, string>> = {}): { dir: string; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-cli-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
