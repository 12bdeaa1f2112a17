import { describe, expect, it } from 'vitest';
import { Problems } from '../model/problem.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

const HEAD = `apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
nodes:
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
`;
const read = (more: string) => readCluster(asText('cluster.yaml', HEAD + more)).cluster.firewall;

function wrong(more: string): readonly string[] {
  try {
    read(more);
    return [];
  } catch (error) {
    if (!(error instanceof Problems)) throw error;
    return error.problems.map(({ code, where }) => `${code} ${(where?.line ?? 0) - 6}`);
  }
}

describe('firewall', () => {
  it('is none where it is not spoken of, and where it does not say', () => {
    expect(read('')).toBeUndefined();
    expect(read('firewall: {}\n')).toEqual({ mode: 'none', allow: [] });
    expect(read('firewall: { mode: none }\n')).toEqual({ mode: 'none', allow: [] });
  });

  it('names who may come in', () => {
    expect(
      read('firewall: { mode: enforce, admins: [192.0.2.0/24], allow: [{ port: 9100, from: [nodes] }] }\n'),
    ).toEqual({
      mode: 'enforce',
      admins: ['192.0.2.0/24'],
      allow: [{ port: 9100, protocol: 'tcp', from: ['nodes'] }],
    });
  });

  it.each([
    ['firewall: { mode: on }\n', ['config/value 1']],
    ['firewall: { mode: audit, admins: [] }\n', ['config/value 1']],
    ['firewall: { mode: audit, admins: [10.0.0.1/8] }\n', ['firewall/network 1']],
    ['firewall: { mode: audit, admins: [everybody] }\n', ['config/format 1']],
    ['firewall:\n  allow:\n    - { port: 80, from: [10.0.0.0/33] }\n', ['config/format 3']],
    ['firewall:\n  allow:\n    - { port: 80, from: [10.0.0.0/8, 10.1.1.1/16] }\n', ['firewall/network 3']],
    ['firewall:\n  allow:\n    - { port: 80, through: 79 }\n', ['firewall/ports 3']],
    ['firewall:\n  allow:\n    - { port: 80, through: 80 }\n', []],
    ['firewall: { mode: none }\n', []],
  ])('%j: %j', (more, told) => {
    expect(wrong(more)).toEqual(told);
  });

  it('asks for an address of every node, when rules are to name it', () => {
    const named = '  - { name: worker-0, role: worker, address: worker-0.example.com }\n';
    expect(wrong(named)).toEqual([]);
    expect(wrong(`${named}firewall: { mode: none }\n`)).toEqual([]);
    expect(wrong(`${named}firewall: { mode: audit }\n`)).toEqual(['firewall/address 1']);
    const known = named.replace(' }', ', internalAddress: 10.0.0.21 }');
    expect(wrong(`${known}firewall: { mode: audit }\n`)).toEqual([]);
  });
});
