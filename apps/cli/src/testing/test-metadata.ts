/**
 * A coordinator's MetadataService for tests, from memory: it takes files as a device does, starting from the first root, and
 * hands them out again. It can be told to lie.
 */
import type { JsonValue } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { RpcError, readBrakeStatement } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";
import { verifyStatement } from "@moult/trust/statement";
import { type KeptMetadata, TufError, fileNameOf, headIn, refreshNetwork, rootIn } from "@moult/trust/tuf";
import type { TestCoordinator } from "./test-coordinator.ts";

/** What stands behind the service. */
export interface TestMetadata {
  /** Files as they are handed out, by TUF names. */
  readonly files: Map<string, Uint8Array>;
  readonly brakes: Uint8Array[];
}

/** Lets `coordinator` serve metadata from `root` on. `nowMs`: its clock. */
export function serveMetadata(coordinator: TestCoordinator, root: Uint8Array, nowMs: () => number): TestMetadata {
  const files = new Map([["1.root.json", root]]);
  const brakes: Uint8Array[] = [];
  let kept: KeptMetadata = { root, targets: new Map() };

  const publish = async (offered: readonly Uint8Array[]): Promise<void> => {
    const given = new Map<string, Uint8Array>();
    for (const bytes of offered) {
      const { kind, version } = headIn(bytes);
      given.set(fileNameOf({ role: kind, version }), bytes);
      if (kind === "timestamp") given.set("timestamp.json", bytes);
    }
    const source = { fetch: async (file: { role: string; version?: number }) => given.get(fileNameOf(file)) };
    let next = kept;
    const store = { load: async () => kept, save: async (verified: KeptMetadata) => void (next = verified) };
    await refreshNetwork({ source, store }, nowMs());
    kept = next;
    for (const [name, bytes] of given) {
      files.set(name, bytes);
      files.set(name.replace(/^\d+\.(targets|snapshot)/, "$1"), bytes);
    }
  };
  const statusNow = (): object => {
    const roles = [kept.root, kept.targets.get("targets"), kept.snapshot, kept.timestamp];
    const heads = roles.flatMap((bytes) => (bytes === undefined ? [] : [headIn(bytes)]));
    return {
      files: heads.map(({ kind, version, expiresMs }) => ({
        role: kind,
        version: BigInt(version),
        expireTime: timestampFromMs(expiresMs),
      })),
      builds: 0,
      brakes: brakes.map(signedBrake),
    };
  };
  const signedBrake = (statement: Uint8Array): object => {
    const { network, breakers } = rootIn(kept.root);
    const rules = { kind: "brake" as const, network, keys: breakers, threshold: 1, read: readBrakeStatement };
    const { digest, body, issuedMs, expiresMs, signedBy } = verifyStatement(statement, { ...rules, nowMs: nowMs() });
    const times = { issueTime: timestampFromMs(issuedMs), expireTime: timestampFromMs(expiresMs) };
    return { digest, reason: body.reason, breaker: signedBy[0] ?? "", statement, ...times };
  };

  coordinator.answer("getMetadata", (request) => {
    const { role, version } = request as { role: string; version?: string };
    const wanted = Number(version ?? 0);
    const file = files.get(fileNameOf({ role, ...(wanted === 0 ? {} : { version: wanted }) }));
    if (file === undefined) throw new RpcError(status.NOT_FOUND, ErrorReason.METADATA_UNKNOWN, `no such ${role}`);
    return { file, ...(role === "timestamp" ? { brakes } : {}) };
  });
  coordinator.answer("getMetadataStatus", statusNow);
  coordinator.answer("publishMetadata", async (request) => {
    const offered = (request as { files: string[] }).files.map((text) => new Uint8Array(Buffer.from(text, "base64")));
    await publish(offered).catch((error: unknown) => {
      if (!(error instanceof TufError)) throw error;
      throw new RpcError(status.FAILED_PRECONDITION, ErrorReason.METADATA_INVALID, error.message);
    });
    return { status: statusNow() };
  });
  coordinator.answer("submitBrake", (request: JsonValue) => {
    const statement = new Uint8Array(Buffer.from((request as { statement: string }).statement, "base64"));
    const brake = signedBrake(statement);
    brakes.push(statement);
    return { brake };
  });
  return { files, brakes };
}
