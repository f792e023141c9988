/** A device: its key, its session, and what it says. */
import { createHash, randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type AskRequest,
  type DeviceProof,
  type HostFactsSchema,
  type NodeState,
  type PlatformSchema,
  type ReportRequestSchema,
  type Situation,
  type Verdict,
  WorkState,
} from "@moult/contracts/v1";
import { type KeyPair, generateKey, sign } from "@moult/trust";
import { CALL_MS, type Clients } from "./clients.ts";

/** A situation as a test writes it down; what is left out has the contract's default. */
export type SituationWords = Partial<Omit<Situation, "$typeName" | "$unknown" | "host">> & {
  readonly host?: MessageInitShape<typeof HostFactsSchema>;
};

/** What a node that works says of itself. */
export const WORKING: SituationWords = {
  capacityRps: 10,
  loadRps: 2,
  workState: WorkState.SERVING,
  interruptible: true,
  endpoint: "127.0.0.1:8080",
};

/** SHA-256 of a word, for builds that need no bytes. */
export function digestFor(word: string): string {
  return createHash("sha256").update(word).digest("hex");
}

type Ask = Partial<Omit<AskRequest, "$typeName" | "$unknown" | "platform" | "situation">> & {
  readonly platform?: MessageInitShape<typeof PlatformSchema>;
  readonly situation?: SituationWords;
};
type Report = NonNullable<MessageInitShape<typeof ReportRequestSchema>["report"]>;

/** A device. */
export class TestDevice {
  readonly key: KeyPair;
  clients: Clients;
  node = "";
  token = "";
  readonly #bootId = randomUUID();
  #sequence = 0n;

  constructor(clients: Clients, key: KeyPair = generateKey()) {
    this.clients = clients;
    this.key = key;
  }

  /** Options of a call in the device's session. */
  get session(): { readonly bearer: string; readonly timeoutMs: number } {
    return { bearer: this.token, timeoutMs: CALL_MS };
  }

  /** A proof over a fresh challenge. */
  async prove(): Promise<Pick<DeviceProof, "publicKey" | "challenge" | "signature">> {
    const { challenge } = await this.clients.agent.getChallenge({}, { timeoutMs: CALL_MS });
    return this.proofOver(challenge);
  }

  proofOver(challenge: Uint8Array): Pick<DeviceProof, "publicKey" | "challenge" | "signature"> {
    const message = Buffer.concat([Buffer.from("moult device proof v1\0"), challenge]);
    return { publicKey: this.key.publicKey, challenge, signature: sign(message, this.key.privateKey) };
  }

  async enrol(enrollmentToken: string, more: { readonly labels?: Record<string, string> } = {}): Promise<string> {
    const answer = await this.clients.agent.enroll(
      { proof: await this.prove(), enrollmentToken, ...more },
      { timeoutMs: CALL_MS },
    );
    this.node = answer.node;
    return answer.node;
  }

  async openSession(): Promise<number> {
    const answer = await this.clients.agent.openSession({ proof: await this.prove() }, { timeoutMs: CALL_MS });
    this.node = answer.node;
    this.token = answer.sessionToken;
    return answer.expiresInMs;
  }

  /** An ask by a node on 1.0.0, with the next sequence. */
  askRequest(more: Ask = {}): Ask {
    this.#sequence += 1n;
    return {
      node: this.node,
      askId: randomUUID(),
      bootId: this.#bootId,
      sequence: this.#sequence,
      platform: { os: "linux", arch: "x64" },
      runningDigest: digestFor("1.0.0"),
      runningVersion: "1.0.0",
      runningReleaseCounter: 1n,
      situation: WORKING,
      ...more,
    };
  }

  async ask(more: Ask = {}): Promise<Verdict> {
    const { verdict } = await this.clients.agent.ask(this.askRequest(more), this.session);
    if (verdict === undefined) throw new Error("an answer without a verdict");
    return verdict;
  }

  reportRequest(report: Report): MessageInitShape<typeof ReportRequestSchema> {
    this.#sequence += 1n;
    return { node: this.node, bootId: this.#bootId, sequence: this.#sequence, report };
  }

  async report(report: Report): Promise<NodeState> {
    return (await this.clients.agent.report(this.reportRequest(report), this.session)).state;
  }

  pulse(situation: SituationWords = WORKING): Promise<NodeState> {
    return this.report({ case: "pulse", value: { situation } });
  }
}
