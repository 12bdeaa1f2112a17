import { describe, expect, test } from 'vitest';
import { everyStep } from '../cli/list.ts';
import { meaning, sorted, TROUBLES } from './troubles.ts';

const STEPS = everyStep().map(({ step }) => step);

describe('the troubles many steps share', () => {
  test('sorting loses no clue and tells none twice', () => {
    for (const { id, clues = [] } of STEPS) {
      const { own, shared } = sorted(clues);
      const told = [...own, ...shared.flatMap((trouble) => trouble.clues)].map(meaning);
      expect([id, told.toSorted()]).toEqual([id, [...new Set(clues.map(meaning))].toSorted()]);
    }
  });

  test('each is met by several steps', () => {
    for (const trouble of TROUBLES.filter(({ id }) => id !== 'network')) {
      const met = STEPS.filter((step) => sorted(step.clues ?? []).shared.includes(trouble));
      expect([trouble.id, met.length > 2]).toEqual([trouble.id, true]);
    }
    for (const plugin of ['flannel', 'calico', 'cilium']) {
      const own = TROUBLES.filter(
        ({ id, clues }) => id === 'network' && clues.some((c) => c.try.includes(plugin)),
      );
      expect([plugin, own.length > 0]).toEqual([plugin, true]);
    }
  });
});
