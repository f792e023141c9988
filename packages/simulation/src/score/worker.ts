/** A thread's entry: carries out one task and says what came of it. It decides nothing. */
import { parentPort, workerData } from "node:worker_threads";
import { policyNamed } from "../policies/index.ts";
import { type Task, type Told, carryOut } from "./split.ts";

const task = workerData as Task;
const policy = task.policy === undefined ? undefined : policyNamed(task.policy);
// A port between threads, not a window: there is no origin to name.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
const tell = (told: Told): void => parentPort?.postMessage(told);
tell(carryOut(task, policy, (share) => tell({ kind: "progress", share })));
