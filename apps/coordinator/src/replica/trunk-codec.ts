/**
 * The trunk's messages, written and read field by field: as `moult/replica/v1/trunk_service.proto` says, and as the generated code
 * would, at a fraction of what that costs. Every handed-on call passes here four times.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** What came at the same time, as the seat reads it. */
export interface Handed {
  readonly calls: readonly CallFrame[];
  readonly parts: readonly PartFrame[];
}

/** What was ready at the same time, as the edge reads it. */
export interface Answered {
  readonly answers: readonly AnswerFrame[];
  readonly parts: readonly PartFrame[];
}

/** HandedCall. */
export interface CallFrame {
  readonly id: number;
  readonly path: string;
  readonly method: number;
  readonly callerNumber: number;
  readonly caller: CallerFrame | undefined;
  readonly request: Uint8Array;
}

/** HandedCaller. */
export interface CallerFrame {
  readonly authorization: string;
  readonly peer: string;
  readonly certificate: Uint8Array | undefined;
}

/** StreamPart. */
export interface PartFrame {
  readonly id: number;
  readonly message?: Uint8Array | undefined;
  readonly taken?: number;
  readonly ended?: boolean;
  readonly cancelled?: boolean;
}

/** HandedAnswer. */
export interface AnswerFrame {
  readonly id: number;
  readonly code: number;
  readonly body: Uint8Array;
  readonly message: string;
}

const NOTHING = new Uint8Array();
/** Above what the fields of a frame take beside bytes and strings. */
const FRAME_BYTES = 64;

/** Writes messages, one after another. Knows roughly how long the one that is being written is. */
export class TrunkWriter {
  readonly #writer = new BinaryWriter();
  #bytes = 0;

  /** Of the message that is being written; never less than its length where text is ASCII. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The message; begins the next. */
  finish(): Uint8Array {
    this.#bytes = 0;
    return this.#writer.finish();
  }

  call({ id, path, method, callerNumber, caller, request }: CallFrame): void {
    const writer = this.#begin(1, request.length + path.length);
    writer.tag(1, WireType.Varint).uint32(id);
    if (path !== "") writer.tag(2, WireType.LengthDelimited).string(path);
    if (method !== 0) writer.tag(3, WireType.Varint).uint32(method);
    if (callerNumber !== 0) writer.tag(4, WireType.Varint).uint32(callerNumber);
    if (caller !== undefined) this.#caller(caller);
    if (request.length > 0) writer.tag(6, WireType.LengthDelimited).bytes(request);
    writer.join();
  }

  part({ id, message, taken = 0, ended = false, cancelled = false }: PartFrame): void {
    const writer = this.#begin(2, message?.length ?? 0);
    writer.tag(1, WireType.Varint).uint32(id);
    if (message !== undefined) writer.tag(2, WireType.LengthDelimited).bytes(message);
    if (taken !== 0) writer.tag(3, WireType.Varint).uint32(taken);
    if (ended) writer.tag(4, WireType.Varint).bool(true);
    if (cancelled) writer.tag(5, WireType.Varint).bool(true);
    writer.join();
  }

  answer({ id, code, body, message }: AnswerFrame): void {
    const writer = this.#begin(1, body.length + message.length);
    writer.tag(1, WireType.Varint).uint32(id);
    if (code !== 0) writer.tag(2, WireType.Varint).uint32(code);
    if (body.length > 0) writer.tag(3, WireType.LengthDelimited).bytes(body);
    if (message !== "") writer.tag(4, WireType.LengthDelimited).string(message);
    writer.join();
  }

  #caller({ authorization, peer, certificate }: CallerFrame): void {
    this.#bytes += authorization.length + peer.length + (certificate?.length ?? 0);
    const writer = this.#writer.tag(5, WireType.LengthDelimited).fork();
    if (authorization !== "") writer.tag(1, WireType.LengthDelimited).string(authorization);
    if (peer !== "") writer.tag(2, WireType.LengthDelimited).string(peer);
    if (certificate !== undefined) writer.tag(3, WireType.LengthDelimited).bytes(certificate);
    writer.join();
  }

  #begin(field: number, bytes: number): BinaryWriter {
    this.#bytes += FRAME_BYTES + bytes;
    return this.#writer.tag(field, WireType.LengthDelimited).fork();
  }
}

/** Reads a HandRequest. Throws where the bytes are none. */
export function readHanded(bytes: Uint8Array): Handed {
  const calls: CallFrame[] = [];
  const parts: PartFrame[] = [];
  const reader = new BinaryReader(bytes);
  each(reader, bytes.length, (field, length) => {
    if (field === 1) calls.push(readCall(reader, length()));
    else if (field === 2) parts.push(readPart(reader, length()));
    else return false;
    return true;
  });
  return { calls, parts };
}

/** Reads a HandResponse. Throws where the bytes are none. */
export function readAnswered(bytes: Uint8Array): Answered {
  const answers: AnswerFrame[] = [];
  const parts: PartFrame[] = [];
  const reader = new BinaryReader(bytes);
  each(reader, bytes.length, (field, length) => {
    if (field === 1) answers.push(readAnswer(reader, length()));
    else if (field === 2) parts.push(readPart(reader, length()));
    else return false;
    return true;
  });
  return { answers, parts };
}

/**
 * Gives each field up to `end` to `take`, which reads it and answers true, or answers false for one that it does not know: that is
 * skipped. `length` begins a field that is a message, and answers where it ends.
 */
function each(reader: BinaryReader, end: number, take: (field: number, length: () => number) => boolean): void {
  if (end > reader.len) throw new RangeError("the message ends beyond the bytes");
  const length = (): number => reader.uint32() + reader.pos;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (!take(field, length)) reader.skip(type, field);
  }
  if (reader.pos !== end) throw new RangeError("a field ends beyond its message");
}

function readCall(reader: BinaryReader, end: number): CallFrame {
  let [id, method, callerNumber, path] = [0, 0, 0, ""];
  let caller: CallerFrame | undefined;
  let request: Uint8Array = NOTHING;
  each(reader, end, (field, length) => {
    switch (field) {
      case 1:
        id = reader.uint32();
        return true;
      case 2:
        path = reader.string();
        return true;
      case 3:
        method = reader.uint32();
        return true;
      case 4:
        callerNumber = reader.uint32();
        return true;
      case 5:
        caller = readCaller(reader, length());
        return true;
      case 6:
        request = reader.bytes();
        return true;
      default:
        return false;
    }
  });
  return { id, path, method, callerNumber, caller, request };
}

function readCaller(reader: BinaryReader, end: number): CallerFrame {
  let [authorization, peer] = ["", ""];
  let certificate: Uint8Array | undefined;
  each(reader, end, (field) => {
    switch (field) {
      case 1:
        authorization = reader.string();
        return true;
      case 2:
        peer = reader.string();
        return true;
      case 3:
        // Kept for long: not with all that came beside it.
        certificate = reader.bytes().slice();
        return true;
      default:
        return false;
    }
  });
  return { authorization, peer, certificate: certificate?.length === 0 ? undefined : certificate };
}

function readPart(reader: BinaryReader, end: number): PartFrame {
  let [id, taken, ended, cancelled] = [0, 0, false, false];
  let message: Uint8Array | undefined;
  each(reader, end, (field) => {
    switch (field) {
      case 1:
        id = reader.uint32();
        return true;
      case 2:
        message = reader.bytes();
        return true;
      case 3:
        taken = reader.uint32();
        return true;
      case 4:
        ended = reader.bool();
        return true;
      case 5:
        cancelled = reader.bool();
        return true;
      default:
        return false;
    }
  });
  return { id, message, taken, ended, cancelled };
}

function readAnswer(reader: BinaryReader, end: number): AnswerFrame {
  let [id, code, message] = [0, 0, ""];
  let body: Uint8Array = NOTHING;
  each(reader, end, (field) => {
    switch (field) {
      case 1:
        id = reader.uint32();
        return true;
      case 2:
        code = reader.uint32();
        return true;
      case 3:
        body = reader.bytes();
        return true;
      case 4:
        message = reader.string();
        return true;
      default:
        return false;
    }
  });
  return { id, code, body, message };
}
