/** What a coordinator carries for others: it takes no metadata that devices would refuse, and no brake of a non-breaker. */
import { writeBrakeStatement } from "@moult/contracts";
import { Decision } from "@moult/contracts/v1";
import { generateKey } from "@moult/trust";
import { TestNetwork } from "@moult/trust/testing";
import { WORKING } from "../../../apps/coordinator/src/testing/device.ts";
import { type Signed, entryOf, forged } from "../../../apps/coordinator/src/testing/forge.ts";
import { buildOf } from "../../../apps/coordinator/src/testing/network.ts";
import { signedOverride } from "../../../apps/coordinator/src/testing/override.ts";
import { type Attack, must } from "../harness/attack.ts";
import { Fort, refusal } from "../harness/fort.ts";
import { publishMetadata, releaseToAll } from "../harness/release.ts";
import { BEYOND } from "../harness/rows.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Files = readonly [list: Uint8Array, snapshot: Uint8Array, timestamp: Uint8Array];

/** Each role's version, and the number of builds. */
async function published(fort: Fort): Promise<string> {
  const { files, builds } = await fort.clients.metadata.getMetadataStatus({}, fort.clients.viewer);
  return [...files.map(({ role, version }) => `${role} ${version}`), `builds ${builds}`].join(", ");
}

const metadata: Attack = {
  row: BEYOND,
  name: "metadata that is unsigned, mixed, old, expired, of another network or too much is published by nobody",
  async run(scene) {
    const fort = await Fort.open(scene);
    const { network } = fort;
    const { council, publisher, stranger, breaker } = network.keys;
    const listOf = (counter: number): Files =>
      network.allow(network.entry(buildOf(`${counter}.0.0`, counter).manifest)) as unknown as Files;
    const first = listOf(2);
    const second = listOf(3);
    await publishMetadata(fort, first);
    await publishMetadata(fort, second);
    const before = await published(fort);
    const [list, snapshot, timestamp] = listOf(4);
    const same = (): void => undefined;
    /** A list as these signed it, under the true publisher's word. */
    const under = (file: Uint8Array): readonly Uint8Array[] => {
      const above = forged(snapshot, ({ meta }) => (meta["targets.json"] = entryOf(file)), [publisher]);
      return [file, above, forged(timestamp, ({ meta }) => (meta["snapshot.json"] = entryOf(above)), [publisher])];
    };
    const late = new TestNetwork({ network: network.network, nowMs: () => Date.now() - 2 * DAY_MS });
    const other = new TestNetwork({ network: "other" });
    const past = (hours: number): string => `${new Date(Date.now() - hours * HOUR_MS).toISOString().slice(0, 19)}Z`;
    const ended = (signed: Signed): void => {
      signed.expires = past(1);
      signed.moult["issued"] = past(3);
    };
    const expired = forged(timestamp, ended, [publisher]);
    const lies: readonly (readonly [what: string, files: readonly Uint8Array[]])[] = [
      ["an unsigned list", under(forged(list, same, []))],
      ["a list of one council key", under(forged(list, same, council.slice(0, 1)))],
      ["a list that a breaker signed too", under(forged(list, same, [...council.slice(0, 1), breaker]))],
      ["a list that the publisher signed", under(forged(list, same, [publisher]))],
      ["a stranger's timestamp", [list, snapshot, forged(timestamp, same, [stranger])]],
      ["an expired timestamp", [list, snapshot, expired]],
      ["another network's metadata", other.allow()],
      ["old metadata of the same name", late.allow()],
      ["metadata of before", first],
      ["a list with a timestamp of before", [list, second[1], second[2]]],
      ["a list beside what does not name it", [first[0], snapshot, timestamp, list]],
      ["nothing", []],
      ["far too many files", Array.from({ length: 65 }, () => second[2])],
      ["a list of 2 MiB", [Buffer.concat([list, Buffer.alloc(2 * 1_048_576, " ")]), snapshot, timestamp]],
      ["what is no metadata", [Buffer.from("{}")]],
    ];
    for (const [what, files] of lies) {
      const said = await refusal(publishMetadata(fort, files), `${what} was published`);
      must(said.endsWith(" METADATA_INVALID"), `${what} was refused as ${said}`);
      must((await published(fort)) === before, `${what} was refused, and changed what is published`);
    }
    await publishMetadata(fort, [list, snapshot, timestamp]);
    must((await published(fort)) !== before, "an honest list is not published, so that nothing was tested");
  },
  mutants: [
    {
      defence: "a list has its quorum",
      of: "coordinator",
      // Counted by us and by the library.
      patches: [
        { file: "form/keys.ts", from: "if (size >= role.threshold) return;", to: "if (size >= 0) return;" },
        {
          file: "@tufjs/models/dist/metadata.js",
          from: "if (signingKeys.size < role.threshold) {",
          to: "if (signingKeys.size < 0) {",
        },
      ],
      caught: /(an unsigned list|a list of one council key) was published/,
    },
    {
      defence: "what has expired is not taken in",
      of: "coordinator",
      patches: [
        {
          file: "trust/publication.ts",
          from: "for (const file of fresh) requireCurrent(file, walked, now);",
          to: "",
        },
      ],
      caught: /an expired timestamp was published/,
    },
    {
      defence: "every file that is handed in comes to something",
      of: "coordinator",
      patches: [
        {
          file: "trust/publication.ts",
          from: "for (const file of offered) requireUsed(file, carried, walked, fresh);",
          to: "",
        },
      ],
      caught: /(metadata of before|a list with a timestamp of before) was published/,
    },
    {
      defence: "one publication has so many files",
      of: "coordinator",
      patches: [{ file: "wire/metadata.ts", from: "files.length > FILES.max", to: "files.length < 0" }],
      caught: /far too many files was published/,
    },
  ],
};

const brakes: Attack = {
  row: BEYOND,
  name: "a brake counts from a breaker only, for this network and a bounded time, and no operator ends it",
  async run(scene) {
    const fort = await Fort.open(scene);
    await fort.company();
    const build = await releaseToAll(fort);
    const { metadata: service, rollout, breaker, operator } = fort.clients;
    const { keys, network } = fort.network;
    const payload = (
      more: { readonly network?: string; readonly forMs?: number; readonly issuedMs?: number } = {},
    ): Uint8Array => {
      const issuedMs = more.issuedMs ?? Date.now();
      const expiresMs = issuedMs + (more.forMs ?? HOUR_MS);
      return writeBrakeStatement({ network: more.network ?? network, issuedMs, expiresMs, body: { reason: "smoke" } });
    };
    const wish = { pool: "pools/home", nodes: [], reason: "drill", deficitMaxRps: 2 };
    const honest = fort.network.brake(payload());
    const broken = Uint8Array.from(honest);
    broken[broken.length - 20] = (broken[broken.length - 20] ?? 0) ^ 1;
    const council = keys.council[0] ?? generateKey();
    const lies: readonly (readonly [what: string, statement: Uint8Array])[] = [
      ["a stranger's brake", fort.network.brake(payload(), keys.stranger)],
      ["a council member's brake", fort.network.brake(payload(), council)],
      ["a publisher's brake", fort.network.brake(payload(), keys.publisher)],
      ["another network's brake", fort.network.brake(payload({ network: "other" }))],
      ["a brake for ever", fort.network.brake(payload({ forMs: 3650 * DAY_MS }))],
      ["a brake of last year", fort.network.brake(payload({ issuedMs: Date.now() - 365 * DAY_MS }))],
      ["a brake of next year", fort.network.brake(payload({ issuedMs: Date.now() + 365 * DAY_MS }))],
      ["an override", signedOverride(wish, 600, { key: keys.breaker }).statement ?? new Uint8Array()],
      ["a brake with a flipped bit", broken],
      ["a brake without an end of JSON", honest.subarray(0, -1)],
      ["nothing", new Uint8Array()],
    ];
    for (const [what, statement] of lies) {
      const said = await refusal(service.submitBrake({ statement }, breaker), `${what} was taken`);
      must(said === "INVALID_ARGUMENT STATEMENT_INVALID", `${what} was refused as ${said}`);
    }
    const [free, held] = [await fort.device(), await fort.device()];
    const ask = { stagedDigest: build.digest, situation: WORKING };
    const go = await free.ask(ask);
    must(go.decision === Decision.GO, `a refused brake holds: ${go.message}`);
    await service.submitBrake({ statement: honest }, breaker);
    const isHeld = async (when: string): Promise<void> => {
      const { decision, brakes: carried } = await held.ask(ask);
      must(decision === Decision.STAY, `a breaker's brake does not hold ${when}`);
      must(carried.length === 1, `a breaker's brake is not carried ${when}`);
    };
    await isHeld("at once");
    await rollout.releaseBrake({ reason: "go on" }, operator);
    await isHeld("after an operator released it");
    await fort.end();
    await fort.start();
    held.clients = fort.clients;
    await isHeld("after kill -9");
    const [brake] = (await fort.clients.metadata.getMetadataStatus({}, fort.clients.viewer)).brakes;
    await publishMetadata(fort, fort.network.lift(brake?.digest ?? ""));
    must((await held.ask(ask)).brakes.length === 0, "the council cannot lift a brake");
    const again = fort.clients.metadata.submitBrake({ statement: honest }, fort.clients.breaker);
    must((await refusal(again, "a lifted brake came back")).endsWith("STATEMENT_INVALID"), "refused as something else");
  },
  mutants: [
    {
      defence: "a brake is a breaker's",
      of: "coordinator",
      patches: [
        {
          file: "trust/brakes.ts",
          from: "keys: root.breakers,",
          to: "keys: [...root.breakers, ...root.roles.targets.keys, ...root.roles.timestamp.keys],",
        },
      ],
      caught: /a council member's brake was taken/,
    },
    {
      defence: "a brake ends",
      of: "coordinator",
      patches: [
        {
          file: "statement/statement.ts",
          from: "if (expiresMs - issuedMs > LIFETIME_MAX_MS[kind]) {",
          to: "if (expiresMs < 0) {",
        },
      ],
      caught: /a brake for ever was taken/,
    },
    {
      defence: "a signed brake holds whatever operators do",
      of: "coordinator",
      patches: [
        {
          file: "gates/dial.ts",
          from: "const signed = input.signedBrakes.find(({ expiresAtMs }) => expiresAtMs > input.now);",
          to: "const signed = input.signedBrakes.find(({ expiresAtMs }) => expiresAtMs < 0);",
        },
      ],
      caught: /a breaker's brake does not hold at once/,
    },
  ],
};

export const carried: readonly Attack[] = [metadata, brakes];
