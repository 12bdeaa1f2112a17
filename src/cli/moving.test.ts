import { expect, test } from 'vitest';
import { fake } from '../../test/cli/fake.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import type { CommonFlags } from './flags.ts';
import { checkPromise, isMoveMeant } from './moving.ts';

const FLAGS = { color: 'never', json: false, verbose: false, noInput: false, quiet: false } as CommonFlags;
const MOVE = { from: '10.0.0.11:6443', to: 'api.harbour.internal:6443' };

test('a move is meant only when the new endpoint was typed or promised', async () => {
  const meant = (flags: { moveEndpoint?: string; yes: boolean }, typed?: string[]) => {
    const it = fake(typed === undefined ? {} : { typed });
    return isMoveMeant({ process: it.process }, { ...FLAGS, ...flags }, MOVE);
  };
  expect(await meant({ yes: false }, [MOVE.to])).toBe(true);
  expect(await meant({ yes: true }, [MOVE.to])).toBe(true);
  expect(await meant({ yes: true }, ['y'])).toBe(false);
  expect(await meant({ yes: false }, [MOVE.from])).toBe(false);
  expect(await meant({ yes: true, moveEndpoint: MOVE.to })).toBe(true);
  await expect(meant({ yes: true })).rejects.toMatchObject({ code: 'endpoint/unsure', exit: 2 });
  await expect(meant({ yes: true, moveEndpoint: 'api.example.com:6443' })).rejects.toMatchObject({ exit: 2 });
});

test('a promise of another endpoint than that of cluster.yaml is refused before any host is asked', () => {
  expect(() => checkPromise({ moveEndpoint: 'api.example.com:6443' }, HARBOUR)).toThrow(
    expect.objectContaining({ code: 'endpoint/name', exit: 2 }),
  );
  for (const promise of [{}, { moveEndpoint: MOVE.to }])
    expect(() => checkPromise(promise, HARBOUR)).not.toThrow();
});
