import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withSshPort } from './edit.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';
import { initialText } from './write.ts';

const HEAD = `apiVersion: landfall/v1 # the format
kind: Cluster
name: harbour   # a place to land
kubernetes: "1.36"
`;
const NODES = `nodes:
  # the one
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
`;

const read = (text: string) => readCluster(asText('cluster.yaml', text)).cluster;

/** The lines that one text has and the other has not. */
function changed(before: string, after: string): readonly [gone: readonly string[], come: readonly string[]] {
  const [a, b] = [before.split(/\r?\n/), after.split(/\r?\n/)];
  return [a.filter((line) => !b.includes(line)), b.filter((line) => !a.includes(line))];
}

describe('ssh.port, written into a cluster.yaml', () => {
  it.each<[string, string, readonly string[], readonly string[]]>([
    [
      'takes the place of another',
      'ssh:\n  user: ops # me\n  port: 22 # as ever\n',
      ['  port: 22 # as ever'],
      ['  port: 22322 # as ever'],
    ],
    ['comes before its neighbours', 'ssh:\n    # mine\n    user: ops\n', [], ['    port: 22322']],
    [
      'goes into braces',
      'ssh: { user: ops } # me\n',
      ['ssh: { user: ops } # me'],
      ['ssh: { port: 22322, user: ops } # me'],
    ],
    ['goes into empty braces', 'ssh: {}\n', ['ssh: {}'], ['ssh: { port: 22322 }']],
    [
      'takes the place of a line that shows the default',
      '#ssh: {}\n',
      ['#ssh: {}'],
      ['ssh:', '  port: 22322'],
    ],
    ['is added where nothing is said of ssh', '', [], ['ssh:', '  port: 22322']],
  ])('%s, and every other line stays', (_, ssh, gone, come) => {
    for (const text of [
      HEAD + ssh + NODES,
      HEAD + NODES + ssh,
      `\uFEFF${HEAD}${ssh}${NODES}`,
      (HEAD + ssh + NODES).replaceAll('\n', '\r\n'),
    ]) {
      const after = withSshPort(text, 22322);
      expect(changed(text, after)).toEqual([gone, come]);
      expect(read(after)).toEqual({ ...read(text), ssh: { ...read(text).ssh, port: 22322 } });
      expect(withSshPort(after, 22322)).toBe(after);
    }
  });

  it('leaves what landfall init writes as it is, whatever was given', () => {
    const ssh = fc.record(
      {
        user: fc.constantFrom('ops', 'root'),
        port: fc.integer({ min: 1, max: 65535 }),
        identityFile: fc.constant('~/.ssh/id'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(ssh, fc.integer({ min: 1, max: 65535 }), (given, port) => {
        const text = initialText({
          name: 'harbour',
          nodes: [{ name: 'cp-0', address: '10.0.0.11', role: 'control-plane' }],
          ssh: given,
        });
        const after = withSshPort(text, port);
        expect(read(after)).toEqual({ ...read(text), ssh: { ...read(text).ssh, port } });
        const comments = text.split('\n').filter((line) => line.startsWith('#') && line !== '#ssh: {}');
        for (const line of comments) expect(after).toContain(line);
      }),
    );
  });
});
