import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heredoc, lines, quote, sh } from './sh.ts';

function dash(script: string): string {
  return spawnSync('dash', ['-s'], { input: script, encoding: 'utf8' }).stdout;
}

const word = fc.string({ unit: 'binary', maxLength: 30 }).filter((s) => !s.includes('\0'));

describe('sh', () => {
  it('gives every value to the program as the one word it is, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const out = dash(sh`for w in ${words}; do printf '%s\0' "$w"; done`.text);
        expect(out.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 200 },
    );
  });

  it('hands over a text unchanged through a here-document, even one that holds its own delimiter', () => {
    fc.assert(
      fc.property(word, fc.constantFrom('', 'END\n', 'END_\nEND\n'), (text, trap) => {
        const content = `${trap}${text.replaceAll('\r', '')}`;
        const out = dash(sh`cat ${heredoc(content)}`.text);
        expect(out).toBe(content === '' || content.endsWith('\n') ? content : `${content}\n`);
      }),
      { numRuns: 200 },
    );
  });

  it('leaves words alone that mean nothing to a shell, so that scripts can be read', () => {
    expect(sh`rm -f ${'/etc/a.conf'} ${3} ${['x=y', 'a b']}`.text).toBe("rm -f /etc/a.conf 3 x=y 'a b'");
  });

  it('inserts Shell as it is and takes the indentation off', () => {
    const inner = sh`
      if true; then
        echo ${'$x'}
      fi
    `;
    expect(sh`${inner} || true`.text).toBe("if true; then\n  echo '$x'\nfi || true");
    expect(lines(sh`a`, sh`b`).text).toBe('a\nb');
  });

  it('writes ${ and ` for the shell where the template escapes them', () => {
    expect(sh`echo "\${x:-1}" \`date\``.text).toBe('echo "${x:-1}" `date`');
  });

  it('refuses a NUL, which no argument can carry', () => {
    expect(() => quote('a\0b')).toThrow(RangeError);
    expect(() => heredoc('a\0b')).toThrow(RangeError);
  });
});
