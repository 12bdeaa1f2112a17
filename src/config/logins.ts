import type { Cluster } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import type { Login } from '../model/registries.ts';
import { pathFrom, readText } from './file.ts';
import type { Loaded } from './load.ts';

type Asked = Pick<Loaded, 'file' | 'place'> & { readonly cluster: Pick<Cluster, 'registries'> };

/**
 * The logins as the runtime reads them (containers-auth.json(5)): a secret.
 * @throws Problem (exit 2), with its place in cluster.yaml, when a password is not where the file says.
 */
export function loginsText(loaded: Asked, env: Readonly<Record<string, string | undefined>>): string {
  const auths = (loaded.cluster.registries?.logins ?? []).map((login, i) => {
    const pair = `${login.user}:${passwordOf(login, i, loaded, env)}`;
    return [login.at, { auth: Buffer.from(pair).toString('base64') }] as const;
  });
  return `${JSON.stringify({ auths: Object.fromEntries(auths) })}\n`;
}

function passwordOf(
  { at, passwordFile, passwordVariable }: Login,
  i: number,
  { file, place }: Asked,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const isFile = passwordFile !== undefined;
  const where = place(['registries', 'logins', i, isFile ? 'passwordFile' : 'passwordVariable']);
  const source = isFile ? passwordFile : `$${passwordVariable}`;
  const lacking = (why: string): Problem =>
    new Problem({
      code: 'registries/password',
      summary: `the password for ${at} cannot be had from ${source}`,
      where,
      why,
      try: isFile
        ? 'put the password alone into that file, for you only to read: mode 0600'
        : `export ${passwordVariable}, as your password store or CI hands it out, and run the command again`,
      exit: 2,
    });
  const text = isFile ? fileText(pathFrom(file, passwordFile), lacking) : env[passwordVariable ?? ''];
  if (text === undefined) throw lacking('the variable is not set here');
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw lacking('it is empty');
  if (/\p{Cc}/u.test(password))
    throw lacking('it is more than one line, or holds control characters, which no registry takes');
  return password;
}

function fileText(path: string, lacking: (why: string) => Problem): string {
  try {
    return readText(path).content;
  } catch (error) {
    // Why is told; what stands in the file is not.
    throw error instanceof Problem
      ? lacking(error.code === 'file/not-utf8' ? 'it is no text' : error.summary)
      : error;
  }
}
