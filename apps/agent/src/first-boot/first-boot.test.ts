import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import {
  BootRecordFiles,
  CONTENTS_FILE,
  type Disk,
  DiskError,
  MANIFEST_FILE,
  SIGNED_FILE,
  encodeContents,
} from "@moult/slots";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { nodeDisk } from "../adapters/node-disk.ts";
import { contentsOf } from "../build/identity.ts";
import { chooseBoot } from "../launcher/boot.ts";
import { makeFolder } from "../testing/folders.ts";
import { makeTestBuild } from "../testing/test-build.ts";
import { splitConfig } from "./config-file.ts";
import { makeDevice } from "./make-device.ts";

const MAIN = join(import.meta.dirname, "main.ts");
const TOKEN = "met_token-of-a-batch";
const isRoot = process.getuid?.() === 0;

/** A box as it comes from the flashing station. */
class Box {
  readonly root = makeFolder();
  readonly factory = join(this.root, "usr", "factory");
  readonly device = join(this.root, "var", "moult");
  readonly config = join(this.root, "etc", "device.yaml");
  readonly template = join(this.root, "usr", "device.yaml");
  readonly build = makeTestBuild({ files: { "workload/app": "a workload" } });

  constructor() {
    chmodSync(this.root, 0o755);
    const put = (path: string, bytes: string | Uint8Array): void => {
      mkdirSync(dirname(join(this.factory, path)), { recursive: true });
      writeFileSync(join(this.factory, path), bytes);
    };
    const { manifest, digest, parts, bytes, envelope } = this.build;
    for (const part of manifest.parts) put(part.path, parts.get(part.digest) ?? "");
    put(CONTENTS_FILE, encodeContents(contentsOf(manifest, digest)));
    put(MANIFEST_FILE, bytes);
    put(SIGNED_FILE, envelope);
    writeFileSync(this.template, `# of the vendor\nnetwork: test\ndevice_dir: ${this.device}\n`);
  }

  async boot(...more: readonly string[]): Promise<void> {
    const args = ["--config", this.config, "--factory", this.factory, "--template", this.template, ...more];
    await promisify(execFile)(process.execPath, [MAIN, ...args], { timeout: 20_000 });
  }

  get token(): string {
    return join(this.device, "state", "enrollment-token");
  }

  get stored(): readonly string[] {
    return readdirSync(join(this.device, "parts")).sort();
  }
}

/** A disk whose nth change fails, and every one after it: the power is gone. */
function diskThatFailsAt(nth: number): Disk {
  let left = nth;
  const spend = (): void => {
    left -= 1;
    if (left <= 0) throw new DiskError("IO", "the power is gone");
  };
  const changes = [
    "makeFolder",
    "syncFolder",
    "rename",
    "link",
    "makeExecutable",
    "removeFile",
    "removeFolder",
  ] as const;
  const failing = changes.map((name) => [
    name,
    async (path: string, to: string) => {
      spend();
      const change: (path: string, to: string) => Promise<void> = nodeDisk[name];
      await change(path, to);
    },
  ]);
  return {
    ...nodeDisk,
    ...(Object.fromEntries(failing) as Partial<Disk>),
    async create(path, mode) {
      spend();
      const file = await nodeDisk.create(path, mode);
      return {
        async write(bytes) {
          spend();
          await file.write(bytes);
        },
        async sync() {
          spend();
          await file.sync();
        },
        close: file.close,
      };
    },
  };
}

describe("the first boot", () => {
  it("makes a device whose launcher finds the factory's build, and changes nothing when it is repeated", async () => {
    const box = new Box();
    await box.boot();
    expect(readFileSync(box.config, "utf8")).toContain("# of the vendor");
    expect(readlinkSync(join(box.device, "factory"))).toBe(box.factory);
    expect(box.stored).toEqual([...box.build.parts.keys()].sort());
    const records = new BootRecordFiles(nodeDisk, join(box.device, "state"));
    const parts = { disk: nodeDisk, deviceDir: box.device, records, say: () => {} };
    const boot = await chooseBoot(parts, undefined, "digests");
    expect(boot?.decision).toMatchObject({ slot: "factory", digest: box.build.digest, trial: false });
    const inodes = (): readonly number[] => box.stored.map((name) => statSync(join(box.device, "parts", name)).ino);
    const before = inodes();
    await box.boot();
    expect(inodes()).toEqual(before);
  });

  it("goes on where a power cut ended it", async () => {
    const box = new Box();
    await box.boot();
    const [first = ""] = box.stored;
    rmSync(join(box.device, "parts", first));
    rmSync(join(box.device, "factory"));
    writeFileSync(join(box.device, "incoming", "half"), "ha");
    await box.boot();
    expect(box.stored).toContain(first);
    expect(readdirSync(join(box.device, "incoming"))).toEqual([]);
    expect(lstatSync(join(box.device, "factory")).isSymbolicLink()).toBe(true);
  });

  it("takes no part whose bytes are not the factory's, but links the slot", async () => {
    const box = new Box();
    writeFileSync(join(box.factory, "workload", "app"), "another!!!");
    await expect(box.boot()).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("is not the one") });
    expect(readdirSync(join(box.device, "incoming"))).toEqual([]);
    expect(box.stored).toHaveLength(2);
    expect(existsSync(join(box.device, "factory"))).toBe(true);
  });

  it("moves the token out of the configuration, and leaves the rest as it was written", async () => {
    const box = new Box();
    mkdirSync(dirname(box.config));
    const text = `# why\nnetwork: test # here\nenrollment_token: ${TOKEN}\ndevice_dir: ${box.device}\n`;
    writeFileSync(box.config, text);
    await box.boot();
    expect(readFileSync(box.token, "utf8").trim()).toBe(TOKEN);
    expect(readFileSync(box.config, "utf8")).toBe(`# why\nnetwork: test # here\ndevice_dir: ${box.device}\n`);
    expect(readdirSync(dirname(box.config))).toEqual(["device.yaml"]);
    rmSync(box.token);
    await box.boot();
    expect(existsSync(box.token)).toBe(false);
  });

  it("never loses the token, whichever write is the last, and mends the rest the next time", async () => {
    let writes = 0;
    for (let cut = 1, done = false; !done; cut += 1) {
      const box = new Box();
      mkdirSync(dirname(box.config));
      writeFileSync(box.config, `device_dir: ${box.device}\nenrollment_token: ${TOKEN}\n`);
      const told = { config: box.config, factory: box.factory, template: undefined, owner: undefined };
      done = await makeDevice(diskThatFailsAt(cut), () => {}, told).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof DiskError)) throw error;
          return false;
        },
      );
      const inConfig = readFileSync(box.config, "utf8").includes(TOKEN);
      const inState = existsSync(box.token) && readFileSync(box.token, "utf8").trim() === TOKEN;
      expect([cut, inConfig || inState]).toEqual([cut, true]);
      await makeDevice(nodeDisk, () => {}, told);
      expect(readFileSync(box.token, "utf8").trim()).toBe(TOKEN);
      expect(readFileSync(box.config, "utf8")).not.toContain(TOKEN);
      expect(box.stored).toEqual([...box.build.parts.keys()].sort());
      expect(readdirSync(join(box.device, "incoming"))).toEqual([]);
      writes = cut;
    }
    expect(writes).toBeGreaterThan(30);
  });

  it.runIf(isRoot)(
    "gives the device's folder to its user, who may read the configuration and not write it",
    async () => {
      const box = new Box();
      mkdirSync(dirname(box.config));
      writeFileSync(box.config, `device_dir: ${box.device}\nenrollment_token: ${TOKEN}\n`);
      await box.boot("--owner", "nobody");
      const { uid, gid } = statSync(box.device);
      expect(uid).toBe(65_534);
      for (const name of readdirSync(box.device)) expect(lstatSync(join(box.device, name)).uid).toBe(uid);
      expect(statSync(box.token)).toMatchObject({ uid, gid });
      expect(statSync(box.config)).toMatchObject({ uid: 0, gid });
      expect(statSync(box.config).mode & 0o777).toBe(0o640);
      expect(statSync(join(box.factory, "runtime", "node")).uid).toBe(0);
    },
  );
});

describe("a configuration's token", () => {
  it("is found in YAML only, and a text that is none stays", () => {
    expect(splitConfig("enrollment_token: x\nmodel: y\n")).toEqual({ token: "x", rest: "model: y\n" });
    for (const text of ["", "- enrollment_token", "enrollment_token: 7\n", "enrollment_token: [\n"]) {
      expect(splitConfig(text)).toEqual({ token: "", rest: text });
    }
    expect(parse(splitConfig('{"enrollment_token": "x", "a": 1}').rest)).toEqual({ a: 1 });
  });
});
