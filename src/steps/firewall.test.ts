import { afterEach, describe, expect, it } from 'vitest';
import { type Gate, gate } from '../../test/steps/gate.ts';
import { allSteps, HARBOUR, scene, step } from '../../test/steps/scene.ts';
import { THOROUGH } from '../../test/thorough.ts';
import type { Firewall } from '../model/firewall.ts';

const OLD: Firewall = { mode: 'enforce', allow: [] };
const NEW: Firewall = { mode: 'enforce', admins: ['192.0.2.0/24'], allow: [] };
/** What the model's nft does not take. */
const BAD: Firewall = { mode: 'enforce', admins: ['198.51.100.99'], allow: [] };
const RULES = 'firewall/rules';
const UNIT = 'firewall/unit';
const SETTLED = 'firewall/settled';

/** For tests that go through it once for each program it calls, in milliseconds. */
const LONG = 300_000;

let open: Gate[] = [];
afterEach(() => {
  for (const one of open) one.remove();
  open = [];
});
function host(firewall: Firewall = OLD): Gate {
  const one = gate(firewall);
  open.push(one);
  return one;
}

/** What apply does, in its order, until something does not come right. */
function applied(one: Gate): boolean {
  if (!one.right(RULES) && (one.run(RULES, 'make').status !== 0 || !one.right(RULES))) return false;
  if (!one.right(UNIT)) one.run(UNIT, 'make');
  if (one.right(SETTLED)) return true;
  one.comeIn();
  return one.run(SETTLED, 'make').status === 0 && one.right(SETTLED);
}

describe('the rules of a host', () => {
  it('are none where nothing is wished of them', () => {
    const of = (more: object, facts = {}): readonly string[] =>
      allSteps(scene({ ...HARBOUR, ...more }, facts))
        .map(({ id }) => id)
        .filter((id) => id.startsWith('firewall/'));
    expect(of({})).toEqual([]);
    expect(of({}, { firewall: true })).toEqual(['firewall/none']);
    expect(of({ firewall: { mode: 'none', allow: [] } })).toEqual(['firewall/none']);
    expect(of({ firewall: OLD })).toEqual(['firewall/nftables', RULES, 'firewall/answers', UNIT, SETTLED]);
  });

  it.each([
    ['wished', { firewall: OLD }, {}],
    ['there, and wished no more', {}, { firewall: true }],
    ['wished away', { firewall: { mode: 'none', allow: [] } }, {}],
  ] as const)('are taken away while nft is still there: %s', (_, more, facts) => {
    const undone = allSteps(scene({ ...HARBOUR, ...more }, facts))
      .toReversed()
      .flatMap(({ id, undo }) => (undo === undefined ? [] : [{ id, text: undo.text }]));
    const needs = undone.filter(({ text }) => text.includes('nft delete table inet landfall'));
    const goes = undone.findIndex(({ text }) => /purge[^]*nftables|nftables[^]*purge/.test(text));
    expect(needs.length).toBeGreaterThan(0);
    expect(goes).toBeGreaterThanOrEqual(Math.max(...needs.map((one) => undone.indexOf(one))));
  });

  it('are loaded, kept, there after a reboot, and taken away', () => {
    const one = host();
    expect(applied(one)).toBe(true);
    expect([one.isArmed(), one.right(RULES)]).toEqual([false, true]);
    one.reboot();
    expect([one.right(RULES), one.right(SETTLED), one.kernel()]).toEqual([
      true,
      true,
      expect.stringContaining('table inet landfall'),
    ]);
    for (const id of [SETTLED, UNIT, RULES, UNIT, RULES]) {
      if (step(id, scene({ ...HARBOUR, firewall: OLD })).undo !== undefined)
        expect(one.run(id, 'undo').status).toBe(0);
    }
    expect([one.kernel(), one.has('etc/landfall'), one.has('run/landfall-firewall')]).toEqual([
      '',
      false,
      false,
    ]);
  });

  it('are found when a hand has changed them in the kernel, and put back', () => {
    const one = host();
    applied(one);
    one.setKernel(one.kernel().replace(/.*kubelet.*\n/, ''));
    expect(one.run(RULES, 'read').text).toMatch(
      /the kernel has others:\n- ip saddr @nodes tcp dport 10250 accept/,
    );
    expect(applied(one)).toBe(true);
    one.setKernel('');
    expect(one.run(RULES, 'read').text).toMatch(/the kernel has none$/);
    expect(applied(one)).toBe(true);
  });

  it('whom the kernel has met does not count as a change', () => {
    const one = host();
    applied(one);
    const met =
      '\t\telements = { 203.0.113.9 . tcp . 80 counter packets 1 bytes 60,\n\t\t\t     203.0.113.9 . tcp . 81 counter packets 1 bytes 60 }\n\t}\n\tset seen6';
    one.setKernel(one.kernel().replace('\t}\n\tset seen6', met));
    expect(one.kernel()).toContain('203.0.113.9');
    expect(one.right(RULES)).toBe(true);
  });

  it('are not kept when nobody has come in, and go again when the time is up', () => {
    const one = host();
    expect(one.run(RULES, 'make').status).toBe(0);
    expect([one.right(RULES), one.isArmed(), one.right(SETTLED)]).toEqual([true, true, false]);
    const made = one.run(SETTLED, 'make');
    expect([made.status, made.text]).toEqual([1, expect.stringContaining('not kept on trust')]);
    one.timeIsUp();
    expect([one.kernel(), one.has('etc/landfall/firewall.nft')]).toEqual(['', false]);
    expect(one.run(SETTLED, 'make').text).toContain('the host has taken the new rules back');
  });

  it('are not kept on the word of who came in under earlier ones', () => {
    const one = host();
    applied(one);
    one.comeIn();
    one.wish(NEW);
    expect(one.run(RULES, 'make').status).toBe(0);
    expect(one.run(SETTLED, 'make').status).toBe(1);
  });

  it('stay as they were when the kernel does not take the new ones', () => {
    const one = host();
    applied(one);
    const was = one.kernel();
    one.wish(BAD);
    const made = one.run(RULES, 'make');
    expect([made.status, made.text]).toEqual([1, expect.stringContaining('Error: nonsense')]);
    expect([one.kernel(), one.isArmed()]).toEqual([was, false]);
  });

  /** Ends a piece before each program it calls, one after another, and looks what is left; every other one where not all is tried. */
  function cutEverywhere(
    before: (one: Gate) => void,
    id: string,
    look: (one: Gate, cut: number) => void,
  ): number {
    const one = host();
    before(one);
    const back = one.keep();
    for (let cut = 1; ; cut += THOROUGH ? 1 : 2) {
      const { calls } = one.run(id, 'make', cut);
      if (calls < cut) return cut - 1;
      look(one, cut);
      back();
    }
  }

  it.each(['first ones', 'others', 'others, while still others are on trial'] as const)(
    'wherever the loading of the %s is cut short: when the time is up, or after a reboot, it is as it was; and the next try ends it',
    (which) => {
      const begun = (one: Gate): string => {
        if (which !== 'first ones') applied(one);
        const was = one.kernel();
        if (which.endsWith('trial')) {
          one.wish({ mode: 'enforce', admins: ['203.0.113.0/24'], allow: [] });
          expect(one.run(RULES, 'make').status).toBe(0);
        }
        one.wish(NEW);
        return was;
      };
      const was = begun(host());
      const cuts = cutEverywhere(begun, RULES, (one, cut) => {
        const back = one.keep();
        one.timeIsUp();
        expect([cut, 'time is up', one.kernel()]).toEqual([cut, 'time is up', was]);
        back();
        one.reboot();
        expect([cut, 'reboot', one.kernel()]).toEqual([cut, 'reboot', was]);
        back();
        expect([cut, applied(one), one.isArmed()]).toEqual([cut, true, false]);
        expect(one.kernel()).toContain('192.0.2.0/24');
      });
      expect(cuts).toBeGreaterThan(6);
    },
    LONG,
  );

  it(
    'wherever the keeping is cut short: either the old ones or those somebody came in under hold, and the next try ends it',
    () => {
      const begun = (one: Gate): void => {
        applied(one);
        one.wish(NEW);
        one.run(RULES, 'make');
        one.comeIn();
      };
      const cuts = cutEverywhere(begun, SETTLED, (one, cut) => {
        const back = one.keep();
        for (const end of [one.timeIsUp, one.reboot]) {
          end();
          expect([cut, one.kernel()]).toEqual([cut, expect.stringContaining('table inet landfall')]);
          expect([cut, applied(one)]).toEqual([cut, true]);
          expect(one.kernel()).toContain('192.0.2.0/24');
          back();
        }
      });
      expect(cuts).toBeGreaterThan(4);
    },
    LONG,
  );
});
