/** `moult release …`: from files to a release that the fleet may move to. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addReleaseAllow } from "./release/allow.ts";
import { addReleaseBuild } from "./release/build.ts";
import { addReleaseDelta } from "./release/delta.ts";
import { addReleaseGet } from "./release/get.ts";
import { addReleaseList } from "./release/list.ts";
import { addReleaseMerge } from "./release/merge.ts";
import { addReleasePublish } from "./release/publish.ts";
import { addReleaseRecall } from "./release/recall.ts";
import { addReleaseSign } from "./release/sign.ts";
import { addReleaseVerify } from "./release/verify.ts";

/** Adds the group. */
export function addReleaseVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "release", "Build, approve, publish and look at releases");
  addReleaseBuild(group, ports);
  addReleaseAllow(group, ports);
  addReleaseSign(group, ports);
  addReleaseMerge(group, ports);
  addReleaseVerify(group, ports);
  addReleaseDelta(group, ports);
  addReleasePublish(group, ports);
  addReleaseList(group, ports);
  addReleaseGet(group, ports);
  addReleaseRecall(group, ports);
}
