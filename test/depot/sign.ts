import { access, chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epoch } from './deb.ts';
import { exec, execText } from './exec.ts';
import type { Place } from './place.ts';

/** Signs for the depot's apt repositories. */
export interface Signer {
  /** The public key, ASCII-armoured. */
  readonly publicKey: string;
  /** Gives a text with its signature around it, as `InRelease` has it. */
  readonly clearsign: (text: string) => Promise<string>;
  /** Gives a signature of its own, armoured, as `Release.gpg` has it. */
  readonly detached: (text: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

// gpg's clock stands still at the depot's epoch, so that the same key and text give the same signature.
const time = ['--faked-system-time', `${new Date(epoch * 1000).toISOString().replace(/[-:]|\.\d+Z/g, '')}!`];

/**
 * Gives a signer with this machine's depot key, which is made when there is none yet.
 * gpg's own folder is a temporary one with a short path: its agent's socket allows 107 characters.
 */
export async function signer(place: Place): Promise<Signer> {
  const home = await mkdtemp(join(tmpdir(), 'landfall-gpg-'));
  const gpg = (argv: readonly string[], input?: string): Promise<string> =>
    execText(['gpg', '--homedir', home, '--batch', '--yes', '--quiet', ...time, ...argv], {
      ...(input === undefined ? {} : { input }),
      env: { GNUPGHOME: home },
    });
  const close = async (): Promise<void> => {
    await exec(['gpgconf', '--homedir', home, '--kill', 'all'], { allow: [0, 1, 2] });
    await rm(home, { recursive: true, force: true });
  };
  try {
    await chmod(home, 0o700);
    const exists = await access(place.key).then(
      () => true,
      () => false,
    );
    if (exists) await gpg(['--import', place.key]);
    else {
      const user = 'Landfall depot <depot@landfall.invalid>';
      await gpg(['--passphrase', '', '--quick-generate-key', user, 'rsa3072', 'sign', 'never']);
      await mkdir(place.cache, { recursive: true });
      await writeFile(`${place.key}.new`, `${await gpg(['--armor', '--export-secret-keys'])}\n`, {
        mode: 0o600,
      });
      await rename(`${place.key}.new`, place.key);
    }
    const publicKey = `${await gpg(['--armor', '--export'])}\n`;
    return {
      publicKey,
      clearsign: async (text) => `${await gpg(['--clearsign', '--output', '-'], text)}\n`,
      detached: async (text) => `${await gpg(['--armor', '--detach-sign', '--output', '-'], text)}\n`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
