/** `moult`: the product's own ledger, as it ships, behind the same questions as all the others. */
import { type LedgerConfig, POOL_DEFAULTS, type RiskConfig } from "@moult/policy";
import type { Policy } from "../engine/controller.ts";
import type { World } from "../world/world.ts";
import { MoultDriver, type Watch } from "../moult/driver.ts";
import { MINUTE_MS } from "../world/options.ts";

/** What an operator would write down before the first absence was observed: most are over after so long. */
const ABSENCE_PREDICTED_MS = { pulledBefore: 10 * MINUTE_MS, pulledWithin: 20 * MINUTE_MS };

/** Settings of a ledger for a world. The flat margin is left out: the forecast and the reserve stand alone. */
export function ledgerConfig(world: World, risk: Partial<RiskConfig> = {}): LedgerConfig {
  const { prepare, pulseEveryMs } = world.options;
  return {
    pool: {
      ...POOL_DEFAULTS,
      marginRatio: 0,
      reportFreshMs: Math.max(POOL_DEFAULTS.reportFreshMs, 2 * pulseEveryMs),
      drainGraceMs: 15 * MINUTE_MS,
      absencePredictedMs: prepare ? ABSENCE_PREDICTED_MS.pulledBefore : ABSENCE_PREDICTED_MS.pulledWithin,
      risk,
    },
    retry: { allowlistMs: 15 * MINUTE_MS, dialMs: 15 * MINUTE_MS, capacityMs: 5 * MINUTE_MS },
  };
}

/** The policy, with other settings where those are wanted. */
export function moultWith(options: { readonly risk?: Partial<RiskConfig>; readonly watch?: Watch } = {}): Policy {
  return {
    name: "moult",
    byPool: true,
    begin: (engine) => new MoultDriver(engine, ledgerConfig(engine.world, options.risk), options.watch),
  };
}

/** The policy as it ships. */
export const moult: Policy = moultWith();
