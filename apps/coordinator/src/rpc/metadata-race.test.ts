/**
 * Two publications that are judged in the same turn of the event loop, which two sockets cannot be made to do: the service
 * itself, over a real owner and a real store.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type AttendResponse, PublishMetadataRequestSchema } from "@moult/contracts/v1";
import { createLedger } from "@moult/policy";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Owner } from "../ledger/owner.ts";
import { Topic } from "../ledger/topics.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import type { Store } from "../store/port.ts";
import { makeFolder, writeConfig } from "../testing/coordinator.ts";
import { forged } from "../testing/forge.ts";
import { networkAt } from "../testing/network.ts";
import { openCarried } from "../trust/carried.ts";
import { TrustHolder } from "../trust/holder.ts";
import { ledgerConfig, readConfig } from "../config.ts";
import { createMetadataService } from "./metadata-service.ts";

let folder: string;
let store: Store;
beforeEach(() => {
  folder = makeFolder();
  store = openSqliteStore(join(folder, "moult.db"), "demo");
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test("of two that were judged against the same list one is taken, and the other is judged again", async () => {
  const network = networkAt();
  const clock = { now: () => Date.now() };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const trust = new TrustHolder();
  const { carried } = await openCarried(
    { rootFile: network.flashedRoot, metadata: [], brakeStatements: [] },
    Date.now(),
  );
  trust.set(carried);
  const config = ledgerConfig(readConfig(writeConfig(folder, {}, network), {}));
  const load = async (): Promise<ReturnType<typeof createLedger>> => createLedger(config, Date.now());
  const owner = new Owner({ store, clock, log, load, carryOut: () => false, reloadAfterMs: 1000 });
  await owner.start();
  const service = createMetadataService({
    owner,
    trust,
    clock,
    log,
    notices: new Topic<AttendResponse>(),
    tlsPin: () => "",
  });
  const [list, snapshot, timestamp] = network.publish();
  const rival = forged(
    timestamp ?? new Uint8Array(),
    (signed) => {
      signed.expires = new Date(Date.parse(signed.expires) - 1000).toISOString().replace(".000", "");
    },
    [network.keys.publisher],
  );
  const call = {
    principal: {
      kind: "operator" as const,
      operator: { name: "publisher", roles: ["publisher" as const], overrideKeys: [] },
    },
    metadata: { get: () => undefined },
    peer: "",
    signal: new AbortController().signal,
  };
  const handIn = async (last: Uint8Array | undefined): Promise<unknown> => {
    const files = [list, snapshot, last].filter((file) => file !== undefined);
    return service.publishMetadata(create(PublishMetadataRequestSchema, { files }), call);
  };
  const first = handIn(timestamp);
  const refused = handIn(rival).catch((error: unknown) => () => {
    throw error;
  });
  await first;
  await expect(refused).resolves.toThrow("version 1 is published, of other bytes");
  const { metadata } = await store.load();
  expect(metadata.map(({ role }) => role)).toEqual(["targets", "snapshot", "timestamp"]);
  expect(Buffer.from(metadata.at(-1)?.bytes ?? [])).toEqual(Buffer.from(timestamp ?? []));
});
