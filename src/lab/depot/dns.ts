/** The record types and response codes that matter here (RFC 1035, sections 3.2.2 and 4.1.1). */
const TYPE_A = 1;
const CLASS_IN = 1;
const NXDOMAIN = 3;
const NOT_IMPLEMENTED = 4;

/** The question's name in lower case and the offset behind it; undefined when it is cut short or compressed. */
function readName(
  packet: Buffer,
  start: number,
): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  for (let at = start; ; ) {
    const length = packet[at];
    if (length === undefined || length > 63) return undefined;
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: at + 1 };
    if (at + 1 + length > packet.length) return undefined;
    labels.push(packet.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
}

/**
 * The answer of a name server that knows these names, by IPv4 address, and nothing else: everything else does not exist,
 * which is said at once. Without it a lab host's resolver would wait five seconds for every name nobody knows.
 * Undefined for what is no query (RFC 1035, section 4.1).
 */
export function dnsAnswer(query: Buffer, names: ReadonlyMap<string, string>): Buffer | undefined {
  if (query.length < 17 || query.readUInt16BE(4) !== 1 || ((query[2] ?? 0) & 0x80) !== 0) return undefined;
  const asked = readName(query, 12);
  if (asked === undefined || asked.end + 4 > query.length) return undefined;
  const question = query.subarray(12, asked.end + 4);
  const opcode = ((query[2] ?? 0) >> 3) & 15;
  const address = names.get(asked.name);
  const isAddress =
    query.readUInt16BE(asked.end) === TYPE_A && query.readUInt16BE(asked.end + 2) === CLASS_IN;
  const records = address !== undefined && isAddress && opcode === 0 ? [addressRecord(address)] : [];
  const code = opcode !== 0 ? NOT_IMPLEMENTED : address === undefined ? NXDOMAIN : 0;
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  // A response, authoritative, with the question's opcode and its wish for recursion, which is available.
  head[2] = 0x84 | (opcode << 3) | ((query[2] ?? 0) & 1);
  head[3] = 0x80 | code;
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question, ...records]);
}

/** An address record for the name the question holds (a pointer to offset 12), for a minute. */
function addressRecord(address: string): Buffer {
  const fixed = Buffer.from([0xc0, 12, 0, TYPE_A, 0, CLASS_IN, 0, 0, 0, 60, 0, 4]);
  return Buffer.concat([fixed, Buffer.from(address.split('.').map(Number))]);
}
