/**
 * Numbers that stand on a trunk for what would be said again with every call: who calls, and which method. The edge gives them
 * out, oldest first taken back; the seat keeps what they stand for, and for no more than so many. They save bytes and no
 * judgement: who a number stands for is judged with each call.
 */
import type { CallMetadata } from "@moult/contracts";
import type { CallerFrame } from "./trunk-codec.ts";

/** As in the proto. With `KEPT_BYTES_MAX`, 16 MiB for a trunk at most. */
export const CALLERS_MAX = 16_384;
export const METHODS_MAX = 64;
/** Callers who take more than this are named with each call. A device's token and address take some 300 bytes. */
const KEPT_BYTES_MAX = 1_024;

/** A caller's number, and the caller where the seat has to be told. */
export interface CallerNumber {
  readonly callerNumber: number;
  readonly caller: CallerFrame | undefined;
}

/** The edge's: who has which number. */
export class CallerNumbers {
  readonly #numbers = new Map<
    string,
    { readonly callerNumber: number; readonly certificate: Uint8Array | undefined }
  >();
  readonly #keys: (string | undefined)[] = [];
  readonly #max: number;
  #next = 0;

  constructor(max: number = CALLERS_MAX) {
    this.#max = max;
  }

  /** What is said of that caller with a call. */
  of(caller: CallerFrame): CallerNumber {
    const { authorization, peer, certificate } = caller;
    // Who shows nothing comes once, to show something.
    if (authorization === "" && certificate === undefined) return { callerNumber: 0, caller };
    const key = `${authorization}\n${peer}`;
    const known = this.#numbers.get(key);
    if (known !== undefined && isSame(known.certificate, certificate)) {
      return { callerNumber: known.callerNumber, caller: undefined };
    }
    if (key.length + (certificate?.length ?? 0) > KEPT_BYTES_MAX) return { callerNumber: 0, caller };
    const callerNumber = known?.callerNumber ?? this.#take(key);
    this.#numbers.set(key, { callerNumber, certificate });
    return { callerNumber, caller };
  }

  #take(key: string): number {
    const at = this.#next;
    this.#next = (at + 1) % this.#max;
    const before = this.#keys[at];
    if (before !== undefined) this.#numbers.delete(before);
    this.#keys[at] = key;
    return at + 1;
  }
}

/** Who a number stands for. */
export interface KnownCaller {
  readonly metadata: CallMetadata;
  readonly peer: string;
  readonly certificate: Uint8Array | undefined;
}

/** The seat's: what the numbers of one trunk stand for. */
export class KnownCallers {
  readonly #known: (KnownCaller | undefined)[] = [];

  /** Who calls; undefined where the number stands for nobody. */
  of(callerNumber: number, caller: CallerFrame | undefined): KnownCaller | undefined {
    if (callerNumber > CALLERS_MAX) return undefined;
    if (caller === undefined) return this.#known[callerNumber];
    const { authorization, peer, certificate } = caller;
    const metadata: CallMetadata = {
      get: (name) => (name === "authorization" && authorization !== "" ? authorization : undefined),
    };
    const known: KnownCaller = { metadata, peer, certificate };
    if (callerNumber > 0) this.#known[callerNumber] = known;
    return known;
  }
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one, other) === 0;
}
