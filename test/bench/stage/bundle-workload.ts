/** Bundles the benches' workload, as a vendor would. */
import { rolldown } from "rolldown";

/** Writes the workload's bundle to `file`; another `variant` is another workload. */
export async function bundleWorkload(file: string, variant: number): Promise<void> {
  const input = `${import.meta.dirname}/server.ts`;
  const alias = { "@grpc/proto-loader": `${import.meta.dirname}/../../../apps/agent/src/deploy/no-proto-loader.ts` };
  const build = await rolldown({ input, platform: "node", resolve: { alias }, checks: { pluginTimings: false } });
  try {
    await build.write({ file, format: "esm", codeSplitting: false, banner: `// ${variant}` });
  } finally {
    await build.close();
  }
}
