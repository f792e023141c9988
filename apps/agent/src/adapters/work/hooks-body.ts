/**
 * A workload behind five executables: `start` and `stop` bring it up and down (through the init system, say), and
 * `situation`, `drain` and `restore` take and print WorkService's messages as JSON. All must be safe to repeat.
 */
import { join } from "node:path";
import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { DrainRequestSchema, RestoreRequestSchema, SituationResponseSchema } from "@moult/contracts/work";
import type { BuildManifest } from "@moult/trust";
import type { WorkBuild } from "../../work/build.ts";
import type { Body, Life } from "../../work/ports.ts";
import { fromSituation } from "../../wire/work.ts";
import type { Premises } from "./find.ts";
import { HOOK_TIMEOUTS_MS, type HookName, runHook } from "./hook.ts";
import { readWorkRecord, removeWorkRecord, writeWorkRecord } from "./record.ts";

type Hooks = Extract<BuildManifest["workload"], { kind: "hooks" }>;

/** The body of a workload behind hooks; its parts are in `folder`, `env` comes from the configuration. */
export function createHooksBody(
  build: WorkBuild,
  workload: Hooks,
  folder: string,
  premises: Premises,
  env: Readonly<Record<string, string>>,
): Body {
  const { disk, runFolder, bootId } = premises;
  const pathOf = (hook: HookName): string => join(folder, workload.hooks_dir, hook);
  const run = (hook: HookName, input: string): Promise<string> =>
    runHook(pathOf(hook), input, HOOK_TIMEOUTS_MS[hook], env);
  // Its end is the init system's to notice; here it shows as silence.
  const life: Life = {
    ended: new Promise(() => {}),
    async stop() {
      await run("stop", "");
      await removeWorkRecord(disk, runFolder);
    },
  };
  return {
    async start() {
      await run("start", "");
      const { identity } = build;
      await writeWorkRecord(disk, runFolder, { identity, bootId, pid: 0, startTicks: "", stopHook: pathOf("stop") });
      return life;
    },
    async adopt() {
      const record = await readWorkRecord(disk, runFolder);
      return record?.identity === build.identity && record.bootId === bootId ? life : undefined;
    },
    speak: () => ({
      situation: async () => fromSituation(fromJsonString(SituationResponseSchema, await run("situation", ""))),
      async drain(deadlineMs) {
        await run("drain", toJsonString(DrainRequestSchema, create(DrainRequestSchema, { deadlineMs })));
      },
      async restore(shards) {
        const request = create(RestoreRequestSchema, { shards: [...shards] });
        await run("restore", toJsonString(RestoreRequestSchema, request));
      },
      close() {},
    }),
  };
}
