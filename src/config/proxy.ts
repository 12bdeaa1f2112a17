import { Problem } from '../model/problem.ts';
import { type Draft, isWritten, textAt } from './draft.ts';
import { placeAt, valueProblem } from './page.ts';

/** Checks that a proxy is named where there is the section, and that nobody's password stands in its address. */
export function checkProxy(draft: Draft): readonly Problem[] {
  if (!isWritten(draft, ['proxy'])) return [];
  const wrong = ['http', 'https'].flatMap((key) => credentials(draft, key));
  if (isWritten(draft, ['proxy', 'http']) || isWritten(draft, ['proxy', 'https'])) return wrong;
  const parts = {
    code: 'proxy/none',
    summary: 'proxy names no proxy',
    why: 'without one there is nothing to be gone around either',
    try: 'https: http://proxy.example.com:3128   or take proxy out',
  };
  return [valueProblem(draft.page, ['proxy'], parts)];
}

/** The line is shown without what stands before the @: it may be read by more people than the file. */
function credentials(draft: Draft, key: string): readonly Problem[] {
  const url = textAt(draft, ['proxy', key]);
  if (url === undefined || !url.includes('@')) return [];
  const { text, ...where } = placeAt(draft.page, ['proxy', key]);
  const hidden = text?.replaceAll(/:\/\/[^@/]*@/g, (found) => `://${'*'.repeat(found.length - 4)}@`);
  return [
    new Problem({
      code: 'proxy/credentials',
      summary: `proxy.${key} has a name or a password in it`,
      where: { ...where, ...(hidden === undefined ? {} : { text: hidden }) },
      why: 'a proxy’s address is in the environment of services, which anybody on a host may read, and cluster.yaml belongs in git',
      try: 'have the proxy let these hosts pass by their addresses, or name one beside them that logs in by itself (cntlm, a squid with cache_peer)',
      exit: 2,
    }),
  ];
}
