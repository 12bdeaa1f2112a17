import { describe, expect, it } from 'vitest';
import { Problems } from '../model/problem.ts';
import { CERTIFICATE_DEFAULTS } from './certificate-defaults.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

const BASE = `apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
nodes:
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
`;
const clusterOf = (more: string) => readCluster(asText('cluster.yaml', `${BASE}${more}\n`)).cluster;

function problems(more: string): readonly (readonly [code: string, line: number | undefined])[] {
  try {
    clusterOf(more);
    return [];
  } catch (error) {
    if (!(error instanceof Problems)) throw error;
    return error.problems.map(({ code, where }) => [code, where?.line] as const);
  }
}

describe('certificates in cluster.yaml', () => {
  it('are kept well when nothing is said of them', () => {
    const { certificates, endpoint } = clusterOf('');
    expect(certificates).toEqual(CERTIFICATE_DEFAULTS);
    expect(certificates).toMatchObject({
      validity: 365,
      renewBefore: 90,
      kubelets: 'signed',
      superAdmin: 'remove',
    });
    expect(Object.keys(certificates)).not.toContain('tokenIssuer');
    expect(Object.keys(endpoint)).not.toContain('names');
  });

  it('take more names of the API server', () => {
    const { endpoint } = clusterOf('endpoint: { names: [api.example.com, 203.0.113.7] }');
    expect(endpoint).toEqual({
      host: 'api.harbour.internal',
      port: 6443,
      kept: true,
      names: ['api.example.com', '203.0.113.7'],
    });
  });

  it.each([
    ['certificates: { validity: 90 }', 'certificates/renewal'],
    ['certificates: { renewBefore: 365 }', 'certificates/renewal'],
    ['certificates: { validity: 30, renewBefore: 40 }', 'certificates/renewal'],
    ['certificates: { validity: 0 }', 'config/value'],
    ['certificates: { tokenIssuer: "http://tokens.example.com" }', 'config/format'],
    ['certificates: { tokenIssuer: "https://tokens.example.com/?x" }', 'config/format'],
    ['endpoint: { names: ["10.0.0"] }', 'endpoint/names'],
    ['endpoint: { names: ["127.0.0.1"] }', 'endpoint/names'],
    ['endpoint: { names: ["*.example.com"] }', 'config/format'],
  ])('are refused where %s', (text, code) => {
    expect(problems(text)).toEqual([[code, 7]]);
  });

  it('may be valid for short when they are renewed in time', () => {
    expect(clusterOf('certificates: { validity: 30, renewBefore: 10 }').certificates.validity).toBe(30);
  });
});
