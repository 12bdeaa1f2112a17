import { expect, test } from 'vitest';
import { fake } from '../../test/cli/fake.ts';
import type { CommonFlags } from './flags.ts';
import { isMeant, RECOVER, RESET } from './meant.ts';

const FLAGS = { color: 'never', json: false, verbose: false, noInput: false, quiet: false } as CommonFlags;

test.each([RESET, RECOVER])(
  '$command is meant only when the cluster’s name was typed or given',
  async (meaning) => {
    const meant = (flags: { cluster?: string; yes: boolean }, typed?: string[]) => {
      const it = fake(typed === undefined ? {} : { typed });
      return isMeant({ process: it.process }, { ...FLAGS, ...flags }, 'harbour', meaning);
    };
    expect(await meant({ yes: false }, ['harbour'])).toBe(true);
    expect(await meant({ yes: true }, ['harbour'])).toBe(true);
    expect(await meant({ yes: false }, ['yes'])).toBe(false);
    expect(await meant({ yes: true }, ['y'])).toBe(false);
    expect(await meant({ yes: true, cluster: 'harbour' })).toBe(true);
    expect(await meant({ yes: false, cluster: 'harbour' }, ['y'])).toBe(true);
    await expect(meant({ yes: true })).rejects.toMatchObject({ exit: 2 });
    await expect(meant({ yes: false, cluster: 'harbour' })).rejects.toMatchObject({ exit: 2 });
    await expect(meant({ yes: true, cluster: 'marina' })).rejects.toMatchObject({
      code: `${meaning.command}/name`,
    });
  },
);
