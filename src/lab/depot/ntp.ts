/** Seconds from 1900, where NTP's time begins, to 1970, where Unix's does (RFC 5905, section 6). */
const NTP_EPOCH = 2_208_988_800;

/** Writes a time (milliseconds since 1970) as NTP does: 32 bits of seconds, 32 bits of their fraction. */
function writeTime(packet: Buffer, offset: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  packet.writeUInt32BE((seconds + NTP_EPOCH) % 2 ** 32, offset);
  packet.writeUInt32BE(Math.floor(((ms - seconds * 1000) / 1000) * 2 ** 32) % 2 ** 32, offset + 4);
}

/**
 * The answer of a time server of stratum 3 to a client's packet (RFC 5905, section 7.3). Undefined for what is no
 * client's question. `received` and `now` are milliseconds since 1970.
 */
export function ntpAnswer(question: Buffer, received: number, now: number): Buffer | undefined {
  if (question.length < 48) return undefined;
  const version = ((question[0] ?? 0) >> 3) & 7;
  if (((question[0] ?? 0) & 7) !== 3 || version < 3 || version > 4) return undefined;
  const answer = Buffer.alloc(48);
  answer[0] = (version << 3) | 4;
  answer[1] = 3;
  answer[2] = question[2] ?? 6;
  answer.writeInt8(-20, 3);
  // Root delay none; root dispersion 1 ms, in 1/65536 s; reference 127.127.1.0, the machine's own clock.
  answer.writeUInt32BE(66, 8);
  answer.set([127, 127, 1, 0], 12);
  writeTime(answer, 16, received);
  question.copy(answer, 24, 40, 48);
  writeTime(answer, 32, received);
  writeTime(answer, 40, now);
  return answer;
}
