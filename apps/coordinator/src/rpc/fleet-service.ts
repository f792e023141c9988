/** FleetService: what operators look at, and the tokens with which devices enrol. */
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Implementation, RpcError, formatName } from "@moult/contracts";
import {
  CreateEnrollmentTokenResponseSchema,
  Decision,
  EnrollmentTokenSchema,
  ErrorReason,
  ExplainNodeResponseSchema,
  type FleetService,
  GetNodeResponseSchema,
  GetStatusResponseSchema,
  EventSchema,
  ListEnrollmentTokensResponseSchema,
  ListEventsResponseSchema,
  ListNodesResponseSchema,
  ListPoolsResponseSchema,
  NodeSchema,
  ReadmitNodeResponseSchema,
  RevokeEnrollmentTokenResponseSchema,
  type WatchFleetResponse,
  WatchFleetResponseSchema,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "@moult/contracts/v1";
import { type Node, explain, poolOf, readmit } from "@moult/policy";
import { setTimeout as sleep } from "node:timers/promises";
import type { FleetEvent } from "../anomalies/kinds.ts";
import { hashToken, tokenIdOf } from "../identity/enrollment.ts";
import type { EnrollmentToken } from "../store/port.ts";
import { writeGate, writeTarget } from "../wire/ask.ts";
import { writeEnrollmentToken } from "../wire/enrolment.ts";
import { readKinds, writeEvent } from "../wire/event.ts";
import { Fields } from "../wire/fields.ts";
import { writeFleet, writeNode, writePool } from "../wire/fleet.ts";
import { writeStatus } from "../wire/status.ts";
import { writeTime } from "../wire/time.ts";
import { type Principal, wordOf } from "./access.ts";
import { firstAfter } from "../ledger/in-order.ts";
import { PAGE_MAX, page, readPageToken } from "./pages.ts";
import { type Parts, loadedAnew, nodeOf, releaseUnknown } from "./services.ts";

/** At most once a second, as the contract says. */
const WATCH_INTERVAL_MS = 1000;
/** 192 bits, in a form that survives being typed into a configuration. */
const TOKEN_BYTES = 24;
const USES_MAX = 10_000_000;
const TOKEN_TTL_MAX_S = 157_680_000;
/** As with every reason in the contract. */
const REASON_LENGTH_MAX = 512;
const POOL_ID = /^[a-z0-9-]{1,63}$/;

/** The service. */
export function createFleetService(parts: Parts): Implementation<typeof FleetService, Principal> {
  const { owner, clock, random } = parts;
  return {
    async getNode(request) {
      const node = nodeOf(parts, readNode(request.name));
      return create(GetNodeResponseSchema, { node: writeNode(owner.ledger, node, clock.now()) });
    },

    async listNodes(request) {
      const { ledger } = owner;
      const fields = new Fields();
      const poolId = fields.id("pools", request.pool, "pool", { optional: true });
      const nodes = await firstAfter(ledger, poolId, readPageToken(request.pageToken), PAGE_MAX + 1);
      // Another may decide since, and know otherwise.
      if (owner.ledger !== ledger) throw loadedAnew();
      const now = clock.now();
      const written = {
        schema: NodeSchema,
        keyOf: (node: Node) => node.nodeId,
        write: (node: Node) => writeNode(ledger, node, now),
      };
      const { messages, nextPageToken } = page(fields, nodes, written, request);
      return create(ListNodesResponseSchema, { nodes: messages, nextPageToken });
    },

    async listPools() {
      return create(ListPoolsResponseSchema, { pools: [...owner.ledger.pools.values()].map(writePool) });
    },

    async *watchFleet(_, call): AsyncGenerator<WatchFleetResponse> {
      let last = "";
      while (!call.signal.aborted) {
        const fleet = await writeFleet(owner.ledger, clock.now());
        const text = JSON.stringify(fleet, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
        if (text !== last) yield create(WatchFleetResponseSchema, fleet);
        last = text;
        await sleep(WATCH_INTERVAL_MS, undefined, { signal: call.signal }).catch(() => undefined);
      }
    },

    async explainNode(request) {
      const { ledger } = owner;
      const now = clock.now();
      const node = nodeOf(parts, readNode(request.name));
      const fields = new Fields();
      const version = fields.id("releases", request.release, "release", { optional: true });
      fields.done();
      if (version !== "" && !ledger.releases.some((release) => release.version === version)) {
        throw releaseUnknown(version);
      }
      const explanation = explain(ledger, node, version === "" ? undefined : version, now);
      return create(ExplainNodeResponseSchema, {
        node: writeNode(ledger, node, now),
        ...(explanation.target ? { target: writeTarget(explanation.target, parts.sources()) } : {}),
        gates: explanation.gates.map(writeGate),
        decision: Decision[explanation.decision],
      });
    },

    async createEnrollmentToken(request, call) {
      const fields = new Fields();
      const poolId = fields.id("pools", request.pool, "pool");
      fields.check(POOL_ID.test(poolId), "pool", "a pool's id is 1 to 63 of a-z, 0-9 and -");
      fields.number(request.uses, "uses", { min: 1, max: USES_MAX });
      fields.number(request.ttlS, "ttl_s", { min: 1, max: TOKEN_TTL_MAX_S });
      const labels = fields.labels(request.labels, "labels");
      fields.done();
      const secret = Buffer.from(random.bytes(TOKEN_BYTES)).toString("base64url");
      const expiresAtMs = await owner.decide((ledger, now) => {
        const ends = now + request.ttlS * 1000;
        const token = { tokenHash: hashToken(secret), poolId, usesLeft: request.uses, expiresAtMs: ends, labels };
        parts.tokens().add(token);
        poolOf(ledger, poolId);
        return { answer: ends, changes: [{ kind: "token" as const, token }], effects: [] };
      }, wordOf(call));
      return create(CreateEnrollmentTokenResponseSchema, {
        enrollmentToken: secret,
        expireTime: writeTime(expiresAtMs),
        name: formatName("enrollmentTokens", tokenIdOf(hashToken(secret))),
      });
    },

    async listEnrollmentTokens(request) {
      const written = {
        schema: EnrollmentTokenSchema,
        keyOf: (token: EnrollmentToken) => tokenIdOf(token.tokenHash),
        write: writeEnrollmentToken,
      };
      const { messages, nextPageToken } = page(new Fields(), parts.tokens().list(), written, request);
      return create(ListEnrollmentTokensResponseSchema, { enrollmentTokens: messages, nextPageToken });
    },

    async revokeEnrollmentToken(request, call) {
      const fields = new Fields();
      const id = fields.id("enrollmentTokens", request.name, "name");
      fields.done();
      const token = await owner.decide<EnrollmentToken>((_, now) => {
        const ended = parts.tokens().revoke(id, now);
        if (ended === undefined) {
          throw new RpcError(status.NOT_FOUND, ErrorReason.TOKEN_UNKNOWN, `no enrolment token ${id} is known here`);
        }
        return { answer: ended, changes: [{ kind: "token" as const, token: ended }], effects: [] };
      }, wordOf(call));
      return create(RevokeEnrollmentTokenResponseSchema, { enrollmentToken: writeEnrollmentToken(token) });
    },

    async readmitNode(request, call) {
      const fields = new Fields();
      const nodeId = fields.id("nodes", request.name, "name");
      const reason = fields.text(request.reason, "reason", { min: 1, max: REASON_LENGTH_MAX });
      fields.done();
      const node = await owner.decide((ledger, now) => {
        const step = readmit(nodeOf(parts, nodeId), reason);
        return { ...step, answer: writeNode(ledger, step.answer, now) };
      }, wordOf(call));
      return create(ReadmitNodeResponseSchema, { node });
    },

    async getStatus() {
      return create(GetStatusResponseSchema, await writeStatus(parts.store, parts.ownStatus()));
    },

    async listEvents(request) {
      const wants = readKinds(request.kinds);
      const events = parts.anomalies.list().filter(wants);
      const written = { schema: EventSchema, keyOf: (event: FleetEvent) => String(event.eventId), write: writeEvent };
      const { messages, nextPageToken } = page(new Fields(), events, written, request);
      return create(ListEventsResponseSchema, { events: messages, nextPageToken });
    },

    async *watchEvents(request, call): AsyncGenerator<WatchEventsResponse> {
      const wants = readKinds(request.kinds);
      const told = parts.anomalies.watch(call.signal);
      yield create(WatchEventsResponseSchema);
      for await (const events of told) {
        for (const event of events.filter(wants)) yield create(WatchEventsResponseSchema, { event: writeEvent(event) });
      }
    },
  };
}

function readNode(name: string): string {
  const fields = new Fields();
  const id = fields.id("nodes", name, "name");
  fields.done();
  return id;
}
