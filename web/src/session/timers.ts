/** Timers by name: one of each at a time, all gone when the page leaves the session. */
import type { World } from "./connection";

export class Timers {
  private readonly running = new Map<string, number>();

  constructor(private readonly world: Pick<World, "setTimeout" | "clearTimeout">) {}

  has(name: string): boolean {
    return this.running.has(name);
  }

  /** The one of this name that runs already is forgotten. */
  arm(name: string, ms: number, run: () => void): void {
    const old = this.running.get(name);
    if (old !== undefined) this.world.clearTimeout(old);
    this.running.set(
      name,
      this.world.setTimeout(() => {
        this.running.delete(name);
        run();
      }, ms),
    );
  }

  /** Unless one of this name runs already. */
  armOnce(name: string, ms: number, run: () => void): void {
    if (!this.running.has(name)) this.arm(name, ms, run);
  }

  clear(): void {
    for (const id of this.running.values()) this.world.clearTimeout(id);
    this.running.clear();
  }
}
