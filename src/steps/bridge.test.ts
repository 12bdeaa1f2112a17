import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  allSteps,
  harbourWith,
  inRoot,
  put,
  read,
  runPiece,
  scene,
  standIn,
  step,
} from '../../test/steps/scene.ts';
import type { Step } from './step.ts';

const LINKS = `4: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP mode DEFAULT group default
`;
const DNS = '0f2a5b1c-8f2e-4ac0-9f5b-9d1c7a2b3c4d';
const WEB = '1b2a5b1c-8f2e-4ac0-9f5b-9d1c7a2b3c4e';
const veth = (name: string, netns: string, master = ' master cni0'): string =>
  `7: ${name}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue${master} state UP mode DEFAULT group default \\    link/ether 3e:52:28:f9:61:d5 brd ff:ff:ff:ff:ff:ff link-netns ${netns}\n`;

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'landfall-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A node with these devices of pods, a bridge of this line and address, and the pods `dns` and `web` in the runtime's books. */
function node(veths: string, { bridge = LINKS, address = '10.244.0.1/24' } = {}): string {
  put(root, 'run/flannel/subnet.env', 'FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.0.1/24\n');
  put(root, 'bridge', bridge);
  put(root, 'veths', veths);
  standIn(
    root,
    'ip',
    `case $* in
  '-o link show dev cni0') grep . '${root}/bridge' ;;
  '-o -4 address show dev cni0') if [ -n '${address}' ]; then echo '4: cni0    inet ${address} brd 10.244.0.255 scope global cni0'; fi ;;
  '-o link show type veth') cat '${root}/veths' ;;
  'link delete cni0') : >'${root}/bridge'; sed -i 's/ master cni0//' '${root}/veths' ;;
  *) exit 9 ;;
esac`,
  );
  return standIn(
    root,
    'crictl',
    `echo "$*" >>'${root}/calls'
case $* in
  *'pods --state ready -q') for id in dns web proxy; do [ -e "${root}/stopped-$id" ] || echo "$id"; done ;;
  *inspectp*' dns') echo 'kube-system/coredns-1 /var/run/ipcns/${DNS} /var/run/netns/${DNS}' ;;
  *inspectp*' web') echo 'default/web-1 /var/run/netns/${WEB}' ;;
  *inspectp*' proxy') echo 'kube-system/kube-proxy-1 /var/run/netns/4a59e749-3882-4ed4-8982-995e58517699' ;;
  *stopp*) for id; do :; done; : >"${root}/stopped-$id" ;;
  *) exit 9 ;;
esac`,
  );
}
const bridge = (): Step => inRoot(root, step('network/bridge'));
const calls = (): string =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8') : '';

describe('the pods of a node', () => {
  it('are all on their bridge, or there are none yet; then the runtime is not even asked', () => {
    expect(read(bridge(), node(''))).toBe('all on it');
    expect(read(bridge(), node('', { bridge: '', address: '' }))).toBe('all on it');
    expect(read(bridge(), node(veth('veth0a1b2c3d', DNS) + veth('veth1a1b2c3d', WEB)))).toBe('all on it');
    rmSync(join(root, 'run'), { recursive: true });
    expect(read(bridge(), join(root, 'bin'))).toBe('all on it');
    expect(calls()).toBe('');
  });

  it('are named when they are on none, and started anew, they alone', () => {
    const bin = node(veth('veth0a1b2c3d', DNS, '') + veth('veth1a1b2c3d', WEB));
    expect(read(bridge(), bin)).toBe('kube-system/coredns-1 is on no bridge');
    const { status, stdout } = runPiece(bridge(), 'make', bin);
    expect([status, stdout]).toEqual([0, 'kube-system/coredns-1 is started anew\n']);
    expect(
      calls()
        .split('\n')
        .filter((call) => call.includes('stopp')),
    ).toEqual([expect.stringMatching(/ stopp dns$/)]);
    expect(read(bridge(), bin)).toBe('all on it');
  });

  it('of other programs are left alone, on whichever bridge they are', () => {
    const other = veth('veth2a1b2c3d', 'cni-5b1c', ' master cni-podman0');
    expect(read(bridge(), node(`${other}9: host0@if12: <BROADCAST,UP> mtu 1500 link-netnsid 0\n`))).toBe(
      'all on it',
    );
    expect(runPiece(bridge(), 'make', join(root, 'bin'))).toMatchObject({ status: 0, stdout: '' });
  });

  it.each([
    ['is down', { bridge: LINKS.replace(',UP,LOWER_UP', '') }, 'the bridge is down'],
    ['has no address', { address: '' }, "the bridge has the address none, flannel's is 10.244.0.1/24"],
    [
      'has one of before',
      { address: '10.244.3.1/24' },
      "the bridge has the address 10.244.3.1/24, flannel's is 10.244.0.1/24",
    ],
  ])('get another bridge when theirs %s', (_, wrong, says) => {
    const bin = node(veth('veth0a1b2c3d', DNS) + veth('veth1a1b2c3d', WEB), wrong);
    expect(read(bridge(), bin)).toBe(says);
    expect(runPiece(bridge(), 'make', bin)).toMatchObject({
      status: 0,
      stdout: 'kube-system/coredns-1 is started anew\ndefault/web-1 is started anew\n',
    });
    expect(read(bridge(), bin)).toBe('all on it');
  });

  it('are on a bridge only with flannel', () => {
    const ids = (plugin: 'calico' | 'cilium' | 'none') =>
      allSteps(scene(harbourWith({ plugin }))).map(({ id }) => id);
    for (const plugin of ['calico', 'cilium', 'none'] as const)
      expect(ids(plugin)).not.toContain('network/bridge');
  });
});
