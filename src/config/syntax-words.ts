import type { YAMLParseError } from 'yaml';

/** What is said of an error: parts of a Problem. */
export interface Words {
  readonly summary: string;
  readonly why?: string;
  readonly try?: string;
}

/** What the parser's errors mean to somebody who does not know its words; the first that fits. */
const MEANINGS: readonly (Words & { readonly code: string; readonly message?: RegExp })[] = [
  {
    code: 'TAB_AS_INDENT',
    summary: 'a tab is used to indent',
    why: 'YAML tells by spaces what belongs to what; how wide a tab is, it cannot know',
    try: 'replace the tab by spaces, two a level',
  },
  {
    code: 'MISSING_CHAR',
    message: /Sequence item/,
    summary: 'this line belongs neither to the list item above nor to a new one',
    why: 'the keys of one list item stand exactly under each other; a new item begins with `- `',
    try: 'indent it as far as the key above, or put `- ` before it',
  },
  {
    code: 'MISSING_CHAR',
    message: /Implicit map keys/,
    summary: 'a key without a colon',
    try: 'write `key: value`, with a colon and a space',
  },
  {
    code: 'BAD_INDENT',
    message: /same column/,
    summary: 'this key is indented neither like the keys above it nor like their parent',
    why: 'keys that belong together begin in the same column',
    try: 'align it with the keys it belongs to',
  },
  {
    code: 'BLOCK_AS_IMPLICIT_KEY',
    summary: 'a second `key: value` where only a value can stand',
    why: 'a colon followed by a space begins a value; so either a line break is missing, this line is indented too far, or the value needs quotes',
    try: 'put it on a line of its own in the right column, or put the value in quotes',
  },
  {
    code: 'MULTILINE_IMPLICIT_KEY',
    summary: 'a line without a colon',
    why: 'what does not end in a value is read as the beginning of the key on the next line',
    try: 'write `key: value`, with a colon and a space',
  },
  {
    code: 'BAD_SCALAR_START',
    summary: 'a value cannot begin with this character',
    why: 'YAML keeps it for itself',
    try: 'put the value in quotes',
  },
  { code: 'BAD_DQ_ESCAPE', summary: 'no such escape after the backslash', try: "use single quotes: '…'" },
  {
    code: 'UNEXPECTED_TOKEN',
    message: /block-seq-ind/,
    summary: 'a list cannot begin on the line of its key',
    try: 'begin the list on the next line, each item with `- `',
  },
  {
    code: 'UNEXPECTED_TOKEN',
    message: /end token/,
    summary: 'a bracket is closed that was not opened',
    try: 'take it out, or open it where it belongs',
  },
  {
    code: 'UNEXPECTED_TOKEN',
    summary: 'this does not belong here',
    why: 'the value before it has ended already',
    try: 'put the whole value in quotes, or put this on a line of its own in the right column',
  },
];

/** Takes an error of the parser; gives what happened, why and what to try, in the words of somebody who edits the file. */
export function words(error: YAMLParseError): Words {
  const found = MEANINGS.find(
    ({ code, message }) => code === error.code && (message?.test(error.message) ?? true),
  );
  if (found === undefined) {
    return {
      summary: `YAML cannot be read from here on: ${error.message}`,
      try: 'compare with the file `landfall init` writes',
    };
  }
  const { summary, why, try: hint } = found;
  return { summary, ...(why === undefined ? {} : { why }), ...(hint === undefined ? {} : { try: hint }) };
}
