import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dnsAnswer } from './dns.ts';

const names = new Map([['pkgs.k8s.io', '10.77.0.3']]);

describe('dnsAnswer', () => {
  it('is understood by a real resolver: a known name, a known name without such a record, an unknown one', async () => {
    const socket = createSocket('udp4');
    socket.on('message', (query, peer) => {
      const answer = dnsAnswer(query, names);
      if (answer !== undefined) socket.send(answer, peer.port, peer.address);
    });
    await new Promise<void>((ready) => void socket.bind(0, '127.0.0.1', ready));
    try {
      const resolver = new Resolver({ timeout: 2_000, tries: 1 });
      resolver.setServers([`127.0.0.1:${socket.address().port}`]);
      expect(await resolver.resolve4('PKGS.k8s.io')).toEqual(['10.77.0.3']);
      await expect(resolver.resolve6('pkgs.k8s.io')).rejects.toMatchObject({ code: 'ENODATA' });
      await expect(resolver.resolve4('nobody.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    } finally {
      socket.close();
    }
  });

  it('never throws, whatever arrives, and never answers an answer', () => {
    const silentToAnswers = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const answer = dnsAnswer(Buffer.from(bytes), names);
      return answer === undefined || dnsAnswer(answer, names) === undefined;
    });
    expect(fc.check(silentToAnswers, { numRuns: 2_000 }).failed).toBe(false);
  });
});
