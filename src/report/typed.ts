import type { Probe, Step } from '../steps/step.ts';
import { byHand } from './by-hand.ts';

/** A command of one line that can stand inside a pipe as it is. */
const SIMPLE = /^[^;&|\n]+$/;

/** A slot's name as a shell variable: `join-token` is JOIN_TOKEN. */
export function variable(slot: string): string {
  return slot.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
}

/** What a probe runs, as a function of that name. */
export function asFunction({ name, run }: Probe): string {
  return run.text.includes('\n') ? `${name}() {\n${run.text}\n}` : `${name}() { ${run.text}; }`;
}

/**
 * Shell of a step as a person types it: probes are replaced by what they run, late values by variables. Landfall's own
 * words (`probe`, `slot`, `give`, `gave`) mean nothing outside its scripts.
 * @param said names of probes that the reader has been told before, as functions of those names.
 */
export function typed(text: string, step: Step, said: ReadonlySet<string> = new Set()): string {
  const functions: string[] = [];
  let out = byHand(text);
  for (const probe of step.probes ?? []) {
    const { name, run } = probe;
    const uses = new RegExp(`\\bprobe ${name}\\b`, 'g');
    if (!uses.test(out)) continue;
    if (said.has(name)) out = out.replace(uses, name);
    else if (!run.text.includes('\n')) {
      const inline = SIMPLE.test(run.text) ? run.text : `{ ${run.text}; }`;
      out = out.replace(uses, () => inline);
    } else {
      functions.push(asFunction(probe));
      out = out.replace(uses, name);
    }
  }
  out = out
    .replace(/\$\(slot ([\w-]+)\)/g, (_, slot: string) => `$${variable(slot)}`)
    .replace(/\bgave ([\w-]+)/g, (_, slot: string) => `[ -n "$${variable(slot)}" ]`)
    .replace(/\bgive ([\w-]+) /g, (_, slot: string) => `${variable(slot)}=`);
  return [...functions, out].join('\n');
}
