/*
 * Scripts say everything in full each time; a page for people says it once. What is abbreviated here still does exactly
 * the same when it is typed.
 */

/** kubectl as steps call it: with a limit on its time, and whom and what to ask. */
const LONG_KUBECTL = /timeout \d+ kubectl(?: --[\w-]+=[^\s;|)]+)+/g;

/** How often a long call must stand in a page to be given a short name. */
const OFTEN = 5;

/** Texts of more lines than this are written down once when a step needs them twice. */
const LONG_TEXT = 25;

/** The long way kubectl is called in these texts, when it is nearly always the same one. */
export function longKubectl(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [call] of text.matchAll(LONG_KUBECTL)) counts.set(call, (counts.get(call) ?? 0) + 1);
  }
  const [best] = [...counts].toSorted(([, a], [, b]) => b - a);
  return best !== undefined && best[1] >= OFTEN ? best[0] : undefined;
}

/** A step's texts with kubectl said in short, and what that stands for; undefined where none of them calls it. */
export function shortKubectl(texts: readonly string[]): {
  readonly long: string | undefined;
  readonly shorten: (text: string) => string;
} {
  const [long] = texts.flatMap((text) => [...text.matchAll(LONG_KUBECTL)].map(([call]) => call));
  return { long, shorten: (text) => (long === undefined ? text : text.replaceAll(long, 'kubectl')) };
}

/** A text that a step needs more than once, and the name of the file it is written to. */
export interface SharedText {
  readonly name: string;
  readonly body: string;
}

interface Document {
  /** The whole `<<'END'` as it stands on its line. */
  readonly mark: string;
  readonly body: string;
  /** The body with its end, as it follows that line. */
  readonly rest: string;
}

function documents(text: string): Document[] {
  const lines = text.split('\n');
  return lines.flatMap((line, i) => {
    const mark = /<<'(\w+)'/.exec(line);
    if (mark === null) return [];
    const end = lines.indexOf(mark[1] ?? '', i + 1);
    if (end < 0) return [];
    const body = lines.slice(i + 1, end).join('\n');
    return [{ mark: mark[0], body, rest: `\n${body}\n${lines[end] ?? ''}` }];
  });
}

/**
 * Takes long here-documents that stand in more than one of these texts out into files of their own.
 * @param name of the file, without its ending.
 */
export function sharedTexts(
  texts: readonly string[],
  name: string,
): { readonly shared: readonly SharedText[]; readonly texts: readonly string[] } {
  const all = texts.map(documents);
  const bodies = [...new Set(all.flat().map((d) => d.body))].filter(
    (body) =>
      body.split('\n').length > LONG_TEXT &&
      all.filter((those) => those.some((d) => d.body === body)).length > 1,
  );
  const shared = bodies.map((body, i) => ({
    name: `${name}${i === 0 ? '' : `-${i + 1}`}.${/^apiVersion:/m.test(body) ? 'yaml' : 'txt'}`,
    body,
  }));
  const out = texts.map((text, i) =>
    (all[i] ?? []).reduce((short, document) => {
      const file = shared.find((s) => s.body === document.body);
      if (file === undefined) return short;
      return short.replace(document.rest, '').replace(document.mark, () => `<${file.name}`);
    }, text),
  );
  return { shared, texts: out };
}
