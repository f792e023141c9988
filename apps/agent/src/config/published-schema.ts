/**
 * The configuration's form for editors and other people's tools: JSON Schema, made of the schema that the agent itself
 * reads with, and of the sentences that stand above its keys. Written to docs/device.schema.json by `pnpm generate`.
 */
import { z } from "zod";
import { CONFIG_SCHEMA } from "./schema.ts";

/** A map's keys and what they may be. */
interface MapSchema {
  readonly properties?: Readonly<Record<string, object>>;
}

/** The schema as JSON Schema 2020-12. `source` is the text of schema.ts. Throws where a key has no sentence. */
export function publishedSchema(source: string): object {
  // Keys that are not known are a later agent's, not a mistake.
  const made = z.toJSONSchema(CONFIG_SCHEMA, { io: "input", unrepresentable: "any" }) as MapSchema;
  const sentences = sentencesIn(source);
  const properties = Object.entries(made.properties ?? {}).map(([key, value]) => {
    const description = sentences.get(key);
    if (description === undefined) throw new Error(`no sentence stands above the configuration's key ${key}`);
    return [key, { description, ...value }];
  });
  return {
    ...made,
    title: "The configuration of a Moult device",
    description: "device.yaml. Each key can also be given in the environment, as MOULT_ and the key in capitals.",
    properties: Object.fromEntries(properties) as object,
  };
}

/** The comment above each key of the schema, in one line. */
function sentencesIn(source: string): ReadonlyMap<string, string> {
  const found = source.matchAll(/^ {2}\/\*\*([\s\S]*?)\*\/\n {2}(\w+)[:,]/gm);
  return new Map([...found].map(([, text = "", key = ""]) => [key, text.replace(/\s*\n\s*\*/g, " ").trim()]));
}
