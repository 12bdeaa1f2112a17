import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshRoot } from '../../test/steps/root.ts';
import { HARBOUR, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';

const { path: root, bin, put } = freshRoot('#!/bin/sh\n');
const time = (more: Partial<typeof HARBOUR.host.time>) =>
  scene({ ...HARBOUR, host: { ...HARBOUR.host, time: { ...HARBOUR.host.time, ...more } } });

/** A chronyc that says this of itself and of its sources. */
function chronyc(tracking: string, sources: string, status = 0): void {
  put(
    'bin/chronyc',
    `#!/bin/sh\ncase "$*" in *tracking) echo '${tracking}'; exit ${status} ;; *sources) printf '%s\\n' '${sources}' ;; burst*) echo "$*" >>'${join(root(), 'burst')}' ;; esac\n`,
    0o755,
  );
}

describe('the clock', () => {
  const GOOD = '^,*,192.0.2.1,2,6,377,12,0.000012,0.000010,0.000200';
  const tracking = (offset: string, leap = 'Normal'): string =>
    `C0000201,192.0.2.1,3,1763900000.1,${offset},-0.000002,0.0001,-1.2,0.001,0.01,0.004,0.001,64.2,${leap}`;

  it.each([
    ['right', tracking('-0.000012345'), GOOD, 'leap: Normal\noffset: within 100 ms\nsource: selected'],
    ['far ahead', tracking('0.25'), GOOD, 'leap: Normal\noffset: 0.25 s\nsource: selected'],
    ['far behind', tracking('-600.1'), GOOD, 'leap: Normal\noffset: -600.1 s\nsource: selected'],
    [
      'kept by nobody',
      '00000000,,0,0.0,0.000000000,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised',
      '^,?,192.0.2.1,0,6,0,4294967295,0.0,0.0,0.0',
      'leap: Not synchronised\noffset: within 100 ms\nsource: none selected',
    ],
  ])('is judged: %s', (_, said, sources, reading) => {
    chronyc(said, sources);
    const one = step('time/synchronised');
    expect(read(one, bin())).toBe(reading);
    expect(reading === one.want).toBe(said.includes('-0.000012345'));
  });

  it.each([
    ['none has ever answered', '^,?,192.0.2.1,0,6,0,4294967295,0.0,0.0,0.0', true],
    ['the last answer is two minutes ago', '^,?,192.0.2.1,3,7,201,117,0.001,0.001,0.01', true],
    ['answers are coming in', '^,?,192.0.2.1,3,6,3,1,0.001,0.001,0.01', false],
    ['one is followed', GOOD, false],
    ['chrony cannot be asked', '506 Cannot talk to daemon', false],
  ])('has the servers asked again rather than waiting for minutes, where %s', (_, sources, isAsked) => {
    chronyc(tracking('0.0', 'Not synchronised'), sources);
    read(step('time/synchronised'), bin());
    expect(existsSync(join(root(), 'burst'))).toBe(isAsked);
  });

  it('has a bound of one’s own', () => {
    chronyc(tracking('0.25'), GOOD);
    const one = step('time/synchronised', time({ maxOffset: 500 }));
    expect(read(one, bin())).toBe(one.want);
    expect(one.want).toContain('within 500 ms');
  });

  it('is not judged by a program that does not answer', () => {
    chronyc('506 Cannot talk to daemon', '', 1);
    expect(read(step('time/synchronised'), bin())).toBe('chrony does not answer: 506 Cannot talk to daemon');
  });

  it('is judged by whichever program keeps it, where that is left to the host', () => {
    const one = step('time/synchronised', time({ service: 'keep' }));
    chronyc('506 Cannot talk to daemon', '', 1);
    put('bin/timedatectl', '#!/bin/sh\necho no\n', 0o755);
    expect(read(one, bin())).toBe('not synchronised');
    put('bin/timedatectl', '#!/bin/sh\necho yes\n', 0o755);
    expect(read(one, bin())).toBe(one.want);
    put('bin/timedatectl', '#!/bin/sh\necho no\n', 0o755);
    chronyc(tracking('0.1'), GOOD);
    expect(read(one, bin())).toBe(one.want);
  });
});

describe('the time servers', () => {
  const CONF = '# mine\npool 2.debian.pool.ntp.org iburst\nmakestep 1 3\n';
  const named = time({ servers: ['ntp.example.net', '10.0.0.1'] });

  it('are those of cluster.yaml alone, and the others come back to the letter', () => {
    const conf = put('etc/chrony/chrony.conf', CONF);
    const more = put('etc/chrony/sources.d/ubuntu.sources', 'pool ntp.ubuntu.com iburst\n');
    const one = inRoot(root(), step('time/sources', named));
    expect(read(one)).toBe('pool 2.debian.pool.ntp.org\npool ntp.ubuntu.com');
    for (let i = 0; i < 2; i++) expect(runPiece(one, 'make', bin()).status).toBe(0);
    expect(read(one)).toBe('pool ntp.example.net\nserver 10.0.0.1');
    expect(read(one)).toBe(one.want);
    expect(readFileSync(conf, 'utf8')).toBe(CONF.replace('pool', '#landfall# pool'));
    const left = inRoot(root(), step('time/sources'));
    expect(read(left)).toBe('changed by Landfall');
    for (let i = 0; i < 2; i++) expect(runPiece(left, 'make', bin()).status).toBe(0);
    expect(read(left)).toBe('as the host has it');
    expect(readFileSync(conf, 'utf8')).toBe(CONF);
    expect(readFileSync(more, 'utf8')).toBe('pool ntp.ubuntu.com iburst\n');
  });
});

describe('the program that keeps the clock', () => {
  it('is chrony and no other', () => {
    const says = (text: string) => put('bin/dpkg-query', `#!/bin/sh\nprintf '${text}'\n`, 0o755);
    says('chrony installed\\nsystemd-timesyncd config-files\\n');
    expect(read(step('time/installed'), bin())).toBe('chrony');
    says('chrony config-files\\nsystemd-timesyncd installed\\n');
    expect(read(step('time/installed'), bin())).toBe('systemd-timesyncd');
    says('');
    expect(read(step('time/installed'), bin())).toBe('none');
  });
});
