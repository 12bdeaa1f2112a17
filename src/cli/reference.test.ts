import { describe, expect, test } from 'vitest';
import { kept } from '../../test/report/golden.ts';
import { DEFAULT_MINOR, formatMinor } from '../model/version.ts';
import { cliPage } from './reference.ts';

describe('docs/cli.md', () => {
  test('is what the commands say', () => {
    const text = cliPage();
    expect(text).toBe(kept(new URL('../../docs/cli.md', import.meta.url), text));
  });

  test('names the Kubernetes that init takes by itself, which the commands do not load', () => {
    expect(cliPage()).toContain(`A minor or an exact version (${formatMinor(DEFAULT_MINOR)})`);
  });
});
