/** tuf-js as it comes, on the same files: what it says to an attack. For tests only. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BaseFetcher, Updater } from "tuf-js";
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import type { World } from "./world.ts";

/** What it was asked to fetch, with the bound it set itself. */
export interface StockAsk {
  readonly name: string;
  readonly bytesMax: number;
}

class MirrorFetcher extends BaseFetcher {
  readonly #world: World;
  readonly asked: StockAsk[] = [];

  constructor(world: World) {
    super();
    this.#world = world;
  }

  override async downloadBytes(url: string, bytesMax: number): Promise<Buffer> {
    this.asked.push({ name: new URL(url).pathname.slice(1), bytesMax });
    return super.downloadBytes(url, bytesMax);
  }

  override fetch(url: string): ReturnType<BaseFetcher["fetch"]> {
    const bytes = this.#world.files.get(decodeURIComponent(new URL(url).pathname.slice(1)));
    if (bytes === undefined) return Promise.reject(new DownloadHTTPError("not there", 404));
    return Promise.resolve(new Blob([new Uint8Array(bytes)]).stream());
  }
}

/** A stock client with a disk of its own; `use` may go on with the updater. */
export class Stock {
  readonly folder: string = mkdtempSync(join(tmpdir(), "moult-stock-"));
  readonly asked: StockAsk[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    writeFileSync(join(this.folder, "root.json"), world.flashedRoot);
  }

  /** One refresh, as a process of its own would do it, with its metadata in `folder`. Throws what the library throws. */
  async refresh(folder = "."): Promise<Updater> {
    const fetcher = new MirrorFetcher(this.#world);
    const updater = new Updater({
      metadataDir: join(this.folder, folder),
      metadataBaseUrl: "http://mirror.example/",
      fetcher,
    });
    try {
      await updater.refresh();
    } finally {
      this.asked.push(...fetcher.asked);
    }
    return updater;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What stock tuf-js says after `attack` on a world: `accepted` or its error's message. */
export async function stockVerdict(
  world: World,
  attack: (world: World) => void,
  refreshedBefore: boolean,
): Promise<string> {
  using stock = new Stock(world);
  if (refreshedBefore) await stock.refresh();
  attack(world);
  try {
    await stock.refresh();
    return "accepted";
  } catch (error) {
    return error instanceof Error ? `refused: ${error.message}` : "refused";
  }
}
