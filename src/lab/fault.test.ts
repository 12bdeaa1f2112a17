import { describe, expect, it } from 'vitest';
import { FAULTS, parseFault } from './fault.ts';

const host = (name: string) => ({ name, address: '10.77.0.11', release: 'bookworm' as const });
const lab = { name: 'lab', hosts: [host('cp-0'), host('w-0')] };
const parse = (line: string) => parseFault(lab, line === '' ? [] : line.split(' '));

describe('parseFault', () => {
  it.each([
    ['power-cut cp-0', { is: 'power-cut', host: 'cp-0' }],
    ['partition cp-0 depot', { is: 'partition', a: 'cp-0', b: 'depot' }],
    ['loss w-0 30%', { is: 'loss', host: 'w-0', percent: 30 }],
    ['depot-missing registry.k8s.io/pause', { is: 'depot-missing', pattern: 'registry.k8s.io/pause' }],
    ['heal', { is: 'heal' }],
  ])('reads %s', (line, fault) => expect(parse(line)).toEqual(fault));

  it.each([
    ['', 'lab/fault'],
    ['explode cp-0', 'lab/fault'],
    ['power-cut', 'lab/fault'],
    ['power-cut cp-0 w-0', 'lab/fault'],
    ['power-cut cp-9', 'lab/no-host'],
    ['partition cp-0 cp-0', 'lab/fault'],
    ['partition operator depot', 'lab/fault'],
    ['loss cp-0 101', 'lab/fault'],
    ['loss cp-0 some', 'lab/fault'],
  ])('refuses %j', (line, code) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ code, exit: 2 }));
  });

  it('can read every fault it lists', () => {
    const words = { host: 'cp-0', end: 'w-0', percent: '5', pattern: 'x' };
    for (const { is, takes } of FAULTS) {
      const rest = takes.map((one, index) => (one === 'end' && index === 0 ? 'cp-0' : words[one]));
      expect(parseFault(lab, [is, ...rest]).is).toBe(is);
    }
  });
});
