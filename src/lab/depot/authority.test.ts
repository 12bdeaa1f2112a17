import { execFileSync } from 'node:child_process';
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { authority, serverCertificate } from './authority.ts';

it('makes a certificate that its authority vouches for, for these names, and makes it once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-'));
  const ca = await authority(join(dir, 'authority'));
  const made = await serverCertificate(dir, ca, ['pkgs.k8s.io'], ['10.77.0.3']);
  const verify = (name: string) =>
    execFileSync(
      'openssl',
      ['verify', '-CAfile', ca.certificate, '-verify_hostname', name, made.certificate],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
  expect(verify('pkgs.k8s.io')).toMatch(/: OK$/m);
  expect(() => verify('example.org')).toThrow(/hostname mismatch/);
  expect(statSync(made.key).mode & 0o777).toBe(0o600);
  expect(statSync(ca.key).mode & 0o777).toBe(0o600);
  expect(await authority(join(dir, 'authority'))).toEqual(ca);
  expect(await serverCertificate(dir, ca, ['pkgs.k8s.io'], ['10.77.0.3'])).toEqual(made);
  const other = await serverCertificate(dir, ca, ['ghcr.io'], []);
  expect(other.certificate).not.toBe(made.certificate);
});
