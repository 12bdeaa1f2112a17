import { describe, expect, test } from 'vitest';
import { Problem } from '../model/problem.ts';
import { cacheFolder, home, placeNamed, stateFolder } from './places.ts';

test('a variable names a place only by a whole path', () => {
  expect(placeNamed({ XDG_STATE_HOME: '/s' }, 'XDG_STATE_HOME')).toBe('/s');
  for (const value of ['', 's', './s', '~/s', undefined])
    expect(placeNamed({ XDG_STATE_HOME: value }, 'XDG_STATE_HOME')).toBeUndefined();
});

test('state and cache are where XDG says, else below the home', () => {
  expect(stateFolder({ HOME: '/h', XDG_STATE_HOME: '/s' })).toBe('/s/landfall');
  expect(stateFolder({ HOME: '/h', XDG_STATE_HOME: '' })).toBe('/h/.local/state/landfall');
  expect(cacheFolder({ HOME: '/h', XDG_CACHE_HOME: '/c' })).toBe('/c/landfall');
  expect(cacheFolder({ HOME: '/h' })).toBe('/h/.cache/landfall');
});

describe('the home', () => {
  test('is what HOME says, else what the machine knows', () => {
    expect(home({ HOME: '/h' }, () => '/known')).toBe('/h');
    for (const HOME of ['', 'h', undefined]) expect(home({ HOME }, () => '/known')).toBe('/known');
  });

  test('that nobody has is told with a remedy, and is never the current folder', () => {
    const none = (): string => home({ HOME: '' }, () => '');
    expect(none).toThrow(Problem);
    expect(none).toThrow(
      expect.objectContaining({ code: 'file/no-home', exit: 1, try: expect.stringMatching(/HOME=/) }),
    );
  });
});
