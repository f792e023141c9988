/** Opens the certificate that the configuration names, or the coordinator's own, to be read again when it changes. */
import { join } from "node:path";
import type { Config } from "../config.ts";
import { ownTls, readTls } from "./certificate.ts";
import { ReloadingTls, type ReloadingTlsParts } from "./reloading.ts";

/** What it works with. */
export interface OpenTlsParts extends Pick<ReloadingTlsParts, "clock" | "log" | "onReload"> {
  readonly config: Pick<Config, "tls" | "tls_names" | "state_dir">;
  /** The server keys that the root in force names; undefined before any is known. */
  readonly pins: () => { readonly active: readonly string[]; readonly backup: readonly string[] } | undefined;
}

/** Opens it. Throws TlsError. */
export function openTls({ config, pins, ...parts }: OpenTlsParts): Promise<ReloadingTls> {
  const { tls } = config;
  const folder = join(config.state_dir, "tls");
  const files =
    tls === undefined
      ? ["ca.pem", "server.pem", "server.key"].map((name) => join(folder, name))
      : [tls.ca_file, tls.cert_file, tls.key_file];
  return ReloadingTls.open({
    ...parts,
    files,
    pins: () => {
      const keys = pins();
      return keys === undefined ? [] : [...keys.active, ...keys.backup];
    },
    read: async () => (tls === undefined ? ownTls(folder, config.tls_names, parts.clock.now()) : readTls(tls)),
  });
}
