import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../exec.ts';
import { locked } from '../lock.ts';
import { whole } from '../part.ts';
import { contentKey } from '../content-key.ts';
import { cacheDir } from '../place.ts';

/** A certificate with its private key, as files (PEM). */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

const REQUEST = [
  'openssl',
  'req',
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:P-256',
  '-nodes',
  '-sha256',
] as const;

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
      await whole(dir, async (part) => {
        await mkdir(part, { mode: 0o700 });
        const out = ['-keyout', join(part, 'ca.key'), '-out', join(part, 'ca.crt')];
        await exec([...REQUEST, '-x509', '-days', '3650', '-subj', '/CN=Landfall lab', ...out]);
        await chmod(join(part, 'ca.key'), 0o600);
      });
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
  const own = join(dir, `server-${key}`);
  const made: Credential = { certificate: join(own, 'tls.crt'), key: join(own, 'tls.key') };
  if (existsSync(made.certificate)) return made;
  const alternatives = [
    ...names.map((name) => `DNS:${name}`),
    ...addresses.map((address) => `IP:${address}`),
  ];
  await whole(own, async (part) => {
    await mkdir(part, { mode: 0o700 });
    const at = (name: string) => join(part, name);
    await exec([...REQUEST, '-subj', '/CN=landfall-depot', '-keyout', at('tls.key'), '-out', at('csr')]);
    await chmod(at('tls.key'), 0o600);
    await writeFile(at('ext'), `subjectAltName=${alternatives.join(',')}\nextendedKeyUsage=serverAuth\n`);
    const sign = ['openssl', 'x509', '-req', '-in', at('csr'), '-CA', ca.certificate, '-CAkey', ca.key];
    const how = ['-set_serial', `0x${key}`, '-days', '825', '-sha256', '-extfile', at('ext')];
    await exec([...sign, ...how, '-out', at('tls.crt')]);
  });
  return made;
}
