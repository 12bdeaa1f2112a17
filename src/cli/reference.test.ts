import { describe, expect, test } from 'vitest';
import { kept } from '../../test/report/golden.ts';
import { cliPage } from './reference.ts';

describe('docs/cli.md', () => {
  test('is what the commands say', () => {
    const text = cliPage();
    expect(text).toBe(kept(new URL('../../docs/cli.md', import.meta.url), text));
  });
});
