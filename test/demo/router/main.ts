/**
 * The router as a process: `node router/main.ts --settings FILE`. A reverse proxy on loopback that spreads requests over
 * the members that take work, and takes a node out before the node leaves.
 */
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { tellParent, whenParentEnds } from "../harness/child.ts";
import { settingsFile } from "../harness/settings-file.ts";
import { Balancer, type Member } from "./balancer.ts";
import { Connections } from "./connections.ts";
import { followMembership } from "./membership.ts";
import type { RouterMessage, RouterSettings } from "./messages.ts";
import { probeUntilWell } from "./probe.ts";
import { type Ending, createProxy } from "./proxy.ts";

/** How often to tell how things are, in milliseconds. */
const TELL_EVERY_MS = 250;

const settings = JSON.parse(readFileSync(settingsFile(process.argv), "utf8")) as RouterSettings;
const balancer = new Balancer();
const connections = new Map<string, Connections>();
const endings: Record<Ending, number> = { PASSED: 0, NOBODY: 0, UNREACHABLE: 0, GONE: 0 };

const connectionsOf = (node: string): Connections => {
  const open = connections.get(node) ?? new Connections();
  connections.set(node, open);
  return open;
};
const retire = (node: string): void => {
  connections.get(node)?.retire();
  connections.delete(node);
};
const onUnreachable = (member: Member): void => {
  if (!balancer.eject(member.node)) return;
  log(`${member.node} at ${member.endpoint} cannot be reached and is left out`);
  retire(member.node);
  void awaitReturn(member);
};
const onNews = (members: Member[], snapshot: boolean): void => {
  for (const change of balancer.apply(members, snapshot)) if (change.kind === "RETIRED") retire(change.node);
  for (const { node, state, version } of members) log(`${node} ${state} ${version}`);
  tell();
};

async function awaitReturn({ node, endpoint }: Member): Promise<void> {
  if (!(await probeUntilWell(endpoint, () => balancer.awaitsProbe(node)))) return;
  balancer.readmit(node);
  log(`${node} answers again`);
}

function tell(): void {
  const nodes = balancer.members().map(({ member, inFlight, ejected }) => {
    const { node, endpoint, state, version } = member;
    return { node, endpoint, state, version, inFlight, ejected };
  });
  tellParent({ kind: "router", nodes, endings } satisfies RouterMessage);
}

function log(text: string): void {
  process.stdout.write(`${performance.now().toFixed(0)} ms: ${text}\n`);
}

const proxy = createProxy({ balancer, connectionsOf, onUnreachable, onEnd: (ending) => (endings[ending] += 1) });
const stop = new AbortController();
whenParentEnds(() => process.exit(0));
process.once("SIGTERM", () => process.exit(0));
setInterval(tell, TELL_EVERY_MS);
proxy.listen(settings.port, "127.0.0.1");
await followMembership(settings.coordinator, onNews, (reason) => log(`watch broke: ${reason}`), stop.signal);
