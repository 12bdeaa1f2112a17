import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance, nearest } from './nearest.ts';

describe('distance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['versoin', 'version', 1],
    ['kitten', 'sitting', 3],
    ['nodes', 'node', 1],
  ])('%j to %j is %i', (a, b, far) => expect(distance(a, b)).toBe(far));
  it('is the same both ways, and nothing only between equals', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

describe('nearest', () => {
  const known = [
    'apiVersion',
    'kind',
    'name',
    'kubernetes',
    'endpoint',
    'network',
    'nodes',
    'internalAddress',
  ];
  it.each([
    ['kuberntes', 'kubernetes'],
    ['Network', 'network'],
    ['internal_address', 'internalAddress'],
    ['api-version', 'apiVersion'],
    ['node', 'nodes'],
    ['nmae', 'name'],
    ['x', undefined],
    ['calico', undefined],
    ['', undefined],
    ['-_', undefined],
  ])('%j is %s', (word, meant) => expect(nearest(word, known)).toBe(meant));
});
