import { describe, expect, test } from 'vitest';
import { jumpTargets, readWay } from './resolve.ts';

const PRINTED = [
  'host cp-0',
  'user ops',
  'hostname 10.0.0.11',
  'port 2222',
  'hashknownhosts yes',
  'stricthostkeychecking ask',
  'hostkeyalias none',
  'proxyjump me@edge.example:2200,[fd00::1]:22,inner',
  'identityfile ~/.ssh/id_rsa',
  'identityfile ~/.ssh/id_ed25519',
  'userknownhostsfile /home/me/.ssh/known_hosts /home/me/.ssh/known_hosts2',
  'globalknownhostsfile none',
  '',
].join('\n');

test('what ssh -G prints is read', () => {
  expect(readWay(PRINTED)).toEqual({
    hostname: '10.0.0.11',
    port: 2222,
    user: 'ops',
    jumps: ['me@edge.example:2200', '[fd00::1]:22', 'inner'],
    identityFiles: ['~/.ssh/id_rsa', '~/.ssh/id_ed25519'],
    userKnownHosts: ['/home/me/.ssh/known_hosts', '/home/me/.ssh/known_hosts2'],
    globalKnownHosts: [],
    hashKnownHosts: true,
    strictHostKeyChecking: 'ask',
  });
});

describe('jump hosts', () => {
  test('become hosts of their own, each behind the ones before', () => {
    const jumps = jumpTargets(
      { name: 'cp-0', address: 'cp-0', config: '/c', user: 'root' },
      readWay(PRINTED),
    );
    expect(jumps).toEqual([
      { name: 'edge.example', address: 'edge.example', user: 'me', port: 2200, config: '/c' },
      { name: 'fd00--1', address: 'fd00::1', port: 22, jump: 'me@edge.example:2200', config: '/c' },
      { name: 'inner', address: 'inner', jump: 'me@edge.example:2200,[fd00::1]:22', config: '/c' },
    ]);
  });

  test('are none where there are none', () => {
    expect(jumpTargets({ name: 'a', address: 'a' }, readWay('hostname a\n'))).toEqual([]);
  });
});
