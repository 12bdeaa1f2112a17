import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../exec.ts';
import { locked } from '../lock.ts';
import { cacheDir, contentKey } from '../place.ts';

/** A certificate with its private key, as files (PEM). */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256'] as const;

/**
 * This user's own certificate authority for labs, made once and valid for ten years. Only lab hosts trust it: it is in
 * their image, and nowhere on this machine's own trust list.
 */
export async function authority(dir: string = join(cacheDir(), 'authority')): Promise<Credential> {
  const made: Credential = { certificate: join(dir, 'ca.crt'), key: join(dir, 'ca.key') };
  if (existsSync(made.certificate)) return made;
  return locked(
    `${dir}.lock`,
    'making the authority',
    async () => {
      if (existsSync(made.certificate)) return made;
      const part = `${dir}.part`;
      await rm(part, { recursive: true, force: true });
      await mkdir(part, { recursive: true, mode: 0o700 });
      await exec([
        'openssl',
        'req',
        '-x509',
        ...CURVE,
        '-days',
        '3650',
        '-subj',
        '/CN=Landfall lab',
        '-keyout',
        join(part, 'ca.key'),
        '-out',
        join(part, 'ca.crt'),
      ]);
      await chmod(join(part, 'ca.key'), 0o600);
      await rm(dir, { recursive: true, force: true });
      await rename(part, dir);
      return made;
    },
    () => undefined,
  );
}

/**
 * A server's certificate for these names and addresses, signed by the authority; kept in `dir` and made anew when the
 * names or the authority change.
 */
export async function serverCertificate(
  dir: string,
  ca: Credential,
  names: readonly string[],
  addresses: readonly string[],
): Promise<Credential> {
  const key = contentKey(await readFile(ca.certificate, 'utf8'), ...names, '', ...addresses);
  const base = join(dir, `server-${key}`);
  const made: Credential = { certificate: `${base}.crt`, key: `${base}.key` };
  if (existsSync(made.certificate)) return made;
  await mkdir(dir, { recursive: true });
  const alternatives = [
    ...names.map((name) => `DNS:${name}`),
    ...addresses.map((address) => `IP:${address}`),
  ];
  await exec([
    'openssl',
    'req',
    ...CURVE,
    '-subj',
    '/CN=landfall-depot',
    '-keyout',
    made.key,
    '-out',
    `${base}.csr`,
  ]);
  await chmod(made.key, 0o600);
  await writeFile(`${base}.ext`, `subjectAltName=${alternatives.join(',')}\nextendedKeyUsage=serverAuth\n`);
  await exec([
    'openssl',
    'x509',
    '-req',
    '-in',
    `${base}.csr`,
    '-CA',
    ca.certificate,
    '-CAkey',
    ca.key,
    '-CAcreateserial',
    '-days',
    '825',
    '-sha256',
    '-extfile',
    `${base}.ext`,
    '-out',
    `${base}.part`,
  ]);
  await rename(`${base}.part`, made.certificate);
  await rm(`${base}.csr`);
  await rm(`${base}.ext`);
  return made;
}
