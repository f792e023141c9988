/**
 * When two disk images count as one state: names that are random by design, the device's key, times and ids of boots are
 * made equal, so that a state is counted once however often it is met.
 */
import type { Normal } from "@moult/simulation";
import { ROOT } from "./world/settings.ts";

const KEY = /^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PRIVATE KEY-----\n$/;
const SEALED = "moult-sealed/v1 ";
const LINE_END = 10;

/** Normalised bytes by array. */
const known = new WeakMap<Uint8Array, Uint8Array>();

/** All of the disk counts. */
export const NORMAL: Normal = {
  isShuffled: (folder) => folder === `${ROOT}/incoming`,
  isIgnored: () => false,
  content: (path, bytes) => {
    if (!path.startsWith(`${ROOT}/state/`) && !path.startsWith(`${ROOT}/run/`)) return bytes;
    const before = known.get(bytes);
    if (before !== undefined) return before;
    const text = Buffer.from(bytes).toString("latin1");
    const normal = KEY.test(text) ? Buffer.from("a key") : text.startsWith(SEALED) ? sealed(text) : bytes;
    known.set(bytes, normal);
    return normal;
  },
};

/** The same without what is swept or means nothing after a boot: what a device has to go on from. */
export const NORMAL_CORE: Normal = {
  ...NORMAL,
  isIgnored: (path) => path === `${ROOT}/incoming` || path === `${ROOT}/run`,
};

/** The seal is left out: it follows from the rest, or is broken, which the rest shows as well. */
function sealed(text: string): Uint8Array {
  const body = text.slice(text.indexOf(String.fromCharCode(LINE_END)) + 1);
  const plain = body.replaceAll(/"([a-zA-Z]+Ms)":[0-9.]+/g, '"$1":0').replaceAll(/"bootId":"[^"]*"/g, '"bootId":""');
  return Buffer.from(plain, "latin1");
}
