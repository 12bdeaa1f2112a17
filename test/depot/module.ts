import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../../src/model/problem.ts';
import { exec, execText } from './exec.ts';

/**
 * A Go module of our own that only pins others: what is built, out of which versions.
 * Its `go.mod` and `go.sum` lie in `modules/NAME/` and are written by `npx tsx test/depot/pin.ts NAME`.
 */
export interface GoModule {
  /** Folder under `modules/`. */
  readonly name: string;
  /** Go version of the `go` line. */
  readonly go: string;
  /** Module path → version. */
  readonly require: Readonly<Record<string, string>>;
  /** A module whose go.mod replaces modules by its own staging folders: these are replaced by the published ones. */
  readonly staging?: { readonly of: string; readonly version: string };
  /** A module whose `go.sum` and `godebug` lines are taken over. */
  readonly like?: string;
  /** Packages that are built, so that everything they import gets pinned. */
  readonly packages: readonly string[];
  /** Source files of other modules this module's own `main` is made of. */
  readonly sources?: readonly Source[];
}

/** Files of a published module, taken into our module because they cannot be built where they are. */
export interface Source {
  /** `path@version` of the module. */
  readonly module: string;
  /** Its checksum as `go.sum` has it, `h1:…`. */
  readonly sum: string;
  /** Folder inside that module; its `.go` files are taken, tests left out. */
  readonly folder: string;
  /** Folder inside ours. */
  readonly into: string;
  /** Lines that hold one of these texts are left out. */
  readonly without: readonly string[];
}

/** How every `go` command here runs: the same flags everywhere, so that all share one build cache. */
export const goEnv = { GOFLAGS: '-buildvcs=false -mod=mod', GOTOOLCHAIN: 'local', GOWORK: 'off' } as const;

/** Where the pinned modules lie. */
export const modulesFolder = join(dirname(fileURLToPath(import.meta.url)), 'modules');

/**
 * Downloads a module if it is not there yet. Gives where it lies.
 *
 * @param sum what its checksum must be, `h1:…`; without one Go's checksum database is asked
 */
export async function moduleFolder(module: string, sum?: string): Promise<string> {
  const env = sum === undefined ? goEnv : { ...goEnv, GONOSUMDB: '*' };
  const said = JSON.parse(await execText(['go', 'mod', 'download', '-json', module], { env, cwd: '/' }));
  if (sum !== undefined && said.Sum !== sum)
    throw new Problem({ code: 'depot/sum', summary: `${module} has checksum ${said.Sum}, not ${sum}` });
  return said.Dir;
}

/** Like {@link moduleFolder}, of a module that one of ours pins: its checksum is the one pinned there. */
export async function pinnedFolder(pinnedBy: string, module: string): Promise<string> {
  const lines = (await readFile(join(modulesFolder, pinnedBy, 'go.sum'), 'utf8')).split('\n');
  const sum = lines.find((line) => line.startsWith(`${module.replace('@', ' ')} h1:`))?.split(' ')[2];
  if (sum === undefined) throw new Error(`modules/${pinnedBy} does not pin ${module}`);
  return moduleFolder(module, sum);
}

/** Puts a module's own source files into a folder. */
export async function putSources(module: GoModule, folder: string): Promise<void> {
  for (const source of module.sources ?? []) {
    const from = join(await moduleFolder(source.module, source.sum), source.folder);
    const into = join(folder, source.into);
    await mkdir(into, { recursive: true });
    const names = (await execText(['ls', from])).split('\n');
    for (const name of names.filter((n) => n.endsWith('.go') && !n.endsWith('_test.go'))) {
      const lines = (await readFile(join(from, name), 'utf8')).split('\n');
      const kept = lines.filter((line) => !source.without.some((text) => line.includes(text)));
      await writeFile(join(into, name), kept.join('\n'));
    }
  }
}

/** Puts a module as pinned into a folder, ready to build in. */
export async function putModule(module: GoModule, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(join(modulesFolder, module.name), folder, { recursive: true });
  await putSources(module, folder);
}

/** Writes a module's `go.mod` and `go.sum` anew into a folder: its requirements, replacements, and what `go mod tidy` adds. */
export async function pin(module: GoModule, folder: string, scratch: string): Promise<void> {
  await putSources(module, scratch);
  const go = (argv: readonly string[]): Promise<string> =>
    execText(['go', ...argv], { cwd: scratch, env: goEnv });
  const lines = [`module landfall.invalid/depot/${module.name}`, '', `go ${module.go}`, ''];
  if (module.like !== undefined) {
    const like = await moduleFolder(module.like);
    await cp(join(like, 'go.sum'), join(scratch, 'go.sum'));
    await exec(['chmod', 'u+w', join(scratch, 'go.sum')]);
    const debug = JSON.parse(await go(['mod', 'edit', '-json', join(like, 'go.mod')])).Godebug ?? [];
    for (const one of debug) lines.push(`godebug ${one.Key}=${one.Value}`, '');
  }
  for (const [path, version] of Object.entries(module.require)) lines.push(`require ${path} ${version}`);
  if (module.staging !== undefined) {
    const { of, version } = module.staging;
    const file = join(await moduleFolder(`${of}@${module.require[of]}`), 'go.mod');
    const replace = JSON.parse(await go(['mod', 'edit', '-json', file])).Replace ?? [];
    for (const one of replace) lines.push(`replace ${one.Old.Path} => ${one.Old.Path} ${version}`);
  }
  await writeFile(join(scratch, 'go.mod'), `${lines.join('\n')}\n`);
  const imports = module.packages.filter((name) => !name.startsWith('./')).map((name) => `\t_ "${name}"`);
  if (imports.length > 0)
    await writeFile(
      join(scratch, 'tools.go'),
      `//go:build tools\n\npackage tools\n\nimport (\n${imports.join('\n')}\n)\n`,
    );
  await go(['mod', 'tidy']);
  await mkdir(folder, { recursive: true });
  for (const name of ['go.mod', 'go.sum']) await cp(join(scratch, name), join(folder, name));
}
