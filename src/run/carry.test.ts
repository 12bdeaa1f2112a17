import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../model/problem.ts';
import type { ScriptRecord } from '../shell/parse.ts';
import { Disconnected, type Host } from '../ssh/host.ts';
import { carry, type Errand, followAdrift } from './carry.ts';

const R = '\u001e';
/** What a detached script has printed: output and records, also both on one line. */
const EVENTS = [
  `${R}landfall 1 3`,
  `${R}1 right`,
  `${R}2 differs`,
  'some output',
  `no newline at its end${R}2 made`,
  '',
  `${R}3 wrong`,
  `${R}end`,
];

interface Fake extends Host {
  readonly scripts: readonly string[];
}

/** What becomes of one session: cut after so many characters of its stream, or refused before it began. */
type Fate = number | Problem | undefined;

const unreachable = new Problem({ code: 'ssh/unreachable', summary: 'no answer', exit: 4 });

/** A host with such a script on it, whose sessions meet these fates one after another, and then the last one. */
function host(fates: readonly Fate[], last: Fate = undefined, isThere = false): Fake {
  const scripts: string[] = [];
  let hasArrived = isThere;
  return {
    name: 'cp-0',
    address: '192.0.2.1',
    trips: () => scripts.length,
    close: () => Promise.resolve(),
    scripts,
    run: (script, options) => {
      const fate = scripts.length < fates.length ? fates[scripts.length] : last;
      scripts.push(script);
      if (fate instanceof Problem) return Promise.reject(fate);
      hasArrived ||= script.includes('systemd-run') && fate !== 0;
      const from = Number(/tail -n \+(\d+)/.exec(script)?.[1] ?? 1);
      const said = hasArrived ? [`${R}following`, ...EVENTS.slice(from - 1), `${R}over`] : [`${R}gone`];
      const stream = [`${R}landfall 1 0`, ...said, ''].join('\n');
      if (fate === undefined || fate >= stream.length) {
        options?.onData?.(stream);
        return Promise.resolve({ status: 0, stdout: '', stderr: '' });
      }
      options?.onData?.(stream.slice(0, fate));
      return Promise.reject(new Disconnected('cp-0', 'broken pipe'));
    },
  };
}

function errand(on: Host, more: Partial<Errand> = {}) {
  const told: string[] = [];
  const notices: string[] = [];
  const soon = new AbortController();
  const now = new AbortController();
  const made: Errand = {
    host: on,
    keep: () => Promise.resolve(),
    run: 'r1',
    command: 'apply',
    phase: 'one',
    script: () => 'true',
    detached: true,
    onRecord: (r: ScriptRecord) => told.push('step' in r ? `${r.step} ${r.is}` : r.is),
    onOutput: (line) => told.push(`: ${line}`),
    onNotice: (code) => notices.push(code),
    stop: { soon: soon.signal, now: now.signal },
    patience: 5,
    ...more,
  };
  return { made, told, notices, soon, now };
}

const WHOLE = [
  'begin',
  '1 right',
  '2 differs',
  ': some output',
  ': no newline at its end',
  '2 made',
  ': ',
  '3 wrong',
  'end',
];

const patient = async <T>(work: Promise<T>): Promise<unknown> => work.catch((error: unknown) => error);

describe('carry', () => {
  it('tells every line once and in order, wherever connections break', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 130 }), { maxLength: 3 }), async (cuts) => {
        const { made, told, notices } = errand(host(cuts));
        expect(await carry(made)).toBe('one');
        expect(told).toEqual(WHOLE);
        expect(notices.filter((n) => n === 'run/lost').length).toBeLessThanOrEqual(cuts.length);
      }),
      { numRuns: 25 },
    );
  });

  it('says that a host was lost, and when it answers again, before its work is over', async () => {
    const events: string[] = [];
    const { made } = errand(host([60, unreachable]), {
      onNotice: (code) => events.push(code),
      onRecord: (r) => events.push(r.is),
    });
    await carry(made);
    expect(events.slice(events.indexOf('run/lost')).slice(0, 3)).toEqual([
      'run/lost',
      'run/found',
      expect.any(String),
    ]);
    expect(events.at(-1)).toBe('end');
  });

  it('waits for a host that cannot be reached when a phase begins', async () => {
    const { made, told } = errand(host([unreachable, unreachable]));
    expect(await carry(made)).toBe('one');
    expect(told).toEqual(WHOLE);
  });

  it('gives up after its patience, and says that the work goes on and how to follow it', async () => {
    const { made } = errand(host([60], unreachable), { patience: 0.5 });
    const problem = (await patient(carry(made))) as Problem;
    expect(problem).toMatchObject({ code: 'run/away', exit: 4, host: 'cp-0', saw: 'no answer' });
    expect(problem.summary).toContain('the work begun there goes on without us');
    expect(problem.try).toContain('landfall apply follows that work to its end');
  });

  it('does not wait when the host answers and does not let us in', async () => {
    const changed = new Problem({
      code: 'ssh/host-key-changed',
      summary: 'another key',
      try: 'look',
      exit: 4,
    });
    const { made } = errand(host([60, changed]), { patience: 600 });
    const problem = (await patient(carry(made))) as Problem;
    expect(problem).toMatchObject({ code: 'run/away', saw: 'another key' });
    expect(problem.try).toMatch(/^look; then landfall apply/);
  });

  it('follows a host through a reboot that its own script asked for, and begins the phase once more', async () => {
    const going = (lines: readonly string[]) => [`${R}landfall 1 0`, ...lines, `${R}leaving`, ''].join('\n');
    const sessions: readonly (string | Problem)[] = [
      going([`${R}following`, `${R}landfall 1 3`, `${R}1 right`, `${R}2 differs`]),
      // Still on its way down it is asked twice more: nothing may be begun there any more.
      going([]),
      unreachable,
      [`${R}landfall 1 0`, `${R}gone`, ''].join('\n'),
      [`${R}landfall 1 0`, `${R}following`, `${R}1 right`, `${R}end`, `${R}over`, ''].join('\n'),
    ];
    const scripts: string[] = [];
    const on: Host = {
      ...host([]),
      run: (script, options) => {
        const said = sessions[scripts.length] ?? unreachable;
        scripts.push(script);
        if (said instanceof Problem) return Promise.reject(said);
        options?.onData?.(said);
        return Promise.resolve({ status: 0, stdout: '', stderr: '' });
      },
    };
    const { made, told, notices } = errand(on);
    expect(await carry(made)).toBe('one-2');
    expect(scripts.map((script) => script.includes('systemd-run'))).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect(told).toEqual(['begin', '1 right', '2 differs', '1 right', 'end']);
    expect(notices).toEqual(['run/lost', 'run/found', 'run/again']);
  });

  it('ends when somebody else has taken the host meanwhile', async () => {
    const held = new Problem({ code: 'run/held', summary: 'held', exit: 5 });
    let kept = 0;
    const { made } = errand(host([60]), {
      keep: () => ((kept += 1) > 1 ? Promise.reject(held) : Promise.resolve()),
    });
    expect(await patient(carry(made))).toBe(held);
  });

  it('brings a wish to stop along to a host that was lost when it was uttered', async () => {
    const on = host([60, unreachable, unreachable]);
    const { made, soon } = errand(on, {
      onNotice: (code) => {
        if (code === 'run/lost') soon.abort(130);
      },
    });
    await carry(made);
    expect(on.scripts.at(-1)).toMatch(/\/stop .*[\s\S]*tail -n \+/);
  });

  it('has a script that has not arrived yet end before its first step, too, when it is to stop at once', async () => {
    const on = host([]);
    const { made, now } = errand(on, {
      keep: () => {
        now.abort(143);
        return Promise.resolve();
      },
    });
    await carry(made);
    const wish = on.scripts.find((script) => script.includes('systemctl kill'));
    expect(wish).toMatch(
      /\/one\/stop .*\n.*systemctl kill --kill-whom=all --signal=TERM landfall-r1-one\.service/,
    );
  });

  it('does not look for a lost host any longer when it is to stop at once', async () => {
    const { made, now } = errand(host([60], unreachable), {
      patience: 600,
      onNotice: () => now.abort(130),
    });
    expect(await carry(made)).toBe('one');
  });
});

describe('following what goes on without its operator', () => {
  it('ends with that work, and at the wish to stop without stopping it', async () => {
    const done = errand(host([70], undefined, true));
    await followAdrift(done.made);
    expect(done.told).toEqual(WHOLE);
    const on = host([], 60, true);
    const stopped = errand(on);
    stopped.soon.abort(130);
    await followAdrift(stopped.made);
    expect(on.scripts.join('\n')).not.toContain('/stop');
  });
});
