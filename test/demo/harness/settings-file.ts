/** `--settings FILE`: how a process of the demo is told what to do. */

/** The file named on the command line. */
export function settingsFile(argv: readonly string[]): string {
  const at = argv.indexOf("--settings");
  const file = at < 0 ? undefined : argv[at + 1];
  if (file === undefined) throw new Error("start it with --settings FILE");
  return file;
}
