/**
 * MetadataService: carries what the owners of the network's keys have signed. It verifies for its own sake, so that nothing
 * is carried in vain; devices verify again. Holding no key of theirs, it can forge none of it.
 */
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Implementation, RpcError } from "@moult/contracts";
import {
  AttendResponseSchema,
  ErrorReason,
  GetMetadataResponseSchema,
  GetMetadataStatusResponseSchema,
  type MetadataService,
  PublishMetadataResponseSchema,
  SignedBrakeSchema,
  SubmitBrakeResponseSchema,
} from "@moult/contracts/v1";
import { isLifted, readBrake } from "../trust/brakes.ts";
import type { Carried } from "../trust/carried.ts";
import { narrow } from "../trust/narrow.ts";
import { type Publication, judgePublication } from "../trust/publication.ts";
import type { Decided } from "../ledger/written.ts";
import type { Word } from "../store/port.ts";
import { Fields } from "../wire/fields.ts";
import {
  brakesFull,
  refusalOf,
  requireBounded,
  roleOf,
  statementInvalid,
  statementRefusalOf,
  writeSignedBrake,
  writeStatus,
} from "../wire/metadata.ts";
import { type Principal, wordOf } from "./access.ts";
import { brakeNotice } from "./agent-service.ts";
import { type Parts, readCarried } from "./services.ts";

/** Publishers who hand in at once take turns; more turns than there can be publishers at work. */
const TURNS_MAX = 16;
/** A new list sends for every node that attends, and at most so often. */
const NUDGE_EVERY_MS = 60_000;

interface Taken {
  readonly carried: Carried;
  readonly isNew: boolean;
  /** Versions of the releases that the new list changed. */
  readonly releases: readonly string[];
}

/** The service. */
export function createMetadataService(
  parts: Pick<Parts, "owner" | "trust" | "clock" | "log" | "notices" | "tlsPin">,
): Implementation<typeof MetadataService, Principal> {
  const { owner, trust, clock, log, tlsPin } = parts;
  let nudgedAtMs = Number.NEGATIVE_INFINITY;

  /** Takes a publication, if what it was judged against is still what is carried. */
  const take = (before: Carried, { next, changes }: Publication, word: Word): Promise<Taken | undefined> =>
    owner.decide<Taken | undefined>((ledger, now) => {
      if (trust.current !== before) return { answer: undefined, changes: [], effects: [] };
      if (changes.length === 0) {
        return { answer: { carried: before, isNew: false, releases: [] }, changes, effects: [] };
      }
      trust.set(next);
      const step = narrow(ledger, next, now);
      const releases = step.answer.map(({ version }) => version);
      const all: readonly Decided[] = [...changes, ...step.changes];
      return { answer: { carried: next, isNew: true, releases }, changes: all, effects: step.effects };
    }, word);

  const tell = (before: Carried, after: Carried): void => {
    const now = clock.now();
    if (before.brakes.inForce(now).length !== after.brakes.inForce(now).length) {
      parts.notices.send("brake", brakeNotice(parts, after));
    }
    const isNews = before.allowlist?.version !== after.allowlist?.version || before.root.version !== after.root.version;
    if (!isNews || now - nudgedAtMs < NUDGE_EVERY_MS) return;
    nudgedAtMs = now;
    const nudge = { case: "nudge" as const, value: {} };
    parts.notices.send("nudge", create(AttendResponseSchema, { message: nudge }));
  };

  return {
    async getMetadata(request) {
      const fields = new Fields();
      const role = roleOf(request.role);
      fields.check(role !== undefined, "role", "must be root, timestamp, snapshot or targets");
      fields.check(role !== "root" || request.version > 0n, "version", "a root is asked for by its version");
      fields.done();
      const { carried, now } = await readCarried(parts);
      const version = Number(request.version);
      const found = role && (version === 0 ? carried.files.newest(role) : carried.files.get(role, version));
      if (found === undefined) {
        const name = version === 0 ? request.role : `${request.role} ${version}`;
        throw new RpcError(status.NOT_FOUND, ErrorReason.METADATA_UNKNOWN, `no metadata ${name} is published here`);
      }
      const brakes = role === "timestamp" ? carried.brakes.inForce(now).map(({ statement }) => statement) : [];
      return create(GetMetadataResponseSchema, { file: found.bytes, brakes });
    },

    async getMetadataStatus() {
      const { carried, now } = await readCarried(parts);
      return create(GetMetadataStatusResponseSchema, writeStatus(carried, now));
    },

    async publishMetadata({ files }, call) {
      requireBounded(files);
      for (let turn = 0; turn < TURNS_MAX; turn += 1) {
        const before = trust.current;
        const publication = await judgePublication(before, files, clock.now(), tlsPin()).catch((error: unknown) => {
          throw refusalOf(error);
        });
        const taken = await take(before, publication, wordOf(call));
        if (taken === undefined) continue;
        const { carried, isNew, releases } = taken;
        if (isNew) {
          const versions = { root: carried.root.version, list: carried.allowlist?.version };
          log.info({ ...versions, timestamp: carried.timestampVersion, releases }, "metadata was published");
          tell(before, carried);
        }
        return create(PublishMetadataResponseSchema, { status: writeStatus(carried, clock.now()) });
      }
      const message = "others publish all the time; hand the files in again";
      throw new RpcError(status.UNAVAILABLE, ErrorReason.METADATA_INVALID, message);
    },

    async submitBrake({ statement }, call) {
      const brake = await owner.decide((ledger, now) => {
        const before = trust.current;
        try {
          const read = readBrake(statement, before, now);
          if (isLifted(read.digest, before)) throw statementInvalid("the council has lifted this brake: sign another");
          const known = before.brakes.get(read.digest, now);
          if (known !== undefined) return { answer: known, changes: [], effects: [] };
          const brakes = before.brakes.adding(read, now);
          if (brakes === undefined) throw brakesFull(before, now);
          const next = { ...before, brakes };
          trust.set(next);
          const step = narrow(ledger, next, now);
          return {
            answer: read,
            changes: [{ kind: "brake-statement" as const, brake: read }, ...step.changes],
            effects: step.effects,
          };
        } catch (error) {
          if (error instanceof RpcError) throw error;
          throw statementRefusalOf(error);
        }
      }, wordOf(call));
      log.warn({ brake: brake.digest, reason: brake.reason, breaker: brake.breaker }, "a breaker brakes");
      parts.notices.send("brake", brakeNotice(parts, trust.current));
      return create(SubmitBrakeResponseSchema, { brake: create(SignedBrakeSchema, writeSignedBrake(brake)) });
    },
  };
}
