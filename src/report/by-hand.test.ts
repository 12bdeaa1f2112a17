import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allSteps } from '../cli/list.ts';
import { sh } from '../shell/sh.ts';
import { file } from '../steps/kinds/file.ts';
import { install, patient } from '../steps/kinds/packages.ts';
import { byHand } from './by-hand.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-by-hand-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const ABOUT = { id: 'a/b', title: 'A file', why: 'It is needed.' } as const;

describe('shell as a person would type it', () => {
  test('writes the same file in one go', () => {
    const path = join(dir, 'deep/er/it.conf');
    const owner = execFileSync('sh', ['-c', 'echo "$(id -un):$(id -gn)"'], { encoding: 'utf8' }).trim();
    const step = file(ABOUT, { path, content: 'one\n$two `three`\n', mode: '0640', owner });
    const typed = byHand(step.make?.text ?? '');
    expect(typed).toContain(`install -D -m 0640`);
    expect(typed).not.toMatch(/\.landfall|umask|sync/);
    execFileSync('sh', ['-c', typed]);
    expect(readFileSync(path, 'utf8')).toBe('one\n$two `three`\n');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(execFileSync('sh', ['-c', step.read.text], { encoding: 'utf8' }).trimEnd()).toBe(step.want);
  });

  test('waits for nobody', () => {
    expect(byHand(patient(sh`dpkg --purge $mine`).text)).toBe('dpkg --purge $mine');
    expect(byHand(sh`if true; then ( ${patient(sh`dpkg --purge $mine`)} ); fi`.text)).toBe(
      'if true; then dpkg --purge $mine; fi',
    );
    expect(byHand(install([{ name: 'chrony' }]).text)).toMatch(/^apt-get .* chrony\nsync -f \/etc$/);
  });

  test('leaves a file alone that is read while it is written', () => {
    const text =
      '{ cat /etc/x; echo a; } >/etc/.x.landfall\nsync /etc/.x.landfall\nmv -fT /etc/.x.landfall /etc/x';
    expect(byHand(text)).toBe('{ cat /etc/x; echo a; } >/etc/.x.landfall\nmv -fT /etc/.x.landfall /etc/x');
    const line =
      'echo "$(cat /etc/x)" >/etc/.x.landfall\nsync /etc/.x.landfall\nmv -fT /etc/.x.landfall /etc/x';
    expect(byHand(line)).toContain('mv -fT');
  });

  test('is shell still, in every step', () => {
    const texts = allSteps().flatMap(({ step }) => [step.read, ...(step.make ? [step.make] : [])]);
    for (const { text } of texts) execFileSync('sh', ['-n'], { input: byHand(text) });
    expect(texts.filter(({ text }) => byHand(text) !== text).length).toBeGreaterThan(20);
  });
});
