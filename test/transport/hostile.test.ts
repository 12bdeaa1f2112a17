import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Problem } from '../../src/model/problem.ts';
import { openSsh } from '../../src/ssh/open-ssh.ts';
import { resolveWay } from '../../src/ssh/resolve.ts';
import type { Target } from '../../src/ssh/target.ts';
import { examineTrust } from '../../src/ssh/trust.ts';
import { targetOf, using } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let trap: string;

beforeAll(async () => {
  sshd = await startSshd();
  trap = join(sshd.folder, 'trap');
  await mkdir(trap);
});

afterAll(() => sshd.stop());

/** Values that would leave a file in the trap if ssh or a shell took them for more than a value. */
function hostile(): readonly string[] {
  const touch = `touch ${trap}/sprung`;
  return [
    `-oProxyCommand=${touch}`,
    `-o ProxyCommand=${touch}`,
    `-F${trap}/config`,
    `--`,
    '-v',
    `$(${touch})`,
    `\`${touch}\``,
    `;${touch}`,
    `x;${touch};`,
    `x|${touch}`,
    `x&${touch}`,
    `x>${trap}/sprung`,
    `x\n${touch}`,
    `x\nProxyCommand ${touch}`,
    `x ${touch}`,
    `'x`,
    `"x`,
    `x$\{IFS}y`,
    `ops@host`,
    `ssh://x`,
    `x\0y`,
    `x\ry`,
    '',
    ' ',
    '*',
    'x#y',
  ];
}

/** The Problem something ends with; anything else it ends with is thrown. */
async function problemOf(work: Promise<unknown>): Promise<Problem | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

const FIELDS = ['address', 'user', 'name', 'jump', 'hostKey'] as const;

/** What the field takes although it looks odd; harmless, as the tests below show. */
const TAKEN: Readonly<Record<string, readonly string[]>> = { user: ['ops@host'], jump: ['ops@host'] };

describe('a value that looks like an option or like shell', () => {
  test.each(FIELDS)('is refused as %s before anything is run', async (field) => {
    for (const value of hostile()) {
      const target = { ...targetOf(sshd), [field]: value } as Target;
      if (TAKEN[field]?.includes(value) === true) continue;
      expect(() => openSsh(target)).toThrow(expect.objectContaining({ code: 'ssh/value', exit: 2 }));
      await expect(resolveWay(target)).rejects.toMatchObject({ code: 'ssh/value' });
      await expect(examineTrust(target)).rejects.toMatchObject({ code: 'ssh/value' });
    }
    expect(await readdir(trap)).toEqual([]);
  });

  test('is refused as a port', () => {
    for (const port of [0, -1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => openSsh({ ...targetOf(sshd), port })).toThrow(Problem);
    }
  });

  test('does nothing as the name of a file', async () => {
    const touch = `touch ${trap}/sprung`;
    for (const field of ['config', 'identityFile', 'knownHosts'] as const) {
      for (const value of [
        '-oProxyCommand=x',
        `%h;${touch}`,
        `a b %d %%`,
        `\`${touch}\``,
        "it's",
        '~/x',
        '-',
      ]) {
        const target = { ...targetOf(sshd), [field]: value };
        const problem = await problemOf(
          using(target, (host) => host.run('true'), { connectTimeoutSeconds: 2 }),
        );
        expect(problem?.exit ?? 4).toBe(4);
        expect(problem?.code).not.toBe('ssh/failed');
      }
      for (const value of ['x\ny', 'x"y', '$(x)', `\u0007`, '']) {
        expect(() => openSsh({ ...targetOf(sshd), [field]: value })).toThrow(Problem);
      }
    }
    expect(await readdir(trap)).toEqual([]);
  });

  test('never reaches the shell of a ProxyCommand', async () => {
    const config = join(sshd.folder, 'proxied');
    await writeFile(config, `Host *\n  ProxyCommand echo %h %n %r >/dev/null\n`);
    const odd = fc.string({
      unit: fc.constantFrom(
        'a',
        '-',
        '.',
        ':',
        '/',
        '+',
        '%',
        '@',
        '\\',
        '_',
        '1',
        '$',
        ';',
        '`',
        '|',
        ' ',
        "'",
        '&',
        '(',
        '>',
        '\n',
      ),
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(odd, odd, async (address, user) => {
        // Reads the configuration and expands every token, as far as it goes without a connection.
        if ((await problemOf(resolveWay({ name: 'x', address, user, config }))) !== undefined) return;
        expect(address).toMatch(/^[\w.:/+%-]+$/);
        expect(address).not.toMatch(/^-/);
        expect(user).toMatch(/^[\w.@+\\-]+$/);
        expect(user).not.toMatch(/^-|\\$/);
      }),
      { numRuns: 300 },
    );
    expect(existsSync(join(trap, 'sprung'))).toBe(false);
  });
});
