/**
 * What each role covers: the one table. What a method needs stands with the method in the contract; what an operator is
 * stands in the table of operators.
 */
import { Access } from "@moult/contracts/v1";

/** The roles there are. */
export const ROLES = ["viewer", "operator", "releaser", "publisher", "breaker", "council", "admin"] as const;

/** A role. */
export type Role = (typeof ROLES)[number];

const COVERS: Readonly<Record<Role, readonly Access[]>> = {
  viewer: [Access.VIEWER],
  operator: [Access.VIEWER, Access.OPERATOR],
  releaser: [Access.VIEWER, Access.OPERATOR, Access.RELEASER],
  publisher: [Access.VIEWER, Access.PUBLISHER],
  breaker: [Access.VIEWER, Access.BREAKER],
  // A council member's word is a signature made offline; here it may only look.
  council: [Access.VIEWER],
  admin: [Access.VIEWER, Access.OPERATOR, Access.RELEASER, Access.PUBLISHER, Access.BREAKER, Access.ADMIN],
};

/** Whether one of these roles may call what needs this access. What no role covers, nobody may call. */
export function covers(roles: readonly Role[], access: Access): boolean {
  return roles.some((role) => COVERS[role].includes(access));
}
