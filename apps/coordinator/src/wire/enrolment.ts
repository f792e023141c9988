/** What a device says of itself when it enrols. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatName } from "@moult/contracts";
import type { EnrollRequest, EnrollmentTokenSchema } from "@moult/contracts/v1";
import { tokenIdOf } from "../identity/enrollment.ts";
import type { EnrollmentToken } from "../store/port.ts";
import { Fields } from "./fields.ts";
import { writeTime } from "./time.ts";

const DOMAINS_MAX = 8;

/** A device's own words; the token's labels win over them. */
export interface EnrolmentWish {
  readonly model: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly domains: readonly string[];
}

/** Writes a token; what makes it one is not known any more. */
export function writeEnrollmentToken(token: EnrollmentToken): MessageInitShape<typeof EnrollmentTokenSchema> {
  return {
    name: formatName("enrollmentTokens", tokenIdOf(token.tokenHash)),
    pool: formatName("pools", token.poolId),
    usesLeft: token.usesLeft,
    expireTime: writeTime(token.expiresAtMs),
    labels: { ...token.labels },
  };
}

/** Reads an enrolment. Throws INVALID_ARGUMENT. */
export function readEnrolment(message: EnrollRequest): EnrolmentWish {
  const fields = new Fields();
  fields.text(message.enrollmentToken, "enrollment_token", { min: 1, max: 256 });
  fields.check(message.domains.length <= DOMAINS_MAX, "domains", `at most ${DOMAINS_MAX}`);
  const wish: EnrolmentWish = {
    model: fields.text(message.model, "model", { min: 0, max: 64 }),
    labels: fields.labels(message.labels, "labels"),
    domains: [...new Set(message.domains.slice(0, DOMAINS_MAX))].map((name) =>
      fields.text(name, "domains", { min: 1, max: 128 }),
    ),
  };
  fields.done();
  return wish;
}
