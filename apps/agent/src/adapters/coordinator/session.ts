/** Opening a session: the device proves its key; a coordinator that does not know it yet enrols it first. */
import { type Client, readRpcError } from "@moult/contracts";
import type { AgentService, DeviceProof } from "@moult/contracts/v1";
import type { WireSettings } from "../../config/settings.ts";
import type { Identity } from "../identity.ts";

/** An open session. */
export interface Session {
  readonly token: string;
  /** `nodes/{id}`. */
  readonly node: string;
  /** On the monotonic clock; a new session is opened before. */
  readonly renewAtMs: number;
}

/** Each proof begins with this, so that a signature over a challenge is good for nothing else. */
const PROOF_CONTEXT = "moult device proof v1\0";

/** A session is renewed when this share of its time has passed: early enough for some failed tries. */
const RENEW_AFTER = 0.75;

type AgentClient = Client<typeof AgentService>;
type Proof = Pick<DeviceProof, "publicKey" | "challenge" | "signature">;

/** Opens a session. Throws what the calls throw. */
export async function openSession(
  client: AgentClient,
  identity: Identity,
  settings: WireSettings,
  nowMs: () => number,
): Promise<Session> {
  const timeoutMs = settings.rpcTimeoutMs;
  const open = async (): Promise<Session> => {
    const proof = await prove(client, identity, timeoutMs);
    const opened = await client.openSession({ proof }, { timeoutMs });
    const { sessionToken, node, expiresInMs } = opened;
    return { token: sessionToken, node, renewAtMs: nowMs() + expiresInMs * RENEW_AFTER };
  };
  try {
    return await open();
  } catch (error) {
    if (readRpcError(error).reason !== "NODE_UNKNOWN" || settings.enrollmentToken === "") throw error;
  }
  await enroll(client, identity, settings);
  return open();
}

async function enroll(client: AgentClient, identity: Identity, settings: WireSettings): Promise<void> {
  const { enrollmentToken, model, labels, domains, rpcTimeoutMs: timeoutMs } = settings;
  const proof = await prove(client, identity, timeoutMs);
  await client.enroll({ proof, enrollmentToken, model, labels: { ...labels }, domains: [...domains] }, { timeoutMs });
}

async function prove(client: AgentClient, identity: Identity, timeoutMs: number): Promise<Proof> {
  const { challenge } = await client.getChallenge({}, { timeoutMs });
  const signature = identity.sign(Buffer.concat([Buffer.from(PROOF_CONTEXT, "ascii"), challenge]));
  return { publicKey: identity.publicKey, challenge, signature };
}
