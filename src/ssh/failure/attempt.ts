import { quote } from '../../shell/sh.ts';
import type { ProblemParts } from '../../model/problem.ts';
import type { Target } from '../target.ts';
import type { Trail } from './trail.ts';

/** An attempt to get a root shell on a host that failed: everything that was said. */
export interface Attempt {
  readonly target: Target;
  /** What the local ssh ended with: 255 when the trouble was its own, else the remote command's status. */
  readonly status: number;
  /** ssh's own log. */
  readonly log: string;
  /** What the remote side, or a jump host's ssh, said on each stream in place of our mark. */
  readonly stdout: string;
  readonly stderr: string;
}

/** What a rule says of an attempt: the parts of a Problem without what all have in common. */
export type Verdict = Omit<ProblemParts, 'host' | 'exit'>;

/** Recognises one kind of failure; undefined when it is another. */
export type Rule = (attempt: Attempt, trail: Trail) => Verdict | undefined;

/** The first line that matches, for being shown. */
export function line(text: string | readonly string[], pattern: RegExp): string | undefined {
  const lines = typeof text === 'string' ? text.split(/\r?\n/) : text;
  return lines.find((one) => pattern.test(one))?.trim();
}

/** `cp-0 (10.0.0.11)`, or the name alone when they are one and the same. */
export function called(target: Target): string {
  return target.name === target.address ? target.name : `${target.name} (${target.address})`;
}

/** The ssh command a person would type to see for themselves. */
export function asTyped(target: Target, ...more: readonly string[]): string {
  const options = [
    ...(target.config === undefined ? [] : ['-F', target.config]),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.jump === undefined ? [] : ['-J', target.jump]),
    ...(target.identityFile === undefined ? [] : ['-i', target.identityFile]),
  ];
  const who = target.user === undefined ? target.address : `${target.user}@${target.address}`;
  return ['ssh', ...options, ...more, who].map(quote).join(' ');
}

/** The last lines of what was said, for a Problem's `saw`. */
export function lastLines(text: string, count = 5): string {
  return text
    .split(/\r?\n/)
    .map((one) => one.trimEnd())
    .filter((one) => one !== '' && !/^@+$/.test(one))
    .slice(-count)
    .join('\n');
}
