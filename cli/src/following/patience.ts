/** How long to wait between questions: short while things happen, longer when they do not. Pure. */
export class Patience {
  private delay: number;

  constructor(
    private readonly shortest = 150,
    private readonly longest = 1500,
  ) {
    this.delay = shortest;
  }

  /** Milliseconds to wait after a look that did or did not show something new. */
  next(somethingNew: boolean): number {
    this.delay = somethingNew ? this.shortest : Math.min(this.longest, Math.round(this.delay * 1.5));
    return this.delay;
  }
}
