/** ReleaseService: makes builds known that the council has listed. It looks for its own sake; devices look again. */
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Implementation, RpcError } from "@moult/contracts";
import {
  ErrorReason,
  GetReleaseResponseSchema,
  ListReleasesResponseSchema,
  PublishReleaseResponseSchema,
  RecallReleaseResponseSchema,
  ReleaseSchema,
  type ReleaseService,
} from "@moult/contracts/v1";
import { type Release, publish, recall } from "@moult/policy";
import { listedBuilds } from "../trust/narrow.ts";
import { Fields } from "../wire/fields.ts";
import { readRelease, writeRelease } from "../wire/release.ts";
import { type Principal, wordOf } from "./access.ts";
import { page } from "./pages.ts";
import { type Parts, releaseUnknown } from "./services.ts";

/** 256 bits, so that nobody can choose who is first in a share. */
const SEED_BYTES = 32;

/** The service. */
export function createReleaseService(parts: Parts): Implementation<typeof ReleaseService, Principal> {
  const { owner, random } = parts;
  return {
    async publishRelease(request, call) {
      const seed = Buffer.from(random.bytes(SEED_BYTES)).toString("hex");
      const { read, release } = await owner.decide((ledger, now) => {
        const list = listedBuilds(parts.trust.current);
        const wanted = readRelease(request.signedManifests, { network: parts.network, list, seed, now });
        requireParts(parts, wanted.parts);
        const step = publish(ledger, wanted.release);
        const answer = { read: wanted.release, release: step.answer };
        const manifests = [...wanted.envelopes].map(([digest, envelope]) => ({
          kind: "manifest" as const,
          digest,
          envelope,
        }));
        const changes = step.changes.length === 0 ? [] : [...step.changes, ...manifests];
        return { answer, changes, effects: step.effects };
      }, wordOf(call));
      if (release === "CONFLICT") {
        const message = `version ${read.version} or counter ${read.releaseCounter} is taken by other builds`;
        throw new RpcError(status.ALREADY_EXISTS, ErrorReason.RELEASE_EXISTS, message);
      }
      parts.log.info({ release: release.version }, "release published");
      return create(PublishReleaseResponseSchema, { release: writeRelease(release) });
    },

    async getRelease(request) {
      const version = readName(request.name);
      const release = owner.ledger.releases.find((known) => known.version === version);
      if (release === undefined) throw releaseUnknown(version);
      return create(GetReleaseResponseSchema, { release: writeRelease(release) });
    },

    async listReleases(request) {
      const written = { schema: ReleaseSchema, keyOf: (release: Release) => release.version, write: writeRelease };
      const { messages, nextPageToken } = page(new Fields(), owner.ledger.releases, written, request);
      return create(ListReleasesResponseSchema, { releases: messages, nextPageToken });
    },

    async recallRelease(request, call) {
      const version = readName(request.name);
      const fields = new Fields();
      const reason = fields.text(request.reason.trim(), "reason", { min: 1, max: 512 });
      fields.done();
      const release = await owner.decide((ledger) => recall(ledger, version), wordOf(call, reason));
      if (release === "UNKNOWN") throw releaseUnknown(version);
      parts.log.warn({ release: version, reason }, "release recalled");
      return create(RecallReleaseResponseSchema, { release: writeRelease(release) });
    },
  };
}

function requireParts({ partFiles }: Parts, wanted: ReadonlyMap<string, number>): void {
  for (const [digest, length] of wanted) {
    if (partFiles.length(digest) === length) continue;
    const message = `part ${digest} (${length} bytes) has not been uploaded`;
    throw new RpcError(status.FAILED_PRECONDITION, ErrorReason.PART_MISSING, message);
  }
}

function readName(name: string): string {
  const fields = new Fields();
  const version = fields.id("releases", name, "name");
  fields.done();
  return version;
}
