import { asText } from './text.ts';
import { keyAt, readTree, type Tree, treeAt } from './tree.ts';

/** The line `landfall init` writes where ssh has no settings. */
const NONE_YET = /^#ssh: \{\}$/m;

/** The text up to, between and from two places. */
function splice(text: string, start: number, end: number, put: string): string {
  return text.slice(0, start) + put + text.slice(end);
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

function intoMap(text: string, map: Tree & { readonly is: 'map' }, line: string, eol: string): string {
  const { start } = map.at;
  if (text[start] === '{') {
    const rest = /^\{\s*/.exec(text.slice(start))?.[0].length ?? 1;
    return splice(text, start, start + rest, map.entries.size === 0 ? `{ ${line} ` : `{ ${line}, `);
  }
  const at = lineStart(text, start);
  return splice(text, at, at, `${text.slice(at, start)}${line}${eol}`);
}

/**
 * A cluster.yaml in which `ssh.port` says this, and every other letter is as it was: comments, order, quotes. Pure. Whoever
 * calls it reads the result before it takes the old one's place: a text of an odd form may say something else afterwards.
 */
export function withSshPort(text: string, port: number): string {
  const { content } = asText('cluster.yaml', text);
  const mark = text.slice(0, text.length - content.length);
  const { tree } = readTree(asText('cluster.yaml', content));
  if (tree === undefined) return text;
  return mark + edited(content, tree, `port: ${port}`);
}

function edited(text: string, tree: Tree, line: string): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const written = treeAt(tree, ['ssh', 'port']);
  if (written !== undefined && keyAt(tree, ['ssh', 'port']) !== undefined)
    return splice(text, written.at.start, written.at.end, line.slice('port: '.length));
  const ssh = treeAt(tree, ['ssh']);
  if (ssh?.is === 'map') return intoMap(text, ssh, line, eol);
  const key = keyAt(tree, ['ssh']);
  if (key !== undefined) {
    const at = lineEnd(text, key.end);
    const gap = text[at - 1] === '\n' ? '' : eol;
    return splice(text, at, at, `${gap}  ${line}${eol}`);
  }
  if (NONE_YET.test(text)) return text.replace(NONE_YET, `ssh:${eol}  ${line}`);
  const gap = text === '' || text.endsWith('\n') ? '' : eol;
  return `${text}${gap}ssh:${eol}  ${line}${eol}`;
}
