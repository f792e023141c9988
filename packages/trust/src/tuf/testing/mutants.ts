/**
 * The wrapper with one defence removed, again and again: each edit takes one rule out of the source, and at least one of
 * the named attacks must then come out differently. A mutant that is not caught means that a test cannot fail.
 */

/** One edit of one file, below `src/`. */
export interface Edit {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** One defence that is removed. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Attacks that must come out differently; one is enough. */
  readonly caughtBy: readonly string[];
}

const one = (name: string, file: string, find: string, replace: string, ...caughtBy: string[]): Mutant => ({
  name,
  edits: [{ file: `tuf/${file}`, find, replace }],
  caughtBy,
});

const statement = (name: string, find: string, replace: string, caughtBy: string): Mutant => ({
  name,
  edits: [{ file: "statement/statement.ts", find, replace }],
  caughtBy: [caughtBy],
});

export const MUTANTS: readonly Mutant[] = [
  one("keys may stand twice", "form/strict-json.ts", "Object.hasOwn(object, key)", "false", "a key twice"),
  one("half characters pass", "form/strict-json.ts", "!value.isWellFormed()", "false", "half a character"),
  one("bad UTF-8 is repaired", "form/strict-json.ts", "fatal: true", "fatal: false", "bytes that are no UTF-8"),
  one("numbers are rounded", "form/strict-json.ts", "!Number.isSafeInteger(value) || ", "", "a number that is rounded"),
  one("minus nothing passes", "form/strict-json.ts", ' || digits === "-0"', "", "minus nothing"),
  one(
    "no bound on depth",
    "form/strict-json.ts",
    "depth > this.#bounds.depthMax",
    "false",
    "deeper than any reader should go",
  ),
  one(
    "what follows the end is overlooked",
    "form/strict-json.ts",
    "this.#at < this.#text.length",
    "false",
    "two documents in one file",
  ),
  {
    name: "no bound on bytes",
    edits: [
      { file: "tuf/form/document.ts", find: "bytes.length > bytesMax", replace: "false" },
      { file: "tuf/client/refresh.ts", find: "bytes !== undefined && bytes.length > bytesMax", replace: "false" },
    ],
    caughtBy: ["longer than a timestamp may be"],
  },
  {
    name: "expiries are read leniently",
    edits: [
      { file: "tuf/form/reader.ts", find: "Number.isNaN(ms) || formatTime(ms) !== text", replace: "Number.isNaN(ms)" },
      { file: "tuf/form/reader.ts", find: "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", replace: ".*" },
    ],
    caughtBy: ["an expiry in a form of its own", "an expiry by the device's time zone"],
  },
  one("days roll over", "form/reader.ts", " || formatTime(ms) !== text", "", "an expiry on a day that does not exist"),
  one(
    "any version of TUF",
    "form/document.ts",
    "^1\\.(?:0|",
    "^.*|(?:0|",
    "another major version of TUF",
    "a version of TUF with gaps",
  ),
  {
    name: "ids are counted, not keys",
    edits: [
      { file: "tuf/form/keys.ts", find: "signers.has(key.identity)", replace: "signers.has(keyId)" },
      { file: "tuf/form/keys.ts", find: "signers.add(key.identity)", replace: "signers.add(keyId)" },
    ],
    caughtBy: ["one key under two ids, ids aside"],
  },
  {
    name: "any point is a key",
    edits: [
      { file: "ed25519.ts", find: "!isSoundPublicKey(publicKey)", replace: "false" },
      {
        file: "ed25519.ts",
        find: "point === undefined || point.isSmallOrder() || !point.isTorsionFree()",
        replace: "point === undefined",
      },
    ],
    caughtBy: ["one signer under a key and its twin, form aside"],
  },
  one(
    "signatures are not counted at all",
    "form/keys.ts",
    "size >= role.threshold",
    "true",
    "one key under two ids, ids aside",
    "a part that the library drops, form aside",
  ),
  one(
    "signatures may have a tail",
    "form/ed25519-scheme.ts",
    "const signature = fromHex(signatureText)",
    'const signature = new Uint8Array(Buffer.from(signatureText, "hex"))',
    "a signature with a tail, form aside",
  ),
  one(
    "one signature may stand twice",
    "form/document.ts",
    "new Set(signatures.map((s) => s.keyId)).size < signatures.length",
    "false",
    "one signature twice",
  ),
  one(
    "breakers' keys are not looked at",
    "form/network-root.ts",
    '!isSoundPublicKey(Buffer.from(key, "hex"))',
    "false",
    "a breaker's key that is none",
  ),
  {
    name: "statements may name a key twice",
    edits: [
      {
        file: "statement/envelope.ts",
        find: "new Set(read.map(({ keyId }) => keyId)).size !== read.length",
        replace: "false",
      },
    ],
    caughtBy: ["one breaker's signature twice"],
  },
  one(
    "ids are not checked",
    "form/network-root.ts",
    "id !== tufKeyId(sound.publicText)",
    "false",
    "a key under another id than its own",
  ),
  one(
    "keys without a role pass",
    "form/network-root.ts",
    "!used.has(id)",
    "false",
    "a key that is listed and has no role",
  ),
  one(
    "publishers may approve",
    "form/network-root.ts",
    "double !== undefined",
    "false",
    "the publisher in the council",
  ),
  one("breakers may approve", "form/network-root.ts", "braking !== undefined", "false", "a breaker in the council"),
  one(
    "thresholds beyond the keys",
    "form/network-root.ts",
    "role.threshold > distinct",
    "false",
    "a threshold beyond the keys",
  ),
  one("threshold 0", "form/keys.ts", " || threshold < 1", "", "threshold 0"),
  one(
    "no spare for the server's key",
    "form/network-root.ts",
    "active.length > 0 && backup.length === 0",
    "false",
    "a root without a spare for the server's key",
  ),
  one(
    "plain names of files",
    "form/network-root.ts",
    "!form.consistentSnapshot",
    "false",
    "a root that gives up versioned names",
  ),
  {
    name: "any roles",
    edits: [
      { file: "tuf/form/root.ts", find: "{ required: TOP_ROLES }", replace: "{ required: TOP_ROLES, others: true }" },
      { file: "tuf/form/network-root.ts", find: '"signed.roles", 4)', replace: '"signed.roles", 400)' },
    ],
    caughtBy: ["a root with a fifth role"],
  },
  one(
    "no bound on keys",
    "form/limits.ts",
    "KEYS_MAX = 128",
    "KEYS_MAX = 1_000_000",
    "a root that nobody signed and that costs the library minutes",
  ),
  one(
    "the old quorum is not asked",
    "client/session.ts",
    'requireQuorum(next, this.#form.roles.root, this.#form.keys, "the root before it");',
    "",
    "a root without the old quorum",
  ),
  one(
    "the new quorum is not asked",
    "client/session.ts",
    'requireQuorum(next, form.roles.root, form.keys, "itself");',
    "",
    "a root without its own quorum",
  ),
  one(
    "the machine's clock",
    "client/library.ts",
    "Reflect.set(this.#set, CLOCK, new Date(nowMs));",
    "void nowMs;",
    "a list that has run out by T",
    "a snapshot that has run out by T",
  ),
  one(
    "expiry is left to the library",
    "client/session.ts",
    "document.expiresMs > this.#nowMs",
    "true",
    "silence: the timestamp runs out by T",
  ),
  {
    name: "what the parent names is not compared",
    edits: [
      { file: "tuf/client/session.ts", find: "if (!kept) requireMeant(snapshot, wanted);", replace: "" },
      {
        file: "tuf/client/library.ts",
        find: "updateSnapshot(Buffer.from(snapshot.bytes), kept)",
        replace: "updateSnapshot(Buffer.from(snapshot.bytes), true || kept)",
      },
    ],
    caughtBy: ["another snapshot of the same version"],
  },
  one(
    "another list of one version",
    "client/session.ts",
    "requireMeant(targets, wanted);",
    "",
    "another list of the same version",
  ),
  one(
    "timestamps are forgotten",
    "client/refresh.ts",
    'if (timestamp !== undefined) this.#useful("timestamp"',
    'if (timestamp !== undefined && !this) this.#useful("timestamp"',
    "an old timestamp",
  ),
  one(
    "snapshots are forgotten",
    "client/refresh.ts",
    "snapshot !== undefined &&",
    "!this &&",
    "a new snapshot for an old list",
  ),
  one(
    "a lost key binds for ever",
    "client/refresh.ts",
    'keysRemoved.has("timestamp") || keysRemoved.has("snapshot")',
    "keysRemoved.size > 9",
    "a snapshot at the largest version, and its key rotated",
  ),
  one(
    "any network",
    "client/session.ts",
    "network !== this.#network",
    "false",
    "a word of another network's publisher",
    "a root of another network",
  ),
  one(
    "timestamps live as long as they say",
    "form/freshness.ts",
    "lifetimeMs <= 0 || lifetimeMs > TIMESTAMP_LIFETIME_MAX_MS",
    "false",
    "a timestamp that lives two days",
  ),
  {
    name: "hashes are not demanded",
    edits: [
      {
        file: "tuf/form/freshness.ts",
        find: 'required: ["version", "length", "hashes"]',
        replace: 'required: ["version", "length"], optional: ["hashes"]',
      },
      { file: "tuf/form/freshness.ts", find: 'entry["hashes"]', replace: 'entry["hashes"] ?? { sha256: "" }' },
    ],
    caughtBy: ["a snapshot that is named without a hash"],
  },
  one(
    "empty hashes pass",
    "form/meta.ts",
    "Object.keys(hashes).length === 0",
    "false",
    "a list that is named with no hash at all",
  ),
  one(
    "a snapshot may name other lists",
    "form/freshness.ts",
    "{ required: [fileName] }",
    "{ required: [fileName], others: true }",
    "a snapshot that names other lists too",
  ),
  one(
    "lists may delegate",
    "form/allowlist.ts",
    '"targets", "moult"],',
    '"targets", "moult"], others: true,',
    "a list that delegates",
  ),
  one(
    "names need not be digests",
    "form/allowlist.ts",
    'hashes["sha256"] !== digest',
    "false",
    "a build by another hash than its name",
  ),
  one("the envelope may hold more", "client/dialect.ts", "!document.bare", "false", "something beside the signed part"),
  statement(
    "signatures on statements are not verified",
    "verifyStrict(signature, message, parsePublicKey(text))",
    "true",
    "a brake whose payload was changed",
  ),
  statement("statements of any network", "content.network !== rules.network", "false", "a brake of another network"),
  statement("statements hold for ever", "expiresMs <= nowMs || ", "", "a brake from long ago"),
  statement(
    "statements live as long as they say",
    "expiresMs - issuedMs > LIFETIME_MAX_MS[kind]",
    "false",
    "a brake for ever",
  ),
  statement(
    "kinds are not compared",
    "envelope.payloadType === payloadTypeOf(kind)",
    "true",
    "an override in the place of a brake",
  ),
  statement("nobody has to sign", "rules.threshold < 1 || ", "", "a brake that nobody has to sign"),
  {
    name: "kinds are not signed",
    edits: [
      {
        file: "statement/envelope.ts",
        find: "`DSSEv1 ${type.length} ${payloadType} ${payload.length} `",
        replace: '"DSSEv1 "',
      },
    ],
    caughtBy: ["an override that is relabelled as a brake"],
  },
  {
    name: "envelopes may hold more",
    edits: [{ file: "statement/envelope.ts", find: "Object.keys(value).length !== keys.length", replace: "false" }],
    caughtBy: ["an envelope with more in it"],
  },
  one(
    "steps are not waited for",
    "form/cohort-bound.ts",
    "step.notBeforeMs <= nowMs",
    "true",
    "a move before the first step",
  ),
  one(
    "the share is rounded up",
    "form/cohort-bound.ts",
    "BigInt(WHOLE_PPM) <",
    "BigInt(WHOLE_PPM) >=",
    "a move although the share is nothing",
  ),
];
