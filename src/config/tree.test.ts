import { describe, expect, it } from 'vitest';
import { changed, harbour, problemsOf, told } from '../../test/config/harbour.ts';

describe('YAML', () => {
  const at = (text: string) => told(text).map((line) => line.split(' | ').slice(0, 2).join(' | '));
  it.each([
    ['an empty file', '', ['1:1 file/empty | ']],
    ['a file of comments', '# nothing\n# here\n', ['1:1 file/empty | #']],
    ['null', '~\n', ['1:1 file/empty | ~']],
    ['a list', '- name: harbour\n', ['1:1 config/type | -']],
    ['a text', 'name:harbour\n', ['1:1 config/type | n']],
    ['an unquoted version', changed('"1.36"', '1.30'), ['4:13 config/type | 1.30']],
    ['no', changed('name: harbour', 'name: no'), ['3:7 yaml/ambiguous | no']],
    ['a date', changed('name: harbour', 'name: 2026-11-22'), ['3:7 yaml/ambiguous | 2026-11-22']],
    ['an octal number', `${harbour}ssh: { port: 022 }\n`, ['9:14 yaml/ambiguous | 022']],
    ['a new octal number', `${harbour}ssh: { port: 0o26 }\n`, ['9:14 yaml/ambiguous | 0o26']],
    ['a sexagesimal number', `${harbour}ssh: { port: 22:22 }\n`, ['9:14 config/type | 22:22']],
    ['yes', harbour.replace('    role', '    workloads: yes\n    role'), ['7:16 config/type | yes']],
    ['a tab', changed('  - name', '\t- name'), ['6:1 yaml/syntax |  ']],
    ['a second document', `${harbour}---\nname: other\n`, ['9:1 yaml/documents | ---']],
    ['a merge key', `${harbour}<<: { lab: x }\n`, ['9:1 yaml/merge | <<']],
    ['a tag', changed('"1.36"', '!!str 1.36'), ['4:19 yaml/tag | 1.36']],
    [
      'another tag',
      changed('"1.36"', '!!python/object:os.system x'),
      ['4:13 yaml/tag | !!python/object:os.system', '4:39 config/format | x'],
    ],
    ['YAML 1.1', `%YAML 1.1\n---\n${harbour}`, ['1:1 yaml/directive | %YAML 1.1']],
    ['a duplicate key', `${harbour}name: other\n`, ['9:1 yaml/duplicate-key | name']],
    ['an open quotation mark', changed('harbour', '"harbour'), ['3:7 yaml/syntax | "harbour']],
    ['an open bracket', changed('nodes:', 'nodes: ['), ['5:8 yaml/syntax | [']],
    [
      'a merge conflict',
      `<<<<<<< HEAD\n${harbour}=======\n>>>>>>> x\n`,
      ['1:1 yaml/conflict | <<<<<<<', '10:1 yaml/conflict | =======', '11:1 yaml/conflict | >>>>>>>'],
    ],
    ['an unknown alias', `${harbour}lab: *x\n`, ['9:6 yaml/alias | *x']],
    ['a circle', `${harbour}lab: &x [*x]\n`, ['9:9 config/type | [*x]', '9:10 yaml/alias | *x']],
    ['a key that is a list', `${harbour}[a]: b\n`, ['9:1 yaml/key | [a]']],
    ['a zero byte', changed('harbour', 'har\u0000bour'), ['3:10 yaml/character | \uFFFD']],
    ['a lone carriage return', changed('harbour', 'har\rbour'), ['3:10 yaml/character | \uFFFD']],
    ['half a surrogate', changed('harbour', 'har\uD800bour'), ['3:10 yaml/character | \uFFFD']],
  ])('%s', (_, text, expected) => expect(at(text)).toEqual(expected));

  it.each(['['.repeat(20_000), '- '.repeat(20_000), '{a: '.repeat(10_000), '? '.repeat(20_000)])(
    'is not followed into the depths, where the parser would take the process with it',
    (deep) => expect(problemsOf(deep).map(({ code }) => code)).toEqual(['yaml/depth']),
  );
  it('is not let grow by aliases that stand for aliases', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (let i = 1; i < 12; i++) {
      const [last, next] = [String.fromCharCode(96 + i), String.fromCharCode(97 + i)];
      bomb.push(`${next}: &${next} [${Array(9).fill(`*${last}`).join(',')}]`);
    }
    const problems = problemsOf(`${harbour}${bomb.join('\n')}\n`);
    expect(problems.filter(({ code }) => code === 'yaml/alias')).toHaveLength(1);
  });
  it('is judged to its end, however many mistakes there are and however long the words', () => {
    const many = problemsOf(`${harbour}${'  - {}\n'.repeat(2000)}`);
    expect(many.filter(({ code }) => code === 'config/missing')).toHaveLength(6000);
    expect(problemsOf(changed('harbour', 'a'.repeat(200_000)))).toHaveLength(1);
    const [long] = problemsOf(changed('harbour', `"${'A'.repeat(200_000)}!"`));
    expect(long?.why).toBe('it is 200001 characters long');
    expect(problemsOf(changed('10.0.0.11', `${'a.'.repeat(100_000)}!`))).toHaveLength(1);
    expect(problemsOf(`${harbour}endpoint: { address: ${'a.'.repeat(100_000)}b }`)).toHaveLength(1);
  }, 60_000);
});
