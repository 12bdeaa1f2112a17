import { describe, expect, it } from 'vitest';
import { changed, harbour, problemsOf, told } from '../../test/config/harbour.ts';

describe('values', () => {
  it.each([
    ['10.0.0.11', '-oProxyCommand=reboot', 'config/format', 'option'],
    ['10.0.0.11', '"$(reboot)"', 'config/format', 'shell'],
    ['10.0.0.11', '"a b"', 'config/format', 'letters'],
    ['10.0.0.11', '"10.0.0.11\\n10.0.0.12"', 'config/format', 'line break'],
    ['10.0.0.11', '""', 'config/format', 'empty'],
    ['10.0.0.11', 'root@10.0.0.11:22', 'config/format', 'fields of their own'],
    ['10.0.0.11', 'ssh://10.0.0.11', 'config/format', 'URL'],
    ['10.0.0.11', 'fd00::1', 'config/format', 'IPv4'],
    ['10.0.0.11', '10.0.0.11/24', 'config/format', 'prefix'],
    ['10.0.0.11', '10.0.0.300', 'nodes/address', 'programs'],
    ['10.0.0.11', '"0x7f000001"', 'nodes/address', 'programs'],
    ['10.0.0.11', '"010.0.0.1"', 'nodes/address', 'programs'],
    ['10.0.0.11', '127.0.0.1', 'nodes/address', 'loopback'],
    ['10.0.0.11', '0.0.0.0', 'nodes/address', 'this-host'],
    ['10.0.0.11', '255.255.255.255', 'nodes/address', 'reserved'],
    ['cp-0', 'cp_0', 'config/format', 'lower case'],
    ['cp-0', 'localhost', 'nodes/name', 'calls itself'],
    ['cp-0', `${'a'.repeat(64)}`, 'config/format', '63'],
    ['"1.36"', 'v1.36', 'config/format', 'tag'],
    ['"1.36"', '1.36.0-rc.1', 'config/format', 'pre-releases'],
    ['"1.36"', 'latest', 'config/format', 'only when told'],
    ['"1.36"', '"1.34"', 'version/unsupported', '2026-10-27'],
    ['"1.36"', '"1.20"', 'version/unsupported', 'long ago'],
    ['"1.36"', '"1.38"', 'version/unsupported', '1.37'],
    ['landfall/v1', 'landfall/v2', 'file/format', 'landfall/v1'],
    ['landfall/v1', 'v1', 'file/foreign', 'landfall/v1'],
    ['landfall/v1', 'kubeadm.k8s.io/v1beta4', 'file/foreign', 'landfall/v1'],
    ['kind: Cluster', 'kind: Lock', 'file/format', 'versions'],
  ])('%s → %s: %s (%s)', (from, to, code, why) => {
    const problems = problemsOf(changed(from, to));
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    expect(problems[0]?.why).toContain(why);
  });
  it.each([
    ['network: { pods: 10.244.1.0/16 }', 'network/host-bits'],
    ['network: { pods: 10.244.0.0/25 }', 'network/size'],
    ['network: { pods: 10.0.0.0/7 }', 'network/size network/overlap network/overlap'],
    ['network: { services: 10.96.0.0/29 }', 'network/size'],
    ['network: { services: 10.64.0.0/10 }', 'network/size'],
    ['network: { services: 169.254.0.0/16 }', 'network/reserved'],
    ['network: { services: 10.244.7.0/24 }', 'network/overlap'],
    ['network: { pods: 10.96.0.0/24 }', 'network/overlap'],
    ['network: { pods: fd00::/64 }', 'config/format'],
    ['network: { domain: Cluster.Local }', 'config/format'],
    ['network: { domain: harbour.internal }', 'endpoint/domain'],
    ['endpoint: { address: api.cluster.local }', 'endpoint/domain'],
    ['endpoint: { address: "api.example.com:70000" }', 'endpoint/port'],
    ['endpoint: { address: "api.example.com:0" }', 'config/format'],
    ['endpoint: { address: "10.0.0.11:8443" }', 'endpoint/port'],
    ['endpoint: { address: "api.harbour.internal:443" }', 'endpoint/port'],
    ['endpoint: { address: 127.0.0.1 }', 'endpoint/address'],
    ['endpoint: { address: 10.96.0.1 }', 'network/overlap'],
    ['endpoint: { address: "10.1:6443" }', 'endpoint/address'],
    ['endpoint: { address: "[fd00::1]:6443" }', 'config/format'],
    ['endpoint: { address: "https://api.example.com" }', 'config/format'],
    ['endpoint: api.example.com', 'config/type'],
    ['endpoint:', 'config/empty'],
    ['endpoint: {}', 'endpoint/empty'],
    ['endpoint: { virtualIP: 10.0.0.10 }', ''],
    ['endpoint: { virtualIP: 10.0.0.10, interface: bond0.7, routerId: 255 }', ''],
    ['endpoint: { virtualIP: 10.0.0.10, address: api.example.com }', 'endpoint/both'],
    ['endpoint: { virtualIP: 10.0.0.11 }', 'endpoint/taken'],
    ['endpoint: { virtualIP: 10.244.0.1 }', 'network/overlap'],
    ['endpoint: { virtualIP: 10.96.0.1 }', 'network/overlap'],
    ['endpoint: { virtualIP: 127.0.0.1 }', 'endpoint/address'],
    ['endpoint: { virtualIP: 224.0.0.18 }', 'endpoint/address'],
    ['endpoint: { virtualIP: "10.1" }', 'config/format'],
    ['endpoint: { virtualIP: 10.0.0.10/24 }', 'config/format'],
    ['endpoint: { virtualIP: "fd00::1" }', 'config/format'],
    ['endpoint: { virtualIP: api.example.com }', 'config/format'],
    ['endpoint: { virtualIP: 10.0.0.10, routerId: 0 }', 'config/value'],
    ['endpoint: { virtualIP: 10.0.0.10, routerId: 256 }', 'config/value'],
    ['endpoint: { virtualIP: 10.0.0.10, interface: "-x" }', 'config/format'],
    ['endpoint: { virtualIP: 10.0.0.10, interface: enp65s0f0np0abcd }', 'config/format'],
    ['endpoint: { routerId: 7, interface: eth0 }', 'endpoint/no-virtual-ip endpoint/no-virtual-ip'],
    ['endpoint: { address: api.example.com, routerId: 7 }', 'endpoint/no-virtual-ip'],
    ['endpoint: { virtualIP: 10.0.0.10 }\nnetwork: { domain: harbour.internal }', 'endpoint/domain'],
    ['ssh: { user: -l }', 'config/format'],
    ['ssh: { port: 0 }', 'config/value'],
    ['ssh: { port: 1.5 }', 'config/type'],
    ['ssh: { port: "22" }', 'config/type'],
    ['ssh: { identityFile: "a\\0b" }', 'config/format'],
    ['ssh: { config: -F }', 'config/format'],
    ['lab: ../x', 'config/format'],
    ['runtime: docker', 'config/value'],
    ['user: root', 'config/unknown-key'],
    ['__proto__: { name: x }', 'config/unknown-key'],
    ['constructor: x', 'config/unknown-key'],
  ])('%s: %s', (line, codes) => {
    expect(
      problemsOf(`${harbour}${line}\n`)
        .map(({ code }) => code)
        .join(' '),
    ).toBe(codes);
  });
  it('of nodes must tell them apart', () => {
    const two = `${harbour}  - { name: cp-0, role: worker, address: 10.0.0.11 }\n`;
    expect(told(two).map((line) => line.split(' | ')[0])).toEqual([
      '9:13 nodes/duplicate',
      '9:42 nodes/duplicate',
    ]);
  });
  it.each([
    ['{ name: worker-0, role: worker, address: 10.0.0.21 }', []],
    ['{ name: cp-1, role: control-plane, address: 10.0.0.12 }', ['9:25 nodes/count']],
    [
      '{ name: cp-1, role: control-plane, address: 10.0.0.12 }\n  - { name: cp-2, role: control-plane, address: 10.0.0.13 }',
      ['10:25 endpoint/needed'],
    ],
    ['{ name: worker-0, role: worker, address: 10.0.0.21, workloads: false }', ['9:68 nodes/workloads']],
    ['{ name: worker-0, role: wrker, address: 10.0.0.21 }', ['9:29 config/value']],
  ])('of nodes may be one control plane and workers: %s', (line, problems) => {
    expect(told(`${harbour}  - ${line}\n`).map((one) => one.split(' | ')[0])).toEqual(problems);
  });
  it('of nodes may be an odd number of control planes behind an endpoint, up to seven', () => {
    const many = (count: number): string =>
      `${harbour}${Array.from({ length: count - 1 }, (_, n) => `  - { name: cp-${n + 1}, role: control-plane, address: 10.0.0.${12 + n} }\n`).join('')}endpoint: { address: api.example.com }\n`;
    expect([3, 5, 7].map((count) => problemsOf(many(count)))).toEqual([[], [], []]);
    const held = many(3).replace('address: api.example.com', 'virtualIP: 10.0.0.10');
    expect(problemsOf(held)).toEqual([]);
    expect(problemsOf(held.replace('10.0.0.10 }', '10.0.0.13 }')).map(({ summary }) => summary)).toEqual([
      'the virtual address is that of node cp-2',
    ]);
    expect([2, 4, 9].map((count) => problemsOf(many(count)).map(({ summary }) => summary))).toEqual([
      ['2 control planes bear no more than 1 do'],
      ['4 control planes bear no more than 3 do'],
      ['9 control planes are more than etcd is made for'],
    ]);
  });
  it('of nodes have a control plane, which may be closed to workloads beside a worker', () => {
    const worker = '  - { name: worker-0, role: worker, address: 10.0.0.21 }\n';
    const none = `${changed('role: control-plane', 'role: worker')}${worker}`;
    expect(problemsOf(none).map(({ code, summary }) => [code, summary])).toEqual([
      ['nodes/role', 'none of the 2 nodes runs the control plane'],
    ]);
    const closed = `${changed('role: control-plane', 'role: control-plane\n    workloads: false')}${worker}`;
    expect(problemsOf(closed)).toEqual([]);
  });
  it.each([
    ['role: worker', 'nodes/role'],
    ['role: control-plane\n    workloads: false', 'nodes/workloads'],
    ['role: control-plane\n    internalAddress: 10.244.0.1', 'network/overlap'],
    ['role: control-plane\n    internalAddress: cp-0', 'config/format'],
    ['role: control-plane\n    hostKey: SHA256:abc', 'config/format'],
  ])('role: control-plane → %s: %s', (to, code) => {
    expect(problemsOf(changed('role: control-plane', to)).map((problem) => problem.code)).toEqual([code]);
  });
  it.each([
    ['labels: { disk: nvme, example.com/rack: "7", empty: "" }', []],
    ['labels: { disk: 7 }', ['config/type']],
    ['labels: { "-disk": nvme }', ['config/key']],
    ['labels: { disk: "a b" }', ['config/format']],
    ['taints: ["dedicated=db:NoSchedule", "example.com/slow:NoExecute"]', []],
    ['taints: ["dedicated=db:Never"]', ['config/format']],
    ['taints: dedicated=db:NoSchedule', ['config/type']],
  ])('a node has labels and taints as Kubernetes takes them: %s', (line, codes) => {
    const text = changed('role: control-plane', `role: control-plane\n    ${line}`);
    expect(problemsOf(text).map(({ code }) => code)).toEqual(codes);
  });
  it.each([
    ['ssh-ed25519', 'AAAAC3NzaC1lZDI1NTE5AAAAIGFuIGV4YW1wbGUsIG5vdCBhbnlib2R5J3Mgb3duIGtl', []],
    ['ssh-ed25519', 'AAAAC3NzaC1lZDI1NTE5AAAAIGFuIGV4YW1wbGUsIG5vdCBhbnlib2R5J3M', ['nodes/host-key']],
    ['ssh-rsa', 'AAAAC3NzaC1lZDI1NTE5AAAAIGFuIGV4YW1wbGUsIG5vdCBhbnlib2R5J3Mgb3duIGtl', ['nodes/host-key']],
    ['ssh-ed25519', 'A'.repeat(68), ['nodes/host-key']],
  ])('a host key is whole and of its type: %s %s', (type, key, codes) => {
    const text = changed('role: control-plane', `role: control-plane\n    hostKey: ${type} ${key}`);
    expect(problemsOf(text).map(({ code }) => code)).toEqual(codes);
  });
  it('cannot drive the terminal', () => {
    const [problem] = problemsOf(changed('name: harbour', 'name: "\u0085\u202e\u009b2J"'));
    expect(JSON.stringify({ ...problem })).not.toMatch(/[\u0080-\u009f\u202e]/);
  });
});
