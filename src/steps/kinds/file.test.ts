import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { read, runPiece } from '../../../test/steps/scene.ts';
import { absent, draft, file } from './file.ts';
import { lineIn, lineOut } from './line.ts';
import { module } from './module.ts';
import { sysctl } from './sysctl.ts';
import { endpointLine } from '../prepare.ts';
import { sh } from '../../shell/sh.ts';
import type { Step } from '../step.ts';

let dir = '';
let before = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-'));
  before = join(dir, 'before');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const about = { id: 'a/b', title: 'Write a file', why: 'A test needs it.' } as const;
const owner = `${userInfo().username}:${spawnSync('id', ['-gn'], { encoding: 'utf8' }).stdout.trim()}`;

function wanted(content: string, mode?: string): Step {
  return file(
    about,
    { path: join(dir, 'etc/some/file'), content, owner, ...(mode === undefined ? {} : { mode }) },
    before,
  );
}

describe('a file', () => {
  const path = (): string => join(dir, 'etc/some/file');

  it('is absent, is made with its folder, and is right', () => {
    const one = wanted('one\ntwo\n');
    expect(read(one)).toBe('absent');
    expect(runPiece(one, 'make').status).toBe(0);
    expect(read(one)).toBe(one.want);
    expect(readFileSync(path(), 'utf8')).toBe('one\ntwo\n');
    expect(existsSync(draft(path()))).toBe(false);
  });

  it('can be made twice, and after a try that was cut short', () => {
    const one = wanted('one\n');
    mkdirSync(dirname(path()), { recursive: true });
    writeFileSync(draft(path()), 'half');
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'make').status).toBe(0);
    expect(read(one)).toBe(one.want);
  });

  it.each(['', 'no newline at the end', 'it\'s $HOME `id` \\n "x"\nEND\nEND_\n', '\n\n', 'ümlaut ✓\n'])(
    'holds %j to the letter',
    (content) => {
      const one = wanted(content);
      expect(runPiece(one, 'make').status).toBe(0);
      const end = content === '' || content.endsWith('\n') ? '' : '\n';
      expect(readFileSync(path(), 'utf8')).toBe(content + end);
      expect(read(one)).toBe(one.want);
    },
  );

  it('shows and mends a wrong mode, a wrong text, a link and a missing file', () => {
    const one = wanted('text\n', '0600');
    expect(runPiece(one, 'make').status).toBe(0);
    chmodSync(path(), 0o644);
    expect(read(one)).toBe(`0644 ${owner}\ntext`);
    expect(runPiece(one, 'make').status).toBe(0);
    writeFileSync(path(), 'other\n');
    expect(read(one)).toBe(`0600 ${owner}\nother`);
    rmSync(path());
    writeFileSync(join(dir, 'elsewhere'), 'text\n', { mode: 0o600 });
    symlinkSync(join(dir, 'elsewhere'), path());
    expect(read(one)).not.toBe(one.want);
    expect(runPiece(one, 'make').status).toBe(0);
    expect(read(one)).toBe(one.want);
    expect(readFileSync(join(dir, 'elsewhere'), 'utf8')).toBe('text\n');
  });

  it('is never readable by others on its way to 0600', () => {
    const one = wanted('text\n', '0600');
    expect(runPiece({ ...one, make: sh`${one.make ?? sh``}; umask` }, 'make').stdout.trim()).toBe('0077');
  });

  it('goes when it was not there before', () => {
    const one = wanted('text\n');
    runPiece(one, 'make');
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'undo').status).toBe(0);
    expect(read(one)).toBe('absent');
  });

  it('is put back as it was', () => {
    const one = wanted('ours\n');
    mkdirSync(dirname(before + path()), { recursive: true });
    writeFileSync(before + path(), 'theirs\n', { mode: 0o640 });
    runPiece(one, 'make');
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'undo').status).toBe(0);
    expect(read(one)).toBe(`0640 ${owner}\ntheirs`);
  });

  it('must not be there', () => {
    const one = absent(about, path());
    mkdirSync(dirname(path()), { recursive: true });
    expect(read(one)).toBe('absent');
    writeFileSync(path(), 'x');
    expect(read(one)).not.toBe('absent');
    expect(runPiece(one, 'make').status).toBe(0);
    expect(read(one)).toBe('absent');
  });
});

describe('a line among others', () => {
  const put = (shell: ReturnType<typeof lineIn>): number | null =>
    runPiece({ ...about, read: sh`:`, want: '', make: shell }, 'make').status;

  it('is added, replaced and taken out, and the others stay', () => {
    const path = join(dir, 'sub/list');
    expect(put(lineIn(path, '^key =', 'key = 1'))).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('key = 1\n');
    writeFileSync(path, '# mine\nkey = 0\nother = 1');
    expect(put(lineIn(path, '^key =', 'key = 1'))).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('# mine\nother = 1\nkey = 1\n');
    expect(put(lineOut(path, '^key ='))).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('# mine\nother = 1\n');
    writeFileSync(path, 'key = 1\n');
    for (let i = 0; i < 2; i++) expect(put(lineOut(path, '^key ='))).toBe(0);
    expect(existsSync(path)).toBe(false);
  });
});

describe('the name of the API server', () => {
  const names = (): string => join(dir, 'hosts');
  const one = (): Step => endpointLine('api.harbour.internal', '10.0.0.11', names());

  it('is added to names of every form, and taken out again', () => {
    for (const text of [
      '',
      '127.0.0.1 localhost\n',
      '127.0.0.1 localhost',
      '127.0.0.1\tlocalhost\n\n# end\n',
    ]) {
      writeFileSync(names(), text, { mode: 0o664 });
      expect(read(one())).toBe('absent');
      for (let i = 0; i < 2; i++) expect(runPiece(one(), 'make').status).toBe(0);
      expect(read(one())).toBe(one().want);
      expect(runPiece(one(), 'undo').status).toBe(0);
      expect(readFileSync(names(), 'utf8').trimEnd()).toBe(text.trimEnd());
      expect(read(one())).toBe('absent');
    }
  });

  it('moves to another address', () => {
    writeFileSync(names(), '127.0.0.1 localhost\n');
    runPiece(endpointLine('api.harbour.internal', '10.0.0.99', names()), 'make');
    expect(read(one())).toBe('10.0.0.99 api.harbour.internal');
    runPiece(one(), 'make');
    expect(readFileSync(names(), 'utf8')).toBe(
      '127.0.0.1 localhost\n10.0.0.11 api.harbour.internal # kept by Landfall\n',
    );
  });

  it('is right when somebody else keeps it, and left alone', () => {
    const text = '10.0.0.11 harbour api.harbour.internal api # ours\n';
    writeFileSync(names(), text);
    expect(read(one())).toBe(one().want);
    runPiece(one(), 'undo');
    expect(readFileSync(names(), 'utf8')).toBe(text);
  });

  it('shows a second line that says otherwise, and the clue tells it from ours', () => {
    writeFileSync(names(), '10.0.0.99 api.harbour.internal\n#10.0.0.98 api.harbour.internal\n');
    runPiece(one(), 'make');
    const lines = read(one()).split('\n');
    expect(lines).toEqual(['10.0.0.99 api.harbour.internal', '10.0.0.11 api.harbour.internal']);
    const clue = one().clues?.[0];
    expect(lines.map((l) => clue?.match.test(l))).toEqual([true, false]);
  });
});

describe('a kernel setting', () => {
  const value = readFileSync('/proc/sys/kernel/pid_max', 'utf8').trim();
  const one = (files: string): Step => ({
    ...sysctl(about, { key: 'kernel.pid_max', value }, join(dir, 'z.conf'), join(dir, 'notes')),
    probes: [{ name: 'sysctl_files', run: sh`printf ${'%s\\n'} ${files}` }],
  });

  it.each([
    ['# kernel.pid_max = 7', 'not set'],
    ['kernel.pid_max = 7', '7'],
    ['kernel/pid_max=8', '8'],
    ['-kernel.pid_max\t=\t9 ', '9'],
    ['kernel.pid_max = 7\nkernel.pid_max = 8\nkernel.pid_maximum = 9', '8'],
  ])('says what the files %j will make of it', (files, last) => {
    expect(read(one(files))).toBe(`${value}\nat boot: ${last}`);
  });

  it('is written beside others and taken out again', () => {
    const path = join(dir, 'z.conf');
    writeFileSync(path, 'kernel.pid_max = 7\nvm.swappiness = 1\n');
    // The kernel's own switch is left as it is: only the file is looked at.
    const dry = (piece: 'make' | 'undo'): void => {
      const made = one('');
      const text = made[piece]?.text.replace(/^.*sysctl -q.*$/gm, '') ?? '';
      expect(runPiece({ ...made, [piece]: { ...made[piece], text } } as Step, piece).status).toBe(0);
    };
    dry('make');
    expect(readFileSync(path, 'utf8')).toBe(`vm.swappiness = 1\nkernel.pid_max = ${value}\n`);
    dry('undo');
    expect(readFileSync(path, 'utf8')).toBe('vm.swappiness = 1\n');
  });
});

describe('a module', () => {
  it('is named for the next boot', () => {
    const path = join(dir, 'm.conf');
    const one = module(about, 'overlay', path, join(dir, 'notes'));
    const text = (one.make?.text ?? '').replace(/modprobe.*/, ':');
    runPiece({ ...one, make: { ...sh``, text } }, 'make');
    expect(readFileSync(path, 'utf8')).toBe('overlay\n');
    expect(
      runPiece(
        { ...one, undo: { ...sh``, text: (one.undo?.text ?? '').replace(/modprobe -r[^;]*/, ':') } },
        'undo',
      ).status,
    ).toBe(0);
    expect(existsSync(path)).toBe(false);
  });
});
