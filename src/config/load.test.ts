import { describe, expect, it } from 'vitest';
import { changed, harbour, problemsOf, told } from '../../test/config/harbour.ts';
import { ETCD_DEFAULTS } from './etcd-defaults.ts';
import { CERTIFICATE_DEFAULTS } from './certificate-defaults.ts';
import { HOST_DEFAULTS } from './host-defaults.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

describe('a right cluster.yaml', () => {
  it('becomes a cluster with its defaults', () => {
    expect(readCluster(asText('cluster.yaml', harbour)).cluster).toEqual({
      name: 'harbour',
      kubernetes: '1.36',
      endpoint: { host: 'api.harbour.internal', port: 6443, kept: true },
      network: {
        plugin: 'flannel',
        kubeProxy: 'keep',
        pods: '10.244.0.0/16',
        services: '10.96.0.0/16',
        domain: 'cluster.local',
      },
      certificates: CERTIFICATE_DEFAULTS,
      runtime: 'cri-o',
      etcd: ETCD_DEFAULTS,
      ssh: {},
      host: HOST_DEFAULTS,
      nodes: [
        {
          name: 'cp-0',
          role: 'control-plane',
          address: '10.0.0.11',
          internalAddress: '10.0.0.11',
          workloads: true,
        },
      ],
    });
  });
  it('keeps what it says', () => {
    const text = `${harbour}endpoint: { address: "api.example.com" }
network: { plugin: none, pods: 172.16.0.0/16, services: 172.17.0.0/20, domain: cluster.example }
runtime: cri-o
lab: harbour
ssh: { user: ops, port: 2222, config: ./ssh config, identityFile: ~/.ssh/id }
`;
    expect(readCluster(asText('cluster.yaml', text)).cluster).toMatchObject({
      endpoint: { host: 'api.example.com', port: 6443, kept: false },
      network: {
        plugin: 'none',
        pods: '172.16.0.0/16',
        services: '172.17.0.0/20',
        domain: 'cluster.example',
      },
      lab: 'harbour',
      ssh: { user: 'ops', port: 2222, config: './ssh config', identityFile: '~/.ssh/id' },
    });
  });
  it.each([
    ['api.harbour.internal:6443', true],
    ['10.0.0.11', false],
    ['10.0.0.99:8443', false],
    ['api.example.com:443', false],
  ])('keeps the endpoint %s itself: %s', (address, kept) => {
    const text = `${harbour}endpoint: { address: "${address}" }\n`;
    expect(readCluster(asText('cluster.yaml', text)).cluster.endpoint.kept).toBe(kept);
  });
  it.each([
    ['virtualIP: 10.0.0.10', { address: '10.0.0.10', routerId: 10 }],
    ['virtualIP: 10.0.1.0', { address: '10.0.1.0', routerId: 255 }],
    [
      'virtualIP: 10.0.0.10, interface: bond0, routerId: 77',
      { address: '10.0.0.10', interface: 'bond0', routerId: 77 },
    ],
  ])('keeps a name for a virtual address: %s', (written, virtual) => {
    const { endpoint } = readCluster(asText('cluster.yaml', `${harbour}endpoint: { ${written} }\n`)).cluster;
    expect(endpoint).toStrictEqual({ host: 'api.harbour.internal', port: 6443, kept: true, virtual });
  });
  it('may begin with a byte order mark, end its lines with CRLF, and hold aliases', () => {
    const text = `\uFEFF${harbour.replace('name: harbour', 'name: &n harbour')}lab: *n\n`.replaceAll(
      '\n',
      '\r\n',
    );
    expect(readCluster(asText('cluster.yaml', text)).cluster.lab).toBe('harbour');
  });
  it('tells where its values stand', () => {
    const { place } = readCluster(asText('cluster.yaml', harbour));
    expect(place(['nodes', 0, 'address'], 'here')).toEqual({
      file: 'cluster.yaml',
      line: 8,
      column: 14,
      length: 9,
      text: '    address: 10.0.0.11',
      label: 'here',
    });
    expect(place(['nodes', 0, 'hostKey'])).toMatchObject({ line: 6, column: 5 });
    expect(place(['network', 'pods'])).toMatchObject({ line: 1, column: 1 });
  });
});

describe('all that is wrong', () => {
  it('is told at once, in the order of the lines', () => {
    const text = `apiVersion: landfall/v1
kind: cluster
kubernetes: 1.30
netwrok: {}
network:
  pods: 10.0.0.0/16
  plugin: flanel
nodes:
  - name: CP_0
    role: master
    address: 10.0.0.11
    colour: red
`;
    expect(told(text)).toEqual([
      '1:1 config/missing | a | add   name: harbour',
      '2:7 config/value | cluster | kind: Cluster',
      '3:13 config/type | 1.30 | kubernetes: "1.30"',
      '4:1 config/unknown-key | netwrok | write network',
      '6:9 network/overlap | 10.0.0.0/16 | pods: 10.244.0.0/16',
      '7:11 config/value | flanel | plugin: flannel',
      '9:11 config/format | CP_0 | name: cp-0',
      '10:11 config/value | master | role: control-plane',
      '12:5 config/unknown-key | colour | take it out',
    ]);
    expect(problemsOf(text).every(({ exit }) => exit === 2)).toBe(true);
  });
  it('underlines a network and names the line of what is in it', () => {
    const [problem] = problemsOf(`${harbour}network:\n  pods: 10.0.0.0/16\n`);
    expect(problem).toMatchObject({
      summary: 'the pod network contains the address of node cp-0',
      where: {
        line: 10,
        column: 9,
        length: 11,
        label: 'contains 10.0.0.11 (line 8)',
        text: '  pods: 10.0.0.0/16',
      },
    });
  });
  it('underlines the node when the network is the default', () => {
    const [problem] = problemsOf(changed('10.0.0.11', '10.96.1.2'));
    expect(problem).toMatchObject({
      summary: 'the Service network contains the address of node cp-0',
      where: { line: 8, column: 14, label: 'lies in 10.96.0.0/16 (the default)' },
      try: 'network: { services: 10.100.0.0/16 }',
    });
  });
  it('suggests a network that is free', () => {
    const text = `${changed('10.0.0.11', '10.244.0.9')}network: { services: 10.200.0.0/16, pods: 10.244.0.0/16 }\n`;
    expect(told(text)).toEqual(['9:43 network/overlap | 10.244.0.0/16 | pods: 172.20.0.0/16']);
  });
});

describe('against the lock', () => {
  const skew = (wish: string) =>
    problemsOf(changed('"1.36"', `"${wish}"`), { kubernetes: '1.36.3', place: 'landfall.lock:7' }).map(
      ({ code, exit, where }) => `${code} ${exit} ${where?.label}`,
    );
  it('goes up by a minor at most, and never down', () => {
    expect(['1.36', '1.36.3', '1.36.9', '1.37', '1.37.1'].flatMap(skew)).toEqual([]);
    expect(['1.35', '1.36.2'].flatMap(skew)).toEqual(
      Array(2).fill('version/skew 5 landfall.lock:7 holds 1.36.3'),
    );
    const [far] = problemsOf(harbour.replace('1.36', '1.37'), {
      kubernetes: '1.35.1',
      place: 'landfall.lock:7',
    });
    expect(far).toMatchObject({
      code: 'version/skew',
      exit: 5,
      try: 'kubernetes: "1.36"   first, then the next',
    });
  });
});
