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
  /** Verified metadata, and the brakes that were heard. */
  readonly metadataFile: string;
  /** What means nothing after a reboot. */
  readonly run: string;
  /** Where the workload listens. */
  readonly workSocket: string;
  /** One folder for each workload, with the parts it uses. */
  readonly work: string;
  /** Which workload the init system is to run; there as long as one is wanted. */
  readonly workWanted: string;
  /** The init system is to stop the workload, and to remove this file once it has. */
  readonly workUnwanted: string;
  /** How far the agent that runs has come, for the launcher that follows it. */
  readonly agentLife: string;
  /** Somebody wants a factory reset with the next start. */
  readonly resetFlag: string;
  /** The same, and the device forgets whom it belonged to. */
  readonly wipeFlag: string;
  /** The enrolment token that must not be used again, as a digest. */
  readonly spentToken: string;
}

/** The layout under `root`. */
export function deviceLayout(root: string): DeviceLayout {
  const { state } = slotLayout(root);
  const run = join(root, "run");
  return {
    identityFile: join(state, "identity.pem"),
    enrollmentTokenFile: join(state, "enrollment-token"),
    stateFile: join(state, "agent"),
    metadataFile: join(state, "metadata"),
    run,
    workSocket: join(run, "work.sock"),
    work: join(root, "work"),
    workWanted: join(run, "work-wanted"),
    workUnwanted: join(run, "work-unwanted"),
    agentLife: join(run, "agent-life"),
    resetFlag: join(root, "factory-reset"),
    wipeFlag: join(root, "factory-reset-wipe"),
    spentToken: join(state, "token-spent"),
  };
}
