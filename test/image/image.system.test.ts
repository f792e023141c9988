/**
 * Images as a vendor makes them: by the command, read back with Debian's own tools. What is checked here is read from the
 * files that came out; nothing of the code that wrote them is used.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { TestNetwork } from "@moult/trust/testing";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { temporaryFolder } from "./temporary-folder.ts";

const ROOT = join(import.meta.dirname, "../..");
const DEVICE = join(ROOT, "apps/agent/src/deploy/main.ts");
const MOULT = join(ROOT, "apps/cli/src/main.ts");
const HOST_UNITS = "/usr/lib/systemd/system";
const EPOCH_S = 1_700_000_000;

interface Facts {
  readonly archive: string;
  readonly archiveSha256: string;
  readonly deb: string;
  readonly debSha256: string;
  readonly sbom: string;
  readonly config?: string;
}

const has = (tool: string): boolean => spawnSync("sh", ["-c", `command -v ${tool}`]).status === 0;
for (const [tool, what] of [
  ["dpkg-deb", "the package is not read back (Debian: dpkg)"],
  ["systemd-analyze", "the units are not judged (Debian: systemd)"],
] as const) {
  if (!has(tool)) process.stdout.write(`image: ${tool} is missing, ${what}\n`);
}
const node = (args: readonly string[], cwd: string): string =>
  execFileSync(process.execPath, args, { cwd, encoding: "utf8" });
const sha256 = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

/** A build whose runtime is a script: what an image does with bytes does not depend on what they are. */
let bench: string;
let image: Facts;
let rootfs: string;

/** Makes the image in a shell of its own, in `folder`, as somebody else would on another machine. */
function makeImage(folder: string, shell: string, more: readonly string[] = []): Facts {
  const words = ["--platform", "linux-arm64", "--build", "build", "--bundle", "bundle", "--config", "device.yaml"];
  const args = [
    DEVICE,
    "image",
    ...words,
    "--ca",
    "ca.pem",
    "--root",
    "root.json",
    "--out",
    "out",
    "-o",
    "json",
    ...more,
  ];
  const quoted = [process.execPath, ...args].map((word) => `'${word}'`).join(" ");
  const said = execFileSync("sh", ["-c", `${shell}; exec ${quoted}`], { cwd: folder, encoding: "utf8" });
  const facts = JSON.parse(said) as Record<string, string>;
  const paths = Object.entries(facts).map(([key, value]) => [
    key,
    value.startsWith("out/") ? join(folder, value) : value,
  ]);
  return Object.fromEntries(paths) as Facts;
}

function refusal(more: readonly string[]): string {
  const words = ["--platform", "linux-arm64", "--build", "build", "--bundle", "bundle", "--config", "device.yaml"];
  const args = [DEVICE, "image", ...words, "--out", "refused", ...more];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: bench, encoding: "utf8" });
  expect(status).toBe(1);
  return stderr;
}

beforeAll(() => {
  bench = temporaryFolder();
  node([DEVICE, "bundle", "--version", "1.2.3", "--out", "bundle"], bench);
  writeFileSync(join(bench, "node"), `#!/bin/sh\n# ${"x".repeat(3_000)}\n`);
  writeFileSync(join(bench, "odd"), "a".repeat(513));
  const deep = `workload/${"deep/".repeat(24)}file`;
  const parts = ["runtime/node=node", "agent/agent.mjs=bundle/agent.mjs", "workload/odd=odd", `${deep}=odd`];
  const of = ["--network", "example", "--version", "1.2.3", "--counter", "1", "--platform", "linux-arm64"];
  const given = parts.flatMap((part) => ["--part", part]);
  node([MOULT, "release", "build", ...of, ...given, "--workload-kind", "none", "--out", "build"], bench);
  writeFileSync(join(bench, "root.json"), new TestNetwork({ network: "example" }).flashedRoot);
  writeFileSync(join(bench, "other.json"), new TestNetwork({ network: "other" }).flashedRoot);
  writeFileSync(join(bench, "ca.pem"), "the authority's certificate\n");
  const config = { network: "example", coordinators: ["coordinator.example:7443"], ca_file: "x", model: "box" };
  writeFileSync(join(bench, "device.yaml"), JSON.stringify(config));
  writeFileSync(join(bench, "token"), "met_batch-seven\n");
  image = makeImage(bench, `SOURCE_DATE_EPOCH=${EPOCH_S}; export SOURCE_DATE_EPOCH`);
  rootfs = join(bench, "rootfs");
  mkdirSync(rootfs);
  execFileSync("tar", ["-xzf", image.archive, "-C", rootfs]);
});

describe("an image", () => {
  it("is the same, byte for byte, from another folder, umask, time zone, language and time", () => {
    const elsewhere = join(temporaryFolder(), "another", "bench");
    cpSync(bench, elsewhere, { recursive: true });
    const settings = `umask 077; TZ=Asia/Tokyo; LC_ALL=tr_TR.UTF-8; HOME=/; SOURCE_DATE_EPOCH=${EPOCH_S}; export TZ LC_ALL HOME SOURCE_DATE_EPOCH`;
    const again = makeImage(elsewhere, settings);
    expect(again.archiveSha256).toBe(image.archiveSha256);
    expect(again.debSha256).toBe(image.debSha256);
    expect(sha256(again.archive)).toBe(image.archiveSha256);
    expect(sha256(again.sbom)).toBe(sha256(image.sbom));
    expect(makeImage(elsewhere, "SOURCE_DATE_EPOCH=1800000000; export SOURCE_DATE_EPOCH").debSha256).not.toBe(
      image.debSha256,
    );
  });

  it("belongs to root, has one time, and holds neither key nor token nor state", () => {
    const lines = execFileSync("tar", ["-tvzf", image.archive, "--numeric-owner", "--full-time", "--utc"], {
      encoding: "utf8",
    });
    for (const line of lines.trim().split("\n")) {
      expect(line).toMatch(/^[-dl][rwx-]{9} 0\/0 +\d+ 2023-11-14 22:13:20 \.\/(etc|usr)\//);
    }
    expect(lines).not.toMatch(/var\/|identity|enrollment-token|boot-[01]/);
    expect(readdirSync(join(rootfs, "etc/moult"))).toEqual([]);
  });

  it("holds the build, whole, and a template with the coordinators' authority in it", () => {
    const factory = join(rootfs, "usr/lib/moult/factory");
    const manifest = JSON.parse(readFileSync(join(factory, ".moult/manifest.json"), "utf8")) as {
      readonly parts: readonly { readonly path: string; readonly digest: string }[];
    };
    expect(manifest.parts).toHaveLength(4);
    for (const { path, digest } of manifest.parts) expect(sha256(join(factory, path))).toBe(digest);
    expect(statSync(join(rootfs, "usr/lib/moult/node")).mode & 0o777).toBe(0o755);
    const template = parse(readFileSync(join(rootfs, "usr/share/moult/device.yaml"), "utf8")) as object;
    expect(template).toMatchObject({
      device_dir: "/var/lib/moult",
      ca_file: "/usr/share/moult/ca.pem",
      root_file: "/usr/share/moult/root.json",
      build_time: "2023-11-14T22:13:20.000Z",
      workload: { runner: "unit" },
    });
    expect(readFileSync(join(rootfs, "usr/share/moult/ca.pem"), "utf8")).toContain("authority");
    const root = readFileSync(join(rootfs, "usr/share/moult/root.json"));
    expect(root.equals(readFileSync(join(bench, "root.json")))).toBe(true);
  });

  it("hands a batch's token out beside it, not in it", () => {
    const batch = makeImage(bench, `SOURCE_DATE_EPOCH=${EPOCH_S}; export SOURCE_DATE_EPOCH`, [
      "--enrollment-token-file",
      "token",
    ]);
    expect(batch.archiveSha256).toBe(image.archiveSha256);
    expect(parse(readFileSync(batch.config ?? "", "utf8"))).toMatchObject({ enrollment_token: "met_batch-seven" });
    expect(statSync(batch.config ?? "").mode & 0o077).toBe(0);
  });

  it("is not made of what does not belong together", () => {
    writeFileSync(
      join(bench, "with-token.yaml"),
      readFileSync(join(bench, "device.yaml"), "utf8").replace("{", '{"enrollment_token":"x",'),
    );
    expect(refusal(["--config", "with-token.yaml"])).toContain("stays in an image for ever");
    expect(refusal(["--platform", "linux-x64"])).toContain("is for linux-arm64");
    expect(refusal(["--root", "other.json"])).toContain("The root is of network other");
    cpSync(join(bench, "bundle"), join(bench, "other-bundle"), { recursive: true });
    writeFileSync(join(bench, "other-bundle/agent.mjs"), "another agent");
    expect(refusal(["--bundle", "other-bundle"])).toContain("is not the bundle");
    cpSync(join(bench, "build"), join(bench, "spoilt"), { recursive: true });
    const odd = sha256(join(bench, "odd"));
    writeFileSync(join(bench, "spoilt/parts", odd), "b".repeat(513));
    expect(refusal(["--build", "spoilt"])).toContain("is not the part workload/");
  });
});

describe("its bill of materials", () => {
  interface Sbom {
    readonly bomFormat: string;
    readonly specVersion: string;
    readonly serialNumber: string;
    readonly version: number;
    readonly metadata: { readonly timestamp: string; readonly component: { readonly "bom-ref": string } };
    readonly components: readonly {
      readonly type: string;
      readonly "bom-ref": string;
      readonly name: string;
      readonly version: string;
      readonly purl?: string;
      readonly licenses?: readonly { readonly expression: string }[];
      readonly hashes: readonly { readonly alg: string; readonly content: string }[];
    }[];
    readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
  }
  const read = (): Sbom => JSON.parse(readFileSync(image.sbom, "utf8")) as Sbom;

  it("has the fields that CycloneDX 1.6 requires, in the form it requires", () => {
    const sbom = read();
    expect(sbom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 });
    expect(sbom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    expect(sbom.metadata.timestamp).toBe("2023-11-14T22:13:20.000Z");
    const refs = [sbom.metadata.component["bom-ref"], ...sbom.components.map((each) => each["bom-ref"])];
    expect(new Set(refs).size).toBe(refs.length);
    for (const { type, name, version, hashes, licenses } of sbom.components) {
      expect(["application", "library", "file"]).toContain(type);
      expect(name).not.toBe("");
      expect(version).not.toBe("");
      for (const { alg, content } of hashes) {
        expect(content).toMatch(alg === "SHA-512" ? /^[0-9a-f]{128}$/ : /^[0-9a-f]{64}$/);
      }
      if (type !== "file") expect(licenses?.[0]?.expression).toMatch(/^[A-Za-z0-9.() -]+$/);
    }
    for (const { ref, dependsOn } of sbom.dependencies) {
      expect(refs).toContain(ref);
      for (const each of dependsOn) expect(refs).toContain(each);
    }
  });

  it("lists what is in the image, by the hashes of the files, and the libraries in the bundles", () => {
    const { components } = read();
    const hashOf = (name: string): string | undefined =>
      components.find((each) => each.name === name)?.hashes[0]?.content;
    const library = join(rootfs, "usr/lib/moult");
    expect(hashOf("node")).toBe(sha256(join(library, "factory/runtime/node")));
    expect(hashOf("agent.mjs")).toBe(sha256(join(library, "factory/agent/agent.mjs")));
    expect(hashOf("launcher.mjs")).toBe(sha256(join(library, "launcher.mjs")));
    expect(hashOf("first-boot.mjs")).toBe(sha256(join(library, "first-boot.mjs")));
    const lock = parse(readFileSync(join(ROOT, "pnpm-lock.yaml"), "utf8")) as {
      readonly packages: Readonly<Record<string, { readonly resolution: { readonly integrity: string } }>>;
    };
    const libraries = components.filter(({ type }) => type === "library");
    for (const direct of ["@grpc/grpc-js", "@bufbuild/protobuf", "pino", "zod", "yaml"]) {
      expect(libraries.map(({ name }) => name)).toContain(direct);
    }
    for (const { name, version, hashes } of libraries) {
      const integrity = lock.packages[`${name}@${version}`]?.resolution.integrity;
      expect(`sha512-${Buffer.from(hashes[0]?.content ?? "", "hex").toString("base64")}`).toBe(integrity);
    }
  });
});

describe("its Debian package", () => {
  it.runIf(has("dpkg-deb"))("is read by dpkg-deb, and owns what the archive holds", () => {
    const field = (name: string): string =>
      execFileSync("dpkg-deb", ["--field", image.deb, name], { encoding: "utf8" }).trim();
    expect([field("Package"), field("Version"), field("Architecture")]).toEqual(["moult", "1.2.3", "arm64"]);
    const unpacked = join(bench, "unpacked");
    execFileSync("dpkg-deb", ["--raw-extract", image.deb, unpacked]);
    const sums = join(unpacked, "DEBIAN/md5sums");
    execFileSync("md5sum", ["--check", "--quiet", sums], { cwd: unpacked });
    const files = (folder: string): readonly string[] =>
      execFileSync("find", [".", "!", "-type", "d"], { cwd: folder, encoding: "utf8" }).split("\n").sort();
    expect(files(unpacked).filter((name) => !name.startsWith("./DEBIAN/"))).toEqual(files(rootfs));
    for (const script of ["postinst", "prerm"]) {
      execFileSync("sh", ["-n", join(unpacked, "DEBIAN", script)]);
      expect(statSync(join(unpacked, "DEBIAN", script)).mode & 0o111).toBe(0o111);
    }
  });
});

const NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child"];
const mayUnshare = process.getuid?.() === 0 && spawnSync("unshare", [...NAMESPACES, "true"]).status === 0;
if (!mayUnshare) process.stdout.write("image: the package is not installed, namespaces are not allowed here\n");

describe.runIf(mayUnshare && has("dpkg"))("on a box with dpkg", () => {
  it("is installed and removed, and leaves what is the device's", () => {
    const script = join(import.meta.dirname, "own-dpkg.sh");
    const args = [...NAMESPACES, "sh", script, image.deb, join(temporaryFolder(), "copy")];
    const said = execFileSync("unshare", args, { encoding: "utf8", timeout: 60_000 });
    expect(said.trim().split("\n")).toEqual([
      "verified",
      expect.stringMatching(/^moult(:arm64)?: \/usr\/lib\/moult\/launcher\.mjs$/),
      "gone",
      "/etc/moult/device.yaml",
      "/var/lib/moult/state",
    ]);
  });
});

/** The units beside those that every systemd brings along. */
function unitRoot(): string {
  const root = join(temporaryFolder(), "root");
  cpSync(rootfs, root, { recursive: true, verbatimSymlinks: true });
  for (const name of readdirSync(HOST_UNITS)) {
    if (/\.(target|slice|socket)$/.test(name))
      cpSync(join(HOST_UNITS, name), join(root, "usr/lib/systemd/system", name));
  }
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  for (const name of ["systemctl", "rm"]) writeFileSync(join(root, "usr/bin", name), "", { mode: 0o755 });
  return root;
}

describe.runIf(has("systemd-analyze"))("its units", () => {
  it("are exposed to 1.5 at most, as systemd-analyze counts", () => {
    for (const unit of ["moult.service", "moult-once.service"]) {
      const file = join(rootfs, "usr/lib/systemd/system", unit);
      const said = spawnSync("systemd-analyze", ["security", "--offline=true", "--threshold=15", file], {
        encoding: "utf8",
      });
      const exposure = Number(/exposure level for .*: ([0-9.]+)/.exec(said.stdout)?.[1]);
      expect(exposure, said.stdout + said.stderr).toBeLessThanOrEqual(1.5);
      expect(readFileSync(file, "utf8")).not.toMatch(/^MemoryDenyWriteExecute=yes/m);
    }
  });

  it("are faultless, as systemd-analyze verifies", () => {
    const units = readdirSync(join(rootfs, "usr/lib/systemd/system")).filter((name) => /^moult.*\.\w+$/.test(name));
    const said = spawnSync("systemd-analyze", ["verify", `--root=${unitRoot()}`, ...units], { encoding: "utf8" });
    expect([said.status, said.stdout, said.stderr]).toEqual([0, "", ""]);
  });

  it("want and never require each other: a box boots and works whatever is broken", () => {
    const folder = join(rootfs, "usr/lib/systemd/system");
    for (const name of readdirSync(folder).filter((each) => each.startsWith("moult"))) {
      expect(readFileSync(join(folder, name), "utf8")).not.toMatch(/^(Requires|Requisite|BindsTo|PartOf)=/m);
    }
    const main = readFileSync(join(folder, "moult.service"), "utf8");
    for (const line of [
      "Type=notify",
      "NotifyAccess=all",
      "Restart=always",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
    ]) {
      expect(main.split("\n")).toContain(line);
    }
    expect(main).toMatch(/^WatchdogSec=\d+$/m);
    expect(main).toMatch(/^StateDirectory=moult$/m);
  });
});
