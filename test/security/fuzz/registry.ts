/** Every parser that sees bytes from outside; and the readers that are none, each with its reason. */
import { AUDIT_PARSERS } from "./parsers/audit.ts";
import { CALL_PARSERS } from "./parsers/calls.ts";
import { CLI_PARSERS } from "./parsers/cli.ts";
import { COORDINATOR_PARSERS } from "./parsers/coordinator.ts";
import { CARRIED_PARSERS } from "./parsers/carried.ts";
import { DEVICE_PARSERS } from "./parsers/device.ts";
import { TRUST_PARSERS } from "./parsers/trust.ts";
import type { Parser } from "./parser.ts";

export const PARSERS: readonly Parser[] = [
  ...TRUST_PARSERS,
  ...AUDIT_PARSERS,
  ...DEVICE_PARSERS,
  ...COORDINATOR_PARSERS,
  ...CARRIED_PARSERS,
  ...CALL_PARSERS,
  ...CLI_PARSERS,
];

const FILE_OF_OURS = "finds and bounds a file; what is in it goes to a reader that is listed";
const OWN_SECRET = "reads a secret that only this program writes, and refuses to start with another";
const STATE = "reads no bytes: looks which files are there";
const TYPED = "takes values that were parsed already";
const OPTIONS = "takes the options of the command line, each of which has a reader that is listed";

/** Functions that are named like readers and are none of bytes from outside, and why. */
export const EXCUSED: Readonly<Record<string, string>> = {
  "packages/slots/src/slot-contents.ts#readContents": FILE_OF_OURS,
  "apps/agent/src/launcher/reset.ts#readWish": STATE,
  "apps/agent/src/first-boot/config-file.ts#readConfig": FILE_OF_OURS,
  "apps/agent/src/adapters/boot-id.ts#readBootId": "reads the kernel's own file",
  "apps/agent/src/wire/report.ts#fromNodeState": TYPED,
  "apps/coordinator/src/identity/secret-file.ts#readOrMakeSecret": OWN_SECRET,
  "apps/coordinator/src/audit/log-key.ts#readOrMakeLogKey": OWN_SECRET,
  "apps/coordinator/src/rpc/services.ts#readCarried": "reads no bytes: waits for what is being written",
  "apps/coordinator/src/tls/certificate.ts#readAuthority": "reads the operator's own certificate, by Node's own parser",
  "apps/coordinator/src/tls/certificate.ts#readTls": "reads the operator's own certificate, by Node's own parser",
  "apps/coordinator/src/store/backup/file.ts#readBackup":
    "reads the operator's own backup, whose digest is checked before its first row is taken",
  "apps/coordinator/src/store/postgres/migrate.ts#readNetwork": "reads a row of the coordinator's own database",
  "apps/coordinator/src/store/postgres/status.ts#readStatus": "reads rows of the coordinator's own database",
  "apps/coordinator/src/store/sqlite/nodes.ts#readNodes": "reads rows of the coordinator's own store",
  "packages/contracts/src/wire.ts#readRequest": "calls the generated reader of the method, which is listed",
  "apps/cli/src/arguments/moment.ts#parseMomentMs": OPTIONS,
  "apps/cli/src/commands/metadata/publisher-options.ts#readBrakes":
    "reads files that the publisher names, each of which the statement's own reader judges",
  "apps/cli/src/files.ts#readBounded": FILE_OF_OURS,
  "apps/cli/src/audit/options.ts#readLogSettings": OPTIONS,
  "apps/cli/src/audit/options.ts#readVkey": FILE_OF_OURS,
  "apps/cli/src/audit/saved-checkpoint.ts#readSaved": FILE_OF_OURS,
  "apps/cli/src/build/build-dir.ts#readManifest": FILE_OF_OURS,
  "apps/cli/src/build/build-dir.ts#readSigned": FILE_OF_OURS,
  "apps/cli/src/build/build-dir.ts#readBuildToSend": FILE_OF_OURS,
  "apps/cli/src/build/build-dir.ts#readUnsignedBuild": FILE_OF_OURS,
  "apps/cli/src/build/part-file.ts#readPart": "hashes bytes and reads none",
  "apps/cli/src/ceremony/roots.ts#readRoots": FILE_OF_OURS,
  "apps/cli/src/commands/metadata/publisher-options.ts#readTrust": OPTIONS,
  "apps/cli/src/commands/metadata/publisher-options.ts#readWish": OPTIONS,
  "apps/cli/src/connection/settings.ts#readSettings": OPTIONS,
  "apps/cli/src/connection/state-dir.ts#readStateDir": STATE,
  "apps/cli/src/commands/key/private-key.ts#readPrivateKey": FILE_OF_OURS,
  "apps/cli/src/commands/release/build-flags.ts#readBuildFlags": OPTIONS,
  "apps/cli/src/commands/dial/setting.ts#readSetting": OPTIONS,
};
