import type { Asked } from './asked.ts';
import { askedOf, record } from './asked.ts';
import { violate } from './deeds.ts';
import { Failed, type Pause } from './making.ts';
import { make, undo } from './makings.ts';
import { type Place, truth } from './truth.ts';
import { type Machine, type Spell, tell, type Unit, type World } from './world.ts';

/** The machine went down, or the script was ended from outside. */
class Ended extends Error {}

/** Milliseconds a slow making takes longer: more than a token lives. */
const SLOW = 40 * 60_000;

/** A late value is for the host it was minted for, and for nobody else. */
function checkSlots(world: World, machine: Machine, slots: ReadonlyMap<string, string>): void {
  for (const value of slots.values())
    if (value.startsWith('secret-') && !value.startsWith(`secret-${machine.name}-`))
      violate(world, `the ticket ${value} was brought to ${machine.name}`);
}

/** What the next making of this step here meets. */
function spellOf({ spells }: Machine, id: string): Spell | undefined {
  const any = spells.get('*');
  if (any !== undefined) {
    spells.delete('*');
    spells.set(id, any);
  }
  const spell = spells.get(id);
  if (spell !== 'fails always') spells.delete(id);
  return spell;
}

/** Runs a script of steps as the shell does that `compile` writes, its records told to `say`. */
async function steps(place: Place, script: string, pause: Pause, say: (line: string) => void): Promise<void> {
  const { world, machine } = place;
  const { mode, steps: list, slots } = askedOf(script);
  checkSlots(world, machine, slots);
  say(record(`landfall 1 ${list.length}`));
  const isStopped = (): boolean => place.unit !== undefined && machine.stops.has(keyOf(place.unit));
  let stopped: 'make' | 'check' | undefined;
  for (const step of list) {
    const { n, kind, within } = step;
    const one = (words: string, ...texts: readonly string[]): void => say(record(`${n} ${words}`, ...texts));
    const look = (): string | undefined => truth(place, step, kind === 'check');
    if (mode !== 'read' && isStopped()) {
      one('skipped stop');
      continue;
    }
    if (mode === 'undo') {
      one('undoing');
      await undo({ ...place, step, pause });
      one('undone');
      continue;
    }
    if (mode === 'make' && (stopped === 'make' || (stopped !== undefined && kind === 'make'))) {
      one('skipped');
      continue;
    }
    let reading = look();
    if (reading === undefined || mode === 'read') {
      if (reading === undefined) one('right');
      else one('differs', reading, '');
      continue;
    }
    if (kind === 'make') {
      one('differs', reading, '');
      const words = await tried(place, step, pause, slots);
      reading = look();
      if (words !== undefined) {
        say(words);
        one('failed 1', reading ?? '', '');
        stopped = 'make';
        continue;
      }
    }
    const begun = world.clock.now();
    while (reading !== undefined && world.clock.now() - begun < within * 1000 && !isStopped()) {
      one(`waiting ${Math.round((world.clock.now() - begun) / 1000)}`, reading, '');
      await pause(5000);
      reading = look();
    }
    if (reading === undefined) one(kind === 'make' ? 'made' : 'right');
    else {
      one(kind === 'make' ? 'unproven' : 'wrong', reading, '');
      stopped = kind === 'make' ? 'make' : (stopped ?? 'check');
    }
  }
  say(record('end'));
}

/** Makes a step; what it says when it fails. */
async function tried(
  place: Place,
  step: Asked,
  pause: Pause,
  slots: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const spell = spellOf(place.machine, step.id);
  const isFailing = spell === 'fails once' || spell === 'fails always';
  const failed = new Failed(`${step.id} fails`);
  let pauses = 0;
  try {
    await make({
      ...place,
      step,
      slots,
      pause: async (ms) => {
        pauses += 1;
        if (isFailing && pauses === 3) throw failed;
        await pause(spell === 'slow' && pauses === 1 ? ms + SLOW : ms);
      },
    });
    if (isFailing) throw failed;
    return undefined;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    tell(place.world, `${step.id} fails on ${place.machine.name}: ${error.message}`);
    return error.message;
  }
}

/** What a detached script is known by on its machine. */
export function keyOf({ run, phase }: Pick<Unit, 'run' | 'phase'>): string {
  return `${run}/${phase}`;
}

/** Starts a script on a machine, detached from whoever brought it. */
export function start(world: World, machine: Machine, unit: Unit, script: string): void {
  const other = machine.holders.find(({ run }) => run !== unit.run);
  if (other !== undefined)
    violate(world, `run ${unit.run} begins ${unit.phase} on ${machine.name}, which run ${other.run} holds`);
  const { boot } = machine;
  machine.units.set(keyOf(unit), unit);
  const isAlive = (): boolean => machine.state === 'up' && machine.boot === boot && !unit.isOver;
  const pause: Pause = async (ms) => {
    world.onMoment();
    if (!isAlive()) throw new Ended();
    await world.clock.sleep(ms);
    if (!isAlive()) throw new Ended();
  };
  const say = (line: string): void => {
    unit.events.push(line);
    for (const follower of unit.followers) follower(line);
  };
  const work = async (): Promise<void> => {
    while ([...machine.units.values()].some((one) => one !== unit && !one.isOver)) await pause(1000);
    await steps({ world, machine, unit }, script, pause, say);
  };
  const over = (error?: unknown): void => {
    if (error !== undefined && !(error instanceof Ended))
      violate(world, `the simulation has failed: ${String(error)}`);
    if (machine.boot !== boot || unit.isOver) return;
    unit.isOver = true;
    for (const follower of unit.followers) follower(undefined);
  };
  work().then(() => over(), over);
}

/** Runs a script of steps in the session itself. */
export async function attached(world: World, machine: Machine, script: string): Promise<string> {
  const lines: string[] = [];
  const pause: Pause = (ms) => world.clock.sleep(ms);
  await steps({ world, machine }, script, pause, (line) => lines.push(line));
  return `${lines.join('\n')}\n`;
}
