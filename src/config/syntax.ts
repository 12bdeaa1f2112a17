import { Composer, type CST, type Document, Parser, type YAMLParseError } from 'yaml';
import type { Problem } from '../model/problem.ts';
import { characters, conflicts, firstOfEachLine, MOST, syntax } from './characters.ts';
import { words } from './syntax-words.ts';
import type { Text } from './text.ts';

/** Lists in maps in lists …: a cluster.yaml needs four; far beyond that the parser itself would run out of stack. */
const DEEPEST = 40;

/**
 * Reads a text as one YAML 1.2 document. Gives the problems of its syntax, and the document as well when it can be
 * relied on all the same.
 */
export function readSyntax(text: Text): {
  readonly document?: Document.Parsed;
  readonly problems: readonly Problem[];
} {
  const broken = [...characters(text), ...conflicts(text)];
  if (broken.length > 0) return { problems: broken };
  const tokens = [...new Parser().parse(text.content)];
  const deep = tooDeep(tokens);
  if (deep !== undefined) {
    return {
      problems: [
        syntax(
          text,
          { start: deep, end: deep + 1 },
          {
            code: 'yaml/depth',
            summary: `this is nested more than ${DEEPEST} levels deep`,
            why: 'no field of this file lies that deep, and reading on could take all memory',
            try: 'look for brackets that are not closed',
          },
        ),
      ],
    };
  }
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: 'silent' });
  const [document, second] = [...composer.compose(tokens, true, text.content.length)];
  if (document === undefined) throw new Error('the YAML composer gave no document');
  const open = document.errors.length > 0 ? unclosed(text, tokens, document.errors) : undefined;
  if (open !== undefined) return { problems: [open] };
  const tabs = document.errors.filter((error) => error.code === 'TAB_AS_INDENT');
  const told = tabs.length > 0 ? tabs : document.errors;
  const errors = firstOfEachLine(
    text,
    told.map((error) => error.pos[0]),
  ).map((i) => {
    const error = told[i] as YAMLParseError;
    return syntax(text, { start: error.pos[0], end: error.pos[1] }, { code: 'yaml/syntax', ...words(error) });
  });
  if (errors.length > 0) return { problems: errors.slice(0, MOST) };
  return {
    document,
    problems: [...oddities(text, document), ...(second ? [secondDocument(text, second)] : [])],
  };
}

/**
 * What was opened and never closed swallows the lines that follow, and every error there is an echo. The parser tells it
 * where the text ends or the indentation falls back; the place to look at is where it was opened.
 */
function unclosed(
  text: Text,
  tokens: readonly CST.Token[],
  errors: readonly YAMLParseError[],
): Problem | undefined {
  const quote = errors.some((error) => error.code === 'MISSING_CHAR' && error.message.includes('quote'));
  const bracket = errors.some((error) => error.code === 'BAD_INDENT' && error.message.includes('end with a'));
  if (!quote && !bracket) return undefined;
  let found: CST.Token | undefined;
  everyToken(tokens, (token) => {
    if (quote ? isOpenQuote(token) : isOpenBracket(token)) found ??= token;
  });
  if (found === undefined) return undefined;
  return syntax(
    text,
    { start: found.offset, end: quote ? text.end : found.offset + 1 },
    {
      code: 'yaml/syntax',
      summary: `a ${quote ? 'quotation mark' : 'bracket'} is opened here and not closed`,
      why: 'everything that follows is taken to be inside it',
      try: quote ? 'close it at the end of the value' : 'close the list with ] or the map with }',
    },
  );
}

function isOpenQuote(token: CST.Token): boolean {
  if (token.type === 'single-quoted-scalar') return !/^'(?:[^']|'')*'$/.test(token.source);
  return token.type === 'double-quoted-scalar' && !/^"(?:[^"\\]|\\[^])*"$/.test(token.source);
}

function isOpenBracket(token: CST.Token): boolean {
  return token.type === 'flow-collection' && !token.end.some((end) => /^flow-(map|seq)-end$/.test(end.type));
}

/** Visits every value token with its depth, without recursion: the depth is what has to be found out safely. */
function everyToken(tokens: readonly CST.Token[], visit: (token: CST.Token, depth: number) => void): void {
  const open: { readonly token: CST.Token; readonly depth: number }[] = tokens
    .toReversed()
    .map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    visit(token, depth);
    const inner = (child: CST.Token | null | undefined) =>
      child && open.push({ token: child, depth: depth + 1 });
    if (token.type === 'document') inner(token.value);
    if ('items' in token) {
      for (const item of token.items.toReversed()) {
        inner(item.value);
        inner(item.key);
      }
    }
  }
}

function tooDeep(tokens: readonly CST.Token[]): number | undefined {
  let found: number | undefined;
  everyToken(tokens, (token, depth) => {
    if (depth > DEEPEST) found ??= token.offset;
  });
  return found;
}

/** Tags and directives: harmless to the parser, but they would change what the values are. */
function oddities(text: Text, document: Document.Parsed): readonly Problem[] {
  const tags = document.warnings.map((warning) =>
    syntax(
      text,
      { start: warning.pos[0], end: warning.pos[1] },
      {
        code: warning.code === 'BAD_DIRECTIVE' ? 'yaml/directive' : 'yaml/tag',
        summary:
          warning.code === 'BAD_DIRECTIVE'
            ? 'this YAML directive is not known'
            : 'this file takes no YAML tags',
        why: 'what a value is, its field says',
        try: 'take it out',
      },
    ),
  );
  if (document.directives.yaml.version === '1.2') return tags;
  const start = Math.max(0, text.content.search(/^%YAML/m));
  const old = syntax(
    text,
    { start, end: start + '%YAML 1.1'.length },
    {
      code: 'yaml/directive',
      summary: `this file is read as YAML 1.2, not ${document.directives.yaml.version}`,
      why: 'in YAML 1.1 `no` is false, `022` is 18 and `22:22` is 1342',
      try: 'take the line out',
    },
  );
  return [old, ...tags];
}

function secondDocument(text: Text, second: Document.Parsed): Problem {
  const start = second.range[0];
  return syntax(
    text,
    { start, end: start + 3 },
    {
      code: 'yaml/documents',
      summary: 'a second document begins here',
      why: 'one file describes one cluster, and only what stands above was read',
      try: 'take the line `---` out, or put what follows into a file of its own',
    },
  );
}
