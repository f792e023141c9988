/** The environment of the demo's processes: what a program needs anywhere, and nothing that would steer Moult or Node. */

/** Variables that are passed on. */
const PASSED = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "USER"];

/** The part of `env` that is passed on. */
export function plainEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const key of PASSED) {
    const value = env[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

/** Where Node finds the sources compiled, as whoever started this process wants it: for programs that are run from them. */
export function compiled(): { readonly NODE_COMPILE_CACHE: string | undefined } {
  return { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] };
}
