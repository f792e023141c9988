/** ReleaseService: publishes what a quorum signed. It verifies for its own sake; devices verify again. */
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
import { Fields } from "../wire/fields.ts";
import { readRelease, writeRelease } from "../wire/release.ts";
import { type Principal, wordOf } from "./access.ts";
import { page } from "./pages.ts";
import { type Parts, releaseUnknown } from "./services.ts";

/** 256 bits, so that nobody can choose who is first in a share. */
const SEED_BYTES = 32;

/** The service. */
export function createReleaseService(parts: Parts): Implementation<typeof ReleaseService, Principal> {
  const { owner, random, clock } = parts;
  return {
    async publishRelease(request, call) {
      const signed = readRelease(request.signedManifests, {
        network: parts.network,
        council: parts.council,
        seed: Buffer.from(random.bytes(SEED_BYTES)).toString("hex"),
        now: clock.now(),
      });
      for (const [digest, length] of signed.parts) {
        if (parts.partFiles.length(digest) === length) continue;
        const message = `part ${digest} (${length} bytes) has not been uploaded`;
        throw new RpcError(status.FAILED_PRECONDITION, ErrorReason.PART_MISSING, message);
      }
      const { version } = signed.release;
      const release = await owner.decide((ledger) => {
        const step = publish(ledger, signed.release);
        const manifests = [...signed.envelopes].map(([digest, envelope]) => ({
          kind: "manifest" as const,
          digest,
          envelope,
        }));
        return step.changes.length === 0 ? step : { ...step, changes: [...step.changes, ...manifests] };
      }, wordOf(call));
      if (release === "CONFLICT") {
        const message = `version ${version} or counter ${signed.release.releaseCounter} is taken by other builds`;
        throw new RpcError(status.ALREADY_EXISTS, ErrorReason.RELEASE_EXISTS, message);
      }
      parts.log.info({ release: version }, "release published");
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

function readName(name: string): string {
  const fields = new Fields();
  const version = fields.id("releases", name, "name");
  fields.done();
  return version;
}
