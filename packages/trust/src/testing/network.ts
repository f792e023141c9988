/**
 * A network for tests of the apps: real keys, made anew each time, and metadata made by the code that ceremonies use. It
 * serves whatever a test puts into `files`. Only tests import this.
 */
import { digestOf } from "../digest.ts";
import { formatPublicKey, type KeyPair, generateKey } from "../keys.ts";
import { pae, parseStatement } from "../statement/envelope.ts";
import { signStatement } from "../statement/index.ts";
import { type FileName, type MetadataSource, fileNameOf } from "../tuf/client/ports.ts";
import type { AllowedBuild } from "../tuf/form/allowlist.ts";
import { type AllowlistChange, initAllowlist, nextAllowlist } from "../tuf/repository/allowlist.ts";
import { type CouncilWord, allowedBuildOf } from "../tuf/repository/build-entry.ts";
import { signFile } from "../tuf/repository/file.ts";
import { publish } from "../tuf/repository/publish.ts";
import { type RootChange, initRoot, rotateRoot } from "../tuf/repository/root.ts";

const DAY_MS = 86_400_000;

/** What a test wants to be different. */
export interface NetworkWishes {
  readonly network?: string;
  /** The publisher's clock, milliseconds since 1970; the machine's by default. */
  readonly nowMs?: () => number;
  /** SHA-256 of coordinators' public keys; none are pinned by default. */
  readonly serverKeys?: { readonly active: readonly string[]; readonly backup: readonly string[] };
}

/** Root 2 of 3, council 2 of 3, one publisher, one breaker, and a stranger. */
export class TestNetwork {
  readonly network: string;
  readonly keys: {
    readonly root: readonly KeyPair[];
    readonly council: readonly KeyPair[];
    readonly publisher: KeyPair;
    readonly breaker: KeyPair;
    readonly stranger: KeyPair;
  };
  /** What a mirror serves, by TUF's file names, as `1.root.json`, `timestamp.json`. */
  readonly files: Map<string, Uint8Array> = new Map();
  /** Digests of the brakes that the next timestamps name; see `nameBrakes`. */
  #namedBrakes: readonly string[] = [];
  /** The root that devices are flashed with: the first one. */
  readonly flashedRoot: Uint8Array;
  #root: Uint8Array;
  #targets: Uint8Array | undefined;
  #published: { readonly snapshot: Uint8Array; readonly timestamp: Uint8Array } | undefined;
  readonly #nowMs: () => number;

  constructor(wishes: NetworkWishes = {}) {
    this.network = wishes.network ?? "demo";
    this.#nowMs = wishes.nowMs ?? Date.now;
    const three = (): KeyPair[] => [generateKey(), generateKey(), generateKey()];
    this.keys = {
      root: three(),
      council: three(),
      publisher: generateKey(),
      breaker: generateKey(),
      stranger: generateKey(),
    };
    const { root, council, publisher, breaker } = this.keys;
    const plan = {
      network: this.network,
      expiresMs: this.#nowMs() + 3650 * DAY_MS,
      roles: {
        root: { threshold: 2, keys: root.map(publicHex) },
        targets: { threshold: 2, keys: council.map(publicHex) },
        snapshot: { threshold: 1, keys: [publicHex(publisher)] },
        timestamp: { threshold: 1, keys: [publicHex(publisher)] },
      },
      breakers: [publicHex(breaker)],
      serverKeys: wishes.serverKeys ?? { active: [], backup: [] },
    };
    this.#root = signedBy(initRoot(plan), root);
    this.flashedRoot = this.#root;
    this.files.set("1.root.json", this.#root);
  }

  /** The newest root. */
  get root(): Uint8Array {
    return this.#root;
  }

  /** The newest list; undefined before the first. */
  get targets(): Uint8Array | undefined {
    return this.#targets;
  }

  readonly source: MetadataSource = {
    fetch: async (file: FileName) => this.files.get(fileNameOf(file)),
  };

  /** The entry of the build with this manifest. */
  entry(manifest: Uint8Array, word: CouncilWord = {}): AllowedBuild {
    return allowedBuildOf(manifest, word);
  }

  /** The next list, unsigned. */
  propose(change: Partial<AllowlistChange>): Uint8Array {
    const whole = { expiresMs: this.#nowMs() + 90 * DAY_MS, ...change };
    return this.#targets === undefined ? initAllowlist(this.network, whole) : nextAllowlist(this.#targets, whole);
  }

  /** Signs a list with these council members, of whom two are enough. */
  approve(targets: Uint8Array, members: readonly number[] = [0, 1]): Uint8Array {
    return signedBy(
      targets,
      this.keys.council.filter((_, n) => members.includes(n)),
    );
  }

  /** Approves builds and publishes. Answers every file that is new, for PublishMetadata. */
  allow(...builds: readonly AllowedBuild[]): readonly Uint8Array[] {
    return this.publish(this.approve(this.propose({ add: builds })));
  }

  /** Takes builds off the list and publishes. */
  recall(...digests: readonly string[]): readonly Uint8Array[] {
    return this.publish(this.approve(this.propose({ recall: digests })));
  }

  /** Lifts brakes, all that hold, by their digests, and publishes. */
  lift(...brakes: readonly string[]): readonly Uint8Array[] {
    return this.publish(this.approve(this.propose({ liftedBrakes: brakes })));
  }

  /** Publishes a list; without one, the same list again under a fresh snapshot and timestamp. */
  publish(targets?: Uint8Array, timestampLifetimeMs?: number): readonly Uint8Array[] {
    const list = targets ?? this.#targets ?? this.approve(this.propose({}));
    const published = publish({
      root: this.#root,
      targets: list,
      ...(this.#published === undefined ? {} : { previous: this.#published }),
      snapshotKeys: [this.keys.publisher.privateKey],
      timestampKeys: [this.keys.publisher.privateKey],
      nowMs: this.#nowMs(),
      brakes: this.#namedBrakes,
      snapshotLifetimeMs: 7 * DAY_MS,
      ...(timestampLifetimeMs === undefined ? {} : { timestampLifetimeMs }),
    });
    this.#targets = list;
    this.#published = published;
    this.#serve("targets", list);
    this.#serve("snapshot", published.snapshot);
    this.#serve("timestamp", published.timestamp);
    return [list, published.snapshot, published.timestamp];
  }

  /** The next root, signed by the quorum of the one before and, where root keys change, by `more`. */
  rotate(change: RootChange, more: readonly KeyPair[] = []): Uint8Array {
    this.#root = signedBy(rotateRoot(this.#root, change), [...this.keys.root, ...more]);
    this.#serve("root", this.#root);
    return this.#root;
  }

  /** A signed brake. `payload` is a BrakeStatement of this network. */
  brake(payload: Uint8Array, key: KeyPair = this.keys.breaker): Uint8Array {
    return signStatement("brake", { payload }, key.privateKey);
  }

  /** From now on timestamps name these signed brakes as holding, and no others. */
  nameBrakes(...statements: readonly Uint8Array[]): void {
    this.#namedBrakes = statements.map((statement) => {
      const { payloadType, unverifiedPayload } = parseStatement(statement);
      return digestOf(pae(payloadType, unverifiedPayload));
    });
  }

  #serve(role: string, bytes: Uint8Array): void {
    const { version } = (JSON.parse(new TextDecoder().decode(bytes)) as { signed: { version: number } }).signed;
    this.files.set(`${version}.${role}.json`, bytes);
    if (role !== "root") this.files.set(`${role}.json`, bytes);
  }
}

/** Signs with each key in turn. */
export function signedBy(file: Uint8Array, keys: readonly KeyPair[]): Uint8Array {
  return keys.reduce((signed, key) => signFile(signed, key.privateKey), file);
}

/** The public key as roots list it. */
export function publicHex(key: KeyPair): string {
  return formatPublicKey(key.publicKey);
}
