/**
 * The demo's keys, as a network of its own has them: a root key in a safe, a council of three of whom two are a quorum, a
 * publisher, and an operator. Lists are made, signed and published with the commands that people type.
 */
import { writeFile } from "node:fs/promises";
import { formatPublicKey, generateKey, writeKeyFile } from "@moult/trust";
import type { House } from "../harness/house.ts";

const MEMBERS = ["ada", "grace", "hedy"] as const;
const THRESHOLD = 2;

/** Runs a `moult` command that must go well. */
type Moult = (words: readonly string[]) => Promise<unknown>;

interface DemoKey {
  readonly file: string;
  readonly publicKey: string;
}

/** The council, and what else signs. */
export class Council {
  /** The root that devices are flashed with. */
  readonly rootFile: string;
  /** Who signs overrides. */
  readonly operator: DemoKey;
  readonly #house: House;
  readonly #members: readonly DemoKey[];
  readonly #publisher: DemoKey;
  #lists = 0;

  private constructor(house: House, members: readonly DemoKey[], publisher: DemoKey, operator: DemoKey) {
    this.rootFile = house.path("root.json");
    this.operator = operator;
    this.#house = house;
    this.#members = members;
    this.#publisher = publisher;
  }

  /** Makes the keys and holds the first ceremony: a root that names them. */
  static async found(house: House, moult: Moult, network: string): Promise<Council> {
    const key = (name: string): Promise<DemoKey> => makeKey(house, name);
    const members = await Promise.all(MEMBERS.map(key));
    const [root, publisher, breaker, operator] = await Promise.all(
      ["root", "publisher", "breaker", "operator"].map(key),
    );
    if (root === undefined || publisher === undefined || breaker === undefined || operator === undefined) {
      throw new Error("a key is missing");
    }
    const council = new Council(house, members, publisher, operator);
    const named = [`root=${root.publicKey}`, `publisher=${publisher.publicKey}`, `breaker=${breaker.publicKey}`];
    const add = [...named, ...members.map(({ publicKey }) => `council=${publicKey}`)].flatMap((who) => ["--add", who]);
    const quorums = ["--quorum", "root=1", "--quorum", `council=${THRESHOLD}`];
    await moult(["root", "init", "--network", network, ...add, ...quorums, "--out", council.rootFile]);
    await moult(["root", "sign", council.rootFile, "--key", root.file, "--yes"]);
    return council;
  }

  /** The next list, with this build; nobody has signed it. Answers its file. */
  async propose(moult: Moult, dir: string): Promise<string> {
    const from = this.#lists === 0 ? [] : ["--from", this.#file()];
    this.#lists += 1;
    await moult(["release", "allow", dir, ...from, "--out", this.#file()]);
    return this.#file();
  }

  /** Has one member sign a list, 0 for the first. */
  async sign(moult: Moult, list: string, member: number): Promise<void> {
    const { file } = this.#members[member] ?? { file: "" };
    await moult(["release", "sign", list, "--root", this.rootFile, "--key", file, "--yes"]);
  }

  /** The words by which the publisher makes a list the one that holds. */
  publishing(list: string): readonly string[] {
    return ["metadata", "publish", "--allowlist", list, "--root", this.rootFile, "--key", this.#publisher.file];
  }

  /** Proposal, quorum and publication, and then the release itself. */
  async release(moult: Moult, dir: string): Promise<void> {
    const list = await this.propose(moult, dir);
    for (let member = 0; member < THRESHOLD; member += 1) await this.sign(moult, list, member);
    await moult(this.publishing(list));
    await moult(["release", "publish", dir]);
  }

  #file(): string {
    return this.#house.path(`${this.#lists}.targets.json`);
  }
}

/** A key file is its owner's alone. */
async function makeKey(house: House, name: string): Promise<DemoKey> {
  const { privateKey, publicKey } = generateKey();
  const file = house.path(`${name}.key`);
  await writeFile(file, writeKeyFile(privateKey), { mode: 0o600 });
  return { file, publicKey: formatPublicKey(publicKey) };
}
