import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inRoot, read, runPiece } from '../../../test/steps/scene.ts';
import type { Step } from '../step.ts';
import { pinned } from './pinned.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'landfall-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const TEXT = 'kind: Namespace\n';
const url = 'https://example.org/operator.yaml';
const at = (): string => join(root, 'var/lib/x/operator.yaml');

function step(): Step {
  const sha256 = createHash('sha256').update(TEXT).digest('hex');
  const about = { id: 'a/b', title: 'Fetch a file', why: 'A test needs it.' } as const;
  return inRoot(root, pinned(about, { url, sha256, path: '/var/lib/x/operator.yaml' }));
}

/** Stands in for apt's downloader: serves a text, or fails. */
function serve(text: string | undefined): void {
  const helper = join(root, 'usr/lib/apt/apt-helper');
  mkdirSync(join(root, 'usr/lib/apt'), { recursive: true });
  const last = 'for at; do :; done';
  writeFileSync(
    helper,
    text === undefined
      ? `#!/bin/sh\necho 'E: Failed to fetch ${url}  404  Not Found'\nexit 100\n`
      : `#!/bin/sh\n${last}\nprintf '%s' '${text}' >"$at"\n`,
  );
  chmodSync(helper, 0o755);
}

describe('a pinned file', () => {
  it('is absent, is fetched, and is right', () => {
    serve(TEXT);
    expect(read(step())).toBe('absent');
    expect(runPiece(step(), 'make').status).toBe(0);
    expect(read(step())).toBe(step().want);
    expect(readFileSync(at(), 'utf8')).toBe(TEXT);
    runPiece(step(), 'undo');
    expect(read(step())).toBe('absent');
    expect(runPiece(step(), 'undo').status).toBe(0);
  });
  it('never takes its place when it is another, and leaves nothing behind', () => {
    serve('kind: Evil\n');
    const { status, stdout } = runPiece(step(), 'make');
    expect(status).not.toBe(0);
    expect(
      step().clues?.find(({ match }) => stdout.split('\n').some((line) => match.test(line)))?.means,
    ).toContain('not the file landfall.lock names');
    expect(readdirSync(join(root, 'var/lib/x'))).toEqual([]);
  });
  it('leaves a good one alone when it cannot be fetched, and a changed one is seen', () => {
    serve(TEXT);
    runPiece(step(), 'make');
    serve(undefined);
    const { status, stdout } = runPiece(step(), 'make');
    expect(status).not.toBe(0);
    expect(stdout).toContain('E: Failed');
    expect(existsSync(at())).toBe(true);
    writeFileSync(at(), `${TEXT}# changed\n`);
    expect(read(step())).toMatch(/^[0-9a-f]{64}$/);
    expect(read(step())).not.toBe(step().want);
  });
});
