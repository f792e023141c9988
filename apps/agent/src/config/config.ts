/**
 * Reads the configuration in three stages: fragments (the file and the environment), inputs (checked), settings. Pure
 * but for the text handed in; a mistake becomes one sentence for each wrong key.
 */
import { YAMLParseError, parse } from "yaml";
import { CONFIG_KEYS, TEXT_KEYS, readInputs } from "./schema.ts";
import type { Settings } from "./settings.ts";

/** A configuration that cannot be used. `problems` are sentences, each about one key. */
export class ConfigError extends Error {
  readonly code = "CONFIG_INVALID";
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[], cause?: unknown) {
    super(`${file} cannot be used:\n${problems.map((problem) => `  ${problem}`).join("\n")}`, { cause });
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** What was read. */
export interface LoadedConfig {
  readonly settings: Settings;
  /** Keys in the file that this agent does not know. */
  readonly unknownKeys: readonly string[];
}

/** A path to a Unix socket may have at most 107 bytes on Linux; `run/work.sock` takes 14 of them. */
const DEVICE_DIR_LENGTH_MAX = 92;

/** The settings in the text of `file` and the environment. Throws ConfigError. */
export function loadConfig(
  file: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): LoadedConfig {
  const fragment = { ...readYaml(file, text), ...readEnvironment(file, env) };
  const unknownKeys = Object.keys(fragment).filter((key) => !CONFIG_KEYS.includes(key));
  const read = readInputs(fragment, file);
  if ("problems" in read) throw new ConfigError(file, read.problems);
  const { settings } = read;
  if (Buffer.byteLength(settings.deviceDir) > DEVICE_DIR_LENGTH_MAX) {
    const problem = `\`device_dir\` is ${settings.deviceDir}; sockets in it need a path of at most ${DEVICE_DIR_LENGTH_MAX} bytes`;
    throw new ConfigError(file, [problem]);
  }
  return { settings, unknownKeys };
}

function readYaml(file: string, text: string): Record<string, unknown> {
  const value = parseYaml(file, text, "it");
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ConfigError(file, ["it must be a YAML map of keys and values"]);
}

function readEnvironment(file: string, env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const fragment: Record<string, unknown> = {};
  for (const key of CONFIG_KEYS) {
    const name = `MOULT_${key.toUpperCase()}`;
    const value = env[name];
    if (value !== undefined) fragment[key] = TEXT_KEYS.has(key) ? value : parseYaml(file, value, name);
  }
  return fragment;
}

function parseYaml(file: string, text: string, what: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    // An alias without its anchor, or one that unfolds to far too much, is found only when the values are made.
    if (!(error instanceof YAMLParseError || error instanceof ReferenceError)) throw error;
    throw new ConfigError(file, [`${what} is not YAML: ${error.message}`], error);
  }
}
