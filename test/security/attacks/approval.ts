/**
 * Builds that the council did not approve, on lists that look as if it had: too few keys, keys that count twice, keys that
 * anybody can sign for, signatures that were bent. Coordinator, mirror and the publisher's key are in the wrong hands.
 */
import { createHash } from "node:crypto";
import { Decision, FailureReason, PermitPhase } from "@moult/contracts/v1";
import { type KeyPair, generateKey } from "@moult/trust";
import {
  type Loose,
  file,
  hex,
  idOf,
  listed,
  seal,
  sha256,
  signature,
  text,
} from "../../../packages/trust/src/tuf/testing/forge.ts";
import { openGates, targetOf } from "../../../apps/agent/src/testing/open-gates.ts";
import { type Attack, type Mutant, type Scene, must } from "../harness/attack.ts";
import { type Change, part } from "../harness/forge.ts";
import { Siege } from "../harness/siege.ts";

const { METADATA, NOT_APPROVED } = FailureReason;
const MOVED = "it took a build that the council did not approve";

/** A device that knows an empty list; the attack offers build 6, and build 7 is what it should still move to. */
async function besiege(scene: Scene): Promise<Siege> {
  const siege = await Siege.open(scene);
  await siege.knows(siege.forge.allow([]));
  siege.offered = siege.build(6);
  return siege;
}

/** Serves the list with what is offered, with these signatures on it. */
function serveList(siege: Siege, signatures: (signed: Loose) => readonly unknown[]): void {
  const { forge, offered } = siege;
  must(offered !== undefined, "nothing is offered");
  const signed = forge.list([offered]);
  forge.publish(file(signed, signatures(signed)));
}

/** The council approves build 7 after all: what kept 6 out was its list, and not a device that cannot move. */
async function movesYet(siege: Siege): Promise<void> {
  const seven = siege.build(7);
  siege.forge.allow([seven]);
  await siege.moves(seven);
}

/** The council's members, of whom the first is bought. */
function councilOf({ forge }: Siege): readonly [KeyPair, KeyPair] {
  const [first, second] = forge.network.keys.council;
  must(first !== undefined && second !== undefined, "no council");
  return [first, second];
}

/** Makes these the council, in a root that a careless ceremony signs. */
function council(siege: Siege, keys: Readonly<Record<string, unknown>>, threshold: number): Change {
  return (root) => {
    const all = part(root, "keys");
    for (const member of siege.forge.network.keys.council) delete all[idOf(member)];
    Object.assign(all, keys);
    part(root, "roles")["targets"] = { keyids: Object.keys(keys), threshold };
  };
}

const unapproved: Attack = {
  row: "unapproved digest",
  name: "a build that is on no list is neither pulled nor started, offered or with leave given",
  async run(scene) {
    const siege = await besiege(scene);
    await siege.holds(MOVED, NOT_APPROVED);
    const { coordinator, offered, gates } = siege;
    must(offered !== undefined, "nothing is offered");
    const permit = { permitId: "forged", phase: PermitPhase.AWAY, expiresInMs: 60_000, drainGraceMs: 10_000 };
    const target = targetOf(offered, gates.sources);
    coordinator.judge = () => ({ decision: Decision.GO, target, permit });
    const told = await siege.holds(MOVED, NOT_APPROVED);
    must(told.permitId === "forged", "leave that was forged was not handed back");
    // Approved is build 7, and what the mirror gives under its name is build 6.
    const seven = siege.build(7);
    siege.forge.allow([seven]);
    siege.offered = seven;
    coordinator.judge = (ask) => openGates(ask, siege.gates);
    siege.mirror.misbehave = ({ kind, response }) => kind === "manifests" && Boolean(response.end(offered.envelope));
    await siege.holds(MOVED, NOT_APPROVED);
    siege.mirror.misbehave = undefined;
    await siege.moves(seven);
  },
};

/** Neither our wrapper nor the library counts who signed a list. */
const UNCOUNTED: Mutant = {
  defence: "a list needs the council's quorum",
  of: "agent",
  patches: [
    {
      file: "client/session.ts",
      from: `    requireQuorum(targets, roleKeys, keys, role);
    requireMeant(targets, wanted);
    this.#library.updateTargets(targets, parent);`,
      to: "    requireMeant(targets, wanted);",
    },
  ],
  caught: new RegExp(MOVED),
};

const oneKey: Attack = {
  row: "one council key",
  name: "a list that one member signed, beside everybody who may not, approves nothing",
  async run(scene) {
    const siege = await besiege(scene);
    const { publisher, breaker, stranger } = siege.forge.network.keys;
    const [first, second] = councilOf(siege);
    serveList(siege, (signed) => [first, publisher, breaker, stranger].map((key) => signature(signed, key)));
    await siege.holds(MOVED, METADATA, "targets SIGNATURES_TOO_FEW");
    serveList(siege, (signed) => [signature(signed, first), signature(signed, first, idOf(second))]);
    await siege.holds(MOVED, METADATA, "targets SIGNATURES_TOO_FEW");
    await movesYet(siege);
  },
  mutants: [UNCOUNTED],
};

const twoIds: Attack = {
  row: "same key under two ids",
  name: "a council of one key under two ids is no council, whoever signed its root",
  async run(scene) {
    const siege = await besiege(scene);
    const [first] = councilOf(siege);
    const alias = "ab".repeat(32);
    siege.forge.serveRoot(council(siege, { [idOf(first)]: listed(first), [alias]: listed(first) }, 2));
    serveList(siege, (signed) => [signature(signed, first), signature(signed, first, alias)]);
    await siege.holds(MOVED, METADATA, "root KEY_INVALID");
    siege.forge.files.delete("2.root.json");
    await movesYet(siege);
  },
};

const duplicate: Attack = {
  row: "duplicate signatures",
  name: "one member's signature twice is one, however it is written",
  async run(scene) {
    const siege = await besiege(scene);
    const [first] = councilOf(siege);
    serveList(siege, (signed) => [signature(signed, first), signature(signed, first)]);
    await siege.holds(MOVED, METADATA, "targets FORM_INVALID");
    const shouted = (id: string): string => id.toUpperCase();
    serveList(siege, (signed) => [signature(signed, first), signature(signed, first, shouted(idOf(first)))]);
    await siege.holds(MOVED, METADATA, "targets FORM_INVALID");
    await movesYet(siege);
  },
};

const nobody: Attack = {
  row: "threshold 0",
  name: "a root by which nobody has to sign lists is none",
  async run(scene) {
    const siege = await besiege(scene);
    for (const threshold of [0, -1, 4]) {
      siege.forge.serveRoot((root) => void (part(root, "roles", "targets")["threshold"] = threshold));
      serveList(siege, () => []);
      await siege.holds(MOVED, METADATA, "root THRESHOLD_INVALID");
    }
    siege.forge.files.delete("2.root.json");
    await movesYet(siege);
  },
};

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const FIELD = 2n ** 255n - 19n;

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes.toReversed())}`);
}

function bytesOf(number: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(number.toString(16).padStart(64, "0"), "hex")).toReversed();
}

/** The scalar of a private key (RFC 8032, 5.1.5). */
function scalarOf({ privateKey }: KeyPair): bigint {
  const scalar = createHash("sha512").update(privateKey).digest().subarray(0, 32);
  scalar[0] = (scalar[0] ?? 0) & 248;
  scalar[31] = ((scalar[31] ?? 0) & 127) | 64;
  return littleEndian(scalar);
}

/** The key plus the point of order two, (0, -1): another key, that the same person can sign for. */
function twinOf({ publicKey }: KeyPair): Uint8Array {
  const encoded = littleEndian(publicKey);
  const [y, sign] = [encoded & ((1n << 255n) - 1n), encoded >> 255n];
  // (x, y) + (0, -1) = (-x, -y).
  return bytesOf((FIELD - y) | ((1n - sign) << 255n));
}

/** Signs for the twin: tries nonces until the challenge is even, so that the point of order two vanishes. */
function signAsTwin(message: Uint8Array, key: KeyPair): string {
  for (;;) {
    const nonce = generateKey();
    const challenge = createHash("sha512").update(nonce.publicKey).update(twinOf(key)).update(message).digest();
    const k = littleEndian(challenge) % GROUP_ORDER;
    if (k % 2n === 0n) return hex(nonce.publicKey) + hex(bytesOf((scalarOf(nonce) + k * scalarOf(key)) % GROUP_ORDER));
  }
}

/** Canonical JSON of what a list says: its keys are ASCII, and its strings need no escapes. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

const SMALL = { keytype: "ed25519", scheme: "ed25519", keyval: { public: `01${"00".repeat(31)}` } };

const smallOrder: Attack = {
  row: "small-order key",
  name: "a root with a key that anybody can sign for, or that is one member's second self, is refused",
  async run(scene) {
    const siege = await besiege(scene);
    const [first] = councilOf(siege);
    const twin = { ...listed(first), keyval: { public: hex(twinOf(first)) } };
    const twinId = sha256(text(canonical(twin)));
    siege.forge.serveRoot(council(siege, { [idOf(first)]: listed(first), [twinId]: twin }, 2));
    serveList(siege, (signed) => [
      signature(signed, first),
      { keyid: twinId, sig: signAsTwin(text(canonical(signed)), first) },
    ]);
    await siege.holds(MOVED, METADATA, "root KEY_INVALID");
    const smallId = sha256(text(canonical(SMALL)));
    siege.forge.serveRoot(council(siege, { [smallId]: SMALL }, 1));
    serveList(siege, () => [{ keyid: smallId, sig: `01${"00".repeat(63)}` }]);
    await siege.holds(MOVED, METADATA, "root KEY_INVALID");
    siege.forge.files.delete("2.root.json");
    await movesYet(siege);
  },
  mutants: [
    {
      defence: "keys are of the prime-order group",
      of: "agent",
      patches: [
        {
          file: "src/ed25519.ts",
          from: "point === undefined || point.isSmallOrder() || !point.isTorsionFree()",
          to: "point === undefined",
        },
      ],
      caught: new RegExp(MOVED),
    },
  ],
};

/** The same signature with S plus the group order. */
function malleated(sig: string): string {
  const bytes = new Uint8Array(Buffer.from(sig, "hex"));
  return hex(bytes.slice(0, 32)) + hex(bytesOf(littleEndian(bytes.slice(32)) + GROUP_ORDER));
}

const bent: Attack = {
  row: "malleable or truncated signature",
  name: "the second member's signature counts as it was made, and in no other form",
  async run(scene) {
    const siege = await besiege(scene);
    const [first, second] = councilOf(siege);
    const tries: readonly (readonly [(sig: string) => string, string])[] = [
      [malleated, "targets SIGNATURES_TOO_FEW"],
      [(sig) => sig.slice(0, -2), "targets FORM_INVALID"],
      [(sig) => `${sig}00`, "targets FORM_INVALID"],
      [(sig) => sig.toUpperCase(), "targets FORM_INVALID"],
      [() => "", "targets FORM_INVALID"],
      [() => "00".repeat(64), "targets SIGNATURES_TOO_FEW"],
    ];
    for (const [bend, says] of tries) {
      serveList(siege, (signed) => {
        const whole = signature(signed, second);
        return [signature(signed, first), { ...whole, sig: bend(whole.sig) }];
      });
      await siege.holds(MOVED, METADATA, says);
    }
    await movesYet(siege);
  },
  mutants: [UNCOUNTED],
};

const otherNetwork: Attack = {
  row: "cross-type or cross-network signature",
  name: "what the same keys signed for another network, or as another kind of file, approves nothing here",
  async run(scene) {
    const siege = await besiege(scene);
    const { forge, offered } = siege;
    must(offered !== undefined, "nothing is offered");
    const signed = forge.list([offered]);
    part(signed, "moult")["network"] = "other";
    forge.publish(forge.approved(signed));
    await siege.holds(MOVED, METADATA, "targets OTHER_NETWORK");
    forge.publish(forge.approved(forge.list([offered])), {
      timestamp: (timestamp) => void (part(timestamp, "moult")["network"] = "other"),
    });
    await siege.holds(MOVED, METADATA, "timestamp OTHER_NETWORK");
    // What the council says is signed by nobody who may say it as a snapshot, and a snapshot is no timestamp.
    forge.publish(forge.approved(forge.list([offered])));
    forge.files.set("timestamp.json", seal(forge.list([offered]), forge.network.keys.council));
    await siege.holds(MOVED, METADATA, "timestamp FORM_INVALID");
    await movesYet(siege);
  },
  mutants: [
    {
      defence: "files are of the root's network",
      of: "agent",
      patches: [{ file: "client/session.ts", from: "if (network !== this.#network) {", to: "if (network === '') {" }],
      caught: new RegExp(MOVED),
    },
  ],
};

export const approval: readonly Attack[] = [
  unapproved,
  oneKey,
  twoIds,
  duplicate,
  nobody,
  smallOrder,
  bent,
  otherNetwork,
];
