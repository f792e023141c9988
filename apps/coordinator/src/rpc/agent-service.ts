/** AgentService: what nodes say. Reads, decides through the owner, answers. */
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Call, type Implementation, RpcError, formatName, takeEach } from "@moult/contracts";
import { Patience } from "@moult/contracts/http2";
import {
  type AgentService,
  type AskRequest,
  type AttendResponse,
  AttendResponseSchema,
  type DeviceProof,
  EnrollResponseSchema,
  ErrorReason,
  GetChallengeResponseSchema,
  OpenSessionResponseSchema,
  type ReportRequest,
} from "@moult/contracts/v1";
import { type Node, type NodeIdentity, admit, ask } from "@moult/policy";
import { nodeIdOf, provesKey } from "../identity/device-proof.ts";
import { type TokenRefusal, tokenIdOf } from "../identity/enrollment.ts";
import { takeIn } from "../ledger/hearing.ts";
import type { Rank } from "../ledger/shedding.ts";
import { readAsk, writeVerdict } from "../wire/ask.ts";
import type { Carried } from "../trust/carried.ts";
import { writeBrakeNotice } from "../wire/metadata.ts";
import { readEnrolment } from "../wire/enrolment.ts";
import { readReport, writeReportAnswer } from "../wire/report.ts";
import { askSight, seeClone } from "../anomalies/sights.ts";
import { type Principal, addressOf, sessionEnded } from "./access.ts";
import { Pulses, type WaitingPulse } from "./pulses.ts";
import { type Parts, nodeOf } from "./services.ts";

const TOKEN_MESSAGES: Readonly<Record<TokenRefusal, string>> = {
  TOKEN_UNKNOWN: "the enrolment token is not known here",
  TOKEN_EXPIRED: "the enrolment token has expired; the operator can make another",
  TOKEN_USED_UP: "as many devices as the enrolment token allows have enrolled",
};

/** The service. */
export function createAgentService(parts: Parts): Implementation<typeof AgentService, Principal> {
  const { owner, clock, random, sessions } = parts;

  const pulses = new Pulses(owner, parts.pressure);
  // As many as there are streams, and all of one length.
  const expiries = new Patience<() => void>(sessions.ttlMs, (expire) => expire());

  const takeReport = async (request: ReportRequest, call: Call<Principal>) => {
    parts.pressure.admit(request.report.case === "pulse" ? "PULSE" : "STEP");
    const event = readReport(request, clock.now());
    requireOwn(call, event.nodeId);
    const state = await owner.decide((ledger, now) => {
      const node = nodeOf(parts, event.nodeId);
      return seeClone(parts, node, () => takeIn(ledger, node, event, now));
    });
    return writeReportAnswer(state);
  };

  /** What comes up a stream. Nobody waits for the answer to a pulse, so it may wait with others; `failed` ends the stream. */
  const takeUpward = (
    report: ReportRequest,
    call: Call<Principal>,
    nodeId: string,
    failed: (error: unknown) => void,
  ): Promise<void> | void => {
    if (report.report.case !== "pulse") return takeReport(report, call).then(() => undefined);
    const pulse: WaitingPulse = {
      cameAtMs: clock.now(),
      hasLeft: () => call.signal.aborted,
      takeIn(ledger, now) {
        const event = readReport(report, now);
        requireOwn(call, event.nodeId);
        const node = nodeOf(parts, event.nodeId);
        return seeClone(parts, node, () => takeIn(ledger, node, event, now));
      },
      failed,
    };
    pulses.put(nodeId, pulse);
  };

  return {
    async getChallenge() {
      return create(GetChallengeResponseSchema, { challenge: parts.challenges.give() });
    },

    async enroll(request, call) {
      const publicKey = checkProof(parts, request.proof, call);
      const wish = readEnrolment(request);
      const nodeId = nodeIdOf(publicKey);
      const identity = await owner.decide<NodeIdentity | TokenRefusal>((ledger, now) => {
        const known = ledger.nodes.get(nodeId);
        if (known !== undefined) return { answer: requireKey(known, publicKey), changes: [], effects: [] };
        const token = parts.tokens().use(request.enrollmentToken, now);
        if (typeof token === "string") return { answer: token, changes: [], effects: [] };
        const made: NodeIdentity = {
          nodeId,
          poolId: token.poolId,
          publicKey: Buffer.from(publicKey).toString("hex"),
          model: wish.model,
          labels: { ...wish.labels, ...token.labels },
          domains: wish.domains,
          enrolledAtMs: now,
        };
        admit(ledger, made);
        parts.anomalies.see({ kind: "enrolment", tokenId: tokenIdOf(token.tokenHash) });
        const changes = [
          { kind: "enrolled" as const, identity: made },
          { kind: "token" as const, token },
        ];
        return { answer: made, changes, effects: [] };
      });
      if (typeof identity === "string") {
        parts.anomalies.see({ kind: "failure", address: addressOf(call.peer) });
        throw new RpcError(status.UNAUTHENTICATED, ErrorReason[identity], TOKEN_MESSAGES[identity]);
      }
      parts.log.info({ node: nodeId, pool: identity.poolId }, "node enrolled");
      return create(EnrollResponseSchema, {
        node: formatName("nodes", nodeId),
        pool: formatName("pools", identity.poolId),
      });
    },

    async openSession(request, call) {
      const publicKey = checkProof(parts, request.proof, call);
      const nodeId = nodeIdOf(publicKey);
      const identity = requireKey(nodeOf(parts, nodeId), publicKey);
      return create(OpenSessionResponseSchema, {
        sessionToken: await sessions.open(nodeId),
        expiresInMs: sessions.ttlMs,
        node: formatName("nodes", nodeId),
        pool: formatName("pools", identity.poolId),
      });
    },

    async ask(request, call) {
      parts.pressure.admit(rankOf(request));
      const event = readAsk(request, random.uuid());
      requireOwn(call, event.nodeId);
      const { verdict, brakes, timestampVersion } = await owner.decide((ledger, now) => {
        const node = nodeOf(parts, event.nodeId);
        parts.anomalies.see(askSight(node, event, request.askId));
        const step = seeClone(parts, node, () => ask(ledger, node, event, now));
        const { brakes: known, timestampVersion: version } = parts.trust.current;
        const answer = { verdict: step.answer, brakes: known.forVerdict(now), timestampVersion: version };
        return { ...step, answer };
      });
      return writeVerdict(verdict, {
        askId: request.askId,
        brakes,
        timestampVersion,
        sources: parts.sources(),
        pool: owner.ledger.config.pool,
        now: clock.now(),
      });
    },

    report: takeReport,

    async *attend(requests, call): AsyncGenerator<AttendResponse> {
      const nodeId = ownNode(call);
      nodeOf(parts, nodeId);
      const mailbox = parts.notices.subscribe(call.signal, nodeId);
      const end = (): void => parts.notices.leave(mailbox);
      const notice = brakeNotice(parts, parts.trust.current);
      if (notice.message.case === "brake" && notice.message.value.engaged) mailbox.put("brake", notice);
      // What comes up the stream is taken in beside what goes down it; its end or failure ends the stream.
      let failure: { readonly error: unknown } | undefined;
      const failed = (error: unknown): void => {
        failure ??= { error };
        end();
      };
      const upward = (async () => {
        try {
          await takeEach(requests, ({ message }) => {
            return message.case === "report" ? takeUpward(message.value, call, nodeId, failed) : undefined;
          });
        } finally {
          end();
        }
      })();
      // Its failure is looked at below; until then, a peer that reads nothing may hold this generator up.
      upward.catch(() => undefined);
      parts.attending.began(nodeId);
      // The session was good when the stream began; it has ended by then, and with it what it was good for.
      let expired = false;
      const expire = (): void => {
        expired = true;
        end();
      };
      const expiry = expiries.add(expire);
      try {
        for await (const notices of mailbox) yield* notices;
        if (expired) throw sessionEnded();
        if (failure !== undefined) throw failure.error;
        if (!call.signal.aborted) await upward;
      } finally {
        expiries.delete(expiry);
        parts.attending.ended(nodeId, clock.now());
      }
    },
  };
}

/** How an ask stands in line: what is part of an absence that was granted goes before all else. */
function rankOf({ permitId, stagedDigest }: AskRequest): Rank {
  if (permitId !== "") return "STEP";
  return stagedDigest === "" ? "ASK" : "LEAVE";
}

/** What those who attend are told of brakes now: of the operators' and of the breakers'. */
export function brakeNotice({ owner, clock }: Pick<Parts, "owner" | "clock">, carried: Carried): AttendResponse {
  const value = writeBrakeNotice(owner.ledger.brake, carried, clock.now());
  return create(AttendResponseSchema, { message: { case: "brake", value } });
}

function checkProof(parts: Parts, proof: DeviceProof | undefined, call: Call<Principal>): Uint8Array {
  if (proof === undefined || !parts.challenges.check(proof.challenge)) {
    parts.anomalies.see({ kind: "failure", address: addressOf(call.peer) });
    const message = "the challenge was not given here or is older than a minute; get another";
    throw new RpcError(status.UNAUTHENTICATED, ErrorReason.CHALLENGE_INVALID, message);
  }
  if (!provesKey(proof.publicKey, proof.challenge, proof.signature)) {
    parts.anomalies.see({ kind: "failure", address: addressOf(call.peer) });
    const message = "the signature does not fit the public key and the challenge";
    throw new RpcError(status.UNAUTHENTICATED, ErrorReason.SIGNATURE_INVALID, message);
  }
  return proof.publicKey;
}

/** Ids are short hashes of keys: a second key with the same id is somebody else. */
function requireKey({ identity }: Node, publicKey: Uint8Array): NodeIdentity {
  if (identity.publicKey === Buffer.from(publicKey).toString("hex")) return identity;
  const message = `node ${identity.nodeId} has another key; make a new device key`;
  throw new RpcError(status.UNAUTHENTICATED, ErrorReason.SIGNATURE_INVALID, message);
}

function ownNode(call: Call<Principal>): string {
  if (call.principal.kind === "device") return call.principal.nodeId;
  throw new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, "only devices call this");
}

function requireOwn(call: Call<Principal>, nodeId: string): void {
  const own = ownNode(call);
  if (own === nodeId) return;
  throw new RpcError(status.PERMISSION_DENIED, ErrorReason.NODE_MISMATCH, `the session is ${own}'s, not ${nodeId}'s`);
}
