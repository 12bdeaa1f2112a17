import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withAddress, withNode, withoutNode } from './edit-nodes.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

const HEAD = `apiVersion: landfall/v1 # the format
kind: Cluster
name: harbour   # a place to land
kubernetes: "1.36"
`;
const SHORT = `${HEAD}nodes:
  # all of them
  - { name: cp-0, role: control-plane,   address: 10.0.0.11 }
  # in hall 2
  - { name: worker-0, role: worker, address: 10.0.0.21, labels: { disk: "nvme" } } # fast
  - { name: worker-1, role: worker, address: 10.0.0.22 }

# the end
ssh: { user: ops }
`;
const LONG = `${HEAD}nodes:
- name: cp-0
  role: control-plane
  address: 10.0.0.11
-   name: "worker-0"
    role: worker
    address: '10.0.0.21' # by the door
    taints:
      - dedicated=db:NoSchedule
- name: worker-1
  role: worker
  address: 10.0.0.22`;

const names = (text: string): readonly string[] =>
  readCluster(asText('cluster.yaml', text)).cluster.nodes.map(({ name }) => name);

describe('a node taken out of a cluster.yaml', () => {
  it('takes its line along and what was said above it, and nothing else', () => {
    expect(withoutNode(SHORT, 'worker-0')).toBe(
      SHORT.split('\n')
        .filter((line) => !/worker-0|hall 2/.test(line))
        .join('\n'),
    );
    expect(withoutNode(SHORT, 'worker-1')).toBe(
      SHORT.split('\n')
        .filter((line) => !line.includes('worker-1'))
        .join('\n'),
    );
  });
  it('takes all its lines along where it stands in several', () => {
    const text = withoutNode(LONG, 'worker-0') ?? '';
    expect(text).not.toContain('by the door');
    expect(names(text)).toEqual(['cp-0', 'worker-1']);
    expect(names(withoutNode(LONG, 'worker-1') ?? '')).toEqual(['cp-0', 'worker-0']);
  });
  it('stays where the file is of another form', () => {
    expect(
      withoutNode(`${HEAD}nodes: [{ name: cp-0, role: control-plane, address: 10.0.0.11 }]\n`, 'cp-0'),
    ).toBe(undefined);
    expect(withoutNode(SHORT, 'worker-9')).toBe(undefined);
    expect(withoutNode('nodes: &all\n  - {name: a}\n', 'a')).toBe(undefined);
  });
});

describe('a node put into a cluster.yaml', () => {
  it('comes last, in the form of the one before', () => {
    const node = { name: 'worker-2', role: 'worker' as const, address: '10.0.0.23', labels: { zone: '1' } };
    expect(withNode(SHORT, node)).toBe(
      SHORT.replace(
        '10.0.0.22 }\n',
        '10.0.0.22 }\n  - { name: worker-2, role: worker, address: 10.0.0.23, labels: { zone: "1" } }\n',
      ),
    );
    expect(withNode(LONG, node)).toBe(
      `${LONG}\n- name: worker-2\n  role: worker\n  address: 10.0.0.23\n  labels: { zone: "1" }\n`,
    );
  });
  it('and taken out again leaves the file as it was, whatever line ends it has', () => {
    fc.assert(
      fc.property(fc.constantFrom(SHORT, `${LONG}\n`), fc.boolean(), fc.boolean(), (text, dos, marked) => {
        const written = `${marked ? '\uFEFF' : ''}${dos ? text.replaceAll('\n', '\r\n') : text}`;
        const more = withNode(written, { name: 'cp-1', role: 'control-plane', address: '10.0.0.12' }) ?? '';
        expect(more).toContain('cp-1');
        expect(withoutNode(more, 'cp-1')).toBe(written);
      }),
    );
  });
});

it('an address is changed where it stands', () => {
  expect(withAddress(LONG, 'worker-0', '10.0.0.29')).toBe(LONG.replace("'10.0.0.21'", '10.0.0.29'));
  expect(withAddress(SHORT, 'cp-0', 'cp-0.example.com')).toBe(SHORT.replace('10.0.0.11', 'cp-0.example.com'));
});
