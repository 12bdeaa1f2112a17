import { describe, expect, it } from 'vitest';
import { contentKey } from './content-key.ts';
import { cacheDir, depotDir, labDir } from './place.ts';
import { conntrackMax } from './settings.ts';

describe('places', () => {
  it('are the XDG ones', () => {
    expect(labDir('lab', { HOME: '/h' })).toBe('/h/.local/state/landfall/lab/lab');
    expect(cacheDir({ HOME: '/h', XDG_CACHE_HOME: '/c' })).toBe('/c/landfall/lab');
    expect(depotDir({ HOME: '/h' })).toBe('/h/.cache/landfall/depot/current');
    expect(depotDir({ HOME: '/h', LANDFALL_DEPOT: '/d' })).toBe('/d');
  });
  it('ignore relative ones, as the standard says', () => {
    expect(cacheDir({ HOME: '/h', XDG_CACHE_HOME: 'c' })).toBe('/h/.cache/landfall/lab');
  });
  it('tells contents apart that would be alike when joined', () => {
    expect(contentKey('ab', 'c')).not.toBe(contentKey('a', 'bc'));
  });
});

describe('conntrackMax', () => {
  it('is what kube-proxy computes', () => {
    expect([1, 4, 8].map(conntrackMax)).toEqual([131_072, 131_072, 262_144]);
  });
});
