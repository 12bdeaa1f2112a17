import type { Cluster } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import type { Login } from '../model/registries.ts';
import { pathFrom, readText } from './file.ts';
import type { Loaded } from './load.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Asked = Pick<Loaded, 'file' | 'place'> & { readonly cluster: Pick<Cluster, 'registries'> };

/**
 * The logins as CRI-O reads them (containers-auth.json(5)): a secret.
 * @throws Problem (exit 2), with its place in cluster.yaml, when a password is not where the file says.
 */
export function loginsText(loaded: Asked, env: Environment): string {
  const auths = pairs(loaded, env).map(({ at, user, password }) => {
    const auth = Buffer.from(`${user}:${password}`).toString('base64');
    return [at, { auth }] as const;
  });
  return `${JSON.stringify({ auths: Object.fromEntries(auths) })}\n`;
}

/**
 * The logins as containerd reads them, in its own configuration: a secret.
 * @throws Problem (exit 2) as {@link loginsText} does.
 */
export function containerdLoginsText(loaded: Asked, env: Environment): string {
  const tables = pairs(loaded, env).map(({ at, user, password }) => {
    const table = `plugins."io.containerd.cri.v1.images".registry.configs.${JSON.stringify(at)}.auth`;
    return `\n[${table}]\nusername = ${JSON.stringify(user)}\npassword = ${JSON.stringify(password)}\n`;
  });
  return `# Written by Landfall: who pulls images.\nversion = 3\n${tables.join('')}`;
}

function pairs(loaded: Asked, env: Environment) {
  return (loaded.cluster.registries?.logins ?? []).map((login, i) => ({
    ...login,
    password: passwordOf(login, i, loaded, env),
  }));
}

function passwordOf(
  { at, passwordFile, passwordVariable }: Login,
  i: number,
  { file, place }: Asked,
  env: Environment,
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
