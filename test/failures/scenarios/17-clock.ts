/** Row 17: an expired certificate, blocked NTP, a clock in 1970 or 2038. */
import { execFileSync } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../../../apps/agent/src/testing/certificate.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, type Scene, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

const HOUR_MS = 3_600_000;

/** Moves the clock that the program reads; put in front of it by the runtime's own options. */
const SHIFT = `
const RealDate = Date;
const shiftMs = Number(process.env.TEST_SHIFT_MS);
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shiftMs);
    else super(...args);
  }
  static now() {
    return RealDate.now() + shiftMs;
  }
};
`;

async function updatesAt(scene: Scene, time: string): Promise<void> {
  const home = await OddHome.make(scene, { factory: makeBuild(scene, { counter: 1 }) });
  // Where the agent may read: it runs under the permission model.
  const shift = join(home.box.dir, "shift.mjs");
  writeFileSync(shift, SHIFT);
  const shiftMs = Date.parse(time) - Date.now();
  home.box.switchOn({ NODE_OPTIONS: `--import=${shift}`, TEST_SHIFT_MS: String(shiftMs) });
  await home.nextAsks(1);
  const line = home.box.log.find(({ msg }) => msg === "started");
  const offMs = Number(line?.["time"]) - Date.parse(time);
  must(Math.abs(offMs) < HOUR_MS, "the clock was not shifted, so that nothing was tested");
  const two = makeBuild(scene, { counter: 2 });
  home.offer(two);
  await home.committed(two);
}

export const clock1970: Failure = {
  name: "17 a clock that stands in 1970 keeps no update out",
  run: (scene) => updatesAt(scene, "1970-01-01T00:05:00Z"),
};

export const clock2038: Failure = {
  name: "17 a clock that has passed 2038 keeps no update out",
  run: (scene) => updatesAt(scene, "2038-01-19T04:00:00Z"),
};

export const expired: Failure = {
  name: "17 an expired certificate delays an update and harms nothing",
  async run(scene) {
    // It was flashed today, so that it knows that yesterday is over.
    const config = { build_time: new Date().toISOString() };
    const home = await OddHome.make(scene, { factory: makeBuild(scene, { counter: 1 }), config });
    const { coordinator, box } = home;
    const past = makeCertificate({ fromMs: Date.now() - 30 * HOUR_MS, untilMs: Date.now() - HOUR_MS });
    appendFileSync(join(scene.root, "ca.pem"), past.cert);
    coordinator.kill();
    coordinator.certificate = past;
    await coordinator.start();
    const two = makeBuild(scene, { counter: 2 });
    home.offer(two);
    box.switchOn();
    const refusals = (): number =>
      box.log.filter((line) => JSON.stringify(line).includes("a certificate of the server ended at")).length;
    await until("the refusal of the certificate", () => refusals() > 0);
    const [agent, workload] = [box.pidOf("agent"), await box.workload()];
    must(coordinator.calls.length === 0, "a server with an expired certificate was spoken to");

    coordinator.kill();
    coordinator.certificate = home.certificate;
    await coordinator.start();
    await home.nextAsks(1);
    must(box.pidOf("agent") === agent, "the certificate cost the agent its life");
    await home.committed(two);
    must(box.pidOf("workload") === workload, "the certificate cost the workload its life");
  },
};

/** The three ways by which a program and its libraries learn the time, with a fixed number of seconds added. */
const SHIM = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long shift(void) { const char *s = getenv("TEST_SHIFT_S"); return s ? atol(s) : 0; }
int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, at);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) at->tv_sec += shift();
  return result;
}
time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
`;

function findCompiler(): string | undefined {
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch (error) {
    if (error instanceof Error) return "moving the clock of the TLS library takes a C compiler (Debian: gcc libc6-dev)";
    throw error;
  }
}

/** Also for the TLS library, which asks the system and not the program for the time. */
export const noClock: Failure = {
  name: "17 a box without a clock trusts its coordinator's certificate all the same",
  missing: findCompiler(),
  async run(scene) {
    const home = await OddHome.make(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    const [source, library] = [join(scene.root, "shim.c"), join(scene.root, "shim.so")];
    writeFileSync(source, SHIM);
    execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
    const shiftS = Math.round((Date.parse("1970-01-01T00:05:00Z") - Date.now()) / 1000);
    home.box.switchOn({ LD_PRELOAD: library, TEST_SHIFT_S: String(shiftS) });
    const two = makeBuild(scene, { counter: 2, says: "none" });
    home.offer(two);
    const refused = (): boolean => home.box.log.some((line) => JSON.stringify(line).includes("not yet valid"));
    await until("the first ask", () => {
      must(!refused(), "the certificate was judged by a clock that stands in 1970");
      return home.coordinator.asks.length > 0;
    });
    await home.committed(two);
  },
};
