/** Where things stand in a device's folder, besides the slots. */
import { join } from "node:path";
import { slotLayout } from "@moult/slots";

/** Paths under one device folder. */
export interface DeviceLayout {
  /** The device's private key. */
  readonly identityFile: string;
  /** The enrolment token, until it was accepted. */
  readonly enrollmentTokenFile: string;
  /** The update machine's durable part. */
  readonly stateFile: string;
  /** What means nothing after a reboot. */
  readonly run: string;
  /** Where the workload listens. */
  readonly workSocket: string;
  /** One folder for each workload, with the parts it uses. */
  readonly work: string;
}

/** The layout under `root`. */
export function deviceLayout(root: string): DeviceLayout {
  const { state } = slotLayout(root);
  const run = join(root, "run");
  return {
    identityFile: join(state, "identity.pem"),
    enrollmentTokenFile: join(state, "enrollment-token"),
    stateFile: join(state, "agent"),
    run,
    workSocket: join(run, "work.sock"),
    work: join(root, "work"),
  };
}
