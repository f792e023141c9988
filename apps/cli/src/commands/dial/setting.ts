/** Turns the arguments of `moult dial set` into a setting. Pure. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DialSchema } from "@moult/contracts/v1";
import { fullName } from "../../arguments/names.ts";
import type { Requirement } from "../../arguments/selector.ts";
import { usageError } from "../../errors.ts";

/** The words for the dial's positions. */
export const POSITIONS = ["nobody", "named", "share", "everyone"] as const;

/** One of them. */
export type Position = (typeof POSITIONS)[number];

/** What goes with a position. */
export interface SettingFlags {
  readonly node: readonly string[];
  readonly selector: readonly (readonly Requirement[])[];
  readonly share?: number;
}

type Setting = NonNullable<MessageInitShape<typeof DialSchema>["setting"]>;

/** The setting. Throws CliError USAGE where position and flags do not belong together. */
export function readSetting(position: Position, flags: SettingFlags): Setting {
  const names = flags.node.length + flags.selector.length;
  if (position !== "named" && names > 0) throw usageError(`--node and --selector belong to named, not to ${position}.`);
  if (position !== "share" && flags.share !== undefined)
    throw usageError(`--share belongs to share, not to ${position}.`);
  switch (position) {
    case "nobody":
      return { case: "nobody", value: {} };
    case "everyone":
      return { case: "everyone", value: {} };
    case "share":
      if (flags.share === undefined) throw usageError("Which share?", "Give --share 25%.");
      return { case: "share", value: { fraction: flags.share } };
    case "named": {
      if (names === 0)
        throw usageError("Which nodes?", "Give --node ID or --selector 'region=eu', each as often as wanted.");
      const nodes = flags.node.map((node) => fullName("nodes", node));
      const selectors = flags.selector.map((requirements) => ({
        requirements: requirements.map(({ key, values }) => ({ key, values: [...values] })),
      }));
      return { case: "named", value: { nodes, selectors } };
    }
    default:
      return position satisfies never;
  }
}
