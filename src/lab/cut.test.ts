import { expect, it } from 'vitest';
import { bridgeRules } from './cut.ts';

it('cuts both ways, by the names of ports', () => {
  const ports = new Map([
    ['a', 'p11'],
    ['b', 'p12'],
  ]);
  const rules = bridgeRules({ partitions: [['a', 'b']], loss: { b: 30 } }, ports);
  expect(
    rules
      .split('\n')
      .filter((line) => line.includes('drop'))
      .map((line) => line.trim()),
  ).toEqual([
    'iifname "p11" oifname "p12" drop',
    'iifname "p12" oifname "p11" drop',
    'iifname "p12" numgen random mod 100 < 30 drop',
    'oifname "p12" numgen random mod 100 < 30 drop',
  ]);
});
