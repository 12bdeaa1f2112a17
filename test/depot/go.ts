import { readFileSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../../src/model/problem.ts';
import { exec } from './exec.ts';
import { goEnv, modulesFolder, putModule, type GoModule } from './module.ts';
import type { Recipe } from './recipe.ts';

/** Programs of one Go module, built together. */
export interface GoBuild {
  readonly title: string;
  readonly module: GoModule;
  /** File name in the artefact → Go package. */
  readonly programs: Readonly<Record<string, string>>;
  /** `-X` settings, variable → value. */
  readonly set?: Readonly<Record<string, string>>;
  /** Links against C libraries, statically: the program then runs on any distribution. */
  readonly static?: { readonly tags: readonly string[]; readonly libraries?: readonly string[] };
  readonly seconds: number;
  /** How many Go packages are compiled when nothing is cached, for saying how far it is. */
  readonly packages: number;
  readonly tools?: readonly string[];
}

/** Gives the recipe that builds Go programs out of a pinned module. */
export function goRecipe(build: GoBuild): Recipe {
  const { module } = build;
  const pinned = (file: string): string => readFileSync(join(modulesFolder, module.name, file), 'utf8');
  const set = Object.entries(build.set ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  const link = [
    '-s',
    '-w',
    ...(build.static === undefined
      ? []
      : [`'-extldflags=${['-static', ...(build.static.libraries ?? [])].join(' ')}'`]),
    ...set,
  ].join(' ');
  const tags = build.static === undefined ? [] : ['netgo', 'osusergo', ...build.static.tags];
  // Nobody reads what a debugger would: leaving it out of every package, not only of what is linked, saves a sixth of the time.
  const lean = '-gcflags=all=-dwarf=false';
  const flags = ['-trimpath', lean, ...(tags.length > 0 ? ['-tags', tags.join(',')] : []), '-ldflags', link];
  const cgo = build.static === undefined ? '0' : '1';
  return {
    id: module.name,
    title: build.title,
    inputs: {
      module: JSON.stringify(module),
      'go.mod': pinned('go.mod'),
      'go.sum': pinned('go.sum'),
      programs: JSON.stringify(build.programs),
      flags: JSON.stringify([flags, cgo, goEnv]),
    },
    needs: [],
    seconds: build.seconds,
    tools: ['go', ...(cgo === '1' ? ['gcc', 'libc6-dev', 'pkg-config'] : []), ...(build.tools ?? [])],
    async build({ out, scratch, far }) {
      const folder = join(scratch, 'module');
      const bin = join(scratch, 'bin');
      await putModule(module, folder);
      await mkdir(bin);
      let compiled = 0;
      const onLine = (line: string): void => {
        const downloading = line.startsWith('go: downloading');
        if (!downloading) compiled++;
        far(Math.min(0.99, compiled / build.packages), downloading ? line.slice(4) : line);
      };
      const packages = [...new Set(Object.values(build.programs))];
      const argv = [
        'go',
        'build',
        '-v',
        '-p',
        String(availableParallelism()),
        ...flags,
        '-o',
        `${bin}/`,
        ...packages,
      ];
      await retryingDownloads(() => exec(argv, { cwd: folder, env: { ...goEnv, CGO_ENABLED: cgo }, onLine }));
      for (const file of ['go.mod', 'go.sum'])
        if ((await readFile(join(folder, file), 'utf8')) !== pinned(file))
          throw new Problem({
            code: 'depot/pins',
            summary: `modules/${module.name}/${file} does not pin everything that was built`,
            try: `npx tsx test/depot/pin.ts ${module.name}`,
          });
      for (const [name, path] of Object.entries(build.programs))
        await rename(join(bin, executableName(path)), join(out, name));
    },
  };
}

/** Gives the file name `go build` chooses for a package: its last element, leaving out a major version. */
export function executableName(path: string): string {
  const parts = path.split('/');
  if (/^v\d+$/.test(parts.at(-1) ?? '') && parts.length > 1) parts.pop();
  return parts.at(-1) as string;
}

/** Runs something up to three times while it fails for the network's sake. */
async function retryingDownloads(run: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run();
      return;
    } catch (error) {
      const saw = error instanceof Problem ? (error.saw ?? '') : '';
      if (attempt === 3 || !/timeout|connection re|unexpected EOF|no such host|50[234] /i.test(saw))
        throw error;
    }
  }
}
