import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inRoot, put, read, runPiece, step } from '../../test/steps/scene.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'landfall-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const crictl = () => inRoot(root, step('runtime/crictl'));
const file = (): string => readFileSync(join(root, 'etc/crictl.yaml'), 'utf8');

describe("crictl's configuration", () => {
  const socket = (): string => `unix://${root}/var/run/crio/crio.sock`;

  it('is made, and gone when it is taken back', () => {
    expect(read(crictl())).toBe('not set');
    put(root, 'etc/hosts', '');
    runPiece(crictl(), 'make');
    expect([read(crictl()), file()]).toEqual([socket(), `runtime-endpoint: ${socket()}\n`]);
    for (let i = 0; i < 2; i++) expect(runPiece(crictl(), 'undo').status).toBe(0);
    expect(existsSync(join(root, 'etc/crictl.yaml'))).toBe(false);
  });

  it('stays when it is the one of the package', () => {
    const text = `runtime-endpoint: "${socket()}"\ntimeout: 0\n`;
    put(root, 'etc/crictl.yaml', text);
    expect(read(crictl())).toBe(socket());
    runPiece(crictl(), 'undo');
    expect(file()).toBe(text);
  });

  it('is put back as it was before', () => {
    const text = 'runtime-endpoint: unix:///run/other.sock\ndebug: true\n';
    put(root, 'etc/crictl.yaml', text);
    put(root, 'var/lib/landfall/before/etc/crictl.yaml', text);
    runPiece(crictl(), 'make');
    expect(read(crictl())).toBe(socket());
    runPiece(crictl(), 'undo');
    expect(file()).toBe(text);
  });
});
