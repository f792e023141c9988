/**
 * Brakes that are hidden, brakes that would never end, and breakers that want more than to brake. The coordinator is in the
 * wrong hands, and where a breaker is, it has its key.
 */
import { writeBrakeStatement } from "@moult/contracts";
import { FailureReason, OutcomeKind } from "@moult/contracts/v1";
import type { KeyPair } from "@moult/trust";
import { idOf, listed, seal, signature, file } from "../../../packages/trust/src/tuf/testing/forge.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { type Attack, must } from "../harness/attack.ts";
import { type Forge, part } from "../harness/forge.ts";
import { Siege } from "../harness/siege.ts";

const { BRAKED, METADATA } = FailureReason;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const COMES_MS = 60_000;

interface Said {
  readonly network?: string;
  readonly lifetimeMs?: number;
  readonly key?: KeyPair;
}

/** A signed brake from now on; for an hour where nothing else is said. */
function brake({ network: ours }: Forge, said: Said = {}): Uint8Array {
  const { lifetimeMs = HOUR_MS, key = ours.keys.breaker } = said;
  const issuedMs = Date.now();
  const expiresMs = issuedMs + lifetimeMs;
  const words = { network: said.network ?? ours.network, issuedMs, expiresMs, body: { reason: "a drill" } };
  return ours.brake(writeBrakeStatement(words), key);
}

const HIDDEN = "it moved although the brake was hidden for longer than news may be old";

const suppressed: Attack = {
  row: "brake suppressed",
  name: "who hides a brake has to hide all news with it, and after a day of that nothing moves",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge, coordinator } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    // The news before the brake end; those with the brake never come.
    await siege.outlives((endMs) => forge.allow([six], {}, { issuedMs: endMs - DAY_MS }));
    siege.offered = six;
    await siege.holds(HIDDEN, METADATA, "timestamp EXPIRED");
    // A stolen publisher's key cannot make them last longer.
    forge.allow([six], {}, { lifetimeMs: 2 * DAY_MS });
    await siege.holds(HIDDEN, METADATA, "timestamp FORM_INVALID");
    // One word on any channel is enough, also on one that everybody else keeps quiet about.
    forge.allow([six, seven]);
    coordinator.brakes = [brake(forge)];
    await siege.holds(HIDDEN, BRAKED);
    coordinator.brakes = [];
    await siege.restart();
    await siege.holds(HIDDEN, BRAKED);
    const digest = String(siege.box.log.find(({ msg }) => msg === "a brake holds")?.["digest"]);
    const lifting = forge.list([six, seven]);
    part(lifting, "moult")["lifted_brakes"] = [digest];
    await siege.knows(forge.publish(forge.approved(lifting)));
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "a timestamp lives for a day and no longer",
      of: "agent",
      patches: [
        {
          file: "form/freshness.ts",
          from: "lifetimeMs <= 0 || lifetimeMs > TIMESTAMP_LIFETIME_MAX_MS",
          to: "lifetimeMs <= 0",
        },
      ],
      caught: new RegExp(HIDDEN),
    },
    {
      defence: "what is known holds for a day",
      of: "agent",
      patches: [{ file: "trust/gate.ts", from: "if (network.staleFromMs <= nowMs) {", to: "if (nowMs < 0) {" }],
      caught: new RegExp(HIDDEN),
    },
    {
      defence: "a brake that was heard once is kept",
      of: "agent",
      patches: [
        {
          file: "adapters/metadata-file.ts",
          from: "brakes: brakes.map(toText),",
          to: "brakes: brakes.slice(9).map(toText),",
        },
      ],
      caught: new RegExp(HIDDEN),
    },
  ],
};

const RESUMED = "a breaker, or a coordinator, let a device go that was braked";
const APPROVED = "a breaker approved a build";

const resumes: Attack = {
  row: "breaker tries to approve or resume",
  name: "a breaker can brake: not approve, not lift a brake, not make itself part of the council",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge, coordinator } = siege;
    const { breaker, publisher, council, root: rootKeys } = forge.network.keys;
    const [first] = council;
    must(first !== undefined, "no council");
    const [six, seven] = [siege.build(6), siege.build(7)];
    await siege.knows(forge.allow([]));
    siege.offered = six;
    const wanted = forge.list([six]);
    forge.publish(
      file(
        wanted,
        [first, breaker, publisher].map((key) => signature(wanted, key)),
      ),
    );
    await siege.holds(APPROVED, METADATA, "targets SIGNATURES_TOO_FEW");
    await siege.knows(forge.allow([]));
    // The breaker gets itself into the council of a careless root.
    forge.serveRoot((root) => {
      part(root, "keys")[idOf(breaker)] = listed(breaker);
      (part(root, "roles", "targets")["keyids"] as string[]).push(idOf(breaker));
    }, rootKeys);
    await siege.holds(APPROVED, METADATA, "root KEY_INVALID");
    forge.files.delete("2.root.json");
    siege.offered = undefined;
    await siege.knows(forge.allow([six, seven]));

    coordinator.brakes = [];
    await until("the stream", () => coordinator.openStreams > 0, COMES_MS);
    coordinator.tell({ case: "brake", value: { engaged: true, reason: "a drill", brakes: [brake(forge)] } });
    await until("the brake", () => siege.logged("a brake holds") > 0, COMES_MS);
    const digest = String(siege.box.log.find(({ msg }) => msg === "a brake holds")?.["digest"]);
    siege.opensGates(six);
    await siege.holds(RESUMED, BRAKED);
    // The coordinator calls it off, the breaker says something shorter, and signs a list that lifts it.
    coordinator.tell({ case: "brake", value: { engaged: false, reason: "never mind", brakes: [] } });
    coordinator.brakes = [brake(forge, { lifetimeMs: 1 })];
    await siege.holds(RESUMED, BRAKED);
    const lifting = forge.list([six, seven]);
    part(lifting, "moult")["lifted_brakes"] = [digest];
    siege.hint = forge.publish(seal(lifting, [breaker, first]));
    await siege.holds(RESUMED, METADATA, "targets SIGNATURES_TOO_FEW");
    await siege.knows(forge.publish(forge.approved({ ...lifting, version: forge.version + 1 })));
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "a brake holds whoever calls it off",
      of: "agent",
      patches: [
        {
          file: "trust/view.ts",
          from: "for (const bytes of [...view.brakes, ...heard]) {",
          to: "for (const bytes of heard) {",
        },
      ],
      caught: new RegExp(RESUMED),
    },
  ],
};

const FOR_EVER = "a brake held that was to hold for ever, or was no breaker's";

const forEver: Attack = {
  row: "brake for ever",
  name: "a brake ends: it says when, within a week, and not later than its breaker's place in the root",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge, coordinator } = siege;
    const { breaker, stranger } = forge.network.keys;
    const [six, seven, eight] = [siege.build(6), siege.build(7), siege.build(8)];
    await siege.knows(forge.allow([six, seven, eight]));
    const braked = (): string | undefined =>
      siege.outcomes.some(({ kind, reason }) => kind === OutcomeKind.FAILED && reason === BRAKED)
        ? FOR_EVER
        : undefined;
    coordinator.brakes = [
      brake(forge, { lifetimeMs: 3_650 * DAY_MS }),
      brake(forge, { lifetimeMs: 8 * DAY_MS }),
      brake(forge, { network: "other" }),
      brake(forge, { key: stranger }),
    ];
    await siege.knows(forge.allow([six, seven, eight]));
    await siege.moves(six, braked);
    // One that holds, and ends by itself.
    let endMs = 0;
    for (let lifetimeMs = 3_000; siege.logged("a brake holds") === 0; lifetimeMs *= 2) {
      endMs = Date.now() + lifetimeMs;
      coordinator.brakes = [brake(forge, { lifetimeMs })];
      await siege.knows(forge.allow([six, seven, eight]));
    }
    await siege.moves(seven);
    must(Date.now() > endMs, "it moved under a brake");
    // One that its breaker signs again and again, until the root has no place for it any more.
    coordinator.brakes = [brake(forge, { lifetimeMs: 7 * DAY_MS })];
    await siege.knows(forge.allow([six, seven, eight]));
    siege.opensGates(eight);
    await siege.holds("it moved under a brake", BRAKED);
    forge.rotate((root) => {
      const { breakers } = root["moult"] as { breakers: string[] };
      part(root, "moult")["breakers"] = breakers.filter(
        (key) => key !== Buffer.from(breaker.publicKey).toString("hex"),
      );
    });
    await siege.knows(forge.allow([six, seven, eight]));
    await siege.moves(eight);
  },
  mutants: [
    {
      defence: "a brake holds for a week at most",
      of: "agent",
      patches: [
        {
          file: "statement/statement.ts",
          from: "expiresMs - issuedMs > LIFETIME_MAX_MS[kind]",
          to: "issuedMs < 0",
        },
      ],
      caught: new RegExp(FOR_EVER),
    },
    {
      defence: "a brake is of the device's own network",
      of: "agent",
      patches: [
        { file: "statement/statement.ts", from: "content.network !== rules.network", to: "content.network === ''" },
      ],
      caught: new RegExp(FOR_EVER),
    },
  ],
};

export const brakes: readonly Attack[] = [suppressed, resumes, forEver];
