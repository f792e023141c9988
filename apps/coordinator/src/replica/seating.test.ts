import { status } from "@grpc/grpc-js";
import type { Call, Implementation } from "@moult/contracts";
import { MembershipService } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Principal } from "../rpc/access.ts";
import type { Seat, SeatView } from "../store/port.ts";
import { until } from "../testing/wait.ts";
import { createReplica } from "./replica.ts";
import { Seating } from "./seating.ts";
import { SharedClock } from "./shared-clock.ts";
import { Unanswered, within } from "./within.ts";

const ANSWER_MS = 50;
const NEVER = new Promise<never>(() => {});
const REFUSED = new Error("connect ECONNREFUSED");

/** A seat in a database that answers, says no, or is silent. */
class TestSeat implements Seat {
  owner: "" | "ours" | "another" = "";
  is: "there" | "away" | "silent" = "there";
  asked = 0;
  readonly #silence = Promise.withResolvers<void>();

  async #reach(): Promise<void> {
    this.asked += 1;
    if (this.is === "away") throw REFUSED;
    if (this.is === "silent") await this.#silence.promise;
  }

  /** What was not answered is, and so is all else from now on. */
  answers(): void {
    this.is = "there";
    this.#silence.resolve();
  }

  async look(): Promise<SeatView> {
    await this.#reach();
    const isOurs = this.owner === "ours";
    return { isOurs, isAlive: this.owner !== "", name: this.owner, address: "", artifacts: "" };
  }

  async take(): Promise<boolean> {
    await this.#reach();
    if (this.owner === "another") return false;
    this.owner = "ours";
    return true;
  }

  async release(): Promise<void> {
    await this.#reach();
    this.owner = "";
  }

  async timeMs(): Promise<number> {
    return Date.now();
  }

  readonly isLeased = (): boolean => true;
  readonly announce = (): void => {};
}

let seat: TestSeat;
let told: { readonly err?: unknown; readonly message: string }[];
let sat: number;
let risen: number;
let rising: Promise<void>;
let seating: Seating;
const note = (fields: object, message: string): void => void told.push({ ...fields, message });
const log = { info: note, warn: note, error: note };
beforeEach(async () => {
  [told, sat, risen, rising] = [[], 0, 0, Promise.resolve()];
  seat = new TestSeat();
  seating = new Seating({
    seat,
    log,
    answerMs: ANSWER_MS,
    sit: async () => void (sat += 1),
    rise: () => ((risen += 1), rising),
    looked: () => undefined,
  });
  await seating.start();
  expect(seating.speaks).toBe(true);
});
afterEach(() => seating.stop());

test.for(["away", "silent"] as const)("stopping gets up and ends where the database is %s, and says so", async (is) => {
  seat.is = is;
  await until("it has asked", () => seating.isBlind || undefined);
  const before = told.length;
  await within(seating.stop(), 5_000);
  expect(risen).toBe(1);
  expect(seating.speaks).toBe(false);
  const said = told.slice(before).find(({ message }) => message.startsWith("the seat is not given back"));
  expect(said?.err).toBe(is === "away" ? REFUSED : said?.err);
  expect(said?.err).toBeInstanceOf(Error);
});

test("a silent database makes it blind and is asked little; it gets up where it has to, and sits when there is an answer", async () => {
  const { asked } = seat;
  seat.is = "silent";
  await until("it is blind", () => seating.isBlind || undefined);
  seating.failed();
  await until("it has got up", () => risen === 1 || undefined);
  await until("it has asked all that it may", () => seat.asked === asked + 4 || undefined);
  const more = until("it asks more", () => seat.asked > asked + 4 || undefined);
  await expect(within(more, 700)).rejects.toBeInstanceOf(Unanswered);
  seat.answers();
  await until("it sits again", () => (sat === 2 && seating.speaks && !seating.isBlind) || undefined);
  await more;
});

test("what is slow to end keeps nobody from taking the seat again", async () => {
  rising = NEVER;
  seating.failed();
  await until("it sits again", () => sat === 2 || undefined);
  await until("it speaks", () => seating.speaks || undefined);
  expect(told.map(({ message }) => message)).toContain("not all that ends with the seat has ended");
});

test("who sits down when it has been stopped gets up again", async () => {
  const loading = Promise.withResolvers<void>();
  const late = new Seating({
    seat,
    log,
    answerMs: ANSWER_MS,
    sit: () => loading.promise,
    rise: async () => void (risen += 1),
    looked: () => undefined,
  });
  seat.owner = "another";
  await until("the first has risen", () => !seating.isSeated || undefined);
  await late.start();
  await seating.stop();
  seat.owner = "";
  await until("the second has taken it", () => seat.owner === "ours" || undefined);
  await late.stop();
  const before = risen;
  loading.resolve();
  await until("it has given it back", () => (risen > before && seat.owner === "") || undefined);
  expect(late.speaks).toBe(false);
});

test("streams end at once where it gets up, and not when the store has answered", async () => {
  const own = new TestSeat();
  const ending = Promise.withResolvers<void>();
  const replica = createReplica({
    seat: own,
    clock: new SharedClock({ now: () => Date.now() }),
    secret: new Uint8Array(32),
    caPem: "",
    log,
    sit: async () => undefined,
    leave: () => undefined,
    left: () => ending.promise,
  });
  await replica.seating.start();
  const inner = {
    async *watch(_: unknown, call: Call<Principal>): AsyncGenerator {
      yield {};
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
    },
  };
  const served = replica.through.messages(
    MembershipService,
    inner as Implementation<typeof MembershipService, Principal>,
  );
  const { signal } = new AbortController();
  const call: Call<Principal> = { principal: { kind: "anyone" }, metadata: { get: () => undefined }, peer: "", signal };
  const stream = served.watch({} as never, call)[Symbol.asyncIterator]();
  await stream.next();
  const end = stream.next();
  replica.seating.failed();
  await expect(within(Promise.resolve(end), 1_500)).rejects.toMatchObject({ code: status.UNAVAILABLE });
  ending.resolve();
  await replica.seating.stop();
  replica.close();
});
