import { describe, expect, it } from 'vitest';
import { ntpAnswer } from './ntp.ts';

const question = Buffer.alloc(48);
question[0] = (4 << 3) | 3;
question.writeUInt32BE(0x11223344, 40);

describe('ntpAnswer', () => {
  it('answers as a server of stratum 3, with its own time and the time that was asked', () => {
    const answer = ntpAnswer(question, 1_000, 1_500) ?? Buffer.alloc(48);
    expect([(answer[0] ?? 0) & 7, (answer[0] ?? 0) >> 3, answer[1]]).toEqual([4, 4, 3]);
    expect(answer.readUInt32BE(24)).toBe(0x11223344);
    expect(answer.readUInt32BE(32)).toBe(2_208_988_801);
    expect(answer.readUInt32BE(40)).toBe(2_208_988_801);
    expect(answer.readUInt32BE(44)).toBe(2 ** 31);
  });
  it('is silent to what is no question', () => {
    expect(ntpAnswer(Buffer.alloc(12), 0, 0)).toBeUndefined();
    expect(ntpAnswer(Buffer.alloc(48), 0, 0)).toBeUndefined();
    expect(ntpAnswer(ntpAnswer(question, 0, 0) ?? question, 0, 0)).toBeUndefined();
  });
});
