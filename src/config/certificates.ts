import { isIPv4, isOddIPv4, specialUse } from '../model/network.ts';
import type { Problem } from '../model/problem.ts';
import { certificates } from './schema-certificates.ts';
import { type Draft, listPaths, textAt, valueAt } from './draft.ts';
import { valueProblem } from './page.ts';
import type { Path } from './tree.ts';

const SECTION: Path = ['certificates'];

/** Checks that a renewed certificate is not due again at once, and that names in the API server's certificate can be somebody's. */
export function checkCertificates(draft: Draft): readonly Problem[] {
  return [...ofRenewal(draft), ...ofNames(draft)];
}

function ofRenewal(draft: Draft): readonly Problem[] {
  const defaults = certificates.parse({});
  const days = (key: 'validity' | 'renewBefore'): number => {
    const value = valueAt(draft, [...SECTION, key]);
    return typeof value === 'number' ? value : defaults[key];
  };
  const [validity, before] = [days('validity'), days('renewBefore')];
  if (before < validity) return [];
  const path = [
    ...SECTION,
    valueAt(draft, [...SECTION, 'renewBefore']) === undefined ? 'validity' : 'renewBefore',
  ];
  return [
    valueProblem(draft.page, path, {
      code: 'certificates/renewal',
      summary: `certificates are valid for ${validity} days and renewed ${before} days before their end`,
      why: 'a new one would be due at once, and renewed again by each apply',
      try: `renewBefore: ${Math.max(1, Math.floor(validity / 4))}`,
    }),
  ];
}

function ofNames(draft: Draft): readonly Problem[] {
  return listPaths(draft, ['endpoint', 'names']).flatMap((path) => {
    const name = textAt(draft, path);
    if (name === undefined) return [];
    if (isOddIPv4(name))
      return [
        valueProblem(draft.page, path, {
          code: 'endpoint/names',
          summary: `${name} is no IPv4 address, but would be taken for one`,
          why: 'it goes into certificates letter by letter, and programs fill in missing parts each in their own way',
          try: 'write four decimal numbers, 0 to 255, or a name',
        }),
      ];
    const use = isIPv4(name) ? specialUse(name) : undefined;
    return use === undefined
      ? []
      : [
          valueProblem(draft.page, path, {
            code: 'endpoint/names',
            summary: `nobody reaches the API server under ${name}`,
            why: `it is a ${use} address`,
            try: 'take it out',
          }),
        ];
  });
}
