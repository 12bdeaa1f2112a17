import { describe, expect, it } from 'vitest';
import { aptOptions, imageSources, parseTargets } from './sources.ts';

const debian = `http://mirror.example/debian/ bookworm Debian main
http://mirror.example/debian/ bookworm-updates Debian main
http://mirror.example/debian/ bookworm Debian contrib
http://mirror.example/debian-security/ bookworm-security Debian main
https://other.example/node nodistro Other main
`;

describe('imageSources', () => {
  it("takes the machine's own Debian sources, wherever they lead", () => {
    expect(imageSources(parseTargets(debian), 'bookworm')).toEqual([
      'deb http://mirror.example/debian bookworm main',
      'deb http://mirror.example/debian bookworm-updates main',
      'deb http://mirror.example/debian-security bookworm-security main',
    ]);
  });
  it('asks them for another release', () => {
    expect(imageSources(parseTargets(debian), 'trixie')[2]).toBe(
      'deb http://mirror.example/debian-security trixie-security main',
    );
  });
  it('falls back on upstream on a machine that is not Debian', () => {
    const ubuntu = 'http://archive.example/ubuntu/ noble Ubuntu main\n';
    expect(imageSources(parseTargets(ubuntu), 'bookworm')).toEqual([
      'deb http://deb.debian.org/debian bookworm main',
    ]);
  });
});

describe('aptOptions', () => {
  it('takes proxies and checks of dates, and nothing else', () => {
    const dump = `Acquire "";
Acquire::cdrom "";
Acquire::http::Proxy "http://proxy.example:3142";
Acquire::https::Proxy "";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
`;
    expect(aptOptions(dump)).toEqual([
      'Acquire::http::Proxy "http://proxy.example:3142";',
      'Acquire::Check-Valid-Until "false";',
    ]);
  });
});
