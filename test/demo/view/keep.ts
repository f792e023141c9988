/** What to try on a fleet that is kept up. Pure. */
import { WITH_RUNTIME } from "../fleet/sources.ts";
import type { RunningFleet } from "../fleet/set-up.ts";

/** Hints for `--keep`. */
export function keepHints({ plan, coordinator, folder }: RunningFleet): string[] {
  return [
    "The fleet stays up until Ctrl-C. In another terminal:",
    "",
    `  export MOULT_STATE_DIR='${coordinator.stateDir}'`,
    `  moult() { node '${WITH_RUNTIME}' apps/cli/src/main.ts "$@"; }`,
    "",
    "  moult fleet get                        every node, and what it runs",
    "  moult fleet watch                      the same, live",
    "  moult node explain NODE                what each gate says of it, with numbers",
    "  moult dial get 3.0.0                   where the dial of version 3 stands",
    "  moult brake release --reason R --yes   let the fleet go; the broken version will be tried, and reverted",
    "",
    `  curl http://127.0.0.1:${plan.routerPort}/work    one request through the router`,
    `  ${folder}/logs    what each process says; pids.json beside it says which is which`,
    "",
  ];
}
