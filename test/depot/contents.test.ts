import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderOf } from './artefacts.ts';
import { contentsFor, partsOf } from './contents.ts';
import { place } from './place.ts';
import { prune } from './prune.ts';
import { keyOf, type Recipe, withNeeds } from './recipe.ts';
import { releases } from './release.ts';

describe('the contents of a depot', () => {
  const ids = (versions: readonly string[]): readonly string[] =>
    withNeeds(partsOf(contentsFor(versions)))
      .map(({ id }) => id)
      .sort();

  it('for one version ask for that version only', () => {
    expect(ids(['1.36.3'])).toContain('kubernetes-1.36.3');
    expect(ids(['1.36.3']).filter((id) => id.includes('1.35'))).toEqual([]);
    expect(ids(['1.35.4'])).toContain('cri-o-1.34.0');
  });

  it('hold containerd only when it is asked for, with the runc that CRI-O’s package has', () => {
    const parts = partsOf(contentsFor(['1.36.3'], { containerd: true }));
    const more = withNeeds(parts)
      .map(({ id }) => id)
      .filter((id) => !ids(['1.36.3']).includes(id));
    expect(more).toEqual(['containerd-2.3.5', 'packages-containerd-2.3.5']);
    const keys = parts.map(keyOf);
    expect(keys).toEqual(expect.arrayContaining(partsOf(contentsFor(['1.36.3'])).map(keyOf)));
  });

  it('share what is the same for two, and do not depend on the order', () => {
    const both = ids(['1.35.4', '1.36.3']);
    expect(both).toEqual(ids(['1.36.3', '1.35.4']));
    expect(both).toHaveLength(new Set(both).size);
    const keys = (versions: readonly string[]): readonly string[] =>
      partsOf(contentsFor(versions)).map(keyOf);
    expect(keys(['1.36.3', '1.35.4'])).toEqual(expect.arrayContaining([...keys(['1.36.3'])]));
  });

  it('are refused for a version nobody has pinned, naming those there are', () => {
    expect(() => contentsFor(['1.99.0'])).toThrow(
      expect.objectContaining({ code: 'depot/version', exit: 2, try: 'one of 1.36.3, 1.35.4' }),
    );
  });

  it('put every part into the depot', () => {
    const contents = contentsFor(
      releases.map(({ kubernetes }) => kubernetes),
      { containerd: true },
    );
    const inside = [...Object.values(contents), ...Object.values(contents.suites)]
      .flat()
      .filter((value): value is Recipe => Object.hasOwn(Object(value), 'build'));
    expect(new Set(partsOf(contents))).toEqual(new Set(inside));
  });
});

describe('pruning', () => {
  let cache = '';
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'landfall-prune-'));
  });
  afterEach(() => rmSync(cache, { recursive: true, force: true }));

  it('removes what nothing of today is made of, and depots but the present one', async () => {
    const where = place({ XDG_CACHE_HOME: cache });
    const kept = folderOf(where, contentsFor(['1.35.4']).flannel);
    for (const folder of [
      kept,
      join(where.artefacts, 'etcd-3.4.0-abc'),
      join(where.depots, 'old'),
      join(where.depots, 'new'),
    ])
      mkdirSync(folder, { recursive: true });
    symlinkSync('new', join(where.depots, 'current'));
    expect([...(await prune(where))].sort()).toEqual(['etcd-3.4.0-abc', 'old']);
    expect(existsSync(kept)).toBe(true);
    expect(readdirSync(where.depots).sort()).toEqual(['current', 'new']);
  });
});
