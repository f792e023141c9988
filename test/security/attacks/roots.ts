/**
 * Roots: chains that skip a link or that their own keys did not sign, years of rotations that a device slept through, the
 * server keys that a root names, and what lies on the device's own disk.
 */
import { X509Certificate, createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FailureReason } from "@moult/contracts/v1";
import { seal as sealDocument, unseal } from "@moult/slots";
import { type KeyPair, generateKey } from "@moult/trust";
import { TestNetwork } from "@moult/trust/testing";
import { type TestCertificate, makeCertificate } from "../../../apps/agent/src/testing/certificate.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { type Loose, idOf, listed, seal } from "../../../packages/trust/src/tuf/testing/forge.ts";
import { type Attack, must } from "../harness/attack.ts";
import { type Change, part } from "../harness/forge.ts";
import { Siege } from "../harness/siege.ts";

const { METADATA, NOT_APPROVED } = FailureReason;
const COMES_MS = 60_000;

/** Gives a role to these keys, all of whom have to sign. */
function given(role: "root" | "targets", keys: readonly KeyPair[], before: readonly KeyPair[]): Change {
  return (root) => {
    for (const key of before) delete part(root, "keys")[idOf(key)];
    for (const key of keys) part(root, "keys")[idOf(key)] = listed(key);
    part(root, "roles")[role] = { keyids: keys.map(idOf), threshold: keys.length };
  };
}

/** All of these changes. */
function all(...changes: readonly Change[]): Change {
  return (root: Loose) => changes.forEach((change) => change(root));
}

const TAKEN = "it followed a root that its own root did not sign";

const chain: Attack = {
  row: "root skips a version or lacks the old threshold",
  name: "a device follows its root's own line and no other: no skipped version, no quorum missing, old or new",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const { root, council, stranger } = forge.network.keys;
    const [six, seven] = [siege.build(6), siege.build(7)];
    const [first, second] = root;
    must(first !== undefined && second !== undefined, "no root keys");
    await siege.knows(forge.allow([]));
    siege.offered = six;
    const mine = generateKey();
    // The takeover whole: root, council and list of one hand.
    forge.serveRoot(all(given("root", [stranger], root), given("targets", [mine], council)), [stranger]);
    forge.publish(seal(forge.list([six]), [mine]));
    await siege.holds(TAKEN, METADATA, "root SIGNATURES_TOO_FEW");
    forge.allow([]);
    const takeOver = all(given("root", [stranger], root), given("targets", [generateKey()], council));
    const tries: readonly (readonly [Change, readonly KeyPair[], string])[] = [
      // The new root's own key alone; one root key of two beside it; one key's signature under another's id is in approval.
      [takeOver, [stranger], "root SIGNATURES_TOO_FEW"],
      [takeOver, [stranger, first], "root SIGNATURES_TOO_FEW"],
      // The old quorum alone does not make it the new keys' root.
      [given("root", [stranger], root), root, "root SIGNATURES_TOO_FEW"],
      [all((signed) => void (signed["version"] = 3), given("targets", [mine], council)), root, "root ROOT_NOT_NEXT"],
      [all((signed) => void (signed["version"] = 1), given("targets", [mine], council)), root, "root ROOT_NOT_NEXT"],
      [(signed) => void (part(signed, "moult")["network"] = "other"), root, "root OTHER_NETWORK"],
    ];
    for (const [change, signers, says] of tries) {
      forge.serveRoot(change, signers);
      // What the change numbered itself is served as the next one all the same.
      const forged = [...forge.files].findLast(([name]) => name.endsWith(".root.json"))?.[1];
      must(forged !== undefined, "no root was forged");
      forge.files.set("2.root.json", forged);
      await siege.holds(TAKEN, METADATA, says);
    }
    for (const name of ["2.root.json", "3.root.json"]) forge.files.delete(name);
    forge.allow([seven]);
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "the old root's quorum signs the next one",
      of: "agent",
      patches: [
        {
          file: "client/session.ts",
          from: `    requireQuorum(next, this.#form.roles.root, this.#form.keys, "the root before it");
    requireQuorum(next, form.roles.root, form.keys, "itself");
    // In doubles 2^53 + 1 is 2^53; what is compared here are safe integers.
    if (next.version !== this.#root.version + 1) {
      throw new TufError("ROOT_NOT_NEXT", "root", \`version \${next.version} does not follow \${this.#root.version}\`);
    }
    this.#library.updateRoot(next);`,
          to: "    this.#library = new Library(next, this.#nowMs);",
        },
      ],
      caught: new RegExp(TAKEN),
    },
  ],
};

const MISSED = 5;
const JUMPED = "it jumped over a root that was kept from it";

const walked: Attack = {
  row: "root skips a version or lacks the old threshold",
  name: "a device that slept through rotations walks each of them, and jumps over none that is kept from it",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [six] = [siege.build(6)];
    await siege.knows(forge.allow([]));
    await siege.box.killUpdater();
    let { root, council } = forge.network.keys;
    for (let n = 0; n < MISSED; n += 1) {
      const [roots, members] = [
        [generateKey(), generateKey()],
        [generateKey(), generateKey()],
      ];
      forge.rotate(all(given("root", roots, root), given("targets", members, council)), [...root, ...roots]);
      [root, council] = [roots, members];
    }
    forge.publish(seal(forge.list([six]), council));
    const kept = forge.files.get("4.root.json");
    must(kept !== undefined, "there is no root 4");
    forge.files.delete("4.root.json");
    siege.offered = six;
    siege.box.switchOn();
    await siege.holds(JUMPED, METADATA, "targets SIGNATURES_TOO_FEW");
    forge.files.set("4.root.json", kept);
    await siege.moves(six);
    must(
      siege.coordinator.calls.includes(`getMetadata ${MISSED + 2}.root.json`),
      "it did not look for the newest root",
    );
  },
};

/** SHA-256 of the certificate's public key, as a root pins it. */
function pinOf({ cert }: TestCertificate): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("hex");
}

const SPOKE = "it spoke to a server whose key the root does not name";
const STRANDED = "the spare key did not bring it back";

const pinned: Attack = {
  row: "pinned server key lost",
  name: "a server with another key is not spoken to, whoever vouches for it; one with the spare that the root names is",
  async run(scene) {
    const authority = makeCertificate({ commonName: "authority" });
    const certify = (): TestCertificate => makeCertificate({ issuer: authority });
    const [active, spare, bought] = [certify(), certify(), certify()];
    const serverKeys = { active: [pinOf(active)], backup: [pinOf(spare)] };
    const siege = await Siege.open(scene, {
      network: new TestNetwork({ network: "test", serverKeys }),
      certificate: active,
      mirrorCertificate: spare,
      authorities: [authority],
      // Each try is told then.
      config: { log_level: "debug" },
    });
    const { forge, coordinator } = siege;
    const seven = siege.build(7);
    await siege.knows(forge.allow([seven]));
    const restartOn = async (certificate: TestCertificate): Promise<void> => {
      coordinator.kill();
      coordinator.certificate = certificate;
      await coordinator.start();
    };
    await restartOn(bought);
    const calls = coordinator.calls.length;
    const refusals = (): number =>
      siege.box.log.filter((line) => JSON.stringify(line).includes("none of those that the root names")).length;
    const spoken = (): boolean => must(coordinator.calls.length === calls, SPOKE) === undefined;
    await until("refusals of the key", () => spoken() && refusals() > 2, COMES_MS);
    const before = refusals();
    await restartOn(spare);
    await siege.moves(seven, () => (refusals() > before + 8 ? STRANDED : undefined));
  },
  mutants: [
    {
      defence: "a server has one of the keys that the root names",
      of: "agent",
      patches: [
        {
          file: "tls/judge-peer.ts",
          from: "pins.length > 0 && !pins.includes(pinOf(leaf))",
          to: "pins.length > 99 && !pins.includes(pinOf(leaf))",
        },
      ],
      caught: new RegExp(SPOKE),
    },
    {
      defence: "the spare counts as the key in use does",
      of: "agent",
      patches: [
        {
          file: "trust/keeper.ts",
          from: "[...keys.active, ...keys.backup]",
          to: "[...keys.active]",
        },
      ],
      caught: new RegExp(STRANDED),
    },
  ],
};

const BELIEVED = "it believed what was put on its disk";

const disk: Attack = {
  row: "old metadata",
  name: "metadata that was altered on the disk, or removed, is not believed and not missed",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge, box } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    await siege.knows(forge.allow([]));
    siege.offered = six;
    const path = join(box.dir, "state", "metadata");
    await until("the metadata on the disk", () => existsSync(path), COMES_MS);
    const whole = readFileSync(path);
    const served = forge.record();
    // The files of a takeover, sealed as the device seals its own; and the coordinator says nothing to the contrary.
    const { stranger, publisher } = forge.network.keys;
    const forged = seal({ ...forge.list([six]), version: 1 }, [stranger, publisher]);
    forge.publish(forged);
    const text = (name: string): string => Buffer.from(forge.files.get(name) ?? []).toString("base64");
    const document = unseal(whole) as Readonly<Record<string, unknown>>;
    const altered = sealDocument({
      ...document,
      timestamp: text("timestamp.json"),
      snapshot: text(`${forge.version}.snapshot.json`),
      targets: Buffer.from(forged).toString("base64"),
    });
    await siege.restart(() => {
      writeFileSync(path, altered);
      forge.files.clear();
    });
    await siege.holds(BELIEVED, METADATA);
    const takenOver = sealDocument({
      root: Buffer.from(forge.serveRoot(given("targets", [stranger], []), [stranger])).toString("base64"),
      brakes: [],
    });
    forge.files.clear();
    for (const content of [
      takenOver,
      whole.subarray(0, whole.length / 2),
      Buffer.from("{}"),
      Buffer.alloc(5_000_000, 32),
    ]) {
      await siege.restart(() => writeFileSync(path, content));
      await siege.holds(BELIEVED, METADATA);
    }
    await siege.restart(() => rmSync(path));
    for (const [name, bytes] of served) forge.files.set(name, bytes);
    await siege.holds(BELIEVED, NOT_APPROVED);
    forge.allow([seven]);
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "what was kept is verified as if it came from anybody",
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
      caught: new RegExp(BELIEVED),
    },
  ],
};

export const roots: readonly Attack[] = [chain, walked, pinned, disk];
