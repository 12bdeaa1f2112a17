import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../test/config/harbour.ts';
import { quotaBytes } from '../model/etcd.ts';
import { ETCD_DEFAULTS } from './etcd-defaults.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

const FILE = `apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
nodes:
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
`;

function etcdOf(section: string) {
  return readCluster(asText('cluster.yaml', FILE + section)).cluster.etcd;
}

function toldOf(section: string): readonly string[] {
  return problemsOf(FILE + section).map(({ code, where }) => `${code} ${where?.line}`);
}

describe('etcd in cluster.yaml', () => {
  it('has a value for all that is not said', () => {
    expect(etcdOf('')).toStrictEqual(ETCD_DEFAULTS);
    expect(etcdOf('etcd: { snapshots: { every: daily } }\n')).toStrictEqual({
      ...ETCD_DEFAULTS,
      snapshots: { every: 'daily', keep: 24, days: 7 },
    });
  });

  it('takes no time etcd would not start with, whichever of the two was written', () => {
    expect(toldOf('etcd: { heartbeat: 250 }\n')).toEqual(['etcd/election 7']);
    expect(toldOf('etcd:\n  heartbeat: 100\n  election: 499\n')).toEqual(['etcd/election 9']);
    expect(toldOf('etcd: { heartbeat: 200 }\n')).toEqual([]);
    expect(toldOf('etcd: { heartbeat: 250, election: 1250 }\n')).toEqual([]);
  });

  it('takes no quota below etcd’s own, and none that etcd warns of twice', () => {
    expect(toldOf('etcd: { quota: 1Gi }\n')).toHaveLength(1);
    expect(toldOf('etcd: { quota: 17Gi }\n')).toHaveLength(1);
    expect(quotaBytes('8Gi')).toBe(8_589_934_592);
  });
});
