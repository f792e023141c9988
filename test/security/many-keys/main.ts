/**
 * What a root with many keys, that nobody signed, costs a client: the library alone, and the wrapper. Prints one line a
 * size, or JSON. Exit code 0 when done.
 */
import { parseArgs } from "node:util";
import { Metadata, MetadataKind } from "@tufjs/models";
import { formatPublicKey, generateKey } from "@moult/trust";
import { type MetadataStore, TufError, initRoot, refreshNetwork, signFile } from "@moult/trust/tuf";

const HELP = `Usage: pnpm bench:tuf-keys [--json]

Times how long a root of 1,000 to 8,000 keys, signed by nobody, keeps a client busy: [{keys, bytes, stockMs, wrapperMs}].

Example:
  pnpm bench:tuf-keys --json
`;

const SIZES = [1000, 2000, 4000, 8000];
const DAY_MS = 86_400_000;

interface Figure {
  readonly keys: number;
  readonly bytes: number;
  readonly stockMs: number;
  readonly wrapperMs: number;
}

function evilRoot(keys: number): Uint8Array {
  const role = { keyids: [], threshold: 1 };
  const listed = Array.from({ length: keys }, (_, n) => [`k${n}`, { keytype: "", scheme: "", keyval: {} }]);
  const signed = {
    _type: "root",
    spec_version: "1.0.31",
    version: 2,
    expires: "2099-01-01T00:00:00Z",
    consistent_snapshot: true,
    keys: Object.fromEntries(listed) as Record<string, unknown>,
    roles: { root: role, targets: role, snapshot: role, timestamp: role },
  };
  return new TextEncoder().encode(JSON.stringify({ signatures: [], signed }));
}

async function timed(act: () => Promise<void> | void): Promise<number> {
  const startMs = performance.now();
  await act();
  return Math.round((performance.now() - startMs) * 10) / 10;
}

async function measure(keys: number, flashed: Uint8Array): Promise<Figure> {
  const bytes = evilRoot(keys);
  const stockMs = await timed(() => {
    // The first thing the library does with a root, before it has looked at a signature.
    Metadata.fromJSON(MetadataKind.Root, JSON.parse(Buffer.from(bytes).toString("utf8")));
  });
  const store: MetadataStore = {
    load: () => Promise.resolve({ root: flashed, targets: new Map() }),
    save: () => Promise.resolve(),
  };
  const source = { fetch: () => Promise.resolve(bytes) };
  const wrapperMs = await timed(async () => {
    await refreshNetwork({ source, store }, Date.now()).catch((error: unknown) => {
      if (!(error instanceof TufError)) throw error;
    });
  });
  return { keys, bytes: bytes.length, stockMs, wrapperMs };
}

function flashedRoot(): Uint8Array {
  const keys = [generateKey(), generateKey(), generateKey()] as const;
  const role = (key: (typeof keys)[number]) => ({ threshold: 1, keys: [formatPublicKey(key.publicKey)] });
  const [root, council, publisher] = keys;
  const roles = { root: role(root), targets: role(council), snapshot: role(publisher), timestamp: role(publisher) };
  const expiresMs = Date.now() + DAY_MS;
  const serverKeys = { active: [], backup: [] };
  return signFile(initRoot({ network: "bench", expiresMs, roles, breakers: [], serverKeys }), root.privateKey);
}

const { values } = parseArgs({ options: { json: { type: "boolean" }, help: { type: "boolean" } } });
if (values.help === true) process.stdout.write(HELP);
else {
  const flashed = flashedRoot();
  await measure(10, flashed); // Warm.
  const figures: Figure[] = [];
  for (const keys of SIZES) figures.push(await measure(keys, flashed));
  const lines = figures.map(
    (f) => `${f.keys} keys, ${f.bytes} bytes: tuf-js ${f.stockMs} ms, wrapper ${f.wrapperMs} ms\n`,
  );
  process.stdout.write(values.json === true ? `${JSON.stringify(figures)}\n` : lines.join(""));
}
