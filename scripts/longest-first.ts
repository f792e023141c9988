/**
 * In which order test files begin: those that take minutes first, so that none of them is left over when all others are done and
 * a core stands still. What is not named here keeps the order that vitest gives it.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Ends of paths, longest first, as they were measured on two cores. */
const LONGEST = [
  "test/docs/docs.system.test.ts",
  "test/failures/failures.system.test.ts",
  "test/security/security.system.test.ts",
  "test/crash/crash.system.test.ts",
  "test/boot/systemd.system.test.ts",
  "test/network/nat.system.test.ts",
  "test/coordinator/coordinator.system.test.ts",
  "test/demo/demo.system.test.ts",
  "apps/coordinator/src/replica/replicas.test.ts",
  "test/security/fuzz/fuzz.test.ts",
  "store/postgres/process.test.ts",
  "launcher/launcher.test.ts",
  "pull/delta.test.ts",
  "apps/coordinator/src/process.test.ts",
];

/** The order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((end) => moduleId.endsWith(end));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((one, two) => place(one) - place(two));
  }
}
