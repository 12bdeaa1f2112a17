import fc from 'fast-check';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { readCluster } from './load.ts';
import { scalar } from '../model/scalar.ts';
import { asText } from './text.ts';
import { type Initial, initialText, suggestName, suggestNodeName } from './write.ts';

const simple: Initial = {
  name: 'harbour',
  nodes: [{ name: 'cp-0', address: '10.0.0.11', role: 'control-plane' }],
};
const read = (text: string) => readCluster(asText('cluster.yaml', text)).cluster;

describe('initialText', () => {
  it('loads, and says what was asked', () => {
    expect(read(initialText(simple))).toMatchObject({
      name: 'harbour',
      kubernetes: '1.36',
      nodes: [{ name: 'cp-0', address: '10.0.0.11' }],
    });
    const full: Initial = {
      name: 'no',
      kubernetes: '1.37.1',
      endpoint: 'api.example.com:443',
      network: { plugin: 'none', pods: '172.16.0.0/16', services: '172.17.0.0/16' },
      ssh: { user: 'ops', port: 2222, config: './lab/ssh_config', identityFile: '~/.ssh/id' },
      lab: 'lab-0',
      nodes: [{ name: '1e3', address: 'gate', role: 'control-plane', internalAddress: '10.0.0.1' }],
    };
    expect(read(initialText(full))).toMatchObject({
      name: 'no',
      kubernetes: '1.37.1',
      endpoint: { host: 'api.example.com', port: 443, kept: false },
      network: full.network,
      ssh: full.ssh,
      lab: 'lab-0',
      nodes: [{ name: '1e3', address: 'gate', internalAddress: '10.0.0.1' }],
    });
  });
  it('shows the true defaults: without the # they say the same', () => {
    const text = initialText(simple);
    const shown = text.replace(/^#(?! )/gm, '').replace(/^#(?= {2})/gm, '');
    expect(shown).not.toBe(text);
    expect(Object.keys(parse(shown) as object)).toEqual([
      'apiVersion',
      'kind',
      'name',
      'kubernetes',
      'endpoint',
      'network',
      'runtime',
      'ssh',
      'nodes',
    ]);
    expect(read(shown)).toEqual(read(text));
  });
  it('says in comments what was seen, and nothing that a host says of itself becomes more than a comment', () => {
    const remarks = {
      pods: ['Apart from all that cp-0 reaches: 10.0.0.0/24 (eth0).'],
      services: ['Apart from the pods.'],
      nodes: ['cp-0 is Debian GNU/Linux 12.'],
    };
    const network = { pods: '172.20.16.0/20', services: '10.1.2.0/24' };
    const text = initialText({ ...simple, network, remarks });
    expect(text).toContain(`
# Apart from all that cp-0 reaches: 10.0.0.0/24 (eth0).
# Each node takes a /24 of it: room for 16 nodes.
  pods: 172.20.16.0/20
# Apart from the pods.
# Room for 254 Services.
  services: 10.1.2.0/24
`);
    expect(text).toContain('\n# cp-0 is Debian GNU/Linux 12.\nnodes:\n');
    const anything = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\nlab: x', 'a\u2028lab: x')),
    );
    fc.assert(
      fc.property(anything, anything, anything, (pods, services, nodes) => {
        const told = initialText({ ...simple, remarks: { pods, services, nodes } });
        expect(read(told)).toEqual(read(initialText(simple)));
      }),
    );
  });
  it('fits a window, and begins with what editors look for', () => {
    const lines = initialText(simple).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(lines[0]).toBe('# yaml-language-server: $schema=./node_modules/landfall/schema/cluster.json');
  });
});

describe('scalar', () => {
  it('writes what every YAML version reads back as the same text', () => {
    const words = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[\w.:/-]{1,12}$/),
      fc.constantFrom(
        'no',
        'y',
        'null',
        '~',
        '1e3',
        '22:22',
        '0x1',
        '1_0',
        '.5',
        '=',
        '<<',
        '2026-11-22',
        'a: b',
        '# x',
      ),
    );
    fc.assert(
      fc.property(words, (word) => {
        const written = `key: ${scalar(word)}\n`;
        expect(parse(written)).toEqual({ key: word });
        expect(parse(written, { version: '1.1' })).toEqual({ key: word });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('suggested names', () => {
  it.each([
    ['/srv/clusters/Harbour', 'harbour'],
    ['/srv/Größe_2 (neu)', 'gro-e-2-neu'],
    ['/home/me/café', 'cafe'],
    ['/', 'harbour'],
    ['/tmp', 'harbour'],
    ['/srv/日本', 'harbour'],
  ])('%s: %s', (folder, name) => expect(suggestName(folder)).toBe(name));
  it('are names a cluster can have', () => {
    fc.assert(
      fc.property(fc.string(), (folder) => {
        expect(
          read(initialText({ ...simple, name: suggestName(`/x/${folder.replaceAll('\0', '')}`) })).name,
        ).not.toBe('');
      }),
    );
  });
  it('of nodes are the first that are free', () => {
    expect(suggestNodeName('control-plane', [])).toBe('cp-0');
    expect(suggestNodeName('worker', ['worker-0', 'cp-0', 'worker-2'])).toBe('worker-1');
  });
});
