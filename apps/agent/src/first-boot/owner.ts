/** Who a name is, as the box itself says. Pure. */

/** Numbers of a user. */
export interface Owner {
  readonly userId: number;
  readonly groupId: number;
}

/** The user `name` in the text of `/etc/passwd` (passwd(5)); undefined where there is none. */
export function findOwner(passwd: string, name: string): Owner | undefined {
  for (const line of passwd.split("\n")) {
    const [user, , userId, groupId] = line.split(":");
    if (user !== name || !/^\d+$/.test(userId ?? "") || !/^\d+$/.test(groupId ?? "")) continue;
    return { userId: Number(userId), groupId: Number(groupId) };
  }
  return undefined;
}
