/** Writes a cpio archive in the `newc` format, which Linux takes as an initial root (initramfs buffer format). */

/** Something in the archive. */
export interface CpioEntry {
  readonly path: string;
  /** Type and permissions, as in 0o100755. */
  readonly mode: number;
  readonly bytes?: Uint8Array;
}

const TRAILER = "TRAILER!!!";

/** The archive of `entries`, which name each folder before what is in it. */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const pieces = [...entries, { path: TRAILER, mode: 0 }].flatMap((entry, index) => {
    const bytes = "bytes" in entry ? entry.bytes : undefined;
    const lengthBytes = bytes?.length ?? 0;
    const name = Buffer.from(`${entry.path}\0`);
    // inode, mode, uid, gid, links, time, length, four device numbers, length of the name, no checksum
    const fields = [index + 1, entry.mode, 0, 0, 1, 0, lengthBytes, 0, 0, 0, 0, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    return [padded(Buffer.concat([Buffer.from(header), name])), padded(Buffer.from(bytes ?? []))];
  });
  return Buffer.concat(pieces);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
