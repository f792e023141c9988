/**
 * Serves a disk to qemu over a Unix socket, in as much of the NBD protocol as qemu speaks to it: fixed newstyle handshake,
 * one export, read, write, flush, force unit access. Numbers are those of NBD's protocol description (doc/proto.md).
 */
import { type Socket, createServer } from "node:net";
import type { VolatileDisk } from "./volatile-disk.ts";

const GREETING = Buffer.concat([Buffer.from("NBDMAGICIHAVEOPT"), Buffer.from([0, 3])]);
const OPTION_MAGIC_BYTES = 8;
const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
const OPTION = { EXPORT_NAME: 1, ABORT: 2, INFO: 6, GO: 7 } as const;
const REPLY = { ACK: 1, INFO: 3, UNSUPPORTED: 0x8000_0001 } as const;
/** Flags are given; FLUSH and FUA are understood. */
const EXPORT_FLAGS = 1 | 4 | 8;
const REQUEST_MAGIC = 0x25609513;
const REQUEST_BYTES = 28;
const SIMPLE_REPLY_MAGIC = 0x67446698;
const COMMAND = { READ: 0, WRITE: 1, DISCONNECT: 2, FLUSH: 3 } as const;
const FLAG_FUA = 1;
const ERROR_INVALID = 22;
const ERROR_IO = 5;

/** A disk that is served. */
export interface ServedDisk {
  /** Resolves once everything a machine asked for before it was killed has been seen to. */
  readonly idle: () => Promise<void>;
  readonly close: () => void;
}

/** Serves `disk` at the socket `path`, to one machine after the other. */
export function serveDisk(disk: VolatileDisk, path: string): Promise<ServedDisk> {
  const served = new Set<Promise<void>>();
  const server = createServer((socket) => {
    // A machine that is killed takes its connection with it.
    socket.on("error", () => socket.destroy());
    const one = serve(socket, disk)
      .catch((error: unknown) => void socket.destroy(error instanceof Error ? error : undefined))
      .finally(() => served.delete(one));
    served.add(one);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const idle = async (): Promise<void> => void (await Promise.all(served));
    server.listen(path, () => resolve({ idle, close: () => void server.close() }));
  });
}

async function serve(socket: Socket, disk: VolatileDisk): Promise<void> {
  const take = reader(socket);
  socket.write(GREETING);
  if ((await take(4)) === undefined) return;
  if (!(await negotiate(socket, disk, take))) return;
  for (;;) {
    const header = await take(REQUEST_BYTES);
    if (header === undefined || header.readUInt32BE(0) !== REQUEST_MAGIC) return socket.destroy() && undefined;
    const [flags, command] = [header.readUInt16BE(4), header.readUInt16BE(6)];
    const [handle, offset] = [header.subarray(8, 16), Number(header.readBigUInt64BE(16))];
    const lengthBytes = header.readUInt32BE(24);
    const answer = (error: number, bytes?: Uint8Array): void => {
      const reply = Buffer.alloc(16);
      reply.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
      reply.writeUInt32BE(error, 4);
      handle.copy(reply, 8);
      socket.write(bytes === undefined ? reply : Buffer.concat([reply, bytes]));
    };
    const fail = (): void => answer(ERROR_IO);
    if (command === COMMAND.DISCONNECT) return;
    if (command === COMMAND.READ) {
      disk.read(offset, lengthBytes).then((bytes) => answer(0, bytes), fail);
    } else if (command === COMMAND.WRITE) {
      const bytes = await take(lengthBytes);
      if (bytes === undefined) return;
      disk.write(offset, bytes, (flags & FLAG_FUA) !== 0).then(() => answer(0), fail);
    } else if (command === COMMAND.FLUSH) {
      disk.flush().then(() => answer(0), fail);
    } else {
      answer(ERROR_INVALID);
    }
  }
}

type Take = (lengthBytes: number) => Promise<Buffer | undefined>;

/** Whether the client went on to use the disk. */
async function negotiate(socket: Socket, disk: VolatileDisk, take: Take): Promise<boolean> {
  const size = Buffer.alloc(10);
  size.writeBigUInt64BE(BigInt(disk.lengthBytes), 0);
  size.writeUInt16BE(EXPORT_FLAGS, 8);
  for (;;) {
    const header = await take(OPTION_MAGIC_BYTES + 8);
    if (header === undefined) return false;
    const option = header.readUInt32BE(8);
    if ((await take(header.readUInt32BE(12))) === undefined) return false;
    const reply = (kind: number, bytes: Uint8Array = Buffer.alloc(0)): void => {
      const head = Buffer.alloc(20);
      head.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
      head.writeUInt32BE(option, 8);
      head.writeUInt32BE(kind, 12);
      head.writeUInt32BE(bytes.length, 16);
      socket.write(Buffer.concat([head, bytes]));
    };
    if (option === OPTION.GO || option === OPTION.INFO) {
      reply(REPLY.INFO, Buffer.concat([Buffer.from([0, 0]), size]));
      reply(REPLY.ACK);
      if (option === OPTION.GO) return true;
    } else if (option === OPTION.EXPORT_NAME) {
      socket.write(size);
      return true;
    } else if (option === OPTION.ABORT) {
      reply(REPLY.ACK);
      return false;
    } else {
      reply(REPLY.UNSUPPORTED);
    }
  }
}

/** Takes so many bytes from the socket, in turn; undefined once it has ended. */
function reader(socket: Socket): Take {
  const pieces: Buffer[] = [];
  const held = { bytes: 0, ended: false };
  let wake: (() => void) | undefined;
  socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    held.bytes += piece.length;
    wake?.();
  });
  socket.on("close", () => {
    held.ended = true;
    wake?.();
  });
  return async (lengthBytes) => {
    while (held.bytes < lengthBytes) {
      if (held.ended) return undefined;
      await new Promise<void>((resolve) => (wake = resolve));
    }
    const all = Buffer.concat(pieces.splice(0));
    held.bytes = all.length - lengthBytes;
    if (held.bytes > 0) pieces.push(all.subarray(lengthBytes));
    return Buffer.from(all.subarray(0, lengthBytes));
  };
}
