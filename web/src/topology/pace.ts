// How often what changed is drawn: ten times a second, which is as fast as anybody reads, and less where drawing itself
// makes frames late, as it does without a GPU. It takes a quarter of the time at most, but comes once a second.

const EVERY_MS = 100;
const SELDOM_MS = 1000;
const SHARE = 4;
const TWO_FRAMES_MS = 34;
const WEIGHT = 0.3; // Of the newest.

export class Pace {
  private late = 0; // Milliseconds, smoothed.
  private watched = false;

  every(): number {
    return Math.min(SELDOM_MS, Math.max(EVERY_MS, SHARE * this.late));
  }

  // The frame after the next came so long after the drawing.
  followed(ms: number): void {
    this.late += WEIGHT * (Math.max(0, ms - TWO_FRAMES_MS) - this.late);
  }

  // Something was drawn just now.
  drawn(): void {
    if (this.watched || document.hidden) return;
    this.watched = true;
    const began = performance.now();
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        this.watched = false;
        this.followed(performance.now() - began);
      }),
    );
  }
}
