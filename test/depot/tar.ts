/** Something in a tar archive. Owner and group are root's unless said otherwise. */
export interface TarEntry {
  /** Path inside the archive, without a leading slash. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly data?: Buffer;
  /** What a symbolic link points to. */
  readonly target?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Extended attributes, name → value. */
  readonly xattrs?: Readonly<Record<string, Buffer>>;
}

const typeFlag = { file: '0', directory: '5', symlink: '2' } as const;

/**
 * Writes a tar archive in the POSIX pax format, the same bytes for the same entries.
 *
 * @param mtime modification time of every entry, in seconds since 1970
 */
export function tar(entries: readonly TarEntry[], mtime: number): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const path = entry.type === 'directory' ? `${entry.path.replace(/\/$/, '')}/` : entry.path;
    const records = paxRecords(path, entry);
    if (records.length > 0) {
      const data = Buffer.concat(records);
      blocks.push(
        header({ path: 'PaxHeader', mode: 0o644, size: data.length, flag: 'x', mtime }),
        padded(data),
      );
    }
    const data = entry.data ?? Buffer.alloc(0);
    blocks.push(
      header({
        path,
        mode: entry.mode,
        size: data.length,
        flag: typeFlag[entry.type],
        mtime,
        target: entry.target ?? '',
        uid: entry.uid ?? 0,
        gid: entry.gid ?? 0,
      }),
      padded(data),
    );
  }
  blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

interface Header {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly flag: string;
  readonly mtime: number;
  readonly target?: string;
  readonly uid?: number;
  readonly gid?: number;
}

function header(entry: Header): Buffer {
  const block = Buffer.alloc(512);
  const text = (value: string, at: number, length: number): void => {
    Buffer.from(value).copy(block, at, 0, length);
  };
  const number = (value: number, at: number, length: number): void =>
    text(value.toString(8).padStart(length - 1, '0'), at, length - 1);
  text(entry.path, 0, 100);
  number(entry.mode & 0o7777, 100, 8);
  number(entry.uid ?? 0, 108, 8);
  number(entry.gid ?? 0, 116, 8);
  number(entry.size, 124, 12);
  number(entry.mtime, 136, 12);
  text(' '.repeat(8), 148, 8); // the checksum counts itself as spaces
  text(entry.flag, 156, 1);
  text(entry.target ?? '', 157, 100);
  text('ustar\0', 257, 6);
  text('00', 263, 2);
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return block;
}

/** Gives the pax records for what the plain header cannot hold. */
function paxRecords(path: string, entry: TarEntry): readonly Buffer[] {
  const records: Buffer[] = [];
  if (Buffer.byteLength(path) > 100) records.push(paxRecord('path', Buffer.from(path)));
  if (entry.target !== undefined && Buffer.byteLength(entry.target) > 100)
    records.push(paxRecord('linkpath', Buffer.from(entry.target)));
  for (const [name, value] of Object.entries(entry.xattrs ?? {}))
    records.push(paxRecord(`SCHILY.xattr.${name}`, value));
  return records;
}

/** A record is led by its own length in decimal, which counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function padded(data: Buffer): Buffer {
  const over = data.length % 512;
  return over === 0 ? data : Buffer.concat([data, Buffer.alloc(512 - over)]);
}

/**
 * The extended attribute that lets a program that does not run as root listen on ports below 1024, as
 * `setcap cap_net_bind_service=+ep` writes it (linux/capability.h, struct vfs_cap_data, revision 2).
 */
export const netBindService: Readonly<Record<string, Buffer>> = (() => {
  const value = Buffer.alloc(20);
  value.writeUInt32LE(0x02000001, 0);
  value.writeUInt32LE(1 << 10, 4);
  return { 'security.capability': value };
})();
