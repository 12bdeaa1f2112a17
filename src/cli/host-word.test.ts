import { describe, expect, it } from 'vitest';
import { hostWord } from './host-word.ts';

describe('a host in one word', () => {
  it.each([
    ['10.0.0.11', { address: '10.0.0.11' }],
    ['cp-0=10.0.0.11', { name: 'cp-0', address: '10.0.0.11' }],
    ['ops@gate.example.com:2222', { user: 'ops', address: 'gate.example.com', port: 2222 }],
    ['cp-0=ops@gate', { name: 'cp-0', user: 'ops', address: 'gate' }],
    ['=gate', { name: '', address: 'gate' }],
    // Of no such form: refused as an address.
    ['fd00::1', { address: 'fd00::1' }],
    ['a@b@c', { address: 'a@b@c' }],
    ['gate:ssh', { address: 'gate:ssh' }],
    ['ops@', { address: 'ops@' }],
  ])('%s', (word, meant) => expect(hostWord(word)).toEqual(meant));
});
