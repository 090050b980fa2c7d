// Work for the next frame. However many things happen before it, each is done once.

export class Frames {
  private readonly waiting = new Set<() => void>();
  private asked = false;

  constructor(private readonly next: (draw: () => void) => unknown = (draw) => requestAnimationFrame(draw)) {}

  want(work: () => void): void {
    this.waiting.add(work);
    if (this.asked) return;
    this.asked = true;
    this.next(() => {
      this.draw();
    });
  }

  private draw(): void {
    this.asked = false;
    const works = [...this.waiting];
    this.waiting.clear();
    for (const work of works) work();
  }
}
