import { afterEach, describe, expect, it, test } from 'vitest';
import { type Door, door } from '../../test/steps/door.ts';
import { THOROUGH } from '../../test/thorough.ts';

let open: Door[] = [];
afterEach(() => {
  for (const one of open) one.remove();
  open = [];
});

function at(...of: Parameters<typeof door>): Door {
  const one = door(...of);
  open.push(one);
  return one;
}

const BESIDE = 'login/port-beside';
const ALONE = 'login/port';
const WAYS = ['service', 'socket'] as const;

/** For tests that go through a move once for each program it calls, in milliseconds. */
const LONG = 300_000;

function right(one: Door, id: string): boolean {
  return one.run(id, 'read').text === one.step(id).want;
}

/** What apply does of a move, in its order, until something does not come right. Tells whether it came to its end. */
function move(one: Door): boolean {
  if (!right(one, BESIDE) && (one.run(BESIDE, 'make').status !== 0 || !right(one, BESIDE))) return false;
  if (right(one, ALONE)) return true;
  if (!one.comeIn('root', 22322)) return false;
  return one.run(ALONE, 'make').status === 0 && right(one, ALONE);
}

/** What reset does, in its order. */
function moveBack(one: Door): boolean {
  const opened = one.run(ALONE, 'undo').status === 0;
  one.comeIn('root', 22);
  return opened && one.run(BESIDE, 'undo').status === 0;
}

describe.each(WAYS)('the ssh port of a host where a %s listens', (by) => {
  it('moves, stays moved after a reboot, and goes back', () => {
    const one = at(by);
    expect(move(one)).toBe(true);
    expect([one.listening(), one.isArmed()]).toEqual([[22322], false]);
    // What comes next asks sshd about its files, in the same run and so without a new connection.
    expect(one.has('run/sshd')).toBe(true);
    one.reboot();
    expect([one.listening(), right(one, BESIDE), right(one, ALONE)]).toEqual([[22322], true, true]);
    expect(moveBack(one)).toBe(true);
    expect(one.listening()).toEqual([22]);
    one.reboot();
    expect(one.listening()).toEqual([22]);
    expect(one.has('etc/ssh/sshd_config.d/00-landfall-port.conf')).toBe(false);
    expect(one.has('var/lib/landfall/ssh-ports')).toBe(false);
    for (const id of [BESIDE, ALONE]) expect(one.run(id, 'undo').status).toBe(0);
    expect(one.listening()).toEqual([22]);
  });

  it('never closes the old one when nobody has come in through the new one', () => {
    const one = at(by, [22322]);
    expect(move(one)).toBe(false);
    expect([one.listening(), one.isArmed()]).toEqual([[22, 22322], true]);
    const made = one.run(ALONE, 'make');
    expect([made.status, one.listening()]).toEqual([1, [22, 22322]]);
    expect(made.text).toContain('nobody has just logged in from outside');
    one.timeIsUp();
    expect([one.listening(), one.has('run/landfall-ssh/armed')]).toEqual([[22], false]);
    expect(one.has('etc/ssh/sshd_config.d/00-landfall-port.conf')).toBe(false);
  });

  it('is not closed on the strength of a login through another port', () => {
    const one = at(by);
    expect(one.run(BESIDE, 'make').status).toBe(0);
    expect(one.comeIn('root', 22)).toBe(true);
    const made = one.run(ALONE, 'make');
    expect([made.status, one.listening()]).toEqual([1, [22, 22322]]);
    expect(made.text).toContain('came in through port 22, not 22322');
  });

  it('keeps both when the old one does not answer any more on the way back', () => {
    const one = at(by);
    expect(move(one)).toBe(true);
    expect(one.run(ALONE, 'undo').status).toBe(0);
    expect(one.listening()).toEqual([22, 22322]);
    // Nobody comes in through port 22; the one who looked came in through the new one.
    one.comeIn('root', 22322);
    const undone = one.run(BESIDE, 'undo');
    expect([undone.status, one.listening()]).toEqual([1, [22, 22322]]);
    expect(undone.text).toContain('the new one stays open beside it');
    expect(one.has('var/lib/landfall/ssh-ports')).toBe(true);
  });

  it('refuses a port another program holds', () => {
    const one = at(by);
    one.put('others', '22322 nginx\n');
    const made = one.run(BESIDE, 'make');
    expect([made.status, made.text, one.listening()]).toEqual([1, 'port 22322 is held by nginx', [22]]);
    expect(one.isArmed()).toBe(false);
  });

  it('is put back at once when sshd does not come to listen there', () => {
    const one = at(by);
    // Taken in the moment after it was found free.
    one.put('other-ports', '22322\n');
    const made = one.run(BESIDE, 'make');
    expect([made.status, one.listening(), one.isArmed()]).toEqual([1, [22], false]);
    expect(made.text).toContain('logins are taken on 22, not on 22 22322');
    expect(one.has('etc/ssh/sshd_config.d/00-landfall-port.conf')).toBe(false);
  });

  /** Ends a piece before each program it calls, one after another, and looks what is left; each fifth alone where not all is tried. */
  function cutEverywhere(
    before: (one: Door) => void,
    id: string,
    piece: 'make' | 'undo',
    look: (one: Door, cut: number) => void,
  ): number {
    const one = at(by);
    before(one);
    const back = one.keep();
    for (let cut = THOROUGH || by === 'service' ? 1 : 2; ; cut += THOROUGH ? 1 : 5) {
      const { calls } = one.run(id, piece, cut);
      if (calls < cut) return cut - 1;
      look(one, cut);
      back();
    }
  }

  /** One of the ports cluster.yaml knows is open, now, after the time is up, and after a reboot at once. */
  function letsIn(one: Door, cut: number): void {
    const known = [22, 22322];
    const now = one.listening();
    expect([cut, now.some((port) => known.includes(port))]).toEqual([cut, true]);
    one.timeIsUp();
    expect([cut, one.listening().some((port) => known.includes(port))]).toEqual([cut, true]);
  }

  it(
    'lets in whoever was there before, wherever the opening of the new one is cut short; and the next try ends it',
    () => {
      const cuts = cutEverywhere(
        () => undefined,
        BESIDE,
        'make',
        (one, cut) => {
          expect([cut, one.listening()]).toEqual([cut, expect.arrayContaining([22])]);
          one.timeIsUp();
          expect([cut, one.listening()]).toEqual([cut, expect.arrayContaining([22])]);
          one.reboot();
          expect([cut, one.listening()]).toEqual([cut, expect.arrayContaining([22])]);
          expect([cut, move(one), one.listening()]).toEqual([cut, true, [22322]]);
        },
      );
      expect(cuts).toBeGreaterThan(10);
    },
    LONG,
  );

  it(
    'lets in through one of the two, wherever the closing of the old one is cut short; and the next try ends it',
    () => {
      const begun = (one: Door): void => {
        expect(one.run(BESIDE, 'make').status).toBe(0);
        expect(one.comeIn('root', 22322)).toBe(true);
      };
      const cuts = cutEverywhere(begun, ALONE, 'make', (one, cut) => {
        letsIn(one, cut);
        one.reboot();
        letsIn(one, cut);
        expect([cut, move(one), one.listening(), one.isArmed()]).toEqual([cut, true, [22322], false]);
      });
      expect(cuts).toBeGreaterThan(10);
      // A reboot in the middle, with nobody's timer left, is no worse.
      cutEverywhere(begun, ALONE, 'make', (one, cut) => {
        one.reboot();
        letsIn(one, cut);
        expect([cut, move(one), one.listening(), one.isArmed()]).toEqual([cut, true, [22322], false]);
      });
    },
    LONG,
  );

  it(
    'lets in wherever the way back is cut short; and the next try ends it',
    () => {
      const moved = (one: Door): void => expect(move(one)).toBe(true);
      const cutOpening = cutEverywhere(moved, ALONE, 'undo', (one, cut) => {
        expect([cut, one.listening()]).toEqual([cut, expect.arrayContaining([22322])]);
        one.reboot();
        expect([cut, one.listening()]).toEqual([cut, expect.arrayContaining([22322])]);
        expect([cut, moveBack(one), one.listening()]).toEqual([cut, true, [22]]);
      });
      const opened = (one: Door): void => {
        moved(one);
        expect(one.run(ALONE, 'undo').status).toBe(0);
        expect(one.comeIn('root', 22)).toBe(true);
      };
      const cutClosing = cutEverywhere(opened, BESIDE, 'undo', (one, cut) => {
        // The way back has been tried: cluster.yaml says 22 by now.
        expect([cut, one.listening()]).toEqual([cut, expect.arrayContaining([22])]);
        one.reboot();
        expect([cut, one.listening()]).toEqual([cut, expect.arrayContaining([22])]);
        expect([cut, moveBack(one), one.listening()]).toEqual([cut, true, [22]]);
      });
      expect(Math.min(cutOpening, cutClosing)).toBeGreaterThan(5);
    },
    LONG,
  );
});

test('a port that another file names is not moved, and the file is named', () => {
  const one = at('service');
  one.put('etc/ssh/sshd_config', 'Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n');
  const made = one.run(BESIDE, 'make');
  expect([made.status, one.listening(), one.isArmed()]).toEqual([1, [22], false]);
  expect(made.text).toMatch(/sshd_config:2:Port 22$/);
  const clues = one.step(BESIDE).clues ?? [];
  expect(clues.find(({ match }) => match.test(made.text))?.means).toContain('another file names the ports');
});

test('an sshd whose configuration is broken already is left alone', () => {
  const one = at('service');
  one.put('broken', '');
  const made = one.run(BESIDE, 'make');
  expect([made.status === 0, one.listening(), one.isArmed()]).toEqual([false, [22], false]);
  expect(made.text).toContain('line 7: Bad configuration option');
});

test('an sshd that does not heed its configuration keeps its old port', () => {
  const one = at('service');
  one.put('deaf', '');
  expect(one.run(BESIDE, 'make').status).toBe(1);
  expect([one.listening(), one.isArmed()]).toEqual([[22], false]);
});
