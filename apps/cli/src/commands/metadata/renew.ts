/** `moult metadata renew`: a fresh timestamp, once or every few hours. */
import { type Command, Option } from "commander";
import { parseDurationMs } from "../../arguments/duration.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { CliError, usageError } from "../../errors.ts";
import { failureOf } from "../../failure.ts";
import { printable } from "../../output/text.ts";
import type { Ports } from "../../ports.ts";
import { publishOnce } from "../../publisher/publish-once.ts";
import { versionIn } from "../../publisher/published.ts";
import { renewUntilEnded } from "../../publisher/renew-loop.ts";
import { about, addCall } from "../../verb.ts";
import { type PublisherOptions, addPublisherOptions, readBrakes, readTrust, readWish } from "./publisher-options.ts";

interface Options extends PublisherOptions {
  /** Milliseconds. */
  readonly every?: number;
}

/** Adds the verb. */
export function addMetadataRenew(parent: Command, ports: Ports): void {
  const verb = addCall(parent, {
    usage: "renew",
    summary: "Sign a fresh timestamp for what is published, once or every few hours",
    detail:
      "Devices refuse to move 24 hours after the last timestamp, so that nobody can hide a brake or a recall for longer. With " +
      "--every it goes on until Ctrl-C: a coordinator that is away is tried again with growing pauses, and nothing is signed " +
      "while this machine's clock is behind the last timestamp. Run it apart from the coordinator; --every wants --memory. A " +
      "line for each renewal and each failure; with -o json each is one JSON object. The timestamp names each signed brake " +
      "that holds.",
    examples: [
      "moult metadata renew --key publisher.key --root root.json --every 6h --memory publisher.json",
      "moult metadata renew --key publisher.key --root root.json",
    ],
  }).addOption(
    new Option("--every <duration>", "go on, with this time between two; once where not given").argParser(
      about("--every", parseDurationMs),
    ),
  );
  addPublisherOptions(verb).action(async (options: Options) => {
    const { every } = options;
    if (every !== undefined && options.memory === undefined) {
      throw usageError(
        "--every: a service that forgets would sign whatever older state a coordinator shows it.",
        "Give it a memory: --memory FILE",
      );
    }
    const trust = readTrust(options, ports.env);
    const wish = readWish(options, ports);
    readBrakes(options);
    // A coordinator that showed a brake once cannot have it forgotten while this goes on.
    let known: readonly Uint8Array[] = [];
    if (every !== undefined && (every < 1000 || every * 2 > wish.timestampLifetimeMs)) {
      throw usageError("--every: it must be 1s at least, and half of --timestamp-for at most.");
    }
    const write = (facts: Record<string, unknown>, line: string): void => {
      ports.stdout.write(options.output === "table" ? `${printable(line)}\n` : `${JSON.stringify(facts)}\n`);
    };
    const renew = (): Promise<void> =>
      withCoordinator(
        ports,
        options,
        async (coordinator) => {
          const parts = { ...trust, mayBeginAnew: false };
          // Read anew each time: a file that is replaced meanwhile counts.
          const brakes = [...readBrakes(options), ...known];
          const renewed = await publishOnce(coordinator, parts, { ...wish, brakes, nowMs: ports.now() });
          if (renewed === undefined) throw byOthers();
          known = renewed.brakes.map(({ statement }) => statement);
          const version = versionIn(renewed.files.timestamp);
          const expires = new Date(ports.now() + wish.timestampLifetimeMs).toISOString();
          write({ renewed: { timestamp: version, expires } }, `timestamp ${version}, until ${expires}`);
        },
        "publisher.token",
      );
    if (every === undefined) return renew();
    const onFailure = (error: unknown, nextInMs: number): void => {
      const why = failureOf(error)?.lines[0] ?? "it failed";
      write({ failed: why, nextInMs }, `failed: ${why}; again in ${Math.ceil(nextInMs / 1000)} s`);
    };
    const chance = (): number => (ports.randomSeed()[0] ?? 0) / 255;
    return renewUntilEnded({ renew, everyMs: every, signal: ports.interrupted(), chance, onFailure });
  });
}

function byOthers(): CliError {
  return new CliError("VERIFICATION", "What is published was not signed by this root's publisher.", {
    advice: [
      "If the publisher's key was replaced, begin anew: moult metadata publish --root root.json --root 2.root.json",
    ],
  });
}
