/**
 * A small internet of network namespaces: coordinators, a home router that translates addresses and forgets quiet
 * connections, a home behind it, and a home with IPv6 alone. Everything in it is the kernel's own; nothing leaves it.
 *
 *   home 192.168.77.2 ── router (NAT) ── coordinators 203.0.113.10, 203.0.113.11, 2001:db8:113::10
 *   home6 2001:db8:6::2 ──┘ (routed)
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";

/** Places in the lab. */
export type Place = "net" | "router" | "home" | "home6";

/** Addresses of the coordinators, and a name for the first that also leads nowhere. */
export const FIRST = "203.0.113.10";
export const SECOND = "203.0.113.11";
export const FIRST_IP6 = "2001:db8:113::10";
export const NAME = "coordinator.test";

const HOSTS = `127.0.0.1 localhost\n203.0.113.99 ${NAME}\n${FIRST} ${NAME}\n${FIRST_IP6} ${NAME}\n`;
const PLACES: readonly Place[] = ["net", "router", "home", "home6"];
const PREFIX = "moult-net-";

/** Why no lab can be built here, in one line; undefined where it can. */
export function labMissing(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are a thing of Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const [tool, folder] of [
    ["ip", "iproute2"],
    ["nft", "nftables"],
  ] as const) {
    if (spawnSync(tool, ["-V"]).error !== undefined)
      return `\`${tool}\` is missing (Debian: apt-get install ${folder})`;
  }
  const name = `${PREFIX}probe-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name]);
  if (made.status !== 0) return `this kernel gives no network namespace: ${made.stderr.toString().trim()}`;
  const nat = spawnSync("ip", [
    "netns",
    "exec",
    name,
    "nft",
    "add table ip t; add chain ip t c { type nat hook postrouting priority 100; }; add rule ip t c masquerade",
  ]);
  spawnSync("ip", ["netns", "del", name]);
  return nat.status === 0 ? undefined : `this kernel translates no addresses: ${nat.stderr.toString().trim()}`;
}

/** The lab. */
export class Lab {
  readonly #id: string = `${PREFIX}${process.pid}`;

  /** Builds it. The router forgets a TCP connection that was quiet for `natTimeoutS`. */
  static build(natTimeoutS: number): Lab {
    const lab = new Lab();
    sweepDead();
    try {
      lab.#build(natTimeoutS);
    } catch (error) {
      lab.demolish();
      throw error;
    }
    return lab;
  }

  private constructor() {}

  /** The command line that runs `command` at a place. The process it becomes is the command itself. */
  at(place: Place, command: readonly string[]): readonly string[] {
    return ["ip", "netns", "exec", this.#name(place), ...command];
  }

  /** The router loses all its mappings at once, as when it has dialled in again. */
  redial(): void {
    this.#run("router", "ip link set out down");
    this.#run("router", "ip link set out up");
  }

  /** Nothing passes the router in either direction any more, and nobody is told. */
  blackhole(): void {
    this.#run("router", "nft insert rule inet guard forward drop comment blackhole");
  }

  /** Undoes `blackhole`. */
  heal(): void {
    const listed = execFileSync("ip", [
      "netns",
      "exec",
      this.#name("router"),
      "nft",
      "-a",
      "list",
      "chain",
      "inet",
      "guard",
      "forward",
    ]);
    const handle = /blackhole.* # handle ([0-9]+)/.exec(listed.toString())?.[1] ?? "";
    this.#run("router", `nft delete rule inet guard forward handle ${handle}`);
  }

  /** Takes it down. Its processes must have ended. */
  demolish(): void {
    for (const place of PLACES) remove(this.#name(place));
  }

  #build(natTimeoutS: number): void {
    for (const place of PLACES) {
      ip(`netns add ${this.#name(place)}`);
      mkdirSync(`/etc/netns/${this.#name(place)}`, { recursive: true });
      writeFileSync(`/etc/netns/${this.#name(place)}/hosts`, HOSTS);
      this.#run(place, "ip link set lo up");
    }
    this.#join("net", "wire", "router", "out");
    this.#join("home", "wire", "router", "in");
    this.#join("home6", "wire", "router", "in6");
    for (const address of [`${FIRST}/24`, `${SECOND}/24`, `${FIRST_IP6}/64`]) this.#address("net", "wire", address);
    this.#address("router", "out", "203.0.113.1/24");
    this.#address("router", "out", "2001:db8:113::1/64");
    this.#address("router", "in", "192.168.77.1/24");
    this.#address("router", "in6", "2001:db8:6::1/64");
    this.#address("home", "wire", "192.168.77.2/24");
    this.#address("home6", "wire", "2001:db8:6::2/64");
    this.#run("home", "ip route add default via 192.168.77.1");
    this.#run("home6", "ip route add default via 2001:db8:6::1");
    this.#run("net", "ip route add 2001:db8:6::/64 via 2001:db8:113::1");
    const settings = {
      "net.ipv4.ip_forward": 1,
      "net.ipv6.conf.all.forwarding": 1,
      // Addresses stay when a link goes down for a moment.
      "net.ipv6.conf.all.keep_addr_on_down": 1,
      "net.netfilter.nf_conntrack_tcp_timeout_established": natTimeoutS,
      // A connection whose mapping is gone is gone: the router does not pick it up in the middle.
      "net.netfilter.nf_conntrack_tcp_loose": 0,
    };
    for (const [key, value] of Object.entries(settings)) {
      const path = `/proc/sys/${key.replaceAll(".", "/")}`;
      execFileSync("ip", ["netns", "exec", this.#name("router"), "sh", "-c", `echo ${value} > ${path}`]);
    }
    const rules = [
      "add table ip nat",
      "add chain ip nat out { type nat hook postrouting priority 100; }",
      "add rule ip nat out oifname out masquerade",
      "add table inet guard",
      "add chain inet guard forward { type filter hook forward priority 0; policy drop; }",
      "add rule inet guard forward ct state invalid drop",
      "add rule inet guard forward ct state established,related accept",
      "add rule inet guard forward iifname { in, in6 } accept",
    ];
    execFileSync("ip", ["netns", "exec", this.#name("router"), "nft", rules.join("; ")]);
  }

  #join(one: Place, oneName: string, other: Place, otherName: string): void {
    const [a, b] = [this.#name(one), this.#name(other)];
    ip(`link add ${oneName} netns ${a} type veth peer name ${otherName} netns ${b}`);
    this.#run(one, `ip link set ${oneName} up`);
    this.#run(other, `ip link set ${otherName} up`);
  }

  #address(place: Place, link: string, address: string): void {
    this.#run(place, `ip address add ${address} dev ${link}${address.includes(":") ? " nodad" : ""}`);
  }

  #run(place: Place, command: string): void {
    execFileSync("ip", ["netns", "exec", this.#name(place), ...command.split(" ")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
  }

  #name(place: Place): string {
    return `${this.#id}-${place}`;
  }
}

/** What labs left whose process is gone. */
function sweepDead(): void {
  const names = execFileSync("ip", ["netns", "list"]).toString().split("\n");
  for (const name of names.map((line) => line.split(" ")[0] ?? "")) {
    const pid = /^moult-net-([0-9]+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) remove(name);
  }
}

function remove(name: string): void {
  spawnSync("ip", ["netns", "del", name]);
  rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
}

function ip(command: string): void {
  execFileSync("ip", command.split(" "), { stdio: ["ignore", "ignore", "pipe"] });
}
