/** What the scenario tells its audience, whatever the audience looks at. */
import type { Scene } from "./scene.ts";

/** An audience. */
export interface View {
  /** A step begins. */
  readonly begin: (step: number, steps: number, title: string) => void;
  /** Something happened. */
  readonly tell: (sentence: string) => void;
  /** What is to be seen now; called a few times a second. */
  readonly draw: (scene: Scene) => void;
  /** The show is over: gives the terminal back. May be called more than once. */
  readonly close: () => void;
}
