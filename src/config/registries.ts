import type { Problem } from '../model/problem.ts';
import { registryHost } from '../model/registries.ts';
import { type Draft, isWritten, listPaths, textAt, valueAt } from './draft.ts';
import { pathName } from './fields.ts';
import { keyProblem, valueProblem } from './page.ts';
import type { Path } from './tree.ts';

const MIRRORS: Path = ['registries', 'mirrors'];
const LOGINS: Path = ['registries', 'logins'];

/** Checks what mirrors and logins mean: each once, none of itself, one place for a password, and none sent in the clear. */
export function checkRegistries(draft: Draft): readonly Problem[] {
  const mirrors = listPaths(draft, MIRRORS);
  const logins = listPaths(draft, LOGINS);
  return [
    ...mirrors.flatMap((path, i) => wrongMirror(draft, path, mirrors.slice(0, i))),
    ...logins.flatMap((path, i) => wrongLogin(draft, path, logins.slice(0, i), mirrors)),
  ];
}

function wrongMirror(draft: Draft, path: Path, before: readonly Path[]): readonly Problem[] {
  const [of, at] = [textAt(draft, [...path, 'of']), textAt(draft, [...path, 'at'])];
  if (of === undefined || at === undefined) return [];
  if (of === at) {
    const parts = {
      code: 'registries/itself',
      summary: `${of} is no mirror of itself`,
      why: 'after its mirrors the registry itself is tried in any case',
      try: 'at: the other place that has its images, or take the entry out',
    };
    return [valueProblem(draft.page, [...path, 'at'], parts)];
  }
  const twin = before.find((p) => textAt(draft, [...p, 'of']) === of && textAt(draft, [...p, 'at']) === at);
  if (twin === undefined) return [];
  const parts = {
    code: 'registries/twice',
    summary: `${at} is named as a mirror of ${of} twice`,
    why: `${pathName(twin)} names it already, and which of the two holds could only be guessed`,
    try: 'take one of them out',
  };
  return [valueProblem(draft.page, [...path, 'at'], parts)];
}

function wrongLogin(
  draft: Draft,
  path: Path,
  before: readonly Path[],
  mirrors: readonly Path[],
): readonly Problem[] {
  const at = textAt(draft, [...path, 'at']);
  return [...passwordPlaces(draft, path), ...(at === undefined ? [] : [...twice(), ...inTheClear()])];

  function twice(): readonly Problem[] {
    const twin = before.find((p) => textAt(draft, [...p, 'at']) === at);
    if (twin === undefined) return [];
    const parts = {
      code: 'registries/twice',
      summary: `there are two logins at ${at}`,
      why: `${pathName(twin)} is one already, and the runtime pulls under one name`,
      try: 'take one of them out, or name the part of the registry it is for: at: registry.example.com/team',
    };
    return [valueProblem(draft.page, [...path, 'at'], parts)];
  }

  function inTheClear(): readonly Problem[] {
    const open = mirrors.find(
      (p) =>
        valueAt(draft, [...p, 'insecure']) === true &&
        registryHost(textAt(draft, [...p, 'at']) ?? '') === registryHost(at ?? ''),
    );
    if (open === undefined) return [];
    const parts = {
      code: 'registries/in-the-clear',
      summary: `the password for ${at} would be told to whoever listens`,
      why: `${pathName(open)} is insecure: without TLS, or with anybody’s certificate`,
      try: 'give the registry a certificate, and name its authority in trust when it is one of your own; then take insecure out',
    };
    return [valueProblem(draft.page, [...path, 'at'], parts)];
  }
}

function passwordPlaces(draft: Draft, path: Path): readonly Problem[] {
  const written = ['passwordFile', 'passwordVariable'].filter((key) => isWritten(draft, [...path, key]));
  if (written.length === 1) return [];
  const name = pathName(path);
  if (written.length === 0) {
    const parts = {
      code: 'registries/no-password',
      summary: `${name} does not say where the password is`,
      why: 'the password itself is never written into cluster.yaml, which belongs in git',
      try: 'passwordFile: a file of yours   or   passwordVariable: a variable of your environment',
    };
    return [valueProblem(draft.page, path, parts)];
  }
  const parts = {
    code: 'registries/two-passwords',
    summary: `${name} names two places of one password`,
    why: 'which of them holds could only be guessed',
    try: 'take passwordFile or passwordVariable out',
  };
  return [keyProblem(draft.page, [...path, 'passwordVariable'], parts)];
}
